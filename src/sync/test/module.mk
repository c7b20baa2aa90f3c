# SPDX-License-Identifier: MIT
obj-$(CONFIG_KTEST) += sync_test.o rcu_test.o workqueue_test.o
obj-$(if $(CONFIG_KTEST),$(CONFIG_LOCKDEP)) += lockdep_test.o
