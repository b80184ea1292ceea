//! MC146818 real-time clock and CMOS RAM, with the PC/AT's address register and NMI mask.
//!
//! Documents: Motorola MC146818 data sheet (ADI-856), "Time, Calendar, and Alarm Locations", "Registers",
//! "Update Cycle"; 82371SB (PIIX3) data sheet (290550), "RTCAI—Real-Time Clock Address and NMI".
//!
//! The clock runs on virtual time from a given date. The update cycle happens once a virtual second;
//! the periodic flag follows from the divider chain and costs events only while it may interrupt.
//!
//! *Not modelled:* other divider inputs than 32.768 kHz, daylight saving (DSE is stored only), the
//! square wave output, the extended bank at ports 72h/73h.

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::{Freq, VTime};
use serde::{Deserialize, Serialize};

/// The address register; bit 7 masks NMI.
pub const ADDRESS: Offset = Offset(0);
/// The location that the address register names.
pub const DATA: Offset = Offset(1);

/// Interrupt request.
pub const IRQ: Pin = Pin(0);
/// High while address bit 7 lets NMI through.
pub const NMI_ENABLE: Pin = Pin(1);

const SECOND: Event = Event(0);
const PERIODIC: Event = Event(1);

/// The time base.
const CRYSTAL: Freq = Freq::hz(32_768);
/// tUC: the update cycle takes 1984 us with a 32.768 kHz time base. "Update Cycle", table 6.
const UPDATE: VTime = VTime::us(1984);
/// tBUC: UIP is set 244 us before the update cycle.
const BEFORE_UPDATE: VTime = VTime::us(244);

/// Locations.
const SECONDS: usize = 0x00;
const SECONDS_ALARM: usize = 0x01;
const MINUTES: usize = 0x02;
const MINUTES_ALARM: usize = 0x03;
const HOURS: usize = 0x04;
const HOURS_ALARM: usize = 0x05;
const DAY_OF_WEEK: usize = 0x06;
const DAY: usize = 0x07;
const MONTH: usize = 0x08;
const YEAR: usize = 0x09;
const REG_A: usize = 0x0a;
const REG_B: usize = 0x0b;
const REG_C: usize = 0x0c;
const REG_D: usize = 0x0d;
/// Not of the chip: where the PC/AT's firmware keeps the century.
const CENTURY: usize = 0x32;

const UIP: u8 = 0x80;
/// Register B: SET, PIE, AIE, UIE, DM (binary), 24/12.
const SET: u8 = 0x80;
const PIE: u8 = 0x40;
const AIE: u8 = 0x20;
const UIE: u8 = 0x10;
const DM: u8 = 0x04;
const H24: u8 = 0x02;
/// Register C, in the places of their enables.
const IRQF: u8 = 0x80;
const PF: u8 = PIE;
const AF: u8 = AIE;
const UF: u8 = UIE;
/// VRT: the battery was never empty.
const VRT: u8 = 0x80;

/// A date and time of day, always valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// Full year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl DateTime {
    /// From seconds since 1970-01-01 00:00:00; years past 9999 stay in 9999.
    pub fn from_unix(seconds: u64) -> DateTime {
        let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
        let mut year = 1970;
        while year < 9999 && days >= year_days(year) {
            days -= year_days(year);
            year += 1;
        }
        let mut month = 1;
        while month < 12 && days >= u64::from(month_days(year, month)) {
            days -= u64::from(month_days(year, month));
            month += 1;
        }
        DateTime {
            year,
            month,
            day: days.min(30) as u8 + 1,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }

    /// 1 is Sunday. Sakamoto's rule.
    fn day_of_week(self) -> u8 {
        const OFFSETS: [u16; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year.saturating_sub(1) } else { self.year };
        let offset = OFFSETS[usize::from(self.month - 1) % 12];
        ((year + year / 4 - year / 100 + year / 400 + offset + u16::from(self.day)) % 7) as u8 + 1
    }
}

fn leap(year: u16) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn year_days(year: u16) -> u64 {
    365 + u64::from(leap(year))
}

