// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Network namespaces: the Linux kernel as a host or a router on the other side of a port, without a virtual machine.
//!
//! ```text
//!  weftd ── port ── vhost-user ── Cable (a thread) ── "cable" ══ veth ══ "eth0" ── the kernel, radvd, rdisc6 ...
//!                                                      └──────────── one Netns ────────────┘
//! ```
//!
//! A namespace has a name that no other has, and goes when it is dropped. What a killed test left behind goes when the
//! next one begins.

mod cable;
mod process;

pub use cable::Cable;
pub use process::Process;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::programs::{Program, output};
use crate::skip::skip;
use crate::weftd::mac_text;

/// Where `ip netns` has its namespaces.
const FOLDER: &str = "/run/netns";
/// What the names of ours begin with; the process number and a count follow.
const PREFIX: &str = "weft-test-";

/// A network namespace.
#[derive(Debug)]
pub struct Netns {
    name: String,
}

/// False, and a note, where the calling test can have no network namespaces: that takes root and iproute2.
///
/// # Panics
/// As [`skip`].
pub fn can_have_namespaces() -> bool {
    static SWEPT: Once = Once::new();
    let tool = Program::find("ip").is_some();
    let able = tool && geteuid().is_root() && Netns::try_new().is_some();
    match able {
        true => SWEPT.call_once(sweep),
        false => skip("needs network namespaces: root and iproute2 (apt-get install iproute2)"),
    }
    able
}

impl Netns {
    /// A namespace with nothing in it but the loop that is down.
    ///
    /// # Panics
    /// Where [`can_have_namespaces`] is false.
    pub fn make() -> Netns {
        Netns::try_new().expect("network namespaces can be made here")
    }

    fn try_new() -> Option<Netns> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        made.is_ok_and(|made| made.status.success()).then_some(Netns { name })
    }

    /// A wire between the `eth0`s of two namespaces, with these MAC addresses and both ends down: what a port of a switch
    /// that does nothing would be.
    ///
    /// # Panics
    /// When either has an `eth0`.
    pub fn wire(one: (&Netns, [u8; 6]), other: (&Netns, [u8; 6])) {
        let [near, far] = [one, other].map(|(netns, mac)| (netns.name.as_str(), mac_text(mac)));
        let near_end = ["ip", "link", "add", "eth0", "netns", near.0, "address", &near.1, "type", "veth"];
        let far_end = ["peer", "name", "eth0", "netns", far.0, "address", &far.1];
        let words = [&near_end[..], &far_end].concat();
        output(Command::new(words[0]).args(&words[1..]));
    }

    /// Runs `work` on a thread that is in the namespace.
    ///
    /// # Panics
    /// When `work` does.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let door = File::open(Path::new(FOLDER).join(&self.name)).expect("the namespace lives as long as this does");
        let enter = || {
            move_into_link_name_space(door.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("root may enter a network namespace");
            work()
        };
        thread::scope(|scope| scope.spawn(enter).join().expect("what ran in the namespace did not panic"))
    }

    /// Sets a variable of `/proc/sys/net`.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn set(&self, variable: &str, value: &str) {
        let path = Path::new("/proc/sys/net").join(variable);
        self.inside(|| fs::write(&path, value)).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    }

    /// A command that runs in the namespace.
    pub fn command(&self, program: &Program) -> Command {
        program.command_after(&["ip", "netns", "exec", &self.name])
    }

    /// Runs `ip` with these words, which must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn ip(&self, words: &str) -> String {
        output(Command::new("ip").args(["-n", &self.name]).args(words.split(' ')))
    }

    /// What `ip` shows, as JSON.
    ///
    /// # Panics
    /// As [`Netns::ip`], or when it shows none.
    pub fn ip_json(&self, words: &str) -> Value {
        let text = self.ip(&format!("-json {words}"));
        // Of nothing it shows nothing, not even an empty list.
        if text.trim().is_empty() { Value::Array(Vec::new()) } else { serde_json::from_str(&text).expect("JSON") }
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Removes a namespace, as far as nobody uses it any more.
fn remove(name: &str) {
    // It fails only when it is gone already.
    let _ = Command::new("ip").args(["netns", "del", name]).output();
}

/// Removes the namespaces of tests that were killed.
fn sweep() {
    for entry in fs::read_dir(FOLDER).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::{FOLDER, Netns, Path, can_have_namespaces};

    #[test]
    fn a_namespace_goes_also_after_a_panic() {
        if !can_have_namespaces() {
            return;
        }
        let path = |netns: &Netns| Path::new(FOLDER).join(&netns.name);
        let panicked = catch_unwind(|| {
            let netns = Netns::make();
            assert!(!path(&netns).exists(), "{}", netns.name);
        });
        let said = panicked.expect_err("it was there").downcast::<String>().expect("a text");
        assert!(!Path::new(FOLDER).join(said.split('\n').next().unwrap()).exists(), "{said} is left behind");
    }
}
