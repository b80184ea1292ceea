//! A bus master for one IDE channel.
//!
//! Documents: SFF-8038i, Bus Master Programming Interface for IDE ATA Controllers 1.0; Intel 82371SB data sheet (290550), "PCI Bus
//! Master IDE".
//!
//! The direction of a transfer is the drive's: with bit 3 of the command register set against it the interface has no defined
//! result. Regions that cross 64 KiB, which the document forbids, go on linearly.
//!
//! *Not modelled:* arbitration, target aborts, the FIFO.

use ferrite_core::memory::{GuestMemory, PAGE_SIZE, Route};
use ferrite_core::snapshot::LoadError;
use serde::{Deserialize, Serialize};

/// Command: start/stop bus master.
const SSBM: u8 = 0x01;
/// Command: the bus master writes to memory.
const RWCON: u8 = 0x08;
/// Status: active.
const ACTIVE: u8 = 0x01;
/// Status: error.
const ERROR: u8 = 0x02;
/// Status: the drive's interrupt line rose.
const INTERRUPT: u8 = 0x04;
/// Status: drives 0 and 1 can do DMA, for software to remember.
const CAPABLE: u8 = 0x60;

/// Registers of one channel in the I/O window.
pub const WINDOW: u32 = 8;

/// Registers and the walk through the descriptor table. Plain data, which is also its saved form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusMaster {
    command: u8,
    status: u8,
    /// Descriptor table pointer, as written.
    table: u32,
    /// The next descriptor.
    next: u32,
    /// Where in the present region the next word goes, and how much is left of it.
    address: u32,
    left: u32,
    /// The present region is the table's last.
    last: bool,
}

impl BusMaster {
    /// A register byte: 0 command, 2 status, 4 to 7 the table's address.
    pub fn read(&self, at: u32) -> u8 {
        match at {
            0 => self.command,
            2 => self.status,
            4..8 => self.table.to_le_bytes()[at as usize - 4],
            _ => 0,
        }
    }

    /// A guest's write to a register byte.
    pub fn write(&mut self, at: u32, val: u8) {
        match at {
            0 => {
                let started = val & !self.command & SSBM != 0;
                self.command = val & (SSBM | RWCON);
                if started {
                    self.status |= ACTIVE;
                    (self.next, self.left, self.last) = (self.table, 0, false);
                } else if val & SSBM == 0 {
                    self.status &= !ACTIVE;
                }
            }
            2 => {
                let cleared = val & (ERROR | INTERRUPT);
                self.status = (self.status & !CAPABLE | val & CAPABLE) & !cleared;
            }
            4..8 => {
                let shift = 8 * (at - 4);
                self.table = self.table & !(0xff << shift) | u32::from(val) << shift;
                self.table &= !3;
            }
            _ => {}
        }
    }

    /// Started, with regions left to fill or to send.
    pub fn active(&self) -> bool {
        self.status & ACTIVE != 0
    }

    /// The drive's interrupt line rose.
    pub fn interrupt(&mut self) {
        self.status |= INTERRUPT;
    }

    fn fail(&mut self) {
        self.status = self.status & !ACTIVE | ERROR;
    }

    /// Makes sure that the present region has room; false when the transfer has ended.
    fn region(&mut self, mem: &GuestMemory) -> bool {
        if self.left == 0 && self.active() {
            let mut entry = [0; 8];
            if !mem.read(self.next.into(), &mut entry) {
                self.fail(); // nobody answers there: master abort
                return false;
            }
            let [a0, a1, a2, a3, c0, c1, _, flags] = entry;
            self.address = u32::from_le_bytes([a0, a1, a2, a3]) & !1;
            let count = u32::from(u16::from_le_bytes([c0, c1]) & !1);
            self.left = if count == 0 { 0x1_0000 } else { count };
            self.last = flags & 0x80 != 0;
            // "The Descriptor Table must not cross a 64K boundary": the pointer counts in its low half only.
            self.next = self.next & 0xffff_0000 | self.next.wrapping_add(8) & 0xffff;
        }
        self.active()
    }

    /// Words move: an odd end takes the whole of its last.
    fn advance(&mut self, n: usize) {
        let n = n.next_multiple_of(2);
        self.address = self.address.wrapping_add(n as u32);
        self.left -= n as u32;
        if self.left == 0 && self.last {
            self.status &= !ACTIVE;
        }
    }

    /// Moves `data` to memory; the answer is how much of it the regions took.
    pub fn to_memory(&mut self, mem: &mut GuestMemory, data: &[u8]) -> usize {
        let mut done = 0;
        while done < data.len() && self.region(mem) {
            let n = (data.len() - done).min(self.left as usize);
            let at = u64::from(self.address);
            if !mem.write(at, &data[done..done + n]) && answers_nobody(at, n, |page| mem.write_route(page)) {
                self.fail();
                break;
            }
            done += n;
            self.advance(n);
        }
        done
    }

