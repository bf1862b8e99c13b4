//! UPnP Internet gateways: found, described and asked for their address (UPnP Device Architecture 1.1; WANIPConnection:1,
//! WANIPConnection:2 and WANPPPConnection:1). Of their XML a handful of elements is looked for, as texts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{NO_ADDRESS, Said};

/// Where gateways listen for searches (UPnP Device Architecture 1.1, section 1.3.2).
pub(in crate::daemon) const GROUP: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)), PORT);
/// The same for searches that go to one gateway only.
pub(in crate::daemon) const PORT: u16 = 1900;

/// How far a search goes (section 1.3.2: TTL).
pub(in crate::daemon) const HOPS: u32 = 2;

/// Gateways of later versions answer to it too (section 1.3.2: "ST"). They may wait for up to a second (MX).
pub(in crate::daemon) const SEARCH: &str = concat!(
    "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n",
    "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
);

/// Where the answer to a search says that the gateway is described. Whatever does not lead to the gateway is no answer:
/// anybody on the line may answer a search.
pub(in crate::daemon) fn location(message: &[u8], gateway: Ipv4Addr) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines();
    lines.next().filter(|status| status.starts_with("HTTP/1.1 200"))?;
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let (_, url) = fields.find(|(name, _)| name.trim().eq_ignore_ascii_case("location"))?;
    let url = url.trim();
    is_at(url, gateway).then(|| url.to_owned())
}

/// A service that knows the gateway's address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::daemon) struct Service {
    /// Its type (`urn:…`).
    pub(in crate::daemon) kind: String,
    /// Where it is asked.
    pub(in crate::daemon) url: String,
}

/// The services of a description that was found at `location`. A gateway may list one that is not in use.
pub(in crate::daemon) fn services(description: &str, location: &str, gateway: Ipv4Addr) -> Vec<Service> {
    let base = element(description, "URLBase").filter(|base| is_at(base, gateway)).unwrap_or(location);
    // Behind "http://", which `is_at` has seen.
    let origin = base.get(SCHEME.len()..).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let mut services = Vec::new();
    for described in description.split("<service>") {
        let (Some(kind), Some(path)) = (element(described, "serviceType"), element(described, "controlURL"))
        else {
            continue;
        };
        let version = KINDS.iter().find_map(|known| kind.strip_prefix(known)).unwrap_or("none");
        let path = path.replace("&amp;", "&");
        let url = match path.starts_with(SCHEME) {
            true => path,
            false => [SCHEME, origin, "/", path.trim_start_matches('/')].concat(),
        };
        let is_wanted = version.bytes().all(|digit| digit.is_ascii_digit()) && is_at(&url, gateway);
        if is_wanted && services.len() < SERVICES_MAX {
            services.push(Service { kind: kind.to_owned(), url });
        }
    }
    services
}

impl Service {
    /// The question's header field SOAPAction.
    pub(in crate::daemon) fn action(&self) -> String {
        ["\"", &self.kind, "#GetExternalIPAddress\""].concat()
    }

    /// The question's body.
    pub(in crate::daemon) fn envelope(&self) -> String {
        [
            "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
             <u:GetExternalIPAddress xmlns:u=\"",
            &self.kind,
            "\"/></s:Body></s:Envelope>\r\n",
        ]
        .concat()
    }
}

/// What an answer says.
pub(in crate::daemon) fn external(answer: &str) -> Said {
    match element(answer, "NewExternalIPAddress") {
        Some("") => Err(NO_ADDRESS),
        Some(text) => text.parse().map_err(|_| "its answer holds no address"),
        None => Err("it refuses"),
    }
}

/// The text of the first element of this name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(at, _)| {
        let (before, behind) = (text.get(..at)?, text.get(at + name.len()..)?);
        // An empty element ends where it begins; attributes, which some gateways write, are skipped.
        let (attributes, rest) = behind.split_once('>')?;
        let opens = before.ends_with('<') && (attributes.is_empty() || attributes.starts_with([' ', '/']));
        let text = if attributes.ends_with('/') { "" } else { rest.split('<').next()? };
        opens.then_some(text.trim())
    })
}

/// Whether a URL is plain HTTP at this very address.
fn is_at(url: &str, gateway: Ipv4Addr) -> bool {
    let authority = url.strip_prefix(SCHEME).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    port.bytes().all(|digit| digit.is_ascii_digit()) && host.parse() == Ok(IpAddr::V4(gateway))
}

const SCHEME: &str = "http://";
const KINDS: [&str; 2] =
    ["urn:schemas-upnp-org:service:WANIPConnection:", "urn:schemas-upnp-org:service:WANPPPConnection:"];
