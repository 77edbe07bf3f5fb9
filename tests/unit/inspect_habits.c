// Habits of senders: mail that a mailbox's rule sent on, loops, recipients that see one another,
// senders that seem to be others; and ordinary mail of a town, of which none has any.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/terms.h"
#include "habit_bed.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

static const char *const names[] = { "市長", "情報政策課" };
enum { ALL = 6 };
static struct profile_habit all[ALL] = {
	{ .sign = PROFILE_FORWARDED, .action = PROFILE_REFUSE, .clause = "f" },
	{ .sign = PROFILE_LOOP, .over = 30, .action = PROFILE_REFUSE, .clause = "" },
	{ .sign = PROFILE_OUTSIDE, .over = 3, .action = PROFILE_REFUSE, .clause = "" },
	{ .sign = PROFILE_ALIKE,
	  .alike = PROFILE_ALIKE_DOMAIN | PROFILE_ALIKE_NAME | PROFILE_ALIKE_OWN,
	  .words = 3,
	  .action = PROFILE_REFUSE,
	  .clause = "" },
	{ .sign = PROFILE_LINK, .differs = true, .action = PROFILE_REFUSE, .clause = "" },
	{ .sign = PROFILE_ACTIVE, .action = PROFILE_REFUSE, .clause = "" },
};
static struct profile town = {
	.domains = habit_domains, .n_domains = 2, .habits = all, .n_habits = ALL
};

static void check(const struct profile *profile, const char *name, const struct habit_case *given,
		  const char *reason)
{
	size_t n = strlen(given->message) * 2;
	struct habit_outcome whole, cut;
	habit_bed_judge(profile, given, n, n, &whole);
	if (strcmp(whole.reason, reason ? reason : "nothing") != 0)
		fail_msg("%s: %s (%s)", name, whole.reason, whole.found);
	for (size_t first = 1; first < n; first++) {
		habit_bed_judge(profile, given, first, n, &cut);
		if (memcmp(&whole, &cut, sizeof(whole)) != 0)
			fail_msg("%s, cut at %zu: %s (%s), not %s (%s)", name, first, cut.reason,
				 cut.found, whole.reason, whole.found);
	}
}

// --- forwarding

#define OUT  "x@gmail.test"
#define IN   "taro@city.example.jp"
#define OWN  "From: taro@city.example.jp\nTo: x@gmail.test\n"
#define AWAY "From: a@other.test\nTo: taro@city.example.jp\n"
#define BODY "Subject: x\n\nbody\n"

