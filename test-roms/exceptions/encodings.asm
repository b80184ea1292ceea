; what: undefined encodings, LOCK, instructions that are too long, operands that must be memory
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  mov ebx,VARS
  FAULT 6, 0, {db 0x8e,0xc8}                    ; MOV CS,AX
  FAULT 6, 0, {db 0x8e,0xf0}                    ; MOV sreg 6
  FAULT 6, 0, {db 0x8d,0xc0}                    ; LEA EAX,EAX
  FAULT 6, 0, {db 0xc4,0xc0,0x00}               ; LES EAX,EAX (and no VEX without AVX)
  FAULT 6, 0, {db 0xff,0xe8}                    ; JMP far EAX
  FAULT 6, 0, {db 0xff,0xd8}                    ; CALL far EAX
  FAULT 6, 0, {db 0xff,0xf8}                    ; group 5, 7
  FAULT 6, 0, {db 0xfe,0xd0}                    ; group 4, 2
  FAULT 6, 0, {db 0x62,0xc0}                    ; BOUND EAX,EAX
  FAULT 6, 0, {db 0x0f,0x0b}                    ; UD2
  FAULT 6, 0, {db 0x0f,0xff,0xc0}               ; UD0
  FAULT 6, 0, {db 0x0f,0x22,0xc8}               ; MOV CR1,EAX
  FAULT 6, 0, {db 0x0f,0x20,0xe8}               ; MOV EAX,CR5
  ; LOCK: only read-modify-write instructions with memory.
  lock add dword [ebx],1
  lock btr dword [ebx],0
  lock not dword [ebx]
  lock xchg [ebx],eax
  FAULT 6, 0, {db 0xf0,0x90}                    ; LOCK NOP
  FAULT 6, 0, {db 0xf0,0x01,0xc0}               ; LOCK ADD EAX,EAX
  FAULT 6, 0, {db 0xf0,0x8b,0x03}               ; LOCK MOV EAX,[EBX]
  FAULT 6, 0, {db 0xf0,0x03,0x03}               ; LOCK ADD EAX,[EBX]: memory is the source
  FAULT 6, 0, {db 0xf0,0x39,0x03}               ; LOCK CMP
  FAULT 6, 0, {db 0xf0,0x0f,0xa3,0x03}          ; LOCK BT
  ; 15 bytes are an instruction, 16 are #GP(0).
  db 0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x90
  FAULT 13, 0, {db 0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x90}
  db 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0xb8,0x34,0x12 ; MOV AX,1234h
  CHECK {cmp ax,0x1234}, e
  ; The last of several prefixes of a group counts; REP before an instruction that has none is ignored.
  SET_DESC FREE, 0x0000ffff, 0x00409310         ; base 100000h
  mov cx,FREE
  mov fs,cx
  mov dword [0x100000+VARS],0x0f0f0f0f
  mov dword [VARS],0x33333333
  db 0x3e,0x64                                  ; DS, FS
  mov eax,[VARS]
  CHECK {cmp eax,0x0f0f0f0f}, e
  db 0x64,0x3e                                  ; FS, DS
  mov eax,[VARS]
  CHECK {cmp eax,0x33333333}, e
  mov ecx,3
  db 0xf3
  inc eax
  CHECK {cmp eax,0x33333334}, e
  CHECK {cmp ecx,3}, e
  PASS
ROM_END
