use super::mistakes;

/// What is told of a value of a step.
fn told(on: &str, value: &str) -> Vec<String> {
    let lines =
        format!("[[do]]\nid = \"a\"\naction = \"profile.save\"\nwith = {{ name = '''{value}''' }}");
    mistakes(on, &lines)
}

#[test]
fn merge_fields_that_are_read_by_another_name_are_told_with_what_to_write() {
    for (value, field) in [
        (
            "{% set c = contact %}{{ c.full_name }}",
            "contact.full_name",
        ),
        (
            "{% with c = contact %}{{ c.full_name }}{% endwith %}",
            "contact.full_name",
        ),
        (
            "{% for c in [contact] %}{{ c.first_name }}{% endfor %}",
            "contact.first_name",
        ),
        (
            "{% for c in [webhook.x, user] %}{{ loop.previtem.first_name }}{% endfor %}",
            "user.first_name",
        ),
        (
            "{% for k, v in {'a': contact} | items %}{{ v['last_name'] }}{% endfor %}",
            "contact.last_name",
        ),
        (
            "{% for f in ['first_name'] %}{{ contact[f] }}{% endfor %}",
            "contact.first_name",
        ),
        (
            "{% set c = contact if contact.email else webhook %}{{ c.phone_raw }}",
            "contact.phone_raw",
        ),
        (
            "{% set c = webhook %}{% if webhook.x %}{% set c = contact %}{% endif %}{{ c.first_name }}",
            "contact.first_name",
        ),
        (
            "{% set n = namespace(c=1) %}{% for x in [1] %}{{ n.c.first_name }}{% set n.c = contact %}{% endfor %}",
            "contact.first_name",
        ),
        (
            "{{ [contact] | map(attribute='full_name') | join }}",
            "contact.full_name",
        ),
        (
            "{{ [contact] | map('attr', 'full_name') | join }}",
            "contact.full_name",
        ),
        (
            "{{ [{'c': contact}] | map(attribute='c.full_name') | join }}",
            "contact.full_name",
        ),
        (
            "{{ [contact] | join(', ', 'full_name') }}",
            "contact.full_name",
        ),
        (
            "{% for g in [contact] | groupby('city') %}{% for c in g.list %}{{ c.first_name }}{% endfor %}{% endfor %}",
            "contact.first_name",
        ),
        (
            "{{ [contact] | selectattr('first_name') | length }}",
            "contact.first_name",
        ),
        (
            "{{ ([contact] | sort(attribute='last_name') | first).email }}",
            "contact.last_name",
        ),
        ("{{ ([contact] | first).last_name }}", "contact.last_name"),
        ("{{ [contact][0].last_name }}", "contact.last_name"),
        ("{{ contact | attr('first_name') }}", "contact.first_name"),
        ("{{ dict(c=contact).c.first_name }}", "contact.first_name"),
        ("{{ {'c': user}.c.first_name }}", "user.first_name"),
        (
            "{{ (webhook.person or contact).first_name }}",
            "contact.first_name",
        ),
        (
            "{{ (webhook.person | default(contact)).first_name }}",
            "contact.first_name",
        ),
        (
            "{% set l = location %}{{ l.full_address }}",
            "location.full_address",
        ),
        (
            "{% set r = record %}{{ r.first_name }}",
            "contact.first_name",
        ),
    ] {
        let found = told("[\"contact.created\"]", value);
        // What is called `webhook` here is told besides.
        let found: Vec<&String> = found
            .iter()
            .filter(|one| one.contains("merge field"))
            .collect();
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        let fix = format!("; for the merge field write {field}");
        assert!(found[0].ends_with(&fix), "{value}: {found:?}");
    }
    assert_eq!(
        told(
            "[\"contact.created\"]",
            "{% set c = contact %}{{ c.full_name }}{{ c.tier }}"
        ),
        [
            "w.toml:7: step \"a\", \"name\": c.full_name has no value, because merge fields are read of contact itself; for the merge field write contact.full_name",
            "w.toml:7: step \"a\", \"name\": c.tier has no value, because merge fields are read of contact itself; for the custom field of this key write custom.tier",
        ]
    );
    assert_eq!(
        mistakes(
            "[\"contact.created\"]",
            "when = \"contact | attr('first_name') == 'Ada'\""
        ),
        [
            "w.toml:4: \"when\": | attr of 'first_name' has no value, because merge fields are read of contact itself; for the merge field write contact.first_name"
        ]
    );
    // The record may be one of several.
    let found = told(
        "[\"get-contact-notes\", \"contact.created\"]",
        "{% set r = record %}{{ r.first_name }}{{ r.date_created }}{{ r.body }}{{ r.email }}{{ r.name }}",
    );
    let ends = ["contact.first_name", "contact.date_created"];
    assert_eq!(found.len(), ends.len(), "{found:?}");
    for (found, field) in found.iter().zip(ends) {
        assert!(found.ends_with(&format!("write {field}")), "{found}");
    }
    // The name would be read as the contact's user.
    assert_eq!(
        told(
            "[{ webhook = \"gift\" }]",
            "{% for user in webhook.users %}{{ user.first_name }}{% endfor %}"
        ),
        [
            "w.toml:7: step \"a\", \"name\": user.first_name is read as the merge field, and the template calls something else \"user\"; call that otherwise, e.g. one, and write one.first_name"
        ]
    );
}

#[test]
fn what_others_send_may_be_called_as_merge_fields_are() {
    for value in [
        "{% for i in webhook['items'] %}{{ i.first_name }}{{ i.full_name }}{% endfor %}",
        "{{ webhook['items'] | map(attribute='first_name') | join }}",
        "{{ webhook.person | attr('full_name') }}{{ webhook.first_name }}",
        "{% set p = webhook.person %}{{ p.first_name }}{{ p['status'] }}",
        "{{ dict(c=contact, p=webhook).p.first_name }}",
        "{% set c = contact %}{% set c = webhook %}{{ c.first_name }}",
        "{% with c = contact %}{{ c.firstName }}{{ c.email }}{{ c.tags }}{% endwith %}",
        "{% for c in [contact] %}{{ c.email }}{% endfor %}{% for c in webhook.x %}{{ c.first_name }}{% endfor %}",
        "{% for tag in contact.tags %}{{ tag.x }}{% endfor %}{% set a = contact.attributionSource %}{{ a.first_name }}",
        "{% for contact in [contact] %}{{ contact.first_name }}{% endfor %}",
        "{{ contact.full_name | upper }}{{ [contact.first_name, user.first_name] | join(' ') }}",
    ] {
        let found = told("[{ webhook = \"gift\" }]", value);
        assert_eq!(found, [""; 0], "{value}");
    }
}

/// What is read twice at each level takes for ever.
#[test]
fn deep_nesting_is_looked_through_at_once() {
    let deep = (0..40).fold("contact".to_owned(), |inner, _| {
        format!("webhook.x | default({inner})")
    });
    let found = told(
        "[{ webhook = \"gift\" }]",
        &format!("{{% set c = {deep} %}}{{{{ c.full_name }}}}"),
    );
    assert_eq!(found.len(), 1, "{found:?}");
}
