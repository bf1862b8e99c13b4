//! `daemon::netlink` on the real kernel.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use netlink_packet_core::{NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use wanbeacon::daemon::netlink::{Look, Netlink, snapshot};
use wanbeacon::engine::address::{Address, Snapshot, Wanted};

use crate::lab::{
    at_isp, flaps, in_namespace, ip, ip_batch, kernel_addresses, now, settled, sh, switch_address, tell,
    wait_until, wan,
};

const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(250);

#[test]
fn an_address_that_is_added_or_removed_rings() {
    in_namespace("netlink::an_address_that_is_added_or_removed_rings", || {
        run(async {
            wan();
            let mut netlink = Netlink::new().unwrap();
            netlink.look().unwrap();
            ip("addr add 192.0.2.7/24 dev wan0");
            let look = look_until(&mut netlink, |table| has(table, "192.0.2.7")).await;
            assert!(look.notifications >= 1);
            assert!(!look.overrun);
            quiet(&mut netlink).await;
            ip("addr del 192.0.2.7/24 dev wan0");
            look_until(&mut netlink, |table| !has(table, "192.0.2.7")).await;
        });
    });
}

#[test]
fn a_change_between_subscribing_and_the_first_look_is_seen() {
    in_namespace("netlink::a_change_between_subscribing_and_the_first_look_is_seen", || {
        run(async {
            wan();
            let mut netlink = Netlink::new().unwrap();
            ip("addr add 192.0.2.7/24 dev wan0");
            assert!(has(&netlink.look().unwrap().snapshot, "192.0.2.7"));
            // Nor does any of twenty subscriptions that start while somebody adds addresses all the time.
            let adder = std::thread::spawn(|| {
                for host in 1..=200 {
                    ip_batch(&format!("addr add 198.51.100.{host}/32 dev wan0\n"));
                }
            });
            let mut started = Vec::new();
            while started.len() < 20 {
                let mut netlink = Netlink::new().unwrap();
                let table = netlink.look().unwrap().snapshot;
                started.push((netlink, table));
                assert!(next_within(&mut started[0].0, SOON).await.is_some());
            }
            adder.join().unwrap();
            let expected = kernel_addresses();
            for (mut netlink, mut table) in started.drain(1..) {
                while let Some(look) = next_within(&mut netlink, Duration::from_millis(20)).await {
                    table = look.snapshot;
                }
                assert_eq!(addresses(&table), expected);
            }
            assert_eq!(expected.len(), 203);
        });
    });
}

#[test]
fn after_an_overrun_the_table_is_the_kernels() {
    in_namespace("netlink::after_an_overrun_the_table_is_the_kernels", || {
        run(async {
            wan();
            ip_batch("link add early0 type veth peer name early1\n");
            settled();
            let mut netlink = Netlink::new().unwrap();
            netlink.look().unwrap();
            // The reader sleeps meanwhile. What the storm drowns: an address and a device go, others come.
            ip_batch("addr add 192.0.2.1/32 dev wan0\n");
            ip_batch(&flaps(10_000));
            ip_batch(
                "addr del 192.0.2.1/32 dev wan0\nlink del early0\nlink add late0 type veth peer name late1\n",
            );
            ip_batch("addr add 192.0.2.2/32 dev wan0\n");
            let first = next_within(&mut netlink, SOON).await.unwrap();
            assert!(first.overrun);
            tell(&format!("{} notifications were left of 20,000 and some", first.notifications));
            assert_eq!(addresses(&first.snapshot), kernel_addresses());
            assert_eq!(first.snapshot, library_table());
            assert!(
                device(&first.snapshot, "late0").is_some() && device(&first.snapshot, "early0").is_none()
            );
            quiet(&mut netlink).await;
            ip("addr add 192.0.2.3/32 dev wan0");
            let look = look_until(&mut netlink, |table| has(table, "192.0.2.3")).await;
            assert!(!look.overrun);
        });
    });
}

