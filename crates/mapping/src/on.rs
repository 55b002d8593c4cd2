//! What starts a workflow.

use std::fmt;

use jiff::SignedDuration;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::event::{Event, FIRST_POLL, Source};
use crate::poll::poll_name;

/// Kind of the events of timetables.
pub const SCHEDULE_DUE: &str = "schedule.due";

/// One way in which a workflow can start.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum On {
    /// An event kind, e.g. `contact.created`, whichever way it comes.
    Kind(String),
    /// What one poll finds.
    Trigger(TriggerOn),
    /// Its own timetable.
    Schedule(ScheduleOn),
    /// A request of HighLevel's workflow builder to `/webhooks/workflow/<name>`.
    Webhook(WebhookOn),
}

/// A polled trigger with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriggerOn {
    /// In a file a trigger of the catalog or an operation; once read, always the operation's name.
    pub trigger: String,
    /// The operation's arguments.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
    /// How often it is asked, 1 to 15 minutes; without it, as usual at the location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<SignedDuration>,
    /// Also start on what is there at the first poll.
    #[serde(default)]
    pub backfill: bool,
    /// Arguments that say only in which order and pages the records come; known once it is read.
    #[serde(skip)]
    pub arranging: Vec<String>,
}

impl TriggerOn {
    /// The name of its poll, once its trigger is an operation's name. Triggers that find the same share one.
    pub fn poll_name(&self) -> String {
        let mut finding = self.with.clone();
        finding.retain(|name, _| !self.arranging.contains(name));
        poll_name(&self.trigger, &finding)
    }

    /// Whether its poll found an event. Earlier versions of the program named polls by all of their arguments.
    fn found(&self, found_by: &[String]) -> bool {
        found_by.contains(&self.poll_name())
            || (!self.arranging.is_empty()
                && found_by.contains(&poll_name(&self.trigger, &self.with)))
    }
}

/// A timetable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleOn {
    /// Five fields as of cron: minute, hour, day of the month, month, day of the week.
    pub schedule: String,
    /// IANA name, e.g. `Europe/London`; UTC without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Without it there is one run for the location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
}

/// Whom a timetable starts a run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Each {
    /// For each contact with a profile.
    Profile,
}

/// An inbound request of HighLevel's workflow builder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookOn {
    /// The last part of the address.
    pub webhook: String,
}

impl WebhookOn {
    /// Kind of the events that its requests become.
    pub fn kind(&self) -> String {
        format!("hook.{}", self.webhook)
    }
}

impl On {
    /// Whether an event starts the workflow `workflow`, as far as this can be told without its condition.
    pub fn matches(&self, workflow: &str, event: &Event) -> bool {
        let found_by = &event.trace.found_by;
        if event.source == Source::Manual && found_by.iter().any(|mark| mark == FIRST_POLL) {
            return matches!(self, Self::Trigger(on) if on.backfill && on.found(found_by));
        }
        match self {
            Self::Kind(kind) => *kind == event.kind,
            Self::Trigger(trigger) => trigger.found(found_by),
            Self::Webhook(webhook) => webhook.kind() == event.kind,
            Self::Schedule(_) => {
                event.source == Source::Schedule
                    && event.kind == SCHEDULE_DUE
                    && event.record == workflow
            }
        }
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(kind),
            Self::Trigger(trigger) => f.write_str(&trigger.trigger),
            Self::Webhook(webhook) => write!(f, "webhook {}", webhook.webhook),
            Self::Schedule(schedule) => write!(f, "schedule {}", schedule.schedule),
        }
    }
}

/// All keys of the tables, so that a wrong one is told with the nearest right one.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(
        description = "A trigger with its arguments, a timetable, or a webhook action of HighLevel's workflow builder."
    )
)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// A trigger of the catalog, or its operation: starts on what this poll finds.
    trigger: Option<String>,
    /// Arguments of the trigger. They are values: there is no event yet that could fill a template.
    with: Option<Map<String, Value>>,
    /// How often the trigger is asked: `"1m"` to `"15m"`. Default: `[poll] every` of the configuration.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("pattern" = crate::schema::DURATION)))]
    every: Option<SignedDuration>,
    /// `true`: also start on what is there at the trigger's first poll. Default: `false`.
    backfill: Option<bool>,
    /// A timetable, as cron writes it: minute, hour, day of the month, month, day of the week, such as `"0 9 1 * *"`.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = crate::schema::CRON)))]
    schedule: Option<String>,
    /// Time zone of the timetable, such as `Europe/London`. Default: UTC.
    timezone: Option<String>,
    /// `"profile"`: a run for each contact with a profile. Default: one run for the location.
    each: Option<Each>,
    /// Starts on requests to `/webhooks/workflow/NAME`: the NAME, as `[[webhooks.workflow]]` of the configuration has it.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = crate::schema::ID)))]
    webhook: Option<String>,
}

impl Table {
    fn read(self) -> Result<On, String> {
        let given = [
            ("with", "trigger", self.with.is_some()),
            ("every", "trigger", self.every.is_some()),
            ("backfill", "trigger", self.backfill.is_some()),
            ("timezone", "schedule", self.timezone.is_some()),
            ("each", "schedule", self.each.is_some()),
        ];
        let (kind, on) = match (self.trigger, self.schedule, self.webhook) {
            (Some(trigger), None, None) => (
                "trigger",
                On::Trigger(TriggerOn {
                    trigger,
                    with: self.with.unwrap_or_default(),
                    every: self.every,
                    backfill: self.backfill.unwrap_or_default(),
                    arranging: Vec::new(),
                }),
            ),
            (None, Some(schedule), None) => (
                "schedule",
                On::Schedule(ScheduleOn {
                    schedule,
                    timezone: self.timezone,
                    each: self.each,
                }),
            ),
            (None, None, Some(webhook)) => ("webhook", On::Webhook(WebhookOn { webhook })),
            _ => {
                return Err(
                    "a table under \"on\" has one of \"trigger\", \"schedule\" and \"webhook\""
                        .to_owned(),
                );
            }
        };
        match given.iter().find(|(_, of, is)| *is && *of != kind) {
            Some((key, of, _)) => Err(format!(
                "\"{key}\" belongs to a {of} and cannot stand beside \"{kind}\""
            )),
            None => Ok(on),
        }
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneVisitor)
    }
}

struct OneVisitor;

impl<'de> Visitor<'de> for OneVisitor {
    type Value = On;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event kind, a trigger's name, or a table with trigger, schedule or webhook")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<On, E> {
        Ok(On::Kind(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<On, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map))?
            .read()
            .map_err(de::Error::custom)
    }
}

/// One item or a list of them.
pub(crate) fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<On>, D::Error> {
    struct ManyVisitor;

    impl<'de> Visitor<'de> for ManyVisitor {
        type Value = Vec<On>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            OneVisitor.expecting(f)?;
            f.write_str(", or a list of these")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<On>, E> {
            OneVisitor.visit_str(text).map(|on| vec![on])
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<On>, A::Error> {
            OneVisitor.visit_map(map).map(|on| vec![on])
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<On>, A::Error> {
            let mut all = Vec::new();
            while let Some(on) = list.next_element()? {
                all.push(on);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_any(ManyVisitor)
}
