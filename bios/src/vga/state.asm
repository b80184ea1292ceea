; INT 10h AH = 1Ch, and function 04h of VBE: save and restore the state of the adapter.
;
; Parts, in this order, by bits of CX: 0 registers (2 blocks of 64 bytes), 1 BIOS data (1), 2 DAC (13), 3 the DISPI
; registers (1, VBE only).

; 1Ch: AL = 0: BX = blocks for CX; 1: save to ES:BX; 2: restore.
fn1c:
        cmp al, 2
        ja .none
        and cx, 0007h
        jz .none
        mov di, bx
        mov si, bx
        call state
        mov byte [bp + F_AL], 1Ch
.none:
        ret

; AL = 0: blocks for CX into the caller's BX; 1: save to ES:DI; 2: restore from ES:SI.
state:
        cmp al, 1
        je .save
        ja .restore
        xor bx, bx
        mov si, .blocks
.count:
        shr cx, 1
        jnc .absent
        add bl, [cs:si]
.absent:
        inc si
        cmp si, .blocks + 4
        jb .count
        mov [bp + F_BX], bx
        ret
.blocks: db 2, 1, 13, 1

.save:
        test cl, 01h
        jz .save_data
        push di
        call registers_save
        pop di
        add di, 2 * 64
.save_data:
        test cl, 02h
        jz .save_dac
        push di
        call bda_save
        pop di
        add di, 64
.save_dac:
        test cl, 04h
        jz .save_dispi
        push di
        call dac_save
        pop di
        add di, 13 * 64
.save_dispi:
        test cl, 08h
        jz .saved
        push cx
        xor cl, cl
.save_next:
        mov al, cl
        call dispi_get
        stosw
        inc cl
        cmp cl, D_YOFF + 1
        jb .save_next
        pop cx
.saved:
        ret

; The DISPI registers stand last, but must be first: enabling them may set registers of the VGA.
.restore:
        push si
        test cl, 08h
        jz .restore_registers
        push cx
        test cl, 01h
        jz .no_registers
        add si, 2 * 64
.no_registers:
        test cl, 02h
        jz .no_data
        add si, 64
.no_data:
        test cl, 04h
        jz .no_dac
        add si, 13 * 64
.no_dac:
        call dispi_load
        pop cx
.restore_registers:
        pop si
        test cl, 01h
        jz .restore_data
        push si
        call registers_load
        pop si
        add si, 2 * 64
.restore_data:
        test cl, 02h
        jz .restore_dac
        push si
        call bda_load
        pop si
        add si, 64
.restore_dac:
        test cl, 04h
        jz .saved
        jmp dac_load

; All keep CX.
dispi_load:
        push bx
        push cx
        mov al, D_ENABLE
        xor bx, bx
        call dispi_set
        mov cl, D_XRES
.geometry:
        call .put
        inc cl
        cmp cl, D_ENABLE
        jb .geometry
        mov bx, [es:si + D_ENABLE * 2]
        test bl, DE_ON
        jz .off
        or bl, DE_KEEP
        mov al, D_ENABLE
        call dispi_set
        mov cl, D_BANK
.rest:
        cmp cl, D_VHGT          ; follows from the width
        je .next
        call .put
.next:
        inc cl
        cmp cl, D_YOFF + 1
        jb .rest
.off:
        pop cx
        pop bx
        ret
.put:
        mov bl, cl
        xor bh, bh
        shl bx, 1
        mov bx, [es:si + bx]
        mov al, cl
        jmp dispi_set

; Index port at DX: the index, then AH registers from AL on, to ES:DI.
indexed_save:
        push cx
        mov cx, ax
        in al, dx
        mov bl, al              ; the index comes back at the end
        stosb
.next:
        mov al, cl
        out dx, al
        inc dx
        in al, dx
        dec dx
        stosb
        inc cl
        dec ch
        jnz .next
        mov al, bl
        out dx, al
        pop cx
        ret

; The converse, from ES:SI.
indexed_load:
        push cx
        mov cx, ax
        mov bl, [es:si]
        inc si
.next:
        mov al, cl
        mov ah, [es:si]
        inc si
        out dx, ax
        inc cl
        dec ch
        jnz .next
        mov al, bl
        out dx, al
        pop cx
        ret

registers_save:
        push cx
        mov ax, [V_CRTC]
        stosw
        mov dx, 3CCh
        in al, dx
        stosb
        mov dl, 0CAh
        in al, dx
        stosb
        mov dl, 0C0h
        in al, dx
        stosb
        xor cl, cl
