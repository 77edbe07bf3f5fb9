// Isolations as words and lists.
#include "kernel/isolation.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

static const char *const kind_words[ISOLATION_KINDS] = {
	[ISOLATION_ALL] = "all",   [ISOLATION_ZONE] = "zone", [ISOLATION_LINK] = "link",
	[ISOLATION_HOST] = "host", [ISOLATION_MAC] = "mac",
};

enum { MAC_BYTES = 6, MAC_TEXT = 17, INTERFACE_TEXT_MAX = 15 };

const char *isolation_kind_word(enum isolation_kind kind)
{
	return kind_words[kind];
}

int isolation_kind_find(const char *word)
{
	for (int kind = 0; kind < ISOLATION_KINDS; kind++)
		if (strcmp(kind_words[kind], word) == 0)
			return kind;
	return -EINVAL;
}

bool isolation_is_interface(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > INTERFACE_TEXT_MAX || strcmp(text, "*") == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == '/' || text[i] == '"' ||
		    text[i] == 0x7f || (text[i] == '*' && i + 1 < length))
			return false;
	return true;
}

bool isolation_is_mac(const char *text, uint8_t bytes[6])
{
	if (strlen(text) != MAC_TEXT)
		return false;
	for (size_t i = 0; i < MAC_TEXT; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	for (size_t i = 0; bytes && i < MAC_BYTES; i++)
		bytes[i] = (uint8_t)strtoul((char[3]){ text[i * 3], text[i * 3 + 1] }, NULL, 16);
	return true;
}

// A name may be anything that a comment's words can hold.
static bool name_is_fine(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= ISOLATION_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == '"' || name[i] == 0x7f)
			return false;
	return true;
}

