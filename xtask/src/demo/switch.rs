// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The demo's own weftd: a child process whose socket, state and log lie in the demo's folder.

use super::cast::{CAST, Role, TENANTS};
use crate::cargo::{self, tail};
use crate::failure::Failure;
use crate::weft::Weft;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A weftd, running but for the time between [`Switch::kill`] and [`Switch::restart`]; killed when dropped.
pub(crate) struct Switch {
    /// The way to talk to it.
    pub(crate) weft: Weft,
    folder: PathBuf,
    child: Child,
}

impl Switch {
    /// Starts weftd with everything in `folder`, and waits until `weft` gets an answer.
    ///
    /// # Errors
    /// When it cannot be started, ends, or gives no answer within ten seconds; with the end of its log.
    pub(crate) fn start(folder: &Path) -> Result<Switch, Failure> {
        let weft = Weft::new(&cargo::binaries()?, &folder.join("ctl.sock"));
        let mut switch = Switch { weft, folder: folder.to_owned(), child: spawn(folder)? };
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

    /// `kill -9`: no chance to say goodbye to anybody. Answers the process number.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub(crate) fn kill(&mut self) -> Result<u32, Failure> {
        self.child.kill().map_err(Failure::of("kill -9 of weftd"))?;
        self.child.wait()?;
        Ok(self.child.id())
    }

    /// Starts weftd again. It finds its namespaces and ports in its own state.
    ///
    /// # Errors
    /// As [`Switch::start`].
    pub(crate) fn restart(&mut self) -> Result<(), Failure> {
        self.child = spawn(&self.folder)?;
        self.await_answer()
    }

    fn await_answer(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_MAX;
        while let Err(failure) = self.weft.run("status") {
            let log = || tail(&log(&self.folder), 20);
            if let Some(status) = self.child.try_wait()? {
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

impl Drop for Switch {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path) -> Result<Child, Failure> {
    let program = cargo::binaries()?.join("weftd");
    let output = OpenOptions::new().create(true).append(true).open(log(folder))?;
    let mut command = Command::new(&program);
    command.arg("--socket").arg(folder.join("ctl.sock")).arg("--state").arg(folder.join("state"));
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    command.spawn().map_err(Failure::of(format!("starting {}", program.display())))
}

fn log(folder: &Path) -> PathBuf {
    folder.join("weftd.log")
}
