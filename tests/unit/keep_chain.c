// The chain: what is written verifies, by the verifier and by b2sum; tampering of every kind is
// found at the first, the middle and the last record, and at the borders of files.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "keep/audit.h"
#include "keep/segment.h"
#include "keep/verify.h"

enum { FILES = 3, EVENTS = 10, LINES_MAX = 64 };

static struct key *key;
static char folder[64];

// Three segments as the writer makes them, as lines.
struct log {
	struct {
		char *line[LINES_MAX];
		size_t n;
		bool cut; // its last newline is missing
	} file[FILES + 1];
	size_t n;
};

static int dir_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void write_events(struct audit *audit, int n)
{
	static const char body[] = "\"time\":\"2026-11-26T14:00:00.000001+09:00\",\"event\":"
				   "\"packet-denied\",\"message\":\"a \\\"quoted\\\" text\"}";
	assert_int_equal(audit_begin(audit), 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(audit_add(audit, body, sizeof(body) - 1), 0);
	assert_int_equal(audit_flush(audit), 0);
}

static int setup(void **state)
{
	struct audit_limits limits = { .segment_bytes = 1 };
	struct chain none = { 0 };
	struct stamp_clock clock;
	struct audit *audit;
	uint8_t secret[KEY_SECRET_BYTES];
	(void)state;
	stamp_clock_init(&clock);
	strcpy(folder, "/tmp/keep_chain.XXXXXX");
	assert_non_null(mkdtemp(folder));
	int fd = dir_of(folder);
	assert_int_equal(key_open(fd, &key), 0);
	memcpy(secret, key_secret(key), sizeof(secret));
	assert_int_equal(audit_open(fd, key, &limits, &clock, &none, &audit), 0);
	for (int i = 0; i < FILES; i++)
		write_events(audit, EVENTS);
	audit_close(audit);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	key_free(key);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void load(struct log *log)
{
	memset(log, 0, sizeof(*log));
	for (size_t f = 0; f < FILES; f++) {
		char path[128], *line = NULL;
		size_t room = 0;
		ssize_t n;
		snprintf(path, sizeof(path), "%s/%08zu.jsonl", folder, f + 1);
		FILE *in = fopen(path, "r");
		assert_non_null(in);
		while ((n = getline(&line, &room, in)) > 0) {
			line[n - 1] = '\0';
			log->file[f].line[log->file[f].n++] = strdup(line);
		}
		free(line);
		fclose(in);
		log->n++;
	}
}

static void unload(struct log *log)
{
	for (size_t f = 0; f < log->n; f++)
		for (size_t i = 0; i < log->file[f].n; i++)
			free(log->file[f].line[i]);
}

struct found {
	uint64_t n;
	struct verify_finding first;
	char file[64];
};

static void take(void *arg, const struct verify_finding *finding)
{
	struct found *found = arg;
	if (found->n++ == 0) {
		found->first = *finding;
		snprintf(found->file, sizeof(found->file), "%s", finding->file);
	}
}

static struct found verify_log(const struct log *log, struct verify_head *heads, size_t n_heads)
{
	struct found found = { 0 };
	struct verify verify = { .keys = key_public(key),
				 .n_keys = 1,
				 .heads = heads,
				 .n_heads = n_heads,
				 .each = take,
				 .arg = &found };
	for (size_t f = 0; f < log->n; f++) {
		char name[32];
		if (!log->file[f].n)
			continue;
		snprintf(name, sizeof(name), "%zu", f);
		verify_begin_file(&verify, name);
		for (size_t i = 0; i < log->file[f].n; i++)
			verify_line(&verify, log->file[f].line[i], strlen(log->file[f].line[i]),
				    !(log->file[f].cut && i + 1 == log->file[f].n));
	}
	uint64_t faults = verify_end(&verify);
	assert_int_equal(faults, found.n);
	return found;
}

static void as_written(void **state)
{
	struct log log;
	(void)state;
	load(&log);
	// The first two: opened, ten events, closed; the last is open.
	assert_int_equal(log.file[0].n, EVENTS + 2);
	assert_int_equal(log.file[1].n, EVENTS + 2);
	assert_int_equal(log.file[2].n, EVENTS + 1);
	assert_int_equal(verify_log(&log, NULL, 0).n, 0);
	unload(&log);
}

static void closed_ones_are_read_only(void **state)
{
	char path[128];
	struct stat st;
	(void)state;
	for (int f = 1; f <= FILES; f++) {
		snprintf(path, sizeof(path), "%s/%08d.jsonl", folder, f);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, f < FILES ? 0440 : 0640);
	}
}

// --- tampering

static void remove_line(struct log *log, size_t f, size_t i)
{
	free(log->file[f].line[i]);
	log->file[f].n--;
	memmove(&log->file[f].line[i], &log->file[f].line[i + 1],
		(log->file[f].n - i) * sizeof(char *));
}

static void insert_line(struct log *log, size_t f, size_t i, char *line)
{
	memmove(&log->file[f].line[i + 1], &log->file[f].line[i],
		(log->file[f].n - i) * sizeof(char *));
	log->file[f].line[i] = line;
	log->file[f].n++;
}

static void change(struct log *log, size_t f, size_t i)
{
	char *at = strstr(log->file[f].line[i], "\"time\":\"2");
	assert_non_null(at);
	at[8] = '3';
}

// As one does who knows how hashes are made, but has no key.
static void forge(struct log *log, size_t f, size_t i)
{
	struct chain chain = { 0 };
	struct chain_record record;
	char out[CHAIN_LINE_MAX], *line;
	change(log, f, i);
	line = log->file[f].line[i];
	assert_int_equal(chain_parse(line, strlen(line), &record), 0);
	chain.seq = record.seq - 1;
	if (i || f) {
		const char *before = i ? log->file[f].line[i - 1]
				       : log->file[f - 1].line[log->file[f - 1].n - 1];
		struct chain_record previous;
		assert_int_equal(chain_parse(before, strlen(before), &previous), 0);
		chain.hash = previous.hash;
	}
	char *body = strchr(line, ',') + 1;
	char *end = strstr(body, ",\"hash\"");
	strcpy(end, "}");
	size_t n = chain_append(&chain, body, strlen(body), record.is_signed ? key : NULL, out,
				sizeof(out));
	assert_true(n > 0);
	out[n - 1] = '\0';
	free(line);
	log->file[f].line[i] = strdup(out);
}

static void change_hash(struct log *log, size_t f, size_t i)
{
	char *at = strstr(log->file[f].line[i], "\"hash\":\"");
	at[8] = at[8] == '0' ? '1' : '0';
}

static void spoil(struct log *log, size_t f, size_t i)
{
	log->file[f].line[i][0] = '[';
}

static void double_line(struct log *log, size_t f, size_t i)
{
	insert_line(log, f, i + 1, strdup(log->file[f].line[i]));
}

static void insert_foreign(struct log *log, size_t f, size_t i)
{
	insert_line(log, f, i + 1, strdup("{\"event\":\"nothing of ours\"}"));
}

static void swap_lines(struct log *log, size_t f, size_t i)
{
	size_t other = i ? i - 1 : 1;
	char *line = log->file[f].line[i];
	log->file[f].line[i] = log->file[f].line[other];
	log->file[f].line[other] = line;
}

static void cut_line(struct log *log, size_t f, size_t i)
{
	log->file[f].line[i][strlen(log->file[f].line[i]) / 2] = '\0';
}

static const struct {
	const char *name;
	void (*tamper)(struct log *log, size_t f, size_t i);
	bool unseen_at_end; // of the last file: only a record sent away shows it
} tamperings[] = {
	{ "changed", change, false },
	{ "changed with its hash", forge, true },
	{ "hash changed", change_hash, false },
	{ "removed", remove_line, true },
	{ "spoiled", spoil, false },
	{ "doubled", double_line, false },
	{ "foreign line after it", insert_foreign, false },
	{ "swapped with its neighbour", swap_lines, false },
	{ "cut", cut_line, false },
};

// The place that is told is the record's own, or that of the one next to it.
static void found_at(const struct log *log, const char *name, size_t f, size_t i, uint64_t seq,
		     bool may_be_unseen)
{
	struct found found = verify_log(log, NULL, 0);
	char file[8];
	snprintf(file, sizeof(file), "%zu", f);
	if (!found.n && may_be_unseen)
		return;
	if (!found.n)
		fail_msg("%s, file %zu, line %zu: not found", name, f, i + 1);
	if (found.first.seq && (found.first.seq + 2 < seq || found.first.seq > seq + 2))
		fail_msg("%s, file %zu, line %zu: record %llu is told for %llu", name, f, i + 1,
			 (unsigned long long)found.first.seq, (unsigned long long)seq);
	if (strcmp(found.file, file) == 0 &&
	    (found.first.line + 2 < i + 1 || found.first.line > i + 3))
		fail_msg("%s, file %zu, line %zu: line %llu is told", name, f, i + 1,
			 (unsigned long long)found.first.line);
}

static void every_tampering(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof(tamperings) / sizeof(tamperings[0]); t++)
		for (size_t f = 0; f < FILES; f++) {
			const size_t last = f + 1 < FILES ? EVENTS + 1 : EVENTS;
			const size_t places[] = { 0, 1, EVENTS / 2, last - 1, last };
			for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
				struct log log;
				struct chain_record record;
				load(&log);
				const char *line = log.file[f].line[places[p]];
				assert_int_equal(chain_parse(line, strlen(line), &record), 0);
				tamperings[t].tamper(&log, f, places[p]);
				found_at(&log, tamperings[t].name, f, places[p], record.seq,
					 tamperings[t].unseen_at_end && f + 1 == FILES &&
						 places[p] == last);
				unload(&log);
			}
		}
}

