//! Compares two books: what the services saw, and what the store says. Neither may know more than the other.

use std::collections::{HashMap, HashSet};

use canopy_store::{PurchaseState, SqliteStore, Store};

use crate::control::Control;
use crate::exit::Failure;

/// Both sides of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Ids of the contacts that the service created while we were to listen.
    pub created: Vec<String>,
    /// Ids of the contacts whose creation is in the inbox.
    pub received: Vec<String>,
    /// `Idempotency-Key` of each purchase that the service made; none for a purchase without one.
    pub bought: Vec<Option<String>>,
    /// Key and contact of each purchase that the ledger confirms.
    pub confirmed: Vec<(String, Option<String>)>,
}

/// What the comparison found. Both are 0 when all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// Purchases that nobody asked for: a second one for the same contact, or one that the ledger does not confirm.
    pub duplicates: u64,
    /// Contacts whose creation never arrived, and confirmed purchases that the service does not know.
    pub lost: u64,
}

/// Compares a sandbox's books with a store's, for one location. `control_url` is the sandbox's control address.
pub async fn audit_sandbox(
    control_url: &str,
    store: &SqliteStore,
    location: &str,
) -> Result<Audit, AuditError> {
    let books = async { Books::gather(&Control::new(control_url)?, store, location).await };
    let books = books
        .await
        .map_err(|failure| AuditError(failure.to_string()))?;
    Ok(books.compare())
}

/// The books could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the books could not be read: {0}")]
pub struct AuditError(String);

impl Books {
    pub(crate) async fn gather(
        control: &Control,
        store: &SqliteStore,
        location: &str,
    ) -> Result<Self, Failure> {
        let failed = |error: canopy_store::StoreError| Failure::failed(&error);
        let purchases = store.purchases(u32::MAX).await.map_err(failed)?;
        Ok(Self {
            created: control.created_contacts().await?,
            received: store
                .event_records(location, "contact.created")
                .await
                .map_err(failed)?,
            bought: control.purchase_keys().await?,
            confirmed: purchases
                .into_iter()
                .filter(|purchase| purchase.state == PurchaseState::Confirmed)
                .map(|purchase| (purchase.key, purchase.contact))
                .collect(),
        })
    }

    /// Compares the books of a workflow that buys once for each contact.
    pub fn compare(&self) -> Audit {
        let contact_of: HashMap<&str, Option<&str>> = self
            .confirmed
            .iter()
            .map(|(key, contact)| (key.as_str(), contact.as_deref()))
            .collect();
        let mut served = HashSet::new();
        let mut duplicates = 0;
        for key in &self.bought {
            let contact = key.as_deref().and_then(|key| contact_of.get(key));
            match contact {
                Some(contact) if served.insert(contact.or(key.as_deref())) => {}
                _ => duplicates += 1,
            }
        }
        let received: HashSet<&str> = self.received.iter().map(String::as_str).collect();
        let bought: HashSet<&str> = self.bought.iter().flatten().map(String::as_str).collect();
        let unheard = self
            .created
            .iter()
            .filter(|id| !received.contains(id.as_str()));
        let unbacked = self
            .confirmed
            .iter()
            .filter(|(key, _)| !bought.contains(key.as_str()));
        Audit {
            duplicates,
            lost: (unheard.count() + unbacked.count()) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books() -> Books {
        Books {
            created: vec!["a".into(), "b".into()],
            received: vec!["b".into(), "a".into()],
            bought: vec![Some("ka".into()), Some("kb".into())],
            confirmed: vec![
                ("ka".into(), Some("a".into())),
                ("kb".into(), Some("b".into())),
            ],
        }
    }

    #[test]
    fn equal_books_show_nothing() {
        assert_eq!(
            books().compare(),
            Audit {
                duplicates: 0,
                lost: 0
            }
        );
    }

    #[test]
    fn each_planted_fault_is_seen_once() {
        type Plant = fn(&mut Books);
        let faults: [(Plant, u64, u64); 5] = [
            (|books| books.bought.push(Some("ka".into())), 1, 0),
            (|books| books.bought.push(Some("stranger".into())), 1, 0),
            (|books| books.bought.push(None), 1, 0),
            (|books| books.created.push("c".into()), 0, 1),
            (
                |books| books.confirmed.push(("kc".into(), Some("c".into()))),
                0,
                1,
            ),
        ];
        for (index, (plant, duplicates, lost)) in faults.into_iter().enumerate() {
            let mut books = books();
            plant(&mut books);
            assert_eq!(books.compare(), Audit { duplicates, lost }, "fault {index}");
        }
    }

    #[test]
    fn two_keys_for_one_contact_are_a_duplicate() {
        let mut books = books();
        books.bought.push(Some("ka2".into()));
        books.confirmed.push(("ka2".into(), Some("a".into())));
        assert_eq!(books.compare().duplicates, 1);
    }
}
