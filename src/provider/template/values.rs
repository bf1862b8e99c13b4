//! What the placeholders stand for in one request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::settings::AccountSettings;
use super::super::{Family, Prefix};
use super::Placeholder as P;

/// Seconds that a record lives in caches where the account does not say; our judgement.
const TTL_SECS: u32 = 60;

/// The LAN's /64: what router vendors mean by its prefix (RFC 4291 section 2.5.1).
const LAN_PREFIX: u8 = 64;

/// All that one request may mention.
#[derive(Clone, Copy)]
pub(in crate::provider) struct Values<'a> {
    pub(in crate::provider) settings: &'a AccountSettings,
    /// Zones that the provider's names lie in.
    pub(in crate::provider) zones: &'a [String],
    /// How many labels next to the zone count; zero: all.
    pub(in crate::provider) label_depth: usize,
    pub(in crate::provider) path: &'a str,
    /// What the provider calls A and AAAA.
    pub(in crate::provider) record_types: &'a [String; 2],
    pub(in crate::provider) names: &'a [String],
    pub(in crate::provider) ipv4: Option<Ipv4Addr>,
    pub(in crate::provider) ipv6: Option<Ipv6Addr>,
    /// The prefix behind the line, if the update states it.
    pub(in crate::provider) prefix: Option<Prefix>,
    /// The family that `{ip}` and `{record_type}` speak of.
    pub(in crate::provider) family: Family,
    /// What lookups have found out.
    pub(in crate::provider) known: Known<'a>,
    /// Seconds since 1970.
    pub(in crate::provider) now: u64,
}

/// What the lookups of a dialogue have found out.
#[derive(Clone, Copy, Default)]
pub(in crate::provider) struct Known<'a> {
    /// The name of the zone.
    pub(in crate::provider) zone: Option<&'a str>,
    /// Values by their number.
    pub(in crate::provider) taken: &'a [String],
    /// The addresses of a name in a batch.
    pub(in crate::provider) records: &'a str,
    /// The records that a batch creates, takes away and updates.
    pub(in crate::provider) creates: &'a str,
    pub(in crate::provider) removes: &'a str,
    pub(in crate::provider) updates: &'a str,
}

impl Values<'_> {
    pub(super) fn text(&self, placeholder: P) -> String {
        let settings = self.settings;
        match placeholder {
            P::AppName => env!("CARGO_PKG_NAME").to_owned(),
            P::AppVersion => env!("CARGO_PKG_VERSION").to_owned(),
            P::ApexBool => (self.host() == self.zone(self.host())).to_string(),
            P::Creates => self.known.creates.to_owned(),
            P::DualStack => u8::from(self.ipv4.is_some() && self.ipv6.is_some()).to_string(),
            P::Host => self.host().to_owned(),
            P::HostDot => format!("{}.", self.host()),
            P::HostsCsv => self.names.join(","),
            P::Ip => text(self.address()),
            P::Ip4 => text(self.ipv4),
            P::Ip4OrDash => self.ipv4.map_or_else(|| "-".to_owned(), |ip| ip.to_string()),
            P::Ip6 => text(self.ipv6),
            P::Ip6OrDash => self.ipv6.map_or_else(|| "-".to_owned(), |ip| ip.to_string()),
            P::Label => self.label(self.host()),
            P::LabelAt => {
                Some(self.label(self.host())).filter(|l| !l.is_empty()).unwrap_or_else(|| "@".to_owned())
            }
            P::LabelCsv => self.labels(),
            P::Param => secret(settings.param.as_ref()),
            P::ParamOpt => secret(settings.param_opt.as_ref()),
            P::Password => secret(settings.password.as_ref().or(settings.token.as_ref())),
            P::Path => self.path.to_owned(),
            P::Prefix6 => text(self.prefix.or_else(|| self.ipv6.map(|ip| Prefix::of(ip, LAN_PREFIX)))),
            P::RecordId | P::RecordIdCsv => settings.record_id.clone().unwrap_or_default(),
            P::RecordType => {
                let [a, aaaa] = self.record_types;
                match self.family {
                    Family::V4 => a.clone(),
                    Family::V6 => aaaa.clone(),
                }
            }
            P::Records => self.known.records.to_owned(),
            P::Removes => self.known.removes.to_owned(),
            P::Server => settings.server_url(),
            P::Taken { number, .. } => self.known.taken.get(usize::from(number)).cloned().unwrap_or_default(),
            P::Token | P::Token4 => secret(settings.token.as_ref().or(settings.password.as_ref())),
            P::Token6 => {
                let token =
                    settings.token6.as_ref().or(settings.token.as_ref()).or(settings.password.as_ref());
                secret(token)
            }
            P::Ttl => settings.ttl.unwrap_or(TTL_SECS).to_string(),
            P::TtlMinutes => settings.ttl.unwrap_or(TTL_SECS).div_ceil(60).to_string(),
            P::Updates => self.known.updates.to_owned(),
            P::User => settings.user.clone().unwrap_or_default(),
            P::Zone => self.zone(self.host()),
            P::ZoneDot => format!("{}.", self.zone(self.host())),
        }
    }

    /// The same, with this address of its family.
    pub(in crate::provider) fn with(&self, ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self { ipv4: Some(ip), ..*self },
            IpAddr::V6(ip) => Self { ipv6: Some(ip), ..*self },
        }
    }

    /// The address of the family that is told.
    pub(in crate::provider) fn address(&self) -> Option<IpAddr> {
        match self.family {
            Family::V4 => self.ipv4.map(IpAddr::V4),
            Family::V6 => self.ipv6.map(IpAddr::V6),
        }
    }

    fn host(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    fn label(&self, name: &str) -> String {
        let label = labels_below(name, &self.zone(name)).unwrap_or_default();
        if self.label_depth == 0 {
            return label.to_owned();
        }
        let labels: Vec<&str> = label.split('.').collect();
        labels[labels.len().saturating_sub(self.label_depth)..].join(".")
    }

    fn labels(&self) -> String {
        let mut labels: Vec<String> = Vec::new();
        for name in self.names {
            let label = self.label(name);
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels.join(",")
    }

    /// The account's zone, else the one that was found, else the longest of the provider's zones that fits, else the last two labels: a list of
    /// registrable domains is larger than this program.
    fn zone(&self, name: &str) -> String {
        if let Some(zone) = self.settings.zone.as_deref().or(self.known.zone) {
            return zone.to_owned();
        }
        let fits = self.zones.iter().filter(|zone| labels_below(name, zone).is_some());
        if let Some(zone) = fits.max_by_key(|zone| zone.len()) {
            return zone.clone();
        }
        let labels: Vec<&str> = name.split('.').collect();
        labels[labels.len().saturating_sub(2)..].join(".")
    }
}

/// The labels of a name that are left of a zone, empty at its apex; `None` if the name lies elsewhere. Letters compare
/// without case (RFC 4343).
pub(in crate::provider) fn labels_below<'a>(name: &'a str, zone: &str) -> Option<&'a str> {
    let split = name.len().checked_sub(zone.len())?;
    let (label, tail) = (name.get(..split)?, name.get(split..)?);
    if !tail.eq_ignore_ascii_case(zone) {
        return None;
    }
    if label.is_empty() { Some("") } else { label.strip_suffix('.') }
}

fn text(ip: Option<impl ToString>) -> String {
    ip.map_or_else(String::new, |ip| ip.to_string())
}

fn secret(secret: Option<&super::super::Secret>) -> String {
    secret.map_or_else(String::new, |secret| secret.expose().to_owned())
}
