// What is isolated: from the disk and the kernel at start, to both and to the record afterwards.
#include "daemon/isolation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/incident.h"
#include "daemon/live.h"
#include "kernel/neighbour.h"

static const char map_name[] = "switch";

const char *isolation_words(const struct isolation *cut, char *out)
{
	if (cut->kind == ISOLATION_ALL)
		snprintf(out, ISOLATION_WORDS_MAX, "everything");
	else
		snprintf(out, ISOLATION_WORDS_MAX, "%s %s", isolation_kind_word(cut->kind),
			 cut->name);
	return out;
}

// What went wrong, or NULL: it is right again.
static void set_problem(struct gate *gate, enum gate_problem problem, int error, const char *what)
{
	struct failure failure;

	if (error < 0)
		failure_set(&failure, SK_ISOLATION_FAILED, error, "%s: %s", what, strerror(-error));
	gate_set_problem(gate, problem, error < 0 ? &failure : NULL);
}

void isolation_write_book(struct gate *gate)
{
	int r = gate->options->boot ? 0 : book_write(gate->book);

	set_problem(gate, GATE_ISOLATION, r,
		    "state/isolation cannot be written; the kernel holds what is "
		    "isolated, a boot would forget the newest of it");
}

// --- start

// Nobody knows what was cut off, and the kernel has no rules to tell: all of it is, then.
static void isolate_everything(struct gate *gate)
{
	struct isolated all = { .cut = { .kind = ISOLATION_ALL,
					 .since = journal_now_usec() / 1000000 },
				.uid = CONTROL_NO_LOGIN,
				.login_uid = CONTROL_NO_LOGIN,
				.actor = "sekishod",
				.reason = "state/isolation is damaged: what was isolated is not "
					  "known any more",
				.confirmed_usec = journal_now_usec() };

	book_put(gate->book, &all);
}

static void read_map(struct gate *gate, const char *text)
{
	struct isolation_book *book = gate->book;
	struct switch_map map;
	struct failure failure;
	unsigned line = 0;
	int r = text ? switch_map_read(text, &map, &line) : -ENOMEM;

	if (r < 0)
		failure_set(&failure, SK_ISOLATION_FAILED, r, "state/switch, line %u: %s", line,
			    strerror(-r));
	gate_set_problem(gate, GATE_SWITCH_MAP, r < 0 ? &failure : NULL);
	if (r < 0)
		return;
	pthread_mutex_lock(&book->lock);
	switch_map_done(&book->map);
	book->map = map;
	pthread_mutex_unlock(&book->lock);
}

// Before a policy is loaded: what sekisho-isolate knows, but the box's own management path.
static void read_stored_map(struct gate *gate)
{
	char *stored = NULL, *text;
	size_t size;

	if (gate->state_fd >= 0 &&
	    file_read(gate->state_fd, map_name, SWITCH_TEXT_MAX, &stored, &size) == 0)
		read_map(gate, stored);
	free(stored);
	text = isolation_map_text(gate->options, NULL);
	if (!gate->book->map.zones)
		read_map(gate, text);
	free(text);
}

static int leave_kernel(struct gate *gate, const struct isolation *like, struct isolated *ret_gone,
			struct failure *failure);

// What somebody has reconnected is not cut off once more by a restart; that it was is told later.
static void finish_leaving(struct gate *gate)
{
	struct isolation_book *book = gate->book;
	struct isolated *gone = calloc(book->n, sizeof(*gone));
	struct failure failure;

	for (size_t i = 0; gone && i < book->n;)
		if (!book->v[i].leaving ||
		    leave_kernel(gate, &book->v[i].cut, &gone[book->n_gone], &failure) < 0)
			i++;
		else
			book->n_gone++;
	book->gone = gone;
}

