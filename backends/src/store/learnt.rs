// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was learnt, in a file of its own: a weftd that is started while guests run on need not hear all of it again before frames go
//! their ways, hosts are answered and guests' addresses are announced as before.
//!
//! It is written now and then, as a whole, and not synced, for it is of no use after the end of the machine. Nor is it when more time
//! has gone by than a restart takes ([`REMEMBERED_MAX`]): nobody here has heard who has an address meanwhile, and what a router has
//! taken back. Nothing of it is believed more than at the time when it was heard, but with its age; and what is here by then, or is heard
//! later, stands above it.

use super::Store;
use crate::upgrade::{LearntV1, learnt_meant, learnt_said};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;
use switch::Learnt;

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// More is not written, and not read, in bytes.
const LEARNT_MAX: u64 = 16 << 20;
/// What was written longer ago is of no use.
const REMEMBERED_MAX: Duration = Duration::from_secs(180);
/// Another one each time the machine is started.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileV1 {
    version: u32,
    boot: String,
    /// When it was true, since the machine was started.
    at_ns: u64,
    learnt: LearntV1,
}

impl Store {
    /// Writes down what was learnt, as it stood `at` since the machine was started.
    ///
    /// # Errors
    /// The system's, or that it is too much; what was written before stands there still.
    pub(crate) fn save_learnt(&self, learnt: &Learnt, at: Duration) -> io::Result<()> {
        let at_ns = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let whole = FileV1 { version: VERSION, boot: fs::read_to_string(BOOT)?, at_ns, learnt: learnt_said(learnt) };
        let text = serde_json::to_string(&whole)?;
        if text.len() as u64 > LEARNT_MAX {
            return Err(io::Error::other(format!("it would be larger than {LEARNT_MAX} bytes")));
        }
        let (path, new) = (self.learnt_path(), self.learnt_path().with_extension("new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &path)
    }

    /// What was learnt by a weftd that ended a moment ago, and how long before `now` that was true. `None`: there was none.
    ///
    /// # Errors
    /// The file cannot be read, and why.
    pub(crate) fn load_learnt(&self, now: Duration) -> Result<Option<(Learnt, Duration)>, String> {
        let path = self.learnt_path();
        let said = |why: String| format!("{}: {why}", path.display());
        match fs::metadata(&path) {
            Ok(about) if about.len() > LEARNT_MAX => return Err(said(format!("is larger than {LEARNT_MAX} bytes"))),
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            about => about.map_err(|why| said(why.to_string()))?,
        };
        let text = fs::read_to_string(&path).map_err(|why| said(why.to_string()))?;
        let whole: FileV1 = serde_json::from_str(&text).map_err(|why| said(why.to_string()))?;
        let boot = fs::read_to_string(BOOT).map_err(|why| format!("{BOOT}: {why}"))?;
        let way = now.checked_sub(Duration::from_nanos(whole.at_ns)).filter(|way| *way <= REMEMBERED_MAX);
        match way.filter(|_| whole.version == VERSION && whole.boot == boot) {
            Some(way) => Ok(Some((learnt_meant(&whole.learnt).map_err(said)?, way))),
            None => Ok(None),
        }
    }

    fn learnt_path(&self) -> PathBuf {
        self.path.with_file_name("learnt.json")
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const AT: Duration = Duration::from_secs(1000);
    const SECOND: Duration = Duration::from_secs(1);

    fn learnt() -> Learnt {
        let mac = "02:00:00:00:00:09".parse().unwrap();
        Learnt { macs: [("red:up".parse().unwrap(), vec![(mac, SECOND)])].into(), ..Learnt::default() }
    }

    #[test]
    fn test_what_was_learnt_is_known_to_who_comes_soon() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        assert_eq!(store.load_learnt(AT), Ok(None), "nobody was there");
        store.save_learnt(&Learnt::default(), AT - SECOND).unwrap();
        store.save_learnt(&learnt(), AT).unwrap();
        assert_eq!(store.load_learnt(AT + SECOND), Ok(Some((learnt(), SECOND))));
        assert!(store.load_learnt(AT + REMEMBERED_MAX).unwrap().is_some());
        for now in [AT + REMEMBERED_MAX + SECOND, AT - SECOND] {
            assert_eq!(store.load_learnt(now), Ok(None), "{now:?}");
        }
        assert!(Store::at(&directory.path().join("nowhere")).save_learnt(&learnt(), AT).is_err());
    }

    #[test]
    fn test_what_is_of_another_time_or_damaged_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        store.save_learnt(&learnt(), AT).unwrap();
        let good = fs::read_to_string(store.learnt_path()).unwrap();
        let boot = fs::read_to_string(BOOT).unwrap();
        let put = |text: &str| {
            fs::write(store.learnt_path(), text).unwrap();
            store.load_learnt(AT)
        };
        for (from, to) in [(boot.trim(), "0"), ("\"version\":1", "\"version\":2")] {
            assert!(good.contains(from), "{from}");
            assert_eq!(put(&good.replace(from, to)), Ok(None), "{to}");
        }
        for bad in ["", "{}", &good[..good.len() / 2], &good.replace("red:up", "red/up"), &" ".repeat(17 << 20)] {
            assert!(put(bad).unwrap_err().contains("learnt.json"));
        }
    }
}
