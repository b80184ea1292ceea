//! Values from values: arithmetic, shifts, comparisons, choices.
//!
//! Where nobody asks for more than the low 32 bits of a result, it is computed in 32, and what the register has above them is said by
//! the width that goes with it (see [`Is::In`]). A comparison is only noted: it is carried out where its outcome is needed.

use super::super::asm::{Alu, At, BELOW, Count, EQUAL, LESS, RAX, RCX, RDX, Shift, at};
use super::super::trace::{Trace, V};
use super::{Emit, Is, R, Test, TooMuch, imm32};
use crate::value::{Bin, Un};
use cranelift_codegen::ir::condcodes::IntCC;

impl Emit {
    pub(super) fn unary(&mut self, t: &Trace, v: V, op: Un, a: V) -> R<()> {
        let wide = self.wide[usize::from(v.0)];
        let width = t.width(v).min(64) as u8;
        if op == Un::Zext(32) || (op == Un::Sext(32) && !wide) {
            // What is asked for is there already, but perhaps for the bits above: who minds them, cuts them off.
            let h = self.host(a)?;
            let Is::In(_, w) = self.is(a) else { return Err(TooMuch) };
            self.release(a);
            self.define(v, Is::In(h, w));
            return Ok(());
        }
        let h = match op {
            Un::Not if !wide => self.host(a)?,
            Un::Zext(_) | Un::Sext(_) => self.host(a)?,
            Un::Not => self.whole(t, a)?,
            Un::Bswap => self.whole(t, a)?,
            Un::Clz | Un::Ctz | Un::Popcnt if !self.counts => return Err(TooMuch),
            Un::Clz | Un::Ctz | Un::Popcnt => self.whole(t, a)?,
        };
        let d = self.dest(a)?;
        let mut width = width;
        match op {
            Un::Clz => self.asm.count(Count::Leading, d, h),
            Un::Ctz => self.asm.count(Count::Trailing, d, h),
            Un::Popcnt => self.asm.count(Count::Ones, d, h),
            Un::Zext(bits) => self.asm.movzx(bits, d, h),
            Un::Sext(bits) => {
                self.asm.movsx(wide, bits, d, h);
                width = if wide { 64 } else { 32 };
            }
            Un::Not => {
                if d != h {
                    self.asm.mov(wide, d, h);
                }
                self.asm.not(wide, d);
                width = if wide { 64 } else { 32 };
            }
            _ => {
                if d != h {
                    self.asm.mov(true, d, h);
                }
                self.asm.bswap64(d);
                width = 64;
            }
        }
        self.release(a);
        self.define(v, Is::In(d, width));
        Ok(())
    }

    /// The upper 64 bits of a product.
    fn upper_product(&mut self, t: &Trace, v: V, signed: bool, a: V, b: V) -> R<()> {
        let (ha, hb) = (self.whole(t, a)?, self.whole(t, b)?);
        let d = self.alloc()?;
        // The host has them in a register that a draft keeps something in.
        self.asm.mov(true, RCX, RDX);
        self.asm.mov(true, RAX, ha);
        self.asm.mul(signed, hb);
        self.asm.mov(true, d, RDX);
        self.asm.mov(true, RDX, RCX);
        self.release(a);
        self.release(b);
        self.define(v, Is::In(d, 64));
        Ok(())
    }

