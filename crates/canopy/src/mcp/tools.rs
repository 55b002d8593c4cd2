//! The three tools: find an operation, describe it, call it.

use std::sync::{Mutex, PoisonError};

use canopy_highlevel::{AnswerKind, Description, Forms, Refusal};
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::{self, JsonSchema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::fit::{Fitted, Wanted, fit};
use crate::exit::Failure;
use crate::ops::cli::Mcp;
use crate::ops::{self, Caller, Entry, Known, Preview, catalog};

/// So many operations are found at once.
const FOUND: usize = 20;

const FIND: &str = "find_operations";
const DESCRIBE: &str = "describe_operation";
const CALL: &str = "call_operation";

/// What the tools work with.
pub(super) struct Tools {
    pub caller: Caller,
    allow_actions: bool,
    /// An answer has so many bytes at most.
    most: usize,
    /// What calls have shown of the token's scopes.
    shown: Mutex<Known>,
}

/// What is around an answer.
const FRAME: usize = 600;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Find {
    /// What is to be done, in a few words: "add a note to a contact". Empty lists everything.
    query: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Describe {
    /// The operation's name, as `find_operations` tells it
    name: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Call {
    /// The operation's name, as `find_operations` tells it
    name: String,
    /// One flat object of the fields that `describe_operation` lists, wherever they go. `locationId` is filled in when it
    /// is left out.
    #[serde(default, deserialize_with = "object")]
    arguments: Map<String, Value>,
    /// Check the arguments and show the request, the location and the scopes that it needs; send nothing.
    #[serde(default, deserialize_with = "yes_or_no")]
    dry_run: bool,
    /// Only these members of each record of the answer: names, or JSON pointers such as /contact/email.
    #[serde(default, deserialize_with = "list")]
    fields: Vec<String>,
    /// Only this part of the answer: a JSON pointer such as /contact/tags.
    #[serde(default)]
    part: Option<String>,
    /// Pass over so many records of the answer's list, characters of its text or members of its object, as `left_out` of an
    /// earlier answer says.
    #[serde(default, deserialize_with = "count")]
    skip: usize,
}

/// An object, or the text of its JSON: several assistants write arguments that are objects so.
fn object<'de, D: Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    let wrong = || serde::de::Error::custom("`arguments` must be an object");
    match Value::deserialize(from)? {
        Value::Object(members) => Ok(members),
        Value::Null => Ok(Map::new()),
        Value::String(text) if text.trim().is_empty() => Ok(Map::new()),
        Value::String(text) => serde_json::from_str(&text).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// As [`object`], for true or false.
fn yes_or_no<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match plain(Value::deserialize(from)?) {
        Value::Null => Ok(false),
        Value::Bool(said) => Ok(said),
        _ => Err(serde::de::Error::custom("`dry_run` must be true or false")),
    }
}

/// As [`object`], for a whole number from 0; `43.0` is one.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let value = plain(Value::deserialize(from)?);
    let whole = match &value {
        Value::Null => Some(0),
        Value::Number(number) => number
            .as_u64()
            .or_else(|| format!("{number}").strip_suffix(".0")?.parse().ok()),
        _ => None,
    };
    whole
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| serde::de::Error::custom("`skip` must be a whole number from 0"))
}

/// What a text says as JSON, with blanks and an empty text as nothing.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        Value::String(text) => {
            serde_json::from_str(&text.trim().to_lowercase()).unwrap_or(Value::String(text))
        }
        value => value,
    }
}

/// As [`object`], for a list; a name alone is a list of one.
fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let wrong = || serde::de::Error::custom("`fields` must be a list of names");
    match Value::deserialize(from)? {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(&text).map_err(|_| wrong())
        }
        Value::String(name) => Ok(vec![name]),
        list => serde_json::from_value(list).map_err(|_| wrong()),
    }
}

/// What a tool says: an answer, or a text that tells the assistant what to do otherwise.
type Said = Result<Value, Failure>;