static const struct {
	const char *name, *sender, *recipient, *message;
	bool forwarded;
} forwards[] = {
	{ "Postfix, .forward", "a@other.test", OUT,
	  "Received: by mail.city.example.jp (Postfix, from userid 1000)\n id 4F1; Thu, 1 Jan 2026\n"
	  "X-Original-To: taro@city.example.jp\nDelivered-To: taro@city.example.jp\n"
	  "Received: from mx.other.test (mx.other.test [192.0.2.1])\n"
	  "\tby mail.city.example.jp (Postfix) with ESMTP id 3F1\n"
	  "\tfor <taro@city.example.jp>; Thu, 1 Jan 2026 09:00:00 +0900 (JST)\n" AWAY BODY,
	  true },
	{ "Postfix with postsrsd", "SRS0=Xy1z=AB=other.test=a@city.example.jp", OUT, AWAY BODY,
	  true },
	{ "Postfix, an alias", "a@other.test", OUT,
	  "Received: from mx.other.test by mail.city.example.jp (Postfix)\n"
	  "\tfor <taro@city.example.jp>; Thu, 1 Jan 2026\n" AWAY BODY,
	  true },
	{ "Exim, redirect", "a@other.test", OUT,
	  "Received: from mx.other.test ([192.0.2.1]:4711)\n by mail.city.example.jp with esmtp "
	  "(Exim 4.96)\n (envelope-from <a@other.test>) id 1abc-0001-Xy\n"
	  " for taro@city.example.jp; Thu, 01 Jan 2026\n" AWAY BODY,
	  true },
	{ "sendmail, with an own sender", "taro@city.example.jp", OUT,
	  "Received: from mx.other.test by mail.city.example.jp (8.17) with ESMTP\n"
	  " for <taro@city.example.jp>; Thu, 1 Jan 2026\n" AWAY BODY,
	  true },
	{ "qmail", "a@other.test", OUT,
	  "Received: (qmail 4711 invoked by uid 89); 1 Jan 2026 00:00:00 -0000\n"
	  "Delivered-To: taro@city.example.jp\n" AWAY BODY,
	  true },
	{ "Exchange, a redirecting rule", "taro@city.example.jp", OUT,
	  "X-MS-Exchange-Inbox-Rules-Loop: taro@city.example.jp\n" AWAY BODY, true },
	{ "Exchange, a forwarding rule", "taro@city.example.jp", OUT,
	  OWN "X-MS-Exchange-Inbox-Rules-Loop: taro@city.example.jp\n" BODY, true },
	{ "Microsoft 365, a mailbox", "bounces+SRS=abcde=QV@city.example.jp", OUT,
	  "X-MS-Exchange-ForwardingLoop:\n\ttaro@city.example.jp;0f1e2d3c\n" AWAY BODY, true },
	{ "Microsoft 365, by its sender alone", "bounces+SRS=abcde=QV@city.example.jp", OUT,
	  OWN BODY, true },
	{ "Exchange, within an organisation", "taro@city.example.jp", OUT,
	  OWN "X-MS-Exchange-Organization-AutoForwarded: true\n" BODY, true },
	{ "Gmail", "taro+caf_=x=gmail.test@city.example.jp", OUT,
	  "X-Forwarded-To: x@gmail.test\n"
	  "X-Forwarded-For: taro@city.example.jp x@gmail.test\n"
	  "Delivered-To: taro@city.example.jp\n" AWAY BODY,
	  true },
	{ "Gmail, a field that is folded", "taro@city.example.jp", OUT,
	  "X-Forwarded-To:\n x@gmail.test\n" OWN BODY, true },
	{ "Dovecot, Sieve", "a@other.test", OUT,
	  "X-Sieve: Pigeonhole Sieve 0.5.19\nX-Sieve-Redirected-From: taro@city.example.jp\n" AWAY
		  BODY,
	  true },
	{ "mutt, bounced", "taro@city.example.jp", OUT,
	  "Resent-From: taro@city.example.jp\nResent-Date: Thu, 1 Jan 2026\n"
	  "Resent-To: x@gmail.test\nResent-Message-ID: <1@city.example.jp>\n" AWAY BODY,
	  true },
	{ "Resent-Sender alone, in capitals", "taro@city.example.jp", OUT,
	  "RESENT-SENDER: taro@city.example.jp\n" OWN BODY, true },
	{ "procmail", "taro@city.example.jp", OUT, "X-Loop: taro@city.example.jp\n" OWN BODY,
	  true },
	{ "Yahoo", "taro@city.example.jp", OUT,
	  "X-Yahoo-Forwarded: from taro@city.example.jp to x@gmail.test\n" OWN BODY, true },
	{ "X.400 (RFC 2156)", "taro@city.example.jp", OUT, "Autoforwarded: TRUE\n" OWN BODY, true },
	{ "Auto-Submitted", "taro@city.example.jp", OUT,
	  "Auto-Submitted: auto-forwarded\n" OWN BODY, true },
	{ "X-Original-To", "taro@city.example.jp", OUT,
	  "X-Original-To: taro@city.example.jp\n" OWN BODY, true },
	{ "only a sender outside", "a@other.test", OUT, OWN BODY, true },
	{ "only From outside", "taro@city.example.jp", OUT, AWAY BODY, true },
	{ "mail of somebody's list", "bounce@lists.other.test", OUT,
	  "List-Id: <news.lists.other.test>\nDelivered-To: taro@city.example.jp\n"
	  "From: news@lists.other.test\nTo: news@lists.other.test\n" BODY,
	  true },
	{ "it comes in, forwarded by Gmail", "x+caf_=taro=city.example.jp@gmail.test", IN,
	  "X-Forwarded-To: taro@city.example.jp\nX-Forwarded-For: x@gmail.test "
	  "taro@city.example.jp\nFrom: a@other.test\nTo: x@gmail.test\n" BODY,
	  true },
	// None.
	{ "ordinary mail out", "taro@city.example.jp", OUT, OWN BODY, false },
	{ "mail of another section's host", "taro@soumu.city.example.jp", OUT,
	  "Received: from pc1 by mail.city.example.jp (Postfix)\n for <x@gmail.test>; Thu, 1 Jan\n"
	  "From: taro@soumu.city.example.jp\nTo: x@gmail.test\n" BODY,
	  false },
	{ "a reply", "taro@city.example.jp", OUT,
	  OWN "In-Reply-To: <1@gmail.test>\nReferences: <1@gmail.test>\n"
	      "Subject: Re: x\n\n> Delivered-To: taro@city.example.jp\n",
	  false },
	{ "sent on by hand", "taro@city.example.jp", OUT,
	  OWN "X-Forwarded-Message-Id: <1@other.test>\nSubject: Fwd: x\n\n"
	      "-------- Forwarded Message --------\nFrom: a@other.test\n",
	  false },
	{ "attached by hand", "taro@city.example.jp", OUT,
	  OWN "MIME-Version: 1.0\nContent-Type: message/rfc822\n\n"
	      "Delivered-To: taro@city.example.jp\nResent-From: a@b.test\n" AWAY BODY,
	  false },
	{ "a vacation's answer", "", OUT, OWN "Auto-Submitted: auto-replied (vacation)\n" BODY,
	  false },
	{ "returned mail", "", OUT,
	  "From: MAILER-DAEMON@mail.city.example.jp (Mail Delivery System)\nTo: x@gmail.test\n"
	  "Auto-Submitted: auto-replied\n" BODY,
	  false },
	{ "returned mail of an unnamed daemon", "", OUT, "From: MAILER-DAEMON\n" BODY, false },
	{ "a receipt", "", OUT, OWN "Auto-Submitted: auto-replied (read receipt)\n" BODY, false },
	{ "a machine's report", "root@city.example.jp", OUT,
	  "From: root@city.example.jp\nTo: x@gmail.test\nAuto-Submitted: auto-generated\n" BODY,
	  false },
	{ "an own list, a member outside", "kikaku-bounces@city.example.jp", OUT,
	  "List-Id: 企画 <kikaku.city.example.jp>\nDelivered-To: kikaku@city.example.jp\n"
	  "Received: by ml.city.example.jp for <kikaku@city.example.jp>; Thu, 1 Jan 2026\n"
	  "From: a@other.test\nTo: kikaku@city.example.jp\n" BODY,
	  false },
	{ "on behalf of somebody", "taro@city.example.jp", OUT,
	  "From: a@other.test\nSender: taro@city.example.jp\nTo: x@gmail.test\n" BODY, false },
	{ "a web form with a host's address", "web@city.example.jp", OUT,
	  "X-Forwarded-For: 203.0.113.4\nFrom: web@city.example.jp\nTo: x@gmail.test\n" BODY,
	  false },
	{ "not forwarded, it says", "taro@city.example.jp", OUT,
	  OWN "X-MS-Exchange-Organization-AutoForwarded: false\n" BODY, false },
	{ "mail that comes in", "a@other.test", IN,
	  "Received: from mx.other.test by mail.city.example.jp\n"
	  " for <taro@city.example.jp>; Thu, 1 Jan 2026\n" AWAY BODY,
	  false },
	{ "within the town", "hanako@city.example.jp", IN,
	  "Received: by mail.city.example.jp for <taro@city.example.jp>; Thu, 1 Jan 2026\n"
	  "From: hanako@city.example.jp\nTo: taro@city.example.jp\n" BODY,
	  false },
};

