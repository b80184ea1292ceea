//! Running one test and comparing its end with the chip's.
//!
//! Document: the READMEs of SingleStepTests/8088, 8086, 80286 and 80386.
//!
//! A bit counts only if every mask has it: the one of the chip ([`chip_mask`]), of the file, of the test, and for the
//! flags the one that the suite's metadata gives. Flags that were pushed by an exception count under the same mask,
//! because undefined flags were pushed there.

use std::fmt;

use super::suite::{Chip, Raised, Reg, Regs, Suite, Test, Width};

/// Instructions (and REP iterations) after which a test that should end with HLT is given up. The longest string
/// instruction takes 65,535 iterations.
pub const HLT_LIMIT: u64 = 1 << 18;

/// When a [`Target`] stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// After one instruction, all iterations of a REP included, and after the exception that it may raise.
    OneInstruction,
    /// After HLT has executed, with the instruction pointer one past it; or after `limit` instructions.
    Hlt {
        /// Instructions and REP iterations.
        limit: u64,
    },
}

/// Why a [`Target`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// As asked.
    Done,
    /// No HLT came within the limit.
    Limit,
    /// A triple fault.
    Shutdown,
}

/// A CPU with RAM at every address (1 MiB with wrap on the 8086, 16 MiB on the others), ports that read all ones, and
/// no interrupt.
pub trait Target {
    /// Puts the CPU into its reset state, then loads the registers that are listed. In real mode, which is all that the
    /// suites cover, a selector load sets the base to 16 times the selector and the limit to FFFFh.
    fn set_regs(&mut self, regs: &Regs);
    /// Writes a byte of physical memory, code or not.
    fn write(&mut self, addr: u32, val: u8);
    /// Runs.
    fn run(&mut self, until: Until) -> Ran;
    /// Reads a register.
    fn reg(&self, reg: Reg) -> u32;
    /// Reads a byte of physical memory.
    fn read(&self, addr: u32) -> u8;
}

/// One way in which the end of a test differs from the chip's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diff {
    /// A register other than the flags.
    Reg {
        /// Which.
        reg: Reg,
        /// As the suite spells it.
        width: Width,
        /// Ours.
        got: u32,
        /// The chip's.
        want: u32,
    },
    /// One flag.
    Flag {
        /// `CF`, `PF` and so on.
        name: &'static str,
        /// Ours; the chip's is the other.
        got: bool,
    },
    /// A byte of memory.
    Byte {
        /// Physical.
        addr: u32,
        /// Ours.
        got: u8,
        /// The chip's.
        want: u8,
    },
    /// The test did not end as it should.
    End(Ran),
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Reg { reg, width, got, want } => {
                let digits = if width == Width::Word || reg.is_segment() { 4 } else { 8 };
                write!(f, "{}={got:0digits$x} want {want:0digits$x}", reg.name_in(width))
            }
            Self::Flag { name, got } => write!(f, "{name}={} want {}", u8::from(got), u8::from(!got)),
            Self::Byte { addr, got, want } => write!(f, "[{addr:06x}]={got:02x} want {want:02x}"),
            Self::End(Ran::Done) => f.write_str("ended"),
            Self::End(Ran::Limit) => write!(f, "no HLT within {HLT_LIMIT} instructions"),
            Self::End(Ran::Shutdown) => f.write_str("triple fault"),
        }
    }
}

/// Names of the bits of EFLAGS up to VM.
const FLAG_NAMES: [&str; 18] = [
    "CF", "bit1", "PF", "bit3", "AF", "bit5", "ZF", "SF", "TF", "IF", "DF", "OF", "IOPL0", "IOPL1", "NT", "bit15",
    "RF", "VM",
];

/// The bits of `reg` that `chip` has. The captures show reserved bits of 32-bit registers as the bus left them.
#[must_use]
pub fn chip_mask(chip: Chip, reg: Reg) -> u32 {
    match reg {
        _ if chip != Chip::I80386 || reg.is_segment() => 0xffff,
        Reg::Eflags => 0x0003_ffff, // up to VM
        Reg::Cr0 => 0x8000_000f,    // PG TS EM MP PE; ET is wired
        Reg::Cr3 => 0xffff_f000,    // page directory base
        Reg::Dr6 => 0x0000_e00f,    // BT BS BD B3-B0
        Reg::Dr7 => 0xffff_23ff,    // LEN R/W, GD, GE LE, G3-L0
        _ => u32::MAX,
    }
}

