; what: 4-level paging: 4-KiB, 2-MiB and 1-GiB pages, canonical addresses, no-execute, reserved bits, A and D
; cpu: max
%include "rom.inc"
PDPT2 equ 0x20000        ; for PML4E 256: FFFF8000_00000000
PD2 equ 0x21000
PT2 equ 0x22000
start16:
  ENTER32
  ENTER64
  mov edi,PDPT2
  xor eax,eax
  mov ecx,0x3000/8
  rep stosq
  mov dword [PML4+8*256],PDPT2|7
  mov dword [PDPT2],PD2|7
  mov dword [PDPT2+8],0x87             ; 1 GiB on: a 1-GiB page of all memory
  mov dword [PD2],PT2|7
  mov dword [PD2+8],0x00200087         ; 2 MiB on
  mov dword [PT2],0x30007
  mov dword [PT2+8],0x31005
  mov dword [PT2+16],0x32003
  mov rbx,0xffff800000000000
  mov rsi,0xffff800040000000
  mov dword [rbx+0x10],0x11223344
  CHECK {cmp dword [0x30010],0x11223344}, e
  CHECK {cmp dword [rsi+0x30010],0x11223344}, e
  mov dword [rbx+0x200020],0x55667788
  CHECK {cmp dword [0x200020],0x55667788}, e
  CHECK {cmp dword [rsi+0x200020],0x55667788}, e
  CHECK {test byte [PDPT2+8],0x40}, z
  mov dword [rsi+0x30014],1
  CHECK {test byte [PDPT2+8],0x40}, nz
  CHECK {test byte [PML4+8*256],0x20}, nz
  CHECK {test byte [PML4+8*256],0x40}, z
  ; Faults.
  PFAULT 0, 0xffff800000003000, {mov al,[rbx+0x3000]}
  mov rdi,0xffff808000000000
  PFAULT 2, 0xffff808000000000, {mov [rdi],al} ; no PML4E
  PFAULT 0, 0xffff800080000000, {mov al,[rsi+0x40000000]} ; no PDPTE
  mov rax,cr0
  or eax,0x10000
  mov cr0,rax                          ; WP
  PFAULT 3, 0xffff800000001000, {mov [rbx+0x1000],al}
  PFAULT 3, 0xffff800000001000, {mov [rbx+0xffc],rax} ; across: nothing written
  CHECK {cmp dword [0x30ffc],0}, e
  ; Not canonical: #GP(0), through the stack #SS(0); across the border as well.
  mov rdi,0x0000800000000000
  FAULT 13, 0, {mov al,[rdi]}
  FAULT 13, 0, {mov [rdi-4],rax}
  mov rbp,rdi
  FAULT 12, 0, {mov al,[rbp]}
  FAULT 13, 0, {jmp rdi}
  FAULT 13, 0, {call rdi}
  push rdi
  FAULT 13, 0, {ret}
  FAULT 13, 0, {lidt [rdi]}
  ; Reserved: bit 13 of the 1-GiB page, bit 7 of a PML4E, bit 63 without NXE.
  mov dword [PDPT2+8],0x2087
  invlpg [rsi+0x30000]
  PFAULT 9, 0xffff800040030000, {mov al,[rsi+0x30000]}
  mov dword [PDPT2+8],0x87
  mov dword [PML4+8*256],PDPT2|0x87
  mov rax,cr3
  mov cr3,rax
  PFAULT 9, 0xffff800000000000, {mov al,[rbx]}
  mov dword [PML4+8*256],PDPT2|7
  mov dword [PML4+8*256+4],0x80000000
  mov rax,cr3
  mov cr3,rax
  PFAULT 9, 0xffff800000000000, {mov al,[rbx]}
  mov ecx,0xc0000080
  rdmsr
  or ah,8                              ; NXE: now it forbids fetches from all that is below it
  wrmsr
  mov byte [rbx],0xc3
  NEXT_CHECK
  mov dword [RESUME],.nx
  mov [RESUME_SP],rsp
  call rbx
.nx:
  mov rax,[GOT_IP]
  CHECK {cmp rax,rbx}, e
  CHECK {cmp dword [GOT_VEC],14}, e
  CHECK {cmp dword [GOT_ERR],0x11}, e
  mov dword [PML4+8*256+4],0
  mov rax,cr3
  mov cr3,rax
  call rbx
  ; Ring 3.
  push qword UDATA32
  push qword STACK3
  push qword 0x3002
  push qword UCODE64
  mov eax,.user
  push rax
  iretq
.user:
  mov al,[rbx+0x1000]
  PFAULT 5, 0xffff800000002000, {mov al,[rbx+0x2000]}
  PASS
ROM_END
