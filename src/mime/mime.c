// The tree of a message.  A frame is a part that has begun: the stack of frames is the way from the
// message to where the next byte belongs.  While a multipart is open, every line that begins with
// "--" is held until it is known to be a boundary or not, and so is the line end before it, which
// belongs to the boundary (RFC 2046 5.1.1); all other bytes go on at once, found by nothing but
// pair_find().
//
//	frames        0 multipart/mixed b=x    1 message/rfc822    2 text/plain
//	"--x"         2 and 1 end; a header begins
//	blank line    the part begins, as the header says
//
// An encoded message inside is decoded into a parser of its own, which has the same context and
// goes on counting levels; so there are at most MIME_DEPTH_MAX within one another.
#include "mime/mime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pair.h"
#include "mime/mime_head.h"
#include "mime/mime_leaf.h"
#include "mime/mime_told.h"

enum {
	HELD_MAX = 512,		// of a line that may be a boundary
	HEADER_LINE_MAX = 1024, // of a line beyond MIME_HEADER_MAX, which is only looked at
	HEADER_KEPT = 4096,	// memory that is kept for the next header
};

enum place {
	PLACE_HEADER,  // of the part to come
	PLACE_BODY,    // of the leaf on top
	PLACE_OUTSIDE, // before, between or after the parts of the multipart on top
};

struct frame {
	struct mime_told told;
	char *boundaries[MIME_BOUNDARIES_MAX];
	uint32_t n_boundaries;
	bool digest;
	bool body, parts, closed; // something was in it; a boundary was; the last one was
};

struct mime {
	struct mime_context *context, own; // own: of the message; a nested one has its
	struct mime_told *above;	   // the encoded message that this is inside of, or NULL
	struct frame *frames;
	uint32_t n_frames, n_multiparts;
	uint8_t depth; // of frame 0
	enum place place;
	struct mime_text header;
	size_t line;	 // where the last line of header begins
	bool header_cut; // lines of it were left out
	struct mime_leaf leaf;
	bool begins;	       // the next byte is the first of a line
	uint8_t eol[2], n_eol; // a line end, or its CR, not yet passed on
	uint8_t held[HELD_MAX];
	size_t n_held; // of a line that may be a boundary
};

static size_t n_frames_max(const struct mime *mime)
{
	return MIME_DEPTH_MAX + 1U - mime->depth;
}

static struct frame *top(struct mime *mime)
{
	return &mime->frames[mime->n_frames - 1];
}

static void close_top(struct mime *mime)
{
	struct frame *frame = top(mime);
	struct mime_context *context = mime->context;
	if (mime->leaf.told == &frame->told)
		mime_leaf_end(&mime->leaf);
	if (frame->told.part.kind == MIME_MULTIPART) {
		mime->n_multiparts--;
		bool hides = frame->body || frame->parts; // returned mail is a header often
		if (hides && !frame->parts && !context->over)
			mime_told_doubt(context, &frame->told, MIME_BOUNDARY);
		if (hides && !frame->closed && !context->over)
			mime_told_doubt(context, &frame->told, MIME_UNCLOSED);
	}
	mime_boundary_done(&context->store, frame->boundaries, frame->n_boundaries);
	mime_told_end(context, &frame->told);
	mime->n_frames--;
}

static bool begins_like(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	return memcmp(a, b, n < m ? n : m) == 0;
}

// Where one only begins like the other both ways to compare them find the same parts, but for those
// without a type, which a digest takes for messages.
static bool overlaps(const struct mime *mime, const struct frame *frame)
{
	for (const struct frame *outer = mime->frames; outer < frame; outer++)
		for (uint32_t i = 0; i < outer->n_boundaries; i++)
			for (uint32_t k = 0; k < frame->n_boundaries; k++)
				if (strcmp(outer->boundaries[i], frame->boundaries[k]) == 0 ||
				    ((outer->digest || frame->digest) &&
				     begins_like(outer->boundaries[i], frame->boundaries[k])))
					return true;
	return false;
}

