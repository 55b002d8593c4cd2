//! Calls of workflows' own webhooks: told by a secret header, unsigned, and sent once only.

use canopy_store::{DeliveryKey, NewAlert, StoreError};
use jiff::Timestamp;

use crate::health::HOOKS;
use crate::hook_body::{self, PayloadError};
use crate::normalise::{self, hash_of, hook_of};
use crate::receive::{MOST_ASIDE, REMEMBERED, ReceiveError, Received, Receiver};
use crate::tally::Answered;
use crate::workflow_hook::WorkflowHook;

/// Kind of the alert that calls of a workflow's webhook, or deliveries, could not be read.
pub(crate) const UNREADABLE: &str = "unreadable";
/// The header with which a sender of its own names a call, and how long the name may be.
const OWN_KEY: (&str, usize) = ("idempotency-key", 255);

impl Receiver {
    /// Refuses by the headers alone what has not the secret, before anybody reads its body.
    pub fn look_at_hook<'a>(
        &self,
        name: &str,
        header: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<(), ReceiveError> {
        if self.hook(name, &header).is_some() {
            return Ok(());
        }
        if !self.hooks.iter().any(|hook| hook.name == name) {
            let mut others = self.hooks.iter();
            let of = others.find(|hook| hook.admits(header(&hook.header)));
            self.unknown.note(name, of.map(|hook| &*hook.name));
        }
        let refused = Err(ReceiveError::Secret);
        self.counts.count(&refused);
        self.note_hook(name, Answered::Forged, self.clock.now());
        refused.map(drop)
    }

    fn hook<'a>(
        &self,
        name: &str,
        header: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Option<&WorkflowHook> {
        let given = |hook: &&WorkflowHook| hook.name == name && hook.admits(header(&hook.header));
        self.hooks.iter().find(given)
    }

    fn note_hook(&self, name: &str, answered: Answered, now: Timestamp) {
        let is_known = self.hooks.iter().any(|hook| hook.name == name);
        // Names that there are not are strangers'.
        let name = if is_known { name } else { "*" };
        self.tally.note(format!("{HOOKS}{name}"), answered, now);
    }

    /// Takes one call of a workflow's own webhook. `header` tells the value of a header by its name.
    pub async fn receive_hook<'a>(
        &self,
        name: &str,
        header: impl Fn(&str) -> Option<&'a [u8]>,
        body: &[u8],
    ) -> Result<Received, ReceiveError> {
        let now = self.clock.now();
        let hook = self.hook(name, &header);
        let text = |name: &str| header(name).and_then(|value| std::str::from_utf8(value).ok());
        let received = match hook {
            Some(hook) => {
                let own_key = text(OWN_KEY.0).map(str::trim);
                let own_key = own_key.filter(|key| (1..=OWN_KEY.1).contains(&key.len()));
                self.take_hook(hook, text("content-type"), own_key, body, now)
                    .await
            }
            None => Err(ReceiveError::Secret),
        };
        self.counts.count(&received);
        let answered = match &received {
            Ok(Received::Duplicate) => Answered::Duplicate,
            Ok(_) => Answered::Taken,
            Err(ReceiveError::Secret) => Answered::Forged,
            Err(_) => Answered::Failed,
        };
        self.note_hook(name, answered, now);
        received
    }

    async fn take_hook(
        &self,
        hook: &WorkflowHook,
        content_type: Option<&str>,
        own_key: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Received, ReceiveError> {
        let payload = match hook_body::read(content_type, body).await {
            Ok(payload) => payload,
            Err(error) => {
                self.hook_lost(hook, body, &error, now).await?;
                return Err(error.into());
            }
        };
        let event = hook_of(&hook.name, &hook.location, payload, body, now);
        let named = |word: &str, what: &[u8]| {
            hash_of(&[
                word.as_bytes(),
                hook.location.as_bytes(),
                hook.name.as_bytes(),
                what,
            ])
        };
        let key = match (own_key, hook.dedupe) {
            (Some(own), _) => Some(DeliveryKey {
                is_hint: false,
                is_content: false,
                key: named("own", own.as_bytes()),
                until: now + REMEMBERED,
            }),
            (None, Some(length)) => Some(DeliveryKey {
                is_hint: false,
                is_content: true,
                key: named("body", body),
                until: now + length,
            }),
            (None, None) => None,
        };
        Ok(self.keep(key, vec![event], now).await?)
    }

    /// Notes a call with the right secret that did not come as a whole, or whose turn did not come. `problem`: why.
    pub async fn hook_unread(&self, name: &str, problem: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.counts.put_off();
        self.note_hook(name, Answered::Failed, now);
        match self.hooks.iter().find(|hook| hook.name == name) {
            Some(hook) => self.tell_lost(hook, problem, now).await,
            None => Ok(()),
        }
    }

    /// A call that cannot be read is lost: HighLevel's workflows send nothing again. So a person is told.
    async fn hook_lost(
        &self,
        hook: &WorkflowHook,
        body: &[u8],
        error: &PayloadError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let problem = error.to_string();
        let event = normalise::unreadable(Some(&hook.name), body, &problem, now);
        self.store
            .set_aside(event, &problem, MOST_ASIDE, now)
            .await?;
        self.tell_lost(hook, &problem, now).await
    }

    async fn tell_lost(
        &self,
        hook: &WorkflowHook,
        problem: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let alert = NewAlert {
            location: hook.location.clone(),
            kind: UNREADABLE.to_owned(),
            subject: hook.name.clone(),
            message: format!(
                "a call of the workflow webhook \"{}\" could not be read, so it is lost: {problem}",
                hook.name
            ),
        };
        self.store.raise_alert(alert, now).await.map(drop)
    }
}
