//! The dialogues of an entry, as they are written.

use super::super::Method;
use super::super::recorded::{Example, Exchange, Recorded, RecordedAnswer, RecordedRequest};
use super::raw::{FAMILIES, METHODS};
use super::table::{Fields, Table};

impl Fields for Example {
    fn read(table: &mut Table<'_>) -> Self {
        Self { names: table.texts("names"), settings: table.map("settings", Table::as_text) }
    }
}

impl Fields for Recorded {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            before: table.tables("before"),
            ipv4: table.parsed("ipv4", "an IPv4 address"),
            ipv6: table.parsed("ipv6", "an IPv6 address"),
            ipv6_of: table.map("ipv6_of", Table::as_text),
            further: table.texts("further"),
            prefix_length: table.whole("prefix_length"),
            removed: table.words("removed", FAMILIES),
            names: table.texts("names"),
            settings: table.map("settings", Table::as_text),
            request: RecordedRequest::read(table),
            answers: table.tables("answers"),
        }
    }
}

impl Fields for RecordedRequest {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            method: table.word("method", METHODS).unwrap_or(Method::Get),
            url: table.text("url"),
            headers: table.texts("headers"),
            body: table.maybe_text("body"),
            family: table.word("family", FAMILIES),
        }
    }
}

impl Fields for Exchange {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            request: RecordedRequest::read(table),
            status: table.whole("status").unwrap_or(200),
            answer: table.maybe_text("answer").unwrap_or_default(),
        }
    }
}

impl Fields for RecordedAnswer {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            status: table.whole("status").unwrap_or(200),
            headers: table.map("headers", Table::as_text),
            body: table.maybe_text("body").unwrap_or_default(),
            verdicts: table.texts("verdicts"),
        }
    }
}
