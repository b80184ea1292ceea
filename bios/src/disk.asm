; INT 13h: dispatch, fixed disks by cylinder, head and sector, and the search for drives at POST.
;
; IBM PC/AT Technical Reference, "BIOS: Fixed Disk", "Diskette"; Ralf Brown's Interrupt List, INT 13h; Phoenix Enhanced Disk
; Drive Specification 3.0, section 2 (LBA-assisted translation); El Torito 1.0, chapter 5 for the shift of drive numbers.
;
; A service enters with FRAME_IN: the caller's registers lie at SS:BP, the request below them, so that services nest. DS is
; the EBDA, whose segment is read from 40:0E at every call because option ROMs may move it; SI is the unit. Handlers leave
; through ret_status or its companions, from any depth of the stack. 8086 instructions only.
;
; *Not modelled:* fixed disk format (05h-07h): ATA devices are formatted at the factory; answered with 01h.

%include "disk.inc"

; ---------------------------------------------------------------------------------------------------------------------
; entry
; ---------------------------------------------------------------------------------------------------------------------
int13_entry:
        sti
        cld
        FRAME_IN
        call disk_ds
        mov ah, [bp+R_AH]
        cmp byte [ET_ACTIVE], 0
        je .real
        call et_claims                  ; does not come back when the call is for the emulated drive
.real:  test dl, dl
        js int13_fixed
; Diskettes go through INT 40h, which disk caches hook.
        FRAME_OUT
        int 40h
int13_flags:                            ; CF into the caller's flags
        push bp
        mov bp, sp
        jc .c
        and byte [bp+6], 0FEh
        pop bp
        iret
.c:     or byte [bp+6], 1
        pop bp
        iret

int13_fixed:
        mov bl, dl                      ; DL: the drive number, less what the emulation shifted
        sub bl, 80h
        xor bh, bh
        cmp bl, [D_HDS]
        jae .cd
        shl bx, 1
        mov si, [bx+D_HDMAP]
        mov bl, ah
        cmp ah, 19h
        ja .edd
        xor bh, bh
        shl bx, 1
        jmp [cs:hd_table+bx]
.edd:   jmp edd_dispatch
.cd:    sub bl, 60h                     ; E0h and up
        jb .none
        cmp bl, [D_CDS]
        jae .none
        shl bx, 1
        mov si, [bx+D_CDMAP]
        jmp cd_dispatch
.none:  cmp ah, 15h
        je .none15
        cmp ah, 08h
        je .none08
        mov ah, E_PARAM
        jmp ret_status
.none15:
        mov word [bp+R_AX], 0
        mov word [bp+R_CX], 0
        mov word [bp+R_DX], 0
        jmp ret_cf0
.none08:
        mov byte [bp+R_AL], 0
        mov word [bp+R_CX], 0
        mov word [bp+R_DX], 0
        mov ah, 07h                     ; drive parameter activity failed
        jmp ret_status

hd_table:
        dw hd_reset, hd_status, hd_read, hd_write, hd_verify, hd_bad, hd_bad, hd_bad
        dw hd_params, hd_init, hd_readlong, hd_writelong, hd_seek, hd_altreset, hd_bad, hd_bad
        dw hd_ready, hd_recal, hd_bad, hd_bad, hd_diag, hd_dasd, hd_bad, hd_bad
        dw hd_bad, hd_park

; DS = EBDA, DL = the caller's drive number. Changes AX.
disk_ds:
        xor ax, ax
        mov ds, ax
        mov ds, [40Eh]
        mov dl, [bp+R_DL]
        ret

; ---------------------------------------------------------------------------------------------------------------------
; exits
; ---------------------------------------------------------------------------------------------------------------------
; AH = status: into the caller's AH, 40:74 and CF.
hd_bad:
        mov ah, E_PARAM
        jmp short ret_status
ret_ok: xor ah, ah
ret_status:
        mov [bp+R_AH], ah
        push ax
        xor ax, ax
        mov ds, ax
        pop ax
        mov [474h], ah
        test ah, ah
        jz ret_cf0
        or byte [bp+R_FLAGS], 1
        jmp short ret_frame
ret_cf0:
        and byte [bp+R_FLAGS], 0FEh
ret_frame:
        FRAME_OUT
        iret

; ---------------------------------------------------------------------------------------------------------------------
; fixed disk functions 00h-19h: SI = unit, DS = EBDA
; ---------------------------------------------------------------------------------------------------------------------
hd_reset:
        cmp byte [D_FDTYPE], 0          ; as on the AT, both controllers
        je hd_altreset
        mov ah, 0
        mov dl, 0
        int 40h
hd_altreset:
        call ata_reset
        jc .bad
        call ata_configure
        jmp ret_ok
.bad:   mov ah, 05h                     ; reset failed
        jmp ret_status

