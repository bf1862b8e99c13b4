//! How we are seen from outside: what is said to whom, and what of the answers is believed.
//!
//! Pure: bytes and texts in, bytes and addresses out; `http/observe.rs` and `http/router.rs` do the talking. Whoever
//! answers may be broken, lying or a captive portal, so every reader here takes any input and never panics.

pub(super) mod nat_pmp;
pub(super) mod pcp;
pub(super) mod stun;
pub(super) mod upnp;
pub(super) mod votes;
pub(super) mod web;

use std::net::IpAddr;
use std::path::PathBuf;

use crate::config::Global;
use crate::engine::Allow;
use crate::engine::outside::{Means, Probe};

/// One question: how are we seen?
#[derive(Clone, Debug)]
pub struct Sounding {
    /// Who is asked, for which family, through which device.
    pub probe: Probe,
    /// Kinds of addresses that may be believed although they are not public.
    pub allow: Allow,
    /// URLs of web services; STUN servers, a host with or without a port; [`PROTOCOLS`] for the router.
    pub services: Vec<String>,
    /// Certificates of authorities (PEM) to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Sounding {
    /// A question to those that the user wants, or, if he names none, to those of our choice.
    #[must_use]
    pub fn new(probe: Probe, allow: Allow, global: &Global) -> Self {
        let (wanted, ours): (&[String], &[&str]) = match probe.means {
            Means::Router => (&[], &PROTOCOLS),
            Means::Stun => (&global.stun_servers, &DEFAULT_STUN),
            Means::Web => (&global.web_services, &DEFAULT_WEB),
        };
        let mut services = wanted.to_vec();
        if services.is_empty() {
            services.extend(ours.iter().map(|service| (*service).to_owned()));
        }
        Self { probe, allow, services, ca_file: global.ca_file.clone() }
    }
}

/// What an answer says: an address, or in words why there is none.
pub(super) type Said = Result<IpAddr, &'static str>;

/// Of a router: it waits for an address, or has one behind another router and knows that.
pub(super) const NO_ADDRESS: &str = "it has no public address itself";

/// How a router may be asked. NAT-PMP's question changes nothing there. PCP has no such question: a port is asked for and
/// given back. UPnP takes longest.
pub const PROTOCOLS: [&str; 3] = ["NAT-PMP", "PCP", "UPnP"];

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
    use crate::provider::Family;

    #[test]
    fn who_names_no_services_gets_those_of_our_choice_and_who_names_some_gets_no_others() {
        let mine = vec!["https://echo.example.net".to_owned()];
        let global = Global { web_services: mine.clone(), ..Global::default() };
        let services = |means| {
            let probe = Probe { means, family: Family::V4, device: None };
            Sounding::new(probe, Allow::default(), &global).services
        };
        assert_eq!(services(Means::Web), mine);
        assert_eq!(services(Means::Stun), DEFAULT_STUN);
        assert_eq!(services(Means::Router), PROTOCOLS);
        assert!(DEFAULT_WEB.iter().all(|url| url.starts_with("https://")));
    }
}
