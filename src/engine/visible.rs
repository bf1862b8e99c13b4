//! Whether the zone's own name servers show what the provider has confirmed.

use super::{JobId, RecordId};
use crate::provider::Family;
pub use crate::provider::Seen;

/// One look at the name servers of a name's zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// Its number.
    pub id: JobId,
    /// Whose settings (zone, device to bind) it is made with.
    pub record: RecordId,
    /// The name, as it is configured.
    pub name: String,
    /// A or AAAA.
    pub family: Family,
    /// The device that the wanted address belongs to.
    pub device: Option<String>,
}
