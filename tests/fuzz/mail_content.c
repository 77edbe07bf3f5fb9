// A message from a stranger, judged by rules of every kind and by all habits; the first two bytes
// choose them and for whom it is.  However it is cut: it passes or not, with one record if it does,
// and nothing is kept afterwards.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/content.h"
#include "inspect/habit.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { RULES = 8, MEMORY_MAX = 700 * 1024, INPUT_MAX = 64 * 1024 };

static const char *const names[] = { "*.exe", "?.txt" };
static const char *const types[] = { "application/*" };
static const char *const lab[] = { "lab@city.example.jp" };

static const struct profile_attachment all[RULES] = {
	{ .whose = { .recipients = lab, .n_recipients = 1 },
	  .action = PROFILE_ALLOW,
	  .clause = "" },
	{ .kinds = UNPACK_PDF | UNPACK_IMAGE, .action = PROFILE_ALLOW, .clause = "" },
	{ .names = names, .n_names = 2, .action = PROFILE_REFUSE, .clause = "a" },
	{ .types = types, .n_types = 1, .size_over = 20, .action = PROFILE_REFUSE, .clause = "" },
	{ .total_over = 100, .whose.only_in = true, .action = PROFILE_REFUSE, .clause = "" },
	{ .number_over = 3, .action = PROFILE_REFUSE, .clause = "" },
	{ .kinds = UNPACK_ARCHIVE, .unread = true, .action = PROFILE_RECORD, .clause = "" },
	{ .kinds = UNPACK_EXECUTABLE | UNPACK_MISLEADING,
	  .doubts = UINT32_MAX,
	  .action = PROFILE_REFUSE,
	  .clause = "b" },
};

static const struct profile_domain own[] = { { "city.example.jp", false } };
static const char *const stores[] = { "drive.google.com" };
static const char *const friends[] = { "@friend.example" };
static const struct profile_habit habits[] = {
	{ .senders = friends,
	  .n_senders = 1,
	  .sign = PROFILE_FORWARDED,
	  .action = PROFILE_ALLOW,
	  .clause = "" },
	{ .sign = PROFILE_FORWARDED, .action = PROFILE_RECORD, .clause = "" },
	{ .sign = PROFILE_LOOP, .over = 10, .action = PROFILE_REFUSE, .clause = "l" },
	{ .sign = PROFILE_OUTSIDE, .over = 2, .action = PROFILE_MARK, .clause = "" },
	{ .sign = PROFILE_ALIKE, .alike = 15, .action = PROFILE_RECORD, .clause = "" },
	{ .sign = PROFILE_LINK, .differs = true, .action = PROFILE_RECORD, .clause = "" },
	{ .sign = PROFILE_LINK,
	  .domains = stores,
	  .n_domains = 1,
	  .action = PROFILE_REFUSE,
	  .clause = "" },
	{ .sign = PROFILE_ACTIVE, .whose.only_in = true, .action = PROFILE_RECORD, .clause = "" },
};

static bool names_one(void *arg, const char *address)
{
	(void)arg;
	return strcmp(address, "b@city.example.jp") == 0;
}

struct outcome {
	enum smtp_reason reason;
	bool recorded;
	size_t n_files;
	char clause[8];
	struct mail_file files[MAIL_FILES_KEPT];
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void judge(const struct profile *profile, uint8_t to, const uint8_t *bytes, size_t n,
		  size_t piece, struct outcome *ret)
{
	static const struct addr client = { ADDR_V4, 1 };
	static const char *const people[] = { "b@city.example.jp", "x@example.net",
					      "lab@city.example.jp" };
	struct content_budget budget = { .most = 48 * 1024 * 1024 };
	struct audience audience = { 0 };
	struct content *content;
	const struct mail_file *files;
	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < 3; i++) {
		int set = audience_add(&audience, profile, &client, i != 1, people[i]);
		must(set >= 0);
		audience.taken |= (uint64_t)(to >> i & 1) << set;
	}
	const struct habit_envelope envelope = {
		.sender = "a@city.examp1e.jp", .inside = to & 1, .marks = true, .names = names_one
	};
	must(content_new(profile, &audience, &envelope, &budget, &content) == 0);
	for (size_t at = 0; at < n; at += piece) {
		ret->reason = content_feed(content, bytes + at, n - at < piece ? n - at : piece);
		must(content_memory(content) <= budget.used + MEMORY_MAX);
	}
	ret->reason = content_end(content);
	ret->recorded = content_recorded(content);
	ret->n_files = content_files(content, &files);
	strncpy(ret->clause, content_clause(content, content_held(content)),
		sizeof(ret->clause) - 1);
	for (size_t i = 0; i < ret->n_files && i < MAIL_FILES_KEPT; i++)
		ret->files[i] = files[i];
	content_free(content);
	audience_free(&audience);
	must(budget.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct outcome whole, pieces;
	static bool loaded;
	struct profile_attachment rules[RULES];
	struct profile profile = { .attachments = rules,
				   .domains = own,
				   .n_domains = 1,
				   .habits = habits,
				   .n_habits = sizeof(habits) / sizeof(habits[0]) };
	if (size < 2 || size > INPUT_MAX)
		return 0;
	if (!loaded)
		loaded = mime_load_charsets() == 0 && unpack_load() == 0;
	for (int i = 0; i < RULES; i++)
		if (bytes[0] >> i & 1)
			rules[profile.n_attachments++] = all[i];
	judge(&profile, bytes[1], bytes + 2, size - 2, SIZE_MAX / 2, &whole);
	judge(&profile, bytes[1], bytes + 2, size - 2, 1 + (bytes[1] >> 3), &pieces);
	// A text and a block in it come beside each other, so which of them is refused first, and
	// how much of the other was seen by then, may hang on the cut.
	must(!whole.reason == !pieces.reason);
	must(whole.reason || memcmp(&whole, &pieces, sizeof(whole)) == 0);
	return 0;
}
