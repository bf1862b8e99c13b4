//! Dialogues that an entry brings along: what must be sent, and what each answer to it means.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use litemap::LiteMap;

use super::account::Account;
use super::entry::Provider;
use super::settings::AccountSettings;
use super::template::{MASK, query};
use super::{Family, Method, Prefix, Refusal, Reply, Request, Secret, Step, Update, Verdict};

/// The names and settings that an entry's dialogues have in common.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Example {
    /// Names, in order.
    pub names: Vec<String>,
    /// Options of the account; their secrets are made up.
    pub settings: LiteMap<String, String>,
}

/// One request, those before it, and the answers that can follow it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// Requests that come first, each with its answer.
    pub before: Vec<Exchange>,
    /// The address of the A records.
    pub ipv4: Option<Ipv4Addr>,
    /// The address of the AAAA records.
    pub ipv6: Option<Ipv6Addr>,
    /// Names with another IPv6 address.
    pub ipv6_of: LiteMap<String, String>,
    /// Further addresses of all names.
    pub further: Vec<String>,
    /// How long the prefix is, in bits, that goes along with the IPv6 address.
    pub prefix_length: Option<u8>,
    /// Families whose records are removed.
    pub removed: Vec<Family>,
    /// Names, if not those of the example.
    pub names: Vec<String>,
    /// Options that differ from the example.
    pub settings: LiteMap<String, String>,
    /// What is sent last.
    pub request: RecordedRequest,
    /// Answers, with their meaning.
    pub answers: Vec<RecordedAnswer>,
}

/// A request as it must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedRequest {
    /// The method; default GET.
    pub method: Method,
    /// The URL that is sent, with the example's secrets.
    pub url: String,
    /// Header fields that are sent, in order: `Name: value`.
    pub headers: Vec<String>,
    /// The body that is sent.
    pub body: Option<String>,
    /// The family that the connection must use.
    pub family: Option<Family>,
}

/// A request and its answer, which leads to another request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// What is sent.
    pub request: RecordedRequest,
    /// HTTP status of the answer; default 200.
    pub status: u16,
    /// The body of the answer.
    pub answer: String,
}

/// One answer and what it means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedAnswer {
    /// HTTP status; default 200.
    pub status: u16,
    /// Header fields.
    pub headers: LiteMap<String, String>,
    /// The body.
    pub body: String,
    /// One word for all names, or one for each: `good`, `unchanged`, `busy`, `busy 120` (seconds), `abuse`,
    /// `credentials`, `malformed`, `name`, `not understood`.
    pub verdicts: Vec<String>,
}

/// When the dialogues take place: 2026-01-01T00:00:00Z.
pub const RECORDED_AT: u64 = 1_767_225_600;

/// What differs from the recording.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mismatch {
    /// The recorded URL.
    pub url: String,
    /// What was compared.
    pub what: String,
    /// What the recording says.
    pub recorded: String,
    /// What the entry does.
    pub played: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, what, recorded, played } = self;
        write!(f, "dialogue {url}: {what}: recorded {recorded:?}, played {played:?}")
    }
}

impl std::error::Error for Mismatch {}

impl Provider {
    /// Plays the entry's dialogues; gives every difference.
    #[must_use]
    pub fn play(self: &Arc<Self>) -> Vec<Mismatch> {
        self.dialogues.iter().flat_map(|recorded| recorded.play(self)).collect()
    }
}

