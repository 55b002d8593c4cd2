//! What code needs to know of an operation, generated from the spec's extensions: hand-written code lists none.

/// One operation of a service. The generated crates hold a table of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The operation id as the spec writes it, e.g. `create-contact`.
    pub name: &'static str,
    /// The same in snake case, as generated methods are called: `create_contact`.
    pub method_name: &'static str,
    /// Module and cargo feature that hold it, e.g. `contacts`.
    pub resource: &'static str,
    pub summary: &'static str,
    /// `GET`, `POST` ...
    pub http_method: &'static str,
    /// Path template, e.g. `/contacts/{contactId}`.
    pub path: &'static str,
    /// Value of the `Version` header, where the service wants one.
    pub api_version: Option<&'static str>,
    pub auth: Auth,
    pub scopes: &'static [&'static str],
    /// Which tokens it takes; empty where the service knows only one kind.
    pub token_kinds: &'static [TokenKind],
    /// Path and query parameters, in the spec's order.
    pub parameters: &'static [Parameter],
    pub body: Body,
    pub idempotency: Idempotency,
    pub paging: Paging,
    /// JSON pointer to the items of a list answer, e.g. `/contacts`. A list without one is the answer itself.
    pub items: Option<&'static str>,
    /// JSON pointer to the id inside an item (of a list), or inside the answer.
    pub id: Option<&'static str>,
    /// JSON pointer to the version (time of the last change) inside an item or answer.
    pub version: Option<&'static str>,
    /// JSON pointer to the record inside a single-record answer, e.g. `/contact`.
    pub record: Option<&'static str>,
    /// What an answer must show to be its success.
    pub evidence: Evidence,
    /// What a poll of it finds; only reads have one.
    pub trigger: Option<Trigger>,
}

/// What an answer must show to be an operation's success, whatever its status and content type say. What shows less is
/// neither success nor refusal: see [`Unreadable`](crate::Unreadable).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    pub shown: Shown,
    /// JSON pointers to success flags; none that is there may be false.
    pub flags: &'static [&'static str],
}

/// The part of an answer that an operation's success is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A file, passed on as it comes.
    Bytes,
    /// A list.
    List {
        /// JSON pointer; empty where the list is the whole answer.
        at: &'static str,
        /// It cannot be empty: it shows what was made.
        some: bool,
    },
    /// A record.
    Record {
        /// JSON pointer to its id, which is not empty.
        id: &'static str,
        /// The path parameter that the id must be equal to; `None` where the answer brings a new id.
        asked: Option<&'static str>,
    },
    /// A record or null, which says that there is none.
    RecordOrNull {
        /// JSON pointer to the record.
        at: &'static str,
        /// JSON pointer to its id.
        id: &'static str,
    },
    /// One of these groups of members; each member of it is there, and not empty.
    Members(&'static [&'static [Member]]),
    /// At least one of the flags, and it is true.
    Flag,
    /// An object that is no error's body: nothing more can be told.
    Answer { why: &'static str },
}

/// A member that an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// JSON pointer.
    pub at: &'static str,
    pub kind: MemberKind,
}

/// What a member must be, as far as it can be bent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    Text,
    Number,
    Flag,
    Any,
}

/// What a read means to somebody who polls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// First word of its event kinds: `note` gives `note.created`, `note.updated`, `note.deleted`. The same words as the
    /// webhooks' kinds where a webhook exists, because the same change by webhook and by poll is one event.
    pub record: &'static str,
    /// JSON pointer in the record to its contact's id.
    pub contact: Option<&'static str>,
    /// JSON pointer in the record to the time of its creation.
    pub created: Option<&'static str>,
    pub reading: Reading,
    /// Further kinds that a change of a member means. Two members can mean the same kind.
    pub changes: &'static [Change],
    /// Without filters the list shows all that there is, so what is missing was deleted.
    pub lists_all: bool,
    /// Parameter that, when not given, is taken from each changed record of another list: notes and tasks of contacts,
    /// messages of conversations.
    pub each: Option<Each>,
    /// Parameters that are instants and bound what it shows.
    pub window: Option<Window>,
}

