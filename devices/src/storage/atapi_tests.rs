//! What a CD-ROM drive does on a channel, in sentences.

use ferrite_core::device::Width;
use ferrite_core::rig::Rig;
use ferrite_core::time::VTime;

use crate::host::{Disk, IdeDrive, MemDisk};
use crate::storage::cd_sector::msf;
use crate::storage::channel::{CONTROL, COUNT, DATA, DEVICE, ERROR, LBA_HIGH, LBA_LOW, LBA_MID, STATUS};
use crate::storage::interface::{ABRT, BSY, DRDY, DRQ, DSC, ERR};
use crate::storage::isa_ide::{INTRQ, IsaIde};

/// Sectors of the medium; the image ends 512 bytes into the last.
const BLOCKS: u32 = 40;
/// Interrupt reasons: the packet, data to the host, the status.
const PACKET: u8 = 1;
const TO_HOST: u8 = 2;
const DONE: u8 = 3;

/// Sectors begin with their number.
fn medium() -> Option<Box<dyn Disk>> {
    let mut bytes = vec![0x77; (BLOCKS as usize - 1) * 2048 + 512];
    for (n, s) in (0u32..).zip(bytes.chunks_mut(2048)) {
        s[..4].copy_from_slice(&n.to_le_bytes());
    }
    Some(Box::new(MemDisk::new(bytes)))
}

/// A drive with the medium in it, whose unit attention after power-on was seen.
fn rig() -> Rig<IsaIde> {
    let mut cd = Rig::new(IsaIde::new([Some(IdeDrive::Cdrom(medium())), None]));
    assert_eq!(sense_of(&mut cd, &[0]), [6, 0x29, 0]);
    cd
}

fn wait(cd: &mut Rig<IsaIde>) -> u8 {
    cd.pass(VTime::ms(2));
    assert!(cd.level(INTRQ), "the interrupt came");
    cd.read(STATUS)
}

fn send(cd: &mut Rig<IsaIde>, packet: &[u8], limit: u16) {
    let [low, high] = limit.to_le_bytes();
    for (at, v) in [(DEVICE, 0xa0), (ERROR, 0), (LBA_MID, low), (LBA_HIGH, high), (STATUS, 0xa0)] {
        cd.write(at, v);
    }
    assert_eq!(cd.read(CONTROL), BSY);
    cd.pass(VTime::us(50));
    assert_eq!((cd.read(CONTROL) & (BSY | DRQ), cd.read(COUNT)), (DRQ, PACKET));
    let mut whole = [0; 12];
    whole[..packet.len()].copy_from_slice(packet);
    for word in whole.chunks(2) {
        cd.write_wide(DATA, Width::B2, u64::from(word[0]) | u64::from(word[1]) << 8);
    }
}

/// Sends a packet and takes all data: the blocks, and the last status.
fn run(cd: &mut Rig<IsaIde>, packet: &[u8], limit: u16) -> (Vec<Vec<u8>>, u8) {
    send(cd, packet, limit);
    let mut blocks = Vec::new();
    loop {
        let status = wait(cd);
        if status & DRQ == 0 {
            assert_eq!(cd.read(COUNT), DONE);
            return (blocks, status);
        }
        assert_eq!(cd.read(COUNT), TO_HOST);
        let len = usize::from(u16::from_le_bytes([cd.read(LBA_MID), cd.read(LBA_HIGH)]));
        let mut block = Vec::new();
        for _ in 0..len.div_ceil(2) {
            block.extend((cd.read_wide(DATA, Width::B2) as u16).to_le_bytes());
        }
        block.truncate(len);
        blocks.push(block);
    }
}

fn data(cd: &mut Rig<IsaIde>, packet: &[u8]) -> Vec<u8> {
    let (blocks, status) = run(cd, packet, 0xfffe);
    assert_eq!(status, DRDY | DSC, "{packet:x?}");
    blocks.concat()
}

/// The sense data after a command that failed: key, code, qualifier; all zero when it did not fail.
fn sense_of(cd: &mut Rig<IsaIde>, packet: &[u8]) -> [u8; 3] {
    let (_, status) = run(cd, packet, 0xfffe);
    let error = cd.read(ERROR);
    let sense = data(cd, &[0x03, 0, 0, 0, 18]);
    assert_eq!(sense.len(), 18);
    assert_eq!((status & ERR != 0, error >> 4), (sense[2] != 0, sense[2]));
    [sense[2], sense[12], sense[13]]
}