fn month_days(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u8::from(leap(year)),
        _ => 31,
    }
}

/// The chip.
pub struct Rtc {
    address: u8,
    ram: [u8; 128],
    /// When the present second began: the end of the last update cycle.
    second_start: VTime,
    /// Periods of the divider chain that PF has taken note of.
    periods_seen: u64,
}

impl Rtc {
    /// A clock that shows `start` at power-on, in BCD and 24 hours, as PC firmware sets it up.
    pub fn new(start: DateTime) -> Rtc {
        let mut rtc = Rtc { address: 0, ram: [0; 128], second_start: VTime::ZERO, periods_seen: 0 };
        rtc.ram[REG_A] = 0x26; // 32.768 kHz, 1024 Hz
        rtc.ram[REG_B] = H24;
        rtc.ram[REG_D] = VRT;
        rtc.set_time(start);
        rtc
    }

    /// Stores a byte of CMOS RAM, for the board: memory sizes, drive types.
    pub fn set_cmos(&mut self, at: u8, value: u8) {
        if (REG_D + 1..128).contains(&usize::from(at)) {
            self.ram[usize::from(at)] = value;
        }
    }

    /// Stores the checksum of locations 10h to 2Dh in 2Eh and 2Fh, as PC firmware expects it.
    pub fn seal_cmos(&mut self) {
        let sum = self.ram[0x10..0x2e].iter().map(|b| u16::from(*b)).sum::<u16>();
        [self.ram[0x2e], self.ram[0x2f]] = sum.to_be_bytes();
    }

    fn set_time(&mut self, t: DateTime) {
        let hour = self.encode_hour(t.hour);
        for (at, value) in [
            (SECONDS, t.second),
            (MINUTES, t.minute),
            (DAY_OF_WEEK, t.day_of_week()),
            (DAY, t.day),
            (MONTH, t.month),
            (YEAR, (t.year % 100) as u8),
        ] {
            self.ram[at] = self.encode(value);
        }
        self.ram[HOURS] = hour;
        self.ram[CENTURY] = to_bcd((t.year / 100) as u8);
    }

    fn encode(&self, value: u8) -> u8 {
        if self.ram[REG_B] & DM != 0 { value } else { to_bcd(value) }
    }

    fn decode(&self, value: u8) -> u8 {
        if self.ram[REG_B] & DM != 0 { value } else { (value >> 4).wrapping_mul(10).wrapping_add(value & 0xf) }
    }

    fn encode_hour(&self, hour: u8) -> u8 {
        if self.ram[REG_B] & H24 != 0 {
            return self.encode(hour);
        }
        let pm = if hour >= 12 { 0x80 } else { 0 };
        pm | self.encode(if hour.is_multiple_of(12) { 12 } else { hour % 12 })
    }

    fn decode_hour(&self, value: u8) -> u8 {
        if self.ram[REG_B] & H24 != 0 {
            return self.decode(value);
        }
        self.decode(value & 0x7f) % 12 + if value & 0x80 != 0 { 12 } else { 0 }
    }

    /// One second more. A guest may have stored nonsense: a unit past its end rolls over.
    fn advance(&mut self) {
        let mut carry = |at: usize, limit: u8, first: u8| {
            let value = self.decode(self.ram[at]).saturating_add(1);
            let over = value >= limit;
            self.ram[at] = self.encode(if over { first } else { value });
            over
        };
        if !carry(SECONDS, 60, 0) || !carry(MINUTES, 60, 0) {
            return;
        }
        let hour = self.decode_hour(self.ram[HOURS]).saturating_add(1);
        self.ram[HOURS] = self.encode_hour(if hour >= 24 { 0 } else { hour });
        if hour < 24 {
            return;
        }
        let year = self.decode(self.ram[YEAR]);
        let century = self.ram[CENTURY];
        let full = u16::from((century >> 4) * 10 % 100 + (century & 0xf)) * 100 + u16::from(year);
        let last = month_days(full, self.decode(self.ram[MONTH]));
        let mut carry = |at: usize, limit: u8, first: u8| {
            let value = self.decode(self.ram[at]).saturating_add(1);
            let over = value >= limit;
            self.ram[at] = self.encode(if over { first } else { value });
            over
        };
        carry(DAY_OF_WEEK, 8, 1);
        // The century byte is firmware's: the chip has two digits of year and leaves it alone.
        let _ = carry(DAY, last + 1, 1) && carry(MONTH, 13, 1) && carry(YEAR, 100, 0);
    }

