// rte_acl in this process: only for the peer's own, since DPDK's environment is made once a
// process.
#ifndef SEKISHO_BENCH_CLASSIFY_PEER_ACL_H
#define SEKISHO_BENCH_CLASSIFY_PEER_ACL_H

#include "bench/classify/peer.h"

struct peer_acl;

// results: one a header of the trace, its rule or CLASSIFY_NONE.  0; -ENOSYS: built without it;
// what its build gave.
int peer_acl_new(const struct ruleset *set, const struct trace *trace, bool v6, unsigned heap_mb,
		 uint32_t *results, double *ret_build_ms, struct peer_acl **ret);
void peer_acl_choose(struct peer_acl *acl, char ret_name[PEER_BEST][PEER_NAME_MAX]);
void peer_acl_round(struct peer_acl *acl, double ret_ns[PEER_BEST]);

#endif
