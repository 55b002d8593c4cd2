//! What is served: method, path, the kind of token, the scope, the handler.

use super::access::Access;
use super::{contacts, listing, locations, membership, notes, oauth, search, tags, tasks};
use crate::operations::Route;

const READ: Option<&str> = Some("contacts.readonly");
const WRITE: Option<&str> = Some("contacts.write");

/// Names are used where the description has none for the path.
#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/contacts/", "create-contact", Access::Location, WRITE, contacts::create),
    Route::new("GET", "/contacts/", "get-contacts", Access::Location, READ, listing::list),
    Route::new("GET", "/contacts/{contactId}", "get-contact", Access::Location, READ, contacts::get),
    Route::new("PUT", "/contacts/{contactId}", "update-contact", Access::Location, WRITE, contacts::update),
    Route::new("DELETE", "/contacts/{contactId}", "delete-contact", Access::Location, WRITE, contacts::delete),
    Route::new("POST", "/contacts/upsert", "upsert-contact", Access::Location, WRITE, contacts::upsert),
    Route::new("POST", "/contacts/search", "search-contacts-advanced", Access::Location, READ, search::search),
    Route::new("GET", "/contacts/search/duplicate", "get-duplicate-contact", Access::Location, READ, contacts::duplicate),
    Route::new("GET", "/contacts/business/{businessId}", "get-contacts-by-business-id", Access::Location, READ, listing::by_business),
    Route::new("GET", "/contacts/{contactId}/appointments", "get-appointments-for-contact", Access::Location, READ, contacts::appointments),
    Route::new("GET", "/contacts/{contactId}/notes", "get-all-notes", Access::Location, READ, notes::list),
    Route::new("POST", "/contacts/{contactId}/notes", "create-note", Access::Location, WRITE, notes::create),
    Route::new("GET", "/contacts/{contactId}/notes/{id}", "get-note", Access::Location, READ, notes::get),
    Route::new("PUT", "/contacts/{contactId}/notes/{id}", "update-note", Access::Location, WRITE, notes::update),
    Route::new("DELETE", "/contacts/{contactId}/notes/{id}", "delete-note", Access::Location, WRITE, notes::delete),
    Route::new("GET", "/contacts/{contactId}/tasks", "get-all-tasks", Access::Location, READ, tasks::list),
    Route::new("POST", "/contacts/{contactId}/tasks", "create-task", Access::Location, WRITE, tasks::create),
    Route::new("GET", "/contacts/{contactId}/tasks/{taskId}", "get-task", Access::Location, READ, tasks::get),
    Route::new("PUT", "/contacts/{contactId}/tasks/{taskId}", "update-task", Access::Location, WRITE, tasks::update),
    Route::new("DELETE", "/contacts/{contactId}/tasks/{taskId}", "delete-task", Access::Location, WRITE, tasks::delete),
    Route::new("PUT", "/contacts/{contactId}/tasks/{taskId}/completed", "update-task-completed", Access::Location, WRITE, tasks::update),
    Route::new("POST", "/contacts/{contactId}/tags", "add-tags", Access::Location, WRITE, tags::add),
    Route::new("DELETE", "/contacts/{contactId}/tags", "remove-tags", Access::Location, WRITE, tags::remove),
    Route::new("POST", "/contacts/bulk/tags/update/{type}", "bulk-update-contact-tags", Access::Location, WRITE, tags::bulk),
    Route::new("POST", "/contacts/bulk/business", "add-remove-contact-from-business", Access::Location, WRITE, membership::set_business),
    Route::new("POST", "/contacts/{contactId}/campaigns/{campaignId}", "add-contact-to-campaign", Access::Location, WRITE, membership::join_campaign),
    Route::new("DELETE", "/contacts/{contactId}/campaigns/{campaignId}", "remove-contact-from-campaign", Access::Location, WRITE, membership::leave_campaign),
    Route::new("DELETE", "/contacts/{contactId}/campaigns/removeAll", "remove-contact-from-every-campaign", Access::Location, WRITE, membership::leave_campaigns),
    Route::new("POST", "/contacts/{contactId}/workflow/{workflowId}", "add-contact-to-workflow", Access::Location, WRITE, membership::join_workflow),
    Route::new("DELETE", "/contacts/{contactId}/workflow/{workflowId}", "delete-contact-from-workflow", Access::Location, WRITE, membership::leave_workflow),
    Route::new("POST", "/contacts/{contactId}/followers", "add-followers-contact", Access::Location, WRITE, membership::add_followers),
    Route::new("DELETE", "/contacts/{contactId}/followers", "remove-followers-contact", Access::Location, WRITE, membership::remove_followers),
    Route::new("GET", "/locations/search", "search-locations", Access::Either, Some("locations.readonly"), locations::search),
    Route::new("GET", "/locations/{locationId}", "get-location", Access::Either, Some("locations.readonly"), locations::get),
    Route::new("GET", "/locations/{locationId}/customFields", "get-custom-fields", Access::Location, Some("locations/customFields.readonly"), locations::custom_fields),
    Route::new("POST", "/locations/{locationId}/customFields", "create-custom-field", Access::Location, Some("locations/customFields.write"), locations::create_custom_field),
    Route::new("GET", "/locations/{locationId}/tags", "get-location-tags", Access::Location, Some("locations/tags.readonly"), tags::of_location),
    Route::new("POST", "/oauth/token", "get-access-token", Access::Open, None, oauth::token),
    Route::new("POST", "/oauth/reconnect", "reconnect", Access::Open, None, oauth::reconnect),
    Route::new("POST", "/oauth/locationToken", "get-location-access-token", Access::Agency, Some("oauth.write"), oauth::location_token),
    Route::new("GET", "/oauth/installedLocations", "get-installed-location", Access::Agency, Some("oauth.readonly"), oauth::installed_locations),
];
