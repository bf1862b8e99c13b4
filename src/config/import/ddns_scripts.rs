//! `/etc/config/ddns` of OpenWrt's ddns-scripts. What its options mean: `dynamic_dns_updater.sh`,
//! `dynamic_dns_functions.sh` and `samples/ddns.config_sample` of openwrt/packages as of 2026-08.

use litemap::LiteMap;

use super::super::dialect::Dialect;
use super::super::mistake::{Mistake, Source};
use super::super::uci::grammar::{self, Setting, Value};
use super::super::uci::{flag, readable, refused};
use super::Client;
use super::draft::{Draft, Field};
use super::plan::{Plan, line};
use crate::provider::{Family, Holds, catalogue};

const CLIENT: Client = Client::DdnsScripts;

pub(super) fn read(text: &[u8]) -> Result<Plan, Vec<Mistake>> {
    let readable = readable(text);
    let source = Source::new(Dialect::Uci, &readable);
    let package = grammar::parse(text).map_err(|refusal| vec![refused(&source, text, &refusal)])?;
    let mut plan = Plan::default();
    let mut allows_private = false;
    for section in package.sections.iter().filter(|section| section.kind != "service") {
        if section.kind != "ddns" {
            plan.remarks.add(&section.kind, None, "sections of this type are not known");
            continue;
        }
        for setting in &section.settings {
            allows_private |= setting.name == "upd_privateip" && is_set(setting);
            global(&mut plan, setting);
        }
    }
    for section in package.sections.into_iter().filter(|section| section.kind == "service") {
        let at = line(&source, section.kind_at);
        let origin = if section.anonymous {
            format!("the section without a name in line {at}")
        } else {
            format!("section '{}' in line {at}", section.name)
        };
        let name = if section.anonymous { "" } else { section.name.as_str() };
        let mut service = Service { draft: Draft::new(name, origin), options: LiteMap::new() };
        if allows_private {
            service.draft.allow_private();
        }
        service.fill(section.settings);
        plan.drafts.push(service.draft());
    }
    Ok(plan)
}

fn is_set(setting: &Setting) -> bool {
    text_of(&setting.value).as_deref().and_then(flag) == Some(true)
}

fn global(plan: &mut Plan, setting: &Setting) {
    let reason = match setting.name.as_str() {
        "upd_privateip" if is_set(setting) => return,
        "upd_privateip" => "this is how it is, unless a record has 'allow'",
        "cacert" => CACERT,
        "ddns_dateformat" | "ddns_logdir" | "ddns_loglines" | "use_logfile" => LOGS,
        "ddns_rundir" => "'runtime_dir' says where things are kept",
        "use_curl" => "no other program is needed",
        _ => UNKNOWN,
    };
    plan.remarks.add(&setting.name, None, reason);
}

/// `config_get` joins a list with blanks. `None`: not UTF-8.
fn text_of(value: &Value) -> Option<String> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    match value {
        Value::Text(bytes, _) => text(bytes),
        Value::List(entries) => {
            let entries: Option<Vec<String>> = entries.iter().map(|(bytes, _)| text(bytes)).collect();
            entries.map(|entries| entries.join(" "))
        }
    }
}

const CACERT: &str = "certificates are verified against the system's; 'ca_file' names others";
const LOGS: &str = "messages go to syslog, 'log_level' says which";
const UNKNOWN: &str = "this option is known neither to ddns-scripts nor here";

/// Options without a counterpart: their names, why, and whether their values can be shown.
const IDLE: &[(&[&str], &str, bool)] = &[
    (
        &["check_interval", "check_unit", "check_interval_min"],
        "nothing is polled, the kernel announces a new address",
        true,
    ),
    (
        &["retry_interval", "retry_unit", "retry_max_count", "retry_count"],
        "what failed is repeated by itself, after growing pauses",
        true,
    ),
    (&["use_syslog", "use_logfile"], LOGS, true),
    (
        &["dns_server", "force_dnstcp", "is_glue", "use_api_check"],
        "names are not looked up, the provider's answer counts",
        true,
    ),
    (&["proxy"], "requests go straight to the provider", false),
    (&["force_ipversion"], "the provider's entry knows where a request needs a certain family", true),
    (&["user_agent"], "the agent says who it is", false),
    (&["cacert"], CACERT, true),
    (&["update_url"], "the provider's entry has the request", false),
    (&["update_script", "ip_script"], "no other program is run", false),
    (&["ip_url"], "no web page is asked", false),
    (&["ip_network", "ip_interface"], "'ip_source' named another source", true),
    (&["interface", "eventnetwork"], "this said only whose events start the script", true),
    (&["force_unit"], "there is no 'force_interval' beside it", true),
];

/// One section, while its options are taken out one by one.
struct Service {
    draft: Draft,
    options: LiteMap<String, String>,
}

