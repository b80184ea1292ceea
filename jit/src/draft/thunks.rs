//! What lies between drafts and everything else: the gate they are entered by, and the pieces of host code that they and regions call.

use super::asm::{self, ABOVE, Alu, EQUAL, Host, Label, NOT_EQUAL, RAX, RBP, RBX, RCX, RDX, RSI, RSP, Shift, at};
use super::emit::{CELL, EXEC, LEFT, PAGE_IP};
use super::tlb_entry;
use crate::abi::{self, FlagKind};
use crate::frame;
use crate::helper::{self, Import};
use ferrite_core::cpu::state::RIP;
use ferrite_core::memory::PAGE_SIZE;

/// The way into translated code where drafts are: `(exec, left, page_ip, code) -> result` of the System V convention. It saves what a
/// function of that convention must.
pub fn gate() -> Vec<u8> {
    let mut a = asm::Asm::default();
    let saved = [RBX, RBP, Host(12), Host(13), Host(14), Host(15)];
    for r in saved {
        a.push(r);
    }
    // The return address and six registers: one word more, and calls are aligned.
    a.push(RAX);
    let enter = a.label();
    a.call_to(enter);
    a.pop(RCX);
    for r in saved.into_iter().rev() {
        a.pop(r);
    }
    a.ret();
    a.place(enter);
    if frame::SHARED {
        a.push(RBP);
        a.mov(true, RBP, RSP);
        a.alu_imm(Alu::Sub, true, RSP, frame::BYTES as i32);
    }
    a.mov(true, RAX, RCX);
    a.alu_imm(Alu::And, true, RAX, -(abi::MAX_ENTRIES as i32));
    a.jmp_to(RAX);
    finish(a)
}

/// Returns from what the [gate] has entered.
pub fn return_from_frame(a: &mut asm::Asm) {
    if frame::SHARED {
        a.leave();
    }
    a.ret();
}

/// What a function that a draft calls pushes in front of a call of its own: `saved`, and one more where the call would not be aligned.
fn aligned(saved: &[Host]) -> Vec<Host> {
    let odd = !saved.len().is_multiple_of(2);
    // With a frame, a draft's own calls are aligned; else what it calls is where it begins.
    saved.iter().copied().chain((odd != frame::SHARED).then_some(RAX)).collect()
}

/// Number of [`thunks`].
pub const THUNKS: usize = 10;

/// What drafts call and go to, in the words [`abi::THUNKS`]. The first two take the instruction in RCX and the instruction pointer behind
/// it in RAX, carry it out, and leave what may retire in [`LEFT`] and in the host's zero flag whether the draft may go on. The third goes on
/// itself where it may, at the instruction pointer that the instruction has left. The fourth has
/// the flags be words, and changes no register but RAX and RCX. The fifth returns to the engine: RAX has the result, and above it how
/// many instructions are given back. The next two look the linear address in RAX up, to read and to write: RAX becomes the offset in the
/// page of the TLB's entry (the address lies in that where it is less than a page), RCX the host's address.
///
/// The last three are for regions, which call them where they hardly ever go, and change no register (see [`crate::tr::Keeping`]): to have
/// the flags be words; to find RDX bytes at the linear address in RSI, to read and to write, which gives [`abi::REACHED`] (see
/// [`helper::reach`]).
pub fn thunks() -> [Vec<u8>; THUNKS] {
    [
        run(Import::Run),
        run(Import::RunWithFlags),
        run(Import::RunLast),
        settle(),
        leave(),
        look(false),
        look(true),
        keeping_settle(),
        reach(false),
        reach(true),
    ]
}

fn run(import: Import) -> Vec<u8> {
    let mut a = asm::Asm::default();
    a.store(64, at(EXEC, abi::reg(RIP)), RAX);
    a.store(64, at(EXEC, abi::word(abi::LEFT)), LEFT);
    let saved = aligned(&[EXEC, PAGE_IP]);
    for &r in &saved {
        a.push(r);
    }
    a.mov(true, LEFT, RCX);
    a.mov_imm64(RAX, helper::address(import as u32).unwrap_or_default());
    a.call(RAX);
    a.mov(true, RCX, RAX);
    for &r in saved.iter().rev() {
        a.pop(r);
    }
    a.load(64, LEFT, at(EXEC, abi::word(abi::LEFT)));
    a.test(32, RCX);
    if import == Import::RunLast {
        let look = a.label();
        a.jcc(NOT_EQUAL, look);
        a.pop(RAX);
        a.load(64, PAGE_IP, at(EXEC, abi::reg(RIP)));
        a.mov_imm(CELL, 0);
        a.jmp_at(at(EXEC, abi::word(abi::GO)));
        a.place(look);
    }
    a.ret();
    finish(a)
}

