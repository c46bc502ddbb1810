// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A source: what a worker polls. A burst of it goes through all stages here.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use sys::{Ring, RingLog};

use crate::addresses;
use crate::bits::Bits;
use crate::burst::{Burst, Frame, Verdict};
use crate::deliver::{Delivery, Sender};
use crate::drops::DropReason;
use crate::forward::{From, ask, forward};
use crate::guard::guard;
use crate::intake::{Broken, Intake};
use crate::lane::LaneSource;
use crate::lanes::Lane;
use crate::namespace::{Namespace, PortSet};
use crate::patch::cross;
use crate::policing::SendPolicers;
use crate::port::{MacPolicy, Policy, Port, Role, SourceId};
use crate::snoop::{Tap, snoop};
use crate::stats::{Delta, Traffic};
use crate::time::Instant;
use crate::worker::Stage;

/// A transmit ring of a port or a queue of its other lane, and where its frames go: what a worker owns while it polls it.
pub struct Source {
    port: Arc<Port>,
    namespace: Arc<Namespace>,
    ports: Cache<Arc<ArcSwap<PortSet>>, Arc<PortSet>>,
    intake: Intake,
    broken: bool,
}

/// What each burst needs and the next one uses again.
pub(crate) struct Turn {
    pub(crate) burst: Burst,
    pub(crate) delivery: Delivery,
    pub(crate) tap: Tap,
}

impl Source {
    /// A source over a ring that has just been started.
    #[must_use]
    pub fn new(namespace: &Arc<Namespace>, port: &Arc<Port>, mut ring: Ring) -> Self {
        port.clear_fault();
        ring.nudge();
        Self::over(namespace, port, Intake::Ring(ring))
    }

    /// A source over one queue of the port's other lane.
    #[must_use]
    pub fn of_lane(namespace: &Arc<Namespace>, port: &Arc<Port>, lane: Box<dyn LaneSource>) -> Self {
        Self::over(namespace, port, Intake::Lane(lane))
    }

    fn over(namespace: &Arc<Namespace>, port: &Arc<Port>, intake: Intake) -> Self {
        let ports = Cache::new(Arc::clone(&namespace.ports));
        Self { port: Arc::clone(port), namespace: Arc::clone(namespace), ports, intake, broken: false }
    }

    /// What is readable while there are frames, if there is such a thing: a kick, or the lane itself.
    #[must_use]
    pub fn kick(&self) -> Option<BorrowedFd<'_>> {
        self.intake.kick()
    }

    /// The descriptor of a lane that is gone: it stays readable for ever. A ring's kick is cleared like any other.
    pub(crate) fn dead_kick(&self) -> Option<BorrowedFd<'_>> {
        match &self.intake {
            Intake::Lane(lane) if self.broken => lane.fd(),
            Intake::Lane(_) | Intake::Ring(_) => None,
        }
    }

    /// Marks what is written for the ring from now on in `log`. A lane writes into no guest's memory.
    pub fn set_log(&mut self, log: Option<RingLog>) {
        if let Intake::Ring(ring) = &mut self.intake {
            ring.set_log(log);
        }
    }

    /// Gives the ring back, everything in it completed. `None`: it is a lane's, which goes with this.
    #[must_use]
    pub fn into_ring(self) -> Option<Ring> {
        match self.intake {
            Intake::Ring(ring) => Some(ring),
            Intake::Lane(_) => None,
        }
    }

    /// Switches one burst. Returns how many frames were taken.
    pub(crate) fn poll(&mut self, id: SourceId, turn: &mut Turn, now: Instant, watch: &mut impl FnMut(Stage)) -> usize {
        if self.broken {
            return 0;
        }
        let Self { port, namespace, ports, intake, .. } = self;
        let mut policy = port.policy();
        policy.negotiated = intake.negotiated(policy.negotiated);
        let mut delta = Delta::default();
        let received = intake.receive(policy.negotiated, &mut turn.burst, &mut delta);
        let taken = turn.burst.chains().len();
        if taken > 0 {
            watch(Stage::Receive);
            let origin = Origin { port, namespace, lane: intake.lane(), ports: ports.load() };
            let sender = Sender { id, slot: port.slot(), hops: 0, now };
            origin.switch(turn, sender, &policy, &mut delta, watch);
            intake.finish(&turn.burst);
            turn.delivery.publish(id, origin.ports);
            origin.count(&delta);
            watch(Stage::Finish);
        }
        turn.burst.clear();
        if let Some(broken) = received.err().or_else(|| self.intake.late_fault()) {
            self.give_up(broken, &mut turn.tap);
        }
        taken
    }

    fn give_up(&mut self, broken: Broken, tap: &mut Tap) {
        self.broken = true;
        broken.tell(&self.port);
        tap.note();
    }

    /// Asks the guest to kick. True: do not sleep, there is work.
    pub(crate) fn arm(&mut self) -> bool {
        // Who sleeps holds on to nothing that control has replaced.
        self.ports.load();
        if self.broken {
            return false;
        }
        self.intake.arm().unwrap_or_else(|broken| {
            self.broken = true;
            broken.tell(&self.port);
            false
        })
    }

    pub(crate) fn disarm(&mut self) {
        self.intake.disarm();
    }

    pub(crate) fn drain_kick(&mut self) {
        self.intake.drain_kick();
    }

    pub(crate) fn ask_index(&self) {
        self.intake.ask_index();
    }
}

