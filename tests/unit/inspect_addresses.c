// Addresses and what the gate makes of them, named as recipient by a client outside.
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "inspect/smtp_relay.h"
#include "smtp_profile.h"

enum verdict { INSIDE, OUTSIDE, AMBIGUOUS, SYNTAX, NEEDS_UTF8 };

static const char *const verdict_names[] = { "inside", "outside", "ambiguous", "syntax",
					     "needs SMTPUTF8" };

enum {
	UTF8 = 1,
	NOBODY = 2, // a sender may not name it either
};

static const struct {
	const char *path;
	enum verdict verdict;
	unsigned flags;
} rows[] = {
	// Own domains.
	{ "<user@city.example.jp>", INSIDE, 0 },
	{ "<User@City.Example.JP>", INSIDE, 0 },
	{ "<user@CITY.EXAMPLE.JP>", INSIDE, 0 },
	{ "<user@dept.city.example.jp>", INSIDE, 0 },
	{ "<user@a.b.c.city.example.jp>", INSIDE, 0 },
	{ "<user@xn--mhqv77cca.city.example.jp>", INSIDE, 0 },
	{ "<first.last@city.example.jp>", INSIDE, 0 },
	{ "<user+tag@city.example.jp>", INSIDE, 0 },
	{ "<user=example.com@city.example.jp>", INSIDE, 0 },
	{ "<prvs=1234567890=user@city.example.jp>", INSIDE, 0 },
	{ "<srs0=abc=de=example.com=user@city.example.jp>", INSIDE, 0 },
	{ "<user/dept@city.example.jp>", INSIDE, 0 },
	{ "<user|pipe@city.example.jp>", INSIDE, 0 },
	{ "<#$&'*/?^_`{|}~@city.example.jp>", INSIDE, 0 },
	{ "<a..b@city.example.jp>", INSIDE, 0 },
	{ "<a.@city.example.jp>", INSIDE, 0 },
	{ "<.a@city.example.jp>", INSIDE, 0 },
	{ "<0@city.example.jp>", INSIDE, 0 },
	{ "<-user@city.example.jp>", INSIDE, 0 },
	{ "<\"user\"@city.example.jp>", INSIDE, 0 },
	{ "<\"john doe\"@city.example.jp>", INSIDE, 0 },
	{ "<\"a..b\"@city.example.jp>", INSIDE, 0 },
	{ "<\"\\j\\o\"@city.example.jp>", INSIDE, 0 },
	{ "<postmaster>", INSIDE, 0 },
	{ "<Postmaster>", INSIDE, 0 },
	{ "<POSTMASTER>", INSIDE, 0 },
	{ "<postmaster@city.example.jp>", INSIDE, 0 },
	{ "<user@_dmarc.city.example.jp>", INSIDE, 0 },
	{ "<user@0.city.example.jp>", INSIDE, 0 },
	// Domains of others, and such as look like own ones.
	{ "<user@example.com>", OUTSIDE, 0 },
	{ "<user@example.jp>", OUTSIDE, 0 },
	{ "<user@jp>", OUTSIDE, 0 },
	{ "<user@notcity.example.jp>", OUTSIDE, 0 },
	{ "<user@city-example.jp>", OUTSIDE, 0 },
	{ "<user@city.example.jp.example.com>", OUTSIDE, 0 },
	{ "<user@xcity.example.jp>", OUTSIDE, 0 },
	{ "<user@city.example.jpx>", OUTSIDE, 0 },
	{ "<user@city.example>", OUTSIDE, 0 },
	{ "<user@localhost>", OUTSIDE, 0 },
	{ "<postmaster@example.com>", OUTSIDE, 0 },
	{ "<city.example.jp@example.com>", OUTSIDE, 0 },
	{ "<user=city.example.jp@example.com>", OUTSIDE, 0 },
	{ "<\"user\"@example.com>", OUTSIDE, 0 },
	{ "<user@192.0.2.25>", OUTSIDE, 0 },
	{ "<user@3221226009>", OUTSIDE, 0 },
	{ "<user@0x7f000001>", OUTSIDE, 0 },
	{ "<user@xn--city-example-jp>", OUTSIDE, 0 },
	{ "<user@c1ty.example.jp>", OUTSIDE, 0 },
	// Address literals.
	{ "<user@[192.0.2.25]>", OUTSIDE, 0 },
	{ "<user@[10.1.1.25]>", OUTSIDE, 0 },
	{ "<user@[127.0.0.1]>", OUTSIDE, 0 },
	{ "<user@[IPv6:fd00::25]>", OUTSIDE, 0 },
	{ "<user@[ipv6:::1]>", OUTSIDE, 0 },
	{ "<postmaster@[10.1.1.25]>", OUTSIDE, 0 },
	{ "<user@[fd00::25]>", SYNTAX, 0 },
	{ "<user@[IPv6:10.1.1.25]>", SYNTAX, 0 },
	{ "<user@[10.1.1]>", SYNTAX, 0 },
	{ "<user@[10.1.1.256]>", SYNTAX, 0 },
	{ "<user@[010.1.1.25]>", SYNTAX, 0 },
	{ "<user@[10.1.1.25>", SYNTAX, 0 },
	{ "<user@10.1.1.25]>", SYNTAX, 0 },
	{ "<user@[]>", SYNTAX, 0 },
	{ "<user@[city.example.jp]>", SYNTAX, 0 },
	{ "<user@[x-tag:abc]>", SYNTAX, 0 },
	// Source routes.
	{ "<@city.example.jp:user@example.com>", AMBIGUOUS, NOBODY },
	{ "<@example.com:user@city.example.jp>", AMBIGUOUS, NOBODY },
	{ "<@a.example,@b.example:user@city.example.jp>", AMBIGUOUS, NOBODY },
	{ "<@city.example.jp:user>", AMBIGUOUS, NOBODY },
	{ "<@city.example.jp>", SYNTAX, 0 },
	{ "<@:user@city.example.jp>", SYNTAX, 0 },
	{ "<@a.example;@b.example:user@city.example.jp>", SYNTAX, 0 },
	{ "<@a.example,:user@city.example.jp>", SYNTAX, 0 },
	{ "<@a.example,b.example:user@city.example.jp>", SYNTAX, 0 },
	{ "<a.example:user@city.example.jp>", SYNTAX, 0 },
	{ "<@[192.0.2.1]:user@city.example.jp>", SYNTAX, 0 },
	// Percent hack and bang path.
	{ "<user%example.com@city.example.jp>", AMBIGUOUS, 0 },
	{ "<user%city.example.jp@example.com>", AMBIGUOUS, 0 },
	{ "<user%example.com@[10.1.1.25]>", AMBIGUOUS, 0 },
	{ "<user%a%b@city.example.jp>", AMBIGUOUS, 0 },
	{ "<%@city.example.jp>", AMBIGUOUS, 0 },
	{ "<user%example.com>", AMBIGUOUS, 0 },
	{ "<example.com!user@city.example.jp>", AMBIGUOUS, 0 },
	{ "<city.example.jp!user@example.com>", AMBIGUOUS, 0 },
	{ "<a!b!user>", AMBIGUOUS, 0 },
	{ "<example.com!user%x@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"user%example.com\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"example.com!user\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<user@city.example.jp%example.com>", SYNTAX, 0 },
	{ "<user@example.com!city.example.jp>", SYNTAX, 0 },
	// More than one @.
	{ "<user@example.com@city.example.jp>", AMBIGUOUS, NOBODY },
	{ "<user@city.example.jp@example.com>", AMBIGUOUS, NOBODY },
	{ "<user@@city.example.jp>", AMBIGUOUS, NOBODY },
	{ "<\"user@example.com\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"user\\@example.com\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"@example.com:user\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"user@example.com\">", AMBIGUOUS, 0 },
	{ "<\"a\\\"b\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"a,b\"@city.example.jp>", AMBIGUOUS, 0 },
	{ "<\"<a@example.com>\"@city.example.jp>", AMBIGUOUS, 0 },
	// No domain.
	{ "<user>", AMBIGUOUS, 0 },
	{ "<root>", AMBIGUOUS, 0 },
	{ "<postmaste>", AMBIGUOUS, 0 },
	{ "<abuse>", AMBIGUOUS, 0 },
	// Null, and nearly so.
	{ "<>", SYNTAX, NOBODY },
	{ "< >", SYNTAX, 0 },
	{ "<@>", SYNTAX, 0 },
	{ "<\"\">", AMBIGUOUS, 0 },
	{ "<\"\"@city.example.jp>", INSIDE, 0 },
	{ "<user@>", SYNTAX, 0 },
	{ "", SYNTAX, 0 },
	{ "<", SYNTAX, 0 },
	{ ">", SYNTAX, 0 },
	{ "user@city.example.jp", SYNTAX, 0 },
	{ "<user@city.example.jp", SYNTAX, 0 },
	{ "user@city.example.jp>", SYNTAX, 0 },
	{ "<<user@city.example.jp>>", SYNTAX, 0 },
	{ "<user@city.example.jp>x", SYNTAX, 0 },
	{ "<user@city.example.jp><user@example.com>", SYNTAX, 0 },
	{ "<user@city.example.jp>,<user@example.com>", SYNTAX, 0 },
	{ "User <user@city.example.jp>", SYNTAX, 0 },
	{ "\"User\" <user@city.example.jp>", SYNTAX, 0 },
	// Dots.
	{ "<user@city.example.jp.>", SYNTAX, 0 },
	{ "<user@city.example.jp..>", SYNTAX, 0 },
	{ "<user@.city.example.jp>", SYNTAX, 0 },
	{ "<user@city..example.jp>", SYNTAX, 0 },
	{ "<user@example.com.>", SYNTAX, 0 },
	{ "<user@.>", SYNTAX, 0 },
	// Comments, blanks, controls.
	{ "<user(comment)@city.example.jp>", SYNTAX, 0 },
	{ "<(comment)user@city.example.jp>", SYNTAX, 0 },
	{ "<user@city.example.jp(comment)>", SYNTAX, 0 },
	{ "<user@(comment)city.example.jp>", SYNTAX, 0 },
	{ "<user @city.example.jp>", SYNTAX, 0 },
	{ "<user@ city.example.jp>", SYNTAX, 0 },
	{ "<user@city.example.jp >", SYNTAX, 0 },
	{ "< user@city.example.jp>", SYNTAX, 0 },
	{ "<us er@city.example.jp>", SYNTAX, 0 },
	{ "<user\t@city.example.jp>", SYNTAX, 0 },
	{ "<user@city\t.example.jp>", SYNTAX, 0 },
	{ "<us\x01"
	  "er@city.example.jp>",
	  SYNTAX, 0 },
	{ "<us\x7f@city.example.jp>", SYNTAX, 0 },
	{ "<\"us\x01\"@city.example.jp>", SYNTAX, 0 },
	{ "<\"user@city.example.jp>", SYNTAX, 0 },
	{ "<user\"@city.example.jp>", SYNTAX, 0 },
	{ "<\"us\"er@city.example.jp>", SYNTAX, 0 },
	{ "<us.\"er\"@city.example.jp>", SYNTAX, 0 },
	{ "<\"user\\\"@city.example.jp>", SYNTAX, 0 },
	{ "<user;x@city.example.jp>", SYNTAX, 0 },
	{ "<user,x@city.example.jp>", SYNTAX, 0 },
	{ "<user:x@city.example.jp>", SYNTAX, 0 },
	{ "<user\\x@city.example.jp>", SYNTAX, 0 },
	{ "<user[x]@city.example.jp>", SYNTAX, 0 },
	{ "<user@city.example.jp:25>", SYNTAX, 0 },
	{ "<user@city.example.jp/x>", SYNTAX, 0 },
	{ "<user@city_.example.jp>", OUTSIDE, 0 },
	{ "<user@-city.example.jp>", SYNTAX, 0 },
	{ "<user@city-.example.jp>", SYNTAX, 0 },
	{ "<user@city.example.jp\\>", SYNTAX, 0 },
	// Names in Unicode.
	{ "<user@市役所.jp>", INSIDE, UTF8 },
	{ "<user@xn--7sto6a74d.jp>", INSIDE, 0 },
	{ "<user@XN--7STO6A74D.JP>", INSIDE, 0 },
	{ "<窓口@市役所.jp>", INSIDE, UTF8 },
	{ "<窓口@city.example.jp>", INSIDE, UTF8 },
	{ "<\"窓口\"@city.example.jp>", INSIDE, UTF8 },
	{ "<user@土木.city.example.jp>", INSIDE, UTF8 },
	{ "<user@市役所.jp>", NEEDS_UTF8, 0 },
	{ "<窓口@city.example.jp>", NEEDS_UTF8, 0 },
	{ "<窓口>", NEEDS_UTF8, 0 },
	{ "<user@市役場.jp>", OUTSIDE, UTF8 },
	{ "<user@市役所.com>", OUTSIDE, UTF8 },
	{ "<user@bücher.example>", OUTSIDE, UTF8 },
	{ "<user@bu\xcc\x88"
	  "cher.example>",
	  SYNTAX, UTF8 },
	{ "<user@city。example。jp>", SYNTAX, UTF8 },
	{ "<user@市役所。jp>", SYNTAX, UTF8 },
	{ "<user@ｃｉｔｙ.example.jp>", SYNTAX, UTF8 },
	{ "<user＠city.example.jp>", AMBIGUOUS, UTF8 },
	{ "<user@city．example.jp>", SYNTAX, UTF8 },
	{ "<user@cit\xd1\x83.example.jp>", OUTSIDE, UTF8 }, // a Cyrillic letter
	{ "<user@\xe2\x80\x8b"
	  "city.example.jp>",
	  SYNTAX, UTF8 },
	{ "<user@☺.example>", SYNTAX, UTF8 },
	{ "<\xff@city.example.jp>", SYNTAX, UTF8 },
	{ "<\xc0\xaf@city.example.jp>", SYNTAX, UTF8 },
	{ "<user@\xe5\xb8.jp>", SYNTAX, UTF8 },
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static enum verdict judge(const char *text, bool utf8, bool sender)
{
	struct town town;
	struct smtp_path path;
	size_t used;
	town_init(&town);
	int r = smtp_path_read((const uint8_t *)text, strlen(text), utf8, &path, &used);
	if (r == -EILSEQ)
		return NEEDS_UTF8;
	if (r < 0 || used != strlen(text))
		return SYNTAX;
	switch (smtp_relay_recipient(&town.profile, sender, &path)) {
	case SMTP_REASON_NONE:
		return INSIDE;
	case SMTP_RELAY:
		return OUTSIDE;
	case SMTP_AMBIGUOUS:
		return AMBIGUOUS;
	default:
		return SYNTAX;
	}
}

static void from_outside(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		enum verdict verdict = judge(rows[i].path, rows[i].flags & UTF8, false);
		if (verdict == rows[i].verdict)
			continue;
		fprintf(stderr, "%s: %s, not %s\n", rows[i].path, verdict_names[verdict],
			verdict_names[rows[i].verdict]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	assert_true(N_ROWS >= 120);
}

// A sender may name all of them, but for what is no address or where servers differ on the domain.
static void from_inside(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		enum verdict verdict = judge(rows[i].path, rows[i].flags & UTF8, true);
		bool refused = (rows[i].flags & NOBODY) || rows[i].verdict == SYNTAX ||
			       rows[i].verdict == NEEDS_UTF8;
		if ((verdict != INSIDE) == refused)
			continue;
		fprintf(stderr, "from inside, %s: %s\n", rows[i].path, verdict_names[verdict]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

// A path that was cut anywhere is no path, and nothing beyond it is read.
static void cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		const char *end = strrchr(rows[i].path, '>');
		for (size_t n = 0; end && n + 1 < (size_t)(end - rows[i].path); n++) {
			struct smtp_path path;
			size_t used;
			uint8_t *bytes = malloc(n + 1);
			memcpy(bytes, rows[i].path, n);
			if (smtp_path_read(bytes, n, true, &path, &used) == 0)
				assert_true(used <= n && bytes[used - 1] == '>');
			free(bytes);
		}
	}
}

static void limits(void **state)
{
	static const struct {
		size_t local, labels, label;
		bool taken;
	} lengths[] = {
		{ 64, 1, 10, true },  { 128, 1, 10, true }, { 129, 1, 10, false },
		{ 5, 1, 63, true },   { 5, 1, 64, false },  { 64, 4, 62, true },
		{ 64, 4, 63, false }, { 68, 4, 62, true },  { 69, 4, 62, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char text[1024] = "<";
		struct smtp_path path;
		size_t n = 1, used;
		memset(text + n, 'u', lengths[i].local);
		n += lengths[i].local;
		for (size_t k = 0; k < lengths[i].labels; k++) {
			text[n++] = k ? '.' : '@';
			memset(text + n, 'd', lengths[i].label);
			n += lengths[i].label;
		}
		text[n++] = '>';
		bool taken = smtp_path_read((const uint8_t *)text, n, false, &path, &used) == 0;
		if (taken != lengths[i].taken)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_outside),
		cmocka_unit_test(from_inside),
		cmocka_unit_test(cut),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
