//! What the processor remembers of page tables, seen from accesses. 32-bit paging, level 0, flat segments.

use super::known::LIMIT;
use super::tlb::{ENTRIES, SPACES, View, no_tag};
use super::walk::Access;
use crate::cpu::segment::{Seg, attr};
use crate::cpu::state::{cr0, cr4};
use crate::cpu::{CpuState, Model, ModelName, Segment};
use crate::exec::Exec;
use crate::memory::{Consumer, PAGE_SIZE, Route};
use crate::system::System;

const RAM: u64 = 8 << 20;
const DIRECTORY: u64 = 0x1000;
/// The table of linear 0 to 4 MiB; the tables of the 4-MiB regions behind it follow.
const TABLES: u64 = 0x2000;
const REGIONS: u64 = 256;
const DS: u8 = Seg::Ds as u8;
const A: u64 = 1 << 5;
const D: u64 = 1 << 6;
/// Bytes from a page to the next one that wants the same entry.
const STRIDE: u64 = ENTRIES as u64 * PAGE_SIZE;

fn frame(lin: u64) -> u64 {
    0x20_0000 + lin % 0x40_0000
}

fn pte_at(lin: u64) -> u64 {
    TABLES + (lin >> 12) * 4
}

/// Linear 0 to 1 GiB mapped, writable, to 4 MiB of RAM again and again.
fn paged() -> Exec {
    let mut x = Exec::new(Model::new(ModelName::Max), System::bare(RAM));
    for r in 0..REGIONS {
        let table = TABLES + r * PAGE_SIZE;
        x.sys.mem.write(DIRECTORY + 4 * r, &(table as u32 | 7).to_le_bytes());
        for n in 0..1024 {
            let lin = r << 22 | n << 12;
            x.sys.mem.write(pte_at(lin), &(frame(lin) as u32 | 7).to_le_bytes());
        }
    }
    let data = attr::P | attr::S | attr::RW | attr::ACCESSED | attr::DB | attr::G;
    let mut st = CpuState::reset();
    for s in Seg::ALL {
        let a = if s == Seg::Cs { data | attr::CODE } else { data };
        st.seg[s as usize] = Segment { selector: 8, attr: a, limit: u32::MAX, base: 0 };
    }
    st.cr0 = cr0::PE | cr0::PG;
    st.cr4 = cr4::PSE;
    st.cr3 = DIRECTORY;
    x.set_state(st);
    x
}

fn pte(x: &Exec, lin: u64) -> u64 {
    u64::from(x.sys.mem.read_u32(pte_at(lin)))
}

fn set_pte(x: &mut Exec, lin: u64, v: u64) {
    x.sys.mem.write(pte_at(lin), &(v as u32).to_le_bytes());
}

/// Clears flags of a page's entry, and says nothing of it to the processor.
fn clear(x: &mut Exec, lin: u64, bits: u64) {
    let old = pte(x, lin);
    set_pte(x, lin, old & !bits);
}

fn read(x: &mut Exec, lin: u64) -> u64 {
    x.read::<32>(DS, lin).expect("mapped")
}

fn write(x: &mut Exec, lin: u64) {
    x.write::<32>(DS, lin, 0x1234_5678).expect("mapped");
}

const LIN: u64 = 0x12_3000;

#[test]
fn a_page_pushed_out_of_its_entry_is_not_walked_again() {
    let mut x = paged();
    read(&mut x, LIN);
    assert_eq!(pte(&x, LIN) & (A | D), A);
    clear(&mut x, LIN, A);
    for k in 1..(REGIONS << 22) / STRIDE {
        read(&mut x, LIN + k * STRIDE);
        x.translate(LIN + k * STRIDE, Access::Fetch).unwrap();
    }
    assert_ne!(x.tlb.entry(View::Supervisor, LIN).read, LIN, "others have the entry");
    let walks = x.walks;
    read(&mut x, LIN);
    assert_eq!((x.walks, pte(&x, LIN) & A), (walks, 0));
    x.invalidate_page(LIN);
    read(&mut x, LIN);
    assert_eq!((x.walks, pte(&x, LIN) & A), (walks + 1, A));
}

