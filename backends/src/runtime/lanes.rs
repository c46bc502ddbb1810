// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One port's other lane at the workers: its sinks are the port's, each of its sources is some worker's.

use std::sync::Arc;

use dataplane::{LaneSink, LaneSource, Namespace, Port, Source};

use super::pool::{Place, Pool};

/// A lane that workers poll and deliver to, until this is dropped. Then nobody touches it any more.
pub struct AttachedLane {
    pool: Arc<Pool>,
    port: Arc<Port>,
    sources: Vec<Place>,
}

impl AttachedLane {
    pub(super) fn new(
        pool: &Arc<Pool>,
        (namespace, port): (&Arc<Namespace>, &Arc<Port>),
        sinks: Vec<Box<dyn LaneSink>>,
        sources: Vec<Box<dyn LaneSource>>,
        inward: bool,
    ) -> Self {
        port.set_inward(inward);
        drop(port.replace_sinks(sinks));
        namespace.look_after_home();
        let attach = |source| pool.attach(Source::of_lane(namespace, port, source));
        let sources = sources.into_iter().map(attach).collect();
        Self { pool: Arc::clone(pool), port: Arc::clone(port), sources }
    }
}

impl Drop for AttachedLane {
    fn drop(&mut self) {
        drop(self.port.replace_sinks(Vec::new()));
        self.sources.drain(..).for_each(|place| drop(self.pool.detach(place)));
        // What they noticed at last is of no lane that comes after this one, and nothing of the port is out there any more.
        self.port.take_lane_news();
        self.port.set_inward(false);
    }
}
