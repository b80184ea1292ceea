; what: self-modifying code in hot loops of 32-bit protected mode with 4-KiB pages: every kind of store, from every place
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
%include "hot/paged.inc"
%include "hot/selfmod.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  SELFMOD
  PASS
HOT_END
