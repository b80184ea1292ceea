; what: code that runs off the end of a flat code segment, with translated code at address 0
; cpu: pentium max
%include "rom.inc"
PD    equ 0x20000
PT    equ 0x21000
TOP   equ 0x30000        ; mapped at FFFFF000h
START equ 0xffffffd0
COUNT equ 0x31000
ROUNDS equ 5000
; Whether the instruction pointer wraps or its limit is checked there hangs on the processor (SDM Vol. 3A, "Limit Checking"): either will do.
start16:
  ENTER32
  mov edi,PD
  xor eax,eax
  mov ecx,0x2000/4
  rep stosd
  mov dword [PD],0x83    ; identity, 4 MiB
  mov dword [PD+0xffc],PT|3
  mov dword [PT+0xffc],TOP|3
  mov edi,TOP
  mov al,0x90            ; NOP
  mov ecx,0x1000
  rep stosb
  mov [COUNT],ecx
  mov dword [0],0x100005ff
  mov dword [4],0x90c30003 ; INC dword [31000h]; RET
  mov eax,cr4
  or eax,0x10
  mov cr4,eax
  PAGING_ON PD
  xor ebx,ebx
  mov esi,START
  mov ebp,ROUNDS
.round:
  call ebx
  mov dword [RESUME],.after
  mov [RESUME_SP],esp
  call esi
.after:
  dec ebp
  jnz .round
  mov dword [RESUME],0
  mov eax,[COUNT]
  cmp eax,ROUNDS
  je .stopped
  CHECK {cmp eax,2*ROUNDS}, e
  PASS
.stopped:
  CHECK {cmp dword [GOT_VEC],13}, e
  PASS
ROM_END
