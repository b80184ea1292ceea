//! Guest code in any state of the processor: real, virtual-8086, 16-bit and 32-bit protected, PAE, long mode and its
//! compatibility modes, CPL 0 to 3, with tables that work and with tables that the input has spoilt.
//!
//! A table that is all noise ends every run with a triple fault after one instruction. So the machine is built whole,
//! and the input changes it: registers one by one, then any bytes of memory.

use ferrite_core::bus::Space;
use ferrite_core::cpu::flags::{FIXED, Flags, IF, VM};
use ferrite_core::cpu::segment::{Seg, Segment, Table, attr};
use ferrite_core::cpu::state::{RIP, RSP, cr0, cr4, efer};
use ferrite_core::cpu::{Activity, CpuState, Model, ModelName, Shadow};
use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::system::System;
use ferrite_core::time::VTime;
use ferrite_core::wires::CpuPin;

use super::input::{Input, Random};

/// RAM of the machine; everything below lies in it.
const RAM: u64 = 0x4_0000;
const GDT: u64 = 0x1000;
const LDT: u64 = 0x1800;
const IDT: u64 = 0x2000;
const TSS: u64 = 0x3000;
const TSS_OTHER: u64 = 0x3800;
/// Page tables: PML4, PDPT, page directory and page table of 64-bit entries; then those of 32-bit entries.
const PAGES: u64 = 0x4000;
const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x2_0000;
const STACK: u64 = 0x3_0000;
/// Instructions of a run.
const INSNS: u64 = 400;
/// Virtual time of a run: halts skip ahead, so it is longer than the instructions take.
const TIME: VTime = VTime::us(500);

/// How the processor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Real,
    V86,
    Protected16,
    Protected32,
    Compatibility,
    Long,
}

/// Pulses a processor pin at a rate that the guest can set: all the interrupts that devices could raise.
#[derive(Clone, Debug, Default)]
struct Ticker {
    pin: u8,
    period_ns: u16,
}

/// Outputs of [`Ticker`], by `pin`.
const PINS: [CpuPin; 5] = [CpuPin::Intr, CpuPin::Nmi, CpuPin::Init, CpuPin::Smi, CpuPin::Reset];

impl Device for Ticker {
    fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        self.pin.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        if at.0 == 0 {
            self.pin = val as u8 % PINS.len() as u8;
        } else {
            self.period_ns = val as u16;
        }
        cx.at(cx.now().after(VTime::ns(self.period_ns.into())), Event(0));
    }

    fn event(&mut self, cx: &mut Cx<'_>, _: Event) {
        let level = (cx.now().0 ^ cx.now().0 >> 7) & 1 == 0;
        cx.set(Pin(self.pin), true);
        cx.set(Pin(self.pin), level);
        cx.at(cx.now().after(VTime::ns(u64::from(self.period_ns) + 100)), Event(0));
    }

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {
        *self = Ticker::default();
    }
}

impl Snapshot for Ticker {
    const KIND: &'static str = "ticker";
    const VERSION: u32 = 1;
    type State = (u8, u16);

    fn save(&self) -> Self::State {
        (self.pin, self.period_ns)
    }

    fn load(&mut self, (pin, period_ns): Self::State) -> Result<(), LoadError> {
        if usize::from(pin) >= PINS.len() {
            return Err(LoadError::Invalid { field: "ticker.pin", value: pin.into() });
        }
        *self = Ticker { pin, period_ns };
        Ok(())
    }
}

/// A machine in which a guest can do what this target's guests do.
pub fn machine(model: ModelName) -> Machine {
    machine_on(model, Box::new(Interpreter::new()))
}

/// The same on any engine.
pub fn machine_on(model: ModelName, engine: Box<dyn Engine>) -> Machine {
    let mut sys = System::bare(RAM);
    let ticker = sys.add("ticker", Ticker::default());
    sys.bus_mut().map(Space::Port, 0x40, 2, ticker, Offset(0), Width::B1);
    for (n, pin) in (0..).zip(PINS) {
        sys.connect_cpu((ticker, Pin(n)), pin);
    }
    Machine::with_engine(Model::new(model), sys, engine)
}

