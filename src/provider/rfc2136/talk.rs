//! One update on its way to its servers: what to ask next, and what all answers together mean.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use domain::base::iana::Rtype;

use super::super::dns::{DNS_PORT, NameServer, Question, rcode};
use super::super::{Refusal, Step, Update, Verdict};
use super::message::{self, Changes};
use super::tsig::{self, Flaw, Signed};
use super::{Peer, authority, verdict};

/// An update on its way; see the module's picture.
pub(in crate::provider) struct Talk {
    peer: Arc<Peer>,
    update: Update,
    /// Unix time, in seconds, as this machine or the server knows it.
    now: u64,
    /// Messages so far.
    count: u16,
    /// What still has no zone or server; the first is being looked for.
    unplaced: VecDeque<Unplaced>,
    /// What has both; after `unplaced`, the first is being sent.
    placed: VecDeque<Batch>,
    /// Addresses whose PTR records come after all that.
    pointers: VecDeque<IpAddr>,
    /// The update that waits for its answer.
    sent: Option<Signed>,
    /// Whether the first of `placed` was sent with its server's time.
    is_corrected: bool,
    verdicts: Vec<Option<Verdict>>,
}

/// Names by their places in the update, and what is said of them: their addresses, or the PTR record of this one.
#[derive(Clone)]
struct Subject {
    names: Vec<usize>,
    pointer: Option<IpAddr>,
}

/// What lies in the zone that the SOA record of `owner` will show.
struct Unplaced {
    owner: String,
    subject: Subject,
}

/// What lies in one zone at one server.
struct Batch {
    zone: String,
    server: NameServer,
    subject: Subject,
}

impl Talk {
    /// `now` is in seconds of Unix time; a clock that was never set is put right by the server.
    pub(in crate::provider) fn begin(peer: Arc<Peer>, update: &Update, now: u64) -> (Self, Step) {
        let all: Vec<usize> = (0..update.names.len()).collect();
        let mut talk = Self {
            update: update.clone(),
            now,
            count: 0,
            unplaced: VecDeque::new(),
            placed: VecDeque::new(),
            pointers: VecDeque::new(),
            sent: None,
            is_corrected: false,
            verdicts: vec![None; all.len()],
            peer,
        };
        talk.pointers.extend(talk.peer.pointers(update));
        let of = |names| Subject { names, pointer: None };
        match (talk.peer.zone.clone(), talk.peer.server.clone()) {
            (Some(zone), Some(server)) => talk.placed.push_back(Batch { zone, server, subject: of(all) }),
            (Some(owner), None) => talk.unplaced.push_back(Unplaced { owner, subject: of(all) }),
            (None, _) => {
                let each = update.names.iter().zip(all);
                let each = each.map(|(owner, at)| Unplaced { owner: owner.clone(), subject: of(vec![at]) });
                talk.unplaced.extend(each);
            }
        }
        let step = talk.next();
        (talk, step)
    }

    /// Takes the answer to the last question and says what comes next.
    pub(in crate::provider) fn hear(&mut self, message: &[u8]) -> Step {
        match self.sent.take() {
            Some(request) => self.updated(message, &request),
            None => self.located(message),
        }
        self.next()
    }

    /// An answer to the question for a SOA record.
    fn located(&mut self, message: &[u8]) {
        let Some(mut unplaced) = self.unplaced.pop_front() else { return };
        let code = rcode(message);
        let (zone, mend) = match unplaced.subject.pointer {
            None => (self.peer.zone.as_ref(), "set 'zone' and 'server'"),
            Some(_) => (None, "leave out 'ptr' if this zone is not yours"),
        };
        if !matches!(code, "NOERROR" | "NXDOMAIN") {
            let words =
                format!("cannot find the zone of {}: {} says {code}; {mend}", unplaced.owner, self.whom());
            return self.settle(&unplaced.subject, verdict::busy(words));
        }
        match message::authority(message, &unplaced.owner) {
            // A zone that was set must be one.
            Some(found) if zone.is_none_or(|zone| *zone == found.zone) => {
                let host = NameServer::Host { host: found.primary, port: DNS_PORT };
                let server = self.peer.server.clone().unwrap_or(host);
                self.place(found.zone, server, unplaced.subject);
            }
            Some(found) => {
                let words =
                    format!("{} is no zone; it lies in {}: set 'zone' to that", unplaced.owner, found.zone);
                self.settle(&unplaced.subject, verdict::busy(words));
            }
            None => match unplaced.owner.split_once('.') {
                Some((_, parent)) if zone.is_none() => {
                    unplaced.owner = parent.to_owned();
                    self.unplaced.push_front(unplaced);
                }
                Some(_) | None => {
                    let words = format!("{} does not say which zone it is; {mend}", self.whom());
                    self.settle(&unplaced.subject, Verdict::NotUnderstood { words });
                }
            },
        }
    }

