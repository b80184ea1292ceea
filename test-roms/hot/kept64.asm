; what: registers that a loop reads through, with addresses half of all the way round from them, 64-bit
; cpu: max
%define MODE 64
%include "hot.inc"
DATA   equ 0x41000
HALF   equ 0x8000000000000000
ROUNDS equ 300
; Translations keep the page that such a register pointed into, and must not take for one what they say for none.
start16:
  ENTER_HOT

; Each: RSI points somewhere, ECX rounds. The sum of what was read in EDX.

; A number so large that the access is elsewhere; what is read through RSI alone never is.
far_index:
  mov rax,strict qword HALF
  movzx ebx,byte [rsi+rax]
  add edx,ebx
  test edi,edi
  jz .next
  movzx ebx,byte [rsi]
.next:
  dec ecx
  jnz far_index
  ret

; The same for writes.
far_write:
  mov rax,strict qword HALF
  inc byte [rsi+rax]
  test edi,edi
  jz .next
  inc byte [rsi]
.next:
  inc edx
  dec ecx
  jnz far_write
  ret

; Pages that may be read are found first, and then written far from there.
far_behind:
  movzx ebx,byte [rsi]
  add edx,ebx
  mov rax,strict qword HALF
  test edi,edi
  jz .next
  inc byte [rsi+rax]
.next:
  dec ecx
  jnz far_behind
  ret

; A sum of 32 bits has no upper half.
short_add:
  add esi,4
  movzx ebx,byte [rsi]
  add edx,ebx
  dec ecx
  jnz short_add
  ret

short_lea:
  lea esi,[rsi+4]
  movzx ebx,byte [rsi]
  add edx,ebx
  dec ecx
  jnz short_lea
  ret

; An address of 32 bits has none either.
short_address:
  lea rsi,[esi+4]
  movzx ebx,byte [rsi]
  add edx,ebx
  dec ecx
  jnz short_address
  ret

section .other
; Function, what RSI begins with, rounds, the sum.
%macro SUM 4
  mov ebp,ROUNDS
%%round:
  mov rsi,strict qword %2
  mov ecx,%3
  xor edx,edx
  xor edi,edi
  mov eax,%1
  call rax
  CHECK {cmp edx,%4}, e
  dec ebp
  jnz %%round
%endmacro

main:
  mov edi,DATA
  mov ecx,64
.fill:
  mov [rdi],cl
  inc edi
  dec ecx
  jnz .fill
  SUM far_index, DATA+HALF, 3, 3*64
  SUM short_add, DATA-4+HALF, 3, 64+60+56
  SUM short_lea, DATA-4+HALF, 3, 64+60+56
  SUM short_address, DATA-4+HALF, 3, 64+60+56
  SUM far_behind, DATA+1, 3, 3*63
  SUM far_write, DATA+8+HALF, 256, 256
  CHECK {cmp byte [DATA+8],56}, e
  PASS
HOT_END
