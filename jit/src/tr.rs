//! The operations of which meanings are made, as code: [`Tr`] is the translator's instance of [`Ops`].
//!
//! While an instruction's meaning is carried out, registers and flags change in [`State`] only. Where the instruction may have to be
//! given back to the interpreter, a cold exit stores the state *before* it, so a meaning may touch memory at any point, as long
//! as carrying it out again from the start does no harm: this is what [`Ops`] demands anyway.

mod leave;

use crate::abi::{self, FlagKind};
use crate::access::Seen;
use crate::ahead::{self, Span};
use crate::kept::{PageVars, Pages};
use crate::mode::Mode;
use crate::value::{Bin, Un, V, Values};
use crate::vector::VectorState;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, InstBuilder, MemFlagsData, SigRef, Signature, Type,
    UserExternalName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, Variable};
use ferrite_core::cpu::state::{RIP, ZERO};
use ferrite_core::cpu::{Exception, ModelName};
use ferrite_core::isa::Insn;
use ferrite_core::isa::ops::{Cond, Helper, Ops};

/// The arithmetic flags between two instructions.
#[derive(Clone, Copy, Debug)]
pub enum FlagState {
    /// In memory: as words, or as an operation. `Cf` may be known besides.
    Memory { cf: Option<V> },
    /// As an operation that made them.
    By { kind: FlagKind, bits: u32, a: V, b: V, r: V },
    /// As the three words [`abi::FLAG_KIND`], [`abi::FLAG_A`] and [`abi::FLAG_B`] would have them: an operation, or with 0 as the first
    /// what memory has as words. `Cf` may be known besides. Where ways join, so that what hardly anybody looks at is not stored on each.
    Held { words: [V; 3], cf: Option<V> },
    /// As memory has them, but for the word of the carries.
    Carries(V),
    /// As the four lazy words; `stored` when memory has them, too.
    Words { words: [V; 4], stored: bool },
}

/// The guest's state at a point of the function, as far as it differs from what is in memory.
#[derive(Clone, Debug)]
pub struct State {
    /// General registers; `None` is the function's variable.
    pub regs: [Option<V>; 16],
    /// Registers that differ from memory (on some way to here).
    pub dirty: u32,
    /// Registers that differ from the function's variables.
    pub defs: u32,
    pub flags: FlagState,
    /// Instructions that may still retire, as counted at `done` = 0.
    pub left: Value,
    /// Instructions retired since.
    pub done: i64,
    pub vector: VectorState,
    pub pages: Pages,
}

/// A branch that a meaning asked for.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// It is taken where this is not 0.
    pub taken: V,
    pub target: V,
}

/// Functions outside that translated code calls.
#[derive(Clone, Copy, Debug)]
pub struct Imports {
    /// [`crate::helper::settle`].
    pub settle: FuncRef,
    /// [`crate::helper::reach`].
    pub reach: FuncRef,
    /// The host's calling convention.
    pub call_conv: CallConv,
    /// Of functions that change no register, where there are some.
    pub keeping: Option<Keeping>,
}

/// The signatures of what regions call where they hardly ever go: see [`crate::draft::thunks`]. Nothing that is in a register has to move
/// for such a call.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    pub settle: SigRef,
    pub reach: SigRef,
}

impl Keeping {
    pub fn new(b: &mut FunctionBuilder<'_>) -> Self {
        let mut sig = |params| {
            let mut sig = Signature::new(CallConv::PreserveAll);
            sig.params.extend(std::iter::repeat_n(AbiParam::new(types::I64), params));
            b.import_signature(sig)
        };
        Self { settle: sig(1), reach: sig(3) }
    }
}

/// Imports a function of the host's by its number (see [`crate::helper::address`]); all its parameters have 64 bits.
pub fn import(
    b: &mut FunctionBuilder<'_>,
    call_conv: CallConv,
    index: u32,
    params: usize,
    result: Option<Type>,
) -> FuncRef {
    let mut sig = Signature::new(call_conv);
    sig.params.extend(std::iter::repeat_n(AbiParam::new(types::I64), params));
    sig.returns.extend(result.map(AbiParam::new));
    let signature = b.import_signature(sig);
    let name = b.func.declare_imported_user_function(UserExternalName { namespace: 0, index });
    b.import_function(ExtFuncData { name: ExternalName::user(name), signature, colocated: false, patchable: false })
}

