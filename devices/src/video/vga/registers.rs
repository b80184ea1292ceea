//! Registers behind an index, as the sequencer, the graphics controller, the attribute controller and the CRTC have them.

use ferrite_core::snapshot::LoadError;
use serde::{Deserialize, Serialize};

/// `N` registers and the index that picks one.
#[derive(Clone, Debug)]
pub(super) struct Indexed<const N: usize> {
    index: u8,
    index_mask: u8,
    values: [u8; N],
    /// Bits that exist; the others read 0.
    masks: [u8; N],
}

impl<const N: usize> Indexed<N> {
    pub fn new(index_mask: u8, masks: [u8; N]) -> Self {
        Indexed { index: 0, index_mask, values: [0; N], masks }
    }

    pub fn reset(&mut self) {
        self.index = 0;
        self.values = [0; N];
    }

    pub fn index(&self) -> u8 {
        self.index
    }

    pub fn set_index(&mut self, v: u8) {
        self.index = v & self.index_mask;
    }

    /// Register `n`; an absent one reads 0.
    pub fn get(&self, n: u8) -> u8 {
        self.values.get(usize::from(n)).copied().unwrap_or(0)
    }

    /// Changes the bits `which` of register `n`. True when that changed it.
    pub fn set(&mut self, n: u8, v: u8, which: u8) -> bool {
        let n = usize::from(n);
        let (Some(reg), Some(mask)) = (self.values.get_mut(n), self.masks.get(n)) else { return false };
        let which = which & mask;
        let new = *reg & !which | v & which;
        std::mem::replace(reg, new) != new
    }

    pub fn save(&self) -> IndexedV1 {
        let Indexed { index, index_mask: _, values, masks: _ } = self; // masks are the chip's
        IndexedV1 { index: *index, values: values.to_vec() }
    }

    pub fn load(&mut self, field: &'static str, s: IndexedV1) -> Result<(), LoadError> {
        let IndexedV1 { index, values } = s;
        let invalid = |value: u64| LoadError::Invalid { field, value };
        let len = values.len() as u64;
        let values: [u8; N] = values.try_into().map_err(|_| invalid(len))?;
        if index & !self.index_mask != 0 {
            return Err(invalid(index.into()));
        }
        if let Some((v, _)) = values.iter().zip(self.masks).find(|(v, mask)| **v & !mask != 0) {
            return Err(invalid((*v).into()));
        }
        self.index = index;
        self.values = values;
        Ok(())
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct IndexedV1 {
    index: u8,
    values: Vec<u8>,
}
