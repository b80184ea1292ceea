; what: repeated string instructions that fault half-way, go backwards, cross pages, compare and scan
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
PD equ 0x20000
PT equ 0x21000
start16:
  ENTER32
  mov edi,PT
  mov eax,7
  mov ecx,1024
.fill:
  stosd
  add eax,0x1000
  loop .fill
  mov dword [PD],PT|7
  and dword [PT+4*0x32],~1             ; 32000h is not present
  PAGING_ON PD
  ; STOSD into the hole: registers show what is done.
  mov edi,0x31ff0
  mov ecx,16
  mov eax,0x5a5a5a5a
  FAULT 14, 2, {rep stosd}
  CHECK {cmp edi,0x32000}, e
  CHECK {cmp ecx,12}, e
  mov eax,cr2
  CHECK {cmp eax,0x32000}, e
  CHECK {cmp dword [0x31ffc],0x5a5a5a5a}, e
  CHECK {test dword [GOT_FLAGS],0x10000}, nz ; RF
  ; Not aligned: the iteration that crosses writes nothing.
  mov dword [0x31ffc],0
  mov edi,0x31ff6
  mov ecx,5
  mov eax,0x5a5a5a5a
  FAULT 14, 2, {rep stosd}
  CHECK {cmp edi,0x31ffe}, e
  CHECK {cmp ecx,3}, e
  CHECK {cmp dword [0x31ffc],0x00005a5a}, e
  ; MOVSB: the source faults, then the destination.
  mov esi,0x31ffd
  mov edi,0x30000
  mov ecx,8
  FAULT 14, 0, {rep movsb}
  CHECK {cmp esi,0x32000}, e
  CHECK {cmp edi,0x30003}, e
  CHECK {cmp ecx,5}, e
  mov esi,0x30000
  mov edi,0x31ffd
  FAULT 14, 2, {rep movsb}
  CHECK {cmp esi,0x30003}, e
  CHECK {cmp ecx,2}, e
  ; Backwards.
  std
  mov edi,0x33004
  mov ecx,4
  FAULT 14, 2, {rep stosd}
  CHECK {cmp edi,0x32ffc}, e
  CHECK {cmp ecx,2}, e
  cld
  ; Restarted after the page came: the rest only.
  mov edi,0x31ff8
  mov ecx,4
  mov eax,0x77777777
  FAULT 14, 2, {rep stosd}
  or dword [PT+4*0x32],1
  mov eax,cr3
  mov cr3,eax
  mov eax,0x77777777
  rep stosd
  CHECK {cmp edi,0x32008}, e
  CHECK {cmp dword [0x32004],0x77777777}, e
  ; MOVSB over itself repeats a pattern; a count of 0 does nothing, not even fault.
  mov dword [0x34000],0x00434241
  mov esi,0x34000
  mov edi,0x34003
  mov ecx,9
  rep movsb
  CHECK {cmp dword [0x34004],0x43424143}, ne
  CHECK {cmp dword [0x34003],0x41434241}, e
  xor ecx,ecx
  mov edi,0x800000
  rep stosd
  CHECK {cmp edi,0x800000}, e
  ; CMPS and SCAS stop at the difference, flags of the last comparison; a count of 0 leaves the flags.
  mov esi,0x34000
  mov edi,0x34003
  mov ecx,20
  mov byte [0x34009],0x7f
  repe cmpsb
  CHECK {nop}, ne
  CHECK {cmp esi,0x34007}, e
  CHECK {cmp ecx,13}, e
  mov edi,0x34000
  mov ecx,20
  mov al,0x7f
  repne scasb
  CHECK {nop}, e
  CHECK {cmp edi,0x3400a}, e
  stc
  mov ecx,0
  repe cmpsb
  CHECK {nop}, c
  ; 16-bit addressing wraps in SI, DI and CX and leaves the high halves.
  mov esi,0xaaaaffff
  mov edi,0xbbbb6000
  mov ecx,0xcccc0002
  a16 rep movsb
  CHECK {cmp esi,0xaaaa0001}, e
  CHECK {cmp edi,0xbbbb6002}, e
  CHECK {cmp ecx,0xcccc0000}, e
  ; Segment override of the source; the destination has none.
  mov dword [0x35000],0x13572468
  SET_DESC FREE, 0x5000ffff, 0x00409303
  mov ax,FREE
  mov fs,ax
  xor esi,esi
  mov edi,0x34100
  fs movsd
  CHECK {cmp dword [0x34100],0x13572468}, e
  PASS
ROM_END
