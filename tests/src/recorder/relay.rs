// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Carries messages between the two ends, one connection after the other.
use std::convert::Infallible;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use super::{Recording, line, lock};
use crate::frontend::{HEADER_LEN, socket};
use crate::guest::Side;

/// How soon an end that is not there is tried again.
const RETRY: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// How one end is reached.
#[derive(Debug, Clone)]
enum End {
    /// It listens at this path.
    At(PathBuf),
    /// It comes to this path, where we listen for as long as we wait for it: who comes too early must not think that
    /// it has been heard.
    Comes(PathBuf),
}

#[derive(Debug)]
pub(super) struct Relay {
    vmm: End,
    port: End,
    bell: UnixStream,
    recording: Arc<Mutex<Recording>>,
}

/// What is over.
enum Over {
    /// The connection: one of its ends hung up.
    Connection,
    /// The recording: the recorder was dropped.
    Recording,
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Over {
        Over::Connection
    }
}

impl Relay {
    pub(super) fn new(
        side: Side,
        [vmm, port]: [&Path; 2],
        bell: UnixStream,
        recording: Arc<Mutex<Recording>>,
    ) -> Relay {
        let (vmm, port) = (vmm.to_owned(), port.to_owned());
        let (vmm, port) = match side {
            Side::Connects => (End::Comes(vmm), End::At(port)),
            Side::Listens => (End::At(vmm), End::Comes(port)),
        };
        Relay { vmm, port, bell, recording }
    }

    /// Works until the recorder is dropped.
    pub(super) fn run(mut self) {
        while !matches!(self.serve(), Err(Over::Recording)) {}
    }

    /// Serves one connection: waits for both ends, first the VMM, and passes on.
    fn serve(&mut self) -> Result<Infallible, Over> {
        let (vmm, port) = (self.vmm.clone(), self.port.clone());
        let (vmm, port) = (self.reach(&vmm)?, self.reach(&port)?);
        loop {
            self.pass([&vmm, &port])?;
        }
    }

    fn reach(&mut self, end: &End) -> Result<UnixStream, Over> {
        match end {
            End::At(path) => loop {
                if let Ok(stream) = UnixStream::connect(path) {
                    return Ok(stream);
                }
                if ready(&[self.bell.as_fd()], Some(RETRY))?[0] {
                    self.answer()?;
                }
            },
            End::Comes(path) => {
                let listener = UnixListener::bind(path).expect("a test has room for a socket");
                let came = self.accept(&listener);
                // It is gone when its folder is.
                let _ = fs::remove_file(path);
                came
            }
        }
    }

    fn accept(&mut self, listener: &UnixListener) -> Result<UnixStream, Over> {
        loop {
            let now = ready(&[listener.as_fd(), self.bell.as_fd()], None)?;
            if now[0] {
                return Ok(listener.accept()?.0);
            }
            self.answer()?;
        }
    }

    /// Waits for something to happen and does what follows from it.
    fn pass(&mut self, [vmm, port]: [&UnixStream; 2]) -> Result<(), Over> {
        let now = ready(&[vmm.as_fd(), port.as_fd(), self.bell.as_fd()], None)?;
        if now[0] {
            let (header, body, fds) = receive(vmm)?;
            lock(&self.recording).lines.push(line::line(header, &body, fds.len()));
            send(port, header, &body, &fds)?;
        } else if now[1] {
            let (header, body, fds) = receive(port)?;
            send(vmm, header, &body, &fds)?;
        } else if now[2] {
            self.answer()?;
        }
        Ok(())
    }

    /// Begins the section that was asked for.
    fn answer(&mut self) -> Result<(), Over> {
        self.bell.read_exact(&mut [0]).map_err(|_| Over::Recording)?;
        let mut recording = lock(&self.recording);
        if let Some(name) = recording.next.take() {
            recording.lines.push(format!("[{name}]"));
        }
        Ok(())
    }
}

/// Which of these have something to read, or have ended, once there is one or the time is over.
fn ready(sources: &[BorrowedFd], limit: Option<Timespec>) -> io::Result<Vec<bool>> {
    let mut watched: Vec<PollFd> =
        sources.iter().map(|source| PollFd::from_borrowed_fd(*source, PollFlags::IN)).collect();
    retry_on_intr(|| poll(&mut watched, limit.as_ref()))?;
    Ok(watched.iter().map(|source| !source.revents().is_empty()).collect())
}

fn receive(from: &UnixStream) -> io::Result<([u8; HEADER_LEN], Vec<u8>, Vec<OwnedFd>)> {
    let (mut header, mut fds) = ([0; HEADER_LEN], Vec::new());
    socket::recv_exact(from, &mut header, &mut fds)?;
    let mut body = vec![0; line::words(header)[2] as usize];
    socket::recv_exact(from, &mut body, &mut fds)?;
    Ok((header, body, fds))
}

fn send(to: &UnixStream, header: [u8; HEADER_LEN], body: &[u8], fds: &[OwnedFd]) -> io::Result<()> {
    let fds: Vec<BorrowedFd> = fds.iter().map(AsFd::as_fd).collect();
    socket::send_all(to, &[&header[..], body].concat(), &fds)
}
