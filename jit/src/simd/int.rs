//! Packed integers: SDM Vol. 2, "PABSB" to "PXOR", "PTEST", the bitwise operations of floating point.
//!
//! *Left to the helper:* MPSADBW, PHMINPOSUW.

use super::{Emitter, Inputs, Out};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8X16, I16X8, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use ferrite_core::isa::select_simd::{Place, Vector};
use ferrite_core::isa::simd::VecOp;

/// The three shifts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shift {
    Left,
    Logical,
    Arithmetic,
}

impl Emitter<'_, '_> {
    pub(super) fn integer(&mut self, v: &Vector, x: &Inputs) -> Option<Out> {
        use VecOp as V;
        if let Some((ty, how)) = shift_of(v.op) {
            let a = x.target?;
            return Some(Out::Vector(if v.source == Place::Imm8 {
                self.shift_by(ty, how, a, x.imm)
            } else {
                self.shift(ty, how, a, x.source?)
            }));
        }
        if let V::Pabsb | V::Pabsw | V::Pabsd = v.op {
            let ty = match v.op {
                V::Pabsb => I8X16,
                V::Pabsw => I16X8,
                _ => I32X4,
            };
            let b = self.lanes(x.source?, ty);
            let r = self.b.ins().iabs(b);
            return Some(Out::Vector(self.cast(r, I8X16)));
        }
        if let V::Pmovmskb | V::Movmskps | V::Movmskpd = v.op {
            let ty = match v.op {
                V::Pmovmskb => I8X16,
                V::Movmskps => I32X4,
                _ => I64X2,
            };
            let b = self.lanes(x.source?, ty);
            let r = self.b.ins().vhigh_bits(I32, b);
            return Some(Out::General(self.b.ins().uextend(I64, r)));
        }
        if v.op == V::Ptest {
            return self.ptest(x);
        }
        let r = self.zip(v.op, x)?;
        Some(Out::Vector(self.cast(r, I8X16)))
    }

    /// Any operand as a vector of elements `ty`.
    pub(super) fn lanes(&mut self, v: Value, ty: Type) -> Value {
        let v = self.vector(v);
        self.cast(v, ty)
    }

    fn ptest(&mut self, x: &Inputs) -> Option<Out> {
        let (a, b) = (self.lanes(x.target?, I64X2), self.lanes(x.source?, I64X2));
        let common = self.b.ins().band(a, b);
        let not_a = self.b.ins().bnot(a);
        let rest = self.b.ins().band(b, not_a);
        let common = self.b.ins().vany_true(common);
        let rest = self.b.ins().vany_true(rest);
        let zf = self.b.ins().bxor_imm_u(common, 1);
        let cf = self.b.ins().bxor_imm_u(rest, 1);
        Some(Out::Flags { zf, cf })
    }