/// Builds a machine from the input and runs it.
///
/// # Panics
/// When a run goes past its limits, or a state that it has reached cannot be saved and loaded.
pub fn target(bytes: &[u8]) {
    let (mut m, name, code) = build(bytes, Box::new(Interpreter::new()));
    run(&mut m);
    if code.first().is_none_or(|b| b & 7 != 0) {
        return; // saving costs more than the run
    }
    let saved = m.save();
    let mut other = machine(name);
    if let Err(e) = other.load(&saved) {
        panic!("a state that a guest has reached does not load: {e}");
    }
    assert!(other.save() == saved, "a loaded machine saves another state");
}

/// The machine that the input describes, its model, and the code that it will run.
pub fn build(bytes: &[u8], engine: Box<dyn Engine>) -> (Machine, ModelName, &[u8]) {
    let mut input = Input::new(bytes);
    let (name, _) = input.choose(&ModelName::ALL);
    let mode = mode(name, &mut input);
    let mut m = machine_on(name, engine);
    let shape = input.byte();
    m.set_no_reboot(shape & 1 != 0);
    tables(&mut m, mode, shape);
    let st = state(name, mode, &mut input);
    let pokes = usize::from(shape >> 4);
    for _ in 0..pokes {
        let at = input.choose(&[0, GDT, LDT, IDT, TSS, TSS_OTHER, PAGES, PAGES + 0x2000, DATA, STACK]);
        let at = at + (input.number(2) & 0xfff);
        let len = input.below(9);
        m.x.sys.mem.write(at, input.take(len));
    }
    if shape & 2 != 0 {
        let (pin, period) = (input.byte(), input.number(2) as u32);
        m.x.port_write(0x40, 1, pin.into());
        m.x.port_write(0x41, 1, period);
    }
    let code = input.rest();
    let start = CODE + if shape & 4 != 0 { 0xff8 } else { 0 };
    m.x.sys.mem.write(start, code);
    // The same bytes are what the pointers point to and what the handlers do.
    m.x.sys.mem.write(DATA, code);
    m.x.set_state(st);
    if shape & 4 != 0 {
        m.x.st.regs[usize::from(RIP)] = m.x.st.regs[usize::from(RIP)].wrapping_add(0xff8);
    }
    (m, name, code)
}

/// An input whose code is instructions of every opcode map in a processor that mostly works; noise has few of either.
pub fn sample(random: &mut Random) -> Vec<u8> {
    const PREFIXES: [&[u8]; 16] = [
        &[],
        &[],
        &[],
        &[],
        &[],
        &[],
        &[0x66],
        &[0x66],
        &[0x67],
        &[0xf3],
        &[0xf2],
        &[0xf0],
        &[0x48],
        &[0x48],
        &[0x41],
        &[0x66, 0xf3],
    ];
    const MAPS: [&[u8]; 7] = [&[], &[], &[0x0f], &[0x0f], &[0x0f], &[0x0f, 0x38], &[0x0f, 0x3a]];
    const SHAPES: [u8; 16] = [0, 1, 4, 5, 0x0c, 0x0d, 0x14, 0x20, 0x25, 0x30, 0x35, 0x44, 0x45, 0x80, 0x85, 0xf5];
    const FLAGS: [u16; 6] = [0x0002, 0x3002, 0x0202, 0x1202, 0x0102, 0x4002];
    let mut one = |from: &[u8]| from[random.below(from.len())];
    let mut out =
        vec![one(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9, 9]), one(&[0, 1, 2, 3, 4, 5]), one(&[0, 1, 1, 1, 3, 5, 9])];
    out.push(one(&SHAPES));
    out.extend(FLAGS[random.below(FLAGS.len())].to_le_bytes());
    out.extend([0, 0]);
    for _ in 0..8 + 8 * random.below(2) {
        let near = [6, random.next() as u8, random.below(4) as u8];
        let small = [(random.next() as u8) << 3 | 1];
        out.extend(if random.below(4) == 0 { &small[..] } else { &near });
    }
    out.push(0);
    for _ in 0..1 + random.below(24) {
        out.extend(PREFIXES[random.below(PREFIXES.len())]);
        out.extend(MAPS[random.below(MAPS.len())]);
        out.push(random.next() as u8);
        let modrm = random.next() as u8;
        out.push(if random.below(3) == 0 { modrm | 0xc0 } else { modrm });
        let immediate = random.below(4);
        out.extend(random.bytes(immediate));
    }
    out
}

