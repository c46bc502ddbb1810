// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! tshark reads what weft builds, and weft's own JSON about it says the same, field by field.
//!
//! What is built is what scapy had put together: read by weft, and made anew from what was read.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::Path;

use serde_json::{Value, json};
use tests::guest::{GuestOptions, SyntheticGuest};
use tests::programs::{Program, capture, output};
use tests::seed::Rng;
use tests::skip::skip;
use tests::wait::{Deadline, for_value};
use tests::weftd::{Weftd, mac_text};
use wire::nd::{NdOption, PvdOption, RouterAdvert, encode};

use crate::lab::ROUTER;
use crate::scapy::{script, text, unhex, with_router};

/// Advertisements that scapy makes.
const CASES: usize = 40;
/// Octets of a frame before the ICMPv6 message.
const HEADERS: usize = 54;
/// Where in a frame the length of the IPv6 payload stands.
const PAYLOAD_LEN: usize = 18;
/// Where in a frame the IPv6 addresses stand.
const ADDRESSES: usize = 22;
/// The oldest tshark that reads the PvD Option, nested options included.
const KNOWS_PVDS: [u32; 2] = [4, 4];

/// A tshark that reads the PvD Option; `None` where there is none, which is noted as skipped.
pub(crate) fn tshark() -> Option<Program> {
    let found = Program::find_or_skip("tshark")?;
    let told = output(found.command().arg("--version"));
    let version = told.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let numbers: Vec<u32> = version.split('.').filter_map(|number| number.parse().ok()).collect();
    if numbers >= KNOWS_PVDS.to_vec() {
        return Some(found);
    }
    skip(&format!("tshark {version} knows no PvD Option (./check unpacks one that does into .cache/)"));
    None
}

#[test]
fn tshark_reads_what_weft_builds_as_weft_does() {
    let (Some(tshark), Some(mut script)) = (tshark(), script("by_scapy.py")) else { return };
    let mut rng = Rng::from_env(4191);
    let mac = mac_text(GuestOptions::new("r1", ROUTER).mac);
    let cases = output(script.args([CASES.to_string(), rng.next_u64().to_string(), mac]));
    let cases = cases.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let (daemon, mut router) = with_router();
    // tshark shows strange octets of a name in another way.
    let cases = cases.filter(|case| !case["pvd"]["name"].to_string().contains('\\'));
    let all: Vec<_> = cases.map(|case| remembered(&daemon, &mut router, &case)).collect();
    assert!(all.len() > CASES / 4, "a thin test: {}", all.len());
    let (frames, shown): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let file = daemon.folder().join("ra.pcapng");
    daemon.weft(&["ra", "dump", "red", "--pcapng", &file.display().to_string()]).expect_ok();
    // As they were sent, and as weft writes them into a capture file.
    for read in [read(&tshark, &frames), read_file(&tshark, &file)] {
        assert_eq!(read.len(), shown.len());
        read.iter().zip(&shown).for_each(|(read, shown)| assert_agree(read, shown));
    }
}

/// Sends what weft makes of a case. Returns the frame, and what the daemon shows of it.
fn remembered(daemon: &Weftd, router: &mut SyntheticGuest, case: &Value) -> (Vec<u8>, Value) {
    let frame = rebuilt(&unhex(text(&case["frame"])));
    router.send(&frame);
    let number = for_value("the advertisement", Deadline::patient(), || {
        let listed = daemon.json(&["ra", "list", "red"]);
        let found = listed.as_array().expect("a list").iter().find(|ra| ra["router"] == case["router"]);
        found.map(|ra| ra["number"].to_string())
    });
    (frame, daemon.json(&["ra", "show", "red", &number]))
}

/// The same advertisement, built by weft of what weft has read; options that cannot be read are left out.
fn rebuilt(frame: &[u8]) -> Vec<u8> {
    let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&frame[at..at + 16]).expect("16 octets"));
    let advert = RouterAdvert::parse(&frame[HEADERS..]).expect("scapy made one");
    let nested = advert.pvd().expect("a good one").map(|pvd| encode(pvd.options().flatten()).expect("good options"));
    let anew = |option| match option {
        NdOption::Pvd(pvd) => NdOption::Pvd(PvdOption { nested: nested.as_deref().unwrap_or_default(), ..pvd }),
        other => other,
    };
    let options = encode(advert.options().flatten().map(anew)).expect("good options");
    let advert = RouterAdvert { options: &options, ..advert };
    let message = advert.to_message(address(ADDRESSES), address(ADDRESSES + 16)).expect("a good message");
    let mut built = [&frame[..HEADERS], &message].concat();
    built[PAYLOAD_LEN..PAYLOAD_LEN + 2].copy_from_slice(&(message.len() as u16).to_be_bytes());
    built
}

/// What tshark reads in frames: of each all about its ICMPv6 message.
pub(crate) fn read(tshark: &Program, frames: &[Vec<u8>]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("advertisements.pcap");
    capture(&path, frames);
    read_file(tshark, &path)
}

/// The same of the frames of a capture file.
fn read_file(tshark: &Program, path: &Path) -> Vec<Value> {
    let command = &mut tshark.command();
    let text = output(command.arg("-r").arg(path).args(["-T", "json", "--no-duplicate-keys"]));
    let all: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    all.iter().map(|packet| packet["_source"]["layers"]["icmpv6"].clone()).collect()
}

