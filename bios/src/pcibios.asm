; INT 1Ah AH=B1h and its 32-bit form: PCI BIOS 2.1; the BIOS32 service directory.
;
; Documents: PCI Special Interest Group, PCI BIOS Specification 2.1, "PCI BIOS Functions"; Phoenix, Standard BIOS 32-bit Service
; Directory Proposal 0.4. Configuration mechanism 1.
;
; One text serves 16 and 32 bits. It reads nothing but its own segment, into which POST writes what it found.

; How many buses there are less one; FFh without PCI. POST patches it.
pci_last_bus:   db 0xff

; %1 the name, %2 the address register of this mode (di or edi). AL: function. Returns AH and CF; keeps the rest.
%macro PCI_CORE 2
%1:
        cmp al, 0x01
        je .present
        cmp al, 0x02
        je .find_device
        cmp al, 0x03
        je .find_class
        cmp al, 0x06
        je .special
        cmp al, 0x08
        jb .unsupported
        cmp al, 0x0d
        jbe .config
        cmp al, 0x0e
        je .options
        cmp al, 0x0f
        je .set_irq
.unsupported:
        mov ah, 0x81
        stc
        ret
.good:  mov ah, 0
        clc
        ret

.present:
        mov al, 0x11                    ; mechanism 1 with special cycles
        mov bx, 0x0210
        push esi
        call .base
        mov cl, [cs:esi + pci_last_bus]
        pop esi
        mov edx, 'PCI '
        clc
        mov ah, 0
        ret

; CX device, DX vendor, SI which.
.find_device:
        cmp dx, 0xffff
        mov ah, 0x83                    ; bad vendor
        stc
        je .return
        push ecx
        push ebp
        push edi
        mov ebp, ecx
        shl ebp, 16
        mov bp, dx
        xor edi, edi                    ; register 0, all bits
        mov ecx, 0xffffffff
        jmp .find
; ECX class, SI which.
.find_class:
        push ecx
        push ebp
        push edi
        mov ebp, ecx
        shl ebp, 8
        mov edi, 8
        mov ecx, 0xffffff00
; The SI-th function whose register DI equals EBP in the bits of ECX: BX.
.find:  push eax
        push edx
        push esi
        push ebx
        push esi
        call .base
        movzx eax, byte [cs:esi + pci_last_bus]
        pop esi
        shl eax, 16                     ; the last bus rides in the upper half of EDI
        or edi, eax
        xor ebx, ebx
.next:  push edi
        xor edi, edi
        call .read
        pop edi
        cmp ax, 0xffff
        je .absent
        call .read
        xor eax, ebp
        test eax, ecx
        jnz .other
        dec si
        js .hit
.other: test bl, 7
        jnz .step
        push edi
        mov edi, 0x0c                   ; header type in byte 2
        call .read
        pop edi
        test eax, 0x800000
        jnz .step
        or bl, 7                        ; one function only
        jmp .step
.absent:
        test bl, 7
        jnz .step
        or bl, 7                        ; no function 0: no device
.step:  add bx, 1
        jc .miss
        mov eax, edi
        shr eax, 16
        cmp bh, al
        jbe .next
.miss:  pop ebx
        pop esi
        pop edx
        pop eax
        pop edi
        pop ebp
        pop ecx
        mov ah, 0x86                    ; not found
        stc
        ret
.hit:   pop eax
        mov ax, bx
        mov ebx, eax
        pop esi
        pop edx
        pop eax
        pop edi
        pop ebp
        pop ecx
        jmp .good

; ESI: what to add to this segment's labels for offsets in CS, whose base in 32 bits is the caller's choice.
.base:
%if __BITS__ == 32
        call .here
.here:  pop esi
        sub esi, .here
%else
        xor esi, esi
%endif
        ret

; EAX: register DI of function BX. Changes DX.
.read:  call .address
        in eax, dx
        ret
; Points the configuration address at register DI of function BX; DX is the data port of its byte.
.address:
        movzx eax, bx
        shl eax, 8
        or eax, 0x80000000
        mov dx, di
        mov al, dl
        and al, 0xfc
        mov dx, 0xcf8
        out dx, eax
        mov dx, di
        and dx, 3
        or dx, 0xcfc
        ret

; BH bus, EDX the message.
.special:
        push eax
        push edx
        push ebx
        push edi
        mov bl, 0xff                    ; device 31, function 7, register 0
        xor edi, edi
        push edx
        call .address
        pop eax
        out dx, eax
        pop edi
        pop ebx
        pop edx
        pop eax
        jmp .good

; AL: 08h to 0Dh: read or write CL, CX or ECX at register DI.
.config:
        cmp di, 0x100
        jae .bad_register
        push edx
        push eax
        mov ah, al
        and al, 3                       ; 8, 9, A, B, C, D: 0, 1, 2, 3, 0, 1
        cmp ah, 0x0a
        jbe .width
        inc al
        and al, 3                       ; writes: 0, 1, 2
.width: cmp al, 1
        jb .aligned
        je .word
        test di, 3
        jnz .misaligned
.word:  test di, 1
        jnz .misaligned
.aligned:
        push eax
        call .address
        pop eax
        cmp ah, 0x0b
        jae .write
        cmp al, 1
        je .read16
        ja .read32
        in al, dx
        mov cl, al
        jmp .configured
.read16:
        in ax, dx
        mov cx, ax
        jmp .configured
.read32:
        in eax, dx
        mov ecx, eax
.configured:
        pop eax
        pop edx
        jmp .good
