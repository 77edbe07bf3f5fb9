#include "daemon/method_mass.h"

#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "daemon/isolation.h"
#include "daemon/mass.h"

enum { SECONDS_MAX = 365 * 86400 };

void method_mail_status(struct methods *methods, struct control_request *request)
{
	struct control_writer reply;

	control_writer_init(&reply, CTL_REPLY_MAX);
	mass_put_rows(methods->gate, &reply);
	control_server_answer(methods->server, request->token, &reply);
}

static bool is_zone(const struct gate *gate, const char *id)
{
	const struct control_rows *zones = &gate->current.report.zones;

	for (size_t i = 1; gate->current.about.number && i < zones->n; i++)
		if (strcmp(control_text(&zones->v[i], CTL_ID), id) == 0)
			return true;
	return false;
}

// NULL, or why it cannot be done.
static const char *read_stop(struct gate *gate, const struct control_row *fields,
			     struct mass_stop *ret)
{
	const char *why = mass_stop_parse(control_text(fields, CTL_KIND),
					  control_text(fields, CTL_NAME), ret);
	uint64_t seconds = control_u64(fields, CTL_SECONDS);

	if (why)
		return why;
	if (!mass_book(gate))
		return "nothing is counted here";
	if (!*control_text(fields, CTL_REASON))
		return "it needs its reason (--reason)";
	if (ret->stop.kind == MAIL_STOP_ZONE && !is_zone(gate, ret->name))
		return "the running policy has no such zone";
	if (seconds > SECONDS_MAX)
		return "it can be stopped for a year at most";
	ret->since_us = journal_now_usec();
	ret->stop.until_us = seconds ? ret->since_us + seconds * 1000000 : 0;
	isolated_text(ret->reason, sizeof(ret->reason), control_text(fields, CTL_REASON));
	return NULL;
}

static void answer(struct methods *methods, struct control_request *request,
		   const struct mass_stop *stop)
{
	char words[MASS_STOP_WORDS_MAX];
	struct control_writer reply;

	control_writer_init(&reply, CTL_REPLY_MAX);
	control_put_text(&reply, CTL_NAME, mass_stop_words(stop, words));
	control_put_time(&reply, CTL_UNTIL, stop->stop.until_us);
	mass_put_lines(methods->gate, &reply);
	control_server_answer(methods->server, request->token, &reply);
}

void method_mail_stop(struct methods *methods, struct control_request *request)
{
	struct mass_stop stop;
	const char *why = read_stop(methods->gate, request->fields, &stop);

	if (why)
		control_server_refuse(methods->server, request->token, EXIT_USAGE, "%s", why);
	else if (mass_stop(methods->gate, &stop, &request->peer) < 0)
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "%d stops are in force, and no more fit; resume some",
				      MAIL_STOPS_MAX);
	else
		answer(methods, request, &stop);
}

static bool needs_second(const struct gate *gate, const struct mass_stop *stop,
			 const struct control_peer *peer)
{
	bool asked = stop->asked_us &&
		     journal_now_usec() - stop->asked_us < MASS_ASKED_SECONDS * UINT64_C(1000000);

	if (!gate->book->map.second_person)
		return false;
	return !asked || !control_peers_differ(peer->uid, peer->login_uid, stop->asked_uid,
					       stop->asked_login_uid);
}

// Of that kind and name, in whatever direction: the next one that this person may resume, or has
// not asked for.
static const struct mass_stop *next(struct gate *gate, const struct mass_stop *like)
{
	static const uint32_t ways[] = { MAIL_BOTH_WAYS, MAIL_IN, MAIL_OUT };
	struct mass_book *book = mass_book(gate);
	struct mass_stop wanted = *like;

	if (like->stop.kind == MAIL_STOP_ALL)
		return mass_book_find(book, like);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct mass_stop *found;

		wanted.stop.directions = ways[i];
		found = mass_book_find(book, &wanted);
		if (found)
			return found;
	}
	return NULL;
}

static void ask(struct methods *methods, struct control_request *request,
		const struct mass_stop *stop, const char *reason)
{
	mass_ask(methods->gate, stop, &request->peer, reason);
	control_server_refuse(methods->server, request->token, EXIT_APPROVAL,
			      "noted; the policy wants two persons: within %d minutes %s",
			      MASS_ASKED_SECONDS / 60,
			      control_second_words(request->peer.uid, request->peer.login_uid));
}

void method_mail_resume(struct methods *methods, struct control_request *request)
{
	struct gate *gate = methods->gate;
	const struct mass_stop *found;
	struct mass_stop like;
	const char *why = read_stop(gate, request->fields, &like);
	const bool gone = why && like.stop.kind == MAIL_STOP_ZONE &&
			  *control_text(request->fields, CTL_REASON);

	if (why && !gone) { // a zone that is no more may well be stopped
		control_server_refuse(methods->server, request->token, EXIT_USAGE, "%s", why);
		return;
	}
	found = next(gate, &like);
	if (!found) {
		control_server_refuse(
			methods->server, request->token, EXIT_FAILED,
			"no such mail is stopped; \"sekisho mail status\" says what is");
		return;
	}
	if (needs_second(gate, found, &request->peer)) {
		ask(methods, request, found, control_text(request->fields, CTL_REASON));
		return;
	}
	do {
		const struct mass_stop one = *found;

		mass_resume(gate, &one, &request->peer, control_text(request->fields, CTL_REASON));
		found = next(gate, &like);
	} while (found && !needs_second(gate, found, &request->peer));
	like.stop.until_us = 0;
	answer(methods, request, &like);
}
