#include "replay/fragments.h"

#include <stdlib.h>

void fragments_init(struct fragments *fragments)
{
	*fragments = (struct fragments){ .v = calloc(FRAGMENTS_MAX, sizeof(struct fragment)) };
	if (!fragments->v)
		abort();
}

void fragments_done(struct fragments *fragments)
{
	for (size_t i = 0; fragments->v && i < FRAGMENTS_MAX; i++)
		fragments->lost += fragments->v[i].packets;
	free(fragments->v);
	fragments->v = NULL;
}

static size_t slot_of(const struct header *header)
{
	uint64_t hash = ((uint64_t)header->source.bits ^ header->fragment_id) *
			UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ (uint64_t)header->destination.bits ^ header->protocol) *
	       UINT64_C(0xbf58476d1ce4e5b9);
	return hash >> 32 & (FRAGMENTS_MAX - 1);
}

struct fragment *fragments_find(struct fragments *fragments, const struct header *header)
{
	struct fragment *fragment = &fragments->v[slot_of(header)];

	if (fragment->used && fragment->source == header->source.bits &&
	    fragment->destination == header->destination.bits &&
	    fragment->id == header->fragment_id && fragment->protocol == header->protocol &&
	    fragment->family == header->source.family)
		return fragment;
	fragments->lost += fragment->packets;
	*fragment = (struct fragment){
		.source = header->source.bits,
		.destination = header->destination.bits,
		.id = header->fragment_id,
		.connection = FRAGMENTS_NONE,
		.protocol = header->protocol,
		.family = (uint8_t)header->source.family,
		.used = true,
	};
	return fragment;
}
