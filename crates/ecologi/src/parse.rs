//! From an action's arguments to an order.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value};

use crate::number;
use crate::order::{CarbonUnits, Country, InvalidOrder, Order, OrderRequest};

pub(crate) const PURCHASES: [&str; 5] = [
    "buy-trees",
    "buy-local-trees",
    "buy-carbon-avoidance",
    "buy-carbon-removal",
    "buy-habitat-restoration",
];

const OPTIONS: [&str; 3] = ["name", "recipientEmail", "test"];

pub(crate) fn request(operation: &str, args: &Value) -> Result<OrderRequest, InvalidOrder> {
    let args = Arguments(args.as_object().ok_or(InvalidOrder::NotAnObject)?);
    let (order, own): (_, &[&'static str]) = match operation {
        "buy-trees" => (
            Order::Trees {
                number: args.whole("number")?,
            },
            &["number"],
        ),
        "buy-local-trees" => {
            let country = args.one_of("country", &Country::ALL, Country::as_str)?;
            (
                Order::LocalTrees {
                    number: args.whole("number")?,
                    country,
                },
                &["number", "country"],
            )
        }
        "buy-carbon-avoidance" => {
            let units = args.one_of("units", &CarbonUnits::ALL, CarbonUnits::as_str)?;
            (
                Order::Carbon {
                    number: args.decimal("number")?,
                    units,
                },
                &["number", "units"],
            )
        }
        "buy-carbon-removal" => (
            Order::CarbonRemoval {
                kilograms: args.decimal("number")?,
            },
            &["number"],
        ),
        "buy-habitat-restoration" => (
            Order::HabitatRestoration {
                square_metres: args.decimal("number")?,
            },
            &["number"],
        ),
        other => {
            return Err(InvalidOrder::NotAPurchase {
                operation: other.to_owned(),
            });
        }
    };
    let takes: Vec<&'static str> = own.iter().copied().chain(OPTIONS).collect();
    if let Some(field) = args.0.keys().find(|field| !takes.contains(&field.as_str())) {
        return Err(InvalidOrder::Unexpected {
            field: field.clone(),
            takes,
        });
    }
    Ok(OrderRequest {
        order,
        name: args.text("name")?,
        recipient_email: args.text("recipientEmail")?,
        test: args.flag("test")?,
    })
}

struct Arguments<'a>(&'a Map<String, Value>);

impl Arguments<'_> {
    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn decimal(&self, field: &'static str) -> Result<Decimal, InvalidOrder> {
        let value = self.get(field).ok_or(InvalidOrder::Missing { field })?;
        number::decimal(value).ok_or(InvalidOrder::WrongType {
            field,
            wanted: "a number",
        })
    }

    fn whole(&self, field: &'static str) -> Result<u32, InvalidOrder> {
        let value = self.decimal(field)?;
        if !value.is_integer() {
            return Err(InvalidOrder::NotWhole { field, value });
        }
        if value < Decimal::ONE {
            return Err(InvalidOrder::TooLittle {
                field,
                value,
                limit: Decimal::ONE,
            });
        }
        value.to_u32().ok_or(InvalidOrder::TooMuch {
            field,
            value,
            limit: u32::MAX.into(),
        })
    }

    fn one_of<T: Copy>(
        &self,
        field: &'static str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Result<T, InvalidOrder> {
        let value = self.get(field).ok_or(InvalidOrder::Missing { field })?;
        let text = value.as_str().ok_or(InvalidOrder::WrongType {
            field,
            wanted: "a text",
        })?;
        all.iter()
            .copied()
            .find(|one| name(*one) == text)
            .ok_or_else(|| InvalidOrder::NotOneOf {
                field,
                value: canopy_transport::redact::text(text),
                allowed: all.iter().map(|one| name(*one)).collect(),
            })
    }

    /// An empty text is none: a template over nothing makes one.
    fn text(&self, field: &'static str) -> Result<Option<String>, InvalidOrder> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(InvalidOrder::WrongType {
                field,
                wanted: "a text",
            }),
        }
    }

    fn flag(&self, field: &'static str) -> Result<bool, InvalidOrder> {
        match self.get(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            // "false" as text must never become a real purchase by being ignored, nor a test by being there.
            Some(_) => Err(InvalidOrder::WrongType {
                field,
                wanted: "true or false",
            }),
        }
    }
}
