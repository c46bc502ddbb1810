// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is tried again and again, and why it fails, in the log: once, and once more when the reason is another. `weft status` and
//! `weft port show` tell it for as long as it lasts.

use std::collections::BTreeMap;
use switch::PortPath;

/// Ports whose last trouble is known. With more of them some are told of again.
const PORTS: usize = 4096;

/// See the module.
#[derive(Default)]
pub(super) struct TroubleLog {
    told: BTreeMap<PortPath, String>,
}

impl TroubleLog {
    /// Whether this is news of a port.
    pub(super) fn is_news(&mut self, port: &PortPath, why: &str) -> bool {
        if self.told.get(port).is_some_and(|told| told == why) {
            return false;
        }
        if self.told.len() >= PORTS {
            self.told.clear();
        }
        self.told.insert(port.clone(), why.to_owned());
        true
    }

    /// It has come to an end: if it begins anew, that is news.
    pub(super) fn is_over(&mut self, port: &PortPath) {
        self.told.remove(port);
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_the_same_trouble_is_told_once_until_it_is_over() {
        let (mut log, port) = (TroubleLog::default(), "red:up".parse().unwrap());
        let told: Vec<bool> =
            ["no eth9", "no eth9", "busy", "busy", "no eth9"].map(|why| log.is_news(&port, why)).into();
        assert_eq!(told, [true, false, true, false, true]);
        log.is_over(&port);
        assert!(log.is_news(&port, "no eth9"));
    }
}
