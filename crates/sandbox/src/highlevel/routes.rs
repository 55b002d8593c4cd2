//! What is served: method, path, the kind of token, the scope, the handler.

use super::access::Access;
use super::{
    agency, associations, automations, blogs, businesses, calendars, contacts, conversations,
    followers, listing, locations, notes, oauth, opportunities, relations, search, tags, tasks,
    users,
};
use crate::operations::Route;

/// All routes, one list a resource.
pub const ROUTES: &[&[Route]] = &[
    CONTACTS,
    OAUTH,
    agency::ROUTES,
    associations::ROUTES,
    automations::ROUTES,
    blogs::ROUTES,
    businesses::ROUTES,
    calendars::ROUTES,
    calendars::blocks::ROUTES,
    calendars::events::ROUTES,
    calendars::groups::ROUTES,
    calendars::notes::ROUTES,
    calendars::notifications::ROUTES,
    calendars::resources::ROUTES,
    conversations::ROUTES,
    conversations::media::ROUTES,
    conversations::messages::ROUTES,
    followers::ROUTES,
    locations::ROUTES,
    opportunities::ROUTES,
    relations::ROUTES,
    users::ROUTES,
];

const READ: Option<&str> = Some("contacts.readonly");
const WRITE: Option<&str> = Some("contacts.write");

#[rustfmt::skip] // one line a route
const CONTACTS: &[Route] = &[
    Route::new("POST", "/contacts/", Access::Location, WRITE, contacts::create),
    Route::new("GET", "/contacts/", Access::Location, READ, listing::list),
    Route::new("GET", "/contacts/{contactId}", Access::Location, READ, contacts::get),
    Route::new("PUT", "/contacts/{contactId}", Access::Location, WRITE, contacts::update),
    Route::new("DELETE", "/contacts/{contactId}", Access::Location, WRITE, contacts::delete),
    Route::new("POST", "/contacts/upsert", Access::Location, WRITE, contacts::upsert),
    Route::new("POST", "/contacts/search", Access::Location, READ, search::search),
    Route::new("GET", "/contacts/search/duplicate", Access::Location, READ, contacts::duplicate),
    Route::new("GET", "/contacts/business/{businessId}", Access::Location, READ, listing::by_business),
    Route::new("GET", "/contacts/{contactId}/appointments", Access::Location, READ, calendars::events::of_contact),
    Route::new("GET", "/contacts/{contactId}/notes", Access::Location, READ, notes::list),
    Route::new("POST", "/contacts/{contactId}/notes", Access::Location, WRITE, notes::create),
    Route::new("GET", "/contacts/{contactId}/notes/{id}", Access::Location, READ, notes::get),
    Route::new("PUT", "/contacts/{contactId}/notes/{id}", Access::Location, WRITE, notes::update),
    Route::new("DELETE", "/contacts/{contactId}/notes/{id}", Access::Location, WRITE, notes::delete),
    Route::new("GET", "/contacts/{contactId}/tasks", Access::Location, READ, tasks::list),
    Route::new("POST", "/contacts/{contactId}/tasks", Access::Location, WRITE, tasks::create),
    Route::new("GET", "/contacts/{contactId}/tasks/{taskId}", Access::Location, READ, tasks::get),
    Route::new("PUT", "/contacts/{contactId}/tasks/{taskId}", Access::Location, WRITE, tasks::update),
    Route::new("DELETE", "/contacts/{contactId}/tasks/{taskId}", Access::Location, WRITE, tasks::delete),
    Route::new("PUT", "/contacts/{contactId}/tasks/{taskId}/completed", Access::Location, WRITE, tasks::update),
    Route::new("POST", "/contacts/{contactId}/tags", Access::Location, WRITE, tags::add),
    Route::new("DELETE", "/contacts/{contactId}/tags", Access::Location, WRITE, tags::remove),
    Route::new("POST", "/contacts/bulk/tags/update/{type}", Access::Location, WRITE, tags::bulk),
    Route::new("GET", "/locations/{locationId}/tags", Access::Location, Some("locations/tags.readonly"), tags::of_location),
];

#[rustfmt::skip] // one line a route
const OAUTH: &[Route] = &[
    Route::new("POST", "/oauth/token", Access::Open, None, oauth::token),
    Route::new("POST", "/oauth/reconnect", Access::Open, None, oauth::reconnect),
    Route::new("POST", "/oauth/locationToken", Access::Agency, Some("oauth.write"), oauth::location_token),
    Route::new("GET", "/oauth/installedLocations", Access::Agency, Some("oauth.readonly"), oauth::installed_locations),
];
