// Links, what they show and where they lead; what acts by itself in HTML; as mail programs see
// them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "habit_bed.h"
#include "inspect/habit_url.h"
#include "mime/mime.h"
#include "unpack/unpack.h"

#define D "link-differs"
#define S "link-domain"
#define A "active-html"

// The body of a text/html; reason: NULL: nothing.
static const struct {
	const char *html, *reason;
} rows[] = {
	// Shows what it leads to.
	{ "<a href=\"https://www.city.example.jp/a\">https://www.city.example.jp/a</a>", NULL },
	{ "<a href=\"https://city.example.jp/\">www.city.example.jp</a>", NULL },
	{ "<a href=https://form.example.jp/x>example.jp</a>", NULL }, // one registration
	{ "<a href='HTTPS://WWW.EXAMPLE.JP'>http://example.jp</a>", NULL },
	{ "<a href=\"https://other.example.net/\">こちら</a>", NULL },
	{ "<a href=\"https://other.example.net/\">申込みはこちら（PDF）</a>", NULL },
	{ "<a href=\"https://other.example.net/\"><img src=\"https://other.example.net/a.png\"></a>",
	  NULL },
	{ "<a href=\"mailto:a@other.example.net\">a@city.example.jp</a>", NULL },
	{ "<a href=\"tel:0312345678\">03-1234-5678</a>", NULL },
	{ "<a href=\"#top\">www.example.com</a>", NULL },
	{ "<a href=\"https://other.example.net/x\">資料.pdf</a>", NULL },
	{ "<a href=\"https://other.example.net/x\">report.zip</a>", NULL },
	{ "<a href=\"https://other.example.net/x\">価格.com</a>", NULL },
	{ "<a href=\"https://other.example.net/x\">Ver.2.0 の変更点</a>", NULL },
	{ "<a href=\"https://other.example.net/x\">3.14</a>", NULL },
	{ "<a>https://city.example.jp</a> <a href=\"https://evil.test/\">x</a>", NULL },
	{ "https://city.example.jp は市のサイトです。", NULL },
	{ "<a href=\"https://www.xn--7sto6a74d.jp/\">https://www.市役所.jp/</a>", NULL },
	// Shows something else.
	{ "<a href=\"https://evil.test/\">https://www.city.example.jp/</a>", D },
	{ "<a href=\"https://evil.test/\">www.city.example.jp</a>", D },
	{ "<a href=\"https://evil.test/\">city.example.jp</a>", D },
	{ "<a href=\"https://evil.test/\">詳しくは https://city.example.jp/ を</a>", D },
	{ "<a href=\"https://evil.test/\">「https://city.example.jp」</a>", D },
	{ "<A HREF = 'https://evil.test/'>HTTPS://CITY.EXAMPLE.JP</A>", D },
	{ "<a href=https://evil.test/>https://city.exam<b>ple</b>.jp/</a>", D },
	{ "<a class=x href=\"https://evil.test\" id=y>https://city.example.jp</a>", D },
	{ "<a href=\"https://city.example.jp@evil.test/\">https://city.example.jp</a>", D },
	{ "<a href=\"https://city.example.jp.evil.test/\">https://city.example.jp</a>", D },
	{ "<a href=\"//evil.test/\">https://city.example.jp</a>", D },
	{ "<a href=\"\\\\evil.test\\a\">https://city.example.jp</a>", D },
	{ "<a href=\"https:evil.test\">https://city.example.jp</a>", D },
	{ "<a href=\" ht\ntps://evil.test/\">https://city.example.jp</a>", D },
	{ "<a href=\"&#104;ttps&colon;&sol;/evil.test\">https://city.example.jp</a>", D },
	{ "<a href=\"https://evil%2Etest/\">https://city.example.jp</a>", D },
	{ "<a href=\"https://evil.test:443/\">https://city.example.jp:443/</a>", D },
	{ "<a href=\"https://ｅvil.test/\">ｈｔｔｐｓ：／／ｃｉｔｙ．ｅｘａｍｐｌｅ．ｊｐ</a>", D },
	{ "<a href=\"https://192.0.2.1/\">https://city.example.jp</a>", D },
	{ "<a href=\"https://192.0.2.1/\">https://193.0.2.1/</a>", D },
	{ "<a href=\"https://www.city.example.com/\">https://www.city.example.jp/</a>", D },
	{ "<a href=\"https://xn--80ak6aa92e.com/\">https://apple.com/</a>", D },
	{ "<base href=\"https://evil.test/\"><a href=\"login\">https://city.example.jp</a>", D },
	{ "<a href=\"https://evil.test/\">https://city.example.jp", D }, // never ends
	{ "<a href=\"https://evil.test/\">https://city.example.jp<a href=x>", D },
	// Behind what hides it from readers that take a shortcut.
	{ "<!-- \" ' --><a href=\"https://evil.test/\">https://city.example.jp</a>", D },
	{ "<!-- > <p title=\" --><a href=\"https://evil.test/\">https://city.example.jp</a>", D },
	{ "<style>p::after { content: \"<p title='\" }</style>"
	  "<a href=\"https://evil.test/\">https://city.example.jp</a>",
	  D },
	{ "<p title=\"a > b\"><a href=\"https://evil.test/\">https://city.example.jp</a>", D },
	{ "<p =\"><a href='https://evil.test/'>https://city.example.jp</a>", D },
	{ "1 < 2 <a href=\"https://evil.test/\">https://city.example.jp</a>", D },
	{ "</ x><a href=\"https://evil.test/\">https://city.example.jp</a>", D },
	{ "<!--[if mso]><a href=\"https://evil.test/\">https://city.example.jp</a><![endif]-->",
	  D },
	{ "<a href=\"https://evil.test/\">https&#58;//city&#46;example.jp</a>", D },
	// Places that a policy names.
	{ "<a href=\"https://drive.storage.test/x\">資料</a>", S },
	{ "<a href=\"https://storage.test/x\">資料</a>", S },
	{ "<p>https://drive.storage.test/x から</p>", S },
	{ "<p>HTTP://STORAGE.TEST</p>", S },
	{ "<map><area href=\"https://storage.test/\"></map>", S },
	{ "<a href=\"https://notstorage.test/\">資料</a>", NULL },
	{ "<p>storage.test という名前</p>", NULL },
	// What acts.
	{ "<script src=x></script>", A },
	{ "<p onclick=\"x()\">a</p>", A },
	{ "<IMG SRC=x OnError=alert(1)>", A },
	{ "<body onload=x>", A },
	{ "<iframe src=\"https://city.example.jp\"></iframe>", A },
	{ "<object data=x></object>", A },
	{ "<embed src=x>", A },
	{ "<form action=\"https://city.example.jp\"></form>", A },
	{ "<meta http-equiv=\"Refresh\" content=\"0;url=https://city.example.jp\">", A },
	{ "<a href=\"javascript:x()\">a</a>", A },
	{ "<a href=\" java\nscript:x()\">a</a>", A },
	{ "<a href=\"&#x6a;avascript:x()\">a</a>", A },
	{ "<a href=\"data:text/html,x\">a</a>", A },
	{ "<img src=\"data:image/svg+xml,x\">", A },
	{ "<img src=\"data:image/png;base64,iVBOR\">", NULL },
	{ "<meta http-equiv=\"Content-Type\" content=\"text/html\">", NULL },
	{ "<p>script, onclick= と form の説明</p>", NULL },
	{ "<font color=red>a</font><p on>b</p>", NULL },
	{ "<style>p { color: red }</style><title>form</title><table><tr><td>a</table>", NULL },
};

