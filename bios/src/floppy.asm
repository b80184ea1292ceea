; Diskette services: INT 40h (INT 13h for drives 0 and 1), INT 0Eh (IRQ 6).
;
; IBM PC/AT Technical Reference, "BIOS: Diskette" (services, 40:3E-48, 40:8B-95, INT 1Eh); Intel 82077AA data sheet, "Command set";
; Intel 8237A data sheet, "Mode register" (verify transfers).
;
; Behaves as the AT does: the end of a track (EOT), sector size and gap come from the table of INT 1Eh, a transfer runs from
; head 0 to head 1 at that EOT (multi-track), and only the 8237 ends it. While INT 1Eh still points to the table in ROM, EOT
; follows from the medium that was recognised, and a sector past it is looked for on the same track, so that formats with more
; sectors can start.
; DS = BDA (0040h) throughout; the work bytes F_* are in the frame.
;
; *Not modelled:* FM (single density); the second controller; tape.

; BDA
B_EQUIP  equ 10h
B_RECAL  equ 3Eh                ; bits 0-1 drive is calibrated, bit 7 interrupt came
B_MOTOR  equ 3Fh                ; bits 0-1 motor on, 5:4 drive selected, 7 writing
B_MCOUNT equ 40h                ; ticks until the motors stop
B_FSTAT  equ 41h
B_NEC    equ 42h                ; 7 result bytes
B_RATE   equ 8Bh                ; bits 7:6 data rate sent last
B_STATE  equ 90h                ; per drive: 7:6 rate, 5 double step, 4 established, 2:0 kind
B_TRACK  equ 94h                ; per drive: cylinder in steps

FDC_DOR  equ 3F2h
FDC_MSR  equ 3F4h
FDC_DATA equ 3F5h
FDC_CCR  equ 3F7h               ; read: DIR, bit 7 disk change

FD_TICKS equ 37                 ; 2 s
FS_EST   equ 10h
FS_DSTEP equ 20h

; ---------------------------------------------------------------------------------------------------------------------
; parameter tables: 11 bytes of INT 1Eh, then last cylinder, rate, CMOS type the table is for
; ---------------------------------------------------------------------------------------------------------------------
DPT_SIZE equ 14
fd_tables:
.t360:  db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 39, 80h, 1
.t1200: db 0DFh, 02h, 25h, 2, 15, 1Bh, 0FFh, 54h, 0F6h, 0Fh, 08h, 79, 00h, 2
.t720:  db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 79, 80h, 3
.t1440: db 0AFh, 02h, 25h, 2, 18, 1Bh, 0FFh, 6Ch, 0F6h, 0Fh, 08h, 79, 00h, 4
.t2880: db 0AFh, 02h, 25h, 2, 36, 1Bh, 0FFh, 53h, 0F6h, 0Fh, 08h, 79, 0C0h, 5
; other media of the larger drives
        db 0DFh, 02h, 25h, 2, 9, 23h, 0FFh, 50h, 0F6h, 0Fh, 08h, 39, 60h, 2
        db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 79, 80h, 4
        db 0DFh, 02h, 25h, 2, 9, 2Ah, 0FFh, 50h, 0F6h, 0Fh, 08h, 79, 80h, 5
        db 0AFh, 02h, 25h, 2, 18, 1Bh, 0FFh, 6Ch, 0F6h, 0Fh, 08h, 79, 00h, 5
fd_tables_end:

; data rates to try, by CMOS type, 0FFh ends; rate << 6
fd_rates:
        dw .r360, .r1200, .r360, .r1440, .r2880
.r360:  db 80h, 0FFh
.r1200: db 00h, 40h, 80h, 0FFh
.r1440: db 00h, 80h, 40h, 0FFh
.r2880: db 0C0h, 00h, 80h, 0FFh

; ---------------------------------------------------------------------------------------------------------------------
; IRQ 6
; ---------------------------------------------------------------------------------------------------------------------
int0e_entry:
        push ax
        push ds
        mov ax, 40h
        mov ds, ax
        or byte [B_RECAL], 80h
        mov al, 20h
        out 20h, al
        mov ax, 9101h                   ; diskette: operation complete
        int 15h
        pop ds
        pop ax
        iret

