//! `test`: what would be sent now, without sending it.

use std::fmt::Write;

use super::{Failure, catalogue, report};
use crate::daemon::settings::Loaded;
use crate::daemon::trial::{Shown, Sketch, trial, unknown};
use crate::daemon::view;
use crate::engine::RecordId;

/// What the networks and devices have, the requests for it, and what the provider expects.
pub(super) fn text(record: &RecordId, loaded: &Loaded) -> Result<String, Failure> {
    let snapshot = view::snapshot(&loaded.compiled.settings.wanted(), &loaded.config.global)
        .map_err(|error| Failure::Failed(format!("the kernel does not tell its addresses: {error}")))?;
    let Some(trial) = trial(record, loaded, &snapshot) else {
        return Err(Failure::Wrong(unknown(record, loaded)));
    };
    let mut text: String =
        trial.sources.iter().filter_map(|source| report::look(record, None, source)).collect();
    push_requests(&mut text, &trial.requests);
    if let Some(name) = trial.through {
        let _ = writeln!(text, "\nthrough {name}, whatever the routes say");
    }
    text.push('\n');
    let provider = trial.account.provider();
    let is_own = loaded.config.own.is_own(&provider.id);
    text.push_str(&catalogue::detail(provider, if is_own { catalogue::YOURS } else { "" }));
    Ok(text)
}

fn push_requests(text: &mut String, sketches: &[Sketch]) {
    if sketches.is_empty() {
        text.push_str("\nno request: there is no address to publish\n");
    }
    for sketch in sketches {
        text.push('\n');
        match &sketch.request {
            Some(request) => push_request(text, request),
            None => {
                let names = sketch.names.join(", ");
                let _ = writeln!(text, "no request for {names}: the provider's entry has none for it");
            }
        }
    }
}

fn push_request(text: &mut String, request: &Shown) {
    let _ = writeln!(text, "{} {}", request.method, request.url);
    for (name, value) in &request.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    if let Some(body) = &request.body {
        let _ = writeln!(text, "\n{body}");
    }
    if let Some(family) = request.over {
        let _ = writeln!(text, "over {family}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_and_without_a_form_there_is_no_request_and_it_says_why() {
        let mut shown = String::new();
        push_requests(&mut shown, &[]);
        assert_eq!(shown, "\nno request: there is no address to publish\n");
        shown.clear();
        push_requests(&mut shown, &[Sketch { names: vec!["a.example.org".to_owned()], request: None }]);
        assert_eq!(shown, "\nno request for a.example.org: the provider's entry has none for it\n");
    }

    #[test]
    fn a_request_is_shown_as_it_would_be_sent() {
        let request = Shown {
            method: "PUT".to_owned(),
            url: "https://dyn.example.org/update".to_owned(),
            headers: vec![("Authorization".to_owned(), "***".to_owned())],
            body: Some("ip=198.51.100.7".to_owned()),
            over: None,
        };
        let mut shown = String::new();
        push_requests(&mut shown, &[Sketch { names: Vec::new(), request: Some(request) }]);
        let wanted = "\nPUT https://dyn.example.org/update\nAuthorization: ***\n\nip=198.51.100.7\n";
        assert_eq!(shown, wanted);
    }
}
