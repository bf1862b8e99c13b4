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

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    V4,
    V6,
    Dual,
    /// Tells the prefix in place of the IPv6 address.
    Prefix,
    /// Tells the IPv4 address and the prefix.
    DualPrefix,
    /// Makes a record that is not there yet.
    Create,
    /// Puts into force what was written.
    After,
    /// Takes the A record away.
    RemoveV4,
    /// Takes the AAAA record away.
    RemoveV6,
}

/// The requests of a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms {
    /// At most one for each purpose, in the order of purposes.
    pub(super) requests: Vec<(Purpose, Form)>,
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

impl Purpose {
    /// To tell an address of this family.
    pub(super) fn of(family: Family) -> Self {
        if family == Family::V4 { Self::V4 } else { Self::V6 }
    }

    /// To take the record of this family away.
    pub(super) fn removal(family: Family) -> Self {
        if family == Family::V4 { Self::RemoveV4 } else { Self::RemoveV6 }
    }

    /// Whether an address is told, or a prefix.
    fn tells(self) -> bool {
        matches!(self, Self::V4 | Self::V6 | Self::Dual | Self::Prefix | Self::DualPrefix)
    }

    /// Whether it does not matter which address it comes from.
    pub(super) fn is_question(self) -> bool {
        self == Self::After || self.removes()
    }

    fn removes(self) -> bool {
        matches!(self, Self::RemoveV4 | Self::RemoveV6)
    }
}

impl Forms {
    pub(super) fn get(&self, purpose: Purpose) -> Option<&Form> {
        self.requests.iter().find(|(found, _)| *found == purpose).map(|(_, form)| form)
    }

    pub(super) fn of(&self, family: Family) -> Option<&Form> {
        self.get(Purpose::of(family))
    }

    /// What takes away the record of a family.
    pub(super) fn removal(&self, family: Family) -> Option<&Form> {
        self.get(Purpose::removal(family))
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

    fn those(&self, fits: impl Fn(Purpose) -> bool) -> impl Iterator<Item = &Form> {
        self.requests.iter().filter(move |(purpose, _)| fits(*purpose)).map(|(_, form)| form)
    }

    /// Those that tell an address of its own: not the further ones that some providers need.
    pub(super) fn updates(&self) -> impl Iterator<Item = &Form> {
        self.those(Purpose::tells)
    }

    /// Those that name all names of an update, unless there is a lookup or a batch.
    pub(super) fn of_names(&self) -> impl Iterator<Item = &Form> {
        self.those(|purpose| purpose.tells() || purpose.removes())
    }

    /// Those that every update needs, whatever family it tells.
    pub(super) fn others(&self) -> impl Iterator<Item = &Form> {
        self.those(|purpose| !purpose.tells()).chain(self.around())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Form> {
        self.those(|_| true).chain(self.around())
    }

    fn around(&self) -> impl Iterator<Item = &Form> {
        self.batch.iter().map(|batch| &batch.form).chain(self.lookups.iter().map(|lookup| &lookup.form))
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
