# Sekisho.  `make demo` shows it, `make check` tests it, `make install` puts it in place; the first
# two install the Debian packages they lack.
CC      ?= gcc
CLANG   ?= clang
BUILD   ?= build
PREFIX  ?= /usr
DESTDIR ?=
ROOMS   ?= base classify geo event proto mime unpack tls inspect keep policy plan replay compile kernel control daemon cli

DEPS_BUILD = gcc make pkgconf libc6-dev libfyaml-dev libjson-c-dev libsodium-dev libmnl-dev libnetfilter-conntrack-dev \
             libsystemd-dev libseccomp-dev libcap-dev libarchive-dev libmaxminddb-dev libidn2-dev libsqlite3-dev \
             libmagic-dev zlib1g-dev libssl-dev libpsl-dev
DEPS_DEMO  = $(DEPS_BUILD) bsdextrautils nftables util-linux iproute2 iputils-ping netcat-openbsd curl procps python3
DEPS_CHECK = $(DEPS_DEMO) libcmocka-dev clang libclang-rt-dev llvm clang-format cppcheck mandoc git \
             file jq conntrack openssl tshark tcpdump qemu-system-x86 busybox-static cpio kmod e2fsprogs postfix swaks \
             libnet-ssleay-perl libidn12 libdb5.3 libevent-2.1-7 libgnutls-dane0 libnsl2 libpam0g ethtool zip clamav-daemon \
             c-icap libc-icap-mod-virus-scan
# Mail servers that Debian lets be installed one at a time: unpacked only (tests/lab/fetch).
UNPACKED   = exim4-daemon-light opensmtpd
DEPS_SYSTEMD = $(DEPS_CHECK) mmdebstrap
DEPS_BENCH = $(DEPS_CHECK) iperf3 libpcap-dev
# What the classifier is measured beside, and what counts its instructions; it is built without them too.
DEPS_BENCH_CLASSIFY = $(DEPS_BUILD) jq libdpdk-dev valgrind

LIBS     = libfyaml json-c libsodium libmnl libnetfilter_conntrack libsystemd libseccomp libcap libarchive libmaxminddb libidn2 sqlite3 libmagic zlib libssl libcrypto libpsl
# Texts are cut on purpose where snprintf cuts them; clang has no such warning.
WARN     = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror \
           -Wno-format-truncation -Wno-unknown-warning-option
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT     ?= -O2 -g
VERSION := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1)
CFLAGS  += -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(SAN) -fPIE -D_GNU_SOURCE -Isrc \
           -DSEKISHO_VERSION='"$(VERSION)"' -MMD -MP $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN)
LDLIBS  += $(shell pkg-config --libs $(LIBS) 2>/dev/null)
# Libraries that are looked up at the start cost the command line half a millisecond.  Sanitizers
# need them so; STATIC=-pie for a system without static ones.
CLI_LIBS = libfyaml json-c libsodium libmaxminddb
STATIC  ?= $(if $(SAN),-pie,-static-pie)