; ---------------------------------------------------------------------------------------------------------------------
; entry
; ---------------------------------------------------------------------------------------------------------------------
int40_entry:
        sti
        cld
        FRAME_IN
        mov al, [bp+R_DL]
        mov [bp+F_DRIVE], al
        call fd_type
        mov [bp+F_TYPE], al
        mov bx, 40h
        mov ds, bx
        mov bl, [bp+R_AH]
        cmp bl, 18h
        ja fd_bad
        xor bh, bh
        shl bx, 1
        jmp [cs:fd_functions+bx]

fd_functions:
        dw fd_reset, fd_status, fd_read, fd_write, fd_verify, fd_format, fd_bad, fd_bad
        dw fd_params, fd_bad, fd_bad, fd_bad, fd_bad, fd_bad, fd_bad, fd_bad
        dw fd_bad, fd_bad, fd_bad, fd_bad, fd_bad, fd_dasd, fd_change, fd_setdasd
        dw fd_setmedia

fd_bad: mov ah, E_PARAM
; AH = status: into the caller's AH, 40:41 and CF; the motor runs on for the time of the table.
fd_ret: mov [B_FSTAT], ah
        mov [bp+R_AH], ah
        call fd_table
        mov al, [es:di+2]
        mov [B_MCOUNT], al
        test byte [bp+R_AH], 0FFh
        jz fd_cf0
        or byte [bp+R_FLAGS], 1
        jmp ret_frame
fd_ok:  xor ah, ah
        jmp fd_ret
fd_cf0: jmp ret_cf0

; AL = CMOS type of drive AL, 0 when there is none. Changes BX.
fd_type:
        mov bl, al
        xor al, al
        cmp bl, 1
        ja .end
        xor bh, bh
        push ds
        push bx
        xor bx, bx
        mov ds, bx
        mov ds, [40Eh]
        pop bx
        mov al, [bx+D_FDTYPE]
        pop ds
.end:   ret

; ES:DI = the diskette parameter table of INT 1Eh.
fd_table:
        push ds
        xor di, di
        mov ds, di
        les di, [1Eh*4]
        pop ds
        ret

; ---------------------------------------------------------------------------------------------------------------------
; 00h, 01h, 08h, 15h
; ---------------------------------------------------------------------------------------------------------------------
fd_reset:
        call fdc_reset
        jmp fd_ret

fd_status:
        mov ah, [B_FSTAT]
        mov [bp+R_AL], ah
        mov [bp+R_AH], ah
        test ah, ah
        jz fd_cf0
        or byte [bp+R_FLAGS], 1
        jmp ret_frame

fd_params:
        xor ax, ax
        mov [bp+R_AX], ax
        mov [bp+R_BX], ax
        mov [bp+R_CX], ax
        mov [bp+R_DX], ax
        mov al, [B_EQUIP]               ; bit 0 any, 7:6 number less one
        test al, 1
        jz .count
        mov cl, 6
        shr al, cl
        inc ax
        mov [bp+R_DL], al
.count: mov al, [bp+F_TYPE]
        test al, al
        jz .none
        mov [bp+R_BL], al
        call fd_native
        mov al, [cs:di+4]
        mov [bp+R_CL], al
        mov al, [cs:di+11]
        mov [bp+R_CH], al
        mov byte [bp+R_DH], 1
        mov [bp+R_DI], di
        mov [bp+R_ES], cs
        jmp ret_cf0
.none:  mov [bp+R_DI], ax
        mov [bp+R_ES], ax
        mov byte [bp+R_AH], E_PARAM
        or byte [bp+R_FLAGS], 1
        jmp ret_frame

; DI = table for the largest medium of CMOS type AL (1-5; more counts as 5).
fd_native:
        cmp al, 5
        jbe .ok
        mov al, 5
.ok:    mov ah, DPT_SIZE
        dec al
        mul ah
        add ax, fd_tables
        mov di, ax
        ret

fd_dasd:
        mov al, [bp+F_TYPE]
        mov ah, 0
        test al, al
        jz .end
        inc ah                          ; 1: no change line
        cmp al, 1
        je .end
        inc ah
.end:   mov [bp+R_AH], ah
        jmp fd_cf0

; 16h
fd_change:
        mov al, [bp+F_TYPE]
        mov ah, E_TIMEOUT
        test al, al
        jz .end
        mov ah, E_CHANGE                ; without a change line nobody knows
        cmp al, 1
        je .end
        call fd_motor
        call fd_line
        mov ah, E_CHANGE
        jnz .end
        xor ah, ah
