// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writes down what a VMM says to the switch.
//!
//! A [`Recorder`] stands between a VMM and a port, passes everything on in both directions, file descriptors too, and
//! keeps each of the VMM's messages as a line of text, in sections that the test names. The files in `golden/recorded/`
//! were made so, from real VMMs ([`recorded`]). Tests hold real VMMs against them where there are some, and our own
//! frontend everywhere; so the scripts that it follows are shown to be what VMMs do.
mod golden;
mod line;
mod relay;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::guest::Side;
use crate::wait::{Deadline, until};
pub use golden::{Recorded, essence, recorded};
use relay::Relay;

/// What was said so far.
#[derive(Debug, Default)]
struct Recording {
    lines: Vec<String>,
    /// A section that is about to begin.
    next: Option<String>,
}

/// A recorder at work. It follows the VMM through any number of connections, until it is dropped.
#[derive(Debug)]
pub struct Recorder {
    recording: Arc<Mutex<Recording>>,
    /// A byte in it wakes the relay, its end ends the relay.
    bell: Option<UnixStream>,
    relay: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Stands between a VMM whose socket is `vmm` and a port whose socket is `port`. `side` is the VMM's: one that
    /// connects finds the recorder at `vmm`, and the recorder connects to `port`; one that listens does so at `vmm`, and
    /// the recorder listens at `port`. It listens a moment after this returns, and only while it waits.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn start(side: Side, vmm: &Path, port: &Path) -> io::Result<Recorder> {
        let (bell, woken) = UnixStream::pair()?;
        let recording = Arc::<Mutex<Recording>>::default();
        let relay = Relay::new(side, [vmm, port], woken, Arc::clone(&recording));
        let relay = std::thread::spawn(move || relay.run());
        Ok(Recorder { recording, bell: Some(bell), relay: Some(relay) })
    }

    /// Begins a section, after everything that the VMM has said by now.
    ///
    /// # Panics
    /// When the recorder has ended, or has no time for it.
    pub fn section(&mut self, name: &str) {
        lock(&self.recording).next = Some(name.to_owned());
        self.bell.as_mut().expect("open until it is dropped").write_all(&[0]).expect("the relay listens");
        until("the recorder to begin a section", Deadline::patient(), || lock(&self.recording).next.is_none());
    }

    /// The recording so far: sections, each after an empty line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &lock(&self.recording).lines {
            let gap = if line.starts_with('[') { "\n" } else { "" };
            writeln!(text, "{gap}{line}").expect("a text takes all");
        }
        text
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.bell = None;
        if let Some(relay) = self.relay.take() {
            // A relay that has panicked has said so.
            let _ = relay.join();
        }
    }
}

fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}
