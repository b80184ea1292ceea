//! The list of vector operations, from which everything that has one row for each is made.

use super::{aes, convert, float, int, mmx, mov, shuffle};
use crate::fp::SseEnv;

/// Calls a macro with all operations: name, operands ([`crate::isa::select_simd`] lists the pairs that each word
/// stands for), parameters of the function, function. Those under `mnemonics` have the name of their mnemonic.
macro_rules! for_each_vec_op {
    ($m:ident) => {
        $m! {
            mnemonics {
                // Packed integers.
                Paddb, vm, two, int::paddb;
                Paddw, vm, two, int::paddw;
                Paddd, vm, two, int::paddd;
                Paddq, vm, two, int::paddq;
                Paddsb, vm, two, int::paddsb;
                Paddsw, vm, two, int::paddsw;
                Paddusb, vm, two, int::paddusb;
                Paddusw, vm, two, int::paddusw;
                Psubb, vm, two, int::psubb;
                Psubw, vm, two, int::psubw;
                Psubd, vm, two, int::psubd;
                Psubq, vm, two, int::psubq;
                Psubsb, vm, two, int::psubsb;
                Psubsw, vm, two, int::psubsw;
                Psubusb, vm, two, int::psubusb;
                Psubusw, vm, two, int::psubusw;
                Pminub, vm, two, int::pminub;
                Pminsw, vm, two, int::pminsw;
                Pmaxub, vm, two, int::pmaxub;
                Pmaxsw, vm, two, int::pmaxsw;
                Pcmpeqb, vm, two, int::pcmpeqb;
                Pcmpeqw, vm, two, int::pcmpeqw;
                Pcmpeqd, vm, two, int::pcmpeqd;
                Pcmpgtb, vm, two, int::pcmpgtb;
                Pcmpgtw, vm, two, int::pcmpgtw;
                Pcmpgtd, vm, two, int::pcmpgtd;
                Pavgb, vm, two, int::pavgb;
                Pavgw, vm, two, int::pavgw;
                Pmullw, vm, two, int::pmullw;
                Pmulhw, vm, two, int::pmulhw;
                Pmulhuw, vm, two, int::pmulhuw;
                Pmulhrsw, vm, two, int::pmulhrsw;
                Pmuludq, vm, two, int::pmuludq;
                Pmaddwd, vm, two, int::pmaddwd;
                Pmaddubsw, vm, two, int::pmaddubsw;
                Psadbw, vm, two, int::psadbw;
                Psignb, vm, two, int::psignb;
                Psignw, vm, two, int::psignw;
                Psignd, vm, two, int::psignd;
                Pand, vm, two, int::pand;
                Pandn, vm, two, int::pandn;
                Por, vm, two, int::por;
                Pxor, vm, two, int::pxor;
                Pabsb, vm, one, int::pabsb;
                Pabsw, vm, one, int::pabsw;
                Pabsd, vm, one, int::pabsd;
                Pminuw, v, two, int::pminuw;
                Pminud, v, two, int::pminud;
                Pminsb, v, two, int::pminsb;
                Pminsd, v, two, int::pminsd;
                Pmaxuw, v, two, int::pmaxuw;
                Pmaxud, v, two, int::pmaxud;
                Pmaxsb, v, two, int::pmaxsb;
                Pmaxsd, v, two, int::pmaxsd;
                Pcmpeqq, v, two, int::pcmpeqq;
                Pcmpgtq, v, two, int::pcmpgtq;
                Pmulld, v, two, int::pmulld;
                Pmuldq, v, two, int::pmuldq;
                Phaddw, v, two, int::phaddw;
                Phaddd, v, two, int::phaddd;
                Phaddsw, v, two, int::phaddsw;
                Phsubw, v, two, int::phsubw;
                Phsubd, v, two, int::phsubd;
                Phsubsw, v, two, int::phsubsw;
                Mpsadbw, v, imm2, int::mpsadbw;
                Phminposuw, v, one, int::phminposuw;
                Psllw, shift, two, int::psllw;
                Pslld, shift, two, int::pslld;
                Psllq, shift, two, int::psllq;
                Psrlw, shift, two, int::psrlw;
                Psrld, shift, two, int::psrld;
                Psrlq, shift, two, int::psrlq;
                Psraw, shift, two, int::psraw;
                Psrad, shift, two, int::psrad;
                Pslldq, bytes, two, int::pslldq;
                Psrldq, bytes, two, int::psrldq;
                Ptest, flags128, two, int::ptest;
                Pmovmskb, sign_mm, one, int::pmovmskb;
                Movmskps, sign, one, int::movmskps;
                Movmskpd, sign, one, int::movmskpd;
                // Shuffles.
                Punpcklbw, low, two, shuffle::punpcklbw;
                Punpcklwd, low, two, shuffle::punpcklwd;
                Punpckldq, low, two, shuffle::punpckldq;
                Punpcklqdq, v, two, shuffle::punpcklqdq;
                Punpckhbw, v, two, shuffle::punpckhbw;
                Punpckhwd, v, two, shuffle::punpckhwd;
                Punpckhdq, v, two, shuffle::punpckhdq;
                Punpckhqdq, v, two, shuffle::punpckhqdq;
                Packsswb, v, two, shuffle::packsswb;
                Packuswb, v, two, shuffle::packuswb;
                Packssdw, v, two, shuffle::packssdw;
                Packusdw, v, two, shuffle::packusdw;
                Pshufb, v, two, shuffle::pshufb;
                Unpcklps, v, two, shuffle::punpckldq;
                Unpckhps, v, two, shuffle::punpckhdq;
                Unpcklpd, v, two, shuffle::punpcklqdq;
                Unpckhpd, v, two, shuffle::punpckhqdq;
                Pmovsxbw, v64, one, shuffle::pmovsxbw;
                Pmovsxwd, v64, one, shuffle::pmovsxwd;
                Pmovsxdq, v64, one, shuffle::pmovsxdq;
                Pmovzxbw, v64, one, shuffle::pmovzxbw;
                Pmovzxwd, v64, one, shuffle::pmovzxwd;
                Pmovzxdq, v64, one, shuffle::pmovzxdq;
                Pmovsxbd, v32, one, shuffle::pmovsxbd;
                Pmovsxwq, v32, one, shuffle::pmovsxwq;
                Pmovzxbd, v32, one, shuffle::pmovzxbd;
                Pmovzxwq, v32, one, shuffle::pmovzxwq;
                Pmovsxbq, v16, one, shuffle::pmovsxbq;
                Pmovzxbq, v16, one, shuffle::pmovzxbq;
                Pshufd, v, imm1, shuffle::pshufd;
                Pshuflw, v, imm1, shuffle::pshuflw;
                Pshufhw, v, imm1, shuffle::pshufhw;
                Shufps, v, imm2, shuffle::shufps;
                Shufpd, v, imm2, shuffle::shufpd;
                Palignr, v, imm2, shuffle::palignr;
                Pblendw, v, imm2, shuffle::pblendw;
                Blendps, v, imm2, shuffle::blendps;
                Blendpd, v, imm2, shuffle::blendpd;
                Pblendvb, v, three, shuffle::pblendvb;
                Blendvps, v, three, shuffle::blendvps;
                Blendvpd, v, three, shuffle::blendvpd;
                Pinsrb, insert8, imm2, shuffle::pinsrb;
                Pinsrw, insert16, imm2, shuffle::pinsrw;
                Pinsrd, insert32, imm2, shuffle::pinsrd;
                Pinsrq, insert64, imm2, shuffle::pinsrq;
                Pextrb, extract8, imm1, shuffle::pextrb;
                Pextrw, extract16, imm1, shuffle::pextrw;
                Pextrd, extract32, imm1, shuffle::pextrd;
                Extractps, extract32, imm1, shuffle::pextrd;
                Pextrq, extract64, imm1, shuffle::pextrq;
                Insertps, vv, imm2, shuffle::insertps;
                Movsldup, v, one, shuffle::movsldup;
                Movshdup, v, one, shuffle::movshdup;
                Movddup, v64, one, shuffle::movddup;
                // Bitwise operations of the floating-point sets.
                Andps, v, two, int::pand;
                Andpd, v, two, int::pand;
                Andnps, v, two, int::pandn;
                Andnpd, v, two, int::pandn;
                Orps, v, two, int::por;
                Orpd, v, two, int::por;
                Xorps, v, two, int::pxor;
                Xorpd, v, two, int::pxor;
                // Floating point.
                Addps, v, float2, float::addps;
                Addpd, v, float2, float::addpd;
                Addss, v32, float2, float::addss;
                Addsd, v64, float2, float::addsd;
                Subps, v, float2, float::subps;
                Subpd, v, float2, float::subpd;
                Subss, v32, float2, float::subss;
                Subsd, v64, float2, float::subsd;
                Mulps, v, float2, float::mulps;
                Mulpd, v, float2, float::mulpd;
                Mulss, v32, float2, float::mulss;
                Mulsd, v64, float2, float::mulsd;
                Divps, v, float2, float::divps;
                Divpd, v, float2, float::divpd;
                Divss, v32, float2, float::divss;
                Divsd, v64, float2, float::divsd;
                Minps, v, float2, float::minps;
                Minpd, v, float2, float::minpd;
                Minss, v32, float2, float::minss;
                Minsd, v64, float2, float::minsd;
                Maxps, v, float2, float::maxps;
                Maxpd, v, float2, float::maxpd;
                Maxss, v32, float2, float::maxss;
                Maxsd, v64, float2, float::maxsd;
                Sqrtps, v, float1, float::sqrtps;
                Sqrtpd, v, float1, float::sqrtpd;
                Sqrtss, v32, float2, float::sqrtss;
                Sqrtsd, v64, float2, float::sqrtsd;
                Rcpps, v, one, float::rcpps;
                Rsqrtps, v, one, float::rsqrtps;
                Rcpss, v32, two, float::rcpss;
                Rsqrtss, v32, two, float::rsqrtss;
                Cmpps, v, float_imm2, float::cmpps;
                Cmppd, v, float_imm2, float::cmppd;
                Cmpss, v32, float_imm2, float::cmpss;
                Comiss, flags32, float2, float::comiss;
                Ucomiss, flags32, float2, float::ucomiss;
                Comisd, flags64, float2, float::comisd;
                Ucomisd, flags64, float2, float::ucomisd;
                Addsubps, v, float2, float::addsubps;
                Addsubpd, v, float2, float::addsubpd;
                Haddps, v, float2, float::haddps;
                Haddpd, v, float2, float::haddpd;
                Hsubps, v, float2, float::hsubps;
                Hsubpd, v, float2, float::hsubpd;
                Dpps, v, float_imm2, float::dpps;
                Dppd, v, float_imm2, float::dppd;
                Roundps, v, float_imm1, float::roundps;
                Roundpd, v, float_imm1, float::roundpd;
                Roundss, v32, float_imm2, float::roundss;
                Roundsd, v64, float_imm2, float::roundsd;
                // Conversions.
                Cvtdq2ps, v, float1, convert::cvtdq2ps;
                Cvtps2dq, v, float1, convert::cvtps2dq;
                Cvttps2dq, v, float1, convert::cvttps2dq;
                Cvtpd2dq, v, float1, convert::cvtpd2dq;
                Cvttpd2dq, v, float1, convert::cvttpd2dq;
                Cvtpd2ps, v, float1, convert::cvtpd2ps;
                Cvtdq2pd, v64, float1, convert::cvtdq2pd;
                Cvtps2pd, v64, float1, convert::cvtps2pd;
                Cvtss2sd, v32, float2, convert::cvtss2sd;
                Cvtsd2ss, v64, float2, convert::cvtsd2ss;
                Cvtpi2ps, from_mm, float2, convert::cvtpi2ps;
                Cvtpi2pd, from_mm_or_m64, float1, convert::cvtdq2pd;
                Cvtps2pi, to_mm64, float1, convert::cvtps2pi;
                Cvttps2pi, to_mm64, float1, convert::cvttps2pi;
                Cvtpd2pi, to_mm128, float1, convert::cvtpd2dq;
                Cvttpd2pi, to_mm128, float1, convert::cvttpd2dq;
                // Ciphers.
                Aesenc, v, two, aes::aesenc;
                Aesenclast, v, two, aes::aesenclast;
                Aesdec, v, two, aes::aesdec;
                Aesdeclast, v, two, aes::aesdeclast;
                Aesimc, v, one, aes::aesimc;
                Aeskeygenassist, v, imm1, aes::aeskeygenassist;
                Pclmulqdq, v, imm2, aes::pclmulqdq;
            }
            others {
                // MMX forms that are more than half of the XMM form.
                PacksswbMm, m, two, mmx::packsswb;
                PackuswbMm, m, two, mmx::packuswb;
                PackssdwMm, m, two, mmx::packssdw;
                PhaddwMm, m, two, mmx::phaddw;
                PhadddMm, m, two, mmx::phaddd;
                PhaddswMm, m, two, mmx::phaddsw;
                PhsubwMm, m, two, mmx::phsubw;
                PhsubdMm, m, two, mmx::phsubd;
                PhsubswMm, m, two, mmx::phsubsw;
                PunpckhbwMm, m, two, mmx::punpckhbw;
                PunpckhwdMm, m, two, mmx::punpckhwd;
                PunpckhdqMm, m, two, mmx::punpckhdq;
                PshufbMm, m, two, mmx::pshufb;
                PshufwMm, m, imm1, mmx::pshufw;
                PalignrMm, m, imm2, mmx::palignr;
                PinsrwMm, insert_mm, imm2, mmx::pinsrw;
                PextrwMm, extract_mm, imm1, mmx::pextrw;
                // Forms that one mnemonic does not tell apart.
                InsertpsM32, v_m32, imm2, shuffle::insertps_m32;
                CmpsdXmm, v64, float_imm2, float::cmpsd;
                Cvtsi2ss32, from_gpr32, float2, convert::cvtsi2ss32;
                Cvtsi2sd32, from_gpr32, float2, convert::cvtsi2sd32;
                Cvtss2si32, to_gpr32_m32, float1, convert::cvtss2si32;
                Cvtsd2si32, to_gpr32_m64, float1, convert::cvtsd2si32;
                Cvttss2si32, to_gpr32_m32, float1, convert::cvttss2si32;
                Cvttsd2si32, to_gpr32_m64, float1, convert::cvttsd2si32;
                Cvtsi2ss64, from_gpr64, float2, convert::cvtsi2ss64;
                Cvtsi2sd64, from_gpr64, float2, convert::cvtsi2sd64;
                Cvtss2si64, to_gpr64_m32, float1, convert::cvtss2si64;
                Cvtsd2si64, to_gpr64_m64, float1, convert::cvtsd2si64;
                Cvttss2si64, to_gpr64_m32, float1, convert::cvttss2si64;
                Cvttsd2si64, to_gpr64_m64, float1, convert::cvttsd2si64;
                // Moves.
                Mov, any, one, mov::all;
                MovLow64, vv, one, mov::low64;
                MovIntoLow32, vv, two, mov::into_low32;
                MovIntoLow64, v64, two, mov::into_low64;
                MovIntoHigh64, v64, two, mov::into_high64;
                MovHighIntoLow64, vv, two, mov::high64_into_low64;
                MovHigh64, store64, one, mov::high64;
            }
        }
    };
}
pub(crate) use for_each_vec_op;

