; what: loops of blocks, each with a branch that is not taken: lying one behind the other, and with a jump between each and the next
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
start16:
  ENTER_HOT
main:
  mov ecx,20000
  xor eax,eax
again:
%rep 4
  add eax,3
  test eax,eax
  js bad
%endrep
  dec ecx
  jnz again
  cmp eax,240000
  jne bad

  mov ecx,20000
apart:
%assign n 0
%rep 4
  sub eax,3
  js bad
  jmp next%[n]
  int3
next%[n]:
%assign n n+1
%endrep
  dec ecx
  jnz apart
  test eax,eax
  jnz bad
  PASS
bad:
  mov al,1
  END_ROM
HOT_END