    /// Operations on pairs of elements.
    fn zip(&mut self, op: VecOp, x: &Inputs) -> Option<Value> {
        use VecOp as V;
        macro_rules! pair {
            ($ty:ident, $f:ident) => {{
                let (a, b) = (self.lanes(x.target?, $ty), self.lanes(x.source?, $ty));
                self.b.ins().$f(a, b)
            }};
            ($ty:ident, icmp $cc:ident) => {{
                let (a, b) = (self.lanes(x.target?, $ty), self.lanes(x.source?, $ty));
                self.b.ins().icmp(IntCC::$cc, a, b)
            }};
            ($ty:ident, self $f:ident) => {{
                let (a, b) = (self.lanes(x.target?, $ty), self.lanes(x.source?, $ty));
                self.$f(a, b)
            }};
        }
        Some(match op {
            V::Paddb => pair!(I8X16, iadd),
            V::Paddw => pair!(I16X8, iadd),
            V::Paddd => pair!(I32X4, iadd),
            V::Paddq => pair!(I64X2, iadd),
            V::Paddsb => pair!(I8X16, sadd_sat),
            V::Paddsw => pair!(I16X8, sadd_sat),
            V::Paddusb => pair!(I8X16, uadd_sat),
            V::Paddusw => pair!(I16X8, uadd_sat),
            V::Psubb => pair!(I8X16, isub),
            V::Psubw => pair!(I16X8, isub),
            V::Psubd => pair!(I32X4, isub),
            V::Psubq => pair!(I64X2, isub),
            V::Psubsb => pair!(I8X16, ssub_sat),
            V::Psubsw => pair!(I16X8, ssub_sat),
            V::Psubusb => pair!(I8X16, usub_sat),
            V::Psubusw => pair!(I16X8, usub_sat),
            V::Pminub => pair!(I8X16, umin),
            V::Pminuw => pair!(I16X8, umin),
            V::Pminud => pair!(I32X4, umin),
            V::Pminsb => pair!(I8X16, smin),
            V::Pminsw => pair!(I16X8, smin),
            V::Pminsd => pair!(I32X4, smin),
            V::Pmaxub => pair!(I8X16, umax),
            V::Pmaxuw => pair!(I16X8, umax),
            V::Pmaxud => pair!(I32X4, umax),
            V::Pmaxsb => pair!(I8X16, smax),
            V::Pmaxsw => pair!(I16X8, smax),
            V::Pmaxsd => pair!(I32X4, smax),
            V::Pcmpeqb => pair!(I8X16, icmp Equal),
            V::Pcmpeqw => pair!(I16X8, icmp Equal),
            V::Pcmpeqd => pair!(I32X4, icmp Equal),
            V::Pcmpeqq => pair!(I64X2, icmp Equal),
            V::Pcmpgtb => pair!(I8X16, icmp SignedGreaterThan),
            V::Pcmpgtw => pair!(I16X8, icmp SignedGreaterThan),
            V::Pcmpgtd => pair!(I32X4, icmp SignedGreaterThan),
            V::Pcmpgtq => pair!(I64X2, icmp SignedGreaterThan),
            V::Pavgb => pair!(I8X16, avg_round),
            V::Pavgw => pair!(I16X8, avg_round),
            V::Pmullw => pair!(I16X8, imul),
            V::Pmulld => pair!(I32X4, imul),
            V::Pmulhw => pair!(I16X8, self mulh_signed),
            V::Pmulhuw => pair!(I16X8, self mulh_unsigned),
            V::Pmulhrsw => pair!(I16X8, self mulh_rounded),
            V::Pmuludq => pair!(I32X4, self mul_even_unsigned),
            V::Pmuldq => pair!(I32X4, self mul_even_signed),
            V::Pmaddwd => pair!(I16X8, self madd_words),
            V::Pmaddubsw => pair!(I8X16, self madd_bytes),
            V::Psadbw => pair!(I8X16, self sad),
            V::Psignb => pair!(I8X16, self sign),
            V::Psignw => pair!(I16X8, self sign),
            V::Psignd => pair!(I32X4, self sign),
            V::Phaddw => pair!(I16X8, iadd_pairwise),
            V::Phaddd => pair!(I32X4, iadd_pairwise),
            V::Pand | V::Andps | V::Andpd => pair!(I8X16, band),
            V::Por | V::Orps | V::Orpd => pair!(I8X16, bor),
            V::Pxor | V::Xorps | V::Xorpd => pair!(I8X16, bxor),
            V::Pandn | V::Andnps | V::Andnpd => pair!(I8X16, self and_not),
            _ => return None,
        })
    }

    fn and_not(&mut self, a: Value, b: Value) -> Value {
        let not_a = self.b.ins().bnot(a);
        self.b.ins().band(b, not_a)
    }

    fn mulh_signed(&mut self, a: Value, b: Value) -> Value {
        let [low, high] = self.products(a, b);
        let low = self.b.ins().sshr_imm_u(low, 16);
        let high = self.b.ins().sshr_imm_u(high, 16);
        // Both fit: nothing saturates.
        self.b.ins().snarrow(low, high)
    }

    fn mulh_unsigned(&mut self, a: Value, b: Value) -> Value {
        let (al, bl) = (self.b.ins().uwiden_low(a), self.b.ins().uwiden_low(b));
        let (ah, bh) = (self.b.ins().uwiden_high(a), self.b.ins().uwiden_high(b));
        let (low, high) = (self.b.ins().imul(al, bl), self.b.ins().imul(ah, bh));
        let low = self.b.ins().ushr_imm_u(low, 16);
        let high = self.b.ins().ushr_imm_u(high, 16);
        self.b.ins().unarrow(low, high)
    }

    fn mulh_rounded(&mut self, a: Value, b: Value) -> Value {
        if self.host.x64 {
            return self.b.ins().x86_pmulhrsw(a, b);
        }
        // -8000h · -8000h: 7FFFh, saturated, where PMULHRSW has 8000h.
        let r = self.b.ins().sqmul_round_sat(a, b);
        let least = self.every(I16X8, 0x8000);
        let a = self.b.ins().icmp(IntCC::Equal, a, least);
        let b = self.b.ins().icmp(IntCC::Equal, b, least);
        let both = self.b.ins().band(a, b);
        self.b.ins().bxor(r, both)
    }

    /// The products of the lower and of the upper four signed words.
    fn products(&mut self, a: Value, b: Value) -> [Value; 2] {
        let (al, bl) = (self.b.ins().swiden_low(a), self.b.ins().swiden_low(b));
        let (ah, bh) = (self.b.ins().swiden_high(a), self.b.ins().swiden_high(b));
        [self.b.ins().imul(al, bl), self.b.ins().imul(ah, bh)]
    }

