//! Debug console: every byte written appears at the host; it reads back E9h, so that a guest can tell
//! that it is there. The port that Bochs introduced; no data sheet exists.

use ferrite_core::device::{Cx, Device, Offset, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use crate::host::CharPort;

/// What a read gives.
const PRESENT: u64 = 0xe9;

/// The port.
pub struct Debugcon {
    host: Box<dyn CharPort>,
}

impl Debugcon {
    /// A console whose bytes go to `host`.
    pub fn new(host: Box<dyn CharPort>) -> Debugcon {
        Debugcon { host }
    }
}

impl Device for Debugcon {
    fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        PRESENT
    }

    fn write(&mut self, _: &mut Cx<'_>, _: Offset, _: Width, val: u64) {
        self.host.transmit(val as u8);
    }

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {}
}

/// Saved form, version 1: the port has no state.
#[derive(Serialize, Deserialize)]
pub struct DebugconV1 {}

impl Snapshot for Debugcon {
    const KIND: &'static str = "debugcon";
    const VERSION: u32 = 1;
    type State = DebugconV1;

    fn save(&self) -> DebugconV1 {
        let Debugcon { host: _ } = self; // the host's end
        DebugconV1 {}
    }

    fn load(&mut self, DebugconV1 {}: DebugconV1) -> Result<(), LoadError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Channel;
    use ferrite_core::rig::Rig;

    #[test]
    fn bytes_reach_the_host_and_the_port_names_itself() {
        let (port, bytes) = Channel::new();
        let mut con = Rig::new(Debugcon::new(Box::new(port)));
        for b in b"hi" {
            con.write(Offset(0), *b);
        }
        assert_eq!(bytes.try_iter().collect::<Vec<_>>(), b"hi");
        assert_eq!(con.read(Offset(0)), 0xe9);
    }
}
