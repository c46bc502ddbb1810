// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the frame path says: on which lane the guest was seen, and what became of a change of the steering.

use super::{Device, Link};
use crate::clock::Due;
use crate::path::Answer;
use crate::{GuestModel, Lane, Refused, State, Trouble};
use std::time::Duration;

impl Device {
    /// The guest sends on the VF, so it has it. A host lane's netdev is not the guest's, and a guest with a channel
    /// says so when it wants the data path there.
    pub(super) fn seen_on_vf(&mut self, now: Duration) -> Result<(), Refused> {
        if self.vf.state == State::Absent || self.around.link == Link::Closed {
            return Err(Refused::Unexpected);
        }
        if self.is_host_lane() || !self.around.guest || self.speaks() {
            return Ok(());
        }
        match self.vf.state {
            State::Absent | State::Leaving => return Ok(()),
            State::Offered | State::Plugging | State::Plugged => self.used(now),
            State::Ready | State::ToVf | State::OnVf | State::ToSynthetic => {}
        }
        let first = self.want.seen.replace(Lane::Vf) != Some(Lane::Vf);
        if first && self.rules() == GuestModel::Standby {
            let due = if self.vf.state == State::Ready { Due::Takeover } else { Due::Tail };
            self.clock.no_earlier(due, now.saturating_add(self.timing.takeover));
        }
        if !self.want.pinned {
            self.want.lane = Lane::Vf;
        }
        Ok(())
    }

    /// The guest hears the VF as well, so there is nothing to be waited for.
    pub(super) fn answered_on_vf(&mut self, now: Duration) -> Result<(), Refused> {
        self.seen_on_vf(now)?;
        if self.rules() == GuestModel::Standby && self.want.seen == Some(Lane::Vf) {
            self.clock.cancel(Due::Takeover);
            self.clock.cancel(Due::Tail);
        }
        Ok(())
    }

    /// The guest sends on the synthetic lane. Frames that were on their way when it went over to the VF say nothing,
    /// and neither does a net_failover guest's standby, which sends some of its own: it gets both lanes until it is
    /// seen on the VF again.
    pub(super) fn seen_on_synthetic(&mut self, now: Duration) -> Result<(), Refused> {
        if self.is_host_lane() || !self.around.guest || self.speaks() {
            return Ok(());
        }
        let on_their_way = now < self.report.since.saturating_add(self.timing.takeover);
        match (self.rules(), self.vf.state) {
            (_, State::Leaving) => self.vf.lingers = false,
            (GuestModel::Standby, _) => self.want.seen = Some(Lane::Synthetic),
            (_, State::ToVf | State::OnVf) if on_their_way => {}
            _ => (self.want.seen, self.want.lane) = (Some(Lane::Synthetic), Lane::Synthetic),
        }
        Ok(())
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Duration) -> Result<(), Refused> {
        if !self.path.answered(answer, self.timing.retry, now) {
            return Err(Refused::Unexpected);
        }
        if answer == Answer::Failed {
            self.report.counts.failed = self.report.counts.failed.saturating_add(1);
            if self.path.is_idle() && !self.path.does(self.steering()) {
                self.switch_failed(now);
            }
        }
        Ok(())
    }

    /// To the VF: the synthetic lane stays active. Back: the VF is assumed still active.
    fn switch_failed(&mut self, now: Duration) {
        match self.vf.state {
            State::ToVf => {
                self.trouble(Trouble::SwitchFailed(Lane::Vf));
                // A guest that asked is told, and may ask again; one that was followed is followed again, later.
                if self.want.asked.is_some() {
                    self.want.lane = Lane::Synthetic;
                }
                self.finish_asked(false);
                self.enter(State::Ready, now);
            }
            State::ToSynthetic => {
                self.trouble(Trouble::SwitchFailed(Lane::Synthetic));
                self.finish_asked(false);
                self.enter(State::OnVf, now);
                self.activate(Lane::Vf);
            }
            _ => {}
        }
    }
}
