// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Lanes as texts: a kind, behind a colon what it is about, behind commas what else there is to say.

use super::{AutoLane, Faults, LaneSpec};
use crate::pci::PciAddress;
use crate::refusal::Refusal;
use crate::spec::Mode;
use std::fmt;
use std::str::FromStr;

/// The one kind behind which another lane stands.
const FAULT: &str = "fault";

/// Of each kind, what can be said.
const FORMS: [(&str, &str); 10] = [
    ("dgram", "dgram:PATH,peer=PATH"),
    ("stream", "stream:PATH[,mode=server|client]"),
    ("packet", "packet:NETDEV"),
    ("tap", "tap:NAME[,queues=NUMBER]"),
    ("null", "null"),
    ("loopback", "loopback"),
    ("pcap", "pcap:PATH[,read=PATH]"),
    (FAULT, "fault:SEED[,loss=N][,dup=N][,reorder=N]:LANE, N of 1000 frames each"),
    ("bypass", "bypass:PCI, such as bypass:0000:65:00.1"),
    ("auto", "auto[,iface=NETDEV][,mac=MAC][,force][,ignore=NETDEV+NETDEV...]"),
];

/// A text, taken apart. What is asked for is taken out, so that what remains is what nobody knows.
struct Parts<'a> {
    field: &'a str,
    whole: &'a str,
    form: &'static str,
    about: Option<&'a str>,
    /// The lane that stands behind.
    inner: Option<&'a str>,
    options: Vec<(&'a str, Option<&'a str>)>,
}

impl LaneSpec {
    /// Reads a lane.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with `field`: there is no such kind, it is said in another way, or a value is out of bounds.
    pub fn parse(field: &str, text: &str) -> Result<LaneSpec, Refusal> {
        let end = text.find([':', ',']).unwrap_or(text.len());
        let (kind, rest) = text.split_at(end);
        let known = FORMS.into_iter().find(|(known, _)| *known == kind);
        let (_, form) = known.ok_or_else(|| Refusal::invalid(field, text, kinds()))?;
        let (rest, inner) = if kind == FAULT { split_inner(rest) } else { (rest, None) };
        let mut parts = Parts { inner, ..Parts::new(field, text, form, rest) };
        let lane = parts.lane(kind)?;
        parts.finish()?;
        lane.check(field)?;
        Ok(lane)
    }
}

impl<'a> Parts<'a> {
    fn new(field: &'a str, whole: &'a str, form: &'static str, rest: &'a str) -> Parts<'a> {
        let mut pieces = rest.split(',');
        let about = pieces.next().and_then(|first| first.strip_prefix(':'));
        let options =
            pieces.map(|piece| piece.split_once('=').map_or((piece, None), |(key, value)| (key, Some(value))));
        Parts { field, whole, form, about, inner: None, options: options.collect() }
    }

    fn lane(&mut self, kind: &str) -> Result<LaneSpec, Refusal> {
        Ok(match kind {
            "dgram" => LaneSpec::Dgram { path: self.about()?, peer: self.value("peer")?.ok_or_else(|| self.bad())? },
            "stream" => LaneSpec::Stream { path: self.about()?, mode: self.mode()? },
            "packet" => LaneSpec::Packet { netdev: self.about()? },
            "tap" => LaneSpec::Tap { name: self.about()?, queues: self.parsed("queues")?.unwrap_or(1) },
            "null" => LaneSpec::Null,
            "loopback" => LaneSpec::Loopback,
            "pcap" => LaneSpec::Pcap { path: self.about()?, read: self.value("read")? },
            FAULT => LaneSpec::Fault { faults: self.faults()?, lane: Box::new(self.inner()?) },
            "bypass" => LaneSpec::Bypass { pci: self.about()?.parse::<PciAddress>().map_err(|_| self.bad())? },
            _ => LaneSpec::Auto(AutoLane {
                iface: self.value("iface")?,
                mac: self.parsed("mac")?,
                force: self.flag("force")?,
                ignore: self.value("ignore")?.iter().flat_map(|names| names.split('+')).map(str::to_owned).collect(),
            }),
        })
    }

    /// What the lane is about.
    fn about(&mut self) -> Result<String, Refusal> {
        self.about.take().map(str::to_owned).ok_or_else(|| self.bad())
    }

    fn faults(&mut self) -> Result<Faults, Refusal> {
        let seed = self.about()?.parse().map_err(|_| self.bad())?;
        let mut share = |word| self.parsed(word).map(Option::unwrap_or_default);
        Ok(Faults { seed, loss: share("loss")?, dup: share("dup")?, reorder: share("reorder")? })
    }

    /// The lane that stands behind; never another of the same kind, whose text might have no end.
    fn inner(&mut self) -> Result<LaneSpec, Refusal> {
        let inner = self.inner.filter(|inner| !inner.starts_with(FAULT)).ok_or_else(|| self.bad())?;
        LaneSpec::parse(self.field, inner)
    }

    fn take(&mut self, key: &str) -> Option<Option<&'a str>> {
        let at = self.options.iter().position(|(name, _)| *name == key)?;
        Some(self.options.remove(at).1)
    }

    fn value(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        let Some(said) = self.take(key) else { return Ok(None) };
        said.map(|value| Some(value.to_owned())).ok_or_else(|| self.bad())
    }

    fn parsed<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, Refusal> {
        self.value(key)?.map(|value| value.parse().map_err(|_| self.bad())).transpose()
    }

    fn flag(&mut self, key: &str) -> Result<bool, Refusal> {
        match self.take(key) {
            None => Ok(false),
            Some(None) => Ok(true),
            Some(Some(_)) => Err(self.bad()),
        }
    }

    fn mode(&mut self) -> Result<Mode, Refusal> {
        let Some(word) = self.value("mode")? else { return Ok(Mode::Server) };
        [Mode::Server, Mode::Client].into_iter().find(|mode| mode.as_str() == word).ok_or_else(|| self.bad())
    }

    /// Refuses what was said and nobody asked for, be it unknown or there twice.
    fn finish(self) -> Result<(), Refusal> {
        if self.about.is_none() && self.options.is_empty() { Ok(()) } else { Err(self.bad()) }
    }

    fn bad(&self) -> Refusal {
        Refusal::invalid(self.field, self.whole, self.form)
    }
}

