// What a policy means, as text: classes and cells, translations, settings, and the plan's answers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

#define ZONES                                                                                      \
	"zones:\n"                                                                                 \
	"  a: { interfaces: [e0, vlan*], networks: [10.0.0.0/16, 'fd00::/32'] }\n"                 \
	"  b: { role: server, interfaces: [e1], networks: [192.0.2.0/24] }\n"                      \
	"  c: { role: external, interfaces: [e2], mss: 1400 }\n"                                   \
	"networks:\n"                                                                              \
	"  a/pc: [10.0.0.5]\n"                                                                     \
	"  a/lab: [10.0.1.0/24]\n"                                                                 \
	"  a/six: ['fd00::5']\n"                                                                   \
	"  b/web: [192.0.2.80]\n"                                                                  \
	"  b/web2: [192.0.2.81]\n"                                                                 \
	"  pair: { addresses: [10.0.0.5, 10.0.0.6, 192.0.2.80], except: [10.0.0.6] }\n"            \
	"  self/lan: [10.0.0.1]\n"                                                                 \
	"guards: { mail: { protocol: smtp, senders: [a] } }\n"                                     \
	"owners: { soumu: 総務課 }\n"

enum { TEXT_MAX = 64 * 1024 };

static struct plan *make(const char *text, struct diag *diag)
{
	struct pol_policy *policy = NULL;
	struct plan *plan = NULL;

	if (policy_read_text("p.yaml", text, strlen(text), diag, &policy, NULL) == 0)
		plan_make(policy, diag, &plan, NULL);
	policy_free(policy); // the plan stands alone
	return plan;
}

static struct plan *make_well(const char *text)
{
	struct diag *diag = diag_new();
	struct plan *plan = make(text, diag);

	if (!plan)
		diag_print(diag, stderr);
	assert_non_null(plan);
	diag_free(diag);
	return plan;
}

static void show_ranges(FILE *out, const struct addr_range *ranges, size_t n)
{
	char text[ADDR_TEXT_MAX];

	if (n == 0)
		fputs("any", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? "," : "",
			addr_range_is_any(&ranges[i])
				? ranges[i].family == ADDR_V4 ? "any4" : "any6"
				: addr_range_text(&ranges[i], text));
}

static void show_cell(FILE *out, const struct plan *plan, const struct plan_cell *cell)
{
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	fputs("  ", out);
	show_ranges(out, &cell->rect.source, 1);
	fputs(" > ", out);
	show_ranges(out, &cell->rect.destination, 1);
	fprintf(out, " %s%s%s%s%s\n", flows[cell->flow].id,
		cell->treatment & PLAN_LOG ? " log" : "",
		cell->treatment & PLAN_GUARD ? " guard" : "",
		cell->helpers & PLAN_FTP ? " ftp" : "", cell->helpers & PLAN_SIP ? " sip" : "");
}

static void show_cells(FILE *out, const struct plan *plan)
{
	size_t n_pairs, n_zones;
	const struct plan_pair *pairs = plan_pairs(plan, &n_pairs);
	const struct plan_zone *zones = plan_zones(plan, &n_zones);

	for (size_t i = 0; i < n_pairs; i++) {
		for (size_t c = 0; c < pairs[i].n_classes; c++) {
			const struct plan_class *class = &pairs[i].classes[c];

			fprintf(out, "%s>%s", zones[pairs[i].from].id, zones[pairs[i].to].id);
			for (size_t j = 0; j < class->n_atoms; j++) {
				char text[64];

				fprintf(out, " %s",
					plan_atom_text(&class->atoms[j], text, sizeof(text)));
			}
			fputs("\n", out);
			for (size_t j = 0; j < class->n_cells; j++)
				show_cell(out, plan, &class->cells[j]);
		}
	}
}

