; what: 16-bit branches cut the instruction pointer to 16 bits, also where code runs behind 64 KiB of a segment that goes on there
; cpu: 80386 80486 max
%define MODE 32
%include "hot.inc"
ROUNDS equ 5000
FLAT   equ FREE          ; 16-bit code, 4 GiB
ODD    equ FREE+8        ; the same from the middle of a page on
ODD_BASE equ 0x20800

; Copies what lies between two labels to a linear address.
%macro PUT 3
  mov edi,%1
  mov esi,%2
  mov ecx,%3-%2
  rep movsb
%endmacro

start16:
  ENTER_HOT
main:
  mov dword [GDT+FLAT],0x0000ffff
  mov dword [GDT+FLAT+4],0x008f9a00
  mov dword [GDT+ODD],0x0800ffff
  mov dword [GDT+ODD+4],0x008f9a02

; DEC CX, and a jump to itself that leads 20000h bytes lower, from where control comes back and counts.
  PUT 0x20010, flat_high, flat_low
  PUT 0x10, flat_low, odd_high
  mov ecx,ROUNDS
  xor edx,edx
  jmp FLAT:dword 0x20010
behind_flat:
  CHECK {cmp edx,ROUNDS-1}, e
  CHECK {test ecx,ecx}, z

; The same in a page of which a part lies below the segment's offset 10000h, where control runs on without a branch.
  PUT ODD_BASE+0xfffd, odd_high, odd_low
  PUT ODD_BASE, odd_low, end
  mov ecx,ROUNDS
  xor edx,edx
  jmp ODD:dword 0xfffd
behind_odd:
  CHECK {cmp edx,ROUNDS-1}, e
  CHECK {test ecx,ecx}, z
  PASS

bits 16
flat_high:
  dec cx
  db 0x75,-3             ; JNZ
  jmp CODE32:dword behind_flat
flat_low:
  inc edx
  db 0x66,0xe9           ; JMP
  dd 0x20010-0x18
odd_high:
  times 3 nop
  dec cx
  db 0x75,-3
  jmp CODE32:dword behind_odd
odd_low:
  inc edx
  db 0x66,0xe9
  dd 0xfffd-8
end:
HOT_END
