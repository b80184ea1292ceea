; El Torito: start of a CD-ROM, emulation of a diskette or disk, INT 13h 4Ah-4Dh.
;
; Phoenix/IBM "El Torito" Bootable CD-ROM Format Specification 1.0: 2 "Boot record volume descriptor", "Booting catalog",
; 4 "INT 13h", figures 2 to 8.
;
; While a diskette is emulated it is drive 00h and the real drive A answers as 01h; an emulated disk is drive 80h and real disks
; move up by one. Emulated media are read-only.

ET_BUF equ 7C00h                ; 0000:7C00: 2048 bytes for descriptor and catalogue, before an image is loaded

; ---------------------------------------------------------------------------------------------------------------------
; INT 13h while a CD-ROM is started: AH = function, DL = drive, DS = EBDA. Comes back, with DL shifted, for other drives.
; ---------------------------------------------------------------------------------------------------------------------
et_claims:
        cmp ah, 4Bh
        jne .type
        cmp dl, 7Fh                     ; end of all emulations
        je .fn
.type:  mov al, [ET_PKT+1]
        and al, 0Fh
        jz .ret                         ; no emulation: the number is the drive's own
        cmp dl, [ET_DRIVE]
        je .emulated
        cmp al, 4
        je .disk
        cmp dl, 1
        jne .ret
        FRAME_OUT                       ; drive B is the real A
        dec dx
        cmp ah, 08h
        je .count
        int 40h
        inc dx                          ; INC leaves CF
        jmp int13_flags
.count: int 40h
        inc dx                          ; the number of drives with the emulated one
        jmp int13_flags
.disk:  cmp dl, 80h
        jbe .ret
        cmp dl, 0E0h
        jae .ret
        dec dl
.ret:   ret
.emulated:
        cmp ah, 4Ah
        jb .old
        cmp ah, 4Dh
        ja .bad
.fn:    mov si, [ET_UNIT]
        jmp et_functions
.old:   cmp ah, 16h
        ja .bad
        mov bl, ah
        xor bh, bh
        shl bx, 1
        mov si, [ET_UNIT]
        jmp [cs:et_table+bx]
.bad:   jmp hd_bad

et_table:
        dw ret_ok, hd_status, et_read, et_wprot, et_verify, et_wprot, hd_bad, hd_bad
        dw et_params, ret_ok, hd_bad, hd_bad, ret_ok, ret_ok, hd_bad, hd_bad
        dw ret_ok, ret_ok, hd_bad, hd_bad, ret_ok, et_dasd, ret_ok

et_wprot:
        mov ah, E_WPROT
        jmp ret_status

et_verify:
et_read:
        mov cl, [bp+R_AL]
        mov byte [bp+R_AL], 0
        xor ch, ch
        mov [bp+Q_LEFT], cx
        mov ah, E_PARAM
        dec cx
        cmp cx, 127
        ja .out
        mov ah, [bp+R_CL]
        mov cl, 6
        shr ah, cl
        mov al, [bp+R_CH]
        cmp ax, [ET_CYLS]
        jae .past
        mul word [ET_HEADS]
        mov bl, [bp+R_DH]
        xor bh, bh
        cmp bx, [ET_HEADS]
        jae .past
        add ax, bx
        adc dx, 0
        mov bx, dx
        mul word [ET_SPT]
        xchg ax, bx
        mov di, dx
        mul word [ET_SPT]
        add ax, di
        mov cl, [bp+R_CL]
        and cx, 3Fh
        jz .past
        cmp cx, [ET_SPT]
        ja .past
        dec cx
        add bx, cx
        adc ax, 0                       ; AX:BX = sector of the image
        mov cx, [bp+R_BX]
        mov [bp+Q_OFF], cx
        mov cx, [bp+R_ES]
        mov [bp+Q_SEG], cx
        cmp byte [bp+R_AH], 04h
        je .verify
        call et_image
        call cd_read
        mov al, [bp+Q_DONE]
        mov [bp+R_AL], al
