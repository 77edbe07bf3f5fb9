// Domains that look like the body's own, and those that do not; what a name shows.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "inspect/habit_alike.h"
#include "inspect/habit_domain.h"

static const struct profile_domain domains[] = {
	{ "city.kasumi.lg.jp", false },
	{ "city.kasumi.lg.jp", true },
	{ NULL, false }, // 霞市.jp, below
};

static const struct {
	const char *domain;
	enum habit_alike alike;
} rows[] = {
	// Own, or of the same registration.
	{ "city.kasumi.lg.jp", HABIT_UNLIKE },
	{ "CITY.KASUMI.LG.JP", HABIT_UNLIKE },
	{ "mail.city.kasumi.lg.jp", HABIT_UNLIKE },
	{ "city.kasumi.lg.jp.", HABIT_UNLIKE },
	{ "kasumi.lg.jp", HABIT_UNLIKE },
	{ "www.kasumi.lg.jp", HABIT_UNLIKE },
	{ "霞市.jp", HABIT_UNLIKE },
	{ "ｃｉｔｙ.kasumi.lg.jp", HABIT_UNLIKE }, // mapped by whoever looks it up
	{ "city。kasumi。lg。jp", HABIT_UNLIKE },
	{ "сity.kasumi.lg.jp", HABIT_UNLIKE }, // nobody else can have it
	{ "c1ty.kasumi.lg.jp", HABIT_UNLIKE },
	// Far from it.
	{ "", HABIT_UNLIKE },
	{ "jp", HABIT_UNLIKE },
	{ "localhost", HABIT_UNLIKE },
	{ "gmail.com", HABIT_UNLIKE },
	{ "yahoo.co.jp", HABIT_UNLIKE },
	{ "pref.aichi.lg.jp", HABIT_UNLIKE },
	{ "city.kasuga.lg.jp", HABIT_UNLIKE },
	{ "city.kasuma.lg.jp", HABIT_UNLIKE }, // a letter only, but of another body
	{ "citykasumi.lg.jp", HABIT_UNLIKE },
	{ "city.kasumigaura.ibaraki.jp", HABIT_UNLIKE },
	{ "kasumi.co.jp", HABIT_UNLIKE },
	{ "kasumi-city.jp", HABIT_UNLIKE },
	{ "cityhall.jp", HABIT_UNLIKE },
	{ "city-kasuga.com", HABIT_UNLIKE },
	{ "cities.kasumi.com", HABIT_UNLIKE },
	{ "town.kasumi.example.com", HABIT_UNLIKE },
	{ "192.0.2.1", HABIT_UNLIKE },
	{ "soumu.go.jp", HABIT_UNLIKE },
	{ "j-lis.go.jp", HABIT_UNLIKE },
	// Letters that look alike.
	{ "city.kаsumi.lg.jp", HABIT_CONFUSABLE },
	{ "city.xn--ksumi-4ve.lg.jp", HABIT_CONFUSABLE },
	{ "clty.kasurni.1g.jp", HABIT_CONFUSABLE },
	{ "mail.city.kаsumi.lg.jp", HABIT_CONFUSABLE },
	{ "city.κasumi.lg.jp", HABIT_CONFUSABLE },
	{ "city.kasumı.lg.jp", HABIT_CONFUSABLE },
	{ "city.kasumí.lg.jp", HABIT_CONFUSABLE },
	{ "city.kasumi.1g.jp", HABIT_CONFUSABLE },
	{ "city.kasumi.Ig.jp", HABIT_CONFUSABLE },
	{ "city.kasurni.lg.jp", HABIT_CONFUSABLE },
	{ "city.kasumi.lg.ϳp", HABIT_CONFUSABLE },
	{ "霞巿.jp", HABIT_CONFUSABLE },
	// The own one within.
	{ "city.kasumi.lg.jp.evil.com", HABIT_EMBEDDED },
	{ "www.city.kasumi.lg.jp.attacker.net", HABIT_EMBEDDED },
	{ "city.kasumi.lg.jp.xn--p1ai", HABIT_EMBEDDED },
	{ "city-kasumi-lg-jp.com", HABIT_EMBEDDED },
	{ "city-kasumi-lg.jp", HABIT_EMBEDDED },
	{ "city.kasumi-lg.jp", HABIT_EMBEDDED },
	{ "city.kasumi.lg-jp.com", HABIT_EMBEDDED },
	{ "login.city-kasumi.lg.jp.evil.com", HABIT_EMBEDDED },
	{ "сity.kasumi.lg.jp.evil.com", HABIT_EMBEDDED },
	{ "city.kasumi.lg.jp.lg.jp", HABIT_EMBEDDED },
	{ "霞市.jp.evil.com", HABIT_EMBEDDED },
	// Another suffix.
	{ "city.kasumi.com", HABIT_OTHER_SUFFIX },
	{ "city.kasumi.jp", HABIT_OTHER_SUFFIX },
	{ "city.kasumi.co.jp", HABIT_OTHER_SUFFIX },
	{ "city-kasumi.com", HABIT_OTHER_SUFFIX },
	{ "city-kasumi.net", HABIT_OTHER_SUFFIX },
	{ "mail.city.kasumi.org", HABIT_OTHER_SUFFIX },
	{ "city.kasumi.lg.com", HABIT_OTHER_SUFFIX },
	{ "city-kasumi-lg.net", HABIT_OTHER_SUFFIX },
	{ "city.kasumi.lg.jq", HABIT_OTHER_SUFFIX },
	{ "сity.kasumi.com", HABIT_OTHER_SUFFIX },
	{ "c1ty-kasumi.info", HABIT_OTHER_SUFFIX },
	{ "霞市.com", HABIT_OTHER_SUFFIX },
	// One letter.
	{ "city.kasumo.com", HABIT_ONE_EDIT },
	{ "city.kasum.jp", HABIT_ONE_EDIT },
	{ "city.kasumii.jp", HABIT_ONE_EDIT },
	{ "ctiy.kasumi.jp", HABIT_ONE_EDIT },
	{ "cityy.kasumi.net", HABIT_ONE_EDIT },
	{ "mail.city.kasuni.jp", HABIT_ONE_EDIT },
	{ "city.kasumi.llg.jp", HABIT_ONE_EDIT },
	{ "citykasumi.com", HABIT_ONE_EDIT },
	{ "city_kasumi.com", HABIT_ONE_EDIT },
	{ "сity.kasum.jp", HABIT_ONE_EDIT },
};

