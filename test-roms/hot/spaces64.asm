; what: address spaces with process-context identifiers, and what is remembered of them, in users' hot loops, 64-bit
; cpu: max
%define MODE 64
%include "hot.inc"
%include "hot/paged.inc"
KEEP    equ 1<<63
DATA    equ REMAP+0x1000
SPACE   equ 0x40         ; INT: CR3 is RDI
FORGET  equ 0x41         ; INT: INVPCID of type RSI with the descriptor at VARS
DROP    equ 0x42         ; INT: INVLPG of RDI
%define ENTRY_A(linear) qword [PTE(TABLE_A,linear)]
start16:
  ENTER_HOT
space:
  mov cr3,rdi
  iretq
forget:
  invpcid rsi,[VARS]
  iretq
drop:
  invlpg [rdi]
  iretq

routine:
  PATCHED .end
.end:

; What lies at REMAP is MARK times EDX, hot as code and as data.
look:
  mov ecx,20
look_round:
  mov eax,REMAP
  call rax
  imul ebx,edx,MARK
  cmp eax,ebx
  jne look_end
  cmp [DATA],ebx
  jne look_end
  dec ecx
  jnz look_round
look_end:
  ret

; CR3: tables, identifier, KEEP or 0. Then: MARK times this is there.
%macro IN_SPACE 4
  mov rdi,strict qword %1|%2|%3
  int SPACE
  SEES %4
%endmacro
%macro SEES 1
  mov edx,%1
  call look
  CHECK {test ecx,ecx}, z
%endmacro

; Type, identifier, linear address.
%macro INVPCID 3
  mov qword [VARS],%2
  mov qword [VARS+8],%3
  mov esi,%1
  int FORGET
%endmacro

; The first set of tables shows the pages of the other from here on; it is not to be looked at before that is said.
%macro TURN 1
  mov dword ENTRY_A(REMAP),%1|7
  mov dword ENTRY_A(DATA),(%1+0x1000)|7
%endmacro

section .other
main:
  ENTER_PAGED
  BOTH_PAGES routine, routine.end, routine.end, 0
  mov dword [PAGES_A+0x1000],MARK
  mov dword [PAGES_B+0x1000],2*MARK
  SET_GATE64 SPACE, 0, space, 0xee
  SET_GATE64 FORGET, 0, forget, 0xee
  SET_GATE64 DROP, 0, drop, 0xee
  mov rax,cr4
  or eax,1<<17|1<<7      ; PCIDE, PGE
  mov cr4,rax
  push UDATA32
  push STACK3
  push 0x3002            ; IOPL 3
  push UCODE64
  push user
  iretq

user:
; Two spaces by turns.
  IN_SPACE CR3_A, 1, 0, 1
  IN_SPACE CR3_B, 2, 0, 2
  mov ebp,2000
.turns:
  IN_SPACE CR3_A, 1, KEEP, 1
  IN_SPACE CR3_B, 2, KEEP, 2
  dec ebp
  jnz near .turns

; More identifiers than any processor has to remember.
  mov ebp,300
.many:
%assign n 3
%rep 12
  IN_SPACE CR3_A, n, 0, 1
  IN_SPACE CR3_B, n+1, 0, 2
  IN_SPACE CR3_A, n, KEEP, 1
  %assign n n+2
%endrep
  dec ebp
  jnz near .many

; Tables change while another space is the present one, and each way to say so.
  mov ebp,200
.said:
  IN_SPACE CR3_A, 1, 0, 1
  IN_SPACE CR3_B, 2, 0, 2
  TURN PAGES_B
  INVPCID 1, 1, 0
  SEES 2
  IN_SPACE CR3_A, 1, KEEP, 2
  TURN PAGES_A
  IN_SPACE CR3_B, 2, KEEP, 2
  INVPCID 0, 1, REMAP
  INVPCID 0, 1, DATA
  IN_SPACE CR3_A, 1, KEEP, 1
  IN_SPACE CR3_B, 2, KEEP, 2
  TURN PAGES_B
  INVPCID 3, 0, 0
  IN_SPACE CR3_A, 1, KEEP, 2
  IN_SPACE CR3_B, 2, KEEP, 2
  TURN PAGES_A
  INVPCID 2, 0, 0
  IN_SPACE CR3_A, 1, KEEP, 1
  IN_SPACE CR3_B, 2, KEEP, 2
  TURN PAGES_B
  IN_SPACE CR3_A, 1, 0, 2
; In the present space.
  TURN PAGES_A
  mov edi,REMAP
  int DROP
  mov edi,DATA
  int DROP
  SEES 1
  TURN PAGES_B
  INVPCID 0, 1, REMAP
  INVPCID 0, 1, DATA
  SEES 2
  TURN PAGES_A
  INVPCID 1, 1, 0
  SEES 1
; Pages that are global are of every space, and INVLPG takes them from each.
  IN_SPACE CR3_B, 3, 0, 2
  or ENTRY_A(REMAP),1<<8
  or ENTRY_A(DATA),1<<8
  IN_SPACE CR3_A, 1, 0, 1
  IN_SPACE CR3_A, 4, 0, 1
  IN_SPACE CR3_A, 1, KEEP, 1
  TURN PAGES_B
  mov edi,REMAP
  int DROP
  mov edi,DATA
  int DROP
  SEES 2
  IN_SPACE CR3_A, 4, KEEP, 2
  TURN PAGES_A
  INVPCID 2, 0, 0
  dec ebp
  jnz near .said
  PASS
HOT_END
