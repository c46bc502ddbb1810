// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use crate::runtime::PollMode;
use crate::vhost_user::SealPolicy;
use switch::Resource;

mod pvds;
mod routers;
mod vf;

const GOOD: &str = r#"
[daemon]
workers = 2
poll = "always"
seals = "require"
others = "refuse"
log = "info,backends=debug"

[[namespace]]
name = "red"
age = 60

[[namespace]]
name = "blue"

[[port]]
name = "vm1"
namespace = "red"
mac = "02:00:00:00:00:01"
vhost-user = "/run/weft/vm1.sock"
mode = "client"
queues = 4
mtu = 9000

[[port]]
name = "up"
namespace = "red"
vhost-user = "/run/weft/up.sock"
role = "uplink"

[[fdb]]
namespace = "red"
mac = "02:00:00:00:00:09"
port = "up"
"#;

/// Everything that a file can say, none of it a default.
const FULL: &str = r#"
[daemon]
workers = 2
poll = "always"
seals = "require"
group = "staff"
others = "refuse"
socket = "/run/c.sock"
state = "/var/lib/x"
log = "debug"

[[worker]]
id = 1
poll = "never"

[[namespace]]
name = "red"
macs-max = 4096
age = 60
ra-throttle = 10
quotas = { namespaces = 4, ports = 8, macs = 65536, pvds = 4, ra-entries = 16 }
limits = { tx-bytes = "1G", flood-frames = "10k:2k" }
delegation = { listen = "/run/red.sock", uid = 7, role = "reader", sockets = "/run/red", limits.tx-bytes = "125M:1M" }

[[namespace]]
name = "red/dev"
delegation = { listen = "/run/red/dev", gid = 8, confined = { beneath = "/run/red", uid = 7 } }

[[namespace]]
name = "blue"

[[port]]
name = "vm1"
namespace = "red"
vhost-user = "/run/red/vm\"1"
mode = "client"
mac = "02:00:00:00:00:01"
role = "router"
macs = "any"
mtu = 9000
queues = 4
limits = { tx-frames = "1M", flood-bytes = "1M:2M" }
pvds = ["work.example", "implicit"]
inject-pvd = { name = "home.example", http = true, legacy = true, sequence = 65535, delay = 15, r-flag = true }
ra-guard = { routers = ["fe80::1"], macs = ["02:00:00:00:00:01"], prefixes = ["2001:db8::/32", "fd00::/8"], pvds = ["corp.example"], http = false, preference = "low", unrecognised = true, learn = 60 }
confined = { beneath = "/run/red", gid = 8 }
vf = { lane = "dgram:/run/red/a,peer=/run/red/b", model = "standby", qmp = "/run/red/qmp", device = "rtl8139", bus = "port1", pair = "net0", confined = { beneath = "/run/red", gid = 8 } }

[[port]]
name = "vm2"
namespace = "red"
vhost-user = "/run/red/vm2"
vf = { lane = "auto,iface=eth1,mac=02:00:00:00:00:09,force,ignore=eth2+eth3", model = "bond", cloud-hypervisor = "/run/ch" }

[[port]]
name = "tap"
namespace = "red"
lane = "tap:tap0,queues=4"
role = "uplink"

[[link]]
one = "red:up"
other = "blue:down"
mtu = 9000
at-one = { limits.rx-frames = 5, ra-guard = { pvd-required = true, http = false } }
at-other = { role = "router", mtu = 1400, pvds = [], inject-pvd.name = "b.example" }

[[fdb]]
namespace = "red"
mac = "02:00:00:00:00:09"
port = "vm1"

[[pvd]]
namespace = "red/dev"
name = "Work.example"
http = true
legacy = true
sequence = 65535
delay = 15
prefixes = ["2001:db8:1::/64", "2001:db8:2::/48,on-link"]
routes = ["::/0,low"]
rdnss = ["2001:db8::53"]
dnssl = ["corp.example."]
pref64 = ["64:ff9b::/96"]
mtu = 1280
captive-portal = "https://p.example/"
announce = { router = "fe80::1", mac = "02:00:00:00:01:01", lifetime = 1800, inner = true }

[[pvd]]
namespace = "red"
name = "work.example"
"#;

#[test]
fn test_what_was_read_is_written_and_read_again() {
    for text in [GOOD, FULL, ""] {
        let config = Config::parse("weft.toml", text).unwrap();
        let written = Config::text(&config.desired, &config.settings).unwrap();
        assert_eq!(Config::parse("written.toml", &written), Ok(config), "{written}");
    }
    let blue = Config::parse("weft.toml", FULL).unwrap().desired.ports()[&"blue:down".parse().unwrap()].clone();
    assert_eq!((blue.mtu, blue.role), (1400, switch::Role::Router));
    assert_eq!(blue.mediation.guard, switch::RaGuard::default());
}

