# SPDX-License-Identifier: MIT
"""Machines for runs and tests: QEMU command lines, commands run inside, the Linux oracle.

qemu    what to boot and the command line for it; the life of the process
guest   a booted machine that runs commands through the agent (userland/vmagent)
disks   their QEMU arguments, modules that Linux needs for them
debug   gdb on a machine
"""
