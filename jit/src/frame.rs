//! One frame of the host's stack for all translated code.
//!
//! The code generator has each function make a frame at its start, and take it away again in front of a tail call: seven
//! instructions on every way from region to region, to get from one frame to the next at the same place. Where [`SHARED`], the gate makes
//! one that is large enough for all, and what each function does for its own is taken out of its code: a region is entered and left with
//! RSP at the frame's lower end, and RBP at its upper end, which nobody changes. Who returns to the engine ends as such functions do: it
//! has RSP be RBP, pops RBP, and returns. Intel SDM Vol. 2A, "LEAVE", and Vol. 2B, "PUSH", "RET".

use crate::draft;
use iced_x86::{Decoder, DecoderOptions, FlowControl};

/// Whether all translated code has one frame: where regions save no register (see [`crate::compile`]).
pub const SHARED: bool = cfg!(all(target_arch = "x86_64", unix, not(debug_assertions)));
const _: () = assert!(draft::AVAILABLE || !SHARED, "the gate is written by hand then");

/// Bytes of the frame; a multiple of 16. The code generator looks whether there is stack for frames from this size on.
pub const BYTES: u32 = 4096;

/// `push rbp; mov rbp, rsp`, and `mov rsp, rbp; pop rbp`.
const ENTER: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];
const LEAVE: [u8; 4] = [0x48, 0x89, 0xec, 0x5d];
/// Bytes of the longest way to write a jump through a register or memory, without segments.
const LONGEST_JUMP: usize = 9;

/// A jump that lies nearer to the start of the code now: where it ended, and how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub end: u32,
    pub by: u32,
}

/// Takes what a function does for a frame of its own out of its code: at its start, and in front of the tail calls among those calls that
/// end at `calls`. Offsets of what remains are as before, but for those tail calls themselves. `None` where the code is no such
/// function's, or its frame is too large.
pub fn share(code: &mut [u8], calls: &[u32]) -> Option<Vec<Moved>> {
    let own = code.strip_prefix(&ENTER)?;
    let (bytes, len) = adjustment(own, 0xec).unwrap_or((0, 0));
    if bytes >= BYTES {
        return None;
    }
    fill(&mut code[..ENTER.len() + len]);
    let mut moved = Vec::new();
    for &end in calls {
        let Some(jump) = tail_call(code, end as usize) else { continue };
        let mut start = jump - LEAVE.len();
        if len != 0 {
            start = start.checked_sub(len)?;
            if adjustment(&code[start..], 0xc4) != Some((bytes, len)) {
                return None;
            }
        }
        code.copy_within(jump..end as usize, start);
        let by = jump - start;
        code[end as usize - by..end as usize].fill(0xcc); // int3
        moved.push(Moved { end, by: by as u32 });
    }
    Some(moved)
}

/// By how much the instruction at the start of some code changes RSP, and its length: `sub` or `add`, by the byte that says so.
fn adjustment(code: &[u8], which: u8) -> Option<(u32, usize)> {
    match *code {
        [0x48, 0x83, w, n, ..] if w == which => Some((n.into(), 4)),
        [0x48, 0x81, w, a, b, c, d, ..] if w == which => Some((u32::from_le_bytes([a, b, c, d]), 7)),
        _ => None,
    }
}

/// Where the jump begins that ends at `end`, and before which a frame is taken away.
fn tail_call(code: &[u8], end: usize) -> Option<usize> {
    let behind_leave = |&at: &usize| code[..at].ends_with(&LEAVE);
    (2..=LONGEST_JUMP).filter_map(|len| end.checked_sub(len)).filter(behind_leave).find(|&at| {
        let ins = Decoder::new(64, &code[at..end], DecoderOptions::NONE).decode();
        let jumps = matches!(ins.flow_control(), FlowControl::UnconditionalBranch | FlowControl::IndirectBranch);
        jumps && ins.len() == end - at
    })
}

/// Fills bytes with instructions that do nothing, as few as there may be. SDM Vol. 2B, "NOP".
fn fill(code: &mut [u8]) {
    const NOPS: [&[u8]; 4] = [&[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0], &[0x0f, 0x1f, 0x40, 0], &[0x0f, 0x1f, 0], &[0x90]];
    let mut rest = code;
    for nop in NOPS {
        let mut whole = rest.chunks_exact_mut(nop.len());
        whole.by_ref().for_each(|bytes| bytes.copy_from_slice(nop));
        rest = whole.into_remainder();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::Mnemonic;

    const NEAR: [u8; 5] = [0xe9, 0, 0, 0, 0];

    fn function(enter: &[u8], leave: &[u8], jump: &[u8]) -> (Vec<u8>, u32) {
        let code = [&ENTER, enter, &[0x31, 0xc0], leave, &LEAVE, jump, &[0xc3]].concat();
        let end = code.len() as u32 - 1;
        (code, end)
    }

    #[test]
    fn a_frame_is_taken_out_at_the_start_and_in_front_of_tail_calls() {
        let (sub, add) = ([0x48, 0x81, 0xec, 0x80, 0, 0, 0], [0x48, 0x81, 0xc4, 0x80, 0, 0, 0]);
        let through: &[u8] = &[0x41, 0xff, 0x64, 0x24, 0x18]; // jmp [r12 + 18h]
        for jump in [&NEAR[..], &[0xff, 0xe0], &[0x41, 0xff, 0xe3], through] {
            let (mut code, end) = function(&sub, &add, jump);
            let moved = share(&mut code, &[end]).expect("it is one");
            assert_eq!(moved, [Moved { end, by: 11 }]);
            let body = [&[0x31, 0xc0], jump, &[0xcc; 11], &[0xc3]].concat();
            assert_eq!(code[11..], body);
            assert!(Decoder::new(64, &code[..11], DecoderOptions::NONE).iter().all(|i| i.mnemonic() == Mnemonic::Nop));
        }
    }

    #[test]
    fn calls_and_returns_stay_as_they_are() {
        let mut code = [&ENTER[..], &[0xff, 0x57, 0xd8], &LEAVE, &[0xc3]].concat(); // call [rdi - 28h]
        let before = code.clone();
        assert_eq!(share(&mut code, &[7]), Some(Vec::new()));
        assert_eq!(code[4..], before[4..]);
    }

    #[test]
    fn a_number_that_looks_like_the_end_of_a_function_is_none() {
        // mov rax, E0FF5DEC89489090h; call rax
        let number = [0x48, 0xb8, 0x90, 0x90, 0x48, 0x89, 0xec, 0x5d, 0xff, 0xe0, 0xff, 0xd0];
        let mut code = [&ENTER[..], &number, &LEAVE, &[0xc3]].concat();
        let before = code.clone();
        assert_eq!(share(&mut code, &[16]), Some(Vec::new()));
        assert_eq!(code[4..], before[4..]);
    }

    #[test]
    fn what_is_too_large_or_no_function_is_refused() {
        let large = [0x48, 0x81, 0xec, 0, 0x10, 0, 0];
        let (mut code, end) = function(&large, &[0x48, 0x81, 0xc4, 0, 0x10, 0, 0], &NEAR);
        assert_eq!(share(&mut code, &[end]), None);
        let (mut code, end) = function(&[0x48, 0x83, 0xec, 0x20], &[0x48, 0x83, 0xc4, 0x10], &NEAR);
        assert_eq!(share(&mut code, &[end]), None, "another frame");
        assert_eq!(share(&mut [0xc3], &[]), None);
    }
}
