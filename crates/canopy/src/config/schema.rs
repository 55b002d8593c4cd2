//! What the derived JSON Schema of the configuration cannot know: texts of a certain form, and what goes together.

use std::borrow::Cow;

use canopy_mapping::schema::{DURATION, document};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Config, recipes};

/// The JSON Schema of a configuration.
pub(crate) fn schema() -> Value {
    let mut schema = document::<Config>("canopy.schema.json", "Configuration of Canopy");
    let names: Vec<_> = recipes().iter().map(|recipe| recipe.name).collect();
    schema["properties"]["recipes"]["items"] = json!({ "type": "string", "enum": names });
    schema
}

/// A type that stands for how a value is written.
macro_rules! written {
    ($(#[$about:meta])* $name:ident, $schema:tt) => {
        $(#[$about])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

written!(
    /// A length of time.
    Length,
    { "type": "string", "pattern": DURATION }
);

written!(
    /// An address with a port.
    Address,
    { "type": "string", "pattern": ":[0-9]+$" }
);

/// An amount of money above zero, as a number or, exactly, as a text.
const AMOUNT: &str = r"^\+?[0-9_.]+([eE][+-]?[0-9]+)?$";

written!(
    /// The most that may be spent.
    Cap,
    { "type": ["string", "number"], "exclusiveMinimum": 0, "pattern": AMOUNT }
);

/// Prices in one currency.
pub(super) struct PricesOf;

impl JsonSchema for PricesOf {
    fn schema_name() -> Cow<'static, str> {
        "PricesOf".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let price = |of: &str| {
            json!({
                "description": format!("Expected price of one {of}: a text such as \"0.60\", or a number."),
                "type": ["string", "number"],
                "exclusiveMinimum": 0,
                "pattern": AMOUNT,
            })
        };
        json_schema!({
            "type": "object",
            "properties": {
                "buy-trees": price("tree"),
                "buy-local-trees": price("local tree, whatever its country"),
                "buy-carbon-avoidance": price("kilogram of CO2e avoided"),
                "buy-carbon-removal": price("kilogram of CO2e removed"),
                "buy-habitat-restoration": price("square metre of habitat"),
            },
            "patternProperties": { "^buy-local-trees/(UK|US|AU|BR)$": price("tree in this country") },
            "additionalProperties": false,
        })
    }
}

fn insert(schema: &mut Schema, more: Value) {
    if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
        schema.extend(more);
    }
}

/// `test = false` spends real money and needs caps.
pub(super) fn real_needs_budget(schema: &mut Schema) {
    insert(
        schema,
        json!({
            "if": { "required": ["test"], "properties": { "test": { "const": false } } },
            "then": { "required": ["budget"] },
        }),
    );
}

/// Either a token, which another may follow, or an app.
pub(super) fn token_or_app(schema: &mut Schema) {
    insert(
        schema,
        json!({
            "if": { "required": ["oauth"] },
            "then": {
                "properties": { "token": false, "next_token": false },
                "if": {
                    "properties": {
                        "oauth": { "required": ["agency"], "properties": { "agency": { "const": true } } },
                    },
                },
                "then": { "required": ["location_id"] },
            },
            "else": { "required": ["token"] },
        }),
    );
}

/// An agency's id is for an agency's installation.
pub(super) fn company_needs_agency(schema: &mut Schema) {
    insert(
        schema,
        json!({
            "if": { "required": ["company_id"] },
            "then": { "required": ["agency"], "properties": { "agency": { "const": true } } },
        }),
    );
}
