//! Orders are held against the limits before anything is sent.

use canopy_ecologi::operation::Idempotency;
use canopy_ecologi::{InvalidOrder, OPERATIONS, OrderRequest, operation};
use serde_json::{Value, json};

fn order(operation: &str, args: &Value) -> Result<OrderRequest, InvalidOrder> {
    OrderRequest::from_action(operation, args)
}

#[test]
fn arguments_become_the_body_that_is_sent() {
    for (operation, args, body, quantity, unit) in [
        (
            "buy-trees",
            json!({"number": 1}),
            json!({"number": 1}),
            "1",
            "trees",
        ),
        (
            "buy-trees",
            json!({"number": "2", "test": true}),
            json!({"number": 2, "test": true}),
            "2",
            "trees",
        ),
        (
            "buy-trees",
            json!({"number": 2.0, "name": null}),
            json!({"number": 2}),
            "2",
            "trees",
        ),
        (
            "buy-trees",
            json!({"number": 250_000}),
            json!({"number": 250_000}),
            "250000",
            "trees",
        ),
        (
            "buy-local-trees",
            json!({"number": "3", "country": "UK", "name": " Tom ", "recipientEmail": "t@example.com"}),
            json!({"number": 3, "country": "UK", "name": "Tom", "recipientEmail": "t@example.com"}),
            "3",
            "trees",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": 1, "units": "KG"}),
            json!({"number": 1, "units": "KG"}),
            "1",
            "kg_co2e",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": 0.001, "units": "Tonnes"}),
            json!({"number": 0.001, "units": "Tonnes"}),
            "1",
            "kg_co2e",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": "2.9", "units": "Tonnes"}),
            json!({"number": 2.9, "units": "Tonnes"}),
            "2900",
            "kg_co2e",
        ),
        (
            "buy-carbon-removal",
            json!({"number": 1.5}),
            json!({"number": 1.5}),
            "1.5",
            "kg_co2e_removed",
        ),
        (
            "buy-habitat-restoration",
            json!({"number": 0.1, "name": ""}),
            json!({"number": 0.1}),
            "0.1",
            "m2",
        ),
    ] {
        let request = order(operation, &args).unwrap();
        assert_eq!(request.operation(), operation);
        assert_eq!(request.body(), body, "{operation} {args}");
        assert_eq!(
            request.order.quantity().to_string(),
            quantity,
            "{operation} {args}"
        );
        assert_eq!(request.order.unit(), unit);
    }
}

#[test]
fn impossible_orders_name_the_field_the_value_and_the_limit() {
    for (operation, args, text) in [
        ("buy-trees", json!({}), "`number` is missing"),
        ("buy-trees", json!({"number": null}), "`number` is missing"),
        (
            "buy-trees",
            json!({"number": 0}),
            "`number` is 0 and must be at least 1",
        ),
        (
            "buy-trees",
            json!({"number": -5}),
            "`number` is -5 and must be at least 1",
        ),
        (
            "buy-trees",
            json!({"number": 250_001}),
            "`number` is 250001 and must be at most 250000",
        ),
        (
            "buy-trees",
            json!({"number": 1e12}),
            "`number` is 1000000000000 and must be at most 4294967295",
        ),
        (
            "buy-trees",
            json!({"number": 1.5}),
            "`number` is 1.5 and must be a whole number",
        ),
        (
            "buy-trees",
            json!({"number": "two"}),
            "`number` must be a number",
        ),
        (
            "buy-trees",
            json!({"number": 1, "country": "UK"}),
            "`country` is unknown here",
        ),
        (
            "buy-trees",
            json!({"number": 1, "test": "false"}),
            "`test` must be true or false",
        ),
        (
            "buy-trees",
            json!({"number": 1, "name": 7}),
            "`name` must be a text",
        ),
        ("buy-trees", json!([1]), "one JSON object"),
        (
            "buy-local-trees",
            json!({"number": 1}),
            "`country` is missing",
        ),
        (
            "buy-local-trees",
            json!({"number": 1, "country": "FR"}),
            "is \"FR\" and must be one of UK, US, AU, BR",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": 0.9, "units": "KG"}),
            "at least 1",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": 0.0009, "units": "Tonnes"}),
            "at least 0.001",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": 1, "units": "kg"}),
            "must be one of KG, Tonnes",
        ),
        (
            "buy-carbon-avoidance",
            json!({"number": "79228162514264337593543950335", "units": "Tonnes"}),
            "at most",
        ),
        ("buy-carbon-removal", json!({"number": 0.5}), "at least 1"),
        (
            "buy-habitat-restoration",
            json!({"number": 0.05}),
            "at least 0.1",
        ),
        (
            "buy-habitat-restoration",
            json!({"number": 1.25}),
            "is 1.25 and can have 1 decimal place",
        ),
        (
            "get-trees",
            json!({"number": 1}),
            "`get-trees` is no purchase",
        ),
    ] {
        let error = order(operation, &args).unwrap_err().to_string();
        assert!(error.contains(text), "{operation} {args}: {error}");
    }
}

#[test]
fn every_keyed_operation_of_the_table_can_be_ordered() {
    let mut keyed: Vec<_> = OPERATIONS
        .iter()
        .filter(|operation| matches!(operation.idempotency, Idempotency::Keyed { .. }))
        .map(|operation| operation.name)
        .collect();
    keyed.sort_unstable();
    let mut ordered = Vec::new();
    for name in &keyed {
        let args = [
            json!({"number": 1}),
            json!({"number": 1, "country": "UK"}),
            json!({"number": 1, "units": "KG"}),
        ];
        let request = args.iter().find_map(|args| order(name, args).ok());
        ordered.push(
            request
                .unwrap_or_else(|| panic!("{name} cannot be ordered"))
                .operation(),
        );
    }
    assert_eq!(ordered, keyed);
    assert_eq!(keyed.len(), 5);
    assert!(operation("buy-trees").is_some() && operation("buy-tree").is_none());
}

#[test]
fn debug_shows_no_person() {
    let args = json!({"number": 1, "name": "Tom Person", "recipientEmail": "tom@example.com"});
    let shown = format!("{:?}", order("buy-trees", &args).unwrap());
    assert!(!shown.contains("Tom") && !shown.contains("tom@"), "{shown}");
}