/// One operation, as a type: an engine that calls it gets an instance of its own for each.
pub trait Operation {
    /// Which one it is.
    const OP: VecOp;
    /// It works under MXCSR and raises exceptions.
    const FLOAT: bool;
    /// `c` is XMM0, not the immediate.
    const XMM0: bool;

    /// The result from the old destination `a`, the source `b`, and `c`.
    fn apply(env: &mut SseEnv, a: u128, b: u128, c: u128) -> u128;
}

/// Calls a function with the parameters that it takes.
macro_rules! call {
    (one, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($b)
    };
    (two, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($a, $b)
    };
    (three, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($a, $b, $c)
    };
    (imm1, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($b, $c as u8)
    };
    (imm2, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($a, $b, $c as u8)
    };
    (float1, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($env, $b)
    };
    (float2, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($env, $a, $b)
    };
    (float_imm1, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($env, $b, $c as u8)
    };
    (float_imm2, $f:path, $env:ident, $a:ident, $b:ident, $c:ident) => {
        $f($env, $a, $b, $c as u8)
    };
}

macro_rules! is_float {
    (float1) => {
        true
    };
    (float2) => {
        true
    };
    (float_imm1) => {
        true
    };
    (float_imm2) => {
        true
    };
    ($other:ident) => {
        false
    };
}

