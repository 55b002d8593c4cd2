//! Arguments and answers made from the description: the same ones in every run, with all that is described.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// An id that must be escaped wherever it goes.
const ID: &str = "a/../b?x=1&é日";

/// One operation: what it is given, what must then be on the wire, and what it may answer.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub method: String,
    pub api_version: Option<String>,
    pub has_token: bool,
    /// The segments of the path, not escaped.
    pub path: Vec<String>,
    /// Not escaped, sorted.
    pub query: Vec<(String, String)>,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    pub is_form: bool,
    /// Parameters by name.
    pub parameters: Map<String, Value>,
    /// Names of those that must be given.
    pub required: Vec<String>,
    pub status: u16,
    pub answer: Answer,
}

#[derive(Debug)]
pub enum Answer {
    Json(Value),
    File { media: String },
}

/// A description that was read.
pub struct Description(Value);

impl Description {
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Every operation that is described.
    pub fn cases(&self) -> Vec<Case> {
        let paths = self.0["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, item)| {
                let operations = item.as_object().unwrap().iter();
                operations.map(move |(method, operation)| self.case(path, method, operation))
            })
            .collect()
    }

    /// A named schema and a value for it.
    #[allow(
        dead_code,
        reason = "not all of the tests that share this file need it"
    )]
    pub fn component(&self, name: &str) -> (&Value, Value) {
        let schema = &self.0["components"]["schemas"][name];
        assert!(schema.is_object(), "there is no component {name}");
        (schema, self.value(name, schema, &mut vec![name.to_owned()]))
    }

    /// The members that the body of an operation must have.
    #[allow(
        dead_code,
        reason = "only one of the tests that share this file needs it"
    )]
    pub fn required_members(&self, operation_id: &str) -> Vec<String> {
        let items = self.0["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        operations
            .filter(|operation| operation["operationId"] == operation_id)
            .filter_map(|operation| media(&operation["requestBody"]))
            .flat_map(|(_, schema)| {
                self.follow(schema)["required"]
                    .as_array()
                    .into_iter()
                    .flatten()
            })
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    fn case(&self, path: &str, method: &str, operation: &Value) -> Case {
        let mut case = Case {
            name: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase(),
            api_version: operation["x-api-version"].as_str().map(str::to_owned),
            has_token: operation.get("security") != Some(&json!([])),
            path: path.split('/').map(str::to_owned).collect(),
            query: Vec::new(),
            headers: BTreeMap::new(),
            body: None,
            is_form: false,
            parameters: Map::new(),
            required: Vec::new(),
            status: 0,
            answer: Answer::Json(Value::Null),
        };
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            self.parameter(self.follow(parameter), &mut case);
        }
        case.query.sort();
        if let Some((media, schema)) = media(&operation["requestBody"]) {
            case.is_form = media.contains("form");
            case.body = Some(self.value("body", schema, &mut Vec::new()));
        }
        let answers = operation["responses"].as_object().unwrap();
        let (status, answer) = answers
            .iter()
            .find(|(status, _)| status.starts_with('2'))
            .unwrap();
        case.status = status.parse().unwrap();
        let (media, schema) = media(answer).unwrap();
        case.answer = if media.contains("json") {
            let mut answer = self.value("answer", schema, &mut Vec::new());
            show_what_was_asked(&mut answer, path, operation, &case.parameters);
            if let (Some(sent), "delete") = (&case.body, method) {
                show_what_is_left(&mut answer, sent);
            }
            Answer::Json(answer)
        } else {
            Answer::File {
                media: media.clone(),
            }
        };
        case
    }

    fn parameter(&self, parameter: &Value, case: &mut Case) {
        let in_path = parameter["name"].as_str().unwrap();
        let name = parameter["x-vendor-name"].as_str().unwrap_or(in_path);
        let schema = self.follow(&parameter["schema"]);
        let is_free_text = schema["type"] == "string" && schema.get("enum").is_none();
        let mut value = self.value(name, schema, &mut Vec::new());
        if is_free_text && schema.get("maxLength").is_none() {
            value = json!(ID);
        }
        match parameter["in"].as_str().unwrap() {
            "path" => {
                let template = format!("{{{in_path}}}");
                for segment in case.path.iter_mut().filter(|segment| **segment == template) {
                    *segment = text(&value);
                }
            }
            "query" => {
                let values = value
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![value.clone()]);
                case.query
                    .extend(values.iter().map(|value| (name.to_owned(), text(value))));
            }
            // The transport adds it, as the table of operations says.
            "header" if name == "Version" => return,
            "header" => {
                // Headers hold ASCII only.
                value = json!(format!("{name}-1"));
                case.headers.insert(name.to_owned(), text(&value));
                return;
            }
            other => panic!(
                "{}: a parameter in {other} has no case; add one here",
                case.name
            ),
        }
        if parameter["required"] == true {
            case.required.push(name.to_owned());
        }
        case.parameters.insert(name.to_owned(), value);
    }

    fn follow<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(&reference[1..]).expect(reference),
            None => value,
        }
    }

    /// A value for a schema. `open` are the components that it is in: one that is in itself ends there.
    fn value(&self, name: &str, schema: &Value, open: &mut Vec<String>) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            open.push(reference.rsplit('/').next().unwrap().to_owned());
            let value = self.value(name, self.follow(schema), open);
            open.pop();
            return value;
        }
        if let Some(only) = schema["allOf"].get(0) {
            return self.value(name, only, open);
        }
        if let Some(first) = schema["oneOf"].get(0) {
            return self.value(name, first, open);
        }
        if let Some(word) = schema["enum"].get(0) {
            // Numbers that need not be whole are written with their fraction.
            return match word.as_f64() {
                Some(number) if schema["type"] == "number" => json!(number),
                _ => word.clone(),
            };
        }
        match schema["type"].as_str() {
            Some("string") => json!(string(name, schema)),
            Some("integer") => json!(bounded(schema, 7)),
            // Decimals are read as text, so they are written so.
            Some("number") if schema["format"] == "decimal" => json!("2.50"),
            // A multiple of a half, which is the only step that is described.
            Some("number") => json!(schema["maximum"].as_f64().map_or(2.5, |most| most.min(2.5))),
            Some("boolean") => json!(true),
            Some("array") if is_open(&schema["items"], open) => json!([]),
            Some("array") => json!([self.value(name, &schema["items"], open)]),
            Some("object") => self.object(name, schema, open),
            None => json!({ name: ["anything", 1] }),
            Some(other) => panic!("{name}: the type {other} has no value; add one here"),
        }
    }

    fn object(&self, name: &str, schema: &Value, open: &mut Vec<String>) -> Value {
        let mut object = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if !is_open(member, open) {
                object.insert(name.clone(), self.value(name, member, open));
            }
        }
        let text = json!({ "type": "string" });
        let others = match &schema["additionalProperties"] {
            others @ Value::Object(_) => Some(others),
            Value::Bool(false) => None,
            _ if schema.get("properties").is_none() => Some(&text),
            _ => None,
        };
        if let Some(others) = others {
            object.insert(format!("{name}Key"), self.value(name, others, open));
        }
        Value::Object(object)
    }
}

