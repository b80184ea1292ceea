; what: FPU, MMX and SSE stores over running code in hot loops, 64-bit code
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/wide.inc"
start16:
  ENTER_HOT
main:
  WIDE
  PASS
HOT_END
