// A message in an archive or as a file (.eml, .mht, Word's MHTML): its parts are entries, and what
// it is made of is read by the same parser as the message it came in.
//
// Of bytes that are read in two ways (Base64 behind its padding) both are entries.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/mime.h"
#include "unpack/format.h"
#include "unpack/prose.h"

enum { READINGS = 2, TYPE_MAX = 512 };

// A text to be read is no file: it is told only for what it should not be.
enum { OF_TEXT = UNPACK_TEXT | UNPACK_HTML | UNPACK_SCRIPT | UNPACK_MAIL | UNPACK_MISLEADING };

struct open_part {
	struct open_part *below; // which began before it
	uint32_t number;
	struct item readings[READINGS];
	bool begun[READINGS];
	bool body, html;
	char type[TYPE_MAX + 1]; // as its header has it
};

struct message {
	struct item *item;
	struct open_part *open;
};

static struct open_part *find(const struct message *message, uint32_t number)
{
	struct open_part *open = message->open;
	while (open && open->number != number)
		open = open->below;
	return open;
}

// Names that no client shows first are still names.
static void name_part(struct item *file, const struct mime_part *part)
{
	item_name(file, part->n_names ? part->names[0] : "");
	if (!part->n_names)
		file->kinds |= unpack_type_kinds(part->type);
	for (uint32_t i = 1; i < part->n_names; i++)
		file->kinds |= unpack_kinds(part->names[i], NULL, 0);
}

static void on_begin(void *arg, const struct mime_part *part)
{
	struct message *message = arg;
	struct item *item = message->item;
	struct open_part *above = find(message, part->parent);
	if (above && !part->inline_block)
		above->readings[MIME_FIRST].read = true;
	if (part->kind != MIME_LEAF || item->look->stopped)
		return;
	struct open_part *open = look_alloc(item, sizeof(*open));
	if (!open)
		return;
	*open = (struct open_part){ .below = message->open, .number = part->number };
	open->begun[MIME_FIRST] = item_begin(&open->readings[MIME_FIRST], item);
	if (!open->begun[MIME_FIRST]) {
		look_free(item, open, sizeof(*open));
		return;
	}
	open->body = !part->n_names && !part->attachment && !part->inline_block &&
		     strncmp(part->type, "text/", 5) == 0;
	open->html = prose_is_html(part->type);
	name_part(&open->readings[MIME_FIRST], part);
	message->open = open;
}

// What came before the readings parted belongs to both.
static bool begin_second(struct message *message, struct open_part *open)
{
	struct item *first = &open->readings[MIME_FIRST], *second = &open->readings[MIME_SECOND];
	if (!item_begin(second, message->item))
		return false;
	second->name = first->name;
	second->kinds = first->kinds;
	open->begun[MIME_SECOND] = true;
	return !first->n || item_add(second, first->bytes, first->n);
}

static void on_bytes(void *arg, const struct mime_part *part, enum mime_reading which,
		     const uint8_t *bytes, size_t n)
{
	struct message *message = arg;
	struct open_part *open = find(message, part->number);
	if (!open || message->item->look->stopped)
		return;
	if (which == MIME_SECOND && !open->begun[which] && !begin_second(message, open))
		return;
	if (n)
		item_add(&open->readings[which], bytes, n);
}

static void end_reading(const struct open_part *open, struct item *file)
{
	if (open->body && !(unpack_kinds("", file->bytes, file->n) & ~(uint32_t)OF_TEXT)) {
		look_prose(file, open->html, open->type);
		item_drop(file);
	} else {
		item_end(file);
	}
}

static void end_part(struct message *message, struct open_part *open)
{
	struct open_part **at = &message->open;
	while (*at != open)
		at = &(*at)->below;
	*at = open->below;
	for (size_t i = 0; i < READINGS; i++)
		if (open->begun[i])
			end_reading(open, &open->readings[i]);
	look_free(message->item, open, sizeof(*open));
}

static void on_end(void *arg, const struct mime_part *part)
{
	struct message *message = arg;
	struct open_part *open = find(message, part->number);
	if (open)
		end_part(message, open);
}

// Fields that somebody reads.
static void on_field(void *arg, const struct mime_part *part, const char *name, const char *raw,
		     const char *shown)
{
	static const char *const read[] = { "subject", "keywords", "comments" };
	struct message *message = arg;
	struct open_part *open = find(message, part->number);
	if (open && strcasecmp(name, "content-type") == 0 && strlen(raw) <= TYPE_MAX)
		strcpy(open->type, raw);
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		if (strcasecmp(name, read[i]) == 0)
			item_aside(message->item, shown, strlen(shown));
}

// What nobody can say how a client will show was not read.
static void on_doubt(void *arg, const struct mime_part *part, enum mime_doubt doubt)
{
	struct message *message = arg;
	(void)part;
	if (MIME_UNDECODABLE >> doubt & 1)
		item_limit(message->item, UNPACK_DAMAGED);
}

// Where its header begins: Word and others skip blank lines before it.
static const uint8_t *beginning(const struct item *item)
{
	const uint8_t *at = item->bytes, *end = at + item->n;
	if (item->n >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
		at += 3;
	while (at < end && (*at == ' ' || (*at >= 9 && *at <= 13)))
		at++;
	return at;
}

// Lines that end in LF alone get their CR.
static int feed(struct mime *mime, const struct item *item)
{
	const uint8_t *at = beginning(item), *end = item->bytes + item->n;
	int r = 0;
	while (at < end && r == 0) {
		const uint8_t *line = memchr(at, '\n', (size_t)(end - at));
		const uint8_t *stop = line ? line : end;
		size_t n = (size_t)(stop - at);
		n -= line && n && stop[-1] == '\r';
		r = n ? mime_feed(mime, at, n) : 0;
		if (r == 0 && line)
			r = mime_feed(mime, (const uint8_t *)"\r\n", 2);
		at = stop + (line != NULL);
	}
	return r;
}

// A folder of mail, of which the first message was read; or one in letters of two bytes.
static bool is_more(const struct item *item)
{
	const uint8_t *bytes = item->bytes;
	if (item->n >= 2 &&
	    ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff)))
		return true;
	return item->n > 5 && !memcmp(bytes, "From ", 5) &&
	       (memmem(bytes, item->n, "\n\nFrom ", 7) ||
		memmem(bytes, item->n, "\r\n\r\nFrom ", 9));
}

void message_look(struct item *item)
{
	struct message message = { .item = item };
	const struct mime_sink sink = { .begin = on_begin,
					.field = on_field,
					.bytes = on_bytes,
					.end = on_end,
					.doubt = on_doubt,
					.arg = &message };
	struct mime *mime;
	if (mime_new(&sink, &mime) < 0) {
		item_limit(item, UNPACK_MEMORY);
		return;
	}
	if (feed(mime, item) < 0 || mime_end(mime) < 0)
		item_limit(item, UNPACK_MEMORY);
	if (is_more(item))
		item_limit(item, UNPACK_UNKNOWN);
	while (message.open)
		end_part(&message, message.open);
	mime_free(mime);
}
