// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Control's record of one port: what was asked for, the data-plane object, and how its guest's session fares.

use crate::ident::Ident;
use crate::name::Name;
use crate::ra_learning::{RaGuardState, RaLearning};
use crate::reference::PortPath;
use crate::spec::{Lane, PortSpec};
use crate::view::LaneLosses;
use dataplane::{PortConfig, PortSlot, RaGuard, RingFault};
use std::sync::Arc;

/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 240;
/// Why a port whose session is up may still not be.
const NOT_STARTED: &str = "the guest does not run its NIC: it is starting, or has no driver for it";

/// Whether frames can flow through a port.
///
/// `Down` and `Connecting` and `Up` follow the session's notices. `Up` with no ring running is `Connecting` again: the
/// guest is being reset. `Broken` is `Up` with a ring that the guest has corrupted, and ends when the guest resets its
/// device or the session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No guest is attached.
    Down,
    /// A guest is attaching, or does not run its device.
    Connecting,
    /// A guest is attached and its rings run.
    Up,
    /// A guest is attached and has corrupted a ring.
    Broken,
}

/// What a session tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The socket is open and nobody is attached.
    Listening,
    /// A guest's VMM is connected and has not set up the device yet, or is being looked for.
    Connecting,
    /// The guest's driver has set up the device.
    Up {
        /// Virtio feature bits that it accepted.
        features: u64,
    },
    /// The session ended.
    Down {
        /// Why.
        reason: String,
    },
    /// A connection was turned away; the session runs on.
    Refused {
        /// Why.
        reason: String,
    },
    /// Something is not as it should be; the session runs on.
    Warned {
        /// What.
        reason: String,
    },
}

/// How the guest's session fares.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    pub(crate) features: u64,
    reason: Option<String>,
    warning: Option<String>,
}

impl Session {
    fn new() -> Session {
        Session { state: State::Down, features: 0, reason: None, warning: None }
    }

    /// Whether the guest's driver has set up the device.
    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// A fault of the port, if it can be this session's: one that has not set up the device has no rings, so what is
    /// said there is of the session before.
    fn own(&self, fault: Option<RingFault>) -> Option<RingFault> {
        fault.filter(|_| self.state == State::Up)
    }

    fn note(&mut self, notice: Notice) {
        match notice {
            // The reason stays: it says why the session before ended.
            Notice::Listening => (self.state, self.features) = (State::Down, 0),
            Notice::Connecting => (self.state, self.features) = (State::Connecting, 0),
            Notice::Up { features } => (self.state, self.features, self.reason) = (State::Up, features, None),
            Notice::Down { reason } => {
                *self = Session { reason: Some(printable(&reason)), ..Session::new() };
            }
            Notice::Refused { reason } | Notice::Warned { reason } => self.warning = Some(printable(&reason)),
        }
    }
}

/// A text that a guest's VMM may have had a hand in, fit for a terminal and a log: no control characters, bounded.
fn printable(text: &str) -> String {
    text.escape_debug().take(REASON_MAX).collect::<String>().replace("\\\"", "\"").replace("\\'", "'")
}

/// One port.
pub(crate) struct PortRecord {
    pub(crate) name: Name,
    pub(crate) ident: Ident<PortRecord>,
    pub(crate) spec: PortSpec,
    pub(crate) device: Arc<dataplane::Port>,
    pub(crate) session: Session,
    /// What its lanes beside its rings have lost.
    pub(crate) lane_losses: LaneLosses,
    /// What RA guard has found out.
    pub(crate) learning: RaLearning,
    /// Where that stands by what an operator allows now,
    pub(crate) ra_guard_state: RaGuardState,
    /// and what its router may say by both.
    pub(crate) rules: RaGuard,
}

impl PortRecord {
    pub(crate) fn new(
        name: Name,
        spec: PortSpec,
        device: Arc<dataplane::Port>,
        ident: Ident<PortRecord>,
    ) -> PortRecord {
        let (session, learning) = (Session::new(), RaLearning::begin(spec.mediation.learn));
        let (ra_guard_state, rules, lane_losses) = (RaGuardState::Off, RaGuard::default(), LaneLosses::default());
        let mut record =
            PortRecord { name, ident, spec, device, session, lane_losses, learning, ra_guard_state, rules };
        record.guard_routers();
        record
    }

    /// Whether it has, or may have, a lane beside its rings.
    pub(crate) fn has_other_lane(&self) -> bool {
        self.spec.vf.is_some() || self.spec.device_lane().is_some()
    }

    /// Its full name.
    pub(crate) fn path(&self) -> PortPath {
        self.spec.path(self.name.clone())
    }

    /// The data-plane object of a port to be.
    pub(crate) fn device(spec: &PortSpec, slot: PortSlot) -> Arc<dataplane::Port> {
        let config = PortConfig {
            mac: spec.mac,
            role: spec.role,
            macs: spec.macs,
            mtu: spec.mtu,
            queue_pairs: spec.queue_pairs,
        };
        let device = dataplane::Port::new(slot, &config);
        device.set_limits(&spec.limits);
        device.set_mediated(spec.mediation.inject.is_some());
        device
    }

    /// Changes what may change under a running session.
    pub(crate) fn set(&mut self, spec: PortSpec) {
        self.device.set_role(spec.role);
        self.device.set_macs(spec.macs);
        self.device.set_mtu(spec.mtu);
        self.device.set_mediated(spec.mediation.inject.is_some());
        if self.spec.limits != spec.limits {
            self.device.set_limits(&spec.limits);
        }
        let rules_differ = self.spec.mediation.guard != spec.mediation.guard;
        self.spec = spec;
        if rules_differ {
            self.guard_routers();
        }
    }

