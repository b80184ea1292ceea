//! The same instruction in the interpreter, and the comparison.

use super::generate::Rng;
use super::host::{CODE, DATA, DATA_LEN};
use ferrite_core::cpu::segment::{Seg, attr};
use ferrite_core::cpu::state::efer;
use ferrite_core::cpu::{Flags, Model, ModelName, Segment};
use ferrite_core::exec::Exec;
use ferrite_core::isa::{Ops, decode};
use ferrite_core::system::System;
use iced_x86::{Instruction, Mnemonic, OpKind};

/// Registers as the trampoline of `host.rs` reads and writes them.
#[repr(C, align(64))]
#[derive(Clone)]
pub struct State {
    pub gpr: [u64; 16],
    pub rflags: u64,
    pad: [u64; 15],
    /// The FXSAVE64 area, at offset 256.
    pub fx: [u8; 512],
}

/// RFLAGS bits that a program owns.
const USER_FLAGS: u64 = 0x8d5;
const DF: u64 = 0x400;

impl State {
    pub fn random(rng: &mut Rng) -> Self {
        let mut s = Self { gpr: [0; 16], rflags: 0x202 | (rng.next() & USER_FLAGS), pad: [0; 15], fx: [0; 512] };
        for r in &mut s.gpr {
            *r = rng.word();
        }
        s.gpr[4] = DATA + 0x1800;
        // x87: random precision and rounding, all exceptions masked; a random top; some registers empty.
        let cw = 0x7f | [0u16, 2, 3][rng.below(3) as usize] << 8 | (rng.below(4) as u16) << 10;
        s.fx[0..2].copy_from_slice(&cw.to_le_bytes());
        let sw = (rng.next() as u16 & 0x4700) | (rng.below(8) as u16) << 11;
        s.fx[2..4].copy_from_slice(&sw.to_le_bytes());
        s.fx[4] = if rng.below(3) == 0 { rng.next() as u8 } else { 0xff };
        // MXCSR: random rounding, flags, DAZ, FTZ; all exceptions masked.
        let mxcsr =
            0x1f80 | (rng.next() as u32 & 0x6000) | if rng.below(4) == 0 { rng.next() as u32 & 0x8040 } else { 0 };
        s.fx[24..28].copy_from_slice(&mxcsr.to_le_bytes());
        for n in 0..8 {
            let (sig, se) = f80(rng);
            s.fx[32 + 16 * n..40 + 16 * n].copy_from_slice(&sig.to_le_bytes());
            s.fx[40 + 16 * n..42 + 16 * n].copy_from_slice(&se.to_le_bytes());
        }
        for n in 0..32 {
            let v = if rng.below(2) == 0 { rng.float() } else { rng.word() };
            s.fx[160 + 8 * n..168 + 8 * n].copy_from_slice(&v.to_le_bytes());
        }
        s
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.fx[at], self.fx[at + 1]])
    }
    fn mxcsr(&self) -> u32 {
        u32::from(self.u16(24)) | u32::from(self.u16(26)) << 16
    }
    fn xmm(&self, n: usize) -> u128 {
        let mut b = [0; 16];
        b.copy_from_slice(&self.fx[160 + 16 * n..176 + 16 * n]);
        u128::from_le_bytes(b)
    }
    fn st(&self, n: usize) -> (u64, u16) {
        let mut b = [0; 8];
        b.copy_from_slice(&self.fx[32 + 16 * n..40 + 16 * n]);
        (u64::from_le_bytes(b), self.u16(40 + 16 * n))
    }

    /// Sign and exponent of ST(0).
    pub fn st0_exponent(&self) -> u16 {
        self.st(0).1
    }

    pub fn brief(&self) -> String {
        let names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"];
        let mut s: String = names.iter().zip(&self.gpr).map(|(n, v)| format!("{n}={v:x} ")).collect();
        s += &format!(
            "flags={:x} cw={:x} sw={:x} tag={:02x} mxcsr={:x}",
            self.rflags,
            self.u16(0),
            self.u16(2),
            self.fx[4],
            self.mxcsr()
        );
        for n in 0..3 {
            let (sig, se) = self.st(n);
            s += &format!(" st{n}={se:04x}:{sig:016x}");
        }
        for n in 0..3 {
            s += &format!(" xmm{n}={:032x}", self.xmm(n));
        }
        s
    }
}

