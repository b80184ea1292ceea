; what: the 80286: real mode's flags and limits, protected mode with 24-bit bases, gates, tasks, rings
; cpu: 80286
%include "rom.inc"
cpu 286
S equ FREE
TSS equ 0x3000
; The instruction must raise vector %1 with error code %2; SP, DS and ES are ours again afterwards.
%macro FAULT286 3+
  NEXT_CHECK
  mov word [RESUME],R16(%%after)
  mov [RESUME_SP],sp
  mov word [GOT_VEC],-1
%%insn:
  %3
%%after:
  cmp word [GOT_VEC],%1
  jne %%bad
  cmp word [GOT_ERR],%2
  jne %%bad
  cmp word [GOT_IP],R16(%%insn)
  je %%good
%%bad:
  FAIL
%%good:
%endmacro
start16:
  ; Bits 15:12 of the flags are zeros in real mode; PUSH SP stores the old value; counts are masked to 5 bits.
  pushf
  pop ax
  test ax,0xf000
  CHECK {nop}, z
  mov bx,sp
  push sp
  pop ax
  CHECK {cmp ax,bx}, e
  mov ax,1
  mov cl,33
  shl ax,cl
  CHECK {cmp ax,2}, e
  ; 100000h exists.
  mov ax,0xffff
  mov es,ax
  mov word [0x600],0
  mov word [es:0x610],0x1234
  CHECK {cmp word [0x600],0}, e
  CHECK {cmp word [es:0x610],0x1234}, e
  ; Protected mode.
  mov si,R16(.gdt)
  mov di,GDT
  xor ax,ax
  mov es,ax
  mov cx,(.gdt_end-.gdt)/2
  cs rep movsw
  mov cx,(0x100-(.gdt_end-.gdt))/2
  rep stosw
  mov di,IDT32
  mov bx,R16(.stubs)
  mov cx,17
.gate:
  mov ax,bx
  stosw
  mov ax,0x08
  stosw
  mov ax,0x8600
  stosw
  xor ax,ax
  stosw
  add bx,7
  loop .gate
  mov word [0x600],0xff
  mov word [0x602],GDT
  mov word [0x604],0
  lgdt [0x600]
  mov word [0x600],17*8-1
  mov word [0x602],IDT32
  lidt [0x600]
  smsw ax
  or al,1
  lmsw ax
  jmp 0x08:R16(.prot)
.prot:
  mov ax,0x10
  mov ds,ax
  mov es,ax
  mov ss,ax
  mov sp,STACK0
  smsw ax
  CHECK {test al,1}, nz
  lmsw cx                              ; PE cannot be cleared
  smsw ax
  CHECK {test al,1}, nz
  mov ax,0x18
  ltr ax
  mov word [TSS+2],STACK_INNER
  mov word [TSS+4],0x10
  ; Segments: limits, rights, a base above 1 MiB.
  mov ax,0x20                          ; 110000h, FFFh
  mov es,ax
  mov word [es:0xffe],0xabcd
  FAULT286 13, 0, {mov ax,[es:0xfff]}
  mov word [GDT+S],0xffff
  mov word [GDT+S+2],0x0ffe
  mov word [GDT+S+4],0x9311
  mov word [GDT+S+6],0
  mov ax,S
  mov es,ax
  CHECK {cmp word [es:0],0xabcd}, e
  mov word [GDT+S+4],0x1311
  FAULT286 11, S, {mov es,ax}
  FAULT286 12, S, {mov ss,ax}
  mov word [GDT+S+4],0x9111
  mov es,ax
  FAULT286 13, 0, {mov [es:0],ax}
  mov ax,0x3f8
  FAULT286 13, 0x3f8, {mov es,ax}
  FAULT286 13, 17*8+2, {int 17}
  FAULT286 6, 0, {db 0x0f,0x0b}
  xor cx,cx
  xor dx,dx
  FAULT286 0, 0, {div cx}
  ; VERR, LAR, ARPL.
  mov cx,S
  verr cx
  CHECK {nop}, z
  verw cx
  CHECK {nop}, nz
  lar ax,cx
  CHECK {cmp ax,0x9100}, e
  mov ax,0x10
  mov cx,3
  arpl ax,cx
  CHECK {cmp ax,0x13}, e
  ; A task, called and left by IRET.
  mov word [TSS+0x100+14],R16(.task)
  mov word [TSS+0x100+16],2
  mov word [TSS+0x100+18],0x5151
  mov word [TSS+0x100+26],0x6000
  mov word [TSS+0x100+34],0x10
  mov word [TSS+0x100+36],0x08
  mov word [TSS+0x100+38],0x10
  mov word [TSS+0x100+40],0x10
  mov word [TSS+0x100+42],0
  call 0x28:0
  CHECK {cmp word [0x600],0x5151}, e
  CHECK {cmp sp,STACK0}, e
  ; Ring 3 and back through a call gate with one word.
  push word 0x33
  push word STACK3
  push word 0x3b
  push word R16(.user)
  retf
.user:
  push word 0x7777
  call 0x43:0
  NEVER
.task:
  mov [0x600],ax
  iret
.gated:
  CHECK {cmp sp,STACK_INNER-10}, e
  mov bp,sp
  CHECK {cmp word [bp+4],0x7777}, e
  CHECK {cmp word [bp+6],STACK3-2}, e
  CHECK {cmp word [bp+8],0x33}, e
  mov ax,0x10
  mov ds,ax
  PASS
.stubs:
%assign vec 0
%rep 17
%if vec = 8 || (vec >= 10 && vec <= 13)
  nop
  nop
%else
  push byte 0
%endif
  push byte vec
  jmp near .caught
%assign vec vec+1
%endrep
.caught:
  pop word [GOT_VEC]
  pop word [GOT_ERR]
  pop word [GOT_IP]
  pop word [GOT_CS]
  mov sp,[RESUME_SP]
  jmp [RESUME]
align 8
.gdt:
  dq 0
  dq 0x00009b0f0000ffff  ; 08: code, F0000h
  dq 0x000093000000ffff  ; 10: data
  dq 0x000081003000002b  ; 18: TSS at 3000h
  dq 0x0000931100000fff  ; 20: data, 110000h
  dq 0x000081003100002b  ; 28: TSS at 3100h
  dq 0x0000f3000000ffff  ; 30: data of ring 3
  dq 0x0000fb0f0000ffff  ; 38: code of ring 3
.gate_desc:
  dw R16(.gated), 0x08, 0xe401, 0 ; 40: call gate, one word
.gdt_end:
cpu default
ROM_END
