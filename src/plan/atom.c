// Atoms of services: boxes of protocol, source port and port; their text forms and arithmetic.
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"

enum { PORT_MAX = 65535, TYPE_MAX = 255 };

static const struct {
	const char *name;
	uint8_t number;
	bool ports;
} protocols[] = {
	{ "tcp", IPPROTO_TCP, true },	     { "udp", IPPROTO_UDP, true },
	{ "sctp", IPPROTO_SCTP, true },	     { "icmp", IPPROTO_ICMP, false },
	{ "icmpv6", IPPROTO_ICMPV6, false },
};

// Names that may stand behind "ip/"; Assigned Internet Protocol Numbers.
static const struct {
	const char *name;
	uint8_t number;
} ip_protocols[] = {
	{ "igmp", 2 },	   { "ipip", 4 },  { "egp", 8 },    { "ipv6", 41 },  { "rsvp", 46 },
	{ "gre", 47 },	   { "esp", 50 },  { "ah", 51 },    { "eigrp", 88 }, { "ospf", 89 },
	{ "etherip", 97 }, { "pim", 103 }, { "vrrp", 112 }, { "l2tp", 115 }, { "udplite", 136 },
};

// The first name of a type is the one that is printed.
struct type_name {
	const char *name;
	uint8_t number;
};

static const struct type_name icmp_types[] = {
	{ "echo-reply", 0 },	       { "destination-unreachable", 3 },
	{ "source-quench", 4 },	       { "redirect", 5 },
	{ "echo-request", 8 },	       { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 },   { "timestamp-request", 13 },
	{ "timestamp-reply", 14 },     { "info-request", 15 },
	{ "info-reply", 16 },	       { "address-mask-request", 17 },
	{ "address-mask-reply", 18 },
};

static const struct type_name icmpv6_types[] = {
	{ "destination-unreachable", 1 }, { "packet-too-big", 2 },
	{ "time-exceeded", 3 },		  { "parameter-problem", 4 },
	{ "echo-request", 128 },	  { "echo-reply", 129 },
	{ "mld-listener-query", 130 },	  { "mld-listener-report", 131 },
	{ "mld-listener-done", 132 },	  { "nd-router-solicit", 133 },
	{ "nd-router-advert", 134 },	  { "nd-neighbor-solicit", 135 },
	{ "nd-neighbor-advert", 136 },	  { "nd-redirect", 137 },
	{ "router-renumbering", 138 },	  { "mld2-listener-report", 143 },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct type_name *types_of(unsigned protocol, size_t *ret_n)
{
	*ret_n = protocol == IPPROTO_ICMP ? COUNT(icmp_types) : COUNT(icmpv6_types);
	return protocol == IPPROTO_ICMP ? icmp_types : icmpv6_types;
}

int icmp_type_parse(unsigned protocol, const char *text, uint8_t *ret_type)
{
	size_t n;
	const struct type_name *types = types_of(protocol, &n);
	uint16_t lo, hi;
	int r = number_range_parse(text, TYPE_MAX, &lo, &hi);

	if (r == -ERANGE || (r == 0 && lo != hi))
		return -ERANGE;
	if (r == 0) {
		*ret_type = (uint8_t)lo;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(types[i].name, text) == 0) {
			*ret_type = types[i].number;
			return 0;
		}
	}
	return -ENOENT;
}

// Digits up to `end`; at most 9 of them, so that nothing overflows.
static int parse_number(const char *text, const char *end, unsigned *ret)
{
	unsigned value = 0;

	if (text == end)
		return -EINVAL;
	for (const char *c = text; c < end; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		if (c - text >= 9)
			return -ERANGE;
		value = value * 10 + (unsigned)(*c - '0');
	}
	*ret = value;
	return 0;
}

int number_range_parse(const char *text, unsigned max, uint16_t *ret_lo, uint16_t *ret_hi)
{
	const char *end = text + strlen(text);
	const char *dash = strchr(text, '-');
	unsigned lo = 0, hi;
	int r = parse_number(text, dash ? dash : end, &lo);

	if (r == -EINVAL)
		return r;
	hi = lo;
	if (dash && parse_number(dash + 1, end, &hi) == -EINVAL)
		return -EINVAL;
	if (r < 0 || (dash && parse_number(dash + 1, end, &hi) < 0) || lo > hi || hi > max)
		return -ERANGE;
	*ret_lo = (uint16_t)lo;
	*ret_hi = (uint16_t)hi;
	return 0;
}

