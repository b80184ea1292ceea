//! The controller's behaviour, a rule a sentence.

use super::*;
use crate::host::{DiskError, FloppyKind, MemDisk, SECTOR};
use ferrite_core::rig::Rig;
use ferrite_core::snapshot::Snapshot;

/// A disk whose sectors begin with their number and are filled with its low byte.
fn image(sectors: usize) -> Vec<u8> {
    let mut bytes = vec![0; sectors * SECTOR];
    for (n, s) in bytes.chunks_exact_mut(SECTOR).enumerate() {
        s.fill(n as u8);
        s[..2].copy_from_slice(&(n as u16).to_le_bytes());
    }
    bytes
}

fn medium(sectors: usize) -> Option<Box<dyn Disk>> {
    Some(Box::new(MemDisk::new(image(sectors))))
}

/// The same disk with its notch closed.
struct ReadOnly(MemDisk);

impl Disk for ReadOnly {
    fn sectors(&self) -> u64 {
        self.0.sectors()
    }
    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.0.read(lba, buf)
    }
    fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DiskError> {
        Err(DiskError)
    }
    fn read_only(&self) -> bool {
        true
    }
}

/// A 1.44M disk in drive 0 and nothing in drive 1, out of reset, motor on, 500 kbit/s, DMA.
fn with(kind: FloppyKind, disk: Option<Box<dyn Disk>>, rate: u8) -> Rig<I82077> {
    let drive = |medium| Some(FloppyDrive { kind, medium });
    let mut fdc = Rig::new(I82077::new([drive(disk), drive(None)]));
    fdc.write(DOR, 0x1c);
    fdc.pass(VTime::ms(1));
    for n in 0..4 {
        assert_eq!(command(&mut fdc, &[8]), [0xc0 | n, 0]);
    }
    command(&mut fdc, &[3, 0xdf, 0x02]);
    fdc.write(DIR, rate);
    fdc
}

fn rig() -> Rig<I82077> {
    with(FloppyKind::M1440, medium(2880), 0)
}

/// Writes a command and takes the result that is there at once.
fn command(fdc: &mut Rig<I82077>, bytes: &[u8]) -> Vec<u8> {
    for b in bytes {
        assert_eq!(fdc.read(MSR) & (RQM | DIO), RQM, "ready for {b:#x} of {bytes:x?}");
        fdc.write(FIFO, *b);
    }
    result(fdc)
}

fn result(fdc: &mut Rig<I82077>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while fdc.read(MSR) & (RQM | DIO | NON_DMA) == RQM | DIO {
        bytes.push(fdc.read(FIFO));
    }
    bytes
}

/// Waits for the interrupt, serving DRQ meanwhile: `host` gives or takes each byte; TC comes with byte `tc`.
fn run(fdc: &mut Rig<I82077>, tc: usize, mut host: impl FnMut(&mut Rig<I82077>, usize, bool)) -> Vec<u8> {
    let mut moved = 0;
    for _ in 0..2000 {
        while fdc.level(DRQ) {
            moved += 1;
            host(fdc, moved - 1, moved == tc);
        }
        if fdc.level(INT) {
            return result(fdc);
        }
        let next = fdc.next_event().expect("something is to come");
        fdc.pass_until(next);
    }
    panic!("the command does not end");
}

fn read(fdc: &mut Rig<I82077>, bytes: &[u8], tc: usize) -> (Vec<u8>, Vec<u8>) {
    assert!(command(fdc, bytes).is_empty());
    let mut data = Vec::new();
    let result = run(fdc, tc, |f, _, last| data.push(f.with(|d, cx| d.dma_read(cx, last)) as u8));
    (data, result)
}

fn write(fdc: &mut Rig<I82077>, bytes: &[u8], data: &[u8], tc: usize) -> Vec<u8> {
    command(fdc, bytes);
    run(fdc, tc, |f, n, last| f.with(|d, cx| d.dma_write(cx, data[n].into(), last)))
}

fn seek(fdc: &mut Rig<I82077>, cylinder: u8) {
    command(fdc, &[0x0f, 0, cylinder]);
    assert_eq!(fdc.read(MSR), RQM | 1, "the drive is busy, the chip is not");
    assert!(run(fdc, 0, |_, _, _| ()).is_empty());
    assert_eq!(command(fdc, &[8]), [0x20, cylinder]);
}

