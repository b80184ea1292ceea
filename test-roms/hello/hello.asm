; what: the built-in default: says hello on port E9h and what it runs on
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
; output: Ferrite
%include "rom.inc"
start16:
  SAY `Ferrite: an x86 PC in software.\n`
  ENTER32
  SAY `  real mode ... protected mode ... `
  CHECK {cmp dword [GDT+8],0x0000ffff}, e
  ; Count the primes below 10000 with a sieve in RAM: 1229.
  mov edi,0x20000
  mov ecx,10000
  mov al,1
  rep stosb
  mov esi,2
.p: mov eax,esi
  mul esi
  cmp eax,10000
  jae .count
  cmp byte [0x20000+esi],0
  je .n
.m: mov byte [0x20000+eax],0
  add eax,esi
  cmp eax,10000
  jb .m
.n: inc esi
  jmp .p
.count:
  xor ebx,ebx
  mov esi,2
.c: movzx eax,byte [0x20000+esi]
  add ebx,eax
  inc esi
  cmp esi,10000
  jb .c
  CHECK {cmp ebx,1229}, e
  SAY `1229 primes below 10000 ... all well.\n`
  PASS
ROM_END
