//! What a FRITZ!Box's form for a user-defined provider holds: an update URL, and lines for the rest of the form.
//!
//! ```text
//! https://dyn.example.net/update?name=<domain>&a=<ipaddr>&aaaa=<ip6addr>
//! domain = home.example.net
//! user = alice
//! password = correct horse
//! ```
//!
//! The form's own words do as well: `Update-URL`, `Domainname`, `Benutzername`, `Kennwort`, and `:` for `=`.

use super::super::dialect::Dialect;
use super::super::value::Fault;
use super::Client;
use super::draft::{Draft, Field};
use super::plan::{Plan, guess, name_of};
use crate::provider::{Family, Holds};

/// Our options, and how a line that holds one may begin.
const KEYS: [(&str, &[&str]); 4] = [
    ("url", &["url", "update-url"]),
    ("hostname", &["domain", "domainname", "domain name", "hostname"]),
    ("user", &["user", "username", "user name", "benutzername"]),
    ("password", &["password", "pass", "kennwort"]),
];

pub(super) fn read(text: &str, to: Dialect) -> Result<Plan, Vec<Fault>> {
    let values = lines(text)?;
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    let [url, names, user, password] = ["url", "hostname", "user", "password"].map(value);
    let mut missing = Vec::new();
    if url.is_empty() {
        let mend = "write it on a line of its own, from https:// on";
        missing.push(Fault::new(text.len(), "there is no update URL", mend));
    }
    if names.is_empty() {
        let mend = "add the name that is published: domain = home.example.org";
        missing.push(Fault::new(text.len(), "there is no domain", mend));
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut draft = Draft::new("", "the update URL".to_owned());
    draft.permits_http = true;
    draft.provide("custom");
    draft.text("url", with_scheme(url));
    let fields = [
        Field::new("domain", Holds::Name, names),
        Field::new("user", Holds::User, user),
        Field::new("password", Holds::Password, password),
    ];
    draft.account(Client::Fritzbox, &fields, None);
    let tells = |placeholders: &[&str]| placeholders.iter().any(|placeholder| url.contains(placeholder));
    let v6 = tells(&["<ip6addr>", "<ip6lanprefix>"]);
    if tells(&["<ipaddr>"]) || !v6 {
        guess(&mut draft, to, Family::V4, WHY);
    }
    if v6 {
        guess(&mut draft, to, Family::V6, WHY);
    }
    draft.name = name_of(&draft);
    Ok(Plan { drafts: vec![draft], ..Plan::default() })
}

const WHY: &str = "the box published its own address";

/// A box adds the scheme where there is none.
fn with_scheme(url: &str) -> String {
    let one = |url: &str| if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    url.split_ascii_whitespace().map(one).collect::<Vec<_>>().join(" ")
}

fn lines(text: &str) -> Result<Vec<(&'static str, &str)>, Vec<Fault>> {
    let mut values: Vec<(&'static str, &str)> = Vec::new();
    let mut faults = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let begin = at;
        at += raw.len();
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line_of(line) else {
            let mend = "write the URL, or domain, user or password, an '=' and the value";
            faults.push(Fault::new(begin, "this line is not understood", mend));
            continue;
        };
        if values.iter().any(|(known, _)| *known == name) {
            faults.push(Fault::new(begin, format!("there is a second '{name}'"), "remove one of them"));
        }
        values.push((name, value));
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn line_of(line: &str) -> Option<(&'static str, &str)> {
    if line.starts_with("https://") || line.starts_with("http://") {
        return Some(("url", line));
    }
    let (key, value) = line.split_at(line.find(['=', ':'])?);
    let key = key.trim().to_ascii_lowercase();
    let (name, _) = KEYS.iter().find(|(_, words)| words.contains(&key.as_str()))?;
    Some((name, value.get(1..)?.trim()))
}
