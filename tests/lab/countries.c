// lab-countries [-4] [-b BITS] [-t SECONDS] FILE PREFIX=CC ...: writes a database of countries,
// made now or SECONDS ago.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reference/mmdb_file.h"

int main(int argc, char **argv)
{
	unsigned version = 6, bits = 28;
	long ago = 0;
	for (int c; (c = getopt(argc, argv, "+4b:t:")) != -1;) {
		if (c == '4')
			version = 4;
		else if (c == 'b')
			bits = (unsigned)atoi(optarg);
		else if (c == 't')
			ago = atol(optarg);
		else
			return 2;
	}
	if (optind == argc)
		return 2;
	struct mmdb_file *file =
		mmdb_file_new(version, bits, (uint64_t)(time(NULL) - ago), MMDB_FILE_ISO_CODE);
	for (int i = optind + 1; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		if (!equals)
			return 2;
		*equals = '\0';
		mmdb_file_add(file, argv[i], equals + 1);
	}
	mmdb_file_write(file, argv[optind]);
	mmdb_file_free(file);
	return 0;
}
