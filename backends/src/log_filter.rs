// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What may stand as a log filter, in the configuration, on the command line and in `weft log set`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A level for everything, `module=level`, or several of these with commas between. A word alone that is no level would be taken
/// for a module of which everything is logged, and nothing of all others: whoever mistypes a level would not hear of it.
pub(crate) fn parse(text: &str) -> Option<EnvFilter> {
    let means_something = |part: &str| part.contains('=') || !part.is_empty() && part.parse::<LevelFilter>().is_ok();
    let filter = EnvFilter::try_new(text).ok()?;
    text.split(',').all(means_something).then_some(filter)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_mistyped_level_is_not_taken_for_a_module() {
        for good in ["info", "WARN", "off", "info,backends=debug", "backends::lane=trace"] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in ["inof", "backends", "info,switch", "backends=loud", "", "info,"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
