//! The workflows that a configuration asks for: recipes that ship with the program, and files of a folder.

use std::path::{Path, PathBuf};

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
        name: "notes-in-step",
        text: include_str!("../../../../recipes/notes-in-step.toml"),
    },
    Recipe {
        name: "sync-fields",
        text: include_str!("../../../../recipes/sync-fields.toml"),
    },
    Recipe {
        name: "tag-new-profiles",
        text: include_str!("../../../../recipes/tag-new-profiles.toml"),
    },
    Recipe {
        name: "task-progress",
        text: include_str!("../../../../recipes/task-progress.toml"),
    },
    Recipe {
        name: "contact-task",
        text: include_str!("../../../../recipes/contact-task.toml"),
    },
    Recipe {
        name: "tree-per-won-opportunity",
        text: include_str!("../../../../recipes/tree-per-won-opportunity.toml"),
    },
    Recipe {
        name: "tree-per-kept-appointment",
        text: include_str!("../../../../recipes/tree-per-kept-appointment.toml"),
    },
    Recipe {
        name: "tree-per-webhook-call",
        text: include_str!("../../../../recipes/tree-per-webhook-call.toml"),
    },
    Recipe {
        name: "monthly-carbon",
        text: include_str!("../../../../recipes/monthly-carbon.toml"),
    },
    Recipe {
        name: "welcome-message",
        text: include_str!("../../../../recipes/welcome-message.toml"),
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

/// Reads all workflows of a configuration; ids must differ. The failure tells every mistake of every file.
pub(crate) fn workflows(loaded: &Loaded) -> Result<Vec<Workflow>, Failure> {
    all_workflows(loaded).map_err(|mistakes| refusal(&mistakes))
}

/// All mistakes of workflow files, a line each.
pub(crate) fn refusal(mistakes: &[String]) -> Failure {
    Failure::BadInput(mistakes.join("\n"))
}

/// The same, with the mistakes one by one.
pub(crate) fn all_workflows(loaded: &Loaded) -> Result<Vec<Workflow>, Vec<String>> {
    Ok(switched_workflows(loaded, &workflow_files(loaded))?.0)
}

/// The same of files that have been read, so that whoever keeps them knows what is in force; those that are switched off,
/// which are checked like the others, apart.
pub(crate) fn switched_workflows(
    loaded: &Loaded,
    files: &WorkflowFiles,
) -> Result<(Vec<Workflow>, Vec<Workflow>), Vec<String>> {
    let all = described_workflows(loaded, files)?.into_iter();
    let all = all.map(|(_, workflow)| workflow);
    Ok(all.partition(|workflow| workflow.enabled))
}

/// Why nothing of a workflow is carried out, where it is switched off. What has mistakes is told elsewhere.
pub(crate) fn switched_off(loaded: &Loaded) -> impl Fn(&str) -> Option<String> {
    let known = described_workflows(loaded, &workflow_files(loaded)).unwrap_or_default();
    move |id| {
        let mut off = known.iter().filter(|(_, workflow)| !workflow.enabled);
        let (file, _) = off.find(|(_, workflow)| workflow.id == id)?;
        Some(format!(
            "workflow {id} is switched off (enabled = false in {file})"
        ))
    }
}

/// All of them with where they come from, those that are switched off too.
pub(crate) fn described_workflows(
    loaded: &Loaded,
    files: &WorkflowFiles,
) -> Result<Vec<(String, Workflow)>, Vec<String>> {
    let mut workflows: Vec<(String, Workflow)> = Vec::new();
    let mut mistakes: Vec<String> = Vec::new();
    let mut unknown = Vec::new();
    for source in sources(loaded, files) {
        let parsed =
            source.map(|(file, text)| (Workflow::parse_all(&file, text, &Catalog), file, text));
        match parsed {
            Ok((Ok(workflow), file, text)) => {
                let config = &loaded.config;
                mistakes.extend(super::hooks::unknown(config, (&file, text), &workflow));
                workflows.push((file, workflow));
            }
            Ok((Err(found), ..)) => mistakes.extend(found.iter().map(ToString::to_string)),
            Err(error) => unknown.push(error),
        }
    }
    mistakes.extend(unknown);
    for (index, (file, workflow)) in workflows.iter().enumerate() {
        if let Some((other, _)) = workflows[..index]
            .iter()
            .find(|(_, other)| other.id == workflow.id)
        {
            mistakes.push(format!(
                "{file}: workflow id \"{}\" is also used by {other}; ids tell purchases apart, so each needs its own",
                workflow.id
            ));
        }
    }
    if workflows.is_empty() && mistakes.is_empty() {
        mistakes.push(format!(
            "{}: there is no workflow to run; name one under \"recipes\" or put a file into the \"workflows\" folder",
            loaded.file
        ));
    }
    if mistakes.is_empty() {
        let ids = workflows.iter().map(|(_, workflow)| workflow.id.as_str());
        mistakes.extend(super::budget::unknown_workflow(loaded, ids));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(workflows)
}

/// The recipe that runs where nothing is named.
const USUAL: &str = "new-contact";

/// The recipe that runs by default and does not here, because a folder is named and no recipe.
pub(crate) fn left_out(loaded: &Loaded) -> Option<&'static str> {
    let config = &loaded.config;
    (config.recipes.is_none() && config.workflows.is_some()).then_some(USUAL)
}

/// What a person is told of it.
pub(crate) fn left_out_text(recipe: &str) -> String {
    format!(
        "the recipe {recipe} is not active, because \"workflows\" names a folder and \"recipes\" nothing; recipes = [\"{recipe}\"] adds it, recipes = [] says that it is not meant"
    )
}

/// Names and texts of the recipes and files that make up the workflows, or why one cannot be read.
pub(crate) fn sources<'a>(
    loaded: &'a Loaded,
    files: &'a WorkflowFiles,
) -> impl Iterator<Item = Result<(String, &'a str), String>> {
    let config = &loaded.config;
    let recipes = match (&config.recipes, &config.workflows) {
        (Some(recipes), _) => recipes.iter().map(String::as_str).collect(),
        (None, None) => vec![USUAL],
        (None, Some(_)) => Vec::new(),
    };
    let recipes = recipes.into_iter().map(|name| {
        let recipe = known_recipe(loaded, name).map_err(|error| error.to_string())?;
        Ok((format!("recipe {name}"), recipe.text))
    });
    let files = files.iter().map(|file| {
        let (file, text) = file.as_ref().map_err(String::clone)?;
        Ok((file.clone(), text.as_str()))
    });
    recipes.chain(files)
}

