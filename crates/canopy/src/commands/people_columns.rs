//! Which field a column of a file of people is: by our names, or by the titles of HighLevel's own exports and samples.

use canopy_engine::PERSON_FIELDS;
use canopy_mapping::fields::{CustomFieldInfo, FieldMapping};
use canopy_mapping::nearest;
use serde_json::{Map, json};

use super::people_file::{Person, Row};

/// Titles that mean a person's field, without blanks and letter case. Spaces, hyphens and case make no difference.
const MEANT: [(&str, &str); 6] = [
    ("fullname", "name"),
    ("contactname", "name"),
    ("emailaddress", "email"),
    ("phonenumber", "phone"),
    ("mobile", "phone"),
    ("mobilephone", "phone"),
];

/// Columns of HighLevel's export of contacts and of the sample in its help. Nothing of ours is in them unless a rule maps
/// it; they are passed over, and that is told.
const OF_HIGHLEVEL: [&str; 45] = [
    "additionalemail",
    "additionalemails",
    "additionalphone",
    "additionalphones",
    "address",
    "address1",
    "assigned",
    "assignedto",
    "assigneduser",
    "birthday",
    "businessname",
    "city",
    "company",
    "companyname",
    "contactid",
    "contactsource",
    "contacttype",
    "country",
    "created",
    "createdat",
    "createddate",
    "createdon",
    "dateadded",
    "dateofbirth",
    "dateupdated",
    "dnd",
    "followers",
    "gender",
    "id",
    "lastactivity",
    "lastactivitydate",
    "lastupdated",
    "notes",
    "opportunities",
    "owner",
    "postalcode",
    "source",
    "state",
    "status",
    "streetaddress",
    "tags",
    "timezone",
    "type",
    "updated",
    "website",
];

/// What the columns of a file are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// The field of each column; `None`: it is passed over.
    fields: Vec<Option<String>>,
    /// Titles of columns that are passed over.
    pub passed_over: Vec<String>,
}

/// Finds the fields of all titles, or says what is wrong with each that has none. `file` is the configuration, where a
/// field would be mapped.
pub(super) fn resolve(
    titles: &[String],
    mapping: &FieldMapping,
    custom: &[CustomFieldInfo],
    file: &str,
) -> Result<Columns, Vec<String>> {
    let mut columns = Columns::default();
    let mut wrong = Vec::new();
    for (index, title) in titles.iter().enumerate() {
        if title.is_empty() {
            wrong.push(format!("column {} has no name", index + 1));
            continue;
        }
        let field = field(title, mapping, custom);
        match &field {
            Some(name) => {
                let mut before = columns.fields.iter();
                if let Some(first) = before.position(|field| field.as_ref() == Some(name)) {
                    wrong.push(if titles[first] == *title {
                        format!("there are two columns \"{title}\"; leave one out")
                    } else {
                        format!(
                            "the columns \"{}\" and \"{title}\" are both {name}; leave one out",
                            titles[first]
                        )
                    });
                }
            }
            None if is_of_highlevel(title, custom) => columns.passed_over.push(title.clone()),
            None => wrong.push(unknown(title, mapping, file)),
        }
        columns.fields.push(field);
    }
    if wrong.is_empty() {
        Ok(columns)
    } else {
        Err(wrong)
    }
}

/// What is wrong with a name that is neither a field of a person nor mapped: it has no place on either side.
pub(super) fn unknown(name: &str, mapping: &FieldMapping, file: &str) -> String {
    let known = names(mapping);
    let fix = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!(
            "map it in {file} under [connection.fields], or leave it out; known: {}",
            known.join(", ")
        ),
    };
    format!("there is no field \"{name}\"; {fix}")
}

/// Whether it is the name of a field, as it is written.
pub(super) fn is_known(name: &str, mapping: &FieldMapping) -> bool {
    names(mapping).contains(&name)
}

fn names(mapping: &FieldMapping) -> Vec<&str> {
    let mapped = mapping.fields().iter().map(|field| &*field.name);
    PERSON_FIELDS.into_iter().chain(mapped).collect()
}

