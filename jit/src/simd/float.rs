//! Floating-point arithmetic and comparison. SDM Vol. 1, "SIMD Floating-Point Exceptions"; Vol. 2, "ADDPD" to "SUBSS".
//!
//! *Left to the helper:* RCPx, RSQRTx (approximations that no host shares), DPPS, DPPD.
//!
//! # Why the fast paths are exact
//!
//! IEEE 754 allows one result of +, -, ·, / and √ of numbers in a rounding mode. So the host's, computed in its
//! default mode (to nearest, which Rust does not let anyone change), is the guest's when the guest rounds to nearest
//! and neither DAZ, FTZ, a NaN nor a masked response comes in; and the flags are right when the only exception that
//! can be raised is precision, which is masked and already recorded ([`super::PLAIN`]). For that, every element of
//! the operands must be a zero or lie in a range ([`Range`]) such that no result leaves the normal numbers but to an
//! exact zero. One test of the operands' bits therefore is enough, and the result need not be looked at:
//!
//! | operation | operands | results |
//! |---|---|---|
//! | +, - | 0, or 2^-900 (2^-100) ≤ \|x\| < 2^1023 (2^127) | below twice that, which is no overflow: two numbers below 2^k, of p bits, have a sum of at most 2^(k+1) - 2^(k+1-p). Not tiny: a sum is a multiple of the last place of the smaller operand, at least 2^-952 (2^-123); or it is 0, exactly. A zero plus x is x. |
//! | · | 0, or 2^-480 (2^-62) ≤ \|x\| < 2^480 (2^63) | 0 exactly if an operand is; else from 2^-960 (2^-124) to 2^960 (2^126) |
//! | / | the same, the divisor not 0 | 0 exactly if the dividend is; else from 2^-960 (2^-125) to 2^960 (2^125) |
//! | √ | +0, or least normal ≤ x < ∞ | +0, or between 2^-511 (2^-63) and 2^512 (2^64) |
//! | compare, min, max | 0, or least normal ≤ \|x\| ≤ ∞ | no flag can be raised; MXCSR plays no part |
//!
//! # Before the precision flag is set
//!
//! A program whose numbers are whole, say, may never round, and PE never becomes set. So where MXCSR is not plain but
//! rounding is to nearest, the emitted code finds out whether the result is exact, and if so goes on: then no flag is
//! raised. (Rounding to nearest is asked for the sign of x - x alone.)
//!
//! * Sums: the error of s = a + b is (a - (s - t)) + (b - t), t = s - a, exactly (Knuth's TwoSum), as nothing overflows.
//! * Products, quotients, roots: a fused multiply-add gives the remainder x·y - z, which is 0 only if the result is
//!   exact, because it is a multiple of the product of x's and y's last places. Of doubles in the ranges above that is
//!   at least 2^-532 · 2^-532 for products and 2^-106 · 2^-480 for quotients, so no remainder vanishes below 2^-1074;
//!   of roots, 2^-106 · x, wherefore 2^-900 ≤ x is asked, too. Singles are multiplied as doubles, exactly.
//! * Without a fused multiply-add, of doubles only products: of factors whose lower half of the significand is 0.

use super::{Emitter, Inputs, Mxcsr, Out, RC, Slow};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F32X4, F64, F64X2, I8X16, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use ferrite_core::isa::simd::VecOp;

/// An arithmetic operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
    /// Even elements subtract.
    AddSub,
    /// Of neighbours.
    HAdd,
    HSub,
}

/// Comparison, or choice by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Min,
    Max,
    Compare,
}

/// Which elements take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Packed,
    /// The lowest; the others stay.
    Scalar,
}

/// A format's types, and what its fields are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub element: Type,
    pub floats: Type,
    pub ints: Type,
    /// Bits below the exponent.
    fraction: u32,
    bias: i32,
    /// Biased exponent of infinities.
    top: u64,
}

pub(super) const SINGLE: Format =
    Format { element: F32, floats: F32X4, ints: I32X4, fraction: 23, bias: 127, top: 255 };
pub(super) const DOUBLE: Format =
    Format { element: F64, floats: F64X2, ints: I64X2, fraction: 52, bias: 1023, top: 2047 };

/// Magnitudes from `from` to below `to`, as bits. Zeros are admitted besides, in all elements or those told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub from: u64,
    pub to: u64,
    pub zeros: Zeros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zeros {
    All,
    /// In the lowest element.
    First,
    None,
}

