// Reconnecting: by name or by incident, with a reason, and by two persons where the policy wants
// it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "base/fault.h"
#include "daemon/isolation.h"
#include "daemon/live.h"

struct reconnect {
	struct gate *gate;
	struct control_server *server;
	const struct control_request *request;
	const char *reason;
	struct isolated one;
};

// "office", "zone office", "10.20.0.5", "all", or the number of an incident.
static bool is_meant(const struct isolated *one, const char *name)
{
	char words[ISOLATION_WORDS_MAX], number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)one->incident);
	return strcmp(one->cut.name, name) == 0 ||
	       strcmp(isolation_words(&one->cut, words), name) == 0 ||
	       (one->incident && strcmp(number, name) == 0) ||
	       (one->cut.kind == ISOLATION_ALL && strcmp(name, "all") == 0);
}

// How many are meant; one of them in *ret.
static size_t find(struct gate *gate, const char *name, struct isolated *ret)
{
	struct isolation_book *book = gate->book;
	size_t n = 0;

	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->n; i++)
		if (is_meant(&book->v[i], name)) {
			*ret = book->v[i];
			n++;
		}
	pthread_mutex_unlock(&book->lock);
	return n;
}

static bool needs_second(struct reconnect *reconnect)
{
	const struct control_peer *peer = &reconnect->request->peer;
	const struct isolated *one = &reconnect->one;
	bool asked = one->asked_usec &&
		     journal_now_usec() - one->asked_usec < ISOLATION_ASKED_SECONDS * 1000000ULL;

	if (!reconnect->gate->book->map.second_person)
		return false;
	return !asked || !control_peers_differ(peer->uid, peer->login_uid, one->asked_uid,
					       one->asked_login_uid);
}

static void record(struct reconnect *reconnect)
{
	char words[ISOLATION_WORDS_MAX], name[CONTROL_PEER_NAME_MAX];
	const struct isolated *one = &reconnect->one;
	struct event event;

	event_init(&event, EVENT_RECONNECT_ASKED, journal_now_usec());
	event_text(&event, EVENT_NAME, isolation_words(&one->cut, words));
	if (one->cut.kind == ISOLATION_ZONE)
		event_text(&event, EVENT_ZONE, one->cut.name);
	event_text(&event, EVENT_REASON, reconnect->reason);
	if (one->incident)
		event_number(&event, EVENT_INCIDENT, one->incident);
	control_event_actor(&event, &reconnect->request->peer, name);
	journal_write(reconnect->gate->journal, &event);
}

// The first of two: nothing is opened yet.
static void ask(struct reconnect *reconnect)
{
	struct isolation_book *book = reconnect->gate->book;
	const struct control_peer *peer = &reconnect->request->peer;
	struct isolated *there;

	pthread_mutex_lock(&book->lock);
	there = book_find(book, &reconnect->one.cut);
	if (there) {
		control_person_name(peer->uid, peer->login_uid, there->asked_by);
		there->asked_uid = peer->uid;
		there->asked_login_uid = peer->login_uid;
		there->asked_usec = journal_now_usec();
		isolated_text(there->asked_reason, sizeof(there->asked_reason), reconnect->reason);
	}
	pthread_mutex_unlock(&book->lock);
	record(reconnect);
	gate_flush(reconnect->gate);
	fault_point("reconnect-asked");
	book_write(book);
	fault_point("reconnect-asked-stored");
	control_server_refuse(reconnect->server, reconnect->request->token, EXIT_APPROVAL,
			      "noted; the policy wants two persons: within %d minutes %s",
			      ISOLATION_ASKED_SECONDS / 60,
			      control_second_words(reconnect->request->peer.uid,
						   reconnect->request->peer.login_uid));
}

static void go(struct reconnect *reconnect)
{
	struct gate *gate = reconnect->gate;
	struct control_writer reply;
	struct failure failure;
	struct person by;
	char words[ISOLATION_WORDS_MAX];

	person_of_peer(&reconnect->request->peer, &by);
	if (isolation_end(gate, &reconnect->one.cut, &by, reconnect->reason, &failure) < 0) {
		journal_failed(gate->journal, &failure);
		control_server_refuse(reconnect->server, reconnect->request->token, EXIT_FAILED,
				      "SK%03d %s", (int)failure.code, failure.text);
		return;
	}
	isolation_write_motd(gate);
	live_review(gate, LIVE_RECONNECT);
	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_text(&reply, CTL_NAME, isolation_words(&reconnect->one.cut, words));
	control_put_time(&reply, CTL_CONFIRMED, journal_now_usec());
	if (reconnect->one.incident)
		control_put_u64(&reply, CTL_INCIDENT, reconnect->one.incident);
	isolation_put_lines(gate, &reply);
	control_server_answer(reconnect->server, reconnect->request->token, &reply);
}

void isolation_reconnect(struct gate *gate, struct control_server *server,
			 struct control_request *request)
{
	struct reconnect *reconnect = calloc(1, sizeof(*reconnect));
	char name[ADDR_TEXT_MAX]; // longer than CTL_ID_MAX
	size_t n;

	if (!reconnect) {
		control_server_refuse(server, request->token, EXIT_FAILED, "no memory");
		return;
	}
	isolation_host_name(control_text(request->fields, CTL_NAME), name);
	reconnect->gate = gate;
	reconnect->server = server;
	reconnect->request = request;
	reconnect->reason = control_text(request->fields, CTL_REASON);
	n = find(gate, name, &reconnect->one);
	if (!*reconnect->reason)
		control_server_refuse(server, request->token, EXIT_USAGE,
				      "a reconnect needs its reason (--reason)");
	else if (n == 0)
		control_server_refuse(server, request->token, EXIT_FAILED,
				      "nothing is isolated by the name or incident \"%s\"", name);
	else if (n > 1)
		control_server_refuse(server, request->token, EXIT_USAGE,
				      "several isolations are called \"%s\"; say which: zone %s, "
				      "link %s …",
				      name, name, name);
	else if (needs_second(reconnect))
		ask(reconnect);
	else
		go(reconnect);
	free(reconnect);
}
