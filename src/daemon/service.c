// Start in order, serve, stop.
#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "control/server.h"
#include "daemon/apply.h"
#include "daemon/certificates.h"
#include "daemon/capture.h"
#include "daemon/changes.h"
#include "daemon/countries.h"
#include "base/clock.h"
#include "base/file.h"
#include "daemon/incident.h"
#include "daemon/inspection.h"
#include "daemon/scanner.h"
#include "daemon/drift.h"
#include "daemon/mail.h"
#include "daemon/mass.h"
#include "daemon/method_connections.h"
#include "daemon/method_diff.h"
#include "daemon/method_mail.h"
#include "daemon/method_preview.h"
#include "daemon/live.h"
#include "daemon/isolation.h"
#include "daemon/methods.h"
#include "daemon/packets.h"
#include "daemon/proposals.h"
#include "daemon/reviews.h"
#include "daemon/schedule.h"
#include "daemon/switch_thread.h"
#include "daemon/vault.h"
#include "daemon/record.h"

enum { RUN_MODE = 0755 }; // everybody may ask the daemon; what it answers goes by role

static const char stored_name[] = "netlink"; // of the socket in systemd's descriptor store

struct service {
	const struct gate_options *options;
	struct journal *journal;
	sd_event *event;
	struct gate gate;
	struct methods methods;
	struct control_server *server;
	struct packets *packets;
	struct switch_thread *switch_thread;
	int run_fd;	 // locked
	bool load_again; // the kernel did not take the last good generation; it may yet
};

// --- what systemd keeps for us

static int take_stored_socket(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), found = -1;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		if (found < 0 && names && !strcmp(names[i], stored_name))
			found = fd;
		else
			close(fd);
	}
	for (int i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
	return found;
}

static void store_socket(struct kernel *kernel)
{
	int fd = kernel_fd(kernel);
	sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=netlink", &fd, 1);
}

static void notify_status(const struct service *service)
{
	const struct gate *gate = &service->gate;
	sd_notifyf(0, "STATUS=%s, generation %llu, %zu flows", gate_state(gate),
		   (unsigned long long)gate->current.about.number,
		   gate->current.about.number ? gate->current.report.flows.n - 1 : 0);
}

// --- reload

struct reload {
	struct service *service;
	apply_done *done; // NULL: nobody waits (SIGHUP)
	void *arg;
};

enum { FAULTS_LOGGED_MAX = 20 };

// Nobody is told of the faults otherwise.
static void log_faults(struct gate *gate, const struct apply_result *result)
{
	const struct control_rows *faults = result->report ? &result->report->faults : NULL;
	for (size_t i = 1; faults && i < faults->n && i <= FAULTS_LOGGED_MAX; i++) {
		struct failure failure;
		failure_set(&failure, (enum diag_code)control_u64(&faults->v[i], CTL_CODE), 0, "%s",
			    control_text(&faults->v[i], CTL_MESSAGE));
		snprintf(failure.file, sizeof(failure.file), "%s",
			 control_text(&faults->v[i], CTL_FILE));
		failure.line = (uint32_t)control_u64(&faults->v[i], CTL_LINE);
		journal_failed(gate->journal, &failure);
	}
}

static void on_reloaded(void *arg, struct gate *gate, const struct apply_result *result)
{
	struct reload *reload = arg;
	if (reload->done)
		reload->done(reload->arg, gate, result);
	else if (result->status != EXIT_FINE)
		log_faults(gate, result);
	notify_status(reload->service);
	sd_notify(0, "READY=1");
	free(reload);
}

static void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)monotonic_us());
}

static void start_reload(void *arg, const struct apply_request *request)
{
	struct service *service = arg;
	const char *rules = service->options->rules;
	struct failure failure;
	struct reload *reload = calloc(1, sizeof(*reload));
	int fd = open(rules, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!reload || fd < 0) {
		failure_set(&failure, SK_RULES_UNREADABLE, 0, "%s: %s", rules, strerror(errno));
		journal_failed(service->journal, &failure);
		if (request->done)
			request->done(request->arg, &service->gate,
				      &(struct apply_result){ .status = EXIT_POLICY,
							      .failure = &failure });
		free(reload);
	} else {
		struct apply_request apply = *request;
		*reload = (struct reload){ service, request->done, request->arg };
		apply.dir_fd = fd;
		apply.directory = rules;
		apply.done = on_reloaded;
		apply.arg = reload;
		notify_reloading();
		apply_start(&service->gate, service->event, &apply);
	}
	if (fd >= 0)
		close(fd);
}

