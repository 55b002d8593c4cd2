//! One phone number is one, however it is written.

use serde_json::json;

use crate::template;

fn holds(condition: &str, sent: &str, kept: &str) -> bool {
    let context = json!({ "webhook": { "phone": sent }, "contact": { "phone": kept } });
    template::holds(condition, &context).unwrap()
}

#[test]
fn phone_numbers_are_equal_however_they_are_written() {
    for (sent, kept, right) in [
        ("201-555-0199", "+12015550199", true),
        ("(201) 555-0199", "+12015550199", true),
        ("201.555.0199", "+12015550199", true),
        ("1 201 555 0199", "+12015550199", true),
        (" +1 201-555-0199 ", "+12015550199", true),
        ("020 7946 0000", "+442079460000", true),
        ("+44 (0)20 7946 0000", "+442079460000", true),
        ("201-555-0198", "+12015550199", false),
        ("020 7946 0000", "+12079460000", false),
        // Neither has its country: nobody knows whether they are one.
        ("(201) 555-0199", "201-555-0199", false),
        // Ids, amounts and words are what they say.
        ("5", "+5", false),
        ("0199", "+12015550199", false),
        ("555-0199", "+12015550199", false),
        ("1234567", "+1234567", false),
        ("12345678", "+12345678", false),
        ("201-555-0199 ext. 2", "+12015550199", false),
        ("", "+12015550199", false),
    ] {
        for (left, right_side) in [(sent, kept), (kept, sent)] {
            let of = format!("{left} and {right_side}");
            for (condition, wanted) in [
                ("webhook.phone == contact.phone", right),
                ("webhook.phone != contact.phone", !right),
                ("webhook.phone in ['x', contact.phone]", right),
                ("webhook.phone not in ['x', contact.phone]", !right),
                ("webhook.phone is eq contact.phone", right),
            ] {
                assert_eq!(
                    holds(condition, left, right_side),
                    wanted,
                    "{condition}: {of}"
                );
            }
        }
    }
}
