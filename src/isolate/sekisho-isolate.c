// sekisho-isolate: cuts a zone, a link, a host or everything off with nothing but the kernel.  It
// asks no daemon, needs no library, and makes by itself what it does not find.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/exit.h"
#include "kernel/own.h"
#include "kernel/switch.h"

#define STATE_DEFAULT "/var/lib/sekisho"

struct order {
	const char *state, *kind, *name, *reason, *ordered_by;
	bool total, yes;
};

static int usage(void)
{
	fputs("usage: sekisho-isolate [--state DIR] [--reason TEXT] [--ordered-by NAME] WHAT\n"
	      "       WHAT is  zone NAME | link INTERFACE | host ADDRESS | all [--total] | list\n"
	      "It needs no daemon.  \"sekisho reconnect\" ends an isolation.  See "
	      "sekisho-isolate(8).\n",
	      stderr);
	return EXIT_USAGE;
}

static int take_words(int argc, char **argv, struct order *order)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{ "--state", &order->state },
		{ "--reason", &order->reason },
		{ "--ordered-by", &order->ordered_by },
	};
	enum { N = sizeof(options) / sizeof(options[0]) };

	for (int i = 1; i < argc; i++) {
		int at = 0;

		while (at < N && strcmp(options[at].name, argv[i]) != 0)
			at++;
		if (at < N && i + 1 < argc)
			*options[at].value = argv[++i];
		else if (strcmp(argv[i], "--total") == 0)
			order->total = true;
		else if (argv[i][0] == '-')
			return -EINVAL;
		else if (!order->kind)
			order->kind = argv[i];
		else if (!order->name)
			order->name = argv[i];
		else
			return -EINVAL;
	}
	return order->kind ? 0 : -EINVAL;
}

// --- what the daemon left for us

static char *read_text(const char *folder)
{
	char path[4096];
	char *text = malloc(SWITCH_TEXT_MAX + 1);
	ssize_t n = -1;
	size_t used = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/switch", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	while (fd >= 0 && text && used < SWITCH_TEXT_MAX &&
	       (n = read(fd, text + used, SWITCH_TEXT_MAX - used)) > 0)
		used += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (n != 0 || !text) {
		free(text);
		return NULL;
	}
	text[used] = '\0';
	return text;
}

static bool read_map(const struct order *order, struct switch_map *ret)
{
	char *text = read_text(order->state);
	unsigned line;
	int r = text ? switch_map_read(text, ret, &line) : -ENOENT;

	if (!text)
		fprintf(stderr,
			"sekisho-isolate: %s/switch cannot be read: neither zones nor lifelines "
			"nor the management path are known\n",
			order->state);
	else if (r < 0)
		fprintf(stderr, "sekisho-isolate: %s/switch, line %u: %s\n", order->state, line,
			strerror(-r));
	free(text);
	if (r < 0)
		*ret = (struct switch_map){ 0 };
	return r == 0;
}

// --- the order

// Is the address one that a host can have?
static bool is_host(const char *name)
{
	struct addr addr;
	const char *what;
	enum own own;

	if (addr_parse(name, &addr) < 0) // which the order's own words say
		return true;
	what = isolation_no_host(&addr);
	own = what ? OWN_NOT : own_address(&addr);
	if (own != OWN_NOT)
		what = own == OWN_ADDRESS ? "this box's own address; isolate the link, or all"
					  : "a broadcast address of this box's networks";
	if (what)
		fprintf(stderr, "sekisho-isolate: %s is %s\n", name, what);
	return !what;
}

static int mean(const struct order *order, const struct switch_map *map, struct isolation *ret)
{
	char host[ADDR_TEXT_MAX];
	int kind = isolation_kind_find(order->kind);
	const char *name = order->name ? order->name : "";
	int r;

	if (kind == ISOLATION_HOST) {
		isolation_host_name(name, host);
		name = host;
		if (!is_host(name))
			return EXIT_USAGE;
	}
	r = kind < 0 || kind == ISOLATION_MAC
		    ? -EINVAL
		    : isolation_init(ret, (enum isolation_kind)kind, name);

	if (r < 0 || (order->total && kind != ISOLATION_ALL))
		return usage();
	ret->total = order->total;
	ret->since = (uint64_t)time(NULL);
	if (kind != ISOLATION_ZONE)
		return EXIT_FINE;
	r = switch_map_zone(map, ret);
	if (r == 0)
		return EXIT_FINE;
	fprintf(stderr,
		"sekisho-isolate: zone \"%s\" has no interfaces that are known here; "
		"\"sekisho-isolate link INTERFACE\" needs no zone.  Known are:\n",
		name);
	for (size_t i = 0; i < map->n_zones; i++)
		fprintf(stderr, "  %s %s\n", map->zones[i].zone, map->zones[i].interface);
	return EXIT_FAILED;
}

