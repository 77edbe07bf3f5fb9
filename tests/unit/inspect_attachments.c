// Sessions whose messages have attachments: what the client hears, what is recorded, and that the
// server never gets the end of a message that is refused.  Each is played as written, with every
// line cut at every byte, byte by byte, and with neighbouring lines as one.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/content.h"
#include "mime/mime.h"
#include "smtp_bed.h"
#include "smtp_profile.h"
#include "unpack/unpack.h"

enum {
	IN = 1,
	PROGRAMS = 2, // are refused
	SIZE = 4,     // over 8 bytes
	RECORD = 8,   // texts are recorded
	PARTIAL = 16, // are refused
	CAP = 32,     // of the message
};

static const char *const partial[] = { "message/partial" };

static const struct rule {
	unsigned with;
	struct profile_attachment rule;
} rules[] = {
	{ PROGRAMS,
	  { .kinds = UNPACK_EXECUTABLE | UNPACK_SCRIPT,
	    .action = PROFILE_REFUSE,
	    .clause = "第10条" } },
	{ SIZE, { .size_over = 8, .action = PROFILE_REFUSE, .clause = "" } },
	{ RECORD, { .kinds = UNPACK_TEXT, .action = PROFILE_RECORD, .clause = "" } },
	{ PARTIAL, { .types = partial, .n_types = 1, .action = PROFILE_REFUSE, .clause = "" } },
};
enum { N_RULES = sizeof(rules) / sizeof(rules[0]) };

#define HELLO                                                                                      \
	"S: 220 mx\n"                                                                              \
	"C: EHLO c\n"                                                                              \
	"S: 250-mx\n"                                                                              \
	"S: 250 SMTPUTF8\n"
#define FROM(parameters)                                                                           \
	"C: MAIL FROM:<a@b.example>" parameters "\n"                                               \
	"S: 250 ok\n"
#define TO(address)                                                                                \
	"C: RCPT TO:<" address ">\n"                                                               \
	"S: 250 ok\n"
#define BODY                                                                                       \
	"C: DATA\n"                                                                                \
	"S: 354 go on\n"
#define START HELLO FROM("") TO("b@city.example.jp") BODY
// A program that says that it is a picture.
#define PROGRAM                                                                                    \
	"C: Content-Type: image/png; name=\"a.png\"\n"                                             \
	"C: Content-Transfer-Encoding: base64\n"                                                   \
	"C: \n"                                                                                    \
	"C: f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAA\n"
#define NOTE                                                                                       \
	"C: Content-Type: text/x-note; name=n.txt\n"                                               \
	"C: \n"                                                                                    \
	"C: one\n"                                                                                 \
	"C: ..\n"
#define PROGRAM_REPLY                                                                              \
	"An attached file is a program or can start one; such files are not accepted here"

