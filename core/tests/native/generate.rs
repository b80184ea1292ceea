//! Random instances of one instruction form, and random states to run them in.

use super::State;
use super::host::{DATA, DATA_LEN};
use iced_x86::{Code, CpuidFeature, Encoder, Instruction, MemoryOperand, OpCodeOperandKind as K, OpKind, Register};

/// A small deterministic generator (xorshift64*).
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }
    /// Integers that find mistakes: small, near the limits of each size, or anything.
    pub fn word(&mut self) -> u64 {
        match self.below(8) {
            0 => self.below(4),
            1 => 0u64.wrapping_sub(self.below(4)),
            2 => 0x8000_0000_0000_0000 >> (8 * self.below(8)),
            3 => 0x7fff_ffff_ffff_ffff >> (8 * self.below(8)),
            4 => self.next() >> self.below(64),
            _ => self.next(),
        }
    }
    /// Floating-point values that find mistakes, as the bits of an `f64` or of two `f32`.
    pub fn float(&mut self) -> u64 {
        const F64: [u64; 12] = [
            0,
            1 << 63,
            0x3ff0 << 48,
            0xbff0 << 48,
            0x7ff0 << 48,
            0xfff0 << 48,
            0x7ff8 << 48,
            0x7ff0_0000_0000_0001,
            1,
            0x000f_ffff_ffff_ffff,
            0x0010 << 48,
            0x7fef_ffff_ffff_ffff,
        ];
        const F32: [u32; 12] = [
            0,
            1 << 31,
            0x3f80_0000,
            0xbf80_0000,
            0x7f80_0000,
            0xff80_0000,
            0x7fc0_0000,
            0x7f80_0001,
            1,
            0x007f_ffff,
            0x0080_0000,
            0x7f7f_ffff,
        ];
        match self.below(6) {
            0 => F64[self.below(12) as usize],
            1 => u64::from(F32[self.below(12) as usize]) << 32 | u64::from(F32[self.below(12) as usize]),
            2 => {
                // Numbers of a common magnitude, so that sums cancel and conversions fit.
                let e = 0x3ff + self.below(70);
                (self.next() & 0x800f_ffff_ffff_ffff) | e << 52
            }
            3 => {
                let f = |r: &mut Self| (r.next() as u32 & 0x807f_ffff) | (127 + r.below(35) as u32) << 23;
                u64::from(f(self)) << 32 | u64::from(f(self))
            }
            4 => (self.word() as i32 as f64).to_bits(),
            _ => self.next(),
        }
    }
}

/// The user-mode, straight-line forms of 64-bit mode that every model up to x86-64-v2 may have.
pub fn forms() -> Vec<Code> {
    use CpuidFeature as F;
    let wanted = [
        F::INTEL8086,
        F::INTEL186,
        F::INTEL286,
        F::INTEL386,
        F::INTEL486,
        F::X64,
        F::CMOV,
        F::CX8,
        F::CMPXCHG16B,
        F::FPU,
        F::FPU287,
        F::FPU387,
        F::FPU387SL_ONLY,
        F::MMX,
        F::SSE,
        F::SSE2,
        F::SSE3,
        F::SSSE3,
        F::SSE4_1,
        F::SSE4_2,
        F::POPCNT,
        F::MULTIBYTENOP,
    ];
    Code::values()
        .filter(|c| {
            let info = c.op_code();
            info.is_instruction()
                && info.mode64()
                && !info.is_privileged()
                && c.cpuid_features().iter().all(|f| wanted.contains(f))
                && !c.is_jcc_short_or_near()
                && straight(*c)
        })
        .collect()
}

fn straight(c: Code) -> bool {
    let name = format!("{:?}", c.mnemonic());
    let mut ins = Instruction::default();
    ins.set_code(c);
    ins.flow_control() == iced_x86::FlowControl::Next
        // Segment registers, system state and what the kernel answers are not compared with a bare CPU.
        && !["In", "Out", "Insb", "Insw", "Insd", "Outsb", "Outsw", "Outsd", "Lar", "Lsl", "Verr", "Verw", "Sgdt", "Sidt",
            "Sldt", "Str", "Smsw", "Cpuid", "Rdtsc", "Lss", "Lfs", "Lgs", "Popf", "Popfq", "Pushf", "Pushfq", "Wait",
            "Fstenv", "Fsave", "Fldenv", "Frstor", "Fnstenv", "Fnsave", "Fxsave", "Fxsave64", "Fxrstor", "Fxrstor64",
            // These begin with a WAIT, an instruction of its own.
            "Fstcw", "Finit", "Fstsw", "Fclex", "Fsetpm", "Feni", "Fdisi",
            "Cli", "Sti", "Clflush", "Enter", "Leave", "Sysenter", "Int1", "Fneni", "Fndisi", "Fnsetpm", "Frstpm",
            "Fstdw", "Fstsg", "Monitor", "Mwait", "Rdpmc", "Invlpg", "Ldmxcsr"]
            .contains(&name.as_str())
        && !c.op_code().op_kinds().iter().any(|k| matches!(k, K::seg_reg | K::cr_reg | K::dr_reg | K::tr_reg))
}

