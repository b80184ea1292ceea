; The Plug and Play installation check structure and its entry points.
;
; Document: Compaq, Phoenix, Intel: Plug and Play BIOS Specification 1.0A, "System BIOS Interface". The nodes say
; what ACPI says, for systems that do not know that; nothing can be configured.

        align 16, db 0
pnp_header:
        dd 0                            ; "$PnP", written by POST
        db 0x10, 0x21                   ; version 1.0, length
        dw 0                            ; no events
        db 0                            ; sum
        dd 0
        dw pnp_entry, 0xf000            ; real mode
        dw pnp_entry_protected          ; 16-bit protected mode, in the segment
        dd 0xf0000
        dd 0                            ; OEM identifier
        dw 0xf000                       ; data segments
        dd 0xf0000

; Far call with the arguments on the stack: function, then as it has them. Reads this segment only, in either mode.
        cpu 386
pnp_entry:
        push ebp
        movzx ebp, sp
        jmp pnp_service
pnp_entry_protected:                    ; there the stack may be one of 32 bits
        push ebp
        mov bp, ss
        lar ebp, ebp
        test ebp, 1 << 22
        mov ebp, esp
        jnz pnp_service
        movzx ebp, sp
pnp_service:
        push bx
        push cx
        push si
        push di
        push ds
        push es
        cld
        mov ax, [ebp + 8]
        cmp ax, 1
        jb .count
        je .node
        cmp ax, 0x40
        je .isa
        mov ax, 0x82                    ; function not supported
.done:  pop es
        pop ds
        pop di
        pop si
        pop cx
        pop bx
        pop ebp
        retf
; "Get Number of System Device Nodes": far pointers to a byte and a word, selector
.count: les bx, [ebp + 10]
        mov al, [cs:pnp_count]
        mov [es:bx], al
        les bx, [ebp + 14]
        mov word [es:bx], PNP_LARGEST
        xor ax, ax
        jmp .done
; "Get System Device Node": far pointers to the node's number and to a buffer, control, selector
.node:  lds bx, [ebp + 10]
        mov al, [bx]
        cmp al, [cs:pnp_count]
        mov cx, 0x83                    ; invalid handle
        jae .fail
        test byte [ebp + 18], 3          ; the configuration now or at the next start: nothing changes
        mov cx, 0x84                    ; bad parameter
        jz .fail
        xor ah, ah
        mov si, ax
        inc al
        cmp al, [cs:pnp_count]
        jb .more
        mov al, 0xff                    ; it was the last
.more:  mov [bx], al
        shl si, 1
        mov si, [cs:si + pnp_list]
        les di, [ebp + 14]
        mov cx, [cs:si]
.copy:  mov al, [cs:si]
        inc si
        stosb
        loop .copy
.fail:  mov ax, cx                      ; 0 after the copy
        jmp .done
; "Get Plug & Play ISA Configuration Structure": a far pointer, selector. There are no such cards.
.isa:   les di, [ebp + 10]
        mov ax, 1                       ; revision, no card
        stosw
        xor ax, ax
        stosw
        stosw
        jmp .done
        cpu 8086

; The device nodes. A system without ACPI finds the PCI bus here. "System Device Node Data Structure"
%macro NODE 5                           ; label, number, base type, type, interface
%push node
%1:
%$start:
        dw %$end - %$start
        db 0                            ; handle
        db 0x41, 0xd0, (%2) >> 8, (%2) & 0xff ; PNP
        db %3, %4, %5
        dw 3                            ; neither to be disabled nor to be configured
%endmacro
%macro NODE_END 0
        db 0x79, 0                      ; allocated resources, possible ones, compatible identities
        db 0x79, 0
        db 0x79, 0
%$end:
%pop
%endmacro
%macro RES_FIXED 2                      ; memory: start, length
        db 0x86
        dw 9
        db 1
        dd %1, %2
%endmacro
        NODE pnp_board, 0x0c01, 0x08, 0x80, 0x00
        RES_FIXED 0, 0xa0000
        RES_FIXED 0xe0000, 0x20000
        RES_FIXED 0xfffe0000, 0x20000
        NODE_END
        NODE pnp_pci, 0x0a03, 0x06, 0x04, 0x00
        RES_IO 0xcf8, 8
        NODE_END
        NODE pnp_pic, 0x0000, 0x08, 0x00, 0x01
        RES_IO 0x20, 2
        RES_IO 0xa0, 2
        RES_IRQ 2
        NODE_END
        NODE pnp_dma, 0x0200, 0x08, 0x01, 0x01
        RES_IO 0x00, 16
        RES_IO 0x81, 15
        RES_IO 0xc0, 32
        RES_DMA 4
        NODE_END
        NODE pnp_timer, 0x0100, 0x08, 0x02, 0x01
        RES_IO 0x40, 4
        RES_IRQ 0
        NODE_END
        NODE pnp_rtc, 0x0b00, 0x08, 0x03, 0x01
        RES_IO 0x70, 2
        RES_IRQ 8
        NODE_END
        NODE pnp_speaker, 0x0800, 0x04, 0x01, 0x00
        RES_IO 0x61, 1
        NODE_END
        NODE pnp_fpu, 0x0c04, 0x0b, 0x80, 0x00
        RES_IO 0xf0, 16
        RES_IRQ 13
        NODE_END
        NODE pnp_keyboard, 0x0303, 0x09, 0x00, 0x00
        RES_IO 0x60, 1
        RES_IO 0x64, 1
        RES_IRQ 1
        NODE_END
        NODE pnp_resources, 0x0c02, 0x08, 0x80, 0x00
        RES_IO 0x80, 1
        RES_IO 0x92, 1
        RES_IO 0xb2, 2
        RES_IO 0x4d0, 2
        RES_IO PM_BASE, 0x40
        NODE_END
        NODE pnp_mouse, 0x0f13, 0x09, 0x02, 0x00
        RES_IRQ 12
        NODE_END
        NODE pnp_com1, 0x0501, 0x07, 0x00, 0x02
        RES_IO 0x3f8, 8
        RES_IRQ 4
        NODE_END
        NODE pnp_com2, 0x0501, 0x07, 0x00, 0x02
        RES_IO 0x2f8, 8
        RES_IRQ 3
        NODE_END
        NODE pnp_lpt, 0x0400, 0x07, 0x01, 0x00
        RES_IO 0x378, 8
        RES_IRQ 7
        NODE_END
        NODE pnp_fdc, 0x0700, 0x01, 0x02, 0x00
        RES_IO 0x3f2, 4
        RES_IO 0x3f7, 1
        RES_IRQ 6
        RES_DMA 2
        NODE_END
PNP_LARGEST     equ 96
; POST takes out what is missing and counts.
pnp_list:
        dw pnp_board, pnp_pci, pnp_pic, pnp_dma, pnp_timer, pnp_rtc, pnp_speaker, pnp_fpu, pnp_keyboard, pnp_resources
pnp_optional:
        dw pnp_mouse, pnp_com1, pnp_com2, pnp_lpt, pnp_fdc
PNP_ALWAYS      equ (pnp_optional - pnp_list) / 2
PNP_OPTIONAL    equ ($ - pnp_optional) / 2
pnp_count:
        db PNP_ALWAYS

; ACPI's root pointer, smbios.asm's entry point and the floating pointer of the MP table: POST writes the rest.
        align 16, db 0
rsdp:   times 8 db 0
        db 0, "FERRIT", 0
        dd 0
        align 16, db 0
smbios_entry:
        times 32 db 0
        align 16, db 0
mp_pointer:
        times 16 db 0
