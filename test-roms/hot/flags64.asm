; what: the arithmetic flags of instructions on qwords, through every reader, across blocks and in hot loops
; cpu: max
%define MODE 64
%define TABLE "hot/flags_64.inc"
%define OTHER 0xc000
%include "hot.inc"
%include "hot/flags.inc"
start16:
  ENTER_HOT
main:
  call flags_main
  PASS
HOT_END
