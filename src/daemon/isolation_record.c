// Orders that the switch carried out, into the record and into incidents.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "daemon/incident.h"
#include "daemon/isolation.h"
#include "daemon/live.h"

static void put_actor(struct event *event, const struct isolated *isolated)
{
	event_text(event, EVENT_ACTOR, isolated->by_hand ? "by hand" : isolated->actor);
	if (isolated->uid != CONTROL_NO_LOGIN)
		event_number(event, EVENT_UID, isolated->uid);
	if (isolated->login_uid != CONTROL_NO_LOGIN)
		event_number(event, EVENT_LOGIN_UID, isolated->login_uid);
	if (isolated->pid)
		event_number(event, EVENT_PID, (uint64_t)isolated->pid);
}

static void record(struct gate *gate, const struct isolation_news *news)
{
	const struct isolated *one = &news->isolated;
	char words[ISOLATION_WORDS_MAX];
	struct event event;

	event_init(&event, one->by_hand ? EVENT_ISOLATION_FOUND : EVENT_ISOLATED,
		   one->confirmed_usec);
	event_text(&event, EVENT_NAME, isolation_words(&one->cut, words));
	if (one->cut.kind == ISOLATION_ZONE)
		event_text(&event, EVENT_ZONE, one->cut.name);
	if (one->cut.total)
		event_text(&event, EVENT_MESSAGE, "total: lifelines are cut too");
	event_text(&event, EVENT_REASON, one->reason);
	if (!one->by_hand)
		event_text(&event, EVENT_ORDERED_BY,
			   one->ordered_by[0] ? one->ordered_by : "own judgment");
	put_actor(&event, one);
	if (gate->current.about.number)
		event_number(&event, EVENT_GENERATION, gate->current.about.number);
	journal_write(gate->journal, &event);
}

static uint64_t open_incident(struct gate *gate, const struct isolated *one, bool found)
{
	const char *const zones[] = { one->cut.name };
	const struct incident_what what = {
		.kind = one->by_hand	      ? INCIDENT_BY_HAND
			: one->cut.quarantine ? INCIDENT_QUARANTINE
					      : INCIDENT_ISOLATE,
		.scope = isolation_kind_word(one->cut.kind),
		.subject = one->cut.name,
		.zones = zones,
		.n_zones = one->cut.kind == ISOLATION_ZONE,
		.actor = one->actor,
		.uid = one->uid,
		.login_uid = one->login_uid,
		.reason = one->by_hand ? "ordered by sekisho-isolate or by hand" : one->reason,
		.ordered_by = one->ordered_by,
		.own_judgment = !one->by_hand && !one->ordered_by[0],
		.time_usec = one->confirmed_usec,
	};

	uint64_t number = found ? incident_find(gate, &what) : 0;

	return number ? number : incident_open(gate, &what);
}

static void number_it(struct gate *gate, const struct isolation *like, uint64_t incident)
{
	struct isolation_book *book = gate->book;
	struct isolated *there;

	pthread_mutex_lock(&book->lock);
	there = book_find(book, like);
	if (there)
		there->incident = incident;
	pthread_mutex_unlock(&book->lock);
}

static uint64_t number_of(struct gate *gate, const struct isolation *like)
{
	struct isolation_book *book = gate->book;
	struct isolated *there;
	uint64_t incident;

	pthread_mutex_lock(&book->lock);
	there = book_find(book, like);
	incident = there ? there->incident : 0;
	pthread_mutex_unlock(&book->lock);
	return incident;
}

// Ordered once more, perhaps by somebody else and for another reason.
static void step_again(struct gate *gate, uint64_t incident, const struct isolated *one)
{
	char text[ISOLATED_REASON_MAX + 32];
	const struct incident_step step = {
		.kind = INCIDENT_NOTED,
		.time_usec = one->confirmed_usec,
		.actor = one->by_hand ? "by hand" : one->actor,
		.uid = one->uid,
		.login_uid = one->login_uid,
		.text = text,
	};

	snprintf(text, sizeof(text), "isolated again: %s",
		 one->by_hand ? "by sekisho-isolate or by hand" : one->reason);
	incident_step(gate, incident, &step);
}

static void record_refusal(struct gate *gate, const struct isolation_news *news)
{
	char name[CONTROL_PEER_NAME_MAX];
	struct event event;

	event_init(&event, EVENT_CALL_REFUSED, journal_now_usec());
	event_text(&event, EVENT_METHOD, control_method_info(news->method)->name);
	control_event_actor(&event, &news->peer, name);
	if (news->suppressed)
		event_number(&event, EVENT_COUNT, news->suppressed);
	journal_write(gate->journal, &event);
}

// The cut waited for no name.
static void name_actor(struct gate *gate, struct isolated *one)
{
	struct isolation_book *book = gate->book;
	struct isolated *there;

	if (one->by_hand || one->uid == CONTROL_NO_LOGIN)
		return;
	control_person_name(one->uid, one->login_uid, one->actor);
	pthread_mutex_lock(&book->lock);
	there = book_find(book, &one->cut);
	if (there && !there->by_hand && there->uid == one->uid &&
	    there->login_uid == one->login_uid)
		memcpy(there->actor, one->actor, sizeof(there->actor));
	pthread_mutex_unlock(&book->lock);
}

static void hear_order(struct gate *gate, struct isolation_news *news)
{
	const struct isolation *cut = &news->isolated.cut;
	uint64_t incident;

	name_actor(gate, &news->isolated);
	record(gate, news);
	incident = number_of(gate, cut);
	if (!incident)
		number_it(gate, cut, open_incident(gate, &news->isolated, news->found));
	else if (news->again)
		step_again(gate, incident, &news->isolated);
	fault_point("isolate-recorded");
}

// There was no memory for the news of these orders.  Those that nobody has recorded are in the
// book; one that was given again for what was recorded already is only counted.  True: there were.
static bool hear_untold(struct gate *gate)
{
	struct isolation_book *book = gate->book;
	struct isolation_news *news;
	struct failure failure;
	uint64_t untold = book_untold(book);

	if (!untold)
		return false;
	failure_set(&failure, SK_ISOLATION_FAILED, -ENOMEM,
		    "no memory: %llu orders to isolate were carried out and not told; what is in "
		    "force is recorded now",
		    (unsigned long long)untold);
	journal_failed(gate->journal, &failure);
	news = calloc(1, sizeof(*news));
	for (size_t i = 0; news && i < ISOLATIONS_MAX; i++) {
		pthread_mutex_lock(&book->lock);
		news->isolated.incident = 1;
		if (i < book->n)
			news->isolated = book->v[i];
		pthread_mutex_unlock(&book->lock);
		if (!news->isolated.incident)
			hear_order(gate, news);
	}
	free(news);
	return true;
}

void isolation_hear(struct gate *gate)
{
	struct isolation_news *news;
	bool any = false, quarantined = false;

	while ((news = book_hear(gate->book))) {
		if (news->method) {
			record_refusal(gate, news);
			free(news);
			continue;
		}
		hear_order(gate, news);
		any = true;
		quarantined |= news->isolated.cut.quarantine;
		free(news);
	}
	any |= hear_untold(gate);
	if (!any)
		return;
	isolation_write_book(gate);
	fault_point("isolate-numbered");
	isolation_write_motd(gate);
	if (quarantined)
		live_review(gate, LIVE_QUARANTINE);
}