/// READ DATA of these sectors with 512 bytes each.
fn read_command(code: u8, head: u8, [c, h, r]: [u8; 3], eot: u8) -> [u8; 9] {
    [code, head << 2, c, h, r, 2, eot, 0x1b, 0xff]
}

#[test]
fn reset_polls_four_drives_and_interrupts_once() {
    let mut fdc = Rig::new(I82077::new([None, None]));
    assert_eq!(fdc.read(MSR), 0, "in reset");
    fdc.write(DOR, 0x0c);
    assert_eq!(fdc.read(MSR), RQM);
    fdc.pass(VTime::ms(1));
    assert_eq!(fdc.take_rises(INT), 1);
    for n in 0..4 {
        assert_eq!(command(&mut fdc, &[8]), [0xc0 | n, 0]);
        assert!(!fdc.level(INT));
    }
    assert_eq!(command(&mut fdc, &[8]), [0x80], "nothing is left to sense");
    fdc.write(MSR, 0x80);
    fdc.pass(VTime::ms(1));
    assert_eq!(fdc.take_rises(INT), 1, "a reset by the DSR does the same");
}

#[test]
fn the_dma_gate_holds_both_pins() {
    let mut fdc = Rig::new(I82077::new([None, None]));
    fdc.write(DOR, 0x04);
    fdc.pass(VTime::ms(1));
    assert!(!fdc.level(INT));
    fdc.write(DOR, 0x0c);
    assert!(fdc.level(INT));
}

#[test]
fn control_commands_answer_as_an_82077() {
    let mut fdc = rig();
    assert_eq!(command(&mut fdc, &[0x10]), [0x90]);
    assert_eq!(command(&mut fdc, &[0x18]), [0x80], "PART ID is of later chips");
    assert!(command(&mut fdc, &[0x13, 0, 0x57, 0x12]).is_empty());
    assert!(command(&mut fdc, &[0x12, 0x84 | 3]).is_empty());
    assert_eq!(command(&mut fdc, &[0x94]), [0x10]);
    assert_eq!(command(&mut fdc, &[0x0e]), [0, 0, 0, 0, 0xdf, 0x02, 0, 0x87, 0x57, 0x12]);
    fdc.write(DOR, 0x18);
    fdc.write(DOR, 0x1c);
    assert_eq!(command(&mut fdc, &[0x0e])[7..], [0x84, 0x07, 0x12], "LOCK keeps the FIFO's setting");
    assert_eq!(command(&mut fdc, &[0x14]), [0]);
    fdc.write(DOR, 0x18);
    fdc.write(DOR, 0x1c);
    assert_eq!(command(&mut fdc, &[0x0e])[7..], [0x04, 0x20, 0], "without LOCK the defaults come back");
}

#[test]
fn a_sector_comes_by_dma_and_the_result_tells_of_the_next() {
    let mut fdc = rig();
    let (data, result) = read(&mut fdc, &read_command(0xe6, 0, [0, 0, 1], 18), 512);
    assert_eq!(data, image(1));
    assert_eq!(result, [0x00, 0, 0, 0, 0, 2, 2]);
    assert_eq!(fdc.read(MSR), RQM);
    assert!(!fdc.level(INT), "reading the result takes the interrupt");
}

#[test]
fn multi_track_goes_on_on_the_second_side() {
    let mut fdc = rig();
    seek(&mut fdc, 3);
    let (data, result) = read(&mut fdc, &read_command(0xc6, 0, [3, 0, 17], 18), 4 * SECTOR);
    let first = 3 * 36 + 16;
    let want: Vec<_> = [first, first + 1, first + 2, first + 3].map(|n| n as u16).to_vec();
    let got: Vec<_> = data.chunks(SECTOR).map(|s| u16::from_le_bytes([s[0], s[1]])).collect();
    assert_eq!(got, want);
    assert_eq!(result, [0x04, 0, 0, 3, 1, 3, 2]);
}

