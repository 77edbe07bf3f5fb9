// What a stranger can make large costs memory within MIME_MEMORY_MAX (and one header), and work in
// proportion: what was looked at is counted, not timed.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime/mime_leaf.h"
#include "unit/mime_bed.h"

enum { PIECE = 16384, HEADER_MEMORY = 3 * 1024 * 1024 };

struct run {
	struct mime_bed bed;
	struct mime *mime;
	uint64_t size;
	uint8_t piece[PIECE];
	size_t n;
};

static void flush(struct run *run)
{
	mime_bed_feed(&run->bed, run->mime, run->piece, run->n);
	run->n = 0;
}

static void add(struct run *run, const char *text)
{
	for (; *text; text++) {
		run->piece[run->n++] = (uint8_t)*text;
		run->size++;
		if (run->n == PIECE)
			flush(run);
	}
}

__attribute__((format(printf, 2, 3))) static void addf(struct run *run, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add(run, text);
}

static void begin(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->bed.quiet = true;
	run->mime = mime_bed_new(&run->bed);
}

static void end(struct run *run, size_t memory)
{
	flush(run);
	assert_int_equal(mime_end(run->mime), 0);
	uint64_t most = run->size * MIME_WORK_TIMES + (uint64_t)run->bed.n_parts * MIME_WORK_PART;
	if (mime_work(run->mime) > most)
		fail_msg("%llu bytes looked at, of %llu", (unsigned long long)mime_work(run->mime),
			 (unsigned long long)run->size);
	if (run->bed.memory > memory)
		fail_msg("%zu bytes of memory, not %zu", run->bed.memory, memory);
	mime_free(run->mime);
}

static void doubted(const struct run *run, enum mime_doubt doubt)
{
	if (!run->bed.doubts[doubt])
		fail_msg("no doubt: %s", mime_doubt_names[doubt]);
}

static struct run run;

static void tiny_parts(void **state)
{
	(void)state;
	begin(&run);
	add(&run, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 1000000; i++)
		add(&run, "--b\r\n\r\n\r\n");
	end(&run, MIME_MEMORY_MAX);
	doubted(&run, MIME_TOO_MANY);
	assert_int_equal(run.bed.n_parts, MIME_PARTS_MAX);
}

static void as_many_parts_as_may_be(void **state)
{
	(void)state;
	begin(&run);
	add(&run, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 1; i < MIME_PARTS_MAX; i++)
		add(&run, "--b\r\n\r\nx\r\n");
	add(&run, "--b--\r\n");
	end(&run, MIME_MEMORY_MAX);
	assert_int_equal(run.bed.doubts[MIME_TOO_MANY], 0);
	assert_int_equal(run.bed.n_parts, MIME_PARTS_MAX);
	assert_int_equal(run.bed.bytes, MIME_PARTS_MAX - 1);
}

static void files_in_a_text(void **state)
{
	(void)state;
	begin(&run);
	add(&run, "\r\n");
	for (int i = 0; i < 200000; i++)
		add(&run, "begin 644 a\r\n#86)C\r\nend\r\n");
	end(&run, MIME_MEMORY_MAX);
	doubted(&run, MIME_TOO_MANY);
	assert_int_equal(run.bed.n_parts, MIME_PARTS_MAX);
}

