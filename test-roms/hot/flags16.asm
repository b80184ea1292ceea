; what: the arithmetic flags of instructions on words, through every reader, across blocks and in hot loops
; cpu: pentium3 max
%define MODE 16
%define TABLE "hot/flags_16.inc"
%define OTHER 0xc000
%include "hot.inc"
%include "hot/flags.inc"
start16:
  ENTER_HOT
main:
  call flags_main
  PASS
HOT_END
