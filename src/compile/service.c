#include "compile/service.h"

#include <netinet/in.h>
#include <stdio.h>

static const struct shape_row {
	const char *suffix;
	unsigned n_keys;
	enum rs_key keys[3];
} rows[SERVICE_SHAPES] = {
	[SERVICE_PORT] = { "ports", 2, { RS_META_L4PROTO, RS_TH_DPORT } },
	[SERVICE_RANGE] = { "ranges", 2, { RS_META_L4PROTO, RS_TH_DPORT } },
	[SERVICE_SOURCE] = { "sources", 3, { RS_META_L4PROTO, RS_TH_SPORT, RS_TH_DPORT } },
	[SERVICE_ICMP] = { "icmp", 1, { RS_ICMP_TYPE } },
	[SERVICE_ICMPV6] = { "icmpv6", 1, { RS_ICMPV6_TYPE } },
	[SERVICE_PROTOCOL] = { "protocols", 1, { RS_META_L4PROTO } },
	[SERVICE_ALL] = { "all", 0, { 0 } },
};

static bool all_ports(const struct plan_atom *atom)
{
	return atom->port_lo == 0 && atom->port_hi >= 255 &&
	       (atom->port_hi == 65535 || atom->protocol_lo == IPPROTO_ICMP ||
		atom->protocol_lo == IPPROTO_ICMPV6);
}

static bool all_sources(const struct plan_atom *atom)
{
	return atom->sport_lo == 0 && atom->sport_hi == 65535;
}

enum service_shape service_shape(const struct plan_atom *atom)
{
	if (atom->protocol_lo == 0 && atom->protocol_hi == 255)
		return SERVICE_ALL;
	if (atom->protocol_lo != atom->protocol_hi || (all_ports(atom) && all_sources(atom)))
		return SERVICE_PROTOCOL;
	if (atom->protocol_lo == IPPROTO_ICMP)
		return SERVICE_ICMP;
	if (atom->protocol_lo == IPPROTO_ICMPV6)
		return SERVICE_ICMPV6;
	if (!all_sources(atom))
		return SERVICE_SOURCE;
	return atom->port_lo == atom->port_hi ? SERVICE_PORT : SERVICE_RANGE;
}

const char *service_suffix(enum service_shape shape)
{
	return rows[shape].suffix;
}

unsigned service_keys(enum service_shape shape, enum rs_key keys[RS_KEYS_MAX])
{
	for (unsigned i = 0; i < rows[shape].n_keys; i++)
		keys[i] = rows[shape].keys[i];
	return rows[shape].n_keys;
}

bool service_is_range(enum service_shape shape, const struct plan_atom *atom)
{
	if (shape == SERVICE_ALL)
		return false;
	if (shape == SERVICE_PROTOCOL)
		return atom->protocol_lo != atom->protocol_hi;
	if (shape == SERVICE_SOURCE && atom->sport_lo != atom->sport_hi)
		return true;
	return atom->port_lo != atom->port_hi;
}

static uint8_t type_hi(const struct plan_atom *atom)
{
	return atom->port_hi > 255 ? 255 : (uint8_t)atom->port_hi;
}

static bool is_type(enum service_shape shape)
{
	return shape == SERVICE_ICMP || shape == SERVICE_ICMPV6;
}

void service_key(struct build_key *key, enum service_shape shape, const struct plan_atom *atom)
{
	if (shape == SERVICE_ALL)
		return;
	if (is_type(shape)) {
		key_u8(key, rows[shape].keys[0], (uint8_t)atom->port_lo, type_hi(atom));
		return;
	}
	key_u8(key, RS_META_L4PROTO, atom->protocol_lo, atom->protocol_hi);
	if (shape == SERVICE_SOURCE)
		key_u16(key, RS_TH_SPORT, atom->sport_lo, atom->sport_hi);
	if (shape != SERVICE_PROTOCOL)
		key_u16(key, RS_TH_DPORT, atom->port_lo, atom->port_hi);
}

void service_match(struct build *build, const struct plan_atom *atom)
{
	enum service_shape shape = service_shape(atom);

	if (shape == SERVICE_ALL)
		return;
	if (is_type(shape)) {
		rule_u8_range(build, rows[shape].keys[0], (uint8_t)atom->port_lo, type_hi(atom));
		return;
	}
	rule_u8_range(build, RS_META_L4PROTO, atom->protocol_lo, atom->protocol_hi);
	if (shape == SERVICE_SOURCE)
		rule_u16(build, RS_TH_SPORT, RS_EQ, atom->sport_lo, atom->sport_hi);
	if (shape != SERVICE_PROTOCOL && !all_ports(atom))
		rule_u16(build, RS_TH_DPORT, RS_EQ, atom->port_lo, atom->port_hi);
}

void service_name(const struct plan_atom *atom, char *out, size_t size)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} known[] = {
		{ IPPROTO_TCP, "tcp" },	  { IPPROTO_UDP, "udp" },	{ IPPROTO_SCTP, "sctp" },
		{ IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },
	};
	char protocol[16], source[16] = "", port[16] = "";

	snprintf(protocol, sizeof(protocol), "ip%u", atom->protocol_lo);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].protocol == atom->protocol_lo)
			snprintf(protocol, sizeof(protocol), "%s", known[i].name);
	if (service_shape(atom) == SERVICE_ALL)
		snprintf(protocol, sizeof(protocol), "any");
	if (!all_ports(atom))
		snprintf(port, sizeof(port), "-%u", atom->port_lo);
	if (!all_sources(atom))
		snprintf(source, sizeof(source), "-from-%u", atom->sport_lo);
	snprintf(out, size, "%s%s%s", protocol, source, port);
}
