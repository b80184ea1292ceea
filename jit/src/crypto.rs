//! AES-NI and PCLMULQDQ in regions: Cranelift has no operation for them, but most hosts have an instruction.
//!
//! SDM Vol. 2, "AESDEC" to "AESKEYGENASSIST", "PCLMULQDQ"; Arm Architecture Reference Manual for A-profile, "AESE", "AESD", "AESMC",
//! "AESIMC", "PMULL". A host without them computes what the interpreter does.
#![allow(unsafe_code)] // called by translated code with addresses; the host's instructions are there only where it says so

use ferrite_core::isa::simd::{VecOp, aes};

/// Computes a target of 16 bytes from itself, a source of 16 bytes and an immediate byte.
///
/// # Safety
/// Both may be accessed, at any alignment. They may be the same.
pub type Action = unsafe extern "C" fn(target: *mut u8, source: *const u8, imm: u64);

/// Carries an operation out where its operands are.
///
/// # Safety
/// That of an [`Action`].
#[inline(always)]
unsafe fn carry_out(target: *mut u8, source: *const u8, operation: impl FnOnce(u128, u128) -> u128) {
    let (target, source) = (target.cast::<u128>(), source.cast::<u128>());
    // SAFETY: by the contract above.
    unsafe { target.write_unaligned(operation(target.read_unaligned(), source.read_unaligned())) }
}

macro_rules! actions {
    ($($op:ident $name:ident($a:ident, $b:ident, $imm:ident) = $portable:expr;)*) => {
        const OPS: &[VecOp] = &[$(VecOp::$op),*];

        mod portable {
            use super::{aes, carry_out};

            $(pub unsafe extern "C" fn $name(target: *mut u8, source: *const u8, imm: u64) {
                let $imm = imm as u8;
                // SAFETY: by the contract of an action.
                unsafe { carry_out(target, source, |$a, $b| $portable) }
            })*
            pub const ALL: &[super::Action] = &[$($name),*];
        }

        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        mod native {
            use super::{carry_out, host};

            $(#[cfg_attr(target_arch = "x86_64", target_feature(enable = "aes,pclmulqdq"))]
            #[cfg_attr(target_arch = "aarch64", target_feature(enable = "aes"))]
            pub unsafe extern "C" fn $name(target: *mut u8, source: *const u8, imm: u64) {
                // SAFETY: by the contract of an action.
                unsafe { carry_out(target, source, |a, b| host::$name(a, b, imm as u8)) }
            })*
            pub const ALL: &[super::Action] = &[$($name),*];
        }
    };
}

actions! {
    Aesenc aesenc(a, b, _imm) = aes::aesenc(a, b);
    Aesenclast aesenclast(a, b, _imm) = aes::aesenclast(a, b);
    Aesdec aesdec(a, b, _imm) = aes::aesdec(a, b);
    Aesdeclast aesdeclast(a, b, _imm) = aes::aesdeclast(a, b);
    Aesimc aesimc(_a, b, _imm) = aes::aesimc(b);
    Aeskeygenassist aeskeygenassist(_a, b, imm) = aes::aeskeygenassist(b, imm);
    Pclmulqdq pclmulqdq(a, b, imm) = aes::pclmulqdq(a, b, imm);
}

/// The number of an operation's action, if it has one.
pub fn number(op: VecOp) -> Option<usize> {
    OPS.iter().position(|&o| o == op)
}

/// An action by its number: the host's own instruction, if there is one.
pub fn action(n: usize) -> Option<Action> {
    native().unwrap_or(portable::ALL).get(n).copied()
}

#[cfg(target_arch = "x86_64")]
fn native() -> Option<&'static [Action]> {
    (is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq")).then_some(native::ALL)
}

#[cfg(target_arch = "aarch64")]
fn native() -> Option<&'static [Action]> {
    std::arch::is_aarch64_feature_detected!("aes").then_some(native::ALL)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn native() -> Option<&'static [Action]> {
    None
}

/// One 64-bit half of a vector: the lower, or the upper if the bit is set.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const fn half(v: u128, bit: u8) -> u64 {
    (v >> (64 * (bit & 1))) as u64
}

#[cfg(target_arch = "x86_64")]
mod host {
    use super::half;
    use std::arch::x86_64::{
        __m128i, _mm_aesdec_si128, _mm_aesdeclast_si128, _mm_aesenc_si128, _mm_aesenclast_si128, _mm_aesimc_si128,
        _mm_aeskeygenassist_si128, _mm_clmulepi64_si128, _mm_cvtsi64_si128,
    };

    fn vector(v: u128) -> __m128i {
        // SAFETY: both are 16 bytes of which every pattern is valid.
        unsafe { std::mem::transmute(v) }
    }

    fn bits(v: __m128i) -> u128 {
        // SAFETY: both are 16 bytes of which every pattern is valid.
        unsafe { std::mem::transmute(v) }
    }

    #[target_feature(enable = "aes")]
    pub fn aesenc(a: u128, b: u128, _: u8) -> u128 {
        bits(_mm_aesenc_si128(vector(a), vector(b)))
    }