/// An extended-precision value that finds mistakes.
fn f80(rng: &mut Rng) -> (u64, u16) {
    let sign = (rng.below(2) as u16) << 15;
    let sig = rng.next() | 1 << 63;
    match rng.below(10) {
        0 => (0, sign),
        1 => (1 << 63, sign | 0x7fff),
        2 => (sig | 3 << 62, sign | 0x7fff),
        3 => (sig & !(1 << 62) | 1, sign | 0x7fff),
        4 => (rng.next() >> 1, sign),                           // denormal
        5 => (1 << 63, sign | (0x3fff + rng.below(64) as u16)), // a power of two
        6 => (sig, sign | (rng.next() as u16 & 0x7fff)),        // any exponent; some are unsupported
        7 => (sig & (u64::MAX << rng.below(64)), sign | (0x3ffe + rng.below(4) as u16)),
        _ => (sig, sign | (0x3fff - 20 + rng.below(90) as u16)),
    }
}

pub struct Guest {
    x: Exec,
}

impl Guest {
    pub fn new() -> Self {
        Self { x: Exec::new(Model::new(ModelName::Max), System::bare(CODE + 0x1000)) }
    }

    /// Runs `code`; the vector of the exception that it raised, if it did.
    pub fn run(&mut self, code: &[u8], state: &mut State, data: &mut [u8; DATA_LEN]) -> Option<u8> {
        let x = &mut self.x;
        x.sys.mem.write(DATA, &data[..]);
        x.sys.mem.write(CODE, code);
        let mut st = ferrite_core::cpu::CpuState::reset();
        // 64-bit mode at ring 3 without paging: no processor can be there, but no user-mode instruction sees it.
        let flat = attr::P | attr::S | attr::RW | attr::ACCESSED | attr::DPL;
        for s in Seg::ALL {
            let a = if s == Seg::Cs { flat | attr::CODE | attr::L } else { flat };
            st.seg[s as usize] = Segment { selector: 0x33, attr: a, limit: u32::MAX, base: 0 };
        }
        st.cpl = 3;
        st.cr0 = 0x8005_0033 & !(1 << 31);
        st.cr4 = 0x620;
        st.msr.efer = efer::LME | efer::LMA | efer::SCE;
        st.regs[..16].copy_from_slice(&state.gpr);
        st.set_rip(CODE);
        st.flags = Flags::from_bits(state.rflags);
        let f = &mut st.fpu;
        f.control = state.u16(0);
        f.set_status(state.u16(2));
        f.valid = state.fx[4];
        for n in 0..8 {
            let (sig, se) = state.st(n);
            let r = (n + usize::from(f.top())) & 7;
            (f.significand[r], f.sign_exponent[r]) = (sig, se);
        }
        for n in 0..16 {
            st.xmm[n] = state.xmm(n);
        }
        st.mxcsr = state.mxcsr();
        x.st = st;
        x.flush_tlb();
        (x.retired, x.pending, x.limit) = (0, 0, u64::MAX);
        x.refresh();
        // Straight through the handler, so that a fault is seen as such.
        let insn = decode::decode(code, x.ctx.code, &x.model);
        let result = match insn {
            Ok(i) => {
                // A repeated instruction may stop between iterations when the machine wants a look.
                loop {
                    x.st.set_rip(CODE + u64::from(i.len));
                    x.st.unfinished = false;
                    let r = (i.run)(x, &i);
                    if r.is_err() || !x.st.unfinished {
                        break r;
                    }
                }
            }
            Err(decode::Error::Fault(e)) => Err(e),
            Err(decode::Error::Short) => panic!("the decoder wants more than {code:02x?}"),
        };
        for n in 0..16 {
            state.gpr[n] = Ops::reg(x, n as u8);
            state.fx[160 + 16 * n..176 + 16 * n].copy_from_slice(&x.st.xmm[n].to_le_bytes());
        }
        state.rflags = x.st.flags.bits();
        let f = &x.st.fpu;
        state.fx[0..2].copy_from_slice(&f.control.to_le_bytes());
        state.fx[2..4].copy_from_slice(&f.status().to_le_bytes());
        state.fx[4] = f.valid;
        for n in 0..8 {
            let r = (n + usize::from(f.top())) & 7;
            state.fx[32 + 16 * n..40 + 16 * n].copy_from_slice(&f.significand[r].to_le_bytes());
            state.fx[40 + 16 * n..42 + 16 * n].copy_from_slice(&f.sign_exponent[r].to_le_bytes());
        }
        state.fx[24..28].copy_from_slice(&x.st.mxcsr.to_le_bytes());
        x.sys.mem.read(DATA, &mut data[..]);
        x.sys.mem.take_stale_code();
        result.err().map(|e| e.vector())
    }
}