static void show_nats(FILE *out, const struct plan *plan)
{
	static const char *const kinds[] = { "masquerade", "source", "forward", "prefix" };
	size_t n, n_zones;
	const struct plan_nat *nats = plan_nats(plan, &n);
	const struct plan_zone *zones = plan_zones(plan, &n_zones);

	for (size_t i = 0; i < n; i++) {
		const struct plan_nat *nat = &nats[i];

		fprintf(out, "%s %s IPv%d", nat->id, kinds[nat->kind], nat->family);
		for (size_t j = 0; j < nat->n_from; j++)
			fprintf(out, "%s%s", j ? "," : " ", zones[nat->from[j]].id);
		fputs(">", out);
		for (size_t j = 0; j < nat->n_to; j++)
			fprintf(out, "%s%s", j ? "," : "", zones[nat->to[j]].id);
		fputs(" ", out);
		show_ranges(out, nat->sources, nat->n_sources);
		fputs(">", out);
		show_ranges(out, nat->destinations, nat->n_destinations);
		for (size_t j = 0; j < nat->n_atoms; j++) {
			char text[64];

			fprintf(out, " %s", plan_atom_text(&nat->atoms[j], text, sizeof(text)));
		}
		if (nat->kind != POL_NAT_MASQUERADE) {
			fputs(" to ", out);
			show_ranges(out, &nat->target, 1);
		}
		fprintf(out, "%s%s\n", nat->port ? " port" : "", nat->hairpin ? " hairpin" : "");
	}
}

struct row {
	const char *name, *text, *shown;
};

