//! The five purchases.

use http::StatusCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value, json};

use super::account::Purchase;
use super::prices;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::settings::ProjectDetails;
use crate::world::World;

/// What is bought, after its own limits were checked.
struct Item {
    operation: &'static str,
    /// Name in the price list.
    price: String,
    /// Quantity in the price list's unit.
    priced: Decimal,
    quantity: Decimal,
    unit: &'static str,
    country: Option<String>,
    url: Option<&'static str>,
    details: Value,
    /// Members that only this purchase answers.
    extra: Map<String, Value>,
}

pub fn trees(world: &mut World, call: &Call<'_>) -> Handled {
    let quantity = within(call, Decimal::ONE, Some(Decimal::from(250_000)), 0)?;
    let details = json!([
        { "name": "Mangrove planting (sandbox)", "projectUrl": "https://ecologi.com/projects", "quantity": json_number(quantity),
          "splitPercentage": 100, "splitAmountTrees": json_number(quantity) },
    ]);
    buy(
        world,
        call,
        Item {
            operation: "buy-trees",
            price: "tree".to_owned(),
            priced: quantity,
            quantity,
            unit: "tree",
            country: None,
            url: Some("tree"),
            details,
            extra: Map::new(),
        },
    )
}

pub fn local_trees(world: &mut World, call: &Call<'_>) -> Handled {
    let quantity = within(call, Decimal::ONE, None, 0)?;
    let country = call.body_text("country").unwrap_or_default();
    if !["UK", "US", "AU", "BR"].contains(&country) {
        return Err(Answer::bad_request(vec![
            "country must be one of the following values: UK, US, AU, BR".to_owned(),
        ]));
    }
    let details = json!([{ "name": format!("Local woodland {country} (sandbox)"), "splitPercentage": 100,
        "splitAmountTrees": json_number(quantity) }]);
    buy(
        world,
        call,
        Item {
            operation: "buy-local-trees",
            price: format!("local_tree_{}", country.to_ascii_lowercase()),
            priced: quantity,
            quantity,
            unit: "tree",
            country: Some(country.to_owned()),
            url: Some("tree"),
            details,
            extra: Map::new(),
        },
    )
}

pub fn carbon(world: &mut World, call: &Call<'_>) -> Handled {
    let (unit, least, per_tonne) = match call.body_text("units") {
        Some("KG") => ("kg", Decimal::ONE, Decimal::from(1_000)),
        Some("Tonnes") => ("tonne", Decimal::new(1, 3), Decimal::ONE),
        _ => {
            return Err(Answer::bad_request(vec![
                "units must be one of the following values: KG, Tonnes".to_owned(),
            ]));
        }
    };
    let quantity = within(call, least, None, 12)?;
    let tonnes = (quantity / per_tonne).normalize();
    let extra = json!({ "number": call.body["number"], "units": call.body["units"], "numberInTonnes": json_number(tonnes) });
    let details = json!([{ "name": "Wind power (sandbox)", "splitPercentage": 100, "splitAmountTonnes": json_number(tonnes) }]);
    buy(
        world,
        call,
        Item {
            operation: "buy-carbon-avoidance",
            price: "carbon_tonne".to_owned(),
            priced: tonnes,
            quantity,
            unit,
            country: None,
            url: None,
            details,
            extra: extra.as_object().cloned().unwrap_or_default(),
        },
    )
}

pub fn carbon_removal(world: &mut World, call: &Call<'_>) -> Handled {
    let quantity = within(call, Decimal::ONE, None, 12)?;
    let tonnes = (quantity / Decimal::from(1_000)).normalize();
    let details = json!([{ "name": "Biochar (sandbox)", "splitPercentage": 100, "splitAmountTonnes": json_number(tonnes) }]);
    buy(
        world,
        call,
        Item {
            operation: "buy-carbon-removal",
            price: "carbon_removal_kg".to_owned(),
            priced: quantity,
            quantity,
            unit: "kg",
            country: None,
            url: Some("tile"),
            details,
            extra: Map::new(),
        },
    )
}

pub fn habitat_restoration(world: &mut World, call: &Call<'_>) -> Handled {
    let quantity = within(call, Decimal::new(1, 1), None, 1)?;
    buy(
        world,
        call,
        Item {
            operation: "buy-habitat-restoration",
            price: "habitat_square_metre".to_owned(),
            priced: quantity,
            quantity,
            unit: "square metre",
            country: None,
            url: Some("tile"),
            details: json!([{ "name": "Wildflower meadow (sandbox)", "quantity": json_number(quantity), "splitPercentage": 100 }]),
            extra: Map::new(),
        },
    )
}

