# SPDX-License-Identifier: MIT
obj-y += queue.o send.o force.o mask.o action.o kill.o wait.o deliver.o stop.o signalfd.o