    /// Fills `data` from memory; the answer is how much of it the regions gave.
    pub fn from_memory(&mut self, mem: &GuestMemory, data: &mut [u8]) -> usize {
        let mut done = 0;
        while done < data.len() && self.region(mem) {
            let n = (data.len() - done).min(self.left as usize);
            let at = u64::from(self.address);
            if !mem.read(at, &mut data[done..done + n]) && answers_nobody(at, n, |page| mem.read_route(page)) {
                self.fail();
                break;
            }
            done += n;
            self.advance(n);
        }
        done
    }

    /// RESET#.
    pub fn reset(&mut self) {
        *self = BusMaster::default();
    }

    /// Checks a saved form.
    ///
    /// # Errors
    /// When no run produces it.
    pub fn check(&self) -> Result<(), LoadError> {
        let BusMaster { command, status, table, next, address, left, last: _ } = self;
        let bad = |field, value: u32| Err(LoadError::Invalid { field, value: value.into() });
        if command & !(SSBM | RWCON) != 0 || command & SSBM == 0 && status & ACTIVE != 0 {
            return bad("bus_master.command", (*command).into());
        }
        if status & !(ACTIVE | ERROR | INTERRUPT | CAPABLE) != 0 {
            return bad("bus_master.status", (*status).into());
        }
        if (table | next) & 3 != 0 || address & 1 != 0 {
            return bad("bus_master.table", *table);
        }
        if *left > 0x1_0000 || left & 1 != 0 {
            return bad("bus_master.left", *left);
        }
        Ok(())
    }
}

/// Whether a part of this range lies where the bus has no memory.
fn answers_nobody(at: u64, len: usize, route: impl Fn(u64) -> Route) -> bool {
    let first = at & !(PAGE_SIZE - 1);
    (first..at + len as u64).step_by(PAGE_SIZE as usize).any(|page| route(page) == Route::Bus)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: u32 = 0x1000;

    fn start(mem: &mut GuestMemory, entries: &[(u32, u32)]) -> BusMaster {
        for (i, (address, count)) in entries.iter().enumerate() {
            let at = u64::from(TABLE) + 8 * i as u64;
            mem.write(at, &address.to_le_bytes());
            mem.write(at + 4, &count.to_le_bytes());
        }
        let mut bm = BusMaster::default();
        for (i, b) in TABLE.to_le_bytes().into_iter().enumerate() {
            bm.write(4 + i as u32, b);
        }
        bm.write(0, SSBM | RWCON);
        bm
    }

    #[test]
    fn regions_are_filled_in_the_table_s_order() {
        let mut mem = GuestMemory::flat(0x10_0000);
        let mut bm = start(&mut mem, &[(0x2000, 4), (0x3001, 0x8000_0003)]);
        assert_eq!(bm.to_memory(&mut mem, &[1, 2, 3, 4, 5, 6, 7, 8]), 6, "bit 0 of address and count is 0");
        let mut seen = [0; 4];
        mem.read(0x2000, &mut seen);
        assert_eq!(seen, [1, 2, 3, 4]);
        mem.read(0x3000, &mut seen);
        assert_eq!(seen, [5, 6, 0, 0]);
        assert_eq!(bm.read(2), 0, "not active, no error: the regions were shorter than the transfer");
    }

    #[test]
    fn a_count_of_zero_is_64_kib() {
        let mut mem = GuestMemory::flat(0x10_0000);
        let mut bm = start(&mut mem, &[(0x2_0000, 0x8000_0000)]);
        assert_eq!(bm.to_memory(&mut mem, &[9; 0xfffe]), 0xfffe);
        assert!(bm.active());
        assert_eq!(bm.to_memory(&mut mem, &[9]), 1);
        assert!(!bm.active(), "an odd end takes its last word");
    }

    #[test]
    fn a_region_without_memory_is_an_error() {
        let mut mem = GuestMemory::flat(0x10_0000);
        let mut bm = start(&mut mem, &[(0x2000, 2), (0x8000_0000, 0x8000_0200)]);
        assert_eq!(bm.to_memory(&mut mem, &[1; 100]), 2);
        assert_eq!(bm.read(2), ERROR);
        bm.write(2, ERROR | 0x20);
        assert_eq!(bm.read(2), 0x20, "the error was cleared, the drive can do DMA");
        bm.write(4, 0);
        bm.write(7, 0x90);
        bm.write(0, 0);
        bm.write(0, SSBM);
        let mut data = [0; 4];
        assert_eq!(bm.from_memory(&mem, &mut data), 0, "the table has no memory either");
        assert_eq!(bm.read(2), ERROR | 0x20);
    }

    #[test]
    fn stopping_ends_the_transfer_and_starting_begins_the_table_again() {
        let mut mem = GuestMemory::flat(0x10_0000);
        let mut bm = start(&mut mem, &[(0x2000, 0x8000_0010)]);
        assert_eq!(bm.to_memory(&mut mem, &[1; 4]), 4);
        bm.write(0, 0);
        assert_eq!(bm.to_memory(&mut mem, &[2; 4]), 0);
        bm.write(0, SSBM);
        bm.to_memory(&mut mem, &[3; 2]);
        let mut seen = [0; 4];
        mem.read(0x2000, &mut seen);
        assert_eq!(seen, [3, 3, 1, 1]);
    }
}
