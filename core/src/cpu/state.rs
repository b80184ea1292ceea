//! The architectural state of one CPU, in SDM names: plain data, no caches, no host pointers.

use super::flags::Flags;
use super::segment::{Seg, Segment, Table, attr};
use serde::{Deserialize, Serialize};

/// Index of the instruction pointer in [`CpuState::regs`].
pub const RIP: u8 = 16;
/// Index of a register that always holds 0, for addresses without a base or an index.
pub const ZERO: u8 = 17;
/// RAX.
pub const RAX: u8 = 0;
/// RCX.
pub const RCX: u8 = 1;
/// RDX.
pub const RDX: u8 = 2;
/// RBX.
pub const RBX: u8 = 3;
/// RSP.
pub const RSP: u8 = 4;
/// RBP.
pub const RBP: u8 = 5;
/// RSI.
pub const RSI: u8 = 6;
/// RDI.
pub const RDI: u8 = 7;

/// CR0 bits. SDM Vol. 3A, "Control Registers".
#[allow(missing_docs)]
pub mod cr0 {
    pub const PE: u64 = 1 << 0;
    pub const MP: u64 = 1 << 1;
    pub const EM: u64 = 1 << 2;
    pub const TS: u64 = 1 << 3;
    pub const ET: u64 = 1 << 4;
    pub const NE: u64 = 1 << 5;
    pub const WP: u64 = 1 << 16;
    pub const AM: u64 = 1 << 18;
    pub const NW: u64 = 1 << 29;
    pub const CD: u64 = 1 << 30;
    pub const PG: u64 = 1 << 31;
}

/// CR4 bits. SDM Vol. 3A, "Control Registers".
#[allow(missing_docs)]
pub mod cr4 {
    pub const VME: u64 = 1 << 0;
    pub const PVI: u64 = 1 << 1;
    pub const TSD: u64 = 1 << 2;
    pub const DE: u64 = 1 << 3;
    pub const PSE: u64 = 1 << 4;
    pub const PAE: u64 = 1 << 5;
    pub const MCE: u64 = 1 << 6;
    pub const PGE: u64 = 1 << 7;
    pub const PCE: u64 = 1 << 8;
    pub const OSFXSR: u64 = 1 << 9;
    pub const OSXMMEXCPT: u64 = 1 << 10;
    pub const UMIP: u64 = 1 << 11;
    pub const FSGSBASE: u64 = 1 << 16;
    pub const PCIDE: u64 = 1 << 17;
    pub const OSXSAVE: u64 = 1 << 18;
    pub const SMEP: u64 = 1 << 20;
    pub const SMAP: u64 = 1 << 21;
}

/// IA32_EFER bits. SDM Vol. 3A, "IA32_EFER MSR".
#[allow(missing_docs)]
pub mod efer {
    pub const SCE: u64 = 1 << 0;
    pub const LME: u64 = 1 << 8;
    pub const LMA: u64 = 1 << 10;
    pub const NXE: u64 = 1 << 11;
}

/// What the CPU is doing between instructions. SDM Vol. 3A, "Activity State" (VMCS guest non-register state).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    /// Executing instructions.
    #[default]
    Active,
    /// After HLT: waits for an interrupt, NMI, SMI, INIT or reset.
    Halt,
    /// After a triple fault: waits for NMI, SMI, INIT or reset.
    Shutdown,
}

/// What keeps interrupts away until after the next instruction.
/// SDM Vol. 3A, "Masking Exceptions and Interrupts When Switching Stacks"; Vol. 2B, "STI".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shadow {
    /// Nothing.
    #[default]
    None,
    /// STI that turned `If` on: maskable interrupts wait.
    Sti,
    /// MOV or POP to SS: interrupts, NMI and debug traps wait.
    MovSs,
}

/// The x87 unit (and with it the MMX registers). SDM Vol. 1, "x87 FPU Execution Environment".
///
/// TOP is apart from the rest of the status word: the rest waits for the result of an operation, but the next operation
/// only needs TOP to find its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SavedFpu", into = "SavedFpu")]
pub struct Fpu {
    /// Significands of the physical registers R0-R7 (not of ST0-ST7): the MMX registers.
    pub significand: [u64; 8],
    /// Sign and exponent of R0-R7.
    pub sign_exponent: [u16; 8],
    /// Control word.
    pub control: u16,
    /// The status word but for TOP: bits 13:11 are 0. See [`Self::status`].
    pub status_less_top: u16,
    /// TOP: the number of the physical register that is ST(0), below 8. See [`Self::top`].
    top: u8,
    /// Abridged tag word, one bit a physical register: 1 is "not empty".
    pub valid: u8,
    /// Opcode of the last non-control instruction, 11 bits.
    pub opcode: u16,
    /// Its instruction pointer.
    pub ip: u64,
    /// Its code selector.
    pub cs: u16,
    /// Its operand's offset.
    pub dp: u64,
    /// Its operand's selector.
    pub ds: u16,
}

