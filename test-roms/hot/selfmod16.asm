; what: self-modifying code in hot loops of 16-bit real mode: every kind of store, from every place
; cpu: 80486 max
%define MODE 16
%include "hot.inc"
%include "hot/selfmod.inc"
start16:
  ENTER_HOT
main:
  SELFMOD
  PASS
HOT_END
