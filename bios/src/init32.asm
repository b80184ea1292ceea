; POST's 32-bit part: what is easier, or only possible, with 32-bit registers and a flat address space.
;
; Documents: Intel 82441FX data sheet (290549), "PAM - Programmable Attribute Map Registers"; Intel AP-485, "Processor
; Identification and the CPUID Instruction"; Intel SDM Vol. 3A, "Memory Type Range Registers (MTRRs)".
;
; The code runs where it was assembled, E0000 and up, but for the part that replaces that memory.

; Variables
S_EBDA          equ SCRATCH + 0x00      ; linear address
S_BUS           equ SCRATCH + 0x04      ; last bus number given
S_IO            equ SCRATCH + 0x08      ; next free I/O port
S_MEM           equ SCRATCH + 0x0c      ; next free address for memory
S_TABLE         equ SCRATCH + 0x10      ; end of the table of base address registers
S_LIST          equ SCRATCH + 0x14      ; end of the list of functions
S_DISPLAY       equ SCRATCH + 0x18      ; the VGA's function, 0 none
S_HOLE          equ SCRATCH + 0x1c      ; where PCI memory begins
S_HOST          equ SCRATCH + 0x20      ; identity of the host bridge
S_STARTED       equ SCRATCH + 0x24      ; processors that set their memory types
MTRR_LIST       equ SCRATCH + 0x600     ; { MSR, low, high }, ended by 0
AP_PAGE         equ 0x5000              ; where the other processors begin
S_PARENT        equ SCRATCH + 0x100     ; the bridge above each bus

ROM_HIGH        equ 0xfff00000          ; what to add to an address of this image for its place below 4 GiB
ROM_COPY        equ 0x10000             ; where 128 KiB from C0000 on wait

init32:
        pushad
        cld
        movzx ebx, word [0x400 + BDA_EBDA]
        shl ebx, 4
        mov edi, SCRATCH
        mov ecx, 0x600 / 4
        xor eax, eax
        rep stosd
        mov [S_EBDA], ebx
        mov dword [FUNCTIONS + 4], 0
        call cpu_identify
        call apic_setup                 ; no interrupt comes through before
        mov eax, cr0
        and eax, 0x9fffffff             ; caches on: CD and NW clear; a 386 has neither
        mov cr0, eax
        call ram_size
        call pci_probe
        jc .no_pci
        mov ebp, [S_EBDA]
        or byte [ebp + EBDA_FLAGS], HAVE_PCI
        cmp dword [S_HOST], 0x12378086
        jne .no_shadow
        mov eax, shadow_on + ROM_HIGH
        call eax
        mov ebp, [S_EBDA]
        or byte [ebp + EBDA_FLAGS], HAVE_SHADOW
        call acpi_reserve
.no_shadow:
        call pci_setup
        call chipset_setup
        call memory_types
        mov ebp, [S_EBDA]
        test byte [ebp + EBDA_FLAGS], HAVE_SHADOW
        jz .no_pci                      ; nowhere to put tables
        call tables_setup
.no_pci:
        call rom_display
        popad
        ret

; POST ends: what was shadowed is guarded against writes; where no ROM went, the bus shows through.
init32_end:
        pushad
        mov ebp, [S_EBDA]
        test byte [ebp + EBDA_FLAGS], HAVE_SHADOW
        jz .done
        call pnp_setup
        call acpi_setup
        call smbios_setup
        call mp_setup
        mov ebp, [S_EBDA]
        movzx edx, word [ebp + EBDA_ROM_END]
        shl edx, 4
        cmp edx, 0xc8000
        ja .ends
        cmp word [0xc0000], 0xaa55
        je .ends
        mov edx, 0xc0000                ; no ROM at all
.ends:  xor ebx, ebx
        mov esi, 0xc0000
        mov ecx, 0x5a
.block: xor eax, eax
        cmp esi, edx
        jae .second
        or al, 0x01                     ; read enable
.second:
        add esi, 0x4000
        cmp esi, edx
        jae .set
        or al, 0x10
.set:   add esi, 0x4000
        call pci_write8
        inc ecx
        cmp ecx, 0x5e
        jb .block
        mov al, 0x11                    ; E0000-EFFFF
        call pci_write8
        inc ecx
        call pci_write8
        mov ecx, 0x59
        mov al, 0x10                    ; F0000-FFFFF
        call pci_write8
.done:  popad
        ret

; Puts RAM under C0000-FFFFF and the firmware into it, with copies of option ROMs that were visible. Runs from the image
; below 4 GiB, since it takes away the one below 1 MiB; so it calls nothing.
shadow_on:
        mov ebx, 0xcf8
%macro PAM_WRITE 2
        mov eax, 0x80000000 | (%1 & 0xfc)
        mov edx, 0xcf8
        out dx, eax
        mov edx, 0xcfc + (%1 & 3)
        mov al, %2
        out dx, al
