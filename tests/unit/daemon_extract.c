// The extractor: a real one beside what the same look tells in this process; ones that crash, hang,
// spin, eat, or talk nonsense; and its report, bent in every way a stranger may think of.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "daemon/child.h"
#include "daemon/extract.h"
#include "daemon/extract_wire.h"
#include "daemon/sandbox.h"
#include "unpack_file.h"
#include "unpack_print.h"

enum { NOBODY = 65534, REPORT_FD = CHILD_FD_FIRST + 2 };

#define USUAL                                                                                      \
	{                                                                                          \
		.depth = 8, .entries = 1000, .output = 64 << 20, .each = 32 << 20,                 \
		.memory = 64 << 20,                                                                \
	}
static const struct unpack_bounds usual = USUAL;

struct heard {
	sd_event *event;
	char *text;
	size_t n, n_entries;
	char trouble[256];
	uint32_t kinds;
	enum unpack_limit limit;
	unsigned times;
};

static void hear(void *arg, const struct extract_result *result)
{
	struct heard *heard = arg;
	struct printed printed = { .out = open_memstream(&heard->text, &heard->n) };
	for (size_t i = 0; i < result->n_entries; i++)
		print_entry(&printed, &result->entries[i]);
	fputc('=', printed.out);
	print_kinds(printed.out, result->kinds, result->limit);
	fclose(printed.out);
	heard->n_entries = result->n_entries;
	heard->kinds = result->kinds;
	heard->limit = result->limit;
	snprintf(heard->trouble, sizeof(heard->trouble), "%s",
		 result->trouble ? result->trouble : "");
	heard->times++;
	sd_event_exit(heard->event, 0);
}

static int memory_file(const void *bytes, size_t n, bool seal)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, bytes, n), 0);
	if (seal)
		assert_int_equal(file_seal(fd), 0);
	return fd;
}

// The caller frees .text.
static void run(const struct extract_options *options, const char *name, const void *bytes,
		size_t n, struct heard *ret)
{
	struct extract *extract;
	int fd = memory_file(bytes, n, true);
	*ret = (struct heard){ 0 };
	assert_true(sd_event_new(&ret->event) >= 0);
	assert_int_equal(extract_start(ret->event, options, fd, name, hear, ret, &extract), 0);
	close(fd);
	sd_event_loop(ret->event);
	assert_int_equal(ret->times, 1);
	sd_event_unref(ret->event);
}

static const struct extract_options real = { .bounds = USUAL, .uid = NOBODY, .gid = NOBODY };

static void as_in_this_process(void **state)
{
	static const char *const files[] = { "deep.zip",  "cp932.lzh", "a.cab",	    "a.iso.gz",
					     "macro.doc", "mail.msg",  "file.pdf",  "encrypted.7z",
					     "a5.rar",	  "a.tar.xz",  "object.rtf" };
	(void)state;
	unpack_load();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct heard heard;
		size_t n;
		uint8_t *bytes = read_file(files[i], &n);
		char *expected = print_look(files[i], bytes, n, &usual);
		run(&real, files[i], bytes, n, &heard);
		assert_string_equal(heard.trouble, "");
		assert_string_equal(heard.text, expected);
		free(heard.text);
		free(expected);
		free(bytes);
	}
	unpack_unload();
}

static void an_empty_file(void **state)
{
	struct heard heard;
	(void)state;
	run(&real, "a.txt", "", 0, &heard);
	assert_string_equal(heard.text, "= text\n");
	free(heard.text);
}

// A report that grows too large ends as too many entries do.
static void a_long_report(void **state)
{
	enum { N = 20000, NAME = 500, ONE = 30 + 46 + 2 * NAME };
	uint8_t *bytes = calloc(N, ONE + 1), *at = bytes;
	struct extract_options options = real;
	struct heard heard;
	char name[NAME + 1];
	(void)state;
	memset(name, 'n', NAME);
	for (unsigned i = 0; i < N; i++) { // a tar's header would do as well: empty stored entries
		snprintf(name, sizeof(name), "%06u", i);
		name[6] = 'n';
		memcpy(at, "PK\3\4\24\0\0\0\0\0", 10);
		at[26] = NAME & 0xff;
		at[27] = NAME >> 8;
		memcpy(at + 30, name, NAME);
		at += 30 + NAME;
	}
	options.bounds.entries = EXTRACT_ENTRIES_MAX;
	run(&options, "a.zip", bytes, (size_t)(at - bytes), &heard);
	assert_string_equal(heard.trouble, "");
	assert_true(heard.n_entries > 1000 && heard.n_entries < N);
	assert_true(heard.limit != UNPACK_WHOLE);
	free(heard.text);
	free(bytes);
}

