//! PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. SDM Vol. 2B, "Imm8 Control Byte Operation for PCMPESTRI/PCMPESTRM/
//! PCMPISTRI/PCMPISTRM".

use super::lanes::{LOW, u8x16, u16x8};

/// What all four compute: IntRes2 and the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// IntRes2, one bit an element.
    pub result: u32,
    /// CF, ZF, SF, OF at their places in EFLAGS; AF and PF are cleared.
    pub eflags: u64,
    /// Number of elements of a vector: 16 bytes or 8 words.
    pub elements: u32,
}

/// `imm[0]`: elements are words.
const fn words(imm: u8) -> bool {
    imm & 1 != 0
}

/// Number of elements of a vector.
const fn count(imm: u8) -> usize {
    if words(imm) { 8 } else { 16 }
}

/// The elements as numbers, signed if `imm[1]` says so.
fn elements(v: u128, imm: u8) -> [i32; 16] {
    let mut out = [0; 16];
    for (i, o) in out.iter_mut().enumerate().take(count(imm)) {
        *o = match (words(imm), imm & 2 != 0) {
            (false, false) => u8x16::split(v)[i].into(),
            (false, true) => i32::from(u8x16::split(v)[i] as i8),
            (true, false) => u16x8::split(v)[i].into(),
            (true, true) => i32::from(u16x8::split(v)[i] as i16),
        };
    }
    out
}

/// Length of a vector that ends at its first null element: the "I" forms.
#[must_use]
pub fn implicit_length(v: u128, imm: u8) -> u32 {
    let n = count(imm);
    elements(v, imm).iter().take(n).position(|&e| e == 0).unwrap_or(n) as u32
}

/// Length from a register: its absolute value, at most the number of elements. The "E" forms.
#[must_use]
pub fn explicit_length(register: i64, imm: u8) -> u32 {
    register.unsigned_abs().min(count(imm) as u64) as u32
}

/// Compares `a` (xmm1) of length `a_len` with `b` (xmm2/m128) of length `b_len`.
#[must_use]
pub fn compare(a: u128, a_len: u32, b: u128, b_len: u32, imm: u8) -> Comparison {
    let n = count(imm);
    let (x, y) = (elements(a, imm), elements(b, imm));
    let (x_len, y_len) = (a_len as usize, b_len as usize);
    let mut r = 0u32;
    for i in 0..n {
        let bit = match imm >> 2 & 3 {
            // Equal any: an element past the end of either is equal to nothing.
            0 => i < y_len && x[..x_len].contains(&y[i]),
            // Ranges: pairs of bounds.
            1 => i < y_len && x[..x_len].chunks_exact(2).any(|p| p[0] <= y[i] && y[i] <= p[1]),
            // Equal each: elements past both ends are equal.
            2 => match (i < x_len, i < y_len) {
                (true, true) => x[i] == y[i],
                (false, false) => true,
                _ => false,
            },
            // Equal ordered: `a` as a string inside `b`, as far as the vector goes.
            _ => (0..x_len.min(n - i)).all(|k| i + k < y_len && x[k] == y[i + k]),
        };
        r |= u32::from(bit) << i;
    }
    let all = (1 << n) - 1;
    let r = match imm >> 4 & 3 {
        1 => r ^ all,
        3 => r ^ ((1 << y_len) - 1),
        _ => r,
    };
    let flag = |set: bool, at: u32| u64::from(set) << at;
    let eflags = flag(r != 0, 0) | flag(y_len < n, 6) | flag(x_len < n, 7) | flag(r & 1 != 0, 11);
    Comparison { result: r, eflags, elements: n as u32 }
}

impl Comparison {
    /// ECX of the "I" forms: the lowest (`imm[6]` = 0) or highest bit of the result, or the number of elements.
    #[must_use]
    pub const fn index(&self, imm: u8) -> u32 {
        if self.result == 0 {
            self.elements
        } else if imm & 0x40 != 0 {
            self.result.ilog2()
        } else {
            self.result.trailing_zeros()
        }
    }

    /// XMM0 of the "M" forms: the bits (`imm[6]` = 0), or each stretched over its element.
    #[must_use]
    pub fn mask(&self, imm: u8) -> u128 {
        let bit = |i: usize| self.result >> i & 1 != 0;
        if imm & 0x40 == 0 {
            u128::from(self.result) & LOW
        } else if words(imm) {
            u16x8::join(std::array::from_fn(|i| u16::from(bit(i)).wrapping_neg()))
        } else {
            u8x16::join(std::array::from_fn(|i| u8::from(bit(i)).wrapping_neg()))
        }
    }
}
