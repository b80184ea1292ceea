; INT 13h extensions, 41h-49h and 4Eh, for disks (80h and up) and CD-ROM drives (E0h and up).
;
; Phoenix Enhanced Disk Drive Specification 3.0; T13/1572D "BIOS Enhanced Disk Drive Services - 3" for the 4Ah-byte result.
;
; SI = unit, DS = EBDA.
;
; *Not modelled:* 64-bit buffer addresses at or above 1 MiB (01h).

edd_dispatch:
        mov bx, edd_table
        jmp short edd_go
cd_dispatch:
        mov bx, cd_table
        cmp ah, 41h
        jae edd_go
        cmp ah, 00h
        je cd_reset
        cmp ah, 01h
        je hd_status
        cmp ah, 0Dh
        je cd_reset
        cmp ah, 10h
        je cd_tur
        cmp ah, 15h
        je cd_dasd
        jmp hd_bad
edd_go: sub ah, 41h
        jb edd_bad
        cmp ah, 4Eh - 41h
        ja edd_bad
        mov al, ah
        xor ah, ah
        shl ax, 1
        add bx, ax
        jmp [cs:bx]
edd_bad:
        jmp hd_bad

edd_table:
        dw edd_check, edd_read, edd_write, edd_verify, edd_lock, edd_eject, edd_seek, edd_params
        dw edd_change, hd_bad, hd_bad, hd_bad, hd_bad, edd_config
cd_table:
        dw edd_check, cd_xread, cd_xwrite, cd_xverify, edd_lock, edd_eject, cd_xseek, edd_params
        dw edd_change, et_functions, et_functions, et_functions, et_functions, edd_config

cd_reset:
        call ata_reset_packet
        jmp ret_ok
cd_tur: call cd_ready
        jmp ret_status
cd_dasd:
        mov byte [bp+R_AH], 0           ; not a disk of the old functions
        jmp ret_cf0

; DEVICE RESET concerns the one device; a software reset would reach the disk beside it.
ata_reset_packet:
        xor al, al
        call ata_select
        jc .end
        mov al, 08h
        call ata_command
        mov cx, 90
        call ata_notbusy
.end:   jmp ata_release

; 41h
edd_check:
        cmp word [bp+R_BX], 55AAh
        jne edd_bad
        mov word [bp+R_BX], 0AA55h
        mov word [bp+R_CX], 7           ; extended access, lock and eject, EDD
        mov byte [bp+R_AL], 0
        mov byte [bp+R_AH], 30h         ; 3.0
        jmp ret_cf0

; The packet of the caller into the request. ES:DI = packet. CF: AH = status.
edd_packet:
        mov es, [bp+R_DS]
        mov di, [bp+R_SI]
        cmp byte [es:di], 10h
        jb .bad
        mov ax, [es:di+2]
        mov [bp+Q_LEFT], ax
        mov ax, [es:di+8]
        mov [bp+Q_LBA], ax
        mov ax, [es:di+10]
        mov [bp+Q_LBA+2], ax
        mov ax, [es:di+12]
        mov [bp+Q_LBA+4], ax
        mov ax, [es:di+14]
        mov [bp+Q_LBA+6], ax
        mov word [bp+Q_DONE], 0
        mov word [bp+Q_SUB], 0
        mov ax, [es:di+4]
        mov [bp+Q_OFF], ax
        mov bx, [es:di+6]
        mov [bp+Q_SEG], bx
        and ax, bx
        inc ax
        jnz .ok
        cmp byte [es:di], 18h           ; FFFF:FFFF: the flat address follows
        jb .ok
        mov ax, [es:di+18]
        test ax, 0FFF0h
        jnz .bad
        or ax, ax
        mov bx, [es:di+20]
        or bx, [es:di+22]
        jnz .bad
        mov cl, 12
        shl ax, cl                      ; bits 19:16 to the top of the segment
        mov [bp+Q_SEG], ax
        mov ax, [es:di+16]
        mov bx, ax
        and bx, 0Fh
        mov [bp+Q_OFF], bx
        mov cl, 4
        shr ax, cl
        or [bp+Q_SEG], ax
