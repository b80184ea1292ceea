; what: calls through the slot of their return address, to a target behind the code segment, hot, 32-bit
; cpu: 80386 max
%define MODE 32
%include "hot.inc"
%include "hot/callmem.inc"
%define LIMITED FREE
start16:
  ENTER_HOT
main:
  mov dword [GDT+LIMITED],0x0000ffff
  mov dword [GDT+LIMITED+4],0x00409a00
  CALLS_THROUGH_THE_SLOT 0x12345
  PASS
HOT_END