/// The bits of `reg` that a program can load on `chip`, from those that the test lists.
fn loadable(chip: Chip, reg: Reg) -> u32 {
    match (chip, reg) {
        // Real mode cannot set IOPL and NT on the 286, though the initial state may have them set.
        (Chip::I80286, Reg::Eflags) => 0x0fff,
        _ => chip_mask(chip, reg),
    }
}

/// Runs `test` of `suite` on `target`. `flags_mask` is the one of the suite's metadata, all ones if there is none.
///
/// Memory that the test lists is zero again afterwards, so that one test cannot show in another.
pub fn run(target: &mut dyn Target, chip: Chip, suite: &Suite, test: &Test, flags_mask: u32) -> Vec<Diff> {
    let mut initial = Regs::default();
    for (reg, val) in test.initial.regs.iter() {
        initial.set(reg, val & loadable(chip, reg));
    }
    for &(addr, val) in &test.initial.ram {
        target.write(addr, val);
    }
    target.set_regs(&initial);
    let until = if chip.ends_with_hlt() { Until::Hlt { limit: HLT_LIMIT } } else { Until::OneInstruction };
    let ran = target.run(until);
    let mut diffs = Vec::new();
    if ran != Ran::Done {
        diffs.push(Diff::End(ran));
    }
    compare(target, chip, suite, test, &initial, flags_mask, &mut diffs);
    for &(addr, _) in test.initial.ram.iter().chain(&test.last.ram) {
        target.write(addr, 0);
    }
    diffs
}

fn compare(
    target: &dyn Target,
    chip: Chip,
    suite: &Suite,
    test: &Test,
    initial: &Regs,
    flags_mask: u32,
    diffs: &mut Vec<Diff>,
) {
    let mask = |reg: Reg| {
        let part = |m: &Regs| m.get(reg).unwrap_or(u32::MAX);
        let flags = if reg == Reg::Eflags { flags_mask } else { u32::MAX };
        // A 16-bit mask says nothing against the upper half of a 32-bit register.
        let flags = if flags_mask >> 16 == 0 { flags | 0xffff_0000 } else { flags };
        chip_mask(chip, reg) & part(&suite.masks) & part(&test.masks) & flags
    };
    for (reg, before) in initial.iter() {
        let want = test.last.regs.get(reg).unwrap_or(before);
        let got = target.reg(reg);
        let differ = (got ^ want) & mask(reg);
        if differ == 0 {
            continue;
        }
        if reg == Reg::Eflags {
            for (bit, name) in FLAG_NAMES.into_iter().enumerate().filter(|(bit, _)| differ >> bit & 1 != 0) {
                diffs.push(Diff::Flag { name, got: got >> bit & 1 != 0 });
            }
        } else {
            diffs.push(Diff::Reg { reg, width: suite.width, got, want });
        }
    }
    let pushed = match test.raised {
        Some(Raised { flags_at: at, .. }) => {
            let even = |[low, _]: &[u32; 2]| low | 1 == at | 1;
            Some(pushed_flags(test).filter(even).unwrap_or([at, at.wrapping_add(1)]))
        }
        None => divide_fault(chip, test),
    };
    let [low, high, ..] = mask(Reg::Eflags).to_le_bytes();
    for &(addr, want) in &test.last.ram {
        let got = target.read(addr);
        let counts = match pushed {
            Some([at, _]) if addr == at => low,
            Some([_, at]) if addr == at => high,
            _ => 0xff,
        };
        if (got ^ want) & counts != 0 {
            diffs.push(Diff::Byte { addr, got, want });
        }
    }
}

/// Where an exception or interrupt that ends the test pushed the flags: above CS and IP, which the stack pointer is at.
///
/// `EXCP` gives the address of the bus cycle, which for a word at an odd address is the even one below.
fn pushed_flags(test: &Test) -> Option<[u32; 2]> {
    let end = |reg| test.last.regs.get(reg).or_else(|| test.initial.regs.get(reg));
    let (ss, sp) = (end(Reg::Ss)?, end(Reg::Esp)?);
    // The second byte of a word at offset FFFFh is at offset 0.
    let at = |above: u32| (ss << 4).wrapping_add(sp.wrapping_add(above) & 0xffff) & 0xff_ffff;
    Some([at(4), at(5)])
}

