//! F2XM1.
use crate::fp::{F80, X87Env};
/// F2XM1: 2^a - 1, for -1 <= a <= 1.
pub fn f2xm1(env: &mut X87Env, a: F80) -> Option<F80> {
    let _ = (env, a);
    todo!()
}
