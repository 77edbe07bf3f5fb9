// What is in a message, by the rules: every rule kind, what is recorded, and the same however the
// message is cut.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "content_feeder.h"
#include "content_files.h"
#include "inspect/content.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

enum { OWN = 1, OTHER = 2, LAB = 4 }; // recipients

static const char *const lab[] = { "lab@city.example.jp" };
static const char *const exe_names[] = { "*.exe", "*.scr" };
static const char *const pdf_names[] = { "*.pdf" };
static const char *const video_types[] = { "video/*", "application/x-odd" };
static const struct addr_range friends = { ADDR_V4, 0xc0000200, 0xc00002ff };
static const struct profile_addrs friendly = { &friends, 1 };

#define PROGRAMS .kinds = UNPACK_EXECUTABLE | UNPACK_SCRIPT

#define PROGRAM                                                                                    \
	{                                                                                          \
		"text/plain", "filename=notes.txt", SAMPLE_PROGRAM                                 \
	}
#define PDF                                                                                        \
	{                                                                                          \
		"application/pdf", "filename=\"a b.PDF\"", SAMPLE_PDF                              \
	}

static const struct row {
	const char *name;
	struct profile_attachment rules[4];
	struct attached files[4];
	unsigned to;	    // 0: OWN
	const char *reason; // NULL: it passes
	const char *record; // of each file: depth, name, action and rule
} rows[] = {
	{ "a program by content, under a harmless name",
	  { REFUSE(PROGRAMS) },
	  { PROGRAM },
	  OWN,
	  "attachment-program",
	  "0 notes.txt refused 1" },
	{ "no rule fits", { REFUSE(PROGRAMS) }, { PDF }, OWN, NULL, "0 a b.PDF passed 0" },
	{ "a program in a zip",
	  { REFUSE(PROGRAMS) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP_PROGRAM } },
	  OWN,
	  "attachment-program",
	  "0 a.zip passed 0, 1 in/run.bin refused 1" },
	{ "a program in a zip in a zip in a zip",
	  { REFUSE(PROGRAMS) },
	  { { "application/zip", "filename=d.zip", SAMPLE_ZIP_3 } },
	  OWN,
	  "attachment-program",
	  "0 d.zip passed 0, 1 c.zip passed 0, 2 b.zip passed 0, 3 in/run.bin refused 1" },
	{ "a name in a zip",
	  { REFUSE(.names = (const char *[]){ "run.*" }, .n_names = 1) },
	  { { "application/zip", "filename=d.zip", SAMPLE_ZIP_3 } },
	  OWN,
	  "attachment-name",
	  "0 d.zip passed 0, 1 c.zip passed 0, 2 b.zip passed 0, 3 in/run.bin refused 1" },
	{ "a zip whose entries are harmless",
	  { REFUSE(PROGRAMS) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP } },
	  OWN,
	  NULL,
	  "0 a.zip passed 0, 1 note.txt passed 0" },
	{ "macros",
	  { REFUSE(.kinds = UNPACK_MACRO) },
	  { { "application/octet-stream", "filename=a.docm", SAMPLE_DOCM } },
	  OWN,
	  "attachment-macro",
	  NULL },
	{ "a drawing that is a page, far behind its beginning",
	  { REFUSE(.kinds = UNPACK_HTML) },
	  { { "image/svg+xml", "filename=a.svg", SAMPLE_SVG } },
	  OWN,
	  "attachment-kind",
	  "0 a.svg refused 1" },
	{ "a script without a name, by its type",
	  { REFUSE(PROGRAMS) },
	  { { "application/hta", NULL, SAMPLE_NOTE } },
	  OWN,
	  "attachment-program",
	  NULL },
	{ "a password",
	  { REFUSE(.kinds = UNPACK_ENCRYPTED) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP_LOCKED } },
	  OWN,
	  "attachment-encrypted",
	  NULL },
	{ "two extensions",
	  { REFUSE(.kinds = UNPACK_MISLEADING) },
	  { { "image/jpeg", "filename=photo.jpg.exe", SAMPLE_PROGRAM } },
	  OWN,
	  "attachment-misleading",
	  "0 photo.jpg.exe refused 1" },
	{ "a name written from right to left",
	  { REFUSE(.kinds = UNPACK_MISLEADING) },
	  { { "image/jpeg", "filename*=utf-8''photo%E2%80%AEgpj.exe", SAMPLE_PROGRAM } },
	  OWN,
	  "attachment-misleading",
	  "0 photo<U+202E>gpj.exe refused 1" },
	{ "an archive that breaks off",
	  { REFUSE(.unread = true) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP_BROKEN } },
	  OWN,
	  "attachment-unread",
	  NULL },
	{ "a name, in whatever case",
	  { REFUSE(.names = exe_names, .n_names = 2) },
	  { { "application/octet-stream", "filename=SETUP.EXE", SAMPLE_NOTE } },
	  OWN,
	  "attachment-name",
	  "0 SETUP.EXE refused 1" },
	{ "a name with dots and blanks at its end",
	  { REFUSE(.names = exe_names, .n_names = 2) },
	  { { "application/octet-stream", "filename=\"a.exe. .\"", SAMPLE_NOTE } },
	  OWN,
	  "attachment-name",
	  "0 a.exe refused 1" },
	{ "a name of one reading only",
	  { REFUSE(.names = exe_names, .n_names = 2) },
	  { { "application/octet-stream; name=b.txt", "filename=a.exe", SAMPLE_NOTE } },
	  OWN,
	  "attachment-name",
	  NULL },
	{ "a rule that allows one of two names",
	  { ALLOW(.names = pdf_names, .n_names = 1), REFUSE(.names = exe_names, .n_names = 2) },
	  { { "application/octet-stream; name=a.exe", "filename=b.pdf", SAMPLE_NOTE } },
	  OWN,
	  "attachment-name",
	  "0 b.pdf refused 2" },
	{ "a rule that allows both",
	  { ALLOW(.names = pdf_names, .n_names = 1), REFUSE() },
	  { { "application/pdf; name=a.pdf", "filename=b.pdf", SAMPLE_NOTE } },
	  OWN,
	  NULL,
	  "0 b.pdf allowed 1" },
	{ "a name that only ends alike",
	  { REFUSE(.names = exe_names, .n_names = 2) },
	  { { "application/octet-stream", "filename=a.exe.txt", SAMPLE_NOTE } },
	  OWN,
	  NULL,
	  "0 a.exe.txt passed 0" },
	{ "a type",
	  { REFUSE(.types = video_types, .n_types = 2) },
	  { { "VIDEO/mp4", "filename=a.mp4", SAMPLE_NOTE } },
	  OWN,
	  "attachment-type",
	  "0 a.mp4 refused 1" },
	{ "larger than a file may be",
	  { REFUSE(.size_over = 8999) },
	  { PROGRAM },
	  OWN,
	  "attachment-size",
	  "0 notes.txt refused 1" },
	{ "as large as a file may be",
	  { REFUSE(.size_over = 9000) },
	  { PROGRAM },
	  OWN,
	  NULL,
	  "0 notes.txt passed 0" },
	{ "larger than an entry may be",
	  { REFUSE(.size_over = 8999) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP_PROGRAM } },
	  OWN,
	  "attachment-size",
	  NULL },
	{ "all together too large",
	  { REFUSE(.total_over = 9299) },
	  { PROGRAM, { "text/plain", "filename=b.txt", SAMPLE_NOTE } },
	  OWN,
	  "attachment-total",
	  "0 notes.txt passed 0, 0 b.txt refused 1" },
	{ "all together as large as may be",
	  { REFUSE(.total_over = 9300) },
	  { PROGRAM, { "text/plain", "filename=b.txt", SAMPLE_NOTE } },
	  OWN,
	  NULL,
	  "0 notes.txt passed 0, 0 b.txt passed 0" },
	{ "the sum grows with a file that is allowed",
	  { ALLOW(.names = pdf_names, .n_names = 1), REFUSE(.total_over = 9050) },
	  { PROGRAM, PDF },
	  OWN,
	  "attachment-total",
	  "0 notes.txt passed 0, 0 a b.PDF refused 2" },
	{ "one file too many",
	  { REFUSE(.number_over = 1) },
	  { PDF, PDF },
	  OWN,
	  "attachment-number",
	  "0 a b.PDF passed 0, 0 a b.PDF refused 1" },
	{ "as many files as may be",
	  { REFUSE(.number_over = 2) },
	  { PDF, PDF },
	  OWN,
	  NULL,
	  "0 a b.PDF passed 0, 0 a b.PDF passed 0" },
	{ "none at all", { REFUSE() }, { PDF }, OWN, "attachment-any", "0 a b.PDF refused 1" },
	{ "a text is no attachment",
	  { REFUSE() },
	  { { NULL, NULL, SAMPLE_EMPTY } },
	  OWN,
	  NULL,
	  "" },
	{ "a program as a text without a name",
	  { REFUSE(PROGRAMS) },
	  { { "text/plain", NULL, SAMPLE_PROGRAM } },
	  OWN,
	  "attachment-program",
	  NULL },
	{ "the first that fits decides",
	  { ALLOW(.names = pdf_names, .n_names = 1), REFUSE() },
	  { PDF },
	  OWN,
	  NULL,
	  "0 a b.PDF allowed 1" },
	{ "an allowed file does not let another pass",
	  { ALLOW(.names = pdf_names, .n_names = 1), REFUSE() },
	  { PDF, { "text/plain", "filename=b.txt", SAMPLE_NOTE } },
	  OWN,
	  "attachment-any",
	  "0 a b.PDF allowed 1, 0 b.txt refused 2" },
	{ "nor what lies in it",
	  { ALLOW(.kinds = UNPACK_ARCHIVE), REFUSE(PROGRAMS) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP_PROGRAM } },
	  OWN,
	  "attachment-program",
	  "0 a.zip passed 0, 1 in/run.bin refused 2" },
	{ "what passes as a PDF is nothing worse",
	  { ALLOW(.kinds = UNPACK_PDF), REFUSE(PROGRAMS) },
	  { { "application/pdf", "filename=a.pdf", SAMPLE_PROGRAM } },
	  OWN,
	  "attachment-program",
	  "0 a.pdf refused 2" },
	{ "a PDF does",
	  { ALLOW(.kinds = UNPACK_PDF), REFUSE() },
	  { PDF },
	  OWN,
	  NULL,
	  "0 a b.PDF allowed 1" },
	{ "recorded",
	  { RULE(.action = PROFILE_RECORD, .kinds = UNPACK_PDF) },
	  { PDF },
	  OWN,
	  NULL,
	  "0 a b.PDF recorded 1" },
	{ "only what goes out",
	  { REFUSE(.whose.only_out = true) },
	  { PDF },
	  OWN,
	  NULL,
	  "0 a b.PDF passed 0" },
	{ "which this does",
	  { REFUSE(.whose.only_out = true) },
	  { PDF },
	  OTHER,
	  "attachment-any",
	  "0 a b.PDF refused 1" },
	{ "and so does this, among others",
	  { REFUSE(.whose.only_out = true) },
	  { PDF },
	  OWN | OTHER,
	  "attachment-any",
	  "0 a b.PDF refused 1" },
	{ "only what comes in",
	  { REFUSE(.whose.only_in = true) },
	  { PDF },
	  OTHER,
	  NULL,
	  "0 a b.PDF passed 0" },
	{ "to a recipient",
	  { ALLOW(.whose.recipients = lab, .whose.n_recipients = 1), REFUSE(PROGRAMS) },
	  { PROGRAM },
	  LAB,
	  NULL,
	  "0 notes.txt allowed 1" },
	{ "to him and to another",
	  { ALLOW(.whose.recipients = lab, .whose.n_recipients = 1), REFUSE(PROGRAMS) },
	  { PROGRAM },
	  LAB | OWN,
	  "attachment-program",
	  "0 notes.txt refused 2" },
	{ "from a client",
	  { ALLOW(.whose.clients = &friendly), REFUSE(PROGRAMS) },
	  { PROGRAM },
	  OWN,
	  NULL,
	  "0 notes.txt allowed 1" },
	{ "any of what a rule has of kinds, doubts and what is unread",
	  { REFUSE(.kinds = UNPACK_MACRO, .doubts = 1u << MIME_PARTIAL, .unread = true) },
	  { { "application/zip", "filename=a.zip", SAMPLE_ZIP_BROKEN } },
	  OWN,
	  "attachment-unread",
	  NULL },
	{ "a name that could be two",
	  { REFUSE(.doubts = 1u << MIME_NAME) },
	  { { "application/octet-stream; name=b.txt", "filename=a.exe", SAMPLE_NOTE } },
	  OWN,
	  "attachment-undecodable",
	  NULL },
};

