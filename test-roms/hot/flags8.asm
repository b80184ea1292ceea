; what: the arithmetic flags of instructions on bytes, through every reader, across blocks and in hot loops
; cpu: pentium3 max
%define MODE 32
%define TABLE "hot/flags_8.inc"
%define OTHER 0xc000
%include "hot.inc"
%include "hot/flags.inc"
start16:
  ENTER_HOT
main:
  call flags_main
  PASS
HOT_END
