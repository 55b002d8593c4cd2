//! The people of a file's lines so far: a further line may be one of them.

use std::collections::HashMap;

use canopy_engine::Known;
use canopy_mapping::people::email_key;
use serde_json::{Map, Value};

/// By what a person is known within the file; the phone number is in E.164 already.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    email: Option<String>,
    phone: Option<String>,
}

impl Keys {
    /// Of a person's address and number.
    pub fn of(reachable: &Map<String, Value>) -> Self {
        let text = |name: &str| reachable.get(name).and_then(Value::as_str);
        Self {
            email: text("email").map(email_key),
            phone: text("phone").map(str::to_owned),
        }
    }
}

/// What is remembered of each person.
#[derive(Debug)]
pub(super) struct Index<T> {
    by_email: HashMap<String, T>,
    by_phone: HashMap<String, T>,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self {
            by_email: HashMap::new(),
            by_phone: HashMap::new(),
        }
    }
}

impl<T: Clone> Index<T> {
    /// By the address and by the number.
    pub fn find(&self, keys: &Keys) -> (Option<&T>, Option<&T>) {
        (
            keys.email.as_ref().and_then(|key| self.by_email.get(key)),
            keys.phone.as_ref().and_then(|key| self.by_phone.get(key)),
        )
    }

    pub fn insert(&mut self, keys: Keys, what: &T) {
        if let Some(email) = keys.email {
            self.by_email.insert(email, what.clone());
        }
        if let Some(phone) = keys.phone {
            self.by_phone.insert(phone, what.clone());
        }
    }
}

impl Index<String> {
    /// The contacts of a person.
    pub fn known(&self, keys: &Keys) -> Known {
        let (by_email, by_phone) = self.find(keys);
        Known {
            by_email: by_email.cloned(),
            by_phone: by_phone.cloned(),
        }
    }
}
