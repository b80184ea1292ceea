//! The engine `jit`: hot guest code is translated to host code by Cranelift, the rest is interpreted.
//!
//! A *region* is hot code of one physical page: found by the interpreter's blocks (`engine`), analysed (`plan`), emitted over the
//! translator's operations (`tr`, `region`) and compiled (`compile`). Whether it is there changes nothing that a guest can see.

mod abi;
mod access;
mod code;
mod compile;
mod dump;
mod effects;
mod engine;
mod helper;
mod mode;
mod plan;
mod region;
mod tr;
mod value;
mod vector;
mod worker;

pub use engine::Jit;

use std::path::PathBuf;

pub mod simd;

/// What can be chosen about the engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of host code that are kept at most.
    pub code_cache: usize,
    /// A folder of translations kept from run to run.
    pub translations: Option<PathBuf>,
    /// Write `/tmp/perf-PID.map` for `perf`.
    pub perf_map: bool,
    /// Linear guest addresses whose translations are printed to standard error: guest code, CLIF and host code.
    pub dump: Vec<u64>,
    /// Executions of a block before it is translated.
    pub threshold: u32,
    /// Translate on a second thread.
    pub background: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            code_cache: 64 << 20,
            translations: None,
            perf_map: false,
            dump: Vec::new(),
            threshold: 6000,
            background: true,
        }
    }
}

/// Why this host cannot translate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Cranelift has no back end for the host's processor, or the processor lacks what it needs.
    #[error("no code generator for this host: {0}")]
    Host(String),
    /// The host does not give memory that may hold code.
    #[error("the host refuses executable memory: {0}")]
    Memory(String),
}
