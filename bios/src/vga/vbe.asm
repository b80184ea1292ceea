; INT 10h AH = 4Fh: VESA BIOS extension. VBE Core Functions Standard 3.0; VBE/PM 1.0.
;
; Every function returns in AX: 004Fh done, 014Fh failed, 024Fh not with this hardware, 034Fh not in this mode; AX =
; 0100h says that there is no such function, and so does every function where the adapter has no DISPI registers.

VBE_OK   equ 004Fh
VBE_FAIL equ 014Fh
VBE_MODE equ 034Fh

vbe:
        call dispi_present
        jc .none
        mov di, vbe10
        cmp al, 10h
        je .call
        mov di, vbe15
        cmp al, 15h
        je .call
        cmp al, 0Bh
        ja .none
        xor ah, ah
        mov di, ax
        shl di, 1
        mov di, [cs:.table + di]
.call:
        call di
        jmp .set
.none:
        mov ax, 0100h
.set:
        mov [bp + F_AX], ax
        ret
.table: dw vbe00, vbe01, vbe02, vbe03, vbe04, vbe05, vbe06, vbe07, vbe08, vbe09, vbe0a, vbe0b

vbe_fail:
        mov ax, VBE_FAIL
        ret
vbe_not_now:
        mov ax, VBE_MODE
        ret
vbe_ok:
        mov ax, VBE_OK
        ret

; A row of the mode table.
VM_NUM  equ 0
VM_X    equ 2           ; pixels, or columns of a text mode
VM_Y    equ 4
VM_BPP  equ 6           ; 0: text
VM_OEM  equ 7           ; number in the BIOS data area
VM_SIZE equ 8

; CS:SI = row of mode number BX, if the mode fits the memory; carry: none.
vbe_by_number:
        mov si, vbe_modes
.next:
        cmp bx, [cs:si]
        je vbe_fits
        add si, VM_SIZE
        cmp si, vbe_modes_end
        jb .next
        stc
        ret

; CS:SI = row of the mode that the BIOS data area calls AL; carry: none. Preserves the rest.
vbe_by_oem:
        mov si, vbe_modes
.next:
        cmp al, [cs:si + VM_OEM]
        je .found
        add si, VM_SIZE
        cmp si, vbe_modes_end
        jb .next
        stc
.found: ret

; AX = bytes of a scan line of row CS:SI (of one plane with four bits a pixel).
vbe_pitch:
        push cx
        push dx
        mov ax, [cs:si + VM_X]
        mov cl, [cs:si + VM_BPP]
        cmp cl, 4
        ja .bytes
        mov cl, 3
        shr ax, cl
        jmp .done
.bytes:
        add cl, 7
        shr cl, 1
        shr cl, 1
        shr cl, 1
        xor ch, ch
        mul cx
.done:
        pop dx
        pop cx
        ret

; AX = units of 64 KiB that a screen of row CS:SI takes, rounded up.
vbe_units:
        push dx
        call vbe_pitch
        mul word [cs:si + VM_Y]
        add ax, 0FFFFh
        adc dx, 0
        mov ax, dx
        pop dx
        ret

; Carry: row CS:SI does not fit the video memory.
vbe_fits:
        cmp byte [cs:si + VM_BPP], 5
        cmc
        jnc .done               ; made of the VGA's own 256 KiB
        push ax
        push bx
        call vbe_units
        mov bx, ax
        call dispi_memory
        cmp ax, bx
        pop bx
        pop ax
.done:
        ret

; CS:SI = row of the current graphics mode; carry: the current mode is not one of VBE's graphics modes.
vbe_current:
        push ax
        mov al, [V_MODE]
        cmp al, 14h
        jb .no
        call vbe_by_oem
        jc .no
        cmp byte [cs:si + VM_BPP], 1
.no:
        pop ax
        ret