.out:   jmp ret_status
.verify:
        mov al, [bp+Q_LEFT]
        mov [bp+R_AL], al
        call cd_ready
        jc .out
        jmp ret_ok
.past:  mov ah, E_NOTFND
        jmp ret_status

; AX:BX = 512-byte sector of the image -> Q_LBA, Q_SUB.
et_image:
        mov cx, bx
        and cx, 3
        mov [bp+Q_SUB], cx
        shr ax, 1
        rcr bx, 1
        shr ax, 1
        rcr bx, 1
        add bx, [ET_PKT+4]
        adc ax, [ET_PKT+6]
        mov [bp+Q_LBA], bx
        mov [bp+Q_LBA+2], ax
        mov word [bp+Q_LBA+4], 0
        mov word [bp+Q_LBA+6], 0
        ret

; 08h
et_params:
        mov ax, [ET_CYLS]
        dec ax
        mov [bp+R_CH], al
        mov cl, 6
        shl ah, cl
        or ah, [ET_SPT]
        mov [bp+R_CL], ah
        mov al, [ET_HEADS]
        dec al
        mov [bp+R_DH], al
        mov byte [bp+R_AL], 0
        mov al, [ET_PKT+1]
        and al, 0Fh
        cmp al, 4
        je .disk
        xor bh, bh
        mov bl, al
        mov al, [cs:bx+et_types]
        mov [bp+R_BX], ax
        mov byte [bp+R_BH], 0
        call fd_native
        mov [bp+R_DI], di
        mov [bp+R_ES], cs
        xor ax, ax
        mov ds, ax
        mov al, [410h]
        mov cl, 6
        shr al, cl
        inc ax
        mov [bp+R_DL], al
        jmp ret_ok
.disk:  xor ax, ax
        mov ds, ax
        mov al, [475h]
        mov [bp+R_DL], al
        jmp ret_ok
et_types:
        db 0, 2, 4, 5                   ; CMOS type by media type

; 15h
et_dasd:
        mov byte [bp+R_AL], 0
        mov byte [bp+R_AH], 1           ; diskette without change line
        cmp byte [ET_DRIVE], 0
        je .end
        mov byte [bp+R_AH], 3
        mov ax, [ET_TOTAL+2]
        mov [bp+R_CX], ax
        mov ax, [ET_TOTAL]
        mov [bp+R_DX], ax
.end:   jmp ret_cf0

; ---------------------------------------------------------------------------------------------------------------------
; 4Ah-4Dh: SI = unit of the CD-ROM
; ---------------------------------------------------------------------------------------------------------------------
et_functions:
        mov ah, [bp+R_AH]
        cmp ah, 4Bh
        je et_end
        cmp ah, 4Dh
        je et_catalogue
; 4Ah, 4Ch: the packet at DS:SI of the caller says what to start.
        call et_stop
        mov [ET_UNIT], si
        push ds
        pop es
        mov di, ET_PKT
        push si
        push ds
        mov si, [bp+R_SI]
        mov ds, [bp+R_DS]
        mov cx, 13h
        rep movsb
        pop ds
        pop si
        call et_load
        jc .out
        cmp byte [bp+R_AH], 4Ch
        jne .out
        jmp et_jump
.out:   jmp ret_status

; 4Bh: AL = 0 ends the emulation, 1 only tells. The packet goes to DS:SI of the caller.
et_end: cmp byte [ET_ACTIVE], 0
        mov ah, E_PARAM
        je .out
        push ds
        mov es, [bp+R_DS]
        mov di, [bp+R_SI]
        mov si, ET_PKT
        mov cx, 13h
        rep movsb
        pop ds
        mov ah, 0
        cmp byte [bp+R_AL], 1
        je .out
        call et_stop
        mov ah, 0
.out:   jmp ret_status

