//! People who are to have a profile, one by one and as a file; fields in step between both sides.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{World, is_write, text};

const FIELDS: &str = r#"
[connection.fields]
mail = { field = "email", direction = "both", transform = ["trim", "lower"], conflict = "highlevel" }
city = "city"
trees = { field = "Trees planned", direction = "both" }
since = { field = "contact.member_since", direction = "to", date = "%d.%m.%Y" }
"#;

/// A world with mapped fields, whose location has the custom fields for them.
pub async fn mapped() -> World {
    let world = World::new().await;
    world.write_config(&(world.config() + FIELDS));
    for (name, data_type) in [("Trees planned", "NUMERICAL"), ("Member since", "DATE")] {
        let arguments = json!({ "name": name, "dataType": data_type, "model": "contact" });
        let arguments = arguments.to_string();
        world
            .succeed(&["call", "create-custom-field", "--body", &arguments])
            .await;
    }
    // The first poll is a baseline, which fires nothing.
    world.succeed(&["run", "--once"]).await;
    world
}

/// The contacts of the location as HighLevel shows them.
async fn contacts(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for contact in world.books("/contacts").await {
        let id = contact["id"].as_str().unwrap();
        all.push(world.highlevel(&format!("/contacts/{id}")).await["contact"].clone());
    }
    all
}

fn custom(contact: &Value, value: &Value) -> bool {
    let fields = contact["customFields"].as_array().unwrap();
    fields.iter().any(|field| field["value"] == *value)
}

/// Requests that changed something in HighLevel.
pub async fn writes(world: &World) -> usize {
    let requests = world.books("/requests").await;
    let is_write = |request: &&Value| request["service"] == "highlevel" && is_write(request);
    requests.iter().filter(is_write).count()
}

