// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! TLS to a host whose certificate is for its very name: RFC 8801 section 4.1 wants a DNS-ID that equals the PvD's, and one
//! with an asterisk equals none.

use crate::options::Options;
use crate::resolver::Refused;
use pvd::info::Trouble;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

/// Why there is nobody to believe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRoots {
    /// The file that was named.
    #[error("--ca {0} cannot be read as certificates in PEM: {1}")]
    File(String, String),
    /// The system's.
    #[error("this system has no certificates of authorities; install ca-certificates or say --ca FILE")]
    System,
    /// What TLS says.
    #[error("these certificates cannot be used: {0}")]
    Unusable(String),
}

/// Puts TLS over a connection.
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads the certificates that are believed; nothing is read afterwards.
    ///
    /// # Errors
    /// There are none.
    pub(crate) fn new(options: &Options) -> Result<Tls, NoRoots> {
        let roots = options.ca.as_deref().map_or_else(system_roots, roots_of)?;
        let unusable = |why: &dyn fmt::Display| NoRoots::Unusable(why.to_string());
        let provider = Arc::new(ring::default_provider());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let verifier = Exact { inner: inner.map_err(|why| unusable(&why))? };
        let config = config(provider, Arc::new(verifier)).map_err(|why| unusable(&why))?;
        Ok(Tls(Arc::new(config)))
    }
}

fn config(provider: Arc<CryptoProvider>, verifier: Arc<Exact>) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    // What is dangerous about it is that it could check less than the usual one. It checks more.
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn roots_of(file: &Path) -> Result<RootCertStore, NoRoots> {
    let bad = |why: String| NoRoots::File(file.display().to_string(), why);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|why| bad(why.to_string()))? {
        let certificate = certificate.map_err(|why| bad(why.to_string()))?;
        roots.add(certificate).map_err(|why| bad(why.to_string()))?;
    }
    if roots.is_empty() { Err(bad("there is none".to_owned())) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, NoRoots> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(NoRoots::System) } else { Ok(roots) }
}

/// Checks what is usually checked, and that the name stands in the certificate as it is.
#[derive(Debug)]
struct Exact {
    inner: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Exact {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.verify_server_cert(certificate, others, name, ocsp, now)?;
        let bad = |_| CertificateError::BadEncoding;
        let parsed = webpki::EndEntityCert::try_from(certificate).map_err(bad)?;
        let wanted = name.to_str();
        match parsed.valid_dns_names().any(|said| said.eq_ignore_ascii_case(&wanted)) {
            true => Ok(verified),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

impl<In: Transport> Connector<In> for Tls {
    type Out = Secured<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, below: Option<In>) -> Result<Option<Secured<In>>, Error> {
        let host = details.uri.host().unwrap_or_default().trim_end_matches('.').to_owned();
        let name = ServerName::try_from(host).map_err(|_| Refused(Trouble::NoHost))?;
        let Some(below) = below else { return Ok(None) };
        let mut sock = TransportAdapter::new(below, Arc::clone(&details.current_time));
        sock.set_timeout(details.timeout);
        let refused = |_| Refused(Trouble::Tls);
        let mut conn = ClientConnection::new(Arc::clone(&self.0), name).map_err(refused)?;
        conn.complete_io(&mut sock)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Secured { stream: StreamOwned { conn, sock }, buffers }))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// A connection with TLS.
pub(crate) struct Secured<In: Transport> {
    stream: StreamOwned<ClientConnection, TransportAdapter<In>>,
    buffers: LazyBuffers,
}

impl<In: Transport> Transport for Secured<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        Ok(self.stream.write_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl<In: Transport> fmt::Debug for Secured<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured")
    }
}
