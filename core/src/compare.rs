//! What two machines that should be equal differ in, in words: for running two engines side by side.

use crate::cpu::CpuState;
use crate::cpu::flags::Flags;
use crate::machine::Machine;
use crate::snapshot::{Reader, Writer};
use std::fmt::Write as _;

/// General registers and the instruction pointer, as [`CpuState::regs`] has them.
const REGISTERS: [&str; 17] = [
    "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
];

/// Places of memory that are named at most, and bytes of each.
const PLACES: usize = 8;
const PLACE: usize = 16;

/// Lines for the registers, states and times in which the CPUs differ. Empty where they do not; memory and devices are not looked at.
#[must_use]
pub fn cpus(want: &Machine, got: &Machine) -> String {
    let mut out = String::new();
    let (a, b) = (want.engine_name(), got.engine_name());
    // A `String` takes all that is written to it.
    if want.retired() != got.retired() {
        let _ = writeln!(out, "  retired: {a} {}, {b} {}", want.retired(), got.retired());
    }
    if want.now() != got.now() {
        let _ = writeln!(out, "  picoseconds: {a} {}, {b} {}", want.now().0, got.now().0);
    }
    let (x, y) = (&want.x.st, &got.x.st);
    for ((name, v), w) in REGISTERS.iter().zip(x.regs).zip(y.regs).filter(|((_, v), w)| v != w) {
        let _ = writeln!(out, "  {name}: {a} {v:#x}, {b} {w:#x}");
    }
    if x.flags != y.flags {
        let (v, w) = (x.flags.bits(), y.flags.bits());
        let _ = writeln!(out, "  rflags: {a} {v:#x}, {b} {w:#x}, bits {:#x}", v ^ w);
    }
    for (n, (v, w)) in x.xmm.iter().zip(y.xmm).enumerate().filter(|(_, (v, w))| *v != w) {
        let _ = writeln!(out, "  xmm{n}: {a} {v:032x}, {b} {w:032x}");
    }
    // The rest is rarely what differs: field by field, as `Debug` shows it.
    let rest = |st: &CpuState| {
        let mut st = st.clone();
        (st.regs, st.xmm, st.flags) = ([0; 32], [0; 16], Flags::default());
        format!("{st:#x?}")
    };
    let (v, w) = (rest(x), rest(y));
    let mut path: Vec<&str> = Vec::new();
    for (v, w) in v.lines().zip(w.lines()) {
        let opens = v.ends_with(['{', '[']);
        if v != w {
            let _ = writeln!(
                out,
                "  {}{}: {a}; {b} {}",
                path.concat(),
                v.trim().trim_end_matches(','),
                w.trim().trim_end_matches(',')
            );
        } else if opens && path.len() < 8 {
            path.push(v.trim().trim_end_matches(['{', '[']));
        }
        if v.trim_start().starts_with(['}', ']']) {
            path.pop();
        }
    }
    out
}

/// Lines for the first places at which memory differs, by position in the backing: up to RAM's size, physical addresses of a
/// machine without a hole below 4 GiB.
#[must_use]
pub fn memory(want: &Machine, got: &Machine) -> String {
    let (a, b) = (want.x.sys.mem.backing(), got.x.sys.mem.backing());
    let mut out = String::new();
    let mut places = 0;
    // Pages are compared whole: that is fast.
    for (page, (x, y)) in a.chunks(0x1000).zip(b.chunks(0x1000)).enumerate().filter(|(_, (x, y))| x != y) {
        for (n, (v, w)) in x.chunks(PLACE).zip(y.chunks(PLACE)).enumerate().filter(|(_, (v, w))| v != w) {
            if places == PLACES {
                out.push_str("  and more\n");
                return out;
            }
            places += 1;
            let (at, names) = (page * 0x1000 + n * PLACE, (want.engine_name(), got.engine_name()));
            let _ = writeln!(out, "  memory {at:#x}: {} {}, {} {}", names.0, hex(v), names.1, hex(w));
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A number that is equal for machines whose devices are in equal states; memory and CPU are not in it.
#[must_use]
pub fn devices_digest(m: &Machine) -> [u8; 32] {
    let mut w = Writer::new();
    m.x.sys.save_devices(&mut w);
    w.digest()
}

/// A line that names the devices that differ; empty where none does.
#[must_use]
pub fn devices(want: &Machine, got: &Machine) -> String {
    let saved = |m: &Machine| {
        let mut w = Writer::new();
        m.x.sys.save_devices(&mut w);
        w.finish()
    };
    let (a, b) = (saved(want), saved(got));
    let (Ok(x), Ok(y)) = (Reader::new(&a), Reader::new(&b)) else { return String::new() };
    let differ = x.sections().iter().zip(y.sections()).filter(|(v, w)| v != w);
    let names: Vec<&str> = differ.map(|(v, _)| v.name).collect();
    if names.is_empty() { String::new() } else { format!("  devices: {}\n", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{Model, ModelName};
    use crate::system::System;

    fn machine() -> Machine {
        Machine::new(Model::new(ModelName::Max), System::bare(0x1_0000))
    }

    #[test]
    fn equal_machines_differ_in_nothing() {
        let (a, b) = (machine(), machine());
        assert_eq!((cpus(&a, &b), memory(&a, &b), devices(&a, &b)), Default::default());
        assert_eq!(devices_digest(&a), devices_digest(&b));
    }

    #[test]
    fn each_kind_of_difference_is_named_with_both_values() {
        let (a, mut b) = (machine(), machine());
        b.x.st.regs[3] = 0x77;
        b.x.st.flags.set_bits(3);
        b.x.st.xmm[9] = 5;
        b.x.st.msr.star = 0x1234;
        b.x.retired = 9;
        b.x.sys.clock.retired = 9;
        b.x.sys.mem.write(0x4321, &[0xab]);
        let text = cpus(&a, &b);
        let wanted = [
            "retired: interp 0, interp 9",
            "picoseconds",
            "rbx: interp 0x0, interp 0x77",
            "rflags",
            "bits 0x1",
            "xmm9",
            "star: 0x1234",
        ];
        for want in wanted {
            assert!(text.contains(want), "{want} in\n{text}");
        }
        assert!(!text.contains("rax") && text.contains("msr"), "{text}");
        assert_eq!(
            memory(&a, &b),
            format!("  memory 0x4320: interp {}, interp 00ab{}\n", "00".repeat(16), "00".repeat(14))
        );
        assert_eq!(devices(&a, &b), "  devices: clock\n");
        assert_ne!(devices_digest(&a), devices_digest(&b));
        for at in 0..100 {
            b.x.sys.mem.write(at * 0x40, &[1]);
        }
        assert!(memory(&a, &b).ends_with("  and more\n") && memory(&a, &b).lines().count() == PLACES + 1);
    }
}
