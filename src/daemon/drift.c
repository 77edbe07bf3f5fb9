// What the kernel tells makes a look due; looks are coalesced, and each kind has its own pace, so
// that whoever changes things in a loop gets the gate's attention now and then, not all of it.
#include "daemon/drift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/drift_history.h"
#include "daemon/settings.h"
#include "daemon/surroundings.h"
#include "kernel/sysctl.h"
#include "kernel/watch.h"

enum drift_area { AREA_GUARD, AREA_RULES, AREA_SETTINGS, AREA_FOREIGN, AREA_NETWORK, AREAS };

// Before the next repair: none after a calm time, then twice as long each time.
struct patience {
	unsigned streak;
	uint64_t last_us;
};

struct drift {
	struct gate *gate;
	struct watch *watch;
	sd_event_source *rules, *network, *work, *second;
	unsigned due; // bits of enum drift_area
	uint64_t not_before_us[AREAS], looked_us[AREAS];
	uint64_t whole_us; // of the last look at everything

	// What was told of our tables and not yet looked at.
	struct who who;
	char words[WATCH_WORDS_MAX];
	bool gone;
	uint64_t noticed_us;

	struct patience rules_patience, settings_patience;
	bool differs;	    // the rules, at the last look
	char told[640];	    // the difference that was told last, while it lasts
	uint64_t verify_us; // the last whole reading took

	struct surroundings surroundings;
	struct settings settings;
	struct findings foreign, around, setting;
	struct drift_history history;
};

// --- what is due

static void schedule(struct drift *drift)
{
	uint64_t at = UINT64_MAX;
	for (unsigned area = 0; area < AREAS; area++)
		if (drift->due & 1u << area && drift->not_before_us[area] < at)
			at = drift->not_before_us[area];
	if (!drift->work || at == UINT64_MAX)
		return;
	sd_event_source_set_time(drift->work, at);
	sd_event_source_set_enabled(drift->work, SD_EVENT_ONESHOT);
}

static void make_due(struct drift *drift, unsigned areas)
{
	drift->due |= areas;
	schedule(drift);
}

static uint64_t wait_us(struct patience *patience, uint64_t now)
{
	uint64_t wait_ms = DRIFT_BACKOFF_MS;
	if (now - patience->last_us > DRIFT_CALM_SECONDS * 1000000ULL)
		patience->streak = 0;
	patience->last_us = now;
	for (unsigned i = 0; i < patience->streak && wait_ms < DRIFT_BACKOFF_MAX_MS; i++)
		wait_ms *= 2;
	patience->streak++;
	return wait_ms * 1000;
}

// --- our rules

static void forget(struct drift *drift)
{
	drift->who = (struct who){ 0 };
	drift->words[0] = '\0';
	drift->gone = false;
	drift->noticed_us = 0;
}

static void tell_difference(struct drift *drift, const struct failure *difference)
{
	// Once for each change, not for each try to put it right.
	if (!drift->noticed_us && !strcmp(drift->told, difference->text))
		return;
	drift_history_tell(&drift->history, drift->gate, EVENT_DRIFT, SK_DRIFT, &drift->who, 0,
			   "%s%s%s", drift->words, drift->words[0] ? "; found: " : "",
			   difference->text);
	snprintf(drift->told, sizeof(drift->told), "%s", difference->text);
}

static void close_gate(struct drift *drift)
{
	if (kernel_owned_by_another(drift->gate->kernel) <= 0) // else that one's business
		gate_shut(drift->gate, GATE_SHUT_RULES);
}

static void rules_are_right(struct drift *drift)
{
	struct gate *gate = drift->gate;
	drift->differs = false;
	drift->told[0] = '\0';
	gate_set_problem(gate, GATE_DRIFT, NULL);
	gate_set_problem(gate, GATE_KERNEL, NULL);
	if (gate->shut.bits & GATE_SHUT_RULES)
		gate_let_through(gate, GATE_SHUT_RULES);
}

