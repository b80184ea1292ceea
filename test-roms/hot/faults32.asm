; what: exceptions in the middle of hot loops of protected mode: registers, flags, the saved pointer
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
%include "hot/faults.inc"
%include "hot/faults_int.inc"
%include "hot/faults_page.inc"
start16:
  ENTER_HOT
main:
  ENTER_PAGED
  FAULTS_OF_ALL_MODES
  PAGE_FAULTS
  PASS
HOT_END
