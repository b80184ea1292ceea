//! The machine of a random program: modes, tables, and handlers that let the program go on behind an instruction that faults.
//!
//! | linear | holds |
//! | --- | --- |
//! | 0 | the real-mode vector table; in 32-bit modes the program once more, for branches of 16 bits |
//! | 1000h | GDT, IDT, TSS and page tables |
//! | 10000h | the program, its handlers, and for each of its bytes where the next instruction is |
//! | 20000h | data, with pages that are read-only, absent, or those of another address |
//! | 30000h | stacks |
//!
//! All other bytes are INT3.

use super::asm::{Code as Bytes, Fix, Item, Label, assemble};
use super::fuzz_code::machine_on;
use super::input::Random;
use ferrite_core::cpu::flags::{AC, FIXED, Flags, IF, NT, TF};
use ferrite_core::cpu::segment::{Seg, Segment, Table, attr};
use ferrite_core::cpu::state::{RIP, RSP, cr0, cr4, efer};
use ferrite_core::cpu::{CpuState, Feature, Model, ModelName};
use ferrite_core::engine::Engine;
use ferrite_core::machine::Machine;
use iced_x86::{Code, Instruction, MemoryOperand, Register};

const RAM: u64 = 0x4_0000;
const GDT: u64 = 0x1000;
const IDT: u64 = 0x2000;
const TSS: u64 = 0x3000;
const PML4: u64 = 0x4000;
const PDPT: u64 = 0x5000;
const PD: u64 = 0x6000;
const PT: u64 = 0x7000;
const PD32: u64 = 0x8000;
const PT32: u64 = 0x9000;
/// Linear address of the code segment in 16-bit modes, and of the page that holds the program in the others.
pub const CODE: u64 = 0x1_0000;
/// Offsets behind [`CODE`].
const HANDLERS: u64 = 0x8000;
const SKIPS: u64 = 0xa000;
/// The longest program.
pub const LONGEST: usize = 0x2000;
/// Linear address of the data.
pub const DATA: u64 = 0x2_0000;
/// How much of it programs aim at.
pub const DATA_LEN: u64 = 0x8000;
/// Offsets behind [`DATA`]: addresses of functions, and counters of loops.
pub const FUNCTIONS: u64 = 0xe000;
pub const COUNTERS: u64 = 0xf000;
/// How often a handler ran.
const FAULTS: u64 = 0xf800;
/// Linear address of the stacks.
pub const STACK: u64 = 0x3_0000;
/// The program's stack pointer behind [`STACK`].
pub const STACK_TOP: u64 = 0x1000;
/// The same pages again, through one large page.
pub const LARGE: u64 = 0x20_0000;

/// Selectors.
pub const CODE0: u16 = 0x08;
pub const DATA0: u16 = 0x10;
const CODE3: u16 = 0x1b;
pub const DATA3: u16 = 0x23;
const TASK: u16 = 0x28;
/// A data segment that begins inside the data and is short; one that grows down; one that may only be read; one over the code.
pub const SHORT: u16 = 0x3b;
pub const DOWN: u16 = 0x43;
pub const CONST: u16 = 0x4b;
pub const OVER_CODE: u16 = 0x53;

/// How a processor reaches its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    Off,
    Small,
    Pae,
    Long,
}

/// A machine, as its program sees it.
#[derive(Clone, Debug)]
pub struct Config {
    pub bits: u32,
    pub model: ModelName,
    pub protected: bool,
    pub user: bool,
    pub paging: Paging,
    /// The base of all segments, in 32-bit modes.
    pub base: u64,
    /// Offset of the program in its segment.
    pub start: u64,
    /// Interrupts come this and 100 nanoseconds apart.
    pub ticks: Option<u8>,
    /// What the handlers put into the pointers, by register number; each lies in the data, those of BP in 16-bit modes in the stack.
    pub pointers: Vec<(u8, u64)>,
    pub flags: u64,
    pub cr0: u64,
    pub cr4: u64,
    pub seed: u64,
}

