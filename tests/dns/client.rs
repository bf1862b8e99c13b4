//! The agent's part: the provider's dialogue and the sender, without the agent around them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use wanbeacon::daemon::clock;
use wanbeacon::daemon::http::{Http, Inquiry, Limits, Settings};
use wanbeacon::engine::{Exchange, JobId, Outcome};
use wanbeacon::provider::{
    Account, AccountSettings, Family, Refusal, Secret, Step, Update, Verdict, catalogue,
};

use crate::laboratory::query;
use crate::servers::{KEY, SECRET};

/// Longest wait for a result.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings with the right key, for the zone `example.test` at this server.
pub(crate) fn settings(server: SocketAddr) -> AccountSettings {
    AccountSettings {
        user: Some(KEY.to_owned()),
        password: Some(Secret::new(SECRET)),
        server: Some(server.to_string()),
        zone: Some("example.test".to_owned()),
        ..AccountSettings::default()
    }
}

/// An update of these names with both addresses, the last octets being `octet`.
pub(crate) fn update(names: &[&str], octet: u8) -> Update {
    Update {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ipv4: Some([198, 51, 100, octet].into()),
        ipv6: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, octet.into()].into()),
        ..Update::default()
    }
}

/// Publishes now.
pub(crate) fn publish(settings: &AccountSettings, update: &Update) -> (Outcome, Exchange) {
    publish_with(settings, update, clock::unix(), Limits::default())
}

/// Publishes with another clock and other limits.
pub(crate) fn publish_with(
    settings: &AccountSettings,
    update: &Update,
    now: u64,
    limits: Limits,
) -> (Outcome, Exchange) {
    let (_http, results) = begin(settings, update, now, limits);
    results.recv_timeout(PATIENCE).expect("every job has a result")
}

/// The number of the job that [`begin`] begins.
pub(crate) const JOB: JobId = JobId(1);

/// Begins to publish, and gives the sender and what it will report.
pub(crate) fn begin(
    settings: &AccountSettings,
    update: &Update,
    now: u64,
    limits: Limits,
) -> (Http, Receiver<(Outcome, Exchange)>) {
    let provider = catalogue::provider("rfc2136").unwrap().unwrap();
    let families = [Family::V4, Family::V6];
    let account = Account::new(Arc::new(provider), settings.clone(), &update.names, &families).unwrap();
    let (mut dialogue, step) = account.dialogue(update, now);
    let Step::Ask(first) = step else { panic!("no question") };
    let advance = Box::new(move |message: &[u8]| dialogue.receive(message));
    let (sender, results) = mpsc::channel();
    // Nobody listens any more where a test has what it wanted.
    let results_to = move |_, outcome, exchange| sender.send((outcome, exchange)).unwrap_or_default();
    let mut http = Http::new(Settings { limits, ..Settings::new(clock::monotonic) }, results_to);
    http.ask(Inquiry { job: JOB, first, advance, bind: None, secrets: account.secrets().to_vec() });
    (http, results)
}

/// Publishes, and expects this of each name.
#[track_caller]
pub(crate) fn is_good(settings: &AccountSettings, update: &Update) {
    let (outcome, _) = publish(settings, update);
    assert_eq!(outcome, Outcome::Answered(vec![Verdict::Good; update.names.len()]));
}

/// Publishes, and gives the refusal of the first name.
#[track_caller]
pub(crate) fn refusal(settings: &AccountSettings, update: &Update) -> (Refusal, String) {
    let verdict = verdict(settings, update);
    let Verdict::Refused { refusal, words } = verdict else { panic!("no refusal: {verdict:?}") };
    (refusal, words)
}

/// Publishes, and gives the words of a trouble that will pass.
#[track_caller]
pub(crate) fn trouble(settings: &AccountSettings, update: &Update) -> String {
    let verdict = verdict(settings, update);
    let Verdict::Busy { words, .. } = verdict else { panic!("no trouble: {verdict:?}") };
    words
}

#[track_caller]
fn verdict(settings: &AccountSettings, update: &Update) -> Verdict {
    let outcome = publish(settings, update).0;
    let Outcome::Answered(mut verdicts) = outcome else { panic!("no verdict: {outcome:?}") };
    verdicts.swap_remove(0)
}

/// Whether the server publishes exactly the addresses of the update for all its names.
#[track_caller]
pub(crate) fn is_published(server: SocketAddr, update: &Update) {
    for name in &update.names {
        for family in [Family::V4, Family::V6] {
            let mut found = query::resolve(server, name, family, Duration::from_secs(10)).unwrap();
            let mut wanted: Vec<IpAddr> = update.addresses_of(name, family);
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{name} {family}");
        }
    }
}

/// Whether the server says that this is the only name of an address.
#[track_caller]
pub(crate) fn is_called(server: SocketAddr, ip: IpAddr, name: &str) {
    let found = query::ask(server, Name::from(ip), RecordType::PTR, Duration::from_secs(10)).unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, [format!("{name}.")], "{ip}");
}
