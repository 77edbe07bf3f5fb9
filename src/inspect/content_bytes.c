// The bytes of a file in hand: its first ones, by which its kind is told; their hash; all of them
// where it has to be unpacked.
#include <stdlib.h>
#include <string.h>

#include "inspect/content_hash.h"
#include "inspect/content_private.h"

enum {
	KEPT_FIRST = 64 * 1024,
	// What may hold other files, or has to be read whole to know what it is.
	TO_UNPACK = UNPACK_ARCHIVE | UNPACK_OFFICE | UNPACK_PDF | UNPACK_DISK_IMAGE | UNPACK_MAIL |
		    UNPACK_ENCRYPTED | UNPACK_EXECUTABLE | UNPACK_AMBIGUOUS,
};

void content_drop_kept(struct content *content, struct reading *reading)
{
	free(reading->kept);
	content->kept -= reading->room;
	if (content->budget)
		content->budget->used -= reading->room;
	reading->kept = NULL;
	reading->n_kept = reading->room = 0;
	reading->keeps = false;
}

// False: no room, of the message's own or of the process's.
static bool make_room(struct content *content, struct reading *reading, size_t want)
{
	struct content_budget *budget = content->budget;
	size_t room = reading->room + reading->room / 2;
	room = room < KEPT_FIRST ? KEPT_FIRST : room;
	room = room < want ? want : room;
	size_t more = room - reading->room, left = CONTENT_KEPT_MAX - content->kept;
	if (more > left) {
		more = left;
		room = reading->room + more;
	}
	if (room < want) {
		reading->lost = true;
		return false;
	}
	uint8_t *kept = NULL;
	if (!budget || budget->used + more <= budget->most)
		kept = realloc(reading->kept, room);
	if (!kept) {
		content->reason = SMTP_ATTACHMENT_BUSY;
		return false;
	}
	reading->kept = kept;
	reading->room = room;
	content->kept += more;
	if (budget)
		budget->used += more;
	return true;
}

static void keep(struct content *content, struct reading *reading, const uint8_t *bytes, size_t n)
{
	if (reading->n_kept + n > reading->room &&
	    !make_room(content, reading, reading->n_kept + n)) {
		content_drop_kept(content, reading);
		return;
	}
	if (n) // else there may be no room yet
		memcpy(reading->kept + reading->n_kept, bytes, n);
	reading->n_kept += n;
}

uint32_t content_kinds_of(const struct hand *hand, const uint8_t *head, size_t n)
{
	const struct mime_part *part = hand->part;
	uint32_t kinds = part->n_names ? 0 : unpack_kinds("", head, n);
	for (uint32_t i = 0; i < part->n_names; i++)
		kinds |= unpack_kinds(part->names[i], head, n);
	return hand->facts.file ? kinds : kinds & ~(uint32_t)OF_TEXT;
}

// The first bytes are complete.
static void classify(struct content *content, struct hand *hand, struct reading *reading)
{
	uint32_t kinds = content_kinds_of(hand, reading->head, reading->n_head);
	hand->facts.kinds |= kinds;
	bool drawing = (kinds & UNPACK_TEXT) && (kinds & UNPACK_IMAGE); // SVG may be a page
	reading->keeps = (kinds & TO_UNPACK) || drawing || (hand->facts.file && !kinds);
	content_judge_hand(content, hand);
	if (reading->keeps && !content_over(content))
		keep(content, reading, reading->head, reading->n_head);
}

struct reading *content_new_reading(struct content *content, const struct reading *like)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	if (!reading) {
		content_fail(content);
		return NULL;
	}
	crypto_hash_sha256_init(&reading->hash);
	if (!like)
		return reading;
	*reading = *like;
	reading->kept = NULL;
	reading->n_kept = reading->room = 0;
	if (like->n_kept)
		keep(content, reading, like->kept, like->n_kept);
	return reading;
}

// How many bytes go before something is to be judged, so that the verdict does not hang on how the
// message was cut.
static size_t next_step(const struct content *content, const struct hand *hand,
			const struct reading *reading, size_t n)
{
	uint64_t step = n;
	if (reading->n_head < CONTENT_HEAD && CONTENT_HEAD - reading->n_head < step)
		step = CONTENT_HEAD - reading->n_head;
	if (hand->next_size - reading->size < step && hand->next_size > reading->size)
		step = hand->next_size - reading->size;
	// As far as this reading is the longer one, the sum grows with it.
	uint64_t behind = hand->facts.size - reading->size;
	if (hand->facts.file && content->next_sum > content->sums.size &&
	    content->next_sum - content->sums.size + behind < step)
		step = content->next_sum - content->sums.size + behind;
	return (size_t)step;
}

static void grow(struct content *content, struct hand *hand, uint64_t size)
{
	if (size <= hand->facts.size)
		return;
	if (hand->facts.file)
		content->sums.size += size - hand->facts.size;
	hand->facts.size = size;
	bool judged = size >= hand->next_size || content->sums.size >= content->next_sum;
	if (size >= hand->next_size)
		hand->next_size = content_rules_next_size(content->profile, size);
	if (content->sums.size >= content->next_sum)
		content->next_sum = content_rules_next_sum(content->profile, content->sums.size);
	if (judged)
		content_judge_hand(content, hand);
}

void content_take(struct content *content, struct hand *hand, struct reading *reading,
		  const uint8_t *bytes, size_t n)
{
	content_hash(&reading->hash, bytes, n);
	while (n && !content_over(content)) {
		size_t step = next_step(content, hand, reading, n);
		bool head = reading->n_head < CONTENT_HEAD;
		if (head) {
			memcpy(reading->head + reading->n_head, bytes, step);
			reading->n_head += (uint32_t)step;
		} else if (reading->keeps) {
			keep(content, reading, bytes, step);
		}
		reading->size += step;
		grow(content, hand, reading->size);
		if (head && reading->n_head == CONTENT_HEAD && !content_over(content))
			classify(content, hand, reading);
		bytes += step;
		n -= step;
	}
	reading->size += n; // of a file that was refused meanwhile
}

// A file named like a message, whose parts were told.
static bool was_read(const struct hand *hand, const struct reading *reading)
{
	return hand->read && reading == hand->readings[MIME_FIRST] &&
	       !(hand->facts.kinds & TO_UNPACK & ~(uint32_t)UNPACK_MAIL);
}

void content_finish_reading(struct content *content, struct hand *hand, struct reading *reading)
{
	if (reading->n_head < CONTENT_HEAD)
		classify(content, hand, reading);
	if (reading->lost) {
		hand->facts.unread = true;
		hand->limit = UNPACK_LIMITS;
	} else if (reading->keeps && reading->n_kept && !content_over(content) &&
		   !was_read(hand, reading)) {
		content_unpack(content, hand, reading,
			       &hand->apart[reading != hand->readings[MIME_FIRST]]);
	}
	content_drop_kept(content, reading);
}
