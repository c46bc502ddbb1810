// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Plays a script of messages for one guest: fills in what each message must say.
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use super::QueuePair;
use super::options::{GuestOptions, feature};
use crate::driver::Virtqueue;
use crate::frontend::script::{Cast, Order, Step};
use crate::frontend::{Frontend, FrontendError, Request, RingAddresses, protocol};
use crate::memory::GuestMemory;

/// What was agreed with the switch, and what survives a connection.
#[derive(Debug)]
pub(super) struct Session {
    /// Virtio features in use; 0 until the first connection settled them.
    pub(super) features: u64,
    /// Protocol features of the present connection.
    pub(super) protocol: u64,
    /// Answer of GET_QUEUE_NUM, if it was asked.
    pub(super) queue_num: Option<u64>,
    /// Answer of GET_CONFIG, if it was asked.
    pub(super) config: Vec<u8>,
    /// Where each ring stopped, by GET_VRING_BASE; `None` when the connection just broke.
    pub(super) bases: Vec<Option<u16>>,
    /// Regions that the switch has been told of one by one over the present connection; they are not told again.
    pub(super) told: Vec<usize>,
    /// Whether the VMM wants writes logged: LOG_ALL is among the features, and the rings are flagged.
    pub(super) logged: bool,
    /// The log that it gives when rings start: its file and its size in bytes.
    pub(super) log: Option<(OwnedFd, u64)>,
    /// When each message was said that was played last, and answered where one waits for that.
    pub(super) said: Vec<(Request, Instant)>,
    /// Stands in for the call eventfd while the guest has no driver, and for the error eventfd always.
    spare: OwnedFd,
}

impl Session {
    pub(super) fn new(options: &GuestOptions) -> Session {
        let spare =
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("a test has file descriptors to spare");
        let bases = vec![None; usize::from(options.queue_pairs) * 2];
        Session {
            features: 0,
            protocol: 0,
            queue_num: None,
            config: Vec::new(),
            bases,
            told: Vec::new(),
            logged: false,
            log: None,
            said: Vec::new(),
            spare,
        }
    }
}

/// Everything that one run of a script needs.
pub(super) struct Replay<'a> {
    pub(super) options: &'a GuestOptions,
    pub(super) memory: &'a GuestMemory,
    /// Empty before the features are known.
    pub(super) pairs: &'a [QueuePair],
    pub(super) session: &'a mut Session,
    pub(super) link: &'a mut Frontend,
}

