// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Documents as they are, and as somebody would have them who means harm: none panics, and none has half of it come true.

use super::format::{body_of, whole};
use super::fuzz::{GOLDEN, bare, destination, land, places};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use switch::{
    Address, AnswerPolicy, Answering, FactList, LaneSpec, Limit, MacPolicy, Missing, Mode, Move, MoveId, NamespaceSpec,
    NumbersLeft, PortSpec, RaLeft, Rate, Resource, Role, Statement, VfLeft, VfSpec, VhostUser,
};
use wire::MacAddr;
use wire::nd::{NdOption, PrefixInfo, PvdOption, encode};

fn spec(name: &str, role: Role) -> PortSpec {
    let socket = VhostUser { path: format!("/run/{name}.sock"), mode: Mode::Client };
    let namespace: switch::NamespacePath = "red/dev".parse().unwrap();
    PortSpec { role, macs: MacPolicy::Any, ..PortSpec::new(&name.parse().unwrap(), namespace, socket) }
}

/// A message of a router, from its ICMPv6 type on.
fn advertisement() -> Vec<u8> {
    let prefix = "2001:db8::".parse().unwrap();
    let info = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 900, preferred: 600 };
    let inside = encode([NdOption::Prefix(info)]).unwrap();
    let name: wire::name::DomainName = "a.example".parse().unwrap();
    let options = encode([NdOption::Pvd(PvdOption::new(name.as_name(), &inside))]).unwrap();
    let frame = wire::build::advertisement(MacAddr([2, 0, 0, 0, 0, 9]), "fe80::1".parse().unwrap(), 900, &options);
    frame[14 + 40..].to_vec()
}

fn addresses() -> Vec<Address> {
    let address = |ip: &str, is_router| Address { ip: ip.parse().unwrap(), is_router, age: Duration::ZERO };
    vec![address("192.0.2.7", false), address("fe80::7", false), address("2001:db8::7", true)]
}

/// What its namespace is configured with.
fn home() -> NamespaceSpec {
    let mut home = NamespaceSpec { ra_throttle: Some(Duration::from_mins(5)), ..NamespaceSpec::default() };
    home.limits.set(Limit::FloodFrames, Some(Rate { per_second: 1000, burst: 200 }));
    home.quotas.set(Resource::Ports, Some(8));
    home.answering = Answering { policy: AnswerPolicy::Always, within: Duration::from_millis(20) };
    home
}

/// All that a port can take along.
fn document() -> Document {
    let mut moving = PortSpec { mtu: 1400, queue_pairs: 2, ..spec("vm1", Role::Host) };
    moving.limits.set(Limit::TxBytes, Some(Rate { per_second: 1_000_000, burst: 100_000 }));
    moving.vf = Some(VfSpec::new(LaneSpec::Null));
    let mut said = Statement::default();
    FactList::Prefixes.set(&mut said, &["2001:db8:9::/64"]).unwrap();
    let (router, mac) = ("fe80::1".parse().unwrap(), MacAddr([2, 0, 0, 0, 0, 9]));
    let ra = RaLeft { port: "gw".parse().unwrap(), router, mac, injected: true, octets: advertisement() };
    let moved = Move {
        id: MoveId { number: 1_764_000_000_123, secret: 1 << 63 },
        port: "red/dev:vm1".parse().unwrap(),
        numbers: NumbersLeft { port: vec![4, 6], namespaces: vec![vec![2]], ..NumbersLeft::default() },
        homes: vec![home()],
        spec: moving,
        offered: 1 << 32 | 1,
        found: None,
        vf: Some(VfLeft { next: 3, offered: true }),
        entries: vec![MacAddr([2, 0, 0, 0, 1, 1])],
        addresses: addresses(),
        ras: vec![ra],
        pvds: vec![("work.example".parse().unwrap(), said)],
    };
    Document { exported_ms: 1_764_000_000_123, moved }
}

