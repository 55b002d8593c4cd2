//! The states of all parts on one screen, and for scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use canopy_store::{
    Alert, Part, PartHealth, PartReport, PartState, Reason, Summary, is_notice, not_good,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::people;

/// How the program fares, as a command shows it.
pub(crate) struct Health {
    parts: Vec<PartHealth>,
    pub reasons: Vec<Reason>,
    /// Alerts that tell of something that happened.
    pub notices: Vec<Alert>,
}

impl Health {
    /// From what is kept, with what waits for a person and the room on the disk as they are now.
    pub fn new(
        mut parts: Vec<PartHealth>,
        alerts: Vec<Alert>,
        summary: &Summary,
        room: Option<PartReport>,
        now: Timestamp,
    ) -> Self {
        for report in people(summary).into_iter().chain(room) {
            place(&mut parts, report, now);
        }
        let reasons = not_good(&parts, &alerts, now);
        let notices = alerts.into_iter().filter(is_notice).collect();
        Self {
            parts,
            reasons,
            notices,
        }
    }

    pub fn json(&self) -> Value {
        json!({ "good": self.reasons.is_empty(), "reasons": self.reasons, "happened": self.notices, "parts": self.parts })
    }

    pub fn text(&self) -> String {
        let mut text = if self.reasons.is_empty() {
            "health: good".to_owned()
        } else {
            format!("health: {} not good", self.reasons.len())
        };
        // They are no state, and yet the reason why a command ends with 3.
        match self.notices.len() {
            0 => text.push('\n'),
            one => {
                let _ = writeln!(
                    text,
                    "; {one} to be looked at, which happened within a day (`canopy alerts`)"
                );
            }
        }
        for reason in &self.reasons {
            let part = self.part_of(reason);
            let _ = writeln!(
                text,
                "  {} ({}, since {:.0}{})\n      {}",
                reason.kind,
                reason.name,
                reason.since,
                part.map(course).unwrap_or_default(),
                reason.text
            );
        }
        let shaky = self.parts.iter().filter(|part| !part.alerting);
        for part in shaky.filter(|part| part.failing_since.is_some()) {
            let _ = writeln!(
                text,
                "  {} {}: failing{}\n      {}",
                word(part.part),
                part.name,
                course(part),
                part.cause.as_deref().unwrap_or_default()
            );
        }
        let mut good = BTreeMap::<Part, Vec<&PartHealth>>::new();
        for part in self.parts.iter().filter(|part| part.good_since.is_some()) {
            good.entry(part.part).or_default().push(part);
        }
        for (part, all) in good {
            let since = all.iter().filter_map(|one| one.good_since).max();
            let last = all.iter().filter_map(|one| one.last_success).min();
            let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
            let names = match names.as_slice() {
                ["all" | "store"] => String::new(),
                _ => format!(" ({})", names.join(", ")),
            };
            let _ = write!(text, "  good: {}{names}", what(part));
            if let (Some(since), Some(last)) = (since, last) {
                let _ = write!(text, ", since {since:.0}, last {last:.0}");
            }
            text.push('\n');
        }
        text
    }

    fn part_of(&self, reason: &Reason) -> Option<&PartHealth> {
        self.parts.iter().find(|part| {
            part.part.as_str() == reason.kind
                && part.name == reason.name
                && part.location == reason.location
        })
    }
}

/// Puts what is so now in the place of what was last written.
fn place(parts: &mut Vec<PartHealth>, report: PartReport, now: Timestamp) {
    let before = parts.iter().position(|part| {
        part.part == report.part && part.name == report.name && part.location == report.location
    });
    let before = before.map(|place| parts.remove(place));
    let good_since = before.as_ref().and_then(|part| part.good_since);
    let failing_since = before.as_ref().and_then(|part| part.failing_since);
    let (good_since, failing_since, cause, remedy) = match report.state {
        PartState::Good => (Some(good_since.unwrap_or(now)), None, None, None),
        PartState::Failing { cause, remedy, .. } | PartState::ToldElsewhere { cause, remedy } => {
            let since = Some(failing_since.unwrap_or(now));
            (None, since, Some(cause), Some(remedy))
        }
    };
    parts.push(PartHealth {
        location: report.location,
        part: report.part,
        name: report.name,
        good_since,
        failing_since,
        last_success: good_since
            .map(|_| now)
            .or(before.and_then(|part| part.last_success)),
        next_try: None,
        failures: u32::from(failing_since.is_some()),
        alerting: failing_since.is_some(),
        cause,
        remedy,
        updated_at: now,
    });
}

fn word(part: Part) -> String {
    part.as_str().replace('_', " ")
}

/// What is good, in words.
fn what(part: Part) -> String {
    let what = match part {
        Part::ClockOff => "clock",
        Part::Limit => "calls of the day",
        Part::Drain => "work",
        Part::Reading => "reading of events",
        Part::Ecologi => "Ecologi",
        Part::DeadRuns => "no dead runs",
        Part::HeldRuns => "no held runs",
        Part::UnknownPurchases => "no unknown purchases",
        other => return word(other),
    };
    what.to_owned()
}

/// How often it failed, when it was last good, and when it is tried again.
fn course(part: &PartHealth) -> String {
    let mut text = String::new();
    if part.failures > 1 {
        let _ = write!(text, ", {}x", part.failures);
    }
    if let Some(last) = part.last_success {
        let _ = write!(text, ", last success {last:.0}");
    }
    if let Some(next) = part.next_try {
        let _ = write!(text, ", next try {next:.0}");
    }
    text
}
