//! What can be ordered, within the limits of the API.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::{number, parse};

/// One thing to buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// 1 to 250,000 trees, where they are cheapest to plant.
    Trees { number: u32 },
    /// Trees in one country, at its price.
    LocalTrees { number: u32, country: Country },
    /// Carbon kept from being emitted; at least 1 kg.
    Carbon { number: Decimal, units: CarbonUnits },
    /// Carbon taken out of the air; at least 1 kg.
    CarbonRemoval { kilograms: Decimal },
    /// Habitat restored; at least 0.1, with one decimal place.
    HabitatRestoration { square_metres: Decimal },
}

/// Where local trees can grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Country {
    Uk,
    Us,
    Au,
    Br,
}

impl Country {
    pub(crate) const ALL: [Self; 4] = [Self::Uk, Self::Us, Self::Au, Self::Br];

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uk => "UK",
            Self::Us => "US",
            Self::Au => "AU",
            Self::Br => "BR",
        }
    }
}

/// What an amount of carbon is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarbonUnits {
    Kilograms,
    Tonnes,
}

impl CarbonUnits {
    pub(crate) const ALL: [Self; 2] = [Self::Kilograms, Self::Tonnes];

    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kilograms => "KG",
            Self::Tonnes => "Tonnes",
        }
    }
}

/// What makes an order impossible. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrder {
    #[error("`{operation}` is no purchase; the purchases are {}", parse::PURCHASES.join(", "))]
    NotAPurchase { operation: String },
    #[error("the arguments must be one JSON object")]
    NotAnObject,
    #[error("`{field}` is missing")]
    Missing { field: &'static str },
    #[error("`{field}` is unknown here; this purchase takes {}", takes.join(", "))]
    Unexpected {
        field: String,
        takes: Vec<&'static str>,
    },
    #[error("`{field}` must be {wanted}")]
    WrongType {
        field: &'static str,
        wanted: &'static str,
    },
    #[error("`{field}` is {value} and must be a whole number")]
    NotWhole { field: &'static str, value: Decimal },
    #[error("`{field}` is {value} and must be at least {limit}")]
    TooLittle {
        field: &'static str,
        value: Decimal,
        limit: Decimal,
    },
    #[error("`{field}` is {value} and must be at most {limit}")]
    TooMuch {
        field: &'static str,
        value: Decimal,
        limit: Decimal,
    },
    #[error("`{field}` is {value} and can have {places} decimal place(s) only")]
    TooFine {
        field: &'static str,
        value: Decimal,
        places: u32,
    },
    #[error("`{field}` is \"{value}\" and must be one of {}", allowed.join(", "))]
    NotOneOf {
        field: &'static str,
        value: String,
        allowed: Vec<&'static str>,
    },
}

impl Order {
    /// The operation that buys it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Trees { .. } => "buy-trees",
            Self::LocalTrees { .. } => "buy-local-trees",
            Self::Carbon { .. } => "buy-carbon-avoidance",
            Self::CarbonRemoval { .. } => "buy-carbon-removal",
            Self::HabitatRestoration { .. } => "buy-habitat-restoration",
        }
    }

    /// How much, in [`unit`](Self::unit).
    pub fn quantity(&self) -> Decimal {
        match *self {
            Self::Trees { number } | Self::LocalTrees { number, .. } => number.into(),
            // Not `number * 1000`: a number near the type's end must not panic. It is refused by `check`.
            Self::Carbon {
                number,
                units: CarbonUnits::Tonnes,
            } => number
                .checked_mul(Decimal::ONE_THOUSAND)
                .unwrap_or(Decimal::MAX)
                .normalize(),
            Self::Carbon {
                number,
                units: CarbonUnits::Kilograms,
            } => number,
            Self::CarbonRemoval { kilograms } => kilograms,
            Self::HabitatRestoration { square_metres } => square_metres,
        }
    }

    /// What [`quantity`](Self::quantity) counts.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Trees { .. } | Self::LocalTrees { .. } => "trees",
            Self::Carbon { .. } => "kg_co2e",
            Self::CarbonRemoval { .. } => "kg_co2e_removed",
            Self::HabitatRestoration { .. } => "m2",
        }
    }

    /// Holds the order against the API's limits.
    pub fn check(&self) -> Result<(), InvalidOrder> {
        let tenth = Decimal::new(1, 1);
        let (value, least, most) = match *self {
            Self::Trees { number } => (number.into(), Decimal::ONE, Decimal::from(250_000)),
            Self::LocalTrees { number, .. } => (number.into(), Decimal::ONE, Decimal::MAX),
            Self::Carbon {
                number,
                units: CarbonUnits::Tonnes,
            } => (number, Decimal::new(1, 3), MOST),
            Self::Carbon {
                number,
                units: CarbonUnits::Kilograms,
            } => (number, Decimal::ONE, MOST),
            Self::CarbonRemoval { kilograms } => (kilograms, Decimal::ONE, MOST),
            Self::HabitatRestoration { square_metres } => (square_metres, tenth, MOST),
        };
        if value < least {
            return Err(InvalidOrder::TooLittle {
                field: "number",
                value,
                limit: least,
            });
        }
        if value > most {
            return Err(InvalidOrder::TooMuch {
                field: "number",
                value,
                limit: most,
            });
        }
        if matches!(self, Self::HabitatRestoration { .. }) && value.normalize().scale() > 1 {
            return Err(InvalidOrder::TooFine {
                field: "number",
                value,
                places: 1,
            });
        }
        Ok(())
    }
}

