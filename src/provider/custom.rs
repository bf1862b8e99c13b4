//! The provider `custom`: a URL from somebody's manual, with the placeholders of the client it was written for.

use std::time::Duration;

use super::account::AccountError;
use super::answer::{Answers, Class, Matcher};
use super::form::{Auth, BodyType, Form, Forms, Purpose, is_field_name};
use super::settings::AccountSettings;
use super::template::{Keep, Kind, Placeholder, Rules, Syntax, Template, TemplateError};
use super::{Family, Limit, Manners, Method, Omitted, Secret};

/// What the settings of one account say in place of an entry.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    pub(super) forms: Forms,
    pub(super) answers: Answers,
    pub(super) manners: Manners,
}

/// Usually one's own server. Our judgement: five at once, and not more than 600 in an hour.
pub(super) const OWN_SERVER: [Limit; 2] = [
    Limit { count: 5, window: Duration::from_millis(1250) },
    Limit { count: 600, window: Duration::from_secs(3600) },
];

/// Names in one request with `{hosts_csv}`, as in the Dyn protocol.
const MAX_NAMES: usize = 20;

impl Custom {
    /// Reads the settings; `answers` are the entry's, for accounts that do not say what success is.
    pub(super) fn read(settings: &AccountSettings, answers: &Answers) -> Result<Self, Vec<AccountError>> {
        let mut errors = Vec::new();
        let mut forms = Forms::default();
        match read_urls(settings) {
            Ok(urls) => forms = urls,
            Err(error) => errors.push(error),
        }
        let answers = read_success(settings, answers).unwrap_or_else(|more| {
            errors.extend(more);
            Answers::default()
        });
        let lists = forms.all().all(|form| form.placeholders().any(Placeholder::is_list));
        let is_dual = forms.get(Purpose::Dual).is_some();
        let manners = Manners {
            max_names: if lists { MAX_NAMES } else { 1 },
            dual: is_dual,
            // The value of a family that is not known is empty: state both when both are known.
            omitted: if is_dual { Omitted::Resets } else { Omitted::Keeps },
            limits: OWN_SERVER.to_vec(),
            takes_prefix: forms.takes_prefix(),
            ..Manners::default()
        };
        if errors.is_empty() { Ok(Self { forms, answers, manners }) } else { Err(errors) }
    }
}

fn read_urls(settings: &AccountSettings) -> Result<Forms, AccountError> {
    let text = settings.url.as_ref().map_or("", Secret::expose);
    let mut urls = text.split_ascii_whitespace();
    let Some(first) = urls.next() else {
        let what = "the address that the update is sent to, with placeholders".to_owned();
        return Err(AccountError::Missing { provider: "custom".to_owned(), option: "url", what });
    };
    let first = read_form(first, settings)?;
    let second = urls.next().map(|url| read_form(url, settings)).transpose()?;
    if urls.next().is_some() {
        let mend = "write one URL, or two for IPv4 and IPv6; a blank inside a URL is %20";
        return Err(AccountError::Invalid { option: "url", mend });
    }
    let any = |form: &Form| form.placeholders().any(|p| p == Placeholder::Ip);
    let (v4, v6) = (first.carries(Family::V4), first.carries(Family::V6));
    let both = |v4, v6| vec![(Purpose::V4, v4), (Purpose::V6, v6)];
    let requests = match second {
        Some(second) if v6 && !v4 => both(second, first),
        Some(second) => both(first, second),
        None if any(&first) || (!v4 && !v6) => both(first.clone(), first),
        None if v4 && v6 => {
            let mut requests = both(first.clone(), first.clone());
            requests.push((Purpose::Dual, first));
            requests
        }
        None => vec![(if v4 { Purpose::V4 } else { Purpose::V6 }, first)],
    };
    Ok(Forms { requests, ..Forms::default() })
}

fn read_form(url: &str, settings: &AccountSettings) -> Result<Form, AccountError> {
    let read = |option: &'static str, text: &str, kind| {
        let rules =
            Rules { kind, syntax: Syntax::User, keep: keep(), raw: settings.raw, ..Rules::entry(kind) };
        Template::parse(option, text, &rules).map_err(|error| AccountError::Template { option, error })
    };
    let (url, login) = take_login(url);
    let mut headers = Vec::new();
    let mut content_type = String::new();
    for (name, value) in &settings.headers {
        if !is_field_name(name) {
            let mend = "write a field name that this program does not set itself";
            return Err(AccountError::Invalid { option: "headers", mend });
        }
        if name.eq_ignore_ascii_case("content-type") {
            content_type = value.expose().to_ascii_lowercase();
        }
        headers.push((name.clone(), read("headers", value.expose(), Kind::Header)?));
    }
    let body = match &settings.body {
        Some(body) => {
            let kind = body_type(&content_type, body.expose());
            Some((kind, read("body", body.expose(), kind.kind())?))
        }
        None => None,
    };
    let url = read("url", &url, Kind::Url)?;
    let method = settings.method.unwrap_or(if body.is_some() { Method::Post } else { Method::Get });
    let mut form = Form { method, headers, body, ..Form::get(url) };
    form.auth =
        read_auth(login, &form, settings).map_err(|error| AccountError::Template { option: "url", error })?;
    Ok(form)
}

