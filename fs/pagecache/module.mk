# SPDX-License-Identifier: MIT
obj-y += cache.o file_rw.o readahead.o lru.o writeback.o flusher.o block_io.o vmstat.o direct.o sys_advise.o
obj-$(CONFIG_KTEST) += ktest_pagecache.o
