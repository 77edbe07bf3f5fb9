// Commits to a real kernel: changes, refusals, adoption of a table whose owner was killed, tables
// that others made, counters, and what read-back notices.
//
//	[ this process ] --- lo: UDP to port 7 passes, to port 9 is dropped --- [ this process ]
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "kernel/kernel.h"
#include "kernel/sysctl.h"
#include "unit/kernel_net.h"
#include "unit/ruleset_town.h"

struct fixture {
	struct kernel *kernel;
	struct make make;
	struct kernel_error error;
	char report[512];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	return kernel_open(-1, &fixture->kernel);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	kernel_remove(fixture->kernel);
	kernel_close(fixture->kernel);
	make_done(&fixture->make);
	free(fixture);
	return 0;
}

static void must_commit(struct fixture *fixture, const struct ruleset *next,
			const struct ruleset *previous)
{
	if (kernel_commit(fixture->kernel, next, previous, NULL, 0, &fixture->error) < 0)
		fail_msg("%s", fixture->error.text);
	if (kernel_verify(fixture->kernel, next, fixture->report, sizeof(fixture->report)))
		fail_msg("%s", fixture->report);
}

static void test_changes(void **state)
{
	static const struct town towns[] = {
		{ .generation = 1 },
		{ .generation = 2, .extra = 3, .second_flow = true },
		{ .generation = 3, .extra = 3, .guard_chain = true },
		{ .generation = 4, .extra = 0 },
		{ .generation = 4, .extra = 300, .second_flow = true },
		{ .generation = 5, .extra = 300, .guard_chain = true },
	};
	struct fixture *fixture = *state;
	struct make makes[6] = { 0 };
	uint64_t generation = 0;

	// Once knowing what ran before, once not.
	for (int known = 0; known < 2; known++) {
		for (size_t i = 0; i < 6; i++) {
			make_town(&makes[i], &towns[i]);
			must_commit(fixture, &makes[i].ruleset,
				    known && i ? &makes[i - 1].ruleset : NULL);
			assert_int_equal(kernel_generation(fixture->kernel, &generation), 0);
			assert_int_equal(generation, towns[i].generation);
		}
		for (size_t i = 0; i < 6; i++)
			make_done(&makes[i]);
	}
}

// Whoever knows what runs touches nothing else: the rule of an unchanged chain keeps its handle.
static void test_leaves_alone(void **state)
{
	struct fixture *fixture = *state;
	struct make next = { 0 };

	for (int marker = 0; marker < 2; marker++) {
		make_town(&fixture->make, &(struct town){ .generation = 1, .own_marker = marker });
		make_town(&next,
			  &(struct town){ .generation = 2, .extra = 3, .own_marker = marker });
		must_commit(fixture, &fixture->make.ruleset, NULL);
		assert_int_equal(
			net_run("nft -a list chain inet sekisho allowed >/tmp/kernel_commit.%d",
				getpid()),
			0);
		must_commit(fixture, &next.ruleset, &fixture->make.ruleset);
		assert_int_equal(net_run("nft -a list chain inet sekisho allowed | "
					 "cmp -s - /tmp/kernel_commit.%d; x=$?; rm -f "
					 "/tmp/kernel_commit.%d; exit $x",
					 getpid(), getpid()),
				 0);
		make_done(&fixture->make);
		make_done(&next);
	}
}

// What is thought to be known is not so: the table was replaced behind our back.
static void test_wrong_previous(void **state)
{
	struct fixture *fixture = *state;
	struct make before = { 0 }, claimed = { 0 };

	make_town(&before, &(struct town){ .generation = 7, .extra = 1 });
	make_town(&claimed, &(struct town){ .generation = 7, .extra = 9, .second_flow = true });
	make_town(&fixture->make, &(struct town){ .generation = 8, .extra = 9 });
	must_commit(fixture, &before.ruleset, NULL);
	must_commit(fixture, &fixture->make.ruleset, &claimed.ruleset);
	make_done(&before);
	make_done(&claimed);
}

