// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One fetch: a GET without anything that tells who asks (RFC 8801 section 7), and what may come back.

use crate::options::Options;
use crate::resolver::{Judge, Refused};
use crate::tls::{NoRoots, Tls};
use pvd::PvdName;
use pvd::info::{OBJECT_MAX, Trouble, host};
use std::io::ErrorKind;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::{Response, header};
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, Body, Error};

/// What an object is labelled as, and what is asked for (RFC 8801 section 4.1).
const MEDIA_TYPE: &str = "application/pvd+json";

/// Redirections that are followed.
const REDIRECTS_MAX: u32 = 5;

/// Bytes of a head of an answer.
const HEAD_MAX: usize = 16 << 10;

/// See the module.
pub(crate) struct Client(Agent);

impl Client {
    /// # Errors
    /// There is nobody whose word on certificates is believed.
    pub(crate) fn new(options: &Options) -> Result<Client, NoRoots> {
        let config = Config::builder()
            .https_only(true)
            // Not even by the environment.
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS_MAX)
            .max_redirects_will_error(true)
            .max_response_header_size(HEAD_MAX)
            // Each connection is to an address that was judged for it.
            .max_idle_connections(0)
            .user_agent("")
            .accept(MEDIA_TYPE)
            .accept_encoding("")
            .timeout_global(Some(Duration::from_secs(options.timeout.into())))
            .build();
        let connector = TcpConnector::default().chain(Tls::new(options)?);
        Ok(Client(Agent::with_parts(config, connector, Judge::new(options))))
    }

    /// The body that the host has for its PvD.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn fetch(&self, name: &str) -> Result<String, Trouble> {
        // Whoever asks has looked at it as well.
        let host = name.parse::<PvdName>().ok().and_then(|name| host(&name)).ok_or(Trouble::NoHost)?;
        let response = self.0.get(format!("https://{host}/.well-known/pvd")).call().map_err(|why| trouble(&why))?;
        let status = response.status();
        if !status.is_success() {
            let refused = status.is_client_error() || status.is_server_error();
            return Err(if refused { Trouble::Refused(status.as_u16()) } else { Trouble::Status(status.as_u16()) });
        }
        if !is_labelled(&response) {
            return Err(Trouble::MediaType);
        }
        let body = response.into_body().into_with_config().limit(OBJECT_MAX as u64).read_to_vec();
        String::from_utf8(body.map_err(|why| trouble(&why))?).map_err(|_| Trouble::NoText)
    }
}

fn is_labelled(response: &Response<Body>) -> bool {
    let label = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = label.and_then(|label| label.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(MEDIA_TYPE)
}

/// What of an error others are told.
fn trouble(why: &Error) -> Trouble {
    match why {
        Error::Other(inner) => inner.downcast_ref::<Refused>().map_or(Trouble::Http, |refused| refused.0),
        Error::Timeout(_) | Error::BodyStalled => Trouble::Slow,
        Error::HostNotFound => Trouble::NoAddress,
        Error::ConnectionFailed => Trouble::Unreachable,
        Error::TooManyRedirects | Error::RedirectFailed | Error::RequireHttpsOnly(_) | Error::BadUri(_) => {
            Trouble::Redirected
        }
        Error::BodyExceedsLimit(_) => Trouble::TooLong,
        Error::Tls(_) | Error::TlsRequired => Trouble::Tls,
        Error::Io(why) => match why.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::Slow,
            // So TLS says what is wrong with the other side.
            ErrorKind::InvalidData => Trouble::Tls,
            ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied => Trouble::Unreachable,
            _ => Trouble::Http,
        },
        _ => Trouble::Http,
    }
}