static void forwarding(void **state)
{
	struct profile profile = town;
	(void)state;
	profile.n_habits = 1;
	for (size_t i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++) {
		bool out = strcmp(forwards[i].recipient, OUT) == 0;
		const struct habit_case given = { forwards[i].sender, forwards[i].recipient, out,
						  forwards[i].message };
		check(&profile, forwards[i].name, &given,
		      forwards[i].forwarded ? "forwarded" : NULL);
	}
}

// --- loops

static void loops(void **state)
{
	static char message[8192];
	const struct profile profile = {
		.domains = habit_domains, .n_domains = 2, .habits = &all[1], .n_habits = 1
	};
	struct habit_case given = { "a@other.test", IN, false, message };
	(void)state;
	for (unsigned n = 30; n <= 31; n++) {
		message[0] = '\0';
		for (unsigned i = 0; i < n; i++)
			strcat(message, "Received: by host; Thu, 1 Jan 2026\n");
		strcat(message, AWAY BODY);
		check(&profile, "hops", &given, n > 30 ? "loop" : NULL);
	}
	given.message = "Delivered-To: TARO@City.Example.JP\n" AWAY BODY;
	check(&profile, "delivered before", &given, "loop");
	given.message = "X-Loop: <taro@city.example.jp>\n" AWAY BODY;
	check(&profile, "procmail", &given, "loop");
	given.message =
		"Delivered-To: hanako@city.example.jp\nX-Original-To: taro@city.example.jp\n" AWAY
			BODY;
	check(&profile, "somebody else", &given, NULL);
}

