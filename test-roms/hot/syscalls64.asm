; what: system calls in hot loops, by SYSCALL and by INT, from code of 64 bits, and of 32
; cpu: x86-64-v1 max
%define MODE 64
%include "hot.inc"
CALLS  equ VARS         ; how many came by SYSCALL, and by INT
GATES  equ VARS+8
CALL_SYSTEM equ 0x40
ROUNDS equ 20000
MIXED  equ 500
start16:
  ENTER_HOT
; EAX: twice EDI, and one.
called:
  lea eax,[rdi*2+1]
  inc dword [CALLS]
  o64 sysret
gate:
  lea eax,[rdi*2+1]
  inc dword [GATES]
  iretq

main:
  SET_GATE64 CALL_SYSTEM, 0, gate, 0xee
  WRITE_MSR 0xc0000081, 0, ((UCODE32&~3)|3)<<16|CODE64
  WRITE_MSR 0xc0000082, called, 0
  WRITE_MSR 0xc0000084, 0x700, 0
  mov ecx,0xc0000080
  rdmsr
  or al,1                ; SCE
  wrmsr
  push UDATA32
  push STACK3
  push 0x3202            ; IOPL 3, IF
  push UCODE64
  push user
  iretq

; The system and its user by turns.
user:
  mov ebp,ROUNDS
.round:
  mov edi,ebp
  syscall
  lea esi,[rbp*2+1]
  cmp eax,esi
  jne .bad
  xor eax,eax
  int CALL_SYSTEM
  cmp eax,esi
  jne .bad
  dec ebp
  jnz .round
; Three modes by turns: which was before is another each time.
  mov ebp,MIXED
.mixed:
  push UCODE32
  push narrow
  o64 retf
.wide:
  mov edi,ebp
  syscall
  cmp eax,esi
  jne .bad
  dec ebp
  jnz .mixed
  CHECK {cmp dword [CALLS],ROUNDS+MIXED}, e
  CHECK {cmp dword [GATES],ROUNDS+MIXED}, e
  PASS
.bad:
  NEVER

bits 32
narrow:
  mov edi,ebp
  lea esi,[ebp*2+1]
  xor eax,eax
  int CALL_SYSTEM
  cmp eax,esi
  jne $
  jmp UCODE64:user.wide
bits 64
HOT_END
