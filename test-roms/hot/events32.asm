; what: single steps, breakpoints, the shadow of STI and interrupts at uneven distances in hot loops, 32-bit
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
%include "hot/events.inc"
start16:
  ENTER_HOT
main:
  EVENTS
  PASS
HOT_END
