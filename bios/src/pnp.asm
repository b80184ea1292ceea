; The Plug and Play installation check structure and its entry points.
;
; Document: Compaq, Phoenix, Intel: Plug and Play BIOS Specification 1.0A, "System BIOS Interface". What the board has is told by
; ACPI; here there are no device nodes.

        align 16, db 0
pnp_header:
        dd 0                            ; "$PnP", written by POST
        db 0x10, 0x21                   ; version 1.0, length
        dw 0                            ; no events
        db 0                            ; sum
        dd 0
        dw pnp_entry, 0xf000            ; real mode
        dw pnp_entry                    ; 16-bit protected mode, in the segment
        dd 0xf0000
        dd 0                            ; OEM identifier
        dw 0xf000                       ; data segments
        dd 0xf0000

; Far call with the arguments on the stack: function, then as it has them.
pnp_entry:
        push bp
        mov bp, sp
        push bx
        push es
        mov ax, [bp + 6]
        test ax, ax
        mov ax, 0x82                    ; function not supported
        jnz .done
        ; "Get Number of System Device Nodes": two far pointers
        les bx, [bp + 8]
        mov byte [es:bx], 0
        les bx, [bp + 12]
        mov word [es:bx], 0
        xor ax, ax
.done:  pop es
        pop bx
        pop bp
        retf

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
