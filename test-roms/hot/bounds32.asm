; what: hot loops at the ends of pages and of code segments, and the counters of LOOP and JCXZ, 32-bit
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
%include "hot/paged.inc"
%include "hot/bounds_page.inc"
%include "hot/bounds_segment.inc"
%include "hot/counters.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  BOUNDS_OF_PAGES
  BOUNDS_OF_SEGMENTS
  COUNTERS
  PASS
HOT_END
