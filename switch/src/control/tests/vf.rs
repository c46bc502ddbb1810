// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs as an operator says them: on a running port, and what may not be.

use super::*;
use crate::lane::LaneSpec;
use crate::mediation::MediationEdit;
use crate::vf::{VfAsk, VfEdit, VmmKind, VmmSpec};
use netvsc::GuestModel;

pub(super) fn lane(text: &str) -> LaneSpec {
    text.parse().unwrap()
}

/// Says the VF of a port.
pub(super) fn set(control: &mut Control, path: &str, text: &str) -> Result<Reply, Refusal> {
    let lane = (text != "none").then(|| lane(text));
    edit(control, path, VfEdit { lane: Some(lane), ..VfEdit::default() })
}

pub(super) fn edit(control: &mut Control, path: &str, vf: VfEdit) -> Result<Reply, Refusal> {
    control.handle_request(Request::PortSet(port(path), PortChange { vf, ..PortChange::default() }))
}

fn told(reply: Result<Reply, Refusal>) -> Vec<String> {
    let Ok(Reply::Changed(changes)) = reply else { panic!("{reply:?}") };
    changes.iter().map(ToString::to_string).collect()
}

pub(super) fn qmp(socket: &str) -> VfEdit {
    let vmm = VmmSpec {
        kind: VmmKind::Qmp,
        socket: socket.to_owned(),
        device: "e1000e".to_owned(),
        bus: None,
        pair: Some("net0".to_owned()),
    };
    VfEdit { vmm: Some(Some(vmm)), ..VfEdit::default() }
}

#[test]
fn test_a_vf_comes_and_goes_under_a_running_guest() {
    let mut control = switch();
    control.handle_notice(&port("red:vm1"), Notice::Up { features: 1 });
    let reply = set(&mut control, "red:vm1", "packet:eth1");
    assert_eq!(told(reply), ["~ port red:vm1: vf none -> packet:eth1"]);
    let model = VfEdit { model: Some(Some(GuestModel::HostLane)), ..VfEdit::default() };
    let reply = edit(&mut control, "red:vm1", model);
    assert_eq!(told(reply), ["~ port red:vm1: vf packet:eth1 -> packet:eth1 model host-lane"]);
    let view = control.operator().port(&name("vm1").into()).unwrap();
    assert_eq!((view.features, view.vf.map(|vf| vf.spec)), (1, view.spec.vf));
    let reply = set(&mut control, "red:vm1", "none");
    assert_eq!(told(reply), ["~ port red:vm1: vf packet:eth1 model host-lane -> none"]);
    assert_eq!(control.operator().port(&name("vm1").into()).unwrap().features, 1, "the guest stays attached");
}

#[test]
fn test_a_whole_state_gives_the_vf_of_one_port_to_another() {
    let mut control = switch();
    control.handle_request(Request::PortAdd(name("vm2"), spec("vm2", "red"))).unwrap();
    set(&mut control, "red:vm2", "packet:eth1").unwrap();
    let mut next = control.desired().clone();
    let vf = next.port(&port("red:vm2")).unwrap().vf.clone();
    next.set_port(&port("red:vm2"), spec("vm2", "red")).unwrap();
    next.set_port(&port("red:vm1"), PortSpec { vf, ..spec("vm1", "red") }).unwrap();
    let before = control.desired().clone();
    let changes = told(control.handle_request(Request::Apply(next.clone())));
    assert_eq!(changes, ["~ port red:vm1: vf none -> packet:eth1", "~ port red:vm2: vf packet:eth1 -> none"]);
    assert_eq!(*control.desired(), next);
    control.handle_request(Request::Apply(before.clone())).unwrap();
    assert_eq!(*control.desired(), before);
}