#[test]
fn test_what_could_not_be_read_again_is_not_written() {
    let mut desired = Desired::default();
    for number in 0..switch::limits::NAMESPACES_MAX {
        let name = format!("{number:0>63}").parse::<switch::NamespacePath>().unwrap();
        desired.add_namespace(name, switch::NamespaceSpec::default()).unwrap();
    }
    let why = Config::text(&desired, &Settings::default()).unwrap_err();
    assert!(why.contains("larger than 1048576 bytes"), "{why}");
}

#[test]
fn test_what_is_confined_is_so_to_an_absolute_path_for_one_owner() {
    let error = |from: &str, to: &str| Config::parse("f", &FULL.replacen(from, to, 1)).unwrap_err().message;
    assert!(error("beneath = \"/run", "beneath = \"run").contains("is not an absolute path"));
    assert!(error("/run/red\", gid = 8", "/run/red\"").contains("either uid or gid"));
}

/// The error text for `GOOD` with `from` replaced by `to`.
fn error(from: &str, to: &str) -> String {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD, "{from:?} is not in the text");
    Config::parse("weft.toml", &text).unwrap_err().to_string()
}

#[test]
fn test_a_whole_file() {
    let config = Config::parse("weft.toml", GOOD).unwrap();
    assert_eq!(config.settings.workers, Some(2));
    assert_eq!(config.settings.poll, Some(PollMode::Always));
    assert_eq!(config.settings.seals, Some(SealPolicy::Require));
    assert_eq!(config.settings.callers.others, Some(Others::Refuse));
    let ports = config.desired.ports();
    let vm1 = &ports[&"red:vm1".parse().unwrap()];
    assert_eq!((vm1.queue_pairs, vm1.mtu, vm1.vhost_user().unwrap().mode), (4, 9000, switch::Mode::Client));
    let up = &ports[&"red:up".parse().unwrap()];
    assert_eq!((up.macs, up.mtu, up.queue_pairs), (switch::MacPolicy::Any, 1500, 1));
    assert_eq!(config.desired.fdb().len(), 1);
}

#[test]
fn test_nothing_at_all_is_a_configuration() {
    assert_eq!(Config::parse("weft.toml", "").unwrap(), Config::default());
}

#[test]
fn test_the_sample_is_good() {
    Config::parse("weft.toml", include_str!("../../weft.toml")).unwrap();
}

#[test]
fn test_unknown_and_missing_keys() {
    assert_eq!(
        error("mac = \"02:00:00:00:00:01\"", "macc = \"02:00:00:00:00:01\""),
        "weft.toml:19: port \"vm1\": macc: unknown key `macc`, expected one of `name`, `namespace`, `vhost-user`, \
         `mode`, `lane`, `vf`, `mac`, `role`, `macs`, `mtu`, `queues`, `limits`, `pvds`, `inject-pvd`, `ra-guard`, `confined`"
    );
    assert_eq!(error("namespace = \"red\"\nmac", "mac"), "weft.toml:16: port \"vm1\": missing key `namespace`");
    assert_eq!(
        error("[[fdb]]", "[[fbd]]"),
        "weft.toml:31: fbd: unknown key `fbd`, expected one of `daemon`, `worker`, `namespace`, `port`, `link`, `fdb`, `pvd`"
    );
}

