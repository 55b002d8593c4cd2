use super::*;

fn wanted(part: Option<&str>, skip: usize, fields: &[&str]) -> Wanted {
    Wanted {
        part: part.map(str::to_owned),
        skip,
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    }
}

fn list() -> Value {
    let records: Vec<_> = (0..100)
        .map(|n| json!({ "id": n, "name": "x".repeat(50), "of": { "city": "Rome" } }))
        .collect();
    json!({ "contacts": records, "total": 100 })
}

/// All records come by going on as the answers say, each once, and no answer is larger than it may be.
#[test]
fn a_list_is_read_to_its_end_by_going_on() {
    let (mut skip, mut ids) = (0, Vec::new());
    loop {
        let wanted = wanted(None, skip, &[]);
        let fitted = fit(list(), Some("/contacts"), None, &wanted, 1000).unwrap();
        assert!(size(&fitted.answer) <= 1000);
        assert_eq!(fitted.answer["total"], 100);
        let shown = fitted.answer["contacts"].as_array().unwrap();
        ids.extend(shown.iter().map(|record| record["id"].as_u64().unwrap()));
        let told = fitted.left_out.unwrap().told(true);
        match told["go_on"]["skip"].as_u64() {
            Some(next) => skip = usize::try_from(next).unwrap(),
            None => break,
        }
    }
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
}

#[test]
fn fields_make_room_and_wrong_ones_are_told() {
    let select = wanted(None, 0, &["id", "/of/city"]);
    let fitted = fit(list(), Some("/contacts"), None, &select, 4000).unwrap();
    assert_eq!(fitted.left_out, None);
    assert_eq!(
        fitted.answer["contacts"][99],
        json!({ "id": 99, "/of/city": "Rome" })
    );
    let wrong = wanted(None, 0, &["nme"]);
    let told = fit(list(), Some("/contacts"), None, &wrong, 4000).unwrap_err();
    assert_eq!(
        told,
        "`fields`: no record has \"nme\"; there are: id, name, of"
    );
    let one = json!({ "contact": { "id": "c", "email": "e" }, "trace": 1 });
    let fitted = fit(one, None, Some("/contact"), &wanted(None, 0, &["id"]), 4000).unwrap();
    assert_eq!(
        fitted.answer,
        json!({ "contact": { "id": "c" }, "trace": 1 })
    );
}

#[test]
fn pointers_may_begin_at_the_answer_or_at_its_record() {
    let one = json!({ "contact": { "id": "c", "email": "e", "a": { "b": 1 } }, "trace": 1 });
    for (asked, kept) in [
        ("/contact/email", json!({ "email": "e" })),
        ("/email", json!({ "email": "e" })),
        ("/contact/a/b", json!({ "/contact/a/b": 1 })),
    ] {
        let fitted = fit(
            one.clone(),
            None,
            Some("/contact"),
            &wanted(None, 0, &[asked]),
            4000,
        )
        .unwrap();
        assert_eq!(fitted.answer["contact"], kept, "{asked}");
    }
}

#[test]
fn one_large_record_shows_its_form_and_its_parts_can_be_had() {
    let text = "é".repeat(3000);
    let record = json!({ "email": { "id": "e", "body/html": text, "to": vec!["a"; 400] } });
    let fitted = fit(
        record.clone(),
        None,
        Some("/email"),
        &wanted(None, 0, &[]),
        2000,
    )
    .unwrap();
    assert!(size(&fitted.answer) <= 2000);
    assert_eq!(fitted.answer["email"]["id"], "e");
    let told = fitted.left_out.unwrap().told(true).to_string();
    assert!(
        told.contains("/email/body~1html (text of 3000 characters)"),
        "{told}"
    );
    assert!(told.contains("/email/to (list of 400, 10 shown)"), "{told}");
    let (mut skip, mut read) = (0, String::new());
    loop {
        let wanted = wanted(Some("/email/body~1html"), skip, &[]);
        let fitted = fit(record.clone(), None, Some("/email"), &wanted, 2000).unwrap();
        read.push_str(fitted.answer.as_str().unwrap());
        match fitted.left_out.unwrap().told(true)["go_on"]["skip"].as_u64() {
            Some(next) => skip = usize::try_from(next).unwrap(),
            None => break,
        }
    }
    assert_eq!(read, text);
    let list = wanted(Some("/email/to"), 390, &[]);
    let fitted = fit(record.clone(), None, None, &list, 2000).unwrap();
    assert_eq!(fitted.answer.as_array().unwrap().len(), 10);
    let nothing = wanted(Some("/mail"), 0, &[]);
    let told = fit(record, None, None, &nothing, 2000).unwrap_err();
    assert!(told.ends_with("there are: /email"), "{told}");
}

