; what: the 80386's paging: no WP, no INVLPG, no large pages
; cpu: 80386
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
  mov dword [PT+4*0x30],0x30005        ; read-only
  mov dword [PT+4*0x31],0x31003        ; supervisor
  mov dword [PT+4*0x32],0
  PAGING_ON PD, CR0_WP ; bit 16 does nothing here
  mov dword [0x30000],0x1234           ; the supervisor writes everywhere
  CHECK {test byte [PT+4*0x30],0x60}, nz
  FAULT 14, 2, {mov dword [0x32000],1}
  mov eax,cr2
  CHECK {cmp eax,0x32000}, e
  FAULT 6, 0, {invlpg [0x30000]}
  FAULT 6, 0, {mov eax,cr4}
  ENTER_RING3 0x3000
  FAULT 14, 7, {mov dword [0x30000],1}
  ENTER_RING3 0x3000
  FAULT 14, 5, {mov eax,[0x31000]}
  mov eax,[0x31000]
  PASS
ROM_END
