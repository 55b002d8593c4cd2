//! The five reports. They lag behind the purchases, and leave simulated ones out.

use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::purchases::json_number;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::world::World;

/// Totals, each with what is still pending: purchases that the figures do not have yet.
struct Totals {
    trees: (Decimal, Decimal),
    carbon_offset: (Decimal, Decimal),
    carbon_removal: (Decimal, Decimal),
    habitat_restoration: (Decimal, Decimal),
}

pub fn trees(world: &mut World, call: &Call<'_>) -> Handled {
    Ok(one(totals(world, call)?.trees))
}

pub fn carbon_offset(world: &mut World, call: &Call<'_>) -> Handled {
    Ok(one(totals(world, call)?.carbon_offset))
}

pub fn carbon_removal(world: &mut World, call: &Call<'_>) -> Handled {
    Ok(one(totals(world, call)?.carbon_removal))
}

pub fn habitat_restoration(world: &mut World, call: &Call<'_>) -> Handled {
    Ok(one(totals(world, call)?.habitat_restoration))
}

pub fn impact(world: &mut World, call: &Call<'_>) -> Handled {
    let totals = totals(world, call)?;
    let view = |pick: fn(&(Decimal, Decimal)) -> Decimal| -> Value {
        json!({
            "trees": json_number(pick(&totals.trees)),
            "carbonOffset": json_number(pick(&totals.carbon_offset)),
            "carbonRemoval": json_number(pick(&totals.carbon_removal)),
            "habitatRestoration": json_number(pick(&totals.habitat_restoration)),
        })
    };
    let mut body = view(|total| total.0);
    body["pending"] = view(|total| total.1);
    Ok(Answer::ok(body))
}

fn one((total, pending): (Decimal, Decimal)) -> Answer {
    Answer::ok(json!({ "total": json_number(total), "pending": json_number(pending) }))
}

fn totals(world: &World, call: &Call<'_>) -> Result<Totals, Answer> {
    if call.argument(0) != world.ecologi.user {
        return Err(Answer::not_found("User not found"));
    }
    let lag = SignedDuration::from_secs(i64::from(world.settings.report_lag_seconds));
    let sum = |operations: &[&str]| {
        let mut sums = (Decimal::ZERO, Decimal::ZERO);
        for purchase in world.ecologi.book() {
            if purchase.test || !operations.contains(&purchase.operation.as_str()) {
                continue;
            }
            let in_kilograms = purchase.unit == "kg";
            let quantity = if in_kilograms {
                purchase.quantity / Decimal::from(1_000)
            } else {
                purchase.quantity
            };
            if purchase.at + lag <= call.now {
                sums.0 += quantity;
            } else {
                sums.1 += quantity;
            }
        }
        sums
    };
    Ok(Totals {
        trees: sum(&["buy-trees", "buy-local-trees"]),
        carbon_offset: sum(&["buy-carbon-avoidance"]),
        carbon_removal: sum(&["buy-carbon-removal"]),
        habitat_restoration: sum(&["buy-habitat-restoration"]),
    })
}
