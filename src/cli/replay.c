// replay: captured traffic through a policy.  Needs neither root nor the daemon.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/vec.h"
#include "cli/call.h"
#include "cli/replay.h"

enum { RULES_MAX = 256, WORDS_MAX = 16384, NAME_COLUMNS = 200 };

struct arguments {
	struct spot_rule rules[RULES_MAX];
	size_t n_rules;
	struct addr self[REPLAY_SELF_MAX];
	size_t n_self;
	uint64_t packets; // --packets: of this connection; 0: none
	char words[2][WORDS_MAX];
};

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "sekisho replay: %s: \"%s\"\n", what, word);
	return EXIT_USAGE;
}

// --- options

// Cuts a list at its commas; calls for each word.  Stops at the first that is not 0.
static int each_word(char *words, int (*take)(struct arguments *arguments, char *word),
		     struct arguments *arguments)
{
	char *rest = words, *word;
	int status = EXIT_FINE;

	while (status == EXIT_FINE && (word = strsep(&rest, ",")))
		if (*word)
			status = take(arguments, word);
	return status;
}

static int take_rule(struct arguments *arguments, char *word)
{
	char *equals = strchr(word, '=');

	if (!equals || equals == word || !equals[1])
		return usage("--interface takes NAME=ZONE", word);
	if (arguments->n_rules == RULES_MAX)
		return usage("too many interfaces", word);
	*equals = '\0';
	arguments->rules[arguments->n_rules++] = (struct spot_rule){ word, equals + 1 };
	return EXIT_FINE;
}

static int take_self(struct arguments *arguments, char *word)
{
	if (arguments->n_self == REPLAY_SELF_MAX ||
	    addr_parse(word, &arguments->self[arguments->n_self]) < 0)
		return usage("--self takes addresses of the gateway", word);
	arguments->n_self++;
	return EXIT_FINE;
}

static int take_list(const struct cli *cli, cli_options option, char *words,
		     int (*take)(struct arguments *arguments, char *word),
		     struct arguments *arguments)
{
	const char *value = cli_value(cli, option);

	if (!value)
		return EXIT_FINE;
	if (strlen(value) >= WORDS_MAX)
		return usage("too long", value);
	strcpy(words, value);
	return each_word(words, take, arguments);
}

static int take_options(const struct cli *cli, struct arguments *arguments)
{
	const char *packets = cli_value(cli, OPT_PACKETS);
	char *end = NULL;
	int status = take_list(cli, OPT_INTERFACE, arguments->words[0], take_rule, arguments);

	if (status == EXIT_FINE)
		status = take_list(cli, OPT_SELF, arguments->words[1], take_self, arguments);
	if (status != EXIT_FINE || !packets)
		return status;
	arguments->packets = strtoull(packets, &end, 10);
	if (!arguments->packets || *end)
		return usage("--packets takes the number of a connection", packets);
	return EXIT_FINE;
}

static int zones_known(const struct arguments *arguments, const struct plan *plan)
{
	for (size_t i = 0; i < arguments->n_rules; i++)
		if (plan_find_zone(plan, arguments->rules[i].zone) == PLAN_NONE)
			return usage("--interface: no zone of this policy",
				     arguments->rules[i].zone);
	return EXIT_FINE;
}

// --- the file

static int map_file(const char *path, const uint8_t **ret_bytes, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int r = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode))
		r = -EINVAL;
	else if (status.st_size == 0)
		r = -ENODATA;
	if (r == 0) {
		void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		r = bytes == MAP_FAILED ? -errno : 0;
		*ret_bytes = bytes;
		*ret_size = (size_t)status.st_size;
		if (r == 0)
			madvise(bytes, *ret_size, MADV_SEQUENTIAL);
	}
	if (fd >= 0)
		close(fd);
	if (r < 0)
		fprintf(stderr, "sekisho replay: %s: %s\n", path,
			r == -EINVAL	? "this is no file"
			: r == -ENODATA ? "the file is empty"
					: strerror(-r));
	return r;
}

