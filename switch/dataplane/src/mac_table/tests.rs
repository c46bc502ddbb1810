// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const AGE: Duration = Duration::from_secs(300);
const A: PortSlot = PortSlot(0);
const B: PortSlot = PortSlot(1);

fn mac(number: u64) -> MacAddr {
    MacAddr::from_u64(0x0200_0000_0000 | number)
}

fn at(seconds: u64) -> Instant {
    Instant::from_nanos(seconds * 1_000_000_000)
}

#[test]
fn a_learned_address_is_found_moves_and_ages() {
    let table = MacTable::new(100, 1);
    assert_eq!(table.lookup(mac(1)), None);
    assert_eq!(table.learn(mac(1), A, at(10)), Learned::Yes);
    assert_eq!(table.lookup(mac(1)), Some(A));
    assert_eq!(table.learn(mac(1), B, at(20)), Learned::Yes);
    assert_eq!(table.lookup(mac(1)), Some(B));
    assert_eq!(table.expire(at(320), AGE), 0, "not older than the limit yet");
    assert_eq!(table.expire(at(321), AGE), 1);
    assert_eq!((table.lookup(mac(1)), table.used()), (None, 0));
}

#[test]
fn traffic_keeps_an_address_alive() {
    let table = MacTable::new(100, 1);
    table.learn(mac(1), A, at(10));
    table.learn(mac(1), A, at(200));
    assert_eq!(table.expire(at(400), AGE), 0);
    assert_eq!(table.entries(at(400))[0].age, Duration::from_secs(200));
}

#[test]
fn pinned_addresses_neither_age_nor_move_nor_leave_by_a_flush() {
    let table = MacTable::new(100, 1);
    table.add_own(mac(1), A).unwrap();
    table.add_static(mac(2), A).unwrap();
    assert_eq!(table.learn(mac(1), B, at(1)), Learned::Pinned);
    assert_eq!(table.learn(mac(2), B, at(1)), Learned::Pinned);
    assert_eq!(table.learn(mac(1), A, at(1)), Learned::Yes, "its owner may use it");
    assert_eq!((table.flush(), table.expire(at(9999), AGE)), (0, 0));
    assert_eq!((table.lookup(mac(1)), table.lookup(mac(2))), (Some(A), Some(A)));
    assert!(!table.remove(mac(1)), "a port's own address stays while the port does");
    assert!(table.remove(mac(2)));
    table.forget(A);
    assert_eq!(table.used(), 0);
}

#[test]
fn a_ports_address_leads_to_where_its_guest_is_heard_until_it_is_back() {
    let table = MacTable::new(100, 1);
    table.add_own(mac(1), A).unwrap();
    table.add_static(mac(2), A).unwrap();
    assert!(table.depart(mac(1), B) && !table.depart(mac(2), B) && !table.depart(mac(3), B));
    assert_eq!([1, 2, 3].map(|number| table.lookup(mac(number))), [Some(B), Some(A), None]);
    assert_eq!(table.learn(mac(1), A, at(1)), Learned::Pinned, "nobody else has it meanwhile");
    assert_eq!(table.learn(mac(1), B, at(1)), Learned::Yes);
    assert_eq!((table.expire(at(9999), AGE), table.lookup(mac(1))), (0, Some(B)));
    table.add_own(mac(1), A).unwrap();
    assert_eq!((table.pinned(mac(1)), table.used()), (Some((A, Kind::Port)), 2));
    assert!(table.depart(mac(1), B));
    assert_eq!((table.flush(), table.lookup(mac(1))), (1, None), "an operator may have it looked for anew");
    table.add_own(mac(1), A).unwrap();
    table.depart(mac(1), B);
    table.forget_departed(mac(1));
    assert_eq!((table.lookup(mac(1)), table.used()), (None, 1));
}

#[test]
fn pinning_takes_an_address_from_where_it_was_learned() {
    let table = MacTable::new(100, 1);
    table.learn(mac(1), A, at(1));
    table.add_static(mac(1), B).unwrap();
    assert_eq!((table.lookup(mac(1)), table.used(), table.held(A)), (Some(B), 1, 0));
}

