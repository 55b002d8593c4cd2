//! What a key is put together of: where a part has no value, several events would share the rest.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, Value};

use super::convert::at;
use super::is_missing;
use super::mistake::Mistake;
use super::print::{CONCAT, printed};

/// Has `~`, `join` and `format` end a run where a part is missing or empty, unless the expression itself has that text.
pub(crate) fn demand_parts(environment: &mut Environment<'_>, expression: &str) {
    let expression: std::sync::Arc<str> = expression.into();
    let given = move |value: &Value| -> Result<String, Error> {
        let text = printed(value)?;
        let is_written = || {
            ["'", "\""]
                .iter()
                .any(|quote| expression.contains(&format!("{quote}{text}{quote}")))
        };
        if text.trim().is_empty() && (is_missing(value) || !is_written()) {
            return Err(Mistake::new(
                value,
                "leaves the key incomplete; have the sender give it, or write once = \"event\"",
            )
            .into());
        }
        Ok(text)
    };
    let part = given.clone();
    environment.add_function(
        CONCAT,
        move |left: &Value, right: &Value| -> Result<String, Error> {
            Ok(part(left)? + &part(right)?)
        },
    );
    let part = given.clone();
    environment.add_filter(
        "join",
        move |value: &Value,
              between: Option<&str>,
              attribute: Option<&str>,
              options: Kwargs|
              -> Result<String, Error> {
            let attribute = attribute.or(options.get::<Option<&str>>("attribute")?);
            options.assert_all_used()?;
            if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
                return part(value);
            }
            let items = value.try_iter()?.map(|item| {
                let item = attribute.map_or_else(|| item.clone(), |path| at(&item, path.trim()));
                part(&item)
            });
            let items = items.collect::<Result<Vec<_>, Error>>()?;
            Ok(items.join(between.unwrap_or_default()))
        },
    );
    environment.add_filter(
        "format",
        move |text: &str, values: Rest<Value>| -> Result<String, Error> {
            values.iter().try_for_each(|value| given(value).map(drop))?;
            super::print::formatted(text, &values)
        },
    );
}