static void tell_fault(const struct replay_view *view)
{
	fflush(stdout);
	fprintf(stderr,
		"%s: damaged at byte %zu (packet %llu): %s; what stands before it was judged\n",
		view->file, view->capture.fault_at,
		(unsigned long long)view->replay.totals.packets + 1, view->capture.fault);
}

static int status_of(const struct replay_view *view)
{
	if (view->capture.fault[0])
		tell_fault(view);
	if (view->replay.totals.left[REPLAY_BEYOND])
		fprintf(stderr,
			"%s: more than %zu connections: %llu packets of further ones were not "
			"judged; cut the capture into parts\n",
			view->file, view->replay.tracks.max,
			(unsigned long long)view->replay.totals.left[REPLAY_BEYOND]);
	return view->capture.fault[0] || view->replay.totals.left[REPLAY_BEYOND] ? EXIT_FAILED
										 : EXIT_FINE;
}

// --- packets of one connection

struct following {
	struct replay_view *view;
	uint32_t connection;	 // its index
	struct json_object *all; // NULL: text
};

static const char *flags_text(const struct header *header, char out[8])
{
	static const struct {
		uint8_t bit;
		char letter;
	} letters[] = { { HEADER_SYN, 'S' },
			{ HEADER_FIN, 'F' },
			{ HEADER_RST, 'R' },
			{ 8, 'P' },
			{ HEADER_ACK, '.' } };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (header->has_flags && header->tcp_flags & letters[i].bit)
			out[n++] = letters[i].letter;
	out[n] = '\0';
	return out;
}

static const char *sight_word(const struct replay_sight *sight)
{
	if (sight->error)
		return "error";
	if (sight->copy)
		return "copy";
	return sight->reply ? "reply" : "forth";
}

static void follow(void *arg, const struct replay_sight *sight)
{
	struct following *following = arg;
	const struct spots *spots = &following->view->replay.spots;
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX], flags[8];

	if (sight->connection != following->connection)
		return;
	addr_text(&sight->header->source, source);
	addr_text(&sight->header->destination, destination);
	flags_text(sight->header, flags);
	if (following->all) {
		struct json_object *object = json_object_new_object();

		cli_json_number(object, "packet", sight->number);
		cli_json_number(object, "time_us",
				sight->time_us > 0 ? (uint64_t)sight->time_us : 0);
		cli_json_text(object, "what", sight_word(sight));
		cli_json_text(object, "source", source);
		cli_json_number(object, "source_port", sight->header->sport);
		cli_json_text(object, "destination", destination);
		cli_json_number(object, "port", sight->header->port);
		cli_json_number(object, "bytes", sight->wire_size);
		cli_json_text(object, "flags", flags);
		cli_json_text(object, "interface", spots->v[sight->spot].name);
		json_object_array_add(following->all, object);
		return;
	}
	printf("%10u  %+12.6f  %-5s  %s:%u -> %s:%u  %u bytes  %s  %s%s\n", sight->number,
	       (double)(sight->time_us - following->view->replay.totals.first_us) / 1000000,
	       sight_word(sight), source, sight->header->sport, destination, sight->header->port,
	       sight->wire_size, flags, spots->v[sight->spot].name,
	       sight->way == LINK_LEAVING ? " leaving" : "");
}

// The same run again: numbers are the same, for the seed is.
static int print_packets(struct replay_view *view, const struct replay_options *options,
			 uint64_t number)
{
	struct following following = { .view = view };
	struct replay_options again = *options;
	const struct tracks *tracks = &view->replay.tracks;

	while (following.connection < tracks->n &&
	       track_at(tracks, following.connection)->ordinal != number)
		following.connection++;
	if (following.connection == tracks->n) {
		fprintf(stderr, "sekisho replay: the capture has no such connection\n");
		return EXIT_FAILED;
	}
	if (view->cli->json)
		following.all = json_object_new_array();
	again.each = follow;
	again.arg = &following;
	replay_done(&view->replay);
	replay_init(&view->replay, &again);
	capture_rewind(&view->capture);
	replay_run(&view->replay, &view->capture);
	if (following.all)
		cli_json_print(following.all);
	return status_of(view);
}

// --- the whole