// --- recipients outside

static void outside(void **state)
{
	static const struct {
		const char *name, *fields;
		bool many;
	} rows[] = {
		{ "three", "To: a@x.test, b@x.test\nCc: c@x.test\n", false },
		{ "four", "To: a@x.test, b@x.test\nCc: c@x.test, d@x.test\n", true },
		{ "four, three of them once", "To: a@x.test, b@x.test\nCc: A@X.TEST, c@x.test\n",
		  false },
		{ "own ones",
		  "To: a@city.example.jp, b@city.example.jp, c@s.city.example.jp,\n"
		  " d@city.example.jp, e@x.test\n",
		  false },
		{ "a folded field", "To: a@x.test,\n b@x.test,\n c@x.test,\n d@x.test\n", true },
		{ "several fields", "To: a@x.test\nTo: b@x.test\nCc: c@x.test\nCc: d@x.test\n",
		  true },
		{ "names with commas", "To: \"b@x.test, c@x.test\" <a@x.test>, \"d\" <d@x.test>\n",
		  false },
		{ "a group", "To: g: a@x.test, b@x.test, c@x.test, d@x.test;\n", true },
		{ "nobody is shown", "To: undisclosed-recipients:;\n", false },
		{ "Bcc that stayed", "To: a@x.test, b@x.test\nBcc: c@x.test, d@x.test\n", true },
		{ "without commas", "To: a@x.test b@x.test c@x.test d@x.test\n", true },
		{ "in the text", "Subject: a@x.test b@x.test c@x.test d@x.test\n", false },
	};
	const struct profile profile = {
		.domains = habit_domains, .n_domains = 2, .habits = &all[2], .n_habits = 1
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[512];
		snprintf(message, sizeof(message), "From: taro@city.example.jp\n%s" BODY,
			 rows[i].fields);
		const struct habit_case given = { "taro@city.example.jp", OUT, true, message };
		check(&profile, rows[i].name, &given, rows[i].many ? "outside-recipients" : NULL);
	}
}