fn known_recipe(loaded: &Loaded, name: &str) -> Result<&'static Recipe, FileError> {
    recipe(name).map_err(|unknown| {
        FileError::new(
            &loaded.file,
            format!("there is no recipe \"{}\"", unknown.name),
        )
        .at(&loaded.text, name)
        .fix(unknown.fix)
    })
}

/// Name and text of each file in the workflows folder, or why it cannot be read.
pub(crate) type WorkflowFiles = Vec<Result<(String, String), String>>;

/// Reads the files in the workflows folder, where there is one.
pub(crate) fn workflow_files(loaded: &Loaded) -> WorkflowFiles {
    let folder = loaded.config.workflows.as_ref();
    folder.map_or_else(Vec::new, |folder| files(&loaded.path(folder)))
}

fn files(folder: &Path) -> WorkflowFiles {
    let unreadable =
        |path: &Path, error: &std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut paths = Vec::new();
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match entries {
        Ok(entries) => paths.extend(entries.iter().map(std::fs::DirEntry::path)),
        Err(error) => return vec![Err(unreadable(folder, &error))],
    }
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(error) => Err(unreadable(&path, &error)),
    };
    paths.into_iter().map(read).collect()
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

    #[test]
    fn every_mistake_of_every_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "a.toml",
            "id = \"a\"\ntitle = \"A\"\non = \"contact.creatd\"\n\n[[do]]\nid = \"note\"\naction = \"create-note\"\nwith = { contactId = \"{{ contact.id }}\", bodi = \"x\" }\n",
        );
        write(
            "b.toml",
            "id = \"b\"\ntitle = \"B\"\non = \"contact.created\"\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = { number = \"many\" }\n",
        );
        let texts = files(folder.path());
        let told: Vec<String> = texts
            .into_iter()
            .map(Result::unwrap)
            .flat_map(|(file, text)| Workflow::parse_all(&file, &text, &Catalog).unwrap_err())
            .map(|error| error.to_string())
            .collect();
        for expected in [
            "a.toml:3: unknown event kind or trigger \"contact.creatd\"; did you mean \"contact.created\"?",
            "a.toml:8: step \"note\", create-note: \"bodi\" is unknown here; did you mean \"body\"?",
            "a.toml:7: step \"note\", create-note: \"body\" is missing",
            "b.toml:8: step \"tree\", buy-trees: \"number\"",
        ] {
            assert!(
                told.iter().any(|text| text.contains(expected)),
                "{expected}: {told:#?}"
            );
        }
        assert_eq!(told.len(), 4, "{told:#?}");
    }
}
