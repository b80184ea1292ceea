//! 8259A programmable interrupt controller.
//!
//! Documents: Intel 8259A data sheet (231468), "Interrupt Sequence", "Initialization Command Words",
//! "Operation Command Words", "Edge and Level Triggered Modes"; for the edge/level control register:
//! 82371SB (PIIX3) data sheet (290550), "ELCR1/ELCR2—Edge/Level Control Register".
//!
//! *Not modelled:* MCS-80/85 mode (ICW4 bit 0 clear: the CALL sequence), buffered mode's pin, the slave
//! program output.

use ferrite_core::device::{Cx, Device, Inta, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// A0 = 0: ICW1, OCW2, OCW3; reads IRR, ISR or the poll byte.
pub const COMMAND: Offset = Offset(0);
/// A0 = 1: ICW2-4, OCW1; reads the mask.
pub const DATA: Offset = Offset(1);
/// The edge/level control register of this half. A PIIX3 register, but it steers these inputs.
pub const ELCR: Offset = Offset(2);

/// Interrupt request to the processor or to the master.
pub const INT: Pin = Pin(0);

/// Request input `n`, 0 to 7.
pub const fn ir(n: u8) -> Pin {
    Pin(n)
}

/// A write to A0 = 0, told apart by bits 4:3. 8259A data sheet, "ICWs" and "OCWs".
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Icw1 { ic4: bool, sngl: bool, ltim: bool },
    Ocw2 { r: bool, sl: bool, eoi: bool, level: u8 },
    Ocw3 { smm: Option<bool>, poll: bool, read_isr: Option<bool> },
}

impl From<u8> for Command {
    fn from(d: u8) -> Self {
        let bit = |n: u8| d >> n & 1 != 0;
        match (bit(4), bit(3)) {
            (true, _) => Self::Icw1 { ic4: bit(0), sngl: bit(1), ltim: bit(3) },
            (false, false) => Self::Ocw2 { r: bit(7), sl: bit(6), eoi: bit(5), level: d & 7 },
            (false, true) => {
                Self::Ocw3 { smm: bit(6).then_some(bit(5)), poll: bit(2), read_isr: bit(1).then_some(bit(0)) }
            }
        }
    }
}

/// Which initialization word comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Init {
    #[default]
    Ready,
    Icw2,
    Icw3,
    Icw4,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Regs {
    irr: u8,
    isr: u8,
    imr: u8,
    /// T7-T3 of the vector.
    base: u8,
    init: Init,
    /// ICW1 bits kept for the rest of the sequence.
    ic4: bool,
    sngl: bool,
    /// LTIM: all inputs are level triggered.
    ltim: bool,
    /// ICW3: inputs with a slave (master), or the identity (slave).
    icw3: u8,
    /// AEOI.
    aeoi: bool,
    /// SFNM: special fully nested mode.
    sfnm: bool,
    /// Special mask mode.
    smm: bool,
    /// Rotate in automatic EOI mode.
    rotate_aeoi: bool,
    /// The input with the lowest priority.
    lowest: u8,
    /// The next read of A0 = 0 is a poll.
    poll: bool,
    /// Reads of A0 = 0 give ISR rather than IRR.
    read_isr: bool,
    elcr: u8,
    /// Levels on the inputs.
    lines: u8,
}

/// One 8259A. The board wires two of them; this type knows no port, IRQ number or peer.
pub struct Pic {
    regs: Regs,
    /// SP/EN strapped: this one is the master. Chosen by the board.
    master: bool,
    /// ELCR bits that can be set. Chosen by the board.
    elcr_mask: u8,
}

impl Pic {
    /// A master; `elcr_mask` has the inputs that ELCR can make level triggered.
    pub fn master(elcr_mask: u8) -> Pic {
        Pic { regs: Regs { lowest: 7, ..Regs::default() }, master: true, elcr_mask }
    }

    /// A slave.
    pub fn slave(elcr_mask: u8) -> Pic {
        Pic { master: false, ..Pic::master(elcr_mask) }
    }