/// Buys, unless this key has bought already.
fn buy(world: &mut World, call: &Call<'_>, item: Item) -> Handled {
    let recipient_email = call.body_text("recipientEmail");
    if let Some(key) = call.idempotency_key {
        let (operation, settings) = (item.operation, &world.settings);
        world
            .ecologi
            .one_body(operation, key, call.body, call.now, settings)?;
    }
    if recipient_email.is_some() && !world.settings.recipient_email_enabled {
        return Err(Answer::forbidden(
            "recipientEmail is not enabled for this account",
        ));
    }
    // Seen live even with `test`.
    if !world.settings.billing {
        return Err(Answer::refused(
            StatusCode::PAYMENT_REQUIRED,
            "The account has no billing details",
        ));
    }
    let settings = &world.settings;
    if let Some(key) = call.idempotency_key
        && let Some(answer) = world
            .ecologi
            .replay(item.operation, key, call.now, settings)
    {
        return Ok(answer);
    }
    let amount = prices::of(&item.price, item.priced, settings);
    let test = call.body.get("test") == Some(&Value::Bool(true));
    let url = item.url.map(|kind| {
        let id = if test {
            "undefined".to_owned()
        } else {
            world.ecologi.ids.object()
        };
        format!("https://ecologi.com/{}?{kind}={id}", world.ecologi.user)
    });
    let mut body = item.extra;
    body.insert("amount".to_owned(), json_number(amount));
    body.insert("currency".to_owned(), settings.currency.clone().into());
    for member in ["name", "recipientEmail"] {
        if let Some(text) = call.body_text(member) {
            body.insert(member.to_owned(), text.into());
        }
    }
    if let (Some(kind), Some(url)) = (item.url, &url) {
        body.insert(format!("{kind}Url"), url.clone().into());
    }
    let is_trees = item.unit == "tree";
    match settings.project_details {
        ProjectDetails::Never => {}
        ProjectDetails::Sometimes if is_trees => {}
        ProjectDetails::Sometimes | ProjectDetails::Always => {
            body.insert("projectDetails".to_owned(), item.details);
        }
    }
    let answer = Answer::created(Value::Object(body));
    let purchase = Purchase {
        seq: 0,
        at: call.now,
        key: call.idempotency_key.map(ToOwned::to_owned),
        operation: item.operation.to_owned(),
        quantity: item.quantity,
        unit: item.unit,
        country: item.country,
        amount,
        currency: settings.currency.clone(),
        test,
        url,
        name: call.body_text("name").map(ToOwned::to_owned),
        recipient_email: recipient_email.map(ToOwned::to_owned),
        replays: 0,
    };
    // A simulation leaves nothing behind; with a key it is kept for whoever tests a program in test mode.
    if !test || call.idempotency_key.is_some() {
        world.ecologi.enter(purchase, &answer);
    }
    Ok(answer)
}

/// `number`, within its bounds and with no more decimal places than allowed.
fn within(
    call: &Call<'_>,
    least: Decimal,
    most: Option<Decimal>,
    places: u32,
) -> Result<Decimal, Answer> {
    let refuse = |message: String| Err(Answer::bad_request(vec![message]));
    let Some(number) = call.body.get("number").and_then(decimal) else {
        return refuse("number must be a number".to_owned());
    };
    if number.normalize().scale() > places {
        return refuse(match places {
            0 => "number must be an integer number".to_owned(),
            _ => format!("number must have no more than {places} decimal place(s)"),
        });
    }
    if number < least {
        return refuse(format!("number must not be less than {least}"));
    }
    if let Some(most) = most
        && number > most
    {
        return refuse(format!("number must not be greater than {most}"));
    }
    Ok(number.normalize())
}

fn decimal(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    text.parse()
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
}

/// A JSON number with exactly these digits: the shortest text of a float with so few of them is the decimal itself.
pub fn json_number(value: Decimal) -> Value {
    let value = value.normalize();
    if value.scale() == 0
        && let Some(whole) = value.to_i64()
    {
        return json!(whole);
    }
    json!(value.to_f64())
}