.attribute:
        mov al, cl
        call attr_read
        stosb
        inc cl
        cmp cl, 15h
        jb .attribute
        mov al, [es:di - 16h]   ; the index as it was, with the bit that shows the picture
        call attr_index
        mov dx, 3C4h
        mov ax, 0401h
        call indexed_save
        mov dx, [V_CRTC]
        mov ax, 1900h
        call indexed_save
        mov dx, 3CEh
        mov ax, 0900h
        call indexed_save
        pop cx
        ret

registers_load:
        push cx
        mov dx, 3C4h
        mov ax, 0100h
        out dx, ax
        mov al, [es:si + 2]
        mov dl, 0C2h
        out dx, al
        mov bx, [es:si]
        mov [V_CRTC], bx
        mov dl, 0C4h
        mov ax, 0300h
        out dx, ax
        mov dx, bx
        add dl, 6
        mov al, [es:si + 3]
        out dx, al
        push si
        add si, 5
        xor cl, cl
.attribute:
        mov al, cl
        mov ah, [es:si]
        inc si
        call attr_write
        inc cl
        cmp cl, 15h
        jb .attribute
        mov dx, 3C4h
        mov ax, 0401h
        call indexed_load
        mov dx, bx
        mov dx, [V_CRTC]
        mov ax, 0011h           ; registers 0-7 writable
        out dx, ax
        mov ax, 1900h
        call indexed_load
        mov dx, 3CEh
        mov ax, 0900h
        call indexed_load
        pop si
        mov al, [es:si + 4]
        call attr_index
        pop cx
        ret

; Attribute controller index AL.
attr_index:
        push dx
        push ax
        mov dx, [V_CRTC]
        add dl, 6
        in al, dx
        pop ax
        mov dl, 0C0h
        out dx, al
        pop dx
        ret

bda_save:
        push cx
        mov si, V_MODE
        mov cx, 1Eh
        rep movsb
        mov si, V_ROWS
        mov cx, 7
        rep movsb
        mov si, V_SAVEP
        movsw
        movsw
        mov al, [V_EQUIP]
        stosb
        push ds
        xor ax, ax
        mov ds, ax
        mov si, 1Fh * 4
        movsw
        movsw
        mov si, 43h * 4
        movsw
        movsw
        pop ds
        pop cx
        ret

bda_load:
        push cx
        push es
        push ds
        mov ax, ds
        mov di, es
        mov es, ax
        mov ds, di
        mov di, V_MODE
        mov cx, 1Eh
        rep movsb
        mov di, V_ROWS
        mov cx, 7
        rep movsb
        mov di, V_SAVEP
        movsw
        movsw
        lodsb
        and al, 30h             ; of the equipment only the display
        and byte [es:V_EQUIP], 0CFh
        or [es:V_EQUIP], al
        xor ax, ax
        mov es, ax
        mov di, 1Fh * 4
        movsw
        movsw
        mov di, 43h * 4
        movsw
        movsw
        pop ds
        pop es
        pop cx
        ret

dac_save:
        push cx
        mov dx, 3C6h
        in al, dx
        stosb
        inc dx
        in al, dx               ; whether the DAC is being read or written, and where
        stosb
        inc dx
        in al, dx
        stosb
        dec dx
        mov al, 0
        out dx, al
        mov dl, 0C9h
        mov cx, 768
.next:
        in al, dx
        stosb
        loop .next
        mov al, 14h
        call attr_read
        stosb
        jmp dac_index

dac_load:
        push cx
        mov di, si
        push si
        mov dx, 3C6h
        mov al, [es:si]
        out dx, al
        add si, 3
        mov dl, 0C8h
        mov al, 0
        out dx, al
        inc dx
        mov cx, 768
.next:
        mov al, [es:si]
        inc si
        out dx, al
        loop .next
        mov ah, [es:si]
        mov al, 14h
        call attr_write
        pop si
        mov di, si
        add di, 772
; The DAC index as saved 771 bytes before ES:DI.
dac_index:
        mov al, [es:di - 770]
        mov dx, 3C8h
        test byte [es:di - 771], 03h
        mov al, [es:di - 770]
        jz .write
        dec dx
        dec al                  ; the index had moved on already
.write:
        out dx, al
        pop cx
        ret
