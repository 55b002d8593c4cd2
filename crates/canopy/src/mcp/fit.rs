//! Answers of a size that a model can read: what is left out, and how to get it.

use serde_json::{Map, Value, json};

/// What of an answer is wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// JSON pointer of a part of the answer.
    pub part: Option<String>,
    /// Records of the list, or characters of the text, that are passed over.
    pub skip: usize,
    /// Members of each record, by name or JSON pointer.
    pub fields: Vec<String>,
}

/// An answer that fits, and what it lacks.
#[derive(Debug, PartialEq)]
pub(super) struct Fitted {
    pub answer: Value,
    /// `None`: nothing is left out.
    pub left_out: Option<LeftOut>,
}

#[derive(Debug, PartialEq)]
pub(super) enum LeftOut {
    /// Whole records of a list: so many are shown, from this one on, of so many.
    Records {
        shown: usize,
        from: usize,
        of: usize,
        /// Places that were cut within the one that is shown.
        cut: Vec<String>,
    },
    /// Characters of a text.
    Characters {
        shown: usize,
        from: usize,
        of: usize,
    },
    /// Places (JSON pointers) where a text or list was cut, with what was there.
    Places { cut: Vec<String>, more: usize },
}

/// Texts (characters) and lists (elements) are cut to these sizes, the gentlest that is enough.
const CUTS: [(usize, usize); 6] = [
    (4000, 50),
    (1000, 20),
    (300, 10),
    (100, 4),
    (40, 1),
    (10, 0),
];
/// So many places are named.
const NAMED: usize = 20;

/// Takes what is wanted of an answer and cuts it to `most` bytes of JSON. `list` and `record` are JSON pointers of the
/// operation's list or of its one record.
pub(super) fn fit(
    mut answer: Value,
    list: Option<&str>,
    record: Option<&str>,
    wanted: &Wanted,
    most: usize,
) -> Result<Fitted, String> {
    let (mut list, mut record) = (list, record);
    if let Some(pointer) = &wanted.part {
        answer = part(&answer, pointer)?;
        (list, record) = (Some(""), None);
    }
    let list = list.filter(|pointer| answer.pointer(pointer).is_some_and(Value::is_array));
    if let Some(records) = list.and_then(|pointer| answer.pointer_mut(pointer)?.as_array_mut()) {
        select(records, "", &wanted.fields)?;
    } else if let Some(one) = answer.pointer_mut(record.unwrap_or_default()) {
        select(
            std::slice::from_mut(one),
            record.unwrap_or_default(),
            &wanted.fields,
        )?;
    }
    if let Some(pointer) = list {
        return Ok(of_list(answer, pointer, wanted.skip, most));
    }
    if let Value::String(text) = &answer {
        return Ok(of_text(text, wanted.skip, most));
    }
    if wanted.skip > 0 {
        let problem = "`skip` is for lists and texts, and this answer is neither; name one of it by `part`, a JSON \
                       pointer such as /contact/tags";
        return Err(problem.to_owned());
    }
    if size(&answer) <= most {
        return Ok(Fitted {
            answer,
            left_out: None,
        });
    }
    let (answer, cut, more) = shrunk(&answer, most);
    Ok(Fitted {
        answer,
        left_out: Some(LeftOut::Places { cut, more }),
    })
}

fn part(answer: &Value, pointer: &str) -> Result<Value, String> {
    answer.pointer(pointer).cloned().ok_or_else(|| {
        let there = match answer {
            Value::Object(members) => members
                .keys()
                .map(|name| format!("/{}", escaped(name)))
                .collect::<Vec<_>>()
                .join(", "),
            _ => "no members".to_owned(),
        };
        format!("`part`: the answer has nothing at \"{pointer}\"; there are: {there}")
    })
}