static void refused(void **state)
{
	struct extract_options options = real;
	struct extract *extract;
	int fd = memory_file("x", 1, false), sealed = memory_file("x", 1, true);
	sd_event *event;
	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(extract_start(event, &options, fd, "a", hear, NULL, &extract), -EINVAL);
	assert_int_equal(extract_start(event, &options, -1, "a", hear, NULL, &extract), -EINVAL);
	options.bounds.entries = EXTRACT_ENTRIES_MAX + 1;
	assert_int_equal(extract_start(event, &options, sealed, "a", hear, NULL, &extract),
			 -EINVAL);
	assert_int_equal(ftruncate(fd, EXTRACT_FILE_MAX + 1L), 0);
	assert_int_equal(file_seal(fd), 0);
	assert_int_equal(extract_start(event, &real, fd, "a", hear, NULL, &extract), -EFBIG);
	close(fd);
	close(sealed);
	sd_event_unref(event);
}

static void cancelled(void **state)
{
	struct heard heard = { 0 };
	struct extract *extract;
	int fd = memory_file("x", 1, true);
	(void)state;
	assert_true(sd_event_new(&heard.event) >= 0);
	assert_int_equal(extract_start(heard.event, &real, fd, "a", hear, &heard, &extract), 0);
	extract_cancel(extract);
	extract_cancel(NULL);
	sd_event_run(heard.event, 10000);
	assert_int_equal(heard.times, 0);
	close(fd);
	sd_event_unref(heard.event);
}

// What this program is when it is started with these words.
static int be_bad(const char *how)
{
	static uint8_t nonsense[4096];
	if (!strcmp(how, "crash"))
		raise(SIGKILL);
	if (!strcmp(how, "hang"))
		pause();
	if (!strcmp(how, "status"))
		return 3;
	if (!strcmp(how, "silent"))
		return 0;
	for (size_t i = 0; i < sizeof(nonsense); i++)
		nonsense[i] = (uint8_t)(i * 7);
	do {
		if (write(REPORT_FD, nonsense, sizeof(nonsense)) < 0)
			return 1;
	} while (!strcmp(how, "endless"));
	return 0;
}

static const struct {
	const char *how, *trouble;
	unsigned timeout_ms;
} bad_ones[] = {
	{ "crash", "ended by signal 9", 0 },	    { "hang", "took too long", 200 },
	{ "status", "ended with status 3", 0 },	    { "silent", "a report that is none", 0 },
	{ "nonsense", "a report that is none", 0 }, { "endless", "without end", 0 },
};

static void bad_extractors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_ones) / sizeof(bad_ones[0]); i++) {
		char name[] = "extract", word[] = "bad", how[16];
		char *const argv[] = { name, word, how, NULL };
		struct extract_options options = real;
		struct heard heard;
		snprintf(how, sizeof(how), "%s", bad_ones[i].how);
		options.path = "/proc/self/exe";
		options.argv = argv;
		options.timeout_ms = bad_ones[i].timeout_ms;
		run(&options, "予算.pdf.exe", "x", 1, &heard);
		if (!strstr(heard.trouble, bad_ones[i].trouble))
			fail_msg("%s: %s", bad_ones[i].how, heard.trouble);
		assert_int_equal(heard.limit, UNPACK_TIME);
		assert_int_equal(heard.kinds, UNPACK_EXECUTABLE | UNPACK_MISLEADING);
		assert_int_equal(heard.n_entries, 0);
		free(heard.text);
	}
}

// A report of two entries, to be bent.
struct wire {
	struct extract_entry_head one;
	char name_one[8];
	struct extract_entry_head two;
	char name_two[8], also_two[8];
	struct extract_end end;
};

