use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::*;

mod properties;

/// One custom field of each type, ten in all, and standard fields.
const RULES: &str = r#"
name = { field = "name", direction = "both", transform = "trim" }
email = { field = "email", direction = "both", transform = ["trim", "lower"] }
born = { field = "dateOfBirth", direction = "both", date = "%d.%m.%Y" }
quiet = { field = "dnd", direction = "both", conflict = "highlevel" }
tier = { field = "Tier", direction = "both", values = { Gold = "g", Silver = "s" }, default = "s" }
note = { field = "contact.note", direction = "both", transform = "upper", conflict = "profile" }
points = { field = "f-number", direction = "both" }
spent = { field = "Spent", direction = "both", default = 0 }
since = { field = "Since", direction = "both" }
ticked = { field = "Ticked", direction = "both" }
open = { field = "Open", direction = "both" }
topics = { field = "Topics", direction = "both" }
groups = { field = "Groups", direction = "both", values = { A = "first", B = "second" } }
size = { field = "Size", direction = "to", default = "M" }
city = { field = "city", default = "London" }
copy = "Note"
"#;

fn directory() -> Vec<CustomFieldInfo> {
    let field = |id: &str, name: &str, data_type: &str, options: &[&str]| CustomFieldInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        key: format!("contact.{}", name.to_lowercase()),
        data_type: data_type.to_owned(),
        options: options.iter().map(|&option| option.to_owned()).collect(),
    };
    vec![
        field("f-tier", "Tier", "SINGLE_OPTIONS", &["Gold", "Silver"]),
        field("f-note", "Note", "LARGE_TEXT", &[]),
        field("f-number", "Points", "NUMERICAL", &[]),
        field("f-money", "Spent", "MONETORY", &[]),
        field("f-date", "Since", "DATE", &[]),
        field("f-box", "Ticked", "CHECKBOX", &["Yes"]),
        field("f-open", "Open", "CHECKBOX", &[]),
        field(
            "f-many",
            "Topics",
            "MULTIPLE_OPTIONS",
            &["Trees", "Sea", "Air"],
        ),
        field("f-group", "Groups", "CHECKBOX", &["A", "B", "C"]),
        field("f-size", "Size", "RADIO", &["S", "M"]),
        field("f-file", "Contract", "FILE_UPLOAD", &[]),
    ]
}

fn rules(text: &str) -> FieldRules {
    toml::from_str(text).unwrap()
}

fn mapping(text: &str) -> FieldMapping {
    let (mapping, problems) = FieldMapping::resolve(&rules(text), &directory());
    assert_eq!(problems, []);
    mapping
}

/// Both sides, and people who change them.
#[derive(Debug, Clone)]
struct Pair {
    contact: Value,
    contact_changed: Option<Timestamp>,
    profile: Map<String, Value>,
    profile_changed: BTreeMap<String, Timestamp>,
    synced: Map<String, Value>,
    now: i64,
}

impl Pair {
    fn new(contact: Value, profile: Value) -> Self {
        let Value::Object(profile) = profile else {
            panic!("a profile is an object");
        };
        Self {
            contact,
            contact_changed: None,
            profile,
            profile_changed: BTreeMap::new(),
            synced: Map::new(),
            now: 0,
        }
    }

    fn tick(&mut self) -> Timestamp {
        self.now += 1;
        Timestamp::from_second(self.now).unwrap()
    }

    fn edit_profile(&mut self, name: &str, value: Value) {
        let now = self.tick();
        self.profile.insert(name.to_owned(), value);
        self.profile_changed.insert(name.to_owned(), now);
    }

    /// As the service writes it.
    fn write_contact(&mut self, arguments: &Map<String, Value>) {
        self.contact_changed = Some(self.tick());
        self.contact = crate::after_write("update-contact", arguments, &self.contact).unwrap();
        if let Some(name) = arguments.get("name") {
            let (first, last) = name
                .as_str()
                .unwrap_or("")
                .split_once(' ')
                .unwrap_or((name.as_str().unwrap_or(""), ""));
            self.contact["firstName"] = json!(first);
            self.contact["lastName"] = json!(last);
        }
    }

    fn edit_custom(&mut self, id: &str, value: &Value) {
        let arguments = json!({ "customFields": [{ "id": id, "field_value": value }] });
        self.write_contact(arguments.as_object().unwrap());
    }

    fn plan(&self, mapping: &FieldMapping) -> SyncPlan {
        mapping.plan(Sides {
            contact: &self.contact,
            contact_changed: self.contact_changed,
            profile: &self.profile,
            profile_changed: &self.profile_changed,
            synced: &self.synced,
        })
    }

