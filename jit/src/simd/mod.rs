//! MMX and SSE operations as CLIF vectors: what [`ferrite_core::isa::simd`] computes, inline.
//!
//! Intel SDM Vol. 1, "Programming with Intel MMX Technology" to "Programming with Intel SSE4"; "SIMD Floating-Point
//! Exceptions"; Vol. 2, each instruction's "Operation".
//!
//! # For the translator
//!
//! [`Emitter::emit`] takes an instruction as [`describe`](ferrite_core::isa::select_simd::describe) gives it, with
//! operands that the translator has read, and returns the result for the translator to write; or `None`, and nothing
//! was emitted: the instruction's helper is to be called.
//!
//! * Vector registers and 128 bits of memory are `I8X16`. An MMX operand is one whose upper half is zero
//!   ([`Emitter::vector`] makes it of an `I64` or `F64`); of an MMX result only the lower half counts.
//! * A source in a general register or in narrower memory may be a scalar of its width or wider, or an `I8X16`:
//!   `I8` to `I64`, or `F32`, `F64`, whose loads cost least for floating point.
//! * Shifts by an immediate have no source.
//! * The result is an [`Out`]. [`Emitter::low`] takes the lower 64 bits out of a vector.
//! * [`reads_target`] says whether the old target is needed; [`needs_mxcsr`] whether MXCSR is.
//!
//! A floating-point result has to be the guest's to the last bit, MXCSR's sticky flags included. So the emitted code
//! tests that the host's result is that, and goes to [`Slow`]'s block otherwise, where nothing has happened yet and
//! the translator has the helper called. A block for the slow case is made only when it is needed. After `emit`, the
//! builder may stand in another block than before; those that `emit` made are sealed, but not `Slow`'s.
//!
//! The tests that MXCSR is [plain](PLAIN) can be left away where the translator knows it: [`Mxcsr::Plain`]. That holds
//! from one [`Emitter::plain`] test on until an instruction that may clear a flag or change a control
//! (LDMXCSR, FXRSTOR, XRSTOR) or an entry from elsewhere; what runs in between only sets flags. A test in `emit` is
//! no such test: it also lets exact results through.
//!
//! # Files
//!
//! * `int`: arithmetic, logic, comparison and shifts of integers. `shuffle`: what moves elements.
//! * `float`: arithmetic and comparison, with the argument why the fast paths are exact. `convert`.

mod convert;
mod float;
mod int;
mod shuffle;
#[cfg(test)]
mod tests;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F32, F32X4, F64, F64X2, I8X16, I32, I64, I64X2};
use cranelift_codegen::ir::{Block, ConstantData, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode};
use cranelift_codegen::ir::{Type, Value, ValueDef};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilder;
use ferrite_core::isa::select_simd::{Place, Vector};
use ferrite_core::isa::simd::VecOp;

/// RC, PM and PE of MXCSR.
pub const PLAIN_MASK: u32 = 3 << 13 | 1 << 12 | 1 << 5;
/// What they are when a host operation that rounds is the guest's: to nearest, precision exceptions masked and already
/// recorded. No other bit plays a part, because operands and results that it would matter for are kept away.
pub const PLAIN: u32 = 1 << 12 | 1 << 5;
/// RC of MXCSR.
const RC: u32 = 3 << 13;

/// What is known of MXCSR.
#[derive(Clone, Copy, Debug)]
pub enum Mxcsr {
    /// It is as [`PLAIN`] says.
    Plain,
    /// It is this `I32`.
    Word(Value),
}

/// A result.
#[derive(Clone, Copy, Debug)]
pub enum Out {
    /// `I8X16`.
    Vector(Value),
    /// `I64`: for a general register or memory of up to 64 bits, of which more bits than that may be set.
    General(Value),
    /// Arithmetic flags, 0 or 1 as `I8`; PF, AF, SF and OF are 0.
    Flags {
        /// ZF.
        zf: Value,
        /// CF.
        cf: Value,
    },
}

/// What an operation reads. Nothing needs to be there that the operation does not read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    /// The target as it was, `I8X16`.
    pub target: Option<Value>,
    /// The source.
    pub source: Option<Value>,
    /// The immediate.
    pub imm: u8,
    /// XMM0, for the variable blends, `I8X16`.
    pub xmm0: Option<Value>,
    /// MXCSR, where [`needs_mxcsr`] says so.
    pub mxcsr: Option<Mxcsr>,
}

