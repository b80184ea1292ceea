//! The hot-plug registers that SeaBIOS's ACPI tables expect of QEMU's i440FX board: nothing is ever plugged.
//!
//! Document: QEMU, "QEMU<->ACPI BIOS PCI hotplug interface", "QEMU<->ACPI BIOS CPU hotplug interface". Where nobody answers, the
//! floating bus says that every slot was pulled, and the guest lets go of its PCI devices.
//!
//! *Not modelled:* plugging. Writes are lost; the GPE enable bits therefore read as zero.

use ferrite_core::device::{Cx, Device, Offset, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// PCI: slots up, slots down, eject, removable; 16 bytes of zeros.
pub const PCI: Offset = Offset(0);
/// CPUs that are there, a bit each; 32 bytes.
pub const CPUS: Offset = Offset(0x20);
/// GPE0 status and enable, 4 bytes of zeros.
pub const GPE0: Offset = Offset(0x40);

/// The registers.
#[derive(Default)]
pub struct Hotplug;

impl Device for Hotplug {
    fn read(&mut self, _: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        u64::from(at == CPUS)
    }

    fn write(&mut self, _: &mut Cx<'_>, _: Offset, _: Width, _: u64) {}

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {}
}

/// Saved form, version 1: there is no state.
#[derive(Serialize, Deserialize)]
pub struct HotplugV1 {}

impl Snapshot for Hotplug {
    const KIND: &'static str = "hotplug";
    const VERSION: u32 = 1;
    type State = HotplugV1;

    fn save(&self) -> HotplugV1 {
        let Hotplug = self;
        HotplugV1 {}
    }

    fn load(&mut self, HotplugV1 {}: HotplugV1) -> Result<(), LoadError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    #[test]
    fn nothing_was_plugged_or_pulled_and_one_processor_is_there() {
        let mut ports = Rig::new(Hotplug);
        assert_eq!((ports.read_wide(PCI, Width::B4), ports.read_wide(Offset(PCI.0 + 4), Width::B4)), (0, 0));
        assert_eq!((ports.read(CPUS), ports.read(Offset(CPUS.0 + 1)), ports.read(GPE0)), (1, 0, 0));
    }
}
