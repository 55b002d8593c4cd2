//! The stand-in for Ecologi: purchases, which are booked, and reports, which count them.

mod account;
mod prices;
mod purchases;
mod reports;
pub mod routes;

pub use account::Account;
pub use prices::currencies;
