//! The bus: which device answers at a port or a memory-mapped address, and how wide.
//!
//! An access is cut into aligned pieces no wider than the region takes; an aligned piece that
//! begins in a region belongs to it whole. That is how a 32-bit access to an ISA card becomes
//! four byte cycles, while the IDE data port, one address long, still takes 16 or 32 bits.
//! Nobody there: reads float to all ones, writes are lost.
//!
//! PCI configuration mechanism #1 is a window into a bank: the host bridge latches the address
//! and turns the window (`select_config`); the access then goes straight to the function.

use serde::{Deserialize, Serialize};

use crate::device::{DeviceId, Offset, Width};

/// The two address spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Space {
    /// Ports 0 to FFFF.
    Port,
    /// Guest-physical memory.
    Memory,
}

/// Bus, device and function of a PCI function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bdf {
    /// Bus number.
    pub bus: u8,
    /// Device number, 0 to 31.
    pub device: u8,
    /// Function number, 0 to 7.
    pub function: u8,
}

#[derive(Clone, Copy, Debug)]
struct Region {
    first: u64,
    last: u64,
    device: DeviceId,
    offset: Offset,
    width: Width,
    /// Placed by the guest, behind what the board has fixed.
    dynamic: bool,
}

/// One piece of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Who answers, if anyone.
    pub target: Option<(DeviceId, Offset)>,
    pub width: Width,
}

/// The maps of both spaces. The first region that matches wins: those of the board, in its
/// order, then those that the guest placed.
#[derive(Clone, Debug, Default)]
pub struct Bus {
    ports: Vec<Region>,
    memory: Vec<Region>,
    functions: Vec<(Bdf, DeviceId)>,
    /// First port of the configuration data window.
    config_window: Option<u16>,
    selected: Option<(DeviceId, Offset)>,
}

impl Bus {
    fn regions(&mut self, space: Space) -> &mut Vec<Region> {
        match space {
            Space::Port => &mut self.ports,
            Space::Memory => &mut self.memory,
        }
    }

    /// Fixes `len` addresses from `base` on to `device`, whose registers there begin at `offset`.
    pub fn map(&mut self, space: Space, base: u64, len: u64, device: DeviceId, offset: Offset, width: Width) {
        self.insert(space, base, len, device, offset, width, false);
    }

    /// Places a region on the guest's behalf; see [`crate::device::Cx::map`].
    pub(crate) fn map_dynamic(
        &mut self,
        space: Space,
        base: u64,
        len: u64,
        device: DeviceId,
        offset: Offset,
        width: Width,
    ) {
        self.insert(space, base, len, device, offset, width, true);
    }

    #[allow(clippy::too_many_arguments)] // the fields of a region, in its order
    fn insert(
        &mut self,
        space: Space,
        base: u64,
        len: u64,
        device: DeviceId,
        offset: Offset,
        width: Width,
        dynamic: bool,
    ) {
        if len == 0 {
            return;
        }
        let last = base.saturating_add(len - 1);
        let regions = self.regions(space);
        let at = if dynamic { regions.len() } else { regions.partition_point(|r| !r.dynamic) };
        regions.insert(at, Region { first: base, last, device, offset, width, dynamic });
    }

    pub(crate) fn unmap_dynamic(&mut self, space: Space, device: DeviceId, offset: Offset) {
        self.regions(space).retain(|r| !r.dynamic || r.device != device || r.offset != offset);
    }

    /// Takes everything off that the guest had placed; loading a snapshot places it again.
    pub(crate) fn unmap_all_dynamic(&mut self) {
        self.ports.retain(|r| !r.dynamic);
        self.memory.retain(|r| !r.dynamic);
        self.selected = None;
    }

    /// Puts a PCI function on the configuration bus. The device hears it as its own function
    /// `bdf.function`.
    pub fn attach_function(&mut self, bdf: Bdf, device: DeviceId) {
        self.functions.push((bdf, device));
    }

    /// Says where the configuration data window (four ports) lies.
    pub fn set_config_window(&mut self, first: u16) {
        self.config_window = Some(first);
    }

    pub(crate) fn select_config(&mut self, target: Option<(Bdf, u8)>) {
        self.selected = target.and_then(|(bdf, register)| {
            let (_, device) = self.functions.iter().find(|(b, _)| *b == bdf)?;
            let at = Offset::CONFIG + u32::from(bdf.function) * 0x100 + u32::from(register & !3);
            Some((*device, Offset(at)))
        });
    }

