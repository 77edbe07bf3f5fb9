// Connection helpers: each is set on the connections of its own port, or, where a flow has no such
// port, on those of its own protocol.
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "plan/terms.h"

static const struct {
	const char *name;
	enum plan_helper helper;
	uint8_t protocol;
	uint16_t port;
} helpers[] = {
	{ "ftp", PLAN_FTP, IPPROTO_TCP, 21 },	  { "tftp", PLAN_TFTP, IPPROTO_UDP, 69 },
	{ "sip", PLAN_SIP, IPPROTO_UDP, 5060 },	  { "sip", PLAN_SIP, IPPROTO_TCP, 5060 },
	{ "pptp", PLAN_PPTP, IPPROTO_TCP, 1723 },
};

// Cuts the own port out of every part that has it.
static bool assign_port(service_parts *services, const struct plan_atom *own, unsigned helper)
{
	size_t n = services->n;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		struct service_part part = services->v[i];
		struct plan_atom rest[ATOM_PIECES_MAX];
		struct plan_atom cut;
		size_t n_rest;

		if (part.atom.protocol_lo != part.atom.protocol_hi ||
		    !atom_intersect(&part.atom, own, &cut))
			continue;
		n_rest = atom_subtract(&part.atom, own, rest);
		services->v[i] = (struct service_part){ cut, part.helpers | helper };
		for (size_t j = 0; j < n_rest; j++)
			vec_push(services, ((struct service_part){ rest[j], part.helpers }));
		found = true;
	}
	return found;
}

static bool assign_protocol(service_parts *services, uint8_t protocol, unsigned helper)
{
	bool found = false;

	for (size_t i = 0; i < services->n; i++) {
		struct service_part *part = &services->v[i];

		if (part->atom.protocol_lo != protocol || part->atom.protocol_hi != protocol)
			continue;
		part->helpers |= helper;
		found = true;
	}
	return found;
}

// *ret_own: the flow has the helper's own port.
static bool assign(service_parts *services, const char *name, unsigned *helper, bool *ret_own)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		struct plan_atom own = { helpers[i].protocol, helpers[i].protocol, 0, 65535,
					 helpers[i].port,     helpers[i].port };

		if (strcmp(helpers[i].name, name) != 0)
			continue;
		*helper = helpers[i].helper;
		found |= assign_port(services, &own, helpers[i].helper);
	}
	*ret_own = found;
	for (size_t i = 0; !*ret_own && i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (strcmp(helpers[i].name, name) == 0)
			found |= assign_protocol(services, helpers[i].protocol, helpers[i].helper);
	return found;
}

int helpers_assign(struct build *b, const struct pol_flow *source, service_parts *services,
		   unsigned *ret_helpers)
{
	int result = 0;

	*ret_helpers = 0;
	build_repeats(b, &source->helpers);
	for (size_t i = 0; i < source->helpers.n; i++) {
		const struct pol_text *name = &source->helpers.v[i];
		unsigned helper = 0;
		bool own;
		bool found = assign(services, name->s, &helper, &own);

		*ret_helpers |= helper;
		if (found && !own)
			diag_add(b->diag, SK_HELPER_PORT, name->at,
				 "helper %s: the flow does not name the service %s, so the helper "
				 "reads every connection of its protocol that the flow permits",
				 name->s, name->s);
		if (found || helper == 0) // a name that is none the reader has reported
			continue;
		diag_add(b->diag, SK_HELPER_SERVICE, name->at,
			 "helper %s: the flow permits no service that it could help; name the "
			 "service, or take the helper away",
			 name->s);
		result = -ENOENT;
	}
	return result;
}