    #[target_feature(enable = "aes")]
    pub fn aesenclast(a: u128, b: u128, _: u8) -> u128 {
        bits(_mm_aesenclast_si128(vector(a), vector(b)))
    }

    #[target_feature(enable = "aes")]
    pub fn aesdec(a: u128, b: u128, _: u8) -> u128 {
        bits(_mm_aesdec_si128(vector(a), vector(b)))
    }

    #[target_feature(enable = "aes")]
    pub fn aesdeclast(a: u128, b: u128, _: u8) -> u128 {
        bits(_mm_aesdeclast_si128(vector(a), vector(b)))
    }

    #[target_feature(enable = "aes")]
    pub fn aesimc(_: u128, b: u128, _: u8) -> u128 {
        bits(_mm_aesimc_si128(vector(b)))
    }

    #[target_feature(enable = "aes")]
    pub fn aeskeygenassist(_: u128, b: u128, imm: u8) -> u128 {
        // The immediate byte is a constant of the host's instruction: exclusive or with it is what it does with lanes 1 and 3.
        let lanes = u128::from(imm) << 32 | u128::from(imm) << 96;
        bits(_mm_aeskeygenassist_si128::<0>(vector(b))) ^ lanes
    }

    #[target_feature(enable = "pclmulqdq")]
    pub fn pclmulqdq(a: u128, b: u128, imm: u8) -> u128 {
        let [a, b] = [half(a, imm), half(b, imm >> 4)].map(|h| _mm_cvtsi64_si128(h as i64));
        bits(_mm_clmulepi64_si128::<0>(a, b))
    }
}

#[cfg(target_arch = "aarch64")]
mod host {
    use super::{aes, half};
    use std::arch::aarch64::{uint8x16_t, vaesdq_u8, vaeseq_u8, vaesimcq_u8, vaesmcq_u8, vdupq_n_u8, vmull_p64};

    fn vector(v: u128) -> uint8x16_t {
        // SAFETY: both are 16 bytes of which every pattern is valid.
        unsafe { std::mem::transmute(v) }
    }

    fn bits(v: uint8x16_t) -> u128 {
        // SAFETY: both are 16 bytes of which every pattern is valid.
        unsafe { std::mem::transmute(v) }
    }

    // AESE and AESD add the round key first, AESENC and AESDEC last.

    #[target_feature(enable = "aes")]
    pub fn aesenc(a: u128, b: u128, _: u8) -> u128 {
        bits(vaesmcq_u8(vaeseq_u8(vector(a), vdupq_n_u8(0)))) ^ b
    }

    #[target_feature(enable = "aes")]
    pub fn aesenclast(a: u128, b: u128, _: u8) -> u128 {
        bits(vaeseq_u8(vector(a), vdupq_n_u8(0))) ^ b
    }

    #[target_feature(enable = "aes")]
    pub fn aesdec(a: u128, b: u128, _: u8) -> u128 {
        bits(vaesimcq_u8(vaesdq_u8(vector(a), vdupq_n_u8(0)))) ^ b
    }

    #[target_feature(enable = "aes")]
    pub fn aesdeclast(a: u128, b: u128, _: u8) -> u128 {
        bits(vaesdq_u8(vector(a), vdupq_n_u8(0))) ^ b
    }

    #[target_feature(enable = "aes")]
    pub fn aesimc(_: u128, b: u128, _: u8) -> u128 {
        bits(vaesimcq_u8(vector(b)))
    }

    /// Once for each round of a key: not worth more.
    pub fn aeskeygenassist(_: u128, b: u128, imm: u8) -> u128 {
        aes::aeskeygenassist(b, imm)
    }

    #[target_feature(enable = "aes")]
    pub fn pclmulqdq(a: u128, b: u128, imm: u8) -> u128 {
        vmull_p64(half(a, imm), half(b, imm >> 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_instructions_compute_what_the_interpreter_does() {
        let mut state = 1u128;
        let mut random = || {
            state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(1);
            state ^ state >> 64
        };
        if native().is_none() {
            eprintln!("skipped in part: the host has no instructions for AES");
        }
        for (n, op) in OPS.iter().enumerate() {
            for k in 0..2000 {
                let (a, b) = (random(), if k == 0 { 0 } else { random() });
                let imm = random() as u8;
                let run = |action: Action| {
                    let mut target = a.to_ne_bytes();
                    // SAFETY: two arrays of 16 bytes.
                    unsafe { action(target.as_mut_ptr(), b.to_ne_bytes().as_ptr(), imm.into()) };
                    u128::from_ne_bytes(target)
                };
                let expected = run(portable::ALL[n]);
                assert_eq!(run(action(n).unwrap()), expected, "{op:?} {a:#x} {b:#x} {imm:#x}");
            }
        }
        assert!(action(OPS.len()).is_none());
    }

    #[test]
    fn a_target_may_be_its_own_source() {
        let n = number(VecOp::Pclmulqdq).unwrap();
        let mut both = (7u128 << 64 | 5).to_ne_bytes();
        let at = both.as_mut_ptr();
        // SAFETY: an array of 16 bytes.
        unsafe { action(n).unwrap()(at, at, 0x10) };
        // 101b times 111b without carries.
        assert_eq!(u128::from_ne_bytes(both), 0b11011);
    }
}
