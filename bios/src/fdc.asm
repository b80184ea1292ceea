; The diskette controller and its DMA channel: commands, results, the interrupt.
;
; Intel 82077AA data sheet, "Command set", "Status registers"; Intel 8237A data sheet, "Register description"; IBM PC/AT Technical
; Reference, "Diskette adapter" (digital output register) and INT 13h status codes.
;
; DS = BDA; the frame and its F_* are floppy.asm's.

; ---------------------------------------------------------------------------------------------------------------------
; 8237 channel 2
; ---------------------------------------------------------------------------------------------------------------------
; ES:BX of the call, F_LEN + 1 bytes, mode F_DMA. CF: AH = 09h when the 64 KiB page ends inside. Preserves DX.
fd_dma: push dx
        mov ax, [bp+R_ES]
        mov cl, 4
        rol ax, cl
        mov dl, al
        and dl, 0Fh                     ; page
        and al, 0F0h
        add ax, [bp+R_BX]
        adc dl, 0
        cmp byte [bp+F_DMA], 42h
        jne .memory
        xor ax, ax                      ; verify touches no memory
        xor dl, dl
.memory:
        mov cx, ax
        add cx, [bp+F_LEN]
        jc .bound
        mov cx, ax
        pushf
        cli
        mov al, 06h                     ; mask channel 2
        out 0Ah, al
        mov al, [bp+F_DMA]
        out 0Bh, al
        out 0Ch, al                     ; byte pointer
        mov al, cl
        out 04h, al
        mov al, ch
        out 04h, al
        mov al, dl
        out 81h, al
        mov al, [bp+F_LEN]
        out 05h, al
        mov al, [bp+F_LEN+1]
        out 05h, al
        mov al, 02h
        out 0Ah, al
        popf
        pop dx
        clc
        ret
.bound: mov ah, E_BOUND
        pop dx
        stc
        ret

; ---------------------------------------------------------------------------------------------------------------------
; the controller
; ---------------------------------------------------------------------------------------------------------------------
; AL to the controller. CF: AH = 80h, or 20h when it wants to speak. Preserves all but AX, CX.
fdc_out:
        push dx
        mov ah, al
        mov cx, 10
        call wait_begin
        mov dx, FDC_MSR
.poll:  in al, dx
        and al, 0C0h
        cmp al, 80h
        je .ready
        call wait_more
        jnc .poll
        cmp al, 0C0h
        mov ah, E_CTRL
        je .end
        mov ah, E_TIMEOUT
.end:   stc
        pop dx
        ret
.ready: inc dx
        mov al, ah
        out dx, al
        pop dx
        clc
        ret

; Head and drive byte.
fdc_unit:
        mov al, [bp+R_DH]
        and al, 1
        shl al, 1
        shl al, 1
        or al, [bp+F_DRIVE]
        jmp fdc_out

; Wait for IRQ 6. CF: AH = 80h. INT 15h AX=9001h lets another task run meanwhile. Changes AX, CX.
fdc_wait:
        sti
        mov ax, 9001h
        int 15h
        jc .late
        mov cx, FD_TICKS
        call wait_begin
        call wait_may_halt
.poll:  cli                             ; so that the interrupt does not come between test and HLT
        test byte [B_RECAL], 80h
        jnz .came
        test al, al
        jz .spin
        sti
        hlt
.spin:  sti
        call wait_more
        jnc .poll
.late:  mov ah, E_TIMEOUT
        and byte [B_RECAL], 7Fh
        stc
        ret
.came:  sti
        and byte [B_RECAL], 7Fh
        clc
        ret

; Result bytes to 40:42. CF: AH = status. Changes AX, BX, CX.
fdc_results:
        push dx
        push di
        mov bx, B_NEC
        mov di, 7
        mov dx, FDC_MSR
.byte:  mov cx, 10
        call wait_begin
.poll:  in al, dx
        and al, 0C0h
        cmp al, 0C0h
        je .take
        call wait_more
        jnc .poll
        mov ah, E_TIMEOUT
        jmp short .fail
