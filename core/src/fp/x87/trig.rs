//! FSIN, FCOS, FSINCOS, FPTAN.
use crate::fp::{F80, X87Env};
/// The result of a trigonometric instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduced<T> {
    /// C2 = 0.
    Complete(T),
    /// C2 = 1: |ST(0)| >= 2^63; registers unchanged.
    OutOfRange,
}
/// FSIN.
pub fn fsin(env: &mut X87Env, a: F80) -> Option<Reduced<F80>> {
    let _ = (env, a);
    todo!()
}
/// FCOS.
pub fn fcos(env: &mut X87Env, a: F80) -> Option<Reduced<F80>> {
    let _ = (env, a);
    todo!()
}
/// FSINCOS: (sine, cosine). The sine replaces ST(0), then the cosine is pushed.
pub fn fsincos(env: &mut X87Env, a: F80) -> Option<Reduced<(F80, F80)>> {
    let _ = (env, a);
    todo!()
}
/// FPTAN: the tangent; then 1.0 is pushed (a NaN result is pushed instead of 1.0).
pub fn fptan(env: &mut X87Env, a: F80) -> Option<Reduced<F80>> {
    let _ = (env, a);
    todo!()
}
