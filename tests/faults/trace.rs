//! What strace wrote down, read as calls with their beginning and end.

use std::{collections::HashMap, fs, path::Path};

use crate::scene::patiently;

/// A system call.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    /// The path of the file descriptor that stands first among its arguments; empty when there is none.
    pub path: String,
    /// The file descriptor that stands first among its arguments.
    pub fd: Option<i64>,
    /// Every text among its arguments, in order.
    pub texts: Vec<Vec<u8>>,
    /// The arguments as they were written, texts taken out.
    pub rest: String,
    pub result: Option<i64>,
    /// The line in which it began, and the one in which it ended; never, for one that a kill cut short.
    pub began: usize,
    pub ended: usize,
}

impl Call {
    pub fn succeeded(&self) -> bool {
        self.result.is_some_and(|result| result >= 0)
    }

    /// All its texts as one.
    pub fn bytes(&self) -> Vec<u8> {
        self.texts.concat()
    }

    /// Its numbers, after the file descriptor and the texts.
    pub fn numbers(&self) -> Vec<i64> {
        self.rest.split(',').filter_map(|part| part.trim().parse().ok()).collect()
    }

    /// Whether it wrote to a file or a socket.
    pub fn writes(&self) -> bool {
        matches!(self.name.as_str(), "write" | "pwrite64" | "writev" | "sendto" | "sendmsg")
    }

    /// Whether it brought a file to the disk.
    pub fn syncs(&self) -> bool {
        matches!(self.name.as_str(), "fdatasync" | "fsync") && self.result == Some(0)
    }
}

/// The options of strace with which [`read`] can read what it wrote: texts in hexadecimal and whole, paths of descriptors.
pub fn options<'a>(out: &'a str, calls: &'a str) -> Vec<&'a str> {
    vec!["strace", "-D", "-f", "-y", "-xx", "-s", "33554432", "-e", calls, "-o", out]
}

/// Reads a trace once the traced process has ended and strace has written that down.
pub fn read(file: &Path, process: u32) -> Vec<Call> {
    let text = patiently("strace writes down the end", || {
        let text = fs::read_to_string(file).ok()?;
        // The end of the process comes after those of its threads.
        let is_end = |line: &str| {
            let said = line.strip_prefix(&process.to_string()).and_then(|said| said.strip_prefix(' '));
            said.is_some_and(|said| said.trim_start().starts_with("+++ "))
        };
        text.lines().rev().take(9).any(is_end).then_some(text)
    });
    let (mut calls, mut open): (Vec<Call>, HashMap<&str, usize>) = (Vec::new(), HashMap::new());
    for (at, line) in text.lines().enumerate() {
        let Some((thread, said)) = line.split_once(' ') else { continue };
        let said = said.trim_start();
        if let Some(resumed) = said.strip_prefix("<... ") {
            if let Some(call) = open.remove(thread) {
                finish(&mut calls[call], resumed, at);
            }
        } else if let Some((name, arguments)) = said.split_once('(') {
            let mut call = begin(name, arguments, at);
            if arguments.ends_with("<unfinished ...>") {
                open.insert(thread, calls.len());
            } else {
                finish(&mut call, arguments, at);
            }
            calls.push(call);
        }
    }
    calls
}

fn begin(name: &str, arguments: &str, began: usize) -> Call {
    let (mut texts, mut rest) = (Vec::new(), String::new());
    let arguments = arguments.rsplit_once(" = ").map_or(arguments, |(before, _)| before.trim_end().trim_end_matches(')'));
    let arguments = arguments.trim_end_matches("<unfinished ...>").trim_end();
    for (nth, part) in arguments.split('"').enumerate() {
        match nth % 2 {
            0 => rest.push_str(part),
            _ => texts.push(unescape(part)),
        }
    }
    let first = rest.split(',').next().unwrap_or_default().to_owned();
    let (fd, path) = first.split_once('<').unwrap_or((&first, ""));
    let path = String::from_utf8_lossy(&unescape(path.trim_end_matches('>'))).into_owned();
    Call { name: name.to_owned(), path, fd: fd.trim().parse().ok(), texts, rest, result: None, began, ended: usize::MAX }
}

fn finish(call: &mut Call, line: &str, at: usize) {
    let Some((_, result)) = line.rsplit_once(" = ") else { return };
    let number: String = result.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
    call.result = number.parse().ok();
    if call.result.is_some() {
        call.ended = at;
    }
}

/// `\x41\x42` and, where strace writes it, plain text.
fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (hex, plain) = part.split_at(2.min(part.len()));
        bytes.push(u8::from_str_radix(hex, 16).expect("strace writes hexadecimal"));
        bytes.extend(plain.bytes());
    }
    bytes
}
