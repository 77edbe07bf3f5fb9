// What is told to the sink of one message, by whichever parser of it: the message's own, or one of
// an encoded message inside.
#ifndef SEKISHO_MIME_MIME_TOLD_H
#define SEKISHO_MIME_MIME_TOLD_H

#include "mime/mime.h"
#include "mime/mime_text.h"

struct mime_context {
	struct mime_sink sink;
	struct mime_store store;
	uint32_t n_parts;
	bool over; // too many parts: nothing more is read
};

struct mime_told { // a part that has begun and not ended
	struct mime_part part;
	uint32_t doubts; // those that were told
};

// Numbers the part and tells of it.  False: it would be one too many; told as a doubt of parent.
bool mime_told_begin(struct mime_context *context, struct mime_told *told,
		     struct mime_told *parent);
void mime_told_bytes(struct mime_context *context, const struct mime_told *told,
		     enum mime_reading reading, const uint8_t *bytes, size_t n);
void mime_told_doubt(struct mime_context *context, struct mime_told *told, enum mime_doubt doubt);
void mime_told_doubts(struct mime_context *context, struct mime_told *told, uint32_t doubts);
// All fields of a header.
void mime_told_fields(struct mime_context *context, struct mime_told *told,
		      struct mime_span header);
// Gives its names back.
void mime_told_done(struct mime_context *context, struct mime_told *told);
// The same, and tells of its end.
void mime_told_end(struct mime_context *context, struct mime_told *told);

#endif
