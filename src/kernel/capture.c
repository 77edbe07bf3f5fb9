// Two chains with a rule for each interface: match, log, go on.
#include "kernel/capture.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/private.h"

// The texts as offsets into the strings.
static const char capture_strings[] = "\0sekisho_capture\0arriving\0leaving\0sk capture";
enum {
	CAPTURE_TABLE = 1,
	CAPTURE_ARRIVING = 17,
	CAPTURE_LEAVING = 26,
	CAPTURE_PREFIX = 34,
	CAPTURE_CHAINS = 2,
	CAPTURE_STMTS = 2, // of a rule
	CAPTURE_FIRST = -310,
	CAPTURE_LAST = 310,
};

struct capture {
	struct rs_chain chains[CAPTURE_CHAINS];
	struct rs_rule rules[CAPTURE_CHAINS * CAPTURE_INTERFACES_MAX];
	struct rs_stmt stmts[CAPTURE_CHAINS * CAPTURE_INTERFACES_MAX * CAPTURE_STMTS];
	struct ruleset ruleset;
};

static void capture_match(struct rs_stmt *stmt, enum rs_key key, const char *name)
{
	size_t length = strnlen(name, sizeof(stmt->value) - 1);

	*stmt = (struct rs_stmt){
		.kind = RS_MATCH, .n_keys = 1, .keys = { (uint8_t)key }, .ref = RS_NONE
	};
	if (length && name[length - 1] == '*') {
		stmt->masked = 1;
		memset(stmt->mask, 0xff, --length);
	}
	memcpy(stmt->value, name, length);
}

static void capture_rule(struct capture *capture, enum rs_key key, const char *name,
			 const struct kernel_capture *from)
{
	struct ruleset *ruleset = &capture->ruleset;
	struct rs_stmt *stmts = &capture->stmts[ruleset->n_stmts];

	capture->rules[ruleset->n_rules++] =
		(struct rs_rule){ .chain = (uint32_t)ruleset->n_chains - 1,
				  .first_stmt = (uint32_t)ruleset->n_stmts,
				  .n_stmts = CAPTURE_STMTS,
				  .origin = RS_NONE };
	capture->chains[ruleset->n_chains - 1].n_rules++;
	ruleset->n_stmts += CAPTURE_STMTS;
	capture_match(&stmts[0], key, name);
	stmts[1] = (struct rs_stmt){ .kind = RS_LOG,
				     .group = from->group,
				     .burst = from->snaplen,
				     .prefix = CAPTURE_PREFIX,
				     .ref = RS_NONE };
}

static void capture_chain(struct capture *capture, const struct rs_chain *head, enum rs_key key,
			  const struct kernel_capture *from)
{
	struct rs_chain *chain = &capture->chains[capture->ruleset.n_chains++];

	*chain = *head;
	chain->base = 1;
	chain->first_rule = (uint32_t)capture->ruleset.n_rules;
	chain->origin = RS_NONE;
	for (size_t i = 0; i < from->n_interfaces; i++)
		capture_rule(capture, key, from->interfaces[i], from);
}

int kernel_capture_set(struct kernel *kernel, const struct kernel_capture *from)
{
	static const struct rs_chain arriving = { .name = CAPTURE_ARRIVING,
						  .hook = NF_INET_PRE_ROUTING,
						  .priority = CAPTURE_FIRST };
	static const struct rs_chain leaving = { .name = CAPTURE_LEAVING,
						 .hook = NF_INET_POST_ROUTING,
						 .priority = CAPTURE_LAST };
	const struct kernel_features *features = kernel_features(kernel);
	struct kernel_error error;
	struct capture capture = { .ruleset = { .table = CAPTURE_TABLE,
						.strings = capture_strings,
						.strings_size = sizeof(capture_strings),
						.chains = capture.chains,
						.rules = capture.rules,
						.stmts = capture.stmts } };

	if (from->n_interfaces > CAPTURE_INTERFACES_MAX)
		return -E2BIG;
	capture_chain(&capture, &arriving, RS_META_IIFNAME, from);
	capture_chain(&capture, &leaving, RS_META_OIFNAME, from);
	return commit_run(
		&kernel->link,
		&(struct commit_request){ .next = &capture.ruleset,
					  .features = features,
					  .table_flags = features->owner ? NFT_TABLE_F_OWNER : 0 },
		&error);
}

int kernel_capture_remove(struct kernel *kernel)
{
	struct batch batch;
	int r;

	batch_begin(&batch, kernel->link.seq + 1, NULL);
	encode_drop_table(&batch, kernel_capture_table);
	batch_end(&batch, true);
	r = link_send(&kernel->link, &batch, NULL, NULL);
	batch_done(&batch);
	return r == -ENOENT ? 0 : r;
}
