// Reading the prefix of a packet record.
#include "event/prefix.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *word;
	bool with_id;
	enum event_kind kind;
} word_table[] = {
	{ "allow", true, EVENT_PACKET_ALLOWED },
	{ "deny", false, EVENT_PACKET_DENIED },
	{ "spoof", true, EVENT_PACKET_SPOOFED },
	{ "invalid", false, EVENT_PACKET_INVALID },
};

int event_prefix_parse(const char *text, struct event_prefix *ret)
{
	struct event_prefix prefix = { 0 };
	if (strncmp(text, "sk ", 3) != 0)
		return -EINVAL;
	const char *word = text + 3;
	size_t length = strcspn(word, " ");
	const char *id = word + length + strspn(word + length, " ");
	size_t id_length = strcspn(id, " ");
	for (size_t i = 0; i < sizeof(word_table) / sizeof(word_table[0]); i++) {
		if (strlen(word_table[i].word) != length ||
		    strncmp(word, word_table[i].word, length) != 0)
			continue;
		if (id_length >= sizeof(prefix.id) || (word_table[i].with_id && !id_length))
			return -EINVAL;
		prefix.kind = word_table[i].kind;
		memcpy(prefix.id, id, id_length);
		*ret = prefix;
		return 0;
	}
	return -EINVAL;
}
