// What sets of addresses and services are called: names of the policy where they fit exactly.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "plan/diff_internal.h"
#include "plan/words.h"

// DIFF_NAMES_MAX names of two parts, 63 bytes each, with their addresses, fit in a text.
enum { TEXT_SIZE = 8192, COVER_NETWORKS_MAX = 2000, SPELLED_MAX = 3 };

// A text put together: items with commas, the first DIFF_NAMES_MAX of them.
struct listing {
	char text[TEXT_SIZE];
	struct words words;
	size_t n;
};

static void list_begin(struct listing *listing)
{
	listing->words = words_in(listing->text, sizeof(listing->text));
	listing->n = 0;
}

static void list_item(struct listing *listing, const char *item)
{
	if (listing->n < DIFF_NAMES_MAX)
		words_say(&listing->words, "%s%s", listing->n ? ", " : "", item);
	listing->n++;
}

static void list_ranges(struct listing *listing, const struct addr_set *set)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < set->n; i++)
		list_item(listing, addr_range_text(&set->v[i], text));
}

static const char *list_end(struct listing *listing, struct differ *d)
{
	if (listing->n > DIFF_NAMES_MAX)
		words_say(&listing->words, " and %zu more", listing->n - DIFF_NAMES_MAX);
	return arena_strdup(d->arena, listing->text);
}

const char *diff_ranges_text(struct differ *d, const struct addr_set *set)
{
	struct listing listing;

	list_begin(&listing);
	list_ranges(&listing, set);
	return list_end(&listing, d);
}

void diff_name_networks(struct differ *d, struct diff_side *side)
{
	const struct plan *plan = side->plan;
	uint32_t *first = arena_array_of(d->arena, uint32_t, plan->n_zones + 2);
	uint32_t *list = arena_array_of(d->arena, uint32_t, plan->n_networks);

	for (size_t i = 0; i < plan->n_networks; i++)
		if (plan->networks[i].zone != PLAN_NONE)
			first[plan->networks[i].zone + 2]++;
	for (size_t i = 1; i < plan->n_zones + 2; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; i < plan->n_networks; i++)
		if (plan->networks[i].zone != PLAN_NONE)
			list[first[plan->networks[i].zone + 1]++] = (uint32_t)i;
	side->network_first = first;
	side->networks = list;
}

// --- addresses

// The addresses of a zone, of the families in `like`.
static void zone_set(const struct plan *plan, uint32_t zone, const struct addr_set *like,
		     struct addr_set *ret)
{
	const struct plan_zone *of = &plan->zones[zone];

	if (zone == PLAN_SELF || of->elsewhere) {
		if (of->elsewhere)
			addr_set_copy(ret, &plan->inside);
		addr_set_complement(ret);
	} else {
		for (size_t i = 0; i < of->n_networks; i++)
			addr_set_append(ret, of->networks[i]);
	}
	for (size_t i = ret->n; i-- > 0;)
		if (!addr_set_has_family(like, ret->v[i].family)) {
			memmove(&ret->v[i], &ret->v[i + 1], (ret->n - i - 1) * sizeof(*ret->v));
			ret->n--;
		}
}

static bool within(const struct addr_set *inner, const struct addr_set *outer)
{
	struct addr_set rest = { 0 };
	bool is;

	addr_set_copy(&rest, inner);
	addr_set_subtract(&rest, outer);
	is = rest.n == 0;
	addr_set_done(&rest);
	return is;
}

// A network's ranges of the families in `like`.
static void network_set(const struct plan_network *network, const struct addr_set *like,
			struct addr_set *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < network->n_ranges; i++)
		if (addr_set_has_family(like, network->ranges[i].family))
			addr_set_append(ret, network->ranges[i]);
}

static bool same_set(const struct addr_set *a, const struct addr_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].family != b->v[i].family || a->v[i].lo != b->v[i].lo ||
		    a->v[i].hi != b->v[i].hi)
			return false;
	return true;
}

// "office/clerks (10.20.1.0/24)": the addresses too, if they are few.
static void say_network(struct listing *listing, const struct plan_network *network,
			const struct addr_set *set)
{
	struct listing item;

	list_begin(&item);
	words_say(&item.words, "%s", network->id);
	if (set->n <= SPELLED_MAX) {
		words_say(&item.words, " (");
		list_ranges(&item, set);
		words_say(&item.words, ")");
	}
	list_item(listing, item.text);
}

// One network that is exactly the set; PLAN_NONE: none.
static bool say_exact(struct listing *listing, const struct diff_side *side, uint32_t zone,
		      const struct addr_set *set)
{
	struct addr_set ranges = { 0 };
	bool found = false;

	for (uint32_t i = side->network_first[zone]; !found && i < side->network_first[zone + 1];
	     i++) {
		const struct plan_network *network = &side->plan->networks[side->networks[i]];

		network_set(network, set, &ranges);
		found = same_set(&ranges, set);
		if (found)
			say_network(listing, network, set);
	}
	addr_set_done(&ranges);
	return found;
}

// Names every network that lies within the set and still adds to it; leaves the rest.
static void say_cover(struct listing *listing, const struct diff_side *side, uint32_t zone,
		      struct addr_set *rest)
{
	struct addr_set all = { 0 }, ranges = { 0 };
	uint32_t first = side->network_first[zone], end = side->network_first[zone + 1];

	addr_set_copy(&all, rest);
	if (end - first > COVER_NETWORKS_MAX)
		end = first;
	for (uint32_t i = first; i < end && rest->n > 0; i++) {
		const struct plan_network *network = &side->plan->networks[side->networks[i]];

		network_set(network, &all, &ranges);
		if (ranges.n == 0 || !within(&ranges, rest))
			continue;
		say_network(listing, network, &ranges);
		addr_set_subtract(rest, &ranges);
	}
	addr_set_done(&all);
	addr_set_done(&ranges);
}

