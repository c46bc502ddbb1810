// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! All worker threads, and how a port's session reaches them.

use std::io;
use std::sync::Arc;

use dataplane::{Namespace, Port};

use super::attachment::Attachment;
use super::pool::{Pool, WorkerStats};
use super::thread::PollMode;
use crate::vhost_user::RingHost;

/// The worker threads. They end when this and all attachments are dropped.
pub struct Workers {
    pool: Arc<Pool>,
}

impl Workers {
    /// Starts `count` worker threads, at least one.
    ///
    /// # Errors
    /// A thread, an eventfd or an epoll set could not be made.
    pub fn start(count: usize, mode: PollMode) -> io::Result<Self> {
        Ok(Self { pool: Arc::new(Pool::start(count, mode)?) })
    }

    /// What a session drives the rings of `port` through.
    #[must_use]
    pub fn attachment(&self, namespace: &Arc<Namespace>, port: &Arc<Port>) -> Arc<dyn RingHost> {
        Arc::new(Attachment::new(Arc::clone(&self.pool), Arc::clone(namespace), Arc::clone(port)))
    }

    /// What each worker has done.
    #[must_use]
    pub fn stats(&self) -> Vec<WorkerStats> {
        self.pool.stats()
    }
}