/// What is said of the lane itself, and the one that stands behind.
fn split_inner(rest: &str) -> (&str, Option<&str>) {
    let end = rest.match_indices(':').nth(1);
    end.map_or((rest, None), |(at, _)| (&rest[..at], Some(&rest[at + 1..])))
}

fn kinds() -> String {
    let words: Vec<&str> = FORMS.into_iter().map(|(kind, _)| kind).collect();
    let (last, others) = words.split_last().unwrap_or((&"", &[]));
    format!("a lane such as packet:NETDEV, of the kind {} or {last}", others.join(", "))
}

impl FromStr for LaneSpec {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<LaneSpec, Refusal> {
        LaneSpec::parse("lane", text)
    }
}

/// As [`LaneSpec::parse`] reads it; what has its default is left out.
impl fmt::Display for LaneSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            LaneSpec::Dgram { path, peer } => write!(f, ":{path},peer={peer}"),
            LaneSpec::Stream { path, mode: Mode::Server } => write!(f, ":{path}"),
            LaneSpec::Stream { path, mode } => write!(f, ":{path},mode={}", mode.as_str()),
            LaneSpec::Packet { netdev } => write!(f, ":{netdev}"),
            LaneSpec::Tap { name, queues: 1 } => write!(f, ":{name}"),
            LaneSpec::Tap { name, queues } => write!(f, ":{name},queues={queues}"),
            LaneSpec::Null | LaneSpec::Loopback => Ok(()),
            LaneSpec::Pcap { path, read: None } => write!(f, ":{path}"),
            LaneSpec::Pcap { path, read: Some(read) } => write!(f, ":{path},read={read}"),
            LaneSpec::Fault { faults, lane } => write!(f, "{faults}:{lane}"),
            LaneSpec::Bypass { pci } => write!(f, ":{pci}"),
            LaneSpec::Auto(auto) => auto.fmt(f),
        }
    }
}

