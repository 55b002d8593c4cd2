//! What each recipe's page promises, over the values that the services really give: nulls everywhere, numbers and answers as
//! texts, and the clocks that change twice a year. What they do by the real binary is held in `tests/`.

use std::collections::BTreeMap;

use canopy_engine::Catalog;
use canopy_mapping::{On, Workflow, template};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

fn recipes() -> BTreeMap<String, (String, Workflow)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let toml = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    toml.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let workflow = Workflow::parse(&name, &text, &Catalog).unwrap();
        (name, (text, workflow))
    })
    .collect()
}

/// Null in each member of everything that a run knows.
fn nothing() -> Value {
    let record = json!({ "id": null, "title": null, "body": null, "completed": null, "status": null, "monetaryValue": null, "name": null,
        "appointmentStatus": null, "origin": null });
    json!({
        "event": { "kind": "contact.updated", "occurredAt": "2026-11-30T04:09:00Z" },
        "record": record, "task": record, "opportunity": record, "appointment": record,
        "webhook": { "trees": null, "customData": null },
        "contact": { "id": null, "firstName": null, "lastName": null, "email": null, "phone": null, "tags": null, "dnd": null },
        "custom": {}, "impact": { "trees": 0, "carbonKg": 0 }, "user": null,
        "profile": null, "location": { "id": "l" }, "connection": { "ecologiUser": null },
        "steps": { "tree": { "treeUrl": null }, "trees": { "treeUrl": null, "skipped": null }, "list": { "tasks": null },
            "task": { "task": null } },
    })
}

#[test]
fn no_recipe_fails_on_nulls_or_writes_a_word_for_them() {
    let recipes = recipes();
    assert!(recipes.len() > 10, "{:?}", recipes.keys());
    for (name, (text, workflow)) in &recipes {
        let advice: Vec<String> = workflow
            .advice(name, text, &Catalog)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(advice, [""; 0], "{name}");
        let context = nothing();
        let conditions = workflow.steps.iter().filter_map(|step| step.when.as_ref());
        for condition in conditions.chain(&workflow.when) {
            template::holds(condition, &context).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for step in &workflow.steps {
            let fields = step.custom_fields.values().map(|field| &field.value);
            for value in step.with.values().chain(fields) {
                let filled = template::render(value, &context)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                let filled = filled.to_string().to_lowercase();
                let is_word = filled.contains("none") || filled.contains("undefined");
                assert!(!is_word && !filled.contains("null "), "{name}: {filled}");
            }
        }
    }
}

#[test]
fn recipes_that_buy_by_a_value_take_it_as_a_number_or_as_a_text() {
    let recipes = recipes();
    let number = |recipe: &str, change: &dyn Fn(&mut Value)| {
        let step = recipes[recipe].1.step("trees").unwrap();
        let mut context = nothing();
        change(&mut context);
        template::render(&step.with["number"], &context)
    };
    for (value, right) in [
        (json!(250), Some(3)),
        (json!("250"), Some(3)),
        (json!(" 99.5 "), Some(1)),
        (json!("49"), Some(0)),
        (json!(0), Some(0)),
        (json!(null), Some(0)),
        (json!(""), Some(0)),
        (json!("1,000"), None),
        (json!("much"), None),
        (json!([100]), None),
    ] {
        let told = number("tree-per-won-opportunity", &|context| {
            context["opportunity"]["monetaryValue"] = value.clone();
        });
        assert_eq!(told.ok(), right.map(|number| json!(number)), "{value}");
    }
    for (value, right) in [
        (json!("5"), Some(5)),
        (json!(5), Some(5)),
        (json!("5.9"), Some(5)),
        (json!(0), Some(0)),
        (json!("0"), Some(0)),
        (json!(250), Some(100)),
        (json!("250"), Some(100)),
        (json!(-3), Some(-3)),
        (json!(null), Some(1)),
        (json!(""), Some(1)),
        (json!("1,000"), None),
        (json!("five"), None),
        (json!([5]), None),
        (json!(false), None),
    ] {
        for place in ["/webhook/trees", "/webhook/customData"] {
            let told = number("tree-per-webhook-call", &|context| {
                *context.pointer_mut(place).unwrap() = match place {
                    "/webhook/trees" => value.clone(),
                    _ => json!({ "trees": value }),
                };
            });
            assert_eq!(
                told.ok(),
                right.map(|number| json!(number)),
                "{value} at {place}"
            );
        }
    }
}

#[test]
fn recipes_take_an_answer_that_is_a_text_for_what_it_says() {
    let recipes = recipes();
    for (recipe, step, change, right) in [
        (
            "task-progress",
            Some("tree"),
            json!({ "completed": "false" }),
            false,
        ),
        (
            "task-progress",
            Some("tree"),
            json!({ "completed": "true" }),
            true,
        ),
        (
            "task-progress",
            Some("tree"),
            json!({ "completed": true }),
            true,
        ),
        (
            "tree-per-won-opportunity",
            None,
            json!({ "status": "won" }),
            true,
        ),
        (
            "tree-per-won-opportunity",
            None,
            json!({ "status": null }),
            false,
        ),
        (
            "tree-per-kept-appointment",
            None,
            json!({ "appointmentStatus": "showed" }),
            true,
        ),
        (
            "tree-per-kept-appointment",
            None,
            json!({ "appointmentStatus": "noshow" }),
            false,
        ),
    ] {
        let workflow = &recipes[recipe].1;
        let condition = match step {
            Some(step) => workflow.step(step).unwrap().when.as_ref(),
            None => workflow.when.as_ref(),
        };
        let mut context = nothing();
        context["contact"]["tags"] = json!(["tree-per-task"]);
        for record in ["task", "opportunity", "appointment"] {
            context[record] = change.clone();
        }
        assert_eq!(
            template::holds(condition.unwrap(), &context),
            Ok(right),
            "{recipe}: {change}"
        );
    }
    let welcome = recipes["welcome-message"].1.when.as_ref().unwrap();
    for (email, dnd, right) in [
        (json!("a@b.c"), json!(null), true),
        (json!("a@b.c"), json!("false"), true),
        (json!("a@b.c"), json!("true"), false),
        (json!("a@b.c"), json!(true), false),
        (json!(""), json!(false), false),
        (json!(null), json!(false), false),
    ] {
        let mut context = nothing();
        context["contact"]["email"] = email.clone();
        context["contact"]["dnd"] = dnd.clone();
        assert_eq!(
            template::holds(welcome, &context),
            Ok(right),
            "{email} {dnd}"
        );
    }
}

/// On the first of each month at nine where the timetable says, in summer and in winter.
#[test]
fn the_monthly_recipe_is_due_once_a_month_at_nine_whatever_the_clocks_do() {
    let recipes = recipes();
    let schedules = recipes.values().flat_map(|(_, workflow)| {
        workflow.on.iter().filter_map(|on| match on {
            On::Schedule(schedule) => Some(schedule),
            _ => None,
        })
    });
    let mut found = 0;
    for schedule in schedules {
        let zone = TimeZone::get(schedule.timezone.as_deref().unwrap()).unwrap();
        let from = "2026-01-15T00:00:00Z".parse().unwrap();
        let coming = schedule.timetable().unwrap().coming(from, 36);
        let mut day = jiff::civil::date(2026, 2, 1);
        for at in coming {
            assert_eq!(at.datetime(), day.at(9, 0, 0, 0));
            assert_eq!(at.time_zone(), &zone);
            day = day.checked_add(jiff::Span::new().months(1)).unwrap();
            found += 1;
        }
    }
    assert_eq!(found, 36);
}
