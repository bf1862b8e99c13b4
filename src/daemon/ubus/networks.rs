//! What netifd answers to `network.interface dump` becomes the engine's networks. Pure, time passed in.

use std::net::Ipv6Addr;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::engine::Instant;
use crate::engine::network::{Assignment, Delegated, Network};

/// netifd counts lifetimes in whole seconds from a clock of its own: two dumps may differ by so much.
const JITTER: Duration = Duration::from_secs(2);

/// The networks of a dump, by name; `None`: it has none. `before` are those of the last dump: what they knew of a
/// device that netifd does not name while its network is down is kept, and deadlines that only seem to have moved.
pub(super) fn read(dump: &Map<String, Value>, before: &[Network], now: Instant) -> Option<Vec<Network>> {
    let interfaces = dump.get("interface")?.as_array()?;
    let mut networks: Vec<Network> =
        interfaces.iter().filter_map(|interface| network(interface, before, now)).collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    // netifd that has just started answers before it has read its configuration.
    (!networks.is_empty()).then_some(networks)
}

fn network(interface: &Value, before: &[Network], now: Instant) -> Option<Network> {
    let name = interface.get("interface")?.as_str()?.to_owned();
    let before = before.iter().find(|network| network.name == name);
    let up = interface.get("up").and_then(Value::as_bool).unwrap_or(false);
    let device = interface.get("l3_device").and_then(Value::as_str).map(str::to_owned);
    let known = before.filter(|_| !up).and_then(|network| network.device.clone());
    let prefixes = list(interface, "ipv6-prefix");
    let prefixes = prefixes.filter_map(|entry| prefix(entry, before.map_or(&[], |b| &b.prefixes), now));
    let assignments = list(interface, "ipv6-prefix-assignment").filter_map(assignment);
    Some(Network {
        up,
        device: device.or(known),
        prefixes: prefixes.collect(),
        assignments: assignments.collect(),
        name,
    })
}

fn list<'a>(interface: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    interface.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn prefix(entry: &Value, before: &[Delegated], now: Instant) -> Option<Delegated> {
    let (address, length) = address(entry)?;
    let before = before.iter().find(|prefix| (prefix.address, prefix.length) == (address, length));
    let until = |name: &str, before: Option<Instant>| {
        // A lifetime that is over may be told as negative.
        let secs = entry.get(name)?.as_i64()?;
        let until = now + Duration::from_secs(u64::try_from(secs).unwrap_or(0));
        Some(before.filter(|before| is_same(*before, until, now)).unwrap_or(until))
    };
    let preferred_until = until("preferred", before.and_then(|before| before.preferred_until));
    let valid_until = until("valid", before.and_then(|before| before.valid_until));
    Some(Delegated { address, length, preferred_until, valid_until })
}

fn is_same(before: Instant, until: Instant, now: Instant) -> bool {
    let both_are_over = before <= now && until <= now;
    both_are_over || before.since(until).max(until.since(before)) <= JITTER
}

fn assignment(entry: &Value) -> Option<Assignment> {
    let (address, length) = address(entry)?;
    let local = entry.get("local-address").and_then(self::address).map(|(local, _)| local);
    Some(Assignment { address, length, local })
}