    pub(super) fn binary(&mut self, t: &Trace, v: V, op: Bin, a: V, b: V) -> R<()> {
        if matches!(op, Bin::Umulh | Bin::Smulh) {
            return self.upper_product(t, v, op == Bin::Smulh, a, b);
        }
        // What is shifted right needs the bits that come down.
        let right = matches!(op, Bin::Shr | Bin::Sar);
        let wide = self.wide[usize::from(v.0)] || right && !(op == Bin::Shr && t.width(a) <= 32);
        let width = if wide { t.width(v) as u8 } else { (t.width(v) as u8).min(32) };
        let ha = if wide { self.whole(t, a)? } else { self.host(a)? };
        if matches!(op, Bin::Shl | Bin::Shr | Bin::Sar) {
            let shift = match op {
                Bin::Shl => Shift::Shl,
                Bin::Shr => Shift::Shr,
                _ => Shift::Sar,
            };
            // Counts of 32 and more make no sense to the host for fewer than 64 bits.
            let n = self.imm_of(b).map(|n| (n & 63) as u8);
            let wide = wide || n.is_none_or(|n| n >= 32);
            let ha = if wide { self.whole(t, a)? } else { ha };
            let hb = if n.is_none() { Some(self.host(b)?) } else { None };
            let d = self.dest(a)?;
            if let Some(hb) = hb {
                self.asm.mov(false, RCX, hb);
            }
            if d != ha {
                self.asm.mov(wide, d, ha);
            }
            match n {
                Some(n) => self.asm.shift_imm(shift, wide, d, n),
                None => self.asm.shift(shift, wide, d),
            }
            self.release(a);
            self.release(b);
            let width = if wide { t.width(v) as u8 } else { width };
            self.define(v, Is::In(d, width));
            return Ok(());
        }
        let imm = self.imm_of(b).and_then(|n| imm32(n, wide)).filter(|_| op != Bin::Mul);
        let hb = match imm {
            Some(_) => None,
            None => Some(if wide { self.whole(t, b)? } else { self.host(b)? }),
        };
        let d = self.dest(a)?;
        let alu = match op {
            Bin::Add => Some(Alu::Add),
            Bin::Sub => Some(Alu::Sub),
            Bin::And => Some(Alu::And),
            Bin::Or => Some(Alu::Or),
            Bin::Xor => Some(Alu::Xor),
            _ => None,
        };
        match (alu, imm, hb) {
            (Some(Alu::Add), Some(n), _) if d != ha => self.asm.lea(wide, d, at(ha, n)),
            (Some(Alu::Add), _, Some(hb)) if d != ha => {
                self.asm.lea(wide, d, At { base: ha, index: Some(hb), disp: 0 });
            }
            (Some(alu), Some(n), _) => {
                if d != ha {
                    self.asm.mov(wide, d, ha);
                }
                self.asm.alu_imm(alu, wide, d, n);
            }
            (alu, _, Some(hb)) => {
                if d != ha {
                    self.asm.mov(wide, d, ha);
                }
                match alu {
                    Some(alu) => self.asm.alu(alu, wide, d, hb),
                    None => self.asm.imul(wide, d, hb),
                }
            }
            _ => return Err(TooMuch),
        }
        self.release(a);
        self.release(b);
        self.define(v, Is::In(d, width));
        Ok(())
    }

    pub(super) fn compare(&mut self, t: &Trace, v: V, cc: IntCC, a: V, b: V) -> R<()> {
        let cc = match cc {
            IntCC::Equal => EQUAL,
            IntCC::UnsignedLessThan => BELOW,
            _ => LESS,
        };
        let ha = self.whole(t, a)?;
        let is = match self.imm_of(b).and_then(|n| imm32(n, true)) {
            Some(n) => Is::Outcome(cc, Test::CmpImm(64, ha, n)),
            None => {
                let hb = self.whole(t, b)?;
                Is::Outcome(cc, Test::Cmp(64, ha, hb))
            }
        };
        self.define(v, is);
        self.release(a);
        self.release(b);
        Ok(())
    }

    pub(super) fn select(&mut self, t: &Trace, v: V, [c, a, b]: [V; 3]) -> R<()> {
        let wide = self.wide[usize::from(v.0)];
        let (ha, hb) = if wide { (self.whole(t, a)?, self.whole(t, b)?) } else { (self.host(a)?, self.host(b)?) };
        let d = self.alloc()?;
        self.asm.mov(wide, d, hb);
        let cc = self.outcome(t, c)?;
        self.asm.cmov(cc, wide, d, ha);
        let width = if wide { t.width(v) as u8 } else { 32 };
        for v in [c, a, b] {
            self.release(v);
        }
        self.define(v, Is::In(d, width));
        Ok(())
    }
}
