/* SPDX-License-Identifier: MIT */
/* Terminal settings of the Linux ABI (x86_64). */
#ifndef UAPI_TERMIOS_H
#define UAPI_TERMIOS_H

#include <kernel/types.h>

typedef u8 cc_t;
typedef u32 tcflag_t;
typedef u32 speed_t;

#define NCC 8
#define NCCS 19

struct winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

struct termio { /* TCGETA, TCSETA */
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[NCC];
};

struct termios { /* TCGETS, TCSETS */
	tcflag_t c_iflag, c_oflag, c_cflag, c_lflag;
	cc_t c_line;
	cc_t c_cc[NCCS];
};

struct ktermios { /* TCGETS2, TCSETS2, and inside the kernel */
	tcflag_t c_iflag, c_oflag, c_cflag, c_lflag;
	cc_t c_line;
	cc_t c_cc[NCCS];
	speed_t c_ispeed, c_ospeed;
};

_Static_assert(sizeof(struct termio) == 18, "termio");
_Static_assert(sizeof(struct termios) == 36, "termios");
_Static_assert(sizeof(struct ktermios) == 44, "termios2");

/* c_cc */
#define VINTR 0
#define VQUIT 1
#define VERASE 2
#define VKILL 3
#define VEOF 4
#define VTIME 5
#define VMIN 6
#define VSWTC 7
#define VSTART 8
#define VSTOP 9
#define VSUSP 10
#define VEOL 11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE 14
#define VLNEXT 15
#define VEOL2 16

/* c_iflag */
#define IGNBRK 0x0001u
#define BRKINT 0x0002u
#define IGNPAR 0x0004u
#define PARMRK 0x0008u
#define INPCK 0x0010u
#define ISTRIP 0x0020u
#define INLCR 0x0040u
#define IGNCR 0x0080u
#define ICRNL 0x0100u
#define IUCLC 0x0200u
#define IXON 0x0400u
#define IXANY 0x0800u
#define IXOFF 0x1000u
#define IMAXBEL 0x2000u
#define IUTF8 0x4000u

/* c_oflag */
#define OPOST 0x0001u
#define OLCUC 0x0002u
#define ONLCR 0x0004u
#define OCRNL 0x0008u
#define ONOCR 0x0010u
#define ONLRET 0x0020u
#define OFILL 0x0040u
#define OFDEL 0x0080u
#define TABDLY 0x1800u
#define XTABS 0x1800u

/* c_cflag */
#define CBAUD 0x100fu
#define CBAUDEX 0x1000u
#define B0 0u
#define B50 1u
#define B9600 13u
#define B38400 15u
#define BOTHER 0x1000u
#define B57600 0x1001u
#define B115200 0x1002u
#define CSIZE 0x0030u
#define CS5 0x0000u
#define CS6 0x0010u
#define CS7 0x0020u
#define CS8 0x0030u
#define CSTOPB 0x0040u
#define CREAD 0x0080u
#define PARENB 0x0100u
#define PARODD 0x0200u
#define HUPCL 0x0400u
#define CLOCAL 0x0800u
#define CMSPAR 0x40000000u
#define CRTSCTS 0x80000000u
#define IBSHIFT 16

/* c_lflag */
#define ISIG 0x00001u
#define ICANON 0x00002u
#define XCASE 0x00004u
#define ECHO 0x00008u
#define ECHOE 0x00010u
#define ECHOK 0x00020u
#define ECHONL 0x00040u
#define NOFLSH 0x00080u
#define TOSTOP 0x00100u
#define ECHOCTL 0x00200u
#define ECHOPRT 0x00400u
#define ECHOKE 0x00800u
#define FLUSHO 0x01000u
#define PENDIN 0x04000u
#define IEXTEN 0x08000u
#define EXTPROC 0x10000u

/* tcflow, tcflush */
#define TCOOFF 0
#define TCOON 1
#define TCIOFF 2
#define TCION 3
#define TCIFLUSH 0
#define TCOFLUSH 1
#define TCIOFLUSH 2

/* TIOCM* */
#define TIOCM_LE 0x001
#define TIOCM_DTR 0x002
#define TIOCM_RTS 0x004
#define TIOCM_CTS 0x020
#define TIOCM_CAR 0x040
#define TIOCM_RNG 0x080
#define TIOCM_DSR 0x100
#define TIOCM_OUT1 0x2000
#define TIOCM_OUT2 0x4000
#define TIOCM_LOOP 0x8000

/* First byte of a read from a pseudo-terminal master in packet mode. */
#define TIOCPKT_DATA 0
#define TIOCPKT_FLUSHREAD 1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP 4
#define TIOCPKT_START 8
#define TIOCPKT_NOSTOP 16
#define TIOCPKT_DOSTOP 32
#define TIOCPKT_IOCTL 64

#endif
