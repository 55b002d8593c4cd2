//! Takes secrets out of payloads before anything is stored: HighLevel sends some along, such as the credentials with which a
//! voice bot asks another service.

use serde_json::{Map, Value};

/// In place of a secret.
const HIDDEN: &str = "[secret]";

/// Members that hold a secret, without regard to capitals and `_` or `-`.
const SECRETS: [&str; 12] = [
    "accesstoken",
    "apikey",
    "apisecret",
    "authenticationvalue",
    "authorization",
    "clientsecret",
    "credential",
    "credentials",
    "password",
    "privatekey",
    "refreshtoken",
    "secret",
];

/// The payload without its secrets. Of the description of a request (`apiDetails`) the values of headers go, too, and the
/// query of the address.
pub(crate) fn without(payload: &Value) -> Value {
    match payload {
        Value::Object(members) => Value::Object(members.iter().map(member).collect()),
        Value::Array(items) => items.iter().map(without).collect(),
        other => other.clone(),
    }
}

fn member((name, value): (&String, &Value)) -> (String, Value) {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_empty = value.is_null() || *value == "";
    let value = match value {
        _ if SECRETS.contains(&&*plain) && !is_empty => HIDDEN.into(),
        Value::Object(request) if plain == "apidetails" => request_without(request),
        value => without(value),
    };
    (name.clone(), value)
}

fn request_without(request: &Map<String, Value>) -> Value {
    let parts = request.iter().map(|(name, value)| match (&**name, value) {
        ("url", Value::String(url)) => {
            let end = url.find(['?', '#']).unwrap_or(url.len());
            (name.clone(), url[..end].into())
        }
        ("headers", Value::Array(headers)) => {
            (name.clone(), headers.iter().map(header_without).collect())
        }
        ("headers", Value::Object(headers)) => {
            let hidden = headers.keys().map(|name| (name.clone(), HIDDEN.into()));
            (name.clone(), Value::Object(hidden.collect()))
        }
        _ => member((name, value)),
    });
    Value::Object(parts.collect())
}

fn header_without(header: &Value) -> Value {
    let mut header = without(header);
    if let Some(value) = header.get_mut("value") {
        *value = HIDDEN.into();
    }
    header
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_opens_another_service_is_taken_out_and_the_rest_stays() {
        let call = json!({
            "id": "call", "summary": "Asked for the password", "contactId": "c",
            "executedCallActions": [{ "actionParameters": { "apiDetails": {
                "url": "https://nursery.example/stock?key=s3cret#s3cret", "method": "GET",
                "authenticationRequired": true, "authenticationValue": "Bearer s3cret",
                "headers": [{ "key": "X-Nursery", "value": "s3cret" }],
                "parameters": [{ "name": "species", "example": "oak" }] } } }],
            "api_key": "s3cret", "Client-Secret": { "is": "s3cret" }, "password": "", "secret": null,
        });
        let stored = without(&call);
        assert!(!stored.to_string().contains("s3cret"), "{stored}");
        let api = &stored["executedCallActions"][0]["actionParameters"]["apiDetails"];
        assert_eq!(api["url"], "https://nursery.example/stock");
        assert_eq!(api["authenticationValue"], HIDDEN);
        assert_eq!(
            api["headers"],
            json!([{ "key": "X-Nursery", "value": HIDDEN }])
        );
        assert_eq!(api["parameters"][0]["example"], "oak");
        assert_eq!(stored["summary"], call["summary"]);
        assert_eq!(
            (&stored["password"], &stored["secret"]),
            (&json!(""), &json!(null))
        );
    }

    #[test]
    fn what_holds_no_secret_is_as_it_came() {
        let contact = json!({ "id": "c", "tags": ["secret"], "customFields": [{ "id": "f", "value": [1, null] }] });
        assert_eq!(without(&contact), contact);
    }
}
