// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the command asks weftd for.

use serde_json::{Value, json};

use super::{weft, with_input};
use crate::proto::v1::Error;
use crate::testing::server::Server;

/// Method and parameters of the one call that the command makes.
fn call(line: &str) -> (String, Value) {
    let server = Server::with_samples();
    assert_eq!(weft(&server, line, false).code, 0, "{line}");
    let call = server.calls().remove(0);
    (call.method.trim_start_matches("org.weft.Switch1.").to_owned(), call.parameters.unwrap())
}

fn asks(line: &str, method: &str, parameters: Value) {
    assert_eq!(call(line), (method.to_owned(), parameters), "{line}");
}

#[test]
fn verbs_of_links() {
    asks("link add red:up blue:down", "LinkAdd", json!({"one": "red:up", "other": "blue:down"}));
    let all = json!({"one": "red:up", "other": "blue:down", "mtu": 9000, "routers": true});
    asks("link add red:up blue:down --mtu 9000 --routers", "LinkAdd", all);
    asks("link del red:up --if-exists", "LinkDel", json!({"port": "red:up", "if_exists": true}));
    asks("link list", "PortList", json!({}));
}

#[test]
fn verbs_of_vfs() {
    asks("vf offer red:vm1", "VfOffer", json!({"name": "red:vm1"}));
    asks("vf revoke vm1", "VfRevoke", json!({"name": "vm1"}));
    asks("vf switch vm1 vf", "VfSwitch", json!({"name": "vm1", "lane": "vf"}));
    asks("vf switch vm1 synthetic", "VfSwitch", json!({"name": "vm1", "lane": "synthetic"}));
    asks("vf status", "VfStatus", json!({}));
    asks("vf st vm1", "VfStatus", json!({"name": "vm1"}));
}

#[test]
fn verbs_of_moves() {
    asks("port export red:vm1", "PortExport", json!({"name": "red:vm1"}));
    asks("migrate cancel vm1", "PortStay", json!({"name": "vm1"}));
    let server = Server::with_samples();
    let path = server.path().display().to_string();
    let line = "port import - -n red/dev --number 7 --vhost-user /x.sock --client --vf none";
    let words = ["weft", "--socket", &path].into_iter().chain(line.split_whitespace());
    assert_eq!(with_input(words, b"{}", false).code, 0);
    let vhost_user = json!({"path": "/x.sock", "mode": "client"});
    let all = json!({
        "text": "{}", "namespace": "red/dev", "number": 7, "vhost_user": vhost_user, "vf": {"lane": "none"},
    });
    assert_eq!(server.calls()[0].parameters, Some(all));
}

/// The one who arranges it speaks with both, and with the source last.
#[test]
fn the_source_is_told_when_the_other_has_accepted() {
    let (here, there) = (Server::with_samples(), Server::with_samples());
    let line = format!("migrate prepare vm1 --to {} --number 9", there.path().display());
    let ran = weft(&here, &line, false);
    let told = "red:vm1: leaving: another weftd has it, and its guest has not been heard there yet; 2 advertisements learnt, 1 \
                known, 1 not taken in; 1 static PvDs\n";
    assert_eq!((ran.code, ran.output.as_str()), (0, told));
    let methods = |server: Server| server.calls().into_iter().map(|call| call.method).collect::<Vec<_>>();
    assert_eq!(methods(there), ["org.weft.Switch1.PortImport"]);
    let calls = here.calls();
    assert_eq!(
        calls.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(),
        ["org.weft.Switch1.PortExport", "org.weft.Switch1.PortLeave",]
    );
    assert_eq!(calls[1].parameters, Some(json!({"name": "vm1", "id": "1764000000123-00000000000000ab"})));
    let (here, why) = (Server::with_samples(), Error::NotFound { kind: "namespace".into(), name: "red".into() });
    let there = Server::with_error(why);
    let ran = weft(&here, &format!("migrate prepare vm1 --to {}", there.path().display()), false);
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    assert!(ran.errors.contains("namespace \"red\" not found") && ran.errors.contains("nothing has changed here"));
    assert_eq!(methods(here), ["org.weft.Switch1.PortExport"]);
}