    /// Alarm bytes from C0 up match any value. "Time, Calendar, and Alarm Locations".
    fn alarm_matches(&self) -> bool {
        [(SECONDS, SECONDS_ALARM), (MINUTES, MINUTES_ALARM), (HOURS, HOURS_ALARM)]
            .into_iter()
            .all(|(now, alarm)| self.ram[alarm] >= 0xc0 || self.ram[alarm] == self.ram[now])
    }

    /// DV: 010 is the one divider that runs from 32.768 kHz; 11X holds the chain in reset.
    fn running(&self) -> bool {
        self.ram[REG_A] >> 4 & 7 == 2
    }

    fn next_second(&self) -> VTime {
        self.second_start.after(VTime::s(1))
    }

    fn update_in_progress(&self, now: VTime) -> bool {
        let lead = VTime(UPDATE.0 + BEFORE_UPDATE.0);
        self.running() && self.ram[REG_B] & SET == 0 && now.after(lead) >= self.next_second()
    }

    /// log2 of the crystal's cycles in a period. Table 5: RS 1 and 2 repeat 8 and 9.
    fn period_shift(&self) -> Option<u32> {
        match self.ram[REG_A] & 0xf {
            0 => None,
            rs @ (1 | 2) => Some(u32::from(rs) + 6),
            rs => Some(u32::from(rs) - 1),
        }
    }

    fn periods_at(&self, now: VTime) -> u64 {
        self.period_shift().filter(|_| self.running()).map_or(0, |shift| CRYSTAL.cycles_at(now) >> shift)
    }

    fn note_periods(&mut self, now: VTime) {
        let periods = self.periods_at(now);
        if periods > self.periods_seen {
            self.ram[REG_C] |= PF;
        }
        self.periods_seen = periods;
    }

    /// Sets IRQF and the pin, and the event of the next period.
    fn update(&mut self, cx: &mut Cx<'_>) {
        let active = self.ram[REG_C] & self.ram[REG_B] & (PF | AF | UF) != 0;
        self.ram[REG_C] = self.ram[REG_C] & !IRQF | if active { IRQF } else { 0 };
        cx.set(IRQ, active);
        match self.period_shift() {
            // A flag that is already up needs no further event.
            Some(shift) if self.running() && self.ram[REG_B] & PIE != 0 && self.ram[REG_C] & PF == 0 => {
                cx.at(CRYSTAL.instant_of((self.periods_seen + 1) << shift), PERIODIC);
            }
            _ => cx.cancel(PERIODIC),
        }
    }

    fn schedule_second(&mut self, cx: &mut Cx<'_>) {
        if self.running() {
            cx.at(self.next_second(), SECOND);
        } else {
            cx.cancel(SECOND);
        }
    }

    fn write_data(&mut self, cx: &mut Cx<'_>, val: u8) {
        let at = usize::from(self.address & 0x7f);
        match at {
            REG_A => {
                let ran = self.running();
                self.ram[REG_A] = val & !UIP;
                self.periods_seen = self.periods_at(cx.now());
                if ran != self.running() {
                    // "The first update cycle begins one-half second" after the divider is released.
                    self.second_start = VTime(cx.now().0.saturating_sub(VTime::ms(500).0));
                }
                self.schedule_second(cx);
            }
            REG_B => {
                // SET ends an update cycle and clears UIE. "Register B".
                self.ram[REG_B] = if val & SET != 0 { val & !UIE } else { val };
            }
            REG_C | REG_D => {} // read only
            _ => self.ram[at] = val,
        }
    }

