//! What an operation's answer must show to be its success: said by `x-evidence`, or taken from what is said besides where
//! that leaves no doubt.

use heck::{ToLowerCamelCase as _, ToSnakeCase as _};
use serde_json::Value;

use crate::schema::{content, success};

/// How a description says it, for messages.
pub(crate) const FORMS: &str = "`bytes`, `{ list: POINTER }` (with `some: true` where it cannot be empty), `{ record: POINTER }` to the id (with \
     `asked: PATH-PARAMETER` that it equals, or `or-null: POINTER` to the record), `{ members: [[POINTER, ...], ...] }` of \
     which one group is there, `{ flags: [POINTER, ...] }`, or `{ nothing: WHY }`; each with `flags` that must not be false";
const KNOWN: [&str; 8] = [
    "list", "some", "record", "asked", "or-null", "members", "flags", "nothing",
];
/// The service spells one word in three ways.
const FLAGS: [&str; 3] = ["succeded", "succeeded", "success"];

#[derive(Debug, PartialEq)]
pub(crate) struct Evidence {
    pub shown: Shown,
    pub flags: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Shown {
    Bytes,
    List {
        at: String,
        some: bool,
    },
    Record {
        id: String,
        asked: Option<String>,
    },
    RecordOrNull {
        at: String,
        id: String,
    },
    /// Pointers, with the types that their schemas say.
    Members(Vec<Vec<(String, Option<String>)>>),
    Flag,
    Answer {
        why: String,
    },
}

/// The evidence of an operation, or what is wrong with it.
pub(crate) fn of(path: &str, operation: &Value, document: &Value) -> Result<Evidence, String> {
    let answer = Answer::of(operation, document);
    let evidence = match operation.get("x-evidence") {
        Some(said) => said_of(said, &answer)?,
        None => derived(path, operation, &answer)?,
    };
    check(&evidence, path, &answer)?;
    Ok(evidence)
}

fn said_of(said: &Value, answer: &Answer<'_>) -> Result<Evidence, String> {
    if said == "bytes" {
        return Ok(Evidence {
            shown: Shown::Bytes,
            flags: Vec::new(),
        });
    }
    let members = said.as_object();
    let members = members.ok_or_else(|| format!("it must be one of {FORMS}"))?;
    if let Some(unknown) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("`{unknown}` means nothing; write {FORMS}"));
    }
    let text = |key: &str| said[key].as_str().map(str::to_owned);
    let flags = match said.get("flags") {
        Some(flags) => texts(flags).ok_or("`flags` must be a list of JSON pointers")?,
        None => answer.flags(),
    };
    let shown = if let Some(at) = text("list") {
        let some = said["some"] == true;
        Shown::List { at, some }
    } else if let Some(id) = text("record") {
        match (text("or-null"), text("asked")) {
            (Some(at), None) => Shown::RecordOrNull { at, id },
            (None, asked) => Shown::Record { id, asked },
            (Some(_), Some(_)) => return Err("`asked` and `or-null` exclude each other".to_owned()),
        }
    } else if let Some(groups) = said.get("members") {
        let groups = groups.as_array().into_iter().flatten().map(texts);
        let groups: Option<Vec<_>> = groups.collect();
        let groups =
            groups.filter(|groups| !groups.is_empty() && !groups.iter().any(Vec::is_empty));
        let groups = groups.ok_or("`members` must be a list of lists of JSON pointers")?;
        let typed = |pointer: String| {
            let kind = answer.kind(&pointer).map(str::to_owned);
            (pointer, kind)
        };
        let typed = |group: Vec<String>| group.into_iter().map(typed).collect();
        Shown::Members(groups.into_iter().map(typed).collect())
    } else if let Some(why) = text("nothing") {
        if why.trim().is_empty() {
            return Err("`nothing` must say why the answer shows nothing".to_owned());
        }
        Shown::Answer { why }
    } else if flags.is_empty() {
        return Err(format!("it says nothing; write {FORMS}"));
    } else {
        Shown::Flag
    };
    Ok(Evidence { shown, flags })
}

fn derived(path: &str, operation: &Value, answer: &Answer<'_>) -> Result<Evidence, String> {
    let pointer = |key: &str| operation[key].as_str().map(str::to_owned);
    let flags = answer.flags();
    let shown = if answer.is_file {
        Shown::Bytes
    } else if let Some(at) = pointer("x-items") {
        Shown::List { at, some: false }
    } else if answer.is_list() {
        Shown::List {
            at: String::new(),
            some: false,
        }
    } else if let Some(id) = pointer("x-id") {
        let last = path.rsplit('/').next().and_then(parameter);
        Shown::Record {
            id,
            asked: last.map(str::to_owned),
        }
    } else if flags.is_empty() {
        return Err(format!(
            "nothing says what its answer must show to be a success; add `x-evidence`: {FORMS}"
        ));
    } else {
        Shown::Flag
    };
    Ok(Evidence { shown, flags })
}

