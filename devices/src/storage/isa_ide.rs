//! An IDE channel as a card on the ISA bus: the AT's fixed disk interface.
//!
//! Document: AT Attachment with Packet Interface - 6 (T13/1410D), "Interface register definitions and descriptions". No bus master:
//! drives offer DMA, and a host that tries it waits for ever, as on the card.

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use super::channel::{Channel, ChannelV1, DATA};
use crate::host::{Disk, IdeDrive};

/// Interrupt request.
pub const INTRQ: Pin = Channel::intrq(0);

/// One channel, whose registers are those of [`super::channel`].
pub struct IsaIde {
    channel: Channel,
}

impl IsaIde {
    /// A card with these drives as device 0 and device 1.
    pub fn new(drives: [Option<IdeDrive>; 2]) -> IsaIde {
        IsaIde { channel: Channel::new(0, drives) }
    }

    /// Puts another medium into CD-ROM drive 0 or 1, or takes it out. False when there is no such drive.
    pub fn insert(&mut self, unit: usize, medium: Option<Box<dyn Disk>>) -> bool {
        self.channel.insert(unit, medium)
    }

    /// Presses the eject button of CD-ROM drive 0 or 1. False when there is no such drive or the guest has locked it.
    pub fn eject(&mut self, unit: usize) -> bool {
        self.channel.eject(unit)
    }
}

impl Device for IsaIde {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        if at == DATA {
            let (value, done) = self.channel.read_data(cx, width);
            if done {
                self.channel.update_line(cx);
            }
            return value;
        }
        let value = self.channel.read(at).into();
        self.channel.update_line(cx);
        value
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        self.channel.write(cx, at, width, val);
        self.channel.update_line(cx);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        self.channel.event(cx, event, None);
        self.channel.update_line(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.channel.reset(cx);
        self.channel.update_line(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct IsaIdeV1 {
    channel: ChannelV1,
}

impl Snapshot for IsaIde {
    const KIND: &'static str = "isa-ide";
    const VERSION: u32 = 1;
    type State = IsaIdeV1;

    fn save(&self) -> IsaIdeV1 {
        let IsaIde { channel } = self;
        IsaIdeV1 { channel: channel.save() }
    }

    fn load(&mut self, s: IsaIdeV1) -> Result<(), LoadError> {
        let IsaIdeV1 { channel } = s;
        self.channel.load(channel)
    }
}
