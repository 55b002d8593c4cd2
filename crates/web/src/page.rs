//! The status page: what came in, what was bought, what waits for a person. It works without scripts and loads
//! nothing from elsewhere.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use canopy_engine::Connection;
use canopy_store::{
    Alert, InboxRow, Missed, Purchase, Run, RunState, StoreError, Summary, is_notice,
};
use canopy_triggers::AddressHealth;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{App, health, ready};

const STYLE: &str = include_str!("../assets/page.css");
/// Rows of each table.
const ROWS: u32 = 20;

/// `GET /status.json`: the figures of the page for scripts.
pub(crate) async fn status(State(app): State<App>) -> Response {
    match figures(&app).await {
        Ok((summary, missed, webhooks, health)) => Json(json!({
            "connections": modes(&app),
            "summary": summary,
            "missed_by_webhooks": missed,
            "deliveries": app.receiver.deliveries(),
            "webhooks": webhooks,
            "health": health,
            "rate": rates(&app),
        }))
        .into_response(),
        Err(error) => unreadable(&error),
    }
}

async fn figures(
    app: &App,
) -> Result<(Summary, Vec<Missed>, Vec<AddressHealth>, Value), StoreError> {
    let reasons = ready::good(app).await?;
    let health = json!({
        "good": reasons.is_empty(),
        "reasons": reasons,
        "parts": app.store.health().await?,
    });
    Ok((
        app.store.summary().await?,
        missed(app).await?,
        app.receiver.health().await?,
        health,
    ))
}

/// What webhooks missed in the last seven days.
async fn missed(app: &App) -> Result<Vec<Missed>, StoreError> {
    canopy_triggers::missed_by_webhooks(&*app.store, Timestamp::now()).await
}

/// `GET /`.
pub(crate) async fn show(State(app): State<App>) -> Response {
    match page(&app).await {
        Ok(markup) => (
            [
                (header::CACHE_CONTROL, "no-store"),
                (
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
                ),
            ],
            Html(markup.into_string()),
        )
            .into_response(),
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &StoreError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
}

async fn page(app: &App) -> Result<Markup, StoreError> {
    let summary = app.store.summary().await?;
    let events = app.store.recent_events(ROWS).await?;
    let purchases = app.store.purchases(ROWS).await?;
    let mut stopped = app.store.runs(Some(RunState::Held), ROWS).await?;
    stopped.extend(app.store.runs(Some(RunState::Dead), ROWS).await?);
    let waiting = app.store.runs(Some(RunState::Waiting), ROWS).await?;
    let reasons = ready::good(app).await?;
    let parts = app.store.health().await?;
    let mut notices = app.store.alerts(true, ROWS).await?;
    notices.retain(is_notice);
    let missed = missed(app).await?;
    let addresses = app.receiver.health().await?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="5";
                title { "Canopy: " (app.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Canopy" }
                    p { (app.title) }
                    (mode_lines(app))
                }
                main {
                    (cards(&summary))
                    (health::reasons(&reasons))
                    (alert_table(&notices))
                    (attention(&stopped))
                    (waiting_runs(&waiting))
                    (purchase_table(&purchases))
                    (event_table(&events))
                    (health::addresses(&addresses))
                    (missed_table(&missed))
                    (health::parts(&parts))
                    (rate_table(&rates(app)))
                }
            }
        }
    })
}

fn cards(summary: &Summary) -> Markup {
    let cost = sums(&summary.cost);
    let open = summary.events_pending + summary.runs_waiting;
    let stopped = summary.runs_held + summary.runs_dead;
    html! {
        section.cards aria-label="Summary" {
            (card("Trees", &summary.trees.to_string(), "bought for real money"))
            (card("Cost", &cost, "as confirmed, without test mode"))
            @if summary.test.purchases + summary.test.withheld > 0 {
                (card(
                    "In test mode",
                    &format!("{} trees", summary.test.trees.normalize()),
                    &format!(
                        "simulated, {}; {} step(s) not sent to HighLevel",
                        sums(&summary.test.cost), summary.test.withheld
                    ),
                ))
            }
            (card("Profiles", &summary.profiles.to_string(), "contacts with an Ecologi side"))
            (card("Events", &summary.events.to_string(), &format!("{} echoes of our own writes", summary.events_echo)))
            (card("Open", &open.to_string(), "events and runs still to be done"))
            (card("Need a person", &stopped.to_string(), "held runs and dead letters"))
        }
    }
}

