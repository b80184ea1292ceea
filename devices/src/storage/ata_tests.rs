//! What a disk does on a channel, in sentences.

use std::sync::{Arc, Mutex};

use ferrite_core::device::{Offset, Width};
use ferrite_core::rig::Rig;
use ferrite_core::time::VTime;

use crate::host::{Disk, DiskError, IdeDrive, MemDisk, SECTOR};
use crate::storage::channel::{CONTROL, COUNT, DATA, DEVICE, ERROR, LBA_HIGH, LBA_LOW, LBA_MID, STATUS};
use crate::storage::interface::{ABRT, BSY, DRDY, DRQ, DSC, ERR, IDNF, UNC};
use crate::storage::isa_ide::{INTRQ, IsaIde};

const SRST: u8 = 0x04;
const NIEN: u8 = 0x02;
const HOB: u8 = 0x80;
const NOBODY: u8 = 0x7f;
const SECTORS: usize = 4 * 16 * 63;

/// A disk whose sectors begin with their number.
fn image() -> MemDisk {
    let mut bytes = vec![0; SECTORS * SECTOR];
    for (n, s) in bytes.chunks_exact_mut(SECTOR).enumerate() {
        s[..4].copy_from_slice(&(n as u32).to_le_bytes());
        s[511] = n as u8;
    }
    MemDisk::new(bytes)
}

fn drive(disk: impl Disk + 'static) -> Option<IdeDrive> {
    Some(IdeDrive::Disk(Box::new(disk)))
}

/// A disk that the test keeps a hand on.
#[derive(Clone)]
struct Shared(Arc<Mutex<MemDisk>>, Arc<Mutex<usize>>);

impl Shared {
    fn new() -> Shared {
        Shared(Arc::new(Mutex::new(image())), Arc::default())
    }

    fn sector(&self, lba: u64) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        self.0.lock().unwrap().read(lba, &mut sector).unwrap();
        sector
    }

    fn flushes(&self) -> usize {
        *self.1.lock().unwrap()
    }
}

impl Disk for Shared {
    fn sectors(&self) -> u64 {
        self.0.lock().unwrap().sectors()
    }
    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.0.lock().unwrap().read(lba, buf)
    }
    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError> {
        self.0.lock().unwrap().write(lba, buf)
    }
    fn flush(&mut self) -> Result<(), DiskError> {
        *self.1.lock().unwrap() += 1;
        Ok(())
    }
}

fn rig() -> Rig<IsaIde> {
    Rig::new(IsaIde::new([drive(image()), None]))
}

fn set(ata: &mut Rig<IsaIde>, regs: &[(Offset, u8)]) {
    for (at, v) in regs {
        ata.write(*at, *v);
    }
}

fn lba28(ata: &mut Rig<IsaIde>, lba: u32, count: u8) {
    let [low, mid, high, top] = lba.to_le_bytes();
    set(ata, &[(COUNT, count), (LBA_LOW, low), (LBA_MID, mid), (LBA_HIGH, high), (DEVICE, 0xe0 | top)]);
}

/// Waits for the interrupt and gives the status.
fn wait(ata: &mut Rig<IsaIde>) -> u8 {
    ata.pass(VTime::ms(2));
    assert!(ata.level(INTRQ), "the interrupt came");
    ata.read(STATUS)
}

fn words(ata: &mut Rig<IsaIde>, n: usize) -> Vec<u16> {
    (0..n).map(|_| ata.read_wide(DATA, Width::B2) as u16).collect()
}

#[test]
fn a_disk_shows_the_signature_and_an_empty_channel_floats() {
    let mut ata = rig();
    assert_eq!([COUNT, LBA_LOW, LBA_MID, LBA_HIGH, STATUS].map(|at| ata.read(at)), [1, 1, 0, 0, 0x50]);
    ata.write(DEVICE, 0xb0);
    assert_eq!(ata.read(STATUS), 0, "device 0 answers for device 1");
    let mut empty = Rig::new(IsaIde::new([None, None]));
    assert_eq!(empty.read(STATUS), NOBODY);
}