; 00h: VbeInfoBlock to ES:DI. 512 bytes for a caller that wrote VBE2 there, else 256.
vbe00:
        mov di, [bp + F_DI]
        mov cx, 256
        cmp word [es:di], 'VB'
        jne .old
        cmp word [es:di + 2], 'E2'
        jne .old
        mov ch, 2
.old:
        mov bx, cx
        push di
        xor al, al
        rep stosb
        pop di
        mov word [es:di], 'VE'
        mov word [es:di + 2], 'SA'
        mov word [es:di + 4], 0300h
        mov word [es:di + 6], vbe_oem
        mov [es:di + 8], cs
        mov byte [es:di + 10], 01h      ; the DAC can be switched to eight bits
        lea ax, [di + 34]               ; the mode list is built in the reserved part of the block
        mov [es:di + 14], ax
        mov [es:di + 16], es
        call dispi_memory
        mov [es:di + 18], ax
        cmp bh, 2
        jne .modes
        mov word [es:di + 20], 0100h    ; software revision
        mov word [es:di + 22], vbe_vendor
        mov [es:di + 24], cs
        mov word [es:di + 26], vbe_oem
        mov [es:di + 28], cs
        mov word [es:di + 30], vbe_revision
        mov [es:di + 32], cs
.modes:
        add di, 34
        mov si, vbe_modes
.next:
        call vbe_fits
        jc .skip
        mov ax, [cs:si]
        stosw
.skip:
        add si, VM_SIZE
        cmp si, vbe_modes_end
        jb .next
        mov ax, 0FFFFh
        stosw
        jmp vbe_ok

; 01h: ModeInfoBlock of mode CX to ES:DI.
vbe01:
        mov bx, cx
        and bh, 01h
        call vbe_by_number
        jc vbe_fail
        mov di, [bp + F_DI]
        push di
        mov cx, 128
        xor ax, ax
        rep stosw
        pop di
        mov bl, [cs:si + VM_BPP]
        mov word [es:di + 2], 0007h     ; window A: relocatable, readable, writable
        mov word [es:di + 4], 64        ; granularity, size: KiB
        mov word [es:di + 6], 64
        mov word [es:di + 8], 0A000h
        mov word [es:di + 12], window_far
        mov [es:di + 14], cs
        call vbe_pitch
        mov [es:di + 16], ax
        mov [es:di + 50], ax
        mov ax, [cs:si + VM_X]
        mov [es:di + 18], ax
        mov ax, [cs:si + VM_Y]
        mov [es:di + 20], ax
        call vbe_cell
        mov [es:di + 23], al
        mov byte [es:di + 22], 8
        mov byte [es:di + 24], 1        ; planes
        mov [es:di + 25], bl
        mov byte [es:di + 26], 1        ; banks
        mov byte [es:di + 30], 1        ; reserved, 1
        or bl, bl
        jnz .graphics
        mov byte [es:di], 0Fh           ; supported, with information, teletype, colour
        mov word [es:di + 4], 32
        mov word [es:di + 6], 32
        mov word [es:di + 8], 0B800h
        mov ax, [cs:si + VM_X]
        shl ax, 1
        mov [es:di + 16], ax
        mov word [es:di + 50], 0
        mov byte [es:di + 24], 4
        mov byte [es:di + 25], 4
        jmp vbe_ok
.graphics:
        mov byte [es:di], 9Fh           ; and graphics, and a linear frame buffer
        mov al, 3                       ; memory model: planar, packed, direct
        cmp bl, 4
        ja .packed
        mov byte [es:di], 1Fh           ; planes are not linear
        mov byte [es:di + 24], 4
        mov word [es:di + 50], 0
        jmp .model
.packed:
        mov al, 4
        cmp bl, 8
        je .model
        mov al, 6
.model:
        mov [es:di + 27], al
        cmp bl, 4
        je .done                        ; one page
        call vbe_units                  ; pages beyond the first
        mov cx, ax
        call dispi_memory
        xor dx, dx
        div cx
        dec ax
        jz .one
        cmp ax, 255
        jbe .one
        mov ax, 255
