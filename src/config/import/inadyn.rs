//! `inadyn.conf` of inadyn 2. What its options mean: `src/conf.c`, `plugins/*.c` and `man/inadyn.conf.5` of 2.13.

use super::super::dialect::Dialect;
use super::super::mistake::Source;
use super::super::value::{Fault, Raw};
use super::Client;
use super::confuse::{self, Item, Value, Word};
use super::draft::{Draft, Field};
use super::plan::{Plan, guess, line, name_of};
use crate::provider::{Family, Holds, Provider, catalogue};

const CLIENT: Client = Client::Inadyn;

pub(super) fn read(text: &str, to: Dialect) -> Result<Plan, Vec<Fault>> {
    let source = Source::new(Dialect::Toml, text);
    let items = confuse::parse(text).map_err(|fault| vec![fault])?;
    let mut plan = Plan::default();
    let mut shared = Shared::default();
    for item in &items {
        match &item.value {
            Value::Words(words) => shared.read(&mut plan, &item.name, words),
            Value::Call(path) => plan.remarks.add(&item.name, Some(path), INCLUDE),
            Value::Section(..) => {}
        }
    }
    for item in items {
        let Value::Section(title, items) = item.value else { continue };
        if !matches!(item.name.as_str(), "provider" | "custom") {
            plan.remarks.add(&item.name, None, "sections of this type are not known");
            continue;
        }
        let origin = format!("{} {} in line {}", item.name, plain(&title), line(&source, item.at));
        let mut section = Section { draft: Draft::new("", origin), shared: &shared, items, to };
        section.fill(&title, item.name == "custom");
        plan.drafts.push(section.draft);
    }
    Ok(plan)
}

const INCLUDE: &str = "this file is not read; copy its lines to this place and import once more";
const ENVIRONMENT: &str =
    "the value of an environment variable is not known here; write it as 'password' or 'user'";

/// A title in a comment.
fn plain(title: &str) -> String {
    super::super::mistake::quoted(title)
}

/// What the file says for all its sections.
#[derive(Default)]
struct Shared {
    iface: Option<String>,
    allows_ipv6: bool,
    allows_private: bool,
    refresh: Option<u64>,
}

impl Shared {
    fn read(&mut self, plan: &mut Plan, name: &str, words: &[Word]) {
        let value = words.first().map_or("", |word| word.text.as_str());
        let set = truth(value);
        let reason = match name {
            "allow-ipv6" if set == Some(true) => return self.allows_ipv6 = true,
            "iface" => return self.iface = Some(value.to_owned()),
            "verify-address" if set == Some(false) => return self.allows_private = true,
            "forced-update" if value.parse::<u64>().is_ok() => return self.refresh = value.parse().ok(),
            "ca-trust-file" if value.starts_with('/') => {
                return plan.global.push(("ca_file", Raw::Text(value.to_owned())));
            }
            "allow-ipv6" | "verify-address" => "this is how it is",
            "broken-rtc" | "secure-ssl" => {
                "certificates are always verified; with an unset clock the agent waits until it is set"
            }
            "ca-trust-file" => "'ca_file' is an absolute path",
            "cache-dir" => "'state_dir' says where addresses are kept",
            "fake-address" => "no false address is ever published",
            "forced-update" => "this is no number of seconds",
            "iterations" => "the agent runs until it is stopped",
            "period" => "nothing is polled, the kernel announces a new address",
            "user-agent" => "the agent says who it is",
            _ => "this option is known neither to inadyn nor here",
        };
        let is_public = set.is_some() || value.parse::<i64>().is_ok();
        plan.remarks.add(name, Some(value).filter(|_| is_public), reason);
    }
}

/// The words of libconfuse.
fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// One section, while its options are taken out one by one.
struct Section<'a> {
    draft: Draft,
    shared: &'a Shared,
    items: Vec<Item>,
    to: Dialect,
}

