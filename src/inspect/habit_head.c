// Which field says what is a table.  Fields of forwarders are those that Gmail, Exchange and
// Microsoft 365, Dovecot's Sieve, procmail, Yahoo and X.400 gateways add by themselves; a mail that
// a person sends on by hand has none of them, but for Resent-.
#include "inspect/habit_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/terms.h"
#include "base/text.h"
#include "unpack/prose.h"
#include "inspect/habit_alike.h"
#include "inspect/habit_domain.h"
#include "inspect/mail_stops.h"
#include "mime/mime_address.h"

enum { SLOTS = 2048 }; // of the table of addresses: twice what is counted

_Static_assert((int)SLOTS > 2 * (int)HABIT_OUTSIDE_MAX, "a table that is half empty at least");

// --- addresses

struct address {
	char text[HABIT_ADDRESS_MAX]; // lower case, the domain normal
	char domain[HABIT_DOMAIN_SIZE];
};

static void read_address(const char *from, struct address *ret)
{
	const char *at = strrchr(from, '@');
	size_t n = at ? (size_t)(at - from) : strlen(from);
	habit_domain_of(from, ret->domain);
	n = n < 64 ? n : 64; // RFC 5321 4.5.3.1.1
	for (size_t i = 0; i < n; i++)
		ret->text[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] | 0x20 : from[i]);
	snprintf(ret->text + n, sizeof(ret->text) - n, "%s%s", at ? "@" : "", ret->domain);
}

static bool is_ours(const struct habit_head *head, const struct address *address)
{
	return address->domain[0] && habit_domain_is_ours(head->profile, address->domain);
}

// UTF-8 is not cut within a letter.
static void keep(char what[HABIT_EVIDENCE_MAX], const char *before, const char *text)
{
	size_t n;
	if (what[0])
		return;
	n = (size_t)snprintf(what, HABIT_EVIDENCE_MAX, "%s%s", before, text);
	if (n >= HABIT_EVIDENCE_MAX)
		n = HABIT_EVIDENCE_MAX - 1;
	while (n && !text_is_utf8(what, n, NULL))
		n--;
	what[n] = '\0';
}

static void take_sender(struct habit_head *head, const struct address *address)
{
	const struct profile *profile = head->profile;
	for (size_t i = 0; i < profile->n_habits && i < PROFILE_HABITS_MAX; i++) {
		const struct profile_habit *rule = &profile->habits[i];
		bool listed = profile_lists(rule->senders, rule->n_senders, address->text);
		if (listed)
			head->any_sender |= UINT64_C(1) << i;
		else
			head->all_senders &= ~(UINT64_C(1) << i);
	}
}

// --- who it says it is from

enum { WORDS = HABIT_ALIKES - 1 };

static void set_alike(struct habit_head *head, unsigned bit, bool is, const char *what)
{
	unsigned i = 0;
	if (!is)
		return;
	while (!(bit >> i & 1))
		i++;
	head->alike |= bit;
	keep(head->alike_what[i], "", what);
}

static void look_at_domain(struct habit_head *head, const struct address *address)
{
	set_alike(head, PROFILE_ALIKE_DOMAIN,
		  habit_alike(head->profile, address->domain) != HABIT_UNLIKE, address->domain);
}

static void look_at_name(struct habit_head *head, const struct mime_mailbox *mailbox)
{
	const struct terms *names = head->profile->names;
	struct unpack_terms found = { 0 };
	set_alike(head, PROFILE_ALIKE_NAME, habit_alike_shown(head->profile, mailbox->name),
		  mailbox->name);
	if (!names)
		return;
	prose_string(names, mailbox->name, &found);
	head->words |= found.words;
	if (found.words)
		keep(head->alike_what[WORDS], "", mailbox->name);
}

static void on_from(void *arg, const struct mime_mailbox *mailbox)
{
	struct habit_head *head = arg;
	const struct habit_envelope *envelope = head->envelope;
	struct address address, sender;
	if (head->n_from++ >= HABIT_FROM_MAX) {
		set_alike(head, PROFILE_ALIKE_NAME, true, mailbox->name);
		return;
	}
	read_address(mailbox->address, &address);
	read_address(envelope->sender, &sender);
	take_sender(head, &address);
	look_at_domain(head, &address);
	if (is_ours(head, &address)) {
		head->ours = true;
		set_alike(head, PROFILE_ALIKE_OWN,
			  !envelope->inside && !envelope->exempt &&
				  profile_owns(head->profile, address.domain),
			  address.text);
	} else {
		look_at_name(head, mailbox);
	}
	set_alike(head, PROFILE_ALIKE_OTHER,
		  sender.domain[0] && !habit_domain_same(sender.domain, address.domain),
		  address.text);
}

