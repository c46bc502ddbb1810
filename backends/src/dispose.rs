// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Closing what others have opened.
//!
//! close(2) of a descriptor that somebody else chose can take as long as they like: a TCP socket with `SO_LINGER` waits
//! for its peer, a file of a FUSE file system for its daemon. The same goes for descriptors that nobody has received
//! yet when the connection that they wait in is closed. So nothing of the kind is closed on the control thread:
//! [`Descriptors`], [`Connection`]s and [`ListenerEnd`]s go to *closers* when they are dropped. These are threads that
//! do nothing else, are made when one is needed, and end when there is nothing to do. One that is stuck stands in
//! nobody's way, up to [`CLOSERS_MAX`] of them.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use rustix::net::sockopt;

/// Closers at most.
const CLOSERS_MAX: usize = 32;
/// What may wait for a closer; what comes then is closed on the spot.
const WAITING_MAX: usize = 1024;
/// How long a closer waits for more.
const IDLE: Duration = Duration::from_secs(1);

/// Descriptors that came over a socket. Those that are still here when this is dropped are closed by a closer.
#[derive(Debug, Default)]
pub struct Descriptors(Vec<OwnedFd>);

impl From<Vec<OwnedFd>> for Descriptors {
    fn from(fds: Vec<OwnedFd>) -> Self {
        Self(fds)
    }
}

impl FromIterator<OwnedFd> for Descriptors {
    fn from_iter<I: IntoIterator<Item = OwnedFd>>(fds: I) -> Self {
        Self(fds.into_iter().collect())
    }
}

impl Deref for Descriptors {
    type Target = Vec<OwnedFd>;

    fn deref(&self) -> &Vec<OwnedFd> {
        &self.0
    }
}

impl DerefMut for Descriptors {
    fn deref_mut(&mut self) -> &mut Vec<OwnedFd> {
        &mut self.0
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            hand_over(Waste::Descriptors(std::mem::take(&mut self.0)));
        }
    }
}

/// A connection to a peer. Its end is seen by the peer when this is dropped; what is unread then is a closer's business.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Arc<UnixStream>,
    /// Another process serves it still: it goes on when this is dropped.
    shared: AtomicBool,
}

impl From<UnixStream> for Connection {
    fn from(stream: UnixStream) -> Self {
        Self { stream: Arc::new(stream), shared: AtomicBool::new(false) }
    }
}

impl Connection {
    /// One that another process has, until [`Connection::take_over`].
    pub(crate) fn shared(stream: UnixStream) -> Self {
        Self { stream: Arc::new(stream), shared: AtomicBool::new(true) }
    }

    /// It is nobody else's any more.
    pub(crate) fn take_over(&mut self) {
        *self.shared.get_mut() = false;
    }

    /// Lets another go on with it: it does not end when this is dropped.
    ///
    /// # Errors
    /// The system is out of descriptors; then it does.
    pub(crate) fn leave(&self) -> io::Result<OwnedFd> {
        let left = self.stream.as_fd().try_clone_to_owned()?;
        self.shared.store(true, Ordering::Relaxed);
        Ok(left)
    }
}

impl Deref for Connection {
    type Target = UnixStream;

    fn deref(&self) -> &UnixStream {
        &self.stream
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if *self.shared.get_mut() {
            return;
        }
        // It fails only when the peer has gone by itself. Nothing more can be sent to us from here on.
        let _ = self.stream.shutdown(Shutdown::Both);
        hand_over(Waste::Connection(Arc::clone(&self.stream)));
    }
}

/// Ends a non-blocking listening socket that is ours alone when it is dropped: nobody can connect any more, and who has
/// done so and was not accepted is a closer's business.
#[derive(Debug)]
pub(crate) struct ListenerEnd(pub(crate) Arc<UnixListener>);

impl Drop for ListenerEnd {
    fn drop(&mut self) {
        // It cannot fail for a socket that listens.
        let _ = rustix::net::shutdown(&*self.0, rustix::net::Shutdown::Both);
        hand_over(Waste::Listener(Arc::clone(&self.0)));
    }
}

/// What is to be closed.
enum Waste {
    Descriptors(Vec<OwnedFd>),
    Connection(Arc<UnixStream>),
    Listener(Arc<UnixListener>),
}

impl Waste {
    /// Closes it, which may block.
    fn close(self) {
        match self {
            Self::Descriptors(fds) => fds.into_iter().for_each(let_go),
            Self::Connection(stream) => drain(&stream),
            Self::Listener(listener) => {
                while let Ok((stream, _)) = listener.accept() {
                    let _ = stream.shutdown(Shutdown::Both);
                    drain(&stream);
                }
            }
        }
    }
}

