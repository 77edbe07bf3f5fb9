// The comparing child from both ends: what it answers, and answers that no honest child gives.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/countries_input.h"
#include "daemon/differ.h"
#include "daemon/snapshot.h"

#define ZONES                                                                                      \
	"zones:\n"                                                                                 \
	"  office: { interfaces: [lan0], networks: [10.20.0.0/16] }\n"                             \
	"  dmz: { role: server, interfaces: [lan1], networks: [10.30.0.0/16] }\n"                  \
	"  internet: { role: external, interfaces: [wan0] }\n"

static const char closed[] = ZONES;
static const char open_web[] =
	ZONES "flows:\n  - { id: web, from: office, to: internet, services: [https] }\n"
	      "nat:\n  - { id: out, kind: masquerade, from: dmz, to: internet }\n";
static const char faulty[] = ZONES "flows:\n  - { id: web, from: nowhere, to: dmz }\n";

static struct gate gate;
static struct gate_options options;

static int snapshot_of(const char *text)
{
	char folder[] = "/tmp/sekisho-differ-XXXXXX", path[64];
	struct failure failure;
	int fd = -1, dir_fd;
	FILE *out;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p.yaml", folder);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (differ_snapshot(&gate, dir_fd, "new", &failure, &fd) < 0)
		fail_msg("%s", failure.text);
	close(dir_fd);
	unlink(path);
	rmdir(folder);
	return fd;
}

struct answer {
	bool done, failed;
	char text[4096]; // a line a row
	char zones[256];
	char weight[16];
	bool has_nat;
};

static void on_done(void *arg, const struct differ_result *result)
{
	struct answer *answer = arg;
	const char *zones[8];
	size_t n;

	answer->done = true;
	answer->failed = result->failure != NULL;
	if (answer->failed)
		return;
	snprintf(answer->weight, sizeof(answer->weight), "%s", differ_weight(result->rows));
	n = differ_zones(result->rows, zones, 8);
	for (size_t i = 0; i < n && i < 8; i++)
		snprintf(answer->zones + strlen(answer->zones),
			 sizeof(answer->zones) - strlen(answer->zones), "%s ", zones[i]);
	answer->has_nat = differ_has(result->rows, "translation out");
	for (size_t i = 1; i < result->rows->n; i++) {
		const struct control_row *row = &result->rows->v[i];
		size_t used = strlen(answer->text);

		snprintf(answer->text + used, sizeof(answer->text) - used, "%s %s %s:%llu\n",
			 control_text(row, CTL_KIND), control_text(row, CTL_SUBJECT),
			 control_text(row, CTL_FILE),
			 (unsigned long long)control_u64(row, CTL_LINE));
	}
}

static void compare(const char *before, const char *after, struct answer *answer)
{
	int before_fd = before ? snapshot_of(before) : -1, after_fd = snapshot_of(after);
	struct comparing *comparing;
	sd_event *event;
	int countries;

	*answer = (struct answer){ 0 };
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(countries_input_write(NULL, NULL, 0, &countries), 0);
	assert_int_equal(differ_start(event, before_fd, after_fd, countries, on_done, answer,
				      &comparing),
			 0);
	close(countries);
	if (before_fd >= 0)
		close(before_fd);
	close(after_fd);
	while (!answer->done)
		assert_true(sd_event_run(event, UINT64_MAX) >= 0);
	sd_event_unref(event);
}

static void two_policies(void **state)
{
	struct answer answer;

	(void)state;
	compare(closed, open_web, &answer);
	assert_false(answer.failed);
	assert_string_equal(answer.text, "opens flow web new/p.yaml:6\n"
					 "changes translation out new/p.yaml:8\n");
	assert_string_equal(answer.weight, "heavy");
	assert_string_equal(answer.zones, "office internet dmz ");
	assert_true(answer.has_nat);
	compare(open_web, open_web, &answer);
	assert_string_equal(answer.text, "");
	assert_string_equal(answer.weight, "light");
}

static void nothing_before(void **state)
{
	struct answer answer;

	(void)state;
	compare(NULL, open_web, &answer);
	assert_false(answer.failed);
	assert_non_null(strstr(answer.text, "opens flow web "));
	assert_non_null(strstr(answer.text, "changes zone office "));
}