.ok:    clc
        ret
.bad:   mov ah, E_PARAM
        stc
        ret

; AH = status: sectors done into the packet on an error, then out. SI may hold anything but the packet is the caller's.
edd_done:
        test ah, ah
        jz .out
        mov es, [bp+R_DS]
        mov di, [bp+R_SI]
        mov bx, [bp+Q_DONE]
        mov [es:di+2], bx
.out:   jmp ret_status

edd_read:
        mov byte [bp+Q_OP], OP_READ
        jmp short edd_rw
edd_verify:
        mov byte [bp+Q_OP], OP_VERIFY
edd_rw: call edd_packet
        jc .bad
        call ata_transfer
        jmp edd_done
.bad:   jmp ret_status

edd_write:
        cmp byte [bp+R_AL], 2
        ja edd_bad
        mov byte [bp+Q_OP], OP_WRITE
        call edd_packet
        jc .bad
        call ata_transfer
        test ah, ah
        jnz .done
        cmp byte [bp+R_AL], 2           ; with verify
        jne .done
        call edd_packet
        mov byte [bp+Q_OP], OP_VERIFY
        call ata_transfer
.done:  jmp edd_done
.bad:   jmp ret_status

edd_seek:
        call edd_packet
        jc .bad
        call ata_seek
.bad:   jmp ret_status

; CD-ROM: blocks of 2048 bytes
cd_xread:
        call edd_packet
        jc .bad
        mov ax, [bp+Q_LEFT]
        cmp ax, 4000h
        jae edd_bad
        shl ax, 1
        shl ax, 1
        mov [bp+Q_LEFT], ax
        call cd_read
        shr word [bp+Q_DONE], 1
        shr word [bp+Q_DONE], 1
        jmp edd_done
.bad:   jmp ret_status

cd_xwrite:
        mov ah, E_WPROT
        jmp ret_status

; 44h, 47h: the blocks exist and the medium is there.
cd_xverify:
cd_xseek:
        call edd_packet
        jc .bad
        push word [bp+Q_LEFT]
        call cd_capacity
        pop cx
        jc .bad
        mov bx, [bp+Q_LBA+4]
        or bx, [bp+Q_LBA+6]
        jnz .past
        cmp byte [bp+R_AH], 47h
        jne .count
        mov cx, 1
.count: add cx, [bp+Q_LBA]
        mov bx, [bp+Q_LBA+2]
        adc bx, 0
        jc .past
        sub ax, cx
        sbb dx, bx
        jc .past
        xor ah, ah
        jmp short .bad
.past:  mov ah, E_NOTFND
.bad:   jmp ret_status

; 45h: AL = 0 lock, 1 unlock, 2 status in AL. Locks nest.
edd_lock:
        mov al, [bp+R_AL]
        cmp al, 2
        ja edd_bad
        je .status
        test byte [si+U_FLAGS], UF_REMOV
        jz .fixed
        test al, al
        jnz .unlock
        cmp byte [si+U_LOCK], 0FFh
        mov ah, E_LOCKCNT
        je .out
        mov al, 1
        call .device
        jc .out
        inc byte [si+U_LOCK]
        jmp short .status
.unlock:
        cmp byte [si+U_LOCK], 0
        mov ah, 0B0h                    ; not locked
        je .out
        cmp byte [si+U_LOCK], 1
        ja .less
        mov al, 0
        call .device
        jc .out
.less:  dec byte [si+U_LOCK]
.status:
        mov al, [si+U_LOCK]
        test al, al
        jz .set
        mov al, 1
.set:   mov [bp+R_AL], al
.fixed: xor ah, ah
.out:   jmp ret_status
.device:
        cmp byte [si+U_TYPE], 2
        je cd_prevent
        clc                             ; a removable ATA disk: the count alone
        ret