impl Config {
    /// A random one.
    pub fn random(bits: u32, random: &mut Random) -> Self {
        use ModelName as M;
        let mut one = |n: usize| random.below(n);
        let model = match bits {
            16 => [M::Max, M::Max, M::Max, M::I8086, M::I80286, M::I80386, M::Pentium][one(7)],
            32 => [M::Max, M::Max, M::Max, M::Pentium3, M::I80386, M::I80486][one(6)],
            _ => [M::Max, M::Max, M::X86_64V1][one(3)],
        };
        let protected = bits != 16 || model != M::I8086 && one(2) == 0;
        let user = bits != 16 && one(2) == 0;
        let paging = match bits {
            64 => Paging::Long,
            32 => match one(4) {
                0 => Paging::Off,
                1 if model >= M::Pentium3 => Paging::Pae,
                _ => Paging::Small,
            },
            _ => Paging::Off,
        };
        let base = if bits == 32 && one(4) == 0 { 0x800 } else { 0 };
        let page_end = [0x100, 0x100, 0xff0, 0xfc1, 0xffe][one(5)];
        let start = if bits == 16 { page_end } else { CODE + page_end - base };
        let ticks = (one(3) == 0).then(|| [30, 90, 180, 255][one(4)]);
        let mut pointers = Vec::new();
        let numbers: &[u8] = if bits == 64 { &[3, 5, 6, 7, 12, 13, 14] } else { &[3, 5, 6, 7] };
        for &n in numbers {
            let near = [0, 1, 3, 7, 8, 15, 16, 64, 0x200, 0x800][one(10)];
            let page = 0x1000 * (1 + one(4) as u64);
            let at = match one(2) {
                0 => page - near,
                _ => page + 0x10 * one(16) as u64,
            };
            pointers.push((
                n,
                match (bits, n) {
                    (16, 5) => 0x400 + 0x10 * one(64) as u64 + one(4) as u64,
                    (16, _) => at,
                    (64, 14) => LARGE + DATA + at,
                    _ => DATA + at - base,
                },
            ));
        }
        let arithmetic = random.next() & 0x8d5;
        let mut one = |n: usize| random.below(n);
        let flags = FIXED | arithmetic | IF | if one(8) == 0 { 0x400 } else { 0 } | if one(6) == 0 { AC } else { 0 };
        let cr0 = if model >= M::I80486 {
            [0, cr0::WP, cr0::AM | cr0::WP, cr0::NE, cr0::TS][[0, 1, 2, 3, 1, 1, 1, 4][one(8)]]
        } else {
            0
        };
        let m = Model::new(model);
        let mut cr4 = 0;
        for (feature, bit) in [(Feature::Fxsr, cr4::OSFXSR), (Feature::Sse, cr4::OSXMMEXCPT)] {
            if m.has(feature) && one(16) != 0 {
                cr4 |= bit;
            }
        }
        let seed = random.next();
        Self { bits, model, protected, user, paging, base, start, ticks, pointers, flags, cr0, cr4, seed }
    }

    /// A linear address as an offset in the program's data segment.
    pub fn data(&self, at: u64) -> u64 {
        if self.bits == 16 { at } else { DATA + at - self.base }
    }

    /// The program's stack pointer.
    pub fn stack(&self) -> u64 {
        if self.bits == 16 { STACK_TOP } else { STACK + STACK_TOP - self.base }
    }

    fn code_base(&self) -> u64 {
        if self.bits == 16 { CODE } else { self.base }
    }

    /// An offset behind [`CODE`] as one in the code segment.
    fn code(&self, at: u64) -> u64 {
        CODE + at - self.code_base()
    }

    fn long(&self) -> bool {
        self.bits == 64
    }

