//! Fixed vectors and rules that every host can check.

use super::fault::ferr;
use super::stack::sw;
use crate::cpu::Exception;
use crate::cpu::model::{Model, ModelName};
use crate::cpu::segment::attr;
use crate::cpu::state::{RAX, RBX, RIP, cr0};
use crate::exec::{CodeSize, Exec};
use crate::fp::F80;
use crate::isa::decode::decode;
use crate::system::System;

const J: u64 = 1 << 63;
const ONE: F80 = F80::ONE;
const THREE: F80 = F80::new(0x4000, 0xc000_0000_0000_0000);
/// Where memory operands are: BX.
const OPERAND: u64 = 0x2000;
/// Where code seems to be.
const CODE: u64 = 0x1000;

/// A machine in real mode with CR0.NE, whose FPU is initialized.
struct Rig {
    x: Exec,
    size: CodeSize,
}

impl Rig {
    fn of(name: ModelName) -> Self {
        let mut x = Exec::new(Model::new(name), System::bare(1 << 20));
        x.st.cr0 = cr0::NE | cr0::ET;
        x.st.regs[RBX as usize] = OPERAND;
        x.st.regs[RIP as usize] = CODE;
        x.refresh();
        Self { x, size: CodeSize::Bits16 }
    }

    fn new() -> Self {
        Self::of(ModelName::Max)
    }

    /// Flat 32-bit protected mode.
    fn protected() -> Self {
        let mut r = Self::new();
        r.x.st.cr0 |= cr0::PE;
        for (n, s) in r.x.st.seg.iter_mut().enumerate() {
            s.base = 0;
            s.selector = 8 * (n as u16 + 1);
            s.limit = u32::MAX;
            s.attr |= attr::DB | attr::G;
        }
        r.x.refresh();
        r.size = CodeSize::Bits32;
        r
    }

    /// Runs one instruction.
    fn run(&mut self, code: &[u8]) -> Result<(), Exception> {
        let insn = decode(code, self.size, &self.x.model).expect("an instruction");
        let start = self.x.st.rip();
        self.x.st.set_rip(start + code.len() as u64);
        let r = (insn.run)(&mut self.x, &insn);
        if r.is_err() {
            self.x.st.set_rip(start);
        }
        r
    }

    fn ok(&mut self, code: &[u8]) {
        self.run(code).expect("no fault");
    }

    fn push(&mut self, v: F80) {
        self.x.st.fpu.push(v);
    }

    fn st(&self, n: u8) -> F80 {
        let fpu = &self.x.st.fpu;
        assert!(fpu.holds(fpu.phys(n)), "ST({n}) is empty");
        fpu.reg(fpu.phys(n))
    }

    fn status(&self) -> u16 {
        self.x.st.fpu.status()
    }

    fn mem<const N: usize>(&self) -> [u8; N] {
        let mut b = [0; N];
        assert!(self.x.sys.mem.read(OPERAND, &mut b));
        b
    }
}

const FADD_ST1: &[u8] = &[0xd8, 0xc1];
const FDIV_ST1: &[u8] = &[0xd8, 0xf1];
const FLD1: &[u8] = &[0xd9, 0xe8];
const FLDZ: &[u8] = &[0xd9, 0xee];
const FNCLEX: &[u8] = &[0xdb, 0xe2];
const FNSTSW_AX: &[u8] = &[0xdf, 0xe0];
const FWAIT: &[u8] = &[0x9b];
const FNSTENV_BX: &[u8] = &[0xd9, 0x37];
const FLDENV_BX: &[u8] = &[0xd9, 0x27];

#[test]
fn a_third_is_rounded_by_rc_and_pc() {
    // PC, RC, significand, rounded up
    let cases = [
        (3, 0, 0xaaaa_aaaa_aaaa_aaab, true),
        (3, 1, 0xaaaa_aaaa_aaaa_aaaa, false),
        (3, 2, 0xaaaa_aaaa_aaaa_aaab, true),
        (3, 3, 0xaaaa_aaaa_aaaa_aaaa, false),
        (2, 0, 0xaaaa_aaaa_aaaa_a800, false),
        (2, 2, 0xaaaa_aaaa_aaaa_b000, true),
        (0, 0, 0xaaaa_ab00_0000_0000, true),
        (0, 3, 0xaaaa_aa00_0000_0000, false),
    ];
    for (pc, rc, sig, up) in cases {
        let mut r = Rig::new();
        r.x.st.fpu.set_control(0x3f | pc << 8 | rc << 10);
        r.push(THREE);
        r.push(ONE);
        r.ok(FDIV_ST1);
        assert_eq!(r.st(0), F80::new(0x3ffd, sig), "PC {pc} RC {rc}");
        assert_eq!(r.status() & sw::C1 != 0, up, "PC {pc} RC {rc}");
        assert_eq!(r.status() & sw::EXCEPTIONS, 0x20);
    }
}

