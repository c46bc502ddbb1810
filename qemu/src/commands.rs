// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The host's half of the guest's command line; `guest/commands` is the other half and documents the lines.

use crate::base64;

/// Printed by the guest once a boot, when it takes commands.
pub(crate) const READY: &str = "weft-ready";

/// Exit status of a script that was killed: 128 + SIGKILL.
pub(crate) const KILLED: i32 = 137;

/// Longest script: what a guest's terminal buffers while its shell reads byte by byte.
pub(crate) const SCRIPT_MAX: usize = 32 << 10;

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Its exit status; 137 when it was killed.
    pub status: i32,
    /// Standard output, byte by byte.
    pub stdout: Vec<u8>,
    /// Standard error, byte by byte.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, without white space at its end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Both outputs as text, for messages.
    pub(crate) fn all(&self) -> String {
        let (out, err) = (String::from_utf8_lossy(&self.stdout), String::from_utf8_lossy(&self.stderr));
        format!("{}\n{}", out.trim(), err.trim()).trim().to_owned()
    }
}

/// The line that starts a script.
pub(crate) fn request(id: u64, seconds: u64, script: &str) -> String {
    format!("{id} {seconds} {}", base64::encode(script.as_bytes()))
}

/// Collects the lines of one answer. Lines that belong to no answer, or to an older one, are passed over.
#[derive(Debug)]
pub(crate) struct Answer {
    id: u64,
    part: Part,
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Before,
    Stdout,
    Stderr,
}

impl Answer {
    pub(crate) fn new(id: u64) -> Answer {
        Answer { id, part: Part::Before, output: Output::default() }
    }

    /// Takes a line; gives the output when it was the last one.
    pub(crate) fn take(&mut self, line: &str) -> Option<Output> {
        if let Some(rest) = line.strip_prefix("weft-begin ") {
            self.begin(rest);
        } else if self.part == Part::Before {
            return None;
        } else if line == "weft-out" {
            self.part = Part::Stdout;
        } else if line == "weft-err" {
            self.part = Part::Stderr;
        } else if line == format!("weft-end {}", self.id) {
            return Some(std::mem::take(&mut self.output));
        } else {
            self.data(line);
        }
        None
    }

    fn begin(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let id = words.next().and_then(|word| word.parse().ok());
        if id == Some(self.id) {
            self.part = Part::Stdout;
            self.output =
                Output { status: words.next().and_then(|word| word.parse().ok()).unwrap_or(-1), ..Output::default() };
        }
    }

    fn data(&mut self, line: &str) {
        let out = if self.part == Part::Stdout { &mut self.output.stdout } else { &mut self.output.stderr };
        // A line that is no base64 never comes from our script; leaving it out shows as a difference in the output.
        let _ = base64::decode_into(line, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_picked_out_of_older_ones_and_noise() {
        let mut answer = Answer::new(7);
        let lines = "noise\nweft-begin 6 0\nweft-out\nb2xk\nweft-err\nweft-end 6\n\
                     weft-begin 7 3\nweft-out\naGVs\nbG8K\nweft-err\nb29wcw==\nweft-end 7";
        let outputs: Vec<Output> = lines.lines().filter_map(|line| answer.take(line)).collect();
        assert_eq!(outputs, [Output { status: 3, stdout: b"hello\n".to_vec(), stderr: b"oops".to_vec() }]);
        assert_eq!(outputs[0].text(), "hello");
        assert_eq!(outputs[0].all(), "hello\noops");
    }

    #[test]
    fn a_request_is_one_line_whatever_the_script() {
        assert_eq!(request(1, 30, "echo a\necho 'b'"), "1 30 ZWNobyBhCmVjaG8gJ2In");
    }
}
