// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The socket, of either kind, and connections to it.

use crate::ctl_server::access::{Access, Gate};
use crate::ctl_server::socket::{Socket, SocketError};
use crate::dispose::{Connection, Descriptors};
use crate::place::Place;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use switch::{Confined, TextSocket};

/// Why the socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A Unix socket.
    #[error(transparent)]
    Unix(#[from] SocketError),
    /// A TCP port.
    #[error("{address}: cannot listen: {why}")]
    Tcp {
        /// Its address.
        address: SocketAddr,
        /// What the system says.
        why: io::Error,
    },
}

/// A listening socket.
pub enum Listener {
    /// The kernel says who connects.
    Unix(Socket),
    /// It does not.
    Tcp(TcpListener),
}

/// A connection.
pub(super) enum Stream {
    Unix(Connection),
    Tcp(TcpStream),
}

impl Listener {
    /// Listens there. `gate` says how the file of a Unix socket may be opened; of one that is confined nothing on the way
    /// leads out of its directory.
    ///
    /// # Errors
    /// Somebody else listens there, or the system refuses.
    pub fn open(socket: &TextSocket, confined: Option<Confined>, gate: &Gate) -> Result<Listener, ListenError> {
        match socket {
            TextSocket::Unix(path) => Ok(Listener::Unix(Socket::bind(&Place::new(path, confined), gate)?)),
            TextSocket::Tcp(address) => {
                let failed = |why| ListenError::Tcp { address: *address, why };
                let listener = TcpListener::bind(address).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                Ok(Listener::Tcp(listener))
            }
        }
    }

    /// The next client, non-blocking, and what it may do if that is known; `None`: nobody waits.
    pub(super) fn accept(&self, gates: &[Gate]) -> io::Result<Option<(Stream, Option<Access>)>> {
        match self {
            Listener::Unix(socket) => {
                let stream = socket.accept()?;
                let access = |stream: &Connection| gates.iter().map(|gate| gate.sight_of(stream.as_fd())).max();
                Ok(stream.map(|stream| {
                    let access = access(&stream).unwrap_or(Access::None);
                    (Stream::Unix(stream), Some(access))
                }))
            }
            Listener::Tcp(listener) => match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    // Answers are whole when they are written.
                    stream.set_nodelay(true)?;
                    Ok(Some((Stream::Tcp(stream), None)))
                }
                Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => Ok(None),
                Err(why) => Err(why),
            },
        }
    }
}

impl Stream {
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => {
                // Descriptors mean nothing here. A plain read would have the kernel close them in this thread.
                let mut fds = Descriptors::default();
                sys::fd::recv_with_fds(stream.as_fd(), buffer, &mut fds)
            }
            Stream::Tcp(stream) => (&*stream).read(buffer),
        }
    }

    pub(super) fn write(&self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&**stream).write(octets),
            Stream::Tcp(stream) => (&*stream).write(octets),
        }
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Listener::Unix(socket) => socket.as_raw_fd(),
            Listener::Tcp(listener) => listener.as_raw_fd(),
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Stream::Unix(stream) => stream.as_raw_fd(),
            Stream::Tcp(stream) => stream.as_raw_fd(),
        }
    }
}
