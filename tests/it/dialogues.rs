//! Every dialogue of every entry, played.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use wanbeacon::provider::{Provider, catalogue};

#[test]
fn every_entry_keeps_to_its_recorded_dialogues() {
    let mut wrong = Vec::new();
    for (id, text) in files() {
        let provider = Arc::new(Provider::parse(&text).unwrap_or_else(|errors| panic!("{id}: {errors:#?}")));
        // Who speaks DNS is asked by tests/dns.
        if provider.is_gone() || provider.speaks_dns() {
            continue;
        }
        assert!(!provider.dialogues.is_empty(), "{id} has no dialogue");
        wrong.extend(provider.play().iter().map(|mismatch| format!("{id}: {mismatch}")));
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_entry_shows_what_success_refusal_outage_and_nonsense_look_like() {
    let unshown: Vec<String> = files().iter().flat_map(|(id, text)| unshown(id, text)).collect();
    assert!(unshown.is_empty(), "{}", unshown.join("\n"));
}

/// What the dialogues of an entry should show and do not.
fn unshown(id: &str, text: &str) -> Vec<String> {
    let provider = Provider::parse(text).unwrap();
    let mut unshown = Vec::new();
    // Who speaks DNS is asked by tests/dns.
    if !provider.is_gone() && !provider.speaks_dns() {
        let nochg = text.contains("\nnochg = ") || text.contains("\nprofile = ");
        let answers: Vec<_> = provider.dialogues.iter().flat_map(|dialogue| &dialogue.answers).collect();
        let has = |verdict: &str| {
            answers.iter().any(|answer| answer.verdicts.iter().any(|v| v.starts_with(verdict)))
        };
        for verdict in ["good", "unchanged", "credentials", "busy", "not understood"] {
            if !has(verdict) && (verdict != "unchanged" || nochg) {
                unshown.push(format!("{id} has no dialogue that ends {verdict:?}"));
            }
        }
        let page = answers
            .iter()
            .any(|answer| answer.body.contains("<html") && answer.verdicts == ["not understood"]);
        if !page {
            unshown.push(format!("{id} has no dialogue with a captive portal"));
        }
    }
    unshown
}

#[test]
fn every_file_is_in_the_program() {
    let files = files();
    let ids: Vec<&str> = files.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, catalogue::ids().collect::<Vec<_>>());
}

/// The program leaves out what stands behind `[example]`.
#[test]
fn what_a_file_says_of_its_provider_is_in_the_program() {
    for (id, text) in files() {
        let (file, program) = (Provider::parse(&text).unwrap(), catalogue::provider(&id).unwrap().unwrap());
        assert_eq!(file.manners(), program.manners(), "{id}: write its requests before [example]");
    }
}

#[test]
fn the_example_of_the_guide_keeps_to_its_dialogues() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers.md")).unwrap();
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let provider = Arc::new(Provider::parse(rest.split_once("```").unwrap().0).unwrap());
    assert_eq!(provider.play(), []);
}

/// Whoever follows the page must succeed, by the standards of the catalogue.
#[test]
fn the_provider_that_the_page_about_adding_one_adds_is_complete() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/adding-a-provider.md")).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let text = rest.split_once("```").unwrap().0;
    assert!(page.contains("**2. Write `dyn.example.toml`.**"));
    let (_, more) = rest.split_once("```toml\n").unwrap();
    let more = format!("{text}\n{}", more.split_once("```").unwrap().0);
    let provider = Arc::new(Provider::parse_file(&more, "dyn.example").unwrap());
    assert!(provider.manners().removes && provider.manners().takes_prefix);
    assert_eq!(provider.play(), []);
    assert_eq!(unshown("dyn.example", text), Vec::<String>::new());
}

/// Id and text of every file of the catalogue, sorted by id.
pub(crate) fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider/catalogue");
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}