impl Fpu {
    /// After FNINIT, and after hardware reset on every model that Ferrite has.
    pub const INIT: Self = Self {
        significand: [0; 8],
        sign_exponent: [0; 8],
        control: 0x37f,
        status_less_top: 0,
        top: 0,
        valid: 0,
        opcode: 0,
        ip: 0,
        cs: 0,
        dp: 0,
        ds: 0,
    };

    /// Where TOP lies in this structure, for translated code; only numbers below 8 may be put there.
    pub const TOP_OFFSET: usize = std::mem::offset_of!(Self, top);

    /// Number of the physical register that is ST(0).
    #[must_use]
    #[inline(always)]
    pub const fn top(&self) -> u8 {
        self.top
    }

    /// Moves TOP.
    #[inline(always)]
    pub const fn set_top(&mut self, top: u8) {
        self.top = top & 7;
    }

    /// The status word; TOP is its bits 13:11.
    #[must_use]
    #[inline(always)]
    pub const fn status(&self) -> u16 {
        self.status_less_top | (self.top as u16) << 11
    }

    /// Replaces the whole status word.
    #[inline(always)]
    pub const fn set_status(&mut self, status: u16) {
        self.status_less_top = status & !(7 << 11);
        self.set_top((status >> 11) as u8);
    }
}

/// The saved form of [`Fpu`], with the status word as the guest sees it.
#[derive(Serialize, Deserialize)]
struct SavedFpu {
    significand: [u64; 8],
    sign_exponent: [u16; 8],
    control: u16,
    status: u16,
    valid: u8,
    opcode: u16,
    ip: u64,
    cs: u16,
    dp: u64,
    ds: u16,
}

impl From<Fpu> for SavedFpu {
    fn from(f: Fpu) -> Self {
        let status = f.status();
        let Fpu { significand, sign_exponent, control, status_less_top: _, top: _, valid, opcode, ip, cs, dp, ds } = f;
        Self { significand, sign_exponent, control, status, valid, opcode, ip, cs, dp, ds }
    }
}

impl From<SavedFpu> for Fpu {
    fn from(saved: SavedFpu) -> Self {
        let SavedFpu { significand, sign_exponent, control, status, valid, opcode, ip, cs, dp, ds } = saved;
        let mut f = Self { significand, sign_exponent, control, valid, opcode, ip, cs, dp, ds, ..Self::INIT };
        f.set_status(status);
        f
    }
}

/// Model-specific registers that hold state of their own. SDM Vol. 4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Msrs {
    pub efer: u64,
    pub star: u64,
    pub lstar: u64,
    pub cstar: u64,
    pub sfmask: u64,
    pub kernel_gs_base: u64,
    pub tsc_aux: u64,
    pub sysenter_cs: u64,
    pub sysenter_esp: u64,
    pub sysenter_eip: u64,
    pub pat: u64,
    pub misc_enable: u64,
    pub apic_base: u64,
    pub debugctl: u64,
    pub mtrr_def_type: u64,
    pub mtrr_fixed: [u64; 11],
    pub mtrr_base: [u64; 8],
    pub mtrr_mask: [u64; 8],
    /// IA32_TIME_STAMP_COUNTER minus the virtual clock's own count.
    pub tsc_offset: u64,
}

