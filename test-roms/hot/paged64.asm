; what: code in hot loops through alias mappings and under changing mappings, 64-bit mode
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/paged.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  PAGED
  PASS
HOT_END
