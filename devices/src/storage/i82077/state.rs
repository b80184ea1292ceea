//! The saved form of the controller.

use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use super::command::Command;
use super::{I82077, NO_RATE, Regs};
use crate::storage::floppy_media::{Drive, Geometry, MAX_CYLINDERS};

impl Regs {
    fn invalid_field(&self) -> Option<&'static str> {
        let whole = |c: &[u8]| c.first().is_some_and(|b| Command::decode(*b).is_none_or(|k| c.len() >= k.len()));
        if self.rate & !NO_RATE > 3 || self.tdr > 3 {
            Some("rate")
        } else if whole(&self.command) {
            Some("command")
        } else if self.result.len() > 10 {
            Some("result")
        } else if self.seeks.iter().flatten().any(|s| s.drive > 3 || s.steps.unsigned_abs() > 255) {
            Some("seeks")
        } else if self.transfer.as_ref().is_some_and(|t| !t.is_valid()) {
            Some("transfer")
        } else {
            None
        }
    }
}

/// A drive in a snapshot. The medium's contents are not part of it, its layout is.
#[derive(Serialize, Deserialize)]
struct DriveV1 {
    kind: u8,
    position: u8,
    changed: bool,
    medium: bool,
    geometry: Option<Geometry>,
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct I82077V1 {
    regs: Regs,
    drives: [Option<DriveV1>; 2],
}

impl Snapshot for I82077 {
    const KIND: &'static str = "i82077";
    const VERSION: u32 = 1;
    type State = I82077V1;

    fn save(&self) -> I82077V1 {
        let I82077 { regs, drives, speed: _ } = self; // the board's
        let [a, b] = drives;
        let drive = |d: &Option<Drive>| {
            let Drive { kind, medium, position, changed } = d.as_ref()?;
            let geometry = medium.as_ref().and_then(|m| m.geometry);
            let (position, changed) = (*position, *changed);
            Some(DriveV1 { kind: *kind as u8, position, changed, medium: medium.is_some(), geometry })
        };
        I82077V1 { regs: regs.clone(), drives: [drive(a), drive(b)] }
    }

    fn load(&mut self, s: I82077V1) -> Result<(), LoadError> {
        let I82077V1 { regs, drives } = s;
        if let Some(field) = regs.invalid_field() {
            return Err(LoadError::Invalid { field, value: 0 });
        }
        for (mine, theirs) in self.drives.iter().zip(&drives) {
            let kinds = (mine.as_ref().map(|d| d.kind as u8), theirs.as_ref().map(|d| d.kind));
            if kinds.0 != kinds.1 {
                return Err(LoadError::Invalid { field: "drives", value: kinds.1.unwrap_or(0).into() });
            }
            if let Some(d) = theirs.as_ref().filter(|d| d.position >= MAX_CYLINDERS) {
                return Err(LoadError::Invalid { field: "position", value: d.position.into() });
            }
            if theirs.as_ref().and_then(|d| d.geometry).is_some_and(|g| !g.is_valid()) {
                return Err(LoadError::Invalid { field: "geometry", value: 0 });
            }
        }
        self.regs = regs;
        for (mine, theirs) in self.drives.iter_mut().zip(drives) {
            let (Some(mine), Some(DriveV1 { kind: _, position, changed, medium, geometry })) = (mine, theirs) else {
                continue;
            };
            // A drive that was loaded or emptied since then shows it, as one does that was opened.
            (mine.position, mine.changed) = (position, changed || medium != mine.medium.is_some());
            if let Some(m) = &mut mine.medium
                && medium
            {
                m.geometry = geometry;
            }
        }
        Ok(())
    }
}