#[test]
fn identify_tells_geometry_capacity_and_adds_up_to_zero() {
    let mut ata = rig();
    ata.write(STATUS, 0xec);
    assert_eq!(ata.read(CONTROL), BSY);
    assert_eq!(wait(&mut ata), DRDY | DSC | DRQ);
    assert!(!ata.level(INTRQ), "reading the status takes the interrupt");
    let w = words(&mut ata, 256);
    assert_eq!((w[1], w[3], w[6]), (4, 16, 63));
    assert_eq!(u32::from(w[60]) | u32::from(w[61]) << 16, SECTORS as u32);
    assert_eq!(w[27].to_be_bytes(), *b"FE");
    let sum = w.iter().flat_map(|w| w.to_le_bytes()).fold(0u8, u8::wrapping_add);
    assert_eq!(sum, 0);
    assert_eq!(ata.read(STATUS), DRDY | DSC);
}

#[test]
fn a_read_interrupts_before_each_sector_and_not_after_the_last() {
    let mut ata = rig();
    lba28(&mut ata, 1000, 2);
    ata.write(STATUS, 0x20);
    for n in 1000..1002 {
        assert_eq!(wait(&mut ata) & (BSY | DRQ), DRQ);
        assert_eq!(words(&mut ata, 256)[0], n);
    }
    ata.pass(VTime::ms(2));
    assert!(!ata.level(INTRQ));
    assert_eq!(ata.read(STATUS), DRDY | DSC);
}

#[test]
fn a_write_interrupts_after_each_sector() {
    let disk = Shared::new();
    let mut ata = Rig::new(IsaIde::new([drive(disk.clone()), None]));
    lba28(&mut ata, 7, 2);
    ata.write(STATUS, 0x30);
    assert!(!ata.level(INTRQ), "the first block is asked for by DRQ alone");
    for fill in [0x1111_1111, 0x2222_2222] {
        assert_eq!(ata.read(CONTROL) & (BSY | DRQ), DRQ);
        for _ in 0..128 {
            ata.write_wide(DATA, Width::B4, fill);
        }
        wait(&mut ata);
    }
    assert_eq!(ata.read(STATUS), DRDY | DSC);
    assert_eq!([disk.sector(7), disk.sector(8)], [[0x11; SECTOR], [0x22; SECTOR]]);
}

#[test]
fn read_multiple_moves_blocks() {
    let mut ata = rig();
    set(&mut ata, &[(COUNT, 4), (STATUS, 0xc6)]);
    wait(&mut ata);
    lba28(&mut ata, 0, 6);
    ata.write(STATUS, 0xc4);
    wait(&mut ata);
    assert_eq!(words(&mut ata, 4 * 256)[3 * 256], 3);
    wait(&mut ata);
    assert_eq!(words(&mut ata, 2 * 256)[256], 5);
    assert_eq!(ata.read(STATUS), DRDY | DSC);
}

#[test]
fn all_three_ways_of_addressing_reach_the_same_sector() {
    let mut ata = rig();
    let lba = 2 * 16 * 63 + 5 * 63 + 9; // cylinder 2, head 5, sector 10
    let chs = [(COUNT, 1), (LBA_LOW, 10), (LBA_MID, 2), (LBA_HIGH, 0), (DEVICE, 0xa5), (STATUS, 0x20)];
    set(&mut ata, &chs);
    wait(&mut ata);
    assert_eq!(words(&mut ata, 256)[0], lba);
    let [low, mid] = lba.to_le_bytes();
    for (at, v) in [(COUNT, 1), (LBA_LOW, low), (LBA_MID, mid), (LBA_HIGH, 0)] {
        set(&mut ata, &[(at, 0), (at, v)]);
    }
    set(&mut ata, &[(DEVICE, 0xe0), (STATUS, 0x24)]);
    wait(&mut ata);
    assert_eq!(words(&mut ata, 256)[0], lba);
}

#[test]
fn an_address_past_the_end_is_not_found() {
    let mut ata = rig();
    lba28(&mut ata, SECTORS as u32 - 1, 2);
    ata.write(STATUS, 0x20);
    assert_eq!(wait(&mut ata), DRDY | DSC | ERR);
    assert_eq!(ata.read(ERROR), IDNF);
    set(&mut ata, &[(LBA_LOW, 0), (DEVICE, 0xa0), (STATUS, 0x20)]);
    wait(&mut ata);
    assert_eq!(ata.read(ERROR), IDNF, "sectors count from 1");
}

#[test]
fn what_a_disk_lacks_is_aborted() {
    let mut ata = rig();
    // NOP, packets, passwords, media locks, an unknown code, SMART without its key.
    for command in [0x00, 0x08, 0xa0, 0xa1, 0xf1, 0xde, 0x82, 0xb0] {
        ata.write(STATUS, command);
        assert_eq!(wait(&mut ata) & ERR, ERR);
        assert_eq!(ata.read(ERROR), ABRT, "{command:#x}");
    }
    set(&mut ata, &[(ERROR, 3), (COUNT, 0x46), (STATUS, 0xef)]);
    wait(&mut ata);
    assert_eq!(ata.read(ERROR), ABRT, "Ultra DMA 6 cannot be chosen");
}

