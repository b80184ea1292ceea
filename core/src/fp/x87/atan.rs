//! FPATAN. SDM Vol. 2, "FPATAN", with its table of results.

use super::nan::{denormal, nan2};
use super::pack::pack;
use crate::fp::env::X87Env;
use crate::fp::f80::{Class, F80};
use crate::fp::wide::{HALF_PI, PI, Wide, alternating};

/// atan(i/16), i from 1.
const ATAN_SIXTEENTHS: [Wide; 16] = [
    Wide::positive(-5, 0xFFAA_DDB9_67EF_4E36_CB27_92DC_0E2E_0D51),
    Wide::positive(-4, 0xFEAD_D4D5_617B_6E32_C897_989F_3E88_8EF7),
    Wide::positive(-3, 0xBDCB_DA5E_72D8_1134_7B0B_4F88_1C9C_7487),
    Wide::positive(-3, 0xFADB_AFC9_6406_EB15_6DC7_9EF5_F7A2_17E5),
    Wide::positive(-2, 0x9B13_B9B8_3F5E_5E69_C5AB_B498_D27A_F328),
    Wide::positive(-2, 0xB7B0_CA0F_26F7_8473_8AA3_2122_DCFE_4483),
    Wide::positive(-2, 0xD327_761E_611F_E5B6_427C_95E9_001E_7136),
    Wide::positive(-2, 0xED63_382B_0DDA_7B45_6FE4_45EC_BC3A_8D03),
    Wide::positive(-1, 0x832B_F4A6_D986_7E2A_4B6A_09CB_61A5_15C0),
    Wide::positive(-1, 0x8F00_5D5E_F7F5_9F9B_5C83_5E16_65C4_3747),
    Wide::positive(-1, 0x9A2F_80E6_71BD_DA20_4226_F8E2_204F_F3BC),
    Wide::positive(-1, 0xA4BC_7D19_34F7_0924_19A8_7F2A_457D_AC9E),
    Wide::positive(-1, 0xAEAC_4C38_B4D8_C080_1472_5E2F_3E52_070A),
    Wide::positive(-1, 0xB805_3E2B_C231_9E73_CB2D_A552_10A4_443D),
    Wide::positive(-1, 0xC0CE_85B8_AC52_6640_89DD_62C4_6E92_FA24),
    Wide::positive(-1, 0xC90F_DAA2_2168_C234_C4C6_628B_80DC_1CD1),
];

/// 1/(2n+1) in units of 2^-127: the series of atan(s)/s, its signs left to the sum. With |s| <= 1/32
/// its first term left out is below 2^-124.
const SERIES: [u128; 12] = {
    let mut c = [1 << 127; 12];
    let mut n = 1;
    while n < c.len() {
        c[n] /= 2 * n as u128 + 1;
        n += 1;
    }
    c
};

/// atan of 0 < t <= 1.
fn atan(t: Wide) -> Wide {
    let series = |s: Wide| {
        if s.sig == 0 {
            return s;
        }
        s.mul(Wide::normalize(false, 0, alternating(&SERIES, s.square_fraction())))
    };
    // The nearest sixteenth.
    let i = if t.exp < 0 { (((t.fraction() >> 123) + 1) >> 1) as usize } else { 16 };
    let Some(base) = i.checked_sub(1).and_then(|i| ATAN_SIXTEENTHS.get(i)) else {
        return series(t);
    };
    // atan t = atan c + atan((t - c)/(1 + t·c))
    let c = Wide::normalize(false, 127 - 4, i as u128);
    let one = Wide::positive(0, 1 << 127);
    base.add(series(t.sub(c).div(one.add(t.mul(c)))))
}

/// FPATAN: the angle of the point (x, y), x in ST(0), y in ST(1). The result replaces ST(1), then
/// ST(0) is popped.
pub fn fpatan(env: &mut X87Env, x: F80, y: F80) -> Option<F80> {
    if let Some(r) = nan2(env, x, y) {
        return r;
    }
    let (cx, cy) = (x.class(), y.class());
    denormal(env, &[cx, cy])?;
    let left = x.is_negative();
    let quarter = |n: Wide| Wide { exp: n.exp - 1, ..n };
    // The angle from the nearer half of the x axis, for x >= 0.
    let angle = match (cy, cx) {
        (Class::Infinity, Class::Infinity) => quarter(HALF_PI),
        (Class::Infinity, _) => return Some(angle(env, HALF_PI, y)),
        (Class::Zero, _) | (_, Class::Infinity) => {
            return Some(if left { angle(env, PI, y) } else { F80::zero(y.is_negative()) });
        }
        (_, Class::Zero) => return Some(angle(env, HALF_PI, y)),
        _ => {
            let (x, y) = (x.abs().finite(), y.abs().finite());
            if (y.exp, y.sig) <= (x.exp, x.sig) {
                atan(Wide::from(y).div(Wide::from(x)))
            } else {
                HALF_PI.sub(atan(Wide::from(x).div(Wide::from(y))))
            }
        }
    };
    let r = if left { PI.sub(angle) } else { angle };
    Some(self::angle(env, r, y))
}

/// The rounded angle, with the sign of `y`.
fn angle(env: &mut X87Env, r: Wide, y: F80) -> F80 {
    pack(env, &r.with_sign_flipped(y.is_negative()).inexact(), 64)
}