%endmacro
        PAM_WRITE 0x5a, 0
        PAM_WRITE 0x5b, 0
        PAM_WRITE 0x5c, 0
        PAM_WRITE 0x5d, 0
        xor ebx, ebx                    ; whether there is a ROM
        mov esi, 0xc0000
.look:  cmp word [esi], 0xaa55
        jne .no
        inc ebx
.no:    add esi, 0x800
        cmp esi, 0xe0000
        jb .look
        test ebx, ebx
        jz .shadow
        mov esi, 0xc0000
        mov edi, ROM_COPY
        mov ecx, 0x8000
        rep movsd
.shadow:
        PAM_WRITE 0x5a, 0x33
        PAM_WRITE 0x5b, 0x33
        PAM_WRITE 0x5c, 0x33
        PAM_WRITE 0x5d, 0x33
        PAM_WRITE 0x5e, 0x33
        PAM_WRITE 0x5f, 0x33
        PAM_WRITE 0x59, 0x30
        mov edi, 0xc0000
        mov ecx, 0x8000
        test ebx, ebx
        jz .none
        mov esi, ROM_COPY
        rep movsd
        jmp short .image
.none:  mov eax, 0xffffffff
        rep stosd
.image: mov esi, 0xe0000 + ROM_HIGH
        mov edi, 0xe0000
        mov ecx, 0x8000
        rep movsd
        ret

; What CPUID says, and a name for the messages: EBDA_CPUID_*, EBDA_BRAND.
cpu_identify:
        mov ebp, [S_EBDA]
        pushfd
        pushfd
        pop eax
        mov ecx, eax
        xor eax, 1 << 21                ; ID can be changed where CPUID exists
        push eax
        popfd
        pushfd
        pop eax
        xor eax, ecx
        test eax, 1 << 21
        jnz .cpuid
        test eax, 1 << 18
        mov eax, ecx
        xor eax, 1 << 18                ; AC from the 80486 on
        push eax
        popfd
        pushfd
        pop eax
        popfd
        xor eax, ecx
        test eax, 1 << 18
        jz .done
        lea edi, [ebp + EBDA_BRAND]
        mov dword [edi], '8048'
        mov dword [edi + 4], '6'
.done:  ret
.cpuid: popfd
        cpu 586
        or byte [ebp + EBDA_FLAGS], HAVE_CPUID
        lea edi, [ebp + EBDA_BRAND]
        mov eax, 0x80000000
        cpuid
        cmp eax, 0x80000004
        jb .vendor
        cmp eax, 0x80010000
        ja .vendor
        mov esi, 0x80000002
.brand: mov eax, esi
        cpuid
        mov [edi], eax
        mov [edi + 4], ebx
        mov [edi + 8], ecx
        mov [edi + 12], edx
        add edi, 16
        inc esi
        cmp esi, 0x80000004
        jbe .brand
        mov byte [edi], 0
        lea edi, [ebp + EBDA_BRAND]     ; some are right-justified
        mov esi, edi
.blank: cmp byte [esi], ' '
        jne .shift
        inc esi
        jmp .blank
.shift: mov al, [esi]
        mov [edi], al
        inc esi
        inc edi
        test al, al
        jnz .shift
        jmp .features
.vendor:
        xor eax, eax
        cpuid
        mov [edi], ebx
        mov [edi + 4], edx
        mov [edi + 8], ecx
        mov eax, 1
        cpuid
        add edi, 12
        mov ecx, eax
        mov dword [edi], ' fam'
        mov dword [edi + 4], 'ily '
        mov al, ch
        and al, 15
        call .digit
        mov [edi + 8], al
        mov dword [edi + 9], ' mod'
        mov dword [edi + 13], 'el '
        mov al, cl
        shr al, 4
        call .digit
        mov [edi + 16], al
        mov byte [edi + 17], 0
.features:
        mov eax, 1
        cpuid
        mov [ebp + EBDA_CPUID_SIG], eax
        mov [ebp + EBDA_CPUID_EDX], edx
        test edx, 1 << 9
        jz .no_apic
        or byte [ebp + EBDA_FLAGS], HAVE_APIC
.no_apic:
        cpu 386
        ret
.digit: cmp al, 10
        sbb al, 0x69
        das
        ret

; EBDA_RAM_TOP and EBDA_ACPI_TOP: nothing reserved yet.
ram_size:
        mov ebp, [S_EBDA]
        movzx eax, word [ebp + EBDA_EXT_HIGH]
        shl eax, 16
        jz .small
        add eax, 16 << 20
        jmp .set
.small: movzx eax, word [ebp + EBDA_EXT_LOW]
        shl eax, 10
        add eax, 1 << 20
.set:   mov [ebp + EBDA_RAM_TOP], eax
        mov [ebp + EBDA_ACPI_TOP], eax
        ret