static void too_many_to_count(void **state)
{
	const struct profile_habit rule = { .sign = PROFILE_OUTSIDE,
					    .over = HABIT_OUTSIDE_MAX,
					    .action = PROFILE_REFUSE,
					    .clause = "" };
	const struct profile profile = {
		.domains = habit_domains, .n_domains = 2, .habits = &rule, .n_habits = 1
	};
	static char message[200000];
	(void)state;
	for (unsigned n = HABIT_OUTSIDE_MAX; n <= HABIT_OUTSIDE_MAX + 1; n++) {
		size_t used = (size_t)sprintf(message, "From: taro@city.example.jp\n");
		for (unsigned i = 0; i < n; i++)
			used += (size_t)sprintf(message + used, "To: a%u@x.test\n", i);
		strcpy(message + used, BODY);
		const struct habit_case given = { "taro@city.example.jp", OUT, true, message };
		struct habit_outcome outcome;
		habit_bed_judge(&profile, &given, 1000, 1000, &outcome);
		assert_string_equal(outcome.reason,
				    n > HABIT_OUTSIDE_MAX ? "outside-recipients" : "nothing");
	}
}

// --- senders

static const struct {
	const char *name, *sender, *from;
	unsigned alike; // ways that find it
	bool words;
} senders[] = {
	{ "honest", "a@other.test", "山田 <a@other.test>", 0, false },
	{ "From resembles", "a@other.test", "a@city.examp1e.jp",
	  PROFILE_ALIKE_DOMAIN | PROFILE_ALIKE_OTHER, false },
	{ "the envelope resembles", "a@city-example.jp", "a@other.test",
	  PROFILE_ALIKE_DOMAIN | PROFILE_ALIKE_OTHER, false },
	{ "the name shows an address", "a@other.test", "\"mayor@city.example.jp\" <a@other.test>",
	  PROFILE_ALIKE_NAME, false },
	{ "the name shows one, encoded", "a@other.test",
	  "=?utf-8?B?bWF5b3JAY2l0eS5leGFtcGxlLmpw?= <a@other.test>", PROFILE_ALIKE_NAME, false },
	{ "a comment shows one", "a@other.test", "a@other.test (mayor@city.example.jp)",
	  PROFILE_ALIKE_NAME, false },
	{ "without brackets", "a@other.test", "mayor@city.example.jp <a@other.test>",
	  PROFILE_ALIKE_NAME, false },
	{ "a title", "a@other.test", "=?iso-2022-jp?B?GyRCO1REORsoQg==?= <a@other.test>", 0, true },
	{ "a title, spaced", "a@other.test", "情 報 政 策 課 <a@other.test>", 0, true },
	{ "a title with more", "a@other.test", "\"霞市長 山田\" <a@other.test>", 0, true },
	{ "a title without an address", "a@other.test", "市長 <>", PROFILE_ALIKE_OTHER, true },
	{ "From is own", "a@other.test", "taro@city.example.jp",
	  PROFILE_ALIKE_OWN | PROFILE_ALIKE_OTHER, false },
	{ "one of two is own", "a@other.test", "a@other.test, taro@city.example.jp",
	  PROFILE_ALIKE_OWN | PROFILE_ALIKE_OTHER, false },
	{ "a list that bounces elsewhere", "b@ml.test", "a@other.test", PROFILE_ALIKE_OTHER,
	  false },
	{ "one registration", "bounce@mail.other.test", "a@other.test", 0, false },
	{ "no sender", "", "a@other.test", 0, false },
};

