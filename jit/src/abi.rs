//! What translated code and the engine agree on: words in [`Exec`], offsets of the state, how a region comes back.
//!
//! A region is a function `(exec, left, page_ip, code, cell) -> result` of the `tail` calling convention. `exec` is the address of the
//! [`Exec`], and [`BIAS`] more, so that what is named most often is within 128 bytes of it. `left` is how many instructions
//! may still retire, `page_ip` the instruction pointer of the first byte of the region's page, `code` the word by which it was
//! entered: the address of its host code, and the number of its entry in [`ENTRY_BITS`] low bits; `cell` concerns only who answers
//! for code that is not there (see [`crate::jumps`], and [`GO`]). It leaves by a tail call of another
//! region with the same arguments (by a branch in the page only the first three: see [`crate::links`]), or by returning to the
//! engine with the state complete in [`Exec`].

use crate::mode::Mode;
use ferrite_core::cpu::CpuState;
use ferrite_core::cpu::flags::Flags;
use ferrite_core::cpu::segment::Segment;
use ferrite_core::cpu::state::Fpu;
use ferrite_core::exec::{Ctx, Exec, Window};
use ferrite_core::isa::ops::Ops;
use ferrite_core::mmu::tlb;
use ferrite_core::mmu::walk::Access;
use std::mem::offset_of;

/// How far behind the [`Exec`] translated code is told that it is: its general registers, the instruction pointer and the words below
/// then have offsets of eight bits.
pub const BIAS: usize = 200;

/// log2 of the bytes of an entry of the TLB, and where in it what lies. Entries for fetches have their tag where others have that for
/// reads.
pub const TLB_SHIFT: u32 = size_of::<tlb::Entry>().trailing_zeros();
pub const TAG_READ: i32 = offset_of!(tlb::Entry, read) as i32;
pub const TAG_WRITE: i32 = offset_of!(tlb::Entry, write) as i32;
pub const ADDEND: i32 = offset_of!(tlb::Entry, addend) as i32;

/// Where the tag for reads, or for writes, is.
pub const fn tag(write: bool) -> i32 {
    if write { TAG_WRITE } else { TAG_READ }
}

/// What of [`OF_MODE`] was there for the mode before the running one; the last is 0 when that is not known.
pub const OTHER: usize = 0;
/// See [`DRAFT_RUN`]: for the last instruction before control goes wherever that says.
pub const DRAFT_LAST: usize = 4;
/// What [`KEEPING_REACH`] gives.
pub const REACHED: usize = 5;
/// Number of the mode that the running region was made for.
pub const MODE: usize = 6;
/// Two words: what an access to two pages read, for the translated code that asked.
pub const GATHERED: usize = 7;
/// How many instructions may still retire; written by a region that returns and around calls of helpers.
pub const LEFT: usize = 9;
/// The operation that the flags follow from (see [`FlagKind`]) and its size: `kind | bits << 8`; 0 when [`Flags`] itself holds them.
pub const FLAG_KIND: usize = 10;
/// Its first operand, or its result.
pub const FLAG_A: usize = 11;
/// Its second operand, or `Cf` before it.
pub const FLAG_B: usize = 12;
/// Address of the TLB's first entry of the view of data accesses.
pub const TLB: usize = 13;
/// The same, of the view of instruction fetches.
pub const FETCH_TLB: usize = 14;
/// Address of the table of entry points for the running mode; see [`crate::jumps`].
pub const JUMPS: usize = 15;
/// Address of the table of [`Way`]s for the running mode.
pub const WAYS: usize = 16;
/// Address of a function that goes on at the instruction pointer that it is called with for `page_ip`, wherever that is, and keeps where
/// that was in the [`Way`] whose address it is called with for `cell`, or that of [`WAYS`] if that is 0.
pub const GO: usize = 17;
/// Bits of a linear address outside 64-bit mode.
pub const LINEAR_MASK: usize = 18;
/// What drafts call, by address, and then what regions call: see [`crate::draft::thunks`].
pub const DRAFT_RUN: usize = 19;
pub const DRAFT_RUN_FLAGS: usize = 20;
pub const DRAFT_SETTLE: usize = 21;
pub const DRAFT_LEAVE: usize = 22;
pub const DRAFT_LOOK: usize = 23;
pub const DRAFT_LOOK_WRITE: usize = 24;
pub const KEEPING_SETTLE: usize = 25;
pub const KEEPING_REACH: usize = 26;
pub const KEEPING_REACH_WRITE: usize = 27;

