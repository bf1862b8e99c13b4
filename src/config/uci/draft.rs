//! A section that somebody is writing in a form: as a UCI file of its own, and which option each line is.

use zeroize::Zeroizing;

use super::grammar::{self, Section, Setting, Value};

/// The text of a configuration with that section alone.
#[derive(Debug)]
pub struct Draft {
    /// UCI.
    pub text: Zeroizing<Vec<u8>>,
    /// The option that begins on a line, counted from 1.
    lines: Vec<(usize, String)>,
}

/// What a form says of an option: an empty list means that it is not set.
pub type Given = (String, Vec<String>);

impl Draft {
    /// What holds for the whole agent, and no record.
    #[must_use]
    pub fn global(given: &[Given]) -> Self {
        let mut draft = Self { text: Zeroizing::default(), lines: Vec::new() };
        draft.push(b"config global\n");
        given.iter().for_each(|given| draft.given(given));
        draft
    }

    /// The record with these options, and with what the file says for the whole agent. What the form does not mention is as in
    /// the file's record `name`: secrets, which it never had, and what it does not show. It is enabled, whatever is written.
    #[must_use]
    pub fn record(file: &[u8], name: &str, given: &[Given]) -> Self {
        let package = grammar::parse(file).unwrap_or_default();
        let mut draft = Self { text: Zeroizing::default(), lines: Vec::new() };
        for section in package.sections.iter().filter(|section| section.kind == "global") {
            draft.push(b"config global\n");
            section.settings.iter().for_each(|setting| draft.setting(setting));
        }
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        draft.push(format!("config record '{}'\n", if is_name { name } else { "draft" }).as_bytes());
        let is_record = |section: &&Section| section.kind == "record" && section.name == name;
        let kept = package.sections.iter().filter(is_record).flat_map(|section| &section.settings);
        let is_kept = |setting: &&Setting| {
            setting.name != "enabled" && given.iter().all(|(option, _)| *option != setting.name)
        };
        kept.filter(is_kept).for_each(|setting| draft.setting(setting));
        given.iter().filter(|(option, _)| option != "enabled").for_each(|given| draft.given(given));
        draft
    }

    /// The option of the form that is written on a line of the text; `None`: none of them.
    #[must_use]
    pub fn option_on(&self, line: usize) -> Option<&str> {
        self.lines.iter().rev().find(|(begin, _)| *begin <= line).map(|(_, option)| option.as_str())
    }

    fn setting(&mut self, Setting { name, value, .. }: &Setting) {
        match value {
            Value::Text(text, _) => self.line(false, name, text),
            Value::List(entries) => entries.iter().for_each(|(entry, _)| self.line(true, name, entry)),
        }
    }

    fn given(&mut self, (option, values): &Given) {
        let line = 1 + self.text.iter().filter(|byte| **byte == b'\n').count();
        self.lines.push((line, option.clone()));
        let is_list = values.len() > 1;
        values.iter().for_each(|value| self.line(is_list, option, value.as_bytes()));
    }

    fn line(&mut self, is_list: bool, option: &str, value: &[u8]) {
        self.push(if is_list { b"list '" } else { b"option '" });
        self.quoted(option.as_bytes());
        self.push(b"' '");
        self.quoted(value);
        self.push(b"'\n");
    }

    /// In apostrophes everything stands for itself but the apostrophe.
    fn quoted(&mut self, value: &[u8]) {
        for byte in value {
            self.push(if *byte == b'\'' { br"'\''" } else { std::slice::from_ref(byte) });
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] =
        b"config global\n\toption log_level 'debug'\nconfig record 'home'\n\toption provider 'x'\n\
                          \toption password 'it''s'\n\tlist header 'A: b'\n\toption enabled '0'\n";

    fn given(option: &str, values: &[&str]) -> Given {
        (option.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn a_form_becomes_a_file_that_keeps_what_it_does_not_mention() {
        let form = [given("hostname", &["a.example.org", "b'c"]), given("enabled", &["0"])];
        let draft = Draft::record(FILE, "home", &form);
        let wanted = "config global\noption 'log_level' 'debug'\nconfig record 'home'\noption 'provider' 'x'\n\
                      option 'password' 'its'\nlist 'header' 'A: b'\nlist 'hostname' 'a.example.org'\nlist 'hostname' 'b'\\''c'\n";
        assert_eq!(String::from_utf8_lossy(&draft.text), wanted);
        assert_eq!(draft.option_on(8), Some("hostname"));
        assert_eq!(draft.option_on(3), None);
        let draft = Draft::record(FILE, "home", &[given("password", &["new"]), given("header", &[])]);
        let text = String::from_utf8_lossy(&draft.text).into_owned();
        assert!(text.contains("'new'") && !text.contains("its") && !text.contains("A: b"), "{text}");
    }

    #[test]
    fn a_record_of_another_name_lends_nothing() {
        for name in ["nas", "", "home x"] {
            let text = Draft::record(FILE, name, &[]).text;
            assert!(!String::from_utf8_lossy(&text).contains("its"), "{name}");
        }
    }
}
