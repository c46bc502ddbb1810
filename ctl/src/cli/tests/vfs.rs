// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! VFs as the command prints them.

use serde_json::Value;

use super::{output, weft};
use crate::codec::Reply;
use crate::proto::v1::{GuestModel, VfStatusReply};
use crate::testing::samples;
use crate::testing::server::Server;

#[test]
fn vf_status_is_a_page_or_a_table() {
    let page = "\
vf of port red:vm1
  lane         dgram:/run/vm1.vf,peer=/run/vm1.nic
  found        eth5 (0000:65:00.1)
  link         up: its peer is there
  model        standby (found out)
  vmm          qmp /run/vm1.qmp plugs e1000e into port1 beside net0
  channel      connected
  state        on-vf, for 1 min 1 s
  trouble      the guest did not let go of the VF before
  active lane  vf
  serial       3
  switches     7, 2 changes of the link damped
  lanes        2
               RX-FRAMES  TX-FRAMES  RX-BYTES  TX-BYTES  COPIES  DROPS
    synthetic         10         20       640      1280       4      0
    vf                90        180      5760     11520       4      1
  lane losses  12 lost, 3 missed, 1 malformed
";
    assert_eq!(output("vf status vm1"), page);
    let table = "\
NAME  NAMESPACE  LANE   LINK  MODEL    STATE  ACTIVE  SWITCHES  DAMPED  VF-RX  VF-TX
vm1   red        dgram  up    standby  on-vf  vf             7       2     90    180
";
    assert_eq!(output("vf status"), table);
    let one: Value = serde_json::from_str(&output("vf status vm1 --json")).unwrap();
    let all: Value = serde_json::from_str(&output("vf status --json")).unwrap();
    assert_eq!((&one, one["vf"]["rx_frames"].as_u64()), (&all[0], Some(90)));
}

#[test]
fn what_was_asked_for_answers_with_where_it_stands() {
    let line = "vm1: on-vf, active lane vf: the guest did not let go of the VF before\n";
    for asked in ["vf offer vm1", "vf revoke vm1", "vf switch vm1 synthetic"] {
        assert_eq!(output(asked), line, "{asked}");
    }
}

/// What weftd does not see it does not count, which is something else than nothing.
#[test]
fn a_vf_that_bypasses_weftd_is_told_to() {
    let mut vf = samples::vf_state();
    (vf.spec.lane, vf.spec.vmm, vf.model) = (Some("bypass:0000:65:00.1".to_owned()), None, GuestModel::Auto);
    (vf.lane.kind, vf.lane.bypasses, vf.lane.up, vf.lane.reason) = ("bypass".to_owned(), true, false, None);
    let reply = Reply::result(&VfStatusReply { vfs: vec![vf] }).unwrap();
    let server = || {
        let reply = reply.clone();
        Server::start(Box::new(move |_| vec![reply.clone()]))
    };
    let page = weft(&server(), "vf status vm1", false).output;
    for line in [
        "  link         down\n",
        "  data         bypasses weftd, which neither judges nor counts it\n",
        "  model        not known yet\n",
        "    vf                 -          -         -         -       -      -\n",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    let row = weft(&server(), "vf status", false).output;
    assert!(row.ends_with("      7       2      -      -\n"), "{row}");
    let port = || {
        let mut port = samples::port();
        port.spec.vf =
            Some(crate::proto::v1::Vf { lane: Some("bypass:0000:65:00.1".to_owned()), ..Default::default() });
        let reply = Reply::result(&crate::proto::v1::PortListReply { ports: vec![port] }).unwrap();
        Server::start(Box::new(move |call| {
            let list = call.method.ends_with("PortList");
            vec![if list { reply.clone() } else { crate::testing::server::sample(call) }]
        }))
    };
    let page = weft(&port(), "port show vm1", false).output;
    let line = "  vf           bypass:0000:65:00.1; its data bypasses weftd, which neither judges nor counts it\n";
    assert!(page.contains(line), "{page}");
}
