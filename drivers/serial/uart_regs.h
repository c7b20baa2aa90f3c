/* SPDX-License-Identifier: MIT */
/* Registers of a 16550 (National Semiconductor PC16550D data sheet). */
#ifndef SERIAL_UART_REGS_H
#define SERIAL_UART_REGS_H

#define UART_RBR 0 /* read: received byte */
#define UART_THR 0 /* write: byte to send */
#define UART_DLL 0 /* with LCR_DLAB: divisor */
#define UART_DLM 1
#define UART_IER 1
#define UART_IIR 2 /* read */
#define UART_FCR 2 /* write */
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6
#define UART_SCR 7

#define IER_RX 0x01
#define IER_THRE 0x02
#define IER_LINE 0x04
#define IER_MODEM 0x08

#define IIR_NONE 0x01 /* no interrupt pending */

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04
#define FCR_TRIGGER_14 0xc0

#define LCR_8N1 0x03
#define LCR_STOP2 0x04
#define LCR_PARITY 0x08
#define LCR_EVEN 0x10
#define LCR_STICK 0x20
#define LCR_BREAK 0x40
#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08 /* interrupt line enabled on PCs */
#define MCR_LOOP 0x10

#define LSR_DATA 0x01
#define LSR_OVERRUN 0x02
#define LSR_PARITY 0x04
#define LSR_FRAME 0x08
#define LSR_BREAK 0x10
#define LSR_THRE 0x20
#define LSR_IDLE 0x40

#define MSR_DCTS 0x01
#define MSR_DDCD 0x08
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

#define UART_CLOCK 115200 /* divided by the divisor gives bits per second */
#define UART_FIFO 16

#endif
