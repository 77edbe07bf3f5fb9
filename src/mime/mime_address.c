// One pass: what is in brackets is an address, what is outside is its name, until a comma.  Without
// brackets the words that have an "@" are addresses.
#include "mime/mime_address.h"

#include <string.h>

#include "mime/mime_word.h"

enum { NAMED_MAX = 4 }; // brackets after one another for which the name is read anew

struct reader {
	const char *at;
	bool no_quote, no_bracket, no_angle; // none comes any more that would close one
	uint32_t angles;		     // of this mailbox
	struct mime_text phrase, comment, address, name;
	void (*each)(void *arg, const struct mime_mailbox *mailbox);
	void *arg;
};

// Where what began at `at` is closed, or NULL.  One that is not found is not looked for again.
static const char *find_close(const char *at, char close, bool *none)
{
	const char *end = NULL;
	if (*none)
		return NULL;
	for (const char *c = at + 1; *c && !end; c++) {
		if (*c == '\\' && c[1] && close == '"')
			c++;
		else if (*c == close)
			end = c;
	}
	*none = !end;
	return end;
}

static void add_unquoted(struct mime_text *text, const char *from, const char *end)
{
	for (; from < end; from++) {
		from += *from == '\\' && from + 1 < end;
		mime_text_byte(text, (uint8_t)*from);
	}
}

static void tell(struct reader *reader)
{
	const struct mime_mailbox mailbox = { mime_text_string(&reader->address),
					      mime_text_string(&reader->name) };
	if (!reader->name.store->failed)
		reader->each(reader->arg, &mailbox);
}

// The name is the phrase, where that is not the address itself, and what is in comments.
static void make_name(struct reader *reader, bool phrase)
{
	struct mime_span spans[] = {
		{ mime_text_string(&reader->phrase), phrase ? reader->phrase.n : 0 },
		{ mime_text_string(&reader->comment), reader->comment.n },
	};
	reader->name.n = 0;
	mime_text_add(&reader->name, "", 0);
	for (size_t i = 0; i < 2; i++) {
		struct mime_span span = mime_span_trim(spans[i]);
		if (span.n && reader->name.n)
			mime_text_byte(&reader->name, ' ');
		if (span.n)
			mime_word_read(span, &reader->name);
	}
	for (size_t i = 0; i < reader->name.n; i++)
		if (!reader->name.v[i])
			reader->name.v[i] = ' ';
}

static bool divides(char byte)
{
	return mime_is_space((uint8_t)byte) || byte == ':';
}

// Words of the phrase that have an "@".  True: there was one.
static bool tell_bare(struct reader *reader)
{
	struct mime_span phrase = { mime_text_string(&reader->phrase), reader->phrase.n };
	bool any = false;
	make_name(reader, false);
	for (size_t at = 0; at < phrase.n;) {
		size_t n = 0;
		while (at + n < phrase.n && !divides(phrase.v[at + n]))
			n++;
		if (n && memchr(phrase.v + at, '@', n)) {
			reader->address.n = 0;
			mime_text_add(&reader->address, phrase.v + at, n);
			tell(reader);
			any = true;
		}
		at += n + 1;
	}
	return any;
}

static void end_mailbox(struct reader *reader)
{
	if (!reader->angles && !tell_bare(reader)) {
		make_name(reader, true);
		reader->address.n = 0;
		mime_text_add(&reader->address, "", 0);
		if (reader->name.n)
			tell(reader);
	}
	reader->phrase.n = reader->comment.n = 0;
	reader->angles = 0;
}

// <@route:user@domain>, with spaces and comments that have no place there.
static void add_angle(struct reader *reader, const char *from, const char *end)
{
	const char *route = *from == '@' ? memchr(from, ':', (size_t)(end - from)) : NULL;
	const char *comment = NULL;
	reader->address.n = 0;
	mime_text_add(&reader->address, "", 0);
	for (const char *at = route ? route + 1 : from; at < end; at++) {
		if (*at == '(')
			comment = memchr(at, ')', (size_t)(end - at));
		if (*at == '(' && comment)
			at = comment;
		else if (!mime_is_space((uint8_t)*at))
			mime_text_byte(&reader->address, (uint8_t)*at);
	}
	if (++reader->angles <= NAMED_MAX)
		make_name(reader, true);
	tell(reader);
}

static void read_one(struct reader *reader)
{
	const char *at = reader->at, *end = NULL;
	switch (*at) {
	case '"':
		end = find_close(at, '"', &reader->no_quote);
		if (end)
			add_unquoted(&reader->phrase, at + 1, end);
		break;
	case '(':
		end = find_close(at, ')', &reader->no_bracket);
		if (end && reader->comment.n)
			mime_text_byte(&reader->comment, ' ');
		if (end)
			add_unquoted(&reader->comment, at + 1, end);
		break;
	case '<':
		end = find_close(at, '>', &reader->no_angle);
		if (end)
			add_angle(reader, at + 1, end);
		break;
	case ',':
	case ';':
		end_mailbox(reader);
		end = at;
		break;
	default:
		break;
	}
	if (!end) {
		mime_text_byte(&reader->phrase, (uint8_t)*at);
		end = at;
	}
	reader->at = end + 1;
}

bool mime_addresses_read(struct mime_store *store, const char *raw, const char *shown,
			 void (*each)(void *arg, const struct mime_mailbox *mailbox), void *arg)
{
	struct reader reader = { .phrase.store = store,
				 .comment.store = store,
				 .address.store = store,
				 .name.store = store,
				 .each = each,
				 .arg = arg };
	// Without encoded words the field is read as it is shown, for in character sets of Japan
	// bytes of letters look like brackets.
	reader.at = strstr(raw, "=?") ? raw : shown;
	while (*reader.at && !store->failed)
		read_one(&reader);
	end_mailbox(&reader);
	mime_text_done(&reader.phrase);
	mime_text_done(&reader.comment);
	mime_text_done(&reader.address);
	mime_text_done(&reader.name);
	return !store->failed;
}
