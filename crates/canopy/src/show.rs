//! Printing: aligned lines for people, JSON for scripts.

use std::fmt::Write as _;

use canopy_store::{Alert, Breaker, DayOfCalls, InTest, Missed, Run, Summary};
use canopy_triggers::AddressHealth;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use crate::config::ConnectionConfig;
use crate::schedules::NextDue;

/// Sums by currency as one text, e.g. `15.00 GBP`.
pub(crate) fn money(cost: &[(String, Decimal)]) -> String {
    if cost.is_empty() {
        return "0.00".to_owned();
    }
    let amounts: Vec<_> = cost
        .iter()
        .map(|(currency, amount)| format!("{amount:.2} {currency}"))
        .collect();
    amounts.join(", ")
}

/// Lines of a name and a figure, the figures right-aligned.
pub(crate) fn lines(rows: &[(&str, String, &str)]) -> String {
    let name = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let figure = rows
        .iter()
        .map(|(_, figure, _)| figure.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (label, value, note) in rows {
        let line = format!("  {label:<name$}  {value:>figure$}  {note}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Lines of a name and a text, left-aligned.
pub(crate) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<_> = rows
        .iter()
        .map(|(name, text)| format!("{name:<width$}  {text}"))
        .collect();
    lines.join("\n") + "\n"
}

/// The figures of a store.
pub(crate) fn summary(summary: &Summary) -> String {
    lines(&[
        (
            "events",
            summary.events.to_string(),
            &format!(
                "{} echoes of our own writes, {} to be read{}",
                summary.events_echo,
                summary.events_pending,
                match summary.events_waiting {
                    0 => String::new(),
                    waiting => format!(", {waiting} of them once more"),
                }
            ),
        ),
        ("profiles", summary.profiles.to_string(), ""),
        (
            "purchases",
            summary.purchases.to_string(),
            &format!(
                "{} open, {} unknown",
                summary.purchases_open, summary.purchases_unknown
            ),
        ),
        ("trees", summary.trees.to_string(), ""),
        ("cost", money(&summary.cost), "real money"),
        (
            "in test mode",
            summary.test.purchases.to_string(),
            &in_test(&summary.test),
        ),
        (
            "runs",
            summary.runs_done.to_string(),
            &format!(
                "done; {} waiting{}",
                summary.runs_waiting,
                match summary.runs_open.saturating_sub(summary.runs_waiting) {
                    0 => String::new(),
                    ready => format!("; {ready} to be carried out"),
                }
            ),
        ),
        (
            "held, dead",
            (summary.runs_held + summary.runs_dead).to_string(),
            "need a person",
        ),
        ("calls", summary.calls.to_string(), "in the call log"),
    ])
}

/// What was simulated, apart from what was bought.
fn in_test(simulated: &InTest) -> String {
    let mut text = format!(
        "simulated purchases, in none of the sums above: {} trees, {}",
        simulated.trees.normalize(),
        money(&simulated.cost)
    );
    if simulated.withheld > 0 {
        let _ = write!(
            text,
            "; {} step(s) recorded and not sent to HighLevel",
            simulated.withheld
        );
    }
    if simulated.runs > 0 {
        let _ = write!(
            text,
            "; `canopy retry --withheld` carries {} run(s) out once the connection is live",
            simulated.runs
        );
    }
    text
}

/// In which mode each connection is, and why its purchases are stopped.
pub(crate) fn modes(connections: &[ConnectionConfig], stopped: &[Breaker]) -> String {
    let mut lines = String::new();
    for one in connections {
        let _ = writeln!(lines, "  {}  {}", one.id, one.mode());
    }
    for breaker in stopped {
        let _ = writeln!(
            lines,
            "  purchases are stopped since {:.0}: {}",
            breaker.opened_at, breaker.reason
        );
    }
    format!("connections:\n{lines}\n")
}

/// The same as data.
pub(crate) fn modes_as_data(connections: &[ConnectionConfig]) -> Value {
    let rows = connections.iter().map(|one| {
        json!({ "id": one.id, "test": one.test, "writes_to_highlevel": one.writes(), "mode": one.mode() })
    });
    rows.collect()
}

/// How addresses of webhooks fared, for people; nothing where none came.
pub(crate) fn address_lines(rows: &[AddressHealth]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let mut note = format!("{} of {} answered well", row.succeeded, row.deliveries);
            for (count, what) in [
                (row.forged, "wrongly signed"),
                (row.failed, "put off"),
                (row.unsigned, "unsigned besides"),
            ] {
                if count > 0 {
                    let _ = write!(note, "; {count} {what}");
                }
            }
            let _ = write!(
                note,
                "; {} more may fail before HighLevel pauses it",
                row.failures_left
            );
            if row.until_judged > 0 {
                let _ = write!(note, " (judged after {} more)", row.until_judged);
            }
            (row.address.clone(), format!("{} %", row.percent), note)
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(address, share, note)| (address.as_str(), share.clone(), note.as_str()))
        .collect();
    format!("\nwebhooks of 3 days:\n{}", lines(&rows))
}

/// What webhooks missed, for scripts.
pub(crate) fn missed(rows: &[Missed]) -> Value {
    let rows = rows.iter().map(|row| {
        json!({
            "location": row.location,
            "kind": row.kind,
            "events": row.events,
            "missed": row.missed,
            "percent": row.percent().to_f64(),
        })
    });
    rows.collect()
}

/// What HighLevel told of today's calls, as data.
pub(crate) fn days_of_calls(days: &[DayOfCalls]) -> Value {
    let rows = days.iter().map(|day| {
        json!({
            "location": day.location,
            "limit": day.limit,
            "used": day.used,
            "own": day.own,
            "others": day.others(),
        })
    });
    rows.collect()
}

/// What HighLevel told of today's calls, for people.
pub(crate) fn day_lines(days: &[DayOfCalls]) -> String {
    let line = |day: &DayOfCalls| {
        let others = match day.others() {
            0 => String::new(),
            others => format!(
                ", {others} of them by other programs (all private tokens of a location share its day)"
            ),
        };
        format!(
            "  {}  {} of {} calls used{others}\n",
            day.location, day.used, day.limit
        )
    };
    // Before the location was found by the token its calls had none; the location's own row knows them by now.
    let known = days.iter().filter(|day| !day.location.is_empty());
    let lines: String = known.map(line).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\nHighLevel today:\n{lines}")
}

/// What webhooks missed, for people; nothing where no webhook ever came.
pub(crate) fn missed_lines(rows: &[Missed]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let several = rows.iter().any(|row| row.location != first.location);
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let name = if several {
                format!("{}  {}", row.location, row.kind)
            } else {
                row.kind.clone()
            };
            let note = format!("{} of {}", row.missed, row.events);
            (name, format!("{} %", row.percent()), note)
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, share, note)| (name.as_str(), share.clone(), note.as_str()))
        .collect();
    format!(
        "\nmissed by webhooks and found by polls, of 7 days:\n{}",
        lines(&rows)
    )
}

