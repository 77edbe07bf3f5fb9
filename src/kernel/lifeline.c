// Lines of text, one rule or setting each.
#include "kernel/lifeline.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_WORDS_MAX = 8, PROTOCOL_MAX = 255, PORT_MAX = 65535 };

struct line {
	char text[SWITCH_LINE_MAX];
	const char *words[LINE_WORDS_MAX];
	size_t n;
};

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = { { "*", 0 }, { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP } };

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

static const char *const way_words[2][2] = { { "from", "to" }, { "toward", "out-of" } };

static const char *protocol_text(uint8_t number, char out[4])
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	snprintf(out, 4, "%u", number);
	return out;
}

int lifeline_write(const struct lifeline *lifeline, char *out, size_t size)
{
	char range[ADDR_TEXT_MAX] = "*", ports[16] = "*", protocol[4];
	int n;

	if (lifeline->addressed)
		addr_range_text(&lifeline->range, range);
	if (lifeline->port_hi)
		snprintf(ports, sizeof(ports), "%u-%u", lifeline->port_lo, lifeline->port_hi);
	n = snprintf(out, size, "lifeline %s %s %s %s %s %s%s\n", lifeline->name,
		     way_words[lifeline->far][lifeline->out],
		     lifeline->interface[0] ? lifeline->interface : "*", range,
		     protocol_text(lifeline->protocol, protocol), ports,
		     lifeline->answer ? " answer" : "");
	return n < 0 || (size_t)n >= size ? -E2BIG : 0;
}

// --- reading

static int split(struct line *line, const char *text, size_t length)
{
	char *rest = line->text, *found;

	if (length >= sizeof(line->text))
		return -EBADMSG;
	memcpy(line->text, text, length);
	line->text[length] = '\0';
	line->n = 0;
	while ((found = strsep(&rest, " "))) {
		if (!*found || line->n == LINE_WORDS_MAX)
			return -EBADMSG;
		line->words[line->n++] = found;
	}
	return 0;
}

static int read_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return errno || *end || !isdigit((unsigned char)*text) || *ret > max ? -EBADMSG : 0;
}

static int read_interface(const char *text, char out[16])
{
	if (strcmp(text, "*") == 0)
		text = "";
	else if (!isolation_is_interface(text))
		return -EBADMSG;
	snprintf(out, 16, "%s", text);
	return 0;
}

static int read_name(const char *text, char out[ISOLATION_NAME_MAX])
{
	return (size_t)snprintf(out, ISOLATION_NAME_MAX, "%s", text) >= ISOLATION_NAME_MAX
		       ? -EBADMSG
		       : 0;
}

static int read_protocol(const char *text, uint8_t *ret)
{
	unsigned long number;

	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (strcmp(protocols[i].name, text) == 0) {
			*ret = protocols[i].number;
			return 0;
		}
	if (read_number(text, PROTOCOL_MAX, &number) < 0)
		return -EBADMSG;
	*ret = (uint8_t)number;
	return 0;
}

static int read_ports(const char *text, struct lifeline *lifeline)
{
	unsigned lo, hi;
	char end;

	if (strcmp(text, "*") == 0)
		return 0;
	if (sscanf(text, "%5u-%5u%c", &lo, &hi, &end) != 2 || lo > hi || hi > PORT_MAX || !hi)
		return -EBADMSG;
	lifeline->port_lo = (uint16_t)lo;
	lifeline->port_hi = (uint16_t)hi;
	return 0;
}

static int read_way(const char *text, struct lifeline *lifeline)
{
	for (int far = 0; far < 2; far++)
		for (int out = 0; out < 2; out++)
			if (strcmp(way_words[far][out], text) == 0) {
				lifeline->far = far;
				lifeline->out = out;
				return 0;
			}
	return -EBADMSG;
}

