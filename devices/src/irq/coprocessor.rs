//! The AT's coprocessor error: FERR# becomes IRQ 13, and port F0h answers it.
//!
//! Documents: PC/AT Technical Reference, "Math Coprocessor"; 82371SB (PIIX3) data sheet (290550), "Coprocessor Error
//! Function", "CERR—Coprocessor Error Register".
//!
//! FERR# sets a latch, which is IRQ 13 until F0h is written. That write asserts IGNNE# if FERR# still is, until FERR# falls: a
//! handler may then run waiting instructions with the error pending.
//!
//! *Not modelled:* the reset of an 80287 by a write to F1h: the processor's FPU has no pin for it.

use ferrite_core::device::{Cx, Device, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// FERR#, an input.
pub const FERR: Pin = Pin(0);
/// The interrupt.
pub const IRQ13: Pin = Pin(0);
/// IGNNE# of the processor.
pub const IGNNE: Pin = Pin(1);

/// CERR, port F0h.
const CERR: Offset = Offset(0);

/// The latch.
#[derive(Default)]
pub struct CoprocessorError {
    ferr: bool,
    latch: bool,
    ignne: bool,
}

impl CoprocessorError {
    fn update(&self, cx: &mut Cx<'_>) {
        cx.set(IRQ13, self.latch);
        cx.set(IGNNE, self.ignne);
    }
}

impl Device for CoprocessorError {
    fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        u64::MAX
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, _: u64) {
        if at == CERR {
            self.latch = false;
            self.ignne = self.ferr;
            self.update(cx);
        }
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        if pin != FERR || level == self.ferr {
            return;
        }
        self.ferr = level;
        if level {
            self.latch = true;
        } else {
            self.ignne = false;
        }
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        (self.latch, self.ignne) = (false, false);
        self.update(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct CoprocessorErrorV1 {
    ferr: bool,
    latch: bool,
    ignne: bool,
}

impl Snapshot for CoprocessorError {
    const KIND: &'static str = "coprocessor-error";
    const VERSION: u32 = 1;
    type State = CoprocessorErrorV1;

    fn save(&self) -> CoprocessorErrorV1 {
        let CoprocessorError { ferr, latch, ignne } = *self;
        CoprocessorErrorV1 { ferr, latch, ignne }
    }

    fn load(&mut self, s: CoprocessorErrorV1) -> Result<(), LoadError> {
        let CoprocessorErrorV1 { ferr, latch, ignne } = s;
        if ignne && !ferr {
            return Err(LoadError::Invalid { field: "ignne", value: 1 });
        }
        *self = CoprocessorError { ferr, latch, ignne };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    #[test]
    fn an_error_interrupts_until_f0_is_written_and_is_ignored_until_it_is_cleared() {
        let mut latch = Rig::new(CoprocessorError::default());
        latch.write(CERR, 0);
        assert!(!latch.level(IGNNE), "without an error there is nothing to ignore");
        latch.drive(FERR, true);
        assert!(latch.level(IRQ13) && !latch.level(IGNNE));
        latch.write(CERR, 0);
        assert!(!latch.level(IRQ13) && latch.level(IGNNE));
        latch.drive(FERR, false);
        assert!(!latch.level(IGNNE));
    }

    #[test]
    fn the_interrupt_outlives_the_error() {
        let mut latch = Rig::new(CoprocessorError::default());
        latch.drive(FERR, true);
        latch.drive(FERR, false);
        assert!(latch.level(IRQ13));
        latch.write(CERR, 0);
        assert!(!latch.level(IRQ13) && !latch.level(IGNNE));
    }
}
