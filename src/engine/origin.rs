//! Where an address comes from, and which part of it is the host's, as a person writes it.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use super::lan::Mac;
use super::outside::Means;

/// Where an address comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// `auto`, `auto:NAME`: the address of a network or device, if it is public; else what is seen of it from outside.
    /// Without a name: the device that the kernel routes to the world through.
    Auto(Option<String>),
    /// `file:PATH`: the first line of a file.
    File(PathBuf),
    /// `NAME`: the address of a network or device.
    Line(String),
    /// `web`, `stun`, `router`, each also with `:NAME`: what is seen of us from outside, through a network or device.
    Outside(Means, Option<String>),
    /// `prefix:NAME`: the prefix that was delegated to a network, else the one on the link of a network or device.
    Prefix(String),
}

impl Origin {
    /// Reads what a person wrote; the name of a network or device is not checked.
    ///
    /// # Errors
    ///
    /// The word before the colon is none of these, or what it needs is missing: the mend.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let (word, rest) = text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest)));
        if rest == Some("") {
            return Err("write a name behind the colon");
        }
        let name = rest.map(str::to_owned);
        match (word, name) {
            ("auto", name) => Ok(Self::Auto(name)),
            ("router", name) => Ok(Self::Outside(Means::Router, name)),
            ("stun", name) => Ok(Self::Outside(Means::Stun, name)),
            ("web", name) => Ok(Self::Outside(Means::Web, name)),
            ("file", Some(path)) if path.starts_with('/') => Ok(Self::File(PathBuf::from(path))),
            ("file", _) => Err("write file: and an absolute path"),
            ("prefix", Some(name)) => Ok(Self::Prefix(name)),
            ("prefix", None) => Err("write prefix: and a network or device"),
            (_, None) => Ok(Self::Line(text.to_owned())),
            (_, Some(_)) => Err("before a colon there may be auto, file, prefix, router, stun or web"),
        }
    }

    /// The network or device that is named.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Auto(name) | Self::Outside(_, name) => name.as_deref(),
            Self::File(_) => None,
            Self::Line(name) | Self::Prefix(name) => Some(name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Auto(_) => "auto",
            Self::File(path) => return write!(f, "file:{}", path.display()),
            Self::Line(name) => return f.write_str(name),
            Self::Outside(means, _) => means.word(),
            Self::Prefix(_) => "prefix",
        };
        f.write_str(word)?;
        self.name().map_or(Ok(()), |name| write!(f, ":{name}"))
    }
}

/// Which part of an address behind a prefix is the host's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Host {
    /// `duid:HEX`: that of the DHCPv6 lease of this DUID (RFC 8415 section 11).
    Duid(String),
    /// `eui64:MAC`: made of a MAC (RFC 4291 appendix A).
    Eui64(Mac),
    /// `host:NAME`: that of the DHCPv6 lease of this host.
    Lease(String),
    /// `::1234`: these bits.
    Literal(Ipv6Addr),
    /// `mac:MAC`: that which the neighbour with this MAC uses.
    Neighbour(Mac),
}

impl Host {
    /// Reads what a person wrote.
    ///
    /// # Errors
    ///
    /// It is none of these: the mend.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if let Ok(bits) = text.parse() {
            return Ok(Self::Literal(bits));
        }
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        let mac = || Mac::read(rest).ok_or("write a MAC such as 00:11:32:12:34:56");
        match word {
            "duid" => {
                let hex: String =
                    rest.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
                let fits = !hex.is_empty() && hex.len() <= 260 && hex.bytes().all(|b| b.is_ascii_hexdigit());
                if fits { Ok(Self::Duid(hex)) } else { Err("write the DUID in hexadecimal digits") }
            }
            "eui64" => mac().map(Self::Eui64),
            "host" if !rest.is_empty() => Ok(Self::Lease(rest.to_ascii_lowercase())),
            "mac" => mac().map(Self::Neighbour),
            _ => Err("write ::1234, eui64:MAC, mac:MAC, host:NAME or duid:HEX"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duid(hex) => write!(f, "duid:{hex}"),
            Self::Eui64(mac) => write!(f, "eui64:{mac}"),
            Self::Lease(name) => write!(f, "host:{name}"),
            Self::Literal(bits) => write!(f, "{bits}"),
            Self::Neighbour(mac) => write!(f, "mac:{mac}"),
        }
    }
}

impl Mac {
    /// Reads `00:11:32:12:34:56`, also with hyphens.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut octets = [0; 6];
        let mut words = text.split([':', '-']);
        for octet in &mut octets {
            let word = words.next().filter(|word| word.len() == 2)?;
            *octet = u8::from_str_radix(word, 16).ok()?;
        }
        words.next().is_none().then_some(Self(octets))
    }

    /// The interface identifier that is made of it (RFC 4291 appendix A): the low 64 bits of an address.
    #[must_use]
    pub fn eui64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02x}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_shown_alike() {
        for text in
            ["auto", "auto:wan", "file:/tmp/ip", "ppp0", "web", "stun:wan", "router:eth1", "prefix:lan"]
        {
            assert_eq!(Origin::read(text).unwrap().to_string(), text);
        }
        for text in ["::1234", "eui64:00:11:32:12:34:56", "mac:00:11:32:12:34:56", "host:nas", "duid:0001ab"]
        {
            assert_eq!(Host::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Host::read("duid:00:01:AB").unwrap().to_string(), "duid:0001ab");
        assert_eq!(Host::read("mac:00-11-32-12-34-56").unwrap().to_string(), "mac:00:11:32:12:34:56");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["prefix", "prefix:", "file:ip", "file", "http://x", "eth0:1", "web:"] {
            assert!(Origin::read(text).is_err(), "{text}");
        }
        for text in [
            "nas",
            "mac:",
            "mac:00:11:32:12:34",
            "mac:00:11:32:12:34:5",
            "mac:00:11:32:12:34:56:78",
            "host:",
            "duid:xy",
        ] {
            assert!(Host::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_interface_identifier_of_a_mac_has_its_universal_bit_turned() {
        // The example of RFC 4291 appendix A, with numbers.
        let mac = Mac::read("34:56:78:9a:bc:de").unwrap();
        assert_eq!(mac.eui64(), 0x3656_78ff_fe9a_bcde);
    }
}
