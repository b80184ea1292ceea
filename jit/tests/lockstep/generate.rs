//! Random programs: a loop that never ends over instructions of every family, with inner loops, forward branches, calls, string
//! instructions, stores into the program itself, and what changes segments and flags.

use super::asm::{Fix, Item, Label, encode_one};
use super::board::{self, COUNTERS, Config, DATA_LEN, FUNCTIONS, general, word};
use super::forms::Forms;
use super::input::Random;
use ferrite_core::cpu::{Model, ModelName};
use ferrite_core::exec::CodeSize;
use ferrite_core::isa::decode;
use iced_x86::{
    Code, Instruction, MemoryOperand, Mnemonic as M, OpCodeOperandKind as K, OpKind, Register as R, RepPrefixKind,
};

/// A program being written.
struct Writer<'a> {
    config: &'a Config,
    forms: &'a Forms,
    random: &'a mut Random,
    size: CodeSize,
    model: Model,
    items: Vec<Item>,
    next: Label,
    loops: u64,
    functions: Vec<Label>,
    /// Most of it are vector instructions.
    vectors: bool,
    /// Some branches have the other operand size: in 32-bit code they go below 64 KiB, where the program is once more.
    cuts: bool,
}

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    pub config: Config,
    pub items: Vec<Item>,
    /// Entries of the table of functions.
    pub functions: Vec<Label>,
}

/// The most functions.
const FUNCTION_COUNT: usize = 4;

impl Program {
    /// A random one.
    pub fn random(config: &Config, forms: &Forms, random: &mut Random) -> Self {
        let size = match config.bits {
            16 => CodeSize::Bits16,
            32 => CodeSize::Bits32,
            _ => CodeSize::Bits64,
        };
        let functions = (1..=FUNCTION_COUNT as u32).map(|n| n << 20).collect();
        let model = Model::new(config.model);
        let vectors = random.below(3) == 0 && !forms.vectors.is_empty();
        let cuts = config.bits != 64 && config.model >= ModelName::I80386 && random.below(4) == 0;
        let items = Vec::new();
        let mut w = Writer { config, forms, random, size, model, items, next: 0, loops: 0, functions, vectors, cuts };
        w.program();
        let Writer { mut items, functions, .. } = w;
        smc_targets(&mut items, random);
        Self { config: config.clone(), items, functions }
    }
}

/// Stores into the program are made before the program is whole: they find their targets here.
fn smc_targets(items: &mut [Item], random: &mut Random) {
    for n in 0..items.len() {
        if let Fix::Address(..) = items[n].fix {
            // Mostly near: the same block, or the next instruction.
            let to = match random.below(3) {
                0 => (n + 1).min(items.len() - 1),
                1 => n.saturating_sub(random.below(8)).max(1),
                _ => random.below(items.len()),
            };
            // Mostly into an immediate or a displacement, which is at the end.
            let delta = if random.below(4) == 0 { random.below(8) as u8 } else { 0xff };
            items[n].fix = Fix::Address(items[to].label, delta);
        }
    }
}