static void equip(const struct row *row, struct profile *profile, struct audience *audience)
{
	static const struct {
		unsigned bit;
		bool own;
		const char *address;
	} people[] = {
		{ OWN, true, "b@city.example.jp" },
		{ OTHER, false, "x@example.net" },
		{ LAB, true, "lab@city.example.jp" },
	};
	*profile = (struct profile){ .attachments = row->rules };
	while (profile->n_attachments < 4 && row->rules[profile->n_attachments].clause)
		profile->n_attachments++;
	*audience = (struct audience){ 0 };
	for (size_t i = 0; i < 3; i++) {
		int set =
			audience_add(audience, profile, &client, people[i].own, people[i].address);
		assert_true(set >= 0);
		if (row->to & people[i].bit)
			audience->taken |= UINT64_C(1) << set;
	}
}

static void write_files(struct content *content, char *out, size_t size)
{
	const struct mail_file *files;
	size_t n = content_files(content, &files), used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < n && i < MAIL_FILES_KEPT && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%u %s %s %u", i ? ", " : "",
					 files[i].depth, files[i].name,
					 mail_file_action_word(files[i].action), files[i].rule);
}

// The message in pieces of `step` bytes from `first` on.
static void check(const struct row *row, const struct blob *message, size_t first, size_t step)
{
	char record[2048];
	struct profile profile;
	struct audience audience;
	struct content *content;
	struct content_budget budget = { .most = CONTENT_BUDGET_BYTES };
	enum smtp_reason reason = SMTP_REASON_NONE;
	equip(row, &profile, &audience);
	assert_int_equal(content_new(&profile, &audience, NULL, &budget, &content), 0);
	for (size_t at = 0; at < message->n;) {
		size_t n = at ? step : first;
		n = n < message->n - at ? n : message->n - at;
		uint8_t *copy = malloc(n);
		memcpy(copy, message->v + at, n);
		reason = content_feed(content, copy, n);
		free(copy);
		at += n;
		assert_true(content_memory(content) < 400 * 1024);
	}
	reason = content_end(content);
	const char *word = smtp_reason_row(reason)->word;
	write_files(content, record, sizeof(record));
	if (strcmp(word, row->reason ? row->reason : "none") != 0 ||
	    (row->record && strcmp(record, row->record) != 0))
		fail_msg("%s, cut at %zu by %zu: %s, recorded: %s", row->name, first, step, word,
			 record);
	content_free(content);
	audience_free(&audience);
	assert_int_equal(budget.used, 0);
}

