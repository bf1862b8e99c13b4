//! The lines of `ddclient.conf`: comments and continuations away, then `name=value`, names, login, password.
//!
//! What belongs to what is that of `_read_config` and `parse_assignment` of ddclient 4.0.

use super::super::value::Fault;

/// One line, joined with those that continue it.
pub(super) struct Line {
    /// Offset of its beginning.
    pub(super) at: usize,
    /// In order; a name may occur twice, the last one counts.
    pub(super) assignments: Vec<(String, String)>,
    /// Names of hosts; none: the line holds for those below it.
    pub(super) hosts: Vec<String>,
}

/// Reads a file.
///
/// # Errors
///
/// All lines that are not understood.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, Vec<Fault>> {
    let mut lines = Vec::new();
    let mut faults = Vec::new();
    let mut joined = String::new();
    let mut begin = None;
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let from = *begin.get_or_insert(at);
        at += raw.len();
        let (clean, continues) = clean(raw.trim_end_matches(['\n', '\r']));
        joined.push_str(&clean);
        if continues && at < text.len() {
            continue;
        }
        if !joined.trim().is_empty() {
            match line(joined.trim(), from) {
                Ok(line) => lines.push(line),
                Err(fault) => faults.push(fault),
            }
        }
        joined.clear();
        begin = None;
    }
    if faults.is_empty() { Ok(lines) } else { Err(faults) }
}

/// A line without its comment, and whether the next one continues it. A password reaches up to the next blank, or to
/// the end of its quotes, whatever is in it: it is written anew with a backslash before each character.
fn clean(raw: &str) -> (String, bool) {
    let mut clean = String::new();
    let mut rest = raw;
    while let Some((head, value, tail)) = password(rest) {
        clean.extend([head, "="]);
        value.chars().for_each(|c| clean.extend(['\\', c]));
        rest = tail;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    match rest.trim_end().strip_suffix('\\') {
        Some(rest) => (clean + rest, true),
        None => (clean + rest, false),
    }
}

/// The first `…password=VALUE` before a comment: all before the '=', the value, all behind it. Here alone blanks may
/// stand beside the '='.
fn password(text: &str) -> Option<(&str, &str, &str)> {
    const WORD: &str = "password";
    let code = text.split('#').next().unwrap_or_default();
    for (at, _) in code.match_indices(WORD) {
        let behind = code.get(at + WORD.len()..)?;
        let Some(value) = behind.trim_start().strip_prefix('=') else { continue };
        let name = code.len() - behind.len();
        let begin = code.len() - value.trim_start().len();
        let value = text.get(begin..)?;
        let head = text.get(..name)?;
        let (value, tail) = match value.strip_prefix('\'') {
            Some(inner) => {
                let ends = |(at, _): &(usize, &str)| {
                    inner
                        .get(at + 1..)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', ',']))
                };
                let end = inner.match_indices('\'').find(ends).map(|(at, _)| at)?;
                (inner.get(..end)?, inner.get(end + 1..)?)
            }
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        return Some((head, value, tail));
    }
    None
}

fn line(text: &str, at: usize) -> Result<Line, Fault> {
    let mut assignments = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        let Some((name, value)) = rest.split_once('=').filter(|(name, _)| is_name(name)) else { break };
        let Some((value, behind)) = value_of(value) else {
            let what = format!("the quote of '{name}' is not closed");
            return Err(Fault::new(at, what, "add the second one at the end of the value"));
        };
        assignments.push((name.to_ascii_lowercase(), value));
        rest = behind;
    }
    let mut hosts: Vec<String> = Vec::new();
    let mut words = words(rest).into_iter();
    let first = words.next().unwrap_or_default();
    if first.contains('=') || words.clone().any(|word| word.starts_with('=')) {
        return Err(Fault::new(at, "there is a blank beside a '='", "write name=value without blanks"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_*@,".contains(c) || !c.is_ascii();
    if !first.chars().all(fits) {
        // It may be a password whose '=' is missing.
        return Err(Fault::new(
            at,
            "this is the name of no host",
            "write name=value, and names with commas between them",
        ));
    }
    hosts.extend(first.split(',').filter(|host| !host.is_empty()).map(str::to_owned));
    if let Some((_, host)) = assignments.iter().find(|(name, _)| name == "host") {
        hosts.extend(host.split(',').map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()));
    }
    assignments.retain(|(name, _)| name != "host");
    for name in ["login", "password"] {
        assignments.extend(words.next().map(|word| (name.to_owned(), word)));
    }
    if words.next().is_some() {
        let mend = "write the names of hosts with commas between them, then login and password at most";
        return Err(Fault::new(at, "there are too many words behind the names", mend));
    }
    Ok(Line { at, assignments, hosts })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The words behind the assignments; blanks beside a comma do not part them.
fn words(rest: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut joins = false;
    for word in rest.split_whitespace() {
        let goes_on = joins || word.starts_with(',');
        joins = word.ends_with(',');
        match words.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(word),
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// A value without its quotes and backslashes, and what is behind it; `None`: a quote is not closed.
fn value_of(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('\\', _) => value.extend(chars.next().map(|(_, c)| c)),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (c, None) if c == ',' || c.is_whitespace() => return Some((value, text.get(at..)?)),
            (c, _) => value.push(c),
        }
    }
    if quote.is_some() { None } else { Some((value, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let Ok(mut lines) = parse(text) else { panic!("{text}") };
        let line = lines.remove(0);
        (line.assignments, line.hosts)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_password_may_hold_what_ends_other_values() {
        let (options, hosts) = first("login=a, password=x#y,z'\" home.example.org # mine\n");
        assert_eq!(options, pairs(&[("login", "a"), ("password", "x#y,z'\"")]));
        assert_eq!(hosts, ["home.example.org"]);
        let (options, _) = first("password = 'it's # mine, ok', login=b h.example.org");
        assert_eq!(options, pairs(&[("password", "it's # mine, ok"), ("login", "b")]));
    }

    #[test]
    fn lines_go_on_behind_a_backslash_and_hosts_are_parted_by_commas() {
        let text =
            "protocol=noip, \\  \n  login=\"a b\"   \\\n a.example.org , b.example.org,c.example.org\n";
        let (options, hosts) = first(text);
        assert_eq!(options, pairs(&[("protocol", "noip"), ("login", "a b")]));
        assert_eq!(hosts, ["a.example.org", "b.example.org", "c.example.org"]);
    }

    #[test]
    fn login_and_password_may_stand_behind_the_names() {
        let (options, hosts) = first("a.example.org alice secret");
        assert_eq!(options, pairs(&[("login", "alice"), ("password", "secret")]));
        assert_eq!(hosts, ["a.example.org"]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, what) in [
            ("login='a", "the quote of 'login' is not closed"),
            ("\nlogin = a", "there is a blank beside a '='"),
            ("a b c d", "there are too many words behind the names"),
        ] {
            let faults = parse(text).err().unwrap_or_default();
            assert_eq!(faults.first().map(|fault| fault.what.as_str()), Some(what));
        }
    }
}