/// See the module's text.
pub struct Tr<'a, 'b> {
    pub b: &'a mut FunctionBuilder<'b>,
    pub v: Values,
    pub s: State,
    /// The state before the running instruction.
    pub start: State,
    /// Variables of the general registers.
    pub vars: [Variable; 16],
    /// Registers that the running block reads from memory: see [`PlanBlock::fresh`](crate::plan::PlanBlock::fresh).
    pub fresh: u32,
    /// The registers whose pages are kept, and the variables of these: see [`crate::kept`].
    pub kept: PageVars,
    /// What the function was called with: the CPU.
    pub exec: Value,
    /// The instruction pointer of the page's first byte.
    pub page_ip: Value,
    pub mode: Mode,
    pub model: ModelName,
    /// The running instruction's offset in the page, and its length.
    pub at: u32,
    pub len: u32,
    pub branch: Option<Branch>,
    pub imports: Imports,
    /// Where the last `load_rmw` read.
    rmw: Option<Value>,
    /// Pages that the running block has looked up.
    pub seen: Vec<Seen>,
    /// What the running instruction's access shows to lie in its page, besides itself.
    pub ahead: Span,
    /// The running instruction's accesses look beyond the TLB: see [`Tr::address`].
    pub alone: bool,
    /// Blocks `(info)` that store a state and leave: the latest of the running block.
    pub stored: Vec<(State, Block)>,
    /// Blocks that all ways out end in.
    ends: (Option<Block>, Option<Block>),
}

