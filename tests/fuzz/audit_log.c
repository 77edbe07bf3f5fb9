// The verifier on lines of anybody: it may find what it likes, but must neither crash nor call a
// log sound whose lines are not all records.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "event/json.h"
#include "keep/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct key_public key = { { 1, 2, 3 } };
	struct verify verify = { .keys = &key, .n_keys = 1 };
	const char *at = (const char *)data, *end = at + size;
	uint64_t lines = 0, usec;
	event_parse_time(at, size, &usec);
	verify_begin_file(&verify, "00000001.jsonl");
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);
		verify_line(&verify, at, length, newline != NULL);
		lines++;
		at += length + (newline != NULL);
	}
	uint64_t records = verify.records;
	if (verify_end(&verify) == 0 && records != lines)
		abort();
	return 0;
}
