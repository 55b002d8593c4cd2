//! How far a back-fill has come: rate, calls left today, time left.

use canopy_triggers::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; hidden where nobody sees it.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub fn new(connection: &str, hidden: bool) -> Self {
        // Without a terminal, indicatif draws nothing by itself.
        let bar = if hidden {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        let style = ProgressStyle::with_template(
            "{prefix} {bar:30.green} {pos}/{len} contacts, {per_sec}, {msg}{eta} left",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(connection.to_owned());
        Self(bar)
    }

    pub fn show(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.contacts);
        if let Some(calls) = progress.calls_left {
            self.0.set_message(format!("{calls} calls left today, "));
        }
    }

    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
