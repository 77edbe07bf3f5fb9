#include "daemon/mass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/inspection.h"
#include "daemon/mass_judge.h"
#include "daemon/mass_usual.h"
#include "event/json.h"
#include "event/limit.h"

enum {
	FILE_MAX = 4 * 1024 * 1024,
	EVENTS_RATE = 10, // a second
	EVENTS_BURST = 100,
	WRITE_SECONDS = 3600,
	RECIPIENTS_MAX = 100000, // of a message
};

struct mass {
	struct mass_judge *judge;
	struct mass_book book;
	struct mail_stops stops;
	struct event_limit limit;
	uint64_t written_us;
};

// --- the book and who knows of it

static void give(struct gate *gate)
{
	mass_book_stops(&gate->mass->book, &gate->mass->stops);
	inspection_give_stops(gate, &gate->mass->stops);
}

static void write_book(struct gate *gate)
{
	char *text = mass_book_text(&gate->mass->book);
	struct failure failure;
	int r = text ? 0 : -ENOMEM;

	if (r == 0 && gate->state_fd >= 0)
		r = file_replace(gate->state_fd, MASS_BOOK_FILE, text, strlen(text));
	free(text);
	if (r < 0)
		failure_set(&failure, SK_MAIL_STOPS, r,
			    "what mail is stopped cannot be written down, and would not outlast "
			    "the daemon: %s",
			    strerror(-r));
	gate_set_problem(gate, GATE_MAIL_STOPS, r < 0 ? &failure : NULL);
}

static void begin_event(struct event *event, enum event_kind kind, const struct mass_stop *stop,
			char words[MASS_STOP_WORDS_MAX])
{
	event_init(event, kind, journal_now_usec());
	event_text(event, EVENT_NAME, mass_stop_words(stop, words));
	if (stop->stop.kind == MAIL_STOP_ZONE)
		event_text(event, EVENT_ZONE, stop->name);
}

static uint64_t seconds_of(const struct mass_stop *stop)
{
	return stop->stop.until_us ? (stop->stop.until_us - stop->since_us) / 1000000 : 0;
}

// --- a limit is reached

// why_not NULL: it is stopped.
static void tell_found(struct gate *gate, const struct mass_finding *finding,
		       const struct mass_stop *stop, const char *why_not)
{
	struct mass *mass = gate->mass;
	char words[MASS_STOP_WORDS_MAX], source[ADDR_TEXT_MAX], text[MASS_WORDS_MAX + 100];
	struct event event;

	if (!event_limit_take(&mass->limit, journal_now_usec()))
		return;
	begin_event(&event, why_not ? EVENT_MAIL_MASS : EVENT_MAIL_STOPPED, stop, words);
	snprintf(text, sizeof(text), "guard %s: %s%s", finding->rule->guard, finding->rule->words,
		 why_not ? why_not : "");
	event_text(&event, EVENT_MESSAGE, text);
	event_text(&event, EVENT_SOURCE, addr_text(&finding->message->client, source));
	event_number(&event, EVENT_COUNT, finding->count);
	if (!why_not && seconds_of(stop))
		event_number(&event, EVENT_SECONDS, seconds_of(stop));
	journal_write(gate->journal, &event);
}

static void on_found(void *arg, const struct mass_finding *finding)
{
	struct gate *gate = arg;
	struct mass_stop stop = finding->stop;
	const uint64_t now = journal_now_usec();

	if (finding->rule->limit.alarm) {
		tell_found(gate, finding, &stop, "");
		return;
	}
	stop.since_us = now;
	if (finding->rule->limit.for_seconds)
		stop.stop.until_us = now + finding->rule->limit.for_seconds * UINT64_C(1000000);
	snprintf(stop.reason, sizeof(stop.reason), "guard %s: %s", finding->rule->guard,
		 finding->rule->words);
	// What passed before every inspector knew of it.
	const struct mass_stop *there = mass_book_find(&gate->mass->book, &stop);
	if (there && (!there->stop.until_us || there->stop.until_us > now))
		return;
	if (mass_book_put(&gate->mass->book, &stop) < 0) {
		tell_found(gate, finding, &stop,
			   "; not stopped, for no more stops fit: resume some");
		return;
	}
	give(gate);
	write_book(gate);
	fault_point("mail-stopped-stored");
	tell_found(gate, finding, &stop, NULL);
}

static bool is_word(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	for (size_t i = 0; i < n; i++)
		if (text[i] < '!' || text[i] > '~')
			return false;
	return n < size;
}

static bool is_addr(const struct addr *addr)
{
	return (addr->family == ADDR_V4 && addr->bits <= addr_max(ADDR_V4)) ||
	       addr->family == ADDR_V6;
}

