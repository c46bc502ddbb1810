// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! One recorded message as one line of text: length of its body in bytes, file descriptors, `!` for NEED_REPLY, and what
//! it says. Addresses and indices are left out, for they differ from run to run.
use crate::frontend::{FLAG_NEED_REPLY, HEADER_LEN, Request, protocol};
use crate::guest::feature;

/// Virtio features that concern the connection and not the guest. Others are not recorded: they are what switch and
/// guest offer each other.
const CONNECTION: [(u64, &str); 2] = [(feature::LOG_ALL, "LOG_ALL"), (feature::PROTOCOL_FEATURES, "PROTOCOL_FEATURES")];

/// A message as a line.
pub(super) fn line(header: [u8; HEADER_LEN], body: &[u8], fds: usize) -> String {
    let [request, flags, _] = words(header);
    let (request, mark) = (Request(request), if flags & FLAG_NEED_REPLY != 0 { '!' } else { ' ' });
    format!("{:>3}{fds:>3} {mark} {request}{}", body.len(), about(request, body))
}

/// The three numbers of a header: request, flags, length of the body.
pub(super) fn words(header: [u8; HEADER_LEN]) -> [u32; 3] {
    [0, 4, 8].map(|at| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
}

fn about(request: Request, body: &[u8]) -> String {
    let short = |at: usize| {
        body.get(at * 4..at * 4 + 4).map_or(0, |word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    };
    let long = u64::from(short(1)) << 32 | u64::from(short(0));
    let (ring, value) = (short(0), short(1));
    match request.name().unwrap_or_default() {
        "SET_FEATURES" => names(long, &CONNECTION),
        "SET_PROTOCOL_FEATURES" => names(long, &protocol::NAMES),
        "SET_VRING_NUM" | "SET_VRING_ENABLE" => format!("[{ring}]={value}"),
        "SET_VRING_ADDR" | "SET_VRING_BASE" | "GET_VRING_BASE" => format!("[{ring}]"),
        "SET_VRING_KICK" | "SET_VRING_CALL" | "SET_VRING_ERR" => format!("[{}]", ring & 0xff),
        "SET_MEM_TABLE" => format!(" regions={ring}"),
        "GET_CONFIG" | "SET_CONFIG" => format!(" {ring}+{value}"),
        "NET_SET_MTU" | "SET_STATUS" => format!("={long}"),
        _ => String::new(),
    }
}

fn names(bits: u64, known: &[(u64, &str)]) -> String {
    let set: Vec<&str> = known.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    format!("={}", set.join(","))
}
