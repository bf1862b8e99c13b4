//! The dyndns2 protocol as a server sees it: a request's target becomes an update, an update becomes lines.

use std::net::IpAddr;

use super::zone::Zone;

/// Where the protocol lives.
pub const PATH: &str = "/nic/update";

/// What a client asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Update {
    /// The path before the question mark.
    pub path: String,
    /// `hostname`, split at commas.
    pub names: Vec<String>,
    /// `myip` (and `myipv6`), split at commas; what is no address is left out.
    pub addresses: Vec<IpAddr>,
}

impl Update {
    /// Reads a request target.
    pub fn parse(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut update = Self { path: path.to_owned(), ..Self::default() };
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decoded(value);
            let items = value.split(',').filter(|item| !item.is_empty());
            match key {
                "hostname" => update.names.extend(items.map(str::to_owned)),
                "myip" | "myipv6" => {
                    update.addresses.extend(items.filter_map(|ip| ip.parse::<IpAddr>().ok()));
                }
                _ => {}
            }
        }
        update
    }

    /// Writes the update into the zone and says `good` or `nochg`, one line a name.
    /// Without an address the connection's own is meant.
    pub fn apply(&self, zone: &Zone, peer: IpAddr) -> String {
        if self.names.is_empty() {
            return "notfqdn\n".to_owned();
        }
        let addresses = if self.addresses.is_empty() { vec![peer] } else { self.addresses.clone() };
        let shown = addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
        let mut lines = String::new();
        for name in &self.names {
            // Not any(): every address must be written, also after the first change.
            let changes = addresses.iter().filter(|ip| zone.set(name, **ip)).count();
            lines += &format!("{} {shown}\n", if changes > 0 { "good" } else { "nochg" });
        }
        lines
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
