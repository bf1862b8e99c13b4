//! UPnP Internet gateways: found, described and asked for their address (UPnP Device Architecture 1.1; WANIPConnection:1,
//! WANIPConnection:2 and WANPPPConnection:1). Of their XML a handful of elements is looked for, as texts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

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
    let described = description.split("<service>").skip(1).filter_map(|service| {
        let kind = element(service, "serviceType").filter(|kind| {
            let version = KINDS.iter().find_map(|known| kind.strip_prefix(known));
            version.is_some_and(|version| version.bytes().all(|digit| digit.is_ascii_digit()))
        })?;
        let path = element(service, "controlURL")?.replace("&amp;", "&");
        let url = match path.starts_with(SCHEME) {
            true => path,
            false => format!("{SCHEME}{origin}/{}", path.trim_start_matches('/')),
        };
        is_at(&url, gateway).then(|| Service { kind: kind.to_owned(), url })
    });
    described.take(SERVICES_MAX).collect()
}

impl Service {
    /// The question's header field SOAPAction.
    pub(in crate::daemon) fn action(&self) -> String {
        format!("\"{}#{QUESTION}\"", self.kind)
    }

    /// The question's body.
    pub(in crate::daemon) fn envelope(&self) -> String {
        format!(
            "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:{QUESTION} xmlns:u=\"{}\"/>\
             </s:Body></s:Envelope>\r\n",
            self.kind
        )
    }
}

/// The address in an answer; an empty one is zero.
///
/// # Errors
///
/// There is none: why, in words.
pub(in crate::daemon) fn external(answer: &str) -> Result<Ipv4Addr, String> {
    match (element(answer, "NewExternalIPAddress"), element(answer, "errorCode")) {
        (Some(""), _) => Ok(Ipv4Addr::UNSPECIFIED),
        (Some(text), _) => text.parse().map_err(|_| "its answer holds no IPv4 address".to_owned()),
        // It is the router's text: only a number may get into our words.
        (None, Some(code)) if code.len() <= 3 && code.bytes().all(|digit| digit.is_ascii_digit()) => {
            Err(format!("it refuses: error {code}"))
        }
        (None, _) => Err("its answer is not understood".to_owned()),
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
    let with_port = authority.parse::<SocketAddrV4>().map(|address| *address.ip());
    with_port.or_else(|_| authority.parse()) == Ok(gateway)
}

const SCHEME: &str = "http://";
const QUESTION: &str = "GetExternalIPAddress";
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
        assert_eq!(answer(filled), Ok(Ipv4Addr::new(203, 0, 113, 9)));
        assert_eq!(
            answer("<NewExternalIPAddress dt:dt=\"string\">203.0.113.9</NewExternalIPAddress>"),
            answer(filled)
        );
        for empty in [
            "<NewExternalIPAddress></NewExternalIPAddress>",
            "<NewExternalIPAddress/>",
            "<NewExternalIPAddress />",
        ] {
            assert_eq!(answer(empty), Ok(Ipv4Addr::UNSPECIFIED), "{empty}");
        }
        assert_eq!(answer("<errorCode>501</errorCode>"), Err("it refuses: error 501".to_owned()));
        assert_eq!(
            answer("<errorCode>evil words</errorCode>"),
            Err("its answer is not understood".to_owned())
        );
        let other = "<NewExternalIPAddress>router.example</NewExternalIPAddress>";
        assert_eq!(answer(other), Err("its answer holds no IPv4 address".to_owned()));
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
