; what: 4-MiB pages, global pages, INVLPG
; cpu: pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
PD equ 0x20000
PT equ 0x21000
start16:
  ENTER32
  mov edi,PD
  xor eax,eax
  mov ecx,0x2000/4
  rep stosd
  mov dword [PD],0x87                  ; identity, 4 MiB
  mov dword [PD+4],0x87                ; 4 MiB on: the same memory
  mov dword [PD+8],PT|7
  mov dword [PT],0x30107               ; global
  mov dword [PT+4],0x31007
  mov eax,cr4
  or eax,0x90                          ; PSE, PGE
  mov cr4,eax
  PAGING_ON PD, CR0_WP
  mov dword [0x50000],0xabcdef01
  CHECK {cmp dword [0x450000],0xabcdef01}, e
  CHECK {test byte [PD+4],0x60}, nz
  CHECK {test byte [PD+4],0x40}, z     ; read only: no D
  mov dword [0x450004],1
  CHECK {test byte [PD+4],0x40}, nz
  ; A read-only large page.
  mov dword [PD+4],0x85
  invlpg [0x7fffff]
  FAULT 14, 3, {mov [0x450004],eax}
  ; A reserved bit of a large page (21).
  mov dword [PD+4],0x200087
  invlpg [0x400000]
  FAULT 14, 9, {mov eax,[0x450004]}
  mov eax,cr2
  CHECK {cmp eax,0x450004}, e
  ; Global entries survive a load of CR3, others do not; INVLPG and a change of CR4.PGE remove them.
  mov dword [0x30000],0x30303030
  mov dword [0x31000],0x31313131
  mov dword [0x32000],0x32323232
  mov eax,[0x800000]
  mov eax,[0x801000]
  mov dword [PT],0x32107
  mov dword [PT+4],0x32007
  invlpg [0x800000]
  CHECK {cmp dword [0x800000],0x32323232}, e
  mov eax,cr3
  mov cr3,eax
  CHECK {cmp dword [0x801000],0x32323232}, e
  mov dword [PT],0x30107
  mov eax,cr4
  and eax,~0x80
  mov cr4,eax
  CHECK {cmp dword [0x800000],0x30303030}, e
  PASS
ROM_END
