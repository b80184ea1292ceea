//! The reference engine: a loop over decoded blocks.
//!
//! Order of work at an instruction boundary follows SDM Vol. 3A, "Priority Among Concurrent Events": reset and machine
//! signals, traps of the previous instruction, NMI, maskable interrupts, code breakpoints, then the fetch and its faults.
//! Inside a block nothing of this can come up unless an instruction asks for attention, so it is done between blocks only.

use crate::cpu::flags::{IF, RF, TF};
use crate::cpu::{Activity, Exception, Shadow};
use crate::exec::{Exec, Exit};
use crate::isa::Insn;
use crate::isa::cache::{BlockCache, BlockId, Entry};
use crate::isa::helpers::interrupt;
use crate::isa::ops::{Cond, Helper, Ops};
use crate::isa::x87::fault;
use crate::mmu::walk::Access;

/// DR6.BS: a single step.
pub const DR6_BS: u64 = 1 << 14;

/// The interpreter: decoded blocks and nothing else. The CPU and the machine are in [`Exec`].
#[derive(Debug, Default)]
pub struct Interpreter {
    /// What it has decoded. An engine that is more than an interpreter drives it by itself.
    pub cache: BlockCache,
}

impl Interpreter {
    /// An engine that has decoded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops all decoded code, as after a snapshot was loaded.
    pub fn clear(&mut self, x: &mut Exec) {
        self.cache.clear(&mut x.sys.mem);
    }

    /// Blocks decoded so far, for statistics.
    #[must_use]
    pub fn decoded_blocks(&self) -> u64 {
        self.cache.decoded
    }

    /// Runs until `limit` instructions have retired in all, or something else stops the CPU.
    pub fn run(&mut self, x: &mut Exec, limit: u64) -> Exit {
        x.resume_shadow();
        let exit = self.run_to(x, limit);
        x.settle_shadow();
        exit
    }

    fn run_to(&mut self, x: &mut Exec, limit: u64) -> Exit {
        x.limit = limit;
        x.attention = true;
        loop {
            if x.attention
                && let Some(exit) = self.boundary(x)
            {
                return exit;
            }
            if x.retired >= x.limit {
                return Exit::Limit;
            }
            if x.ctx.stepping {
                self.step(x);
                continue;
            }
            let mut block = block_here(&mut self.cache, x);
            while let Some(running) = block {
                block = run_on(&mut self.cache, x, running);
            }
        }
    }

    /// Runs exactly one instruction (with all its iterations, if repeated) or delivers one event.
    pub fn run_one(&mut self, x: &mut Exec) -> Option<Exit> {
        x.limit = u64::MAX;
        x.attention = true;
        x.resume_shadow();
        if let Some(exit) = self.boundary(x) {
            return Some(exit);
        }
        loop {
            x.st.unfinished = false;
            let entry = self.cache.lookup(x);
            self.run_entry(x, entry);
            if !x.st.unfinished {
                x.settle_shadow();
                return None;
            }
        }
    }

    /// Runs the first instruction of an entry, or delivers the fault of its fetch. True if one faulted.
    fn run_entry(&self, x: &mut Exec, entry: Result<Entry, Exception>) -> bool {
        match entry {
            Ok(Entry::Block(block)) => run_block(x, &self.cache.insns(block)[..1]),
            Ok(Entry::Single(insn)) => run_block(x, &[insn]),
            Err(e) => fetch_fault(x, e),
        }
    }

    /// Everything that can happen between two instructions.
    fn boundary(&mut self, x: &mut Exec) -> Option<Exit> {
        if x.sys.mem.has_stale_code() {
            for stale in x.sys.mem.take_stale_code() {
                self.cache.invalidate(stale);
            }
        }
        boundary(x)
    }