// Addresses and MACs in the one form that everybody writes them in.
static int normal(enum isolation_kind kind, const char *text, char out[ADDR_TEXT_MAX])
{
	struct addr addr;
	uint8_t mac[MAC_BYTES];

	if (kind == ISOLATION_ZONE || kind == ISOLATION_LINK) {
		if (!isolation_is_interface(text))
			return -EINVAL;
		snprintf(out, ADDR_TEXT_MAX, "%s", text);
	} else if (kind == ISOLATION_MAC && isolation_is_mac(text, mac)) {
		snprintf(out, ADDR_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
	} else {
		if (kind == ISOLATION_ALL || addr_parse(text, &addr) < 0)
			return -EINVAL;
		addr_text(&addr, out);
	}
	return 0;
}

int isolation_add_target(struct isolation *isolation, const char *text)
{
	char clean[ADDR_TEXT_MAX];
	int r = normal(isolation->kind, text, clean);

	if (r < 0)
		return r;
	for (size_t i = 0; i < isolation->n_targets; i++)
		if (strcmp(isolation->targets[i].text, clean) == 0)
			return 0;
	if (isolation->n_targets == ISOLATION_TARGETS_MAX)
		return -ENOSPC;
	snprintf(isolation->targets[isolation->n_targets++].text, ISOLATION_TARGET_MAX, "%s",
		 clean);
	return 0;
}

int isolation_init(struct isolation *isolation, enum isolation_kind kind, const char *name)
{
	int r = 0;

	isolation->kind = (uint8_t)kind;
	isolation->quarantine = isolation->total = false;
	isolation->since = 0;
	isolation->n_targets = 0;
	isolation->name[0] = '\0';
	if (kind == ISOLATION_ALL)
		return *name ? -EINVAL : 0;
	if (!name_is_fine(name) || (kind == ISOLATION_MAC && !isolation_is_mac(name, NULL)))
		return -EINVAL;
	if (kind != ISOLATION_ZONE)
		r = isolation_add_target(isolation, name);
	if (r == 0)
		snprintf(isolation->name, sizeof(isolation->name), "%s",
			 isolation->n_targets ? isolation->targets[0].text : name);
	return r;
}

void isolation_host_name(const char *text, char out[ADDR_TEXT_MAX])
{
	struct addr addr;

	snprintf(out, ADDR_TEXT_MAX, "%s", text);
	if (addr_parse(text, &addr) < 0 || addr.family != ADDR_V6 || addr.bits >> 32 != 0xffff)
		return;
	addr.family = ADDR_V4;
	addr.bits &= 0xffffffff;
	addr_text(&addr, out);
}

const char *isolation_no_host(const struct addr *addr)
{
	static const struct {
		const char *range, *what;
	} rows[] = {
		{ "0.0.0.0/8", "no address of any host" },
		{ "::", "no address of any host" },
		{ "127.0.0.0/8", "the box's traffic with itself, which nothing isolates" },
		{ "::1", "the box's traffic with itself, which nothing isolates" },
		{ "224.0.0.0/4", "a multicast address" },
		{ "ff00::/8", "a multicast address" },
		{ "255.255.255.255", "the broadcast address" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr_range range;

		if (addr_range_parse(rows[i].range, &range) == 0 &&
		    addr_range_contains(&range, addr))
			return rows[i].what;
	}
	return NULL;
}

void isolation_comment(const struct isolation *isolation, const char *target,
		       char out[ISOLATION_COMMENT_MAX])
{
	snprintf(out, ISOLATION_COMMENT_MAX, "%s %s%s%s%s%s%s since %llu",
		 isolation->quarantine ? "quarantine" : "isolate", kind_words[isolation->kind],
		 *isolation->name ? " " : "", isolation->name, isolation->total ? " total" : "",
		 *target ? " on " : "", target, (unsigned long long)isolation->since);
}

// The next word of a comment, or "".
static const char *word(char **rest)
{
	char *found = strsep(rest, " ");

	return found ? found : "";
}

static int read_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno || end == text || *end || !isdigit((unsigned char)*text) ? -EINVAL : 0;
}

static int read_words(char *rest, struct isolation *ret, const char **ret_target)
{
	const char *verb = word(&rest), *kind = word(&rest), *at;
	const char *name = strcmp(kind, "all") == 0 ? "" : word(&rest);
	bool quarantine = strcmp(verb, "quarantine") == 0;

	if (!quarantine && strcmp(verb, "isolate") != 0)
		return -EINVAL;
	if (isolation_kind_find(kind) < 0 ||
	    isolation_init(ret, (enum isolation_kind)isolation_kind_find(kind), name) < 0)
		return -EINVAL;
	ret->quarantine = quarantine;
	ret->n_targets = 0;
	*ret_target = "";
	at = word(&rest);
	if (strcmp(at, "total") == 0) {
		ret->total = true;
		at = word(&rest);
	}
	if (strcmp(at, "on") == 0) {
		*ret_target = word(&rest);
		at = word(&rest);
	}
	if (strcmp(at, "since") != 0 || (ret->kind == ISOLATION_ALL) != (**ret_target == '\0'))
		return -EINVAL;
	return read_number(word(&rest), &ret->since) < 0 || rest ? -EINVAL : 0;
}

int isolation_read_comment(const char *comment, struct isolation *ret,
			   struct isolation_target *ret_target)
{
	char copy[ISOLATION_COMMENT_MAX], clean[ADDR_TEXT_MAX] = "";
	const char *target;

	if (strlen(comment) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, comment, strlen(comment) + 1);
	if (read_words(copy, ret, &target) < 0)
		return -EINVAL;
	if (*target && normal(ret->kind, target, clean) < 0)
		return -EINVAL;
	snprintf(ret_target->text, sizeof(ret_target->text), "%s", clean);
	return 0;
}

// --- lists

struct isolation *isolations_find(const struct isolations *list, const struct isolation *like)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].kind == like->kind && strcmp(list->v[i].name, like->name) == 0)
			return (struct isolation *)&list->v[i];
	return NULL;
}

bool isolations_have_room(const struct isolations *list, const struct isolation *isolation)
{
	static const size_t kept[ISOLATION_KINDS] = {
		[ISOLATION_ZONE] = 1,
		[ISOLATION_LINK] = 1,
		[ISOLATION_HOST] = 1 + ISOLATIONS_KEPT,
		[ISOLATION_MAC] = 1 + ISOLATIONS_KEPT,
	};

	return isolations_find(list, isolation) || list->n + kept[isolation->kind] < ISOLATIONS_MAX;
}

static void copy(struct isolation *to, const struct isolation *from)
{
	memcpy(to, from,
	       offsetof(struct isolation, targets) + from->n_targets * sizeof(from->targets[0]));
}

int isolations_add(struct isolations *list, const struct isolation *isolation)
{
	struct isolation *there = isolations_find(list, isolation);
	int r = 0;

	if (!there && list->n == ISOLATIONS_MAX)
		return -ENOSPC;
	if (!there) {
		copy(&list->v[list->n++], isolation);
		return 0;
	}
	there->total |= isolation->total;
	there->quarantine |= isolation->quarantine;
	for (size_t i = 0; i < isolation->n_targets && r == 0; i++)
		r = isolation_add_target(there, isolation->targets[i].text);
	return r;
}

void isolations_remove(struct isolations *list, const struct isolation *like)
{
	struct isolation *there = isolations_find(list, like);

	if (!there)
		return;
	for (size_t i = (size_t)(there - list->v); i + 1 < list->n; i++)
		copy(&list->v[i], &list->v[i + 1]);
	list->n--;
}
