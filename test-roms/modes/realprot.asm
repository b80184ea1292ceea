; what: real mode to 16-bit and 32-bit protected mode and back, unreal mode, limits in real mode
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ; Real mode: an interrupt through the table, its frame, IF and TF off.
  mov word [0x20*4],R16(.int20)
  mov word [0x20*4+2],0xf000
  sti
  stc
  mov bp,sp
  int 0x20
.back:
  CHECK {cmp ax,0x2020}, e
  CHECK {cmp sp,bp}, e
  pushf
  pop ax
  CHECK {test ax,0x201}, nz
  cli
  ; The limit of 64 KiB: vector 13, no error code; the stack: 12.
  mov word [13*4],R16(.gp)
  mov word [13*4+2],0xf000
  mov word [12*4],R16(.ss)
  mov word [12*4+2],0xf000
  mov cx,13
  mov bx,0xffff
  xor dx,dx
  mov di,R16(.gp_at)
.gp_at:
  mov ax,[bx]
  CHECK {cmp dx,13}, e
  mov di,R16(.gp_at2)
  xor dx,dx
  mov ebx,0x10000
.gp_at2:
  a32 mov al,[ebx]
  CHECK {cmp dx,13}, e
  mov di,R16(.ss_at)
  xor dx,dx
  mov si,bp
  mov bp,0xffff
.ss_at:
  mov ax,[bp]
  CHECK {cmp dx,12}, e
  mov bp,si
  ; Unreal mode: a 4-GiB DS taken back to real mode.
  mov esi,R16(gdt_image)
  mov di,GDT
  mov cx,gdt_image_end-gdt_image
.copy:
  mov al,[cs:esi]
  mov [di],al
  inc esi
  inc di
  loop .copy
  o32 lgdt [cs:dword R16(gdtr_image)]
  mov eax,cr0
  or al,1
  mov cr0,eax
  mov bx,DATA32
  mov ds,bx
  and al,0xfe
  mov cr0,eax
  mov ebx,0x123456
  mov dword [ebx],0xfeedf00d
  CHECK {cmp dword [ebx],0xfeedf00d}, e
  mov ax,0x1000                        ; a load changes the base and keeps the limit
  mov ds,ax
  mov eax,[ebx-0x10000]
  CHECK {cmp eax,0xfeedf00d}, e
  xor ax,ax
  mov ds,ax
  ; 16-bit protected mode.
  mov eax,cr0
  or al,1
  mov cr0,eax
  jmp CODE16:R16(.prot16)
.prot16:
  mov ax,DATA16
  mov ds,ax
  mov es,ax
  mov ss,ax
  mov sp,STACK0
  smsw ax
  CHECK {test al,1}, nz
  push word 0x1234
  CHECK {cmp sp,STACK0-2}, e
  pop ax
  jmp dword CODE32:.prot32
bits 32
.prot32:
  mov ax,DATA32
  mov ss,ax
  mov esp,STACK0
  push dword 0x12345678
  CHECK {cmp esp,STACK0-4}, e
  pop eax
  ; 32-bit code with a 16-bit stack: SP alone moves.
  mov ax,DATA16
  mov ss,ax
  mov esp,0x55550000
  push eax
  CHECK {cmp esp,0x5555fffc}, e
  CHECK {cmp dword [0xfffc],0x12340020}, e
  pop ecx
  CHECK {cmp esp,0x55550000}, e
  jmp CODE16:R16(.leave)
bits 16
.leave:
  mov ax,DATA16                        ; 64-KiB limits for real mode
  mov ds,ax
  mov es,ax
  mov ss,ax
  mov eax,cr0
  and al,0xfe
  mov cr0,eax
  jmp 0xf000:R16(.real)
.real:
  xor ax,ax
  mov ds,ax
  mov es,ax
  mov ss,ax
  mov sp,STACK0
  sti
  int 0x20
.back2:
  cli
  CHECK {cmp ax,0x2021}, e
  mov bx,0xffff
  xor dx,dx
  mov di,R16(.gp_at3)
.gp_at3:
  mov ax,[bx]                          ; the limit is back
  CHECK {cmp dx,13}, e
  ; A32 addressing and O32 operands in real mode; a push of a word at SP = 0 wraps.
  mov sp,0
  push ax
  CHECK {cmp sp,0xfffe}, e
  PASS

.int20:
  pushf
  pop ax
  CHECK {test ax,0x300}, z
  mov bx,sp
  CHECK {cmp word [bx+2],0xf000}, e
  CHECK {test word [bx+4],0x200}, nz
  mov ax,0x2020
  cmp word [bx],R16(.back)
  je .end20
  mov ax,0x2021
.end20:
  iret
; DI: the instruction that faults; all are 3 bytes long or known by the table. DX gets the vector.
.gp:
  mov dx,13
  jmp .skip
.ss:
  mov dx,12
.skip:
  mov [0x604],bp
  mov bp,sp
  CHECK {cmp [bp],di}, e
  cmp di,R16(.gp_at)
  je .two
  cmp di,R16(.gp_at3)
  je .two
  add word [bp],3                      ; MOV AX,[BP+0], A32 MOV AL,[EBX]
  mov bp,[0x604]
  iret
.two:
  add word [bp],2
  mov bp,[0x604]
  iret
ROM_END
