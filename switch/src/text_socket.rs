// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the PvDs of a namespace are told in the text protocol of pvdd, if anywhere.

use crate::delegation::check_socket;
use crate::refusal::Refusal;
use core::fmt;
use core::net::SocketAddr;

/// The key in the configuration, and the field in refusals.
const FIELD: &str = "pvdd";

/// The address of a text socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextSocket {
    /// A Unix socket, by its absolute path. The kernel says who connects to it.
    Unix(String),
    /// A TCP port of the loopback interface. Nobody knows who connects to it, so whoever does may look and no more.
    Tcp(SocketAddr),
}

impl TextSocket {
    /// What it looks like, for error texts.
    pub const EXPECTED: &'static str = "an absolute path, or an address of this machine only such as 127.0.0.1:10101";

    /// Reads an address: what begins with `/` is a path.
    ///
    /// # Errors
    /// It is neither a path nor an address and port, or not one where a socket may be.
    pub fn parse(text: &str) -> Result<TextSocket, Refusal> {
        let socket = match text.starts_with('/') {
            true => TextSocket::Unix(text.to_owned()),
            false => TextSocket::Tcp(text.parse().map_err(|_| Refusal::invalid(FIELD, text, TextSocket::EXPECTED))?),
        };
        socket.check().map(|()| socket)
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match self {
            TextSocket::Unix(path) => check_socket(FIELD, path),
            TextSocket::Tcp(address) if address.ip().is_loopback() && address.port() > 0 => Ok(()),
            TextSocket::Tcp(address) => Err(Refusal::invalid(FIELD, address.to_string(), TextSocket::EXPECTED)),
        }
    }
}

/// As [`TextSocket::parse`] reads it.
impl fmt::Display for TextSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextSocket::Unix(path) => f.write_str(path),
            TextSocket::Tcp(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_only_this_machine_is_served() {
        for good in ["/run/weft/red.pvdd", "127.0.0.1:10101", "127.9.9.9:1", "[::1]:10101"] {
            assert_eq!(TextSocket::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "red.pvdd", "/run/", "0.0.0.0:10101", "[::]:1", "192.0.2.1:10101", "127.0.0.1:0", "10101"] {
            assert!(TextSocket::parse(bad).is_err(), "{bad}");
        }
    }
}