// A frame for what the header says; what is too deep to be taken apart is a leaf.
static void fill(struct mime *mime, struct frame *frame, struct mime_head *head)
{
	struct mime_part *part = &frame->told.part;
	*frame = (struct frame){ .digest = head->digest, .n_boundaries = head->n_boundaries };
	memcpy(frame->boundaries, head->boundaries, sizeof(frame->boundaries));
	part->depth = (uint8_t)(mime->depth + mime->n_frames);
	part->kind = head->kind;
	part->encoding = head->encoding;
	part->attachment = head->attachment;
	strcpy(part->type, head->type);
	strcpy(part->charset, head->charset);
	memcpy(part->names, head->names, sizeof(part->names));
	part->n_names = head->n_names;
	if (part->depth < MIME_DEPTH_MAX || part->kind == MIME_LEAF)
		return;
	part->kind = MIME_LEAF;
	head->doubts |= 1U << MIME_TOO_DEEP;
	mime_boundary_done(&mime->context->store, frame->boundaries, frame->n_boundaries);
	frame->n_boundaries = 0;
}

static void begin_header(struct mime *mime)
{
	mime->place = PLACE_HEADER;
	mime->header.n = mime->line = 0;
	mime->header_cut = false;
	if (mime->header.cap > HEADER_KEPT)
		mime_text_done(&mime->header);
}

static void begin_body(struct mime *mime, enum mime_encoding other)
{
	const struct mime_part *part = &top(mime)->told.part;
	bool encoded = part->encoding == MIME_BASE64 || part->encoding == MIME_QUOTED_PRINTABLE;
	mime->begins = true;
	mime->n_eol = 0;
	mime->n_held = 0;
	begin_header(mime);
	if (part->kind == MIME_MULTIPART) {
		mime->place = PLACE_OUTSIDE;
		mime->n_multiparts++;
	} else if (part->kind == MIME_LEAF || encoded) {
		mime->place = PLACE_BODY;
		mime_leaf_begin(&mime->leaf, mime->context, &top(mime)->told, other);
	}
}

static void end_header(struct mime *mime)
{
	struct mime_span header = { mime_text_string(&mime->header), mime->header.n };
	struct mime_context *context = mime->context;
	struct frame *parent = mime->n_frames ? top(mime) : NULL;
	struct mime_told *above = parent ? &parent->told : mime->above;
	struct mime_head head;
	mime_head_read(&context->store, header, parent && parent->digest, &head);
	struct frame *frame = &mime->frames[mime->n_frames];
	if (mime->header_cut)
		head.doubts |= 1U << MIME_TOO_LONG;
	fill(mime, frame, &head);
	if (overlaps(mime, frame))
		head.doubts |= 1U << MIME_OVERLAP;
	mime->n_frames++;
	if (!mime_told_begin(context, &frame->told, above)) {
		mime->n_frames--;
		mime_boundary_done(&context->store, frame->boundaries, frame->n_boundaries);
		mime_told_done(context, &frame->told);
		return;
	}
	mime_told_doubts(context, &frame->told, head.doubts);
	mime_told_fields(context, &frame->told, header);
	begin_body(mime, head.other);
}

// Parts whose headers never ended begin all the same.
static void end_headers(struct mime *mime)
{
	while (mime->place == PLACE_HEADER && !mime->context->over && !mime->context->store.failed)
		end_header(mime);
}

struct delimiter {
	uint32_t frame;
	bool last, exact;
};

static bool is_blank(struct mime_span span)
{
	return !mime_span_trim(span).n;
}

// How a line fits the boundaries of one frame.
static bool fits(const struct frame *frame, struct mime_span line, struct delimiter *ret)
{
	bool found = false;
	for (uint32_t i = 0; i < frame->n_boundaries; i++) {
		size_t n = strlen(frame->boundaries[i]) + 2;
		if (line.n < n || strncasecmp(line.v + 2, frame->boundaries[i], n - 2) != 0)
			continue;
		bool same = memcmp(line.v + 2, frame->boundaries[i], n - 2) == 0;
		struct mime_span rest = { line.v + n, line.n - n };
		bool dashes = rest.n >= 2 && memcmp(rest.v, "--", 2) == 0;
		ret->last =
			same && dashes && is_blank((struct mime_span){ rest.v + 2, rest.n - 2 });
		ret->exact = ret->last || (same && is_blank(rest));
		found = true;
		if (ret->exact)
			break;
	}
	return found;
}

// The innermost multipart whose boundary this is; one that is closed only if it is no other's.
static bool find_delimiter(struct mime *mime, struct mime_span line, struct delimiter *ret)
{
	bool found = false;
	if (line.n < 2 || memcmp(line.v, "--", 2) != 0)
		return false;
	for (uint32_t i = mime->n_frames; i-- > 0;) {
		struct delimiter here = { .frame = i };
		if (!fits(&mime->frames[i], line, &here))
			continue;
		bool better =
			!found || (here.exact && (!ret->exact || (mime->frames[ret->frame].closed &&
								  !mime->frames[i].closed)));
		if (better)
			*ret = here;
		found = true;
	}
	return found;
}

