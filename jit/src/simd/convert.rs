//! Conversions. SDM Vol. 2, "CVTDQ2PD" to "CVTTSS2SI", "ROUNDPD" to "ROUNDSS".
//!
//! As in [`super::float`], operands are kept to a range where the only exception is precision. Integers up to the
//! size of the significand convert exactly; a number that converts back to itself was converted exactly, and then no
//! rounding mode plays a part.

use super::float::{DOUBLE, Form, Format, Range, SINGLE, Zeros};
use super::{Emitter, Inputs, Out, Slow};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32, F32X4, F64, F64X2, I8X16, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use ferrite_core::isa::simd::VecOp;

/// ROUNDxx's immediate: rounding as MXCSR says, not as bits 1:0.
const FROM_MXCSR: u8 = 4;
/// ROUNDxx's immediate: precision exceptions are not raised.
const QUIET: u8 = 8;

pub(super) fn needs_mxcsr(op: VecOp, imm: u8) -> bool {
    use VecOp as V;
    match op {
        V::Roundps | V::Roundpd | V::Roundss | V::Roundsd => imm & (FROM_MXCSR | QUIET) != QUIET,
        V::Cvtdq2ps | V::Cvtpi2ps | V::Cvtps2dq | V::Cvttps2dq | V::Cvtps2pi | V::Cvttps2pi => true,
        V::Cvtpd2dq | V::Cvttpd2dq | V::Cvtpd2pi | V::Cvttpd2pi | V::Cvtpd2ps | V::Cvtsd2ss => true,
        V::Cvtsi2ss32 | V::Cvtsi2ss64 | V::Cvtsi2sd64 => true,
        _ => general_target(op).is_some(),
    }
}

/// Conversions to a general register: from, to, truncating.
fn general_target(op: VecOp) -> Option<(Format, Type, bool)> {
    use VecOp as V;
    Some(match op {
        V::Cvtss2si32 => (SINGLE, I32, false),
        V::Cvtsd2si32 => (DOUBLE, I32, false),
        V::Cvttss2si32 => (SINGLE, I32, true),
        V::Cvttsd2si32 => (DOUBLE, I32, true),
        V::Cvtss2si64 => (SINGLE, I64, false),
        V::Cvtsd2si64 => (DOUBLE, I64, false),
        V::Cvttss2si64 => (SINGLE, I64, true),
        V::Cvttsd2si64 => (DOUBLE, I64, true),
        _ => return None,
    })
}

