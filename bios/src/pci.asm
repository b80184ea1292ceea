; PCI: finding functions, giving them numbers, addresses and interrupts; the PIIX chips' registers; expansion ROMs.
;
; Documents: PCI Local Bus Specification 2.1, "Configuration Space", "Base Addresses", "PCI Expansion ROMs"; PCI-to-PCI Bridge
; Architecture Specification 1.0; Intel 82371SB (PIIX3) data sheet (290550), "PIRQRC", "IDETIM"; Intel 82371AB (PIIX4) data sheet
; (290562), "PMBA", "PMREGMISC".
;
; A function is EBX: bus in bits 23:16, device 15:11, function 10:8. A register is ECX.

PCI_IO_BASE     equ 0xc000
PCI_MEM_LIMIT   equ 0xfec00000          ; the APICs and the firmware are above
BARS            equ 0x20000             ; table of base address registers: function | register, size, kind, 0

pci_select:
        mov eax, 0x80000000
        or eax, ebx
        or eax, ecx
        and al, 0xfc
        mov edx, 0xcf8
        out dx, eax
        mov edx, ecx
        and edx, 3
        or edx, 0xcfc
        ret
pci_read32:
        push edx
        call pci_select
        in eax, dx
        pop edx
        ret
pci_read16:
        push edx
        call pci_select
        xor eax, eax
        in ax, dx
        pop edx
        ret
pci_read8:
        push edx
        call pci_select
        xor eax, eax
        in al, dx
        pop edx
        ret
pci_write32:
        push edx
        push eax
        call pci_select
        pop eax
        out dx, eax
        pop edx
        ret
pci_write16:
        push edx
        push eax
        call pci_select
        pop eax
        out dx, ax
        pop edx
        ret
pci_write8:
        push edx
        push eax
        call pci_select
        pop eax
        out dx, al
        pop edx
        ret

; CF set when there is no configuration mechanism 1.
pci_probe:
        mov edx, 0xcf8
        mov eax, 0x80000000
        out dx, eax
        in eax, dx
        cmp eax, 0x80000000
        jne .none
        xor ebx, ebx
        xor ecx, ecx
        call pci_read32
        mov [S_HOST], eax
        inc eax
        jz .none
        clc
        ret
.none:  stc
        ret

pci_setup:
        mov ebp, [S_EBDA]
        mov eax, [ebp + EBDA_RAM_TOP]
        add eax, 0x00ffffff             ; whole 16 MiB
        and eax, 0xff000000
        cmp eax, 0xe0000000
        jae .hole
        mov eax, 0xe0000000
.hole:  mov [S_MEM], eax
        mov [S_HOLE], eax
        mov dword [S_IO], PCI_IO_BASE
        mov dword [S_TABLE], BARS
        mov dword [S_LIST], FUNCTIONS
        xor edx, edx
        call pci_number
        mov al, [S_BUS]
        mov ebp, [S_EBDA]
        mov [ebp + EBDA_PCI_BUSES], al
        xor edx, edx
        call pci_assign
        jmp pci_enable

; Calls EDI for each function of bus EDX: EBX the function, EAX its identity. EDI keeps EDX, EBX and EDI.
pci_each:
        mov ebx, edx
        shl ebx, 16
.next:  xor ecx, ecx
        call pci_read32
        cmp ax, 0xffff
        je .absent
        pushad
        call edi
        popad
        test bh, 7
        jnz .step
        mov ecx, 0x0e
        call pci_read8
        test al, 0x80
        jnz .step
        or bh, 7                        ; one function only
        jmp .step
.absent:
        test bh, 7
        jnz .step
        or bh, 7
.step:  add bh, 1
        jnc .next
        ret

; Numbers the buses below bus EDX, depth first.
pci_number:
        mov edi, .function
        jmp pci_each
.function:
        mov ecx, 0x0e
        call pci_read8
        and al, 0x7f
        cmp al, 1
        jne .done
        cmp byte [S_BUS], 0xff
        je .done
        inc byte [S_BUS]
        movzx eax, byte [S_BUS]
        mov [S_PARENT + eax * 4], ebx
        push eax
        mov ah, al
        mov al, dl                      ; primary, secondary, subordinate: anything until it is known
        or eax, 0xff0000
        mov ecx, 0x18
        call pci_write32
        pop edx
        push ebx
        call pci_number
        pop ebx
        mov al, [S_BUS]
        mov ecx, 0x1a
        call pci_write8
.done:  ret

; Gives addresses to everything on bus EDX: what is behind bridges first, so that each bridge's window is one piece; then its
; own functions, the largest first, so that nothing is wasted.
pci_assign:
        push edx
        mov edi, .bridge
        call pci_each
        pop edx
        push dword [S_TABLE]
        mov edi, .collect
        call pci_each
        pop edi                         ; from here to S_TABLE
        mov esi, 0x80000000
