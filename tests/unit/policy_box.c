// The box file: defaults, values, and faults at their places.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/box.h"

static void has_defaults(void **state)
{
	struct diag *diag = diag_new();
	struct box_config *box = NULL;

	(void)state;
	assert_int_equal(box_read_text("box", "# nothing\n", 10, diag, &box), 0);
	assert_null(box->title);
	assert_string_equal(box->rules, "/etc/sekisho/rules");
	assert_string_equal(box->state, "/var/lib/sekisho");
	assert_string_equal(box->run, "/run/sekisho");
	assert_string_equal(box->user, "sekisho");
	assert_true(box->forwarding);
	assert_null(box->management.interface);
	assert_int_equal(box->nflog_group, 5);
	assert_string_equal(box->countries.database, "/etc/sekisho/countries.mmdb");
	assert_int_equal(box->countries.max_age_days, 60);
	assert_null(box->scanner.clamd);
	assert_int_equal(box->scanner.max_age_days, 3);
	assert_int_equal(box->n_certificates, 0);
	assert_string_equal(box->roots, "/etc/ssl/certs/ca-certificates.crt");
	box_free(box);
	diag_free(diag);
}

static void takes_every_key(void **state)
{
	static const char text[] =
		"title: 本庁舎\nrules: /r\nstate: /s\nrun: /u\nuser: nobody\nforwarding: false\n"
		"management: { interface: eth0, prefix: 'fd00::/64', port: 2222 }\n"
		"nflog-group: 7\ncountries: { database: /c, max-age-days: 7 }\n"
		"scanner: { clamd: /run/c.ctl, max-age-days: 0 }\n"
		"certificates: { mail: { chain: /c/m.pem, key: /c/m.key }, two: { chain: /2, key: /3 } }\n"
		"tls-roots: /c/roots.pem\n";
	struct diag *diag = diag_new();
	struct box_config *box = NULL;

	(void)state;
	assert_int_equal(box_read_text("box", text, sizeof(text) - 1, diag, &box), 0);
	assert_string_equal(box->title, "本庁舎");
	assert_string_equal(box->rules, "/r");
	assert_string_equal(box->state, "/s");
	assert_string_equal(box->run, "/u");
	assert_string_equal(box->user, "nobody");
	assert_false(box->forwarding);
	assert_string_equal(box->management.interface, "eth0");
	assert_string_equal(box->management.prefix, "fd00::/64");
	assert_int_equal(box->management.port, 2222);
	assert_int_equal(box->management.at.line, 7);
	assert_int_equal(box->nflog_group, 7);
	assert_string_equal(box->countries.database, "/c");
	assert_int_equal(box->countries.max_age_days, 7);
	assert_string_equal(box->scanner.clamd, "/run/c.ctl");
	assert_int_equal(box->scanner.max_age_days, 0);
	assert_int_equal(box->n_certificates, 2);
	assert_string_equal(box->certificates[0].name, "mail");
	assert_string_equal(box->certificates[0].chain, "/c/m.pem");
	assert_string_equal(box->certificates[0].key, "/c/m.key");
	assert_string_equal(box->certificates[1].name, "two");
	assert_string_equal(box->roots, "/c/roots.pem");
	box_free(box);
	diag_free(diag);
}

