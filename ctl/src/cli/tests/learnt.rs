// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the command prints of PvDs and Router Advertisements.

use serde_json::{Value, json};

use super::{output, weft};
use crate::testing::server::Server;

#[test]
fn pvd_list_tells_how_long_anything_is_known() {
    let expected = "\
NAMESPACE  NAME           NUMBER  ROUTERS  FACTS  PREFIXES             EXPIRES
red        corp.example.       5        1      2  2001:db8:1::/64  29 min 50 s
red        fe80::1%r1          6        1      2  2001:db8:1::/64        never
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
  named        by its routers
  number       5
  handle       0.0
  known for    1 h 2 min
  expires      29 min 50 s
  facts        2
    KIND    VALUE            FLAGS                     VALID    PREFERRED
    prefix  2001:db8:1::/64  on-link,autonomous  29 min 50 s   9 min 50 s
    rdnss   2001:db8:1::53   -                   19 min 50 s  19 min 50 s
  information  failed: the server refuses with status 404, next in 45 min
  fetched      1 min ago, expires in 59 min
  its prefixes 2001:db8::/32
  dns zones    corp.example.
  internet     no
  object       {\"identifier\":\"corp.example\",\"expires\":\"2030-01-01T00:00:00Z\",\"prefixes\":[\"2001:db8::/32\"]}
  from         fe80::1 behind port r1
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
";
    assert_eq!(output("pvd show corp.example"), expected);
    let shown: Value = serde_json::from_str(&output("--json pvd show corp.example")).unwrap();
    assert_eq!(shown["sources"][0]["facts"][0]["preferred_s"], json!(590));
}

#[test]
fn router_advertisements_are_listed_shown_and_dumped() {
    let table = "\
NAMESPACE  NUMBER  PORT  ROUTER   PVD            BYTES  HEARD      LAST      EXPIRES
red             7  r1    fe80::1  corp.example.     24    372  10 s ago  29 min 50 s
";
    assert_eq!(output("ra list"), table);
    let page = "\
ra 7
  namespace    red
  from         fe80::1 (02:00:00:00:00:09) behind port r1
  pvd          corp.example. (injected)
  heard        372 times, first 1 h 2 min ago, last 10 s ago
  handed out   2 times
  expires      29 min 50 s
  router       for 30 min from when it was heard
  header       hop limit 64, flags other, preference medium
  timers       reachable 30000 ms, retransmit 1000 ms
  mtu          1500
  portal       https://portal.example/api
  message      24 bytes, 1 options
    CODE  OPTION  VALUE
       5  mtu     1500
";
    assert_eq!(output("ra show red 7"), page);
    assert_eq!(output("ra dump --hex red 7"), "860000004040070800007530000003e805010000000005dc\n");
}
