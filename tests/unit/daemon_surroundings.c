// Links, addresses, routes and tables against the zones: a row is one thing more than a box where
// nothing contradicts, and what is found of it.
//
//	office 10.20.0.0/16, fd00:20::/64 -- lan0 [ box ] wan0 -- internet (everything else)
//	dmz 192.0.2.0/24 ------------------- dmz0 [     ] mgmt0 (management path)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "daemon/surroundings.h"

enum { LAN = 2, WAN, DMZ, MGMT, STRANGE };

static struct control_rows zones;

static int make_zones(void **state)
{
	static const struct {
		const char *id, *role, *interface, *networks[2];
	} rows[] = {
		{ "self", "gateway", NULL, { NULL } },
		{ "office", "inside", "lan0", { "10.20.0.0/16", "fd00:20::/64" } },
		{ "dmz", "server", "dmz*", { "192.0.2.0/24" } },
		{ "internet", "external", "wan0", { NULL } },
	};
	struct control_writer writer;
	(void)state;
	control_writer_init(&writer, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		control_put_mark(&writer, CTL_ROW);
		control_put_text(&writer, CTL_ID, rows[i].id);
		control_put_text(&writer, CTL_ROLE, rows[i].role);
		control_put_text(&writer, CTL_INTERFACE, rows[i].interface);
		control_put_text(&writer, CTL_NETWORK, rows[i].networks[0]);
		control_put_text(&writer, CTL_NETWORK, rows[i].networks[1]);
	}
	int r = control_rows_read(writer.bytes, writer.size, 100, &zones);
	control_writer_done(&writer);
	return r;
}

static int free_zones(void **state)
{
	(void)state;
	control_rows_done(&zones);
	return 0;
}

static void add_link(struct network *network, uint32_t index, const char *name, bool up)
{
	struct network_link *link = vec_add(&network->links);
	link->index = index;
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->up = true;
	link->carrier = up;
	link->loopback = !strcmp(name, "lo");
}

static void add_address(struct network *network, uint32_t link, const char *text)
{
	struct network_address *address = vec_add(&network->addresses);
	address->link = link;
	assert_int_equal(addr_parse(text, &address->address), 0);
}

static void add_route(struct network *network, uint32_t link, const char *to, const char *via)
{
	struct network_route *route = vec_add(&network->routes);
	route->link = link;
	route->table = 254;
	route->kernel = !via;
	assert_int_equal(addr_range_parse(to, &route->to), 0);
	if (via)
		assert_int_equal(addr_parse(via, &route->via), 0);
}

static void make_box(struct network *network)
{
	*network = (struct network){ 0 };
	add_link(network, 1, "lo", true);
	add_link(network, LAN, "lan0", true);
	add_link(network, WAN, "wan0", true);
	add_link(network, DMZ, "dmz0", true);
	add_link(network, MGMT, "mgmt0", true);
	add_address(network, 1, "127.0.0.1");
	add_address(network, LAN, "10.20.0.1");
	add_address(network, LAN, "fd00:20::1");
	add_address(network, LAN, "fe80::1");
	add_address(network, WAN, "198.51.100.2");
	add_address(network, DMZ, "192.0.2.1");
	add_address(network, MGMT, "10.99.0.1");
	add_route(network, LAN, "10.20.0.0/16", NULL);
	add_route(network, LAN, "10.20.64.0/18", "10.20.0.9");
	add_route(network, LAN, "fe80::/64", NULL);
	add_route(network, DMZ, "192.0.2.0/24", NULL);
	add_route(network, WAN, "198.51.100.0/24", NULL);
	add_route(network, WAN, "0.0.0.0/0", "198.51.100.1");
	add_route(network, WAN, "::/0", "fe80::9");
	add_route(network, MGMT, "10.99.0.0/24", NULL);
}

static void find(struct surroundings *surroundings, const struct network *network,
		 struct findings *findings)
{
	struct zonemap map;
	zonemap_read(&zones, &map);
	findings_begin(findings, 1);
	surroundings_judge_network(surroundings, &map, network, "mgmt0", findings);
	zonemap_done(&map);
}

struct row {
	const char *name;
	const char *address, *route, *via;
	uint32_t link;
	bool strange; // an interface of no zone is there
	int kind, weight, more;
};

