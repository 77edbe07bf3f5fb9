// What is bounded of a message that is judged: memory, archives, files, rules, recipients.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <cmocka.h>

#include "content_feeder.h"
#include "content_files.h"
#include "inspect/content.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

static const char *const exe_names[] = { "*.exe", "*.scr" };

static void archive_of(struct feeder *feeder, size_t size)
{
	static const char head[] = "Content-Type: application/zip; name=a.zip\r\n\r\nPK\3\4";
	char line[1024];
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	assert_int_equal(feed(feeder, head), SMTP_REASON_NONE);
	for (size_t n = 0; n < size; n += sizeof(line))
		if (content_feed(feeder->content, (const uint8_t *)line, sizeof(line)) !=
		    SMTP_REASON_NONE)
			return;
}

// An archive beyond the message's budget is unread; beyond that of all, the message is to come
// again.
static void budgets(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(.unread = true) };
	const struct mail_file *files;
	struct feeder feeder;
	(void)state;
	begin(&feeder, rules, 1);
	archive_of(&feeder, CONTENT_KEPT_MAX - 4096);
	assert_true(feeder.budget.used > CONTENT_KEPT_MAX / 2);
	assert_true(content_memory(feeder.content) >= feeder.budget.used);
	assert_true(content_memory(feeder.content) <= feeder.budget.used + 256 * 1024);
	over(&feeder);
	begin(&feeder, rules, 1);
	archive_of(&feeder, CONTENT_KEPT_MAX + 4096);
	assert_int_equal(feeder.budget.used, 0);
	assert_int_equal(content_end(feeder.content), SMTP_ATTACHMENT_UNREAD);
	assert_int_equal(content_files(feeder.content, &files), 1);
	assert_non_null(strstr(files[0].found, "unread budget"));
	over(&feeder);
	begin(&feeder, rules, 1);
	feeder.budget = (struct content_budget){ 100000, 200000 };
	archive_of(&feeder, 150000);
	assert_int_equal(content_end(feeder.content), SMTP_ATTACHMENT_BUSY);
	assert_int_equal(feeder.budget.used, 100000);
	feeder.budget.used = 0;
	over(&feeder);
}

// Of all archives of a message together so many entries are looked at.
static void many_archives(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(.unread = true) };
	const struct mail_file *files;
	struct zip_file zip = { 0 };
	struct blob message = { 0 }, text = { 0 };
	struct feeder feeder;
	(void)state;
	for (int i = 0; i < CONTENT_UNPACK_ENTRIES * 3 / 4; i++) {
		struct blob entry = { 0 };
		char name[16];
		blob_text(&entry, "text\n");
		snprintf(name, sizeof(name), "%d.txt", i);
		zip_add(&zip, name, entry, false);
	}
	struct blob archive = zip_end(&zip);
	blob_base64(&text, &archive);
	blob_text(&message, "Content-Type: multipart/mixed; boundary=b\r\n");
	for (int i = 0; i < 2; i++) {
		blob_text(&message, "\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\n"
				    "Content-Transfer-Encoding: base64\r\n\r\n");
		blob_add(&message, text.v, text.n);
		begin(&feeder, rules, 1);
		feed_blob(&feeder, &message);
		feed(&feeder, "--b--\r\n");
		assert_int_equal(content_end(feeder.content),
				 i ? SMTP_ATTACHMENT_UNREAD : SMTP_REASON_NONE);
		assert_true(content_files(feeder.content, &files) > MAIL_FILES_KEPT);
		over(&feeder);
	}
	blob_done(&archive);
	blob_done(&text);
	blob_done(&message);
}

static void put_part(struct blob *message, unsigned i, const char *ending)
{
	char text[200];
	snprintf(text, sizeof(text),
		 "--b\r\nContent-Disposition: attachment; filename=\"%u%s\"\r\n\r\nx\r\n", i,
		 ending);
	blob_text(message, text);
}

// Of many files the first hundred are kept, and the one that was refused.
static void many_files(void **state)
{
	const struct profile_attachment rules[] = { REFUSE(.names = exe_names, .n_names = 2) };
	const struct mail_file *files;
	struct blob message = { 0 };
	struct feeder feeder;
	(void)state;
	blob_text(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (unsigned i = 1; i <= 150; i++)
		put_part(&message, i, ".txt");
	begin(&feeder, rules, 1);
	assert_int_equal(feed_blob(&feeder, &message), SMTP_REASON_NONE);
	assert_int_equal(feed(&feeder, "--b--\r\n"), SMTP_REASON_NONE);
	assert_int_equal(content_end(feeder.content), SMTP_REASON_NONE);
	assert_int_equal(content_files(feeder.content, &files), 150);
	assert_string_equal(files[99].name, "100.txt");
	assert_true(content_memory(feeder.content) < 64 * 1024);
	over(&feeder);
	put_part(&message, 151, ".exe");
	begin(&feeder, rules, 1);
	assert_int_equal(feed_blob(&feeder, &message), SMTP_ATTACHMENT_NAME);
	assert_int_equal(content_files(feeder.content, &files), 151);
	assert_string_equal(files[98].name, "99.txt");
	assert_string_equal(files[99].name, "151.exe");
	assert_int_equal(files[99].action, MAIL_FILE_REFUSED);
	over(&feeder);
	blob_done(&message);
}

static void too_many_rules(void **state)
{
	static struct profile_attachment rules[PROFILE_ATTACHMENTS_MAX + 1];
	struct profile profile = { .attachments = rules,
				   .n_attachments = PROFILE_ATTACHMENTS_MAX + 1 };
	struct audience audience = { 0 };
	struct content *content;
	(void)state;
	assert_int_equal(content_new(&profile, &audience, NULL, NULL, &content), -E2BIG);
	profile.n_attachments--;
	assert_int_equal(content_new(&profile, &audience, NULL, NULL, &content), 0);
	content_free(content);
}

// Recipients with the same rules share a set; there is room for so many sets, and no more.
static void audiences(void **state)
{
	static struct profile_attachment rules[AUDIENCE_SETS_MAX + 1];
	static char names[AUDIENCE_SETS_MAX + 1][16];
	static const char *lists[AUDIENCE_SETS_MAX + 1];
	const struct profile profile = { .attachments = rules,
					 .n_attachments = AUDIENCE_SETS_MAX + 1 };
	struct audience audience = { 0 };
	(void)state;
	for (int i = 0; i <= AUDIENCE_SETS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "@d%d.example", i);
		lists[i] = names[i];
		rules[i] = REFUSE(.whose = { .recipients = &lists[i], .n_recipients = 1 });
	}
	for (int i = 0; i < AUDIENCE_SETS_MAX; i++) {
		char address[32];
		snprintf(address, sizeof(address), "a%s", names[i]);
		assert_int_equal(audience_add(&audience, &profile, &client, false, address), i);
		address[0] = 'b';
		assert_int_equal(audience_add(&audience, &profile, &client, false, address), i);
	}
	assert_int_equal(audience_add(&audience, &profile, &client, false, "a@d64.example"),
			 -E2BIG);
	assert_int_equal(audience_add(&audience, &profile, &client, false, "c@d0.example"), 0);
	audience_free(&audience);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budgets),    cmocka_unit_test(many_archives),
		cmocka_unit_test(many_files), cmocka_unit_test(too_many_rules),
		cmocka_unit_test(audiences),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
