// Messages and what is in them: mime_messages.txt, each fed whole, byte by byte, and cut at random.
//
//	=== what it is about
//	the message, its lines ending in CRLF; {1b24} are bytes
//	===>
//	the parts, as mime_bed.h writes them down
//
// SEKISHO_UPDATE_GOLDEN=1 writes down what comes out.  SEKISHO_SEED gives the cuts.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/mime_bed.h"

enum { CUTS = 20, ROWS_MAX = 400 };
static const char path[] = "tests/unit/mime_messages.txt";

struct row {
	char *name, *source, *expected;
	struct mime_bed_text message;
};

static struct row rows[ROWS_MAX];
static size_t n_rows;

static char *read_all(void)
{
	FILE *file = fopen(path, "rb");
	struct mime_bed_text text = { 0 };
	char piece[4096];
	if (!file)
		fail_msg("%s: cannot be opened", path);
	for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;)
		mime_bed_add(&text, piece, n);
	fclose(file);
	return text.v;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

// The end of {...} that begins here, or NULL.
static const char *bytes_end(const char *at)
{
	const char *end = at + 1;
	while (hex(end[0]) >= 0 && hex(end[1]) >= 0)
		end += 2;
	return *at == '{' && end > at + 1 && *end == '}' ? end : NULL;
}

static void make_message(struct row *row)
{
	for (const char *at = row->source; *at; at++) {
		const char *end = bytes_end(at);
		for (at += end ? 1 : 0; end && at < end; at += 2)
			mime_bed_add(&row->message, &(char){ (char)(hex(at[0]) << 4 | hex(at[1])) },
				     1);
		if (!end && *at == '\n')
			mime_bed_add(&row->message, "\r", 1);
		if (!end)
			mime_bed_add(&row->message, at, 1);
	}
}

static char *next_mark(char *from, const char *mark)
{
	char *at = strstr(from, mark);
	if (!at)
		fail_msg("%s: no \"%s\" after: %.60s", path, mark, from);
	*at = '\0';
	return at + strlen(mark);
}

static int read_rows(void **state)
{
	char *text = read_all();
	*state = text;
	assert_int_equal(strncmp(text, "=== ", 4), 0);
	for (char *at = text + 4; at;) {
		struct row *row = &rows[n_rows++];
		assert_true(n_rows <= ROWS_MAX);
		row->name = at;
		row->source = next_mark(at, "\n");
		row->expected = next_mark(row->source, "===>\n");
		char *next = strstr(row->expected - 1, "\n=== ");
		if (next)
			next[1] = '\0';
		at = next ? next + 5 : NULL;
		make_message(row);
	}
	return mime_load_charsets();
}

static int free_rows(void **state)
{
	for (size_t i = 0; i < n_rows; i++)
		free(rows[i].message.v);
	free(*state);
	return 0;
}

static void run(const struct row *row, size_t most, uint32_t seed, struct mime_bed *ret)
{
	memset(ret, 0, sizeof(*ret));
	mime_bed_run(ret, row->message.n ? row->message.v : "", row->message.n, most, seed);
}

static void update(void)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	for (size_t i = 0; i < n_rows; i++) {
		struct mime_bed bed;
		run(&rows[i], 0, 0, &bed);
		fprintf(file, "=== %s\n%s===>\n%s", rows[i].name, rows[i].source,
			mime_bed_text(&bed.brief));
		mime_bed_done(&bed);
	}
	fclose(file);
}

static void as_written(void **state)
{
	size_t wrong = 0;
	(void)state;
	if (getenv("SEKISHO_UPDATE_GOLDEN"))
		update();
	for (size_t i = 0; i < n_rows && !getenv("SEKISHO_UPDATE_GOLDEN"); i++) {
		struct mime_bed bed;
		run(&rows[i], 0, 0, &bed);
		if (strcmp(mime_bed_text(&bed.brief), rows[i].expected) != 0) {
			printf("%s\nexpected:\n%scame:\n%s", rows[i].name, rows[i].expected,
			       mime_bed_text(&bed.brief));
			wrong++;
		}
		assert_true(bed.memory <= MIME_MEMORY_MAX);
		mime_bed_done(&bed);
	}
	assert_int_equal(wrong, 0);
}

static void compare(const struct row *row, const struct mime_bed *whole, size_t most, uint32_t seed)
{
	struct mime_bed cut;
	run(row, most, seed, &cut);
	if (strcmp(mime_bed_text(&whole->all), mime_bed_text(&cut.all)) != 0)
		fail_msg("%s: cut in pieces of up to %zu (SEKISHO_SEED=%u):\n%snot:\n%s", row->name,
			 most, seed, mime_bed_text(&cut.all), mime_bed_text(&whole->all));
	mime_bed_done(&cut);
}

static void however_cut(void **state)
{
	uint32_t seed =
		getenv("SEKISHO_SEED") ? (uint32_t)strtoul(getenv("SEKISHO_SEED"), NULL, 10) : 1;
	(void)state;
	for (size_t i = 0; i < n_rows; i++) {
		struct mime_bed whole;
		run(&rows[i], 0, 0, &whole);
		compare(&rows[i], &whole, 1, 0);
		for (uint32_t k = 0; k < CUTS; k++)
			compare(&rows[i], &whole, k % 2 ? 9 : 100, seed + k);
		mime_bed_done(&whole);
	}
}

// What comes before any byte is cut off: every beginning of every message is read, too.
static void broken_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_rows; i++)
		for (size_t n = 0; n <= rows[i].message.n; n += 7) {
			struct mime_bed bed = { 0 };
			mime_bed_run(&bed, n ? rows[i].message.v : "", n, 64, (uint32_t)n);
			mime_bed_done(&bed);
		}
}

// A message that is given up half-way leaves nothing, and tells nothing more.
static void given_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_rows; i++) {
		struct mime_bed bed = { 0 };
		struct mime *mime = mime_bed_new(&bed);
		mime_bed_feed(&bed, mime, rows[i].message.v, rows[i].message.n / 2);
		size_t told = bed.all.n;
		mime_free(mime);
		assert_int_equal(bed.all.n, told);
		while (bed.n_open) {
			bed.n_open--;
			free(bed.open[bed.n_open].read[0].v);
			free(bed.open[bed.n_open].read[1].v);
		}
		mime_bed_done(&bed);
	}
	mime_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_written),
		cmocka_unit_test(however_cut),
		cmocka_unit_test(broken_off),
		cmocka_unit_test(given_up),
	};
	return cmocka_run_group_tests(tests, read_rows, free_rows);
}