impl Format {
    /// 2^e.
    pub const fn power(self, e: i32) -> u64 {
        ((self.bias + e) as u64) << self.fraction
    }

    /// The least normal number.
    pub const fn least(self) -> u64 {
        1 << self.fraction
    }

    pub const fn infinity(self) -> u64 {
        self.top << self.fraction
    }

    /// Normal, infinite or zero.
    pub const fn ordered(self) -> Range {
        Range { from: self.least(), to: self.infinity() + 1, zeros: Zeros::All }
    }

    const fn is_single(self) -> bool {
        self.fraction == 23
    }

    /// From 2^`from` (`single_from`) to 2^`to`, or zero.
    const fn between(self, double: (i32, i32), single: (i32, i32)) -> Range {
        let (from, to) = if self.is_single() { single } else { double };
        Range { from: self.power(from), to: self.power(to), zeros: Zeros::All }
    }
}

fn arith_of(op: VecOp) -> Option<(Arith, Form, Format)> {
    use VecOp as V;
    use {Arith as A, Form::Packed, Form::Scalar};
    Some(match op {
        V::Addps => (A::Add, Packed, SINGLE),
        V::Addpd => (A::Add, Packed, DOUBLE),
        V::Addss => (A::Add, Scalar, SINGLE),
        V::Addsd => (A::Add, Scalar, DOUBLE),
        V::Subps => (A::Sub, Packed, SINGLE),
        V::Subpd => (A::Sub, Packed, DOUBLE),
        V::Subss => (A::Sub, Scalar, SINGLE),
        V::Subsd => (A::Sub, Scalar, DOUBLE),
        V::Mulps => (A::Mul, Packed, SINGLE),
        V::Mulpd => (A::Mul, Packed, DOUBLE),
        V::Mulss => (A::Mul, Scalar, SINGLE),
        V::Mulsd => (A::Mul, Scalar, DOUBLE),
        V::Divps => (A::Div, Packed, SINGLE),
        V::Divpd => (A::Div, Packed, DOUBLE),
        V::Divss => (A::Div, Scalar, SINGLE),
        V::Divsd => (A::Div, Scalar, DOUBLE),
        V::Sqrtps => (A::Sqrt, Packed, SINGLE),
        V::Sqrtpd => (A::Sqrt, Packed, DOUBLE),
        V::Sqrtss => (A::Sqrt, Scalar, SINGLE),
        V::Sqrtsd => (A::Sqrt, Scalar, DOUBLE),
        V::Addsubps => (A::AddSub, Packed, SINGLE),
        V::Addsubpd => (A::AddSub, Packed, DOUBLE),
        V::Haddps => (A::HAdd, Packed, SINGLE),
        V::Haddpd => (A::HAdd, Packed, DOUBLE),
        V::Hsubps => (A::HSub, Packed, SINGLE),
        V::Hsubpd => (A::HSub, Packed, DOUBLE),
        _ => return None,
    })
}

fn order_of(op: VecOp) -> Option<(Order, Form, Format)> {
    use VecOp as V;
    use {Form::Packed, Form::Scalar, Order as O};
    Some(match op {
        V::Minps => (O::Min, Packed, SINGLE),
        V::Minpd => (O::Min, Packed, DOUBLE),
        V::Minss => (O::Min, Scalar, SINGLE),
        V::Minsd => (O::Min, Scalar, DOUBLE),
        V::Maxps => (O::Max, Packed, SINGLE),
        V::Maxpd => (O::Max, Packed, DOUBLE),
        V::Maxss => (O::Max, Scalar, SINGLE),
        V::Maxsd => (O::Max, Scalar, DOUBLE),
        V::Cmpps => (O::Compare, Packed, SINGLE),
        V::Cmppd => (O::Compare, Packed, DOUBLE),
        V::Cmpss => (O::Compare, Scalar, SINGLE),
        V::CmpsdXmm => (O::Compare, Scalar, DOUBLE),
        _ => return None,
    })
}

pub(super) fn needs_mxcsr(op: VecOp) -> bool {
    arith_of(op).is_some()
}

