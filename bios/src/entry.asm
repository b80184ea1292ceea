; The end of segment F000: entry points and tables at the addresses that programs jump to and read.
;
; Document: IBM PC/AT Technical Reference, "System BIOS", "Compatibility": the fixed addresses that every compatible firmware keeps.

        AT 0xe05b
        jmp post
banner: db "Ferrite BIOS", 0
version: db "0.1", 0

        AT 0xe2c3
        jmp nmi_entry

        AT 0xe3fe
        jmp int13_entry

; The first entry of the fixed disk parameter tables, type 1; the others are made from what the drives say.
        AT 0xe401
        dw 306
        db 4
        dw 0, 128
        db 0, 0, 0, 0, 0
        dw 305
        db 17, 0

        AT 0xe6f2
        jmp int19_entry

; What INT 15h AH=C0h points at.
        AT 0xe6f5
config_table:
        dw 8
        db MODEL, SUBMODEL, 0
        db 0x74         ; second 8259, real-time clock, INT 15h AH=4Fh called by INT 09h, extended BIOS data area
        db 0x40         ; INT 16h AH=09h
        db 0, 0, 0

; Divisors of 115200 Hz / 16 for INT 14h: 110, 150, 300, 600, 1200, 2400, 4800, 9600 baud.
        AT 0xe729
baud_table:
        dw 1047, 768, 384, 192, 96, 48, 24, 12

        AT 0xe739
        jmp int14_entry

        AT 0xe82e
        jmp int16_entry

        AT 0xe987
        jmp int09_entry

        AT 0xec59
        jmp int40_entry

        AT 0xef57
        jmp int0e_entry

; The diskette parameter table: step rate 3 ms and head unload 240 ms, head load 2 ms without DMA bit, motor off after 37 ticks,
; 512 bytes, 18 sectors, gaps, fill byte, head settle 15 ms, motor start 1 s.
        AT 0xefc7
diskette_table:
        db 0xaf, 0x02, 0x25, 0x02, 0x12, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08

        AT 0xefd2
        jmp int17_entry

        AT 0xf065
        jmp int10_none

; The 6845's registers for 40x25, 80x25, graphics and monochrome, then buffer lengths, columns and modes. INT 1Dh.
        AT 0xf0a4
        db 0x38, 0x28, 0x2d, 0x0a, 0x1f, 0x06, 0x19, 0x1c, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
        db 0x71, 0x50, 0x5a, 0x0a, 0x1f, 0x06, 0x19, 0x1c, 0x02, 0x07, 0x06, 0x07, 0, 0, 0, 0
        db 0x38, 0x28, 0x2d, 0x0a, 0x7f, 0x06, 0x64, 0x70, 0x02, 0x01, 0x06, 0x07, 0, 0, 0, 0
        db 0x61, 0x50, 0x52, 0x0f, 0x19, 0x06, 0x19, 0x19, 0x02, 0x0d, 0x0b, 0x0c, 0, 0, 0, 0
        dw 0x0800, 0x1000, 0x4000, 0x4000
        db 40, 40, 80, 80, 40, 40, 80, 80
        db 0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29

        AT 0xf841
        jmp int12_entry

        AT 0xf84d
        jmp int11_entry

        AT 0xf859
        jmp int15_entry

; Glyphs of the characters 0-127, 8 rows each, for graphics modes: what INT 1Fh continues.
        AT 0xfa6e
%include "font8.inc"

        AT 0xfe6e
        jmp int1a_entry

        AT 0xfea5
        jmp int08_entry

; Offsets of the handlers of INT 08h to 1Fh, which POST puts into the vector table.
        AT 0xfef3
vector_table:
        dw 0xfea5, 0xe987, stray_master, stray_master, stray_master, stray_master, 0xef57, stray_master
        dw 0xf065, 0xf84d, 0xf841, 0xe3fe, 0xe739, 0xf859, 0xe82e, 0xefd2
        dw int18_entry, 0xe6f2, 0xfe6e, dummy_iret, dummy_iret, 0xf0a4, 0xefc7, 0
; INT 70h to 77h
slave_vectors:
        dw int70_entry, int71_entry, stray_slave, stray_slave, int74_entry, int75_entry, int76_entry, stray_slave

        AT 0xff53
dummy_iret:
        iret

        AT 0xff54
        jmp int05_entry

        AT 0xfff0
        jmp 0xf000:0xe05b
        db "11/21/26", 0
        db MODEL
        AT 0x10000