.end:   jmp fd_ret

; ---------------------------------------------------------------------------------------------------------------------
; 17h, 18h: what is to be formatted
; ---------------------------------------------------------------------------------------------------------------------
fd_setdasd:
        call fd_present
        mov al, [bp+R_AL]
        mov bl, 93h                     ; 1: 320K/360K in a 360K drive
        cmp al, 1
        je .set
        call fd_changed
        jc .ret
        mov bl, 74h                     ; 2: the same in a 1.2M drive
        cmp al, 2
        je .set
        mov bl, 15h                     ; 3: 1.2M
        cmp al, 3
        je .set
        mov bl, 97h                     ; 4: 720K
        cmp al, 4
        jne fd_bad
.set:   call fd_setstate
        jmp fd_ok
.ret:   jmp fd_ret

fd_setstate:
        push bx
        call fd_index
        pop ax
        mov [bx+B_STATE], al
        ret

; BX = drive
fd_index:
        mov bl, [bp+F_DRIVE]
        xor bh, bh
        ret

; Leaves with 01h when the drive is not there.
fd_present:
        cmp byte [bp+F_TYPE], 0
        jne .ok
        pop ax
        jmp fd_bad
.ok:    ret

fd_setmedia:
        call fd_present
        call fd_changed
        jc .ret
        mov al, [bp+R_CL]
        and al, 3Fh
        mov ah, [bp+R_CH]               ; last cylinder
        mov dl, [bp+F_TYPE]
        cmp dl, 5
        jbe .type
        mov dl, 5
.type:  mov di, fd_tables
.next:  cmp dl, [cs:di+13]
        jne .skip
        cmp al, [cs:di+4]
        jne .skip
        cmp ah, [cs:di+11]
        je .found
.skip:  add di, DPT_SIZE
        cmp di, fd_tables_end
        jb .next
        mov ah, E_MEDIA
        jmp fd_ret
.found: mov [bp+R_DI], di
        mov [bp+R_ES], cs
        mov al, [cs:di+12]
        and al, 0C0h
        mov bl, al
        or bl, FS_EST | 7
        cmp dl, 2
        ja .set
        mov bl, 93h                     ; kinds 3 to 5: media of the 5 1/4 inch drives
        jb .set
        mov bl, 15h
        test al, al
        jz .set
        mov bl, 74h
.set:   call fd_setstate
        jmp fd_ok
.ret:   jmp fd_ret

; ---------------------------------------------------------------------------------------------------------------------
; 02h-05h
; ---------------------------------------------------------------------------------------------------------------------
fd_read:
        mov ax, 46E6h                   ; 8237: single, to memory, channel 2; READ DATA with MT, MFM, SK
        jmp short fd_rw
fd_write:
        mov ax, 4AC5h                   ; WRITE DATA with MT, MFM
        jmp short fd_rw
fd_verify:
        mov ax, 42E6h                   ; reads, but the 8237 moves nothing
fd_rw:  mov cl, [bp+R_AL]
        mov byte [bp+R_AL], 0
        mov [bp+F_DMA], ah
        mov [bp+F_CMD], al
        call fd_present
        test cl, cl
        jz fd_bad
        mov dl, cl                      ; DL = sectors
        mov ax, [bp+R_BX]               ; where the transfer stands is kept in the frame ...
        mov [bp+F_BX], ax
        mov ax, [bp+R_CX]
        mov [bp+F_CX], ax
        mov ax, [bp+R_DX]
        mov [bp+F_DX], ax
.more:  call fd_piece
        jnc .whole
        push ax
        call fd_count
        add [bp+R_AL], al
        mov bl, al
        pop ax
        call fd_onward
        jnc .more
        jmp short .end
.whole: add [bp+R_AL], dl
        xor ah, ah
.end:   mov bx, [bp+F_BX]               ; ... and the caller gets its registers back
        mov [bp+R_BX], bx
        mov bx, [bp+F_CX]
        mov [bp+R_CX], bx
        mov bx, [bp+F_DX]
        mov [bp+R_DX], bx
        jmp fd_ret

; Transfer of DL sectors. CF: AH = status. Preserves DX.
fd_piece:
        call fd_begin
        jc .early
        call fd_changed
        jc .early
        call fd_sense
        jc .early
        call fd_layout                  ; F_N, F_EOT
        mov al, dl
        xor ah, ah
        mov cl, [bp+F_N]
        add cl, 7
        shl ax, cl
        dec ax
        mov [bp+F_LEN], ax
        call fd_dma
        jc .early
        call fd_seek
        jc .early