static void files_removed(void **state)
{
	(void)state;
	for (size_t f = 0; f < FILES; f++) {
		struct log log;
		load(&log);
		while (log.file[f].n)
			remove_line(&log, f, log.file[f].n - 1);
		struct found found = verify_log(&log, NULL, 0);
		assert_int_equal(found.n, 1);
		assert_int_equal(found.first.fault, f + 1 < FILES ? VERIFY_MISSING : VERIFY_CUT);
		unload(&log);
	}
}

static struct verify_head head_of(const char *line)
{
	struct chain_record record;
	assert_int_equal(chain_parse(line, strlen(line), &record), 0);
	return (struct verify_head){ .seq = record.seq, .hash = record.hash };
}

static void end_cut_off(void **state)
{
	struct log log;
	(void)state;
	load(&log);
	struct verify_head head = head_of(log.file[2].line[5]);
	assert_int_equal(verify_log(&log, &head, 1).n, 0);
	while (log.file[2].n > 5)
		remove_line(&log, 2, log.file[2].n - 1);
	assert_int_equal(verify_log(&log, NULL, 0).n, 0); // nothing in the log itself tells
	head.seen = false;
	struct found found = verify_log(&log, &head, 1);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.first.fault, VERIFY_CUT);
	assert_int_equal(found.first.seq, head.seq);
	unload(&log);
}

