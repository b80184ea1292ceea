//! Which helper carries out a transfer of control, a segment load, or an instruction that touches system flags.

use super::helpers::{far, fastcall, flags, iret, segload, softint};
use super::insn::Insn;
use super::ops::Ops;
use super::select::{Meaning, help};
use iced_x86::{Code, Instruction};

/// See [`super::select::select`].
#[must_use]
pub fn select<O: Ops>(ins: &Instruction, _: &Insn) -> Option<Meaning<O>> {
    use Code as C;
    match ins.code() {
        C::Int_imm8 => help(softint::int),
        C::Int3 => help(softint::int3),
        C::Into => help(softint::into),
        C::Int1 => help(softint::int1),
        C::Bound_r16_m1616 => help(softint::bound::<16>),
        C::Bound_r32_m3232 => help(softint::bound::<32>),
        C::Ud0 | C::Ud0_r16_rm16 | C::Ud0_r32_rm32 | C::Ud0_r64_rm64 | C::Ud2 => help(softint::undefined),
        C::Ud1_r16_rm16 | C::Ud1_r32_rm32 | C::Ud1_r64_rm64 => help(softint::undefined),
        C::Iretw => help(iret::iret::<16>),
        C::Iretd => help(iret::iret::<32>),
        C::Iretq => help(iret::iret::<64>),

        C::Jmp_ptr1616 | C::Jmp_ptr1632 => help(far::jmp_direct),
        C::Jmp_m1616 => help(far::jmp_indirect::<16>),
        C::Jmp_m1632 => help(far::jmp_indirect::<32>),
        C::Jmp_m1664 => help(far::jmp_indirect::<64>),
        C::Call_ptr1616 => help(far::call_direct::<16>),
        C::Call_ptr1632 => help(far::call_direct::<32>),
        C::Call_m1616 => help(far::call_indirect::<16>),
        C::Call_m1632 => help(far::call_indirect::<32>),
        C::Call_m1664 => help(far::call_indirect::<64>),
        C::Retfw | C::Retfw_imm16 => help(far::ret::<16>),
        C::Retfd | C::Retfd_imm16 => help(far::ret::<32>),
        C::Retfq | C::Retfq_imm16 => help(far::ret::<64>),

        C::Mov_Sreg_rm16 | C::Mov_Sreg_r32m16 | C::Mov_Sreg_r64m16 => help(segload::mov_to),
        C::Mov_rm16_Sreg | C::Mov_r32m16_Sreg | C::Mov_r64m16_Sreg => help(segload::mov_from),
        C::Pushw_ES | C::Pushw_CS | C::Pushw_SS | C::Pushw_DS | C::Pushw_FS | C::Pushw_GS => help(segload::push::<16>),
        C::Pushd_ES | C::Pushd_CS | C::Pushd_SS | C::Pushd_DS | C::Pushd_FS | C::Pushd_GS => help(segload::push::<32>),
        C::Pushq_FS | C::Pushq_GS => help(segload::push::<64>),
        C::Popw_ES | C::Popw_SS | C::Popw_DS | C::Popw_FS | C::Popw_GS => help(segload::pop::<16>),
        C::Popd_ES | C::Popd_SS | C::Popd_DS | C::Popd_FS | C::Popd_GS => help(segload::pop::<32>),
        C::Popq_FS | C::Popq_GS => help(segload::pop::<64>),
        C::Les_r16_m1616 => help(segload::load_far::<16, 0>),
        C::Les_r32_m1632 => help(segload::load_far::<32, 0>),
        C::Lds_r16_m1616 => help(segload::load_far::<16, 3>),
        C::Lds_r32_m1632 => help(segload::load_far::<32, 3>),
        C::Lss_r16_m1616 => help(segload::load_far::<16, 2>),
        C::Lss_r32_m1632 => help(segload::load_far::<32, 2>),
        C::Lss_r64_m1664 => help(segload::load_far::<64, 2>),
        C::Lfs_r16_m1616 => help(segload::load_far::<16, 4>),
        C::Lfs_r32_m1632 => help(segload::load_far::<32, 4>),
        C::Lfs_r64_m1664 => help(segload::load_far::<64, 4>),
        C::Lgs_r16_m1616 => help(segload::load_far::<16, 5>),
        C::Lgs_r32_m1632 => help(segload::load_far::<32, 5>),
        C::Lgs_r64_m1664 => help(segload::load_far::<64, 5>),

        C::Pushfw => help(flags::pushf::<16>),
        C::Pushfd => help(flags::pushf::<32>),
        C::Pushfq => help(flags::pushf::<64>),
        C::Popfw => help(flags::popf::<16>),
        C::Popfd => help(flags::popf::<32>),
        C::Popfq => help(flags::popf::<64>),
        C::Cli => help(flags::cli),
        C::Sti => help(flags::sti),
        C::Cld => help(flags::cld),
        C::Std => help(flags::std),
        C::Hlt => help(flags::hlt),

        C::Sysenter => help(fastcall::sysenter),
        C::Sysexitd => help(fastcall::sysexit::<32>),
        C::Sysexitq => help(fastcall::sysexit::<64>),
        C::Syscall => help(fastcall::syscall),
        C::Sysretd => help(fastcall::sysret::<32>),
        C::Sysretq => help(fastcall::sysret::<64>),
        C::Swapgs => help(fastcall::swapgs),
        _ => None,
    }
}