/// Holds what is said against the path and the answer's schema.
fn check(evidence: &Evidence, path: &str, answer: &Answer<'_>) -> Result<(), String> {
    let mut pointers: Vec<&String> = evidence.flags.iter().collect();
    // The flags that the service spells in three ways are not all declared.
    pointers.retain(|flag| !FLAGS.iter().any(|known| **flag == format!("/{known}")));
    match &evidence.shown {
        Shown::Bytes if !answer.is_file => {
            return Err("`bytes` is for answers that are not JSON".to_owned());
        }
        Shown::Bytes | Shown::Flag | Shown::Answer { .. } => {}
        _ if answer.is_file => return Err("the answer is a file; write `bytes`".to_owned()),
        Shown::List { at, .. } => {
            if !answer.is_list_at(at) {
                return Err(format!("the answer has no list at `{at}`"));
            }
        }
        Shown::Record { id, asked } => {
            pointers.push(id);
            let asked = asked.as_deref();
            if let Some(asked) =
                asked.filter(|asked| !path.split('/').any(|one| parameter(one) == Some(asked)))
            {
                return Err(format!("`asked: {asked}` is no parameter of the path"));
            }
        }
        Shown::RecordOrNull { at, id } => pointers.extend([at, id]),
        Shown::Members(groups) => {
            pointers.extend(groups.iter().flatten().map(|(pointer, _)| pointer));
        }
    }
    match pointers
        .iter()
        .find(|pointer| answer.declared(pointer).is_none())
    {
        Some(pointer) => Err(format!("the answer's schema has nothing at `{pointer}`")),
        None => Ok(()),
    }
}

/// The answer's schema, followed through references.
struct Answer<'d> {
    document: &'d Value,
    schema: &'d Value,
    is_file: bool,
}

impl<'d> Answer<'d> {
    fn of(operation: &'d Value, document: &'d Value) -> Self {
        let content = success(operation).and_then(|(_, answer)| content(answer));
        let is_file = content.is_some_and(|(media, _)| !media.contains("json"));
        Self {
            document,
            schema: content.map_or(&Value::Null, |(_, schema)| schema),
            is_file,
        }
    }

    fn is_list(&self) -> bool {
        self.followed(self.schema)
            .any(|schema| schema["type"] == "array")
    }

    fn is_list_at(&self, pointer: &str) -> bool {
        if pointer.is_empty() {
            return self.is_list();
        }
        let found = self.at(pointer);
        found.is_some_and(|schema| {
            self.followed(schema)
                .any(|schema| schema["type"] == "array")
        })
    }

    /// The declared members among the success flags; where there is one, all its spellings.
    fn flags(&self) -> Vec<String> {
        let is_there = FLAGS
            .iter()
            .any(|flag| self.at(&format!("/{flag}")).is_some());
        let all = FLAGS.iter().map(|flag| format!("/{flag}"));
        if is_there { all.collect() } else { Vec::new() }
    }

    /// What is at the pointer. A member that the service writes in snake case and in camel case is declared once.
    fn declared(&self, pointer: &str) -> Option<&'d Value> {
        let twin = |word: String| self.at(&format!("/{word}"));
        let word = pointer.trim_start_matches('/');
        self.at(pointer)
            .or_else(|| twin(word.to_snake_case()))
            .or_else(|| twin(word.to_lower_camel_case()))
    }

    /// The type of what is at the pointer, where one is said.
    fn kind(&self, pointer: &str) -> Option<&'d str> {
        let found = self.declared(pointer)?;
        self.followed(found)
            .find_map(|schema| schema["type"].as_str())
    }

    fn at(&self, pointer: &str) -> Option<&'d Value> {
        if !pointer.starts_with('/') {
            return None;
        }
        crate::pointer::keys(pointer).try_fold(self.schema, |schema, key| {
            self.followed(schema)
                .find_map(|schema| schema["properties"].get(&key))
        })
    }

    /// A schema and all that it is made of.
    fn followed(&self, schema: &'d Value) -> impl Iterator<Item = &'d Value> + use<'d> {
        let mut found = Vec::new();
        let mut next = vec![schema];
        while let Some(schema) = next.pop() {
            // Schemas may refer to themselves.
            if found.len() > 100 {
                break;
            }
            let target = schema["$ref"]
                .as_str()
                .and_then(|reference| reference.strip_prefix('#'));
            next.extend(target.and_then(|target| self.document.pointer(target)));
            for key in ["allOf", "oneOf", "anyOf"] {
                next.extend(schema[key].as_array().into_iter().flatten());
            }
            found.push(schema);
        }
        found.into_iter()
    }
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}
