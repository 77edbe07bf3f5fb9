// What one side of a connection has sent and the other has not yet acknowledged: the bytes as they
// came, to compare what is sent again with them, and the edits, so that it is edited again in the
// same way.
//
// Two rulers.  An offset counts the bytes as their sender counts them, 0 being the first after its
// SYN; a place counts them as the receiver does, behind the edits that change a length:
//
//	offset   0         10             30                 an edit of 20 bytes at 10 by 5 bytes
//	         |----------|==============|-----------
//	place    0         10       15                       offset 11..14 is place 11..14,
//	         |----------|=======|------------------      offset 15..30 is place 15
//
// A segment [a, b) goes on as the places [place(a), place(b)), however it is cut when sent again.
#ifndef SEKISHO_INSPECT_STREAM_TRAIL_H
#define SEKISHO_INSPECT_STREAM_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TRAIL_BYTES_MAX = 16 * 1024 * 1024,
	TRAIL_EDITS_MAX = 1024, // of those not acknowledged
};

struct trail_edit {
	int64_t at;
	uint32_t in, out; // bytes replaced, bytes in their place
	uint8_t *bytes;
};

struct trail {
	uint8_t *ring; // offset o lies at o & (room - 1); room is a power of two, or 0
	uint32_t room;
	uint16_t n_edits, edits_room;
	struct trail_edit *edits; // by offset, disjoint
	int64_t from, to;	  // offsets that are kept
	int64_t shift;		  // of the places behind all edits that were forgotten
	uint32_t edit_bytes;
	bool shifted; // an edit changed a length, once
};

void trail_done(struct trail *trail);
size_t trail_memory(const struct trail *trail);

// Keeps n more bytes behind the last ones.  0, -ENOMEM, or -E2BIG beyond TRAIL_BYTES_MAX.
int trail_add(struct trail *trail, const uint8_t *bytes, uint32_t n);
// Whether what is kept of [at, at + n) is the same.
bool trail_same(const struct trail *trail, int64_t at, const uint8_t *bytes, uint32_t n);
// All below offset was acknowledged.
void trail_forget(struct trail *trail, int64_t offset);
// A connection that waits for nothing keeps nothing: gives back the room for bytes, when there are
// none.  Not after each acknowledgement: a fast sender would need it again at once.
void trail_rest(struct trail *trail);
// From offset at on, behind all edits, the next `in` bytes are replaced.  0, -ENOMEM or -E2BIG.
int trail_edit(struct trail *trail, int64_t at, uint32_t in, const uint8_t *bytes, uint32_t out);

int64_t trail_place(const struct trail *trail, int64_t offset);
// The last offset whose place is not beyond; up: the first whose place is not below.
int64_t trail_offset(const struct trail *trail, int64_t place, bool up);
// Whether an edit touches [a, b).
bool trail_edited(const struct trail *trail, int64_t a, int64_t b);
// Writes the places [begin, end) to out.  bytes: the original ones from offset a on; those before a
// are taken from what is kept.
void trail_write(const struct trail *trail, int64_t begin, int64_t end, const uint8_t *bytes,
		 int64_t a, uint8_t *out);

#endif
