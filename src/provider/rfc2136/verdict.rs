//! What an answer to an update means: its response code (RFC 2136 section 2.2) and what its signature is worth.

use std::net::IpAddr;

use super::super::dns::Prerequisite;
use super::super::{Refusal, Verdict};
use super::Peer;
use super::tsig::Flaw;

/// `checked`: what is wrong with the signature.
pub(super) fn of(peer: &Peer, zone: &str, code: &str, checked: Result<(), Flaw>) -> Verdict {
    match checked {
        Ok(()) => signed(peer, zone, code),
        Err(flaw) => unsigned(peer, code, flaw),
    }
}

/// What becomes of the name of a PTR record. Its addresses are published, and no reverse zone may keep the next ones from
/// being so: nothing is parked.
pub(super) fn of_pointer(ip: IpAddr, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Good | Verdict::Unchanged => verdict,
        Verdict::Busy { words, .. } | Verdict::NotUnderstood { words } | Verdict::Refused { words, .. } => {
            busy(format!("PTR record of {ip}: {words}"))
        }
    }
}

/// The server itself says so.
fn signed(peer: &Peer, zone: &str, code: &str) -> Verdict {
    let refused = |refusal, words: String| Verdict::Refused { refusal, words };
    let key = &peer.key_name;
    match code {
        "NOERROR" => Verdict::Good,
        "FORMERR" => refused(Refusal::Malformed, "the server cannot read the update (FORMERR)".to_owned()),
        "NXDOMAIN" if peer.dns.prerequisite == Prerequisite::NameExists => {
            let words = "a name does not exist (NXDOMAIN): create it, or set 'prerequisite' to none";
            refused(Refusal::Name, words.to_owned())
        }
        "NOTZONE" => refused(Refusal::Name, format!("a name is not in zone {zone} (NOTZONE): check 'zone'")),
        "NXDOMAIN" => refused(Refusal::Name, format!("a name or zone {zone} does not exist (NXDOMAIN)")),
        "NOTAUTH" => {
            let words =
                format!("the server is not responsible for zone {zone} (NOTAUTH): check 'zone' and 'server'");
            refused(Refusal::Name, words)
        }
        "REFUSED" => {
            let words = format!("refused (REFUSED): key {key} may not change these names of zone {zone}");
            refused(Refusal::Credentials, words)
        }
        "NOTIMP" | "SERVFAIL" => busy(format!("the server cannot do it now ({code})")),
        other => Verdict::NotUnderstood { words: format!("the server says {other}") },
    }
}

/// Nothing proves that the server itself says so. Only what TSIG says about the key is believed: an address on the way that
/// answers for everybody does not know TSIG, and nothing that it says shall park a record.
fn unsigned(peer: &Peer, code: &str, flaw: Flaw) -> Verdict {
    let (key, algorithm) = (&peer.key_name, peer.dns.algorithm.name());
    let credentials = |words| Verdict::Refused { refusal: Refusal::Credentials, words };
    match flaw {
        Flaw::BadKey => credentials(format!(
            "the server does not know key {key} with {algorithm} (BADKEY): check 'user' and 'algorithm'"
        )),
        Flaw::BadSig => {
            credentials(format!("the secret of key {key} is not the server's (BADSIG): check 'password'"))
        }
        // It was repeated with the time that the server has told.
        Flaw::BadTime(_) => {
            busy("the server does not accept its own time (BADTIME): check its clock".to_owned())
        }
        Flaw::Forged => {
            Verdict::NotUnderstood { words: format!("{code} with a signature that proves nothing") }
        }
        Flaw::Stale => Verdict::NotUnderstood { words: format!("{code} with a signature of another time") },
        Flaw::Unsigned if code == "NOERROR" => {
            Verdict::NotUnderstood { words: "success without a signature: nothing proves it".to_owned() }
        }
        // As PowerDNS answers a key that it does not accept.
        Flaw::Unsigned => busy(format!(
            "{code} without a signature: {key} is not accepted, or somebody else answers in the server's place"
        )),
    }
}

pub(super) fn busy(words: String) -> Verdict {
    Verdict::Busy { words, retry_after: None }
}
