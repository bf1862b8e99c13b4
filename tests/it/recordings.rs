//! What providers really answered, played through their entries.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use wanbeacon::provider::{
    Account, AccountSettings, Family, Method, Refusal, Reply, Secret, Step, Update, Verdict, catalogue,
};

#[derive(Deserialize)]
struct Exchange {
    request: Asked,
    response: Answered,
}

#[derive(Deserialize)]
struct Asked {
    method: Method,
    uri: String,
}

#[derive(Deserialize)]
struct Answered {
    status: u16,
    body: String,
}

/// How much of a recorded request must be ours.
#[derive(Clone, Copy, PartialEq)]
enum Match {
    /// The provider; the recorded client called it in another way.
    Host,
    /// Method and path; the record was of another type.
    Path,
}

#[test]
fn an_ovh_record_is_updated_created_and_put_into_force() {
    assert_eq!(play(ovh(), "ovh/create-a", "localhost.example.net", Match::Path), Verdict::Good);
    assert_eq!(play(ovh(), "ovh/update", "updated.test.example.net", Match::Path), Verdict::Good);
}

#[test]
fn a_transip_entry_is_created_found_and_missed() {
    assert_eq!(play(transip(), "transip/create-a", "localhost.example.net", Match::Path), Verdict::Good);
    assert_eq!(play(transip(), "transip/list", "localhost.example.net", Match::Path), Verdict::Unchanged);
    let unknown = play(transip(), "transip/unknown-zone", "home.example.org", Match::Host);
    assert!(matches!(unknown, Verdict::Refused { refusal: Refusal::Name, .. }), "{unknown:?}");
}

#[test]
fn an_azure_record_set_is_written() {
    let settings = AccountSettings {
        path: Some("/subscriptions/SUBSCRIPTION_ID/resourceGroups/dns-test".to_owned()),
        param: secret("TENANT_ID"),
        ..settings("CLIENT_ID", "secret")
    };
    assert_eq!(
        play(("azure.com", settings), "azure/create-a", "localhost.example.net", Match::Host),
        Verdict::Good
    );
}

#[test]
fn a_route_53_change_is_accepted() {
    let settings =
        AccountSettings { record_id: Some("Z1D633PJN98FT9".to_owned()), ..settings("AKIDEXAMPLE", "secret") };
    assert_eq!(
        play(("route53", settings), "route53/create-a", "localhost.example.net", Match::Path),
        Verdict::Good
    );
}

#[test]
fn an_oracle_zone_of_somebody_else_is_a_wrong_name() {
    let server = Some("https://dns.us-ashburn-1.oraclecloud.com".to_owned());
    let settings = AccountSettings { server, ..settings("tenancy/user/fingerprint", KEY) };
    let unknown = play(("oracle.com", settings), "oci/unknown-zone", "home.example.org", Match::Host);
    assert!(matches!(unknown, Verdict::Refused { refusal: Refusal::Name, .. }), "{unknown:?}");
}

const KEY: &str = include_str!("../data/keys/rfc7515-a2.pem");

fn ovh() -> (&'static str, AccountSettings) {
    let server = Some("https://eu.api.ovh.com".to_owned());
    (
        "ovh.com-api",
        AccountSettings { server, param: secret("consumer"), ..settings("application", "secret") },
    )
}

fn transip() -> (&'static str, AccountSettings) {
    ("transip.nl", settings("jane", KEY))
}

fn settings(user: &str, password: &str) -> AccountSettings {
    AccountSettings { user: Some(user.to_owned()), password: secret(password), ..AccountSettings::default() }
}

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text))
}

/// Tells a provider that a name has the address of the recordings, 127.0.0.1, and answers as recorded.
fn play((id, settings): (&str, AccountSettings), file: &str, name: &str, how: Match) -> Verdict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/recordings/{file}.json"));
    let exchanges: Vec<Exchange> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let provider = Arc::new(catalogue::provider(id).unwrap().unwrap());
    let names = vec![name.to_owned()];
    let account = Account::new(provider, settings, &names, &[Family::V4]).unwrap();
    let update = Update { names, ipv4: Some([127, 0, 0, 1].into()), ipv6: None, ..Update::default() };
    // 2026-01-01T00:00:00Z
    let (mut dialogue, mut step) = account.dialogue(&update, 1_767_225_600);
    for Exchange { request, response } in exchanges {
        let Step::Send(ours) = step else { panic!("{file}: {} was not asked: {step:?}", request.uri) };
        let (ours_way, way) = (way(ours.url.expose()), way(&request.uri));
        match how {
            Match::Host => assert_eq!(ours_way.split('/').next(), way.split('/').next(), "{file}"),
            Match::Path => assert_eq!((ours.method, ours_way), (request.method, way), "{file}"),
        }
        step = dialogue.advance(&Reply { status: response.status, headers: Vec::new(), body: response.body });
    }
    match step {
        Step::Done(mut verdicts) => verdicts.remove(0),
        other @ (Step::Ask(_) | Step::Send(_)) => panic!("{file}: no answer to {other:?}"),
    }
}

/// Host and path of a URL.
fn way(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap();
    rest.split('?').next().unwrap_or(rest)
}
