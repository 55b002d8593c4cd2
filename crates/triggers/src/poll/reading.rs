//! Reading from the service, with the calls counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use canopy_highlevel::operation::Reading;
use canopy_highlevel::{Client, Error, Priority, TryStreamExt as _, describe};
use canopy_store::clock::Clock;
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::compare::{Item, Listed};
use super::events::{instant_in, lacks_zone};
use super::evidence::{self, ReadError};
use super::plan::{COMPANY, LOCATION, PAGING, Poll, filled};
use super::sweep::Parent;

/// Further readings of a list that changes while it is read.
const READINGS: u32 = 4;

/// Reads for polls of one location.
#[derive(Debug)]
pub(super) struct Reader {
    client: Client,
    location: String,
    /// Its own record.
    record: OnceCell<Value>,
    zone: OnceCell<TimeZone>,
    calls: AtomicU32,
    /// Reads of single records since this poll began.
    looks: AtomicU32,
    /// Elements of lists that were no records, since this poll began.
    odd: AtomicU32,
    clock: Arc<dyn Clock>,
}

/// A page of parents.
#[derive(Debug, Default)]
pub(super) struct ParentsPage {
    pub parents: Vec<Parent>,
    pub next: Option<Value>,
    pub total: Option<u64>,
}

impl Reader {
    pub fn new(client: &Client, location: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            client: client.with_priority(Priority::Poll),
            location: location.to_owned(),
            record: OnceCell::new(),
            zone: OnceCell::new(),
            calls: AtomicU32::new(0),
            looks: AtomicU32::new(0),
            odd: AtomicU32::new(0),
            clock,
        }
    }

    /// A poll begins. Calls of one that failed are not its own.
    pub fn begin(&self) {
        self.take_calls();
        self.looks.store(0, Ordering::Relaxed);
        self.odd.store(0, Ordering::Relaxed);
    }

    /// Calls since this was last asked.
    pub fn take_calls(&self) -> u32 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// Whether one more record may be read by itself in this poll.
    pub fn may_look(&self, most: u32) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed) < most
    }

    fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub async fn invoke(&self, operation: &str, arguments: &Value) -> Result<Value, Error> {
        self.count();
        self.client.invoke(operation, arguments).await
    }

    /// The arguments with what is known of the location, and a window where it is now.
    pub async fn filled(&self, poll: &Poll) -> Result<Map<String, Value>, Error> {
        let mut arguments = poll.arguments.clone();
        let placed = poll.place_window(&mut arguments, &self.present(poll).await?);
        debug_assert!(
            placed.is_ok(),
            "the arguments were checked when the poll was planned"
        );
        for name in filled(poll.operation) {
            if arguments.contains_key(&name) {
                continue;
            }
            let value = if LOCATION.contains(&name.as_str()) {
                self.location.clone()
            } else {
                debug_assert_eq!(name, COMPANY);
                self.company().await?
            };
            arguments.insert(name, json!(value));
        }
        Ok(arguments)
    }

    /// The agency that the location belongs to.
    async fn company(&self) -> Result<String, Error> {
        let company = self.own_record().await?["companyId"].as_str();
        Ok(company.unwrap_or_default().to_owned())
    }

    /// The present, in the location's time zone where the poll needs it.
    pub async fn present(&self, poll: &Poll) -> Result<ZonedDateTime, Error> {
        let zone = if poll.is_of_day() {
            let zone = self.zone.get_or_try_init(|| self.own_zone()).await?;
            zone.clone()
        } else {
            TimeZone::UTC
        };
        Ok(self.clock.now().to_zoned_datetime(zone))
    }

    /// The zone in which times of these records are that do not say theirs: the location's, which is read once, and only
    /// where there is such a time.
    async fn zone_of(&self, poll: &Poll, records: &[Value]) -> Result<TimeZone, Error> {
        let within = |pointer: Option<&'static str>| {
            let pointer = pointer.unwrap_or("/");
            let record = poll.operation.record.unwrap_or_default();
            pointer.strip_prefix(record).unwrap_or(pointer)
        };
        let times = [within(poll.operation.version), within(poll.trigger.created)];
        let of = |record: &Value| {
            let mut values = times.iter().filter_map(|pointer| record.pointer(pointer));
            values.any(lacks_zone)
        };
        if records.iter().any(of) {
            let zone = self.zone.get_or_try_init(|| self.own_zone()).await?;
            return Ok(zone.clone());
        }
        Ok(self.zone.get().cloned().unwrap_or(TimeZone::UTC))
    }

    /// The location's zone, as far as it had to be known.
    pub fn zone(&self) -> &OnceCell<TimeZone> {
        &self.zone
    }

    /// The location's time zone. UTC where the token may not read it: a window of other days is better than none.
    async fn own_zone(&self) -> Result<TimeZone, Error> {
        let location = &self.location;
        match self.own_record().await {
            Ok(record) => {
                let name = record["timezone"].as_str().unwrap_or_default();
                Ok(TimeZone::get(name).unwrap_or_else(|_| {
                    tracing::warn!(%location, name, "the location has no time zone that is known; its times are taken for those of UTC");
                    TimeZone::UTC
                }))
            }
            Err(error) if error.is_retryable() || error.outcome_unknown() => Err(error),
            Err(error) => {
                tracing::warn!(%location, %error, "the location's time zone cannot be read; its times are taken for those of UTC");
                Ok(TimeZone::UTC)
            }
        }
    }

    /// The location's record, read once.
    async fn own_record(&self) -> Result<&Value, Error> {
        let read = async {
            let arguments = json!({ "locationId": self.location });
            let mut answer = self.invoke("get-location", &arguments).await?;
            Ok(answer["location"].take())
        };
        self.record.get_or_try_init(|| read).await
    }

    /// A list to its end.
    pub async fn list(
        &self,
        poll: &Poll,
        arguments: Map<String, Value>,
    ) -> Result<Listed, ReadError> {
        let arguments = Value::Object(arguments);
        let mut pages = self.client.pages(poll.operation.name, &arguments);
        let mut listed = Listed::default();
        let mut read = 0;
        loop {
            self.count();
            let Some(page) = pages.try_next().await? else {
                break;
            };
            read += 1;
            let shown = self.shown(poll, page.answer())?;
            listed.odd += shown.odd;
            let zone = self.zone_of(poll, &shown.records).await?;
            let items = shown.records.into_iter();
            let items = items.map(|item| Item::listed(poll.operation, item, &zone));
            listed.add(items.collect());
            if page.next_args().is_none() {
                break;
            }
        }
        // An empty page behind the first one is no proof: what should be on it may have slipped to the first.
        listed.calm = read <= 1 && listed.odd == 0;
        Ok(listed)
    }

    /// The records of a list's answer. What else stands among them is counted.
    pub fn shown(&self, poll: &Poll, answer: &Value) -> Result<evidence::Shown, ReadError> {
        let shown = evidence::list(poll.operation, answer)?;
        let odd = u32::try_from(shown.odd).unwrap_or(u32::MAX);
        self.odd.fetch_add(odd, Ordering::Relaxed);
        Ok(shown)
    }

    /// Elements of lists that were no records, since the poll began.
    pub fn odd(&self) -> u32 {
        self.odd.load(Ordering::Relaxed)
    }

    /// Reads a list of several pages again until two readings in a row show the same records in the same order: then no
    /// record has slipped from a page to one that was read already. A list that does not come to rest is what its
    /// readings show together, and what they do not show may still be there.
    pub async fn calmed(
        &self,
        poll: &Poll,
        arguments: Map<String, Value>,
        mut listed: Listed,
    ) -> Result<Listed, ReadError> {
        for _ in 0..READINGS {
            let again = self.list(poll, arguments.clone()).await?;
            if again.order == listed.order {
                return Ok(again.calm());
            }
            listed = again.with_those_of(listed);
        }
        Ok(listed)
    }

    /// One page of the records that others hang on.
    pub async fn parents(
        &self,
        parents: &Poll,
        next: Option<Value>,
    ) -> Result<ParentsPage, ReadError> {
        let arguments = match next {
            Some(next) => next,
            None => Value::Object(self.filled(parents).await?),
        };
        self.count();
        let mut pages = self.client.pages(parents.operation.name, &arguments);
        let Some(page) = pages.try_next().await? else {
            return Ok(ParentsPage::default());
        };
        let items = self.shown(parents, page.answer())?.records;
        let zone = self.zone_of(parents, &items).await?;
        let items = items.into_iter();
        Ok(ParentsPage {
            parents: items
                .map(|item| Parent {
                    created: parents
                        .trigger
                        .created
                        .and_then(|pointer| instant_in(item.pointer(pointer)?, &zone)),
                    id: Item::listed(parents.operation, item, &zone).id,
                })
                .collect(),
            next: page
                .next_args()
                .filter(|_| !page.items().is_empty())
                .cloned(),
            total: page.total(),
        })
    }

    /// One record. `None`: there is none.
    pub async fn record(&self, poll: &Poll) -> Result<Option<Item>, ReadError> {
        let arguments = Value::Object(self.filled(poll).await?);
        let Some(answer) = there(self.invoke(poll.operation.name, &arguments).await)? else {
            return Ok(None);
        };
        let record = evidence::record(poll.operation, &answer, &arguments)?.clone();
        let at = |pointer: Option<&str>| pointer.and_then(|pointer| answer.pointer(pointer));
        let id = poll
            .operation
            .id
            .and_then(|pointer| super::events::text(&answer, pointer));
        let id = id.unwrap_or_else(|| poll.name.clone());
        let zone = self.zone_of(poll, std::slice::from_ref(&record)).await?;
        Ok(Some(Item::new(
            Some(id),
            at(poll.operation.version),
            record,
            &zone,
        )))
    }

    /// An answer or a file, with the hash of its content. `None`: there is none.
    pub async fn content(&self, poll: &Poll) -> Result<Option<(String, Value)>, ReadError> {
        let arguments = Value::Object(self.filled(poll).await?);
        if poll.trigger.reading != Reading::Bytes {
            let Some(answer) = there(self.invoke(poll.operation.name, &arguments).await)? else {
                return Ok(None);
            };
            evidence::whole(&answer)?;
            return Ok(Some((canopy_mapping::content_hash(&answer), answer)));
        }
        self.count();
        let name = poll.operation.name;
        let Some(mut file) = there(self.client.download(name, &arguments).await)? else {
            return Ok(None);
        };
        evidence::file(file.content_type())?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(piece) = file.try_next().await? {
            bytes += piece.len();
            hash.update(&piece);
        }
        if bytes == 0 {
            return Err(ReadError::Unreadable("the answer is empty"));
        }
        let hash = hex::encode(hash.finalize());
        let payload = json!({ "sha256": hash, "bytes": bytes });
        Ok(Some((hash, payload)))
    }
}

/// What is not there is an answer, too.
fn there<T>(answer: Result<T, Error>) -> Result<Option<T>, ReadError> {
    match answer.map_err(ReadError::from) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Page and size, where the service demands that they are named: reading fills them in.
pub(super) fn first_page(poll: &Poll, mut arguments: Map<String, Value>) -> Map<String, Value> {
    let fields = describe(poll.operation.name).map_or_else(|_| Vec::new(), |found| found.fields);
    for field in fields {
        if field.required && PAGING.contains(&field.name.as_str()) {
            let one = if field.kind == "string" {
                json!("1")
            } else {
                json!(1)
            };
            arguments.entry(field.name).or_insert(one);
        }
    }
    arguments
}
