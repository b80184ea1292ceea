; what: long mode entered and left, compatibility mode, 64-bit interrupts with IST, call gates, what 64-bit mode refuses
; cpu: x86-64-v1 x86-64-v2 max
%include "rom.inc"
GATE64 equ FREE          ; 16 bytes
start16:
  ENTER32
  ENTER64
  ; 64-bit mode: REX, RIP-relative addresses, zero extension.
  mov rax,0x1122334455667788
  mov ebx,-1
  CHECK {cmp rbx,rax}, b
  mov ecx,0xffffffff
  CHECK {cmp rbx,rcx}, e
  lea rdx,[rel .here]
.here:
  mov ecx,.here
  CHECK {cmp rdx,rcx}, e
  movsxd rcx,ebx
  CHECK {cmp rcx,-1}, e
  ; Undefined here.
  FAULT 6, 0, {db 0x06}                ; PUSH ES
  FAULT 6, 0, {db 0x27}                ; DAA
  FAULT 6, 0, {db 0xce}                ; INTO
  FAULT 6, 0, {db 0x60}                ; PUSHA
  FAULT 6, 0, {db 0xea,0,0,0,0,8,0}    ; JMP far
  FAULT 6, 0, {db 0x9a,0,0,0,0,8,0}    ; CALL far
  ; Limits of DS are not looked at, nor are null selectors.
  xor eax,eax
  mov ds,ax
  mov es,ax
  mov [VARS],rbx
  CHECK {cmp [VARS],rbx}, e
  ; An interrupt at ring 0 aligns RSP to 16 bytes and pushes SS:RSP always.
  SET_GATE64 0x40, 0, .int40, 0x8e
  mov esp,STACK0-5
  int 0x40
  CHECK {cmp rsp,STACK0-5}, e
  mov esp,STACK0
  ; IST 2.
  mov qword [TSS64+36+8],0x8003
  SET_GATE64 0x41, 2, .int41, 0x8e
  int 0x41
  CHECK {cmp rsp,STACK0}, e
  ; From ring 3: RSP0, SS is null.
  SET_GATE64 0x42, 0, .int42, 0xee
  push qword UDATA32
  push qword STACK3+8
  push qword 0x3002
  push qword UCODE64
  mov eax,.user
  push rax
  iretq
.user:
  mov ax,ss
  CHECK {cmp ax,UDATA32}, e
  int 0x42
.ret42:
  CHECK {cmp rsp,STACK3+8}, e
  mov ax,ss
  CHECK {cmp ax,UDATA32}, e
  ; Ring 3 in compatibility mode: 32-bit code under the same tables.
  push qword UCODE32
  mov eax,.compat
  push rax
  o64 retf
bits 32
.compat:
  mov eax,UDATA32
  mov ds,ax
  mov eax,0x12345678
  inc eax                              ; 40h is INC here, not REX
  CHECK {cmp eax,0x12345679}, e
  push eax
  pop ecx
  CHECK {cmp ecx,eax}, e
  mov edx,0x43
  int 0x42
  CHECK {cmp edx,0x44}, e
  jmp UCODE64:.user2
bits 64
.user2:
  FAULT 6, 0, {ud2}
  ; A fault in compatibility mode is served in 64-bit mode.
  push qword CODE32
  mov eax,.compat0
  push rax
  o64 retf
bits 32
.compat0:
  mov ax,DATA32
  mov ds,ax
  mov ss,ax
  NEXT_CHECK
  mov dword [RESUME],.served
  mov [RESUME_SP],esp
.undefined:
  ud2
bits 64
.served:
  EXPECT_GOT 6, 0, .undefined
  CHECK {cmp dword [GOT_CS],CODE32}, e
  ; A 64-bit call gate: 16 bytes, no parameters, to ring 0.
  mov eax,.gate
  mov word [GDT+GATE64],ax
  mov word [GDT+GATE64+2],CODE64
  mov word [GDT+GATE64+4],0xec00
  shr eax,16
  mov word [GDT+GATE64+6],ax
  mov qword [GDT+GATE64+8],0
  mov word [VARS+8],GATE64|3
  mov dword [VARS+4],0
  push qword UDATA32
  push qword STACK3
  push qword 0x3002
  push qword UCODE64
  mov eax,.user3
  push rax
  iretq
.user3:
  call dword far [VARS+4]
.ret_gate:
  CHECK {cmp rsp,STACK3}, e
  CHECK {cmp ebx,0x64}, e
  ; HLT and the like.
  FAULT 13, 0, {hlt}
  ; Segments: FS and GS have bases, by MSR and SWAPGS.
  mov ecx,0xc0000100
  mov eax,0x600
  xor edx,edx
  wrmsr
  mov dword [0x620],0x20202020
  mov dword [0x630],0x30303030
  CHECK {cmp dword [fs:0x20],0x20202020}, e
  inc ecx
  mov eax,0x610
  wrmsr
  inc ecx
  mov eax,0x620
  wrmsr
  CHECK {cmp dword [gs:0x10],0x20202020}, e
  swapgs
  CHECK {cmp dword [gs:0x10],0x30303030}, e
  mov edx,0x8000
  FAULT 13, 0, {wrmsr}                 ; not canonical
  ; A 64-bit TSS is not for task switches, and IRET does not return to one.
  pushfq
  or dword [rsp],0x4000
  popfq
  FAULT 13, 0, {iretq}
  push qword 2
  popfq
  ; PAE and LME cannot be switched off under paging.
  mov rax,cr4
  and al,~0x20
  FAULT 13, 0, {mov cr4,rax}
  mov ecx,0xc0000080
  rdmsr
  and ah,~1
  FAULT 13, 0, {wrmsr}
  mov rax,cr0
  btr eax,31
  FAULT 13, 0, {mov cr0,rax}           ; paging stays on in 64-bit code
  ; Leave: compatibility mode, then paging off.
  push qword CODE32
  mov eax,.leave
  push rax
  o64 retf
bits 32
.leave:
  mov ax,DATA32
  mov ds,ax
  mov es,ax
  mov ss,ax
  mov esp,STACK0
  mov eax,cr0
  and eax,0x7fffffff
  mov cr0,eax
  mov ecx,0xc0000080
  rdmsr
  CHECK {test ah,4}, z                 ; LMA
  CHECK {test ah,1}, nz
  and ah,~1
  wrmsr
  lidt [idtr_image]
  FAULT 6, 0, {ud2}
  PASS
bits 64
.int40:
  CHECK {cmp rsp,((STACK0-5) & ~15)-40}, e
  CHECK {cmp qword [rsp+24],STACK0-5}, e
  CHECK {cmp qword [rsp+8],CODE64}, e
  iretq
.int41:
  CHECK {cmp rsp,0x8000-40}, e
  CHECK {cmp qword [rsp+24],STACK0}, e
  iretq
.int42:
  CHECK {cmp rsp,STACK_INNER-40}, e
  mov ax,ss
  CHECK {test ax,ax}, z
  CHECK {cmp qword [rsp+32],UDATA32}, e
  inc edx
  iretq
.gate:
  CHECK {cmp rsp,STACK_INNER-32}, e
  mov ecx,.ret_gate
  CHECK {cmp [rsp],rcx}, e
  CHECK {cmp qword [rsp+8],UCODE64}, e
  CHECK {cmp qword [rsp+16],STACK3}, e
  CHECK {cmp qword [rsp+24],UDATA32}, e
  mov ax,ss
  CHECK {test ax,ax}, z
  mov ebx,0x64
  o64 retf
ROM_END