fn run(m: &mut Machine) {
    let limits = Limits { insns: INSNS, time: TIME };
    let outcome = m.run(limits);
    assert!(m.retired() <= INSNS, "{} instructions retired", m.retired());
    match outcome {
        Outcome::Insns => assert_eq!(m.retired(), INSNS),
        Outcome::Time => assert!(m.now() >= TIME),
        _ => {}
    }
}

fn mode(name: ModelName, input: &mut Input<'_>) -> Mode {
    let modes = match name {
        ModelName::I8086 => &[Mode::Real][..],
        ModelName::I80286 => &[Mode::Real, Mode::Protected16],
        n if n < ModelName::X86_64V1 => &[Mode::Real, Mode::V86, Mode::Protected16, Mode::Protected32],
        _ => &[Mode::Long, Mode::Real, Mode::V86, Mode::Protected16, Mode::Protected32, Mode::Compatibility],
    };
    input.choose(modes)
}

/// A descriptor. SDM Vol. 3A, "Segment Descriptors".
fn descriptor(base: u64, limit: u64, access: u16) -> u64 {
    let access = u64::from(access);
    limit & 0xffff
        | (base & 0xff_ffff) << 16
        | (access & 0xff) << 40
        | (limit >> 16 & 0xf) << 48
        | (access >> 12) << 52
        | (base >> 24 & 0xff) << 56
}

/// A gate to `selector:offset`. SDM Vol. 3A, "Call Gates", "IDT Descriptors".
fn gate(selector: u64, offset: u64, kind: u64, dpl: u64) -> u64 {
    offset & 0xffff | selector << 16 | (kind | dpl << 5 | 0x80) << 40 | (offset >> 16 & 0xffff) << 48
}

/// Selectors of the GDT by number: flat segments at CPL 0 and 3 in every size, then the odd ones.
const CODE16: u16 = 0x08;
const CODE32: u16 = 0x10;
const CODE64: u16 = 0x18;
const DATA0: u16 = 0x20;
const USER16: u16 = 0x28 | 3;
const USER32: u16 = 0x30 | 3;
const USER64: u16 = 0x38 | 3;
const DATA3: u16 = 0x40 | 3;
const TASK: u16 = 0x48;
/// Two slots each, as in long mode.
const OTHER_TASK: u16 = 0x58;
const LOCAL: u16 = 0x68;
const LAST: u16 = 0xf8;

