# SPDX-License-Identifier: GPL-2.0-only
#
# ptx: see README.md. Everything built lands in build/, but for the module,
# which kbuild makes in place.

KDIR	?= /lib/modules/$(shell uname -r)/build
PREFIX	?= /usr/local
DESTDIR	?=
VERSION	:= $(shell sed -n 's/^ptx-version := //p' Kbuild)
LAB	:= tools/lab/lab

all: module userspace

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make                  the module for the running kernel (or KDIR=) and userspace
## make userspace        libraries and programs only; needs no kernel headers
## make demo             install what is needed, build, and show the main job in the lab
## make check            install what is needed, and pass every test
## make soak             the long versions: 200 rounds of killing, long races
## make bench            benchmarks, as ratios
## make lint             static checks
## make install          module, programs, libraries, man pages (PREFIX=, DESTDIR=)
## make uninstall        take them away again
## make dkms-install     register the module with DKMS, build and install it
## make dkms-uninstall   take it out of DKMS again
## make clean            remove what was built; the lab's kernels stay cached

module:
	@[ -e "$(KDIR)/Makefile" ] || { \
		echo "No kernel headers at $(KDIR): install linux-headers-$$(uname -r), or give KDIR=" >&2; \
		exit 1; }
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" modules

userspace:
	$(MAKE) -C userspace

setup:
	tools/setup

demo: setup
	$(MAKE) userspace
	tools/demo

check: setup
	tools/check

soak: setup
	tools/check --soak

bench: setup
	$(MAKE) userspace
	tools/bench/bench

lint: setup
	tools/lint

install: module userspace
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" $(if $(DESTDIR),INSTALL_MOD_PATH="$(DESTDIR)") modules_install
	$(MAKE) -C userspace install

uninstall:
	$(MAKE) -C userspace uninstall
	rm -f "$(DESTDIR)/lib/modules/$$(uname -r)/updates/ptx.ko"*
	[ -n "$(DESTDIR)" ] || depmod

dkms-install:
	tools/packaging/dkms install

dkms-uninstall:
	tools/packaging/dkms uninstall

clean:
	rm -rf build
	[ ! -e "$(KDIR)/Makefile" ] || $(MAKE) -C "$(KDIR)" M="$(CURDIR)" clean

export KDIR PREFIX DESTDIR VERSION
.PHONY: all help module userspace setup demo check soak bench lint install \
	uninstall dkms-install dkms-uninstall clean
