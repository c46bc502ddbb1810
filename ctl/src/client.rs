// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A blocking client of the control socket. Every wait is bounded by the timeout that was given at connect, but for those
//! of [`Client::watch`].
//!
//! ```no_run
//! use std::time::Duration;
//! use ctl::client::Client;
//! use ctl::proto::v1::PortList;
//!
//! let mut client = Client::connect("/run/weft/ctl.sock".as_ref(), Duration::from_secs(10))?;
//! for port in client.call(&PortList::default())?.ports {
//!     println!("{} {:?}", port.spec.name, port.state);
//! }
//! # Ok::<(), ctl::client::ClientError>(())
//! ```

mod error;
mod stream;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use serde_json::Value;

use crate::codec::{Call, Decoder, MESSAGE_MAX, REPLY_MAX, Reply, encode};
use crate::proto::Method;
use crate::proto::v1::Error;

pub use error::ClientError;
pub use stream::Stream;

/// How much is read from the socket at once.
const CHUNK: usize = 64 << 10;

/// A connection to weftd; one call at a time.
#[derive(Debug)]
pub struct Client {
    socket: UnixStream,
    decoder: Decoder<Reply>,
    timeout: Duration,
}

impl Client {
    /// Connects to the socket at `path`. `timeout` bounds the connecting and then the wait for each reply.
    ///
    /// # Errors
    /// `Unreachable` when nobody listens or access is denied, `Timeout` when weftd does not accept.
    pub fn connect(path: &Path, timeout: Duration) -> Result<Client, ClientError> {
        let socket = connect(path, timeout).map_err(|why| match why.kind() {
            io::ErrorKind::WouldBlock => ClientError::Timeout { after: timeout },
            _ => ClientError::Unreachable { path: path.to_owned(), source: why },
        })?;
        Ok(Client::over(socket, timeout))
    }

    /// Speaks over a socket that somebody else has connected, or passes on. `timeout` bounds the wait for each reply.
    #[must_use]
    pub fn over(socket: UnixStream, timeout: Duration) -> Client {
        Client { socket, decoder: Decoder::new(REPLY_MAX), timeout }
    }

    /// Calls a method and waits for its only reply.
    ///
    /// # Errors
    /// `Remote` with weftd's own error, or how the conversation failed.
    pub fn call<M: Method>(&mut self, method: &M) -> Result<M::Reply, ClientError> {
        self.send(&Call::new(method)?)?;
        let reply = self.receive()?;
        typed(M::NAME, reply)
    }

    /// Calls a method with `more`: an iterator over its replies, which ends after the last one or an error.
    ///
    /// # Errors
    /// As [`Client::call`], for the sending.
    pub fn stream<M: Method>(&mut self, method: &M) -> Result<Stream<'_, M>, ClientError> {
        self.send(&Call { more: true, ..Call::new(method)? })?;
        Ok(Stream::new(self, false))
    }

    /// As [`Client::stream`], for replies that come when something happens: the wait for one has no bound.
    ///
    /// # Errors
    /// As [`Client::call`], for the sending.
    pub fn watch<M: Method>(&mut self, method: &M) -> Result<Stream<'_, M>, ClientError> {
        self.send(&Call { more: true, ..Call::new(method)? })?;
        Ok(Stream::new(self, true))
    }

    /// Calls a method without waiting for a reply; weftd sends none, not even an error.
    ///
    /// # Errors
    /// As [`Client::call`], for the sending.
    pub fn oneway<M: Method>(&mut self, method: &M) -> Result<(), ClientError> {
        self.send(&Call { oneway: true, ..Call::new(method)? })
    }

    /// Sends an untyped call. Every call but a `oneway` one must be followed by [`Client::receive`].
    ///
    /// # Errors
    /// `TooLarge` when weftd would not accept it, `Timeout` when weftd does not read, `Lost` when it is gone.
    pub fn send(&mut self, call: &Call) -> Result<(), ClientError> {
        let mut message = Vec::new();
        encode(call, &mut message)?;
        if message.len() > MESSAGE_MAX + 1 {
            return Err(ClientError::TooLarge { limit: MESSAGE_MAX });
        }
        self.socket.set_write_timeout(Some(self.timeout)).map_err(ClientError::Lost)?;
        self.socket.write_all(&message).map_err(|why| self.broken(why))
    }

    /// Waits for one reply, be it a result or an error.
    ///
    /// A wait that fails closes the connection: a reply that comes late must not be taken for that of the next call.
    ///
    /// # Errors
    /// `Timeout`, `Lost`, `Closed`, or `Protocol` when what came is not varlink.
    pub fn receive(&mut self) -> Result<Reply, ClientError> {
        self.wait(Some(Instant::now() + self.timeout)).inspect_err(|_| self.close())
    }

    /// As [`Client::receive`], but that a reply may be long in coming: `None` says that none has come within `time`, and the
    /// conversation goes on.
    fn receive_within(&mut self, time: Duration) -> Result<Option<Reply>, ClientError> {
        match self.wait(Some(Instant::now() + time)) {
            Err(ClientError::Timeout { .. }) => Ok(None),
            received => received.map(Some).inspect_err(|_| self.close()),
        }
    }

    /// As [`Client::receive`], however long it takes.
    fn receive_at_last(&mut self) -> Result<Reply, ClientError> {
        self.wait(None).inspect_err(|_| self.close())
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<Reply, ClientError> {
        let mut chunk = vec![0; CHUNK];
        loop {
            if let Some(reply) = self.decoder.pull()? {
                return Ok(reply);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(ClientError::Timeout { after: self.timeout });
            }
            self.socket.set_read_timeout(left).map_err(ClientError::Lost)?;
            match self.socket.read(&mut chunk) {
                Ok(0) => {
                    self.decoder.finish()?;
                    return Err(ClientError::Closed);
                }
                Ok(length) => self.decoder.push(&chunk[..length])?,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(self.broken(why)),
            }
        }
    }

    /// Ends the conversation; every later call fails.
    fn close(&self) {
        // An error means that the connection is closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Tells a timeout from a connection that broke.
    fn broken(&self, why: io::Error) -> ClientError {
        match why.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::Timeout { after: self.timeout },
            _ => ClientError::Lost(why),
        }
    }
}

/// Connects with a bound: a Unix socket whose queue is full blocks for as long as the send timeout says
/// (`unix_stream_connect` in the kernel), so that is set before, which the standard library cannot do.
fn connect(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(timeout))?;
    rustix::net::connect(&socket, &address)?;
    Ok(UnixStream::from(socket))
}

/// Reads a reply as the result of the method of that name.
fn typed<R: serde::de::DeserializeOwned>(method: &'static str, reply: Reply) -> Result<R, ClientError> {
    if let Some(name) = &reply.error {
        return Err(ClientError::Remote(Error::from_wire(name, reply.parameters.as_ref())));
    }
    let result = reply.parameters.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    R::deserialize(result).map_err(|why| ClientError::Answer { method, why: why.to_string() })
}