static const struct row rows[] = {
	{ "nothing", .kind = -1 },
	{ "one more of the zone", .address = "10.20.255.1", .link = LAN, .kind = -1 },
	{ "one more outside", .address = "203.0.113.9", .link = WAN, .kind = -1 },
	{ "of another zone", .address = "192.0.2.9", .link = LAN, .kind = FINDING_ADDRESS,
	  .weight = FINDING_WARNING },
	{ "of no zone", .address = "10.21.0.1", .link = LAN, .kind = FINDING_ADDRESS,
	  .weight = FINDING_WARNING },
	{ "of a zone, outside", .address = "10.20.3.1", .link = WAN, .kind = FINDING_ADDRESS,
	  .weight = FINDING_WARNING },
	{ "management has what it wants", .address = "10.98.0.1", .link = MGMT, .kind = -1 },
	{ "strange", .strange = true, .kind = FINDING_INTERFACE, .weight = FINDING_NOTE },
	{ "strange with an address", .strange = true, .address = "10.97.0.1", .link = STRANGE,
	  .kind = FINDING_INTERFACE, .weight = FINDING_WARNING },
	{ "strange with a link-local one", .strange = true, .address = "fe80::2", .link = STRANGE,
	  .kind = FINDING_INTERFACE, .weight = FINDING_NOTE },
	{ "default by a strange one", .strange = true, .route = "0.0.0.0/0", .via = "10.97.0.2",
	  .link = STRANGE, .kind = FINDING_UPLINK, .weight = FINDING_ALARM, .more = 1 },
	{ "half of everything by a strange one", .strange = true, .route = "128.0.0.0/1",
	  .via = "10.97.0.2", .link = STRANGE, .kind = FINDING_UPLINK, .weight = FINDING_ALARM,
	  .more = 1 },
	{ "a zone by a strange one", .strange = true, .route = "10.20.5.0/24", .via = "10.97.0.2",
	  .link = STRANGE, .kind = FINDING_UPLINK, .weight = FINDING_ALARM, .more = 1 },
	{ "default by the management", .route = "0.0.0.0/0", .via = "10.99.0.2", .link = MGMT,
	  .kind = FINDING_UPLINK, .weight = FINDING_ALARM },
	{ "the management's own", .route = "10.98.0.0/16", .via = "10.99.0.2", .link = MGMT,
	  .kind = -1 },
	{ "default by an inner zone", .route = "0.0.0.0/0", .via = "10.20.0.2", .link = LAN,
	  .kind = FINDING_UPLINK, .weight = FINDING_ALARM },
	{ "default for IPv6 by an inner zone", .route = "2000::/3", .via = "fd00:20::2",
	  .link = LAN, .kind = FINDING_UPLINK, .weight = FINDING_ALARM },
	{ "into another zone", .route = "192.0.2.128/25", .via = "10.20.0.2", .link = LAN,
	  .kind = FINDING_ROUTE, .weight = FINDING_WARNING },
	{ "into a zone from outside", .route = "10.20.7.0/24", .via = "198.51.100.1", .link = WAN,
	  .kind = FINDING_ROUTE, .weight = FINDING_WARNING },
	{ "into nothing", .route = "10.30.0.0/16", .via = "10.20.0.2", .link = LAN,
	  .kind = FINDING_ROUTE, .weight = FINDING_NOTE },
	{ "more than a zone, outside", .route = "10.0.0.0/8", .via = "198.51.100.1", .link = WAN,
	  .kind = -1 },
};

static void judged(void **state)
{
	const struct row *row = *state;
	struct surroundings surroundings = { 0 };
	struct network network;
	struct findings findings = { 0 };
	make_box(&network);
	if (row->strange)
		add_link(&network, STRANGE, "lte0", true);
	if (row->address)
		add_address(&network, row->link, row->address);
	if (row->route)
		add_route(&network, row->link, row->route, row->via);
	find(&surroundings, &network, &findings);
	for (size_t i = 0; i < findings.list.n; i++)
		print_message("%s\n", findings.list.v[i].words);
	assert_int_equal(findings.list.n, row->kind < 0 ? 0 : 1 + row->more);
	if (row->kind >= 0) {
		const struct finding *last = &findings.list.v[findings.list.n - 1];
		assert_int_equal(last->kind, row->kind);
		assert_int_equal(last->weight, row->weight);
	}
	findings_done(&findings);
	network_done(&network);
	surroundings_done(&surroundings);
}

struct told {
	unsigned fresh, gone;
	char words[FINDING_WORDS_MAX];
};

static void count(void *arg, const struct finding *finding, bool gone)
{
	struct told *told = arg;
	told->fresh += !gone;
	told->gone += gone;
	snprintf(told->words, sizeof(told->words), "%s", finding->words);
}

// An interface that was never up is a note; one that was is a warning; each change is told once.
static void up_and_down(void **state)
{
	struct surroundings surroundings = { 0 };
	struct network network;
	struct findings findings = { 0 };
	struct told told = { 0 };
	(void)state;
	make_box(&network);
	network.links.v[1].carrier = false;
	find(&surroundings, &network, &findings);
	findings_end(&findings, count, &told);
	assert_int_equal(told.fresh, 1);
	assert_int_equal(findings.list.v[0].weight, FINDING_NOTE);
	assert_string_equal(told.words, "interface lan0 of zone office has no carrier");
	find(&surroundings, &network, &findings);
	findings_end(&findings, count, &told);
	assert_int_equal(told.fresh, 1);
	network.links.v[1].carrier = true;
	find(&surroundings, &network, &findings);
	findings_end(&findings, count, &told);
	assert_int_equal(told.gone, 1);
	assert_int_equal(findings.list.n, 0);
	network.links.v[1].carrier = network.links.v[1].up = false;
	find(&surroundings, &network, &findings);
	findings_end(&findings, count, &told);
	assert_int_equal(told.fresh, 2);
	assert_int_equal(findings.list.v[0].weight, FINDING_WARNING);
	assert_string_equal(told.words, "interface lan0 of zone office is down");
	findings_done(&findings);
	network_done(&network);
	surroundings_done(&surroundings);
}