static const char *const storage[] = { "storage.test" };
static const struct profile_habit rules[] = {
	{ .sign = PROFILE_LINK, .differs = true, .action = PROFILE_REFUSE, .clause = "" },
	{ .sign = PROFILE_LINK,
	  .domains = storage,
	  .n_domains = 1,
	  .action = PROFILE_REFUSE,
	  .clause = "" },
	{ .sign = PROFILE_ACTIVE, .action = PROFILE_REFUSE, .clause = "" },
};
static const struct profile town = {
	.domains = habit_domains, .n_domains = 2, .habits = rules, .n_habits = 3
};

static void check(const char *name, const char *message, const char *reason, bool all_cuts)
{
	const struct habit_case given = { "a@other.test", "b@city.example.jp", false, message };
	size_t n = strlen(message) * 2;
	for (size_t first = all_cuts ? 1 : n; first <= n; first++) {
		struct habit_outcome outcome;
		habit_bed_judge(&town, &given, first, n, &outcome);
		if (strcmp(outcome.reason, reason ? reason : "nothing") != 0)
			fail_msg("%s, cut at %zu: %s (%s)", name, first, outcome.reason,
				 outcome.found);
	}
}

static void html(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[1024];
		snprintf(message, sizeof(message),
			 "From: a@other.test\nContent-Type: text/html; charset=utf-8\n\n%s\n",
			 rows[i].html);
		check(rows[i].html, message, rows[i].reason, true);
	}
}