    /// What runs first.
    fn state(&self) -> CpuState {
        let mut random = Random(self.seed | 1);
        let mut st = Model::new(self.model).reset_state();
        st.gdtr = Table { base: GDT, limit: 0x7f };
        let limit = if self.long() { 0xfff } else { 0x7ff };
        st.idtr = if self.protected { Table { base: IDT, limit } } else { Table { base: 0, limit: 0x3ff } };
        let busy = if self.bits == 16 { 3 } else { 0xb };
        st.tr = Segment { selector: TASK, attr: attr::P | busy, limit: 0x67, base: TSS };
        st.cpl = if self.user { 3 } else { 0 };
        if self.protected {
            let (code, data) = if self.user { (CODE3, DATA3) } else { (CODE0, DATA0) };
            let size = match self.bits {
                16 => 0,
                32 => attr::DB | attr::G,
                _ => attr::L | attr::G,
            };
            let rights = attr::P | attr::S | attr::RW | attr::ACCESSED | (u16::from(st.cpl) << 5);
            let limit = if self.bits == 16 { 0xffff } else { u32::MAX };
            let data_size = if self.bits == 16 { 0 } else { attr::DB | attr::G };
            let base = |at: u64| if self.bits == 16 { at } else { self.base };
            let segment = |selector, extra, base| Segment { selector, attr: rights | extra, limit, base };
            st.seg = [segment(data, data_size, base(DATA)); 6];
            st.seg[Seg::Cs as usize] = segment(code, attr::CODE | size, base(CODE));
            st.seg[Seg::Ss as usize].base = base(STACK);
            if self.bits == 16 && self.protected {
                // The stack has a descriptor of its own there; the handlers never load it.
                st.seg[Seg::Ss as usize].selector = 0x58;
            }
            if self.long() {
                (st.seg[Seg::Fs as usize].base, st.seg[Seg::Gs as usize].base) = (DATA + 0x10, DATA + 0x1ff8);
            }
            st.cr0 |= cr0::PE;
        } else {
            let seg = |at: u64| Segment::real((at >> 4) as u16);
            st.seg = [seg(DATA), seg(CODE), seg(STACK), seg(DATA), seg(DATA + 0x1000), seg(CODE)];
        }
        st.cr0 |= self.cr0;
        st.cr4 |= self.cr4;
        match self.paging {
            Paging::Off => {}
            Paging::Small => (st.cr0, st.cr3) = (st.cr0 | cr0::PG, PD32),
            Paging::Pae => {
                (st.cr0, st.cr3, st.cr4) = (st.cr0 | cr0::PG, PDPT, st.cr4 | cr4::PAE);
                st.pdpte = [PD | 1, 0, 0, 0];
            }
            Paging::Long => {
                (st.cr0, st.cr3, st.cr4) = (st.cr0 | cr0::PG, PML4, st.cr4 | cr4::PAE);
                st.msr.efer = efer::LMA | efer::LME | efer::SCE | efer::NXE;
            }
        }
        st.regs[usize::from(RIP)] = self.start;
        let mask = match (self.bits, self.model) {
            (64, _) => u64::MAX,
            (_, ModelName::I8086 | ModelName::I80286) => 0xffff,
            _ => 0xffff_ffff,
        };
        let count = if self.long() { 16 } else { 8 };
        for r in &mut st.regs[..count] {
            *r = word(&mut random) & mask;
        }
        for &(n, at) in &self.pointers {
            st.regs[usize::from(n)] = at;
        }
        st.regs[usize::from(RSP)] = self.stack();
        for n in 0..8 {
            st.fpu.significand[n] = float(&mut random) | 1 << 63;
            st.fpu.sign_exponent[n] = (0x3ff0 + random.below(32) as u16) | ((random.below(2) as u16) << 15);
        }
        if random.below(2) == 0 {
            st.fpu.valid = random.next() as u8;
        }
        if self.cr4 & cr4::OSFXSR != 0 {
            for x in &mut st.xmm {
                *x = u128::from(float(&mut random)) << 64 | u128::from(float(&mut random));
            }
            st.mxcsr = mxcsr(&mut random) & Model::new(self.model).mxcsr_mask();
        }
        st.flags = Flags::from_bits(self.flags);
        st
    }

