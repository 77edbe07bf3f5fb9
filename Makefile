# Sekisho: make demo shows it, make check tests it, make install puts it in place.
CC      ?= gcc
BUILD   ?= build
PREFIX  ?= /usr
DESTDIR ?=
ROOMS   ?= base event policy plan compile kernel control daemon cli

LIBS     = libfyaml json-c libmnl libnftnl libsystemd libseccomp libcap
WARN     = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPT     ?= -O2 -g
CFLAGS  += -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(SAN) -D_GNU_SOURCE -Isrc \
           -DSEKISHO_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(LIBS) 2>/dev/null) -MMD -MP
LDFLAGS += -pie -Wl,-z,relro,-z,now $(SAN)
LDLIBS  += $(shell pkg-config --libs $(LIBS) 2>/dev/null)
VERSION := $(shell sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -1)

MAINS  = src/daemon/sekishod.c src/cli/sekisho.c
SRC    = $(filter-out $(MAINS),$(foreach r,$(ROOMS),$(sort $(wildcard src/$r/*.c))))
OBJ    = $(SRC:src/%.c=$(BUILD)/%.o)
LIB    = $(BUILD)/libsekisho.a
PROGS  = $(BUILD)/sekisho $(BUILD)/sekishod
UNIT   = $(foreach r,$(ROOMS),$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/$r_*.c))))

all: $(PROGS)

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(LIB): $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/sekisho: $(BUILD)/cli/sekisho.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/sekishod: $(BUILD)/daemon/sekishod.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests -o $@ $< $(LDFLAGS) $(LIB) $(LDLIBS) -lcmocka

unit: $(UNIT)
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
-include $(OBJ:.o=.d)
