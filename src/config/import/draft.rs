//! One record on its way from another client's configuration to ours.

use litemap::LiteMap;

use super::super::mistake::quoted;
use super::super::options::{self, Kind, Scope};
use super::super::value::Raw;
use super::Client;
use crate::provider::{Holds, Provider, catalogue};

/// A record as far as it is known. It holds secrets, so it is not for formatters.
pub(super) struct Draft {
    /// The wish for its name.
    pub(super) name: String,
    /// Where it stood, for a person.
    pub(super) origin: String,
    /// The catalogue's entry, if there is one.
    pub(super) provider: Option<Provider>,
    /// Our options.
    pub(super) options: LiteMap<&'static str, Raw>,
    /// What could not be carried over.
    pub(super) remarks: Remarks,
    /// Whether the other client was allowed to speak without encryption.
    pub(super) permits_http: bool,
    /// Why it cannot be a record.
    pub(super) failure: Option<String>,
}

/// A value of the other client that says who is speaking, or about what.
pub(super) struct Field<'a> {
    /// Its name there.
    pub(super) name: &'a str,
    /// What it holds if the provider's entry says nothing else.
    pub(super) holds: Holds,
    pub(super) value: &'a str,
}

impl<'a> Field<'a> {
    pub(super) fn new(name: &'a str, holds: Holds, value: &'a str) -> Self {
        Self { name, holds, value }
    }
}

impl Draft {
    pub(super) fn new(name: &str, origin: String) -> Self {
        Self {
            name: name.to_owned(),
            origin,
            provider: None,
            options: LiteMap::new(),
            remarks: Remarks::default(),
            permits_http: false,
            failure: None,
        }
    }

    /// Takes the catalogue's entry of this id.
    pub(super) fn provide(&mut self, id: &str) {
        self.text("provider", id);
        self.provider = catalogue::provider(id).and_then(Result::ok);
    }

    /// Says that the catalogue has no entry for what the other client calls so.
    pub(super) fn unknown(&mut self, service: &str) {
        self.text("provider", service);
        let called = if is_public(service) { quoted(service) } else { "this name".to_owned() };
        let what = format!("the catalogue has no provider for {called}");
        self.failure = Some(format!(
            "{what}; 'custom' with a 'url' of its manual, or 'dyndns2' with its 'server', may do"
        ));
    }

    pub(super) fn text(&mut self, option: &'static str, value: impl Into<String>) {
        self.options.insert(option, Raw::Text(value.into()));
    }

    pub(super) fn flag(&mut self, option: &'static str, value: bool) {
        self.options.insert(option, Raw::Flag(value));
    }

    pub(super) fn list(&mut self, option: &'static str, values: impl IntoIterator<Item = String>) {
        let values = values.into_iter().map(|value| (Raw::Text(value), 0)).collect();
        self.options.insert(option, Raw::List(values));
    }

    /// Addresses that are not public are published, as the other client did.
    pub(super) fn allow_private(&mut self) {
        self.list("allow", ["private", "cgnat", "ula"].map(str::to_owned));
    }

    /// A length of time, within what our option takes.
    pub(super) fn lasting(&mut self, option: &'static str, theirs: &str, seconds: u64) {
        let Some(Kind::Duration { min, max }) = options::find(Scope::Record, option).map(|o| o.kind) else {
            return;
        };
        let kept = seconds.clamp(min, max);
        self.text(option, options::seconds(kept));
        if kept != seconds {
            let (min, max) = (options::seconds(min), options::seconds(max));
            self.remarks.add(theirs, None, &format!("'{option}' lasts from {min} to {max}"));
        }
    }

    /// Whether this draft publishes through a URL of its own.
    pub(super) fn is_custom(&self) -> bool {
        self.options.get("provider") == Some(&Raw::Text("custom".to_owned()))
    }

    /// Carries the fields of an account over; `fallback`: the field whose name is published if no other is.
    pub(super) fn account(&mut self, client: Client, fields: &[Field<'_>], fallback: Option<Field<'_>>) {
        let mut names = Vec::new();
        let mut labels = Vec::new();
        let mut zone = None;
        let table = self.provider.as_ref().and_then(|entry| entry.import.get(client.name())).cloned();
        for field in fields.iter().filter(|field| !field.value.is_empty()) {
            let other = table.as_ref().and_then(|table| table.get(field.name)).copied();
            let value = field.value;
            match other.unwrap_or(field.holds) {
                Holds::Label => labels.extend(words(value)),
                Holds::Name => self.names(field, &mut names, &mut zone),
                Holds::Param => self.wanted("param", field),
                Holds::ParamOpt => self.wanted("param_opt", field),
                Holds::Password => self.wanted("password", field),
                Holds::RecordId => self.wanted("record_id", field),
                Holds::Server => self.text("server", server_url(value, self.permits_http)),
                Holds::Ttl => self.ttl(field),
                Holds::Unused => self.idle(field),
                Holds::User => self.wanted("user", field),
                Holds::Zone => zone = Some(value.trim_end_matches('.').to_owned()),
            }
        }
        let name = |label| zone.as_deref().map_or_else(|| String::from(label), |zone| below(label, zone));
        names.extend(labels.into_iter().map(name));
        if let Some(field) = fallback {
            let known = names.iter().any(|name: &String| name.eq_ignore_ascii_case(field.value));
            if names.is_empty() && !field.value.is_empty() {
                names.push(field.value.to_owned());
            } else if !known {
                self.remarks.add(field.name, Some(field.value), "names are not looked up");
            }
        }
        self.text_if("zone", zone);
        self.hostnames(names);
    }

    fn text_if(&mut self, option: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.text(option, value);
        }
    }

