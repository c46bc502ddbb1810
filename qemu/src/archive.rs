// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Debian packages into the cache: fetched with `apt-get download`, unpacked with `dpkg-deb`. Neither installs anything
//! or needs root.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::program;
use crate::progress::{Progress, Step};

/// Builds a folder of the cache under another name and renames it when `fill` is done.
pub(crate) fn publish(folder: &Path, fill: impl FnOnce(&Path) -> Result<(), Error>) -> Result<(), Error> {
    let staging = folder.with_file_name("partial");
    let _ = fs::remove_dir_all(&staging);
    fs::create_dir_all(&staging).map_err(Error::file(&staging))?;
    fill(&staging)?;
    let _ = fs::remove_dir_all(folder);
    fs::rename(&staging, folder).map_err(Error::file(folder))
}

/// A folder of the cache that is removed when this is dropped: an unpacked package.
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// Where its files are.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Fetches a package and unpacks it into a folder of its own.
pub(crate) fn download(cache: &Path, package: &str, progress: Progress<'_>) -> Result<Tree, Error> {
    let tree = Tree(cache.join("unpacked"));
    let _ = fs::remove_dir_all(&tree.0);
    download_into(&tree.0, cache, package, progress)?;
    Ok(tree)
}

/// Fetches a package and unpacks it over what is in `folder`. `package` may name a release too: `seabios/bookworm`.
pub(crate) fn download_into(folder: &Path, cache: &Path, package: &str, progress: Progress<'_>) -> Result<(), Error> {
    let fetched = Tree(cache.join("fetched"));
    let _ = fs::remove_dir_all(&fetched.0);
    for folder in [folder, &fetched.0] {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    let file = fetch(&fetched.0, package, progress)?;
    progress(Step::Unpacking { package: package.to_owned() });
    program::run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder), "dpkg")
        .map_err(|reason| reason.about(package))?;
    Ok(())
}

fn fetch(folder: &Path, package: &str, progress: Progress<'_>) -> Result<PathBuf, Error> {
    let report = |percent| progress(Step::Downloading { package: package.to_owned(), percent });
    report(0);
    let mut reported = 0;
    let errors = folder.join("errors");
    let stderr = fs::File::create(&errors).map_err(Error::file(&errors))?;
    let mut child = Command::new("apt-get")
        .args(["download", "-q", "-o", "APT::Status-Fd=1", package])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(|_| Error::NoProgram { program: "apt-get".into(), package: "apt (a Debian machine)".into() })?;
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
        if let Some(percent) = percent_of(&line).filter(|&percent| percent > reported) {
            reported = percent;
            report(percent);
        }
    }
    let status = child.wait().map_err(Error::file(folder))?;
    let file = fs::read_dir(folder).map_err(Error::file(folder))?.filter_map(Result::ok).map(|entry| entry.path());
    match file.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb")) {
        Some(file) if status.success() => Ok(file),
        _ => Err(Error::Package {
            package: package.to_owned(),
            reason: format!(
                "apt-get download failed; run `apt-get update` and try again: {}",
                fs::read_to_string(&errors).unwrap_or_default().trim()
            ),
        }),
    }
}

/// `dlstatus:1:42.5:Retrieving file 1 of 1` is apt's way to say 42 %.
fn percent_of(line: &str) -> Option<u8> {
    let percent = line.strip_prefix("dlstatus:")?.split(':').nth(1)?;
    percent.parse::<f32>().ok().map(|percent| percent.clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_apt_is_understood() {
        assert_eq!(percent_of("dlstatus:1:42.7:Retrieving file 1 of 1"), Some(42));
        assert_eq!(percent_of("Get:1 http://deb.debian.org bookworm/main"), None);
    }
}