/// Sums by currency.
fn sums(cost: &[(String, Decimal)]) -> String {
    if cost.is_empty() {
        return "0.00".to_owned();
    }
    let amounts: Vec<_> = cost
        .iter()
        .map(|(code, amount)| format!("{amount:.2} {code}"))
        .collect();
    amounts.join(", ")
}

/// In which mode each connection is.
fn mode_lines(app: &App) -> Markup {
    html! {
        @for one in app.engine.connections() {
            p.note { "Connection " (one.id) ": " (mode_of(one)) }
        }
    }
}

fn mode_of(connection: &Connection) -> &'static str {
    match (connection.test, connection.write_in_test) {
        (false, _) => "real purchases",
        (true, false) => "test mode: purchases are simulated, nothing is written to HighLevel",
        (true, true) => "test mode: purchases are simulated, HighLevel is written to",
    }
}

fn modes(app: &App) -> Value {
    let rows = app.engine.connections().map(|one| {
        json!({ "id": one.id, "location": one.location, "test": one.test, "writes_to_highlevel": one.writes() })
    });
    rows.collect()
}

fn card(name: &str, figure: &str, note: &str) -> Markup {
    html! { div.card { h2 { (name) } p.figure { (figure) } p.note { (note) } } }
}

fn attention(runs: &[Run]) -> Markup {
    html! {
        section {
            h2 { "Needs a person" }
            @if runs.is_empty() {
                p.note { "Nothing: every run has ended well or goes on by itself." }
            } @else {
                table {
                    thead { tr { th { "Run" } th { "Workflow" } th { "Contact" } th { "State" } th { "Why, and what to do" } } }
                    tbody {
                        @for run in runs {
                            tr {
                                td.number { (run.id) }
                                td { (run.workflow) }
                                td { code { (run.contact.as_deref().unwrap_or("")) } }
                                td { (state_of(run.state)) }
                                td {
                                    (run.error.as_deref().unwrap_or(""))
                                    p.note { "Once mended: " code { "canopy retry " (run.id) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn alert_table(alerts: &[Alert]) -> Markup {
    html! {
        @if !alerts.is_empty() {
            section {
                h2 { "Happened within a day" }
                table {
                    thead { tr { th { "Since (UTC)" } th { "Kind" } th { "About" } th { "What, and what to do" } th { "Times" } } }
                    tbody {
                        @for alert in alerts {
                            tr {
                                td { (alert.raised_at.strftime("%Y-%m-%d %H:%M:%S")) }
                                td { (alert.kind) }
                                td { (alert.subject) }
                                td { (alert.message) }
                                td.number { (alert.times) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn waiting_runs(runs: &[Run]) -> Markup {
    html! {
        @if !runs.is_empty() {
            section {
                h2 { "Waiting" }
                table {
                    thead { tr { th { "Run" } th { "Workflow" } th { "Contact" } th { "Attempts" } th { "Goes on at" } th { "Why" } } }
                    tbody {
                        @for run in runs {
                            tr {
                                td.number { (run.id) }
                                td { (run.workflow) }
                                td { code { (run.contact.as_deref().unwrap_or("")) } }
                                td.number { (run.attempts) }
                                td { @if let Some(at) = run.next_attempt_at { (at) } }
                                td { (run.error.as_deref().unwrap_or("")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn purchase_table(purchases: &[Purchase]) -> Markup {
    html! {
        section {
            h2 { "Newest purchases" }
            @if purchases.is_empty() {
                p.note { "None yet." }
            } @else {
                table {
                    thead { tr { th { "At (UTC)" } th { "Contact" } th { "What" } th { "Cost" } th { "State" } th { "Proof" } } }
                    tbody {
                        @for purchase in purchases {
                            tr {
                                td { (purchase.created_at.strftime("%Y-%m-%d %H:%M:%S")) }
                                td { code { (purchase.contact.as_deref().unwrap_or("")) } }
                                td { (amount_of(purchase)) }
                                td.number {
                                    @match purchase.amount {
                                        Some(amount) => { (format!("{amount:.2} {}", purchase.currency)) }
                                        None => { (format!("about {:.2} {}", purchase.estimate, purchase.currency)) }
                                    }
                                }
                                td { (state_of(purchase.state)) @if purchase.test { " (test)" } }
                                td { @if let Some(url) = purchase.url.as_deref().filter(|url| url.starts_with("https://")) {
                                    a href=(url) rel="noreferrer" { "show" }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn event_table(events: &[InboxRow]) -> Markup {
    html! {
        section {
            h2 { "Newest events" }
            @if events.is_empty() {
                p.note { "None yet. Create a contact in HighLevel to see one." }
            } @else {
                table {
                    thead { tr { th { "Received (UTC)" } th { "Kind" } th { "By" } th { "Record" } th { "State" } th { "Note" } } }
                    tbody {
                        @for row in events {
                            tr {
                                td { (row.received_at.strftime("%Y-%m-%d %H:%M:%S")) }
                                td { (row.event.kind) }
                                td { (row.event.source.as_str()) }
                                td { code { (row.event.record) } }
                                td { (state_of(row.state)) }
                                td { (row.error.as_deref().unwrap_or("")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn missed_table(rows: &[Missed]) -> Markup {
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Missed by webhooks, found by polls" }
                table {
                    thead { tr { th { "Location" } th { "Kind" } th { "Missed" } th { "Of" } th { "Share" } } }
                    tbody {
                        @for row in rows {
                            tr {
                                td { code { (row.location) } }
                                td { (row.kind) }
                                td.number { (row.missed) }
                                td.number { (row.events) }
                                td.number { (row.percent()) " %" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rate_table(rates: &[Value]) -> Markup {
    html! {
        section {
            h2 { "Calls" }
            table {
                thead { tr { th { "Location" } th { "HighLevel calls today" } th { "Of them by others" } th { "Left today" } } }
                tbody {
                    @for rate in rates {
                        tr {
                            td { code { (rate["location"].as_str().unwrap_or("")) } }
                            td.number { (rate["used_today"]) }
                            td.number { (rate["others_today"]) }
                            td.number { (rate["left_today"]) }
                        }
                    }
                }
            }
        }
    }
}

/// What each connection has used of HighLevel's daily limit.
fn rates(app: &App) -> Vec<Value> {
    app.engine
        .connections()
        .map(|connection| {
            let daily = connection.highlevel.rate_budget().daily;
            json!({
                "connection": connection.id,
                "location": connection.location,
                "used_today": daily.map(|daily| daily.used),
                "others_today": daily.map(|daily| daily.others),
                "left_today": daily.map(|daily| daily.remaining),
            })
        })
        .collect()
}

/// A quantity with its unit, e.g. `1 tree` or `2.5 kg CO2e`.
fn amount_of(purchase: &Purchase) -> String {
    let quantity = purchase.quantity.normalize();
    let unit = match purchase.unit.as_str() {
        "trees" if quantity == Decimal::ONE => "tree",
        "kg_co2e" => "kg CO2e",
        "kg_co2e_removed" => "kg CO2e removed",
        "m2" => "m² restored",
        other => other,
    };
    format!("{quantity} {unit}")
}

/// A state's word as the API writes it, with spaces.
fn state_of(state: impl serde::Serialize) -> String {
    let value = json!(state);
    value.as_str().unwrap_or_default().replace('_', " ")
}