fn settle() -> Vec<u8> {
    let mut a = asm::Asm::default();
    let other = settle_most(&mut a, &[]);
    a.place(other);
    let saved = aligned(&[EXEC, LEFT, PAGE_IP, Host(8), Host(9), Host(10), Host(11)]);
    for &r in &saved {
        a.push(r);
    }
    a.mov_imm64(RAX, helper::address(Import::Settle as u32).unwrap_or_default());
    a.call(RAX);
    for &r in saved.iter().rev() {
        a.pop(r);
    }
    a.ret();
    finish(a)
}

fn keeping_settle() -> Vec<u8> {
    let mut a = asm::Asm::default();
    let saved = [RAX, RCX];
    for r in saved {
        a.push(r);
    }
    let other = settle_most(&mut a, &saved);
    a.place(other);
    for r in saved.into_iter().rev() {
        a.pop(r);
    }
    call_keeping(&mut a, Import::Settle, false, None);
    finish(a)
}

/// Makes words of the flags of an addition, a subtraction or a logical operation, as [`abi::settle_flags`] does, pops registers and
/// returns; goes to the label where they are of another, or words already. Changes RAX and RCX.
///
/// Operands are moved to the top of 64 bits, so that all sizes are one, and the carries are where their word has them.
fn settle_most(a: &mut asm::Asm, pushed: &[Host]) -> Label {
    const FIRST: i32 = FlagKind::Add as i32;
    const LAST: i32 = FlagKind::Logic as i32;
    let (x, y, r, spare, kind, shift) = (RAX, RDX, Host(8), Host(9), Host(10), RCX);
    let saved = [y, r, spare, kind];
    let [zr, sp, co, ax] = abi::flag_words().map(|word| at(EXEC, word));
    let [other, logic, add, result] = [(); 4].map(|()| a.label());
    a.load(32, RAX, at(EXEC, abi::word(abi::FLAG_KIND)));
    a.movzx(8, RCX, RAX);
    // A kind below the first is one above all.
    a.alu_imm(Alu::Sub, false, RCX, FIRST);
    a.alu_imm(Alu::Cmp, false, RCX, LAST - FIRST);
    a.jcc(ABOVE, other);
    for h in saved {
        a.push(h);
    }
    a.mov(false, kind, RCX);
    a.mov_imm(shift, 64);
    a.shift_imm(Shift::Shr, false, RAX, 8);
    a.alu(Alu::Sub, false, shift, RAX);
    a.load(64, x, at(EXEC, abi::word(abi::FLAG_A)));
    a.load(64, y, at(EXEC, abi::word(abi::FLAG_B)));
    a.shift(Shift::Shl, true, x);
    a.shift(Shift::Shl, true, y);
    a.mov(true, r, x);
    a.alu_imm(Alu::Cmp, false, kind, LAST - FIRST);
    a.jcc(EQUAL, logic);
    a.test(32, kind);
    a.jcc(EQUAL, add);
    for subtract in [true, false] {
        if !subtract {
            a.place(add);
        }
        a.alu(if subtract { Alu::Sub } else { Alu::Add }, true, r, y);
        // Bit 4 tells of the carry into it.
        a.mov(true, spare, x);
        a.alu(Alu::Xor, true, spare, y);
        a.alu(Alu::Xor, true, spare, r);
        a.shift(Shift::Shr, true, spare);
        a.store(64, ax, spare);
        // Carries out: generated by both operands (of a subtraction the first inverted), or passed on by either.
        if subtract {
            a.not(true, x);
        }
        a.mov(true, spare, x);
        a.alu(Alu::And, true, spare, y);
        a.alu(Alu::Or, true, x, y);
        a.mov(true, y, r);
        if !subtract {
            a.not(true, y);
        }
        a.alu(Alu::And, true, x, y);
        a.alu(Alu::Or, true, x, spare);
        a.store(64, co, x);
        a.jmp(result);
    }
    a.place(logic);
    a.store_imm(64, co, 0);
    a.store_imm(64, ax, 0);
    a.place(result);
    a.mov(true, x, r);
    a.shift(Shift::Shr, true, x);
    a.store(64, zr, x);
    a.shift(Shift::Sar, true, r);
    a.store(64, sp, r);
    a.store_imm(64, at(EXEC, abi::word(abi::FLAG_KIND)), 0);
    for h in saved.into_iter().rev().chain(pushed.iter().rev().copied()) {
        a.pop(h);
    }
    a.ret();
    other
}

