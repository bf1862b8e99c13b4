//! The requests of an entry.

use std::rc::Rc;

use super::super::api::Scheme;
use super::super::form::{Auth, Batch, BodyType, Form, Forms, Purpose, is_field_name};
use super::super::lookup::{Lookup, What};
use super::super::template::{Keep, Kind, Rules, Taken, Template};
use super::super::{Family, Method};
use super::error::EntryMistake;
use super::raw::{REQUESTS, RawBatch, RawEntry, RawForm, RawLookup, RawRequest};
use super::{Mistakes, unremovable};

impl Mistakes {
    pub(super) fn forms(&mut self, entry: &RawEntry) -> Forms {
        let raw = &entry.request;
        let rules = self.rules(raw, &entry.lookup);
        let mut requests: Vec<(Purpose, Form)> = Vec::new();
        for (name, form) in &raw.forms {
            let Some(form) = self.form(&format!("request.{name}"), form, raw, &rules) else { continue };
            let purposes =
                REQUESTS.iter().filter(|(known, _)| known == name).flat_map(|(_, purposes)| *purposes);
            for purpose in purposes {
                requests.push((*purpose, Form { is_question: purpose.is_question(), ..form.clone() }));
            }
        }
        let batch = raw.batch.as_ref().and_then(|batch| self.batch(batch, raw, &rules));
        let lookups = entry.lookup.iter().filter_map(|lookup| self.lookup(lookup, raw, &rules)).collect();
        let forms = Forms { requests, replaces: raw.replaces, batch, lookups };
        self.check_families(raw, &forms);
        self.check_removals(entry, &forms);
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

    fn check_families(&mut self, raw: &RawRequest, forms: &Forms) {
        for [any, v4, v6] in [["any", "v4", "v6"], ["remove", "remove_v4", "remove_v6"]] {
            if raw.has(any) && (raw.has(v4) || raw.has(v6)) {
                let mend = format!("stands for {v4} and {v6}; remove it, or both of them");
                self.rule(format!("request.{any}"), mend);
            }
        }
        for (purpose, form) in &forms.requests {
            let (v4, v6) = (form.carries(Family::V4), form.carries(Family::V6));
            let (name, fits, mend) = match purpose {
                Purpose::V4 => ("v4", v4 || !v6, "states an address of IPv6 only"),
                Purpose::V6 => ("v6", v6 || !v4, "states an address of IPv4 only"),
                Purpose::Dual => ("dual", v4 && v6, "must state {ip4} and {ip6}"),
                Purpose::Prefix => ("prefix", form.takes_prefix(), "must state {prefix6}"),
                Purpose::DualPrefix => {
                    ("dual_prefix", v4 && form.takes_prefix(), "must state {ip4} and {prefix6}")
                }
                Purpose::After | Purpose::Create | Purpose::RemoveV4 | Purpose::RemoveV6 => continue,
            };
            if !fits {
                self.rule(format!("request.{name}"), mend);
            }
            let is_of_one_record = !forms.lookups.is_empty() || forms.batch.is_some();
            if is_of_one_record && !matches!(purpose, Purpose::V4 | Purpose::V6) {
                let mend = "cannot go with a lookup or a batch, which are about one record each";
                self.rule(format!("request.{name}"), mend);
            }
        }
        if forms.get(Purpose::After).is_some() && forms.batch.is_some() {
            self.rule("request.after", "cannot follow a batch");
        }
    }

    fn check_removals(&mut self, entry: &RawEntry, forms: &Forms) {
        let has_removal = [Family::V4, Family::V6].into_iter().any(|family| forms.removal(family).is_some());
        if forms.replaces && !(has_removal && forms.looks_for_the_record() && forms.batch.is_none()) {
            self.rule(
                "request.replaces",
                "needs 'remove' and a lookup of the record that it takes away, and cannot go with a batch",
            );
        }
        if entry.manners.removes_all && !(entry.request.has("remove") && forms.lookups.is_empty()) {
            self.rule("manners.removes_all", "needs 'remove', and no lookup, which is about one record");
        }
        let removes = has_removal || forms.batch.as_ref().is_some_and(|batch| batch.remove.is_some());
        if let Some(family) = unremovable(forms).filter(|_| removes) {
            self.rule("request.remove", format!("removes no record of {family}, which a request sets"));
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
        let body = raw.body.as_deref().filter(|body| !(raw.is_lookup && body.is_empty()));
        let body = body.or(shared.body.as_deref().filter(|_| !raw.is_lookup));
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
            method: raw.method.or(shared.method.filter(|_| !raw.is_lookup)).unwrap_or(Method::Get),
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
        let kind = if shared.body_type == Some(BodyType::Xml) { Kind::Xml } else { Kind::Json };
        let rules = rules.of(kind);
        let mut item = |name: &str, text: &str| self.template(&format!("request.batch.{name}"), text, &rules);
        let update = item("update", &raw.update);
        let create = raw.create.as_ref().and_then(|text| item("create", text));
        let record = raw.record.as_ref().and_then(|text| item("record", text));
        let remove = raw.remove.as_ref().and_then(|text| item("remove", text));
        Some(Batch { form: form?, create, update: update?, record, remove })
    }

    fn lookup(&mut self, raw: &RawLookup, shared: &RawRequest, rules: &Rules) -> Option<Lookup> {
        let form = self.form("lookup", &raw.form, shared, rules)?;
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
