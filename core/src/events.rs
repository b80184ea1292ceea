//! What will happen: a queue of device events ordered by (time, sequence).
//!
//! A device has at most one pending event of each number, so scheduling again moves it and
//! cancelling needs no handle. The sequence number makes events of the same instant fire in the
//! order in which they were asked for, on every host.

use serde::{Deserialize, Serialize};

use crate::device::{DeviceId, Event};
use crate::snapshot::{LoadError, Snapshot};
use crate::time::VTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    time: VTime,
    seq: u64,
    device: DeviceId,
    event: Event,
}

/// Pending events.
#[derive(Clone, Debug, Default)]
pub struct EventQueue {
    /// Latest first, so that the next to fire is the last element. A PC has some twenty pending
    /// events; a sorted vector beats a heap there and lets any of them be cancelled.
    entries: Vec<Entry>,
    next_seq: u64,
    /// The front became earlier since [`EventQueue::acknowledge_front`]: a deadline handed out
    /// before is too late now.
    front_moved: bool,
}

impl EventQueue {
    /// Makes `event` of `device` happen at `time`, instead of any earlier appointment of it. What is to happen at
    /// [`VTime::MAX`] never happens: at the end of time a periodic event would follow itself without end.
    pub fn schedule(&mut self, time: VTime, device: DeviceId, event: Event) {
        self.cancel(device, event);
        if time == VTime::MAX {
            return;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        let at = self.entries.partition_point(|e| e.time > time);
        self.front_moved |= at == self.entries.len();
        self.entries.insert(at, Entry { time, seq, device, event });
    }

    /// Forgets `event` of `device` if it is pending.
    pub fn cancel(&mut self, device: DeviceId, event: Event) {
        self.entries.retain(|e| (e.device, e.event) != (device, event));
    }

    /// Forgets every event of `device`.
    pub fn cancel_all(&mut self, device: DeviceId) {
        self.entries.retain(|e| e.device != device);
    }

    /// When `event` of `device` will happen.
    pub fn pending(&self, device: DeviceId, event: Event) -> Option<VTime> {
        self.entries.iter().find(|e| (e.device, e.event) == (device, event)).map(|e| e.time)
    }

    /// The time of the next event.
    pub fn next(&self) -> Option<VTime> {
        self.entries.last().map(|e| e.time)
    }

    /// Takes the next event if it is due at `now`.
    pub fn pop_due(&mut self, now: VTime) -> Option<(DeviceId, Event)> {
        let due = self.entries.pop_if(|e| e.time <= now)?;
        Some((due.device, due.event))
    }

    /// True when an event became the earliest since the last [`EventQueue::acknowledge_front`].
    pub fn front_moved(&self) -> bool {
        self.front_moved
    }

    /// The run loop has seen the present front.
    pub fn acknowledge_front(&mut self) {
        self.front_moved = false;
    }
}

/// Saved form of [`EventQueue`], version 1: entries in the order of firing.
#[derive(Serialize, Deserialize)]
pub struct EventQueueV1 {
    entries: Vec<Entry>,
    next_seq: u64,
}

impl Snapshot for EventQueue {
    const KIND: &'static str = "events";
    const VERSION: u32 = 1;
    type State = EventQueueV1;

    fn save(&self) -> EventQueueV1 {
        // `front_moved` tells the run loop of this host process about a deadline that it holds;
        // a loaded machine has handed out none.
        let EventQueue { entries, next_seq, front_moved: _ } = self;
        EventQueueV1 { entries: entries.iter().rev().copied().collect(), next_seq: *next_seq }
    }