macro_rules! is_three {
    (three) => {
        true
    };
    ($other:ident) => {
        false
    };
}

macro_rules! define {
    (mnemonics { $($m:ident, $ms:ident, $ma:ident, $mf:path;)* } others { $($x:ident, $xs:ident, $xa:ident, $xf:path;)* }) => {
        /// A vector operation. Most have the name of the mnemonic in SDM Vol. 2.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum VecOp {
            $($m,)*
            $($x,)*
        }

        impl VecOp {
            /// The operation whose name the mnemonic is.
            #[must_use]
            pub fn of(m: iced_x86::Mnemonic) -> Option<Self> {
                match m {
                    $(iced_x86::Mnemonic::$m => Some(Self::$m),)*
                    _ => None,
                }
            }

            /// It works under MXCSR and raises exceptions.
            #[must_use]
            pub const fn is_float(self) -> bool {
                match self {
                    $(Self::$m => is_float!($ma),)*
                    $(Self::$x => is_float!($xa),)*
                }
            }

            /// It reads XMM0 besides its operands.
            #[must_use]
            pub const fn reads_xmm0(self) -> bool {
                match self {
                    $(Self::$m => is_three!($ma),)*
                    $(Self::$x => is_three!($xa),)*
                }
            }
        }

        /// The operations as types.
        pub mod op {
            $(define!(@type $m, $ma, $mf);)*
            $(define!(@type $x, $xa, $xf);)*
        }
    };
    (@type $name:ident, $arity:ident, $f:path) => {
        #[doc = concat!("[`super::VecOp::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $name;

        impl super::Operation for $name {
            const OP: super::VecOp = super::VecOp::$name;
            const FLOAT: bool = is_float!($arity);
            const XMM0: bool = is_three!($arity);

            #[inline(always)]
            #[allow(unused_variables)]
            fn apply(env: &mut super::SseEnv, a: u128, b: u128, c: u128) -> u128 {
                use super::*;
                call!($arity, $f, env, a, b, c)
            }
        }
    };
}

for_each_vec_op!(define);