// Without a generation that can be loaded, what runs goes on if it is one; else closed.
static void load(struct service *service)
{
	struct gate *gate = &service->gate;
	struct failure failure;
	uint64_t number = 0;
	int r = confirm_load(gate, &failure);
	service->load_again =
		r < 0 && failure.code != SK_NO_GENERATION && failure.code != SK_GENERATION_DAMAGED;
	if (r == 0) {
		gate_set_problem(gate, GATE_LOAD, NULL);
		return;
	}
	gate_set_problem(gate, r == -ENOENT ? GATE_NO_POLICY : GATE_LOAD, &failure);
	kernel_generation(gate->kernel, &number);
	if (gate->guard == KERNEL_GUARD_OPEN && number && r != -ENOENT)
		return;
	gate_shut(gate, GATE_SHUT_POLICY);
}

// --- events of the loop

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct service *service = arg;
	struct apply_request request = {
		.by = { .uid = info->ssi_uid, .login_uid = CONTROL_NO_LOGIN },
		.confirm_usec = approval_confirm_usec(&service->gate.current.report.approval),
	};
	(void)source;
	control_person_name(info->ssi_uid, CONTROL_NO_LOGIN, request.by.name);
	start_reload(service, &request);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct service *service = arg;
	(void)source;
	(void)info;
	sd_notify(0, "STOPPING=1");
	return sd_event_exit(service->event, 0);
}

static int on_control(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct service *service = arg;
	(void)source;
	(void)fd;
	(void)events;
	return control_server_dispatch(service->server);
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct service *service = arg;
	(void)source;
	(void)fd;
	(void)events;
	isolation_hear(&service->gate);
	notify_status(service);
	return 0;
}