fn rows(output: &str) -> Vec<Value> {
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_a_contact_and_a_profile_once() {
    let world = mapped().await;
    let arguments = [
        "profile",
        "create",
        "--email",
        "Ada@Example.com",
        "--name",
        "Ada King",
        "--field",
        "trees=12",
        "--field",
        "since=29.02.2024",
        "--field",
        "city=Rome",
        "--json",
    ];
    let created: Value = serde_json::from_str(&world.succeed(&arguments).await).unwrap();
    assert_eq!(created["outcome"], "created");
    let there = contacts(&world).await;
    assert_eq!(there.len(), 1);
    assert_eq!(there[0]["email"], "ada@example.com");
    assert_eq!(
        (&there[0]["firstName"], &there[0]["lastName"]),
        (&json!("Ada"), &json!("King"))
    );
    assert_eq!(there[0]["city"], "Rome");
    assert!(
        custom(&there[0], &json!(12)) && custom(&there[0], &json!("2024-02-29")),
        "{}",
        there[0]
    );
    let contact = created["contact"].as_str().unwrap();
    let shown = world.succeed(&["profile", "show", contact, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let fields = &shown[0]["profile"]["fields"];
    assert_eq!(fields["trees"], 12, "{fields}");
    assert_eq!(fields["since"], "29.02.2024");
    assert_eq!(
        shown[0]["profile"]["ecologiProfileId"],
        created["ecologiProfileId"]
    );

    let before = writes(&world).await;
    let again: Value = serde_json::from_str(&world.succeed(&arguments).await).unwrap();
    assert_eq!(again["outcome"], "unchanged", "{again}");
    assert_eq!(again["contact"], created["contact"]);
    assert_eq!(writes(&world).await, before);

    // The contact that we created starts no workflow for contacts that people create.
    world.succeed(&["run", "--once"]).await;
    assert!(world.books("/purchases").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_there_is_linked_and_overwritten_by_the_rule_only() {
    let world = mapped().await;
    let body = json!({ "firstName": "Ada", "email": "ada@example.com", "phone": "+442079460000", "city": "London" });
    let there = world.control("/contacts", body).await;
    let file = "phone,mail,city,trees\n+442079460000,other@example.com,Rome,7\n";
    std::fs::write(world.path("people.csv"), file).unwrap();
    let output = world
        .succeed(&["profile", "import", "people.csv", "--json"])
        .await;
    let done = rows(&output);
    assert_eq!(done[0]["outcome"], "linked", "{output}");
    assert_eq!(done[0]["contact"], there["id"]);
    let contact = &contacts(&world).await[0];
    assert_eq!(
        contact["email"], "ada@example.com",
        "HighLevel wins by its rule"
    );
    assert_eq!(contact["city"], "London", "the field goes the other way");
    assert!(custom(contact, &json!(7)), "{contact}");
    let id = there["id"].as_str().unwrap();
    let shown = world.succeed(&["profile", "show", id, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown[0]["profile"]["fields"]["mail"], "ada@example.com");
    assert_eq!(shown[0]["profile"]["fields"]["city"], "London");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_line_by_line_and_wrong_lines_are_told() {
    let world = mapped().await;
    let file = "email,name,trees\na@example.com,A One,1\nwrong,B Two,2\nc@example.com,C Three,many\na@example.com,A One,1\nd@example.com,D Four,4\n";
    std::fs::write(world.path("people.csv"), file).unwrap();
    let dry = world
        .output(&["profile", "import", "people.csv", "--dry-run", "--json"])
        .await;
    assert_eq!(dry.status.code(), Some(2));
    let summary = rows(&text(&dry.stdout)).pop().unwrap();
    assert_eq!(
        (
            &summary["summary"]["created"],
            &summary["summary"]["unchanged"]
        ),
        (&json!(2), &json!(1)),
        "as the import will say"
    );
    assert_eq!(writes(&world).await, 2, "the two custom fields alone");

    let output = world.output(&["profile", "import", "people.csv"]).await;
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("people.csv:3: \"wrong\" is no e-mail address; write name@example.com"),
        "{told}"
    );
    assert!(
        told.contains("people.csv:4: field \"trees\": \"many\" is no number"),
        "{told}"
    );
    assert!(told.contains("2 line(s) were left out"), "{told}");
    let said = text(&output.stdout);
    assert!(
        said.contains("created 2, linked 0, updated 0; unchanged 1, left out 2"),
        "{said}"
    );
    let emails: HashSet<_> = contacts(&world)
        .await
        .iter()
        .map(|one| one["email"].to_string())
        .collect();
    assert_eq!(
        emails,
        HashSet::from([
            "\"a@example.com\"".to_owned(),
            "\"d@example.com\"".to_owned()
        ])
    );

    let before = writes(&world).await;
    let again = world
        .output(&["profile", "import", "people.csv", "--json"])
        .await;
    let summary = rows(&text(&again.stdout)).pop().unwrap();
    assert_eq!(
        (
            &summary["summary"]["created"],
            &summary["summary"]["unchanged"]
        ),
        (&json!(0), &json!(3))
    );
    assert_eq!(writes(&world).await, before);

    for (file, expected) in [
        (
            "email,tres\na@example.com,1\n",
            "people.csv:1: there is no field \"tres\"; did you mean \"trees\"?",
        ),
        // A mapped field is an address as well.
        (
            "mail\nwrong\n",
            "people.csv:2: \"wrong\" is no e-mail address",
        ),
        ("name\nA\n", "people.csv:2: it has neither email nor phone"),
    ] {
        std::fs::write(world.path("people.csv"), file).unwrap();
        let output = world.output(&["profile", "import", "people.csv"]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains(expected),
            "{}",
            text(&output.stderr)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_goes_on_and_makes_nothing_twice() {
    for boundary in ["AfterIntent", "AfterCall", "BeforeOutcome", "AfterOutcome"] {
        let world = mapped().await;
        let lines: Vec<_> = (0..5)
            .map(|n| format!("p{n}@example.com,P {n},{n}\n"))
            .collect();
        let lines = lines.concat();
        std::fs::write(
            world.path("people.csv"),
            format!("email,name,trees\n{lines}"),
        )
        .unwrap();
        world
            .killed_at(
                &["profile", "import", "people.csv"],
                &format!("{boundary}:adopt:3"),
            )
            .await;
        world.succeed(&["profile", "import", "people.csv"]).await;
        let there = contacts(&world).await;
        assert_eq!(there.len(), 5, "{boundary}");
        for contact in &there {
            let id = contact["id"].as_str().unwrap();
            let shown = world.succeed(&["profile", "show", id, "--json"]).await;
            let shown: Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(shown.as_array().unwrap().len(), 1);
            assert_eq!(
                shown[0]["profile"]["fields"]["email"], contact["email"],
                "{boundary}"
            );
        }
        let before = writes(&world).await;
        let said = world.succeed(&["profile", "import", "people.csv"]).await;
        assert!(said.contains("unchanged 5"), "{boundary}: {said}");
        assert_eq!(writes(&world).await, before, "{boundary}");
        world.succeed(&["run", "--once"]).await;
        assert!(
            world.books("/purchases").await.is_empty(),
            "{boundary}: what we created starts nothing"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_mapped_fields_are_told_before_anything_runs() {
    let world = mapped().await;
    world.succeed(&["check"]).await;
    let good = world.config() + FIELDS;
    for (from, to, expected) in [
        (
            "\"Trees planned\"",
            "\"Trees planed\"",
            "field \"trees\": the location's contacts have no field \"Trees planed\"; did you mean \"Trees planned\"?",
        ),
        (
            "city = \"city\"",
            "city = \"citty\"",
            "no field \"citty\"; did you mean \"city\"?",
        ),
        ("%d.%m.%Y", "%d.%m.", "does not say a whole date"),
        (
            "direction = \"to\"",
            "direktion = \"to\"",
            "unknown key \"direktion\"; did you mean \"direction\"?",
        ),
    ] {
        let text_ = good.replacen(from, to, 1);
        assert_ne!(text_, good);
        world.write_config(&text_);
        let line = text_.lines().position(|line| line.contains(to)).unwrap() + 1;
        let output = world.output(&["check"]).await;
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stdout) + &text(&output.stderr);
        assert!(
            told.contains(&format!("canopy.toml:{line}: ")) && told.contains(expected),
            "{told}"
        );
    }
}

/// A field that the location lacks is no mistake where a workflow makes it with its first run.
#[tokio::test(flavor = "multi_thread")]
async fn fields_that_a_workflow_will_make_are_taken() {
    let world = World::new().await;
    let mapped =
        "\n[connection.fields]\nfunded = { field = \"Trees funded\", direction = \"from\" }\n";
    let writes = |name: &str| {
        format!(
            "id = \"fields\"\ntitle = \"Fields\"\non = [\"contact.created\"]\nwhen = \"not custom.trees_funded\"\n\
             [[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n\
             [[do]]\nid = \"it\"\naction = \"update-contact\"\nwith = {{ contactId = \"{{{{ contact.id }}}}\" }}\n\
             [do.custom_fields]\n\"{name}\" = {{ value = \"{{{{ impact.trees }}}}\", type = \"number\" }}\n"
        )
    };
    std::fs::create_dir(world.path("workflows")).unwrap();
    world.write_config(&format!(
        "workflows = \"workflows\"\n{}{mapped}",
        world.config()
    ));
    for (name, code) in [("Trees funded", 0), ("Trees found", 2)] {
        std::fs::write(world.path("workflows/fields.toml"), writes(name)).unwrap();
        let output = world.output(&["check"]).await;
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {told}");
        assert_eq!(
            told.contains("no field \"Trees funded\""),
            code == 2,
            "{told}"
        );
    }
}
