; what: page faults of FPU and SSE instructions and their own errors in hot loops of 64-bit mode
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/faults.inc"
%include "hot/faults_int.inc"
%include "hot/faults_page.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  PAGE_FAULTS_SSE
  PASS
HOT_END