// Cut, but the daemon died or was not there before it was recorded.
static void tell_unrecorded(struct isolation_book *book, bool boot)
{
	for (size_t i = 0; i < book->n; i++)
		if (!book->v[i].incident)
			book_tell_found(book, &book->v[i]);
	if (book->n && book->state_fd >= 0 && !boot && !book->n_gone)
		book_write(book);
}

int isolation_open(struct gate *gate, struct failure *failure)
{
	struct isolation_book *book;
	bool damaged;
	int r = book_open(gate->state_fd, &gate->book, &damaged);

	if (r < 0)
		return failure_set(failure, SK_GUARD_FAILED, r, "the guard table: %s",
				   strerror(-r));
	book = gate->book;
	gate->guard = book->state;
	read_stored_map(gate);
	if (book->state == KERNEL_GUARD_ABSENT)
		book->state = KERNEL_GUARD_CLOSED;
	if (damaged) {
		failure_set(failure, SK_ISOLATION_DAMAGED, -EBADMSG,
			    "state/isolation is damaged and kept as isolation.damaged; %s",
			    gate->guard == KERNEL_GUARD_ABSENT
				    ? "everything is isolated until somebody reconnects it"
				    : "what the kernel holds is in force");
		gate_set_problem(gate, GATE_ISOLATION_DAMAGED, failure);
		if (gate->guard == KERNEL_GUARD_ABSENT)
			isolate_everything(gate);
	}
	finish_leaving(gate);
	if (book->n)
		r = book_make(book, book->state);
	tell_unrecorded(book, gate->options->boot);
	return r < 0 ? failure_set(failure, SK_ISOLATION_FAILED, r,
				   "what is isolated cannot be put into the kernel: %s",
				   strerror(-r))
		     : 0;
}

void isolation_close(struct gate *gate)
{
	book_close(gate->book);
	gate->book = NULL;
}

// --- the guard

int isolation_make_guard(struct gate *gate, enum kernel_guard state, bool by_hand, bool anew)
{
	struct guard_want want = { .state = state, .by_hand = by_hand };

	// Without a box file there is no book: what the kernel holds stays.
	return gate->book ? book_make_over(gate->book, state, by_hand, anew)
			  : kernel_guard_close(gate->kernel, &want);
}

// Interfaces that the map gives to isolated zones beyond those that are cut: 1, 0 there are none.
static int widen(struct isolation_book *book, const struct switch_map *map)
{
	int wider = 0;

	for (size_t i = 0; i < book->n; i++) {
		size_t before = book->v[i].cut.n_targets;
		int r;

		if (book->v[i].cut.kind != ISOLATION_ZONE)
			continue;
		r = switch_map_zone(map, &book->v[i].cut);
		if (r == -ENOENT || (r == 0 && book->v[i].cut.n_targets == before))
			continue;
		if (r == 0)
			r = isolations_add(book->in_force, &book->v[i].cut);
		if (r < 0)
			return r;
		wider = 1;
	}
	return wider;
}

static int cut_wider(struct gate *gate, const char *text)
{
	struct isolation_book *book = gate->book;
	struct switch_map map;
	unsigned line;
	int r = text ? switch_map_read(text, &map, &line) : -ENOMEM;

	if (r < 0)
		return r;
	pthread_mutex_lock(&book->lock);
	r = widen(book, &map);
	pthread_mutex_unlock(&book->lock);
	switch_map_done(&map);
	if (r <= 0)
		return r;
	r = book_make(book, book->state);
	isolation_write_book(gate);
	return r;
}

int isolation_precede(struct gate *gate, const struct report *report, struct failure *failure)
{
	char *text;
	int r;

	if (!gate->book->n)
		return 0;
	text = isolation_map_text(gate->options, report);
	r = cut_wider(gate, text);
	free(text);
	return r < 0 ? failure_set(failure, SK_ISOLATION_FAILED, r,
				   "what the policy adds to isolated zones cannot be cut off: %s",
				   strerror(-r))
		     : 0;
}

