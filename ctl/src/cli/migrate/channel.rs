// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How another weftd is reached: by its control socket, or over TLS.
//!
//! There is no TLS in this program. `weft-peer connect` has it: a child process, one end of a pair of sockets being its standard input
//! and output. What it says on its standard error is why there is no channel.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::client::{Client, ClientError};
use crate::proto::Method;

/// The program, beside this one or in the path.
const PROGRAM: &str = "weft-peer";

/// What of its complaints is read, in bytes.
const COMPLAINT_MAX: u64 = 4096;

/// Where another weftd is, and who speaks with it.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Way {
    /// The other weftd: its control socket, or tls:HOST:PORT where the weft-peer of its host listens
    #[arg(long, value_name = "SOCKET")]
    pub(super) to: Place,
    #[command(flatten)]
    pub(super) shown: Shown,
}

/// What this host shows of itself over TLS, and whom it believes.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Shown {
    /// With tls: certificate of this host (PEM)
    #[arg(long, value_name = "FILE", env = "WEFT_PEER_CERT", hide_env_values = true)]
    cert: Option<PathBuf>,
    /// With tls: the certificate's private key (PEM)
    #[arg(long, value_name = "FILE", env = "WEFT_PEER_KEY", hide_env_values = true)]
    key: Option<PathBuf>,
    /// With tls: certificates (PEM) of the authorities that certify hosts
    #[arg(long, value_name = "FILE", env = "WEFT_PEER_CA", hide_env_values = true)]
    ca: Option<PathBuf>,
    /// With tls: the name in the certificate of the other host [default: HOST]
    #[arg(long, value_name = "NAME")]
    peer: Option<String>,
}

/// A conversation with another weftd.
pub(super) struct Channel {
    place: Place,
    client: Client,
    /// Who passes it on.
    helper: Option<Child>,
}

impl Channel {
    /// # Errors
    /// It cannot be reached, as far as that can be told already.
    pub(super) fn open(way: &Way, timeout: Duration) -> Result<Channel, Failure> {
        let place = way.to.clone();
        match &place {
            Place::Socket(path) => match Client::connect(path, timeout) {
                Ok(client) => Ok(Channel { place, client, helper: None }),
                Err(why) => Err(Failure::Elsewhere { place, why }),
            },
            Place::Tls(host) => {
                let command = way.shown.command(host, timeout)?;
                let (socket, helper) = spawn(command)
                    .map_err(|why| Failure::Channel { place: place.clone(), why: format!("{PROGRAM}: {why}") })?;
                // The handshake has its own time, and the answer as much again.
                Ok(Channel { place, client: Client::over(socket, timeout * 2), helper: Some(helper) })
            }
        }
    }

    /// # Errors
    /// The other weftd refused, or the conversation failed.
    pub(super) fn call<M: Method>(&mut self, method: &M) -> Result<M::Reply, Failure> {
        self.client.call(method).map_err(|why| self.failed(why))
    }

    /// Where the channel broke, whoever passed it on knows why.
    fn failed(&mut self, why: ClientError) -> Failure {
        let place = self.place.clone();
        let broke = matches!(why, ClientError::Closed | ClientError::Lost(_));
        match self.helper.as_mut().filter(|_| broke).and_then(complaint) {
            Some(why) => Failure::Channel { place, why },
            None => Failure::Elsewhere { place, why },
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(helper) = &mut self.helper {
            // Each fails only when it has ended already.
            let _ = helper.kill();
            let _ = helper.wait();
        }
    }
}

impl Shown {
    fn command(&self, host: &str, timeout: Duration) -> Result<Command, Failure> {
        let needed = |file: &Option<PathBuf>, option: &str| {
            file.clone()
                .ok_or_else(|| Failure::Usage(format!("--to tls:… needs {option} FILE: both hosts show certificates")))
        };
        let beside =
            std::env::current_exe().ok().map(|weft| weft.with_file_name(PROGRAM)).filter(|path| path.is_file());
        let mut command = Command::new(beside.unwrap_or_else(|| PROGRAM.into()));
        command.args(["connect", host, "--timeout", &timeout.as_secs().to_string()]);
        command.arg("--cert").arg(needed(&self.cert, "--cert")?).arg("--key").arg(needed(&self.key, "--key")?);
        command.arg("--ca").arg(needed(&self.ca, "--ca")?);
        if let Some(name) = &self.peer {
            command.arg("--name").arg(name);
        }
        Ok(command)
    }
}

/// Starts a helper; what is said to the socket is said to it.
fn spawn(mut command: Command) -> io::Result<(UnixStream, Child)> {
    let (ours, theirs) = UnixStream::pair()?;
    let theirs = OwnedFd::from(theirs);
    command.stdin(theirs.try_clone()?).stdout(theirs).stderr(Stdio::piped());
    Ok((ours, command.spawn()?))
}

/// What a helper that has ended says about it.
fn complaint(helper: &mut Child) -> Option<String> {
    let mut text = Vec::new();
    helper.stderr.take()?.take(COMPLAINT_MAX).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let said = text.trim();
    let said = said.strip_prefix("weft-peer: ").unwrap_or(said);
    (!said.is_empty()).then(|| said.to_owned())
}
