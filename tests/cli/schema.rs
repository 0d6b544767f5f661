//! `tools/vgtctl/SCHEMA.md` against the JSON in the transcripts, in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::{all_transcripts, program, transcript};

/// Documented keys of one object: path to type.
type Keys = BTreeMap<String, String>;

/// The tables of SCHEMA.md by their headings, which are verbs or names of objects.
fn documented() -> BTreeMap<String, Keys> {
    let path = program::repository().join("tools/vgtctl/SCHEMA.md");
    let (mut tables, mut heading) = (BTreeMap::<String, Keys>::new(), String::new());
    for line in fs::read_to_string(path).unwrap().lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.to_owned();
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let [_, key, kind, _unit, since, _meaning, _] = cells.as_slice()
            && let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`'))
        {
            assert!(!since.is_empty(), "{heading}: {key} has no version");
            let before =
                tables.entry(heading.clone()).or_default().insert(key.to_owned(), (*kind).to_owned());
            assert!(before.is_none(), "{heading}: {key} is there twice");
        }
    }
    tables
}

/// The keys of a verb with those of the objects that its types name, such as `array of vGPU`.
fn expanded(tables: &BTreeMap<String, Keys>, heading: &str) -> Keys {
    let mut keys = Keys::new();
    for (key, kind) in tables.get(heading).unwrap_or_else(|| panic!("SCHEMA.md has no section {heading}")) {
        for alternative in kind.split(" or ") {
            let (object, path) = match alternative.strip_prefix("array of ") {
                Some(object) => (object, format!("{key}[]")),
                None => (alternative, key.clone()),
            };
            if tables.contains_key(object) {
                keys.extend(
                    expanded(tables, object).into_iter().map(|(k, kind)| (format!("{path}.{k}"), kind)),
                );
            }
        }
        keys.insert(key.clone(), kind.clone());
    }
    keys
}

/// Every key path of a value, with the kinds of what is there.
fn seen(value: &Value, path: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                found.entry(path.clone()).or_default().insert(kind(member));
                seen(member, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| seen(item, &format!("{path}[]"), found)),
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether the type that is documented allows what was seen.
fn allows(tables: &BTreeMap<String, Keys>, documented: &str, seen: &str) -> bool {
    documented.split(" or ").any(|kind| match kind {
        _ if kind == seen => true,
        _ if kind.starts_with("array of ") => seen == "array",
        _ => seen == "object" && tables.contains_key(kind),
    })
}

/// The JSON objects that the transcripts show, whole ones only.
fn shown() -> Vec<Value> {
    let steps = all_transcripts().into_iter().flat_map(|path| transcript::steps(&path));
    let outputs = steps.filter(|step| step.command.contains("--json") && !step.command.contains("| "));
    let lines = |output: String| {
        let object = output.lines().skip_while(|line| *line != "{").map(str::to_owned);
        let mut object: Vec<String> = object.collect();
        let end = object.iter().position(|line| line == "}").map_or(0, |at| at + 1);
        object.truncate(end);
        object.join("\n")
    };
    let whole = outputs.map(|step| lines(step.output)).filter(|object| !object.is_empty());
    let redacted = all_transcripts().into_iter().flat_map(|path| transcript::steps(&path));
    let redacted = redacted
        .filter(|step| step.command.contains("--json | sed") && step.output.starts_with('{'))
        .map(|step| step.output);
    whole
        .chain(redacted)
        .map(|text| serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
        .collect()
}

#[test]
fn json_has_exactly_the_documented_keys_and_types() {
    let tables = documented();
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<&'static str>>> = BTreeMap::new();
    for object in shown() {
        let heading = match object.get("error") {
            Some(_) => "Failure".to_owned(),
            None => object["command"].as_str().unwrap().to_owned(),
        };
        assert_eq!(object["schema"], "vgtctl/1");
        seen(&object, "", found.entry(heading).or_default());
    }
    let mut problems = Vec::new();
    for (heading, paths) in &found {
        let mut wanted = expanded(&tables, heading);
        wanted.extend(expanded(&tables, "Every object").into_iter().filter(|_| heading != "Failure"));
        for (path, kinds) in paths {
            match wanted.get(path) {
                None => problems.push(format!("{heading}: {path} is not documented")),
                Some(documented) => problems.extend(
                    kinds
                        .iter()
                        .filter(|kind| !allows(&tables, documented, kind))
                        .map(|kind| format!("{heading}: {path} is {kind}, documented as {documented}")),
                ),
            }
        }
        let unseen = wanted.keys().filter(|path| !paths.contains_key(*path));
        problems.extend(unseen.map(|path| format!("{heading}: {path} is documented and in no transcript")));
    }
    let named: String =
        tables.values().flat_map(|keys| keys.values().cloned()).collect::<Vec<_>>().join("\n");
    for heading in tables.keys().filter(|name| !found.contains_key(*name) && *name != "Every object") {
        if !named.contains(heading.as_str()) {
            problems.push(format!("{heading}: documented and in no transcript"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
