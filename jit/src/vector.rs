//! MMX and SSE instructions inline: operands from and to the CPU's state and memory around what [`crate::simd`] emits.
//!
//! SDM Vol. 3A, "System Programming for Instruction Set Extensions", "Intel MMX Technology System Programming"; Vol. 2A,
//! "Exceptions and Exception Classes".
//!
//! XMM registers are written through: memory always has them, so no exit stores any. What was last read or written is known
//! besides ([`VectorState`]) until a function is called or ways join. An instruction writes nothing before the last place
//! where it may be given back to the interpreter, which is also where everything goes that the fast path is not exact for.
//!
//! *Left to the interpreter's functions:* what [`crate::simd`] does not emit, EMMS, LDMXCSR, STMXCSR, masked stores, PCMPxSTRx.

use crate::abi;
use crate::access::guest_access;
use crate::crypto;
use crate::effects::{self, Effects};
use crate::helper::FIRST_CRYPTO;
use crate::simd::{Emitter, Host, Inputs, Mxcsr, Out, Slow, needs_mxcsr, reads_target};
use crate::tr::{FlagState, Tr, import};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use ferrite_core::cpu::state::{cr0, cr4};
use ferrite_core::isa::Insn;
use ferrite_core::isa::ops::Ops;
use ferrite_core::isa::select_simd::{Place, Vector, describe};
use ferrite_core::isa::simd::VecOp;
use iced_x86::{Instruction, Mnemonic};

/// What is known of the vector state along a straight line of code.
#[derive(Clone, Debug, Default)]
pub struct VectorState {
    /// XMM registers that are known, `I8X16`.
    xmm: [Option<Value>; 16],
    /// MXCSR, `I32`. Code that goes on inline leaves it as it is.
    mxcsr: Option<Value>,
    /// The control registers have been seen to allow SSE.
    allowed: bool,
    /// They have been seen to allow what needs no more of them than x87 and MMX instructions do.
    available: bool,
}

impl VectorState {
    /// A function is about to be called that leaves them as they are.
    pub fn forget_registers(&mut self) {
        self.xmm = [None; 16];
    }
}

/// ES of the x87 status word.
const FSW_ES: i64 = 1 << 7;

/// Whether an instruction is emitted here, if the host can do it.
pub fn is_inline(ins: &Instruction) -> bool {
    use VecOp as V;
    // The state's 128 bits are in the host's byte order.
    if cfg!(target_endian = "big") {
        return false;
    }
    match describe(ins) {
        Some(v) => !matches!(
            v.op,
            V::Phminposuw | V::Mpsadbw | V::Rcpps | V::Rsqrtps | V::Rcpss | V::Rsqrtss | V::Dpps | V::Dppd
        ),
        None => is_hint(ins) || ins.mnemonic() == Mnemonic::Movnti,
    }
}

fn is_hint(ins: &Instruction) -> bool {
    use Mnemonic as M;
    matches!(
        ins.mnemonic(),
        M::Prefetchnta | M::Prefetcht0 | M::Prefetcht1 | M::Prefetcht2 | M::Lfence | M::Mfence | M::Sfence
    )
}

/// What is read and written when an instruction is emitted here, given what its helper may.
pub fn effects_inline(ins: &Instruction, of_helper: Effects) -> Effects {
    let flags = describe(ins).is_some_and(|v| v.target == Place::Eflags);
    Effects { flags_read: 0, flags_written: if flags { effects::ALL } else { 0 }, ..of_helper }
}

fn little() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

/// The type that memory of a scalar's size is read as.
fn read_as(op: VecOp, place: Place) -> (Type, u64) {
    use VecOp as V;
    let general = matches!(op, V::Cvtsi2ss32 | V::Cvtsi2ss64 | V::Cvtsi2sd32 | V::Cvtsi2sd64 | V::Pinsrd | V::Pinsrq);
    match place {
        Place::M8 => (types::I8, 1),
        Place::M16 => (types::I16, 2),
        Place::M32 if general => (types::I32, 4),
        Place::M32 => (types::F32, 4),
        Place::M64 if general => (types::I64, 8),
        Place::M64 => (types::F64, 8),
        _ => (types::I8X16, 16),
    }
}

impl Tr<'_, '_> {
    /// Emits a vector instruction. False when it has to be called instead.
    pub fn vector(&mut self, ins: &Instruction, i: &Insn, host: Option<Host>) -> bool {
        match describe(ins) {
            Some(v) => host.is_some_and(|host| self.operation(&v, i, host)),
            None if is_hint(ins) => true,
            None => {
                // MOVNTI; it asks nothing of the control registers.
                let off = self.ea(i);
                if i.bits == 64 {
                    let v = self.get::<64>(i.src);
                    self.store::<64>(i.seg, off, v).is_ok()
                } else {
                    let v = self.get::<32>(i.src);
                    self.store::<32>(i.seg, off, v).is_ok()
                }
            }
        }
    }

