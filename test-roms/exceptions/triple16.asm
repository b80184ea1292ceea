; what: an interrupt past the limit of the table in real mode, with no room for #GP and #DF either, shuts the processor down
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
; end: triple-fault
%include "rom.inc"
start16:
  o32 lidt [cs:dword R16(.none)]
  int 0x20
  NEVER
.none:
  dw 3
  dd 0
ROM_END
