//! What works and is perhaps not meant: told by `canopy check` before money is spent.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::actions::Actions;
use crate::caps::{self, Cap};
use crate::control::WAIT;
use crate::file_error::FileError;
use crate::names::{Names, Told};
use crate::on::On;
use crate::once::Once;
use crate::template;
use crate::values::Sight;
use crate::workflow::Workflow;
use crate::zones;

impl Workflow {
    /// What a person should know of a file without mistakes. `text` is the file, for the lines.
    pub fn advice(&self, file: &str, text: &str, actions: &dyn Actions) -> Vec<FileError> {
        let mut found = self.doubts(file, text, actions);
        for on in &self.on {
            if let On::Schedule(schedule) = on {
                let advice = schedule.advice().into_iter();
                let told = |advice| FileError::new(file, advice).at(text, &schedule.schedule);
                found.extend(advice.map(told));
            }
        }
        for step in self.steps.iter().filter(|step| step.action == WAIT) {
            let zone = step.with.get("timezone").and_then(Value::as_str);
            if let Some((zone, advice)) = zone.and_then(|zone| Some((zone, zones::advice(zone)?))) {
                let advice = format!("step \"{}\": {advice}", step.id);
                found.push(FileError::new(file, advice).at(text, zone));
            }
        }
        let mut told: Vec<(String, String, String)> = Vec::new();
        for (place, sight) in self.sights() {
            let Sight::Cap { filter, paths } = sight else {
                continue;
            };
            let Some(path) = paths.iter().find(|path| caps::may_lack(path)) else {
                continue;
            };
            let problem = format!("{path} can be missing, and then | {filter} has no value");
            told.push((place, path.clone(), problem));
        }
        for step in &self.steps {
            for (name, value) in step.values() {
                let place = format!("step \"{}\", \"{name}\"", step.id);
                for Cap { path, without } in caps::of(value) {
                    let problem = match without {
                        Some(cap) => {
                            format!(
                                "where {path} is missing this is {cap}, as where it is too large"
                            )
                        }
                        None => format!("{path} can be missing, and then there is no value"),
                    };
                    if !told
                        .iter()
                        .any(|(of, known, _)| *of == place && *known == path)
                    {
                        told.push((place.clone(), path, problem));
                    }
                }
            }
        }
        for (place, path, problem) in told {
            let advice = FileError::new(file, format!("{place}: {problem}")).at(text, &path);
            found.push(advice.fix(format!("say what counts instead: {path} | default(1)")));
        }
        found.sort_by_key(|advice| advice.line);
        found
    }

    /// Members that are described nowhere: what is not sent is nothing, without a word.
    fn doubts(&self, file: &str, text: &str, actions: &dyn Actions) -> Vec<FileError> {
        let mut names = Names::of(&self.on, actions);
        for step in &self.steps {
            let answer = actions.answer_members(actions.operation_of(&step.action));
            names.add_step(&step.id, answer);
        }
        let steps: Vec<&str> = self.steps.iter().map(|step| step.id.as_str()).collect();
        let mut found = Vec::new();
        let mut told = BTreeSet::new();
        for (place, sight) in self.sights() {
            if let Sight::Capitals(tag) = &sight {
                let lower = tag.to_lowercase();
                let problem = format!(
                    "{place}: HighLevel keeps tags in lower case, so \"{tag}\" is never among contact.tags"
                );
                let advice = FileError::new(file, problem).at(text, tag);
                found.push(advice.fix(format!("write '{lower}'")));
            }
            if let Sight::ZoneName(zone) = &sight
                && let Some(advice) = zones::advice(zone)
            {
                found.push(FileError::new(file, format!("{place}: {advice}")).at(text, zone));
            }
            let Sight::Subscript(read) = sight else {
                continue;
            };
            let parts = read.parts();
            let doubt = match names.subscript(&parts, &steps) {
                Some(Told::Doubt(doubt)) if !read.has_default => doubt,
                _ => continue,
            };
            if told.insert((place.clone(), doubt.problem.clone())) {
                let name = parts.last().unwrap_or(&"");
                let advice = FileError::new(file, format!("{place}: {}", doubt.problem));
                found.push(advice.at_subscript(text, name).fix(doubt.fix));
            }
        }
        for (place, code, written) in self.codes() {
            for path in written
                .iter()
                .filter(|path| !caps::has_default(&code, path))
            {
                if let Some(doubt) = names.attribute(path) {
                    let advice = FileError::new(file, format!("{place}: {}", doubt.problem));
                    found.push(advice.at(text, path).fix(doubt.fix));
                }
            }
        }
        found
    }

