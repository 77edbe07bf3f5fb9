#include "daemon/vault_answer.h"

#include <stdlib.h>
#include <string.h>

static size_t open_words(const char *service, uint8_t out[SCAN_OPEN_MAX])
{
	(void)service;
	(void)out;
	return 0;
}

static size_t head(uint32_t n, uint8_t out[SCAN_HEAD_MAX])
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
	return 4;
}

static void read_bytes(struct scan_reply *reply, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && !reply->bad; i++) {
		if (!reply->whole && bytes[i] == '\0')
			reply->whole = true;
		else if (reply->whole || reply->n == SCAN_NAME_MAX - 1)
			reply->bad = true;
		else
			reply->text[reply->n++] = (char)bytes[i];
		reply->text[reply->n] = '\0';
	}
}

// That there is no room it says at any time.
static void verdict(const struct scan_reply *reply, bool complete, struct scan_result *ret)
{
	(void)complete;
	*ret = (struct scan_result){ .verdict = SCAN_DOWN };
	if (!reply->whole || reply->bad)
		return;
	ret->verdict = SCAN_CLEAN;
	memcpy(ret->name, reply->text, reply->n + 1);
}

const struct scan_words vault_words = {
	.open = open_words,
	.head = head,
	.tail = "",
	.end = "\0\0\0",
	.n_end = 4,
	.read = read_bytes,
	.verdict = verdict,
};

void vault_answer_read(const struct scan_result *result, struct hold_result *ret)
{
	static const struct {
		const char *word;
		enum hold_verdict verdict;
	} words[] = {
		{ "kept ", HOLD_KEPT },
		{ "delivered ", HOLD_DELIVERED },
		{ "rejected ", HOLD_REJECTED },
	};
	*ret = (struct hold_result){ .verdict = HOLD_DOWN };
	if (result->verdict == SCAN_BUSY ||
	    (result->verdict == SCAN_CLEAN && strcmp(result->name, "full") == 0))
		ret->verdict = HOLD_FULL;
	if (result->verdict != SCAN_CLEAN)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const size_t n = strlen(words[i].word);
		char *end;
		if (strncmp(result->name, words[i].word, n) != 0 ||
		    strspn(result->name + n, "0123456789") != strlen(result->name + n))
			continue;
		ret->number = strtoull(result->name + n, &end, 10);
		ret->verdict = ret->number ? words[i].verdict : HOLD_DOWN;
	}
}