    fn sync(&mut self, mapping: &FieldMapping) -> SyncPlan {
        let plan = self.plan(mapping);
        if !plan.contact.is_empty() {
            self.write_contact(&plan.contact.clone());
        }
        for (name, value) in &plan.profile {
            self.edit_profile(name, value.clone());
        }
        self.synced = plan.synced.clone();
        plan
    }

    fn custom(&self, id: &str) -> Value {
        let fields = self.contact["customFields"]
            .as_array()
            .into_iter()
            .flatten();
        let field = {
            let mut fields = fields;
            fields.find(|field| field["id"] == id)
        };
        field.map_or(Value::Null, |field| field["value"].clone())
    }
}

#[test]
fn a_change_of_one_side_reaches_the_other_with_its_type() {
    let mapping = mapping(RULES);
    let mut pair = Pair::new(
        json!({ "firstName": "Ada", "lastName": "King", "email": " Ada@Example.com ", "dateOfBirth": "1990-05-01T00:00:00.000Z",
            "customFields": [{ "id": "f-number", "value": "12.50" }, { "id": "f-tier", "value": "gold" },
                { "id": "f-box", "value": ["Yes"] }, { "id": "f-many", "value": ["Sea", "Air"] }] }),
        json!({ "since": "2024-02-29" }),
    );
    assert_eq!(pair.sync(&mapping).problems, []);
    assert_eq!(
        Value::Object(pair.profile.clone()),
        json!({ "since": "2024-02-29", "name": "Ada King", "email": "ada@example.com", "born": "01.05.1990", "quiet": false,
            "tier": "g", "points": 12.5, "spent": 0, "ticked": true, "open": false, "topics": ["Air", "Sea"],
            "city": "London" })
    );
    assert_eq!(pair.custom("f-date"), json!("2024-02-29"));
    assert_eq!(pair.custom("f-size"), json!("M"));

    for (name, value) in [
        ("tier", json!("S")),
        ("points", json!(7)),
        ("ticked", json!(false)),
        ("topics", json!(["trees"])),
        ("born", json!("31.12.1999")),
        ("name", json!("Ada  Lovelace ")),
        ("note", json!("hello")),
        ("size", json!("s")),
        ("since", json!(null)),
        ("spent", json!("9.999")),
    ] {
        pair.edit_profile(name, value);
    }
    let plan = pair.sync(&mapping);
    assert_eq!(plan.problems, []);
    let custom = |id: &str| pair.custom(id);
    assert_eq!(custom("f-tier"), "Silver");
    assert_eq!(custom("f-number"), 7);
    assert_eq!(custom("f-box"), Value::Null);
    assert_eq!(custom("f-many"), json!(["Trees"]));
    assert_eq!(custom("f-note"), "HELLO");
    assert_eq!(custom("f-size"), "S");
    assert_eq!(custom("f-date"), Value::Null);
    assert_eq!(custom("f-money"), 10);
    assert_eq!(pair.contact["dateOfBirth"], "1999-12-31");
    assert_eq!(pair.contact["lastName"], "Lovelace");
    assert_eq!(pair.profile["copy"], "HELLO");
    assert!(pair.plan(&mapping).contact.is_empty());
}

#[test]
fn what_was_emptied_is_emptied_on_the_other_side_and_what_never_was_there_takes_nothing_away() {
    let mapping =
        mapping("points = { field = \"Points\", direction = \"both\" }\ncity = \"city\"\n");
    let mut pair = Pair::new(json!({}), json!({ "points": 5, "city": "Rome" }));
    pair.sync(&mapping);
    assert_eq!(pair.custom("f-number"), 5);
    assert_eq!(pair.profile["city"], "Rome");
    pair.edit_custom("f-number", &json!(""));
    pair.sync(&mapping);
    assert_eq!(pair.profile["points"], Value::Null);
}

