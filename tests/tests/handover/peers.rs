// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A `weft-peer` that listens for a daemon on the loopback interface, and certificates for those who come.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tests::https::Authority;
use tests::wait::{Deadline, for_value, until};
use tests::weftd::{Outcome, Weftd, binary};

use crate::scene::MOVING;

/// The name of the listening host, and of the one that it lets in.
pub(crate) const NAMES: [&str; 2] = ["there.example", "here.example"];

pub(crate) struct Peer {
    child: Child,
    folder: TempDir,
    /// Who certifies both hosts.
    pub(crate) authority: Authority,
    pub(crate) address: SocketAddr,
}

/// Files with what somebody shows of himself.
pub(crate) struct Shown(Vec<String>);

impl Peer {
    /// Listens for a daemon; `more` are further options.
    pub(crate) fn start(daemon: &Weftd, more: &[&str]) -> Peer {
        let (folder, authority) = (tempfile::tempdir().expect("there is room"), Authority::new());
        let Shown(shown) = shown_in(folder.path(), "there", &authority, &authority, &NAMES[..1], false);
        let log = File::create(folder.path().join("log")).expect("the folder is ours");
        let mut command = Command::new(binary("weft-peer"));
        command.args(["listen", "--listen", "127.0.0.1:0", "--allow", NAMES[1]]).args(&shown).args(more);
        if !more.contains(&"--socket") {
            command.arg("--socket").arg(daemon.folder().join("ctl.sock"));
        }
        command.arg("--sockets").arg(daemon.folder());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it can be started");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut peer = Peer { child, folder, authority, address };
        let said = || peer.log().lines().find_map(|line| line.strip_prefix("weft-peer: listening at ")?.parse().ok());
        peer.address = for_value("weft-peer to listen", Deadline::patient(), said);
        peer
    }

    /// Its process, for a look at /proc.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it has said that.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        let deadline = Deadline::patient();
        until("weft-peer to say so", deadline, || {
            let log = self.log();
            assert!(!deadline.left().is_zero(), "{text:?} is not in\n{log}");
            log.contains(text)
        });
    }

    /// Who may come.
    pub(crate) fn guest(&self) -> Shown {
        self.known_as(&NAMES[1..], false)
    }

    /// Somebody whom the authority knows under these names.
    pub(crate) fn known_as(&self, names: &[&str], expired: bool) -> Shown {
        shown_in(self.folder.path(), "here", &self.authority, &self.authority, names, expired)
    }

    /// Somebody whom another authority knows under the right name; he himself believes this one.
    pub(crate) fn of_another(&self) -> Shown {
        shown_in(self.folder.path(), "here", &Authority::new(), &self.authority, &NAMES[1..], false)
    }

    /// Somebody who believes another authority only.
    pub(crate) fn suspicious(&self) -> Shown {
        shown_in(self.folder.path(), "here", &self.authority, &Authority::new(), &NAMES[1..], false)
    }

    /// Has the daemon behind it take the port over from another.
    pub(crate) fn prepare(&self, from: &Weftd, shown: &Shown, more: &[&str]) -> Outcome {
        self.take(from, (MOVING.0, shown), more)
    }

    /// Has it take over another port, from who may come.
    pub(crate) fn prepare_port(&self, from: &Weftd, port: &str, more: &[&str]) -> Outcome {
        self.take(from, (port, &self.guest()), more)
    }

    fn take(&self, from: &Weftd, (port, shown): (&str, &Shown), more: &[&str]) -> Outcome {
        let to = format!("tls:{}", self.address);
        let mut words = vec!["migrate", "prepare", port, "--to", &to];
        words.extend(shown.0.iter().map(String::as_str));
        if !more.contains(&"--peer") {
            words.extend(["--peer", NAMES[0]]);
        }
        words.extend(more);
        from.weft(&words)
    }
}

impl Shown {
    /// The options of a `weft-peer connect`.
    pub(crate) fn options(&self) -> &[String] {
        &self.0
    }

    /// One of its files, by its option.
    pub(crate) fn file(&self, option: &str) -> PathBuf {
        let at = self.0.iter().position(|word| word == option).expect("it has that option");
        PathBuf::from(&self.0[at + 1])
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of weft-peer\n{}--- end of its log", self.log());
        }
    }
}

fn shown_in(folder: &Path, file: &str, of: &Authority, believed: &Authority, names: &[&str], expired: bool) -> Shown {
    let [certificate, key] = of.identity(names, expired);
    let texts = [("--cert", certificate), ("--key", key), ("--ca", believed.pem().to_owned())];
    let options = texts.into_iter().flat_map(|(option, text)| {
        let path = folder.join(format!("{file}{option}.pem"));
        fs::write(&path, text).expect("the folder is ours");
        [option.to_owned(), path.display().to_string()]
    });
    Shown(options.collect())
}