/// How a poll finds what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Can be asked for what changed since, in order.
    Changes {
        /// JSON pointer in the record to the time of its last change.
        changed: &'static str,
    },
    /// A list that is read whole and compared.
    Snapshot,
    /// One record.
    Record,
    /// The answer as a whole is compared: checks, free slots.
    Answer,
    /// Bytes, compared by their hash.
    Bytes,
}

/// A kind of event that a change of one member means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// E.g. `task.completed`.
    pub kind: &'static str,
    /// JSON pointer in the record.
    pub member: &'static str,
    /// JSON text of the value that it must have become.
    pub to: Option<&'static str>,
}

/// The span of time that a read is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Parameters that take milliseconds since 1970.
    pub from: &'static str,
    pub to: &'static str,
    /// The ends that a poll takes when it is not told others, as `now-31d`.
    pub usual: Option<(&'static str, &'static str)>,
}

/// Where a parameter of a poll comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Each {
    /// It takes the id of the parent.
    pub parameter: &'static str,
    /// The operation that lists the parents.
    pub of: &'static str,
    /// They are few: all of them are read at each poll. Otherwise those that changed are, and all in a slow round.
    pub at_once: bool,
    /// Parameters that may be given in place of it.
    pub or: &'static [&'static str],
}

/// Whether a call carries the token (the spec's `security`; an empty list there means [`Auth::None`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    None,
    Bearer,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// One location (sub-account).
    Location,
    /// An agency with all its locations.
    Agency,
    /// One location, by an app's installation: private tokens are refused.
    LocationApp,
    /// An agency, by an app's installation: private tokens are refused.
    AgencyApp,
}

impl Operation {
    /// Whether it takes private integration tokens, beside those of an app's installation.
    pub fn takes_private_tokens(&self) -> bool {
        let is_app =
            |kind: &TokenKind| matches!(kind, TokenKind::LocationApp | TokenKind::AgencyApp);
        self.token_kinds.is_empty() || !self.token_kinds.iter().all(is_app)
    }
}

/// A path or query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub required: bool,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
}

/// What an operation takes as its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    None,
    Json,
    Form,
}

/// What happens when a request is sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// Reads only (also a POST that searches).
    Read,
    /// Sending it again changes nothing more.
    Idempotent,
    /// A repeat with the same value of this request header is answered from memory.
    Keyed { header: &'static str },
    /// A repeat would do it twice, but whether it happened can be looked up.
    Lookup(Lookup),
    /// A repeat may do it twice and nothing tells.
    Unsafe,
}

/// How to find out whether a create happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// The operation to ask: a list, or one that shows the record where it is there. It takes its arguments from the
    /// create's arguments of the same names.
    pub operation: &'static str,
    /// Members (of the create's body and of the listed item) that must be equal.
    pub equal: &'static [&'static str],
    /// Ways to ask for the record itself, each by one member of the create. Each that the create has is asked for apart;
    /// without any of them nobody can look. Empty: the arguments of the same names are enough.
    pub by: &'static [LookupKey],
    /// JSON pointer in what is found to the time of its creation.
    pub created: Option<&'static str>,
}

/// A member of a create by which its record is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupKey {
    /// Argument of the create.
    pub member: &'static str,
    /// Parameter of the look-up.
    pub parameter: &'static str,
}

/// How a list continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    None,
    /// Body members `page`, `pageLimit`, and `searchAfter` of the last item beyond 10,000 records.
    SearchAfter,
    /// Query `startAfter` and `startAfterId` from the answer's `meta`.
    StartAfter,
    /// Query `skip` and `limit`.
    Skip,
    /// Query `offset` and `limit`.
    Offset,
    /// Query parameter that takes this member of the last item.
    After {
        parameter: &'static str,
        from: &'static str,
    },
    /// Parameter (of the query, or member of the body) that takes what the answer has at this JSON pointer. The list
    /// ends where there is nothing.
    Cursor {
        parameter: &'static str,
        next: &'static str,
    },
}