static const struct row cells[] = {
	{ "a whole zone", "flows:\n  - { id: f, from: a, to: b, services: [http, https] }\n",
	  "a>b tcp/80 tcp/443\n  any4 > any4 f\n" },
	{ "both families", "flows:\n  - { id: f, from: a, to: c, services: [ntp] }\n",
	  "a>c udp/123\n  any4 > any4 f\n  any6 > any6 f\n" },
	{ "ICMP goes by family", "flows:\n  - { id: f, from: a, to: c, services: [ping] }\n",
	  "a>c icmp/echo-request\n  any4 > any4 f\na>c icmpv6/echo-request\n  any6 > any6 f\n" },
	{ "lists", "flows:\n  - { id: f, from: [a/pc, c], to: [b/web, b/web2], services: [ssh] }\n",
	  "a>b tcp/22\n  10.0.0.5 > 192.0.2.80/31 f\n"
	  "c>b tcp/22\n  any4 > 192.0.2.80/31 f\n" },
	{ "the gateway", "flows:\n  - { id: f, from: a, to: self/lan, services: [dns] }\n",
	  "a>self tcp/53 udp/53\n  any4 > 10.0.0.1 f\n" },
	{ "a group seen from a zone",
	  "flows:\n  - { id: f, from: a/pair, to: b/pair, services: [ssh] }\n",
	  "a>b tcp/22\n  10.0.0.5 > 192.0.2.80 f\n" },
	{ "the smaller one counts",
	  "flows:\n  - { id: f, from: a, to: b, services: [ssh] }\n"
	  "  - { id: g, from: a/pc, to: b/web, services: [ssh] }\n",
	  "a>b tcp/22\n  0.0.0.0-10.0.0.4 > any4 f\n  10.0.0.5 > 0.0.0.0-192.0.2.79 f\n"
	  "  10.0.0.5 > 192.0.2.80 g\n  10.0.0.5 > 192.0.2.81-255.255.255.255 f\n"
	  "  10.0.0.6-255.255.255.255 > any4 f\n" },
	{ "log before size",
	  "flows:\n  - { id: f, from: a, to: b/web, services: [ssh], log: true }\n"
	  "  - { id: g, from: a/pc, to: b, services: [ssh] }\n",
	  "a>b tcp/22\n  any4 > 192.0.2.80 f log\n  10.0.0.5 > 0.0.0.0-192.0.2.79 g\n"
	  "  10.0.0.5 > 192.0.2.81-255.255.255.255 g\n" },
	{ "a guard wins where the plain flow says none",
	  "flows:\n  - { id: f, from: a, to: b/web, services: [smtp], guard: mail }\n"
	  "  - { id: g, from: a, to: b, services: [smtp], guard: none, log: true }\n",
	  "a>b tcp/25\n  any4 > 0.0.0.0-192.0.2.79 g log\n  any4 > 192.0.2.80 f log guard\n"
	  "  any4 > 192.0.2.81-255.255.255.255 g log\n" },
	{ "the same rect: treatment of both, counted on the stricter",
	  "flows:\n  - { id: f, from: a, to: b, services: [ftp], helpers: [ftp] }\n"
	  "  - { id: g, from: a, to: b, services: [ftp], log: true }\n",
	  "a>b tcp/21\n  any4 > any4 g log ftp\n" },
	{ "a helper on its own port only",
	  "flows:\n  - { id: f, from: a, to: b, services: [ftp, tcp/2121], helpers: [ftp] }\n",
	  "a>b tcp/21\n  any4 > any4 f ftp\na>b tcp/2121\n  any4 > any4 f\n" },
	{ "a helper on another port",
	  "flows:\n  - { id: f, from: a, to: b, services: [tcp/2121, udp/5], helpers: [ftp] }\n",
	  "a>b tcp/2121\n  any4 > any4 f ftp\na>b udp/5\n  any4 > any4 f\n" },
	{ "classes of ranges that overlap",
	  "flows:\n  - { id: f, from: a, to: b, services: [tcp/80-90] }\n"
	  "  - { id: g, from: a/pc, to: b, services: [tcp/85] }\n",
	  "a>b tcp/80-84 tcp/86-90\n  any4 > any4 f\na>b tcp/85\n  0.0.0.0-10.0.0.4 > any4 f\n"
	  "  10.0.0.5 > any4 g\n  10.0.0.6-255.255.255.255 > any4 f\n" },
	{ "source ports",
	  "services: { odd: { members: [udp/500], source-ports: [500] } }\n"
	  "flows:\n  - { id: f, from: a, to: b, services: [udp/500] }\n"
	  "  - { id: g, from: a, to: b, services: [odd], log: true }\n",
	  "a>b udp/500 from 0-499 udp/500 from 501-65535\n  any4 > any4 f\n"
	  "a>b udp/500 from 500\n  any4 > any4 g log\n" },
	{ "any beside others",
	  "flows:\n  - { id: f, from: a/pc, to: b, services: [any] }\n"
	  "  - { id: g, from: a/pc, to: b, services: [ip/gre, icmp/8], log: true }\n",
	  "a>b ip/0 icmp/0-7 icmp/9-255 ip/2-46 ip/48-255\n  10.0.0.5 > any4 f\n"
	  "a>b icmp/echo-request\n  10.0.0.5 > any4 g log\n"
	  "a>b ip/gre\n  10.0.0.5 > any4 g log\n" },
	{ "except a host",
	  "flows:\n  - { id: f, from: a/lab, to: b, services: [ssh], except: { to: b/web } }\n",
	  "a>b tcp/22\n  10.0.1.0/24 > 0.0.0.0-192.0.2.79 f\n"
	  "  10.0.1.0/24 > 192.0.2.81-255.255.255.255 f\n" },
	{ "except a service between two",
	  "flows:\n  - { id: f, from: a/lab, to: [b/web, b/web2], services: [ssh, http],\n"
	  "      except: [{ to: b/web2, services: ssh }] }\n",
	  "a>b tcp/22\n  10.0.1.0/24 > 192.0.2.80 f\n"
	  "a>b tcp/80\n  10.0.1.0/24 > 192.0.2.80 f\n  10.0.1.0/24 > 192.0.2.81 f\n" },
	{ "except of any",
	  "flows:\n  - { id: f, from: a/pc, to: b, services: any, except: { services: [tcp/25] } }\n",
	  "a>b ip/0-5 tcp/0-24 tcp/26-65535 ip/7-255\n  10.0.0.5 > any4 f\n" },
	{ "within a zone", "flows:\n  - { id: f, from: a/pc, to: a/lab, services: [ssh] }\n",
	  "a>a tcp/22\n  10.0.0.5 > 10.0.1.0/24 f\n" },
};

