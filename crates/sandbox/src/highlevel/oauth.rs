//! Tokens: authorization codes, single-use refresh tokens with a grace, agency tokens exchanged for a location's.

use std::collections::HashMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::access::{Class, Token};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::ids::Ids;
use crate::settings::Spelling;
use crate::world::World;

const ACCESS_SECONDS: i64 = 86_399;
/// A token that an agency's token was exchanged for lives a second longer.
const LOCATION_ACCESS_SECONDS: i64 = 86_400;
const REFRESH_DAYS: i64 = 365;
/// How long a used refresh token still answers the pair it was exchanged for.
const GRACE: SignedDuration = SignedDuration::from_secs(30);
/// How long a private integration's token works on when it was rotated.
const OVERLAP: SignedDuration = SignedDuration::from_hours(7 * 24);
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What an installed app was granted.
#[derive(Debug, Clone)]
pub struct Grant {
    pub class: Class,
    pub scopes: Option<Vec<String>>,
}

#[derive(Debug)]
struct Refresh {
    grant: Grant,
    expires_at: Timestamp,
    /// When it was used, and the answer it was exchanged for.
    used: Option<(Timestamp, Value)>,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    expires_at: Timestamp,
}

/// Everything issued. Secrets are the sandbox's own and worth nothing elsewhere.
#[derive(Debug)]
pub struct Grants {
    pub client_id: String,
    pub client_secret: String,
    pub app_id: String,
    /// The app's version that is installed.
    pub version_id: String,
    tokens: HashMap<String, Token>,
    refreshes: HashMap<String, Refresh>,
    codes: HashMap<String, Code>,
    ids: Ids,
    /// Private integrations made so far, besides the first one.
    integrations: u64,
}

impl Grants {
    pub fn new(seed: u64) -> Self {
        let mut ids = Ids::new(seed, 3);
        let app_id = ids.object();
        Self {
            client_id: format!("{app_id}-sandbox"),
            client_secret: ids.uuid(),
            version_id: Ids::new(seed, 8).object(),
            app_id,
            tokens: HashMap::new(),
            refreshes: HashMap::new(),
            codes: HashMap::new(),
            ids,
            integrations: 0,
        }
    }

    pub fn token(&self, secret: &str) -> Option<&Token> {
        self.tokens.get(secret)
    }

    /// Issues an access token, or takes the given one in.
    pub fn issue(&mut self, secret: Option<String>, token: Token) -> String {
        let secret = secret.unwrap_or_else(|| match token.class {
            Class::LocationKey | Class::AgencyKey => format!("pit-{}", self.ids.uuid()),
            Class::Location | Class::Company => self.ids.secret(),
        });
        self.tokens.insert(secret.clone(), token);
        secret
    }

    /// The number of another private integration; all tokens of the app are one.
    pub fn new_integration(&mut self, class: Class) -> u64 {
        if class.is_private() {
            self.integrations += 1;
            self.integrations
        } else {
            0
        }
    }

    /// Takes an access token back; `false` when it was never issued.
    pub fn revoke(&mut self, secret: &str) -> bool {
        self.tokens.remove(secret).is_some()
    }

    /// Replaces a private integration's token by a new one; the old one works on for the overlap. `None`: it is no such
    /// token.
    pub fn rotate(&mut self, secret: &str, now: Timestamp) -> Option<String> {
        let old = self.tokens.get_mut(secret)?;
        if !old.class.is_private() {
            return None;
        }
        let new = old.clone();
        let end = now + OVERLAP;
        old.expires_at = Some(old.expires_at.map_or(end, |before| before.min(end)));
        Some(self.issue(None, new))
    }

    /// Makes an authorization code, as the chooser's redirect carries it.
    pub fn mint_code(&mut self, grant: Grant, now: Timestamp) -> (String, Timestamp) {
        let code = self.ids.secret();
        let expires_at = now + CODE_LIFE;
        self.codes.insert(code.clone(), Code { grant, expires_at });
        (code, expires_at)
    }
}

pub fn token(world: &mut World, call: &Call<'_>) -> Handled {
    let client = (call.required("client_id")?, call.required("client_secret")?);
    if client
        != (
            world.grants.client_id.as_str(),
            world.grants.client_secret.as_str(),
        )
    {
        return Err(refused(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Invalid client credentials",
        ));
    }
    match call.required("grant_type")? {
        "authorization_code" => {
            let code = call.required("code")?;
            let fresh = world
                .grants
                .codes
                .remove(code)
                .filter(|code| code.expires_at > call.now);
            let code = fresh
                .ok_or_else(|| invalid_grant("This authorization code is invalid or was used"))?;
            let pair = pair(world, code.grant, call.now);
            Ok(spelled(world, pair))
        }
        "refresh_token" => refresh(world, call),
        _ => Err(refused(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token",
        )),
    }
}

fn refresh(world: &mut World, call: &Call<'_>) -> Handled {
    let secret = call.required("refresh_token")?;
    let invalid = || invalid_grant("This refresh token is invalid");
    let known = world.grants.refreshes.get(secret).ok_or_else(invalid)?;
    if known.expires_at <= call.now {
        return Err(invalid());
    }
    if let Some((at, answer)) = &known.used {
        return if call.now.duration_since(*at) <= GRACE {
            Ok(spelled(world, answer.clone()))
        } else {
            Err(invalid())
        };
    }
    let grant = known.grant.clone();
    let answer = pair(world, grant, call.now);
    if let Some(known) = world.grants.refreshes.get_mut(secret) {
        known.used = Some((call.now, answer.clone()));
    }
    Ok(spelled(world, answer))
}

