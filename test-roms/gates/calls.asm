; what: call gates of both sizes, parameters, conforming code, far returns to outer rings
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
GATE32 equ FREE | 3
GATE16 equ FREE+8 | 3
GATEC  equ FREE+16 | 3
CONF   equ FREE+24
GATE_NP equ FREE+32 | 3
GATE0  equ FREE+40
UCODE16 equ FREE+48 | 3
; A call gate: %1 selector, %2 code selector, %3 offset, %4 parameters, %5 access byte.
%macro CALL_GATE 5
  mov eax,%3
  mov [GDT+((%1) & ~7)],ax
  mov word [GDT+((%1) & ~7)+2],%2
  mov word [GDT+((%1) & ~7)+4],(%4)|((%5)<<8)
  shr eax,16
  mov [GDT+((%1) & ~7)+6],ax
%endmacro
start16:
  ENTER32
  CALL_GATE GATE32, CODE32, .target32, 3, 0xec
  CALL_GATE GATE16, CODE16, R16(.target16), 2, 0xe4
  CALL_GATE GATEC, CONF, .target_conforming, 3, 0xec
  CALL_GATE GATE_NP, CODE32, .target32, 0, 0x6c
  CALL_GATE GATE0, CODE32, .target_same, 5, 0x8c
  SET_DESC CONF, 0x0000ffff, 0x00cf9e00
  SET_DESC UCODE16, 0x0000ffff, 0x0000fb0f
  ; Same privilege: no parameters are copied. The offset of the instruction is not looked at.
  mov ebp,esp
  call GATE0:0x12345678
.ret_same:
  CHECK {cmp esp,ebp}, e
  CHECK {cmp ebx,7}, e
  jmp GATE0:0
.target_same:
  cmp esp,ebp
  je .jumped
  CHECK {cmp dword [esp],.ret_same}, e
  CHECK {cmp dword [esp+4],CODE32}, e
  lea eax,[esp+8]
  CHECK {cmp eax,ebp}, e
  mov ebx,7
  retf
.jumped:
  ; To ring 0 with three doublewords.
  ENTER_RING3 0x3000
  push dword 0x11
  push dword 0x22
  push dword 0x33
  call GATE32:0
.ret32:
  CHECK {cmp esp,STACK3}, e            ; RETF 12 took the parameters from both stacks
  CHECK {cmp ebx,32}, e
  mov ax,cs
  CHECK {cmp ax,UCODE32}, e
  ; 16-bit gate: words.
  mov ecx,esp
  push word 0x1122
  push word 0x3344
  jmp UCODE16:R16(.user16)
bits 16
.user16:
  call GATE16:0
.ret16:
  jmp dword UCODE32:.user32
bits 32
.user32:
  CHECK {cmp esp,STACK3}, e
  CHECK {cmp ebx,16}, e
  ; Conforming code through a gate: ring and stack stay.
  call GATEC:0
  CHECK {cmp esp,STACK3}, e
  call CONF:.target_conforming         ; and without one
  CHECK {cmp esp,STACK3}, e
  ; What is refused.
  FAULT 11, GATE_NP & ~3, {call GATE_NP:0}
  ENTER_RING3 0x3000
  FAULT 13, GATE0, {call GATE0:0}      ; the gate's DPL
  ENTER_RING3 0x3000
  FAULT 13, CODE32, {call CODE32:.target32}
  ENTER_RING3 0x3000
  FAULT 13, CODE32, {jmp GATE32:0}     ; a jump does not change the ring
  ENTER_RING3 0x3000
  FAULT 13, DATA32, {call UDATA32-0x20:0}
  ENTER_RING3 0x3000
  FAULT 13, 0, {call 0:0}
  ENTER_RING3 0x3000
  FAULT 13, 0x3f8, {call 0x3f8:0}
  ; RETF to an inner ring, to a null selector, and with a wrong stack.
  ENTER_RING3 0x3000
  push dword CODE32
  push dword .jumped
  FAULT 13, CODE32, {retf}
  push dword 0
  push dword .jumped
  FAULT 13, 0, {retf}
  push dword DATA32
  push dword STACK3
  push dword UCODE32
  push dword .jumped
  FAULT 13, DATA32, {retf}             ; SS must have the RPL and DPL of the new ring
  ; The stack of ring 0 must be good: #TS with its selector. A conforming handler of ring 3 can serve that.
  SET_GATE 10, CONF, .stack_refused, 0xee00
  mov dword [TSS32+8],UDATA32 & ~3     ; DPL 3 is not for ring 0
  mov eax,UDATA32
  mov ds,ax
  ENTER_RING3 0x3000
.refused:
  call GATE32:0
  NEVER
.stack_refused:
  CHECK {cmp dword [esp],UDATA32 & ~3}, e
  CHECK {cmp dword [esp+4],.refused}, e
  CHECK {cmp dword [esp+8],UCODE32}, e
  CHECK {cmp esp,STACK3-16}, e
  PASS

.target32:
  CHECK {cmp esp,STACK_INNER-28}, e
  CHECK {cmp dword [esp],.ret32}, e
  CHECK {cmp dword [esp+4],UCODE32}, e
  CHECK {cmp dword [esp+8],0x33}, e
  CHECK {cmp dword [esp+12],0x22}, e
  CHECK {cmp dword [esp+16],0x11}, e
  CHECK {cmp dword [esp+20],STACK3-12}, e
  CHECK {cmp dword [esp+24],UDATA32}, e
  mov ebx,32
  retf 12
bits 16
.target16:
  CHECK {cmp esp,STACK_INNER-12}, e
  CHECK {cmp word [esp],R16(.ret16)}, e
  CHECK {cmp word [esp+2],UCODE16}, e
  CHECK {cmp word [esp+4],0x3344}, e
  CHECK {cmp word [esp+6],0x1122}, e
  CHECK {cmp word [esp+8],STACK3-4}, e
  CHECK {cmp word [esp+10],UDATA32}, e
  mov bx,16
  o16 retf 4
bits 32
.target_conforming:
  mov ax,cs
  CHECK {cmp ax,CONF|3}, e
  CHECK {cmp esp,STACK3-8}, e
  retf
ROM_END
