//! How the program fares, on the page.

use canopy_store::{PartHealth, Reason};
use canopy_triggers::AddressHealth;
use maud::{Markup, html};

/// What is not good, and what to do.
pub(crate) fn reasons(reasons: &[Reason]) -> Markup {
    html! {
        @if !reasons.is_empty() {
            section {
                h2 { "Not good" }
                table {
                    thead { tr { th { "Since (UTC)" } th { "What" } th { "About" } th { "Why, and what to do" } } }
                    tbody {
                        @for reason in reasons {
                            tr {
                                td { (reason.since.strftime("%Y-%m-%d %H:%M:%S")) }
                                td { (reason.kind.replace('_', " ")) }
                                td { (reason.name) }
                                td { (reason.text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The addresses of webhooks by the vendor's measure.
pub(crate) fn addresses(rows: &[AddressHealth]) -> Markup {
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Addresses of webhooks, three days" }
                table {
                    thead { tr { th { "Address" } th { "Went well" } th { "Deliveries" } th { "Wrongly signed" } th { "Put off" } th { "May fail before HighLevel pauses it" } th { "Judged" } } }
                    tbody {
                        @for row in rows {
                            tr {
                                td { code { (row.address) } }
                                td.number { (row.percent) " %" }
                                td.number { (row.deliveries) }
                                td.number { (row.forged) }
                                td.number { (row.failed) }
                                td.number { (row.failures_left) }
                                td {
                                    @if row.until_judged == 0 { "now" } @else { "after " (row.until_judged) " more" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The state of each part.
pub(crate) fn parts(parts: &[PartHealth]) -> Markup {
    let at =
        |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    html! {
        section {
            h2 { "Health" }
            @if parts.is_empty() {
                p.note { "Nothing has been looked at yet." }
            } @else {
                table {
                    thead { tr { th { "Part" } th { "About" } th { "State" } th { "Since (UTC)" } th { "Last success" } th { "Next try" } th { "Failures" } } }
                    tbody {
                        @for part in parts {
                            tr {
                                td { (part.part.as_str().replace('_', " ")) }
                                td { (part.name) }
                                td { @if part.failing_since.is_some() { "failing" } @else { "good" } }
                                td { (at(part.failing_since.or(part.good_since)).unwrap_or_default()) }
                                td { (at(part.last_success).unwrap_or_default()) }
                                td { (at(part.next_try).unwrap_or_default()) }
                                td.number { (part.failures) }
                            }
                        }
                    }
                }
            }
        }
    }
}
