#include "inspect/content_heading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static const char *const fields[HEADING_FIELDS] = {
	"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
};

enum { LINE_MAX_ = HEADING_VALUE_MAX + 32 };

_Static_assert((HEADING_EACH_MAX + 1) * HEADING_FIELDS * LINE_MAX_ <= HEADING_BYTES_MAX,
	       "all lines have room");

static void add(struct content_heading *heading, const char *line)
{
	const size_t n = strlen(line) + 1;
	if (heading->n + n > heading->room) {
		const size_t room = heading->n + n + LINE_MAX_;
		char *grown = realloc(heading->text, room);
		if (!grown) {
			heading->failed = true;
			return;
		}
		heading->text = grown;
		heading->room = room;
	}
	memcpy(heading->text + heading->n, line, n);
	heading->n += n;
}

// Not within a letter.
static size_t cut(const char *text, size_t most)
{
	size_t n = strnlen(text, most + 1);
	if (n <= most)
		return n;
	for (n = most; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

// What is hidden is written out, which makes it longer: it is cut before and after.
static void write_line(const char *name, const char *shown, char out[LINE_MAX_])
{
	char text[HEADING_VALUE_MAX + 1], seen[HEADING_VALUE_MAX * TEXT_SHOWN_MAX + 1];
	size_t n = cut(shown, HEADING_VALUE_MAX);
	bool more = shown[n];
	memcpy(text, shown, n);
	text[n] = '\0';
	text_show(text, TEXT_WORDS, seen);
	n = cut(seen, HEADING_VALUE_MAX);
	more |= seen[n] != '\0';
	snprintf(out, LINE_MAX_, "%s: %.*s%s", name, (int)n, seen, more ? "..." : "");
}

void content_heading_field(struct content_heading *heading, const char *name, const char *shown)
{
	char line[LINE_MAX_];
	for (size_t i = 0; i < HEADING_FIELDS; i++) {
		if (strcasecmp(name, fields[i]) != 0 || heading->seen[i] > HEADING_EACH_MAX)
			continue;
		if (heading->seen[i]++ < HEADING_EACH_MAX)
			write_line(fields[i], shown, line);
		else
			snprintf(line, sizeof(line), "%s: (and more of these)", fields[i]);
		add(heading, line);
	}
}

void content_heading_free(struct content_heading *heading)
{
	free(heading->text);
	*heading = (struct content_heading){ .text = NULL };
}