static void repaired(struct drift *drift, uint64_t since_us)
{
	struct gate *gate = drift->gate;
	uint64_t now = monotonic_us();
	drift_history_tell(&drift->history, gate, EVENT_DRIFT_REPAIRED, SK_DRIFT, NULL,
			   now - since_us, "generation %llu runs again after %llu.%llu ms",
			   (unsigned long long)gate->current.about.number,
			   (unsigned long long)(now - since_us) / 1000,
			   (unsigned long long)(now - since_us) % 1000 / 100);
	drift->not_before_us[AREA_RULES] = now + wait_us(&drift->rules_patience, now);
	if (drift->rules_patience.streak == DRIFT_STORM)
		drift_history_tell(&drift->history, gate, EVENT_DRIFT_STORM, SK_DRIFT, &drift->who,
				   0,
				   "put right %d times, each soon after the other; from now on "
				   "with longer waits",
				   DRIFT_STORM);
	rules_are_right(drift);
}

static void not_repaired(struct drift *drift, const struct failure *failure)
{
	struct failure problem;
	uint64_t now = monotonic_us();
	failure_set(&problem, SK_DRIFT_UNREPAIRED, 0,
		    "the running generation is not what the "
		    "kernel has (%s), and: SK%03d %s",
		    drift->told, (int)failure->code, failure->text);
	gate_set_problem(drift->gate, GATE_DRIFT, &problem);
	close_gate(drift);
	drift->not_before_us[AREA_RULES] = now + wait_us(&drift->rules_patience, now);
	drift->due |= 1u << AREA_RULES;
}

static void look_at_rules(struct drift *drift)
{
	struct gate *gate = drift->gate;
	struct failure failure;
	uint64_t start = monotonic_us(), since = drift->noticed_us ? drift->noticed_us : start;
	int r = -EUCLEAN;
	if (!gate->current.about.number) {
		forget(drift);
		return;
	}
	if (drift->gone) // what is left need not be read
		failure_set(&failure, SK_KERNEL_DIFFERS, 0, "table sekisho is gone");
	else
		r = gate_verify(gate, &failure);
	drift->verify_us = monotonic_us() - start;
	drift->differs = r < 0;
	if (r == 0) {
		rules_are_right(drift);
		forget(drift);
		return;
	}
	tell_difference(drift, &failure);
	gate_show_problem(gate, GATE_DRIFT, SK_DRIFT, drift->told);
	if (gate_repair(gate, &failure) == 0)
		repaired(drift, since);
	else
		not_repaired(drift, &failure);
	forget(drift);
}

// --- the guard

bool drift_tell_guard(struct drift *drift, const char *what, bool told)
{
	if (!drift)
		return false;
	told &= drift->words[0] != '\0';
	drift_history_tell(&drift->history, drift->gate, EVENT_DRIFT, SK_DRIFT, &drift->who, 0,
			   "the guard table was %s%s%s", what, told ? ": " : "",
			   told ? drift->words : "");
	return true;
}

static void look_at_guard(struct drift *drift)
{
	struct drift_history *history = &drift->history;
	uint64_t before = history->drifts, start = monotonic_us();
	uint64_t since = drift->noticed_us ? drift->noticed_us : start;
	char who[WHO_TEXT_MAX] = "somebody";
	if (drift->who.pid)
		who_text(&drift->who, who);
	gate_look_at_guard(drift->gate, who);
	if (history->drifts != before && !drift->gate->problems[GATE_GUARD][0])
		drift_history_tell(history, drift->gate, EVENT_DRIFT_REPAIRED, SK_DRIFT, NULL,
				   monotonic_us() - since, "the guard is as it was");
	if (!(drift->due & 1u << AREA_RULES))
		forget(drift);
}

// --- around the policy

static void on_finding(void *arg, const struct finding *finding, bool gone)
{
	struct drift *drift = arg;
	drift_history_tell_finding(&drift->history, drift->gate, finding, gone);
}