// Whoever looks at the box later finds who wanted it; the daemon records what it finds in the
// kernel.
static void leave_word(const struct order *order, const char *comment)
{
	char line[900];
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int n = snprintf(line, sizeof(line), "<2>sekisho-isolate: %s by uid %u%s%.200s%s%.200s\n",
			 comment, getuid(), order->ordered_by ? ", ordered by " : "",
			 order->ordered_by ? order->ordered_by : "",
			 order->reason ? ", reason: " : "", order->reason ? order->reason : "");

	if (fd < 0)
		return;
	if (write(fd, line, (size_t)n) < 0)
		fputs("sekisho-isolate: the kernel's log takes no word of it\n", stderr);
	close(fd);
}

static int isolate(const struct order *order, struct guard_switch *guard,
		   const struct guard_found *found, const struct switch_map *map)
{
	struct guard_want want = {
		.state = found->state == KERNEL_GUARD_CLOSED ? KERNEL_GUARD_CLOSED
							     : KERNEL_GUARD_OPEN,
		.management = map->management.interface[0] ? &map->management : NULL,
		.isolations = &found->isolations,
		.lifelines = map->lifelines,
		.n_lifelines = map->n_lifelines,
	};
	struct isolation isolation;
	char comment[ISOLATION_COMMENT_MAX];
	int status = mean(order, map, &isolation), r;

	if (status != EXIT_FINE)
		return status;
	if (!isolations_have_room(&found->isolations, &isolation)) {
		fprintf(stderr,
			"sekisho-isolate: as many are isolated as can be at once (%d); isolate the "
			"zone, or all\n",
			ISOLATIONS_MAX);
		return EXIT_FAILED;
	}
	r = switch_isolate(guard, &want, &isolation);
	if (r < 0) {
		fprintf(stderr, "sekisho-isolate: the kernel does not confirm it: %s\n",
			strerror(-r));
		return EXIT_KERNEL;
	}
	isolation_comment(&isolation, "", comment);
	leave_word(order, comment);
	printf("the kernel has confirmed: %s\n", comment);
	for (size_t i = 0; i < isolation.n_targets; i++)
		printf("  cut          %s\n", isolation.targets[i].text);
	if (want.management)
		printf("  stays open   the management path on %s, TCP port %u\n",
		       map->management.interface, map->management.port);
	return EXIT_FINE;
}

static int list(const struct guard_found *found)
{
	static const char *const states[] = {
		[KERNEL_GUARD_ABSENT] = "absent",
		[KERNEL_GUARD_OPEN] = "open",
		[KERNEL_GUARD_CLOSED] = "closed",
	};
	char comment[ISOLATION_COMMENT_MAX];

	printf("guard %s\n", states[found->state]);
	for (size_t i = 0; i < found->isolations.n; i++) {
		isolation_comment(&found->isolations.v[i], "", comment);
		puts(comment);
	}
	return found->isolations.n ? EXIT_ISOLATED : EXIT_FINE;
}

int main(int argc, char **argv)
{
	struct order order = { .state = STATE_DEFAULT };
	static struct guard_found found;
	struct guard_switch *guard = NULL;
	struct switch_map map = { 0 };
	int status, r;

	if (take_words(argc, argv, &order) < 0)
		return usage();
	r = switch_open(&guard);
	if (r == 0)
		r = switch_guard_read(guard, &found);
	if (r < 0) {
		fprintf(stderr, "sekisho-isolate: the kernel's nftables: %s%s\n", strerror(-r),
			r == -EPERM ? " (it needs root, or CAP_NET_ADMIN)" : "");
		switch_close(guard);
		return EXIT_FAILED;
	}
	if (strcmp(order.kind, "list") == 0) {
		status = list(&found);
	} else {
		read_map(&order, &map);
		status = isolate(&order, guard, &found, &map);
	}
	switch_map_done(&map);
	switch_close(guard);
	return status;
}