impl Emitter<'_, '_> {
    pub(super) fn converted(&mut self, op: VecOp, x: &Inputs, slow: &mut Slow) -> Option<Out> {
        use VecOp as V;
        if let Some((f, to, truncate)) = general_target(op) {
            return self.general_of(x, f, to, truncate, slow);
        }
        let r = match op {
            V::Cvtdq2ps => self.singles_of(x, slow)?,
            V::Cvtpi2ps => {
                let a = x.target?;
                let r = self.singles_of(x, slow)?;
                self.low64_into(a, r)
            }
            V::Cvtdq2pd | V::Cvtpi2pd => {
                let b = self.lanes(x.source?, I32X4);
                let wide = self.b.ins().swiden_low(b);
                self.b.ins().fcvt_from_sint(F64X2, wide)
            }
            V::Cvtps2dq => self.dwords_of_singles(x, 4, false, slow)?,
            V::Cvttps2dq => self.dwords_of_singles(x, 4, true, slow)?,
            V::Cvtps2pi => self.dwords_of_singles(x, 2, false, slow)?,
            V::Cvttps2pi => self.dwords_of_singles(x, 2, true, slow)?,
            V::Cvtpd2dq | V::Cvtpd2pi => self.dwords_of_doubles(x, false, slow)?,
            V::Cvttpd2dq | V::Cvttpd2pi => self.dwords_of_doubles(x, true, slow)?,
            V::Cvtps2pd => {
                let b = self.lanes(x.source?, F32X4);
                self.require_range(b, SINGLE, SINGLE.ordered(), 2, slow);
                self.b.ins().fvpromote_low(b)
            }
            V::Cvtpd2ps => {
                let mxcsr = x.mxcsr?;
                let b = self.lanes(x.source?, F64X2);
                self.require_range(b, DOUBLE, NARROW, 2, slow);
                let r = self.b.ins().fvdemote(b);
                self.settle_with(mxcsr, slow, false, |e| {
                    let back = e.b.ins().fvpromote_low(r);
                    Some(e.same(back, b, 2))
                });
                r
            }
            V::Cvtss2sd => {
                let (a, v) = (x.target?, self.vector(x.source?));
                self.require_range(v, SINGLE, SINGLE.ordered(), 1, slow);
                let b = self.scalar(v, F32);
                let r = self.b.ins().fpromote(F64, b);
                self.put_scalar(a, r, DOUBLE)
            }
            V::Cvtsd2ss => {
                let (mxcsr, a, v) = (x.mxcsr?, x.target?, self.vector(x.source?));
                self.require_range(v, DOUBLE, NARROW, 1, slow);
                let b = self.scalar(v, F64);
                let r = self.b.ins().fdemote(F32, b);
                self.settle_with(mxcsr, slow, false, |e| {
                    let back = e.b.ins().fpromote(F64, r);
                    Some(e.b.ins().fcmp(FloatCC::Equal, back, b))
                });
                self.put_scalar(a, r, SINGLE)
            }
            V::Cvtsi2sd32 => {
                let (a, b) = (x.target?, self.int(x.source?, I32));
                let r = self.b.ins().fcvt_from_sint(F64, b);
                self.put_scalar(a, r, DOUBLE)
            }
            V::Cvtsi2ss32 => self.scalar_of_general(x, I32, SINGLE, slow)?,
            V::Cvtsi2ss64 => self.scalar_of_general(x, I64, SINGLE, slow)?,
            V::Cvtsi2sd64 => self.scalar_of_general(x, I64, DOUBLE, slow)?,
            V::Roundps => self.rounded(x, Form::Packed, SINGLE, slow)?,
            V::Roundpd => self.rounded(x, Form::Packed, DOUBLE, slow)?,
            V::Roundss => self.rounded(x, Form::Scalar, SINGLE, slow)?,
            V::Roundsd => self.rounded(x, Form::Scalar, DOUBLE, slow)?,
            _ => return None,
        };
        Some(Out::Vector(self.cast(r, I8X16)))
    }

    /// 1 if the lowest `n` elements of two vectors of numbers are equal.
    fn same(&mut self, a: Value, b: Value, n: u32) -> Value {
        let equal = self.b.ins().fcmp(FloatCC::Equal, a, b);
        self.all(equal, n)
    }

    /// All four dwords; of an MMX operand two are 0.
    fn singles_of(&mut self, x: &Inputs, slow: &mut Slow) -> Option<Value> {
        let (mxcsr, b) = (x.mxcsr?, self.lanes(x.source?, I32X4));
        let r = self.b.ins().fcvt_from_sint(F32X4, b);
        self.settle_with(mxcsr, slow, false, |e| {
            let bias = e.every(I32X4, (1 << 31) + (1 << 24));
            let at = e.b.ins().iadd(b, bias);
            let size = e.every(I32X4, (1 << 31) + (1 << 25));
            let small = e.b.ins().icmp(IntCC::SignedGreaterThan, size, at);
            Some(e.all(small, 4))
        });
        Some(r)
    }

