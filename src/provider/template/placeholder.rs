//! The words that a template may use, in our own spelling and in those of other clients.

use super::super::Family;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::provider) enum Placeholder {
    AppName,
    AppVersion,
    ApexBool,
    /// Records that a batch creates.
    Creates,
    DualStack,
    Host,
    HostDot,
    HostsCsv,
    Ip,
    Ip4,
    Ip4OrDash,
    Ip6,
    Ip6OrDash,
    Label,
    LabelAt,
    LabelCsv,
    Param,
    ParamOpt,
    Password,
    Path,
    Prefix6,
    RecordId,
    RecordIdCsv,
    RecordType,
    /// Addresses of a name in a batch.
    Records,
    /// Records that a batch takes away.
    Removes,
    Server,
    /// What a lookup took from an answer.
    Taken {
        number: u8,
        secret: bool,
    },
    Token,
    Token4,
    Token6,
    Ttl,
    TtlMinutes,
    /// Records that a batch updates.
    Updates,
    User,
    Zone,
    ZoneDot,
}

use Placeholder as P;

/// Our own spelling, written in braces.
pub(super) const OWN: &[(&str, Placeholder)] = &[
    ("apex_bool", P::ApexBool),
    ("app_name", P::AppName),
    ("app_version", P::AppVersion),
    ("creates", P::Creates),
    ("dualstack", P::DualStack),
    ("host", P::Host),
    ("host_dot", P::HostDot),
    ("hosts_csv", P::HostsCsv),
    ("ip", P::Ip),
    ("ip4", P::Ip4),
    ("ip4_or_dash", P::Ip4OrDash),
    ("ip6", P::Ip6),
    ("ip6_or_dash", P::Ip6OrDash),
    ("label", P::Label),
    ("label_at", P::LabelAt),
    ("label_csv", P::LabelCsv),
    ("param", P::Param),
    ("param_opt", P::ParamOpt),
    ("password", P::Password),
    ("path", P::Path),
    ("prefix6", P::Prefix6),
    ("prefix6_with_length", P::Prefix6),
    ("record_id", P::RecordId),
    ("record_id_csv", P::RecordIdCsv),
    ("record_type", P::RecordType),
    ("records", P::Records),
    ("removes", P::Removes),
    ("server", P::Server),
    ("token", P::Token),
    ("token4", P::Token4),
    ("token6", P::Token6),
    ("ttl", P::Ttl),
    ("ttl_minutes", P::TtlMinutes),
    ("updates", P::Updates),
    ("user", P::User),
    ("zone", P::Zone),
    ("zone_dot", P::ZoneDot),
];

/// FRITZ!Box, written in angle brackets (AVM knowledge base, "dynamic DNS: user-defined").
pub(super) const FRITZBOX: &[(&str, Placeholder)] = &[
    ("domain", P::Host),
    ("dualstack", P::DualStack),
    ("ip6addr", P::Ip6),
    ("ip6lanprefix", P::Prefix6),
    ("ipaddr", P::Ip4),
    ("pass", P::Password),
    ("passwd", P::Password),
    ("username", P::User),
];

/// ddns-scripts, written in square brackets.
pub(super) const DDNS_SCRIPTS: &[(&str, Placeholder)] = &[
    ("DOMAIN", P::Host),
    ("IP", P::Ip),
    ("PARAMENC", P::Param),
    ("PARAMOPT", P::ParamOpt),
    ("PASSWORD", P::Password),
    ("USERNAME", P::User),
];

/// inadyn, one letter after a percent sign; none of them is a hexadecimal digit.
pub(super) const INADYN: &[(&str, Placeholder)] =
    &[("h", P::Host), ("i", P::Ip), ("p", P::Password), ("u", P::User)];

impl Placeholder {
    /// Whether nobody but the provider may see the value.
    pub(in crate::provider) fn is_secret(self) -> bool {
        matches!(
            self,
            P::Param
                | P::ParamOpt
                | P::Password
                | P::Taken { secret: true, .. }
                | P::Token
                | P::Token4
                | P::Token6
        )
    }

    /// Whether the value is structure that was checked or put together before, so that it is never escaped.
    pub(super) fn is_structure(self) -> bool {
        matches!(self, P::Creates | P::Path | P::Records | P::Removes | P::Server | P::Updates)
    }