static int parse_ip_protocol(const char *text, struct plan_atom *ret)
{
	uint16_t lo, hi;
	int r = number_range_parse(text, 255, &lo, &hi);

	if (r == -ERANGE || (r == 0 && lo != hi))
		return -ERANGE;
	for (size_t i = 0; r < 0 && i < COUNT(ip_protocols); i++) {
		if (strcmp(ip_protocols[i].name, text) == 0) {
			lo = ip_protocols[i].number;
			r = 0;
		}
	}
	for (size_t i = 0; r < 0 && i < COUNT(protocols); i++) {
		if (strcmp(protocols[i].name, text) == 0) {
			lo = protocols[i].number;
			r = 0;
		}
	}
	if (r < 0)
		return -ENOENT;
	ret->protocol_lo = ret->protocol_hi = (uint8_t)lo;
	if (lo == IPPROTO_ICMP || lo == IPPROTO_ICMPV6)
		ret->port_hi = TYPE_MAX;
	return 0;
}

static int parse_ports(const char *text, struct plan_atom *ret)
{
	int r = number_range_parse(text, PORT_MAX, &ret->port_lo, &ret->port_hi);

	if (r == 0 && ret->port_lo == 0)
		return -ERANGE; // port 0 is no port
	return r == -EINVAL ? -ENOENT : r;
}

int atom_parse(const char *text, struct plan_atom *ret)
{
	struct plan_atom atom = { .protocol_hi = 255, .sport_hi = PORT_MAX, .port_hi = PORT_MAX };
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	int r = -EINVAL;

	if (strcmp(text, "any") == 0)
		r = 0;
	else if (slash && length == 2 && strncmp(text, "ip", 2) == 0)
		r = parse_ip_protocol(slash + 1, &atom);
	for (size_t i = 0; r == -EINVAL && i < COUNT(protocols); i++) {
		if (strlen(protocols[i].name) != length ||
		    strncmp(protocols[i].name, text, length) != 0)
			continue;
		atom.protocol_lo = atom.protocol_hi = protocols[i].number;
		r = 0;
		if (!protocols[i].ports)
			atom.port_hi = TYPE_MAX;
		if (slash && protocols[i].ports) {
			r = parse_ports(slash + 1, &atom);
		} else if (slash) {
			uint8_t type = 0;

			r = icmp_type_parse(protocols[i].number, slash + 1, &type);
			atom.port_lo = atom.port_hi = type;
		}
	}
	if (r == -EINVAL && slash)
		r = -ENOENT;
	if (r == 0)
		*ret = atom;
	return r;
}

static const char *protocol_text(unsigned number, char *out, size_t size)
{
	for (size_t i = 0; i < COUNT(protocols); i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	for (size_t i = 0; i < COUNT(ip_protocols); i++) {
		if (ip_protocols[i].number == number) {
			snprintf(out, size, "ip/%s", ip_protocols[i].name);
			return out;
		}
	}
	snprintf(out, size, "ip/%u", number);
	return out;
}

static void types_text(const struct plan_atom *atom, const char *name, char *out, size_t size)
{
	size_t n;
	const struct type_name *types = types_of(atom->protocol_lo, &n);

	for (size_t i = 0; atom->port_lo == atom->port_hi && i < n; i++) {
		if (types[i].number == atom->port_lo) {
			snprintf(out, size, "%s/%s", name, types[i].name);
			return;
		}
	}
	if (atom->port_lo == 0 && atom->port_hi >= TYPE_MAX)
		snprintf(out, size, "%s", name);
	else if (atom->port_lo == atom->port_hi)
		snprintf(out, size, "%s/%u", name, atom->port_lo);
	else
		snprintf(out, size, "%s/%u-%u", name, atom->port_lo, atom->port_hi);
}

static void ports_text(const struct plan_atom *atom, const char *name, char *out, size_t size)
{
	int used;

	if (atom->port_lo == 0 && atom->port_hi == PORT_MAX)
		used = snprintf(out, size, "%s", name);
	else if (atom->port_lo == atom->port_hi)
		used = snprintf(out, size, "%s/%u", name, atom->port_lo);
	else
		used = snprintf(out, size, "%s/%u-%u", name, atom->port_lo, atom->port_hi);
	if ((atom->sport_lo == 0 && atom->sport_hi == PORT_MAX) || (size_t)used >= size)
		return;
	if (atom->sport_lo == atom->sport_hi)
		snprintf(out + used, size - (size_t)used, " from %u", atom->sport_lo);
	else
		snprintf(out + used, size - (size_t)used, " from %u-%u", atom->sport_lo,
			 atom->sport_hi);
}

const char *plan_atom_text(const struct plan_atom *atom, char *out, size_t size)
{
	char buffer[32];
	const char *name;

	if (atom->protocol_lo != atom->protocol_hi) {
		if (atom->protocol_lo == 0 && atom->protocol_hi == 255)
			snprintf(out, size, "any");
		else
			snprintf(out, size, "ip/%u-%u", atom->protocol_lo, atom->protocol_hi);
		return out;
	}
	name = protocol_text(atom->protocol_lo, buffer, sizeof(buffer));
	if (atom->protocol_lo == IPPROTO_ICMP || atom->protocol_lo == IPPROTO_ICMPV6)
		types_text(atom, name, out, size);
	else
		ports_text(atom, name, out, size);
	return out;
}

bool atom_has_ports(const struct plan_atom *atom)
{
	for (size_t i = 0; i < COUNT(protocols); i++)
		if (protocols[i].number == atom->protocol_lo)
			return protocols[i].ports && atom->protocol_lo == atom->protocol_hi;
	return false;
}

bool atom_overlaps(const struct plan_atom *a, const struct plan_atom *b)
{
	return a->protocol_lo <= b->protocol_hi && b->protocol_lo <= a->protocol_hi &&
	       a->sport_lo <= b->sport_hi && b->sport_lo <= a->sport_hi &&
	       a->port_lo <= b->port_hi && b->port_lo <= a->port_hi;
}

bool atom_within(const struct plan_atom *inner, const struct plan_atom *outer)
{
	return inner->protocol_lo >= outer->protocol_lo &&
	       inner->protocol_hi <= outer->protocol_hi && inner->sport_lo >= outer->sport_lo &&
	       inner->sport_hi <= outer->sport_hi && inner->port_lo >= outer->port_lo &&
	       inner->port_hi <= outer->port_hi;
}

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))

