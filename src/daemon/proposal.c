// Storing proposals, and knowing that what is stored is what was proposed.
#include "daemon/proposal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/fault.h"
#include "base/file.h"
#include "daemon/differ.h"
#include "daemon/stored.h"

static const char *const state_words[PROPOSAL_STATE_COUNT] = {
	[PROPOSAL_OPEN] = "open",	  [PROPOSAL_APPLIED] = "applied",
	[PROPOSAL_REJECTED] = "rejected", [PROPOSAL_EXPIRED] = "expired",
	[PROPOSAL_VOID] = "void",	  [PROPOSAL_SUPERSEDED] = "superseded",
};

const char *proposal_state_word(enum proposal_state state)
{
	return state_words[state];
}

static int state_failed(struct failure *failure, int error, const char *what)
{
	return failure_set(failure, SK_STATE_UNWRITABLE, error, "%s: %s", what, strerror(-error));
}

static int damaged(struct failure *failure, uint64_t number, const char *what)
{
	return failure_set(failure, SK_PROPOSAL_DAMAGED, -EBADMSG, "proposal %" PRIu64 ": %s",
			   number, what);
}

// --- what it changes

// Names that do not all fit are none at all: then every rule counts.
void proposal_set_change(struct proposal *proposal, const struct approval_change *change)
{
	size_t used = 0;
	proposal->change_unknown = change->unknown;
	proposal->change_rules = change->rules;
	proposal->weight = change->weight;
	proposal->zones[0] = '\0';
	for (size_t i = 0; i < change->n_zones; i++) {
		used += (size_t)snprintf(proposal->zones + used, sizeof(proposal->zones) - used,
					 "%s%s", used ? " " : "", change->zones[i]);
		if (used < sizeof(proposal->zones))
			continue;
		proposal->change_unknown = true;
		proposal->zones[0] = '\0';
		return;
	}
}

void proposal_change(const struct proposal *proposal, struct proposal_zones *storage,
		     struct approval_change *ret)
{
	char *at = storage->text, *word;
	*ret = (struct approval_change){
		.unknown = proposal->change_unknown,
		.rules = proposal->change_rules,
		.weight = proposal->weight,
	};
	memcpy(storage->text, proposal->zones, sizeof(storage->text));
	while ((word = strsep(&at, " "))) {
		if (*word && ret->n_zones == APPROVAL_ZONES_MAX)
			ret->unknown = true;
		else if (*word)
			ret->zones[ret->n_zones++] = word;
	}
}

// --- what it is, as a hash and as a code

static void hash_bytes(crypto_generichash_state *state, const void *bytes, size_t size)
{
	uint8_t length[8];
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)((uint64_t)size >> (8 * i));
	crypto_generichash_update(state, length, sizeof(length));
	crypto_generichash_update(state, bytes, size);
}

static void hash_content(const struct proposal_kept *kept, char out[CONTENT_HEX + 1])
{
	const struct snapshot *snapshot = kept->snapshot;
	crypto_generichash_state state;
	uint8_t hash[32];
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	for (size_t i = 0; i < snapshot->n_files; i++) {
		const struct policy_source *file = &snapshot->files[i];
		hash_bytes(&state, file->name, strlen(file->name));
		hash_bytes(&state, file->bytes, file->size);
	}
	hash_bytes(&state, kept->compiled, kept->compiled_size);
	hash_bytes(&state, kept->changes, kept->changes_size);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(out, CONTENT_HEX + 1, hash, sizeof(hash));
}

// Base32 as in RFC 4648: no 0, 1, 8 and 9, which are misread.
static void make_code(const struct proposal *proposal, char out[APPROVAL_CODE_LENGTH + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char text[512];
	uint8_t hash[32];
	int n = snprintf(text, sizeof(text), "proposal %" PRIu64 " %s %s on %" PRIu64 " %s",
			 proposal->number, proposal->digest, proposal->content, proposal->based_on,
			 proposal->based_digest);
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, (size_t)n, NULL, 0);
	for (size_t i = 0; i < APPROVAL_CODE_LENGTH; i++) {
		size_t bit = i * 5;
		unsigned pair = (unsigned)hash[bit / 8] << 8 | hash[bit / 8 + 1];
		out[i] = letters[pair >> (11 - bit % 8) & 31];
	}
	out[APPROVAL_CODE_LENGTH] = '\0';
}

void proposal_seal(struct proposal *proposal, const struct proposal_kept *kept)
{
	hash_content(kept, proposal->content);
	make_code(proposal, proposal->code);
}

// --- about

