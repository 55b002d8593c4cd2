//! `backfill = true` of one trigger: what was there before starts that workflow, and no other one.

use canopy_store::{EventState, Store as _};

use crate::support::World;

/// A workflow of this id that buys a tree for each contact.
fn buys(id: &str, on: &str) -> String {
    format!(
        "id = \"{id}\"\ntitle = \"{id}\"\non = [{on}]\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n"
    )
}

/// Who bought how often.
async fn bought(world: &World) -> Vec<(String, usize)> {
    let purchases = world.store().await.purchases(100).await.unwrap();
    let of = |id: &str| purchases.iter().filter(|one| one.workflow == id).count();
    ["asked", "shared", "new"]
        .map(|id| (id.to_owned(), of(id)))
        .into()
}

fn counts(asked: usize, shared: usize, new: usize) -> Vec<(String, usize)> {
    let counts = [("asked", asked), ("shared", shared), ("new", new)];
    counts.map(|(id, count)| (id.to_owned(), count)).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_starts_the_workflow_that_asks_for_it_and_no_other() {
    let world = World::new().await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    for (id, on) in [
        (
            "asked",
            r#"{ trigger = "search-contacts", backfill = true }"#,
        ),
        ("shared", r#""search-contacts""#),
        ("new", r#""contact.created""#),
    ] {
        std::fs::write(world.path(&format!("workflows/{id}.toml")), buys(id, on)).unwrap();
    }
    let (head, foot) = (
        "recipes = []\nworkflows = \"workflows\"\n",
        // All that is found is late.
        "\n[poll]\nmax_age = \"1ms\"\n",
    );
    world.write_config(&format!("{head}{}{foot}", world.config()));
    world.seed(3).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, counts(3, 0, 0));
    let waiting = world.store().await.events_in(EventState::Held, 10).await;
    assert_eq!(
        waiting.unwrap(),
        [],
        "nobody has to approve what was asked for"
    );

    // What comes later starts them all, as before.
    world.write_config(&format!("{head}{}", world.config()));
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, counts(4, 1, 1));
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, counts(4, 1, 1));
    let alerts = world.store().await.alerts(true, 10).await.unwrap();
    assert_eq!(alerts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_were_settled_before_start_only_the_workflow_that_asks_for_them() {
    let world = World::new().await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    let add = |id: &str, on: &str| {
        std::fs::write(world.path(&format!("workflows/{id}.toml")), buys(id, on)).unwrap();
    };
    let head = "recipes = []\nworkflows = \"workflows\"\n";
    world.write_config(&format!("{head}{}", world.config()));
    // Its events are in the inbox, and settled, long before anybody asks for them.
    add("before", r#""contact.created""#);
    world.succeed(&["run", "--once"]).await;
    world.seed(3).await;
    world.succeed(&["run", "--once"]).await;
    let contacts = r#"{ trigger = "get-contacts", backfill = true }"#;
    add("asked", contacts);
    add("shared", r#""get-contacts""#);
    add("new", r#""contact.created""#);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, counts(3, 0, 0));
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(bought(&world).await, counts(4, 1, 1));
}
