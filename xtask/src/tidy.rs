//! Checks what the compiler does not.

mod edges;
mod marks;
mod text;
mod zones;

use std::path::Path;

use crate::failure::Failure;
use crate::files;

/// Runs all checks and tells every problem at once.
pub fn run(root: &Path) -> Result<(), Failure> {
    let problems = problems(root)?;
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Untidy(problems))
    }
}

fn problems(root: &Path) -> Result<Vec<String>, Failure> {
    let mut problems = edges::problems(&edges::of_workspace(root)?);
    let manifest = files::manifest(root)?;
    for path in files::rust_files(root)? {
        if manifest.contains(&path) {
            continue;
        }
        let file = root.join(&path);
        let text = std::fs::read_to_string(&file).map_err(Failure::io("read", &file))?;
        problems.extend(text::problems(&path, &text));
        let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
        problems.extend(zones::problem(&path, &text, read));
    }
    let attributes = files::read_if_there(&root.join(".gitattributes"))?.unwrap_or_default();
    for path in &manifest {
        let text = files::read_if_there(&root.join(path))?;
        problems.extend(marks::problems(path, text.as_deref(), &attributes));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_workspace_is_tidy() {
        let problems = super::problems(&crate::root()).expect("the workspace can be read");
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
