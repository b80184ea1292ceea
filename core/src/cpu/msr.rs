//! Model-specific registers. SDM Vol. 4, "Architectural MSRs" and the tables of the P6 and NetBurst families.
//! What is not listed here raises `#GP(0)`, as on the processor.
//!
//! *Not modelled:* machine-check banks (there are none), performance counters, memory types (MTRR and PAT are
//! storage), microcode updates (the load is ignored), last-branch records, thermal control.

use super::exception::Exception;
use super::feature::Feature;
use super::model::{Model, ModelName};
use super::segment::Seg;
use super::state::{cr0, efer};
use crate::exec::{Exec, canonical};
use crate::time::Freq;

/// Frequency of the time-stamp counter: one tick is 1000 ps of virtual time, on every model.
pub const TSC_HZ: u64 = 1_000_000_000;
/// XCR0 bits that can be set: x87 and SSE.
pub const XCR0_MASK: u64 = 3;
/// `IA32_APIC_BASE` after reset: the default address and BSP; the global enable is clear without an APIC.
pub const APIC_BASE_RESET: u64 = 0xfee0_0000 | 1 << 8;
/// `IA32_MISC_ENABLE` after reset: fast strings; branch trace and PEBS unavailable.
pub const MISC_ENABLE_RESET: u64 = 1 << 0 | 1 << 11 | 1 << 12;
/// `IA32_MISC_ENABLE`: "Limit CPUID Maxval".
pub const MISC_LIMIT_CPUID: u64 = 1 << 22;
/// `IA32_MISC_ENABLE` bits that software may change: fast strings, ENHANCED SpeedStep, MONITOR FSM, limit CPUID.
const MISC_WRITABLE: u64 = 1 << 0 | 1 << 3 | 1 << 7 | 1 << 16 | 1 << 18 | MISC_LIMIT_CPUID;
/// `IA32_ARCH_CAPABILITIES`: an interpreter does not speculate, so it has none of the known leaks: `RDCL_NO`,
/// `SKIP_L1DFL_VMENTRY`, `SSB_NO`, `MDS_NO`, `IF_PSCHANGE_MC_NO`, `TAA_NO`, `SBDR_SSDP_NO`, `FBSDP_NO`, `PSDP_NO`,
/// `BHI_NO`, `PBRSB_NO`, `GDS_NO`, `RFDS_NO`.
const ARCH_CAPABILITIES: u64 = 1 << 0
    | 1 << 3
    | 1 << 4
    | 1 << 5
    | 1 << 6
    | 1 << 8
    | 1 << 13
    | 1 << 14
    | 1 << 15
    | 1 << 20
    | 1 << 24
    | 1 << 26
    | 1 << 27;
/// `IA32_MTRRCAP`: 8 variable ranges, fixed ranges, write combining.
const MTRR_CAP: u64 = 8 | 1 << 8 | 1 << 10;
/// `IA32_MTRR_DEF_TYPE`: type, fixed enable, enable.
const MTRR_DEF_MASK: u64 = 0xff | 3 << 10;
/// `IA32_DEBUGCTL` bits that exist: LBR, BTF.
const DEBUGCTL_MASK: u64 = 3;

