//go:build amd64 && !purego

#include "textflag.h"

// The method is that of Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2021): a byte and the
// one before it are wrong together if three words, found by the nibbles of the one before and by the high nibble of
// the byte, have a bit in common. The bits:
//
//	01  too short: a first byte is followed by a first byte
//	02  too long: an ASCII byte is followed by a continuation
//	04  overlong in three bytes
//	08  above U+10FFFF: F4 90 and up, F5 and up
//	10  surrogate
//	20  overlong in two bytes
//	40  overlong in four bytes; F5 80 and up
//	80  two continuations, which is right behind E0 and up and two behind F0 and up, and wrong elsewhere

// by the high nibble of the byte before
DATA first<>+0(SB)/8, $0x0202020202020202
DATA first<>+8(SB)/8, $0x4915012180808080
DATA first<>+16(SB)/8, $0x0202020202020202
DATA first<>+24(SB)/8, $0x4915012180808080
GLOBL first<>(SB), RODATA|NOPTR, $32

// by the low nibble of the byte before
DATA second<>+0(SB)/8, $0xcbcbcb8b8383a3e7
DATA second<>+8(SB)/8, $0xcbcbdbcbcbcbcbcb
DATA second<>+16(SB)/8, $0xcbcbcb8b8383a3e7
DATA second<>+24(SB)/8, $0xcbcbdbcbcbcbcbcb
GLOBL second<>(SB), RODATA|NOPTR, $32

// by the high nibble of the byte
DATA third<>+0(SB)/8, $0x0101010101010101
DATA third<>+8(SB)/8, $0x01010101babaaee6
DATA third<>+16(SB)/8, $0x0101010101010101
DATA third<>+24(SB)/8, $0x01010101babaaee6
GLOBL third<>(SB), RODATA|NOPTR, $32

DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $8

DATA tops<>+0(SB)/8, $0x8080808080808080
GLOBL tops<>(SB), RODATA|NOPTR, $8

// E0 and F0 less 80: what is left of a byte has the top bit if it was a first byte of three or of four.
DATA three<>+0(SB)/8, $0x6060606060606060
GLOBL three<>(SB), RODATA|NOPTR, $8

DATA four<>+0(SB)/8, $0x7070707070707070
GLOBL four<>(SB), RODATA|NOPTR, $8

// A byte above this one is the first of a character that does not end with the vector.
DATA ends<>+0(SB)/8, $0xffffffffffffffff
DATA ends<>+8(SB)/8, $0xffffffffffffffff
DATA ends<>+16(SB)/8, $0xffffffffffffffff
DATA ends<>+24(SB)/8, $0xbfdfefffffffffff
GLOBL ends<>(SB), RODATA|NOPTR, $32

#define CONSTANTS \
	VMOVDQU      first<>(SB), Y8 \
	VMOVDQU      second<>(SB), Y9 \
	VMOVDQU      third<>(SB), Y10 \
	VPBROADCASTQ nibble<>(SB), Y11 \
	VPBROADCASTQ tops<>(SB), Y12 \
	VPBROADCASTQ three<>(SB), Y13 \
	VPBROADCASTQ four<>(SB), Y14

// ERRORS finds what is wrong with the bytes in v, where Y1, Y2 and Y3 are the vectors that begin one, two and three bytes
// earlier, and leaves it in e.
#define ERRORS(v, e) \
	VPSRLW   $4, Y1, Y4 \
	VPSRLW   $4, v, Y5 \
	VPAND    Y11, Y4, Y4 \
	VPAND    Y11, Y1, Y1 \
	VPAND    Y11, Y5, Y5 \
	VPSHUFB  Y4, Y8, Y4 \
	VPSHUFB  Y1, Y9, Y1 \
	VPSHUFB  Y5, Y10, Y5 \
	VPAND    Y1, Y4, Y4 \
	VPSUBUSB Y13, Y2, Y2 \
	VPSUBUSB Y14, Y3, Y3 \
	VPAND    Y5, Y4, Y4 \
	VPOR     Y2, Y3, Y2 \
	VPAND    Y12, Y2, Y2 \
	VPXOR    Y4, Y2, e

// FIRST makes Y1, Y2 and Y3 for the vector v at the start of the text: zeros come in.
#define FIRST(v) \
	VPERM2I128 $0x08, v, v, Y4 \
	VPALIGNR   $15, Y4, v, Y1 \
	VPALIGNR   $14, Y4, v, Y2 \
	VPALIGNR   $13, Y4, v, Y3

// BEFORE makes Y1, Y2 and Y3 for the vector at at.
#define BEFORE(at) \
	VMOVDQU at-1(SI), Y1 \
	VMOVDQU at-2(SI), Y2 \
	VMOVDQU at-3(SI), Y3

