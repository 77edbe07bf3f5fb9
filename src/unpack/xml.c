// A scanner of tags.  Comments and CDATA are skipped as such: what is in them runs nowhere.
#include "unpack/xml.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { REFERENCE_MAX = 10 };

// "&#x44;" and "&#68;": the length of the reference, 0: it is none.
static size_t reference(const char *text, size_t n, char *ret)
{
	uint32_t point = 0;
	size_t at = 2;
	bool hex = n > 3 && (text[2] == 'x' || text[2] == 'X');
	if (n < 4 || text[1] != '#')
		return 0;
	for (at += hex; at < n && at < REFERENCE_MAX && text[at] != ';'; at++) {
		char c = text[at];
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
				 : hex && (c | 32) >= 'a' && (c | 32) <= 'f'
					 ? (uint32_t)((c | 32) - 'a' + 10)
					 : 99;
		if (digit == 99)
			return 0;
		point = point * (hex ? 16 : 10) + digit;
	}
	if (at == n || text[at] != ';')
		return 0;
	*ret = point < 0x80 && point != '<' && point != '>' ? (char)point : '?';
	return at + 1;
}

char *xml_plain(struct item *item, size_t *ret_n)
{
	const uint8_t *bytes = item->bytes;
	size_t n = item->n, to = 0;
	bool big = n >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff;
	bool wide = big || (n >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe) ||
		    (n >= 2 && bytes[0] == '<' && !bytes[1]);
	char *text = look_alloc(item, n + 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i += wide ? 2 : 1) {
		uint8_t c = wide && big ? (i + 1 < n ? bytes[i + 1] : 0) : bytes[i];
		text[to++] = (char)(c ? c : ' ');
	}
	n = to;
	to = 0;
	for (size_t i = 0; i < n;) {
		size_t length = text[i] == '&' ? reference(text + i, n - i, &text[to]) : 0;
		if (!length)
			text[to] = text[i];
		to++;
		i += length ? length : 1;
	}
	text[to] = '\0';
	*ret_n = to;
	return text;
}

void xml_plain_free(struct item *item, char *text)
{
	look_free(item, text, item->n + 1);
}

static bool skip(struct xml *xml, const char *opening, const char *closing)
{
	size_t n = strlen(opening), left = (size_t)(xml->end - xml->at);
	if (left < n || memcmp(xml->at, opening, n))
		return false;
	const char *end = memmem(xml->at + n, left - n, closing, strlen(closing));
	xml->at = end ? end + strlen(closing) : xml->end;
	return true;
}

static bool is_name(char c)
{
	return c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '/' && c != '>' &&
	       c != '=' && c != '<';
}

// To the '>' that is in no quotes.  A quote that never closes is none from then on, so that its
// text is searched once.
static const char *end_of_tag(struct xml *xml, const char *start)
{
	const char *at = start;
	char quote = 0;
	for (; at < xml->end && (quote || *at != '>'); at++) {
		if (quote && *at == quote)
			quote = 0;
		else if (!quote &&
			 ((*at == '"' && !xml->no_double) || (*at == '\'' && !xml->no_single)))
			quote = *at;
	}
	if (at < xml->end || !quote)
		return at;
	xml->no_double = xml->no_double || quote == '"';
	xml->no_single = xml->no_single || quote == '\'';
	at = memchr(start, '>', (size_t)(xml->end - start));
	return at ? at : xml->end;
}

bool xml_next(struct xml *xml)
{
	for (;;) {
		const char *at = xml->at < xml->end
					 ? memchr(xml->at, '<', (size_t)(xml->end - xml->at))
					 : NULL;
		if (!at)
			return false;
		xml->at = at;
		if (!skip(xml, "<!--", "-->") && !skip(xml, "<![CDATA[", "]]>"))
			break;
	}
	const char *at = xml->at + 1, *end = end_of_tag(xml, at);
	xml->closing = at < end && *at == '/';
	at += xml->closing;
	xml->name = at;
	for (; at < end && is_name(*at); at++)
		if (*at == ':')
			xml->name = at + 1;
	xml->n_name = (size_t)(at - xml->name);
	xml->attributes = at;
	xml->n_attributes = (size_t)(end - at);
	xml->at = end < xml->end ? end + 1 : end;
	xml->text = xml->at;
	const char *next = memchr(xml->at, '<', (size_t)(xml->end - xml->at));
	xml->n_text = (size_t)((next ? next : xml->end) - xml->at);
	return true;
}

bool xml_is(const struct xml *xml, const char *name)
{
	return xml->n_name == strlen(name) && !strncasecmp(xml->name, name, xml->n_name);
}

bool xml_attribute(const struct xml *xml, const char *name, const char **ret, size_t *ret_n)
{
	const char *at = xml->attributes, *end = at + xml->n_attributes;
	while (at < end) {
		while (at < end && !is_name(*at))
			at++;
		const char *start = at;
		for (; at < end && is_name(*at); at++)
			if (*at == ':')
				start = at + 1;
		size_t n = (size_t)(at - start);
		while (at < end && (*at == ' ' || (*at >= 9 && *at <= 13)))
			at++;
		if (at == end || *at != '=')
			continue;
		at++;
		while (at < end && (*at == ' ' || (*at >= 9 && *at <= 13)))
			at++;
		char quote = at < end && (*at == '"' || *at == '\'') ? *at++ : 0;
		const char *value = at;
		while (at < end && (quote ? *at != quote : is_name(*at)))
			at++;
		if (n == strlen(name) && !strncasecmp(start, name, n)) {
			*ret = value;
			*ret_n = (size_t)(at - value);
			return true;
		}
		at += at < end && quote;
	}
	return false;
}

bool xml_holds(const char *text, size_t n, const char *what)
{
	size_t length = strlen(what);
	if (!length)
		return true;
	for (size_t i = 0; i + length <= n; i++)
		if ((text[i] | 32) == (what[0] | 32) && !strncasecmp(text + i, what, length))
			return true;
	return false;
}
