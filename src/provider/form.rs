//! One kind of request of a provider: for IPv4, for IPv6 or for both.

use super::api::Scheme;
use super::lookup::{Lookup, What};
use super::template::{Kind, MASK, Placeholder, Rules, Template, TemplateError, Values, base64};
use super::{Family, Method, Request, Secret};

/// A request with placeholders.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) method: Method,
    pub(super) url: Template,
    pub(super) auth: Auth,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<(BodyType, Template)>,
    pub(super) family: Option<Family>,
    pub(super) follow_redirects: bool,
    pub(super) sign: Option<Scheme>,
    /// It tells no address: which one it comes from does not matter.
    pub(super) is_question: bool,
}

/// The requests of a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms {
    pub(super) v4: Option<Form>,
    pub(super) v6: Option<Form>,
    pub(super) dual: Option<Form>,
    /// Tells the prefix in place of the IPv6 address.
    pub(super) prefix: Option<Form>,
    /// Tells the IPv4 address and the prefix.
    pub(super) dual_prefix: Option<Form>,
    /// Makes a record that is not there yet.
    pub(super) create: Option<Form>,
    /// Puts into force what was written.
    pub(super) after: Option<Form>,
    /// Takes the A record away.
    pub(super) remove_v4: Option<Form>,
    /// Takes the AAAA record away.
    pub(super) remove_v6: Option<Form>,
    /// A record cannot be changed: it is taken away before the new one is written.
    pub(super) replaces: bool,
    /// Writes several records at once.
    pub(super) batch: Option<Batch>,
    /// What is asked before, in order.
    pub(super) lookups: Vec<Lookup>,
}

/// One request for several records of a zone.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Its body has `{updates}`, and `{creates}` and `{removes}` where these are lists of their own.
    pub(super) form: Form,
    /// One record that is created.
    pub(super) create: Option<Template>,
    /// One record that is updated.
    pub(super) update: Template,
    /// One address of `{records}` in these, for a name that may have several.
    pub(super) record: Option<Template>,
    /// One record that is taken away.
    pub(super) remove: Option<Template>,
}

/// How a request proves who sends it, when the URL and the body do not.
#[derive(Clone, Debug)]
pub(super) enum Auth {
    /// RFC 7617, sent without being asked.
    Basic {
        user: Template,
        password: Template,
    },
    Header {
        name: String,
        value: Template,
    },
    None,
}

/// What a body is, which decides how values are escaped in it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum BodyType {
    #[default]
    Form,
    Json,
    Text,
    Xml,
}

impl BodyType {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Form => Kind::Form,
            Self::Json => Kind::Json,
            Self::Text => Kind::Text,
            Self::Xml => Kind::Xml,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Xml => "text/xml; charset=utf-8",
        }
    }
}

impl Batch {
    /// One member of `{records}`.
    pub(super) fn record(&self, values: &Values<'_>) -> Option<String> {
        self.record.as_ref().map(|record| record.render(values).sent.to_string())
    }

    /// What stands between the members of a list.
    pub(super) fn comma(&self) -> &'static str {
        if matches!(self.form.body, Some((BodyType::Xml, _))) { "" } else { "," }
    }
}

impl Form {
    /// A plain request.
    pub(super) fn get(url: Template) -> Self {
        Self {
            method: Method::Get,
            url,
            auth: Auth::None,
            headers: Vec::new(),
            body: None,
            family: None,
            follow_redirects: false,
            sign: None,
            is_question: false,
        }
    }

    /// Fills the placeholders.
    pub(super) fn request(&self, values: &Values<'_>) -> Request {
        let url = self.url.render(values);
        let mut headers = Vec::new();
        match &self.auth {
            Auth::Basic { user, password } => {
                let pair = format!("{}:{}", *user.render(values).sent, *password.render(values).sent);
                headers.push(("Authorization".to_owned(), Secret::new(format!("Basic {}", base64(&pair)))));
            }
            Auth::Header { name, value } => {
                headers.push((name.clone(), Secret::new(value.render(values).sent.as_str())));
            }
            Auth::None => {}
        }
        for (name, value) in &self.headers {
            headers.push((name.clone(), Secret::new(value.render(values).sent.as_str())));
        }
        let body = self.body.as_ref().map(|(kind, body)| {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("Content-Type".to_owned(), Secret::new(kind.content_type())));
            }
            Secret::new(body.render(values).sent.as_str())
        });
        let by_source = !self.is_question && !self.carries(values.family);
        let mut request = Request {
            method: self.method,
            url: Secret::new(url.sent.as_str()),
            shown: url.shown,
            headers,
            body,
            family: self.family.or(by_source.then_some(values.family)),
            follow_redirects: self.follow_redirects,
        };
        if let Some(scheme) = self.sign {
            scheme.sign(&mut request, values.settings, values.now);
        }
        request
    }

    /// The endpoint's host and port, as shown to a person.
    pub(super) fn endpoint(&self, values: &Values<'_>) -> String {
        let shown = self.url.render(values).shown;
        let rest = shown.split_once("://").map_or(shown.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(MASK).to_owned()
    }

    /// Whether it states an address of this family. One that states none relies on the address that the connection
    /// comes from, and the connection must then be of the family that is being told.
    pub(super) fn carries(&self, family: Family) -> bool {
        self.placeholders().any(|placeholder| placeholder.carries(family))
    }

    /// Whether it states the prefix.
    pub(super) fn takes_prefix(&self) -> bool {
        self.placeholders().any(|placeholder| placeholder == Placeholder::Prefix6)
    }

    /// The settings that it uses.
    pub(super) fn settings(&self) -> impl Iterator<Item = &'static str> + '_ {
        let signed = self.sign.iter().flat_map(|scheme| scheme.settings()).copied();
        self.placeholders().filter_map(Placeholder::setting).chain(signed)
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = Placeholder> + '_ {
        let auth: Vec<&Template> = match &self.auth {
            Auth::Basic { user, password } => vec![user, password],
            Auth::Header { value, .. } => vec![value],
            Auth::None => Vec::new(),
        };
        std::iter::once(&self.url)
            .chain(auth)
            .chain(self.headers.iter().map(|(_, value)| value))
            .chain(self.body.iter().map(|(_, body)| body))
            .flat_map(Template::placeholders)
    }
}