// func checkAVX2(p *byte, n int) (good int)
TEXT ·checkAVX2(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), DX
	MOVQ SI, DI         // the start
	LEAQ (SI)(DX*1), R9 // the end
	CMPQ DX, $64
	JB   few

	// ASCII so far
	LEAQ -128(R9), R8
	CMPQ SI, R8
	JA   ascii64

ascii128:
	VMOVDQU   (SI), Y0
	VMOVDQU   64(SI), Y1
	VPOR      32(SI), Y0, Y0
	VPOR      96(SI), Y1, Y1
	VPOR      Y1, Y0, Y0
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       mixed
	ADDQ      $128, SI
	CMPQ      SI, R8
	JBE       ascii128

ascii64:
	// The last 64 bytes, and the up to 63 in front of them that are left.
	LEAQ      -64(R9), R8
	VMOVDQU   (R8), Y0
	VPOR      32(R8), Y0, Y0
	CMPQ      SI, R8
	JAE       asciiEnd
	VPOR      (SI), Y0, Y0
	VPOR      32(SI), Y0, Y0

asciiEnd:
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JNZ       mixed

all:
	MOVQ       DX, good+16(FP)
	VZEROUPPER
	RET

mixed:
	// Up to SI all is ASCII. SI is a multiple of 64 behind DI, and 64 bytes follow it or it is behind DI.
	CONSTANTS
	LEAQ    -64(R9), R8
	CMPQ    SI, DI
	JNE     loopTest
	VMOVDQU (SI), Y0
	FIRST(Y0)
	ERRORS(Y0, Y6)
	VMOVDQU 32(SI), Y0
	BEFORE(32)
	ERRORS(Y0, Y7)
	VPOR    Y6, Y7, Y6
	VPTEST  Y6, Y6
	JNZ     stop
	ADDQ    $64, SI

loopTest:
	CMPQ SI, R8
	JA   tail

loop:
	VMOVDQU   (SI), Y0
	VMOVDQU   32(SI), Y15
	VPOR      Y0, Y15, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        plain
	BEFORE(0)
	ERRORS(Y0, Y6)
	BEFORE(32)
	ERRORS(Y15, Y7)
	VPOR      Y6, Y7, Y6
	VPTEST    Y6, Y6
	JNZ       stop
	ADDQ      $64, SI
	CMPQ      SI, R8
	JBE       loop
	JMP       tail

plain:
	// 64 bytes of ASCII must not follow a character that is cut.
	VMOVDQU  -32(SI), Y1
	VPSUBUSB ends<>(SB), Y1, Y1
	VPTEST   Y1, Y1
	JNZ      stop

more:
	ADDQ      $64, SI
	CMPQ      SI, R8
	JA        tail
	VMOVDQU   (SI), Y0
	VMOVDQU   32(SI), Y15
	VPOR      Y0, Y15, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        more
	JMP       loop

tail:
	// Up to 63 bytes are left. The last vector may overlap what was looked at.
	MOVQ    R9, CX
	SUBQ    SI, CX
	JZ      all
	VPXOR   Y7, Y7, Y7
	CMPQ    CX, $32
	JBE     end
	VMOVDQU (SI), Y0
	BEFORE(0)
	ERRORS(Y0, Y7)

end:
	MOVQ    SI, R10
	LEAQ    -32(R9), SI
	VMOVDQU (SI), Y0
	BEFORE(0)
	ERRORS(Y0, Y6)
	MOVQ    R10, SI
	VPOR    Y6, Y7, Y6
	VPTEST  Y6, Y6
	JZ      all

stop:
	SUBQ       DI, SI
	MOVQ       SI, good+16(FP)
	VZEROUPPER
	RET

few:
	// 32 to 63 bytes
	VMOVDQU   (SI), Y0
	VPOR      -32(R9), Y0, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        all
	CONSTANTS
	FIRST(Y0)
	ERRORS(Y0, Y6)
	VPTEST    Y6, Y6
	JNZ       stop
	ADDQ      $32, SI
	CMPQ      DX, $35
	JAE       tail
	CMPQ      DX, $32
	JE        all
	JMP       stop

DATA ends64<>+0(SB)/8, $0xffffffffffffffff
DATA ends64<>+8(SB)/8, $0xffffffffffffffff
DATA ends64<>+16(SB)/8, $0xffffffffffffffff
DATA ends64<>+24(SB)/8, $0xffffffffffffffff
DATA ends64<>+32(SB)/8, $0xffffffffffffffff
DATA ends64<>+40(SB)/8, $0xffffffffffffffff
DATA ends64<>+48(SB)/8, $0xffffffffffffffff
DATA ends64<>+56(SB)/8, $0xbfdfefffffffffff
GLOBL ends64<>(SB), RODATA|NOPTR, $64

