; what: a loop of two blocks, of which the first writes to data beside the second, in the same 64 bytes
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
start16:
  ENTER_HOT
main:
  mov ecx,20000
  xor eax,eax
  jmp beside
align 64
beside:
  mov [datum],ecx
  test ecx,ecx
  js bad
%rep 25
  add eax,2
%endrep
  dec ecx
  jnz beside
  cmp eax,20000*50
  jne bad
  cmp dword [datum],1
  jne bad
  PASS
datum:
  dd 0
bad:
  mov al,1
  END_ROM
HOT_END