#[test]
fn in_a_storm_looks_are_rationed_and_the_last_one_is_right() {
    in_namespace("netlink::in_a_storm_looks_are_rationed_and_the_last_one_is_right", || {
        run(async {
            wan();
            let mut netlink = Netlink::new().unwrap();
            netlink.look().unwrap();
            let start = now();
            let storm = std::thread::spawn(|| {
                let start = now();
                while start.elapsed() < Duration::from_secs(2) {
                    ip_batch(&flaps(500));
                }
                ip("addr add 192.0.2.9/32 dev wan0");
            });
            let mut looks = 0;
            let mut table = Snapshot::default();
            while let Some(look) = next_within(&mut netlink, Duration::from_millis(500)).await {
                looks += 1;
                table = look.snapshot;
            }
            storm.join().unwrap();
            let seconds = start.elapsed().as_secs_f64();
            tell(&format!("{looks} looks in {seconds:.1} s"));
            assert!(f64::from(looks) <= 20.0 + 10.0 * seconds);
            assert!(looks >= 30);
            assert!(has(&table, "192.0.2.9"));
        });
    });
}

#[test]
fn a_notification_that_is_not_the_kernels_is_dropped() {
    in_namespace("netlink::a_notification_that_is_not_the_kernels_is_dropped", || {
        run(async {
            wan();
            settled();
            let mut netlink = Netlink::new().unwrap();
            netlink.look().unwrap();
            quiet(&mut netlink).await;
            let forger = Socket::new(NETLINK_ROUTE).unwrap();
            let mut forged = NetlinkMessage::from(RouteNetlinkMessage::NewAddress(AddressMessage::default()));
            forged.header.flags = NLM_F_REQUEST;
            forged.finalize();
            let mut bytes = vec![0; forged.buffer_len()];
            forged.serialize(&mut bytes);
            for _ in 0..10 {
                forger.send_to(&bytes, &SocketAddr::new(doorbell_port(), 0), 0).unwrap();
            }
            assert_eq!(next_within(&mut netlink, QUIET).await, None);
            for _ in 0..10 {
                forger.send_to(&bytes, &SocketAddr::new(doorbell_port(), 0), 0).unwrap();
            }
            // The socket for dumps refuses them in the kernel already.
            for port in ports("00000000").into_iter().filter(|port| *port != own_port(&forger)) {
                let refusal = forger.send_to(&bytes, &SocketAddr::new(port, 0), 0).unwrap_err();
                assert_eq!(refusal.kind(), std::io::ErrorKind::ConnectionRefused);
            }
            ip("link add x0 type veth peer name x1");
            let look = look_until(&mut netlink, |table| device(table, "x0").is_some()).await;
            assert!(look.notifications < 10, "{}", look.notifications);
        });
    });
}

#[test]
fn a_device_that_is_made_anew_keeps_its_name_and_has_a_new_ifindex() {
    in_namespace("netlink::a_device_that_is_made_anew_keeps_its_name_and_has_a_new_ifindex", || {
        run(async {
            wan();
            let mut netlink = Netlink::new().unwrap();
            let before = device(&netlink.look().unwrap().snapshot, "wan0").unwrap();
            ip("link del wan0");
            look_until(&mut netlink, |table| device(table, "wan0").is_none()).await;
            wan();
            ip("addr add 192.0.2.7/24 dev wan0");
            let look = look_until(&mut netlink, |table| has(table, "192.0.2.7")).await;
            let after = device(&look.snapshot, "wan0").unwrap();
            assert_ne!(before, after);
            assert_eq!(find(&look.snapshot, "192.0.2.7").unwrap().ifindex, after);
        });
    });
}

