// Names of domains and mail addresses as a policy has them: what mail carries, and nothing else.
#include "plan/mail_domain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/punycode.h"
#include "base/text.h"

enum {
	DOMAIN_BYTES_MAX = 253, // RFC 1035 2.3.4, without the dot at the end
	LABEL_BYTES_MAX = 63,
	LOCAL_BYTES_MAX = 128, // as the inspector takes them: RFC 5321 has 64
};

static bool is_label(const char *label, size_t length)
{
	if (length == 0 || length > LABEL_BYTES_MAX || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = label[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return true;
}

// What is wrong with a name of A-labels in small letters; NULL: nothing.
static const char *fault_of(const char *name)
{
	size_t length = strlen(name), labels = 0;
	const char *last = name;

	if (length == 0 || length > DOMAIN_BYTES_MAX)
		return "is no domain name";
	if (name[length - 1] == '.')
		return "ends in a dot; take it away";
	for (const char *label = name; label;) {
		size_t n = strcspn(label, ".");

		if (!is_label(label, n))
			return "is no domain name: letters, digits and hyphens between dots";
		labels++;
		last = label;
		label = label[n] ? label + n + 1 : NULL;
	}
	if (labels < 2)
		return "is a whole branch of names; write a domain such as city.example.jp";
	if (strspn(last, "0123456789") == strlen(last))
		return "is an address; write a domain such as city.example.jp";
	return NULL;
}

static char *lower(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_strndup(arena, text, length);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return copy;
}

// Hiragana, katakana, kanji: of one form only, so that nothing has to be mapped, and all of them
// are letters of domains (RFC 5892).  Compatibility forms, combining marks and other signs are not
// here.
static bool is_japanese(uint32_t c)
{
	static const struct {
		uint32_t lo, hi;
	} letters[] = { { 0x3005, 0x3007 }, { 0x3041, 0x3096 }, { 0x309d, 0x309e },
			{ 0x30a1, 0x30fa }, { 0x30fc, 0x30fe }, { 0x3400, 0x4db5 },
			{ 0x4e00, 0x9fa5 } };

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (c >= letters[i].lo && c <= letters[i].hi)
			return true;
	return false;
}

// The next label of name, which moves on behind it, as an A-label; NULL: it cannot be one.
static const char *read_label(struct arena *arena, const char **name)
{
	uint32_t points[LABEL_BYTES_MAX];
	char out[PUNYCODE_LABEL_MAX + 1];
	const char *from = *name;
	bool ascii = true;
	size_t n = 0;

	while (**name && **name != '.') {
		uint32_t c = text_next(name);

		if (n == LABEL_BYTES_MAX || (c >= 0x80 && !is_japanese(c)))
			return NULL;
		ascii = ascii && c < 0x80;
		points[n++] = c;
	}
	if (ascii)
		return arena_strndup(arena, from, (size_t)(*name - from));
	if (points[0] == '-' || points[n - 1] == '-' || punycode_encode(points, n, out) < 0)
		return NULL;
	return arena_printf(arena, "xn--%s", out);
}

const char *mail_domain_read(struct arena *arena, const char *text, const char **ret_fault)
{
	const char *rest = lower(arena, text, strlen(text));
	const char *name = "";

	do {
		const char *label = read_label(arena, &rest);

		if (!label) {
			*ret_fault = "is no domain name: letters, digits, hyphens and Japanese "
				     "letters between dots; other letters are written as A-labels, "
				     "xn--...";
			return NULL;
		}
		name = arena_printf(arena, "%s%s%s", name, label, *rest ? "." : "");
	} while (*rest++);
	*ret_fault = fault_of(name);
	return *ret_fault ? NULL : name;
}

const char *mail_recipient_read(struct arena *arena, const char *text, const char **ret_fault)
{
	const char *at = strrchr(text, '@');
	const char *domain = mail_domain_read(arena, at ? at + 1 : text, ret_fault);

	if (at == text)
		*ret_fault = "has nothing before the @; write the domain alone for all of its "
			     "addresses";
	else if (at &&
		 ((size_t)(at - text) > LOCAL_BYTES_MAX || memchr(text, '@', (size_t)(at - text))))
		*ret_fault = "is no mail address";
	else if (at && !domain)
		*ret_fault = "is no mail address: what stands after the @ is no domain";
	if (*ret_fault)
		return NULL;
	return arena_printf(arena, "%s@%s", at ? lower(arena, text, (size_t)(at - text)) : "",
			    domain);
}