void isolation_follow(struct gate *gate)
{
	char *text = isolation_map_text(gate->options, &gate->current.report);
	struct failure failure;
	int r;

	read_map(gate, text);
	if (text && gate->state_fd >= 0)
		set_problem(gate, GATE_SWITCH_FILE,
			    file_replace(gate->state_fd, map_name, text, strlen(text)),
			    "state/switch cannot be written; sekisho-isolate goes by the policy "
			    "before");
	free(text);
	r = isolation_precede(gate, &gate->current.report, &failure);
	gate_set_problem(gate, GATE_ISOLATION_RULES, r < 0 ? &failure : NULL);
}

int isolation_look(struct gate *gate, struct book_seen *ret_seen)
{
	struct failure failure;
	int r = book_look(gate->book, ret_seen);

	if (gate->book->mirror_error < 0)
		book_mirror(gate->book);
	set_problem(
		gate, GATE_MIRROR, gate->book->mirror_error,
		"the mirror of what is isolated cannot be made, so a flush of all rules by hand "
		"opens it for seconds");
	if (r < 0)
		failure_set(&failure, SK_GUARD_FAILED, r, "the guard table cannot be read: %s",
			    strerror(-r));
	gate_set_problem(gate, GATE_LOOK, r < 0 ? &failure : NULL);
	if (r == 0 && ret_seen->undone) {
		failure_set(&failure, SK_ISOLATION_UNDONE, 0,
			    "rules that isolate were taken away by somebody; put back");
		journal_failed(gate->journal, &failure);
	}
	return r;
}

// --- the end of one

static void bring_up(struct gate *gate, const struct isolated *one)
{
	struct failure failure;

	for (size_t i = 0; i < one->n_down; i++) {
		int r = interface_set_up(one->down[i], true);

		if (r == 0)
			continue;
		failure_set(&failure, SK_ISOLATION_FAILED, r,
			    "interface %s cannot be switched on again: %s", one->down[i],
			    strerror(-r));
		journal_failed(gate->journal, &failure);
	}
}

// From here on a crash goes on with it, once the file says so.  by NULL: only if its time is over.
static bool leave(struct isolation_book *book, const struct isolation *like,
		  const struct person *by, const char *reason)
{
	static const struct person nobody = { CONTROL_NO_LOGIN, CONTROL_NO_LOGIN, "" };
	struct isolated *there;

	pthread_mutex_lock(&book->lock);
	there = book_find(book, like);
	if (there && !by && !isolated_is_over(there, journal_now_usec()))
		there = NULL;
	if (there) {
		const struct person *who = by ? by : &nobody;

		there->leaving = true;
		isolated_text(there->left_by, sizeof(there->left_by), who->name);
		there->left_uid = who->uid;
		there->left_login_uid = who->login_uid;
		isolated_text(there->left_reason, sizeof(there->left_reason), reason);
	}
	pthread_mutex_unlock(&book->lock);
	return there;
}

static void stay(struct isolation_book *book, const struct isolation *like)
{
	struct isolated *there;

	pthread_mutex_lock(&book->lock);
	there = book_find(book, like);
	if (there)
		there->leaving = false;
	pthread_mutex_unlock(&book->lock);
	book_write(book);
}

