//! What translated code calls.
#![allow(unsafe_code)] // called by translated code with the addresses that the engine gave it

use crate::abi::{self, LEFT};
use crate::crypto;
use crate::mode::Mode;
use ferrite_core::exec::Exec;
use ferrite_core::interp::pass;
use ferrite_core::isa::Insn;
use ferrite_core::isa::x87::action::ACTIONS;

/// The instruction was carried out.
pub const DONE: u32 = 0;
/// The engine must look at the machine before the next: the instruction asked for attention, or raised an exception, which is in
/// [`Exec::fault`]; the instruction pointer is what delivery saves.
pub const LOOK: u32 = 1;

/// Functions that translated code may import, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Import {
    /// [`settle`].
    Settle = 0,
    /// [`run`].
    Run = 1,
    /// [`run_with_flags`].
    RunWithFlags = 2,
    /// The region's table of instructions.
    Insns = 3,
    /// The cell for an offset in the page: see [`crate::jumps`].
    Cell = 4,
    /// [`reach`].
    Reach = 5,
    /// The way of branches that lead so far from the page's start, and that of the branch at an offset: see [`crate::jumps::Fixed`].
    WayTo = 6,
    WayFrom = 7,
    /// [`run_last`].
    RunLast = 8,
}

/// The number of the first of [`crypto::action`] among what may be imported.
pub const FIRST_CRYPTO: u32 = 16;

/// The number of the first of [`ACTIONS`] among what may be imported.
pub const FIRST_ACTION: u32 = 24;

/// The address of a function that is imported.
pub fn address(n: u32) -> Option<u64> {
    let settle: unsafe extern "C" fn(*mut u8) = settle;
    let run_plain: unsafe extern "C" fn(*mut u8, *const Insn) -> u32 = run;
    let run_flags: unsafe extern "C" fn(*mut u8, *const Insn) -> u32 = run_with_flags;
    let reach: unsafe extern "C" fn(*mut u8, u64, u64) -> u64 = reach;
    let run_last: unsafe extern "C" fn(*mut u8, *const Insn) -> u32 = run_last;
    match n {
        0 => Some(settle as usize as u64),
        1 => Some(run_plain as usize as u64),
        2 => Some(run_flags as usize as u64),
        5 => Some(reach as usize as u64),
        8 => Some(run_last as usize as u64),
        FIRST_CRYPTO..FIRST_ACTION => crypto::action((n - FIRST_CRYPTO) as usize).map(|a| a as usize as u64),
        _ => ACTIONS.get(n.checked_sub(FIRST_ACTION)? as usize).map(|e| e.action as usize as u64),
    }
}

/// The CPU that translated code speaks of.
///
/// # Safety
/// `x` is what the running region was entered with: [`abi::BIAS`] behind a CPU. Nothing else refers to that meanwhile.
unsafe fn cpu<'a>(x: *mut u8) -> &'a mut Exec {
    // SAFETY: by the contract above.
    unsafe { &mut *x.sub(abi::BIAS).cast::<Exec>() }
}

/// Turns the operation that the flags follow from into their words.
///
/// # Safety
/// As [`cpu`].
pub unsafe extern "C" fn settle(x: *mut u8) {
    // SAFETY: by the contract above.
    abi::settle_flags(unsafe { cpu(x) });
}

/// Carries out an instruction that has nothing to do with the arithmetic flags. RIP is behind it and the count in
/// [`LEFT`] is as before it.
///
/// # Safety
/// As [`cpu`]; `i` is an instruction of the running region.
pub unsafe extern "C" fn run(x: *mut u8, i: *const Insn) -> u32 {
    // SAFETY: by the contract above.
    let (x, i) = unsafe { (cpu(x), &*i) };
    let runs = carry_out(x, i, |x, mode| mode.is_running(x));
    status(x, runs)
}

/// The same for an instruction that may look at or change the arithmetic flags.
///
/// # Safety
/// As [`run`].
pub unsafe extern "C" fn run_with_flags(x: *mut u8, i: *const Insn) -> u32 {
    // SAFETY: by the contract above.
    let (x, i) = unsafe { (cpu(x), &*i) };
    abi::settle_flags(x);
    let runs = carry_out(x, i, |x, mode| mode.is_running(x));
    status(x, runs)
}

/// The same for an instruction behind which control goes wherever that says: perhaps in another mode, and past a look at the machine where
/// nothing is due.
///
/// # Safety
/// As [`run`].
pub unsafe extern "C" fn run_last(x: *mut u8, i: *const Insn) -> u32 {
    // SAFETY: by the contract above.
    let (x, i) = unsafe { (cpu(x), &*i) };
    abi::settle_flags(x);
    let runs = carry_out(x, i, |x, mode| mode.is_running(x) || abi::change_mode(x, mode));
    if status(x, runs) == DONE {
        return DONE;
    }
    x.retired = x.limit.wrapping_sub(x.words[LEFT]);
    if runs == Some(true) && pass(x) { DONE } else { LOOK }
}