/// The words for what [`crate::draft::thunks`] gives.
pub const THUNKS: [usize; crate::draft::THUNKS] = [
    DRAFT_RUN,
    DRAFT_RUN_FLAGS,
    DRAFT_LAST,
    DRAFT_SETTLE,
    DRAFT_LEAVE,
    DRAFT_LOOK,
    DRAFT_LOOK_WRITE,
    KEEPING_SETTLE,
    KEEPING_REACH,
    KEEPING_REACH_WRITE,
];
/// The words that each mode has others in.
pub const OF_MODE: [usize; 4] = [MODE, JUMPS, WAYS, GO];

/// An operation from which all flags follow. The names are those of [`Ops`]'s `flags_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum FlagKind {
    Add = 1,
    Sub = 2,
    Logic = 3,
    Inc = 4,
    Dec = 5,
}

/// The words that an operation is left in.
pub const FLAG_OPERATION: [usize; 3] = [FLAG_KIND, FLAG_A, FLAG_B];

impl FlagKind {
    /// What [`FLAG_KIND`] holds for an operation of this kind on operands of so many bits.
    pub const fn word(self, bits: u32) -> u32 {
        self as u32 | bits << 8
    }

    /// What [`FLAG_A`] and [`FLAG_B`] hold of an operation's operands and result. `b` is `Cf` before it for the last two; a logical
    /// operation needs one word only.
    pub fn words<T: Copy>(self, a: T, b: T, r: T) -> [T; 2] {
        match self {
            Self::Add | Self::Sub => [a, b],
            Self::Logic => [r, r],
            Self::Inc | Self::Dec => [r, b],
        }
    }
}

/// Entries in a table of entry points: see [`crate::jumps`]. A power of two.
pub const JUMP_ENTRIES: usize = 1 << 17;
/// log2 of the bytes of an entry: the host's address of the guest code, then the word by which it is entered.
pub const JUMP_SHIFT: u32 = 4;

/// Where control went when it left a page: what translated code asks first.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct Way {
    /// The linear address.
    pub linear: u64,
    /// What [`Tlb`](tlb::Tlb::stamp_offset) had for such fetches at that time: while it is the same, the code is still there, and is what
    /// is to be entered.
    pub stamp: u64,
    /// The word by which the code is entered, and the address in that.
    pub code: u64,
    pub address: u64,
}

impl Way {
    /// That leads nowhere.
    pub const NONE: Self = Self { linear: 0, stamp: 0, code: 0, address: 0 };
}

/// [`Way`]s in a table. A power of two.
pub const WAY_ENTRIES: usize = 1 << 13;
/// log2 of the bytes of a way, and where in it what lies.
pub const WAY_SHIFT: u32 = size_of::<Way>().trailing_zeros();
pub const WAY_LINEAR: i32 = offset_of!(Way, linear) as i32;
pub const WAY_STAMP: i32 = offset_of!(Way, stamp) as i32;
pub const WAY_CODE: i32 = offset_of!(Way, code) as i32;
pub const WAY_ADDRESS: i32 = offset_of!(Way, address) as i32;
/// Where in the table the way to a linear address is: bits of the product with this, from this bit on. Translated code computes the same.
pub const WAY_MIX: u32 = 0x61c8_8647;
pub const WAY_MIXED: u32 = 24;
/// Those bits of the shifted product.
pub const WAY_MASK: u32 = ((WAY_ENTRIES - 1) << WAY_SHIFT) as u32;

/// Low bits of a code word that hold the number of a region's entry; host code is aligned to as many.
pub const ENTRY_BITS: u32 = 4;
/// Entries that a region has at most.
pub const MAX_ENTRIES: usize = 1 << ENTRY_BITS;

/// The entry for the host's address of guest code. Translated code computes the same.
pub const fn jump_slot(guest: u64) -> usize {
    ((guest ^ guest >> SLOT_SHIFT) as usize) & (JUMP_ENTRIES - 1)
}

/// How far an address is shifted that it is mixed with: pages that are filled alike take other entries.
pub const SLOT_SHIFT: u32 = 12;

/// Why a region returned. Its result is the offset in the page of the instruction concerned, and this above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Reason {
    /// To go on at the instruction pointer, for which no entry point is known.
    Next = 0,
    /// The instruction at the instruction pointer is to be interpreted: its memory access needs more than the TLB, or it faults.
    Redo = 1,
    /// The limit is too near to run on without looking.
    Limit = 2,
    /// A helper asked for attention, or raised an exception ([`Exec::fault`]).
    Attention = 3,
    /// The code does not lie inside the code segment here, or what of it lies in another page is not mapped there.
    Outside = 4,
    /// A draft has been run so often that its code is to be translated.
    Hot = 5,
}

/// Where the [`Reason`] is in a region's result.
pub const REASON_SHIFT: u32 = 12;

/// Number of [`Reason`]s.
pub const REASONS: usize = 6;