#[test]
fn pushing_onto_a_full_stack_is_an_overflow_and_using_an_empty_register_an_underflow() {
    let mut r = Rig::new();
    r.ok(FADD_ST1);
    assert_eq!(r.status() & (sw::IE | sw::SF | sw::C1 | sw::ES), sw::IE | sw::SF);
    assert_eq!(r.st(0), F80::INDEFINITE);

    let mut r = Rig::new();
    for _ in 0..8 {
        r.ok(FLD1);
    }
    assert_eq!((r.x.st.fpu.top(), r.status() & sw::IE), (0, 0));
    r.ok(FLD1);
    assert_eq!(r.status() & (sw::IE | sw::SF | sw::C1 | sw::ES), sw::IE | sw::SF | sw::C1);
    assert_eq!((r.st(0), r.st(1)), (F80::INDEFINITE, ONE));
}

#[test]
fn an_unmasked_stack_fault_changes_only_the_status_word() {
    let mut r = Rig::new();
    r.x.st.fpu.set_control(0x37e);
    r.ok(FADD_ST1);
    assert_eq!(r.status(), sw::IE | sw::SF | sw::ES | sw::B);
    assert_eq!(r.x.st.fpu.valid, 0);
}

#[test]
fn an_unmasked_exception_is_reported_by_the_next_waiting_instruction() {
    let mut r = Rig::new();
    r.x.st.fpu.set_control(0x37b); // ZE unmasked
    r.ok(FLDZ);
    r.ok(FLD1);
    r.ok(FDIV_ST1);
    assert_eq!(r.st(0), ONE, "the operand stays");

    r.ok(FNSTSW_AX);
    assert_eq!(r.x.st.regs[RAX as usize] & 0xffff, u64::from(sw::B | sw::ES | 6 << 11 | 4));
    assert_eq!(r.run(FLD1), Err(Exception::MF));
    assert_eq!(r.run(FWAIT), Err(Exception::MF));
    assert_eq!(r.run(&[0x0f, 0x77]), Err(Exception::MF), "EMMS waits, too");
    r.ok(FNCLEX);
    assert_eq!(r.status(), 6 << 11);
    r.ok(FWAIT);
}

#[test]
fn without_ne_a_waiting_instruction_stays_in_front_of_itself_and_ferr_is_asserted() {
    let mut r = Rig::new();
    r.x.st.cr0 &= !cr0::NE;
    r.x.st.fpu.set_control(0x37b);
    r.ok(FLDZ);
    r.ok(FLD1);
    r.ok(FDIV_ST1);
    let here = r.x.st.rip();
    r.x.attention = false;
    for code in [FLD1, FWAIT, &[0xdf, 0xc0]] {
        r.ok(code);
        assert_eq!((r.x.st.rip(), r.st(0)), (here, ONE));
    }
    assert!(r.x.attention && ferr(&r.x.st));
    r.ok(FNCLEX);
    assert!(!ferr(&r.x.st));
    r.ok(FLDZ);
    assert_eq!(r.st(0), F80::ZERO);
}

#[test]
fn unmasking_a_flag_that_is_set_makes_it_pending() {
    let mut r = Rig::new();
    r.x.st.fpu.set_status(4);
    r.x.sys.mem.write(OPERAND, &0x37bu16.to_le_bytes());
    r.ok(&[0xd9, 0x2f]); // FLDCW [BX]
    assert_eq!(r.status(), sw::B | sw::ES | 4);
    assert_eq!(r.run(FWAIT), Err(Exception::MF));
}

