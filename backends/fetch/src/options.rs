// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The command line.

use crate::address::Block;
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Fetches the Additional Information of provisioning domains (RFC 8801) for weftd, in a sandbox.
///
/// weftd starts it where its configuration has `pvd-fetch`. It reads orders from its standard input and writes answers to its
/// standard output, one JSON object a line.
#[derive(Debug, Parser)]
#[command(name = "weft-pvd-fetch", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Certificates (PEM) of the authorities that are believed, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Network namespace to fetch in, such as /run/netns/uplink; needs root
    #[arg(long, value_name = "FILE")]
    pub(crate) netns: Option<PathBuf>,

    /// Addresses that are not public and may be connected to all the same; may be repeated
    #[arg(long, value_name = "ADDRESS/LEN")]
    pub(crate) allow: Vec<Block>,

    /// Where a name leads, instead of asking for it; may be repeated
    #[arg(long, value_name = "NAME=ADDRESS:PORT")]
    pub(crate) resolve: Vec<Fixed>,

    /// Seconds that a fetch may take, redirections and all
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=60))]
    pub(crate) timeout: u16,

    /// User to become when started as root
    #[arg(long, value_name = "UID", default_value = "65534", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) uid: u32,

    /// Group to become when started as root
    #[arg(long, value_name = "GID", default_value = "65534", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) gid: u32,

    /// Try what the sandbox should forbid, say what came of it, and exit
    #[arg(long, hide = true)]
    pub(crate) probe: bool,
}

/// A name whose address is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

impl FromStr for Fixed {
    type Err = String;

    fn from_str(text: &str) -> Result<Fixed, String> {
        let expected = || "expected NAME=ADDRESS:PORT, such as a.example=192.0.2.1:443".to_owned();
        let (name, address) = text.split_once('=').ok_or_else(expected)?;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        Ok(Fixed { name, address: address.parse().map_err(|_| expected())? })
    }
}