static void faults_are_told(void **state)
{
	struct answer answer;

	(void)state;
	compare(closed, faulty, &answer);
	assert_false(answer.failed);
	assert_non_null(strstr(answer.text, "new/p.yaml:6\n"));
	assert_string_equal(answer.weight, "");
}

static void cancelled(void **state)
{
	int fd = snapshot_of(closed);
	struct answer answer = { 0 };
	struct comparing *comparing;
	sd_event *event;
	int countries;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(countries_input_write(NULL, NULL, 0, &countries), 0);
	assert_int_equal(differ_start(event, fd, fd, countries, on_done, &answer, &comparing), 0);
	close(countries);
	differ_cancel(comparing);
	differ_cancel(NULL);
	assert_false(answer.done);
	sd_event_unref(event);
	close(fd);
}

// --- answers of a child that was taken over

struct lie {
	const char *name;
	const char *weight, *kind, *subject, *row_weight;
	enum control_tag extra; // in the row; 0: none
	uint64_t errors;
	int expected;
};

static const struct lie lies[] = {
	{ "an honest one", "heavy", "opens", "flow web", "heavy", 0, 0, 0 },
	{ "another kind", "heavy", "nothing", "flow web", "heavy", 0, 0, -EBADMSG },
	{ "no kind", "heavy", "", "flow web", "heavy", 0, 0, -EBADMSG },
	{ "no subject", "heavy", "opens", "", "heavy", 0, 0, -EBADMSG },
	{ "another weight", "heavy", "opens", "flow web", "grave", 0, 0, -EBADMSG },
	{ "no weight of the whole", "", "opens", "flow web", "heavy", 0, 0, -EBADMSG },
	{ "another field", "heavy", "opens", "flow web", "heavy", CTL_PID, 0, -EBADMSG },
	{ "faults that are differences", "heavy", "opens", "flow web", "heavy", 0, 1, -EBADMSG },
};

static void try_lie(void **state)
{
	const struct lie *lie = *state;
	struct control_writer writer;
	struct control_rows rows;
	int r;

	control_writer_init(&writer, 4096);
	control_put_text(&writer, CTL_WEIGHT, lie->weight);
	if (lie->errors)
		control_put_u64(&writer, CTL_ERRORS, lie->errors);
	control_put_mark(&writer, CTL_ROW);
	control_put_text(&writer, CTL_KIND, lie->kind);
	control_put_text(&writer, CTL_SUBJECT, lie->subject);
	control_put_text(&writer, CTL_WEIGHT, lie->row_weight);
	if (lie->extra)
		control_put_u64(&writer, lie->extra, 1);
	r = differ_read(writer.bytes, writer.size, &rows);
	assert_int_equal(r, lie->expected);
	if (r == 0)
		control_rows_done(&rows);
	control_writer_done(&writer);
}

static void nothing_at_all(void **state)
{
	struct control_rows rows;

	(void)state;
	assert_int_equal(differ_read("", 0, &rows), -EBADMSG);
	assert_int_equal(differ_read("nonsense", 8, &rows), -EBADMSG);
}

int main(int argc, char **argv)
{
	enum { N = sizeof(lies) / sizeof(lies[0]) };
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(two_policies),	   cmocka_unit_test(nothing_before),
		cmocka_unit_test(faults_are_told), cmocka_unit_test(cancelled),
		cmocka_unit_test(nothing_at_all),
	};
	enum { N_OTHERS = sizeof(others) / sizeof(others[0]) };
	struct CMUnitTest tests[N + N_OTHERS];
	const struct passwd *nobody = getpwnam("nobody");

	if (argc == 2 && !strcmp(argv[1], DIFFER_ARGUMENT))
		return differ_main(false);
	if (argc == 2 && !strcmp(argv[1], DIFFER_FIRST_ARGUMENT))
		return differ_main(true);
	options.compiler_uid = nobody ? nobody->pw_uid : 65534;
	options.compiler_gid = nobody ? nobody->pw_gid : 65534;
	gate.options = &options;
	memcpy(tests, others, sizeof(others));
	for (size_t i = 0; i < N; i++)
		tests[N_OTHERS + i] = (struct CMUnitTest){ lies[i].name, try_lie, NULL, NULL,
							   (void *)(uintptr_t)&lies[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