#[test]
fn test_what_is_written_is_read_and_may_be_read_by_people() {
    let document = document();
    let text = to_text(&document).unwrap();
    assert_eq!(from_text(&text), Ok(document.clone()));
    assert!(land(&document), "{:?}", destination().import_port(&document.moved, Missing::Refused));
    assert_eq!(text, GOLDEN, "what one weftd wrote another may have to read");
    assert!(text.starts_with("{\n  \"version\": 1,\n") && text.contains("\"port\": \"red/dev:vm1\""), "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(from_text(&value.to_string()), Ok(document), "whatever its spaces");
}

#[test]
fn test_addresses_are_as_old_as_they_are_said_to_be_and_those_of_an_earlier_weftd_are_not_old() {
    let mut document = document();
    document.moved.addresses[0].age = Duration::from_secs(61);
    let text = to_text(&document).unwrap();
    let addresses = body_of(&document)["addresses"].to_string();
    assert!(addresses.contains("\"age_s\":61") && addresses.matches("age_s").count() == 1, "{addresses}");
    assert_eq!(from_text(&text), Ok(document));
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    assert!(!golden["move"]["addresses"].to_string().contains("age_s"), "an earlier one says nothing of it");
}

#[test]
fn test_a_document_that_is_cut_off_or_has_one_bit_flipped_is_none() {
    let document = document();
    let text = to_text(&document).unwrap();
    for end in 0..text.len() - 1 {
        let Some(cut) = text.get(..end) else { continue };
        assert!(from_text(cut).is_err(), "{end} bytes of it");
    }
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut octets = text.clone().into_bytes();
            octets[at] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(octets) else { continue };
            assert!(from_text(&flipped).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn test_a_refusal_says_what_is_wrong() {
    let text = to_text(&document()).unwrap();
    let why = |text: &str| from_text(text).unwrap_err().to_string();
    assert!(why("").starts_with("it cannot be read, and may be cut off: EOF"));
    assert!(why("[1]").starts_with("it cannot be read"));
    let newer = text.replace("\"version\": 1", "\"version\": 2");
    assert!(why(&newer).starts_with("it is of version 2, and this weftd reads version 1"));
    let newer = "{\"version\": 2, \"something\": {\"else\": []}}";
    assert!(why(newer).starts_with("it is of version 2"), "whatever else is in it");
    assert!(why(&text.replace("1400", "1401")).starts_with("its digest says"));
    assert!(why(&text.replace("\"move\"", "\"extra\": 1, \"move\"")).contains("unknown field `extra`"));
    assert_eq!(why(&" ".repeat(DOCUMENT_MAX + 1)), format!("it is longer than {DOCUMENT_MAX} bytes"));
    let escape = format!("{{\"version\": 1, \"\u{1b}[31m{}\": 1}}", "x".repeat(1000));
    let told = why(&escape);
    assert!(!told.contains('\u{1b}') && told.len() < 300, "{told}");
}

/// The document with something else at that place, whole again.
fn with(pointer: &str, value: Value) -> Option<Result<Document, BadMove>> {
    let mut body = body_of(&document());
    *body.pointer_mut(pointer)? = value;
    Some(from_text(&whole(body)?))
}

#[test]
fn test_lists_are_bounded() {
    let many = |value: Value, count| Value::Array(vec![value; count]);
    let body = body_of(&document());
    let ra = body.pointer("/learnt/ras/0").unwrap().clone();
    let long = |octets: usize| {
        let mut ra = ra.clone();
        ra["hex"] = Value::String("00".repeat(octets));
        ra
    };
    let pvd = body.pointer("/learnt/pvds/work.example.").unwrap();
    let pvds: serde_json::Map<_, _> = (0..65).map(|number| (format!("p{number}.example."), pvd.clone())).collect();
    let cases = [
        ("/numbers", many(json!(1), 33), "32 numbers"),
        ("/namespaces", many(json!([]), 33), "32 namespaces"),
        ("/namespaces/0", many(json!(1), 33), "32 numbers of a namespace"),
        ("/homes", many(body.pointer("/homes/0").unwrap().clone(), 33), "32 settings of namespaces"),
        ("/entries", many(json!("02:00:00:00:00:01"), 1025), "1024 static entries"),
        ("/addresses", many(json!({"ip": "192.0.2.7"}), 25), "24 addresses"),
        ("/learnt/ras", many(ra.clone(), 65), "64 Router Advertisements"),
        ("/learnt/ras", many(long(65_537), 2), "131072 octets of Router Advertisements"),
        ("/learnt/pvds", Value::Object(pvds), "64 static PvDs"),
    ];
    for (pointer, value, what) in cases {
        let why = with(pointer, value).unwrap().unwrap_err().to_string();
        assert_eq!(why, format!("there are more than {what} in it"));
    }
}

#[test]
fn test_numbers_of_static_pvds_are_there_where_there_are_any() {
    let mut document = document();
    assert!(!to_text(&document).unwrap().contains("pvd_numbers"), "an earlier weftd would refuse it");
    document.moved.numbers.pvds.insert("work.example".parse().unwrap(), vec![7, 8]);
    assert_eq!(from_text(&to_text(&document).unwrap()), Ok(document.clone()));
    let with = |numbers: Value| {
        let mut body = body_of(&document);
        body["pvd_numbers"] = numbers;
        from_text(&whole(body).unwrap()).unwrap_err().to_string()
    };
    let many: serde_json::Map<_, _> = (0..65).map(|number| (format!("p{number}.example."), json!([1]))).collect();
    assert!(with(Value::Object(many)).contains("64 numbers of static PvDs"));
    assert!(with(json!({ "p.example.": vec![1; 33] })).contains("32 numbers of a static PvD"));
    assert!(!with(json!({ "p..example": [1] })).is_empty());
}

/// One that wrote no settings knew none, and its namespaces are made as those of which nothing is said.
#[test]
fn test_settings_of_namespaces_may_be_missing_and_are_said_where_there_are_any() {
    let mut plain = document();
    plain.moved.homes.clear();
    let text = to_text(&plain).unwrap();
    assert!(!text.contains("homes"), "an earlier weftd would refuse it: {text}");
    assert!(
        text.contains("\"digest\": \"c9148d002cc0828d\""),
        "this is what an earlier one wrote, to the byte: {text}"
    );
    assert_eq!(from_text(&text), Ok(plain.clone()));
    let made = |document: &Document| {
        let mut there = bare();
        there.import_port(&document.moved, Missing::Made).unwrap();
        there.desired().namespace(&document.moved.port.namespace).unwrap().clone()
    };
    assert_eq!((made(&plain), made(&document())), (NamespaceSpec::default(), home()));
    let why = |pointer: &str, value: Value| match with(pointer, value) {
        Some(Err(why)) => why.to_string(),
        Some(Ok(document)) => bare().import_port(&document.moved, Missing::Made).unwrap_err().to_string(),
        None => "it is not of the form".to_owned(),
    };
    let delegation = json!({ "macs_max": 64, "age_s": 60, "pvdd": "/run/x.pvdd" });
    for (pointer, value, part) in [
        ("/homes/0/quotas/ports", json!(-1), "not of the form"),
        ("/homes/0/quotas", json!({ "cakes": 1 }), "\"cakes\" is not a resource"),
        ("/homes/0/answer", json!("perhaps"), "\"perhaps\" is not an answer policy"),
        ("/homes/0/macs_max", json!(u32::MAX), "macs-max"),
        ("/homes/0/age_s", json!(u64::MAX), "age"),
        ("/homes/0/limits/flood-frames/per_second", json!(u64::MAX), "flood-frames"),
        ("/homes/0", delegation, "are those of its host"),
    ] {
        let why = why(pointer, value);
        assert!(why.contains(part), "{pointer}: {why}");
    }
}

/// One that wrote no addresses had none to write; and what is none, or nobody's, is refused.
#[test]
fn test_addresses_may_be_missing_and_may_not_be_anybody_s() {
    let mut body = body_of(&document());
    body.as_object_mut().unwrap().remove("addresses");
    let older = from_text(&whole(body).unwrap()).unwrap();
    assert!(older.moved.addresses.is_empty() && land(&older));
    let text = with("/addresses/0/ip", json!("192.0.2.256")).unwrap();
    assert!(text.is_err_and(|why| why.to_string().contains("192.0.2.256")));
    for ip in ["0.0.0.0", "255.255.255.255", "ff02::1", "::1"] {
        let document = with("/addresses/0/ip", json!(ip)).unwrap().unwrap();
        let why = destination().import_port(&document.moved, Missing::Refused).unwrap_err().to_string();
        assert!(why.contains(ip) && !land(&document), "{why}");
    }
    assert!(with("/addresses/0/more", json!(1)).is_none() && with("/addresses/0", json!("192.0.2.7")).is_none());
}

/// What may stand anywhere.
fn hostile() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "/",
        ":",
        "red/dev:vm1",
        "red:vm1",
        "/:vm1",
        "green:vm1",
        "red/dev:up",
        "../x",
        "/run/up.sock",
        "0x",
        "0xffffffffffffffff",
        "ff:ff:ff:ff:ff:ff",
        "00:00:00:00:00:00",
        "fe80::2",
        "ff02::1",
        "2001:db8::1",
        "192.0.2.1",
        "255.255.255.255",
        "host",
        "uplink",
        "any",
        "auto",
        "bypass:0000:65:00.1",
        "pcap:/etc/passwd",
        "tap:x",
        "dgram:/run/vm1.sock,peer=/run/vm1.sock",
        "18446744073709551615-ffffffffffffffff",
        "0-0000000000000000",
        "86",
        "8600",
        "\u{1b}[31m",
        "none",
    ];
    let numbers = [0, 1, 2, 4, 64, 1279, 9000, 65_535, 1 << 31, u64::from(u32::MAX), u64::MAX];
    prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(|text| json!(text)),
        prop::sample::select(numbers.to_vec()).prop_map(|number| json!(number)),
        prop::sample::select(vec![json!(null), json!(true), json!(false), json!([]), json!({}), json!(-1), json!(1.5)]),
        "[ -~]{0,40}".prop_map(|text| json!(text)),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(|octets| json!(hex::encode(&octets))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever stands in a document that is whole: it is none, or the port is refused, or it comes.
    #[test]
    fn any_document_comes_as_a_whole_or_not_at_all(
        edits in prop::collection::vec((any::<prop::sample::Index>(), hostile()), 1..4),
    ) {
        let mut body = body_of(&document());
        for (at, value) in edits {
            let all = places(&body);
            if let Some(place) = body.pointer_mut(at.get::<String>(&all)) {
                *place = value;
            }
        }
        if let Some(Ok(document)) = whole(body).map(|text| from_text(&text)) {
            land(&document);
        }
    }

    /// Whatever is said in the name of a router.
    #[test]
    fn any_advertisement_is_survived(octets in prop::collection::vec(any::<u8>(), 0..200), start in any::<bool>()) {
        let mut document = document();
        let octets = if start { [advertisement()[..16].to_vec(), octets].concat() } else { octets };
        document.moved.ras[0].octets = octets;
        prop_assert!(land(&document), "what is said of routers refuses no port");
    }
}
