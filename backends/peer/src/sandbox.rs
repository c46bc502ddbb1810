// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the listening end gives up before the first peer, and never has again: privileges, all files, connections of its own over
//! TCP. What is left is to talk with those who come, and with weftd.
//!
//! Who it is it stays: by that weftd knows it. `backends/systemd/weft-peer.service` runs it as a user of its own and filters its system
//! calls.

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, Scope};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Bounds for the whole life of the process. Two descriptors a peer, one for its call.
const BOUNDS: [(Resource, u64); 2] = [(Resource::Nofile, 128), (Resource::Core, 0)];

/// Enters the sandbox; threads that are started afterwards are in it, too.
///
/// # Errors
/// It is not complete: what cannot be had.
pub(crate) fn enter() -> Result<(), String> {
    let system = |what: &'static str| move |why: rustix::io::Errno| format!("{what}: {why}");
    rustix::thread::set_no_new_privs(true).map_err(system("no new privileges"))?;
    rustix::thread::clear_ambient_capability_set().map_err(system("no ambient capabilities"))?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).map_err(system("no capabilities"))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(system("no debugging"))?;
    for (resource, most) in BOUNDS {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource, limit).map_err(system("a bound of a resource"))?;
    }
    restrict().map_err(|why| format!("Landlock (Linux 5.13 with landlock among its security modules): {why}"))
}

/// Files must be restricted; ports and signals are where the kernel can do it.
fn restrict() -> Result<(), RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(())
}