/// A record of thousands of members is as large as it may be, is known by its id, and is read to its end by going on.
#[test]
fn one_record_of_thousands_of_members_is_shown_and_read_to_its_end() {
    let mut members: Map<String, Value> = (0..3000)
        .map(|n| (format!("field {n}/{n}"), json!(format!("value {n}"))))
        .collect();
    members.insert("id".to_owned(), json!("c1"));
    let record = json!({ "contact": members.clone(), "traceId": "t" });
    let most = 8000;
    let cut = |wanted: &Wanted| {
        let fitted = fit(record.clone(), None, Some("/contact"), wanted, most).unwrap();
        assert!(size(&fitted.answer) <= most, "{}", size(&fitted.answer));
        let told = fitted.left_out.map(|left_out| left_out.told(true));
        (fitted.answer, told)
    };
    let (first, told) = cut(&wanted(None, 0, &[]));
    assert!(size(&first) > most * 9 / 10, "{}", size(&first));
    assert_eq!(first["contact"]["id"], "c1");
    assert_eq!(first["traceId"], "t");
    let told = told.unwrap();
    let places = told["cut"][0].as_str().unwrap();
    assert!(
        places.starts_with("/contact (object of 3001 members, "),
        "{told}"
    );
    // What it says is what is there: the id stands beside the first of them.
    let mut skip = first["contact"].as_object().unwrap().len() - 1;
    assert_eq!(told["go_on"], json!({ "part": "/contact", "skip": skip }));
    let mut read = first["contact"].as_object().unwrap().clone();
    loop {
        let (answer, told) = cut(&wanted(Some("/contact"), skip, &[]));
        read.extend(answer.as_object().unwrap().clone());
        match told.unwrap()["go_on"]["skip"].as_u64() {
            Some(next) => skip = usize::try_from(next).unwrap(),
            None => break,
        }
    }
    assert_eq!(read, members);
    let told = fit(record, None, Some("/contact"), &wanted(None, 5, &[]), most).unwrap_err();
    assert!(told.contains("by `part`"), "{told}");
}

#[test]
fn objects_within_objects_and_names_without_end_fit_too() {
    let mut deep = json!("end");
    for n in 0..60 {
        deep = json!({ format!("{n}{}", "x".repeat(100)): deep, "id": n });
    }
    let long = json!({ "x".repeat(9000): 1, "id": 1 });
    let wide: Map<String, Value> = (0..60)
        .map(|n| {
            let within: Map<String, Value> = (0..60).map(|m| (format!("m{m}"), json!(m))).collect();
            (format!("n{n}"), Value::Object(within))
        })
        .collect();
    for record in [deep, long, Value::Object(wide)] {
        for list in [false, true] {
            let answer = if list {
                json!({ "list": [record] })
            } else {
                json!({ "record": record })
            };
            let fitted = fit(
                answer,
                Some("/list"),
                Some("/record"),
                &wanted(None, 0, &[]),
                2000,
            )
            .unwrap();
            assert!(size(&fitted.answer) <= 2000, "{}", size(&fitted.answer));
            let told = fitted.left_out.unwrap().told(true);
            assert!(
                told["cut"][0].as_str().unwrap().contains(['/', ' ']),
                "{told}"
            );
            let shown = fitted
                .answer
                .pointer(if list { "/list/0" } else { "/record" });
            assert!(shown.is_some_and(Value::is_object), "{}", fitted.answer);
        }
    }
}

#[test]
fn a_record_larger_than_all_is_cut_and_the_next_is_reached() {
    let list = json!({ "messages": [{ "id": 1, "body": "x".repeat(9000) }, { "id": 2 }] });
    let first = fit(
        list.clone(),
        Some("/messages"),
        None,
        &wanted(None, 0, &[]),
        2000,
    )
    .unwrap();
    assert!(size(&first.answer) <= 2000, "{}", size(&first.answer));
    assert_eq!(first.answer["messages"][0]["id"], 1);
    let told = first.left_out.unwrap().told(true);
    assert_eq!(told["go_on"]["skip"], 1);
    assert!(
        told["cut"][0]
            .as_str()
            .unwrap()
            .starts_with("/messages/0/body (text of 9000"),
        "{told}"
    );
    let second = fit(list, Some("/messages"), None, &wanted(None, 1, &[]), 2000).unwrap();
    assert_eq!(second.answer["messages"], json!([{ "id": 2 }]));
}

#[test]
fn an_answer_that_fits_is_whole_and_a_write_is_not_repeated() {
    for answer in [
        json!(null),
        json!({ "ok": true }),
        json!([1, 2]),
        json!("text"),
    ] {
        let fitted = fit(answer.clone(), None, None, &wanted(None, 0, &[]), 2000).unwrap();
        assert_eq!(
            fitted,
            Fitted {
                answer,
                left_out: None
            }
        );
    }
    let many: Map<String, Value> = (0..500).map(|n| (format!("m{n}"), json!(n))).collect();
    let fitted = fit(Value::Object(many), None, None, &wanted(None, 0, &[]), 2000).unwrap();
    assert!(size(&fitted.answer) <= 2000);
    let told = fitted.left_out.unwrap().told(false);
    assert!(
        told["how"]
            .as_str()
            .unwrap()
            .contains("do not call it again"),
        "{told}"
    );
}
