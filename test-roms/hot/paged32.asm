; what: code in hot loops through alias mappings and under changing mappings, 32-bit mode
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
%include "hot/paged.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  PAGED
  PASS
HOT_END
