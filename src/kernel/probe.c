// What this kernel can do, found by asking it: one transaction with a message for each feature,
// which the kernel checks in full and then forgets, because the message that would commit it is
// missing.  Each message is refused, or not, on its own.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/encode.h"
#include "kernel/private.h"
#include "kernel/sysctl.h"

enum probe_feature {
	PROBE_OWNER,
	PROBE_PERSIST,
	PROBE_QUEUE_NATIVE,
	PROBE_QUEUE_COMPAT,
	PROBE_NETMAP,
	PROBE_TPROXY,
	PROBE_FTP,
	PROBE_TFTP,
	PROBE_SIP,
	PROBE_PPTP,
	PROBE_FEATURES,
};

// The strings of the probe's ruleset, by offset.
static const char probe_strings[] = "\0sekisho_probe\0rules\0nat\0ftp\0tftp\0sip\0pptp\0divert";
enum {
	PROBE_TABLE = 1,
	PROBE_NAME_RULES = 15,
	PROBE_NAME_NAT = 21,
	PROBE_NAME_FTP = 25,
	PROBE_NAME_TFTP = 29,
	PROBE_NAME_SIP = 34,
	PROBE_NAME_PPTP = 38,
	PROBE_NAME_DIVERT = 43,
};

static const struct rs_chain probe_chains[] = {
	{ .name = PROBE_NAME_RULES, .base = 1, .hook = NF_INET_FORWARD },
	{ .name = PROBE_NAME_NAT,
	  .base = 1,
	  .nat = 1,
	  .hook = NF_INET_POST_ROUTING,
	  .priority = 100 },
	{ .name = PROBE_NAME_DIVERT, .base = 1, .hook = NF_INET_PRE_ROUTING },
};

static const struct rs_rule probe_rules[] = {
	{ .chain = 0, .first_stmt = 0, .n_stmts = 1 },
	{ .chain = 1, .first_stmt = 1, .n_stmts = 1 },
	{ .chain = 2, .first_stmt = 2, .n_stmts = 3 },
};

// A queue; a /64 prefix; what proxy mode needs.
static const struct rs_stmt probe_stmts[] = {
	{ .kind = RS_QUEUE, .count = 1 },
	{ .kind = RS_NETMAP,
	  .family = 6,
	  .value = { 0xfd },
	  .value_hi = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff } },
	{ .kind = RS_MATCH, .n_keys = 1, .keys = { RS_FIB_OIFNAME }, .value = "lo" },
	{ .kind = RS_MATCH, .n_keys = 1, .keys = { RS_SOCKET_TRANSPARENT }, .value = { 1 } },
	{ .kind = RS_TPROXY, .port_lo = 1 },
};

static const struct rs_obj probe_objs[] = {
	{ PROBE_NAME_FTP, RS_OBJ_HELPER, IPPROTO_TCP, PROBE_NAME_FTP, RS_NONE },
	{ PROBE_NAME_TFTP, RS_OBJ_HELPER, IPPROTO_UDP, PROBE_NAME_TFTP, RS_NONE },
	{ PROBE_NAME_SIP, RS_OBJ_HELPER, IPPROTO_UDP, PROBE_NAME_SIP, RS_NONE },
	{ PROBE_NAME_PPTP, RS_OBJ_HELPER, IPPROTO_TCP, PROBE_NAME_PPTP, RS_NONE },
};

static const struct ruleset probe_ruleset = {
	.table = PROBE_TABLE,
	.strings = probe_strings,
	.strings_size = sizeof(probe_strings),
	.chains = probe_chains,
	.n_chains = sizeof(probe_chains) / sizeof(probe_chains[0]),
	.rules = probe_rules,
	.n_rules = sizeof(probe_rules) / sizeof(probe_rules[0]),
	.stmts = probe_stmts,
	.n_stmts = sizeof(probe_stmts) / sizeof(probe_stmts[0]),
	.objs = probe_objs,
	.n_objs = sizeof(probe_objs) / sizeof(probe_objs[0]),
};

