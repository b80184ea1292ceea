; what: virtual-mode extensions: the redirection bitmap, VIF and VIP in virtual-8086 mode; protected-mode virtual interrupts
; cpu: pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
BITMAP equ 104
REDIR equ TSS32+BITMAP-32
%macro ENTER_V86 2
  push dword 0
  push dword 0
  push dword 0
  push dword 0
  push dword 0x0800
  push dword 0x0ff0
  push dword 0x20002|(%2)
  push dword 0xf000
  push dword R16(%1)
  iretd
%endmacro
start16:
  ENTER32
  ; The redirection bitmap lies below the I/O bitmap. 0: INT 20h stays in the virtual-8086 task.
  mov word [TSS32+102],BITMAP+32
  mov dword [TSS32+BITMAP+32],0
  SET_DESC TSSSEL, 0x30000000|(BITMAP+32+4), 0x00008900
  mov ax,TSSSEL
  ltr ax
  mov edi,TSS32+BITMAP
  mov ecx,32/4
  xor eax,eax
  rep stosd
  mov byte [TSS32+BITMAP+0x61/8],1<<(0x61&7)
  mov eax,cr4
  or al,1                              ; VME
  mov cr4,eax
  mov word [0x20*4],R16(.int20)
  mov word [0x20*4+2],0xf000
  SET_GATE 0x61, CODE32, .int61, 0xee00
  ; IOPL 3: a redirected INT pushes FLAGS with the real IF and clears it.
  mov dword [RESUME],.done3
  ENTER_V86 .in3, 0x3200
bits 16
.in3:
  int 0x20
.back3:
  CHECK {cmp cx,0x20}, e
  pushf
  pop ax
  CHECK {test ax,0x200}, nz
  int 0x61                             ; bit set: through the IDT
  CHECK {cmp dx,0x61}, e
  cli
  ud2
bits 32
.done3:
  ; IOPL 0: redirected as well; VIF takes IF's place.
  NEXT_CHECK
  mov dword [RESUME],.done0
  ENTER_V86 .in0, 0x80000              ; VIF = 1
bits 16
.in0:
  pushf                                ; shows VIF as IF, and IOPL 3
  pop ax
  CHECK {and ax,0x3200}, nz
  CHECK {cmp ax,0x3200}, e
  xor cx,cx
  int 0x20
  CHECK {cmp cx,0x20}, e
  pushf
  pop ax
  CHECK {test ax,0x200}, nz
  cli
  pushf
  pop ax
  CHECK {test ax,0x200}, z
  sti
  push word 0x0002
  popf
  pushf
  pop ax
  CHECK {test ax,0x200}, z
.at_ud:
  ud2
bits 32
.done0:
  EXPECT_GOT 6, 0, R16(.at_ud)
  CHECK {test dword [GOT_FLAGS],0x80000}, z
  CHECK {test dword [GOT_FLAGS],0x3200}, z
  ; A pending virtual interrupt: STI with VIP is #GP(0).
  NEXT_CHECK
  mov dword [RESUME],.donep
  ENTER_V86 .inp, 0x100000
bits 16
.inp:
  sti
bits 32
.donep:
  EXPECT_GOT 13, 0, R16(.inp)
  ; IOPL 0 and the bit set: #GP(0).
  NEXT_CHECK
  mov dword [RESUME],.doneb
  ENTER_V86 .inb, 0
bits 16
.inb:
  int 0x61
bits 32
.doneb:
  EXPECT_GOT 13, 0, R16(.inb)
  ; 32-bit PUSHF is not virtualized.
  NEXT_CHECK
  mov dword [RESUME],.donef
  ENTER_V86 .inf, 0
bits 16
.inf:
  o32 pushf
bits 32
.donef:
  EXPECT_GOT 13, 0, R16(.inf)
  ; CR4.PVI: CLI and STI of ring 3 move VIF.
  mov eax,cr4
  and al,0xfe
  or al,2
  mov cr4,eax
  ENTER_RING3
  sti
  FAULT 6, 0, {ud2}
  CHECK {test dword [GOT_FLAGS],0x80000}, nz
  CHECK {test dword [GOT_FLAGS],0x200}, z
  ENTER_RING3 0x80000
  cli
  FAULT 6, 0, {ud2}
  CHECK {test dword [GOT_FLAGS],0x80000}, z
  ENTER_RING3 0x100000
  FAULT 13, 0, {sti}
  PASS
bits 16
.int20:
  push bp
  mov bp,sp
  CHECK {cmp word [bp+4],0xf000}, e
  CHECK {test word [bp+6],0x200}, nz
  CHECK {test word [bp+6],0x3000}, nz
  pop bp
  mov cx,0x20
  pushf
  pop ax
  CHECK {test ax,0x200}, z
  iret
bits 32
.int61:
  mov edx,0x61
  iretd
ROM_END
