//! FPATAN.
use crate::fp::{F80, X87Env};
/// FPATAN: the angle of the point (x, y), x in ST(0), y in ST(1).
pub fn fpatan(env: &mut X87Env, x: F80, y: F80) -> Option<F80> {
    let _ = (env, x, y);
    todo!()
}
