//! One written value against one option of the table.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::dialect::Dialect;
use super::mistake::quoted;
use super::nearest::nearest;
use super::options::{self, Kind, Opt};
use crate::engine::origin::{Host, Origin};
use crate::provider::holds_pem;

/// A value as it was written, before anybody asked what it is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Flag(bool),
    List(Vec<(Raw, usize)>),
    Number(String),
    /// A type that no option has: its name.
    Other(&'static str),
    Text(String),
}

impl Raw {
    fn type_words(&self) -> &'static str {
        match self {
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Number(_) => "a number",
            Self::Other(name) => name,
            Self::Text(_) => "text",
        }
    }
}

/// Longest private key in bytes: an RSA key of 4096 bits has 3272, in PKCS#8 and with line feeds.
pub(super) const PEM_MAX: usize = 4096;

/// A value that satisfies its option.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Duration(Duration),
    Flag(bool),
    List(Vec<String>),
    Number(u32),
    Text(String),
}

/// A mistake without its line: the offset in the source text, what, mend.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
    pub(super) mend: String,
}

impl Fault {
    pub(super) fn new(at: usize, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { at, what: what.into(), mend: mend.into() }
    }
}

/// What a value must be, in words, and the mend.
type Objection = (String, String);

/// Reads a value as the option wants it; all faults at once.
pub(super) fn read(dialect: Dialect, option: &Opt, raw: &Raw, at: usize) -> Result<Value, Vec<Fault>> {
    let one = |objection: Objection| vec![Fault::new(at, objection.0, objection.1)];
    let lists = is_list(option.kind);
    match (option.kind, raw) {
        (Kind::Flag, Raw::Flag(flag)) => Ok(Value::Flag(*flag)),
        (Kind::Number { min, max }, Raw::Number(text)) => {
            number(option, text, min, max).map(Value::Number).map_err(one)
        }
        (Kind::Flag | Kind::Number { .. }, _) => Err(vec![wrong_type(dialect, option, raw, at)]),
        (Kind::Duration { min, max }, Raw::Text(text)) => {
            duration(dialect, option, text, min, max).map(Value::Duration).map_err(one)
        }
        (_, Raw::List(entries)) if lists => list(dialect, option, entries, at),
        (_, Raw::Text(text)) if lists => {
            text_value(dialect, option, text).map(|word| Value::List(vec![word])).map_err(one)
        }
        (_, Raw::Text(text)) => text_value(dialect, option, text).map(Value::Text).map_err(one),
        (_, _) => Err(vec![wrong_type(dialect, option, raw, at)]),
    }
}

fn is_list(kind: Kind) -> bool {
    match kind {
        Kind::Addresses | Kind::Headers | Kind::Hostports | Kind::Hosts | Kind::Links | Kind::Names => true,
        Kind::Origins | Kind::Paths | Kind::SomeOf(_) | Kind::Texts => true,
        Kind::Bind | Kind::Device | Kind::Duration { .. } | Kind::Flag | Kind::Name | Kind::Number { .. } => {
            false
        }
        Kind::OneOf(_) | Kind::Path | Kind::Provider | Kind::Secret | Kind::Server | Kind::Text => false,
        Kind::Url | Kind::UrlPath => false,
    }
}

fn wrong_type(dialect: Dialect, option: &Opt, raw: &Raw, at: usize) -> Fault {
    let what = format!("'{}' must be {}, not {}", option.name, wanted(option), raw.type_words());
    let mend = match (option.kind, raw) {
        (Kind::Flag, Raw::Text(_)) if dialect == Dialect::Uci => {
            format!("write 1 or 0, {}", example(dialect, option))
        }
        (Kind::Duration { .. }, Raw::Number(number)) => {
            format!("write the unit and quotes: {} = \"{number}s\" (s, m, h, d)", option.name)
        }
        (Kind::Flag, Raw::Text(_)) => {
            format!("write {} = true or {} = false, without quotes", option.name, option.name)
        }
        (Kind::Number { .. }, Raw::Text(_)) => {
            format!("write it without quotes, {}", example(dialect, option))
        }
        (_, Raw::Number(_)) => "put it in quotes".to_owned(),
        _ => example(dialect, option),
    };
    Fault::new(at, what, mend)
}

fn wanted(option: &Opt) -> &'static str {
    if is_list(option.kind) {
        return "text or a list of texts";
    }
    let words = [
        (matches!(option.kind, Kind::Duration { .. }), "a duration"),
        (option.kind == Kind::Flag, "true or false"),
        (matches!(option.kind, Kind::Number { .. }), "a number"),
    ];
    words.into_iter().find_map(|(is_it, words)| is_it.then_some(words)).unwrap_or("text")
}

