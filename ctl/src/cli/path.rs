// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Paths that weftd is to use.

use std::path::{PathBuf, absolute};

use super::failure::Failure;

/// A relative path is meant from where the operator stands, which the daemon cannot know.
pub(super) fn for_daemon(path: PathBuf) -> Result<String, Failure> {
    let whole = absolute(&path).map_err(|source| Failure::Input { file: path, source })?;
    let text = whole.into_os_string().into_string();
    text.map_err(|wrong| Failure::Usage(format!("the path {} is not UTF-8", PathBuf::from(wrong).display())))
}
