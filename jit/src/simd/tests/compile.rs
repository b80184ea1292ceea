//! A form as a function on a [`Frame`].

use crate::simd::{Emitter, Host, Inputs, Mxcsr, Out, Slow, needs_mxcsr};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::types::{self, I8X16, I64};
use cranelift_codegen::ir::{AbiParam, Endianness, Function as Ir, InstBuilder, MemFlagsData, Signature, Type};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use ferrite_core::isa::select_simd::{Place, Vector};
use memmap2::{Mmap, MmapMut};

/// What a function reads and writes.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub target: u128,
    pub source: u128,
    pub xmm0: u128,
    pub out: u128,
    pub mxcsr: u32,
    pub fast: u32,
}

const TARGET: i32 = 0;
const SOURCE: i32 = 16;
const XMM0: i32 = 32;
const OUT: i32 = 48;
const MXCSR: i32 = 64;
const FAST: i32 = 68;

/// As what the source is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Vector,
    I64,
    F64,
    I32,
    F32,
}

impl Shape {
    /// The bits that it has.
    pub fn mask(self) -> u128 {
        match self {
            Self::Vector => u128::MAX,
            Self::I64 | Self::F64 => u64::MAX.into(),
            Self::I32 | Self::F32 => u32::MAX.into(),
        }
    }

    fn ty(self) -> Type {
        match self {
            Self::Vector => I8X16,
            Self::I64 => I64,
            Self::F64 => types::F64,
            Self::I32 => types::I32,
            Self::F32 => types::F32,
        }
    }
}

/// What the emitter is told about MXCSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Nothing,
    Plain,
}

/// The IR of a form; `None` when the emitter leaves it.
pub fn ir(v: &Vector, imm: u8, shape: Shape, known: Known, host: Host, cc: CallConv) -> Option<Ir> {
    let mut f = Ir::with_name_signature(Default::default(), Signature::new(cc));
    f.signature.params.push(AbiParam::new(I64));
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut f, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let frame = b.block_params(entry)[0];
    let flags = MemFlagsData::trusted().with_endianness(Endianness::Little);
    let target = b.ins().load(I8X16, flags, frame, TARGET);
    let source = (v.source != Place::Imm8).then(|| b.ins().load(shape.ty(), flags, frame, SOURCE));
    let xmm0 = b.ins().load(I8X16, flags, frame, XMM0);
    let mxcsr = needs_mxcsr(v.op, imm).then(|| match known {
        Known::Plain => Mxcsr::Plain,
        Known::Nothing => Mxcsr::Word(b.ins().load(types::I32, flags, frame, MXCSR)),
    });
    let target = super::super::reads_target(v).then_some(target);
    let inputs = Inputs { target, source, imm, xmm0: Some(xmm0), mxcsr };
    let mut slow = Slow::default();
    let out = Emitter::new(&mut b, host).emit(v, &inputs, &mut slow);
    if let Some(out) = out {
        match out {
            Out::Vector(r) => {
                assert_eq!(b.func.dfg.value_type(r), I8X16);
                b.ins().store(flags, r, frame, OUT);
            }
            Out::General(r) => {
                assert_eq!(b.func.dfg.value_type(r), I64);
                b.ins().store(flags, r, frame, OUT);
            }
            Out::Flags { zf, cf } => {
                let zf = b.ins().uextend(I64, zf);
                let cf = b.ins().uextend(I64, cf);
                let zf = b.ins().ishl_imm_u(zf, 6);
                let image = b.ins().bor(zf, cf);
                b.ins().store(flags, image, frame, OUT);
            }
        }
        let one = b.ins().iconst(types::I32, 1);
        b.ins().store(flags, one, frame, FAST);
    }
    b.ins().return_(&[]);
    if let Some(block) = slow.block() {
        b.switch_to_block(block);
        b.seal_block(block);
        b.ins().return_(&[]);
    }
    b.finalize(host_config());
    out.map(|_| f)
}

fn host_config() -> cranelift_codegen::isa::TargetFrontendConfig {
    host_isa().frontend_config()
}

fn host_isa() -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("enable_verifier", "true").unwrap();
    cranelift_native::builder().unwrap().finish(settings::Flags::new(flags)).unwrap()
}

/// Whether the host has a fused multiply-add.
pub fn fma() -> bool {
    Host::of(&*host_isa()).unwrap().fma
}

/// Machine code, without relocations.
pub fn code(f: Ir, isa: &dyn TargetIsa) -> Vec<u8> {
    let mut context = Context::for_function(f);
    let text = context.func.display().to_string();
    let code = match context.compile(isa, &mut ControlPlane::default()) {
        Ok(code) => code,
        Err(e) => panic!("{:?}: {text}", e.inner),
    };
    assert!(code.buffer.relocs().is_empty(), "a call of a library function: {text}");
    code.code_buffer().to_vec()
}

/// A form that can be called.
pub struct Function {
    code: Mmap,
}

impl Function {
    pub fn new(v: &Vector, imm: u8, shape: Shape, known: Known) -> Option<Self> {
        thread_local! {
            static ISA: OwnedTargetIsa = host_isa();
        }
        let code = ISA.with(|isa| {
            let host = Host::of(&**isa).expect("a host with vectors");
            let f = ir(v, imm, shape, known, host, isa.default_call_conv())?;
            Some(code(f, &**isa))
        })?;
        let mut map = MmapMut::map_anon(code.len()).unwrap();
        map[..code.len()].copy_from_slice(&code);
        Some(Self { code: map.make_exec().unwrap() })
    }

    pub fn call(&self, frame: &mut Frame) {
        // SAFETY: the mapping holds a function of one pointer in the host's calling convention, which reads and
        // writes the frame only.
        #[allow(unsafe_code)]
        unsafe {
            let f: extern "C" fn(*mut Frame) = std::mem::transmute(self.code.as_ptr());
            f(frame);
        }
    }
}