static const struct {
	const char *name;
	bool shows;
} names[] = {
	{ "mayor@city.kasumi.lg.jp", true },
	{ "霞市役所 (mayor@city.kasumi.lg.jp)", true },
	{ "city.kasumi.lg.jp", true },
	{ "CITY.KASUMI.LG.JP", true },
	{ "ｃｉｔｙ．ｋａｓｕｍｉ．ｌｇ．ｊｐ", true },
	{ "сity.kasumi.lg.jp", true },
	{ "city.kasumi.lg.jp様", true },
	{ "city.kasumi.lg.jp.evil.com", true },
	{ "city\xe2\x80\x8b.kasumi.lg.jp", true }, // a space that is not seen
	{ "xn--ity-3ed.kasumi.lg.jp", true },
	{ "notcity.kasumi.lg.jp", false },
	{ "city.kasumi.lg.jpn", false },
	{ "霞市長", false },
	{ "Kasumi City", false },
	{ "", false },
};

static struct profile town(void)
{
	static struct profile_domain own[3];
	static char kanji[HABIT_DOMAIN_SIZE];
	memcpy(own, domains, sizeof(own));
	assert_true(habit_domain_read("霞市.jp", strlen("霞市.jp"), kanji));
	own[2].name = kanji;
	return (struct profile){ .domains = own, .n_domains = 3 };
}

static void looks_alike(void **state)
{
	struct profile profile = town();
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char domain[HABIT_DOMAIN_SIZE];
		habit_domain_read(rows[i].domain, strlen(rows[i].domain), domain);
		enum habit_alike alike = habit_alike(&profile, domain);
		if (alike != rows[i].alike) {
			print_error("%s (%s): %d, not %d\n", rows[i].domain, domain, alike,
				    rows[i].alike);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static void shows(void **state)
{
	struct profile profile = town();
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (habit_alike_shown(&profile, names[i].name) != names[i].shows)
			fail_msg("%s", names[i].name);
}

// A short name has too many neighbours.
static void short_names(void **state)
{
	static const struct profile_domain own[] = { { "abc.jp", false } };
	const struct profile profile = { .domains = own, .n_domains = 1 };
	(void)state;
	assert_int_equal(habit_alike(&profile, "abd.jp"), HABIT_UNLIKE);
	assert_int_equal(habit_alike(&profile, "abc.com"), HABIT_UNLIKE);
	assert_int_equal(habit_alike(&profile, "abc.jp.evil.com"), HABIT_EMBEDDED);
}

static void domain_names(void **state)
{
	static const char *const list[] = { "dropbox.com", "gmail.com", "yahoo.co.jp" };
	char domain[HABIT_DOMAIN_SIZE], long_one[600];
	(void)state;
	assert_true(habit_domain_ready());
	assert_string_equal(habit_domain_registered("www.example.co.jp"), "example.co.jp");
	assert_null(habit_domain_registered("co.jp"));
	assert_string_equal(habit_domain_registered("192.0.2.1"), "192.0.2.1");
	assert_true(habit_domain_same("a.example.jp", "b.example.jp"));
	assert_false(habit_domain_same("a.lg.jp", "b.lg.jp"));
	assert_false(habit_domain_same("192.0.2.1", "193.0.2.1"));
	assert_true(habit_domain_is_known("example.jp"));
	assert_false(habit_domain_is_known("report.pdf"));
	assert_false(habit_domain_is_known("jp"));
	assert_true(habit_domain_listed(list, 3, "gmail.com"));
	assert_true(habit_domain_listed(list, 3, "www.dropbox.com"));
	assert_false(habit_domain_listed(list, 3, "notgmail.com"));
	assert_false(habit_domain_listed(list, 3, "co.jp"));
	assert_false(habit_domain_of("nobody", domain));
	assert_string_equal(domain, "");
	assert_true(habit_domain_of("\"a@b\"@Example.JP.", domain));
	assert_string_equal(domain, "example.jp");
	memset(long_one, 'a', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	assert_false(habit_domain_read(long_one, strlen(long_one), domain));
	assert_int_equal(strlen(domain), HABIT_DOMAIN_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_alike),
		cmocka_unit_test(shows),
		cmocka_unit_test(short_names),
		cmocka_unit_test(domain_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