/// A region's result, to be returned.
pub const fn word_of(reason: Reason, at: u16) -> u32 {
    (reason as u32) << REASON_SHIFT | (at & 0xfff) as u32
}

/// What a region returned: why, and the offset in the page.
pub const fn result(word: u64) -> (Reason, u16) {
    let reason = match word >> REASON_SHIFT & 7 {
        0 => Reason::Next,
        1 => Reason::Redo,
        2 => Reason::Limit,
        3 => Reason::Attention,
        4 => Reason::Outside,
        _ => Reason::Hot,
    };
    (reason, (word & 0xfff) as u16)
}

/// Offset of a general register, or of RIP.
pub fn reg(r: u8) -> i32 {
    offset(offset_of!(Exec, st) + offset_of!(CpuState, regs) + 8 * usize::from(r))
}

const FLAGS: usize = offset_of!(Exec, st) + offset_of!(CpuState, flags);

/// Offsets of the four lazy flag words: `zr`, `sp`, `co`, `ax`.
pub fn flag_words() -> [i32; 4] {
    [
        offset(FLAGS + offset_of!(Flags, zr)),
        offset(FLAGS + offset_of!(Flags, sp)),
        offset(FLAGS + offset_of!(Flags, co)),
        offset(FLAGS + offset_of!(Flags, ax)),
    ]
}

/// Offset of the flags that are not lazy.
pub fn flag_system() -> i32 {
    offset(FLAGS + offset_of!(Flags, system))
}

/// Offset of CR0.
pub fn cr0() -> i32 {
    offset(offset_of!(Exec, st) + offset_of!(CpuState, cr0))
}

/// Offset of CR4.
pub fn cr4() -> i32 {
    offset(offset_of!(Exec, st) + offset_of!(CpuState, cr4))
}

/// Offset of an XMM register.
pub fn xmm(r: u8) -> i32 {
    offset(offset_of!(Exec, st) + offset_of!(CpuState, xmm) + 16 * usize::from(r & 15))
}

/// Offset of MXCSR.
pub fn mxcsr() -> i32 {
    offset(offset_of!(Exec, st) + offset_of!(CpuState, mxcsr))
}

const FPU: usize = offset_of!(Exec, st) + offset_of!(CpuState, fpu);

/// Offset of an MMX register.
pub fn mm(r: u8) -> i32 {
    offset(FPU + offset_of!(Fpu, significand) + 8 * usize::from(r & 7))
}

/// Offset of the sign and exponent over an MMX register.
pub fn mm_exponent(r: u8) -> i32 {
    offset(FPU + offset_of!(Fpu, sign_exponent) + 2 * usize::from(r & 7))
}

/// Offset of the x87 unit.
pub fn fpu() -> i32 {
    offset(FPU)
}

/// Offsets of what the x87 unit has recorded of the last instruction: opcode, place, and its operand's place.
pub fn fpu_opcode() -> i32 {
    offset(FPU + offset_of!(Fpu, opcode))
}

/// See [`fpu_opcode`].
pub fn fpu_ip() -> i32 {
    offset(FPU + offset_of!(Fpu, ip))
}

/// See [`fpu_opcode`].
pub fn fpu_cs() -> i32 {
    offset(FPU + offset_of!(Fpu, cs))
}

/// See [`fpu_opcode`].
pub fn fpu_dp() -> i32 {
    offset(FPU + offset_of!(Fpu, dp))
}

/// See [`fpu_opcode`].
pub fn fpu_ds() -> i32 {
    offset(FPU + offset_of!(Fpu, ds))
}

/// Offset of a segment register's selector.
pub fn selector(seg: u8) -> i32 {
    let at = offset_of!(Exec, st) + offset_of!(CpuState, seg) + size_of::<Segment>() * usize::from(seg);
    offset(at + offset_of!(Segment, selector))
}

/// Offset of the x87 status word but for TOP.
pub fn fpu_status() -> i32 {
    offset(FPU + offset_of!(Fpu, status_less_top))
}

/// Offset of TOP.
pub fn fpu_top() -> i32 {
    offset(FPU + Fpu::TOP_OFFSET)
}

/// Offset of the x87 tags.
pub fn fpu_valid() -> i32 {
    offset(FPU + offset_of!(Fpu, valid))
}

const CTX: usize = offset_of!(Exec, ctx);

fn window(seg: u8) -> usize {
    CTX + offset_of!(Ctx, win) + size_of::<Window>() * usize::from(seg & 7)
}

/// Offset of a segment window's base.
pub fn window_base(seg: u8) -> i32 {
    offset(window(seg) + offset_of!(Window, base))
}

/// Offset of a segment window's first offset.
pub fn window_lo(seg: u8) -> i32 {
    offset(window(seg) + offset_of!(Window, lo))
}