#[test]
fn a_host_error_is_an_uncorrectable_sector() {
    struct Broken;
    impl Disk for Broken {
        fn sectors(&self) -> u64 {
            100
        }
        fn read(&mut self, _: u64, _: &mut [u8]) -> Result<(), DiskError> {
            Err(DiskError)
        }
        fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DiskError> {
            Err(DiskError)
        }
    }
    let mut ata = Rig::new(IsaIde::new([drive(Broken), None]));
    lba28(&mut ata, 0, 1);
    ata.write(STATUS, 0x20);
    assert_eq!(wait(&mut ata), DRDY | DSC | ERR);
    assert_eq!(ata.read(ERROR), UNC);
}

#[test]
fn nien_masks_the_interrupt() {
    let mut ata = rig();
    ata.write(CONTROL, NIEN);
    ata.write(STATUS, 0xe7);
    ata.pass(VTime::ms(1));
    assert!(!ata.level(INTRQ));
    assert_eq!(ata.read(CONTROL), DRDY | DSC);
    ata.write(CONTROL, 0);
    assert!(ata.level(INTRQ));
}

#[test]
fn soft_reset_ends_a_transfer_and_restores_the_signature() {
    let mut ata = rig();
    lba28(&mut ata, 5, 200);
    ata.write(STATUS, 0x20);
    ata.write(CONTROL, SRST);
    assert_eq!(ata.read(CONTROL), BSY);
    ata.write(CONTROL, 0);
    ata.pass(VTime::ms(2));
    assert!(!ata.level(INTRQ));
    assert_eq!([COUNT, LBA_LOW, ERROR, STATUS].map(|at| ata.read(at)), [1, 1, 1, 0x50]);
}

#[test]
fn each_device_keeps_its_own_command() {
    let mut ata = Rig::new(IsaIde::new([drive(image()), drive(image())]));
    lba28(&mut ata, 3, 1);
    ata.write(STATUS, 0x20);
    set(&mut ata, &[(DEVICE, 0xf0), (STATUS, 0xe5)]);
    ata.pass(VTime::ms(1));
    assert_eq!(ata.read(STATUS), DRDY | DSC);
    assert_eq!(ata.read(COUNT), 0xff);
    ata.write(DEVICE, 0xe0);
    assert_eq!(ata.read(STATUS) & DRQ, DRQ);
    assert_eq!(words(&mut ata, 1), [3]);
}

/// IDENTIFY DEVICE's words.
fn identity(ata: &mut Rig<IsaIde>) -> Vec<u16> {
    ata.write(STATUS, 0xec);
    wait(ata);
    words(ata, 256)
}

#[test]
fn a_bad_sector_in_a_block_is_named_by_the_address() {
    struct Scratched;
    impl Disk for Scratched {
        fn sectors(&self) -> u64 {
            100
        }
        fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
            let end = lba + (buf.len() / SECTOR) as u64;
            if (lba..end).contains(&21) { Err(DiskError) } else { Ok(()) }
        }
        fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DiskError> {
            Ok(())
        }
    }
    let mut ata = Rig::new(IsaIde::new([drive(Scratched), None]));
    lba28(&mut ata, 18, 8);
    ata.write(STATUS, 0xc4);
    assert_eq!(wait(&mut ata) & ERR, ERR);
    assert_eq!([ERROR, LBA_LOW, COUNT].map(|at| ata.read(at)), [UNC, 21, 5]);
}

#[test]
fn a_finished_transfer_leaves_its_last_address_and_no_count() {
    let mut ata = rig();
    // From the last sector of a track into the next: cylinder 1, head 2, sectors 63 and 1.
    set(&mut ata, &[(COUNT, 2), (LBA_LOW, 63), (LBA_MID, 1), (LBA_HIGH, 0), (DEVICE, 0xa2), (STATUS, 0x20)]);
    for _ in 0..2 {
        wait(&mut ata);
        words(&mut ata, 256);
    }
    assert_eq!([COUNT, LBA_LOW, LBA_MID, DEVICE].map(|at| ata.read(at)), [0, 1, 1, 0xa3]);
}

