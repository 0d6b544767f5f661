//! `vgtctl man`.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::exit_code;
use crate::failure::Failure;
use crate::manual;
use crate::output::Report;

pub(super) fn run(dir: Option<&Path>) -> Result<Report, Failure> {
    let fail = |what: &str, error: std::io::Error| {
        Failure::new(exit_code::FAILURE, format!("cannot {what}: {error}"))
            .hint("name a directory that you can write")
    };
    let Some(dir) = dir else {
        let page = manual::page().map_err(|error| fail("form the page", error))?;
        return Report::done(page.clone(), json!({ "page": page }));
    };
    fs::create_dir_all(dir).map_err(|error| fail(&format!("make {}", dir.display()), error))?;
    let mut names = Vec::new();
    for (name, page) in manual::pages().map_err(|error| fail("form the pages", error))? {
        let path = dir.join(&name);
        fs::write(&path, page).map_err(|error| fail(&format!("write {}", path.display()), error))?;
        names.push(name);
    }
    Report::done(
        format!("wrote {} pages to {}\n", names.len(), dir.display()),
        json!({ "directory": dir, "pages": names }),
    )
}