; With an EOT that is only assumed, a call past it first asks the track whether it goes on.
        call fd_longer
        mov al, [bp+F_CMD]
        call fd_transfer
        jnc .ret
        cmp byte [bp+F_RATE], 0
        je .fail
        cmp ah, E_NOTFND
        jne .fail
        mov al, [bp+F_RATE]             ; it does not
        mov [bp+F_EOT], al
        call fd_dma
        jc .early
        mov al, [bp+F_CMD]
        jmp fd_transfer
.early: call fd_nothing
.fail:  stc
.ret:   ret

; Result bytes that say that nothing was moved. Preserves AX.
fd_nothing:
        push ax
        mov byte [B_NEC+1], 0
        mov ax, [bp+R_CX]
        mov [B_NEC+3], ah
        mov [B_NEC+5], al
        mov al, [bp+R_DH]
        mov [B_NEC+4], al
        pop ax
        ret

; After error AH with BL of DL sectors moved: CF = 0 and the frame at the next cylinder when the controller stopped at the end of
; this one, else AH as it was. Only with the table in ROM: a program that brings its own says with EOT where its transfers end, and gets 04h.
fd_onward:
        cmp ah, E_NOTFND
        jne .no
        test byte [B_NEC+1], 80h        ; EN
        jz .no
        test bl, bl
        jz .no
        cmp bl, dl
        jae .no
        call fd_table
        call fd_default
        jne .no
        sub dl, bl
        mov al, bl
        xor ah, ah
        mov cl, [bp+F_N]
        add cl, 7
        shl ax, cl
        add [bp+R_BX], ax
        inc byte [bp+R_CH]
        mov byte [bp+R_DH], 0
        and byte [bp+R_CL], 0C0h
        or byte [bp+R_CL], 1
        clc
        ret
.no:    stc
        ret

fd_format:
        call fd_present
        call fd_begin
        jc .ret
        call fd_changed
        jc .ret
        call fd_index
        test byte [bx+B_STATE], FS_EST
        jnz .known
        mov al, [bp+F_TYPE]             ; nobody said what: the largest medium of the drive
        call fd_native
        mov al, [cs:di+12]
        or al, FS_EST | 7
        mov [bx+B_STATE], al
.known: mov byte [bp+F_DMA], 4Ah
        call fd_table
        mov al, [es:di+4]
        xor ah, ah
        shl ax, 1
        shl ax, 1
        dec ax
        mov [bp+F_LEN], ax
        call fd_dma
        jc .ret
        call fd_spin
        call fd_rate
        call fd_seek
        jc .ret
        and byte [B_RECAL], 7Fh
        mov al, 4Dh                     ; FORMAT TRACK, MFM
        call fdc_out
        jc .ret
        call fdc_unit
        jc .ret
        call fd_table
        mov al, [es:di+3]
        call fdc_out
        jc .ret
        mov al, [es:di+4]
        call fdc_out
        jc .ret
        mov al, [es:di+7]
        call fdc_out
        jc .ret
        mov al, [es:di+8]
        call fdc_out
        jc .ret
        call fdc_finish
.ret:   jmp fd_ret

; Motor on, controller awake; bit 7 of 40:3F for the writing functions. CF: AH = status.
fd_begin:
        call fd_motor
        and byte [B_MOTOR], 7Fh
        test byte [bp+R_AH], 1          ; 03h, 05h
        jz .end
        or byte [B_MOTOR], 80h
.end:   clc
        ret

; Sector size and EOT for this call. Preserves DX.
fd_layout:
        call fd_table
        mov al, [es:di+3]
        and al, 7
        mov [bp+F_N], al
        mov al, [es:di+4]
        call fd_default
        jne .own
        call fd_index
        mov ah, [bx+B_STATE]
        and ah, 0C0h
        mov al, 36
        cmp ah, 0C0h
        je .own
        mov al, 9
        test ah, ah
        jnz .own
        mov al, 15
        cmp byte [bp+F_TYPE], 2
        je .own
        mov al, 18
.own:   mov ah, [bp+R_CL]
        and ah, 3Fh
        cmp ah, al                      ; a first sector past EOT is read for itself
        jbe .set
        mov al, ah
        add al, dl
        dec al