static void show_around(struct drift *drift)
{
	const struct findings *lists[] = { &drift->foreign, &drift->around, &drift->setting };
	const struct finding *worst = NULL;
	unsigned n = 0;
	char text[600] = "";
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t k = 0; k < lists[i]->list.n; k++) {
			const struct finding *finding = &lists[i]->list.v[k];
			if (finding->weight == FINDING_NOTE)
				continue;
			n++;
			if (!worst || finding->weight > worst->weight)
				worst = finding;
		}
	if (n > 1)
		snprintf(text, sizeof(text), "%s; and %u more: sekisho drift lists them",
			 worst->words, n - 1);
	else if (n)
		snprintf(text, sizeof(text), "%s", worst->words);
	gate_show_problem(drift->gate, GATE_AROUND,
			  worst ? finding_info(worst->kind)->code : SK_DRIFT, text);
}

static void look_at_foreign(struct drift *drift)
{
	struct foreign foreign;
	if (foreign_read(drift->gate->kernel, &foreign) < 0)
		return; // the next look will tell
	findings_begin(&drift->foreign, journal_now_usec());
	surroundings_judge_foreign(&foreign, &drift->foreign);
	findings_end(&drift->foreign, on_finding, drift);
	foreign_done(&foreign);
	show_around(drift);
}

static void look_at_network(struct drift *drift)
{
	const struct gate *gate = drift->gate;
	struct network network;
	struct zonemap map;
	if (!gate->current.about.number || network_read(&network) < 0)
		return;
	zonemap_read(&gate->current.report.zones, &map);
	findings_begin(&drift->around, journal_now_usec());
	surroundings_judge_network(&drift->surroundings, &map, &network,
				   gate->options->management_interface, &drift->around);
	findings_end(&drift->around, on_finding, drift);
	zonemap_done(&map);
	network_done(&network);
	show_around(drift);
}

static bool forwards(const struct gate *gate)
{
	return gate->options->forwarding && gate->current.about.number &&
	       gate->guard == KERNEL_GUARD_OPEN;
}

static void mend_setting(void *arg, const struct setting_change *change)
{
	struct drift *drift = arg;
	struct failure failure;
	uint64_t start = monotonic_us();
	drift_history_tell(&drift->history, drift->gate, EVENT_DRIFT, SK_SETTING, NULL, 0,
			   "%s was switched to %u", change->name, change->found);
	int r = sysctl_set(change->name, change->wanted);
	uint64_t now = monotonic_us();
	if (r < 0)
		failure_set(&failure, change->code, r, "%s: %s", change->name, strerror(-r));
	else
		drift_history_tell(&drift->history, drift->gate, EVENT_DRIFT_REPAIRED, SK_SETTING,
				   NULL, now - start, "%s is %u again", change->name,
				   change->wanted);
	gate_set_problem(drift->gate, change->problem, r < 0 ? &failure : NULL);
	drift->not_before_us[AREA_SETTINGS] = now + wait_us(&drift->settings_patience, now);
}

static void look_at_settings(struct drift *drift)
{
	bool on = forwards(drift->gate);
	struct network network;
	findings_begin(&drift->setting, journal_now_usec());
	settings_judge(&drift->settings, on, mend_setting, drift, &drift->setting);
	if (network_read_links(&network) == 0) { // after what was switched for all of them
		settings_judge_links(&drift->settings, on, &network, &drift->setting);
		network_done(&network);
	}
	findings_end(&drift->setting, on_finding, drift);
	show_around(drift);
}

// --- the pace

static const struct {
	void (*look)(struct drift *drift);
	uint64_t pause_us; // after it, at least
	uint64_t times;	   // and so many times as long as it took
} areas[AREAS] = {
	// The guard first: it is cheap, and what is told of a change is forgotten with the rules.
	[AREA_GUARD] = { look_at_guard, 50 * 1000, 1 },
	[AREA_RULES] = { look_at_rules, 50 * 1000, 1 },
	[AREA_SETTINGS] = { look_at_settings, 200 * 1000, 10 },
	[AREA_FOREIGN] = { look_at_foreign, 500 * 1000, 10 },
	[AREA_NETWORK] = { look_at_network, 200 * 1000, 10 },
};

static void look(struct drift *drift, unsigned area)
{
	uint64_t start = monotonic_us();
	drift->due &= ~(1u << area);
	areas[area].look(drift);
	uint64_t now = monotonic_us(), pause = areas[area].times * (now - start);
	if (pause < areas[area].pause_us)
		pause = areas[area].pause_us;
	drift->looked_us[area] = now;
	if (drift->not_before_us[area] < now + pause)
		drift->not_before_us[area] = now + pause;
}

