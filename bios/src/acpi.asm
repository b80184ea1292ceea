; ACPI tables at the top of memory: RSDT, FADT, MADT where there is an APIC, DSDT, FACS. The RSDP is in segment F000.
;
; Document: ACPI Specification 1.0b, "ACPI Software Programming Model". Version 1.0 throughout, which every operating system that
; knows ACPI reads. The machine is always in ACPI mode: SMI_CMD is 0, SCI_EN is set.

ACPI_AREA       equ 0x10000             ; reserved at the top of memory
ACPI_FACS       equ 0xf000              ; the FACS alone is written by the operating system: its page is of another type
ACPI_RSDT       equ 0x0000
ACPI_FADT       equ 0x0040
ACPI_MADT       equ 0x0100
ACPI_DSDT       equ 0x1000
; A machine with less memory keeps all of it.
ACPI_LEAST      equ 8 << 20

; Takes the area off the memory that is reported.
acpi_reserve:
        mov ebp, [S_EBDA]
        mov eax, [ebp + EBDA_RAM_TOP]
        cmp eax, ACPI_LEAST
        jb .done
        sub eax, ACPI_AREA
        mov [ebp + EBDA_RAM_TOP], eax
        sub eax, 1 << 20
        shr eax, 10
        mov edx, eax
        cmp edx, 0xfc00
        jbe .kb
        mov edx, 0xfc00
.kb:    mov [ebp + EBDA_EXT_KB], dx
        xor ecx, ecx
        sub eax, 0x3c00
        jbe .low
        mov ecx, eax
        shr ecx, 6
        mov edx, 0x3c00
.low:   cmp dx, 0x3c00
        jb .set
        mov dx, 0x3c00
.set:   mov [ebp + EBDA_EXT_LOW], dx
        mov [ebp + EBDA_EXT_HIGH], cx
.done:  ret

; Makes the tables, where memory was reserved and there is power management to describe.
acpi_setup:
        mov ebp, [S_EBDA]
        mov ebx, [ebp + EBDA_RAM_TOP]
        cmp ebx, [ebp + EBDA_ACPI_TOP]
        je .none
        test byte [ebp + EBDA_FLAGS], HAVE_PM
        jz .none
        or byte [ebp + EBDA_FLAGS], HAVE_ACPI
        mov edi, ebx
        mov ecx, ACPI_AREA / 4
        xor eax, eax
        rep stosd

        lea edi, [ebx + ACPI_FACS]
        mov dword [edi], 'FACS'
        mov dword [edi + 4], 64

        ; DSDT: what POST knows better
        mov eax, [S_HOLE]
        mov [dsdt_hole], eax
        neg eax
        add eax, PCI_MEM_LIMIT
        mov [dsdt_hole_len], eax
        call board_devices              ; bits of AL in the order of the list
        mov dl, 0x0f                    ; _STA: present, enabled, shown, working
        mov edi, .status
.status_next:
        shr al, 1
        setc dh
        neg dh
        and dh, dl
        mov esi, [edi]
        mov [esi], dh
        add edi, 4
        cmp edi, .status_end
        jb .status_next
        mov esi, dsdt
        lea edi, [ebx + ACPI_DSDT]
        mov ecx, dsdt_end - dsdt
        rep movsb
        lea esi, [ebx + ACPI_DSDT]
        call acpi_sum

        mov esi, fadt
        lea edi, [ebx + ACPI_FADT]
        mov ecx, fadt_end - fadt
        rep movsb
        lea esi, [ebx + ACPI_FADT]
        lea eax, [ebx + ACPI_FACS]
        mov [esi + 36], eax
        lea eax, [ebx + ACPI_DSDT]
        mov [esi + 40], eax
        call acpi_sum

        mov esi, rsdt
        lea edi, [ebx + ACPI_RSDT]
        mov ecx, 36
        rep movsb
        lea eax, [ebx + ACPI_FADT]
        stosd
        mov dword [ebx + ACPI_RSDT + 4], 40
        test byte [ebp + EBDA_FLAGS], HAVE_APIC
        jz .rsdt
        lea eax, [ebx + ACPI_MADT]
        stosd
        mov dword [ebx + ACPI_RSDT + 4], 44
        call madt_setup
.rsdt:  lea esi, [ebx + ACPI_RSDT]
        call acpi_sum

        mov edi, FSEG + rsdp
        mov dword [edi], 'RSD '
        mov dword [edi + 4], 'PTR '
        lea eax, [ebx + ACPI_RSDT]
        mov [edi + 16], eax
        mov esi, edi
        mov ecx, 20
        add edi, 8
        call sum_bytes
.none:  ret

acpi_setup.status:
        dd dsdt_mouse, dsdt_com1, dsdt_com2, dsdt_lpt, dsdt_fdc
acpi_setup.status_end:

; Which of the devices that may be missing are there: AL bits 0 pointing device, 1 COM1, 2 COM2, 3 LPT1, 4 diskettes.
board_devices:
        xor edx, edx
        test byte [ebp + EBDA_FLAGS], HAVE_MOUSE
        jz .com
        or dl, 1
.com:   mov esi, 0x400 + BDA_COM
.port:  cmp word [esi], 0x3f8
        jne .com2
        or dl, 2
.com2:  cmp word [esi], 0x2f8
        jne .next
        or dl, 4