fn tables(m: &mut Machine, mode: Mode, shape: u8) {
    let long = matches!(mode, Mode::Long | Mode::Compatibility);
    let wide = !matches!(mode, Mode::Real | Mode::Protected16);
    let mem = &mut m.x.sys.mem;
    let limit = if wide { 0xf_ffff } else { 0xffff };
    let g = if wide { attr::G } else { 0 };
    // Models before the 80386 have no base above 16 MiB, no G and no D bit; a flat base would not matter to them.
    let base = |b: u64| if wide { 0 } else { b };
    let tss = if long || wide { 0x9 } else { 0x1 };
    let (call, interrupt, trap) = if long || wide { (0xc, 0xe, 0xf) } else { (4, 6, 7) };
    let target_code = u64::from(if long {
        CODE64
    } else if wide {
        CODE32
    } else {
        CODE16
    });
    let handler = if wide { DATA + 0x10 } else { 0x10 };
    let gdt: [u64; 32] = [
        0,
        descriptor(base(CODE), limit, 0x9b | g),
        descriptor(base(CODE), limit, 0x9b | g | attr::DB),
        descriptor(0, 0xf_ffff, 0x9b | g | attr::L),
        descriptor(base(DATA), limit, 0x93 | g | attr::DB),
        descriptor(base(CODE), limit, 0xfb | g),
        descriptor(base(CODE), limit, 0xfb | g | attr::DB),
        descriptor(0, 0xf_ffff, 0xfb | g | attr::L),
        descriptor(base(DATA), limit, 0xf3 | g | attr::DB),
        descriptor(TSS, 0x2ff, 0x80 | tss),
        0,
        descriptor(TSS_OTHER, 0x2ff, 0xe0 | tss),
        0,
        descriptor(LDT, 0xff, 0xe2),
        0,
        gate(target_code, handler, call, 3),
        0,
        gate(u64::from(OTHER_TASK), 0, 5, 3),
        descriptor(base(CODE), limit, 0x9f | g | attr::DB), // conforming
        descriptor(base(DATA), 0xff, 0xf7 | g | attr::DB),  // expand-down
        descriptor(base(DATA), 0xff, 0xf7),
        descriptor(base(DATA), limit, 0x73 | g), // not present
        descriptor(DATA, 0x10, 0xf3),
        descriptor(DATA, 0x10, 0xfb | attr::DB),
        gate(target_code, handler, 4, 3), // a 16-bit call gate with two parameters
        2 << 32 | gate(target_code, handler, call, 3),
        descriptor(0, 0xf_ffff, 0xff | g | attr::L), // conforming
        gate(target_code, handler, interrupt, 3),
        descriptor(STACK, 0xffff, 0xf3),
        descriptor(STACK, 0x7ff, 0xf3 | attr::DB),
        u64::MAX,
        0,
    ];
    for (n, d) in (0..).zip(gdt) {
        mem.write(GDT + 8 * n, &d.to_le_bytes());
        mem.write(LDT + 8 * n, &d.to_le_bytes());
    }
    for v in 0..256u64 {
        if mode == Mode::Real {
            // Handlers lie in the data, 16 bytes apart.
            mem.write(4 * v, &((DATA << 12) as u32 | (v as u32 & 15) << 4).to_le_bytes());
            continue;
        }
        let (kind, dpl) = (if v & 1 == 0 { interrupt } else { trap }, 3 * u64::from(v != 13));
        let to = handler + 16 * (v & 15);
        let entry = match v & 0x1f {
            // Task gates where exceptions want a stack of their own.
            8 | 0x1a if !long && shape & 8 != 0 => gate(u64::from(OTHER_TASK), 0, 5, 3),
            _ => gate(target_code, to, kind, dpl),
        };
        let size = if long { 16 } else { 8 };
        let entry = if long { entry | (v & 7) << 32 } else { entry };
        mem.write(IDT + size * v, &entry.to_le_bytes());
    }
    tss_contents(m, wide, target_code as u16);
    page_tables(m);
}

/// Both task state segments: stacks for every level, and a state for the other task to start in.
fn tss_contents(m: &mut Machine, wide: bool, code: u16) {
    let mem = &mut m.x.sys.mem;
    for at in [TSS, TSS_OTHER] {
        if wide {
            // SDM Vol. 3A, "Task-State Segment (TSS)": ESPn and SSn; over them the 64-bit TSS has RSPn and ISTn.
            for n in 0..3 {
                mem.write(at + 4 + 8 * n, &(STACK + 0x800 + 0x100 * n).to_le_bytes());
                mem.write(at + 8 + 8 * n, &(u32::from(DATA0) | n as u32).to_le_bytes());
            }
            mem.write(at + 0x1c, &(PAGES as u32).to_le_bytes());
            mem.write(at + 0x20, &(DATA as u32 + 0x20).to_le_bytes());
            mem.write(at + 0x24, &2u32.to_le_bytes());
            mem.write(at + 0x38, &(STACK as u32 + 0x700).to_le_bytes());
            for (n, sel) in [DATA0, code, DATA0, DATA0, 0, 0, LOCAL].into_iter().enumerate() {
                mem.write(at + 0x48 + 4 * n as u64, &sel.to_le_bytes());
            }
            mem.write(at + 0x66, &0x68u16.to_le_bytes());
        } else {
            for n in 0..3 {
                mem.write(at + 2 + 4 * n, &0x800u16.to_le_bytes());
                mem.write(at + 4 + 4 * n, &(DATA0 | n as u16).to_le_bytes());
            }
            mem.write(at + 0x0e, &0x20u16.to_le_bytes());
            for (n, sel) in [DATA0, code, DATA0, DATA0, LOCAL].into_iter().enumerate() {
                mem.write(at + 0x22 + 2 * n as u64, &sel.to_le_bytes());
            }
        }
    }
}