#[test]
fn test_bad_values() {
    for (from, to, expected) in [
        (
            "02:00:00:00:00:01",
            "02:00",
            r#":19: port "vm1": mac: "02:00" is not a MAC address (expected six hex pairs, e.g. 02:00:00:00:00:01)"#,
        ),
        (
            "\"02:00:00:00:00:01\"",
            "\"ff:ff:ff:ff:ff:ff\"",
            r#":19: port "vm1": mac: "ff:ff:ff:ff:ff:ff" is not valid (expected the address of one NIC, not a group or all zeros)"#,
        ),
        ("mtu = 9000", "mtu = 99999", r#":23: port "vm1": mtu: 99999 is not valid (expected 68 to 9216)"#),
        ("mtu = 9000", "mtu = \"big\"", r#":23: port "vm1": mtu: "big" is not valid (expected a whole number)"#),
        (
            "mtu = 9000",
            "mtu = 9.5",
            r#":23: port "vm1": mtu: floating point 9.5 is not valid (expected a whole number)"#,
        ),
        ("\"always\"", "7", r#":4: daemon: poll: integer 7 is not valid (expected a text in quotes)"#),
        ("\"always\"", "[]", r#":4: daemon: poll: sequence is not valid (expected a text in quotes)"#),
        ("queues = 4", "queues = 0", r#":22: port "vm1": queues: 0 is not valid (expected 1 to 8)"#),
        (
            "\"uplink\"",
            "\"gw\"",
            r#":29: port "up": role: "gw" is not valid (expected host, router, uplink or monitor)"#,
        ),
        ("\"always\"", "\"often\"", r#":4: daemon: poll: "often" is not valid (expected adaptive, always, never)"#),
        (
            "name = \"blue\"",
            "name = \"Blue\"",
            ":14: namespace \"Blue\": name: \"Blue\" is not the path of a namespace (expected names with / between them, each 1 to 63 characters of a-z 0-9 . _ - that begin with a letter or a digit)",
        ),
        ("age = 60", "age = 1", r#":11: namespace "red": age: 1 is not valid (expected 10 to 1000000)"#),
        (
            "/run/weft/vm1.sock",
            "vm1.sock",
            r#":20: port "vm1": vhost-user: "vm1.sock" is not valid (expected the absolute path of a Unix socket)"#,
        ),
    ] {
        assert_eq!(error(from, to), format!("weft.toml{expected}"));
    }
}

/// A CPU that no machine has.
const NOWHERE: usize = 1 << 20;

#[test]
fn test_what_workers_are_told() {
    let somewhere = (0..1024).find_map(|cpu: usize| crate::runtime::Cpus::parse(&cpu.to_string()).ok()).unwrap();
    let text =
        format!("[daemon]\npin = \"{somewhere}\"\n[[worker]]\nid = 0\npoll = \"never\"\npin = \"{somewhere}\"\n");
    let settings = Config::parse("weft.toml", &text).unwrap().settings;
    let own = WorkerSettings { poll: Some(PollMode::Never), pin: Some(somewhere.clone()) };
    assert_eq!((settings.pin.clone(), settings.single.clone()), (Some(somewhere.clone()), Some([(0, own)].into())));
    assert_eq!(settings.said()["worker"], format!("0: never, pin {somewhere}"));
    let error = |from: &str, to: &str| {
        let text = text.replacen(from, to, 1);
        Config::parse("weft.toml", &text).unwrap_err().to_string()
    };
    let pin = format!("pin = \"{somewhere}\"");
    assert_eq!(
        error(&pin, "pin = \"a\""),
        "weft.toml:2: daemon: pin: \"a\" is not a list of CPUs (expected numbers and ranges, e.g. 0-3,8)"
    );
    assert_eq!(
        error(&pin, &format!("workers = 2\n{pin}")),
        format!("weft.toml:3: daemon: pin: \"{somewhere}\" is too short (expected 2 CPUs, one a worker)")
    );
    let nowhere = error(&format!("never\"\n{pin}"), &format!("never\"\npin = \"{NOWHERE}\""));
    let begin = format!("weft.toml:6: worker 0: pin: \"{NOWHERE}\" names CPU {NOWHERE}, where weftd cannot run");
    assert!(nowhere.starts_with(&begin), "{nowhere}");
    assert_eq!(error("id = 0", "id = 1"), "weft.toml:4: worker 1: id: 1 is not valid (expected 0 to 0)");
    assert_eq!(
        error("[[worker]]", "[[worker]]\nid = 0\n[[worker]]"),
        "weft.toml:6: worker 0: id: worker 0 has a [[worker]] table already"
    );
}

#[test]
fn test_limits() {
    let limits = |to: &str| {
        let config = Config::parse("weft.toml", &GOOD.replace("mtu = 9000", to)).unwrap();
        config.desired.ports()[&"red:vm1".parse().unwrap()].limits
    };
    let forms = [
        "limits = { tx-frames = 10000, rx-bytes = \"125M:2M\" }",
        "limits.tx-frames = \"10k\"\nlimits.rx-bytes = \"125000k:2000000\"",
        "[port.limits]\ntx-frames = \"10k:1k\"\nrx-bytes = \"125M:2M\"",
    ];
    for form in forms {
        let of = |per_second, burst| Some(switch::Rate { per_second, burst });
        assert_eq!(limits(form).get(switch::Limit::TxFrames), of(10_000, 1000), "{form}");
        assert_eq!(limits(form).get(switch::Limit::RxBytes), of(125_000_000, 2_000_000), "{form}");
        assert_eq!(limits(form).iter().count(), 2, "{form}");
    }
    assert!(limits("limits = {}").is_empty() && limits("").is_empty());
}

#[test]
fn test_bad_limits() {
    let no_rate =
        "is not a rate (expected a number a second such as 10000, 10k, 125M or 1G, and a burst if need be: 10k:2k)";
    for (to, expected) in [
        ("limits.tx-frames = \"fast\"", format!("limits.tx-frames: \"fast\" {no_rate}")),
        ("limits = { rx-bytes = 1000, flood-frames = 0 }", format!("limits.flood-frames: 0 {no_rate}")),
        ("limits = { rx-bytes = -5 }", format!("limits.rx-bytes: -5 {no_rate}")),
        (
            "limits.rx-bytes = \"1M:1500\"",
            "limits.rx-bytes: \"1000000:1500\" is not valid (expected a burst of 65557 to 1000000000000)".to_owned(),
        ),
        (
            "limits = {tx-frames=1,tx-bytes = \"2000G\"}",
            "limits.tx-bytes: \"2000000000000\" is not valid (expected a rate of 1 to 1000000000000 a second)"
                .to_owned(),
        ),
        (
            "limits.flood-frames = true",
            "limits.flood-frames: a rate is a number such as 10000, or a text such as \"10k\"".to_owned(),
        ),
        (
            "limits.tx-bits = 5",
            "limits.tx-bits: unknown key `tx-bits`, expected one of `tx-frames`, `tx-bytes`, `rx-frames`, `rx-bytes`, \
             `flood-frames`, `flood-bytes`"
                .to_owned(),
        ),
    ] {
        assert_eq!(error("mtu = 9000", to), format!("weft.toml:23: port \"vm1\": {expected}"));
    }
}

#[test]
fn test_a_path_that_is_too_long() {
    let long = format!("/{}", "x".repeat(107));
    let text = error("/run/weft/vm1.sock", &long);
    assert_eq!(
        text,
        format!(
            r#"weft.toml:20: port "vm1": vhost-user: "{long}" is not valid (expected a path of at most 107 bytes)"#
        )
    );
}

#[test]
fn test_objects_that_do_not_fit_each_other() {
    for (from, to, expected) in [
        ("name = \"blue\"", "name = \"red\"", r#":14: namespace "red": name: namespace "red" exists already"#),
        (
            "name = \"up\"",
            "name = \"vm1\"",
            r#":26: port "vm1": name: there is a port of this name in this namespace in line 17 already"#,
        ),
        (
            "namespace = \"red\"\nmac",
            "namespace = \"green\"\nmac",
            r#":18: port "vm1": namespace: "green" does not exist (expected the name of a [[namespace]])"#,
        ),
        (
            "role = \"uplink\"",
            "mac = \"02:00:00:00:00:01\"",
            r#":29: port "up": mac: "02:00:00:00:00:01" is in use by port "red:vm1""#,
        ),
        (
            "/run/weft/up.sock",
            "/run/weft/vm1.sock",
            r#":28: port "up": vhost-user: "/run/weft/vm1.sock" is in use by port "red:vm1""#,
        ),
        (
            "port = \"up\"",
            "port = \"vm7\"",
            r#":34: fdb: port: "red:vm7" does not exist (expected the name of a [[port]] of that namespace)"#,
        ),
    ] {
        assert_eq!(error(from, to), format!("weft.toml{expected}"));
    }
}

#[test]
fn test_text_that_is_not_toml() {
    let error = Config::parse("weft.toml", "[[namespace]]\nname = red\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 8));
    let error = Config::load(std::path::Path::new("/nonexistent/weft.toml")).unwrap_err();
    assert_eq!(error.to_string(), "/nonexistent/weft.toml: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn test_namespaces_inside_others_in_any_order() {
    let text = r#"
[[namespace]]
name = "red/dev"
quotas = { ports = 1, ra-entries = 7 }

[[namespace]]
name = "red"

[[port]]
name = "vm1"
namespace = "red/dev"
vhost-user = "/run/weft/vm1.sock"
"#;
    let config = Config::parse("weft.toml", text).unwrap();
    let dev = &config.desired.namespaces()[&"red/dev".parse().unwrap()];
    assert_eq!((dev.quotas.get(Resource::Ports), dev.quotas.get(Resource::RaEntries)), (Some(1), Some(7)));
    let orphan = text.replace("\"red\"", "\"blue\"");
    assert_eq!(
        Config::parse("weft.toml", &orphan).unwrap_err().to_string(),
        "weft.toml:3: namespace \"red/dev\": name: \"red\" does not exist (expected the name of a [[namespace]])"
    );
    let full = text.replace("ports = 1", "ports = 0");
    assert_eq!(
        Config::parse("weft.toml", &full).unwrap_err().to_string(),
        "weft.toml:10: port \"vm1\": name: too many ports in namespace \"red/dev\" and below: its quota is 0"
    );
}