#[test]
fn writes_to_a_page_with_code_or_under_a_watchpoint_walk_no_more_than_others() {
    let mut x = paged();
    let code = frame(LIN);
    write(&mut x, LIN);
    write(&mut x, LIN);
    x.sys.mem.mark_code(code, 64);
    x.tlb.protect(x.sys.mem.base() + code);
    assert_eq!(x.tlb.entry(View::Supervisor, LIN).write, no_tag(LIN));
    clear(&mut x, LIN, A | D);
    write(&mut x, LIN);
    assert!(x.attention && x.sys.mem.has_stale_code(), "the write was noticed");
    x.st.dr7 = 0x000d_0002; // writes of 4 bytes at DR0
    x.st.dr[0] = LIN + PAGE_SIZE;
    x.refresh();
    assert_eq!(x.ctx.view, View::Watched);
    write(&mut x, LIN);
    assert_eq!(pte(&x, LIN) & (A | D), 0);
    // What is learnt under a watchpoint is known after it, too.
    write(&mut x, LIN + PAGE_SIZE);
    x.st.dr7 = 0;
    x.refresh();
    clear(&mut x, LIN + PAGE_SIZE, A | D);
    write(&mut x, LIN + PAGE_SIZE);
    assert_eq!(pte(&x, LIN + PAGE_SIZE) & (A | D), 0);
}

#[test]
fn a_change_of_the_map_or_a_look_at_dirty_pages_forgets_no_translation() {
    let mut x = paged();
    write(&mut x, LIN);
    clear(&mut x, LIN, A | D);
    x.sys.mem.take_dirty(Consumer::Snapshot);
    x.follow_map();
    assert_eq!(x.tlb.entry(View::Supervisor, LIN).read, no_tag(LIN));
    write(&mut x, LIN);
    assert_eq!(pte(&x, LIN) & (A | D), 0);
    assert_eq!(x.sys.mem.take_dirty(Consumer::Snapshot), [frame(LIN)], "the write was noted, and no table was written");
    // The page becomes a device's: the translation is the same, the way behind it is not.
    x.sys.mem.map(frame(LIN)..frame(LIN) + PAGE_SIZE, Route::Nowhere, Route::Nowhere);
    x.follow_map();
    assert_eq!((read(&mut x, LIN), pte(&x, LIN) & A), (0xffff_ffff, 0));
}

#[test]
fn instructions_and_data_are_walked_apart() {
    let mut x = paged();
    let at = x.translate(LIN, Access::Fetch).unwrap();
    let other = frame(LIN) + 0x1000;
    set_pte(&mut x, LIN, other | 7);
    x.sys.mem.write(other, &[1, 2, 3, 4]);
    assert_eq!(read(&mut x, LIN), 0x0403_0201, "the first access to data walks");
    assert_eq!(x.tlb.fetch_entry(View::Supervisor, LIN).read, LIN, "which leaves the other where it is");
    assert_eq!(x.translate(LIN, Access::Fetch), Ok(at));
    assert_eq!(x.tlb.entry(View::Supervisor, LIN).read, LIN);
    assert_eq!(read(&mut x, LIN), 0x0403_0201);
    x.flush_tlb();
    assert_eq!(x.translate(LIN, Access::Fetch), Ok(other));
}

#[test]
fn a_right_that_was_not_there_is_looked_for_again_and_the_last_walk_counts() {
    let mut x = paged();
    read(&mut x, LIN);
    let other = frame(LIN) + 0x1000;
    set_pte(&mut x, LIN, other | 7);
    assert_eq!(read(&mut x, LIN), 0, "known");
    write(&mut x, LIN);
    assert_eq!(pte(&x, LIN) & (A | D), A | D);
    assert_eq!(x.sys.mem.read_u32(other), 0x1234_5678, "the walk for the write found the new page");
    assert_eq!(read(&mut x, LIN), 0x1234_5678, "reads go there, too");
}

/// Translated code may go on with what was known.
#[test]
fn a_right_that_was_not_there_is_not_looked_for_in_passing() {
    let mut x = paged();
    let other = frame(LIN) + 0x1000;
    read(&mut x, LIN);
    set_pte(&mut x, LIN, other | 7 | A | D);
    x.attention = false;
    let walks = x.walks;
    assert_eq!(x.reach(LIN, 4, true), None, "the walk would find another page");
    assert_eq!(x.walks, walks);
    assert!(x.reach(LIN, 4, false).is_some(), "known");
    write(&mut x, LIN);
    let host = x.sys.mem.base().wrapping_add(other);
    assert_eq!(x.reach(LIN, 4, true), Some(host), "now it is");
    assert_eq!(x.reach(LIN, 4, false), Some(host));
}

