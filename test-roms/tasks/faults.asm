; what: task switches that fail: before the switch, and in the new task with its bad segments; CR3 and the LDT of a TSS
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
A     equ FREE           ; TSS at A000h
LDTSEL equ FREE+8
BAD   equ FREE+16
TSSA  equ 0xa000
PD    equ 0x20000        ; identity
PT    equ 0x21000
PDA   equ 0x22000        ; the same, but for 40000h
PTA   equ 0x23000
H     equ FREE+24        ; the handler's TSS at A100h
TSSH  equ 0xa100
; The switch to A must raise vector %1 with error code %2 in the new task, before its first instruction. Another task serves
; it, since the new one may have no stack.
%macro TASKFAULT 2
  SET_GATE %1, H, 0, 0x8500
  mov dword [TSSH+0x20],%%served
  NEXT_CHECK
  jmp A:0
  FAIL
%%served:
  CHECK {cmp dword [esp],%2}, e
  CHECK {cmp word [TSSH],A}, e         ; A was the task that erred
  CHECK {cmp dword [TSSA+0x20],task}, e
  SET_GATE %1, CODE32, stubs+(%1)*stub_size, 0x8e00
  call prepare
%endmacro
start16:
  ENTER32
  SET_DESC LDTSEL, (0xb000<<16)|15, 0x00008200
  mov dword [0xb008],0x0000ffff
  mov dword [0xb00c],0x00cf9300
  SET_DESC BAD, 0x0000ffff, 0x00cf1200 ; data, not present
  call prepare
  ; CS: null, data, RPL and DPL different, not present.
  mov dword [TSSA+0x4c],0
  TASKFAULT 10, 0
  mov dword [TSSA+0x4c],DATA32
  TASKFAULT 10, DATA32
  mov dword [TSSA+0x4c],UCODE32 & ~3
  TASKFAULT 10, UCODE32 & ~3
  SET_DESC BAD, 0x0000ffff, 0x00cf1a00
  mov dword [TSSA+0x4c],BAD
  TASKFAULT 11, BAD
  ; SS: null, read-only, another ring's, not present.
  mov dword [TSSA+0x50],0
  TASKFAULT 10, 0
  mov dword [TSSA+0x50],CODE32
  TASKFAULT 10, CODE32
  mov dword [TSSA+0x50],UDATA32
  TASKFAULT 10, UDATA32 & ~3
  SET_DESC BAD, 0x0000ffff, 0x00cf1200
  mov dword [TSSA+0x50],BAD
  TASKFAULT 12, BAD
  ; DS, ES, FS, GS: past the limit, not readable, not present.
  mov dword [TSSA+0x54],0x3f8
  TASKFAULT 10, 0x3f8
  mov dword [TSSA+0x48],TSSSEL
  TASKFAULT 10, TSSSEL
  mov dword [TSSA+0x5c],BAD
  TASKFAULT 11, BAD
  ; LDT: not one, not present.
  mov dword [TSSA+0x60],DATA32
  TASKFAULT 10, DATA32
  SET_DESC LDTSEL, (0xb000<<16)|15, 0x00000200
  mov dword [TSSA+0x60],LDTSEL
  TASKFAULT 10, LDTSEL
  SET_DESC LDTSEL, (0xb000<<16)|15, 0x00008200
  ; EIP past the limit of CS: #GP(0) in the new task.
  SET_DESC BAD, 0x000000ff, 0x00409a00
  mov dword [TSSA+0x4c],BAD
  TASKFAULT 13, 0
  ; CR3 comes from the TSS when paging is on: 40000h is another page there.
  mov edi,PT
  call identity
  mov edi,PTA
  call identity
  mov dword [PD],PT|7
  mov dword [PDA],PTA|7
  mov dword [PTA+4*0x40],0x50007
  mov dword [0x40000],0x40404040
  mov dword [0x50000],0x50505050
  PAGING_ON PD
  CHECK {cmp dword [0x40000],0x40404040}, e
  mov dword [TSSA+0x1c],PDA
  mov dword [TSSA+0x20],.in_a
  mov dword [TSS32+0x1c],PD            ; a switch does not save CR3
  call A:0
  CHECK {cmp dword [0x40000],0x40404040}, e
  mov eax,cr3
  CHECK {cmp eax,PD}, e
  PASS
.in_a:
  CHECK {cmp dword [0x40000],0x50505050}, e
  mov eax,cr3
  CHECK {cmp eax,PDA}, e
  iretd
  NEVER
task:
  NEVER
; Makes both tasks fresh; the running task, whichever it is, becomes the one of TSSSEL.
prepare:
  SET_DESC A, (TSSA<<16)|103, 0x00008900
  SET_DESC H, (TSSH<<16)|103, 0x00008900
  SET_DESC TSSSEL, (TSS32<<16)|103, 0x00008900
  mov ax,TSSSEL
  ltr ax
  pushfd
  and dword [esp],~0x4000              ; NT
  popfd
  mov edi,TSSA
  xor eax,eax
  mov ecx,0x200/4
  rep stosd
  mov edx,TSSA
  call .fill
  mov edx,TSSH
.fill:
  mov dword [edx+0x20],task
  mov dword [edx+0x24],2
  lea eax,[edx*2-TSSA*2+0x5800]        ; ESP: 5800h and 5A00h
  mov [edx+0x38],eax
  mov dword [edx+0x48],DATA32
  mov dword [edx+0x4c],CODE32
  mov dword [edx+0x50],DATA32
  mov dword [edx+0x54],DATA32
  ret
identity:
  mov eax,7
  mov ecx,1024
.fill:
  stosd
  add eax,0x1000
  loop .fill
  ret
ROM_END
