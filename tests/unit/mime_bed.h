// A sink that writes down what it is told, for tests, fuzzing and the corpora.
//
//	+ number<parent kind type;charset encoding [attachment] [block] "name" "name"
//	! number doubt
//	: number field: shown            (in .all only)
//	= number bytes                   first reading, at its end
//	~ number bytes                   second reading: what comes after they parted
//	/ number                         (in .all only)
#ifndef SEKISHO_TESTS_UNIT_MIME_BED_H
#define SEKISHO_TESTS_UNIT_MIME_BED_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime.h"

#define mime_bed_must(condition)                                                                   \
	((condition) ? (void)0                                                                     \
		     : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

struct mime_bed_text {
	char *v;
	size_t n, cap;
};

struct mime_bed_open {
	const struct mime_part *part;
	struct mime_bed_text read[2];
	size_t parted; // bytes of the first reading before
	bool two;
};

struct mime_bed {
	struct mime_bed_text brief, all;
	struct mime_bed_open open[MIME_DEPTH_MAX + 1];
	uint32_t n_parts, n_open;
	uint64_t doubts[MIME_DOUBTS];
	uint64_t bytes;
	size_t memory; // the most
	bool quiet;    // keep no bytes
};

static inline void mime_bed_add(struct mime_bed_text *text, const void *bytes, size_t n)
{
	if (text->n + n + 1 > text->cap) {
		text->cap = (text->n + n + 1) * 2;
		text->v = realloc(text->v, text->cap);
		mime_bed_must(text->v);
	}
	if (n)
		memcpy(text->v + text->n, bytes, n);
	text->n += n;
	text->v[text->n] = '\0';
}

__attribute__((format(printf, 3, 4))) static inline void
mime_bed_say(struct mime_bed *bed, bool brief, const char *format, ...)
{
	char *line;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&line, format, args);
	va_end(args);
	mime_bed_must(n >= 0);
	if (brief && !bed->quiet)
		mime_bed_add(&bed->brief, line, (size_t)n);
	if (!bed->quiet)
		mime_bed_add(&bed->all, line, (size_t)n);
	free(line);
}

static inline struct mime_bed_open *mime_bed_top(struct mime_bed *bed, const struct mime_part *part)
{
	for (uint32_t i = bed->n_open; i-- > 0;)
		if (bed->open[i].part == part)
			return &bed->open[i];
	mime_bed_must(!"a part that is open");
	return NULL;
}

static inline void mime_bed_begin(void *arg, const struct mime_part *part)
{
	static const char *const kinds[] = { "leaf", "multipart", "message" };
	static const char *const encodings[] = { "-", "base64", "qp", "uu", "yenc", "unknown" };
	struct mime_bed *bed = arg;
	mime_bed_must(part->number == bed->n_parts && bed->n_parts < MIME_PARTS_MAX);
	mime_bed_must(part->depth == bed->n_open && part->depth <= MIME_DEPTH_MAX);
	mime_bed_must(!bed->n_open || part->parent == bed->open[bed->n_open - 1].part->number);
	bed->n_parts++;
	bed->open[bed->n_open++] = (struct mime_bed_open){ .part = part };
	mime_bed_say(bed, true, "+ %u<%u %s %s%s%s %s%s%s", part->number, part->parent,
		     kinds[part->kind], part->type, part->charset[0] ? ";" : "", part->charset,
		     encodings[part->encoding], part->attachment ? " attachment" : "",
		     part->inline_block ? " block" : "");
	mime_bed_must(part->n_names <= MIME_NAMES_MAX);
	for (uint32_t i = 0; i < part->n_names; i++) {
		mime_bed_must(strlen(part->names[i]) < MIME_NAME_MAX);
		mime_bed_say(bed, true, " \"%s\"", part->names[i]);
	}
	mime_bed_say(bed, true, "\n");
}

static inline void mime_bed_field(void *arg, const struct mime_part *part, const char *name,
				  const char *raw, const char *shown)
{
	struct mime_bed_open *open = mime_bed_top(arg, part);
	mime_bed_must(!open->read[0].n && strlen(raw) <= MIME_FIELD_MAX);
	mime_bed_say(arg, false, ": %u %s: %s\n", part->number, name, shown);
}

