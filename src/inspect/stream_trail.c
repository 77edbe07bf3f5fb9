#include "inspect/stream_trail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RING_MIN = 1024 };

void trail_done(struct trail *trail)
{
	for (unsigned i = 0; i < trail->n_edits; i++)
		free(trail->edits[i].bytes);
	free(trail->edits);
	free(trail->ring);
	*trail = (struct trail){ .shift = trail->shift, .shifted = trail->shifted };
}

size_t trail_memory(const struct trail *trail)
{
	return trail->room + trail->edits_room * sizeof(struct trail_edit) + trail->edit_bytes;
}

// Copies [at, at + n) out of the ring or into it, in two pieces where it wraps.
static void ring_copy(uint8_t *ring, uint32_t room, int64_t at, uint8_t *out, const uint8_t *in,
		      uint32_t n)
{
	while (n) {
		uint32_t place = (uint32_t)(at & (room - 1));
		uint32_t piece = n < room - place ? n : room - place;
		if (out) {
			memcpy(out, ring + place, piece);
			out += piece;
		} else {
			memcpy(ring + place, in, piece);
			in += piece;
		}
		at += piece;
		n -= piece;
	}
}

static int grow(struct trail *trail, uint64_t want)
{
	uint32_t room = trail->room ? trail->room : RING_MIN;
	uint8_t *ring;

	if (want > TRAIL_BYTES_MAX)
		return -E2BIG;
	while (room < want)
		room *= 2;
	ring = malloc(room);
	if (!ring)
		return -ENOMEM;
	for (int64_t at = trail->from; at < trail->to;) {
		uint32_t place = (uint32_t)(at & (trail->room - 1));
		uint32_t piece = trail->room - place;
		if (piece > trail->to - at)
			piece = (uint32_t)(trail->to - at);
		ring_copy(ring, room, at, NULL, trail->ring + place, piece);
		at += piece;
	}
	free(trail->ring);
	trail->ring = ring;
	trail->room = room;
	return 0;
}

int trail_add(struct trail *trail, const uint8_t *bytes, uint32_t n)
{
	uint64_t want = (uint64_t)(trail->to - trail->from) + n;
	int r = want > trail->room ? grow(trail, want) : 0;

	if (r < 0)
		return r;
	ring_copy(trail->ring, trail->room, trail->to, NULL, bytes, n);
	trail->to += n;
	return 0;
}

bool trail_same(const struct trail *trail, int64_t at, const uint8_t *bytes, uint32_t n)
{
	int64_t end = at + n;

	if (at < trail->from) {
		bytes += trail->from - at;
		at = trail->from;
	}
	if (end > trail->to)
		end = trail->to;
	while (at < end) {
		uint32_t place = (uint32_t)(at & (trail->room - 1));
		int64_t piece = trail->room - place;
		if (piece > end - at)
			piece = end - at;
		if (memcmp(trail->ring + place, bytes, (size_t)piece) != 0)
			return false;
		at += piece;
		bytes += piece;
	}
	return true;
}

void trail_forget(struct trail *trail, int64_t offset)
{
	unsigned gone = 0;

	while (gone < trail->n_edits && trail->edits[gone].at + trail->edits[gone].in <= offset) {
		const struct trail_edit *edit = &trail->edits[gone++];
		trail->shift += (int64_t)edit->out - edit->in;
		trail->edit_bytes -= edit->out;
		free(edit->bytes);
	}
	if (gone) {
		trail->n_edits -= (uint16_t)gone;
		memmove(trail->edits, trail->edits + gone, trail->n_edits * sizeof(*trail->edits));
	}
	if (!trail->n_edits && trail->edits) {
		free(trail->edits);
		trail->edits = NULL;
		trail->edits_room = 0;
	}
	if (offset > trail->from)
		trail->from = offset < trail->to ? offset : trail->to;
}

void trail_rest(struct trail *trail)
{
	if (trail->from < trail->to)
		return;
	free(trail->ring);
	trail->ring = NULL;
	trail->room = 0;
}