static int on_poll(sd_event_source *source, uint64_t usec, void *arg)
{
	struct service *service = arg;
	struct gate *gate = &service->gate;
	(void)usec;
	if (service->load_again && !gate->apply && !gate->current.about.number) {
		load(service);
		confirm_arm(gate, service->event);
	}
	journal_look_at_clock(service->journal);
	record_tend(gate);
	mail_tend(gate);
	mass_tend(gate);
	gate_look(gate);
	capture_follow(gate); // again, should it have failed
	drift_poll(gate->drift);
	schedule_look(gate, service->event);
	reviews_nag(gate);
	isolation_expire(gate);
	if (journal_now_usec() - gate->counters_written_usec > GATE_WRITE_SECONDS * 1000000ULL)
		gate_write_counters(gate);
	notify_status(service);
	sd_event_source_set_time_relative(source, GATE_POLL_SECONDS * 1000000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// --- start

static int fatal(struct service *service, int error, const char *what)
{
	struct failure failure;
	failure_set(&failure, SK_DAEMON_FAILED, error, "%s: %s", what, strerror(-error));
	journal_failed(service->journal, &failure);
	return error;
}

static int start_gate(struct service *service)
{
	struct failure failure;
	int stored = take_stored_socket();
	int r = gate_open(&service->gate, service->options, service->journal, stored, &failure);
	if (r < 0 && r != -EBUSY && stored >= 0) { // a socket that is of no use any more
		gate_close(&service->gate);
		r = gate_open(&service->gate, service->options, service->journal, -1, &failure);
	}
	if (r < 0) { // what is half open is not to be looked after at the end
		journal_failed(service->journal, &failure);
		gate_close(&service->gate);
	}
	return r;
}

// Before anything else: a folder that cannot be had is told of later, with the gate closed.
static int take_run_folder(struct service *service)
{
	struct failure failure;
	const char *path = service->options->run;
	if (file_open_folder(path, RUN_MODE, &service->run_fd) < 0 ||
	    file_lock_folder(service->run_fd, GATE_PATIENCE_MS) != -EWOULDBLOCK)
		return 0;
	failure_set(&failure, SK_DAEMON_TWICE, -EBUSY,
		    "another sekishod works with %s; this one ends and changes nothing", path);
	journal_failed(service->journal, &failure);
	return -EBUSY;
}

static int start_control(struct service *service)
{
	char path[108];
	int r = 0;
	if (service->run_fd < 0)
		r = file_open_folder(service->options->run, RUN_MODE, &service->run_fd);
	if (r < 0)
		return fatal(service, r, service->options->run);
	if ((size_t)snprintf(path, sizeof(path), "%s/control.sock", service->options->run) >=
	    sizeof(path))
		return fatal(service, -ENAMETOOLONG, service->options->run);
	service->methods = (struct methods){
		.gate = &service->gate,
		.packets = service->packets,
		.event = service->event,
		.reload = start_reload,
		.reload_arg = service,
	};
	r = control_server_new(path, methods_handle, &service->methods, &service->server);
	if (r < 0)
		return fatal(service, r, path);
	service->methods.server = service->server;
	control_server_on_refused(service->server, methods_refused);
	return 0;
}

// Without it nobody can be cut off by the daemon, but the gate does all else; sekisho-isolate
// works.
static void start_switch(struct service *service)
{
	struct failure failure;
	char path[108];
	snprintf(path, sizeof(path), "%s/switch.sock", service->options->run);
	int r = switch_thread_start(service->gate.book, path, &service->switch_thread);
	if (r < 0) {
		failure_set(&failure, SK_SWITCH_FAILED, r, "%s: %s", path, strerror(-r));
		gate_set_problem(&service->gate, GATE_SWITCH, &failure);
	}
	isolation_write_motd(&service->gate);
}

static int start_loop(struct service *service)
{
	sd_event *event = service->event;
	int r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, service);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_stop, service);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, service);
	if (r >= 0)
		r = sd_event_add_io(event, NULL, control_server_fd(service->server), EPOLLIN,
				    on_control, service);
	if (r >= 0)
		r = sd_event_add_io(event, NULL, service->gate.book->news_fd, EPOLLIN, on_news,
				    service);
	if (r >= 0)
		r = sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC,
					       GATE_POLL_SECONDS * 1000000ULL, 100000, on_poll,
					       service);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	return r < 0 ? fatal(service, r, "the event loop") : 0;
}

static void start_packets(struct service *service)
{
	struct failure failure;
	int r = packets_open(service->event, &service->gate, &failure, &service->packets);
	gate_set_problem(&service->gate, GATE_PACKET_LOG, r < 0 ? &failure : NULL);
}

static int start(struct service *service)
{
	int r = sd_event_new(&service->event);
	if (r < 0)
		return fatal(service, r, "the event loop");
	r = take_run_folder(service);
	if (r == 0)
		r = start_gate(service);
	if (r < 0)
		return r;
	r = incidents_open(&service->gate, service->event);
	if (r < 0)
		return fatal(service, r, "incidents");
	r = record_open(service->event, &service->gate);
	if (r < 0)
		return fatal(service, r, "the record");
	if (mail_open(service->event, &service->gate) < 0)
		return fatal(service, -ENOMEM, "the book of mail");
	if (mass_open(&service->gate) < 0)
		return fatal(service, -ENOMEM, "mass mail");
	if (vault_open(&service->gate, service->event) < 0)
		return fatal(service, -ENOMEM, "the vault");
	isolation_resume(&service->gate);
	load(service);
	confirm_arm(&service->gate, service->event);
	apply_resume(&service->gate);
	proposals_resume(&service->gate);
	if (countries_open(&service->gate, service->event) < 0)
		return fatal(service, -ENOMEM, "countries");
	if (scanner_open(&service->gate, service->event) < 0)
		return fatal(service, -ENOMEM, "the scanner");
	if (certificates_open(&service->gate, service->event) < 0)
		return fatal(service, -ENOMEM, "certificates");
	if (inspection_open(&service->gate, service->event) < 0)
		return fatal(service, -ENOMEM, "inspection");
	mail_settle(&service->gate); // whose records go to the book
	mass_settle(&service->gate); // and know what mail is stopped
	if (live_open(&service->gate, service->event) == 0)
		live_review(&service->gate, LIVE_START);
	capture_follow(&service->gate);
	store_socket(service->gate.kernel);
	start_packets(service);
	r = drift_open(service->event, &service->gate);
	if (r < 0)
		return fatal(service, r, "the watch over the kernel");
	r = start_control(service);
	if (r == 0) {
		start_switch(service);
		isolation_expire(&service->gate);
	}
	return r < 0 ? r : start_loop(service);
}