/// A slash in a value of the query is legal, and `<ip6lanprefix>` has one.
fn keep() -> Keep {
    Keep::new(":,/").unwrap_or_default()
}

/// `https://user:password@host/…` is written in many manuals; it is sent as a header field instead.
fn take_login(url: &str) -> (String, Option<(String, String)>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let Some((login, _)) = authority.rsplit_once('@') else { return (url.to_owned(), None) };
    let rest = rest.get(login.len() + 1..).unwrap_or_default();
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    (format!("{scheme}://{rest}"), Some((user.to_owned(), password.to_owned())))
}

/// Credentials that stand nowhere else go into the `Authorization` field.
fn read_auth(
    login: Option<(String, String)>,
    form: &Form,
    settings: &AccountSettings,
) -> Result<Auth, TemplateError> {
    let slot = |text: &str| {
        Template::parse("url", text, &Rules { syntax: Syntax::User, ..Rules::entry(Kind::Text) })
    };
    if let Some((user, password)) = login {
        // In this place inadyn's spelling would be read as percent-encoding.
        let own =
            |text: &str| text.replace("%u", "{user}").replace("%p", "{password}").replace("%h", "{host}");
        return Ok(Auth::Basic { user: slot(&own(&user))?, password: slot(&own(&password))? });
    }
    let names = |wanted: &[Placeholder]| form.placeholders().any(|p| wanted.contains(&p));
    let has_own = form.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if has_own
        || names(&[Placeholder::Password, Placeholder::Token, Placeholder::Token4, Placeholder::Token6])
    {
        return Ok(Auth::None);
    }
    if settings.user.is_some() && settings.password.is_some() && !names(&[Placeholder::User]) {
        return Ok(Auth::Basic { user: slot("{user}")?, password: slot("{password}")? });
    }
    if settings.token.is_some() {
        return Ok(Auth::Header { name: "Authorization".to_owned(), value: slot("Bearer {token}")? });
    }
    Ok(Auth::None)
}

fn body_type(content_type: &str, body: &str) -> BodyType {
    let begins = |c: &[char]| body.trim_start().starts_with(c);
    match content_type {
        kind if kind.contains("json") => BodyType::Json,
        kind if kind.contains("xml") => BodyType::Xml,
        kind if kind.contains("text/plain") => BodyType::Text,
        "" if begins(&['[']) && !body.trim_start().starts_with("[I") => BodyType::Json,
        "" if body.trim_start().starts_with("{\"") || body.trim_start().starts_with("{ ") => BodyType::Json,
        "" if body.trim_start().starts_with("<?xml") => BodyType::Xml,
        _ => BodyType::Form,
    }
}

fn read_success(settings: &AccountSettings, default: &Answers) -> Result<Answers, Vec<AccountError>> {
    if settings.success.is_empty() {
        return Ok(default.clone());
    }
    let mut answers = Answers { profile: default.profile, ..Answers::default() };
    let mut errors = Vec::new();
    for text in &settings.success {
        let whole = if has_kind(text) { text.clone() } else { format!("contains:{text}") };
        match Matcher::parse("success", &whole, Syntax::User) {
            // Who names a page as success means it.
            Ok(matcher) => answers.conditions.push((Class::Ok, matcher)),
            Err(error) => errors.push(AccountError::Matcher { option: "success", error }),
        }
    }
    if errors.is_empty() { Ok(answers) } else { Err(errors) }
}

/// Whether a text begins like a condition: a lower-case word and a colon without a blank.
fn has_kind(text: &str) -> bool {
    text == "empty:"
        || text.split_once(':').is_some_and(|(kind, rest)| {
            (3..=8).contains(&kind.len())
                && kind.bytes().all(|b| b.is_ascii_lowercase())
                && !rest.starts_with([' ', '/'])
                && !rest.is_empty()
        })
        || text.starts_with("json:/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_before_the_host_is_taken_out() {
        let (url, login) = take_login("https://<username>:<pass>@example.net/u?ip=<ipaddr>");
        assert_eq!(url, "https://example.net/u?ip=<ipaddr>");
        assert_eq!(login, Some(("<username>".to_owned(), "<pass>".to_owned())));
        assert_eq!(take_login("https://example.net/u?mail=a@b").1, None);
    }

    #[test]
    fn a_sentence_is_searched_for_and_a_condition_is_a_condition() {
        assert!(has_kind("status:204"));
        assert!(has_kind("json:/ok=true"));
        assert!(!has_kind("Updated: yes"));
        assert!(!has_kind("done"));
    }
}