static void seeming(void **state)
{
	static const char *const words[] = { "domain", "name", "own", "envelope", "words" };
	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		for (unsigned way = 0; way < 5; way++) {
			char message[512], name[128];
			const struct profile_habit rule = { .sign = PROFILE_ALIKE,
							    .alike = way < 4 ? 1u << way : 0,
							    .words = way < 4 ? 0 : 3,
							    .action = PROFILE_REFUSE,
							    .clause = "" };
			struct profile profile = town;
			bool is = way < 4 ? senders[i].alike >> way & 1 : senders[i].words;
			profile.habits = &rule;
			profile.n_habits = 1;
			snprintf(message, sizeof(message), "From: %s\nTo: " IN "\n" BODY,
				 senders[i].from);
			snprintf(name, sizeof(name), "%s (%s)", senders[i].name, words[way]);
			const struct habit_case given = { senders[i].sender, IN, false, message };
			check(&profile, name, &given, is ? "look-alike" : NULL);
		}
}

static void more_than_are_read(void **state)
{
	static char message[16384];
	struct habit_outcome outcome;
	size_t used = (size_t)sprintf(message, "From: ");
	(void)state;
	for (unsigned i = 0; i <= HABIT_FROM_MAX; i++)
		used += (size_t)sprintf(message + used, "a%u@other.test,\n ", i);
	strcpy(message + used, "b@other.test\n" BODY);
	const struct habit_case given = { "a@other.test", IN, false, message };
	habit_bed_judge(&town, &given, 1000, 1000, &outcome);
	assert_string_equal(outcome.reason, "look-alike");
}

// --- ordinary mail