#[test]
fn translated_geometry_is_what_chs_and_identify_use() {
    let mut ata = rig();
    set(&mut ata, &[(COUNT, 32), (DEVICE, 0xa7), (STATUS, 0x91)]); // 8 heads, 32 sectors
    wait(&mut ata);
    let w = identity(&mut ata);
    assert_eq!((w[1], w[3], w[6]), (4, 16, 63), "the default stays");
    assert_eq!((w[54], w[55], w[56], w[57]), (15, 8, 32, 15 * 8 * 32));
    set(&mut ata, &[(COUNT, 1), (LBA_LOW, 1), (LBA_MID, 1), (DEVICE, 0xa0), (STATUS, 0x20)]);
    wait(&mut ata);
    assert_eq!(words(&mut ata, 256)[0], 8 * 32);
    set(&mut ata, &[(COUNT, 0), (DEVICE, 0xa7), (STATUS, 0x91)]);
    assert_eq!(wait(&mut ata) & ERR, ERR, "no sectors");
}

#[test]
fn a_protected_area_lies_behind_the_maximum() {
    let mut ata = rig();
    lba28(&mut ata, 999, 0);
    ata.write(STATUS, 0xf9);
    assert_eq!(wait(&mut ata) & ERR, ERR, "READ NATIVE MAX ADDRESS comes first");
    ata.write(STATUS, 0xf8);
    wait(&mut ata);
    let native = [LBA_LOW, LBA_MID, LBA_HIGH].map(|at| ata.read(at));
    assert_eq!(u32::from_le_bytes([native[0], native[1], native[2], 0]), SECTORS as u32 - 1);
    lba28(&mut ata, 999, 0);
    ata.write(STATUS, 0xf9);
    assert_eq!(wait(&mut ata) & ERR, 0);
    assert_eq!(identity(&mut ata)[60], 1000);
    lba28(&mut ata, 1000, 1);
    ata.write(STATUS, 0x20);
    assert_eq!(wait(&mut ata) & ERR, ERR);
    assert_eq!(ata.read(ERROR), IDNF);
}

#[test]
fn set_features_shows_in_identify() {
    let mut ata = rig();
    let feature = |ata: &mut Rig<IsaIde>, feature: u8, value: u8| {
        set(ata, &[(ERROR, feature), (COUNT, value), (STATUS, 0xef)]);
        wait(ata)
    };
    assert_eq!(feature(&mut ata, 0x03, 0x42) & ERR, 0);
    feature(&mut ata, 0x82, 0);
    feature(&mut ata, 0x55, 0);
    feature(&mut ata, 0x05, 0x80);
    let w = identity(&mut ata);
    assert_eq!((w[63], w[88], w[85] & 0x60, w[86] & 8, w[91]), (0x0007, 0x043f, 0, 8, 0x4080));
    feature(&mut ata, 0x03, 0x21);
    feature(&mut ata, 0x02, 0);
    let w = identity(&mut ata);
    assert_eq!((w[63], w[88], w[85] & 0x60), (0x0207, 0x003f, 0x20));
    assert_eq!(feature(&mut ata, 0x42, 0x80) & ERR, ERR, "no acoustic management");
}

#[test]
fn without_write_cache_every_write_is_durable() {
    let disk = Shared::new();
    let mut ata = Rig::new(IsaIde::new([drive(disk.clone()), None]));
    let write = |ata: &mut Rig<IsaIde>| {
        lba28(ata, 1, 1);
        ata.write(STATUS, 0x30);
        for _ in 0..256 {
            ata.write_wide(DATA, Width::B2, 0);
        }
        wait(ata);
    };
    write(&mut ata);
    assert_eq!(disk.flushes(), 0);
    ata.write(STATUS, 0xea);
    wait(&mut ata);
    assert_eq!(disk.flushes(), 1);
    set(&mut ata, &[(ERROR, 0x82), (STATUS, 0xef)]);
    wait(&mut ata);
    write(&mut ata);
    assert_eq!(disk.flushes(), 2);
}

#[test]
fn a_read_only_medium_aborts_writes() {
    struct Protected;
    impl Disk for Protected {
        fn sectors(&self) -> u64 {
            100
        }
        fn read(&mut self, _: u64, _: &mut [u8]) -> Result<(), DiskError> {
            Ok(())
        }
        fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DiskError> {
            Err(DiskError)
        }
        fn read_only(&self) -> bool {
            true
        }
    }
    let mut ata = Rig::new(IsaIde::new([drive(Protected), None]));
    for command in [0x30, 0x34, 0xc5, 0xca] {
        lba28(&mut ata, 1, 1);
        ata.write(STATUS, command);
        assert_eq!(wait(&mut ata) & (ERR | DRQ), ERR);
        assert_eq!(ata.read(ERROR), ABRT, "{command:#x}");
    }
}