static int edits_grow(struct trail *trail)
{
	unsigned room = trail->edits_room ? trail->edits_room * 2U : 4;
	struct trail_edit *edits;

	if (room > TRAIL_EDITS_MAX)
		return -E2BIG;
	edits = realloc(trail->edits, room * sizeof(*edits));
	if (!edits)
		return -ENOMEM;
	trail->edits = edits;
	trail->edits_room = (uint16_t)room;
	return 0;
}

int trail_edit(struct trail *trail, int64_t at, uint32_t in, const uint8_t *bytes, uint32_t out)
{
	int r = trail->n_edits == trail->edits_room ? edits_grow(trail) : 0;
	uint8_t *copy;

	if (r < 0)
		return r;
	copy = malloc(out ? out : 1);
	if (!copy)
		return -ENOMEM;
	if (out)
		memcpy(copy, bytes, out);
	trail->edits[trail->n_edits++] = (struct trail_edit){ at, in, out, copy };
	trail->edit_bytes += out;
	if (in != out)
		trail->shifted = true;
	return 0;
}

int64_t trail_place(const struct trail *trail, int64_t offset)
{
	int64_t shift = trail->shift;

	for (unsigned i = 0; i < trail->n_edits; i++) {
		const struct trail_edit *edit = &trail->edits[i];
		int64_t inside = offset - edit->at;
		if (inside <= 0)
			break;
		if (inside < edit->in)
			return edit->at + shift + (inside < edit->out ? inside : edit->out);
		shift += (int64_t)edit->out - edit->in;
	}
	return offset + shift;
}

int64_t trail_offset(const struct trail *trail, int64_t place, bool up)
{
	int64_t shift = trail->shift;

	for (unsigned i = 0; i < trail->n_edits; i++) {
		const struct trail_edit *edit = &trail->edits[i];
		int64_t inside = place - (edit->at + shift);
		if (inside < 0 || (inside == 0 && (up || edit->out)))
			break;
		if (inside < edit->out) {
			int64_t last = up ? edit->in : (int64_t)edit->in - 1;
			return edit->at + (inside < last ? inside : last);
		}
		shift += (int64_t)edit->out - edit->in;
		// Up: of the offsets that end at this place the first.
		if (up && inside == edit->out)
			return edit->at + (edit->out < edit->in ? edit->out : edit->in);
	}
	return place - shift;
}

bool trail_edited(const struct trail *trail, int64_t a, int64_t b)
{
	for (unsigned i = 0; i < trail->n_edits; i++) {
		const struct trail_edit *edit = &trail->edits[i];
		if (edit->at < b && a < edit->at + edit->in)
			return true;
	}
	return false;
}

// Original bytes of [at, at + n).
static void write_original(const struct trail *trail, int64_t at, int64_t n, const uint8_t *bytes,
			   int64_t a, uint8_t *out)
{
	int64_t before = a - at < n ? a - at : n;

	if (before > 0) {
		ring_copy(trail->ring, trail->room, at, out, NULL, (uint32_t)before);
		at += before;
		out += before;
		n -= before;
	}
	if (n > 0)
		memcpy(out, bytes + (at - a), (size_t)n);
}

void trail_write(const struct trail *trail, int64_t begin, int64_t end, const uint8_t *bytes,
		 int64_t a, uint8_t *out)
{
	int64_t shift = trail->shift, at = begin;

	for (unsigned i = 0; i < trail->n_edits && at < end; i++) {
		const struct trail_edit *edit = &trail->edits[i];
		int64_t first = edit->at + shift, last = first + edit->out;
		int64_t piece = (first < end ? first : end) - at;
		if (piece > 0) {
			write_original(trail, at - shift, piece, bytes, a, out);
			out += piece;
			at += piece;
		}
		piece = (last < end ? last : end) - at;
		if (piece > 0) {
			memcpy(out, edit->bytes + (at - first), (size_t)piece);
			out += piece;
			at += piece;
		}
		shift += (int64_t)edit->out - edit->in;
	}
	if (at < end)
		write_original(trail, at - shift, end - at, bytes, a, out);
}
