//! Merge fields of HighLevel, as people paste them from its messages: each is read as what it means here, or told with
//! what to write instead. The list is that of HighLevel's help pages; none may pass and print nothing.

use std::collections::BTreeSet;

use minijinja::machinery::ast::Expr;
use minijinja::machinery::parse_expr;

use crate::actions::Actions;
use crate::names::CUSTOM;
use crate::template;

/// The user to whom the contact is assigned. Reading it needs a call.
pub const USER: &str = "user";
/// The location. Reading more of it than its id needs a call.
pub const LOCATION: &str = "location";

/// What a merge field means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// This expression.
    Is(&'static str),
    /// It has no value here; what to write instead.
    Told(&'static str),
}

use Meaning::{Is, Told};

const ADDRESS: &str = "it is in no answer of HighLevel's API; write the link itself";
const PICTURE: &str = "write the date out: {{ event.occurredAt | date('%A, %d %B %Y') }}";
const PIPELINE: &str = "the API gives ids of pipelines and stages: compare opportunity.pipelineStageId, and write the name yourself";
const INVOICE: &str = "start the workflow on an event of the invoice, and read {{ invoice.total }} and the like; `canopy check` tells its members";
const HOOK: &str =
    "start the workflow with on = { webhook = \"...\" }, and read {{ webhook.member }}";

/// Merge fields that are not called as the API's members are.
pub(crate) const FIELDS: &[(&str, Meaning)] = &[
    // The contact
    ("contact.first_name", Is("contact.firstName")),
    ("contact.last_name", Is("contact.lastName")),
    // Single reads give the halves alone, lists the whole in lower case.
    (
        "contact.full_name",
        Is("[contact.firstName, contact.lastName] | join(' ') or contact['name']"),
    ),
    (
        "contact.name",
        Is("[contact.firstName, contact.lastName] | join(' ') or contact['name']"),
    ),
    ("contact.phone_raw", Is("contact.phone")),
    ("contact.company_name", Is("contact.companyName")),
    // Locations have fields of this name, too.
    (
        "contact.company",
        Is("contact.companyName or custom.company"),
    ),
    // Searches call it address.
    (
        "contact.address",
        Is("contact['address'] or contact['address1']"),
    ),
    (
        "contact.address1",
        Is("contact['address1'] or contact['address']"),
    ),
    ("contact.postal_code", Is("contact.postalCode")),
    (
        "contact.full_address",
        Is(
            "[contact.address1, contact.city, contact.state, contact.postalCode, contact.country] | select | join(', ')",
        ),
    ),
    ("contact.date_of_birth", Is("contact.dateOfBirth | date")),
    ("contact.lead_source", Is("contact.source")),
    ("contact.assigned_to", Is("user.name")),
    ("contact.date_created", Is("contact.dateAdded | date")),
    ("contact.date_added", Is("contact.dateAdded | date")),
    ("contact.last_activity", Is("contact.lastActivity | date")),
    ("contact.contact_type", Is("contact.type")),
    ("contact.contact_id", Is("contact.id")),
    (
        "contact.attribution_source",
        Is("contact.attributionSource.sessionSource"),
    ),
    // The user who is responsible
    ("user.first_name", Is("user.firstName")),
    ("user.last_name", Is("user.lastName")),
    ("user.full_name", Is("user.name")),
    ("user.phone_raw", Is("user.phone")),
    ("user.twilio_phone_number", Is("user.lcPhone[location.id]")),
    (
        "user.email_signature",
        Told("signatures are in no answer of HighLevel's API; write it out"),
    ),
    ("user.calendar_link", Told(ADDRESS)),
    // The location
    ("location.postal_code", Is("location.postalCode")),
    (
        "location.full_address",
        Is(
            "[location.address, location.city, location.state, location.postalCode, location.country] | select | join(', ')",
        ),
    ),
    ("location.phone_raw", Is("location.phone")),
    ("location.logo_url", Is("location.logoUrl")),
    ("location_owner.first_name", Is("location.firstName")),
    ("location_owner.last_name", Is("location.lastName")),
    (
        "location_owner.full_name",
        Is("[location.firstName, location.lastName] | join(' ')"),
    ),
    (
        "location_owner.name",
        Is("[location.firstName, location.lastName] | join(' ')"),
    ),
    ("location_owner.email", Is("location.email")),
    // An appointment
    (
        "appointment.start_time",
        Is("appointment.startTime | date('%A, %B %-d, %Y %-I:%M %p')"),
    ),
    (
        "appointment.only_start_date",
        Is("appointment.startTime | date('%A, %B %-d, %Y')"),
    ),
    (
        "appointment.only_start_time",
        Is("appointment.startTime | date('%-I:%M %p')"),
    ),
    (
        "appointment.end_time",
        Is("appointment.endTime | date('%A, %B %-d, %Y %-I:%M %p')"),
    ),
    (
        "appointment.only_end_date",
        Is("appointment.endTime | date('%A, %B %-d, %Y')"),
    ),
    (
        "appointment.only_end_time",
        Is("appointment.endTime | date('%-I:%M %p')"),
    ),
    (
        "appointment.day_of_week",
        Is("appointment.startTime | date('%A')"),
    ),
    (
        "appointment.month",
        Is("appointment.startTime | date('%B')"),
    ),
    (
        "appointment.month_english",
        Is("appointment.startTime | date('%B')"),
    ),
    ("appointment.timezone", Is("location.timezone")),
    ("appointment.meeting_location", Is("appointment.address")),
    ("appointment.status", Is("appointment.appointmentStatus")),
    ("appointment.cancellation_link", Told(ADDRESS)),
    ("appointment.cancel_link", Told(ADDRESS)),
    ("appointment.reschedule_link", Told(ADDRESS)),
    ("appointment.add_to_google_calendar", Told(ADDRESS)),
    ("appointment.add_to_ical_outlook", Told(ADDRESS)),
    (
        "appointment.recurring",
        Told("read {{ appointment.rrule }}, the rule by which it comes again"),
    ),
    (
        "appointment.user",
        Told(
            "the API gives the id, {{ appointment.assignedUserId }}; {{ user.name }} is who is responsible for the contact",
        ),
    ),
    (
        "calendar",
        Told(
            "the API gives the calendar's id, {{ appointment.calendarId }}; write its name yourself",
        ),
    ),
    // A deal
    ("opportunity.title", Is("opportunity.name")),
    ("opportunity.lead_value", Is("opportunity.monetaryValue")),
    (
        "opportunity.monetary_value",
        Is("opportunity.monetaryValue"),
    ),
    ("opportunity.pipeline_name", Told(PIPELINE)),
    ("opportunity.pipeline_id", Is("opportunity.pipelineId")),
    ("opportunity.stage_name", Told(PIPELINE)),
    ("opportunity.pipeline_stage", Told(PIPELINE)),
    ("opportunity.pipleline_stage", Told(PIPELINE)),
    (
        "opportunity.pipeline_stage_id",
        Is("opportunity.pipelineStageId"),
    ),
    (
        "opportunity.lost_reason",
        Told("the API gives its id, {{ opportunity.lostReasonId }}"),
    ),
    (
        "opportunity.assigned_to",
        Told(
            "the API gives the id, {{ opportunity.assignedTo }}; {{ user.name }} is who is responsible for the contact",
        ),
    ),
    // Tasks
    ("task.due_date", Is("task.dueDate | date")),
    (
        "task.assigned_to",
        Told(
            "the API gives the id, {{ task.assignedTo }}; {{ user.name }} is who is responsible for the contact",
        ),
    ),
    // The present
    ("right_now", Told(PICTURE)),
    (
        "campaign",
        Told(
            "campaigns have no dates in HighLevel's API; write {{ event.occurredAt | date('%d %B %Y') }} or the date itself",
        ),
    ),
    // What belongs to the location, or is HighLevel's own
    (
        "custom_values",
        Told(
            "write the value itself: custom values are the same for every contact, and a workflow file is one location's; for a contact's own field write {{ custom.key }}",
        ),
    ),
    ("trigger_link", Told(ADDRESS)),
    ("trigger_links", Told(ADDRESS)),
    (
        "unsubscribe_link",
        Told(
            "HighLevel adds it to what it sends itself; in a text of send-message write the address out",
        ),
    ),
    (
        "email",
        Told(
            "it is known to HighLevel's own mails only; write {{ contact.email }} for the contact's address",
        ),
    ),
    (
        "membership",
        Told("memberships are in no answer of HighLevel's API"),
    ),
    ("inboundWebhookRequest", Told(HOOK)),
    ("form", Told(HOOK)),
    ("survey", Told(HOOK)),
    (
        "order",
        Told(
            "start the workflow on an event of the order, and read {{ record.amount }} and the like",
        ),
    ),
    (
        "payment",
        Told(
            "start the workflow on an event of the payment, and read {{ record.amount }} and the like",
        ),
    ),
    ("invoice.number", Is("invoice.invoiceNumber")),
    ("invoice.total_amount", Is("invoice.total")),
    ("invoice.issue_date", Is("invoice.issueDate | date")),
    ("invoice.due_date", Is("invoice.dueDate | date")),
    ("invoice.url", Told(ADDRESS)),
    ("invoice.customer", Told(INVOICE)),
    ("invoice.company", Told(INVOICE)),
    ("invoice.sender", Told(INVOICE)),
];

/// Members of a contact, in the API's own spelling, that could be keys of custom fields as well.
pub const MEMBERS: &[&str] = &[
    "id",
    "name",
    "email",
    "phone",
    "dnd",
    "type",
    "source",
    "address",
    "address1",
    "city",
    "state",
    "country",
    "website",
    "timezone",
    "tags",
    "deleted",
    "followers",
    "attributions",
    "attachments",
    "ssn",
    "keyword",
    "offers",
    "products",
    "gender",
    "opportunities",
];

/// What a path such as `contact.first_name` means; `None`: what it says.
pub(crate) fn meaning(path: &str) -> Option<Meaning> {
    let field = |path: &str| FIELDS.iter().find(|(name, _)| *name == path);
    let root = path.split('.').next().unwrap_or(path);
    field(path)
        .or_else(|| {
            // All that is below of what is told, such as `right_now.hour`.
            let parent = path.rsplit_once('.').map_or(root, |(parent, _)| parent);
            [parent, root]
                .into_iter()
                .find_map(field)
                .filter(|(_, meaning)| matches!(meaning, Told(_)))
        })
        .map(|(_, meaning)| *meaning)
}

/// A path of members: `contact['email']` is `contact.email`.
fn dotted(path: &str) -> String {
    path.replace("['", ".").replace("']", "")
}

/// Whether what stands at a path is a text in any case.
pub(crate) fn is_text(path: &str, actions: &dyn Actions) -> bool {
    let path = dotted(path);
    match meaning(&path) {
        Some(Is(expression)) if expression.contains('|') || expression == "user.name" => true,
        Some(Is(expression)) if expression != path => is_text(expression, actions),
        Some(Told(_)) => false,
        _ => {
            let of_event = [
                "event.kind",
                "event.occurredAt",
                "event.recordId",
                "event.source",
            ];
            if of_event.contains(&&*path) {
                return true;
            }
            let of_own = path
                .split_once('.')
                .filter(|(root, _)| [USER, LOCATION].contains(root));
            if let Some((_, member)) = of_own {
                return [
                    "name",
                    "email",
                    "phone",
                    "firstName",
                    "lastName",
                    "address",
                    "city",
                ]
                .contains(&member);
            }
            path.split_once('.')
                .is_some_and(|(record, member)| actions.is_text(record, member))
        }
    }
}

/// The custom field that a path reads, by its key or name.
pub(crate) fn custom_field(path: &str) -> Option<String> {
    let path = dotted(path);
    let custom = path
        .strip_prefix(CUSTOM)
        .and_then(|rest| rest.strip_prefix('.'));
    custom.or_else(|| custom_key(&path)).map(str::to_owned)
}

/// What is read below a text, such as `upper` of `contact.full_name.upper`, with the text.
pub(crate) fn below_a_text(path: &str) -> Option<(&str, &str)> {
    let places = path.match_indices('.').map(|(at, _)| at).skip(1);
    let mut halves = places.map(|at| (&path[..at], &path[at + 1..]));
    halves.find(|(field, _)| {
        let is_field =
            |(name, meaning): &(&str, Meaning)| name == field && matches!(meaning, Is(_));
        FIELDS.iter().any(is_field) || may_be_custom(field)
    })
}

/// The key of a custom field that `contact.KEY` may name, as HighLevel writes it.
fn custom_key(path: &str) -> Option<&str> {
    let key = path.strip_prefix("contact.")?;
    let key = key.split('.').next().unwrap_or(key);
    let is_key = |key: &str| {
        key.starts_with(|c: char| c.is_ascii_lowercase())
            && key
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
    };
    let is_own = MEMBERS.contains(&key) || meaning(&format!("contact.{key}")).is_some();
    (is_key(key) && !is_own).then_some(key)
}

/// What the path is read as, ready to be compiled; `None`: as it stands. `custom`: makes the value of a contact's member
/// or of the custom field of this key.
pub(crate) fn expression<'a>(
    path: &str,
    rewrite: impl Fn(&Expr<'static>) -> Expr<'static>,
) -> Option<Expr<'a>> {
    match meaning(path)? {
        Is(expression) => parse_expr(expression).ok().map(|tree| rewrite(&tree)),
        Told(_) => None,
    }
}

