mod alias;

use super::{fields_made_by, unknown_custom_fields};
use crate::fields::CustomFieldInfo;
use crate::some_actions::SomeActions;
use crate::workflow::Workflow;

/// The mistakes of a workflow with these lines, as `canopy check` tells them.
fn mistakes(on: &str, lines: &str) -> Vec<String> {
    let text = format!(
        "id = \"w\"\ntitle = \"W\"\non = {on}\n{lines}\n[[do]]\nid = \"last\"\naction = \"profile.save\"\n"
    );
    match Workflow::parse_all("w.toml", &text, &SomeActions) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_name_that_nothing_has_is_told_with_its_line_and_the_nearest() {
    for (on, lines, told) in [
        (
            "[\"contact.created\"]",
            "when = \"contcat.firstName\"",
            "w.toml:4: \"when\": there is nothing called \"contcat\"; did you mean \"contact\"?",
        ),
        (
            "[\"contact.created\"]",
            "when = \"contact.fistName == 'Ada'\"",
            "w.toml:4: \"when\": contact has no \"fistName\"; did you mean \"firstName\"? If the service does send it, write contact['fistName']",
        ),
        // A custom field's key may be like a member's name.
        (
            "[\"contact.created\"]",
            "when = \"contact.emial\"",
            "w.toml:4: \"when\": contact has no \"emial\"; did you mean \"email\"? A custom field of this key is custom.emial",
        ),
        (
            "[\"contact.created\"]",
            "when = \"contact.full_name.upper == 'ADA'\"",
            "w.toml:4: \"when\": contact.full_name has no member \"upper\"; for a filter write contact.full_name | upper",
        ),
        (
            "[\"contact.created\"]",
            "when = \"contact.tier.upper == 'GOLD'\"",
            "w.toml:4: \"when\": contact.tier has no member \"upper\"; for a filter write contact.tier | upper",
        ),
        (
            "[\"contact.created\"]",
            "[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = { number = \"{{ impact.tree + 1 }}\" }",
            "w.toml:7: step \"buy\", \"number\": impact has no \"tree\"; did you mean \"trees\"?",
        ),
        (
            "[\"contact.created\"]",
            "[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwhen = \"steps.last.ok\"\nwith = { number = 1 }",
            "w.toml:7: step \"buy\", \"when\": no earlier step is called \"last\"; no step comes before this one",
        ),
        (
            "[\"contact.created\"]",
            "[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = { number = 1 }\n[[do]]\nid = \"more\"\naction = \"profile.save\"\nwhen = \"steps.buy.treeURL\"",
            "w.toml:11: step \"more\", \"when\": steps.buy has no \"treeURL\"; did you mean \"treeUrl\"? If the service does send it, write steps.buy['treeURL']",
        ),
        (
            "[\"contact.created\"]",
            "when = \"record.first_name == 'Ada'\"",
            "w.toml:4: \"when\": record.first_name has no value; for the merge field write contact.first_name",
        ),
        (
            "[\"get-contact-notes\", \"contact.created\"]",
            "when = \"record.first_name == 'Ada'\"",
            "w.toml:4: \"when\": record.first_name has no value, also where it is the contact; for the merge field write contact.first_name",
        ),
        (
            "[\"contact.created\"]",
            "when = \"contact.email.domain == 'x'\"",
            "w.toml:4: \"when\": contact.email is a text, and has no member \"domain\"; for a filter write contact.email | domain",
        ),
        // Templates call nothing of what they read, as Python does.
        (
            "[\"contact.created\"]",
            "when = \"contact.email.lower() == 'x'\"",
            "w.toml:4: \"when\": contact.email.lower() is called, and values have nothing to call; write contact.email | lower",
        ),
        (
            "[\"contact.created\"]",
            "when = \"event.occurredAt.strftime('%d') == '1'\"",
            "w.toml:4: \"when\": event.occurredAt.strftime() is called, and values have nothing to call; write event.occurredAt | date('%d')",
        ),
        (
            "[\"contact.created\"]",
            "when = \"contact.get('email')\"",
            "w.toml:4: \"when\": contact.get() is called, and values have nothing to call; write contact['...']",
        ),
        // A subscript reads what is there as well, and nothing else.
        (
            "[\"contact.created\"]",
            "when = \"event['knd'] == 'x'\"",
            "w.toml:4: \"when\": event has no \"knd\"; did you mean \"kind\"?",
        ),
        (
            "[\"contact.created\"]",
            "when = \"location['nmae'] == 'x'\"",
            "w.toml:4: \"when\": location has no \"nmae\"; did you mean \"name\"?",
        ),
        (
            "[\"contact.created\"]",
            "when = \"contact['first_name'] == 'Ada'\"",
            "w.toml:4: \"when\": contact['first_name'] has no value; for the merge field write contact.first_name",
        ),
        (
            "[\"contact.created\"]",
            "when = \"record['first_name'] == 'Ada'\"",
            "w.toml:4: \"when\": record['first_name'] has no value; for the merge field write contact.first_name",
        ),
        (
            "[\"contact.created\"]",
            "when = \"location['full_address'] == 'x'\"",
            "w.toml:4: \"when\": location['full_address'] has no value; for the merge field write location.full_address",
        ),
        (
            "[\"contact.created\"]",
            "[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nonce = \"{{ steps['last'].x }}\"\nwith = { number = 1 }",
            "w.toml:7: step \"buy\", \"once\": no earlier step is called \"last\"; no step comes before this one",
        ),
        (
            "[\"get-contact-notes\"]",
            "when = \"nota.body\"",
            "w.toml:4: \"when\": there is nothing called \"nota\"; did you mean \"note\"?",
        ),
    ] {
        assert_eq!(mistakes(on, lines), [told]);
    }
}

#[test]
fn what_a_run_knows_is_no_mistake() {
    for (on, lines) in [
        (
            "[\"get-contact-notes\"]",
            "when = \"note.body and record.anything.at.all\"",
        ),
        (
            "[\"contact.created\"]",
            "[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = { number = 1 }\n[[do]]\nid = \"more\"\naction = \"profile.save\"\nwhen = \"steps.buy.treeUrl or steps.buy.anything or steps.buy['treeURL']\"",
        ),
        (
            "[{ webhook = \"gift\" }]",
            "when = \"webhook.customData.trees\"",
        ),
        // Members that are not described, and names that a template makes itself.
        (
            "[\"contact.created\"]",
            "when = \"contact.attributionSource.utm or contact['fistName']\"",
        ),
        (
            "[\"contact.created\"]",
            "[[do]]\nid = \"buy\"\naction = \"profile.save\"\nwith = { name = \"{% for tag in contact.tags %}{{ tag.x }}{% endfor %}{% set y = 1 %}{{ y }}\" }",
        ),
        (
            "[\"contact.created\"]",
            "when = \"event.occurredAt | later('3d') and range(3) and profile.fields.anything\"",
        ),
    ] {
        assert_eq!(mistakes(on, lines), [""; 0], "{lines}");
    }
}

#[test]
fn custom_fields_that_the_location_lacks_are_told_unless_they_will_be_made() {
    let text = r#"id = "w"
title = "W"
on = "contact.created"
when = "custom.tier == 'Gold' and custom.trees_planted and custom.teir and contact.company"
consent = "'a' in custom['Tier'] or 'b' in contact.tier or 'c' in contact.topics or 'd' in (custom.other or [])"

[[do]]
id = "fields"
action = "update-contact"
with = { contactId = "{{ contact.id }}" }

[do.custom_fields]
"Trees planted" = { value = 1, type = "number" }
"contact.tier" = { value = "Gold" }
"contact.teer" = { value = "Gold" }
"Twice" = { value = "{{ custom['anything'] }}" }
"f9" = { value = "{{ custom['Tear'] }}{{ custom['Other'] }}{{ custom['tier'] }}" }
"#;
    let workflow = Workflow::parse("w.toml", text, &SomeActions).unwrap();
    let made = fields_made_by(&workflow, &[]);
    let made: Vec<_> = made
        .iter()
        .map(|field| (&*field.name, &*field.key, &*field.data_type))
        .collect();
    assert_eq!(
        made,
        [
            ("Trees planted", "contact.trees_planted", "NUMERICAL"),
            ("Twice", "contact.twice", "TEXT"),
            ("f9", "contact.f9", "TEXT"),
        ]
    );
    let field = |id: &str, name: &str, key: &str| CustomFieldInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        key: format!("contact.{key}"),
        data_type: "TEXT".to_owned(),
        options: Vec::new(),
    };
    let all = [
        field("f1", "Tier", "tier"),
        field("f2", "Twice", "twice"),
        field("f3", "twice", "twice_2"),
        field("f9", "Other", "other"),
        CustomFieldInfo {
            data_type: "MULTIPLE_OPTIONS".to_owned(),
            ..field("f8", "Topics", "topics")
        },
    ];
    let found = unknown_custom_fields(&workflow, ("w.toml", text), &all);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "w.toml:4: the location's contacts have no custom field \"teir\"; did you mean \"tier\"?",
            "w.toml:5: \"consent\": custom['Tier'] is a text where a list is meant; split it, e.g. custom['Tier'] | split(','), or, for a part of the text, write: custom['Tier'] is containing('...')",
            "w.toml:5: \"consent\": contact.tier is a text where a list is meant; split it, e.g. contact.tier | split(','), or, for a part of the text, write: contact.tier is containing('...')",
            "w.toml:5: \"consent\": custom.other is a text where a list is meant; split it, e.g. custom.other | split(','), or, for a part of the text, write: custom.other is containing('...')",
            "w.toml:15: step \"fields\": the location has no custom field \"contact.teer\"; did you mean \"contact.tier\"?",
            "w.toml:16: step \"fields\": the location has several custom fields \"Twice\"; write its key, \"contact.twice\" or \"contact.twice_2\"",
            "w.toml:16: step \"fields\", \"Twice\": the location's contacts have no custom field \"anything\"; write its name as the location has it, or its key as custom.key",
            "w.toml:17: step \"fields\", \"f9\": the location's contacts have no custom field \"Tear\"; did you mean \"Tier\"?",
        ]
    );
}