fn example(dialect: Dialect, option: &Opt) -> String {
    format!("for example: {}", dialect.example(option))
}

fn list(dialect: Dialect, option: &Opt, entries: &[(Raw, usize)], at: usize) -> Result<Value, Vec<Fault>> {
    if entries.is_empty() && option.kind == Kind::Names {
        return Err(vec![Fault::new(
            at,
            format!("'{}' is an empty list", option.name),
            example(dialect, option),
        )]);
    }
    let mut words: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    let mut faults = Vec::new();
    for (entry, at) in entries {
        let Raw::Text(text) = entry else {
            let what = format!("'{}' must list texts, not {}", option.name, entry.type_words());
            faults.push(Fault::new(*at, what, example(dialect, option)));
            continue;
        };
        match text_value(dialect, option, text) {
            Ok(word) if !known.insert(word.clone()) => {
                let word = if option.secret() { "this".to_owned() } else { quoted(text) };
                let what = format!("{word} is listed twice");
                faults.push(Fault::new(*at, what, "remove one of them"));
            }
            Ok(word) => words.push(word),
            Err((what, mend)) => faults.push(Fault::new(*at, what, mend)),
        }
    }
    if faults.is_empty() { Ok(Value::List(words)) } else { Err(faults) }
}

fn text_value(dialect: Dialect, option: &Opt, text: &str) -> Result<String, Objection> {
    const TEXT_MAX: usize = 2048;
    let name = option.name;
    if text.is_empty() {
        return Err((format!("'{name}' is empty"), format!("leave it out, or {}", example(dialect, option))));
    }
    let is_key = name == "password" && holds_pem(text);
    let most = if is_key { PEM_MAX } else { TEXT_MAX };
    // Line feeds would end header fields; of what providers ask for, only keys have any.
    let misplaced = |c: char| c.is_control() && !(is_key && matches!(c, '\r' | '\n'));
    if text.len() > most || text.contains(misplaced) {
        let what = format!("'{name}' has control characters or more than {most} bytes");
        return Err((what, "write it on one line".to_owned()));
    }
    let bad = |rule: &str| Err((format!("'{name}' is {}, {rule}", quoted(text)), example(dialect, option)));
    match option.kind {
        Kind::Bind | Kind::Device if !device(text) && !network(text) => bad(NO_NAME),
        Kind::Addresses if text.parse::<IpAddr>().is_err() => bad("which is no IP address"),
        Kind::Hostports if !hostport(text) => bad("which is no host, nor a host with a port"),
        Kind::Hosts => host(dialect, option, text),
        Kind::Links if !text.starts_with("https://") => bad("which does not begin with https://"),
        Kind::Origins => match Origin::read(text) {
            Err(mend) => Err((format!("'{name}' is {}", quoted(text)), mend.to_owned())),
            Ok(origin) if origin.name().is_some_and(|name| !device(name) && !network(name)) => bad(NO_NAME),
            Ok(Origin::Prefix(_)) if name == "ipv4" => bad("but only IPv6 addresses have such a prefix"),
            Ok(_) => Ok(text.to_owned()),
        },
        Kind::Name | Kind::Names => full_name(dialect, option, text),
        Kind::OneOf(words) | Kind::SomeOf(words) if !words.contains(&text) => {
            let mend = nearest(text, words.iter().copied()).map_or_else(
                || format!("write {}", words.join(", ")),
                |word| format!("did you mean '{word}'?"),
            );
            Err((format!("'{name}' does not know {}", quoted(text)), mend))
        }
        Kind::Path | Kind::Paths if !text.starts_with('/') => bad("which is not an absolute path"),
        Kind::Server => server(dialect, option, text),
        Kind::Url if scheme(text).is_none() => {
            Err((format!("'{name}' begins neither with https:// nor with http://"), example(dialect, option)))
        }
        Kind::UrlPath if !text.starts_with('/') || text.contains(' ') => {
            bad("which is not the path of a URL")
        }
        Kind::Headers => header(dialect, option, text),
        Kind::Addresses | Kind::Bind | Kind::Device | Kind::Duration { .. } | Kind::Flag => {
            Ok(text.to_owned())
        }
        Kind::Hostports | Kind::Links | Kind::Number { .. } | Kind::OneOf(_) | Kind::Path => {
            Ok(text.to_owned())
        }
        Kind::Paths | Kind::Provider | Kind::Secret | Kind::SomeOf(_) | Kind::Text => Ok(text.to_owned()),
        Kind::Texts | Kind::Url | Kind::UrlPath => Ok(text.to_owned()),
    }
}

const NO_NAME: &str = "which can be the name of neither a network nor a device";

