//! Providers and ways to them that fail: each failure is told, repeated politely, and hinders nobody else.

use std::time::Duration;

use wanbeacon::engine::WakeReason;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip, now, tell};
use crate::laboratory::fault::Mode;
use crate::laboratory::provider::{Provider, Transport};
use crate::laboratory::zone::Zone;
use crate::world::{
    HOME, ISP, at_once, dial, ip_isp, line, provider, published, record, start, tls_provider,
};

const A: &str = "203.0.113.10";
const NAS: &str = "nas.example.test";
/// More than an agent ever needs, built without optimization; the optimized one is measured by the benches.
const MEMORY_MIB: u64 = 40;

#[test]
fn a_provider_that_refuses_connections_is_tried_again() {
    in_namespace("provider_faults::a_provider_that_refuses_connections_is_tried_again", || {
        let trouble = Trouble::at(&format!("http://{ISP}:444"), Mode::Good);
        trouble.is_waiting("failed: ", "refused");
        trouble.others_are_served();
        let back = provider(444, &trouble.zone);
        trouble.is_well();
        assert_eq!(back.requests().len(), 1);
    });
}

#[test]
fn a_provider_behind_a_black_hole_is_given_up_and_tried_again() {
    in_namespace("provider_faults::a_provider_behind_a_black_hole_is_given_up_and_tried_again", || {
        // Nobody has this link-layer address: what is sent there is lost without a word.
        line();
        ip("neigh add 198.51.100.99 lladdr 02:00:00:00:00:99 nud permanent dev wan0");
        let trouble = Trouble::on_the_line("http://198.51.100.99", Mode::Good);
        trouble.agent.wait_for_state("home", "in-flight");
        trouble.others_are_served();
        trouble.is_waiting("failed: ", "198.51.100.99");
        ip_isp("addr add 198.51.100.99/32 dev lo\n");
        let back = start("198.51.100.99", 80, &trouble.zone, || Transport::Plain);
        ip("neigh del 198.51.100.99 dev wan0");
        trouble.is_well();
        assert_eq!(back.requests().len(), 1);
    });
}

#[test]
fn a_slow_provider_is_asked_once() {
    in_namespace("provider_faults::a_slow_provider_is_asked_once", || {
        let trouble = Trouble::new(Mode::Slow(Duration::from_millis(2500)));
        trouble.agent.wait_for_state("home", "in-flight");
        trouble.others_are_served();
        assert_eq!(trouble.agent.record("home").next, "the provider's answer is waited for");
        trouble.is_well();
        trouble.was_asked(1, 1);
    });
}

#[test]
fn a_provider_that_accepts_and_says_nothing_is_given_up_and_tried_again() {
    in_namespace(
        "provider_faults::a_provider_that_accepts_and_says_nothing_is_given_up_and_tried_again",
        || {
            let trouble = Trouble::new(Mode::HangAfterAccept);
            trouble.agent.wait_for_state("home", "in-flight");
            trouble.others_are_served();
            trouble.is_waiting("failed: ", "the handshake was not finished");
            trouble.was_asked(1, 0);
            trouble.recovers_by_itself();
            trouble.was_asked(2, 1);
        },
    );
}

#[test]
fn an_answer_that_stops_in_its_header_is_given_up_and_the_update_could_not_be_confirmed() {
    in_namespace(
        "provider_faults::an_answer_that_stops_in_its_header_is_given_up_and_the_update_could_not_be_confirmed",
        || {
            let trouble = Trouble::new(Mode::HangHeaders);
            trouble.agent.wait_for_state("home", "in-flight");
            trouble.others_are_served();
            trouble.is_waiting("could not confirm the update: ", "");
            trouble.was_asked(1, 1);
            trouble.recovers_by_itself();
            trouble.was_asked(2, 2);
        },
    );
}

