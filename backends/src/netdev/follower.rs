// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Tells news from answers, and keeps the table and what is asked for in step with both: no I/O.

use super::Bus;
use super::dumps::{Dumps, Ended, Part};
use super::message::{Message, Said, messages};
use super::table::{Doubt, Table};

/// Follows what the kernel says.
#[derive(Debug)]
pub(crate) struct Follower {
    /// The number by which the kernel knows our socket: what is answered to us has it, and nothing else.
    port: u32,
    pub(crate) table: Table,
    pub(crate) dumps: Dumps,
}

/// A list that the kernel does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) part: Part,
    /// Why, by its number in `errno.h`.
    pub(crate) code: i32,
}

impl Follower {
    /// Knows nothing, and wants to know everything.
    pub(crate) fn new(port: u32) -> Follower {
        Follower { port, table: Table::default(), dumps: Dumps::new() }
    }

    /// Takes a datagram. `bus_of` looks up what the netdev of a name hangs on.
    pub(crate) fn read(&mut self, datagram: &[u8], bus_of: &dyn Fn(&str) -> Bus) -> Option<Refused> {
        let mut refused = None;
        for message in messages(datagram) {
            if message.port == self.port {
                refused = self.answer(message, bus_of).or(refused);
            } else if self.table.take(message.said, bus_of) == Doubt::Routes {
                self.dumps.doubt_routes();
            }
        }
        refused
    }

    /// Takes an answer. What is in doubt then is not asked for again: routes are listed after netdevs anyway, and what is
    /// listed would raise the same doubt for ever.
    fn answer(&mut self, Message { seq, torn, said, .. }: Message, bus_of: &dyn Fn(&str) -> Bus) -> Option<Refused> {
        // Only now: what came before the first answer is older than the list, and says nothing of what is in it.
        match self.dumps.begin(seq) {
            Some(Part::Links) => self.table.links_begin(),
            Some(Part::Routes4) => self.table.routes_begin(),
            Some(Part::Routes6) | None => {}
        }
        if torn {
            self.dumps.torn(seq);
        }
        let (ended, code) = match said {
            Said::Done => (self.dumps.end(seq, false), None),
            Said::Refused(code) => (self.dumps.end(seq, true), Some(code)),
            said => {
                self.table.take(said, bus_of);
                (None, None)
            }
        };
        match ended? {
            Ended::Whole(Part::Links) => self.table.links_end(),
            Ended::Whole(Part::Routes6) | Ended::Partly(Part::Routes6) => self.table.routes_end(),
            _ => {}
        }
        match (ended, code) {
            (Some(Ended::Partly(part)), Some(code)) => Some(Refused { part, code }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NetlinkHeader, NetlinkMessage, NetlinkPayload};
    use netlink_packet_route::RouteNetlinkMessage;
    use netlink_packet_route::link::{LinkAttribute, LinkLayerType, LinkMessage};

    use super::*;

    /// Our socket, and that of somebody who changes things.
    const OURS: u32 = 77;
    const ANOTHERS: u32 = 78;

    fn link(port: u32, seq: u32, index: u32, name: &str) -> Vec<u8> {
        let mut link = LinkMessage::default();
        (link.header.index, link.header.link_layer_type) = (index, LinkLayerType::Ether);
        link.attributes = vec![LinkAttribute::IfName(name.to_owned())];
        let mut header = NetlinkHeader::default();
        (header.port_number, header.sequence_number) = (port, seq);
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(RouteNetlinkMessage::NewLink(link)));
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        octets
    }

    /// A message without a body, but for a number.
    fn bare(kind: u16, seq: u32, code: i32) -> Vec<u8> {
        let head = [&20u32.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 2], &seq.to_ne_bytes(), &OURS.to_ne_bytes()];
        [&head.concat()[..], &code.to_ne_bytes()].concat()
    }

    fn hear(follower: &mut Follower, messages: &[Vec<u8>]) -> Option<Refused> {
        follower.read(&messages.concat(), &|_| Bus::None)
    }

    fn names(follower: &Follower) -> Vec<&str> {
        follower.table.all().map(|one| one.name.as_str()).collect()
    }

    /// Answers whatever is asked: these netdevs and no routes.
    fn answer(follower: &mut Follower, links: &[(u32, &str)]) {
        while let Some((part, seq)) = follower.dumps.next() {
            let links = links.iter().filter(|_| part == Part::Links).map(|(index, name)| link(OURS, seq, *index, name));
            let all: Vec<_> = links.chain([bare(NLMSG_DONE, seq, 0)]).collect();
            assert_eq!(hear(follower, &all), None);
        }
    }

    #[test]
    fn news_older_than_a_list_do_not_keep_what_is_not_in_it() {
        let mut follower = Follower::new(OURS);
        answer(&mut follower, &[(1, "lo"), (5, "eth3")]);
        follower.dumps.lost();
        let (_, seq) = follower.dumps.next().expect("everything is asked for anew");
        // Both were queued; that they have gone was not.
        hear(&mut follower, &[link(ANOTHERS, 1, 5, "eth3"), link(ANOTHERS, 2, 6, "eth4")]);
        hear(&mut follower, &[link(OURS, seq, 1, "lo"), link(ANOTHERS, 3, 7, "eth5"), bare(NLMSG_DONE, seq, 0)]);
        assert_eq!(names(&follower), ["lo", "eth5"]);
    }

    #[test]
    fn who_uses_our_numbers_for_his_requests_ends_nothing_of_ours() {
        let mut follower = Follower::new(OURS);
        let (_, seq) = follower.dumps.next().expect("everything is wanted");
        hear(&mut follower, &[link(ANOTHERS, seq, 5, "eth3")]);
        assert_eq!(follower.dumps.begin(seq), Some(Part::Links), "no answer has come");
    }

    #[test]
    fn a_refused_list_takes_nothing_away() {
        let mut follower = Follower::new(OURS);
        answer(&mut follower, &[(1, "lo")]);
        follower.dumps.lost();
        let (part, seq) = follower.dumps.next().expect("everything is asked for anew");
        assert_eq!(hear(&mut follower, &[bare(NLMSG_ERROR, seq, -95)]), Some(Refused { part, code: 95 }));
        assert_eq!(names(&follower), ["lo"]);
        answer(&mut follower, &[]);
        assert!(follower.table.is_complete());
    }
}
