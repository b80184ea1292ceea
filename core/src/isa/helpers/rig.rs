//! What the tests of this folder run on: a CPU with tables, stacks and handlers at known places.

use crate::cpu::flags::IF;
use crate::cpu::segment::{Seg, Segment, Table, attr};
use crate::cpu::state::{RSP, cr0, cr4, efer};
use crate::cpu::{Exception, Model, ModelName};
use crate::exec::{Exec, Exit};
use crate::interp::Interpreter;
use crate::system::System;

/// Where things are, in linear addresses.
pub const GDT: u64 = 0x1000;
pub const IDT: u64 = 0x2000;
pub const TSS: u64 = 0x3000;
pub const TSS_B: u64 = 0x3200;
pub const TSS_W: u64 = 0x3400;
pub const LDT: u64 = 0x3600;
pub const STACK3: u64 = 0x6000;
pub const STACK0: u64 = 0x7000;
/// Where level 0 runs when a test starts there.
pub const SP0: u64 = 0x7800;
pub const CODE: u64 = 0x8000;
/// Handler of vector n at n * 16 from here.
pub const HANDLERS: u64 = 0x9000;
const PAGES: u64 = 0x1_0000;

/// Selectors of the GDT.
pub const CODE0: u16 = 0x08;
pub const DATA0: u16 = 0x10;
pub const CODE3: u16 = 0x1b;
pub const DATA3: u16 = 0x23;
pub const CODE16: u16 = 0x28;
pub const DATA16: u16 = 0x30;
pub const CONFORMING: u16 = 0x38;
pub const TSS_SEL: u16 = 0x40;
/// 0x48 is the upper half of the TSS's descriptor in long mode.
pub const TSS_B_SEL: u16 = 0x50;
pub const TSS16_SEL: u16 = 0x58;
pub const LDT_SEL: u16 = 0x60;
pub const ABSENT: u16 = 0x68;
pub const EXECUTE_ONLY: u16 = 0x70;
pub const READ_ONLY: u16 = 0x78;
pub const CODE64: u16 = 0x80;
pub const CODE64_3: u16 = 0x8b;
pub const ABSENT_CODE: u16 = 0x90;
/// Free for a test's own descriptor; 0xa0 for its upper half.
pub const OWN: u16 = 0x98;

/// Access rights for [`descriptor`].
pub const DATA: u16 = 0x93;
pub const CODE_RX: u16 = 0x9b;
pub const BIG: u16 = attr::DB | attr::G;

/// A descriptor; the limit counts pages when `attr` has G.
pub fn descriptor(base: u64, limit: u64, attr: u16) -> u64 {
    limit & 0xffff
        | (base & 0xff_ffff) << 16
        | u64::from(attr & 0xf0ff) << 40
        | (limit >> 16 & 0xf) << 48
        | (base >> 24 & 0xff) << 56
}

/// A gate of any kind.
pub fn gate(kind: u8, dpl: u8, selector: u16, offset: u64, params: u8) -> u64 {
    offset & 0xffff
        | u64::from(selector) << 16
        | u64::from(params) << 32
        | (u64::from(kind) | u64::from(dpl) << 5 | 0x80) << 40
        | (offset >> 16 & 0xffff) << 48
}

pub struct Rig {
    pub x: Exec,
    engine: Interpreter,
}

impl Rig {
    /// Real mode: code at 0:CODE, stack at 0:SP0, vector n at 0:HANDLERS + 16 n.
    pub fn real(model: ModelName) -> Self {
        let mut r = Self { x: Exec::new(Model::new(model), System::bare(1 << 20)), engine: Interpreter::new() };
        r.x.st.seg[Seg::Cs as usize] = Segment::real(0);
        r.x.st.ldtr = Segment::null(0);
        r.x.st.set_rip(CODE);
        r.x.st.regs[RSP as usize] = SP0;
        for n in 0..256u64 {
            r.poke(n * 4, 4, HANDLERS + 16 * n);
        }
        r.x.refresh();
        r
    }