/// Leaves these members of each record; a name that none has is refused. `root` is where the one record is within the
/// answer: pointers may begin there as well as within the record.
fn select(records: &mut [Value], root: &str, fields: &[String]) -> Result<(), String> {
    if fields.is_empty() || records.is_empty() {
        return Ok(());
    }
    let mut places = Vec::new();
    for field in fields {
        let place = if field.starts_with('/') {
            field.clone()
        } else {
            format!("/{}", escaped(field))
        };
        let within = place
            .strip_prefix(root)
            .filter(|rest| !root.is_empty() && rest.starts_with('/'));
        let there = [Some(place.as_str()), within]
            .into_iter()
            .flatten()
            .find(|place| records.iter().any(|record| record.pointer(place).is_some()));
        let Some(there) = there else {
            let members = records.iter().filter_map(Value::as_object);
            let mut names: Vec<&String> = members.flat_map(Map::keys).collect();
            names.sort_unstable();
            names.dedup();
            let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
            return Err(format!(
                "`fields`: no record has \"{field}\"; there are: {}",
                names.join(", ")
            ));
        };
        // A member of the record itself keeps its own name.
        let member = records
            .iter()
            .filter_map(Value::as_object)
            .flat_map(Map::keys);
        let name = member
            .map(String::as_str)
            .find(|name| format!("/{}", escaped(name)) == there);
        places.push((name.unwrap_or(field).to_owned(), there.to_owned()));
    }
    for record in records {
        let kept = places
            .iter()
            .filter_map(|(name, place)| Some((name.clone(), record.pointer(place)?.clone())));
        *record = Value::Object(kept.collect());
    }
    Ok(())
}

fn of_list(mut answer: Value, pointer: &str, skip: usize, most: usize) -> Fitted {
    let Some(list) = answer.pointer_mut(pointer).and_then(Value::as_array_mut) else {
        return Fitted {
            answer,
            left_out: None,
        };
    };
    let of = list.len();
    let from = skip.min(of);
    let mut records: Vec<Value> = std::mem::take(list).split_off(from);
    let room = most.saturating_sub(size(&answer));
    let (mut used, mut shown) = (0, 0);
    for record in &records {
        used += size(record) + 1;
        if used > room {
            break;
        }
        shown += 1;
    }
    let mut cut = Vec::new();
    let mut rest = None;
    if shown == 0 && !records.is_empty() {
        // What is around the list may be the larger part.
        let room = room.max(most / 2);
        let (record, places, _) = shrunk(&records[0], room);
        records[0] = record;
        cut = places;
        shown = 1;
        if size(&answer) + room > most {
            let (around, places, _) = shrunk(&answer, most.saturating_sub(room));
            cut.extend(places);
            rest = Some(around);
        }
    }
    records.truncate(shown);
    let mut answer = rest.unwrap_or(answer);
    if let Some(list) = answer.pointer_mut(pointer) {
        *list = Value::Array(records);
    }
    let left_out = (shown < of || !cut.is_empty()).then_some(LeftOut::Records {
        shown,
        from,
        of,
        cut,
    });
    Fitted { answer, left_out }
}

fn of_text(text: &str, skip: usize, most: usize) -> Fitted {
    let of = text.chars().count();
    let mut used = 2;
    let shown: String = text
        .chars()
        .skip(skip)
        .take_while(|letter| {
            used += match letter {
                '"' | '\\' | '\n' | '\r' | '\t' => 2,
                letter if letter.is_control() => 6,
                letter => letter.len_utf8(),
            };
            used <= most
        })
        .collect();
    let count = shown.chars().count();
    let left_out = (count < of).then_some(LeftOut::Characters {
        shown: count,
        from: skip.min(of),
        of,
    });
    Fitted {
        answer: Value::String(shown),
        left_out,
    }
}