bool atom_intersect(const struct plan_atom *a, const struct plan_atom *b, struct plan_atom *ret)
{
	if (!atom_overlaps(a, b))
		return false;
	*ret = (struct plan_atom){
		.protocol_lo = MAX(a->protocol_lo, b->protocol_lo),
		.protocol_hi = MIN(a->protocol_hi, b->protocol_hi),
		.sport_lo = MAX(a->sport_lo, b->sport_lo),
		.sport_hi = MIN(a->sport_hi, b->sport_hi),
		.port_lo = MAX(a->port_lo, b->port_lo),
		.port_hi = MIN(a->port_hi, b->port_hi),
	};
	return true;
}

// One protocol of a wide atom: ICMP types end at 255.
static struct plan_atom of_protocol(const struct plan_atom *atom, unsigned protocol)
{
	struct plan_atom one = *atom;

	one.protocol_lo = one.protocol_hi = (uint8_t)protocol;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		one.port_hi = MIN(one.port_hi, TYPE_MAX);
	return one;
}

size_t atom_subtract(const struct plan_atom *from, const struct plan_atom *hole,
		     struct plan_atom ret[ATOM_PIECES_MAX])
{
	struct plan_atom mid = *from;
	struct plan_atom cut;
	size_t n = 0;

	if (!atom_intersect(from, hole, &cut)) {
		ret[n++] = *from;
		return n;
	}
	if (from->protocol_lo < cut.protocol_lo) {
		ret[n] = *from;
		ret[n++].protocol_hi = (uint8_t)(cut.protocol_lo - 1);
	}
	if (from->protocol_hi > cut.protocol_hi) {
		ret[n] = *from;
		ret[n++].protocol_lo = (uint8_t)(cut.protocol_hi + 1);
	}
	if (cut.protocol_lo != cut.protocol_hi)
		return n; // wide on both sides: full ports, nothing else remains
	mid = of_protocol(&mid, cut.protocol_lo);
	if (mid.port_lo < cut.port_lo) {
		ret[n] = mid;
		ret[n++].port_hi = (uint16_t)(cut.port_lo - 1);
	}
	if (mid.port_hi > cut.port_hi) {
		ret[n] = mid;
		ret[n++].port_lo = (uint16_t)(cut.port_hi + 1);
	}
	mid.port_lo = MAX(mid.port_lo, cut.port_lo);
	mid.port_hi = MIN(mid.port_hi, cut.port_hi);
	if (mid.sport_lo < cut.sport_lo) {
		ret[n] = mid;
		ret[n++].sport_hi = (uint16_t)(cut.sport_lo - 1);
	}
	if (mid.sport_hi > cut.sport_hi) {
		ret[n] = mid;
		ret[n++].sport_lo = (uint16_t)(cut.sport_hi + 1);
	}
	return n;
}

int atom_compare(const void *left, const void *right)
{
	const struct plan_atom *a = left;
	const struct plan_atom *b = right;
	int d = a->protocol_lo - b->protocol_lo;

	d = d ? d : a->protocol_hi - b->protocol_hi;
	d = d ? d : a->port_lo - b->port_lo;
	d = d ? d : a->port_hi - b->port_hi;
	d = d ? d : a->sport_lo - b->sport_lo;
	return d ? d : a->sport_hi - b->sport_hi;
}

size_t atoms_tidy(struct plan_atom *atoms, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(atoms, n, sizeof(*atoms), atom_compare);
	for (size_t i = 0; i < n; i++) {
		bool part = false;

		for (size_t j = 0; !part && j < n; j++) {
			bool same = i != j && atom_compare(&atoms[i], &atoms[j]) == 0;

			part = i != j && atom_within(&atoms[i], &atoms[j]) && (!same || j < i);
		}
		if (!part)
			atoms[kept++] = atoms[i];
	}
	return kept;
}
