//! UPnP Internet gateways: found, described and asked for their address (UPnP Device Architecture 1.1; WANIPConnection:1,
//! WANIPConnection:2 and WANPPPConnection:1). Of their XML a handful of elements is looked for, as texts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{NO_ADDRESS, Said};

/// Where gateways listen for searches (UPnP Device Architecture 1.1, section 1.3.2).
pub(in crate::daemon) const GROUP: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)), PORT);
/// The same for searches that go to one gateway only.
pub(in crate::daemon) const PORT: u16 = 1900;

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

/// What follows a `<service>` in a description that was found at `location`: the type of a service that knows the
/// gateway's address, and the URL where it is asked. A gateway may list one that is not in use.
pub(in crate::daemon) fn service<'a>(
    text: &'a str,
    location: &str,
    gateway: Ipv4Addr,
) -> Option<(&'a str, String)> {
    let kind = element(text, "serviceType")?;
    let version = KINDS.iter().find_map(|known| kind.strip_prefix(known))?;
    let path = element(text, "controlURL")?.replace("&amp;", "&");
    let url = match path.starts_with(SCHEME) {
        true => path,
        false => {
            // Behind "http://", which `is_at` has seen.
            let origin = location.get(SCHEME.len()..)?.split('/').next()?;
            [SCHEME, origin, "/", path.strip_prefix('/').unwrap_or(&path)].concat()
        }
    };
    let is_sound = version.bytes().all(|digit| digit.is_ascii_digit()) && is_at(&url, gateway);
    is_sound.then_some((kind, url))
}

/// The header field SOAPAction of the question to a service of this type.
pub(in crate::daemon) fn action(kind: &str) -> String {
    ["\"", kind, "#GetExternalIPAddress\""].concat()
}

/// Its body.
pub(in crate::daemon) fn envelope(kind: &str) -> String {
    [
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:GetExternalIPAddress xmlns:u=\"",
        kind,
        "\"/></s:Body></s:Envelope>\r\n",
    ]
    .concat()
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
        let ip = "urn:schemas-upnp-org:service:WANIPConnection:2";
        let ppp = "urn:schemas-upnp-org:service:WANPPPConnection:1";
        let found = |kind: &str, url: &str| {
            let text = format!(
                "<serviceType>{kind}</serviceType><serviceId>x</serviceId><controlURL>{url}</controlURL></service>"
            );
            let found = service(&text, "http://192.168.1.1:5000/a/rootDesc.xml", GATEWAY);
            found.map(|(found, url)| {
                assert_eq!(found, kind);
                url
            })
        };
        let at = |url: &str| Some(url.to_owned());
        assert_eq!(found(ppp, "ctl/ppp?a=1&amp;b=2"), at("http://192.168.1.1:5000/ctl/ppp?a=1&b=2"));
        assert_eq!(found(ip, " /ctl/IPConn "), at("http://192.168.1.1:5000/ctl/IPConn"));
        assert_eq!(found(ip, "http://192.168.1.1:99/x"), at("http://192.168.1.1:99/x"));
        assert_eq!(found(ip, "http://192.168.1.66/x"), None);
        assert_eq!(found("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3"), None);
        assert_eq!(found("urn:schemas-upnp-org:service:WANIPConnection:1\"/>", "/x"), None);
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
        let kind = "urn:schemas-upnp-org:service:WANIPConnection:1";
        assert_eq!(action(kind), "\"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress\"");
        let namespace =
            "<u:GetExternalIPAddress xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"/>";
        assert!(envelope(kind).contains(namespace));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("<service>".to_owned()), Just("<serviceType>".to_owned()), Just("<controlURL>".to_owned()),
                    Just(KINDS[0].to_owned()), Just("NewExternalIPAddress".to_owned()),
                    Just("<".to_owned()), Just("http://192.168.1.1".to_owned()), any::<String>(),
                ],
                0..12,
            )
        ) {
            let text = parts.concat();
            let _ = (location(text.as_bytes(), GATEWAY), external(&text));
            if let Some((_, url)) = service(&text, "http://192.168.1.1/", GATEWAY) {
                prop_assert!(is_at(&url, GATEWAY));
            }
        }
    }
}