/// MSR numbers in SDM names.
#[allow(missing_docs)]
pub mod index {
    pub const P5_MC_ADDR: u32 = 0x00;
    pub const P5_MC_TYPE: u32 = 0x01;
    pub const TSC: u32 = 0x10;
    pub const PLATFORM_ID: u32 = 0x17;
    pub const APIC_BASE: u32 = 0x1b;
    pub const EBL_CR_POWERON: u32 = 0x2a;
    pub const EBC_FREQUENCY_ID: u32 = 0x2c;
    pub const BIOS_UPDT_TRIG: u32 = 0x79;
    pub const BIOS_SIGN_ID: u32 = 0x8b;
    pub const MTRRCAP: u32 = 0xfe;
    pub const ARCH_CAPABILITIES: u32 = 0x10a;
    pub const BBL_CR_CTL: u32 = 0x119;
    pub const BBL_CR_CTL3: u32 = 0x11e;
    pub const SYSENTER_CS: u32 = 0x174;
    pub const SYSENTER_ESP: u32 = 0x175;
    pub const SYSENTER_EIP: u32 = 0x176;
    pub const MCG_CAP: u32 = 0x179;
    pub const MCG_STATUS: u32 = 0x17a;
    pub const MISC_ENABLE: u32 = 0x1a0;
    pub const DEBUGCTL: u32 = 0x1d9;
    pub const LASTBRANCHFROMIP: u32 = 0x1db;
    pub const LASTINTTOIP: u32 = 0x1de;
    pub const MTRR_PHYSBASE0: u32 = 0x200;
    pub const MTRR_PHYSMASK7: u32 = 0x20f;
    pub const MTRR_FIX64K: u32 = 0x250;
    pub const MTRR_FIX16K_80000: u32 = 0x258;
    pub const MTRR_FIX16K_A0000: u32 = 0x259;
    pub const MTRR_FIX4K_C0000: u32 = 0x268;
    pub const MTRR_FIX4K_F8000: u32 = 0x26f;
    pub const PAT: u32 = 0x277;
    pub const MTRR_DEF_TYPE: u32 = 0x2ff;
    pub const EFER: u32 = 0xc000_0080;
    pub const STAR: u32 = 0xc000_0081;
    pub const LSTAR: u32 = 0xc000_0082;
    pub const CSTAR: u32 = 0xc000_0083;
    pub const FMASK: u32 = 0xc000_0084;
    pub const FS_BASE: u32 = 0xc000_0100;
    pub const GS_BASE: u32 = 0xc000_0101;
    pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
    pub const TSC_AUX: u32 = 0xc000_0103;
}
use index as n;

const GP: Exception = Exception::gp(0);

/// The time-stamp counter at the running instruction.
pub fn tsc(x: &mut Exec) -> u64 {
    x.sync_clock();
    tsc_clock(x).wrapping_add(x.st.msr.tsc_offset)
}

fn tsc_clock(x: &Exec) -> u64 {
    const TSC: Freq = Freq::hz(TSC_HZ);
    TSC.cycles_at(x.sys.clock.now())
}

/// Whether the model has the MSR. Reads and writes ask nothing else about the model.
fn exists(m: &Model, msr: u32) -> bool {
    let p6 = m.family() >= 6;
    let newer = p6 && m.name >= ModelName::Pentium4;
    match msr {
        n::P5_MC_ADDR | n::P5_MC_TYPE => m.has(Feature::Mce),
        n::TSC => m.has(Feature::Tsc),
        n::PLATFORM_ID | n::BIOS_UPDT_TRIG | n::BIOS_SIGN_ID | n::EBL_CR_POWERON | n::APIC_BASE => p6,
        n::DEBUGCTL | n::LASTBRANCHFROMIP..=n::LASTINTTOIP => p6,
        n::BBL_CR_CTL | n::BBL_CR_CTL3 => m.name == ModelName::Pentium3,
        n::EBC_FREQUENCY_ID => m.family() == 15,
        n::MISC_ENABLE => newer,
        n::SYSENTER_CS | n::SYSENTER_ESP | n::SYSENTER_EIP => m.has(Feature::Sep),
        n::MCG_CAP | n::MCG_STATUS => m.has(Feature::Mca),
        n::ARCH_CAPABILITIES => m.has(Feature::ArchCapabilities),
        n::MTRRCAP | n::MTRR_DEF_TYPE | n::MTRR_PHYSBASE0..=n::MTRR_PHYSMASK7 => m.has(Feature::Mtrr),
        _ if fixed_mtrr(msr).is_some() => m.has(Feature::Mtrr),
        n::PAT => m.has(Feature::Pat),
        n::EFER => m.efer_mask() != 0,
        n::STAR | n::LSTAR | n::CSTAR | n::FMASK => m.has(Feature::Syscall),
        n::FS_BASE | n::GS_BASE | n::KERNEL_GS_BASE => m.has(Feature::Lm),
        n::TSC_AUX => m.has(Feature::Rdtscp),
        _ => false,
    }
}