#[test]
fn the_result_follows_the_data_sheets_table() {
    // MT, head, last sector of two; the next ID.
    for (mt, head, r, want) in [
        (0x00, 0, 5, [7, 0, 7]),
        (0x00, 0, 17, [8, 0, 1]),
        (0x00, 1, 5, [7, 1, 7]),
        (0x00, 1, 17, [8, 1, 1]),
        (0x80, 0, 5, [7, 0, 7]),
        (0x80, 0, 17, [7, 1, 1]),
        (0x80, 1, 5, [7, 1, 7]),
        (0x80, 1, 17, [8, 0, 1]),
    ] {
        let mut fdc = rig();
        seek(&mut fdc, 7);
        let (_, result) = read(&mut fdc, &read_command(0x46 | mt, head, [7, head, r], 18), 2 * SECTOR);
        assert_eq!(result[..3], [head << 2, 0, 0]);
        assert_eq!(result[3..6], want, "MT {mt:#x} head {head} from {r}");
    }
}

#[test]
fn without_tc_a_transfer_ends_at_eot_with_end_of_cylinder() {
    let mut fdc = rig();
    let (data, result) = read(&mut fdc, &read_command(0x46, 1, [0, 1, 17], 18), 0);
    assert_eq!(data.len(), 2 * SECTOR);
    assert_eq!(result, [0x44, 0x80, 0, 1, 1, 1, 2]);
}

#[test]
fn what_is_not_on_the_track_is_not_found() {
    let mut fdc = rig();
    for (bytes, want) in [
        (read_command(0x46, 0, [0, 0, 19], 36), [0x40, 0x04, 0x00, 0, 0, 19, 2]),
        (read_command(0x46, 0, [1, 0, 1], 18), [0x40, 0x04, 0x10, 1, 0, 1, 2]), // wrong cylinder
        (read_command(0x46, 1, [0, 0, 1], 18), [0x44, 0x04, 0x00, 0, 0, 1, 2]), // wrong head in the ID
        ([0x46, 0, 0, 0, 1, 3, 18, 0x1b, 0xff], [0x40, 0x04, 0x00, 0, 0, 1, 3]), // wrong size
        (read_command(0x06, 0, [0, 0, 1], 18), [0x40, 0x01, 0x00, 0, 0, 1, 2]), // single density
    ] {
        let before = fdc.now();
        assert_eq!(read(&mut fdc, &bytes, 0), (vec![], want.to_vec()), "{bytes:x?}");
        let took = fdc.now().since(before).0 * SPEED / 1_000_000_000;
        assert!((200..=401).contains(&took), "two index pulses, not {took} ms");
    }
    seek(&mut fdc, 81);
    assert_eq!(read(&mut fdc, &read_command(0x46, 0, [81, 0, 1], 18), 0).1[..3], [0x40, 1, 0], "past the last track");
}

#[test]
fn another_data_rate_finds_no_address_mark() {
    let mut fdc = with(FloppyKind::M1440, medium(1440), 0);
    assert_eq!(read(&mut fdc, &[0x4a, 0], 0).1[..3], [0x40, 0x01, 0]);
    fdc.write(DIR, 2);
    assert_eq!(read(&mut fdc, &[0x4a, 4], 0).1[..5], [0x04, 0, 0, 0, 1]);
}

#[test]
fn before_a_rate_is_chosen_any_medium_is_read_from_any_cylinder() {
    let mut fdc = with(FloppyKind::M1440, medium(2880), 2);
    assert_eq!(read(&mut fdc, &[0x4a, 0], 0).1[..2], [0x40, 0x01]);
    fdc.reset(ferrite_core::device::ResetKind::Hard);
    fdc.write(DOR, 0x1c);
    fdc.pass(VTime::ms(1));
    for _ in 0..4 {
        command(&mut fdc, &[8]);
    }
    assert_eq!(read(&mut fdc, &[0x4a, 0], 0).1[0], 0);
    let (data, _) = read(&mut fdc, &read_command(0x46, 0, [9, 0, 1], 18), 512);
    assert_eq!(u16::from_le_bytes([data[0], data[1]]), 9 * 36, "and the transfer seeks");
}