; 46h
edd_eject:
        test byte [si+U_FLAGS], UF_REMOV
        mov ah, E_NOTREM
        jz .out
        cmp byte [si+U_LOCK], 0
        mov ah, E_LOCKED
        jne .out
        cmp byte [si+U_TYPE], 2
        je .packet
        mov byte [bp+Q_CMD], 0EDh       ; MEDIA EJECT
        call ata_simple
        jmp short .out
.packet:
        call cd_eject
.out:   jmp ret_status

; 49h
edd_change:
        cmp byte [si+U_TYPE], 2
        jne .same
        mov al, 00h
        call cd_packet
        call cd_command
        jnc .same
        cmp byte [si+U_KEY], 6
        jne .same
        mov ah, E_CHANGE
        jmp ret_status
.same:  jmp ret_ok

; 4Eh: this firmware moves data by PIO without prefetch, which is what these settings say.
edd_config:
        mov al, [bp+R_AL]
        cmp al, 1                       ; no prefetch
        je .ok
        cmp al, 3                       ; PIO mode 0
        je .ok
        cmp al, 4                       ; default PIO mode
        je .ok
        cmp al, 6                       ; no DMA
        jne edd_bad
.ok:    mov byte [bp+R_AL], 0           ; other devices not affected
        jmp ret_ok

; 48h: result of 1Ah, 1Eh, 42h or 4Ah bytes, by the size the caller has room for.
edd_params:
        mov es, [bp+R_DS]
        mov di, [bp+R_SI]
        mov dx, [es:di]
        cmp dx, 1Ah
        jb edd_bad
        mov cx, 1Ah
        cmp dx, 1Eh
        jb .size
        mov cx, 1Eh
        cmp dx, 42h
        jb .size
        mov cx, 42h
        cmp dx, 4Ah
        jb .size
        mov cx, 4Ah
.size:  mov dx, cx                      ; DX = size of the result
        mov ax, cx
        stosw
        dec cx
        dec cx
        push di
        xor al, al
        rep stosb
        pop di
        cmp byte [si+U_TYPE], 2
        je .cd
        mov ax, 0003h                   ; DMA boundaries handled, geometry valid
        test byte [si+U_FLAGS], UF_REMOV
        jz .fix
        or al, 34h
.fix:   mov bx, [si+U_PHD]
        mov cx, [si+U_PSPT]
        push dx
        push ax
        mov ax, [si+U_SECT+4]
        or ax, [si+U_SECT+6]
        jnz .big
        mov ax, 16383                   ; geometry holds up to 16383 cylinders
        mul bx
        push dx
        mul cx
        mov [bp+Q_LBA], ax
        mov [bp+Q_LBA+2], dx
        pop ax
        mul cx
        add [bp+Q_LBA+2], ax
        mov ax, [bp+Q_LBA]
        sub ax, [si+U_SECT]
        mov ax, [bp+Q_LBA+2]
        sbb ax, [si+U_SECT+2]
        jc .big
        pop ax
        stosw
        mov ax, [si+U_PCYL]
        stosw
        xor ax, ax
        stosw
        jmp short .heads
.big:   pop ax
        and al, 0FDh
        stosw
        mov ax, 16383
        stosw
        xor ax, ax
        stosw
.heads: pop dx
        mov ax, bx
        stosw
        xor ax, ax
        stosw
        mov ax, cx
        stosw
        xor ax, ax
        stosw
        lea bx, [si+U_SECT]
        mov cx, 4
.total: mov ax, [bx]
        inc bx
        inc bx
        stosw
        loop .total
        mov ax, 512
        stosw
        jmp short .dpte
.cd:    mov ax, 0075h                   ; DMA, removable, change line, lock, CHS without medium
        stosw
        mov ax, 0FFFFh                  ; no geometry; size of the medium as it is
        mov cx, 6
        rep stosw
        push dx
        push di
        push es
        call cd_capacity
        pop es
        pop di
        jnc .known
        mov ax, 0FFFFh
        mov dx, ax
        mov bx, ax
        jmp short .cdsize
