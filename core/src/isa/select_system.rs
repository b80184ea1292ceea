//! Which helper carries out a system instruction.

use super::helpers::{control, smm, system, tables, xsave};
use super::insn::Insn;
use super::ops::Ops;
use super::select::{Meaning, help};
use iced_x86::{Code, Instruction};

/// See [`super::select::select`].
#[must_use]
pub fn select<O: Ops>(ins: &Instruction, _: &Insn) -> Option<Meaning<O>> {
    use Code as C;
    match ins.code() {
        C::Mov_r32_cr | C::Mov_r64_cr => help(control::read_cr),
        C::Mov_cr_r32 | C::Mov_cr_r64 => help(control::write_cr),
        C::Mov_r32_dr | C::Mov_r64_dr => help(control::read_dr),
        C::Mov_dr_r32 | C::Mov_dr_r64 => help(control::write_dr),
        C::Mov_r32_tr => help(control::read_tr),
        C::Mov_tr_r32 => help(control::write_tr),
        C::Lmsw_rm16 | C::Lmsw_r32m16 | C::Lmsw_r64m16 => help(control::lmsw),
        C::Smsw_rm16 => help(control::smsw::<16>),
        C::Smsw_r32m16 => help(control::smsw::<32>),
        C::Smsw_r64m16 => help(control::smsw::<64>),
        C::Clts => help(control::clts),
        C::Xgetbv => help(control::xgetbv),
        C::Xsetbv => help(control::xsetbv),

        C::Lgdt_m1632_16 => help(tables::lgdt::<16>),
        C::Lgdt_m1632 => help(tables::lgdt::<32>),
        C::Lgdt_m1664 => help(tables::lgdt::<64>),
        C::Lidt_m1632_16 => help(tables::lidt::<16>),
        C::Lidt_m1632 => help(tables::lidt::<32>),
        C::Lidt_m1664 => help(tables::lidt::<64>),
        C::Sgdt_m1632_16 => help(tables::sgdt::<16>),
        C::Sgdt_m1632 => help(tables::sgdt::<32>),
        C::Sgdt_m1664 => help(tables::sgdt::<64>),
        C::Sidt_m1632_16 => help(tables::sidt::<16>),
        C::Sidt_m1632 => help(tables::sidt::<32>),
        C::Sidt_m1664 => help(tables::sidt::<64>),
        C::Sldt_rm16 => help(tables::sldt::<16>),
        C::Sldt_r32m16 => help(tables::sldt::<32>),
        C::Sldt_r64m16 => help(tables::sldt::<64>),
        C::Str_rm16 => help(tables::str::<16>),
        C::Str_r32m16 => help(tables::str::<32>),
        C::Str_r64m16 => help(tables::str::<64>),
        C::Lldt_rm16 | C::Lldt_r32m16 | C::Lldt_r64m16 => help(tables::lldt),
        C::Ltr_rm16 | C::Ltr_r32m16 | C::Ltr_r64m16 => help(tables::ltr),
        C::Lar_r16_rm16 => help(tables::lar::<16>),
        C::Lar_r32_r32m16 => help(tables::lar::<32>),
        C::Lar_r64_r64m16 => help(tables::lar::<64>),
        C::Lsl_r16_rm16 => help(tables::lsl::<16>),
        C::Lsl_r32_r32m16 => help(tables::lsl::<32>),
        C::Lsl_r64_r64m16 => help(tables::lsl::<64>),
        C::Verr_rm16 | C::Verr_r32m16 | C::Verr_r64m16 => help(tables::verr),
        C::Verw_rm16 | C::Verw_r32m16 | C::Verw_r64m16 => help(tables::verw),
        C::Arpl_rm16_r16 | C::Arpl_r32m16_r32 => help(tables::arpl),

        C::Cpuid => help(system::cpuid),
        C::Rdtsc => help(system::rdtsc),
        C::Rdtscp => help(system::rdtscp),
        C::Rdpid_r32 | C::Rdpid_r64 => help(system::rdpid),
        C::Rdpmc => help(system::rdpmc),
        C::Rdmsr => help(system::rdmsr),
        C::Wrmsr => help(system::wrmsr),
        C::Invd | C::Wbinvd => help(system::flush_caches),
        C::Invlpg_m => help(system::invlpg),
        C::Invpcid_r32_m128 | C::Invpcid_r64_m128 => help(system::invpcid),
        C::Clflush_m8 => help(system::clflush),
        C::Monitorw | C::Monitord | C::Monitorq => help(system::monitor),
        C::Mwait => help(system::mwait),
        C::Clac => help(system::set_ac::<false>),
        C::Stac => help(system::set_ac::<true>),
        C::Rdfsbase_r32 => help(system::read_base::<32, 4>),
        C::Rdfsbase_r64 => help(system::read_base::<64, 4>),
        C::Rdgsbase_r32 => help(system::read_base::<32, 5>),
        C::Rdgsbase_r64 => help(system::read_base::<64, 5>),
        C::Wrfsbase_r32 => help(system::write_base::<32, 4>),
        C::Wrfsbase_r64 => help(system::write_base::<64, 4>),
        C::Wrgsbase_r32 => help(system::write_base::<32, 5>),
        C::Wrgsbase_r64 => help(system::write_base::<64, 5>),

        C::Fxsave_m512byte => help(xsave::fxsave::<false>),
        C::Fxsave64_m512byte => help(xsave::fxsave::<true>),
        C::Fxrstor_m512byte => help(xsave::fxrstor::<false>),
        C::Fxrstor64_m512byte => help(xsave::fxrstor::<true>),
        C::Xsave_mem | C::Xsaveopt_mem => help(xsave::xsave::<false>),
        C::Xsave64_mem | C::Xsaveopt64_mem => help(xsave::xsave::<true>),
        C::Xrstor_mem => help(xsave::xrstor::<false>),
        C::Xrstor64_mem => help(xsave::xrstor::<true>),

        C::Rsm => help(smm::rsm),
        _ => None,
    }
}
