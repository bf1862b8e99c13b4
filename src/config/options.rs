//! The option table: validation, help, and the tables in README.md and docs/configuration.md come from it.

use std::fmt::Write;

use crate::provider::{Algorithm, Prerequisite};

/// Where an option is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Once, for the whole agent.
    Global,
    /// In each record.
    Record,
}

/// What an option holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// One or several IP addresses.
    Addresses,
    /// `source`, or as [`Kind::Device`].
    Bind,
    /// Name of a network of netifd, or of a kernel device of 1 to 15 bytes (IFNAMSIZ of linux/if.h).
    Device,
    /// A length of time, from `min` to `max` seconds.
    Duration {
        /// Least value in seconds.
        min: u64,
        /// Greatest value in seconds.
        max: u64,
    },
    /// Yes or no.
    Flag,
    /// Header fields of a request, as `Name: value`; never shown.
    Headers,
    /// One or several host parts of IPv6 addresses, each also as `NAME=PART`.
    Hosts,
    /// One fully qualified name.
    Name,
    /// One or several fully qualified names.
    Names,
    /// A whole number from `min` to `max`.
    Number {
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Absolute path of a file or directory.
    Path,
    /// A key of the provider catalogue.
    Provider,
    /// Text that is never shown.
    Secret,
    /// Scheme, host and optional port of a server; a name server has no scheme.
    Server,
    /// One or several hosts with an optional port.
    Hostports,
    /// One or several URLs that begin with `https://`.
    Links,
    /// One or several origins of an address, in order of preference.
    Origins,
    /// One or several absolute paths.
    Paths,
    /// Any of these words.
    SomeOf(&'static [&'static str]),
    /// One line of text.
    Text,
    /// One or several texts.
    Texts,
    /// A URL with placeholders.
    Url,
    /// The path part of a URL.
    UrlPath,
}

/// One option. The names are the same in TOML and UCI.
#[derive(Debug)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// Where it is written.
    pub scope: Scope,
    /// What it holds.
    pub kind: Kind,
    /// What holds without it, in words or as written; empty: nothing.
    pub default: &'static str,
    /// A valid value as written in TOML.
    pub example: &'static str,
    /// What it is for, in one sentence.
    pub doc: &'static str,
}

impl Opt {
    /// Whether its value may be or hold a secret and is never quoted.
    #[must_use]
    pub fn secret(&self) -> bool {
        // Users write tokens into URLs and header fields by hand.
        matches!(self.kind, Kind::Headers | Kind::Secret | Kind::Url)
    }

    /// Its type for a person.
    #[must_use]
    pub fn type_words(&self) -> String {
        match self.kind {
            Kind::Addresses => "IP address or list of them".to_owned(),
            Kind::Bind => "'source', or network or device".to_owned(),
            Kind::Device => "network or device".to_owned(),
            Kind::Duration { min, max } => format!("duration, {} to {}", seconds(min), seconds(max)),
            Kind::Flag => "true or false".to_owned(),
            Kind::Headers => "list of header fields, never shown".to_owned(),
            Kind::Hostports => "list of hosts".to_owned(),
            Kind::Hosts => "host part, or list of NAME=PART".to_owned(),
            Kind::Links => "list of https URLs".to_owned(),
            Kind::Origins => "origin or list of origins".to_owned(),
            Kind::Paths => "list of absolute paths".to_owned(),
            Kind::Name => "name".to_owned(),
            Kind::Names => "name or list of names".to_owned(),
            Kind::Number { min, max } => format!("number, {min} to {max}"),
            Kind::OneOf(words) => format!("one of {}", words.join(", ")),
            Kind::Path => "absolute path".to_owned(),
            Kind::Provider => "provider".to_owned(),
            Kind::Secret => "text, never shown".to_owned(),
            Kind::Server => "URL without path, or name server".to_owned(),
            Kind::SomeOf(words) => format!("list of {}", words.join(", ")),
            Kind::Text => "text".to_owned(),
            Kind::Texts => "text or list of texts".to_owned(),
            Kind::Url => "URL with placeholders".to_owned(),
            Kind::UrlPath => "path of a URL".to_owned(),
        }
    }
}

/// An option by scope and name.
#[must_use]
pub fn find(scope: Scope, name: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.scope == scope && option.name == name)
}

/// Whether an option of a record is kept from whoever reads the file through us: also if nobody knows what it is.
#[must_use]
pub fn is_secret(option: &str) -> bool {
    find(Scope::Record, option).is_none_or(Opt::secret)
}

/// What users of other clients write, and our name for it.
#[must_use]
pub fn known_elsewhere(name: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours)
}

