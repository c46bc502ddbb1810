// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the command prints of PvDs and Router Advertisements.

use serde_json::{Value, json};

use super::{output, weft};
use crate::testing::server::Server;

#[test]
fn pvd_list_tells_how_long_anything_is_known() {
    let expected = "\
NAMESPACE  NAME           NUMBER  STATIC  ROUTERS  FACTS  PREFIXES             EXPIRES
red        corp.example.       5  yes           1      2  2001:db8:1::/64  29 min 50 s
red        fe80::1%r1          6  -             1      2  2001:db8:1::/64        never
";
    let ran = weft(&Server::with_samples(), "pvd list", false);
    assert_eq!((ran.code, ran.output.as_str()), (0, expected));
    assert_eq!(ran.errors, "PvDs came or went meanwhile: some may be missing\n");
    let pvds: Value = serde_json::from_str(&output("pvd list --json")).unwrap();
    assert_eq!((&pvds[0]["name"], &pvds[0]["expires_s"]), (&json!("corp.example."), &json!(1790)));
    assert!(pvds[1].get("expires_s").is_none());
}

#[test]
fn pvd_show_tells_who_says_what() {
    let expected = "\
pvd corp.example.
  namespace    red
  named        by an operator
  number       5
  handle       0.0
  known for    1 h 2 min
  expires      29 min 50 s
  pvd flags    http, sequence 7, delay 2
  ports        r1
  heard        372 times; read by 0
  bound ports  vm1 vm2
  announced    as fe80::2 (02:00:00:00:01:01), a default router for 30 min to hosts that know of PvDs
  facts        2, of which routers add 1
    KIND    VALUE            FLAGS                     VALID    PREFERRED
    prefix  2001:db8:1::/64  on-link,autonomous  29 min 50 s   9 min 50 s
    rdnss   2001:db8:1::53   -                   19 min 50 s  19 min 50 s
  information  failed: the server refuses with status 404, next in 45 min
  fetched      1 min ago, expires in 59 min
  its prefixes 2001:db8::/32
  dns zones    corp.example.
  internet     no
  object       {\"identifier\":\"corp.example\",\"expires\":\"2030-01-01T00:00:00Z\",\"prefixes\":[\"2001:db8::/32\"]}
  from         fe80::1 behind port r1 (a second source)
  heard        372 times, first 1 h 2 min ago, last 10 s ago
  router       for 29 min 50 s
  pvd flags    http, sequence 7, delay 2
  header       hop limit 64, flags other, preference medium
  timers       reachable 30000 ms, retransmit 1000 ms
  mtu          1500
  portal       https://portal.example/api
    KIND    VALUE            FLAGS                     VALID    PREFERRED
    prefix  2001:db8:1::/64  on-link,autonomous  29 min 50 s   9 min 50 s
    rdnss   2001:db8:1::53   -                   19 min 50 s  19 min 50 s
  from         operator
  said         1 time, first 1 h 2 min ago, last 10 s ago
  pvd flags    http, sequence 7, delay 2
    KIND   VALUE           FLAGS        VALID    PREFERRED
    rdnss  2001:db8:1::53  -      19 min 50 s  19 min 50 s
";
    assert_eq!(output("pvd show corp.example"), expected);
    let shown: Value = serde_json::from_str(&output("--json pvd show corp.example")).unwrap();
    assert_eq!(shown["sources"][0]["facts"][0]["preferred_s"], json!(590));
}

#[test]
fn router_advertisements_are_listed_shown_and_dumped() {
    let table = "\
NAMESPACE  NUMBER  PORT  ROUTER   PVD            BYTES  HEARD      LAST      DEFAULT    EXPIRES
red             7  r1    fe80::1  corp.example.     24    372  10 s ago  29 min 50 s  29 d 23 h
";
    assert_eq!(output("ra list"), table);
    let page = "\
ra 7
  namespace    red
  from         fe80::1 (02:00:00:00:00:09) behind port r1
  pvd          corp.example. (injected)
  heard        372 times, first 1 h 2 min ago, last 10 s ago
  handed out   2 times
  expires      29 d 23 h
  router       default router for 29 min 50 s more; said for 30 min when it was heard
  header       hop limit 64, flags other, preference medium
  timers       reachable 30000 ms, retransmit 1000 ms
  mtu          1500
  portal       https://portal.example/api
  message      24 bytes, 1 option
    CODE  OPTION         LEFT  VALUE
       5  mtu     14 min 50 s  1500
";
    assert_eq!(output("ra show red 7"), page);
    assert_eq!(output("ra dump --hex red 7"), "860000004040070800007530000003e805010000000005dc\n");
}

/// A shell would have both in one file; here it is where answers go.
#[test]
fn advertisements_are_dumped_in_every_form() {
    let frame = crate::testing::samples::FRAME;
    let shown: Value = serde_json::from_str(&output("ra dump red fe80::1 --json")).unwrap();
    assert_eq!((&shown[0]["frame"], &shown[0]["ra"]["number"]), (&json!(frame), &json!(7)));
    assert_eq!(output("ra dump red"), output("ra dump red 7 --hex"));
    let bad = weft(&Server::with_samples(), "ra dump red nobody", false);
    assert_eq!((bad.code, bad.errors.contains("neither a number nor the address of a router")), (1, true));
}

/// Against the blocks as the draft draws them, octet by octet.
#[test]
fn a_capture_file_has_an_interface_a_time_and_a_comment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ra.pcapng");
    output(&format!("ra dump red --pcapng {}", path.display()));
    let file = std::fs::read(path).unwrap();
    let mut blocks = Vec::new();
    let mut rest = &file[..];
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        assert!(length.is_multiple_of(4) && rest[length - 4..length] == head[4..], "a block says its length twice");
        blocks.push((head[..4].to_vec(), rest[8..length - 4].to_vec()));
        rest = &rest[length..];
    }
    let kinds: Vec<&[u8]> = blocks.iter().map(|(kind, _)| &kind[..]).collect();
    assert_eq!(kinds, [&[0x0a, 0x0d, 0x0d, 0x0a][..], &[1, 0, 0, 0], &[6, 0, 0, 0]]);
    assert_eq!(blocks[0].1[..16], [[0x4d, 0x3c, 0x2b, 0x1a], [1, 0, 0, 0], [255; 4], [255; 4]].concat());
    assert_eq!(blocks[1].1, [&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 6, 0][..], b"red:r1\0\0", &[0; 4]].concat());
    let packet = &blocks[2].1;
    let word = |at: usize| u32::from_le_bytes(packet[at..at + 4].try_into().unwrap());
    let time = u64::from(word(4)) << 32 | u64::from(word(8));
    let frame = crate::testing::samples::FRAME;
    assert_eq!((word(0), time, word(12), word(16)), (0, 1_764_216_611_042_000, 78, 78));
    let hex: String = packet[20..98].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, frame);
    let comment = "namespace red, number 7, PvD corp.example., heard 372 times";
    assert_eq!(&packet[100..104], [1, 0, comment.len() as u8, 0]);
    assert_eq!(&packet[104..104 + comment.len()], comment.as_bytes());
}