#[test]
fn a_page_fault_forgets_the_page() {
    let mut x = paged();
    x.st.cr0 |= cr0::WP;
    clear(&mut x, LIN, 2);
    read(&mut x, LIN);
    clear(&mut x, LIN, A);
    x.write::<32>(DS, LIN, 0).unwrap_err();
    read(&mut x, LIN);
    assert_eq!(pte(&x, LIN) & A, A);
}

#[test]
fn invlpg_takes_all_pieces_of_a_large_page_and_others_stay() {
    let mut x = paged();
    let (large, small) = (5 << 22, 6 << 22);
    x.sys.mem.write(DIRECTORY + 4 * 5, &0x87u32.to_le_bytes());
    for lin in [large, large + 0x1000, large + 0x3f_f000, small] {
        read(&mut x, lin);
    }
    x.sys.mem.write(DIRECTORY + 4 * 5, &0x40_0087u32.to_le_bytes());
    clear(&mut x, small, A);
    x.sys.mem.write(0x40_1000, &[7; 4]);
    assert_ne!(read(&mut x, large + 0x1000), 0x0707_0707);
    x.invalidate_page(large + 0x2_0000);
    assert_eq!(read(&mut x, large + 0x1000), 0x0707_0707);
    read(&mut x, small);
    assert_eq!(pte(&x, small) & A, 0);
}

#[test]
fn the_translation_behind_the_limit_flushes_all_and_asks_for_a_look() {
    let mut x = paged();
    for n in 0..LIMIT as u64 {
        read(&mut x, n << 12);
    }
    clear(&mut x, LIN, A);
    x.attention = false;
    let flushes = x.tlb.flushes;
    read(&mut x, LIN);
    assert_eq!((x.tlb.flushes, x.attention, pte(&x, LIN) & A), (flushes, false, 0));
    x.translate(0, Access::Fetch).unwrap();
    assert_eq!((x.tlb.flushes, x.attention), (flushes + 1, true));
    read(&mut x, LIN);
    assert_eq!(pte(&x, LIN) & A, A);
}

#[test]
fn without_paging_nothing_is_remembered() {
    let mut x = paged();
    x.st.cr0 &= !cr0::PG;
    x.flush_tlb();
    read(&mut x, 0x5000);
    assert_eq!(x.tlb.entry(View::Supervisor, 0x5000).read, 0x5000);
    assert_eq!(x.tlb.known.get(View::Supervisor, 0x5000, Access::Read), None);
}

#[test]
fn an_entry_leads_to_the_byte_in_the_host_s_memory() {
    let mut x = paged();
    write(&mut x, LIN);
    write(&mut x, LIN);
    let e = *x.tlb.entry(View::Supervisor, LIN);
    assert_eq!((e.read, e.write), (LIN, LIN));
    assert_eq!(LIN.wrapping_add(e.addend), x.sys.mem.base() + frame(LIN));
    let first = x.tlb.base_address(View::Supervisor, Access::Read);
    assert_eq!(
        first + (LIN >> 12) % ENTRIES as u64 * 32,
        (&raw const *x.tlb.entry(View::Supervisor, LIN)).addr() as u64
    );
    let sets = [View::Supervisor, View::SupervisorSmap, View::User, View::Watched]
        .map(|v| x.tlb.base_address(v, Access::Write));
    let apart = |a: u64, b: u64| a.abs_diff(b) >= 32 * ENTRIES as u64;
    assert!((0..4).all(|a| (0..a).all(|b| apart(sets[a], sets[b]))), "each view has its own");
    let base = x.sys.mem.base();
    let moved = Box::new(x);
    assert_eq!((moved.sys.mem.base(), moved.tlb.base_address(View::Supervisor, Access::Read)), (base, first));
}

