// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes of the host, and VFs.

use super::*;
use switch::{GuestModel, LaneSpec, PortSpec, VmmKind};

fn port(text: &str, name: &str) -> PortSpec {
    let config = Config::parse("weft.toml", text).unwrap();
    config.desired.ports()[&name.parse().unwrap()].clone()
}

#[test]
fn test_a_vf_with_what_it_has_when_nothing_is_said() {
    let with = |vf: &str| port(&GOOD.replace("mtu = 9000", vf), "red:vm1").vf.unwrap();
    let plain = with("vf = { lane = \"packet:eth1\" }");
    assert_eq!((plain.lane.to_string().as_str(), plain.model, plain.vmm), ("packet:eth1", None, None));
    let plugged = with("[port.vf]\nlane = \"stream:/run/a\"\nmodel = \"standby\"\nqmp = \"/run/qmp\"");
    let vmm = plugged.vmm.unwrap();
    assert_eq!((plugged.model, vmm.kind, vmm.device.as_str()), (Some(GuestModel::Standby), VmmKind::Qmp, "e1000e"));
    let bypass = with("vf = { lane = \"bypass:0000:65:00.1\", cloud-hypervisor = \"/run/ch\" }").vmm.unwrap();
    assert_eq!((bypass.kind, bypass.device.as_str(), bypass.pair), (VmmKind::CloudHypervisor, "vfio-pci", None));
}

#[test]
fn test_a_port_on_a_lane_of_the_host() {
    let text = GOOD.replace("vhost-user = \"/run/weft/up.sock\"", "lane = \"packet:eth0\"");
    let up = port(&text, "red:up");
    assert_eq!(up.device_lane(), Some(&LaneSpec::Packet { netdev: "eth0".into() }));
    assert_eq!((up.vhost_user(), up.macs), (None, switch::MacPolicy::Any));
}

#[test]
fn test_mistakes_about_lanes() {
    let uplink = "vhost-user = \"/run/weft/up.sock\"";
    for (from, to, expected) in [
        (
            uplink,
            "",
            r#":26: port "up": name: missing key `vhost-user`, the socket of its guest, or `lane`, a lane of the host"#,
        ),
        (
            uplink,
            "vhost-user = \"/run/weft/up.sock\"\nlane = \"null\"",
            r#":29: port "up": lane: say either vhost-user or lane: a port has one of them"#,
        ),
        (
            uplink,
            "lane = \"null\"\nmode = \"client\"",
            r#":29: port "up": mode: there is no vhost-user that it could be of"#,
        ),
        (uplink, "lane = \"tap\"", r#":28: port "up": lane: "tap" is not valid (expected tap:NAME[,queues=NUMBER])"#),
        (
            uplink,
            "lane = \"auto\"",
            r#":28: port "up": lane: "auto" is not valid (expected another lane: auto finds the VF of a port that has a guest)"#,
        ),
        (
            uplink,
            "lane = \"stream:/run/weft/vm1.sock\"",
            r#":28: port "up": lane: "/run/weft/vm1.sock" is in use by port "red:vm1""#,
        ),
    ] {
        assert_eq!(error(from, to), format!("weft.toml{expected}"));
    }
}

#[test]
fn test_mistakes_about_vfs() {
    for (vf, expected) in [
        ("vf = \"null\"", r#"vf: "null" is not valid (expected a table)"#),
        ("vf = { model = \"bond\" }", "vf: missing key `lane`"),
        (
            "vf = { lane = \"packet:\" }",
            r#"vf.lane: "" is not valid (expected the name of a netdev: 1 to 15 letters, digits, -, _ or .)"#,
        ),
        (
            "vf = { lane = \"null\", model = \"team\" }",
            r#"vf.model: "team" is not valid (expected standby, netvsc, bond or host-lane)"#,
        ),
        (
            "vf = { lane = \"null\", qmp = \"/a\", cloud-hypervisor = \"/b\" }",
            "vf.cloud-hypervisor: say either qmp or cloud-hypervisor: a guest has one VMM",
        ),
        ("vf = { lane = \"null\", pair = \"net0\" }", r#"vf.pair: "net0" is of a VMM (say qmp or cloud-hypervisor)"#),
        (
            "vf = { lane = \"null\", cloud-hypervisor = \"/b\", pair = \"net0\" }",
            r#"vf.pair: "net0" is not valid (expected none: cloud-hypervisor has no such thing)"#,
        ),
        (
            "vf = { lane = \"null\", qmp = \"qmp\" }",
            r#"vf.qmp: "qmp" is not valid (expected the absolute path of a Unix socket)"#,
        ),
        (
            "vf = { lane = \"null\", qmp = \"/q\", device = \"x,y\" }",
            r#"vf.device: "x,y" is not valid (expected a letter, then letters, digits, -, _ or ., up to 63)"#,
        ),
        (
            "vf = { lane = \"null\", qmp = \"/q\", model = \"host-lane\" }",
            r#"vf.qmp: "/q" is not valid (expected none with the guest model host-lane: the guest has one NIC, and nothing is plugged)"#,
        ),
    ] {
        assert_eq!(error("mtu = 9000", vf), format!("weft.toml:23: port \"vm1\": {expected}"));
    }
    let twice = error("role = \"uplink\"", "vf = { lane = \"dgram:/run/a,peer=/run/weft/vm1.sock\" }");
    assert_eq!(twice, r#"weft.toml:29: port "up": vf.lane: "/run/weft/vm1.sock" is in use by port "red:vm1""#);
}
