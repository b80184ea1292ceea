; what: exceptions in the middle of hot loops of real mode: registers, flags, the saved pointer
; cpu: 80486 max
%define MODE 16
%include "hot.inc"
%include "hot/faults.inc"
%include "hot/faults_int.inc"
%include "hot/faults_real.inc"
start16:
  ENTER_HOT
main:
  FAULTS_OF_ALL_MODES
  REAL_FAULTS
  PASS
HOT_END
