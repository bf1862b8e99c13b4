//! What the lookups of a dialogue have found out so far.

use litemap::LiteMap;

use super::super::lookup::zones;
use super::super::template::Known;
use super::super::{Reply, Request};

/// What is known about the record that comes next, and what was answered before.
#[derive(Default)]
pub(super) struct Search {
    /// By the number of the value.
    taken: Vec<String>,
    /// The zone that is asked for, or that was found.
    zone: Option<String>,
    /// Zones that were found, by name.
    found: LiteMap<String, String>,
    /// Questions with their answers: none is asked twice in one dialogue.
    memory: Vec<(Request, Reply)>,
    open: Option<Request>,
}

impl Search {
    /// Begins with another record. If the zone has to be searched, with the name itself.
    pub(super) fn begin(&mut self, name: &str, walks: bool) {
        self.taken.clear();
        self.zone = self.found.get(name).cloned();
        if self.zone.is_none() && walks {
            self.zone = zones(name).into_iter().next();
        }
    }

    /// Goes on to the zone above. False: there is none.
    pub(super) fn walk(&mut self, name: &str) -> bool {
        let mut above = zones(name).into_iter().skip_while(|zone| Some(zone) != self.zone.as_ref()).skip(1);
        self.zone = above.next();
        self.zone.is_some()
    }

    /// Notes what a lookup for this name found.
    pub(super) fn learn(&mut self, name: &str, taken: Vec<(usize, String)>, zone: Option<String>) {
        for (number, value) in taken {
            if self.taken.len() <= number {
                self.taken.resize(number + 1, String::new());
            }
            if let Some(place) = self.taken.get_mut(number) {
                *place = value;
            }
        }
        self.zone = zone.or_else(|| self.zone.take());
        if let Some(zone) = &self.zone {
            self.found.insert(name.to_owned(), zone.clone());
        }
    }

    pub(super) fn known(&self) -> Known<'_> {
        Known { zone: self.zone.as_deref(), taken: &self.taken, ..Known::default() }
    }

    /// The answer to the same question, if it was asked before.
    pub(super) fn remembered(&self, request: &Request) -> Option<Reply> {
        self.memory.iter().find(|(asked, _)| asked == request).map(|(_, reply)| reply.clone())
    }

    pub(super) fn asks(&mut self, request: Request) {
        self.open = Some(request);
    }

    pub(super) fn answered(&mut self, reply: &Reply) {
        self.memory.extend(self.open.take().map(|request| (request, reply.clone())));
    }
}
