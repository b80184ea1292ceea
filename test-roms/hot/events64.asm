; what: single steps, breakpoints, the shadow of STI and interrupts at uneven distances in hot loops, 64-bit
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/events.inc"
start16:
  ENTER_HOT
main:
  EVENTS
  PASS
HOT_END