/// One entry of the catalog: an operation under the name and title that people look for, generated from
/// `spec/catalog.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogEntry {
    /// E.g. `find-contact`.
    pub name: &'static str,
    /// E.g. `Find Contact`.
    pub title: &'static str,
    /// E.g. `Contacts`.
    pub category: &'static str,
    pub kind: EntryKind,
    /// The operation's name. Several entries can share one.
    pub operation: &'static str,
    /// Shorter ways to call it.
    pub presets: &'static [Preset],
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A read that is polled and compared with what was seen before.
    Trigger,
    /// Called once.
    Action,
}

/// Arguments that need one value only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The parameter that the caller gives in place of the arguments, e.g. `email`.
    pub parameter: &'static str,
    pub description: &'static str,
    /// The operation's arguments as a JSON object. The value takes the place of the text that is the parameter's name
    /// in braces, `"{email}"`.
    pub arguments: &'static str,
}

/// One documented webhook event, generated from `spec/webhooks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The payload's `type`, e.g. `ContactCreate`.
    pub name: &'static str,
    /// Further names under which the service lists the event, e.g. `AppInstall` for `INSTALL`.
    pub also: &'static [&'static str],
    /// Our event kind, e.g. `contact.created`.
    pub kind: &'static str,
    /// JSON pointer to the location's id, or to a list of ids, where it is not (or not always) in `/locationId`.
    pub location: Option<&'static str>,
    /// What all payloads of the event show, where they are documented without a `type` that names it; empty otherwise.
    pub marks: &'static [Mark],
    /// Other events whose payloads have been seen with this one's `type`.
    pub slips: &'static [Slip],
    /// JSON pointer to the record's id in the payload.
    pub record: &'static str,
    /// JSON pointer to the contact's id, where the event has one.
    pub contact: Option<&'static str>,
    /// JSON pointer to the time of the change, where the payload has one.
    pub occurred: Option<&'static str>,
    pub version: EventVersion,
    /// Read operation that completes the event (arguments: the record's and the contact's id under the names of
    /// its path parameters), where there is one.
    pub fetch: Option<&'static str>,
    /// The list that completes the event, where no read of the record can.
    pub listed: Option<ListedRecord>,
}

/// An event that may come under the `type` of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slip {
    /// Its own `type`.
    pub event: &'static str,
    /// What its payloads show. Empty: only reading the record tells.
    pub marks: &'static [Mark],
}

/// A list that shows the record of a webhook's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedRecord {
    /// Operation that lists such records.
    pub by: &'static str,
    /// Its arguments: their names, and JSON pointers into the payload.
    pub arguments: &'static [(&'static str, &'static str)],
    /// Members in which the payload and the record on the list agree. With them a payload that lacks the record's id
    /// finds its record; without them the list tells only whether the record is still there.
    pub same: &'static [&'static str],
    /// JSON pointer to what stands for the record until it is found.
    pub meanwhile: Option<&'static str>,
    /// A record that has parts with ids of their own: JSON pointers to the ids in the record, the first one's being the
    /// record's own, and to the part's id in the payload.
    pub part: Option<(&'static str, &'static str)>,
}

/// Something by which a payload without a telling `type` is known. Members are JSON pointers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The member is there and not null.
    Has(&'static str),
    /// It is not there, or null.
    Lacks(&'static str),
    /// It is one of these texts.
    Is(&'static str, &'static [&'static str]),
    /// Both are there and equal.
    Same(&'static str, &'static str),
}

impl Mark {
    /// Whether the payload shows it.
    pub fn fits(&self, payload: &serde_json::Value) -> bool {
        let member = |pointer: &str| payload.pointer(pointer).filter(|value| !value.is_null());
        match *self {
            Self::Has(pointer) => member(pointer).is_some(),
            Self::Lacks(pointer) => member(pointer).is_none(),
            Self::Is(pointer, texts) => member(pointer)
                .and_then(serde_json::Value::as_str)
                .is_some_and(|text| texts.contains(&text)),
            Self::Same(one, other) => member(one).is_some() && member(one) == member(other),
        }
    }
}

/// How the version of a webhook's event is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventVersion {
    /// It can happen once in the record's life (created, deleted, completed).
    Once,
    /// JSON pointer into the payload.
    Payload(&'static str),
    /// Only a read of the record tells: its version field, or its content hash.
    Fetched,
}
