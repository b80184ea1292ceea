; what: FPU, MMX and SSE stores over running code in hot loops, 32-bit code
; cpu: pentium3 max
%define MODE 32
%include "hot.inc"
%include "hot/wide.inc"
start16:
  ENTER_HOT
main:
  WIDE
  PASS
HOT_END