    fn load(&mut self, s: EventQueueV1) -> Result<(), LoadError> {
        let EventQueueV1 { mut entries, next_seq } = s;
        let order = |e: &Entry| (e.time, e.seq);
        if let Some(w) = entries.windows(2).find(|w| order(&w[0]) >= order(&w[1])) {
            return Err(LoadError::Invalid { field: "events.seq", value: w[1].seq });
        }
        if let Some(e) = entries.iter().find(|e| e.seq >= next_seq) {
            return Err(LoadError::Invalid { field: "events.next_seq", value: e.seq });
        }
        if entries.iter().any(|e| e.time == VTime::MAX) {
            return Err(LoadError::Invalid { field: "events.time", value: u64::MAX });
        }
        if next_seq > u64::MAX / 2 {
            return Err(LoadError::Invalid { field: "events.next_seq", value: next_seq });
        }
        let mut owners: Vec<_> = entries.iter().map(|e| (e.device, e.event)).collect();
        owners.sort_unstable();
        if let Some(w) = owners.windows(2).find(|w| w[0] == w[1]) {
            return Err(LoadError::Invalid { field: "events.event", value: w[0].1.0.into() });
        }
        entries.reverse();
        *self = EventQueue { entries, next_seq, front_moved: true };
        Ok(())
    }
}

impl EventQueue {
    /// The highest device number that owns an event; the machine checks it after loading.
    pub(crate) fn highest_device(&self) -> Option<DeviceId> {
        self.entries.iter().map(|e| e.device).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: DeviceId = DeviceId(1);

    fn drain(q: &mut EventQueue, now: VTime) -> Vec<u8> {
        std::iter::from_fn(|| q.pop_due(now)).map(|(_, e)| e.0).collect()
    }

    #[test]
    fn events_fire_in_order_of_time_then_of_request() {
        let mut q = EventQueue::default();
        for (time, event) in [(30, 0), (10, 1), (20, 2), (10, 3), (20, 4)] {
            q.schedule(VTime(time), DEV, Event(event));
        }
        assert_eq!(q.next(), Some(VTime(10)));
        assert_eq!(drain(&mut q, VTime(20)), [1, 3, 2, 4]);
        assert!(drain(&mut q, VTime(29)).is_empty());
        assert_eq!(drain(&mut q, VTime(30)), [0]);
    }

    #[test]
    fn scheduling_again_moves_the_event() {
        let mut q = EventQueue::default();
        q.schedule(VTime(10), DEV, Event(0));
        q.schedule(VTime(40), DEV, Event(0));
        assert!(drain(&mut q, VTime(39)).is_empty());
        assert_eq!(drain(&mut q, VTime(40)), [0]);
    }

    #[test]
    fn an_event_at_the_end_of_time_never_fires() {
        let mut q = EventQueue::default();
        q.schedule(VTime(10), DEV, Event(0));
        q.schedule(VTime::MAX, DEV, Event(0));
        assert_eq!(q.pop_due(VTime::MAX), None, "the earlier appointment is gone, too");
    }

    #[test]
    fn a_cancelled_event_never_fires() {
        let mut q = EventQueue::default();
        q.schedule(VTime(10), DEV, Event(0));
        q.schedule(VTime(10), DeviceId(2), Event(0));
        q.cancel(DEV, Event(0));
        assert_eq!(q.pop_due(VTime::MAX), Some((DeviceId(2), Event(0))));
        assert_eq!(q.pop_due(VTime::MAX), None);
    }

    #[test]
    fn only_a_new_earliest_event_moves_the_front() {
        let mut q = EventQueue::default();
        q.schedule(VTime(10), DEV, Event(0));
        q.acknowledge_front();
        q.schedule(VTime(20), DEV, Event(1));
        q.schedule(VTime(10), DEV, Event(2));
        assert!(!q.front_moved());
        q.schedule(VTime(9), DEV, Event(3));
        assert!(q.front_moved());
    }

    #[test]
    fn a_loaded_queue_keeps_the_order_of_ties() {
        let mut q = EventQueue::default();
        q.schedule(VTime(10), DEV, Event(7));
        q.schedule(VTime(10), DEV, Event(3));
        let mut loaded = EventQueue::default();
        loaded.load(q.save()).unwrap();
        assert_eq!(drain(&mut loaded, VTime(10)), [7, 3]);
    }

    #[test]
    fn a_queue_out_of_order_is_refused() {
        let mut q = EventQueue::default();
        q.schedule(VTime(10), DEV, Event(0));
        q.schedule(VTime(20), DEV, Event(1));
        let mut state = q.save();
        state.entries.reverse();
        assert!(EventQueue::default().load(state).is_err());
    }
}
