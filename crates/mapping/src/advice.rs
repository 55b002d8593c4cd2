//! What works and is perhaps not meant: told by `canopy check` before money is spent.

use crate::caps::{self, Cap};
use crate::file_error::FileError;
use crate::on::On;
use crate::template;
use crate::values::Sight;
use crate::workflow::Workflow;

impl Workflow {
    /// What a person should know of a file without mistakes. `text` is the file, for the lines.
    pub fn advice(&self, file: &str, text: &str) -> Vec<FileError> {
        let mut found = Vec::new();
        for on in &self.on {
            if let On::Schedule(schedule) = on {
                let advice = schedule.advice().into_iter();
                let told = |advice| FileError::new(file, advice).at(text, &schedule.schedule);
                found.extend(advice.map(told));
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
        let advice = workflow.advice("w.toml", &text);
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