    fn read_data(&mut self, now: VTime) -> u8 {
        let at = usize::from(self.address & 0x7f);
        match at {
            REG_A if self.update_in_progress(now) => self.ram[REG_A] | UIP,
            // "All flag bits are cleared after register C is read."
            REG_C => std::mem::take(&mut self.ram[REG_C]),
            _ => self.ram[at],
        }
    }
}

fn to_bcd(value: u8) -> u8 {
    ((value / 10 % 10) << 4) | (value % 10)
}

impl Device for Rtc {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        if at != DATA {
            return u64::MAX; // the address register is write only
        }
        self.note_periods(cx.now());
        self.update(cx); // IRQF must be right before it is read
        let value = self.read_data(cx.now());
        self.update(cx);
        value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let val = val as u8;
        match at {
            ADDRESS => {
                self.address = val;
                cx.set(NMI_ENABLE, val & 0x80 == 0);
            }
            DATA => {
                self.note_periods(cx.now());
                self.write_data(cx, val);
                self.update(cx);
            }
            _ => cx.unimplemented("mc146818: write past the data register", at),
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        self.note_periods(cx.now());
        if event == SECOND {
            self.second_start = cx.now();
            if self.ram[REG_B] & SET == 0 {
                self.advance();
                self.ram[REG_C] |= UF | if self.alarm_matches() { AF } else { 0 };
            }
            self.schedule_second(cx);
        }
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        // RESET# clears the enables and flags; time and RAM are on the battery. "Reset".
        self.ram[REG_B] &= !(PIE | AIE | UIE);
        self.ram[REG_C] = 0;
        self.address = 0;
        self.periods_seen = self.periods_at(cx.now());
        cx.set(NMI_ENABLE, true);
        self.schedule_second(cx);
        self.update(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct RtcV1 {
    address: u8,
    ram: Vec<u8>,
    second_start: VTime,
    periods_seen: u64,
}

impl Snapshot for Rtc {
    const KIND: &'static str = "mc146818";
    const VERSION: u32 = 1;
    type State = RtcV1;

    fn save(&self) -> RtcV1 {
        let Rtc { address, ram, second_start, periods_seen } = self;
        RtcV1 { address: *address, ram: ram.to_vec(), second_start: *second_start, periods_seen: *periods_seen }
    }

    fn load(&mut self, s: RtcV1) -> Result<(), LoadError> {
        let RtcV1 { address, ram, second_start, periods_seen } = s;
        let len = ram.len() as u64;
        let ram = ram.try_into().map_err(|_| LoadError::Invalid { field: "ram.len", value: len })?;
        if periods_seen > CRYSTAL.cycles_at(VTime::MAX) {
            return Err(LoadError::Invalid { field: "periods_seen", value: periods_seen });
        }
        *self = Rtc { address, ram, second_start, periods_seen };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    /// 1999-12-31 23:59:58.
    const NEW_YEAR: u64 = 946_684_798;

    fn rig() -> Rig<Rtc> {
        Rig::new(Rtc::new(DateTime::from_unix(NEW_YEAR)))
    }

    fn get(rtc: &mut Rig<Rtc>, at: usize) -> u8 {
        rtc.write(ADDRESS, at as u8);
        rtc.read(DATA)
    }

    fn put(rtc: &mut Rig<Rtc>, at: usize, val: u8) {
        rtc.write(ADDRESS, at as u8);
        rtc.write(DATA, val);
    }

    fn date(rtc: &mut Rig<Rtc>) -> [u8; 7] {
        [YEAR, MONTH, DAY, DAY_OF_WEEK, HOURS, MINUTES, SECONDS].map(|at| get(rtc, at))
    }

    #[test]
    fn a_year_ends_in_bcd() {
        let mut rtc = rig();
        assert_eq!(date(&mut rtc), [0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x58]);
        assert_eq!(get(&mut rtc, CENTURY), 0x19);
        rtc.pass(VTime::s(2));
        assert_eq!(date(&mut rtc), [0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00]);
    }

    #[test]
    fn dates_follow_the_gregorian_calendar() {
        let d = DateTime::from_unix(951_782_400);
        assert_eq!((d.year, d.month, d.day, d.day_of_week()), (2000, 2, 29, 3), "a Tuesday");
        let d = DateTime::from_unix(4_107_542_399);
        assert_eq!((d.year, d.month, d.day, d.second), (2100, 2, 28, 59));
        assert_eq!(DateTime::from_unix(u64::MAX).year, 9999);
    }

    #[test]
    fn twelve_hour_mode_marks_the_afternoon() {
        let mut rtc = rig();
        put(&mut rtc, REG_B, 0);
        put(&mut rtc, HOURS, 0x11);
        put(&mut rtc, MINUTES, 0x59);
        rtc.pass(VTime::s(2));
        assert_eq!(get(&mut rtc, HOURS), 0x92, "12 PM");
    }

    #[test]
    fn uip_announces_the_update() {
        let mut rtc = rig();
        assert_eq!(get(&mut rtc, REG_A) & UIP, 0);
        rtc.pass_until(VTime(VTime::s(1).0 - UPDATE.0));
        assert_eq!(get(&mut rtc, REG_A) & UIP, UIP);
        rtc.pass_until(VTime::s(1));
        assert_eq!(get(&mut rtc, REG_A) & UIP, 0);
        assert_eq!(get(&mut rtc, SECONDS), 0x59);
    }

    #[test]
    fn set_stops_the_time() {
        let mut rtc = rig();
        put(&mut rtc, REG_B, SET | H24);
        rtc.pass(VTime::s(5));
        assert_eq!(get(&mut rtc, SECONDS), 0x58);
    }

    #[test]
    fn the_periodic_interrupt_comes_at_its_rate_and_waits_for_register_c() {
        let mut rtc = rig();
        put(&mut rtc, REG_B, H24 | PIE);
        let mut count = 0;
        for _ in 0..10_000 {
            rtc.pass(VTime::us(100));
            if rtc.level(IRQ) {
                count += 1;
                assert_eq!(get(&mut rtc, REG_C) & (IRQF | PF), IRQF | PF);
                assert!(!rtc.level(IRQ));
            }
        }
        assert_eq!(count, 1024, "RS = 6");
    }

    #[test]
    fn pf_is_set_even_when_it_may_not_interrupt() {
        let mut rtc = rig();
        rtc.pass(VTime::ms(1));
        assert_eq!(get(&mut rtc, REG_C), PF);
        assert!(!rtc.level(IRQ));
        assert_eq!(get(&mut rtc, REG_C), 0);
    }

    #[test]
    fn the_alarm_matches_with_wildcards() {
        let mut rtc = rig();
        put(&mut rtc, SECONDS_ALARM, 0x01);
        put(&mut rtc, MINUTES_ALARM, 0xff);
        put(&mut rtc, HOURS_ALARM, 0xc0);
        put(&mut rtc, REG_B, H24 | AIE);
        rtc.pass(VTime::s(2));
        assert!(!rtc.level(IRQ));
        rtc.pass(VTime::s(1));
        assert!(rtc.level(IRQ));
        assert_eq!(get(&mut rtc, REG_C) & AF, AF);
    }

    #[test]
    fn address_bit_7_masks_nmi() {
        let mut rtc = rig();
        assert!(rtc.level(NMI_ENABLE));
        rtc.write(ADDRESS, 0x8f);
        assert!(!rtc.level(NMI_ENABLE));
    }

    #[test]
    fn ram_survives_a_reset_and_the_checksum_is_of_10h_to_2dh() {
        let mut rtc = rig();
        put(&mut rtc, 0x10, 0x40);
        put(&mut rtc, 0x2d, 0xff);
        rtc.device.seal_cmos();
        rtc.reset(ResetKind::Hard);
        assert_eq!([get(&mut rtc, 0x2e), get(&mut rtc, 0x2f)], [0x01, 0x3f]);
    }
}