impl Recorded {
    fn play(&self, provider: &Arc<Provider>) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let mut compare = |what: &str, recorded: String, played: String| {
            if recorded != played {
                found.push(Mismatch {
                    url: self.request.url.clone(),
                    what: what.to_owned(),
                    recorded,
                    played,
                });
            }
        };
        let (settings, account, update) = match self.stage(provider) {
            Ok(stage) => stage,
            Err(words) => {
                compare("account", "valid settings".to_owned(), words);
                return found;
            }
        };
        for answer in &self.answers {
            let (mut dialogue, mut step) = account.dialogue(&update, RECORDED_AT);
            let before = self.before.iter().map(|before| (&before.request, Some(before.reply())));
            for (wanted, reply) in before.chain([(&self.request, None)]) {
                match step {
                    Step::Ask(ref question) => {
                        compare("request", wanted.url.clone(), question.shown.clone());
                    }
                    Step::Send(ref request) => wanted.compare(request, &settings, &mut compare),
                    Step::Done(ref verdicts) => {
                        compare("request", wanted.url.clone(), format!("{verdicts:?}"));
                    }
                }
                if let Some(reply) = reply {
                    step = dialogue.advance(&reply);
                }
            }
            let played = match dialogue.advance(&answer.reply()) {
                Step::Ask(question) => format!("a question: {}", question.shown),
                Step::Send(request) => format!("another request: {}", request.shown),
                Step::Done(verdicts) => verdicts.iter().map(Verdict::word).collect::<Vec<_>>().join(", "),
            };
            let recorded = answer.verdicts_of(update.names.len()).join(", ");
            compare(&format!("answer {} {:?}", answer.status, answer.body), recorded, played);
        }
        found
    }

    /// The account and the update of this dialogue, for whoever plays it over a wire.
    ///
    /// # Errors
    /// In words, what is wrong with the example's settings.
    pub fn begin(&self, provider: &Arc<Provider>) -> Result<(Account, Update), String> {
        self.stage(provider).map(|(_, account, update)| (account, update))
    }

    fn stage(&self, provider: &Arc<Provider>) -> Result<(AccountSettings, Account, Update), String> {
        let settings = self.settings(provider).map_err(|option| format!("unknown option {option}"))?;
        let names = if self.names.is_empty() { &provider.example.names } else { &self.names };
        let mut update = Update {
            names: names.clone(),
            ipv4: self.ipv4,
            ipv6: self.ipv6,
            prefix: self.ipv6.zip(self.prefix_length).map(|(ip, length)| Prefix::of(ip, length)),
            removed: self.removed.clone(),
            ..Update::default()
        };
        for (name, ip) in &self.ipv6_of {
            update.ipv6_of.insert(name.clone(), ip.parse().map_err(|_| format!("no IPv6 address: {ip}"))?);
        }
        for ip in &self.further {
            update.further.push(ip.parse().map_err(|_| format!("no address: {ip}"))?);
        }
        let told = |family: &Family| update.address(*family).is_some() || update.removed.contains(family);
        let families: Vec<Family> = [Family::V4, Family::V6].into_iter().filter(told).collect();
        match Account::new(Arc::clone(provider), settings.clone(), names, &families) {
            Ok(account) => Ok((settings, account, update)),
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        }
    }

    fn settings(&self, provider: &Provider) -> Result<AccountSettings, String> {
        let mut settings = AccountSettings::default();
        for (option, value) in provider.example.settings.iter().chain(&self.settings) {
            let text = || Some(value.clone());
            let secret = || Some(Secret::new(value.as_str()));
            match option.as_str() {
                "user" => settings.user = text(),
                "password" => settings.password = secret(),
                "token" => settings.token = secret(),
                "token6" => settings.token6 = secret(),
                "param" => settings.param = secret(),
                "param_opt" => settings.param_opt = secret(),
                "record_id" => settings.record_id = text(),
                "server" => settings.server = text(),
                "path" => settings.path = text(),
                "ttl" => settings.ttl = value.parse().ok(),
                "zone" => settings.zone = text(),
                "url" => settings.url = secret(),
                "body" => settings.body = secret(),
                "success" => settings.success = vec![value.clone()],
                "raw" => settings.raw = value == "1",
                "insecure" => settings.insecure = value == "1",
                other => return Err(other.to_owned()),
            }
        }
        Ok(settings)
    }
}

impl RecordedRequest {
    fn compare(
        &self,
        request: &Request,
        settings: &AccountSettings,
        compare: &mut impl FnMut(&str, String, String),
    ) {
        compare("method", format!("{:?}", self.method), format!("{:?}", request.method));
        compare("url", self.url.clone(), request.url.expose().to_owned());
        let secrets =
            [&settings.password, &settings.token, &settings.token6, &settings.param, &settings.param_opt];
        if settings.url.is_none() {
            let shown = secrets.into_iter().flatten().fold(self.url.clone(), |url, secret| {
                url.replace(&query(secret.expose()), MASK).replace(secret.expose(), MASK)
            });
            compare("shown", shown, request.shown.clone());
        }
        let leaks = secrets.into_iter().flatten().any(|secret| request.shown.contains(secret.expose()));
        compare("secrets shown", false.to_string(), leaks.to_string());
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
        compare("headers", self.headers.join("\n"), headers.join("\n"));
        let body = request.body.as_ref().map(|body| body.expose().to_owned());
        compare("body", format!("{:?}", self.body), format!("{body:?}"));
        compare("family", format!("{:?}", self.family), format!("{:?}", request.family));
    }
}

impl Exchange {
    fn reply(&self) -> Reply {
        Reply { status: self.status, headers: Vec::new(), body: self.answer.clone() }
    }
}

impl RecordedAnswer {
    /// A verdict for each of so many names.
    #[must_use]
    pub fn verdicts_of(&self, names: usize) -> Vec<String> {
        match self.verdicts.as_slice() {
            [one] => vec![one.clone(); names],
            each => each.to_vec(),
        }
    }

    fn reply(&self) -> Reply {
        let headers =
            self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        Reply { status: self.status, headers, body: self.body.clone() }
    }
}

impl Verdict {
    /// The word for it in recorded dialogues.
    #[must_use]
    pub fn word(&self) -> String {
        let word = match self {
            Self::Good => "good",
            Self::Unchanged => "unchanged",
            Self::Busy { retry_after: None, .. } => "busy",
            Self::Busy { retry_after: Some(wish), .. } => return format!("busy {}", wish.as_secs()),
            Self::Refused { refusal: Refusal::Abuse, .. } => "abuse",
            Self::Refused { refusal: Refusal::Credentials, .. } => "credentials",
            Self::Refused { refusal: Refusal::Malformed, .. } => "malformed",
            Self::Refused { refusal: Refusal::Name, .. } => "name",
            Self::NotUnderstood { .. } => "not understood",
        };
        word.to_owned()
    }
}
