// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is given up before the first order, and never had again.
//!
//! Each layer would do for most of what the others forbid: no new privileges, an unprivileged user without capabilities
//! (when started as root), bounds of memory, descriptors, processor time, files and processes, Landlock for files and
//! ports, a seccomp filter for system calls ([`filter`]). One that cannot be had ends the program: there is no half sandbox.

mod filter;

use crate::options::Options;
use crate::resolver::HTTPS_PORT;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope, path_beneath_rules,
};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets, LinkNameSpaceType};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

/// Files by which names are resolved. All else was read before.
const RESOLVING: [&str; 5] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"];

const DNS_PORT: u16 = 53;

/// Bounds for the whole life of the process.
const BOUNDS: [(Resource, u64); 6] = [
    (Resource::As, 256 << 20),
    (Resource::Nofile, 16),
    // Seconds. A new one is started when it is used up.
    (Resource::Cpu, 60),
    (Resource::Fsize, 0),
    (Resource::Core, 0),
    (Resource::Nproc, 0),
];

/// Why the sandbox cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSandbox {
    /// The network namespace.
    #[error("--netns {0}: {1}")]
    Netns(String, std::io::Error),
    /// A system call.
    #[error("the sandbox cannot be had: {0}: {1}")]
    System(&'static str, std::io::Error),
    /// Landlock.
    #[error("the sandbox cannot be had: Landlock (Linux 5.13 with landlock among its security modules): {0}")]
    Landlock(#[from] RulesetError),
    /// The filter.
    #[error("the sandbox cannot be had: seccomp: {0}")]
    Seccomp(String),
}

/// Enters the sandbox.
///
/// # Errors
/// It is not complete.
pub(crate) fn enter(options: &Options) -> Result<(), NoSandbox> {
    if let Some(path) = &options.netns {
        enter_netns(path).map_err(|why| NoSandbox::Netns(path.display().to_string(), why))?;
    }
    let system = |what| move |why: rustix::io::Errno| NoSandbox::System(what, why.into());
    rustix::thread::set_no_new_privs(true).map_err(system("no new privileges"))?;
    if rustix::process::getuid().is_root() {
        become_nobody(options).map_err(|why| NoSandbox::System("another user", why.into()))?;
    }
    drop_capabilities().map_err(system("no capabilities"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(system("no debugging"))?;
    // A change of the user would have taken it back.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(system("the end of weftd"))?;
    for (resource, most) in BOUNDS {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource, limit).map_err(system("a bound of a resource"))?;
    }
    restrict_files_and_ports(options)?;
    filter::install().map_err(NoSandbox::Seccomp)
}

fn enter_netns(path: &Path) -> std::io::Result<()> {
    let namespace = File::open(path)?;
    Ok(rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

fn become_nobody(options: &Options) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(options.uid), Gid::from_raw(options.gid));
    setgroups(&[])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

fn drop_capabilities() -> rustix::io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

/// Files must be restricted. Ports and signals are where the kernel can do it: the filter has most of that already.
fn restrict_files_and_ports(options: &Options) -> Result<(), RulesetError> {
    let fixed = options.resolve.iter().map(|fixed| fixed.address.port());
    let ports = [HTTPS_PORT, DNS_PORT].into_iter().chain(fixed);
    let ports = ports.map(|port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp)));
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rules(path_beneath_rules(RESOLVING, AccessFs::ReadFile))?
        .add_rules(ports)?
        .restrict_self()?;
    Ok(())
}
