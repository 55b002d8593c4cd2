//! Codes, refresh tokens, agency tokens.

use serde_json::{Value, json};

use crate::harness::{Reply, World, send, settled};

struct App {
    world: World,
    client: [(&'static str, String); 2],
    id: String,
}

impl App {
    async fn new() -> Self {
        let world = settled().await;
        let info = world.control("GET", "/info", Value::Null).await;
        let oauth = |name: &str| info["oauth"][name].as_str().unwrap().to_owned();
        Self {
            client: [
                ("client_id", oauth("client_id")),
                ("client_secret", oauth("client_secret")),
            ],
            id: oauth("app_id"),
            world,
        }
    }

    async fn code(&self, order: Value) -> String {
        self.world.control("POST", "/oauth/authorize", order).await["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn token(&self, grant_type: &str, name: &str, secret: &str) -> Reply {
        let url = format!("{}/oauth/token", self.world.info().highlevel_url);
        let mut form: Vec<(&str, &str)> = self
            .client
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        form.extend([("grant_type", grant_type), (name, secret)]);
        send(self.world.http.post(url).form(&form)).await.unwrap()
    }

    async fn refresh(&self, secret: &str) -> Reply {
        self.token("refresh_token", "refresh_token", secret).await
    }

    async fn install(&self, order: Value) -> Value {
        let code = self.code(order).await;
        self.token("authorization_code", "code", &code)
            .await
            .expect(200)
    }

    async fn later(&self, seconds: u64) {
        self.world
            .control("POST", "/clock", json!({ "advance_seconds": seconds }))
            .await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_code_is_exchanged_once_for_a_pair_that_opens_the_location() {
    let app = App::new().await;
    let code = app.code(json!({ "scopes": ["locations.readonly"] })).await;
    let pair = app
        .token("authorization_code", "code", &code)
        .await
        .expect(200);
    assert_eq!(pair["expires_in"], 86_399);
    assert_eq!(pair["scope"], "locations.readonly");
    assert_eq!(pair["locationId"], json!(app.world.info().location_id));
    let ask = || {
        send(app.world.request_as(
            text(&pair["access_token"]),
            "GET",
            "/locations/search",
            &Value::Null,
        ))
    };
    ask().await.unwrap().expect(200);
    app.token("authorization_code", "code", &code)
        .await
        .expect(400);
    app.later(86_400).await;
    ask().await.unwrap().expect(401);
}

#[tokio::test]
async fn a_refresh_token_works_once_with_thirty_seconds_of_grace() {
    let app = App::new().await;
    app.world
        .control("POST", "/clock", json!({ "frozen": true }))
        .await;
    let first = app.install(json!({})).await;
    let old = text(&first["refresh_token"]);
    let second = app.refresh(old).await.expect(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);

    app.later(30).await;
    let again = app.refresh(old).await.expect(200);
    assert_eq!(
        again["refresh_token"], second["refresh_token"],
        "the same pair within the grace"
    );
    assert_eq!(again["access_token"], second["access_token"]);

    app.later(1).await;
    let refused = app.refresh(old).await.expect(400);
    assert_eq!(refused["error"], "invalid_grant");
    app.refresh(text(&second["refresh_token"]))
        .await
        .expect(200);
    app.refresh("made-up").await.expect(400);
}

#[tokio::test]
async fn an_agency_token_lists_locations_and_is_exchanged_for_a_locations() {
    let app = App::new().await;
    let pair = app.install(json!({ "user_type": "Company" })).await;
    assert_eq!(pair["userType"], "Company");
    let agency = text(&pair["access_token"]);
    let info = app.world.info();
    let path = format!(
        "/oauth/installedLocations?companyId={}&appId={}",
        info.company_id, app.id
    );
    let installed = send(app.world.request_as(agency, "GET", &path, &Value::Null))
        .await
        .unwrap()
        .expect(200);
    assert_eq!(installed["locations"][0]["_id"], json!(info.location_id));

    let exchange = |location_id: &str| {
        let form = [
            ("companyId", info.company_id.clone()),
            ("locationId", location_id.to_owned()),
        ];
        send(
            app.world
                .request_as(agency, "POST", "/oauth/locationToken", &Value::Null)
                .form(&form),
        )
    };
    let token = exchange(&info.location_id).await.unwrap().expect(200);
    let list = format!("/contacts/?locationId={}", info.location_id);
    send(
        app.world
            .request_as(text(&token["access_token"]), "GET", &list, &Value::Null),
    )
    .await
    .unwrap()
    .expect(200);
    exchange("elsewhere").await.unwrap().expect(400);
}

#[tokio::test]
async fn lost_tokens_are_recovered_by_reconnecting() {
    let app = App::new().await;
    let url = format!("{}/oauth/reconnect", app.world.info().highlevel_url);
    let ask = |secret: &str| {
        let body = json!({ "clientKey": app.client[0].1, "clientSecret": secret, "locationId": app.world.info().location_id });
        send(
            app.world
                .http
                .post(&url)
                .header("Version", "2021-07-28")
                .json(&body),
        )
    };
    let answer = ask(&app.client[1].1).await.unwrap().expect(200);
    app.token(
        "authorization_code",
        "code",
        text(&answer["authorizationCode"]),
    )
    .await
    .expect(200);
    ask("wrong").await.unwrap().expect(401);
}

#[tokio::test]
async fn a_private_token_works_for_seven_days_after_its_rotation() {
    let app = App::new().await;
    let info = app.world.info();
    let list = format!("/contacts/?locationId={}", info.location_id);
    let read = async |token: &str| {
        let request = app.world.request_as(token, "GET", &list, &Value::Null);
        send(request).await.unwrap()
    };
    let rotate = format!("/tokens/{}/rotate", info.token);
    let rotated = app.world.control("POST", &rotate, json!({})).await;
    let new = text(&rotated["token"]);
    for (days, old) in [(0, 200), (6, 200), (1, 401)] {
        let advance = json!({ "advance_seconds": days * 24 * 3600 });
        app.world.control("POST", "/clock", advance).await;
        read(&info.token).await.expect(old);
        read(new).await.expect(200);
    }
}

#[tokio::test]
async fn tokens_are_spelled_as_the_settings_say_and_asked_for_in_both() {
    let app = App::new().await;
    for (spelling, snake, camel) in [
        ("snake_case", true, false),
        ("camel_case", false, true),
        ("both", true, true),
    ] {
        let settings = json!({ "token_spelling": spelling });
        app.world.control("POST", "/settings", settings).await;
        let pair = app.install(json!({})).await;
        for (name, expected) in [
            ("access_token", snake),
            ("refresh_token", snake),
            ("accessToken", camel),
            ("refreshToken", camel),
        ] {
            assert_eq!(pair[name].is_string(), expected, "{spelling} {name}");
        }
    }
    let code = app.code(json!({})).await;
    let url = format!("{}/oauth/token", app.world.info().highlevel_url);
    let form = [
        ("clientId", app.client[0].1.as_str()),
        ("clientSecret", app.client[1].1.as_str()),
        ("grantType", "authorization_code"),
        ("code", code.as_str()),
    ];
    send(app.world.http.post(url).form(&form))
        .await
        .unwrap()
        .expect(200);
}
