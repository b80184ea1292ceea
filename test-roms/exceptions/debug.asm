; what: single steps, breakpoints on code, data and task switches, ICEBP, RF, general detect
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  ; TF: a trap after the instruction that follows POPF; the handler's own flags have TF off.
  NEXT_CHECK
  xor eax,eax
  mov dr6,eax
  mov dword [RESUME],.stepped
  mov [RESUME_SP],esp
  pushfd
  or dword [esp],0x100
  popfd
  nop
.behind:
  NEVER
.stepped:
  EXPECT_GOT 1, 0, .behind
  CHECK {test dword [GOT_FLAGS],0x100}, nz
  mov eax,dr6
  CHECK {test eax,0x4000}, nz          ; BS
  CHECK {test eax,0x0f}, z

  ; A repeated instruction is stepped after each iteration, EIP still at it.
  NEXT_CHECK
  mov dword [RESUME],.stepped_rep
  mov [RESUME_SP],esp
  mov edi,VARS
  mov ecx,5
  pushfd
  or dword [esp],0x100
  popfd
.repeated:
  rep stosb
  NEVER
.stepped_rep:
  EXPECT_GOT 1, 0, .repeated
  CHECK {cmp ecx,4}, e

  ; MOV SS puts the single step off by one instruction.
  NEXT_CHECK
  mov dword [RESUME],.stepped_ss
  mov [RESUME_SP],esp
  mov cx,ss
  pushfd
  or dword [esp],0x100
  popfd
  mov ss,cx                            ; no trap behind this
  nop
.behind_ss:
  NEVER
.stepped_ss:
  EXPECT_GOT 1, 0, .behind_ss

  ; INT n clears TF before the handler: the trap comes for neither.
  SET_GATE 0x31, CODE32, .handler31, 0x8e00
  NEXT_CHECK
  mov dword [RESUME],.stepped_int
  mov [RESUME_SP],esp
  pushfd
  or dword [esp],0x100
  popfd
  int 0x31
  nop                                  ; TF is back: the trap is behind this one
.behind_int:
  NEVER
.handler31:
  mov ebx,0x31
  iretd
.stepped_int:
  EXPECT_GOT 1, 0, .behind_int
  CHECK {cmp ebx,0x31}, e

  ; ICEBP is a trap and sets no bit of DR6.
  xor eax,eax
  mov dr6,eax
  TRAP 1, 0, {db 0xf1}
  mov eax,dr6
  CHECK {test eax,0xe00f}, z

  ; Breakpoint on code: a fault. The handler must set RF itself: it is pushed as 1 only for other faults.
  xor eax,eax
  mov dr6,eax
  FAULT 6, 0, {ud2}
  CHECK {test dword [GOT_FLAGS],0x10000}, nz
  mov eax,.target
  mov dr1,eax
  mov eax,0x408                        ; G1, execute; bit 10 is always 1
  mov dr7,eax
  NEXT_CHECK
  mov dword [RESUME],.hit
  mov [RESUME_SP],esp
  nop
.target:
  nop
  NEVER
.hit:
  EXPECT_GOT 1, 0, .target
  CHECK {test dword [GOT_FLAGS],0x10000}, z
  mov eax,dr6
  and eax,0x400f
  CHECK {cmp eax,2}, e
  ; IRET with RF = 1 goes over it.
  push dword [GOT_FLAGS]
  or dword [esp],0x10000
  push dword CODE32
  push dword .target2
  mov eax,.target2
  mov dr1,eax
  iretd
.target2:
  nop
  pushfd
  pop eax
  CHECK {test eax,0x10000}, z          ; RF was for one instruction

  ; Breakpoints on data: traps behind the access; W only for writes, RW for both; a range that touches counts.
  xor eax,eax
  mov dr6,eax
  mov eax,VARS+4
  mov dr2,eax
  mov eax,0x0d000420                   ; G2, write, 4 bytes
  mov dr7,eax
  mov eax,[VARS+4]                     ; a read is none
  TRAP 1, 0, {mov byte [VARS+7],1}
  mov eax,dr6
  and eax,0x400f
  CHECK {cmp eax,4}, e
  mov [VARS+8],eax
  mov [VARS],eax
  TRAP 1, 0, {mov [VARS+1],eax}
  mov eax,0x0f000420                   ; read or write
  mov dr7,eax
  TRAP 1, 0, {mov eax,[VARS+4]}
  TRAP 1, 0, {push dword [VARS+4]}
  TRAP 1, 0, {xchg al,[VARS+5]}
  ; A repeated instruction stops behind the iteration that hit.
  mov esi,VARS
  mov ecx,3
  NEXT_CHECK
  mov dword [RESUME],.hit_rep
  mov [RESUME_SP],esp
.rep:
  rep lodsd
  NEVER
.hit_rep:
  EXPECT_GOT 1, 0, .rep
  CHECK {cmp ecx,1}, e
  xor eax,eax
  mov dr7,eax
  mov eax,[VARS+4]

  ; General detect: a fault at the next access to a debug register; delivery clears GD.
  xor eax,eax
  mov dr6,eax
  mov eax,0x2400
  mov dr7,eax
  FAULT 1, 0, {mov eax,dr0}
  mov eax,dr6
  CHECK {test eax,0x2000}, nz
  mov eax,dr7
  CHECK {test eax,0x2000}, z
  PASS
ROM_END
