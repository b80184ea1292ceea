//! A raw sector of a data CD, made from its 2048 bytes of user data.
//!
//! Document: ECMA-130, Data interchange on read-only 120 mm optical data disks, "Sector Mode (01)", Annex A "Error correction
//! encoding by RSPC", "EDC field"; MMC-3, "READ CD" for the parts.

use super::atapi::BLOCK;

/// READ CD, byte 9: synchronization.
pub const SYNC: u8 = 0x80;
/// Header of four bytes; the code's other bit asks for a sub-header, which mode 1 does not have.
pub const HEADER: u8 = 0x20;
/// User data.
pub const USER: u8 = 0x10;
/// EDC and ECC.
pub const EDC: u8 = 0x08;

const SYNC_LEN: usize = 12;
const RAW: usize = 2352;
/// From the header to the end of P parity: what Q parity protects.
const EDC_AT: usize = 2064;
const P_AT: usize = 2076;
const Q_AT: usize = 2248;

/// Parts of a raw sector in the order of their places: flag, begin, end.
const PARTS: [(u8, usize, usize); 4] =
    [(SYNC, 0, SYNC_LEN), (HEADER, SYNC_LEN, 16), (USER, 16, EDC_AT), (EDC, EDC_AT, RAW)];

/// Bytes of these parts.
pub fn len(parts: u8) -> usize {
    PARTS.iter().filter(|(flag, ..)| parts & flag != 0).map(|(_, begin, end)| end - begin).sum()
}

/// Minute, second and frame of a sector on the disc. Past 99:59:74, which no CD reaches, the last.
pub fn msf(lba: u32) -> [u8; 3] {
    let frames = lba.saturating_add(150).min(100 * 60 * 75 - 1);
    [frames / (60 * 75), frames / 75 % 60, frames % 75].map(|n| n as u8)
}

/// The sector of an address in minutes, seconds and frames.
pub fn lba([m, s, f]: [u8; 3]) -> Option<u32> {
    let frames = (u32::from(m) * 60 + u32::from(s)) * 75 + u32::from(f);
    if s < 60 && f < 75 { frames.checked_sub(150) } else { None }
}

/// Writes the parts that were asked for of sector `lba` with this user data.
pub fn write(parts: u8, lba: u32, user: &[u8; BLOCK], out: &mut [u8]) {
    let raw = raw(lba, user);
    let wanted = PARTS.iter().filter(|(flag, ..)| parts & flag != 0).flat_map(|(_, begin, end)| &raw[*begin..*end]);
    out.iter_mut().zip(wanted).for_each(|(to, from)| *to = *from);
}

fn raw(lba: u32, user: &[u8; BLOCK]) -> [u8; RAW] {
    let mut s = [0; RAW];
    s[1..11].fill(0xff);
    let bcd = |n: u8| (n / 10) * 16 + n % 10;
    s[12..15].copy_from_slice(&msf(lba).map(bcd));
    s[15] = 1; // mode
    s[16..EDC_AT].copy_from_slice(user);
    let edc = edc(&s[..EDC_AT]);
    s[EDC_AT..EDC_AT + 4].copy_from_slice(&edc.to_le_bytes());
    parity(&mut s, 86, 24, 2, 86, P_AT);
    parity(&mut s, 52, 43, 86, 88, Q_AT);
    s
}

/// "EDC field": P(x) = (x^16 + x^15 + x^2 + 1) (x^16 + x^2 + x + 1), least significant bit first.
fn edc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc: u32, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| c >> 1 ^ if c & 1 != 0 { 0xd801_8001 } else { 0 })
    })
}

/// Multiplication by alpha in GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1.
const fn alpha(v: u8) -> u8 {
    v << 1 ^ if v & 0x80 != 0 { 0x1d } else { 0 }
}

/// 1 / (alpha + 1), by which the sum of a code word gives its first parity byte.
const OVER_ALPHA_PLUS_1: [u8; 256] = {
    let mut table = [0; 256];
    let mut v = 0;
    while v < 256 {
        table[(alpha(v as u8) ^ v as u8) as usize] = v as u8;
        v += 1;
    }
    table
};

/// Annex A: the two parity bytes of each of `vectors` code words of `len` bytes, through the bytes from the header on in
/// steps of `step`. Neighbours are bytes of one 16-bit word; words `next` apart begin the following vectors of Q, which are diagonals.
fn parity(s: &mut [u8; RAW], vectors: usize, len: usize, next: usize, step: usize, at: usize) {
    let size = vectors * len;
    for v in 0..vectors {
        let mut index = (v >> 1) * next + (v & 1);
        let (mut a, mut b) = (0u8, 0u8);
        for _ in 0..len {
            let byte = s[SYNC_LEN + index];
            index += step;
            if index >= size {
                index -= size;
            }
            a = alpha(a ^ byte);
            b ^= byte;
        }
        // Horner's sum is alpha * sum(alpha^k d): the word with both parities must vanish at 1 and at alpha.
        let first = OVER_ALPHA_PLUS_1[usize::from(alpha(a) ^ b)];
        s[at + v] = first;
        s[at + vectors + v] = first ^ b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> [u8; RAW] {
        raw(0x1234, &std::array::from_fn(|i| (i * 7 + i / 256) as u8))
    }

    #[test]
    fn every_code_word_of_both_parities_vanishes_at_1_and_at_alpha() {
        let s = sample();
        let body = &s[SYNC_LEN..];
        let check = |word: Vec<u8>, name: &str| {
            assert_eq!(word.iter().fold(0, |sum, b| sum ^ b), 0, "{name}: at 1");
            assert_eq!(word.iter().fold(0, |sum, b| alpha(sum) ^ b), 0, "{name}: at alpha");
        };
        // Annex A: P's word n of plane p is the bytes 2 (43 M + n) + p; Q's is 2 ((44 M + 43 N) mod 1118) + p, then its parities.
        for plane in 0..2 {
            for n in 0..43 {
                check((0..26).map(|m| body[2 * (43 * m + n) + plane]).collect(), "P");
            }
            for n in 0..26 {
                let data = (0..43).map(|m| body[2 * ((44 * m + 43 * n) % 1118) + plane]);
                let parities = [0, 1].map(|q| body[2 * (43 * 26 + 26 * q + n) + plane]);
                check(data.chain(parities).collect(), "Q");
            }
        }
    }

    #[test]
    fn the_edc_of_a_sector_and_itself_is_zero() {
        let s = sample();
        assert_eq!(edc(&s[..EDC_AT + 4]), 0);
        let mut broken = s;
        broken[100] ^= 1;
        assert_ne!(edc(&broken[..EDC_AT + 4]), 0);
    }

    #[test]
    fn addresses_count_from_two_seconds() {
        assert_eq!((msf(0), lba([0, 2, 0])), ([0, 2, 0], Some(0)));
        assert_eq!((msf(4500 + 76), lba([1, 3, 1])), ([1, 3, 1], Some(4576)));
        assert_eq!((lba([0, 1, 74]), lba([0, 60, 0]), msf(u32::MAX)), (None, None, [99, 59, 74]));
    }

    #[test]
    fn parts_stand_in_the_order_of_the_sector() {
        assert_eq!((len(0xf8), len(USER), len(HEADER | USER), len(0)), (RAW, BLOCK, 2052, 0));
        let mut out = [0; 2052];
        write(HEADER | USER, 0, &[0xaa; BLOCK], &mut out);
        assert_eq!((&out[..4], out[4]), (&[0x00, 0x02, 0x00, 0x01][..], 0xaa));
    }
}
