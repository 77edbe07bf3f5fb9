// One isolation: who or what is cut off, and the words by which a rule of the kernel says so.
//
// Each rule that isolates carries such words as its comment, so that `nft list` shows them, and so
// that the list of isolations can be read back from the kernel by anybody, whoever ordered them:
//
//	isolate zone office on lan-of since 1790000000
//	quarantine mac 02:00:00:00:00:05 on 10.20.0.5 since 1790000000
//	isolate all total since 1790000000
//
// Pure: text in, struct out.  Times are seconds since 1970.
#ifndef SEKISHO_KERNEL_ISOLATION_H
#define SEKISHO_KERNEL_ISOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum isolation_kind {
	ISOLATION_ALL,
	ISOLATION_ZONE,
	ISOLATION_LINK,
	ISOLATION_HOST,
	ISOLATION_MAC,
	ISOLATION_KINDS,
};

enum {
	ISOLATION_NAME_MAX = 64,     // bytes of a name, NUL included
	ISOLATION_TARGET_MAX = 46,   // bytes of a target, NUL included
	ISOLATION_TARGETS_MAX = 128, // interfaces of a zone, addresses of a host
	ISOLATIONS_MAX = 64,	     // in force at a time
	ISOLATIONS_KEPT = 15,	     // of them for zones and links, and one more for all
	ISOLATION_COMMENT_MAX = 128, // bytes, NUL included (nft: NFTNL_UDATA_COMMENT_MAXLEN)
};

// What the rules match, as text: interfaces ("vlan*" for all that begin so) of a zone or link;
// addresses of a host; of a MAC itself and the addresses that were known for it.  None of all.
struct isolation_target {
	char text[ISOLATION_TARGET_MAX];
};

struct isolation {
	uint8_t kind; // enum isolation_kind
	bool quarantine, total;
	char name[ISOLATION_NAME_MAX]; // "" of all
	uint64_t since;
	size_t n_targets;
	struct isolation_target targets[ISOLATION_TARGETS_MAX];
};

struct isolations {
	size_t n;
	struct isolation v[ISOLATIONS_MAX];
};

const char *isolation_kind_word(enum isolation_kind kind); // "zone"
int isolation_kind_find(const char *word);		   // -EINVAL: none

// Is it an interface's name, or a pattern of names?
bool isolation_is_interface(const char *text);
// "02:00:00:00:00:05"; bytes may be NULL.
bool isolation_is_mac(const char *text, uint8_t bytes[6]);

// One target more, once.  -EINVAL: not one of its kind; -ENOSPC.
int isolation_add_target(struct isolation *isolation, const char *text);
// A link or host by its name, which is its target too; a zone has none yet.  -EINVAL.
int isolation_init(struct isolation *isolation, enum isolation_kind kind, const char *name);
// What somebody calls a host, as packets of it say it: an IPv4 address within an IPv6 one
// (::ffff:192.0.2.1) is that IPv4 address.  Other texts as they are.
void isolation_host_name(const char *text, char out[ADDR_TEXT_MAX]);
// NULL, or what the address is instead of a host's: "a multicast address".
const char *isolation_no_host(const struct addr *addr);

// The comment of the rules for one target ("" of all).
void isolation_comment(const struct isolation *isolation, const char *target,
		       char out[ISOLATION_COMMENT_MAX]);
// Reads a comment: all but n_targets, and the target's text.  -EINVAL: it is none of ours.
int isolation_read_comment(const char *comment, struct isolation *ret,
			   struct isolation_target *ret_target);

// The one of this kind and name, or NULL.
struct isolation *isolations_find(const struct isolations *list, const struct isolation *like);
// May this one be ordered too?  Asked before it is cut: hosts leave room for zones, those for all.
bool isolations_have_room(const struct isolations *list, const struct isolation *isolation);
// Adds one, or the targets that the one there lacks.  -ENOSPC.
int isolations_add(struct isolations *list, const struct isolation *isolation);
void isolations_remove(struct isolations *list, const struct isolation *like);

#endif
