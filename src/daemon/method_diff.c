// A comparison for a client: from a generation to a folder, or to what runs.
#include "daemon/method_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/countries.h"
#include "daemon/differ.h"
#include "daemon/report.h"

struct diff_waiting {
	struct methods *methods;
	struct control_token token;
	struct comparing *comparing;
	struct diff_waiting *next;
};

static void take_out(struct diff_waiting *waiting)
{
	struct diff_waiting **at = &waiting->methods->diffs;
	while (*at != waiting)
		at = &(*at)->next;
	*at = waiting->next;
	free(waiting);
}

static void refuse(struct methods *methods, struct control_token token,
		   const struct failure *failure)
{
	control_server_refuse(methods->server, token,
			      failure->code < SK_KERNEL_REFUSED ? EXIT_POLICY : EXIT_FAILED,
			      "SK%03d %s", (int)failure->code, failure->text);
}

static void on_compared(void *arg, const struct differ_result *result)
{
	struct diff_waiting *waiting = arg;
	struct methods *methods = waiting->methods;
	struct control_token token = waiting->token;
	struct control_writer reply;
	take_out(waiting);
	if (result->failure) {
		refuse(methods, token, result->failure);
		return;
	}
	control_writer_init(&reply, CTL_REPLY_MAX);
	if (control_u64(&result->rows->v[0], CTL_ERRORS)) {
		control_put_u64(&reply, CTL_EXIT, EXIT_POLICY);
		control_put_text(&reply, CTL_ERROR, "a policy has faults and cannot be compared");
	}
	report_put_row(&reply, &result->rows->v[0]);
	report_put_rows(&reply, result->rows);
	control_server_answer(methods->server, token, &reply);
}

// number 0: the running one, *ret_fd -1 when none is.
static int take_generation(const struct gate *gate, uint64_t number, struct failure *failure,
			   int *ret_fd)
{
	*ret_fd = -1;
	if (number == 0)
		number = gate->current.about.number;
	return number ? differ_snapshot_generation(gate, number, failure, ret_fd) : 0;
}

static int take_after(const struct gate *gate, const struct control_request *request,
		      struct failure *failure, int *ret_fd)
{
	if (request->fd >= 0)
		return differ_snapshot(gate, request->fd,
				       control_text(request->fields, CTL_DIRECTORY), failure,
				       ret_fd);
	int r = take_generation(gate, 0, failure, ret_fd);
	if (r == 0 && *ret_fd < 0)
		r = failure_set(failure, SK_NO_GENERATION, -ENOENT,
				"no policy runs that could be compared");
	return r;
}

// The gate opens the files of a folder with its own rights and tells their faults: that is for
// those who could propose it.
static bool may(struct methods *methods, const struct control_request *request)
{
	char groups[160];
	if (request->fd < 0 || control_peer_may(&request->peer, CTL_MAY_OPERATE))
		return true;
	control_server_refuse(methods->server, request->token, EXIT_FAILED,
			      "you may not call \"diff\" with a folder: that is for root and "
			      "members of %s; with two folders it needs no daemon",
			      control_permission_groups(CTL_MAY_OPERATE, groups, sizeof(groups)));
	methods_refused(methods, &request->peer, request->method);
	return false;
}

static int start(struct methods *methods, const struct control_request *request,
		 struct diff_waiting *waiting, struct failure *failure)
{
	uint64_t number = control_u64(request->fields, CTL_GENERATION);
	int before = -1, after = -1, countries = -1;
	int r = take_generation(methods->gate, number, failure, &before);
	if (r == 0)
		r = take_after(methods->gate, request, failure, &after);
	if (r == 0) {
		r = countries_running(methods->gate, &countries);
		if (r == 0)
			r = differ_start(methods->event, before, after, countries, on_compared,
					 waiting, &waiting->comparing);
		if (r < 0)
			failure_set(failure, SK_DIFF_FAILED, r, "the comparison: %s", strerror(-r));
	}
	if (countries >= 0)
		close(countries);
	if (before >= 0)
		close(before);
	if (after >= 0)
		close(after);
	return r;
}

static size_t count(const struct diff_waiting *waiting)
{
	size_t n = 0;
	for (; waiting; waiting = waiting->next)
		n++;
	return n;
}

void method_diff(struct methods *methods, struct control_request *request)
{
	struct failure failure;
	if (!may(methods, request))
		return;
	if (request->fd < 0 && !control_find(request->fields, CTL_GENERATION)) {
		control_server_refuse(methods->server, request->token, EXIT_USAGE,
				      "a folder or a generation to compare with is missing");
		return;
	}
	struct diff_waiting *waiting =
		count(methods->diffs) < DIFFS_MAX ? calloc(1, sizeof(*waiting)) : NULL;
	if (!waiting) {
		control_server_refuse(methods->server, request->token, EXIT_FAILED,
				      "too many comparisons run already; try again");
		return;
	}
	*waiting = (struct diff_waiting){ methods, request->token, NULL, methods->diffs };
	methods->diffs = waiting;
	if (start(methods, request, waiting, &failure) == 0)
		return;
	take_out(waiting);
	refuse(methods, request->token, &failure);
}

void method_diff_cancel(struct methods *methods)
{
	while (methods->diffs) {
		differ_cancel(methods->diffs->comparing);
		take_out(methods->diffs);
	}
}
