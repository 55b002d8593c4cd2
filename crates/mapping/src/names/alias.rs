//! Merge fields that are read of another name of what they are of: `{% set c = contact %}{{ c.full_name }}`.

use super::{CUSTOM, Names, ROOTS, WrongName};
use crate::merge::{self, Meaning};

impl Names {
    /// What is wrong with a member of what is a root by another name. What the service itself calls so can be read so.
    pub fn alias(&self, root: &str, member: &str, shown: &str) -> Option<WrongName> {
        let is_contact = root == "contact";
        let root = match (root, &self.record) {
            ("record", Some(record)) => record,
            (root, _) => root,
        };
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