const GPR64: [Register; 15] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RBX,
    Register::RBP,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// An instruction, its bytes, and the registers and memory it begins with.
type Instance = (Instruction, Vec<u8>, State, Box<[u8; DATA_LEN]>);

/// A random instance of the form and the state to run it in, or `None` where the operands give no encoding.
pub fn instance(code: Code, rng: &mut Rng) -> Option<Instance> {
    let mut state = State::random(rng);
    let mut data: Box<[u8; DATA_LEN]> = vec![0u8; DATA_LEN].into_boxed_slice().try_into().ok()?;
    for chunk in data.chunks_exact_mut(8) {
        let v = if rng.below(2) == 0 { rng.float() } else { rng.word() };
        chunk.copy_from_slice(&v.to_le_bytes());
    }
    let mut ins = Instruction::default();
    ins.set_code(code);
    let info = code.op_code();
    for n in 0..info.op_count() {
        operand(&mut ins, n, info.op_kind(n), rng, &mut state)?;
    }
    implied(&mut ins, rng, &mut state)?;
    let mut encoder = Encoder::new(64);
    encoder.encode(&ins, super::host::CODE).ok()?;
    Some((ins, encoder.take_buffer(), state, data))
}

/// Operands that no field of the encoding holds: string pointers and counts, bit offsets.
fn implied(ins: &mut Instruction, rng: &mut Rng, state: &mut State) -> Option<()> {
    use iced_x86::Mnemonic as M;
    let mut place = || DATA + 0x800 + rng.below(0x1000);
    match ins.mnemonic() {
        M::Movsb
        | M::Movsw
        | M::Movsd
        | M::Movsq
        | M::Stosb
        | M::Stosw
        | M::Stosd
        | M::Stosq
        | M::Lodsb
        | M::Lodsw
        | M::Lodsd
        | M::Lodsq
        | M::Cmpsb
        | M::Cmpsw
        | M::Cmpsd
        | M::Cmpsq
        | M::Scasb
        | M::Scasw
        | M::Scasd
        | M::Scasq
            if (0..ins.op_count()).any(|n| matches!(ins.op_kind(n), OpKind::MemorySegRSI | OpKind::MemoryESRDI)) =>
        {
            (state.gpr[6], state.gpr[7]) = (place(), place());
            state.rflags |= (rng.below(2)) << 10;
            if rng.below(2) == 0 {
                state.gpr[1] = rng.below(40);
                if rng.below(2) == 0 { ins.set_has_repe_prefix(true) } else { ins.set_has_repne_prefix(true) }
            }
        }
        M::Maskmovq | M::Maskmovdqu => state.gpr[7] = place(),
        M::Xlatb => state.gpr[3] = place(),
        M::Bt | M::Bts | M::Btr | M::Btc if ins.op0_kind() == OpKind::Memory && ins.op1_kind() == OpKind::Register => {
            let r = ins.op1_register().full_register();
            if r == ins.memory_base() || r == ins.memory_index() {
                return None;
            }
            state.gpr[r.number()] = (rng.below(8192) as i64 - 4096) as u64;
        }
        // Defined for |ST(0)| up to 1 - sqrt(1/2); kept below 1/4 here.
        M::Fyl2xp1 if (0x3ffd..0x7fff).contains(&(state.st0_exponent() & 0x7fff)) => return None,
        // Memory operands: the SDM has the x87 unit enter MMX state with CVTPI2PS, AMD processors leave it alone.
        M::Cvtpi2ps if ins.op1_kind() == OpKind::Memory => return None,
        // The register forms of 0F 0D are NOPs on Intel's processors and undefined on AMD's.
        M::Reservednop if ins.op0_kind() == OpKind::Register && format!("{:?}", ins.code()).ends_with("0F0D") => {
            return None;
        }
        // The result of a 16-bit double shift by more than 16 is undefined.
        M::Shld | M::Shrd if ins.op1_register().size() == 2 => {
            let cl = state.gpr[1] as u8 & 31;
            let n = if ins.op2_kind() == OpKind::Register { cl } else { ins.immediate8() & 31 };
            if n > 16 {
                return None;
            }
        }
        _ => {}
    }
    Some(())
}