/// Place of a fixed-range MTRR in [`super::state::Msrs::mtrr_fixed`].
const fn fixed_mtrr(msr: u32) -> Option<usize> {
    Some(match msr {
        n::MTRR_FIX64K => 0,
        n::MTRR_FIX16K_80000 => 1,
        n::MTRR_FIX16K_A0000 => 2,
        n::MTRR_FIX4K_C0000..=n::MTRR_FIX4K_F8000 => 3 + (msr - n::MTRR_FIX4K_C0000) as usize,
        _ => return None,
    })
}

/// RDMSR without its privilege check.
///
/// # Errors
/// `#GP(0)` for an MSR that the model does not have.
pub fn read(x: &mut Exec, msr: u32) -> Result<u64, Exception> {
    if !exists(&x.model, msr) {
        return Err(GP);
    }
    let st = &x.st;
    let m = &st.msr;
    if let Some(k) = fixed_mtrr(msr) {
        return Ok(m.mtrr_fixed[k]);
    }
    Ok(match msr {
        n::TSC => tsc(x),
        n::APIC_BASE => m.apic_base,
        n::SYSENTER_CS => m.sysenter_cs,
        n::SYSENTER_ESP => m.sysenter_esp,
        n::SYSENTER_EIP => m.sysenter_eip,
        n::ARCH_CAPABILITIES => ARCH_CAPABILITIES,
        n::MISC_ENABLE => m.misc_enable,
        n::DEBUGCTL => m.debugctl,
        n::MTRRCAP => MTRR_CAP,
        n::MTRR_DEF_TYPE => m.mtrr_def_type,
        n::MTRR_PHYSBASE0..=n::MTRR_PHYSMASK7 => {
            let k = (msr - n::MTRR_PHYSBASE0) as usize / 2;
            if msr & 1 == 0 { m.mtrr_base[k] } else { m.mtrr_mask[k] }
        }
        n::PAT => m.pat,
        n::EFER => m.efer,
        n::STAR => m.star,
        n::LSTAR => m.lstar,
        n::CSTAR => m.cstar,
        n::FMASK => m.sfmask,
        n::FS_BASE => st.segment(Seg::Fs).base,
        n::GS_BASE => st.segment(Seg::Gs).base,
        n::KERNEL_GS_BASE => m.kernel_gs_base,
        n::TSC_AUX => m.tsc_aux,
        // Machine check without banks, microcode revision 0, power-on configuration 0, no branch recorded.
        _ => 0,
    })
}