/// Flags of an access to the CPU's state.
pub fn state_access() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl<'a, 'b> Tr<'a, 'b> {
    #[allow(clippy::too_many_arguments)] // what the function begins with
    pub fn new(
        b: &'a mut FunctionBuilder<'b>,
        vars: [Variable; 16],
        kept: PageVars,
        exec: Value,
        left: Value,
        page_ip: Value,
        mode: Mode,
        model: ModelName,
        imports: Imports,
    ) -> Self {
        let s = State {
            regs: [None; 16],
            dirty: 0,
            defs: 0,
            flags: FlagState::Memory { cf: None },
            left,
            done: 0,
            vector: VectorState::default(),
            pages: Pages::default(),
        };
        Self {
            b,
            v: Values::default(),
            start: s.clone(),
            s,
            vars,
            fresh: 0,
            kept,
            exec,
            page_ip,
            mode,
            model,
            at: 0,
            len: 0,
            branch: None,
            imports,
            rmw: None,
            seen: Vec::new(),
            ahead: ahead::NONE,
            alone: false,
            stored: Vec::new(),
            ends: (None, None),
        }
    }

    // ---- CLIF ----

    /// The low `bits` of a value, in the current block.
    pub fn lower(&mut self, v: V, bits: u32) -> Value {
        self.v.lower(self.b, v, bits)
    }

    /// Reads the CPU's state.
    pub fn get_state(&mut self, ty: Type, at: i32) -> Value {
        self.b.ins().load(ty, state_access(), self.exec, at)
    }

    /// Writes the CPU's state.
    pub fn put_state(&mut self, v: Value, at: i32) {
        self.b.ins().store(state_access(), v, self.exec, at);
    }

    fn put_const(&mut self, v: u64, at: i32) {
        let v = self.b.ins().iconst(types::I64, v as i64);
        self.put_state(v, at);
    }

    /// A new block that is hardly ever run.
    pub fn cold_block(&mut self) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// Goes on in a new block, and to `cold` where `c` is not 0.
    pub fn split(&mut self, c: Value, cold: Block) {
        let on = self.b.create_block();
        self.b.ins().brif(c, cold, &[], on, &[]);
        self.b.switch_to_block(on);
    }

    /// The instruction pointer of an offset in the page.
    pub fn ip_of(&mut self, at: i64) -> V {
        let base = self.v.clif(self.page_ip, 64);
        let at = self.v.imm(at as u64);
        self.v.bin(Bin::Add, base, at)
    }

    // ---- flags ----

    /// The flags as the four words.
    pub fn flag_words(&mut self) -> [V; 4] {
        match self.s.flags {
            FlagState::Words { words, .. } => words,
            FlagState::Memory { .. } | FlagState::Held { .. } => {
                self.release_flags();
                self.load_flags()
            }
            FlagState::Carries(co) => {
                let mut words = self.load_flags();
                words[2] = co;
                self.s.flags = FlagState::Words { words, stored: false };
                words
            }
            FlagState::By { kind, bits, a, b, r } => match bits {
                8 => self.words_by::<8>(kind, a, b, r),
                16 => self.words_by::<16>(kind, a, b, r),
                32 => self.words_by::<32>(kind, a, b, r),
                _ => self.words_by::<64>(kind, a, b, r),
            },
        }
    }

    /// The words of flags made by an operation: what the default methods of [`Ops`] do.
    fn words_by<const B: u32>(&mut self, kind: FlagKind, a: V, b: V, r: V) -> [V; 4] {
        let before = self.s.flags;
        let zero = self.v.imm(0);
        self.s.flags = FlagState::Words { words: [zero; 4], stored: false };
        match kind {
            FlagKind::Add => self.flags_adc::<B>(a, b, r),
            FlagKind::Sub => self.flags_sbb::<B>(a, b, r),
            FlagKind::Logic => {
                self.flags_result::<B>(r);
                self.set_co(zero);
                self.set_ax(zero);
            }
            FlagKind::Inc | FlagKind::Dec => {
                let one = self.v.imm(1);
                if kind == FlagKind::Inc {
                    self.flags_adc::<B>(a, one, r);
                } else {
                    self.flags_sbb::<B>(a, one, r);
                }
                let FlagState::Words { words, .. } = self.s.flags else { unreachable!("words were just written") };
                let of = self.overflow(words[2]);
                self.set_cf_of(b, of);
            }
        }
        let FlagState::Words { words, .. } = self.s.flags else { unreachable!("words were just written") };
        self.s.flags = before;
        words
    }

    /// Has the flags in memory be words.
    fn settle_memory(&mut self) {
        let kind = self.get_state(types::I64, abi::word(abi::FLAG_KIND));
        let cold = self.cold_block();
        let on = self.b.create_block();
        if self.b.current_block().is_some_and(|b| self.b.func.layout.is_cold(b)) {
            self.b.set_cold_block(on);
        }
        self.b.ins().brif(kind, cold, &[], on, &[]);
        self.b.switch_to_block(cold);
        if let Some(keeping) = self.imports.keeping {
            let f = self.get_state(types::I64, abi::word(abi::KEEPING_SETTLE));
            self.b.ins().call_indirect(keeping.settle, f, &[self.exec]);
        } else {
            self.b.ins().call(self.imports.settle, &[self.exec]);
        }
        self.b.ins().jump(on, &[]);
        self.b.switch_to_block(on);
    }

    /// Has held flags be in memory.
    fn release_flags(&mut self) {
        if let FlagState::Held { cf, .. } = self.s.flags {
            self.store_flags(self.s.flags);
            self.s.flags = FlagState::Memory { cf };
        }
    }

    /// Reads the words from memory, after turning an operation that lies there into them.
    fn load_flags(&mut self) -> [V; 4] {
        self.settle_memory();
        let words = abi::flag_words().map(|at| {
            let v = self.get_state(types::I64, at);
            self.v.clif(v, 64)
        });
        self.s.flags = FlagState::Words { words, stored: true };
        words
    }

    /// `Of` as 0 or 1, from the word that has the carries.
    fn overflow(&mut self, co: V) -> V {
        let one = self.v.imm(1);
        let up = self.v.bin(Bin::Shl, co, one);
        let x = self.v.bin(Bin::Xor, co, up);
        let n = self.v.imm(63);
        self.v.bin(Bin::Shr, x, n)
    }

    /// The word of the carries.
    fn carries(&mut self) -> V {
        match self.s.flags {
            FlagState::Carries(co) => co,
            _ => self.flag_words()[2],
        }
    }

    fn set_word(&mut self, n: usize, v: V) {
        let mut words = self.flag_words();
        words[n] = v;
        self.s.flags = FlagState::Words { words, stored: false };
    }

    fn invert(&mut self, c: V) -> V {
        let one = self.v.imm(1);
        self.v.bin(Bin::Xor, c, one)
    }

    /// A condition from a comparison whose operands are known.
    fn cond_by(&mut self, c: Cond, kind: FlagKind, bits: u32, a: V, b: V, r: V) -> Option<V> {
        use IntCC as I;
        let zero = self.v.imm(0);
        let of_result = match c {
            Cond::E => Some(I::Equal),
            Cond::Ne => Some(I::NotEqual),
            Cond::S => Some(I::SignedLessThan),
            Cond::Ns => Some(I::SignedGreaterThanOrEqual),
            _ => None,
        };
        if let Some(cc) = of_result {
            return Some(match (kind, c) {
                // What was compared is at hand more often than the difference.
                (FlagKind::Sub, Cond::E | Cond::Ne) => self.v.cmp(cc, bits, a, b),
                _ => self.v.cmp(cc, bits, r, zero),
            });
        }
        match kind {
            FlagKind::Sub => {
                let cc = match c {
                    Cond::B => I::UnsignedLessThan,
                    Cond::Ae => I::UnsignedGreaterThanOrEqual,
                    Cond::Be => I::UnsignedLessThanOrEqual,
                    Cond::A => I::UnsignedGreaterThan,
                    Cond::L => I::SignedLessThan,
                    Cond::Ge => I::SignedGreaterThanOrEqual,
                    Cond::Le => I::SignedLessThanOrEqual,
                    Cond::G => I::SignedGreaterThan,
                    _ => return None,
                };
                Some(self.v.cmp(cc, bits, a, b))
            }
            FlagKind::Logic => Some(match c {
                Cond::B | Cond::O => zero,
                Cond::Ae | Cond::No => self.v.imm(1),
                Cond::Be => self.v.cmp(I::Equal, bits, r, zero),
                Cond::A => self.v.cmp(I::NotEqual, bits, r, zero),
                Cond::L => self.v.cmp(I::SignedLessThan, bits, r, zero),
                Cond::Ge => self.v.cmp(I::SignedGreaterThanOrEqual, bits, r, zero),
                Cond::Le => self.v.cmp(I::SignedLessThanOrEqual, bits, r, zero),
                Cond::G => self.v.cmp(I::SignedGreaterThan, bits, r, zero),
                _ => return None,
            }),
            FlagKind::Add => match c {
                Cond::B => Some(self.v.cmp(I::UnsignedLessThan, bits, r, a)),
                Cond::Ae => Some(self.v.cmp(I::UnsignedGreaterThanOrEqual, bits, r, a)),
                _ => None,
            },
            FlagKind::Inc | FlagKind::Dec => match c {
                Cond::B => Some(b),
                Cond::Ae => Some(self.invert(b)),
                _ => None,
            },
        }
    }

    fn cond_of_words(&mut self, c: Cond) -> V {
        let n63 = self.v.imm(63);
        let zero = self.v.imm(0);
        match c {
            Cond::O => {
                let co = self.carries();
                self.overflow(co)
            }
            Cond::B => self.cf(),
            Cond::E => {
                let [zr, ..] = self.flag_words();
                self.v.cmp(IntCC::Equal, 64, zr, zero)
            }
            Cond::S => {
                let [_, sp, ..] = self.flag_words();
                self.v.bin(Bin::Shr, sp, n63)
            }
            Cond::P => {
                let [_, sp, ..] = self.flag_words();
                let low = self.v.un(Un::Zext(8), sp);
                let n = self.v.un(Un::Popcnt, low);
                let one = self.v.imm(1);
                let odd = self.v.bin(Bin::And, n, one);
                self.invert(odd)
            }
            Cond::Be => {
                let (b, e) = (self.cond(Cond::B), self.cond(Cond::E));
                self.v.bin(Bin::Or, b, e)
            }
            Cond::L => {
                let (s, o) = (self.cond(Cond::S), self.cond(Cond::O));
                self.v.bin(Bin::Xor, s, o)
            }
            Cond::Le => {
                let (l, e) = (self.cond(Cond::L), self.cond(Cond::E));
                self.v.bin(Bin::Or, l, e)
            }
            Cond::No => self.not_cond(Cond::O),
            Cond::Ae => self.not_cond(Cond::B),
            Cond::Ne => self.not_cond(Cond::E),
            Cond::A => self.not_cond(Cond::Be),
            Cond::Ns => self.not_cond(Cond::S),
            Cond::Np => self.not_cond(Cond::P),
            Cond::Ge => self.not_cond(Cond::L),
            Cond::G => self.not_cond(Cond::Le),
        }
    }

    fn not_cond(&mut self, c: Cond) -> V {
        let v = self.cond(c);
        self.invert(v)
    }
}

