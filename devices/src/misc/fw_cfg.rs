//! Firmware configuration: how SeaBIOS and others learn what machine they run on.
//!
//! Document: QEMU documentation, "QEMU Firmware Configuration (fw_cfg) Device" ("Hardware Interface", "Firmware
//! Configuration Items", "DMA Interface").
//!
//! A selector names an item; its bytes come one by one from the data register, zeros behind its end, or all at once through
//! a bus master. Items are the board's and never change.
//!
//! *Not modelled:* items that a guest can write (a write by DMA reports an error).

use ferrite_core::device::{Cx, Device, Offset, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// Selector, 16 bits, little endian.
pub const SELECTOR: Offset = Offset(0);
/// Data, a byte.
pub const DATA: Offset = Offset(1);
/// Address of a DMA structure, 64 bits, big endian: two doublewords, of which the second starts it.
pub const DMA: Offset = Offset(4);
const DMA_LOW: Offset = Offset(DMA.0 + 4);

const SIGNATURE: u16 = 0x00;
const ID: u16 = 0x01;
const FILE_DIR: u16 = 0x19;
/// Selectors of files, from here on.
const FILE_FIRST: u16 = 0x20;
/// ID: the byte-wise and the DMA interface.
const INTERFACES: u32 = 3;
/// What the DMA address register reads: "QEMU CFG", first its upper half.
const DMA_SIGNATURE: [u8; 8] = *b"QEMU CFG";
/// Bytes of a file's name, with its NUL.
const NAME_LEN: usize = 56;

/// Bits of FWCfgDmaAccess.control; the upper half is a selector.
const ERROR: u32 = 0x01;
const READ: u32 = 0x02;
const SKIP: u32 = 0x04;
const SELECT: u32 = 0x08;
const WRITE: u32 = 0x10;

/// Longest transfer that is carried out: nothing here is that long, and what a guest asks for beyond an item are zeros.
const MAX_DMA: u32 = 1 << 20;

/// The items of a machine.
#[derive(Clone, Debug, Default)]
pub struct Items {
    by_key: Vec<(u16, Vec<u8>)>,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Items {
    /// Adds an item of a fixed selector.
    pub fn add(&mut self, key: u16, bytes: &[u8]) {
        self.by_key.push((key, bytes.to_vec()));
    }

    /// Adds a file; names are cut to 55 bytes.
    pub fn add_file(&mut self, name: &'static str, bytes: Vec<u8>) {
        self.files.push((name, bytes));
    }

    /// The file directory: count, then size, selector, two bytes reserved and name of each, big endian.
    fn directory(&self) -> Vec<u8> {
        let mut out = (self.files.len() as u32).to_be_bytes().to_vec();
        for (key, (name, bytes)) in (FILE_FIRST..).zip(&self.files) {
            out.extend((bytes.len() as u32).to_be_bytes());
            out.extend(key.to_be_bytes());
            out.extend([0; 2]);
            let mut field = [0; NAME_LEN];
            for (to, from) in field[..NAME_LEN - 1].iter_mut().zip(name.bytes()) {
                *to = from;
            }
            out.extend(field);
        }
        out
    }
}

/// The device.
pub struct FwCfg {
    selector: u16,
    position: u32,
    address_high: u32,
    items: Vec<(u16, Vec<u8>)>,
}

impl FwCfg {
    /// A device that offers these.
    pub fn new(items: Items) -> FwCfg {
        let mut all = vec![(SIGNATURE, b"QEMU".to_vec()), (ID, INTERFACES.to_le_bytes().to_vec())];
        all.push((FILE_DIR, items.directory()));
        let Items { by_key, files } = items;
        all.extend(by_key);
        all.extend((FILE_FIRST..).zip(files.into_iter().map(|(_, bytes)| bytes)));
        FwCfg { selector: 0, position: 0, address_high: 0, items: all }
    }

    fn select(&mut self, key: u16) {
        (self.selector, self.position) = (key, 0);
    }

    fn item(&self) -> &[u8] {
        self.items.iter().find(|(key, _)| *key == self.selector).map_or(&[], |(_, bytes)| bytes)
    }

    fn next(&mut self) -> u8 {
        let byte = self.item().get(self.position as usize).copied().unwrap_or(0);
        self.position = self.position.saturating_add(1);
        byte
    }

    /// "DMA Interface": a structure of control, length and address, big endian, at `at`. Control becomes 0, or ERROR.
    fn run_dma(&mut self, cx: &mut Cx<'_>, at: u64) {
        let mut raw = [0; 16];
        cx.dma().read(at, &mut raw);
        let [c0, c1, c2, c3, l0, l1, l2, l3, address @ ..] = raw;
        let control = u32::from_be_bytes([c0, c1, c2, c3]);
        let len = u32::from_be_bytes([l0, l1, l2, l3]);
        let address = u64::from_be_bytes(address);
        if control & SELECT != 0 {
            self.select((control >> 16) as u16);
        }
        let mut result = 0u32;
        if control & READ != 0 && len <= MAX_DMA {
            let bytes: Vec<u8> = (0..len).map(|_| self.next()).collect();
            cx.dma().write(address, &bytes);
        } else if control & (READ | WRITE) != 0 {
            result = ERROR;
        } else if control & SKIP != 0 {
            self.position = self.position.saturating_add(len);
        }
        cx.dma().write(at, &result.to_be_bytes());
    }
}

impl Device for FwCfg {
    fn read(&mut self, _: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        if at == DATA {
            return self.next().into();
        }
        // The selector cannot be read.
        (0..width.bytes()).rev().fold(0, |v, i| {
            let byte = at.0.wrapping_add(i).checked_sub(DMA.0).and_then(|n| DMA_SIGNATURE.get(n as usize));
            v << 8 | u64::from(byte.copied().unwrap_or(0))
        })
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        match (at, width) {
            (SELECTOR, Width::B2) => self.select(val as u16),
            (DMA, Width::B4) => self.address_high = (val as u32).swap_bytes(),
            (DMA_LOW, Width::B4) => {
                let high = std::mem::take(&mut self.address_high);
                self.run_dma(cx, u64::from(high) << 32 | u64::from((val as u32).swap_bytes()));
            }
            // Writing through the data register went with items that could be written.
            (DATA, _) => {}
            _ => cx.unimplemented("fw_cfg: write of this width", at),
        }
    }

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {
        self.select(0);
        self.address_high = 0;
    }
}

/// Saved form, version 1. The items are the board's.
#[derive(Serialize, Deserialize)]
pub struct FwCfgV1 {
    selector: u16,
    position: u32,
    address_high: u32,
}

impl Snapshot for FwCfg {
    const KIND: &'static str = "fw-cfg";
    const VERSION: u32 = 1;
    type State = FwCfgV1;

    fn save(&self) -> FwCfgV1 {
        let FwCfg { selector, position, address_high, items: _ } = self;
        FwCfgV1 { selector: *selector, position: *position, address_high: *address_high }
    }

    fn load(&mut self, s: FwCfgV1) -> Result<(), LoadError> {
        let FwCfgV1 { selector, position, address_high } = s;
        (self.selector, self.position, self.address_high) = (selector, position, address_high);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    fn rig() -> Rig<FwCfg> {
        let mut items = Items::default();
        items.add(0x05, &[2, 0]);
        items.add_file("etc/one", vec![1]);
        items.add_file("etc/two", vec![7; 5]);
        Rig::new(FwCfg::new(items))
    }

    fn select(cfg: &mut Rig<FwCfg>, key: u64) {
        cfg.write_wide(SELECTOR, Width::B2, key);
    }

    fn bytes(cfg: &mut Rig<FwCfg>, n: usize) -> Vec<u8> {
        (0..n).map(|_| cfg.read(DATA)).collect()
    }

    #[test]
    fn items_come_byte_by_byte_and_end_in_zeros() {
        let mut cfg = rig();
        assert_eq!(bytes(&mut cfg, 5), b"QEMU\0");
        select(&mut cfg, 5);
        assert_eq!(bytes(&mut cfg, 4), [2, 0, 0, 0]);
        select(&mut cfg, 0x7777);
        assert_eq!(bytes(&mut cfg, 2), [0, 0]);
    }

    #[test]
    fn the_directory_leads_to_the_files() {
        let mut cfg = rig();
        select(&mut cfg, FILE_DIR.into());
        let dir = bytes(&mut cfg, 4 + 2 * 64);
        assert_eq!(dir[..4], [0, 0, 0, 2]);
        let second = &dir[68..];
        assert_eq!(&second[..16], b"\0\0\0\x05\0\x21\0\0etc/two\0");
        select(&mut cfg, 0x21);
        assert_eq!(bytes(&mut cfg, 6), [7, 7, 7, 7, 7, 0]);
    }

    #[test]
    fn dma_selects_skips_and_reads_and_says_when_it_cannot() {
        let mut cfg = rig();
        assert_eq!(cfg.read_wide(DMA, Width::B4), u64::from(u32::from_le_bytes(*b"QEMU")));
        let mut run = |control: u32, len: u32| {
            let mut access = control.to_be_bytes().to_vec();
            access.extend(len.to_be_bytes());
            access.extend(0x2000u64.to_be_bytes());
            cfg.memory.write(0x1000, &access);
            cfg.write_wide(DMA, Width::B4, 0);
            cfg.write_wide(DMA_LOW, Width::B4, 0x1000u32.swap_bytes().into());
            let (mut result, mut data) = ([0; 4], [0; 4]);
            cfg.memory.read(0x1000, &mut result);
            cfg.memory.read(0x2000, &mut data);
            (u32::from_be_bytes(result), data)
        };
        assert_eq!(run(SELECT | SKIP, 1), (0, [0; 4]));
        assert_eq!(run(READ, 4), (0, *b"EMU\0"));
        assert_eq!(run(0x21 << 16 | SELECT | READ, 3).1, [7, 7, 7, 0]);
        assert_eq!(run(WRITE, 1).0, ERROR);
        assert_eq!(run(READ, u32::MAX).0, ERROR);
    }
}
