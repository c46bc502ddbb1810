// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the command prints.

use serde_json::{Value, json};

use super::{output, weft};
use crate::codec::Reply;
use crate::proto::v1::{PortList, PortListReply};
use crate::testing::samples;
use crate::testing::server::{Server, sample};

#[test]
fn port_list_is_a_table() {
    let expected = "\
NAME  NUMBER  NAMESPACE  MAC                ROLE  LANES             STATE  RX-FRAMES  TX-FRAMES          RX-BYTES  TX-BYTES  DROPS
vm1        3  red        02:00:00:00:00:01  host  synthetic+dgram*  up           100        200  9007199254740993     25600     12
";
    assert_eq!(output("port list"), expected);
    assert_eq!(output("port list --no-header").lines().count(), 1);
}

#[test]
fn link_list_has_each_link_once() {
    let server = Server::start(Box::new(|_| vec![Reply::result(&PortListReply { ports: samples::ends() }).unwrap()]));
    let expected = "ONE        OTHER   STATE  TO-OTHER  TO-ONE\nblue:down  red:up  up          100     200\n";
    assert_eq!(weft(&server, "link list", false).output, expected);
    let mut unseen = samples::ends();
    unseen.truncate(1);
    unseen[0].spec.far = None;
    unseen[0].counters.drops.clear();
    let reply = Reply::result(&PortListReply { ports: unseen }).unwrap();
    let server = || {
        Server::start(Box::new({
            let reply = reply.clone();
            move |_| vec![reply.clone()]
        }))
    };
    let expected = "ONE     OTHER   STATE  TO-OTHER  TO-ONE\nred:up  peer 1  up          100     200\n";
    assert_eq!(weft(&server(), "link list", false).output, expected);
    let shown = weft(&server(), "port show", false).output;
    assert!(shown.contains("link         to peer 1\n") && shown.contains("bytes (to the link)\n"), "{shown}");
}

#[test]
fn port_list_as_json_is_an_array_of_flat_objects() {
    let text = output("port list --json");
    assert_eq!(text.lines().count(), 1, "one line in a pipe");
    let ports: Value = serde_json::from_str(&text).unwrap();
    let port = &ports.as_array().unwrap()[0];
    for member in ["name", "namespace", "mac", "role", "state", "rx_frames", "tx_frames", "rx_bytes", "tx_bytes"] {
        assert!(!port[member].is_null(), "{member}");
    }
    assert_eq!(port["rx_bytes"], json!(9_007_199_254_740_993_u64), "exact above 2^53");
    assert_eq!(port["drops"], json!({"ring-full": 2, "spoofed-mac": 10}));
}

#[test]
fn json_is_indented_on_a_terminal_and_versioned() {
    let server = Server::with_samples();
    let ran = weft(&server, "--json=1 port show vm1", true);
    assert!(ran.output.starts_with("{\n  \"name\": \"vm1\",\n"), "{}", ran.output);
    assert_eq!(output("-j port show vm1"), output("--json=1 port show vm1"));
}