static struct json_object *approval_object(const struct approval *approval)
{
	struct json_object *object = json_object_new_object();
	stored_put_person(object, "by", &approval->by);
	stored_put_instant(object, "when", &approval->when);
	stored_put_text(object, "code", approval->code);
	return object;
}

static struct json_object *about_object(const struct proposal *proposal)
{
	struct json_object *object = json_object_new_object();
	struct json_object *given = json_object_new_array();
	stored_put_number(object, "proposal", proposal->number);
	stored_put_text(object, "state", state_words[proposal->state]);
	stored_put_text(object, "closed_because", proposal->closed_because);
	stored_put_person(object, "closed_by", &proposal->closed_by);
	stored_put_number(object, "untold", proposal->untold);
	stored_put_person(object, "author", &proposal->author);
	stored_put_instant(object, "when", &proposal->when);
	stored_put_text(object, "reason", proposal->reason);
	stored_put_text(object, "request", proposal->request);
	stored_put_text(object, "directory", proposal->directory);
	stored_put_text(object, "digest", proposal->digest);
	stored_put_text(object, "content", proposal->content);
	stored_put_text(object, "version", proposal->version);
	stored_put_number(object, "based_on", proposal->based_on);
	stored_put_text(object, "based_digest", proposal->based_digest);
	stored_put_number(object, "scheduled_usec", proposal->scheduled_usec);
	stored_put_number(object, "scheduled_confirm_usec", proposal->scheduled_confirm_usec);
	stored_put_person(object, "scheduled_by", &proposal->scheduled_by);
	stored_put_number(object, "schedule_taken", proposal->schedule_taken);
	stored_put_number(object, "schedule_try", proposal->schedule_try);
	stored_put_number(object, "change_unknown", proposal->change_unknown);
	stored_put_number(object, "change_rules", proposal->change_rules);
	stored_put_number(object, "weight", proposal->weight);
	stored_put_text(object, "zones", proposal->zones);
	for (size_t i = 0; i < proposal->n_given; i++)
		json_object_array_add(given, approval_object(&proposal->given[i]));
	json_object_object_add(object, "approvals", given);
	return object;
}

static void read_approvals(struct json_object *object, struct proposal *proposal)
{
	struct json_object *given;
	if (!json_object_object_get_ex(object, "approvals", &given) ||
	    !json_object_is_type(given, json_type_array))
		return;
	size_t n = json_object_array_length(given);
	for (size_t i = 0; i < n && i < APPROVALS_MAX; i++) {
		struct json_object *one = json_object_array_get_idx(given, i);
		struct approval *approval = &proposal->given[proposal->n_given];
		if (!json_object_is_type(one, json_type_object))
			continue;
		stored_person(one, "by", &approval->by);
		stored_instant(one, "when", &approval->when);
		stored_text(one, "code", approval->code, sizeof(approval->code));
		proposal->n_given++;
	}
}

static int read_state(struct json_object *object, enum proposal_state *ret)
{
	char word[32];
	stored_text(object, "state", word, sizeof(word));
	for (int i = 0; i < PROPOSAL_STATE_COUNT; i++) {
		if (strcmp(word, state_words[i]) != 0)
			continue;
		*ret = (enum proposal_state)i;
		return 0;
	}
	return -EBADMSG;
}

static int read_about(int folder_fd, struct proposal *ret)
{
	struct json_object *object;
	struct proposal proposal = { 0 };
	int r = stored_read(folder_fd, "about", &object);
	if (r < 0)
		return r;
	r = read_state(object, &proposal.state);
	proposal.number = stored_number(object, "proposal");
	stored_text(object, "closed_because", proposal.closed_because,
		    sizeof(proposal.closed_because));
	stored_person(object, "closed_by", &proposal.closed_by);
	proposal.untold = (enum proposal_step)stored_number(object, "untold");
	stored_person(object, "author", &proposal.author);
	stored_instant(object, "when", &proposal.when);
	stored_text(object, "reason", proposal.reason, sizeof(proposal.reason));
	stored_text(object, "request", proposal.request, sizeof(proposal.request));
	stored_text(object, "directory", proposal.directory, sizeof(proposal.directory));
	stored_text(object, "digest", proposal.digest, sizeof(proposal.digest));
	stored_text(object, "content", proposal.content, sizeof(proposal.content));
	stored_text(object, "version", proposal.version, sizeof(proposal.version));
	proposal.based_on = stored_number(object, "based_on");
	stored_text(object, "based_digest", proposal.based_digest, sizeof(proposal.based_digest));
	proposal.scheduled_usec = stored_number(object, "scheduled_usec");
	proposal.scheduled_confirm_usec = stored_number(object, "scheduled_confirm_usec");
	stored_person(object, "scheduled_by", &proposal.scheduled_by);
	proposal.schedule_taken = stored_number(object, "schedule_taken");
	proposal.schedule_try = stored_number(object, "schedule_try");
	proposal.change_unknown = stored_number(object, "change_unknown");
	proposal.change_rules = stored_number(object, "change_rules");
	proposal.weight = (enum plan_weight)stored_number(object, "weight");
	stored_text(object, "zones", proposal.zones, sizeof(proposal.zones));
	read_approvals(object, &proposal);
	json_object_put(object);
	make_code(&proposal, proposal.code);
	if (r == 0)
		*ret = proposal;
	return r;
}