static void stop(struct service *service)
{
	if (service->gate.kernel && service->gate.counters) {
		method_diff_cancel(&service->methods);
		method_mail_cancel(&service->methods);
		method_connections_cancel(&service->methods);
		method_preview_cancel(&service->methods);
		changes_cancel_pages(&service->methods);
		apply_cancel(&service->gate);
		inspection_close(&service->gate);
		vault_close(&service->gate);
		mass_close(&service->gate);
		scanner_close(&service->gate);
		certificates_close(&service->gate);
		live_close(&service->gate);
		countries_close(&service->gate);
		gate_look(&service->gate);
		gate_write_counters(&service->gate);
	}
	switch_thread_stop(service->switch_thread);
	control_server_free(service->server);
	packets_close(service->packets);
	drift_close(service->gate.drift);
	incidents_close(&service->gate);
	capture_stop(&service->gate);
	vault_close(&service->gate);
	mass_close(&service->gate);
	mail_close(&service->gate);
	record_close(&service->gate);
	gate_close(&service->gate);
	if (service->run_fd >= 0)
		close(service->run_fd);
	sd_event_unref(service->event);
}

static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

enum exit_status service_run(const struct gate_options *options, struct journal *journal)
{
	struct service service = {
		.options = options,
		.journal = journal,
		.gate = { .state_fd = -1 },
		.run_fd = -1,
	};
	block_signals();
	int r = start(&service);
	if (r == 0) {
		gate_event(&service.gate, EVENT_STARTED);
		notify_status(&service);
		sd_notify(0, "READY=1");
		r = sd_event_loop(service.event);
		if (r < 0)
			fatal(&service, r, "the event loop");
		else
			gate_event(&service.gate, EVENT_STOPPED);
	}
	stop(&service);
	return r < 0 ? EXIT_FAILED : EXIT_FINE;
}

// --- boot

void service_close(struct journal *journal)
{
	struct gate_options none = { .state = "" };
	struct gate gate = { .options = &none, .journal = journal, .state_fd = -1 };
	struct failure failure;
	int r = kernel_open(-1, &gate.kernel);
	if (r < 0)
		r = failure_set(&failure, SK_DAEMON_FAILED, r, "the kernel's nftables: %s",
				strerror(-r));
	else if (kernel_owned_by_another(gate.kernel) <= 0) // a daemon at work has its own box file
		r = gate_set_guard(&gate, KERNEL_GUARD_CLOSED, &failure);
	if (r < 0)
		journal_failed(journal, &failure);
	gate_close(&gate);
}

enum exit_status service_boot(const struct gate_options *options, struct journal *journal)
{
	struct gate gate;
	struct failure failure;
	int r = gate_open(&gate, options, journal, -1, &failure);
	if (r == 0)
		r = gate_set_guard(&gate, KERNEL_GUARD_CLOSED, &failure);
	if (r == 0)
		r = confirm_load(&gate, &failure);
	if (r < 0)
		journal_failed(journal, &failure);
	bool fine = r == 0 && gate.guard == KERNEL_GUARD_OPEN;
	// Nothing is recorded at boot: the daemon opens the gate when it has a keeper.
	bool waits = r == 0 && gate.shut.bits;
	gate_close(&gate);
	if (fine)
		return EXIT_FINE;
	return r == -ENOENT || waits ? EXIT_DEGRADED : EXIT_FAILED;
}