static inline void mime_bed_bytes(void *arg, const struct mime_part *part,
				  enum mime_reading reading, const uint8_t *bytes, size_t n)
{
	struct mime_bed *bed = arg;
	struct mime_bed_open *open = mime_bed_top(bed, part);
	mime_bed_must(part->kind == MIME_LEAF);
	bed->bytes += n;
	if (reading == MIME_SECOND && !open->two) {
		mime_bed_must(!n);
		open->two = true;
		open->parted = open->read[0].n;
	} else {
		mime_bed_must(n);
	}
	if (!bed->quiet)
		mime_bed_add(&open->read[reading], bytes, n);
}

static inline void mime_bed_doubt(void *arg, const struct mime_part *part, enum mime_doubt doubt)
{
	struct mime_bed *bed = arg;
	mime_bed_top(bed, part);
	bed->doubts[doubt]++;
	mime_bed_say(bed, true, "! %u %s\n", part->number, mime_doubt_names[doubt]);
}

static inline void mime_bed_print(struct mime_bed *bed, char mark, uint32_t number,
				  const uint8_t *bytes, size_t n)
{
	struct mime_bed_text text = { 0 };
	char c[8];
	for (size_t i = 0; i < n; i++) {
		const char *format = bytes[i] == '\r'	? "\\r"
				     : bytes[i] == '\n' ? "\\n"
				     : bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '\\'
					     ? "%c"
					     : "\\%02x";
		mime_bed_add(&text, c, (size_t)snprintf(c, sizeof(c), format, bytes[i]));
	}
	mime_bed_say(bed, true, "%c %u %s\n", mark, number, text.n ? text.v : "");
	free(text.v);
}

static inline void mime_bed_end(void *arg, const struct mime_part *part)
{
	struct mime_bed *bed = arg;
	struct mime_bed_open *open = mime_bed_top(bed, part);
	mime_bed_must(open == &bed->open[bed->n_open - 1]);
	bed->n_open--;
	if (open->read[0].n)
		mime_bed_print(bed, '=', part->number, (uint8_t *)open->read[0].v, open->read[0].n);
	if (open->two) {
		mime_bed_say(bed, false, "parted at %zu\n", open->parted);
		mime_bed_print(bed, '~', part->number, (uint8_t *)open->read[1].v, open->read[1].n);
	}
	mime_bed_say(bed, false, "/ %u\n", part->number);
	free(open->read[0].v);
	free(open->read[1].v);
}

static inline struct mime *mime_bed_new(struct mime_bed *bed)
{
	struct mime_sink sink = { mime_bed_begin, mime_bed_field, mime_bed_bytes,
				  mime_bed_end,	  mime_bed_doubt, bed };
	struct mime *mime;
	mime_bed_must(mime_new(&sink, &mime) == 0);
	return mime;
}

static inline void mime_bed_feed(struct mime_bed *bed, struct mime *mime, const void *bytes,
				 size_t n)
{
	mime_bed_must(mime_feed(mime, bytes, n) == 0);
	if (mime_memory(mime) > bed->memory)
		bed->memory = mime_memory(mime);
}

// In pieces of up to most bytes, as the generator says; 0: whole.
static inline void mime_bed_run(struct mime_bed *bed, const void *bytes, size_t n, size_t most,
				uint32_t seed)
{
	struct mime *mime = mime_bed_new(bed);
	for (size_t at = 0; at < n;) {
		seed = seed * 1664525 + 1013904223;
		size_t piece = most ? 1 + (seed >> 8) % most : n;
		piece = piece < n - at ? piece : n - at;
		mime_bed_feed(bed, mime, (const char *)bytes + at, piece);
		at += piece;
	}
	mime_bed_must(mime_end(mime) == 0);
	mime_bed_must(bed->n_open == 0 && bed->n_parts > 0);
	mime_bed_must(mime_work(mime) <=
		      (uint64_t)n * MIME_WORK_TIMES + (uint64_t)bed->n_parts * MIME_WORK_PART);
	mime_free(mime);
}

static inline void mime_bed_done(struct mime_bed *bed)
{
	free(bed->brief.v);
	free(bed->all.v);
	memset(bed, 0, sizeof(*bed));
}

static inline const char *mime_bed_text(const struct mime_bed_text *text)
{
	return text->v ? text->v : "";
}

#endif
