// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who stands between weft and QEMU on a VF's lane, so that the lane can die while QEMU lives: its own `netdev_del` leaves the
//! socket open for as long as the NIC is there (QEMU 10).

use std::fs;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tests::wait::{Deadline, for_value};

/// How often it is looked whether the lane was cut.
const LOOK: Duration = Duration::from_millis(20);
/// Room for the longest frame.
const FRAME_MAX: usize = 1 << 16;

/// A lane that can be cut.
pub(crate) enum Relay {
    Datagrams { ends: [PathBuf; 2], is_cut: Arc<AtomicBool>, thread: JoinHandle<()> },
    Stream { at: PathBuf, ends: [UnixStream; 2] },
}

impl Relay {
    /// Takes the place of a NIC that is still to come at `nic`, and passes on to it what `weft` sends there. What the NIC sends
    /// goes to weft by itself.
    pub(crate) fn datagrams(weft: &Path, nic: &Path) -> Relay {
        // The one before, of another VF, has left its socket.
        let _ = fs::remove_file(nic);
        let socket = UnixDatagram::bind(nic).expect("no NIC is there yet");
        [UnixDatagram::set_read_timeout, UnixDatagram::set_write_timeout]
            .into_iter()
            .for_each(|set| set(&socket, Some(LOOK)).expect("a time that is not zero"));
        let (is_cut, to) = (Arc::new(AtomicBool::new(false)), nic.to_owned());
        let ours = fs::metadata(nic).expect("it was made just now").ino();
        let cut = Arc::clone(&is_cut);
        let thread = thread::spawn(move || {
            while !cut.load(Ordering::Relaxed) {
                pass_on(&socket, &to, ours).expect("the relay works until it is cut");
            }
        });
        Relay::Datagrams { ends: [weft.to_owned(), nic.to_owned()], is_cut, thread }
    }

    /// Waits for the NIC that is to connect to `weft`, which is there, and connects it.
    pub(crate) fn stream(weft: &Path) -> Relay {
        let moved = weft.with_extension("moved");
        fs::rename(weft, &moved).expect("weft listens");
        let listener = UnixListener::bind(weft).expect("the place is free");
        listener.set_nonblocking(true).expect("a socket can be so");
        let nic = for_value("the NIC to connect", Deadline::patient(), || listener.accept().ok()).0;
        nic.set_nonblocking(false).expect("a socket can be so");
        let ends = [nic, UnixStream::connect(&moved).expect("weft listens")];
        let copy = |end: &UnixStream| end.try_clone().expect("descriptors are left");
        for [mut from, mut to] in [[copy(&ends[0]), copy(&ends[1])], [copy(&ends[1]), copy(&ends[0])]] {
            // It ends with the connection.
            thread::spawn(move || io::copy(&mut from, &mut to));
        }
        Relay::Stream { at: weft.to_owned(), ends }
    }

    /// Nothing crosses the lane any more, and neither end finds the other.
    pub(crate) fn cut(self) {
        match self {
            Relay::Datagrams { ends, is_cut, thread } => {
                ends.iter().for_each(|end| fs::remove_file(end).expect("both ends are there"));
                is_cut.store(true, Ordering::Relaxed);
                thread.join().expect("it has nothing to panic about");
            }
            Relay::Stream { at, ends } => {
                fs::remove_file(at).expect("it is the relay's own");
                ends.iter().for_each(|end| end.shutdown(Shutdown::Both).expect("it is connected"));
            }
        }
    }
}

/// Passes one datagram on to who is at `to` now, unless that is still the relay itself: then it is lost.
fn pass_on(socket: &UnixDatagram, to: &Path, ours: u64) -> io::Result<()> {
    let mut frame = [0; FRAME_MAX];
    let len = match socket.recv(&mut frame) {
        Err(why) if why.kind() == ErrorKind::WouldBlock => return Ok(()),
        received => received?,
    };
    if fs::metadata(to).is_ok_and(|there| there.ino() != ours) {
        // A NIC that does not read loses frames, as on a cable.
        let _ = socket.send_to(&frame[..len], to);
    }
    Ok(())
}
