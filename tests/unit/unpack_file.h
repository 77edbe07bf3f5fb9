// The files of tests/unpack/files.
#ifndef SEKISHO_TESTS_UNPACK_FILE_H
#define SEKISHO_TESTS_UNPACK_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define UNPACK_FILES "tests/unpack/files/"

// All of it, on the heap.
static inline uint8_t *read_file(const char *name, size_t *ret_n)
{
	char path[256];
	snprintf(path, sizeof(path), UNPACK_FILES "%s", name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "%s: not there; tests run in the project's folder\n", path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	long n = ftell(file);
	rewind(file);
	uint8_t *bytes = malloc((size_t)n + 1);
	*ret_n = fread(bytes, 1, (size_t)n, file);
	fclose(file);
	return bytes;
}

#endif