#[test]
fn a_flood_of_addresses_pushes_out_only_its_own() {
    let table = MacTable::new(64, 7);
    for number in 0..8 {
        assert_eq!(table.learn(mac(number), A, at(1)), Learned::Yes);
    }
    for number in 1000..20_000 {
        table.learn(mac(number), B, at(2));
    }
    let victims = (0..8).filter(|&number| table.lookup(mac(number)) != Some(A)).count();
    assert_eq!(victims, 0, "the modest port lost addresses to the flood");
    assert!(table.used() <= table.capacity());
    assert!(table.refused() > 0, "what was refused is counted");
}

#[test]
fn a_newcomer_gets_a_place_from_the_port_that_holds_most() {
    let table = MacTable::new(64, 7);
    for number in 1000..20_000 {
        table.learn(mac(number), B, at(2));
    }
    let placed = (0..8).filter(|&number| table.learn(mac(number), A, at(3)) == Learned::Yes).count();
    assert!(placed >= 7, "only {placed} of 8 found a place");
}

#[test]
fn no_address_is_the_zero_address() {
    assert_eq!(MacTable::new(10, 0).lookup(MacAddr::ZERO), None);
}

/// What a user may do to the table.
#[derive(Debug, Clone)]
enum Step {
    Learn(u64, u16),
    Pin(u64, u16),
    Remove(u64),
    Forget(u16),
    Flush,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..40, 0_u16..4).prop_map(|(mac, port)| Step::Learn(mac, port)),
        1 => (0_u64..40, 0_u16..4).prop_map(|(mac, port)| Step::Pin(mac, port)),
        1 => (0_u64..40).prop_map(Step::Remove),
        1 => (0_u16..4).prop_map(Step::Forget),
        1 => Just(Step::Flush),
        2 => (1_u64..200).prop_map(Step::Pass),
    ]
}

/// The table as a plain map: address to port, pinned or last seen.
type Model = BTreeMap<u64, (u16, Option<u64>)>;

fn apply(step: &Step, table: &MacTable, model: &mut Model, now: &mut u64) {
    match *step {
        Step::Learn(number, port) => {
            let pinned = model.get(&number).is_some_and(|entry| entry.1.is_none());
            table.learn(mac(number), PortSlot(port), at(*now));
            if !pinned {
                model.insert(number, (port, Some(*now)));
            }
        }
        Step::Pin(number, port) => {
            table.add_static(mac(number), PortSlot(port)).unwrap();
            model.insert(number, (port, None));
        }
        Step::Remove(number) => assert_eq!(table.remove(mac(number)), model.remove(&number).is_some()),
        Step::Forget(port) => {
            table.forget(PortSlot(port));
            model.retain(|_, entry| entry.0 != port);
        }
        Step::Flush => {
            table.flush();
            model.retain(|_, entry| entry.1.is_none());
        }
        Step::Pass(seconds) => {
            *now += seconds;
            table.expire(at(*now), AGE);
            model.retain(|_, entry| entry.1.is_none_or(|seen| seen + 300 >= *now));
        }
    }
}

proptest! {
    /// With room for all, the table is a map.
    #[test]
    fn a_table_with_room_equals_its_model(steps in prop::collection::vec(step(), 1..200), seed: u64) {
        let (table, mut model, mut now) = (MacTable::new(4096, seed), Model::new(), 1000);
        for step in &steps {
            apply(step, &table, &mut model, &mut now);
            for number in 0..40 {
                let expected = model.get(&number).map(|entry| PortSlot(entry.0));
                prop_assert_eq!(table.lookup(mac(number)), expected, "after {:?}", step);
            }
            prop_assert_eq!(table.used() as usize, model.len());
            prop_assert_eq!(table.entries(at(now)).len(), model.len());
        }
    }

    /// However small it is, it never holds more than it may, and its counts add up.
    #[test]
    fn a_crowded_table_keeps_its_counts(steps in prop::collection::vec((0_u64..500, 0_u16..4), 1..600), seed: u64) {
        let table = MacTable::new(16, seed);
        for (index, &(number, port)) in steps.iter().enumerate() {
            table.learn(mac(number), PortSlot(port), at(index as u64));
            prop_assert!(table.used() <= 16);
        }
        let held: u32 = (0..4).map(|port| table.held(PortSlot(port))).sum();
        prop_assert_eq!(held, table.used());
    }
}