impl Tools {
    pub fn new(caller: Caller, options: &Mcp) -> Self {
        Self {
            caller,
            allow_actions: options.allow_actions,
            most: usize::try_from(options.max_answer).unwrap_or(usize::MAX) - FRAME,
            shown: Mutex::default(),
        }
    }

    pub fn instructions(&self) -> String {
        let actions = if self.allow_actions {
            "Operations that change something are allowed."
        } else {
            "Only operations that read are allowed; the operator can allow the others with --allow-actions."
        };
        format!(
            "HighLevel's API for one sub-account (location); its connection is in the mode \"{}\". Find an operation with \
             {FIND}, read its fields with {DESCRIBE}, then call it with {CALL}. {actions} Answers hold personal data of the account's contacts; long ones \
             are cut, and `left_out` tells how to go on.",
            self.caller.mode()
        )
    }

    pub fn list(&self) -> Vec<Tool> {
        let looks = || ToolAnnotations::new().read_only(true).open_world(false);
        vec![
            Tool::new(
                FIND,
                "Finds HighLevel operations by what is to be done, the best match first.",
                schema_for_type::<Find>(),
            )
            .with_annotations(looks()),
            Tool::new(
                DESCRIBE,
                "Describes one operation: its fields with types and allowed values, scopes, and arguments to start from.",
                schema_for_type::<Describe>(),
            )
            .with_annotations(looks()),
            Tool::new(
                CALL,
                "Calls one operation and gives its answer with the location that it is of. Arguments are checked first; the text of a refusal names the wrong field. An answer that is too long is cut, and `left_out` tells how to go on.",
                schema_for_type::<Call>(),
            )
            .with_annotations(
                ToolAnnotations::new()
                    .read_only(!self.allow_actions)
                    .destructive(self.allow_actions)
                    .open_world(true),
            ),
        ]
    }

