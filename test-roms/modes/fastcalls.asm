; what: SYSCALL and SYSRET, to 64-bit and compatibility mode; SYSENTER and SYSEXIT in 32-bit and 64-bit mode
; cpu: x86-64-v1 x86-64-v2 max
%include "rom.inc"
SE equ FREE              ; the order of SYSENTER: code, data, user code and data (32), user code and data (64)
start16:
  ENTER32
  SET_DESC SE, 0x0000ffff, 0x00cf9b00
  SET_DESC SE+8, 0x0000ffff, 0x00cf9300
  SET_DESC SE+16, 0x0000ffff, 0x00cffb00
  SET_DESC SE+24, 0x0000ffff, 0x00cff300
  SET_DESC SE+32, 0x0000ffff, 0x00affb00
  SET_DESC SE+40, 0x0000ffff, 0x00cff300
  ; Without EFER.SCE there is no SYSCALL; with a null SYSENTER_CS SYSENTER is #GP(0).
  xor eax,eax
  xor edx,edx
  mov ecx,0x174
  wrmsr
  FAULT 13, 0, {sysenter}
  FAULT 13, 0, {sysexit}
  WRITE_MSR 0x174, SE, 0
  WRITE_MSR 0x175, STACK_INNER-0x10, 0
  WRITE_MSR 0x176, .entered32, 0
  ENTER_RING3 0x3200
  mov edx,.exited32
  mov ecx,STACK3-0x40
  sysenter
  NEVER
.entered32:
  CHECK {cmp esp,STACK_INNER-0x10}, e
  mov ax,cs
  CHECK {cmp ax,SE}, e
  mov ax,ss
  CHECK {cmp ax,SE+8}, e
  pushfd
  pop eax
  CHECK {test eax,0x200}, z
  sysexit
  NEVER
.exited32:
  CHECK {cmp esp,STACK3-0x40}, e
  mov ax,cs
  CHECK {cmp ax,SE+16|3}, e
  mov ax,ss
  CHECK {cmp ax,SE+24|3}, e
  FAULT 13, 0, {sysexit}               ; ring 0 only
  mov ax,DATA32
  mov ss,ax
  jmp CODE32:.flat
.flat:
  ENTER64
  FAULT 6, 0, {syscall}
  WRITE_MSR 0xc0000081, 0, ((UCODE32&~3)|3)<<16|CODE64
  WRITE_MSR 0xc0000082, .called64, 0
  WRITE_MSR 0xc0000083, .called32, 0
  WRITE_MSR 0xc0000084, 0x4601, 0      ; FMASK: NT, DF, IF, CF
  mov ecx,0xc0000080
  rdmsr
  or al,1
  wrmsr
  push qword UDATA32
  push qword STACK3
  push qword 0x3002
  push qword UCODE64
  mov eax,.user
  push rax
  iretq
.user:
  sti
  stc
  std
  mov rdx,rsp
  syscall
.next:
  CHECK {nop}, c                       ; the flags came back from R11
  pushfq
  pop rax
  CHECK {test eax,0x600}, nz
  cld
  CHECK {cmp rsp,STACK3}, e
  mov ax,cs
  CHECK {cmp ax,UCODE64}, e
  mov ax,ss
  CHECK {cmp ax,UDATA32}, e
  ; SYSENTER in 64-bit mode.
  mov rcx,STACK3-0x80
  mov edx,.exited64
  sysenter
  NEVER
.exited64:
  CHECK {cmp rsp,STACK3-0x80}, e
  mov ax,cs
  CHECK {cmp ax,SE+32|3}, e
  mov ax,ss
  CHECK {cmp ax,SE+40|3}, e
  FAULT 13, 0, {sysexit}
  PASS
.called32:
  NEVER
.called64:
  CHECK {cmp rsp,rdx}, e               ; the stack is still the caller's
  mov ebx,.next
  CHECK {cmp rcx,rbx}, e
  CHECK {test r11d,0x601}, nz
  mov ax,cs
  CHECK {cmp ax,CODE64}, e
  mov ax,ss
  CHECK {cmp ax,DATA64}, e
  pushfq
  pop rax
  and eax,0x601
  CHECK {cmp eax,0}, e
  ; SYSENTER_EIP for the next round.
  mov rsi,rcx
  WRITE_MSR 0x176, .entered64, 0
  mov rcx,rsi
  o64 sysret
.entered64:
  CHECK {cmp rsp,STACK_INNER-0x10}, e
  mov ax,cs
  CHECK {cmp ax,SE}, e
  mov rcx,STACK3-0x80
  mov edx,.exited64
  o64 sysexit
ROM_END
