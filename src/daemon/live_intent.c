#include "daemon/live_intent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/live_record.h"

enum { LINE_MAX_BYTES = 512, FILE_MAX_BYTES = 2 * 1024 * 1024, KEY_BYTES = 128 };

static const char file_name[] = "live-cut";

struct live_intent {
	int state_fd, fd;
	const struct judge_answer *answer;
	size_t n; // lines
};

// --- writing

int live_intent_new(int state_fd, const struct judge_answer *answer, uint64_t generation,
		    const char *cause, struct live_intent **ret_intent)
{
	struct live_intent *intent = calloc(1, sizeof(*intent));
	char line[LINE_MAX_BYTES];
	if (!intent)
		return -ENOMEM;
	*intent = (struct live_intent){ .state_fd = state_fd, .answer = answer };
	intent->fd = openat(state_fd, file_name,
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int n = snprintf(line, sizeof(line), "%" PRIu64 "\t%s\n", generation, cause);
	int r = intent->fd < 0 ? -errno : file_write_all(intent->fd, line, (size_t)n);
	if (r < 0)
		live_intent_free(intent, true);
	else
		*ret_intent = intent;
	return r;
}

// What tells a connection from all others, as text; the file's lines begin so.
static int put_key(char *out, size_t size, const struct live_cut *cut)
{
	return snprintf(out, size, "%s\t%s\t%u\t%s\t%u", cut->protocol, cut->source,
			cut->source_port, cut->destination, cut->port);
}

static size_t put_line(char *out, const struct live_cut *cut)
{
	int used = put_key(out, LINE_MAX_BYTES, cut);
	used += snprintf(out + used, LINE_MAX_BYTES - (size_t)used, "\t%s\t%s\t%s\t%s\n", cut->flow,
			 cut->from, cut->to, cut->reason);
	return used < LINE_MAX_BYTES ? (size_t)used : 0;
}

int live_intent_add(struct live_intent *intent, const struct conntrack_entry *const *entries,
		    const struct judge_verdict *const *verdicts, size_t n)
{
	char *text = malloc((LIVE_EVENTS_MAX + 1) * LINE_MAX_BYTES);
	size_t used = 0, i = 0;
	if (!text)
		return -ENOMEM;
	for (; i < n && intent->n < LIVE_EVENTS_MAX; i++, intent->n++) {
		struct live_words words;
		struct live_cut cut = live_cut_of(intent->answer, entries[i], verdicts[i], &words);
		used += put_line(text + used, &cut);
	}
	if (i < n)
		used += (size_t)snprintf(text + used, LINE_MAX_BYTES, "+\t%zu\n", n - i);
	int r = file_write_all(intent->fd, text, used);
	free(text);
	fault_point("live-intended");
	return r;
}

void live_intent_free(struct live_intent *intent, bool recorded)
{
	if (!intent)
		return;
	if (intent->fd >= 0)
		close(intent->fd);
	if (recorded)
		unlinkat(intent->state_fd, file_name, 0);
	free(intent);
}

// --- what another daemon left

enum word { PROTOCOL, SOURCE, SOURCE_PORT, DESTINATION, PORT, FLOW, FROM, TO, REASON, WORDS };

struct left {
	uint64_t generation, more;
	const char *cause;
	struct line {
		char *words[WORDS];
		char key[KEY_BYTES];
		bool lives;
	} v[LIVE_EVENTS_MAX];
	size_t n;
};

static void take_line(struct left *left, char *text)
{
	struct line *line = &left->v[left->n];
	char *word;
	int n = 0;
	if (text[0] == '+') {
		left->more += strtoull(text + 1, NULL, 10);
		return;
	}
	while (n < WORDS && (word = strsep(&text, "\t")))
		line->words[n++] = word;
	if (n < WORDS || text || left->n == LIVE_EVENTS_MAX)
		return;
	const struct live_cut cut = {
		.protocol = line->words[PROTOCOL],
		.source = line->words[SOURCE],
		.destination = line->words[DESTINATION],
		.source_port = (uint16_t)strtoul(line->words[SOURCE_PORT], NULL, 10),
		.port = (uint16_t)strtoul(line->words[PORT], NULL, 10),
	};
	put_key(line->key, sizeof(line->key), &cut);
	line->lives = false;
	left->n++;
}

// A last line without its end was never acted on.
static void take_text(struct left *left, char *text)
{
	char *end = strchr(text, '\n');
	if (!end)
		return;
	*end = '\0';
	left->generation = strtoull(text, &text, 10);
	left->cause = *text == '\t' ? text + 1 : "";
	while ((end = strchr(text = end + 1, '\n')) && left->n < LIVE_EVENTS_MAX) {
		*end = '\0';
		take_line(left, text);
	}
	for (; end; end = strchr(text = end + 1, '\n'))
		if (text[0] == '+')
			left->more += strtoull(text + 1, NULL, 10);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

static int compare_key(const void *key, const void *line)
{
	return strcmp(key, ((const struct line *)line)->key);
}

static void mark_living(struct left *left, const struct conntrack_entry *entries, size_t n)
{
	qsort(left->v, left->n, sizeof(left->v[0]), compare_lines);
	for (size_t i = 0; i < n; i++) {
		static const struct judge_answer none;
		static const struct judge_verdict nowhere = { .from = UINT16_MAX,
							      .to = UINT16_MAX,
							      .flow = PLAN_NONE };
		struct live_words words;
		struct live_cut cut = live_cut_of(&none, &entries[i], &nowhere, &words);
		char key[KEY_BYTES];
		put_key(key, sizeof(key), &cut);
		struct line *line = bsearch(key, left->v, left->n, sizeof(left->v[0]), compare_key);
		if (line)
			line->lives = true;
	}
}

static void begin(const struct left *left, struct event *event, enum event_kind kind)
{
	event_init(event, kind, journal_now_usec());
	event_number(event, EVENT_GENERATION, left->generation);
	event_text(event, EVENT_CAUSE, left->cause);
	event_text(event, EVENT_MESSAGE, "the daemon ended before it was recorded");
}

static void record_line(struct gate *gate, const struct left *left, const struct line *line)
{
	static const struct {
		enum event_field field;
		enum word word;
	} texts[] = {
		{ EVENT_FLOW, FLOW },	  { EVENT_FROM, FROM },
		{ EVENT_TO, TO },	  { EVENT_PROTOCOL, PROTOCOL },
		{ EVENT_SOURCE, SOURCE }, { EVENT_DESTINATION, DESTINATION },
		{ EVENT_REASON, REASON },
	};
	struct event event;
	uint64_t source_port = strtoull(line->words[SOURCE_PORT], NULL, 10);
	begin(left, &event, EVENT_CONNECTION_CUT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		event_text(&event, texts[i].field, line->words[texts[i].word]);
	if (source_port)
		event_number(&event, EVENT_SOURCE_PORT, source_port);
	event_number(&event, EVENT_DESTINATION_PORT, strtoull(line->words[PORT], NULL, 10));
	journal_write(gate->journal, &event);
}

static void record_left(struct gate *gate, const struct left *left)
{
	struct event event;
	for (size_t i = 0; i < left->n; i++)
		if (!left->v[i].lives)
			record_line(gate, left, &left->v[i]);
	if (!left->more)
		return;
	// Of these nobody knows which still live: those are cut, and counted, once more.
	begin(left, &event, EVENT_CONNECTIONS_CUT);
	event_number(&event, EVENT_COUNT, left->more);
	journal_write(gate->journal, &event);
}

void live_intent_tell(struct gate *gate, const struct conntrack_entry *entries, size_t n)
{
	char *text = NULL;
	size_t size;
	if (file_read(gate->state_fd, file_name, FILE_MAX_BYTES, &text, &size) < 0)
		return;
	struct left *left = calloc(1, sizeof(*left));
	if (left) {
		take_text(left, text);
		mark_living(left, entries, n);
		record_left(gate, left);
		gate_flush(gate);
		unlinkat(gate->state_fd, file_name, 0);
	}
	free(left);
	free(text);
}
