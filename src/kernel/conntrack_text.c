// What an entry says in words, and whom it touches.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "kernel/conntrack.h"

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{ IPPROTO_TCP, "tcp" },	      { IPPROTO_UDP, "udp" },	{ IPPROTO_ICMP, "icmp" },
	{ IPPROTO_ICMPV6, "icmpv6" }, { IPPROTO_SCTP, "sctp" }, { IPPROTO_GRE, "gre" },
};

static const char *const tcp_states[] = {
	[TCP_CONNTRACK_NONE] = "NONE",	       [TCP_CONNTRACK_SYN_SENT] = "SYN_SENT",
	[TCP_CONNTRACK_SYN_RECV] = "SYN_RECV", [TCP_CONNTRACK_ESTABLISHED] = "ESTABLISHED",
	[TCP_CONNTRACK_FIN_WAIT] = "FIN_WAIT", [TCP_CONNTRACK_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCP_CONNTRACK_LAST_ACK] = "LAST_ACK", [TCP_CONNTRACK_TIME_WAIT] = "TIME_WAIT",
	[TCP_CONNTRACK_CLOSE] = "CLOSE",       [TCP_CONNTRACK_SYN_SENT2] = "SYN_SENT2",
};

const char *conntrack_protocol(uint8_t protocol, char out[8])
{
	snprintf(out, 8, "%u", protocol);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == protocol)
			snprintf(out, 8, "%s", protocols[i].name);
	return out;
}

struct addr conntrack_addr(uint8_t family, const uint8_t bytes[16])
{
	struct addr addr = { .family = (enum addr_family)family };

	addr.bits = addr_from_bytes(addr.family, bytes);
	return addr;
}

static bool holds(const struct addr_range *ranges, size_t n, uint8_t family,
		  const uint8_t bytes[16])
{
	struct addr addr = conntrack_addr(family, bytes);

	for (size_t i = 0; i < n; i++)
		if (addr_range_contains(&ranges[i], &addr))
			return true;
	return false;
}

bool conntrack_touches(const struct conntrack_entry *entry, const struct addr_range *ranges,
		       size_t n)
{
	return holds(ranges, n, entry->family, entry->original.source) ||
	       holds(ranges, n, entry->family, entry->original.destination) ||
	       holds(ranges, n, entry->family, entry->reply.source) ||
	       holds(ranges, n, entry->family, entry->reply.destination);
}

struct text {
	char *out;
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text->out + text->used, text->size - text->used, format, args);
	va_end(args);
	if (n > 0)
		text->used = text->used + (size_t)n < text->size ? text->used + (size_t)n
								 : text->size - 1;
}

static void say_tuple(struct text *text, const struct conntrack_entry *entry,
		      const struct conntrack_tuple *tuple, unsigned direction)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	struct addr from = conntrack_addr(entry->family, tuple->source);
	struct addr to = conntrack_addr(entry->family, tuple->destination);

	say(text, " src=%s dst=%s", addr_text(&from, source), addr_text(&to, destination));
	if (entry->protocol == IPPROTO_ICMP || entry->protocol == IPPROTO_ICMPV6) {
		if (direction == 0)
			say(text, " type=%u code=%u id=%u", entry->icmp_type, entry->icmp_code,
			    entry->icmp_id);
	} else if (tuple->source_port || tuple->destination_port) {
		say(text, " sport=%u dport=%u", tuple->source_port, tuple->destination_port);
	}
	if (entry->packets[0] || entry->packets[1])
		say(text, " packets=%llu bytes=%llu", (unsigned long long)entry->packets[direction],
		    (unsigned long long)entry->bytes[direction]);
}

void conntrack_text(const struct conntrack_entry *entry, char *out, size_t size)
{
	struct text text = { out, size, 0 };
	char protocol[8];

	say(&text, "ipv%u %s %u %u", entry->family, conntrack_protocol(entry->protocol, protocol),
	    entry->protocol, entry->timeout_s);
	if (entry->protocol == IPPROTO_TCP &&
	    entry->tcp_state < sizeof(tcp_states) / sizeof(tcp_states[0]))
		say(&text, " %s", tcp_states[entry->tcp_state]);
	say_tuple(&text, entry, &entry->original, 0);
	if (!(entry->status & IPS_SEEN_REPLY))
		say(&text, " [UNREPLIED]");
	say_tuple(&text, entry, &entry->reply, 1);
	if (entry->status & IPS_ASSURED)
		say(&text, " [ASSURED]");
	say(&text, " mark=%u", entry->mark);
	if (entry->zone)
		say(&text, " zone=%u", entry->zone);
}
