//! Mistakes in what is said of webhooks, tried on the spec of this workspace.

use crate::output::changed;

/// File, what is replaced in it, by what, and what is then told.
const CASES: &[(&str, &str, &str, &str)] = &[
    // Without the condition a price's creation and its change cannot be told apart.
    (
        "products",
        "[/_id, /product, /priceType, \"!/type\"]",
        "[/_id, /product, /priceType]",
        "PriceUpdate, recognise: a payload without `type` can be both PriceCreate and PriceUpdate",
    ),
    (
        "associations",
        "/secondObjectKey, \"!/firstObjectToSecondObjectCardinality\"]",
        "/secondObjectKey]",
        "AssociationUpdate, recognise: a payload without `type` can be both AssociationCreate and AssociationUpdate",
    ),
    (
        "invoices",
        "/status=void]",
        "/status=paid|void]",
        "InvoiceVoid, recognise: a payload without `type` can be both InvoicePaid and InvoiceVoid",
    ),
    // An event of another record, with marks that any record has.
    (
        "objects",
        "recognise: [/id, /timestamp, /properties, \"!/objectType\"]",
        "recognise: [/id, /locationId, \"!/objectType\"]",
        "can be both RelationCreate and RecordUpdate",
    ),
    (
        "associations",
        "by: get-relations-by-record-id",
        "by: get-association-by-id",
        "RelationCreate, listed.by: `by` must be a GET operation",
    ),
    (
        "conversations",
        "      meanwhile: /conversationId\n",
        "",
        "InboundMessage, listed: `listed` must have `arguments`",
    ),
    (
        "conversations",
        "arguments: { conversationId: /conversationId }",
        "arguments: { conversationId: conversationId }",
        "InboundMessage, listed: `listed` must have `arguments`",
    ),
    // Pointers that lead nowhere in the payload.
    (
        "contacts",
        "    record: /id\n    contact: /id\n    occurred: /dateAdded",
        "    record: /contactId\n    contact: /id\n    occurred: /dateAdded",
        "ContactCreate, record: `/contactId` leads nowhere: `contactId` is not in the payload, which has `type`",
    ),
    (
        "contacts",
        "    contact: /id\n    occurred: /dateAdded",
        "    contact: /contact/id\n    occurred: /dateAdded",
        "ContactCreate, contact: `/contact/id` leads nowhere",
    ),
    (
        "contacts",
        "occurred: /dateAdded",
        "occurred: /customFields",
        "ContactCreate, occurred: `/customFields` leads to type `array`, and must lead to a text or a number",
    ),
    (
        "products",
        "version: /updatedAt",
        "version: /dateUpdated",
        "version: `/dateUpdated` leads nowhere",
    ),
    (
        "conversations",
        "arguments: { conversationId: /conversationId }",
        "arguments: { conversationId: /conversation }",
        "InboundMessage, listed.arguments.conversationId: `/conversation` leads nowhere",
    ),
    (
        "conversations",
        "same: [/dateAdded, /direction]",
        "same: [/dateAdded, /directions]",
        "InboundMessage, listed.same.1: `/directions` leads nowhere",
    ),
    // The payload has it, and the list's records have not.
    (
        "conversations",
        "same: [/dateAdded, /direction]",
        "same: [/dateAdded, /callStatus]",
        "InboundMessage, listed.same.1: on the list, `/callStatus` leads nowhere",
    ),
    (
        "conversations",
        "part: { ids: /meta/email/messageIds, id: /emailMessageId }",
        "part: { ids: /metas/email/messageIds, id: /emailMessageId }",
        "InboundMessage, listed.part.ids: on the list, `/metas/email/messageIds` leads nowhere",
    ),
    (
        "conversations",
        "part: { ids: /meta/email/messageIds, id: /emailMessageId }",
        "part: { ids: /meta/email/messageIds, id: /emailMessage }",
        "InboundMessage, listed.part.id: `/emailMessage` leads nowhere",
    ),
];

#[test]
fn every_mistake_in_a_webhook_is_told() {
    for (file, old, new, told) in CASES {
        let path = format!("spec/webhooks/{file}.yaml");
        let problems = changed(&path, old, new).expect_err(told).to_string();
        assert!(problems.starts_with(&path), "{problems}");
        assert!(
            problems.contains(told),
            "{told}\nis not told, but\n{problems}"
        );
    }
}
