// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What an operator may have done with Router Advertisements that come from a port or go to it, beside forwarding them.

use crate::limits::RA_LEARN_RANGE_SECONDS;
use crate::ra_guard::{self, RaGuardEdit};
use crate::refusal::Refusal;
use crate::spec::in_range;
use dataplane::{RaGuard, Role};
use pvd::limits::PORT_SIGHT;
use pvd::{Injection, PVD_DELAY_MAX, Seen, Sight};
use std::collections::BTreeSet;
use std::time::Duration;

/// The word for all PvDs, and for no injection. Names of one label are told from words by their closing dot.
const ALL: &str = "all";
const NONE: &str = "none";
/// What the words of a [`Sight`] are to be, for error texts.
const SIGHT_EXPECTED: &str = "names such as work.example, or implicit; all alone, for all of them";

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mediation {
    /// The PvDs of which the port gets advertisements.
    pub sight: Sight,
    /// The PvD Option for advertisements of the router behind the port that have none.
    pub inject: Option<Injection>,
    /// What the router behind the port may say in them.
    pub guard: RaGuard,
    /// For how long RA guard learns whether there is one, and what it says; `None`: it does not.
    pub learn: Option<Duration>,
}

/// A change of it; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediationEdit {
    /// The PvDs that the port sees.
    pub sight: Option<Sight>,
    /// The PvD Option to be injected, or `None` for none.
    pub inject: Option<Option<Injection>>,
    /// What changes of the rules for the router.
    pub guard: RaGuardEdit,
    /// How long is learnt, or `None` for not at all.
    pub learn: Option<Option<Duration>>,
    /// It is learnt anew, whatever was.
    pub relearn: bool,
}

impl MediationEdit {
    /// What comes of it.
    #[must_use]
    pub fn over(self, before: Mediation) -> Mediation {
        let guard = self.guard.of(&before.guard);
        let (sight, inject) = (self.sight.unwrap_or(before.sight), self.inject.unwrap_or(before.inject));
        Mediation { sight, inject, guard, learn: self.learn.unwrap_or(before.learn) }
    }
}

impl Mediation {
    /// Whether a port of this role can have it.
    pub(crate) fn check(&self, role: Role) -> Result<(), Refusal> {
        if let Sight::Only(set) = &self.sight
            && set.len() > PORT_SIGHT
        {
            return Err(Refusal::invalid("pvds", format!("{} PvDs", set.len()), format!("{PORT_SIGHT} at most")));
        }
        if role == Role::Monitor && self.sight.is_narrow() {
            let expected = "all at a port with the role monitor, from which no PvD is hidden";
            return Err(Refusal::invalid("pvds", self.sight_label(), expected));
        }
        ra_guard::check(&self.guard)?;
        self.check_learning(role)?;
        let Some(inject) = &self.inject else { return Ok(()) };
        let refuse = |value: String, expected: &str| Err(Refusal::invalid("inject-pvd", value, expected));
        if !role.may_route() {
            return refuse(inject.name.to_string(), "a port with the role router or uplink: a host sends none");
        }
        if self.guard.pvd_required {
            // The rules are about what the router says, before anything is added to it: nothing would be left to add to.
            let expected = "none at a port whose router has to name one itself (ra-guard-pvd-required)";
            return refuse(inject.name.to_string(), expected);
        }
        if inject.delay > PVD_DELAY_MAX {
            return refuse(format!("delay {}", inject.delay), "a delay of 0 to 15");
        }
        if !inject.http && (inject.sequence, inject.delay) != (0, 0) {
            let value = format!("sequence {}, delay {}", inject.sequence, inject.delay);
            return refuse(value, "neither without http: they are of what is fetched (RFC 8801 section 3.1)");
        }
        Ok(())
    }

    /// Learning narrows what a router may say, and makes no router of a host.
    fn check_learning(&self, role: Role) -> Result<(), Refusal> {
        let Some(span) = self.learn else { return Ok(()) };
        if !role.may_route() {
            let expected = "off at a port with the role host or monitor, from which no router is heard in any case";
            return Err(Refusal::invalid("ra-guard-learn", self.learn_label(), expected));
        }
        let (low, high) = RA_LEARN_RANGE_SECONDS;
        in_range("ra-guard-learn", span.as_secs(), low, high)
    }

    /// For how long is learnt, in words.
    pub(crate) fn learn_label(&self) -> String {
        self.learn.map_or("off".to_owned(), |span| format!("{}s", span.as_secs()))
    }

    /// The sight in words, for texts.
    pub(crate) fn sight_label(&self) -> String {
        match self.sight.words() {
            None => ALL.to_owned(),
            Some(words) if words.is_empty() => NONE.to_owned(),
            Some(words) => words.join(" "),
        }
    }

    /// The injection in words, for texts.
    pub(crate) fn inject_label(&self) -> String {
        let Some(Injection { name, http, legacy, sequence, delay, header }) = &self.inject else { return NONE.into() };
        let flags = [(*http, " http"), (*legacy, " legacy"), (*header, " r-flag")];
        let flags: String = flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word).collect();
        if *http { format!("{name}{flags} sequence {sequence} delay {delay}") } else { format!("{name}{flags}") }
    }
}

