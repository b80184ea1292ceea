//! Vectors of 128 bits as arrays of elements, element 0 in the lowest bits. SDM Vol. 1, "SIMD Packed Data Types".
//!
//! The conversions are loads and stores to a compiler: `zip` over them becomes one vector instruction of the host.

use std::array::from_fn;

macro_rules! lanes {
    ($($name:ident: $t:ty, $n:literal;)*) => {$(
        #[doc = concat!("Vectors of ", $n, " elements of `", stringify!($t), "`.")]
        pub mod $name {
            use super::from_fn;

            const BYTES: usize = size_of::<$t>();

            /// The elements of a vector.
            #[must_use]
            #[inline(always)]
            pub fn split(v: u128) -> [$t; $n] {
                let b = v.to_le_bytes();
                from_fn(|i| <$t>::from_le_bytes(from_fn(|k| b[BYTES * i + k])))
            }

            /// The vector of some elements.
            #[must_use]
            #[inline(always)]
            pub fn join(v: [$t; $n]) -> u128 {
                let mut b = [0; 16];
                for (i, e) in v.iter().enumerate() {
                    b[BYTES * i..BYTES * (i + 1)].copy_from_slice(&e.to_le_bytes());
                }
                u128::from_le_bytes(b)
            }

            /// `f` of each element.
            #[inline(always)]
            pub fn map(v: u128, mut f: impl FnMut($t) -> $t) -> u128 {
                let v = split(v);
                join(from_fn(|i| f(v[i])))
            }

            /// `f` of each pair of elements.
            #[inline(always)]
            pub fn zip(a: u128, b: u128, mut f: impl FnMut($t, $t) -> $t) -> u128 {
                let (a, b) = (split(a), split(b));
                join(from_fn(|i| f(a[i], b[i])))
            }
        }
    )*};
}

lanes! {
    i8x16: i8, 16;
    u8x16: u8, 16;
    i16x8: i16, 8;
    u16x8: u16, 8;
    i32x4: i32, 4;
    u32x4: u32, 4;
    i64x2: i64, 2;
    u64x2: u64, 2;
}

/// Bits 63:0.
pub const LOW: u128 = u64::MAX as u128;

/// All ones for true.
#[must_use]
#[inline(always)]
pub const fn mask8(b: bool) -> i8 {
    -(b as i8)
}

/// All ones for true.
#[must_use]
#[inline(always)]
pub const fn mask16(b: bool) -> i16 {
    -(b as i16)
}

/// All ones for true.
#[must_use]
#[inline(always)]
pub const fn mask32(b: bool) -> i32 {
    -(b as i32)
}

/// All ones for true.
#[must_use]
#[inline(always)]
pub const fn mask64(b: bool) -> i64 {
    -(b as i64)
}