#define JP "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
static const struct {
	const char *name, *sender, *recipient, *message;
	bool inside;
} ordinary[] = {
	{ "a citizen's question", "k@docomo.test", "kikaku@city.example.jp",
	  "From: \"鈴木 一郎\" <k@docomo.test>\nTo: kikaku@city.example.jp\nSubject: ごみの日\n" JP
	  "\n燃えるごみの日を教えてください。https://www.city.example.jp/gomi は見ました。\n",
	  false },
	{ "a national ministry", "info@soumu.go.jp", "kikaku@city.example.jp",
	  "From: 総務省 <info@soumu.go.jp>\nTo: kikaku@city.example.jp\nCc: a@pref.lg.jp, "
	  "b@town.lg.jp\n" JP "\n調査の依頼\n",
	  false },
	{ "a neighbour with a name like ours", "a@city.exampla.lg.jp", "kikaku@city.example.jp",
	  "From: a@city.exampla.lg.jp\nTo: kikaku@city.example.jp\n" JP "\n連絡\n", false },
	{ "a newsletter", "bounce-12@mail.news.test", "kikaku@city.example.jp",
	  "From: \"自治体ニュース\" <news@news.test>\nTo: kikaku@city.example.jp\n"
	  "List-Id: <news.news.test>\nList-Unsubscribe: <https://news.test/u>\nPrecedence: bulk\n"
	  "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
	  "<html><head><style>a{color:#00f}</style></head><body><h1>今週の記事</h1>"
	  "<a href=\"https://click.news.test/c?1\">記事を読む</a>"
	  "<a href=\"https://click.news.test/c?2\"><img src=\"https://news.test/a.png\"></a>"
	  "<a href=\"https://www.news.test/\">https://www.news.test/</a>"
	  "<a href=\"mailto:news@news.test\">news@news.test</a></body></html>\n",
	  false },
	{ "a list's mail", "ml-bounces@ml.test", "kikaku@city.example.jp",
	  "Received: from a by ml.test for <ml@ml.test>; Thu, 1 Jan 2026\nX-Loop: ml@ml.test\n"
	  "Delivered-To: ml@ml.test\nFrom: \"田中 (県庁)\" <t@pref.test>\nTo: ml@ml.test\n"
	  "Sender: ml-bounces@ml.test\nList-Id: <ml.ml.test>\n" JP "\n会議の件\n",
	  false },
	{ "a list that puts itself in From", "ml-bounces@ml.test", "kikaku@city.example.jp",
	  "From: \"田中 via 防災ML\" <ml@ml.test>\nReply-To: t@pref.test\nTo: ml@ml.test\n" JP
	  "\n会議の件\n",
	  false },
	{ "an order's confirmation", "order@shop.test", "kikaku@city.example.jp",
	  "From: shop.test <order@shop.test>\nTo: kikaku@city.example.jp\nMIME-Version: 1.0\n"
	  "Content-Type: text/html\n\n<table><tr><td><a href=\"https://shop.test/1\">shop.test</a>"
	  "</td></tr></table><img src=\"cid:a\"><a href=\"tel:0120000000\">0120-000-000</a>\n",
	  false },
	{ "returned mail", "", "taro@city.example.jp",
	  "From: Mail Delivery Subsystem <mailer-daemon@googlemail.test>\nTo: taro@city.example.jp\n"
	  "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	  "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n"
	  "届きませんでした\n--b\nContent-Type: message/rfc822\n\nFrom: taro@city.example.jp\n"
	  "To: x@gmail.test\nSubject: x\n\ntext\n--b--\n",
	  false },
	{ "a mail service's notice", "n@notice.test", "kikaku@city.example.jp",
	  "From: =?ISO-2022-JP?B?GyRCPnBKcyVHJTklLxsoQg==?= <n@notice.test>\n"
	  "To: kikaku@city.example.jp\n" JP "\nhttps://notice.test/1\n",
	  false },
	{ "within the town", "hanako@city.example.jp", "taro@city.example.jp",
	  "From: 市長秘書 <hanako@city.example.jp>\nTo: taro@city.example.jp, jiro@city.example.jp,\n"
	  " a@soumu.city.example.jp, b@soumu.city.example.jp, c@soumu.city.example.jp\n" JP
	  "\n庁議の資料は \\\\fs\\share にあります。\n",
	  true },
	{ "the mayor's own mail out", "mayor@city.example.jp", "x@gmail.test",
	  "From: 市長 <mayor@city.example.jp>\nTo: x@gmail.test\nCc: y@gmail.test\n" JP "\nお礼\n",
	  true },
	{ "news for many in Bcc", "kikaku@city.example.jp", "x@gmail.test",
	  "From: 企画課 <kikaku@city.example.jp>\nTo: kikaku@city.example.jp\n"
	  "Subject: お知らせ\n" JP "\nhttps://www.city.example.jp/news\n",
	  true },
	{ "an answer with what it answers", "taro@city.example.jp", "k@docomo.test",
	  "From: taro@city.example.jp\nTo: \"鈴木 一郎\" <k@docomo.test>\nMIME-Version: 1.0\n"
	  "Content-Type: text/html; charset=utf-8\n\n<p>お答えします。</p><blockquote>"
	  "<a href=\"https://www.city.example.jp/gomi\">https://www.city.example.jp/gomi</a>"
	  "</blockquote>\n",
	  true },
	{ "an appointment", "taro@city.example.jp", "x@gmail.test",
	  "From: taro@city.example.jp\nTo: x@gmail.test\nMIME-Version: 1.0\n"
	  "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n"
	  "ORGANIZER:mailto:taro@city.example.jp\nEND:VCALENDAR\n",
	  true },
	{ "Word's HTML", "taro@city.example.jp", "x@gmail.test",
	  "From: taro@city.example.jp\nTo: x@gmail.test\nMIME-Version: 1.0\n"
	  "Content-Type: text/html\n\n<html xmlns:o=\"urn:schemas-microsoft-com:office:office\">"
	  "<!--[if gte mso 9]><xml><o:shapedefaults v:ext=\"edit\"/></xml><![endif]-->"
	  "<body lang=JA><p class=MsoNormal>x<o:p></o:p></p></body></html>\n",
	  true },
};

static void nothing_amiss(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
		const struct habit_case given = { ordinary[i].sender, ordinary[i].recipient,
						  ordinary[i].inside, ordinary[i].message };
		check(&town, ordinary[i].name, &given, NULL);
	}
}

// --- which rule decides