static void on_sender(void *arg, const struct mime_mailbox *mailbox)
{
	struct habit_head *head = arg;
	struct address address;
	read_address(mailbox->address, &address);
	head->ours |= is_ours(head, &address);
	if (head->n_other++ < HABIT_FROM_MAX)
		look_at_domain(head, &address);
}

static void on_reply_to(void *arg, const struct mime_mailbox *mailbox)
{
	struct habit_head *head = arg;
	struct address address;
	read_address(mailbox->address, &address);
	if (head->n_other++ < HABIT_FROM_MAX)
		look_at_domain(head, &address);
}

// --- to whom

static void on_recipient(void *arg, const struct mime_mailbox *mailbox)
{
	struct habit_head *head = arg;
	struct address address;
	if (!strchr(mailbox->address, '@') || head->n_outside > HABIT_OUTSIDE_MAX)
		return;
	read_address(mailbox->address, &address);
	if (profile_owns(head->profile, address.domain))
		return;
	if (!head->outside)
		head->outside = calloc(SLOTS, sizeof(*head->outside));
	if (!head->outside) {
		head->failed = true;
		return;
	}
	uint64_t hash = mail_sender_hash((const uint8_t *)address.text, strlen(address.text));
	hash += !hash; // 0 is a place that is free
	size_t slot = hash % SLOTS;
	while (head->outside[slot] && head->outside[slot] != hash)
		slot = (slot + 1) % SLOTS;
	head->n_outside += !head->outside[slot];
	head->outside[slot] = hash;
}

// --- its way

static void came_to(struct habit_head *head, const char *field, const char *at, size_t n)
{
	char text[HABIT_ADDRESS_MAX];
	struct address address;
	n = n < sizeof(text) ? n : sizeof(text) - 1;
	memcpy(text, at, n);
	text[n] = '\0';
	read_address(text, &address);
	if (!address.domain[0] || !profile_owns(head->profile, address.domain))
		return;
	head->came_in = true;
	keep(head->came_what, field, address.text);
}

// "... for <user@domain>; date" (RFC 5321 4.4)
static void on_received(struct habit_head *head, const char *raw)
{
	head->n_received++;
	for (const char *at = raw; (at = strcasestr(at, "for"));) {
		const char *before = at;
		size_t n;
		at += 3;
		if ((before > raw && !mime_is_space((uint8_t)before[-1])) ||
		    !mime_is_space((uint8_t)*at))
			continue;
		while (mime_is_space((uint8_t)*at) || *at == '<')
			at++;
		n = strcspn(at, " \t>;)");
		if (memchr(at, '@', n))
			came_to(head, "Received: for ", at, n);
	}
}

// What it was before an alias became somebody else.
static void on_original(void *arg, const struct mime_mailbox *mailbox)
{
	came_to(arg, "Delivered-To: ", mailbox->address, strlen(mailbox->address));
}

static void on_delivered(void *arg, const struct mime_mailbox *mailbox)
{
	struct habit_head *head = arg;
	const struct habit_envelope *envelope = head->envelope;
	struct address address;
	read_address(mailbox->address, &address);
	if (envelope->names && envelope->names(envelope->arg, address.text)) {
		head->loop = true;
		keep(head->loop_what, "Delivered-To: ", address.text);
	}
	on_original(head, mailbox);
}

// "Name" <list.city.example.jp>
static void on_list_id(struct habit_head *head, const char *raw)
{
	const char *open = strrchr(raw, '<');
	const char *at = open ? open + 1 : raw;
	char domain[HABIT_DOMAIN_SIZE];
	size_t n = strcspn(at, "> \t");
	habit_domain_read(at, n, domain);
	head->our_list |= habit_domain_is_ours(head->profile, domain);
}

static void sent_on(struct habit_head *head, const char *name, const char *raw)
{
	char before[64];
	snprintf(before, sizeof(before), "%s: ", name);
	head->sent_on = true;
	keep(head->sent_what, before, raw);
}

// SRS0=, SRS1= and what Microsoft 365 and Gmail make of them.
static void look_at_envelope(struct habit_head *head)
{
	static const char *const marks[] = {
		"SRS0=", "SRS1=", "SRS0+", "SRS1+", "+SRS=", "+caf_="
	};
	const char *sender = head->envelope->sender, *at = strrchr(sender, '@');
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *mark = strcasestr(sender, marks[i]);
		if (mark && mark < at && (marks[i][0] == '+' || mark == sender))
			sent_on(head, "MAIL FROM", sender);
	}
}

// --- fields

enum way { ADDRESSES, RECEIVED, LIST_ID, ADDED, ADDED_IF_TRUE, ADDED_IF_ADDRESS, AUTO };

