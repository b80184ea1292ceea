; The colours that a mode begins with.

; The DAC of the current mode, unless default palette loading is off.
dac_defaults:
        test byte [V_FLAGS], V_NOPAL
        jnz .done
        push si
        mov dx, 3C8h
        xor al, al
        out dx, al
        inc dx
        mov al, [V_MODE]
        cmp al, 7
        je .mono
        cmp al, 0Fh
        je .mono
        cmp al, 13h
        je .many
        ja .vbe
        cmp al, 3
        ja .graphics
        test byte [V_FLAGS], V_200
        jnz .cga
        jmp .ega
.vbe:
        call mode_class
        cmp al, C_BANKED
        je .many
        jmp .ega
.graphics:
        cmp al, 0Eh
        ja .ega
.cga:
        xor bl, bl
.cga_next:
        call cga_colour
        inc bl
        cmp bl, 40h
        jb .cga_next
        jmp .sixty_four
.ega:
        xor bl, bl
.ega_next:
        mov bh, bl              ; rgbRGB: two levels of each
        mov ch, 3
.component:
        xor al, al
        test bh, 04h
        jz .low
        mov al, 2Ah
.low:
        test bh, 20h
        jz .out
        add al, 15h
.out:
        out dx, al
        shl bh, 1
        dec ch
        jnz .component
        inc bl
        cmp bl, 40h
        jb .ega_next
        jmp .sixty_four
.mono:
        xor bl, bl
.mono_next:
        mov al, 0               ; bit 3 video, bit 4 intensity
        test bl, 08h
        jz .grey
        mov al, 2Ah
        test bl, 10h
        jz .grey
        mov al, 3Fh
.grey:
        out dx, al
        out dx, al
        out dx, al
        inc bl
        cmp bl, 40h
        jb .mono_next
.sixty_four:
        mov cx, 64
        jmp .summed
.many:
        call dac_256
        mov cx, 256
.summed:
        xor bl, bl
        call gray_if
        pop si
.done:
        ret

; To the DAC data port DX: colour BL of a CGA, intensity in bit 4, dark yellow as brown.
cga_colour:
        mov bh, bl
        mov ch, 3
.component:
        xor al, al
        test bh, 04h
        jz .intensity
        mov al, 2Ah
.intensity:
        test bl, 10h
        jz .brown
        add al, 15h
.brown:
        cmp ch, 2
        jne .out
        mov cl, bl
        and cl, 17h
        cmp cl, 06h
        jne .out
        mov al, 15h
.out:
        out dx, al
        shl bh, 1
        dec ch
        jnz .component
        ret

; To the DAC data port DX: the 256 colours of mode 13h.
dac_256:
        push si
        xor ah, ah
.sixteen:
        mov bl, ah
        test bl, 08h
        jz .dark
        xor bl, 18h             ; the intensity bit to where cga_colour looks for it
.dark:
        call cga_colour
        inc ah
        cmp ah, 10h
        jb .sixteen
        mov si, grey_levels
.greys:
        mov al, [cs:si]
        inc si
        out dx, al
        out dx, al
        out dx, al
        cmp si, grey_levels + 16
        jb .greys
        ; SI = hue_levels, which follow
.round:
        xor cl, cl
.hue:
        mov al, cl
        call .level
        mov al, cl
        add al, 16              ; eight steps later on a circle of 24
        call .level
        mov al, cl
        add al, 8
        call .level
        inc cl
        cmp cl, 24
        jb .hue
        add si, 5
        cmp si, hue_levels + 45
        jb .round
        mov cx, 24
        xor al, al
.black:
        out dx, al
        loop .black
        pop si
        ret
.level:
        cmp al, 24
        jb .within
        sub al, 24
.within:
        xor ah, ah
        mov bx, ax
        mov al, [cs:hue_curve + bx]
        mov bx, ax
        mov al, [cs:si + bx]
        out dx, al
        ret