static void half_a_line(void **state)
{
	struct log log;
	(void)state;
	load(&log);
	log.file[2].cut = true;
	struct found found = verify_log(&log, NULL, 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.first.fault, VERIFY_CUT);
	assert_int_equal(found.first.line, EVENTS + 1);
	unload(&log);
}

// All hashes made anew from a changed record on: the signature tells.
static void rewritten(void **state)
{
	struct log log;
	(void)state;
	load(&log);
	forge(&log, 0, 3);
	for (size_t f = 0; f < FILES; f++)
		for (size_t i = f ? 0 : 4; i < log.file[f].n; i++) {
			char *signature = strstr(log.file[f].line[i], ",\"signature\":\"");
			char *digits = signature ? strdup(signature) : NULL;
			forge(&log, f, i);
			if (!digits)
				continue;
			char *made = strstr(log.file[f].line[i], ",\"signature\":\"");
			strcpy(made, digits); // the forger has no other
			free(digits);
		}
	struct found found = verify_log(&log, NULL, 0);
	assert_true(found.n > 0);
	bool signature = found.first.fault == VERIFY_SIGNATURE;
	bool opening = found.first.fault == VERIFY_MISSING || found.first.fault == VERIFY_CHANGED;
	assert_true(signature || opening);
	unload(&log);
}

