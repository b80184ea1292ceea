; what: PAE paging: PDPTEs, 2-MiB pages, reserved bits, no-execute, SMEP, SMAP
; cpu: max
%include "rom.inc"
PDPT equ 0x20000
PD   equ 0x21000
PT   equ 0x22000
VIRT equ 0x400000        ; 2 MiB on its own page table: 30000h, ...
start16:
  ENTER32
  mov edi,PDPT
  xor eax,eax
  mov ecx,0x3000/4
  rep stosd
  mov dword [PDPT],PD|1
  mov dword [PD],0x83                  ; identity, 2 MiB, the supervisor's
  mov dword [PD+8],0x200087            ; the user's
  mov dword [PD+16],PT|7
  mov dword [PT],0x30007
  mov dword [PT+8],0x31003             ; supervisor
  mov dword [0x30000],0xc3             ; RET
  mov dword [0x31000],0xc3
  mov eax,cr4
  or eax,0x20
  mov cr4,eax
  PAGING_ON PDPT, CR0_WP
  mov ebx,VIRT
  CHECK {cmp byte [ebx],0xc3}, e
  CHECK {test byte [PT],0x20}, nz
  CHECK {test byte [PD+16],0x20}, nz
  PFAULT 0, 0x40000000, {mov eax,[0x40000000]} ; PDPTE 1 is not present
  ; The PDPTEs are read at the load of CR3 only.
  mov dword [PDPT+8],PD|1
  PFAULT 0, 0x40030000, {mov eax,[0x40030000]}
  mov eax,cr3
  mov cr3,eax
  mov dword [0x30010],0x77
  CHECK {cmp dword [0x40030010],0x77}, e
  ; A reserved bit in a PDPTE: MOV CR3 is refused.
  mov dword [PDPT+16],PD|3
  mov eax,cr3
  FAULT 13, 0, {mov cr3,eax}
  mov dword [PDPT+16],0
  ; Reserved bits: 13 of a 2-MiB page; bit 63 while NXE = 0; bits past the physical address.
  mov dword [PD+8],0x202087
  invlpg [0x200000]
  PFAULT 9, 0x200000, {mov eax,[0x200000]}
  mov dword [PD+8],0x200087
  invlpg [0x200000]
  mov dword [PT+4],0x80000000
  invlpg [ebx]
  PFAULT 9, VIRT, {mov eax,[ebx]}
  PFAULT 11, VIRT, {mov [ebx],eax}
  mov dword [PT+4],0x00080000          ; bit 51
  invlpg [ebx]
  PFAULT 9, VIRT, {mov eax,[ebx]}
  mov dword [PT+4],0
  invlpg [ebx]
  call ebx
  ; NXE: bit 63 forbids fetches, and the error code tells a fetch.
  mov ecx,0xc0000080
  rdmsr
  or ah,8
  wrmsr
  mov dword [PT+4],0x80000000
  invlpg [ebx]
  mov eax,[ebx]
  NEXT_CHECK
  mov dword [RESUME],.nx
  mov [RESUME_SP],esp
  call ebx
.nx:
  EXPECT_GOT 14, 0x11, VIRT
  NEXT_CHECK
  mov dword [RESUME],.hole
  lea edx,[ebx+0x3000]
  call edx
.hole:
  EXPECT_GOT 14, 0x10, VIRT+0x3000
  ; A fetch from a user page at ring 0 is fine without SMEP, and refused with it.
  mov dword [PT+4],0
  invlpg [ebx]
  call ebx
  mov eax,cr4
  or eax,0x100000
  mov cr4,eax
  NEXT_CHECK
  mov dword [RESUME],.smep
  call ebx
.smep:
  EXPECT_GOT 14, 0x11, VIRT
  mov eax,[ebx]                        ; data is not its business
  lea edx,[ebx+0x1000]
  call edx                             ; a supervisor page
  ; U/S of the directory counts: a user PTE below a supervisor PDE is the supervisor's.
  mov dword [PD+16],PT|3
  mov eax,cr3
  mov cr3,eax
  call ebx
  mov dword [PD+16],PT|7
  mov eax,cr4
  and eax,~0x100000
  or eax,0x200000                      ; SMAP
  mov cr4,eax
  clac
  PFAULT 1, VIRT, {mov eax,[ebx]}
  PFAULT 3, VIRT+4, {mov [ebx+4],eax}
  PFAULT 3, VIRT+4, {add dword [ebx+4],1}
  call ebx                             ; fetches are not its business
  mov eax,[ebx+0x1000]
  stac
  mov eax,[ebx]
  mov [ebx+4],eax
  clac
  ; Implicit accesses are refused even with AC = 1: an LDT in a user page.
  SET_DESC FREE, ((VIRT+0x100)<<16)&0xffff0000|15, 0x00008200|(VIRT>>16)
  stac
  mov dword [ebx+0x108],0x0000ffff
  mov dword [ebx+0x10c],0x00cf9300
  mov ax,FREE
  lldt ax
  mov cx,0x0c
  PFAULT 1, VIRT+0x108, {mov fs,cx}
  mov dword [PT],0x30003
  invlpg [ebx]
  mov fs,cx
  PASS
ROM_END
