//! The lease files of dnsmasq and odhcpd, as far as they are about DHCPv6.

use std::net::Ipv6Addr;

use crate::engine::lan::Lease;

/// Reads either kind; what is not understood is skipped.
pub(super) fn read(text: &str) -> Vec<Lease> {
    text.lines().filter_map(|line| odhcpd(line).or_else(|| dnsmasq(line))).collect()
}

/// `# INTERFACE DUID IAID HOST VALID-UNTIL ID LENGTH ADDRESS/LENGTH…` (openwrt/odhcpd, `src/dhcpv6-ia.c`); an IPv4 lease
/// has no address that is read here.
fn odhcpd(line: &str) -> Option<Lease> {
    let mut words = line.strip_prefix('#')?.split_ascii_whitespace();
    let (_, duid, _, host) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let addresses = words.skip(3).filter_map(|word| match word.split_once('/') {
        // A prefix that was delegated to the host is no address of it.
        Some((address, "128")) => address.parse().ok(),
        _ => None,
    });
    lease(duid, host, addresses.collect())
}

/// `EXPIRY IAID ADDRESS HOST DUID` (dnsmasq, `src/lease.c`); a temporary address has an IAID that begins with a `T`.
fn dnsmasq(line: &str) -> Option<Lease> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, iaid, address, host, duid] = words[..] else { return None };
    let address = address.parse().ok().filter(|_| !iaid.starts_with('T'))?;
    lease(duid, host, vec![address])
}

fn lease(duid: &str, host: &str, addresses: Vec<Ipv6Addr>) -> Option<Lease> {
    let duid: String = duid.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
    let is_hex = !duid.is_empty() && duid.bytes().all(|b| b.is_ascii_hexdigit());
    // A name with a domain is known by its first label.
    let host = host.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let host = (!matches!(host.as_str(), "*" | "-" | "")).then_some(host);
    (is_hex && !addresses.is_empty()).then_some(Lease { host, duid, addresses })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leases_of_dnsmasq_are_read_without_those_of_ipv4_and_without_temporary_ones() {
        let text = "1790000000 00:11:32:12:34:56 192.168.1.7 nas 01:00:11:32:12:34:56\n\
                    duid 00:01:00:01:2c:00:00:00:aa:bb:cc:dd:ee:ff\n\
                    1790000000 303174 2001:db8:1::d3 NAS.lan 00:01:00:01:2b:11\n\
                    1790000000 T303174 2001:db8:1::ffff nas 00:01:00:01:2b:11\n\
                    1790000000 5 2001:db8:1::d4 * 00:04:AB\n";
        let lease = |host: Option<&str>, duid: &str, ip: &str| Lease {
            host: host.map(str::to_owned),
            duid: duid.to_owned(),
            addresses: vec![ip.parse().unwrap()],
        };
        let wanted =
            [lease(Some("nas"), "000100012b11", "2001:db8:1::d3"), lease(None, "0004ab", "2001:db8:1::d4")];
        assert_eq!(read(text), wanted);
    }

    #[test]
    fn leases_of_odhcpd_are_read_with_all_their_addresses() {
        let text = "# br-lan 000100012b11 4a0b nas 1790000000 d3 128 2001:db8:1::d3/128 fd00:1::d3/128 \n\
                    2001:db8:1::d3\tnas\n\
                    # br-lan 0011 1 router 1790000000 1 62 2001:db8:1:4::/62 \n\
                    # br-lan 001132123456 ipv4 tv 1790000000 7 32 192.168.1.7/32 \n";
        let addresses = ["2001:db8:1::d3", "fd00:1::d3"].map(|ip| ip.parse().unwrap()).to_vec();
        let (host, duid) = (Some("nas".to_owned()), "000100012b11".to_owned());
        assert_eq!(read(text), [Lease { host, duid, addresses }]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[#:/. 0-9a-fT*\n-]{0,200}") {
            let _ = read(&text);
        }
    }
}
