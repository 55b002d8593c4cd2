//! Between Rust values and columns.

use std::fmt::Display;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::fault::{Fault, Op};
use crate::error::StoreError;
use crate::words::Word;

/// Microseconds since 1970: how instants are stored.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Digits after the point that are kept of money and quantities.
const SCALE: u32 = 6;

/// Whole millionths: how money and quantities are stored. More digits are rounded, half to even.
pub(super) fn millionths(what: &'static str, value: Decimal) -> Op<i64> {
    let invalid = |reason| {
        Fault::from(StoreError::Invalid {
            what,
            value: value.to_string(),
            reason,
        })
    };
    // Beyond any order, and small enough that thousands of them can be summed in 64 bits.
    if value.abs() > Decimal::from(1_000_000_000) {
        return Err(invalid("it is beyond a thousand million"));
    }
    (value * Decimal::from(1_000_000))
        .round()
        .to_i64()
        .ok_or_else(|| invalid("it does not fit"))
}

/// As [`millionths`], for values that may not be negative.
pub(super) fn positive_millionths(what: &'static str, value: Decimal) -> Op<i64> {
    if value < Decimal::ZERO {
        return Err(StoreError::Invalid {
            what,
            value: value.to_string(),
            reason: "it is negative",
        }
        .into());
    }
    millionths(what, value)
}

pub(super) fn decimal(millionths: i64) -> Decimal {
    Decimal::new(millionths, SCALE).normalize()
}

/// A row that knows its name, for errors which say what cannot be read.
pub(super) struct Reader<'r> {
    row: &'r SqliteRow,
    table: &'static str,
    id: String,
}

impl<'r> Reader<'r> {
    pub(super) fn new(row: &'r SqliteRow, table: &'static str, id: impl Display) -> Self {
        Self {
            row,
            table,
            id: id.to_string(),
        }
    }

    fn corrupt(&self, column: &str, reason: impl Display) -> Fault {
        let reason = format!("column {column}: {reason}");
        StoreError::Corrupt {
            table: self.table,
            id: self.id.clone(),
            reason,
        }
        .into()
    }

    fn get<T>(&self, column: &str) -> Op<T>
    where
        T: sqlx::Type<sqlx::Sqlite> + sqlx::Decode<'r, sqlx::Sqlite>,
    {
        self.row
            .try_get(column)
            .map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn text(&self, column: &str) -> Op<String> {
        self.get(column)
    }

    pub(super) fn maybe_text(&self, column: &str) -> Op<Option<String>> {
        self.get(column)
    }

    pub(super) fn number(&self, column: &str) -> Op<i64> {
        self.get(column)
    }

    pub(super) fn flag(&self, column: &str) -> Op<bool> {
        self.get(column)
    }

    /// A number of a narrower type, e.g. a count of attempts.
    pub(super) fn maybe_number(&self, column: &str) -> Op<Option<i64>> {
        self.get(column)
    }

    pub(super) fn narrow<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Op<T> {
        T::try_from(self.number(column)?).map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn maybe_narrow<T: TryFrom<i64, Error: Display>>(
        &self,
        column: &str,
    ) -> Op<Option<T>> {
        let number: Option<i64> = self.get(column)?;
        number
            .map(T::try_from)
            .transpose()
            .map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn instant(&self, column: &str) -> Op<Timestamp> {
        self.maybe_instant(column)?
            .ok_or_else(|| self.corrupt(column, "is empty"))
    }

    pub(super) fn maybe_instant(&self, column: &str) -> Op<Option<Timestamp>> {
        let number: Option<i64> = self.get(column)?;
        number
            .map(Timestamp::from_microsecond)
            .transpose()
            .map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn decimal(&self, column: &str) -> Op<Decimal> {
        self.number(column).map(decimal)
    }

    pub(super) fn maybe_decimal(&self, column: &str) -> Op<Option<Decimal>> {
        let number: Option<i64> = self.get(column)?;
        Ok(number.map(decimal))
    }

    pub(super) fn word<T: Word>(&self, column: &str) -> Op<T> {
        let text = self.text(column)?;
        T::parse(&text).ok_or_else(|| self.corrupt(column, format_args!("unknown word \"{text}\"")))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Op<T> {
        self.maybe_json(column)?
            .ok_or_else(|| self.corrupt(column, "is empty"))
    }

    pub(super) fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Op<Option<T>> {
        let text = self.maybe_text(column)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| self.corrupt(column, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_kept_to_the_millionth() {
        let cases = [
            ("0", 0),
            ("0.60", 600_000),
            ("-1.5", -1_500_000),
            ("0.0000005", 0),
            ("0.0000015", 2),
        ];
        for (text, expected) in cases {
            assert_eq!(
                millionths("amount", text.parse().unwrap()).unwrap(),
                expected,
                "{text}"
            );
        }
        assert_eq!(decimal(600_000).to_string(), "0.6");
        // What floating-point arithmetic makes of 0.1 + 0.2.
        assert_eq!(
            decimal(millionths("amount", "0.30000000000000004".parse().unwrap()).unwrap())
                .to_string(),
            "0.3"
        );
    }

    #[test]
    fn impossible_money_is_refused() {
        for value in ["1000000001", "-79228162514264337593543950335"] {
            let refused = millionths("amount", value.parse().unwrap());
            assert!(
                matches!(
                    refused,
                    Err(Fault::Refused(StoreError::Invalid { what: "amount", .. }))
                ),
                "{value}"
            );
        }
        assert!(positive_millionths("estimate", Decimal::NEGATIVE_ONE).is_err());
    }
}
