//! `ddclient.conf`. What its options mean: `%cfgvars`, `%protocols` and the strategies of ddclient 4.0.

use litemap::LiteMap;

use super::super::dialect::Dialect;
use super::super::mistake::Source;
use super::super::value::{Fault, Raw};
use super::Client;
use super::assignments;
use super::draft::{Draft, Field, server_url};
use super::plan::{Plan, guess, line, name_of};
use crate::provider::{Family, Holds, catalogue};

const CLIENT: Client = Client::Ddclient;

/// What holds for a host: its own options over those of the lines above it without a host.
type Options = LiteMap<String, String>;

/// Hosts of one line that have the same options.
struct Group {
    line: usize,
    hosts: Vec<String>,
    options: Options,
}

pub(super) fn read(text: &str, to: Dialect) -> Result<Plan, Vec<Fault>> {
    let source = Source::new(Dialect::Toml, text);
    let mut plan = Plan::default();
    let mut shared = Options::new();
    let mut unused: Vec<String> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for read in assignments::parse(text)? {
        let mut own = Options::new();
        for (name, value) in read.assignments {
            if !global(&mut plan, &name, &value) {
                own.insert(name, value);
            }
        }
        if read.hosts.is_empty() {
            unused.extend(own.keys().cloned());
            overlay(&mut shared, own);
            continue;
        }
        unused.clear();
        let at = line(&source, read.at);
        let mut options = shared.clone();
        overlay(&mut options, own);
        gather(&mut groups, at, read.hosts, &options);
    }
    for name in unused {
        plan.remarks.add(&name, None, "no host stands below it");
    }
    for Group { line, hosts, options } in groups {
        let noun = if hosts.len() == 1 { "the host" } else { "the hosts" };
        let origin = format!("{noun} in line {line}");
        let mut host = Host { draft: Draft::new("", origin), options, to };
        host.fill(&hosts.join(","));
        plan.drafts.push(host.draft);
    }
    Ok(plan)
}

/// `password` and `password_env` are one option: the later one counts.
fn overlay(options: &mut Options, own: Options) {
    for (name, value) in own {
        let twin = name.strip_suffix("_env").map_or_else(|| format!("{name}_env"), str::to_owned);
        options.remove(&twin);
        options.insert(name, value);
    }
}

/// A host that was named before keeps what it has and gets the rest.
fn gather(groups: &mut Vec<Group>, line: usize, hosts: Vec<String>, options: &Options) {
    let mut fresh = Group { line, hosts: Vec::new(), options: options.clone() };
    for host in hosts {
        let Some(at) = groups.iter().position(|group| group.hosts.contains(&host)) else {
            if !fresh.hosts.contains(&host) {
                fresh.hosts.push(host);
            }
            continue;
        };
        let Some(group) = groups.get_mut(at) else { continue };
        group.hosts.retain(|known| *known != host);
        let mut merged = options.clone();
        merged.extend(group.options.clone());
        let line = group.line;
        groups.push(Group { line, hosts: vec![host], options: merged });
        groups.retain(|group| !group.hosts.is_empty());
    }
    if !fresh.hosts.is_empty() {
        groups.push(fresh);
    }
}

/// Whether the option is one of the whole program; if so, it is dealt with.
fn global(plan: &mut Plan, name: &str, value: &str) -> bool {
    let reason = match name {
        "ssl_ca_file" if value.starts_with('/') => {
            plan.global.retain(|(name, _)| *name != "ca_file");
            plan.global.push(("ca_file", Raw::Text(value.to_owned())));
            return true;
        }
        "cache" | "file" | "pid" => "'state_dir' and 'runtime_dir' say where things are kept",
        "daemon" | "jitter" => "nothing is polled, the kernel announces a new address",
        "debug" | "facility" | "max-warn" | "priority" | "quiet" | "syslog" | "verbose" => {
            "messages go to syslog, 'log_level' says which"
        }
        "exec" | "force" | "foreground" | "test" => "'wanbeacon run', 'test' and 'update' do this",
        "mail" | "mail-failure" | "mail-from" => {
            "no mail is sent; on OpenWrt there are hooks, see docs/ubus.md"
        }
        "postscript" => "no other program is run; on OpenWrt there are hooks, see docs/ubus.md",
        "proxy" => "requests go straight to the provider",
        "redirect" => "the provider's entry knows whether redirects are followed",
        "ssl_ca_dir" | "ssl_ca_file" => "'ca_file' names one file with certificates, by its absolute path",
        "timeout" => "each request has its limits of time already",
        _ => return false,
    };
    let is_public = value.len() < 6 && value.chars().all(|c| c.is_ascii_alphanumeric());
    plan.remarks.add(name, Some(value).filter(|_| is_public && name != "proxy"), reason);
    true
}