    /// The machine with this program in it.
    pub fn machine(&self, engine: Box<dyn Engine>, program: &Bytes, functions: &[u64]) -> Machine {
        let mut m = machine_on(self.model, engine);
        m.set_no_reboot(true);
        let mem = &mut m.x.sys.mem;
        for page in 0..RAM / 0x1000 {
            mem.write(page * 0x1000, &[0xcc; 0x1000]);
        }
        let mut random = Random(self.seed | 1);
        for at in (0..DATA_LEN).step_by(8) {
            let v = if random.below(2) == 0 { float(&mut random) } else { word(&mut random) };
            mem.write(DATA + at, &v.to_le_bytes());
        }
        mem.write(DATA + COUNTERS, &[0; 0x1000]);
        for (n, to) in (0..).zip(functions) {
            let size = self.bits as usize / 8;
            mem.write(DATA + FUNCTIONS + n * size as u64, &to.to_le_bytes()[..size]);
        }
        let program_at = self.code_base() + self.start;
        mem.write(program_at, &program.bytes);
        if self.bits == 32 {
            // Where an offset of 64 KiB and more leads when its upper half is cleared.
            let low = program_at - CODE;
            let fits = program.bytes.len().min((GDT - low) as usize);
            mem.write(low, &program.bytes[..fits]);
        }
        // For each byte, the instruction behind the one that it is in.
        let mut skips = vec![0u8; 2 * program.bytes.len()];
        for (n, &from) in program.offsets.iter().enumerate() {
            let to = from + program.len_of(n);
            for at in from..to {
                skips[2 * at as usize..][..2].copy_from_slice(&(to as u16).to_le_bytes());
            }
        }
        mem.write(CODE + SKIPS, &skips);
        self.tables(&mut m, &self.handlers(program.bytes.len() as u32));
        if let Some(period) = self.ticks {
            m.x.port_write(0x40, 1, 0); // INTR
            m.x.port_write(0x41, 1, period.into());
        }
        m.x.set_state(self.state());
        m
    }

    fn tables(&self, m: &mut Machine, handlers: &Handlers) {
        let mem = &mut m.x.sys.mem;
        mem.write(CODE + HANDLERS, &handlers.bytes);
        let at = |v: u64| match v {
            8 | 10..=14 | 17 => handlers.with_code,
            0..=31 => handlers.without_code,
            _ => handlers.interrupt,
        };
        let wide = self.bits != 16;
        for v in 0..256u64 {
            let to = at(v);
            if !self.protected {
                mem.write(
                    4 * v,
                    &[to.to_le_bytes().as_slice()[..2].to_vec(), ((CODE >> 4) as u16).to_le_bytes().to_vec()].concat(),
                );
                continue;
            }
            // SDM Vol. 3A, "IDT Descriptors": interrupt gates that CPL 3 may use.
            let kind = if wide { 0xe } else { 6 };
            let gate = to & 0xffff | u64::from(CODE0) << 16 | (kind | 0xe0) << 40 | (to >> 16 & 0xffff) << 48;
            if self.long() {
                mem.write(IDT + 16 * v, &(gate | 1 << 32).to_le_bytes());
                mem.write(IDT + 16 * v + 8, &[0; 8]);
            } else {
                mem.write(IDT + 8 * v, &gate.to_le_bytes());
            }
        }
        let g = if wide { attr::G } else { 0 };
        let big = if wide { attr::DB } else { 0 };
        let limit = if wide { 0xf_ffff } else { 0xffff };
        let base = |b: u64| if wide { self.base } else { b };
        let size = if self.long() { attr::L } else { big };
        let gdt = [
            0,
            descriptor(base(CODE), limit, 0x9b | g | size),
            descriptor(base(DATA), limit, 0x93 | g | big),
            descriptor(base(CODE), limit, 0xfb | g | size),
            descriptor(base(DATA), limit, 0xf3 | g | big),
            descriptor(TSS, 0x67, if wide { 0x8b } else { 0x83 }),
            0,
            descriptor(DATA + 0x1234, 0x2fff, 0xf3 | big),
            descriptor(DATA, 0x17f, 0xf7 | big),
            descriptor(base(DATA), limit, 0xf1 | g | big),
            descriptor(CODE, 0xffff, 0xf3 | big),
            descriptor(base(STACK), limit, 0x93 | g | big),
            0,
            0,
            0,
            0,
        ];
        for (n, d) in (0..).zip(gdt) {
            mem.write(GDT + 8 * n, &d.to_le_bytes());
        }
        mem.write(TSS, &[0; 0x100]);
        let top = STACK + 0x3000;
        if self.long() {
            mem.write(TSS + 4, &top.to_le_bytes());
            mem.write(TSS + 0x24, &(top + 0x1000).to_le_bytes());
        } else {
            mem.write(TSS + 4, &((top - self.base) as u32).to_le_bytes());
            mem.write(TSS + 8, &u32::from(DATA0).to_le_bytes());
        }
        self.pages(m);
    }

