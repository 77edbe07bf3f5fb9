// Connection tracking in a namespace of its own: what conntrack(8) puts in is read, and deleted
// entry by entry; the ways that the kernel tells.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "kernel/conntrack.h"
#include "kernel/routes.h"
#include "kernel_net.h"

enum { TCP = 6, UDP = 17, ICMP = 1, SEEN_MAX = 600, MANY = 300 };

struct seen {
	struct conntrack_entry v[SEEN_MAX];
	size_t n;
};

static struct conntrack *conntrack;

static int take(void *arg, const struct conntrack_entry *entry)
{
	struct seen *seen = arg;

	assert_true(seen->n < SEEN_MAX);
	seen->v[seen->n++] = *entry;
	return 0;
}

static void read_all(struct seen *seen)
{
	seen->n = 0;
	assert_int_equal(conntrack_dump(conntrack, take, seen), 0);
}

static int begin(void **state)
{
	(void)state;
	return conntrack_open(&conntrack);
}

static int end(void **state)
{
	(void)state;
	conntrack_close(conntrack);
	return net_run("conntrack -F >/dev/null 2>&1");
}

static void insert(const char *what)
{
	assert_int_equal(net_run("conntrack -I -t 600 %s >/dev/null 2>&1", what), 0);
}

struct kind {
	const char *name, *insert, *text;
};

static const struct kind kinds[] = {
	{ "tcp",
	  "-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 4000 --dport 443 --state ESTABLISHED -u "
	  "SEEN_REPLY,ASSURED",
	  "ipv4 tcp 6 600 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=443 "
	  "src=10.0.0.2 dst=10.0.0.1 sport=443 dport=4000 [ASSURED] mark=0" },
	{ "udp over IPv6", "-p udp -s fd00::1 -d fd00::2 --sport 4000 --dport 53 -m 7",
	  "ipv6 udp 17 600 src=fd00::1 dst=fd00::2 sport=4000 dport=53 [UNREPLIED] src=fd00::2 "
	  "dst=fd00::1 sport=53 dport=4000 mark=7" },
	{ "ping", "-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 99",
	  "ipv4 icmp 1 600 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=99 [UNREPLIED] "
	  "src=10.0.0.2 dst=10.0.0.1 mark=0" },
	{ "translated",
	  "-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 4000 --dport 443 --state ESTABLISHED "
	  "-r 10.0.0.9 -q 10.0.0.8 --reply-port-src 443 --reply-port-dst 4000 -u SEEN_REPLY",
	  "ipv4 tcp 6 600 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=443 "
	  "src=10.0.0.9 dst=10.0.0.8 sport=443 dport=4000 mark=0" },
};

// Read as it is, and deleted by what was read.
static void comes_and_goes(void **state)
{
	const struct kind *kind = *state;
	static struct seen seen;
	char text[CONNTRACK_TEXT_MAX];
	const struct conntrack_entry *entry = &seen.v[0];
	bool deleted;

	insert(kind->insert);
	read_all(&seen);
	assert_int_equal(seen.n, 1);
	assert_in_range(entry->timeout_s, 1, 600);
	seen.v[0].timeout_s = 600;
	conntrack_text(entry, text, sizeof(text));
	assert_string_equal(text, kind->text);
	assert_int_equal(conntrack_delete(conntrack, &entry, 1, &deleted), 0);
	assert_true(deleted);
	read_all(&seen);
	assert_int_equal(seen.n, 0);
}

static void one_that_is_gone_is_not_counted(void **state)
{
	static struct seen seen, later;
	const struct conntrack_entry *both[2] = { &seen.v[0], &seen.v[1] };
	bool deleted[2];

	(void)state;
	insert("-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 53");
	insert("-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 2 --dport 53");
	read_all(&seen);
	assert_int_equal(seen.n, 2);
	size_t gone = seen.v[0].original.source_port == 1 ? 0 : 1;

	assert_int_equal(net_run("conntrack -D -p udp --sport 1 >/dev/null 2>&1"), 0);
	assert_int_equal(conntrack_delete(conntrack, both, 2, deleted), 0);
	assert_false(deleted[gone]);
	assert_true(deleted[1 - gone]);
	read_all(&later);
	assert_int_equal(later.n, 0);
}

static void many_in_batches(void **state)
{
	static struct seen seen;
	static const struct conntrack_entry *all[SEEN_MAX];
	static bool deleted[SEEN_MAX];

	(void)state;
	assert_int_equal(
		net_run("for i in $(seq %d); do echo -I -t 600 -p udp -s 10.0.0.1 "
			"-d 10.0.0.2 --sport $i --dport 53; done >/tmp/conntrack.$$ && "
			"conntrack -R /tmp/conntrack.$$ >/dev/null 2>&1; rm /tmp/conntrack.$$",
			MANY),
		0);
	read_all(&seen);
	assert_int_equal(seen.n, MANY);
	assert_true(seen.n > CONNTRACK_BATCH);
	for (size_t i = 0; i < seen.n; i++)
		all[i] = &seen.v[i];
	assert_int_equal(conntrack_delete(conntrack, all, seen.n - 1, deleted), 0);
	for (size_t i = 0; i + 1 < seen.n; i++)
		assert_true(deleted[i]);
	read_all(&seen);
	assert_int_equal(seen.n, 1);
}

