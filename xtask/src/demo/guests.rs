// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The demo's guests, booted side by side. Dropping them kills them.

use super::cast::{CAST, RED1, Role};
use super::scene::Scene;
use super::switch::Switch;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::{Mark, Progress};
use qemu::{Attach, Guest, GuestSpec, Nic, Setup};

/// One guest for each role.
pub(crate) struct Guests(Vec<Guest>);

impl Guests {
    /// Boots them on their ports of `switch`, with sockets and logs beside its own, and gives them their addresses.
    ///
    /// # Errors
    /// The first guest that did not come up, or the interrupt.
    pub(crate) fn boot(setup: &Setup, switch: &Switch, interrupt: &Interrupt) -> Result<Guests, Failure> {
        let progress = Progress::start("booting three guests");
        let mut guests = Guests(Vec::new());
        for role in CAST {
            guests.0.push(setup.start(&spec(role, switch))?);
        }
        for (role, count) in CAST.into_iter().zip(1..) {
            let guest = guests.get(role);
            guest.wait_ready()?;
            guest.run_ok(&addresses(role))?;
            progress.note(&format!("{count} of {} are up", CAST.len()));
            interrupt.check()?;
        }
        progress.end(Mark::Good, "");
        Ok(guests)
    }

    /// Boots one that was not there before, on a port of its own. It is told no address.
    ///
    /// # Errors
    /// As [`Guests::boot`].
    pub(crate) fn boot_late(scene: &mut Scene, role: Role) -> Result<(), Failure> {
        scene.switch.plug_one(role, "")?;
        let guest = scene.setup.start(&spec(role, &scene.switch))?;
        guest.wait_ready()?;
        guest.run_ok("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set eth0 up")?;
        scene.guests.0.push(guest);
        Ok(())
    }

    /// The guest that plays `role`.
    pub(crate) fn get(&self, role: Role) -> &Guest {
        let found = self.0.iter().find(|guest| guest.name() == role.name);
        found.expect("every role is started before it is asked for")
    }

    /// `guest` has come in the place of the one of its name, which is an empty shell and ends.
    pub(crate) fn replace(&mut self, guest: Guest) {
        self.0.retain(|before| before.name() != guest.name());
        self.0.push(guest);
    }
}

/// Starts a virtual machine at a port of `switch` that waits for the guest that plays `role` to move in.
///
/// # Errors
/// When it does not start.
pub(crate) fn incoming(setup: &Setup, role: Role, switch: &Switch) -> Result<Guest, Failure> {
    Ok(setup.start(&spec(role, switch).incoming())?)
}

/// A guest on its port. One of them gets a VF later: its NIC is half of a pair, there is a slot for the other half, and a
/// monitor for weft.
fn spec(role: Role, switch: &Switch) -> GuestSpec {
    let nic = Nic::new("net", role.mac, Attach::SwitchListens(switch.socket(role)));
    let spec = GuestSpec::new(role.name, switch.folder());
    if role != RED1 {
        return spec.with_nic(nic);
    }
    GuestSpec { pci_slots: 1, has_switch_monitor: true, ..spec.with_nic(nic.standby()) }
}

/// Duplicate address detection would only take its time: that nobody else has the address is what the play is about.
fn addresses(Role { ip4, ip6, .. }: Role) -> String {
    format!(
        "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
         ip link set eth0 up
         ip addr add {ip4}/24 dev eth0
         ip addr add {ip6}/64 dev eth0"
    )
}
