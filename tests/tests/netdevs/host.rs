// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A network namespace in place of a host, and who watches its netdevs.

use backends::netdev::{Event, Monitor, MonitorOptions, Table};
use tests::netns::Netns;
use tests::wait::{self, Deadline};
use wire::MacAddr;

/// The MAC of what stands for a VF, and of the other end of it.
pub(crate) const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);
pub(crate) const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 8]);

/// A host with nothing but its loop.
pub(crate) struct Host {
    pub(crate) netns: Netns,
    pub(crate) monitor: Monitor,
    /// All that has happened.
    pub(crate) events: Vec<Event>,
}

impl Host {
    pub(crate) fn new() -> Host {
        let netns = Netns::make();
        let monitor = netns.inside(|| Monitor::open().expect("a socket"));
        Host { netns, monitor, events: Vec::new() }
    }

    /// Begins anew, with room for so many octets of what the kernel says.
    pub(crate) fn listen(&mut self, receive_buffer: usize) {
        let options = MonitorOptions { receive_buffer, ..MonitorOptions::default() };
        self.monitor = self.netns.inside(|| Monitor::open_with(options).expect("a socket"));
    }

    /// A veth pair: one end with the MAC of the VF.
    pub(crate) fn add_pair(&self, name: &str, peer: &str) {
        self.netns.ip(&format!("link add {name} address {MAC} type veth peer name {peer} address {PEER}"));
    }

    /// Hears what the kernel says until the table gives a value.
    pub(crate) fn until<T>(&mut self, what: &str, mut probe: impl FnMut(&Table) -> Option<T>) -> T {
        wait::for_value(what, Deadline::patient(), || {
            let turn = self.monitor.turn();
            assert!(turn.trouble.is_none(), "{:?}", turn.trouble);
            self.events.extend(turn.events);
            probe(self.monitor.table())
        })
    }

    /// Hears all that the kernel has said by now.
    pub(crate) fn pass(&mut self, mark: &str) {
        self.netns.ip(&format!("link add {mark} type veth peer name {mark}-end"));
        self.until(mark, |table| table.by_name(mark).map(drop));
    }

    /// Waits until there is nothing more to hear, nor to ask.
    pub(crate) fn rest(&mut self) {
        wait::until("silence", Deadline::patient(), || !self.monitor.turn().more);
    }

    /// True when the host speaks over the netdev with this number.
    pub(crate) fn routed(&self, index: u32) -> bool {
        self.monitor.table().get(index).expect("it is there").routed
    }
}