static void judged(void **state)
{
	const struct row *row = *state;
	size_t n = 0;
	while (n < 4 && row->files[n].type)
		n++;
	struct blob message = message_make(row->files, n);
	check(row, &message, message.n, 1);
	check(row, &message, 1, 1);
	for (size_t at = 1; at < message.n; at += 1 + at % 13)
		check(row, &message, at, message.n);
	for (size_t step = 2; step < 5000; step = step * 2 + 1)
		check(row, &message, step, step);
	blob_done(&message);
}

// A program is stopped with its first bytes, long before its end; a name, with its header.
static void in_mid_message(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(PROGRAMS),
						    REFUSE(.names = exe_names, .n_names = 2) };
	struct blob file = sample_make(SAMPLE_PROGRAM), text = { 0 };
	struct feeder feeder;
	(void)state;
	blob_base64(&text, &file);
	begin(&feeder, rules, 1);
	assert_int_equal(feed(&feeder, "Content-Type: image/png\r\n"
				       "Content-Transfer-Encoding: base64\r\n\r\n"),
			 SMTP_REASON_NONE);
	text.n = 5000;
	assert_int_equal(feed_blob(&feeder, &text), SMTP_REASON_NONE);
	assert_int_equal(feed_blob(&feeder, &text), SMTP_ATTACHMENT_PROGRAM);
	over(&feeder);
	begin(&feeder, rules + 1, 1);
	assert_int_equal(feed(&feeder, "Content-Disposition: attachment; filename=a.exe\r\n\r\nx"),
			 SMTP_ATTACHMENT_NAME);
	over(&feeder);
	blob_done(&file);
	blob_done(&text);
}

