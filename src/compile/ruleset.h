// A ruleset as plain data: what the kernel is to run, in the terms of nftables, without netlink.
//
// It is flat arrays that refer to one another by index, and one pool of bytes: so it can cross from
// the unprivileged compiler to the gate as one image, be checked there without trust, printed as
// nft syntax, compared, and turned into netlink messages by the room `kernel`.
#ifndef SEKISHO_COMPILE_RULESET_H
#define SEKISHO_COMPILE_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct diag;

enum {
	RS_KEYS_MAX = 5,       // fields of a concatenation
	RS_KEY_BYTES_MAX = 64, // of a set's key (kernel: NFT_DATA_VALUE_MAXLEN)
	RS_NAME_MAX = 255,     // bytes, NUL included (kernel: NFT_NAME_MAXLEN)
	RS_PREFIX_MAX = 127,   // log prefix, NUL included (kernel: NF_LOG_PREFIXLEN 128)
	RS_NONE = UINT32_MAX,
};

// What a match or a set's key looks at.  One table (ruleset_keys.c) gives each its nft spelling,
// nft type, size in bytes, and how it is loaded.
enum rs_key {
	RS_META_NFPROTO, // 1 byte
	RS_META_L4PROTO, // 1
	RS_META_IIFNAME, // 16, NUL-padded
	RS_META_OIFNAME, // 16
	RS_IP_SADDR,
	RS_IP_DADDR, // 4
	RS_IP6_SADDR,
	RS_IP6_DADDR,	   // 16
	RS_IP_FRAG_OFF,	   // 2
	RS_IP_VERSION_IHL, // 1: first byte of the network header
	RS_IP6_NEXTHDR,	   // 1
	RS_IP6_HOPLIMIT,   // 1
	RS_TH_SPORT,
	RS_TH_DPORT,  // 2
	RS_TCP_FLAGS, // 1
	RS_ICMP_TYPE,
	RS_ICMPV6_TYPE,	 // 1
	RS_CT_STATE,	 // 4, host order bits
	RS_CT_STATUS,	 // 4
	RS_CT_MARK,	 // 4
	RS_CT_DIRECTION, // 1
	RS_META_MARK,	 // 4
	RS_ETHER_SADDR,	 // 6: of packets from Ethernet only
	RS_FIB_OIFNAME,	 // 16: the interface it would leave by, before routing; prerouting only
	RS_SOCKET_TRANSPARENT, // 1: whether a socket takes it that has IP_TRANSPARENT; none: no
			       // match
	RS_KEY_COUNT,
};

struct rs_key_info {
	const char *match; // "ip saddr"
	const char *type;  // nft set type: "ipv4_addr"; NULL: use typeof match
	uint8_t size;	   // bytes
	bool host_order;   // value is a native integer (ct, meta mark)
	uint8_t family;	   // 4, 6, or 0: depends on meta nfproto
	uint8_t needs_l4;  // protocol the match depends on (6 tcp, 1 icmp, 58 icmpv6), 0: none
};
const struct rs_key_info *rs_key_info(enum rs_key key);

enum rs_verdict { RS_CONTINUE, RS_ACCEPT, RS_DROP, RS_JUMP, RS_GOTO, RS_RETURN };

enum rs_stmt_kind {
	RS_MATCH,	// key[0] & mask op value(..value_hi)
	RS_LOOKUP,	// concatenation of keys [not] in set ref
	RS_VMAP,	// concatenation of keys vmap set ref
	RS_COUNT,	// counter name obj ref
	RS_COUNT_MAP,	// counter name KEYS map set ref: breaks the rule when nothing matches
	RS_LIMIT,	// rate per second, burst
	RS_LOG,		// NFLOG: prefix, group, snaplen
	RS_VERDICT,	// verdict, chain ref
	RS_REJECT,	// reject with icmpx admin-prohibited, or tcp reset
	RS_QUEUE,	// to queue number..number + count - 1; no bypass
	RS_SET_CT_MARK, // ct mark set ct mark & and_mask | or_mask (in value_u32[0], value_u32[1])
	RS_HELPER,	// ct helper set obj ref
	RS_NAT,		// source or destination NAT to addresses and ports
	RS_NETMAP,	// snat/dnat prefix: addr lo..hi is the prefix's range
	RS_MASQUERADE,
	RS_MSS,		  // tcp option maxseg size set value, or rt mtu
	RS_EXTHDR,	  // IPv6 extension header `number` exists (or not)
	RS_IP_OPTION,	  // IPv4 option `number` exists
	RS_SET_META_MARK, // meta mark set value_u32[0], or meta mark & value_u32[1] | value_u32[0]
	RS_RT_TYPE,	  // IPv6 routing header of type `number`
	RS_TPROXY,	  // to the listener on port_lo that has IP_TRANSPARENT; none: no match
	RS_STMT_KINDS,
};

enum rs_op { RS_EQ, RS_NEQ, RS_IN_RANGE, RS_NOT_IN_RANGE };

enum rs_reject { RS_REJECT_ADMIN, RS_REJECT_TCP_RESET };

