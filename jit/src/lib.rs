//! The engine `jit`: hot guest code is translated to host code by Cranelift, the rest is interpreted.
//!
//! A *region* is hot code of one physical page: found by the interpreter's blocks (`engine`), analysed (`plan`), emitted over the
//! translator's operations (`tr`, `region`) and compiled (`compile`). Whether it is there changes nothing that a guest can see.

mod abi;
mod access;
mod ahead;
mod code;
mod compile;
mod crypto;
mod density;
mod draft;
mod dump;
mod effects;
mod engine;
mod frame;
mod helper;
mod jumps;
mod kept;
mod links;
mod mode;
mod persist;
mod plan;
mod region;
mod show;
mod tr;
mod value;
mod vector;
mod ways;
mod worker;
mod x87;

pub use density::density;
pub use engine::Jit;
pub use persist::check_folder;

use std::path::PathBuf;

pub mod simd;

/// What can be chosen about the engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of host code that are kept at most; 64 KiB at least.
    pub code_cache: usize,
    /// A folder of translations kept from run to run.
    pub translations: Option<PathBuf>,
    /// Write `/tmp/perf-PID.map` for `perf`.
    pub perf_map: bool,
    /// Linear guest addresses whose translations are given to `say`: guest code, CLIF and host code.
    pub dump: Vec<u64>,
    /// Executions of a block before it is translated.
    pub threshold: u32,
    /// Executions of a block before it is drafted, where the host can have drafts; 0 for none.
    pub drafts: u32,
    /// Translate on a second thread.
    pub background: bool,
    /// Where lines for the user go: that a file was ignored, and why.
    pub say: fn(&str),
}

/// Executions of a block before a translation is worth its while: more where a draft runs until then than where the interpreter does.
pub const fn threshold(drafts: u32) -> u32 {
    if draft::AVAILABLE && drafts > 0 { 100_000 } else { 4000 }
}

impl Default for Config {
    fn default() -> Self {
        let drafts = 40;
        Self {
            code_cache: 64 << 20,
            translations: None,
            perf_map: false,
            dump: Vec::new(),
            threshold: threshold(drafts),
            drafts,
            background: true,
            say: |line| tracing::warn!("{line}"),
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