/// The complete architectural state of one CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)] // the registers first: see `crate::exec::Exec`
pub struct CpuState {
    /// RAX RCX RDX RBX RSP RBP RSI RDI R8-R15, then RIP ([`RIP`]) and a constant 0 ([`ZERO`]). The rest is unused and 0:
    /// it is there so that an index of five bits needs no check.
    pub regs: [u64; 32],
    /// RFLAGS.
    pub flags: Flags,
    /// ES CS SS DS FS GS, see [`Seg`].
    pub seg: [Segment; 6],
    /// LDTR.
    pub ldtr: Segment,
    /// TR.
    pub tr: Segment,
    /// GDTR.
    pub gdtr: Table,
    /// IDTR; in real mode it locates the interrupt vector table.
    pub idtr: Table,
    /// Current privilege level, 0 to 3.
    pub cpl: u8,
    /// CR0; on the 80286 the machine status word.
    pub cr0: u64,
    /// CR2, the page-fault linear address.
    pub cr2: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// CR8, the task priority.
    pub cr8: u64,
    /// The four page-directory-pointer-table entries that PAE paging loads with CR3.
    pub pdpte: [u64; 4],
    /// DR0-DR3.
    pub dr: [u64; 4],
    /// DR6.
    pub dr6: u64,
    /// DR7.
    pub dr7: u64,
    /// 80386 test registers TR3-TR7 (80486 numbering), plain storage.
    pub test: [u32; 5],
    /// XCR0.
    pub xcr0: u64,
    /// Model-specific registers.
    pub msr: Msrs,
    /// x87 and MMX.
    pub fpu: Fpu,
    /// XMM0-XMM15.
    pub xmm: [u128; 16],
    /// MXCSR.
    pub mxcsr: u32,
    /// Interrupt shadow.
    pub shadow: Shadow,
    /// Executing, halted or shut down.
    pub activity: Activity,
    /// NMI is blocked until IRET.
    pub nmi_blocked: bool,
    /// An NMI arrived and waits.
    pub nmi_pending: bool,
    /// In system management mode.
    pub smm: bool,
    /// SMBASE.
    pub smbase: u32,
    /// An SMI arrived and waits.
    pub smi_pending: bool,
    /// The last instruction was a repeated one that stopped between two iterations. An event delivered now saves RF set.
    pub unfinished: bool,
    /// Debug conditions (DR6 bits) that wait for the end of the instruction or of a MOV SS shadow.
    pub pending_debug: u64,
}

impl CpuState {
    /// After a hardware reset of a processor from the 80386 on.
    /// SDM Vol. 3A, "Processor State After Reset"; models adjust it.
    #[must_use]
    pub fn reset() -> Self {
        let mut regs = [0; 32];
        regs[RIP as usize] = 0xfff0;
        let mut seg = [Segment::real(0); 6];
        seg[Seg::Cs as usize] = Segment {
            selector: 0xf000,
            attr: attr::P | attr::S | attr::CODE | attr::RW | attr::ACCESSED,
            limit: 0xffff,
            base: 0xffff_0000,
        };
        Self {
            regs,
            flags: Flags::default(),
            seg,
            ldtr: Segment { attr: attr::P | 2, ..Segment::real(0) },
            tr: Segment { attr: attr::P | 0xb, ..Segment::real(0) },
            gdtr: Table { base: 0, limit: 0xffff },
            idtr: Table { base: 0, limit: 0xffff },
            cpl: 0,
            cr0: cr0::ET | cr0::CD | cr0::NW,
            cr2: 0,
            cr3: 0,
            cr4: 0,
            cr8: 0,
            pdpte: [0; 4],
            dr: [0; 4],
            dr6: 0xffff_0ff0,
            dr7: 0x400,
            test: [0; 5],
            xcr0: 1,
            msr: Msrs { pat: 0x0007_0406_0007_0406, ..Msrs::default() },
            fpu: Fpu::INIT,
            xmm: [0; 16],
            mxcsr: 0x1f80,
            shadow: Shadow::None,
            activity: Activity::Active,
            nmi_blocked: false,
            nmi_pending: false,
            smm: false,
            smbase: 0x3_0000,
            smi_pending: false,
            unfinished: false,
            pending_debug: 0,
        }
    }

    /// The instruction pointer.
    #[must_use]
    #[inline(always)]
    pub const fn rip(&self) -> u64 {
        self.regs[RIP as usize]
    }

    /// Sets the instruction pointer.
    #[inline(always)]
    pub const fn set_rip(&mut self, rip: u64) {
        self.regs[RIP as usize] = rip;
    }

    /// A segment register.
    #[must_use]
    #[inline(always)]
    pub const fn segment(&self, s: Seg) -> &Segment {
        &self.seg[s as usize]
    }

    /// CR0.PE is set.
    #[must_use]
    #[inline]
    pub const fn protected(&self) -> bool {
        self.cr0 & cr0::PE != 0
    }

    /// Virtual-8086 mode.
    #[must_use]
    #[inline]
    pub const fn v86(&self) -> bool {
        self.flags.system & super::flags::VM != 0
    }

    /// Real or virtual-8086 mode: a segment load takes the selector times 16.
    #[must_use]
    #[inline]
    pub const fn real_segments(&self) -> bool {
        !self.protected() || self.v86()
    }

    /// IA-32e mode is active (EFER.LMA): 64-bit or compatibility mode.
    #[must_use]
    #[inline]
    pub const fn long_mode(&self) -> bool {
        self.msr.efer & efer::LMA != 0
    }

    /// 64-bit mode (long mode and CS.L).
    #[must_use]
    #[inline]
    pub const fn code64(&self) -> bool {
        self.long_mode() && self.seg[Seg::Cs as usize].attr & attr::L != 0
    }
}