/// Where an 8086 test pushed its flags, if it ended in interrupt 0: the 8086 suites do not say.
///
/// Three words were pushed and CS:IP came from the first vector.
fn divide_fault(chip: Chip, test: &Test) -> Option<[u32; 2]> {
    if chip.ends_with_hlt() {
        return None;
    }
    let byte = |addr: u32| test.initial.ram.iter().find(|e| e.0 == addr).map(|e| u32::from(e.1));
    let vector = |at: u32| Some(byte(at)? | byte(at + 1)? << 8);
    let end = |reg| test.last.regs.get(reg).or_else(|| test.initial.regs.get(reg));
    let sp = test.initial.regs.get(Reg::Esp)?;
    let taken = end(Reg::Eip) == Some(vector(0)?)
        && end(Reg::Cs) == Some(vector(2)?)
        && end(Reg::Esp) == Some(sp.wrapping_sub(6) & 0xffff);
    let at = pushed_flags(test)?.map(|at| at & 0xf_ffff); // the 8086 has 20 address lines
    taken.then_some(at)
}

#[cfg(test)]
mod tests {
    use super::super::suite::State;
    use super::*;
    use std::collections::BTreeMap;

    /// A CPU that knows one trick: what it is told to do when it runs.
    struct Fake {
        regs: Regs,
        mem: BTreeMap<u32, u8>,
        ran: Ran,
        until: Option<Until>,
        does: fn(&mut Fake),
    }

    impl Target for Fake {
        fn set_regs(&mut self, regs: &Regs) {
            self.regs = *regs;
        }
        fn write(&mut self, addr: u32, val: u8) {
            self.mem.insert(addr, val);
        }
        fn run(&mut self, until: Until) -> Ran {
            self.until = Some(until);
            (self.does)(self);
            self.ran
        }
        fn reg(&self, reg: Reg) -> u32 {
            self.regs.get(reg).unwrap_or(0)
        }
        fn read(&self, addr: u32) -> u8 {
            self.mem.get(&addr).copied().unwrap_or(0)
        }
    }

    fn fake(does: fn(&mut Fake)) -> Fake {
        Fake { regs: Regs::default(), mem: BTreeMap::new(), ran: Ran::Done, until: None, does }
    }

    fn regs(list: &[(Reg, u32)]) -> Regs {
        let mut r = Regs::default();
        list.iter().for_each(|&(reg, val)| r.set(reg, val));
        r
    }

    fn one(chip: Chip, initial: State, last: State) -> (Suite, Test) {
        let width = if chip == Chip::I80386 { Width::Dword } else { Width::Word };
        let suite = Suite { chip: Some(chip), width, masks: Regs::default(), tests: Vec::new() };
        (suite, Test { initial, last, ..Test::default() })
    }