// --- folders

static int open_all(int state_fd)
{
	if (mkdirat(state_fd, "proposals", 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(state_fd, "proposals", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int open_one(int state_fd, uint64_t number)
{
	char path[64];
	snprintf(path, sizeof(path), "proposals/%" PRIu64, number);
	int fd = openat(state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

size_t proposal_list(int state_fd, uint64_t *ret, size_t max)
{
	return generation_list_of(open_all(state_fd), ret, max);
}

static size_t count_open(int state_fd)
{
	uint64_t numbers[PROPOSALS_KEPT];
	size_t n = proposal_list(state_fd, numbers, PROPOSALS_KEPT), open = 0;
	for (size_t i = 0; i < n; i++) {
		struct failure failure;
		struct proposal proposal;
		if (proposal_read(state_fd, numbers[i], &failure, &proposal) == 0)
			open += proposal.state == PROPOSAL_OPEN;
	}
	return open;
}

// Open ones stay, whatever their age.
static void remove_oldest(int state_fd, int all_fd)
{
	uint64_t numbers[PROPOSALS_KEPT + 1];
	size_t n = proposal_list(state_fd, numbers, PROPOSALS_KEPT + 1);
	for (size_t i = 0; n > PROPOSALS_KEPT && i < n; i++) {
		struct failure failure;
		struct proposal proposal;
		char name[32];
		if (proposal_read(state_fd, numbers[i], &failure, &proposal) == 0 &&
		    proposal.state == PROPOSAL_OPEN)
			continue;
		snprintf(name, sizeof(name), "%" PRIu64, numbers[i]);
		generation_remove_folder(all_fd, name);
		return;
	}
}

static int store_into(int folder_fd, const struct proposal *proposal,
		      const struct proposal_kept *kept)
{
	int r = generation_store_rules(folder_fd, kept->snapshot);
	if (r == 0)
		r = file_store(folder_fd, "compiled", kept->compiled, kept->compiled_size);
	if (r == 0)
		r = file_store(folder_fd, "changes", kept->changes, kept->changes_size);
	if (r == 0)
		r = stored_write(folder_fd, "about", about_object(proposal));
	if (r == 0 && fsync(folder_fd) < 0)
		r = -errno;
	return r;
}

static int make_new(int all_fd, const struct proposal *proposal, const struct proposal_kept *kept)
{
	char name[32];
	snprintf(name, sizeof(name), "%" PRIu64, proposal->number);
	generation_remove_folder(all_fd, ".new");
	if (mkdirat(all_fd, ".new", 0700) < 0)
		return -errno;
	int folder_fd = openat(all_fd, ".new", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = folder_fd < 0 ? -errno : store_into(folder_fd, proposal, kept);
	if (folder_fd >= 0)
		close(folder_fd);
	fault_point("proposal-written");
	if (r == 0 && renameat(all_fd, ".new", all_fd, name) < 0)
		r = -errno;
	if (r == 0 && fsync(all_fd) < 0)
		r = -errno;
	if (r < 0)
		generation_remove_folder(all_fd, ".new");
	return r;
}

int proposal_store(int state_fd, const struct proposal *proposal, const struct proposal_kept *kept,
		   struct failure *failure)
{
	if (count_open(state_fd) >= PROPOSALS_OPEN_MAX)
		return failure_set(failure, SK_PROPOSALS_MANY, -EDQUOT,
				   "%d proposals are open; apply or reject some of them first",
				   PROPOSALS_OPEN_MAX);
	int all_fd = open_all(state_fd);
	if (all_fd < 0)
		return state_failed(failure, all_fd, "the folder of proposals");
	int r = make_new(all_fd, proposal, kept);
	fault_point("proposal-stored");
	if (r == 0)
		remove_oldest(state_fd, all_fd);
	close(all_fd);
	return r < 0 ? state_failed(failure, r, "the proposal") : 0;
}

int proposal_read(int state_fd, uint64_t number, struct failure *failure, struct proposal *ret)
{
	int fd = open_one(state_fd, number);
	if (fd < 0)
		return failure_set(failure, SK_PROPOSAL_UNKNOWN, fd,
				   "there is no proposal %" PRIu64
				   "; \"sekisho proposals\" lists them",
				   number);
	struct proposal proposal;
	int r = read_about(fd, &proposal);
	close(fd);
	if (r < 0 || proposal.number != number)
		return damaged(failure, number, "what is stored of it cannot be read");
	*ret = proposal;
	return 0;
}

int proposal_write(int state_fd, const struct proposal *proposal, struct failure *failure)
{
	int fd = open_one(state_fd, proposal->number);
	int r = fd < 0 ? fd : stored_write(fd, "about", about_object(proposal));
	if (fd >= 0)
		close(fd);
	return r < 0 ? state_failed(failure, r, "the proposal") : 0;
}

int proposal_close(int state_fd, struct proposal *proposal, enum proposal_state state,
		   const char *because, struct failure *failure)
{
	proposal->state = state;
	// That one was applied the apply tells.
	proposal->untold = state == PROPOSAL_APPLIED ? PROPOSAL_TOLD : PROPOSAL_CLOSED;
	if (because != proposal->closed_because)
		snprintf(proposal->closed_because, sizeof(proposal->closed_because), "%s", because);
	int r = proposal_write(state_fd, proposal, failure);
	fault_point("proposal-closed");
	if (r < 0)
		return r;
	int fd = open_one(state_fd, proposal->number);
	if (fd < 0)
		return 0;
	generation_remove_folder(fd, "rules");
	unlinkat(fd, "compiled", 0);
	unlinkat(fd, "changes", 0);
	close(fd);
	return 0;
}

// --- loading

static int read_kept(int folder_fd, const struct proposal *proposal, const struct snapshot_job *job,
		     struct failure *failure, int *ret_snapshot_fd, uint8_t **ret_compiled,
		     size_t *ret_size)
{
	struct snapshot snapshot;
	char content[CONTENT_HEX + 1] = "", *compiled = NULL, *changes = NULL;
	size_t size = 0, changes_size = 0;
	int snapshot_fd = -1;
	int rules_fd = openat(folder_fd, "rules", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = rules_fd < 0 ? -errno : snapshot_take(rules_fd, job, failure, &snapshot_fd);
	if (rules_fd >= 0)
		close(rules_fd);
	if (r == 0)
		r = file_read(folder_fd, "compiled", REPORT_BYTES_MAX, &compiled, &size);
	if (r == 0)
		r = file_read(folder_fd, "changes", DIFFER_BYTES_MAX, &changes, &changes_size);
	if (r == 0 && snapshot_map(snapshot_fd, &snapshot) == 0) {
		hash_content(&(struct proposal_kept){ &snapshot, compiled, size, changes,
						      changes_size },
			     content);
		snapshot_done(&snapshot);
	}
	free(changes);
	if (strcmp(content, proposal->content) != 0) {
		free(compiled);
		if (snapshot_fd >= 0)
			close(snapshot_fd);
		return damaged(failure, proposal->number,
			       "the files kept with it are not those that were proposed");
	}
	*ret_snapshot_fd = snapshot_fd;
	*ret_compiled = (uint8_t *)compiled;
	*ret_size = size;
	return 0;
}

int proposal_load(int state_fd, const struct proposal *proposal, const struct snapshot_job *job,
		  struct failure *failure, int *ret_snapshot_fd, uint8_t **ret_compiled,
		  size_t *ret_size)
{
	int fd = open_one(state_fd, proposal->number);
	if (fd < 0)
		return damaged(failure, proposal->number, "its folder is gone");
	int r = read_kept(fd, proposal, job, failure, ret_snapshot_fd, ret_compiled, ret_size);
	close(fd);
	return r;
}

void proposal_changes(int state_fd, uint64_t number, struct control_rows *ret)
{
	char *bytes;
	size_t size;
	int fd = open_one(state_fd, number);
	int r = fd < 0 ? fd : file_read(fd, "changes", DIFFER_BYTES_MAX, &bytes, &size);
	if (fd >= 0)
		close(fd);
	*ret = (struct control_rows){ 0 };
	if (r < 0)
		return;
	if (size && differ_read(bytes, size, ret) < 0)
		*ret = (struct control_rows){ 0 };
	free(bytes);
}
