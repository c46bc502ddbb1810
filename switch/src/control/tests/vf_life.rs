// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The life of a VF as control leads it: what is asked of the outside, and how the port's frames are steered meanwhile.

use super::vf::{edit, lane, qmp, set};
use super::*;
use crate::port::Notice;
use crate::vf::VfAsk;
use crate::{LaneNotice, VmmNotice};
use dataplane::{LaneSet, Steering};
use netvsc::Event;

pub(super) const STANDBY: u64 = 1 << 62;
pub(super) const VM1: &str = "red:vm1";

pub(super) struct Scene {
    pub(super) control: Control,
    now: Instant,
}

impl Scene {
    /// A port whose guest is up, with a VF that a VMM plugs.
    pub(super) fn new() -> Scene {
        Scene::over(switch())
    }

    /// The same of a switch that has the port.
    pub(super) fn over(mut control: Control) -> Scene {
        set(&mut control, VM1, "dgram:/run/a,peer=/run/b").unwrap();
        edit(&mut control, VM1, qmp("/run/qmp")).unwrap();
        let mut scene = Scene { control, now: Instant::default() };
        scene.control.handle_notice(&port(VM1), Notice::Up { features: STANDBY });
        scene.pass(Duration::ZERO);
        scene.vmm(VmmNotice::Ready { plugged: false });
        actions(&mut scene.control);
        scene
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.control.handle_due(self.now);
    }

    pub(super) fn ask(&mut self, ask: VfAsk) -> Result<Reply, Refusal> {
        self.control.handle_request(Request::Vf { port: port(VM1), ask })
    }

    pub(super) fn lane(&mut self, notice: LaneNotice) {
        self.control.handle_lane(&port(VM1), notice, self.now);
    }

    pub(super) fn vmm(&mut self, notice: VmmNotice) {
        self.control.handle_vmm(&port(VM1), notice, self.now);
    }

    pub(super) fn told(&mut self, event: Event) {
        self.vmm(VmmNotice::Told(event));
    }

    /// What is to be done that is no log.
    fn actions(&mut self) -> Vec<String> {
        actions(&mut self.control).into_iter().filter(|action| !action.contains("tell") && action != "save").collect()
    }

    pub(super) fn steering(&self) -> Steering {
        self.control.plant.port(&port(VM1)).unwrap().device.steering()
    }

    pub(super) fn state(&self) -> &'static str {
        self.control.operator().port_at(&port(VM1)).unwrap().vf.unwrap().state
    }

    /// Up to where the guest uses the VF.
    pub(super) fn use_vf(&mut self) {
        self.ask(VfAsk::Offer).unwrap();
        self.lane(LaneNotice::Up { found: None });
        self.pass(Duration::from_secs(2));
        self.told(Event::Plugged);
        self.told(Event::Seen(netvsc::Lane::Vf));
        self.pass(Duration::from_secs(1));
        self.release();
    }

    /// As a worker does that is told to.
    fn release(&mut self) -> bool {
        let all = self.control.take_releases();
        all.iter().all(|port| port.release(Instant::default())) && !all.is_empty()
    }
}

#[test]
fn test_a_vf_is_opened_then_plugged_and_the_guest_is_asked_what_it_has_taken_until_it_uses_it() {
    let mut scene = Scene::new();
    scene.ask(VfAsk::Offer).unwrap();
    assert_eq!(scene.actions(), ["lane red:vm1 open dgram:/run/a,peer=/run/b"]);
    assert_eq!((scene.state(), scene.steering()), ("offered", Steering::default()));
    scene.lane(LaneNotice::Up { found: None });
    assert_eq!(scene.actions(), [""; 0], "the guest is given a second");
    scene.pass(Duration::from_secs(2));
    assert_eq!(scene.actions(), ["lane red:vm1 plug"]);
    assert_eq!(scene.steering(), Steering::default());
    scene.told(Event::Plugged);
    assert_eq!((scene.state(), scene.steering()), ("plugged", Steering::ASKING));
    scene.told(Event::Seen(netvsc::Lane::Vf));
    scene.pass(Duration::from_secs(1));
    assert_eq!((scene.state(), scene.steering()), ("on-vf", Steering::all(LaneSet::VF)));
    assert!(scene.release(), "what it has not taken goes by the VF");
    scene.ask(VfAsk::Revoke).unwrap();
    assert_eq!(scene.actions(), ["lane red:vm1 unplug"]);
    assert_eq!((scene.steering(), scene.control.take_releases().len()), (Steering::HELD, 0));
    scene.told(Event::Unplugged);
    assert_eq!(scene.control.take_releases().len(), 1, "what has waited is to be delivered");
    assert_eq!((scene.state(), scene.steering()), ("absent", Steering::default()));
    assert_eq!(scene.actions(), ["lane red:vm1 close"]);
    let counts = scene.control.operator().port_at(&port(VM1)).unwrap().vf.unwrap().counts;
    assert_eq!(counts.switches, 2);
}

