; what: hot loops at the ends of pages, and the counters of LOOP and JCXZ, 64-bit
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/paged.inc"
%include "hot/bounds_page.inc"
%include "hot/counters.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  BOUNDS_OF_PAGES
  COUNTERS
  PASS
HOT_END
