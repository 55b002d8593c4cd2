//! What a value may be, as far as it matters for merge fields.

use std::collections::{BTreeMap, BTreeSet};

/// Lists and objects are told apart within each other so far.
const DEEPEST: usize = 5;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// The roots that it may be, such as `contact`.
    pub roots: BTreeSet<String>,
    /// The texts that it may be.
    pub texts: BTreeSet<String>,
    members: BTreeMap<String, Seen>,
    items: Option<Box<Seen>>,
}

impl Seen {
    pub fn root(name: &str) -> Self {
        Self {
            roots: BTreeSet::from([name.to_owned()]),
            ..Self::default()
        }
    }

    pub fn text(text: &str) -> Self {
        Self {
            texts: BTreeSet::from([text.to_owned()]),
            ..Self::default()
        }
    }

    pub fn of_items(items: impl IntoIterator<Item = Self>) -> Self {
        let all = items.into_iter().fold(Self::default(), Self::or);
        Self {
            items: Some(Box::new(all.down_to(DEEPEST))),
            ..Self::default()
        }
    }

    pub fn of_members(members: impl IntoIterator<Item = (String, Self)>) -> Self {
        let members = members.into_iter();
        Self {
            members: members
                .map(|(name, one)| (name, one.down_to(DEEPEST)))
                .collect(),
            ..Self::default()
        }
    }

    /// The one or the other.
    pub fn or(mut self, other: Self) -> Self {
        self.roots.extend(other.roots);
        self.texts.extend(other.texts);
        for (name, member) in other.members {
            let own = self.members.remove(&name).unwrap_or_default();
            self.members.insert(name, own.or(member));
        }
        self.items = match (self.items, other.items) {
            (Some(own), Some(other)) => Some(Box::new(own.or(*other))),
            (own, other) => own.or(other),
        };
        self
    }

    /// A member of this name, or the item at this place.
    pub fn member(&self, name: &str) -> Self {
        let member = self.members.get(name).cloned().unwrap_or_default();
        member.or(self.each())
    }

    /// What a loop goes through: of an object these are names.
    pub fn each(&self) -> Self {
        self.items.as_deref().cloned().unwrap_or_default()
    }

    /// Whatever is in it.
    pub fn item(&self) -> Self {
        self.members.values().cloned().fold(self.each(), Self::or)
    }

    /// Without what lies deeper, which may be anywhere.
    fn down_to(mut self, depth: usize) -> Self {
        if depth == 0 {
            return self;
        }
        if depth == 1 {
            let all = self.item();
            self.members.clear();
            self.items = (all != Self::default()).then(|| {
                Box::new(Self {
                    roots: all.roots,
                    texts: all.texts,
                    ..Self::default()
                })
            });
            return self;
        }
        self.members = std::mem::take(&mut self.members)
            .into_iter()
            .map(|(name, member)| (name, member.down_to(depth - 1)))
            .collect();
        self.items = self.items.map(|items| Box::new(items.down_to(depth - 1)));
        self
    }
}
