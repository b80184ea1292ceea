; what: self-modifying code: the next instruction, the same block, another page, an alias, under REP, across a page border
; cpu: 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
CODE equ 0x30000         ; MOV EAX,imm32; RET
PD equ 0x20000
PT equ 0x21000
; Serialises by a jump, as every processor since the 80486 wants or accepts.
start16:
  ENTER32
  ; Code in RAM, called, changed, called again; many times, so that it is surely cached.
  mov byte [CODE],0xb8
  mov byte [CODE+5],0xc3
  mov ecx,100
.again:
  mov [CODE+1],ecx
  mov ebx,CODE
  call ebx
  cmp eax,ecx
  jne .bad
  loop .again
.bad:
  CHECK {test ecx,ecx}, z
  ; It changes itself: a jump lies between.
  mov esi,.self
  mov edi,CODE+0x100
  mov ecx,.self_end-.self
  rep movsb
  mov ebx,CODE+0x100
  mov edx,0x1234
  call ebx
  CHECK {cmp eax,0x1234}, e
  mov edx,0x5678
  call ebx
  CHECK {cmp eax,0x5678}, e
  jmp .rep
; MOV [behind],EDX; JMP; MOV EAX,imm32; RET
.self:
  mov [CODE+0x100+(.imm-.self)+1],edx
  jmp short .imm
.imm:
  mov eax,0
  ret
.self_end:
.rep:
  ; REP STOSD and MOVSB over code, byte by byte the same and then another.
  mov edi,CODE+0x200
  mov eax,0x90909090
  mov ecx,16
  rep stosd
  mov byte [edi],0xc3
  mov ebx,CODE+0x200
  call ebx
  mov edi,CODE+0x220
  mov eax,0x42424242                   ; INC EDX
  mov ecx,4
  rep stosd
  xor edx,edx
  call ebx
  CHECK {cmp edx,16}, e
  ; An instruction across a page border: either half changes.
  mov byte [CODE+0xffd],0xb8
  mov dword [CODE+0xffe],0x11112222
  mov byte [CODE+0x1002],0xc3
  mov ebx,CODE+0xffd
  call ebx
  CHECK {cmp eax,0x11112222}, e
  mov byte [CODE+0x1001],0x33
  call ebx
  CHECK {cmp eax,0x33112222}, e
  mov byte [CODE+0xffe],0x44
  call ebx
  CHECK {cmp eax,0x33112244}, e
  mov dword [CODE+0xffe],0x77775566    ; across as well
  call ebx
  CHECK {cmp eax,0x77775566}, e
  ; Through an alias mapping, and by changing the mapping itself.
  mov edi,PT
  mov eax,7
  mov ecx,1024
.fill:
  stosd
  add eax,0x1000
  loop .fill
  mov dword [PD],PT|7
  mov dword [PT+4*0x100],CODE|7        ; 100000h: the same page
  mov dword [PT+4*0x101],(CODE+0x2000)|7
  PAGING_ON PD
  mov ebx,0x100000
  mov dword [CODE+1],0x01010101
  call ebx
  CHECK {cmp eax,0x01010101}, e
  mov dword [CODE+1],0x02020202
  call ebx
  CHECK {cmp eax,0x02020202}, e
  mov dword [0x100001],0x03030303
  mov ebx,CODE
  call ebx
  CHECK {cmp eax,0x03030303}, e
  mov byte [CODE+0x2000],0xb8
  mov dword [CODE+0x2001],0x04040404
  mov byte [CODE+0x2005],0xc3
  mov ebx,0x100000
  mov dword [PT+4*0x100],(CODE+0x2000)|7
  invlpg [ebx]
  call ebx
  CHECK {cmp eax,0x04040404}, e
  mov dword [PT+4*0x100],CODE|7
  mov eax,cr3
  mov cr3,eax
  call ebx
  CHECK {cmp eax,0x03030303}, e
  PASS
ROM_END
