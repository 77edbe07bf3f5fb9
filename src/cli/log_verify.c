// log verify and log head.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "cli/load.h"
#include "cli/log.h"
#include "keep/segment.h"
#include "keep/verify_folder.h"

#define KEYS_FOLDER "/var/lib/sekisho/keys"
#define HEAD_FILE   "/var/lib/sekisho/audit.head"

enum { HEADS_MAX = 1000000 };

struct report {
	const struct cli *cli;
	struct json_object *faults; // NULL: text
	struct json_object *aside;
	bool is_box; // the log of this box
	int head_error;
};

static void on_finding(void *arg, const struct verify_finding *finding)
{
	struct report *report = arg;
	struct json_object *row;

	if (!report->faults) {
		printf("%s:%llu: SK724 %s: %s\n", finding->file, (unsigned long long)finding->line,
		       verify_fault_word(finding->fault), finding->text);
		return;
	}
	row = json_object_new_object();
	cli_json_text(row, "file", finding->file);
	cli_json_number(row, "line", finding->line);
	cli_json_number(row, "seq", finding->seq);
	cli_json_text(row, "fault", verify_fault_word(finding->fault));
	cli_json_text(row, "text", finding->text);
	json_object_array_add(report->faults, row);
}

static void on_aside(void *arg, const char *name)
{
	struct report *report = arg;

	if (report->aside)
		json_object_array_add(report->aside, json_object_new_string(name));
	else
		printf("%s was found in the place of a file of the log and put aside; it is no "
		       "part of it\n",
		       name);
}

// --- what it is verified by

static bool is_box(const struct cli *cli)
{
	return strcmp(log_folder(cli, cli->argc > 1 ? cli->argv[1] : NULL), LOG_FOLDER) == 0;
}

// The key of this box is worth more than the one that lies with the log.
static int find_keys(const struct cli *cli, int dir_fd, struct verify *verify,
		     struct key_public keys[VERIFY_KEYS_MAX], const char **ret_from)
{
	const char *path = cli_value(cli, OPT_KEY);
	int r;

	if (path) {
		r = key_load_public_pem(path, &keys[0]);
		if (r < 0) {
			fprintf(stderr, "sekisho log: %s: %s\n", path,
				r == -EBADMSG ? "no Ed25519 public key in PEM" : strerror(-r));
			return r;
		}
		*ret_from = path;
		verify->n_keys = 1;
		return 0;
	}
	if (is_box(cli)) {
		int fd = open(KEYS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		*ret_from = KEYS_FOLDER;
		verify->n_keys = fd < 0 ? 0 : verify_keys(fd, keys);
		if (fd >= 0)
			close(fd);
	}
	if (!verify->n_keys) {
		*ret_from = "the log's own folder";
		verify->n_keys = verify_keys(dir_fd, keys);
	}
	if (!verify->n_keys)
		fprintf(stderr, "sekisho log: there is no public key (audit.pub); give it with "
				"--key\n");
	return verify->n_keys ? 0 : -ENOENT;
}

// Lines "SEQ HASH ...", as checkpoint-to writes and log head prints them; others are passed over.
static int read_heads(const char *path, struct verify *verify)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t room = 0, heads_room = verify->n_heads;

	if (!in)
		return -errno;
	while (getline(&line, &room, in) > 0 && verify->n_heads < HEADS_MAX) {
		struct verify_head head = { 0 };
		unsigned long long seq;

		if (sscanf(line, "%llu %64[0-9a-f]", &seq, head.hash.text) != 2 ||
		    strlen(head.hash.text) != CHAIN_HASH_TEXT)
			continue;
		if (verify->n_heads == heads_room) {
			heads_room = heads_room ? 2 * heads_room : 64;
			verify->heads = realloc(verify->heads, heads_room * sizeof(head));
			if (!verify->heads)
				abort();
		}
		head.seq = seq;
		verify->heads[verify->n_heads++] = head;
	}
	free(line);
	if (in != stdin)
		fclose(in);
	return 0;
}

// --- the verdict

static void print_verdict(const struct verify *verify, uint64_t faults, const char *key_from,
			  const struct report *report)
{
	char id[KEY_ID_MAX];

	printf("%llu records in %llu files", (unsigned long long)verify->records,
	       (unsigned long long)verify->segments);
	if (verify->records)
		printf(", %llu to %llu, from %.19s to %.19s", (unsigned long long)verify->first,
		       (unsigned long long)verify->end.seq, verify->first_time, verify->last_time);
	key_public_id(&verify->keys[0], id);
	printf("\n%llu signatures by the key %s (%s); %llu records since the last one\n",
	       (unsigned long long)verify->signatures, id, key_from,
	       (unsigned long long)verify->n_unsigned);
	if (verify->disposed)
		printf("%llu records tell of files that were removed, their time being over\n",
		       (unsigned long long)verify->disposed);
	if (verify->n_heads)
		printf("%zu records known from elsewhere were compared\n", verify->n_heads);
	if (report->is_box && report->head_error < 0)
		printf("not compared with the newest record that the daemon knows (%s: %s): records "
		       "since the last signature could be missing at the end\n",
		       HEAD_FILE, strerror(-report->head_error));
	if (faults)
		printf("%llu faults\n", (unsigned long long)faults);
	else
		puts("no fault");
}

