//! The trait: what the rest of the program may ask of a store.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::breaker_store::BreakerStore;
use crate::delivery_store::DeliveryStore;
use crate::error::Result;
use crate::health_store::HealthStore;
use crate::money_store::MoneyStore;
use crate::patience_store::PatienceStore;
use crate::profile_store::ProfileStore;
use crate::types::{
    Alert, CallEntry, Cap, Completion, Cursor, DayOfCalls, EventEnd, EventState, Fence, InboxRow,
    Inserted, LastRun, LedgerEntry, Missed, NewAlert, NewEvent, NewPurchase, NewRun, NewStep,
    PollCommit, PollRecord, Postponed, Purchase, PurchaseIntent, PurchaseOutcome, Run, RunState,
    RunUpdate, StepOutcome, StepRecord, Stuck, Summary, Told, Written,
};

/// Everything durable. Each method is one transaction.
///
/// Writes with a [`Fence`] fail with [`StoreError::Fenced`](crate::StoreError::Fenced) unless the lease of that
/// location still has this owner and epoch, and with [`StoreError::Conflict`](crate::StoreError::Conflict) when the
/// row that they name is not there, is of another location, or may not change like that. An error means that the
/// call wrote nothing. A call whose future is dropped either happens as a whole or not at all.
#[async_trait]
pub trait Store:
    ProfileStore + DeliveryStore + BreakerStore + MoneyStore + HealthStore + PatienceStore
{
    // Connections and leases
    /// Remembers which connection a location belongs to; refuses a change.
    async fn register_connection(
        &self,
        location: &str,
        connection: &str,
        now: Timestamp,
    ) -> Result<()>;
    /// Takes or renews the lease. `None`: another owner's lease has not expired. A takeover raises the epoch, a
    /// renewal by the same owner keeps it.
    async fn acquire_lease(
        &self,
        location: &str,
        owner: &str,
        now: Timestamp,
        ttl: SignedDuration,
    ) -> Result<Option<Fence>>;
    /// Lets another owner acquire the lease at once. The next one has a higher epoch, also if it is the same owner's.
    async fn release_lease(&self, fence: &Fence) -> Result<()>;

    // Inbox
    /// Stores events durably before returning. Not fenced: any process may receive a webhook. An event that is there
    /// already and that a further poll has found is pending again, so that the workflows which wait for that poll see
    /// it; runs that it started are kept.
    async fn insert_events(&self, events: Vec<NewEvent>, now: Timestamp) -> Result<Vec<Inserted>>;
    /// Stores what a poll found, what it saw, and how far it has read, in one transaction. Events of what it shows that had
    /// been given up as gone are pending again.
    async fn commit_poll(
        &self,
        fence: &Fence,
        commit: PollCommit,
        now: Timestamp,
    ) -> Result<Vec<Inserted>>;
    /// What the poll `name` last saw: of all records, or of those that this parent's list showed.
    async fn poll_records(
        &self,
        location: &str,
        name: &str,
        parent: Option<&str>,
    ) -> Result<Vec<PollRecord>>;
    /// What the poll `name` last saw of one record.
    async fn poll_record(
        &self,
        location: &str,
        name: &str,
        record: &str,
    ) -> Result<Option<PollRecord>>;
    /// A poll goes on under another name, with all that it knows. `false`: there is no cursor of the former name, or one
    /// of the new name already.
    async fn rename_poll(&self, fence: &Fence, from: &str, to: &str) -> Result<bool>;
    /// The last event about each of these records whose kind begins with `word` and a dot, without deletions; records
    /// that no event speaks of are left out.
    async fn last_told(
        &self,
        location: &str,
        word: &str,
        records: Vec<String>,
    ) -> Result<Vec<Told>>;
    /// The last event of exactly this kind about a record.
    async fn last_of_kind(&self, location: &str, kind: &str, record: &str) -> Result<Option<Told>>;
    /// Events after number `after` whose kind begins with `word` and a dot: number, record and kind, oldest first.
    async fn events_about(
        &self,
        location: &str,
        word: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, String, String)>>;
    /// How far the poll `name` has read.
    async fn cursor(&self, location: &str, name: &str) -> Result<Option<Cursor>>;
    /// How far each poll of a location has read, by name; former ones too.
    async fn cursors(&self, location: &str) -> Result<Vec<Cursor>>;
    /// Locations of which a poll has come through.
    async fn polled_locations(&self) -> Result<Vec<String>>;
    /// Pending rows of a location that are due, oldest first: those behind the number `after`.
    async fn pending_events(
        &self,
        location: &str,
        now: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Vec<InboxRow>>;
    /// Fills in what reading the record of a pending event told, its kind and record too. `Duplicate(n)`: row n holds the same (location, kind, record,
    /// version); this row has been settled as a duplicate, and the polls that found it are added to row n, see
    /// [`Store::insert_events`].
    async fn complete_event(
        &self,
        fence: &Fence,
        id: i64,
        completion: Completion,
        now: Timestamp,
    ) -> Result<Inserted>;
    /// Ends a pending event without a run. Once more in the same way is no change.
    async fn settle_event(
        &self,
        fence: &Fence,
        id: i64,
        end: EventEnd,
        now: Timestamp,
    ) -> Result<()>;
    /// Puts off an event whose record could not be read.
    async fn postpone_event(
        &self,
        fence: &Fence,
        id: i64,
        postponed: Postponed,
        now: Timestamp,
    ) -> Result<()>;
    /// Whether an event tells that the record was deleted, and none since then that it is there; `word` is the first word of its kinds.
    async fn is_removed(&self, location: &str, word: &str, record: &str) -> Result<bool>;
    /// Hash of a contact's content as its newest completed event showed it.
    async fn seen_content(&self, location: &str, record: &str) -> Result<Option<String>>;
    /// The parts of a target that steps of newer events wrote last or are about to write, and their runs. Newer is what has
    /// the higher position, or the same and the later run.
    async fn newer_writes(
        &self,
        location: &str,
        target: &str,
        position: i64,
        run: i64,
    ) -> Result<Vec<(String, i64)>>;
    /// What a record will look like once steps have done what they are about to do, as hashes of content: as long as it is not
    /// known whether they have.
    async fn intended_contents(
        &self,
        location: &str,
        kind: &str,
        record: &str,
    ) -> Result<Vec<String>>;
    /// Keeps that an event itself tells of a write: a person's.
    async fn put_written(&self, fence: &Fence, written: Written, now: Timestamp) -> Result<()>;
    /// The highest position of the location's events: what is read now is as new.
    async fn position(&self, location: &str) -> Result<i64>;
    /// Waiting runs that have been failing since then or longer, and events that arrived by then and could not be read.
    async fn stuck(&self, location: &str, since: Timestamp) -> Result<Stuck>;
    /// Puts a pending event aside until a person approves it.
    async fn hold_event(&self, fence: &Fence, id: i64, reason: &str, now: Timestamp) -> Result<()>;
    /// A person's approval of a held event: it is pending again, and the alert is resolved once no event of its kind is
    /// held at the location. `false`: no held event has this number.
    async fn approve_event(&self, id: i64, now: Timestamp) -> Result<bool>;
    /// Events in this state, newest first.
    async fn events_in(&self, state: EventState, limit: u32) -> Result<Vec<InboxRow>>;
    /// What webhooks missed since then, for each kind, without the last quarter of an hour, in which they may still come.
    async fn missed(&self, since: Timestamp, now: Timestamp) -> Result<Vec<Missed>>;
    /// Creates the runs of an event and marks it started, in one transaction. Runs that exist are kept. Returns all
    /// runs of the event that are ready, in the order of their creation.
    async fn start_runs(
        &self,
        fence: &Fence,
        event: i64,
        runs: Vec<NewRun>,
        now: Timestamp,
    ) -> Result<Vec<Run>>;
    /// One event.
    async fn event(&self, id: i64) -> Result<Option<InboxRow>>;
    /// What arrived behind this number, oldest first.
    async fn events_after(&self, id: i64, limit: u32) -> Result<Vec<InboxRow>>;
    /// Newest first.
    async fn recent_events(&self, limit: u32) -> Result<Vec<InboxRow>>;
    /// The ids of all records of a location that an event of this kind speaks of, each once.
    async fn event_records(&self, location: &str, kind: &str) -> Result<Vec<String>>;

    // Runs and steps
    /// Runs to be executed now: ready, or waiting and due; in order of their events. `after`: event and number of the run
    /// behind which they begin.
    async fn due_runs(
        &self,
        location: &str,
        now: Timestamp,
        after: (i64, i64),
        limit: u32,
    ) -> Result<Vec<Run>>;
    /// When the next waiting run, postponed event or second look of the location falls due.
    async fn next_due(&self, location: &str) -> Result<Option<Timestamp>>;
    /// One run.
    async fn run(&self, id: i64) -> Result<Option<Run>>;
    /// Sets the state of a run.
    async fn update_run(
        &self,
        fence: &Fence,
        run: i64,
        update: RunUpdate,
        now: Timestamp,
    ) -> Result<()>;
    /// Lets what waits since a moment that lies in the future, because the clock was ahead, be looked at now, and counts what
    /// was bought there as of now. Tells how many there were.
    async fn set_right(&self, fence: &Fence, now: Timestamp) -> Result<u64>;
    /// Newest first; `state` narrows.
    async fn runs(&self, state: Option<RunState>, limit: u32) -> Result<Vec<Run>>;
    /// The last run of each workflow, and how many it had.
    async fn last_runs(&self, location: Option<&str>) -> Result<Vec<LastRun>>;
    /// How many runs of a workflow began between two instants: for a contact, or where there is none for a record.
    async fn runs_since(
        &self,
        location: &str,
        workflow: &str,
        contact: Option<&str>,
        record: &str,
        between: (Timestamp, Timestamp),
    ) -> Result<u64>;
    /// The same as [`Store::requeue_run`], with another text of its workflow from here on. Steps that are done stay so.
    async fn requeue_run_with(&self, run: i64, definition: &str, now: Timestamp) -> Result<bool>;
    /// An operator's retry: a dead or held run becomes ready with zero attempts. `false`: no dead or held run has
    /// this number.
    async fn requeue_run(&self, run: i64, now: Timestamp) -> Result<bool>;
    /// The steps of a run, in the order in which they were first intended.
    async fn steps(&self, run: i64) -> Result<Vec<StepRecord>>;
    /// The most telling record with this key in any run: done before unsure before intended before the rest.
    async fn step_by_key(&self, location: &str, key: &str) -> Result<Option<StepRecord>>;
    /// The steps with this key that were begun and of which nobody knows what came of them, the oldest first. Runs of one
    /// key may have asked for different things.
    async fn open_steps(&self, location: &str, key: &str) -> Result<Vec<StepRecord>>;
    /// Writes a step's intent, and what it is about to write in the same transaction; a repeat for the same (run, step) replaces the request and counts an attempt. An
    /// unsure step stays unsure, so that the look before a retry is not forgotten; a done one is refused.
    async fn intend_step(&self, fence: &Fence, step: NewStep, now: Timestamp)
    -> Result<StepRecord>;
    /// Writes the outcome of an intended step, and profile and link with it. A done step stays done.
    async fn finish_step(&self, fence: &Fence, outcome: StepOutcome, now: Timestamp) -> Result<()>;

    // Ledger
    /// Writes a purchase's intent and its step's in one transaction, if the caps allow it. Caps count the purchases of
    /// their scope with `test = false`: confirmed ones by their amount, intended, sent and unknown ones by
    /// their estimate, each in the period in which it was intended (last, if it was refused before). The step's
    /// intent is written whatever comes out. What is reserved is the estimate, or what it would cost as dear as the last
    /// receipt for the same thing. What does not fit waits ([`MoneyStore::waiting_purchases`]), and so does what would
    /// overtake another one. Amounts in other currencies are not added up; after a receipt in another one nothing goes.
    /// The key of what is intended is told in the answer: see [`NewPurchase::key`].
    async fn intend_purchase(
        &self,
        fence: &Fence,
        purchase: NewPurchase,
        step: NewStep,
        caps: Vec<Cap>,
        now: Timestamp,
    ) -> Result<PurchaseIntent>;
    /// Appends `sent`, before the request goes out; again before each retry. The first one notes the account to which it
    /// goes ([`Purchase::sent_to`]).
    async fn mark_sent(
        &self,
        fence: &Fence,
        key: &str,
        account: &str,
        now: Timestamp,
    ) -> Result<()>;
    /// Appends the outcome and finishes the step in one transaction. What was never sent can only be refused; an
    /// unknown purchase is settled by [`Store::resolve_purchase`] alone.
    async fn settle_purchase(
        &self,
        fence: &Fence,
        key: &str,
        outcome: PurchaseOutcome,
        step: StepOutcome,
        now: Timestamp,
    ) -> Result<()>;
    /// One purchase.
    async fn purchase(&self, key: &str) -> Result<Option<Purchase>>;
    /// What became of what is bought once ([`NewPurchase::key`]): the attempt that was not refused, else the last one.
    async fn purchase_for(&self, slot: &str) -> Result<Option<Purchase>>;
    /// Newest first.
    async fn purchases(&self, limit: u32) -> Result<Vec<Purchase>>;
    /// What the book says of a key, oldest first.
    async fn ledger(&self, key: &str) -> Result<Vec<LedgerEntry>>;
    /// An operator's word on an unknown purchase: it was bought (`true`), for its estimate as far as we know, or not.
    /// `false`: no unknown purchase has this key.
    async fn resolve_purchase(
        &self,
        key: &str,
        bought: bool,
        note: &str,
        now: Timestamp,
    ) -> Result<bool>;

    // Secrets, encrypted at rest
    /// Encrypts and stores a secret, in place of an earlier one of that name.
    async fn put_secret(
        &self,
        name: &str,
        value: &secrecy::SecretString,
        now: Timestamp,
    ) -> Result<()>;
    /// Reads and decrypts a secret.
    async fn secret(&self, name: &str) -> Result<Option<secrecy::SecretString>>;
    /// `false`: there was none.
    async fn delete_secret(&self, name: &str) -> Result<bool>;

    // Alerts
    /// Tells a person something. `false`: it is open already, and was counted up.
    async fn raise_alert(&self, alert: NewAlert, now: Timestamp) -> Result<bool>;
    /// What the alert was about is mended. `false`: there was none.
    async fn resolve_alert(
        &self,
        location: &str,
        kind: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<bool>;
    /// The same for an alert about a time that ended at `before`: it stays where it was raised again since.
    async fn resolve_past_alert(
        &self,
        location: &str,
        kind: &str,
        subject: &str,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<bool>;
    /// Newest first.
    async fn alerts(&self, open_only: bool, limit: u32) -> Result<Vec<Alert>>;

    // Call log and figures
    /// Appends to the call log.
    async fn log_calls(&self, calls: Vec<CallEntry>) -> Result<()>;
    /// Deletes call log entries older than `before`.
    async fn prune_calls(&self, before: Timestamp) -> Result<u64>;
    /// What the service told last of each location's day, since an instant (the day's beginning).
    async fn days_of_calls(&self, service: &str, since: Timestamp) -> Result<Vec<DayOfCalls>>;
    /// How many calls a location has made to a service since an instant.
    async fn calls_since(&self, location: &str, service: &str, since: Timestamp) -> Result<u64>;
    /// Newest first.
    async fn recent_calls(&self, limit: u32) -> Result<Vec<CallEntry>>;
    /// Counts over everything, of one moment.
    async fn summary(&self) -> Result<Summary> {
        self.summary_of(None).await
    }
    /// The same of one location; `None`: of all.
    async fn summary_of(&self, location: Option<&str>) -> Result<Summary>;
}