static const struct dialogue {
	const char *name;
	unsigned with;
	const char *script;
} dialogues[] = {
	{ "what no rule fits passes as it is, dots and all", PROGRAMS | SIZE,
	  START NOTE "C: .\n"
		     "S: 250 queued\n"
		     "M: passed 250 <a@b.example> b@city.example.jp=250 passed size=50\n"
		     "M: 0 n.txt text/x-note 8 text passed 0\n" },
	{ "without rules nothing is looked at", 0,
	  START PROGRAM "C: .\n"
			"S: 250 queued\n"
			"M: passed 250 <a@b.example> b@city.example.jp=250 passed size=110\n" },
	{ "a program under another name", PROGRAMS,
	  START PROGRAM
	  "C: .\n"
	  "R: 550 5.7.1 " PROGRAM_REPLY "\n"
	  "end\n"
	  "M: refused 550 <a@b.example> b@city.example.jp=250 attachment-program MAIL-11 size=110\n"
	  "M: 0 a.png image/png 24 executable image misleading refused 1 755831c6\n"
	  "M: clause 第10条\n" },
	{ "to a client that takes UTF-8 the reply is of two lines", PROGRAMS,
	  HELLO FROM(" SMTPUTF8") TO("b@city.example.jp") BODY PROGRAM
	  "C: .\n"
	  "R: 550-5.7.1 " PROGRAM_REPLY "\n"
	  "R: 550 5.7.1 "
	  "添付ファイルにプログラム（実行できるもの）があるため、受け付けられません。\n"
	  "end\n"
	  "M: refused 550 <a@b.example> b@city.example.jp=250 attachment-program MAIL-11 size=110\n"
	  "M: 0 a.png image/png 24 executable image misleading refused 1 755831c6\n"
	  "M: clause 第10条\n" },
	{ "going out it is another control's matter", PROGRAMS | IN,
	  HELLO FROM("") TO("x@example.net") BODY PROGRAM
	  "C: .\n"
	  "R: 550 5.7.1 " PROGRAM_REPLY "\n"
	  "end\n"
	  "M: refused 550 <a@b.example> x@example.net=250 attachment-program MAIL-05 size=110\n"
	  "M: 0 a.png image/png 24 executable image misleading refused 1 755831c6\n"
	  "M: clause 第10条\n" },
	{ "stopped in mid-message, the rest is swallowed", SIZE,
	  START NOTE "C: two\n"
		     "C: three\n"
		     "C: .\n"
		     "R: 552 5.3.4 An attached file is larger than the limit\n"
		     "end\n"
		     "M: refused 552 <a@b.example> b@city.example.jp=250 attachment-size MAIL-03 "
		     "size=62\n"
		     "M: 0 n.txt text/x-note 20 text refused 1 e2dc9e18\n" },
	{ "no sum of a file whose rest is no message", SIZE,
	  START NOTE "C: two\n"
		     "C: x\\ny\n"
		     "C: .\n"
		     "R: 552 5.3.4 An attached file is larger than the limit\n"
		     "end\n"
		     "M: refused 552 <a@b.example> b@city.example.jp=250 attachment-size MAIL-03 "
		     "size=60\n"
		     "M: 0 n.txt text/x-note 9 text refused 1\n" },
	{ "what the client sent behind the end goes nowhere", PROGRAMS,
	  START PROGRAM
	  "C: .\n"
	  "C: QUIT\n"
	  "R: 550 5.7.1 " PROGRAM_REPLY "\n"
	  "end\n"
	  "M: refused 550 <a@b.example> b@city.example.jp=250 attachment-program MAIL-11 size=110\n"
	  "M: 0 a.png image/png 24 executable image misleading refused 1 755831c6\n"
	  "M: clause 第10条\n" },
	{ "a message, and another that is refused", PROGRAMS,
	  START NOTE "C: .\n"
		     "S: 250 queued\n" FROM("") TO("b@city.example.jp") BODY PROGRAM
	  "C: .\n"
	  "R: 550 5.7.1 " PROGRAM_REPLY "\n"
	  "end\n"
	  "M: passed 250 <a@b.example> b@city.example.jp=250 passed size=50\n"
	  "M: 0 n.txt text/x-note 8 text passed 0\n"
	  "M: refused 550 <a@b.example> b@city.example.jp=250 attachment-program "
	  "MAIL-11 size=110\n"
	  "M: 0 a.png image/png 24 executable image misleading refused 1 755831c6\n"
	  "M: clause 第10条\n" },
	{ "recorded", RECORD,
	  START NOTE
	  "C: .\n"
	  "S: 250 queued\n"
	  "M: passed 250 <a@b.example> b@city.example.jp=250 attachment-recorded MAIL-11 "
	  "size=50\n"
	  "M: 0 n.txt text/x-note 8 text recorded 1\n" },
	{ "what the server refuses has its files recorded", PROGRAMS,
	  START NOTE "C: .\n"
		     "S: 554 5.7.1 no\n"
		     "M: rejected 554 <a@b.example> b@city.example.jp=250 rejected size=50\n"
		     "M: 0 n.txt text/x-note 8 text passed 0\n" },
	{ "refused with its header", PARTIAL,
	  START "C: Content-Type: message/partial; number=1; total=2; id=x\n"
		"C: \n"
		"C: f0VM\n"
		"C: .\n"
		"R: 550 5.7.1 An attached file has a media type that is not accepted here\n"
		"end\n"
		"M: refused 550 <a@b.example> b@city.example.jp=250 attachment-type MAIL-11 "
		"size=64\n"
		"M: 0  message/partial 0 refused 1\n" },
	{ "broken off", PROGRAMS,
	  START NOTE "Kc\n"
		     "M: broken-off 0 <a@b.example> b@city.example.jp=250 broken-off size=50\n"
		     "M: 0 n.txt text/x-note 0 passed 0\n" },
	{ "the cap of a message comes first where it is reached first", PROGRAMS | CAP,
	  START PROGRAM
	  "C: .\n"
	  "R: 552 5.3.4 Message size exceeds the limit\n"
	  "end\n"
	  "M: refused 552 <a@b.example> b@city.example.jp=250 size MAIL-03 size=110\n" },
};