/// Where the frames of a burst came from.
struct Origin<'a> {
    port: &'a Arc<Port>,
    namespace: &'a Arc<Namespace>,
    lane: Lane,
    ports: &'a PortSet,
}

impl Origin<'_> {
    /// Stages 2 to 5.
    fn switch(
        &self,
        turn: &mut Turn,
        sender: Sender,
        policy: &Policy<'_>,
        delta: &mut Delta,
        watch: &mut impl FnMut(Stage),
    ) {
        let Turn { burst, delivery, tap } = turn;
        if self.is_inward() {
            // What the world sends the guest is whole and speaks as no router, whoever sends it.
            guard(burst, self.port.mac(), &Policy { role: Role::Host, macs: MacPolicy::Any, ..*policy });
            watch(Stage::Guard);
            lead_in(burst, self.port);
        } else {
            self.classify(burst, sender.now, policy, (delivery, tap), (delta, watch));
        }
        watch(Stage::Forward);
        delivery.deliver(burst, sender, self.ports, delta);
        if delivery.crosses() {
            cross(delivery, burst, tap, sender);
        }
        watch(Stage::Deliver);
    }

    /// Stages 2 to 4.
    fn classify(
        &self,
        burst: &mut Burst,
        now: Instant,
        policy: &Policy<'_>,
        (delivery, tap): (&mut Delivery, &mut Tap),
        (delta, watch): (&mut Delta, &mut impl FnMut(Stage)),
    ) {
        let (slot, own, fdb) = (self.port.slot(), self.port.mac(), self.namespace.fdb());
        let policers = SendPolicers::of(self.port, self.namespace);
        ask(burst.frames(), fdb, own);
        policers.transmit(burst, now);
        let heard = guard(burst, own, policy);
        watch(Stage::Guard);
        if self.port.lanes().is_watched(self.lane) {
            self.look_closer(burst, tap, now);
        }
        if self.lane == Lane::Synthetic && self.port.lanes().wheel.is_outward() {
            delivery.let_out(self.port, burst, delta);
        }
        forward(burst, fdb, From { slot, own, uplink: self.uplink(policy) }, now);
        policers.flood(burst, now);
        if heard != Bits::NONE {
            addresses::note(burst, heard, self.port, (policy.role, self.ports), now);
            snoop(burst, heard, (self.port, self.namespace), tap);
        }
    }

    /// The ports of the namespace, if this is one behind which others of its ports may be heard.
    fn uplink(&self, policy: &Policy<'_>) -> Option<&PortSet> {
        (policy.role == Role::Uplink).then_some(self.ports)
    }

    /// Tells control if one of the frames that may pass is of the port's own address, and takes out those that are answers.
    #[cold]
    fn look_closer(&self, burst: &mut Burst, tap: &mut Tap, now: Instant) {
        let is_own = |frame: &Frame| frame.verdict == Verdict::Undecided && frame.src() == self.port.mac();
        let seen = self.port.lanes().wants_to_see(self.lane) && burst.frames().iter().any(is_own);
        if seen {
            self.port.lanes().seen(self.lane);
        }
        if self.port.take_answers(burst, self.lane, now) || seen {
            tap.note();
        }
    }

    /// Whether its frames are for the port's own guest.
    fn is_inward(&self) -> bool {
        self.lane == Lane::Vf && self.port.lanes().is_inward()
    }

    /// Counts what was taken, and what became of it. Of frames for the guest itself, those that it gets are counted already.
    fn count(&self, delta: &Delta) {
        if self.lane == Lane::Vf {
            self.port.lanes().count_taken(delta.traffic);
        }
        if self.is_inward() {
            self.port.counters.add_rx(&Delta { traffic: Traffic::default(), ..*delta });
        } else {
            self.port.counters.add_tx(delta);
        }
    }
}

/// Stages 3 and 4 of frames that come over the other lane of a `host-lane` port: they are the guest's, or nobody's here. Groups
/// are heard through the namespace, and once is enough.
#[cold]
fn lead_in(burst: &mut Burst, port: &Port) {
    for frame in burst.frames_mut() {
        let mine = frame.dst() == port.mac();
        frame.decide(if mine { Verdict::Port(port.slot()) } else { Verdict::Drop(DropReason::LaneStray) });
    }
}