// The step of the incident's timeline, and the event.
static void record_end(struct gate *gate, const struct isolated *one)
{
	bool over = !one->left_by[0];
	char words[ISOLATION_WORDS_MAX];
	struct event event;

	event_init(&event, over ? EVENT_ISOLATION_ENDED : EVENT_RECONNECTED, journal_now_usec());
	event_text(&event, EVENT_NAME, isolation_words(&one->cut, words));
	if (one->incident)
		event_number(&event, EVENT_INCIDENT, one->incident);
	if (!over) {
		if (one->cut.kind == ISOLATION_ZONE)
			event_text(&event, EVENT_ZONE, one->cut.name);
		event_text(&event, EVENT_REASON, one->left_reason);
		event_text(&event, EVENT_ORDERED_BY, one->asked_usec ? one->asked_by : NULL);
		event_text(&event, EVENT_ACTOR, one->left_by);
		event_number(&event, EVENT_UID, one->left_uid);
		if (one->left_login_uid != CONTROL_NO_LOGIN)
			event_number(&event, EVENT_LOGIN_UID, one->left_login_uid);
	}
	journal_write(gate->journal, &event);
	if (one->incident)
		incident_step(gate, one->incident,
			      &(struct incident_step){
				      .kind = INCIDENT_RECONNECTED,
				      .actor = over ? "sekishod" : one->left_by,
				      .uid = over ? INCIDENT_NO_LOGIN : one->left_uid,
				      .login_uid = over ? INCIDENT_NO_LOGIN : one->left_login_uid,
				      .text = over ? "the time it was limited to is over"
						   : one->left_reason,
			      });
}

static int leave_kernel(struct gate *gate, const struct isolation *like, struct isolated *ret_gone,
			struct failure *failure)
{
	struct isolation_book *book = gate->book;
	const struct isolation cut = *like; // like may lie in the book
	int r = book_end(book, &cut, ret_gone);

	if (r == -ECANCELED)
		return failure_set(failure, SK_ISOLATION_FAILED, r,
				   "it was ordered again at this very moment, so it stays");
	if (r < 0) {
		stay(book, &cut);
		return failure_set(failure, SK_ISOLATION_FAILED, r,
				   "the kernel does not take the rules: %s", strerror(-r));
	}
	bring_up(gate, ret_gone);
	return 0;
}

void isolation_resume(struct gate *gate)
{
	struct isolation_book *book = gate->book;

	for (size_t i = 0; i < book->n_gone; i++)
		record_end(gate, &book->gone[i]);
	if (!book->n_gone)
		return;
	gate_flush(gate);
	book->n_gone = 0;
	isolation_write_book(gate);
}

int isolation_end(struct gate *gate, const struct isolation *like, const struct person *by,
		  const char *reason, struct failure *failure)
{
	struct isolation_book *book = gate->book;
	const struct isolation cut = *like;
	struct isolated gone;
	int r;

	if (!leave(book, &cut, by, reason))
		return failure_set(failure, SK_ISOLATION_FAILED, -ENOENT, "it is not isolated");
	r = book_write(book);
	if (r < 0) {
		stay(book, &cut);
		return failure_set(failure, SK_ISOLATION_FAILED, r,
				   "state/isolation cannot be written (%s), so nothing was "
				   "reconnected",
				   strerror(-r));
	}
	fault_point("reconnect-intended");
	r = leave_kernel(gate, &cut, &gone, failure);
	if (r < 0)
		return r;
	fault_point("reconnect-open");
	record_end(gate, &gone);
	gate_flush(gate);
	fault_point("reconnect-recorded");
	isolation_write_book(gate);
	if (!book->n)
		gate_set_problem(gate, GATE_ISOLATION_DAMAGED, NULL);
	fault_point("reconnect-stored");
	return 0;
}

void isolation_expire(struct gate *gate)
{
	struct isolation_book *book = gate->book;
	struct isolated one;
	struct failure failure;

	for (size_t i = 0;;) {
		bool more, over = false, armed = false;

		pthread_mutex_lock(&book->lock);
		more = i < book->n;
		if (more) {
			one = book->v[i];
			over = isolated_is_over(&book->v[i], journal_now_usec());
			armed = strcmp(one.until.boot, book->v[i].until.boot) != 0;
		}
		pthread_mutex_unlock(&book->lock);
		if (!more)
			return;
		if (armed)
			isolation_write_book(gate);
		if (!over || isolation_end(gate, &one.cut, NULL, "", &failure) < 0) {
			i++;
			continue;
		}
		isolation_write_motd(gate);
		live_review(gate, LIVE_EXPIRY);
	}
}
