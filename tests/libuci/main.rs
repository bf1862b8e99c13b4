#![cfg(all(target_os = "linux", target_env = "gnu"))]
//! Our UCI parser against the genuine one: both refuse a text for the same reason, or both find the same in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, ptr};

use libuci_sys::{
    uci_alloc_context, uci_context, uci_element, uci_free_context, uci_get_errorstr, uci_list, uci_load,
    uci_option, uci_option_type_UCI_TYPE_STRING, uci_package, uci_section,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wanbeacon::config::uci::grammar::{self, Value, Why};

/// A section as both tell it: type, name, whether it was named, and the options by name.
type Told = (String, String, bool, BTreeMap<String, Held>);

#[derive(Debug, Eq, PartialEq)]
enum Held {
    List(Vec<Vec<u8>>),
    Text(Vec<u8>),
}

/// Every odd line that is known to mean something unexpected.
const ODD: &[&str] = &[
    "",
    "\n",
    "config",
    "config ",
    "config\n",
    "config \n",
    "config a\noption",
    "config a\noption \n",
    "c a b\no x y\nl z 1\nl z 2\np q\n",
    "package other\nconfig a 'b'\n\toption x 'y'\n",
    "package other more\n",
    "package 'a b'\n",
    "package a-b\n",
    "package\n",
    "config a-b.c! 'n'\n",
    "config 'a b'\n",
    "config a 'a-b'\n",
    "config a 'ä'\n",
    "config ä\n",
    "config a 0\noption 1x 2\n",
    "config a b c\n",
    "option x y\nconfig a\n",
    "config a\noption x \"x\"y'z'\n",
    "config a\noption x 'it'\\''s'\n",
    "config a\noption x \"a\\nb\\\"c\\\\d\"\n",
    "config a\noption x 'a\\nb'\n",
    "config a\noption x a\\ b\\#c\\;d\n",
    "config a\noption x one\\\ntwo\n",
    "config a\noption x one\\\n two\n",
    "config a\noption x one\\\r\ntwo\n",
    "config a\noption x one\\\r\n",
    "config a\noption x one\\",
    "config a\noption x \"one\\\ntwo\"\n",
    "config a\noption x \"one\\",
    "config a\noption x 'one\\\ntwo'\n",
    "config a\noption x 'one\n\ntwo' # three\noption y 4\n",
    "config a\noption x 'one\n",
    "config a\noption x \"one\n",
    "config a\noption x y#z\n",
    "config a\noption x 'y'#z\n",
    "config a\noption x #z\n",
    "config a # 'b\n#option x y\n   # c\n",
    "config a\noption x y;option z 1\n",
    "config a\noption x y ;option z 1\n",
    "config a\noption x y ; option z 1\n",
    "config a\noption x y ;\n",
    "config a\noption x y ; \n",
    "config a\noption x y ;",
    "config a\noption x 'y'; option z 1\n",
    "config a\noption x 'y'; option z 1;\n",
    "config a\noption x ; option z 1\n",
    "config a\noption x\\y;option z 1\n",
    "config foo n; option x y\n",
    "config foo 'n'; option x y\n",
    "config ;\n",
    "; config a\n",
    ";\n",
    "config a\noption x y z\n",
    "config a\noption x 'y' 'z'\n",
    "config a\noption x-y z\n",
    "config a\noption x.y z\n",
    "config a\noption '' z\n",
    "config a\noption x ''\n",
    "config a\noption x\n",
    "config a\noption x 1\noption x ''\n",
    "config a\noption x 1\noption x 2\n",
    "config a\nlist x ''\nlist x\n",
    "config a\nlist x 1\noption x 2\n",
    "config a\nlist x 1\noption x ''\n",
    "config a\noption x 1\nlist x 2\nlist x 3\n",
    "config a n\noption x 1\nconfig b m\noption x 2\nconfig a n\noption y 3\n",
    "config a n\nconfig b n\n",
    "config a\nconfig b\nconfig a x\nconfig a\n",
    "config a\r\n\toption x 'y'\r\noption z 1\r\n\r\n",
    "config a\r\noption\r\n",
    "\u{feff}config a\n",
    "config a\n\u{b}option x y\n",
    "config a\noption\u{b}x y\n",
    "config a\noption x y\u{c}z\n",
    "config a\noption x 'ä\u{1}\u{7f}'\n",
    "config a\noption x 1\u{0}2\noption y 3\n",
    "config a\n\u{0}option x y\noption z 1\n",
    "config a\noption x '1\n\u{0}'\noption z 1\n",
    "config a\u{0}\u{0}\u{0}",
    "\u{0}",
    "config aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u{0} bbbbbbbbbbbbbbbbbbbbbbbbbbbbb\noption x y\n",
    "\u{0}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa option x\nconfig a\n",
    "Config a\n",
    "configa\n",
    "'config' a\n",
    "config a\n'option' x y\n",
    "'\n'",
    "\\\nconfig a\n",
];

#[test]
fn every_odd_line_means_what_it_means_to_libuci() {
    for text in ODD {
        compare(text.as_bytes()).unwrap();
    }
}

#[test]
fn our_test_files_mean_what_they_mean_to_libuci() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/uci");
    let files = ["good", "bad"].map(|name| fs::read_dir(folder.join(name)).unwrap());
    let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_none()).collect();
    assert!(!files.is_empty());
    for file in files {
        compare(&fs::read(&file).unwrap()).unwrap();
    }
}