/// The block to go to when the helper has to run, made when first asked for. It has no parameters.
#[derive(Debug, Default)]
pub struct Slow {
    block: Option<Block>,
}

impl Slow {
    /// The block, if anything goes there.
    #[must_use]
    pub fn block(&self) -> Option<Block> {
        self.block
    }

    fn get(&mut self, b: &mut FunctionBuilder<'_>) -> Block {
        *self.block.get_or_insert_with(|| {
            let block = b.create_block();
            b.set_cold_block(block);
            block
        })
    }
}

/// What of the host's instructions matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// The operations that Cranelift has for x86-64 alone.
    x64: bool,
    /// Fused multiply-add without a call. Used to measure errors, never for results.
    fma: bool,
}

impl Host {
    /// `None` when the host's processor has no vectors, or lacks what Cranelift would call a function for.
    #[must_use]
    pub fn of(isa: &dyn TargetIsa) -> Option<Self> {
        let flags = isa.isa_flags();
        let has = |name: &str| flags.iter().any(|f| f.name == name && f.as_bool() == Some(true));
        match isa.name() {
            "x64" => {
                let enough = ["has_ssse3", "has_sse41"].into_iter().all(has);
                enough.then(|| Self { x64: true, fma: has("has_fma") && has("has_avx") })
            }
            "aarch64" | "s390x" => Some(Self { x64: false, fma: true }),
            "riscv64" => has("has_v").then_some(Self { x64: false, fma: true }),
            _ => None,
        }
    }
}

/// Whether the operation depends on more of MXCSR than that its result may raise an exception.
#[must_use]
pub fn needs_mxcsr(op: VecOp, imm: u8) -> bool {
    float::needs_mxcsr(op) || convert::needs_mxcsr(op, imm)
}

/// Whether the operation reads the old target. Only the moves and conversions do not.
#[must_use]
pub fn reads_target(v: &Vector) -> bool {
    use VecOp as V;
    let general = matches!(v.target, Place::R32 | Place::R64 | Place::M8 | Place::M16 | Place::M32 | Place::M64);
    let wide_store = matches!(v.target, Place::M128 | Place::U128);
    !general
        && !wide_store
        && !matches!(
            v.op,
            V::Mov
                | V::MovLow64
                | V::MovHigh64
                | V::Pabsb
                | V::Pabsw
                | V::Pabsd
                | V::Phminposuw
                | V::Pmovsxbw
                | V::Pmovsxwd
                | V::Pmovsxdq
                | V::Pmovzxbw
                | V::Pmovzxwd
                | V::Pmovzxdq
                | V::Pmovsxbd
                | V::Pmovsxwq
                | V::Pmovzxbd
                | V::Pmovzxwq
                | V::Pmovsxbq
                | V::Pmovzxbq
                | V::Pshufd
                | V::Pshuflw
                | V::Pshufhw
                | V::PshufwMm
                | V::Movsldup
                | V::Movshdup
                | V::Movddup
                | V::Sqrtps
                | V::Sqrtpd
                | V::Rcpps
                | V::Rsqrtps
                | V::Roundps
                | V::Roundpd
                | V::Cvtdq2ps
                | V::Cvtps2dq
                | V::Cvttps2dq
                | V::Cvtpd2dq
                | V::Cvttpd2dq
                | V::Cvtpd2ps
                | V::Cvtdq2pd
                | V::Cvtps2pd
                | V::Cvtpi2pd
                | V::Cvtps2pi
                | V::Cvttps2pi
                | V::Cvtpd2pi
                | V::Cvttpd2pi
        )
}

/// Emits operations into a function.
pub struct Emitter<'a, 'b> {
    b: &'a mut FunctionBuilder<'b>,
    host: Host,
}

/// The byte order of lanes, the guest's.
const LITTLE: MemFlagsData = MemFlagsData::new().with_endianness(Endianness::Little);

impl<'a, 'b> Emitter<'a, 'b> {
    /// Emits where the builder stands.
    pub fn new(b: &'a mut FunctionBuilder<'b>, host: Host) -> Self {
        Self { b, host }
    }

    /// Emits an operation; see the module's text. `None` when nothing was emitted.
    pub fn emit(&mut self, v: &Vector, x: &Inputs, slow: &mut Slow) -> Option<Out> {
        if let Some(r) = self.integer(v, x) {
            return Some(r);
        }
        if let Some(r) = self.shuffled(v, x) {
            return Some(r);
        }
        if let Some(r) = self.arithmetic(v.op, x, slow) {
            return Some(Out::Vector(r));
        }
        if let Some(r) = self.compared(v.op, x, slow) {
            return Some(r);
        }
        self.converted(v.op, x, slow)
    }

