//! How we are seen from outside: what is said to whom, and what of the answers is believed.
//!
//! Pure: bytes and texts in, bytes and addresses out; `http/observe.rs` and `http/router.rs` do the talking. Whoever
//! answers may be broken, lying or a captive portal, so every reader here takes any input and never panics.

pub(super) mod nat_pmp;
pub(super) mod pcp;
pub(super) mod stun;
pub(super) mod upnp;
pub(super) mod web;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use crate::config::Global;
use crate::engine::Allow;
use crate::engine::outside::Probe;

/// One question: how are we seen?
#[derive(Clone, Debug)]
pub struct Sounding {
    /// Who is asked, for which family, through which device.
    pub probe: Probe,
    /// Kinds of addresses that may be believed although they are not public.
    pub allow: Allow,
    /// Whom the question may go to.
    pub services: Services,
    /// Certificates of authorities (PEM) to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Sounding {
    pub(super) fn new(probe: Probe, allow: Allow, global: &Global) -> Self {
        let services = Services::new(&global.web_services, &global.stun_servers);
        Self { probe, allow, services, ca_file: global.ca_file.clone() }
    }
}

/// Whom questions go to; the router before us needs no name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Services {
    /// URLs that are answered with the address of who asks.
    pub web: Vec<String>,
    /// STUN servers: a host, with or without a port.
    pub stun: Vec<String>,
}

impl Services {
    /// Those that the user wants, or of a kind that he names none of, those of our choice.
    #[must_use]
    pub fn new(web: &[String], stun: &[String]) -> Self {
        let or = |wanted: &[String], ours: &[&str]| match wanted.is_empty() {
            true => ours.iter().map(|service| (*service).to_owned()).collect(),
            false => wanted.to_vec(),
        };
        Self { web: or(web, &DEFAULT_WEB), stun: or(stun, &DEFAULT_STUN) }
    }
}

/// What a router before us says of its own address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// Its external address; zero if it has none.
    Address(Ipv4Addr),
    /// It speaks another version of the protocol.
    OtherVersion,
    /// It refuses, for this reason.
    Refused(&'static str),
}

/// Each of another operator, over both families, without an account: <https://www.ipify.org>,
/// <https://major.io/p/a-new-future-for-icanhazip/> (Cloudflare's), <https://ident.me>, <https://github.com/mpolden/echoip>.
pub const DEFAULT_WEB: [&str; 4] =
    ["https://api64.ipify.org", "https://icanhazip.com", "https://ident.me", "https://ifconfig.co/ip"];

/// Each of another operator: <https://developers.cloudflare.com/realtime/turn/>, the one of WebRTC's samples
/// (<https://webrtc.github.io/samples/src/content/peerconnection/trickle-ice/>), the one that Nextcloud Talk comes with
/// (<https://github.com/nextcloud/spreed>).
pub const DEFAULT_STUN: [&str; 3] =
    ["stun.cloudflare.com:3478", "stun.l.google.com:19302", "stun.nextcloud.com:443"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_no_services_gets_those_of_our_choice_and_who_names_some_gets_no_others() {
        let mine = ["https://echo.example.net".to_owned()];
        let services = Services::new(&mine, &[]);
        assert_eq!(services.web, mine);
        assert_eq!(services.stun, DEFAULT_STUN);
        assert!(DEFAULT_WEB.iter().all(|url| url.starts_with("https://")));
    }
}
