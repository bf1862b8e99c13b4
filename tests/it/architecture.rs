//! The plan of the house: which room may use what. Read from the sources, without a compiler.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the innermost to the outermost; each may use those before it.
const ROOMS: [&str; 5] = ["provider", "engine", "config", "daemon", "cli"];
const PURE: [&str; 3] = ["provider", "engine", "config"];

/// What a pure room must not touch.
const WORLD: [&str; 20] = [
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "std::io::std",
    "tokio",
    "ureq",
    "rtnetlink",
    "netlink_",
    "rustix",
    "socket2",
    "rustls",
    "log::",
    // Other clients have options of this name.
    "syslog::",
];

const LINES_MAX: usize = 400;

#[test]
fn no_room_uses_one_that_is_further_out() {
    let mut offences = Vec::new();
    for (at, room) in ROOMS.iter().enumerate() {
        for (file, code) in sources(room) {
            for outer in &ROOMS[at + 1..] {
                let mentioned = words(&code, &format!("crate::{outer}")) || grouped(&code, outer);
                if mentioned {
                    offences.push(format!("{} uses {outer}", file.display()));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn pure_rooms_do_not_touch_the_world() {
    let mut offences = Vec::new();
    for room in PURE {
        for (file, code) in sources(room) {
            let code = flattened(&code);
            for item in WORLD.iter().filter(|item| code.contains(*item)) {
                offences.push(format!("{} touches {item}", file.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn files_are_short_enough_to_be_read() {
    let mut offences = Vec::new();
    for (file, code) in ROOMS.iter().flat_map(|room| sources(room)) {
        let lines = code.lines().count();
        if lines > LINES_MAX {
            offences.push(format!("{} has {lines} lines, {LINES_MAX} are enough", file.display()));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn only_main_ends_the_process() {
    for (file, code) in ROOMS.iter().flat_map(|room| sources(room)) {
        for end in ["process::exit", "process::abort", "ExitCode"] {
            assert!(!code.contains(end), "{} has {end}", file.display());
        }
    }
}

/// `use a::{b, c::{d}}` is seen as `a::b`, `a::c::d`.
#[test]
fn grouped_imports_are_seen_through() {
    let flat = flattened("use std::{io, net::{IpAddr, TcpStream}, fs::File};\nuse x::y;");
    for path in ["std::io", "std::net::IpAddr", "std::net::TcpStream", "std::fs::File", "x::y"] {
        assert!(flat.contains(path), "{path} in {flat}");
    }
    assert!(grouped("use crate::{\n    daemon::x,\n};", "daemon"));
    assert!(words("crate::cli::x", "crate::cli") && !words("crate::client", "crate::cli"));
}

fn grouped(code: &str, room: &str) -> bool {
    words(&flattened(code), &format!("crate::{room}"))
}

/// Whether the path occurs and its last word ends there.
fn words(code: &str, path: &str) -> bool {
    code.match_indices(path)
        .any(|(at, _)| !code[at + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The code, and behind it every import on a line of its own without braces.
fn flattened(code: &str) -> String {
    let mut flat = code.to_owned();
    for statement in code.split(';').filter_map(|part| part.rfind("use ").map(|at| &part[at + 4..])) {
        let statement: String = statement.chars().filter(|c| !c.is_whitespace()).collect();
        spread("", &statement, &mut flat);
    }
    flat
}

fn spread(prefix: &str, tree: &str, flat: &mut String) {
    let mut depth = 0;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts {
        match part.split_once('{') {
            Some((head, rest)) => {
                spread(&format!("{prefix}{head}"), rest.strip_suffix('}').unwrap_or(rest), flat);
            }
            None => {
                flat.push('\n');
                flat.push_str(prefix);
                flat.push_str(part);
            }
        }
    }
}

/// Production code of a room: without comments, and without what comes after `#[cfg(test)]`.
fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join(room).with_extension("rs")];
    collect(&src.join(room), &mut files);
    // `tests.rs` is what a room declares behind `#[cfg(test)]`.
    files.retain(|file| file.is_file() && !file.ends_with("tests.rs"));
    files.sort();
    assert!(!files.is_empty(), "there is no {room}");
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> =
            code.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line }).collect();
        (file.strip_prefix(&src).unwrap().to_owned(), code.join("\n"))
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}