    /// 1 (`I8`) when MXCSR, an `I32`, is [plain](PLAIN).
    pub fn plain(&mut self, mxcsr: Value) -> Value {
        let bits = self.b.ins().band_imm_u(mxcsr, i64::from(PLAIN_MASK));
        self.b.ins().icmp_imm_u(IntCC::Equal, bits, i64::from(PLAIN))
    }

    /// `I8X16` of any operand; a scalar is zero-extended.
    pub fn vector(&mut self, v: Value) -> Value {
        let ty = self.b.func.dfg.value_type(v);
        if ty.is_vector() {
            return self.cast(v, I8X16);
        }
        let wide = if ty == F32 {
            self.b.ins().scalar_to_vector(F32X4, v)
        } else if ty == F64 {
            self.b.ins().scalar_to_vector(F64X2, v)
        } else {
            let v = self.int(v, I64);
            self.b.ins().scalar_to_vector(I64X2, v)
        };
        self.cast(wide, I8X16)
    }

    /// Bits 63:0 of a vector, as `I64`.
    pub fn low(&mut self, v: Value) -> Value {
        self.int(v, I64)
    }

    /// The bits of any operand as an integer, cut or zero-extended.
    fn int(&mut self, v: Value, to: Type) -> Value {
        let ty = self.b.func.dfg.value_type(v);
        let v = match ty {
            F32 => self.b.ins().bitcast(I32, LITTLE, v),
            F64 => self.b.ins().bitcast(I64, LITTLE, v),
            // By way of a number: moving the lowest out of a vector register costs least so.
            _ if ty.is_vector() && to == I64 => {
                let v = self.scalar(v, F64);
                self.b.ins().bitcast(I64, LITTLE, v)
            }
            _ if ty.is_vector() => {
                let v = self.scalar(v, F32);
                self.b.ins().bitcast(I32, LITTLE, v)
            }
            _ => v,
        };
        let ty = self.b.func.dfg.value_type(v);
        match ty.bits().cmp(&to.bits()) {
            std::cmp::Ordering::Less => self.b.ins().uextend(to, v),
            std::cmp::Ordering::Equal => v,
            std::cmp::Ordering::Greater => self.b.ins().ireduce(to, v),
        }
    }

    /// The lowest element of any operand as a number of type `to`, `F32` or `F64`.
    fn scalar(&mut self, v: Value, to: Type) -> Value {
        let ty = self.b.func.dfg.value_type(v);
        if ty == to {
            return v;
        }
        if ty.is_vector() {
            let v = self.cast(v, if to == F32 { F32X4 } else { F64X2 });
            return self.b.ins().extractlane(v, 0);
        }
        let v = self.int(v, if to == F32 { I32 } else { I64 });
        self.b.ins().bitcast(to, LITTLE, v)
    }

    /// A vector seen as other elements. Casts of casts are none.
    fn cast(&mut self, v: Value, to: Type) -> Value {
        let dfg = &self.b.func.dfg;
        let mut v = v;
        while let ValueDef::Result(inst, _) = dfg.value_def(v)
            && let InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. } = dfg.insts[inst]
            && dfg.value_type(arg).is_vector()
            && dfg.value_type(v) != to
        {
            v = arg;
        }
        if dfg.value_type(v) == to { v } else { self.b.ins().bitcast(to, LITTLE, v) }
    }

    /// A constant vector.
    fn constant(&mut self, ty: Type, bits: u128) -> Value {
        let data = ConstantData::from(bits.to_le_bytes().as_slice());
        let c = self.b.func.dfg.constants.insert(data);
        self.b.ins().vconst(ty, c)
    }

    /// A constant vector of equal elements of `bits` bits.
    fn every(&mut self, ty: Type, element: u64) -> Value {
        let bits = ty.lane_bits();
        let element = u128::from(element) & (u128::MAX >> (128 - bits));
        let all = (0..ty.lane_count()).fold(0, |v, _| v << (bits & 127) | element);
        self.constant(ty, all)
    }

    fn zero(&mut self, ty: Type) -> Value {
        self.constant(ty, 0)
    }

    /// Goes on in a new block where `ok` holds, else to the slow one.
    fn require(&mut self, ok: Value, slow: &mut Slow) {
        let to = slow.get(self.b);
        let on = self.b.create_block();
        self.b.ins().brif(ok, on, &[], to, &[]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
    }
}
