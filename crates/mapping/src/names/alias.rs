//! Merge fields that are read of another name of what they are of: `{% set c = contact %}{{ c.full_name }}`.

use super::{CUSTOM, Names, ROOTS, WrongName};
use crate::merge::{self, Meaning};

/// What the request of a workflow webhook is called.
pub(super) const WEBHOOK: &str = "webhook";

impl Names {
    /// What is wrong with a member of what is a root by another name. What the service itself calls so can be read so.
    pub fn alias(&self, root: &str, member: &str, shown: &str) -> Option<WrongName> {
        let is_contact = root == "contact";
        if root == "record" {
            return match &self.possible[..] {
                [one] => self.alias(one, member, shown),
                _ => self.field_of_record(member).map(|(field, _)| WrongName {
                    problem: format!(
                        "{shown} has no value, because merge fields are read of their records themselves"
                    ),
                    fix: format!("for the merge field write {field}"),
                }),
            };
        }
        if self.is_described(root, member) {
            return None;
        }
        let path = format!("{root}.{member}");
        let fix = match merge::meaning(&path) {
            Some(Meaning::Is(_)) => format!("for the merge field write {path}"),
            Some(Meaning::Told(instead)) => instead.to_owned(),
            None if is_contact && merge::may_be_custom(&path) => {
                format!("for the custom field of this key write {CUSTOM}.{member}")
            }
            None => return None,
        };
        let problem =
            format!("{shown} has no value, because merge fields are read of {root} itself");
        Some(WrongName { problem, fix })
    }

    /// The merge field that `record.member` is taken for, and what is wrong with it: no record that it may be has such a
    /// member. What a webhook sends may be called so.
    pub(super) fn field_of_record(&self, member: &str) -> Option<(String, String)> {
        let may_have = |record: &String| record == WEBHOOK || self.is_described(record, member);
        if self.possible.iter().any(may_have) {
            return None;
        }
        let (record, field) = self.fields_of_record(member).next()?;
        let place = match self.possible.len() {
            1 => String::new(),
            _ => format!(", also where it is the {record}"),
        };
        Some((field, format!("record.{member} has no value{place}")))
    }

    /// The merge fields of this name of the records that `record` may be, each with its record.
    pub(super) fn fields_of_record<'a>(
        &'a self,
        member: &'a str,
    ) -> impl Iterator<Item = (&'a str, String)> {
        let fields = self
            .possible
            .iter()
            .map(move |record| (&**record, format!("{record}.{member}")));
        fields.filter(|(_, field)| matches!(merge::meaning(field), Some(Meaning::Is(_))))
    }

    /// Whether a record has a member of this name, as far as it is known.
    pub(super) fn is_described(&self, root: &str, member: &str) -> bool {
        let closed = ROOTS.iter().find(|(name, _)| *name == root);
        let closed = closed.and_then(|(_, members)| *members);
        let described = self.members.iter().find(|(name, _)| name == root);
        closed.is_some_and(|members| members.contains(&member))
            || (root == "contact" && merge::MEMBERS.contains(&member))
            || described.is_some_and(|(_, members)| members.iter().any(|one| one == member))
    }
}

/// What is wrong with a merge field whose root is a name that the template makes itself.
pub(crate) fn hidden(root: &str, member: &str) -> WrongName {
    WrongName {
        problem: format!(
            "{root}.{member} is read as the merge field, and the template calls something else \"{root}\""
        ),
        fix: format!("call that otherwise, e.g. one, and write one.{member}"),
    }
}