#[test]
fn read_id_tells_which_sector_comes_next() {
    let mut fdc = rig();
    let mut seen: Vec<_> = (0..18).map(|_| read(&mut fdc, &[0x4a, 0], 0).1[5]).collect();
    assert!(seen.windows(2).all(|w| w[1] == w[0] % 18 + 1), "{seen:?}: one after the other");
    seen.sort_unstable();
    assert_eq!(seen, (1..=18).collect::<Vec<_>>());
}

#[test]
fn a_track_takes_a_turn_and_an_index() {
    let mut fdc = rig().device;
    fdc.speed = 1;
    let mut fdc = Rig::new(fdc);
    fdc.write(DOR, 0x1c);
    fdc.write(DIR, 0);
    let (data, result) = read(&mut fdc, &read_command(0x46, 0, [0, 0, 1], 18), 18 * SECTOR);
    assert_eq!((data.len(), result[0]), (18 * SECTOR, 0));
    let ms = fdc.now().0 / 1_000_000_000;
    assert!((190..=200).contains(&ms), "{ms} ms from index to the last sector");
    read(&mut fdc, &read_command(0x46, 1, [0, 1, 1], 18), 18 * SECTOR);
    let ms = fdc.now().0 / 1_000_000_000;
    assert!((390..=400).contains(&ms), "{ms} ms: the other side begins at once");
}

#[test]
fn what_is_written_is_read_back_and_tc_in_a_sector_fills_it_with_zeros() {
    let mut fdc = rig();
    let data: Vec<_> = (0..700u32).map(|n| n as u8 | 1).collect();
    let result = write(&mut fdc, &read_command(0xc5, 0, [0, 0, 18], 18), &data, 700);
    assert_eq!(result, [0x04, 0, 0, 0, 1, 2, 2]);
    let (back, _) = read(&mut fdc, &read_command(0xe6, 0, [0, 0, 18], 18), 1024);
    assert_eq!(back[..700], data);
    assert!(back[700..].iter().all(|b| *b == 0));
}

#[test]
fn a_closed_notch_refuses_writes_and_formats() {
    let disk = Box::new(ReadOnly(MemDisk::new(image(2880))));
    let mut fdc = with(FloppyKind::M1440, Some(disk), 0);
    assert_eq!(write(&mut fdc, &read_command(0x45, 0, [0, 0, 1], 18), &[], 0)[..3], [0x40, 0x02, 0]);
    assert_eq!(write(&mut fdc, &[0x4d, 0, 2, 18, 0x54, 0xf6], &[], 0)[..3], [0x40, 0x02, 0]);
    assert_eq!(command(&mut fdc, &[4, 0]), [0x78], "ST3 shows it");
}

#[test]
fn a_host_error_is_a_data_error_or_a_fault_of_the_drive() {
    struct Broken;
    impl Disk for Broken {
        fn sectors(&self) -> u64 {
            2880
        }
        fn read(&mut self, _: u64, _: &mut [u8]) -> Result<(), DiskError> {
            Err(DiskError)
        }
        fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DiskError> {
            Err(DiskError)
        }
    }
    let mut fdc = with(FloppyKind::M1440, Some(Box::new(Broken)), 0);
    assert_eq!(read(&mut fdc, &read_command(0x46, 0, [0, 0, 2], 18), 0).1, [0x40, 0x20, 0x20, 0, 0, 2, 2]);
    assert_eq!(write(&mut fdc, &read_command(0x45, 0, [0, 0, 2], 18), &[0; SECTOR], 512)[..3], [0x50, 0, 0]);
}

#[test]
fn formatting_fills_a_track_and_can_change_the_layout() {
    let ids = |c: u8, sectors: u8| (1..=sectors).flat_map(|r| [c, 0, r, 2]).collect::<Vec<_>>();
    let mut fdc = rig();
    seek(&mut fdc, 5);
    assert_eq!(write(&mut fdc, &[0x4d, 0, 2, 18, 0x54, 0xe5], &ids(5, 18), 72)[..3], [0, 0, 0]);
    let (data, _) = read(&mut fdc, &read_command(0x46, 0, [5, 0, 18], 18), 512);
    assert_eq!(data, [0xe5; 512]);
    assert_eq!(command(&mut fdc, &[0x0e])[6], 18, "DUMPREG shows EOT");

    command(&mut fdc, &[7, 0]);
    run(&mut fdc, 0, |_, _, _| ());
    assert_eq!(command(&mut fdc, &[8]), [0x20, 0]);
    fdc.write(DIR, 2);
    assert_eq!(write(&mut fdc, &[0x4d, 0, 2, 9, 0x54, 0xf6], &ids(0, 9), 36)[..3], [0, 0, 0]);
    let (data, result) = read(&mut fdc, &read_command(0x46, 0, [0, 0, 9], 9), 512);
    assert_eq!((data[0], result[0], &result[3..]), (0xf6, 0, &[1, 0, 1, 2][..]));
    assert_eq!(fdc.device.geometry(0).map(|g| (g.cylinders, g.sectors)), Some((80, 9)));
}

