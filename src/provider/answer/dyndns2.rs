//! The words of the Dyn protocol (help.dyn.com, "return codes") and those that its followers added.

use super::Class;
use super::matcher::first_word;

/// The word that a line begins with, if it is one of the protocol's.
pub(super) fn class(line: &str) -> Option<Class> {
    let word = first_word(line).to_ascii_lowercase();
    Some(match word.as_str() {
        "good" => Class::Ok,
        "nochg" => Class::Nochg,
        "badauth" | "!donator" | "!active" => Class::Auth,
        "nohost" | "notfqdn" | "nofqdn" | "numhost" | "!yours" => Class::Nohost,
        "abuse" | "badagent" => Class::Abuse,
        "badsys" | "badrequest" | "badip" | "badparam" => Class::Config,
        "911" | "dnserr" | "servererror" => Class::Fault,
        _ => return None,
    })
}

/// Whether the server wrote 127.0.0.1 beside a success: it has ignored the request because of its User-Agent.
pub(super) fn is_ignored(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == "127.0.0.1")
}
