//! The laboratory's own certification authority, and one certificate for every way in which one can be wrong.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::fault::Mode;

/// A server's certificates by what is wrong with them, all issued when this is made.
pub struct Certificates {
    ca_pem: String,
    good: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    not_yet_valid: Arc<ServerConfig>,
    other_authority: Arc<ServerConfig>,
}

impl Certificates {
    /// Certificates for a server with these names and IP addresses.
    pub fn new(names: &[&str]) -> Self {
        let authority = Authority::new("wanbeacon laboratory");
        Self {
            good: authority.issue(names, 2020..2090),
            wrong_name: authority.issue(&["someone-else.example.test"], 2020..2090),
            expired: authority.issue(names, 2020..2021),
            not_yet_valid: authority.issue(names, 2090..2099),
            other_authority: Authority::new("somebody else's laboratory").issue(names, 2020..2090),
            ca_pem: authority.pem,
        }
    }

    /// What a client must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The certificate that goes with a mode.
    pub fn config(&self, mode: &Mode) -> Arc<ServerConfig> {
        let config = if *mode == Mode::CertificateExpired {
            &self.expired
        } else if *mode == Mode::CertificateNotYetValid {
            &self.not_yet_valid
        } else if *mode == Mode::CertificateOtherAuthority {
            &self.other_authority
        } else if *mode == Mode::CertificateWrongName {
            &self.wrong_name
        } else {
            &self.good
        };
        Arc::clone(config)
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a self-signed certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server certificate, valid from the first of January of one year to that of another.
    fn issue(&self, names: &[&str], years: std::ops::Range<i32>) -> Arc<ServerConfig> {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).expect("names of a certificate");
        params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that belongs to its certificate");
        Arc::new(config)
    }
}