fn signal_of(vector: u8) -> i32 {
    match vector {
        0 | 16 | 19 => libc::SIGFPE,
        6 => libc::SIGILL,
        17 => libc::SIGBUS,
        _ => libc::SIGSEGV,
    }
}

/// Results that the architecture bounds but does not fix: how far apart they may be.
fn tolerance(ins: &Instruction) -> Tolerance {
    use Mnemonic as M;
    match ins.mnemonic() {
        M::F2xm1 | M::Fyl2x | M::Fyl2xp1 | M::Fsin | M::Fcos | M::Fsincos | M::Fptan | M::Fpatan => {
            Tolerance::X87Ulps(2)
        }
        M::Rcpps | M::Rcpss | M::Rsqrtps | M::Rsqrtss => Tolerance::Relative12,
        // The order of the additions is not documented, and with it which of several NaNs comes out.
        M::Dpps => Tolerance::AnyNan(32),
        M::Dppd => Tolerance::AnyNan(64),
        _ => Tolerance::Exact,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Tolerance {
    Exact,
    X87Ulps(u64),
    Relative12,
    /// Of lanes of so many bits.
    AnyNan(u32),
}

/// The flags that an instruction leaves undefined.
fn undefined_flags(ins: &Instruction) -> u64 {
    let known = u64::from(iced_flags(ins.rflags_undefined()));
    // OF is defined where the count is 1, before it is taken modulo 9 or 17 (SDM Vol. 2B, "RCL/RCR/ROL/ROR", Operation).
    let through_carry = matches!(ins.mnemonic(), Mnemonic::Rcl | Mnemonic::Rcr);
    let several = through_carry && ins.op1_kind() == OpKind::Immediate8 && ins.immediate8() & 0x1f > 1;
    if several { known | 0x800 } else { known }
}

/// What differs, if anything does.
pub fn difference(
    ins: &Instruction,
    (signal, want, want_data): (i32, &State, &[u8; DATA_LEN]),
    (fault, got, got_data): (Option<u8>, &State, &[u8; DATA_LEN]),
) -> Option<String> {
    let expected = fault.map_or(0, signal_of);
    if expected != signal {
        return Some(format!("host raised signal {signal}, interpreter vector {fault:?}"));
    }
    let mut out = Vec::new();
    let undefined = undefined_flags(ins);
    let mask = (USER_FLAGS | DF) & !if fault.is_some() { 0 } else { undefined };
    if (want.rflags ^ got.rflags) & mask != 0 {
        out.push(format!("flags: host {:x}, interpreter {:x} (compared {mask:x})", want.rflags, got.rflags));
    }
    for n in 0..16 {
        if want.gpr[n] != got.gpr[n] {
            out.push(format!("r{n}: host {:x}, interpreter {:x}", want.gpr[n], got.gpr[n]));
        }
    }
    let tol = tolerance(ins);
    if (want.u16(0), want.fx[4]) != (got.u16(0), got.fx[4]) {
        out.push(format!(
            "cw, tag: host {:x} {:02x}, interpreter {:x} {:02x}",
            want.u16(0),
            want.fx[4],
            got.u16(0),
            got.fx[4]
        ));
    }
    // C0-C3 are compared always but for C1 of inexact transcendental results, whose last bit may round either way, and of FCOMI
    // and its relatives: the SDM clears it, AMD processors leave it alone.
    let sw_mask = match ins.mnemonic() {
        Mnemonic::Fcomi | Mnemonic::Fcomip | Mnemonic::Fucomi | Mnemonic::Fucomip => 0xfdff,
        _ if matches!(tol, Tolerance::X87Ulps(_)) => 0xfddf,
        _ => 0xffff,
    };
    if (want.u16(2) ^ got.u16(2)) & sw_mask != 0 {
        out.push(format!("sw: host {:x}, interpreter {:x}", want.u16(2), got.u16(2)));
    }
    for n in 0..8 {
        let ((a, ae), (b, be)) = (want.st(n), got.st(n));
        let near = match tol {
            Tolerance::X87Ulps(u) => {
                ae == be && a.abs_diff(b) <= u
                    || (ae.abs_diff(be) == 1 && (a.wrapping_sub(b) as i64).unsigned_abs() > u64::MAX / 4)
            }
            _ => false,
        };
        if (a, ae) != (b, be) && !near {
            out.push(format!("st{n}: host {ae:04x}:{a:016x}, interpreter {be:04x}:{b:016x}"));
        }
    }
    if want.mxcsr() != got.mxcsr() {
        out.push(format!("mxcsr: host {:x}, interpreter {:x}", want.mxcsr(), got.mxcsr()));
    }
    for n in 0..16 {
        let (a, b) = (want.xmm(n), got.xmm(n));
        let single = |v: u128, k: u32| f32::from_bits((v >> (32 * k)) as u32);
        let double = |v: u128, k: u32| f64::from_bits((v >> (64 * k)) as u64);
        let near = match tol {
            Tolerance::Relative12 => (0..4).all(|k| {
                let (p, q) = (single(a, k), single(b, k));
                p.to_bits() == q.to_bits() || ((p - q) / p).abs() <= 2.0 * 1.5 / 4096.0
            }),
            Tolerance::AnyNan(32) => (0..4).all(|k| {
                let (p, q) = (single(a, k), single(b, k));
                p.to_bits() == q.to_bits() || p.is_nan() && q.is_nan()
            }),
            Tolerance::AnyNan(_) => (0..2).all(|k| {
                let (p, q) = (double(a, k), double(b, k));
                p.to_bits() == q.to_bits() || p.is_nan() && q.is_nan()
            }),
            _ => false,
        };
        if a != b && !near {
            out.push(format!("xmm{n}: host {a:032x}, interpreter {b:032x}"));
        }
    }
    if let Some(at) = (0..DATA_LEN).find(|&k| want_data[k] != got_data[k]) {
        out.push(format!(
            "memory at {:#x}: host {:02x?}, interpreter {:02x?}",
            DATA + at as u64,
            &want_data[at..(at + 8).min(DATA_LEN)],
            &got_data[at..(at + 8).min(DATA_LEN)]
        ));
    }
    (!out.is_empty()).then(|| out.join("\n  "))
}

/// `iced_x86::RflagsBits` as RFLAGS bits.
fn iced_flags(bits: u32) -> u32 {
    use iced_x86::RflagsBits as B;
    [(B::OF, 0x800), (B::SF, 0x80), (B::ZF, 0x40), (B::AF, 0x10), (B::CF, 1), (B::PF, 4)]
        .iter()
        .filter(|(b, _)| bits & b != 0)
        .map(|(_, f)| f)
        .sum()
}