impl Emitter<'_, '_> {
    pub(super) fn arithmetic(&mut self, op: VecOp, x: &Inputs, slow: &mut Slow) -> Option<Value> {
        let (how, form, f) = arith_of(op)?;
        let (mxcsr, source) = (x.mxcsr?, x.source?);
        if how == Arith::Sqrt {
            return self.root(form, f, x, source, mxcsr, slow);
        }
        let a = x.target?;
        let range = match how {
            Arith::Mul | Arith::Div => f.between((-480, 480), (-62, 63)),
            _ => f.between((-900, 1023), (-100, 127)),
        };
        if form == Form::Scalar {
            let b = self.vector(source);
            let both = self.first_of_both(a, b, f);
            let zeros = if how == Arith::Div { Zeros::First } else { Zeros::All };
            self.require_range(both, f, Range { zeros, ..range }, 2, slow);
            let (a0, b) = (self.scalar(a, f.element), self.scalar(b, f.element));
            let r = self.compute(how, a0, b);
            self.settle(mxcsr, how, f, a0, b, r, slow);
            return Some(self.put_scalar(a, r, f));
        }
        let a = self.cast(a, f.floats);
        let b = self.lanes(source, f.floats);
        let in_a = self.in_range(a, f, range);
        let zeros = if how == Arith::Div { Zeros::None } else { Zeros::All };
        let in_b = self.in_range(b, f, Range { zeros, ..range });
        let ok = self.b.ins().band(in_a, in_b);
        self.require_all(ok, f.ints.lane_count(), slow);
        let (a, b) = match how {
            Arith::AddSub => {
                // An even element subtracts: adding the negative is the same but for NaNs, which are not here.
                let even = if f.is_single() { 1 << 31 | 1 << 95 } else { 1 << 63 };
                let flip = self.constant(I8X16, even);
                let b = self.cast(b, I8X16);
                let b = self.b.ins().bxor(b, flip);
                (a, self.cast(b, f.floats))
            }
            Arith::HAdd | Arith::HSub => self.neighbours(a, b, f),
            _ => (a, b),
        };
        let how = match how {
            Arith::AddSub | Arith::HAdd => Arith::Add,
            Arith::HSub => Arith::Sub,
            how => how,
        };
        let r = self.compute(how, a, b);
        self.settle(mxcsr, how, f, a, b, r, slow);
        Some(self.cast(r, I8X16))
    }

    fn root(
        &mut self,
        form: Form,
        f: Format,
        x: &Inputs,
        source: Value,
        mxcsr: Mxcsr,
        slow: &mut Slow,
    ) -> Option<Value> {
        // Without sign: the comparison is of the whole element.
        let v = self.lanes(source, f.ints);
        // -0 and what is negative as a number is so as an integer, and becomes the greatest of all without sign.
        let sign = 1u64 << (f.ints.lane_bits() - 1);
        let bias = self.every(f.ints, sign.wrapping_sub(f.least()));
        let at = self.b.ins().iadd(v, bias);
        let size = self.every(f.ints, sign.wrapping_add(f.infinity() - f.least()));
        let normal = self.b.ins().icmp(IntCC::SignedGreaterThan, size, at);
        let zero = self.zero(f.ints);
        let zero = self.b.ins().icmp(IntCC::Equal, v, zero);
        let ok = self.b.ins().bor(normal, zero);
        match form {
            Form::Packed => {
                self.require_all(ok, f.ints.lane_count(), slow);
                let v = self.cast(v, f.floats);
                let r = self.b.ins().sqrt(v);
                self.settle(mxcsr, Arith::Sqrt, f, v, v, r, slow);
                Some(self.cast(r, I8X16))
            }
            Form::Scalar => {
                let target = x.target?;
                self.require_all(ok, 1, slow);
                let v = self.scalar(v, f.element);
                let r = self.b.ins().sqrt(v);
                self.settle(mxcsr, Arith::Sqrt, f, v, v, r, slow);
                Some(self.put_scalar(target, r, f))
            }
        }
    }

    fn compute(&mut self, how: Arith, a: Value, b: Value) -> Value {
        match how {
            Arith::Sub => self.b.ins().fsub(a, b),
            Arith::Mul => self.b.ins().fmul(a, b),
            Arith::Div => self.b.ins().fdiv(a, b),
            _ => self.b.ins().fadd(a, b),
        }
    }

    /// The first of each pair of neighbours, and the second.
    fn neighbours(&mut self, a: Value, b: Value, f: Format) -> (Value, Value) {
        let bytes = |odd: u8| -> [u8; 16] {
            let size = if f.is_single() { 4u8 } else { 8 };
            std::array::from_fn(|i| {
                let i = i as u8;
                (2 * (i / size) + odd) * size + i % size
            })
        };
        (self.shuffle(a, b, bytes(0), f.floats), self.shuffle(a, b, bytes(1), f.floats))
    }

