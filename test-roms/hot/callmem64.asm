; what: calls through the slot of their return address, to a target that is not canonical, hot, 64-bit
; cpu: x86-64-v1 max
%define MODE 64
%include "hot.inc"
%include "hot/callmem.inc"
start16:
  ENTER_HOT
main:
  CALLS_THROUGH_THE_SLOT 0x8000000000000000
  PASS
HOT_END
