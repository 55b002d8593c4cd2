//! What comes out of single turns of a description: streams, lists, answers of two kinds, open types.

use canopy_codegen::{Service, Source, generate_service};

use crate::lint::GOOD;

/// The code of the good one with something replaced.
fn code(old: &str, new: &str) -> String {
    file("/things.rs", old, new)
}

fn file(end: &str, old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "the good one has no {old:?}");
    let source = Source::new("spec/ecologi.yaml", GOOD.replacen(old, new, 1));
    let files = generate_service(&[source], Service::named("ecologi").unwrap()).unwrap();
    let file = files.iter().find(|file| file.path.ends_with(end));
    file.unwrap().text.clone()
}

#[test]
fn a_file_is_read_as_a_stream() {
    let answer =
        "content: { application/json: { schema: { $ref: \"#/components/schemas/Answer\" } } }";
    let file = "content: { audio/x-wav: { schema: { type: string, format: binary } } }";
    let code = code(answer, file);
    assert!(code.contains("ResponseValue<ByteStream>"), "{code}");
}

/// A wrong turn here would be a struct without members.
#[test]
fn an_answer_that_is_one_of_two_has_the_members_of_both() {
    let object = "type: object\n      description: An answer.\n      properties:\n        thing: { $ref: \"#/components/schemas/Thing\" }\n";
    let either = "description: An answer.\n      oneOf: [{ $ref: \"#/components/schemas/Thing\" }, { $ref: \"#/components/schemas/Other\" }]\n    Other:\n      type: object\n      description: Other.\n      properties:\n        size: { type: integer }\n";
    let code = code(object, either);
    let start = code.find("pub struct Answer {").unwrap();
    let members = &code[start..start + code[start..].find('}').unwrap()];
    for member in ["pub name:", "pub kind:", "pub size:"] {
        assert!(members.contains(member), "{members}");
    }
}

/// A type of its own would take none of the usual numbers.
#[test]
fn a_number_of_a_query_is_plain_whatever_its_bounds() {
    let plain = code("schema: { type: number }", "schema: { type: integer }");
    let bounded = "schema: { type: integer, minimum: 1, maximum: 20 }";
    assert_eq!(code("schema: { type: number }", bounded), plain);
}

/// The tests of a generated crate call each operation: with another type than the generator's they would not compile.
#[test]
fn the_tests_give_each_parameter_the_type_that_it_has() {
    for (schema, kind) in [
        ("{ type: number }", "f64"),
        ("{ type: number, minimum: 0, maximum: 1 }", "f64"),
        ("{ type: integer, maximum: 9 }", "i64"),
        ("{ type: boolean }", "bool"),
        ("{ type: string, maxLength: 9 }", "String"),
        ("{ $ref: \"#/components/schemas/Kind\" }", "String"),
        (
            "{ type: array, items: { type: integer, minimum: 1 } }",
            "Vec<i64>",
        ),
        ("{ type: array, items: { type: number } }", "Vec<f64>"),
        (
            "{ type: array, items: { $ref: \"#/components/schemas/Kind\" } }",
            "Vec<api::things::types::Kind>",
        ),
    ] {
        let calls = file(
            "/calls.rs",
            "schema: { type: number }",
            &format!("schema: {schema}"),
        );
        let argument = format!("argument::<{kind}>(&mut arguments, \"limit\")");
        // Formatting breaks long lines.
        let told: String = calls.split_whitespace().collect();
        let told = told.replace(",>", ">");
        let argument: String = argument.split_whitespace().collect();
        assert!(told.contains(&argument), "{schema}: {calls}");
    }
}

#[test]
fn a_bare_list_of_an_answer_is_read_leniently() {
    let object = "type: object\n      description: An answer.\n      properties:\n        thing: { $ref: \"#/components/schemas/Thing\" }\n        success: { type: boolean }\n";
    let list = "type: array\n      description: An answer.\n      items: { $ref: \"#/components/schemas/Thing\" }\n";
    let code = code(object, list);
    let read = "pub struct Answer(\n        #[serde(deserialize_with = \"lenient::list\")]\n        pub ::std::vec::Vec<";
    assert!(code.contains(read), "{code}");
}

#[test]
fn what_the_service_may_add_to_is_open_to_it() {
    let code = code("Things.", "Things.");
    for kind in [
        "pub struct Answer",
        "pub struct ThingInput",
        "pub enum Kind",
    ] {
        assert!(
            code.contains(&format!("#[non_exhaustive]\n    {kind} {{")),
            "{kind}: {code}"
        );
    }
}
