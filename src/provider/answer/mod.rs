//! A reply becomes verdicts, one for each name.
//!
//! ```text
//! conditions of the entry ──▶ words of its profile ──▶ conditions on the status alone ──▶ rules for every provider
//! ```
//!
//! The first that holds decides. What nobody knows is never a success.

mod dyndns2;
mod matcher;
mod patience;

pub(super) use matcher::Matcher;
pub use matcher::{MatcherError, MatcherMistake};
use matcher::{Subject, element};
use patience::retry_after;

use super::template::Values;
use super::{Refusal, Reply, Verdict, WORDS_MAX};

/// What an answer means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    Abuse,
    Auth,
    Config,
    Fault,
    Nochg,
    Nohost,
    Ok,
}

impl Class {
    /// The order in which an entry's conditions are asked: `nochg` first, because its answers often contain a success.
    pub(super) const ORDER: [Self; 7] =
        [Self::Nochg, Self::Ok, Self::Auth, Self::Nohost, Self::Abuse, Self::Fault, Self::Config];

    fn is_success(self) -> bool {
        matches!(self, Self::Nochg | Self::Ok)
    }

    /// Whether it concerns one name; the others concern the account or the whole request.
    fn is_of_name(self) -> bool {
        matches!(self, Self::Nochg | Self::Nohost | Self::Ok)
    }
}

/// A set of words that several providers share.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Profile {
    /// The return codes of the Dyn protocol.
    Dyndns2,
    /// Servers of which only `good` and `nochg` are documented; the other Dyn words mean the same when they appear.
    GoodNochg,
    /// Only the entry's own conditions.
    #[default]
    None,
}

/// Which part of the body speaks of a name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Lines {
    /// One line for each name, in the order of the request; errors of the account come once.
    PerName,
    /// The whole body speaks of all names.
    #[default]
    Whole,
}

/// How the answers of one provider are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    pub(super) profile: Profile,
    pub(super) lines: Lines,
    /// Whether a success may come as an HTML page.
    pub(super) html: bool,
    /// Conditions, in the order in which they are asked.
    pub(super) conditions: Vec<(Class, Matcher)>,
}

/// Hides secrets in what a provider said.
pub(super) type Redact<'a> = &'a dyn Fn(&str) -> String;

impl Answers {
    /// One verdict for each name of the request, in order.
    pub(super) fn classify(&self, reply: &Reply, values: &Values<'_>, redact: Redact<'_>) -> Vec<Verdict> {
        let whole = || {
            let class = self.class(reply, reply.body.trim(), values);
            vec![verdict(class, reply, &reply.body, redact); values.names.len()]
        };
        let lines: Vec<&str> = reply.body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match self.lines {
            Lines::Whole => whole(),
            Lines::PerName if lines.is_empty() => whole(),
            Lines::PerName => self.per_name(&lines, reply, values, redact),
        }
    }

    /// What the answer to a question before the update means, if it is not what the entry expects: never a success.
    pub(super) fn failure(&self, reply: &Reply, values: &Values<'_>, redact: Redact<'_>) -> Verdict {
        let class = self.class(reply, reply.body.trim(), values).filter(|class| !class.is_success());
        verdict(class, reply, &reply.body, redact)
    }