    fn level_triggered(&self) -> u8 {
        if self.regs.ltim { 0xff } else { self.regs.elcr }
    }

    /// The highest priority set bit of `bits`.
    fn first(&self, bits: u8) -> Option<u8> {
        (1..=8).map(|i| (self.regs.lowest + i) & 7).find(|n| bits >> n & 1 != 0)
    }

    /// Distance from the top of the priority order.
    fn rank(&self, n: u8) -> u8 {
        n.wrapping_sub(self.regs.lowest + 1) & 7
    }

    /// The request that would be acknowledged now. "Fully Nested Mode", "Special Mask Mode",
    /// "The Special Fully Nested Mode".
    fn pending(&self) -> Option<u8> {
        let r = &self.regs;
        if r.init != Init::Ready {
            return None;
        }
        let n = self.first(r.irr & !r.imr)?;
        if r.smm {
            // A masked level in service inhibits no other level, only itself.
            return self
                .first(r.irr & !r.imr & !r.isr)
                .filter(|n| self.first(r.isr & !r.imr).is_none_or(|s| self.rank(*n) < self.rank(s)));
        }
        let limit = self.first(r.isr).map_or(8, |s| self.rank(s));
        let same_slave = r.sfnm && self.master && r.icw3 >> n & 1 != 0 && self.rank(n) == limit;
        (self.rank(n) < limit || same_slave).then_some(n)
    }

    fn update(&mut self, cx: &mut Cx<'_>) {
        cx.set(INT, self.pending().is_some());
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Icw1 { ic4, sngl, ltim } => self.start_init(ic4, sngl, ltim),
            Command::Ocw2 { r, sl, eoi, level } => self.ocw2(r, sl, eoi, level),
            Command::Ocw3 { smm, poll, read_isr } => {
                let r = &mut self.regs;
                r.smm = smm.unwrap_or(r.smm);
                r.poll = poll;
                r.read_isr = read_isr.unwrap_or(r.read_isr);
            }
        }
    }

    /// "Initialization Command Word 1": what happens automatically.
    fn start_init(&mut self, ic4: bool, sngl: bool, ltim: bool) {
        let Regs { elcr, lines, base, icw3, .. } = self.regs;
        self.regs = Regs {
            init: Init::Icw2,
            ic4,
            sngl,
            ltim,
            lowest: 7,
            // "The edge sense circuit is reset": an input needs a new low-to-high transition.
            irr: if ltim { lines } else { lines & elcr },
            elcr,
            lines,
            base,
            icw3,
            ..Regs::default()
        };
    }

    fn ocw2(&mut self, rotate: bool, specific: bool, eoi: bool, level: u8) {
        match (rotate, specific, eoi) {
            (false, true, false) => {}                       // "No operation"
            (true, true, false) => self.regs.lowest = level, // set priority
            (on, false, false) => self.regs.rotate_aeoi = on,
            (rotate, specific, true) => {
                let in_service = self.regs.isr & if self.regs.smm { !self.regs.imr } else { 0xff };
                let ended = if specific { Some(level) } else { self.first(in_service) };
                if let Some(n) = ended {
                    self.regs.isr &= !(1 << n);
                    if rotate {
                        self.regs.lowest = n;
                    }
                }
            }
        }
    }

    /// ISR set, edge latch cleared: the first INTA pulse, or a poll.
    fn serve(&mut self, n: u8) {
        let bit = 1 << n;
        if self.level_triggered() & bit == 0 {
            self.regs.irr &= !bit;
        }
        if !self.regs.aeoi {
            self.regs.isr |= bit;
        } else if self.regs.rotate_aeoi {
            self.regs.lowest = n;
        }
    }

    fn poll(&mut self) -> u8 {
        self.regs.poll = false;
        match self.pending() {
            Some(n) => {
                self.serve(n);
                0x80 | n
            }
            None => 7, // "I = 0": the lower bits are those of a spurious request
        }
    }
}