static int give_up(void *arg, const struct conntrack_entry *entry)
{
	(void)arg;
	(void)entry;
	return -ECANCELED;
}

// Nothing of a dump that was given up is taken for a later one's.
static void a_dump_that_was_given_up(void **state)
{
	static struct seen seen;

	(void)state;
	insert("-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1 --dport 53");
	insert("-p udp -s 10.0.0.1 -d 10.0.0.2 --sport 2 --dport 53");
	assert_int_equal(conntrack_dump(conntrack, give_up, NULL), -ECANCELED);
	read_all(&seen);
	assert_int_equal(seen.n, 2);
}

static void touches(void **state)
{
	static struct seen seen;
	struct addr_range range;
	static const struct {
		const char *range;
		bool touches;
	} rows[] = {
		{ "10.0.0.1", true }, { "10.0.0.0/30", true },	{ "10.0.0.8", true },
		{ "10.0.0.9", true }, { "10.0.0.4/30", false }, { "fd00::/8", false },
	};

	(void)state;
	insert(kinds[3].insert);
	read_all(&seen);
	assert_int_equal(seen.n, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(addr_range_parse(rows[i].range, &range), 0);
		assert_int_equal(conntrack_touches(&seen.v[0], &range, 1), rows[i].touches);
	}
}

// --- ways

struct addresses {
	bool own, own6, broadcast;
};

static void note_address(void *arg, const struct addr *addr, bool broadcast)
{
	struct addresses *addresses = arg;
	char text[ADDR_TEXT_MAX];

	addr_text(addr, text);
	addresses->own |= !broadcast && strcmp(text, "10.9.0.1") == 0;
	addresses->own6 |= !broadcast && strcmp(text, "fd09::1") == 0;
	addresses->broadcast |= broadcast && strcmp(text, "10.9.0.255") == 0;
}

static void ways_are_told(void **state)
{
	static const char *const texts[] = { "10.9.0.7",    "198.51.100.7", "fd09::7",
					     "203.0.113.7", "192.0.2.7",    "10.9.0.1" };
	enum { N = sizeof(texts) / sizeof(texts[0]) };
	struct addr addrs[N * 40];
	uint32_t indexes[N * 40];
	struct addresses addresses = { 0 };
	struct routes *routes;

	(void)state;
	assert_int_equal(net_run("ip link add w1 index 71 type veth peer name p1 && ip link add w2 "
				 "index 72 type veth peer name p2 && for i in w1 p1 w2 p2; do ip "
				 "link set $i up; done && "
				 "ip addr add 10.9.0.1/24 brd + dev w1 && "
				 "ip addr add fd09::1/64 dev w1 nodad && "
				 "ip route add 198.51.100.0/24 via 10.9.0.2 && "
				 "ip route add 203.0.113.0/24 dev w2 && "
				 "ip route add blackhole 192.0.2.0/24"),
			 0);
	for (size_t i = 0; i < N * 40; i++) // more than one batch
		assert_int_equal(addr_parse(texts[i % N], &addrs[i]), 0);
	assert_int_equal(routes_open(&routes), 0);
	assert_int_equal(routes_addresses(routes, note_address, &addresses), 0);
	assert_true(addresses.own && addresses.own6 && addresses.broadcast);
	assert_int_equal(routes_interfaces(routes, addrs, N * 40, indexes), 0);
	for (size_t i = 0; i < N * 40; i += N) {
		assert_int_equal(indexes[i], 71);
		assert_int_equal(indexes[i + 1], 71);
		assert_int_equal(indexes[i + 2], 71);
		assert_int_equal(indexes[i + 3], 72);
		assert_int_equal(indexes[i + 4], 0);
		assert_int_equal(indexes[i + 5], 0); // its own: there is no way out
	}
	routes_close(routes);
}

int main(void)
{
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), MORE = 5 };
	struct CMUnitTest tests[KINDS + MORE];
	size_t n = 0;

	net_enter();
	net_run("ip link set lo up");
	for (; n < KINDS; n++)
		tests[n] = (struct CMUnitTest){ kinds[n].name, comes_and_goes, begin, end,
						(void *)&kinds[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(
		one_that_is_gone_is_not_counted, begin, end);
	tests[n++] =
		(struct CMUnitTest)cmocka_unit_test_setup_teardown(many_in_batches, begin, end);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(a_dump_that_was_given_up,
									begin, end);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(touches, begin, end);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(ways_are_told);
	return _cmocka_run_group_tests("conntrack", tests, n, NULL, NULL);
}
