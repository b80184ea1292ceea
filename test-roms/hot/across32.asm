; what: instructions and reads that lie across pages, hot: their second page mapped elsewhere, not present, written to, the first page again
; cpu: 80486 pentium pentium3 pentium4 x86-64-v1 x86-64-v2 max
%include "rom.inc"
PD equ 0x20000
PT equ 0x21000           ; the first 4 MiB, identity-mapped
PT2 equ 0x22000          ; 4 MiB on: VIRT
VIRT equ 0x400000
HEAD equ 0x30000         ; what lies at VIRT
TAIL equ 0x31000         ; what lies behind it, at first
OTHER equ 0x32000
HOT equ 3000
%define PTE(n) dword [PT2+4*(n)]
; Maps the second page.
%macro SECOND 1
  mov PTE(1),%1
  invlpg [ebx+0x1000]
%endmacro
; The code across the pages leaves this in EAX, HOT times.
%macro STAYS 1
  mov ecx,HOT
%%again:
  xor eax,eax
  call ebp
  CHECK {cmp eax,%1}, e
  dec ecx
  jnz %%again
%endmacro
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
  mov PTE(0),HEAD|7
  mov PTE(1),TAIL|7
  PAGING_ON PD, CR0_WP
  mov ebx,VIRT

  ; MOV EAX,imm32 with its last two bytes behind the border, and RET.
  lea ebp,[ebx+0xffd]
  mov byte [HEAD+0xffd],0xb8
  mov word [HEAD+0xffe],0x1111
  mov dword [TAIL],0xc32222
  mov dword [OTHER],0xc33333
  mov dword [HEAD],0xc34444
  STAYS 0x22221111
  ; Each of two pages in turn.
  mov ecx,HOT
.turns:
  SECOND OTHER|7
  call ebp
  CHECK {cmp eax,0x33331111}, e
  SECOND TAIL|7
  call ebp
  CHECK {cmp eax,0x22221111}, e
  dec ecx
  jnz .turns
  ; Elsewhere once, by a new CR3.
  mov PTE(1),OTHER|7
  mov eax,cr3
  mov cr3,eax
  STAYS 0x33331111
  ; The first page again.
  SECOND HEAD|7
  STAYS 0x44441111
  mov word [HEAD],0x4545               ; the end of it
  STAYS 0x45451111
  mov word [HEAD+0xffe],0x1212         ; the start of it
  STAYS 0x45451212
  mov word [HEAD+0xffe],0x1111
  SECOND TAIL|7
  ; Written to before each execution: behind the border, in front of it.
  mov ecx,HOT
.written:
  mov [TAIL],cx
  call ebp
  shr eax,16
  CHECK {cmp eax,ecx}, e
  mov [HEAD+0xffe],cx
  call ebp
  movzx eax,ax
  CHECK {cmp eax,ecx}, e
  dec ecx
  jnz .written
  mov word [TAIL],0x2222
  ; Through an alias of the second page.
  mov PTE(2),TAIL|7
  mov ecx,HOT
.alias:
  mov [ebx+0x2000],cx
  call ebp
  shr eax,16
  CHECK {cmp eax,ecx}, e
  dec ecx
  jnz .alias
  ; Not present, while it is hot: the fault is of the second page, EIP is the instruction's.
  mov ecx,3
.absent:
  SECOND TAIL|6
  mov dword [RESUME],.fetched
  mov [RESUME_SP],esp
  call ebp
  NEVER
.fetched:
  EXPECT_GOT 14, 0, VIRT+0xffd
  mov eax,cr2
  CHECK {cmp eax,VIRT+0x1000}, e
  SECOND TAIL|7
  xor eax,eax
  call ebp
  CHECK {cmp eax,0x10001}, e
  dec ecx
  jnz .absent

  ; A branch with its distance behind the border: it goes back, and on.
  mov byte [HEAD+0xffd],0x40           ; INC EAX
  mov word [HEAD+0xffe],0x7549         ; DEC ECX, JNZ
  mov word [TAIL],0xc3fc               ; to INC EAX
  mov edx,100
.branches:
  xor eax,eax
  mov ecx,100
  call ebp
  CHECK {cmp eax,100}, e
  dec edx
  jnz .branches
  ; A call, and what it pushes.
  mov byte [HEAD+0xffd],0xe8
  mov word [HEAD+0xffe],1              ; CALL behind the RET
  mov dword [TAIL],0x58c30000          ; RET (twice), POP EAX
  mov dword [TAIL+4],0x90c35050        ; PUSH EAX, PUSH EAX, RET
  mov ecx,HOT
.calls:
  call ebp
  CHECK {cmp eax,VIRT+0x1002}, e
  dec ecx
  jnz .calls

  ; Reads across: of 2, 4 and 8 bytes, while the second page changes.
  mov dword [HEAD+0xffc],0x44332211
  mov dword [TAIL],0x88776655
  mov dword [TAIL+4],0xccbbaa99
  mov dword [OTHER],0x08070605
  mov ecx,HOT
.reads:
  CHECK {cmp dword [ebx+0xffd],0x55443322}, e
  movzx eax,word [ebx+0xfff]
  CHECK {cmp eax,0x5544}, e
  mov eax,[ebx+0xffe]
  CHECK {cmp eax,0x66554433}, e
  fild qword [ebx+0xffd]
  fistp qword [VARS]
  CHECK {cmp dword [VARS],0x55443322}, e
  CHECK {cmp dword [VARS+4],0x99887766}, e
  SECOND OTHER|7
  mov eax,[ebx+0xffe]
  CHECK {cmp eax,0x06054433}, e
  ; What was found there is of use for the bytes beside it.
  movzx eax,byte [ebx+0xffe]
  CHECK {cmp al,0x33}, e
  movzx eax,byte [ebx+0x1000]
  CHECK {cmp al,0x05}, e
  SECOND TAIL|7
  ; Written across, and read.
  mov [ebx+0xffd],ecx
  CHECK {cmp [ebx+0xffd],ecx}, e
  mov dword [ebx+0xffd],0x55443322
  dec ecx
  jnz .reads
  ; Absent.
  mov ecx,3
.missing:
  SECOND TAIL|6
  FAULT 14, 0, {mov eax,[ebx+0xffe]}
  mov eax,cr2
  CHECK {cmp eax,VIRT+0x1000}, e
  SECOND TAIL|7
  mov eax,[ebx+0xffe]
  CHECK {cmp eax,0x66554433}, e
  dec ecx
  jnz .missing
  PASS
ROM_END