// An earlier rule that may yet let it pass is waited for.
static void waits_for_an_earlier_rule(void **state)
{
	const struct profile_attachment rules[] = { ALLOW(.kinds = UNPACK_PDF),
						    REFUSE(.names = pdf_names, .n_names = 1) };
	struct feeder feeder;
	(void)state;
	begin(&feeder, rules, 2);
	assert_int_equal(feed(&feeder, "Content-Type: application/pdf; name=a.pdf\r\n\r\n"),
			 SMTP_REASON_NONE);
	assert_int_equal(feed(&feeder, "#!/bin/sh\r\necho no such thing\r\n"), SMTP_REASON_NONE);
	assert_int_equal(content_end(feeder.content), SMTP_ATTACHMENT_NAME);
	over(&feeder);
}

// Nobody took the message, or nobody is known: as strict as for anybody.
static void without_recipients(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(.whose.only_out = true, PROGRAMS) };
	struct blob message = message_make(&(struct attached)PROGRAM, 1);
	struct feeder feeder;
	(void)state;
	begin(&feeder, rules, 1);
	feeder.audience.taken = 0;
	assert_int_equal(feed_blob(&feeder, &message), SMTP_ATTACHMENT_PROGRAM);
	over(&feeder);
	blob_done(&message);
}

static void hash_and_size(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(PROGRAMS) };
	static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	static const uint8_t empty[] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14 };
	const struct mail_file *files;
	struct feeder feeder;
	(void)state;
	begin(&feeder, rules, 1);
	feed(&feeder, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		      "Content-Type: text/plain; name=abc\r\n\r\nabc\r\n--b\r\n"
		      "Content-Type: text/plain; name=none\r\n\r\n\r\n--b--\r\n");
	assert_int_equal(content_end(feeder.content), SMTP_REASON_NONE);
	assert_int_equal(content_files(feeder.content, &files), 2);
	assert_true(files[0].has_sha256 && files[1].has_sha256);
	assert_memory_equal(files[0].sha256, abc, sizeof(abc));
	assert_memory_equal(files[1].sha256, empty, sizeof(empty));
	assert_int_equal(files[0].size, 3);
	assert_int_equal(files[1].size, 0);
	assert_string_equal(files[0].type, "text/plain");
	assert_int_equal(files[0].part, 1);
	over(&feeder);
}

