//! What no run can take is told when the file is checked.

use serde_json::json;

use crate::template;

fn problem(expression: &str) -> Option<String> {
    let told = template::check_expression(expression).err();
    told.map(|error| error.problem)
}

#[test]
fn constants_that_no_value_passes_are_told_with_remedy() {
    for (expression, told) in [
        ("x | date('Mars')", "date('Mars')"),
        ("x | date('DD/MM/YYYY')", "| date('%d/%m/%Y')"),
        (
            "x | date('%d/%m/%Y', 'Europe/London')",
            "zone='Europe/London'",
        ),
        (
            "x | date(zone='US/Pacificc')",
            "no time zone \"US/Pacificc\"; did you mean \"US/Pacific\"?",
        ),
        ("x | date(zone='posixrules')", "no time zone \"posixrules\""),
        ("x | date('localtime')", "no time zone \"localtime\""),
        ("x | date(zone='PST')", "e.g. \"America/Los_Angeles\""),
        ("x | date(tz='Europe/London')", "tz"),
        ("x | date('%')", "is no pattern"),
        ("x | later('-1d')", "| later('3d')"),
        ("x | later('1mo')", "| later('3d')"),
        ("x | later('1y')", "| later('3d')"),
        ("x | later(3)", "later(3)"),
        ("x | later", "| later('3d')"),
        ("x | money(2)", "write | money"),
        ("x | round('half')", "write e.g. | round"),
        ("x | round('2')", "write e.g. | round"),
        ("x | replace('a')", "| replace('old', 'new')"),
        ("x | map('nope')", "map('nope')"),
        ("x | select('nope')", "select('nope')"),
        ("x | selectattr", "| selectattr('paid')"),
        ("x is gt", "is gt"),
        ("x is divisibleby", "is divisibleby"),
        ("range()", "range"),
        ("y or (x | lower ~ (z | later('soon')))", "later('soon')"),
    ] {
        let problem = problem(expression).unwrap_or_default();
        let is_told = problem.starts_with("has \"") && problem.contains("no value passes");
        assert!(is_told && problem.contains(told), "{expression}: {problem}");
    }
    let text = json!("Due {{ task.dueDate | date('DD.MM.') }}");
    let told = template::check(&text).unwrap_err().to_string();
    assert!(
        told.contains("\"| date('DD.MM.')\", which no value passes"),
        "{told}"
    );
}

#[test]
fn what_some_value_passes_is_not_told() {
    for expression in [
        "x | date",
        "x | date('%d/%m/%Y')",
        "x | date('%d.%m.', zone='Europe/London')",
        "x | date('Europe/London')",
        "x | date(format='%d.%m.')",
        "x | later('90 minutes')",
        "x | later(y ~ 'd')",
        "x | round",
        "x | round(2)",
        "x | floor",
        "x | money",
        "x | amount",
        "x | amount(',')",
        "x | default('a')",
        "x | default(0, true)",
        "x | map('upper') | join(', ')",
        "x | map(attribute='name') | list",
        "x | map(attribute='customer.name', default='-') | list",
        "x | selectattr('paid') | list | length",
        "x | selectattr('price', 'gt', 5) | list",
        "x | select('gt', 5) | first",
        "x | rejectattr('paid', 'eq', 'no') | list",
        "x | sum(attribute='qty')",
        "x | min(attribute='price')",
        "x | sort(attribute='name', reverse=true)",
        "x | groupby('country')",
        "x | unique(attribute='id')",
        "x | batch(2) | list",
        "x | slice(2) | list",
        "x | dictsort",
        "x | items",
        "x | tojson",
        "x | bool",
        "x | int",
        "x | float",
        "x | abs",
        "x | letters",
        "x | lines",
        "x | split(', ')",
        "x | split('@', 1)",
        "x | replace('a', 'b', 1)",
        "x | trim('/')",
        "x | indent(2)",
        "x | attr('name')",
        "x | chain(y)",
        "x | zip(y)",
        "x | first",
        "x | last",
        "x | reverse",
        "x | title",
        "x | capitalize",
        "'%s trees' | format(x)",
        "'%d' | format(5)",
        "x is divisibleby 3",
        "x is gt 5",
        "x is containing('a')",
        "x is startingwith 'a'",
        "x is in ['a', 'b']",
        "x is sameas none",
        "x is defined",
        "range(5) | list",
        "range(1, x)",
        "dict(a=1).a",
    ] {
        assert_eq!(problem(expression), None, "{expression}");
    }
    let text = json!("{% for i in x %}{{ loop.cycle('a', 'b') }}{% endfor %}");
    assert_eq!(template::check(&text), Ok(()));
}

