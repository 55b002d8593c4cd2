//! [`BreakerStore`] for [`SqliteStore`].

use async_trait::async_trait;
use jiff::Timestamp;

use super::macros::{fenced, read, write};
use super::{SqliteStore, breakers, modes, switched, withheld};
use crate::breaker_store::{Breaker, BreakerStore, Switched, Withheld};
use crate::error::Result;
use crate::types::Fence;

#[async_trait]
impl BreakerStore for SqliteStore {
    async fn open_breaker(
        &self,
        location: &str,
        (cause, need): (&str, Option<&str>),
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (location, cause, reason) = (location.to_owned(), cause.to_owned(), reason.to_owned());
        let need = need.map(str::to_owned);
        write!(
            self,
            breakers::open(&location, (&cause, need.as_deref()), &reason, now)
        )
    }

    async fn probe_breaker(
        &self,
        location: &str,
        cause: &str,
        now: Timestamp,
    ) -> Result<Option<i64>> {
        let (location, cause) = (location.to_owned(), cause.to_owned());
        write!(self, breakers::probe(&location, &cause, now))
    }

    async fn close_breaker(&self, location: &str, cause: &str, now: Timestamp) -> Result<bool> {
        let (location, cause) = (location.to_owned(), cause.to_owned());
        write!(self, breakers::close(&location, &cause, now))
    }

    async fn breakers(&self, location: Option<&str>) -> Result<Vec<Breaker>> {
        read!(self, breakers::list(location))
    }

    async fn stop_run(
        &self,
        fence: &Fence,
        run: i64,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let reason = reason.to_owned();
        fenced!(self, fence, breakers::stop(run, &reason, now))
    }

    async fn enter_mode(&self, location: &str, test: bool, now: Timestamp) -> Result<bool> {
        let location = location.to_owned();
        write!(self, modes::enter(&location, test, now))
    }

    async fn began_in_test(&self, run: i64) -> Result<Option<bool>> {
        read!(self, modes::of_run(run))
    }

    async fn withheld(&self) -> Result<Vec<Withheld>> {
        read!(self, withheld::list())
    }

    async fn carry_out(&self, run: i64, real: bool, now: Timestamp) -> Result<bool> {
        write!(self, withheld::carry_out(run, real, now))
    }

    async fn connection_of(&self, location: &str) -> Result<Option<String>> {
        read!(self, withheld::connection_of(location))
    }

    async fn switch_runs(
        &self,
        fence: &Fence,
        off: Vec<String>,
        on: Vec<String>,
        now: Timestamp,
    ) -> Result<Switched> {
        fenced!(self, fence, switched::switch(&off, &on, now))
    }

    async fn stopped_runs(&self, location: &str) -> Result<u64> {
        read!(self, breakers::stopped(location))
    }
}