.one:
        mov [es:di + 29], al
        mov [es:di + 52], al
        mov [es:di + 53], al
        mov word [es:di + 62], 3D00h    ; highest pixel clock: 0FA03D00h Hz, more than any mode here needs
        mov word [es:di + 64], 0FA0h
        push bx
        call frame_buffer
        pop bx
        mov [es:di + 40], ax
        mov [es:di + 42], dx
        cmp bl, 8
        jbe .done
        mov si, vbe_masks
        cmp bl, 15
        je .masks
        add si, 8
        cmp bl, 16
        je .masks
        add si, 8
        cmp bl, 24
        je .masks
        add si, 8
.masks:
        xor bx, bx
.mask:
        mov al, [cs:si + bx]
        mov [es:di + 31 + bx], al
        mov [es:di + 54 + bx], al
        inc bx
        cmp bl, 8
        jb .mask
        cmp byte [es:di + 37], 0
        je .done
        mov byte [es:di + 39], 02h      ; the reserved bits may be used
.done:
        jmp vbe_ok

; Sizes and positions of red, green, blue and reserved, with 15, 16, 24 and 32 bits a pixel.
vbe_masks:
        db 5, 10, 5, 5, 5, 0, 1, 15
        db 5, 11, 6, 5, 5, 0, 0, 0
        db 8, 16, 8, 8, 8, 0, 0, 0
        db 8, 16, 8, 8, 8, 0, 8, 24

; AL = height of a character in the mode of row CS:SI.
vbe_cell:
        cmp byte [cs:si + VM_BPP], 0
        je .text
        cmp word [cs:si + VM_Y], 400
        mov al, 16
        jae .done
        mov al, 8
.done:
        ret
.text:
        mov al, 8
        cmp word [cs:si + VM_Y], 25
        jne .done
        mov al, 16
        ret

; 02h: sets mode BX; bit 14 linear frame buffer, bit 15 keep the memory. The CRTC parameters of VBE 3.0 (bit 11) have
; no meaning to an adapter without a real clock; the bit is accepted.
vbe02:
        ; falls through
vbe_set:
        mov ax, bx
        and ax, 01FFh
        cmp ax, 0100h
        jae .vesa
        test bx, 4100h
        jnz vbe_fail
        mov ah, bh
        or ah, bl
        and al, 7Fh
        cmp al, 13h
        ja .own
        cmp al, 08h
        jb .legacy
        cmp al, 0Dh
        jb vbe_fail
.legacy:
        call mode_set
        jmp vbe_ok
.own:
        call vbe_by_oem
        jc vbe_fail
        and bx, 8000h
        or bx, [cs:si]
        mov ax, [cs:si]
.vesa:
        push bx
        mov bx, ax
        call vbe_by_number
        pop bx
        jc vbe_fail
        cmp byte [cs:si + VM_BPP], 4
        ja .graphics
        test bh, 40h
        jnz vbe_fail
.graphics:
        mov cx, bx
        call dispi_off
        and byte [V_INFO], 7Fh
        mov al, ch
        and al, 80h
        or [V_INFO], al
        and byte [V_EQUIP], 0CFh
        or byte [V_EQUIP], 20h
        mov al, [cs:si + VM_OEM]
        mov [V_MODE], al
        mov al, [cs:si + VM_BPP]
        cmp al, 4
        jbe .registers
        push cx
        push si
        mov al, PARAM_13
        call param_entry
        call set_registers
        pop si
        pop cx
        mov al, D_XRES
        mov bx, [cs:si + VM_X]
        call dispi_set
        mov al, D_YRES
        mov bx, [cs:si + VM_Y]
        call dispi_set
        mov al, D_BPP
        mov bl, [cs:si + VM_BPP]
        xor bh, bh
        call dispi_set
        mov bl, ch
        and bx, 00C0h           ; bits 15 and 14 are bits 7 and 6 there
        or bl, DE_ON
        mov al, D_ENABLE
        call dispi_set
        mov al, D_BANK
        xor bx, bx
        call dispi_set
        mov al, D_XOFF
        call dispi_set
        mov al, D_YOFF
        call dispi_set
        mov al, D_VWID
        mov bx, [cs:si + VM_X]
        call dispi_set
        call vbe_crtc
        mov ax, [cs:si + VM_X]
        mov cl, 3
        shr ax, cl
        or ah, ah
        jz .columns
        mov ax, 255             ; the rest of the BIOS counts columns in a byte