    fn pages(&self, m: &mut Machine) {
        let mem = &mut m.x.sys.mem;
        for at in [PML4, PDPT, PD, PT, PD32, PT32] {
            mem.write(at, &[0; 0x1000]);
        }
        for n in 0..512u64 {
            let phys = n << 12;
            // All can be read and written by all, but for the last pages of the data.
            let entry = match phys.wrapping_sub(DATA) {
                0x4000 => (DATA + 0x1000) | 7,
                0x5000 => 0,
                0x6000 => phys | 5,
                0x7000 => CODE | 7,
                0x8000 => phys | 3, // not for CPL 3
                _ => phys | 7,
            };
            mem.write(PT + 8 * n, &entry.to_le_bytes());
            mem.write(PT32 + 4 * n, &(entry as u32).to_le_bytes());
        }
        mem.write(PML4, &(PDPT | 7).to_le_bytes());
        // In a PDPT of PAE, bits 1 and 2 are reserved.
        let rights = if self.paging == Paging::Long { 7 } else { 1 };
        mem.write(PDPT, &(PD | rights).to_le_bytes());
        mem.write(PD, &(PT | 7).to_le_bytes());
        mem.write(PD + 8, &0x87u64.to_le_bytes());
        mem.write(PD32, &(PT32 as u32 | 7).to_le_bytes());
    }

