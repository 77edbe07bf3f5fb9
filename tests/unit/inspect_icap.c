// ICAP: services by name, what is sent, each reply whole, cut anywhere and broken off.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "inspect/icap.h"
#include "policy/box.h"

static const struct {
	const char *text;
	const char *authority, *service; // NULL: it is none
} urls[] = {
	{ "icap://127.0.0.1:1344/avscan", "127.0.0.1:1344", "/avscan" },
	{ "icap://10.20.0.9/srv/av?x=1", "10.20.0.9:1344", "/srv/av?x=1" },
	{ "icap://[::1]:11344/virus_scan", "[::1]:11344", "/virus_scan" },
	{ "icap://[fd00::7]/a", "[fd00::7]:1344", "/a" },
	{ "icap://127.0.0.1:1344/", NULL, NULL },
	{ "icap://127.0.0.1:1344", NULL, NULL },
	{ "icap://127.0.0.1:0/a", NULL, NULL },
	{ "icap://127.0.0.1:65536/a", NULL, NULL },
	{ "icap://127.0.0.1:13x/a", NULL, NULL },
	{ "icap://127.0.0.1:/a", NULL, NULL },
	{ "icap://[::1/a", NULL, NULL },
	{ "icap:///a", NULL, NULL },
	{ "icap://127.0.0.1/a b", NULL, NULL },
	{ "icap://127.0.0.1/a\r\nX: y", NULL, NULL },
	{ "icap://127.0.0.1/\xe3\x81\x82", NULL, NULL },
	{ "icaps://127.0.0.1/a", NULL, NULL },
	{ "/run/clamav/clamd.ctl", NULL, NULL },
	{ "", NULL, NULL },
};

// The box file takes none that the inspector would not know, and the other way round.
static void services_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct box_scanner box = { .icap = urls[i].text };
		struct box_scanner_address address;
		struct icap_url url;
		bool fine = icap_url_read(urls[i].text, &url);
		if (fine != (urls[i].service != NULL) ||
		    box_scanner_address(&box, &address) != fine)
			fail_msg("%s", urls[i].text);
		if (!fine)
			continue;
		assert_string_equal(url.authority, urls[i].authority);
		assert_string_equal(url.service, urls[i].service);
	}
	struct icap_url url;
	char text[1200] = "icap://127.0.0.1/";
	memset(text + strlen(text), 'a', 1000);
	assert_false(icap_url_read(text, &url));
}

static void what_is_sent(void **state)
{
	uint8_t out[SCAN_OPEN_MAX + 1] = { 0 };
	(void)state;
	size_t n = icap_words.open("icap://[::1]:99/av", out);
	out[n] = '\0';
	assert_string_equal((char *)out, "RESPMOD icap://[::1]:99/av ICAP/1.0\r\n"
					 "Host: [::1]:99\r\nAllow: 204\r\nConnection: close\r\n"
					 "Encapsulated: req-hdr=0, res-hdr=70, res-body=119\r\n\r\n"
					 "GET http://sekisho.invalid/message HTTP/1.1\r\n"
					 "Host: sekisho.invalid\r\n\r\n"
					 "HTTP/1.1 200 OK\r\nContent-Type: message/rfc822\r\n\r\n");
	// The offsets are those of the parts behind the head.
	const char *body = strstr((char *)out, "\r\n\r\n") + 4;
	assert_memory_equal(body + 70, "HTTP/1.1 200", 12);
	assert_int_equal(strlen(body), 119);
	n = icap_words.head(65536, out);
	out[n] = '\0';
	assert_string_equal((char *)out, "10000\r\n");
	n = icap_words.head(UINT32_MAX, out);
	assert_int_equal(n, 10);
	assert_int_equal(icap_words.open("nothing", out), 0);
	assert_int_equal(icap_options(NULL, out), 0);
	n = icap_options("icap://127.0.0.1/av", out);
	out[n] = '\0';
	assert_non_null(strstr((char *)out, "OPTIONS icap://127.0.0.1:1344/av ICAP/1.0\r\n"));
}

