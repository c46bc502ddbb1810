// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What routers teach, over the control socket.

use super::*;
use crate::runtime::clock;
use core::net::Ipv6Addr;
use wire::name::DomainName;
use wire::nd::{Dnssl, NdOption, Preference, PrefixInfo, PvdOption, RouteInfo, encode};
use wire::{MacAddr, build};

/// A namespace with a router's port each, of the same name.
pub(super) const ROUTERS: &str = "[[namespace]]\nname = \"red\"\n[[namespace]]\nname = \"blue\"\n\
    [[port]]\nname = \"r1\"\nnamespace = \"red\"\nrole = \"router\"\nvhost-user = \"$D/red.sock\"\n\
    [[port]]\nname = \"r1\"\nnamespace = \"blue\"\nrole = \"router\"\nvhost-user = \"$D/blue.sock\"\n";

/// A daemon with those routers, of whom `teach` says what they have said.
fn taught(teach: impl FnOnce(&mut dyn FnMut(&str, &[NdOption<'_>])) + Send + 'static) -> World {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let file = directory.path().join("weft.toml");
    fs::write(&file, ROUTERS.replace("$D", &dir(directory.path()))).unwrap();
    World::prepared(directory, Some(file), move |running| {
        teach(&mut |port, options| hear(running, port, options));
    })
}

/// The router behind a port says this.
pub(super) fn hear(running: &mut Running, port: &str, options: &[NdOption<'_>]) {
    let control = &mut running.daemon.control;
    let tag = control.opening(&port.parse().unwrap()).unwrap().device.tag();
    let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    let frame = build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), router, 1800, &encode(options.to_vec()).unwrap());
    let heard = control.snooped(tag, &frame, clock());
    assert!(matches!(heard, switch::Snooped::Learnt(_, Ok(_))), "{heard:?}");
}

pub(super) fn prefix(number: u16) -> NdOption<'static> {
    let prefix = Ipv6Addr::new(0x2001, 0xdb8, number, 0, 0, 0, 0, 0);
    NdOption::Prefix(PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: u32::MAX, preferred: 900 })
}

/// Calls `say` with the option of a PvD of that name that has these inside.
fn of_pvd(name: &str, inside: &[NdOption<'_>], say: impl FnOnce(NdOption<'_>)) {
    let (name, nested): (DomainName, _) = (name.parse().unwrap(), encode(inside.to_vec()).unwrap());
    let name = name.as_name();
    let header = None;
    say(NdOption::Pvd(PvdOption { http: true, legacy: true, delay: 3, sequence: 9, name, header, nested: &nested }));
}

#[test]
fn test_pvds_are_listed_page_by_page_and_each_once() {
    let mut world = taught(|say| {
        for i in 0..300 {
            of_pvd(&format!("p{i}.example"), &[prefix(i)], |pvd| say("red:r1", &[pvd]));
        }
        say("blue:r1", &[prefix(1)]);
    });
    assert_eq!(world.error("PvdList", &json!({}))["error"], "org.weft.Switch1.Limit");
    let list = json!({ "method": "org.weft.Switch1.PvdList", "more": true });
    let (first, second) = (world.raw(&list), world.next_reply());
    let (first_page, second_page) = (&first["parameters"]["pvds"], &second["parameters"]["pvds"]);
    let lengths = [first_page, second_page].map(|page| page.as_array().unwrap().len());
    assert_eq!((first["continues"].as_bool(), second.get("continues"), lengths), (Some(true), None, [256, 45]));
    let names = |page: &Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|pvd| format!("{} {}", pvd["namespace"], pvd["name"])).collect()
    };
    let mut all = [names(first_page), names(second_page)].concat();
    assert_eq!(all[0], r#""blue" "fe80::1%r1""#);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 301);
    assert_eq!((&first_page[1]["base_seq"], &second["parameters"]["interrupted"]), (&json!(300), &json!(false)));
    let blue = world.ok("PvdList", &json!({ "namespace": "blue" }))["pvds"].clone();
    assert_eq!((&blue[0]["explicit"], blue.as_array().unwrap().len()), (&json!(false), 1));
    assert_eq!(world.error("PvdList", &json!({ "namespace": "green" }))["error"], "org.weft.Switch1.NotFound");
}

