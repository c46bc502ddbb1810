// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `limits` of a port or a namespace: each a number a second, or a text such as `"10k"` or `"125M:2M"`.

use super::mistake::Mistake;
use ctl::proto::v1::{self, BadRate};
use serde::Deserialize;
use switch::{Limit, Rate};
use toml::Spanned;

/// A rate and its place.
type Place = Spanned<Said>;

/// What TOML can express of a rate.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a rate is a number such as 10000, or a text such as \"10k\"")]
enum Said {
    Number(i64),
    Text(String),
}

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    tx_frames: Option<Place>,
    tx_bytes: Option<Place>,
    rx_frames: Option<Place>,
    rx_bytes: Option<Place>,
    flood_frames: Option<Place>,
    flood_bytes: Option<Place>,
}

impl Limits {
    fn all(&self) -> impl Iterator<Item = (Limit, &Place)> {
        let all = [
            (Limit::TxFrames, &self.tx_frames),
            (Limit::TxBytes, &self.tx_bytes),
            (Limit::RxFrames, &self.rx_frames),
            (Limit::RxBytes, &self.rx_bytes),
            (Limit::FloodFrames, &self.flood_frames),
            (Limit::FloodBytes, &self.flood_bytes),
        ];
        all.into_iter().filter_map(|(limit, place)| Some((limit, place.as_ref()?)))
    }

    /// What they mean.
    pub(super) fn meaning(&self) -> Result<switch::Limits, Mistake> {
        let mut limits = switch::Limits::default();
        for (limit, place) in self.all() {
            limits.set(limit, Some(rate(limit, place)?));
        }
        Ok(limits)
    }

    /// Where each stands, for refusals of the switch.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, std::ops::Range<usize>)> {
        self.all().map(|(limit, place)| (limit.name(), place.span()))
    }
}

fn rate(limit: Limit, place: &Place) -> Result<Rate, Mistake> {
    let (given, quoted) = match place.get_ref() {
        Said::Number(number) => (number.to_string(), number.to_string()),
        Said::Text(text) => (text.clone(), format!("{text:?}")),
    };
    let bad = |BadRate| format!("{quoted} is not a rate (expected {})", BadRate::EXPECTED);
    let v1::Rate { rate, burst } = given.parse().map_err(|why| Mistake::new(place.span(), bad(why)))?;
    Ok(Rate { per_second: rate, burst: burst.unwrap_or_else(|| limit.burst_default(rate)) })
}