/// Whether a contact's member may be a custom field.
pub(crate) fn may_be_custom(path: &str) -> bool {
    custom_key(path).is_some_and(|key| path.len() == "contact.".len() + key.len())
}

/// What is read besides when this path is.
pub(crate) fn reads(path: &str) -> BTreeSet<String> {
    match meaning(path) {
        Some(Is(expression)) => template::names_in_expression(expression),
        Some(Told(_)) => BTreeSet::new(),
        None => custom_key(path)
            .map(|key| format!("{CUSTOM}.{key}"))
            .into_iter()
            .collect(),
    }
}

/// Whether an expression could read something of this name, told without compiling it.
pub(crate) fn mentions(name: &str, text: &str) -> bool {
    if text.contains(name) {
        return true;
    }
    // A field that is written as something else reads what that does: `contact.last_activity` is a day of the location.
    let is_read = |expression: &str| match name {
        LOCATION => expression.contains("| date") || expression.contains(LOCATION),
        _ => expression.contains(name),
    };
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let is_field = |(path, meaning): &(&'static str, Meaning)| {
        matches!(meaning, Is(expression) if is_read(expression)) && text.contains(last(path))
    };
    if FIELDS.iter().any(is_field) {
        return true;
    }
    match name {
        CUSTOM => text.match_indices("contact.").any(|(start, _)| {
            let rest = &text[start..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
            let path = &rest[..end.unwrap_or(rest.len())];
            path == "contact.company" || custom_key(path).is_some()
        }),
        LOCATION => text.contains("date"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
