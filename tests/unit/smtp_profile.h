// The body of the tests: city.example.jp with everything below it, and 市役所.jp; 10.0.0.0/8 may
// send anywhere; caps of 40 bytes in, 30 out, 60 to two recipients.
#ifndef SEKISHO_TESTS_SMTP_PROFILE_H
#define SEKISHO_TESTS_SMTP_PROFILE_H

#include "inspect/engine.h"

struct town {
	struct addr_range senders, server, exempt;
	struct profile_domain domains[3];
	struct profile_size sizes[3];
	struct profile profile;
	struct profile_zone from, to;
	struct profile_tls_name name;
	struct profile_flow flow;
	struct engine_peer inside, outside;
};

static const char *const town_large[] = { "kenko@city.example.jp", "@big.city.example.jp" };

static inline struct addr_range town_range(const char *text)
{
	struct addr_range range;
	if (addr_range_parse(text, &range) < 0)
		abort();
	return range;
}

static inline struct addr town_addr(const char *text)
{
	struct addr addr;
	if (addr_parse(text, &addr) < 0)
		abort();
	return addr;
}

static inline void town_init(struct town *town)
{
	*town = (struct town){
		.senders = town_range("10.0.0.0/8"),
		.server = town_range("10.1.1.25"),
		.exempt = town_range("198.51.100.0/24"),
		.domains = { { "city.example.jp", false },
			     { "city.example.jp", true },
			     { "xn--7sto6a74d.jp", false } },
		.sizes = { { .whose = { .recipients = town_large, .n_recipients = 2 }, .max = 60 },
			   { .whose.only_in = true, .max = 40 },
			   { .whose.only_out = true, .max = 30 } },
	};
	town->profile = (struct profile){
		.guard = "mail",
		.domains = town->domains,
		.n_domains = 3,
		.senders = { &town->senders, 1 },
		.own_sender = PROFILE_OWN_ALLOW,
		.own_sender_from = { &town->exempt, 1 },
		.tls_servers = { &town->server, 1 },
	};
	town->from = (struct profile_zone){ "internet", { &town->exempt, 1 } };
	town->to = (struct profile_zone){ "dmz", { &town->server, 1 } };
	town->flow = (struct profile_flow){ .mark = 1,
					    .id = "mail-in",
					    .clause = "21-1",
					    .profile = &town->profile,
					    .from = &town->from,
					    .n_from = 1,
					    .to = &town->to,
					    .n_to = 1 };
	town->outside = (struct engine_peer){ town_addr("203.0.113.9"), town_addr("10.1.1.25"),
					      40000, 25, &town->flow };
	town->inside = (struct engine_peer){ town_addr("10.2.0.7"), town_addr("10.1.1.25"), 40000,
					     25, &town->flow };
}

#endif
