// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The command line.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Carries ports from one host to another over TLS 1.3, each side certified to the other. Exit status: 1 when it failed, 2
/// for wrong usage.
#[derive(Debug, Parser)]
#[command(name = "weft-peer", version, max_term_width = 100)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Let other hosts hand ports over to the weftd of this host
    Listen(Listen),
    /// Pass on what comes by the standard input to a host that listens. `weft migrate` starts it
    Connect(Connect),
}

/// Who this side is, and whom it believes. Read once: start it anew when a certificate is renewed.
#[derive(Debug, Args)]
pub(crate) struct Credentials {
    /// Certificate of this host (PEM), with those between it and an authority behind it
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Certificates (PEM) of the authorities that certify hosts; those of the system are not believed
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Address and TCP port to listen at
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,

    #[command(flatten)]
    pub(crate) credentials: Credentials,

    /// A host that may hand ports over, by a name in its certificate: a DNS name, or a URI such as spiffe://x/host1; may be repeated
    #[arg(long, value_name = "NAME", required = true)]
    pub(crate) allow: Vec<String>,

    /// Control socket of weftd
    #[arg(long, value_name = "PATH", default_value = "/run/weft/ctl.sock")]
    pub(crate) socket: PathBuf,

    /// Directory in which ports that come have their vhost-user sockets
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/weft")]
    pub(crate) sockets: PathBuf,

    /// Ports that come may have VFs: other hosts then say which netdevs, devices and files of this host are used for them
    #[arg(long)]
    pub(crate) vf: bool,

    /// Other hosts may add the namespaces of ports that come, with numbers, quotas and limits as they have them: those of what these
    /// lie in here hold beside them, such as `weft namespace set / --quota macs=N`
    #[arg(long)]
    pub(crate) namespaces: bool,

    /// Seconds that a peer may take to say who it is, and for each call
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(crate) timeout: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Where the other side listens
    #[arg(value_name = "HOST:PORT")]
    pub(crate) to: String,

    #[command(flatten)]
    pub(crate) credentials: Credentials,

    /// The name that must be in the certificate of the other side [default: HOST]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Seconds that the other side may take to say who it is, and for each answer
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) timeout: u32,
}

impl Listen {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

impl Connect {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}
