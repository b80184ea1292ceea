; what: self-modifying code in hot loops of 64-bit mode: every kind of store, from every place
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/selfmod.inc"
start16:
  ENTER_HOT
main:
  SELFMOD
  PASS
HOT_END
