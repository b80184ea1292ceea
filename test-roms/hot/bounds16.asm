; what: hot loops around offset FFFFh, and the counters of LOOP and JCXZ, real mode
; cpu: 80486 max
%define MODE 16
%include "hot.inc"
%include "hot/bounds_real.inc"
%include "hot/counters.inc"
start16:
  ENTER_HOT
main:
  BOUNDS_OF_REAL_MODE
  COUNTERS
  PASS
HOT_END
