//! The stand-in for Ecologi: purchases, which are booked, and reports, which count them.

mod account;
mod prices;
mod purchases;
mod reports;
pub mod routes;

use serde_json::{Value, json};

pub use account::Account;
pub use prices::currencies;

use crate::answer::Answer;
use crate::settings::EcologiErrors;

/// A refusal in the form that the settings say; other answers stay as they are.
pub fn refusal(mut answer: Answer, form: EcologiErrors) -> Answer {
    if answer.status.is_success() {
        return answer;
    }
    let message = match &answer.body["message"] {
        Value::Array(messages) => messages
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", ")
            .into(),
        message => message.clone(),
    };
    answer.body = match form {
        EcologiErrors::ResponseCode => {
            json!({ "responseCode": answer.status.as_u16(), "message": message })
        }
        EcologiErrors::Error => json!({ "error": message }),
        EcologiErrors::Text => message,
    };
    answer
}
