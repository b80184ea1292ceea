; Ferrite's system BIOS: 128 KiB at E0000-FFFFF and at the end of 4 GiB.
;
; Segment E000: 32-bit code that POST calls in flat protected mode, and the tables that it copies. Segment F000: POST and all
; interrupt services. What serves interrupts uses the instructions of the 8086 only, so that one image runs on every
; processor, in real and in virtual-8086 mode; code for the 80386 is reached after POST has found one.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS" (interfaces and entry points); Ralf Brown's Interrupt List. Each file names
; its own.

        cpu 8086
        bits 16

%include "macros.inc"
%include "bda.inc"
%include "ebda.inc"
%include "aml.inc"

        section .eseg start=0 vstart=0xe0000
        section .fseg start=0x10000 vstart=0

%include "post.asm"
%include "print.asm"
%include "kbc.asm"
%include "keyboard.asm"
%include "int16.asm"
%include "mouse.asm"
%include "clock.asm"
%include "serial.asm"
%include "system.asm"
%include "blockmove.asm"
%include "memory.asm"
%include "apm.asm"
%include "pcibios.asm"
%include "pnp.asm"
%include "roms.asm"
%include "disk.asm"
%include "floppy.asm"
%include "ata.asm"
%include "atapi.asm"
%include "eltorito.asm"
%include "edd.asm"
%include "boot.asm"

        section .eseg
        cpu 386
        bits 32
%include "init32.asm"
%include "pci.asm"
%include "acpi.asm"
%include "smbios.asm"
%include "mptable.asm"
        times 0x10000 - ($ - $$) db 0

        section .fseg
        cpu 8086
        bits 16
%include "entry.asm"