static void first_that_fits(void **state)
{
	static const char *const partner[] = { "@partner.test" }, *const people[] = { OUT };
	static const char *const tracker[] = { "click.test" };
	struct profile_habit rules[] = {
		{ .sign = PROFILE_FORWARDED,
		  .senders = partner,
		  .n_senders = 1,
		  .action = PROFILE_ALLOW,
		  .clause = "" },
		{ .sign = PROFILE_FORWARDED,
		  .whose = { .recipients = people, .n_recipients = 1, .only_out = true },
		  .action = PROFILE_RECORD,
		  .clause = "" },
		{ .sign = PROFILE_FORWARDED, .action = PROFILE_REFUSE, .clause = "21-1" },
		{ .sign = PROFILE_LINK,
		  .differs = true,
		  .domains = tracker,
		  .n_domains = 1,
		  .action = PROFILE_ALLOW,
		  .clause = "" },
		{ .sign = PROFILE_LINK, .differs = true, .action = PROFILE_RECORD, .clause = "" },
		{ .sign = PROFILE_ALIKE,
		  .alike = PROFILE_ALIKE_DOMAIN,
		  .action = PROFILE_MARK,
		  .clause = "" },
	};
	const struct profile profile = {
		.domains = habit_domains, .n_domains = 2, .habits = rules, .n_habits = 6
	};
	static const struct {
		const char *recipient, *message, *reason, *found, *notice;
	} rows[] = {
		{ "z@gmail.test", "Resent-From: a@b.test\n" OWN BODY, "forwarded",
		  "forwarded=Resent-From: a@b.test;", "" },
		{ OUT, "Resent-From: a@b.test\n" OWN BODY, "nothing",
		  "forwarded=Resent-From: a@b.test;", "" },
		{ IN, "Resent-From: a@b.test\nFrom: a@partner.test\n" BODY, "nothing", "", "" },
		{ IN, "Resent-From: a@b.test\nFrom: a@partner.test, b@c.test\n" BODY, "forwarded",
		  "forwarded=Resent-From: a@b.test;", "" },
		{ IN, "From: a@city.examp1e.jp\n" BODY, "nothing",
		  "look-alike marked=city.examp1e.jp;", "look-alike" },
		{ IN,
		  "From: a@other.test\nContent-Type: text/html\n\n"
		  "<a href=\"http://x.click.test/\">http://a.test</a>\n",
		  "nothing", "", "" },
		{ IN,
		  "From: a@other.test\nContent-Type: text/html\n\n"
		  "<a href=\"http://x.click.test/\">http://a.test</a>"
		  "<a href=\"http://b.test/\">http://a.test</a>\n",
		  "nothing", "link=a.test -> b.test;", "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct habit_case given = { "a@partner.test", rows[i].recipient, false,
						  rows[i].message };
		struct habit_outcome outcome;
		check(&profile, rows[i].message, &given,
		      strcmp(rows[i].reason, "nothing") == 0 ? NULL : rows[i].reason);
		habit_bed_judge(&profile, &given, 1, 1, &outcome);
		assert_string_equal(outcome.found, rows[i].found);
		assert_string_equal(outcome.notice, rows[i].notice);
		assert_int_equal(outcome.recorded, rows[i].found[0] != '\0');
	}
}

static int load(void **state)
{
	static struct arena *arena;
	(void)state;
	arena = arena_new();
	*state = arena;
	town.names = arena ? terms_new(arena, names, 2) : NULL;
	return !town.names || mime_load_charsets() < 0 || unpack_load() < 0 ? -1 : 0;
}

static int unload(void **state)
{
	arena_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forwarding),	 cmocka_unit_test(loops),
		cmocka_unit_test(outside),	 cmocka_unit_test(too_many_to_count),
		cmocka_unit_test(seeming),	 cmocka_unit_test(more_than_are_read),
		cmocka_unit_test(nothing_amiss), cmocka_unit_test(first_that_fits),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
