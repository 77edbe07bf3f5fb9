// Watching and reading the file, and who asks about its table.
#include "daemon/countries_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/countries_child.h"
#include "daemon/countries_input.h"
#include "geo/mmdb.h"

static const char stored_name[] = "countries";

void countries_table_done(struct countries_table *table)
{
	free(table->bytes);
	*table = (struct countries_table){ 0 };
}

const char *countries_sum(const struct countries_table *table, char out[65])
{
	out[0] = '\0';
	for (size_t i = 0; table->bytes && i < GEO_SHA256_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", table->table.head->sha256[i]);
	return out;
}

const char *countries_needed(const struct gate *gate)
{
	const struct control_rows *faults = &gate->current.report.faults;
	return gate->current.about.number && faults->n ? control_text(&faults->v[0], CTL_COUNTRIES)
						       : "";
}

void countries_settle(struct countries *c)
{
	void (*waiter)(void *arg) = c->waiter;
	c->waiter = NULL;
	if (waiter)
		waiter(c->waiter_arg);
}

// --- what is wrong

static void judge_age(const struct countries *c, const struct countries_table *of,
		      struct geo_known *known)
{
	geo_known_set(known, c->gate->options->countries, &of->table, journal_now_usec() / 1000000,
		      c->gate->options->countries_age_days);
}

static void show_problem(struct countries *c)
{
	struct gate *gate = c->gate;
	struct geo_known age;
	struct failure failure;
	if (!*countries_needed(gate)) {
		gate_set_problem(gate, GATE_COUNTRIES, NULL);
		return;
	}
	if (c->file_known.fault) {
		failure_set(&failure, SK_COUNTRIES_FAILED, 0,
			    "%s; the ranges that run stay as they are", c->file_known.why);
		gate_set_problem(gate, GATE_COUNTRIES, &failure);
		return;
	}
	if (c->failed_usec || countries_busy(c)) // told of, or soon over
		return;
	if (c->running.bytes) {
		judge_age(c, &c->running, &age);
		failure_set(&failure, SK_COUNTRIES_FAILED, 0, "%s; the ranges that run stay",
			    age.why);
		gate_set_problem(gate, GATE_COUNTRIES, age.fault ? &failure : NULL);
	}
}

// --- reading

static void read_failed(struct countries *c, const char *why)
{
	geo_known_none(&c->file_known, c->gate->options->countries, why);
	show_problem(c);
	countries_settle(c);
}

static bool same_table(const struct countries_table *a, const struct countries_table *b)
{
	return a->bytes && b->bytes &&
	       memcmp(a->table.head->sha256, b->table.head->sha256, GEO_SHA256_BYTES) == 0;
}

static void take(struct countries *c, uint8_t *bytes, size_t size)
{
	struct countries_table next = { .bytes = bytes, .size = size };
	if (geo_table_open(bytes, size, &next.table) < 0) {
		free(bytes);
		read_failed(c, "what its reader says makes no sense");
		return;
	}
	judge_age(c, &next, &c->file_known);
	c->file_head = *next.table.head;
	if (c->file_known.fault || same_table(&next, &c->running)) {
		countries_table_done(&next);
		show_problem(c);
		countries_swap(c); // of a generation with another table
		if (!countries_busy(c))
			countries_settle(c);
		return;
	}
	countries_table_done(&c->next);
	c->next = next;
	countries_swap(c);
	if (!countries_busy(c))
		countries_settle(c);
}

static void on_read(void *arg, uint8_t *bytes, size_t size, const struct failure *failed)
{
	struct countries *c = arg;
	char why[MMDB_WHY_MAX];
	c->reader = NULL;
	if (failed) {
		read_failed(c, failed->text);
		return;
	}
	if (size && bytes[0] != '!') {
		take(c, bytes, size);
		return;
	}
	snprintf(why, sizeof(why), "%.*s", size ? (int)size - 1 : 0, size ? (char *)bytes + 1 : "");
	for (char *at = why; *at; at++) // words of a process that read a stranger's file
		if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e)
			*at = '?';
	free(bytes);
	read_failed(c, *why ? why : "its reader said nothing");
}

static void read_file(struct countries *c, int fd)
{
	const struct gate_options *options = c->gate->options;
	char why[MMDB_WHY_MAX];
	int copy;
	if (mmdb_copy(fd, &copy, why) < 0) {
		read_failed(c, why);
		return;
	}
	int r = countries_child_start(c->event, copy, options->compiler_uid, options->compiler_gid,
				      on_read, c, &c->reader);
	close(copy);
	if (r < 0)
		read_failed(c, strerror(-r));
}

// --- watching

