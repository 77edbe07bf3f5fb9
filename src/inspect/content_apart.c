// Files that wait for what somebody else finds in them.  Their part of the message is over, and the
// parser has forgotten it: they keep a copy of what the record needs.
#include <stdlib.h>
#include <string.h>

#include "inspect/apart.h"
#include "inspect/content_private.h"

void content_open_apart(struct content *content, const struct apart_host *host, void *arg)
{
	content->apart = host;
	content->apart_arg = arg;
}

// Its number; 0: there is no room for it.
uint32_t content_apart_begin(struct content *content, const struct hand *hand,
			     const struct unpack_file *file, const struct unpack_bounds *bounds)
{
	struct apart_job job = {
		.number = content->n_apart + 1,
		.name = file->name,
		.bytes = file->bytes,
		.n = file->size,
		.bounds = *bounds,
		.terms = content->profile->terms,
	};
	(void)hand;
	job.bounds.apart = false;
	if (content->n_apart >= CONTENT_APART_MAX ||
	    !content->apart->begin(content->apart_arg, &job))
		return 0;
	return ++content->n_apart;
}

static struct mime_part *copy_of(const struct mime_part *part)
{
	struct mime_part *copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *part;
	copy->n_names = part->n_names ? 1 : 0;
	copy->names[0] = part->n_names ? strdup(part->names[0]) : NULL;
	if (!part->n_names || copy->names[0])
		return copy;
	free(copy);
	return NULL;
}

bool content_apart_keep(struct content *content, struct hand *hand)
{
	struct mime_part *copy = copy_of(hand->part);
	if (!copy)
		return false;
	for (struct hand **at = &content->hands; *at; at = &(*at)->below)
		if (*at == hand) {
			*at = hand->below;
			break;
		}
	hand->part = hand->own = copy;
	hand->below = content->waiting;
	content->waiting = hand;
	return true;
}

static void free_waiting(struct content *content, struct hand *hand)
{
	struct hand **at = &content->waiting;
	while (*at != hand)
		at = &(*at)->below;
	*at = hand->below;
	content_free_hand(content, hand);
}

void content_apart_leave(struct content *content)
{
	bool any = content->waiting;
	while (content->waiting)
		free_waiting(content, content->waiting);
	// Numbers of files that are in hand, too.
	if ((any || content->n_apart) && content->apart)
		content->apart->drop(content->apart_arg);
	content->n_apart = 0;
}

bool content_waits(const struct content *content)
{
	return content->waiting && !content_over(content);
}

static struct hand *find(struct hand *hand, uint32_t number)
{
	while (hand && hand->apart[0] != number && hand->apart[1] != number)
		hand = hand->below;
	return hand;
}

enum smtp_reason content_opened(struct content *content, const struct apart_answer *answer)
{
	struct hand *hand = find(content->waiting, answer->number);
	bool waiting = hand;
	if (content_over(content) || !answer->number)
		return content->reason;
	if (!hand)
		hand = find(content->hands, answer->number);
	if (!hand)
		return content->reason;
	for (size_t i = 0; i < READINGS; i++)
		if (hand->apart[i] == answer->number)
			hand->apart[i] = 0;
	if (answer->busy) {
		content->reason = SMTP_ATTACHMENT_BUSY;
	} else {
		content_unpacked(content, hand, answer);
		if (waiting && !hand->apart[0] && !hand->apart[1] &&
		    content_finish_hand(content, hand))
			free_waiting(content, hand);
	}
	if (content_over(content))
		content_apart_leave(content);
	return content->reason;
}