    /// 32-bit protected mode, level 0, all gates 32-bit interrupt gates of DPL 0 to CODE0, paging off.
    pub fn protected(model: ModelName) -> Self {
        let mut r = Self::real(model);
        let wide = model >= ModelName::I80386;
        let (big, limit) = if wide { (BIG, 0xf_ffff) } else { (0, 0xffff) };
        let gdt = [
            0,
            descriptor(0, limit, CODE_RX | big),
            descriptor(0, limit, DATA | big),
            descriptor(0, limit, CODE_RX | attr::DPL | big),
            descriptor(0, limit, DATA | attr::DPL | big),
            descriptor(0, 0xffff, CODE_RX),
            descriptor(0, 0xffff, DATA),
            descriptor(0, limit, CODE_RX | attr::EC | big),
            descriptor(TSS, 0xff, attr::P | if wide { 0xb } else { 3 }),
            0,
            descriptor(TSS_B, 0xff, attr::P | 9),
            descriptor(TSS_W, 0x2b, attr::P | 1),
            descriptor(LDT, 0x1f, attr::P | 2),
            descriptor(0, limit, (DATA & !attr::P) | big),
            descriptor(0, limit, (CODE_RX & !attr::RW) | big),
            descriptor(0, limit, (DATA & !attr::RW) | big),
            descriptor(0, limit, CODE_RX | attr::L | attr::G),
            descriptor(0, limit, CODE_RX | attr::L | attr::G | attr::DPL),
            descriptor(0, limit, (CODE_RX & !attr::P) | big),
            0,
            0,
        ];
        for (n, d) in gdt.iter().enumerate() {
            r.poke(GDT + 8 * n as u64, 8, *d);
        }
        for n in 0..256 {
            r.poke(IDT + 8 * n, 8, gate(if wide { 14 } else { 6 }, 0, CODE0, HANDLERS + 16 * n, 0));
        }
        let st = &mut r.x.st;
        st.gdtr = Table { base: GDT, limit: 8 * gdt.len() as u16 - 1 };
        st.idtr = Table { base: IDT, limit: 0x7ff };
        st.cr0 |= cr0::PE;
        st.tr = Segment { selector: TSS_SEL, attr: attr::P | if wide { 0xb } else { 3 }, limit: 0xff, base: TSS };
        if wide {
            r.poke(TSS + 4, 4, STACK0);
            r.poke(TSS + 8, 2, u64::from(DATA0));
        } else {
            r.poke(TSS + 2, 2, STACK0);
            r.poke(TSS + 4, 2, u64::from(DATA0));
        }
        r.set_seg(Seg::Cs, CODE0);
        for s in [Seg::Ss, Seg::Ds, Seg::Es, Seg::Fs, Seg::Gs] {
            r.set_seg(s, DATA0);
        }
        r.x.refresh();
        r
    }

    /// The same at level 3, stack at STACK3.
    pub fn level3(model: ModelName) -> Self {
        let mut r = Self::protected(model);
        r.set_seg(Seg::Cs, CODE3);
        for s in [Seg::Ss, Seg::Ds, Seg::Es, Seg::Fs, Seg::Gs] {
            r.set_seg(s, DATA3);
        }
        r.x.st.cpl = 3;
        r.x.st.regs[RSP as usize] = STACK3;
        r.x.refresh();
        r
    }

    /// Virtual-8086 mode with IOPL 3: code at 0:CODE, stack at 0:STACK3.
    pub fn v86(model: ModelName) -> Self {
        let mut r = Self::protected(model);
        r.x.st.cpl = 3;
        r.x.st.flags.set_system(crate::cpu::flags::VM | crate::cpu::flags::IOPL | IF, true);
        for s in Seg::ALL {
            r.x.st.seg[s as usize] = Segment { attr: 0xf3, ..Segment::real(0) };
        }
        r.x.st.regs[RSP as usize] = STACK3;
        r.x.refresh();
        r
    }

    /// 64-bit mode, level 0 or 3; the first 2 MiB mapped one to one, for all levels; 64-bit interrupt gates.
    pub fn long(cpl: u8) -> Self {
        let mut r = Self::protected(ModelName::Max);
        r.poke(PAGES, 8, (PAGES + 0x1000) | 7);
        r.poke(PAGES + 0x1000, 8, (PAGES + 0x2000) | 7);
        r.poke(PAGES + 0x2000, 8, 0x87);
        for n in 0..256 {
            r.poke(IDT + 16 * n, 8, gate(14, 0, CODE64, HANDLERS + 16 * n, 0));
            r.poke(IDT + 16 * n + 8, 8, 0);
        }
        r.poke(TSS + 4, 8, STACK0);
        let st = &mut r.x.st;
        st.idtr.limit = 0xfff;
        st.cr3 = PAGES;
        st.cr4 |= cr4::PAE;
        st.cr0 |= cr0::PG;
        st.msr.efer = efer::LME | efer::LMA | efer::SCE;
        st.cpl = cpl;
        r.set_seg(Seg::Cs, if cpl == 0 { CODE64 } else { CODE64_3 });
        for s in [Seg::Ss, Seg::Ds, Seg::Es, Seg::Fs, Seg::Gs] {
            r.set_seg(s, if cpl == 0 { DATA0 } else { DATA3 });
        }
        r.x.st.regs[RSP as usize] = if cpl == 0 { SP0 } else { STACK3 };
        r.x.flush_tlb();
        r.x.refresh();
        r
    }