/// The value with its long texts and lists cut, which places those were, and how many are not named.
fn shrunk(value: &Value, most: usize) -> (Value, Vec<String>, usize) {
    let mut last = None;
    for (text, list) in CUTS {
        let mut cut = Vec::new();
        let small = cut_down(value, text, list, &mut String::new(), &mut cut);
        let fits = size(&small) <= most;
        last = Some((small, cut));
        if fits {
            break;
        }
    }
    let (mut small, mut cut) = last.unwrap_or_default();
    if let (true, Value::Object(members)) = (size(&small) > most, &mut small) {
        // Too many members: the last ones go.
        while size(&Value::Object(members.clone())) > most
            && let Some(name) = members.keys().next_back().cloned()
        {
            members.shift_remove(&name);
            cut.insert(0, format!("/{} (left out)", escaped(&name)));
        }
    }
    let more = cut.len().saturating_sub(NAMED);
    cut.truncate(NAMED);
    (small, cut, more)
}

fn cut_down(
    value: &Value,
    text: usize,
    list: usize,
    place: &mut String,
    cut: &mut Vec<String>,
) -> Value {
    match value {
        Value::String(long) => {
            let length = long.chars().count();
            if length <= text {
                return value.clone();
            }
            cut.push(format!("{place} (text of {length} characters)"));
            let begin: String = long.chars().take(text).collect();
            Value::String(format!("{begin}…"))
        }
        Value::Array(elements) => {
            if elements.len() > list {
                let length = elements.len();
                cut.push(format!("{place} (list of {length}, {list} shown)"));
            }
            let shown = elements.iter().take(list).enumerate();
            let shown = shown.map(|(index, element)| {
                below(place, &index.to_string(), |place| {
                    cut_down(element, text, list, place, cut)
                })
            });
            Value::Array(shown.collect())
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let member = below(place, &escaped(name), |place| {
                    cut_down(member, text, list, place, cut)
                });
                (name.clone(), member)
            });
            Value::Object(members.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn below<T>(place: &mut String, name: &str, then: impl FnOnce(&mut String) -> T) -> T {
    let length = place.len();
    place.push('/');
    place.push_str(name);
    let result = then(place);
    place.truncate(length);
    result
}

/// As one token of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn size(value: &Value) -> usize {
    value.to_string().len()
}

impl LeftOut {
    /// What is left out, and how to go on. `repeats`: calling once more only reads.
    pub fn told(&self, repeats: bool) -> Value {
        const DONE: &str = "the operation was carried out: do not call it again; what is cut can be read by an operation \
                            that reads";
        match self {
            Self::Records {
                shown,
                from,
                of,
                cut,
            } => {
                let next = from + shown;
                let mut told = json!({ "records": { "shown": shown, "from": from, "of": of } });
                if next < *of && repeats {
                    told["go_on"] = json!({ "skip": next });
                }
                let how = match (next < *of, repeats) {
                    (_, false) => DONE.to_owned(),
                    (true, true) => format!(
                        "call it again with the same arguments and skip = {next}; or with fields = [names of the members \
                         that are needed], or with a smaller page"
                    ),
                    (false, true) => "this is the last record of the answer; further pages, if there are any, come by the \
                                      operation's own paging arguments"
                        .to_owned(),
                };
                told["how"] = how.into();
                if !cut.is_empty() {
                    told["cut"] = json!(cut);
                }
                told
            }
            Self::Characters { shown, from, of } => {
                let next = from + shown;
                let mut told = json!({ "characters": { "shown": shown, "from": from, "of": of } });
                if next < *of {
                    told["go_on"] = json!({ "skip": next });
                    told["how"] =
                        format!("call it again with the same arguments and skip = {next}").into();
                }
                told
            }
            Self::Places { cut, more } => {
                let how = if repeats {
                    "call it again with the same arguments and part = one of these JSON pointers (and skip), or with \
                     fields = [names of the members that are needed]"
                } else {
                    DONE
                };
                json!({ "cut": cut, "more_places": more, "how": how })
            }
        }
    }
}

#[cfg(test)]
mod tests;