/// WRMSR without its privilege check.
///
/// # Errors
/// `#GP(0)` for an MSR that the model does not have or that cannot be written, and for a value with reserved bits.
pub fn write(x: &mut Exec, msr: u32, v: u64) -> Result<(), Exception> {
    if !exists(&x.model, msr) {
        return Err(GP);
    }
    let phys_mask = (1u64 << x.model.phys_bits) - 1;
    let check = |ok: bool| if ok { Ok(()) } else { Err(GP) };
    if let Some(k) = fixed_mtrr(msr) {
        check(v.to_le_bytes().iter().all(|&t| memory_type(t, false)))?;
        x.st.msr.mtrr_fixed[k] = v;
        return Ok(());
    }
    let wide = x.model.has(Feature::Lm);
    let m = &mut x.st.msr;
    match msr {
        n::TSC => {
            x.sync_clock();
            let now = tsc_clock(x);
            // Up to family 15 model 2 a write clears the upper half. Vol. 3B, "Time-Stamp Counter".
            let v = if wide { v } else { v & 0xffff_ffff };
            x.st.msr.tsc_offset = v.wrapping_sub(now);
        }
        n::APIC_BASE => {
            // Without an APIC there is nothing to enable; the base is storage.
            check(v & !(phys_mask & !0xfff | 0x900) == 0)?;
            m.apic_base = v & !0x900 | m.apic_base & 0x100;
        }
        n::SYSENTER_CS => m.sysenter_cs = v & 0xffff_ffff,
        n::SYSENTER_ESP | n::SYSENTER_EIP => {
            check(!wide || canonical(v))?;
            let v = if wide { v } else { v & 0xffff_ffff };
            if msr == n::SYSENTER_ESP {
                m.sysenter_esp = v;
            } else {
                m.sysenter_eip = v;
            }
        }
        n::MISC_ENABLE => m.misc_enable = m.misc_enable & !MISC_WRITABLE | v & MISC_WRITABLE,
        n::DEBUGCTL => {
            m.debugctl = v & DEBUGCTL_MASK;
            x.refresh();
        }
        n::MTRR_DEF_TYPE => {
            check(v & !MTRR_DEF_MASK == 0 && memory_type(v as u8, false))?;
            m.mtrr_def_type = v;
        }
        n::MTRR_PHYSBASE0..=n::MTRR_PHYSMASK7 => {
            let k = (msr - n::MTRR_PHYSBASE0) as usize / 2;
            if msr & 1 == 0 {
                check(v & !(phys_mask & !0xfff | 0xff) == 0 && memory_type(v as u8, false))?;
                m.mtrr_base[k] = v;
            } else {
                check(v & !(phys_mask & !0xfff | 0x800) == 0)?;
                m.mtrr_mask[k] = v;
            }
        }
        n::PAT => {
            check(v.to_le_bytes().iter().all(|&t| memory_type(t, true)))?;
            m.pat = v;
        }
        n::EFER => write_efer(x, v)?,
        n::STAR => m.star = v,
        n::LSTAR | n::CSTAR | n::KERNEL_GS_BASE | n::FS_BASE | n::GS_BASE => {
            check(canonical(v))?;
            match msr {
                n::LSTAR => m.lstar = v,
                n::CSTAR => m.cstar = v,
                n::KERNEL_GS_BASE => m.kernel_gs_base = v,
                _ => {
                    let s = if msr == n::FS_BASE { Seg::Fs } else { Seg::Gs };
                    x.st.seg[s as usize].base = v;
                    x.refresh_data_window(s);
                }
            }
        }
        n::FMASK => {
            check(v >> 32 == 0)?;
            m.sfmask = v;
        }
        n::TSC_AUX => {
            check(v >> 32 == 0)?;
            m.tsc_aux = v;
        }
        n::MTRRCAP | n::ARCH_CAPABILITIES | n::MCG_CAP | n::PLATFORM_ID => return Err(GP),
        n::MCG_STATUS => check(v == 0)?,
        // Writes that the processor accepts and nothing here keeps: microcode updates, P6 configuration.
        _ => {}
    }
    Ok(())
}

/// A memory type encoding; UC- exists in the PAT only. Vol. 3A, "Memory Types and Their Encodings".
const fn memory_type(t: u8, pat: bool) -> bool {
    matches!(t, 0 | 1 | 4 | 5 | 6) || (pat && t == 7)
}