bool mass_take(struct gate *gate, const struct inspect_word_mass *word)
{
	const struct mass_message message = {
		.guard = word->guard,
		.zone = word->zone,
		.client = word->client,
		.sender = word->sender,
		.n_own = word->n_own,
		.n_others = word->n_others,
		.passed = word->bits & INSPECT_MASS_PASSED,
		.outward = word->bits & INSPECT_MASS_OUTWARD,
	};

	if (!is_word(word->guard, sizeof(word->guard)) ||
	    !is_word(word->zone, sizeof(word->zone)) || !is_addr(&word->client) ||
	    word->n_own > RECIPIENTS_MAX || word->n_others > RECIPIENTS_MAX)
		return false;
	if (gate->mass)
		mass_judge_take(gate->mass->judge, &message, journal_now_usec(), on_found, gate);
	return true;
}

// --- by hand

static void tell_hand(struct gate *gate, enum event_kind kind, const struct mass_stop *stop,
		      const struct control_peer *peer, const char *reason)
{
	char words[MASS_STOP_WORDS_MAX], name[CONTROL_PEER_NAME_MAX];
	struct event event;

	begin_event(&event, kind, stop, words);
	event_text(&event, EVENT_REASON, reason);
	control_event_actor(&event, peer, name);
	if (kind == EVENT_MAIL_STOPPED && seconds_of(stop))
		event_number(&event, EVENT_SECONDS, seconds_of(stop));
	if (kind == EVENT_MAIL_RESUMED && stop->asked_us)
		event_text(&event, EVENT_ORDERED_BY, stop->asked_by);
	journal_write(gate->journal, &event);
	gate_flush(gate);
}

int mass_stop(struct gate *gate, struct mass_stop *stop, const struct control_peer *peer)
{
	int r;

	control_person_name(peer->uid, peer->login_uid, stop->actor);
	r = mass_book_put(&gate->mass->book, stop);
	if (r < 0)
		return r;
	give(gate);
	write_book(gate);
	fault_point("mail-stopped-stored");
	tell_hand(gate, EVENT_MAIL_STOPPED, stop, peer, stop->reason);
	return 0;
}

void mass_resume(struct gate *gate, const struct mass_stop *like, const struct control_peer *peer,
		 const char *reason)
{
	struct mass_stop *there = mass_book_find(&gate->mass->book, like);

	if (!there)
		return;
	mass_book_take(&gate->mass->book, there);
	give(gate);
	write_book(gate);
	fault_point("mail-resumed-stored");
	tell_hand(gate, EVENT_MAIL_RESUMED, like, peer, reason);
}

void mass_ask(struct gate *gate, const struct mass_stop *like, const struct control_peer *peer,
	      const char *reason)
{
	struct mass_stop *there = mass_book_find(&gate->mass->book, like);

	if (!there)
		return;
	control_person_name(peer->uid, peer->login_uid, there->asked_by);
	there->asked_uid = peer->uid;
	there->asked_login_uid = peer->login_uid;
	there->asked_us = journal_now_usec();
	write_book(gate);
	tell_hand(gate, EVENT_MAIL_RESUME_ASKED, there, peer, reason);
}

struct mass_book *mass_book(struct gate *gate)
{
	return gate->mass ? &gate->mass->book : NULL;
}

// --- what is shown

static void put_line(struct control_writer *reply, const struct mass_stop *stop)
{
	char words[MASS_STOP_WORDS_MAX], when[40] = "resumed", line[CTL_NAME_MAX];

	if (stop->stop.until_us)
		event_local_time(stop->stop.until_us, when);
	if (stop->stop.until_us) // to the minute
		snprintf(line, sizeof(line), "%s until %.10s %.5s", mass_stop_words(stop, words),
			 when, when + 11);
	else
		snprintf(line, sizeof(line), "%s until %s", mass_stop_words(stop, words), when);
	control_put_text(reply, CTL_MAIL_STOPPED, line);
}

void mass_put_lines(struct gate *gate, struct control_writer *reply)
{
	for (size_t i = 0; gate->mass && i < gate->mass->book.n; i++)
		put_line(reply, &gate->mass->book.v[i]);
}

static void put_stop(struct control_writer *reply, const struct mass_stop *stop)
{
	static const char *const ways[] = { "", "in", "out", "both" };

	control_put_mark(reply, CTL_ROW);
	control_put_text(reply, CTL_KIND, mass_stop_kind(stop));
	control_put_text(reply, CTL_NAME, stop->name);
	control_put_text(reply, CTL_CHANGE, ways[stop->stop.directions & MAIL_BOTH_WAYS]);
	control_put_time(reply, CTL_SINCE, stop->since_us);
	control_put_time(reply, CTL_UNTIL, stop->stop.until_us);
	control_put_text(reply, CTL_ACTOR, stop->actor);
	control_put_text(reply, CTL_REASON, stop->reason);
	control_put_text(reply, CTL_ASKED_BY, stop->asked_us ? stop->asked_by : "");
}

