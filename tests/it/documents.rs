//! What the documents say is what the program has. Each test prints what belongs there.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use wanbeacon::config::{self, options};
use wanbeacon::daemon::catalogue::spacing;
use wanbeacon::provider::{Family, Provider, Status, catalogue};

#[test]
fn the_list_of_providers_is_the_catalogue() {
    let document = document("docs/providers.md");
    let (_, rest) = document.split_once("<!-- providers -->\n").unwrap();
    let (found, _) = rest.split_once("<!-- /providers -->").unwrap();
    let list = providers();
    assert!(found.trim() == list.trim(), "docs/providers.md is out of date; write:\n{list}");
}

#[test]
fn every_dependency_is_accounted_for() {
    let document = document("docs/dependencies.md");
    let explained = |name: &str| document.lines().any(|line| line.starts_with(&format!("| `{name}` |")));
    let manifests =
        ["Cargo.toml", "tests/libuci/Cargo.toml"].map(|name| self::document(name).parse::<Table>().unwrap());
    let target = |manifest| {
        Table::get(manifest, "target").and_then(Value::as_table).into_iter().flat_map(Table::values)
    };
    let targets = manifests.iter().flat_map(target).filter_map(Value::as_table);
    let mut missing = Vec::new();
    let mut known = Vec::new();
    for manifest in manifests.iter().chain(targets) {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in manifest.get(section).and_then(Value::as_table).into_iter().flat_map(Table::keys) {
                known.push(name.clone());
                if !explained(name) && name != "wanbeacon" {
                    missing.push(format!("{name} of [{section}] has no line"));
                }
            }
        }
    }
    let gone = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let gone = gone.map(|(name, _)| name).filter(|name| !known.iter().any(|known| known == name));
    missing.extend(gone.map(|name| format!("{name} has a line and is no dependency")));
    assert!(missing.is_empty(), "docs/dependencies.md:\n{}", missing.join("\n"));
}

/// What a newcomer copies first must be right.
#[test]
fn the_examples_of_the_readme_are_valid() {
    let readme = document("README.md");
    let (_, rest) = readme.split_once("<<'END'\n").unwrap();
    let (quick, _) = rest.split_once("\nEND\n").unwrap();
    let read = config::toml::read(quick).unwrap();
    assert!(read.warnings.is_empty() && read.config.records.len() == 1);
    let (_, rest) = readme.split_once("```toml\nid = ").unwrap();
    let (entry, _) = rest.split_once("```").unwrap();
    Provider::parse(&format!("id = {entry}")).unwrap();
}

#[test]
fn the_example_of_dns_update_is_valid() {
    let document = document("docs/rfc2136.md");
    let (_, rest) = document.split_once("```toml\n").unwrap();
    let read = config::toml::read(rest.split_once("```").unwrap().0).unwrap();
    assert!(read.warnings.is_empty() && read.config.records.len() == 1);
}

/// Paths that a document links to, within the tree.
#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    for file in documents(root) {
        let text = fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("](") {
            let Some((target, _)) = text[at + 2..].split_once(')') else { continue };
            let path = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || target.starts_with('#') || target.contains(' ');
            if !is_elsewhere && !file.parent().unwrap().join(path).exists() {
                broken.push(format!("{}: {target}", file.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn providers() -> String {
    let mut list = "| `provider` | Name | Kind | v4/v6 | Dual in one request | Also | Spacing | Documentation |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for entry in catalogue::providers().unwrap() {
        // `custom` has nobody's front door: its page is this one.
        let page = entry.homepage.strip_prefix("docs/").unwrap_or(&entry.homepage);
        let name = format!("[{}]({page})", entry.name);
        let docs: Vec<String> =
            entry.docs.iter().enumerate().map(|(at, url)| format!("[{}](<{url}>)", at + 1)).collect();
        let (kind, families) = match &entry.status {
            Status::Dead(_) => ("gone".to_owned(), ""),
            Status::Alive => (entry.kind().to_string(), families(&entry)),
            Status::Unclear => {
                (format!("{}; unclear whether it still works", entry.kind()), families(&entry))
            }
        };
        let dual = if entry.manners().dual { "yes" } else { "" };
        let spacing = match spacing(entry.manners()).as_secs() {
            0 => String::new(),
            seconds => options::seconds(seconds),
        };
        let docs = docs.join(" ");
        writeln!(
            list,
            "| `{}` | {name} | {kind} | {families} | {dual} | {} | {spacing} | {docs} |",
            entry.id,
            also(&entry)
        )
        .unwrap();
    }
    list
}

/// What can be said beyond one address for each family.
fn also(entry: &Provider) -> String {
    let manners = entry.manners();
    let abilities = [
        (manners.mixed, "own addresses"),
        (manners.several, "several addresses"),
        (manners.takes_prefix, "prefix"),
        (manners.removes && !manners.removes_all, "removal"),
        (manners.removes_all, "removal of both"),
    ];
    let able: Vec<&str> = abilities.iter().filter(|(can, _)| *can).map(|(_, word)| *word).collect();
    able.join(", ")
}

fn families(entry: &Provider) -> &'static str {
    match (entry.sets(Family::V4), entry.sets(Family::V6)) {
        (true, true) => "v4, v6",
        (true, false) => "v4",
        (false, true) => "v6",
        (false, false) => "",
    }
}

fn documents(root: &Path) -> Vec<PathBuf> {
    let folders = [root.to_owned(), root.join("docs"), root.join("docs/adr"), root.join(".github")];
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name)
}
