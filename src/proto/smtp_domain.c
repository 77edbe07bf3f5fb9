#include "proto/smtp_domain.h"

#include <errno.h>
#include <idn2.h>
#include <string.h>

#include "base/text.h"

enum { LABEL_MAX = 63 };

static bool is_label_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
	       byte == '_';
}

static bool labels_are_right(const char *text)
{
	size_t label = 0;
	for (const char *at = text;; at++) {
		if (*at == '.' || *at == '\0') {
			if (!label || label > LABEL_MAX || at[-1] == '-')
				return false;
			if (!*at)
				return true;
			label = 0;
			continue;
		}
		if (!is_label_byte((uint8_t)*at) || (*at == '-' && !label))
			return false;
		label++;
	}
}

// Nothing is mapped: a name that only some software takes for another one (full-width letters, an
// ideographic full stop) is no name here.
static int to_a_labels(const char *text, char out[SMTP_DOMAIN_MAX + 1])
{
	uint8_t *ascii = NULL;
	int r = -EINVAL;
	if (idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NO_TR46) == IDN2_OK &&
	    strlen((char *)ascii) <= SMTP_DOMAIN_MAX) {
		strcpy(out, (char *)ascii);
		r = 0;
	}
	idn2_free(ascii);
	return r;
}

int smtp_domain_read(const uint8_t *bytes, size_t n, bool utf8, char out[SMTP_DOMAIN_MAX + 1])
{
	char text[SMTP_DOMAIN_MAX + 1], name[SMTP_DOMAIN_MAX + 1];
	bool ascii = true;
	size_t bad;
	if (!n || n > SMTP_DOMAIN_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		text[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
		ascii = ascii && bytes[i] < 0x80;
		if (!bytes[i])
			return -EINVAL;
	}
	text[n] = '\0';
	if (ascii)
		strcpy(name, text);
	else if (!utf8)
		return -EILSEQ;
	else if (!text_is_utf8(text, n, &bad) || to_a_labels(text, name) < 0)
		return -EINVAL;
	if (!labels_are_right(name))
		return -EINVAL;
	strcpy(out, name);
	return 0;
}
