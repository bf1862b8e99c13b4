//! Providers that say no, or later: they are believed.

use std::time::Duration;

use rustix::process::Signal;
use wanbeacon::engine::WakeReason;

use crate::lab::{in_namespace, ip_batch};
use crate::laboratory::fault::Mode;
use crate::provider_faults::Trouble;

#[test]
fn badauth_parks_the_record_until_the_user_says_update() {
    in_namespace("refusals::badauth_parks_the_record_until_the_user_says_update", || {
        parks(Mode::BadAuth, "badauth", "check user and password");
    });
}

#[test]
fn badauth_with_status_401_parks_the_record_until_the_user_says_update() {
    in_namespace("refusals::badauth_with_status_401_parks_the_record_until_the_user_says_update", || {
        parks(Mode::BadAuth401, "badauth", "check user and password");
    });
}

#[test]
fn abuse_parks_the_record_until_the_user_says_update() {
    in_namespace("refusals::abuse_parks_the_record_until_the_user_says_update", || {
        parks(Mode::Abuse, "abuse", "ask the provider to lift the block");
    });
}

#[test]
fn nohost_parks_the_record_until_the_user_says_update() {
    in_namespace("refusals::nohost_parks_the_record_until_the_user_says_update", || {
        parks(Mode::NoHost, "nohost", "check the host name");
    });
}

#[test]
fn a_parked_record_stays_parked_over_a_restart_and_a_signal_un_parks_it() {
    in_namespace("refusals::a_parked_record_stays_parked_over_a_restart_and_a_signal_un_parks_it", || {
        let mut trouble = Trouble::new(Mode::BadAuth);
        trouble.agent.wait_for_state("home", "parked");
        trouble.others_are_served();
        trouble.agent.wait_for_state("nas", "idle");
        trouble.agent.kill();
        trouble.agent.start_again();
        stays_silent(&trouble, 1);
        assert_eq!(trouble.agent.name("home").parked.as_deref(), Some("badauth"));
        trouble.bad.set(Mode::Good);
        trouble.agent.signal(Signal::USR1);
        trouble.is_well();
        trouble.was_asked(2, 2);
    });
}

#[test]
fn after_429_nothing_is_sent_before_retry_after() {
    in_namespace("refusals::after_429_nothing_is_sent_before_retry_after", || {
        let trouble = Trouble::new(Mode::Http429(Duration::from_secs(4)));
        let status = trouble.agent.wait_for_state("home", "waiting");
        assert!(status.last_answer.unwrap().contains("the provider is busy"));
        trouble.bad.set(Mode::Good);
        trouble.others_are_served();
        trouble.is_well();
        trouble.was_asked(2, 2);
        let requests = trouble.bad.requests();
        let pause = requests[1].connected - requests[0].finished.unwrap();
        assert!(pause >= Duration::from_secs(4) && pause < Duration::from_secs(7), "{pause:?}");
    });
}

#[test]
fn after_911_there_is_silence_for_half_an_hour_whatever_happens() {
    in_namespace("refusals::after_911_there_is_silence_for_half_an_hour_whatever_happens", || {
        let mut trouble = Trouble::new(Mode::Http911);
        let status = trouble.agent.wait_for_state("home", "waiting");
        assert!(status.last_answer.unwrap().contains("the provider is busy: 911"));
        trouble.others_are_served();
        trouble.bad.set(Mode::Good);
        ip_batch("addr del 203.0.113.10/32 dev wan0\naddr add 203.0.113.11/32 dev wan0\n");
        ip_batch("route replace default dev wan0\naddr add 203.0.113.10/32 dev wan0\n");
        ip_batch("addr del 203.0.113.11/32 dev wan0\nroute replace default dev wan0\n");
        trouble.agent.says("update home");
        trouble.agent.kill();
        trouble.agent.start_again();
        stays_silent(&trouble, 1);
        let status = trouble.agent.record("home");
        let left = status.next_in_ms.unwrap();
        assert!((1_780_000..=1_890_000).contains(&left), "{left}");
        trouble.agent.kill();
        trouble.agent.start_again_later(Duration::from_secs(1_900));
        trouble.is_well();
        trouble.was_asked(2, 2);
    });
}

