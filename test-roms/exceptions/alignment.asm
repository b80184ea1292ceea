; what: alignment checks at ring 3 with AM and AC, and nowhere else
; cpu: 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  mov eax,cr0
  or eax,0x40000                       ; AM
  mov cr0,eax
  pushfd
  or dword [esp],0x40000               ; AC: of no effect at ring 0
  popfd
  mov eax,[VARS+1]
  ENTER_RING3 0x40000
  FAULT 17, 0, {mov eax,[VARS+1]}
  ENTER_RING3 0x40000
  FAULT 17, 0, {mov [VARS+3],ax}
  ENTER_RING3 0x40000
  FAULT 17, 0, {add dword [VARS+2],1}
  ENTER_RING3 0x40000
  mov al,[VARS+1]                      ; bytes are always aligned
  mov ax,[VARS+2]
  mov eax,[VARS+4]
  pushfd
  and dword [esp],~0x40000
  popfd
  mov eax,[VARS+1]                     ; AC = 0
  mov esp,STACK3-1
  pushfd                               ; still without checks
  or dword [esp],0x40000
  FAULT 6, 0, {ud2}
  mov eax,cr0
  and eax,~0x40000
  mov cr0,eax
  ENTER_RING3 0x43000
  mov eax,[VARS+1]                     ; AM = 0
  CHECK {cmp esp,STACK3}, e
  PASS
ROM_END
