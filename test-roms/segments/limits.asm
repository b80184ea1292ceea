; what: segment limits: bytes and pages, expand-down, write protection, execute-only code, wrap of offsets
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
S equ FREE
start16:
  ENTER32
  ; Byte granularity: limit FFFh.
  SET_DESC S, 0x00000fff, 0x00409300
  mov ax,S
  mov fs,ax
  mov al,[fs:0xfff]
  FAULT 13, 0, {mov al,[fs:0x1000]}
  mov ax,[fs:0xffe]
  FAULT 13, 0, {mov ax,[fs:0xfff]}
  FAULT 13, 0, {mov eax,[fs:0xfff]}
  FAULT 13, 0, {mov [fs:0xffd],eax}
  FAULT 13, 0, {add dword [fs:0xffe],1}
  mov ebx,0xffffffff
  FAULT 13, 0, {mov ax,[fs:ebx]}       ; offset and size wrap round
  ; Page granularity: limit 0 is 4 KiB.
  SET_DESC S, 0x00000000, 0x00c09300
  mov ax,S
  mov fs,ax
  mov eax,[fs:0xffc]
  FAULT 13, 0, {mov eax,[fs:0xffd]}
  ; A descriptor in the register is not the one in the table.
  SET_DESC S, 0x0000000f, 0x00409300
  mov eax,[fs:0xffc]
  ; Expand-down with the upper bound FFFFh: valid above the limit.
  SET_DESC S, 0x00000fff, 0x00009700
  mov ax,S
  mov fs,ax
  FAULT 13, 0, {mov al,[fs:0xfff]}
  mov al,[fs:0x1000]
  FAULT 13, 0, {mov eax,[fs:0xffd]}
  mov al,[fs:0xffff]
  FAULT 13, 0, {mov ax,[fs:0xffff]}
  FAULT 13, 0, {mov al,[fs:0x10000]}
  ; With B the upper bound is FFFFFFFFh.
  SET_DESC S, 0x00000fff, 0x00409700
  mov ax,S
  mov fs,ax
  FAULT 13, 0, {mov al,[fs:0xfff]}
  mov al,[fs:0x10000]
  ; Limit FFFFFFFFh of an expand-down segment leaves nothing.
  SET_DESC S, 0x0000ffff, 0x00cf9700
  mov ax,S
  mov fs,ax
  FAULT 13, 0, {mov al,[fs:0]}
  FAULT 13, 0, {mov al,[fs:ebx]}
  ; Read-only data.
  SET_DESC S, 0x0000ffff, 0x00cf9100
  mov ax,S
  mov fs,ax
  mov dl,[fs:VARS]
  FAULT 13, 0, {mov [fs:VARS],dl}
  FAULT 13, 0, {inc byte [fs:VARS]}
  FAULT 13, S, {mov ss,ax}             ; a stack must be writable
  ; Readable code may be read, never written; execute-only code cannot be loaded for data.
  SET_DESC S, 0x0000ffff, 0x00cf9b00
  mov fs,ax
  mov dl,[fs:VARS]
  FAULT 13, 0, {mov [fs:VARS],dl}
  SET_DESC S, 0x0000ffff, 0x00cf9900
  mov ax,S
  FAULT 13, S, {mov fs,ax}
  jmp S:.execute_only
.execute_only:
  mov edx,.data
  FAULT 13, 0, {mov al,[cs:edx]}
  jmp CODE32:.readable
.data: db 0
.readable:
  ; The accessed bit is set by the load.
  SET_DESC S, 0x0000ffff, 0x00cf9200
  mov ax,S
  mov fs,ax
  CHECK {test byte [GDT+S+5],1}, nz
  ; Stack faults: #SS(0) through SS and with EBP and ESP as the base.
  SET_DESC S, 0x00000fff, 0x00409700   ; expand-down: 1000h and up
  mov ax,S
  mov ss,ax
  mov ebp,0xff0
  FAULT 12, 0, {mov eax,[ebp]}
  FAULT 12, 0, {mov eax,[esp-0x7000]}
  FAULT 12, 0, {mov eax,[ss:0]}
  mov fs,ax
  FAULT 13, 0, {mov eax,[fs:ebp]}      ; the segment counts, not the base
  mov ax,DATA32
  mov ss,ax
  ; PUSH below the limit, where the handler has another stack.
  SET_DESC S, 0x00000fff, 0x0040f700
  ENTER_RING3 0x3000
  mov ax,(S)|3
  mov ss,ax
  mov esp,0x1004
  push eax
  FAULT 12, 0, {push eax}
  CHECK {cmp dword [GOT_SP],0x1000}, e ; not moved
  ; Code limit: fetching past it is #GP(0) at the instruction that crosses it.
  SET_DESC S, 0x0000000f, 0x00409b00
  mov eax,VARS
  mov [GDT+S+2],ax
  mov dword [VARS],0x90909090
  mov dword [VARS+4],0x90909090
  mov dword [VARS+8],0x90909090
  mov dword [VARS+12],0xb8909090       ; MOV EAX,imm32 at Fh crosses the limit
  NEXT_CHECK
  mov dword [RESUME],.past
  mov [RESUME_SP],esp
  jmp S:0
.past:
  EXPECT_GOT 13, 0, 15
  CHECK {cmp dword [GOT_CS],S}, e
  ; A jump past the limit faults at the jump.
  FAULT 13, 0, {jmp S:0x10}
  ; LAR, LSL, VERR, VERW.
  SET_DESC S, 0x00000fff, 0x00c09100
  mov cx,S
  lsl eax,cx
  CHECK {nop}, z
  CHECK {cmp eax,0xffffff}, e
  lar eax,cx
  CHECK {nop}, z
  CHECK {cmp eax,0x00c09100}, e
  verr cx
  CHECK {nop}, z
  verw cx
  CHECK {nop}, nz
  mov cx,0x3f8
  lsl eax,cx
  CHECK {nop}, nz
  xor cx,cx
  lar eax,cx
  CHECK {nop}, nz
  mov cx,(S)|3                         ; RPL past DPL
  verr cx
  CHECK {nop}, nz
  mov ax,TSSSEL
  verr ax
  CHECK {nop}, nz
  lsl ecx,eax
  CHECK {nop}, z
  CHECK {cmp ecx,0x67}, e
  PASS
ROM_END
