//! Patterns that are not what they seem.

use super::fields::{months, numbers, step_of_all};
use crate::on::ScheduleOn;
use crate::zones;

/// So many days has each month at most.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl ScheduleOn {
    /// What the fields say that is perhaps not meant.
    pub(crate) fn advice(&self) -> Vec<String> {
        let fields: Vec<&str> = self.schedule.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (field, first, last, unit, of) in [
            (minute, 0, 59, "minute", "hour"),
            (hour, 0, 23, "hour", "day"),
            (month, 1, 12, "month", "year"),
            (weekday, 0, 6, "weekday", "week"),
        ] {
            found.extend(step(field, (first, last), unit, of));
        }
        if let Some(step) = step_of_all(day, 1, 31)
            && step > 1
        {
            found.push(format!(
                "\"{day}\" as days begins anew on the 1st of each month: after the last day of a month the next is not {step} days away"
            ));
        }
        if matches!(minute, "*" | "?") && !hour.starts_with(['*', '?']) {
            found.push(format!(
                "\"{minute}\" as minutes is each minute of the hours that are named, 60 times in an hour; for once write \"0 {hour} {day} {month} {weekday}\""
            ));
        }
        if weekday.contains("#5") {
            found.push(format!(
                "not every month has the fifth weekday that \"{weekday}\" names; for the last one write #L"
            ));
        }
        if takes_either_day(day, month, weekday) {
            let days = "it is due on each day that fits one of them, not on those that fit both";
            // Of several weekdays each has its first in a month.
            let first = if weekday.contains(['#', 'L', '/', '-', ',']) {
                String::new()
            } else {
                format!(
                    "; for the first such weekday of a month write \"{minute} {hour} * {month} {weekday}#1\""
                )
            };
            found.push(format!(
                "both days (\"{day}\") and weekdays (\"{weekday}\") are named: {days}{first}"
            ));
        }
        found.extend(late_days(day, month));
        let schedule = &self.schedule;
        let zone = self.timezone.as_deref().and_then(zones::advice);
        found
            .into_iter()
            .chain(zone)
            .map(|advice| format!("schedule \"{schedule}\": {advice}"))
            .collect()
    }
}

/// Whether days and weekdays are both named, and a day is due that fits only one of them. How croner takes the fields
/// (a step names days, to it) is seen by what it finds.
fn takes_either_day(day: &str, month: &str, weekday: &str) -> bool {
    let fits = |day: &str, weekday: &str| {
        let on = ScheduleOn {
            schedule: format!("0 0 {day} {month} {weekday}"),
            timezone: None,
            each: None,
        };
        let timetable = on.timetable().ok();
        timetable.map(|timetable| timetable.days_of_four_years())
    };
    let (Some(days), Some(weekdays), Some(found)) =
        (fits(day, "*"), fits("*", weekday), fits(day, weekday))
    else {
        return false;
    };
    found != days.intersection(&weekdays).copied().collect()
}

/// A step that does not divide its hour, day, year or week.
fn step(field: &str, (first, last): (u32, u32), unit: &str, of: &str) -> Option<String> {
    let step = step_of_all(field, first, last)?;
    let whole = last - first + 1;
    if step >= whole {
        return Some(format!(
            "\"{field}\" as {unit}s is {unit} {first} alone, once in each {of}, and not every {step} {unit}s"
        ));
    }
    let latest = first + (whole - 1) / step * step;
    (!whole.is_multiple_of(step)).then(|| {
        format!(
            "\"{field}\" as {unit}s begins anew in each {of}: after {unit} {latest} the next is {} {unit}(s) away, not {step}",
            whole + first - latest
        )
    })
}

/// Days that not every month has.
fn late_days(day: &str, month: &str) -> Option<String> {
    let (days, months) = (numbers(day, 1, 31)?, months(month)?);
    let (earliest, latest) = (*days.first()?, *days.last()?);
    if earliest < 29 || latest > 31 {
        // Others of these days come in any case.
        return None;
    }
    let named = || {
        (1..=12_u32)
            .zip(DAYS)
            .filter(|(month, _)| months.contains(month))
    };
    let lacking = |day: u32| named().filter(|(_, last)| *last < day).count();
    let in_february = earliest == 29 && months.contains(&2);
    if months.len() == 1 && in_february {
        return Some("February has a 29th in leap years only; for its last day write L".to_owned());
    }
    let mut problems = Vec::new();
    // A month that lacks the 30th lacks the 31st as well.
    if let Some(day) = (30..=31)
        .rev()
        .find(|day| days.contains(day) && lacking(*day) > 0)
    {
        let left_out = if days.len() == 1 {
            " and are left out"
        } else {
            ""
        };
        problems.push(format!(
            "{} month(s) of those named have no {day}{}{left_out}",
            lacking(day),
            if day == 31 { "st" } else { "th" }
        ));
    }
    if in_february {
        problems.push("February has a 29th in leap years only".to_owned());
    }
    let problem = problems.join(", and ");
    (!problem.is_empty()).then(|| format!("{problem}; for the last day of a month write L"))
}