// WRONG compares what the bytes in Z0 are found to be with what those in front of them make them; Z15 is the vector before. The
// difference is that of Z1 and Z2. VPERMB takes six bits of an index: the tables are there four times, and nothing need be
// masked. VPTERNLOGD 80 is "and" of three, A8 is (Z2 or Z3) and Z12.
#define WRONG \
	VALIGNQ    $6, Z15, Z0, Z4 \
	VPALIGNR   $15, Z4, Z0, Z1 \
	VPALIGNR   $14, Z4, Z0, Z2 \
	VPALIGNR   $13, Z4, Z0, Z3 \
	VPSRLW     $4, Z1, Z5 \
	VPSRLW     $4, Z0, Z6 \
	VPERMB     Z8, Z5, Z5 \
	VPERMB     Z9, Z1, Z1 \
	VPERMB     Z10, Z6, Z6 \
	VPTERNLOGD $0x80, Z5, Z6, Z1 \
	VPSUBUSB   Z13, Z2, Z2 \
	VPSUBUSB   Z14, Z3, Z3 \
	VPTERNLOGD $0xa8, Z12, Z3, Z2

// func checkAVX512(p *byte, n int) (good int)
TEXT ·checkAVX512(SB), NOSPLIT, $0-24
	MOVQ   p+0(FP), SI
	MOVQ   n+8(FP), DX
	MOVQ   SI, DI         // the start
	LEAQ   (SI)(DX*1), R9 // the end
	VPXORQ Z15, Z15, Z15

	// ASCII so far
	LEAQ -256(R9), R8
	CMPQ SI, R8
	JA   ascii

ascii256:
	VMOVDQU64 (SI), Z0
	VMOVDQU64 128(SI), Z1
	VPORQ     64(SI), Z0, Z0
	VPORQ     192(SI), Z1, Z1
	VPORQ     Z1, Z0, Z0
	VPMOVB2M  Z0, K1
	KTESTQ    K1, K1
	JNZ       mixed
	ADDQ      $256, SI
	CMPQ      SI, R8
	JBE       ascii256

ascii:
	LEAQ -64(R9), R8
	CMPQ SI, R8
	JA   asciiRest

ascii64:
	VMOVDQU64 (SI), Z0
	VPMOVB2M  Z0, K1
	KTESTQ    K1, K1
	JNZ       mixed
	ADDQ      $64, SI
	CMPQ      SI, R8
	JBE       ascii64

asciiRest:
	MOVQ       R9, CX
	SUBQ       SI, CX
	JZ         all
	MOVQ       $-1, AX
	SHLQ       CX, AX
	NOTQ       AX
	KMOVQ      AX, K2
	VMOVDQU8.Z (SI), K2, Z0
	VPMOVB2M   Z0, K1
	KTESTQ     K1, K1
	JNZ        mixed

all:
	MOVQ       DX, good+16(FP)
	VZEROUPPER
	RET

mixed:
	// Up to SI all is ASCII.
	VBROADCASTI32X4 first<>(SB), Z8
	VBROADCASTI32X4 second<>(SB), Z9
	VBROADCASTI32X4 third<>(SB), Z10
	VMOVDQU64       ends64<>(SB), Z11
	VPBROADCASTQ    tops<>(SB), Z12
	VPBROADCASTQ    three<>(SB), Z13
	VPBROADCASTQ    four<>(SB), Z14
	LEAQ            -64(R9), R8
	CMPQ            SI, R8
	JA              rest

loop:
	VMOVDQU64 (SI), Z0
	VPMOVB2M  Z0, K1
	KTESTQ    K1, K1
	JZ        plain
	WRONG
	VPCMPUB   $4, Z1, Z2, K1 // differ
	KTESTQ    K1, K1
	JNZ       stop

next:
	VMOVDQA64 Z0, Z15
	ADDQ      $64, SI
	CMPQ      SI, R8
	JBE       loop

rest:
	MOVQ       R9, CX
	SUBQ       SI, CX
	JZ         all
	MOVQ       $-1, AX
	SHLQ       CX, AX
	NOTQ       AX
	KMOVQ      AX, K2
	VMOVDQU8.Z (SI), K2, Z0
	WRONG
	VPCMPUB    $4, Z1, Z2, K2, K1
	KTESTQ     K1, K1
	JZ         all

stop:
	SUBQ       DI, SI
	MOVQ       SI, good+16(FP)
	VZEROUPPER
	RET

plain:
	// ASCII must not follow a character that is cut.
	VPCMPUB $6, Z11, Z15, K1 // above
	KTESTQ  K1, K1
	JZ      next
	JMP     stop