; The emulation ends: equipment and number of disks as before.
et_stop:
        cmp byte [ET_ACTIVE], 2
        jne .end
        mov ax, [ET_EQUIP]
        mov bl, [ET_HDS]
        push ds
        xor cx, cx
        mov ds, cx
        mov [410h], al
        mov [475h], bl
        pop ds
.end:   mov byte [ET_ACTIVE], 0
        ret

; 4Dh: packet of 8 bytes at DS:SI: number of sectors, buffer, first sector of the catalogue.
et_catalogue:
        cmp byte [ET_ACTIVE], 0
        mov ah, E_PARAM
        je .out
        mov es, [bp+R_DS]
        mov di, [bp+R_SI]
        mov al, [es:di+1]
        xor ah, ah
        shl ax, 1
        shl ax, 1
        mov [bp+Q_LEFT], ax
        mov ax, [es:di+2]
        mov [bp+Q_OFF], ax
        mov ax, [es:di+4]
        mov [bp+Q_SEG], ax
        mov ax, [es:di+6]
        mov bx, [ET_CATLBA+2]
        add ax, [ET_CATLBA]
        adc bx, 0
        mov [bp+Q_LBA], ax
        mov [bp+Q_LBA+2], bx
        mov word [bp+Q_LBA+4], 0
        mov word [bp+Q_LBA+6], 0
        mov word [bp+Q_SUB], 0
        call cd_read
.out:   jmp ret_status

; ---------------------------------------------------------------------------------------------------------------------
; start of a CD-ROM
; ---------------------------------------------------------------------------------------------------------------------
; SI = unit, DS = EBDA, a frame at BP. Comes back with AL = BR_* when the medium does not start, AH = INT 13h status.
et_boot:
        mov [ET_UNIT], si
        call cd_ready
        jnc .ready
        mov al, BR_NOCD
        cmp ah, E_NOMEDIA
        je .fail
        mov al, BR_READ
.fail:  ret
.ready: call et_session                 ; DX:AX = first block of the last session
        push ax
        push dx
        call et_descriptor
        pop dx
        pop bx
        jnc .record
        or bx, dx
        jz .fail
        xor ax, ax                      ; not in the last session: the first
        xor dx, dx
        call et_descriptor
        jc .fail
.record:
        mov ax, [es:ET_BUF+47h]
        mov dx, [es:ET_BUF+49h]
        mov [ET_CATLBA], ax
        mov [ET_CATLBA+2], dx
        call et_block
        mov al, BR_READ
        jc .fail
        mov bx, ET_BUF
        mov al, BR_CATALOG
        cmp byte [es:bx], 1             ; validation entry
        jne .fail
        cmp word [es:bx+1Eh], 0AA55h
        jne .fail
        push ax
        xor ax, ax
        mov cx, 16
.sum:   add ax, [es:bx]
        inc bx
        inc bx
        loop .sum
        test ax, ax
        pop ax
        jnz .fail
        cmp byte [es:ET_BUF+1], 0       ; platform 80x86
        jne .sections
        cmp byte [es:bx], 88h           ; initial/default entry
        je .entry
; Section headers (90h, 91h the last) for our platform with a bootable entry.
.sections:
        add bx, 20h
.header:
        cmp bx, ET_BUF + 2048
        jae .no
        mov al, [es:bx]
        mov dl, al
        and al, 0FEh
        cmp al, 90h
        jne .no
        mov dh, [es:bx+1]
        mov cx, [es:bx+2]
        add bx, 20h
        jcxz .last
.item:  cmp bx, ET_BUF + 2048
        jae .no
        cmp byte [es:bx], 44h           ; selection criteria go on: not an entry
        je .ext
        test dh, dh
        jnz .skip
        cmp byte [es:bx], 88h
        je .entry
.skip:  add bx, 20h
        loop .item
.last:  cmp dl, 91h
        jne .header
.no:    mov al, BR_NOENTRY
        stc
        ret
.ext:   add bx, 20h
        jmp .item
