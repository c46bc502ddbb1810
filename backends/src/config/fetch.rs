// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `pvd-fetch`: whether and how Additional Information of PvDs is fetched.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Whether Additional Information of PvDs is fetched, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PvdFetch {
    /// It is not.
    #[default]
    Off,
    /// It is, by a process of its own.
    On(Box<FetchSettings>),
}

/// What the process is told that fetches; where nothing is said its own defaults hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchSettings {
    /// The program; without it the one beside weftd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// Certificates of the authorities that are believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The network namespace to fetch in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<PathBuf>,
    /// Addresses that are not public and may be connected to, each with a length of its prefix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Where names lead, `NAME=ADDRESS:PORT`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolve: Vec<String>,
    /// Seconds that a fetch may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u16>,
    /// Whom the process becomes that root has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Likewise, its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
}

impl FetchSettings {
    /// Seconds that a fetch may take when nothing is said.
    pub(crate) const TIMEOUT_DEFAULT: u16 = 10;

    /// The program's arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let single = [
            ("--ca", path(&self.ca)),
            ("--netns", path(&self.netns)),
            ("--timeout", self.timeout.map(|seconds| seconds.to_string())),
            ("--uid", self.uid.map(|uid| uid.to_string())),
            ("--gid", self.gid.map(|gid| gid.to_string())),
        ];
        let single = single.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let several = |key, values: &[String]| values.iter().cloned().map(|it| (key, it)).collect::<Vec<_>>();
        let all = single.chain(several("--allow", &self.allow)).chain(several("--resolve", &self.resolve));
        all.map(|(key, value)| format!("{key}={value}")).collect()
    }

    /// # Errors
    /// The first value that makes no sense.
    pub(super) fn check(&self) -> Result<(), String> {
        let bad = |key: &str, value: &dyn fmt::Debug, expected| {
            format!("{key}: {value:?} is not valid (expected {expected})")
        };
        for (key, path) in [("program", &self.program), ("ca", &self.ca), ("netns", &self.netns)] {
            if let Some(path) = path.as_ref().filter(|path| !path.is_absolute()) {
                return Err(bad(key, path, "a path that begins with /"));
            }
        }
        let block = |text: &String| {
            let (address, length) = text.split_once('/')?;
            let most = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
            length.parse::<u8>().ok().filter(|length| *length <= most)
        };
        if let Some(text) = self.allow.iter().find(|text| block(text).is_none()) {
            return Err(bad("allow", text, "ADDRESS/LEN, such as 10.0.0.0/8"));
        }
        let fixed = |text: &String| text.split_once('=').and_then(|(_, address)| address.parse::<SocketAddr>().ok());
        if let Some(text) = self.resolve.iter().find(|text| fixed(text).is_none()) {
            return Err(bad("resolve", text, "NAME=ADDRESS:PORT, such as a.example=192.0.2.1:443"));
        }
        if let Some(seconds) = self.timeout.filter(|seconds| !(1..=60).contains(seconds)) {
            return Err(bad("timeout", &seconds, "1 to 60"));
        }
        match [("uid", self.uid), ("gid", self.gid)].into_iter().find(|(_, id)| *id == Some(0)) {
            Some((key, _)) => Err(bad(key, &0, "one that is not root's")),
            None => Ok(()),
        }
    }
}

/// As in a file: a word, or a table.
impl Serialize for PvdFetch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PvdFetch::Off => serializer.serialize_str("off"),
            PvdFetch::On(how) if **how == FetchSettings::default() => serializer.serialize_str("on"),
            PvdFetch::On(how) => how.serialize(serializer),
        }
    }
}

/// For people: `off`, `on`, or what the program is told.
impl fmt::Display for PvdFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PvdFetch::On(how) = self else { return f.write_str("off") };
        f.write_str("on")?;
        let program = how.program.iter().map(|program| format!("program={}", program.display()));
        program.chain(how.arguments()).try_for_each(|said| write!(f, " {}", said.trim_start_matches('-')))
    }
}

#[cfg(test)]
mod test {
    use super::super::{Config, Settings};
    use super::*;

    fn read(lines: &str) -> Result<Option<PvdFetch>, String> {
        let config = Config::parse("weft.toml", &format!("[daemon]\n{lines}\n"));
        config.map(|config| config.settings.pvd_fetch).map_err(|why| why.to_string())
    }

    #[test]
    fn test_it_is_a_word_or_a_table() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("pvd-fetch = \"off\""), Ok(Some(PvdFetch::Off)));
        assert_eq!(read("pvd-fetch = \"on\""), Ok(Some(PvdFetch::On(Box::default()))));
        assert_eq!(read("pvd-fetch = {}"), Ok(Some(PvdFetch::On(Box::default()))));
        let table = "[daemon.pvd-fetch]\nca = \"/ca.pem\"\nallow = [\"10.0.0.0/8\", \"fd00::/8\"]\ntimeout = 5\n\
                     resolve = [\"a.example=[::1]:443\"]\nuid = 7\ngid = 8\nnetns = \"/n\"\nprogram = \"/p\"";
        let Ok(Some(PvdFetch::On(how))) = read(table) else { panic!("{table}") };
        let arguments = ["--ca=/ca.pem", "--netns=/n", "--timeout=5", "--uid=7", "--gid=8", "--allow=10.0.0.0/8"];
        assert_eq!(how.arguments()[..6], arguments);
        assert_eq!(how.arguments()[6..], ["--allow=fd00::/8", "--resolve=a.example=[::1]:443"]);
        let said = PvdFetch::On(how);
        assert!(said.to_string().starts_with("on program=/p ca=/ca.pem netns=/n timeout=5 "), "{said}");
        let settings = Settings { pvd_fetch: Some(said.clone()), ..Settings::default() };
        let text = Config::text(&switch::Desired::default(), &settings).unwrap();
        assert_eq!(Config::parse("again", &text).unwrap().settings.pvd_fetch, Some(said), "{text}");
    }

    #[test]
    fn test_mistakes_are_told_before_anything_is_started() {
        for (said, expected) in [
            ("\"yes\"", "\"yes\" is not valid (expected \"off\", \"on\", or how in a table)"),
            ("true", "true is not valid"),
            ("{ proxy = \"x\" }", "unknown field `proxy`"),
            ("{ ca = 7 }", "invalid type"),
            ("{ ca = \"ca.pem\" }", "ca: \"ca.pem\" is not valid (expected a path that begins with /)"),
            ("{ allow = [\"10.0.0.0/33\"] }", "allow: \"10.0.0.0/33\" is not valid (expected ADDRESS/LEN"),
            ("{ resolve = [\"a.example=::1\"] }", "resolve: \"a.example=::1\" is not valid"),
            ("{ timeout = 0 }", "timeout: 0 is not valid (expected 1 to 60)"),
            ("{ uid = 0 }", "uid: 0 is not valid (expected one that is not root's)"),
        ] {
            let why = read(&format!("pvd-fetch = {said}")).unwrap_err();
            assert!(why.contains(":2: daemon: pvd-fetch: ") && why.contains(expected), "{said}: {why}");
        }
    }
}
