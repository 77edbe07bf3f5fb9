#include "inspect/content_words.h"

#include <stdio.h>
#include <string.h>

#include "mime/mime.h"

enum smtp_reason content_reason(const struct profile_attachment *rule,
				const struct content_facts *facts)
{
	static const struct {
		uint32_t kinds;
		enum smtp_reason reason;
	} kinds[] = {
		{ UNPACK_EXECUTABLE | UNPACK_SCRIPT | UNPACK_SHORTCUT | UNPACK_DISK_IMAGE,
		  SMTP_ATTACHMENT_PROGRAM },
		{ UNPACK_MACRO, SMTP_ATTACHMENT_MACRO },
		{ UNPACK_ENCRYPTED, SMTP_ATTACHMENT_ENCRYPTED },
		{ UNPACK_MISLEADING, SMTP_ATTACHMENT_MISLEADING },
		{ UNPACK_ACTIVE, SMTP_ATTACHMENT_ACTIVE },
		{ UNPACK_AMBIGUOUS, SMTP_ATTACHMENT_UNDECODABLE },
		{ UNPACK_ILLEGIBLE, SMTP_ATTACHMENT_UNREAD },
	};
	if (!rule->words && !rule->numbers && rule->kinds & facts->kinds) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (rule->kinds & facts->kinds & kinds[i].kinds)
				return kinds[i].reason;
		return SMTP_ATTACHMENT_KIND;
	}
	return rule->numbers		       ? SMTP_ATTACHMENT_PERSONAL
	       : rule->words		       ? SMTP_ATTACHMENT_WORDS
	       : rule->doubts & facts->doubts  ? SMTP_ATTACHMENT_UNDECODABLE
	       : rule->unread && facts->unread ? SMTP_ATTACHMENT_UNREAD
	       : rule->size_over	       ? SMTP_ATTACHMENT_SIZE
	       : rule->total_over	       ? SMTP_ATTACHMENT_TOTAL
	       : rule->number_over	       ? SMTP_ATTACHMENT_NUMBER
	       : rule->n_names		       ? SMTP_ATTACHMENT_NAME
	       : rule->n_types		       ? SMTP_ATTACHMENT_TYPE
					       : SMTP_ATTACHMENT_ANY;
}

static void add_word(char out[MAIL_FILE_FOUND_MAX], const char *word)
{
	size_t used = strlen(out);
	if (used + strlen(word) + 2 <= MAIL_FILE_FOUND_MAX)
		snprintf(out + used, MAIL_FILE_FOUND_MAX - used, "%s%s", used ? " " : "", word);
}

void content_found(const struct content_facts *facts, enum unpack_limit limit,
		   char out[MAIL_FILE_FOUND_MAX])
{
	out[0] = '\0';
	for (unsigned i = 0; i < UNPACK_KINDS; i++)
		if (facts->kinds >> i & 1)
			add_word(out, unpack_kind_names[i]);
	if (facts->unread) {
		add_word(out, "unread");
		add_word(out, limit < UNPACK_LIMITS ? unpack_limit_names[limit] : "budget");
	}
	if (facts->terms.words)
		add_word(out, "words");
	if (facts->terms.numbers)
		add_word(out, "personal-numbers");
	for (unsigned i = 0; i < MIME_DOUBTS; i++)
		if (facts->doubts >> i & 1)
			add_word(out, mime_doubt_names[i]);
}

// The length of the character, and *ret_point.  name is UTF-8, or what an archive has for it.
static size_t read_point(const uint8_t *at, uint32_t *ret_point)
{
	static const uint8_t lengths[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4 };
	size_t n = lengths[at[0] >> 4];
	uint32_t point = n == 1 ? at[0] : at[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			*ret_point = '?';
			return i;
		}
		point = point << 6 | (at[i] & 0x3f);
	}
	*ret_point = n == 1 && at[0] >= 0x80 ? '?' : point;
	return n;
}

static bool is_unseen(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

void content_name(const char *name, char out[MAIL_FILE_NAME_MAX])
{
	const uint8_t *at = (const uint8_t *)name;
	size_t used = 0;
	while (*at) {
		char unseen[16];
		uint32_t point;
		size_t n = read_point(at, &point), length = n;
		const char *put = (const char *)at;
		if (is_unseen(point) || point == '?') {
			snprintf(unseen, sizeof(unseen), point == '?' ? "?" : "<U+%04X>", point);
			put = unseen;
			length = strlen(unseen);
		}
		if (used + length >= MAIL_FILE_NAME_MAX)
			break;
		memcpy(out + used, put, length);
		used += length;
		at += n;
	}
	out[used] = '\0';
}
