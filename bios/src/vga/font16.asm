; 8 x 16 character generator, code page 437, one line a glyph, top row first, bit 7 leftmost.
;
; Letters, digits and accents come from Spleen 1.9.1 by Frederic Cambus. Lines, blocks, shades, arrows, card suits, the
; Greek and the mathematical signs were drawn for Ferrite, the lines so that they join at every height.
;
; Spleen is Copyright (c) 2018-2020 Frederic Cambus, under the 2-clause BSD licence:
;
; Redistribution and use in source and binary forms, with or without
; modification, are permitted provided that the following conditions are met:
;
; * Redistributions of source code must retain the above copyright
; notice, this list of conditions and the following disclaimer.
;
; * Redistributions in binary form must reproduce the above copyright
; notice, this list of conditions and the following disclaimer in the
; documentation and/or other materials provided with the distribution.
;
; THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
; AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
; IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE
; ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS
; BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR
; CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF
; SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS
; INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN
; CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE)
; ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE
; POSSIBILITY OF SUCH DAMAGE.

font16:
        db 000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; 00 blank
        db 000h,000h,07eh,081h,0a5h,081h,081h,0bdh,099h,081h,081h,07eh,000h,000h,000h,000h ; 01 ☺
        db 000h,000h,07eh,0ffh,0dbh,0ffh,0ffh,0c3h,0e7h,0ffh,0ffh,07eh,000h,000h,000h,000h ; 02 ☻
        db 000h,000h,000h,000h,06ch,0feh,0feh,0feh,07ch,038h,010h,000h,000h,000h,000h,000h ; 03 ♥
        db 000h,000h,000h,000h,010h,038h,07ch,0feh,07ch,038h,010h,000h,000h,000h,000h,000h ; 04 ♦
        db 000h,000h,000h,018h,03ch,03ch,018h,066h,0ffh,0ffh,066h,018h,03ch,000h,000h,000h ; 05 ♣
        db 000h,000h,000h,018h,018h,03ch,03ch,07eh,0ffh,0ffh,066h,018h,03ch,000h,000h,000h ; 06 ♠
        db 000h,000h,000h,000h,000h,000h,018h,03ch,03ch,018h,000h,000h,000h,000h,000h,000h ; 07 •
        db 0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0e7h,0c3h,0c3h,0e7h,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh ; 08 ◘
        db 000h,000h,000h,000h,000h,03ch,066h,066h,066h,066h,03ch,000h,000h,000h,000h,000h ; 09 ○
        db 0ffh,0ffh,0ffh,0ffh,0ffh,0c3h,099h,099h,099h,099h,0c3h,0ffh,0ffh,0ffh,0ffh,0ffh ; 0A ◙
        db 000h,000h,000h,01fh,007h,00bh,01bh,078h,0cch,0cch,0cch,0cch,078h,000h,000h,000h ; 0B ♂
        db 000h,000h,000h,03ch,066h,066h,066h,03ch,018h,07eh,018h,018h,018h,000h,000h,000h ; 0C ♀
        db 000h,000h,03fh,033h,03fh,030h,030h,030h,030h,070h,0f0h,060h,000h,000h,000h,000h ; 0D ♪
        db 000h,000h,07fh,063h,07fh,063h,063h,063h,063h,067h,0e7h,0e6h,0c0h,000h,000h,000h ; 0E ♫
        db 000h,000h,000h,018h,0dbh,07eh,024h,0e7h,024h,07eh,0dbh,018h,000h,000h,000h,000h ; 0F ☼
        db 000h,000h,0c0h,0f0h,0fch,0feh,0ffh,0feh,0fch,0f0h,0c0h,000h,000h,000h,000h,000h ; 10 ►
        db 000h,000h,003h,00fh,03fh,07fh,0ffh,07fh,03fh,00fh,003h,000h,000h,000h,000h,000h ; 11 ◄
        db 000h,000h,018h,03ch,07eh,018h,018h,018h,018h,07eh,03ch,018h,000h,000h,000h,000h ; 12 ↕
        db 000h,000h,066h,066h,066h,066h,066h,066h,066h,000h,066h,066h,000h,000h,000h,000h ; 13 ‼
        db 000h,000h,07eh,0d6h,0d6h,0d6h,076h,016h,016h,016h,016h,016h,000h,000h,000h,000h ; 14 ¶
        db 000h,03ch,066h,060h,030h,03ch,066h,066h,066h,066h,03ch,00ch,006h,066h,03ch,000h ; 15 §
        db 000h,000h,000h,000h,000h,000h,000h,000h,07eh,07eh,07eh,000h,000h,000h,000h,000h ; 16 ▬
        db 000h,000h,018h,03ch,07eh,018h,018h,018h,07eh,03ch,018h,07eh,000h,000h,000h,000h ; 17 ↨
        db 000h,000h,018h,03ch,07eh,018h,018h,018h,018h,018h,018h,018h,000h,000h,000h,000h ; 18 ↑
        db 000h,000h,018h,018h,018h,018h,018h,018h,018h,07eh,03ch,018h,000h,000h,000h,000h ; 19 ↓
        db 000h,000h,000h,000h,00ch,006h,0ffh,006h,00ch,000h,000h,000h,000h,000h,000h,000h ; 1A →
        db 000h,000h,000h,000h,030h,060h,0ffh,060h,030h,000h,000h,000h,000h,000h,000h,000h ; 1B ←
        db 000h,000h,000h,000h,000h,000h,0c0h,0c0h,0c0h,0feh,000h,000h,000h,000h,000h,000h ; 1C ∟
        db 000h,000h,000h,000h,024h,066h,0ffh,066h,024h,000h,000h,000h,000h,000h,000h,000h ; 1D ↔
        db 000h,000h,000h,018h,018h,03ch,03ch,07eh,07eh,0ffh,0ffh,000h,000h,000h,000h,000h ; 1E ▲
        db 000h,000h,000h,0feh,0feh,07ch,07ch,038h,038h,010h,000h,000h,000h,000h,000h,000h ; 1F ▼
        db 000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; 20 space
        db 000h,000h,018h,018h,018h,018h,018h,018h,018h,000h,018h,018h,000h,000h,000h,000h ; 21 !
        db 000h,066h,066h,066h,066h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; 22 "
        db 000h,000h,06ch,06ch,0feh,06ch,06ch,06ch,06ch,0feh,06ch,06ch,000h,000h,000h,000h ; 23 #
        db 000h,010h,07eh,0d0h,0d0h,0d0h,07ch,016h,016h,016h,016h,0fch,010h,000h,000h,000h ; 24 $
        db 000h,000h,006h,066h,06ch,00ch,018h,018h,030h,036h,066h,060h,000h,000h,000h,000h ; 25 %
        db 000h,000h,038h,06ch,06ch,06ch,038h,070h,0dah,0cch,0cch,07ah,000h,000h,000h,000h ; 26 &
        db 000h,018h,018h,018h,018h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; 27 '
        db 000h,00eh,018h,030h,030h,060h,060h,060h,060h,030h,030h,018h,00eh,000h,000h,000h ; 28 (
        db 000h,070h,018h,00ch,00ch,006h,006h,006h,006h,00ch,00ch,018h,070h,000h,000h,000h ; 29 )
        db 000h,000h,000h,000h,066h,03ch,018h,0ffh,018h,03ch,066h,000h,000h,000h,000h,000h ; 2A *
        db 000h,000h,000h,000h,000h,018h,018h,07eh,018h,018h,000h,000h,000h,000h,000h,000h ; 2B +
        db 000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,018h,018h,030h,000h,000h,000h ; 2C ,
        db 000h,000h,000h,000h,000h,000h,000h,07eh,000h,000h,000h,000h,000h,000h,000h,000h ; 2D -
        db 000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,018h,018h,000h,000h,000h,000h ; 2E .
        db 000h,006h,006h,00ch,00ch,018h,018h,030h,030h,060h,060h,0c0h,0c0h,000h,000h,000h ; 2F /
        db 000h,000h,07ch,0c6h,0c6h,0ceh,0deh,0f6h,0e6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 30 0
        db 000h,000h,018h,038h,078h,058h,018h,018h,018h,018h,018h,07eh,000h,000h,000h,000h ; 31 1
        db 000h,000h,07ch,0c6h,006h,006h,00ch,018h,030h,060h,0c6h,0feh,000h,000h,000h,000h ; 32 2
        db 000h,000h,07ch,0c6h,006h,006h,03ch,006h,006h,006h,0c6h,07ch,000h,000h,000h,000h ; 33 3
        db 000h,000h,0c0h,0c0h,0cch,0cch,0cch,0cch,0feh,00ch,00ch,00ch,000h,000h,000h,000h ; 34 4
        db 000h,000h,0feh,0c6h,0c0h,0c0h,0fch,006h,006h,006h,0c6h,07ch,000h,000h,000h,000h ; 35 5
        db 000h,000h,07ch,0c6h,0c0h,0c0h,0fch,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 36 6
        db 000h,000h,0feh,0c6h,006h,006h,00ch,018h,030h,030h,030h,030h,000h,000h,000h,000h ; 37 7
        db 000h,000h,07ch,0c6h,0c6h,0c6h,07ch,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 38 8
        db 000h,000h,07ch,0c6h,0c6h,0c6h,0c6h,07eh,006h,006h,0c6h,07ch,000h,000h,000h,000h ; 39 9
        db 000h,000h,000h,000h,000h,018h,018h,000h,000h,000h,018h,018h,000h,000h,000h,000h ; 3A :
        db 000h,000h,000h,000h,000h,018h,018h,000h,000h,000h,018h,018h,030h,000h,000h,000h ; 3B ;
        db 000h,000h,006h,00ch,018h,030h,060h,060h,030h,018h,00ch,006h,000h,000h,000h,000h ; 3C <
        db 000h,000h,000h,000h,000h,07eh,000h,000h,07eh,000h,000h,000h,000h,000h,000h,000h ; 3D =
        db 000h,000h,060h,030h,018h,00ch,006h,006h,00ch,018h,030h,060h,000h,000h,000h,000h ; 3E >
        db 000h,000h,07ch,0c6h,006h,00ch,018h,030h,030h,000h,030h,030h,000h,000h,000h,000h ; 3F ?
        db 000h,000h,000h,07ch,0c2h,0dah,0dah,0dah,0dah,0deh,0c0h,07ch,000h,000h,000h,000h ; 40 @
        db 000h,000h,07ch,0c6h,0c6h,0c6h,0feh,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 41 A
        db 000h,000h,0fch,0c6h,0c6h,0c6h,0fch,0c6h,0c6h,0c6h,0c6h,0fch,000h,000h,000h,000h ; 42 B
        db 000h,000h,07eh,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,07eh,000h,000h,000h,000h ; 43 C
        db 000h,000h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0fch,000h,000h,000h,000h ; 44 D
        db 000h,000h,07eh,0c0h,0c0h,0c0h,0f8h,0c0h,0c0h,0c0h,0c0h,07eh,000h,000h,000h,000h ; 45 E
        db 000h,000h,07eh,0c0h,0c0h,0c0h,0f8h,0c0h,0c0h,0c0h,0c0h,0c0h,000h,000h,000h,000h ; 46 F
        db 000h,000h,07eh,0c0h,0c0h,0c0h,0deh,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 47 G
        db 000h,000h,0c6h,0c6h,0c6h,0c6h,0feh,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 48 H
        db 000h,000h,07eh,018h,018h,018h,018h,018h,018h,018h,018h,07eh,000h,000h,000h,000h ; 49 I
        db 000h,000h,07eh,018h,018h,018h,018h,018h,018h,018h,018h,0f0h,000h,000h,000h,000h ; 4A J
        db 000h,000h,0c6h,0c6h,0c6h,0cch,0f8h,0cch,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 4B K
        db 000h,000h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,07eh,000h,000h,000h,000h ; 4C L
        db 000h,000h,0c6h,0eeh,0feh,0d6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 4D M
        db 000h,000h,0c6h,0c6h,0e6h,0e6h,0d6h,0d6h,0ceh,0ceh,0c6h,0c6h,000h,000h,000h,000h ; 4E N
        db 000h,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 4F O
        db 000h,000h,0fch,0c6h,0c6h,0c6h,0fch,0c0h,0c0h,0c0h,0c0h,0c0h,000h,000h,000h,000h ; 50 P
        db 000h,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0d6h,0d6h,07ch,018h,00ch,000h,000h ; 51 Q
        db 000h,000h,0fch,0c6h,0c6h,0c6h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 52 R
        db 000h,000h,07eh,0c0h,0c0h,0c0h,07ch,006h,006h,006h,006h,0fch,000h,000h,000h,000h ; 53 S
        db 000h,000h,0ffh,018h,018h,018h,018h,018h,018h,018h,018h,018h,000h,000h,000h,000h ; 54 T
        db 000h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 55 U
        db 000h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,06ch,038h,010h,000h,000h,000h,000h ; 56 V
        db 000h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0d6h,0feh,0eeh,0c6h,000h,000h,000h,000h ; 57 W
        db 000h,000h,0c6h,0c6h,0c6h,06ch,038h,06ch,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 58 X
        db 000h,000h,0c6h,0c6h,0c6h,0c6h,07eh,006h,006h,006h,006h,0fch,000h,000h,000h,000h ; 59 Y
        db 000h,000h,0feh,006h,006h,00ch,018h,030h,060h,0c0h,0c0h,0feh,000h,000h,000h,000h ; 5A Z
        db 000h,03eh,030h,030h,030h,030h,030h,030h,030h,030h,030h,030h,03eh,000h,000h,000h ; 5B [
        db 000h,0c0h,0c0h,060h,060h,030h,030h,018h,018h,00ch,00ch,006h,006h,000h,000h,000h ; 5C backslash
        db 000h,07ch,00ch,00ch,00ch,00ch,00ch,00ch,00ch,00ch,00ch,00ch,07ch,000h,000h,000h ; 5D ]
        db 000h,010h,038h,06ch,0c6h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; 5E ^
        db 000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,0feh,000h ; 5F _
        db 000h,030h,018h,00ch,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; 60 `
        db 000h,000h,000h,000h,000h,07ch,006h,07eh,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 61 a
        db 000h,000h,0c0h,0c0h,0c0h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,0fch,000h,000h,000h,000h ; 62 b
        db 000h,000h,000h,000h,000h,07eh,0c0h,0c0h,0c0h,0c0h,0c0h,07eh,000h,000h,000h,000h ; 63 c
        db 000h,000h,006h,006h,006h,07eh,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 64 d
        db 000h,000h,000h,000h,000h,07eh,0c6h,0c6h,0feh,0c0h,0c0h,07eh,000h,000h,000h,000h ; 65 e
        db 000h,000h,01eh,030h,030h,030h,07ch,030h,030h,030h,030h,030h,000h,000h,000h,000h ; 66 f
        db 000h,000h,000h,000h,000h,07eh,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,006h,006h,0fch,000h ; 67 g
        db 000h,000h,0c0h,0c0h,0c0h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 68 h
        db 000h,000h,018h,018h,000h,038h,018h,018h,018h,018h,018h,01ch,000h,000h,000h,000h ; 69 i
        db 000h,000h,018h,018h,000h,018h,018h,018h,018h,018h,018h,018h,018h,018h,070h,000h ; 6A j
        db 000h,000h,0c0h,0c0h,0c0h,0cch,0d8h,0f0h,0f0h,0d8h,0cch,0c6h,000h,000h,000h,000h ; 6B k
        db 000h,000h,030h,030h,030h,030h,030h,030h,030h,030h,030h,01ch,000h,000h,000h,000h ; 6C l
        db 000h,000h,000h,000h,000h,0ech,0d6h,0d6h,0d6h,0d6h,0c6h,0c6h,000h,000h,000h,000h ; 6D m
        db 000h,000h,000h,000h,000h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 6E n
        db 000h,000h,000h,000h,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 6F o
        db 000h,000h,000h,000h,000h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,0fch,0c0h,0c0h,0c0h,000h ; 70 p
        db 000h,000h,000h,000h,000h,07eh,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,006h,006h,006h,000h ; 71 q
        db 000h,000h,000h,000h,000h,07eh,0c6h,0c0h,0c0h,0c0h,0c0h,0c0h,000h,000h,000h,000h ; 72 r
        db 000h,000h,000h,000h,000h,07eh,0c0h,0c0h,07ch,006h,006h,0fch,000h,000h,000h,000h ; 73 s
        db 000h,000h,030h,030h,030h,07ch,030h,030h,030h,030h,030h,01eh,000h,000h,000h,000h ; 74 t
        db 000h,000h,000h,000h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 75 u
        db 000h,000h,000h,000h,000h,0c6h,0c6h,0c6h,0c6h,06ch,038h,010h,000h,000h,000h,000h ; 76 v
        db 000h,000h,000h,000h,000h,0c6h,0c6h,0d6h,0d6h,0d6h,0d6h,06eh,000h,000h,000h,000h ; 77 w
        db 000h,000h,000h,000h,000h,0c6h,06ch,038h,038h,06ch,0c6h,0c6h,000h,000h,000h,000h ; 78 x
        db 000h,000h,000h,000h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,006h,006h,0fch,000h ; 79 y
        db 000h,000h,000h,000h,000h,0feh,006h,00ch,018h,030h,060h,0feh,000h,000h,000h,000h ; 7A z
        db 000h,00eh,018h,018h,018h,018h,070h,070h,018h,018h,018h,018h,00eh,000h,000h,000h ; 7B {
        db 000h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,000h,000h,000h ; 7C |
        db 000h,070h,018h,018h,018h,018h,00eh,00eh,018h,018h,018h,018h,070h,000h,000h,000h ; 7D }
        db 000h,000h,000h,000h,000h,000h,032h,07eh,04ch,000h,000h,000h,000h,000h,000h,000h ; 7E ~
        db 000h,000h,000h,018h,03ch,066h,0c3h,0c3h,0c3h,0ffh,000h,000h,000h,000h,000h,000h ; 7F ⌂
        db 000h,000h,07eh,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,07eh,018h,018h,030h,000h ; 80 Ç
        db 000h,000h,06ch,06ch,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 81 ü
        db 000h,00ch,018h,030h,000h,07eh,0c6h,0c6h,0feh,0c0h,0c0h,07eh,000h,000h,000h,000h ; 82 é
        db 000h,010h,038h,06ch,000h,07ch,006h,07eh,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 83 â
        db 000h,000h,06ch,06ch,000h,07ch,006h,07eh,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 84 ä
        db 000h,060h,030h,018h,000h,07ch,006h,07eh,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 85 à
        db 000h,038h,06ch,038h,000h,07ch,006h,07eh,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 86 å
        db 000h,000h,000h,000h,000h,07eh,0c0h,0c0h,0c0h,0c0h,0c0h,07eh,018h,018h,030h,000h ; 87 ç
        db 000h,010h,038h,06ch,000h,07eh,0c6h,0c6h,0feh,0c0h,0c0h,07eh,000h,000h,000h,000h ; 88 ê
        db 000h,000h,06ch,06ch,000h,07eh,0c6h,0c6h,0feh,0c0h,0c0h,07eh,000h,000h,000h,000h ; 89 ë
        db 000h,060h,030h,018h,000h,07eh,0c6h,0c6h,0feh,0c0h,0c0h,07eh,000h,000h,000h,000h ; 8A è
        db 000h,000h,066h,066h,000h,038h,018h,018h,018h,018h,018h,01ch,000h,000h,000h,000h ; 8B ï
        db 000h,018h,03ch,066h,000h,038h,018h,018h,018h,018h,018h,01ch,000h,000h,000h,000h ; 8C î
        db 000h,030h,018h,00ch,000h,038h,018h,018h,018h,018h,018h,01ch,000h,000h,000h,000h ; 8D ì
        db 06ch,06ch,000h,07ch,0c6h,0c6h,0c6h,0feh,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 8E Ä
        db 038h,06ch,038h,07ch,0c6h,0c6h,0c6h,0feh,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; 8F Å
        db 018h,030h,000h,07eh,0c0h,0c0h,0c0h,0f8h,0c0h,0c0h,0c0h,07eh,000h,000h,000h,000h ; 90 É
        db 000h,000h,000h,000h,000h,06eh,016h,016h,07eh,0d0h,0d0h,06eh,000h,000h,000h,000h ; 91 æ
        db 000h,000h,07eh,0d8h,0d8h,0d8h,0feh,0d8h,0d8h,0d8h,0d8h,0deh,000h,000h,000h,000h ; 92 Æ
        db 000h,010h,038h,06ch,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 93 ô
        db 000h,000h,06ch,06ch,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 94 ö
        db 000h,060h,030h,018h,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 95 ò
        db 000h,010h,038h,06ch,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 96 û
        db 000h,060h,030h,018h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 97 ù
        db 000h,000h,06ch,06ch,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,006h,006h,0fch,000h ; 98 ÿ
        db 06ch,06ch,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; 99 Ö
        db 06ch,06ch,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; 9A Ü
        db 000h,000h,000h,000h,008h,07eh,0c8h,0c8h,0c8h,0c8h,0c8h,07eh,008h,000h,000h,000h ; 9B ¢
        db 000h,000h,038h,06ch,060h,060h,060h,0f8h,060h,060h,0c0h,0feh,000h,000h,000h,000h ; 9C £
        db 000h,000h,0c3h,0c3h,066h,03ch,018h,03ch,018h,03ch,018h,018h,000h,000h,000h,000h ; 9D ¥
        db 000h,000h,0f8h,0cch,0cch,0fah,0c6h,0cfh,0c6h,0c6h,0c3h,000h,000h,000h,000h,000h ; 9E ₧
        db 000h,000h,00eh,01bh,018h,018h,07eh,018h,018h,018h,018h,0d8h,070h,000h,000h,000h ; 9F ƒ
        db 000h,00ch,018h,030h,000h,07ch,006h,07eh,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; A0 á
        db 000h,00ch,018h,030h,000h,038h,018h,018h,018h,018h,018h,01ch,000h,000h,000h,000h ; A1 í
        db 000h,00ch,018h,030h,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,07ch,000h,000h,000h,000h ; A2 ó
        db 000h,00ch,018h,030h,000h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,07eh,000h,000h,000h,000h ; A3 ú
        db 000h,032h,07eh,04ch,000h,0fch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; A4 ñ
        db 032h,04ch,000h,0c6h,0e6h,0e6h,0d6h,0d6h,0ceh,0ceh,0c6h,0c6h,000h,000h,000h,000h ; A5 Ñ
        db 000h,038h,00ch,03ch,04ch,03ch,000h,07ch,000h,000h,000h,000h,000h,000h,000h,000h ; A6 ª
        db 000h,038h,06ch,06ch,038h,000h,000h,07ch,000h,000h,000h,000h,000h,000h,000h,000h ; A7 º
        db 000h,000h,018h,018h,000h,018h,018h,030h,060h,0c0h,0c6h,07ch,000h,000h,000h,000h ; A8 ¿
        db 000h,000h,000h,000h,000h,000h,07eh,060h,060h,000h,000h,000h,000h,000h,000h,000h ; A9 ⌐
        db 000h,000h,000h,000h,000h,000h,0feh,006h,006h,006h,000h,000h,000h,000h,000h,000h ; AA ¬
        db 000h,040h,0c0h,040h,042h,046h,0ech,018h,030h,06ch,0d2h,082h,00ch,010h,01eh,000h ; AB ½
        db 000h,040h,0c0h,040h,042h,046h,0ech,018h,030h,070h,0d4h,094h,01eh,004h,004h,000h ; AC ¼
        db 000h,000h,018h,018h,000h,018h,018h,018h,018h,018h,018h,018h,000h,000h,000h,000h ; AD ¡
        db 000h,000h,000h,000h,000h,000h,033h,066h,0cch,066h,033h,000h,000h,000h,000h,000h ; AE «
        db 000h,000h,000h,000h,000h,000h,0cch,066h,033h,066h,0cch,000h,000h,000h,000h,000h ; AF »
        db 022h,088h,022h,088h,022h,088h,022h,088h,022h,088h,022h,088h,022h,088h,022h,088h ; B0 ░
        db 055h,0aah,055h,0aah,055h,0aah,055h,0aah,055h,0aah,055h,0aah,055h,0aah,055h,0aah ; B1 ▒
        db 0ddh,077h,0ddh,077h,0ddh,077h,0ddh,077h,0ddh,077h,0ddh,077h,0ddh,077h,0ddh,077h ; B2 ▓
        db 018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h ; B3 │
        db 018h,018h,018h,018h,018h,018h,018h,0f8h,018h,018h,018h,018h,018h,018h,018h,018h ; B4 ┤
        db 018h,018h,018h,018h,018h,0f8h,018h,0f8h,018h,018h,018h,018h,018h,018h,018h,018h ; B5 ╡
        db 036h,036h,036h,036h,036h,036h,036h,0f6h,036h,036h,036h,036h,036h,036h,036h,036h ; B6 ╢
        db 000h,000h,000h,000h,000h,000h,000h,0feh,036h,036h,036h,036h,036h,036h,036h,036h ; B7 ╖
        db 000h,000h,000h,000h,000h,0f8h,018h,0f8h,018h,018h,018h,018h,018h,018h,018h,018h ; B8 ╕
        db 036h,036h,036h,036h,036h,0f6h,006h,0f6h,036h,036h,036h,036h,036h,036h,036h,036h ; B9 ╣
        db 036h,036h,036h,036h,036h,036h,036h,036h,036h,036h,036h,036h,036h,036h,036h,036h ; BA ║
        db 000h,000h,000h,000h,000h,0feh,006h,0f6h,036h,036h,036h,036h,036h,036h,036h,036h ; BB ╗
        db 036h,036h,036h,036h,036h,0f6h,006h,0feh,000h,000h,000h,000h,000h,000h,000h,000h ; BC ╝
        db 036h,036h,036h,036h,036h,036h,036h,0feh,000h,000h,000h,000h,000h,000h,000h,000h ; BD ╜
        db 018h,018h,018h,018h,018h,0f8h,018h,0f8h,000h,000h,000h,000h,000h,000h,000h,000h ; BE ╛
        db 000h,000h,000h,000h,000h,000h,000h,0f8h,018h,018h,018h,018h,018h,018h,018h,018h ; BF ┐
        db 018h,018h,018h,018h,018h,018h,018h,01fh,000h,000h,000h,000h,000h,000h,000h,000h ; C0 └
        db 018h,018h,018h,018h,018h,018h,018h,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; C1 ┴
        db 000h,000h,000h,000h,000h,000h,000h,0ffh,018h,018h,018h,018h,018h,018h,018h,018h ; C2 ┬
        db 018h,018h,018h,018h,018h,018h,018h,01fh,018h,018h,018h,018h,018h,018h,018h,018h ; C3 ├
        db 000h,000h,000h,000h,000h,000h,000h,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; C4 ─
        db 018h,018h,018h,018h,018h,018h,018h,0ffh,018h,018h,018h,018h,018h,018h,018h,018h ; C5 ┼
        db 018h,018h,018h,018h,018h,01fh,018h,01fh,018h,018h,018h,018h,018h,018h,018h,018h ; C6 ╞
        db 036h,036h,036h,036h,036h,036h,036h,037h,036h,036h,036h,036h,036h,036h,036h,036h ; C7 ╟
        db 036h,036h,036h,036h,036h,037h,030h,03fh,000h,000h,000h,000h,000h,000h,000h,000h ; C8 ╚
        db 000h,000h,000h,000h,000h,03fh,030h,037h,036h,036h,036h,036h,036h,036h,036h,036h ; C9 ╔
        db 036h,036h,036h,036h,036h,0f7h,000h,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; CA ╩
        db 000h,000h,000h,000h,000h,0ffh,000h,0f7h,036h,036h,036h,036h,036h,036h,036h,036h ; CB ╦
        db 036h,036h,036h,036h,036h,037h,030h,037h,036h,036h,036h,036h,036h,036h,036h,036h ; CC ╠
        db 000h,000h,000h,000h,000h,0ffh,000h,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; CD ═
        db 036h,036h,036h,036h,036h,0f7h,000h,0f7h,036h,036h,036h,036h,036h,036h,036h,036h ; CE ╬
        db 018h,018h,018h,018h,018h,0ffh,000h,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; CF ╧
        db 036h,036h,036h,036h,036h,036h,036h,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; D0 ╨
        db 000h,000h,000h,000h,000h,0ffh,000h,0ffh,018h,018h,018h,018h,018h,018h,018h,018h ; D1 ╤
        db 000h,000h,000h,000h,000h,000h,000h,0ffh,036h,036h,036h,036h,036h,036h,036h,036h ; D2 ╥
        db 036h,036h,036h,036h,036h,036h,036h,03fh,000h,000h,000h,000h,000h,000h,000h,000h ; D3 ╙
        db 018h,018h,018h,018h,018h,01fh,018h,01fh,000h,000h,000h,000h,000h,000h,000h,000h ; D4 ╘
        db 000h,000h,000h,000h,000h,01fh,018h,01fh,018h,018h,018h,018h,018h,018h,018h,018h ; D5 ╒
        db 000h,000h,000h,000h,000h,000h,000h,03fh,036h,036h,036h,036h,036h,036h,036h,036h ; D6 ╓
        db 036h,036h,036h,036h,036h,036h,036h,0ffh,036h,036h,036h,036h,036h,036h,036h,036h ; D7 ╫
        db 018h,018h,018h,018h,018h,0ffh,018h,0ffh,018h,018h,018h,018h,018h,018h,018h,018h ; D8 ╪
        db 018h,018h,018h,018h,018h,018h,018h,0f8h,000h,000h,000h,000h,000h,000h,000h,000h ; D9 ┘
        db 000h,000h,000h,000h,000h,000h,000h,01fh,018h,018h,018h,018h,018h,018h,018h,018h ; DA ┌
        db 0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh ; DB █
        db 000h,000h,000h,000h,000h,000h,000h,000h,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh ; DC ▄
        db 0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h,0f0h ; DD ▌
        db 00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh,00fh ; DE ▐
        db 0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,0ffh,000h,000h,000h,000h,000h,000h,000h,000h ; DF ▀
        db 000h,000h,000h,000h,000h,076h,0dch,0d8h,0d8h,0d8h,0dch,076h,000h,000h,000h,000h ; E0 α
        db 000h,000h,078h,0cch,0cch,0cch,0d8h,0cch,0c6h,0c6h,0d6h,0dch,000h,000h,000h,000h ; E1 ß
        db 000h,000h,0feh,0c6h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,0c0h,000h,000h,000h,000h ; E2 Γ
        db 000h,000h,000h,000h,000h,0feh,06ch,06ch,06ch,06ch,06ch,066h,000h,000h,000h,000h ; E3 π
        db 000h,000h,0feh,0c6h,060h,030h,018h,030h,060h,0c6h,0c6h,0feh,000h,000h,000h,000h ; E4 Σ
        db 000h,000h,000h,000h,000h,07fh,0d8h,0cch,0cch,0cch,0cch,078h,000h,000h,000h,000h ; E5 σ
        db 000h,000h,000h,000h,000h,0cch,0cch,0cch,0cch,0cch,0cch,0f6h,0c0h,0c0h,0c0h,000h ; E6 µ
        db 000h,000h,000h,000h,000h,07eh,098h,018h,018h,018h,01ah,00ch,000h,000h,000h,000h ; E7 τ
        db 000h,000h,07eh,018h,03ch,066h,066h,066h,066h,03ch,018h,07eh,000h,000h,000h,000h ; E8 Φ
        db 000h,000h,038h,06ch,0c6h,0c6h,0feh,0c6h,0c6h,0c6h,06ch,038h,000h,000h,000h,000h ; E9 Θ
        db 000h,000h,038h,06ch,0c6h,0c6h,0c6h,0c6h,06ch,06ch,06ch,0eeh,000h,000h,000h,000h ; EA Ω
        db 000h,000h,01eh,030h,018h,00ch,03eh,066h,066h,066h,066h,03ch,000h,000h,000h,000h ; EB δ
        db 000h,000h,000h,000h,000h,066h,0dbh,0dbh,0dbh,066h,000h,000h,000h,000h,000h,000h ; EC ∞
        db 000h,000h,000h,003h,006h,07eh,0cfh,0dbh,0f3h,07eh,060h,0c0h,000h,000h,000h,000h ; ED φ
        db 000h,000h,000h,03ch,060h,0c0h,0c0h,0fch,0c0h,0c0h,060h,03ch,000h,000h,000h,000h ; EE ε
        db 000h,000h,000h,07ch,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,0c6h,000h,000h,000h,000h ; EF ∩
        db 000h,000h,000h,000h,0feh,000h,000h,0feh,000h,000h,0feh,000h,000h,000h,000h,000h ; F0 ≡
        db 000h,000h,000h,000h,000h,018h,018h,07eh,018h,018h,000h,07eh,000h,000h,000h,000h ; F1 ±
        db 000h,000h,0c0h,060h,030h,018h,00ch,018h,030h,060h,000h,0feh,000h,000h,000h,000h ; F2 ≥
        db 000h,000h,006h,00ch,018h,030h,060h,030h,018h,00ch,000h,07eh,000h,000h,000h,000h ; F3 ≤
        db 000h,00eh,01bh,01bh,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,018h ; F4 ⌠
        db 018h,018h,018h,018h,018h,018h,018h,018h,018h,018h,0d8h,0d8h,070h,000h,000h,000h ; F5 ⌡
        db 000h,000h,000h,000h,018h,018h,000h,07eh,000h,018h,018h,000h,000h,000h,000h,000h ; F6 ÷
        db 000h,000h,000h,000h,000h,032h,04ch,000h,032h,04ch,000h,000h,000h,000h,000h,000h ; F7 ≈
        db 000h,038h,06ch,06ch,038h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; F8 °
        db 000h,000h,000h,000h,000h,000h,018h,03ch,018h,000h,000h,000h,000h,000h,000h,000h ; F9 ∙
        db 000h,000h,000h,000h,000h,000h,000h,018h,018h,000h,000h,000h,000h,000h,000h,000h ; FA ·
        db 000h,000h,00fh,00ch,00ch,00ch,00ch,00ch,0ech,06ch,06ch,03ch,018h,000h,000h,000h ; FB √
        db 000h,000h,0dch,076h,066h,066h,066h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; FC ⁿ
        db 000h,038h,04ch,00ch,038h,060h,07ch,000h,000h,000h,000h,000h,000h,000h,000h,000h ; FD ²
        db 000h,000h,000h,000h,000h,07eh,07eh,07eh,07eh,07eh,07eh,000h,000h,000h,000h,000h ; FE ■
        db 000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h,000h ; FF no-break space
%if $ - font16 != 256 * 16
%error a font has 256 characters
%endif