    /// One instruction with everything that [`Interpreter::run`] leaves out: breakpoints, shadows, single steps.
    pub fn step(&mut self, x: &mut Exec) {
        x.attention = true;
        let shadow = x.st.shadow;
        let tf = x.st.flags.has(TF);
        let entry = match interrupt::code_breakpoint(x) {
            Some(e) => Err(e),
            None => self.cache.lookup(x),
        };
        // A repeated instruction is looked at after each iteration.
        let limit = std::mem::replace(&mut x.limit, x.retired + 1);
        let faulted = self.run_entry(x, entry);
        x.limit = limit;
        // The shadow lasts for one instruction; that instruction may have cast another.
        if x.st.shadow == shadow && !x.shadow_cast {
            x.st.shadow = Shadow::None;
        }
        x.shadow_cast = false;
        if !faulted {
            x.st.flags.set_system(RF, x.rf_kept);
            // After each iteration of a repeated instruction, too (SDM Vol. 3B, "Single-Step Exception Condition").
            if tf && !x.step_masked {
                x.st.pending_debug |= DR6_BS;
            }
        }
        x.rf_kept = false;
        x.refresh();
    }
}

/// What can happen between two instructions, but for stale code, which the engine has dropped: reset and signals, traps, interrupts.
/// `Some` when the engine must return.
#[inline]
pub fn boundary(x: &mut Exec) -> Option<Exit> {
    if pass(x) {
        return None;
    }
    look(x)
}

/// Goes past a boundary where nothing is due: a look was asked for because of what an instruction might have let in. True if it
/// is so; else nothing was changed.
#[inline]
pub fn pass(x: &mut Exec) -> bool {
    let quiet = !x.ctx.stepping
        && !x.ferr
        && !x.sys.attention()
        && x.map_generation == x.sys.mem.generation()
        && !x.sys.mem.has_stale_code()
        && !interrupt::waits(x);
    if quiet {
        x.attention = false;
        interrupt::forget_last(x);
    }
    quiet
}

/// The same where something may be due.
fn look(x: &mut Exec) -> Option<Exit> {
    x.sync_clock();
    x.follow_map();
    x.attention = false;
    if x.ferr && !fault::ferr(&x.st) {
        fault::release_ferr(x);
    }
    let exit = interrupt::poll(x);
    if x.st.activity != Activity::Active {
        return Some(exit.unwrap_or(match x.st.activity {
            Activity::Shutdown => Exit::Shutdown,
            _ => Exit::Halted,
        }));
    }
    exit
}

/// The block at the instruction pointer. What can be in none is carried out on the spot, be it an instruction or the fault of its fetch.
#[inline]
pub fn block_here(cache: &mut BlockCache, x: &mut Exec) -> Option<BlockId> {
    match cache.lookup(x) {
        Ok(Entry::Block(block)) => return Some(block),
        Ok(Entry::Single(insn)) => run_block(x, &[insn]),
        Err(e) => fetch_fault(x, e),
    };
    None
}

/// Runs a block; gives the one that follows, unless something needs a look.
#[inline(always)]
pub fn run_on(cache: &mut BlockCache, x: &mut Exec, block: BlockId) -> Option<BlockId> {
    let start = x.st.rip();
    let insns = cache.insns(block);
    let room = x.limit - x.retired;
    if room < insns.len() as u64 {
        run_block(x, &insns[..room as usize]);
        return None;
    }
    run_block(x, insns);
    if x.attention || x.retired >= x.limit {
        return None;
    }
    if let Some(next) = cache.follow(x, block, start) {
        return Some(next);
    }
    let next = block_here(cache, x)?;
    cache.link(block, next);
    Some(next)
}

/// Delivers a fault of a fetch. No instruction retires, but time must pass.
pub fn fetch_fault(x: &mut Exec, e: Exception) -> bool {
    x.retired += 1;
    interrupt::deliver(x, e);
    true
}

/// Runs decoded instructions in order until one of them leaves the sequence. True if one faulted.
#[inline]
pub fn run_block(x: &mut Exec, insns: &[Insn]) -> bool {
    let start = x.st.rip();
    let mut done = 0u64;
    for i in insns {
        x.st.set_rip(start.wrapping_add(u64::from(i.end)));
        x.pending = done;
        if let Err(e) = (i.run)(x, i) {
            x.retired += done + 1;
            x.pending = 0;
            if !e.is_trap() {
                x.st.set_rip(start.wrapping_add(u64::from(i.end) - u64::from(i.len)));
            }
            interrupt::deliver(x, e);
            return true;
        }
        done += 1;
        if x.attention {
            break;
        }
    }
    x.retired += done;
    x.pending = 0;
    false
}

