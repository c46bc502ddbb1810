// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From octets, wherever they are cut, to lines.

/// Octets of a line at most, its end not counted. QEMU's answers to our questions have a few hundred.
pub(super) const LINE_MAX: usize = 1 << 20;

/// What has come in and is no whole line yet. It never holds more than a line and what was read with its end.
#[derive(Debug, Default)]
pub(super) struct Lines {
    octets: Vec<u8>,
    /// The next line begins here.
    start: usize,
    /// There is no end of a line before this.
    looked: usize,
}

/// A line has no end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    /// Takes in what was read. To be called when there is no whole line left.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.drain(..self.start);
        (self.looked, self.start) = (self.looked - self.start, 0);
        self.octets.extend_from_slice(octets);
    }

    /// The next line without its end; `None`: more must be read first.
    pub(super) fn pull(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(len) = self.octets[self.looked..].iter().position(|octet| *octet == b'\n') else {
            self.looked = self.octets.len();
            return if self.looked - self.start > LINE_MAX { Err(TooLong) } else { Ok(None) };
        };
        let (start, end) = (self.start, self.looked + len);
        (self.start, self.looked) = (end + 1, end + 1);
        if end - start > LINE_MAX {
            return Err(TooLong);
        }
        let line = &self.octets[start..end];
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}
