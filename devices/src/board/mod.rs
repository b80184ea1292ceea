//! Boards: which chips there are, where their registers appear and what their pins drive. Port
//! numbers appear only here.

pub mod pc_pci;
