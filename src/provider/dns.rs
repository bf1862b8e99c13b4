//! What crosses the line when a provider speaks DNS instead of HTTP: plain data.

/// Where a DNS message goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NameServer {
    /// One server.
    Host {
        /// A name that has addresses, or an address.
        host: String,
        /// Usually [`DNS_PORT`].
        port: u16,
    },
    /// The servers that this machine asks for names (resolv.conf(5)).
    Resolver,
}

/// The port of DNS over UDP and TCP (RFC 1035 section 4.2).
pub const DNS_PORT: u16 = 53;

/// How a DNS message travels.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DnsTransport {
    /// RFC 1035 section 4.2.2, RFC 7766.
    Tcp,
    /// UDP; TCP for a message of more than [`DATAGRAM_MAX`] octets, and when the answer is truncated.
    #[default]
    Udp,
}

/// The longest message in a datagram to a server of which nothing else is known, in octets (RFC 1035 section 4.2.1).
pub const DATAGRAM_MAX: usize = 512;

/// One DNS message, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// Who gets it.
    pub server: NameServer,
    /// How.
    pub transport: DnsTransport,
    /// The message (RFC 1035 section 4.1), signed if need be; it holds no secret.
    pub message: Vec<u8>,
    /// Whether it changes something, so that it must not leave unless it is still wanted.
    pub is_update: bool,
    /// The same for a person, one or more lines.
    pub shown: String,
}

impl Question {
    /// Whether a message is the answer to this one: same id, same opcode, and a response (RFC 1035 section 4.1.1).
    #[must_use]
    pub fn is_answered_by(&self, message: &[u8]) -> bool {
        let (Some(asked), Some(answer)) = (self.message.get(..3), message.get(..HEADER)) else {
            return false;
        };
        let opcode = |flags: u8| flags & 0x78;
        answer[..2] == asked[..2] && answer[2] & 0x80 != 0 && opcode(answer[2]) == opcode(asked[2])
    }
}

/// Octets of a message's header (RFC 1035 section 4.1.1).
const HEADER: usize = 12;

/// Whether an answer did not fit into its datagram (TC, RFC 1035 section 4.1.1).
#[must_use]
pub fn is_truncated(message: &[u8]) -> bool {
    message.get(2).is_some_and(|flags| flags & 0x02 != 0)
}

/// The name of a response code (IANA, DNS RCODEs); without TSIG's own, which stand elsewhere.
#[must_use]
pub fn rcode(message: &[u8]) -> &'static str {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
        "NOTAUTH", "NOTZONE",
    ];
    let code = message.get(3).map(|flags| usize::from(flags & 0x0f));
    code.and_then(|code| NAMES.get(code)).copied().unwrap_or("an unassigned code")
}

/// What only providers that speak DNS ask of an account.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DnsSettings {
    /// How messages are signed.
    pub algorithm: Algorithm,
    /// How they travel.
    pub transport: DnsTransport,
    /// What must hold before something is changed.
    pub prerequisite: Prerequisite,
    /// Whether the PTR records of the addresses show the first name.
    pub ptr: bool,
}

/// How TSIG signs (RFC 8945 section 6).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// `hmac-md5`, which must not be used any more; for servers that know nothing else.
    Md5,
    /// `hmac-sha1`; for servers that know no better one.
    Sha1,
    /// `hmac-sha224`.
    Sha224,
    /// `hmac-sha256`, which every server must know.
    #[default]
    Sha256,
    /// `hmac-sha384`.
    Sha384,
    /// `hmac-sha512`.
    Sha512,
}

impl Algorithm {
    /// All, from the weakest to the strongest.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// As in servers' configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "hmac-md5",
            Self::Sha1 => "hmac-sha1",
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    /// As in messages.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Md5 => "hmac-md5.sig-alg.reg.int",
            Self::Sha1 | Self::Sha224 | Self::Sha256 | Self::Sha384 | Self::Sha512 => self.name(),
        }
    }
}

/// What must hold before something is changed (RFC 2136 section 2.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Prerequisite {
    /// Nothing.
    #[default]
    None,
    /// Each name exists ("name is in use", section 2.4.4): a misspelt one is not created.
    NameExists,
}

impl Prerequisite {
    /// The word of the option; `yxdomain` as in nsupdate(1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NameExists => "yxdomain",
        }
    }
}