hd_status:
        xor ax, ax
        mov ds, ax
        mov ah, [474h]
        mov [bp+R_AL], ah
        mov byte [474h], 0
        mov [bp+R_AH], ah
        test ah, ah
        jz ret_cf0
        or byte [bp+R_FLAGS], 1
        jmp ret_frame

hd_verify:
        mov al, OP_VERIFY
        jmp short hd_rw
hd_write:
        mov al, OP_WRITE
        jmp short hd_rw
hd_read:
        mov al, OP_READ
hd_rw:  mov [bp+Q_OP], al
        mov al, [bp+R_AL]
        mov byte [bp+R_AL], 0
        test al, al
        jz .param
        cmp al, 128
        ja .param
        xor ah, ah
        mov [bp+Q_LEFT], ax
        call hd_chs
        jc .status
        mov ax, [bp+R_BX]
        mov [bp+Q_OFF], ax
        mov ax, [bp+R_ES]
        mov [bp+Q_SEG], ax
        call ata_transfer
        mov al, [bp+Q_DONE]
        mov [bp+R_AL], al
.status:
        jmp ret_status
.param: mov ah, E_PARAM
        jmp ret_status

; CHS of the caller -> Q_LBA. CF and AH = status when outside the geometry.
hd_chs: call hd_cyl                     ; AX = cylinder
        cmp ax, [si+U_LCYL]
        jae .bad
        mov cl, [bp+R_CL]
        and cx, 3Fh
        jz .bad
        cmp cx, [si+U_LSPT]
        ja .bad
        mov bl, [bp+R_DH]
        xor bh, bh
        cmp bx, [si+U_LHD]
        jae .bad
        mul word [si+U_LHD]
        add ax, bx
        adc dx, 0
        mov bx, dx
        mul word [si+U_LSPT]
        xchg ax, bx
        mov di, dx
        mul word [si+U_LSPT]
        add ax, di
        dec cx
        add bx, cx
        adc ax, 0
        mov [bp+Q_LBA], bx
        mov [bp+Q_LBA+2], ax
        xor ax, ax
        mov [bp+Q_LBA+4], ax
        mov [bp+Q_LBA+6], ax
        ret
.bad:   mov ah, E_NOTFND
        stc
        ret

hd_cyl: mov ah, [bp+R_CL]
        mov cl, 6
        shr ah, cl
        mov al, [bp+R_CH]
        ret

; 08h. The last cylinder counts: what 15h keeps back for diagnosis is not kept back here.
hd_params:
        mov ax, [si+U_LCYL]
        dec ax
        mov [bp+R_CH], al
        mov cl, 6
        shl ah, cl
        or ah, [si+U_LSPT]
        mov [bp+R_CL], ah
        mov al, [si+U_LHD]
        dec al
        mov [bp+R_DH], al
        xor ax, ax
        mov [bp+R_AL], al
        mov ds, ax
        mov al, [475h]
        mov [bp+R_DL], al
        jmp ret_ok

hd_init:
        call ata_configure
        jmp ret_ok

hd_readlong:
        mov byte [bp+Q_CMD], 22h
        mov al, OP_READ
        jmp short hd_long
hd_writelong:
        mov byte [bp+Q_CMD], 32h
        mov al, OP_WRITE
hd_long:
        mov [bp+Q_OP], al
        mov al, [bp+R_AL]
        mov byte [bp+R_AL], 0
        dec al
        cmp al, 127                     ; 1-127: a 128th would not fit with its ECC bytes
        jae .param
        inc al
        xor ah, ah
        mov [bp+Q_LEFT], ax
        call hd_chs
        jc .status
        mov ax, [bp+R_BX]
        mov [bp+Q_OFF], ax
        mov ax, [bp+R_ES]
        mov [bp+Q_SEG], ax
        call ata_long
        mov al, [bp+Q_DONE]
        mov [bp+R_AL], al
.status:
        jmp ret_status
.param: mov ah, E_PARAM
        jmp ret_status

; 0Ch. The sector part of CL does not matter.
hd_seek:
        mov al, [bp+R_CL]
        push ax
        and al, 0C0h
        inc ax
        mov [bp+R_CL], al
        call hd_chs
        pop cx
        mov [bp+R_CL], cl
        jc hd_seek_bad
        call ata_seek
        jmp ret_status
hd_seek_bad:
        mov ah, E_SEEK
        jmp ret_status

hd_ready:
        call ata_ready
        jmp ret_status

hd_recal:
        mov byte [bp+Q_CMD], 10h
        call ata_simple
        jmp ret_ok                      ; obsolete since ATA-4: an aborted command is no failure

hd_diag:
        call ata_diagnose
        jmp ret_status