/// A host part, alone or behind the name that it is for.
fn host(dialect: Dialect, option: &Opt, text: &str) -> Result<String, Objection> {
    let (name, part) = text.split_once('=').map_or((None, text), |(name, part)| (Some(name), part));
    let part = Host::read(part)
        .map_err(|mend| (format!("'{}' is {}", option.name, quoted(text)), mend.to_owned()))?;
    let name = name.map(|name| full_name(dialect, option, name)).transpose()?;
    Ok(name.map_or_else(|| part.to_string(), |name| format!("{name}={part}")))
}

/// A name or an address, and a port behind a colon; an IPv6 address with a port stands in brackets.
fn hostport(text: &str) -> bool {
    let is_name = |host: &str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
    };
    let (host, port) = match text.rsplit_once(':') {
        _ if text.parse::<IpAddr>().is_ok() => return true,
        Some((host, port)) => (host, port.parse::<u16>().is_ok_and(|port| port > 0)),
        None => (text, true),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    port && (is_name(host) || bracketed.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok()))
}

/// A field name is a token of RFC 9110 section 5.6.2. Nothing is quoted: the value is a secret as a rule.
fn header(dialect: Dialect, option: &Opt, text: &str) -> Result<String, Objection> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let named = text
        .split_once(':')
        .is_some_and(|(name, value)| !name.is_empty() && name.bytes().all(token) && !value.trim().is_empty());
    let mend = || format!("write the name, a colon and the value, {}", example(dialect, option));
    if named { Ok(text.to_owned()) } else { Err(("this is not a header field".to_owned(), mend())) }
}

fn number(option: &Opt, text: &str, min: u32, max: u32) -> Result<u32, Objection> {
    let range = format!("write a whole number from {min} to {max}");
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| (format!("'{}' is {}", option.name, quoted(text)), range))
}

/// `dev_valid_name` of the kernel's net/core/dev.c.
fn device(text: &str) -> bool {
    const IFNAMSIZ: usize = 16;
    text.len() < IFNAMSIZ
        && !matches!(text, "." | "..")
        && !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace())
}

