#include "replay/aliases.h"

#include <netinet/in.h>

static void add_alias(struct replay *replay, uint32_t connection, const struct addr *source,
		      const struct plan_packet *translated)
{
	const struct connection *entry = track_at(&replay->tracks, connection);
	struct plan_packet opening = judge_packet(entry);
	struct track_key key;
	bool icmp = opening.protocol == IPPROTO_ICMP || opening.protocol == IPPROTO_ICMPV6;
	uint16_t id = entry->key.port_a;
	bool from_b = track_make_key(&key, source, &translated->destination, opening.protocol,
				     icmp ? id : opening.sport, icmp ? id : translated->port);

	key.kind = entry->key.kind;

	uint64_t hash = track_hash(&replay->tracks, &key);

	uint32_t alias = track_find(&replay->tracks, &key, hash, TRACK_ANYWHERE, from_b);

	if (alias == TRACK_NONE)
		alias = track_add(&replay->tracks, &key, hash, TRACK_NONE);
	else if (!replay_is_alias(track_at(&replay->tracks, alias)))
		return;
	if (alias == TRACK_NONE)
		return;
	// One that was there already is of a connection before, which is over.
	track_at(&replay->tracks, alias)->alias_of = connection;
	track_at(&replay->tracks, alias)->flags = from_b ? CONNECTION_FROM_B : 0;
}

// The sources that the plan may give it: the range of a source translation, or the gateway's own
// addresses in the zone it leaves to.
void aliases_add(struct replay *replay, uint32_t connection, const struct judge_answer *answer)
{
	const struct plan_nat *nat = answer->source_nat;
	const struct plan_packet *translated = &answer->translated;
	struct addr source = translated->source;
	unsigned n = 0;

	if (!nat && !answer->hairpin_nat) {
		if (answer->destination_nat)
			add_alias(replay, connection, &source, translated);
		return;
	}
	if (nat && nat->kind == POL_NAT_PREFIX) {
		source.bits = nat->target.lo + (source.bits - nat->inside.lo);
		add_alias(replay, connection, &source, translated);
		return;
	}
	if (nat && nat->kind == POL_NAT_SOURCE && !answer->hairpin_nat) {
		for (source.bits = nat->target.lo; n++ < ALIASES_MAX; source.bits++) {
			add_alias(replay, connection, &source, translated);
			if (source.bits == nat->target.hi)
				break;
		}
		return;
	}
	for (size_t i = 0; i < replay->options.n_self && n < ALIASES_MAX; i++) {
		const struct addr *self = &replay->options.self[i];

		if (self->family != source.family ||
		    !plan_zone_has(replay->options.plan, translated->to, self))
			continue;
		add_alias(replay, connection, self, translated);
		n++;
	}
}