/// Two processors do the same; one loses entries all the time, has other pages pass through them, and takes pages with data for
/// ones with code. Nobody can tell, by memory, faults or the number of walks.
#[test]
fn what_entries_hold_changes_nothing_that_a_guest_can_see() {
    let mut seed = 0x9e37_79b9u64;
    let mut random = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let (mut one, mut two) = (with_pcids(), with_pcids());
    for round in 0..60_000 {
        let lin = (random(6) << 12) + random(4) * STRIDE + 4 * random(1023) + random(4);
        let what = random(28);
        let (bits, to) = (random(8), frame(random(8) << 12));
        let global = random(2);
        let mut outcome = Vec::new();
        for (k, x) in [&mut one, &mut two].into_iter().enumerate() {
            if k == 1 {
                match round % 7 {
                    0 => x.tlb.forget_entries(),
                    1 => {
                        let at = frame((round % 8) << 12);
                        x.sys.mem.mark_code(at, 4096);
                        x.tlb.protect(x.sys.mem.base() + at);
                    }
                    2 => {
                        x.sys.mem.take_stale_code();
                        x.sys.mem.take_dirty(Consumer::Display);
                        x.follow_map();
                    }
                    _ => {}
                }
            }
            outcome.push(match what {
                0..=5 => x.read::<32>(DS, lin).map_err(|e| (e, x.st.cr2)),
                6..=9 => x.write::<32>(DS, lin, round).map(|()| 0).map_err(|e| (e, x.st.cr2)),
                10..=13 => x.translate(lin, Access::Fetch).map_err(|e| (e, x.st.cr2)),
                14 => x
                    .read_rmw::<8>(DS, lin)
                    .and_then(|v| x.write_back::<8>(v + 1).map(|()| v))
                    .map_err(|e| (e, x.st.cr2)),
                15..=20 => {
                    set_pte(
                        x,
                        lin & !0xfff,
                        if bits == 0 { 0 } else { to | 5 | (bits & 1) << 1 | (bits >> 1 & 3) << 5 | global << 8 },
                    );
                    Ok(0)
                }
                21 => {
                    x.invalidate_page(lin);
                    Ok(0)
                }
                23 => x.read_system(lin, 8).map_err(|e| (e, x.st.cr2)),
                24 => x.write_system(lin, 2, round).map(|()| 0).map_err(|e| (e, x.st.cr2)),
                22 => {
                    x.st.cpl = if bits < 4 { 3 } else { 0 };
                    x.st.cr0 |= cr0::WP;
                    x.refresh();
                    Ok(0)
                }
                25 => {
                    in_space(x, bits % 3, round % 5 != 0);
                    Ok(0)
                }
                26 => {
                    x.forget_space(bits as u16 % 3);
                    Ok(0)
                }
                _ => {
                    if bits == 0 {
                        x.flush_tlb();
                    }
                    Ok(0)
                }
            });
            outcome.push(Ok(x.walks));
        }
        assert_eq!(outcome[..2], outcome[2..], "round {round}: {what} at {lin:x}");
    }
    assert!(one.sys.mem.backing() == two.sys.mem.backing());
    assert!(one.walks > 1000 && one.tlb.fills < two.tlb.fills);
}

#[test]
fn tables_of_descriptors_are_looked_up_like_any_data() {
    let mut x = paged();
    assert_eq!(x.read_system(LIN + 0xffc, 8), Ok(0));
    let walks = x.walks;
    clear(&mut x, LIN, A);
    clear(&mut x, LIN + PAGE_SIZE, A);
    x.sys.mem.write(frame(LIN) + 8, &0x1122_3344_5566_7788u64.to_le_bytes());
    assert_eq!((x.read_system(LIN + 8, 8), x.read_system(LIN + 9, 2)), (Ok(0x1122_3344_5566_7788), Ok(0x6677)));
    assert_eq!((read(&mut x, LIN + 8), x.walks, pte(&x, LIN) & A), (0x5566_7788, walks, 0), "level 0 asks the same");
    x.st.cpl = 3;
    x.refresh();
    read(&mut x, LIN + 8);
    assert_eq!((x.walks, pte(&x, LIN) & A), (walks + 1, A), "level 3 asks for itself");
    x.write_system(LIN + 13, 1, 0x99).unwrap();
    assert_eq!((x.walks, pte(&x, LIN) & D, read(&mut x, LIN + 12)), (walks + 2, D, 0x1122_9944));
    clear(&mut x, LIN, A | D);
    x.write_system(LIN + 14, 1, 0x99).unwrap();
    assert_eq!(pte(&x, LIN) & (A | D), 0);
    x.invalidate_page(LIN);
    x.write_system(LIN + 14, 1, 0x98).unwrap();
    assert_eq!(pte(&x, LIN) & (A | D), A | D);
}

#[test]
fn with_smap_tables_in_user_pages_cannot_be_read_whatever_ac_says() {
    let mut x = paged();
    x.st.cr4 |= cr4::SMAP;
    x.st.flags.set_system(crate::cpu::flags::AC, true);
    x.flush_tlb();
    x.refresh();
    read(&mut x, LIN);
    x.read_system(LIN, 4).unwrap_err();
    assert_eq!(x.st.cr2, LIN);
}

