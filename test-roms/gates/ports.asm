; what: IOPL and the I/O permission bitmap; what ring 3 may not do
; cpu: 80386 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
start16:
  ENTER32
  ; No bitmap in the segment: with CPL > IOPL every port is refused.
  ENTER_RING3
  FAULT 13, 0, {in al,0x80}
  ENTER_RING3
  FAULT 13, 0, {cli}
  ENTER_RING3
  FAULT 13, 0, {sti}
  ENTER_RING3
  FAULT 13, 0, {hlt}
  ENTER_RING3
  FAULT 13, 0, {mov eax,cr0}
  ENTER_RING3
  FAULT 13, 0, {lgdt [VARS]}
  ENTER_RING3
  FAULT 13, 0, {ltr ax}
  ENTER_RING3
  FAULT 13, 0, {clts}
  ENTER_RING3
  FAULT 13, 0, {lmsw ax}
  ENTER_RING3
  FAULT 13, 0, {mov eax,dr7}
  ; POPF at ring 3 leaves IF and IOPL as they are, in silence.
  ENTER_RING3
  push dword 0x3202
  popfd
  pushfd
  pop ebx
  FAULT 6, 0, {ud2}
  and ebx,0x3200
  CHECK {cmp ebx,0}, e
  ; IOPL 3: all ports, CLI and STI; POPF moves IF but not IOPL.
  ENTER_RING3 0x3000
  in al,0x80
  sti
  pushfd
  pop ebx
  CHECK {test ebx,0x200}, nz
  cli
  push dword 0x0202
  popfd
  pushfd
  pop ebx
  and ebx,0x3200
  CHECK {cmp ebx,0x3200}, e
  FAULT 6, 0, {ud2}
  cli
  ; A bitmap: port 80h free, 81h not; a wide access needs all its bits. The byte behind the last one is looked at, too.
  SET_DESC TSSSEL, 0x30000000|(104+0x12), 0x00008900
  mov ax,TSSSEL
  ltr ax
  mov word [TSS32+102],104
  mov dword [TSS32+104+0x10],0xfffffffe
  ENTER_RING3
  in al,0x80
  FAULT 13, 0, {in ax,0x80}
  ENTER_RING3
  FAULT 13, 0, {in al,0x81}
  mov dword [TSS32+104+0x10],0xfffffff0
  ENTER_RING3
  in eax,0x80
  FAULT 13, 0, {in ax,0x83}
  mov byte [TSS32+104+0x11],0x00
  ENTER_RING3
  in al,0x8f                           ; its byte pair: 11h and 12h, inside the limit
  FAULT 13, 0, {in al,0x90}            ; 12h and 13h: 13h is past it
  PASS
ROM_END