static void write_record(void *arg, const struct mail_record *record)
{
	struct bed *bed = arg;
	char text[512];
	bed_record(bed, record);
	for (size_t i = 0; i < record->n_files; i++) {
		const struct mail_file *file = &record->files[i];
		snprintf(text, sizeof(text), "%u %s %s %llu %s%s%s %u", file->depth, file->name,
			 file->type, (unsigned long long)file->size, file->found,
			 *file->found ? " " : "", mail_file_action_word(file->action), file->rule);
		bed_add(&bed->records, text, strlen(text));
		snprintf(text, sizeof(text), " %02x%02x%02x%02x", file->sha256[0], file->sha256[1],
			 file->sha256[2], file->sha256[3]);
		if (file->action == MAIL_FILE_REFUSED && file->has_sha256)
			bed_add(&bed->records, text, strlen(text));
		strcpy(text, "\n");
		bed_add(&bed->records, text, strlen(text));
	}
	if (strcmp(record->clause, "21-1") != 0) {
		snprintf(text, sizeof(text), "clause %s\n", record->clause);
		bed_add(&bed->records, text, strlen(text));
	}
}

struct stage {
	struct town town;
	struct engine_peer peer;
	struct profile_attachment rules[N_RULES];
	struct content_budget budget;
	struct bed bed;
};

static void set_up(struct stage *stage, unsigned with)
{
	struct profile *profile = &stage->town.profile;
	memset(stage, 0, sizeof(*stage));
	town_init(&stage->town);
	stage->peer = with & IN ? stage->town.inside : stage->town.outside;
	for (size_t i = 0; i < N_RULES; i++)
		if (with & rules[i].with)
			stage->rules[profile->n_attachments++] = rules[i].rule;
	profile->attachments = stage->rules;
	if (with & CAP) {
		profile->sizes = stage->town.sizes;
		profile->n_sizes = 3;
	}
	stage->budget.most = CONTENT_BUDGET_BYTES;
	const struct engine_host host = { .order = bed_order,
					  .record = write_record,
					  .arg = &stage->bed,
					  .budget = &stage->budget };
	bed_begin(&stage->bed, &stage->peer, NULL);
	engine_free(stage->bed.engine, 0);
	stage->bed.records.n = 0;
	bed_must(engine_new(&stage->peer, &host, NULL, stage->bed.now_us, &stage->bed.engine) == 0);
}

static void tear_down(struct stage *stage)
{
	bed_done(&stage->bed);
	assert_int_equal(stage->budget.used, 0);
}

static bool same(const struct bed_bytes *a, const struct bed_bytes *b)
{
	return a->n == b->n && memcmp(a->v, b->v, a->n) == 0;
}

// What went to the server is the beginning of what the client said, and without the end of a
// message that was refused.
static bool went_on(const struct bed_script *script, const struct bed_bytes *on)
{
	const struct bed_bytes *said = &script->on[ENGINE_CLIENT];
	static const char *const answers[] = { "250 queued\r\n", "554 5.7.1 no\r\n" };
	size_t ends = 0, wanted = 0;
	if (!script->ended && !same(said, on))
		return false;
	if (on->n > said->n || memcmp(said->v, on->v, on->n) != 0)
		return false;
	for (size_t i = 0; i + 5 <= on->n; i++)
		ends += memcmp(on->v + i, "\r\n.\r\n", 5) == 0;
	for (size_t i = 0; i < 2; i++)
		for (const char *at = (const char *)script->on[ENGINE_SERVER].v;
		     (at = strstr(at, answers[i])); at++)
			wanted++;
	return ends == wanted;
}