#[test]
fn a_load_of_cr3_drops_the_entries_of_all_but_global_pages_however_they_changed() {
    let mut x = paged();
    x.st.cr4 |= cr4::PGE;
    x.flush_tlb();
    let page = |n: u64| LIN + (n << 12);
    let set = |x: &mut Exec, n: u64, global: u64| {
        set_pte(x, page(n), frame(page(n)) | 7 | global << 8);
        x.invalidate_page(page(n));
        read(x, page(n));
    };
    for n in 0..4 {
        set(&mut x, n, n & 1);
    }
    for n in [2, 3] {
        set(&mut x, n, !n & 1);
    }
    let held = |x: &Exec| [0, 1, 2, 3].map(|n| x.tlb.entry(View::Supervisor, page(n)).read == page(n));
    assert_eq!(held(&x), [true; 4]);
    for _ in 0..2 {
        x.follow_cr3(false);
        assert_eq!(held(&x), [false, true, true, false]);
    }
    x.tlb.forget_entries();
    assert_eq!(held(&x), [false; 4]);
}

#[test]
fn a_misaligned_operand_in_the_first_page_meets_no_empty_entry() {
    let x = paged();
    for off in 1..64 {
        for n in [2, 4, 8, 16] {
            let aligned = x.direct::<false, true>(Seg::Ds as u8, off, n);
            assert_eq!(aligned.or(x.direct::<true, true>(Seg::Ds as u8, off, n)), None, "{n} bytes at {off}");
        }
    }
}

/// With process-context identifiers on, in the space of `pcid`, of which everything is forgotten but if `keep`.
fn in_space(x: &mut Exec, pcid: u64, keep: bool) {
    x.st.cr3 = DIRECTORY | pcid;
    x.follow_cr3(keep);
}

fn with_pcids() -> Exec {
    let mut x = paged();
    x.st.cr4 |= cr4::PCIDE | cr4::PGE;
    x.st.cpl = 3;
    x.flush_tlb();
    x.refresh();
    x
}

/// Reads, and whether tables were walked for that.
fn walked(x: &mut Exec, lin: u64) -> bool {
    let walks = x.walks;
    read(x, lin);
    x.walks != walks
}

#[test]
fn a_space_is_as_it_was_left() {
    let mut x = with_pcids();
    in_space(&mut x, 1, false);
    let mine = x.tlb.base_address(View::User, Access::Read);
    assert!(walked(&mut x, LIN) && !walked(&mut x, LIN));
    x.translate(LIN, Access::Fetch).unwrap();
    in_space(&mut x, 2, true);
    assert_ne!(x.tlb.base_address(View::User, Access::Read), mine);
    assert!(walked(&mut x, LIN), "nothing of the other's is known");
    in_space(&mut x, 1, true);
    assert_eq!(x.tlb.base_address(View::User, Access::Read), mine);
    assert_eq!((x.tlb.entry(View::User, LIN).read, x.tlb.fetch_entry(View::User, LIN).read), (LIN, LIN), "at hand");
    assert!(!walked(&mut x, LIN));
    in_space(&mut x, 1, false);
    assert!(walked(&mut x, LIN));
    in_space(&mut x, 2, true);
    assert!(!walked(&mut x, LIN), "that was the other's");
    in_space(&mut x, 2, false);
    in_space(&mut x, 1, true);
    assert!(!walked(&mut x, LIN));
}

#[test]
fn what_a_system_looked_at_in_its_users_memory_goes_with_the_space() {
    let mut x = with_pcids();
    in_space(&mut x, 1, false);
    x.st.cpl = 0;
    x.refresh();
    assert!(walked(&mut x, LIN));
    in_space(&mut x, 2, true);
    assert_eq!(x.tlb.entry(View::Supervisor, LIN).read, no_tag(LIN));
    assert!(walked(&mut x, LIN));
    in_space(&mut x, 1, true);
    assert!(!walked(&mut x, LIN), "it is known, though no entry is at hand");
}

