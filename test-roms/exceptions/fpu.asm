; what: #NM, #MF, #XM and #UD of the floating-point units
; cpu: pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  mov eax,cr0
  or eax,0x20                          ; NE: report errors as exception 16
  and eax,~0xe                         ; TS, EM, MP off
  mov cr0,eax
  fninit

  ; TS: every x87, MMX and SSE instruction is refused; WAIT only with MP, too.
  mov eax,cr4
  or eax,0x600                         ; OSFXSR, OSXMMEXCPT
  mov cr4,eax
  mov eax,cr0
  or eax,8
  mov cr0,eax
  FAULT 7, 0, {fld1}
  FAULT 7, 0, {fnstcw [VARS]}
  FAULT 7, 0, {paddb mm0,mm1}
  FAULT 7, 0, {addps xmm0,xmm1}
  wait                                 ; MP = 0: not refused
  mov eax,cr0
  or eax,2
  mov cr0,eax
  FAULT 7, 0, {wait}
  clts
  smsw ax
  CHECK {test al,8}, z
  wait

  ; EM: x87 gives #NM, MMX and SSE give #UD.
  mov eax,cr0
  or eax,4
  mov cr0,eax
  FAULT 7, 0, {fld1}
  FAULT 6, 0, {paddb mm0,mm1}
  FAULT 6, 0, {addps xmm0,xmm1}
  mov eax,cr0
  and eax,~4
  mov cr0,eax

  ; An unmasked division by zero waits for the next waiting instruction.
  fninit
  mov word [VARS],0x037b               ; ZM = 0
  fldcw [VARS]
  fld1
  fldz
.divide:
  fdivp st1,st0
  FAULT 16, 0, {fld1}
  FAULT 16, 0, {wait}
  fnstsw ax
  and ax,0x84
  CHECK {cmp ax,0x84}, e               ; ES and ZE
  fnstenv [VARS]                       ; points to the instruction that erred; masks everything
  CHECK {cmp dword [VARS+12],.divide}, e
  fnclex
  wait
  fninit

  ; SSE: #XM at the instruction itself; without OSXMMEXCPT it is #UD, without OSFXSR no SSE at all.
  mov dword [VARS],0x1d80              ; ZM = 0
  ldmxcsr [VARS]
  xorps xmm1,xmm1
  mov dword [VARS+4],0x3f800000
  movss xmm0,[VARS+4]
  FAULT 19, 0, {divss xmm0,xmm1}
  stmxcsr [VARS+8]
  CHECK {cmp dword [VARS+8],0x1d84}, e
  movss [VARS+8],xmm0
  CHECK {cmp dword [VARS+8],0x3f800000}, e
  mov dword [VARS+8],0x1d80
  ldmxcsr [VARS+8]
  mov dword [VARS+12],0xffff0000       ; reserved bits
  FAULT 13, 0, {ldmxcsr [VARS+12]}
  mov eax,cr4
  and eax,~0x400
  mov cr4,eax
  FAULT 6, 0, {divss xmm0,xmm1}
  mov eax,cr4
  and eax,~0x200
  mov cr4,eax
  FAULT 6, 0, {movss xmm0,xmm1}
  FAULT 6, 0, {ldmxcsr [VARS+8]}
  PASS
ROM_END