#[test]
fn the_change_line_needs_a_step_with_a_medium() {
    let mut fdc = rig();
    assert_eq!(fdc.read(DIR), 0xff);
    seek(&mut fdc, 0);
    assert_eq!(fdc.read(DIR), 0xff, "no step, no news");
    seek(&mut fdc, 1);
    assert_eq!(fdc.read(DIR), 0x7f);
    assert!(fdc.device.insert(0, None).is_some());
    assert_eq!(fdc.read(DIR), 0xff);
    seek(&mut fdc, 0);
    assert_eq!(fdc.read(DIR), 0xff, "an empty drive");
    fdc.device.insert(0, medium(1440));
    seek(&mut fdc, 1);
    assert_eq!(fdc.read(DIR), 0x7f);
    assert!(fdc.device.insert(2, medium(1440)).is_none(), "no such drive");
}

#[test]
fn a_command_on_an_empty_drive_waits_until_there_is_a_disk_or_a_reset() {
    let mut fdc = with(FloppyKind::M1440, None, 0);
    command(&mut fdc, &read_command(0x46, 0, [0, 0, 1], 18));
    fdc.pass(VTime::s(5));
    assert!(!fdc.level(INT));
    assert_eq!(fdc.read(MSR), CMD_BSY);
    fdc.device.insert(0, medium(2880));
    fdc.pass(VTime::s(1));
    assert!(fdc.level(INT), "without DMA cycles the data overruns");
    assert_eq!(result(&mut fdc)[..3], [0x40, 0x10, 0]);
    fdc.write(DOR, 0x0c); // motor off
    command(&mut fdc, &[0x4a, 0]);
    fdc.pass(VTime::s(5));
    assert_eq!(fdc.read(MSR), CMD_BSY);
    fdc.write(DOR, 0x08);
    fdc.write(DOR, 0x0c);
    assert_eq!(fdc.read(MSR), RQM);
}

#[test]
fn recalibrate_finds_track_0_or_gives_up_after_79_steps() {
    let mut fdc = rig();
    seek(&mut fdc, 82);
    for want in [0x70, 0x20] {
        command(&mut fdc, &[7, 0]);
        run(&mut fdc, 0, |_, _, _| ());
        assert_eq!(command(&mut fdc, &[8]), [want, 0]);
    }
    assert_eq!(command(&mut fdc, &[4, 0]), [0x38], "ST3: track 0");
    fdc.write(DOR, 0x4e); // drive 2 is not there
    command(&mut fdc, &[7, 2]);
    run(&mut fdc, 0, |_, _, _| ());
    assert_eq!(command(&mut fdc, &[8]), [0x72, 0]);
}

#[test]
fn a_relative_seek_moves_from_where_the_head_is() {
    let mut fdc = rig();
    seek(&mut fdc, 10);
    for (code, n, want) in [(0xcf, 3, 13), (0x8f, 5, 8)] {
        command(&mut fdc, &[code, 0, n]);
        run(&mut fdc, 0, |_, _, _| ());
        assert_eq!(command(&mut fdc, &[8]), [0x20, want]);
        assert_eq!(read(&mut fdc, &[0x4a, 0], 0).1[3], want);
    }
}

#[test]
fn seeks_take_their_step_rate() {
    let mut fdc = rig();
    let before = fdc.now();
    seek(&mut fdc, 40); // SRT = Dh: 3 ms at 500 kbit/s
    assert_eq!(fdc.now().since(before).0 / 1_000_000_000, 120);
    fdc.write(DIR, 2);
    let before = fdc.now();
    seek(&mut fdc, 0);
    assert_eq!(fdc.now().since(before).0 / 1_000_000_000, 240);
}