macro_rules! binary {
    ($($f:ident $op:ident;)*) => {
        $(fn $f(&mut self, a: V, b: V) -> V { self.v.bin(Bin::$op, a, b) })*
    };
}

impl Ops for Tr<'_, '_> {
    type V = V;

    fn imm(&mut self, v: u64) -> V {
        self.v.imm(v)
    }
    binary! { add Add; sub Sub; mul Mul; umulh Umulh; smulh Smulh; and And; or Or; xor Xor; shl Shl; shr Shr; sar Sar; }
    fn not(&mut self, a: V) -> V {
        self.v.un(Un::Not, a)
    }
    fn eq(&mut self, a: V, b: V) -> V {
        self.v.cmp_unsigned(IntCC::Equal, a, b)
    }
    fn ult(&mut self, a: V, b: V) -> V {
        self.v.cmp_unsigned(IntCC::UnsignedLessThan, a, b)
    }
    fn slt(&mut self, a: V, b: V) -> V {
        self.v.cmp(IntCC::SignedLessThan, 64, a, b)
    }
    fn select(&mut self, c: V, a: V, b: V) -> V {
        self.v.select(c, a, b)
    }
    fn clz(&mut self, a: V) -> V {
        self.v.un(Un::Clz, a)
    }
    fn ctz(&mut self, a: V) -> V {
        self.v.un(Un::Ctz, a)
    }
    fn popcnt(&mut self, a: V) -> V {
        self.v.un(Un::Popcnt, a)
    }
    fn bswap(&mut self, a: V) -> V {
        self.v.un(Un::Bswap, a)
    }
    fn zext<const B: u32>(&mut self, a: V) -> V {
        self.v.un(Un::Zext(B), a)
    }
    fn sext<const B: u32>(&mut self, a: V) -> V {
        self.v.un(Un::Sext(B), a)
    }