static const struct {
	const char *text;
	enum scan_verdict verdict;
	const char *name;
} replies[] = {
	{ "ICAP/1.0 204 Unmodified\r\nServer: C-ICAP\r\n\r\n", SCAN_CLEAN, "" },
	{ "ICAP/1.0 204 No Content\r\n\r\n", SCAN_CLEAN, "" },
	{ "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;\r\n"
	  "Encapsulated: res-hdr=0, res-body=100\r\n\r\n",
	  SCAN_INFECTED, "Eicar-Test" },
	{ "ICAP/1.0 200 OK\r\nx-infection-found: Threat=Win.A(b)\r\n\r\n", SCAN_INFECTED,
	  "Win.A_b_" },
	{ "ICAP/1.0 200 OK\r\nX-Infection-Found: whatever\r\n\r\n", SCAN_INFECTED, "whatever" },
	{ "ICAP/1.0 200 OK\r\nX-Virus-ID: \t Worm.X\r\nHost: a\r\n\r\n", SCAN_INFECTED, "Worm.X" },
	{ "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Threat=Heuristics.Encrypted.Zip;\r\n\r\n",
	  SCAN_ENCRYPTED, "Heuristics.Encrypted.Zip" },
	// Changed, and nobody says why.
	{ "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\n", SCAN_INFECTED, "" },
	{ "ICAP/1.0 200 OK\r\nX-Infection-Found-Not: a\r\n\r\n", SCAN_INFECTED, "" },
	{ "ICAP/1.0 100 Continue\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/1.0 206 Partial\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/1.0 404 ICAP Service not found\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/1.0 500 Server error\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/1.0 2040 a\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/1.0 20 a\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/1.0 204a\r\n\r\n", SCAN_DOWN, "" },
	{ "ICAP/2.0 204 a\r\n\r\n", SCAN_DOWN, "" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", SCAN_DOWN, "" },
	{ "\r\n\r\nICAP/1.0 204 a\r\n\r\n", SCAN_DOWN, "" },
	{ "stream: OK", SCAN_DOWN, "" },
	{ "", SCAN_DOWN, "" },
};
enum { N_REPLIES = sizeof(replies) / sizeof(replies[0]) };

static struct scan_reply read_reply(const char *text, size_t n, size_t cut)
{
	struct scan_reply reply = { .n = 0 };
	icap_reply_read(&reply, (const uint8_t *)text, cut);
	icap_reply_read(&reply, (const uint8_t *)text + cut, n - cut);
	return reply;
}

static void each_reply_however_it_is_cut(void **state)
{
	struct scan_result got;
	(void)state;
	for (size_t i = 0; i < N_REPLIES; i++) {
		size_t n = strlen(replies[i].text);
		for (size_t cut = 0; cut <= n; cut++) {
			struct scan_reply reply = read_reply(replies[i].text, n, cut);
			icap_words.verdict(&reply, true, &got);
			if (got.verdict != replies[i].verdict || strcmp(got.name, replies[i].name))
				fail_msg("%s at %zu: %u %s", replies[i].text, cut, got.verdict,
					 got.name);
			// Broken off, it says nothing.
			if (cut < n) {
				reply = read_reply(replies[i].text, cut, 0);
				icap_words.verdict(&reply, true, &got);
				assert_true(got.verdict == SCAN_DOWN || reply.whole);
			}
		}
		struct scan_reply reply = read_reply(replies[i].text, n, 0);
		icap_words.verdict(&reply, false, &got);
		assert_int_equal(got.verdict,
				 replies[i].verdict == SCAN_CLEAN ? SCAN_DOWN : replies[i].verdict);
	}
}

static void too_long_or_strange(void **state)
{
	struct scan_result got;
	char text[SCAN_REPLY_MAX + 100];
	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "ICAP/1.0 204 ", 13);
	memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
	struct scan_reply reply = read_reply(text, sizeof(text), 7);
	assert_true(reply.bad);
	icap_words.verdict(&reply, true, &got);
	assert_int_equal(got.verdict, SCAN_DOWN);
	reply = read_reply("ICAP/1.0 204\0 a\r\n\r\n", 19, 3);
	assert_true(reply.bad);
	icap_words.verdict(&reply, true, &got);
	assert_int_equal(got.verdict, SCAN_DOWN);
	// The body behind the head does not count.
	static const char body[] = "ICAP/1.0 200 OK\r\n\r\nX-Virus-ID: a\r\n\r\n";
	reply = read_reply(body, strlen(body), 5);
	icap_words.verdict(&reply, true, &got);
	assert_string_equal(got.name, "");
}

static const struct {
	const char *text, *name, *why; // why NULL: it can be used
} options[] = {
	{ "ICAP/1.0 200 OK\r\nMethods: RESPMOD, REQMOD\r\nService: C-ICAP/0.5 server - Antivirus\r\n"
	  "Allow: 204\r\n\r\n",
	  "C-ICAP/0.5 server - Antivirus", NULL },
	{ "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nAllow: 204, 206\r\n\r\n", "ICAP", NULL },
	{ "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nAllow: 206\r\n\r\n", "",
	  "it does not answer 204 to what it lets be" },
	{ "ICAP/1.0 200 OK\r\nMethods: REQMOD\r\nAllow: 204\r\n\r\n", "",
	  "it does not take RESPMOD" },
	{ "ICAP/1.0 200 OK\r\n\r\n", "", "it does not take RESPMOD" },
	{ "ICAP/1.0 404 no\r\n\r\n", "", "it has no such service" },
	{ "HTTP/1.0 200 OK\r\n\r\n", "", "its answer to OPTIONS makes no sense" },
};

static void who_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char name[ICAP_NAME_MAX] = "";
		struct scan_reply reply = read_reply(options[i].text, strlen(options[i].text), 0);
		const char *why = icap_options_read(&reply, name);
		assert_string_equal(name, options[i].name);
		assert_string_equal(why ? why : "", options[i].why ? options[i].why : "");
	}
}

// Nothing but what stands in the table is ever clean.
static void random_replies(void **state)
{
	static const char *const words[] = { "ICAP/1.0",
					     " ",
					     "204",
					     "200",
					     "\r\n",
					     "\r\n\r\n",
					     "Allow",
					     ":",
					     "X-Virus-ID",
					     "a",
					     "X-Infection-Found: Threat=" };
	uint32_t random = 3;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[400] = "";
		for (int i = 0; i < 12; i++) {
			random = random * 1103515245 + 12345;
			strcat(text, words[(random >> 16) % (sizeof(words) / sizeof(words[0]))]);
		}
		struct scan_result got;
		struct scan_reply reply = read_reply(text, strlen(text), strlen(text) / 2);
		icap_words.verdict(&reply, true, &got);
		if (got.verdict == SCAN_CLEAN)
			assert_memory_equal(text, "ICAP/1.0 204", 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_by_name),
		cmocka_unit_test(what_is_sent),
		cmocka_unit_test(each_reply_however_it_is_cut),
		cmocka_unit_test(too_long_or_strange),
		cmocka_unit_test(who_it_is),
		cmocka_unit_test(random_replies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
