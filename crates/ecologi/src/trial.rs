//! Simulated orders: whether the key works, the account has billing details, and which currency it has, without buying.

use http::HeaderMap;

use crate::order::{CarbonUnits, Country, Order, OrderRequest};
use crate::{Client, Error, Receipt};
use rust_decimal::Decimal;

impl Order {
    /// The smallest order of a purchase; `country` is that of local trees. `None`: there is no such purchase, or no such country.
    pub fn smallest(operation: &str, country: Option<&str>) -> Option<Self> {
        let one = Decimal::ONE;
        Some(match operation {
            "buy-trees" => Self::Trees { number: 1 },
            "buy-local-trees" => Self::LocalTrees {
                number: 1,
                country: Country::ALL
                    .into_iter()
                    .find(|known| Some(known.as_str()) == country)?,
            },
            "buy-carbon-avoidance" => Self::Carbon {
                number: one,
                units: CarbonUnits::Kilograms,
            },
            "buy-carbon-removal" => Self::CarbonRemoval { kilograms: one },
            "buy-habitat-restoration" => Self::HabitatRestoration {
                square_metres: Decimal::new(1, 1),
            },
            _ => return None,
        })
    }
}

impl Client {
    /// Simulates an order (`test: true`): nothing is charged, nothing is shown, nothing is left behind, and it is refused
    /// as the real one would be, also for want of billing details. The receipt tells the account's currency. It carries
    /// neither names nor addresses, and no idempotency key: the answer to an earlier one would tell how things stood then.
    pub async fn try_order(&self, order: Order) -> Result<Receipt, Error> {
        order.check()?;
        let request = OrderRequest::new(order).test(true);
        self.send_order(&request, HeaderMap::new()).await
    }
}