// Two routes to the same, by the same link: each is told once, and neither again.
static void twice(void **state)
{
	struct surroundings surroundings = { 0 };
	struct network network;
	struct findings findings = { 0 };
	struct told told = { 0 };
	(void)state;
	make_box(&network);
	add_route(&network, LAN, "0.0.0.0/0", "10.20.0.2");
	add_route(&network, LAN, "0.0.0.0/0", "10.20.0.3");
	add_route(&network, LAN, "0.0.0.0/0", "10.20.0.3");
	for (int i = 0; i < 3; i++) {
		find(&surroundings, &network, &findings);
		findings_end(&findings, count, &told);
	}
	assert_int_equal(told.fresh, 2);
	assert_int_equal(told.gone, 0);
	findings_done(&findings);
	network_done(&network);
	surroundings_done(&surroundings);
}

// The link under a VLAN and the ports of a bridge are seen on the other; a program is told of.
static void parts(void **state)
{
	struct surroundings surroundings = { 0 };
	struct network network;
	struct findings findings = { 0 };
	(void)state;
	make_box(&network);
	add_link(&network, STRANGE, "eth0", true);
	network.links.v[1].lower = STRANGE;
	add_link(&network, STRANGE + 1, "port0", true);
	network.links.v[5 + 1].master = DMZ;
	find(&surroundings, &network, &findings);
	assert_int_equal(findings.list.n, 0);
	network.links.v[1].program = true;
	find(&surroundings, &network, &findings);
	assert_int_equal(findings.list.n, 1);
	assert_int_equal(findings.list.v[0].weight, FINDING_WARNING);
	network.links.v[2].classifies = true;
	find(&surroundings, &network, &findings);
	assert_int_equal(findings.list.n, 2);
	findings_done(&findings);
	network_done(&network);
	surroundings_done(&surroundings);
}

// Beyond the limit they are counted, and an endless list is not told endlessly.
static void too_many(void **state)
{
	struct findings findings = { 0 };
	struct told told = { 0 };
	(void)state;
	findings_begin(&findings, 1);
	for (int i = 0; i < FINDINGS_MAX + 10; i++) {
		char subject[16];
		snprintf(subject, sizeof(subject), "%d", i);
		findings_add(&findings, FINDING_ROUTE, FINDING_NOTE, subject, "route %d", i);
	}
	findings_end(&findings, count, &told);
	assert_int_equal(told.fresh, FINDINGS_MAX);
	assert_int_equal(findings.beyond, 10);
	findings_begin(&findings, 2);
	findings_end(&findings, count, &told);
	assert_int_equal(told.gone, FINDINGS_MAX);
	findings_done(&findings);
}

static void foreign_tables(void **state)
{
	static const struct {
		unsigned does;
		enum finding_weight weight;
	} table[] = {
		{ 0, FINDING_NOTE },
		{ FOREIGN_DROPS, FINDING_WARNING },
		{ FOREIGN_DROPS | FOREIGN_TRANSLATES, FINDING_WARNING },
		{ FOREIGN_DROPS | FOREIGN_OFFLOADS, FINDING_ALARM },
		{ ~0U, FINDING_ALARM },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct foreign foreign = { 0 };
		struct findings findings = { 0 };
		struct foreign_table *one = vec_add(&foreign.tables);
		one->family = NFPROTO_INET;
		strcpy(one->name, "x");
		one->does = table[i].does;
		findings_begin(&findings, 1);
		surroundings_judge_foreign(&foreign, &findings);
		assert_int_equal(findings.list.n, 1);
		assert_int_equal(findings.list.v[0].weight, table[i].weight);
		findings_done(&findings);
		foreign_done(&foreign);
	}
}

int main(void)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static struct CMUnitTest tests[ROWS + 5];
	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = judged,
						.initial_state = (void *)&rows[i] };
	tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(up_and_down);
	tests[ROWS + 1] = (struct CMUnitTest)cmocka_unit_test(parts);
	tests[ROWS + 2] = (struct CMUnitTest)cmocka_unit_test(too_many);
	tests[ROWS + 3] = (struct CMUnitTest)cmocka_unit_test(foreign_tables);
	tests[ROWS + 4] = (struct CMUnitTest)cmocka_unit_test(twice);
	return cmocka_run_group_tests_name("surroundings", tests, make_zones, free_zones);
}
