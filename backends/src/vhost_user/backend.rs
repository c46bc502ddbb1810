// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The device behind one session, as `vhost-user-backend` wants it.

use std::io;
use std::sync::Arc;

use sys::MemoryMap;
use vhost::vhost_user::message::VhostUserProtocolFeatures;
use vhost_user_backend::VhostUserBackend;
use vm_memory::GuestAddressSpace;
use vmm_sys_util::epoll::EventSet;

use super::device::DeviceConfig;
use super::features::protocol_features;
use super::guard::RING_SIZE_MAX;
use super::rings::Rings;
use super::vring::{GuestMemory, PortVring};

/// One session's device. Shared as an `Arc` between the daemon and nobody else.
pub(super) struct PortBackend {
    pub(super) device: DeviceConfig,
    pub(super) features: u64,
    pub(super) rings: Arc<Rings>,
}

impl VhostUserBackend for PortBackend {
    type Bitmap = ();
    type Vring = PortVring;

    fn num_queues(&self) -> usize {
        2 * usize::from(self.device.queue_pairs)
    }

    fn max_queue_size(&self) -> usize {
        RING_SIZE_MAX as usize
    }

    fn features(&self) -> u64 {
        self.features
    }

    fn acked_features(&self, features: u64) {
        self.rings.negotiated(features);
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        protocol_features()
    }

    fn set_event_idx(&self, _: bool) {}

    fn get_config(&self, offset: u32, size: u32) -> Vec<u8> {
        self.device.slice(offset, size)
    }

    /// The map is made before anything reads the new memory: with it the fault guard covers the mapping.
    fn update_memory(&self, memory: GuestMemory) -> io::Result<()> {
        self.rings.set_memory(MemoryMap::new(&memory.memory()));
        Ok(())
    }

    /// No worker threads: the data plane has its own.
    fn queues_per_thread(&self) -> Vec<u64> {
        Vec::new()
    }

    fn handle_event(&self, _: u16, _: EventSet, _: &[PortVring], _: usize) -> io::Result<()> {
        Ok(())
    }
}
