//! Values in texts.

use super::printed;

#[test]
fn values_read_in_texts_as_people_write_them() {
    for (template, right) in [
        ("<{{ v.null }}{{ v.missing }}{{ none }}>", "<>"),
        ("{{ v.null ~ '' }}", ""),
        ("{{ v.null ~ v.n5 }}", "5"),
        (
            "{{ v.null | upper }}{{ v.null | string }}{{ v.null | trim }}",
            "",
        ),
        ("{{ v.null | default('x') }}{{ v.missing | d('y') }}", "xy"),
        ("{{ none | default('x') }}", "x"),
        (
            // HighLevel writes a field without a value as an empty text.
            "{{ v.empty | default('x') }}{{ v.empty | default('y', true) }}{{ v.blank | d('z') }}",
            "xyz",
        ),
        ("{{ v.n5 | default(1) }}", "5"),
        (
            "{{ v.yes }} {{ not v.yes }} {{ v.yes ~ '' }} {{ v.yes | string }}",
            "true false true true",
        ),
        (
            "{{ 2.0 }} {{ 4 / 2 }} {{ 2.5 }} {{ 2.0 ~ '' }}",
            "2 2 2.5 2",
        ),
        ("{{ v.words }}", "vip, gold"),
        ("{{ v.numbers }}", "3, 20, 100"),
        ("{{ v.with_null }}", "3, 20"),
        (
            "{{ ['vip', none, '', 1] }} {{ [none, '', 1, true] | join(' and ') }}",
            "vip, 1 1 and true",
        ),
        ("{{ v.words ~ '!' }}", "vip, gold!"),
        ("{{ v.object }}", "{\"a\":1}"),
        (
            "{{ 1234.5 | money }} {{ v.t5 | money }} {{ 0.005 | money }} {{ -1.005 | money }}",
            "1234.50 5.00 0.01 -1.01",
        ),
        (
            "{{ v.t1_5 | money('GBP') }}<{{ v.null | money }}>",
            "1.50 GBP<>",
        ),
        (
            "{{ '£1,234.50' | amount | money }} {{ '1.234,50 €' | amount | money }} {{ '1 234,5 EUR' | amount | money }}",
            "1234.50 1234.50 1234.50",
        ),
        (
            "{{ \"CHF 1'234'567\" | amount }} {{ '$12' | amount }} {{ '-US$0.50' | amount }} {{ '₹12,34,567.5' | amount }}",
            "1234567 12 -0.5 1234567.5",
        ),
        (
            "{{ 'Fr. 12.50' | amount }} {{ '12,50 kr' | amount }} {{ 'A$5' | amount }} {{ 'R$ 1.234,50' | amount }} {{ '1.234,50 zł' | amount }} {{ '5 eur' | amount }}",
            "12.5 12.5 5 1234.5 1234.5 5",
        ),
        (
            "{{ '1,234' | amount('.') }} {{ '1,234' | amount(',') }} {{ '12,5' | amount }} {{ '0,125' | amount }} {{ 7 | amount }}<{{ '' | amount }}>",
            "1234 1.234 12.5 0.125 7<>",
        ),
        (
            "{% for word in v.words %}{{ word }};{% endfor %}",
            "vip;gold;",
        ),
        (
            "{% for word in v.null %}{{ word }};{% else %}none at all{% endfor %}",
            "none at all",
        ),
        (
            "{% if v.null %}a{% elif 'x' in v.missing %}b{% else %}c{% endif %}",
            "c",
        ),
        ("{{ '%s-%s' | format(v.n5, v.null) }}", "5-"),
        ("{{ [1, none] | tojson }}{{ v.null | tojson }}", "[1]"),
        (
            "{{ v.null is none }} {{ v.missing is none }} {{ v.null is defined }} {{ v.n5 is defined }}",
            "true true false true",
        ),
        (
            "{{ v.null == none }} {{ v.null is undefined }} {{ v.empty is none }}",
            "true true false",
        ),
    ] {
        assert_eq!(printed(template).as_deref(), Ok(right), "{template}");
    }
    for (template, right) in [
        (
            "{% for word in v.tags %}x{% endfor %}",
            "v.tags is \"vip, gold\", and is a text where a list is meant",
        ),
        ("{{ v.word | money }}", "v.word is \"five\""),
    ] {
        let problem = printed(template).unwrap_err();
        assert!(problem.contains(right), "{template}: {problem}");
    }
}
