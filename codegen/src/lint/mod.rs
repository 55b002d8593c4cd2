//! stub
use crate::bundle::Bundle; use crate::problem::Problems; use crate::services::Service;
pub(crate) fn service(_: &Bundle, _: &Service) -> Result<(), Problems> { Ok(()) }
pub(crate) fn webhooks(_: &Bundle, _: &Bundle) -> Result<(), Problems> { Ok(()) }