/// What tshark reads and what weft shows are the same.
#[track_caller]
pub(crate) fn assert_agree(read: &Value, shown: &Value) {
    assert_eq!(read["icmpv6.checksum.status"], "1", "a good checksum: {read:#}");
    let flags = &read["icmpv6.nd.ra.flag_tree"];
    let said = &shown["parameters"];
    for (name, flag) in [("managed", "m"), ("other", "o"), ("home-agent", "h"), ("proxy", "p")] {
        let is_set = said["flags"].as_array().is_some_and(|all| all.contains(&json!(name)));
        assert_eq!(flags[format!("icmpv6.nd.ra.flag.{flag}")] == "1", is_set, "{name}: {said}");
    }
    let numbers = [
        ("cur_hop_limit", &said["hop_limit"]),
        ("reachable_time", &said["reachable_ms"]),
        ("retrans_timer", &said["retrans_ms"]),
        ("router_lifetime", &shown["router_s"]),
    ];
    for (field, told) in numbers {
        assert_eq!(read[format!("icmpv6.nd.ra.{field}")], json!(told.to_string()), "{field}");
    }
    assert_eq!(options(read, false), shown_options(shown));
}

/// An option: its type, whether it is inside a PvD Option, and what it says in weft's words.
pub(crate) type Told = (String, bool, Option<String>);

/// The options that weft shows.
pub(crate) fn shown_options(shown: &Value) -> Vec<Told> {
    let options = shown["options"].as_array().expect("a list").iter();
    options
        .map(|option| {
            (option["code"].to_string(), option["nested"] == true, option["value"].as_str().map(str::to_owned))
        })
        .collect()
}

/// The options below a node of tshark's, those inside a PvD Option after it.
pub(crate) fn options(read: &Value, nested: bool) -> Vec<Told> {
    let mut all = Vec::new();
    for option in several(&read["icmpv6.opt"]) {
        all.push((text(&option["icmpv6.opt.type"]).to_owned(), nested, told(option)));
        all.extend(options(option, true));
    }
    all
}

/// A field that is there once or several times.
fn several(field: &Value) -> Vec<&Value> {
    match field {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    }
}

/// What tshark has read in an option, in weft's words; `None` where weft has none.
///
/// Panics when a field is missing.
fn told(option: &Value) -> Option<String> {
    let field =
        |name: &str| option[format!("icmpv6.opt.{name}")].as_str().unwrap_or_else(|| panic!("no {name}: {option:#}"));
    let lifetime = |name: &str| match field(name) {
        "4294967295" => "for ever".to_owned(),
        seconds => format!("for {seconds} s"),
    };
    // An option about the default route has no octets for it.
    let prefix = || format!("{}/{}", option["icmpv6.opt.prefix"].as_str().unwrap_or("::"), field("prefix.length"));
    let list = |name: &str, end: &str| {
        let all = several(&option[format!("icmpv6.opt.{name}")]).into_iter();
        all.map(|one| text(one).to_ascii_lowercase() + end).collect::<Vec<_>>().join(" ")
    };
    Some(match field("type") {
        "1" => field("src_linkaddr").to_owned(),
        "3" => {
            let flags = set(option, "prefix.flag", &[("l", "on-link"), ("a", "autonomous")]).join(",");
            let (valid, preferred) = (lifetime("prefix.valid_lifetime"), lifetime("prefix.preferred_lifetime"));
            format!("{} {flags} valid {valid}, preferred {preferred}", prefix())
        }
        "5" => field("mtu").to_owned(),
        "21" => pvd(option),
        "24" => {
            let bits = text(&option["icmpv6.opt.route_info.flag_tree"]["icmpv6.opt.route_info.flag.route_preference"]);
            let names = BTreeMap::from([("0", "medium"), ("1", "high"), ("3", "low")]);
            format!("{} {} {}", prefix(), names[bits], lifetime("route_lifetime"))
        }
        "25" => format!("{} {}", list("rdnss", ""), lifetime("rdnss.lifetime")),
        // 48 bits, which tshark shows as 64.
        "26" => field("efo").trim_start_matches("0x").chars().skip(4).collect(),
        "31" => format!("{} {}", list("dnssl", "."), lifetime("dnssl.lifetime")),
        "37" => field("captive_portal").to_owned(),
        "38" => {
            let lengths = BTreeMap::from([("0", 96), ("1", 64), ("2", 56), ("3", 48), ("4", 40), ("5", 32)]);
            let length = lengths[field("pref64.plc").trim_start_matches("0x000")];
            let eights: u32 = field("pref64.scaled_lifetime").parse().expect("a number");
            format!("{}/{length} for {} s", field("pref64.prefix"), eights * 8)
        }
        _ => return None,
    })
}

fn pvd(option: &Value) -> String {
    let field = |name: &str| text(&option[format!("icmpv6.opt.pvd_id.{name}")]);
    let flags = set(option, "pvd_id.flags", &[("h", "http"), ("l", "legacy"), ("r", "header")]);
    assert_eq!(field_of(option, "pvd_id.flags", "reserved"), "0x0000", "nothing is sent in reserved bits: {option:#}");
    let name = format!("{}.", field("fqdn"));
    let words = [&[name.as_str()], &flags[..], &["sequence", field("sequence_number"), "delay", field("delay")]];
    words.concat().join(" ")
}

/// The names of the flags that are set in a field.
fn set<'a>(option: &Value, field: &str, names: &[(&str, &'a str)]) -> Vec<&'a str> {
    names.iter().filter(|(flag, _)| field_of(option, field, flag) == "1").map(|(_, name)| *name).collect()
}

fn field_of<'a>(option: &'a Value, field: &str, flag: &str) -> &'a str {
    text(&option[format!("icmpv6.opt.{field}_tree")][format!("icmpv6.opt.{field}.{flag}")])
}
