// A header line that is added to a message, where the host can: behind its header, once, however
// the message comes; and to nothing else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime/mime.h"
#include "smtp_bed.h"
#include "smtp_profile.h"
#include "unpack/unpack.h"

#define NOTICE "X-Sekisho-Notice: look-alike\r\n"
#define LIKE   "From: a@city.examp1e.jp\r\n"

static const struct {
	const char *name, *message, *marked; // NULL: as it came
} rows[] = {
	{ "a message", LIKE "\r\nbody\r\n", LIKE NOTICE "\r\nbody\r\n" },
	{ "more of a header", LIKE "Subject: x\r\n y\r\n\r\n\r\nbody\r\n\r\n",
	  LIKE "Subject: x\r\n y\r\n" NOTICE "\r\n\r\nbody\r\n\r\n" },
	{ "only a header", LIKE, LIKE NOTICE },
	{ "an empty body", LIKE "\r\n", LIKE NOTICE "\r\n" },
	{ "dots", LIKE "..x: y\r\n\r\n..\r\n", LIKE "..x: y\r\n" NOTICE "\r\n..\r\n" },
	{ "a part that looks like a header",
	  LIKE "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" LIKE "\r\nx\r\n--b--\r\n",
	  LIKE "Content-Type: multipart/mixed; boundary=b\r\n" NOTICE "\r\n--b\r\n" LIKE
	       "\r\nx\r\n--b--\r\n" },
	{ "honest", "From: a@other.example\r\n\r\nbody\r\n", NULL },
	{ "no header at all", "\r\nbody " LIKE, NULL },
	{ "nothing", "", NULL },
};

static const struct profile_habit rule = {
	.sign = PROFILE_ALIKE, .alike = PROFILE_ALIKE_DOMAIN, .action = PROFILE_MARK, .clause = ""
};
static struct town town;

static void say(struct bed *bed, enum engine_side side, const char *text)
{
	bed_feed(bed, side, text, strlen(text));
}

// What went on after the envelope, for it and for a message after it.
static void play(const char *name, const char *message, const char *wanted, size_t cut)
{
	struct bed bed;
	char expected[2048];
	size_t n = strlen(message), begin;
	bed_inserts = true;
	bed_begin(&bed, &town.outside, NULL);
	say(&bed, ENGINE_SERVER, "220 x\r\n");
	say(&bed, ENGINE_CLIENT, "EHLO x\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	begin = bed.on[ENGINE_CLIENT].n;
	for (int i = 0; i < 2; i++) {
		say(&bed, ENGINE_CLIENT, "MAIL FROM:<a@other.example>\r\n");
		say(&bed, ENGINE_SERVER, "250 x\r\n");
		say(&bed, ENGINE_CLIENT, "RCPT TO:<b@city.example.jp>\r\n");
		say(&bed, ENGINE_SERVER, "250 x\r\n");
		say(&bed, ENGINE_CLIENT, "DATA\r\n");
		say(&bed, ENGINE_SERVER, "354 x\r\n");
		bed_feed(&bed, ENGINE_CLIENT, message, cut);
		bed_feed(&bed, ENGINE_CLIENT, message + cut, n - cut);
		say(&bed, ENGINE_CLIENT, ".\r\n");
		say(&bed, ENGINE_SERVER, "250 x\r\n");
	}
	const char *each = "MAIL FROM:<a@other.example>\r\nRCPT TO:<b@city.example.jp>\r\nDATA\r\n";
	snprintf(expected, sizeof(expected), "%s%s.\r\n%s%s.\r\n", each, wanted, each, wanted);
	if (strcmp((char *)bed.on[ENGINE_CLIENT].v + begin, expected) != 0)
		fail_msg("%s, cut at %zu: %s", name, cut, (char *)bed.on[ENGINE_CLIENT].v + begin);
	const char *word = strcmp(wanted, message) != 0 ? " habit-marked MAIL-11" : " passed";
	if (!strstr((char *)bed.records.v, word))
		fail_msg("%s: %s", name, (char *)bed.records.v);
	assert_false(bed.ended);
	bed_over(&bed);
	bed_done(&bed);
}

static void adds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *message = rows[i].message;
		const char *marked = rows[i].marked ? rows[i].marked : message;
		for (size_t cut = 0; cut <= strlen(message); cut++)
			play(rows[i].name, message, marked, cut);
	}
}

// In the packets of a connection nothing can be added: it is only recorded.
static void adds_nothing(void **state)
{
	struct bed bed;
	(void)state;
	bed_inserts = false;
	bed_begin(&bed, &town.outside, NULL);
	say(&bed, ENGINE_SERVER, "220 x\r\n");
	say(&bed, ENGINE_CLIENT, "EHLO x\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	say(&bed, ENGINE_CLIENT, "MAIL FROM:<a@other.example>\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	say(&bed, ENGINE_CLIENT, "RCPT TO:<b@city.example.jp>\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	say(&bed, ENGINE_CLIENT, "DATA\r\n");
	say(&bed, ENGINE_SERVER, "354 x\r\n");
	say(&bed, ENGINE_CLIENT, LIKE "\r\nbody\r\n.\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	assert_null(strstr((char *)bed.on[ENGINE_CLIENT].v, "X-Sekisho-Notice"));
	assert_non_null(strstr((char *)bed.records.v, " habit-recorded MAIL-11"));
	bed_over(&bed);
	bed_done(&bed);
}

// A byte over the cap stops the message whether or not a line was added.
static void counts_no_more(void **state)
{
	struct bed bed;
	const uint64_t max = town.sizes[1].max;
	(void)state;
	town.sizes[1].max = strlen(LIKE "\r\nbody\r\n");
	play("at the cap", LIKE "\r\nbody\r\n", LIKE NOTICE "\r\nbody\r\n", 3);
	bed_inserts = true;
	bed_begin(&bed, &town.outside, NULL);
	say(&bed, ENGINE_SERVER, "220 x\r\n");
	say(&bed, ENGINE_CLIENT, "EHLO x\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	say(&bed, ENGINE_CLIENT, "MAIL FROM:<a@other.example>\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	say(&bed, ENGINE_CLIENT, "RCPT TO:<b@city.example.jp>\r\n");
	say(&bed, ENGINE_SERVER, "250 x\r\n");
	say(&bed, ENGINE_CLIENT, "DATA\r\n");
	say(&bed, ENGINE_SERVER, "354 x\r\n");
	say(&bed, ENGINE_CLIENT, LIKE "\r\nbodys\r\n.\r\n");
	assert_true(bed.taken);
	assert_non_null(strstr((char *)bed.records.v, " size MAIL-03"));
	bed_over(&bed);
	bed_done(&bed);
	town.sizes[1].max = max;
}

static int load(void **state)
{
	(void)state;
	town_init(&town);
	town.profile.habits = &rule;
	town.profile.n_habits = 1;
	town.profile.sizes = NULL;
	town.profile.n_sizes = 0;
	return mime_load_charsets() < 0 || unpack_load() < 0 ? -1 : 0;
}

static int with_caps(void **state)
{
	(void)state;
	town.profile.sizes = town.sizes;
	town.profile.n_sizes = 3;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds),
		cmocka_unit_test(adds_nothing),
		cmocka_unit_test_setup(counts_no_more, with_caps),
	};
	return cmocka_run_group_tests(tests, load, NULL);
}
