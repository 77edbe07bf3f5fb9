// The reasons, one row of a table each.
#include "daemon/shut.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "daemon/stored.h"

static const char file_name[] = "closed";

static const struct {
	enum gate_shut reason;
	const char *words, *ends;
} reasons[SHUT_REASONS] = {
	{ GATE_SHUT_HAND, "by hand",
	  "it opens when somebody flushes table inet sekisho_guard, or applies or rolls back" },
	{ GATE_SHUT_POLICY, "there is no policy, or it could not be loaded",
	  "it opens when one is applied" },
	{ GATE_SHUT_RECORD, "the policy wants an audit log, and it cannot be written",
	  "it opens when it can" },
	{ GATE_SHUT_RULES, "the kernel does not run what it should",
	  "it opens when the rules are right again" },
	{ GATE_SHUT_RETURN, "what nobody confirmed could not be taken back",
	  "it opens when a generation runs that counts" },
};

void shut_add(struct shut *shut, enum gate_shut reason, const char *who, uint64_t now_usec)
{
	for (size_t i = 0; i < SHUT_REASONS; i++) {
		if (reasons[i].reason != reason || shut->bits & reason)
			continue;
		shut->why[i].since_usec = now_usec;
		snprintf(shut->why[i].who, SHUT_WHO_MAX, "%s", who ? who : "");
	}
	shut->bits |= reason;
}

void shut_take(struct shut *shut, unsigned which)
{
	shut->bits &= ~which;
}

// --- the file

int shut_write(const struct shut *shut, int state_fd)
{
	struct json_object *object;
	int r = fault_error("shut-write");

	if (r < 0)
		return r;
	if (!(shut->bits & GATE_SHUT_HAND))
		return stored_remove(state_fd, file_name);
	object = json_object_new_object();
	stored_put_text(object, "why", reasons[0].words);
	stored_put_text(object, "who", shut->why[0].who);
	stored_put_number(object, "since_usec", shut->why[0].since_usec);
	return stored_write(state_fd, file_name, object);
}

void shut_read(struct shut *shut, int state_fd, uint64_t now_usec)
{
	struct json_object *object;
	int r = stored_read(state_fd, file_name, &object);

	if (r == -ENOENT)
		return;
	shut_add(shut, GATE_SHUT_HAND,
		 r < 0 ? "somebody: state/closed cannot be read, so it counts" : "", now_usec);
	if (r < 0)
		return;
	stored_text(object, "who", shut->why[0].who, SHUT_WHO_MAX);
	shut->why[0].since_usec = stored_number(object, "since_usec");
	json_object_put(object);
}

// --- for people

void shut_put_lines(const struct shut *shut, struct control_writer *reply)
{
	char line[CTL_NAME_MAX], since[40];
	struct tm tm;

	for (size_t i = 0; i < SHUT_REASONS; i++) {
		time_t seconds = (time_t)(shut->why[i].since_usec / 1000000);

		if (!(shut->bits & reasons[i].reason))
			continue;
		if (!localtime_r(&seconds, &tm) ||
		    !strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", &tm))
			since[0] = '\0';
		snprintf(line, sizeof(line), "%s, since %s, noticed by sekishod%s%s; %s",
			 reasons[i].words, since, shut->why[i].who[0] ? ", done by " : "",
			 shut->why[i].who, reasons[i].ends);
		control_put_text(reply, CTL_SHUT, line);
	}
}
