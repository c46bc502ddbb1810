// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Chains of a hostile guest that is being migrated: empty buffers without number, more buffers than a chain may have, buffers
//! on a thousand pages. With a log each of them was once a write past the end of a table (CVE-2019-14835, in vhost-net).
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use tests::driver::{DESCRIPTOR_INDIRECT, DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, Descriptor};
use tests::frames::numbered;
use tests::guest::{GuestOptions, SyntheticGuest, ping};
use tests::memory::{Layout, Window};
use tests::wait::{Deadline, until};
use tests::weftd::Weftd;

use crate::load::Case;
use crate::log::{Log, PAGE};
use crate::marks::{logged, pages, snapshot, used_rings};

/// Pages of the attacker's buffers.
const PAGES: u64 = 1200;
/// Bytes of the frame that comes.
const FRAME: usize = 1400;

struct Attack {
    daemon: Weftd,
    one: SyntheticGuest,
    honest: [SyntheticGuest; 2],
    log: Log,
    buffers: Window,
    table: Window,
}

fn attack() -> Attack {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    (1..).zip(["one", "two", "three"]).for_each(|(number, name)| daemon.add_port("red", name, number, &[]));
    let options = GuestOptions { layout: Layout::flat(32 << 20), ..Case::all()[0].options("one", 1) };
    let mut one = daemon.attach_as("one", options);
    let mut honest = [("two", 2), ("three", 3)].map(|(name, number)| daemon.attach(name, number));
    ping(&mut one, &mut honest[0], 1);
    let buffers = one.memory().allocate((PAGES * PAGE) as usize, PAGE);
    let table = one.memory().allocate(64 << 10, PAGE);
    let log = logged(&mut one);
    Attack { daemon, one, honest, log, buffers, table }
}

impl Attack {
    /// A buffer of `len` bytes at the start of a page.
    fn buffer(&self, page: u64, len: u32) -> Descriptor {
        Descriptor { addr: self.buffers.gpa() + page * PAGE, len, ..Descriptor::default() }
    }

    /// Makes a chain of these the one at `head`, by a table.
    fn chain(&self, head: u16, ring: &tests::driver::Ring, parts: &[Descriptor], access: u16) {
        let last = parts.len() - 1;
        let link = |(at, part): (usize, &Descriptor)| {
            let next = if at < last { DESCRIPTOR_NEXT } else { 0 };
            Descriptor { flags: access | next, next: at as u16 + 1, ..*part }.to_bytes()
        };
        self.table.write(0, &parts.iter().enumerate().flat_map(link).collect::<Vec<u8>>());
        let (addr, len) = (self.table.gpa(), 16 * parts.len() as u32);
        ring.set_descriptor(head, Descriptor { addr, len, flags: DESCRIPTOR_INDIRECT, next: 0 });
    }

    /// Does something and waits until nothing more is marked. Everything that has changed is marked, and nothing else but used
    /// rings and the pages of `parts`.
    fn judge(&mut self, what: &str, parts: &[Descriptor], act: impl FnOnce(&mut Attack)) {
        let mut allowed = used_rings(&mut self.one);
        allowed.extend(parts.iter().filter(|part| part.len > 0).map(|part| part.addr / PAGE * PAGE));
        self.log.take();
        let before = snapshot(&mut self.one);
        act(self);
        let mut marked = BTreeSet::new();
        until("all marks to come", Deadline::patient(), || {
            let fresh = self.log.take();
            marked.extend(&fresh);
            fresh.is_empty()
        });
        let after = snapshot(&mut self.one);
        let changed = before.iter().zip(&after).filter(|(old, new)| old != new);
        let changed: BTreeSet<u64> = changed.map(|(old, _)| old.0).collect();
        assert!(changed.is_subset(&marked), "{what}: changed {changed:x?}, marked {marked:x?}");
        allowed.extend(&changed);
        assert!(marked.is_subset(&allowed), "{what}: marked {marked:x?}, changed {changed:x?}");
        assert!(self.daemon.alive());
        let [two, three] = &mut self.honest;
        ping(two, three, 2);
    }