impl Replay<'_> {
    /// Sends one section of the guest's script.
    pub(super) fn play(&mut self, section: &str) -> Result<(), FrontendError> {
        let cast = Cast { pairs: self.options.queue_pairs, regions: self.memory.regions().len() };
        // Before the driver is ready a VMM keeps the guest's call eventfds to itself.
        let ready = section != "connect";
        self.session.said.clear();
        for step in self.options.order.script().steps(section, cast) {
            let negotiated = |(feature, present): (u64, bool)| (self.session.protocol & feature != 0) == present;
            if step.condition.is_none_or(negotiated) && (!step.logged || self.session.log.is_some()) {
                self.link.acknowledge(step.acknowledge && self.session.protocol & protocol::REPLY_ACK != 0);
                self.perform(step, ready)?;
                self.session.said.push((step.request, Instant::now()));
            }
        }
        let starts_rings = matches!(section, "start" | "resume" | "reconnect");
        if starts_rings && self.options.settles { self.link.get_features().map(drop) } else { Ok(()) }
    }

    fn perform(&mut self, step: Step, ready: bool) -> Result<(), FrontendError> {
        if let Some(ring) = step.ring {
            return self.perform_ring(step, ring, ready);
        }
        let name = step.request.name().expect("a script names its messages");
        match name {
            "GET_FEATURES" => {
                let offered = self.link.get_features()?;
                self.settle(offered)
            }
            "SET_FEATURES" => {
                let log = if self.session.logged { feature::LOG_ALL } else { 0 };
                self.link.set_features(self.session.features | log)
            }
            "SET_LOG_BASE" => {
                let (file, size) = self.session.log.as_ref().expect("it is said where there is a log");
                self.link.set_log_base(*size, 0, file.as_fd())
            }
            "GET_PROTOCOL_FEATURES" => {
                self.session.protocol = self.link.get_protocol_features()? & self.options.protocol;
                Ok(())
            }
            "SET_PROTOCOL_FEATURES" => self.link.set_protocol_features(self.session.protocol),
            "GET_QUEUE_NUM" => {
                self.session.queue_num = Some(self.link.get_queue_num()?);
                Ok(())
            }
            "GET_CONFIG" => {
                self.session.config = self.link.get_config(0, step.value)?;
                Ok(())
            }
            "GET_MAX_MEM_SLOTS" => self.link.get_max_mem_slots().map(drop),
            "SET_OWNER" => self.link.set_owner(),
            "SET_MEM_TABLE" => self.link.set_mem_table(self.memory.regions()),
            "ADD_MEM_REG" => self.tell_region(step.region.expect("one for each region")),
            other => panic!("no guest knows what to say in {other}"),
        }
    }

    fn tell_region(&mut self, region: usize) -> Result<(), FrontendError> {
        if self.session.told.contains(&region) {
            return Ok(());
        }
        self.session.told.push(region);
        self.link.add_mem_reg(&self.memory.regions()[region])
    }

    fn perform_ring(&mut self, step: Step, ring: u16, ready: bool) -> Result<(), FrontendError> {
        let queue = self.pairs.get(usize::from(ring / 2)).map(|pair| pair.queue(ring));
        let known = || queue.expect("rings are told only when there are rings");
        let spare = self.session.spare.as_fd();
        match step.request.name().expect("a script names its messages") {
            "SET_VRING_NUM" => self.link.set_vring_num(ring, known().ring().size()),
            "SET_VRING_ADDR" => {
                let flags = self.session.logged.into();
                self.link.set_vring_addr(ring, RingAddresses { flags, ..known().ring().into() })
            }
            "SET_VRING_BASE" => {
                let base = self.base(ring, known());
                self.link.set_vring_base(ring, base)
            }
            "SET_VRING_KICK" => self.link.set_vring_kick(ring, Some(known().bells().kick_fd())),
            "SET_VRING_CALL" if !ready => self.link.set_vring_call(ring, Some(spare)),
            "SET_VRING_CALL" => self.link.set_vring_call(ring, Some(known().bells().call_fd())),
            "SET_VRING_ERR" => self.link.set_vring_err(ring, Some(spare)),
            "SET_VRING_ENABLE" => self.link.set_vring_enable(ring, step.value != 0),
            "GET_VRING_BASE" => {
                let (base, used) = (self.link.get_vring_base(ring)?, known().ring().used_index());
                let name = known().name();
                assert_eq!(base, u32::from(used), "{name}: stopped at {base} with used index {used}: chains are lost");
                self.session.bases[usize::from(ring)] = Some(used);
                Ok(())
            }
            other => panic!("no guest knows what to say in {other}"),
        }
    }

    /// Where the VMM says the ring goes on. After a broken connection QEMU takes the used index from memory, and
    /// cloud-hypervisor the available index, which a switch must not believe.
    fn base(&mut self, ring: u16, queue: &Virtqueue) -> u16 {
        let stopped = self.session.bases[usize::from(ring)].take();
        stopped.unwrap_or_else(|| match self.options.order {
            Order::Qemu => queue.ring().used_index(),
            Order::CloudHypervisor => queue.ring().avail_index(),
        })
    }

    /// The first connection settles the features; a later one must still offer them all.
    fn settle(&mut self, offered: u64) -> Result<(), FrontendError> {
        if self.session.features == 0 {
            self.session.features = offered & self.options.features;
            assert!(self.session.features & feature::VERSION_1 != 0, "the switch offers {offered:#x}: no virtio 1.0");
        }
        let acked = self.session.features;
        if acked & !offered != 0 { Err(FrontendError::Shrunk { offered, acked }) } else { Ok(()) }
    }
}