fn operand(ins: &mut Instruction, n: u32, kind: K, rng: &mut Rng, state: &mut State) -> Option<()> {
    let number = |rng: &mut Rng| rng.below(16) as u32;
    let gpr = |rng: &mut Rng| loop {
        let r = number(rng);
        if r != 4 {
            return r;
        }
    };
    let mut reg = |r: Register| {
        ins.set_op_kind(n, OpKind::Register);
        ins.set_op_register(n, r);
    };
    match kind {
        K::r8_reg | K::r8_opcode => {
            reg(Register::AL + if rng.below(3) == 0 { number(rng) & 7 } else { 8 + rng.below(12) as u32 })
        }
        K::r16_reg | K::r16_rm | K::r16_opcode | K::r16_reg_mem => reg(Register::AX + gpr(rng)),
        K::r32_reg | K::r32_rm | K::r32_opcode | K::r32_reg_mem => reg(Register::EAX + gpr(rng)),
        K::r64_reg | K::r64_rm | K::r64_opcode | K::r64_reg_mem => reg(Register::RAX + gpr(rng)),
        K::mm_reg | K::mm_rm => reg(Register::MM0 + number(rng) % 8),
        K::xmm_reg | K::xmm_rm => reg(Register::XMM0 + number(rng)),
        K::sti_opcode => reg(Register::ST0 + number(rng) % 8),
        K::st0 => reg(Register::ST0),
        K::al => reg(Register::AL),
        K::cl => reg(Register::CL),
        K::ax => reg(Register::AX),
        K::dx => reg(Register::DX),
        K::eax => reg(Register::EAX),
        K::rax => reg(Register::RAX),
        K::imm8 | K::imm8_const_1 => {
            ins.set_op_kind(n, OpKind::Immediate8);
            ins.set_immediate8(if kind == K::imm8_const_1 { 1 } else { rng.word() as u8 });
        }
        K::imm8sex16 => {
            ins.set_op_kind(n, OpKind::Immediate8to16);
            ins.set_immediate8to16(i16::from(rng.word() as i8));
        }
        K::imm8sex32 => {
            ins.set_op_kind(n, OpKind::Immediate8to32);
            ins.set_immediate8to32(i32::from(rng.word() as i8));
        }
        K::imm8sex64 => {
            ins.set_op_kind(n, OpKind::Immediate8to64);
            ins.set_immediate8to64(i64::from(rng.word() as i8));
        }
        K::imm16 => {
            ins.set_op_kind(n, OpKind::Immediate16);
            ins.set_immediate16(rng.word() as u16);
        }
        K::imm32 => {
            ins.set_op_kind(n, OpKind::Immediate32);
            ins.set_immediate32(rng.word() as u32);
        }
        K::imm32sex64 => {
            ins.set_op_kind(n, OpKind::Immediate32to64);
            ins.set_immediate32to64(i64::from(rng.word() as i32));
        }
        K::imm64 => {
            ins.set_op_kind(n, OpKind::Immediate64);
            ins.set_immediate64(rng.word());
        }
        K::seg_rSI => ins.set_op_kind(n, OpKind::MemorySegRSI),
        K::es_rDI => ins.set_op_kind(n, OpKind::MemoryESRDI),
        K::seg_rDI => ins.set_op_kind(n, OpKind::MemorySegRDI),
        K::seg_rBX_al => {
            ins.set_op_kind(n, OpKind::Memory);
            ins.set_memory_base(Register::RBX);
            ins.set_memory_index(Register::AL);
        }
        K::mem | K::mem_mpx | K::mem_mib => memory(ins, n, rng, state),
        K::r8_or_mem if rng.below(2) == 0 => reg(Register::AL + rng.below(20) as u32),
        K::r16_or_mem if rng.below(2) == 0 => reg(Register::AX + gpr(rng)),
        K::r32_or_mem if rng.below(2) == 0 => reg(Register::EAX + gpr(rng)),
        K::r64_or_mem if rng.below(2) == 0 => reg(Register::RAX + gpr(rng)),
        K::mm_or_mem if rng.below(2) == 0 => reg(Register::MM0 + number(rng) % 8),
        K::xmm_or_mem if rng.below(2) == 0 => reg(Register::XMM0 + number(rng)),
        K::r8_or_mem | K::r16_or_mem | K::r32_or_mem | K::r64_or_mem | K::mm_or_mem | K::xmm_or_mem => {
            memory(ins, n, rng, state)
        }
        _ => return None,
    }
    Some(())
}

/// A memory operand inside the data area, mostly aligned.
fn memory(ins: &mut Instruction, n: u32, rng: &mut Rng, state: &mut State) {
    let base = GPR64[rng.below(15) as usize];
    let mut target = DATA + 0x800 + rng.below(0x1000);
    if rng.below(4) != 0 {
        target &= !15;
    }
    let disp = if rng.below(2) == 0 { rng.below(256) as i64 - 128 } else { rng.next() as i32 as i64 >> 8 };
    let index = GPR64[rng.below(15) as usize];
    let m = if index != base && rng.below(2) == 0 {
        let scale = 1 << rng.below(4);
        let i = &mut state.gpr[index.number()];
        let offset = i.wrapping_mul(u64::from(scale as u32));
        state.gpr[base.number()] = target.wrapping_sub(disp as u64).wrapping_sub(offset);
        MemoryOperand::with_base_index_scale_displ_size(base, index, scale as u32, disp, 4)
    } else {
        state.gpr[base.number()] = target.wrapping_sub(disp as u64);
        MemoryOperand::with_base_displ_size(base, disp, 4)
    };
    ins.set_op_kind(n, OpKind::Memory);
    ins.set_memory_base(m.base);
    ins.set_memory_index(m.index);
    ins.set_memory_index_scale(m.scale);
    ins.set_memory_displacement64(m.displacement as u64);
    ins.set_memory_displ_size(8);
}