    /// The next receive chain consists of these, and a frame comes.
    fn receives(&mut self, what: &str, parts: &[Descriptor]) {
        let ring = self.one.pairs()[0].rx.queue().ring().clone();
        let used = ring.used_index();
        let head = ring.avail().load_u16(4 + 2 * usize::from(used % ring.size()), Ordering::Relaxed);
        self.chain(head, &ring, parts, DESCRIPTOR_WRITE);
        self.judge(what, parts, |attack| {
            let frame = numbered(attack.one.mac(), attack.honest[0].mac(), 7, FRAME);
            attack.honest[0].send(&frame);
            until("the chain to come back", Deadline::patient(), || ring.used_index() != used);
        });
    }
}

#[test]
fn receive_chains_beyond_all_measure_are_marked_where_they_are_written() {
    let mut attack = attack();
    let nothing = |addr| Descriptor { addr, ..Descriptor::default() };
    let whole = attack.buffer(1100, 2000);
    for senseless in [0, u64::MAX, 1 << 63, whole.addr] {
        for count in [1, 1000, 1023] {
            let parts = [vec![nothing(senseless); count], vec![whole]].concat();
            attack.receives(&format!("{count} times nothing at {senseless:#x}"), &parts);
        }
        // More than a chain may have.
        for count in [1024, 1025, 2000, 4000] {
            let parts = [vec![nothing(senseless); count], vec![whole]].concat();
            attack.receives(&format!("{count} times nothing at {senseless:#x}, too many"), &parts);
        }
    }
    let single: Vec<Descriptor> = (0..1000).map(|page| attack.buffer(page, 1)).collect();
    attack.receives("a thousand pages", &[single.clone(), vec![whole]].concat());
    let mixed: Vec<Descriptor> = single.iter().take(500).flat_map(|part| [*part, nothing(u64::MAX)]).collect();
    attack.receives("every other buffer is empty", &[mixed, vec![whole]].concat());
    attack.receives("one byte a thousand times", &[vec![attack.buffer(3, 1); 1000], vec![whole]].concat());
    attack.receives("a thousand pages and no room", &single);
    attack.receives("four megabytes", &[attack.buffer(0, 4 << 20)]);
    attack.receives("four gigabytes", &[attack.buffer(0, u32::MAX)]);
    let last = attack.one.memory().regions()[0].range().size - 1;
    attack.receives("the last byte of memory", &[Descriptor { addr: last, ..attack.buffer(0, 1) }, whole]);
    attack.receives("over the edge", &[Descriptor { addr: last, ..attack.buffer(0, 2) }, whole]);
    // It is served as before.
    attack.receives("an honest buffer", &[whole]);
    assert!(pages(&attack.buffers).any(|page| page == whole.addr));
}

#[test]
fn transmit_chains_beyond_all_measure_mark_nothing_but_the_ring() {
    let mut attack = attack();
    let nothing = Descriptor { addr: u64::MAX, ..Descriptor::default() };
    let whole = attack.buffer(1100, 112);
    let single: Vec<Descriptor> = (0..1000).map(|page| attack.buffer(page, 1)).collect();
    let ring = attack.one.pairs()[0].tx.queue().ring().clone();
    for (what, parts) in [
        ("nothing, a thousand times", [vec![nothing; 1000], vec![whole]].concat()),
        ("nothing, too often", [vec![nothing; 4000], vec![whole]].concat()),
        ("nothing at all", vec![nothing; 1024]),
        ("a thousand pages", [single, vec![whole]].concat()),
        ("four gigabytes", vec![attack.buffer(0, u32::MAX)]),
    ] {
        let used = ring.used_index();
        attack.chain(100, &ring, &parts, 0);
        ring.offer(100);
        attack.one.pairs()[0].tx.queue().bells().kick();
        until("the chain to come back", Deadline::patient(), || ring.used_index() != used);
        // The frame, if it was one, goes to others.
        let (allowed, mut marked) = (used_rings(&mut attack.one), BTreeSet::new());
        until("all marks to come", Deadline::patient(), || {
            let fresh = attack.log.take();
            marked.extend(&fresh);
            fresh.is_empty()
        });
        assert!(marked.is_subset(&allowed), "{what}: marked {marked:x?}");
        let [two, three] = &mut attack.honest;
        ping(two, three, 3);
    }
    assert!(attack.daemon.alive());
}
