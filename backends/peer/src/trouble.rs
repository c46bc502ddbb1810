// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How a conversation can end badly, in words for whoever operates this end.

use crate::limits::QUOTED_MAX;
use ctl::codec::CodecError;
use rustls::{AlertDescription, CertificateError};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why there is no channel, or none any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A certificate or key.
    #[error("{file}: {why}", file = .0.display(), why = .1)]
    Credentials(PathBuf, String),
    /// What is said of a place makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Nobody is there.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(String, io::Error),
    /// Somebody else is there.
    #[error("cannot listen at {0}: {1}")]
    NotListening(SocketAddr, io::Error),
    /// The other side is not who it must be, or speaks something else.
    #[error("{0}")]
    Tls(String),
    /// The other side does not let us in.
    #[error("the other side refuses: {0}")]
    Refused(String),
    /// No name in the certificate is on the list.
    #[error("it is not on the list (--allow): its certificate is for {0}")]
    NotListed(String),
    /// It took too long.
    #[error("it did not speak in time")]
    Slow,
    /// What it said is no message, or one too many.
    #[error("{0}")]
    Nonsense(String),
    /// It has gone.
    #[error("it closed the connection")]
    Gone,
    /// It broke.
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    /// What is given up cannot be given up.
    #[error("the sandbox cannot be had: {0}")]
    Sandbox(String),
}

impl From<io::Error> for Trouble {
    fn from(why: io::Error) -> Trouble {
        match (why.kind(), why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())) {
            (_, Some(tls)) => Trouble::Tls(in_words(tls)),
            (ErrorKind::WouldBlock | ErrorKind::TimedOut, None) => Trouble::Slow,
            (ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe, None) => Trouble::Gone,
            _ => Trouble::Broken(why),
        }
    }
}

impl From<CodecError> for Trouble {
    fn from(why: CodecError) -> Trouble {
        Trouble::Nonsense(why.to_string())
    }
}

/// What TLS says, with what can be done about it where that is known.
fn in_words(why: &rustls::Error) -> String {
    match why {
        rustls::Error::NoCertificatesPresented => "it showed no certificate".to_owned(),
        // The signature is wrong where the authority only has the name of one that is believed.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is of no authority that is believed here (--ca)".to_owned()
        }
        rustls::Error::InvalidCertificate(why) => quoted(&format!("its certificate is not accepted: {why}")),
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => {
            "what it says is no TLS".to_owned()
        }
        rustls::Error::PeerIncompatible(why) => format!("it speaks no TLS 1.3, or not for this: {why:?}"),
        rustls::Error::NoApplicationProtocol => "it is no weft-peer, or one of another version".to_owned(),
        rustls::Error::AlertReceived(alert) => alerted(*alert),
        _ => quoted(&why.to_string()),
    }
}

/// What the other side had against us.
fn alerted(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::CertificateRequired => "it wants a certificate",
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "the certificate of this side is of no authority that is believed there"
        }
        AlertDescription::CertificateExpired => "the certificate of this side has expired, or is not valid yet",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept the certificate of this side"
        }
        AlertDescription::NoApplicationProtocol => "it is no weft-peer, or one of another version",
        AlertDescription::ProtocolVersion => "it speaks no TLS 1.3",
        _ => return format!("the other side refuses: {alert:?}"),
    };
    format!("the other side refuses: {why}")
}

/// Fit for a terminal and a log.
pub(crate) fn quoted(text: &str) -> String {
    let shown = text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] });
    shown.take(QUOTED_MAX).collect()
}
