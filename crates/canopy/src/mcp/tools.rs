//! The three tools: find an operation, describe it, call it.

use canopy_highlevel::AnswerKind;
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::exit::Failure;
use crate::ops::{self, Caller, Entry, catalog};

/// So many operations are found at once.
const FOUND: usize = 20;

const FIND: &str = "find_operations";
const DESCRIBE: &str = "describe_operation";
const CALL: &str = "call_operation";

/// What the tools work with.
pub(super) struct Tools {
    pub caller: Caller,
    pub allow_actions: bool,
}

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
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// What a tool says: an answer, or a text that tells the assistant what to do otherwise.
type Said = Result<Value, Failure>;

impl Tools {
    pub fn instructions(&self) -> String {
        let actions = if self.allow_actions {
            "Operations that change something are allowed."
        } else {
            "Only operations that read are allowed; the operator can allow the others with --allow-actions."
        };
        format!(
            "HighLevel's API for one sub-account (location). Find an operation with {FIND}, read its fields with \
             {DESCRIBE}, then call it with {CALL}. {actions} Answers hold personal data of the account's contacts."
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
                "Calls one operation and gives its answer. Arguments are checked first; the text of a refusal names the wrong field.",
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
            Ok(answer @ Value::Object(_)) => CallToolResult::structured(answer),
            // Clients of older versions of the protocol take nothing but an object there.
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
        json!({ "operations": rows, "left_out": found.len().saturating_sub(shown) })
    }

    fn describe(&self, name: &str) -> Said {
        let entry = catalog::find(name)?;
        let mut described = ops::as_json(&entry, &entry.describe());
        described["allowed"] = self.allows(&entry).into();
        Ok(described)
    }

    async fn invoke(&self, call: Call) -> Said {
        let entry = catalog::find(&call.name)?;
        if !self.allows(&entry) {
            return Err(Failure::BadInput(format!(
                "{} changes something, and this server only reads; the operator can allow actions by starting it with \
                 `canopy mcp --allow-actions`",
                entry.name
            )));
        }
        let description = entry.describe();
        if description.answer == AnswerKind::Bytes {
            return Err(Failure::BadInput(format!(
                "{} answers with a file; the operator can get it with `canopy call {} --out FILE`",
                entry.name, entry.name
            )));
        }
        let arguments = entry.expand(Value::Object(call.arguments))?;
        entry.check(&description, &arguments)?;
        let arguments = self.caller.complete(&description, arguments).await?;
        let answer = self
            .caller
            .client()
            .invoke(entry.operation.name, &arguments)
            .await;
        answer.map_err(|error| ops::failure(&error))
    }

    fn allows(&self, entry: &Entry) -> bool {
        self.allow_actions || entry.only_reads()
    }
}

fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Failure::BadInput(format!("the tool's arguments are wrong: {error}")))
}