static void check_once(const struct dialogue *row, const struct bed_script *script, size_t step,
		       size_t cut)
{
	static struct stage stage;
	struct bed *bed = &stage.bed;
	set_up(&stage, row->with);
	bed_play(bed, script, step, cut);
	bed_over(bed);
	if (!went_on(script, &bed->on[0]) || !same(&bed->on[1], &script->on[1]) ||
	    !same(&bed->records, &script->records) || bed->ended != script->ended)
		fail_msg("%s, step %zu cut at %zu: ended %d; to the server:\n%sto the client:\n%s"
			 "records:\n%swanted:\n%s",
			 row->name, step, cut, bed->ended, bed->on[0].v, bed->on[1].v,
			 bed->records.v, script->records.v);
	tear_down(&stage);
}

static void play(void **state)
{
	const struct dialogue *row = *state;
	struct bed_script script;
	bed_script_read(&script, row->script);
	check_once(row, &script, SIZE_MAX, 1);
	check_once(row, &script, SIZE_MAX, 0);
	check_once(row, &script, SIZE_MAX, SIZE_MAX);
	for (size_t step = 0; step < script.n; step++)
		for (size_t cut = 1; cut < script.steps[step].bytes.n; cut++)
			check_once(row, &script, step, cut);
	bed_script_done(&script);
}

static void say(struct stage *stage, enum engine_side side, const char *text)
{
	bed_feed(&stage->bed, side, text, strlen(text));
}

// What is kept of a message counts as the engine's memory, and is given back with its end.
static void memory(void **state)
{
	static struct stage stage;
	char line[1024];
	(void)state;
	set_up(&stage, PROGRAMS);
	say(&stage, ENGINE_SERVER, "220 mx\r\n");
	say(&stage, ENGINE_CLIENT, "HELO c\r\n");
	say(&stage, ENGINE_SERVER, "250 mx\r\n");
	say(&stage, ENGINE_CLIENT, "MAIL FROM:<>\r\n");
	say(&stage, ENGINE_SERVER, "250 ok\r\n");
	say(&stage, ENGINE_CLIENT, "RCPT TO:<b@city.example.jp>\r\n");
	say(&stage, ENGINE_SERVER, "250 ok\r\n");
	say(&stage, ENGINE_CLIENT, "DATA\r\n");
	size_t before = engine_memory(stage.bed.engine);
	assert_true(before < 2048);
	say(&stage, ENGINE_SERVER, "354 go\r\n");
	say(&stage, ENGINE_CLIENT, "Content-Type: application/zip; name=a.zip\r\n\r\nPK\3\4");
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (int i = 0; i < 2000; i++)
		bed_feed(&stage.bed, ENGINE_CLIENT, line, sizeof(line));
	assert_true(stage.budget.used >= 2000 * sizeof(line));
	size_t kept = engine_memory(stage.bed.engine);
	assert_true(kept > stage.budget.used);
	assert_true(kept - stage.budget.used < 256 * 1024);
	say(&stage, ENGINE_CLIENT, ".\r\n");
	assert_int_equal(stage.budget.used, 0);
	assert_true(engine_memory(stage.bed.engine) < 8192);
	say(&stage, ENGINE_SERVER, "250 ok\r\n");
	assert_true(engine_memory(stage.bed.engine) <= before);
	bed_over(&stage.bed);
	tear_down(&stage);
}

static int load(void **state)
{
	(void)state;
	return mime_load_charsets() < 0 || unpack_load() < 0 ? -1 : 0;
}

static int unload(void **state)
{
	(void)state;
	unpack_unload();
	return 0;
}

enum { N_DIALOGUES = sizeof(dialogues) / sizeof(dialogues[0]) };

int main(void)
{
	static struct CMUnitTest tests[N_DIALOGUES + 1];
	for (size_t i = 0; i < N_DIALOGUES; i++)
		tests[i] = (struct CMUnitTest){
			.name = dialogues[i].name,
			.test_func = play,
			.initial_state = (void *)(uintptr_t)&dialogues[i],
		};
	tests[N_DIALOGUES] = (struct CMUnitTest)cmocka_unit_test(memory);
	return cmocka_run_group_tests(tests, load, unload);
}
