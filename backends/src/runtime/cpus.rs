// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The CPUs that a worker may run on.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::RangeInclusive;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// CPUs by the kernel's numbers; never none. It reads and prints as the kernel's own lists do: `0-3,8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus(BTreeSet<usize>);

/// Why a text names no CPUs. Its own text goes on where the quoted text ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCpus {
    /// It is none.
    #[error("is not a list of CPUs (expected numbers and ranges, e.g. 0-3,8)")]
    NotAList,
    /// It names a CPU that does not exist, is offline, or is kept from this process (cpuset, taskset).
    #[error("names CPU {cpu}, where weftd cannot run (expected CPUs of {allowed})")]
    NotAllowed {
        /// The first such CPU.
        cpu: usize,
        /// Where it can.
        allowed: Cpus,
    },
    /// The kernel does not say where this process may run.
    #[error("cannot be checked: {0}")]
    Unknown(io::ErrorKind),
}

impl Cpus {
    /// Reads a list of CPUs, of which each must be one that this process may run on.
    ///
    /// # Errors
    /// [`BadCpus`].
    pub fn parse(text: &str) -> Result<Cpus, BadCpus> {
        let set = sched_getaffinity(None).map_err(|why| BadCpus::Unknown(io::Error::from(why).kind()))?;
        let allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect();
        Cpus::among(&Cpus(allowed), text)
    }

    /// The `n`th of them, from 0, by itself.
    #[must_use]
    pub fn nth(&self, n: usize) -> Option<Cpus> {
        self.0.iter().nth(n).map(|&cpu| Cpus(BTreeSet::from([cpu])))
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Keeps the calling thread on these CPUs from now on.
    pub(super) fn pin(&self) -> io::Result<()> {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|&cpu| set.set(cpu));
        Ok(sched_setaffinity(None, &set)?)
    }

    fn among(allowed: &Cpus, text: &str) -> Result<Cpus, BadCpus> {
        let mut cpus = BTreeSet::new();
        for part in text.split(',') {
            // However long the range: it ends at the first CPU that is not there.
            for cpu in range(part.trim()).ok_or(BadCpus::NotAList)? {
                if !allowed.0.contains(&cpu) {
                    return Err(BadCpus::NotAllowed { cpu, allowed: allowed.clone() });
                }
                cpus.insert(cpu);
            }
        }
        Ok(Cpus(cpus))
    }
}

/// `3` or `3-5`.
fn range(text: &str) -> Option<RangeInclusive<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = number(first)?..=number(last)?;
    (!range.is_empty()).then_some(range)
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begins = |cpu: usize| cpu.checked_sub(1).is_none_or(|before| !self.0.contains(&before));
        let ends = |cpu: usize| !self.0.contains(&(cpu + 1));
        for (at, &first) in self.0.iter().filter(|&&cpu| begins(cpu)).enumerate() {
            let last = (first..).find(|&cpu| ends(cpu)).unwrap_or(first);
            f.write_str(if at == 0 { "" } else { "," })?;
            match last == first {
                true => write!(f, "{first}")?,
                false => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn cpus(numbers: &[usize]) -> Cpus {
        Cpus(numbers.iter().copied().collect())
    }

    #[test]
    fn test_a_list_reads_as_it_prints() {
        let allowed = cpus(&[0, 1, 2, 3, 8, 9]);
        for (text, meant, printed) in [
            ("0", &[0][..], "0"),
            ("2-3,8", &[2, 3, 8], "2-3,8"),
            ("9, 8, 0-3", &[0, 1, 2, 3, 8, 9], "0-3,8-9"),
            ("1,1-1", &[1], "1"),
        ] {
            let read = Cpus::among(&allowed, text).unwrap();
            assert_eq!((&read, read.to_string().as_str()), (&cpus(meant), printed));
        }
        assert_eq!((allowed.count(), allowed.nth(4), allowed.nth(6)), (6, Some(cpus(&[8])), None));
    }

    #[test]
    fn test_what_is_no_list_and_what_is_not_there() {
        let allowed = cpus(&[0, 1]);
        for text in ["", ",", "1,", "a", "-1", "1-", "2-1", "+1", "0x1", "1 0", "99999999999999999999"] {
            assert_eq!(Cpus::among(&allowed, text), Err(BadCpus::NotAList), "{text:?}");
        }
        let refused = Cpus::among(&allowed, "0-18446744073709551615").unwrap_err();
        assert_eq!(refused.to_string(), "names CPU 2, where weftd cannot run (expected CPUs of 0-1)");
    }

    #[test]
    fn test_a_thread_stays_where_it_is_pinned() {
        std::thread::spawn(|| {
            let all = sched_getaffinity(None).unwrap();
            let last = (0..CpuSet::MAX_CPU).rfind(|&cpu| all.is_set(cpu)).unwrap();
            let chosen = Cpus::parse(&last.to_string()).unwrap();
            chosen.pin().unwrap();
            let now = sched_getaffinity(None).unwrap();
            assert_eq!((now.count(), now.is_set(last)), (1, true));
            assert!(Cpus::parse(&CpuSet::MAX_CPU.to_string()).is_err());
        })
        .join()
        .unwrap();
    }
}
