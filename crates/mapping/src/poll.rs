//! Names of polls.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The name of a poll: its operation, and the arguments where there are any.
pub fn poll_name(operation: &str, arguments: &Map<String, Value>) -> String {
    if arguments.is_empty() {
        return operation.to_owned();
    }
    let mut arguments = Value::Object(arguments.clone());
    arguments.sort_all_objects();
    let hash = hex::encode(Sha256::digest(arguments.to_string()));
    format!("{operation}:{}", &hash[..16])
}
