//! Patterns that are not what they seem.

use crate::on::ScheduleOn;

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
        found.extend(step(minute, 60, "minute", "hour"));
        found.extend(step(hour, 24, "hour", "day"));
        if let Some((_, step)) = day.split_once('/')
            && step.parse::<u32>().is_ok_and(|step| step > 1)
        {
            found.push(format!(
                "\"{day}\" as days begins anew on the 1st of each month: after the last day of a month the next is not {step} days away"
            ));
        }
        let is_named = |field: &str| !field.starts_with(['*', '?']) && !field.starts_with('+');
        if is_named(day) && is_named(weekday) {
            let days = "it is due on each day that fits one of them, not on those that fit both";
            let first = if weekday.contains(['#', 'L']) {
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
        found
            .into_iter()
            .map(|advice| format!("schedule \"{schedule}\": {advice}"))
            .collect()
    }
}

/// A step that does not divide its hour or day.
fn step(field: &str, whole: u32, unit: &str, of: &str) -> Option<String> {
    let (range, step) = field.split_once('/')?;
    let step: u32 = step.parse().ok().filter(|step| *step > 0)?;
    if !(range == "*" || range == "0" || range.starts_with("0-")) {
        return None;
    }
    if step >= whole {
        return Some(format!(
            "\"{field}\" as {unit}s is {unit} 0 alone, once in each {of}, and not every {step} {unit}s"
        ));
    }
    let last = (whole - 1) / step * step;
    (!whole.is_multiple_of(step)).then(|| {
        format!(
            "\"{field}\" as {unit}s begins anew in each {of}: after {unit} {last} the next is {} {unit}(s) away, not {step}",
            whole - last
        )
    })
}

/// Days that not every month has.
fn late_days(day: &str, month: &str) -> Option<String> {
    let mut days = day
        .split(',')
        .flat_map(|part| part.split('-'))
        .filter_map(|day| day.parse::<u32>().ok());
    let latest = days
        .clone()
        .max()
        .filter(|latest| (29..=31).contains(latest))?;
    // Others of these days come in any case.
    if !days.all(|day| day > 28) || day.contains('-') {
        return None;
    }
    let months = |number: u32| {
        match month {
        "*" | "?" => true,
        list => list.split(',').any(|part| match part.split_once('-') {
            Some((from, to)) => matches!((from.parse::<u32>(), to.parse::<u32>()), (Ok(from), Ok(to)) if (from..=to).contains(&number)),
            None => part.parse::<u32>().is_ok_and(|one| one == number),
        }),
    }
    };
    let named = (1..=12_u32).zip(DAYS).filter(|(number, _)| months(*number));
    let (with, without): (Vec<_>, Vec<_>) = named.partition(|(_, days)| *days >= latest);
    if latest == 29 && without.is_empty() && with.iter().any(|(number, _)| *number == 2) {
        return Some(
            "February has a 29th in leap years only; for the last day of a month write L"
                .to_owned(),
        );
    }
    (!without.is_empty() && !with.is_empty()).then(|| {
        format!(
            "{} month(s) of those named have no {latest}{} and are left out; for the last day of each month write L",
            without.len(),
            if latest == 31 { "st" } else { "th" }
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::on::ScheduleOn;

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
            ("0 9 31 1-6 *", "3 month(s) of those named"),
            ("0 9 */2 * *", "begins anew on the 1st of each month"),
        ] {
            let on = ScheduleOn {
                schedule: schedule.to_owned(),
                timezone: None,
                each: None,
            };
            on.timetable().unwrap();
            let advice = on.advice();
            assert_eq!(advice.len(), 1, "{schedule}: {advice:?}");
            assert!(advice[0].contains(told), "{advice:?}");
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
            "5 4 29 2 *",
            "@daily",
        ] {
            let on = ScheduleOn {
                schedule: plain.to_owned(),
                timezone: None,
                each: None,
            };
            let advice = on.advice();
            if plain == "5 4 29 2 *" {
                assert_eq!(advice.len(), 1);
                continue;
            }
            assert_eq!(advice, [""; 0], "{plain}");
        }
    }
}