#[test]
fn ra_check_tells_what_is_wrong_and_says_no() {
    let expected = "\
SEVERITY  NAMESPACE  PVD            ROUTERS                FINDING                             RULE
warning   red        corp.example.  fe80::1%r1,fe80::1%r2  the MTU is 1500 here and 1400 there  RFC 4861 section 6.2.7
";
    let ran = weft(&Server::with_samples(), "ra check red", false);
    assert_eq!((ran.code, ran.errors.as_str()), (2, "and 1 more\n"));
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeeze(&ran.output), squeeze(expected));
    let server = Server::with_samples();
    weft(&server, "ra check --json", false);
    let asked: Vec<Value> = server.calls().into_iter().map(|call| call.parameters.unwrap()).collect();
    assert_eq!(asked, [json!({}), json!({"namespace": "/"}), json!({"namespace": "red"})]);
}

#[test]
fn pvd_create_tells_what_was_made() {
    assert_eq!(output("pvd create corp.example -n red"), "pvd corp.example. in namespace red, number 5\n");
    assert_eq!(output("pvd set corp.example -n red --mtu 1400"), "");
    assert_eq!(output("pvd delete corp.example -n red"), "");
    let made: Value = serde_json::from_str(&output("pvd create corp.example -n red --json")).unwrap();
    assert_eq!((&made["static"], &made["number"]), (&json!(true), &json!(5)));
}
