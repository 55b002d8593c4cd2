//! Connections without the user name of their Ecologi account, and what was told before one was given or left out.

use canopy_store::{Alert, StoreError};
use jiff::Timestamp;

use super::{ACCOUNT, Copied, OPEN, connection_fact, tell_once};
use crate::Engine;
use crate::connection::Connection;

impl Engine {
    /// Without the account's totals a store that has forgotten purchases buys nothing before a person's word.
    pub(super) async fn without_account(
        &self,
        connection: &Connection,
        copied: Option<Copied>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (store, location) = (&*self.store, &*connection.location);
        let name = connection_fact(&connection.id);
        if !self.is_planning() {
            let open = store.alerts(true, OPEN).await?;
            let of_totals = |alert: &Alert| alert.kind == "totals" && alert.location == *location;
            if open.iter().any(of_totals) {
                self.report_totals(connection, None).await;
            }
            // A person was asked, and a line that is left out of the configuration is no answer.
            if open.iter().any(|alert| self.is_of_lost_account(alert)) {
                return Ok(false);
            }
        }
        match copied.filter(|copied| copied.holds(&name)) {
            Some(copied) if !self.is_planning() => {
                let whose = format!("of connection {}", connection.id);
                let until = "for your word, because without ecologi.username nobody else can tell";
                let message = copied.told(&whose, until);
                tell_once(store, (location, &name), message, now).await?;
                Ok(false)
            }
            Some(_) => Ok(false),
            None => {
                if !self.is_planning() {
                    store.resolve_alert(location, ACCOUNT, &name, now).await?;
                }
                Ok(true)
            }
        }
    }

    /// Whether it tells of an account whose user name no connection has any more.
    fn is_of_lost_account(&self, alert: &Alert) -> bool {
        let has = |one: &Connection| one.ecologi_user.as_ref() == Some(&alert.subject);
        alert.kind == ACCOUNT && alert.location.is_empty() && !self.connections().any(has)
    }

    /// Ends what was told of a connection before its account's name was known, or while it was another one.
    pub(super) async fn end_what_is_over(
        &self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let name = connection_fact(&connection.id);
        let all_named = self
            .connections()
            .all(|one| one.test || one.ecologi_user.is_some());
        for alert in self.store.alerts(true, OPEN).await? {
            let is_own = alert.kind == ACCOUNT && alert.subject == name;
            if is_own || (all_named && self.is_of_lost_account(&alert)) {
                self.store
                    .resolve_alert(&alert.location, ACCOUNT, &alert.subject, now)
                    .await?;
            }
        }
        Ok(())
    }
}
