//! Debug exit: a write ends the run, and the value becomes part of the exit status. The port that
//! QEMU's `isa-debug-exit` introduced; no data sheet exists.

use ferrite_core::device::{Cx, Device, Offset, ResetKind, Stop, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// The port.
#[derive(Default)]
pub struct DebugExit;

impl Device for DebugExit {
    fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        0
    }

    fn write(&mut self, cx: &mut Cx<'_>, _: Offset, _: Width, val: u64) {
        cx.stop(Stop::DebugExit(val as u32));
    }

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {}
}

/// Saved form, version 1: the port has no state.
#[derive(Serialize, Deserialize)]
pub struct DebugExitV1 {}

impl Snapshot for DebugExit {
    const KIND: &'static str = "debug-exit";
    const VERSION: u32 = 1;
    type State = DebugExitV1;

    fn save(&self) -> DebugExitV1 {
        let DebugExit = self;
        DebugExitV1 {}
    }

    fn load(&mut self, DebugExitV1 {}: DebugExitV1) -> Result<(), LoadError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    #[test]
    fn the_first_write_ends_the_run() {
        let mut port = Rig::new(DebugExit);
        port.write(Offset(0), 3);
        port.write(Offset(0), 9);
        assert_eq!(port.stop, Some(Stop::DebugExit(3)));
    }
}
