// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A VMM: it plugs and unplugs after a while, and needs the guest for the latter.

use super::{Guest, Notice};
use netvsc::{Action, Event};

/// Milliseconds that the VMM takes for what it does alone.
const OWN_TIME: u32 = 20;
/// Milliseconds that the guest takes to let a device go: measured with QEMU and a Linux guest.
const GUEST_TIME: u32 = 130;

/// The VMM, and whether the device is in the guest's machine.
pub(crate) struct Vmm {
    under_way: Vec<(u32, Event)>,
    pub(crate) has_device: bool,
    /// Its guest keeps the device, whatever it is asked.
    pub(crate) is_in_vain: bool,
}

impl Vmm {
    pub(super) fn new() -> Vmm {
        Vmm { under_way: Vec::new(), has_device: false, is_in_vain: false }
    }

    pub(super) fn ask(&mut self, action: &Action) {
        match action {
            Action::Unplug(_) if self.is_in_vain => {}
            Action::Plug(_) => self.under_way.push((OWN_TIME, Event::Plugged)),
            _ => self.migrate(),
        }
    }

    /// As at a migration: the guest is asked to let the device go.
    pub(crate) fn migrate(&mut self) {
        self.under_way.push((OWN_TIME, Event::UnplugAsked));
        self.under_way.push((OWN_TIME + GUEST_TIME, Event::Unplugged));
    }

    /// A millisecond passes; what has come to pass.
    pub(super) fn tick(&mut self, guest: &mut dyn Guest) -> Vec<Event> {
        self.under_way.iter_mut().for_each(|(left, _)| *left -= 1);
        let (over, under_way) = std::mem::take(&mut self.under_way).into_iter().partition(|(left, _)| *left == 0);
        self.under_way = under_way;
        let over: Vec<(u32, Event)> = over;
        over.into_iter().map(|(_, event)| self.done(event, guest)).collect()
    }

    fn done(&mut self, event: Event, guest: &mut dyn Guest) -> Event {
        match event {
            Event::Plugged => {
                self.has_device = true;
                guest.notice(Notice::Plugged);
            }
            Event::UnplugAsked => guest.notice(Notice::UnplugAsked),
            _ => self.has_device = false,
        }
        event
    }
}
