//! FNSTENV, FLDENV, FNSAVE, FRSTOR. SDM Vol. 1, "Saving the x87 FPU's Environment" with the figures of the four image
//! formats; Vol. 2, their entries.

use super::control::initialize;
use super::stack::{ea, sw};
use crate::cpu::Exception;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::F80;
use crate::isa::Insn;

/// The seven words of an environment, whatever their width in memory.
type Image = [u32; 7];

/// Which of the two layouts: with selectors, or with 20- and 32-bit linear pointers.
fn linear_pointers(x: &Exec) -> bool {
    x.st.real_segments()
}

/// The environment as `N`-byte words: 2 or 4.
fn image<const N: u32>(fpu: &Fpu, linear: bool) -> Image {
    let (cw, status, tag) = (fpu.control.into(), fpu.status().into(), fpu.tag_word().into());
    let opcode = u32::from(fpu.opcode & 0x7ff);
    if linear {
        let of = |selector: u16, off: u64| (u32::from(selector) << 4).wrapping_add(off as u32);
        let (ip, dp) = (of(fpu.cs, fpu.ip), of(fpu.ds, fpu.dp));
        // The upper part of a pointer is in bits 15:12 of the next word, or in bits 27:12.
        return match N {
            2 => [cw, status, tag, ip & 0xffff, ip >> 4 & 0xf000 | opcode, dp & 0xffff, dp >> 4 & 0xf000],
            _ => {
                let hi = |p: u32| p >> 4 & 0x0fff_f000;
                [ONES | cw, ONES | status, ONES | tag, ONES | ip & 0xffff, hi(ip) | opcode, ONES | dp & 0xffff, hi(dp)]
            }
        };
    }
    let (ip, dp, cs, ds) = (fpu.ip as u32, fpu.dp as u32, u32::from(fpu.cs), u32::from(fpu.ds));
    match N {
        2 => [cw, status, tag, ip & 0xffff, cs, dp & 0xffff, ds],
        _ => [ONES | cw, ONES | status, ONES | tag, ip, cs | opcode << 16, dp, ONES | ds],
    }
}

/// Reserved upper halves are stored as ones.
const ONES: u32 = 0xffff_0000;

/// Takes over an environment; ES and B follow from flags and masks.
fn take<const N: u32>(fpu: &mut Fpu, linear: bool, m: &Image) {
    let [cw, status, tag, ip, cs, dp, ds] = *m;
    fpu.set_status(status as u16);
    fpu.set_tag_word(tag as u16);
    fpu.set_control(cw as u16);
    fpu.opcode = match (linear, N) {
        (true, _) => cs as u16 & 0x7ff,
        (false, 4) => (cs >> 16) as u16 & 0x7ff,
        (false, _) => 0, // not in this format
    };
    if linear {
        let upper = if N == 2 { 0xf000 } else { 0x0fff_f000 };
        let pointer = |lo: u32, hi: u32| u64::from(lo & 0xffff | (hi & upper) << 4);
        (fpu.ip, fpu.cs, fpu.dp, fpu.ds) = (pointer(ip, cs), 0, pointer(dp, ds), 0);
    } else {
        (fpu.ip, fpu.cs, fpu.dp, fpu.ds) = (ip.into(), cs as u16, dp.into(), ds as u16);
    }
}

/// Reads a word of `N` bytes.
fn read_word<const N: u32>(x: &mut Exec, i: &Insn, off: u64) -> Result<u32, Exception> {
    Ok(match N {
        2 => x.read::<16>(i.seg, off)?,
        _ => x.read::<32>(i.seg, off)?,
    } as u32)
}

fn write_word<const N: u32>(x: &mut Exec, i: &Insn, off: u64, v: u32) -> Result<(), Exception> {
    match N {
        2 => x.write::<16>(i.seg, off, v.into()),
        _ => x.write::<32>(i.seg, off, v.into()),
    }
}

fn read_image<const N: u32>(x: &mut Exec, i: &Insn, off: u64) -> Result<Image, Exception> {
    let mut m = [0; 7];
    let mut at = off;
    for word in &mut m {
        *word = read_word::<N>(x, i, at)?;
        at = at.wrapping_add(N.into());
    }
    Ok(m)
}

/// The image is writable from end to end: it spans at most two pages, so its ends tell.
fn probe(x: &mut Exec, i: &Insn, off: u64, bytes: u64) -> Result<(), Exception> {
    x.read_rmw::<8>(i.seg, off)?;
    x.read_rmw::<8>(i.seg, off.wrapping_add(bytes - 1))?;
    Ok(())
}

fn write_image<const N: u32>(x: &mut Exec, i: &Insn, off: u64, m: &Image) -> Result<(), Exception> {
    let mut at = off;
    for word in m {
        write_word::<N>(x, i, at, *word)?;
        at = at.wrapping_add(N.into());
    }
    Ok(())
}

fn fnstenv<const N: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    let off = ea(x, i);
    let m = image::<N>(&x.st.fpu, linear_pointers(x));
    probe(x, i, off, 7 * u64::from(N))?;
    write_image::<N>(x, i, off, &m)?;
    let fpu = &mut x.st.fpu;
    fpu.set_control(fpu.control | sw::EXCEPTIONS);
    x.attention = true; // FERR# may fall
    Ok(())
}

fn fldenv<const N: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let m = read_image::<N>(x, i, off)?;
    let linear = linear_pointers(x);
    take::<N>(&mut x.st.fpu, linear, &m);
    Ok(())
}

fn fnsave<const N: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    let off = ea(x, i);
    let m = image::<N>(&x.st.fpu, linear_pointers(x));
    let head = 7 * u64::from(N);
    probe(x, i, off, head + 80)?;
    write_image::<N>(x, i, off, &m)?;
    let mut at = off.wrapping_add(head);
    for n in 0..8 {
        let v = x.st.fpu.reg(x.st.fpu.phys(n));
        x.write::<64>(i.seg, at, v.sig)?;
        x.write::<16>(i.seg, at.wrapping_add(8), v.se.into())?;
        at = at.wrapping_add(10);
    }
    initialize(&mut x.st.fpu);
    x.attention = true; // FERR# may fall
    Ok(())
}

fn frstor<const N: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let m = read_image::<N>(x, i, off)?;
    let mut regs = [F80::ZERO; 8];
    let mut at = off.wrapping_add(7 * u64::from(N));
    for r in &mut regs {
        *r = super::stack::read80(x, i, at)?;
        at = at.wrapping_add(10);
    }
    let linear = linear_pointers(x);
    let fpu = &mut x.st.fpu;
    take::<N>(fpu, linear, &m);
    let valid = fpu.valid;
    for (n, r) in (0..8).zip(regs) {
        fpu.set_reg(fpu.phys(n), r);
    }
    fpu.valid = valid;
    Ok(())
}

macro_rules! widths {
    ($($(#[$doc:meta])* $name:ident = $f:ident, $n:literal;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
                $f::<$n>(x, i)
            }
        )*
    };
}

widths! {
    /// FNSTENV m14byte.
    fnstenv_14 = fnstenv, 2;
    /// FNSTENV m28byte.
    fnstenv_28 = fnstenv, 4;
    /// FLDENV m14byte.
    fldenv_14 = fldenv, 2;
    /// FLDENV m28byte.
    fldenv_28 = fldenv, 4;
    /// FNSAVE m94byte.
    fnsave_94 = fnsave, 2;
    /// FNSAVE m108byte.
    fnsave_108 = fnsave, 4;
    /// FRSTOR m94byte.
    frstor_94 = frstor, 2;
    /// FRSTOR m108byte.
    frstor_108 = frstor, 4;
}