/// Offset of a segment window's last offset.
pub fn window_hi(seg: u8, write: bool) -> i32 {
    offset(window(seg) + if write { offset_of!(Window, write_hi) } else { offset_of!(Window, read_hi) })
}

/// Offset of the last instruction pointer.
pub fn ip_span() -> i32 {
    offset(CTX + offset_of!(Ctx, ip_span))
}

/// Offset of the TLB's stamp for fetches, of a user or not.
pub fn stamp(user: bool) -> i32 {
    offset(offset_of!(Exec, tlb) + tlb::Tlb::stamp_offset(user))
}

/// Offset of an engine word.
pub fn word(n: usize) -> i32 {
    offset(offset_of!(Exec, words) + 8 * n)
}

fn offset(n: usize) -> i32 {
    i32::try_from(n as i64 - BIAS as i64).expect("Exec is smaller than 2 GiB")
}

/// Has translated code look where the current views of data and of fetches are. No mode says which they are: the former changes around each
/// access of a system to its users' memory (SDM Vol. 2A, "STAC"), and both with CR3.
pub fn follow_views(x: &mut Exec) {
    x.words[TLB] = x.tlb.base_address(x.ctx.view, Access::Read);
    x.words[FETCH_TLB] = x.tlb.base_address(x.ctx.fetch_view, Access::Fetch);
}

/// Has the words of the running mode be those of the mode before it, if that is `mode`, and the other way round.
pub fn change_mode(x: &mut Exec, mode: Mode) -> bool {
    let known = x.words[OTHER] == mode.number() as u64 && x.words[OTHER + OF_MODE.len() - 1] != 0;
    if known {
        for (other, n) in (OTHER..).zip(OF_MODE) {
            x.words.swap(other, n);
        }
    }
    known
}

/// Turns the operation that translated code has left behind into the flags.
pub fn settle_flags(x: &mut Exec) {
    let word = std::mem::take(&mut x.words[FLAG_KIND]);
    if word == 0 {
        return;
    }
    let (a, b) = (x.words[FLAG_A], x.words[FLAG_B]);
    match word >> 8 {
        8 => settle::<8>(x, word & 0xff, a, b),
        16 => settle::<16>(x, word & 0xff, a, b),
        32 => settle::<32>(x, word & 0xff, a, b),
        _ => settle::<64>(x, word & 0xff, a, b),
    }
}

fn settle<const B: u32>(x: &mut Exec, kind: u64, a: u64, b: u64) {
    const ADD: u64 = FlagKind::Add as u64;
    const SUB: u64 = FlagKind::Sub as u64;
    const LOGIC: u64 = FlagKind::Logic as u64;
    const INC: u64 = FlagKind::Inc as u64;
    match kind {
        ADD => x.flags_add::<B>(a, b, a.wrapping_add(b)),
        SUB => x.flags_sub::<B>(a, b, a.wrapping_sub(b)),
        LOGIC => x.flags_logic::<B>(a),
        // The result, and the carry that stays.
        INC => {
            x.flags_add::<B>(a.wrapping_sub(1), 1, a);
            keep_carry(x, b);
        }
        _ => {
            x.flags_sub::<B>(a.wrapping_add(1), 1, a);
            keep_carry(x, b);
        }
    }
}

fn keep_carry(x: &mut Exec, cf: u64) {
    let of = x.of();
    x.set_cf_of(cf, of);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::cpu::{Model, ModelName};
    use ferrite_core::exec::CodeSize;
    use ferrite_core::system::System;

    #[test]
    fn two_modes_take_each_other_s_place_and_no_third() {
        let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
        let modes = [CodeSize::Bits16, CodeSize::Bits32, CodeSize::Bits64].map(Mode::plain);
        let of = |x: &Exec| OF_MODE.map(|n| x.words[n]);
        let [first, second] = [0, 1].map(|n| [modes[n].number() as u64, 0x100 * n as u64, 0x10, 0x1000 + n as u64]);
        OF_MODE.into_iter().zip(first).for_each(|(n, v)| x.words[n] = v);
        assert!(modes.into_iter().all(|mode| !change_mode(&mut x, mode)), "none was there before");
        x.words[OTHER..OTHER + OF_MODE.len()].copy_from_slice(&second);
        assert!(!change_mode(&mut x, modes[2]) && modes[0].is_running(&x));
        assert!(change_mode(&mut x, modes[1]));
        assert_eq!((of(&x), modes[1].is_running(&x)), (second, true));
        assert!(!change_mode(&mut x, modes[1]), "it runs already");
        assert!(change_mode(&mut x, modes[0]));
        assert_eq!(of(&x), first);
    }
}