/// A record that is asked for by its id has that id in the answer.
fn show_what_was_asked(
    answer: &mut Value,
    path: &str,
    operation: &Value,
    parameters: &Map<String, Value>,
) {
    let evidence = &operation["x-evidence"];
    let asked = match evidence {
        Value::Null => path
            .rsplit('/')
            .next()
            .and_then(|last| last.strip_prefix('{')?.strip_suffix('}')),
        said => said["asked"].as_str(),
    };
    let id = evidence["record"].as_str().or(operation["x-id"].as_str());
    if let (Some(asked), Some(id)) = (asked, id)
        && operation.get("x-items").is_none()
        && let Some(id) = answer.pointer_mut(id)
    {
        *id = parameters[asked].clone();
    }
}

/// A list out of which something was to be taken does not have it any more.
fn show_what_is_left(answer: &mut Value, sent: &Value) {
    for (name, value) in answer.as_object_mut().into_iter().flatten() {
        if value.is_array() && sent[name].is_array() {
            *value = json!([]);
        }
    }
}

/// Whether a schema is a component that the value is in already.
fn is_open(schema: &Value, open: &[String]) -> bool {
    let reference = schema["allOf"][0]["$ref"]
        .as_str()
        .or(schema["$ref"].as_str());
    reference.is_some_and(|reference| {
        open.iter()
            .any(|name| reference.ends_with(&format!("/{name}")))
    })
}

fn string(name: &str, schema: &Value) -> String {
    match schema["format"].as_str() {
        Some("date") => return "2026-03-04".to_owned(),
        Some("date-time") => return "2026-03-04T05:06:07Z".to_owned(),
        _ => {}
    }
    // Where a message is all that an answer shows, it says that it was done.
    let name = if name == "message" { "Done" } else { name };
    let mut text = format!("{name} é日");
    if let Some(most) = schema["maxLength"].as_u64() {
        text = text.chars().take(usize::try_from(most).unwrap()).collect();
    }
    while (text.chars().count() as u64) < schema["minLength"].as_u64().unwrap_or(0) {
        text.push('+');
    }
    text
}

fn bounded(schema: &Value, usual: i64) -> i64 {
    let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
    let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    usual.clamp(least, most)
}

fn media(holder: &Value) -> Option<(&String, &Value)> {
    let (media, content) = holder["content"].as_object()?.iter().next()?;
    Some((media, &content["schema"]))
}

/// A value as a path, query or form says it.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `%41` is A.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| *first == b'%');
        let code =
            code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = &tail[if code.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(bytes).unwrap()
}