    /// The handlers: after a fault the program goes on behind the instruction, with its pointers as at first.
    fn handlers(&self, program: u32) -> Handlers {
        use Register as R;
        let mut a = Assembler { bits: self.bits, items: Vec::new() };
        let (ax, bx, bp, sp) = match self.bits {
            16 => (R::AX, R::BX, R::BP, R::SP),
            32 => (R::EAX, R::EBX, R::EBP, R::ESP),
            _ => (R::RAX, R::RBX, R::RBP, R::RSP),
        };
        let size = u64::from(self.bits / 8);
        let wide = self.bits / 16; // 1, 2, 4
        let by = |codes: [Code; 3]| codes[(wide / 2) as usize];
        let pushed = |n: u64| MemoryOperand::with_base_displ(bp, (n * size) as i64);
        let reset = self.pointers.clone();
        let m = Model::new(self.model);

        let interrupt = a.label();
        a.one(Ok(Instruction::with(by([Code::Iretw, Code::Iretd, Code::Iretq]))));
        let with_code = a.label();
        // The error code goes; LEA, so that no flag changes.
        match self.bits {
            16 => a.one(Instruction::with2(Code::Add_rm16_imm8, sp, 2)),
            32 => a.one(Instruction::with2(Code::Lea_r32_m, sp, MemoryOperand::with_base_displ(sp, 4))),
            _ => a.one(Instruction::with2(Code::Lea_r64_m, sp, MemoryOperand::with_base_displ(sp, 8))),
        }
        let without_code = a.label();
        for r in [ax, bx, bp] {
            a.one(Instruction::with1(by([Code::Push_r16, Code::Push_r32, Code::Push_r64]), r));
        }
        a.one(Instruction::with2(by([Code::Mov_rm16_r16, Code::Mov_rm32_r32, Code::Mov_rm64_r64]), bp, sp));
        let selector = if self.protected { DATA3 } else { (DATA >> 4) as u16 };
        if self.bits == 64 {
            a.one(Instruction::with2(Code::Mov_r32_imm32, R::EAX, u32::from(selector)));
        } else {
            let (code, r) = if self.bits == 16 { (Code::Mov_r16_imm16, R::AX) } else { (Code::Mov_r32_imm32, R::EAX) };
            a.one(Instruction::with2(code, r, u32::from(selector)));
        }
        for s in [R::DS, R::ES] {
            a.one(Instruction::with2(Code::Mov_Sreg_rm16, s, R::AX));
        }
        // Whose code was it?
        a.one(Instruction::with2(by([Code::Mov_r16_rm16, Code::Mov_r32_rm32, Code::Mov_r64_rm64]), bx, pushed(3)));
        let start = self.start as u32;
        a.one(Instruction::with2(by([Code::Sub_rm16_imm16, Code::Sub_rm32_imm32, Code::Sub_rm64_imm32]), bx, start));
        a.one(Instruction::with2(by([Code::Cmp_rm16_imm16, Code::Cmp_rm32_imm32, Code::Cmp_rm64_imm32]), bx, program));
        // Not that of the program: it begins again.
        let valid = a.label() + 3;
        a.branch(by([Code::Jb_rel8_16, Code::Jb_rel8_32, Code::Jb_rel8_64]), valid);
        a.one(Instruction::with2(by([Code::Mov_r16_imm16, Code::Mov_r32_imm32, Code::Mov_rm64_imm32]), bx, 0));
        let go_on = valid + if self.bits == 16 { 2 } else { 1 };
        a.branch(by([Code::Jmp_rel8_16, Code::Jmp_rel8_32, Code::Jmp_rel8_64]), go_on);
        if self.bits == 16 {
            a.one(Instruction::with2(Code::Add_rm16_r16, bx, bx));
            let from = MemoryOperand::new(R::BX, R::None, 1, SKIPS as i64, 2, false, R::CS);
            a.one(Instruction::with2(Code::Mov_r16_rm16, bx, from));
        } else {
            let from = MemoryOperand::with_base_index_scale_displ_size(R::None, bx, 2, self.code(SKIPS) as i64, 4);
            a.one(Instruction::with2(Code::Movzx_r32_rm16, if self.bits == 32 { bx } else { R::EBX }, from));
        }
        a.one(Instruction::with2(by([Code::Add_rm16_imm16, Code::Add_rm32_imm32, Code::Add_rm64_imm32]), bx, start));
        a.one(Instruction::with2(by([Code::Mov_rm16_r16, Code::Mov_rm32_r32, Code::Mov_rm64_r64]), pushed(3), bx));
        let keep = !(TF | NT | AC) as u32; // as a signed number: the immediate is extended
        let and = by([Code::And_rm16_imm16, Code::And_rm32_imm32, Code::And_rm64_imm32]);
        a.one(Instruction::with2(and, pushed(5), if self.bits == 16 { keep & 0xffff } else { keep } as i32));
        for (n, to) in reset {
            let to = to as u32;
            let mov = by([Code::Mov_rm16_imm16, Code::Mov_rm32_imm32, Code::Mov_rm64_imm32]);
            match n {
                3 => a.one(Instruction::with2(mov, pushed(1), to)),
                5 => a.one(Instruction::with2(mov, pushed(0), to)),
                _ => a.one(Instruction::with2(mov, general(self.bits, n), to)),
            }
        }
        a.one(Instruction::with1(by([Code::Inc_rm16, Code::Inc_rm32, Code::Inc_rm64]), self.absolute(FAULTS)));
        if m.has(Feature::Fpu) && self.cr0 & cr0::TS == 0 {
            a.one(Ok(Instruction::with(Code::Fnclex)));
        }
        for r in [bp, bx, ax] {
            a.one(Instruction::with1(by([Code::Pop_r16, Code::Pop_r32, Code::Pop_r64]), r));
        }
        a.one(Ok(Instruction::with(by([Code::Iretw, Code::Iretd, Code::Iretq]))));
        a.finish(self.code(HANDLERS), [interrupt, with_code, without_code])
    }

    /// A place behind [`DATA`], by its address.
    pub fn absolute(&self, at: u64) -> MemoryOperand {
        MemoryOperand::with_displ(self.data(at), if self.bits == 16 { 2 } else { 4 })
    }
}

