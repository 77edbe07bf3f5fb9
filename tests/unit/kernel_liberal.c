// Connections of every translation, as conntrack(8) puts them in: found by what the forward hook
// shows of them, in both directions, and marked so that both of theirs are not judged.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "base/clock.h"
#include "kernel/liberal.h"
#include "kernel_net.h"

enum { CLIENT_PORT = 4000, SERVER_PORT = 25 };

static struct liberal *liberal;

static int begin(void **state)
{
	(void)state;
	return liberal_open(&liberal);
}

static int end(void **state)
{
	(void)state;
	liberal_close(liberal);
	return net_run("conntrack -F >/dev/null 2>&1");
}

struct counts {
	unsigned all, liberal;
};

static int count(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct counts *counts = data;
	uint8_t both = nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_ORIG) &
		       nfct_get_attr_u8(ct, ATTR_TCP_FLAGS_REPL);

	(void)type;
	counts->all++;
	counts->liberal += (both & IP_CT_TCP_FLAG_BE_LIBERAL) != 0;
	return NFCT_CB_CONTINUE;
}

static struct counts look(void)
{
	struct nfct_handle *handle = nfct_open(CONNTRACK, 0);
	struct counts counts = { 0 };
	uint32_t family = AF_UNSPEC;

	assert_non_null(handle);
	nfct_callback_register(handle, NFCT_T_ALL, count, &counts);
	assert_int_equal(nfct_query(handle, NFCT_Q_DUMP, &family), 0);
	nfct_close(handle);
	return counts;
}

static int clear_one(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct nfct_handle *handle = nfct_open(CONNTRACK, 0);
	struct nf_conntrack *same = nfct_new();

	(void)type;
	(void)data;
	nfct_copy(same, ct, NFCT_CP_ORIG);
	nfct_set_attr_u8(same, ATTR_TCP_FLAGS_ORIG, 0);
	nfct_set_attr_u8(same, ATTR_TCP_MASK_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(same, ATTR_TCP_FLAGS_REPL, 0);
	nfct_set_attr_u8(same, ATTR_TCP_MASK_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);
	assert_int_equal(nfct_query(handle, NFCT_Q_UPDATE, same), 0);
	nfct_destroy(same);
	nfct_close(handle);
	return NFCT_CB_CONTINUE;
}

// conntrack(8) makes all that it puts in liberal.
static void clear(void)
{
	struct nfct_handle *handle = nfct_open(CONNTRACK, 0);
	uint32_t family = AF_UNSPEC;

	nfct_callback_register(handle, NFCT_T_ALL, clear_one, NULL);
	assert_int_equal(nfct_query(handle, NFCT_Q_DUMP, &family), 0);
	nfct_close(handle);
	assert_int_equal(look().liberal, 0);
}

static void insert(const char *what)
{
	assert_int_equal(
		net_run("conntrack -I -t 600 -p tcp --state ESTABLISHED -u SEEN_REPLY -m 1 "
			"--sport 4000 --dport 25 %s >/dev/null 2>&1",
			what),
		0);
}

static struct liberal_peers peers(const char *client, const char *server)
{
	struct liberal_peers peers = { .source_port = CLIENT_PORT,
				       .destination_port = SERVER_PORT };

	assert_int_equal(addr_parse(client, &peers.source), 0);
	assert_int_equal(addr_parse(server, &peers.destination), 0);
	return peers;
}

// What the forward hook shows: the client as it is, the server as it is.
static const struct row {
	const char *name, *insert, *client, *server;
} rows[] = {
	{ "none", "-s 10.0.0.1 -d 10.0.0.2", "10.0.0.1", "10.0.0.2" },
	{ "none, IPv6", "-s fd00::1 -d fd00::2", "fd00::1", "fd00::2" },
	{ "destination",
	  "-s 10.0.0.1 -d 198.51.100.1 -r 10.0.0.2 -q 10.0.0.1 --reply-port-src 25 "
	  "--reply-port-dst 4000",
	  "10.0.0.1", "10.0.0.2" },
	{ "source",
	  "-s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 198.51.100.1 --reply-port-src 25 "
	  "--reply-port-dst 6000",
	  "10.0.0.1", "10.0.0.2" },
	{ "both",
	  "-s 10.0.0.1 -d 198.51.100.1 -r 10.0.0.2 -q 198.51.100.2 --reply-port-src 25 "
	  "--reply-port-dst 6000",
	  "10.0.0.1", "10.0.0.2" },
	{ "both, IPv6",
	  "-s fd00::1 -d 2001:db8::1 -r fd00::2 -q 2001:db8::2 --reply-port-src 25 "
	  "--reply-port-dst 6000",
	  "fd00::1", "fd00::2" },
};

static void every_translation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct liberal_peers there = peers(rows[i].client, rows[i].server);
		const struct liberal_peers back = { there.destination, there.source,
						    there.destination_port, there.source_port };

		for (int way = 0; way < 2; way++) {
			int r;

			insert(rows[i].insert);
			insert("-s 10.9.9.9 -d 10.0.0.2"); // another, which is left alone
			clear();
			r = liberal_set(liberal, way ? &back : &there);
			struct counts counts = look();
			if (r < 0 || counts.all != 2 || counts.liberal != 1)
				fail_msg("%s, way %d: %s, %u of %u", rows[i].name, way,
					 strerror(-r), counts.liberal, counts.all);
			assert_int_equal(net_run("conntrack -F >/dev/null 2>&1"), 0);
		}
	}
}

static void one_that_is_not_known(void **state)
{
	struct liberal_peers there = peers("10.0.0.1", "10.0.0.2");
	uint64_t begun;
	int r;

	(void)state;
	insert("-s 10.9.9.9 -d 10.0.0.2");
	clear();
	r = liberal_set(liberal, &there);
	assert_int_equal(r, -ENOENT);
	assert_int_equal(look().liberal, 0);
	// The table is not looked through as often as a stranger likes, if each look does not take
	// long.
	begun = monotonic_ms();
	for (uint64_t looks = 1; r == -ENOENT && monotonic_ms() < begun + 3000; looks++) {
		assert_true(looks <= LIBERAL_LOOKS * ((monotonic_ms() - begun) / 1000 + 2));
		r = liberal_set(liberal, &there);
	}
	assert_true(r == -EBUSY || r == -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_translation, begin, end),
		cmocka_unit_test_setup_teardown(one_that_is_not_known, begin, end),
	};

	net_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