#[test]
fn a_port_gets_lanes() {
    asks("port set vm1 --vf auto", "PortSet", json!({"name": "vm1", "vf": {"lane": "auto"}}));
    asks("port set vm1 --vf none", "PortSet", json!({"name": "vm1", "vf": {"lane": "none"}}));
    let model = json!({"name": "vm1", "vf": {"model": "host_lane"}});
    asks("port set vm1 --vf-model host-lane", "PortSet", model);
    asks("port set vm1 --vf-qmp none", "PortSet", json!({"name": "vm1", "vf": {"vmm": {"kind": "none"}}}));
    let vmm = json!({
        "kind": "qmp", "socket": "/run/qmp", "device": "rtl8139", "bus": "port1", "pair": "net0",
    });
    asks(
        "port set vm1 --vf dgram:/a,peer=/b --vf-model standby --vf-qmp /run/qmp --vf-device rtl8139 --vf-bus port1 \
         --vf-pair net0",
        "PortSet",
        json!({"name": "vm1", "vf": {"lane": "dgram:/a,peer=/b", "model": "standby", "vmm": vmm}}),
    );
    let add = "port add vm1 -n red --vhost-user /x --vf bypass:0000:65:00.1 --vf-ch /run/ch.sock";
    let expected = json!({
        "lane": "bypass:0000:65:00.1", "vmm": {"kind": "cloud_hypervisor", "socket": "/run/ch.sock"},
    });
    assert_eq!(call(add).1["vf"], expected);
    asks(
        "port add red:up --role uplink --lane packet:eth0",
        "PortAdd",
        json!({"name": "up", "namespace": "red", "role": "uplink", "lane": "packet:eth0"}),
    );
    let server = Server::with_samples();
    for wrong in [
        "port add red:up",
        "port add red:up --lane packet:eth0 --vhost-user /x",
        "port add red:up --lane packet:eth0 --client",
        "port set vm1",
        "port set vm1 --vf-device e1000e",
        "port set vm1 --vf-ch /x --vf-pair net0",
        "port set vm1 --vf-ch /x --vf-qmp /y",
        "port set vm1 --vf-model host_lane",
        "vf switch vm1",
        "vf switch vm1 both",
    ] {
        assert_eq!(weft(&server, wrong, false).code, 1, "{wrong}");
    }
}

#[test]
fn a_port_is_bound_to_pvds() {
    let seen = |pvds: Value| json!({"name": "red:vm1", "pvds": pvds});
    asks("pvd bind red:vm1 --pvd a.example", "PortSet", seen(json!(["a.example"])));
    asks("pvd bind red:vm1 --pvd a.example implicit --pvd b", "PortSet", seen(json!(["a.example", "implicit", "b"])));
    asks("pvd bind red:vm1 --all", "PortSet", seen(json!(["all"])));
    asks("pvd bind red:vm1 --none", "PortSet", seen(json!([])));
}

#[test]
fn verbs_of_ports() {
    asks(
        "port add vm1 --namespace red --vhost-user /run/x.sock",
        "PortAdd",
        json!({"name": "vm1", "namespace": "red", "vhost_user": {"path": "/run/x.sock", "mode": "server"}}),
    );
    asks(
        "port add vm1 --namespace red --mac 02:00:00:00:00:01 --vhost-user /run/x.sock --client --queues 2 \
         --role uplink --mtu 9000 --macs any --may-exist",
        "PortAdd",
        json!({
            "name": "vm1", "namespace": "red", "mac": "02:00:00:00:00:01", "queues": 2, "role": "uplink",
            "vhost_user": {"path": "/run/x.sock", "mode": "client"}, "mtu": 9000, "macs": "any", "may_exist": true,
        }),
    );
    asks("port set vm1 --mtu 9000", "PortSet", json!({"name": "vm1", "mtu": 9000}));
    asks("port set vm1 --macs any --role host", "PortSet", json!({"name": "vm1", "macs": "any", "role": "host"}));
    asks(
        "port set vm1 --tx-frames 10k --tx-bytes 125M:2M --rx-frames 1 --rx-bytes 1G --flood-frames 1000:64 \
         --flood-bytes none",
        "PortSet",
        json!({"name": "vm1", "limits": {
            "tx_frames": {"rate": 10_000}, "tx_bytes": {"rate": 125_000_000, "burst": 2_000_000},
            "rx_frames": {"rate": 1}, "rx_bytes": {"rate": 1_000_000_000},
            "flood_frames": {"rate": 1000, "burst": 64}, "flood_bytes": {"rate": 0},
        }}),
    );
    let inject = json!({
        "name": "work.example", "http": true, "legacy": true, "sequence": 7, "delay": 2, "r_flag": true,
    });
    asks(
        "port set gw --inject-pvd work.example,http,legacy,sequence=7,delay=2,r-flag --pvds a.example,implicit",
        "PortSet",
        json!({"name": "gw", "inject_pvd": inject, "pvds": ["a.example", "implicit"]}),
    );
    asks("port set vm1 --pvds none", "PortSet", json!({"name": "vm1", "pvds": []}));
    let add = "port add vm1 -n red --vhost-user /x --flood-frames 1k";
    assert_eq!(call(add).1["limits"], json!({"flood_frames": {"rate": 1000}}));
    asks(
        "port set vm1 --ra-guard-router fe80::1,fe80::2 --ra-guard-router fe80::3 --ra-guard-mac none \
         --ra-guard-prefix 2001:db8::/32 --ra-guard-pvd corp.example --ra-guard-pvd-required true --ra-guard-http false \
         --ra-guard-pvd-size 96 --ra-guard-preference medium --ra-guard-unrecognised false",
        "PortSet",
        json!({"name": "vm1", "ra_guard": {
            "routers": ["fe80::1", "fe80::2", "fe80::3"], "macs": [], "prefixes": ["2001:db8::/32"],
            "pvds": ["corp.example"], "pvd_required": true, "http": false, "pvd_size": 96, "preference": "medium", "unrecognised": false,
        }}),
    );
    let learning = |words: &str| call(&format!("port set gw {words}")).1["ra_guard"].clone();
    assert_eq!(learning("--ra-guard-learn 60"), json!({"learn": 60}));
    assert_eq!(learning("--ra-guard-learn off"), json!({"learn": 0}));
    assert_eq!(learning("--ra-guard-relearn"), json!({"relearn": true}));
    let add = "port add gw -n red --vhost-user /x --role router --ra-guard-http false";
    assert_eq!(call(add).1["ra_guard"], json!({"http": false}));
    asks("port del vm1 --force --if-exists", "PortDel", json!({"name": "vm1", "force": true, "if_exists": true}));
    asks("port list -n red", "PortList", json!({"namespace": "red"}));
    asks("port show vm1", "PortList", json!({"name": "vm1"}));
    asks("port show red/dev:vm1", "PortList", json!({"name": "red/dev:vm1"}));
    asks(
        "port add red/dev:vm1 --vhost-user /x",
        "PortAdd",
        json!({"name": "vm1", "namespace": "red/dev", "vhost_user": {"path": "/x", "mode": "server"}}),
    );
}

