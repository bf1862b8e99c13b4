//! The agent and the name servers of its zone: what is visible, what was never needed, and what a stranger has changed.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::op::update_message;
use hickory_proto::rr::{Name, RData, Record, RecordSet, RecordType};
use wanbeacon::provider::Family;

use crate::agent::Agent;
use crate::lab::{at_isp, in_namespace, wait_until};
use crate::laboratory::query;
use crate::servers::{KEY, RESOLVER, SECOND_SERVER, SECRET, Server, only, resolve_by, zone};
use crate::world::{HOME, ISP, SOON, World, dial, line, renumber};

const A: &str = "203.0.113.10";
const B: &str = "203.0.113.11";
const C: &str = "203.0.113.12";
const LIE: &str = "198.51.100.99";

/// The first server is told; the second one is not, and changes its nature.
#[test]
fn it_is_visible_when_all_servers_that_answer_show_it_and_the_resolver_does_not_count() {
    in_namespace(
        "visible::it_is_visible_when_all_servers_that_answer_show_it_and_the_resolver_does_not_count",
        || {
            line();
            let servers = [ISP, SECOND_SERVER];
            let _first = Server::bind(ISP, &zone(&servers, ""));
            let liar = Server::knot(SECOND_SERVER, &zone(&servers, &format!("home A {LIE}\n")));
            // Behind the router the name has another address.
            let _inside = Server::bind(RESOLVER, &zone(&servers, "home A 192.168.1.5\n"));
            resolve_by(RESOLVER);
            let agent = Agent::start(&told(""));
            dial(A);
            let words = format!("ns2.example.test ({SECOND_SERVER}) shows {LIE}, others do not");
            let status = agent.wait_for("home", |status| status.names[0].shown.as_ref() == Some(&words));
            assert_eq!(
                (status.names[0].published, status.event_to_visible_ms),
                (Some(A.parse().unwrap()), None)
            );
            assert!(agent.says("status").contains(&words) && agent.says("why home").contains(&words));
            drop(liar);
            let lame = Server::bind_of("other.test", SECOND_SERVER, &zone(&[SECOND_SERVER], ""), "");
            is_visible(&agent, A);
            drop(lame);
            let _silent = at_isp(|| UdpSocket::bind((SECOND_SERVER, 53)).unwrap());
            renumber(A, B);
            is_visible(&agent, B);
            let late = zone(&servers, &format!("home A {C}\n"));
            drop(_silent);
            let _late = Server::knot(SECOND_SERVER, &late);
            renumber(B, C);
            is_visible(&agent, C);
            assert!(agent.says("why home").contains("all name servers that answer show it"));
        },
    );
}

#[test]
fn at_the_first_start_no_update_is_sent_where_the_zone_is_right() {
    in_namespace("visible::at_the_first_start_no_update_is_sent_where_the_zone_is_right", || {
        let world = World::new();
        let _server = only(&format!("home A {A}\n"));
        resolve_by(ISP);
        dial(A);
        let mut agent = world.agent("ipv4 = 'wan0'\nverify = '6h'");
        let published = |agent: &Agent| {
            agent.wait_for("home", |status| status.names[0].published == Some(A.parse().unwrap()));
        };
        published(&agent);
        agent.wait_for_log("home.example.test is shown as 203.0.113.10 already: no update is needed");
        // Nor is one needed by a process that finds what this one has written.
        agent.kill();
        agent.start_again();
        published(&agent);
        world.nothing_is_sent_after(0, &agent);
        renumber(A, B);
        world.published(HOME, B);
    });
}

#[test]
fn at_the_first_start_a_zone_that_is_wrong_or_cannot_be_seen_is_updated() {
    in_namespace("visible::at_the_first_start_a_zone_that_is_wrong_or_cannot_be_seen_is_updated", || {
        let world = World::new();
        let server = only(&format!("home A {LIE}\n"));
        resolve_by(ISP);
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'\nverify = '6h'");
        world.published(HOME, A);
        assert!(
            agent.says("why home").contains("an update is needed: ns1.example.test"),
            "{}",
            agent.says("why home")
        );
        drop((agent, server));
        // The resolver is dead: three seconds are enough.
        let _silent = at_isp(|| UdpSocket::bind((ISP, 53)).unwrap());
        let agent = world.agent("ipv4 = 'wan0'\nverify = '6h'");
        wait_until("it is sent", SOON, || world.requests().len() == 2);
        assert!(agent.says("why home").contains("the resolver cannot be asked"));
    });
}

