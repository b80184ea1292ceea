//! One medium for two machines that run in lockstep: each sees what it wrote itself, and the medium is written once.
//!
//! The first machine has the medium. The second has it too, but for the sectors in which the two differ at the moment: what it
//! wrote and the first has not, and what was there before the first wrote. As both do the same, there are few of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ferrite_devices::host::{Disk, DiskError, SECTOR};

/// The medium, and what the second machine sees in place of it.
struct Medium {
    disk: Box<dyn Disk>,
    differ: BTreeMap<u64, Box<[u8; SECTOR]>>,
}

/// The medium as the first machine has it.
struct First(Arc<Mutex<Medium>>);

/// As the second has it.
struct Second(Arc<Mutex<Medium>>);

/// The medium for two machines, of which the first one's writes reach it.
#[must_use]
pub fn split(disk: Box<dyn Disk>) -> (Box<dyn Disk>, Box<dyn Disk>) {
    let medium = Arc::new(Mutex::new(Medium { disk, differ: BTreeMap::new() }));
    (Box::new(First(Arc::clone(&medium))), Box::new(Second(medium)))
}

fn lock(medium: &Mutex<Medium>) -> MutexGuard<'_, Medium> {
    medium.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sectors of a transfer, each with its number.
fn sectors(lba: u64, buf: &[u8]) -> impl Iterator<Item = (u64, &[u8; SECTOR])> {
    (lba..).zip(buf.as_chunks::<SECTOR>().0)
}

impl Disk for First {
    fn sectors(&self) -> u64 {
        lock(&self.0).disk.sectors()
    }

    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        lock(&self.0).disk.read(lba, buf)
    }

    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError> {
        let Medium { disk, differ } = &mut *lock(&self.0);
        let mut before = vec![0; buf.len()];
        let known = disk.read(lba, &mut before).is_ok();
        disk.write(lba, buf)?;
        for ((sector, was), (_, now)) in sectors(lba, &before).zip(sectors(lba, buf)) {
            match differ.get(&sector) {
                Some(other) if **other == *now => {
                    differ.remove(&sector);
                }
                None if known && was != now => {
                    differ.insert(sector, Box::new(*was));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        lock(&self.0).disk.flush()
    }

    fn read_only(&self) -> bool {
        lock(&self.0).disk.read_only()
    }
}

impl Disk for Second {
    fn sectors(&self) -> u64 {
        lock(&self.0).disk.sectors()
    }

    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        let Medium { disk, differ } = &mut *lock(&self.0);
        disk.read(lba, buf)?;
        for (sector, to) in (lba..).zip(buf.as_chunks_mut::<SECTOR>().0) {
            if let Some(own) = differ.get(&sector) {
                *to = **own;
            }
        }
        Ok(())
    }

    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError> {
        let Medium { disk, differ } = &mut *lock(&self.0);
        let end = lba.checked_add((buf.len() / SECTOR) as u64);
        if disk.read_only() || end.is_none_or(|e| e > disk.sectors()) || !buf.len().is_multiple_of(SECTOR) {
            return Err(DiskError);
        }
        let mut there = vec![0; buf.len()];
        let known = disk.read(lba, &mut there).is_ok();
        for ((sector, there), (_, now)) in sectors(lba, &there).zip(sectors(lba, buf)) {
            if known && there == now {
                differ.remove(&sector);
            } else {
                differ.insert(sector, Box::new(*now));
            }
        }
        Ok(())
    }

    fn read_only(&self) -> bool {
        lock(&self.0).disk.read_only()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_devices::host::MemDisk;

    fn read(disk: &mut dyn Disk, lba: u64) -> u8 {
        let mut buf = [0; SECTOR];
        disk.read(lba, &mut buf).unwrap();
        assert!(buf.iter().all(|b| *b == buf[0]));
        buf[0]
    }

    /// Both halves, and the medium, of which `differ` tells how many sectors are held twice.
    fn pair() -> (First, Second) {
        let disk = Box::new(MemDisk::new([[1; SECTOR], [2; SECTOR], [3; SECTOR]].concat()));
        let medium = Arc::new(Mutex::new(Medium { disk, differ: BTreeMap::new() }));
        (First(Arc::clone(&medium)), Second(medium))
    }

    #[test]
    fn each_machine_sees_its_own_writes_and_not_the_others() {
        let (mut a, mut b) = pair();
        b.write(0, &[[7; SECTOR], [8; SECTOR]].concat()).unwrap();
        assert_eq!([0, 1, 2].map(|n| (read(&mut a, n), read(&mut b, n))), [(1, 7), (2, 8), (3, 3)]);
        a.write(1, &[[8; SECTOR], [9; SECTOR]].concat()).unwrap();
        assert_eq!([0, 1, 2].map(|n| (read(&mut a, n), read(&mut b, n))), [(1, 7), (8, 8), (9, 3)]);
    }

    #[test]
    fn what_both_have_written_is_held_once() {
        let (mut a, mut b) = pair();
        a.write(0, &[7; 2 * SECTOR]).unwrap();
        assert_eq!(lock(&a.0).differ.len(), 2);
        b.write(0, &[7; 2 * SECTOR]).unwrap();
        assert_eq!(lock(&a.0).differ.len(), 0);
        b.write(2, &[5; SECTOR]).unwrap();
        a.write(2, &[5; SECTOR]).unwrap();
        assert_eq!((read(&mut a, 2), read(&mut b, 2)), (5, 5));
        assert_eq!(lock(&a.0).differ.len(), 0);
    }

    #[test]
    fn both_are_refused_the_same() {
        let (mut a, mut b) = pair();
        for disk in [&mut a as &mut dyn Disk, &mut b] {
            assert_eq!(disk.write(2, &[0; 2 * SECTOR]), Err(DiskError));
            assert_eq!(disk.write(u64::MAX, &[0; SECTOR]), Err(DiskError));
            assert_eq!((disk.sectors(), disk.read_only()), (3, false));
        }
        assert_eq!((read(&mut a, 2), read(&mut b, 2)), (3, 3));
    }
}