#[test]
fn an_answer_that_drips_for_ever_is_given_up() {
    in_namespace("provider_faults::an_answer_that_drips_for_ever_is_given_up", || {
        let trouble = Trouble::new(Mode::Drip);
        trouble.agent.wait_for_state("home", "in-flight");
        trouble.others_are_served();
        trouble.is_waiting("could not confirm the update: ", "");
        trouble.was_asked(1, 1);
        trouble.recovers_by_itself();
        trouble.was_asked(2, 2);
    });
}

#[test]
fn a_connection_that_is_reset_at_once_is_tried_again() {
    in_namespace("provider_faults::a_connection_that_is_reset_at_once_is_tried_again", || {
        let trouble = Trouble::new(Mode::ResetAccept);
        trouble.is_waiting("failed: ", "reset");
        trouble.others_are_served();
        trouble.was_asked(1, 0);
        trouble.recovers_by_itself();
        trouble.was_asked(2, 1);
    });
}

#[test]
fn a_reset_after_the_request_is_an_update_that_could_not_be_confirmed() {
    in_namespace(
        "provider_faults::a_reset_after_the_request_is_an_update_that_could_not_be_confirmed",
        || {
            let trouble = Trouble::new(Mode::ResetAfterRequest);
            trouble.is_waiting("could not confirm the update: ", "reset");
            assert_eq!(trouble.agent.name("home").published, None);
            trouble.others_are_served();
            trouble.was_asked(1, 1);
            trouble.recovers_by_itself();
            trouble.was_asked(2, 2);
        },
    );
}

#[test]
fn an_update_that_was_applied_but_never_answered_is_confirmed_by_repeating_it() {
    in_namespace(
        "provider_faults::an_update_that_was_applied_but_never_answered_is_confirmed_by_repeating_it",
        || {
            let trouble = Trouble::new(Mode::AppliedThenReset);
            trouble.is_waiting("could not confirm the update: ", "reset");
            published(&trouble.zone, HOME, A);
            assert_eq!(trouble.agent.name("home").published, None);
            trouble.others_are_served();
            trouble.recovers_by_itself();
            trouble.was_asked(2, 2);
            assert!(trouble.bad.requests()[1].answer.contains("nochg"));
        },
    );
}

#[test]
fn a_body_of_one_gibibyte_is_not_read() {
    in_namespace("provider_faults::a_body_of_one_gibibyte_is_not_read", || {
        let trouble = Trouble::new(Mode::Big);
        trouble.is_waiting("could not confirm the update: ", "64 KiB");
        trouble.others_are_served();
        let request = trouble.bad.requests().remove(0);
        assert!(request.body_bytes < 16 << 20, "{}", request.body_bytes);
        trouble.was_asked(1, 1);
        trouble.recovers_by_itself();
        trouble.was_asked(2, 2);
    });
}

#[test]
fn an_answer_that_is_cut_off_is_no_success() {
    in_namespace("provider_faults::an_answer_that_is_cut_off_is_no_success", || {
        let trouble = Trouble::new(Mode::Truncated);
        trouble.is_waiting("could not confirm the update: ", "");
        trouble.others_are_served();
        trouble.was_asked(1, 1);
        trouble.recovers_by_itself();
        trouble.was_asked(2, 2);
    });
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    in_namespace("provider_faults::a_certificate_for_another_name_is_not_trusted", || {
        not_trusted(Mode::CertificateWrongName, "the certificate is for other names");
    });
}

#[test]
fn an_expired_certificate_is_not_trusted() {
    in_namespace("provider_faults::an_expired_certificate_is_not_trusted", || {
        not_trusted(Mode::CertificateExpired, "expired");
    });
}

#[test]
fn a_certificate_that_is_not_yet_valid_is_not_trusted() {
    in_namespace("provider_faults::a_certificate_that_is_not_yet_valid_is_not_trusted", || {
        // With an unset clock this means "wait for the clock": not to be shown here, CLOCK_REALTIME has no namespace.
        not_trusted(Mode::CertificateNotYetValid, "the certificate is valid from 2090-01-01");
    });
}