#define HEAD "From: a@other.test\nMIME-Version: 1.0\n"
#define EVIL "<a href=\"https://evil.test/\">https://city.example.jp</a>\n"

// In what part of a message: bodies count, wherever they lie; files do not.
static void parts(void **state)
{
	static const struct {
		const char *name, *message, *reason;
	} list[] = {
		{ "plain text", HEAD "\nhttps://storage.test/x\n", S },
		{ "plain text shows no link", HEAD "\n" EVIL, NULL },
		{ "in quoted-printable",
		  HEAD "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
		       "<a hr=\nef=3D\"https://ev=69l.test/\">https://city.ex=\nample.jp</a>\n",
		  D },
		{ "in base64",
		  HEAD
		  "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
		  "PGEgaHJlZj0iaHR0cHM6Ly9ldmlsLnRlc3QvIj5odHRwczovL2NpdHkuZXhhbXBsZS5qcDwvYT4K\n",
		  D },
		{ "in an alternative",
		  HEAD "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nx\n--b\n"
		       "Content-Type: text/html\n\n" EVIL "--b--\n",
		  D },
		{ "within a message",
		  HEAD
		  "Content-Type: message/rfc822\n\nFrom: a@b.test\nContent-Type: text/html\n\n" EVIL,
		  D },
		{ "with a name, but shown", HEAD "Content-Type: text/html; name=a.html\n\n" EVIL,
		  D },
		{ "attached",
		  HEAD
		  "Content-Type: text/html\nContent-Disposition: attachment; filename=a.html\n\n" EVIL,
		  NULL },
		{ "in UTF-16",
		  HEAD
		  "Content-Type: text/html; charset=utf-16\nContent-Transfer-Encoding: base64\n\n"
		  "//48AGEAIABoAHIAZQBmAD0AaAB0AHQAcAA6AC8ALwBlAHYAaQBsAC4AdABlAHMAdAA+AGgAdAB0"
		  "AHAAOgAvAC8AYwBpAHQAeQAuAGUAeABhAG0AcABsAGUALgBqAHAAPAAvAGEAPgA=\n",
		  D },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		check(list[i].name, list[i].message, list[i].reason, true);
}

static void hosts(void **state)
{
	static char url[3000];
	char host[HABIT_DOMAIN_SIZE];
	(void)state;
	assert_true(habit_url_host("https://a:b@example.jp:8080/x?y#z", NULL, host));
	assert_string_equal(host, "example.jp");
	assert_false(habit_url_host("mailto:a@example.jp", NULL, host));
	assert_false(habit_url_host("/path", NULL, host));
	assert_false(habit_url_host("", NULL, host));
	// Behind more than anybody looks at.
	strcpy(url, "https://city.example.jp");
	memset(url + strlen(url), 'a', 2000);
	strcpy(url + 2023, "@evil.test/");
	assert_true(habit_url_host(url, NULL, host));
	assert_string_equal(host, HABIT_HOST_HIDDEN);
}

// So many names of a message are mapped; behind them every one that would have to be differs.
static void many_names(void **state)
{
	static char message[200000];
	(void)state;
	for (uint32_t over = 0; over < 2; over++) {
		size_t n =
			(size_t)sprintf(message, HEAD "Content-Type: text/html; charset=utf-8\n\n");
		for (uint32_t i = 0; i < HABIT_MAPS_MAX / 3 + over;
		     i++) // href, what it shows, the text
			n += (size_t)sprintf(
				message + n,
				"<a href=\"https://市%u.example/\">http://市%u.example</a>\n", i,
				i);
		check("many names", message, over ? D : NULL, false);
	}
	uint32_t maps = 1;
	char host[HABIT_DOMAIN_SIZE];
	assert_true(habit_url_host("https://市.example/", &maps, host));
	assert_string_equal(host, "xn--7st.example");
	assert_true(habit_url_host("https://a.example/", &maps, host));
	assert_string_equal(host, "a.example");
	assert_true(habit_url_host("https://市.example/", &maps, host));
	assert_string_equal(host, HABIT_HOST_HIDDEN);
}

static int load(void **state)
{
	(void)state;
	return mime_load_charsets() < 0 || unpack_load() < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html),
		cmocka_unit_test(parts),
		cmocka_unit_test(hosts),
		cmocka_unit_test(many_names),
	};
	return cmocka_run_group_tests(tests, load, NULL);
}
