//! An app connected on the command line.

use serde_json::{Value, json};

use crate::support::{World, text};

/// The world's configuration with an app in place of the token.
pub fn with_app(world: &World, code: &Value, more: &str) -> String {
    let oauth = format!(
        "[connection.highlevel.oauth]\nclient_id = {}\nclient_secret = {}\n\
         redirect_uri = \"https://canopy.example/back\"\n{more}\n\n[connection.ecologi]",
        code["client_id"], code["client_secret"],
    );
    let token = format!("token = \"{}\"\n", world.info().token);
    world
        .config()
        .replace(&token, "")
        .replace("[connection.ecologi]", &oauth)
}

/// What a person does at the chooser.
pub async fn authorize(world: &World, kind: &str) -> Value {
    world
        .control("/oauth/authorize", json!({ "user_type": kind }))
        .await
}

/// The state in a link of `canopy auth url`.
pub fn state_of(link: &str) -> String {
    let (_, state) = link.split_once("&state=").unwrap();
    state.split('&').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_connected_by_pasting_the_address() {
    let world = World::new().await;
    let code = authorize(&world, "Location").await;
    world.write_config(&with_app(&world, &code, ""));
    let refused = world.output(&["call", "list-locations"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("canopy auth url --connection main"));

    let link = world.succeed(&["auth", "url"]).await;
    for part in [
        "response_type=code",
        "client_id=",
        "contacts.readonly",
        "redirect_uri=",
    ] {
        assert!(link.contains(part), "{link}");
    }
    let back = |state: &str| {
        let code = code["code"].as_str().unwrap();
        format!("https://canopy.example/back?code={code}&state={state}")
    };
    for address in [back("another"), back("")] {
        let refused = world.output(&["auth", "finish", &address]).await;
        assert_eq!(refused.status.code(), Some(2), "{address}");
        assert!(text(&refused.stderr).contains("state"));
    }
    let address = back(&state_of(link.trim()));
    let told = world.succeed(&["auth", "finish", &address]).await;
    assert!(told.contains(&world.info().location_id), "{told}");
    // The state is used up, and so is the code.
    for pasted in [address.as_str(), code["code"].as_str().unwrap()] {
        let refused = world.output(&["auth", "finish", pasted]).await;
        assert_eq!(refused.status.code(), Some(2), "{pasted}");
    }
    world.succeed(&["call", "get-custom-fields"]).await;
    let status = world.succeed(&["auth", "status", "--json"]).await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status[0]["kind"], "oauth");
    assert_eq!(status[0]["location"], world.info().location_id.as_str());
    assert_eq!(status[0]["reminders"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_app_works_by_the_locations_token() {
    let world = World::new().await;
    let code = authorize(&world, "Company").await;
    let location = format!(
        "base_url = \"{}\"\nlocation_id = \"{}\"",
        world.info().highlevel_url,
        world.info().location_id
    );
    let plain = format!("base_url = \"{}\"", world.info().highlevel_url);
    let config = with_app(&world, &code, "agency = true").replace(&plain, &location);
    world.write_config(&config);
    let code = code["code"].as_str().unwrap();
    let told = world.succeed(&["auth", "finish", code]).await;
    assert!(told.contains("by the agency"), "{told}");
    world.succeed(&["call", "get-custom-fields"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_token_takes_over() {
    let world = World::new().await;
    let token = format!("token = \"{}\"", world.info().token);
    let both = format!("token = \"pit-ended\"\nnext_{token}");
    world.write_config(&world.config().replace(&token, &both));
    world.succeed(&["run", "--once"]).await;
    let status = world.succeed(&["auth", "status", "--json"]).await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status[0]["tokens"].as_array().unwrap().len(), 2);
    assert!(!status.to_string().contains("pit-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_the_least_and_told_with_who_needs_them() {
    let world = World::new().await;
    let at = format!(
        "base_url = \"{0}\"\nlocation_id = \"{1}\"",
        world.info().highlevel_url,
        world.info().location_id
    );
    let plain = format!("base_url = \"{}\"", world.info().highlevel_url);
    let with_workflows = |recipes: &str| {
        let config = world.config().replace(&plain, &at);
        format!("{recipes}\nworkflows = \"workflows\"\n{config}")
    };
    std::fs::create_dir(world.path("workflows")).unwrap();
    std::fs::write(
        world.path("workflows/deals.toml"),
        "id = \"deals\"\ntitle = \"Deals\"\n\
         on = [{ trigger = \"get-contact-notes\", with = { contactId = \"c\" } }, \"opportunity.created\", \
         { trigger = \"get-calendar-events\", with = { calendarId = \"c\", startTime = \"today\", endTime = \"now+1d\" } }]\n\
         [[do]]\nid = \"task\"\naction = \"create-task\"\n\
         with = { contactId = \"{{ contact.id }}\", title = \"Call\", dueDate = \"2027-01-01T00:00:00Z\", completed = false }\n\
         [[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = { number = 1 }\n",
    )
    .unwrap();
    world.write_config(&with_workflows("recipes = [\"new-contact\"]"));
    let scopes = world.succeed(&["auth", "scopes"]).await;
    insta::assert_snapshot!(scopes, @r##"
    calendars/events.readonly: workflow deals, its poll (get-calendar-events)
    contacts.readonly: the check of the connection (search-contacts-advanced); the poll of contacts (search-contacts-advanced); workflow new-contact, reading what contact.created speaks of (get-contact); workflow new-contact, the contact of contact.created (get-contact); workflow new-contact, reading what contact.updated speaks of (get-contact); workflow new-contact, the contact of contact.updated (get-contact); workflow new-contact, step note, looking before a repeat (get-all-notes); workflow deals, its poll (get-all-notes); workflow deals, the contact of get-all-notes (get-contact); workflow deals, the contact of opportunity.created (get-contact); workflow deals, the contact of get-calendar-events (get-contact); workflow deals, step task, looking before a repeat (get-all-tasks)
    contacts.write: workflow new-contact, step fields (update-contact); workflow new-contact, step tag (add-tags); workflow new-contact, step note (create-note); workflow deals, step task (create-task)
    locations.readonly: workflow deals, when "today" begins (get-location)
    locations/customFields.readonly: the check of the connection (get-custom-fields); workflow new-contact, step fields (get-custom-fields)
    locations/customFields.write: workflow new-contact, step fields, a field that is missing (create-custom-field)
    opportunities.readonly: workflow deals, reading what opportunity.created speaks of (get-opportunity); the poll for opportunity.created (search-opportunity)
    "##);
    // The link asks for just these.
    let json = world.succeed(&["auth", "scopes", "--json"]).await;
    let json: Vec<Value> = serde_json::from_str(&json).unwrap();
    let names: Vec<_> = json
        .iter()
        .map(|one| one["scope"].as_str().unwrap())
        .collect();
    let code = authorize(&world, "Location").await;
    let token = format!("token = \"{}\"\n", world.info().token);
    let app = with_app(&world, &code, "");
    let app = app.replace(&plain, &at).replace(&token, "");
    let head = "recipes = [\"new-contact\"]\nworkflows = \"workflows\"\n";
    world.write_config(&format!("{head}{app}"));
    let link = world.succeed(&["auth", "url"]).await;
    let scope = link
        .split("&scope=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let asked = scope.replace("%2F", "/");
    assert_eq!(asked.split('+').collect::<Vec<_>>(), names);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_found_by_reading_all_calendars_needs_the_calendars() {
    let world = World::new().await;
    let config = world.config();
    world.write_config(&format!(
        "recipes = [\"tree-per-kept-appointment\"]\n{config}"
    ));
    let scopes = world.succeed(&["auth", "scopes"]).await;
    assert!(
        scopes.starts_with("calendars.readonly: the poll for appointment."),
        "{scopes}"
    );
    world.write_config(&format!(
        "recipes = [\"tree-per-kept-appointment\"]\n{config}\n[poll]\nenabled = false\n"
    ));
    let scopes = world.succeed(&["auth", "scopes"]).await;
    assert!(!scopes.contains("calendars.readonly"), "{scopes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reckoned_by_the_locations_clock_needs_the_location() {
    let world = World::new().await;
    let config = world.config();
    std::fs::create_dir(world.path("workflows")).unwrap();
    for (wait, budget, line) in [
        (
            "until = \"2027-01-01\"",
            "",
            Some("workflow later, step rest, the zone of"),
        ),
        (
            "until = \"{{ contact.dateOfBirth }}\"",
            "",
            Some("workflow later, step rest, the zone of"),
        ),
        ("until = \"2027-01-01T09:00:00Z\"", "", None),
        (
            "until = \"2027-01-01\", timezone = \"Europe/London\"",
            "",
            None,
        ),
        ("for = \"3d\"", "", None),
        (
            "for = \"3d\" }\n[[do]]\nid = \"task\"\naction = \"create-task\"\nwith = { contactId = \"c\", title = \"Call\", completed = false, dueDate = \"2027-01-01\"",
            "",
            Some("workflow later, step task, the zone of"),
        ),
        (
            "for = \"3d\"",
            "timezone = \"location\"\n",
            Some("the days of [connection.budget]"),
        ),
    ] {
        let workflow = format!(
            "id = \"later\"\ntitle = \"Later\"\non = [\"contact.created\"]\n\
             [[do]]\nid = \"rest\"\naction = \"wait\"\nwith = {{ {wait} }}\n\
             [[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n"
        );
        std::fs::write(world.path("workflows/later.toml"), workflow).unwrap();
        let location = format!("location_id = \"{}\"\n", world.info().location_id);
        let named = config.replace(
            "[connection.highlevel]\n",
            &format!("[connection.highlevel]\n{location}"),
        );
        world.write_config(&format!("workflows = \"workflows\"\n{named}\n{budget}"));
        let scopes = world.succeed(&["auth", "scopes"]).await;
        let told = scopes
            .lines()
            .find(|one| one.starts_with("locations.readonly: "));
        match line {
            None => assert_eq!(told, None, "{wait}: {scopes}"),
            Some(line) => assert!(
                told.is_some_and(|told| told.contains(line)),
                "{wait}: {scopes}"
            ),
        }
    }
}
