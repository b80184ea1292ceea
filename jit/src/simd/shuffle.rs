//! Moves, shuffles, packs, unpacks, blends, insertions and extractions. SDM Vol. 2, each instruction's "Operation".

use super::{Emitter, Inputs, Out};
use cranelift_codegen::ir::types::{I8, I8X16, I16, I16X8, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use ferrite_core::isa::select_simd::{Place, Vector};
use ferrite_core::isa::simd::VecOp;
use std::array::from_fn;

/// Bytes of two vectors: 0 to 15 of the first, 16 to 31 of the second.
type Bytes = [u8; 16];

/// The bytes of elements of `size` bytes.
fn elements<const N: usize>(from: [u8; N]) -> Bytes {
    let size = 16 / N;
    from_fn(|i| from[i / size] * size as u8 + (i % size) as u8)
}

/// The field of two bits that chooses element `i`.
fn pick(imm: u8, i: usize) -> u8 {
    imm >> (2 * i) & 3
}

impl Emitter<'_, '_> {
    /// Bytes of `a` and `b` as a vector of elements `to`.
    pub(super) fn shuffle(&mut self, a: Value, b: Value, bytes: Bytes, to: Type) -> Value {
        let (a, b) = (self.cast(a, I8X16), self.cast(b, I8X16));
        let imm = self.b.func.dfg.immediates.push(bytes.as_slice().into());
        let r = self.b.ins().shuffle(a, b, imm);
        self.cast(r, to)
    }

    pub(super) fn shuffled(&mut self, v: &Vector, x: &Inputs) -> Option<Out> {
        if let Some(r) = self.moved(v, x) {
            return Some(r);
        }
        if let Some(r) = self.extracted(v.op, x) {
            return Some(Out::General(r));
        }
        let r = match self.permuted(v.op, x) {
            Some(r) => r,
            None => self.chosen(v.op, x)?,
        };
        Some(Out::Vector(self.cast(r, I8X16)))
    }

    fn moved(&mut self, v: &Vector, x: &Inputs) -> Option<Out> {
        use VecOp as V;
        let r = match v.op {
            V::Mov if matches!(v.target, Place::Xmm | Place::Mm | Place::M128 | Place::U128) => {
                // A register of 128 bits is cut where the target is an MMX register: there, only its lower half counts.
                self.vector(x.source?)
            }
            V::Mov => return Some(Out::General(self.int(x.source?, I64))),
            V::MovHigh64 => {
                let b = self.lanes(x.source?, I64X2);
                return Some(Out::General(self.b.ins().extractlane(b, 1)));
            }
            V::MovLow64 => {
                let b = self.lanes(x.source?, I8X16);
                let zero = self.zero(I8X16);
                self.shuffle(b, zero, elements([0, 2]), I8X16)
            }
            V::MovIntoLow32 => {
                let (a, b) = (x.target?, self.vector(x.source?));
                self.low32_into(a, b)
            }
            V::MovIntoLow64 => {
                let (a, b) = (x.target?, self.vector(x.source?));
                self.low64_into(a, b)
            }
            V::MovIntoHigh64 => self.two(x, elements([0, 2]))?,
            V::MovHighIntoLow64 => self.two(x, elements([3, 1]))?,
            _ => return None,
        };
        Some(Out::Vector(r))
    }

    /// `a` with the lowest 32 bits of `b`.
    pub(super) fn low32_into(&mut self, a: Value, b: Value) -> Value {
        self.shuffle(a, b, elements([4, 1, 2, 3]), I8X16)
    }

    /// `a` with the lowest 64 bits of `b`.
    pub(super) fn low64_into(&mut self, a: Value, b: Value) -> Value {
        self.shuffle(a, b, elements([2, 1]), I8X16)
    }

    fn two(&mut self, x: &Inputs, bytes: Bytes) -> Option<Value> {
        let (a, b) = (x.target?, self.vector(x.source?));
        Some(self.shuffle(a, b, bytes, I8X16))
    }

    fn one(&mut self, x: &Inputs, bytes: Bytes) -> Option<Value> {
        let b = self.vector(x.source?);
        Some(self.shuffle(b, b, bytes, I8X16))
    }

    fn extracted(&mut self, op: VecOp, x: &Inputs) -> Option<Value> {
        use VecOp as V;
        let (ty, n) = match op {
            V::Pextrb => (I8X16, x.imm & 15),
            V::Pextrw => (I16X8, x.imm & 7),
            V::PextrwMm => (I16X8, x.imm & 3),
            V::Pextrd | V::Extractps => (I32X4, x.imm & 3),
            V::Pextrq => (I64X2, x.imm & 1),
            _ => return None,
        };
        let b = self.lanes(x.source?, ty);
        let r = self.b.ins().extractlane(b, n);
        Some(self.int(r, I64))
    }

    /// Interleaved bytes, from byte `at` on, by elements of `size` bytes.
    fn unpack(&mut self, x: &Inputs, size: u8, at: u8) -> Option<Value> {
        let bytes = from_fn(|i| {
            let i = i as u8;
            at + i / (2 * size) * size + i % size + i / size % 2 * 16
        });
        self.two(x, bytes)
    }

    /// What a constant shuffle does.
    fn permuted(&mut self, op: VecOp, x: &Inputs) -> Option<Value> {
        use VecOp as V;
        let imm = x.imm;
        match op {
            V::Punpcklbw => self.unpack(x, 1, 0),
            V::Punpcklwd => self.unpack(x, 2, 0),
            V::Punpckldq | V::Unpcklps => self.unpack(x, 4, 0),
            V::Punpcklqdq | V::Unpcklpd => self.unpack(x, 8, 0),
            V::Punpckhbw => self.unpack(x, 1, 8),
            V::Punpckhwd => self.unpack(x, 2, 8),
            V::Punpckhdq | V::Unpckhps => self.unpack(x, 4, 8),
            V::Punpckhqdq | V::Unpckhpd => self.unpack(x, 8, 8),
            V::PunpckhbwMm => self.unpack(x, 1, 4),
            V::PunpckhwdMm => self.unpack(x, 2, 4),
            V::PunpckhdqMm => self.unpack(x, 4, 4),
            V::Pshufd => self.one(x, elements(from_fn::<_, 4, _>(|i| pick(imm, i)))),
            V::Pshuflw | V::PshufwMm => {
                self.one(x, elements(from_fn::<_, 8, _>(|i| if i < 4 { pick(imm, i) } else { i as u8 })))
            }
            V::Pshufhw => {
                self.one(x, elements(from_fn::<_, 8, _>(|i| if i < 4 { i as u8 } else { 4 + pick(imm, i - 4) })))
            }
            V::Shufps => self.two(x, elements(from_fn::<_, 4, _>(|i| pick(imm, i) + if i < 2 { 0 } else { 4 }))),
            V::Shufpd => self.two(x, elements([imm & 1, 2 + (imm >> 1 & 1)])),
            V::Movsldup => self.one(x, elements([0, 0, 2, 2])),
            V::Movshdup => self.one(x, elements([1, 1, 3, 3])),
            V::Movddup => self.one(x, elements([0, 0])),
            V::Pslldq if imm > 15 => Some(self.zero(I8X16)),
            V::Psrldq if imm > 15 => Some(self.zero(I8X16)),
            V::Pslldq => {
                let (a, zero) = (x.target?, self.zero(I8X16));
                Some(self.shuffle(zero, a, from_fn(|i| 16 + i as u8 - imm), I8X16))
            }
            V::Psrldq => {
                let (a, zero) = (x.target?, self.zero(I8X16));
                Some(self.shuffle(a, zero, from_fn(|i| i as u8 + imm), I8X16))
            }
            V::Palignr => self.palignr(x),
            V::PalignrMm => {
                // The 16 bytes are the lower halves, source first.
                let (a, b) = (x.target?, self.vector(x.source?));
                let both = self.shuffle(b, a, elements([0, 2]), I8X16);
                let zero = self.zero(I8X16);
                Some(if imm > 15 { zero } else { self.shuffle(both, zero, from_fn(|i| i as u8 + imm), I8X16) })
            }
            V::Insertps => {
                let lane = imm >> 6;
                self.insertps(x, lane)
            }
            V::InsertpsM32 => self.insertps(x, 0),
            _ => None,
        }
    }

    fn palignr(&mut self, x: &Inputs) -> Option<Value> {
        let (a, b) = (x.target?, self.vector(x.source?));
        Some(match x.imm {
            0 => b,
            n @ 1..=15 => self.shuffle(b, a, from_fn(|i| i as u8 + n), I8X16),
            n @ 16..=31 => {
                let zero = self.zero(I8X16);
                self.shuffle(a, zero, from_fn(|i| i as u8 + n - 16), I8X16)
            }
            _ => self.zero(I8X16),
        })
    }

    fn insertps(&mut self, x: &Inputs, lane: u8) -> Option<Value> {
        let (imm, to) = (x.imm, usize::from(x.imm >> 4 & 3));
        let r = self.two(x, elements(from_fn::<_, 4, _>(|i| if i == to { 4 + lane } else { i as u8 })))?;
        if imm & 15 == 0 {
            return Some(r);
        }
        let kept = (0..4).fold(0u128, |m, i| m | if imm >> i & 1 != 0 { 0 } else { 0xffff_ffff << (32 * i) });
        let kept = self.constant(I8X16, kept);
        Some(self.b.ins().band(r, kept))
    }

    /// Packs, extensions, variable shuffles, blends and insertions.
    fn chosen(&mut self, op: VecOp, x: &Inputs) -> Option<Value> {
        use VecOp as V;
        match op {
            V::Packsswb | V::Packuswb | V::Packssdw | V::Packusdw => {
                let ty = if matches!(op, V::Packsswb | V::Packuswb) { I16X8 } else { I32X4 };
                let (a, b) = (self.cast(x.target?, ty), self.lanes(x.source?, ty));
                Some(self.pack(op, a, b))
            }
            V::PacksswbMm | V::PackuswbMm | V::PackssdwMm => {
                let (op, ty) = match op {
                    V::PacksswbMm => (V::Packsswb, I16X8),
                    V::PackuswbMm => (V::Packuswb, I16X8),
                    _ => (V::Packssdw, I32X4),
                };
                let (a, b) = (x.target?, self.vector(x.source?));
                let both = self.shuffle(a, b, elements([0, 2]), ty);
                Some(self.pack(op, both, both))
            }
            V::PhaddwMm | V::PhadddMm => {
                let ty = if op == V::PhaddwMm { I16X8 } else { I32X4 };
                let (a, b) = (x.target?, self.vector(x.source?));
                let both = self.shuffle(a, b, elements([0, 2]), ty);
                Some(self.b.ins().iadd_pairwise(both, both))
            }
            V::Phaddsw | V::Phsubw | V::Phsubsw | V::Phsubd => {
                let (a, b) = (x.target?, self.vector(x.source?));
                Some(self.horizontal(op, a, b))
            }
            V::PhaddswMm | V::PhsubwMm | V::PhsubswMm | V::PhsubdMm => {
                let op = match op {
                    V::PhaddswMm => V::Phaddsw,
                    V::PhsubwMm => V::Phsubw,
                    V::PhsubswMm => V::Phsubsw,
                    _ => V::Phsubd,
                };
                let (a, b) = (x.target?, self.vector(x.source?));
                let both = self.shuffle(a, b, elements([0, 2]), I8X16);
                Some(self.horizontal(op, both, both))
            }
            V::Pshufb | V::PshufbMm => {
                let (a, b) = (x.target?, self.vector(x.source?));
                // Of a byte of `b`, bit 7 and the index count. To `swizzle`, whatever is above 15 clears.
                let bits = if op == V::PshufbMm { 0x87 } else { 0x8f };
                if self.host.x64 && op == V::Pshufb {
                    return Some(self.b.ins().x86_pshufb(a, b));
                }
                let mask = self.every(I8X16, bits);
                let b = self.b.ins().band(b, mask);
                Some(if self.host.x64 { self.b.ins().x86_pshufb(a, b) } else { self.b.ins().swizzle(a, b) })
            }
            V::Pmovsxbw => self.extend(x, true, &[I8X16]),
            V::Pmovsxwd => self.extend(x, true, &[I16X8]),
            V::Pmovsxdq => self.extend(x, true, &[I32X4]),
            V::Pmovsxbd => self.extend(x, true, &[I8X16, I16X8]),
            V::Pmovsxwq => self.extend(x, true, &[I16X8, I32X4]),
            V::Pmovsxbq => self.extend(x, true, &[I8X16, I16X8, I32X4]),
            V::Pmovzxbw => self.extend(x, false, &[I8X16]),
            V::Pmovzxwd => self.extend(x, false, &[I16X8]),
            V::Pmovzxdq => self.extend(x, false, &[I32X4]),
            V::Pmovzxbd => self.extend(x, false, &[I8X16, I16X8]),
            V::Pmovzxwq => self.extend(x, false, &[I16X8, I32X4]),
            V::Pmovzxbq => self.extend(x, false, &[I8X16, I16X8, I32X4]),
            V::Pblendw => self.blend(x, 8),
            V::Blendps => self.blend(x, 4),
            V::Blendpd => self.blend(x, 2),
            V::Pblendvb => self.blend_by_sign(x, I8X16),
            V::Blendvps => self.blend_by_sign(x, I32X4),
            V::Blendvpd => self.blend_by_sign(x, I64X2),
            V::Pinsrb => self.insert(x, I8X16, I8, x.imm & 15),
            V::Pinsrw => self.insert(x, I16X8, I16, x.imm & 7),
            V::PinsrwMm => self.insert(x, I16X8, I16, x.imm & 3),
            V::Pinsrd => self.insert(x, I32X4, I32, x.imm & 3),
            V::Pinsrq => self.insert(x, I64X2, I64, x.imm & 1),
            _ => None,
        }
    }

    fn pack(&mut self, op: VecOp, a: Value, b: Value) -> Value {
        match op {
            VecOp::Packsswb | VecOp::Packssdw => self.b.ins().snarrow(a, b),
            _ => self.b.ins().unarrow(a, b),
        }
    }

    /// Sums and differences of neighbours, `a`'s then `b`'s, that `iadd_pairwise` does not do.
    fn horizontal(&mut self, op: VecOp, a: Value, b: Value) -> Value {
        let (even, odd, ty) = if op == VecOp::Phsubd {
            (elements([0, 2, 4, 6]), elements([1, 3, 5, 7]), I32X4)
        } else {
            (elements([0, 2, 4, 6, 8, 10, 12, 14]), elements([1, 3, 5, 7, 9, 11, 13, 15]), I16X8)
        };
        let (even, odd) = (self.shuffle(a, b, even, ty), self.shuffle(a, b, odd, ty));
        match op {
            VecOp::Phaddsw => self.b.ins().sadd_sat(even, odd),
            VecOp::Phsubsw => self.b.ins().ssub_sat(even, odd),
            _ => self.b.ins().isub(even, odd),
        }
    }

    /// The lowest elements, doubled in width once for each of `from`.
    fn extend(&mut self, x: &Inputs, signed: bool, from: &[Type]) -> Option<Value> {
        let mut v = self.vector(x.source?);
        for &ty in from {
            let n = self.cast(v, ty);
            v = if signed { self.b.ins().swiden_low(n) } else { self.b.ins().uwiden_low(n) };
        }
        Some(v)
    }

    /// Elements of `b` where the immediate has a 1.
    fn blend(&mut self, x: &Inputs, lanes: u32) -> Option<Value> {
        let (a, b) = (x.target?, self.vector(x.source?));
        let width = 128 / lanes;
        let element = u128::MAX >> (128 - width);
        let mask = (0..lanes).fold(0, |m, i| m | if x.imm >> i & 1 != 0 { element << (width * i) } else { 0 });
        let mask = self.constant(I8X16, mask);
        Some(self.b.ins().bitselect(mask, b, a))
    }

    /// Elements of `b` where XMM0's are negative.
    fn blend_by_sign(&mut self, x: &Inputs, ty: Type) -> Option<Value> {
        let (a, b, c) = (self.cast(x.target?, ty), self.lanes(x.source?, ty), self.cast(x.xmm0?, ty));
        if self.host.x64 {
            return Some(self.b.ins().blendv(c, b, a));
        }
        let mask = self.b.ins().sshr_imm_u(c, i64::from(ty.lane_bits()) - 1);
        Some(self.b.ins().bitselect(mask, b, a))
    }

    fn insert(&mut self, x: &Inputs, ty: Type, element: Type, n: u8) -> Option<Value> {
        let a = self.cast(x.target?, ty);
        let b = self.int(x.source?, element);
        Some(self.b.ins().insertlane(a, b, n))
    }
}
