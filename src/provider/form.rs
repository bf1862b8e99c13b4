//! One kind of request of a provider: for IPv4, for IPv6 or for both.

use super::template::{Keep, Kind, MASK, Placeholder, Rules, Template, TemplateError, Values, base64};
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
}

/// The requests of a provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms {
    pub(super) v4: Option<Form>,
    pub(super) v6: Option<Form>,
    pub(super) dual: Option<Form>,
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
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
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

impl Form {
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
        Request {
            method: self.method,
            url: Secret::new(url.sent.as_str()),
            shown: url.shown,
            headers,
            body,
            family: self.family.or_else(|| (!self.carries(values.family)).then_some(values.family)),
            follow_redirects: self.follow_redirects,
        }
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

    pub(super) fn all(&self) -> impl Iterator<Item = &Form> + '_ {
        self.v4.iter().chain(&self.v6).chain(&self.dual)
    }
}

impl Auth {
    /// Reads `none`, `basic`, `basic:user:password`, `bearer`, `bearer:token` or `header:Name: value`; `None` for
    /// anything else.
    pub(super) fn parse(name: &str, text: &str) -> Option<Result<Self, TemplateError>> {
        let header = |field: &str, value: &str| {
            let value = Template::parse(name, value, &Rules::entry(Kind::Header))?;
            Ok(Self::Header { name: field.to_owned(), value })
        };
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("none", None) => Some(Ok(Self::None)),
            ("basic", None) => Some(Self::basic(name, "{user}", "{password}")),
            ("basic", Some(rest)) => {
                let (user, password) = rest.split_once(':')?;
                Some(Self::basic(name, user, password))
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

    fn basic(name: &str, user: &str, password: &str) -> Result<Self, TemplateError> {
        let slot = |text: &str| Template::parse(name, text, &Rules::entry(Kind::Text));
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

/// The rules of a URL template in an entry.
pub(super) fn url_rules(keep: Keep) -> Rules {
    Rules { keep, ..Rules::entry(Kind::Url) }
}