#[test]
fn what_a_stranger_deletes_is_repaired_once_and_what_he_changes_again_is_left_to_him() {
    in_namespace(
        "visible::what_a_stranger_deletes_is_repaired_once_and_what_he_changes_again_is_left_to_him",
        || {
            line();
            let _server = only("");
            resolve_by(ISP);
            let agent = Agent::start(&told("verify = '1s'\n"));
            dial(A);
            is_visible(&agent, A);
            stranger(None);
            agent.wait_for_log("was changed or deleted at the provider, and is repaired by an update");
            shows(&[A]);
            let seen = || agent.says("why home").matches("all name servers that answer show it").count();
            wait_until("the repair is visible", SOON, || seen() == 2);
            stranger(Some(LIE));
            agent.wait_for_log("again and again, and left alone until the address changes");
            let looks = || agent.log().lines().count();
            let (before, words) = (looks(), format!("ns1.example.test ({ISP}) shows {LIE}"));
            agent.wait_for("home", |status| status.names[0].shown.as_ref() == Some(&words));
            std::thread::sleep(Duration::from_millis(2500));
            shows(&[LIE]);
            assert_eq!(looks(), before, "told once");
            renumber(A, B);
            is_visible(&agent, B);
            shows(&[B]);
        },
    );
}

/// A record that BIND is told, and that a resolver finds the server of.
fn told(options: &str) -> String {
    format!(
        "[record.home]\nprovider = 'rfc2136'\nhostname = '{HOME}'\nuser = '{KEY}'\npassword = '{SECRET}'\n\
         server = '{ISP}'\nallow = ['documentation']\nipv4 = 'wan0'\n{options}"
    )
}

fn is_visible(agent: &Agent, address: &str) {
    let address: IpAddr = address.parse().unwrap();
    agent.wait_for("home", |status| {
        status.names[0].published == Some(address)
            && status.names[0].shown.is_none()
            && status.event_to_visible_ms.is_some()
            && agent.log().rfind("visible at the name servers")
                > agent.log().rfind(&format!("published as {address}"))
    });
}

/// Deletes the name's address at the first server, or puts this one in its place.
fn stranger(address: Option<&str>) {
    let (origin, name) =
        (Name::from_ascii("example.test.").unwrap(), Name::from_ascii(HOME.to_owned() + ".").unwrap());
    let empty = Record::update0(name.clone(), 0, RecordType::A);
    let mut messages = vec![update_message::delete_rrset(empty, origin.clone(), false)];
    if let Some(address) = address {
        let mut set = RecordSet::new(name.clone(), RecordType::A, 0);
        set.insert(Record::from_rdata(name, 60, RData::from(address.parse::<IpAddr>().unwrap())), 0);
        messages.push(update_message::append(set, origin, false, false));
    }
    at_isp(move || {
        let socket = UdpSocket::bind((ISP, 0)).unwrap();
        socket.connect((ISP, 53)).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        for message in messages {
            socket.send(&message.to_vec().unwrap()).unwrap();
            let mut buffer = [0; 512];
            let length = socket.recv(&mut buffer).unwrap();
            let answer = Message::from_vec(&buffer[..length]).unwrap();
            assert_eq!(answer.response_code(), hickory_proto::op::ResponseCode::NoError);
        }
    });
}

/// What the first server shows, soon.
fn shows(addresses: &[&str]) {
    let wanted: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    let ask = || query::resolve((ISP.parse::<IpAddr>().unwrap(), 53).into(), HOME, Family::V4, SOON).unwrap();
    wait_until(&format!("{HOME} has {addresses:?}"), SOON, || ask() == wanted);
}