    fn scalar_of_general(&mut self, x: &Inputs, from: Type, f: Format, slow: &mut Slow) -> Option<Value> {
        let (mxcsr, a, b) = (x.mxcsr?, x.target?, self.int(x.source?, from));
        let r = self.b.ins().fcvt_from_sint(f.element, b);
        self.settle_with(mxcsr, slow, false, |e| {
            let most = if f == SINGLE { 1 << 24 } else { 1i64 << 53 };
            let at = e.b.ins().iadd_imm_u(b, most);
            Some(e.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, at, 2 * most))
        });
        Some(self.put_scalar(a, r, f))
    }

    /// Numbers below 2^31 in magnitude to integers.
    fn truncated(&mut self, v: Value) -> Value {
        if self.b.func.dfg.value_type(v) == F32X4 {
            return if self.host.x64 {
                self.b.ins().x86_cvtt2dq(I32X4, v)
            } else {
                self.b.ins().fcvt_to_sint_sat(I32X4, v)
            };
        }
        let zero = self.zero(I64X2);
        let wide =
            if self.host.x64 { self.b.ins().x86_cvtt2dq(I64X2, v) } else { self.b.ins().fcvt_to_sint_sat(I64X2, v) };
        self.b.ins().snarrow(wide, zero)
    }

    fn dwords_of_singles(&mut self, x: &Inputs, n: u32, truncate: bool, slow: &mut Slow) -> Option<Value> {
        let (mxcsr, b) = (x.mxcsr?, self.lanes(x.source?, F32X4));
        let whole = if truncate { b } else { self.b.ins().nearest(b) };
        self.require_range(whole, SINGLE, below(SINGLE, 31), n, slow);
        let r = self.truncated(whole);
        self.settle_with(mxcsr, slow, false, |e| {
            let back = e.b.ins().fcvt_from_sint(F32X4, r);
            Some(e.same(back, b, n))
        });
        Some(r)
    }

    fn dwords_of_doubles(&mut self, x: &Inputs, truncate: bool, slow: &mut Slow) -> Option<Value> {
        let (mxcsr, b) = (x.mxcsr?, self.lanes(x.source?, F64X2));
        let whole = if truncate { b } else { self.b.ins().nearest(b) };
        self.require_range(whole, DOUBLE, below(DOUBLE, 31), 2, slow);
        let r = self.truncated(whole);
        self.settle_with(mxcsr, slow, false, |e| {
            let wide = e.b.ins().swiden_low(r);
            let back = e.b.ins().fcvt_from_sint(F64X2, wide);
            Some(e.same(back, b, 2))
        });
        Some(r)
    }

    fn general_of(&mut self, x: &Inputs, f: Format, to: Type, truncate: bool, slow: &mut Slow) -> Option<Out> {
        let (mxcsr, v) = (x.mxcsr?, self.lanes(x.source?, f.floats));
        // x86-64 has a conversion without a tail for the cases that cannot be, but only of vectors.
        let packed = self.host.x64 && to == I32;
        let b = self.scalar(v, f.element);
        let from = if packed { v } else { b };
        let from = if truncate { from } else { self.b.ins().nearest(from) };
        let whole = self.scalar(from, f.element);
        // False for a NaN. A denormal number becomes 0, and of its exceptions only precision counts.
        let magnitude = self.b.ins().fabs(whole);
        let limit = if to == I32 { 2f64.powi(31) } else { 2f64.powi(63) };
        let limit = if f == SINGLE { self.b.ins().f32const(limit as f32) } else { self.b.ins().f64const(limit) };
        let ok = self.b.ins().fcmp(FloatCC::LessThan, magnitude, limit);
        self.require(ok, slow);
        let r = if packed {
            let r = self.truncated(from);
            self.int(r, I32)
        } else {
            self.b.ins().fcvt_to_sint_sat(to, whole)
        };
        self.settle_with(mxcsr, slow, false, |e| {
            let back = e.b.ins().fcvt_from_sint(f.element, r);
            Some(e.b.ins().fcmp(FloatCC::Equal, back, b))
        });
        Some(Out::General(self.int(r, I64)))
    }

    fn rounded(&mut self, x: &Inputs, form: Form, f: Format, slow: &mut Slow) -> Option<Value> {
        let (imm, source) = (x.imm, x.source?);
        let settled = if needs_mxcsr(VecOp::Roundps, imm) { Some(x.mxcsr?) } else { None };
        let mode = if imm & FROM_MXCSR != 0 { 0 } else { imm & 3 };
        let v = self.vector(source);
        let n = if form == Form::Scalar { 1 } else { f.ints.lane_count() };
        let target = if form == Form::Scalar { x.target? } else { v };
        self.require_range(v, f, f.ordered(), n, slow);
        let b = if form == Form::Scalar { self.scalar(v, f.element) } else { self.cast(v, f.floats) };
        let r = match mode {
            0 => self.b.ins().nearest(b),
            1 => self.b.ins().floor(b),
            2 => self.b.ins().ceil(b),
            _ => self.b.ins().trunc(b),
        };
        if let Some(mxcsr) = settled {
            self.settle_with(mxcsr, slow, false, |e| {
                Some(if form == Form::Scalar { e.b.ins().fcmp(FloatCC::Equal, r, b) } else { e.same(r, b, n) })
            });
        }
        Some(if form == Form::Scalar { self.put_scalar(target, r, f) } else { r })
    }
}

/// Doubles that are normal singles without doubt.
const NARROW: Range = Range { from: DOUBLE.power(-125), to: DOUBLE.power(127), zeros: Zeros::All };

/// Below 2^`e` in magnitude.
fn below(f: Format, e: i32) -> Range {
    Range { from: 0, to: f.power(e), zeros: Zeros::None }
}
