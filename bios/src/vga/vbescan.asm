; VBE functions 05h-07h: which part of the video memory the processor and the display see.

; 05h: display window; BH = 0 set, 1 get; BL = window; DX = position in units of 64 KiB.
vbe05:
        call vbe_current
        jc vbe_not_now
        or bl, bl
        jnz vbe_fail            ; there is one window
        mov al, D_BANK
        cmp bh, 1
        ja vbe_fail
        cmp byte [cs:si + VM_BPP], 4
        je .planar
        or bh, bh
        jnz .read
        call dispi_memory
        cmp dx, ax
        jae vbe_fail
        mov bx, dx
        mov al, D_BANK
        call dispi_set
        jmp vbe_ok
.read:
        call dispi_get
        mov [bp + F_DX], ax
        jmp vbe_ok
.planar:                        ; all of a plane is in the window
        or bh, bh
        jnz .zero
        or dx, dx
        jnz vbe_fail
.zero:
        mov word [bp + F_DX], 0
        jmp vbe_ok

; The same by far call: all but AX and DX are kept, and AX need hold no function number.
window_far:
        push bx
        or bl, bl
        jnz .fail
        mov al, D_BANK
        cmp bh, 1
        je .read
        mov bx, dx
        call dispi_set
        jmp .done
.read:
        call dispi_get
        mov dx, ax
.done:
        mov ax, VBE_OK
        pop bx
        retf
.fail:
        mov ax, VBE_FAIL
        pop bx
        retf

; CX = bits a pixel of row CS:SI as memory has them: 8, 16, 24 or 32, and 1 in each plane.
vbe_bits:
        mov cl, [cs:si + VM_BPP]
        xor ch, ch
        cmp cl, 4
        je .plane
        add cl, 7
        and cl, 0F8h
        ret
.plane:
        mov cl, 1
        ret

; DX:AX = DX:AX / CX, BX = the remainder.
divide:
        push ax
        mov ax, dx
        xor dx, dx
        div cx
        mov bx, ax
        pop ax
        div cx
        xchg bx, dx
        ret

; DX = pixels of a scan line.
vbe_width:
        push ax
        cmp byte [cs:si + VM_BPP], 4
        je .planar
        mov al, D_VWID
        call dispi_get
        jmp .done
.planar:
        mov al, 13h
        call crtc_read
        xor ah, ah
        mov cl, 4
        shl ax, cl
.done:
        mov dx, ax
        pop ax
        ret

; BX = bytes of a line of DX pixels, AX = how many such lines the memory holds. Keeps DX.
vbe_lines:
        push dx
        call vbe_bits
        mov ax, dx
        mul cx
        mov cx, 8
        call divide
        mov cx, ax              ; bytes
        mov dx, 1
        cmp byte [cs:si + VM_BPP], 4
        je .planar
        call dispi_memory
        mov dx, ax
.planar:
        xor ax, ax
        jcxz .many
        call divide
        or dx, dx
        jz .small
.many:
        mov ax, 0FFFFh
.small:
        mov bx, cx
        pop dx
        ret

; 06h: logical scan line; BL = 0 set CX pixels, 1 get, 2 set CX bytes, 3 get the maximum.
; Returns BX = bytes, CX = pixels, DX = lines.
vbe06:
        call vbe_current
        jc vbe_not_now
        cmp bl, 3
        ja vbe_fail
        mov dx, cx
        cmp bl, 1
        je .current
        jb .pixels
        cmp bl, 3
        je .maximum
        mov ax, dx              ; bytes to pixels, rounded up
        mov dx, 8
        mul dx
        call vbe_bits
        add ax, cx
        adc dx, 0
        sub ax, 1
        sbb dx, 0
        call divide
        or dx, dx
        jnz vbe_fail
        mov dx, ax
.pixels:
        cmp dx, [cs:si + VM_X]
        jb vbe_fail
        add dx, 15              ; whole units of the CRTC's offset
        jc vbe_fail
        and dx, 0FFF0h
        call vbe_lines
        cmp ax, [cs:si + VM_Y]
        jb vbe_fail
        cmp byte [cs:si + VM_BPP], 4
        je .planar
        mov bx, dx
        mov al, D_VWID
        call dispi_set
        jmp .current
.planar:
        mov ax, dx
        mov cl, 4
        shr ax, cl
        mov ah, al
        mov al, 13h
        call crtc_write
.current:
        call vbe_width
        jmp .report
.maximum:
        mov dx, [cs:si + VM_X]  ; the widest line that leaves room for the screen
.wider:
        add dx, 16
        call vbe_lines
        cmp ax, [cs:si + VM_Y]
        jb .widest
        cmp dx, 3FF0h
        jb .wider
.widest:
        sub dx, 16
.report:
        mov [bp + F_CX], dx
        call vbe_lines
        mov [bp + F_BX], bx
        mov [bp + F_DX], ax
        jmp vbe_ok

; 07h: display start; BL = 0 set, 80h set during retrace, 1 get; CX = pixel, DX = line. BL = 2, 82h, 3, 4 belong to
; hardware that flips by itself.
vbe07:
        call vbe_current
        jc vbe_not_now
        cmp bl, 1
        je .read
        test bl, 7Fh
        jnz vbe_fail
        push cx
        mov di, dx
        call vbe_width
        call vbe_lines
        pop cx
        sub ax, [cs:si + VM_Y]
        jb vbe_fail
        cmp di, ax
        ja vbe_fail
        test byte [bp + F_BL], 80h
        jz .set
        push cx
        mov dx, [V_CRTC]
        add dl, 6
        call wait_retrace
        pop cx
.set:
        cmp byte [cs:si + VM_BPP], 4
        je .planar
        mov bx, cx
        mov al, D_XOFF
        call dispi_set
        mov bx, di
        mov al, D_YOFF
        call dispi_set
        jmp vbe_ok
.planar:
        mov ax, di
        mul bx
        mov bx, cx
        push cx
        mov cl, 3
        shr bx, cl
        pop cx
        add bx, ax
        mov ah, bh
        mov al, 0Ch
        call crtc_write
        mov ah, bl
        mov al, 0Dh
        call crtc_write
        mov ah, cl
        and ah, 07h
        mov al, 13h             ; the pixels within a byte are panned
        call attr_write
        jmp vbe_ok
.read:
        mov byte [bp + F_BH], 0
        cmp byte [cs:si + VM_BPP], 4
        je .read_planar
        mov al, D_XOFF
        call dispi_get
        mov [bp + F_CX], ax
        mov al, D_YOFF
        call dispi_get
        mov [bp + F_DX], ax
        jmp vbe_ok
.read_planar:
        call vbe_width
        call vbe_lines
        mov al, 0Ch
        call crtc_read
        mov ah, al
        mov al, 0Dh
        call crtc_read
        xor dx, dx
        or bx, bx
        jz vbe_fail
        div bx
        mov [bp + F_DX], ax
        mov cl, 3
        shl dx, cl
        mov al, 13h
        call attr_read
        and ax, 0007h
        add ax, dx
        mov [bp + F_CX], ax
        jmp vbe_ok