    /// `a` with its lowest element replaced by a number.
    pub(super) fn put_scalar(&mut self, a: Value, r: Value, f: Format) -> Value {
        let a = self.cast(a, f.floats);
        let r = self.b.ins().insertlane(a, r, 0);
        self.cast(r, I8X16)
    }

    /// The lowest elements of two vectors, at places 0 and 1.
    fn first_of_both(&mut self, a: Value, b: Value, f: Format) -> Value {
        let bytes = if f.is_single() {
            [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23]
        } else {
            [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
        };
        self.shuffle(a, b, bytes, f.ints)
    }

    /// All ones where an element is in the range.
    ///
    /// Twice the bits is the magnitude without sign; what is subtracted moves the range to the least signed numbers,
    /// so that one signed comparison tells.
    pub(super) fn in_range(&mut self, v: Value, f: Format, r: Range) -> Value {
        let v = self.cast(v, f.ints);
        let sign = 1u64 << (f.ints.lane_bits() - 1);
        let twice = self.b.ins().iadd(v, v);
        let bias = self.every(f.ints, sign.wrapping_sub(2 * r.from));
        let at = self.b.ins().iadd(twice, bias);
        let size = self.every(f.ints, sign.wrapping_add(2 * (r.to - r.from)));
        let inside = self.b.ins().icmp(IntCC::SignedGreaterThan, size, at);
        let zero = match r.zeros {
            Zeros::None => return inside,
            Zeros::All => self.zero(f.ints),
            // Twice anything is not 1.
            Zeros::First => {
                let ones = (1..f.ints.lane_count()).fold(0, |m, i| m | 1u128 << (i * f.ints.lane_bits()));
                self.constant(f.ints, ones)
            }
        };
        let zero = self.b.ins().icmp(IntCC::Equal, twice, zero);
        self.b.ins().bor(inside, zero)
    }

    /// Goes to the slow block unless the lowest `n` elements are in the range.
    pub(super) fn require_range(&mut self, v: Value, f: Format, r: Range, n: u32, slow: &mut Slow) {
        let ok = self.in_range(v, f, r);
        self.require_all(ok, n, slow);
    }

    /// Goes to the slow block unless the lowest `n` elements of a mask are all ones.
    pub(super) fn require_all(&mut self, mask: Value, n: u32, slow: &mut Slow) {
        let ok = self.all(mask, n);
        self.require(ok, slow);
    }

    /// 1 (`I8`) if the lowest `n` elements of a mask are all ones.
    pub(super) fn all(&mut self, mask: Value, n: u32) -> Value {
        let ty = self.b.func.dfg.value_type(mask);
        if n * ty.lane_bits() == 64 {
            let low = self.low(mask);
            return self.b.ins().icmp_imm_s(IntCC::Equal, low, -1);
        }
        if n == 1 {
            let low = self.int(mask, I32);
            return self.b.ins().icmp_imm_s(IntCC::Equal, low, -1);
        }
        if self.host.x64 {
            let bits = self.b.ins().vhigh_bits(I32, mask);
            return self.b.ins().icmp_imm_u(IntCC::Equal, bits, (1 << n) - 1);
        }
        self.b.ins().vall_true(mask)
    }

    /// Goes to the slow block unless MXCSR is plain, or rounding is to nearest and the result was exact.
    #[allow(clippy::too_many_arguments)]
    fn settle(&mut self, mxcsr: Mxcsr, how: Arith, f: Format, a: Value, b: Value, r: Value, slow: &mut Slow) {
        self.settle_with(mxcsr, slow, true, |e| e.is_exact(how, f, a, b, r));
    }

    /// As [`settle`](Self::settle), with the test of exactness emitted by `exact`: `None` when there is none. Such a
    /// test stands in a cold block.
    pub(super) fn settle_with(
        &mut self,
        mxcsr: Mxcsr,
        slow: &mut Slow,
        nearest: bool,
        exact: impl FnOnce(&mut Self) -> Option<Value>,
    ) {
        let Mxcsr::Word(mxcsr) = mxcsr else { return };
        let plain = self.plain(mxcsr);
        let (on, cold) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(plain, on, &[], cold, &[]);
        self.b.seal_block(cold);
        self.b.set_cold_block(cold);
        self.b.switch_to_block(cold);
        match exact(self) {
            Some(ok) => {
                let ok = if nearest {
                    let rc = self.b.ins().band_imm_u(mxcsr, i64::from(RC));
                    let is_nearest = self.b.ins().icmp_imm_u(IntCC::Equal, rc, 0);
                    self.b.ins().band(ok, is_nearest)
                } else {
                    ok
                };
                let slow = slow.get(self.b);
                self.b.ins().brif(ok, on, &[], slow, &[]);
            }
            None => {
                let slow = slow.get(self.b);
                self.b.ins().jump(slow, &[]);
            }
        }
        self.b.seal_block(on);
        self.b.switch_to_block(on);
    }

    /// 1 (`I8`) if `r` is the exact result; it may be 0 then, too, where that is not easily known.
    fn is_exact(&mut self, how: Arith, f: Format, a: Value, b: Value, r: Value) -> Option<Value> {
        let ty = self.b.func.dfg.value_type(r);
        let error = match how {
            Arith::Add | Arith::Sub => {
                let b = if how == Arith::Sub { self.b.ins().fneg(b) } else { b };
                let t = self.b.ins().fsub(r, a);
                let u = self.b.ins().fsub(r, t);
                let u = self.b.ins().fsub(a, u);
                let t = self.b.ins().fsub(b, t);
                self.b.ins().fadd(u, t)
            }
            Arith::Mul | Arith::Div | Arith::Sqrt if ty == F32 => {
                let (x, y, z) = remainder_terms(how, a, b, r);
                let x = self.b.ins().fpromote(F64, x);
                let y = self.b.ins().fpromote(F64, y);
                let z = self.b.ins().fpromote(F64, z);
                let p = self.b.ins().fmul(x, y);
                return Some(self.b.ins().fcmp(FloatCC::Equal, p, z));
            }
            Arith::Mul | Arith::Div | Arith::Sqrt if ty == F32X4 => {
                let (x, y, z) = remainder_terms(how, a, b, r);
                let low = self.equal_product(x, y, z);
                let mut upper = |v| self.shuffle(v, v, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7], F32X4);
                let (x, y, z) = (upper(x), upper(y), upper(z));
                let high = self.equal_product(x, y, z);
                let both = self.b.ins().band(low, high);
                return Some(self.all(both, 2));
            }
            Arith::Mul | Arith::Div | Arith::Sqrt if ty.lane_type() == F64 && self.host.fma => {
                let (x, y, z) = remainder_terms(how, a, b, r);
                let minus = self.b.ins().fneg(z);
                let error = self.b.ins().fma(x, y, minus);
                if how == Arith::Sqrt {
                    return Some(self.exact_root(f, a, error));
                }
                error
            }
            Arith::Mul => return Some(self.short_factors(a, b)),
            _ => return None,
        };
        Some(self.is_zero(error))
    }