/// The answer in the spelling that the settings say: the service has had both.
fn spelled(world: &World, mut answer: Value) -> Answer {
    for (snake, camel) in [
        ("access_token", "accessToken"),
        ("refresh_token", "refreshToken"),
        ("expires_in", "expiresIn"),
        ("token_type", "tokenType"),
    ] {
        if let Some(value) = answer.get(snake).cloned() {
            if world.settings.token_spelling != Spelling::SnakeCase {
                answer[camel] = value;
            }
            if world.settings.token_spelling == Spelling::CamelCase
                && let Some(members) = answer.as_object_mut()
            {
                members.shift_remove(snake);
            }
        }
    }
    Answer::ok(answer)
}

/// A new access token with a new refresh token.
fn pair(world: &mut World, grant: Grant, now: Timestamp) -> Value {
    let access = world.grants.issue(
        None,
        Token {
            class: grant.class,
            scopes: grant.scopes.clone(),
            expires_at: Some(now + SignedDuration::from_secs(ACCESS_SECONDS)),
            integration: 0,
        },
    );
    let refresh = world.grants.ids.secret();
    let is_company = grant.class == Class::Company;
    let mut answer = json!({
        "access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "refresh_token": refresh,
        "scope": scope_text(grant.scopes.as_ref()), "userType": if is_company { "Company" } else { "Location" },
        "companyId": world.location.company_id, "userId": world.location.user_id,
        "isBulkInstallation": is_company, "refreshTokenId": world.grants.ids.object(),
    });
    if is_company {
        answer["approvedLocations"] = json!([world.location.id]);
        answer["installToFutureLocations"] = json!(false);
        answer["approveAllLocations"] = json!(false);
    } else {
        answer["locationId"] = json!(world.location.id);
    }
    world.grants.refreshes.insert(
        refresh,
        Refresh {
            grant,
            expires_at: now + SignedDuration::from_hours(24 * REFRESH_DAYS),
            used: None,
        },
    );
    answer
}

pub fn location_token(world: &mut World, call: &Call<'_>) -> Handled {
    let (company_id, location_id) = (call.required("companyId")?, call.required("locationId")?);
    if company_id != world.location.company_id || location_id != world.location.id {
        return Err(Answer::bad_request(format!(
            "The app is not installed in location {location_id} of company {company_id}"
        )));
    }
    let secret = world.grants.issue(
        None,
        Token {
            class: Class::Location,
            scopes: None,
            expires_at: Some(call.now + SignedDuration::from_secs(LOCATION_ACCESS_SECONDS)),
            integration: 0,
        },
    );
    let answer = json!({
        "access_token": secret, "token_type": "Bearer", "expires_in": LOCATION_ACCESS_SECONDS, "scope": scope_text(None),
        "locationId": world.location.id, "userId": world.location.user_id, "appId": world.grants.app_id,
    });
    Ok(spelled(world, answer))
}

pub fn installed_locations(world: &mut World, call: &Call<'_>) -> Handled {
    let asks_for_this = call
        .query("appId")
        .is_none_or(|id| id == world.grants.app_id)
        && call
            .query("companyId")
            .is_none_or(|id| id == world.location.company_id)
        && call
            .query("locationId")
            .is_none_or(|id| id == world.location.id)
        && call.query("isInstalled").is_none_or(|flag| flag != "false");
    let location = json!({
        "_id": world.location.id, "name": world.location.name, "address": "1 Sandbox Street",
        "isInstalled": true, "installedAt": iso(world.location.created_at),
    });
    let locations: Vec<Value> = asks_for_this.then_some(location).into_iter().collect();
    Ok(Answer::ok(json!({
        "count": locations.len(), "installToFutureLocations": false, "locations": locations,
    })))
}

/// Recovers an app's lost tokens: answers a fresh authorization code.
pub fn reconnect(world: &mut World, call: &Call<'_>) -> Handled {
    let client = (call.required("clientKey")?, call.required("clientSecret")?);
    if client
        != (
            world.grants.client_id.as_str(),
            world.grants.client_secret.as_str(),
        )
    {
        return Err(Answer::unauthorized("Invalid client credentials"));
    }
    let class = match (call.body_text("locationId"), call.body_text("companyId")) {
        (Some(id), None) if id == world.location.id => Class::Location,
        (None, Some(id)) if id == world.location.company_id => Class::Company,
        (Some(_), None) | (None, Some(_)) => {
            return Err(Answer::not_found("The app is not installed there"));
        }
        _ => {
            return Err(Answer::invalid(vec![
                "either locationId or companyId must be given".to_owned(),
            ]));
        }
    };
    let grant = Grant {
        class,
        scopes: None,
    };
    let (code, expires_at) = world.grants.mint_code(grant, call.now);
    Ok(Answer::ok(
        json!({ "authorizationCode": code, "expiresAt": iso(expires_at) }),
    ))
}

/// Scopes that the sandbox's app asks for when none are named.
fn scope_text(scopes: Option<&Vec<String>>) -> String {
    scopes.map_or_else(
        || {
            "contacts.readonly contacts.write locations.readonly locations/customFields.readonly \
             locations/customFields.write locations/tags.readonly oauth.readonly oauth.write"
                .to_owned()
        },
        |scopes| scopes.join(" "),
    )
}

fn invalid_grant(description: &str) -> Answer {
    refused(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

fn refused(status: StatusCode, error: &str, description: &str) -> Answer {
    Answer::new(
        status,
        json!({ "error": error, "error_description": description }),
    )
}
