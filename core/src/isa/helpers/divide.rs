//! DIV IDIV AAM. SDM Vol. 2A.
//!
//! DIV and IDIV leave all flags undefined; Ferrite leaves them as they were. AAM clears `Cf Of Af`.

use crate::cpu::Exception;
use crate::cpu::state::{RAX, RDX};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::insn::HIGH;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

const fn low_bits(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// DIV.
///
/// # Errors
/// `#DE` for a divisor of 0 or a quotient that does not fit; a fault of the access.
#[inline(always)]
pub fn div<const B: u32, S: Place>(x: &mut Exec, i: &Insn) -> R {
    let d = S::get::<Exec, B>(x, i)?;
    if d == 0 {
        return Err(Exception::DE);
    }
    let (q, r) = if B == 8 {
        let n = Ops::get::<16>(x, RAX);
        (n / d, n % d)
    } else {
        let lo = Ops::get::<B>(x, RAX);
        let hi = Ops::get::<B>(x, RDX);
        if hi == 0 {
            (lo / d, lo % d)
        } else if hi >= d {
            return Err(Exception::DE); // also what keeps the 64-bit quotient in 64 bits
        } else if B == 64 {
            let n = u128::from(hi) << 64 | u128::from(lo);
            ((n / u128::from(d)) as u64, (n % u128::from(d)) as u64)
        } else {
            let n = hi << (B & 63) | lo;
            (n / d, n % d)
        }
    };
    if q > low_bits(B) {
        return Err(Exception::DE);
    }
    put::<B>(x, q, r);
    Ok(())
}

/// IDIV.
///
/// # Errors
/// `#DE` for a divisor of 0 or a quotient that does not fit; a fault of the access.
#[inline(always)]
pub fn idiv<const B: u32, S: Place>(x: &mut Exec, i: &Insn) -> R {
    let d = S::get::<Exec, B>(x, i)?;
    let (q, r) = quotient::<B>(x, d)?;
    put::<B>(x, q as u64, r as u64);
    Ok(())
}

/// The signed quotient and remainder of AX, or rDX:rAX, by `d` (zero-extended).
///
/// # Errors
/// `#DE`.
#[inline(always)]
pub fn quotient<const B: u32>(x: &mut Exec, d: u64) -> Result<(i64, i64), Exception> {
    let d = Ops::sext::<B>(x, d) as i64;
    if d == 0 {
        return Err(Exception::DE);
    }
    if B == 64 {
        let (lo, hi) = (x.reg(RAX), x.reg(RDX));
        // Almost always the dividend is a sign-extended 64-bit number.
        if hi as i64 == lo as i64 >> 63 {
            let lo = lo as i64;
            return lo.checked_div(d).zip(lo.checked_rem(d)).ok_or(Exception::DE);
        }
        let n = (u128::from(hi) << 64 | u128::from(lo)) as i128;
        let q = n.checked_div(i128::from(d)).ok_or(Exception::DE)?;
        let r = n.checked_rem(i128::from(d)).ok_or(Exception::DE)?;
        return i64::try_from(q).map(|q| (q, r as i64)).map_err(|_| Exception::DE);
    }
    let n = if B == 8 {
        let ax = x.reg(RAX);
        Ops::sext::<16>(x, ax) as i64
    } else {
        let lo = Ops::get::<B>(x, RAX);
        let hi = Ops::get::<B>(x, RDX);
        let n = hi << (B & 63) | lo;
        if B == 16 { i64::from(n as i32) } else { n as i64 }
    };
    let (Some(q), Some(r)) = (n.checked_div(d), n.checked_rem(d)) else { return Err(Exception::DE) };
    if Ops::sext::<B>(x, q as u64) as i64 != q {
        return Err(Exception::DE);
    }
    Ok((q, r))
}

/// Writes quotient and remainder.
#[inline(always)]
pub fn put<const B: u32>(x: &mut Exec, q: u64, r: u64) {
    Ops::put::<B>(x, RAX, q);
    Ops::put::<B>(x, if B == 8 { RAX | HIGH } else { RDX }, r);
}

/// AAM.
///
/// # Errors
/// `#DE` for a base of 0.
pub fn aam(x: &mut Exec, i: &Insn) -> R {
    let al = Ops::get::<8>(x, RAX);
    let base = i.imm & 0xff;
    if base == 0 {
        return Err(Exception::DE);
    }
    let low = al % base;
    Ops::put::<16>(x, RAX, ((al / base) << 8) | low);
    x.flags_logic::<8>(low);
    Ok(())
}
