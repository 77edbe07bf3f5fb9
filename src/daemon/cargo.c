#include "daemon/cargo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/header.h"

struct cargo {
	struct lane *lane;
	struct cargo_packet packets[LANE_SLOTS];
	uint32_t free[LANE_SLOTS]; // the last one that became free is used first
	size_t n_free;
	// Slots in the order in which they went out, of those that wait for their first answer.
	uint32_t waiting[LANE_SLOTS], first, end;
	size_t n_held;
};

int cargo_new(struct lane *lane, struct cargo **ret_cargo)
{
	struct cargo *cargo = calloc(1, sizeof(*cargo));
	if (!cargo)
		return -ENOMEM;
	cargo->lane = lane;
	for (uint32_t i = 0; i < LANE_SLOTS; i++)
		cargo->free[cargo->n_free++] = LANE_SLOTS - 1 - i;
	*ret_cargo = cargo;
	return 0;
}

void cargo_free(struct cargo *cargo)
{
	if (!cargo)
		return;
	lane_close(cargo->lane);
	free(cargo);
}

struct lane *cargo_lane(const struct cargo *cargo)
{
	return cargo->lane;
}

size_t cargo_room(const struct cargo *cargo)
{
	return cargo->n_free;
}

uint32_t cargo_reserve(struct cargo *cargo)
{
	return cargo->free[--cargo->n_free];
}

void cargo_put_back(struct cargo *cargo, uint32_t slot)
{
	cargo->free[cargo->n_free++] = slot;
}

struct cargo_packet *cargo_packet(struct cargo *cargo, uint32_t slot)
{
	return &cargo->packets[slot];
}

size_t cargo_held(const struct cargo *cargo)
{
	return cargo->n_held;
}

static uint32_t bits_of(const struct queue_packet *packet)
{
	return (packet->sums_not_ready ? LANE_SUMS_NOT_READY : 0) |
	       (packet->sums_checked ? LANE_SUMS_CHECKED : 0) | (packet->gso ? LANE_GSO : 0);
}

void cargo_load(struct cargo *cargo, uint32_t slot, const struct queue_packet *packet,
		uint32_t turn, uint64_t now_ms)
{
	struct cargo_packet *own = &cargo->packets[slot];
	const struct lane_task task = {
		.slot = slot,
		.offset = packet->offset,
		.size = packet->size,
		.mark = packet->mark,
		.bits = bits_of(packet),
	};
	own->place = CARGO_WAITING;
	own->id = packet->id;
	own->mark = packet->mark;
	own->turn = turn;
	own->offset = packet->offset;
	own->n_face = packet->n_first < CARGO_FACE ? packet->n_first : CARGO_FACE;
	own->since_ms = now_ms;
	memcpy(own->face, packet->first, own->n_face);
	cargo->waiting[cargo->end++ % LANE_SLOTS] = slot;
	lane_give(cargo->lane, &task);
}

// --- answers

static bool is_final(uint32_t fate)
{
	return fate == FLIGHT_ACCEPT || fate == FLIGHT_DROP;
}

static bool makes_sense(const struct cargo *cargo, const struct lane_answer *answer)
{
	const struct cargo_packet *packet;
	if (answer->slot >= LANE_SLOTS ||
	    answer->bits & ~(uint32_t)(LANE_CHANGED | LANE_PASSED | LANE_LIBERAL))
		return false;
	packet = &cargo->packets[answer->slot];
	if (answer->bits & LANE_CHANGED && (!answer->size || answer->size > QUEUE_PACKET_MAX ||
					    answer->size > LANE_SLOT_BYTES - packet->offset))
		return false;
	switch (packet->place) {
	case CARGO_FREE:
		return false;
	case CARGO_WAITING:
		return (is_final(answer->fate) || answer->fate == FLIGHT_HOLD) &&
		       cargo->waiting[cargo->first % LANE_SLOTS] == answer->slot;
	default:
		return is_final(answer->fate);
	}
}

int cargo_hear(struct cargo *cargo, struct lane_answer *ret)
{
	struct cargo_packet *packet;
	int r = lane_hear(cargo->lane, ret);
	if (r <= 0)
		return r;
	if (!makes_sense(cargo, ret))
		return -EBADMSG;
	packet = &cargo->packets[ret->slot];
	if (packet->place == CARGO_WAITING)
		cargo->first++;
	if (ret->fate == FLIGHT_HOLD) {
		packet->place = CARGO_FRESH;
		cargo->n_held++;
	}
	return 1;
}

void cargo_unload(struct cargo *cargo, uint32_t slot)
{
	struct cargo_packet *packet = &cargo->packets[slot];
	if (packet->place != CARGO_WAITING)
		cargo->n_held--;
	packet->place = CARGO_FREE;
	cargo->free[cargo->n_free++] = slot;
}

// --- what a changed packet still has to be

static size_t get_u16(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

static bool is_same4(const struct cargo_packet *packet, const uint8_t *bytes, size_t size)
{
	const uint8_t *face = packet->face;
	size_t head = (size_t)(face[0] & 15) * 4;
	// Length, identification and checksum may differ; offsets 6 and 7 tell of pieces.
	return packet->n_face >= 20 && head >= 20 && head + 4 <= packet->n_face &&
	       size >= head + 4 && bytes[0] == face[0] && get_u16(bytes + 2) == size &&
	       !memcmp(bytes + 6, face + 6, 2) && bytes[9] == face[9] &&
	       !memcmp(bytes + 12, face + 12, 8) && !memcmp(bytes + head, face + head, 4);
}

_Static_assert(FLIGHT_HEAD_MAX + 4 <= CARGO_FACE, "ports are in a face");

// Extension headers stay as they are, so the ports are where they were.
static bool is_same6(const struct cargo_packet *packet, const uint8_t *bytes, size_t size)
{
	const uint8_t *face = packet->face;
	struct header header;
	if (header_parse(face, packet->n_face, &header) < 0 || header.transport < 40)
		return false;
	size_t end = header.transport + 4u;
	return packet->n_face >= end && size >= end && bytes[0] >> 4 == 6 &&
	       get_u16(bytes + 4) == size - 40 && bytes[6] == face[6] &&
	       !memcmp(bytes + 8, face + 8, end - 8);
}

bool cargo_is_same(const struct cargo_packet *packet, const uint8_t *bytes, size_t size)
{
	unsigned version = packet->n_face ? packet->face[0] >> 4 : 0;
	if (version == 4)
		return is_same4(packet, bytes, size);
	return version == 6 && is_same6(packet, bytes, size);
}

// --- time

const char *cargo_overdue(const struct cargo *cargo, uint64_t now_ms)
{
	if (cargo->first != cargo->end) {
		uint32_t slot = cargo->waiting[cargo->first % LANE_SLOTS];
		if (now_ms - cargo->packets[slot].since_ms > CARGO_ANSWER_MS)
			return "it did not answer for half a second";
	}
	if (!cargo->n_held)
		return NULL;
	for (size_t i = 0; i < LANE_SLOTS; i++)
		if (cargo->packets[i].place > CARGO_WAITING &&
		    now_ms - cargo->packets[i].since_ms > CARGO_HOLD_MS)
			return "it held a packet for six minutes";
	return NULL;
}