# One library of rooms; two programs; what the tests need besides.
MAINS  = src/daemon/sekishod.c src/cli/sekisho.c src/isolate/sekisho-isolate.c
OBJ    = $(patsubst src/%.c,$(BUILD)/%.o,$(filter-out $(MAINS),$(foreach r,$(ROOMS),$(sort $(wildcard src/$r/*.c)))))
LIB    = $(BUILD)/libsekisho.a
PROGS  = $(BUILD)/sekisho $(BUILD)/sekishod
ALONE  = $(BUILD)/sekisho-isolate
UNIT   = $(foreach r,$(ROOMS),$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/$r_*.c))))
HELP   = $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(filter-out %_main.c,$(wildcard tests/reference/*.c)))
FUZZ   = $(patsubst tests/fuzz/%.c,%,$(filter-out %/replay.c,$(sort $(wildcard tests/fuzz/*.c))))
LABS   = $(patsubst tests/lab/%.c,$(BUILD)/lab-%,$(sort $(wildcard tests/lab/*.c))) \
         $(patsubst tests/reference/%_main.c,$(BUILD)/%,$(wildcard tests/reference/*_main.c))
WIRE   = $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(sort $(wildcard tests/lab/*/*.c)))
BENCH  = $(subst bench_classify,bench-classify,$(patsubst tests/bench/%.c,$(BUILD)/%,$(sort $(wildcard tests/bench/*.c))))
BENCH_CLASSIFY = $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(sort $(wildcard tests/bench/classify/*.c)))
DPDK   = $(shell pkg-config --exists libdpdk 2>/dev/null && echo yes)
MAN    = $(BUILD)/man/sekisho-policy.5 $(wildcard docs/man/*.[158])

all: $(PROGS) $(ALONE) $(MAN)

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

# A loop that has to become vectors.
$(BUILD)/proto/smtp_data.o: CFLAGS += -O3

# The vector twins of the classifier's matcher, each for its instructions.
X86 = $(filter x86_64%,$(shell $(CC) -dumpmachine))
$(BUILD)/classify/match_avx2.o: CFLAGS += -O3 $(if $(X86),-mavx2 -mbmi -mbmi2 -mpopcnt -mlzcnt)
$(BUILD)/classify/match_avx512.o: CFLAGS += -O3 $(if $(X86),-mavx512f -mavx512bw -mavx512dq -mavx512vl \
	-mavx512vbmi2 -mbmi -mbmi2 -mpopcnt -mlzcnt)

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests -c -o $@ $<

$(LIB): $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/sekisho: $(BUILD)/cli/sekisho.o $(LIB)
	$(CC) $(filter-out -pie,$(LDFLAGS)) $(STATIC) -o $@ $(filter %.o %.a,$^) \
		$(shell pkg-config --libs $(CLI_LIBS))

$(BUILD)/sekishod: $(BUILD)/daemon/sekishod.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

# Static, with no library but libc: it must run when nothing else does.
$(ALONE): $(BUILD)/isolate/sekisho-isolate.o $(BUILD)/isolate/mnl.o $(LIB)
	$(CC) $(filter-out -pie,$(LDFLAGS)) -static-pie -o $@ $(filter %.o %.a,$^)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(HELP) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS) -lcmocka

$(BUILD)/lab-%: $(BUILD)/tests/lab/%.o $(WIRE) $(HELP) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(BUILD)/%: $(BUILD)/tests/reference/%_main.o $(HELP) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

# libpcap is only what replay is measured beside.
$(BUILD)/bench_replay: LDLIBS += -lpcap
# DPDK's headers are not for our warnings.
$(BUILD)/tests/bench/classify/peer_acl.o: CFLAGS += $(if $(DPDK),-DHAVE_DPDK \
	$(patsubst -I%,-isystem%,$(shell pkg-config --cflags libdpdk)))
$(BUILD)/bench-classify: $(BUILD)/tests/bench/bench_classify.o $(BENCH_CLASSIFY) $(HELP) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS) $(if $(DPDK),-lrte_acl -lrte_eal) -lm
$(BUILD)/bench_%: $(BUILD)/tests/bench/bench_%.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(BUILD)/man/sekisho-policy.5: docs/man/sekisho-policy.5.head docs/man/sekisho-policy.5.tail $(BUILD)/sekisho
	@mkdir -p $(@D)
	(cat docs/man/sekisho-policy.5.head; $(BUILD)/sekisho show manual; cat docs/man/sekisho-policy.5.tail) >$@

objects: $(OBJ) $(MAINS:src/%.c=$(BUILD)/%.o)
unit-programs: $(UNIT)
fuzz-replay: $(FUZZ:%=$(BUILD)/fuzz/%)
# All of it once more, by the other compiler with its own warnings, and with the sanitizers of addresses
# and undefined behaviour: what the tests of parts run in.  Not optimized, it is built in half the time.
sanitized:
	$(MAKE) CC="$(CLANG)" BUILD=$(BUILD)/sanitized OPT="-O0 -g" HARDEN= \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" objects unit-programs fuzz-replay
unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done
golden-update: $(BUILD)/unit/compile_golden
	SEKISHO_UPDATE_GOLDEN=1 $<
# Looks for new inputs: make fuzz FUZZ=policy_read FUZZ_SECONDS=60
fuzz:
	for t in $(FUZZ); do $(MAKE) BUILD=$(BUILD)/libfuzzer CC="$(CLANG)" HARDEN= OPT="-O1 -g" \
		SAN=-fsanitize=address,undefined,fuzzer-no-link $(BUILD)/libfuzzer/libsekisho.a \
		$(BUILD)/libfuzzer/tests/fuzz/$$t.o && \
	$(CLANG) -fsanitize=address,undefined,fuzzer -o $(BUILD)/libfuzzer/$$t $(BUILD)/libfuzzer/tests/fuzz/$$t.o \
		$(BUILD)/libfuzzer/libsekisho.a $(LDLIBS) && \
	$(BUILD)/libfuzzer/$$t -max_total_time=$${FUZZ_SECONDS:-60} tests/fuzz/corpus/$$t || exit 1; done

# Installs what is missing of a list of Debian packages.
install-packages = missing=$$(dpkg-query -W -f='$${Package} $${Status}\n' $(1) 2>/dev/null | \
	awk '/install ok installed/ {print $$1}' | sort -u | \
	comm -13 - <(printf '%s\n' $(1) | sort -u)); [ -z "$$missing" ] || \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }
SHELL = /bin/bash

deps:
	@$(call install-packages,$(DEPS_BUILD))

demo:
	@$(call install-packages,$(DEPS_DEMO))
	@$(MAKE) -s -j2 all lab-programs
	@tests/lab/demo

lab-programs: $(PROGS) $(ALONE) $(LABS)

check:
	@$(call install-packages,$(DEPS_CHECK))
	@BUILD=$(BUILD) tests/lab/fetch $(UNPACKED) || echo "the lab test mail_peers will fail"
	@$(MAKE) -s -j2 all lab-programs
	@BUILD=$(BUILD) tests/check $(STEPS)

# The installed product under systemd in an emulated machine: about four minutes, the first time more.
check-systemd:
	@$(call install-packages,$(DEPS_SYSTEMD))
	@$(MAKE) -s -j2 all
	@BUILD=$(BUILD) tests/stock/systemd/run

# Messages of other programs' tests; needs a network, the first time.
check-corpora:
	@$(call install-packages,$(DEPS_CHECK))
	@$(MAKE) -s -j2 $(BUILD)/lab-mime_parts
	@BUILD=$(BUILD) tests/corpora/run

lint:
	@$(call install-packages,$(DEPS_CHECK))
	@$(MAKE) -s -j2 all
	@BUILD=$(BUILD) tests/lint

bench:
	@$(call install-packages,$(DEPS_BENCH))
	@$(MAKE) -s -j2 all lab-programs $(BENCH)
	@BUILD=$(BUILD) tests/bench/run

# CLASSBENCH=DIR: a folder of rule sets in the ClassBench format, NAME_1k, NAME_10k, with or without .gz.
bench-classify:
	@$(call install-packages,$(DEPS_BENCH_CLASSIFY)) || echo "going on without some of: $(DEPS_BENCH_CLASSIFY)"
	@$(MAKE) -s -j2 $(BUILD)/bench-classify
	@BUILD=$(BUILD) CLASSBENCH=$(CLASSBENCH) tests/bench/classify/run

# Mail over a bad line, 100,000 messages: about half an hour.
soak:
	@$(call install-packages,$(DEPS_CHECK))
	@$(MAKE) -s -j2 all lab-programs $(BUILD)/bench_mail
	@BUILD=$(BUILD) tests/soak

# Mail through the gate beside mail past it, and beside the kernel's queue alone.
bench-mail:
	@$(call install-packages,$(DEPS_DEMO) jq conntrack clamav-daemon clamsmtp)
	@$(MAKE) -s -j2 all lab-programs $(addprefix $(BUILD)/bench_,mail judge queue_floor half_open)
	@BUILD=$(BUILD) tests/bench/mail/run

SHARE = $(DESTDIR)$(PREFIX)/share
UNITS = $(DESTDIR)/lib/systemd/system

install: all
	install -D -m 755 $(BUILD)/sekisho $(DESTDIR)$(PREFIX)/bin/sekisho
	install -D -m 755 $(BUILD)/sekishod $(DESTDIR)$(PREFIX)/sbin/sekishod
	install -D -m 755 $(BUILD)/sekisho-isolate $(DESTDIR)$(PREFIX)/sbin/sekisho-isolate
	install -D -m 644 -t $(UNITS) $(wildcard systemd/*.service)
	install -D -m 755 systemd/motd $(DESTDIR)/etc/update-motd.d/70-sekisho
	install -D -m 644 systemd/sekisho.sysusers $(DESTDIR)/usr/lib/sysusers.d/sekisho.conf
	install -D -m 644 -t $(SHARE)/man/man5 $(filter %.5,$(MAN))
	install -D -m 644 -t $(SHARE)/man/man8 $(filter %.8,$(MAN))
	install -D -m 644 src/cli/completion.bash $(SHARE)/bash-completion/completions/sekisho
	install -D -m 644 -t $(SHARE)/doc/sekisho docs/events.md docs/audit-log.md docs/incidents.md
	install -D -m 644 -t $(SHARE)/doc/sekisho/examples $(wildcard docs/examples/*)
	install -d $(SHARE)/sekisho && cp -r rules $(SHARE)/sekisho/
	$(BUILD)/sekisho show schema >$(SHARE)/sekisho/policy.schema.json
	install -d -m 700 $(DESTDIR)/etc/sekisho $(DESTDIR)/etc/sekisho/rules $(DESTDIR)/var/lib/sekisho
	test -e $(DESTDIR)/etc/sekisho/sekisho.yaml || \
		install -m 600 systemd/sekisho.yaml $(DESTDIR)/etc/sekisho/sekisho.yaml

# Leaves /etc/sekisho and /var/lib/sekisho: they are the administrator's.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/sekisho $(DESTDIR)$(PREFIX)/sbin/sekishod
	rm -f $(DESTDIR)$(PREFIX)/sbin/sekisho-isolate $(DESTDIR)/etc/update-motd.d/70-sekisho
	rm -f $(patsubst systemd/%,$(UNITS)/%,$(wildcard systemd/*.service))
	rm -f $(DESTDIR)/usr/lib/sysusers.d/sekisho.conf
	rm -f $(foreach m,$(notdir $(filter %.5,$(MAN))),$(SHARE)/man/man5/$m)
	rm -f $(foreach m,$(notdir $(filter %.8,$(MAN))),$(SHARE)/man/man8/$m)
	rm -f $(SHARE)/bash-completion/completions/sekisho
	rm -rf $(SHARE)/sekisho $(SHARE)/doc/sekisho

clean:
	rm -rf $(BUILD)

.PHONY: all objects unit unit-programs fuzz-replay sanitized golden-update fuzz deps demo lab-programs check check-systemd check-corpora \
	lint bench bench-classify bench-mail soak install uninstall clean
.SECONDARY:
-include $(shell find $(BUILD) -path '*/stock' -prune -o -name '*.d' -type f -print 2>/dev/null)
