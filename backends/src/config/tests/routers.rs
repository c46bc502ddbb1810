// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What routers may say, and to whom it is said.

use super::*;

#[test]
fn test_bad_mediation() {
    let expected = "(expected names such as work.example, or implicit; all alone, for all of them)";
    for (to, message) in [
        ("pvds = [\"a..b\"]", format!("pvds: \"a..b\" is not valid {expected}")),
        ("pvds = [\"work.example\", \"all\"]", format!("pvds: \"all\" is not valid {expected}")),
        ("pvds = \"all\"", "pvds: \"all\" is not valid (expected a list in brackets)".to_owned()),
        (
            "inject-pvd = { name = \"a.example\", http = true, delay = 16 }",
            "inject-pvd.delay: 16 is not valid (expected 0 to 15)".to_owned(),
        ),
        (
            "inject-pvd = { name = \"a.example\", sequence = 1 }",
            "inject-pvd.name: \"sequence 1, delay 0\" is not valid (expected neither without http: they are of what is \
             fetched (RFC 8801 section 3.1))"
                .to_owned(),
        ),
        (
            "inject-pvd.name = \"\"",
            "inject-pvd.name: \"\" is not valid (expected the name of a PvD, such as work.example: the name has no label)"
                .to_owned(),
        ),
        (
            "inject-pvd = { name = \"a.example\", R = true }",
            "inject-pvd: unknown key `R`, expected one of `name`, `http`, `legacy`, `sequence`, `delay`, `r-flag`"
                .to_owned(),
        ),
    ] {
        assert_eq!(error("mtu = 9000", &format!("{to}\nrole = \"router\"")), format!("weft.toml:23: port \"vm1\": {message}"));
    }
    let throttle = error("name = \"blue\"", "name = \"blue\"\nra-throttle = 1801");
    assert!(
        throttle.ends_with("namespace \"blue\": ra-throttle: 1801 is not valid (expected 1 to 1800)"),
        "{throttle}"
    );
    let host = error("mtu = 9000", "inject-pvd.name = \"a.example\"");
    assert!(host.contains("expected a port with the role router or uplink"), "{host}");
}

#[test]
fn test_rules_for_routers() {
    let rules = |to: &str| {
        let config = Config::parse("weft.toml", &GOOD.replace("mtu = 9000", to)).unwrap();
        config.desired.ports()[&"red:vm1".parse().unwrap()].mediation.guard.clone()
    };
    let forms = [
        "ra-guard = { prefixes = [\"2001:db8::/32\"], pvds = [\"Corp.Example.\"], http = false }",
        "ra-guard.prefixes = [\n  \"2001:db8::/32\",\n]\nra-guard.pvds = [\"corp.example\"]\nra-guard.http = false",
        "[port.ra-guard]\nprefixes = [\"2001:db8::/32\", \"2001:0db8::/32\"]\npvds = [\"corp.example\"]\nhttp = false",
    ];
    for form in forms {
        let expected = switch::RaGuard {
            prefixes: ["2001:db8::/32".parse().unwrap()].into(),
            pvds: ["corp.example".parse().unwrap()].into(),
            http: false,
            ..switch::RaGuard::default()
        };
        assert_eq!(rules(form), expected, "{form}");
    }
    assert_eq!(rules("ra-guard = { routers = [] }"), switch::RaGuard::default());
    let many: Vec<String> = (0..17).map(|n| format!("\"fe80::{n:x}\"")).collect();
    let too_many = format!("ra-guard = {{ routers = [{}] }}", many.join(", "));
    for (to, expected) in [
        (
            "ra-guard = { http = true, prefixes = [\"2001:db8::/32\", \"2001:db8::1/32\"] }",
            "ra-guard.prefixes: \"2001:db8::1/32\" is not a prefix (expected an IPv6 prefix such as 2001:db8::/32, all \
             bits behind its length zero)",
        ),
        (
            "ra-guard.routers = [\"fe80::1\", \"2001:db8::1\"]",
            "ra-guard.routers: \"2001:db8::1\" is not valid (expected a link-local address such as fe80::1: routers \
             advertise themselves from no other)",
        ),
        (
            "ra-guard.routers = [\"gw\"]",
            "ra-guard.routers: \"gw\" is not an IPv6 address (expected a link-local one such as fe80::1)",
        ),
        (&too_many, "ra-guard.routers: \"17 of them\" is not valid (expected at most 16)"),
        (
            "ra-guard.pvds = [\"a..b\"]",
            "ra-guard.pvds: \"a..b\" is not a PvD (expected a domain name such as corp.example)",
        ),
        (
            "ra-guard.macs = [\"02:00\"]",
            "ra-guard.macs: \"02:00\" is not a MAC address (expected six hex pairs, e.g. 02:00:00:00:00:01)",
        ),
        (
            "ra-guard = { preference = \"none\" }",
            "ra-guard.preference: \"none\" is not valid (expected low, medium or high)",
        ),
        ("ra-guard.http = \"no\"", "ra-guard.http: \"no\" is not valid (expected true or false)"),
        (
            "ra-guard.learn = 60",
            "ra-guard.learn: \"60s\" is not valid (expected off at a port with the role host or monitor, from which no \
             router is heard in any case)",
        ),
        ("ra-guard.learn = 3601", "ra-guard.learn: 3601 is not valid (expected 0 to 3600)"),
        ("ra-guard.macs = \"any\"", "ra-guard.macs: \"any\" is not valid (expected a list in brackets)"),
    ] {
        assert_eq!(error("mtu = 9000", to), format!("weft.toml:23: port \"vm1\": {expected}"));
    }
}