    /// The setting that must be given for it, if it comes from the settings.
    pub(in crate::provider) fn setting(self) -> Option<&'static str> {
        match self {
            P::Param => Some("param"),
            P::ParamOpt => Some("param_opt"),
            P::Password => Some("password"),
            P::Path => Some("path"),
            P::RecordId | P::RecordIdCsv => Some("record_id"),
            P::Server => Some("server"),
            P::Token | P::Token4 => Some("token"),
            P::Token6 => Some("token6"),
            P::User => Some("user"),
            P::AppName
            | P::AppVersion
            | P::ApexBool
            | P::Creates
            | P::DualStack
            | P::Host
            | P::HostDot
            | P::HostsCsv
            | P::Ip
            | P::Ip4
            | P::Ip4OrDash
            | P::Ip6
            | P::Ip6OrDash
            | P::Label
            | P::LabelAt
            | P::LabelCsv
            | P::Prefix6
            | P::RecordType
            | P::Records
            | P::Removes
            | P::Taken { .. }
            | P::Ttl
            | P::TtlMinutes
            | P::Updates
            | P::Zone
            | P::ZoneDot => None,
        }
    }

    /// Whether it carries an address of this family (or, for `{ip}`, of the family that is being told).
    pub(in crate::provider) fn carries(self, family: Family) -> bool {
        match self {
            P::Creates | P::Ip | P::Updates => true,
            P::Ip4 | P::Ip4OrDash => family == Family::V4,
            P::Ip6 | P::Ip6OrDash | P::Prefix6 => family == Family::V6,
            P::AppName
            | P::AppVersion
            | P::ApexBool
            | P::DualStack
            | P::Host
            | P::HostDot
            | P::HostsCsv
            | P::Label
            | P::LabelAt
            | P::LabelCsv
            | P::Param
            | P::ParamOpt
            | P::Password
            | P::Path
            | P::RecordId
            | P::RecordIdCsv
            | P::RecordType
            | P::Records
            | P::Removes
            | P::Server
            | P::Taken { .. }
            | P::Token
            | P::Token4
            | P::Token6
            | P::Ttl
            | P::TtlMinutes
            | P::User
            | P::Zone
            | P::ZoneDot => false,
        }
    }

    /// Whether it can name more than one host.
    pub(in crate::provider) fn is_list(self) -> bool {
        matches!(self, P::HostsCsv | P::LabelCsv | P::RecordIdCsv)
    }
}

/// What happens to a value before it is escaped for its position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Filter {
    Base64,
    Lower,
    Md5,
    /// Not escaped for its position.
    Raw,
    Sha1,
    Sha256,
    XmlEscape,
}

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("base64", Filter::Base64),
    ("lower", Filter::Lower),
    ("md5", Filter::Md5),
    ("raw", Filter::Raw),
    ("sha1", Filter::Sha1),
    ("sha256", Filter::Sha256),
    ("xmlescape", Filter::XmlEscape),
];

/// Looks a word up in one of the tables above.
pub(super) fn find<T: Copy>(table: &[(&'static str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// The word of a table that was probably meant: at most two letters away, and less than half of the word.
pub(super) fn nearest<T>(table: &[(&'static str, T)], word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    table
        .iter()
        .map(|(name, _)| (distance(&name.to_ascii_lowercase(), &word), *name))
        .filter(|(steps, name)| *steps <= 2 && steps * 2 < name.len().max(2))
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, name)| name)
}

/// Letters that must be inserted, dropped or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().take(40).enumerate() {
        let mut corner = above;
        let mut left = above + 1;
        let mut next = vec![left];
        for (other, up) in to.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(letter != *other)).min(left + 1).min(up + 1);
            corner = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_placeholder_finds_its_neighbour() {
        assert_eq!(nearest(OWN, "pasword"), Some("password"));
        assert_eq!(nearest(OWN, "HOST"), Some("host"));
        assert_eq!(nearest(FRITZBOX, "ipadr"), Some("ipaddr"));
        assert_eq!(nearest(OWN, "quarterly"), None);
    }

    #[test]
    fn the_distance_counts_letters() {
        assert_eq!(distance("ip4", "ip6"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