static void test_refusal(void **state)
{
	struct fixture *fixture = *state;
	struct make bad = { 0 };
	struct kernel_error *error = &fixture->error;

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	make_town(&bad, &(struct town){ .generation = 2, .extra = 5, .bad_helper = true });
	must_commit(fixture, &fixture->make.ruleset, NULL);
	assert_int_equal(kernel_commit(fixture->kernel, &bad.ruleset, &fixture->make.ruleset, NULL,
				       0, error),
			 -ENOENT);
	assert_int_equal(error->code, SK_KERNEL_HELPER);
	assert_int_not_equal(error->origin, RS_NONE);
	assert_int_equal(bad.ruleset.origins[error->origin].line, 42);
	assert_int_equal(kernel_verify(fixture->kernel, &fixture->make.ruleset, fixture->report,
				       sizeof(fixture->report)),
			 0);
	make_done(&bad);
}

static void test_overlap(void **state)
{
	struct fixture *fixture = *state;
	struct make *make = &fixture->make;

	make_set(make, "s_twice", RS_SET, true, 2, town_pair);
	for (uint32_t i = 0; i < 3; i++)
		make_elem_v4(make, (uint32_t[]){ 0x0a000000 + i / 2 * 10, 0 },
			     (uint32_t[]){ 0x0a000005 + i + i / 2 * 10, 9 }, 0, RS_NONE,
			     make_origin(make, "flow", 10 + i));
	make_finish(make, 1);
	assert_true(kernel_commit(fixture->kernel, &make->ruleset, NULL, NULL, 0, &fixture->error) <
		    0);
	assert_int_equal(fixture->error.code, SK_KERNEL_OVERLAP);
	assert_int_equal(make->ruleset.origins[fixture->error.origin].line, 11);
}

static void test_loop(void **state)
{
	struct fixture *fixture = *state;
	struct make *make = &fixture->make;

	make_chain(make, "a");
	make_rule(make, RS_NONE);
	make_verdict(make, RS_JUMP, 1);
	make_chain(make, "b");
	make_rule(make, make_origin(make, "round", 5));
	make_verdict(make, RS_JUMP, 0);
	make_base(make, "input", NF_INET_LOCAL_IN, 0, false, false);
	make_rule(make, RS_NONE);
	make_verdict(make, RS_JUMP, 0);
	make_finish(make, 1);
	assert_true(kernel_commit(fixture->kernel, &make->ruleset, NULL, NULL, 0, &fixture->error) <
		    0);
	assert_int_equal(fixture->error.code, SK_KERNEL_LOOP);
}

static void sum_counter(void *arg, const struct kernel_counter *counter)
{
	uint64_t *packets = arg;

	if (strcmp(counter->name, "f_one") == 0)
		packets[0] = counter->packets;
	else if (strcmp(counter->name, "d_self") == 0)
		packets[1] = counter->packets;
}

static void send_udp(uint16_t port, int count)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < count; i++)
		sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static void test_counters(void **state)
{
	static const struct kernel_counter starts[] = { { "f_one", 1000, 50000 },
							{ "gone", 1, 1 } };
	struct fixture *fixture = *state;
	struct make next = { 0 };
	uint64_t packets[2] = { 0 };

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	make_town(&next, &(struct town){ .generation = 2, .extra = 2, .second_flow = true });
	assert_int_equal(kernel_commit(fixture->kernel, &fixture->make.ruleset, NULL, starts, 2,
				       &fixture->error),
			 0);
	send_udp(7, 5);
	send_udp(9, 3);
	assert_int_equal(kernel_counters(fixture->kernel, sum_counter, packets), 0);
	assert_int_equal(packets[0], 1005);
	assert_int_equal(packets[1], 3);
	// Starting values are for counters that are new, not for those that run.
	assert_int_equal(kernel_commit(fixture->kernel, &next.ruleset, &fixture->make.ruleset,
				       starts, 2, &fixture->error),
			 0);
	assert_int_equal(
		kernel_commit(fixture->kernel, &next.ruleset, NULL, starts, 2, &fixture->error), 0);
	send_udp(7, 1);
	assert_int_equal(kernel_counters(fixture->kernel, sum_counter, packets), 0);
	assert_int_equal(packets[0], 1006);
	assert_int_equal(packets[1], 3);
	make_done(&next);
}