; 15h: AH = 3, CX:DX = sectors.
hd_dasd:
        mov ax, [si+U_LCYL]
        dec ax                          ; the AT keeps one cylinder for diagnosis
        mul word [si+U_LHD]
        mov bx, dx
        mul word [si+U_LSPT]
        xchg ax, bx
        mov cx, dx
        mul word [si+U_LSPT]
        add ax, cx
        mov [bp+R_CX], ax
        mov [bp+R_DX], bx
        mov byte [bp+R_AH], 3
        mov byte [bp+R_AL], 0
        jmp ret_cf0

hd_park:
        mov ax, [si+U_SECT]             ; seek to the last sector
        mov dx, [si+U_SECT+2]
        sub ax, 1
        sbb dx, 0
        mov [bp+Q_LBA], ax
        mov [bp+Q_LBA+2], dx
        mov ax, [si+U_SECT+4]
        sbb ax, 0
        mov [bp+Q_LBA+4], ax
        mov word [bp+Q_LBA+6], 0
        call ata_seek
        jmp ret_ok

; ---------------------------------------------------------------------------------------------------------------------
; time: a limit in timer ticks that also ends when a guest has taken the timer away
; ---------------------------------------------------------------------------------------------------------------------
; CX = limit in ticks (55 ms). Preserves every register.
wait_begin:
        push ax
        push ds
        xor ax, ax
        mov ds, ax
        mov [bp+Q_SPIN], ax
        mov [bp+Q_SPIN+2], ax
        mov ax, [46Ch]
        mov [bp+Q_LAST], ax
        mov [bp+Q_TICKS], cx
        pop ds
        pop ax
        ret

; CF = 1 when the limit is over. Preserves every register.
wait_more:
        push ax
        push ds
        xor ax, ax
        mov ds, ax
        mov ax, [46Ch]
        pop ds
        cmp ax, [bp+Q_LAST]
        je .same
        mov [bp+Q_LAST], ax
        mov word [bp+Q_SPIN+2], 0
        sub word [bp+Q_TICKS], 1
        pop ax
        ret
.same:  pop ax
        add word [bp+Q_SPIN], 1
        adc word [bp+Q_SPIN+2], 0
        cmp word [bp+Q_SPIN+2], 20h     ; two million polls without a tick: no timer here
        cmc
        ret

; AL = 1 when the processor may halt until the next interrupt: the timer's reaches it, as it does not when IRQ 0 is masked or a
; handler that has not given its EOI called us. Otherwise the wait polls.
wait_may_halt:
        pushf
        cli
        in al, 21h
        push ax
        mov al, 0Bh                     ; OCW3: read ISR
        out 20h, al
        in al, 20h
        mov ah, al
        mov al, 0Ah                     ; and IRR again, as after a reset
        out 20h, al
        test ah, ah
        pop ax
        jnz .no
        test al, 01h
        jnz .no
        popf
        mov al, 1
        ret
.no:    popf
        mov al, 0
        ret

; Let CX ticks pass. Changes AX.
wait_ticks:
        call wait_begin
        call wait_may_halt
.next:  test al, al
        jz .spin
        sti
        hlt
.spin:  call wait_more
        jnc .next
        ret

; ---------------------------------------------------------------------------------------------------------------------
; POST: find the drives
; ---------------------------------------------------------------------------------------------------------------------
; Called with vectors, PIC and timer at work and interrupts on. Uses 0000:7C00-7DFF. Sets vectors 41h, 46h and 77h. Preserves
; every register.
disk_init:
        pushf
        FRAME_IN
        cld
        xor ax, ax
        mov ds, ax
        mov word [77h*4], int77_entry
        mov [77h*4+2], cs
        mov es, [40Eh]
        mov di, D_CPU
        mov cx, (400h - D_CPU) / 2
        xor ax, ax
        rep stosw
        mov byte [475h], 0
        mov byte [474h], 0
        push es
        pop ds
        mov al, [EBDA_CPU]
        cmp al, 2
        jb .cpu
        dec ax                          ; 80286: bit 0; 80386: bits 0 and 1
        cmp al, 1
        je .cpu
        mov al, 3
.cpu:   mov [D_CPU], al
        call find_ide_pci
        call floppy_init
        call ata_init
        call fixed_tables
        FRAME_OUT
        popf
        ret

; The PCI IDE controller for the interface path of EDD: configuration mechanism 1 of PCI 2.1.
find_ide_pci:
        mov word [D_IDEBDF], 0FFFFh
        test byte [D_CPU], 2
        jz .end
        cpu 386
        push eax
        push ebx
        mov dx, 0CF8h
        in eax, dx
        push eax
        mov eax, 80000000h
        out dx, eax
        in eax, dx
        cmp eax, 80000000h
        jne .none
        xor bx, bx                      ; bus 0, device and function
