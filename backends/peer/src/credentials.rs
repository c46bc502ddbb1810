// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who this side is and whom it believes, as TLS wants it: version 1.3 alone, both sides certified, every connection anew.

use crate::options::Credentials;
use crate::trouble::Trouble;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

/// What is spoken inside, and in which version: who does not know it is turned away before he can say anything.
const PROTOCOL: &[u8] = b"weft-peer/1";

/// Of the listening end.
///
/// # Errors
/// A file is not what it should be.
pub(crate) fn server(credentials: &Credentials) -> Result<Arc<ServerConfig>, Trouble> {
    let roots = Arc::new(roots(&credentials.ca)?);
    let (chain, key) = own(credentials)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
    let verifier = verifier.map_err(|why| bad(&credentials.ca, why))?;
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]);
    let builder = builder.map_err(|why| bad(&credentials.cert, why))?.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(chain, key).map_err(|why| bad(&credentials.cert, why))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    // A certificate is looked at each time: it may have expired since.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Of the connecting end.
///
/// # Errors
/// A file is not what it should be.
pub(crate) fn client(credentials: &Credentials) -> Result<Arc<ClientConfig>, Trouble> {
    let roots = roots(&credentials.ca)?;
    let (chain, key) = own(credentials)?;
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]);
    let builder = builder.map_err(|why| bad(&credentials.cert, why))?.with_root_certificates(roots);
    let mut config = builder.with_client_auth_cert(chain, key).map_err(|why| bad(&credentials.cert, why))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn own(credentials: &Credentials) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Trouble> {
    let key = PrivateKeyDer::from_pem_file(&credentials.key);
    Ok((certificates(&credentials.cert)?, key.map_err(|why| bad(&credentials.key, format!("no private key: {why}")))?))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|why| bad(file, format!("cannot be read as certificates in PEM: {why}")))?;
    if all.is_empty() { Err(bad(file, "there is no certificate in it")) } else { Ok(all) }
}

fn roots(file: &Path) -> Result<RootCertStore, Trouble> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|why| bad(file, why))?;
    }
    Ok(roots)
}

fn bad(file: &Path, why: impl Display) -> Trouble {
    Trouble::Credentials(file.to_owned(), why.to_string())
}
