; what: the look-up of a page sets its accessed flag in bytes that are run next, hot, 32-bit
; cpu: 80486 max
%define MODE 32
%include "hot.inc"
DIR    equ 0x20000
TABLE  equ 0x21000       ; of the first 4 MiB
PLACE  equ 0x30000       ; a page with a jump
ENTRY  equ TABLE+(PLACE>>12)*4
start16:
  ENTER_HOT
main:
  mov edi,TABLE
  mov eax,0x67           ; accessed and written, for all
  mov ecx,1024
.fill:
  stosd
  add eax,0x1000
  dec ecx
  jnz .fill
  mov dword [DIR],TABLE|0x67
; The entry of the page is code, and ends in the next one, which maps nothing that is used: INC EDI, ADD [EBX],AL; ADD BL,AL; RET. With
; the flag set, which makes 67h of 47h: ADD [BP+DI],AL; ADD BL,AL; RET.
  mov dword [ENTRY],PLACE|0x47
  mov dword [ENTRY+4],0xc3c3
  mov byte [PLACE],0xe9
  mov dword [PLACE+1],ENTRY-PLACE-5
  mov eax,DIR
  mov cr3,eax
  mov eax,cr0
  or eax,1<<31
  mov cr0,eax
  jmp .paged
.paged:
  xor eax,eax
  xor ebp,ebp
  mov ebx,VARS
  mov edx,200
round:
  mov byte [ENTRY],0x47
  invlpg [PLACE]
  mov edi,VARS
  mov ecx,60
.warm:
  mov esi,ENTRY
  call esi
  dec ecx
  jnz .warm
  CHECK {cmp edi,VARS+60}, e
  mov esi,PLACE
  call esi
  CHECK {cmp byte [ENTRY],0x67}, e
  CHECK {cmp edi,VARS+60}, e
  dec edx
  jnz near round
  PASS
HOT_END