impl Service {
    fn fill(&mut self, settings: Vec<Setting>) {
        for Setting { name, value, .. } in settings {
            match text_of(&value) {
                Some(text) => {
                    self.options.insert(name, text);
                }
                None => self.draft.remarks.add(&name, None, "its value is not UTF-8"),
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.options.remove(name)
    }

    /// A flag; without it, it is not set.
    fn flag(&mut self, name: &str) -> bool {
        self.take(name).as_deref().and_then(flag) == Some(true)
    }

    fn draft(mut self) -> Draft {
        let enabled = self.flag("enabled");
        self.draft.flag("enabled", enabled);
        let family = if self.flag("use_ipv6") { Family::V6 } else { Family::V4 };
        let encrypts = self.flag("use_https");
        self.draft.permits_http = !encrypts;
        self.provider(encrypts);
        self.source(family);
        self.account();
        self.refresh();
        if let Some(network) = self.take("bind_network") {
            self.draft.text("bind", network);
        }
        self.rest();
        if self.draft.name.is_empty() {
            self.draft.name = super::plan::name_of(&self.draft);
        }
        self.draft
    }

    fn provider(&mut self, encrypts: bool) {
        let service = self.take("service_name").filter(|name| !matches!(name.as_str(), "-" | "custom"));
        let known = service.as_deref().and_then(|name| catalogue::alias(CLIENT.name(), name));
        if let Some(id) = known {
            self.draft.provide(id);
            return;
        }
        if let Some(service) = &service {
            let reason = "the catalogue has no provider of this name, but there is an 'update_url'";
            if self.options.contains_key("update_url") {
                self.draft.remarks.add("service_name", Some(service), reason);
            } else {
                self.draft.unknown(service);
                return;
            }
        }
        let Some(url) = self.take("update_url") else {
            let script = self.options.contains_key("update_script");
            let why =
                if script { "it is a script, and none is run" } else { "it names no provider and no URL" };
            self.draft.failure = Some(why.to_owned());
            return;
        };
        let plain = url.strip_prefix("http:").filter(|_| encrypts);
        self.draft.provide("custom");
        self.draft.text("url", plain.map_or_else(|| url.clone(), |rest| format!("https:{rest}")));
        // What the URL does not use was not sent.
        for (option, placeholder) in PLACEHOLDERS {
            if !url.contains(placeholder) && self.take(option).is_some() {
                self.draft.remarks.add(option, None, "the URL does not use it");
            }
        }
    }

    /// The network or device whose address is published.
    fn source(&mut self, family: Family) {
        let (option, wan) = match family {
            Family::V4 => ("ipv4", "wan"),
            Family::V6 => ("ipv6", "wan6"),
        };
        let source = self.take("ip_source").unwrap_or_else(|| "network".to_owned());
        let device = match source.as_str() {
            "network" => self.take("ip_network"),
            // The address of an alias: its network is named behind the @.
            "interface" => self.take("ip_interface").map(|device| device.trim_start_matches('@').to_owned()),
            _ => self.options.get("interface").cloned(),
        };
        let device = device.unwrap_or_else(|| wan.to_owned());
        if !matches!(source.as_str(), "network" | "interface") {
            let why = format!("this source is not there; the address of '{device}' is published instead");
            self.draft.remarks.add("ip_source", Some(&source), &why);
        }
        self.options.retain(|name, value| name != "interface" || *value != device);
        self.draft.text(option, device);
    }

    fn account(&mut self) {
        let own: Vec<String> = self.draft.provider.as_ref().map_or_else(Vec::new, |entry| {
            entry.import.get(CLIENT.name()).map_or_else(Vec::new, |table| table.keys().cloned().collect())
        });
        let usual = [
            ("domain", Holds::Name),
            ("username", Holds::User),
            ("password", Holds::Password),
            ("param_enc", Holds::Param),
            ("param_opt", Holds::ParamOpt),
        ];
        // A field that only this provider's entry knows holds what the entry says.
        let others = own.iter().map(|name| (name.as_str(), Holds::Unused));
        let mut taken = Vec::new();
        for (name, holds) in usual.into_iter().chain(others) {
            if let Some(value) = self.options.remove(name) {
                taken.push((name.to_owned(), holds, value));
            }
        }
        let fields: Vec<Field<'_>> =
            taken.iter().map(|(name, holds, value)| Field::new(name, *holds, value)).collect();
        let lookup = self.options.remove("lookup_host");
        let lookup = lookup.as_deref().map(|value| Field::new("lookup_host", Holds::Name, value));
        self.draft.account(CLIENT, &fields, lookup);
    }

    fn refresh(&mut self) {
        let Some(interval) = self.take("force_interval") else { return };
        let unit = self.take("force_unit").unwrap_or_else(|| "hours".to_owned());
        let seconds = match unit.as_str() {
            "days" => Some(86_400),
            "hours" => Some(3_600),
            "minutes" => Some(60),
            "seconds" => Some(1),
            _ => None,
        };
        let shown = format!("{interval} {unit}");
        let total =
            interval.parse::<u64>().ok().zip(seconds).and_then(|(count, unit)| count.checked_mul(unit));
        match total {
            Some(0) => {
                self.draft.remarks.add("force_interval", Some("0"), "the agent runs until it is stopped");
            }
            Some(total) => self.draft.lasting("refresh", "force_interval", total),
            None => self.draft.remarks.add("force_interval", Some(&shown), "this is no length of time"),
        }
    }

    fn rest(&mut self) {
        for (name, value) in std::mem::take(&mut self.options) {
            let idle = IDLE.iter().find(|(names, _, _)| names.contains(&name.as_str()));
            match idle {
                Some((_, reason, is_public)) => {
                    self.draft.remarks.add(
                        &name,
                        Some(&value).filter(|_| *is_public).map(String::as_str),
                        reason,
                    );
                }
                None => self.draft.remarks.add(&name, None, UNKNOWN),
            }
        }
    }
}

const PLACEHOLDERS: [(&str, &str); 4] = [
    ("username", "[USERNAME]"),
    ("password", "[PASSWORD]"),
    ("param_enc", "[PARAMENC]"),
    ("param_opt", "[PARAMOPT]"),
];