static void another_key(void **state)
{
	struct log log;
	struct found found = { 0 };
	uint8_t other[KEY_PUBLIC_BYTES] = { 1 };
	struct key_public stranger;
	(void)state;
	memcpy(stranger.bytes, other, sizeof(other));
	load(&log);
	struct verify verify = { .keys = &stranger, .n_keys = 1, .each = take, .arg = &found };
	verify_begin_file(&verify, "0");
	for (size_t i = 0; i < log.file[0].n; i++)
		verify_line(&verify, log.file[0].line[i], strlen(log.file[0].line[i]), true);
	verify_end(&verify);
	assert_int_equal(found.first.fault, VERIFY_SIGNATURE);
	unload(&log);
}

static const struct {
	const char *line;
} shapeless[] = {
	{ "" },
	{ "{" },
	{ "{}" },
	{ "{\"seq\":}" },
	{ "{\"seq\":0,\"hash\":\"\"}" },
	{ "{\"seq\":1}" },
	{ "{\"seq\":01,\"time\":\"\",\"event\":\"\"}" },
	{ "{\"seq\":1,\"time\":\"\",\"event\":\"\",\"hash\":\"00\"}" },
	{ "{\"seq\":99999999999999999999,\"time\":\"\",\"event\":\"\",\"hash\":\"0000000000000000"
	  "000000000000000000000000000000000000000000000000\"}" },
	{ "{\"seq\":1,\"event\":\"x\",\"hash\":\"00000000000000000000000000000000000000000000000000"
	  "00000000000000\"}" },
	{ "{\"seq\":1,\"time\":\"x\",\"event\":\"x\",\"hash\":\"A0000000000000000000000000000000000"
	  "00000000000000000000000000000\"}" },
};

static void no_records(void **state)
{
	struct chain_record record;
	(void)state;
	for (size_t i = 0; i < sizeof(shapeless) / sizeof(shapeless[0]); i++)
		assert_int_equal(chain_parse(shapeless[i].line, strlen(shapeless[i].line), &record),
				 -EBADMSG);
}

static void record_of_any_size(void **state)
{
	struct chain chain = { 0 };
	char *body = malloc(CHAIN_BODY_MAX + 2), *out = malloc(CHAIN_LINE_MAX + 2);
	(void)state;
	memset(body, ' ', CHAIN_BODY_MAX + 1);
	body[CHAIN_BODY_MAX - 1] = '}';
	assert_true(chain_append(&chain, body, CHAIN_BODY_MAX, key, out, CHAIN_LINE_MAX + 2) > 0);
	assert_int_equal(chain.seq, 1);
	body[CHAIN_BODY_MAX] = '}';
	assert_int_equal(
		chain_append(&chain, body, CHAIN_BODY_MAX + 1, key, out, CHAIN_LINE_MAX + 2), 0);
	assert_int_equal(chain.seq, 1);
	free(body);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_written),	   cmocka_unit_test(closed_ones_are_read_only),
		cmocka_unit_test(every_tampering), cmocka_unit_test(files_removed),
		cmocka_unit_test(end_cut_off),	   cmocka_unit_test(half_a_line),
		cmocka_unit_test(rewritten),	   cmocka_unit_test(another_key),
		cmocka_unit_test(no_records),	   cmocka_unit_test(record_of_any_size),
	};
	return cmocka_run_group_tests_name("keep_chain", tests, setup, teardown);
}