// Packets go on while `work` changes the rules: not one that is forbidden may get through, not one
// that is allowed may be lost.
struct traffic {
	atomic_bool stop;
	unsigned sent, passed, leaked;
};

static int listen_udp(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void *run_traffic(void *arg)
{
	struct traffic *traffic = arg;
	int allowed = listen_udp(7), forbidden = listen_udp(9);
	char byte;

	while (!atomic_load(&traffic->stop)) {
		send_udp(7, 1);
		send_udp(9, 1);
		traffic->sent++;
		for (int i = 0; i < 100 && recv(allowed, &byte, 1, 0) != 1; i++)
			if (i == 99)
				traffic->sent += 1000000; // lost
			else
				usleep(i * 10);
		traffic->passed++;
		traffic->leaked += recv(forbidden, &byte, 1, 0) == 1;
	}
	close(allowed);
	close(forbidden);
	return NULL;
}

static void start_traffic(struct traffic *traffic, pthread_t *thread)
{
	*traffic = (struct traffic){ 0 };
	assert_int_equal(pthread_create(thread, NULL, run_traffic, traffic), 0);
	usleep(20000);
}

static void end_traffic(struct traffic *traffic, pthread_t thread)
{
	usleep(20000);
	atomic_store(&traffic->stop, true);
	pthread_join(thread, NULL);
	assert_true(traffic->sent > 10);
	assert_int_equal(traffic->passed, traffic->sent);
	assert_int_equal(traffic->leaked, 0);
}

// Another process commits, then waits to be killed.
static pid_t start_owner(const struct ruleset *ruleset)
{
	int ready[2];
	char byte = 'n';
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct kernel *kernel;
		struct kernel_error error;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (kernel_open(-1, &kernel) == 0 &&
		    kernel_commit(kernel, ruleset, NULL, NULL, 0, &error) == 0)
			byte = 'y';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void kill_owner(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_adoption(void **state)
{
	struct fixture *fixture = *state;
	const struct kernel_features *features = kernel_features(fixture->kernel);
	struct make next = { 0 };
	struct traffic traffic;
	pthread_t thread;
	uint64_t packets[2] = { 0 };
	pid_t owner;

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	make_town(&next, &(struct town){ .generation = 2, .extra = 50, .second_flow = true });
	owner = start_owner(&fixture->make.ruleset);
	start_traffic(&traffic, &thread);
	if (features->owner && features->persist) {
		assert_int_equal(kernel_commit(fixture->kernel, &next.ruleset, NULL, NULL, 0,
					       &fixture->error),
				 -EPERM);
		assert_int_equal(fixture->error.code, SK_KERNEL_OWNED);
		assert_int_not_equal(net_run("nft flush table inet sekisho 2>/dev/null"), 0);
	}
	kill_owner(owner);
	usleep(20000);
	assert_int_equal(kernel_verify(fixture->kernel, &fixture->make.ruleset, fixture->report,
				       sizeof(fixture->report)),
			 features->persist ? 1 : 0); // nobody owns it
	must_commit(fixture, &next.ruleset, NULL);
	if (features->owner && features->persist)
		assert_int_not_equal(net_run("nft flush table inet sekisho 2>/dev/null"), 0);
	end_traffic(&traffic, thread);
	assert_int_equal(kernel_counters(fixture->kernel, sum_counter, packets), 0);
	assert_int_equal(packets[0], traffic.sent);
	assert_int_equal(packets[1], traffic.sent);
	make_done(&next);
}

// The same policy again, as after a restart: adopted, nothing is touched.
static void test_adoption_same(void **state)
{
	struct fixture *fixture = *state;
	char before[64] = "", after[64] = "";
	const char *handles = "nft -a list chain inet sekisho allowed | sed -n 's/.*# handle//p' | "
			      "tr -d '\\n'";
	FILE *pipe;

	make_town(&fixture->make, &(struct town){ .generation = 1, .extra = 5 });
	kill_owner(start_owner(&fixture->make.ruleset));
	usleep(20000);
	pipe = popen(handles, "r");
	assert_non_null(fgets(before, sizeof(before), pipe));
	pclose(pipe);
	must_commit(fixture, &fixture->make.ruleset, NULL);
	pipe = popen(handles, "r");
	assert_non_null(fgets(after, sizeof(after), pipe));
	pclose(pipe);
	assert_string_equal(before, after);
}

// A table of that name that no process owned: replaced in one batch.
static void test_replace(void **state)
{
	struct fixture *fixture = *state;
	struct traffic traffic;
	pthread_t thread;
	uint64_t packets[2] = { 0 };

	make_town(&fixture->make, &(struct town){ .generation = 3 });
	assert_int_equal(net_run("nft 'table inet sekisho { counter f_one { packets 77 bytes 1 }\n "
				 "chain input { type filter hook input priority 5; policy drop; "
				 "udp dport 7 counter accept; }\n chain other { }\n}'"),
			 0);
	start_traffic(&traffic, &thread);
	must_commit(fixture, &fixture->make.ruleset, NULL);
	end_traffic(&traffic, thread);
	assert_int_equal(kernel_counters(fixture->kernel, sum_counter, packets), 0);
	assert_in_range(packets[0], 78, 77 + traffic.sent);
}

// Commits back and forth under traffic.
static void test_no_gap(void **state)
{
	struct fixture *fixture = *state;
	struct make other = { 0 };
	struct traffic traffic;
	pthread_t thread;

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	make_town(&other, &(struct town){ .generation = 2, .extra = 40, .second_flow = true });
	must_commit(fixture, &fixture->make.ruleset, NULL);
	start_traffic(&traffic, &thread);
	for (int i = 0; i < 20; i++) {
		must_commit(fixture, &other.ruleset, i % 2 ? &fixture->make.ruleset : NULL);
		must_commit(fixture, &fixture->make.ruleset, i % 3 ? &other.ruleset : NULL);
	}
	end_traffic(&traffic, thread);
	make_done(&other);
}

// Others change tables of their own all the time: commits go through nevertheless.
static void test_others_busy(void **state)
{
	struct fixture *fixture = *state;
	struct make other = { 0 };
	struct kernel_error error;
	int done = 0;
	pid_t busy = fork();

	if (busy == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("sh", "sh", "-c",
		       "while :; do nft add table inet busy; nft delete table inet busy; done",
		       NULL);
		_exit(1);
	}
	make_town(&fixture->make, &(struct town){ .generation = 1 });
	make_town(&other, &(struct town){ .generation = 2, .extra = 40 });
	must_commit(fixture, &fixture->make.ruleset, NULL);
	for (int i = 0; i < 50; i++) {
		done += kernel_commit(fixture->kernel, &other.ruleset, &fixture->make.ruleset, NULL,
				      0, &error) == 0;
		done += kernel_commit(fixture->kernel, &fixture->make.ruleset, &other.ruleset, NULL,
				      0, &error) == 0;
	}
	kill_owner(busy);
	assert_int_equal(done, 100);
	make_done(&other);
}

// The owner's socket can be handed on: the table stays owned.
static void test_handed_on(void **state)
{
	struct fixture *fixture = *state;
	struct kernel *second;
	int fd;

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	must_commit(fixture, &fixture->make.ruleset, NULL);
	fd = dup(kernel_fd(fixture->kernel));
	kernel_close(fixture->kernel);
	assert_int_equal(kernel_open(fd, &second), 0);
	fixture->kernel = second;
	assert_int_equal(kernel_verify(second, &fixture->make.ruleset, fixture->report,
				       sizeof(fixture->report)),
			 0);
	must_commit(fixture, &fixture->make.ruleset, NULL);
}

static void test_dormant(void **state)
{
	struct fixture *fixture = *state;

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	assert_int_equal(net_run("nft 'add table inet sekisho { flags dormant; }'"), 0);
	assert_int_equal(kernel_verify(fixture->kernel, &fixture->make.ruleset, fixture->report,
				       sizeof(fixture->report)),
			 1);
	assert_non_null(strstr(fixture->report, "dormant"));
	must_commit(fixture, &fixture->make.ruleset, NULL);
}

static void test_features(void **state)
{
	struct fixture *fixture = *state;
	const struct kernel_features *features = kernel_features(fixture->kernel);

	print_message(
		"%s: owner %d persist %d queue %d netmap %d tproxy %d ftp %d tftp %d sip %d pptp %d\n",
		features->release, features->owner, features->persist, features->queue,
		features->netmap, features->tproxy, features->helper_ftp, features->helper_tftp,
		features->helper_sip, features->helper_pptp);
	assert_true(features->release[0]);
	assert_true(!features->persist || features->owner);
	// Probing leaves nothing behind.
	assert_int_equal(net_run("test -z \"$(nft list tables)\""), 0);
}

static void test_nothing_there(void **state)
{
	struct fixture *fixture = *state;
	uint64_t generation = 9, packets[2] = { 0 };

	make_town(&fixture->make, &(struct town){ .generation = 1 });
	assert_int_equal(kernel_generation(fixture->kernel, &generation), 0);
	assert_int_equal(generation, 0);
	assert_int_equal(kernel_counters(fixture->kernel, sum_counter, packets), 0);
	assert_int_equal(kernel_remove(fixture->kernel), 0);
	assert_int_equal(kernel_verify(fixture->kernel, &fixture->make.ruleset, fixture->report,
				       sizeof(fixture->report)),
			 1);
}

static void test_forwarding(void **state)
{
	const char *path = NULL;

	(void)state;
	assert_int_equal(sysctl_set_forwarding(true, &path), 0);
	assert_true(sysctl_is_forwarding());
	assert_int_equal(net_run("test $(cat /proc/sys/net/ipv6/conf/all/forwarding) = 1"), 0);
	assert_int_equal(sysctl_set_forwarding(false, &path), 0);
	assert_false(sysctl_is_forwarding());
	assert_int_equal(net_run("test $(cat /proc/sys/net/ipv6/conf/all/forwarding) = 0"), 0);
}

#define KERNEL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(test_features),	   KERNEL_TEST(test_nothing_there),
		KERNEL_TEST(test_changes),	   KERNEL_TEST(test_leaves_alone),
		KERNEL_TEST(test_wrong_previous),  KERNEL_TEST(test_refusal),
		KERNEL_TEST(test_overlap),	   KERNEL_TEST(test_loop),
		KERNEL_TEST(test_counters),	   KERNEL_TEST(test_adoption),
		KERNEL_TEST(test_adoption_same),   KERNEL_TEST(test_replace),
		KERNEL_TEST(test_no_gap),	   KERNEL_TEST(test_others_busy),
		KERNEL_TEST(test_dormant),	   KERNEL_TEST(test_handed_on),
		cmocka_unit_test(test_forwarding),
	};

	net_enter();
	if (net_run("ip link set lo up"))
		return 1;
	return cmocka_run_group_tests_name("kernel commit", tests, NULL, NULL);
}
