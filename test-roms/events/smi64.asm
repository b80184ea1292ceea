; what: SMI: the handler's mode, the state save map of 64-bit processors, SMBASE relocation, RSM
; cpu: x86-64-v1 x86-64-v2 max
%include "rom.inc"
SAVED_IP equ 0xff78        ; from SMBASE
SAVED_AX equ 0xfff8
REVISION equ 0x64
start16:
  ENTER32
  mov edi,0x38000
  call copy
  mov edi,0x68000
  call copy
  FAULT 6, 0, {rsm}                    ; outside system management mode
  mov dword [VARS],0
  mov ebx,0x13572468
  mov esp,0x6ff0
  sti
  mov eax,0x11110002
  out 0xf6,al
.interrupted:
  CHECK {cmp dword [VARS],1}, e
  CHECK {cmp dword [VARS+4],.interrupted}, e
  CHECK {cmp dword [VARS+8],0x3000}, e ; CS
  CHECK {test dword [VARS+12],0xfff20700}, z ; EFLAGS
  CHECK {test dword [VARS+16],0x80000001}, z ; CR0
  CHECK {cmp eax,0x22220002}, e        ; as the handler wrote it
  CHECK {cmp ebx,0x13572468}, e
  CHECK {cmp esp,0x6ff0}, e
  mov ax,cs
  CHECK {cmp ax,CODE32}, e
  pushfd
  pop eax
  CHECK {test eax,0x200}, nz
  cli
  CHECK {cmp dword [0x400],0x600df00d}, e
  CHECK {cmp word [VARS+20],REVISION}, e
  ; The next one comes at the new SMBASE, 60000h.
  mov al,2
  out 0xf6,al
  nop
  CHECK {cmp dword [VARS],2}, e
  CHECK {cmp dword [VARS+8],0x6000}, e
  ; Faults are served again as before.
  FAULT 6, 0, {ud2}
  PASS
copy:
  mov esi,handler
  mov ecx,handler_end-handler
  rep movsb
  ret
; 16-bit code at SMBASE + 8000h; segments have base 0 (CS: SMBASE) and 4 GiB.
bits 16
handler:
  inc dword [dword VARS]
  mov eax,[cs:dword SAVED_IP]
  mov [dword VARS+4],eax
  xor eax,eax
  mov ax,cs
  mov [dword VARS+8],eax
  mov sp,0x5000
  o32 pushf
  pop dword [dword VARS+12]
  mov eax,cr0
  mov [dword VARS+16],eax
  mov ax,[cs:dword 0xfefc]
  mov [dword VARS+20],ax
  mov dword [dword 0x400],0x600df00d
  mov dword [dword 0x123450],1         ; past 64 KiB
  mov word [cs:dword SAVED_AX+2],0x2222
  mov dword [cs:dword 0xff00],0x60000
  mov ebx,0                            ; RSM brings it back
  rsm
handler_end:
bits 32
ROM_END