#define OUT                                                                                        \
	"flows:\n  - { id: f, from: [a, b], to: c, services: [any] }\n"                            \
	"  - { id: g, from: [c, b, a], to: b/web, services: [https, tcp/8443] }\n"

static const struct row nats[] = {
	{ "masquerade", OUT "nat:\n  - { id: n, kind: masquerade, from: [a, b], to: c }\n",
	  "n masquerade IPv4 a,b>c any>any\n" },
	{ "both families",
	  OUT "nat:\n  - { id: n, kind: masquerade, from: a, to: c, families: [ipv4, ipv6] }\n",
	  "n masquerade IPv4 a>c any>any\nn masquerade IPv6 a>c any>any\n" },
	{ "a network beside a zone",
	  OUT "nat:\n  - { id: n, kind: masquerade, from: [a/pc, a/lab, b], to: c }\n",
	  "n masquerade IPv4 a>c 10.0.0.5,10.0.1.0/24>any\nn masquerade IPv4 b>c any>any\n" },
	{ "the specific one first",
	  OUT
	  "nat:\n  - { id: n, kind: masquerade, from: a, to: c }\n"
	  "  - { id: x, kind: source, from: a/pc, to: c, target: 203.0.113.7, services: [smtp] }\n",
	  "x source IPv4 a>c 10.0.0.5>any tcp/25 to 203.0.113.7\nn masquerade IPv4 a>c any>any\n" },
	{ "source to a range",
	  OUT "nat:\n  - { id: n, kind: source, from: a, to: c, target: 203.0.113.0/29 }\n",
	  "n source IPv4 a>c any>any to 203.0.113.0/29\n" },
	{ "forward",
	  OUT "nat:\n  - { id: n, kind: forward, from: c, services: https, address: 203.0.113.9,\n"
	      "      target: b/web, port: 8443, hairpin: true }\n",
	  "n forward IPv4 c>b any>203.0.113.9 tcp/443 to 192.0.2.80 port hairpin\n" },
	{ "prefix",
	  OUT "nat:\n  - { id: n, kind: prefix, from: a, to: c, prefix: 'fd00:0:1::/48',\n"
	      "      target: '2001:db8:1::/48' }\n",
	  "n prefix IPv6 a>c fd00:0:1::/48>any to 2001:db8:1::/48\n" },
};

static void check_rows(const struct row *rows, size_t n, void (*show)(FILE *, const struct plan *))
{
	for (size_t i = 0; i < n; i++) {
		char *text = malloc(TEXT_MAX);
		char *shown = NULL;
		size_t size;
		FILE *out = open_memstream(&shown, &size);
		struct plan *plan;

		snprintf(text, TEXT_MAX, ZONES "%s", rows[i].text);
		plan = make_well(text);
		show(out, plan);
		fclose(out);
		if (strcmp(shown, rows[i].shown) != 0)
			fail_msg("%s:\n%s\nis not\n%s", rows[i].name, shown, rows[i].shown);
		plan_free(plan);
		free(shown);
		free(text);
	}
}

static void cells_of_policies(void **state)
{
	(void)state;
	check_rows(cells, sizeof(cells) / sizeof(cells[0]), show_cells);
}

static void translations(void **state)
{
	(void)state;
	check_rows(nats, sizeof(nats) / sizeof(nats[0]), show_nats);
}

static const struct {
	const char *interface, *zone;
} interfaces[] = {
	{ "e0", "a" },	 { "vlan7", "a" }, { "vlan", "a" }, { "e1", "b" }, { "e2", "c" },
	{ "vla", NULL }, { "e3", NULL },   { "e00", NULL }, { "", NULL },
};