/// One group, while its options are taken out one by one.
struct Host {
    draft: Draft,
    options: Options,
    to: Dialect,
}

impl Host {
    fn fill(&mut self, names: &str) {
        self.environment();
        self.draft.permits_http = self.take("ssl").is_some_and(|word| truth(&word) == Some(false));
        self.provider();
        self.account(names);
        self.sources();
        self.intervals();
        self.rest();
        self.draft.name = name_of(&self.draft);
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.options.remove(name)
    }

    /// `password_env=NAME` names a variable of ddclient's environment.
    fn environment(&mut self) {
        let names: Vec<String> = self.options.keys().filter(|name| name.ends_with("_env")).cloned().collect();
        for name in names {
            let reason =
                "the value of an environment variable is not known here; write it, or name a 'password_file'";
            self.draft.remarks.add(&name, None, reason);
            self.options.remove(&name);
        }
    }

    /// The catalogue knows protocols, and protocols with a server: `dyndns2(server=dyn.example.net)`.
    fn provider(&mut self) {
        const DEFAULT: &str = "members.dyndns.org";
        let protocol = self.take("protocol").unwrap_or_else(|| "dyndns2".to_owned()).to_ascii_lowercase();
        let (given, script) = (self.take("server"), self.take("script"));
        let is_dyndns = matches!(protocol.as_str(), "dyndns1" | "dyndns2");
        let server = given.clone().or_else(|| is_dyndns.then(|| DEFAULT.to_owned())).unwrap_or_default();
        self.draft.permits_http |= server.starts_with("http://");
        let bare = server.split_once("://").map_or(server.as_str(), |(_, rest)| rest);
        let host = bare.trim_end_matches('/').to_ascii_lowercase();
        let login = self.options.get("login").map_or("", String::as_str);
        let path = script.as_deref().unwrap_or_default();
        // From the narrowest to the widest: what a form names need not be said again.
        let forms = [
            format!("{protocol}(server={host};script={path})"),
            format!("{protocol}(server={host};login={login})"),
            format!("{protocol}(server={host})"),
            protocol.clone(),
        ];
        let known = |(at, name): (usize, &String)| Some((at, catalogue::alias(CLIENT.name(), name)?));
        let Some((form, id)) = forms.iter().enumerate().find_map(known) else {
            return self.draft.unknown(&protocol);
        };
        self.draft.provide(id);
        let asks = self.draft.provider.as_ref().is_some_and(|entry| entry.credentials.contains_key("server"));
        if asks && !server.is_empty() {
            self.draft.text("server", server_url(&server, self.draft.permits_http));
            script.into_iter().for_each(|script| self.draft.text("path", script));
            return;
        }
        let reason = "the provider's entry has the request";
        if let Some(server) = given.filter(|_| form == 3) {
            self.draft.remarks.add("server", Some(&server), reason);
        }
        if let Some(script) = script.filter(|_| form > 0) {
            self.draft.remarks.add("script", Some(&script), reason);
        }
    }

