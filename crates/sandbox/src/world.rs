//! Everything the sandbox remembers, and the one way in which contacts, notes and tasks change: a change is stored,
//! entered in the history and put into the webhook queue together.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::collections::Collections;
use crate::contacts::Contacts;
use crate::ecologi::Account;
use crate::faults::Faults;
use crate::highlevel::limits::Limits;
use crate::highlevel::oauth::Grants;
use crate::history::{History, Origin};
use crate::ids::Ids;
use crate::records::{Contact, CustomField, Location, Note, Task};
use crate::requests::Requests;
use crate::settings::Settings;
use crate::webhooks::{Outbox, payload};

#[derive(Debug)]
pub struct World {
    pub settings: Settings,
    pub ids: Ids,
    pub traces: Ids,
    pub seed: u64,
    /// How many batches of contacts were seeded, and how many contacts they held.
    pub seeded: (u64, u64),
    pub location: Location,
    pub contacts: Contacts,
    pub notes: IndexMap<String, Vec<Note>>,
    pub tasks: IndexMap<String, Vec<Task>>,
    pub custom_fields: Vec<CustomField>,
    /// Everything else that HighLevel keeps.
    pub records: Collections,
    /// Records of operations that nobody has written a handler for.
    pub plain: crate::highlevel::plain::Store,
    /// When the last message was made: no two share a millisecond, so that paging by date loses none.
    pub last_message_at: Timestamp,
    pub grants: Grants,
    pub limits: Limits,
    pub ecologi: Account,
    pub history: History,
    pub outbox: Outbox,
    pub faults: Faults,
    pub requests: Requests,
}

/// When and by whom something is done.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    pub at: Timestamp,
    pub origin: Origin,
}

impl World {
    pub fn contact(&self, id: &str) -> Result<&Arc<Contact>, Answer> {
        self.contacts
            .get(id)
            .ok_or_else(|| Answer::not_found(format!("Contact with id {id} not found")))
    }

    pub fn add_contact(&mut self, contact: Contact, act: Act) {
        self.history.push(
            act.at,
            "contact.created",
            &contact.id,
            Some(&contact.id),
            act.origin,
            Vec::new(),
        );
        let event = payload::contact("ContactCreate", &contact, &self.location);
        self.contacts.put(contact, act.at);
        self.emit(&event, act.at);
    }

    /// Changes a contact by a function. Nothing happens when nothing differs; otherwise `dateUpdated` moves and the
    /// webhooks of the change leave.
    pub fn change_contact(
        &mut self,
        id: &str,
        act: Act,
        edit: impl FnOnce(&mut Contact),
    ) -> Result<Arc<Contact>, Answer> {
        let before = Arc::clone(self.contact(id)?);
        let mut after = Contact::clone(&before);
        edit(&mut after);
        let changed = differences(&before, &after);
        if changed.is_empty() {
            return Ok(before);
        }
        after.date_updated = act.at;
        self.contacts.put(after.clone(), act.at);
        let mut events = vec!["ContactUpdate"];
        if changed.iter().any(|member| member == "tags") {
            events.push("ContactTagUpdate");
        }
        if changed
            .iter()
            .any(|member| member == "dnd" || member == "dndSettings")
        {
            events.push("ContactDndUpdate");
        }
        // Whom the contact blocks (`STOP` as a text message) is told by nothing.
        if changed.iter().all(|member| member == "inboundDndSettings") {
            events.clear();
        }
        self.history
            .push(act.at, "contact.updated", id, Some(id), act.origin, changed);
        for event in events {
            let event = payload::contact(event, &after, &self.location);
            self.emit(&event, act.at);
        }
        Ok(Arc::new(after))
    }

    pub fn delete_contact(&mut self, id: &str, act: Act) -> Result<(), Answer> {
        self.contact(id)?;
        if let Some(contact) = self.contacts.remove(id, act.at) {
            self.notes.swap_remove(id);
            self.tasks.swap_remove(id);
            crate::highlevel::forget_contact(self, id, act);
            self.history.push(
                act.at,
                "contact.deleted",
                id,
                Some(id),
                act.origin,
                Vec::new(),
            );
            let event = payload::contact("ContactDelete", &contact, &self.location);
            self.emit(&event, act.at);
        }
        Ok(())
    }

    pub fn note_event(
        &mut self,
        event: &'static str,
        kind: &'static str,
        contact_id: &str,
        note: &Note,
        act: Act,
    ) {
        self.history.push(
            act.at,
            kind,
            &note.id,
            Some(contact_id),
            act.origin,
            Vec::new(),
        );
        let event = payload::note(event, note, contact_id, &self.location);
        self.emit(&event, act.at);
        if self.settings.note_moves_contact {
            self.touch_contact(contact_id, act.at);
        }
    }

    /// `event` is `None` for changes that HighLevel has no webhook for (an edited task).
    pub fn task_event(
        &mut self,
        event: Option<&'static str>,
        kind: &'static str,
        contact_id: &str,
        task: &Task,
        act: Act,
    ) {
        self.history.push(
            act.at,
            kind,
            &task.id,
            Some(contact_id),
            act.origin,
            Vec::new(),
        );
        if let Some(event) = event {
            let names_contact = event != "TaskCreate" || self.settings.task_webhook_has_contact;
            let event = payload::task(
                event,
                task,
                names_contact.then_some(contact_id),
                &self.location,
            );
            self.emit(&event, act.at);
        }
        if self.settings.task_moves_contact {
            self.touch_contact(contact_id, act.at);
        }
    }

    /// Moves `dateUpdated` alone: no change of the contact, so neither history nor webhook.
    fn touch_contact(&mut self, contact_id: &str, at: Timestamp) {
        if let Some(contact) = self.contacts.get(contact_id) {
            let mut contact = Contact::clone(contact);
            contact.date_updated = at;
            self.contacts.put(contact, at);
        }
    }

    /// Puts a webhook into the queue, when there is somebody to tell.
    pub fn emit(&mut self, event: &payload::Event, at: Timestamp) {
        if self.outbox.target_of(event.name).is_some() {
            let effect = self.faults.for_webhook(event.name);
            let envelope = payload::Envelope {
                app_id: &self.grants.app_id,
                version_id: &self.grants.version_id,
            };
            self.outbox
                .push(event, at, effect, (&envelope, &self.settings));
        }
    }
}

/// The members in which two states of a contact differ, by their HighLevel names.
fn differences(before: &Contact, after: &Contact) -> Vec<String> {
    let mut changed: Vec<String> = Vec::new();
    for member in crate::records::plain_members() {
        if before.members.get(member) != after.members.get(member) {
            changed.push(member.clone());
        }
    }
    let sets = [
        ("tags", before.tags != after.tags),
        ("customFields", before.custom_fields != after.custom_fields),
        (
            "additionalEmails",
            before.additional_emails != after.additional_emails,
        ),
        ("followers", before.followers != after.followers),
        ("businessId", before.business_id != after.business_id),
        ("campaigns", before.campaigns != after.campaigns),
        ("workflows", before.workflows != after.workflows),
    ];
    changed.extend(
        sets.into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(name, _)| name.to_owned()),
    );
    changed
}
