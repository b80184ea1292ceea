; what: task switches by JMP, CALL, IRET, interrupts and exceptions; busy bits, NT, links, TS, the T bit; 32- and 16-bit TSS
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
A     equ FREE           ; 32-bit TSS at A000h
B     equ FREE+8         ; 16-bit TSS at A100h
GATE  equ FREE+16        ; task gate to A
GATE3 equ FREE+24        ; the same for ring 3
LDTSEL equ FREE+32
TSSA  equ 0xa000
TSSB  equ 0xa100
start16:
  ENTER32
  SET_DESC A, (TSSA<<16)|103, 0x00008900
  SET_DESC B, (TSSB<<16)|43, 0x00008100
  SET_DESC GATE, (A<<16), 0x00008500
  SET_DESC GATE3, (A<<16), 0x0000e500
  SET_DESC LDTSEL, (0xb000<<16)|15, 0x00008200
  mov dword [0xb008],0x0000ffff
  mov dword [0xb00c],0x00cf9300
  mov edi,TSSA
  xor eax,eax
  mov ecx,0x200/4
  rep stosd
  mov dword [TSSA+0x20],.task_a
  mov dword [TSSA+0x24],0x2
  mov dword [TSSA+0x28],0xaaaa0001     ; EAX
  mov dword [TSSA+0x38],0x6000         ; ESP
  mov dword [TSSA+0x44],0xaaaa0007     ; EDI
  mov dword [TSSA+0x48],DATA32
  mov dword [TSSA+0x4c],CODE32
  mov dword [TSSA+0x50],DATA32
  mov dword [TSSA+0x54],DATA32
  mov dword [TSSA+0x58],0x0c           ; FS: from the task's LDT
  mov dword [TSSA+0x60],LDTSEL
  mov word [TSSB+14],R16(.task_b)
  mov word [TSSB+16],2
  mov word [TSSB+18],0xbbb0            ; AX
  mov word [TSSB+26],0x5e00            ; SP
  mov word [TSSB+34],DATA32            ; ES
  mov word [TSSB+36],CODE16
  mov word [TSSB+38],DATA32
  mov word [TSSB+40],DATA32
  mov ebp,0x12345678

  ; JMP: the old task is free again, the new one busy; no link, no NT.
  mov eax,0x1001
  mov edi,0x1007
  jmp A:0xdeadbeef
.back1:
  CHECK {cmp eax,0x1001}, e            ; our own registers, as we left them
  CHECK {cmp edi,0x1007}, e
  CHECK {cmp ebp,0x12345678}, e
  str ax
  CHECK {cmp ax,TSSSEL}, e
  CHECK {test byte [GDT+A+5],2}, z
  CHECK {test byte [GDT+TSSSEL+5],2}, nz
  CHECK {cmp dword [TSSA+0x20],.a_again}, e ; where it goes on
  CHECK {cmp dword [TSSA+0x28],0xaaaa5555}, e

  ; CALL: both busy, link and NT; IRET returns.
  clts
  call A:0
.back2:
  CHECK {test byte [GDT+A+5],2}, z
  CHECK {test byte [GDT+TSSSEL+5],2}, nz
  pushfd
  pop eax
  CHECK {test eax,0x4000}, z
  CHECK {test dword [TSSA+0x24],0x4000}, z ; IRET saved NT = 0

  ; An interrupt through a task gate, and an exception with an error code.
  SET_GATE 0x50, A, 0, 0x8500
  mov dword [TSSA+0x20],.a_int
  int 0x50
.back3:
  SET_GATE 13, A, 0, 0x8500
  mov dword [TSSA+0x20],.a_fault
  mov dword [TSSA+0x38],0x6000
  mov cx,0x3f8
.faulting:
  mov ds,cx                            ; the task skips it: 2 bytes