static const struct {
	const char *address;
	const char *zones; // all that have it
} homes[] = {
	{ "10.0.0.0", "a" },
	{ "10.0.255.255", "a" },
	{ "10.1.0.0", "c" },
	{ "192.0.2.255", "b" },
	{ "192.0.3.0", "c" },
	{ "fd00::1", "a" },
	{ "fd01::1", "c" },
	{ "1.0.0.0", "c" },
	{ "223.255.255.255", "c" },
	{ "0.0.0.0", NULL },
	{ "0.255.255.255", NULL },
	{ "127.0.0.1", NULL },
	{ "169.254.1.1", NULL },
	{ "224.0.0.1", NULL },
	{ "240.0.0.1", NULL },
	{ "255.255.255.255", NULL },
	{ "::", NULL },
	{ "::1", NULL },
	{ "::192.0.2.1", NULL },
	{ "::ffff:192.0.2.1", NULL },
	{ "fe80::1", NULL },
	{ "ff0e::1", NULL },
	{ "::1:0:0:0", "c" },
};

static void zones_and_addresses(void **state)
{
	struct plan *plan = make_well(ZONES OUT);
	size_t n;
	const struct plan_zone *zones = plan_zones(plan, &n);

	(void)state;
	assert_int_equal(n, 4);
	assert_string_equal(zones[PLAN_SELF].id, "self");
	assert_int_equal(zones[PLAN_SELF].role, PLAN_GATEWAY);
	assert_int_equal(zones[plan_find_zone(plan, "c")].mss, 1400);
	assert_true(zones[1].relay && zones[2].relay && !zones[3].relay);
	assert_true(plan_find_zone(plan, "d") == PLAN_NONE);
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]); i++) {
		uint32_t zone = plan_zone_of_interface(plan, interfaces[i].interface);

		if (interfaces[i].zone)
			assert_string_equal(zones[zone].id, interfaces[i].zone);
		else
			assert_true(zone == PLAN_NONE);
	}
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		struct addr addr;
		uint32_t found[4];

		assert_int_equal(addr_parse(homes[i].address, &addr), 0);
		found[0] = PLAN_NONE;
		assert_int_equal(plan_zones_of(plan, &addr, found, 4), homes[i].zones != NULL);
		if (homes[i].zones)
			assert_string_equal(zones[found[0]].id, homes[i].zones);
		for (uint32_t z = 1; z < n; z++)
			assert_int_equal(plan_zone_has(plan, z, &addr), z == found[0]);
		assert_true(plan_zone_has(plan, PLAN_SELF, &addr));
	}
	assert_true(plan_zone_has_family(plan, 1, ADDR_V6));
	assert_false(plan_zone_has_family(plan, 2, ADDR_V6));
	plan_free(plan);
}