#[test]
fn the_buffer_keeps_what_was_written_to_it() {
    let mut ata = rig();
    ata.write(STATUS, 0xe8);
    assert_eq!(ata.read(CONTROL) & (BSY | DRQ), DRQ);
    for n in 0..256 {
        ata.write_wide(DATA, Width::B2, n * 3);
    }
    wait(&mut ata);
    ata.write(STATUS, 0xe4);
    wait(&mut ata);
    assert_eq!(words(&mut ata, 256)[255], 765);
}

#[test]
fn an_8_bit_data_register_moves_a_byte_a_cycle() {
    let mut ata = rig();
    lba28(&mut ata, 0x0201, 1);
    ata.write(STATUS, 0x20);
    wait(&mut ata);
    assert_eq!(ata.read(DATA), 0x01, "a byte access takes a word");
    assert_eq!(words(&mut ata, 255)[254] >> 8, 0x01);
    assert_eq!(ata.read(CONTROL) & DRQ, 0);
    set(&mut ata, &[(ERROR, 0x01), (STATUS, 0xef)]);
    wait(&mut ata);
    lba28(&mut ata, 0x0201, 1);
    ata.write(STATUS, 0x20);
    wait(&mut ata);
    assert_eq!([ata.read(DATA), ata.read(DATA)], [0x01, 0x02]);
    for _ in 0..509 {
        ata.read(DATA);
    }
    assert_eq!(ata.read(CONTROL) & DRQ, DRQ);
    assert_eq!((ata.read(DATA), ata.read(CONTROL) & DRQ), (0x01, 0));
}

#[test]
fn a_sleeping_disk_hears_a_reset_only() {
    let mut ata = rig();
    ata.write(STATUS, 0xe2);
    wait(&mut ata);
    ata.write(STATUS, 0xe5);
    wait(&mut ata);
    assert_eq!(ata.read(COUNT), 0, "standby");
    ata.write(STATUS, 0xe6);
    wait(&mut ata);
    ata.write(STATUS, 0xe5);
    ata.pass(VTime::ms(2));
    assert!(!ata.level(INTRQ));
    set(&mut ata, &[(CONTROL, SRST), (CONTROL, 0)]);
    ata.pass(VTime::ms(2));
    ata.write(STATUS, 0xe5);
    wait(&mut ata);
    assert_eq!(ata.read(COUNT), 0xff);
}

#[test]
fn diagnosis_is_for_both_and_device_0_tells() {
    let mut ata = Rig::new(IsaIde::new([drive(image()), drive(image())]));
    set(&mut ata, &[(DEVICE, 0xb0), (STATUS, 0x90)]);
    assert_eq!(ata.read(CONTROL), BSY);
    assert_eq!(wait(&mut ata), DRDY | DSC);
    assert_eq!([ERROR, DEVICE].map(|at| ata.read(at)), [1, 0xa0]);
}

#[test]
fn the_high_order_bit_shows_what_the_registers_held_before() {
    let mut ata = rig();
    set(&mut ata, &[(LBA_LOW, 0x12), (LBA_LOW, 0x34), (CONTROL, HOB)]);
    assert_eq!(ata.read(LBA_LOW), 0x12);
    ata.write(COUNT, 1);
    assert_eq!(ata.read(LBA_LOW), 0x34, "any write to the Command Block ends it");
}

#[test]
fn smart_answers_with_its_key() {
    let mut ata = rig();
    let key = [(LBA_MID, 0x4f), (LBA_HIGH, 0xc2)];
    set(&mut ata, &key);
    set(&mut ata, &[(ERROR, 0xda), (STATUS, 0xb0)]);
    assert_eq!(wait(&mut ata) & ERR, 0);
    assert_eq!([LBA_MID, LBA_HIGH].map(|at| ata.read(at)), [0x4f, 0xc2]);
    set(&mut ata, &[(ERROR, 0xd0), (STATUS, 0xb0)]);
    wait(&mut ata);
    let sum = words(&mut ata, 256).iter().flat_map(|w| w.to_le_bytes()).fold(0u8, u8::wrapping_add);
    assert_eq!(sum, 0);
}
