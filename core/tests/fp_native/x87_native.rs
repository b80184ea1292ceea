//! One x87 instruction on the real processor, everything it leaves observed without a trap.

use ferrite_core::fp::F80;

/// What the instruction left.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    pub sw: u16,
    pub st0: F80,
    pub st1: F80,
    pub mem: [u8; 16],
    pub zf_pf_cf: u8,
}

impl Native {
    pub fn flags(&self) -> u8 {
        self.sw as u8 & 0x3F
    }

    pub fn c1(&self) -> bool {
        self.sw & 0x200 != 0
    }

    pub fn c2(&self) -> bool {
        self.sw & 0x400 != 0
    }

    /// C3, C2, C0 from bit 2 down.
    pub fn c3_c2_c0(&self) -> u8 {
        ((self.sw >> 14 & 1) << 2 | (self.sw >> 10 & 1) << 1 | self.sw >> 8 & 1) as u8
    }

    /// How many registers were popped (or, negative, pushed) from the two loaded.
    pub fn popped(&self) -> i32 {
        let top = i32::from(self.sw >> 11 & 7);
        if top == 5 { -1 } else { (top - 6).rem_euclid(8) }
    }
}

/// The inputs, at fixed offsets that the assembly below knows.
#[repr(C, align(16))]
pub struct Inputs {
    pub st0: [u8; 16],
    pub st1: [u8; 16],
    pub cw: u16,
}

pub fn padded(v: F80) -> [u8; 16] {
    let mut out = [0; 16];
    out[..10].copy_from_slice(&v.to_bytes());
    out
}

pub fn tbyte(b: &[u8]) -> F80 {
    F80::from_bytes(b[..10].try_into().unwrap())
}

#[repr(C, align(16))]
pub struct Save(pub [u8; 112]);

pub fn decode(save: &Save, mem: [u8; 16], eflags: u64) -> Native {
    let s = &save.0;
    Native {
        sw: u16::from_le_bytes([s[4], s[5]]),
        st0: tbyte(&s[28..]),
        st1: tbyte(&s[38..]),
        mem,
        zf_pf_cf: ((eflags >> 6 & 1) << 2 | (eflags >> 2 & 1) << 1 | eflags & 1) as u8,
    }
}

pub type Instruction = fn(u16, F80, F80, [u8; 16]) -> Native;

/// A function that runs the instruction with ST(0) and ST(1) loaded and RDI pointing to memory.
macro_rules! native {
    ($($ins:literal),+) => {{
        fn run(
            cw: u16,
            st0: ferrite_core::fp::F80,
            st1: ferrite_core::fp::F80,
            mut mem: [u8; 16],
        ) -> crate::x87_native::Native {
            use crate::x87_native::{Inputs, Save, decode, padded};
            let inputs = Inputs { st0: padded(st0), st1: padded(st1), cw };
            let mut save = Save([0; 112]);
            let eflags: u64;
            // SAFETY: FLD m80 raises nothing; the tested instruction starts with no exception
            // pending and reads or writes at most 16 bytes at RDI; FNSAVE does not wait, so that
            // an unmasked exception is never delivered, writes 108 bytes, and leaves the FPU in
            // the state that the ABI asks for. All x87 registers are declared clobbered.
            unsafe {
                core::arch::asm!(
                    "fninit",
                    "fld tbyte ptr [rsi + 16]",
                    "fld tbyte ptr [rsi]",
                    "fldcw word ptr [rsi + 32]",
                    "xor eax, eax",
                    $($ins,)+
                    "pushfq",
                    "pop rax",
                    "fnsave [rdx]",
                    in("rdi") mem.as_mut_ptr(),
                    in("rsi") &raw const inputs,
                    in("rdx") save.0.as_mut_ptr(),
                    out("rax") eflags,
                    out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                    out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
                );
            }
            decode(&save, mem, eflags)
        }
        run as crate::x87_native::Instruction
    }};
}
pub(crate) use native;