static void say_in_zone(struct listing *listing, const struct diff_side *side, uint32_t zone,
			const struct addr_set *rest)
{
	struct listing item;

	if (rest->n == 0)
		return;
	list_begin(&item);
	list_ranges(&item, rest);
	if (item.n > DIFF_NAMES_MAX)
		words_say(&item.words, " and %zu more", item.n - DIFF_NAMES_MAX);
	words_say(&item.words, " in %s", side->plan->zones[zone].id);
	list_item(listing, item.text);
}

// "office but 10.20.1.5", where what is missing is less to read.
static bool say_without(struct listing *listing, const struct diff_side *side, uint32_t zone,
			const struct addr_set *whole, const struct addr_set *set)
{
	struct addr_set missing = { 0 };
	bool fewer;

	addr_set_copy(&missing, whole);
	addr_set_subtract(&missing, set);
	fewer = missing.n <= SPELLED_MAX && missing.n < set->n;
	if (fewer) {
		words_say(&listing->words, "%s but ", side->plan->zones[zone].id);
		list_ranges(listing, &missing);
	}
	addr_set_done(&missing);
	return fewer;
}

const char *diff_addresses_text(struct differ *d, const struct diff_side *side, uint32_t zone,
				const struct addr_set *set)
{
	struct addr_set whole = { 0 }, rest = { 0 };
	struct listing listing;
	const char *text;

	list_begin(&listing);
	zone_set(side->plan, zone, set, &whole);
	addr_set_copy(&rest, set);
	if (whole.n)
		addr_set_intersect(&rest, &whole);
	if (rest.n == 0)
		addr_set_copy(&rest, set);
	if (within(&whole, set)) {
		list_item(&listing, side->plan->zones[zone].id);
	} else if (!say_exact(&listing, side, zone, &rest) &&
		   !say_without(&listing, side, zone, &whole, &rest)) {
		say_cover(&listing, side, zone, &rest);
		say_in_zone(&listing, side, zone, &rest);
	}
	text = list_end(&listing, d);
	addr_set_done(&whole);
	addr_set_done(&rest);
	return text;
}

// --- services

static bool fits_families(const struct plan_atom *atom, const struct addr_set *set)
{
	if (atom->protocol_lo != atom->protocol_hi)
		return true;
	if (atom->protocol_lo == IPPROTO_ICMP)
		return addr_set_has_family(set, ADDR_V4);
	return atom->protocol_lo != IPPROTO_ICMPV6 || addr_set_has_family(set, ADDR_V6);
}

static size_t find_atom(const diff_atoms *atoms, const struct plan_atom *atom)
{
	for (size_t i = 0; i < atoms->n; i++)
		if (atom_compare(&atoms->v[i], atom) == 0)
			return i;
	return SIZE_MAX;
}

// The policy's own services, and those of the library that are one thing: one port, or ICMP.
// (tcp/80 with tcp/443 is not said to be "webdav".)
static bool is_one_thing(const struct plan_named_service *service)
{
	for (size_t i = 1; service->library && i < service->n_atoms; i++)
		if (atom_has_ports(&service->atoms[i]) &&
		    (service->atoms[i].port_lo != service->atoms[0].port_lo ||
		     service->atoms[i].port_hi != service->atoms[0].port_hi))
			return false;
	return true;
}

// How many atoms the service has (that the families can carry), if all are still to be named.
static size_t count_fitting(const struct plan_named_service *service, const diff_atoms *left,
			    const struct addr_set *families)
{
	size_t n = 0;

	if (!is_one_thing(service))
		return 0;
	for (size_t i = 0; i < service->n_atoms; i++) {
		if (!fits_families(&service->atoms[i], families))
			continue;
		if (find_atom(left, &service->atoms[i]) == SIZE_MAX)
			return 0;
		n++;
	}
	return n;
}

// "ssh (tcp/22)"
static void say_service(struct listing *listing, const struct plan_named_service *service,
			const struct addr_set *families, size_t n)
{
	struct listing item;
	char text[64];

	list_begin(&item);
	words_say(&item.words, "%s", service->id);
	if (n <= SPELLED_MAX) {
		words_say(&item.words, " (");
		for (size_t i = 0; i < service->n_atoms; i++)
			if (fits_families(&service->atoms[i], families))
				list_item(&item,
					  plan_atom_text(&service->atoms[i], text, sizeof(text)));
		words_say(&item.words, ")");
	}
	list_item(listing, item.text);
}

const char *diff_services_text(struct differ *d, const struct diff_side *side,
			       const struct diff_product *product)
{
	const struct addr_set *families = &product->sources;
	diff_atoms left = { 0 };
	struct listing listing;
	char text[64];

	list_begin(&listing);
	for (size_t i = 0; i < product->atoms.n; i++)
		vec_push(&left, product->atoms.v[i]);
	while (left.n > 0) {
		const struct plan_named_service *best = NULL;
		size_t most = 0;

		for (size_t i = 0; i < side->plan->n_services; i++) {
			size_t n = count_fitting(&side->plan->services[i], &left, families);

			if (n > most) {
				most = n;
				best = &side->plan->services[i];
			}
		}
		if (!best)
			break;
		say_service(&listing, best, families, most);
		for (size_t i = 0; i < best->n_atoms; i++) {
			size_t at = find_atom(&left, &best->atoms[i]);

			if (at != SIZE_MAX)
				left.v[at] = left.v[--left.n];
		}
	}
	left.n = atoms_tidy(left.v, left.n);
	for (size_t i = 0; i < left.n; i++)
		list_item(&listing, plan_atom_text(&left.v[i], text, sizeof(text)));
	vec_done(&left);
	return list_end(&listing, d);
}