#[test]
fn the_rule_decides_when_both_sides_changed() {
    for (rule, profile_last, expected) in [
        ("newest", true, "here"),
        ("newest", false, "there"),
        ("highlevel", true, "there"),
        ("profile", false, "here"),
    ] {
        let text =
            format!("note = {{ field = \"Note\", direction = \"both\", conflict = \"{rule}\" }}");
        let mapping = mapping(&text);
        let mut pair = Pair::new(json!({}), json!({ "note": "once" }));
        pair.sync(&mapping);
        if !profile_last {
            pair.edit_profile("note", json!("here"));
        }
        pair.edit_custom("f-note", &json!("there"));
        if profile_last {
            pair.edit_profile("note", json!("here"));
        }
        pair.sync(&mapping);
        assert_eq!(pair.profile["note"], expected, "{rule}");
        assert_eq!(pair.custom("f-note"), expected, "{rule}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_and_left_alone_on_both_sides() {
    let mapping = mapping(RULES);
    let mut pair = Pair::new(
        json!({}),
        json!({ "points": "many", "topics": ["Fire"], "tier": "x", "born": "soon" }),
    );
    let before = pair.profile.clone();
    let plan = pair.sync(&mapping);
    let told: Vec<_> = plan.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(
        told.iter()
            .any(|text| text
                .contains("\"topics\": the profile's [\"Fire\"] is none of Trees, Sea, Air")),
        "{told:?}"
    );
    for name in ["points", "topics", "tier", "born"] {
        assert_eq!(pair.profile[name], before[name]);
    }
    // Once it is mended, it goes on.
    pair.edit_profile("points", json!(3));
    pair.sync(&mapping);
    assert_eq!(pair.custom("f-number"), 3);
}

#[test]
fn what_the_service_dropped_is_told_and_not_agreed_on() {
    let mapping = mapping(
        "points = { field = \"Points\", direction = \"both\" }\nphone = { field = \"phone\", direction = \"both\" }\n",
    );
    let mut pair = Pair::new(json!({}), json!({ "points": 5, "phone": "+44 20 1" }));
    let mut plan = pair.plan(&mapping);
    assert_eq!(
        plan.written(&mapping).collect::<Vec<_>>(),
        ["phone", "points"]
    );
    let after = json!({ "phone": "+44201" });
    assert_eq!(plan.verify(&mapping, &after, &pair.synced), ["points"]);
    pair.synced = plan.synced;
    pair.contact = after;
    // The number is written once more, the other notation of the phone number comes back.
    let plan = pair.plan(&mapping);
    assert_eq!(plan.written(&mapping).collect::<Vec<_>>(), ["points"]);
    assert_eq!(plan.profile["phone"], "+44201");
}

#[test]
fn a_new_contact_says_what_the_profile_says() {
    let mapping = mapping(
        "city = \"city\"\ncompany = \"companyName\"\npoints = \"Points\"\ntier = { field = \"Tier\", default = \"Gold\" }\n",
    );
    let profile = json!({ "city": "Rome", "company": "Acme", "points": "4" });
    let arguments = mapping.at_creation(profile.as_object().unwrap()).unwrap();
    assert_eq!(
        Value::Object(arguments),
        json!({ "city": "Rome", "companyName": "Acme", "customFields": [
            { "id": "f-number", "field_value": 4 }, { "id": "f-tier", "field_value": "Gold" }] })
    );
    let wrong = json!({ "points": "four" });
    let problems = mapping.at_creation(wrong.as_object().unwrap()).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "field \"points\": \"four\" is no number"
    );
}

#[test]
fn mistakes_of_rules_are_told_with_remedy() {
    for (text, expected) in [
        (
            "a = \"frstName\"",
            "no field \"frstName\"; did you mean \"firstName\"?",
        ),
        ("a = \"Tear\"", "did you mean \"Tier\"?"),
        ("a = \"contact.teir\"", "did you mean \"contact.tier\"?"),
        (
            "a = \"Contract\"",
            "is of type FILE_UPLOAD, which is not mapped",
        ),
        (
            "a = { field = \"city\", date = \"%d.%m.%Y\" }",
            "\"date\" is for dates, and \"city\" is a text",
        ),
        (
            "a = { field = \"Since\", date = \"%d.%m.\" }",
            "does not say a whole date",
        ),
        (
            "a = { field = \"Since\", date = \"%d.%m.%y\" }",
            "does not say a whole date",
        ),
        (
            "a = { field = \"city\", transform = [\"lower\", \"upper\"] }",
            "cannot be both lower and upper",
        ),
        (
            "a = { field = \"companyName\", direction = \"both\" }",
            "only when a contact is created",
        ),
        (
            "a = { field = \"id\", direction = \"to\" }",
            "HighLevel does not take \"id\"",
        ),
        (
            "a = { field = \"Tier\", values = { Bronze = \"b\" } }",
            "\"Bronze\" is none of Gold, Silver",
        ),
        (
            "a = { field = \"Tier\", direction = \"both\", values = { Gold = \"x\", Silver = \"X\" } }",
            "has \"x\" twice",
        ),
        (
            "a = { field = \"Points\", default = \"none\" }",
            "\"default\": \"none\" is no number",
        ),
        (
            "a = { field = \"city\", direction = \"both\" }\nb = { field = \"city\", direction = \"to\" }",
            "the same field of the contact as \"a\"",
        ),
    ] {
        let (mapping, problems) = FieldMapping::resolve(&rules(text), &directory());
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(told[0].contains(expected), "{text}: {told:?}");
        assert!(mapping.fields().len() < text.lines().count() + 1);
    }
    let unknown = toml::from_str::<FieldRules>("a = { feild = \"city\" }").unwrap_err();
    assert!(unknown.message().contains("unknown field `feild`"));
}