.back4:
  SET_GATE 13, CODE32, stubs+13*stub_size, 0x8e00

  ; Task gate by CALL, from ring 3.
  mov dword [TSSA+0x20],.a_gate3
  mov dword [TSSA+0x38],0x6000
  ENTER_RING3 0x3000
  call (GATE3|3):0
  CHECK {cmp esp,STACK3}, e
  mov ax,cs
  CHECK {cmp ax,UCODE32}, e
  FAULT 13, A, {jmp A:0}               ; the TSS's DPL

  ; Refusals: busy, not present, too small, not a TSS, in the LDT.
  FAULT 13, TSSSEL, {jmp TSSSEL:0}
  FAULT 13, TSSSEL, {call TSSSEL:0}
  mov byte [GDT+A+5],0x09
  FAULT 11, A, {jmp A:0}
  mov byte [GDT+A+5],0x89
  mov word [GDT+A],102
  FAULT 10, A, {jmp A:0}
  mov word [GDT+A],103
  FAULT 13, LDTSEL, {call LDTSEL:0}
  mov ax,TSSSEL
  FAULT 13, TSSSEL, {ltr ax}           ; busy
  mov ax,LDTSEL
  FAULT 13, LDTSEL, {ltr ax}
  mov ax,A
  FAULT 13, A, {lldt ax}
  xor ax,ax
  FAULT 13, 0, {ltr ax}
  lldt ax                              ; a null LDT is allowed
  ; NT = 1 and a link that is not busy.
  mov word [TSS32],A
  NEXT_CHECK
  mov dword [RESUME],.nested
  mov [RESUME_SP],esp
  push dword 0x4002
  popfd
.iret:
  iretd
.nested:
  EXPECT_GOT 10, A, .iret
  push dword 2
  popfd

  ; 16-bit TSS: the high halves of the new task's registers are not in it. It comes back by JMP.
  mov eax,0x77771111
  mov ebx,0x77772222
  mov esi,0x77773333
  clts
  jmp B:0
.back5:
  CHECK {cmp ebx,0x77772222}, e
  CHECK {cmp esi,0x77773333}, e
  ; A call into the 16-bit task: a 16-bit link.
  mov word [TSSB+14],R16(.b_called)
  call B:0
  ; The T bit traps before the first instruction of the new task, in its context.
  mov dword [TSSA+0x20],.a_traced
  mov dword [TSSA+0x38],0x6000
  mov word [TSSA+0x64],1
  NEXT_CHECK
  mov dword [RESUME],.traced
  mov dword [RESUME_SP],STACK0
  jmp A:0
.a_traced:
  NEVER
.traced:
  EXPECT_GOT 1, 0, .a_traced
  mov eax,dr6
  CHECK {test eax,0x8000}, nz          ; BT
  str ax
  CHECK {cmp ax,A}, e
  PASS

.task_a:
  CHECK {cmp eax,0xaaaa0001}, e
  CHECK {cmp edi,0xaaaa0007}, e
  CHECK {cmp esp,0x6000}, e
  CHECK {cmp ebp,0}, e
  str bx
  CHECK {cmp bx,A}, e
  sldt bx
  CHECK {cmp bx,LDTSEL}, e
  mov bx,fs
  CHECK {cmp bx,0x0c}, e
  CHECK {test byte [GDT+A+5],2}, nz
  CHECK {test byte [GDT+TSSSEL+5],2}, z
  pushfd
  pop ebx
  CHECK {test ebx,0x4000}, z
  smsw bx
  CHECK {test bl,8}, nz                ; TS
  mov eax,0xaaaa5555
  jmp TSSSEL:0
.a_again:
  CHECK {cmp word [TSSA],TSSSEL}, e    ; the link
  pushfd
  pop ebx
  CHECK {test ebx,0x4000}, nz
  CHECK {test byte [GDT+TSSSEL+5],2}, nz
  CHECK {test byte [GDT+A+5],2}, nz
  CHECK {cmp dword [TSS32+0x20],.back2}, e
  iretd
  NEVER
.a_int:
  CHECK {cmp dword [TSS32+0x20],.back3}, e
  CHECK {cmp word [TSSA],TSSSEL}, e
  iretd
  NEVER
.a_fault:
  CHECK {cmp esp,0x6000-4}, e
  CHECK {cmp dword [esp],0x3f8}, e
  CHECK {cmp dword [TSS32+0x20],.faulting}, e
  add dword [TSS32+0x20],2
  iretd
  NEVER
.a_gate3:
  mov ax,cs
  CHECK {cmp ax,CODE32}, e
  CHECK {cmp word [TSS32+0x4c],UCODE32}, e
  iretd
  NEVER
bits 16
.task_b:
  CHECK {cmp ax,0xbbb0}, e
  CHECK {cmp sp,0x5e00}, e
  mov bx,es
  CHECK {cmp bx,DATA32}, e
  mov bx,fs
  CHECK {test bx,bx}, z
  jmp TSSSEL:0
.b_again:
  NEVER
.b_called:
  CHECK {cmp word [dword TSSB],TSSSEL}, e
  pushf
  pop bx
  CHECK {test bx,0x4000}, nz
  iretw
  NEVER
bits 32
ROM_END