#[test]
fn two_drives_seek_at_once_and_each_is_sensed() {
    let mut fdc = rig();
    command(&mut fdc, &[0x0f, 0, 10]);
    fdc.write(DOR, 0x2d);
    command(&mut fdc, &[0x0f, 1, 20]);
    assert_eq!(fdc.read(MSR), RQM | 3);
    fdc.pass(VTime::s(1));
    assert_eq!(command(&mut fdc, &[8]), [0x20, 10]);
    assert!(fdc.level(INT));
    assert_eq!(command(&mut fdc, &[8]), [0x21, 20]);
    assert!(!fdc.level(INT));
    assert_eq!([0, 1].map(|n| fdc.device.drives[n].as_ref().unwrap().position), [10, 20]);
}

#[test]
fn an_implied_seek_comes_before_the_read() {
    let mut fdc = rig();
    command(&mut fdc, &[0x13, 0, 0x40, 0]);
    let (data, result) = read(&mut fdc, &read_command(0x46, 0, [9, 0, 1], 18), 512);
    assert_eq!(u16::from_le_bytes([data[0], data[1]]), 9 * 36);
    assert_eq!(result[0], 0x20, "SE");
}

#[test]
fn verify_counts_without_moving_data() {
    let mut fdc = rig();
    // EC, SC = 3; then without EC up to EOT; then SC beyond EOT.
    for (ec, eot, sc, want) in [
        (0x80, 18, 3, [0x00, 0, 0, 0, 0, 4, 2]),
        (0x00, 18, 0xff, [0x00, 0, 0, 1, 0, 1, 2]),
        (0x80, 4, 5, [0x40, 0x80, 0, 1, 0, 1, 2]),
        (0x00, 19, 0xff, [0x40, 0x04, 0, 0, 0, 19, 2]),
    ] {
        assert_eq!(read(&mut fdc, &[0x56, ec, 0, 0, 1, 2, eot, 0x1b, sc], 0), (vec![], want.to_vec()));
    }
}

#[test]
fn read_track_begins_at_the_index_whatever_the_number() {
    let mut fdc = rig();
    fdc.pass(VTime::ms(7));
    let (data, result) = read(&mut fdc, &read_command(0x42, 0, [0, 0, 5], 3), 3 * SECTOR);
    assert_eq!(data, image(3));
    assert_eq!(result[..3], [0, 0x04, 0], "ND: the numbers are others");
}

#[test]
fn a_sector_without_the_mark_ends_read_deleted_data_or_is_skipped() {
    let mut fdc = rig();
    let (data, result) = read(&mut fdc, &read_command(0x4c, 0, [0, 0, 2], 18), 0);
    assert_eq!((data.len(), &result[..]), (SECTOR, &[0, 0, 0x40, 0, 0, 2, 2][..]));
    let (data, result) = read(&mut fdc, &read_command(0x6c, 0, [0, 0, 17], 18), 0);
    assert_eq!((data.len(), &result[..3]), (0, &[0x40, 0x80, 0x40][..]));
}

#[test]
fn scans_stop_at_the_first_sector_that_meets_the_condition() {
    let mut sector = image(8)[6 * SECTOR..7 * SECTOR].to_vec();
    let all = |s: &[u8]| s.repeat(18);
    let scan = |code, stp| [code, 0, 0, 0, 1, 2, 18, 0x1b, stp];
    let mut fdc = rig();
    assert_eq!(write(&mut fdc, &scan(0x51, 1), &all(&sector), 0), [0, 0, 0x08, 0, 0, 7, 2], "equal: SH");
    assert_eq!(write(&mut fdc, &scan(0x51, 2), &all(&sector), 0)[5], 7, "every other sector meets it");
    sector[1] = 0xff; // met by anything
    sector[100] = 5;
    assert_eq!(write(&mut fdc, &scan(0x59, 1), &all(&sector), 0), [0, 0, 0, 0, 0, 1, 2], "low or equal: neither bit");
    assert_eq!(write(&mut fdc, &scan(0x51, 1), &all(&sector), 0)[..3], [0, 0, 0x04], "not satisfied: SN");
    assert_eq!(write(&mut fdc, &scan(0x5d, 1), &all(&sector), 0)[5], 7, "high or equal");
}