impl Exec {
    /// Maskable interrupts are admitted at this boundary.
    #[must_use]
    pub fn interruptible(&self) -> bool {
        self.st.flags.has(IF) && self.st.shadow == Shadow::None
    }
}

impl Ops for Exec {
    type V = u64;

    #[inline(always)]
    fn imm(&mut self, v: u64) -> u64 {
        v
    }
    #[inline(always)]
    fn add(&mut self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn sub(&mut self, a: u64, b: u64) -> u64 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn mul(&mut self, a: u64, b: u64) -> u64 {
        a.wrapping_mul(b)
    }
    #[inline(always)]
    fn umulh(&mut self, a: u64, b: u64) -> u64 {
        ((u128::from(a) * u128::from(b)) >> 64) as u64
    }
    #[inline(always)]
    fn smulh(&mut self, a: u64, b: u64) -> u64 {
        ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64
    }
    #[inline(always)]
    fn and(&mut self, a: u64, b: u64) -> u64 {
        a & b
    }
    #[inline(always)]
    fn or(&mut self, a: u64, b: u64) -> u64 {
        a | b
    }
    #[inline(always)]
    fn xor(&mut self, a: u64, b: u64) -> u64 {
        a ^ b
    }
    #[inline(always)]
    fn not(&mut self, a: u64) -> u64 {
        !a
    }
    #[inline(always)]
    fn shl(&mut self, a: u64, n: u64) -> u64 {
        a << (n & 63)
    }
    #[inline(always)]
    fn shr(&mut self, a: u64, n: u64) -> u64 {
        a >> (n & 63)
    }
    #[inline(always)]
    fn sar(&mut self, a: u64, n: u64) -> u64 {
        ((a as i64) >> (n & 63)) as u64
    }
    #[inline(always)]
    fn eq(&mut self, a: u64, b: u64) -> u64 {
        u64::from(a == b)
    }
    #[inline(always)]
    fn ult(&mut self, a: u64, b: u64) -> u64 {
        u64::from(a < b)
    }
    #[inline(always)]
    fn slt(&mut self, a: u64, b: u64) -> u64 {
        u64::from((a as i64) < b as i64)
    }
    #[inline(always)]
    fn select(&mut self, c: u64, a: u64, b: u64) -> u64 {
        if c != 0 { a } else { b }
    }
    #[inline(always)]
    fn clz(&mut self, a: u64) -> u64 {
        u64::from(a.leading_zeros())
    }
    #[inline(always)]
    fn ctz(&mut self, a: u64) -> u64 {
        u64::from(a.trailing_zeros())
    }
    #[inline(always)]
    fn popcnt(&mut self, a: u64) -> u64 {
        u64::from(a.count_ones())
    }
    #[inline(always)]
    fn bswap(&mut self, a: u64) -> u64 {
        a.swap_bytes()
    }
    #[inline(always)]
    fn zext<const B: u32>(&mut self, a: u64) -> u64 {
        match B {
            8 => u64::from(a as u8),
            16 => u64::from(a as u16),
            32 => u64::from(a as u32),
            _ => a,
        }
    }
    #[inline(always)]
    fn sext<const B: u32>(&mut self, a: u64) -> u64 {
        match B {
            8 => i64::from(a as i8) as u64,
            16 => i64::from(a as i16) as u64,
            32 => i64::from(a as i32) as u64,
            _ => a,
        }
    }
    #[inline(always)]
    fn reg(&mut self, r: u8) -> u64 {
        self.st.regs[usize::from(r & 31)]
    }
    #[inline(always)]
    fn set_reg(&mut self, r: u8, v: u64) {
        self.st.regs[usize::from(r & 31)] = v;
    }
    #[inline(always)]
    fn load<const B: u32>(&mut self, seg: u8, off: u64) -> Result<u64, Exception> {
        self.read::<B>(seg, off)
    }
    #[inline(always)]
    fn load_rmw<const B: u32>(&mut self, seg: u8, off: u64) -> Result<u64, Exception> {
        self.read_rmw::<B>(seg, off)
    }
    #[inline(always)]
    fn store_back<const B: u32>(&mut self, v: u64) -> Result<(), Exception> {
        self.write_back::<B>(v)
    }
    #[inline(always)]
    fn store<const B: u32>(&mut self, seg: u8, off: u64, v: u64) -> Result<(), Exception> {
        self.write::<B>(seg, off, v)
    }
    #[inline(always)]
    fn stack_mask(&mut self) -> u64 {
        self.ctx.sp_mask
    }
    #[inline(always)]
    fn flag_zr(&mut self) -> u64 {
        self.st.flags.zr
    }
    #[inline(always)]
    fn flag_sp(&mut self) -> u64 {
        self.st.flags.sp
    }
    #[inline(always)]
    fn flag_co(&mut self) -> u64 {
        self.st.flags.co
    }
    #[inline(always)]
    fn flag_ax(&mut self) -> u64 {
        self.st.flags.ax
    }
    #[inline(always)]
    fn set_zsp(&mut self, zr: u64, sp: u64) {
        self.st.flags.zr = zr;
        self.st.flags.sp = sp;
    }
    #[inline(always)]
    fn set_co(&mut self, co: u64) {
        self.st.flags.co = co;
    }
    #[inline(always)]
    fn set_ax(&mut self, ax: u64) {
        self.st.flags.ax = ax;
    }
    #[inline(always)]
    fn arithmetic(&mut self) -> u64 {
        self.st.flags.arithmetic()
    }
    #[inline(always)]
    fn set_arithmetic(&mut self, bits: u64) {
        self.st.flags.set_arithmetic(bits);
    }
    #[inline(always)]
    fn cond(&mut self, c: Cond) -> u64 {
        let f = &self.st.flags;
        u64::from(match c {
            Cond::O => f.of(),
            Cond::No => !f.of(),
            Cond::B => f.cf(),
            Cond::Ae => !f.cf(),
            Cond::E => f.zf(),
            Cond::Ne => !f.zf(),
            Cond::Be => f.cf() | f.zf(),
            Cond::A => !(f.cf() | f.zf()),
            Cond::S => f.sf(),
            Cond::Ns => !f.sf(),
            Cond::P => f.pf(),
            Cond::Np => !f.pf(),
            Cond::L => f.sf() != f.of(),
            Cond::Ge => f.sf() == f.of(),
            Cond::Le => f.zf() | (f.sf() != f.of()),
            Cond::G => !(f.zf() | (f.sf() != f.of())),
        })
    }
    #[inline(always)]
    fn df(&mut self) -> u64 {
        u64::from(self.st.flags.has(crate::cpu::flags::DF))
    }
    #[inline(always)]
    fn branch<const B: u32>(&mut self, taken: u64, target: u64) -> Result<(), Exception> {
        if taken != 0 {
            let target = self.zext::<B>(target);
            return self.jump(target);
        }
        Ok(())
    }
    #[inline(always)]
    fn raise_if(&mut self, c: u64, e: Exception) -> Result<(), Exception> {
        if c != 0 { Err(e) } else { Ok(()) }
    }
    #[inline(always)]
    fn call(&mut self, h: Helper, i: &Insn) -> Result<(), Exception> {
        h(self, i)
    }
}

/// Fetches for the decoder: reads the bytes of an instruction at the instruction pointer.
impl Exec {
    /// Linear address of the instruction pointer.
    #[must_use]
    #[inline(always)]
    pub fn fetch_address(&self) -> u64 {
        self.ctx.win[1].base.wrapping_add(self.st.rip()) & self.ctx.lin_mask
    }

    /// The translation of a code address.
    ///
    /// # Errors
    /// `#PF`.
    pub fn fetch_translate(&mut self, lin: u64) -> Result<u64, Exception> {
        self.translate(lin, Access::Fetch)
    }
}
