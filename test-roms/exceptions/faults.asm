; what: faults of ring 0 with their vectors, error codes and saved EIP
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  xor edx,edx
  xor ecx,ecx
  FAULT 0, 0, {div ecx}
  mov eax,0x80000000
  mov edx,-1
  mov ecx,-1
  FAULT 0, 0, {idiv ecx}
  FAULT 6, 0, {ud2}
  mov ebx,bounds
  mov eax,9
  FAULT 5, 0, {bound eax,[ebx]}
  TRAP 3, 0, {int3}
  mov eax,0x7fffffff
  add eax,1
  TRAP 4, 0, {into}
  TRAP 17-16, 0, {db 0xf1}
  mov ax,FREE
  FAULT 13, FREE, {mov ds,ax}
  mov ax,0x10f7
  FAULT 13, 0x10f4, {mov ds,ax}       ; LDT selector without an LDT
  mov ax,0x3f8
  FAULT 13, 0x3f8, {mov ds,ax}        ; past the GDT's limit
  SET_DESC FREE, 0x0000ffff, 0x00cf1300
  mov ax,FREE
  FAULT 11, FREE, {mov ds,ax}         ; not present
  FAULT 12, FREE, {mov ss,ax}
  SET_DESC FREE, 0x00000fff, 0x00409300
  mov fs,ax
  mov eax,[fs:0xffc]
  FAULT 13, 0, {mov eax,[fs:0xffd]}
  xor ax,ax
  mov fs,ax
  FAULT 13, 0, {mov eax,[fs:0]}
  FAULT 13, 0, {mov ss,ax}
  FAULT 13, 0x402, {int 0x80}         ; no gate: 80h * 8 + IDT
  FAULT 13, 0, {mov [cs:0x9000],eax}
  PASS
bounds: dd 0,8
ROM_END
