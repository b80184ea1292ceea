//! What a CPU *is*: its architectural state, its flags, its exceptions, and the models that differ in features.

pub mod cpuid;
pub mod exception;
pub mod feature;
pub mod flags;
pub mod model;
pub mod msr;
pub mod segment;
pub mod state;

pub use exception::Exception;
pub use feature::Feature;
pub use flags::Flags;
pub use model::{Model, ModelName};
pub use segment::{Seg, Segment, Table};
pub use state::{Activity, CpuState, Fpu, Shadow};