; ES:BX = the entry: fill the specification packet.
.entry: mov word [ET_PKT], 13h
        mov al, [es:bx+1]
        and al, 0Fh
        cmp al, 4
        ja .no
        mov [ET_PKT+1], al
        mov ah, [si+U_NUM]
        test al, al
        jz .drive
        mov ah, 80h
        cmp al, 4
        je .drive
        mov ah, 0
.drive: mov [ET_PKT+2], ah
        mov al, [si+U_IRQ]              ; controller index
        sub al, 14
        mov [ET_PKT+3], al
        mov ax, [es:bx+8]
        mov [ET_PKT+4], ax
        mov ax, [es:bx+10]
        mov [ET_PKT+6], ax
        xor ax, ax
        test byte [si+U_DEV], 10h
        jz .dev
        inc ax                          ; bit 0: slave
.dev:   mov [ET_PKT+8], ax
        mov word [ET_PKT+0Ah], 0
        mov ax, [es:bx+2]
        mov [ET_PKT+0Ch], ax
        mov ax, [es:bx+6]
        mov [ET_PKT+0Eh], ax
        mov word [ET_PKT+10h], 0
        mov byte [ET_PKT+12h], 0
        call et_load
        jnc et_jump
        mov al, BR_READ
        cmp ah, E_BOUND
        jne .end
        mov al, BR_NOFIT
.end:   stc
        ret

; DX:AX = first block of the last session, 0 when the drive does not say. READ TOC, format 1 (session information).
et_session:
        mov al, 43h
        call cd_packet
        mov byte [bp+Q_PKT+2], 01h
        mov byte [bp+Q_PKT+8], 12
        mov byte [bp+Q_PKT+9], 40h      ; the same format as SFF-8020i codes it
        mov word [bp+Q_WANT], 6
        mov word [bp+Q_OFF], D_SCRATCH
        mov [bp+Q_SEG], ds
        call cd_command
        jc .none
        mov dx, [D_SCRATCH+8]
        mov ax, [D_SCRATCH+10]
        xchg dl, dh
        xchg al, ah
        ret
.none:  xor ax, ax
        xor dx, dx
        ret

; Block DX:AX to 0000:7C00. ES = 0. CF: AH = status.
et_block:
        mov [bp+Q_LBA], ax
        mov [bp+Q_LBA+2], dx
        xor ax, ax
        mov [bp+Q_LBA+4], ax
        mov [bp+Q_LBA+6], ax
        mov [bp+Q_SUB], ax
        mov [bp+Q_SEG], ax
        mov word [bp+Q_OFF], ET_BUF
        mov word [bp+Q_LEFT], 4
        call cd_read
        mov bx, 0
        mov es, bx
        ret

; The boot record descriptor of the session at DX:AX, in block 17. CF: AL = reason.
et_descriptor:
        add ax, 17
        adc dx, 0
        call et_block
        mov al, BR_READ
        jc .end
        push si
        mov si, et_magic
        mov di, ET_BUF
        mov cx, 7
        call .compare
        jne .no
        mov cx, 24
        call .compare
        jne .no
        pop si
        clc
.end:   ret
.no:    pop si
        mov al, BR_NOTBOOT
        stc
        ret
.compare:
        mov al, [cs:si]
        inc si
        scasb
        jne .c1
        loop .compare
        xor al, al
.c1:    ret
et_magic:
        db 0, 'CD001', 1, 'EL TORITO SPECIFICATION', 0

; Load what ET_PKT describes, and begin its emulation. CF: AH = status, 09h when it does not fit below the EBDA.
et_load:
        mov ax, [ET_PKT+0Ch]
        test ax, ax
        jnz .seg
        mov ax, 7C0h
        mov [ET_PKT+0Ch], ax