impl Forms {
    pub(super) fn of(&self, family: Family) -> Option<&Form> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }

    /// What takes away the record of a family.
    pub(super) fn removal(&self, family: Family) -> Option<&Form> {
        match family {
            Family::V4 => self.remove_v4.as_ref(),
            Family::V6 => self.remove_v6.as_ref(),
        }
    }

    /// Whether the records of a family can be taken away, alone or in a batch.
    pub(super) fn removes(&self, family: Family) -> bool {
        self.removal(family).is_some() || self.batch.as_ref().is_some_and(|batch| batch.remove.is_some())
    }

    /// Whether a prefix can be told.
    pub(super) fn takes_prefix(&self) -> bool {
        self.updates().any(Form::takes_prefix)
    }

    /// Whether it is known, before something is written, that the record exists.
    pub(super) fn looks_for_the_record(&self) -> bool {
        self.lookups.iter().any(|lookup| lookup.what == What::Record)
    }

    /// Those that tell an address of its own: not the further ones that some providers need.
    pub(super) fn updates(&self) -> impl Iterator<Item = &Form> + '_ {
        self.v4.iter().chain(&self.v6).chain(&self.dual).chain(&self.prefix).chain(&self.dual_prefix)
    }

    /// Those that take records away.
    pub(super) fn removals(&self) -> impl Iterator<Item = &Form> + '_ {
        self.remove_v4.iter().chain(&self.remove_v6)
    }

    /// Those that every update needs, whatever family it tells.
    pub(super) fn others(&self) -> impl Iterator<Item = &Form> + '_ {
        let batch = self.batch.iter().map(|batch| &batch.form);
        self.create
            .iter()
            .chain(&self.after)
            .chain(self.removals())
            .chain(batch)
            .chain(self.lookups.iter().map(|lookup| &lookup.form))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Form> + '_ {
        self.updates().chain(self.others())
    }
}

impl Auth {
    /// Reads `none`, `basic`, `basic:user:password`, `bearer`, `bearer:token` or `header:Name: value`; `None` for
    /// anything else.
    pub(super) fn parse(name: &str, text: &str, rules: &Rules) -> Option<Result<Self, TemplateError>> {
        let header = |field: &str, value: &str| {
            let value = Template::parse(name, value, &rules.of(Kind::Header))?;
            Ok(Self::Header { name: field.to_owned(), value })
        };
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("none", None) => Some(Ok(Self::None)),
            ("basic", None) => Some(Self::basic(name, "{user}", "{password}", rules)),
            ("basic", Some(rest)) => {
                let (user, password) = rest.split_once(':')?;
                Some(Self::basic(name, user, password, rules))
            }
            ("bearer", value) => {
                Some(header("Authorization", &format!("Bearer {}", value.unwrap_or("{token}"))))
            }
            ("header", Some(rest)) => {
                let (field, value) = rest.split_once(':')?;
                is_field_name(field).then(|| header(field, value.trim()))
            }
            _ => None,
        }
    }

    fn basic(name: &str, user: &str, password: &str, rules: &Rules) -> Result<Self, TemplateError> {
        let slot = |text: &str| Template::parse(name, text, &rules.of(Kind::Text));
        Ok(Self::Basic { user: slot(user)?, password: slot(password)? })
    }
}

/// A `token` of RFC 9110 section 5.6.2 that no other part of the request decides about.
pub(super) fn is_field_name(name: &str) -> bool {
    const TAKEN: [&str; 6] =
        ["host", "connection", "content-length", "transfer-encoding", "user-agent", "accept"];
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        && !TAKEN.iter().any(|taken| name.eq_ignore_ascii_case(taken))
}
