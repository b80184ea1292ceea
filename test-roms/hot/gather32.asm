; what: a doubleword across two pages, read again behind a write to one of its bytes by another register, in a hot loop
; cpu: 80486 pentium x86-64-v2 max
%include "rom.inc"
ACROSS equ 0x31000-2      ; two bytes in one page, two in the next
ROUNDS equ 20000
start16:
  ENTER32
  mov dword [ACROSS],0x44332211
  mov esi,ACROSS
  mov edi,0x31000        ; its third byte
  mov ebp,0x32800        ; somewhere else
  mov ecx,ROUNDS
.round:
  mov eax,[esi]
  mov ebx,[ebp]
  mov [edi],cl
  mov edx,[esi]
  xor eax,edx            ; they differ in the third byte at most
  test eax,0xff00ffff
  jnz .never
  shr edx,16
  cmp dl,cl              ; which is the one that was written
  jne .never
  mov [ebp],ebx
  dec ecx
  jnz .round
  ; The same within what a wider access reads.
  mov ecx,ROUNDS
.wide:
  mov eax,[esi]
  mov [edi],cl
  mov dx,[esi+1]         ; across, too
  cmp dh,cl
  jne .never
  dec ecx
  jnz .wide
  mov eax,[esi]
  CHECK {cmp eax,0x44012211}, e
  PASS
.never:
  NEVER
ROM_END