    /// Loads a segment register from the GDT, without checks.
    pub fn set_seg(&mut self, s: Seg, selector: u16) {
        let raw = self.peek(GDT + u64::from(selector & !7), 8);
        let d = super::descriptor::Descriptor { selector, raw, high: 0, at: 0 };
        self.x.st.seg[s as usize] = d.segment(selector);
        self.x.refresh();
    }

    pub fn poke(&mut self, at: u64, n: usize, v: u64) {
        self.x.sys.mem.write(at, &v.to_le_bytes()[..n]);
        self.x.attention = true;
    }

    pub fn peek(&self, at: u64, n: usize) -> u64 {
        let mut b = [0; 8];
        b[..n].copy_from_slice(&self.x.sys.mem.backing()[at as usize..at as usize + n]);
        u64::from_le_bytes(b)
    }

    /// Replaces a descriptor of the GDT.
    pub fn gdt(&mut self, selector: u16, raw: u64) {
        self.poke(GDT + u64::from(selector & !7), 8, raw);
    }

    /// Puts code where the CPU is.
    pub fn code(&mut self, bytes: &[u8]) {
        let at = self.x.st.segment(Seg::Cs).base + self.x.st.rip();
        self.x.sys.mem.write(at, bytes);
        self.x.attention = true;
    }

    /// Runs one instruction (or delivers its fault), and what is due before it.
    pub fn step(&mut self) -> Exit {
        let limit = self.x.retired + 1;
        self.engine.run(&mut self.x, limit)
    }

    /// Runs `n` instructions or iterations.
    pub fn steps(&mut self, n: u64) -> Exit {
        let limit = self.x.retired + n;
        self.engine.run(&mut self.x, limit)
    }

    /// Puts one instruction where the CPU is and runs it.
    pub fn run(&mut self, bytes: &[u8]) -> Exit {
        self.code(bytes);
        self.step()
    }

    /// Delivers what is due now without running an instruction.
    pub fn poll(&mut self) -> Option<Exit> {
        super::interrupt::poll(&mut self.x)
    }

    /// The vector whose handler the CPU is at, if any.
    pub fn handler(&self) -> Option<u64> {
        let ip = self.x.st.rip();
        (HANDLERS..HANDLERS + 0x1000).contains(&ip).then(|| (ip - HANDLERS) / 16)
    }

    pub fn sp(&self) -> u64 {
        self.x.st.regs[RSP as usize]
    }

    pub fn selector(&self, s: Seg) -> u16 {
        self.x.st.segment(s).selector
    }

    /// The `n`th slot of `bytes` bytes from the top of the stack (in a segment of base 0).
    pub fn slot(&self, n: u64, bytes: u64) -> u64 {
        self.peek(self.sp() + n * bytes, bytes as usize)
    }

    /// Runs code that must fault, in protected mode through 32-bit gates, and gives what the handler was told.
    pub fn fault(&mut self, bytes: &[u8]) -> Exception {
        self.code(bytes);
        let (cs, ip, sp) = (self.selector(Seg::Cs), self.x.st.rip(), self.sp());
        let regs = self.x.st.regs;
        self.step();
        let vector = self.handler().expect("it should have faulted") as u8;
        let n = if self.x.st.long_mode() { 8 } else { 4 };
        let has_code = matches!(vector, 8 | 10..=14 | 17);
        let e = if has_code { Exception::with_code(vector, self.slot(0, n) as u32) } else { Exception::plain(vector) };
        let at = u64::from(has_code);
        assert_eq!(self.slot(at, n), ip, "{e:?}: saved instruction pointer");
        assert_eq!(self.slot(at + 1, n) as u16, cs, "{e:?}: saved CS");
        if cs & 3 != 0 && n == 4 {
            assert_eq!(self.slot(at + 3, n), sp, "{e:?}: saved stack pointer");
        }
        for (k, (old, new)) in regs.iter().zip(self.x.st.regs).enumerate() {
            assert!(*old == new || k == usize::from(RSP) || k == 16, "{e:?}: register {k} changed");
        }
        e
    }
}
