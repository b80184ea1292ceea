; what: a stack frame across two pages: many accesses by ESP, in both, in a hot loop of several blocks
; cpu: 80486 pentium x86-64-v2 max
%include "rom.inc"
FRAME equ 0x31000-0x20   ; eight doublewords in one page, eight in the next
ROUNDS equ 20000
; W[%1] += W[%2]
%macro STEP 2
  mov eax,[esp+4*(%1)]
  add eax,[esp+4*(%2)]
  mov [esp+4*(%1)],eax
%endmacro
start16:
  ENTER32
  mov esp,FRAME
  xor edx,edx
.fill:
  lea eax,[edx+1]
  imul eax,eax,0x01010101
  mov [esp+4*edx],eax
  inc edx
  cmp edx,16
  jb .fill
  mov ecx,ROUNDS
.round:
%assign n 0
%rep 16
  STEP n, ((n+9) % 16)
  %if n % 4 = 3
    test ecx,ecx                       ; a block ends here
    jz .never
  %endif
  %assign n n+1
%endrep
  dec ecx
  jnz .round
  ; All of them into one.
  xor eax,eax
  xor ecx,ecx
.sum:
  mov edx,[esp+4*ecx]
  rol edx,cl
  xor eax,edx
  inc ecx
  cmp ecx,16
  jb .sum
  CHECK {cmp eax,0x7ad117fd}, e
  ; Pushed and popped across.
  mov ecx,ROUNDS
.pushes:
  lea esp,[FRAME+0x20+8]
  push ecx
  push ecx
  push ecx
  push ecx
  pop eax
  pop edx
  xor eax,edx
  pop edx
  pop ebx
  xor ebx,edx
  or eax,ebx
  CHECK {test eax,eax}, z
  dec ecx
  jnz .pushes
  PASS
.never:
  NEVER
ROM_END