/// `UCI_CASES=1000000 cargo test -p wanbeacon-libuci` looks longer.
#[test]
fn random_texts_mean_what_they_mean_to_libuci() {
    #[expect(clippy::disallowed_methods, reason = "how long to look is no setting of the program")]
    let cases = std::env::var("UCI_CASES").ok().map_or(6000, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let accepted = Cell::new(0);
    let ended = runner.run(&text(), |text| {
        let is_accepted = compare(&text).map_err(TestCaseError::fail)?;
        accepted.set(accepted.get() + u32::from(is_accepted));
        Ok(())
    });
    if let Err(error) = ended {
        panic!("{error}");
    }
    let accepted = accepted.get();
    // If all were refused, next to nothing would have been compared; if none, hardly a refusal.
    assert!((cases / 5..cases * 4 / 5).contains(&accepted), "{accepted} of {cases} texts are accepted");
}

/// A text like UCI: mostly right lines, some that are made of anything, and a slip here and there.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        3 => config(),
        8 => (command(&["option", "list", "o", "l"]), value(), eol()).prop_map(joined),
        1 => soup(),
    ];
    let lines = (config(), proptest::collection::vec(line, 0..8)).prop_map(|(first, lines)| {
        let mut text = first;
        text.extend(lines.concat());
        text
    });
    let slip = prop_oneof![3 => Just(None), 1 => (any::<usize>(), odd(), any::<bool>()).prop_map(Some)];
    (lines, slip).prop_map(|(mut text, slip)| {
        if let Some((at, bytes, is_instead)) = slip {
            let at = at % (text.len() + 1);
            let end = (at + usize::from(is_instead)).min(text.len());
            text.splice(at..end, bytes);
        }
        text
    })
}

fn config() -> BoxedStrategy<Vec<u8>> {
    // The last two are what libuci calls the first and the second section without a name, if its type is `t`.
    let names = ["", "a", "'b'", "\"home\"", "cfg01b619", "cfg02b619"];
    let name = proptest::sample::select(names.to_vec()).prop_map(|name| name.as_bytes().to_vec());
    (command(&["config", "c"]), name, eol()).prop_map(joined).boxed()
}

/// A command, a blank, a name or a type, a blank.
fn command(commands: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let blank = || proptest::sample::select(&[" ", "\t", "  "]);
    let name = proptest::sample::select(&["t", "t", "t", "u", "'t'"]);
    let begin = proptest::sample::select(&["", "", "\t", "  "]);
    (begin, proptest::sample::select(commands), blank(), name, blank()).prop_map(
        |(begin, command, blank, name, end)| [begin, command, blank, name, end].concat().into_bytes(),
    )
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let bare = prop_oneof![
        4 => "[a-z0-9.:/]{1,9}".prop_map(String::into_bytes),
        1 => "[a-z]{30,70}".prop_map(String::into_bytes),
        1 => odd(),
    ];
    let inner = proptest::collection::vec(
        prop_oneof![3 => "[ -~]{0,6}".prop_map(String::into_bytes), 1 => odd()],
        0..4,
    )
    .prop_map(|parts| parts.concat());
    let single = inner.clone().prop_map(|inner| quoted(b'\'', &inner));
    let double = inner.prop_map(|inner| quoted(b'"', &inner));
    let part = prop_oneof![4 => bare, 4 => single, 4 => double];
    prop_oneof![12 => proptest::collection::vec(part, 1..3).prop_map(|parts| parts.concat()), 1 => Just(Vec::new())]
}