/// The sight that words mean: `all`, or any number of names of PvDs, with `implicit` for all that have none.
///
/// # Errors
/// A word is neither.
pub fn sight_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Sight, Refusal> {
    let words: Vec<&str> = words.into_iter().collect();
    if words == [ALL] {
        return Ok(Sight::All);
    }
    let seen = |word: &&str| match Seen::of(word) {
        Ok(seen) if *word != ALL => Ok(seen),
        _ => Err(Refusal::invalid("pvds", *word, SIGHT_EXPECTED)),
    };
    words.iter().map(seen).collect::<Result<BTreeSet<Seen>, Refusal>>().map(Sight::Only)
}

/// An injection of the PvD of that name; `none` is none.
///
/// # Errors
/// It is no name.
pub fn injection_of(name: &str) -> Result<Option<Injection>, Refusal> {
    if name == NONE {
        return Ok(None);
    }
    let bad = |why| Refusal::invalid("inject-pvd", name, format!("the name of a PvD, such as work.example: {why}"));
    name.parse().map(|name| Some(Injection::new(name))).map_err(bad)
}

#[cfg(test)]
mod test {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("p{number}.example")).collect()
    }

    #[test]
    fn test_words_are_what_a_port_sees_and_labels_say_it_back() {
        let sight = |words: &[&str]| sight_of(words.iter().copied());
        assert_eq!(sight(&["all"]), Ok(Sight::All));
        let label = |words: &[&str]| Mediation { sight: sight(words).unwrap(), ..Mediation::default() }.sight_label();
        assert_eq!((label(&["all"]), label(&[])), ("all".to_owned(), "none".to_owned()));
        assert_eq!(label(&["Work.example", "implicit", "all."]), "implicit all. work.example.");
        for bad in [&["all", "work.example"][..], &["a..b"], &[""], &["work.example", "all"]] {
            let refusal = sight(bad).unwrap_err().to_string();
            assert!(refusal.starts_with("pvds: ") && refusal.contains("work.example"), "{refusal}");
        }
    }

    #[test]
    fn test_what_is_injected_is_what_a_router_can_say() {
        let good = injection_of("work.example").unwrap().unwrap();
        let check = |inject: &Injection, role| {
            Mediation { inject: Some(inject.clone()), ..Mediation::default() }
                .check(role)
                .map_err(|why| why.to_string())
        };
        assert_eq!((check(&good, Role::Router), check(&good, Role::Uplink)), (Ok(()), Ok(())));
        assert!(check(&good, Role::Host).unwrap_err().contains("role router"));
        let delayed = Injection { delay: 16, http: true, ..good.clone() };
        assert!(check(&delayed, Role::Router).unwrap_err().contains("0 to 15"));
        let guard = RaGuard { pvd_required: true, ..RaGuard::default() };
        let contradictory = Mediation { inject: Some(good.clone()), guard, ..Mediation::default() };
        assert!(contradictory.check(Role::Router).unwrap_err().to_string().contains("ra-guard-pvd-required"));
        let sequence = Injection { sequence: 1, ..good.clone() };
        assert!(check(&sequence, Role::Router).unwrap_err().contains("without http"));
        assert_eq!(check(&Injection { sequence: 1, delay: 15, http: true, ..good.clone() }, Role::Router), Ok(()));
        assert_eq!((injection_of("none"), injection_of("none.").unwrap().is_some()), (Ok(None), true));
        assert!(injection_of("a..b").is_err() && injection_of("").is_err());
        let said = Injection { http: true, legacy: true, header: true, ..good };
        let label = Mediation { inject: Some(said), ..Mediation::default() }.inject_label();
        assert_eq!(label, "work.example. http legacy r-flag sequence 0 delay 0");
    }

    #[test]
    fn test_nothing_is_hidden_from_a_monitor_and_no_router_is_behind_it() {
        let check = |mediation: Mediation| mediation.check(Role::Monitor).map_err(|why| why.to_string());
        let sight = sight_of(["work.example"]).unwrap();
        assert!(check(Mediation { sight, ..Mediation::default() }).unwrap_err().starts_with("pvds: "));
        let inject = injection_of("work.example").unwrap();
        assert!(check(Mediation { inject, ..Mediation::default() }).unwrap_err().contains("role router"));
        let learn = Some(Duration::from_secs(60));
        assert!(check(Mediation { learn, ..Mediation::default() }).unwrap_err().contains("ra-guard-learn"));
        assert_eq!(check(Mediation::default()), Ok(()));
    }

    #[test]
    fn test_a_set_has_a_bound() {
        let sight = |count| sight_of(names(count).iter().map(String::as_str)).unwrap();
        let check = |count| Mediation { sight: sight(count), ..Mediation::default() }.check(Role::Host);
        assert_eq!(check(PORT_SIGHT), Ok(()));
        assert!(check(PORT_SIGHT + 1).unwrap_err().to_string().contains("64 at most"));
    }
}