    fn reg(&mut self, r: u8) -> V {
        match r {
            RIP => self.ip_of(i64::from(self.at + self.len)),
            ZERO.. => self.v.imm(0),
            _ => {
                let r = usize::from(r);
                if let Some(v) = self.s.regs[r] {
                    return v;
                }
                let v = if self.fresh >> r & 1 != 0 {
                    self.get_state(types::I64, abi::reg(r as u8))
                } else {
                    self.b.use_var(self.vars[r])
                };
                let v = self.v.clif(v, 64);
                self.s.regs[r] = Some(v);
                v
            }
        }
    }
    fn set_reg(&mut self, r: u8, v: V) {
        if r < 16 {
            self.s.regs[usize::from(r)] = Some(v);
            self.s.dirty |= 1 << r;
            self.s.defs |= 1 << r;
        }
    }

    fn load<const B: u32>(&mut self, seg: u8, off: V) -> Result<V, Exception> {
        let host = self.address(seg, off, u64::from(B / 8), false);
        Ok(self.read_host(host, B))
    }
    fn load_rmw<const B: u32>(&mut self, seg: u8, off: V) -> Result<V, Exception> {
        let host = self.address(seg, off, u64::from(B / 8), true);
        self.rmw = Some(host);
        Ok(self.read_host(host, B))
    }
    fn store_back<const B: u32>(&mut self, v: V) -> Result<(), Exception> {
        let host = self.rmw.expect("a meaning reads before it writes back");
        self.write_host(host, v, B);
        Ok(())
    }
    fn store<const B: u32>(&mut self, seg: u8, off: V, v: V) -> Result<(), Exception> {
        let host = self.address(seg, off, u64::from(B / 8), true);
        self.write_host(host, v, B);
        Ok(())
    }
    fn stack_mask(&mut self) -> V {
        self.v.imm(self.mode.stack_mask())
    }

