; POST's way into 32-bit code, and option ROMs: their images, calls and boot handlers.
;
; Documents: PCI Local Bus Specification 2.1, "PCI Expansion ROMs"; Compaq, Phoenix, Intel: BIOS Boot Specification 1.01, "Option
; ROM initialization"; Plug and Play BIOS Specification 1.0A, "Option ROM Header", "Expansion header for Plug and Play".

; Where the 32-bit part leaves the list of PCI functions: 16 bytes each (address, identity, class, interrupt line), ended by 0.
FUNCTIONS       equ 0x10000

        cpu 386
; Calls the 32-bit procedure at linear EAX in flat protected mode; EBX to EDI and the result in EAX pass through. SS is 0.
call32:
        push ebp
        push ds
        push es
        pushf
        cli
        mov ebp, eax
        movzx esp, sp
        lgdt [cs:flat_gdt_ptr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 0x08:0xf0000 + .flat
        bits 32
.flat:  mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov ss, eax
        call ebp
        mov ebp, eax
        jmp 0x18:.narrow
        bits 16
.narrow:
        mov ax, 0x20                    ; limits of 64 KiB again
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0xf000:.real
.real:  xor ax, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov eax, ebp
        popf
        pop es
        pop ds
        pop ebp
        ret
        align 8, db 0
flat_gdt:
        dq 0
        dw 0xffff, 0, 0x9b00, 0x00cf    ; 08: 32-bit code, 4 GiB
        dw 0xffff, 0, 0x9300, 0x00cf    ; 10: data
        dw 0xffff, 0, 0x9b0f, 0x0000    ; 18: this segment, 16 bits
        dw 0xffff, 0, 0x9300, 0x0000    ; 20: 64 KiB of data
flat_gdt_ptr:
        dw $ - flat_gdt - 1
        dd 0xf0000 + flat_gdt

; Where the other processors begin: they take over the memory types and wait to be started by the operating system.
ap_entry:
        cli
        xor ax, ax
        mov ds, ax
        mov eax, cr0
        and eax, 0x9fffffff
        mov cr0, eax
        mov si, MTRR_LIST
        cpu 686
.next:  mov ecx, [si]
        jecxz .done
        mov eax, [si + 4]
        mov edx, [si + 8]
        wrmsr
        add si, 12
        jmp .next
        cpu 386
.done:  lock inc dword [S_STARTED]
.halt:  hlt
        jmp .halt

; Shadow RAM, PCI and the tables.
post32: mov eax, init32
        jmp call32
post32_end:
        mov eax, init32_end
        jmp call32
        cpu 8086

; The display's firmware at C0000. PCI's was copied there; AX tells it which function it belongs to.
rom_video:
        mov ax, BDA
        mov ds, ax
        mov es, [BDA_EBDA]
        mov word [es:EBDA_ROM_END], 0xc800
        mov bx, 0xc000
        call rom_valid
        jc .none
        call rom_after                  ; DX the segment behind it
        cmp dx, 0xc800
        jbe .call
        mov [es:EBDA_ROM_END], dx
.call:  xor ax, ax
        cmp byte [es:EBDA_CPU], 3
        jb .go
        cpu 386
        push bx
        mov eax, pci_display
        call call32
        pop bx
        cpu 8086
.go:    call rom_call
.none:  ret

; BX: a segment. CF set when no option ROM is there. Returns CX its length in 512 bytes.
rom_valid:
        push ds
        push si
        push ax
        mov ds, bx
        cmp word [0], 0xaa55
        jne .no
        mov cl, [2]
        xor ch, ch
        jcxz .no
        push cx
        xor si, si
        xor ah, ah
        cld
.block: push cx
        mov cx, 512
.sum:   lodsb
        add ah, al
        loop .sum
        test si, si
        jnz .same
        push ax                         ; 64 KiB further
        mov ax, ds
        add ax, 0x1000
        mov ds, ax
        pop ax
.same:  pop cx
        loop .block
        pop cx
        test ah, ah
        jz .yes
.no:    stc
        jmp .done
.yes:   clc
.done:  pop ax
        pop si
        pop ds
        ret

; BX: an option ROM's segment. Returns DX the next 2 KiB boundary behind it.
rom_after:
        push ds
        push cx
        mov ds, bx
        mov dl, [2]
        xor dh, dh
        add dx, 3
        and dl, 0xfc
        mov cl, 5
        shl dx, cl                      ; 512 bytes are 32 paragraphs
        add dx, bx
        pop cx
        pop ds
        ret

; Calls the initialization entry of the option ROM at segment BX. AX: its PCI function.
rom_call:
        push bx
        push ds
        push es
        push ax
        push bx
        mov ax, 3
        push ax
        mov bp, sp
        mov ax, [bp + 4]
        mov bx, 0xffff                  ; no card select number
        mov dx, 0xffff
        mov di, cs
        mov es, di
        mov di, pnp_header
        call far [bp]
        cld
        sti
        xor ax, ax
        mov ss, ax
        add sp, 6
        pop es
        pop ds
        pop bx
        ret

; All other option ROMs: of PCI functions, then those that are on the bus already.
rom_scan:
        mov ax, BDA
        mov ds, ax
        mov es, [BDA_EBDA]
        call say_devices
        cmp byte [es:EBDA_CPU], 3
        jb .bus
        cpu 386
        xor esi, esi
.pci:   movzx edi, word [es:EBDA_ROM_END]
        shl edi, 4
        mov eax, rom_fetch              ; the next image to EDI: EAX its length, EBX its function, ESI where to go on
        call call32
        test eax, eax
        jz .bus
        push esi
        mov cx, bx                      ; AX for its entry
        mov bx, [es:EBDA_ROM_END]
        push cx
        call rom_valid
        pop ax
        jc .bad
        call rom_start
.bad:   pop esi
        jmp .pci
        cpu 8086
.bus:   mov bx, [es:EBDA_ROM_END]
.next:  cmp bx, 0xe000
        jae .done
        call rom_valid
        jc .step
        xor ax, ax
        call rom_start
        mov bx, [es:EBDA_ROM_END]
        jmp .next
.step:  add bx, 0x80
        jmp .next
.done:  ret

; BX: a valid option ROM, AX: its function. Calls it; what it keeps is behind EBDA_ROM_END then. Its boot handlers are noted.
rom_start:
        push ax
        mov si, rom_text
        call print_str
        mov ax, bx
        call print_hex16
        pop ax
        call rom_call
        mov ds, bx
        cmp word [0], 0xaa55            ; one that removed itself
        jne .gone
        cmp byte [2], 0
        je .gone
        call rom_after
        mov [es:EBDA_ROM_END], dx
        mov si, [0x1a]                  ; expansion headers
        mov cx, 8
.header:
        test si, si
        jz .end
        cmp word [si], '$P'
        jne .end
        cmp word [si + 2], 'nP'
        jne .other
        call rom_boot_handlers
.other: mov ah, [si + 7]
        mov al, [si + 6]
        mov si, ax
        loop .header
.end:   mov ax, BDA
        mov ds, ax
        jmp print_newline
.gone:  mov si, rom_unused
        call print_str
        jmp .end
rom_text: db "ROM ", 0
rom_unused: db " unused", 0

; DS:SI: a Plug and Play header.
rom_boot_handlers:
        push cx
        mov di, [si + 0x10]             ; product name
        test di, di
        jz .nameless
        mov al, ' '
        call print_char
        push es
        push ds
        pop es
        call print_str_es
        pop es
.nameless:
        mov ax, [si + 0x16]             ; BCV
        test ax, ax
        jz .no_bcv
        mov cl, [es:EBDA_BCV_COUNT]
        cmp cl, 4
        jae .no_bcv
        inc byte [es:EBDA_BCV_COUNT]
        xor ch, ch
        mov di, cx
        shl di, 1
        shl di, 1
        mov [es:di + EBDA_BCV], ax
        mov [es:di + EBDA_BCV + 2], ds
.no_bcv:
        mov ax, [si + 0x1a]             ; BEV
        test ax, ax
        jz .done
        mov cl, [es:EBDA_BEV_COUNT]
        cmp cl, 4
        jae .done
        inc byte [es:EBDA_BEV_COUNT]
        xor ch, ch
        mov di, cx
        mov cl, 3
        shl di, cl
        mov [es:di + EBDA_BEV], ax
        mov [es:di + EBDA_BEV + 2], ds
        mov ax, [si + 0x10]
        mov [es:di + EBDA_BEV + 4], ax
.done:  pop cx
        ret

; Lets disk controllers' ROMs add their drives behind ours (boot connection vectors).
rom_bcv:
        mov ax, BDA
        mov ds, ax
        mov es, [BDA_EBDA]
        mov cl, [es:EBDA_BCV_COUNT]
        xor ch, ch
        mov si, EBDA_BCV
        jcxz .done
.next:  push cx
        push si
        push ds
        push es
        push es
        push si
        mov bp, sp
        les bx, [bp]
        push word [es:bx + 2]
        push word [es:bx]
        mov bp, sp
        push cs
        pop es
        mov di, pnp_header
        mov bx, 0xffff
        mov dx, 0xffff
        xor ax, ax
        call far [bp]
        cld
        sti
        add sp, 8
        pop es
        pop ds
        pop si
        pop cx
        add si, 4
        loop .next
.done:  ret

; A line for each PCI function. DS: the BDA, ES: the EBDA.
say_devices:
        test byte [es:EBDA_FLAGS], HAVE_PCI
        jz .none
        push ds
        mov ax, FUNCTIONS >> 4
        mov ds, ax
        xor di, di
.next:  cmp word [di + 4], 0
        je .done
        mov si, .pci
        call print_str
        mov al, [di + 2]
        call print_hex8
        mov al, ':'
        call print_char
        mov al, [di + 1]
        mov cl, 3
        shr al, cl
        call print_hex8
        mov al, '.'
        call print_char
        mov al, [di + 1]
        and al, 7
        call print_hex4
        mov al, ' '
        call print_char
        mov ax, [di + 4]
        call print_hex16
        mov al, ':'
        call print_char
        mov ax, [di + 6]
        call print_hex16
        mov si, .class
        call print_str
        mov ax, [di + 10]
        call print_hex16
        mov al, [di + 12]
        test al, al
        jz .end
        mov si, .irq
        call print_str
        xor ah, ah
        call print_dec16
.end:   call print_newline
        add di, 16
        jmp .next
.done:  pop ds
.none:  ret
.pci:   db "PCI ", 0
.class: db " class ", 0
.irq:   db " IRQ ", 0
