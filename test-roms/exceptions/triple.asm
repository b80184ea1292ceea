; what: a fault without a double-fault handler shuts the processor down
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
; end: triple-fault
%include "rom.inc"
start16:
  ENTER32
  SET_GATE 13, CODE32, 0, 0x0e00
  SET_GATE 8, CODE32, 0, 0x0e00
  mov ax,0x3f8
  mov ds,ax
  NEVER
ROM_END
