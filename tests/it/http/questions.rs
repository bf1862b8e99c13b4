//! Questions about how we are seen, beside requests.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use wanbeacon::daemon::http::Limits;
use wanbeacon::daemon::outside::Sounding;
use wanbeacon::engine::Allow;
use wanbeacon::engine::outside::{Means, Probe, Sighting};
use wanbeacon::provider::Family;

use super::lab::{Lab, PATIENCE, answering, get, ok, task, words};

#[test]
fn many_that_nobody_answers_keep_no_request_waiting_and_each_gets_one_answer() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (server, _requests) = answering(ok("good"));
    let mut lab = Lab::new(Limits::default());
    let asked: Vec<_> = (0..6).map(|_| ask(&lab, &silent.local_addr().unwrap().to_string())).collect();
    for job in 1..=4 {
        lab.http.send(task(job, get(format!("http://{server}/"))));
    }
    for _ in 1..=4 {
        // One question takes two seconds, and there are six threads in all.
        let (_, outcome, _) = lab.results.recv_timeout(Duration::from_millis(1500)).expect("no waiting");
        assert_eq!(words(&outcome), "200 good");
    }
    for told in asked {
        let why = told.recv_timeout(PATIENCE).unwrap().unwrap_err();
        assert!(why.contains("no answer"), "{why}");
        assert!(told.recv().is_err(), "exactly one answer");
    }
}

#[test]
fn one_that_comes_too_late_to_be_asked_is_answered_all_the_same() {
    let mut lab = Lab::new(Limits::default());
    lab.http.shutdown();
    let told = ask(&lab, "127.0.0.1:3478");
    assert!(told.try_recv().unwrap().unwrap_err().contains("nobody could be asked"));
}

fn ask(lab: &Lab, server: &str) -> mpsc::Receiver<Sighting> {
    let (tell, told) = mpsc::channel();
    let probe = Probe { means: Means::Stun, family: Family::V4, device: None };
    let services = vec![server.to_owned()];
    let sounding = Sounding { probe, allow: Allow::default(), services, ca_file: None };
    lab.http.observe(sounding, move |sighting| tell.send(sighting).unwrap());
    told
}