    /// Elements 0 and 2 at places 0 and 1.
    fn even(&mut self, v: Value) -> Value {
        self.shuffle(v, v, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11], I32X4)
    }

    fn mul_even_unsigned(&mut self, a: Value, b: Value) -> Value {
        let (a, b) = (self.even(a), self.even(b));
        let (a, b) = (self.b.ins().uwiden_low(a), self.b.ins().uwiden_low(b));
        self.b.ins().imul(a, b)
    }

    fn mul_even_signed(&mut self, a: Value, b: Value) -> Value {
        let (a, b) = (self.even(a), self.even(b));
        let (a, b) = (self.b.ins().swiden_low(a), self.b.ins().swiden_low(b));
        self.b.ins().imul(a, b)
    }

    fn madd_words(&mut self, a: Value, b: Value) -> Value {
        let [low, high] = self.products(a, b);
        self.b.ins().iadd_pairwise(low, high)
    }

    fn madd_bytes(&mut self, a: Value, b: Value) -> Value {
        if self.host.x64 {
            return self.b.ins().x86_pmaddubsw(b, a);
        }
        // 255 · -128 and 255 · 127 fit in 16 bits; only the sum saturates.
        let (a, b) = (self.cast(a, I16X8), self.cast(b, I16X8));
        let mask = self.every(I16X8, 0xff);
        let a0 = self.b.ins().band(a, mask);
        let a1 = self.b.ins().ushr_imm_u(a, 8);
        let b0 = self.b.ins().ishl_imm_u(b, 8);
        let b0 = self.b.ins().sshr_imm_u(b0, 8);
        let b1 = self.b.ins().sshr_imm_u(b, 8);
        let (even, odd) = (self.b.ins().imul(a0, b0), self.b.ins().imul(a1, b1));
        self.b.ins().sadd_sat(even, odd)
    }

    fn sad(&mut self, a: Value, b: Value) -> Value {
        // One of the two differences is 0.
        let (d, e) = (self.b.ins().usub_sat(a, b), self.b.ins().usub_sat(b, a));
        let d = self.b.ins().bor(d, e);
        // Sums of 2, 4 and 8 neighbours.
        let (l, h) = (self.b.ins().uwiden_low(d), self.b.ins().uwiden_high(d));
        let s = self.b.ins().iadd_pairwise(l, h);
        let (l, h) = (self.b.ins().uwiden_low(s), self.b.ins().uwiden_high(s));
        let s = self.b.ins().iadd_pairwise(l, h);
        let s = self.cast(s, I64X2);
        let high = self.b.ins().ushr_imm_u(s, 32);
        let s = self.b.ins().iadd(s, high);
        let mask = self.every(I64X2, 0xffff);
        self.b.ins().band(s, mask)
    }

    fn sign(&mut self, a: Value, b: Value) -> Value {
        let ty = self.b.func.dfg.value_type(a);
        let zero = self.zero(ty);
        let negative = self.b.ins().icmp(IntCC::SignedGreaterThan, zero, b);
        let none = self.b.ins().icmp(IntCC::Equal, b, zero);
        // Two's complement where `negative` is all ones.
        let r = self.b.ins().bxor(a, negative);
        let r = self.b.ins().isub(r, negative);
        let some = self.b.ins().bnot(none);
        self.b.ins().band(r, some)
    }

    fn shift_by(&mut self, ty: Type, how: Shift, a: Value, n: u8) -> Value {
        let bits = ty.lane_bits() as u8;
        if n >= bits && how != Shift::Arithmetic {
            return self.zero(I8X16);
        }
        let n = i64::from(n.min(bits - 1));
        let a = self.cast(a, ty);
        let r = match how {
            Shift::Left => self.b.ins().ishl_imm_u(a, n),
            Shift::Logical => self.b.ins().ushr_imm_u(a, n),
            Shift::Arithmetic => self.b.ins().sshr_imm_u(a, n),
        };
        self.cast(r, I8X16)
    }

    /// By bits 63:0 of `count`.
    fn shift(&mut self, ty: Type, how: Shift, a: Value, count: Value) -> Value {
        let bits = i64::from(ty.lane_bits());
        let a = self.cast(a, ty);
        let n = self.int(count, I64);
        let r = if how == Shift::Arithmetic {
            let most = self.b.ins().iconst(I64, bits - 1);
            let n = self.b.ins().umin(n, most);
            let n = self.b.ins().ireduce(I32, n);
            self.b.ins().sshr(a, n)
        } else {
            let small = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, n, bits);
            // CLIF takes the count modulo the width; what is shifted out altogether is masked.
            let n = self.b.ins().ireduce(I32, n);
            let r = if how == Shift::Left { self.b.ins().ishl(a, n) } else { self.b.ins().ushr(a, n) };
            let keep = self.b.ins().bmask(I64, small);
            let keep = self.b.ins().splat(I64X2, keep);
            let r = self.cast(r, I64X2);
            self.b.ins().band(r, keep)
        };
        self.cast(r, I8X16)
    }
}

fn shift_of(op: VecOp) -> Option<(Type, Shift)> {
    use VecOp as V;
    Some(match op {
        V::Psllw => (I16X8, Shift::Left),
        V::Pslld => (I32X4, Shift::Left),
        V::Psllq => (I64X2, Shift::Left),
        V::Psrlw => (I16X8, Shift::Logical),
        V::Psrld => (I32X4, Shift::Logical),
        V::Psrlq => (I64X2, Shift::Logical),
        V::Psraw => (I16X8, Shift::Arithmetic),
        V::Psrad => (I32X4, Shift::Arithmetic),
        _ => return None,
    })
}
