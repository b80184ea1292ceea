; what: near branches of 16 bits in 32-bit code above 64 KiB, hot: they cut the instruction pointer, and lead to another page
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
; SDM Vol. 2A, "JMP", "Jcc", "CALL", "LOOP/LOOPcc": with an operand size of 16 bits, the upper half of EIP is cleared.
%include "rom.inc"
HIGH equ 0x28000
LOW equ 0x8000           ; HIGH without its upper half
HOT equ 3000
SLOT equ 0x20
TARGET equ 0x10              ; where a slot's branch leads to: it counts in EAX below, in EBX if nothing was cut
; A slot with a branch: all of it but where it leads to.
%macro FORM 1
%%start:
  %1 %%to
  times TARGET-($-%%start) nop
%%to:
  inc ebx
  ret
  times SLOT-($-%%start) nop
%endmacro
start16:
  ENTER32
  mov esi,forms
  mov edi,HIGH
  mov ecx,forms_end-forms
  cld
  rep movsb
  ; INC EAX; RET at each target below. The one of the call has its return address to take off.
  mov edi,LOW+TARGET
  mov ecx,FORMS
.low:
  mov dword [edi],0xc340
  add edi,SLOT
  loop .low
  mov dword [LOW+CALL_SLOT*SLOT+TARGET],0x02c48340
  mov byte [LOW+CALL_SLOT*SLOT+TARGET+4],0xc3

  mov edi,HIGH
  mov ebp,FORMS
.form:
  xor eax,eax
  xor ebx,ebx
  mov ecx,HOT
.again:
  push ecx
  cmp ecx,ecx
  call edi
  pop ecx
  dec ecx
  jnz .again
  CHECK {cmp eax,HOT}, e
  CHECK {cmp ebx,0}, e
  add edi,SLOT
  dec ebp
  jnz .form
  PASS

forms:
  FORM {o16 jmp short}
  FORM {o16 jmp near}
  FORM {o16 jz short}
  FORM {o16 jz near}
CALL_SLOT equ ($-forms)/SLOT
  FORM {o16 call}
forms_end:
FORMS equ (forms_end-forms)/SLOT
ROM_END