#[cfg(test)]
mod tests {
    use crate::on::ScheduleOn;

    fn on(schedule: &str) -> ScheduleOn {
        ScheduleOn {
            schedule: schedule.to_owned(),
            timezone: None,
            each: None,
        }
    }

    #[test]
    fn patterns_that_are_not_what_they_seem_are_told() {
        for (schedule, told) in [
            (
                "*/90 * * * *",
                "\"*/90\" as minutes is minute 0 alone, once in each hour, and not every 90 minutes",
            ),
            (
                "*/59 * * * *",
                "after minute 59 the next is 1 minute(s) away, not 59",
            ),
            (
                "*/7 * * * *",
                "after minute 56 the next is 4 minute(s) away",
            ),
            (
                "0 */5 * * *",
                "after hour 20 the next is 4 hour(s) away, not 5",
            ),
            ("0 */48 * * *", "is hour 0 alone, once in each day"),
            (
                "0 9 1-7 * 1",
                "both days (\"1-7\") and weekdays (\"1\") are named: it is due on each day that fits one of them",
            ),
            ("0 9 1-7 * MON", "write \"0 9 * * MON#1\""),
            ("0 9 31 * *", "5 month(s) of those named have no 31st"),
            ("0 9 30 * *", "1 month(s) of those named have no 30th"),
            ("0 9 29 * *", "February has a 29th in leap years only"),
            (
                "0 9 29-31 * *",
                "5 month(s) of those named have no 31st, and February has a 29th in leap years only; for the last day of a month write L",
            ),
            (
                "0 9 29-31 2 *",
                "February has a 29th in leap years only; for its last day write L",
            ),
            ("5 4 29 2 *", "February has a 29th in leap years only"),
            (
                "0 9 30,31 4-JUN *",
                "2 month(s) of those named have no 31st;",
            ),
            (
                "0 9 31 */2 *",
                "2 month(s) of those named have no 31st and are left out",
            ),
            (
                "0 0 1 */5 *",
                "\"*/5\" as months begins anew in each year: after month 11 the next is 2 month(s) away, not 5",
            ),
            ("0 0 1 */12 *", "is month 1 alone, once in each year"),
            (
                "0 9 * * */2",
                "\"*/2\" as weekdays begins anew in each week: after weekday 6 the next is 1 weekday(s) away, not 2",
            ),
            (
                "0 9 */1 * 1",
                "both days (\"*/1\") and weekdays (\"1\") are named",
            ),
            (
                "0 9 1 * 1-5",
                "both days (\"1\") and weekdays (\"1-5\") are named",
            ),
            (
                "0 9 13 * */1",
                "both days (\"13\") and weekdays (\"*/1\") are named",
            ),
            ("0 9 31 1-6 *", "3 month(s) of those named"),
            (
                "* 9 * * *",
                "is each minute of the hours that are named, 60 times in an hour; for once write \"0 9 * * *\"",
            ),
            ("0 9 * * FRI#5", "not every month has the fifth weekday"),
            ("0 9 */2 * *", "begins anew on the 1st of each month"),
        ] {
            let on = on(schedule);
            on.timetable().unwrap();
            let advice = on.advice();
            assert_eq!(advice.len(), 1, "{schedule}: {advice:?}");
            assert!(advice[0].contains(told), "{advice:?}");
        }
        // `1-5#1` is due five times a month.
        for several in ["0 9 1 * 1-5", "0 9 15 6 MON,TUE"] {
            let advice = on(several).advice().join(" ");
            assert!(
                advice.contains("both days") && !advice.contains('#'),
                "{advice}"
            );
        }
        // Each of the two is told.
        for (schedule, step) in [
            ("0 9 1 * */2", "weekdays begins anew"),
            ("0 9 */2 * 1", "days begins anew"),
        ] {
            let advice = on(schedule).advice();
            assert_eq!(advice.len(), 2, "{schedule}: {advice:?}");
            assert!(advice[0].contains(step), "{advice:?}");
            assert!(
                advice[1].contains("are named: it is due on each day that fits one of them"),
                "{advice:?}"
            );
        }
        for plain in [
            "*/15 * * * *",
            "0 */6 * * *",
            "0 9 1 * *",
            "0 9 * * 1-5",
            "0 9 L * *",
            "0 9 * * MON#1",
            "0 9 31 1,3 *",
            "0 9 15,31 * *",
            "30 1 * * *",
            "0 9-17/2 * * *",
            "0 0 1 */3 *",
            "0 9 ? * 1",
            "0 9 * * */1",
            "@daily",
        ] {
            let advice = on(plain).advice();
            assert_eq!(advice, [""; 0], "{plain}");
        }
    }
}