static void cross(struct mime *mime, const struct delimiter *delimiter)
{
	struct frame *frame = &mime->frames[delimiter->frame];
	end_headers(mime);
	if (mime->context->over || mime->context->store.failed)
		return;
	while (mime->n_frames > delimiter->frame + 1)
		close_top(mime);
	if (frame->closed && !delimiter->last)
		mime_told_doubt(mime->context, &frame->told, MIME_BOUNDARY);
	frame->closed = delimiter->last;
	frame->parts = frame->parts || !delimiter->last; // an end alone has no part
	mime->n_eol = 0;
	mime->n_held = 0;
	mime->begins = true;
	begin_header(mime);
	if (delimiter->last)
		mime->place = PLACE_OUTSIDE;
}

// Whether the line was a boundary, and was crossed.  One with more behind it is none to most.
static bool try_line(struct mime *mime, struct mime_span line, bool complete)
{
	struct delimiter delimiter = { 0 };
	if (!find_delimiter(mime, line, &delimiter))
		return false;
	if (delimiter.exact && complete) {
		cross(mime, &delimiter);
		return true;
	}
	mime_told_doubt(mime->context, &mime->frames[delimiter.frame].told, MIME_BOUNDARY);
	return false;
}

static void end_header_line(struct mime *mime)
{
	struct mime_span line = { mime->header.v + mime->line, mime->header.n - mime->line };
	bool blank = line.n <= 2 && (line.n < 2 || line.v[0] == '\r') &&
		     (!line.n || line.v[line.n - 1] == '\n');
	bool beyond = mime->line >= MIME_HEADER_MAX;
	if (mime->n_multiparts && line.n > 1 && memcmp(line.v, "--", 2) == 0) {
		size_t n = mime->header.n;
		mime->header.n = mime->line;
		if (try_line(mime, line, true))
			return;
		mime->header.n = n;
	}
	if (blank || beyond)
		mime->header.n = mime->line;
	mime->header_cut = mime->header_cut || (beyond && !blank);
	mime->line = mime->header.n;
	if (blank)
		end_header(mime);
}

// One line of a header or a piece of it; how much.
static size_t feed_header(struct mime *mime, const uint8_t *bytes, size_t n)
{
	const uint8_t *end = memchr(bytes, '\n', n);
	size_t used = end ? (size_t)(end - bytes) + 1 : n;
	size_t most = mime->line < MIME_HEADER_MAX ? MIME_HEADER_MAX : mime->line;
	size_t room = most + HEADER_LINE_MAX - mime->header.n;
	mime->header_cut = mime->header_cut || used > room;
	mime_text_add(&mime->header, bytes, used < room ? used : room);
	if (end && !mime->context->store.failed)
		end_header_line(mime);
	return used;
}

static void deliver(struct mime *mime, const uint8_t *bytes, size_t n)
{
	if (n && mime->place == PLACE_BODY)
		mime_leaf_feed(&mime->leaf, bytes, n);
	for (size_t i = 0; i < n && mime->place == PLACE_OUTSIDE && !top(mime)->body; i++)
		top(mime)->body = !mime_is_space(bytes[i]);
}

static void flush_eol(struct mime *mime)
{
	uint8_t n = mime->n_eol;
	mime->n_eol = 0;
	deliver(mime, mime->eol, n);
}

// Bytes that are of no boundary, but for the line end at their end.
static void pass_on(struct mime *mime, const uint8_t *bytes, size_t n)
{
	bool line_end = bytes[n - 1] == '\n';
	size_t tail = line_end ? 1 + (n > 1 && bytes[n - 2] == '\r') : bytes[n - 1] == '\r';
	deliver(mime, bytes, n - tail);
	memcpy(mime->eol, bytes + n - tail, tail);
	mime->n_eol = (uint8_t)tail;
	mime->begins = line_end;
}

static void decide(struct mime *mime, bool complete)
{
	struct mime_span line = { (const char *)mime->held, mime->n_held };
	if (try_line(mime, line, complete) || mime->context->over)
		return;
	flush_eol(mime);
	mime->n_held = 0;
	pass_on(mime, mime->held, line.n);
}

