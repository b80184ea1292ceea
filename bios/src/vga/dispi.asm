; The Bochs VBE extension ("DISPI") registers, and where the linear frame buffer is.

; AX = DISPI register AL.
dispi_get:
        push dx
        mov dx, DISPI_INDEX
        xor ah, ah
        out dx, ax
        inc dx
        in ax, dx
        pop dx
        ret

; DISPI register AL = BX.
dispi_set:
        push ax
        push dx
        mov dx, DISPI_INDEX
        xor ah, ah
        out dx, ax
        inc dx
        mov ax, bx
        out dx, ax
        pop dx
        pop ax
        ret

; Carry: there are no DISPI registers of a version with a linear frame buffer.
dispi_present:
        push ax
        push bx
        mov al, D_ID
        mov bx, 0B0C5h
        call dispi_set
        call dispi_get
        cmp ax, 0B0C5h
        je .found
        mov al, D_ID
        dec bx
        call dispi_set
        call dispi_get
        cmp ax, 0B0C4h
        je .found
        stc
.found:
        pop bx
        pop ax
        ret

; Back to plain VGA.
dispi_off:
        call dispi_present
        jc .none
        push ax
        push bx
        mov al, D_ENABLE
        xor bx, bx
        call dispi_set
        pop bx
        pop ax
.none:
        ret

; AX = video memory in units of 64 KiB.
dispi_memory:
        mov al, D_ID
        call dispi_get
        cmp al, 0C5h
        mov al, D_MEM
        je dispi_get
        mov ax, 8 * 16          ; the register came with version 5
        ret

; DX:AX = physical address of the linear frame buffer: base address register 0 of the PCI function, as PCI BIOS tells;
; without PCI, where the ISA form of this adapter has it. 16-bit functions only, and none that changes the upper halves
; of registers.
frame_buffer:
        push bx
        push cx
        push si
        push di
        mov ax, 0B102h          ; FIND_PCI_DEVICE
        mov cx, 1111h
        mov dx, 1234h
        xor si, si
        stc                     ; an INT 1Ah that does not know the function leaves it
        int 1Ah
        jc .isa
        or ah, ah
        jnz .isa
        mov ax, 0B109h          ; READ_CONFIG_WORD
        mov di, 10h
        int 1Ah
        jc .isa
        and cl, 0F0h
        push cx
        mov ax, 0B109h
        mov di, 12h
        int 1Ah
        pop ax
        jc .isa
        mov dx, cx
        or cx, ax
        jnz .found
.isa:
        xor ax, ax
        mov dx, 0E000h
.found:
        pop di
        pop si
        pop cx
        pop bx
        ret