static void compare(struct replay_view *view)
{
	struct fate *is = vec_zeroed(view->replay.tracks.n, sizeof(*is));

	replay_judge_again(&view->replay, view->other.plan, is);
	changes_make(&view->replay, view->other.plan, is, &view->changes);
	free(is);
}

// A name from the command line goes into the text of a policy: it stays on its line.
static const char *on_one_line(const char *name, char out[NAME_COLUMNS])
{
	size_t n = 0;

	for (; name[n] && n + 1 < NAME_COLUMNS; n++)
		out[n] = (unsigned char)name[n] < ' ' || name[n] == 0x7f ? '?' : name[n];
	out[n] = '\0';
	return out;
}

static void print_proposal(const struct replay_view *view)
{
	char file[NAME_COLUMNS], dir[NAME_COLUMNS];

	printf("# What %s would need besides %s: %zu flows that \"sekisho check\" accepts.\n"
	       "# Nothing was applied.  Give each an owner and a need, narrow it, or leave it denied.\n",
	       on_one_line(view->file, file), on_one_line(view->dir, dir), view->n_included);
	propose_print(view->proposal, view->include, view->note, stdout);
}

static int show(struct replay_view *view)
{
	bool propose_only = cli_has(view->cli, OPT_PROPOSE);

	groups_make(&view->replay, &view->groups);
	if (view->other.plan)
		compare(view);
	if (propose_only || view->cli->json) {
		view->proposal = propose(view->loaded.plan, &view->replay);
		replay_try_proposal(view);
	}
	if (view->cli->json)
		replay_print_json(view);
	else if (propose_only)
		print_proposal(view);
	else if (cli_has(view->cli, OPT_CONNECTIONS))
		replay_print_connections(view);
	else
		replay_print(view);
	return status_of(view);
}

static void view_done(struct replay_view *view)
{
	propose_done(view->proposal);
	free(view->include);
	free(view->note);
	free(view->notes);
	groups_done(&view->groups);
	changes_done(&view->changes);
	replay_done(&view->replay);
	capture_done(&view->capture);
}

static int replay_bytes(struct replay_view *view, const struct arguments *arguments,
			const uint8_t *bytes)
{
	struct replay_options options = {
		.plan = view->loaded.plan,
		.rules = arguments->rules,
		.n_rules = arguments->n_rules,
		.self = arguments->self,
		.n_self = arguments->n_self,
	};
	int status;

	if (capture_open(&view->capture, bytes, view->size) < 0) {
		fprintf(stderr, "sekisho replay: %s: %s\n", view->file, view->capture.fault);
		capture_done(&view->capture);
		return EXIT_FAILED;
	}
	if (getrandom(options.seed, sizeof(options.seed), 0) != sizeof(options.seed))
		return EXIT_FAILED;
	replay_init(&view->replay, &options);
	replay_run(&view->replay, &view->capture);
	status =
		arguments->packets ? print_packets(view, &options, arguments->packets) : show(view);
	view_done(view);
	return status;
}

int verb_replay(const struct cli *cli)
{
	static struct arguments arguments;
	struct replay_view view = { .cli = cli,
				    .file = cli->argv[0],
				    .dir = cli->argc > 1 ? cli->argv[1] : CLI_DIR };
	const uint8_t *bytes = NULL;
	int status = take_options(cli, &arguments);

	if (status != EXIT_FINE)
		return status;
	if (!cli_policy_load_or_tell(view.dir, &view.loaded))
		status = view.loaded.status;
	else if (cli_has(cli, OPT_DIFF) &&
		 !cli_policy_load_or_tell(cli_value(cli, OPT_DIFF), &view.other))
		status = view.other.status;
	else
		status = zones_known(&arguments, view.loaded.plan);
	if (status == EXIT_FINE && map_file(view.file, &bytes, &view.size) < 0)
		status = EXIT_FAILED;
	else if (status == EXIT_FINE)
		status = replay_bytes(&view, &arguments, bytes);
	if (bytes)
		munmap((void *)(uintptr_t)bytes, view.size);
	if (view.other.diag)
		cli_policy_done(&view.other);
	cli_policy_done(&view.loaded);
	return status;
}