static struct wire sound(void)
{
	return (struct wire){
		.one = { .magic = EXTRACT_ENTRY_MAGIC, .number = 2, .parent = 1, .n_name = 8 },
		.name_one = "memo.txt",
		.two = { .magic = EXTRACT_ENTRY_MAGIC, .number = 1, .n_name = 8, .n_also = 8 },
		.name_two = "tool.exe",
		.also_two = "tooi.exe",
		.end = { .magic = EXTRACT_END_MAGIC, .kinds = UNPACK_ARCHIVE, .n_entries = 2 },
	};
}

static int read_wire(const void *bytes, size_t n)
{
	struct extract_report report;
	uint8_t *exact = malloc(n ? n : 1); // for the sanitizers to see its end
	memcpy(exact, bytes, n);
	int r = extract_report_read(exact, n, &usual, &report);
	if (r == 0)
		extract_report_done(&report);
	free(exact);
	return r;
}

#define BENT(title, change)                                                                        \
	static void title(struct wire *wire)                                                       \
	{                                                                                          \
		change;                                                                            \
	}
BENT(number_zero, wire->one.number = 0)
BENT(number_beyond, wire->one.number = usual.entries + 1)
BENT(number_huge, wire->one.number = UINT32_MAX)
BENT(number_twice, (wire->two.number = 2))
BENT(parent_itself, wire->one.parent = 2)
BENT(parent_later, wire->two.parent = 5)
BENT(kinds_unknown, wire->one.kinds = 1U << UNPACK_KINDS)
BENT(limit_unknown, wire->one.limit = UNPACK_LIMITS)
BENT(not_zero, wire->one.zero = 1)
BENT(name_longer, wire->one.n_name = 9)
BENT(name_beyond, wire->two.n_also = 500)
BENT(name_huge, wire->two.n_name = UINT16_MAX)
BENT(name_with_nul, wire->name_one[3] = 0)
BENT(name_no_utf8, wire->name_two[3] = (char)0xff)
BENT(magic_other, wire->two.magic ^= 1)
BENT(end_kinds, wire->end.kinds = UINT32_MAX)
BENT(end_limit, wire->end.limit = 99)
BENT(end_count, wire->end.n_entries = 3)
BENT(end_missing, wire->end.magic = EXTRACT_ENTRY_MAGIC)

static void (*const bends[])(struct wire *wire) = {
	number_zero,  number_beyond, number_huge,   number_twice, parent_itself,
	parent_later, kinds_unknown, limit_unknown, not_zero,	  name_longer,
	name_beyond,  name_huge,     name_with_nul, name_no_utf8, magic_other,
	end_kinds,    end_limit,     end_count,	    end_missing,
};

static void reports(void **state)
{
	struct wire wire = sound();
	uint8_t longer[sizeof(wire) + 1] = { 0 };
	(void)state;
	assert_int_equal(read_wire(&wire, sizeof(wire)), 0);
	for (size_t cut = 0; cut < sizeof(wire); cut++)
		assert_int_equal(read_wire(&wire, cut), -EINVAL);
	memcpy(longer, &wire, sizeof(wire));
	assert_int_equal(read_wire(longer, sizeof(longer)), -EINVAL);
	for (size_t i = 0; i < sizeof(bends) / sizeof(bends[0]); i++) {
		wire = sound();
		bends[i](&wire);
		if (read_wire(&wire, sizeof(wire)) != -EINVAL)
			fail_msg("bend %zu was taken", i);
	}
	for (size_t bit = 0; bit < sizeof(wire) * 8; bit++) { // whatever it is: no harm
		wire = sound();
		((uint8_t *)&wire)[bit / 8] ^= (uint8_t)(1U << bit % 8);
		read_wire(&wire, sizeof(wire));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports),	  cmocka_unit_test(as_in_this_process),
		cmocka_unit_test(an_empty_file),  cmocka_unit_test(a_long_report),
		cmocka_unit_test(refused),	  cmocka_unit_test(cancelled),
		cmocka_unit_test(bad_extractors),
	};
	if (argc == 2 && !strcmp(argv[1], EXTRACT_ARGUMENT))
		return extract_main();
	if (argc == 3 && !strcmp(argv[1], "bad"))
		return be_bad(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