    /// 1 if all elements of a number or vector of numbers are zero.
    fn is_zero(&mut self, v: Value) -> Value {
        let ty = self.b.func.dfg.value_type(v);
        if ty.is_vector() {
            // Without signs: -0 is as good.
            let twice = if ty == F32X4 { self.cast(v, I32X4) } else { self.cast(v, I64X2) };
            let twice = self.b.ins().iadd(twice, twice);
            let some = self.b.ins().vany_true(twice);
            return self.b.ins().bxor_imm_u(some, 1);
        }
        let zero = if ty == F32 { self.b.ins().f32const(0.0) } else { self.b.ins().f64const(0.0) };
        self.b.ins().fcmp(FloatCC::Equal, v, zero)
    }

    /// A root's remainder tells only where it cannot have become 0 by underflow.
    fn exact_root(&mut self, f: Format, a: Value, error: Value) -> Value {
        let zero = self.is_zero(error);
        let scalar = !self.b.func.dfg.value_type(a).is_vector();
        let v = self.vector(a);
        let range = Range { from: f.power(-900), to: f.infinity(), zeros: Zeros::All };
        let mask = self.in_range(v, f, range);
        let in_range = self.all(mask, if scalar { 1 } else { f.ints.lane_count() });
        self.b.ins().band(zero, in_range)
    }

    /// All ones where, of the two lower singles, x·y is z.
    fn equal_product(&mut self, x: Value, y: Value, z: Value) -> Value {
        let x = self.b.ins().fvpromote_low(x);
        let y = self.b.ins().fvpromote_low(y);
        let z = self.b.ins().fvpromote_low(z);
        let p = self.b.ins().fmul(x, y);
        self.b.ins().fcmp(FloatCC::Equal, p, z)
    }