.columns:
        mov [V_COLS], ax
        call vbe_cell
        mov bl, al
        xor ah, ah
        mov [V_CHAR], ax
        xor dx, dx
        mov cx, ax
        mov ax, [cs:si + VM_Y]
        div cx
        dec ax
        mov [V_ROWS], al
        xor ax, ax
        mov [V_START], ax
        mov [V_PSIZE], ax
        mov [V_PAGE], al
        mov [V_CTYPE], ax
        push ds
        pop es
        mov di, V_CURS
        mov cx, 8
        rep stosw
        call dac_defaults
        call mode_font
        call video_show
        jmp vbe_ok
.registers:                     ; a mode that needs nothing beyond the VGA
        mov al, [cs:si + VM_NUM]
        cmp al, 02h
        mov si, vbe_102
        je .entry
        sub al, 08h
        mov cl, 6
        xor ah, ah
        shl ax, cl
        add ax, vbe_text_modes
        mov si, ax
.entry:
        push cs
        pop es
        call set_registers
        call set_bda
        call dac_defaults
        call clear_memory
        call mode_font
        call video_show
        jmp vbe_ok

; The CRTC to the size of row CS:SI, as far as its registers reach: scan out, line offset, no double scan.
vbe_crtc:
        push si
        mov ah, 0
        mov al, 11h
        call crtc_write         ; registers 0-7 writable, no interrupt
        mov ax, [cs:si + VM_X]
        mov cl, 3
        shr ax, cl
        dec ax
        mov ah, al
        mov al, 01h
        call crtc_write
        call vbe_pitch
        shr ax, cl
        mov ah, al
        mov al, 13h
        call crtc_write
        mov ax, 4009h           ; line compare out of the way, each line once
        call crtc_write
        mov ax, 0E317h
        call crtc_write
        mov ax, 0FF18h
        call crtc_write
        mov ax, 0014h
        call crtc_write
        mov dx, [cs:si + VM_Y]
        dec dx
        mov ah, dl
        mov al, 12h
        call crtc_write
        mov al, 07h
        call crtc_read
        and al, 0ADh
        or al, 10h
        test dh, 01h
        jz .bit9
        or al, 02h
.bit9:
        test dh, 02h
        jz .overflow
        or al, 40h
.overflow:
        mov ah, al
        mov al, 07h
        call crtc_write
        pop si
        ret

; 03h: BX = current mode.
vbe03:
        mov al, [V_MODE]
        mov bl, al
        xor bh, bh
        cmp al, 14h
        jb .set
        call vbe_by_oem
        jc .set
        mov bx, [cs:si]
        mov al, [V_INFO]
        and al, 80h             ; memory kept
        or bh, al
        cmp byte [cs:si + VM_BPP], 4
        jbe .set
        mov al, D_ENABLE
        call dispi_get
        and al, DE_LFB
        or bh, al
.set:
        mov [bp + F_BX], bx
        jmp vbe_ok

; 04h: state; DL = 0 size into BX, 1 save to ES:BX, 2 restore; CX = parts.
vbe04:
        cmp dl, 2
        ja vbe_fail
        and cx, 000Fh
        mov al, dl
        mov di, bx
        mov si, bx
        call state
        jmp vbe_ok

vbe_oem:      db 'Ferrite VGA BIOS', 0
vbe_vendor:   db 'Ferrite', 0
vbe_revision: db '1.0', 0