// A line that begins with "-", or a piece of it; how much.
static size_t feed_held(struct mime *mime, const uint8_t *bytes, size_t n)
{
	const uint8_t *end = memchr(bytes, '\n', n);
	size_t used = end ? (size_t)(end - bytes) + 1 : n;
	bool cut = used > HELD_MAX - mime->n_held;
	used = cut ? HELD_MAX - mime->n_held : used;
	memcpy(mime->held + mime->n_held, bytes, used);
	mime->n_held += used;
	mime->begins = false;
	if ((end && !cut) || mime->n_held == HELD_MAX || (mime->n_held > 1 && mime->held[1] != '-'))
		decide(mime, end && !cut);
	return used;
}

// Up to the first line that begins with "-", or the end.
static size_t plain_run(const uint8_t *bytes, size_t n)
{
	size_t at = pair_find(bytes, n, '\n', '-');
	return at < n ? at + 1 : n;
}

static size_t feed_body(struct mime *mime, const uint8_t *bytes, size_t n)
{
	if (!mime->n_multiparts) {
		deliver(mime, bytes, n);
		return n;
	}
	if (mime->n_held || (mime->begins && bytes[0] == '-'))
		return feed_held(mime, bytes, n);
	if (mime->n_eol && !mime->begins && bytes[0] == '\n') {
		mime->eol[mime->n_eol++] = '\n';
		mime->begins = true;
		return 1;
	}
	flush_eol(mime);
	size_t used = plain_run(bytes, n);
	pass_on(mime, bytes, used);
	return used;
}

void mime_nested_feed(struct mime *mime, const uint8_t *bytes, size_t n)
{
	const struct mime_context *context = mime->context;
	mime->context->store.work += n;
	for (size_t at = 0; at < n && !context->over && !context->store.failed;)
		at += mime->place == PLACE_HEADER ? feed_header(mime, bytes + at, n - at)
						  : feed_body(mime, bytes + at, n - at);
}

int mime_feed(struct mime *mime, const uint8_t *bytes, size_t n)
{
	mime_nested_feed(mime, bytes, n);
	return mime->context->store.failed ? -ENOMEM : 0;
}

static void end_all(struct mime *mime)
{
	const struct mime_context *context = mime->context;
	bool reads = !context->over && !context->store.failed;
	if (reads && mime->place == PLACE_HEADER && mime->header.n > mime->line)
		end_header_line(mime);
	if (reads && mime->place != PLACE_HEADER && mime->n_held)
		decide(mime, true);
	if (reads)
		flush_eol(mime);
	end_headers(mime);
	while (mime->n_frames)
		close_top(mime);
}

int mime_end(struct mime *mime)
{
	end_all(mime);
	return mime->context->store.failed ? -ENOMEM : 0;
}

static int make(struct mime_store *store, uint8_t depth, struct mime **ret)
{
	struct mime *mime = mime_store_get(store, sizeof(*mime));
	if (!mime)
		return -ENOMEM;
	mime->depth = depth;
	mime->frames = mime_store_get(store, n_frames_max(mime) * sizeof(*mime->frames));
	if (!mime->frames) {
		mime_store_put(store, mime, sizeof(*mime));
		return -ENOMEM;
	}
	*ret = mime;
	return 0;
}

int mime_new(const struct mime_sink *sink, struct mime **ret)
{
	struct mime_store store = { 0 };
	struct mime *mime;
	int r = make(&store, 0, &mime);
	if (r < 0)
		return r;
	mime->own = (struct mime_context){ .sink = *sink, .store = store };
	mime->context = &mime->own;
	mime->header.store = &mime->context->store;
	*ret = mime;
	return 0;
}

struct mime *mime_nested_new(struct mime_context *context, struct mime_told *told)
{
	struct mime *mime;
	if (make(&context->store, told->part.depth + 1, &mime) < 0)
		return NULL;
	mime->context = context;
	mime->above = told;
	mime->header.store = &context->store;
	return mime;
}

void mime_nested_end(struct mime *mime)
{
	struct mime_store *store;
	if (!mime)
		return;
	store = &mime->context->store;
	end_all(mime);
	mime_text_done(&mime->header);
	mime_store_put(store, mime->frames, n_frames_max(mime) * sizeof(*mime->frames));
	mime_store_put(store, mime, sizeof(*mime));
}

void mime_free(struct mime *mime)
{
	if (!mime)
		return;
	mime->own.store.failed = true; // what ends now is told to nobody
	while (mime->n_frames)
		close_top(mime);
	mime_text_done(&mime->header);
	free(mime->frames);
	free(mime);
}

size_t mime_memory(const struct mime *mime)
{
	return mime->context->store.used;
}

uint64_t mime_work(const struct mime *mime)
{
	return mime->context->store.work;
}