#[test]
fn em_and_ts_make_escapes_unavailable_and_mp_with_ts_makes_wait_so() {
    for (bits, escape, wait) in [
        (cr0::EM, Err(Exception::NM), Ok(())),
        (cr0::TS, Err(Exception::NM), Ok(())),
        (cr0::MP, Ok(()), Ok(())),
        (cr0::MP | cr0::EM, Err(Exception::NM), Ok(())),
        (cr0::MP | cr0::TS, Err(Exception::NM), Err(Exception::NM)),
    ] {
        let mut r = Rig::new();
        r.x.st.cr0 |= bits;
        assert_eq!(r.run(FLD1), escape, "{bits:#x}");
        assert_eq!(r.run(FNSTSW_AX), escape, "{bits:#x}");
        assert_eq!(r.run(FWAIT), wait, "{bits:#x}");
    }
    let mut r = Rig::new();
    r.x.st.cr0 |= cr0::EM;
    assert_eq!(r.run(&[0x0f, 0x77]), Err(Exception::UD), "EMMS");
}

#[test]
fn the_last_instruction_its_operand_and_opcode_are_recorded_except_for_control_instructions() {
    let mut r = Rig::protected();
    r.x.st.regs[RBX as usize] = OPERAND;
    r.ok(&[0x36, 0xd9, 0x43, 0x10]); // FLD DWORD [SS:EBX+16]
    r.ok(FNSTSW_AX);
    r.ok(FWAIT);
    let fpu = r.x.st.fpu;
    assert_eq!((fpu.opcode, fpu.ip, fpu.cs, fpu.dp, fpu.ds), (0x143, CODE, 0x10, OPERAND + 16, 0x18));
    r.ok(FLD1);
    let fpu = r.x.st.fpu;
    assert_eq!((fpu.opcode, fpu.ip, fpu.dp), (0x1e8, CODE + 7, OPERAND + 16));
}

/// An FPU with something in every field of its environment.
fn busy(r: &mut Rig) {
    let fpu = &mut r.x.st.fpu;
    fpu.set_control(0x37f);
    fpu.push(F80::INFINITY);
    fpu.push(F80::ZERO);
    fpu.push(ONE);
    (fpu.opcode, fpu.ip, fpu.cs, fpu.dp, fpu.ds) = (0x5a5, 0x1234, 0xf000, 0x8765, 0xe000);
}

