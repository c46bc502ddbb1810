// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Any events in any order at any time, from an operator, a lane, a VMM and a guest that need not make sense, with
//! workers that obey, fail or are silent, and with restarts in between. After each step what must always hold is asked.

mod witness;

use crate::rig::{Rig, Workers};
use netvsc::{By, Choice, Device, Event, GuestModel, Lane, Refused, Saved, State, Steering, Timing, timing};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use std::time::Duration;
use witness::Witness;

/// One step.
#[derive(Clone, Debug)]
enum Step {
    Event(Event),
    Pass(Duration),
    Workers(Workers),
    Restart,
}

fn sensible() -> Vec<Event> {
    vec![
        Event::Offer(By::Operator),
        Event::Offer(By::Auto),
        Event::LaneUp,
        Event::VmmUp,
        Event::GuestUp { standby: true },
        Event::GuestUp { standby: false },
        Event::Plugged,
        Event::Seen(Lane::Vf),
        Event::Found,
        Event::GuestAsked(Lane::Vf),
        Event::SwitchAsked(Lane::Vf),
        Event::Switched,
    ]
}

fn adverse() -> Vec<Event> {
    vec![
        Event::Revoke(By::Operator),
        Event::Revoke(By::Auto),
        Event::SwitchAsked(Lane::Synthetic),
        Event::LaneDown,
        Event::LaneGone,
        Event::LaneRecovering,
        Event::LaneRecovered,
        Event::GuestDown,
        Event::VmmLost,
        Event::PlugFailed("no".into()),
        Event::Negotiated,
        Event::UnplugAsked,
        Event::Unplugged,
        Event::UnplugFailed("no".into()),
        Event::Answered,
        Event::Overflowed,
        Event::Seen(Lane::Synthetic),
        Event::GuestAsked(Lane::Synthetic),
        Event::SwitchFailed,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let long = 0..40_000u64;
    let short = 0..1_500u64;
    let workers = select(vec![Workers::Obey, Workers::Obey, Workers::Fail, Workers::Silent]);
    prop_oneof![
        8 => select(sensible()).prop_map(Step::Event),
        4 => select(adverse()).prop_map(Step::Event),
        3 => short.prop_map(Duration::from_millis).prop_map(Step::Pass),
        1 => long.prop_map(Duration::from_millis).prop_map(Step::Pass),
        1 => workers.prop_map(Step::Workers),
        1 => Just(Step::Restart),
    ]
}

fn choice() -> impl Strategy<Value = Choice> {
    let models = GuestModel::ALL.map(Some).into_iter().chain([None]).collect::<Vec<_>>();
    (select(models), any::<bool>()).prop_map(|(model, host_netdev)| Choice { model, host_netdev })
}

fn run(rig: &mut Rig, choice: Choice, steps: &[Step]) -> Witness {
    let mut witness = Witness::default();
    for step in steps {
        match step {
            Step::Event(event) => one(rig, &mut witness, event),
            Step::Pass(time) => {
                rig.pass(*time);
            }
            Step::Workers(workers) => rig.workers = *workers,
            Step::Restart => restart(rig, &mut witness, choice),
        }
        witness.look(rig);
    }
    witness
}

fn one(rig: &mut Rig, witness: &mut Witness, event: &Event) {
    let before = (rig.status(), rig.frames, rig.device.next_due());
    let taken = rig.on(event.clone());
    if let Err(refused) = taken {
        let mut status = before.0;
        status.counts.strays += u64::from(refused == Refused::Unexpected);
        assert_eq!((rig.status(), rig.frames, rig.device.next_due()), (status, before.1, before.2), "{event:?}");
    } else {
        witness.accepted(event, rig);
    }
}

/// The daemon is killed, and another one goes on with what was saved last. Its frame path knows nothing of before.
fn restart(rig: &mut Rig, witness: &mut Witness, choice: Choice) {
    let text = serde_json::to_string(&rig.device.save()).expect("plain data");
    let saved: Saved = serde_json::from_str(&text).expect("what was written");
    witness.restarted();
    rig.restart(Device::restore(&saved, choice, Timing::default(), rig.now));
}

proptest! {
    #[test]
    fn test_what_must_hold_holds_whatever_happens(choice in choice(), steps in vec(step(), 1..120)) {
        let mut rig = Rig::of(Device::new(choice, Timing::default()));
        run(&mut rig, choice, &steps);
    }

    /// Nobody but the operator keeps a VF that was revoked: neither the guest nor the VMM, nor workers that do nothing.
    #[test]
    fn test_a_revocation_ends_in_bounded_time(choice in choice(), steps in vec(step(), 1..80)) {
        let mut rig = Rig::of(Device::new(choice, Timing::default()));
        let mut witness = run(&mut rig, choice, &steps);
        if rig.state() != State::Absent {
            let revoked = rig.on(Event::Revoke(By::Operator));
            assert!(matches!(revoked, Ok(()) | Err(Refused::Leaving)), "{revoked:?}");
            rig.pass(timing::UNPLUG_WAIT);
        }
        witness.look(&mut rig);
        assert_eq!((rig.state(), rig.active()), (State::Absent, Lane::Synthetic));
        rig.workers = Workers::Obey;
        rig.confirm().pass(timing::RETRY_LONGEST);
        assert_eq!((rig.frames, rig.device.steering()), (Steering::SYNTHETIC, Steering::SYNTHETIC));
    }

    /// What a guest and its VMM say never moves a port off the synthetic lane while no VF is offered.
    #[test]
    fn test_without_an_offer_nothing_but_the_synthetic_lane_is_ever_used(choice in choice(), steps in vec(step(), 1..80)) {
        let mut rig = Rig::of(Device::new(choice, Timing::default()));
        let offers = |step: &Step| matches!(step, Step::Event(Event::Offer(_)));
        let steps: Vec<Step> = steps.into_iter().filter(|step| !offers(step)).collect();
        run(&mut rig, choice, &steps);
        assert_eq!((rig.state(), rig.device.steering()), (State::Absent, Steering::SYNTHETIC));
    }
}