#[test]
fn after_a_renumbering_there_is_the_new_address_and_a_way_out() {
    in_namespace("netlink::after_a_renumbering_there_is_the_new_address_and_a_way_out", || {
        run(async {
            wan();
            ip("-n isp addr add 192.0.2.1/24 dev isp0");
            ip("-n isp addr add 198.51.100.1/24 dev isp0");
            let server = at_isp(|| TcpListener::bind("0.0.0.0:80")).unwrap();
            ip("addr add 192.0.2.7/24 dev wan0");
            let mut netlink = Netlink::new().unwrap();
            netlink.look().unwrap();
            // As pppd does it: added, removed, added; then the route.
            ip_batch(
                "addr del 192.0.2.7/24 dev wan0\naddr add 198.51.100.7/24 dev wan0\n\
                 addr del 198.51.100.7/24 dev wan0\naddr add 198.51.100.7/24 dev wan0\n",
            );
            let renumbered = |table: &Snapshot| has(table, "198.51.100.7") && !has(table, "192.0.2.7");
            look_until(&mut netlink, renumbered).await;
            quiet(&mut netlink).await;
            assert!(TcpStream::connect(("192.0.2.1", 80)).is_err());
            ip("route add default via 198.51.100.1");
            assert!(renumbered(&next_within(&mut netlink, SOON).await.unwrap().snapshot));
            let request = TcpStream::connect(("192.0.2.1", 80)).unwrap();
            assert_eq!(server.accept().unwrap().1, request.local_addr().unwrap());
        });
    });
}

/// `cargo test --release --test netns short -- --nocapture` shows the figures.
#[test]
fn the_way_from_the_event_to_the_look_is_short() {
    in_namespace("netlink::the_way_from_the_event_to_the_look_is_short", || {
        wan();
        let ours: Ipv4Addr = "192.0.2.7".parse().unwrap();
        let mut ways = Vec::new();
        for _ in 0..100 {
            let (ready, wait) = std::sync::mpsc::channel();
            let reader = std::thread::spawn(move || {
                run(async {
                    let mut netlink = Netlink::new().unwrap();
                    netlink.look().unwrap();
                    ready.send(()).unwrap();
                    look_until(&mut netlink, |table| has(table, "192.0.2.7")).await;
                    now()
                })
            });
            wait.recv().unwrap();
            // It must have fallen asleep, as in the field.
            std::thread::sleep(Duration::from_millis(2));
            let start = switch_address(ours, true);
            ways.push(reader.join().unwrap() - start);
            switch_address(ours, false);
        }
        ways.sort();
        tell(&format!(
            "event to look: least {:?}, median {:?}, ninth of ten {:?}",
            ways[0], ways[50], ways[90]
        ));
        assert!(ways[50] < Duration::from_millis(10), "{ways:?}");
    });
}

#[test]
fn up_means_up_at_both_ends() {
    in_namespace("netlink::up_means_up_at_both_ends", || {
        run(async {
            wan();
            let mut netlink = Netlink::new().unwrap();
            let is_up = |table: &Snapshot| table.links.iter().any(|link| link.name == "wan0" && link.up);
            let look = netlink.look().unwrap();
            assert!(is_up(&look.snapshot));
            ip("-n isp link set isp0 down");
            look_until(&mut netlink, |table| !is_up(table)).await;
            ip("-n isp link set isp0 up");
            look_until(&mut netlink, is_up).await;
            ip("link set wan0 down");
            look_until(&mut netlink, |table| !is_up(table)).await;
        });
    });
}

#[test]
fn a_default_route_rings_with_an_equal_snapshot() {
    in_namespace("netlink::a_default_route_rings_with_an_equal_snapshot", || {
        run(async {
            wan();
            ip("addr add 192.0.2.7/24 dev wan0");
            ip("addr add 2001:db8:1::7/64 dev wan0 nodad");
            settled();
            let mut netlink = Netlink::new().unwrap();
            // IPv6 finishes its addresses in a work queue, even without duplicate address detection.
            quiet(&mut netlink).await;
            let before = netlink.look().unwrap().snapshot;
            for route in [
                "default via 192.0.2.1 dev wan0",
                "default via 2001:db8:1::1 dev wan0",
                "unreachable default metric 9",
            ] {
                for action in ["add", "del"] {
                    ip(&format!("route {action} {route}"));
                    let look = next_within(&mut netlink, SOON).await.unwrap();
                    assert_eq!((look.snapshot, look.notifications), (before.clone(), 1));
                    assert_eq!(next_within(&mut netlink, QUIET).await, None);
                }
            }
        });
    });
}

