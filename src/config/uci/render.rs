//! Written values → TOML that reads back as the same configuration.

use std::fmt::Write;

use litemap::LiteMap;
use zeroize::Zeroizing;

use super::super::read::Section;
use super::super::value::Raw;
use super::Sections;
use crate::engine::RecordId;
use crate::provider::Secret;

impl Sections {
    /// The configuration as TOML, with OpenWrt's directories, and with these passwords in place of the files that hold
    /// them. It is as secret as they are.
    #[must_use]
    pub fn to_toml(&self, passwords: &LiteMap<RecordId, Secret>) -> Zeroizing<String> {
        let mut text = Zeroizing::new(HEAD.to_owned());
        text.push_str("\n[global]\n");
        push_options(&mut text, &self.0.global, None);
        for section in &self.0.records {
            // A name that is valid needs no quotes.
            let _ = writeln!(text, "\n[record.{}]", section.name);
            push_options(&mut text, section, passwords.get(&RecordId(section.name.clone())));
        }
        text
    }
}

const HEAD: &str = "# Made by 'wanbeacon render': what is changed here is lost, change the UCI file.\n";

fn push_options(text: &mut String, section: &Section, password: Option<&Secret>) {
    for entry in &section.entries {
        let (key, value) = match (entry.key.as_str(), password) {
            ("password_file", Some(password)) => ("password", Zeroizing::new(string(password.expose()))),
            (key, _) => (key, Zeroizing::new(value(&entry.value))),
        };
        let _ = writeln!(text, "{key} = {}", *value);
    }
}

/// A value of TOML.
pub(in crate::config) fn value(raw: &Raw) -> String {
    match raw {
        Raw::Flag(flag) => flag.to_string(),
        Raw::List(entries) => {
            let entries: Vec<String> = entries.iter().map(|(entry, _)| value(entry)).collect();
            format!("[{}]", entries.join(", "))
        }
        Raw::Number(number) => number.clone(),
        Raw::Other(text) => string(text),
        Raw::Text(text) => string(text),
    }
}

/// A basic string of TOML 1.0.
fn string(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back() {
        let odd: String = ('\0'..='\u{ff}').chain(['\u{2028}', '\u{feff}', '\u{10ffff}']).collect();
        for text in ["", "\"", "\\", "\"\"\"", "'''", "\\u0041", "a\r\nb", odd.as_str()] {
            let document = format!("x = {}", string(text));
            let table = toml::de::DeTable::parse(&document).unwrap();
            let read = table.get_ref().values().next().unwrap();
            assert_eq!(read.get_ref().as_str(), Some(text));
        }
    }
}