.size:  mov ebp, edi
.entry: cmp ebp, [S_TABLE]
        jae .smaller
        cmp [ebp + 4], esi
        jne .skip
        call .place
.skip:  add ebp, 16
        jmp .entry
.smaller:
        shr esi, 1
        cmp esi, 2
        ja .size
        mov [S_TABLE], edi
        ret

; EBP: an entry of size ESI.
.place: mov ebx, [ebp]
        movzx ecx, bl
        mov bl, 0
        test byte [ebp + 8], 1
        jnz .io
        mov edx, esi
        cmp edx, 0x1000                 ; a page of its own, so that it can be mapped alone
        jae .align
        mov edx, 0x1000
.align: mov eax, [S_MEM]
        dec edx
        add eax, edx
        jc .no_room
        not edx
        and eax, edx
        mov edx, eax
        add edx, esi
        jc .no_room
        cmp edx, PCI_MEM_LIMIT
        ja .no_room
        mov [S_MEM], edx
        jmp pci_write32
.io:    mov eax, [S_IO]
        lea eax, [eax + esi - 1]
        mov edx, esi
        neg edx
        and eax, edx
        lea edx, [eax + esi]
        cmp edx, 0x10000
        ja .no_room
        mov [S_IO], edx
        jmp pci_write32
.no_room:
        xor eax, eax
        jmp pci_write32

; A bridge: windows around all that is below.
.bridge:
        mov ecx, 0x0e
        call pci_read8
        and al, 0x7f
        cmp al, 1
        jne .done
        mov eax, [S_IO]
        add eax, 0xfff
        and eax, 0xfffff000
        mov [S_IO], eax
        push eax
        mov eax, [S_MEM]
        add eax, 0xfffff
        and eax, 0xfff00000
        mov [S_MEM], eax
        push eax
        push ebx
        mov ecx, 0x19
        call pci_read8
        mov edx, eax
        call pci_assign
        pop ebx
        mov eax, [S_MEM]
        add eax, 0xfffff
        and eax, 0xfff00000
        mov [S_MEM], eax
        pop edx
        shr edx, 16                     ; base and limit are bits 31:20 of the addresses; an empty window ends before it begins
        dec eax
        and eax, 0xfff00000
        or eax, edx
        mov ecx, 0x20
        call pci_write32
        mov eax, 0x0000fff0             ; no prefetchable window
        mov ecx, 0x24
        call pci_write32
        xor eax, eax
        mov ecx, 0x28
        call pci_write32
        mov ecx, 0x2c
        call pci_write32
        mov eax, [S_IO]
        add eax, 0xfff
        and eax, 0xfffff000
        mov [S_IO], eax
        pop edx
        dec eax
        and ah, 0xf0
        mov al, dh                      ; limit, base
        mov ecx, 0x1c
        call pci_write16
.done:  ret

; Notes the sizes of a function's base address registers and of its ROM.
.collect:
        mov ecx, 4
        call pci_read16
        push eax
        and eax, ~3                     ; sizing must not be decoded
        call pci_write16
        mov ecx, 0x0e
        call pci_read8
        and al, 0x7f
        mov edi, 0x24                   ; last register
        mov esi, 0x30                   ; ROM
        jz .bars
        mov edi, 0x14
        mov esi, 0x38
        cmp al, 1
        jne .sized
.bars:  mov ecx, 0x10
.bar:   mov eax, 0xffffffff
        call pci_write32
        call pci_read32
        push eax
        xor eax, eax
        call pci_write32
        pop eax
        test eax, eax
        jz .next
        mov edx, eax                    ; kind
        test dl, 1
        jnz .ports
        and eax, ~15
        jmp .mask
.ports: and eax, ~3
        or eax, 0xffff0000              ; 16 bits are enough for any port
.mask:  neg eax
        jz .upper                       ; 4 GiB or more: left out
        call .note
.upper: test dl, 1
        jnz .next
        and dl, 6
        cmp dl, 4
        jne .next
        add ecx, 4                      ; the upper half of 64 bits
        xor eax, eax
        call pci_write32
.next:  add ecx, 4
        cmp ecx, edi
        jbe .bar
        mov ecx, esi
        mov eax, 0xfffff800
        call pci_write32
        call pci_read32
        push eax
        xor eax, eax
        call pci_write32
        pop eax
        xor edx, edx
        and eax, 0xfffff800
        neg eax
        jz .sized
        call .note
.sized: pop eax
        and eax, ~3
        mov ecx, 4
        jmp pci_write16