// Sloppy base64 that some clients read on behind its padding: both readings are judged.
static void two_readings(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(PROGRAMS) };
	struct blob note = sample_make(SAMPLE_EMPTY), hidden = sample_make(SAMPLE_PROGRAM);
	struct blob message = { 0 };
	struct feeder feeder;
	(void)state;
	blob_text(&message, "Content-Type: application/x-data; name=x\r\n"
			    "Content-Transfer-Encoding: base64\r\n\r\n=\r\n");
	blob_base64(&message, &hidden);
	begin(&feeder, rules, 1);
	feed_blob(&feeder, &message);
	assert_int_equal(content_end(feeder.content), SMTP_ATTACHMENT_PROGRAM);
	over(&feeder);
	blob_done(&message);
	blob_done(&note);
	blob_done(&hidden);
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool fits;
	} tries[] = {
		{ "*.exe", "a.EXE", true },
		{ "*.exe", ".exe", true },
		{ "*.exe", "exe", false },
		{ "*.exe", "a.exe.txt", false },
		{ "?.txt", "表.txt", true },
		{ "??.txt", "表.txt", false },
		{ "a*b*c", "aXbXbXc", true },
		{ "a*b*c", "aXcXb", false },
		{ "*", "", true },
		{ "", "", true },
		{ "?", "", false },
		{ "*請求*", "【至急】請求書.xlsx", true },
		{ "*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (content_name_fits(tries[i].pattern, tries[i].name) != tries[i].fits)
			fail_msg("%s, %s", tries[i].pattern, tries[i].name);
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

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(in_mid_message),     cmocka_unit_test(waits_for_an_earlier_rule),
		cmocka_unit_test(without_recipients), cmocka_unit_test(hash_and_size),
		cmocka_unit_test(two_readings),	      cmocka_unit_test(patterns),
	};
	enum { N_OTHERS = sizeof(others) / sizeof(others[0]) };
	static struct CMUnitTest tests[N_ROWS + N_OTHERS];
	for (size_t i = 0; i < N_ROWS; i++)
		tests[i] = (struct CMUnitTest){
			.name = rows[i].name,
			.test_func = judged,
			.initial_state = (void *)(uintptr_t)&rows[i],
		};
	memcpy(tests + N_ROWS, others, sizeof(others));
	return cmocka_run_group_tests(tests, load, unload);
}
