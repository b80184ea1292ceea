; what: 32-bit paging: faults and their error codes, A and D, U/S, R/W, WP, both levels, page-crossing accesses
; cpu: 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
PD equ 0x20000
PT equ 0x21000           ; the first 4 MiB, identity-mapped
PT2 equ 0x22000          ; 4 MiB on: VIRT
VIRT equ 0x400000
%define PTE(n) dword [PT2+4*(n)]
; A page fault at %3 with this error code and CR2 = %2.
start16:
  ENTER32
  mov edi,PD
  xor eax,eax
  mov ecx,0x3000/4
  rep stosd
  mov dword [PD],PT|7
  mov dword [PD+4],PT2|7
  mov edi,PT
  mov eax,7
  mov ecx,1024
.fill:
  stosd
  add eax,0x1000
  loop .fill
  mov PTE(0),0x30007                   ; VIRT: 30000h, 31000h not present, 32000h read-only, 33000h supervisor
  mov PTE(1),0x31006
  mov PTE(2),0x32005
  mov PTE(3),0x33003
  mov PTE(4),0x30007                   ; an alias of the first
  PAGING_ON PD
.paged:
  ; Translation, A and D.
  mov ebx,VIRT
  CHECK {test PTE(0),0x20}, z
  mov eax,[ebx]
  CHECK {test PTE(0),0x20}, nz
  CHECK {test PTE(0),0x40}, z
  CHECK {test byte [PD+4],0x20}, nz
  mov dword [ebx+0x10],0x13579bdf
  CHECK {test PTE(0),0x40}, nz
  CHECK {cmp dword [0x30010],0x13579bdf}, e
  CHECK {cmp dword [ebx+0x4010],0x13579bdf}, e
  CHECK {test PTE(1),0x60}, z
  ; Not present: error code bits W/R and U/S.
  PFAULT 0, VIRT+0x1004, {mov eax,[ebx+0x1004]}
  PFAULT 2, VIRT+0x1008, {mov [ebx+0x1008],eax}
  PFAULT 2, VIRT+0x1008, {add dword [ebx+0x1008],1} ; read-modify-write counts as a write
  CHECK {test PTE(1),0x60}, z
  PFAULT 0, 0x800000, {mov eax,[0x800000]} ; no page table
  ; Read-only at ring 0: written with WP = 0, refused with WP = 1.
  mov dword [ebx+0x2000],0x55
  CHECK {cmp dword [0x32000],0x55}, e
  mov eax,cr0
  or eax,0x10000
  mov cr0,eax
  PFAULT 3, VIRT+0x2000, {mov [ebx+0x2000],eax}
  mov eax,[ebx+0x2000]
  PFAULT 3, VIRT+0x2000, {xchg eax,[ebx+0x2000]}
  PFAULT 3, VIRT+0x2000, {lock bts dword [ebx+0x2000],0}
  CHECK {cmp dword [0x32000],0x55}, e
  ; The directory's R/W and U/S count as well.
  mov dword [PD+4],PT2|5
  mov eax,cr3
  mov cr3,eax
  PFAULT 3, VIRT, {mov [ebx],eax}
  mov dword [PD+4],PT2|7
  mov eax,cr3
  mov cr3,eax
  ; Ring 3.
  ENTER_RING3 0x3000
  mov eax,[ebx+0x2000]
  PFAULT 7, VIRT+0x2000, {mov [ebx+0x2000],eax}
  ENTER_RING3 0x3000
  PFAULT 5, VIRT+0x3000, {mov eax,[ebx+0x3000]}
  ENTER_RING3 0x3000
  PFAULT 7, VIRT+0x3000, {mov [ebx+0x3000],eax}
  ENTER_RING3 0x3000
  PFAULT 4, VIRT+0x1000, {mov eax,[ebx+0x1000]}
  ENTER_RING3 0x3000
  ; Implicit accesses are the supervisor's: the GDT may be in a supervisor page.
  FAULT 6, 0, {ud2}
  mov dword [PT+4*2],0x2003
  invlpg [GDT]
  ENTER_RING3 0x3000
  mov ax,UDATA32
  mov ds,ax
  PFAULT 5, GDT, {mov eax,[GDT]}
  mov dword [PT+4*2],0x2007
  invlpg [GDT]
  ; Across two pages: the second fails, nothing is written to the first; CR2 is the first byte that failed.
  mov dword [0x30ffc],0x11111111
  PFAULT 2, VIRT+0x1000, {mov dword [ebx+0xffe],0x22222222}
  CHECK {cmp dword [0x30ffc],0x11111111}, e
  PFAULT 0, VIRT+0x1000, {mov eax,[ebx+0xffd]}
  mov PTE(1),0x31007
  invlpg [ebx+0x1000]
  mov dword [ebx+0xffe],0x22223333
  CHECK {cmp word [0x30ffe],0x3333}, e
  CHECK {cmp word [0x31000],0x2222}, e
  ; PUSH, CALL and ENTER restart: ESP is as it was.
  mov PTE(1),0x31006
  invlpg [ebx+0x1000]
  ENTER_RING3 0x3000
  lea esp,[ebx+0x2000]
  PFAULT 6, VIRT+0x1ffc, {push eax}
  CHECK {cmp dword [GOT_SP],VIRT+0x2000}, e
  ENTER_RING3 0x3000
  lea esp,[ebx+0x2000]
  PFAULT 6, VIRT+0x1ffc, {call .paged}
  CHECK {cmp dword [GOT_SP],VIRT+0x2000}, e
  ENTER_RING3 0x3000
  lea esp,[ebx+0x2000]
  PFAULT 6, VIRT+0x1ffc, {enter 16,0}
  CHECK {cmp dword [GOT_SP],VIRT+0x2000}, e
  ENTER_RING3 0x3000
  lea esp,[ebx+0x1010]
  mov ecx,0x1234
  PFAULT 4, VIRT+0x1010, {pop ecx}
  CHECK {cmp ecx,0x1234}, e
  CHECK {cmp dword [GOT_SP],VIRT+0x1010}, e
  ; PUSHA that fails half-way: 8 doublewords from 1010h down cross into the page below.
  mov PTE(0),0x30006
  mov PTE(1),0x31007
  mov eax,cr3
  mov cr3,eax
  ENTER_RING3 0x3000
  lea esp,[ebx+0x1010]
  FAULT 14, 6, {pushad}
  CHECK {cmp dword [GOT_SP],VIRT+0x1010}, e
  mov PTE(0),0x30007
  mov eax,cr3
  mov cr3,eax
  ; An instruction that lies across pages: fetched from both, the fault is at its second page, EIP at its start.
  mov byte [0x30fff],0xb8              ; MOV EAX,imm32
  mov dword [0x31000],0x87654321
  mov byte [0x31004],0xc3
  lea edx,[ebx+0xfff]
  call edx
  CHECK {cmp eax,0x87654321}, e
  mov PTE(1),0x31006
  invlpg [ebx+0x1000]
  NEXT_CHECK
  mov dword [RESUME],.fetched
  mov [RESUME_SP],esp
  call edx