.take:  inc dx
        in al, dx
        dec dx
        mov [bx], al
        inc bx
        mov cx, 1                       ; BUSY needs a moment
        call delay_refresh
        in al, dx
        test al, 10h
        jz .done
        dec di
        jnz .byte
        mov ah, E_CTRL                  ; more than seven
.fail:  pop di
        pop dx
        stc
        ret
.done:  pop di
        pop dx
        clc
        ret

; Interrupt and results of a data command; AH = status, CF.
fdc_finish:
        call fdc_wait
        pushf
        push ax
        call fdc_results
        jc .fail
        pop ax
        popf
        jc .end
        mov al, [B_NEC]
        mov ah, 0
        and al, 0C0h
        jz .end
        cmp al, 40h
        mov ah, E_CTRL
        jne .bad
        mov al, [B_NEC+1]               ; ST1
        mov ah, E_NOTFND                ; EN
        shl al, 1
        jc .bad
        shl al, 1
        shl al, 1
        mov ah, E_CRC                   ; DE
        jc .bad
        shl al, 1
        mov ah, E_OVERRUN               ; OR
        jc .bad
        shl al, 1
        shl al, 1
        mov ah, E_NOTFND                ; ND
        jc .bad
        shl al, 1
        mov ah, E_WPROT                 ; NW
        jc .bad
        shl al, 1
        mov ah, E_ADDRMK                ; MA
        jc .bad
        mov ah, E_CTRL
.bad:   stc
.end:   ret
.fail:  add sp, 2
        popf
        stc
        ret

; The interrupt of SEEK and RECALIBRATE, and SENSE INTERRUPT STATUS. CF: AH = status.
fdc_sense:
        call fdc_wait
        jc .end
        mov al, 08h
        call fdc_out
        jc .end
        call fdc_results
        jc .end
        mov al, [B_NEC]
        and al, 60h
        cmp al, 60h                     ; seek end with abnormal termination
        mov ah, E_SEEK
        je .bad
        clc
.end:   ret
.bad:   stc
        ret

; Reset through the DOR, four SENSE INTERRUPT STATUS, SPECIFY. AH = status.
fdc_reset:
        push dx
        cli
        and byte [B_RECAL], 70h
        mov al, [B_MOTOR]
        mov ah, al
        mov cl, 4
        shl al, cl
        rol ah, cl                      ; 5:4 of 40:3F to 1:0
        and ah, 03h
        or al, ah
        or al, 08h                      ; DMA and interrupt on, reset
        mov dx, FDC_DOR
        out dx, al
        push ax
        mov cx, 1
        call delay_refresh
        pop ax
        or al, 04h
        out dx, al
        call fdc_wait
        jc .fail
        mov dh, 4
        mov dl, 0C0h
.next:  mov al, 08h
        call fdc_out
        jc .fail
        call fdc_results
        jc .fail
        cmp dl, [B_NEC]
        jne .fail
        inc dx
        dec dh
        jnz .next
        call fd_table
        mov al, 03h                     ; SPECIFY
        call fdc_out
        jc .fail
        mov al, [es:di]
        call fdc_out
        jc .fail
        mov al, [es:di+1]
        call fdc_out
        jc .fail
        call fdc_perp
        xor ah, ah
        pop dx
        ret
.fail:  mov ah, E_CTRL
        pop dx
        stc
        ret

; A 2.88M drive records perpendicularly at 1 Mbit/s: its D bits, which an 82077 heeds by data rate.
fdc_perp:
        xor dl, dl
        mov al, 0
        call fd_type
        cmp al, 5
        jb .a
        or dl, 04h
.a:     mov al, 1
        call fd_type
        cmp al, 5
        jb .b
        or dl, 08h
.b:     test dl, dl
        jz .end
        mov al, 12h
        call fdc_out
        jc .end
        mov al, dl
        or al, 80h                      ; OW
        call fdc_out
.end:   ret