; EBX, ECX, EAX size, EDX kind.
.note:  push edi
        mov edi, [S_TABLE]
        cmp edi, BARS + 0x8000
        jae .full
        mov [edi], ebx
        mov [edi], cl
        mov [edi + 4], eax
        mov [edi + 8], edx
        add edi, 16
        mov [S_TABLE], edi
.full:  pop edi
        ret

; Commands and interrupts of every function, and the list for messages.
pci_enable:
        xor edx, edx
.bus:   mov edi, .function
        push edx
        call pci_each
        pop edx
        inc edx
        movzx eax, byte [S_BUS]
        cmp edx, eax
        jbe .bus
        mov edi, [S_LIST]
        mov dword [edi + 4], 0
        ret
.function:
        mov edi, [S_LIST]
        cmp edi, FUNCTIONS + 0x4000
        jae .full
        mov [edi], ebx
        mov [edi + 4], eax
        mov ecx, 8
        call pci_read32
        mov [edi + 8], eax
        mov dword [edi + 12], 0
        add dword [S_LIST], 16
.full:  mov ecx, 8
        call pci_read32
        mov esi, eax                    ; class in the upper 24 bits
        mov ecx, 4
        call pci_read16
        or al, 3                        ; I/O and memory
        mov edx, esi
        shr edx, 24
        cmp dl, 1                       ; mass storage
        je .master
        cmp dl, 6                       ; bridges
        jne .command
.master:
        or al, 4
.command:
        call pci_write16
        mov eax, esi
        shr eax, 16
        cmp ax, 0x0300
        jne .irq
        cmp dword [S_DISPLAY], 0
        jne .irq
        mov [S_DISPLAY], ebx
.irq:   mov ecx, 0x3d
        call pci_read8
        dec al
        cmp al, 3
        ja .done                        ; no pin
        ; up to bus 0, each bridge rotating the pins by device number
        mov edx, ebx
.up:    mov esi, edx
        shr esi, 11
        and esi, 31
        add eax, esi
        mov esi, edx
        shr esi, 16
        jz .root
        mov edx, [S_PARENT + esi * 4]
        jmp .up
.root:  dec eax
        and eax, 3
        mov al, [pirq_irqs + eax]
        mov ecx, 0x3c
        call pci_write8
        cmp edi, FUNCTIONS + 0x4000
        jae .done
        mov [edi + 12], al
.done:  ret

; PIRQA# to PIRQD#.
pirq_irqs:
        db 10, 11, 10, 11

; The chips of the board.
chipset_setup:
        mov edi, .function
        xor edx, edx
        jmp pci_each
.function:
        cmp eax, 0x70008086             ; PIIX3 ISA bridge
        je .isa
        cmp eax, 0x71108086             ; PIIX4
        je .isa
        cmp eax, 0x70108086             ; IDE
        je .ide
        cmp eax, 0x71118086
        je .ide
        cmp eax, 0x71138086             ; PIIX4 power management
        je .pm
        ret
.isa:   mov ecx, 0x60
        mov eax, [pirq_irqs]
        call pci_write32
        mov edx, 0x4d0                  ; PCI's interrupts and the SCI are levels
        xor eax, eax
        out dx, al
        inc edx
        mov al, (1 << 10 | 1 << 11 | 1 << SCI_IRQ) >> 8
        out dx, al
        ret
.ide:   mov ecx, 0x40                   ; decode both channels
        mov eax, 0x80008000
        jmp pci_write32
.pm:    mov ecx, 0x40
        mov eax, PM_BASE | 1
        call pci_write32
        mov ecx, 0x80
        mov al, 1                       ; PMIOSE
        call pci_write8
        mov ecx, 0x3c
        mov al, SCI_IRQ
        call pci_write8
        mov edx, PM_BASE + 4
        mov eax, 1                      ; SCI_EN: always in ACPI mode
        out dx, ax
        mov ebp, [S_EBDA]
        or byte [ebp + EBDA_FLAGS], HAVE_PM
        mov esi, FUNCTIONS
.line:  cmp dword [esi + 4], 0
        je .done
        cmp [esi], ebx
        jne .other
        mov byte [esi + 12], SCI_IRQ
.other: add esi, 16
        jmp .line
.done:  ret

; AX for the display firmware's entry: bus and function.
pci_display:
        mov eax, [S_DISPLAY]
        shr eax, 8
        ret

; Copies the display's ROM to C0000, unless one is there.
rom_display:
        cmp word [0xc0000], 0xaa55
        je .done
        mov ebx, [S_DISPLAY]
        test ebx, ebx
        jz .fw
        mov edi, 0xc0000
        call rom_image
        test eax, eax
        jnz .done
