#include "kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/present.h"
#include "kernel/private.h"
#include "kernel/verify.h"

int kernel_open(int fd, struct kernel **ret_kernel)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int r;

	if (!kernel)
		return -ENOMEM;
	r = link_open(&kernel->link, fd);
	if (r < 0) {
		free(kernel);
		return r;
	}
	*ret_kernel = kernel;
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	link_close(&kernel->link);
	free(kernel);
}

int kernel_fd(const struct kernel *kernel)
{
	return mnl_socket_get_fd(kernel->link.socket);
}

const struct kernel_features *kernel_features(struct kernel *kernel)
{
	if (!kernel->probed)
		probe_features(&kernel->link, &kernel->features);
	kernel->probed = true;
	return &kernel->features;
}

static bool kernel_has_read(const struct kernel *kernel, const struct ruleset *ruleset)
{
	return ruleset && kernel->read.ruleset == ruleset &&
	       kernel->read.generation == ruleset->generation;
}

// What was read is worth something only until the next commit, and for the check after that one.
static void kernel_note_commit(struct kernel *kernel, const struct commit_request *request,
			       bool done, bool known)
{
	if (!done)
		return; // the kernel runs what it ran
	kernel->committed = NULL;
	if (known && kernel_has_read(kernel, request->previous))
		kernel->committed = request->next;
	else
		kernel->read = (struct kernel_read){ 0 };
}

// Whether every transaction since what was read is one of ours: *ret_genid is then where they end.
static bool kernel_alone(struct kernel *kernel, uint32_t *ret_genid)
{
	const struct kernel_read *read = &kernel->read;
	uint32_t turns = link_turns();

	// One that another thread makes meanwhile must not be taken for one that is in the counter.
	return link_genid(&kernel->link, ret_genid) == 0 && turns == link_turns() &&
	       *ret_genid - read->genid == turns - read->turns;
}

int kernel_verify_commit(struct kernel *kernel, const struct ruleset *next,
			 const struct ruleset *previous, char *report, size_t size)
{
	bool sure = kernel->committed == next && kernel_has_read(kernel, previous);
	uint32_t before, after;

	kernel->committed = NULL;
	if (sure && kernel_alone(kernel, &before)) {
		int r = verify_change(kernel, previous, next, report, size);

		if (r == VERIFY_DIFFERENT)
			return 1;
		if (r == 0 && kernel_alone(kernel, &after) && after == before) {
			kernel->read =
				(struct kernel_read){ next, next->generation, after, link_turns() };
			return 0;
		}
	}
	return kernel_verify(kernel, next, report, size);
}

int kernel_commit(struct kernel *kernel, const struct ruleset *next, const struct ruleset *previous,
		  const struct kernel_counter *counters, size_t n_counters,
		  struct kernel_error *ret_error)
{
	const struct kernel_features *features = kernel_features(kernel);
	struct commit_request request = { .next = next,
					  .previous = previous,
					  .counters = counters,
					  .n_counters = n_counters,
					  .features = features };

	bool known = false;
	int r;

	request.ret_known = &known;
	// Without persist, a crash of the owner would take the rules away.
	if (features->owner && features->persist)
		request.table_flags = NFT_TABLE_F_OWNER | ENCODE_PERSIST;
	// After a restart the table often runs these very rules: then they are left alone, and all
	// that the commit does is to take the table over.
	if (!previous && verify_runs(kernel, next))
		request.previous = next;
	r = commit_run(&kernel->link, &request, ret_error);
	kernel_note_commit(kernel, &request, r == 0, known);
	return r;
}

int kernel_owned_by_another(struct kernel *kernel)
{
	struct present present = { 0 };
	int r = present_read_table(&present, &kernel->link, kernel_table);

	if (r == 0)
		r = present.table && present.owner && present.owner != kernel->link.port;
	present_done(&present);
	return r;
}

int kernel_generation(struct kernel *kernel, uint64_t *ret_generation)
{
	struct present present = { 0 };
	int r = present_read_chains(&present, &kernel->link, kernel_table);

	if (r == 0)
		*ret_generation = present.generation;
	present_done(&present);
	return r;
}

int kernel_counters(struct kernel *kernel,
		    void (*each)(void *arg, const struct kernel_counter *counter), void *arg)
{
	struct present present = { 0 };
	// Read to its end before the caller sees any: a dump that breaks off is begun anew.
	int r = present_read_counters(&present, &kernel->link, kernel_table);

	for (size_t i = 0; r == 0 && i < present.objs.n; i++)
		each(arg, &(struct kernel_counter){ .name = present.objs.v[i].name,
						    .packets = present.objs.v[i].packets,
						    .bytes = present.objs.v[i].bytes });
	present_done(&present);
	return r;
}

static int kernel_remove_table(struct kernel *kernel, const char *table)
{
	struct batch batch;
	int r;

	batch_begin(&batch, kernel->link.seq + 1, NULL);
	encode_drop_table(&batch, table);
	batch_end(&batch, true);
	r = link_send(&kernel->link, &batch, NULL, NULL);
	batch_done(&batch);
	return r == -ENOENT ? 0 : r;
}

int kernel_remove(struct kernel *kernel)
{
	return kernel_remove_table(kernel, kernel_table);
}

int kernel_guard_remove(struct kernel *kernel)
{
	return kernel_remove_table(kernel, kernel_guard_table);
}