/// Without the quote itself, mostly.
fn quoted(quote: u8, inner: &[u8]) -> Vec<u8> {
    let mut bytes = vec![quote];
    bytes.extend(inner.iter().filter(|byte| **byte != quote));
    bytes.push(quote);
    bytes
}

fn eol() -> BoxedStrategy<Vec<u8>> {
    let ends =
        ["\n", "\n", "\n", "\n", "\n", "\r\n", " \n", " # x\n", "#\n", ";", " ; ", ";\n", " more\n", ""];
    proptest::sample::select(ends.to_vec()).prop_map(|end| end.as_bytes().to_vec()).boxed()
}

/// What has a meaning somewhere, and bytes that have none anywhere.
fn odd() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "\\\n",
        "\\\r\n",
        "\\",
        "\n",
        "\r",
        "\r\n",
        "#",
        ";",
        "'",
        "\"",
        " ",
        "\t",
        "\u{b}",
        "\0",
        "'\\''",
        "ä",
        "\u{feff}",
        "option t v",
        "package p",
        "\nconfig t a\n",
    ];
    let known = proptest::sample::select(known.to_vec()).prop_map(|known| known.as_bytes().to_vec());
    prop_oneof![4 => known, 1 => any::<u8>().prop_map(|byte| vec![byte])]
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![odd(), value(), command(&["config", "option", "list", "package", "p", "x"])];
    proptest::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

fn joined((begin, middle, end): (Vec<u8>, Vec<u8>, Vec<u8>)) -> Vec<u8> {
    [begin, middle, end].concat()
}

/// Whether both accept; the difference, if there is one.
fn compare(text: &[u8]) -> Result<bool, String> {
    let difference = |ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
        let shown = text.escape_ascii();
        Err(format!("text: {shown}\nours: {ours:?}\nlibuci: {theirs:?}"))
    };
    match (grammar::parse(text), genuine(text)) {
        // The bundled libuci is of 2021: it loses the open section when one is opened for the third time. openwrt/uci
        // has mended that since.
        (ours, Err((reason, _))) if reason == BEFORE && is_thrice(text) => Ok(ours.is_ok()),
        (Ok(ours), Ok(theirs)) => {
            let ours: Vec<Told> = ours.sections.into_iter().map(told).collect();
            if ours == theirs { Ok(true) } else { difference(&ours, &theirs) }
        }
        (Err(ours), Err((reason, line))) => {
            // libuci counts the line feeds that it has read, to the end of a line that is joined or not closed.
            let end = text.iter().skip(ours.at).position(|byte| *byte == b'\n');
            let read = &text[..end.map_or(text.len(), |end| ours.at + end + 1)];
            let ours_line = read.iter().filter(|byte| **byte == b'\n').count();
            let is_near = ours_line == line || text.contains(&0) || ours_line < line && is_joined(text);
            let is_same = reasons(ours.why).contains(&reason.as_str()) && is_near;
            if is_same { Ok(false) } else { difference(&(ours, ours_line), &(reason, line)) }
        }
        (ours, theirs) => difference(&ours, &theirs),
    }
}

const BEFORE: &str = "option/list command found before the first section";

/// Whether a section may be opened three times, or once without a name and twice by the name that libuci gives it.
fn is_thrice(text: &[u8]) -> bool {
    let words: Vec<&[u8]> =
        text.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut opened: BTreeMap<&[u8], u32> = BTreeMap::new();
    for at in words
        .iter()
        .enumerate()
        .filter(|(_, word)| matches!(word, [b'c'] | [.., b'f', b'i', b'g']))
        .map(|(at, _)| at)
    {
        for name in words.iter().skip(at + 2).take(2) {
            *opened.entry(name).or_default() += 1;
        }
    }
    opened.iter().any(|(name, times)| *times >= if name.starts_with(b"cfg") { 2 } else { 3 })
}

/// Whether a logical line may have several lines.
fn is_joined(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'\\'))
}

