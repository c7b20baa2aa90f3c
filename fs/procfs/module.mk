# SPDX-License-Identifier: MIT
obj-y += textfile.o tree.o root.o root_show.o pid.o fd.o pid_show.o maps.o