fn address(entry: &Value) -> Option<(Ipv6Addr, u8)> {
    let address = entry.get("address")?.as_str()?.parse().ok()?;
    let length = u8::try_from(entry.get("mask")?.as_i64()?).ok().filter(|length| *length <= 128)?;
    Some((address, length))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::message::{Message, tests::of};
    use super::*;

    fn now(secs: u64) -> Instant {
        Instant::since_boot(Duration::from_secs(secs))
    }

    fn dump(interfaces: &Value) -> Map<String, Value> {
        Map::from_iter([("interface".to_owned(), interfaces.clone())])
    }

    fn delegated(preferred: i64, valid: i64) -> Map<String, Value> {
        dump(&json!([{ "interface": "wan6", "up": true, "l3_device": "pppoe-wan", "ipv6-prefix": [{
            "address": "2001:db8:1200::", "mask": 56, "preferred": preferred, "valid": valid,
            "class": "wan6", "assigned": { "lan": { "address": "2001:db8:1200::", "mask": 64 } },
        }] }]))
    }

    #[test]
    fn a_recorded_dump_gives_names_devices_and_what_is_assigned() {
        let answer = of("dump", false).into_iter().map(|frame| Message::decode(&frame).unwrap());
        let answer = answer.filter_map(|message| message.body.data).next().unwrap();
        let networks = read(&answer, &[], now(100)).unwrap();
        let devices: Vec<_> =
            networks.iter().map(|n| (n.name.as_str(), n.up, n.device.as_deref().unwrap())).collect();
        let wanted =
            [("lan", true, "eth0"), ("loopback", true, "lo"), ("wan", true, "eth1"), ("wan6", true, "eth1")];
        assert_eq!(devices, wanted);
        let local = "fd00:1ab::1".parse().unwrap();
        let assigned = Assignment { address: "fd00:1ab::".parse().unwrap(), length: 60, local: Some(local) };
        assert_eq!(networks[0].assignments, [assigned]);
    }

    #[test]
    fn a_network_that_is_down_keeps_the_device_that_it_had_last() {
        let up = dump(&json!([{ "interface": "wan", "up": true, "l3_device": "pppoe-wan" }]));
        let down = dump(&json!([{ "interface": "wan", "up": false, "device": "eth1" }]));
        let before = read(&up, &[], now(1)).unwrap();
        let after = read(&down, &before, now(2)).unwrap();
        assert_eq!((after[0].up, after[0].device.as_deref()), (false, Some("pppoe-wan")));
        assert_eq!(read(&down, &[], now(2)).unwrap()[0].device, None);
        // Up without a device is a network without a device.
        let bare = dump(&json!([{ "interface": "wan", "up": true }]));
        assert_eq!(read(&bare, &after, now(3)).unwrap()[0].device, None);
    }

    #[test]
    fn deadlines_do_not_move_from_dump_to_dump() {
        let first = read(&delegated(1800, 3600), &[], now(1_000)).unwrap();
        assert_eq!(first[0].prefixes[0].preferred_until, Some(now(2_800)));
        for (at, preferred, valid) in [(1_010, 1789, 3591), (1_700, 1101, 2899), (2_799, 0, 1801)] {
            assert_eq!(read(&delegated(preferred, valid), &first, now(at)).unwrap(), first, "at {at}");
        }
        // Renewed, shortened, and over.
        let renewed = read(&delegated(1800, 3600), &first, now(1_010)).unwrap();
        assert_eq!(renewed[0].prefixes[0].valid_until, Some(now(4_610)));
        let withdrawn = read(&delegated(0, 1800), &first, now(1_010)).unwrap();
        assert_eq!(withdrawn[0].prefixes[0].preferred_until, Some(now(1_010)));
        let still = read(&delegated(0, 1790), &withdrawn, now(1_020)).unwrap();
        assert_eq!(still, withdrawn);
        let over = read(&delegated(0, -5), &withdrawn, now(3_000)).unwrap();
        assert_eq!(over[0].prefixes[0].valid_until, Some(now(2_810)));
    }

    #[test]
    fn a_prefix_without_lifetimes_has_no_end() {
        let entry = json!([{ "interface": "lan", "ipv6-prefix": [{ "address": "fd00::", "mask": 48 }] }]);
        let networks = read(&dump(&entry), &[], now(1)).unwrap();
        let prefix = networks[0].prefixes[0];
        assert_eq!((prefix.preferred_until, prefix.valid_until), (None, None));
    }

    #[test]
    fn what_is_not_a_network_is_left_out_and_no_network_at_all_is_no_news() {
        let odd = json!([7, {}, { "interface": 7 }, { "interface": "wan", "up": "yes", "ipv6-prefix": [
            {}, { "address": "x", "mask": 56 }, { "address": "2001:db8::", "mask": 129 },
        ] }]);
        let networks = read(&dump(&odd), &[], now(1)).unwrap();
        assert_eq!(networks, [Network { name: "wan".to_owned(), ..Network::default() }]);
        for nothing in [json!([]), json!({}), json!(null)] {
            assert_eq!(read(&dump(&nothing), &networks, now(1)), None);
        }
        assert_eq!(read(&Map::new(), &networks, now(1)), None);
    }
}
