//! AES-NI and PCLMULQDQ. FIPS 197, "Specification"; SDM Vol. 1, "Intel Advanced Encryption Standard Instructions";
//! Vol. 2, "AESDEC" to "AESKEYGENASSIST", "PCLMULQDQ".
//!
//! A vector holds the state by columns: byte `r + 4c` is row `r` of column `c`.

use super::lanes::{u8x16, u32x4};
use std::array::from_fn;

/// Multiplies by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
const fn xtime(a: u8) -> u8 {
    a << 1 ^ if a & 0x80 != 0 { 0x1b } else { 0 }
}

/// Product in GF(2^8).
const fn mul(mut a: u8, mut b: u8) -> u8 {
    let mut r = 0;
    while b != 0 {
        if b & 1 != 0 {
            r ^= a;
        }
        a = xtime(a);
        b >>= 1;
    }
    r
}

/// SubBytes, computed as FIPS 197 defines it: the inverse (a^254, 0 for 0), then the affine map.
const SBOX: [u8; 256] = {
    let mut t = [0; 256];
    let mut i = 0;
    while i < 256 {
        let a = i as u8;
        let mut inverse = 1;
        let mut k = 0;
        while k < 254 {
            inverse = mul(inverse, a);
            k += 1;
        }
        let b: u8 = inverse;
        t[i] = b ^ b.rotate_left(1) ^ b.rotate_left(2) ^ b.rotate_left(3) ^ b.rotate_left(4) ^ 0x63;
        i += 1;
    }
    t
};

/// InvSubBytes.
const INVERSE_SBOX: [u8; 256] = {
    let mut t = [0; 256];
    let mut i = 0;
    while i < 256 {
        t[SBOX[i] as usize] = i as u8;
        i += 1;
    }
    t
};

/// ShiftRows and SubBytes: row r moves left by r columns.
fn shift_sub(v: u128) -> [u8; 16] {
    let v = u8x16::split(v);
    from_fn(|i| SBOX[usize::from(v[(i + 4 * (i % 4)) % 16])])
}

/// InvShiftRows and InvSubBytes.
fn inverse_shift_sub(v: u128) -> [u8; 16] {
    let v = u8x16::split(v);
    from_fn(|i| INVERSE_SBOX[usize::from(v[(i + 16 - 4 * (i % 4)) % 16])])
}

/// Multiplies every column by the circulant matrix that starts with `row`.
fn mix(v: [u8; 16], row: [u8; 4]) -> [u8; 16] {
    from_fn(|i| {
        let (column, r) = (i & !3, i & 3);
        (0..4).fold(0, |sum, k| sum ^ mul(v[column + k], row[(k + 4 - r) % 4]))
    })
}

const MIX: [u8; 4] = [2, 3, 1, 1];
const INVERSE_MIX: [u8; 4] = [14, 11, 13, 9];

/// AESENC.
#[must_use]
pub fn aesenc(a: u128, b: u128) -> u128 {
    u8x16::join(mix(shift_sub(a), MIX)) ^ b
}

/// AESENCLAST.
#[must_use]
pub fn aesenclast(a: u128, b: u128) -> u128 {
    u8x16::join(shift_sub(a)) ^ b
}

/// AESDEC.
#[must_use]
pub fn aesdec(a: u128, b: u128) -> u128 {
    u8x16::join(mix(inverse_shift_sub(a), INVERSE_MIX)) ^ b
}

/// AESDECLAST.
#[must_use]
pub fn aesdeclast(a: u128, b: u128) -> u128 {
    u8x16::join(inverse_shift_sub(a)) ^ b
}

/// AESIMC.
#[must_use]
pub fn aesimc(b: u128) -> u128 {
    u8x16::join(mix(u8x16::split(b), INVERSE_MIX))
}

/// AESKEYGENASSIST.
#[must_use]
pub fn aeskeygenassist(b: u128, imm: u8) -> u128 {
    let sub = |w: u32| u32::from_le_bytes(w.to_le_bytes().map(|e| SBOX[usize::from(e)]));
    let [_, x1, _, x3] = u32x4::split(b);
    let (x1, x3) = (sub(x1), sub(x3));
    let rcon = u32::from(imm);
    // RotWord moves the lowest byte to the top.
    u32x4::join([x1, x1.rotate_right(8) ^ rcon, x3, x3.rotate_right(8) ^ rcon])
}

/// PCLMULQDQ: `imm[0]` and `imm[4]` choose the halves.
#[must_use]
pub fn pclmulqdq(a: u128, b: u128, imm: u8) -> u128 {
    let x = a >> (64 * (imm & 1)) & super::lanes::LOW;
    let y = b >> (64 * (imm >> 4 & 1));
    // By four bits of y: what each of their patterns adds, the pattern of the highest four first.
    let mut sums = [0; 16];
    for k in 1..16 {
        sums[k] = sums[k / 2] << 1 ^ if k & 1 != 0 { x } else { 0 };
    }
    (0..16).rev().fold(0, |r, k| r << 4 ^ sums[(y >> (4 * k)) as usize & 15])
}