static int read_lifeline(struct switch_map *map, const struct line *line)
{
	struct lifeline *lifeline;
	bool addressed = line->n > 4 && strcmp(line->words[4], "*") != 0;

	if (line->n < 7 || (line->n == 8 && strcmp(line->words[7], "answer") != 0))
		return -EBADMSG;
	if (map->n_lifelines == LIFELINES_MAX)
		return -E2BIG;
	lifeline = &map->lifelines[map->n_lifelines++];
	*lifeline = (struct lifeline){ .answer = line->n == 8, .addressed = addressed };
	if (read_way(line->words[2], lifeline) < 0)
		return -EBADMSG;
	if (addressed && addr_range_parse(line->words[4], &lifeline->range) < 0)
		return -EBADMSG;
	if (read_name(line->words[1], lifeline->name) < 0 ||
	    read_interface(line->words[3], lifeline->interface) < 0 ||
	    read_protocol(line->words[5], &lifeline->protocol) < 0 ||
	    read_ports(line->words[6], lifeline) < 0)
		return -EBADMSG;
	return 0;
}

static int read_zone(struct switch_map *map, const struct line *line)
{
	struct switch_zone *zone;

	if (line->n != 3)
		return -EBADMSG;
	if (map->n_zones == SWITCH_ZONES_MAX)
		return -E2BIG;
	zone = &map->zones[map->n_zones++];
	if (read_name(line->words[1], zone->zone) < 0 || strcmp(line->words[2], "*") == 0)
		return -EBADMSG;
	return read_interface(line->words[2], zone->interface);
}

static int read_management(struct switch_map *map, const struct line *line)
{
	struct kernel_management *management = &map->management;
	struct addr_range range;
	unsigned long port;

	if (line->n != 4 || addr_range_parse(line->words[2], &range) < 0 ||
	    addr_range_prefix(&range) < 0 || read_number(line->words[3], PORT_MAX, &port) < 0 ||
	    read_interface(line->words[1], management->interface) < 0)
		return -EBADMSG;
	management->family = (uint8_t)range.family;
	management->prefix_length = (uint8_t)addr_range_prefix(&range);
	management->port = (uint16_t)port;
	addr_to_bytes(range.family, range.lo, management->prefix);
	return 0;
}

static int read_time_limit(struct switch_map *map, const struct line *line)
{
	unsigned long seconds;

	if (line->n != 2 || read_number(line->words[1], UINT32_MAX, &seconds) < 0)
		return -EBADMSG;
	map->time_limit = seconds;
	return 0;
}

static int read_second_person(struct switch_map *map, const struct line *line)
{
	map->second_person = true;
	return line->n == 1 ? 0 : -EBADMSG;
}

static int read_line(struct switch_map *map, const struct line *line)
{
	static const struct {
		const char *word;
		int (*read)(struct switch_map *map, const struct line *line);
	} kinds[] = {
		{ "management", read_management },	 { "zone", read_zone },
		{ "lifeline", read_lifeline },		 { "time-limit", read_time_limit },
		{ "second-person", read_second_person },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(line->words[0], kinds[i].word) == 0)
			return kinds[i].read(map, line);
	return -EBADMSG;
}

int switch_map_read(const char *text, struct switch_map *ret, unsigned *ret_line)
{
	struct switch_map map = { .zones = calloc(SWITCH_ZONES_MAX, sizeof(*map.zones)),
				  .lifelines = calloc(LIFELINES_MAX, sizeof(*map.lifelines)) };
	struct line line;
	int r = map.zones && map.lifelines ? 0 : -ENOMEM;

	*ret_line = 0;
	while (r == 0 && *text) {
		size_t length = strcspn(text, "\n");

		++*ret_line;
		if (length && *text != '#') {
			r = split(&line, text, length);
			if (r == 0)
				r = read_line(&map, &line);
		}
		text += length + (text[length] == '\n');
	}
	if (r < 0)
		switch_map_done(&map);
	else
		*ret = map;
	return r;
}

void switch_map_done(struct switch_map *map)
{
	free(map->zones);
	free(map->lifelines);
	*map = (struct switch_map){ 0 };
}

int switch_map_zone(const struct switch_map *map, struct isolation *isolation)
{
	int r = -ENOENT;

	for (size_t i = 0; i < map->n_zones; i++) {
		if (strcmp(map->zones[i].zone, isolation->name) != 0)
			continue;
		r = isolation_add_target(isolation, map->zones[i].interface);
		if (r < 0)
			return r;
	}
	return r;
}