#[test]
fn a_packet_device_shows_its_signature_and_aborts_identify_device() {
    let mut cd = rig();
    for (at, v) in [(CONTROL, 4), (CONTROL, 0)] {
        cd.write(at, v);
    }
    assert_eq!(cd.read(CONTROL), BSY);
    cd.pass(VTime::ms(2));
    let registers = [COUNT, LBA_LOW, LBA_MID, LBA_HIGH, STATUS];
    assert_eq!(registers.map(|at| cd.read(at)), [1, 1, 0x14, 0xeb, 0]);
    cd.write(DEVICE, 0xb0);
    assert_eq!(registers.map(|at| cd.read(at)), [0; 5], "it does not show twice");
    for (at, v) in [(DEVICE, 0xa0), (LBA_MID, 0), (STATUS, 0xec)] {
        cd.write(at, v);
    }
    assert_eq!(wait(&mut cd) & ERR, ERR);
    assert_eq!([ERROR, LBA_MID, LBA_HIGH].map(|at| cd.read(at)), [ABRT, 0x14, 0xeb]);
    cd.write(STATUS, 0xa1);
    assert_eq!(wait(&mut cd) & DRQ, DRQ);
    assert_eq!(cd.read_wide(DATA, Width::B2), 0x85c0);
}

#[test]
fn blocks_keep_to_the_byte_count_limit() {
    let mut cd = rig();
    let read = [0x28, 0, 0, 0, 0, 3, 0, 0, 3];
    let lens = |blocks: &[Vec<u8>]| blocks.iter().map(Vec::len).collect::<Vec<_>>();
    for (limit, want) in [
        (2048, vec![2048; 3]),
        (0xfffe, vec![6144]),
        (5000, vec![4096, 2048]),
        (1001, [vec![1000; 6], vec![144]].concat()),
        (0, vec![6144]),
    ] {
        let (blocks, status) = run(&mut cd, &read, limit);
        assert_eq!((lens(&blocks), status), (want, DRDY | DSC), "limit {limit}");
        let all = blocks.concat();
        assert_eq!([all[0], all[2048], all[4096], all[4095]], [3, 4, 5, 0x77], "limit {limit}");
    }
}

#[test]
fn an_odd_answer_ends_in_half_a_word() {
    let mut cd = rig();
    let (blocks, _) = run(&mut cd, &[0x12, 0, 0, 0, 5], 0xfffe);
    assert_eq!(blocks, [[0x05, 0x80, 0x00, 0x21, 31]]);
}

#[test]
fn an_image_that_ends_inside_a_sector_is_padded() {
    let mut cd = rig();
    assert_eq!(data(&mut cd, &[0x25]), [0, 0, 0, BLOCKS as u8 - 1, 0, 0, 8, 0]);
    let last = data(&mut cd, &[0x28, 0, 0, 0, 0, BLOCKS as u8 - 1, 0, 0, 1]);
    assert_eq!((last[0], last[511], last[512], last[2047]), (BLOCKS as u8 - 1, 0x77, 0, 0));
    assert_eq!(sense_of(&mut cd, &[0x28, 0, 0, 0, 0, BLOCKS as u8 - 1, 0, 0, 2]), [5, 0x21, 0]);
    assert_eq!(sense_of(&mut cd, &[0xa8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2]), [5, 0x21, 0]);
}

