// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The frontend against a scripted peer on a socket pair, and the scripts against the orders they stand for.
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

use super::script::{Cast, Order, Step};
use super::{FLAG_NEED_REPLY, Frontend, FrontendError, HEADER_LEN, Request, socket};
use crate::wait::Deadline;

/// Gives the message that the peer read.
type Peer = thread::JoinHandle<(Vec<u8>, Vec<OwnedFd>)>;

/// A peer that reads one message with a body of `body` bytes, and answers with these bytes.
fn peer(body: usize, answer: Vec<u8>) -> (Frontend, Peer) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let run = move || {
        let (mut message, mut fds) = (vec![0; HEADER_LEN + body], Vec::new());
        socket::recv_exact(&theirs, &mut message, &mut fds).unwrap();
        socket::send_all(&theirs, &answer, &[]).unwrap();
        (message, fds)
    };
    (Frontend::from_stream(ours).unwrap(), thread::spawn(run))
}

fn answer(name: &str, body: &[u8]) -> Vec<u8> {
    [&Request::named(name).header(super::FLAG_REPLY, body.len())[..], body].concat()
}

#[test]
fn a_query_returns_the_number_that_came_back() {
    let (mut frontend, peer) = peer(0, answer("GET_FEATURES", &0x1_4000_0000_u64.to_le_bytes()));
    assert_eq!(frontend.get_features().unwrap(), 0x1_4000_0000);
    assert_eq!(peer.join().unwrap().0, [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn an_eventfd_travels_with_its_message() {
    let (mut frontend, peer) = peer(8, Vec::new());
    let bell = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    frontend.set_vring_kick(3, Some(bell.as_fd())).unwrap();
    let (message, fds) = peer.join().unwrap();
    assert_eq!((message[0], &message[HEADER_LEN..], fds.len()), (12, &[3, 0, 0, 0, 0, 0, 0, 0][..], 1));
    assert!(frontend.wait_closed(Deadline::patient()));
}

#[test]
fn a_refusal_is_told_with_its_message() {
    let (mut frontend, peer) = peer(8, answer("SET_VRING_NUM", &1_u64.to_le_bytes()));
    frontend.acknowledge(true);
    let refused = frontend.set_vring_num(0, 3).unwrap_err();
    assert_eq!(refused.to_string(), "the switch refused SET_VRING_NUM with code 1");
    assert_eq!(peer.join().unwrap().0[4], 1 | FLAG_NEED_REPLY as u8);
}

#[test]
fn an_answer_to_another_question_is_nonsense() {
    let (mut frontend, _peer) = peer(0, answer("GET_QUEUE_NUM", &[0; 8]));
    assert!(matches!(frontend.get_features(), Err(FrontendError::Garbled(..))));
}

#[test]
fn a_closed_session_is_told_apart_from_silence() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    assert!(matches!(Frontend::from_stream(ours).unwrap().get_features(), Err(FrontendError::Closed(_))));
}

fn order(order: Order, section: &str, cast: Cast) -> Vec<String> {
    let name = |step: &Step| match (step.ring, step.region) {
        (Some(ring), _) => format!("{}[{ring}]={}", step.request, step.value),
        (_, Some(region)) => format!("{}({region})", step.request),
        _ => step.request.to_string(),
    };
    order.script().steps(section, cast).iter().map(name).collect()
}

#[test]
fn cloud_hypervisor_enables_last() {
    let steps = order(Order::CloudHypervisor, "start", Cast { pairs: 1, regions: 2 });
    let expected = "SET_FEATURES SET_MEM_TABLE SET_VRING_NUM[0]=0 SET_VRING_NUM[1]=0 SET_VRING_ADDR[0]=0 SET_VRING_BASE[0]=0 \
                    SET_VRING_CALL[0]=0 SET_VRING_KICK[0]=0 SET_VRING_ADDR[1]=0 SET_VRING_BASE[1]=0 SET_VRING_CALL[1]=0 \
                    SET_VRING_KICK[1]=0 SET_VRING_ENABLE[0]=1 SET_VRING_ENABLE[1]=1";
    assert_eq!(steps.join(" "), expected);
}

#[test]
fn qemu_enables_before_it_sets_features_and_only_the_first_pair() {
    let steps = order(Order::Qemu, "start", Cast { pairs: 2, regions: 2 });
    let first = steps.iter().position(|step| step == "SET_FEATURES").unwrap();
    assert_eq!(steps[first - 2..=first], ["SET_VRING_ENABLE[0]=1", "SET_VRING_ENABLE[1]=1", "SET_FEATURES"]);
    assert_eq!(steps[first + 1..first + 3], ["ADD_MEM_REG(0)", "ADD_MEM_REG(1)"]);
    let second = steps.iter().rposition(|step| step == "SET_FEATURES").unwrap();
    assert_eq!(steps[second + 1..second + 3], ["SET_VRING_NUM[2]=0", "SET_VRING_BASE[2]=0"]);
    assert_eq!(steps.last().unwrap(), "SET_VRING_ENABLE[3]=1");
    let alone = order(Order::Qemu, "start", Cast { pairs: 1, regions: 1 });
    assert_eq!(
        alone[alone.len() - 2..],
        ["SET_VRING_CALL[1]=0", "SET_LOG_BASE"],
        "a guest that moves has its log last"
    );
}

#[test]
fn both_orders_can_do_everything() {
    for order in Order::ALL {
        for section in ["connect", "start", "pause", "resume", "stop", "reconnect", "quit"] {
            assert!(!order.script().steps(section, Cast { pairs: 3, regions: 1 }).is_empty());
        }
    }
}