#[test]
fn a_relative_socket_path_is_meant_from_here() {
    let (_, parameters) = call("port add vm1 -n red --vhost-user x.sock");
    let here = std::env::current_dir().unwrap().join("x.sock");
    assert_eq!(parameters["vhost_user"]["path"], json!(here));
}

#[test]
fn verbs_of_namespaces_and_tables() {
    asks("namespace add red", "NamespaceAdd", json!({"name": "red"}));
    asks(
        "namespace add red --macs-max 64 --age 1h --may-exist",
        "NamespaceAdd",
        json!({"name": "red", "macs_max": 64, "age_s": 3600, "may_exist": true}),
    );
    asks(
        "namespace add red/dev --number 7 --quota ports=10 --quota macs=none",
        "NamespaceAdd",
        json!({"name": "red/dev", "number": 7, "quotas": [{"resource": "ports", "max": 10}, {"resource": "macs"}]}),
    );
    asks(
        "namespace set red --quota ports=10",
        "NamespaceSet",
        json!({"name": "red", "quotas": [{"resource": "ports", "max": 10}]}),
    );
    asks(
        "namespace set red --tx-bytes 1G --flood-frames 10k:2k --tx-frames none",
        "NamespaceSet",
        json!({"name": "red", "limits": {
            "tx_frames": {"rate": 0}, "tx_bytes": {"rate": 1_000_000_000},
            "flood_frames": {"rate": 10_000, "burst": 2000},
        }}),
    );
    let limits = call("namespace add red --flood-bytes 1M").1["limits"].clone();
    assert_eq!(limits, json!({"flood_bytes": {"rate": 1_000_000}}));
    asks(
        "namespace del red --recursive --force --no-wait",
        "NamespaceDel",
        json!({"name": "red", "recursive": true, "force": true}),
    );
    asks("namespace del red --if-exists --no-wait", "NamespaceDel", json!({"name": "red", "if_exists": true}));
    asks(
        "namespace delegate red --listen /run/red/ctl.sock --uid 1000",
        "NamespaceDelegate",
        json!({"name": "red", "socket": "/run/red/ctl.sock", "uid": 1000, "role": "admin"}),
    );
    asks(
        "namespace delegate red --listen /run/red/ctl.sock --gid 100 --role reader --sockets /run/red --tx-frames 1k",
        "NamespaceDelegate",
        json!({"name": "red", "socket": "/run/red/ctl.sock", "sockets": "/run/red", "gid": 100, "role": "reader", "limits": {"tx_frames": {"rate": 1000}}}),
    );
    asks("namespace undelegate red", "NamespaceUndelegate", json!({"name": "red"}));
    asks("namespace list", "NamespaceList", json!({}));
    asks("namespace show red", "NamespaceList", json!({"name": "red"}));
    asks("fdb list", "FdbList", json!({}));
    asks(
        "fdb add 02:00:00:00:00:09 -n red -p vm1",
        "FdbAdd",
        json!({"mac": "02:00:00:00:00:09", "namespace": "red", "port": "vm1"}),
    );
    asks("fdb del 02:00:00:00:00:09 -n red", "FdbDel", json!({"mac": "02:00:00:00:00:09", "namespace": "red"}));
    asks("fdb flush -n red", "FdbFlush", json!({"namespace": "red"}));
}

