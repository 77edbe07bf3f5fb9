// An engine for one message, with a host of the test's own besides what smtp_bed.h has: a client at
// 10.0.0.1, who may send to anybody, and a server at 10.0.0.2.
#ifndef SEKISHO_TESTS_MESSAGE_BED_H
#define SEKISHO_TESTS_MESSAGE_BED_H

#include "smtp_bed.h"

static struct addr_range message_client[1];
static const struct profile_domain message_domains[] = { { "city.example.jp", false } };

// host: what it has besides orders and records.
static inline void message_begin(struct bed *bed, const struct profile_flow *flow,
				 struct engine_host host)
{
	struct engine_peer peer = { .flow = flow };
	host.order = bed_order;
	host.record = bed_record;
	host.arg = bed;
	host.renew = bed_renew;
	addr_parse("10.0.0.1", &peer.client);
	addr_parse("10.0.0.2", &peer.server);
	addr_range_parse("10.0.0.1", &message_client[0]);
	memset(bed, 0, sizeof(*bed));
	bed->now_us = 1000000;
	bed_must(engine_new(&peer, &host, NULL, bed->now_us, &bed->engine) == 0);
	for (int side = 0; side < 2; side++)
		bed_add(&bed->on[side], NULL, 0);
	bed_add(&bed->records, NULL, 0);
}

static inline void say(struct bed *bed, enum engine_side side, const char *text)
{
	bed_feed(bed, side, text, strlen(text));
}

// To the reply to DATA.
static inline void message_greet(struct bed *bed, const char *from, const char *to)
{
	char line[80];
	say(bed, ENGINE_SERVER, "220 mx\r\n");
	say(bed, ENGINE_CLIENT, "HELO c\r\n");
	say(bed, ENGINE_SERVER, "250 mx\r\n");
	snprintf(line, sizeof(line), "MAIL FROM:<%s>\r\n", from);
	say(bed, ENGINE_CLIENT, line);
	say(bed, ENGINE_SERVER, "250 ok\r\n");
	snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", to);
	say(bed, ENGINE_CLIENT, line);
	say(bed, ENGINE_SERVER, "250 ok\r\n");
	say(bed, ENGINE_CLIENT, "DATA\r\n");
	say(bed, ENGINE_SERVER, "354 go on\r\n");
}

static inline bool server_has(const struct bed *bed, const char *text)
{
	return strstr((char *)bed->on[ENGINE_CLIENT].v, text);
}

static inline bool server_has_end(const struct bed *bed)
{
	return server_has(bed, "\r\n.\r\n");
}

static inline bool recorded(const struct bed *bed, const char *what)
{
	if (strstr((char *)bed->records.v, what))
		return true;
	fprintf(stderr, "%s\n", (char *)bed->records.v);
	return false;
}

#endif
