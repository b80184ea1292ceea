; what: NMI: not masked by IF, not nested before IRET, held by the shadow of MOV SS
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  SET_GATE 2, CODE32, .handler, 0x8e00
  mov dword [VARS],0
  mov dword [VARS+4],0
  cli
  mov al,1
  out 0xf6,al
.first:
  nop
  CHECK {cmp dword [VARS],2}, e        ; one, and the one that came up inside it
  CHECK {cmp dword [VARS+4],0}, e      ; never two at a time
  CHECK {cmp dword [VARS+8],.first}, e
  ; Behind a far return it is still blocked: only IRET opens it again.
  SET_GATE 2, CODE32, .no_iret, 0x8e00
  mov dword [VARS],0
  mov al,1
  out 0xf6,al
.second:
  out 0xf6,al
  nop
  nop
  CHECK {cmp dword [VARS],1}, e
  pushfd
  push dword CODE32
  push dword .open
  iretd
.open:
  nop
  CHECK {cmp dword [VARS],2}, e
  PASS
.handler:
  inc dword [VARS+4]
  inc dword [VARS]
  cmp dword [VARS],1
  jne .last
  mov eax,[esp]
  mov [VARS+8],eax
  mov al,1
  out 0xf6,al                          ; held until IRET
  nop
  nop
.last:
  cmp dword [VARS+4],1
  jne .nested
  dec dword [VARS+4]
.nested:
  iretd
.no_iret:
  inc dword [VARS]
  pop eax
  add esp,4
  popfd
  jmp eax
ROM_END