.fw:    xor esi, esi
        mov edi, 0xc0000
        mov ebx, 'vgar'
        jmp fw_rom
.done:  ret

; The next option ROM. ESI: the place in the list of functions, 0 at first; EDI where it shall go. Returns EAX its length in
; bytes, 0 at the end; EBX bus and function; ESI where to go on.
rom_fetch:
        test esi, esi
        js .fw
        jnz .next
        mov esi, FUNCTIONS
        cmp dword [S_LIST], 0
        je .files
.next:  cmp dword [esi + 4], 0
        je .files
        mov ebx, [esi]
        add esi, 16
        cmp ebx, [S_DISPLAY]
        je .next
        call rom_image
        test eax, eax
        jz .next
        shr ebx, 8
        ret
.files: mov esi, 0x80000000
.fw:    mov ebx, 'genr'
        push esi
        and esi, 0x7fffffff
        call fw_rom
        mov edx, esi
        pop esi
        lea esi, [edx + 0x80000000]
        xor ebx, ebx
        ret

; Copies the x86 image in the ROM of function EBX to EDI. Returns EAX its length, 0 for none.
rom_image:
        push ecx
        push edx
        push esi
        push edi
        push ebp
        xor ebp, ebp
        mov ecx, 0x0e
        call pci_read8
        test al, 0x7f
        jnz .out
        mov ecx, 0x30
        call pci_read32
        and eax, 0xfffff800
        jz .out
        mov esi, eax
        or al, 1                        ; decoded while it is copied
        call pci_write32
        mov edx, esi
.image: cmp word [esi], 0xaa55
        jne .close
        movzx eax, word [esi + 0x18]
        cmp eax, 0x1c
        jb .close
        add eax, esi
        cmp dword [eax], 'PCIR'
        jne .close
        cmp byte [eax + 0x14], 0        ; code type: x86
        je .x86
        test byte [eax + 0x15], 0x80    ; the last image
        jnz .close
        movzx eax, word [eax + 0x10]
        test eax, eax
        jz .close
        shl eax, 9
        add esi, eax
        jmp .image
.x86:   movzx ecx, byte [esi + 2]
        shl ecx, 9
        mov eax, ecx
        add eax, edi
        cmp eax, 0xe0000
        ja .close                       ; no room
        mov ebp, ecx
        shr ecx, 2
        rep movsd
.close: mov ecx, 0x30
        mov eax, edx
        call pci_write32
.out:   mov eax, ebp
        pop ebp
        pop edi
        pop esi
        pop edx
        pop ecx
        ret

; An option ROM that the machine's maker hands over through the firmware configuration ports, where these exist (QEMU, "Firmware
; Configuration Device": selector 510h, data 511h, directory 19h). EBX: the first letters of its folder; ESI: how many of them to
; pass over; EDI where it shall go. Returns EAX its length, ESI one more.
fw_rom:
        push ebx
        push ecx
        push edx
        push edi
        push ebp
        mov ebp, ebx
        mov edx, 0x510
        xor eax, eax
        out dx, ax
        inc edx
        in al, dx
        cmp al, 'Q'
        jne .none
        in al, dx
        cmp al, 'E'
        jne .none
        in al, dx
        cmp al, 'M'
        jne .none
        dec edx
        mov eax, 0x19
        out dx, ax
        inc edx
        call .long                      ; how many files
        mov ecx, eax
        xor ebx, ebx                    ; matches passed
.file:  test ecx, ecx
        jz .none
        dec ecx
        call .long                      ; length
        push eax
        call .long                      ; selector and two reserved bytes
        push eax
        in al, dx                       ; name, 56 bytes
        mov ah, al
        in al, dx
        xchg al, ah
        shl eax, 16
        in al, dx
        mov ah, al
        in al, dx
        xchg al, ah
        rol eax, 16
        push ecx
        push eax
        mov ecx, 52
.name:  in al, dx
        loop .name
        pop eax
        pop ecx
        cmp eax, ebp
        jne .other
        cmp ebx, esi
        je .hit
        inc ebx
.other: pop eax
        pop eax
        jmp .file
.hit:   pop eax
        shr eax, 16
        dec edx
        out dx, ax
        inc edx
        pop ecx
        inc esi
        mov eax, ecx
        add eax, edi
        cmp eax, 0xe0000
        ja .none
        mov eax, ecx
        jecxz .done
        push eax
        rep insb
        pop eax
        jmp .done
.none:  xor eax, eax
.done:  pop ebp
        pop edi
        pop edx
        pop ecx
        pop ebx
        ret
; EAX: four bytes, the most significant first.
.long:  in al, dx
        shl eax, 8
        in al, dx
        shl eax, 8
        in al, dx
        shl eax, 8
        in al, dx
        ret