/// IA32_EFER. Vol. 3A, "Extended Feature Enable Register": LME cannot change while paging is on, LMA is read-only.
fn write_efer(x: &mut Exec, v: u64) -> Result<(), Exception> {
    let old = x.st.msr.efer;
    if v & !x.model.efer_mask() != 0 || ((v ^ old) & efer::LME != 0 && x.st.cr0 & cr0::PG != 0) {
        return Err(GP);
    }
    x.st.msr.efer = v & !efer::LMA | old & efer::LMA;
    if (v ^ old) & efer::NXE != 0 {
        x.flush_tlb();
    }
    x.refresh();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;

    fn exec(model: &str) -> Exec {
        Exec::new(Model::parse(model).unwrap(), System::bare(1 << 20))
    }

    #[test]
    fn the_time_stamp_counter_counts_nanoseconds_of_virtual_time() {
        let mut x = exec("max");
        x.retired = 1_000_000;
        let ps = x.sys.clock.ps_per_insn();
        assert_eq!(read(&mut x, n::TSC), Ok(1_000_000 * ps / 1000));
        write(&mut x, n::TSC, 5 << 40).unwrap();
        x.retired += 1000;
        assert_eq!(read(&mut x, n::TSC), Ok((5 << 40) + 1000 * ps / 1000));
    }

    #[test]
    fn an_older_processor_clears_the_upper_half_when_the_counter_is_written() {
        let mut x = exec("pentium");
        write(&mut x, n::TSC, 7 << 32 | 9).unwrap();
        assert_eq!(read(&mut x, n::TSC), Ok(9));
    }

    #[test]
    fn what_a_model_lacks_raises_gp() {
        for (model, msr) in [
            ("pentium", n::EFER),
            ("pentium", n::SYSENTER_CS),
            ("pentium3", n::MISC_ENABLE),
            ("pentium4", n::FS_BASE),
            ("x86-64-v1", n::TSC_AUX),
            ("max", 0x1234),
            ("max", 0x48),
        ] {
            let mut x = exec(model);
            assert_eq!(read(&mut x, msr), Err(GP), "{model} {msr:#x}");
            assert_eq!(write(&mut x, msr, 0), Err(GP), "{model} {msr:#x}");
        }
    }

    #[test]
    fn efer_takes_the_model_s_bits_and_lme_only_without_paging() {
        let mut x = exec("max");
        assert_eq!(write(&mut x, n::EFER, efer::LME | efer::SCE | efer::LMA), Ok(()));
        assert_eq!(read(&mut x, n::EFER), Ok(efer::LME | efer::SCE), "LMA cannot be written");
        assert_eq!(write(&mut x, n::EFER, 1 << 1), Err(GP));
        x.st.cr0 |= cr0::PG;
        assert_eq!(write(&mut x, n::EFER, efer::SCE), Err(GP));
        assert_eq!(write(&mut x, n::EFER, efer::LME | efer::NXE), Ok(()));
        let mut x = exec("max,-nx");
        assert_eq!(write(&mut x, n::EFER, efer::NXE), Err(GP));
    }

    #[test]
    fn addresses_must_be_canonical() {
        let mut x = exec("max");
        for msr in [n::LSTAR, n::FS_BASE, n::GS_BASE, n::KERNEL_GS_BASE, n::SYSENTER_EIP] {
            assert_eq!(write(&mut x, msr, 1 << 47), Err(GP), "{msr:#x}");
            assert_eq!(write(&mut x, msr, 0xffff_8000_0000_0000), Ok(()));
            assert_eq!(read(&mut x, msr), Ok(0xffff_8000_0000_0000), "{msr:#x}");
        }
    }

    #[test]
    fn memory_types_that_do_not_exist_are_refused() {
        let mut x = exec("pentium3");
        assert_eq!(write(&mut x, n::PAT, 0x0007_0406_0007_0406), Ok(()));
        assert_eq!(write(&mut x, n::PAT, 2), Err(GP));
        assert_eq!(write(&mut x, n::MTRR_FIX4K_F8000, 0x0606_0606_0606_0606), Ok(()));
        assert_eq!(write(&mut x, n::MTRR_FIX4K_F8000, 7), Err(GP));
        assert_eq!(write(&mut x, n::MTRR_PHYSBASE0 + 4, 0xe000_0001), Ok(()));
        assert_eq!(write(&mut x, n::MTRR_PHYSBASE0 + 5, 1 << 40), Err(GP), "36 address bits");
        assert_eq!(read(&mut x, n::MTRR_PHYSBASE0 + 4), Ok(0xe000_0001));
    }
}
