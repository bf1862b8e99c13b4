//! The requests of an entry.

use std::rc::Rc;

use super::super::api::Scheme;
use super::super::form::{Auth, Batch, Form, Forms, is_field_name};
use super::super::lookup::{Lookup, What};
use super::super::template::{Keep, Kind, Rules, Taken, Template};
use super::super::{Family, Method};
use super::Mistakes;
use super::error::EntryMistake;
use super::raw::{RawBatch, RawEntry, RawForm, RawLookup, RawRequest};

impl Mistakes {
    pub(super) fn forms(&mut self, entry: &RawEntry) -> Forms {
        let raw = &entry.request;
        let rules = self.rules(raw, &entry.lookup);
        let (v4, v6) = if let Some(any) = &raw.any {
            if raw.v4.is_some() || raw.v6.is_some() {
                self.rule("request.any", "stands for v4 and v6; remove it, or both of them");
            }
            (Some(("request.any", any)), Some(("request.any", any)))
        } else {
            (
                raw.v4.as_ref().map(|form| ("request.v4", form)),
                raw.v6.as_ref().map(|form| ("request.v6", form)),
            )
        };
        let before = self.0.len();
        let v4 = v4.and_then(|(name, form)| self.form(name, form, raw, &rules));
        // The mistakes of `any` are not told twice.
        let told = self.0.len() > before && raw.any.is_some();
        let v6 = if told { None } else { v6.and_then(|(name, form)| self.form(name, form, raw, &rules)) };
        let dual = raw.dual.as_ref().and_then(|form| self.form("request.dual", form, raw, &rules));
        let create = raw.create.as_ref().and_then(|form| self.form("request.create", form, raw, &rules));
        let after = raw.after.as_ref().and_then(|form| self.form("request.after", form, raw, &rules));
        let after = after.map(|form| Form { is_question: true, ..form });
        let remove = raw.remove.as_ref().and_then(|form| self.form("request.remove", form, raw, &rules));
        let remove = remove.map(|form| Form { is_question: true, ..form });
        let batch = raw.batch.as_ref().and_then(|batch| self.batch(batch, raw, &rules));
        let lookups = entry.lookup.iter().filter_map(|lookup| self.lookup(lookup, raw, &rules)).collect();
        let forms = Forms { v4, v6, dual, create, after, remove, batch, lookups };
        self.check_families(&forms);
        self.check_remove(&forms);
        forms
    }

    /// How all texts of an entry are read.
    fn rules(&mut self, raw: &RawRequest, lookups: &[RawLookup]) -> Rules {
        let keep = Keep::new(raw.keep.as_deref().unwrap_or(":,")).unwrap_or_else(|c| {
            self.rule("request.keep", format!("cannot hold {c:?}; only {}", Keep::ALLOWED));
            Keep::default()
        });
        let taken: Rc<[Taken]> = lookups
            .iter()
            .flat_map(|lookup| lookup.take.keys().map(move |name| (name, lookup.what == What::Login)))
            .map(|(name, secret)| Taken { name: name.clone(), secret })
            .collect();
        Rules { keep, taken, ..Rules::entry(Kind::Url) }
    }

    fn check_families(&mut self, forms: &Forms) {
        if forms.dual.as_ref().is_some_and(|form| !form.carries(Family::V4) || !form.carries(Family::V6)) {
            self.rule("request.dual", "must state both addresses: {ip4} and {ip6}");
        }
        if forms.after.is_some() && forms.batch.is_some() {
            self.rule("request.after", "cannot follow a batch");
        }
        if forms.dual.is_some() && !forms.lookups.is_empty() {
            self.rule("request.dual", "cannot follow a lookup, which is about one record; use a batch");
        }
        for (name, form, other) in
            [("request.v4", &forms.v4, Family::V6), ("request.v6", &forms.v6, Family::V4)]
        {
            let own = if other == Family::V6 { Family::V4 } else { Family::V6 };
            if form.as_ref().is_some_and(|form| form.carries(other) && !form.carries(own)) {
                self.rule(name, format!("states an address of {other} only"));
            }
        }
    }

    fn check_remove(&mut self, forms: &Forms) {
        if forms.remove.is_some() && (!forms.looks_for_the_record() || forms.batch.is_some()) {
            self.rule(
                "request.remove",
                "needs a lookup of the record that it takes away, and cannot go with a batch",
            );
        }
    }

    fn template(&mut self, name: &str, text: &str, rules: &Rules) -> Option<Template> {
        Template::parse(name, text, rules).map_err(|error| self.0.push(EntryMistake::Template(error))).ok()
    }