#[test]
fn after_500_the_provider_is_left_alone_and_asked_again() {
    in_namespace("refusals::after_500_the_provider_is_left_alone_and_asked_again", || {
        let trouble = Trouble::new(Mode::Http500);
        let status = trouble.agent.wait_for_state("home", "waiting");
        assert!(status.last_answer.unwrap().contains("the provider is busy: HTTP 500"));
        assert_eq!(status.next_reason, Some(WakeReason::Retry));
        trouble.others_are_served();
        trouble.was_asked(1, 1);
        trouble.bad.set(Mode::Good);
        trouble.is_well();
        trouble.was_asked(2, 2);
    });
}

#[test]
fn the_page_of_a_captive_portal_is_no_success() {
    in_namespace("refusals::the_page_of_a_captive_portal_is_no_success", || {
        not_understood(Mode::Captive, "an HTML page, \"Hotel\"");
    });
}

#[test]
fn the_page_of_a_captive_portal_that_wishes_a_good_stay_is_no_success() {
    in_namespace("refusals::the_page_of_a_captive_portal_that_wishes_a_good_stay_is_no_success", || {
        not_understood(Mode::CaptiveGood, "an HTML page, \"Hotel\"");
    });
}

#[test]
fn an_empty_answer_is_no_success() {
    in_namespace("refusals::an_empty_answer_is_no_success", || not_understood(Mode::Empty, ""));
}

#[test]
fn a_redirect_is_not_followed_with_the_password() {
    in_namespace("refusals::a_redirect_is_not_followed_with_the_password", || {
        not_understood(Mode::Redirect("https://198.51.100.53:8443/nic/update".to_owned()), "302");
    });
}

/// The provider's own words are shown; silence, until the user says `update`.
fn parks(mode: Mode, words: &str, advice: &str) {
    let trouble = Trouble::new(mode);
    let status = trouble.agent.wait_for_state("home", "parked");
    assert!(status.names[0].parked.as_ref().unwrap().contains(words), "{status:?}");
    assert_eq!(status.next, "nothing, until the configuration changes");
    trouble.others_are_served();
    let log = trouble.agent.log();
    assert!(log.contains("error: home: home.example.test refused: ") && log.contains(advice), "{log}");
    // Neither another address nor the same one again is a reason to ask.
    ip_batch("addr add 203.0.113.11/32 dev wan0\naddr del 203.0.113.10/32 dev wan0\n");
    ip_batch("route replace default dev wan0\n");
    stays_silent(&trouble, 1);
    ip_batch("addr add 203.0.113.10/32 dev wan0\naddr del 203.0.113.11/32 dev wan0\n");
    ip_batch("route replace default dev wan0\n");
    stays_silent(&trouble, 1);
    // Told too early: one request, one refusal.
    trouble.agent.says("update home");
    assert!(trouble.bad.wait_for(crate::world::SOON, |requests| requests.len() == 2));
    trouble.agent.wait_for_state("home", "parked");
    stays_silent(&trouble, 2);
    trouble.bad.set(Mode::Good);
    trouble.agent.says("update home");
    trouble.is_well();
    trouble.was_asked(3, 3);
}

/// An answer that nobody knows is repeated after half a minute at the earliest, or when the user says `update`.
fn not_understood(mode: Mode, words: &str) {
    let trouble = Trouble::new(mode);
    let status = trouble.agent.wait_for_state("home", "waiting");
    let answer = status.last_answer.unwrap();
    assert!(answer.contains("the answer was not understood") && answer.contains(words), "{answer}");
    assert_eq!(status.names[0].published, None);
    assert!(status.next_in_ms.unwrap() > 25_000 && status.next_in_ms.unwrap() <= 90_000);
    trouble.others_are_served();
    stays_silent(&trouble, 1);
    trouble.bad.set(Mode::Good);
    trouble.agent.says("update home");
    trouble.is_well();
    trouble.was_asked(2, 2);
}

/// 300 ms are enough for all that is not scheduled (see `World::nothing_is_sent_after`), and nothing is scheduled soon.
fn stays_silent(trouble: &Trouble, requests: usize) {
    std::thread::sleep(Duration::from_millis(300));
    let status = trouble.agent.record("home");
    assert!(status.next_in_ms.is_none_or(|ms| ms > 20_000), "{status:?}");
    assert_eq!(trouble.bad.requests().len(), requests);
}
