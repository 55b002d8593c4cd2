//! The contacts of the location: the records themselves, and the search index that lags behind them.

use std::collections::{HashMap, VecDeque};
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

    /// The contacts as searches see them: without the writes of the last `lag_seconds`.
    pub fn searchable(
        &mut self,
        now: Timestamp,
        lag_seconds: u32,
    ) -> impl Iterator<Item = &Arc<Contact>> {
        let lag = SignedDuration::from_secs(i64::from(lag_seconds));
        while let Some(write) = self
            .index
            .pending
            .pop_front_if(|write| write.at + lag <= now)
        {
            match write.contact {
                Some(contact) => self.index.visible.insert(write.id, contact),
                None => self.index.visible.remove(&write.id),
            };
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
