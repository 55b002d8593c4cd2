//! Members that a search leaves out and whose changes are kinds of their own, such as who may be written to on which channel.

use serde_json::{Value, json};

use super::changes::Search;
use super::evidence::{self, ReadError};
use super::parents::PATIENCE;
use super::{PollError, Poller};

impl Poller {
    /// Values of the members whose changes are kinds of their own. A member that somebody waits for and that the search
    /// leaves out is read with the record itself: a call for each record that changed, none for the others. `None`: the
    /// service says that a record which changed just now is not there, which the next poll asks again.
    pub(super) async fn members(
        &self,
        search: &Search<'_>,
        id: &str,
        record: &Value,
    ) -> Result<Option<Value>, PollError> {
        let maker = search.maker;
        let mut members = maker.facets(record);
        let poll = maker.poll;
        let is_left_out = poll.trigger.changes.iter().any(|change| {
            poll.kinds.contains(change.kind) && record.pointer(change.member).is_none()
        });
        let Some((operation, parameter)) = poll.single().filter(|_| is_left_out) else {
            return Ok(Some(members));
        };
        let arguments = json!({ parameter: id });
        let read = search.reader.invoke(operation.name, &arguments).await;
        let read = read.map_err(ReadError::from).and_then(|answer| {
            evidence::record(operation, &answer, &arguments).map(|record| maker.facets(record))
        });
        let read = match read {
            Ok(read) => Some(read),
            Err(error) if error.is_gone() && search.is_young(record) => return Ok(None),
            // It is gone, or not for this token: what the search shows has to do.
            Err(error) if error.is_gone() || error.is_forbidden() => None,
            Err(error) => return Err(self.failed(poll, error)),
        };
        if let Some(members) = members.as_object_mut() {
            members.retain(|name, _| record.pointer(name).is_some());
            let read = read.as_ref().and_then(Value::as_object);
            for (name, value) in read.into_iter().flatten() {
                members.entry(name).or_insert_with(|| value.clone());
            }
        }
        Ok(Some(members))
    }
}

impl Poller {
    /// Members that the search leaves out and of which nothing is known yet were as an event of their change told last.
    /// Another event may have shown them as well, but with a change that nobody told.
    pub(super) async fn take_as_told(
        &self,
        search: &Search<'_>,
        id: &str,
        before: &mut Value,
        searched: &Value,
    ) -> Result<(), PollError> {
        let Some(before) = before.as_object_mut() else {
            return Ok(());
        };
        for change in search.maker.poll.trigger.changes {
            let unknown = before.get(change.member).is_none_or(Value::is_null);
            if !unknown || searched.pointer(change.member).is_some() {
                continue;
            }
            let store = &self.site.store;
            let told = store.last_of_kind(&self.site.location, change.kind, id);
            let told = told.await?;
            if let Some(value) = told.and_then(|told| told.payload.pointer(change.member).cloned())
            {
                before.insert(change.member.to_owned(), value);
            }
        }
        Ok(())
    }
}

impl Search<'_> {
    /// Whether a record changed so lately that the service may not show it everywhere yet.
    fn is_young(&self, record: &Value) -> bool {
        let changed = self.changed_at(record);
        changed.is_some_and(|at| self.maker.now.duration_since(at) < PATIENCE)
    }
}

/// Before a record was read for the first time nobody knew the members that the search leaves out. They are taken for what
/// most have: nothing, or switched off. So who blocks a channel is told of, and who never did is not. Who had blocked one before
/// anything was known is told of once, with the first change of anything: were the first sight the baseline instead, whoever
/// blocks a channel from now on would not be told of at all.
pub(super) fn take_for_nothing(before: &mut Value, searched: &Value, after: &Value) {
    let Some(before) = before.as_object_mut() else {
        return;
    };
    for (member, value) in after.as_object().into_iter().flatten() {
        let unknown = before.get(member).is_none_or(Value::is_null);
        if searched.pointer(member).is_none() && unknown {
            let nothing = if says_nothing(value) {
                value.clone()
            } else {
                Value::Null
            };
            before.insert(member.clone(), nothing);
        }
    }
}

/// Whether a value is empty or, as settings are, switched off throughout.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::String(text) => text.is_empty() || text == "inactive",
        Value::Number(_) => false,
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(members) => match members.get("status") {
            Some(status) => says_nothing(status),
            None => members.values().all(says_nothing),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_off_throughout_say_nothing() {
        for nothing in [
            json!(null),
            json!({}),
            json!({ "SMS": { "status": "inactive", "message": "by import" }, "Email": null }),
        ] {
            assert!(says_nothing(&nothing), "{nothing}");
        }
        for status in ["active", "permanent"] {
            let some = json!({ "SMS": { "status": "inactive" }, "Email": { "status": status } });
            assert!(!says_nothing(&some), "{some}");
        }
    }
}