.write: cmp al, 1
        je .write16
        ja .write32
        mov al, cl
        out dx, al
        jmp .configured
.write16:
        mov ax, cx
        out dx, ax
        jmp .configured
.write32:
        mov eax, ecx
        out dx, eax
        jmp .configured
.misaligned:
        pop eax
        pop edx
.bad_register:
        mov ah, 0x87
        stc
        ret

; ES:DI: word length of a buffer, pointer to it. BX becomes the IRQs that PCI alone uses: none.
.options:
        cmp word [es:%2], PIR_SLOTS * 16
        mov word [es:%2], PIR_SLOTS * 16
        jb .small
        push ds
        push esi
        push edi
        push ecx
        push eax
        mov eax, [es:%2 + 2]
%if __BITS__ == 32
        mov cx, [es:%2 + 6]
        push es
        mov es, cx
        mov edi, eax
%else
        push es
        mov di, ax
        shr eax, 16
        mov es, ax
%endif
        call .base
        add esi, pir_slots
        mov ecx, PIR_SLOTS * 16
.copy:  mov al, [cs:esi]
%if __BITS__ == 32
        mov [es:edi], al
        inc edi
%else
        mov [es:di], al
        inc di
%endif
        inc esi
        dec ecx
        jnz .copy
        pop es
        pop eax
        pop ecx
        pop edi
        pop esi
        pop ds
        xor bx, bx
        jmp .good
.small: mov ah, 0x89
        stc
        ret

; BX a function, CL pin (0Ah to 0Dh), CH the IRQ: routes the link of that pin there.
.set_irq:
        push eax
        push ebx
        push edx
        push edi
        push ecx
        cmp bh, 0
        jne .refuse
        sub cl, 0x0a
        cmp cl, 3
        ja .refuse
        cmp ch, 15
        ja .refuse
        push ecx
        mov cl, ch
        mov ax, 0xdef8                  ; what PIRQRC can route to
        shr ax, cl
        pop ecx
        test al, 1
        jz .refuse
        mov al, bl
        shr al, 3
        add al, cl
        dec al
        and ax, 3                       ; PIRQ A to D
        movzx edi, ax
        add di, 0x60
        mov bx, 0x0008                  ; the PIIX3
        call .address
        mov al, ch
        out dx, al
        movzx ax, ch                    ; PCI interrupts are levels: ELCR
        mov dx, 0x4d0
        cmp al, 8
        jb .master
        inc dx
        sub al, 8
.master:
        mov cl, al
        mov ah, 1
        shl ah, cl
        in al, dx
        or al, ah
        out dx, al
        pop ecx
        pop edi
        pop edx
        pop ebx
        pop eax
        jmp .good
.refuse:
        pop ecx
        pop edi
        pop edx
        pop ebx
        pop eax
        mov ah, 0x88
        stc
.return:
        ret
%endmacro

int1a_pci:
        cmp byte [cs:pci_last_bus], 0xff
        je .none
        cpu 386
        push edi
        movzx edi, di
        call pci_core16
        pop edi
        cpu 8086
        jc .fail
        cmp al, 0x11
        jne .done
        cmp bx, 0x0210
        jne .done
        cpu 386
        mov edi, 0xf0000 + pci_entry32  ; "PCI BIOS present" also tells where the 32-bit form is
        cpu 8086
.done:  jmp memory_ok
.none:  mov ah, 0x81
.fail:  jmp memory_fail

        cpu 386
PCI_CORE pci_core16, edi
        bits 32
pci_entry32:
        pushfd
        cli
        call pci_core32
        jc .fail
        popfd
        clc
        retf
.fail:  popfd
        stc
        retf
PCI_CORE pci_core32, edi

; EAX: a service's name, EBX = 0. Returns AL, EBX base, ECX length, EDX entry.
bios32_entry:
        cmp bl, 0
        jne .function
        cmp eax, '$PCI'
        jne .service
        mov ebx, 0xf0000
        mov ecx, 0x10000
        mov edx, pci_entry32
        mov al, 0
        retf
.function:
        mov al, 0x81
        retf
.service:
        mov al, 0x80
        retf
        bits 16
        cpu 8086

; The tables that programs look for on 16-byte boundaries. POST writes signatures and sums where there is PCI.
        align 16, db 0
bios32_header:
        dd 0                            ; "_32_"
        dd 0xf0000 + bios32_entry
        db 0, 1, 0, 0, 0, 0, 0, 0

; "PCI IRQ Routing Table Specification", Microsoft: every device of bus 0, its four pins rotated over the PIIX3's PIRQs.
PIR_SLOTS       equ 31
PIR_SIZE        equ 32 + PIR_SLOTS * 16
PIR_IRQS        equ 1 << 5 | 1 << 10 | 1 << 11
        align 16, db 0
pir_header:
        dd 0                            ; "$PIR"
        dw 0x0100, PIR_SIZE
        db 0, 1 << 3                    ; router: bus 0, device 1
        dw 0                            ; IRQs for PCI alone
        dw 0x8086, 0x7000               ; its kind: PIIX3
        dd 0
        times 11 db 0
        db 0                            ; sum
pir_slots:
%assign dev 1
%rep PIR_SLOTS
        db 0, dev << 3
%assign pin 0
%rep 4
        db 0x60 + ((dev + pin - 1) & 3)
        dw PIR_IRQS
%assign pin pin + 1
%endrep
%if dev == 1
        db 0, 0                         ; on the board
%else
        db dev - 1, 0
%endif
%assign dev dev + 1
%endrep