/// Identity maps in all three formats, for the whole RAM and what follows it.
fn page_tables(m: &mut Machine) {
    let mem = &mut m.x.sys.mem;
    // Both formats begin in one page: entry 0 of the PML4 or PDPT is what the 32-bit walk takes for a page directory.
    let (pdpt, pd, pt, pt32) = (PAGES + 0x1000, PAGES + 0x2000, PAGES + 0x3000, PAGES + 0x4000);
    for n in 0..512u64 {
        mem.write(pt + 8 * n, &(n << 12 | 7).to_le_bytes());
        mem.write(pt32 + 8 * n, &((2 * n) << 12 | 7 | ((2 * n + 1) << 12 | 7) << 32).to_le_bytes());
    }
    mem.write(pd, &(pt | 7).to_le_bytes());
    mem.write(pd + 8, &0x87u64.to_le_bytes());
    mem.write(pdpt, &(pd | 7).to_le_bytes());
    mem.write(pdpt + 8, &0x87u64.to_le_bytes());
    mem.write(PAGES, &(pdpt | 7).to_le_bytes());
    mem.write(PAGES + 0x800, &(pdpt | 7).to_le_bytes());
    mem.write(PAGES + 0xff8, &(pdpt | 7).to_le_bytes());
    mem.write(PAGES + 0x5000, &(pt32 | 7).to_le_bytes());
    mem.write(PAGES + 0x5004, &0x87u32.to_le_bytes());
}

/// The flat or real segment of a selector, as loading it from [`tables`] would give.
fn segment(m: Mode, selector: u16, code: bool, db: u16) -> Segment {
    let wide = m != Mode::Protected16;
    let dpl = (selector & 3) << 5;
    let kind = if code { 0xb } else { 0x3 };
    let base = match (wide, code) {
        (true, _) => 0,
        (false, true) => CODE,
        (false, false) => DATA,
    };
    Segment {
        selector,
        attr: attr::P | attr::S | dpl | kind | db | if wide { attr::G } else { 0 },
        limit: if wide { u32::MAX } else { 0xffff },
        base,
    }
}

fn state(name: ModelName, mode: Mode, input: &mut Input<'_>) -> CpuState {
    let mut st = CpuState::reset();
    let shape = input.byte();
    let user = shape & 1 != 0;
    let long = matches!(mode, Mode::Long | Mode::Compatibility);
    st.gdtr = Table { base: GDT, limit: LAST + 7 };
    st.idtr = Table { base: if mode == Mode::Real { 0 } else { IDT }, limit: if long { 0xfff } else { 0x7ff } };
    st.tr = Segment {
        selector: TASK,
        attr: attr::P | if mode == Mode::Protected16 { 3 } else { 0xb },
        limit: 0x2ff,
        base: TSS,
    };
    st.ldtr = Segment { selector: LOCAL, attr: attr::P | 2, limit: 0xff, base: LDT };
    let mut flags = FIXED | input.number(4) & 0x3f_7fd5 & !VM;
    match mode {
        Mode::Real | Mode::V86 => {
            let seg = |at: u64| Segment::real((at >> 4) as u16);
            st.seg = [seg(DATA), seg(CODE), seg(STACK), seg(DATA), seg(DATA), seg(DATA)];
            if mode == Mode::V86 {
                flags |= VM;
                st.cpl = 3;
                for s in &mut st.seg {
                    s.attr |= attr::DPL;
                }
            }
        }
        _ => {
            let (code, db) = match (mode, user) {
                (Mode::Long, false) => (CODE64, attr::L),
                (Mode::Long, true) => (USER64, attr::L),
                (Mode::Protected32, false) => (CODE32, attr::DB),
                (Mode::Protected32, true) => (USER32, attr::DB),
                (Mode::Compatibility, _) if shape & 2 != 0 => (USER16, 0),
                (Mode::Compatibility, _) => (USER32, attr::DB),
                (_, false) => (CODE16, 0),
                (_, true) => (USER16, 0),
            };
            st.cpl = (code & 3) as u8;
            let data = if st.cpl == 3 { DATA3 } else { DATA0 };
            st.seg = [segment(mode, data, false, if mode == Mode::Protected16 { 0 } else { attr::DB }); 6];
            st.seg[Seg::Cs as usize] = segment(mode, code, true, db);
        }
    }
    let near = |at: u64| if matches!(mode, Mode::Protected32 | Mode::Compatibility | Mode::Long) { at } else { 0 };
    st.regs[usize::from(RIP)] = near(CODE);
    let count = if long { 16 } else { 8 };
    for r in &mut st.regs[..count] {
        *r = input.interesting(near(DATA));
        if !long {
            *r &= 0xffff_ffff;
        }
    }
    st.regs[usize::from(RSP)] = near(STACK) + 0x800 + u64::from(input.byte() & 0xf);
    if mode != Mode::Real {
        st.cr0 |= cr0::PE;
    }
    paging(&mut st, name, mode, shape, input);
    if name >= ModelName::I80486 && shape & 0x10 != 0 {
        let bits = input.number(4) & (cr0::MP | cr0::EM | cr0::TS | cr0::NE | cr0::WP | cr0::AM);
        st.cr0 |= bits;
    }
    if name >= ModelName::Pentium && shape & 0x20 != 0 {
        let (a, b) = (cr4::VME | cr4::PVI | cr4::TSD | cr4::DE | cr4::PSE, cr4::OSFXSR | cr4::OSXMMEXCPT);
        st.cr4 |= input.number(4) & (a | b | cr4::PGE | cr4::UMIP | cr4::SMAP | cr4::SMEP | cr4::FSGSBASE);
    }
    if shape & 0x40 != 0 {
        debug(&mut st, input);
    }
    if shape & 0x80 != 0 {
        units(&mut st, input);
    } else {
        st.cr4 |= if name >= ModelName::Pentium3 { cr4::OSFXSR } else { 0 };
    }
    st.flags = Flags::from_bits(flags);
    st
}

