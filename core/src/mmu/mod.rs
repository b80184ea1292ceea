//! Linear to physical: the software TLB and the page walker.

pub mod known;
pub mod tlb;
pub mod walk;

pub use tlb::{Entry, Tlb, View};
pub use walk::{Access, Translation};

#[cfg(test)]
mod tests;
