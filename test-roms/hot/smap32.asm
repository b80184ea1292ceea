; what: STAC and CLAC around accesses to users' memory, in hot code
; cpu: max
%include "rom.inc"
PD   equ 0x20000
PT   equ 0x21000
USER equ 0x400000        ; 30000h, the user's
OWN  equ 0x31000
ROUNDS equ 20000
start16:
  ENTER32
  mov edi,PD
  xor eax,eax
  mov ecx,0x2000/4
  rep stosd
  mov dword [PD],0x83    ; identity, 4 MiB, the supervisor's
  mov dword [PD+4],PT|7
  mov dword [PT],0x30007
  mov eax,cr4
  or eax,0x200010        ; SMAP, PSE
  mov cr4,eax
  PAGING_ON PD, CR0_WP
  mov ebx,USER
  mov esi,OWN
  xor edx,edx
  mov ecx,ROUNDS
.round:                  ; as systems do it
  stac
  mov [ebx],ecx
  mov eax,[ebx]
  clac
  mov [esi],eax
  add edx,[esi]
  dec ecx
  jnz .round
  CHECK {cmp edx,ROUNDS*(ROUNDS+1)/2}, e
  ; The same instruction, of a page that the block has just looked up, with leave in most rounds only.
  xor edi,edi
  mov ecx,ROUNDS
.most:
  stac
  mov [ebx],ecx
  test ecx,0x3ff
  jnz .leave
  clac
  inc edi
  mov dword [RESUME],.after
  mov [RESUME_SP],esp
.leave:
  mov eax,[ebx]
  cmp eax,ecx
  jne .never
.after:
  dec ecx
  jnz .most
  CHECK {cmp edi,ROUNDS/0x400}, e
  CHECK {cmp dword [GOT_VEC],14}, e
  ; And in a straight line, each time.
  mov ecx,3000
.each:
  stac
  mov [ebx+8],ecx
  mov eax,[ebx+8]
  clac
  PFAULT 1, USER+8, {mov eax,[ebx+8]}
  PFAULT 3, USER+8, {mov [ebx+8],edx}
  mov eax,[esi]          ; its own memory stays open
  stac
  mov eax,[ebx+8]
  clac
  CHECK {cmp eax,ecx}, e
  dec ecx
  jnz near .each
  PASS
.never:
  NEVER
ROM_END