/// The API names no upper limit for amounts; this one keeps every number exact on its way through JSON.
const MOST: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// An order and what the API lets one say about it.
#[derive(Clone, PartialEq, Eq)]
pub struct OrderRequest {
    pub order: Order,
    /// "Funded by", shown in public: no personal data without consent.
    pub name: Option<String>,
    /// Sends a mail to this third party; enabled per account.
    pub recipient_email: Option<String>,
    /// Tries it out: nothing is charged, nothing is shown.
    pub test: bool,
}

impl OrderRequest {
    /// A real order without further words.
    pub fn new(order: Order) -> Self {
        Self {
            order,
            name: None,
            recipient_email: None,
            test: false,
        }
    }

    #[must_use]
    pub fn test(mut self, test: bool) -> Self {
        self.test = test;
        self
    }

    /// Reads the arguments of a workflow's action: members as in the API (`number`, `country`, `units`, `name`,
    /// `recipientEmail`, `test`). Templates make texts, so `"2"` is 2; a number of trees must be whole.
    pub fn from_action(operation: &str, args: &Value) -> Result<Self, InvalidOrder> {
        let request = parse::request(operation, args)?;
        request.order.check()?;
        Ok(request)
    }

    /// The operation that buys it.
    pub fn operation(&self) -> &'static str {
        self.order.operation()
    }

    /// The body as sent.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        let amount = match self.order {
            Order::Carbon { number, .. } => number,
            other => other.quantity(),
        };
        body.insert("number".to_owned(), number::json(amount));
        match self.order {
            Order::LocalTrees { country, .. } => {
                body.insert("country".to_owned(), country.as_str().into());
            }
            Order::Carbon { units, .. } => {
                body.insert("units".to_owned(), units.as_str().into());
            }
            Order::Trees { .. }
            | Order::CarbonRemoval { .. }
            | Order::HabitatRestoration { .. } => {}
        }
        if let Some(name) = &self.name {
            body.insert("name".to_owned(), name.as_str().into());
        }
        if let Some(recipient) = &self.recipient_email {
            body.insert("recipientEmail".to_owned(), recipient.as_str().into());
        }
        if self.test {
            body.insert("test".to_owned(), true.into());
        }
        Value::Object(body)
    }
}

impl std::fmt::Debug for OrderRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Name and address are personal.
        f.debug_struct("OrderRequest")
            .field("order", &self.order)
            .field("test", &self.test)
            .finish_non_exhaustive()
    }
}