/// A section's name in UCI (letters, digits, underscores), or one that netifd derives from it with `-` and `.`. netifd
/// sets no limit; ours is our judgement.
fn network(text: &str) -> bool {
    const NETWORK_MAX: usize = 64;
    text.len() <= NETWORK_MAX
        && !matches!(text, "." | "..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// RFC 1035 section 2.3.4 for lengths, RFC 1123 section 2.1 for letters; underscores and a leading `*` are usual too.
fn full_name(dialect: Dialect, option: &Opt, text: &str) -> Result<String, Objection> {
    const NAME_MAX: usize = 253;
    const LABEL_MAX: usize = 63;
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let object = |why: &str, mend: String| Err((format!("{} is not a name: {why}", quoted(text)), mend));
    if !name.is_ascii() {
        return object("it has letters beyond ASCII", "write it in its xn-- form (punycode)".to_owned());
    }
    if name.contains("://") || name.contains('/') {
        return object("it is a URL", "write only the name, without scheme and path".to_owned());
    }
    if name.len() > NAME_MAX || name.split('.').any(|label| label.len() > LABEL_MAX) {
        return object(
            "it is too long",
            format!("at most {NAME_MAX} characters, {LABEL_MAX} between two dots"),
        );
    }
    let rest = name.strip_prefix("*.").unwrap_or(&name);
    let letters = |label: &str| label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if rest
        .split('.')
        .any(|label| label.is_empty() || !letters(label) || label.starts_with('-') || label.ends_with('-'))
    {
        return object(
            "letters, digits and hyphens between single dots are allowed",
            example(dialect, option),
        );
    }
    if !rest.contains('.') {
        return object("it has no domain", format!("write the full name, {}", example(dialect, option)));
    }
    Ok(name)
}

fn scheme(text: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| text.strip_prefix(scheme))
}

fn server(dialect: Dialect, option: &Opt, text: &str) -> Result<String, Objection> {
    // Whether it needs a scheme depends on the provider, which is asked later.
    let bare = (!text.contains("://")).then_some(text);
    let Some(rest) = scheme(text).or(bare) else {
        let what = format!(
            "'{}' is {}, which begins neither with https:// nor with http://",
            option.name,
            quoted(text)
        );
        return Err((what, format!("write https:// and the host, {}", example(dialect, option))));
    };
    if rest.contains('@') {
        // Not quoted: what is before the @ may be a password.
        let what = format!("'{}' holds a user", option.name);
        return Err((what, "write it as user and password".to_owned()));
    }
    let host = rest.strip_suffix('/').unwrap_or(rest);
    if host.is_empty() || host.contains(|c: char| "/?#\\".contains(c) || c.is_whitespace() || !c.is_ascii()) {
        let what = format!("'{}' is {}, which is not just a host and a port", option.name, quoted(text));
        return Err((what, format!("move the rest to path, {}", example(dialect, option))));
    }
    Ok(text.strip_suffix('/').unwrap_or(text).to_owned())
}

fn duration(dialect: Dialect, option: &Opt, text: &str, min: u64, max: u64) -> Result<Duration, Objection> {
    let name = option.name;
    let Some(secs) = written_seconds(text) else {
        return Err((
            format!("'{name}' is {}, which is not a duration", quoted(text)),
            format!("a number and s, m, h or d, {}", example(dialect, option)),
        ));
    };
    if secs < min || secs > max {
        let range = format!("write a duration from {} to {}", options::seconds(min), options::seconds(max));
        let side = if secs < min { "short" } else { "long" };
        return Err((format!("'{name}' is {}, which is too {side}", quoted(text)), range));
    }
    Ok(Duration::from_secs(secs))
}

/// `90s`, `5m`, `1h`, `25d`; one unit, no sign, no fraction.
fn written_seconds(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count = text.get(..text.len() - 1)?;
    if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    count.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::super::options::{OPTIONS, Scope, find};
    use super::*;

    fn text(name: &str, text: &str) -> Result<Value, Vec<Fault>> {
        let option = find(Scope::Record, name).or_else(|| find(Scope::Global, name)).unwrap();
        read(Dialect::Toml, option, &Raw::Text(text.to_owned()), 0)
    }

    #[test]
    fn every_example_of_the_table_is_valid() {
        for option in OPTIONS {
            let document = format!("x = {}", option.example);
            let table = toml::de::DeTable::parse(&document).unwrap();
            let value = table.get_ref().values().next().unwrap();
            read(Dialect::Toml, option, &super::super::toml::raw(value.get_ref()), 0)
                .unwrap_or_else(|faults| panic!("{}: {faults:?}", option.name));
        }
    }

    #[test]
    fn durations_have_one_unit_and_a_range() {
        assert_eq!(text("slow_look", "90s"), Ok(Value::Duration(Duration::from_secs(90))));
        assert_eq!(text("refresh", "25d"), Ok(Value::Duration(Duration::from_secs(25 * 86_400))));
        for bad in
            ["", "5", "m", "-5m", "+5m", "5 m", "1h30m", "9s", "61m", "99999999999999999999d", "5µ", "1.5h"]
        {
            assert!(text("slow_look", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_and_devices_are_named_as_netifd_and_the_kernel_permit() {
        let network = "a_very_long_network_name_of_uci";
        for good in ["wan", "wan6", "ppp0", "pppoe-wan", "eth0.2", "wan_6", network, "lan\u{fc}", "a@b"] {
            assert!(text("ipv4", good).is_ok() && text("bind", good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", ".", "..", "a b", "a/b", "a:b", "a@very_long_name_b", &long] {
            assert!(text("ipv4", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_full_lower_case_and_without_final_dot() {
        assert_eq!(text("zone", "Example.ORG."), Ok(Value::Text("example.org".to_owned())));
        assert!(text("hostname", "*.example.org").is_ok());
        for bad in [
            "home",
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "müll.example",
            "https://a.b",
            "a.b/c",
            "a b.c",
            "*",
            "a.*.b",
        ] {
            assert!(text("hostname", bad).is_err(), "{bad}");
        }
        assert!(text("hostname", &format!("{}.org", "a".repeat(64))).is_err());
    }

    #[test]
    fn servers_are_scheme_host_and_port() {
        assert_eq!(text("server", "https://a.b:8443/"), Ok(Value::Text("https://a.b:8443".to_owned())));
        for bad in ["a b", "ftp://a.b", "https://", "https://a.b/c", "https://a b", "https://a.b?c"] {
            assert!(text("server", bad).is_err(), "{bad}");
        }
        assert!(text("server", "ns1.a.b:53").is_ok());
        let faults = text("server", "https://user:hunter2@a.b").unwrap_err();
        assert!(!format!("{faults:?}").contains("hunter2"));
    }

    #[test]
    fn no_text_smuggles_a_line_feed() {
        assert!(text("user", "a\r\nX-Header: 1").is_err());
        assert!(text("password", "a\nb").is_err());
        assert!(text("param", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err());
    }

    #[test]
    fn a_password_that_is_a_private_key_keeps_its_lines_and_nothing_else() {
        let pem = "-----BEGIN PRIVATE KEY-----\r\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(text("password", pem), Ok(Value::Text(pem.to_owned())));
        assert!(text("password", &pem.replace("AAAA", "\u{1b}")).is_err());
        assert!(text("password", &pem.replace("AAAA", &"A".repeat(PEM_MAX))).is_err());
    }
}