#[test]
fn test_a_lane_that_vanishes_leaves_the_synthetic_one_at_once() {
    let mut scene = Scene::new();
    scene.use_vf();
    scene.lane(LaneNotice::Gone { reason: "its other end has vanished".into() });
    assert_eq!(scene.steering(), Steering::HELD, "a standby guest hears nothing until its VF is out");
    assert!(scene.actions().contains(&"lane red:vm1 unplug".to_owned()));
    scene.pass(netvsc::timing::DEAF);
    assert_eq!(scene.steering(), Steering::default(), "and nothing waits for ever");
    assert_eq!(scene.control.take_releases().len(), 1);
    let vf = scene.control.operator().port_at(&port(VM1)).unwrap().vf.unwrap();
    assert_eq!(vf.lane.why.as_deref(), Some("its other end has vanished"));
}

#[test]
fn test_a_vf_in_use_is_not_given_another_lane_and_goes_with_its_port() {
    let mut scene = Scene::new();
    scene.use_vf();
    let why = set(&mut scene.control, VM1, "null").unwrap_err().to_string();
    assert_eq!(why, r#"VF of port "red:vm1" is in use by its guest; `weft vf revoke` takes it away first"#);
    assert!(set(&mut scene.control, VM1, "none").is_err());
    scene.actions();
    scene.control.handle_request(Request::PortDel { port: port(VM1), force: true }).unwrap();
    let asked = scene.actions();
    assert!(
        asked.contains(&"lane red:vm1 close".to_owned()) && asked.contains(&"follow red:vm1".to_owned()),
        "{asked:?}"
    );
    assert!(scene.control.vfs.iter_mut().next().is_none());
}

#[test]
fn test_what_makes_no_sense_is_refused_in_words_that_help() {
    let mut scene = Scene::new();
    let mut refused = |ask| scene.ask(ask).unwrap_err().to_string();
    assert_eq!(refused(VfAsk::Revoke), "no VF of red:vm1 is offered");
    let first = "no VF of red:vm1 is offered: `weft vf offer red:vm1` first";
    assert_eq!(refused(VfAsk::Switch(netvsc::Lane::Vf)), first);
    scene.ask(VfAsk::Offer).unwrap();
    assert!(scene.ask(VfAsk::Offer).is_err());
    assert!(scene.ask(VfAsk::Switch(netvsc::Lane::Vf)).is_err(), "the guest does not have it yet");
}

#[test]
fn test_the_only_lane_of_a_port_is_opened_with_it_and_its_state_is_the_ports() {
    let mut control = switch();
    let uplink = PortSpec::device(&name("up"), path("red"), lane("packet:eth9"));
    control.handle_request(Request::PortAdd(name("up"), uplink)).unwrap();
    assert!(actions(&mut control).contains(&"lane red:up open packet:eth9".to_owned()));
    let up = port("red:up");
    assert_eq!(control.plant.port(&up).unwrap().device.steering(), Steering::all(LaneSet::VF));
    control.handle_lane(&up, LaneNotice::Gone { reason: "netdev eth9 is not there".into() }, NOW);
    let view = control.operator().port_at(&up).unwrap();
    assert_eq!((view.state, view.reason.as_deref()), (State::Down, Some("netdev eth9 is not there")));
    assert!(control.device_opening(&up).is_some());
    control.handle_lane(&up, LaneNotice::Up { found: None }, NOW);
    assert_eq!(control.operator().port_at(&up).unwrap().state, State::Up);
}

#[test]
fn test_a_vf_goes_on_after_a_restart() {
    let mut scene = Scene::new();
    scene.use_vf();
    let saved = scene.control.vf_states();
    let desired = scene.control.desired().clone();
    let mut control = Control::new(43, BTreeMap::new());
    control.restore_vfs(saved);
    control.handle_request(Request::Apply(desired)).unwrap();
    let mut scene = Scene { control, now: NOW };
    assert!(scene.actions().contains(&"lane red:vm1 open dgram:/run/a,peer=/run/b".to_owned()));
    scene.lane(LaneNotice::Up { found: None });
    scene.vmm(VmmNotice::Ready { plugged: true });
    scene.control.handle_notice(&port(VM1), Notice::Up { features: STANDBY });
    scene.pass(Duration::from_secs(1));
    scene.told(Event::Seen(netvsc::Lane::Vf));
    scene.pass(Duration::from_secs(1));
    assert_eq!((scene.state(), scene.steering()), ("on-vf", Steering::all(LaneSet::VF)));
    assert!(!scene.actions().contains(&"lane red:vm1 plug".to_owned()), "it is in the guest already");
}

#[test]
fn test_what_a_vf_waited_for_before_a_restart_is_waited_for_anew() {
    let mut scene = Scene::new();
    scene.ask(VfAsk::Offer).unwrap();
    scene.lane(LaneNotice::Up { found: None });
    scene.pass(Duration::from_secs(2));
    assert_eq!(scene.state(), "plugging");
    let (saved, desired) = (scene.control.vf_states(), scene.control.desired().clone());
    let now = NOW + Duration::from_hours(9);
    let mut control = Control::new(43, BTreeMap::new());
    control.handle_tick(now);
    control.restore_vfs(saved);
    control.handle_request(Request::Apply(desired)).unwrap();
    let mut scene = Scene { control, now };
    scene.pass(Duration::from_secs(1));
    let vf = scene.control.operator().port_at(&port(VM1)).unwrap().vf.unwrap();
    assert_eq!(vf.since, Duration::from_secs(1), "{vf:?}");
}

#[test]
fn test_a_vf_that_is_not_offered_is_absent_since_it_was_asked_for() {
    let mut control = switch();
    control.handle_tick(NOW + Duration::from_hours(9));
    set(&mut control, VM1, "null").unwrap();
    let vf = control.operator().port_at(&port(VM1)).unwrap().vf.unwrap();
    assert_eq!((vf.state, vf.since), ("absent", Duration::ZERO));
}

#[test]
fn test_a_vf_that_was_found_is_offered_as_soon_as_it_can_be_and_not_after_somebody_took_it_away() {
    let mut control = switch();
    set(&mut control, VM1, "auto").unwrap();
    let mut scene = Scene { control, now: NOW };
    assert_eq!(scene.actions().last().map(String::as_str), Some("follow red:vm1"));
    scene.lane(LaneNotice::Found);
    assert_eq!(scene.actions(), ["lane red:vm1 open auto"]);
    scene.lane(LaneNotice::Up { found: Some("eth5".into()) });
    scene.pass(Duration::from_secs(2));
    assert_eq!(scene.state(), "on-vf");
    scene.ask(VfAsk::Revoke).unwrap();
    scene.pass(Duration::from_secs(60));
    scene.pass(Duration::from_secs(60));
    assert_eq!(scene.state(), "absent", "what an operator takes away stays away");
    scene.lane(LaneNotice::Gone { reason: "pulled".into() });
    scene.lane(LaneNotice::Found);
    assert_ne!(scene.state(), "absent", "another one is another matter");
}

#[test]
fn test_a_vf_that_somebody_took_away_is_not_offered_by_a_daemon_that_starts_anew() {
    let mut control = switch();
    set(&mut control, VM1, "auto").unwrap();
    let mut scene = Scene { control, now: NOW };
    scene.lane(LaneNotice::Found);
    scene.lane(LaneNotice::Up { found: Some("eth5".into()) });
    scene.pass(Duration::from_secs(2));
    assert!(scene.control.vf_states().revoked.is_empty());
    scene.ask(VfAsk::Revoke).unwrap();
    let revoked = scene.control.vf_states().revoked;
    assert_eq!(revoked, [port(VM1)].into());
    let (saved, desired) = (scene.control.vf_states(), scene.control.desired().clone());
    let mut control = Control::new(43, BTreeMap::new());
    control.restore_vfs(saved);
    control.handle_request(Request::Apply(desired)).unwrap();
    let mut scene = Scene { control, now: NOW };
    scene.pass(Duration::from_secs(60));
    scene.lane(LaneNotice::Found);
    assert_eq!((scene.state(), scene.control.vf_states().revoked), ("absent", revoked));
    let why = scene.control.operator().port_at(&port(VM1)).unwrap().vf.unwrap().lane.why;
    assert_eq!(why.as_deref(), Some("it was revoked by hand: `weft vf offer` offers it again"));
    scene.ask(VfAsk::Offer).unwrap();
    assert!(scene.state() != "absent" && scene.control.vf_states().revoked.is_empty());
}
