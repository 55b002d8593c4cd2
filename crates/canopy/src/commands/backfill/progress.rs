//! How far a back-fill has come: rate, calls left today, time left.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use canopy_triggers::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error; hidden where nobody sees it.
pub(super) struct Bar {
    drawn: ProgressBar,
    hidden: bool,
    began: Instant,
    /// Where this run began, which an earlier one may have left far from the start.
    first: OnceLock<Progress>,
    /// The first that told how many calls are left.
    counted: OnceLock<Progress>,
}

impl Bar {
    pub fn new(connection: &str, hidden: bool) -> Self {
        // Nothing is drawn before it is known how much there is.
        let bar = ProgressBar::hidden();
        let style = ProgressStyle::with_template("{prefix} {bar:30.green} {pos}/{len} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(connection.to_owned());
        Self {
            drawn: bar,
            hidden,
            began: Instant::now(),
            first: OnceLock::new(),
            counted: OnceLock::new(),
        }
    }

    pub fn show(&self, progress: Progress) {
        let first = *self.first.get_or_init(|| progress);
        let counted = match progress.calls_left {
            Some(_) => *self.counted.get_or_init(|| progress),
            None => progress,
        };
        if progress.total == 0 {
            return;
        }
        self.drawn.set_length(progress.total);
        self.drawn.set_position(progress.contacts);
        self.drawn
            .set_message(text(first, counted, progress, self.began.elapsed()));
        if !self.hidden && self.drawn.is_hidden() {
            // Without a terminal, indicatif draws nothing by itself.
            self.drawn.set_draw_target(ProgressDrawTarget::stderr());
            self.drawn.tick();
        }
    }

    pub fn clear(&self) {
        self.drawn.finish_and_clear();
    }
}

/// What stands behind the bar, so long after this run `began`. The rate is the average of this run: the limit lets calls
/// through in bursts, and what earlier runs read says nothing of it.
fn text(began: Progress, counted: Progress, now: Progress, elapsed: Duration) -> String {
    let mut parts = Vec::new();
    let read = now.contacts.saturating_sub(began.contacts);
    let rate = share(read) / elapsed.as_secs_f64();
    let known = read > 0 && rate.is_finite();
    parts.push(if known {
        format!("contacts, {rate:.1} a second")
    } else {
        "contacts".to_owned()
    });
    if let Some(calls) = now.calls_left {
        parts.push(format!("{calls} calls left today"));
    }
    let left = now.total.saturating_sub(now.contacts);
    if known && suffice(counted, now, left) {
        let left = Duration::try_from_secs_f64(share(left) / rate).unwrap_or(Duration::MAX);
        parts.push(format!("{} left", rounded(left)));
    } else if known {
        parts.push("too few for today".to_owned());
    }
    parts.join(", ")
}

/// Whether the calls that are left are enough for the contacts that are left, as far as those of this run tell.
fn suffice(counted: Progress, now: Progress, left: u64) -> bool {
    let (Some(before), Some(calls)) = (counted.calls_left, now.calls_left) else {
        return true;
    };
    let taken = u64::from(before.saturating_sub(calls));
    let read = now.contacts.saturating_sub(counted.contacts);
    read == 0 || taken.saturating_mul(left) <= u64::from(calls).saturating_mul(read)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "contacts of a location are far below 2^52"
)]
fn share(count: u64) -> f64 {
    count as f64
}

fn rounded(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(contacts: u64, calls_left: u32) -> Progress {
        Progress {
            contacts,
            total: 3000,
            records: 0,
            calls_left: Some(calls_left),
        }
    }

    fn told(began: Progress, now: Progress, seconds: u64) -> String {
        text(began, began, now, Duration::from_secs(seconds))
    }

    #[test]
    fn rate_calls_and_time_left_are_told() {
        let expected = "contacts, 5.0 a second, 139400 calls left today, 9 min left";
        assert_eq!(told(at(0, 140_000), at(300, 139_400), 60), expected);
        let late = told(at(0, 140_000), at(2900, 134_000), 580);
        assert!(late.ends_with(", 20 s left"), "{late}");
        let slow = told(at(0, 140_000), at(100, 139_800), 300);
        assert!(slow.ends_with(", 2 h 25 min left"), "{slow}");
    }

    #[test]
    fn what_an_earlier_run_read_is_no_rate_of_this_one() {
        // It goes on from 2000: before it has read any, nobody knows how fast it is.
        let first = at(2000, 136_000);
        let expected = "contacts, 136000 calls left today";
        assert_eq!(told(first, first, 0), expected);
        assert_eq!(told(first, first, 9), expected);
        let expected = "contacts, 5.0 a second, 135900 calls left today, 4 min left";
        assert_eq!(told(first, at(2050, 135_900), 10), expected);
    }

    #[test]
    fn too_few_calls_for_the_rest_are_no_time_left() {
        // Two calls a contact: 400 contacts are left.
        let began = at(2000, 2000);
        let enough = told(began, at(2600, 800), 60);
        assert!(enough.ends_with(", 40 s left"), "{enough}");
        let short = told(began, at(2600, 799), 60);
        assert!(
            short.ends_with("799 calls left today, too few for today"),
            "{short}"
        );
    }

    #[test]
    fn without_a_limit_no_calls_are_told() {
        let unlimited = |contacts| Progress {
            calls_left: None,
            ..at(contacts, 0)
        };
        let expected = "contacts, 10.0 a second, 4 min left";
        assert_eq!(told(unlimited(0), unlimited(600), 60), expected);
    }
}