#[test]
fn test_what_one_lane_has_no_other_gets() {
    let mut control = switch();
    control.handle_request(Request::PortAdd(name("vm2"), spec("vm2", "red"))).unwrap();
    let uplink = PortSpec::device(&name("up"), path("red"), lane("packet:eth0"));
    control.handle_request(Request::PortAdd(name("up"), uplink)).unwrap();
    set(&mut control, "red:vm1", "dgram:/run/a,peer=/run/b").unwrap();
    edit(&mut control, "red:vm1", qmp("/run/qmp")).unwrap();
    let why = |control: &mut Control, text: &str| set(control, "red:vm2", text).unwrap_err().to_string();
    assert_eq!(why(&mut control, "stream:/run/b"), r#"socket "/run/b" is in use by port "red:vm1""#);
    assert_eq!(why(&mut control, "stream:/run/qmp"), r#"socket "/run/qmp" is in use by port "red:vm1""#);
    assert_eq!(why(&mut control, "packet:eth0"), r#"netdev "eth0" is in use by port "red:up""#);
    assert_eq!(why(&mut control, "auto,iface=eth0"), r#"netdev "eth0" is in use by port "red:up""#);
    set(&mut control, "red:vm2", "pcap:/tmp/a.pcap").unwrap();
    edit(&mut control, "red:vm2", qmp("/run/qmp")).unwrap();
    let why = edit(&mut control, "red:vm2", qmp("/run/a")).unwrap_err().to_string();
    assert_eq!(why, r#"socket "/run/a" is in use by port "red:vm1""#);
    let why = set(&mut control, "red:vm1", "pcap:/tmp/b,read=/tmp/a.pcap").unwrap_err().to_string();
    assert_eq!(why, r#"file "/tmp/a.pcap" is in use by port "red:vm2""#);
    set(&mut control, "red:vm2", "bypass:0000:65:00.1").unwrap();
    let why = set(&mut control, "red:vm1", "bypass:0000:65:00.1").unwrap_err().to_string();
    assert_eq!(why, r#"PCI function "0000:65:00.1" is in use by port "red:vm2""#);
    // What is given up is free.
    control.handle_request(Request::PortDel { port: port("red:vm1"), force: true }).unwrap();
    set(&mut control, "red:vm2", "stream:/run/b").unwrap();
}

#[test]
fn test_only_a_port_with_a_guest_has_a_vf_and_not_twice_of_the_same() {
    let mut control = switch();
    let ends = [port("red:up"), port("blue:down")];
    control.handle_request(Request::LinkAdd { ends, mtu: None, routers: false }).unwrap();
    let uplink = PortSpec::device(&name("tap"), path("red"), lane("tap:tap0"));
    control.handle_request(Request::PortAdd(name("tap"), uplink)).unwrap();
    for port in ["red:up", "red:tap"] {
        let why = set(&mut control, port, "null").unwrap_err().to_string();
        assert!(why.ends_with("(expected none: only a port with a guest at a vhost-user socket has a VF)"), "{why}");
    }
    let own = control.desired().port(&port("red:vm1")).unwrap().vhost_user().unwrap().path.clone();
    let why = set(&mut control, "red:vm1", &format!("stream:{own}")).unwrap_err().to_string();
    assert!(why.ends_with("(expected a lane of which nothing is the port's in another way too)"), "{why}");
    for text in ["auto", "bypass:0000:65:00.1"] {
        let spec = PortSpec::device(&name("x"), path("red"), lane(text));
        assert!(control.handle_request(Request::PortAdd(name("x"), spec)).is_err(), "{text}");
    }
    let model = VfEdit { model: Some(Some(GuestModel::Bond)), ..VfEdit::default() };
    let change = PortChange { vf: model, mediation: MediationEdit::default(), ..PortChange::default() };
    assert!(control.handle_request(Request::PortSet(port("red:vm1"), change)).is_err(), "there is no VF");
}

#[test]
fn test_what_is_asked_of_a_vf_that_is_not_there() {
    let mut control = switch();
    for ask in [VfAsk::Offer, VfAsk::Revoke, VfAsk::Switch(netvsc::Lane::Vf)] {
        let why = |name: &str, control: &mut Control| {
            control.handle_request(Request::Vf { port: port(name), ask }).unwrap_err().to_string()
        };
        assert_eq!(why("red:vm1", &mut control), r#"VF of port "red:vm1" not found"#);
        assert_eq!(why("red:vm9", &mut control), r#"port "red:vm9" not found"#);
    }
}

/// The sockets of VFs obey the same rules as those of guests: none in the hands of somebody else.
#[test]
fn test_sockets_of_a_vf_stay_out_of_what_is_delegated_to_others() {
    let mut control = switch();
    let delegation = Delegation {
        socket: "/run/blue".into(),
        directory: "/run/blue.d".into(),
        to: Delegate::Uid(1),
        grant: Grant::Admin,
        limits: Limits::default(),
        confined: None,
    };
    set(&mut control, "red:vm1", "null").unwrap();
    edit(&mut control, "red:vm1", qmp("/run/blue.d/qmp")).unwrap();
    let delegate = Request::NamespaceDelegate(path("blue"), Some(delegation.clone()));
    let why = control.handle_request(delegate.clone()).unwrap_err().to_string();
    assert_eq!(why, r#"socket "/run/blue.d" is in use by port "red:vm1""#);
    set(&mut control, "red:vm1", "none").unwrap();
    control.handle_request(delegate).unwrap();
    for text in ["dgram:/run/blue.d/a,peer=/run/b", "dgram:/run/a,peer=/run/blue.d/b", "stream:/run/blue"] {
        let why = set(&mut control, "red:vm1", text).unwrap_err().to_string();
        assert!(why.ends_with(r#"is in use by the delegation of namespace "blue""#), "{why}");
    }
    let confined = Some(delegation.confines());
    let his = |text: &str| VfEdit { lane: Some(Some(lane(text))), confined: confined.clone(), ..VfEdit::default() };
    control.handle_request(Request::PortAdd(name("vm3"), spec("vm3", "blue"))).unwrap();
    edit(&mut control, "blue:vm3", his("dgram:/run/blue.d/a,peer=/run/blue.d/b")).unwrap();
    let why = edit(&mut control, "blue:vm3", qmp("/run/qmp")).unwrap_err().to_string();
    assert_eq!(why, r#"vf: "/run/qmp" is not valid (expected a path in /run/blue.d)"#);
    assert!(edit(&mut control, "blue:vm3", his("packet:eth9")).is_err());
    // The operator's own is not confined, and nothing of the other remains.
    edit(&mut control, "blue:vm3", VfEdit { confined: confined.clone(), ..qmp("/run/blue.d/qmp") }).unwrap();
    set(&mut control, "blue:vm3", "packet:eth9").unwrap();
    let vf = control.desired().port(&port("blue:vm3")).unwrap().vf.clone().unwrap();
    assert_eq!((vf.vmm, vf.confined), (None, None));
}