    /// Goes by another state of what RA guard learns.
    pub(crate) fn learn(&mut self, learning: RaLearning) {
        self.learning = learning;
        self.guard_routers();
    }

    /// Lets the frame path know what its router may say, by what an operator allows and by what was learnt.
    pub(crate) fn guard_routers(&mut self) {
        (self.ra_guard_state, self.rules) = self.learning.standing(&self.spec.mediation.guard);
        self.device.set_ra_guard(&self.rules);
        self.device.set_router_gate(self.ra_guard_state.gate());
    }

    /// Whether anybody is behind it who could be heard.
    pub(crate) fn is_present(&self) -> bool {
        match self.spec.lane {
            Lane::VhostUser(_) => self.device.is_running(),
            Lane::Link(_) => self.device.is_linked(),
            Lane::Device(_) => true,
        }
    }

    pub(crate) fn note(&mut self, notice: Notice) {
        self.session.note(notice);
    }

    /// The state, and why it is what it is.
    pub(crate) fn state(&self) -> (State, Option<String>) {
        if self.spec.far().is_some() {
            let linked = self.device.is_linked();
            return if linked {
                (State::Up, None)
            } else {
                (State::Down, Some("the other end is not there".to_owned()))
            };
        }
        if self.spec.device_lane().is_some() {
            return (self.session.state, self.session.reason.clone());
        }
        let said = || self.session.reason.clone().or_else(|| self.session.warning.clone());
        match (self.session.state, self.fault()) {
            (State::Up, Some(fault)) => (State::Broken, Some(fault.to_string())),
            (State::Up, None) if !self.device.is_running() => {
                (State::Connecting, said().or_else(|| Some(NOT_STARTED.to_owned())))
            }
            (State::Down, _) => (State::Down, said().or_else(|| self.nobody_yet())),
            (state, _) => (state, said()),
        }
    }

    /// Why a port is down that nobody has come to.
    fn nobody_yet(&self) -> Option<String> {
        let socket = self.spec.vhost_user()?;
        Some(printable(&format!("no VMM has connected to {} yet", socket.path)))
    }

    /// What the guest that is attached did to break a ring.
    pub(crate) fn fault(&self) -> Option<RingFault> {
        self.session.own(self.device.fault())
    }

    /// A guest is attached, or about to be.
    pub(crate) fn attached(&self) -> bool {
        self.session.state != State::Down && !self.waiting()
    }

    /// A client-mode port looks for its guest all the time; nobody loses anything while it does.
    fn waiting(&self) -> bool {
        let connects = self.spec.vhost_user().is_some_and(|vhost_user| vhost_user.mode == crate::spec::Mode::Client);
        self.session.state == State::Connecting && connects
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::arena::Arena;
    use crate::path::NamespacePath;
    use crate::spec::{Mode, VhostUser};

    /// What a port says whose session is up, in a test without rings.
    fn not_started() -> (State, Option<String>) {
        (State::Connecting, Some(NOT_STARTED.to_owned()))
    }

    fn record() -> PortRecord {
        let name: Name = "vm1".parse().unwrap();
        let socket = VhostUser { path: "/run/vm1.sock".into(), mode: Mode::Server };
        let spec = PortSpec::new(&name, NamespacePath::root(), socket);
        let device = PortRecord::device(&spec, PortSlot(0));
        PortRecord::new(name, spec, device, Ident::new(Arena::default().reserve(), Box::default()))
    }

    #[test]
    fn test_why_the_last_session_ended_stays_visible_until_the_next_is_up() {
        let mut port = record();
        let nobody = "no VMM has connected to /run/vm1.sock yet";
        assert_eq!(port.state(), (State::Down, Some(nobody.to_owned())));
        port.note(Notice::Up { features: 5 });
        assert_eq!((port.state(), port.session.features), (not_started(), 5));
        port.note(Notice::Down { reason: "memory truncated".into() });
        port.note(Notice::Listening);
        assert_eq!(port.state(), (State::Down, Some("memory truncated".into())));
        assert_eq!(port.session.features, 0);
        port.note(Notice::Connecting);
        port.note(Notice::Up { features: 7 });
        assert_eq!(port.state(), not_started());
    }

    #[test]
    fn test_a_refused_connection_changes_no_state() {
        let mut port = record();
        port.note(Notice::Up { features: 1 });
        port.note(Notice::Refused { reason: "port busy".into() });
        assert_eq!(port.state(), (State::Connecting, Some("port busy".into())));
        assert!(port.attached(), "it is, though it does not run");
    }

    #[test]
    fn test_a_session_does_not_answer_for_a_fault_of_the_one_before() {
        let mut session = Session::new();
        let fault = Some(RingFault::Memory);
        assert_eq!(session.own(fault), None);
        session.note(Notice::Connecting);
        assert_eq!(session.own(fault), None);
        session.note(Notice::Up { features: 1 });
        assert_eq!((session.own(fault), session.own(None)), (fault, None));
        session.note(Notice::Down { reason: "the guest's memory was truncated".into() });
        assert_eq!(session.own(fault), None);
    }

    #[test]
    fn test_reasons_are_printable_and_bounded() {
        let mut port = record();
        port.note(Notice::Down { reason: format!("\x1b[31m{}", "x".repeat(10_000)) });
        let reason = port.state().1.unwrap();
        assert!(reason.starts_with("\\u{1b}[31m") && reason.len() <= REASON_MAX);
    }
}