.next:  add esi, 2
        cmp esi, 0x400 + BDA_COM + 8
        jb .port
        cmp word [0x400 + BDA_LPT], 0x378
        jne .fdc
        or dl, 8
.fdc:   mov al, 0x90                    ; CMOS 10h: drive types
        out 0x70, al
        in al, 0x71
        test al, al
        jz .done
        or dl, 16
.done:  mov al, dl
        ret

; Takes the Plug and Play nodes of missing devices out of the list and numbers the others.
pnp_setup:
        mov ebp, [S_EBDA]
        call board_devices
        mov esi, FSEG + pnp_optional
        mov edi, esi
        mov ecx, PNP_OPTIONAL
.next:  mov dx, [esi]
        add esi, 2
        shr al, 1
        jnc .missing
        mov [edi], dx
        add edi, 2
.missing:
        loop .next
        sub edi, FSEG + pnp_list
        shr edi, 1
        mov eax, edi
        mov [FSEG + pnp_count], al
.number:
        dec eax
        movzx edx, word [FSEG + pnp_list + eax * 2]
        mov [FSEG + edx + 2], al
        test eax, eax
        jnz .number
        ret

; ESI: a table. Writes its sum.
acpi_sum:
        mov ecx, [esi + 4]
        lea edi, [esi + 9]
        jmp sum_bytes

; MADT: processors, one I/O APIC, and where it differs from the 8259s.
madt_setup:
        mov esi, madt
        lea edi, [ebx + ACPI_MADT]
        mov ecx, madt_end - madt
        rep movsb
        call cpu_count                  ; ECX
        xor eax, eax
.cpu:   mov word [edi], 0x0800
        mov [edi + 2], al               ; processor and APIC number
        mov [edi + 3], al
        mov dword [edi + 4], 1          ; enabled
        add edi, 8
        inc eax
        loop .cpu
        mov word [edi], 0x0c01
        mov [edi + 2], ax               ; the number after the processors'
        mov dword [edi + 4], 0xfec00000
        mov dword [edi + 8], 0
        add edi, 12
        mov esi, madt_overrides
        mov ecx, madt_overrides_end - madt_overrides
        rep movsb
        lea esi, [ebx + ACPI_MADT]
        sub edi, esi
        mov [esi + 4], edi
        jmp acpi_sum

; ECX: how many processors there are, at most 200. CMOS 5Fh.
cpu_count:
        push eax
        mov al, 0xdf
        out 0x70, al
        in al, 0x71
        movzx ecx, al
        inc ecx
        cmp ecx, 200
        jbe .done
        mov ecx, 1
.done:  pop eax
        ret

; Virtual wire mode: the 8259s' interrupt through LINT0, NMI through LINT1. Intel MultiProcessor Specification 1.4, "Virtual Wire
; Mode".
apic_setup:
        mov ebp, [S_EBDA]
        test byte [ebp + EBDA_FLAGS], HAVE_APIC
        jz .done
        mov eax, [0xfee000f0]
        or eax, 0x1ff
        mov [0xfee000f0], eax
        mov dword [0xfee00350], 0x8700
        mov dword [0xfee00360], 0x8400
        call cpu_count
        shl ecx, 24
        mov dword [0xfec00000], 0       ; I/O APIC: its identification
        mov [0xfec00010], ecx
.done:  ret

%macro ACPI_HEADER 3            ; signature, length, revision
        db %1
        dd %2
        db %3, 0, "FERRIT", "FERRITE "
        dd 1
        db "FERR"
        dd 1
%endmacro

rsdt:   ACPI_HEADER "RSDT", 40, 1

fadt:   ACPI_HEADER "FACP", fadt_end - fadt, 1
        dd 0, 0                         ; FACS, DSDT
        db 0, 0                         ; INT_MODEL: two 8259s
        dw SCI_IRQ
        dd 0                            ; SMI_CMD: always in ACPI mode
        db 0, 0, 0, 0
        dd PM_BASE, 0                   ; PM1a and PM1b event
        dd PM_BASE + 4, 0               ; PM1a and PM1b control
        dd 0                            ; PM2 control
        dd PM_BASE + 8                  ; timer
        dd 0, 0                         ; general-purpose events
        db 4, 2, 0, 4, 0, 0, 0, 0       ; lengths of PM1_EVT, PM1_CNT, PM2_CNT, PM_TM, GPE0, GPE1; GPE1 base
        dw 0xffff, 0xffff               ; neither C2 nor C3
        dw 0, 0                         ; flushing: WBINVD
        db 0, 0                         ; duty
        db 0, 0, RTC_CENTURY            ; day and month of the alarm: none; century
        db 0, 0, 0
        dd 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 ; WBINVD, PROC_C1, PWR_BUTTON and SLP_BUTTON (neither exists), FIX_RTC
fadt_end:

madt:   ACPI_HEADER "APIC", 0, 1
        dd 0xfee00000
        dd 1                            ; 8259s too
madt_end:
madt_overrides:
        db 2, 10, 0, 0                  ; the timer is input 2
        dd 2
        dw 0
%macro MADT_LEVEL 1
        db 2, 10, 0, %1                 ; a level, active high at the input
        dd %1
        dw 0x0d
%endmacro
        MADT_LEVEL 5
        MADT_LEVEL SCI_IRQ
        MADT_LEVEL 10
        MADT_LEVEL 11
        db 4, 6, 0xff                   ; NMI: LINT1 of all
        dw 0
        db 1
madt_overrides_end:

%include "dsdt.asm"
