//! Each recipe as a person gets it: added by `canopy recipe add`, run by the binary against the sandbox.

use serde_json::{Value, json};

use crate::language::set_back;
use crate::support::{Running, World, eventually};

/// A world whose workflows folder holds these recipes. `more` goes to the end of the configuration.
async fn world(recipes: &[&str], more: &str) -> World {
    let world = World::new().await;
    world.write_config(&format!(
        "workflows = \"workflows\"\n{}{more}",
        world.config()
    ));
    for recipe in recipes {
        world.succeed(&["recipe", "add", recipe]).await;
    }
    world.succeed(&["check"]).await;
    world
}

async fn first(world: &World, collection: &str) -> String {
    let records = world.books(&format!("/records/{collection}")).await;
    records[0]["id"].as_str().unwrap().to_owned()
}

async fn quantities(world: &World) -> Vec<i64> {
    let purchases = world.books("/purchases").await;
    purchases
        .iter()
        .map(|one| one["quantity"].as_i64().unwrap())
        .collect()
}

async fn notes(world: &World, contact: &str) -> Vec<String> {
    let answer = world.highlevel(&format!("/contacts/{contact}/notes")).await;
    let notes = answer["notes"].as_array().unwrap();
    notes
        .iter()
        .map(|note| note["body"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until at least as many runs are done and nothing is left. Two webhooks of one change may start two runs.
async fn idle(running: &Running, world: &World, runs: u64) {
    eventually("all work to be done", async || {
        let deliveries = world.books("/webhooks").await;
        let under_way = deliveries
            .iter()
            .any(|one| ["held", "waiting", "sending"].contains(&one["state"].as_str().unwrap()));
        let summary = running.status(world).await["summary"].clone();
        !under_way
            && summary["runs_done"].as_u64().unwrap() >= runs
            && summary["events_pending"] == 0
            && summary["runs_open"] == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tree_per_won_opportunity() {
    let world = world(&["tree-per-won-opportunity"], "").await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    let pipeline = first(&world, "pipelines").await;
    let new = json!({ "name": "Hedge", "pipelineId": pipeline, "contactId": contact, "status": "open", "monetaryValue": 249 });
    let opportunity = world.control("/opportunities", new).await;
    let id = opportunity["id"].as_str().unwrap().to_owned();
    let path = format!("/opportunities/{id}");
    world.control(&path, json!({ "status": "won" })).await;
    idle(&running, &world, 1).await;
    assert_eq!(quantities(&world).await, [2]);
    let noted = notes(&world, &contact).await;
    assert!(
        noted[0].starts_with("2 tree(s) were funded for \"Hedge\": https://"),
        "{noted:?}"
    );

    // Opened and won once more, for another value: the same opportunity buys once.
    world.control(&path, json!({ "status": "open" })).await;
    world
        .control(&path, json!({ "status": "won", "monetaryValue": 900 }))
        .await;
    eventually("the second run", async || {
        running.status(&world).await["summary"]["runs_done"].as_u64() > Some(1)
    })
    .await;
    running.stop().await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(quantities(&world).await, [2]);
    assert_eq!(notes(&world, &contact).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opportunity_worth_less_than_a_tree_says_so_and_may_be_worth_more_later() {
    let world = world(&["tree-per-won-opportunity"], "").await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    let pipeline = first(&world, "pipelines").await;
    let new = json!({ "name": "Shrub", "pipelineId": pipeline, "contactId": contact, "status": "won", "monetaryValue": 49 });
    let opportunity = world.control("/opportunities", new).await;
    idle(&running, &world, 1).await;
    assert!(quantities(&world).await.is_empty());
    let shown = world.succeed(&["runs", "1"]).await;
    assert!(
        shown.contains("trees buy-trees: skipped: `number` is 0 and must be at least 1"),
        "{shown}"
    );
    let path = format!("/opportunities/{}", opportunity["id"].as_str().unwrap());
    world.control(&path, json!({ "monetaryValue": 150 })).await;
    idle(&running, &world, 2).await;
    assert_eq!(quantities(&world).await, [2]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tree_per_kept_appointment() {
    let world = world(&["tree-per-kept-appointment"], "").await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    let calendar = first(&world, "calendars").await;
    let new = json!({ "calendarId": calendar, "contactId": contact, "startTime": "2027-03-01T09:00:00-08:00" });
    let appointment = world.control("/appointments", new).await;
    let path = format!("/appointments/{}", appointment["id"].as_str().unwrap());
    world
        .control(&path, json!({ "appointmentStatus": "confirmed" }))
        .await;
    world
        .control(&path, json!({ "appointmentStatus": "showed" }))
        .await;
    idle(&running, &world, 1).await;
    assert_eq!(quantities(&world).await, [1]);
    // Changed in another way afterwards.
    world.control(&path, json!({ "title": "Again" })).await;
    idle(&running, &world, 2).await;
    assert_eq!(quantities(&world).await, [1]);
    assert_eq!(notes(&world, &contact).await.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tree_per_webhook_call() {
    let hook =
        "\n[[webhooks.workflow]]\nname = \"plant-tree\"\nsecret = \"a secret of the builder\"\n";
    let world = world(&["tree-per-webhook-call"], hook).await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    let url = running
        .webhooks
        .replace("/webhooks/highlevel", "/webhooks/workflow/plant-tree");
    let call = async |secret: &str, body: Value| {
        let headers = [
            ("X-Canopy-Secret", secret),
            ("Content-Type", "application/json"),
        ];
        world
            .post(&url, &headers, body.to_string().into_bytes())
            .await
    };
    let secret = "a secret of the builder";
    assert_eq!(call("wrong", json!({ "contact_id": contact })).await, 401);
    for (runs, body) in [
        (1, json!({ "contact_id": contact })),
        // The same again is another call.
        (2, json!({ "contact_id": contact })),
        (
            3,
            json!({ "contact_id": contact, "customData": { "trees": "3" } }),
        ),
        (4, json!({ "trees": 100_000 })),
        (5, json!({ "trees": 0.5 })),
    ] {
        assert_eq!(call(secret, body).await, 200);
        idle(&running, &world, runs).await;
    }
    assert_eq!(quantities(&world).await, [1, 1, 3, 100]);
    assert_eq!(notes(&world, &contact).await.len(), 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn monthly_carbon() {
    let price = "\n[prices.GBP]\nbuy-carbon-avoidance = \"0.02\"\n";
    let world = world(&["new-contact", "monthly-carbon"], price).await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(2).await;
    // New contacts of the sandbox have tags of their own.
    for (contact, tags) in contacts.iter().zip([json!(["customer"]), json!([])]) {
        let path = format!("/contacts/{contact}");
        world.control(&path, json!({ "tags": tags })).await;
    }
    world.succeed(&["run", "--once"]).await;
    assert_eq!(quantities(&world).await, [1, 1]);
    for _ in 0..2 {
        // Back to before the first of this month: the same occurrence comes once more.
        let month = jiff::Timestamp::now()
            .strftime("%Y-%m-01T00:00:00Z")
            .to_string();
        set_back(&world, "monthly-carbon", "0 9 1 * * Europe/London", &month).await;
        world.output(&["run", "--once"]).await;
        assert_eq!(quantities(&world).await, [1, 1, 25]);
    }
    let contact = world.highlevel(&format!("/contacts/{}", contacts[0])).await;
    let fields = contact["contact"]["customFields"].as_array().unwrap();
    assert!(
        fields
            .iter()
            .any(|field| field["value"].as_f64() == Some(25.0) || field["value"] == "25"),
        "{fields:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn welcome_message() {
    let world = world(&["welcome-message"], "").await;
    let running = world.start().await;
    let contact = world.seed(1).await.remove(0);
    // Without an address there is nobody to write to.
    world
        .control("/contacts", json!({ "firstName": "Silent" }))
        .await;
    idle(&running, &world, 1).await;
    let messages = world.books("/records/messages").await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    let purchases = world.books("/purchases").await;
    assert_eq!(purchases.len(), 1);
    let message = &messages[0];
    assert_eq!(message["contactId"], json!(contact));
    let url = purchases[0]["url"].as_str().unwrap();
    assert!(message.to_string().contains(url), "{message}");
    assert!(
        message
            .to_string()
            .contains("https://ecologi.com/sandbox-forest"),
        "{message}"
    );
    running.stop().await;
}

async fn tasks(world: &World, contact: &str) -> Vec<(String, bool)> {
    let answer = world.highlevel(&format!("/contacts/{contact}/tasks")).await;
    let tasks = answer["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| {
            let title = task["title"].as_str().unwrap().to_owned();
            (title, task["completed"].as_bool().unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_task() {
    let world = world(&["contact-task"], "").await;
    let running = world.start().await;
    let contact = world
        .control("/contacts", json!({ "firstName": "Ada" }))
        .await;
    let contact = contact["id"].as_str().unwrap();
    let path = format!("/contacts/{contact}");
    idle(&running, &world, 1).await;
    assert_eq!(
        tasks(&world, contact).await,
        [("Welcome Ada".to_owned(), false)]
    );
    world.control(&path, json!({ "firstName": "Grace" })).await;
    idle(&running, &world, 2).await;
    assert_eq!(
        tasks(&world, contact).await,
        [("Welcome Grace".to_owned(), false)]
    );
    world.control(&path, json!({ "tags": ["welcomed"] })).await;
    idle(&running, &world, 3).await;
    assert_eq!(
        tasks(&world, contact).await,
        [("Welcome Grace".to_owned(), true)]
    );
    // What is completed stays as it is.
    world.control(&path, json!({ "firstName": "Joan" })).await;
    idle(&running, &world, 4).await;
    assert_eq!(
        tasks(&world, contact).await,
        [("Welcome Grace".to_owned(), true)]
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn task_progress() {
    let world = world(&["task-progress"], "").await;
    // What comes of webhooks without a contact is another test's matter.
    world
        .control("/settings", json!({ "task_webhook_has_contact": true }))
        .await;
    let running = world.start().await;
    let contacts = world.seed(2).await;
    world
        .control(
            &format!("/contacts/{}", contacts[0]),
            json!({ "tags": ["tree-per-task"] }),
        )
        .await;
    let mut runs = 0;
    for contact in &contacts {
        let parameter = format!("contactId={contact}");
        let created = world
            .succeed(&[
                "call",
                "create-task",
                "--param",
                &parameter,
                "--param",
                "title=Plant",
                "--param",
                "dueDate=2027-01-01T09:00:00Z",
                "--param",
                "completed=false",
            ])
            .await;
        let created: Value = serde_json::from_str(&created).unwrap();
        runs += 1;
        idle(&running, &world, runs).await;
        let task = format!("taskId={}", created["task"]["id"].as_str().unwrap());
        let complete = [
            "call",
            "update-task-completed",
            "--param",
            &parameter,
            "--param",
            &task,
            "--param",
            "completed=true",
        ];
        world.succeed(&complete).await;
        runs += 1;
        idle(&running, &world, runs).await;
        let shown = world.succeed(&["profile", "show", contact, "--json"]).await;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown[0]["tasks"][0]["progress"], 100, "{shown}");
    }
    // Only the contact with the tag wants a tree for it.
    assert_eq!(quantities(&world).await, [1]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_tells_name_title_start_and_steps_of_each() {
    let world = World::new().await;
    let list = world.succeed(&["recipe", "list", "--json"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    let list = list.as_array().unwrap();
    for recipe in list {
        let name = recipe["name"].as_str().unwrap();
        assert!(
            recipe["title"].is_string() && !recipe["on"].is_null(),
            "{recipe}"
        );
        assert!(!recipe["steps"].as_array().unwrap().is_empty(), "{recipe}");
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../docs/recipes/{name}.md"));
        assert!(page.exists() || name == "new-contact", "{name} has no page");
    }
}

/// As reported of the service: the webhook of a new task names neither contact nor text.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_webhook_names_no_contact_waits_for_its_poll() {
    let world = world(&["task-progress"], "").await;
    world.succeed(&["run", "--once"]).await;
    // A poll in between would read the contact's tasks before there is one.
    let config = std::fs::read_to_string(world.path("canopy.toml")).unwrap();
    world.write_config(&format!("{config}\n[poll]\nenabled = false\n"));
    let running = world.start().await;
    world.write_config(&config);
    let contact = world.seed(1).await.remove(0);
    world
        .succeed(&[
            "call",
            "create-task",
            "-p",
            &format!("contactId={contact}"),
            "-p",
            "title=Plant",
            "-p",
            "dueDate=2027-01-01T09:00:00Z",
            "-p",
            "completed=false",
        ])
        .await;
    eventually("the webhook", async || {
        let events = world.succeed(&["events", "--state", "pending"]).await;
        events.contains("task.created")
    })
    .await;
    running.stop().await;
    world.succeed(&["run", "--once"]).await;
    let shown = world
        .succeed(&["profile", "show", &contact, "--json"])
        .await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let tasks = shown[0]["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 1, "once: {shown}");
    assert_eq!(tasks[0]["progress"], 0);
    let pending = world.succeed(&["events", "--state", "pending"]).await;
    assert!(!pending.contains("task.created"), "{pending}");
}
