//! The entries inside the program: compressed together, because flash is dear and entries resemble each other; unpacked
//! while one is read, because memory is dear too.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::entry::{EntryError, Provider};

// `UNPACKED`, the length of all texts, and `INDEX`, sorted: of each entry its id, whether it lives, offset and length.
include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.deflate"));

/// Ids of all entries, sorted.
pub fn ids() -> impl Iterator<Item = &'static str> {
    INDEX.iter().map(|(id, ..)| *id)
}

/// Ids of the entries whose providers are not known to be gone, sorted.
pub fn living() -> impl Iterator<Item = &'static str> {
    INDEX.iter().filter(|(_, lives, ..)| *lives).map(|(id, ..)| *id)
}

/// The text of an entry without comments and dialogues.
#[must_use]
pub fn text(id: &str) -> Option<String> {
    let (.., from, length) = INDEX.iter().find(|(known, ..)| *known == id)?;
    let all = unpack();
    all.get(*from..from + length).map(str::to_owned)
}

/// Reads one entry; `None` if there is none of this id.
///
/// # Errors
/// Never for an entry of a release: the build reads them all.
#[must_use]
pub fn provider(id: &str) -> Option<Result<Provider, Vec<EntryError>>> {
    text(id).map(|text| Provider::parse(&text))
}

/// Reads all entries, sorted by id.
///
/// # Errors
/// Never in a release, as with [`provider`].
pub fn providers() -> Result<Vec<Provider>, Vec<EntryError>> {
    let all = unpack();
    INDEX
        .iter()
        .map(|(.., from, length)| Provider::parse(all.get(*from..from + length).unwrap_or_default()))
        .collect()
}

/// The id of the entry that another client calls `name`; `client` as in the entries: `ddns-scripts`, `inadyn`, …
#[must_use]
pub fn alias(client: &str, name: &str) -> Option<&'static str> {
    let is_called = |provider: Provider| {
        provider.aliases.get(client).is_some_and(|names| names.iter().any(|known| known == name))
    };
    // To read an entry takes long on a router; most of them do not hold the name at all.
    let all = unpack();
    let entry = INDEX.iter().find(|(.., from, length)| {
        let text = all.get(*from..from + length).unwrap_or_default();
        text.contains(name) && Provider::parse(text).is_ok_and(is_called)
    });
    entry.map(|(id, ..)| *id)
}

/// All texts, one after the other. What was packed by the build can be unpacked.
fn unpack() -> String {
    let bytes = decompress_to_vec_with_limit(PACKED, UNPACKED).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_can_be_read_and_carries_no_dialogues() {
        assert_eq!(unpack().len(), UNPACKED);
        for (provider, id) in providers().unwrap().iter().zip(ids()) {
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
        for Provider { id, aliases, .. } in providers().unwrap() {
            for (client, names) in aliases {
                for name in names {
                    assert!(
                        seen.insert((client.clone(), name.clone())),
                        "{client} {name} is in two entries: {id}"
                    );
                }
            }
        }
    }

    /// A router's flash: all providers together cost no more than this.
    #[test]
    fn the_packed_catalogue_is_small() {
        assert!(PACKED.len() <= 60 * 1024, "{} bytes", PACKED.len());
    }
}