#[test]
fn the_environment_has_a_layout_for_each_mode_and_operand_size() {
    let words = |b: &[u8]| b.chunks(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect::<Vec<_>>();
    let tags = 0b10_01_00_11_11_11_11_11;

    let mut r = Rig::new();
    busy(&mut r);
    r.ok(FNSTENV_BX);
    let real16 = words(&r.mem::<14>());
    assert_eq!(real16, [0x37f, 0x2800, tags, 0x1234, 0xf5a5, 0x8765, 0xe000]);

    busy(&mut r);
    r.x.st.fpu.set_status(0);
    busy(&mut r);
    r.ok(&[0x66, 0xd9, 0x37]);
    let real32 = words(&r.mem::<28>());
    // Linear addresses F1234h and E8765h in two parts each.
    assert_eq!(real32[6..], [0x1234, 0xffff, 0xf5a5, 0, 0x8765, 0xffff, 0xe000, 0]);

    let mut r = Rig::protected();
    busy(&mut r);
    r.ok(&[0x66, 0xd9, 0x33]); // FNSTENV m14 [EBX]
    assert_eq!(words(&r.mem::<14>()), [0x37f, 0x2800, tags, 0x1234, 0xf000, 0x8765, 0xe000]);
    r.ok(&[0xd9, 0x33]);
    assert_eq!(
        words(&r.mem::<28>()),
        [0x37f, 0xffff, 0x2800, 0xffff, tags, 0xffff, 0x1234, 0, 0xf000, 0x5a5, 0x8765, 0, 0xe000, 0xffff]
    );
}

#[test]
fn loading_a_stored_environment_gives_the_same_environment() {
    let mut r = Rig::new();
    busy(&mut r);
    r.ok(FNSTENV_BX);
    let stored = r.mem::<14>();
    r.ok(&[0xdb, 0xe3]); // FNINIT
    r.ok(FLDENV_BX);
    r.ok(FNSTENV_BX);
    assert_eq!(r.mem::<14>(), stored);
    assert_eq!(r.x.st.fpu.opcode, 0x5a5);
}

#[test]
fn fnstenv_masks_everything_and_fnsave_initializes() {
    let mut r = Rig::new();
    r.x.st.fpu.set_control(0x340);
    r.push(ONE);
    r.ok(FNSTENV_BX);
    assert_eq!((r.mem::<1>(), r.x.st.fpu.control), ([0x40], 0x37f));
    r.ok(&[0xdd, 0x37]); // FNSAVE [BX]
    assert_eq!(r.mem::<94>()[14..24], ONE.to_bytes());
    assert_eq!((r.x.st.fpu.valid, r.x.st.fpu.status(), r.x.st.fpu.control), (0, 0, 0x37f));
    r.ok(&[0xdd, 0x27]); // FRSTOR [BX]
    assert_eq!((r.st(0), r.x.st.fpu.valid), (ONE, 0x80));
}

#[test]
fn a_store_that_faults_leaves_the_fpu_as_it_was() {
    for code in [
        &[0xdd, 0x1f][..], // FSTP QWORD [BX]
        &[0xdb, 0x3f],     // FSTP TBYTE [BX]
        &[0xdf, 0x37],     // FBSTP [BX]
        &[0xdf, 0x3f],     // FISTP QWORD [BX]
        &[0xd9, 0x37],     // FNSTENV [BX]
        &[0xdd, 0x37],     // FNSAVE [BX]
        &[0xdc, 0x07],     // FADD QWORD [BX]
        &[0xdd, 0x07],     // FLD QWORD [BX]
        &[0xd9, 0x27],     // FLDENV [BX]
        &[0xdd, 0x27],     // FRSTOR [BX]
    ] {
        let mut r = Rig::new();
        r.push(THREE);
        r.x.st.regs[RBX as usize] = 0xfffc;
        let before = r.x.st.fpu;
        let memory = {
            let mut b = [0; 4];
            r.x.sys.mem.read(0xfffc, &mut b);
            b
        };
        assert_eq!(r.run(code), Err(Exception::gp(0)), "{code:02x?}");
        assert_eq!(r.x.st.fpu, before, "{code:02x?}");
        let mut after = [0; 4];
        r.x.sys.mem.read(0xfffc, &mut after);
        assert_eq!(memory, after, "{code:02x?}: nothing written");
    }
}

#[test]
fn a_store_with_an_unmasked_overflow_writes_and_pops_nothing() {
    let mut r = Rig::new();
    r.x.st.fpu.set_control(0x377);
    r.push(F80::new(0x7ffe, J));
    r.ok(&[0xd9, 0x1f]); // FSTP DWORD [BX]
    assert_eq!(r.mem::<4>(), [0; 4]);
    assert_eq!(r.st(0), F80::new(0x7ffe, J));
    assert_eq!(r.status() & 0xff, sw::ES | 8);
}

#[test]
fn an_unmasked_overflow_of_a_register_stores_the_result_with_its_exponent_reduced() {
    let mut r = Rig::new();
    r.x.st.fpu.set_control(0x377);
    r.push(F80::new(0x7ffe, J));
    r.ok(&[0xd8, 0xc8]); // FMUL ST(0), ST(0)
    // 2 · 16383 - 24576 = 8190 above the bias
    assert_eq!(r.st(0), F80::new(0x3fff + 8190, J));
    assert_eq!(r.status() & 0xff, sw::ES | 8);
}

#[test]
fn partial_remainders_report_quotient_bits_and_whether_they_are_done() {
    let mut r = Rig::new();
    r.push(F80::from_i64(5));
    r.push(F80::from_i64(-38));
    r.ok(&[0xd9, 0xf8]); // FPREM: -38 = -7 · 5 - 3
    assert_eq!(r.st(0), F80::from_i64(-3));
    // Q = 7: C0, C3, C1 set; C2 clear.
    assert_eq!(r.status() & (sw::C0 | sw::C1 | sw::C2 | sw::C3), sw::C0 | sw::C3 | sw::C1);

    let mut r = Rig::new();
    r.push(F80::from_i64(5));
    r.push(F80::from_i64(38));
    r.ok(&[0xd9, 0xf5]); // FPREM1: 38 = 8 · 5 - 2
    assert_eq!(r.st(0), F80::from_i64(-2));
    assert_eq!(r.status() & (sw::C0 | sw::C1 | sw::C2 | sw::C3), 0);

    let mut r = Rig::new();
    r.push(F80::from_i64(3));
    r.push(F80::new(0x3fff + 100, J));
    r.ok(&[0xd9, 0xf8]);
    assert!(r.status() & sw::C2 != 0, "a hundred bits take more than one step");
}

#[test]
fn trigonometric_instructions_leave_an_argument_of_2_to_the_63_alone_and_set_c2() {
    let huge = F80::new(0x3fff + 63, J);
    for code in [[0xd9, 0xfe], [0xd9, 0xff], [0xd9, 0xfb], [0xd9, 0xf2]] {
        let mut r = Rig::new();
        r.push(huge);
        r.ok(&code);
        assert_eq!((r.st(0), r.x.st.fpu.top(), r.status() & sw::C2), (huge, 7, sw::C2), "{code:02x?}");

        let mut r = Rig::new();
        r.x.st.fpu.set_status(sw::C2);
        r.push(F80::ZERO);
        r.ok(&code);
        assert_eq!(r.status() & sw::C2, 0, "{code:02x?}");
    }
}

#[test]
fn fptan_pushes_one_and_fsincos_the_cosine() {
    for code in [[0xd9, 0xf2], [0xd9, 0xfb]] {
        let mut r = Rig::new();
        r.push(F80::ZERO);
        r.ok(&code);
        assert_eq!((r.st(0), r.st(1)), (ONE, F80::ZERO), "{code:02x?}");
    }
}

#[test]
fn fxam_tells_classes_signs_and_empty_registers_apart() {
    // C3 C2 C1 C0
    let cases = [
        (Some(F80::new(0x8001, 1)), 0b0010),
        (Some(F80::new(0x7fff, J | 1)), 0b0001),
        (Some(ONE.neg()), 0b0110),
        (Some(F80::INFINITY), 0b0101),
        (Some(F80::ZERO), 0b1000),
        (Some(F80::new(0, 1)), 0b1100),
        (None, 0b1001),
    ];
    for (v, want) in cases {
        let mut r = Rig::new();
        if let Some(v) = v {
            r.push(v);
        }
        r.ok(&[0xd9, 0xe5]);
        let s = r.status();
        assert_eq!(s >> 11 & 8 | s >> 8 & 7, want, "{v:?}");
    }
}

#[test]
fn fbstp_writes_packed_decimal() {
    let mut r = Rig::new();
    r.push(F80::from_i64(-1_234_567_890));
    r.ok(&[0xdf, 0x37]);
    assert_eq!(r.mem::<10>(), [0x90, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0x80]);
    r.ok(&[0xdf, 0x27]); // FBLD [BX]
    assert_eq!(r.st(0), F80::from_i64(-1_234_567_890));
}

#[test]
fn fcomi_reports_to_eflags_and_fcmov_follows_them() {
    use crate::cpu::flags::{ARITHMETIC, CF, OF};
    let mut r = Rig::new();
    r.push(THREE);
    r.push(ONE);
    r.x.st.flags.set_arithmetic(OF);
    r.ok(&[0xdb, 0xf1]); // FCOMI ST, ST(1): 1 < 3
    assert_eq!(r.x.st.flags.bits() & ARITHMETIC, CF);
    r.ok(&[0xdb, 0xc1]); // FCMOVNB: not taken
    assert_eq!(r.st(0), ONE);
    r.ok(&[0xda, 0xc1]); // FCMOVB
    assert_eq!(r.st(0), THREE);
}

#[test]
fn a_prefix_lock_is_not_accepted() {
    let r = Rig::new();
    assert!(decode(&[0xf0, 0xd8, 0xc1], r.size, &r.x.model).is_err());
}

#[test]
fn without_a_coprocessor_escapes_do_nothing_unless_em_asks_for_emulation() {
    let mut r = Rig::of(ModelName::I80286);
    r.x.st.cr0 = 0;
    let before = r.x.st.fpu;
    r.ok(&[0xd9, 0x3f]); // FNSTCW [BX]
    r.ok(&[0xdb, 0xfc]); // no instruction of any coprocessor
    assert_eq!((r.mem::<2>(), r.x.st.fpu), ([0; 2], before));
    r.x.st.regs[RBX as usize] = 0xffff;
    assert_eq!(r.run(&[0xd8, 0x07]), Err(Exception::gp(0)), "the operand's first word crosses the limit");
    r.x.st.cr0 = cr0::EM;
    assert_eq!(r.run(&[0xd8, 0x07]), Err(Exception::NM));
}