; Memory types: all of memory written back, the display and PCI not cached, the firmware write-protected; on every processor.
; Without MTRRs nothing has to be done.
memory_types:
        mov ebp, [S_EBDA]
        test dword [ebp + EBDA_CPUID_EDX], 1 << 12
        jz .done
        cpu 686
        mov edi, MTRR_LIST
        mov eax, 0x06060606
        mov edx, eax
        mov ecx, 0x250                  ; 00000-7FFFF
        call .add
        mov ecx, 0x258                  ; 80000-9FFFF
        call .add
        inc ecx                         ; A0000-BFFFF
        xor eax, eax
        xor edx, edx
        call .add
        mov ecx, 0x268                  ; C0000-FFFFF
        mov eax, 0x05050505
        mov edx, eax
.fixed: call .add
        inc ecx
        cmp ecx, 0x270
        jb .fixed
        ; one variable range, not cached: the largest power of two below 4 GiB that holds no memory
        mov eax, 0x80000000
.half:  cmp [ebp + EBDA_ACPI_TOP], eax
        jbe .range
        sar eax, 1
        cmp eax, 0xf0000000
        jb .half
.range: xor edx, edx
        mov ecx, 0x200
        call .add                       ; base, type 0
        push eax
        mov eax, 0x80000000
        cpuid
        mov edx, 0xf                    ; 36 address bits
        cmp eax, 0x80000008
        jb .bits
        mov eax, 0x80000008
        cpuid
        movzx ecx, al
        mov edx, 0xf
        sub ecx, 32
        jbe .bits
        xor edx, edx
        bts edx, ecx
        dec edx
.bits:  pop eax
        or eax, 0x800                   ; valid; a base of this form is its own mask
        mov ecx, 0x201
        call .add
        mov ecx, 0x2ff                  ; enabled, fixed ones too; default write-back
        mov eax, 0xc06
        xor edx, edx
        call .add
        mov dword [edi], 0
        mov esi, MTRR_LIST
.apply: mov ecx, [esi]
        jecxz .others
        mov eax, [esi + 4]
        mov edx, [esi + 8]
        wrmsr
        add esi, 12
        jmp .apply
.add:   mov [edi], ecx
        mov [edi + 4], eax
        mov [edi + 8], edx
        add edi, 12
        ret
        cpu 386
        ; the other processors do the same. MultiProcessor Specification 1.4, "Application Processor Startup"
.others:
        test byte [ebp + EBDA_FLAGS], HAVE_APIC
        jz .done
        call cpu_count
        dec ecx
        jz .done
        mov dword [S_STARTED], 0
        mov byte [AP_PAGE], 0xea        ; jmp F000:ap_entry
        mov word [AP_PAGE + 1], ap_entry
        mov word [AP_PAGE + 3], 0xf000
        mov dword [0xfee00300], 0x000c4500 ; INIT to all but itself
        mov edx, 700                    ; 10 ms
        call .wait
        mov esi, 2
.start: mov dword [0xfee00300], 0x000c4600 | AP_PAGE >> 12
        mov edx, 20000                  ; 0.3 s
        call .wait
        cmp [S_STARTED], ecx
        jae .done
        dec esi
        jnz .start
.done:  ret
; Until ECX processors have started, or EDX toggles of the refresh bit.
.wait:  in al, 0x61
        and al, 0x10
        mov ah, al
.look:  cmp [S_STARTED], ecx
        jae .done
        mov ebx, 0x1000
.same:  in al, 0x61
        and al, 0x10
        cmp al, ah
        jne .next
        dec ebx
        jnz .same
.next:  mov ah, al
        dec edx
        jnz .look
        ret

; Writes the sum of ECX bytes at ESI, so that they add up to 0, to [EDI].
sum_bytes:
        push eax
        push ecx
        push esi
        mov byte [edi], 0
        xor eax, eax
.next:  add al, [esi]
        inc esi
        dec ecx
        jnz .next
        neg al
        mov [edi], al
        pop esi
        pop ecx
        pop eax
        ret

FSEG            equ 0xf0000

; The tables of a PCI machine: signatures and sums appear only now, so that none is found where it is not true.
tables_setup:
        mov ebp, [S_EBDA]
        mov al, [ebp + EBDA_PCI_BUSES]
        mov [FSEG + pci_last_bus], al
        mov al, [ebp + EBDA_FLAGS]
        and al, HAVE_PM
        mov [FSEG + apm_power_off], al
        mov dword [FSEG + bios32_header], '_32_'
        mov esi, FSEG + bios32_header
        mov ecx, 16
        lea edi, [esi + 10]
        call sum_bytes
        mov dword [FSEG + pir_header], '$PIR'
        mov esi, FSEG + pir_header
        mov ecx, PIR_SIZE
        lea edi, [esi + 31]
        call sum_bytes
        mov dword [FSEG + pnp_header], '$PnP'
        mov esi, FSEG + pnp_header
        mov ecx, 0x21
        lea edi, [esi + 8]
        call sum_bytes
        ret