.next:  movzx eax, bx
        shl eax, 8
        or eax, 80000008h               ; revision and class code
        mov dx, 0CF8h
        out dx, eax
        mov dx, 0CFCh
        in eax, dx
        shr eax, 16
        cmp ax, 0101h                   ; mass storage, IDE
        je .found
        inc bx
        cmp bx, 100h
        jb .next
        jmp .none
.found: mov [D_IDEBDF], bx
.none:  pop eax
        mov dx, 0CF8h
        out dx, eax
        pop ebx
        pop eax
        cpu 8086
.end:   ret

; Number the disks, set 40:75, vectors 41h and 46h, and the CMOS drive types.
fixed_tables:
        push ds
        pop es
        xor bx, bx
        mov bl, [D_HDS]
        push ds
        xor ax, ax
        mov ds, ax
        mov [475h], bl
        mov byte [476h], 08h            ; control byte: as is
        mov byte [477h], 0
        mov ax, es
        mov word [41h*4], D_FDPT
        mov [41h*4+2], ax
        mov word [46h*4], D_FDPT + 16
        mov [46h*4+2], ax
        pop ds
        mov di, D_FDPT
        xor bx, bx
.next:  cmp bl, [D_HDS]
        jae .cmos
        cmp bl, 2
        jae .cmos
        push bx
        shl bx, 1
        mov si, [bx+D_HDMAP]
        call fixed_table
        pop bx
        inc bx
        jmp .next
; CMOS 12h, 19h, 1Ah: type 47 ("user") for what is there, so that systems which trust the CMOS see the same disks.
.cmos:  mov al, 92h
        call cmos_read
        mov ah, al                      ; keep what the board or user entered, if it says the same
        mov bx, 0
        test ah, 0F0h
        jz .c1
        or bl, 1
.c1:    test ah, 0Fh
        jz .c2
        or bl, 2
.c2:    mov cl, [D_HDS]
        mov bh, 0
        test cl, cl
        jz .have
        mov bh, 1
        cmp cl, 1
        je .have
        mov bh, 3
.have:  cmp bl, bh
        je .end
        xor bl, bl
        mov ah, 47
        test bh, 1
        jz .w1
        or bl, 0F0h
        mov al, 99h
        call cmos_write
.w1:    test bh, 2
        jz .w2
        or bl, 0Fh
        mov al, 9Ah
        call cmos_write
.w2:    mov al, 92h
        mov ah, bl
        call cmos_write
        call cmos_sum
.end:   ret

; The 16 bytes at ES:DI for unit SI; DI goes on. Phoenix EDD 3.0, "Fixed disk parameter table": signature A0h when translated.
fixed_table:
        push di
        mov ax, [si+U_LCYL]
        stosw
        mov al, [si+U_LHD]
        stosb
        xor ax, ax
        test byte [si+U_FLAGS], UF_XLATE
        jz .n1
        mov al, 0A0h
        mov ah, [si+U_PSPT]
.n1:    stosw
        mov ax, 0FFFFh                  ; no write precompensation
        stosw
        xor ax, ax
        stosb
        mov al, 0C0h                    ; no retries by the drive
        cmp word [si+U_PHD], 8
        jbe .n2
        or al, 08h
.n2:    stosb
        xor ax, ax
        mov bl, 0
        test byte [si+U_FLAGS], UF_XLATE
        jz .n3
        mov ax, [si+U_PCYL]
        mov bl, [si+U_PHD]
.n3:    stosw
        mov al, bl
        stosb
        mov ax, [si+U_LCYL]             ; landing zone
        stosw
        mov al, [si+U_LSPT]
        stosb
        pop bx
        mov cx, 15
        xor al, al
        push bx
.sum:   add al, [es:bx]
        inc bx
        loop .sum
        pop bx
        test byte [si+U_FLAGS], UF_XLATE
        jz .n4                          ; the checksum belongs to the translated form
        neg al
        mov [es:bx+15], al
.n4:    lea di, [bx+16]
        ret

; Checksum of 10h-2Dh into 2Eh (high), 2Fh.
cmos_sum:
        mov cx, 1Eh
        xor dx, dx
        mov bl, 90h
.next:  mov al, bl
        call cmos_read
        xor ah, ah
        add dx, ax
        inc bx
        loop .next
        mov ah, dh
        mov al, 0AEh
        call cmos_write
        mov ah, dl
        mov al, 0AFh
        jmp cmos_write

; ---------------------------------------------------------------------------------------------------------------------
; IRQ 14 and 15: for programs that give commands of their own; the services here poll
; ---------------------------------------------------------------------------------------------------------------------
int76_entry:
int77_entry:
        push ax
        push ds
        mov ax, 40h
        mov ds, ax
        mov byte [8Eh], 0FFh
        mov al, 20h
        out 0A0h, al
        out 20h, al
        sti
        mov ax, 9100h                   ; fixed disk: operation complete
        int 15h
        pop ds
        pop ax
        iret
