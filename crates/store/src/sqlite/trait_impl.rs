//! [`Store`] for [`SqliteStore`]: the connection of each method, and whether it is fenced. The modules do the work.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::macros::{fenced, read, write};
use super::{
    SqliteStore, alerts, approvals, attempts, calls, clock_change, fence, inbox, intend, intends,
    ledger, missed, polls, records, runs, secrets, seen, steps, waiting, written,
};
use crate::error::Result;
use crate::store::Store;
use crate::types::{
    Alert, CallEntry, Cap, Completion, Cursor, DayOfCalls, EventEnd, EventState, Fence, InboxRow,
    Inserted, LastRun, LedgerEntry, Missed, NewAlert, NewEvent, NewPurchase, NewRun, NewStep,
    PollCommit, PollRecord, Postponed, Purchase, PurchaseIntent, PurchaseOutcome, Run, RunState,
    RunUpdate, StepOutcome, StepRecord, Stuck, Summary, Told, Written,
};

#[async_trait]
impl Store for SqliteStore {
    async fn register_connection(
        &self,
        location: &str,
        connection: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (location, given) = (location.to_owned(), connection.to_owned());
        write!(self, fence::register(&location, &given, now))
    }

    async fn acquire_lease(
        &self,
        location: &str,
        owner: &str,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Option<Fence>> {
        let (location, owner) = (location.to_owned(), owner.to_owned());
        write!(self, fence::acquire(&location, &owner, now, ttl))
    }

    async fn release_lease(&self, fence: &Fence) -> Result<()> {
        fenced!(self, fence, fence::release())
    }

    async fn insert_events(&self, events: Vec<NewEvent>, now: Timestamp) -> Result<Vec<Inserted>> {
        write!(self, inbox::insert(0, &events, now))
    }

    async fn commit_poll(
        &self,
        fence: &Fence,
        commit: PollCommit,
        now: Timestamp,
    ) -> Result<Vec<Inserted>> {
        fenced!(self, fence, polls::commit(&commit, now))
    }

    async fn poll_records(
        &self,
        location: &str,
        name: &str,
        parent: Option<&str>,
    ) -> Result<Vec<PollRecord>> {
        read!(self, polls::records(location, name, parent))
    }

    async fn poll_record(
        &self,
        location: &str,
        name: &str,
        record: &str,
    ) -> Result<Option<PollRecord>> {
        read!(self, polls::record(location, name, record))
    }

    async fn rename_poll(&self, fence: &Fence, from: &str, to: &str) -> Result<bool> {
        let (from, to) = (from.to_owned(), to.to_owned());
        fenced!(self, fence, polls::rename(&from, &to))
    }

    async fn last_told(
        &self,
        location: &str,
        word: &str,
        records: Vec<String>,
    ) -> Result<Vec<Told>> {
        read!(self, polls::told(location, word, &records))
    }

    async fn last_of_kind(&self, location: &str, kind: &str, record: &str) -> Result<Option<Told>> {
        read!(self, polls::last_of_kind(location, kind, record))
    }

    async fn events_about(
        &self,
        location: &str,
        word: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, String, String)>> {
        read!(self, polls::events_about(location, word, after, limit))
    }

    async fn cursor(&self, location: &str, name: &str) -> Result<Option<Cursor>> {
        read!(self, polls::cursor(location, name))
    }

    async fn cursors(&self, location: &str) -> Result<Vec<Cursor>> {
        read!(self, polls::cursors(location))
    }

    async fn polled_locations(&self) -> Result<Vec<String>> {
        read!(self, polls::locations())
    }

    async fn pending_events(
        &self,
        location: &str,
        now: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Vec<InboxRow>> {
        read!(self, inbox::pending(location, now, after, limit))
    }

    async fn complete_event(
        &self,
        fence: &Fence,
        id: i64,
        completion: Completion,
        now: Timestamp,
    ) -> Result<Inserted> {
        fenced!(self, fence, inbox::complete(id, completion, now))
    }

    async fn settle_event(
        &self,
        fence: &Fence,
        id: i64,
        end: EventEnd,
        now: Timestamp,
    ) -> Result<()> {
        fenced!(self, fence, inbox::settle(id, end, now))
    }

    async fn postpone_event(
        &self,
        fence: &Fence,
        id: i64,
        postponed: Postponed,
        now: Timestamp,
    ) -> Result<()> {
        fenced!(self, fence, waiting::postpone(id, &postponed, now))
    }

    async fn hold_event(&self, fence: &Fence, id: i64, reason: &str, now: Timestamp) -> Result<()> {
        let reason = reason.to_owned();
        fenced!(self, fence, approvals::hold(id, &reason, now))
    }

    async fn approve_event(&self, id: i64, now: Timestamp) -> Result<bool> {
        write!(self, approvals::approve(id, now))
    }

    async fn events_in(&self, state: EventState, limit: u32) -> Result<Vec<InboxRow>> {
        read!(self, approvals::in_state(state, limit))
    }

    async fn missed(&self, since: Timestamp, now: Timestamp) -> Result<Vec<Missed>> {
        read!(self, missed::missed(since, now))
    }

    async fn start_runs(
        &self,
        fence: &Fence,
        event: i64,
        runs: Vec<NewRun>,
        now: Timestamp,
    ) -> Result<Vec<Run>> {
        fenced!(self, fence, runs::start(event, &runs, now))
    }

    async fn event(&self, id: i64) -> Result<Option<InboxRow>> {
        read!(self, inbox::event(id))
    }

    async fn recent_events(&self, limit: u32) -> Result<Vec<InboxRow>> {
        read!(self, inbox::recent(limit))
    }

    async fn event_records(&self, location: &str, kind: &str) -> Result<Vec<String>> {
        read!(self, inbox::records(location, kind))
    }

    async fn due_runs(
        &self,
        location: &str,
        now: Timestamp,
        after: (i64, i64),
        limit: u32,
    ) -> Result<Vec<Run>> {
        read!(self, runs::due(location, now, after, limit))
    }

    async fn next_due(&self, location: &str) -> Result<Option<Timestamp>> {
        read!(self, runs::next_due(location))
    }

    async fn is_removed(&self, location: &str, word: &str, record: &str) -> Result<bool> {
        read!(self, waiting::is_removed(location, word, record))
    }

    async fn seen_content(&self, location: &str, record: &str) -> Result<Option<String>> {
        read!(self, seen::get(location, record))
    }

    async fn newer_writes(
        &self,
        location: &str,
        target: &str,
        position: i64,
        run: i64,
    ) -> Result<Vec<(String, i64)>> {
        read!(self, written::newer(location, target, position, run))
    }

    async fn intended_contents(
        &self,
        location: &str,
        kind: &str,
        record: &str,
    ) -> Result<Vec<String>> {
        read!(self, intends::contents(location, kind, record))
    }

    async fn put_written(&self, fence: &Fence, written: Written, now: Timestamp) -> Result<()> {
        fenced!(self, fence, written::put(0, &written, now))
    }

    async fn position(&self, location: &str) -> Result<i64> {
        read!(self, written::position(location))
    }

    async fn stuck(&self, location: &str, since: Timestamp) -> Result<Stuck> {
        read!(self, runs::stuck(location, since))
    }

    async fn run(&self, id: i64) -> Result<Option<Run>> {
        read!(self, runs::run(id))
    }

    async fn update_run(
        &self,
        fence: &Fence,
        run: i64,
        update: RunUpdate,
        now: Timestamp,
    ) -> Result<()> {
        fenced!(self, fence, runs::update(run, &update, now))
    }

    async fn set_right(&self, fence: &Fence, now: Timestamp) -> Result<u64> {
        fenced!(self, fence, clock_change::set_right(now))
    }

    async fn runs(&self, state: Option<RunState>, limit: u32) -> Result<Vec<Run>> {
        read!(self, runs::recent(state, limit))
    }

    async fn last_runs(&self, location: Option<&str>) -> Result<Vec<LastRun>> {
        read!(self, runs::last(location))
    }

    async fn runs_since(
        &self,
        location: &str,
        workflow: &str,
        contact: Option<&str>,
        record: &str,
        between: (Timestamp, Timestamp),
    ) -> Result<u64> {
        read!(
            self,
            runs::since(location, workflow, contact, record, between)
        )
    }

    async fn requeue_run_with(&self, run: i64, definition: &str, now: Timestamp) -> Result<bool> {
        let definition = definition.to_owned();
        write!(self, runs::requeue_with(run, &definition, now))
    }

    async fn requeue_run(&self, run: i64, now: Timestamp) -> Result<bool> {
        write!(self, runs::requeue(run, now))
    }

    async fn steps(&self, run: i64) -> Result<Vec<StepRecord>> {
        read!(self, steps::of_run(run))
    }

    async fn step_by_key(&self, location: &str, key: &str) -> Result<Option<StepRecord>> {
        read!(self, steps::by_key(location, key))
    }

    async fn open_steps(&self, location: &str, key: &str) -> Result<Vec<StepRecord>> {
        read!(self, steps::open_by_key(location, key))
    }

    async fn intend_step(
        &self,
        fence: &Fence,
        step: NewStep,
        now: Timestamp,
    ) -> Result<StepRecord> {
        fenced!(self, fence, steps::intend(&step, now))
    }

    async fn finish_step(&self, fence: &Fence, outcome: StepOutcome, now: Timestamp) -> Result<()> {
        fenced!(self, fence, steps::finish(&outcome, now))
    }

    async fn intend_purchase(
        &self,
        fence: &Fence,
        purchase: NewPurchase,
        step: NewStep,
        caps: Vec<Cap>,
        now: Timestamp,
    ) -> Result<PurchaseIntent> {
        fenced!(self, fence, intend::intend(&purchase, &step, caps, now))
    }

    async fn mark_sent(
        &self,
        fence: &Fence,
        key: &str,
        account: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (key, account) = (key.to_owned(), account.to_owned());
        fenced!(self, fence, ledger::mark_sent(&key, &account, now))?;
        // Before it goes out: what nobody remembers could be bought again.
        self.keep_mark().await;
        Ok(())
    }

    async fn settle_purchase(
        &self,
        fence: &Fence,
        key: &str,
        outcome: PurchaseOutcome,
        step: StepOutcome,
        now: Timestamp,
    ) -> Result<()> {
        let key = key.to_owned();
        fenced!(self, fence, ledger::settle(&key, &outcome, &step, now))?;
        self.keep_mark().await;
        Ok(())
    }

    async fn purchase(&self, key: &str) -> Result<Option<Purchase>> {
        read!(self, ledger::purchase(key))
    }

    async fn purchase_for(&self, slot: &str) -> Result<Option<Purchase>> {
        read!(self, attempts::last(slot))
    }

    async fn purchases(&self, limit: u32) -> Result<Vec<Purchase>> {
        read!(self, ledger::recent(limit))
    }

    async fn ledger(&self, key: &str) -> Result<Vec<LedgerEntry>> {
        read!(self, ledger::entries(key))
    }

    async fn resolve_purchase(
        &self,
        key: &str,
        bought: bool,
        note: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (key, note) = (key.to_owned(), note.to_owned());
        let resolved = write!(self, ledger::resolve(&key, bought, &note, now))?;
        self.keep_mark().await;
        Ok(resolved)
    }

    async fn events_after(&self, id: i64, limit: u32) -> Result<Vec<InboxRow>> {
        read!(self, records::events_after(id, limit))
    }

    async fn days_of_calls(&self, service: &str, since: Timestamp) -> Result<Vec<DayOfCalls>> {
        read!(self, calls::days(service, since))
    }

    async fn calls_since(&self, location: &str, service: &str, since: Timestamp) -> Result<u64> {
        read!(self, calls::since(location, service, since))
    }

    async fn put_secret(&self, name: &str, value: &SecretString, now: Timestamp) -> Result<()> {
        let sealed = self.told(self.vault()?.seal(name, value))?;
        let name = name.to_owned();
        write!(self, secrets::put(&name, sealed, now))
    }

    async fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        let vault = self.vault()?;
        read!(self, secrets::get(vault, name))
    }

    async fn delete_secret(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        write!(self, secrets::delete(&name))
    }

    async fn raise_alert(&self, alert: NewAlert, now: Timestamp) -> Result<bool> {
        write!(self, alerts::raise(&alert, now))
    }

    async fn resolve_alert(
        &self,
        location: &str,
        kind: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (location, kind, subject) = (location.to_owned(), kind.to_owned(), subject.to_owned());
        write!(self, alerts::resolve(&location, &kind, &subject, None, now))
    }

    async fn resolve_past_alert(
        &self,
        location: &str,
        kind: &str,
        subject: &str,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let (location, kind, subject) = (location.to_owned(), kind.to_owned(), subject.to_owned());
        let before = Some(before);
        write!(
            self,
            alerts::resolve(&location, &kind, &subject, before, now)
        )
    }

    async fn alerts(&self, open_only: bool, limit: u32) -> Result<Vec<Alert>> {
        read!(self, alerts::list(open_only, limit))
    }

    async fn log_calls(&self, calls: Vec<CallEntry>) -> Result<()> {
        write!(self, calls::insert(&calls))
    }

    async fn prune_calls(&self, before: Timestamp) -> Result<u64> {
        write!(self, calls::prune(before))
    }

    async fn recent_calls(&self, limit: u32) -> Result<Vec<CallEntry>> {
        read!(self, calls::recent(limit))
    }

    async fn summary_of(&self, location: Option<&str>) -> Result<Summary> {
        read!(self, calls::summary(location))
    }
}