#[test]
fn test_a_pvd_is_shown_with_who_says_what() {
    let mut world = taught(|say| {
        let route =
            RouteInfo { prefix: Ipv6Addr::UNSPECIFIED, prefix_len: 0, preference: Preference::High, lifetime: 600 };
        let domains = Dnssl::new(600, b"\x04corp\x07example\x00").unwrap();
        let inside = [prefix(1), NdOption::Route(route), NdOption::Dnssl(domains)];
        of_pvd("a.example", &inside, |pvd| say("red:r1", &[NdOption::Mtu(1400), pvd]));
        of_pvd("a.example", &[prefix(1)], |pvd| say("blue:r1", &[pvd]));
    });
    let shown = world.ok("PvdShow", &json!({ "name": "A.example", "namespace": "red" }));
    let fact = |kind: &str| {
        let facts = shown["facts"].as_array().unwrap();
        facts.iter().find(|fact| fact["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {shown}")).clone()
    };
    assert_eq!((&fact("prefix")["value"], fact("prefix").get("valid_s")), (&json!("2001:db8:1::/64"), None));
    assert!((1..=900).contains(&fact("prefix")["preferred_s"].as_u64().unwrap()));
    assert_eq!((&fact("route")["value"], &fact("route")["flags"]), (&json!("::/0"), &json!(["high"])));
    assert_eq!(fact("dnssl")["value"], "corp.example.");
    let source = &shown["sources"][0];
    assert_eq!((&source["port"], &source["router"], &source["heard"]), (&json!("r1"), &json!("fe80::1"), &json!(1)));
    assert_eq!(
        (&source["flags"], &source["sequence"], &source["delay"]),
        (&json!(["http", "legacy"]), &json!(9), &json!(3))
    );
    assert_eq!((&source["parameters"]["mtu"], &shown["pvd"]["routers"]), (&json!(1400), &json!(1)));
    let which = world.error("PvdShow", &json!({ "name": "a.example" }));
    assert_eq!(which["error"], "org.weft.Switch1.Ambiguous");
    assert_eq!(which["parameters"]["candidates"], json!(["blue", "red"]));
    assert_eq!(world.error("PvdShow", &json!({ "name": "b.example" }))["error"], "org.weft.Switch1.NotFound");
    for name in ["", "%", "fe80::1%", "fe80::1%nobody", "%r1", "2001:db8::1%r1", "a..b"] {
        assert_eq!(world.error("PvdShow", &json!({ "name": name }))["error"], "org.weft.Switch1.NotFound", "{name:?}");
    }
}

#[test]
fn test_a_router_advertisement_is_shown_option_by_option() {
    let mut world = taught(|say| {
        of_pvd("a.example", &[prefix(1)], |pvd| say("red:r1", &[pvd, NdOption::CaptivePortal(b"https://p.example")]));
    });
    let ra = world.ok("RaList", &json!({}))["ras"][0].clone();
    assert_eq!((&ra["namespace"], &ra["number"], &ra["mac"]), (&json!("red"), &json!(1), &json!("02:00:00:00:00:09")));
    let shown = world.ok("RaShow", &json!({ "namespace": "red", "number": 1 }));
    let options: Vec<String> = shown["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| {
            format!("{} {} {} {}", option["code"], option["name"].as_str().unwrap(), option["nested"], option["value"])
        })
        .collect();
    let expected = [
        r#"1 source-link-layer false "02:00:00:00:00:09""#,
        r#"21 pvd false "a.example. http legacy sequence 9 delay 3""#,
        r#"3 prefix true "2001:db8:1::/64 on-link,autonomous valid for ever, preferred for 900 s""#,
        r#"37 captive-portal false "https://p.example""#,
    ];
    assert_eq!(options, expected);
    assert_eq!(
        (&shown["router_s"], &shown["parameters"]["captive_portal"]),
        (&json!(1800), &json!("https://p.example"))
    );
    let inside: String = shown["options"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|option| option["nested"] == false)
        .map(|option| option["hex"].as_str().unwrap())
        .collect();
    assert!(shown["hex"].as_str().unwrap().ends_with(&inside) && shown["hex"].as_str().unwrap().starts_with("8600"));
    for (namespace, number) in [("blue", 1), ("red", 0), ("red", 2)] {
        let error = world.error("RaShow", &json!({ "namespace": namespace, "number": number }));
        assert_eq!(error["error"], "org.weft.Switch1.NotFound", "{namespace} {number}");
    }
}
