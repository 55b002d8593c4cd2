//! `canopy recipe`: the ready workflows that ship with the program.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::schema;
use crate::config::{Recipe, recipe, recipes};
use crate::exit::{Ended, Failure};
use crate::output;
use crate::show;

#[derive(Debug, Subcommand)]
pub(crate) enum RecipeCommand {
    /// List the recipes
    List {
        /// Print as JSON: name, title, on, steps
        #[arg(long)]
        json: bool,
    },
    /// Print a recipe's file
    Show {
        name: String,
        /// Print as JSON: what `recipe list` has, and the text
        #[arg(long)]
        json: bool,
    },
    /// Copy a recipe into a folder, to change it there
    Add {
        name: String,
        /// The folder that the configuration names under "workflows"
        #[arg(long, default_value = "workflows")]
        to: PathBuf,
    },
}

pub(super) fn run(command: &RecipeCommand) -> Result<Ended, Failure> {
    match command {
        RecipeCommand::List { json } => list(*json),
        RecipeCommand::Show { name, json } => show_one(known(name)?, *json),
        RecipeCommand::Add { name, to } => add(known(name)?, to),
    }
}

fn known(name: &str) -> Result<&'static Recipe, Failure> {
    recipe(name).map_err(|problem| Failure::BadInput(problem.to_string()))
}

fn show_one(recipe: &Recipe, as_json: bool) -> Result<Ended, Failure> {
    if !as_json {
        return output::text(recipe.text);
    }
    let mut described = described(recipe)?;
    described["text"] = recipe.text.into();
    output::line(&described)
}

fn list(as_json: bool) -> Result<Ended, Failure> {
    let mut rows = Vec::new();
    for recipe in recipes() {
        rows.push(described(recipe)?);
    }
    if as_json {
        return output::line(&Value::Array(rows));
    }
    let pairs: Vec<_> = recipes()
        .iter()
        .zip(&rows)
        .map(|(recipe, row)| {
            (
                recipe.name,
                row["title"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    output::text(&show::pairs(&pairs))
}

/// As the file says it: `on` in every form that a file may give it.
fn described(recipe: &Recipe) -> Result<Value, Failure> {
    let file: Value = toml::from_str(recipe.text).map_err(|error| Failure::failed(&error))?;
    let steps = file["do"].as_array().into_iter().flatten();
    let steps: Vec<_> = steps
        .map(|step| json!({ "id": step["id"], "action": step["action"] }))
        .collect();
    Ok(json!({ "name": recipe.name, "title": file["title"], "on": file["on"], "steps": steps }))
}

fn add(recipe: &Recipe, folder: &std::path::Path) -> Result<Ended, Failure> {
    use std::io::Write as _;

    let path = folder.join(format!("{}.toml", recipe.name));
    let write = || {
        std::fs::create_dir_all(folder)?;
        // Never over a file that somebody may have changed.
        let mut file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .open(&path)?;
        let hint = schema::workflow_hint(folder);
        file.write_all(format!("{hint}{}", recipe.text).as_bytes())
    };
    write().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::BadInput(format!(
            "{} is there already; move it away first",
            path.display()
        )),
        _ => Failure::Failed(format!("{} cannot be written: {error}", path.display())),
    })?;
    eprintln!(
        "wrote {}; its id stays \"{}\", so it stands for the recipe and buys nothing again: take the recipe out of \"recipes\", or give the copy an id of its own",
        path.display(),
        recipe.name
    );
    Ok(Ended::Well)
}
