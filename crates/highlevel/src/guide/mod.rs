//! One example for each resource. They are compiled with the crate's tests.
//!
//! Names in capitals stand for ids. `client` is a [`Client`](crate::Client); errors become [`Error`](crate::Error) by `?`.

pub mod account;
pub mod bookings;
pub mod dealings;
pub mod people;