    fn form(&mut self, name: &str, raw: &RawForm, shared: &RawRequest, rules: &Rules) -> Option<Form> {
        let url = self.template(&format!("{name}.url"), &raw.url, rules);
        let auth = self.auth(&format!("{name}.auth"), raw.auth.as_deref().or(shared.auth.as_deref()), rules);
        let mut headers = Vec::new();
        for (field, value) in shared.headers.iter().chain(&raw.headers) {
            let path = format!("{name}.headers.{field}");
            if !is_field_name(field) {
                self.rule(&path, "not a field name, or one that the program sets itself");
            }
            let value = self.template(&path, value, &rules.of(Kind::Header))?;
            headers.push((field.clone(), value));
        }
        let body = raw.body.as_deref().or(shared.body.as_deref());
        let kind = raw.body_type.or(shared.body_type).unwrap_or_default();
        let body = match body {
            Some(body) => Some((kind, self.template(&format!("{name}.body"), body, &rules.of(kind.kind()))?)),
            None => None,
        };
        let sign = match raw.sign.as_ref().or(shared.sign.as_ref()) {
            None => None,
            Some(scheme) => {
                let found = Scheme::find(scheme);
                if found.is_none() {
                    self.rule(
                        format!("{name}.sign"),
                        format!("no such scheme; there are {}", Scheme::names()),
                    );
                }
                found
            }
        };
        Some(Form {
            method: raw.method.or(shared.method).unwrap_or(Method::Get),
            auth: auth?,
            headers,
            body,
            family: raw.family,
            follow_redirects: shared.follow_redirects,
            sign,
            ..Form::get(url?)
        })
    }

    fn auth(&mut self, name: &str, text: Option<&str>, rules: &Rules) -> Option<Auth> {
        let Some(text) = text else { return Some(Auth::None) };
        match Auth::parse(name, text, rules) {
            Some(Ok(auth)) => Some(auth),
            Some(Err(error)) => {
                self.0.push(EntryMistake::Template(error));
                None
            }
            None => {
                let mend =
                    "write none, basic, basic:USER:PASSWORD, bearer, bearer:TOKEN or header:NAME: VALUE";
                self.rule(name, mend);
                None
            }
        }
    }

    fn batch(&mut self, raw: &RawBatch, shared: &RawRequest, rules: &Rules) -> Option<Batch> {
        let form = RawForm {
            url: raw.url.clone(),
            method: raw.method,
            body: Some(raw.body.clone()),
            ..RawForm::default()
        };
        let form = self.form("request.batch", &form, shared, rules);
        let item = rules.of(Kind::Json);
        let create = self.template("request.batch.create", &raw.create, &item);
        let update = self.template("request.batch.update", &raw.update, &item);
        Some(Batch { form: form?, create: create?, update: update? })
    }

    fn lookup(&mut self, raw: &RawLookup, shared: &RawRequest, rules: &Rules) -> Option<Lookup> {
        let mut form = raw.form.clone();
        form.method.get_or_insert(Method::Get);
        form.body = form.body.filter(|body| !body.is_empty());
        // The body of the update is not that of a question.
        let shared = RawRequest { body: None, ..shared.clone() };
        let form = self.form("lookup", &form, &shared, rules)?;
        let pattern = rules.of(Kind::Pattern);
        let mut fits = Vec::new();
        for (pointer, text) in &raw.fits {
            fits.push((
                self.pointer("lookup.where", pointer)?,
                self.template("lookup.where", text, &pattern)?,
            ));
        }
        let mut take = Vec::new();
        for (name, pointer) in &raw.take {
            let number = rules.taken.iter().position(|taken| taken.name == *name)?;
            take.push((number, self.pointer("lookup.take", pointer)?));
        }
        let mut one = |pointer: &Option<String>, name: &str| {
            pointer.as_ref().and_then(|pointer| self.pointer(name, pointer))
        };
        let (list, zone, same) =
            (one(&raw.list, "lookup.list"), one(&raw.zone, "lookup.zone"), one(&raw.same, "lookup.same"));
        Some(Lookup {
            what: raw.what,
            form: Form { is_question: true, ..form },
            list,
            fits,
            zone,
            walk: raw.walk,
            take,
            same,
            ok: self.matchers("lookup.ok", &raw.ok),
            missing: self.matchers("lookup.missing", &raw.missing),
        })
    }

    /// RFC 6901: empty, or from a slash.
    fn pointer(&mut self, name: &str, pointer: &str) -> Option<String> {
        if pointer.is_empty() || pointer.starts_with('/') {
            return Some(pointer.to_owned());
        }
        self.rule(name, format!("'{pointer}' is no JSON pointer; it begins with '/'"));
        None
    }
}