    /// All conditions and templates with where they stand, as text, and the names that stand in them.
    fn codes(&self) -> Vec<(String, String, BTreeSet<String>)> {
        let condition = |place: String, text: &String| {
            let names = template::written_in_expression(text);
            (place, text.clone(), names)
        };
        let mut found = Vec::new();
        for (name, text) in [("when", &self.when), ("consent", &self.consent)] {
            found.extend(
                text.iter()
                    .map(|text| condition(format!("\"{name}\""), text)),
            );
        }
        for step in &self.steps {
            let of = |what: &str| format!("step \"{}\", \"{what}\"", step.id);
            for (name, text) in [("when", &step.when), ("consent", &step.consent)] {
                found.extend(text.iter().map(|text| condition(of(name), text)));
            }
            for (name, value) in step.values() {
                found.push((of(name), value.to_string(), template::written(value)));
            }
        }
        found
    }

    /// What all conditions and templates show, with where they stand.
    pub(crate) fn sights(&self) -> Vec<(String, Sight)> {
        let mut found = Vec::new();
        let mut add = |place: &str, sights: Vec<Sight>| {
            found.extend(sights.into_iter().map(|sight| (place.to_owned(), sight)));
        };
        for (name, condition) in [("when", &self.when), ("consent", &self.consent)] {
            let sights = condition
                .iter()
                .flat_map(|text| template::sights_in_expression(text));
            add(&format!("\"{name}\""), sights.collect());
        }
        for step in &self.steps {
            let id = &step.id;
            for (name, condition) in [("when", &step.when), ("consent", &step.consent)] {
                let sights = condition
                    .iter()
                    .flat_map(|text| template::sights_in_expression(text));
                add(&format!("step \"{id}\", \"{name}\""), sights.collect());
            }
            if let Some(Once::Value(text)) = &step.once {
                let place = format!("step \"{id}\", \"once\"");
                add(&place, template::sights(&text.as_str().into()));
            }
            for (name, value) in step.values() {
                add(
                    &format!("step \"{id}\", \"{name}\""),
                    template::sights(value),
                );
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use crate::some_actions::SomeActions;
    use crate::workflow::Workflow;

    fn advice(number: &str) -> Vec<String> {
        let text = format!(
            "id = \"w\"\ntitle = \"W\"\non = {{ webhook = \"gift\" }}\n\n[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = {{ number = \"{{{{ {number} }}}}\" }}\n"
        );
        let workflow = Workflow::parse("w.toml", &text, &SomeActions).unwrap();
        let advice = workflow.advice("w.toml", &text, &SomeActions);
        advice.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cap_of_values_that_can_be_missing_is_told() {
        assert_eq!(
            advice("[webhook.trees, 20] | min"),
            [
                "w.toml:8: step \"buy\", \"number\": webhook.trees can be missing, and then | min has no value; say what counts instead: webhook.trees | default(1)"
            ]
        );
        assert_eq!(
            advice("webhook.trees if webhook.trees < 20 else 20"),
            [
                "w.toml:8: step \"buy\", \"number\": where webhook.trees is missing this is 20, as where it is too large; say what counts instead: webhook.trees | default(1)"
            ]
        );
        assert_eq!(
            advice("[(webhook.amount / 10) | int, webhook.cap | int] | min").len(),
            1
        );
        for good in [
            "[webhook.trees or 1, 20] | min",
            "[webhook.trees | default(1), 20] | min",
            "[impact.trees, 20] | max",
            "webhook.all | max",
        ] {
            assert_eq!(advice(good), [""; 0], "{good}");
        }
    }

    #[test]
    fn a_member_that_is_described_nowhere_is_told_and_not_refused() {
        let told = |when: &str| {
            let text = format!(
                "id = \"w\"\ntitle = \"W\"\non = [\"get-contact-notes\", \"contact.created\", {{ webhook = \"gift\" }}]\nwhen = '''{when}'''\n\n[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nonce = \"event\"\nwith = {{ number = 1 }}\n"
            );
            let workflow = Workflow::parse("w.toml", &text, &SomeActions).unwrap();
            let advice = workflow.advice("w.toml", &text, &SomeActions);
            advice.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told("contact['score'] > 10"),
            [
                "w.toml:4: \"when\": no description has \"score\" of contact, and where it is not sent contact['score'] is nothing; for the custom field of this key write custom.score; if it is meant, say what counts without it: contact['score'] | default('')"
            ]
        );
        for (when, hint) in [
            (
                "contact['fistName'] == 'Ada'",
                "did you mean \"firstName\"?",
            ),
            (
                "contact[\"leadScore\"] > 3",
                "`canopy call get-contact` shows what is sent",
            ),
            (
                "contact.leadScore > 3",
                "where it is not sent contact.leadScore is nothing",
            ),
            (
                "note['text']",
                "; if it is meant, say what counts without it: note['text'] | default('')",
            ),
            ("webhook.a == contact['score']", "custom.score"),
            (
                "'VIP' in contact.tags",
                "HighLevel keeps tags in lower case, so \"VIP\" is never among contact.tags; write 'vip'",
            ),
            ("'VIP' not in (contact['tags'] or [])", "write 'vip'"),
            (
                "record.first_name == 'Ada'",
                "record.first_name has no value where it is the contact; write contact.first_name for the merge field, and webhook.first_name for what a webhook sends",
            ),
            (
                "event.occurredAt | date(zone='EST') == '2026-12-01'",
                "\"EST\" is an abbreviation, and may stay the same in summer; for the clocks of a place write its name, e.g. \"America/New_York\"",
            ),
            (
                "event.occurredAt | date('MST') == '2026-12-01'",
                "America/Denver",
            ),
        ] {
            let told = told(when);
            assert_eq!(told.len(), 1, "{when}: {told:?}");
            assert!(told[0].starts_with("w.toml:4: \"when\": "), "{told:?}");
            assert!(told[0].contains(hint), "{told:?}");
        }
        for known in [
            "contact['firstName'] == 'Ada' and contact['tags'] and contact['name']",
            "contact['score'] | default('') == 'hot' and contact.leadScore | default(0) > 3",
            "webhook['anything'] and webhook.customData['x'] and record['y']",
            "contact.tags[0] == 'a' and note['body'] and event['kind'] and contact[webhook.name]",
            "contact.score == 'a' and contact.full_name == 'b'",
        ] {
            assert_eq!(told(known), [""; 0], "{known}");
        }
    }

    #[test]
    fn a_text_in_which_an_item_is_looked_for_is_a_mistake() {
        for (when, told) in [
            ("'vip' in contact.firstName", true),
            ("'vip' not in contact.email", true),
            ("'vip' in contact.tags", false),
            ("'vip' in contact.firstName | split(',')", false),
            ("'vip' in webhook.tags", false),
            ("'vip' in contact['email']", true),
            ("'vip' in contact.first_name", true),
            ("'vip' in contact.full_name", true),
            ("'vip' in (contact.firstName or '')", true),
            ("'vip' in (contact.email or webhook.tags)", true),
            ("'vip' in contact.firstName | lower", true),
            ("'vip' in webhook.tags | lower", true),
            ("contact.email is in 'a'", true),
            ("contact.firstName | length > 3", true),
            ("contact.firstName[0] == 'A'", true),
            ("contact.email[:2] == 'A'", true),
            ("'vip' in contact['tags']", false),
            ("'vip' in (contact.tags or [])", false),
            ("'vip' in webhook.tags | split(',')", false),
            ("contact.firstName | letters | length > 3", false),
            ("contact.tags[0] == 'a'", false),
            ("'vip' in contact.tier", false),
        ] {
            let text = format!(
                "id = \"w\"\ntitle = \"W\"\non = [\"contact.created\", {{ webhook = \"gift\" }}]\nwhen = \"{when}\"\n\n[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nonce = \"event\"\nwith = {{ number = 1 }}\n"
            );
            let found = Workflow::parse("w.toml", &text, &SomeActions);
            match found {
                Ok(_) => assert!(!told, "{when}"),
                Err(error) => {
                    assert!(told, "{error}");
                    let error = error.to_string();
                    assert!(error.starts_with("w.toml:4: \"when\": "), "{error}");
                    assert!(error.contains("is a text where a list is meant"), "{error}");
                    assert!(error.contains("| split(',')"), "{error}");
                }
            }
        }
    }
}
