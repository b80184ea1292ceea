; what: the 8086: 20-bit addresses that wrap, words at FFFFh, PUSH SP, shift counts, flags, POP CS, invalid-opcode aliases
; cpu: 8086
%include "rom.inc"
cpu 8086
start16:
  ; FFFF:0010 is 00000.
  mov word [0x600],0x1234
  mov ax,0xffff
  mov es,ax
  CHECK {cmp word [es:0x610],0x1234}, e
  mov word [es:0x612],0x5678
  CHECK {cmp word [0x602],0x5678}, e
  ; A word at offset FFFFh wraps in its segment.
  mov ax,0x1000
  mov ds,ax
  mov byte [0xffff],0x11
  mov byte [0],0x22
  CHECK {cmp word [0xffff],0x2211}, e
  mov word [0xffff],0x4433
  CHECK {cmp byte [0],0x44}, e
  xor ax,ax
  mov ds,ax
  ; PUSH SP stores the new value.
  mov bx,sp
  push sp
  pop ax
  sub bx,2
  CHECK {cmp ax,bx}, e
  ; Bits 15:12 of the flags are ones.
  pushf
  pop ax
  and ax,0xf000
  CHECK {cmp ax,0xf000}, e
  ; Shift counts are not masked.
  mov ax,1
  mov cl,33
  shl ax,cl
  CHECK {test ax,ax}, z
  mov ax,0x8000
  mov cl,17
  rol ax,cl
  CHECK {cmp ax,1}, e
  ; POP CS.
  mov ax,cs
  push ax
  db 0x0f
  CHECK {nop}, nc
  ; 60h to 6Fh are conditional jumps.
  xor ax,ax
  db 0x64,0x02                         ; JZ +2
  jmp short .bad
  stc
  db 0x62,0x02                         ; JC +2
.bad:
  mov al,99
  CHECK {test al,al}, z
  ; Interrupts: divide error saves the next instruction's address.
  mov word [0],R16(.divide)
  mov word [2],0xf000
  xor dx,dx
  mov ax,1
  xor cx,cx
  div cx
.after:
  CHECK {cmp word [0x600],R16(.after)}, e
  ; Single step, and INT 3, INTO, INT n.
  mov word [4],R16(.step)
  mov word [6],0xf000
  mov word [12],R16(.count)
  mov word [14],0xf000
  mov word [16],R16(.count)
  mov word [18],0xf000
  xor bx,bx
  int3
  mov al,0x7f
  inc al
  into
  xor al,al
  into
  CHECK {cmp bx,2}, e
  xor bx,bx
  pushf
  pop ax
  or ah,1
  push ax
  popf
  nop
  nop
  nop
  CHECK {cmp bx,2}, ae
  pushf
  pop ax
  and ah,0xfe
  push ax
  popf
  ; Strings, LOOP, AAM by another base, XLAT.
  cld
  mov si,R16(.text)
  mov di,0x700
  push cs
  pop ds
  xor ax,ax
  mov es,ax
  mov cx,5
  rep movsb
  mov ds,ax
  CHECK {cmp word [0x703],'4'|('7'<<8)}, e
  CHECK {cmp cx,0}, e
  mov al,100
  aam 7
  CHECK {cmp ax,0x0e02}, e
  mov bx,0x700
  mov al,3
  xlatb
  CHECK {cmp al,'4'}, e
  PASS
.divide:
  mov bp,sp
  mov ax,[bp]
  mov [0x600],ax
  iret
.step:
  inc bx
  iret
.count:
  inc bx
  iret
.text: db 'abc47'
cpu default
ROM_END
