//! Checks the catalogue of providers and packs it: whatever is wrong in an entry stops the build, with file and line.

// The very parser of the program reads the entries here too. What only the program uses is not used here.
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the build reads entries and sends nothing")]
#[path = "src/provider/mod.rs"]
mod provider;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use provider::Provider;

const FOLDER: &str = "src/provider/catalogue";

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=src/provider");
    // Only the program has the packed catalogue; this script has just the files that it is made of.
    println!("cargo:rustc-cfg=program");
    match pack() {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistakes) => {
            // Cargo shows these lines even where it hides the output of a script.
            mistakes.iter().for_each(|mistake| println!("cargo:error={mistake}"));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "cargo says in the environment where results belong")]
fn pack() -> Result<(), Vec<String>> {
    let wrong = |what: &Path, error: io::Error| vec![format!("{}: {error}", what.display())];
    let folder = Path::new(FOLDER);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|files| files.map(|file| Ok(file?.path())).collect())
        .map_err(|error| wrong(folder, error))?;
    files.sort_by_key(|file| file.file_stem().map(ToOwned::to_owned));
    let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| wrong(file, error))?;
        let shown = file.display();
        let id = file.file_stem().unwrap_or_default().to_string_lossy();
        match Provider::parse_file(&text, &id) {
            Ok(entry) => {
                let lives = !entry.is_gone();
                entries.push((entry.id, lives, lean(&text)));
            }
            Err(errors) => mistakes.extend(
                errors
                    .iter()
                    .map(|error| format!("{shown}:{}:{}: {}", error.line, error.column, error.mistake)),
            ),
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    // By length, because entries of the same length are often of the same kind: packed, they are 6 % smaller.
    entries.sort_by_key(|(_, _, text)| text.len());
    let (mut index, mut texts) = (Vec::new(), Vec::new());
    for (id, lives, text) in entries {
        index.push(format!("({id:?}, {lives}, {}, {}),\n", texts.len(), text.len()));
        texts.extend_from_slice(text.as_bytes());
    }
    // By id, with which each line begins.
    index.sort();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut packed = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Deflate, &texts[..], &mut packed)
        .and_then(|()| fs::write(out.join("catalogue.deflate"), &packed))
        .and_then(|()| {
            let index = format!(
                "const UNPACKED: usize = {};\nconst INDEX: &[(&str, bool, usize, usize)] = &[\n{}];\n",
                texts.len(),
                index.concat()
            );
            fs::write(out.join("catalogue.rs"), index)
        })
        .map_err(|error| wrong(&out, error))
}

/// An entry as the program carries it: without its dialogues, which are for tests, and without comments, which are for
/// whoever mends the entry.
fn lean(text: &str) -> String {
    let head = text.split_once("\n[example]").map_or(text, |(head, _)| head);
    let mut lean = String::new();
    for line in head.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        lean.push_str(line);
        lean.push('\n');
    }
    lean
}