    pub async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
    ) -> Result<CallToolResult, ErrorData> {
        let said = match tool {
            FIND => read(arguments).map(|find: Find| self.find(&find.query)),
            DESCRIBE => {
                read(arguments).and_then(|describe: Describe| self.describe(&describe.name))
            }
            CALL => match read(arguments) {
                Ok(call) => self.invoke(call).await,
                Err(failure) => Err(failure),
            },
            other => {
                let text = format!(
                    "there is no tool \"{other}\"; there are {FIND}, {DESCRIBE} and {CALL}"
                );
                return Err(ErrorData::invalid_params(text, None));
            }
        };
        Ok(match said {
            // As text alone: `structuredContent` is for tools that promise a schema, every client shows text to its model,
            // and several show both, so that each record would be read and paid for twice.
            Ok(answer) => CallToolResult::success(vec![ContentBlock::text(answer.to_string())]),
            Err(failure) => CallToolResult::error(vec![ContentBlock::text(failure.to_string())]),
        })
    }

    fn find(&self, query: &str) -> Value {
        let found = ops::search(catalog::entries(), query);
        let shown = if query.trim().is_empty() {
            found.len()
        } else {
            FOUND
        };
        let rows = found.iter().take(shown).map(|entry| {
            json!({
                "name": entry.name,
                "title": entry.title,
                "kind": entry.kind,
                "category": entry.category,
                "allowed": self.allows(entry),
            })
        });
        let rows: Vec<Value> = rows.collect();
        let answer = json!({ "operations": rows });
        let fitted = fit(
            answer,
            Some("/operations"),
            None,
            &Wanted::default(),
            self.most,
        );
        let mut answer = fitted.map_or(Value::Null, |fitted| fitted.answer);
        let shown = answer["operations"].as_array().map_or(0, Vec::len);
        answer["left_out"] = found.len().saturating_sub(shown).into();
        answer
    }

    fn describe(&self, name: &str) -> Said {
        let entry = catalog::find(name)?;
        let mut described = ops::as_json(&entry, &entry.describe());
        described["allowed"] = self.allows(&entry).into();
        let fitted = fit(described, None, None, &Wanted::default(), self.most);
        let Fitted {
            mut answer,
            left_out,
        } = fitted.map_err(Failure::BadInput)?;
        if let Some(left_out) = left_out {
            answer["left_out"] = left_out.told(true)["cut"].clone();
        }
        Ok(answer)
    }

    async fn invoke(&self, call: Call) -> Said {
        let entry = catalog::find(&call.name)?;
        let description = entry.describe();
        let arguments = entry.expand(&Value::Object(call.arguments), Forms::Texts)?;
        if call.dry_run {
            return self.rehearse(&entry, &description, arguments).await;
        }
        if !self.allows(&entry) {
            return Err(Failure::BadInput(format!(
                "{} changes something, and this server only reads; the operator can allow actions by starting it with \
                 `canopy mcp --allow-actions`",
                entry.name
            )));
        }
        if description.answer == AnswerKind::Bytes {
            return Err(Failure::BadInput(format!(
                "{} answers with a file; the operator can get it with `canopy call {} --out FILE`",
                entry.name, entry.name
            )));
        }
        let repeats = entry.only_reads();
        if !repeats && (call.skip > 0 || call.part.is_some()) {
            return Err(Failure::BadInput(format!(
                "`skip` and `part` are for operations that read: {} would be carried out once more",
                entry.name
            )));
        }
        entry.check(&description, &arguments)?;
        self.caller.may_send(repeats)?;
        let arguments = self.caller.complete(&description, arguments).await?;
        let answer = self
            .caller
            .client()
            .invoke(entry.operation.name, &arguments)
            .await;
        self.learn(&entry, answer.as_ref().err());
        let answer = answer.map_err(|error| ops::failure(&error))?;
        let wanted = Wanted {
            part: call.part.filter(|part| !part.is_empty()),
            skip: call.skip,
            fields: call.fields,
        };
        let (list, record) = (entry.operation.items, entry.operation.record);
        let fitted = fit(answer, list, record, &wanted, self.most);
        let Fitted { answer, left_out } = fitted.map_err(|problem| {
            let done = if repeats {
                ""
            } else {
                " (the operation was carried out)"
            };
            Failure::BadInput(problem + done)
        })?;
        let mut said = self.frame(&entry, &arguments).await;
        said["answer"] = answer;
        if let Some(left_out) = left_out {
            said["left_out"] = left_out.told(repeats);
        }
        Ok(said)
    }

    /// What would be sent, and whether the token may.
    async fn rehearse(&self, entry: &Entry, description: &Description, arguments: Value) -> Said {
        entry.check(description, &arguments)?;
        let arguments = self.caller.complete(description, arguments).await?;
        let preview = Preview::new(self.caller.base_url(), entry, &arguments)?;
        let mut known = match self.caller.granted().await {
            Some(granted) => Known::granted(&granted),
            None => Known::default(),
        };
        known.extend(&self.shown());
        let mut said = self.frame(entry, &arguments).await;
        said["dry_run"] = preview.as_json();
        said["scopes"] = known.of(entry.operation).as_json();
        said["changes_something"] = (!entry.only_reads()).into();
        said["allowed"] = self.allows(entry).into();
        Ok(said)
    }

    /// Of which account an answer is.
    async fn frame(&self, entry: &Entry, arguments: &Value) -> Value {
        let named = ["locationId", "location_id", "altId"];
        let named = named.iter().find_map(|name| arguments[*name].as_str());
        let location = match named {
            Some(location) => Some(location.to_owned()),
            None => self.caller.location().await.ok().map(str::to_owned),
        };
        json!({
            "operation": entry.name, "connection": self.caller.connection(), "mode": self.caller.mode_word(),
            "location": location,
        })
    }

    /// A call that was carried out shows scopes that the token has, a refusal one that it lacks.
    fn learn(&self, entry: &Entry, error: Option<&canopy_highlevel::Error>) {
        let has = match error.map(canopy_highlevel::Error::refusal) {
            None => true,
            Some(Some(Refusal::ScopeMissing { .. })) => false,
            Some(_) => return,
        };
        self.shown().learn(entry.operation, has);
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Known> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allows(&self, entry: &Entry) -> bool {
        self.allow_actions || entry.only_reads()
    }
}

fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Failure::BadInput(format!("the tool's arguments are wrong: {error}")))
}