static const struct {
	const char *name;
	enum way way;
	void (*each)(void *arg, const struct mime_mailbox *mailbox);
} fields[] = {
	{ "From", ADDRESSES, on_from },
	{ "Sender", ADDRESSES, on_sender },
	{ "Reply-To", ADDRESSES, on_reply_to },
	{ "To", ADDRESSES, on_recipient },
	{ "Cc", ADDRESSES, on_recipient },
	{ "Bcc", ADDRESSES, on_recipient },
	{ "Resent-To", ADDRESSES, on_recipient },
	{ "Resent-Cc", ADDRESSES, on_recipient },
	{ "Delivered-To", ADDRESSES, on_delivered },
	{ "X-Original-To", ADDRESSES, on_original },
	{ "X-Loop", ADDRESSES, on_delivered },
	{ "Received", RECEIVED, NULL },
	{ "List-Id", LIST_ID, NULL },
	{ "Resent-From", ADDED, NULL },
	{ "Resent-Sender", ADDED, NULL },
	{ "Resent-To", ADDED, NULL },
	{ "Resent-Message-ID", ADDED, NULL },
	{ "X-Forwarded-To", ADDED_IF_ADDRESS, NULL },
	{ "X-Forwarded-For", ADDED_IF_ADDRESS, NULL }, // web forms put addresses of hosts there
	{ "X-Forwarded-By", ADDED_IF_ADDRESS, NULL },
	{ "X-MS-Exchange-Inbox-Rules-Loop", ADDED, NULL },
	{ "X-MS-Exchange-ForwardingLoop", ADDED, NULL },
	{ "X-MS-Exchange-Organization-AutoForwarded", ADDED_IF_TRUE, NULL },
	{ "Autoforwarded", ADDED_IF_TRUE, NULL }, // RFC 2156
	{ "X-Autoforwarded", ADDED_IF_TRUE, NULL },
	{ "X-Sieve-Redirected-From", ADDED, NULL },
	{ "X-Yahoo-Forwarded", ADDED, NULL },
	{ "Auto-Submitted", AUTO, NULL },
};

static void take_field(struct habit_head *head, size_t i, const char *raw, const char *shown)
{
	struct mime_store store = { 0 };
	switch (fields[i].way) {
	case ADDRESSES:
		if (!mime_addresses_read(&store, raw, shown, fields[i].each, head))
			head->failed = true;
		break;
	case RECEIVED:
		on_received(head, raw);
		break;
	case LIST_ID:
		on_list_id(head, raw);
		break;
	case ADDED:
		sent_on(head, fields[i].name, raw);
		break;
	case ADDED_IF_TRUE:
		if (strncasecmp(raw, "true", 4) == 0 || strncasecmp(raw, "yes", 3) == 0)
			sent_on(head, fields[i].name, raw);
		break;
	case ADDED_IF_ADDRESS:
		if (strchr(raw, '@'))
			sent_on(head, fields[i].name, raw);
		break;
	case AUTO: // auto-replied and auto-generated are no forwards (RFC 3834 5)
		if (strncasecmp(raw, "auto-forwarded", 14) == 0)
			sent_on(head, fields[i].name, raw);
		break;
	}
}

void habit_head_begin(struct habit_head *head, const struct profile *profile,
		      const struct habit_envelope *envelope)
{
	struct address sender;
	*head = (struct habit_head){ .profile = profile,
				     .envelope = envelope,
				     .all_senders = UINT64_MAX };
	look_at_envelope(head);
	read_address(envelope->sender, &sender);
	if (!sender.domain[0])
		return;
	take_sender(head, &sender);
	look_at_domain(head, &sender);
}

void habit_head_field(struct habit_head *head, const char *name, const char *raw, const char *shown)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcasecmp(name, fields[i].name) == 0)
			take_field(head, i, raw, shown);
}

void habit_head_done(struct habit_head *head)
{
	free(head->outside);
	head->outside = NULL;
}

size_t habit_head_memory(const struct habit_head *head)
{
	return head->outside ? SLOTS * sizeof(*head->outside) : 0;
}

bool habit_head_is_sent_out(const struct habit_head *head, const char **ret_what)
{
	const struct habit_envelope *envelope = head->envelope;
	struct address sender;
	read_address(envelope->sender, &sender);
	if (!envelope->inside)
		return false;
	if (sender.domain[0] && !is_ours(head, &sender)) {
		*ret_what = envelope->sender;
		return true;
	}
	if (head->our_list)
		return false;
	*ret_what = head->came_in ? head->came_what : "From";
	return head->came_in || (sender.domain[0] && head->n_from && !head->ours);
}