fn paging(st: &mut CpuState, name: ModelName, mode: Mode, shape: u8, input: &mut Input<'_>) {
    let long = matches!(mode, Mode::Long | Mode::Compatibility);
    if long {
        st.cr0 |= cr0::PG;
        st.cr4 |= cr4::PAE;
        st.cr3 = PAGES;
        st.msr.efer = efer::LMA | efer::LME | efer::SCE | (efer::NXE * u64::from(shape & 4 != 0));
    } else if mode != Mode::Real && name >= ModelName::I80386 && shape & 4 != 0 {
        st.cr0 |= cr0::PG;
        if name >= ModelName::Pentium3 && shape & 8 != 0 {
            st.cr4 |= cr4::PAE;
            st.cr3 = PAGES + 0x1000;
            st.pdpte = [PAGES + 0x2001, PAGES + 0x2001, 0, input.number(8)];
        } else {
            st.cr3 = PAGES + 0x5000;
        }
    }
    if name >= ModelName::Pentium3 {
        st.msr.sysenter_cs = u64::from(CODE32);
        st.msr.sysenter_esp = STACK + 0x900;
        st.msr.sysenter_eip = DATA + 0x40;
    }
    st.msr.star = u64::from(CODE64) << 32 | u64::from(USER32) << 48;
    st.msr.lstar = DATA + 0x40;
    st.msr.cstar = DATA + 0x40;
    st.msr.sfmask = IF;
}

/// Breakpoints, shadows, pending events, sleep.
fn debug(st: &mut CpuState, input: &mut Input<'_>) {
    st.dr7 |= input.number(4) & 0xffff_03ff;
    for d in &mut st.dr {
        *d = input.choose(&[CODE, DATA, STACK, STACK + 0x7f8]) + input.number(1);
    }
    let bits = input.byte();
    st.nmi_pending = bits & 1 != 0;
    st.nmi_blocked = bits & 2 != 0;
    st.smi_pending = bits & 4 != 0;
    st.shadow = [Shadow::None, Shadow::Sti, Shadow::MovSs, Shadow::None][usize::from(bits >> 3 & 3)];
    st.activity = if bits & 0xe0 == 0xe0 { Activity::Halt } else { Activity::Active };
    st.pending_debug = u64::from(input.byte()) & 0xf;
}

/// x87 and SSE registers with any contents.
fn units(st: &mut CpuState, input: &mut Input<'_>) {
    for n in 0..8 {
        st.fpu.significand[n] = input.interesting(1 << 63);
        st.fpu.sign_exponent[n] = input.interesting(0x3fff) as u16;
        st.xmm[n] = u128::from(input.interesting(0x3ff0 << 48)) << 64 | u128::from(input.interesting(0x3f80_0000));
    }
    st.fpu.control = input.number(2) as u16;
    st.fpu.set_status(input.number(2) as u16);
    st.fpu.valid = input.byte();
    st.mxcsr = input.number(2) as u32;
    st.cr4 |= cr4::OSFXSR | input.number(2) & cr4::OSXMMEXCPT;
}