fn field(title: &str, mapping: &FieldMapping, custom: &[CustomFieldInfo]) -> Option<String> {
    let names = names(mapping);
    if names.contains(&title) {
        return Some(title.to_owned());
    }
    let wanted = plain(title);
    if let Some(name) = names.iter().find(|name| plain(name) == wanted) {
        return Some((*name).to_owned());
    }
    if let Some((_, name)) = MEANT.iter().find(|(meant, _)| *meant == wanted) {
        return Some((*name).to_owned());
    }
    // As HighLevel calls the field that a rule maps.
    let mut mapped = mapping.fields().iter();
    let found = mapped.find(|field| {
        let place = field.contact_field();
        let info = custom.iter().find(|info| info.id == place);
        plain(place) == wanted || info.is_some_and(|info| is_named(info, &wanted))
    });
    found.map(|field| field.name.clone())
}

fn is_of_highlevel(title: &str, custom: &[CustomFieldInfo]) -> bool {
    let wanted = plain(title);
    OF_HIGHLEVEL.contains(&&*wanted) || custom.iter().any(|info| is_named(info, &wanted))
}

fn is_named(info: &CustomFieldInfo, wanted: &str) -> bool {
    let key = info.key.rsplit('.').next().unwrap_or_default();
    plain(&info.name) == wanted || plain(key) == wanted
}

fn plain(title: &str) -> String {
    let letters = title.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

impl Columns {
    /// The person of a row. What is empty is not said.
    pub fn person(&self, row: &Row) -> Person {
        let cells = self.fields.iter().zip(&row.cells);
        let fields: Map<_, _> = cells
            .filter(|(_, cell)| !cell.is_empty())
            .filter_map(|(field, cell)| Some((field.clone()?, json!(cell))))
            .collect();
        Person {
            line: row.line,
            fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(titles: &[&str]) -> Result<Columns, Vec<String>> {
        let titles: Vec<_> = titles.iter().map(|&title| title.to_owned()).collect();
        let custom = [CustomFieldInfo {
            id: "f1".to_owned(),
            name: "Shoe size".to_owned(),
            key: "contact.shoe_size".to_owned(),
            data_type: "NUMERICAL".to_owned(),
            options: Vec::new(),
        }];
        resolve(&titles, &FieldMapping::default(), &custom, "canopy.toml")
    }

    #[test]
    fn titles_of_exports_are_fields_or_passed_over() {
        let columns = resolved(&[
            "Contact Id",
            "First Name",
            "last name",
            "PHONE",
            "E-Mail",
            "Tags",
            "Created",
            "Shoe Size",
        ])
        .unwrap();
        let fields: Vec<_> = columns.fields.iter().map(Option::as_deref).collect();
        assert_eq!(
            fields,
            [
                None,
                Some("firstName"),
                Some("lastName"),
                Some("phone"),
                Some("email"),
                None,
                None,
                None
            ]
        );
        assert_eq!(
            columns.passed_over,
            ["Contact Id", "Tags", "Created", "Shoe Size"]
        );
        let mut sorted = OF_HIGHLEVEL;
        sorted.sort_unstable();
        assert_eq!(sorted, OF_HIGHLEVEL);
    }

    #[test]
    fn all_wrong_titles_are_told_at_once() {
        let wrong = resolved(&["emial", "phone", "Phone", "", "Nonsense", "phone"]).unwrap_err();
        assert_eq!(wrong.len(), 5, "{wrong:?}");
        assert_eq!(
            wrong[0],
            "there is no field \"emial\"; did you mean \"email\"?"
        );
        assert_eq!(
            wrong[1],
            "the columns \"phone\" and \"Phone\" are both phone; leave one out"
        );
        assert_eq!(wrong[2], "column 4 has no name");
        assert!(wrong[3].starts_with("there is no field \"Nonsense\"; map it in canopy.toml"));
        assert_eq!(wrong[4], "there are two columns \"phone\"; leave one out");
    }
}