static void print_json(const struct verify *verify, uint64_t faults, const struct report *report)
{
	struct json_object *object = json_object_new_object();
	char id[KEY_ID_MAX];

	key_public_id(&verify->keys[0], id);
	cli_json_number(object, "records", verify->records);
	cli_json_number(object, "files", verify->segments);
	cli_json_number(object, "first", verify->first);
	cli_json_number(object, "last", verify->end.seq);
	cli_json_text(object, "hash", verify->end.hash.text);
	cli_json_number(object, "signatures", verify->signatures);
	cli_json_number(object, "unsigned", verify->n_unsigned);
	cli_json_number(object, "disposals", verify->disposed);
	cli_json_text(object, "key", id);
	cli_json_number(object, "faults", faults);
	cli_json_number(object, "compared", verify->n_heads);
	json_object_object_add(object, "findings", report->faults);
	json_object_object_add(object, "put_aside", report->aside);
	cli_json_print(object);
}

int log_verify(const struct cli *cli)
{
	struct report report = { .cli = cli };
	struct key_public keys[VERIFY_KEYS_MAX];
	struct verify verify = { .keys = keys, .each = on_finding, .arg = &report };
	const char *heads = cli_value(cli, OPT_HEADS), *key_from = "";
	const char *folder = log_folder(cli, cli->argc > 1 ? cli->argv[1] : NULL);
	uint64_t faults;
	int dir_fd = log_open(folder), r;

	if (dir_fd < 0)
		return EXIT_FAILED;
	r = find_keys(cli, dir_fd, &verify, keys, &key_from);
	if (r == 0 && heads && (r = read_heads(heads, &verify)) < 0)
		fprintf(stderr, "sekisho log: %s: %s\n", heads, strerror(-r));
	report.is_box = is_box(cli);
	if (r == 0 && report.is_box)
		report.head_error = read_heads(HEAD_FILE, &verify);
	if (r < 0) {
		close(dir_fd);
		return EXIT_FAILED;
	}
	if (cli->json) {
		report.faults = json_object_new_array();
		report.aside = json_object_new_array();
	}
	r = verify_folder(dir_fd, &verify);
	verify_put_aside(dir_fd, on_aside, &report);
	close(dir_fd);
	faults = verify_end(&verify);
	if (r < 0)
		fprintf(stderr, "sekisho: SK723 %s cannot be read: %s\n", folder, strerror(-r));
	else if (cli->json)
		print_json(&verify, faults, &report);
	else
		print_verdict(&verify, faults, key_from, &report);
	free(verify.heads);
	return r < 0 || faults ? EXIT_FAILED : EXIT_FINE;
}

// --- head

static int find_head(int dir_fd, struct segment_state *ret)
{
	const struct chain none = { 0 };
	struct segment_list list = { 0 };
	struct chain end = { 0 };
	int r = segment_list(dir_fd, &list);

	*ret = (struct segment_state){ 0 };
	for (size_t i = r == 0 ? list.n : 0; i-- > 0 && r == 0 && !ret->checkpoint.seq;) {
		char name[SEGMENT_NAME_MAX];

		segment_name(list.v[i], name);
		int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		r = fd < 0 ? -errno : segment_scan(fd, &none, ret);
		if (fd >= 0)
			close(fd);
		if (!end.seq)
			end = ret->end;
	}
	ret->end = end;
	segment_list_done(&list);
	return r;
}

int log_head(const struct cli *cli)
{
	struct segment_state state;
	int dir_fd = log_open(log_folder(cli, cli->argc > 1 ? cli->argv[1] : NULL)), r;
	struct json_object *object;

	if (dir_fd < 0)
		return EXIT_FAILED;
	r = find_head(dir_fd, &state);
	close(dir_fd);
	if (r == 0 && !state.checkpoint.seq)
		r = -ENOENT;
	if (r < 0) {
		fprintf(stderr, "sekisho log: there is no signed record yet (%s)\n", strerror(-r));
		return EXIT_FAILED;
	}
	if (!cli->json) {
		printf("%llu %s\n", (unsigned long long)state.checkpoint.seq,
		       state.checkpoint.hash.text);
		return EXIT_FINE;
	}
	object = json_object_new_object();
	cli_json_number(object, "seq", state.checkpoint.seq);
	cli_json_text(object, "hash", state.checkpoint.hash.text);
	cli_json_number(object, "newest_seq", state.end.seq);
	cli_json_text(object, "newest_hash", state.end.hash.text);
	cli_json_print(object);
	return EXIT_FINE;
}