.set:   mov [bp+F_EOT], al
        ret

; ZF = 1 while ES:DI is the table in ROM.
fd_default:
        push ax
        cmp di, diskette_table
        jne .end
        mov ax, cs
        push bx
        mov bx, es
        cmp ax, bx
        pop bx
.end:   pop ax
        ret

; F_EOT to the last sector of the call when that lies past it and the table is the ROM's; F_RATE = the former F_EOT, or 0.
; Changes AL, DI, ES.
fd_longer:
        mov byte [bp+F_RATE], 0
        call fd_table
        call fd_default
        jne .no
        mov al, [bp+R_CL]
        and al, 3Fh
        add al, dl
        dec al
        cmp al, [bp+F_EOT]
        jbe .no
        xchg al, [bp+F_EOT]
        mov [bp+F_RATE], al
.no:    ret

; AL = sectors moved before the error, from the result bytes. At the end of a cylinder they name sector 1 of the next.
fd_count:
        mov al, [B_NEC+5]               ; R
        mov ah, [bp+R_CL]
        and ax, 3F3Fh
        sub al, ah
        mov ah, [B_NEC+4]
        cmp ah, [bp+R_DH]
        jne .next
        mov ah, [B_NEC+3]
        cmp ah, [bp+R_CH]
        je .end
        add al, [bp+F_EOT]              ; from head 0 over both, or from head 1 to the end
        test byte [bp+R_DH], 1
        jnz .end
.next:  add al, [bp+F_EOT]
.end:   cmp al, dl
        jbe .ok
        xor al, al                      ; result bytes that do not speak of this transfer
.ok:    ret

; AL = command; the nine bytes, the wait, the result. CF: AH = status. Preserves DX.
fd_transfer:
        push dx
        call fd_nothing
        and byte [B_RECAL], 7Fh
        call fdc_out
        jc .end
        call fdc_unit
        jc .end
        mov al, [bp+R_CH]
        call fdc_out
        jc .end
        mov al, [bp+R_DH]
        call fdc_out
        jc .end
        mov al, [bp+R_CL]
        and al, 3Fh
        call fdc_out
        jc .end
        mov al, [bp+F_N]
        call fdc_out
        jc .end
        mov al, [bp+F_EOT]
        call fdc_out
        jc .end
        call fd_table
        mov al, [es:di+5]
        call fdc_out
        jc .end
        mov al, [es:di+6]
        call fdc_out
        jc .end
        call fdc_finish
.end:   pop dx
        ret

; ---------------------------------------------------------------------------------------------------------------------
; POST
; ---------------------------------------------------------------------------------------------------------------------
; Drive types from CMOS 10h; 40:10, 40:8F, 40:90; the controller reset. DS = EBDA.
floppy_init:
        mov al, 90h
        call cmos_read
        mov ah, al
        mov cl, 4
        shr al, cl
        and ah, 0Fh
        mov [D_FDTYPE], al
        mov [D_FDTYPE+1], ah
        push ds
        mov bx, 40h
        mov ds, bx
        mov byte [B_RECAL], 0
        mov byte [B_MOTOR], 0
        mov byte [B_MCOUNT], 0
        mov byte [B_FSTAT], 0
        mov byte [B_RATE], 0
        mov word [B_STATE], 0
        mov word [B_STATE+2], 0
        mov word [B_TRACK], 0
        mov bl, [B_EQUIP]
        and bl, 3Eh
        test al, al
        jz .b
        or bl, 01h
        test ah, ah
        jz .b
        or bl, 41h
.b:     mov [B_EQUIP], bl
        push ax
        call .cap                       ; 40:8F: what the drives are capable of
        xchg al, ah
        call .cap
        mov cl, 4
        shl al, cl
        or al, ah
        mov [8Fh], al
        pop ax
        or al, ah
        jz .end
        in al, 21h                      ; IRQ 6 on
        and al, 0BFh
        out 21h, al
        mov byte [bp+F_DRIVE], 0
        call fdc_reset
.end:   pop ds
        ret
.cap:   cmp al, 1                       ; bit 0: 80 cylinders, 1: several rates, 2: known
        jb .c0
        je .c1
        cmp al, 3
        je .c3
        mov al, 07h
        ret
.c3:    mov al, 05h
        ret
.c1:    mov al, 04h
.c0:    ret

%include "fdmedia.asm"
%include "fdc.asm"
