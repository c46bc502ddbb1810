// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the source of a move says of its guest: whom it may concern, and whom never.

use super::handover::{destination, export, gone, id, import, source, standing};
use super::learning::at;
use super::*;
use crate::handover::{Departure, Handover, Told};

const ALL: [Departure; 4] = [Departure::Runs, Departure::Stopped, Departure::Gone, Departure::Stays];

fn vm1() -> PortPath {
    port("red/dev:vm1")
}

fn device(control: &Control) -> Arc<dataplane::Port> {
    Arc::clone(&control.plant.port(&vm1()).unwrap().device)
}

/// The port of the move is staged.
fn staged() -> Control {
    let mut there = destination();
    import(&mut there, &export(&source(), 1, 1), 0).unwrap();
    there
}

fn heard() -> Told {
    Told::Heard(vm1())
}

#[test]
fn test_the_source_says_where_the_guest_is_by_the_move_that_it_leaves_by_and_no_other() {
    let mut source = source();
    let said = |source: &Control| source.departure(&vm1(), id(1)).unwrap();
    assert_eq!(said(&source), Departure::Stays, "it is not about to leave");
    source.depart(&vm1(), id(1)).unwrap();
    assert_eq!(said(&source), Departure::Runs);
    assert_eq!(source.departure(&vm1(), id(2)), Ok(Departure::Stays));
    assert!(device(&source).pause(0, at(1)), "control wants to hear of it");
    assert_eq!(said(&source), Departure::Stopped);
    assert!(device(&source).resume() && device(&source).wants_release(), "a worker is to let go what has waited");
    assert!(device(&source).release(at(1)) && !device(&source).is_held(), "and nothing waits any more");
    assert_eq!(said(&source), Departure::Runs);
    gone(&mut source);
    assert_eq!(said(&source), Departure::Gone);
    assert!(source.departure(&port("red/dev:vm9"), id(1)).is_err());
}

#[test]
fn test_frames_wait_for_a_guest_that_has_stopped_until_something_else_is_said() {
    let mut there = staged();
    for other in [Departure::Runs, Departure::Gone] {
        for _ in 0..2 {
            assert_eq!(there.source_says(id(1), Departure::Stopped, at(6)), Ok(heard()));
            assert!(device(&there).is_paused() && there.take_releases().is_empty());
        }
        assert_eq!(there.source_says(id(1), other, at(6)), Ok(heard()));
        assert_eq!(there.take_releases().len(), 1, "they go where they would have gone");
        assert!(device(&there).release(at(6)) && !device(&there).is_paused());
        assert_eq!(there.source_says(id(1), other, at(6)), Ok(heard()));
        assert!(there.take_releases().is_empty());
    }
    assert_eq!(standing(&there), Some(Handover::Staged));
}

#[test]
fn test_of_a_guest_that_is_here_nothing_can_be_said() {
    let mut there = staged();
    let passage = there.moves[&vm1()];
    device(&there).set_away(false);
    there.moves.insert(vm1(), crate::handover::Passage { away: false, ..passage });
    for said in ALL {
        assert_eq!(there.source_says(id(1), said, at(6)), Ok(heard()), "it is late");
        assert!(!device(&there).is_paused() && there.take_releases().is_empty());
        assert_eq!(standing(&there), None);
        let why = there.source_says(id(2), said, at(6)).unwrap_err().to_string();
        assert!(why.contains("a move by which a port has come here"), "{why}");
    }
    // Nor of one that leaves, and has not come.
    let mut source = source();
    source.depart(&vm1(), id(1)).unwrap();
    assert!(ALL.into_iter().all(|said| source.source_says(id(1), said, at(6)).is_err()));
    assert_eq!(standing(&source), Some(Handover::Leaving));
}

#[test]
fn test_a_port_whose_guest_stays_away_is_not_wanted_any_more() {
    let mut there = staged();
    there.source_says(id(1), Departure::Stopped, at(6)).unwrap();
    assert_eq!(there.source_says(id(1), Departure::Stays, at(6)), Ok(Told::Unwanted(vm1())));
    assert_eq!(there.take_releases().len(), 1);
    there.handle_request(Request::PortDel { port: vm1(), force: true }).unwrap();
    assert!(there.source_says(id(1), Departure::Stays, at(6)).is_err(), "it is gone");
    import(&mut there, &export(&source(), 2, 1), 0).unwrap();
    assert_eq!(standing(&there), Some(Handover::Staged), "and may come again");
}

#[test]
fn test_a_port_that_was_here_before_is_again_what_it_was() {
    let (mut source, mut there) = (source(), staged());
    source.depart(&vm1(), id(1)).unwrap();
    gone(&mut source);
    device(&there).set_away(false);
    there.moves.insert(vm1(), crate::handover::Passage { away: false, ..there.moves[&vm1()] });
    // It would come back, and again, and does not.
    for number in [2, 3] {
        let back = export(&there, number, 6);
        import(&mut source, &back, 0).unwrap();
        assert_eq!(standing(&source), Some(Handover::Staged));
    }
    assert_eq!(source.source_says(id(3), Departure::Stays, at(7)), Ok(heard()));
    assert_eq!((standing(&source), source.departure(&vm1(), id(1))), (Some(Handover::Moved), Ok(Departure::Gone)));
    assert!(import(&mut source, &export(&there, 3, 6), 0).is_err(), "what is exported anew comes");
    import(&mut source, &export(&there, 4, 6), 0).unwrap();
    assert_eq!(standing(&source), Some(Handover::Staged));
}
