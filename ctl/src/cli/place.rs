// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where another weftd is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its control socket.
    Socket(PathBuf),
    /// `HOST:PORT`, where the weft-peer of its host listens.
    Tls(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Socket(path) => write!(f, "{}", path.display()),
            Place::Tls(host) => write!(f, "tls:{host}"),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let Some(host) = text.strip_prefix("tls:") else { return Ok(Place::Socket(text.into())) };
        let good = host.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        let expected = "expected tls:HOST:PORT, such as tls:host2.example:4700; a socket of that name is ./tls:…";
        if good { Ok(Place::Tls(host.to_owned())) } else { Err(expected.to_owned()) }
    }
}
