; what: double faults through an interrupt gate and a task gate, and the combinations that are none
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
TASK equ FREE
TSS2 equ 0xa000
start16:
  ENTER32
  mov ecx,0x3f8                        ; past the GDT's limit
  ; #GP whose gate is not present: #NP upon #GP, contributory upon contributory. The first EIP is kept.
  SET_GATE 13, CODE32, 0, 0x0e00
  FAULT 8, 0, {mov ds,cx}
  ; #GP whose gate names a selector past the limit: #GP upon #GP.
  SET_GATE 13, 0x3f8, 0, 0x8e00
  FAULT 8, 0, {mov ds,cx}
  ; #DE upon which #NP comes: contributory, too.
  SET_GATE 0, CODE32, 0, 0x0e00
  xor edx,edx
  xor ebx,ebx
  FAULT 8, 0, {div ebx}
  ; #UD is benign: the #NP it leads to is served alone, with the vector of the gate and EXT.
  SET_GATE 6, CODE32, 0, 0x0e00
  FAULT 11, 6*8+2+1, {ud2}
  ; INT n is no exception: no EXT.
  SET_GATE 0x30, CODE32, 0, 0x0e00
  FAULT 11, 0x30*8+2, {int 0x30}
  ; Through a task gate: works whatever the stack is. SS0 is unusable, so #GP at ring 3 ends in #TS upon #GP.
  SET_GATE 13, CODE32, stubs+13*stub_size, 0x8e00
  mov edi,TSS2
  xor eax,eax
  mov ecx,104/4
  rep stosd
  mov dword [TSS2+0x20],served         ; EIP
  mov dword [TSS2+0x24],2              ; EFLAGS
  mov dword [TSS2+0x38],0x6000         ; ESP
  mov dword [TSS2+0x48],DATA32         ; ES
  mov dword [TSS2+0x4c],CODE32
  mov dword [TSS2+0x50],DATA32
  mov dword [TSS2+0x54],DATA32
  SET_DESC TASK, (TSS2<<16)|103, 0x00008900
  SET_GATE 8, TASK, 0, 0x8500
  mov dword [TSS32+8],0
  ENTER_RING3
.at:
  cli
  NEVER
served:
  CHECK {cmp dword [esp],0}, e         ; the error code is on the new task's stack
  CHECK {cmp esp,0x6000-4}, e
  CHECK {cmp dword [TSS32+0x20],start16.at}, e
  CHECK {cmp word [TSS32+0x4c],UCODE32}, e
  CHECK {cmp dword [TSS32+0x38],STACK3}, e
  CHECK {cmp word [TSS2],TSSSEL}, e    ; back link
  pushfd
  pop eax
  CHECK {test eax,0x4000}, nz          ; NT
  CHECK {test byte [GDT+TSSSEL+5],2}, nz
  CHECK {test byte [GDT+TASK+5],2}, nz ; both busy
  PASS
ROM_END
