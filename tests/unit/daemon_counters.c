// Counters over readings of the kernel and over their file, whole and damaged.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/counters.h"
#include "base/file.h"

struct bed {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	strcpy(bed->path, "/tmp/sekisho-counters-XXXXXX");
	if (!mkdtemp(bed->path))
		return -1;
	bed->fd = open(bed->path, O_RDONLY | O_DIRECTORY);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "counters", "counters.damaged", ".counters.new" };
	struct bed *bed = *state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(bed->fd, names[i], 0);
	close(bed->fd);
	rmdir(bed->path);
	free(bed);
	return 0;
}

static bool see(struct counters *counters, uint64_t now, const char *name, uint64_t packets)
{
	counters_begin(counters, now);
	counters_see(counters, &(struct kernel_counter){ name, packets, packets * 100 });
	return counters_end(counters);
}

static void hits(void **state)
{
	struct counters *counters = counters_new();
	(void)state;
	see(counters, 10, "f_a", 0);
	assert_int_equal(counters_find(counters, "f_a")->last_hit_usec, 0);
	assert_true(see(counters, 20, "f_a", 3));
	assert_false(see(counters, 30, "f_a", 3));
	assert_int_equal(counters_find(counters, "f_a")->last_hit_usec, 20);
	assert_true(see(counters, 40, "f_a", 1)); // somebody made it anew
	assert_int_equal(counters_find(counters, "f_a")->last_hit_usec, 40);
	assert_int_equal(counters_find(counters, "f_a")->packets, 1);
	assert_null(counters_find(counters, "f_b"));
	counters_free(counters);
}

// A flow that goes keeps its total for the day it comes back.
static void gone_and_back(void **state)
{
	struct counters *counters = counters_new();
	struct kernel_counter *initial;
	(void)state;
	see(counters, 10, "f_gone", 5);
	see(counters, 20, "f_here", 0);
	assert_int_equal(counters_initial(counters, &initial), 1);
	assert_string_equal(initial[0].name, "f_gone");
	assert_int_equal(initial[0].packets, 5);
	assert_int_equal(initial[0].bytes, 500);
	free(initial);
	counters_free(counters);
}

static void file(void **state)
{
	struct bed *bed = *state;
	struct counters *counters = counters_new(), *read = counters_new();
	char name[32];
	assert_int_equal(counters_read(read, bed->fd), 0); // no file yet
	counters_begin(counters, 77);
	for (uint64_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "f_flow-%llu", (unsigned long long)i);
		counters_see(counters, &(struct kernel_counter){ name, i, i << 40 });
	}
	counters_end(counters);
	assert_int_equal(counters_write(counters, bed->fd), 0);
	assert_int_equal(counters_read(read, bed->fd), 0);
	assert_int_equal(counters_count(read), 5000);
	for (uint64_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "f_flow-%llu", (unsigned long long)i);
		const struct counter *counter = counters_find(read, name);
		assert_non_null(counter);
		assert_int_equal(counter->packets, i);
		assert_true(counter->bytes == i << 40);
		assert_int_equal(counter->last_hit_usec, i ? 77 : 0);
	}
	counters_free(counters);
	counters_free(read);
}

// Every cut and every changed byte is noticed, and the damaged file is kept aside.
static void damaged(void **state)
{
	struct bed *bed = *state;
	struct counters *counters = counters_new();
	char *good;
	size_t size;
	see(counters, 10, "f_a", 5);
	see(counters, 20, "f_b", 7);
	assert_int_equal(counters_write(counters, bed->fd), 0);
	assert_int_equal(file_read(bed->fd, "counters", 4096, &good, &size), 0);
	for (size_t i = 0; i < 2 * size; i++) {
		struct counters *read = counters_new();
		char bad[512];
		memcpy(bad, good, size);
		if (i >= size)
			bad[i - size] ^= 1;
		assert_int_equal(file_replace(bed->fd, "counters", bad, i < size ? i : size), 0);
		assert_int_equal(counters_read(read, bed->fd), -EBADMSG);
		assert_int_equal(counters_count(read), 0);
		assert_int_equal(faccessat(bed->fd, "counters", F_OK, 0), -1);
		assert_int_equal(faccessat(bed->fd, "counters.damaged", F_OK, 0), 0);
		counters_free(read);
	}
	free(good);
	counters_free(counters);
}

// A right sum does not make nonsense right.
static const char *const nonsense[] = {
	"sekisho-counters 2 0\n",
	"sekisho-counters 1 1\n",
	"sekisho-counters 1 0\nf_a 1 1 1\n",
	"sekisho-counters 1 1\nf_a 1 1\n",
	"sekisho-counters 1 1\nf_a 1 1 1 1\n",
	"sekisho-counters 1 1\nf_a -1 1 1\n",
	"sekisho-counters 1 1\nf_a x 1 1\n",
	"sekisho-counters 1 1\n 1 1 1\n",
	"sekisho-counters 1 2\nf_a 1 1 1\nf_a 1 1 1\n",
	"sekisho-counters 1 99999999999\n",
	"sekisho-counters 1 1\nf_a 1 1 99999999999999999999999\n",
};

static void nonsense_with_a_sum(void **state)
{
	struct bed *bed = *state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		struct counters *read = counters_new();
		char text[256];
		snprintf(text, sizeof(text), "%ssum %016llx\n", nonsense[i],
			 (unsigned long long)file_sum(nonsense[i], strlen(nonsense[i])));
		assert_int_equal(file_replace(bed->fd, "counters", text, strlen(text)), 0);
		if (counters_read(read, bed->fd) != -EBADMSG)
			fail_msg("taken: %s", nonsense[i]);
		counters_free(read);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits),
		cmocka_unit_test(gone_and_back),
		cmocka_unit_test_setup_teardown(file, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_with_a_sum, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
