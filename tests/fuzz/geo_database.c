// A database of countries as an enemy may have made it: refused, or a sound table.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "geo/mmdb.h"
#include "geo/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
const char *__lsan_default_suppressions(void);

// The library loses some bytes when it refuses a file's metadata; its reader is a process for one
// file.
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct geo_sizes sizes[COUNTRY_COUNT_MAX];
	char why[MMDB_WHY_MAX] = "";
	struct geo_table table;
	void *made;
	size_t made_size;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || file_write_all(fd, bytes, size) < 0)
		abort();
	if (mmdb_read(fd, &made, &made_size, why) == 0) {
		if (geo_table_open(made, made_size, &table) < 0)
			abort(); // what is made here must be believed there
		geo_measure(&table, sizes);
		free(made);
	} else if (!why[0]) {
		abort();
	}
	close(fd);
	return 0;
}