/// libuci's words.
fn reasons(why: Why) -> &'static [&'static str] {
    match why {
        Why::BadName => &["invalid character in name field"],
        Why::BadType => &["invalid character in type field"],
        Why::BeforeSection => &[BEFORE],
        Why::EndOfFile => &["package without name", "config without name", "option without name"],
        Why::OtherType => &["section of different type overwrites prior section with same name"],
        Why::TooFew => &["insufficient arguments"],
        Why::TooMany => &["too many arguments"],
        Why::Unclosed('"') => &["EOF with unterminated \""],
        Why::Unclosed(_) => &["EOF with unterminated '"],
        Why::UnknownCommand => &["invalid command"],
        Why::ZeroBytes => &[],
    }
}

fn told(section: grammar::Section) -> Told {
    let held = |value| match value {
        Value::List(entries) => Held::List(entries.into_iter().map(|(bytes, _)| bytes).collect()),
        Value::Text(bytes, _) => Held::Text(bytes),
    };
    let settings = section.settings.into_iter().map(|setting| (setting.name, held(setting.value))).collect();
    (section.kind, section.name, section.anonymous, settings)
}

/// What libuci finds in a text; or why it refuses it, and in which line.
fn genuine(text: &[u8]) -> Result<Vec<Told>, (String, usize)> {
    // strtok and the buffer of the error text belong to the process, not to the context.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let file = dir.path().join("wanbeacon");
    fs::write(&file, text).unwrap();
    let file = CString::new(file.into_os_string().into_encoded_bytes()).unwrap();
    // SAFETY: libuci is used by one thread at a time and in the order that uci.h asks for; what it hands out is only
    // read, and only before the context is freed.
    unsafe {
        let context = uci_alloc_context();
        assert!(!context.is_null());
        let mut package: *mut uci_package = ptr::null_mut();
        let found = if uci_load(context, file.as_ptr(), &raw mut package) == 0 {
            Ok(elements(&raw const (*package).sections).map(|element| section(element.cast())).collect())
        } else {
            Err(reason(context))
        };
        uci_free_context(context);
        found
    }
}

/// # Safety
///
/// The context of a call that has failed just now.
unsafe fn reason(context: *mut uci_context) -> (String, usize) {
    unsafe extern "C" {
        fn free(memory: *mut c_void);
    }
    let mut words: *mut c_char = ptr::null_mut();
    // SAFETY: libuci allocates the text with asprintf; it is freed after it was copied.
    let words = unsafe {
        uci_get_errorstr(context, &raw mut words, ptr::null());
        let copy = CStr::from_ptr(words).to_string_lossy().into_owned();
        free(words.cast());
        copy
    };
    // "Parse error (REASON) at line 3, byte 7"
    let (reason, place) =
        words.split_once(" (").and_then(|(_, rest)| rest.split_once(") at line ")).expect(&words);
    let line = place.split(',').next().unwrap().parse().unwrap();
    (reason.to_owned(), line)
}

/// # Safety
///
/// A section of a package that is loaded.
unsafe fn section(section: *const uci_section) -> Told {
    // SAFETY: names and types are texts; an option holds what its type says.
    unsafe {
        let mut settings = BTreeMap::new();
        for element in elements(&raw const (*section).options) {
            let option = element.cast::<uci_option>();
            let held = if (*option).type_ == uci_option_type_UCI_TYPE_STRING {
                Held::Text(bytes((*option).v.string))
            } else {
                Held::List(elements(&raw const (*option).v.list).map(|item| bytes((*item).name)).collect())
            };
            settings.insert(text_of((*element).name), held);
        }
        let anonymous = (*section).anonymous;
        (text_of((*section).type_), text_of((*section).e.name), anonymous, settings)
    }
}

/// The elements of a list whose links are their first field.
///
/// # Safety
///
/// The head of such a list; the elements are used while it is there.
unsafe fn elements(head: *const uci_list) -> impl Iterator<Item = *const uci_element> {
    let next = move |link: *const uci_list| {
        // SAFETY: a list is a ring through its head.
        let next = unsafe { (*link).next }.cast_const();
        (!ptr::eq(next, head)).then_some(next)
    };
    std::iter::successors(next(head), move |link| next(*link)).map(<*const uci_list>::cast)
}

unsafe fn bytes(text: *const c_char) -> Vec<u8> {
    // SAFETY: the caller has a text of libuci's.
    unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
}

unsafe fn text_of(text: *const c_char) -> String {
    // SAFETY: the caller has a text of libuci's.
    String::from_utf8(unsafe { bytes(text) }).unwrap()
}