    fn hostnames(&mut self, mut names: Vec<String>) {
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.trim_end_matches('.').to_ascii_lowercase()));
        if !names.is_empty() {
            self.list("hostname", names);
        }
    }

    /// One or several names, in the notations that other clients have for them.
    fn names(&mut self, field: &Field<'_>, names: &mut Vec<String>, zone: &mut Option<String>) {
        for word in words(field.value) {
            let own = self.provider.as_ref().and_then(|entry| entry.zones.first());
            if let Some((label, below_it)) = word.split_once('@') {
                *zone = Some(below_it.to_owned());
                names.push(below(label, below_it));
            } else if self.wants("record_id") && word.bytes().all(|b| b.is_ascii_digit()) {
                let before = match self.options.get("record_id") {
                    Some(Raw::Text(before)) => format!("{before},"),
                    _ => String::new(),
                };
                self.text("record_id", before + word);
            } else if let (false, Some(own)) = (word.contains('.'), own) {
                names.push(below(word, own));
            } else {
                names.push(word.to_owned());
            }
        }
    }

    fn ttl(&mut self, field: &Field<'_>) {
        match field.value.parse::<u32>() {
            Ok(seconds) if seconds > 0 => {
                self.options.insert("ttl", Raw::Number(seconds.to_string()));
            }
            Ok(_) | Err(_) => self.remarks.add(field.name, None, "this is no number of seconds"),
        }
    }

    /// Carries a value over if the provider asks for it.
    fn wanted(&mut self, option: &'static str, field: &Field<'_>) {
        if !self.wants(option) {
            self.idle(field);
        } else if self.options.contains_key(option) {
            self.remarks.add(field.name, None, &format!("there is a '{option}' already"));
        } else {
            self.text(option, field.value);
        }
    }

    fn idle(&mut self, field: &Field<'_>) {
        self.remarks.add(field.name, None, "the provider does not ask for it");
    }

    fn wants(&self, option: &str) -> bool {
        let Some(entry) = &self.provider else { return true };
        let asks = |option: &str| entry.credentials.contains_key(option);
        self.is_custom() || entry.is_gone() || asks(option) || option == "password" && asks("token")
    }
}

/// What commas and blanks part; a value of several lines stays whole, and our reader refuses it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let whole = !is_plain(text);
    text.split(move |c: char| !whole && (c == ',' || c.is_whitespace())).filter(|word| !word.is_empty())
}

/// `label` below `zone`; the zone itself for `@`.
fn below(label: &str, zone: &str) -> String {
    let (label, zone) = (label.trim_end_matches('.'), zone.trim_end_matches('.'));
    let is_whole = label.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    match label {
        "" | "@" => zone.to_owned(),
        label if is_whole => label.to_owned(),
        label => format!("{label}.{zone}"),
    }
}

/// A server with its scheme.
pub(super) fn server_url(server: &str, plain: bool) -> String {
    match server {
        server if server.contains("://") => server.to_owned(),
        server if plain => format!("http://{server}"),
        server => format!("https://{server}"),
    }
}

/// What could not be carried over: option names by reason, in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Remarks(Vec<(String, Vec<String>)>);

impl Remarks {
    /// Notes an option; `shown` is its value, if it can be no secret.
    pub(super) fn add(&mut self, option: &str, shown: Option<&str>, reason: &str) {
        let value = shown.filter(|value| is_public(value));
        let value = value.map_or_else(String::new, |value| format!(" {}", quoted(value)));
        self.push(reason, format!("{}{value}", word(option)));
    }

    /// Notes something that concerns no single option.
    pub(super) fn say(&mut self, words: &str) {
        self.push(words, String::new());
    }

    fn push(&mut self, reason: &str, option: String) {
        let at = self.0.iter().position(|(known, _)| known == reason).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push((reason.to_owned(), Vec::new()));
        }
        if let Some((_, options)) = self.0.get_mut(at).filter(|(_, options)| !options.contains(&option)) {
            options.push(option);
        }
    }

    /// Takes those of another draft over.
    pub(super) fn join(&mut self, other: Self) {
        for (reason, options) in other.0 {
            options.into_iter().for_each(|option| self.push(&reason, option));
        }
    }

    /// One sentence for each reason.
    pub(super) fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(reason, options)| match options.join(", ") {
            options if options.is_empty() => reason.clone(),
            options => format!("{options}: {reason}"),
        })
    }
}

/// Whether a value can be shown: a slip may have made one of several lines of it, or of another option with its value.
pub(super) fn is_public(value: &str) -> bool {
    is_plain(value) && !value.contains(['=', '"', '\''])
}

/// Whether a value stands on one line: a missing quote may have put anything into one of several.
fn is_plain(value: &str) -> bool {
    !value.chars().any(char::is_control)
}

/// A name of the other client, on one line and not too long.
fn word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-@.".contains(c);
    if name.chars().all(plain) && name.len() <= 64 { name.to_owned() } else { quoted(name) }
}