#[test]
fn verbs_of_what_is_learnt() {
    asks("pvd list", "PvdList", json!({}));
    asks("pvd list red/dev", "PvdList", json!({"namespace": "red/dev"}));
    asks("pvd show corp.example", "PvdShow", json!({"name": "corp.example"}));
    asks("pvd show fe80::1%r1 -n red", "PvdShow", json!({"name": "fe80::1%r1", "namespace": "red"}));
    asks("ra list", "RaList", json!({}));
    asks("ra list red", "RaList", json!({"namespace": "red"}));
    asks("ra show red 7", "RaShow", json!({"namespace": "red", "number": 7}));
    asks("ra dump --hex red 7", "RaShow", json!({"namespace": "red", "number": 7}));
}

#[test]
fn verbs_of_static_pvds() {
    asks("pvd create a.example -n red", "PvdCreate", json!({"namespace": "red", "name": "a.example", "said": {}}));
    asks(
        "pvd create a.example -n red --http --legacy=false --sequence 3 --delay 2 --prefix 2001:db8:1::/64 \
         --prefix 2001:db8:2::/48,on-link --route ::/0,low --rdnss ::53 --dnssl corp.example --pref64 64:ff9b::/96 \
         --mtu 1400 --captive-portal https://p.example --announce fe80::1 --announce-mac 02:00:00:00:01:01 \
         --router-lifetime 1800 --inner-header",
        "PvdCreate",
        json!({"namespace": "red", "name": "a.example", "said": {
            "http": true, "legacy": false, "sequence": 3, "delay": 2,
            "prefixes": ["2001:db8:1::/64", "2001:db8:2::/48,on-link"], "routes": ["::/0,low"], "rdnss": ["::53"],
            "dnssl": ["corp.example"], "pref64": ["64:ff9b::/96"], "mtu": 1400, "captive_portal": "https://p.example",
            "announce": [{"router": "fe80::1", "mac": "02:00:00:00:01:01", "lifetime_s": 1800, "inner": true}],
        }}),
    );
    let set = |more: &str| call(&format!("pvd set a.example -n red {more}")).1["said"].clone();
    assert_eq!(set("--http=false"), json!({"http": false}));
    assert_eq!(set("--prefix none --rdnss none"), json!({"prefixes": [], "rdnss": []}));
    assert_eq!(
        set("--mtu none --captive-portal none --no-announce"),
        json!({"mtu": 0, "captive_portal": "", "announce": []})
    );
    let delete = json!({"namespace": "red", "name": "a.example", "if_exists": true});
    asks("pvd delete a.example -n red --if-exists", "PvdDelete", delete);
    asks("pvd fetch a.example -n red", "PvdFetch", json!({"namespace": "red", "name": "a.example"}));
}

#[test]
fn the_rest() {
    asks("status", "Status", json!({}));
    asks("worker list", "WorkerList", json!({}));
    asks("log set info,vhost_user=debug --for 5m", "LogSet", json!({"filter": "info,vhost_user=debug", "for_s": 300}));
    asks("upgrade", "Upgrade", json!({}));
    asks("upgrade --force", "Upgrade", json!({"force": true}));
    asks("config show --running", "ConfigShow", json!({}));
    asks("explain", "DropReasons", json!({}));
    asks("explain spoofed-mac", "DropReasons", json!({"name": "spoofed-mac"}));
    asks("po li", "PortList", json!({}));
}

#[test]
fn a_configuration_travels_as_text() {
    let server = Server::with_samples();
    let path = server.path();
    let words = ["weft", "--socket", path.to_str().unwrap(), "config", "apply", "--dry-run", "-"];
    assert_eq!(with_input(words.into_iter(), b"[port.a]\n", false).code, 0);
    let call = server.calls().remove(0);
    assert_eq!(call.method, "org.weft.Switch1.ConfigApply");
    let expected = json!({"text": "[port.a]\n", "file": "<stdin>", "dry_run": true});
    assert_eq!(call.parameters, Some(expected));
}