#[test]
fn a_mistake_names_the_field_that_it_came_from() {
    let context = json!({ "webhook": { "a": "five", "b": "five", "z": "five",
        "items": [{ "qty": "2" }, { "qty": "1,000" }] } });
    for (expression, told) in [
        (
            "(webhook.b | float) > 1 or webhook.a == 'x'",
            "webhook.b is",
        ),
        ("webhook.a ~ (webhook.z | money)", "webhook.z is"),
        (
            "webhook['items'] | sum(attribute='qty')",
            "webhook.items[1].qty is \"1,000\"",
        ),
        (
            "webhook['items'] | map(attribute='qty') | max",
            "webhook.items[1].qty is \"1,000\"",
        ),
        (
            "(webhook.a | float) + (webhook.b | float)",
            "webhook.a or webhook.b is",
        ),
        ("webhook.z | dictsort", "; webhook.z is \"five\""),
        ("'%d' | format(webhook.n)", "; webhook.n has no value"),
    ] {
        let value = json!(format!("{{{{ {expression} }}}}"));
        let error = template::render(&value, &context).unwrap_err().to_string();
        assert!(error.contains(told), "{expression}: {error}");
    }
}

#[test]
fn a_text_by_itself_in_a_condition_is_told() {
    for (condition, told) in [
        (
            "contact.city == 'Paris' or 'London'",
            "'London' by itself beside \"or\", which always holds",
        ),
        ("'vip' in contact.tags or 'gold'", "'gold' by itself"),
        ("'a' and contact.city", "beside \"and\", which always holds"),
        (
            "contact.city == 'a' or 'no' or contact.dnd",
            "'no' by itself beside \"or\", which never holds",
        ),
        ("not (contact.city == 'a' or 'b')", "'b' by itself"),
        (
            "(contact.city == 'a' or 'b') and contact.dnd",
            "'b' by itself",
        ),
    ] {
        let problem = template::check_condition(condition).unwrap_err().problem;
        assert!(problem.contains(told), "{condition}: {problem}");
    }
    let value = json!("{{ 3 if webhook.x == 'a' or 'b' else 1 }}");
    assert!(template::check(&value).is_err());
    for right in [
        "contact.city in ['Paris', 'London']",
        "(contact.city or 'Paris') == 'Paris'",
        "contact.city == 'a' or contact.dnd",
    ] {
        template::check_condition(right).unwrap();
    }
    template::check(&json!("{{ contact.city or 'your town' }}")).unwrap();
}

#[test]
fn forms_that_each_country_has_its_own_of_are_told() {
    for pattern in ["%c", "on %x", "%d %c"] {
        let problem = template::check(&json!(format!("{{{{ x | date('{pattern}') }}}}")));
        let problem = problem.unwrap_err().problem;
        assert!(
            problem.contains("another form in each country"),
            "{problem}"
        );
    }
    template::check(&json!("{{ x | date('%d%%c %H:%M') }}")).unwrap();
}

#[test]
fn the_locations_zone_is_read_wherever_a_date_may_need_it() {
    for code in [
        "webhook.l | map('date') | join(', ')",
        "x | date(zone=contact.timezone)",
        "x | date('%d', zone=contact.timezone)",
        "x | date(contact.timezone)",
        "x | date",
    ] {
        assert!(
            template::names_in_expression(code).contains("location.timezone"),
            "{code}"
        );
    }
    let block = json!("{% filter date %}{{ webhook.t }}{% endfilter %}");
    assert!(template::names(&block).contains("location.timezone"));
    for code in [
        "x | date(zone='Europe/London')",
        "x | date('%d', zone = \"Europe/London\")",
        "x | date('Europe/London')",
        "x | map(attribute='date')",
    ] {
        assert!(
            !template::names_in_expression(code).contains("location.timezone"),
            "{code}"
        );
    }
}

/// A contact without a time zone has none that is named.
#[test]
fn a_zone_that_is_nothing_is_the_locations() {
    let context = json!({ "location": { "timezone": "America/New_York" }, "t": "2026-12-01T02:00:00Z", "empty": "" });
    for zone in ["missing", "empty", "none"] {
        for code in [
            format!("date(zone={zone})"),
            format!("date('%Y-%m-%d', zone={zone})"),
        ] {
            let value = json!(format!("{{{{ t | {code} }}}}"));
            assert_eq!(
                template::render(&value, &context),
                Ok(json!("2026-11-30")),
                "{code}"
            );
        }
    }
}

#[test]
fn tags_are_equal_to_no_text() {
    for condition in ["contact.tags == 'vip'", "'vip' != contact['tags']"] {
        let problem = template::check_condition(condition).unwrap_err().problem;
        assert!(
            problem.contains("write 'vip' in contact.tags"),
            "{condition}: {problem}"
        );
    }
    for right in [
        "contact.tags == ''",
        "contact.tags | first == 'vip'",
        "contact.tags == ['vip']",
        "webhook.tags == 'vip'",
    ] {
        template::check_condition(right).unwrap();
    }
}

#[test]
fn times_are_compared_with_days_and_times() {
    for condition in [
        "contact.dateAdded > '11/30/2026'",
        "contact.dateAdded >= 20261130",
        "'yesterday' < event.occurredAt",
    ] {
        let problem = template::check_condition(condition).unwrap_err().problem;
        assert!(
            problem.contains("which is a time, with"),
            "{condition}: {problem}"
        );
    }
    for right in [
        "contact.dateAdded > '2026-11-30'",
        "contact.dateAdded > '2026'",
        "contact.dateAdded >= '2026-11-30T10:00:00Z'",
        "contact.dateAdded > ''",
        "webhook.createdAt > 1700000000",
    ] {
        template::check_condition(right).unwrap();
    }
}
