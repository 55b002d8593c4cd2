//! The workflows that a configuration asks for: recipes that ship with the program, and files of a folder.

use std::path::Path;

use canopy_engine::Catalog;
use canopy_mapping::{FileError, Workflow, nearest};

use super::Loaded;
use crate::exit::Failure;

/// A ready workflow that ships with the program.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// Also its workflow's id.
    pub name: &'static str,
    pub text: &'static str,
}

const RECIPES: &[Recipe] = &[
    Recipe {
        name: "new-contact",
        text: include_str!("../../../../recipes/new-contact.toml"),
    },
    Recipe {
        name: "contact-notes-to-profile",
        text: include_str!("../../../../recipes/contact-notes-to-profile.toml"),
    },
    Recipe {
        name: "tag-new-profiles",
        text: include_str!("../../../../recipes/tag-new-profiles.toml"),
    },
    Recipe {
        name: "task-progress",
        text: include_str!("../../../../recipes/task-progress.toml"),
    },
];

/// All recipes.
pub(crate) fn recipes() -> &'static [Recipe] {
    RECIPES
}

/// The recipe of this name.
pub(crate) fn recipe(name: &str) -> Result<&'static Recipe, UnknownRecipe> {
    let known = || RECIPES.iter().map(|recipe| recipe.name);
    RECIPES
        .iter()
        .find(|recipe| recipe.name == name)
        .ok_or_else(|| UnknownRecipe {
            name: name.to_owned(),
            fix: match nearest(name, known()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("recipes: {}", known().collect::<Vec<_>>().join(", ")),
            },
        })
}

/// There is no such recipe.
#[derive(Debug, thiserror::Error)]
#[error("there is no recipe \"{name}\"; {fix}")]
pub(crate) struct UnknownRecipe {
    name: String,
    fix: String,
}

/// Reads all workflows of a configuration; ids must differ.
pub(crate) fn workflows(loaded: &Loaded) -> Result<Vec<Workflow>, Failure> {
    let mut workflows: Vec<(String, Workflow)> = Vec::new();
    let config = &loaded.config;
    let default = ["new-contact".to_owned()];
    let recipes = match (&config.recipes, &config.workflows) {
        (Some(recipes), _) => recipes.as_slice(),
        (None, None) => &default,
        (None, Some(_)) => &[],
    };
    for name in recipes {
        let workflow = read_recipe(loaded, name).map_err(|error| Failure::bad_input(&error))?;
        workflows.push((format!("recipe {name}"), workflow));
    }
    if let Some(folder) = &config.workflows {
        for workflow in files(&loaded.path(folder))? {
            workflows.push(workflow);
        }
    }
    for (index, (file, workflow)) in workflows.iter().enumerate() {
        if let Some((other, _)) = workflows[..index]
            .iter()
            .find(|(_, other)| other.id == workflow.id)
        {
            return Err(Failure::BadInput(format!(
                "{file}: workflow id \"{}\" is also used by {other}; ids tell purchases apart, so each needs its own",
                workflow.id
            )));
        }
    }
    if workflows.is_empty() {
        return Err(Failure::BadInput(format!(
            "{}: there is no workflow to run; name one under \"recipes\" or put a file into the \"workflows\" folder",
            loaded.file
        )));
    }
    Ok(workflows
        .into_iter()
        .map(|(_, workflow)| workflow)
        .collect())
}

fn read_recipe(loaded: &Loaded, name: &str) -> Result<Workflow, FileError> {
    let found = recipe(name).map_err(|unknown| {
        FileError::new(
            &loaded.file,
            format!("there is no recipe \"{}\"", unknown.name),
        )
        .at(&loaded.text, name)
        .fix(unknown.fix)
    })?;
    Workflow::parse(&format!("recipe {name}"), found.text, &Catalog)
}

fn files(folder: &Path) -> Result<Vec<(String, Workflow)>, Failure> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        Failure::BadInput(format!("{} cannot be read: {error}", path.display()))
    };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let name = path.display().to_string();
            let workflow = Workflow::parse(&name, &text, &Catalog)
                .map_err(|error| Failure::bad_input(&error))?;
            Ok((name, workflow))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The TOML examples of the README: a configuration, what turns it live, a workflow.
    fn readme_examples() -> Vec<String> {
        let readme = include_str!("../../../../README.md");
        let blocks = readme.split("```toml\n").skip(1);
        blocks
            .map(|block| block.split("```").next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_examples_of_the_readme_work() {
        let [config, live, workflow] = readme_examples().try_into().unwrap();
        let parse = |text: String| crate::config::parse("README.md", text, "".into());
        assert!(parse(config.clone()).unwrap().config.connection[0].test);
        let live = config.replace("[[connection]]\n", "[[connection]]\ntest = false\n")
            + live.split_once("test = false\n").unwrap().1;
        assert!(!parse(live).unwrap().config.connection[0].test);
        Workflow::parse("README.md", &workflow, &Catalog).unwrap();
    }

    #[test]
    fn every_recipe_is_valid_and_named_by_its_id() {
        for recipe in RECIPES {
            let workflow = Workflow::parse(recipe.name, recipe.text, &Catalog).unwrap();
            assert_eq!(workflow.id, recipe.name);
        }
    }
}