#[test]
fn more_spaces_than_are_remembered_push_out_the_oldest() {
    let mut x = with_pcids();
    for pcid in 1..=SPACES as u64 + 3 {
        in_space(&mut x, pcid, true);
        assert!(walked(&mut x, LIN), "{pcid} is new");
    }
    for pcid in SPACES as u64..=SPACES as u64 + 3 {
        in_space(&mut x, pcid, true);
        assert!(!walked(&mut x, LIN), "{pcid} is remembered");
    }
    // 1 takes the place of the one that was left first; those entered since stay.
    in_space(&mut x, 1, true);
    assert!(walked(&mut x, LIN));
    for pcid in SPACES as u64..=SPACES as u64 + 3 {
        in_space(&mut x, pcid, true);
        assert!(!walked(&mut x, LIN), "{pcid} was entered later");
    }
    x.flush_tlb();
    for pcid in [1, SPACES as u64 + 3] {
        in_space(&mut x, pcid, true);
        assert!(walked(&mut x, LIN), "{pcid} is forgotten");
    }
}

#[test]
fn what_is_said_of_one_space_concerns_no_other_but_for_global_pages() {
    let mut x = with_pcids();
    let (local, global) = (LIN, LIN + PAGE_SIZE);
    set_pte(&mut x, global, frame(global) | 7 | 1 << 8);
    for pcid in [1, 2] {
        in_space(&mut x, pcid, false);
        read(&mut x, local);
        read(&mut x, global);
    }
    // Whether tables are walked for the two pages in the spaces 1 and 2.
    let seen = |x: &mut Exec| {
        [1, 2].map(|pcid| {
            in_space(x, pcid, true);
            [walked(x, local), walked(x, global)]
        })
    };
    assert_eq!(seen(&mut x), [[false; 2]; 2]);
    x.invalidate_page(local);
    assert_eq!(seen(&mut x), [[false, false], [true, false]]);
    x.invalidate_page(global);
    assert_eq!(seen(&mut x), [[false, true], [false, false]], "the first look makes it known to both");
    // It is in the entries of both, and must go from both.
    let other = frame(global) + PAGE_SIZE;
    x.sys.mem.write(other, &[4, 3, 2, 1]);
    set_pte(&mut x, global, other | 7 | 1 << 8);
    x.invalidate_page(global);
    for pcid in [1, 2] {
        in_space(&mut x, pcid, true);
        assert_eq!(read(&mut x, global), 0x0102_0304, "in space {pcid}");
    }
    x.forget_space(1);
    assert_eq!(seen(&mut x), [[true, false], [false, false]]);
    x.forget_space(2);
    assert_eq!(seen(&mut x), [[false, false], [true, false]]);
    x.forget_space(7);
    assert_eq!(seen(&mut x), [[false; 2]; 2], "nothing was known of that");
    x.forget_spaces();
    assert_eq!(seen(&mut x), [[true, false], [true, false]]);
    x.page_fault(local, 0);
    assert_eq!(seen(&mut x), [[false, false], [true, false]]);
    x.flush_tlb();
    assert_eq!(seen(&mut x), [[true, true], [true, false]]);
}

#[test]
fn a_way_remembered_in_a_space_is_good_again_when_that_is_back_and_nothing_has_changed() {
    let mut x = with_pcids();
    let stamp = |x: &Exec| x.tlb.users_stamp();
    in_space(&mut x, 1, false);
    x.translate(LIN, Access::Fetch).unwrap();
    let first = stamp(&x);
    in_space(&mut x, 2, true);
    x.translate(LIN, Access::Fetch).unwrap();
    let second = stamp(&x);
    assert_ne!(first, second);
    in_space(&mut x, 1, true);
    assert_eq!(stamp(&x), first);
    x.forget_space(2);
    in_space(&mut x, 2, true);
    assert!(![first, second].contains(&stamp(&x)));
    x.tlb.forget_ways();
    let third = stamp(&x);
    in_space(&mut x, 1, true);
    assert!(![first, second, third].contains(&stamp(&x)), "code went: no space may find it");
}

#[test]
fn which_space_is_pushed_out_does_not_hang_on_what_was_before_a_whole_flush() {
    // For which identifiers tables are walked, after all of them were used and then again in another order.
    let walks = |x: &mut Exec| -> Vec<bool> {
        let order = (1..=SPACES as u64 + 2).chain([4, 1, 9, 2, 5, 3, 7]);
        order
            .map(|pcid| {
                in_space(x, pcid, true);
                walked(x, LIN)
            })
            .collect()
    };
    let fresh = walks(&mut with_pcids());
    for before in 1..12 {
        let mut x = with_pcids();
        for pcid in 0..before {
            in_space(&mut x, 100 + pcid, true);
        }
        x.flush_tlb();
        assert_eq!(walks(&mut x), fresh, "after {before} others");
    }
}
