// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Names to addresses that may be connected to. The client connects to what is returned here and looks nothing up again,
//! so that an address cannot be another one when it is used than when it was judged.

use crate::address::{Block, is_public};
use crate::options::{Fixed, Options};
use pvd::info::Trouble;
use std::net::{SocketAddr, ToSocketAddrs};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The port of HTTPS, and the only one: others belong to services that do not expect this.
pub(crate) const HTTPS_PORT: u16 = 443;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// A [`Trouble`] on its way through the client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) Trouble);

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        Error::Other(Box::new(refused))
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Judge {
    fixed: Vec<Fixed>,
    allowed: Vec<Block>,
}

impl Judge {
    pub(crate) fn new(options: &Options) -> Judge {
        Judge { fixed: options.resolve.clone(), allowed: options.allow.clone() }
    }

    /// # Errors
    /// There are no addresses, or none that may be connected to.
    fn judge(&self, found: &[SocketAddr]) -> Result<Vec<SocketAddr>, Refused> {
        let may = |address: &SocketAddr| is_public(address.ip()) || self.allowed.iter().any(|it| it.has(address.ip()));
        match found.iter().copied().filter(may).take(ADDRESSES_MAX).collect::<Vec<_>>() {
            _ if found.is_empty() => Err(Refused(Trouble::NoAddress)),
            good if good.is_empty() => Err(Refused(Trouble::Forbidden)),
            good => Ok(good),
        }
    }

    fn look_up(&self, host: &str) -> Vec<SocketAddr> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        match self.fixed.iter().find(|fixed| fixed.name == host) {
            Some(fixed) => vec![fixed.address],
            // The dot keeps the search list of this host out of it.
            None => {
                let found = (format!("{host}."), HTTPS_PORT).to_socket_addrs();
                found.map(Iterator::collect).unwrap_or_default()
            }
        }
    }
}

impl Resolver for Judge {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Refused(Trouble::Redirected))?;
        if uri.port_u16().is_some_and(|port| port != HTTPS_PORT) {
            return Err(Refused(Trouble::Redirected).into());
        }
        // No certificate that is believed has the name of a PvD and is asked for by an address.
        let literal = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
        if literal {
            return Err(Refused(Trouble::Forbidden).into());
        }
        let mut addresses = self.empty();
        self.judge(&self.look_up(host))?.into_iter().for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}
