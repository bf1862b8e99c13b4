//! Whom to trust, and what to say when we do not.

mod p256;
mod provider;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use litemap::LiteMap;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::fault::Fault;
use super::wire::Wire;
use crate::daemon::clock;
use crate::engine::FailureKind;
use provider::provider;

/// One configuration for each bundle in use, read when it is needed first and again when it is another file. A bundle
/// that could not be read is looked for again the next time; the one that was read before serves until then.
#[derive(Default)]
pub(super) struct Trust(Mutex<LiteMap<Option<PathBuf>, Known>>);

type Known = (Mark, Arc<ClientConfig>);

impl Trust {
    /// The words of an error name the package that is missing.
    pub(super) fn config(&self, ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
        let key = ca_file.map(Path::to_owned);
        let path = ca_file.or_else(|| BUNDLES.iter().map(Path::new).find(|path| path.exists()));
        let mark = path.and_then(Mark::of).unwrap_or_default();
        // Held while reading: a second worker would only read the same again.
        let mut configs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = configs.get(&key);
        if let Some((_, config)) = known.filter(|(known, _)| *known == mark) {
            return Ok(Arc::clone(config));
        }
        match (read(path), known) {
            (Ok(config), _) => {
                let config = Arc::new(config);
                configs.insert(key, (mark, Arc::clone(&config)));
                Ok(config)
            }
            (Err(_), Some((_, config))) => Ok(Arc::clone(config)),
            (Err(words), None) => Err(words),
        }
    }
}

/// Device, inode and time of the last change: another one for each replaced file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Mark(u64, u64, i64, i64);

impl Mark {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self(metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
    }
}

/// Shakes hands as far as needed to speak; the wire's deadline holds.
pub(super) fn handshake(
    config: Arc<ClientConfig>,
    host: &str,
    mut wire: Wire,
) -> Result<StreamOwned<ClientConnection, Wire>, Fault> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Fault::new(FailureKind::Protocol, "a certificate cannot hold such a name"))?;
    let mut connection = ClientConnection::new(config, name).map_err(|error| fault(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut wire).map_err(Fault::of_io)?;
    }
    Ok(StreamOwned::new(connection, wire))
}

/// Says in words why there is no TLS.
pub(super) fn fault(error: &rustls::Error) -> Fault {
    if let rustls::Error::InvalidCertificate(reason) = error {
        return rejected(reason);
    }
    if let rustls::Error::InvalidMessage(_) = error {
        return Fault::new(FailureKind::Protocol, "this is not TLS");
    }
    Fault::new(FailureKind::Protocol, error.to_string())
}

fn rejected(reason: &CertificateError) -> Fault {
    if let CertificateError::NotValidYetContext { time, not_before } = reason {
        let words = format!(
            "the certificate is valid from {}, but the clock shows {}",
            date(*not_before),
            date(*time)
        );
        return Fault::new(FailureKind::CertificateNotYetValid, words);
    }
    if let CertificateError::NotValidYet = reason {
        return Fault::new(FailureKind::CertificateNotYetValid, "the certificate is valid from a later date");
    }
    let words = if let CertificateError::ExpiredContext { time, not_after } = reason {
        format!("the certificate expired on {}, and the clock shows {}", date(*not_after), date(*time))
    } else if let CertificateError::UnknownIssuer = reason {
        "the certificate is signed by no authority of the CA bundle".to_owned()
    } else if let CertificateError::NotValidForNameContext { presented, .. } = reason {
        format!("the certificate is for other names ({})", presented.join(", "))
    } else if let CertificateError::BadSignature = reason {
        "the certificate's signature is wrong".to_owned()
    } else if is_an_authoritys(reason) {
        "the certificate is self-signed, or an authority's own instead of a server's".to_owned()
    } else {
        format!("the certificate is not accepted: {reason}")
    };
    Fault::new(FailureKind::CertificateRejected, words)
}

/// webpki's own error, which rustls keeps as an opaque one: typical of a certificate made by hand.
fn is_an_authoritys(reason: &CertificateError) -> bool {
    let CertificateError::Other(other) = reason else { return false };
    other.0.to_string().contains("CaUsedAsEndEntity")
}

fn read(path: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let path = path.ok_or_else(|| {
        format!("no CA bundle ({}); install the package ca-bundle or ca-certificates", BUNDLES.join(", "))
    })?;
    let unreadable = |error| format!("the CA bundle {} cannot be read: {error}", path.display());
    // One certificate at a time, so that the whole bundle is never in memory.
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        // A bundle may hold certificates that webpki does not understand; the others still count.
        let _ = roots.add(certificate.map_err(unreadable)?);
    }
    if roots.is_empty() {
        return Err(format!("the CA bundle {} holds no certificate", path.display()));
    }
    roots.roots.shrink_to_fit();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    Ok(config)
}

/// `2026-05-01 12:00 UTC`.
fn date(time: UnixTime) -> String {
    let seconds = time.as_secs();
    let (year, month, day) = clock::date(seconds / 86_400);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", seconds / 3_600 % 24, seconds / 60 % 60)
}

/// OpenWrt and Debian; OpenWrt's compatibility link, Alpine; Fedora.
pub(in crate::daemon) const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Sessions kept for resumption; a router speaks to a handful of providers.
const SESSIONS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| date(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!(at(0), "1970-01-01 00:00 UTC");
        assert_eq!(at(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(at(1_777_636_800), "2026-05-01 12:00 UTC");
        assert_eq!(at(4_107_542_399), "2100-02-28 23:59 UTC");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00 UTC");
    }
}