    fn per_name(
        &self,
        lines: &[&str],
        reply: &Reply,
        values: &Values<'_>,
        redact: Redact<'_>,
    ) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = Vec::new();
        let mut rest = Verdict::NotUnderstood { words: "no line for this name".to_owned() };
        for line in lines.iter().take(values.names.len()) {
            let class = self.class(reply, line, values);
            let verdict = verdict(class, reply, line, redact);
            if !class.is_some_and(Class::is_of_name) {
                rest = verdict.clone();
            }
            verdicts.push(verdict);
        }
        verdicts.resize(values.names.len(), rest);
        verdicts
    }

    fn class(&self, reply: &Reply, text: &str, values: &Values<'_>) -> Option<Class> {
        let subject = Subject { reply, text, values };
        let fine = (200..300).contains(&reply.status);
        let page = !self.html && is_page(&reply.body);
        let allowed =
            |class: Class, names_status: bool| !class.is_success() || ((fine || names_status) && !page);
        let ask = |status_only: bool| {
            self.conditions
                .iter()
                .filter(|(_, matcher)| matcher.is_status_only() == status_only)
                .filter(|(class, matcher)| allowed(*class, matcher.names_status()))
                .find(|(_, matcher)| matcher.holds(&subject))
                .map(|(class, _)| *class)
        };
        let word = match self.profile {
            Profile::Dyndns2 | Profile::GoodNochg => {
                dyndns2::class(text).filter(|class| allowed(*class, false))
            }
            Profile::None => None,
        };
        let heard = ask(false).or(word).map(|class| self.see_through(class, text, values));
        heard.or_else(|| ask(true)).or_else(|| status_class(reply.status))
    }

    /// `good 127.0.0.1` without having asked for it: the server answers a rejected agent like this (help.dyn.com).
    fn see_through(&self, class: Class, text: &str, values: &Values<'_>) -> Class {
        let ignored = self.profile != Profile::None && dyndns2::is_ignored(text);
        let asked = values.ipv4.is_some_and(|ip| ip.is_loopback());
        if class.is_success() && ignored && !asked { Class::Abuse } else { class }
    }
}

/// What a status says about every provider, when neither the entry nor the body says more.
fn status_class(status: u16) -> Option<Class> {
    match status {
        401 | 403 => Some(Class::Auth),
        429 | 500..600 => Some(Class::Fault),
        _ => None,
    }
}

fn verdict(class: Option<Class>, reply: &Reply, text: &str, redact: Redact<'_>) -> Verdict {
    let refused = |refusal| Verdict::Refused { refusal, words: words(reply, text, redact) };
    match class {
        Some(Class::Abuse) => refused(Refusal::Abuse),
        Some(Class::Auth) => refused(Refusal::Credentials),
        Some(Class::Config) => refused(Refusal::Malformed),
        Some(Class::Fault) => {
            Verdict::Busy { words: words(reply, text, redact), retry_after: retry_after(reply) }
        }
        Some(Class::Nochg) => Verdict::Unchanged,
        Some(Class::Nohost) => refused(Refusal::Name),
        Some(Class::Ok) => Verdict::Good,
        None => Verdict::NotUnderstood { words: words(reply, text, redact) },
    }
}

/// The provider's own words: one line, no control characters, no secrets, at most [`WORDS_MAX`] characters.
fn words(reply: &Reply, text: &str, redact: Redact<'_>) -> String {
    let said = if is_page(text) {
        match element(text, "title").map(str::trim).filter(|title| !title.is_empty()) {
            Some(title) => format!("an HTML page, \"{}\"", redact(title)),
            None => "an HTML page".to_owned(),
        }
    } else {
        redact(text)
    };
    let mut line =
        if (200..300).contains(&reply.status) { String::new() } else { format!("HTTP {} ", reply.status) };
    if (300..400).contains(&reply.status) {
        if let Some(host) = location_host(reply) {
            line.push_str(&format!("leads to {} ", redact(&host)));
        }
    }
    line.push_str(&said);
    let printable =
        line.chars().map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c }).collect::<String>();
    let words: Vec<&str> = printable.split_whitespace().collect();
    let words: String = words.join(" ").chars().take(WORDS_MAX).collect();
    if words.is_empty() { "an empty answer".to_owned() } else { words }
}

/// Characters that turn the direction of writing could disguise a log line.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Where a redirect leads to, without path and query: these may repeat our own.
fn location_host(reply: &Reply) -> Option<String> {
    let (_, location) = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    let (_, rest) = location.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit('@').next().map(str::to_owned)
}

/// Whether a body is an HTML page: what a captive portal, a proxy or a parked domain answers.
pub(super) fn is_page(body: &str) -> bool {
    const SIGNS: [&str; 6] = ["<!doctype html", "<html", "<head", "<body", "<title", "<script"];
    let lower = body.to_ascii_lowercase();
    SIGNS.iter().any(|sign| lower.contains(sign))
}

#[cfg(test)]
mod tests;