    fn find(&self, space: Space, addr: u64) -> Option<(DeviceId, Offset, Width)> {
        let regions = match space {
            Space::Port => {
                if let Some(window) = self.config_window.map(u64::from)
                    && (window..window + 4).contains(&addr)
                {
                    // Unselected, the window still takes whole doublewords; nobody answers them.
                    let (device, base) = self.selected?;
                    return Some((device, Offset(base.0 + (addr - window) as u32), Width::B4));
                }
                &self.ports
            }
            Space::Memory => &self.memory,
        };
        let r = regions.iter().find(|r| (r.first..=r.last).contains(&addr))?;
        // A window longer than 4 GiB wraps its offsets; no device has one.
        Some((r.device, Offset(r.offset.0.wrapping_add((addr - r.first) as u32)), r.width))
    }

    /// The first piece of an access of `left` bytes at `addr`.
    pub(crate) fn piece(&self, space: Space, addr: u64, left: u32) -> Piece {
        let hit = self.find(space, addr);
        let widest = hit.map_or(Width::B8, |(.., w)| w);
        let width = Width::ALL
            .into_iter()
            .rev()
            .find(|w| *w <= widest && w.bytes() <= left && addr.is_multiple_of(w.bytes().into()))
            .unwrap_or(Width::B1);
        Piece { target: hit.map(|(d, o, _)| (d, o)), width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: DeviceId = DeviceId(3);

    fn pieces(bus: &Bus, addr: u64, width: Width) -> Vec<(Option<u32>, u32)> {
        let (mut done, mut out) = (0, Vec::new());
        while done < width.bytes() {
            let p = bus.piece(Space::Port, addr + u64::from(done), width.bytes() - done);
            out.push((p.target.map(|(_, o)| o.0), p.width.bytes()));
            done += p.width.bytes();
        }
        out
    }

    #[test]
    fn a_wide_access_to_a_byte_wide_card_is_split() {
        let mut bus = Bus::default();
        bus.map(Space::Port, 0x60, 2, CARD, Offset(0), Width::B1);
        assert_eq!(pieces(&bus, 0x60, Width::B4), [(Some(0), 1), (Some(1), 1), (None, 2)]);
    }

    #[test]
    fn a_one_port_data_register_takes_wide_accesses_whole() {
        let mut bus = Bus::default();
        bus.map(Space::Port, 0x1f0, 1, CARD, Offset(0), Width::B4);
        bus.map(Space::Port, 0x1f1, 7, CARD, Offset(1), Width::B1);
        assert_eq!(pieces(&bus, 0x1f0, Width::B4), [(Some(0), 4)]);
        assert_eq!(pieces(&bus, 0x1f0, Width::B2), [(Some(0), 2)]);
        assert_eq!(pieces(&bus, 0x1f1, Width::B1), [(Some(1), 1)]);
    }

    #[test]
    fn a_misaligned_access_is_split_at_its_natural_boundaries() {
        let mut bus = Bus::default();
        bus.map(Space::Port, 0x100, 8, CARD, Offset(0), Width::B4);
        assert_eq!(pieces(&bus, 0x103, Width::B4), [(Some(3), 1), (Some(4), 2), (Some(6), 1)]);
    }

    #[test]
    fn what_the_guest_places_yields_to_the_board_and_can_be_moved() {
        let mut bus = Bus::default();
        bus.map_dynamic(Space::Port, 0x60, 4, DeviceId(1), Offset(0x10), Width::B4);
        bus.map(Space::Port, 0x60, 1, CARD, Offset(0), Width::B1);
        assert_eq!(bus.find(Space::Port, 0x60).unwrap().0, CARD);
        assert_eq!(bus.find(Space::Port, 0x61).unwrap().0, DeviceId(1));
        bus.unmap_dynamic(Space::Port, DeviceId(1), Offset(0x10));
        assert!(bus.find(Space::Port, 0x61).is_none());
    }

    #[test]
    fn the_configuration_window_shows_the_selected_function() {
        let mut bus = Bus::default();
        bus.set_config_window(0xcfc);
        let bdf = Bdf { bus: 0, device: 1, function: 3 };
        bus.attach_function(bdf, CARD);
        assert!(bus.find(Space::Port, 0xcfc).is_none());
        bus.select_config(Some((bdf, 0x40)));
        let (device, offset, _) = bus.find(Space::Port, 0xcfe).unwrap();
        assert_eq!((device, offset.config()), (CARD, Some((3, 0x42))));
        bus.select_config(Some((Bdf { function: 4, ..bdf }, 0)));
        assert!(bus.find(Space::Port, 0xcfc).is_none(), "an absent function floats");
    }
}