    /// 1 if the lower 27 bits of the significands of doubles are 0 in both factors.
    fn short_factors(&mut self, a: Value, b: Value) -> Value {
        let low = (1 << 27) - 1;
        if !self.b.func.dfg.value_type(a).is_vector() {
            let (a, b) = (self.int(a, I64), self.int(b, I64));
            let both = self.b.ins().bor(a, b);
            let rest = self.b.ins().band_imm_u(both, low);
            return self.b.ins().icmp_imm_u(IntCC::Equal, rest, 0);
        }
        let (a, b) = (self.cast(a, I64X2), self.cast(b, I64X2));
        let both = self.b.ins().bor(a, b);
        let mask = self.every(I64X2, low as u64);
        let rest = self.b.ins().band(both, mask);
        let some = self.b.ins().vany_true(rest);
        self.b.ins().bxor_imm_u(some, 1)
    }

    pub(super) fn compared(&mut self, op: VecOp, x: &Inputs, slow: &mut Slow) -> Option<Out> {
        use VecOp as V;
        if let V::Comiss | V::Ucomiss | V::Comisd | V::Ucomisd = op {
            let f = if let V::Comiss | V::Ucomiss = op { SINGLE } else { DOUBLE };
            let (a, b) = (x.target?, self.vector(x.source?));
            let both = self.first_of_both(a, b, f);
            self.require_range(both, f, f.ordered(), 2, slow);
            let (a, b) = (self.scalar(a, f.element), self.scalar(b, f.element));
            // Nothing is unordered here; each kind of host has its cheaper pair of conditions.
            let (equal, less) = if self.host.x64 {
                (FloatCC::UnorderedOrEqual, FloatCC::UnorderedOrLessThan)
            } else {
                (FloatCC::Equal, FloatCC::LessThan)
            };
            let zf = self.b.ins().fcmp(equal, a, b);
            let cf = self.b.ins().fcmp(less, a, b);
            return Some(Out::Flags { zf, cf });
        }
        let (how, form, f) = order_of(op)?;
        let (a, b) = (x.target?, self.vector(x.source?));
        match form {
            Form::Scalar => {
                let both = self.first_of_both(a, b, f);
                self.require_range(both, f, f.ordered(), 2, slow);
            }
            Form::Packed => {
                let in_a = self.in_range(a, f, f.ordered());
                let in_b = self.in_range(b, f, f.ordered());
                let ok = self.b.ins().band(in_a, in_b);
                self.require_all(ok, f.ints.lane_count(), slow);
            }
        }
        let (fa, fb) = (self.cast(a, f.floats), self.cast(b, f.floats));
        // On whole vectors, whatever the upper elements of a scalar form are: comparing cannot go wrong.
        let r = match how {
            Order::Compare => self.b.ins().fcmp(predicate(x.imm), fa, fb),
            Order::Min | Order::Max => {
                let (l, r) = if how == Order::Min { (fa, fb) } else { (fb, fa) };
                let less = self.b.ins().fcmp(FloatCC::LessThan, l, r);
                let less = self.cast(less, f.floats);
                // Of equals, zeros of either sign among them, the second operand.
                self.b.ins().bitselect(less, fa, fb)
            }
        };
        let r = self.cast(r, I8X16);
        Some(Out::Vector(match form {
            Form::Packed => r,
            Form::Scalar if f.is_single() => self.low32_into(a, r),
            Form::Scalar => self.low64_into(a, r),
        }))
    }
}

/// x, y, z of which x·y - z is 0 when the result is exact.
fn remainder_terms(how: Arith, a: Value, b: Value, r: Value) -> (Value, Value, Value) {
    match how {
        Arith::Mul => (a, b, r),
        Arith::Div => (r, b, a),
        _ => (r, r, a),
    }
}

/// CMPxx's predicates 0 to 7, where nothing that counts is unordered: not every host has 5 and 6 (NLT, NLE) as they are for vectors.
fn predicate(imm: u8) -> FloatCC {
    match imm & 7 {
        0 => FloatCC::Equal,
        1 => FloatCC::LessThan,
        2 => FloatCC::LessThanOrEqual,
        3 => FloatCC::Unordered,
        4 => FloatCC::NotEqual,
        5 => FloatCC::GreaterThanOrEqual,
        6 => FloatCC::GreaterThan,
        _ => FloatCC::Ordered,
    }
}