/// Asked at most; a gateway with two lines and both kinds for each has four.
const SERVICES_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
    const FOUND: &str = "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nLocation: http://192.168.1.1:5000/rootDesc.xml\r\n\r\n";

    #[test]
    fn a_description_is_believed_to_be_at_the_gateway_only() {
        let at = |url: &str| {
            location(FOUND.replace("http://192.168.1.1:5000/rootDesc.xml", url).as_bytes(), GATEWAY)
        };
        assert_eq!(location(FOUND.as_bytes(), GATEWAY).unwrap(), "http://192.168.1.1:5000/rootDesc.xml");
        assert_eq!(at("http://192.168.1.1/d.xml").unwrap(), "http://192.168.1.1/d.xml");
        for elsewhere in [
            "http://192.168.1.66:5000/rootDesc.xml",
            "http://192.168.1.1@evil.example/",
            "http://192.168.1.1:80@evil.example/",
            "http://192.168.1.1.evil.example/",
            "https://192.168.1.1/",
            "file:///etc/passwd",
            "",
        ] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
        let notify = FOUND.replace("HTTP/1.1 200 OK", "NOTIFY * HTTP/1.1");
        assert_eq!(location(notify.as_bytes(), GATEWAY), None);
    }

    #[test]
    fn the_services_that_know_the_address_are_found_with_their_urls() {
        let service = |kind: &str, url: &str| {
            format!(
                "<service><serviceType>{kind}</serviceType><serviceId>x</serviceId><controlURL>{url}</controlURL></service>"
            )
        };
        let ip = "urn:schemas-upnp-org:service:WANIPConnection:2";
        let ppp = "urn:schemas-upnp-org:service:WANPPPConnection:1";
        let other = "urn:schemas-upnp-org:service:Layer3Forwarding:1";
        let text = [
            service(other, "/l3"),
            service(ppp, "ctl/ppp?a=1&amp;b=2"),
            service(ip, " /ctl/IPConn "),
            service(ip, "http://192.168.1.1:99/x"),
            service(ip, "http://192.168.1.66/x"),
            service("urn:schemas-upnp-org:service:WANIPConnection:1\"/><evil>", "/x"),
        ]
        .concat();
        let found = |text: &str| {
            let services = services(text, "http://192.168.1.1:5000/a/rootDesc.xml", GATEWAY);
            services.into_iter().map(|service| (service.kind, service.url)).collect::<Vec<_>>()
        };
        let expected = |origin: &str| {
            vec![
                (ppp.to_owned(), format!("{origin}/ctl/ppp?a=1&b=2")),
                (ip.to_owned(), format!("{origin}/ctl/IPConn")),
                (ip.to_owned(), "http://192.168.1.1:99/x".to_owned()),
            ]
        };
        assert_eq!(found(&text), expected("http://192.168.1.1:5000"));
        let base = |url: &str| found(&format!("<root><URLBase>{url}</URLBase>{text}"));
        assert_eq!(base("http://192.168.1.1:49000/"), expected("http://192.168.1.1:49000"));
        assert_eq!(base("http://192.168.1.66/"), expected("http://192.168.1.1:5000"));
        assert_eq!(found(&service(ip, "/x").repeat(9)).len(), SERVICES_MAX);
    }

    #[test]
    fn an_answer_holds_an_address_or_says_why_not() {
        let answer = |text: &str| {
            external(&format!(
                "<s:Envelope><s:Body><u:GetExternalIPAddressResponse xmlns:u=\"urn:x\">{text}</u:x>"
            ))
        };
        let filled = "<NewExternalIPAddress>203.0.113.9</NewExternalIPAddress>";
        assert_eq!(answer(filled), Ok([203, 0, 113, 9].into()));
        let typed = "<NewExternalIPAddress dt:dt=\"string\">203.0.113.9</NewExternalIPAddress>";
        assert_eq!(answer(typed), answer(filled));
        for empty in [
            "<NewExternalIPAddress></NewExternalIPAddress>",
            "<NewExternalIPAddress/>",
            "<NewExternalIPAddress />",
        ] {
            assert_eq!(answer(empty), Err(NO_ADDRESS), "{empty}");
        }
        assert_eq!(answer("<errorCode>501</errorCode>"), Err("it refuses"));
        let other = "<NewExternalIPAddress>router.example</NewExternalIPAddress>";
        assert_eq!(answer(other), Err("its answer holds no address"));
    }

    #[test]
    fn the_question_names_the_service_in_header_and_body() {
        let kind = "urn:schemas-upnp-org:service:WANIPConnection:1".to_owned();
        let service = Service { kind, url: "http://192.168.1.1/x".to_owned() };
        assert_eq!(
            service.action(),
            "\"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress\""
        );
        assert!(service.envelope().contains(
            "<u:GetExternalIPAddress xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"/>"
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("<service>".to_owned()), Just("<serviceType>".to_owned()), Just("<controlURL>".to_owned()),
                    Just(KINDS[0].to_owned()), Just("NewExternalIPAddress".to_owned()), Just("URLBase>".to_owned()),
                    Just("<".to_owned()), Just("http://192.168.1.1".to_owned()), any::<String>(),
                ],
                0..12,
            )
        ) {
            let text = parts.concat();
            let _ = (location(text.as_bytes(), GATEWAY), external(&text));
            for service in services(&text, "http://192.168.1.1/", GATEWAY) {
                prop_assert!(is_at(&service.url, GATEWAY));
            }
        }
    }
}
