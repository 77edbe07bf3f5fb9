// The compiler's report, as if an enemy had written it: bytes that the gate must survive.
#include <stddef.h>
#include <stdint.h>

#include "daemon/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct report report;

	if (report_read(bytes, size, &report) == 0)
		report_done(&report);
	return 0;
}