    fn flag_zr(&mut self) -> V {
        self.flag_words()[0]
    }
    fn flag_sp(&mut self) -> V {
        self.flag_words()[1]
    }
    fn flag_co(&mut self) -> V {
        self.carries()
    }
    fn flag_ax(&mut self) -> V {
        self.flag_words()[3]
    }
    fn set_zsp(&mut self, zr: V, sp: V) {
        self.set_word(0, zr);
        self.set_word(1, sp);
    }
    fn set_co(&mut self, co: V) {
        self.release_flags();
        match self.s.flags {
            FlagState::Memory { .. } | FlagState::Carries(_) => self.s.flags = FlagState::Carries(co),
            _ => self.set_word(2, co),
        }
    }
    fn set_ax(&mut self, ax: V) {
        self.set_word(3, ax);
    }
    fn arithmetic(&mut self) -> V {
        let flags = [(Cond::B, 0), (Cond::P, 2), (Cond::E, 6), (Cond::S, 7), (Cond::O, 11)];
        let [.., ax] = self.flag_words();
        let af = self.v.imm(ferrite_core::cpu::flags::AF);
        let mut all = self.v.bin(Bin::And, ax, af);
        for (c, at) in flags {
            let v = self.cond(c);
            let n = self.v.imm(at);
            let v = self.v.bin(Bin::Shl, v, n);
            all = self.v.bin(Bin::Or, all, v);
        }
        all
    }
    /// As [`ferrite_core::cpu::flags::Flags::set_arithmetic`].
    fn set_arithmetic(&mut self, bits: V) {
        let bit = |t: &mut Self, n: u64| {
            let n = t.v.imm(n);
            let v = t.v.bin(Bin::Shr, bits, n);
            let one = t.v.imm(1);
            t.v.bin(Bin::And, v, one)
        };
        let (cf, pf, zf, sf, of) = (bit(self, 0), bit(self, 2), bit(self, 6), bit(self, 7), bit(self, 11));
        let zr = self.invert(zf);
        let odd = self.invert(pf);
        let n63 = self.v.imm(63);
        let sign = self.v.bin(Bin::Shl, sf, n63);
        let sp = self.v.bin(Bin::Or, sign, odd);
        let af = self.v.imm(ferrite_core::cpu::flags::AF);
        let ax = self.v.bin(Bin::And, bits, af);
        let zero = self.v.imm(0);
        self.s.flags = FlagState::Words { words: [zr, sp, zero, ax], stored: false };
        self.set_cf_of(cf, of);
    }
    fn cond(&mut self, c: Cond) -> V {
        if let FlagState::By { kind, bits, a, b, r } = self.s.flags
            && let Some(v) = self.cond_by(c, kind, bits, a, b, r)
        {
            return v;
        }
        self.cond_of_words(c)
    }
    fn cf(&mut self) -> V {
        match self.s.flags {
            FlagState::Memory { cf: Some(cf) } | FlagState::Held { cf: Some(cf), .. } => cf,
            FlagState::By { kind, bits, a, b, r } => {
                self.cond_by(Cond::B, kind, bits, a, b, r).expect("every kind has it")
            }
            _ => {
                let co = self.carries();
                let n = self.v.imm(63);
                self.v.bin(Bin::Shr, co, n)
            }
        }
    }
    fn df(&mut self) -> V {
        let v = self.get_state(types::I64, abi::flag_system());
        let v = self.v.clif(v, 64);
        let n = self.v.imm(ferrite_core::cpu::flags::DF.trailing_zeros().into());
        let v = self.v.bin(Bin::Shr, v, n);
        let one = self.v.imm(1);
        self.v.bin(Bin::And, v, one)
    }
    fn flags_add<const B: u32>(&mut self, a: V, b: V, r: V) {
        if self.v.is(r, Bin::Add, a, b) {
            self.s.flags = FlagState::By { kind: FlagKind::Add, bits: B, a, b, r };
        } else {
            self.flags_adc::<B>(a, b, r);
        }
    }
    fn flags_sub<const B: u32>(&mut self, a: V, b: V, r: V) {
        self.s.flags = if self.v.constant(b) == Some(0) {
            // Nothing is borrowed.
            FlagState::By { kind: FlagKind::Logic, bits: B, a, b, r }
        } else {
            FlagState::By { kind: FlagKind::Sub, bits: B, a, b, r }
        };
    }
    fn flags_adc<const B: u32>(&mut self, a: V, b: V, r: V) {
        self.any_flags();
        let nr = self.not(r);
        let both = self.and(a, b);
        let any = self.or(a, b);
        let passed = self.and(any, nr);
        let carries = self.or(both, passed);
        self.flags_carries::<B>(carries, a, b, r);
    }
    fn flags_sbb<const B: u32>(&mut self, a: V, b: V, r: V) {
        self.any_flags();
        let na = self.not(a);
        let generated = self.and(na, b);
        let any = self.or(na, b);
        let passed = self.and(any, r);
        let borrows = self.or(generated, passed);
        self.flags_carries::<B>(borrows, a, b, r);
    }
    fn flags_inc<const B: u32>(&mut self, a: V, _: V, r: V) {
        let b = self.cf();
        self.s.flags = FlagState::By { kind: FlagKind::Inc, bits: B, a, b, r };
    }
    fn flags_dec<const B: u32>(&mut self, a: V, _: V, r: V) {
        let b = self.cf();
        self.s.flags = FlagState::By { kind: FlagKind::Dec, bits: B, a, b, r };
    }
    fn flags_logic<const B: u32>(&mut self, r: V) {
        let zero = self.v.imm(0);
        self.s.flags = FlagState::By { kind: FlagKind::Logic, bits: B, a: zero, b: zero, r };
    }

    fn branch<const B: u32>(&mut self, taken: V, target: V) -> Result<(), Exception> {
        let target = self.v.un(Un::Zext(B), target);
        self.branch = Some(Branch { taken, target });
        Ok(())
    }
    fn look_ahead<const B: u32>(&mut self, target: V) {
        let target = self.v.un(Un::Zext(B), target);
        let target = self.lower(target, 64);
        if let Some(bad) = self.is_no_target(target) {
            self.redo_if(bad);
        }
    }
    fn raise_if(&mut self, c: V, _: Exception) -> Result<(), Exception> {
        if self.v.constant(c) != Some(0) {
            let c = self.v.lower_condition(self.b, c);
            self.redo_if(c);
        }
        Ok(())
    }
    fn call(&mut self, _: Helper, _: &Insn) -> Result<(), Exception> {
        // A meaning that calls a helper is carried out by the interpreter's function: see `region`.
        Err(Exception::UD)
    }
}

impl Tr<'_, '_> {
    /// All four words are about to be written: what they were does not matter.
    fn any_flags(&mut self) {
        let zero = self.v.imm(0);
        self.s.flags = FlagState::Words { words: [zero; 4], stored: false };
    }
}