/// What stands behind the kind.
impl fmt::Display for AutoLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iface.iter().try_for_each(|iface| write!(f, ",iface={iface}"))?;
        self.mac.iter().try_for_each(|mac| write!(f, ",mac={mac}"))?;
        f.write_str(if self.force { ",force" } else { "" })?;
        let ignored: Vec<&str> = self.ignore.iter().map(String::as_str).collect();
        if ignored.is_empty() { Ok(()) } else { write!(f, ",ignore={}", ignored.join("+")) }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn test_every_kind_is_written_as_it_is_read() {
        for text in [
            "dgram:/run/a.sock,peer=/run/b.sock",
            "stream:/run/a.sock",
            "stream:/run/a.sock,mode=client",
            "packet:eth1",
            "packet:enp101s0f0v1",
            "tap:tap0",
            "tap:tap0,queues=4",
            "null",
            "loopback",
            "pcap:/tmp/a.pcap",
            "pcap:/tmp/a.pcap,read=/tmp/b.pcap",
            "fault:7:null",
            "fault:7,loss=10,dup=5,reorder=985:dgram:/run/a.sock,peer=/run/b.sock",
            "fault:0,dup=1:tap:tap0,queues=4",
            "bypass:0000:65:00.1",
            "auto",
            "auto,iface=eth1,mac=02:00:00:00:00:01,force,ignore=eth2+eth3",
        ] {
            let lane: LaneSpec = text.parse().unwrap();
            assert_eq!(lane.to_string(), text);
            assert!(text.starts_with(lane.kind()));
        }
        assert_eq!("stream:/a,mode=server".parse::<LaneSpec>().unwrap().to_string(), "stream:/a");
        assert_eq!("tap:a,queues=1".parse::<LaneSpec>().unwrap().to_string(), "tap:a");
        let swapped = "auto,ignore=b+a+b,force".parse::<LaneSpec>().unwrap();
        assert_eq!(swapped.to_string(), "auto,force,ignore=a+b");
    }

    #[test]
    fn test_a_mistake_is_answered_with_what_would_have_been_right() {
        let why = |text: &str| LaneSpec::parse("vf", text).unwrap_err().to_string();
        assert_eq!(why("dgram:/a"), r#"vf: "dgram:/a" is not valid (expected dgram:PATH,peer=PATH)"#);
        let kinds = "dgram, stream, packet, tap, null, loopback, pcap, fault, bypass or auto";
        let expected =
            format!(r#"vf: "veth" is not valid (expected a lane such as packet:NETDEV, of the kind {kinds})"#);
        assert_eq!(why("veth"), expected);
        assert!(why("dgram:/a,peer=/a").ends_with("(expected a peer with another path than the lane's own)"));
        assert!(why("dgram:a,peer=/b").ends_with("(expected the absolute path of a Unix socket)"));
        assert!(why("tap:t,queues=9").starts_with(r#"vf queues: "9" is not valid (expected 1 to 8)"#));
        assert!(why("packet:0123456789abcdef").contains("1 to 15 letters"));
        assert!(why("auto,mac=ff:ff:ff:ff:ff:ff").starts_with("vf mac:"));
        assert!(
            why("fault:1,loss=600,dup=401:null").ends_with("(expected loss, dup and reorder of together at most 1000)")
        );
        assert!(why("fault:1:auto").ends_with("(expected faults of another lane than auto, bypass or fault)"));
        assert!(why("fault:1:tap:t,queues=9").starts_with(r#"vf queues: "9" is not valid"#));
        assert!(why("auto,iface=eth1,ignore=eth1").starts_with("vf iface:"));
    }

    #[test]
    fn test_what_is_not_known_or_there_twice_is_refused() {
        for bad in [
            "",
            ":",
            "null:x",
            "null,x",
            "loopback:",
            "packet",
            "packet:",
            "packet:a b",
            "packet:a/b",
            "packet:..",
            "packet:eth%d",
            "packet:eth0,queues=2",
            "tap:a,queues=0",
            "tap:a,queues=-1",
            "tap:a,queues",
            "stream:/a,mode=both",
            "stream:/a,mode=server,mode=server",
            "stream:/a/",
            "dgram:/a,peer=/b,peer=/c",
            "pcap:a.pcap",
            "pcap:/a,read=",
            "fault",
            "fault:7",
            "fault:7:",
            "fault:x:null",
            "fault::null",
            "fault:7,loss:null",
            "fault:7,loss=1,loss=1:null",
            "fault:7,loss=70000:null",
            "fault:7,late=1:null",
            "fault:7:fault:7:null",
            "fault:7:bypass:0000:65:00.1",
            "fault:7:dgram:/a",
            "bypass:65:00.1",
            "auto:eth0",
            "auto,force=yes",
            "auto,ignore=",
            "auto,ignore=a++b",
            "auto,iface=",
            "auto,mac=02:00",
            "Auto",
            "null\0",
        ] {
            assert!(matches!(bad.parse::<LaneSpec>(), Err(Refusal::Invalid { .. })), "{bad:?}");
        }
        let names: Vec<String> = (0..=crate::limits::AUTO_IGNORE_MAX).map(|i| format!("eth{i}")).collect();
        let many = format!("auto,ignore={}", names.join("+"));
        assert!(many.parse::<LaneSpec>().unwrap_err().to_string().contains("at most 16"));
    }

    proptest! {
        #[test]
        fn test_whatever_is_read_is_written_so_that_it_is_read_again(
            kind in "dgram|stream|packet|tap|null|loopback|pcap|fault|bypass|auto",
            rest in "(:|,)?[a-z0-9:./=,+]{0,40}",
        ) {
            let text = kind + &rest;
            if let Ok(lane) = text.parse::<LaneSpec>() {
                prop_assert_eq!(lane.to_string().parse::<LaneSpec>(), Ok(lane));
            }
        }
    }
}