.seg:   mov [bp+Q_SEG], ax
        mov word [bp+Q_OFF], 0
        mov bx, [ET_PKT+0Eh]
        test bx, bx
        jnz .count
        mov bx, 1                       ; emulation: the boot sector
        test byte [ET_PKT+1], 0Fh
        jnz .put
        mov bl, 4                       ; else one block
.put:   mov [ET_PKT+0Eh], bx
.count: mov [bp+Q_LEFT], bx
        mov cx, ds                      ; end of memory: the EBDA
        sub cx, ax
        jb .nofit
        mov dx, bx
        dec dx
        cmp dx, 800h                    ; 1 MiB in sectors: no overflow below
        jae .nofit
        inc dx
        push cx
        mov cl, 5
        shl dx, cl                      ; paragraphs
        pop cx
        cmp dx, cx
        ja .nofit
        xor ax, ax
        xor bx, bx
        call et_image
        call cd_read
        jc .end
        mov byte [ET_ACTIVE], 1
        mov al, [ET_PKT+2]
        mov [ET_DRIVE], al
        mov al, [ET_PKT+1]
        and al, 0Fh
        jz .ok
        call et_geometry
        mov byte [ET_ACTIVE], 2
        push ds
        xor ax, ax
        mov ds, ax
        mov ax, [410h]
        mov bl, [475h]
        pop ds
        mov [ET_EQUIP], ax
        mov [ET_HDS], bl
        cmp byte [ET_DRIVE], 80h
        je .disk
        mov bl, al                      ; one diskette drive more
        and bl, 3Eh
        test al, 01h
        mov bh, 01h
        jz .equip
        and al, 0C0h
        add al, 40h
        jnc .more
        mov al, 0C0h
.more:  or bh, al
.equip: or bl, bh
        push ds
        xor ax, ax
        mov ds, ax
        mov [410h], bl
        pop ds
        jmp short .ok
.disk:  push ds
        xor ax, ax
        mov ds, ax
        inc byte [475h]
        pop ds
.ok:    xor ah, ah
.end:   ret
.nofit: mov ah, E_BOUND
        stc
        ret

; Geometry of the image, by media type AL; a disk's from the end of its first partition.
et_geometry:
        mov word [ET_HEADS], 2
        mov word [ET_CYLS], 80
        mov word [ET_SPT], 15
        cmp al, 2
        jb .set
        mov word [ET_SPT], 18
        je .set
        mov word [ET_SPT], 36
        cmp al, 3
        je .set
        mov es, [ET_PKT+0Ch]
        mov al, [es:1BEh+5]             ; last head
        xor ah, ah
        inc ax
        mov [ET_HEADS], ax
        mov ax, [es:1BEh+6]             ; last sector and cylinder
        mov bl, al
        and bx, 3Fh
        jnz .spt
        mov bl, 63                      ; no partition: the most that CHS reaches
        mov word [ET_HEADS], 255
        mov ax, 0FFFFh
.spt:   mov [ET_SPT], bx
        mov cl, 6
        shr al, cl
        xchg al, ah
        inc ax
        mov [ET_CYLS], ax
.set:   mov ax, [ET_CYLS]
        dec ax
        mov [ET_PKT+10h], al
        mov cl, 6
        shl ah, cl
        or ah, [ET_SPT]
        mov [ET_PKT+11h], ah
        mov al, [ET_HEADS]
        dec al
        mov [ET_PKT+12h], al
        mov ax, [ET_CYLS]
        mul word [ET_HEADS]
        mov bx, dx
        mul word [ET_SPT]
        mov [ET_TOTAL], ax
        mov [ET_TOTAL+2], dx
        mov ax, bx
        mul word [ET_SPT]
        add [ET_TOTAL+2], ax
        ret

; To the loaded image. 07C0:0000 is entered as 0000:7C00.
et_jump:
        mov dl, [ET_DRIVE]
        mov ax, [ET_PKT+0Ch]
        mov bx, ax
        and ax, 0F000h
        mov cl, 4
        shl bx, cl
        jmp boot_jump
