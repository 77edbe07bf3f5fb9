// A mail record as an inspector sends it: what is read packs to the same bytes.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "event/mail_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct mail_taken taken;
	static uint8_t again[MAIL_WIRE_MAX];

	if (mail_wire_unpack(bytes, size, &taken) == 0 &&
	    (mail_wire_pack(&taken.record, again) != size || memcmp(again, bytes, size) != 0))
		abort();
	return 0;
}
