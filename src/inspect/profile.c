#include "inspect/profile.h"

#include <stdlib.h>
#include <string.h>

const struct profile_flow *profiles_find(const struct profiles *profiles, uint32_t mark)
{
	uint32_t number = mark & PROFILE_NUMBER, stamp = mark & PROFILE_STAMP;
	size_t lo = 0, hi = profiles->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if ((profiles->flows[mid].mark & PROFILE_NUMBER) < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	const struct profile_flow *flow = lo < profiles->n ? &profiles->flows[lo] : NULL;
	if (!flow || (flow->mark & PROFILE_NUMBER) != number)
		return NULL;
	return !stamp || (flow->mark & PROFILE_STAMP) == stamp ? flow : NULL;
}

const char *profile_tls_name(const struct profile_tls_inspect *inspect, const struct addr *server)
{
	for (size_t i = 0; i < inspect->n_names; i++)
		if (profile_holds(&inspect->names[i].servers, server))
			return inspect->names[i].name;
	return NULL;
}

bool profile_holds(const struct profile_addrs *addrs, const struct addr *addr)
{
	for (size_t lo = 0, hi = addrs->n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		const struct addr_range *range = &addrs->v[mid];
		if (addr_range_contains(range, addr))
			return true;
		if (range->family < addr->family ||
		    (range->family == addr->family && range->hi < addr->bits))
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static bool zones_hold(const struct profile_zone *zones, size_t n, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (profile_holds(&zones[i].addrs, addr))
			return true;
	return false;
}

const struct profile_flow *profiles_follow(const struct profiles *profiles,
					   const struct profile_flow *before,
					   const struct addr *client, const struct addr *server)
{
	for (size_t i = 0; i < profiles->n; i++)
		if (strcmp(profiles->flows[i].id, before->id) == 0)
			return &profiles->flows[i];
	for (size_t i = 0; i < profiles->n; i++) {
		const struct profile_flow *flow = &profiles->flows[i];
		if (strcmp(flow->profile->guard, before->profile->guard) == 0 &&
		    zones_hold(flow->from, flow->n_from, client) &&
		    zones_hold(flow->to, flow->n_to, server))
			return flow;
	}
	return NULL;
}

bool profile_lists(const char *const *recipients, size_t n, const char *address)
{
	const char *at = strrchr(address, '@');
	for (size_t i = 0; i < n; i++) {
		const char *wanted = recipients[i];
		if (strcmp(wanted, wanted[0] == '@' && at ? at : address) == 0)
			return true;
	}
	return !n;
}

static bool is_below(const char *domain, const char *name)
{
	size_t d = strlen(domain), n = strlen(name);
	return d > n + 1 && domain[d - n - 1] == '.' && strcmp(domain + d - n, name) == 0;
}

bool profile_owns(const struct profile *profile, const char *domain)
{
	for (size_t i = 0; i < profile->n_domains; i++) {
		const struct profile_domain *own = &profile->domains[i];
		if (own->subdomains ? is_below(domain, own->name) : strcmp(domain, own->name) == 0)
			return true;
	}
	return false;
}

bool profile_is_about(const struct profile_whose *whose, const struct addr *client, bool own,
		      const char *address)
{
	return (!whose->clients || profile_holds(whose->clients, client)) &&
	       !(own ? whose->only_out : whose->only_in) &&
	       profile_lists(whose->recipients, whose->n_recipients, address);
}

const char *profile_clause(const struct profile_flow *flow, const char *control)
{
	static const char before[] = "MAIL-";
	const size_t n = sizeof(before) - 1;
	unsigned long number =
		strncmp(control, before, n) == 0 ? strtoul(control + n, NULL, 10) : 0;
	const char *clause =
		flow->clauses && number < PROFILE_CONTROLS ? flow->clauses[number] : "";

	return *clause ? clause : flow->clause;
}
