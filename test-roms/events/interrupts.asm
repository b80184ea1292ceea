; what: external interrupts: shadows of STI and MOV SS, HLT, REP interrupted in the middle, priorities, real mode
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
; Needs the alarm of the test machine: a byte n to port F5h raises INTR with vector 20h n nanoseconds later.
%include "rom.inc"
%macro ALARM 1           ; in %1 ns: 5 ns are an instruction
  mov al,%1
  out 0xf5,al
%endmacro
start16:
  ; Real mode: HLT is left by an interrupt; the saved IP is behind it.
  mov word [0x20*4],R16(.real)
  mov word [0x20*4+2],0xf000
  ALARM 100
  sti
  hlt
.behind:
  cli
  CHECK {cmp word [VARS],R16(.behind)}, e
  ENTER32
  SET_GATE 0x20, CODE32, .handler, 0x8e00
  ; IF = 0 holds it back; STI lets it in behind the next instruction.
  mov dword [VARS],0
  ALARM 5
  nop
  nop
  nop
  CHECK {cmp dword [VARS],0}, e
  sti
  nop
.sti_next:
  nop
  cli
  CHECK {cmp dword [VARS],.sti_next}, e
  ; STI; CLI lets nothing in.
  mov dword [VARS],0
  ALARM 5
  nop
  nop
  nop
  sti
  cli
  nop
  nop
  CHECK {cmp dword [VARS],0}, e
  ; POPF casts no shadow.
  push dword 0x202
  popfd
.popf_next:
  nop
  cli
  CHECK {cmp dword [VARS],.popf_next}, e
  ; MOV SS and POP SS.
  mov dword [VARS],0
  ALARM 5
  nop
  nop
  nop
  mov cx,ss
  push dword 0x202
  sti
  mov ss,cx                            ; the shadow of STI ends here, that of MOV SS begins
  nop
.ss_next:
  nop
  cli
  add esp,4
  CHECK {cmp dword [VARS],.ss_next}, e
  ; STI; HLT: the interrupt comes when the processor is halted, never before.
  mov dword [VARS],0
  ALARM 5
  nop
  nop
  nop
  sti
  hlt
.hlt_next:
  cli
  CHECK {cmp dword [VARS],.hlt_next}, e
  ; REP: interrupted between two iterations, EIP at the instruction, RF pushed; finished afterwards.
  mov dword [VARS],0
  mov edi,0x20000
  mov ecx,1000
  mov ebx,ecx
  ALARM 200
  sti
.rep:
  rep stosd
  cli
  CHECK {cmp dword [VARS],.rep}, e
  CHECK {test dword [VARS+8],0x10000}, nz
  CHECK {cmp ecx,0}, e
  CHECK {cmp edi,0x20000+4000}, e
  mov eax,[VARS+12]                    ; ECX then
  CHECK {test eax,eax}, nz
  CHECK {cmp eax,1000}, b
  ; A loop that only an interrupt ends, and a handler that sees EFLAGS of the interrupted code.
  mov dword [VARS],0
  ALARM 255
  sti
.wait:
  cmp dword [VARS],0
  je .wait
  cli
  CHECK {test dword [VARS+8],0x200}, nz
  CHECK {cmp dword [VARS+4],CODE32}, e
  ; From ring 3.
  mov dword [VARS],0
  mov word [IDT32+8*0x20+4],0x8e00     ; the gate's DPL does not matter
  ENTER_RING3 0x3200
  ALARM 50
.wait3:
  cmp dword [VARS],0
  je .wait3
  cli
  CHECK {cmp dword [VARS+4],UCODE32}, e
  CHECK {cmp dword [VARS+16],STACK_INNER-20}, e
  PASS
.handler:
  push eax
  push ds
  mov ax,DATA32
  mov ds,ax
  mov eax,[esp+8]
  mov [VARS],eax
  mov eax,[esp+12]
  mov [VARS+4],eax
  mov eax,[esp+16]
  mov [VARS+8],eax
  mov [VARS+12],ecx
  lea eax,[esp+8]
  mov [VARS+16],eax
  pop ds
  pop eax
  iretd
bits 16
.real:
  push bp
  mov bp,sp
  mov bp,[bp+2]
  mov [VARS],bp
  pop bp
  iret
bits 32
ROM_END
