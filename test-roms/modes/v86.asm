; what: virtual-8086 mode: entry, segments, IOPL-sensitive instructions, INT through the IDT, ports, leaving
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
; Enters virtual-8086 mode at F000:%1 with EFLAGS %2 (VM is added).
%macro ENTER_V86 2
  push dword 0x4444      ; GS
  push dword 0x3333      ; FS
  push dword 0x0a00      ; DS
  push dword 0x2222      ; ES
  push dword 0x0800      ; SS: 8000h
  push dword 0x0ff0      ; SP
  push dword 0x20002|(%2)
  push dword 0xf000
  push dword R16(%1)
  iretd
%endmacro
; Runs %3 in virtual-8086 mode with EFLAGS %2: it must raise #GP(%1).
%macro V86FAULT 3+
  NEXT_CHECK
  mov dword [RESUME],%%after
  ENTER_V86 %%in,%2
bits 16
%%in:
  %3
  nop
bits 32
%%after:
  EXPECT_GOT 13, %1, R16(%%in)
  CHECK {test dword [GOT_FLAGS],0x20000}, nz
%endmacro
start16:
  ENTER32
  ; Segments are base and 64-KiB limit; registers come from the frame.
  SET_GATE 0x60, CODE32, .monitor, 0xee00
  ENTER_V86 .in, 0x3000
bits 16
.in:
  mov ax,es
  CHECK {cmp ax,0x2222}, e
  mov ax,gs
  CHECK {cmp ax,0x4444}, e
  mov word [0x10],0xabcd               ; DS = 0A00h: A010h
  mov ax,0x0a01
  mov es,ax
  CHECK {cmp word [es:0],0xabcd}, e
  push ax
  CHECK {cmp word [ss:0xfee],0x0a01}, e
  pop ax
  jmp 0xf000:R16(.far)
.far:
  int 0x60                             ; IOPL 3: through the IDT to ring 0
.v86_back:
  CHECK {cmp ax,0x6060}, e
  mov ax,ds
  CHECK {cmp ax,0x0a00}, e             ; IRETD brought them back
  cli
  sti
  pushf
  pop bx
  CHECK {test bx,0x200}, nz
  CHECK {test bx,0x3000}, nz
  push word 0x0002                     ; POPF may not change IOPL
  popf
  pushf
  pop bx
  and bx,0x3200
  CHECK {cmp bx,0x3000}, e
  push word 0x3002
  push word 0xf000
  push word R16(.v86_iret)
  iret
.v86_iret:
  mov ebx,0x12345
  a32 mov al,[0x100]
  int 0x61                             ; a gate of DPL 0: not for us
bits 32
.monitor:
  CHECK {cmp esp,STACK_INNER-36}, e
  CHECK {cmp dword [esp],R16(.v86_back)}, e
  CHECK {cmp dword [esp+4],0xf000}, e
  CHECK {test dword [esp+8],0x20000}, nz
  CHECK {cmp dword [esp+12],0xff0}, e
  CHECK {cmp dword [esp+16],0x800}, e
  CHECK {cmp dword [esp+20],0x0a01}, e ; ES
  CHECK {cmp dword [esp+24],0x0a00}, e ; DS
  CHECK {cmp dword [esp+28],0x3333}, e
  CHECK {cmp dword [esp+32],0x4444}, e
  mov ax,ds
  CHECK {cmp ax,0}, e                  ; all four are null now
  mov ax,gs
  CHECK {cmp ax,0}, e
  pushfd
  pop eax
  CHECK {test eax,0x20000}, z
  mov ax,DATA32
  mov ds,ax
  mov dword [RESUME],.refused
  mov dword [IDT32+8*0x61],(CODE32<<16)|0xffff
  mov dword [IDT32+8*0x61+4],0x8e00
  mov ax,0x6060
  iretd
.refused:
  NEXT_CHECK
  cmp dword [GOT_VEC],13
  je .vector
  FAIL
.vector:
  CHECK {cmp dword [GOT_ERR],0x61*8+2}, e
  ; With IOPL < 3: #GP(0) for CLI, STI, PUSHF, POPF, INT n, IRET; INT3 and INTO go through.
  V86FAULT 0, 0, {cli}
  V86FAULT 0, 0, {sti}
  V86FAULT 0, 0, {pushf}
  V86FAULT 0, 0, {popf}
  V86FAULT 0, 0, {int 0x20}
  V86FAULT 0, 0, {iret}
  V86FAULT 0, 0, {o32 pushf}
  V86FAULT 0, 0x3000, {hlt}
  V86FAULT 0, 0x3000, {mov eax,cr0}
  V86FAULT 0, 0x3000, {lgdt [0]}
  V86FAULT 0, 0x3000, {clts}
  ; Ports: the bitmap alone decides, whatever IOPL.
  V86FAULT 0, 0x3000, {in al,0x80}
  V86FAULT 0, 0x3000, {mov ax,[0xffff]}
  NEXT_CHECK
  mov dword [RESUME],.int3
  ENTER_V86 .in3, 0
bits 16
.in3:
  int3
.behind3:
  nop
bits 32
.int3:
  EXPECT_GOT 3, 0, R16(.behind3)
  ; Instructions for protected mode only are undefined here.
  NEXT_CHECK
  mov dword [RESUME],.ud
  ENTER_V86 .in6, 0x3000
bits 16
.in6:
  sldt ax
bits 32
.ud:
  EXPECT_GOT 6, 0, R16(.in6)
  ; A gate to a ring other than 0 is refused: #GP with its code selector.
  SET_GATE 0x62, UCODE32, .monitor, 0xee00
  NEXT_CHECK
  mov dword [RESUME],.ring3
  ENTER_V86 .in_ring3, 0x3000
bits 16
.in_ring3:
  int 0x62
bits 32
.ring3:
  EXPECT_GOT 13, UCODE32 & ~3, R16(.in_ring3)
  PASS
ROM_END
