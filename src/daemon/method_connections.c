#include "daemon/method_connections.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/live.h"
#include "daemon/live_record.h"

struct connections_waiting {
	struct methods *methods;
	struct control_token token;
	struct judging *judging;
	uint64_t generation;
	char zone[CTL_ID_MAX]; // "": all
	struct connections_waiting *next;
};

static void take_out(struct connections_waiting *waiting)
{
	struct connections_waiting **at = &waiting->methods->connections;
	while (*at != waiting)
		at = &(*at)->next;
	*at = waiting->next;
	judging_free(waiting->judging);
	free(waiting);
}

static void refuse(struct methods *methods, struct control_token token,
		   const struct failure *failure)
{
	control_server_refuse(methods->server, token, EXIT_FAILED, "SK%03d %s", (int)failure->code,
			      failure->text);
}

static const char *state_word(const struct judge_verdict *verdict)
{
	static const char *const words[] = {
		[JUDGE_LEFT] = "not-judged",
		[JUDGE_ALLOWED] = "allowed",
		[JUDGE_CUT] = "not-allowed",
	};
	return words[verdict->outcome];
}

static void put_connection(struct control_writer *reply, const struct judge_answer *answer,
			   const struct conntrack_entry *entry, const struct judge_verdict *verdict)
{
	struct live_words words;
	struct live_cut cut = live_cut_of(answer, entry, verdict, &words);
	control_put_mark(reply, CTL_ROW);
	control_put_text(reply, CTL_STATE, state_word(verdict));
	live_put_cut(reply, &cut);
	if (entry->packets[0] || entry->packets[1])
		control_put_u64(reply, CTL_PACKETS, entry->packets[0] + entry->packets[1]);
}

static bool is_wanted(const struct connections_waiting *waiting, const struct judge_answer *answer,
		      const struct judge_verdict *verdict)
{
	return !waiting->zone[0] ||
	       strcmp(judge_zone_name(answer, verdict->from), waiting->zone) == 0 ||
	       strcmp(judge_zone_name(answer, verdict->to), waiting->zone) == 0;
}

static void put_connections(struct control_writer *reply, const struct connections_waiting *waiting)
{
	size_t n, total = 0, cut = 0, shown = 0;
	const struct conntrack_entry *entries = judging_entries(waiting->judging, &n);
	const struct judge_answer *answer = judging_answer(waiting->judging);
	for (size_t i = 0; i < n; i++) {
		if (!is_wanted(waiting, answer, &answer->verdicts[i]))
			continue;
		total++;
		cut += answer->verdicts[i].outcome == JUDGE_CUT;
	}
	control_put_u64(reply, CTL_GENERATION, waiting->generation);
	control_put_u64(reply, CTL_TOTAL, total);
	control_put_u64(reply, CTL_CUT, cut);
	for (size_t i = 0; i < n && shown < CONNECTIONS_SHOWN_MAX; i++) {
		if (!is_wanted(waiting, answer, &answer->verdicts[i]))
			continue;
		put_connection(reply, answer, &entries[i], &answer->verdicts[i]);
		shown++;
	}
}

static void on_judged(void *arg, struct judging *judging, const struct failure *failure)
{
	struct connections_waiting *waiting = arg;
	struct control_writer reply;
	(void)judging;
	if (failure) {
		refuse(waiting->methods, waiting->token, failure);
	} else {
		control_writer_init(&reply, CTL_REPLY_MAX);
		put_connections(&reply, waiting);
		control_server_answer(waiting->methods->server, waiting->token, &reply);
	}
	take_out(waiting);
}

static bool is_zone(const struct gate *gate, const char *id)
{
	const struct control_rows *zones = &gate->current.report.zones;
	for (size_t i = 1; i < zones->n; i++)
		if (strcmp(control_text(&zones->v[i], CTL_ID), id) == 0)
			return true;
	return false;
}

static int start(struct connections_waiting *waiting, struct failure *failure)
{
	struct methods *methods = waiting->methods;
	int policy;
	int r = live_policy(methods->gate, failure, &policy);
	if (r < 0)
		return r;
	waiting->generation = methods->gate->current.about.number;
	r = judging_start(methods->gate, methods->event, policy, true, on_judged, waiting, failure,
			  &waiting->judging);
	close(policy);
	return r;
}

static size_t count(const struct connections_waiting *waiting)
{
	size_t n = 0;
	for (; waiting; waiting = waiting->next)
		n++;
	return n;
}

void method_connections(struct methods *methods, struct control_request *request)
{
	const char *zone = control_text(request->fields, CTL_ZONE);
	struct failure failure;
	if (!methods->gate->current.about.number) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "no policy runs that could permit a connection");
		return;
	}
	if (*zone && !is_zone(methods->gate, zone)) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "there is no zone \"%s\"", zone);
		return;
	}
	struct connections_waiting *waiting = count(methods->connections) < CONNECTIONS_ASKED_MAX
						      ? calloc(1, sizeof(*waiting))
						      : NULL;
	if (!waiting) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "connections are being listed already; try again");
		return;
	}
	waiting->methods = methods;
	waiting->token = request->token;
	waiting->next = methods->connections;
	snprintf(waiting->zone, sizeof(waiting->zone), "%s", zone);
	methods->connections = waiting;
	if (start(waiting, &failure) == 0)
		return;
	refuse(methods, request->token, &failure);
	take_out(waiting);
}

void method_connections_cancel(struct methods *methods)
{
	while (methods->connections)
		take_out(methods->connections);
}
