//! Arrays and vectors that code looks all over, in large pages of the host: with pages of 4 KiB, what is looked for would mostly not be in
//! the host's own TLB.
#![allow(unsafe_code)] // making such an array where it stays: it is too large for the stack

use std::ops::{Deref, DerefMut};

/// Asks the host to back memory with large pages, where it has them for the asking.
pub(crate) fn ask_for_large_pages<T>(memory: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        use crate::memory::PAGE_SIZE;
        use rustix::mm::{Advice, madvise};
        let page = PAGE_SIZE as usize;
        let start = memory.as_mut_ptr().cast::<u8>();
        let skip = start.align_offset(page);
        let len = size_of_val(memory).saturating_sub(skip) / page * page;
        if len == 0 {
            return;
        }
        // SAFETY: these pages are part of one exclusively borrowed slice, and the advice changes no contents.
        let done = unsafe { madvise(start.add(skip).cast(), len, Advice::LinuxHugepage) };
        if let Err(e) = done {
            tracing::debug!("no large pages: {e}");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// Bytes from which a vector is worth large pages.
const LONG: usize = 1 << 20;

/// Has a vector have room for more elements, as [`Vec::reserve`] does. One that is long lies in large pages, with much room: what of it is
/// not used costs no more than its address.
pub fn reserve<T>(v: &mut Vec<T>, more: usize) {
    let wanted = v.len() + more;
    if wanted <= v.capacity() {
        return;
    }
    if wanted.saturating_mul(size_of::<T>()) < LONG {
        v.reserve(more);
        return;
    }
    let mut moved = Vec::with_capacity(wanted.saturating_mul(4));
    ask_for_large_pages(moved.spare_capacity_mut());
    moved.append(v);
    *v = moved;
}

/// What begins where a large page of 2 MiB does, as most hosts have them.
#[repr(C, align(0x20_0000))]
struct Aligned<T, const N: usize>([T; N]);

/// An array of `N` elements on the heap that was never on the stack. It stays where it is. Best of a multiple of 2 MiB.
pub struct Large<T, const N: usize>(Box<Aligned<T, N>>);

impl<T: Clone, const N: usize> Large<T, N> {
    /// With all elements the same.
    #[must_use]
    pub fn new(each: T) -> Self {
        let mut all = Box::<Aligned<T, N>>::new_uninit();
        ask_for_large_pages(std::slice::from_mut(&mut *all));
        let first = all.as_mut_ptr().cast::<T>();
        for n in 0..N {
            // SAFETY: the array is the first of what was allocated, and this is one of its elements.
            unsafe { first.add(n).write(each.clone()) };
        }
        // SAFETY: all elements have been written, and there is nothing but them.
        Self(unsafe { all.assume_init() })
    }
}

impl<T, const N: usize> Deref for Large<T, N> {
    type Target = [T; N];

    #[inline(always)]
    fn deref(&self) -> &[T; N] {
        &self.0.0
    }
}

impl<T, const N: usize> DerefMut for Large<T, N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T; N] {
        &mut self.0.0
    }
}

impl<T, const N: usize> std::fmt::Debug for Large<T, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Large").field("elements", &N).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_keeps_what_it_has_when_it_gets_long() {
        let mut v = Vec::new();
        for n in 0..500_000u64 {
            reserve(&mut v, 1);
            assert!(v.capacity() > v.len());
            v.push(n);
        }
        assert!(v.iter().copied().eq(0..500_000));
        let (at, room) = (v.as_ptr(), v.capacity() - v.len());
        reserve(&mut v, room);
        assert_eq!(v.as_ptr(), at, "there is room");
        reserve(&mut v, room + 1);
        assert!(v.capacity() - v.len() > room && v[499_999] == 499_999);
    }

    #[test]
    fn it_begins_where_a_large_page_does_and_holds_what_it_was_given() {
        let mut all = Large::<u64, 300_000>::new(7);
        assert_eq!(all.as_ptr().addr() % (2 << 20), 0);
        assert!(all.iter().all(|&e| e == 7));
        all[299_999] = 8;
        assert_eq!((all[0], all[299_998], all[299_999]), (7, 7, 8));
    }
}