static void names(void **state)
{
	struct plan *plan = make_well(ZONES OUT "services: { odd: [dns, tcp/9999] }\n");
	const struct plan_atom *atoms;
	const struct addr_range *ranges;
	uint32_t zone;
	size_t n;

	(void)state;
	assert_int_equal(plan_service(plan, "odd", &atoms, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(plan_service(plan, "dns", &atoms, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(plan_service(plan, "tcp/80", &atoms, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(plan_service(plan, "nothing", &atoms, &n), -ENOENT);
	assert_int_equal(plan_endpoint(plan, "a", &zone, &ranges, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(plan_endpoint(plan, "a/lab", &zone, &ranges, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(zone, plan_find_zone(plan, "a"));
	assert_int_equal(plan_endpoint(plan, "b/pair", &zone, &ranges, &n), 0);
	assert_int_equal(plan_endpoint(plan, "a/nothing", &zone, &ranges, &n), -ENOENT);
	assert_int_equal(plan_endpoint(plan, "d", &zone, &ranges, &n), -ENOENT);
	assert_int_equal(plan_endpoint(plan, "10.0.0.1", &zone, &ranges, &n), -EINVAL);
	assert_int_equal(plan_endpoint(plan, "pair", &zone, &ranges, &n), -EINVAL);
	plan_free(plan);
}

static void settings(void **state)
{
	struct plan *plan = make_well(ZONES OUT "settings:\n"
						"  default: reject\n"
						"  defaults: [{ from: c, action: drop }]\n"
						"  icmp-errors: [3, time-exceeded]\n"
						"  hear-router-advertisements: [c]\n"
						"  extension-headers: [fragment]\n"
						"  log-rate: 7\n");
	const struct plan_settings *s = plan_settings(plan);

	(void)state;
	assert_int_equal(s->action, PLAN_REJECT);
	assert_int_equal(s->n_defaults, 4);
	assert_int_equal(plan_default_action(plan, 3, 1), PLAN_DROP);
	assert_int_equal(plan_default_action(plan, 1, 3), PLAN_REJECT);
	assert_int_equal(s->n_icmp_errors, 2);
	assert_int_equal(s->icmp_errors[1], 11);
	assert_int_equal(s->n_icmpv6_errors, 4);
	assert_int_equal(s->n_hear_ra, 1);
	assert_int_equal(s->extensions, PLAN_EXT_FRAGMENT);
	assert_int_equal(s->log_rate_per_second, 7);
	assert_int_equal(s->log_burst, 100);
	assert_true(s->log_denied && !s->log_invalid && !s->drop_fragments);
	plan_free(plan);
}

static void registers(void **state)
{
	struct plan *plan =
		make_well(ZONES "flows:\n"
				"  - { id: z, from: a, to: b, services: [ssh] }\n"
				"  - { id: k, from: a, to: c, services: [ssh], owner: soumu,\n"
				"      review: 2025-03-31, request: 第1号 }\n");
	struct diag *diag = diag_new();
	size_t n;
	const struct plan_flow *flows = plan_flows(plan, &n);

	(void)state;
	assert_int_equal(n, 2);
	assert_string_equal(flows[0].id, "k"); // by id
	assert_string_equal(flows[0].owner_title, "総務課");
	assert_string_equal(flows[0].request, "第1号");
	assert_string_equal(flows[1].owner, "");
	assert_int_equal(flows[0].at.line, 17);
	assert_int_equal(plan_find_flow(plan, "z"), 1);
	plan_review(plan, "2025-03-31", diag);
	assert_int_equal(diag_count(diag), 0);
	plan_review(plan, "2025-04-01", diag);
	assert_int_equal(diag_count(diag), 1);
	assert_int_equal(diag_at(diag, 0)->code, SK_REVIEW_PAST);
	assert_int_equal(diag_at(diag, 0)->at.line, 18);
	diag_free(diag);
	plan_free(plan);
}

// A wide flow over many hosts: the pieces grow with the hosts, not with their square.  Flows that
// cross one another fall into as many pieces as there are crossings: too many are refused by name.
static char *large_policy(bool crossing, int hosts)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("zones:\n  a: { interfaces: [e0], networks: [10.0.0.0/8] }\n"
	      "  b: { interfaces: [e1], networks: [172.16.0.0/12] }\nnetworks:\n",
	      out);
	for (int i = 0; i < hosts; i++)
		fprintf(out, "  a/h%d: [10.0.%d.%d]\n  b/h%d: [172.16.%d.%d]\n", i, i / 100,
			i % 100 * 2, i, i / 100, i % 100 * 2);
	fputs("flows:\n", out);
	if (!crossing)
		fputs("  - { id: wide, from: a, to: b, services: [ssh] }\n", out);
	for (int i = 0; i < hosts && !crossing; i++)
		fprintf(out, "  - { id: f%d, from: a/h%d, to: b/h%d, services: [ssh] }\n", i, i,
			i * 7 % hosts);
	for (int i = 0; i < hosts && crossing; i++)
		fprintf(out,
			"  - { id: f%d, from: a/h%d, to: b, services: [ssh] }\n"
			"  - { id: g%d, from: a, to: b/h%d, services: [ssh] }\n",
			i, i, i, i);
	fclose(out);
	return text;
}

static void many(void **state)
{
	enum { HOSTS = 3000 };
	char *text = large_policy(false, HOSTS);
	struct plan *plan = make_well(text);
	struct diag *diag = diag_new();
	size_t n;

	(void)state;
	assert_in_range(plan_pairs(plan, &n)->classes[0].n_cells, HOSTS, 5 * HOSTS);
	plan_free(plan);
	free(text);
	text = large_policy(true, HOSTS);
	assert_null(make(text, diag));
	assert_int_equal(diag_errors(diag), 1);
	assert_int_equal(diag_at(diag, 0)->code, SK_CELLS_TOO_MANY);
	assert_non_null(diag_at(diag, 0)->second.file);
	diag_free(diag);
	free(text);
}

// At each limit a policy is sound, and one past it is refused with the limit's code.
static bool has_code(const char *text, enum diag_code code)
{
	struct diag *diag = diag_new();
	struct plan *plan = make(text, diag);
	bool found = false;

	for (size_t i = 0; i < diag_count(diag); i++)
		found = found || diag_at(diag, i)->code == code;
	assert_int_equal(plan == NULL, found);
	plan_free(plan);
	diag_free(diag);
	return found;
}

static char *zones_policy(int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("zones:\n", out);
	for (int i = 0; i < n; i++)
		fprintf(out, "  z%d: { interfaces: [e%d], networks: [10.%d.%d.0/24] }\n", i, i,
			i / 250, i % 250);
	fclose(out);
	return text;
}

static char *service_policy(int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(ZONES "services:\n  wide: [", out);
	for (int i = 1; i <= n; i++)
		fprintf(out, "%stcp/%d", i > 1 ? ", " : "", 2 * i);
	fputs("]\nflows:\n  - { id: f, from: a, to: b, services: wide }\n", out);
	fclose(out);
	return text;
}

static char *product_policy(int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs("zones:\n  a: { interfaces: [e0], networks: [10.0.0.0/8] }\n"
	      "  b: { interfaces: [e1], networks: [172.16.0.0/12] }\nnetworks:\n",
	      out);
	for (int side = 0; side < 2; side++) {
		fprintf(out, "  %c/many: [", 'a' + side);
		for (int i = 0; i < n; i++)
			fprintf(out, "%s%s.%d.%d", i ? ", " : "", side ? "172.16" : "10.0", i / 100,
				i % 100 * 2);
		fputs("]\n", out);
	}
	fputs("flows:\n  - { id: f, from: a/many, to: b/many, services: ssh }\n", out);
	fclose(out);
	return text;
}

static const struct {
	char *(*policy)(int n);
	int limit;
	enum diag_code code;
} limits[] = {
	{ zones_policy, PLAN_ZONES_MAX - 1, SK_ZONES_TOO_MANY },
	{ service_policy, 4096, SK_SERVICE_WIDE },
	{ product_policy, 447, SK_FLOW_WIDE }, // squared: just below PLAN_CLASS_CELLS_MAX
};

static void at_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		for (int past = 0; past < 2; past++) {
			char *text = limits[i].policy(limits[i].limit + past);

			assert_int_equal(has_code(text, limits[i].code), past);
			free(text);
		}
	}
}

static void too_many_flows(void **state)
{
	struct pol_tree tree = { .n_flows = PLAN_FLOWS_MAX + 1 };
	struct diag *diag = diag_new();
	struct plan *plan = NULL;
	char(*ids)[24] = calloc(tree.n_flows, sizeof(*ids));

	(void)state;
	tree.flows = calloc(tree.n_flows, sizeof(*tree.flows));
	for (size_t i = 0; i < tree.n_flows; i++) {
		snprintf(ids[i], sizeof(ids[i]), "f%zu", i);
		tree.flows[i].id.s = ids[i];
	}
	assert_int_equal(plan_make_tree(&tree, NULL, diag, &plan, NULL), -EBADMSG);
	assert_int_equal(diag_errors(diag), 1);
	assert_int_equal(diag_at(diag, 0)->code, SK_FLOWS_TOO_MANY);
	tree.n_flows--;
	assert_int_equal(plan_make_tree(&tree, NULL, diag, &plan, NULL), 0);
	plan_free(plan);
	diag_free(diag);
	free(tree.flows);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_of_policies),
		cmocka_unit_test(translations),
		cmocka_unit_test(zones_and_addresses),
		cmocka_unit_test(names),
		cmocka_unit_test(settings),
		cmocka_unit_test(registers),
		cmocka_unit_test(many),
		cmocka_unit_test(at_limits),
		cmocka_unit_test(too_many_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
