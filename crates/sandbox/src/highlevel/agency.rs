//! What belongs to the agency: the company, its snapshots.

use serde_json::{Value, json};

use super::access::Access::Agency;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::operations::Route;
use crate::world::World;

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/companies/{companyId}", Agency, Some("companies.readonly"), company),
    Route::new("GET", "/snapshots/", Agency, Some("snapshots.readonly"), snapshots),
];

fn company(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    if id != world.location.company_id {
        return Err(Answer::not_found(format!("Company with id {id} not found")));
    }
    let company = json!({
        "id": id, "name": "Sandbox Agency", "email": "agency@example.com", "phone": "+12015550101",
        "website": "https://example.com", "domain": "app.example.com", "address": "2 Sandbox Street",
        "city": "Springfield", "state": "OR", "postalCode": "97475", "country": "US",
        "timezone": world.location.timezone, "currency": "USD", "plan": 2, "status": "active",
        "customerType": "agency", "isReselling": false, "isSandboxAccount": true,
        "locationCount": world.records.locations.all().count(),
    });
    Ok(Answer::ok(json!({ "company": company })))
}

fn snapshots(world: &mut World, _call: &Call<'_>) -> Handled {
    let snapshots: Vec<Value> = world.records.snapshots.all().map(Record::json).collect();
    Ok(Answer::ok(json!({ "snapshots": snapshots })))
}
