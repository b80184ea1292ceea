//! Runs one instruction on the host CPU itself with a given register and memory state.
//!
//! A trampoline loads every register, jumps to the instruction, and the jump behind it (or the signal handler, when the
//! instruction faulted) goes to the tail that saves every register.

use super::State;
use std::arch::global_asm;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// Where operands live, natively and in the guest: low, so that 32-bit addresses reach it.
pub const DATA: u64 = 0x20_0000;
/// Bytes of it that are compared.
pub const DATA_LEN: usize = 0x2000;
/// Where the instruction lives.
pub const CODE: u64 = 0x30_0000;

global_asm!(
    ".local ferrite_host_rsp",
    ".comm ferrite_host_rsp,8,8",
    ".local ferrite_state",
    ".comm ferrite_state,8,8",
    ".local ferrite_code",
    ".comm ferrite_code,8,8",
    ".local ferrite_rdi",
    ".comm ferrite_rdi,8,8",
    ".globl ferrite_native_run",
    "ferrite_native_run:",
    "push rbx; push rbp; push r12; push r13; push r14; push r15",
    "mov [rip+ferrite_host_rsp], rsp",
    "mov [rip+ferrite_state], rdi",
    "mov [rip+ferrite_code], rsi",
    "fxrstor64 [rdi+256]",
    "push qword ptr [rdi+128]",
    "popfq",
    "mov rax,[rdi]; mov rcx,[rdi+8]; mov rdx,[rdi+16]; mov rbx,[rdi+24]; mov rsp,[rdi+32]; mov rbp,[rdi+40]",
    "mov rsi,[rdi+48]; mov r8,[rdi+64]; mov r9,[rdi+72]; mov r10,[rdi+80]; mov r11,[rdi+88]",
    "mov r12,[rdi+96]; mov r13,[rdi+104]; mov r14,[rdi+112]; mov r15,[rdi+120]; mov rdi,[rdi+56]",
    "jmp qword ptr [rip+ferrite_code]",
    ".globl ferrite_native_return",
    "ferrite_native_return:",
    "mov [rip+ferrite_rdi], rdi",
    "mov rdi,[rip+ferrite_state]",
    "mov [rdi+32], rsp",
    "mov rsp,[rip+ferrite_host_rsp]",
    "mov [rdi],rax; mov [rdi+8],rcx; mov [rdi+16],rdx; mov [rdi+24],rbx; mov [rdi+40],rbp; mov [rdi+48],rsi",
    "mov [rdi+64],r8; mov [rdi+72],r9; mov [rdi+80],r10; mov [rdi+88],r11",
    "mov [rdi+96],r12; mov [rdi+104],r13; mov [rdi+112],r14; mov [rdi+120],r15",
    "pushfq; pop rax; mov [rdi+128],rax",
    "mov rax,[rip+ferrite_rdi]; mov [rdi+56],rax",
    "fxsave64 [rdi+256]",
    "fninit",
    "push 0x1f80; ldmxcsr [rsp]; pop rax",
    "cld",
    "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
    "ret",
);

unsafe extern "C" {
    fn ferrite_native_run(state: *mut State, code: u64);
    fn ferrite_native_return();
}

static SIGNAL: AtomicI32 = AtomicI32::new(0);
static FAULT_IP: AtomicU64 = AtomicU64::new(0);
static SETUP: Once = Once::new();

extern "C" fn on_signal(signal: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    SIGNAL.store(signal, Ordering::SeqCst);
    // SAFETY: the kernel passes a `ucontext_t` to a handler installed with SA_SIGINFO. Going on at the trampoline's tail
    // is what the tail is for: it takes no register for granted.
    unsafe {
        let context = &mut *context.cast::<libc::ucontext_t>();
        let rip = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
        FAULT_IP.store(*rip as u64, Ordering::SeqCst);
        if !(CODE..CODE + 0x1000).contains(&(*rip as u64)) {
            libc::_exit(99); // a fault of the test itself
        }
        *rip = ferrite_native_return as *const () as i64;
    }
}

fn map(at: u64, len: usize) {
    // SAFETY: a fresh anonymous mapping at an address that MAP_FIXED_NOREPLACE promises was free.
    let p = unsafe {
        libc::mmap(
            at as *mut libc::c_void,
            len,
            libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        )
    };
    assert_eq!(p as u64, at, "the host gave no memory at {at:#x}");
}

fn setup() {
    SETUP.call_once(|| {
        map(DATA, DATA_LEN);
        map(CODE, 0x1000);
        // SAFETY: plain libc calls with valid pointers; the alternate stack lives for ever.
        unsafe {
            let stack = Box::leak(vec![0u8; 256 << 10].into_boxed_slice());
            let alt = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
            assert_eq!(libc::sigaltstack(&alt, std::ptr::null_mut()), 0);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            for s in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
                assert_eq!(libc::sigaction(s, &action, std::ptr::null_mut()), 0);
            }
        }
    });
}

/// Runs `code` natively from `state`, in place, with `data` at [`DATA`]. The signal that it raised, or 0.
pub fn run(code: &[u8], state: &mut State, data: &mut [u8; DATA_LEN]) -> i32 {
    setup();
    let mut bytes = code.to_vec();
    bytes.extend([0xff, 0x25, 0, 0, 0, 0]); // jmp [rip+0]
    bytes.extend((ferrite_native_return as *const () as u64).to_le_bytes());
    SIGNAL.store(0, Ordering::SeqCst);
    // SAFETY: both areas were mapped by `setup`, for this thread's use only; the trampoline keeps the C ABI.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), CODE as *mut u8, bytes.len());
        std::ptr::copy_nonoverlapping(data.as_ptr(), DATA as *mut u8, DATA_LEN);
        ferrite_native_run(state, CODE);
        std::ptr::copy_nonoverlapping(DATA as *const u8, data.as_mut_ptr(), DATA_LEN);
    }
    SIGNAL.load(Ordering::SeqCst)
}
