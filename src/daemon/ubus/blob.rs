//! Blob attributes (libubox `blob.h`), big-endian. Pure: no socket, never panics, whatever the bytes.
//!
//! ```text
//! ┌ 1 bit: has a name ┬ 7 bits: id ┬ 24 bits: length with these four bytes ┐ data … zeros up to a multiple of four
//! ```

use super::Malformed;

/// Bytes of an attribute's head.
pub(super) const HEAD: usize = 4;
/// Attributes begin at multiples of this (`BLOB_ATTR_ALIGN`).
const ALIGN: usize = 4;
/// `BLOB_ATTR_EXTENDED`: the data begins with a name.
const NAMED: u32 = 1 << 31;
/// `BLOB_ATTR_LEN_MASK`.
const LENGTH: u32 = 0x00ff_ffff;

/// One attribute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Attr<'a> {
    pub(super) id: u8,
    pub(super) named: bool,
    pub(super) data: &'a [u8],
}

/// Length of a whole attribute without its padding, as its head says.
pub(super) fn length(head: [u8; HEAD]) -> usize {
    usize::try_from(u32::from_be_bytes(head) & LENGTH).unwrap_or(usize::MAX)
}

/// The same with its padding.
pub(super) fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGN)
}

/// The attributes that stand one after the other in these bytes; ends with the first mistake.
#[derive(Clone, Debug)]
pub(super) struct Attrs<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Attrs<'a> {
    type Item = Result<Attr<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let attr = first(self.0);
        self.0 = match attr {
            Ok((_, rest)) => rest,
            Err(_) => &[],
        };
        Some(attr.map(|(attr, _)| attr))
    }
}

/// The first attribute and what comes after it.
fn first(bytes: &[u8]) -> Result<(Attr<'_>, &[u8]), Malformed> {
    let head = *bytes.first_chunk().ok_or(Malformed)?;
    let length = length(head);
    let data = bytes.get(HEAD..length).ok_or(Malformed)?;
    let [first, ..] = head;
    let attr = Attr { id: first & 0x7f, named: u32::from_be_bytes(head) & NAMED != 0, data };
    // The last one's padding may be missing: libubox counts it to its parent, others do not.
    Ok((attr, bytes.get(padded(length)..).unwrap_or_default()))
}

/// Attributes under construction.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn put(&mut self, id: u8, data: &[u8]) {
        self.nest(id, false, |inner| inner.0.extend_from_slice(data));
    }

    pub(super) fn put_u32(&mut self, id: u8, value: u32) {
        self.put(id, &value.to_be_bytes());
    }

    /// A text with the final NUL of C; a NUL inside would end it early, so it is left out.
    pub(super) fn put_text(&mut self, id: u8, text: &str) {
        self.nest(id, false, |inner| inner.push_text(text));
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.0.extend(text.bytes().filter(|byte| *byte != 0).chain([0]));
    }

    /// Zeros up to the next multiple of four: what was written before began at one.
    pub(super) fn pad(&mut self) {
        self.0.resize(padded(self.0.len()), 0);
    }

    /// An attribute whose data `fill` writes.
    pub(super) fn nest(&mut self, id: u8, named: bool, fill: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; HEAD]);
        fill(self);
        // What is too long is refused as a whole when the message is done: see `Message::encode`.
        let length = u32::try_from(self.0.len() - start).unwrap_or(LENGTH) & LENGTH;
        let head = (u32::from(id & 0x7f) << 24) | length | if named { NAMED } else { 0 };
        if let Some(place) = self.0.get_mut(start..start + HEAD) {
            place.copy_from_slice(&head.to_be_bytes());
        }
        self.pad();
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
