//! Numbers with 128-bit significands.