impl Writer<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.random.below(n)
    }

    fn bits(&self) -> u32 {
        self.config.bits
    }

    fn put(&mut self, ins: Instruction, fix: Fix) -> Label {
        let label = self.next;
        self.items.push(Item { label, ins, fix });
        self.next += 1;
        label
    }

    fn one(&mut self, ins: Result<Instruction, iced_x86::IcedError>) -> Label {
        let ins = ins.expect("the operands fit the form");
        self.put(ins, Fix::None)
    }

    fn by(&self, codes: [Code; 3]) -> Code {
        codes[(self.bits() / 32) as usize]
    }

    /// What leads elsewhere: of the mode's own size, or of the other.
    fn by_or_cut(&mut self, codes: [Code; 3]) -> Code {
        if self.cuts && self.below(4) == 0 { codes[usize::from(self.bits() == 16)] } else { self.by(codes) }
    }

    fn branch(&mut self, codes: [Code; 3], to: Label) {
        let code = self.by_or_cut(codes);
        let ins = Instruction::with_branch(code, 0).expect("a branch");
        self.put(ins, Fix::Branch(to));
    }

    fn jcc(&mut self, to: Label) {
        const SHORT: [[Code; 3]; 16] = [
            [Code::Jo_rel8_16, Code::Jo_rel8_32, Code::Jo_rel8_64],
            [Code::Jno_rel8_16, Code::Jno_rel8_32, Code::Jno_rel8_64],
            [Code::Jb_rel8_16, Code::Jb_rel8_32, Code::Jb_rel8_64],
            [Code::Jae_rel8_16, Code::Jae_rel8_32, Code::Jae_rel8_64],
            [Code::Je_rel8_16, Code::Je_rel8_32, Code::Je_rel8_64],
            [Code::Jne_rel8_16, Code::Jne_rel8_32, Code::Jne_rel8_64],
            [Code::Jbe_rel8_16, Code::Jbe_rel8_32, Code::Jbe_rel8_64],
            [Code::Ja_rel8_16, Code::Ja_rel8_32, Code::Ja_rel8_64],
            [Code::Js_rel8_16, Code::Js_rel8_32, Code::Js_rel8_64],
            [Code::Jns_rel8_16, Code::Jns_rel8_32, Code::Jns_rel8_64],
            [Code::Jp_rel8_16, Code::Jp_rel8_32, Code::Jp_rel8_64],
            [Code::Jnp_rel8_16, Code::Jnp_rel8_32, Code::Jnp_rel8_64],
            [Code::Jl_rel8_16, Code::Jl_rel8_32, Code::Jl_rel8_64],
            [Code::Jge_rel8_16, Code::Jge_rel8_32, Code::Jge_rel8_64],
            [Code::Jle_rel8_16, Code::Jle_rel8_32, Code::Jle_rel8_64],
            [Code::Jg_rel8_16, Code::Jg_rel8_32, Code::Jg_rel8_64],
        ];
        let cc = self.below(16);
        self.branch(SHORT[cc], to);
    }

    fn program(&mut self) {
        const JMP: [Code; 3] = [Code::Jmp_rel8_16, Code::Jmp_rel8_32, Code::Jmp_rel8_64];
        let bits = self.bits();
        let top = self.next;
        let sp = general(bits, 4);
        let mov = self.by([Code::Mov_r16_imm16, Code::Mov_r32_imm32, Code::Mov_rm64_imm32]);
        let stack = self.config.stack() as u32;
        self.one(Instruction::with2(mov, sp, stack));
        if self.below(4) != 0 {
            for (n, at) in self.config.pointers.clone() {
                self.one(Instruction::with2(mov, general(bits, n), at as u32));
            }
        }
        let count = 1 + self.below(14);
        for _ in 0..count {
            self.element(0);
        }
        if self.cuts {
            // From the copy, too, the program begins again where it is whole.
            self.jump(top);
        } else {
            self.branch(JMP, top);
        }
        for n in 0..FUNCTION_COUNT {
            self.next = self.functions[n];
            for _ in 0..self.below(5) {
                self.element(2);
            }
            let ret = self.by_or_cut([Code::Retnw, Code::Retnd, Code::Retnq]);
            if self.below(8) == 0 {
                let ret = self.by([Code::Retnw_imm16, Code::Retnd_imm16, Code::Retnq_imm16]);
                let n = 2 * self.below(8) as u32;
                self.one(Instruction::with1(ret, n));
            } else {
                self.one(Ok(Instruction::with(ret)));
            }
        }
    }

    /// One thing that a program does; `depth` of loops that it is in.
    fn element(&mut self, depth: u32) {
        match self.below(100) {
            0..=9 if depth < 3 => self.skip(depth),
            10..=15 if depth < 2 => self.counted(depth),
            16..=18 if depth < 2 => self.call(),
            19..=21 => self.string(),
            22..=23 => self.modify(),
            24 => self.flags(),
            25 => self.segment(),
            26..=27 => self.system(),
            28 => self.computed(depth),
            29 => self.frame(),
            _ => self.plain(false),
        }
    }

    /// A branch over some elements.
    fn skip(&mut self, depth: u32) {
        let at = self.items.len();
        if self.below(8) == 0 {
            let codes = [Code::Jcxz_rel8_16, Code::Jecxz_rel8_32, Code::Jrcxz_rel8_64];
            self.branch(codes, 0);
        } else {
            if self.below(2) == 0 {
                self.plain(true);
            }
            self.jcc(0);
        }
        for _ in 0..1 + self.below(4) {
            self.element(depth + 1);
        }
        let end = self.next;
        for item in &mut self.items[at..] {
            if item.fix == Fix::Branch(0) {
                item.fix = Fix::Branch(end);
                break;
            }
        }
    }

    /// A loop that ends.
    fn counted(&mut self, depth: u32) {
        let count = 2 + self.below(if depth == 0 { 40 } else { 6 }) as u32;
        let bits = self.bits();
        if self.below(3) == 0 {
            let mov = self.by([Code::Mov_r16_imm16, Code::Mov_r32_imm32, Code::Mov_r32_imm32]);
            self.one(Instruction::with2(mov, if bits == 16 { R::CX } else { R::ECX }, count));
            let top = self.next;
            for _ in 0..1 + self.below(5) {
                self.element(depth + 1);
            }
            let codes = match self.below(5) {
                0 => [Code::Loope_rel8_16_CX, Code::Loope_rel8_32_ECX, Code::Loope_rel8_64_RCX],
                1 => [Code::Loopne_rel8_16_CX, Code::Loopne_rel8_32_ECX, Code::Loopne_rel8_64_RCX],
                _ => [Code::Loop_rel8_16_CX, Code::Loop_rel8_32_ECX, Code::Loop_rel8_64_RCX],
            };
            self.branch(codes, top);
            return;
        }
        let counter = self.config.absolute(COUNTERS + 8 * self.loops);
        self.loops += 1;
        self.one(Instruction::with2(Code::Mov_rm8_imm8, counter, count));
        let top = self.next;
        for _ in 0..1 + self.below(6) {
            self.element(depth + 1);
        }
        self.one(Instruction::with1(Code::Dec_rm8, counter));
        self.branch([Code::Jne_rel8_16, Code::Jne_rel8_32, Code::Jne_rel8_64], top);
    }

    fn call(&mut self) {
        let n = self.below(FUNCTION_COUNT);
        let to = self.functions[n];
        let bits = self.bits();
        match self.below(4) {
            0 => {
                // By the table.
                let at = FUNCTIONS + (n as u64) * u64::from(bits / 8);
                let code = self.by([Code::Call_rm16, Code::Call_rm32, Code::Call_rm64]);
                let from = self.config.absolute(at);
                self.one(Instruction::with1(code, from));
            }
            1 => {
                // By a register that holds one of them, from the table.
                let (r, wide) = (general(bits, 0), bits / 8);
                let and = self.by([Code::And_rm16_imm16, Code::And_rm32_imm32, Code::And_rm64_imm32]);
                self.one(Instruction::with2(and, r, (FUNCTION_COUNT as u32 - 1) * wide));
                let load = self.by([Code::Mov_r16_rm16, Code::Mov_r32_rm32, Code::Mov_r64_rm64]);
                let table = self.config.data(FUNCTIONS) as i64;
                let from = if bits == 16 {
                    let mov = Instruction::with2(Code::Mov_r16_rm16, R::BX, R::AX);
                    self.one(mov);
                    MemoryOperand::with_base_displ_size(R::BX, table, 2)
                } else {
                    MemoryOperand::with_base_displ_size(r, table, 4)
                };
                self.one(Instruction::with2(load, r, from));
                let code = self.by([Code::Call_rm16, Code::Call_rm32, Code::Call_rm64]);
                self.one(Instruction::with1(code, r));
            }
            _ => self.branch([Code::Call_rel16, Code::Call_rel32_32, Code::Call_rel32_64], to),
        }
    }

    /// A jump by register.
    fn jump(&mut self, to: Label) {
        let bits = self.bits();
        let mov = self.by([Code::Mov_r16_imm16, Code::Mov_r32_imm32, Code::Mov_rm64_imm32]);
        let ins = Instruction::with2(mov, general(bits, 2), 0).expect("the operands fit the form");
        self.put(ins, Fix::Immediate(to));
        if bits == 32 && self.cuts && self.below(8) == 0 {
            self.one(Instruction::with1(Code::Jmp_rm16, R::DX));
        } else {
            let jmp = self.by([Code::Jmp_rm16, Code::Jmp_rm32, Code::Jmp_rm64]);
            self.one(Instruction::with1(jmp, general(bits, 2)));
        }
    }

    /// A jump by register to a place further on.
    fn computed(&mut self, depth: u32) {
        let at = self.items.len();
        self.jump(0);
        for _ in 0..self.below(3) {
            self.element(depth.max(2));
        }
        self.items[at].fix = Fix::Immediate(self.next);
    }

    fn frame(&mut self) {
        if self.below(2) == 0 {
            let enter = self.by([Code::Enterw_imm16_imm8, Code::Enterd_imm16_imm8, Code::Enterq_imm16_imm8]);
            let (size, level) = (4 * self.below(9) as u32, [0, 0, 1, 3][self.below(4)]);
            self.one(Instruction::with2(enter, size, level));
        }
        self.plain(false);
        if self.below(2) == 0 {
            let leave = self.by([Code::Leavew, Code::Leaved, Code::Leaveq]);
            self.one(Ok(Instruction::with(leave)));
        }
    }

    fn string(&mut self) {
        let bits = self.bits();
        if self.below(3) != 0 {
            let count = [self.below(5), self.below(40), self.below(40), 0x300, 0x1100][self.below(5)] as u32;
            let mov = self.by([Code::Mov_r16_imm16, Code::Mov_r32_imm32, Code::Mov_r32_imm32]);
            self.one(Instruction::with2(mov, if bits == 16 { R::CX } else { R::ECX }, count));
        }
        let size = if bits != 16 && self.below(12) == 0 { bits / 2 } else { bits };
        let rep = [RepPrefixKind::None, RepPrefixKind::Repe, RepPrefixKind::Repe, RepPrefixKind::Repne][self.below(4)];
        let any = if rep == RepPrefixKind::Repne { RepPrefixKind::Repe } else { rep };
        let seg = [R::None, R::None, R::None, R::ES, R::FS][self.below(5)];
        let choice = self.below(if bits == 64 { 20 } else { 15 });
        type I = Instruction;
        let ins = match choice {
            0 => I::with_movsb(size, seg, any),
            1 => I::with_movsw(size, seg, any),
            2 => I::with_movsd(size, seg, any),
            3 => I::with_stosb(size, any),
            4 => I::with_stosw(size, any),
            5 => I::with_stosd(size, any),
            6 => I::with_lodsb(size, seg, any),
            7 => I::with_lodsw(size, seg, any),
            8 => I::with_lodsd(size, seg, any),
            9 => I::with_cmpsb(size, seg, rep),
            10 => I::with_cmpsw(size, seg, rep),
            11 => I::with_cmpsd(size, seg, rep),
            12 => I::with_scasb(size, rep),
            13 => I::with_scasw(size, rep),
            14 => I::with_scasd(size, rep),
            15 => I::with_movsq(size, seg, any),
            16 => I::with_stosq(size, any),
            17 => I::with_lodsq(size, seg, any),
            18 => I::with_cmpsq(size, seg, rep),
            _ => I::with_scasq(size, rep),
        };
        self.one(ins);
    }

    /// A store into the program.
    fn modify(&mut self) {
        let over_code = match self.bits() {
            16 if !self.config.protected => R::CS,
            16 => R::GS,
            _ => R::None,
        };
        if over_code == R::GS {
            self.load_segment(R::GS, board::OVER_CODE);
        }
        let size = if self.bits() == 16 { 2 } else { 4 };
        let to = MemoryOperand::new(R::None, R::None, 1, 0, size, false, over_code);
        let byte = self.random.next() as u8;
        let ins = match self.below(5) {
            0 => Instruction::with2(Code::Mov_rm8_imm8, to, u32::from(byte)),
            1 => Instruction::with2(Code::Xor_rm8_imm8, to, 1u32 << self.below(8)),
            2 => Instruction::with1(Code::Inc_rm8, to),
            3 => Instruction::with2(Code::Mov_rm8_r8, to, R::AL),
            _ => Instruction::with2(Code::Xor_rm8_imm8, to, 0), // the same again
        };
        self.put(ins.expect("the operands fit the form"), Fix::Address(0, 0));
    }

    fn load_segment(&mut self, s: R, selector: u16) {
        self.one(Instruction::with2(Code::Mov_r16_imm16, R::AX, u32::from(selector)));
        self.one(Instruction::with2(Code::Mov_Sreg_rm16, s, R::AX));
    }

    fn segment(&mut self) {
        if !self.config.protected {
            let at = ((board::DATA >> 4) as u16).wrapping_add(self.below(0x400) as u16);
            let s = [R::ES, R::DS][self.below(2)];
            return self.load_segment(s, at);
        }
        const SELECTORS: [u16; 7] =
            [board::DATA3, board::SHORT, board::DOWN, board::CONST, board::OVER_CODE, board::CODE0, 0];
        let (s, n) = ([R::ES, R::DS, R::FS, R::GS][self.below(4)], self.below(SELECTORS.len()));
        let selector = if self.config.user || self.below(4) != 0 { SELECTORS[n] } else { board::DATA0 };
        self.load_segment(s, selector);
    }

    /// PUSHF, POPF with a change between.
    fn flags(&mut self) {
        let bits = [0u32, 1, 0x40, 0x80, 0x800, 0x400, 0x400, 0x10, 4, 0x100, 0x200, 0x4_0000][self.below(12)];
        let sp = general(self.bits(), 4);
        let pushf = self.by([Code::Pushfw, Code::Pushfd, Code::Pushfq]);
        self.one(Ok(Instruction::with(pushf)));
        if self.bits() == 16 {
            // There is no address of SP alone: through a register.
            self.one(Instruction::with1(Code::Pop_r16, R::AX));
            self.one(Instruction::with2(Code::Xor_rm16_imm16, R::AX, bits & 0xffff));
            self.one(Instruction::with1(Code::Push_r16, R::AX));
        } else {
            let xor = self.by([Code::Xor_rm16_imm16, Code::Xor_rm32_imm32, Code::Xor_rm64_imm32]);
            self.one(Instruction::with2(xor, MemoryOperand::with_base(sp), bits));
        }
        let popf = self.by([Code::Popfw, Code::Popfd, Code::Popfq]);
        self.one(Ok(Instruction::with(popf)));
    }

    fn system(&mut self) {
        let wide = self.bits() != 16;
        let free = !self.config.user;
        let (r, cr3) = (if self.bits() == 64 { R::RAX } else { R::EAX }, self.bits() == 64);
        let (from, to) = if cr3 { (Code::Mov_r64_cr, Code::Mov_cr_r64) } else { (Code::Mov_r32_cr, Code::Mov_cr_r32) };
        let byte = self.below(256) as u32;
        match self.below(18) {
            16..=17 if self.model.has(ferrite_core::cpu::Feature::Sse) => {
                let v = board::mxcsr(self.random) & self.model.mxcsr_mask();
                let at = self.config.absolute(8 * self.random.below(64) as u64);
                self.one(Instruction::with2(Code::Mov_rm32_imm32, at, v));
                self.one(Instruction::with1(Code::Ldmxcsr_m32, at))
            }
            0 => self.one(Instruction::with1(Code::Int_imm8, 0x20 | byte)),
            1 => self.one(Ok(Instruction::with(Code::Int3))),
            2 if self.bits() != 64 => self.one(Ok(Instruction::with(Code::Into))),
            3 => self.one(Ok(Instruction::with(Code::Ud2))),
            4..=6 => self.one(Ok(Instruction::with(Code::Rdtsc))),
            7 => self.one(Ok(Instruction::with(Code::Cpuid))),
            8 if free => self.one(Ok(Instruction::with(Code::Cli))),
            9 => self.one(Ok(Instruction::with(Code::Sti))),
            10 if free && wide => {
                self.one(Instruction::with2(from, r, R::CR3));
                self.one(Instruction::with2(to, R::CR3, r))
            }
            11 if free && wide => {
                let at = MemoryOperand::with_displ(self.config.data(0x1000 * self.random.below(8) as u64), 4);
                self.one(Instruction::with1(Code::Invlpg_m, at))
            }
            12 if free && wide => {
                self.one(Instruction::with2(from, r, R::CR0));
                let bit = [1u32 << 16, 1 << 18, 8, 1 << 5][self.below(4)];
                let xor = if cr3 { Code::Xor_rm64_imm32 } else { Code::Xor_rm32_imm32 };
                self.one(Instruction::with2(xor, r, bit));
                self.one(Instruction::with2(to, R::CR0, r))
            }
            13 if free && self.config.ticks.is_some() => {
                self.one(Ok(Instruction::with(Code::Sti)));
                self.one(Ok(Instruction::with(Code::Hlt)))
            }
            14 if free => self.one(Instruction::with2(Code::In_AL_imm8, R::AL, 0x40)),
            _ => self.one(Instruction::with1(Code::Nop_rm16, R::AX)),
        };
    }

    /// An instruction that goes on with the next one, of any family, or one that mostly sets flags.
    fn plain(&mut self, common: bool) {
        for _ in 0..50 {
            let code = if self.vectors && !common && self.below(4) != 0 {
                Forms::of(&self.forms.vectors, self.random)
            } else {
                self.forms.pick(self.random, common)
            };
            let Some(ins) = self.instance(code) else { continue };
            let Some(bytes) = encode_one(self.bits(), &ins) else { continue };
            // What the processor does not have is seldom of interest.
            if decode::decode(&bytes, self.size, &self.model).is_err() && self.below(40) != 0 {
                continue;
            }
            if matches!(ins.mnemonic(), M::Div | M::Idiv | M::Aam) && self.below(3) != 0 {
                continue;
            }
            self.put(ins, Fix::None);
            return;
        }
    }

    fn instance(&mut self, code: Code) -> Option<Instruction> {
        let mut ins = Instruction::default();
        ins.set_code(code);
        let info = code.op_code();
        for n in 0..info.op_count() {
            self.operand(&mut ins, n, info.op_kind(n))?;
        }
        let locks = info.can_use_lock_prefix() && ins.op0_kind() == OpKind::Memory;
        if locks && self.below(12) == 0 {
            ins.set_has_lock_prefix(true);
        }
        Some(ins)
    }

    /// The number of a general register: those that point nowhere, mostly.
    fn number(&mut self, writes: bool) -> u32 {
        let free: &[u32] = if self.bits() == 64 { &[0, 1, 2, 8, 9, 10, 11, 15] } else { &[0, 1, 2] };
        let count = if self.bits() == 64 { 16 } else { 8 };
        match self.below(40) {
            0..=29 => free[self.below(free.len())],
            // The stack pointer is seldom a good place.
            _ => match self.below(count) as u32 {
                4 if writes && self.below(30) != 0 => 0,
                n => n,
            },
        }
    }

    fn operand(&mut self, ins: &mut Instruction, n: u32, kind: K) -> Option<()> {
        let bits = self.bits();
        let set = |ins: &mut Instruction, r: R| {
            ins.set_op_kind(n, OpKind::Register);
            ins.set_op_register(n, r);
        };
        let v = word(self.random);
        match kind {
            K::r8_reg | K::r8_opcode => {
                let r = self.byte();
                set(ins, r);
            }
            K::r16_reg | K::r16_rm | K::r16_opcode | K::r16_reg_mem => set(ins, R::AX + self.number(n == 0)),
            K::r32_reg | K::r32_rm | K::r32_opcode | K::r32_reg_mem => set(ins, R::EAX + self.number(n == 0)),
            K::r64_reg | K::r64_rm | K::r64_opcode | K::r64_reg_mem => set(ins, R::RAX + self.number(n == 0)),
            K::mm_reg | K::mm_rm => set(ins, R::MM0 + self.below(8) as u32),
            K::xmm_reg | K::xmm_rm => set(ins, R::XMM0 + self.xmm()),
            K::sti_opcode => set(ins, R::ST0 + self.below(8) as u32),
            K::st0 => set(ins, R::ST0),
            K::al => set(ins, R::AL),
            K::cl => set(ins, R::CL),
            K::ax => set(ins, R::AX),
            K::dx => set(ins, R::DX),
            K::eax => set(ins, R::EAX),
            K::rax => set(ins, R::RAX),
            K::es => set(ins, R::ES),
            K::ds => set(ins, R::DS),
            K::fs => set(ins, R::FS),
            K::gs => set(ins, R::GS),
            // Loads of garbage into segment registers are made in `segment`; SS stays.
            K::seg_reg if n != 0 => set(ins, [R::ES, R::CS, R::SS, R::DS, R::FS, R::GS][self.below(6)]),
            K::imm8 | K::imm8_const_1 => {
                ins.set_op_kind(n, OpKind::Immediate8);
                ins.set_immediate8(if kind == K::imm8_const_1 { 1 } else { v as u8 });
            }
            K::imm8sex16 => {
                ins.set_op_kind(n, OpKind::Immediate8to16);
                ins.set_immediate8to16(i16::from(v as i8));
            }
            K::imm8sex32 => {
                ins.set_op_kind(n, OpKind::Immediate8to32);
                ins.set_immediate8to32(i32::from(v as i8));
            }
            K::imm8sex64 => {
                ins.set_op_kind(n, OpKind::Immediate8to64);
                ins.set_immediate8to64(i64::from(v as i8));
            }
            K::imm16 => {
                ins.set_op_kind(n, OpKind::Immediate16);
                ins.set_immediate16(v as u16);
            }
            K::imm32 => {
                ins.set_op_kind(n, OpKind::Immediate32);
                ins.set_immediate32(v as u32);
            }
            K::imm32sex64 => {
                ins.set_op_kind(n, OpKind::Immediate32to64);
                ins.set_immediate32to64(i64::from(v as i32));
            }
            K::imm64 => {
                ins.set_op_kind(n, OpKind::Immediate64);
                ins.set_immediate64(v);
            }
            K::seg_rBX_al => {
                ins.set_op_kind(n, OpKind::Memory);
                ins.set_memory_base(general(bits, 3));
                ins.set_memory_index(R::AL);
            }
            K::seg_rDI => ins.set_op_kind(
                n,
                match bits {
                    16 => OpKind::MemorySegDI,
                    32 => OpKind::MemorySegEDI,
                    _ => OpKind::MemorySegRDI,
                },
            ),
            K::mem_offs => {
                ins.set_op_kind(n, OpKind::Memory);
                ins.set_memory_displ_size(bits / 8);
                ins.set_memory_displacement64(self.somewhere());
            }
            K::mem | K::mem_mpx | K::mem_mib => self.memory(ins, n),
            K::r8_or_mem if self.below(2) == 0 => {
                let r = self.byte();
                set(ins, r);
            }
            K::r16_or_mem if self.below(2) == 0 => set(ins, R::AX + self.number(n == 0)),
            K::r32_or_mem if self.below(2) == 0 => set(ins, R::EAX + self.number(n == 0)),
            K::r64_or_mem if self.below(2) == 0 => set(ins, R::RAX + self.number(n == 0)),
            K::mm_or_mem if self.below(2) == 0 => set(ins, R::MM0 + self.below(8) as u32),
            K::xmm_or_mem if self.below(2) == 0 => set(ins, R::XMM0 + self.xmm()),
            K::r8_or_mem | K::r16_or_mem | K::r32_or_mem | K::r64_or_mem | K::mm_or_mem | K::xmm_or_mem => {
                self.memory(ins, n);
            }
            _ => return None,
        }
        Some(())
    }

    fn byte(&mut self) -> R {
        let numbers: &[u32] =
            if self.bits() == 64 { &[0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 19] } else { &[0, 1, 2, 4, 5, 6, 3] };
        R::AL + numbers[self.below(numbers.len())]
    }

    fn xmm(&mut self) -> u32 {
        self.below(if self.bits() == 64 { 16 } else { 8 }) as u32
    }

    /// An address in the data: anywhere, or where a page ends.
    fn somewhere(&mut self) -> u64 {
        let at = match self.below(3) {
            0 => 0x1000 * (1 + self.below(7) as u64) - self.below(16) as u64,
            _ => 8 * self.below(DATA_LEN as usize / 8) as u64,
        };
        self.config.data(at)
    }

    /// A memory operand, mostly inside the data.
    fn memory(&mut self, ins: &mut Instruction, n: u32) {
        let bits = self.bits();
        let narrow = bits != 16 || self.below(8) != 0; // of the mode's own size
        let asize = if bits == 16 && !narrow { 32 } else { bits };
        let pointers = self.config.pointers.clone();
        let (number, value) = pointers[self.below(pointers.len())];
        let base = general(asize, number);
        let disp = match self.below(4) {
            0 => 0,
            1 => i64::from(self.random.next() as i8),
            // Where a page ends.
            2 => ((value | 0xfff) + 1 - self.below(20) as u64).wrapping_sub(value) as i64,
            _ => self.below(0x1000) as i64 - 0x400,
        };
        let m = match self.below(20) {
            0..=2 => {
                let at = self.somewhere();
                if bits == 64 && self.below(2) == 0 {
                    MemoryOperand::with_base_displ_size(R::RIP, at as i64, 8)
                } else {
                    MemoryOperand::with_displ(at, if asize == 16 { 2 } else { 4 })
                }
            }
            3..=7 if asize == 16 => {
                let (base, index) = [(R::BX, R::SI), (R::BX, R::DI), (R::BP, R::SI), (R::BP, R::DI)][self.below(4)];
                MemoryOperand::with_base_index_scale_displ_size(base, index, 1, i64::from(disp as i16), 2)
            }
            3..=5 => {
                // An index that a moment ago was made small.
                let (index, and) = if bits == 16 {
                    (R::ECX, Code::And_rm32_imm8)
                } else {
                    (general(bits, 2), self.by([Code::And_rm32_imm8, Code::And_rm32_imm8, Code::And_rm64_imm8]))
                };
                self.one(Instruction::with2(and, index, 0x1f));
                let scale = 1 << self.below(4);
                MemoryOperand::with_base_index_scale_displ_size(base, index, scale, disp, 4)
            }
            6 if asize != 16 => {
                let index = general(asize, [0, 1, 2, 6, 7][self.below(5)]);
                MemoryOperand::with_base_index_scale_displ_size(base, index, 1 << self.below(4), disp, 4)
            }
            7 if asize != 16 => MemoryOperand::with_base_displ_size(general(asize, 4), i64::from(disp as i8), 1),
            _ if disp == 0 => MemoryOperand::with_base(base),
            _ => MemoryOperand::with_base_displ_size(
                base,
                if asize == 16 { i64::from(disp as i16) } else { disp },
                if i8::try_from(disp).is_ok() {
                    1
                } else if asize == 16 {
                    2
                } else {
                    4
                },
            ),
        };
        ins.set_op_kind(n, OpKind::Memory);
        ins.set_memory_base(m.base);
        ins.set_memory_index(m.index);
        ins.set_memory_index_scale(m.scale);
        ins.set_memory_displacement64(m.displacement as u64);
        ins.set_memory_displ_size(if asize == 64 && m.displ_size == 4 { 8 } else { m.displ_size });
        if self.below(12) == 0 {
            ins.set_segment_prefix([R::ES, R::CS, R::SS, R::FS, R::GS][self.below(5)]);
        }
    }
}