    #[test]
    fn a_register_that_final_does_not_list_must_not_change() {
        let (s, t) = one(
            Chip::I8086,
            State { regs: regs(&[(Reg::Eax, 1), (Reg::Ebx, 7)]), ram: vec![] },
            State { regs: regs(&[(Reg::Eax, 2)]), ram: vec![] },
        );
        let mut cpu = fake(|f| f.regs.set(Reg::Ebx, 8));
        let diffs = run(&mut cpu, Chip::I8086, &s, &t, u32::MAX);
        let text: Vec<_> = diffs.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["ax=0001 want 0002", "bx=0008 want 0007"]);
        assert_eq!(cpu.until, Some(Until::OneInstruction));
    }

    #[test]
    fn flags_are_named_and_masked_by_each_mask() {
        let (mut s, mut t) = one(
            Chip::I8086,
            State { regs: regs(&[(Reg::Eflags, 0xf002)]), ram: vec![] },
            State { regs: regs(&[(Reg::Eflags, 0xf8d7)]), ram: vec![] },
        );
        let mut cpu = fake(|_| {});
        let names = |d: Vec<Diff>| d.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let all = names(run(&mut cpu, Chip::I8086, &s, &t, u32::MAX));
        assert_eq!(all, "CF=0 want 1 PF=0 want 1 AF=0 want 1 ZF=0 want 1 SF=0 want 1 OF=0 want 1");
        s.masks.set(Reg::Eflags, 0xffef);
        t.masks.set(Reg::Eflags, 0xf7ff);
        assert_eq!(names(run(&mut cpu, Chip::I8086, &s, &t, 0xff3e)), "PF=0 want 1");
    }

    #[test]
    fn the_286_loads_no_iopl_or_nt_and_expects_none() {
        let (s, t) = one(Chip::I80286, State { regs: regs(&[(Reg::Eflags, 0x7002)]), ram: vec![] }, State::default());
        let mut cpu = fake(|f| assert_eq!(f.reg(Reg::Eflags), 2));
        assert_eq!(run(&mut cpu, Chip::I80286, &s, &t, u32::MAX), []);
        assert_eq!(cpu.until, Some(Until::Hlt { limit: HLT_LIMIT }));
    }

    #[test]
    fn reserved_bits_of_386_registers_do_not_count() {
        let before =
            regs(&[(Reg::Eflags, 0xfffc_0893), (Reg::Cr0, 0x7ffe_fff0), (Reg::Dr6, 0xffff_0ff0), (Reg::Eax, 5)]);
        let after = regs(&[(Reg::Eflags, 0xfffc_0892)]);
        let (s, t) = one(Chip::I80386, State { regs: before, ram: vec![] }, State { regs: after, ram: vec![] });
        let mut cpu = fake(|f| f.regs.set(Reg::Eflags, 0x892));
        assert_eq!(run(&mut cpu, Chip::I80386, &s, &t, 0xffff), []);
        let mut cpu = fake(|f| f.regs.set(Reg::Eax, 0x1_0005));
        let text: Vec<_> = run(&mut cpu, Chip::I80386, &s, &t, 0xffff).iter().map(ToString::to_string).collect();
        assert_eq!(text, ["eax=00010005 want 00000005", "CF=1 want 0"]);
    }

    #[test]
    fn a_pushed_flags_word_counts_under_the_flags_mask_alone() {
        let (s, mut t) = one(
            Chip::I80286,
            State::default(),
            State { regs: Regs::default(), ram: vec![(0x100, 0xff), (0x101, 0x0f), (0x102, 9)] },
        );
        t.raised = Some(Raised { vector: 0, flags_at: 0x100 });
        let mut cpu = fake(|f| f.mem.extend([(0x100, 0x2a), (0x101, 0x07), (0x102, 9)]));
        assert_eq!(run(&mut cpu, Chip::I80286, &s, &t, 0xf72a), []);
        let diffs = run(&mut cpu, Chip::I80286, &s, &t, 0xf72b);
        assert_eq!(diffs, [Diff::Byte { addr: 0x100, got: 0x2a, want: 0xff }]);
        assert!(cpu.mem.values().all(|&v| v == 0), "listed memory is cleared afterwards");
    }

    #[test]
    fn a_flags_word_at_an_odd_address_is_found_above_the_one_that_the_capture_gives() {
        let (s, mut t) = one(
            Chip::I80286,
            State { regs: regs(&[(Reg::Esp, 0x107), (Reg::Ss, 0x10)]), ram: vec![] },
            State { regs: regs(&[(Reg::Esp, 0x101)]), ram: vec![(0x204, 1), (0x205, 0xff), (0x206, 0x0f)] },
        );
        t.raised = Some(Raised { vector: 0, flags_at: 0x204 });
        let does = |f: &mut Fake| {
            f.regs = regs(&[(Reg::Esp, 0x101), (Reg::Ss, 0x10)]);
            f.mem.extend([(0x204, 1), (0x205, 0x2a), (0x206, 0x07)]);
        };
        assert_eq!(run(&mut fake(does), Chip::I80286, &s, &t, 0xf72a), []);
        assert_eq!(run(&mut fake(does), Chip::I80286, &s, &t, 0xff2a).len(), 1, "bit 11 counts");
    }

    #[test]
    fn an_8086_divide_fault_is_found_by_its_effects() {
        let start = regs(&[(Reg::Esp, 4), (Reg::Ss, 0xffff), (Reg::Cs, 0x10), (Reg::Eip, 0x20)]);
        let ram = vec![(0, 0), (1, 4), (2, 0x34), (3, 0x12)];
        let end = regs(&[(Reg::Esp, 0xfffe), (Reg::Cs, 0x1234), (Reg::Eip, 0x400)]);
        let (s, t) = one(
            Chip::I8086,
            State { regs: start, ram },
            State { regs: end, ram: vec![(0xffff2, 0xd7), (0xffff3, 0xf8)] },
        );
        assert_eq!(divide_fault(Chip::I8086, &t), Some([0xffff2, 0xffff3]));
        let does = |f: &mut Fake| {
            f.regs = regs(&[(Reg::Esp, 0xfffe), (Reg::Ss, 0xffff), (Reg::Cs, 0x1234), (Reg::Eip, 0x400)]);
            f.mem.extend([(0xffff2, 2), (0xffff3, 0xf0)]);
        };
        assert_eq!(run(&mut fake(does), Chip::I8086, &s, &t, 0xf702), []);
        assert_eq!(run(&mut fake(does), Chip::I8086, &s, &t, 0xffff).len(), 2);
    }

    #[test]
    fn a_test_that_does_not_end_is_a_failure() {
        let (s, t) = one(Chip::I80286, State::default(), State::default());
        let mut cpu = fake(|_| {});
        cpu.ran = Ran::Limit;
        assert_eq!(run(&mut cpu, Chip::I80286, &s, &t, u32::MAX), [Diff::End(Ran::Limit)]);
    }
}
