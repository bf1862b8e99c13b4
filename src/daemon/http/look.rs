//! Performs a look at a zone's name servers: questions that change nothing, and of which each may stay without an answer.

use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::Limits;
use super::dns::Sender;
use super::fault;
use super::ticket::Ticket;
use super::worker::Shell;
use crate::engine::JobId;
use crate::provider::{Look, Seen};

/// A look and the way back of what it sees: told once, whatever becomes of it.
pub(super) struct Looking {
    look: Box<Look>,
    bind: Option<String>,
    tell: Option<Box<dyn FnOnce(Vec<Seen>) + Send>>,
}

impl Looking {
    pub(super) fn new(look: Look, bind: Option<String>, tell: Box<dyn FnOnce(Vec<Seen>) + Send>) -> Self {
        Self { look: Box::new(look), bind, tell: Some(tell) }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(self.look.seen());
        }
    }
}

/// One question, with its repetition over UDP after a second and over TCP if need be. Our judgement: a server that does
/// not answer within this time is looked at again later.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn perform(shell: &Shell, mut looking: Looking) {
    let patience = Limits { total: PATIENCE, ..shell.limits };
    let ticket = Ticket::new(JobId(0), Arc::new(|_, _, _| {}), String::new()).map(Arc::new);
    while let Some(question) = looking.look.question(id()) {
        let answer = ticket.as_ref().map_err(fault::words).and_then(|ticket| {
            let bind = looking.bind.as_deref();
            let sender = Sender { shell, ticket, bind, question: &question, limits: &patience, keeps: false };
            sender.perform().map_err(|failure| failure.detail)
        });
        looking
            .look
            .hear(answer.as_ref().map(|(message, server)| (&message[..], server.ip())).map_err(Clone::clone));
    }
}

/// So that who cannot see the question cannot answer it in the server's place; its port is another such number.
fn id() -> u16 {
    let mut id = [0; 2];
    // Without random numbers the port is left.
    let _ = SystemRandom::new().fill(&mut id);
    u16::from_be_bytes(id)
}