    fn operation(&mut self, v: &Vector, i: &Insn, host: Host) -> bool {
        let is = |p: Place| v.target == p || v.source == p;
        // CVTPI2PS enters MMX state for memory as for a register.
        let mmx = is(Place::Mm) || v.op == VecOp::Cvtpi2ps;
        // What is of neither goes from memory to a general register: CVTTSD2SI, say.
        let sse = is(Place::Xmm) || is(Place::Eflags) || !mmx;
        self.require(sse, mmx);
        if let Some(n) = crypto::number(v.op) {
            self.crypto(n, v.source, i);
            return true;
        }
        let source = self.source(v, i);
        let target = match v.target {
            Place::Xmm | Place::Eflags if reads_target(v) => Some(self.xmm(i.dst)),
            Place::Mm if reads_target(v) => {
                let old = self.get_state(types::F64, abi::mm(i.dst));
                Some(Emitter::new(self.b, host).vector(old))
            }
            _ => None,
        };
        let imm = i.imm as u8;
        let blends = matches!(v.op, VecOp::Pblendvb | VecOp::Blendvps | VecOp::Blendvpd);
        let xmm0 = if blends { Some(self.xmm(0)) } else { None };
        let mxcsr = if needs_mxcsr(v.op, imm) { Some(Mxcsr::Word(self.mxcsr())) } else { None };
        if v.op == VecOp::Mov
            && let (Place::M32 | Place::M64, Some(source)) = (v.target, source)
        {
            self.store_low(v.target, i, source);
        } else {
            let mut slow = Slow::default();
            let inputs = Inputs { target, source, imm, xmm0, mxcsr };
            let Some(out) = Emitter::new(self.b, host).emit(v, &inputs, &mut slow) else { return false };
            if let Some(slow) = slow.block() {
                // What has been begun is ended before another block is.
                let on = self.b.create_block();
                self.b.ins().jump(on, &[]);
                self.b.switch_to_block(slow);
                self.redo();
                self.b.switch_to_block(on);
            }
            self.write(v, i, out, host);
        }
        if mmx {
            self.enter_mmx();
        }
        true
    }

    /// Calls an action of [`crypto`] on the operands where they are.
    fn crypto(&mut self, n: usize, source: Place, i: &Insn) {
        let source = match source {
            Place::Xmm => self.xmm_address(i.src),
            _ => {
                let off = self.ea(i);
                self.address_of(i.seg, off, 16, false, true)
            }
        };
        let target = self.xmm_address(i.dst);
        let imm = self.b.ins().iconst(types::I64, i64::from(i.imm as u8));
        let action = import(self.b, self.imports.call_conv, FIRST_CRYPTO + n as u32, 3, None);
        self.b.ins().call(action, &[target, source, imm]);
        self.s.vector.forget_registers();
    }

    /// Where the state has an XMM register.
    fn xmm_address(&mut self, r: u8) -> Value {
        self.b.ins().iadd_imm_s(self.exec, i64::from(abi::xmm(r)))
    }

    /// What a vector or x87 instruction begins with: gives it back to the interpreter where it must not run. `fpu` says that it uses the
    /// x87 unit's registers.
    pub fn require(&mut self, sse: bool, fpu: bool) {
        let seen = self.s.vector.allowed || !sse && self.s.vector.available;
        if !seen {
            let on = self.get_state(types::I64, abi::cr0());
            let mut wrong = self.b.ins().band_imm_u(on, (cr0::EM | cr0::TS) as i64);
            if sse {
                let on = self.get_state(types::I64, abi::cr4());
                let bit = self.b.ins().band_imm_u(on, cr4::OSFXSR as i64);
                let off = self.b.ins().bxor_imm_u(bit, cr4::OSFXSR as i64);
                wrong = self.b.ins().bor(wrong, off);
                self.s.vector.allowed = true;
            }
            self.redo_if(wrong);
            self.s.vector.available = true;
        }
        if fpu {
            // Whether an exception that waits is reported is the interpreter's affair.
            let status = self.get_state(types::I16, abi::fpu_status());
            let waits = self.b.ins().band_imm_u(status, FSW_ES);
            self.redo_if(waits);
        }
    }

    /// An XMM register.
    fn xmm(&mut self, r: u8) -> Value {
        let n = usize::from(r & 15);
        if let Some(v) = self.s.vector.xmm[n] {
            return v;
        }
        let v = self.get_state(types::I8X16, abi::xmm(r));
        self.s.vector.xmm[n] = Some(v);
        v
    }