impl Device for Pic {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        let value = match at {
            // "The 8259A treats the next RD pulse as an interrupt acknowledge", whatever A0 is.
            COMMAND | DATA if self.regs.poll => self.poll(),
            COMMAND if self.regs.read_isr => self.regs.isr,
            COMMAND => self.regs.irr,
            DATA => self.regs.imr,
            ELCR => self.regs.elcr,
            _ => {
                cx.unimplemented("8259: read of a register it lacks", at);
                0xff
            }
        };
        self.update(cx);
        value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let val = val as u8;
        let r = &mut self.regs;
        match (at, r.init) {
            (COMMAND, _) => self.command(Command::from(val)),
            (DATA, Init::Ready) => r.imr = val, // OCW1
            (DATA, Init::Icw2) => {
                r.base = val & !7;
                r.init = match (r.sngl, r.ic4) {
                    (false, _) => Init::Icw3,
                    (true, true) => Init::Icw4,
                    (true, false) => Init::Ready,
                };
            }
            (DATA, Init::Icw3) => {
                r.icw3 = if self.master { val } else { val & 7 };
                r.init = if r.ic4 { Init::Icw4 } else { Init::Ready };
            }
            (DATA, Init::Icw4) => {
                r.aeoi = val & 2 != 0;
                r.sfnm = val & 0x10 != 0;
                r.init = Init::Ready;
                if val & 1 == 0 {
                    cx.unimplemented("8259: MCS-80/85 mode", at);
                }
            }
            (ELCR, _) => {
                r.elcr = val & self.elcr_mask;
                r.irr = r.irr & !r.elcr | r.lines & r.elcr;
            }
            _ => cx.unimplemented("8259: write to a register it lacks", at),
        }
        self.update(cx);
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        let Some(bit) = 1u8.checked_shl(pin.0.into()) else { return };
        let rising = level && self.regs.lines & bit == 0;
        if level {
            self.regs.lines |= bit;
        } else {
            self.regs.lines &= !bit;
        }
        // A request must stay high until it is acknowledged, in either mode: the latch of an
        // edge falls with the line. "Edge and Level Triggered Modes".
        if !level {
            self.regs.irr &= !bit;
        } else if rising || self.level_triggered() & bit != 0 {
            self.regs.irr |= bit;
        }
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        // The chip has no reset pin; the levels on the inputs are the other devices' to change.
        self.regs = Regs { lowest: 7, lines: self.regs.lines, ..Regs::default() };
        self.update(cx);
    }

    fn acknowledge(&mut self, cx: &mut Cx<'_>, cascade: Option<u8>) -> Inta {
        match cascade {
            None if !self.master => return Inta::Silent,
            Some(id) if self.master || id != self.regs.icw3 & 7 => return Inta::Silent,
            _ => {}
        }
        let served = self.pending();
        if let Some(n) = served {
            self.serve(n);
        }
        self.update(cx);
        match served {
            Some(n) if self.master && !self.regs.sngl && self.regs.icw3 >> n & 1 != 0 => Inta::Cascade(n),
            Some(n) => Inta::Vector(self.regs.base | n),
            // The request went away: "a default IR7", which sets no ISR bit.
            None => Inta::Vector(self.regs.base | 7),
        }
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct PicV1 {
    irr: u8,
    isr: u8,
    imr: u8,
    base: u8,
    init: Init,
    ic4: bool,
    sngl: bool,
    ltim: bool,
    icw3: u8,
    aeoi: bool,
    sfnm: bool,
    smm: bool,
    rotate_aeoi: bool,
    lowest: u8,
    poll: bool,
    read_isr: bool,
    elcr: u8,
    lines: u8,
}

impl Snapshot for Pic {
    const KIND: &'static str = "i8259";
    const VERSION: u32 = 1;
    type State = PicV1;

    fn save(&self) -> PicV1 {
        let Pic { regs, master: _, elcr_mask: _ } = self; // straps belong to the board
        let Regs {
            irr,
            isr,
            imr,
            base,
            init,
            ic4,
            sngl,
            ltim,
            icw3,
            aeoi,
            sfnm,
            smm,
            rotate_aeoi,
            lowest,
            poll,
            read_isr,
            elcr,
            lines,
        } = *regs;
        PicV1 {
            irr,
            isr,
            imr,
            base,
            init,
            ic4,
            sngl,
            ltim,
            icw3,
            aeoi,
            sfnm,
            smm,
            rotate_aeoi,
            lowest,
            poll,
            read_isr,
            elcr,
            lines,
        }
    }

    fn load(&mut self, s: PicV1) -> Result<(), LoadError> {
        let PicV1 {
            irr,
            isr,
            imr,
            base,
            init,
            ic4,
            sngl,
            ltim,
            icw3,
            aeoi,
            sfnm,
            smm,
            rotate_aeoi,
            lowest,
            poll,
            read_isr,
            elcr,
            lines,
        } = s;
        if base & 7 != 0 {
            return Err(LoadError::Invalid { field: "base", value: base.into() });
        }
        if lowest > 7 {
            return Err(LoadError::Invalid { field: "lowest", value: lowest.into() });
        }
        if elcr & !self.elcr_mask != 0 {
            return Err(LoadError::Invalid { field: "elcr", value: elcr.into() });
        }
        self.regs = Regs {
            irr,
            isr,
            imr,
            base,
            init,
            ic4,
            sngl,
            ltim,
            icw3,
            aeoi,
            sfnm,
            smm,
            rotate_aeoi,
            lowest,
            poll,
            read_isr,
            elcr,
            lines,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    const NONSPECIFIC_EOI: u8 = 0x20;

    fn ready_with(icw1: u8, icw4: u8) -> Rig<Pic> {
        let mut pic = Rig::new(Pic::master(0xf8));
        pic.write(COMMAND, icw1);
        pic.write(DATA, 0x30);
        if icw1 & 2 == 0 {
            pic.write(DATA, 0x04);
        }
        pic.write(DATA, icw4);
        pic
    }

    fn ready() -> Rig<Pic> {
        ready_with(0x11, 0x01)
    }

    fn ack(pic: &mut Rig<Pic>) -> Inta {
        pic.with(|d, cx| d.acknowledge(cx, None))
    }

    #[test]
    fn a_lower_priority_request_waits_for_eoi() {
        let mut pic = ready();
        pic.drive(ir(3), true);
        assert_eq!(ack(&mut pic), Inta::Vector(0x33));

        pic.drive(ir(5), true);
        assert!(!pic.level(INT), "IR5 must not pre-empt IR3 in service");
        pic.drive(ir(1), true);
        assert!(pic.level(INT), "IR1 may");
        assert_eq!(ack(&mut pic), Inta::Vector(0x31));

        pic.write(COMMAND, NONSPECIFIC_EOI);
        assert!(!pic.level(INT), "the EOI ended IR1; IR3 is still in service");
        pic.write(COMMAND, NONSPECIFIC_EOI);
        assert!(pic.level(INT));
    }

    #[test]
    fn an_edge_is_taken_once_and_a_level_again_after_eoi() {
        let mut pic = ready();
        pic.write(ELCR, 1 << 5);
        for n in [4, 5] {
            pic.drive(ir(n), true);
            assert_eq!(ack(&mut pic), Inta::Vector(0x30 | n));
            pic.write(COMMAND, NONSPECIFIC_EOI);
            assert_eq!(pic.level(INT), n == 5);
        }
    }

    #[test]
    fn a_request_that_goes_away_is_a_spurious_ir7_without_isr() {
        let mut pic = ready();
        pic.drive(ir(3), true);
        pic.drive(ir(3), false);
        assert!(!pic.level(INT));
        assert_eq!(ack(&mut pic), Inta::Vector(0x37));
        pic.write(COMMAND, 0x0b);
        assert_eq!(pic.read(COMMAND), 0);
    }

    #[test]
    fn a_masked_request_is_remembered() {
        let mut pic = ready();
        pic.write(DATA, 0x08);
        pic.drive(ir(3), true);
        assert!(!pic.level(INT));
        assert_eq!(pic.read(COMMAND), 0x08, "IRR shows it");
        pic.write(DATA, 0);
        assert!(pic.level(INT));
    }

    #[test]
    fn automatic_eoi_leaves_nothing_in_service() {
        let mut pic = ready_with(0x11, 0x03);
        pic.drive(ir(3), true);
        assert_eq!(ack(&mut pic), Inta::Vector(0x33));
        pic.drive(ir(6), true);
        assert!(pic.level(INT));
    }

    #[test]
    fn rotation_gives_the_served_input_the_lowest_priority() {
        let mut pic = ready();
        pic.drive(ir(3), true);
        ack(&mut pic);
        pic.write(COMMAND, 0xa0); // rotate on non-specific EOI
        pic.drive(ir(3), false);
        pic.drive(ir(3), true);
        pic.drive(ir(4), true);
        assert_eq!(ack(&mut pic), Inta::Vector(0x34), "IR4 comes before IR3 now");
    }

    #[test]
    fn set_priority_makes_the_next_input_the_highest() {
        let mut pic = ready();
        pic.write(COMMAND, 0xc4); // IR4 lowest
        pic.drive(ir(0), true);
        pic.drive(ir(5), true);
        assert_eq!(ack(&mut pic), Inta::Vector(0x35));
    }

    #[test]
    fn special_mask_mode_lets_lower_requests_through_a_masked_level_in_service() {
        let mut pic = ready();
        pic.drive(ir(3), true);
        ack(&mut pic);
        pic.write(COMMAND, 0x68); // SMM on
        pic.write(DATA, 0x08);
        pic.drive(ir(6), true);
        assert!(pic.level(INT));
        pic.write(COMMAND, 0x48); // SMM off
        assert!(!pic.level(INT));
    }

    #[test]
    fn a_poll_acknowledges_once() {
        let mut pic = ready();
        pic.drive(ir(2), true);
        pic.write(COMMAND, 0x0c);
        assert_eq!(pic.read(COMMAND), 0x82);
        assert_eq!(pic.read(COMMAND), 0, "the second read is of IRR");
        pic.write(COMMAND, 0x0c);
        assert_eq!(pic.read(COMMAND), 7, "nothing to poll");
    }

    #[test]
    fn the_slave_answers_to_its_identity_only() {
        let mut pic = Rig::new(Pic::slave(0xde));
        for (at, v) in [(COMMAND, 0x11), (DATA, 0x70), (DATA, 2), (DATA, 1)] {
            pic.write(at, v);
        }
        pic.drive(ir(6), true);
        assert_eq!(pic.with(|d, cx| d.acknowledge(cx, None)), Inta::Silent);
        assert_eq!(pic.with(|d, cx| d.acknowledge(cx, Some(5))), Inta::Silent);
        assert_eq!(pic.with(|d, cx| d.acknowledge(cx, Some(2))), Inta::Vector(0x76));
        assert_eq!(pic.with(|d, cx| d.acknowledge(cx, Some(2))), Inta::Vector(0x77), "spurious IRQ15");
    }

    #[test]
    fn a_master_passes_the_cycle_to_the_slave_of_the_input() {
        let mut pic = ready();
        pic.drive(ir(2), true);
        assert_eq!(ack(&mut pic), Inta::Cascade(2));
    }

    #[test]
    fn special_fully_nested_mode_takes_more_from_the_same_slave() {
        for (icw4, again) in [(0x01, false), (0x11, true)] {
            let mut pic = ready_with(0x11, icw4);
            pic.drive(ir(2), true);
            ack(&mut pic);
            pic.drive(ir(2), false);
            pic.drive(ir(2), true);
            assert_eq!(pic.level(INT), again);
        }
    }

    #[test]
    fn initialization_clears_mask_and_service_and_waits_for_its_words() {
        let mut pic = ready();
        pic.drive(ir(3), true);
        ack(&mut pic);
        pic.write(DATA, 0xff);
        pic.write(COMMAND, 0x13); // single, ICW4 needed
        assert_eq!(pic.read(DATA), 0);
        pic.write(DATA, 0x40);
        pic.write(DATA, 0x01);
        pic.drive(ir(2), true);
        assert_eq!(ack(&mut pic), Inta::Vector(0x42), "single mode has no slave");
    }
}
