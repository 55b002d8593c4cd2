//! A client for Ecologi: purchases that are checked before and made once, and public reports.
//!
//! A purchase is an [`Order`], checked against the API's limits, sent with an [`IdempotencyKey`] so that a repeat buys
//! nothing more, and answered by a [`Receipt`]. Money and quantities are exact decimals. It may depend on
//! `canopy-transport` and `canopy-ecologi-api` and knows neither store nor engine.
//!
//! ```no_run
//! use canopy_ecologi::{Client, IdempotencyKey, Order, OrderRequest};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().api_key(std::env::var("ECOLOGI_KEY")?.into()).build()?;
//! let order = OrderRequest::new(Order::Trees { number: 1 }).test(true);
//! let receipt = client.buy(&order, &IdempotencyKey::new("order-1")).await?;
//! println!("{:?} {:?}", receipt.amount, receipt.url);
//! # Ok(())
//! # }
//! ```

mod client;
mod error;
mod number;
mod order;
mod parse;
mod price;
mod receipt;
mod report;
mod trial;

pub use canopy_ecologi_api as api;
pub use canopy_ecologi_api::OPERATIONS;
pub use canopy_transport::{
    Budget, BuildError, CallLog, CallRecord, Clock, Limiter, Limits, Priority, RetryPolicy,
    SecretString, Timeouts, WindowLimit, operation,
};
pub use client::{Builder, Client, DEFAULT_BASE_URL, IdempotencyKey, Receipt, default_limits};
pub use error::{Error, Refusal};
pub use order::{CarbonUnits, Country, InvalidOrder, Order, OrderRequest};
pub use price::{InvalidPrice, PriceList};
pub use report::{Impact, Total, Totals};

/// The operation of this name, e.g. `buy-trees`.
pub fn operation(name: &str) -> Option<&'static operation::Operation> {
    canopy_transport::invoke::find(OPERATIONS, name)
}
