//! Other clients' configurations → ours, with a remark for each option that could not be carried over.
//!
//! ```text
//! text ──▶ ddns_scripts, inadyn, ddclient, fritzbox ──▶ Plan of Drafts ──▶ judged by our own reader ──▶ UCI or TOML
//! ```
//!
//! What is printed as a record satisfies the reader, because the reader is asked; what does not satisfy it is printed as
//! a comment, with the reader's words. Secrets go into records only: comments and diagnostics hold none.

mod assignments;
mod confuse;
mod ddclient;
mod ddns_scripts;
mod draft;
mod fritzbox;
mod inadyn;
mod plan;
mod render;

use zeroize::Zeroizing;

use super::dialect::Dialect;
use super::mistake::{Mistake, Quote, Source};
use super::value::Fault;

/// Whose configuration is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Client {
    /// ddclient 3 and 4: `ddclient.conf`.
    Ddclient,
    /// OpenWrt's ddns-scripts: `/etc/config/ddns`.
    DdnsScripts,
    /// An update URL as AVM's FRITZ!OS takes it, with the lines of its form.
    Fritzbox,
    /// inadyn 2: `inadyn.conf`.
    Inadyn,
}

impl Client {
    /// All of them, as they are documented.
    pub const ALL: [Self; 4] = [Self::DdnsScripts, Self::Inadyn, Self::Ddclient, Self::Fritzbox];

    /// Its name, on the command line and in the catalogue's aliases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddclient => "ddclient",
            Self::DdnsScripts => "ddns-scripts",
            Self::Fritzbox => "fritzbox",
            Self::Inadyn => "inadyn",
        }
    }

    /// The language of the result if nobody asks for another.
    fn dialect(self) -> Dialect {
        match self {
            Self::DdnsScripts => Dialect::Uci,
            Self::Ddclient | Self::Fritzbox | Self::Inadyn => Dialect::Toml,
        }
    }
}

/// A configuration of ours, made of another.
#[derive(Debug)]
pub struct Imported {
    /// The whole file. It is as secret as the one that it was made of.
    pub text: Zeroizing<String>,
    /// Records that are not in use as they were, and why: one line each.
    pub left: Vec<String>,
    /// The same, record by record.
    pub records: Vec<Carried>,
    /// What could not be carried over and concerns no single record.
    pub remarks: Vec<String>,
}

/// What becomes of a record of another client.
#[derive(Debug)]
pub struct Carried {
    /// Where it was found.
    pub origin: String,
    /// Its name with us.
    pub name: String,
    /// Its options with us, secrets as `***`.
    pub options: Vec<(&'static str, String)>,
    /// What was not carried over, and why.
    pub remarks: Vec<String>,
    /// Why nothing of it can be carried over.
    pub failure: Option<String>,
    /// The record as it is written, secrets included; a comment if nothing of it can be carried over.
    pub text: Zeroizing<String>,
}

/// Reads another client's configuration.
///
/// # Errors
///
/// What makes the text unreadable as that client's, with place and mend; no line is quoted.
pub fn import(client: Client, text: &[u8], to: Option<Dialect>) -> Result<Imported, Vec<Mistake>> {
    let to = to.unwrap_or_else(|| client.dialect());
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        let readable = String::from_utf8_lossy(text.get(..at).unwrap_or_default());
        let fault = Fault::new(at, "there is a zero byte", "the file is damaged: take an older copy of it");
        return Err(mistakes(&readable, vec![fault]));
    }
    let mut plan = match client {
        Client::DdnsScripts => ddns_scripts::read(text)?,
        Client::Ddclient => told(text, |text| ddclient::read(text, to))?,
        Client::Fritzbox => told(text, |text| fritzbox::read(text, to))?,
        Client::Inadyn => told(text, |text| inadyn::read(text, to))?,
    };
    let left = plan.settle(to);
    Ok(Imported {
        text: render::render(client, &plan, to),
        left,
        records: plan.drafts.iter().map(|draft| render::carried(draft, to)).collect(),
        remarks: plan.remarks.sentences().collect(),
    })
}

/// What a reader of UTF-8 makes of the text, its mistakes with their places.
fn told(
    text: &[u8],
    read: impl FnOnce(&str) -> Result<plan::Plan, Vec<Fault>>,
) -> Result<plan::Plan, Vec<Mistake>> {
    match std::str::from_utf8(text) {
        Ok(text) => read(text).map_err(|faults| mistakes(text, faults)),
        Err(error) => {
            let at = error.valid_up_to();
            let readable = String::from_utf8_lossy(text.get(..at).unwrap_or_default());
            let fault = Fault::new(at, "this is not UTF-8", "save the file as UTF-8");
            Err(mistakes(&readable, vec![fault]))
        }
    }
}

fn mistakes(text: &str, faults: Vec<Fault>) -> Vec<Mistake> {
    let source = Source::new(Dialect::Toml, text);
    let mistake = |fault: Fault| {
        let mut place = source.place(fault.at, Quote::Cautious);
        // Which words of another client's line are secrets is not known.
        place.shown = "***".to_owned();
        Mistake::error(Some(place), fault.what, fault.mend)
    };
    faults.into_iter().map(mistake).collect()
}