/// How many faults the handlers have seen.
pub fn faults(m: &Machine) -> u64 {
    m.x.sys.mem.read_u32(DATA + FAULTS).into()
}

/// A general register of the mode's own size.
pub fn general(bits: u32, n: u8) -> Register {
    let first = match bits {
        16 => Register::AX,
        32 => Register::EAX,
        _ => Register::RAX,
    };
    first + u32::from(n)
}

struct Handlers {
    bytes: Vec<u8>,
    interrupt: u64,
    with_code: u64,
    without_code: u64,
}

struct Assembler {
    bits: u32,
    items: Vec<Item>,
}

impl Assembler {
    fn label(&self) -> Label {
        self.items.len() as Label
    }

    fn one(&mut self, ins: Result<Instruction, iced_x86::IcedError>) {
        let ins = ins.expect("the operands fit the form");
        self.items.push(Item { label: self.label(), ins, fix: Fix::None });
    }

    fn branch(&mut self, code: Code, to: Label) {
        let ins = Instruction::with_branch(code, 0).expect("a branch");
        self.items.push(Item { label: self.label(), ins, fix: Fix::Branch(to) });
    }

    fn finish(self, ip: u64, entries: [Label; 3]) -> Handlers {
        let code = assemble(self.bits, ip, &self.items).expect("handlers assemble");
        let [interrupt, with_code, without_code] = entries.map(|e| ip + u64::from(code.offsets[e as usize]));
        Handlers { bytes: code.bytes, interrupt, with_code, without_code }
    }
}

/// A descriptor. SDM Vol. 3A, "Segment Descriptors".
fn descriptor(base: u64, limit: u64, access: u16) -> u64 {
    let access = u64::from(access);
    limit & 0xffff
        | (base & 0xff_ffff) << 16
        | (access & 0xff) << 40
        | (limit >> 16 & 0xf) << 48
        | (access >> 12) << 52
        | (base >> 24 & 0xff) << 56
}

/// Integers that find mistakes: small, near the limits of each size, or anything.
pub fn word(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.below(4) as u64,
        1 => 0u64.wrapping_sub(random.below(4) as u64),
        2 => 0x8000_0000_0000_0000 >> (8 * random.below(8)),
        3 => 0x7fff_ffff_ffff_ffff >> (8 * random.below(8)),
        4 => random.next() >> random.below(64),
        _ => random.next(),
    }
}

/// MXCSR: mostly as programs have it, before and after the first inexact result.
pub fn mxcsr(random: &mut Random) -> u32 {
    match random.below(8) {
        0 | 1 => 0x1f80,
        2 | 3 => 0x1fa0,
        4 => 0x1fa0 | (random.below(4) as u32) << 13,
        // DAZ, FTZ.
        5 => 0x1fa0 | [0x40, 0x8000, 0x8040][random.below(3)],
        // Something is not masked.
        6 => 0x1f80 & !(0x80 << random.below(6)) | random.next() as u32 & 0x3f,
        _ => random.next() as u32 & 0xffff,
    }
}

/// The bits of an `f64` or of two `f32` that find mistakes.
pub fn float(random: &mut Random) -> u64 {
    const F64: [u64; 8] =
        [0, 1 << 63, 0x3ff0 << 48, 0x7ff0 << 48, 0x7ff8 << 48, 0x7ff0_0000_0000_0001, 1, 0x7fef << 48];
    const F32: [u64; 8] = [0, 1 << 31, 0x3f80_0000, 0x7f80_0000, 0x7fc0_0000, 0x7f80_0001, 1, 0x7f7f_ffff];
    match random.below(6) {
        0 => F64[random.below(8)],
        1 => F32[random.below(8)] << 32 | F32[random.below(8)],
        2 => random.next() & 0x800f_ffff_ffff_ffff | (0x3ff + random.below(70) as u64) << 52,
        3 => {
            let mut f = || u64::from(random.next() as u32 & 0x807f_ffff) | (127 + random.below(35) as u64) << 23;
            f() << 32 | f()
        }
        4 => (word(random) as i32 as f64).to_bits(),
        _ => random.next(),
    }
}