impl Section<'_> {
    fn fill(&mut self, title: &str, is_custom: bool) {
        let encrypts = self.take("ssl").and_then(|word| truth(&word)) != Some(false);
        self.draft.permits_http = !encrypts;
        let service = title.to_ascii_lowercase();
        if is_custom {
            self.custom(encrypts);
        } else {
            match find(&service) {
                Some(id) => self.draft.provide(&id),
                None => self.draft.unknown(title),
            }
        }
        self.account();
        self.sources(&service);
        if self.shared.allows_private {
            self.draft.allow_private();
        }
        if let Some(seconds) = self.shared.refresh {
            self.draft.lasting("refresh", "forced-update", seconds);
        }
        self.rest();
        self.draft.name = name_of(&self.draft);
    }

    /// All values of an option; environment variables are noted and dropped.
    fn words(&mut self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut kept = Vec::new();
        for item in std::mem::take(&mut self.items) {
            match item.value {
                Value::Words(words) if item.name == name => found.extend(words),
                value @ (Value::Call(_) | Value::Section(..) | Value::Words(_)) => {
                    kept.push(Item { value, ..item });
                }
            }
        }
        self.items = kept;
        if found.iter().any(|word| word.from_environment) {
            self.draft.remarks.add(name, None, ENVIRONMENT);
        }
        found.into_iter().filter(|word| !word.from_environment).map(|word| word.text).collect()
    }

    /// The last value of an option.
    fn take(&mut self, name: &str) -> Option<String> {
        self.words(name).pop()
    }

    fn account(&mut self) {
        let mut names = self.words("hostname");
        names.extend(self.words("alias"));
        let names = names.join(",");
        let [user, password, ttl] =
            ["username", "password", "ttl"].map(|name| self.take(name).unwrap_or_default());
        let ttl = if ttl.starts_with('-') { String::new() } else { ttl };
        let fields = [
            Field::new("hostname", Holds::Name, &names),
            Field::new("username", Holds::User, &user),
            Field::new("password", Holds::Password, &password),
            Field::new("ttl", Holds::Ttl, &ttl),
        ];
        self.draft.account(CLIENT, &fields, None);
    }

    /// `ddns-server` and `ddns-path` as one URL; without a `%` in it, the name or the address is its end.
    fn custom(&mut self, encrypts: bool) {
        self.draft.provide("custom");
        let server = self.take("ddns-server").unwrap_or_default();
        let path = self.take("ddns-path").unwrap_or_default();
        let appends_ip = self.take("append-myip").and_then(|word| truth(&word)) == Some(true);
        let slash = if path.starts_with('/') { "" } else { "/" };
        let end = match (path.contains('%'), appends_ip) {
            (true, _) => "",
            (false, true) => "%i",
            (false, false) => "%h",
        };
        let scheme = if encrypts { "https" } else { "http" };
        if server.is_empty() {
            self.draft.failure = Some("it has no 'ddns-server'".to_owned());
        }
        self.draft.text("url", format!("{scheme}://{server}{slash}{path}{end}"));
        let success = self.words("ddns-response");
        if !success.is_empty() {
            self.draft.list("success", success);
        }
    }

    /// The devices whose addresses are published.
    fn sources(&mut self, service: &str) {
        let own = self.take("iface");
        let device = own.or_else(|| self.shared.iface.clone());
        let sets = |family| self.draft.provider.as_ref().is_none_or(|entry| entry.sets(family));
        let is_v6 = service.starts_with("ipv6");
        let mut families = vec![if is_v6 { Family::V6 } else { Family::V4 }];
        if self.shared.allows_ipv6 && !is_v6 && !service.starts_with("ipv4") && sets(Family::V6) {
            families.push(Family::V6);
        }
        for family in families {
            let option = if family == Family::V6 { "ipv6" } else { "ipv4" };
            match &device {
                Some(device) => self.draft.text(option, device.clone()),
                None => guess(&mut self.draft, self.to, family, "inadyn asked a web page or a command"),
            }
        }
    }

    fn rest(&mut self) {
        for item in std::mem::take(&mut self.items) {
            let reason = match (item.name.as_str(), &item.value) {
                (_, Value::Call(path)) => {
                    self.draft.remarks.add(&item.name, Some(path), INCLUDE);
                    continue;
                }
                ("checkip-server" | "checkip-path" | "checkip-ssl", _) => "no web page is asked",
                ("checkip-command", _) => "no other program is run",
                ("proxied", _) => "this is not changed at the provider",
                ("user-agent", _) => "the agent says who it is",
                ("wildcard", _) => "write '*.' and the name as one more 'hostname', if the provider takes it",
                _ => "this option is known neither to inadyn nor here",
            };
            let value = match &item.value {
                Value::Words(words) => words.first().map(|word| word.text.as_str()),
                Value::Call(_) | Value::Section(..) => None,
            };
            self.draft.remarks.add(&item.name, value.filter(|value| truth(value).is_some()), reason);
        }
    }
}

/// The entry of a provider's name: whole, without the `:ID` of an account, or a part that only one entry has.
fn find(service: &str) -> Option<String> {
    let bare = service.split(':').next().unwrap_or_default();
    let rest = bare.strip_prefix("ipv6@").unwrap_or(bare);
    let exact = [service.to_owned(), bare.to_owned(), format!("default@{rest}"), format!("dyndns@{rest}")];
    let exact = exact.iter().find_map(|name| catalogue::alias(CLIENT.name(), name));
    if let Some(id) = exact.filter(|_| !bare.is_empty()) {
        return Some(id.to_owned());
    }
    let has = |entry: &Provider| {
        let names = entry.aliases.get(CLIENT.name()).into_iter().flatten();
        names.into_iter().any(|name| name != "custom" && name.contains(bare))
    };
    let entries = catalogue::providers().unwrap_or_default().into_iter();
    let mut found = entries.filter(|entry| !bare.is_empty() && has(entry));
    let first = found.next()?;
    found.next().is_none().then_some(first.id)
}
