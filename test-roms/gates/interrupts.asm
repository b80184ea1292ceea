; what: interrupt and trap gates of both sizes: frames, flags, privilege
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  ; 32-bit interrupt gate, same privilege: EFLAGS, CS, EIP; IF and TF off.
  SET_GATE 0x40, CODE32, .int32, 0x8e00
  pushfd
  or dword [esp],0x200
  popfd
  mov ebp,esp
  int 0x40
.ret32:
  CHECK {cmp esp,ebp}, e
  pushfd
  pop eax
  CHECK {test eax,0x200}, nz
  ; Trap gate: IF stays.
  SET_GATE 0x41, CODE32, .trap32, 0x8f00
  int 0x41
  CHECK {cmp ebx,41}, e
  ; 16-bit gates push words and use the low half of the offset; the code is 16-bit.
  SET_GATE 0x42, CODE16, R16(.int16), 0x8600
  SET_GATE 0x43, CODE16, R16(.trap16), 0x8700
  SET_GATE 0x43, CODE16, R16(.trap16), 0x8700
  push dword .low                      ; a 16-bit frame loses the high half of EIP: enter from 16-bit code
  jmp CODE16:R16(.from16)
bits 16
.from16:
  int 0x42
.ret16:
  int 0x43
.ret16b:
  jmp dword CODE32:.low
bits 32
.low:
  pop eax
  CHECK {cmp esp,ebp}, e
  CHECK {cmp bx,43}, e
  jmp .inner

.int32:
  lea eax,[esp+12]
  CHECK {cmp eax,ebp}, e
  CHECK {cmp dword [esp],.ret32}, e
  CHECK {cmp dword [esp+4],CODE32}, e
  CHECK {test dword [esp+8],0x200}, nz
  pushfd
  pop eax
  CHECK {test eax,0x200}, z
  iretd
.trap32:
  pushfd
  pop eax
  CHECK {test eax,0x200}, nz
  mov ebx,41
  iretd
bits 16
.int16:
  lea eax,[esp+6+4]
  CHECK {cmp eax,ebp}, e
  CHECK {cmp word [esp],R16(.ret16)}, e
  CHECK {cmp word [esp+2],CODE16}, e
  CHECK {test word [esp+4],0x200}, nz
  pushf
  pop ax
  CHECK {test ax,0x200}, z
  iretw
.trap16:
  CHECK {cmp word [esp],R16(.ret16b)}, e
  pushf
  pop ax
  CHECK {test ax,0x200}, nz
  mov bx,43
  iretw
bits 32

  ; From ring 3: the stack of the TSS, with the old one on it.
.inner:
  SET_GATE 0x44, CODE32, .int_inner, 0xee00
  ENTER_RING3 0x3200
  mov ecx,0x12345678
  int 0x44
.ret_inner:
  CHECK {cmp esp,STACK3}, e
  CHECK {cmp edx,0x44}, e
  mov ax,cs
  CHECK {cmp ax,UCODE32}, e
  mov ax,ds
  CHECK {cmp ax,UDATA32}, e
  ; A gate of DPL 0 is not for INT n of ring 3: #GP with the gate's selector error code.
  FAULT 13, 0x40*8+2, {int 0x40}
  ENTER_RING3 0x3000
  FAULT 13, 0x400+2, {int 0x80}        ; not a gate at all
  ; INT3 and INTO, too, are checked; ICEBP and faults are not.
  SET_GATE 3, CODE32, stubs+3*stub_size, 0x8e00
  SET_GATE 4, CODE32, stubs+4*stub_size, 0x8e00
  SET_GATE 1, CODE32, stubs+1*stub_size, 0x8e00
  SET_GATE 6, CODE32, stubs+6*stub_size, 0x8e00
  ENTER_RING3 0x3000
  FAULT 13, 3*8+2, {int3}
  ENTER_RING3 0x3000
  mov eax,0x7fffffff
  inc eax
  FAULT 13, 4*8+2, {into}
  ENTER_RING3 0x3000
  TRAP 1, 0, {db 0xf1}
  ENTER_RING3 0x3000
  FAULT 6, 0, {ud2}
  ; Conforming code keeps the privilege, and the stack.
  SET_DESC FREE, 0x0000ffff, 0x00cf9e00
  SET_GATE 0x45, FREE, .conforming, 0xee00
  ENTER_RING3 0x3000
  int 0x45
  CHECK {cmp bl,0x45}, e
  ; A gate to code that is not code, to a null selector, to less privileged code.
  SET_GATE 0x46, DATA32, .conforming, 0xee00
  SET_GATE 0x47, 0, .conforming, 0xee00
  SET_GATE 0x48, UCODE32, .conforming, 0xee00
  FAULT 6, 0, {ud2}                    ; back to ring 0
  FAULT 13, DATA32, {int 0x46}
  FAULT 13, 0, {int 0x47}
  FAULT 13, UCODE32 & ~3, {int 0x48}
  ; IRET to an outer ring nulls what that ring may not have.
  mov ax,UDATA32
  mov ds,ax
  mov ax,DATA32
  mov es,ax
  mov fs,ax
  SET_DESC FREE, 0x0000ffff, 0x00cf9e00
  mov ax,FREE
  mov gs,ax
  push dword UDATA32
  push dword STACK3
  push dword 0x3002
  push dword UCODE32
  push dword .outer
  iretd
.outer:
  mov ax,ds
  CHECK {cmp ax,UDATA32}, e
  mov ax,es
  CHECK {test ax,ax}, z
  mov ax,fs
  CHECK {test ax,ax}, z
  mov ax,gs
  CHECK {cmp ax,FREE}, e               ; conforming code stays
  PASS

.int_inner:
  CHECK {cmp esp,STACK_INNER-20}, e
  CHECK {cmp dword [esp],.ret_inner}, e
  CHECK {cmp word [esp+4],UCODE32}, e
  CHECK {test dword [esp+8],0x200}, nz
  CHECK {cmp dword [esp+12],STACK3}, e
  CHECK {cmp word [esp+16],UDATA32}, e
  mov ax,ss
  CHECK {cmp ax,DATA32}, e
  CHECK {cmp ecx,0x12345678}, e
  mov edx,0x44
  iretd
.conforming:
  mov ax,cs
  CHECK {cmp ax,FREE|3}, e
  CHECK {cmp esp,STACK3-12}, e
  mov bl,0x45
  iretd
ROM_END