void mass_put_rows(struct gate *gate, struct control_writer *reply)
{
	const struct mass_rule *rules;
	size_t n;

	if (!gate->mass)
		return;
	for (size_t i = 0; i < gate->mass->book.n; i++)
		put_stop(reply, &gate->mass->book.v[i]);
	rules = mass_judge_rules(gate->mass->judge, &n);
	for (size_t i = 0; i < n; i++) {
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_GUARDED_BY, rules[i].guard);
		control_put_text(reply, CTL_WORDS, rules[i].words);
	}
}

// --- the whole

static void take_lines(const struct control_row *row, struct mass_rule *rules, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < row->n; i++)
		if (row->v[i].tag == CTL_MASS_LINE && *ret_n < MASS_RULES_MAX &&
		    mass_rule_read(row->v[i].text, &rules[*ret_n]) == 0)
			(*ret_n)++;
}

void mass_settle(struct gate *gate)
{
	const struct control_row *row =
		gate->current.about.number ? gate->current.report.faults.v : NULL;
	struct mass_rule *rules;
	size_t n = 0;

	if (!gate->mass)
		return;
	give(gate);
	if (!row)
		return;
	rules = calloc(MASS_RULES_MAX, sizeof(*rules));
	if (rules) // else what counted before counts on
		take_lines(row, rules, &n);
	if (rules)
		mass_judge_set(gate->mass->judge, rules, n);
}

static bool is_over(const struct mass_stop *stop, uint64_t now_us)
{
	return stop->stop.until_us && stop->stop.until_us <= now_us;
}

static void end_what_is_over(struct gate *gate)
{
	struct mass_book *book = &gate->mass->book;
	const uint64_t now = journal_now_usec();
	size_t before = book->n;

	for (size_t i = 0; i < book->n;) {
		char words[MASS_STOP_WORDS_MAX];
		struct event event;

		if (!is_over(&book->v[i], now)) {
			i++;
			continue;
		}
		begin_event(&event, EVENT_MAIL_RESUMED, &book->v[i], words);
		event_text(&event, EVENT_MESSAGE, "its time is over");
		mass_book_take(book, &book->v[i]);
		if (event_limit_take(&gate->mass->limit, now))
			journal_write(gate->journal, &event);
	}
	if (book->n == before)
		return;
	give(gate);
	write_book(gate);
}

static void write_usual(struct gate *gate)
{
	struct failure failure;
	int r = gate->state_fd >= 0 ? mass_judge_write(gate->mass->judge, gate->state_fd) : 0;

	gate->mass->written_us = journal_now_usec();
	if (r == 0)
		return;
	failure_set(&failure, SK_MAIL_STOPS, r, "what mail is usual cannot be written down: %s",
		    strerror(-r));
	journal_failed(gate->journal, &failure);
}

static bool learns(const struct gate *gate)
{
	size_t n;
	const struct mass_rule *rules = mass_judge_rules(gate->mass->judge, &n);

	for (size_t i = 0; i < n; i++)
		if (!rules[i].limit.over)
			return true;
	return false;
}

void mass_tend(struct gate *gate)
{
	if (!gate->mass)
		return;
	end_what_is_over(gate);
	if (learns(gate) &&
	    journal_now_usec() - gate->mass->written_us > WRITE_SECONDS * UINT64_C(1000000))
		write_usual(gate);
}

static void read_state(struct gate *gate)
{
	struct mass *mass = gate->mass;
	struct failure failure;
	char *text = NULL;
	size_t size;
	int r = file_read(gate->state_fd, MASS_BOOK_FILE, FILE_MAX, &text, &size);

	if (r == 0)
		r = mass_book_read(text, &mass->book);
	free(text);
	if (r < 0 && r != -ENOENT) {
		failure_set(&failure, SK_MAIL_STOPS, r,
			    "state/" MASS_BOOK_FILE " makes no sense; no mail is stopped by it");
		journal_failed(gate->journal, &failure);
	}
	r = mass_judge_read(mass->judge, gate->state_fd);
	if (r < 0 && r != -ENOENT) {
		failure_set(&failure, SK_MAIL_STOPS, r,
			    "state/" MASS_USUAL_FILE " makes no sense; what is usual is learned "
			    "anew");
		journal_failed(gate->journal, &failure);
	}
}

int mass_open(struct gate *gate)
{
	struct mass *mass = calloc(1, sizeof(*mass));
	int r = mass ? mass_judge_new(&mass->judge) : -ENOMEM;

	if (r < 0) {
		free(mass);
		return r;
	}
	mass->written_us = journal_now_usec();
	event_limit_init(&mass->limit, EVENTS_RATE, EVENTS_BURST, mass->written_us);
	gate->mass = mass;
	if (gate->state_fd >= 0)
		read_state(gate);
	mass_settle(gate);
	return 0;
}

void mass_close(struct gate *gate)
{
	if (!gate->mass)
		return;
	if (learns(gate))
		write_usual(gate);
	mass_judge_free(gate->mass->judge);
	free(gate->mass);
	gate->mass = NULL;
}
