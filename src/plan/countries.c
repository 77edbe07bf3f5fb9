// Networks by country: codes → addresses of the table, within the network's zone.
#include <string.h>

#include "plan/plan_internal.h"

static bool names_countries(const struct pol_network *source)
{
	return source->countries.at.file || source->continents.at.file ||
	       source->not_countries.at.file;
}

bool plan_needs_countries(const struct pol_policy *policy)
{
	const struct pol_tree *tree = policy_tree(policy);

	for (size_t i = 0; i < tree->n_networks; i++)
		if (names_countries(&tree->networks[i]))
			return true;
	return false;
}

static void report_country(struct build *b, const struct pol_text *text)
{
	bool continent = continent_is(text->s);

	diag_add(b->diag, SK_COUNTRY_UNKNOWN, text->at, "\"%.64s\" is no country's code%s", text->s,
		 continent ? "; continents stand under continent"
			   : "; write two capital letters, as in JP");
}

// Sets wanted[] of the listed countries.
static bool take_countries(struct build *b, const struct pol_list *list, bool value, bool *wanted)
{
	bool sound = true;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		int country = country_find(list->v[i].s, strlen(list->v[i].s));

		if (country == COUNTRY_NONE) {
			report_country(b, &list->v[i]);
			sound = false;
		} else {
			wanted[country] = value;
		}
	}
	return sound;
}

static bool take_continents(struct build *b, const struct pol_list *list, bool *wanted)
{
	bool sound = true;

	build_repeats(b, list);
	for (size_t i = 0; i < list->n; i++) {
		const char *code = list->v[i].s;

		if (!continent_is(code)) {
			diag_add(b->diag, SK_COUNTRY_UNKNOWN, list->v[i].at,
				 "\"%.64s\" is no continent: write AF, AN, AS, EU, NA, OC or SA",
				 code);
			sound = false;
		}
		for (int c = 0; c < (int)country_count(); c++)
			if (strcmp(country_continent(c), code) == 0)
				wanted[c] = true;
	}
	return sound;
}

static struct place place_of(const struct pol_network *source)
{
	if (source->countries.at.file)
		return source->countries.at;
	return source->continents.at.file ? source->continents.at : source->not_countries.at;
}

// A country by its own name that has nothing is a slip, or a database that is too small.
static bool report_empty(struct build *b, const struct pol_network *source)
{
	bool present[COUNTRY_COUNT_MAX];
	bool sound = true;

	geo_present(&b->countries->table, present);
	for (size_t i = 0; i < source->countries.n; i++) {
		const struct pol_text *text = &source->countries.v[i];

		if (present[country_find(text->s, strlen(text->s))])
			continue;
		diag_add(b->diag, SK_COUNTRY_EMPTY, text->at,
			 "the database of countries has no address of %s", text->s);
		sound = false;
	}
	return sound;
}

static bool has_table(struct build *b, const struct pol_network *source)
{
	if (b->countries && !b->countries->fault)
		return true;
	diag_add(b->diag, b->countries ? b->countries->fault : SK_COUNTRY_DATABASE,
		 place_of(source), "network \"%s\": %s", source->id.s,
		 b->countries ? b->countries->why : "there is no database of countries");
	return false;
}

// The set without what is not of the zone: a country has addresses in many places.
static bool clip(struct build *b, const struct pol_network *source, uint32_t zone,
		 struct addr_set *set)
{
	if (zone == PLAN_NONE)
		return true;
	build_clip(b, zone, set);
	if (set->n > 0)
		return true;
	diag_add(b->diag, SK_COUNTRY_EMPTY, place_of(source),
		 "network \"%s\": no address of these countries is of zone \"%s\"", source->id.s,
		 b->plan->zones[zone].id);
	return false;
}

bool build_countries(struct build *b, const struct pol_network *source,
		     struct plan_network *network, struct addr_set *ret)
{
	bool wanted[COUNTRY_COUNT_MAX] = { false };
	struct addr_set set = { 0 };
	bool sound;

	if (!names_countries(source)) {
		if (!source->addresses.at.file)
			diag_add(
				b->diag, SK_KEY_MISSING, source->id.at,
				"network \"%s\": addresses, country, continent or not is missing; for "
				"example country: [JP]",
				source->id.s);
		return true;
	}
	network->countries = true;
	if (!source->countries.at.file && !source->continents.at.file)
		memset(wanted, true, sizeof(wanted));
	sound = take_countries(b, &source->countries, true, wanted);
	sound &= take_continents(b, &source->continents, wanted);
	sound &= take_countries(b, &source->not_countries, false, wanted);
	if (!has_table(b, source) || !sound || !report_empty(b, source))
		return false;
	geo_collect(&b->countries->table, wanted, &set);
	if (clip(b, source, network->zone, &set)) {
		addr_set_union(&b->plan->countries, &set);
		for (size_t i = 0; i < set.n; i++)
			addr_set_append(ret, set.v[i]);
	} else {
		sound = false;
	}
	addr_set_done(&set);
	return sound;
}

const struct addr_set *plan_countries(const struct plan *plan)
{
	return &plan->countries;
}

// Where the ranges of the family begin, and how many there are.
static size_t of_family(const struct plan_network *network, enum addr_family family,
			size_t *ret_first)
{
	size_t first = 0;
	size_t end;

	while (first < network->n_ranges && network->ranges[first].family != family)
		first++;
	for (end = first; end < network->n_ranges && network->ranges[end].family == family;)
		end++;
	*ret_first = first;
	return end - first;
}

static bool same_ranges(const struct addr_range *a, const struct addr_range *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].lo != b[i].lo || a[i].hi != b[i].hi)
			return false;
	return true;
}

const char *plan_country_network(const struct plan *plan, const struct addr_range *ranges, size_t n,
				 bool *ret_exact)
{
	const char *near = NULL;

	*ret_exact = false;
	for (size_t i = 0; i < plan->n_networks; i++) {
		const struct plan_network *network = &plan->networks[i];
		const struct addr_set set = { .v = (struct addr_range *)network->ranges,
					      .n = network->n_ranges };
		size_t first;

		if (!network->countries)
			continue;
		if (of_family(network, ranges[0].family, &first) == n &&
		    same_ranges(network->ranges + first, ranges, n)) {
			*ret_exact = true;
			return network->id;
		}
		if (!near && addr_set_find(&set, &ranges[0]))
			near = network->id;
	}
	return near;
}