.fetched:
  EXPECT_GOT 14, 0, VIRT+0xfff
  mov eax,cr2
  CHECK {cmp eax,VIRT+0x1000}, e
  ; A page fault whose delivery faults again: #DF.
  mov dword [PD+8],0
  mov eax,[TSS32+4]
  mov dword [TSS32+4],0x800800         ; ESP0 in a hole
  SET_DESC FREE, (0xa000<<16)|103, 0x00008900
  SET_GATE 8, FREE, 0, 0x8500
  mov edi,0xa000
  xor eax,eax
  mov ecx,104/4
  rep stosd
  mov dword [0xa01c],PD
  mov dword [0xa020],.double
  mov dword [0xa024],2
  mov dword [0xa038],0x6000
  mov dword [0xa048],DATA32
  mov dword [0xa04c],CODE32
  mov dword [0xa050],DATA32
  mov dword [0xa054],DATA32
  mov dword [TSS32+0x1c],PD
  ENTER_RING3 0x3000
.pf:
  mov eax,[ebx+0x1000]
  NEVER
.double:
  CHECK {cmp dword [TSS32+0x20],.pf}, e
  CHECK {cmp dword [esp],0}, e
  mov eax,cr2
  CHECK {cmp eax,0x8007fc}, e          ; SS, the first push
  PASS
ROM_END
