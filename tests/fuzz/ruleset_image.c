// A ruleset's image as an enemy may have made it: refused, or sound enough to print and to write
// back the same.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct ruleset *ruleset, *again;
	char *text = NULL, *image = NULL;
	size_t text_size, image_size;
	FILE *out;

	if (ruleset_image_read(bytes, size, &ruleset) < 0)
		return 0;
	out = open_memstream(&text, &text_size);
	ruleset_print(ruleset, out);
	fclose(out);
	out = open_memstream(&image, &image_size);
	if (ruleset_image_write(ruleset, out) < 0)
		abort();
	fclose(out);
	if (image_size != size || ruleset_image_read(image, image_size, &again) < 0)
		abort();
	ruleset_free(again);
	ruleset_free(ruleset);
	free(text);
	free(image);
	return 0;
}