#[test]
fn port_show_explains_itself() {
    let expected = "\
port vm1
  number       3, 1 in red
  namespace    red
  mac          02:00:00:00:00:01
  role         host
  source macs  own
  mtu          1500
  queues       1
  limits       6
    tx-frames       10k/s      burst 1k
    tx-bytes       125M/s  burst 12500k
    rx-frames     1500k/s      burst 64
    rx-bytes         1G/s    burst 100M
    flood-frames   1001/s     burst 100
    flood-bytes   65557/s   burst 65557
  sees PvDs    implicit work.example.
  injects PvD  work.example. http legacy r-flag, sequence 7, delay 2
  mediated     40 advertisements, 90 frames of them
    10 held back, 3 seen by nobody, 1 beyond its share, 2 invalid
    30 with an injected PvD Option, 4 that could not get one
  ra guard     10
    routers       fe80::1 fe80::2
    macs          02:00:00:00:00:01
    prefixes      2001:db8::/32
    pvds          corp.example.
    pvd           required
    http          not allowed
    pvd size      at most 512 octets inside
    preference    at most medium
    unrecognised  pass
    learn         60 s
  ra learning  learning, 12 s left
    routers   fe80::1
    macs      02:00:00:00:00:01
    prefixes  2001:db8:1::/64
  vhost-user   /run/weft/vm1.sock (weftd listens)
  vf           dgram:/run/vm1.vf,peer=/run/vm1.nic, qmp /run/vm1.qmp plugs e1000e into port1 beside net0
  active lane  vf
  lane losses  12 lost, 3 missed, 1 malformed
  move         leaving: another weftd has it, and its guest has not been heard there yet
  addresses    192.0.2.7 2001:db8::7
    3 times one was not kept: there were too many
  unannounced  2 times: its guest lands too often, or its VMM asks for too much
  state        up
  reason       its guest is connected
  features     version-1 mrg-rxbuf
  rx           100 frames, 9007199254740993 bytes (to the guest)
  tx           200 frames, 25600 bytes (from the guest)
  software     7 checksums completed, 21 segments made (for the guest)
  heard        372 Router Advertisements, 4 Solicitations; 1 missed
  drops        12
    ring-full     2  The guest did not take frames fast enough.
    spoofed-mac  10  The guest sent from a MAC that is not its own; `--macs any` allows it.
";
    assert_eq!(output("port show vm1"), expected);
    assert_eq!(output("port show"), expected, "no name means all");
}

#[test]
fn status_and_namespaces() {
    let expected = "\
weftd 0.1.0, pid 4711, running for 3 h 2 min
2 namespaces (+1 being deleted), 3 ports (2 up), 5 MAC table entries

WORKER    BUSY   FRAMES  WAKEUPS
     0  12.3 %  1000000       17
     1   0.0 %        0        0

warning: the memory of vm1 is not sealed
";
    assert_eq!(output("status"), expected);
    let workers = "\
WORKER  POLL      PIN  SOURCES    BUSY  CYCLES/FRAME  FRAMES/BURST   FRAMES  WAKEUPS
     0  always    2-3        3  12.3 %         123.0          42.8  1000000       17
     1  adaptive  any        0   0.0 %             -             -        0        0
";
    assert_eq!(output("worker list"), workers);
    let table = "NAME  NUMBER  PORTS  MACS  MACS-MAX    AGE\nred        1      2     3      8192  5 min\n";
    assert_eq!(output("namespace list"), table);
    let page = "\
namespace red
  number       1
  ports        2
  MACs         3 of at most 8192
  age limit    5 min
  answers      for routers that are silent, within 500 ms
  RA throttle  10 s
  2nd source   accepted and told of
  subtree      2 of at most 16 ports
  limits       6
    tx-frames       10k/s      burst 1k
    tx-bytes       125M/s  burst 12500k
    rx-frames     1500k/s      burst 64
    rx-bytes         1G/s    burst 100M
    flood-frames   1001/s     burst 100
    flood-bytes   65557/s   burst 65557
  linked with  peer 1 (blue), peer 2 (out of sight)
  delegated    to uid 1000 as admin at /run/weft/red.sock, sockets in /run/weft/red.sock.d, tx-frames 10k, tx-bytes 125M, rx-frames 1500k, rx-bytes 1G, flood-frames 1001, flood-bytes 65557
  routers      answered 4, refreshed 371
  rx           100 frames, 9007199254740993 bytes (to its ports)
  tx           200 frames, 25600 bytes (from its ports)
  software     7 checksums completed, 21 segments made (for its ports)
  heard        372 Router Advertisements, 4 Solicitations; 1 missed
  drops        12
    ring-full     2  The guest did not take frames fast enough.
    spoofed-mac  10  The guest sent from a MAC that is not its own; `--macs any` allows it.
";
    assert_eq!(output("namespace show red"), page);
}