// Fields that are of no interest, 50 MB of them.
static void a_large_header(void **state)
{
	(void)state;
	begin(&run);
	for (int i = 0; i < 700000; i++)
		addf(&run,
		     "X-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
	add(&run, "\r\nbody");
	end(&run, HEADER_MEMORY);
	doubted(&run, MIME_TOO_LONG);
	assert_int_equal(run.bed.bytes, 4);
}

static void one_line_of_header(void **state)
{
	(void)state;
	begin(&run);
	add(&run, "Subject: ");
	for (int i = 0; i < 1000000; i++)
		add(&run, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	add(&run, "\r\n\r\nbody");
	end(&run, HEADER_MEMORY);
	doubted(&run, MIME_TOO_LONG);
	assert_int_equal(run.bed.bytes, 4);
}

// Each of these fills a header with what takes the most work; many parts have it.
static const struct {
	const char *head, *again, *tail;
} heavy[] = {
	{ "Content-Disposition: x", ";a=b", "\r\n" },
	{ "Content-Disposition: x;filename=\"", "a\\", "\"\r\n" },
	{ "Content-Disposition: x;filename=\"", "=?utf-8?q?a", "?=\"\r\n" },
	{ "Content-Disposition: x;filename=\"", "=?utf-8?q?a?= ", "\"\r\n" },
	{ "Content-Disposition: x;filename=\"", "=?a?q?a?= =?b?q?=FF?= ", "\"\r\n" },
	{ "Content-Disposition: x;filename=\"", "\x83", "\"\r\n" },
	{ "Content-Disposition: x;filename=\"\033$B", "\033$B", "\033(B\"\r\n" },
	{ "Content-Disposition: x;filename=", "=?utf-8?b?", "\r\n" },
	{ "Content-Disposition: x;filename=", "a b", "\r\n" },
	{ "Content-Disposition: x;filename=", "a b=", "\r\n" },
	{ "Content-Disposition: x;filename=", "a filename=", "\r\n" },
	{ "Content-Disposition: x", ";filename=\"", "\r\n" },
	{ "Content-Disposition: x", ";filename*1*=%41", "\r\n" },
	{ "Content-Disposition: x", ";filename*9*=%41;filename*1=b", "\r\n" },
	{ "Content-Disposition: x;filename*=''", "%41", "\r\n" },
	{ "Content-Disposition: x;", "(", "\r\n" },
	{ "Content-Disposition: x;", "(\\", "\r\n" },
	{ "Content-Disposition: x;", "()", "\r\n" },
	{ "Content-Disposition: x;", "a(", ")\r\n" },
	{ "Content-Disposition: x;", "a('b)=", "\r\n" },
	{ "Content-Type: multipart/x;", "boundary=a;", "\r\n" },
	{ "Content-Type: multipart/x;boundary=", "a b", "\r\n" },
	{ "Content-Type: =?utf-8?q?x/y;name=", "a", "?=\r\n" },
	{ "Subject: ", "\r\n ", "\r\n" },
	{ "", "Content-Type: a/b;name=a\r\n", "" },
	{ "", "Content-Disposition: a;filename*0=a;\r\n b\r\n", "" },
	{ "", "Content-Disposition: =?us-ascii?q?a?=\r\n", "" },
	{ "", "Content-Transfer-Encoding: a\r\n", "" },
	{ "", ":\r\n", "" },
	{ "", "a\r\n", "" },
	{ "", "a:b\r\n", "" },
};

static void fill_header(size_t i, size_t size)
{
	add(&run, heavy[i].head);
	for (size_t n = 0; n < size; n += strlen(heavy[i].again))
		add(&run, heavy[i].again);
	add(&run, heavy[i].tail);
}

static void heavy_headers(void **state)
{
	static const size_t sizes[] = { 100, 5000, 60000, 250000 };
	(void)state;
	for (size_t i = 0; i < sizeof(heavy) / sizeof(heavy[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			begin(&run);
			add(&run, "Content-Type: multipart/mixed; boundary=outer\r\n\r\n");
			for (int parts = 0; parts < 4; parts++) {
				add(&run, "--outer\r\n");
				fill_header(i, sizes[k]);
				add(&run, "\r\n");
			}
			end(&run, HEADER_MEMORY);
			assert_true(run.bed.n_parts == 5);
		}
}

// The deepest stack, every part of it with eight names of the longest and a long boundary.
static void deep_and_wide(void **state)
{
	char name[1001], boundary[MIME_DEPTH_MAX + 1][201];
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	begin(&run);
	for (int i = 0; i <= MIME_DEPTH_MAX; i++) {
		memset(boundary[i], 'a' + i, 200);
		boundary[i][200] = '\0';
		add(&run, "Content-Type: multipart/mixed; boundary=");
		add(&run, boundary[i]);
		for (int k = 0; k < MIME_NAMES_MAX; k++) {
			addf(&run, ";\r\n name=%d", k);
			add(&run, name);
		}
		add(&run, "\r\n\r\n--");
		add(&run, boundary[i]);
		add(&run, "\r\n");
	}
	add(&run, "\r\nx");
	end(&run, MIME_MEMORY_MAX);
	doubted(&run, MIME_TOO_DEEP);
}

static void long_lines(void **state)
{
	static const char *const encodings[] = { "7bit", "base64", "quoted-printable", "x-uuencode",
						 "x-yencode" };
	static const char *const lines[] = { "a",
					     "--",
					     "=",
					     "= ",
					     "==",
					     "-",
					     "\r",
					     "begin ",
					     "=y",
					     "--b ",
					     "\r\n--b",
					     "\r\n=ybegin size=1 name=a\r\n=",
					     "\r\nbegin 644 a\r\n",
					     "\n" };
	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
			begin(&run);
			addf(&run,
			     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
			     "Content-Transfer-Encoding: %s\r\n\r\n",
			     encodings[i]);
			for (int n = 0; n < 100000; n++)
				add(&run, lines[k]);
			end(&run, MIME_MEMORY_MAX);
		}
}

// The levels of encoded messages are levels, too.
static void encoded_levels(void **state)
{
	(void)state;
	begin(&run);
	for (int i = 0; i < 40; i++) {
		add(&run, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: ");
		add(&run, "quoted-printable\r\n\r\n"); // decodes to itself
	}
	for (int i = 0; i < 20000; i++)
		add(&run, "text text text text text text text text text text text text text\r\n");
	end(&run, MIME_MEMORY_MAX);
	doubted(&run, MIME_TOO_DEEP);
	assert_int_equal(run.bed.n_parts, MIME_DEPTH_MAX + 1);
}

static const char everything[] =
	"Subject: =?utf-8?q?a?= =?iso-2022-jp?b?GyRCTT0bKEI=?=\r\n"
	"Content-Type: multipart/mixed; boundary*0=a; boundary*1=b; name=\"x\\y.z\"\r\n\r\n"
	"--ab\r\n\r\nbegin 644 a\r\n#86)C\r\nend\r\n=ybegin line=9 size=1 name=b\r\na\r\n"
	"--ab\r\nContent-Type: application/x; name=a.eml\r\n"
	"Content-Disposition: attachment; filename*=utf-8''%41.eml; filename=\"\x83\x5c.eml\"\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\n"
	"U3ViamVjdDogeA0KDQp4=QUJD\r\n"
	"--ab\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	"Content-Type: multipart/digest; boundary=3Dc\r\n\r\n--c\r\n\r\nX: y\r\n\r\nz\r\n--c--\r\n"
	"--ab--\r\n";

// Memory that ends anywhere: nothing is told after it, and all is given back.
static void memory_ends(void **state)
{
	size_t failures = 0, most;
	bool failed = true;
	(void)state;
	for (most = 1; failed; most += 61) {
		struct mime_bed bed = { 0 };
		struct mime_context context = {
			.sink = { mime_bed_begin, mime_bed_field, mime_bed_bytes, mime_bed_end,
				  mime_bed_doubt, &bed },
			.store = { .most = most },
		};
		struct mime_told above = { .part.number = 0 };
		struct mime *mime = mime_nested_new(&context, &above);
		bed.quiet = true;
		context.n_parts = bed.n_parts = bed.n_open = 1;
		bed.open[0].part = &above.part;
		if (mime)
			mime_nested_feed(mime, (const uint8_t *)everything, sizeof(everything) - 1);
		mime_nested_end(mime);
		failed = context.store.failed;
		failures += failed;
		assert_int_equal(context.store.used, 0);
		assert_true(failed || bed.n_open == 1);
	}
	assert_true(failures > 100 && most < MIME_MEMORY_MAX);
}

static int load(void **state)
{
	(void)state;
	return mime_load_charsets();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_parts),	      cmocka_unit_test(as_many_parts_as_may_be),
		cmocka_unit_test(files_in_a_text),    cmocka_unit_test(a_large_header),
		cmocka_unit_test(one_line_of_header), cmocka_unit_test(heavy_headers),
		cmocka_unit_test(deep_and_wide),      cmocka_unit_test(long_lines),
		cmocka_unit_test(encoded_levels),     cmocka_unit_test(memory_ends),
	};
	return cmocka_run_group_tests(tests, load, NULL);
}
