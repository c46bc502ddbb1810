// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Figures: one of a run, and what the runs of all rounds say together.

use serde_json::{Value, json};
use std::fmt;

/// What one run measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Frames a second through the switch.
    pub(crate) rate: f64,
    /// Busy cycles a frame, by the switch's own account.
    pub(crate) cycles: Option<f64>,
    /// Cores that the switch's process kept busy, all its threads together.
    pub(crate) cpu: f64,
    /// Bytes resident in its own memory, the guests' not counted.
    pub(crate) memory: u64,
}

impl Sample {
    /// As JSON.
    pub(crate) fn to_json(self) -> Value {
        json!({ "rate": self.rate, "cycles": self.cycles, "cpu": self.cpu, "memory": self.memory })
    }

    /// Out of what [`Sample::to_json`] made.
    pub(crate) fn from_json(value: &Value) -> Option<Sample> {
        Some(Sample {
            rate: value["rate"].as_f64()?,
            cycles: value["cycles"].as_f64(),
            cpu: value["cpu"].as_f64()?,
            memory: value["memory"].as_u64()?,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} Mpps, ", self.rate / 1e6)?;
        if let Some(cycles) = self.cycles {
            write!(f, "{cycles:.0} busy cycles a frame, ")?;
        }
        write!(f, "{:.1} % of a core, {} MiB", self.cpu * 100.0, self.memory >> 20)
    }
}

/// A figure over some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figure {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Figure {
    /// None without values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Figure> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let low = if values.len().is_multiple_of(2) { values[middle - 1] } else { values[middle] };
        Some(Figure { median: f64::midpoint(low, values[middle]), min, max })
    }

    /// From the smallest to the largest, in hundredths of the median.
    pub(crate) fn spread_percent(&self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.max - self.min) / self.median * 100.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn medians_of_odd_and_even_numbers_of_rounds() {
        let median = |values: &[f64]| Figure::of(values.iter().copied()).map(|figure| figure.median);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn the_spread_is_a_share_of_the_median() {
        let figure = Figure::of([9.0, 10.0, 11.0]).expect("three values");
        assert_eq!((figure.min, figure.max, figure.spread_percent()), (9.0, 11.0, 20.0));
    }
}