#[test]
fn fdb_list_collects_all_pages() {
    let server = Server::start(Box::new(|call| {
        assert!(call.more, "asks for pages");
        let page = Reply::result(&samples::fdb()).unwrap();
        vec![page.clone().continued(), page]
    }));
    let text = weft(&server, "fdb list", false).output;
    let expected = "\
NAMESPACE  MAC                PORT  KIND      AGE
red        02:00:00:00:00:03  vm1   learned  12 s
red        02:00:00:00:00:01  vm1   port        -
";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(text.lines().count(), 7);
}

#[test]
fn other_answers() {
    assert_eq!(output("explain spoofed-mac").lines().count(), 1);
    assert_eq!(output("explain").lines().count(), 3);
    assert_eq!(output("fdb flush"), "3 learned entries forgotten\n");
    assert_eq!(output("fdb flush --json"), "{\"removed\":3}\n");
    assert_eq!(output("log set debug"), "the filter was info\n");
    let added = output("port add vm1 --namespace red --vhost-user /run/weft/vm1.sock");
    assert_eq!(added, "vm1: mac 02:00:00:00:00:01, vhost-user /run/weft/vm1.sock (weftd listens)\n");
    assert_eq!(output("port del vm1"), "");
    assert_eq!(output("port del vm1 --json"), "{}\n");
}

#[test]
fn changes_are_signed_and_a_difference_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weft.toml");
    std::fs::write(&file, "x = 1\n").unwrap();
    let expected = "+ namespace blue\n~ port red:vm1: mtu 1500 -> 9000\n- port red:vm2 (its guest loses frames)\n";
    assert_eq!(output(&format!("config apply {}", file.display())), expected);
    let differs = weft(&Server::with_samples(), &format!("config diff {}", file.display()), false);
    assert_eq!((differs.code, differs.output.as_str()), (2, expected));
    let same = Server::start(Box::new(|_| vec![Reply::result(&json!({"changes": []})).unwrap()]));
    assert_eq!(weft(&same, &format!("config diff {}", file.display()), false).code, 0);
}

#[test]
fn text_that_others_chose_cannot_reach_the_terminal() {
    let hostile = || {
        let mut port = samples::port();
        port.spec.name = "x\x1b[2J".to_owned();
        port.reason = Some("a\nb\u{202e}c\u{9b}31m".to_owned());
        port.features = vec!["\r".to_owned()];
        port.counters.drops = [("\x07".to_owned(), u64::MAX), ("b".to_owned(), 1)].into();
        let reply = Reply::result(&PortListReply { ports: vec![port] }).unwrap();
        Server::start(Box::new(move |call| {
            let list = call.method == <PortList as crate::proto::Method>::NAME;
            vec![if list { reply.clone() } else { sample(call) }]
        }))
    };
    for line in ["port list", "port show", "port show x", "port list --json", "port show --json"] {
        let text = weft(&hostile(), line, true).output;
        assert!(!text.is_empty(), "{line}");
        let bad = text.chars().find(|letter| letter.is_control() && *letter != '\n' || *letter == '\u{202e}');
        assert_eq!(bad, None, "{line}");
        assert!(text.contains("x\\u"), "{line}: {text}");
    }
}

#[test]
fn raw_calls_print_the_reply() {
    let text = output("call FdbFlush {\"namespace\":\"red\"}");
    assert_eq!(text, "{\"removed\":3}\n");
    assert_eq!(output("call org.weft.Switch1.FdbFlush"), text);
}

#[test]
fn help_names_the_exit_codes_and_completions_are_made() {
    let help = output("--help");
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "65 ", "124 "] {
        assert!(help.contains(&format!("\n  {code} ")), "{code} in {help}");
    }
    assert!(output("completions bash").contains("_weft()"));
    assert!(output("--version").starts_with("weft "));
    crate::cli().debug_assert();
}
