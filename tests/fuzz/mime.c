// A message from strangers.  Whatever it is: the same calls however it is cut, parts within one
// another, memory within MIME_MEMORY_MAX, work within MIME_WORK_TIMES the message.
#include "unit/mime_bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_MAX = 16384 };

static void compare(const struct mime_bed *whole, const uint8_t *bytes, size_t size, size_t most)
{
	struct mime_bed cut = { 0 };
	mime_bed_run(&cut, bytes, size, most, (uint32_t)size);
	mime_bed_must(strcmp(mime_bed_text(&whole->all), mime_bed_text(&cut.all)) == 0);
	mime_bed_done(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool loaded;
	struct mime_bed whole = { 0 };
	if (size > INPUT_MAX)
		return 0;
	if (!loaded)
		mime_bed_must(mime_load_charsets() == 0);
	loaded = true;
	mime_bed_run(&whole, bytes, size, 0, 0);
	mime_bed_must(whole.memory <= MIME_MEMORY_MAX);
	compare(&whole, bytes, size, 1);
	compare(&whole, bytes, size, 40);
	mime_bed_done(&whole);
	return 0;
}