#[test]
fn local_routes_do_not_ring() {
    in_namespace("netlink::local_routes_do_not_ring", || {
        run(async {
            wan();
            settled();
            let mut netlink = Netlink::new().unwrap();
            quiet(&mut netlink).await;
            for action in ["add", "del"] {
                ip(&format!("route {action} local 198.51.100.1 dev lo table local"));
                ip(&format!("route {action} broadcast 198.51.100.255 dev wan0 table local"));
                ip(&format!("route {action} multicast 239.1.2.3 dev wan0 table local"));
                ip(&format!("-6 route {action} local 2001:db8:5::1 dev lo table local"));
                ip(&format!("-6 route {action} anycast 2001:db8:5:: dev wan0 table local"));
            }
            assert_eq!(next_within(&mut netlink, QUIET).await, None);
            // Of an address the kernel makes a local, a broadcast and a connected route; the last alone may ring.
            ip("addr add 192.0.2.7/24 brd + dev wan0");
            let mut notifications = 0;
            while let Some(look) = next_within(&mut netlink, QUIET).await {
                notifications += look.notifications;
            }
            assert_eq!(notifications, 2);
        });
    });
}

#[test]
fn our_end_of_a_point_to_point_link_is_the_address() {
    in_namespace("netlink::our_end_of_a_point_to_point_link_is_the_address", || {
        run(async {
            wan();
            ip("addr add 203.0.113.10 peer 100.64.0.1/32 dev wan0");
            ip("addr add fe80::2 peer fe80::1/128 dev wan0 nodad");
            let table = Netlink::new().unwrap().look().unwrap().snapshot;
            assert!(has(&table, "203.0.113.10") && has(&table, "fe80::2"));
            assert!(!has(&table, "100.64.0.1") && !has(&table, "fe80::1"));
            assert_eq!(table, library_table());
        });
    });
}

#[test]
fn an_ipv6_address_is_tentative_then_preferred_then_deprecated() {
    in_namespace("netlink::an_ipv6_address_is_tentative_then_preferred_then_deprecated", || {
        run(async {
            wan();
            let mut netlink = Netlink::new().unwrap();
            netlink.look().unwrap();
            let ours = "2001:db8:1::7";
            let is = |table: &Snapshot, tentative, deprecated| {
                find(table, ours).is_some_and(|a| a.tentative == tentative && a.deprecated == deprecated)
            };
            ip(&format!("addr add {ours}/64 dev wan0"));
            let look = look_until(&mut netlink, |table| is(table, true, false)).await;
            let created = find(&look.snapshot, ours).unwrap().created;
            look_until(&mut netlink, |table| is(table, false, false)).await;
            ip(&format!("addr change {ours}/64 dev wan0 valid_lft 600 preferred_lft 0"));
            let look = look_until(&mut netlink, |table| is(table, false, true)).await;
            assert_eq!(find(&look.snapshot, ours).unwrap().created, created);
        });
    });
}

#[test]
fn temporary_and_secondary_are_told_apart() {
    in_namespace("netlink::temporary_and_secondary_are_told_apart", || {
        run(async {
            wan();
            sh("echo 2 > /proc/sys/net/ipv6/conf/wan0/use_tempaddr");
            let mut netlink = Netlink::new().unwrap();
            ip("addr add 2001:db8:1::7/64 dev wan0 nodad mngtmpaddr valid_lft 6000 preferred_lft 3000");
            ip("addr add 192.0.2.7/24 dev wan0");
            ip("addr add 192.0.2.8/24 dev wan0");
            let look = look_until(&mut netlink, |table| table.addresses.iter().any(|a| a.temporary)).await;
            let flags = |ip| find(&look.snapshot, ip).map(|a| (a.temporary, a.secondary));
            assert_eq!(flags("2001:db8:1::7"), Some((false, false)));
            assert_eq!(flags("192.0.2.7"), Some((false, false)));
            assert_eq!(flags("192.0.2.8"), Some((false, true)));
            let temporary = look.snapshot.addresses.iter().find(|a| a.temporary).unwrap();
            assert!(temporary.ip.is_ipv6() && !temporary.secondary);
        });
    });
}