.known: xor bx, bx
.cdsize:
        stosw
        mov ax, dx
        stosw
        mov ax, bx
        stosw
        stosw
        mov ax, 2048
        stosw
        pop dx
.dpte:  cmp dx, 1Eh
        jb .end
        call edd_dpte
        mov ax, D_DPTE
        stosw
        mov ax, ds
        stosw
        cmp dx, 42h
        jb .end
        call edd_path
.end:   jmp ret_ok

; Device parameter table extension. EDD 3.0, table 5. Changes AX, BX, CX.
edd_dpte:
        mov ax, [si+U_IO]
        mov [D_DPTE], ax
        mov ax, [si+U_CTL]
        mov [D_DPTE+2], ax
        mov al, [si+U_DEV]
        test byte [si+U_FLAGS], UF_LBA
        jz .dev
        or al, 40h
.dev:   mov [D_DPTE+4], al
        mov byte [D_DPTE+5], 0CBh       ; which firmware: no meaning to others
        mov al, [si+U_IRQ]
        mov [D_DPTE+6], al
        mov al, [si+U_MULT]
        mov [D_DPTE+7], al
        mov word [D_DPTE+8], 0          ; no DMA, PIO mode 0
        xor ax, ax
        test byte [si+U_FLAGS], UF_LBA
        jz .lba
        or al, 10h
.lba:   cmp byte [si+U_MULT], 1
        jbe .mult
        or al, 04h
.mult:  test byte [si+U_FLAGS], UF_XLATE
        jz .xlate
        or al, 08h
        test byte [si+U_FLAGS], UF_LBA
        jz .xlate
        or ah, 02h                      ; LBA assisted
.xlate: test byte [si+U_FLAGS], UF_REMOV
        jz .remov
        or al, 20h
.remov: cmp byte [si+U_TYPE], 2
        jne .ata
        or al, 40h
.ata:   mov [D_DPTE+10], ax
        mov word [D_DPTE+12], 0
        mov byte [D_DPTE+14], 11h
        xor al, al
        mov bx, D_DPTE
        mov cx, 15
.sum:   add al, [bx]
        inc bx
        loop .sum
        neg al
        mov [bx], al
        ret

; Device path at ES:DI (byte 1Eh of the result): DX = 42h with a path of 8 bytes, 4Ah with one of 16.
edd_path:
        push di
        mov ax, 0BEDDh
        stosw
        mov al, dl
        sub al, 1Eh
        stosb
        add di, 3
        cmp word [D_IDEBDF], 0FFFFh
        je .isa
        mov bx, edd_pci
        mov cx, 4
        call .text
        call .iface
        mov ax, [D_IDEBDF]              ; bus, device, function
        mov cx, ax
        mov al, ah
        stosb
        mov al, cl
        shr al, 1
        shr al, 1
        shr al, 1
        stosb
        mov al, cl
        and al, 7
        stosb
        mov al, [si+U_IRQ]              ; channel
        sub al, 14
        stosb
        add di, 4
        jmp short .device
.isa:   mov bx, edd_isa
        mov cx, 4
        call .text
        call .iface
        mov ax, [si+U_IO]
        stosw
        add di, 6
.device:
        xor al, al
        test byte [si+U_DEV], 10h
        jz .dev
        inc ax
.dev:   stosb
        pop bx
        mov di, bx
        mov cl, dl
        sub cl, 1Eh + 1
        xor ch, ch
        xor al, al
.sum:   add al, [es:bx]
        inc bx
        loop .sum
        neg al
        mov [es:bx], al
        ret
.iface: mov bx, edd_ata
        mov cx, 8
        cmp byte [si+U_TYPE], 2
        jne .text
        mov bx, edd_atapi
.text:  mov al, [cs:bx]
        inc bx
        stosb
        loop .text
        ret

edd_pci:   db 'PCI '
edd_isa:   db 'ISA '
edd_ata:   db 'ATA     '
edd_atapi: db 'ATAPI   '
