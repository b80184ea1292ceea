//! FYL2X and FYL2XP1.
use crate::fp::{F80, X87Env};
/// FYL2X: y · log2(x), x in ST(0), y in ST(1).
pub fn fyl2x(env: &mut X87Env, x: F80, y: F80) -> Option<F80> {
    let _ = (env, x, y);
    todo!()
}
/// FYL2XP1: y · log2(x + 1), x in ST(0), y in ST(1).
pub fn fyl2xp1(env: &mut X87Env, x: F80, y: F80) -> Option<F80> {
    let _ = (env, x, y);
    todo!()
}
