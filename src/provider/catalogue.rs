//! The entries inside the program.

use super::entry::{EntryError, Provider};

/// The text of one entry up to its dialogues: these are for tests and would only cost flash.
macro_rules! entry {
    ($id:literal) => {{
        const TEXT: &str = include_str!(concat!("catalogue/", $id, ".toml"));
        const BYTES: [u8; head_len(TEXT)] = head(TEXT);
        ($id, &BYTES)
    }};
}

/// Sorted by id.
const ENTRIES: &[(&str, &[u8])] = &[
    entry!("custom"),
    entry!("desec.io"),
    entry!("duckdns.org"),
    entry!("dyn.com"),
    entry!("dyndns2"),
    entry!("dynu.com"),
    entry!("dynv6.com"),
    entry!("freedns.afraid.org"),
    entry!("freedns.afraid.org-v1"),
    entry!("freedns.afraid.org-v2-basic"),
    entry!("ipv64.net"),
    entry!("no-ip.com"),
];

/// Ids of all entries, sorted.
pub fn ids() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|(id, _)| *id)
}

/// The text of an entry without its dialogues, to be shown or to be the start of a user's own.
#[must_use]
pub fn text(id: &str) -> Option<&'static str> {
    let (_, bytes) = ENTRIES.iter().find(|(known, _)| *known == id)?;
    std::str::from_utf8(bytes).ok()
}

/// Reads one entry; `None` if there is none of this id.
///
/// # Errors
/// Never for an entry of a release: a test reads them all.
#[must_use]
pub fn provider(id: &str) -> Option<Result<Provider, Vec<EntryError>>> {
    text(id).map(Provider::parse)
}

/// The id of the entry that another client calls `name`; `client` as in the entries: `ddns-scripts`, `inadyn`, …
#[must_use]
pub fn alias(client: &str, name: &str) -> Option<&'static str> {
    ids().find(|id| match provider(id) {
        Some(Ok(provider)) => {
            provider.aliases.get(client).is_some_and(|names| names.iter().any(|n| n == name))
        }
        Some(Err(_)) | None => false,
    })
}

const MARK: &[u8] = b"\n[example]";

const fn head_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + MARK.len() <= bytes.len() {
        let mut same = 0;
        while same < MARK.len() && bytes[at + same] == MARK[same] {
            same += 1;
        }
        if same == MARK.len() {
            return at + 1;
        }
        at += 1;
    }
    bytes.len()
}

const fn head<const LEN: usize>(text: &str) -> [u8; LEN] {
    let bytes = text.as_bytes();
    let mut head = [0; LEN];
    let mut at = 0;
    while at < LEN {
        head[at] = bytes[at];
        at += 1;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_can_be_read_and_has_the_id_of_its_file() {
        for id in ids() {
            let provider = provider(id).unwrap().unwrap_or_else(|e| panic!("{id}: {e:?}"));
            assert_eq!(provider.id, id);
            assert!(provider.dialogues.is_empty(), "{id} carries its dialogues into the program");
        }
    }

    #[test]
    fn ids_are_sorted_and_unique() {
        let ids: Vec<&str> = ids().collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn an_alias_of_another_client_leads_to_the_entry() {
        assert_eq!(alias("ddns-scripts", "dyndns.org"), Some("dyn.com"));
        assert_eq!(alias("ddns-scripts", "nowhere"), None);
    }

    #[test]
    fn the_same_name_of_a_client_means_one_entry() {
        let mut seen = std::collections::BTreeSet::new();
        for id in ids() {
            let provider = provider(id).unwrap().unwrap();
            for (client, names) in provider.aliases {
                for name in names {
                    assert!(seen.insert((client.clone(), name.clone())), "{client} {name} is in two entries");
                }
            }
        }
    }
}