#[test]
fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    in_namespace("provider_faults::a_certificate_of_an_unknown_authority_is_not_trusted", || {
        not_trusted(Mode::CertificateOtherAuthority, "the certificate is signed by no authority");
    });
}

/// The password never leaves, and a certificate that is mended is noticed without help.
fn not_trusted(mode: Mode, words: &str) {
    let trouble = Trouble::new(mode);
    trouble.is_waiting("failed: ", words);
    trouble.others_are_served();
    trouble.was_asked(1, 0);
    trouble.recovers_by_itself();
    trouble.was_asked(2, 1);
}

/// `home` (IPv4) at a provider in trouble, `nas` (IPv6) at a good one, and the line has just come.
pub(crate) struct Trouble {
    pub(crate) bad: Provider,
    pub(crate) agent: Agent,
    pub(crate) zone: Zone,
    good: Provider,
}

impl Trouble {
    pub(crate) fn new(mode: Mode) -> Self {
        Self::at(&format!("https://{ISP}:443"), mode)
    }

    /// `url` is where `home` looks for its provider.
    fn at(url: &str, mode: Mode) -> Self {
        line();
        Self::on_the_line(url, mode)
    }

    fn on_the_line(url: &str, mode: Mode) -> Self {
        let zone = Zone::new(1);
        let ((bad, its_ca), (good, other_ca)) = (tls_provider(443, &zone), tls_provider(8443, &zone));
        std::fs::write("/run/ca.pem", its_ca + &other_ca).unwrap();
        bad.set(mode);
        let records =
            record("home", url, HOME, "ipv4 = 'wan0'") + &record("nas", &good.url(), NAS, "ipv6 = 'wan0'");
        let agent = Agent::start_with("ca_file = '/run/ca.pem'", &records);
        dial(A);
        Self { bad, agent, zone, good }
    }

    /// The attempt has failed with these words, is told to the log, and is repeated within seconds.
    fn is_waiting(&self, beginning: &str, words: &str) {
        let status = self.agent.wait_for_state("home", "waiting");
        let answer = status.last_answer.unwrap();
        assert!(answer.starts_with(beginning) && answer.contains(words), "{answer}");
        assert_eq!(status.next_reason, Some(WakeReason::Retry));
        assert!(status.next_in_ms <= Some(6_000), "{:?}", status.next_in_ms);
        assert!(self.agent.log().contains("next attempt in "), "{}", self.agent.log());
    }

    /// The record at the good provider does not suffer, nor does the router's memory.
    pub(crate) fn others_are_served(&self) {
        let ready = now();
        ip("addr add 2001:db8:1::7/64 dev wan0 nodad");
        published(&self.zone, NAS, "2001:db8:1::7");
        at_once(vec![self.good.requests()[0].connected - ready]);
        self.agent.wait_for("nas", |status| status.names[0].published.is_some());
        let memory = self.agent.memory_mib();
        tell(&format!("memory: {memory} MiB"));
        assert!(memory <= MEMORY_MIB, "{memory} MiB");
    }

    /// The provider is mended; nobody tells the agent.
    fn recovers_by_itself(&self) {
        self.bad.set(Mode::Good);
        self.is_well();
        assert!(self.agent.log().contains("home: recovered: "), "{}", self.agent.log());
    }

    /// What is wanted is confirmed, and nothing is planned.
    pub(crate) fn is_well(&self) {
        let status = self.agent.wait_for("home", |status| status.names[0].published.is_some());
        assert_eq!(status.names[0].published, Some(A.parse().unwrap()));
        assert_eq!((status.names[0].state.as_str(), status.next_in_ms), ("idle", None));
        published(&self.zone, HOME, A);
    }

    /// So many connections and requests came to the provider in trouble, and one to the good one.
    pub(crate) fn was_asked(&self, connections: u64, requests: usize) {
        assert_eq!((self.bad.connections(), self.bad.requests().len()), (connections, requests));
        assert_eq!(self.good.requests().len(), 1);
    }
}
