//! An Extron matrix switcher: a greeting, a password, then SIS commands, each answered by a line.

use super::state::{Extron, Output};
use super::{Asked, Said};
use crate::credentials::EXTRON_PASSWORD;
use crate::reply::Fail;
use crate::world::World;

const PROMPT: &str = "\r\nPassword:";
const VERSION: &str = "1.07";
/// The signs that end a command.
const SIGNS: &[u8] = b"!%$&QNIVZB";

/// One connection.
#[derive(Default)]
pub(super) struct Talk {
    logged_in: bool,
}

/// An error as SIS tells it.
type Refused = &'static str;

impl super::Talk for Talk {
    fn greeting(&mut self, _: &World) -> Vec<u8> {
        let who = "(c) Copyright 2024, Extron Electronics, DTP CrossPoint 84, V1.07, 60-1381-01";
        format!("\r\n{who}\r\nMon, 06 Jan 2025 08:00:00\r\n{PROMPT}").into_bytes()
    }

    fn take(&mut self, read: &mut Vec<u8>) -> Option<Asked> {
        if !self.logged_in {
            let end = read.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
            let bytes: Vec<u8> = read.drain(..=end).collect();
            return Some(Asked {
                path: "/password".to_owned(),
                bytes: bytes.trim_ascii().to_vec(),
            });
        }
        // Line ends between commands mean nothing.
        let begin = read
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())
            .unwrap_or(read.len());
        read.drain(..begin);
        let end = read
            .iter()
            .position(|byte| SIGNS.contains(byte) || !(byte.is_ascii_digit() || *byte == b'*'))?;
        let bytes: Vec<u8> = read.drain(..=end).collect();
        let path = match bytes.last() {
            Some(b'!' | b'%' | b'$' | b'&') => "/tie",
            Some(b'B' | b'Z') => "/mute",
            Some(b'V') => "/volume",
            _ => "/query",
        };
        Some(Asked {
            path: path.to_owned(),
            bytes,
        })
    }

    fn answer(&mut self, world: &World, asked: &Asked) -> Said {
        if !self.logged_in {
            self.logged_in = asked.bytes == EXTRON_PASSWORD.as_bytes();
            let say = if self.logged_in {
                "\r\nLogin Administrator\r\n"
            } else {
                PROMPT
            };
            return said(say);
        }
        let answer = command(world, &String::from_utf8_lossy(&asked.bytes));
        said(&format!("{}\r\n", answer.unwrap_or_else(str::to_owned)))
    }
}

fn said(text: &str) -> Said {
    Said {
        bytes: text.as_bytes().to_vec(),
        last: false,
    }
}

/// Does one command, such as `3*1!`, and says what the device says.
fn command(world: &World, text: &str) -> Result<String, Refused> {
    let (numbers, sign) = text.split_at(text.len().saturating_sub(1));
    let numbers: Vec<u64> = match numbers {
        "" => Vec::new(),
        list => list
            .split('*')
            .map(|number| number.parse().map_err(|_| "E13"))
            .collect::<Result<_, _>>()?,
    };
    match (sign, numbers.as_slice()) {
        ("Q", []) => Ok(VERSION.to_owned()),
        ("N", []) => Ok("60-1381-01".to_owned()),
        ("I", []) => {
            Ok(world.read(|state| format!("V{}X{}", state.extron.inputs, state.extron.outputs.len())))
        }
        ("!" | "%" | "&" | "$", [input, output]) => {
            change(world, |matrix| tie(matrix, *input, *output, sign))
        }
        ("!" | "%" | "&", [output]) => look(world, *output, |output| output.video),
        ("$", [output]) => look(world, *output, |output| output.audio),
        ("B", [output]) => look(world, *output, |output| u64::from(output.video_muted)),
        ("Z", [output]) => look(world, *output, |output| u64::from(output.audio_muted)),
        ("V", [output]) => look(world, *output, |output| output.volume),
        ("B" | "Z", [output, muted @ 0..=1]) => change(world, |matrix| {
            let found = matrix.outputs.get_mut(output).ok_or("E12")?;
            let (muted, word) = (*muted, if sign == "B" { "Vmt" } else { "Amt" });
            match sign {
                "B" => found.video_muted = muted == 1,
                _ => found.audio_muted = muted == 1,
            }
            Ok(format!("{word}{output}*{muted}"))
        }),
        ("V", [output, volume @ 0..=100]) => change(world, |matrix| {
            matrix.outputs.get_mut(output).ok_or("E12")?.volume = *volume;
            Ok(format!("Out{output} Vol{volume}"))
        }),
        ("B" | "Z" | "V", [_, _]) => Err("E13"),
        _ => Err("E10"),
    }
}

fn tie(matrix: &mut Extron, input: u64, output: u64, sign: &str) -> Result<String, Refused> {
    if input > matrix.inputs {
        return Err("E01");
    }
    let found = matrix.outputs.get_mut(&output).ok_or("E12")?;
    if sign != "$" {
        found.video = input;
    }
    if matches!(sign, "!" | "$") {
        found.audio = input;
    }
    let word = match sign {
        "!" => "All",
        "%" => "Vid",
        "&" => "RGB",
        _ => "Aud",
    };
    Ok(format!("Out{output} In{input} {word}"))
}

fn look(world: &World, output: u64, field: impl Fn(&Output) -> u64) -> Result<String, Refused> {
    world.read(|state| {
        state
            .extron
            .outputs
            .get(&output)
            .map(|output| field(output).to_string())
            .ok_or("E12")
    })
}

/// Changes the device durably; what is refused changes nothing.
fn change(
    world: &World,
    act: impl FnOnce(&mut Extron) -> Result<String, Refused>,
) -> Result<String, Refused> {
    let changed = world.write(|state| {
        let mut next = state.extron.clone();
        let answer = act(&mut next);
        if answer.is_ok() {
            next.changes += 1;
            state.extron = next;
        }
        Ok::<_, Fail>(answer)
    });
    changed.unwrap_or(Err("E17"))
}
