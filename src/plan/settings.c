// Settings: defaults by zone pair, ICMP errors, router advertisements, IPv6 extension headers.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"
#include "plan/words.h"

enum { LOG_RATE = 20, LOG_BURST = 100, ACTION_UNSET = 0xff };

static const struct {
	const char *name;
	unsigned bit;
} extensions[] = {
	{ "hop-by-hop", PLAN_EXT_HOPOPTS },
	{ "routing", PLAN_EXT_ROUTING },
	{ "fragment", PLAN_EXT_FRAGMENT },
	{ "destination", PLAN_EXT_DSTOPTS },
	{ "esp", PLAN_EXT_ESP },
	{ "ah", PLAN_EXT_AH },
	{ "mobility", PLAN_EXT_MOBILITY },
};

enum { EXTENSIONS_DEFAULT = PLAN_EXT_FRAGMENT | PLAN_EXT_ESP | PLAN_EXT_AH | PLAN_EXT_DSTOPTS };

// Types that are errors about another packet; by protocol.  `needed`: path MTU discovery.
struct error_types {
	uint8_t protocol;
	uint8_t types[4];
	uint8_t defaults[4];
	size_t n_defaults;
	uint8_t needed;
	const char *needed_name;
};

static const struct error_types icmp = {
	.protocol = IPPROTO_ICMP,
	.types = { 3, 4, 11, 12 },
	.defaults = { 3, 11, 12 },
	.n_defaults = 3,
	.needed = 3,
	.needed_name = "destination-unreachable",
};
static const struct error_types icmpv6 = {
	.protocol = IPPROTO_ICMPV6,
	.types = { 1, 2, 3, 4 },
	.defaults = { 1, 2, 3, 4 },
	.n_defaults = 4,
	.needed = 2,
	.needed_name = "packet-too-big",
};

const char *plan_extensions_text(unsigned bits, char *out, size_t size)
{
	struct words words = words_in(out, size);

	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (bits & extensions[i].bit)
			words_say(&words, "%s%s", out[0] ? ", " : "", extensions[i].name);
	return out;
}

// A word the reader does not know it has reported; the first of the two stands in.
static bool is_second(const struct pol_text *text, const char *second)
{
	return text->s && strcmp(text->s, second) == 0;
}

static void set_errors(struct build *b, const struct pol_list *list,
		       const struct error_types *known, const uint8_t **ret_types, size_t *ret_n)
{
	uint8_t *types = arena_array_of(b->arena, uint8_t, list->n + known->n_defaults);
	bool needed = false;
	size_t n = 0;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		uint8_t type = 0;
		int r = icmp_type_parse(known->protocol, list->v[i].s, &type);

		if (r < 0 || !memchr(known->types, type, sizeof(known->types))) {
			diag_add(b->diag, SK_ICMP_ERROR_TYPE, list->v[i].at,
				 "\"%s\" is no error type of this protocol; requests are permitted "
				 "by flows",
				 list->v[i].s);
			continue;
		}
		needed |= type == known->needed;
		if (!memchr(types, type, n))
			types[n++] = type;
	}
	if (!list->at.file) {
		memcpy(types, known->defaults, known->n_defaults);
		n = known->n_defaults;
	} else if (!needed) {
		diag_add(b->diag, SK_PATH_MTU, list->at,
			 "without %s, connections over links with smaller packets hang; keep it in "
			 "the list",
			 known->needed_name);
	}
	*ret_types = types;
	*ret_n = n;
}

static const uint16_t *set_advertisers(struct build *b, const struct pol_list *list, bool hear,
				       size_t *ret_n)
{
	uint16_t *zones = arena_array_of(b->arena, uint16_t, list->n);
	struct names seen = { 0 };
	size_t n = 0;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		uint32_t zone;
		bool outside;

		if (build_zone(b, &list->v[i], &zone) < 0)
			continue;
		outside = b->plan->zones[zone].role == PLAN_UPLINK ||
			  b->plan->zones[zone].role == PLAN_EXTERNAL;
		if (zone == PLAN_SELF || outside != hear)
			diag_add(
				b->diag, SK_RA_ZONE, list->v[i].at,
				hear ? "\"%s\" is no uplink or external zone; router advertisements "
				       "are heard from those only"
				     : "\"%s\": the gateway does not advertise itself to uplink and "
				       "external zones, nor to itself",
				list->v[i].s);
		else if (names_add(&seen, list->v[i].s, 0) == NAMES_NONE)
			zones[n++] = (uint16_t)zone;
	}
	names_done(&seen);
	*ret_n = n;
	return zones;
}