/// When timetables are due next.
pub(crate) fn due(rows: &[NextDue]) -> String {
    let lines: Vec<_> = rows
        .iter()
        .map(|due| format!("  {:.0}  {} ({})", due.at, due.workflow, due.schedule))
        .collect();
    lines.join("\n")
}

/// Runs that need a person, with what to do.
pub(crate) fn stopped(runs: &[Run]) -> String {
    let lines: Vec<_> = runs
        .iter()
        .map(|run| {
            let contact = run.contact.as_deref().unwrap_or("none");
            let error = run.error.as_deref().unwrap_or("no reason noted");
            format!(
                "  run {} ({}, contact {contact}): {error}",
                run.id, run.workflow
            )
        })
        .collect();
    lines.join("\n")
}

/// Alerts, each with the time since which it stands.
pub(crate) fn alerts(alerts: &[Alert]) -> String {
    let lines: Vec<_> = alerts
        .iter()
        .map(|alert| {
            let resolved = match alert.resolved_at {
                Some(at) => format!(", resolved {at:.0}"),
                None => String::new(),
            };
            format!(
                "  {} {} ({}, since {:.0}, {}x{resolved}): {}",
                alert.id, alert.kind, alert.subject, alert.raised_at, alert.times, alert.message
            )
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_aligned() {
        let text = lines(&[
            ("trees", "5".to_owned(), ""),
            ("cost", "3.00 GBP".to_owned(), "test mode"),
        ]);
        assert_eq!(text, "  trees         5\n  cost   3.00 GBP  test mode\n");
    }
}
