// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Our `VringT`: it turns each ring event of `vhost-user-backend` into a call on the session's [`Rings`].
//!
//! The trait demands a guard to the crate's own ring state, so there is one, and nothing is stored in it: the doorbells
//! and addresses belong to [`Rings`]. That keeps the crate from touching guest memory, too. The trait's constructor has
//! no context argument; [`bind`] hands it over in a thread-local, which works because `VhostUserDaemon::new` makes all its
//! rings in the thread that calls it.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::sync::{Arc, MutexGuard};

use vhost_user_backend::{VringMutex, VringState, VringStateGuard, VringStateMutGuard, VringT};
use virtio_queue::Error;
use vm_memory::{GuestMemoryAtomic, GuestMemoryMmap};

use super::rings::Rings;

/// Guest memory as `vhost-user-backend` hands it around. No dirty bitmap: the log is the rings' affair.
pub(super) type GuestMemory = GuestMemoryAtomic<GuestMemoryMmap<()>>;

thread_local! {
    /// The rings that a constructor in this thread belongs to, and the index of the next one.
    static BOUND: RefCell<Option<(Arc<Rings>, u16)>> = const { RefCell::new(None) };
}

/// Runs `make`; rings that it makes belong to `rings`, in order.
pub(super) fn bind<T>(rings: &Arc<Rings>, make: impl FnOnce() -> T) -> T {
    BOUND.with(|bound| *bound.borrow_mut() = Some((Arc::clone(rings), 0)));
    let made = make();
    BOUND.with(|bound| *bound.borrow_mut() = None);
    made
}

/// One ring of a port, as the `vhost-user-backend` crate sees it.
#[derive(Clone)]
pub(super) struct PortVring {
    rings: Arc<Rings>,
    index: u16,
    unused: VringMutex<GuestMemory>,
}

impl<'a> VringStateGuard<'a, GuestMemory> for PortVring {
    type G = MutexGuard<'a, VringState<GuestMemory>>;
}

impl<'a> VringStateMutGuard<'a, GuestMemory> for PortVring {
    type G = MutexGuard<'a, VringState<GuestMemory>>;
}

impl VringT<GuestMemory> for PortVring {
    fn new(mem: GuestMemory, max_queue_size: u16) -> Result<Self, Error> {
        let bound = BOUND.with(|bound| {
            let mut bound = bound.borrow_mut();
            let (rings, next) = bound.as_mut()?;
            *next += 1;
            Some((Arc::clone(rings), *next - 1))
        });
        let (rings, index) = bound.ok_or(Error::QueueNotReady)?;
        Ok(Self { rings, index, unused: VringMutex::new(mem, max_queue_size)? })
    }

    fn get_ref(&self) -> MutexGuard<'_, VringState<GuestMemory>> {
        self.unused.get_ref()
    }

    fn get_mut(&self) -> MutexGuard<'_, VringState<GuestMemory>> {
        self.unused.get_mut()
    }

    fn set_enabled(&self, enabled: bool) {
        self.rings.set_enabled(self.index, enabled);
    }

    fn set_queue_info(&self, desc_table: u64, avail_ring: u64, used_ring: u64) -> Result<(), Error> {
        self.rings.set_addresses(self.index, [desc_table, avail_ring, used_ring]);
        Ok(())
    }

    fn queue_next_avail(&self) -> u16 {
        self.rings.base(self.index)
    }

    fn set_queue_next_avail(&self, base: u16) {
        self.rings.set_base(self.index, base);
    }

    /// Guest memory is not read for it: the ring takes the index itself when it starts.
    fn queue_used_idx(&self) -> Result<u16, Error> {
        Ok(0)
    }

    fn set_queue_next_used(&self, _: u16) {}

    fn set_queue_size(&self, num: u16) {
        self.rings.set_size(self.index, num);
    }

    /// The backend gets all features at once, see `acked_features`.
    fn set_queue_event_idx(&self, _: bool) {}

    /// Only GET_VRING_BASE comes here: a ring without a stored kick is never made ready.
    fn set_queue_ready(&self, ready: bool) {
        if !ready {
            self.rings.retire(self.index);
        }
    }

    fn set_kick(&self, file: Option<File>) {
        self.rings.set_kick(self.index, file);
    }

    fn set_call(&self, file: Option<File>) {
        self.rings.set_call(self.index, file);
    }

    /// Errors of the device go to counters and to the session's end; the descriptor is closed.
    fn set_err(&self, _: Option<File>) {}

    // The crate's own data path. Nobody calls it: there are no worker threads of the crate.

    fn add_used(&self, _: u16, _: u32) -> Result<(), Error> {
        Err(Error::QueueNotReady)
    }

    fn signal_used_queue(&self) -> io::Result<()> {
        Ok(())
    }

    fn enable_notification(&self) -> Result<bool, Error> {
        Ok(false)
    }

    fn disable_notification(&self) -> Result<(), Error> {
        Ok(())
    }

    fn needs_notification(&self) -> Result<bool, Error> {
        Ok(false)
    }

    fn read_kick(&self) -> io::Result<bool> {
        Ok(false)
    }
}