static bool is_same_file(const struct countries_file *a, const struct countries_file *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->error == b->error && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

static int open_file(const char *path, struct countries_file *ret)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	*ret = (struct countries_file){ .error = fd < 0 ? errno : 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd;
	ret->device = st.st_dev;
	ret->inode = st.st_ino;
	ret->size = st.st_size;
	ret->changed = st.st_ctim;
	ret->modified = st.st_mtim;
	return fd;
}

// The clock may have been set since a file was refused for its age.
static bool is_no_longer_stale(const struct countries *c)
{
	const struct countries_table read = { .table.head = &c->file_head };
	struct geo_known now;
	if (c->file_known.fault != SK_COUNTRY_STALE)
		return false;
	judge_age(c, &read, &now);
	return !now.fault;
}

static void look_at_file(struct countries *c)
{
	struct countries_file file;
	if (countries_busy(c))
		return;
	if (is_no_longer_stale(c))
		c->looked = false;
	int fd = open_file(c->gate->options->countries, &file);
	bool same = c->looked && is_same_file(&file, &c->file);
	c->looked = true;
	c->file = file;
	if (!same && fd < 0)
		read_failed(c, strerror(file.error));
	else if (!same)
		read_file(c, fd);
	if (fd >= 0)
		close(fd);
}

void countries_look(struct gate *gate)
{
	struct countries *c = gate->countries;
	uint64_t now;
	if (!c)
		return;
	sd_event_now(c->event, CLOCK_MONOTONIC, &now);
	if (c->failed_usec && now - c->failed_usec > COUNTRIES_RETRY_SECONDS * 1000000ULL) {
		c->failed_usec = 0;
		c->looked = false;
	}
	look_at_file(c);
	countries_swap(c);
	show_problem(c);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct countries *c = arg;
	(void)usec;
	countries_look(c->gate);
	sd_event_source_set_time_relative(source, COUNTRIES_LOOK_SECONDS * 1000000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

// A table that is damaged is read from the file again.
static void load_stored(struct countries *c)
{
	char *bytes;
	size_t size;
	if (file_read(c->gate->state_fd, stored_name, GEO_TABLE_BYTES_MAX, &bytes, &size) < 0)
		return;
	c->running = (struct countries_table){ .bytes = (uint8_t *)bytes, .size = size };
	if (geo_table_open(bytes, size, &c->running.table) < 0)
		countries_table_done(&c->running);
}

int countries_open(struct gate *gate, sd_event *event)
{
	struct countries *c = gate->options->countries ? calloc(1, sizeof(*c)) : NULL;
	if (!gate->options->countries)
		return 0;
	if (!c)
		return -ENOMEM;
	c->gate = gate;
	c->event = event;
	load_stored(c);
	if (sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC,
				       COUNTRIES_LOOK_SECONDS * 1000000ULL, 100000, on_timer,
				       c) < 0) {
		countries_table_done(&c->running);
		free(c);
		return -ENOMEM;
	}
	gate->countries = c;
	countries_look(gate);
	return 0;
}

void countries_close(struct gate *gate)
{
	struct countries *c = gate->countries;
	if (!c)
		return;
	child_cancel(c->reader);
	child_cancel(c->compiler);
	sd_event_source_disable_unref(c->timer);
	countries_table_done(&c->running);
	countries_table_done(&c->next);
	free(c);
	gate->countries = NULL;
}

// --- who asks

int countries_for_apply(struct gate *gate, int *ret_fd)
{
	const struct countries *c = gate->countries;
	struct geo_known known;
	if (!c)
		return countries_input_write(NULL, NULL, 0, ret_fd);
	known = c->file_known;
	if (!known.fault && c->running.bytes)
		judge_age(c, &c->running, &known);
	else if (!known.fault)
		geo_known_none(&known, gate->options->countries, "it has not been read");
	return countries_input_write(&known, c->running.bytes, c->running.size, ret_fd);
}

int countries_running(struct gate *gate, int *ret_fd)
{
	const struct countries *c = gate->countries;
	const struct geo_known fine = { 0 };
	if (!c || !c->running.bytes)
		return countries_input_write(NULL, NULL, 0, ret_fd);
	return countries_input_write(&fine, c->running.bytes, c->running.size, ret_fd);
}

bool countries_wait(struct gate *gate, void (*done)(void *arg), void *arg)
{
	struct countries *c = gate->countries;
	if (!c)
		return false;
	look_at_file(c);
	if (!countries_busy(c))
		return false;
	c->waiter = done;
	c->waiter_arg = arg;
	return true;
}

void countries_wait_no_more(struct gate *gate, const void *arg)
{
	if (gate->countries && gate->countries->waiter_arg == arg)
		gate->countries->waiter = NULL;
}

const char *countries_code(const struct gate *gate, const struct addr *addr)
{
	const struct countries *c = gate->countries;
	struct geo_hit hit;
	if (!c || !c->running.bytes || !geo_find(&c->running.table, addr, &hit))
		return NULL;
	return country_code(hit.country);
}

const char *countries_day(const struct gate *gate, char out[16])
{
	const struct countries *c = gate->countries;
	if (!c || !c->running.bytes || !*countries_needed(gate))
		return NULL;
	geo_day(c->running.table.head->build_epoch, out);
	return out;
}
