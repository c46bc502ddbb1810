// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! All worker threads, and how a port's session reaches them.

use std::io;
use std::sync::Arc;

use dataplane::{Emission, LaneSink, LaneSource, Namespace, Port};

use super::attachment::Attachment;
use super::lanes::AttachedLane;
use super::listener::Listener;
use super::pool::{Pool, WorkerSpec, WorkerStats};
use crate::vhost_user::RingHost;

/// The worker threads. They end when this and all attachments are dropped.
pub struct Workers {
    pool: Arc<Pool>,
}

impl Workers {
    /// Starts one worker thread for each of `specs`; one as the default has it when there are none. What they hand to
    /// control comes out of the [`Listener`].
    ///
    /// # Errors
    /// A thread, an eventfd or an epoll set could not be made, or a thread not be pinned.
    pub fn start(specs: &[WorkerSpec]) -> io::Result<(Self, Listener)> {
        let one = [WorkerSpec::default()];
        let specs = if specs.is_empty() { &one } else { specs };
        let (pool, listener) = Pool::start(specs)?;
        Ok((Self { pool: Arc::new(pool) }, listener))
    }

    /// What a session drives the rings of `port` through.
    #[must_use]
    pub fn attachment(&self, namespace: &Arc<Namespace>, port: &Arc<Port>) -> Arc<dyn RingHost> {
        Arc::new(Attachment::new(Arc::clone(&self.pool), Arc::clone(namespace), Arc::clone(port)))
    }

    /// Has workers poll the sources of a lane of `port`, and deliver into its sinks what is steered there. `inward`: its frames
    /// are for the port's own guest ([`Port::set_inward`]).
    #[must_use]
    pub fn attach_lane(
        &self,
        (namespace, port): (&Arc<Namespace>, &Arc<Port>),
        sinks: Vec<Box<dyn LaneSink>>,
        sources: Vec<Box<dyn LaneSource>>,
        inward: bool,
    ) -> AttachedLane {
        AttachedLane::new(&self.pool, (namespace, port), sinks, sources, inward)
    }

    /// Delivers frames that control has to say, each to the guest of one port. Never waits: what a worker has no room for is
    /// lost, and counted by the port.
    pub fn emit(&self, emissions: Vec<Emission>) {
        self.pool.emit(emissions);
    }

    /// Has a worker deliver what has waited for the guest of `port` ([`Port::release`]). Never waits: a worker that is too busy
    /// to be told is to be told again.
    pub fn release(&self, port: &Arc<Port>) {
        self.pool.try_release(port);
    }

    /// Whether every worker has made a turn since it was asked last, or sleeps. `seen` is where they were then; empty at first.
    pub fn are_alive(&self, seen: &mut Vec<u64>) -> bool {
        self.pool.are_alive(seen)
    }

    /// What each worker has done.
    #[must_use]
    pub fn stats(&self) -> Vec<WorkerStats> {
        self.pool.stats()
    }
}
