//! A value made small: what is long in it is cut, and each place where that was done is named.

use serde_json::{Map, Value};

use super::{escaped, size};

/// Texts (characters) and lists (elements) are cut to these sizes, the gentlest that is enough.
const CUTS: [(usize, usize); 6] = [
    (4000, 50),
    (1000, 20),
    (300, 10),
    (100, 4),
    (40, 1),
    (10, 0),
];
/// Where none is enough there are too many members: these go with as many of them as fit.
const CUTS_OF_OBJECTS: [(usize, usize); 2] = [(100, 4), (10, 0)];
/// Where that is not enough either there are too many objects in objects: so deep, with so many members.
const CUTS_OF_DEPTH: [(usize, usize); 4] = [(16, 5), (8, 5), (4, 5), (1, 5)];
/// A name (characters) that is longer is no name that anybody would read.
const LONGEST_NAME: usize = 200;
/// So many places are named.
const NAMED: usize = 20;
/// What a reader recognises a record by; they stay where members are left out.
const NAMES: [&str; 2] = ["id", "_id"];

/// A value that was cut.
#[derive(Debug)]
pub(super) struct Cut {
    pub value: Value,
    /// JSON pointers of the places, each with what was there.
    pub places: Vec<String>,
    /// So many are not named.
    pub more: usize,
    /// The object of which most is left out, and how many of its members are shown.
    pub go_on: Option<(String, usize)>,
}

/// The value in about so many bytes of JSON. `root` is the JSON pointer at which it is within the whole answer.
pub(super) fn shrunk(value: &Value, root: &str, most: usize) -> Cut {
    let attempt = |knife: Knife| {
        let mut cutting = Cutting::new(knife, root);
        let small = cutting.cut(value);
        (small, cutting)
    };
    let fits = |small: &Value| size(small) <= most;
    for (text, list) in CUTS {
        let (small, cutting) = attempt(Knife {
            text,
            list,
            ..Knife::NONE
        });
        if fits(&small) {
            return cutting.done(small);
        }
    }
    let widest = widest(value);
    for (text, list) in CUTS_OF_OBJECTS {
        let knife = |members| Knife {
            text,
            list,
            members,
            ..Knife::NONE
        };
        // The largest number of members that fits lies between these.
        let (mut some, mut too_many) = (0, widest);
        while some + 1 < too_many {
            let middle = usize::midpoint(some, too_many);
            if fits(&attempt(knife(middle)).0) {
                some = middle;
            } else {
                too_many = middle;
            }
        }
        if some > 0 {
            let (small, cutting) = attempt(knife(some));
            return cutting.done(small);
        }
    }
    for (depth, members) in CUTS_OF_DEPTH {
        let (small, cutting) = attempt(Knife {
            text: 10,
            list: 0,
            members,
            depth,
        });
        if fits(&small) {
            return cutting.done(small);
        }
    }
    let place = if root.is_empty() { "all" } else { root };
    Cut {
        value: Value::Null,
        places: vec![format!("{place} (left out)")],
        more: 0,
        go_on: None,
    }
}

/// The count of members of the largest object.
fn widest(value: &Value) -> usize {
    match value {
        Value::Object(members) => {
            let within = members.values().map(widest).max();
            members.len().max(within.unwrap_or_default())
        }
        Value::Array(elements) => elements.iter().map(widest).max().unwrap_or_default(),
        _ => 0,
    }
}

/// How much stays.
#[derive(Clone, Copy)]
struct Knife {
    /// Characters of a text.
    text: usize,
    /// Elements of a list.
    list: usize,
    /// Members of an object.
    members: usize,
    /// Objects and lists within each other.
    depth: usize,
}

impl Knife {
    const NONE: Self = Self {
        text: usize::MAX,
        list: usize::MAX,
        members: usize::MAX,
        depth: usize::MAX,
    };
}

struct Cutting {
    knife: Knife,
    depth: usize,
    /// Where we are.
    place: String,
    places: Vec<String>,
    /// Members that are left out at one place, the place, and how many are shown there.
    most_left_out: Option<(usize, String, usize)>,
}

impl Cutting {
    fn new(knife: Knife, root: &str) -> Self {
        Self {
            knife,
            depth: 0,
            place: root.to_owned(),
            places: Vec::new(),
            most_left_out: None,
        }
    }

    fn done(mut self, value: Value) -> Cut {
        let more = self.places.len().saturating_sub(NAMED);
        self.places.truncate(NAMED);
        Cut {
            value,
            places: self.places,
            more,
            go_on: self.most_left_out.map(|(_, place, shown)| (place, shown)),
        }
    }

    fn cut(&mut self, value: &Value) -> Value {
        match value {
            Value::String(long) => {
                let length = long.chars().count();
                if length <= self.knife.text {
                    return value.clone();
                }
                self.note(&format!("text of {length} characters"));
                let begin: String = long.chars().take(self.knife.text).collect();
                Value::String(format!("{begin}…"))
            }
            Value::Array(elements) if self.depth >= self.knife.depth => {
                self.note(&format!("list of {}, left out", elements.len()));
                Value::Null
            }
            Value::Object(members) if self.depth >= self.knife.depth => {
                self.note(&format!("object of {} members, left out", members.len()));
                Value::Null
            }
            Value::Array(elements) => {
                if elements.len() > self.knife.list {
                    let length = elements.len();
                    self.note(&format!("list of {length}, {} shown", self.knife.list));
                }
                let shown = elements.iter().take(self.knife.list).enumerate();
                let shown = shown.map(|(index, element)| self.below(&index.to_string(), element));
                Value::Array(shown.collect())
            }
            Value::Object(members) => Value::Object(self.object(members)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn object(&mut self, members: &Map<String, Value>) -> Map<String, Value> {
        let of = members.len();
        if of > self.knife.members {
            self.note(&format!(
                "object of {of} members, {} shown",
                self.knife.members
            ));
            let left_out = of - self.knife.members;
            if self
                .most_left_out
                .as_ref()
                .is_none_or(|(most, ..)| left_out > *most)
            {
                self.most_left_out = Some((left_out, self.place.clone(), self.knife.members));
            }
        }
        let most = self.knife.members;
        let mut shown = Map::new();
        for (index, (name, member)) in members.iter().enumerate() {
            let is_shown = index < most || NAMES.contains(&name.as_str());
            if self.knife.depth < usize::MAX && name.len() > LONGEST_NAME {
                let length = name.chars().count();
                self.note(&format!(
                    "a member with a name of {length} characters, left out"
                ));
            } else if is_shown {
                shown.insert(name.clone(), self.below(&escaped(name), member));
            }
        }
        shown
    }

    fn below(&mut self, name: &str, value: &Value) -> Value {
        let length = self.place.len();
        self.place.push('/');
        self.place.push_str(name);
        self.depth += 1;
        let small = self.cut(value);
        self.depth -= 1;
        self.place.truncate(length);
        small
    }

    fn note(&mut self, what: &str) {
        let place = if self.place.is_empty() {
            "all"
        } else {
            &self.place
        };
        self.places.push(format!("{place} ({what})"));
    }
}
