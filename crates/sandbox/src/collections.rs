//! All collections, and the one way in which their records change: stored, entered in the history and told by
//! webhooks together.

use crate::answer::Answer;
use crate::collection::{Collection, Record};
use crate::webhooks::payload::Event;
use crate::world::{Act, World};

/// Declares the collections with the name that refusals give to one record.
macro_rules! collections {
    ($($field:ident: $name:literal,)+) => {
        #[derive(Debug)]
        pub struct Collections {
            $(pub $field: Collection,)+
        }

        impl Collections {
            /// A collection by its name here.
            pub fn find(&self, name: &str) -> Option<&Collection> {
                match name {
                    $(stringify!($field) => Some(&self.$field),)+
                    _ => None,
                }
            }

            /// The same to write in.
            pub fn find_mut(&mut self, name: &str) -> Option<&mut Collection> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }
        }

        impl Default for Collections {
            fn default() -> Self {
                Self { $($field: Collection::new($name),)+ }
            }
        }
    };
}

collections! {
    appointment_notes: "Note",
    associations: "Association",
    authors: "Author",
    blogs: "Blog",
    businesses: "Business",
    calendar_groups: "Calendar group",
    calendar_notifications: "Notification",
    calendar_resources: "Resource",
    calendars: "Calendar",
    campaigns: "Campaign",
    categories: "Category",
    conversations: "Conversation",
    emails: "Email",
    events: "Event",
    former_users: "User",
    locations: "Location",
    messages: "Message",
    opportunities: "Opportunity",
    pipelines: "Pipeline",
    posts: "Blog post",
    relations: "Relation",
    snapshots: "Snapshot",
    users: "User",
    workflows: "Workflow",
}

/// What happened to a record.
#[derive(Debug, Clone, Copy)]
pub enum Change<'r> {
    Created(&'r Record),
    /// The new state, and the members that changed.
    Updated(&'r Record, &'r [String]),
    Deleted(&'r Record),
}

impl<'r> Change<'r> {
    pub fn record(self) -> &'r Record {
        match self {
            Self::Created(record) | Self::Updated(record, _) | Self::Deleted(record) => record,
        }
    }
}

/// A kind of record: where it is kept, what the history calls its changes, and which webhooks tell them.
#[derive(Debug)]
pub struct Kind {
    pub collection: fn(&mut Collections) -> &mut Collection,
    pub created: &'static str,
    pub updated: &'static str,
    pub deleted: &'static str,
    pub events: fn(&World, Change<'_>) -> Vec<Event>,
}

/// The webhooks of a kind for which HighLevel documents none.
pub fn silent(_: &World, _: Change<'_>) -> Vec<Event> {
    Vec::new()
}

impl World {
    /// Stores a new record and tells of it.
    pub fn add(&mut self, kind: &Kind, record: &Record, act: Act) {
        (kind.collection)(&mut self.records).put(record.clone());
        self.tell(kind, Change::Created(record), act);
    }

    /// Changes a record by a function. Nothing happens when nothing differs.
    pub fn change(
        &mut self,
        kind: &Kind,
        id: &str,
        act: Act,
        edit: impl FnOnce(&mut Record),
    ) -> Result<Record, Answer> {
        let collection = (kind.collection)(&mut self.records);
        let before = collection.get(id)?;
        let mut after = before.clone();
        edit(&mut after);
        let changed = after.differences(before);
        if !changed.is_empty() {
            after.updated_at = act.at;
            collection.put(after.clone());
            self.tell(kind, Change::Updated(&after, &changed), act);
        }
        Ok(after)
    }

    /// Removes a record and tells of it.
    pub fn remove(&mut self, kind: &Kind, id: &str, act: Act) -> Result<Record, Answer> {
        let record = (kind.collection)(&mut self.records).remove(id)?;
        self.tell(kind, Change::Deleted(&record), act);
        Ok(record)
    }

    /// Removes all records of a kind with this text in this member: what goes with the record that they belong to.
    pub fn remove_with(&mut self, kind: &Kind, member: &str, text: &str, act: Act) {
        let ids = (kind.collection)(&mut self.records).ids_with(member, text);
        for id in ids {
            // The ids were read from the collection just now.
            let _removed = self.remove(kind, &id, act);
        }
    }

    fn tell(&mut self, kind: &Kind, change: Change<'_>, act: Act) {
        let (name, changed) = match change {
            Change::Created(_) => (kind.created, Vec::new()),
            Change::Updated(_, changed) => (kind.updated, changed.to_vec()),
            Change::Deleted(_) => (kind.deleted, Vec::new()),
        };
        let record = change.record();
        let contact_id = record.text("contactId");
        self.history
            .push(act.at, name, &record.id, contact_id, act.origin, changed);
        for event in (kind.events)(self, change) {
            self.emit(&event, act.at);
        }
    }
}