fn leave() -> Vec<u8> {
    let mut a = asm::Asm::default();
    a.mov(false, RCX, RAX);
    a.shift_imm(Shift::Shr, false, RCX, 16);
    a.alu(Alu::Add, true, LEFT, RCX);
    a.movzx(16, RAX, RAX);
    a.mov(false, RCX, RAX);
    a.alu_imm(Alu::And, false, RCX, PAGE_SIZE as i32 - 1);
    a.alu(Alu::Add, true, RCX, PAGE_IP);
    a.store(64, at(EXEC, abi::reg(RIP)), RCX);
    a.store(64, at(EXEC, abi::word(abi::LEFT)), LEFT);
    return_from_frame(&mut a);
    a.code
}

fn look(write: bool) -> Vec<u8> {
    let mut a = asm::Asm::default();
    tlb_entry(&mut a, RCX, RAX, abi::TLB);
    a.push(RBX);
    a.mov(true, RBX, RAX);
    a.alu_from(Alu::Sub, true, RAX, at(RCX, abi::tag(write)));
    a.load(64, RCX, at(RCX, abi::ADDEND));
    a.alu(Alu::Add, true, RCX, RBX);
    a.pop(RBX);
    a.ret();
    a.code
}

fn reach(write: bool) -> Vec<u8> {
    let mut a = asm::Asm::default();
    let slow = a.label();
    a.push(RAX);
    a.push(RCX);
    tlb_entry(&mut a, RAX, RSI, abi::TLB);
    a.mov(true, RCX, RSI);
    a.alu_from(Alu::Sub, true, RCX, at(RAX, abi::tag(write)));
    a.alu_imm(Alu::Cmp, true, RCX, PAGE_SIZE as i32 - 1);
    a.jcc(ABOVE, slow);
    a.alu(Alu::Add, true, RCX, RDX);
    a.alu_imm(Alu::Cmp, true, RCX, PAGE_SIZE as i32);
    a.jcc(ABOVE, slow);
    a.load(64, RCX, at(RAX, abi::ADDEND));
    a.alu(Alu::Add, true, RCX, RSI);
    a.store(64, at(EXEC, abi::word(abi::REACHED)), RCX);
    a.pop(RCX);
    a.pop(RAX);
    a.ret();
    a.place(slow);
    a.pop(RCX);
    a.pop(RAX);
    call_keeping(&mut a, Import::Reach, write, Some(abi::REACHED));
    finish(a)
}

fn finish(mut a: asm::Asm) -> Vec<u8> {
    assert!(a.finish(), "all labels have places");
    a.code
}

/// Calls a function of the host's with RDI, RSI and RDX (of which `write` sets bit 8), has a word be its result, and returns. All registers
/// are as before.
fn call_keeping(a: &mut asm::Asm, import: Import, write: bool, result: Option<usize>) {
    let saved = [RAX, RCX, RDX, RSI, Host(8), Host(9), Host(10), Host(11), EXEC];
    for r in saved {
        a.push(r);
    }
    a.save_vectors();
    if write {
        a.alu_imm(Alu::Or, false, RDX, 1 << 8);
    }
    a.mov_imm64(RAX, helper::address(import as u32).unwrap_or_default());
    a.call(RAX);
    a.load_vectors();
    a.pop(EXEC);
    if let Some(word) = result {
        a.store(64, at(EXEC, abi::word(word)), RAX);
    }
    for r in saved.into_iter().rev().skip(1) {
        a.pop(r);
    }
    a.ret();
}