    /// One message for all names of a zone, in the order of the update.
    fn place(&mut self, zone: String, server: NameServer, subject: Subject) {
        let together =
            |batch: &&mut Batch| subject.pointer.is_none() && batch.zone == zone && batch.server == server;
        match self.placed.iter_mut().find(together) {
            Some(batch) => batch.subject.names.extend(subject.names),
            None => self.placed.push_back(Batch { zone, server, subject }),
        }
    }

    /// An answer to the update.
    fn updated(&mut self, message: &[u8], request: &Signed) {
        let Some(batch) = self.placed.front() else { return };
        let verdict = match tsig::check(&self.peer, request, message, self.now) {
            Err(Flaw::BadTime(time)) if !self.is_corrected => {
                self.now = time;
                self.is_corrected = true;
                return;
            }
            checked => verdict::of(&self.peer, &batch.zone, rcode(message), checked),
        };
        self.is_corrected = false;
        if let Some(batch) = self.placed.pop_front() {
            self.settle(&batch.subject, verdict);
        }
    }

    fn settle(&mut self, subject: &Subject, verdict: Verdict) {
        let verdict = match subject.pointer {
            None => verdict,
            Some(ip) => verdict::of_pointer(ip, verdict),
        };
        for at in &subject.names {
            if let Some(known) = self.verdicts.get_mut(*at) {
                *known = Some(verdict.clone());
            }
        }
    }

    /// Begins with the PTR record of the next address; it names what was just published, or nothing.
    fn point(&mut self) -> bool {
        let Some(ip) = self.pointers.pop_front() else { return false };
        let at =
            self.peer.pointer(&self.update).filter(|at| self.verdicts.get(*at) == Some(&Some(Verdict::Good)));
        let unplaced = |at| Unplaced {
            owner: message::reverse(ip),
            subject: Subject { names: vec![at], pointer: Some(ip) },
        };
        self.unplaced.extend(at.map(unplaced));
        true
    }

    fn next(&mut self) -> Step {
        loop {
            let question = if let Some(unplaced) = self.unplaced.front() {
                self.question(&unplaced.owner)
            } else if let Some(batch) = self.placed.front() {
                self.send(batch).map(|(question, request)| {
                    self.sent = Some(request);
                    question
                })
            } else if self.point() {
                continue;
            } else {
                return Step::Done(
                    self.verdicts.iter().cloned().map(|v| v.unwrap_or_else(impossible)).collect(),
                );
            };
            self.count = self.count.wrapping_add(1);
            match question {
                Some(question) => return Step::Ask(question),
                // Cannot be written as a message; the configuration was checked, so only a caller's mistake leads here.
                None => {
                    let unplaced = self.unplaced.pop_front().map(|unplaced| unplaced.subject);
                    let subject = unplaced.or_else(|| self.placed.pop_front().map(|batch| batch.subject));
                    if let Some(subject) = subject {
                        self.settle(&subject, impossible());
                    }
                }
            }
        }
    }

    fn question(&self, owner: &str) -> Option<Question> {
        let server = self.peer.server.clone().unwrap_or(NameServer::Resolver);
        let id = message::id(&self.peer, &self.update, self.now, self.count);
        Some(Question {
            // Only the resolver has to ask others.
            message: message::question(id, owner, Rtype::SOA, server == NameServer::Resolver)?,
            server,
            transport: self.peer.dns.transport,
            is_update: false,
            shown: format!("SOA of {owner} at {}", self.whom()),
        })
    }

    fn send(&self, batch: &Batch) -> Option<(Question, Signed)> {
        let mut names = batch.subject.names.iter().filter_map(|at| self.update.names.get(*at).cloned());
        let changes = match batch.subject.pointer {
            None => Changes::of_names(names.collect(), &self.update),
            Some(ip) => Changes::of_address(ip, names.next()?),
        };
        let id = message::id(&self.peer, &self.update, self.now, self.count);
        let signed = message::update(&self.peer, (id, self.now), &batch.zone, &changes)?;
        let server = Some(&batch.server);
        let question = Question {
            server: batch.server.clone(),
            transport: self.peer.dns.transport,
            message: signed.message.clone(),
            is_update: true,
            shown: message::script(&self.peer, server, Some(&batch.zone), &changes),
        };
        Some((question, signed))
    }

    /// Who is asked for zones.
    fn whom(&self) -> String {
        self.peer.server.as_ref().map_or_else(|| authority(&NameServer::Resolver), authority)
    }
}

fn impossible() -> Verdict {
    let words =
        "cannot be written as a DNS message: check 'hostname', 'zone', 'user' and 'password'".to_owned();
    Verdict::Refused { refusal: Refusal::Malformed, words }
}