static unsigned set_extensions(struct build *b, const struct pol_list *list)
{
	unsigned bits = list->at.file ? 0 : EXTENSIONS_DEFAULT;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		unsigned bit = 0;

		for (size_t j = 0; j < sizeof(extensions) / sizeof(extensions[0]); j++)
			if (strcmp(extensions[j].name, list->v[i].s) == 0)
				bit = extensions[j].bit;
		if (bit == 0)
			diag_add(b->diag, SK_EXTENSION_UNKNOWN, list->v[i].at,
				 "\"%s\" is no IPv6 extension header; write hop-by-hop, routing, "
				 "fragment, destination, esp, ah or mobility",
				 list->v[i].s);
		bits |= bit;
	}
	return bits;
}

// The zones of a list, or all if it is absent.  Returns false if a name was wrong.
static bool zones_of(struct build *b, const struct pol_list *list, bool *in)
{
	bool sound = true;

	build_repeats(b, list);
	for (size_t i = 0; i < b->plan->n_zones; i++)
		in[i] = list->n == 0;
	for (size_t i = 0; i < list->n; i++) {
		uint32_t zone;

		if (build_zone(b, &list->v[i], &zone) == 0)
			in[zone] = true;
		else
			sound = false;
	}
	return sound;
}

struct defaults {
	uint8_t *action; // by from * zones + to
	uint32_t *entry; // which entry set it
	bool *from, *to;
};

static void set_default(struct build *b, struct defaults *d, uint32_t index)
{
	const struct pol_default *given = &b->tree->settings.defaults[index];
	uint8_t action = is_second(&given->action, "reject") ? PLAN_REJECT : PLAN_DROP;
	size_t n = b->plan->n_zones;
	bool told = false;
	bool sound;

	sound = zones_of(b, &given->from, d->from);
	sound &= zones_of(b, &given->to, d->to);
	if (!sound)
		return;
	for (size_t i = 0; i < n * n; i++) {
		if (!d->from[i / n] || !d->to[i % n])
			continue;
		if (d->action[i] == ACTION_UNSET) {
			d->action[i] = action;
			d->entry[i] = index;
		} else if (d->action[i] != action && !told) {
			size_t item = diag_add(
				b->diag, SK_DEFAULTS_OVERLAP, given->at,
				"from \"%s\" to \"%s\" another entry says otherwise; narrow one of "
				"them with from or to",
				b->plan->zones[i / n].id, b->plan->zones[i % n].id);

			diag_second(b->diag, item, b->tree->settings.defaults[d->entry[i]].at,
				    "the other entry");
			told = true;
		}
	}
}

static void set_defaults(struct build *b, struct plan_settings *settings)
{
	size_t n = b->plan->n_zones;
	struct arena *scratch;
	struct defaults d;
	VEC(struct plan_default) list = { 0 };

	if (b->tree->settings.n_defaults == 0)
		return;
	scratch = arena_new();
	d.action = arena_array_of(scratch, uint8_t, n * n);
	d.entry = arena_array_of(scratch, uint32_t, n * n);
	d.from = arena_array_of(scratch, bool, n);
	d.to = arena_array_of(scratch, bool, n);
	memset(d.action, ACTION_UNSET, n * n);
	for (size_t i = 0; i < b->tree->settings.n_defaults; i++)
		set_default(b, &d, (uint32_t)i);
	for (size_t i = 0; i < n * n; i++)
		if (d.action[i] != ACTION_UNSET && d.action[i] != settings->action)
			vec_push(&list, ((struct plan_default){ (uint16_t)(i / n),
								(uint16_t)(i % n), d.action[i] }));
	settings->defaults = arena_memdup(b->arena, list.v, list.n * sizeof(*list.v));
	settings->n_defaults = list.n;
	vec_done(&list);
	arena_free(scratch);
}

void build_settings(struct build *b)
{
	const struct pol_settings *given = &b->tree->settings;
	struct plan_settings *settings = &b->plan->settings;

	settings->action = is_second(&given->default_action, "reject") ? PLAN_REJECT : PLAN_DROP;
	settings->log_rate_per_second = given->log_rate_per_second.set
						? (unsigned)given->log_rate_per_second.value
						: LOG_RATE;
	settings->log_burst = given->log_burst.set ? (unsigned)given->log_burst.value : LOG_BURST;
	settings->log_denied = given->log_denied.set ? given->log_denied.value : true;
	settings->log_invalid = is_second(&given->invalid_tcp, "log-and-drop");
	settings->drop_fragments = is_second(&given->fragments, "drop");
	set_errors(b, &given->icmp_errors, &icmp, &settings->icmp_errors, &settings->n_icmp_errors);
	set_errors(b, &given->icmpv6_errors, &icmpv6, &settings->icmpv6_errors,
		   &settings->n_icmpv6_errors);
	settings->hear_ra =
		set_advertisers(b, &given->router_advertisements, true, &settings->n_hear_ra);
	settings->send_ra =
		set_advertisers(b, &given->send_router_advertisements, false, &settings->n_send_ra);
	settings->extensions = set_extensions(b, &given->extension_headers);
	set_defaults(b, settings);
}