static const struct row {
	const char *text;
	int code;
	unsigned line, column;
} rows[] = {
	{ "certificates: { mail: { chain: /a } }", SK_KEY_MISSING, 1, 17 },
	{ "certificates: { mail: { chain: a, key: /b } }", SK_PATH_BAD, 1, 32 },
	{ "certificates: { Mail: { chain: /a, key: /b } }", SK_ID_BAD, 1, 17 },
	{ "certificates: { mail: { chain: /a, key: /b }, mail: { chain: /a, key: /b } }",
	  SK_ID_DUPLICATE, 1, 47 },
	{ "scanner: { clamd: clamd.ctl }", SK_WORD_BAD, 1, 19 },
	{ "scanner: { clamd: 127.0.0.1 }", SK_WORD_BAD, 1, 19 },
	{ "scanner: { clamd: '127.0.0.1:0' }", SK_WORD_BAD, 1, 20 },
	{ "scanner: { clamd: '127.0.0.1:65536' }", SK_WORD_BAD, 1, 20 },
	{ "scanner: { clamd: '::1:3310' }", SK_WORD_BAD, 1, 20 },
	{ "scanner: { clamd: 'scanner.example:3310' }", SK_WORD_BAD, 1, 20 },
	{ "rules: rules", SK_PATH_BAD, 1, 8 },
	{ "zones: {}", SK_KEY_UNKNOWN, 1, 1 },
	{ "run: /a\nrun: /b", SK_KEY_DUPLICATE, 2, 1 },
	{ "forwarding: yes", SK_BOOL_BAD, 1, 13 },
	{ "management: { interface: eth0 }", SK_KEY_MISSING, 1, 1 },
	{ "management: { interface: eth0, prefix: ten }", SK_WORD_BAD, 1, 40 },
	{ "management: { interface: eth0, prefix: 10.0.0.1-10.0.0.9 }", SK_WORD_BAD, 1, 40 },
	{ "management: { interface: a234567890123456, prefix: '::1' }", SK_WORD_BAD, 1, 26 },
	{ "management: { interface: e, prefix: '::1', port: 0 }", SK_UINT_BAD, 1, 50 },
	{ "nflog-group: 65536", SK_UINT_BAD, 1, 14 },
	{ "countries: { database: c.mmdb }", SK_PATH_BAD, 1, 24 },
	{ "countries: { max-age-days: 0 }", SK_UINT_BAD, 1, 28 },
	{ "run： /a", SK_FULL_WIDTH_SIGN, 1, 4 },
	{ "run: \"/a", SK_YAML_SYNTAX, 1, 7 },
};

static void finds_its_fault(void **state)
{
	const struct row *row = *state;
	struct diag *diag = diag_new();
	struct box_config *box = NULL;

	assert_int_equal(box_read_text("box", row->text, strlen(row->text), diag, &box), -EBADMSG);
	assert_null(box);
	assert_int_equal(diag_count(diag), 1);
	assert_int_equal(diag_at(diag, 0)->code, row->code);
	assert_int_equal(diag_at(diag, 0)->at.line, row->line);
	assert_int_equal(diag_at(diag, 0)->at.column, row->column);
	diag_free(diag);
}

static void reads_files(void **state)
{
	char path[] = "/tmp/sekisho-policy-box-XXXXXX";
	struct diag *diag = diag_new();
	struct box_config *box = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "run: /x\n", 8), 8);
	assert_int_equal(box_read(path, diag, &box), 0);
	assert_string_equal(box->run, "/x");
	box_free(box);
	assert_int_equal(ftruncate(fd, BOX_FILE_BYTES_MAX + 1), 0);
	assert_int_equal(box_read(path, diag, &box), -EBADMSG);
	assert_int_equal(diag_at(diag, 0)->code, SK_FILE_TOO_BIG);
	unlink(path);
	close(fd);
	assert_int_equal(box_read(path, diag, &box), -ENOENT);
	assert_int_equal(diag_at(diag, 1)->code, SK_FILE_UNREADABLE);
	assert_int_equal(box_read("/tmp", diag, &box), -EBADMSG);
	assert_int_equal(diag_at(diag, 2)->code, SK_FILE_SPECIAL);
	diag_free(diag);
}

int main(void)
{
	static struct CMUnitTest tests[32];
	size_t n = 0;

	tests[n++] = (struct CMUnitTest)cmocka_unit_test(has_defaults);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(takes_every_key);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(reads_files);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].text, finds_its_fault, NULL, NULL,
						  (void *)(uintptr_t)&rows[i] };
	return _cmocka_run_group_tests("policy_box", tests, n, NULL, NULL);
}
