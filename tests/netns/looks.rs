//! What a zone's own name servers show: BIND and Knot DNS, and servers that are lame, silent or lie.

use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use wanbeacon::daemon::clock;
use wanbeacon::daemon::http::{Http, Settings};
use wanbeacon::provider::{Family, Look, Seen};

use crate::lab::{at_isp, in_namespace, now};
use crate::servers::{RESOLVER, SECOND_SERVER, Server, resolve_by, zone};
use crate::two_lines::{SECOND, second_line};
use crate::world::{HOME, ISP, dial, ip_isp, line};

const A: &str = "203.0.113.10";
const V6: &str = "2001:db8:1::7";

/// Records of the zone as the world shall see them.
const RECORDS: &str = "home A 203.0.113.10\nhome AAAA 2001:db8:1::7\n\
                       alias CNAME home\nabroad CNAME elsewhere.example.net.\n*.wild A 203.0.113.10\n";
/// The same as this network sees them.
const INSIDE: &str = "home A 192.168.1.5\nhome AAAA fd00::5\n";

#[test]
fn the_zones_servers_are_asked_and_the_resolver_is_not_believed() {
    in_namespace("looks::the_zones_servers_are_asked_and_the_resolver_is_not_believed", || {
        line();
        dial(A);
        let mut many = String::new();
        for host in 1..=100 {
            many += &format!("many A 203.0.113.{host}\n");
        }
        let servers = [ISP, SECOND_SERVER];
        let outside = zone(&servers, &format!("{RECORDS}{many}"));
        // Of an address that this line has no way to, another one stands beside it.
        let inside = zone(&servers, &format!("{INSIDE}ns1 AAAA 2001:db8:ffff::53\n"));
        let _servers = (
            Server::bind(ISP, &outside),
            Server::knot(SECOND_SERVER, &outside),
            Server::bind(RESOLVER, &inside),
        );
        resolve_by(RESOLVER);
        let both = |said: &[&str]| {
            let said: Vec<IpAddr> = said.iter().map(|ip| ip.parse().unwrap()).collect();
            [("ns1", ISP), ("ns2", SECOND_SERVER)].map(|(name, ip)| Seen {
                server: format!("{name}.example.test ({ip})"),
                said: Ok(said.clone()),
            })
        };
        assert_eq!(look(HOME, Family::V4, None), both(&[A]));
        assert_eq!(look("Home.Example.test", Family::V6, Some("example.test")), both(&[V6]));
        assert_eq!(look("alias.example.test", Family::V4, None), both(&[A]));
        assert_eq!(look("*.wild.example.test", Family::V4, None), both(&[A]));
        assert_eq!(look("*.wild.example.test", Family::V6, None), both(&[]), "no such record");
        assert_eq!(look("nobody.example.test", Family::V4, None), both(&[]), "no such name");
        // More than a datagram of 1232 octets holds.
        let many = look("many.example.test", Family::V4, None);
        assert!(many.iter().all(|seen| seen.said.as_ref().is_ok_and(|said| said.len() == 100)), "{many:?}");
        let abroad = look("abroad.example.test", Family::V4, None);
        let words = "abroad.example.test is an alias of elsewhere.example.net";
        assert!(abroad.iter().all(|seen| seen.said == Err(words.to_owned())), "{abroad:?}");
        let foreign = look("home.foreign.test", Family::V4, None);
        assert_eq!(foreign[0].said, Err("it says REFUSED".to_owned()));
    });
}

#[test]
fn a_server_that_is_lame_silent_or_not_there_proves_nothing_and_a_liar_stands_beside_the_others() {
    in_namespace(
        "looks::a_server_that_is_lame_silent_or_not_there_proves_nothing_and_a_liar_stands_beside_the_others",
        || {
            line();
            dial(A);
            const SILENT: &str = "198.51.100.56";
            ip_isp(&format!("addr replace {SILENT}/32 dev lo\n"));
            let silent = at_isp(|| UdpSocket::bind((SILENT, 53)).unwrap());
            let outside = zone(&[ISP, SECOND_SERVER, SILENT, "198.51.100.57"], RECORDS);
            let lie = zone(&[ISP], "home A 198.51.100.99\n");
            let _servers = (Server::bind(ISP, &outside), Server::bind(SECOND_SERVER, &lie));
            resolve_by(ISP);
            let start = now();
            let seen = look(HOME, Family::V4, None);
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
            assert_eq!(seen[0].said, Ok(vec![A.parse().unwrap()]));
            assert_eq!(seen[1].said, Ok(vec!["198.51.100.99".parse().unwrap()]));
            let words = |at: usize| seen[at].said.clone().unwrap_err();
            assert!(words(2).contains("no complete answer within 2 s"), "{seen:?}");
            assert!(words(3).contains("198.51.100.57"), "{seen:?}");
            // It was asked twice.
            silent.set_nonblocking(true).unwrap();
            let heard = std::iter::from_fn(|| silent.recv(&mut [0; 512]).ok()).count();
            assert_eq!(heard, 2);
            drop(_servers);
            let _lame = Server::bind_of("other.test", SECOND_SERVER, &lie, "");
            let _right = Server::bind(ISP, &zone(&[ISP, SECOND_SERVER], RECORDS));
            let seen = look(HOME, Family::V4, None);
            assert_eq!(seen[0].said, Ok(vec![A.parse().unwrap()]));
            assert_eq!(seen[1].said, Err("it says REFUSED".to_owned()));
            resolve_by(SILENT);
            let seen = look(HOME, Family::V4, None);
            assert_eq!((seen.len(), seen[0].server.as_str()), (1, "the resolver"));
        },
    );
}

#[test]
fn looks_leave_through_the_device_that_the_record_binds_and_the_resolver_is_where_it_is() {
    in_namespace(
        "looks::looks_leave_through_the_device_that_the_record_binds_and_the_resolver_is_where_it_is",
        || {
            line();
            dial(A);
            second_line();
            let server = Server::bind_of("example.test", ISP, &zone(&[ISP], RECORDS), "querylog yes;");
            resolve_by(ISP);
            let seen = look_through(Some("wan1"), HOME);
            assert_eq!(seen[0].said, Ok(vec![A.parse().unwrap()]));
            let log = server.log();
            let from = |what: &str| {
                let line = log.lines().find(|line| line.contains(&format!("query: {what}"))).unwrap();
                [A, SECOND].into_iter().find(|ip| line.contains(&format!(" {ip}#"))).unwrap()
            };
            assert_eq!((from("home.example.test IN NS"), from("home.example.test IN A")), (A, SECOND));
            assert_eq!(
                look_through(Some("wan7"), HOME)[0].said,
                Err("no answer through wan7 from 198.51.100.53:53: device wan7: no such device".to_owned())
            );
        },
    );
}

fn look(name: &str, family: Family, zone: Option<&str>) -> Vec<Seen> {
    see(None, Look::new(name, family, zone))
}

fn look_through(device: Option<&str>, name: &str) -> Vec<Seen> {
    see(device, Look::new(name, Family::V4, None))
}

fn see(device: Option<&str>, look: Look) -> Vec<Seen> {
    let http = Http::new(Settings::new(clock::monotonic), |_, _, _| {});
    let (tell, told) = mpsc::channel();
    http.look(look, device.map(str::to_owned), move |seen| tell.send(seen).unwrap());
    told.recv_timeout(Duration::from_secs(30)).expect("every look ends")
}