// A key's dependencies (rs_key_info: family, needs_l4) are not statements: whoever turns a rule
// into expressions or text adds them before the first statement that needs them.  The same goes
// for RS_EXTHDR and RS_RT_TYPE (IPv6), RS_IP_OPTION (IPv4).  A pattern of interface names ("vlan*")
// is a masked match whose mask covers the bytes before the '*'.
struct rs_stmt {
	uint8_t kind; // enum rs_stmt_kind
	uint8_t op;   // enum rs_op: MATCH, LOOKUP (EQ, NEQ), EXTHDR
	uint8_t n_keys;
	uint8_t keys[RS_KEYS_MAX];
	uint8_t bits[RS_KEYS_MAX]; // LOOKUP, VMAP, COUNT_MAP: of an address, how many leading
				   // bits are looked up; 0: all
	uint8_t verdict;	   // enum rs_verdict: VERDICT; enum rs_reject: REJECT
	uint8_t destination;	   // NAT, NETMAP: 1 for dnat, 0 for snat
	uint8_t family;		   // NAT, NETMAP: 4 or 6
	uint8_t number;		   // EXTHDR, IP_OPTION
	uint16_t group;		   // LOG: NFLOG group; QUEUE: first queue
	uint16_t count;		   // QUEUE: how many
	uint16_t port_lo, port_hi; // NAT: 0 keeps
	uint16_t size;		   // MSS: value, or 1 for rt mtu
	uint32_t ref;		   // set, object, or chain index; RS_NONE
	uint32_t rate, burst;	   // LIMIT; LOG: burst is snaplen
	uint32_t prefix;	   // LOG: string
	uint8_t masked;		   // MATCH: apply mask
	uint8_t value[16], value_hi[16],
		mask[16]; // MATCH; NAT: address lo, hi; in the key's own order
};

// Where something comes from: for error reports, comments and counters.
struct rs_origin {
	uint32_t flow; // string: flow, nat or zone id
	uint32_t file; // string
	uint32_t line, column, column_end;
};

struct rs_rule {
	uint32_t chain;
	uint32_t first_stmt, n_stmts;
	uint32_t origin;  // index or RS_NONE
	uint32_t comment; // string or 0
};

struct rs_chain {
	uint32_t name;
	uint8_t base; // 1: has a hook
	uint8_t nat;  // base chains: type nat, else filter
	uint8_t hook; // NF_INET_PRE_ROUTING ...
	uint8_t drop; // base chains: policy drop
	int32_t priority;
	uint32_t first_rule, n_rules;
	uint64_t version; // hash of the rules, names of what they refer to included
	uint32_t origin;
};

enum rs_set_kind { RS_SET, RS_MAP_VERDICT, RS_MAP_COUNTER };

// In the kernel a set is called "name.version" (8 hex digits): one with other elements has another
// name, so an apply never changes a set, it replaces it, and keeps those that stay the same.
struct rs_set {
	uint32_t name;
	uint8_t kind; // enum rs_set_kind
	uint8_t interval;
	uint8_t n_keys;
	uint8_t keys[RS_KEYS_MAX];
	uint16_t key_bytes; // sum of sizes, each padded to 4
	uint32_t first_elem, n_elems;
	uint64_t version;
	uint32_t origin;
};

struct rs_elem {
	uint32_t key; // pool offset of key_bytes; with interval: lo then hi (inclusive), twice that
	uint32_t ref; // chain for jump and goto, object for counter maps, else RS_NONE
	uint32_t origin;
	uint8_t verdict; // enum rs_verdict for verdict maps
};

enum rs_obj_kind { RS_OBJ_COUNTER, RS_OBJ_HELPER };

struct rs_obj {
	uint32_t name;
	uint8_t kind;
	uint8_t protocol; // helper: IPPROTO_TCP or UDP
	uint32_t helper;  // helper: string "ftp"
	uint32_t origin;
};

struct ruleset {
	uint64_t generation; // 0 offline
	uint32_t table;	     // string: "sekisho"
	uint8_t digest[32];  // of the policy
	const char *strings; // offset 0 is ""; every offset is of a NUL-terminated string
	size_t strings_size;
	const uint8_t *pool;
	size_t pool_size;
	const struct rs_chain *chains;
	size_t n_chains;
	const struct rs_rule *rules; // those of a chain lie together
	size_t n_rules;
	const struct rs_stmt *stmts;
	size_t n_stmts;
	const struct rs_set *sets;
	size_t n_sets;
	const struct rs_elem *elems;
	size_t n_elems;
	const struct rs_obj *objs;
	size_t n_objs;
	const struct rs_origin *origins;
	size_t n_origins;
	void *storage; // what ruleset_free() frees
};

void ruleset_free(struct ruleset *ruleset); // NULL is fine
void ruleset_freep(struct ruleset **ruleset);

static inline const char *rs_string(const struct ruleset *ruleset, uint32_t offset)
{
	return ruleset->strings + offset;
}

uint32_t ruleset_find_chain(const struct ruleset *ruleset, const char *name); // or RS_NONE

// The ruleset as nft syntax that `nft -c -f` accepts; sets without their version.
void ruleset_print(const struct ruleset *ruleset, FILE *out);

// One flat image (native byte order: it crosses a pipe, not machines).
// write: 0 or -errno.  read: checks every index, size and string of an image made by anyone;
// 0, -EBADMSG when it is damaged, -ENOMEM.  The result is a copy.
int ruleset_image_write(const struct ruleset *ruleset, FILE *out);
int ruleset_image_read(const void *bytes, size_t size, struct ruleset **ret_ruleset);

#endif