/// Closes a descriptor. A socket forgets what it has not sent: then it has nothing to wait for.
fn let_go(fd: OwnedFd) {
    // It fails for what is no socket.
    let _ = sockopt::set_socket_linger(&fd, Some(Duration::ZERO));
    drop(fd);
}

/// Takes what is unread off a connection that is shut down, so that its descriptors are let go as all others.
fn drain(stream: &UnixStream) {
    let mut chunk = [0; 4096];
    loop {
        let mut fds = Vec::new();
        let received = sys::fd::recv_with_fds(stream.as_fd(), &mut chunk, &mut fds);
        let more = !fds.is_empty() || received.is_ok_and(|count| count > 0);
        fds.into_iter().for_each(let_go);
        if !more {
            return;
        }
    }
}

/// The closers and their work.
struct Closers {
    waiting: VecDeque<Waste>,
    threads: usize,
    /// Those of them that wait for work.
    idle: usize,
}

static CLOSERS: Mutex<Closers> = Mutex::new(Closers { waiting: VecDeque::new(), threads: 0, idle: 0 });
static CALL: Condvar = Condvar::new();

fn closers() -> MutexGuard<'static, Closers> {
    CLOSERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hand_over(waste: Waste) {
    let mut closers = closers();
    closers.call_another();
    if closers.threads == 0 || closers.waiting.len() >= WAITING_MAX {
        drop(closers);
        return waste.close();
    }
    closers.waiting.push_back(waste);
    drop(closers);
    CALL.notify_one();
}

impl Closers {
    /// Starts another closer when those that are idle have enough to do.
    fn call_another(&mut self) {
        if self.waiting.len() < self.idle || self.threads == CLOSERS_MAX {
            return;
        }
        if Builder::new().name("closer".to_owned()).spawn(work).is_ok() {
            self.threads += 1;
        }
    }
}

/// A closer's life.
fn work() {
    let mut state = closers();
    loop {
        while let Some(waste) = state.waiting.pop_front() {
            drop(state);
            waste.close();
            state = closers();
        }
        state.idle += 1;
        let waited = CALL.wait_timeout_while(state, IDLE, |closers| closers.waiting.is_empty());
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.idle -= 1;
        if state.waiting.is_empty() {
            state.threads -= 1;
            return;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A TCP connection whose sender would wait a minute for its reader when it is closed, and that reader.
    pub(crate) fn lingering() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let reader = listener.accept().unwrap().0;
        sender.set_nonblocking(true).unwrap();
        while (&sender).write(&[0; 65536]).is_ok() {}
        sockopt::set_socket_linger(&sender, Some(Duration::from_secs(60))).unwrap();
        (sender, reader)
    }

    /// Waits until the reader sees that the connection was broken off, which tells that it did not linger.
    pub(crate) fn assert_broken_off(mut reader: TcpStream) {
        reader.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut chunk = vec![0; 1 << 20];
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let end = loop {
            assert!(std::time::Instant::now() < deadline, "the sender lingers");
            // A reset discards what was not read yet; a look at that would let the sender finish instead.
            match reader.take_error().unwrap() {
                Some(error) => break error,
                None if reader.peek(&mut chunk[..1]).is_err() => break reader.read(&mut chunk).unwrap_err(),
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn a_socket_that_lingers_is_broken_off() {
        let (sender, reader) = lingering();
        drop(Descriptors::from(vec![sender.into()]));
        assert_broken_off(reader);
    }

    #[test]
    fn what_waits_unread_in_a_connection_or_unaccepted_is_broken_off_too() {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let peers = [(); 2].map(|()| UnixStream::connect(dir.path().join("s")).unwrap());
        let readers = peers.each_ref().map(|peer| {
            let (sender, reader) = lingering();
            sys::fd::send_with_fds(peer.as_fd(), b"x", &[sender.as_fd()]).unwrap();
            reader
        });
        drop(Connection::from(listener.accept().unwrap().0));
        drop(ListenerEnd(Arc::new(listener)));
        readers.into_iter().for_each(assert_broken_off);
        assert!(UnixStream::connect(dir.path().join("s")).is_err());
    }

    #[test]
    fn a_peer_sees_the_end_of_its_connection_at_once() {
        let (ours, mut peer) = UnixStream::pair().unwrap();
        peer.write_all(b"unread").unwrap();
        drop(Connection::from(ours));
        assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
    }
}
