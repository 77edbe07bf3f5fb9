// What this kernel can do, found by asking it: each feature is a small transaction that the kernel
// checks in full and then forgets, because the message that would commit it is missing.
#include "kernel/private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/sysctl.h"

// Strings of the probe's ruleset, by offset.
static const char probe_strings[] = "\0sekisho_probe\0chain\0object\0ftp\0tftp\0sip\0pptp";
enum {
	PROBE_TABLE = 1,
	PROBE_CHAIN = 15,
	PROBE_OBJECT = 21,
	PROBE_FTP = 28,
	PROBE_TFTP = 32,
	PROBE_SIP = 37,
	PROBE_PPTP = 41,
};

struct probe {
	size_t offset;	// in struct kernel_features, of a bool
	uint32_t flags; // of the table
	uint8_t stmt;	// RS_QUEUE, RS_NETMAP; RS_MATCH: none
	uint8_t nat;	// the chain's type
	uint32_t helper;
	uint8_t protocol;
	enum kernel_queue queue;
};

static bool probe_run(struct link *link, const struct probe *probe)
{
	struct rs_stmt stmt = { .kind = probe->stmt, .family = 6, .count = 1 };
	struct rs_rule rule = { .n_stmts = 1, .origin = RS_NONE };
	struct rs_chain chain = { .name = PROBE_CHAIN,
				  .base = 1,
				  .nat = probe->nat,
				  .hook = NF_INET_POST_ROUTING,
				  .priority = 100,
				  .n_rules = 1 };
	struct rs_obj obj = { .name = PROBE_OBJECT,
			      .kind = RS_OBJ_HELPER,
			      .protocol = probe->protocol,
			      .helper = probe->helper };
	struct ruleset ruleset = { .table = PROBE_TABLE,
				   .strings = probe_strings,
				   .strings_size = sizeof(probe_strings),
				   .chains = &chain,
				   .n_chains = 1,
				   .rules = &rule,
				   .n_rules = 1,
				   .stmts = &stmt,
				   .n_stmts = 1,
				   .objs = &obj,
				   .n_objs = 1 };
	struct kernel_features assumed = { .queue = probe->queue, .netmap = true };
	struct batch batch;
	uint32_t at;
	int r = 0;

	memset(stmt.value_hi, 0xff, 8); // a range of 2^64 addresses, for the translation
	batch_begin(&batch, link->seq + 1, NULL);
	encode_table(&batch, probe_strings + PROBE_TABLE, probe->flags);
	if (probe->helper)
		encode_obj(&batch, &ruleset, 0, NULL);
	if (probe->stmt != RS_MATCH) {
		encode_chain(&batch, &ruleset, 0);
		r = encode_rule(&batch, &ruleset, 0, &assumed, &at);
	}
	batch_end(&batch, false);
	if (r == 0)
		r = link_send(link, &batch, NULL, NULL);
	batch_done(&batch);
	return r == 0;
}

static const struct probe probe_rows[] = {
	{ offsetof(struct kernel_features, owner), .flags = NFT_TABLE_F_OWNER },
	{ offsetof(struct kernel_features, persist), .flags = NFT_TABLE_F_OWNER | ENCODE_PERSIST },
	{ offsetof(struct kernel_features, netmap), .stmt = RS_NETMAP, .nat = 1 },
	{ offsetof(struct kernel_features, helper_ftp), .helper = PROBE_FTP,
	  .protocol = IPPROTO_TCP },
	{ offsetof(struct kernel_features, helper_tftp), .helper = PROBE_TFTP,
	  .protocol = IPPROTO_UDP },
	{ offsetof(struct kernel_features, helper_sip), .helper = PROBE_SIP,
	  .protocol = IPPROTO_UDP },
	{ offsetof(struct kernel_features, helper_pptp), .helper = PROBE_PPTP,
	  .protocol = IPPROTO_TCP },
};

void probe_features(struct link *link, struct kernel_features *features)
{
	struct utsname name;

	*features = (struct kernel_features){ 0 };
	if (uname(&name) == 0)
		snprintf(features->release, sizeof(features->release), "%s", name.release);
	for (size_t i = 0; i < sizeof(probe_rows) / sizeof(probe_rows[0]); i++)
		*(bool *)((char *)features + probe_rows[i].offset) =
			probe_run(link, &probe_rows[i]);
	if (probe_run(link, &(struct probe){ .stmt = RS_QUEUE, .queue = KERNEL_QUEUE_NATIVE }))
		features->queue = KERNEL_QUEUE_NATIVE;
	else if (probe_run(link, &(struct probe){ .stmt = RS_QUEUE, .queue = KERNEL_QUEUE_COMPAT }))
		features->queue = KERNEL_QUEUE_COMPAT;
	features->conntrack_counters = sysctl_conntrack_counters() == 1;
}
