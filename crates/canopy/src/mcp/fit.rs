//! Answers of a size that a model can read: what is left out, and how to get it.

use serde_json::{Map, Value, json};

mod shrink;

use shrink::{Cut, shrunk};

/// What of an answer is wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// JSON pointer of a part of the answer.
    pub part: Option<String>,
    /// Records of the list, characters of the text or members of the object that are passed over.
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
    /// Members of an object.
    Members {
        shown: usize,
        from: usize,
        of: usize,
        /// Places that were cut within those that are shown.
        cut: Vec<String>,
    },
    /// Places (JSON pointers) where a text, list or object was cut, with what was there.
    Places {
        cut: Vec<String>,
        more: usize,
        /// The object of which most is left out, and how many of its members are shown.
        go_on: Option<(String, usize)>,
    },
}

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
    let root = wanted.part.as_deref().unwrap_or_default();
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
        return Ok(of_list(answer, pointer, root, wanted.skip, most));
    }
    if let Value::String(text) = &answer {
        return Ok(of_text(text, wanted.skip, most));
    }
    if size(&answer) <= most && wanted.skip == 0 {
        return Ok(Fitted {
            answer,
            left_out: None,
        });
    }
    match answer {
        // Beside its one record an answer has little that could be passed over.
        Value::Object(members)
            if wanted.part.is_some() || wanted.skip > 0 && record.is_none_or(str::is_empty) =>
        {
            Ok(of_object(members, root, wanted.skip, most))
        }
        answer if wanted.skip == 0 => {
            let Cut {
                value,
                places,
                more,
                go_on,
            } = shrunk(&answer, root, most);
            let left_out = Some(LeftOut::Places {
                cut: places,
                more,
                go_on,
            });
            Ok(Fitted {
                answer: value,
                left_out,
            })
        }
        _ => {
            let problem = "`skip` is for lists, texts and objects with many members; name one of this answer by `part`, a \
                           JSON pointer such as /contact/tags";
            Err(problem.to_owned())
        }
    }
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

/// `within` is where the answer is within the whole one.
fn of_list(mut answer: Value, pointer: &str, within: &str, skip: usize, most: usize) -> Fitted {
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
        let record = shrunk(&records[0], &format!("{within}{pointer}/{from}"), room);
        records[0] = record.value;
        cut = record.places;
        shown = 1;
        if size(&answer) + room > most {
            let around = shrunk(&answer, within, most.saturating_sub(room));
            cut.extend(around.places);
            rest = Some(around.value);
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

/// The members from one on, as many as fit; the first of them in part where it alone is too large.
fn of_object(members: Map<String, Value>, root: &str, skip: usize, most: usize) -> Fitted {
    let of = members.len();
    let from = skip.min(of);
    let mut used = 2;
    let mut shown = Map::new();
    let mut cut = Vec::new();
    for (name, member) in members.into_iter().skip(from) {
        let around = size(&Value::String(name.clone())) + 2;
        let next = used + around + size(&member);
        if next > most {
            if shown.is_empty() {
                let place = format!("{root}/{}", escaped(&name));
                let small = shrunk(&member, &place, most.saturating_sub(used + around));
                cut = small.places;
                shown.insert(name, small.value);
            }
            break;
        }
        used = next;
        shown.insert(name, member);
    }
    let left_out = (shown.len() < of || !cut.is_empty()).then_some(LeftOut::Members {
        shown: shown.len(),
        from,
        of,
        cut,
    });
    Fitted {
        answer: Value::Object(shown),
        left_out,
    }
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
            Self::Members {
                shown,
                from,
                of,
                cut,
            } => {
                let next = from + shown;
                let mut told = json!({ "members": { "shown": shown, "from": from, "of": of } });
                if next < *of {
                    told["go_on"] = json!({ "skip": next });
                    let how = format!(
                        "call it again with the same arguments and skip = {next}, or with another part"
                    );
                    told["how"] = how.into();
                }
                if !cut.is_empty() {
                    told["cut"] = json!(cut);
                }
                told
            }
            Self::Places { cut, more, go_on } => {
                let how = if repeats {
                    "call it again with the same arguments and part = one of these JSON pointers (and skip), or with \
                     fields = [names of the members that are needed]"
                } else {
                    DONE
                };
                let mut told = json!({ "cut": cut, "more_places": more, "how": how });
                if let (true, Some((part, shown))) = (repeats, go_on) {
                    told["go_on"] = json!({ "skip": shown });
                    if !part.is_empty() {
                        told["go_on"]["part"] = part.clone().into();
                    }
                }
                told
            }
        }
    }
}

#[cfg(test)]
mod tests;
