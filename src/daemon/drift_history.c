#include "daemon/drift_history.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/peer.h"

static struct drift_record *new_record(struct drift_history *history, enum event_kind kind,
				       enum diag_code code)
{
	struct drift_record *record = &history->v[history->n++ % DRIFT_HISTORY];
	*record = (struct drift_record){
		.time_usec = journal_now_usec(),
		.kind = kind,
		.code = code,
		.weight = FINDING_WARNING,
	};
	history->drifts += kind == EVENT_DRIFT;
	history->repaired += kind == EVENT_DRIFT_REPAIRED;
	return record;
}

static void put_who(struct event *event, const struct who *who, char person[CONTROL_PEER_NAME_MAX])
{
	event_text(event, EVENT_NAME, who->name);
	if (who->pid)
		event_number(event, EVENT_PID, who->pid);
	if (!who->found)
		return;
	event_text(event, EVENT_ACTOR, control_person_name(who->uid, who->login_uid, person));
	event_number(event, EVENT_UID, who->uid);
	if (who->login_uid != WHO_NO_LOGIN)
		event_number(event, EVENT_LOGIN_UID, who->login_uid);
}

static void write_record(struct gate *gate, const struct drift_record *record,
			 const struct who *who, uint64_t duration_us)
{
	char text[sizeof(record->words) + sizeof(record->who) + 24], person[CONTROL_PEER_NAME_MAX];
	struct event event;
	snprintf(text, sizeof(text), "SK%03d %s%s%s", (int)record->code, record->words,
		 record->who[0] ? ", by " : "", record->who);
	event_init(&event, record->kind, record->time_usec);
	event_text(&event, EVENT_MESSAGE, text);
	if (gate->current.about.number)
		event_number(&event, EVENT_GENERATION, gate->current.about.number);
	if (who)
		put_who(&event, who, person);
	if (duration_us)
		event_number(&event, EVENT_DURATION, duration_us);
	event_text(&event, EVENT_WEIGHT, finding_weight_word(record->weight));
	journal_write(gate->journal, &event);
}

void drift_history_tell(struct drift_history *history, struct gate *gate, enum event_kind kind,
			enum diag_code code, const struct who *who, uint64_t duration_us,
			const char *format, ...)
{
	struct drift_record *record = new_record(history, kind, code);
	va_list args;
	va_start(args, format);
	vsnprintf(record->words, sizeof(record->words), format, args);
	va_end(args);
	if (who)
		who_text(who, record->who);
	write_record(gate, record, who, duration_us);
}

void drift_history_tell_finding(struct drift_history *history, struct gate *gate,
				const struct finding *finding, bool gone)
{
	const struct finding_info *info = finding_info(finding->kind);
	struct drift_record *record =
		new_record(history, gone ? EVENT_DRIFT_GONE : info->event, info->code);
	record->weight = gone ? FINDING_NOTE : finding->weight;
	snprintf(record->words, sizeof(record->words), "%s", finding->words);
	write_record(gate, record, NULL, 0);
}

void drift_history_put(const struct drift_history *history, struct control_writer *reply)
{
	for (uint64_t i = 0; i < history->n && i < DRIFT_HISTORY; i++) {
		const struct drift_record *record =
			&history->v[(history->n - 1 - i) % DRIFT_HISTORY];
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_STATE, "past");
		control_put_text(reply, CTL_NAME, event_kind_info(record->kind)->name);
		control_put_text(reply, CTL_SEVERITY, finding_weight_word(record->weight));
		control_put_u64(reply, CTL_CODE, record->code);
		control_put_time(reply, CTL_SINCE, record->time_usec);
		control_put_text(reply, CTL_MESSAGE, record->words);
		control_put_text(reply, CTL_WHO, record->who);
	}
}
