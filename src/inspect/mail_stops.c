#include "inspect/mail_stops.h"

#include <stdbool.h>
#include <string.h>

static bool is_of(const struct mail_stop *stop, const struct mail_origin *origin)
{
	switch ((enum mail_stop_kind)stop->kind) {
	case MAIL_STOP_SOURCE:
		return addr_range_contains(&stop->source, origin->client);
	case MAIL_STOP_SENDER:
		return origin->sender && stop->sender == origin->sender;
	case MAIL_STOP_ZONE:
		return *origin->zone && strcmp(stop->zone, origin->zone) == 0;
	case MAIL_STOP_ALL:
		return true;
	}
	return false;
}

unsigned mail_stops_find(const struct mail_stops *stops, const struct mail_origin *origin,
			 uint64_t now_us)
{
	unsigned directions = 0;

	for (size_t i = 0; i < stops->n && i < MAIL_STOPS_MAX; i++) {
		const struct mail_stop *stop = &stops->v[i];

		if ((!stop->until_us || now_us < stop->until_us) && is_of(stop, origin))
			directions |= stop->directions;
	}
	return directions & MAIL_BOTH_WAYS;
}

uint64_t mail_sender_hash(const uint8_t *address, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = address[i];

		byte = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 'a' - 'A') : byte;
		hash = (hash ^ byte) * 0x100000001b3u;
	}
	return n ? hash | 1 : 0;
}