struct probe {
	struct batch batch;
	size_t asked[PROBE_FEATURES]; // the number of messages after each was written
	bool refused[PROBE_FEATURES];
	bool failed;
};

static void probe_rule(struct probe *probe, enum probe_feature feature, uint32_t rule,
		       enum kernel_queue queue)
{
	const struct kernel_features assumed = { .queue = queue, .netmap = true, .tproxy = true };
	uint32_t stmt;

	encode_rule(&probe->batch, &probe_ruleset, rule, &assumed, &stmt);
	probe->asked[feature] = probe->batch.marks.n;
}

static void probe_write(struct probe *probe)
{
	encode_table(&probe->batch, "sekisho_probe_o", NFT_TABLE_F_OWNER);
	probe->asked[PROBE_OWNER] = probe->batch.marks.n;
	encode_table(&probe->batch, "sekisho_probe_p", NFT_TABLE_F_OWNER | ENCODE_PERSIST);
	probe->asked[PROBE_PERSIST] = probe->batch.marks.n;
	encode_table(&probe->batch, probe_strings + PROBE_TABLE, 0);
	for (uint32_t i = 0; i < probe_ruleset.n_chains; i++)
		encode_chain(&probe->batch, &probe_ruleset, i);
	probe_rule(probe, PROBE_QUEUE_NATIVE, 0, KERNEL_QUEUE_NATIVE);
	probe_rule(probe, PROBE_QUEUE_COMPAT, 0, KERNEL_QUEUE_COMPAT);
	probe_rule(probe, PROBE_NETMAP, 1, KERNEL_QUEUE_NONE);
	probe_rule(probe, PROBE_TPROXY, 2, KERNEL_QUEUE_NONE);
	for (uint32_t i = 0; i < probe_ruleset.n_objs; i++) {
		encode_obj(&probe->batch, &probe_ruleset, i, NULL);
		probe->asked[PROBE_FTP + i] = probe->batch.marks.n;
	}
	batch_end(&probe->batch, false);
}

static void probe_take_refusal(uint32_t seq, int error, uint32_t offset, void *arg)
{
	struct probe *probe = arg;
	bool known = false;

	(void)error;
	(void)offset;
	for (size_t i = 0; i < PROBE_FEATURES; i++) {
		if (seq - probe->batch.first_seq != probe->asked[i])
			continue;
		probe->refused[i] = true;
		known = true;
	}
	// A table or a chain: then nothing was found out about what hangs on it.
	probe->failed |= !known;
}

void probe_features(struct link *link, struct kernel_features *features)
{
	struct probe probe = { 0 };
	struct utsname name;
	int r;

	*features = (struct kernel_features){ 0 };
	if (uname(&name) == 0)
		snprintf(features->release, sizeof(features->release), "%s", name.release);
	features->conntrack_counters = sysctl_conntrack_counters() == 1;
	batch_begin(&probe.batch, link->seq + 1, NULL);
	probe_write(&probe);
	r = link_send(link, &probe.batch, probe_take_refusal, &probe);
	batch_done(&probe.batch);
	if (probe.failed || r == -ENOBUFS)
		return;
	features->owner = !probe.refused[PROBE_OWNER];
	features->persist = !probe.refused[PROBE_PERSIST];
	features->queue = !probe.refused[PROBE_QUEUE_NATIVE]   ? KERNEL_QUEUE_NATIVE
			  : !probe.refused[PROBE_QUEUE_COMPAT] ? KERNEL_QUEUE_COMPAT
							       : KERNEL_QUEUE_NONE;
	features->netmap = !probe.refused[PROBE_NETMAP];
	features->tproxy = !probe.refused[PROBE_TPROXY];
	features->helper_ftp = !probe.refused[PROBE_FTP];
	features->helper_tftp = !probe.refused[PROBE_TFTP];
	features->helper_sip = !probe.refused[PROBE_SIP];
	features->helper_pptp = !probe.refused[PROBE_PPTP];
}
