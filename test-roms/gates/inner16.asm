; what: 16-bit gates and a 16-bit TSS under 32-bit processors: frames of inner privilege, IRET and RETF of 16 bits outwards
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
UCODE16 equ FREE | 3
UDATA16 equ FREE+8 | 3
TSS16 equ FREE+16
TSSB equ 0xa000
start16:
  ENTER32
  SET_DESC UCODE16, 0x0000ffff, 0x0000fb0f
  SET_DESC UDATA16, 0x0000ffff, 0x0000f300
  SET_DESC TSS16, (TSSB<<16)|43, 0x00008100
  mov edi,TSSB
  xor eax,eax
  mov ecx,12
  rep stosd
  mov word [TSSB+2],0x5f00             ; SP0
  mov word [TSSB+4],DATA32
  mov ax,TSS16
  ltr ax
  SET_GATE 0x40, CODE16, R16(.int16), 0xe600
  SET_GATE 0x41, CODE32, .int32, 0xee00
  ; To 16-bit code of ring 3 by a 16-bit IRET.
  push word UDATA16
  push word 0x8800
  push word 0x3202
  push word UCODE16
  push word R16(.user)
  o16 iret
bits 16
.user:
  CHECK {cmp sp,0x8800}, e
  mov ax,ss
  CHECK {cmp ax,UDATA16}, e
  pushf
  pop ax
  CHECK {test ax,0x200}, nz
  cli
  int 0x40
.ret16:
  CHECK {cmp sp,0x8800}, e
  CHECK {cmp bx,0x16}, e
  ; A 32-bit gate takes SP0 of the 16-bit TSS as well, and its frame is 32-bit.
  int 0x41
.ret32:
  CHECK {cmp sp,0x8800}, e
  CHECK {cmp bx,0x32}, e
  jmp dword UCODE32:.flat
bits 32
.flat:
  mov eax,UDATA32                      ; IRET nulled it
  mov ds,ax
  mov esp,0x8800
  FAULT 6, 0, {ud2}
  CHECK {cmp dword [GOT_SP],0x8800}, e
  CHECK {cmp dword [GOT_AT],0x5f00-24}, e
  ; RETF of 16 bits to ring 3 with a parameter.
  push word UDATA16
  push word 0x8700
  push word 0x9999
  push word UCODE16
  push word R16(.user2)
  o16 retf 2
bits 16
.user2:
  CHECK {cmp sp,0x8702}, e             ; the outer stack loses it, too
  PASS
.int16:
  CHECK {cmp sp,0x5f00-10}, e
  CHECK {cmp word [esp],R16(.ret16)}, e
  CHECK {cmp word [esp+2],UCODE16}, e
  CHECK {cmp word [esp+6],0x8800}, e
  CHECK {cmp word [esp+8],UDATA16}, e
  mov bx,0x16
  o16 iret
bits 32
.int32:
  CHECK {cmp esp,0x5f00-20}, e
  CHECK {cmp dword [esp],R16(.ret32)}, e
  CHECK {cmp word [esp+4],UCODE16}, e
  CHECK {cmp dword [esp+12],0x8800}, e
  CHECK {cmp word [esp+16],UDATA16}, e
  mov bx,0x32
  iretd
ROM_END