#[test]
fn the_table_of_contents_has_three_formats() {
    let mut cd = rig();
    let toc = data(&mut cd, &[0x43, 0, 0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(toc, [0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 0, BLOCKS as u8]);
    let toc = data(&mut cd, &[0x43, 2, 0, 0, 0, 0, 0xaa, 1, 0]);
    let [m, s, f] = msf(BLOCKS);
    assert_eq!(toc, [0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, m, s, f]);
    let sessions = [0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0];
    assert_eq!(data(&mut cd, &[0x43, 0, 1, 0, 0, 0, 0, 1, 0]), sessions);
    assert_eq!(data(&mut cd, &[0x43, 0, 0, 0, 0, 0, 0, 1, 0, 0x40]), sessions, "the format in SFF-8020i's place");
    let raw = data(&mut cd, &[0x43, 2, 2, 0, 0, 0, 0, 1, 0]);
    assert_eq!((raw.len(), raw[4 + 3], raw[4 + 22 + 3], raw[4 + 33 + 3]), (48, 0xa0, 0xa2, 1));
    assert_eq!(data(&mut cd, &[0x43, 0, 0, 0, 0, 0, 0, 0, 4]), [0, 18, 1, 1], "cut to the room that the host has");
    assert_eq!(sense_of(&mut cd, &[0x43, 0, 0, 0, 0, 0, 2, 1, 0]), [5, 0x24, 0]);
}

#[test]
fn a_raw_sector_has_all_its_parts() {
    let mut cd = rig();
    let raw = data(&mut cd, &[0xbe, 0, 0, 0, 0, 7, 0, 0, 2, 0xf8]);
    assert_eq!(raw.len(), 2 * 2352);
    assert_eq!((raw[0], raw[1], &raw[12..17], raw[2352 + 16]), (0, 0xff, &[0, 2, 7, 1, 7][..], 8));
    let [from, to] = [msf(7), msf(9)];
    let packet = [0xb9, 0, 0, from[0], from[1], from[2], to[0], to[1], to[2], 0xf8];
    assert_eq!(data(&mut cd, &packet), raw);
    assert_eq!(data(&mut cd, &[0xbe, 0, 0, 0, 0, 7, 0, 0, 2, 0x10]).len(), 4096);
    assert_eq!(sense_of(&mut cd, &[0xbe, 4, 0, 0, 0, 7, 0, 0, 2, 0x10]), [5, 0x64, 0], "not an audio track");
    assert_eq!(data(&mut cd, &[0xbe, 0, 0, 0, 0, 7, 0, 0, 2, 0]).len(), 0);
}

#[test]
fn a_change_of_medium_is_told_once_and_as_an_event() {
    let mut cd = rig();
    let event = [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8];
    assert_eq!(data(&mut cd, &event)[4..6], [0, 2]);
    cd.with(|d, _| assert!(d.insert(0, None)));
    assert_eq!(sense_of(&mut cd, &[0]), [2, 0x3a, 1]);
    assert_eq!(data(&mut cd, &event)[4..6], [3, 0], "removed");
    cd.with(|d, _| assert!(d.insert(0, medium())));
    assert_eq!(data(&mut cd, &event)[4..6], [2, 2], "new");
    assert_eq!(data(&mut cd, &event)[4..6], [0, 2], "an event is told once");
    assert_eq!(data(&mut cd, &[0x12, 0, 0, 0, 36]).len(), 36, "INQUIRY leaves the condition alone");
    assert_eq!(sense_of(&mut cd, &[0]), [6, 0x28, 0]);
    assert_eq!(sense_of(&mut cd, &[0]), [0, 0, 0]);
    cd.with(|d, _| assert!(!d.insert(1, medium()), "no such drive"));
}

#[test]
fn the_tray_opens_and_closes_and_can_be_locked() {
    let mut cd = rig();
    data(&mut cd, &[0x1e, 0, 0, 0, 1]);
    assert_eq!(sense_of(&mut cd, &[0x1b, 0, 0, 0, 2]), [5, 0x53, 2]);
    cd.with(|d, _| assert!(!d.eject(0)));
    assert_eq!(data(&mut cd, &[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8])[4], 1, "the user asks for it");
    data(&mut cd, &[0x1e, 0, 0, 0, 0]);
    data(&mut cd, &[0x1b, 0, 0, 0, 2]);
    assert_eq!(sense_of(&mut cd, &[0x25]), [2, 0x3a, 2]);
    assert_eq!(data(&mut cd, &[0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8])[1], 0x10);
    data(&mut cd, &[0x1b, 0, 0, 0, 3]);
    assert_eq!(sense_of(&mut cd, &[0]), [6, 0x28, 0]);
    assert_eq!(data(&mut cd, &[0x25])[3], BLOCKS as u8 - 1);
}

#[test]
fn mode_pages_are_told_changed_and_refused() {
    let mut cd = rig();
    let sense = |cd: &mut Rig<IsaIde>, page: u8| data(cd, &[0x5a, 0, page, 0, 0, 0, 0, 1, 0]);
    let all = sense(&mut cd, 0x3f);
    assert_eq!((all.len(), all[1], all[2]), (8 + 12 + 8 + 16 + 22, all.len() as u8 - 2, 1));
    assert_eq!(sense(&mut cd, 0x2a)[8..10], [0x2a, 0x14]);
    assert_eq!(data(&mut cd, &[0x1a, 0, 0x0e, 0, 0xff])[..6], [19, 1, 0, 0, 0x0e, 0x0e]);
    assert_eq!(sense_of(&mut cd, &[0x5a, 0, 0xc1, 0, 0, 0, 0, 1, 0]), [5, 0x39, 0], "nothing is saved");
    assert_eq!(sense_of(&mut cd, &[0x5a, 0, 0x05, 0, 0, 0, 0, 1, 0]), [5, 0x24, 0]);

    let select = |cd: &mut Rig<IsaIde>, list: &[u8]| {
        send(cd, &[0x55, 0x10, 0, 0, 0, 0, 0, 0, list.len() as u8], 0xfffe);
        assert_eq!(wait(cd) & DRQ, DRQ);
        assert_eq!((cd.read(COUNT), cd.read(LBA_MID)), (0, list.len() as u8));
        for word in list.chunks(2) {
            cd.write_wide(DATA, Width::B2, u64::from(word[0]) | u64::from(word[1]) << 8);
        }
        wait(cd)
    };
    let page = [0x01, 0x0a, 0xff, 0x09, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(select(&mut cd, &[&[0; 8][..], &page].concat()), DRDY | DSC);
    assert_eq!(sense(&mut cd, 0x01)[8..12], [0x01, 0x0a, 0x37, 0x09], "only what can change");
    assert_eq!(select(&mut cd, &[&[0; 8][..], &[0x3e, 0]].concat()) & ERR, ERR);
    assert_eq!(cd.read(ERROR) >> 4, 5);
}

#[test]
fn audio_and_unknown_commands_are_refused_politely() {
    let mut cd = rig();
    assert_eq!(sense_of(&mut cd, &[0x47]), [5, 0x64, 0]);
    assert_eq!(sense_of(&mut cd, &[0x4b]), [5, 0x64, 0]);
    assert_eq!(sense_of(&mut cd, &[0x2a]), [5, 0x20, 0], "a CD-ROM drive does not write");
    assert_eq!(sense_of(&mut cd, &[0xff]), [5, 0x20, 0]);
}

#[test]
fn the_configuration_names_the_current_profile() {
    let mut cd = rig();
    let all = data(&mut cd, &[0x46, 0, 0, 0, 0, 0, 0, 1, 0]);
    assert_eq!((all[3] as usize + 4, &all[6..12]), (all.len(), &[0, 8, 0, 0, 3, 8][..]));
    assert_eq!(data(&mut cd, &[0x46, 2, 0, 0x1e, 0, 0, 0, 1, 0])[8..], [0, 0x1e, 1, 4, 0, 0, 0, 0]);
    cd.with(|d, _| d.insert(0, None));
    assert_eq!(data(&mut cd, &[0x46, 0, 0, 0, 0, 0, 0, 0, 8])[6..], [0, 0]);
}

#[test]
fn information_about_disc_track_and_sub_channel_has_its_length() {
    let mut cd = rig();
    for (packet, len) in [
        (&[0x51, 0, 0, 0, 0, 0, 0, 1, 0][..], 34),
        (&[0x52, 1, 0, 0, 0, 1, 0, 1, 0], 28),
        (&[0x42, 2, 0x40, 1, 0, 0, 0, 1, 0], 16),
        (&[0x42, 2, 0x40, 2, 0, 0, 0, 1, 0], 24),
        (&[0x42, 2, 0x40, 3, 0, 0, 1, 1, 0], 24),
        (&[0x23, 0, 0, 0, 0, 0, 0, 1, 0], 12),
        (&[0x44, 0, 0, 0, 0, 1, 0, 1, 0], 8),
    ] {
        assert_eq!(data(&mut cd, packet).len(), len, "{packet:x?}");
    }
}

#[test]
fn device_reset_works_while_busy_and_without_an_interrupt() {
    let mut cd = rig();
    send(&mut cd, &[0x28, 0, 0, 0, 0, 0, 0, 0, 1], 0xfffe);
    assert_eq!(cd.read(CONTROL), BSY);
    cd.write(STATUS, 0x08);
    cd.pass(VTime::ms(2));
    assert!(!cd.level(INTRQ));
    assert_eq!([ERROR, LBA_MID, LBA_HIGH, STATUS].map(|at| cd.read(at)), [1, 0x14, 0xeb, 0]);
    assert_eq!(sense_of(&mut cd, &[0]), [0; 3], "the medium's state is kept");
}
