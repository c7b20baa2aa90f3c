# SPDX-License-Identifier: MIT
obj-y += pipe.o poll_wait.o poll.o select.o eventfd.o epoll.o splice.o
obj-y += futex.o futex_robust.o futex_pi.o