    fn mxcsr(&mut self) -> Value {
        if let Some(v) = self.s.vector.mxcsr {
            return v;
        }
        let v = self.get_state(types::I32, abi::mxcsr());
        self.s.vector.mxcsr = Some(v);
        v
    }

    fn source(&mut self, v: &Vector, i: &Insn) -> Option<Value> {
        Some(match v.source {
            Place::Xmm => self.xmm(i.src),
            Place::Mm => {
                let general = matches!(v.target, Place::R32 | Place::R64 | Place::M32 | Place::M64);
                self.get_state(if general { types::I64 } else { types::F64 }, abi::mm(i.src))
            }
            Place::R32 => {
                let r = self.get::<32>(i.src);
                self.lower(r, 32)
            }
            Place::R64 => {
                let r = self.get::<64>(i.src);
                self.lower(r, 64)
            }
            Place::Imm8 | Place::Eflags => return None,
            place => {
                let (ty, bytes) = read_as(v.op, place);
                let off = self.ea(i);
                let host = self.address_of(i.seg, off, bytes, false, place == Place::M128);
                self.b.ins().load(ty, guest_access(), host, 0)
            }
        })
    }

    fn write(&mut self, v: &Vector, i: &Insn, out: Out, host: Host) {
        match (out, v.target) {
            (Out::Flags { zf, cf }, _) => self.set_flags(zf, cf),
            (Out::General(r), Place::R32 | Place::R64) => {
                let r = self.v.clif(r, 64);
                if v.target == Place::R32 {
                    self.put::<32>(i.dst, r);
                } else {
                    self.put::<64>(i.dst, r);
                }
            }
            (Out::General(r), place) => {
                let (ty, bytes) = match place {
                    Place::M8 => (types::I8, 1),
                    Place::M16 => (types::I16, 2),
                    Place::M32 => (types::I32, 4),
                    _ => (types::I64, 8),
                };
                let r = if ty == types::I64 { r } else { self.b.ins().ireduce(ty, r) };
                let off = self.ea(i);
                let host = self.address(i.seg, off, bytes, true);
                self.b.ins().store(guest_access(), r, host, 0);
            }
            (Out::Vector(r), Place::M128 | Place::U128) => {
                let off = self.ea(i);
                let host = self.address_of(i.seg, off, 16, true, v.target == Place::M128);
                self.b.ins().store(guest_access(), r, host, 0);
            }
            (Out::Vector(r), Place::Mm) => {
                let low = Emitter::new(self.b, host).low(r);
                self.put_state(low, abi::mm(i.dst));
                let ones = self.b.ins().iconst(types::I16, 0xffff);
                self.put_state(ones, abi::mm_exponent(i.dst));
            }
            (Out::Vector(r), _) => {
                self.put_state(r, abi::xmm(i.dst));
                self.s.vector.xmm[usize::from(i.dst & 15)] = Some(r);
            }
        }
    }

    /// Stores the low bits of a register, without a way round through a general register.
    fn store_low(&mut self, place: Place, i: &Insn, v: Value) {
        let (lanes, scalar, bytes) = match place {
            Place::M32 => (types::F32X4, types::I32, 4),
            _ => (types::F64X2, types::I64, 8),
        };
        let r = if self.b.func.dfg.value_type(v).is_vector() {
            let v = self.b.ins().bitcast(lanes, little(), v);
            self.b.ins().extractlane(v, 0)
        } else if scalar == types::I32 {
            self.b.ins().ireduce(scalar, v)
        } else {
            v
        };
        let off = self.ea(i);
        let host = self.address(i.seg, off, bytes, true);
        self.b.ins().store(guest_access(), r, host, 0);
    }

    /// All arithmetic flags: `Zf` and `Cf` as given (`I8`), the others 0.
    fn set_flags(&mut self, zf: Value, cf: Value) {
        let (zf, cf) = (self.b.ins().uextend(types::I64, zf), self.b.ins().uextend(types::I64, cf));
        let (zf, cf) = (self.v.clif(zf, 1), self.v.clif(cf, 1));
        let (zero, one) = (self.v.imm(0), self.v.imm(1));
        let zr = self.xor(zf, one);
        // Positive, and of odd parity.
        self.s.flags = FlagState::Words { words: [zr, one, zero, zero], stored: false };
        self.set_cf_of(cf, zero);
    }

    /// What every MMX instruction does to the x87 unit: all registers valid, TOP = 0.
    fn enter_mmx(&mut self) {
        let all = self.b.ins().iconst(types::I8, 0xff);
        self.put_state(all, abi::fpu_valid());
        let top = self.b.ins().iconst(types::I8, 0);
        self.put_state(top, abi::fpu_top());
    }
}
