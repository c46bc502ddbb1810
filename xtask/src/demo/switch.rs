// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A weftd of the demo's: a process whose socket, state and log lie in one folder.

use super::cast::{CAST, Role, TENANTS};
use super::daemon::{Daemon, control, log};
use crate::cargo::{self, tail};
use crate::failure::Failure;
use crate::weft::Weft;
use serde_json::Value;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A weftd, running but for the time between [`Switch::kill`] and [`Switch::restart`]; killed when dropped.
pub(crate) struct Switch {
    /// The way to talk to it.
    pub(crate) weft: Weft,
    folder: PathBuf,
    daemon: Daemon,
}

impl Switch {
    /// Starts weftd with everything in `folder`, and waits until `weft` gets an answer.
    ///
    /// # Errors
    /// When it cannot be started, ends, or gives no answer within ten seconds; with the end of its log.
    pub(crate) fn start(folder: &Path) -> Result<Switch, Failure> {
        let weft = Weft::new(&cargo::binaries()?, &control(folder));
        let mut switch = Switch { weft, folder: folder.to_owned(), daemon: Daemon::start(folder)? };
        switch.await_answer()?;
        Ok(switch)
    }

    /// Makes the tenants' namespaces, and a port for every guest.
    ///
    /// # Errors
    /// What `weft` said.
    pub(crate) fn plug(&self) -> Result<(), Failure> {
        for tenant in TENANTS {
            self.weft.run(&format!("namespace add {tenant}"))?;
        }
        CAST.into_iter().try_for_each(|role| self.plug_one(role, ""))
    }

    /// Makes a port; `options` are further ones of `weft port add`.
    ///
    /// # Errors
    /// What `weft` said.
    pub(crate) fn plug_one(&self, role: Role, options: &str) -> Result<(), Failure> {
        let Role { name, tenant, mac, .. } = role;
        let socket = self.socket(role);
        let socket = socket.display();
        self.weft.run(&format!("port add {name} --namespace {tenant} --mac {mac} --vhost-user {socket} {options}"))?;
        Ok(())
    }

    /// The vhost-user socket of a guest's port.
    pub(crate) fn socket(&self, role: Role) -> PathBuf {
        self.folder.join(format!("{}.sock", role.name))
    }

    /// Where everything of it lies, and what its guests have of their own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its control socket.
    pub(crate) fn control(&self) -> PathBuf {
        control(&self.folder)
    }

    /// Its end of what leads from its uplink to that of another.
    pub(crate) fn wire(&self) -> PathBuf {
        self.folder.join("wire")
    }

    /// What all who were weftd here have logged.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn log(&self) -> Result<String, Failure> {
        let log = log(&self.folder);
        fs::read_to_string(&log).map_err(Failure::of(format!("reading {}", log.display())))
    }

    /// Has another weftd take the place of this one, which ends. Answers what `weft upgrade` has said.
    ///
    /// # Errors
    /// What `weft` said when there was no upgrade; or when the one before does not end.
    pub(crate) fn upgrade(&mut self) -> Result<Value, Failure> {
        Daemon::take_orphans()?;
        let said = self.weft.json("upgrade")?;
        let successor = said["pid"].as_u64().and_then(Daemon::left);
        let successor = successor.ok_or_else(|| Failure::new(format!("weft upgrade names no process: {said}")))?;
        let mut before = mem::replace(&mut self.daemon, successor);
        let deadline = Instant::now() + START_MAX;
        while before.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err(Failure::new(format!("weftd {} has a successor and does not end", before.id())));
            }
            thread::sleep(POLL);
        }
        Ok(said)
    }

    /// `kill -9`: no chance to say goodbye to anybody. Answers the process number.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub(crate) fn kill(&mut self) -> Result<i32, Failure> {
        self.daemon.kill()?;
        Ok(self.daemon.id())
    }

    /// Starts weftd again. It finds its namespaces and ports in its own state.
    ///
    /// # Errors
    /// As [`Switch::start`].
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        self.daemon = Daemon::start(&self.folder)?;
        self.await_answer()
    }

    fn await_answer(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_MAX;
        while let Err(failure) = self.weft.run("status") {
            let log = || tail(&log(&self.folder), 20);
            if let Some(status) = self.daemon.try_wait()? {
                return Err(Failure::new(format!("weftd ended with {status}:\n{}", log())));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("weftd gives no answer: {failure}\n{}", log())));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}
