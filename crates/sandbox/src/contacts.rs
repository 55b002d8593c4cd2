//! The contacts of the location: the records themselves, and the search index that lags behind them.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::records::Contact;

#[derive(Debug, Default)]
pub struct Contacts {
    records: HashMap<String, Arc<Contact>>,
    by_email: HashMap<String, Vec<String>>,
    by_phone: HashMap<String, Vec<String>>,
    index: Index,
}

/// What searches see.
#[derive(Debug, Default)]
struct Index {
    visible: HashMap<String, Arc<Contact>>,
    pending: VecDeque<Write>,
}

#[derive(Debug)]
struct Write {
    at: Timestamp,
    id: String,
    /// `None`: deleted.
    contact: Option<Arc<Contact>>,
}

/// How far searches are behind.
#[derive(Debug, Clone, Copy)]
pub struct Lag {
    pub seconds: u32,
    /// About half of the writes show up at once.
    pub uneven: bool,
}

impl Lag {
    fn longest(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.seconds))
    }

    /// How long this write stays unseen: about half of them not at all.
    fn of(self, write: &Write) -> SignedDuration {
        let mut hasher = DefaultHasher::new();
        (&write.id, write.at.as_millisecond()).hash(&mut hasher);
        if hasher.finish().is_multiple_of(2) {
            SignedDuration::ZERO
        } else {
            self.longest()
        }
    }
}

impl Index {
    fn show(&mut self, write: Write) {
        match write.contact {
            Some(contact) => self.visible.insert(write.id, contact),
            None => self.visible.remove(&write.id),
        };
    }

    /// Shows each write when it is its time, those of one contact in order.
    fn show_unevenly(&mut self, now: Timestamp, lag: Lag) {
        let mut held: HashSet<String> = HashSet::new();
        for write in std::mem::take(&mut self.pending) {
            if write.at + lag.of(&write) <= now && !held.contains(&write.id) {
                self.show(write);
            } else {
                held.insert(write.id.clone());
                self.pending.push_back(write);
            }
        }
    }
}

impl Contacts {
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn get(&self, id: &str) -> Option<&Arc<Contact>> {
        self.records.get(id)
    }

    /// Stores a new or changed contact.
    pub fn put(&mut self, contact: Contact, at: Timestamp) {
        self.forget_keys(&contact.id);
        for email in email_keys(&contact) {
            self.by_email
                .entry(email)
                .or_default()
                .push(contact.id.clone());
        }
        if let Some(phone) = contact.text("phone") {
            self.by_phone
                .entry(phone_key(phone))
                .or_default()
                .push(contact.id.clone());
        }
        let contact = Arc::new(contact);
        self.index.pending.push_back(Write {
            at,
            id: contact.id.clone(),
            contact: Some(Arc::clone(&contact)),
        });
        self.records.insert(contact.id.clone(), contact);
    }

    pub fn remove(&mut self, id: &str, at: Timestamp) -> Option<Arc<Contact>> {
        self.forget_keys(id);
        let removed = self.records.remove(id)?;
        self.index.pending.push_back(Write {
            at,
            id: id.to_owned(),
            contact: None,
        });
        Some(removed)
    }

    pub fn by_email(&self, email: &str) -> Option<&Arc<Contact>> {
        let ids = self.by_email.get(&email.trim().to_lowercase())?;
        self.records.get(ids.first()?)
    }

    pub fn by_phone(&self, phone: &str) -> Option<&Arc<Contact>> {
        let ids = self.by_phone.get(&phone_key(phone))?;
        self.records.get(ids.first()?)
    }

    /// The contacts as they are, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Contact>> {
        self.records.values()
    }

    /// The contacts as searches see them: without the writes of the last time.
    pub fn searchable(&mut self, now: Timestamp, lag: Lag) -> impl Iterator<Item = &Arc<Contact>> {
        if lag.uneven {
            self.index.show_unevenly(now, lag);
        }
        while let Some(write) = self
            .index
            .pending
            .pop_front_if(|write| write.at + lag.longest() <= now)
        {
            self.index.show(write);
        }
        self.index.visible.values()
    }

    fn forget_keys(&mut self, id: &str) {
        let Some(old) = self.records.get(id) else {
            return;
        };
        for email in email_keys(old) {
            drop_id(&mut self.by_email, &email, id);
        }
        if let Some(phone) = old.text("phone") {
            drop_id(&mut self.by_phone, &phone_key(phone), id);
        }
    }
}

/// The first address and the additional ones.
fn email_keys(contact: &Contact) -> Vec<String> {
    let additional = contact.additional_emails.iter().map(String::as_str);
    let all = contact.text("email").into_iter().chain(additional);
    all.map(|email| email.trim().to_lowercase()).collect()
}

/// Numbers are compared by their digits: `+1 201-555-0100` is `12015550100`.
fn phone_key(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

fn drop_id(index: &mut HashMap<String, Vec<String>>, key: &str, id: &str) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|known| known != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
