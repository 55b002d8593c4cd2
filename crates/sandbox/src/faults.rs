//! Faults that tests order: how a request or a webhook is to go wrong.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Ids;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Answers a status instead of doing the work (with `after_work`: after doing it).
    Status,
    /// Waits, then goes on as usual.
    Delay,
    /// Does the work, then closes the connection without an answer.
    DropAnswer,
    /// Closes the connection without doing the work.
    DropRequest,
    /// Never answers and does no work (with `after_work`: does it first).
    Hang,
    DuplicateWebhooks,
    ReorderWebhooks,
    LoseWebhooks,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Delay => "delay",
            Self::DropAnswer => "drop_answer",
            Self::DropRequest => "drop_request",
            Self::Hang => "hang",
            Self::DuplicateWebhooks => "duplicate_webhooks",
            Self::ReorderWebhooks => "reorder_webhooks",
            Self::LoseWebhooks => "lose_webhooks",
        }
    }

    fn is_for_webhooks(self) -> bool {
        matches!(
            self,
            Self::DuplicateWebhooks | Self::ReorderWebhooks | Self::LoseWebhooks
        )
    }
}

/// A fault as `POST /faults` takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub kind: Kind,
    /// `highlevel` or `ecologi`; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// An operation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A path as requested, or its template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A webhook's type, e.g. `ContactCreate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// How often it applies; absent: until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How many matches pass untouched first.
    #[serde(default)]
    pub skip: u32,
    /// Probability per match, drawn from the seed; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// For `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// For `status`: the answer's body (a text is sent as plain text).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// For `status`: headers of the answer, e.g. `Retry-After`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// For `delay`, in real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// For `status` and `hang`: do the work first.
    #[serde(default)]
    pub after_work: bool,
    /// For `duplicate_webhooks`: how often the event is sent altogether (2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
    /// For `reorder_webhooks`: how many are gathered and sent in reverse (4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// For `reorder_webhooks`: how long an unfilled window is held, in real time (500).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
}

impl Order {
    fn check(&self) -> Result<(), String> {
        let wants = |given: bool, name: &str, kind: Kind| {
            if given {
                Ok(())
            } else {
                Err(format!("a fault of kind `{}` needs `{name}`", kind.name()))
            }
        };
        match self.kind {
            Kind::Status => wants(self.status.is_some(), "status", Kind::Status)?,
            Kind::Delay => wants(self.delay_ms.is_some(), "delay_ms", Kind::Delay)?,
            _ => {}
        }
        if let Some(status) = self.status
            && !(200..=599).contains(&status)
        {
            return Err(format!("`status` {status} is not one of 200 to 599"));
        }
        if let Some(service) = &self.service
            && service != "highlevel"
            && service != "ecologi"
        {
            return Err(format!("`service` is highlevel or ecologi, not {service}"));
        }
        if self.window.is_some_and(|window| window < 2)
            || self.copies.is_some_and(|copies| copies < 2)
        {
            return Err("`window` and `copies` are 2 or more".to_owned());
        }
        Ok(())
    }
}

/// A standing fault.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    pub id: u64,
    #[serde(flatten)]
    pub order: Order,
    /// How often it matched, and how often it was applied.
    pub matched: u32,
    pub applied: u32,
}

impl Fault {
    /// Counts a match and tells whether the fault applies to it.
    fn strikes(&mut self, random: &mut Ids) -> bool {
        if self.order.times.is_some_and(|times| self.applied >= times) {
            return false;
        }
        self.matched += 1;
        if self.matched <= self.order.skip
            || self
                .order
                .chance
                .is_some_and(|chance| !random.chance(chance))
        {
            return false;
        }
        self.applied += 1;
        true
    }
}

/// What the faults do to one webhook event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookEffect {
    pub copies: u32,
    pub lost: bool,
    /// Size of the window it is held in, and for how many milliseconds at most.
    pub held: Option<(usize, u64)>,
}

#[derive(Debug)]
pub struct Faults {
    standing: Vec<Fault>,
    random: Ids,
    next_id: u64,
}

/// What a fault is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub service: &'a str,
    pub operation: Option<&'a str>,
    pub template: Option<&'a str>,
    pub method: &'a str,
    pub path: &'a str,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self {
            standing: Vec::new(),
            random: Ids::new(seed, 4),
            next_id: 1,
        }
    }

    pub fn add(&mut self, order: Order) -> Result<&Fault, String> {
        order.check()?;
        self.standing.push(Fault {
            id: self.next_id,
            order,
            matched: 0,
            applied: 0,
        });
        self.next_id += 1;
        Ok(&self.standing[self.standing.len() - 1])
    }

    pub fn all(&self) -> &[Fault] {
        &self.standing
    }

    pub fn clear(&mut self) {
        self.standing.clear();
    }

    /// The first fault that strikes this request.
    pub fn for_request(&mut self, target: Target<'_>) -> Option<Order> {
        let Self {
            standing, random, ..
        } = self;
        standing
            .iter_mut()
            .filter(|fault| {
                !fault.order.kind.is_for_webhooks() && matches_request(&fault.order, target)
            })
            .find_map(|fault| fault.strikes(random).then(|| fault.order.clone()))
    }

    /// What all faults together do to this event.
    pub fn for_webhook(&mut self, event: &str) -> WebhookEffect {
        let Self {
            standing, random, ..
        } = self;
        let mut effect = WebhookEffect {
            copies: 1,
            lost: false,
            held: None,
        };
        for fault in standing.iter_mut() {
            let order = &fault.order;
            let matches = order.kind.is_for_webhooks()
                && order.event.as_deref().is_none_or(|name| name == event);
            if !matches || !fault.strikes(random) {
                continue;
            }
            let order = &fault.order;
            match order.kind {
                Kind::DuplicateWebhooks => effect.copies = order.copies.unwrap_or(2),
                Kind::LoseWebhooks => effect.lost = true,
                Kind::ReorderWebhooks => {
                    effect.held = Some((order.window.unwrap_or(4), order.hold_ms.unwrap_or(500)));
                }
                _ => {}
            }
        }
        effect
    }
}

fn matches_request(order: &Order, target: Target<'_>) -> bool {
    let is = |wanted: &Option<String>, actual: Option<&str>| {
        wanted
            .as_deref()
            .is_none_or(|wanted| actual == Some(wanted))
    };
    is(&order.service, Some(target.service))
        && is(&order.operation, target.operation)
        && order
            .method
            .as_deref()
            .is_none_or(|method| method.eq_ignore_ascii_case(target.method))
        && (is(&order.path, Some(target.path)) || is(&order.path, target.template))
}