    fn account(&mut self, names: &str) {
        let own = self.draft.provider.as_ref().and_then(|entry| entry.import.get(CLIENT.name()));
        let others: Vec<String> = own.map_or_else(Vec::new, |table| table.keys().cloned().collect());
        let usual = [
            ("login", Holds::User),
            ("apikey", Holds::User),
            ("password", Holds::Password),
            ("secretapikey", Holds::Password),
            ("zone", Holds::Zone),
            ("ttl", Holds::Ttl),
        ];
        let mut taken = vec![("host".to_owned(), Holds::Name, names.to_owned())];
        for (name, holds) in usual.into_iter().chain(others.iter().map(|name| (name.as_str(), Holds::Unused)))
        {
            taken.extend(self.options.remove(name).map(|value| (name.to_owned(), holds, value)));
        }
        if taken.iter().any(|(_, holds, value)| *holds == Holds::Password && value.ends_with(',')) {
            let reason =
                "the comma at its end is a part of it, as for ddclient; remove it if it was meant to part";
            self.draft.remarks.add("password", None, reason);
        }
        let fields: Vec<Field<'_>> =
            taken.iter().map(|(name, holds, value)| Field::new(name, *holds, value)).collect();
        self.draft.account(CLIENT, &fields, None);
    }

    /// The devices whose addresses are published.
    fn sources(&mut self) {
        let [any, v4, v6] = ["use", "usev4", "usev6"].map(|name| self.take(name));
        let is_on = |how: &String| !matches!(how.as_str(), "disabled" | "no" | "");
        let (v4, v6) = (v4.filter(is_on), v6.filter(is_on));
        let any = if v4.is_some() || v6.is_some() { None } else { any };
        if any.as_ref().is_some_and(|how| !is_on(how)) {
            self.draft.failure = Some("its 'use' is disabled".to_owned());
        }
        let shared = self.take("if");
        let devices = [
            (Family::V4, "ipv4", v4.or(any).or_else(|| v6.is_none().then(String::new)), self.take("ifv4")),
            (Family::V6, "ipv6", v6, self.take("ifv6")),
        ];
        for (family, option, how, own) in devices {
            let Some(how) = how else { continue };
            let device = own.or_else(|| shared.clone()).filter(|device| device != "default");
            match device.filter(|_| matches!(how.as_str(), "if" | "ifv4" | "ifv6")) {
                Some(device) => self.draft.text(option, device),
                None => guess(&mut self.draft, self.to, family, "ddclient was told to look elsewhere"),
            }
        }
    }

    fn intervals(&mut self) {
        for (theirs, ours) in [("min-interval", "min_interval"), ("max-interval", "refresh")] {
            let Some(value) = self.take(theirs) else { continue };
            match seconds(&value) {
                Some(seconds) => self.draft.lasting(ours, theirs, seconds),
                None => self.draft.remarks.add(theirs, None, "this is no length of time that is kept here"),
            }
        }
    }

    fn rest(&mut self) {
        for (name, value) in std::mem::take(&mut self.options) {
            let reason = match name.as_str() {
                "backupmx" | "mx" | "static" => "the provider's entry has the request",
                "custom" | "on-root-domain" | "quietreply" | "tcp" | "use-personal-access-token" => {
                    "the provider's entry has the request"
                }
                "ip" | "ipv4" | "ipv6" => "no fixed address is published",
                "min-error-interval" => "what failed is repeated by itself, after growing pauses",
                "wildcard" => "write '*.' and the name as one more 'hostname', if the provider takes it",
                name if name.starts_with("web") || name.starts_with("fw") => "no web page is asked",
                name if name.starts_with("cmd") => "no other program is run",
                name if name.starts_with("if") => "'use' named another source",
                _ => "this option is not known here",
            };
            self.draft.remarks.add(
                &name,
                Some(value.as_str()).filter(|value| truth(value).is_some()),
                reason,
            );
        }
    }
}

fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "y" | "t" | "1" => Some(true),
        "no" | "false" | "off" | "n" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// A number of seconds, or a number and a unit.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let unit = match unit.chars().next().map(|c| c.to_ascii_lowercase()) {
        None | Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some(_) => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit)
}
