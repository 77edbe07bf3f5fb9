// A packet in one line of text, as the lab's tests write it:
//
//   FROM SOURCE DESTINATION PROTOCOL[/[SPORT:]PORT] [OPTION ...]
//   office 10.20.0.9 192.0.2.25 tcp/25
//
//   PROTOCOL  tcp udp icmp icmpv6 sctp or a number; PORT is the type for ICMP
//   OPTIONS   ttl=N tos=N flags=HEX fragmented payload=N link=N
//             options=HEX (IPv4), extension=PROTOCOL:HEX (IPv6)
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

enum { LINE_WORDS_MAX = 16, LINE_BYTES_MAX = 1024, LINE_FRAGMENTED_BYTES = 256 };

static void bad(const char *what, const char *word)
{
	fprintf(stderr, "lab: %s: %s\n", what, word);
	exit(2);
}

static size_t hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	unsigned byte;
	for (; text[0] && text[1] && n < size && sscanf(text, "%2x", &byte) == 1; text += 2)
		out[n++] = (uint8_t)byte;
	return n;
}

static void parse_protocol(struct wire_packet *packet, const char *word)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = { { "tcp", 6 },    { "udp", 17 },	 { "icmp", 1 },
		      { "sctp", 132 }, { "icmpv6", 58 }, { "udplite", 136 } };
	char name[16];
	unsigned a = 0, b = 0;
	int n = 0;
	if (sscanf(word, "%15[^/]%n", name, &n) != 1)
		bad("protocol", word);
	packet->protocol = (uint8_t)atoi(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0)
			packet->protocol = names[i].number;
	switch (sscanf(word + n, "/%u:%u", &a, &b)) {
	case 2:
		packet->sport = (uint16_t)a;
		packet->port = (uint16_t)b;
		break;
	case 1:
		packet->port = (uint16_t)a;
	}
}

static void parse_option(struct wire_packet *packet, unsigned *ret_link, const char *word)
{
	const char *value = strchr(word, '=');
	value = value ? value + 1 : word;
	if (strncmp(word, "ttl=", 4) == 0)
		packet->ttl = (uint8_t)atoi(value);
	else if (strncmp(word, "tos=", 4) == 0)
		packet->tos = (uint8_t)atoi(value);
	else if (strncmp(word, "flags=", 6) == 0)
		packet->tcp_flags = (uint8_t)strtoul(value, NULL, 16);
	else if (strncmp(word, "payload=", 8) == 0)
		packet->payload = (size_t)atoi(value);
	else if (strncmp(word, "link=", 5) == 0)
		*ret_link = (unsigned)atoi(value);
	else if (strcmp(word, "fragmented") == 0)
		packet->fragmented = true;
	else if (strncmp(word, "options=", 8) == 0)
		packet->extra_size = hex(value, packet->extra, WIRE_EXTRA_MAX) / 4 * 4;
	else if (strncmp(word, "extension=", 10) == 0 && strchr(value, ':')) {
		packet->extra_protocol = (uint8_t)atoi(value);
		packet->extra_size = hex(strchr(value, ':') + 1, packet->extra, WIRE_EXTRA_MAX);
	} else {
		bad("option", word);
	}
}

bool wire_parse_line(struct wire *wire, const char *line, unsigned *ret_zone, unsigned *ret_link,
		     struct wire_packet *packet)
{
	char copy[LINE_BYTES_MAX], *save = NULL, *words[LINE_WORDS_MAX];
	size_t n = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " \t\n", &save); word && n < LINE_WORDS_MAX;
	     word = strtok_r(NULL, " \t\n", &save))
		words[n++] = word;
	if (n == 0 || words[0][0] == '#')
		return false;
	if (n < 4)
		bad("line", line);
	struct wire_zone *zone = wire_find(wire, words[0]);
	if (!zone)
		bad("no such zone", words[0]);
	*packet = (struct wire_packet){ .family = strchr(words[1], ':') ? 6 : 4 };
	*ret_zone = (unsigned)(zone - wire->zones);
	*ret_link = 0;
	int domain = packet->family == 6 ? AF_INET6 : AF_INET;
	if (inet_pton(domain, words[1], packet->source) != 1)
		bad("address", words[1]);
	if (inet_pton(domain, words[2], packet->destination) != 1)
		bad("address", words[2]);
	parse_protocol(packet, words[3]);
	for (size_t i = 4; i < n; i++)
		parse_option(packet, ret_link, words[i]);
	if (packet->fragmented && packet->payload < LINE_FRAGMENTED_BYTES)
		packet->payload = LINE_FRAGMENTED_BYTES;
	return true;
}
