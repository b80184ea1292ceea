//! Test ROMs: NASM sources with the assembled images beside them.