#[test]
fn without_dma_each_byte_is_asked_for_by_an_interrupt() {
    let mut fdc = rig();
    command(&mut fdc, &[3, 0xdf, 0x03]);
    command(&mut fdc, &read_command(0x46, 0, [0, 0, 18], 18));
    assert_eq!(fdc.read(MSR), CMD_BSY | NON_DMA);
    fdc.pass(VTime::ms(30));
    fdc.take_rises(INT);
    let mut data = Vec::new();
    while fdc.read(MSR) == RQM | DIO | NON_DMA | CMD_BSY {
        assert!(fdc.level(INT));
        data.push(fdc.read(FIFO));
    }
    assert_eq!(data, image(18)[17 * SECTOR..]);
    assert_eq!(fdc.take_rises(INT), 512, "511 more bytes and the result");
    assert_eq!(result(&mut fdc)[..3], [0x40, 0x80, 0], "no TC: the end of the cylinder");

    command(&mut fdc, &read_command(0x45, 1, [0, 1, 18], 18));
    for n in 0..512u32 {
        assert_eq!(fdc.read(MSR), RQM | NON_DMA | CMD_BSY);
        if n == 100 {
            fdc.pass(VTime::s(1)); // the disk waits for a slow host
        }
        fdc.write(FIFO, n as u8);
    }
    fdc.pass(VTime::ms(30));
    assert_eq!(result(&mut fdc)[..3], [0x44, 0x80, 0]);
    command(&mut fdc, &[3, 0xdf, 0x02]);
    let (back, _) = read(&mut fdc, &read_command(0x46, 1, [0, 1, 18], 18), 512);
    assert!(back.iter().enumerate().all(|(n, b)| *b == n as u8));
}

#[test]
fn a_5_inch_drive_reads_both_its_media() {
    let mut fdc = with(FloppyKind::M1200, medium(2400), 0);
    let (_, result) = read(&mut fdc, &read_command(0x46, 1, [0, 1, 15], 15), 512);
    assert_eq!(result, [0x04, 0, 0, 1, 1, 1, 2]);
    let mut fdc = with(FloppyKind::M1200, medium(720), 1);
    seek(&mut fdc, 10);
    let (data, _) = read(&mut fdc, &read_command(0x46, 0, [5, 0, 1], 9), 512);
    assert_eq!(u16::from_le_bytes([data[0], data[1]]), 5 * 18, "two steps a cylinder");
}

#[test]
fn an_extra_density_disk_is_read_at_1_mbit_s() {
    let mut fdc = with(FloppyKind::M2880, medium(5760), 3);
    let (data, result) = read(&mut fdc, &read_command(0x46, 0, [0, 0, 36], 36), 512);
    assert_eq!((u16::from_le_bytes([data[0], data[1]]), result[0]), (35, 0));
}

#[test]
fn a_transfer_goes_on_after_loading() {
    for at in [0, 100, 700] {
        let mut fdc = rig();
        command(&mut fdc, &read_command(0xc6, 0, [0, 0, 17], 18));
        let mut data = Vec::new();
        while data.len() < at {
            if fdc.level(DRQ) {
                data.push(fdc.with(|d, cx| d.dma_read(cx, false)) as u8);
            } else {
                let next = fdc.next_event().unwrap();
                fdc.pass_until(next);
            }
        }
        let drive = |medium| Some(FloppyDrive { kind: FloppyKind::M1440, medium });
        let mut other = I82077::new([drive(medium(2880)), drive(None)]);
        other.load(fdc.device.save()).unwrap();
        let mut loaded = fdc.restored(other);
        let rest = |f: &mut Rig<I82077>| {
            let mut data = Vec::new();
            let result = run(f, 4 * SECTOR - at, |f, _, last| data.push(f.with(|d, cx| d.dma_read(cx, last)) as u8));
            (data, result)
        };
        assert_eq!(rest(&mut loaded), rest(&mut fdc), "after {at} bytes");
    }
}