/// Where the host has what is at a linear address, or 0: see [`Exec::reach`]. What is read from two pages is put together in
/// [`abi::GATHERED`]. `what` is the number of bytes, and bit 8 for a write.
///
/// # Safety
/// As [`cpu`].
pub unsafe extern "C" fn reach(x: *mut u8, lin: u64, what: u64) -> u64 {
    // SAFETY: by the contract above.
    let x = unsafe { cpu(x) };
    let (bytes, write) = (what & 0xff, what >> 8 != 0);
    if let Some(host) = x.reach(lin, bytes, write) {
        return host;
    }
    if write {
        return 0;
    }
    let Some(all) = x.gather(lin, bytes) else { return 0 };
    (x.words[abi::GATHERED], x.words[abi::GATHERED + 1]) = (all as u64, (all >> 64) as u64);
    (&raw const x.words[abi::GATHERED]).expose_provenance() as u64
}

/// Whether translated code can go on in the mode that the instruction leaves behind, as `follows` says of another than before; `None` when
/// it raised an exception.
fn carry_out(x: &mut Exec, i: &Insn, follows: impl FnOnce(&mut Exec, Mode) -> bool) -> Option<bool> {
    x.retired = x.limit.wrapping_sub(x.words[LEFT]);
    let (next, contexts) = (x.st.rip(), x.contexts);
    if let Err(e) = (i.run)(x, i) {
        // A repeated instruction may have come some way, and counted it.
        x.words[LEFT] = x.limit.wrapping_sub(x.retired);
        if !e.is_trap() {
            x.st.set_rip(next.wrapping_sub(u64::from(i.len)));
        }
        x.fault = Some(e);
        return None;
    }
    // A repeated instruction has counted all iterations but one.
    x.words[LEFT] = x.limit.wrapping_sub(x.retired + 1);
    abi::follow_views(x);
    Some(x.contexts == contexts || Mode::of(x).is_some_and(|mode| follows(x, mode)))
}

/// What translated code is told of it.
fn status(x: &mut Exec, runs: Option<bool>) -> u32 {
    x.attention |= runs == Some(false);
    if runs.is_none() || x.attention { LOOK } else { DONE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{FLAG_A, FLAG_B, FLAG_KIND, FlagKind};
    use crate::code::CodeMemory;
    use crate::draft;
    use ferrite_core::cpu::{Model, ModelName};
    use ferrite_core::system::System;

    #[test]
    fn host_code_makes_the_same_of_flags_as_the_function() {
        if !draft::AVAILABLE {
            return;
        }
        let mut memory = CodeMemory::new(1 << 16).expect("there is room");
        let thunks = draft::thunks();
        let thunk = |n| &thunks[abi::THUNKS.iter().position(|&word| word == n).expect("it is one of them")];
        let settles = [abi::DRAFT_SETTLE, abi::KEEPING_SETTLE].map(thunk);
        let settles = settles.map(|code| memory.place(code).expect("there is room"));
        let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
        let corners = |bits: u32| {
            let top = 1u64 << (bits - 1);
            [0, 1, 0xf, 0x10, top - 1, top, top | 1, top + (top - 1)]
        };
        let kinds = [FlagKind::Add, FlagKind::Sub, FlagKind::Logic, FlagKind::Inc, FlagKind::Dec];
        for (kind, bits) in kinds.into_iter().flat_map(|k| [8, 16, 32, 64].map(|bits| (k, bits))) {
            for (a, b) in corners(bits).into_iter().flat_map(|a| corners(bits).map(|b| (a, b))) {
                let b = if matches!(kind, FlagKind::Inc | FlagKind::Dec) { b & 1 } else { b };
                let mut settled = |how: &mut dyn FnMut(&mut Exec)| {
                    (x.words[FLAG_KIND], x.words[FLAG_A], x.words[FLAG_B]) = (kind as u64 | u64::from(bits) << 8, a, b);
                    how(&mut x);
                    (x.words[FLAG_KIND], x.st.flags.bits())
                };
                let wanted = settled(&mut abi::settle_flags);
                for code in settles {
                    let got = settled(&mut |x| {
                        // SAFETY: such code takes the CPU as a function of this type does, and changes no register that one must not.
                        let f: unsafe extern "C" fn(*mut u8) = unsafe { std::mem::transmute(code as *const ()) };
                        // SAFETY: nothing else refers to the CPU meanwhile.
                        unsafe { f((&raw mut *x).cast::<u8>().add(abi::BIAS)) };
                    });
                    assert_eq!(got, wanted, "{kind:?} of {bits} bits: {a:x}, {b:x}");
                }
            }
        }
    }
}