#[test]
fn a_quiet_network_lets_us_sleep() {
    in_namespace("netlink::a_quiet_network_lets_us_sleep", || {
        wan();
        settled();
        let (tell_task, task) = std::sync::mpsc::channel();
        let sleeper = std::thread::spawn(move || {
            run(async {
                let mut netlink = Netlink::new().unwrap();
                netlink.look().unwrap();
                quiet(&mut netlink).await;
                tell_task.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
                netlink.next().await.unwrap()
            })
        });
        let task = std::path::Path::new("/proc").join(task.recv().unwrap());
        let status = || std::fs::read_to_string(task.join("status")).unwrap();
        wait_until("it sleeps", SOON, || status().contains("State:\tS"));
        let switches = || {
            status()
                .lines()
                .filter(|line| line.contains("ctxt_switches"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let before = switches();
        // A fixed pause, because what is measured is that nothing happens in it.
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(before, switches());
        ip("addr add 192.0.2.7/24 dev wan0");
        assert!(has(&sleeper.join().unwrap().snapshot, "192.0.2.7"));
    });
}

async fn next_within(netlink: &mut Netlink, limit: Duration) -> Option<Look> {
    tokio::time::timeout(limit, netlink.next()).await.ok().map(Result::unwrap)
}

async fn look_until(netlink: &mut Netlink, is_so: impl Fn(&Snapshot) -> bool) -> Look {
    loop {
        let look = next_within(netlink, SOON).await.expect("no notification");
        if is_so(&look.snapshot) {
            return look;
        }
    }
}

/// Takes what still rings, until nothing does.
async fn quiet(netlink: &mut Netlink) {
    while next_within(netlink, QUIET).await.is_some() {}
}

fn find<'a>(table: &'a Snapshot, ip: &str) -> Option<&'a Address> {
    let ip: IpAddr = ip.parse().unwrap();
    table.addresses.iter().find(|address| address.ip == ip)
}

fn has(table: &Snapshot, ip: &str) -> bool {
    find(table, ip).is_some()
}

fn device(table: &Snapshot, name: &str) -> Option<u32> {
    table.links.iter().find(|link| link.name == name).map(|link| link.ifindex)
}

fn addresses(table: &Snapshot) -> BTreeSet<(String, IpAddr)> {
    let name = |ifindex| table.links.iter().find(|link| link.ifindex == ifindex).unwrap().name.clone();
    table.addresses.iter().map(|address| (name(address.ifindex), address.ip)).collect()
}

/// What the library's own requests give; they want a runtime of their own, hence the thread.
fn library_table() -> Snapshot {
    std::thread::spawn(|| snapshot(&Wanted::default())).join().unwrap().unwrap()
}

/// The port of our subscribed socket: the only one with these five groups.
fn doorbell_port() -> u32 {
    let ports = ports("00000551");
    assert_eq!(ports.len(), 1);
    ports[0]
}

/// The ports of the processes here (the kernel's is 0) that listen to these groups, from the kernel's list.
fn ports(groups: &str) -> Vec<u32> {
    let list = std::fs::read_to_string("/proc/net/netlink").unwrap();
    let fields = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = fields.filter(|fields| fields[1] == "0" && fields[2] != "0" && fields[3] == groups);
    ours.map(|fields| fields[2].parse().unwrap()).collect()
}

fn own_port(socket: &Socket) -> u32 {
    let mut address = SocketAddr::new(0, 0);
    socket.get_address(&mut address).unwrap();
    address.port_number()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