/// A duration as it is written: the greatest unit that divides it.
#[must_use]
pub fn seconds(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "m")];
    UNITS
        .iter()
        .find(|(unit, _)| count > 0 && count % unit == 0)
        .map_or_else(|| format!("{count}s"), |(unit, letter)| format!("{}{letter}", count / unit))
}

/// The table as Markdown, one table for each scope.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    for (heading, scope) in [("`[global]`", Scope::Global), ("`[record.NAME]`", Scope::Record)] {
        let _ = writeln!(
            text,
            "In {heading}:\n\n| Option | Type | Default | Example | Meaning |\n|---|---|---|---|---|"
        );
        for option in OPTIONS.iter().filter(|option| option.scope == scope) {
            let Opt { name, default, example, doc, .. } = option;
            let _ =
                writeln!(text, "| `{name}` | {} | {default} | `{example}` | {doc} |", option.type_words());
        }
        text.push('\n');
    }
    text
}

/// The table as plain text, for `wanbeacon help options`.
#[must_use]
pub fn plain() -> String {
    let mut text = String::new();
    for (heading, scope) in [("[global]", Scope::Global), ("[record.NAME]", Scope::Record)] {
        let _ = writeln!(text, "{heading}");
        for option in OPTIONS.iter().filter(|option| option.scope == scope) {
            let _ = writeln!(text, "  {} = {}", option.name, option.example);
            let _ = writeln!(text, "      {}", option.doc);
            let default = if option.default.is_empty() { "none" } else { option.default };
            let _ = writeln!(text, "      {}; default: {}", option.type_words(), default.replace('`', ""));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

const fn option(
    scope: Scope,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    doc: &'static str,
) -> Opt {
    Opt { name, scope, kind, default, example, doc }
}

/// Names of log levels, gravest first (syslog's own words).
pub const LOG_LEVELS: &[&str] = &["error", "warning", "notice", "info", "debug"];
/// Methods that `method` may name.
pub const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH"];
/// Kinds of addresses that `allow` may name.
pub const ALLOW: &[&str] = &["private", "cgnat", "documentation", "ula", "temporary"];

/// Words that `publish` may be.
pub const PUBLISH: &[&str] = &["first", "all"];
/// Words that `on_down` may be.
pub const ON_DOWN: &[&str] = &["keep", "delete", "placeholder"];
/// Words that `algorithm` may be: TSIG's names (RFC 8945 section 6).
pub const ALGORITHMS: &[&str] = &[
    Algorithm::Md5.name(),
    Algorithm::Sha1.name(),
    Algorithm::Sha224.name(),
    Algorithm::Sha256.name(),
    Algorithm::Sha384.name(),
    Algorithm::Sha512.name(),
];
/// Words that `transport` may be.
pub const TRANSPORTS: &[&str] = &["udp", "tcp"];
/// Words that `prerequisite` may be.
pub const PREREQUISITES: &[&str] = &[Prerequisite::None.name(), Prerequisite::NameExists.name()];

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// All options, in the order in which they are documented. Ranges are our judgement.
#[rustfmt::skip]
pub const OPTIONS: &[Opt] = &[
    option(Scope::Global, "log_level", Kind::OneOf(LOG_LEVELS), "`info`", r#""notice""#,
        "The least important messages that are logged."),
    option(Scope::Global, "ca_file", Kind::Path, "the system's bundle", r#""/etc/ssl/certs/ca-certificates.crt""#,
        "The certificates (PEM) that a provider's certificate is verified against."),
    option(Scope::Global, "state_dir", Kind::Path, "`/var/lib/wanbeacon`", r#""/var/lib/wanbeacon""#,
        "Where confirmed addresses are kept over a reboot; written on a confirmed change only."),
    option(Scope::Global, "runtime_dir", Kind::Path, "`/run/wanbeacon`", r#""/run/wanbeacon""#,
        "Where the control socket and what need not survive a reboot are kept."),
    option(Scope::Global, "providers_dir", Kind::Path, "`/etc/wanbeacon/providers.d`", r#""/etc/wanbeacon/providers.d""#,
        "Where entries of your own lie, for providers that the catalogue lacks or has wrong."),
    option(Scope::Global, "slow_look", Kind::Duration { min: 10, max: HOUR }, "`5m`", r#""5m""#,
        "How often to look for what the kernel never announces."),
    option(Scope::Global, "web_services", Kind::Links, "services of our choice", r#"["https://api64.ipify.org"]"#,
        "Who is asked by the origin `web`; two must agree."),
    option(Scope::Global, "stun_servers", Kind::Hostports, "servers of our choice", r#"["stun.example.org:3478"]"#,
        "Who is asked by the origin `stun`."),
    option(Scope::Global, "lease_files", Kind::Paths, "those of dnsmasq and odhcpd on OpenWrt", r#"["/tmp/dhcp.leases"]"#,
        "Where DHCPv6 leases are found, for `ipv6_host`."),
    option(Scope::Record, "enabled", Kind::Flag, "`true`", "false",
        "Whether the record is kept up to date."),
    option(Scope::Record, "provider", Kind::Provider, "required", r#""duckdns.org""#,
        "Who publishes the names; `wanbeacon providers` lists the catalogue."),
    option(Scope::Record, "hostname", Kind::Names, "required", r#"["home.example.org"]"#,
        "The fully qualified names that shall have the addresses."),
    option(Scope::Record, "user", Kind::Text, "", r#""alice""#,
        "The account's name, where the provider asks for one."),
    option(Scope::Record, "password", Kind::Secret, "", r#""correct horse""#,
        "The password; the token or key of providers that know no user; a private key (PEM) of those that ask for one."),
    option(Scope::Record, "password_file", Kind::Path, "", r#""/etc/wanbeacon/home.token""#,
        "A file whose only line is the password, or a private key (PEM)."),
    option(Scope::Record, "ipv4", Kind::Origins, "`auto`, if there is no `ipv6` either", r#""ppp0""#,
        "Where the IPv4 address comes from: a network (OpenWrt), a device, `auto`, `stun`, `web`, `router` or `file:PATH`."),
    option(Scope::Record, "ipv6", Kind::Origins, "`auto`, if there is no `ipv4` either", r#""prefix:lan""#,
        "Where the IPv6 address comes from: the same, or `prefix:NAME` for a host behind the router."),
    option(Scope::Record, "ipv6_host", Kind::Hosts, "none: the prefix itself is published", r#""::211:32ff:fe12:3456""#,
        "The host's part behind `prefix:NAME`: an address, `eui64:MAC`, `mac:MAC`, `host:NAME` or `duid:HEX`."),
    option(Scope::Record, "ipv6_subnet", Kind::Number { min: 0, max: 65_535 }, "0", "3",
        "Of a prefix shorter than /64, which /64 the host is in, counted from 0."),
    option(Scope::Record, "ipv6_prefix", Kind::Device, "the /64 of the address", r#""lan""#,
        "The network or device whose prefix is told too, where a request states it (`<ip6lanprefix>`)."),
    option(Scope::Record, "hold_down", Kind::Duration { min: 0, max: DAY }, "`1m`", r#""5m""#,
        "How long a better origin must have been usable before it is returned to."),
    option(Scope::Record, "publish", Kind::OneOf(PUBLISH), "`first`", r#""all""#,
        "Of several origins, whether the first usable address is published or all of them, up to four."),
    option(Scope::Record, "on_down", Kind::OneOf(ON_DOWN), "`keep`", r#""placeholder""#,
        "What becomes of the name while there is no address to publish."),
    option(Scope::Record, "on_down_after", Kind::Duration { min: 0, max: 30 * DAY }, "`10m`", r#""1h""#,
        "How long there must have been no address before that."),
    option(Scope::Record, "placeholder", Kind::Addresses, "none", r#"["192.0.2.1"]"#,
        "The addresses that `on_down` shows meanwhile, at most one for each family."),
    option(Scope::Record, "verify", Kind::Duration { min: 0, max: 30 * DAY }, "`6h`", r#""1d""#,
        "How often the zone's own name servers are looked at; `0s`: never, not even after an update."),
    option(Scope::Record, "allow", Kind::SomeOf(ALLOW), "none", r#"["cgnat"]"#,
        "Kinds of addresses that are published although they are not public or not lasting."),
    option(Scope::Record, "server", Kind::Server, "the provider's", r#""https://dyn.example.org""#,
        "The server to speak to, for providers that run on servers of your own."),
    option(Scope::Record, "path", Kind::UrlPath, "the provider's", r#""/nic/update""#,
        "The path of the update request on that server."),
    option(Scope::Record, "param", Kind::Secret, "", r#""tunnel-4711""#,
        "The extra value that some providers ask for: a tunnel, a network label."),
    option(Scope::Record, "param_opt", Kind::Secret, "", r#""&wildcard=ON""#,
        "Text that is put into the provider's URL as it is."),
    option(Scope::Record, "record_id", Kind::Text, "", r#""12345""#,
        "The provider's number of the record, where it asks for one."),
    option(Scope::Record, "token6", Kind::Secret, "`password`", r#""correct battery""#,
        "The token of the AAAA record, at providers that give each record its own."),
    option(Scope::Record, "ttl", Kind::Number { min: 1, max: 604_800 }, "60", "300",
        "Seconds that others may keep an answer, where the request states them."),
    option(Scope::Record, "zone", Kind::Name, "found by the provider's rules", r#""example.org""#,
        "The zone that the names are in, where it cannot be guessed."),
    option(Scope::Record, "algorithm", Kind::OneOf(ALGORITHMS), "hmac-sha256", r#""hmac-sha512""#,
        "How messages are signed, for the provider `rfc2136`."),
    option(Scope::Record, "transport", Kind::OneOf(TRANSPORTS), "udp, and tcp where it must be", r#""tcp""#,
        "How messages travel, for the provider `rfc2136`."),
    option(Scope::Record, "prerequisite", Kind::OneOf(PREREQUISITES), "none", r#""yxdomain""#,
        "What must hold before something is changed, for the provider `rfc2136`: `yxdomain` creates no new name."),
    option(Scope::Record, "ptr", Kind::Flag, "`false`", "true",
        "Whether the PTR records of the addresses show the first name, for the provider `rfc2136`."),
    option(Scope::Record, "url", Kind::Url, "", r#""https://dyn.example.org/?name={host}&ip={ip}""#,
        "The whole update request, for the provider `custom`."),
    option(Scope::Record, "raw", Kind::Flag, "`false`", "true",
        "Puts values into `url` without percent-encoding, for the provider `custom`."),
    option(Scope::Record, "method", Kind::OneOf(METHODS), "GET, or POST with a body", r#""PUT""#,
        "The request's method, for the provider `custom`."),
    option(Scope::Record, "header", Kind::Headers, "none", r#"["X-Token: {password}"]"#,
        "Further header fields of the request, for the provider `custom`."),
    option(Scope::Record, "body", Kind::Secret, "none", r#"'{"ip":"{ip}"}'"#,
        "The request's body, for the provider `custom`."),
    option(Scope::Record, "success", Kind::Texts, "good or nochg", r#"["OK"]"#,
        "What an answer must say to be a success, for the provider `custom`."),
    option(Scope::Record, "insecure", Kind::Flag, "`false`", "true",
        "Permits `http:`: everyone on the way can read the password and change the request."),
    option(Scope::Record, "bind", Kind::Bind, "as routed", r#""ppp0""#,
        "The network (OpenWrt) or device that requests leave through, whatever the routes say; `source`: that of the address."),
    option(Scope::Record, "refresh", Kind::Duration { min: HOUR, max: 365 * DAY }, "the provider's", r#""25d""#,
        "How often a name is confirmed although nothing changed."),
    option(Scope::Record, "min_interval", Kind::Duration { min: 1, max: 7 * DAY }, "the provider's", r#""10m""#,
        "The least time between two requests; it can only be longer than the provider's own."),
];

const ELSEWHERE: &[(&str, &str)] = &[
    ("api_key", "password"),
    ("apikey", "password"),
    ("cacert", "ca_file"),
    ("bind_device", "bind"),
    ("bind_network", "bind"),
    ("device", "ipv4"),
    ("domain", "hostname"),
    ("force_interval", "refresh"),
    ("host", "hostname"),
    ("hostnames", "hostname"),
    ("ip_source", "ipv4"),
    ("suffix", "ipv6_host"),
    ("iface", "ipv4"),
    ("interface", "ipv4"),
    ("key", "password"),
    ("login", "user"),
    ("lookup_host", "hostname"),
    ("protocol", "provider"),
    ("secret", "password"),
    ("service", "provider"),
    ("service_name", "provider"),
    ("token", "password"),
    ("update_url", "url"),
    ("use_https", "insecure"),
    ("username", "user"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_alias_leads_to_an_option() {
        for (at, option) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..at].iter().all(|other| other.name != option.name), "{}", option.name);
            assert!(option.doc.ends_with('.') && option.doc.matches(". ").count() == 0, "{}", option.name);
        }
        for (other, ours) in ELSEWHERE {
            assert!(OPTIONS.iter().any(|option| option.name == *ours), "{ours}");
            assert!(OPTIONS.iter().all(|option| option.name != *other), "{other}");
        }
    }

    #[test]
    fn durations_are_written_in_their_greatest_unit() {
        assert_eq!(
            ["10s", "5m", "1h", "25d", "90s", "0s"],
            [10, 300, 3600, 25 * DAY, 90, 0].map(seconds).each_ref().map(String::as_str)
        );
    }

    #[test]
    fn what_cannot_be_understood_is_a_secret() {
        assert!(is_secret("password") && is_secret("pasword") && is_secret("url"));
        assert!(!is_secret("hostname") && !is_secret("provider"));
    }
}