// --- what is told

static void on_change(void *arg, const struct watch_change *change)
{
	struct drift *drift = arg;
	unsigned due = 0;
	if (who_is_self(change->pid)) // another socket of this process
		return;
	if (change->about & WATCH_FOREIGN)
		due |= 1u << AREA_FOREIGN;
	if (change->about & (WATCH_POLICY | WATCH_GUARD)) {
		due |= (change->about & WATCH_POLICY ? 1u << AREA_RULES : 0) |
		       (change->about & WATCH_GUARD ? 1u << AREA_GUARD : 0);
		who_find(change->pid, change->name, &drift->who);
		snprintf(drift->words, sizeof(drift->words), "%s", change->words);
		if (change->about & WATCH_POLICY)
			drift->gone = change->gone;
		if (!drift->noticed_us)
			drift->noticed_us = monotonic_us();
	}
	make_due(drift, due);
}

static void on_broken(struct drift *drift, sd_event_source *source, int error)
{
	struct failure failure;
	failure_set(&failure, SK_WATCH_FAILED, error, "what others change: %s", strerror(-error));
	gate_set_problem(drift->gate, GATE_WATCH, &failure);
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

enum { EVERYTHING = (1u << AREAS) - 1 };

static void hear(struct drift *drift)
{
	int r = drift->watch ? watch_read_rules(drift->watch, on_change, drift) : 0;
	if (r < 0)
		on_broken(drift, drift->rules, r);
	else if (r & WATCH_LOST)
		make_due(drift, EVERYTHING);
}

static int on_rules(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	(void)source;
	(void)fd;
	(void)events;
	hear(arg);
	return 0;
}

static int on_work(sd_event_source *source, uint64_t usec, void *arg)
{
	struct drift *drift = arg;
	(void)source;
	(void)usec;
	hear(drift); // or it would be found without the name
	for (unsigned area = 0; area < AREAS; area++)
		if (drift->due & 1u << area && drift->not_before_us[area] <= monotonic_us())
			look(drift, area);
	schedule(drift);
	return 0;
}

static int on_network(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct drift *drift = arg;
	(void)fd;
	(void)events;
	int r = watch_read_network(drift->watch);
	if (r < 0)
		on_broken(drift, source, r);
	else if (r & WATCH_SETTING)
		make_due(drift, 1u << AREA_SETTINGS | 1u << AREA_NETWORK);
	else if (r)
		make_due(drift, 1u << AREA_NETWORK);
	return 0;
}

static int on_second(sd_event_source *source, uint64_t usec, void *arg)
{
	struct drift *drift = arg;
	(void)usec;
	make_due(drift, 1u << AREA_SETTINGS);
	sd_event_source_set_time_relative(source, DRIFT_SETTINGS_SECONDS * 1000000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void drift_poll(struct drift *drift)
{
	if (!drift)
		return;
	unsigned due = 1u << AREA_NETWORK;
	if (drift->gate->problems[GATE_KERNEL][0]) // another generation is named there
		due |= 1u << AREA_RULES;
	if (monotonic_us() - drift->whole_us > DRIFT_WHOLE_SECONDS * 1000000ULL) {
		due = EVERYTHING;
		drift->whole_us = monotonic_us();
	}
	make_due(drift, due);
}

void drift_pause(struct drift *drift)
{
	if (drift && drift->watch)
		watch_pause(drift->watch);
}

void drift_resume(struct drift *drift)
{
	if (!drift)
		return;
	if (drift->watch)
		watch_resume(drift->watch);
	drift->looked_us[AREA_RULES] = 0; // at other rules
	// Other zones, perhaps; and what was not told meanwhile.
	make_due(drift, 1u << AREA_GUARD | 1u << AREA_FOREIGN | 1u << AREA_NETWORK);
}

// --- for those who ask

// Whoever asks again and again is told what was found a moment ago: a change since would be due.
static bool is_worth_a_look(const struct drift *drift, unsigned area, uint64_t now)
{
	if (drift->due & 1u << area)
		return drift->not_before_us[area] <= now;
	return now - drift->looked_us[area] > DRIFT_ASKED_SECONDS * 1000000ULL;
}

bool drift_look(struct drift *drift)
{
	if (!drift)
		return false;
	hear(drift);
	for (unsigned area = 0; area < AREAS; area++)
		if (is_worth_a_look(drift, area, monotonic_us()))
			look(drift, area);
	schedule(drift);
	return !drift->differs && !drift->gate->problems[GATE_AROUND][0];
}

static void put_findings(const struct findings *findings, struct control_writer *reply)
{
	for (size_t i = 0; i < findings->list.n; i++) {
		const struct finding *finding = &findings->list.v[i];
		const struct finding_info *info = finding_info(finding->kind);
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_STATE, "present");
		control_put_text(reply, CTL_NAME, info->name);
		control_put_text(reply, CTL_SEVERITY, finding_weight_word(finding->weight));
		control_put_u64(reply, CTL_CODE, info->code);
		control_put_time(reply, CTL_SINCE, finding->since_usec);
		control_put_text(reply, CTL_MESSAGE, finding->words);
	}
}

void drift_reply(const struct drift *drift, struct control_writer *reply)
{
	control_put_text(reply, CTL_STATE, drift->differs ? "differs" : "same");
	control_put_text(reply, CTL_PROBLEM, drift->gate->problems[GATE_DRIFT]);
	control_put_text(reply, CTL_PROBLEM, drift->gate->problems[GATE_WATCH]);
	control_put_u64(reply, CTL_DRIFTS, drift->history.drifts);
	control_put_u64(reply, CTL_REPAIRED, drift->history.repaired);
	control_put_u64(reply, CTL_VERIFY_US, drift->verify_us);
	put_findings(&drift->foreign, reply);
	put_findings(&drift->around, reply);
	put_findings(&drift->setting, reply);
	drift_history_put(&drift->history, reply);
}

// --- start

static int start(sd_event *event, struct drift *drift)
{
	int r = watch_open(drift->gate->kernel, &drift->watch);
	if (r >= 0)
		r = sd_event_add_io(event, &drift->rules, watch_rules_fd(drift->watch), EPOLLIN,
				    on_rules, drift);
	if (r >= 0) // ahead of clients, whose calls look at the guard too
		r = sd_event_source_set_priority(drift->rules, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_event_add_io(event, &drift->network, watch_network_fd(drift->watch), EPOLLIN,
				    on_network, drift);
	return r;
}

int drift_open(sd_event *event, struct gate *gate)
{
	struct failure failure;
	struct drift *drift = calloc(1, sizeof(*drift));
	if (!drift)
		return -ENOMEM;
	drift->gate = gate;
	int watched = start(event, drift);
	failure_set(&failure, SK_WATCH_FAILED, watched, "what others change: %s",
		    strerror(-watched));
	gate_set_problem(gate, GATE_WATCH, watched < 0 ? &failure : NULL);
	int r = sd_event_add_time(event, &drift->work, CLOCK_MONOTONIC, 0, 1000, on_work, drift);
	if (r >= 0)
		r = sd_event_source_set_priority(drift->work, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &drift->second, CLOCK_MONOTONIC, 0, 100000,
					       on_second, drift);
	if (r < 0) {
		drift_close(drift);
		return r;
	}
	drift->whole_us = monotonic_us();
	gate->drift = drift;
	make_due(drift, EVERYTHING);
	return 0;
}

void drift_close(struct drift *drift)
{
	if (!drift)
		return;
	drift->gate->drift = NULL;
	sd_event_source_disable_unref(drift->rules);
	sd_event_source_disable_unref(drift->network);
	sd_event_source_disable_unref(drift->work);
	sd_event_source_disable_unref(drift->second);
	watch_close(drift->watch);
	surroundings_done(&drift->surroundings);
	settings_done(&drift->settings);
	findings_done(&drift->foreign);
	findings_done(&drift->around);
	findings_done(&drift->setting);
	free(drift);
}
