// Mail records on the wire: what is packed comes back, what is not packed so is refused.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "event/mail_suite.h"
#include "event/mail_wire.h"

static struct mail_recipient recipients[MAIL_RECIPIENTS_KEPT + 1];
static struct mail_file files[MAIL_FILES_KEPT + 1];
static struct mail_taken taken;

static struct mail_record make(size_t n_recipients)
{
	struct mail_record record = {
		.began_us = 1780000000000000,
		.ended_us = 1780000000250000,
		.client = { ADDR_V4, 0xc0000201 },
		.server = { ADDR_V6, ((addr_bits)0xfd00 << 112) | 25 },
		.client_port = 40000,
		.server_port = 25,
		.flow = "mail-in",
		.guard = "mail",
		.clause = "第8条第2項",
		.control = "MAIL-01",
		.from_zone = "outside",
		.to_zone = "dmz",
		.helo = "mx.example.net",
		.sender = "tanaka@example.net",
		.recipients = recipients,
		.n_recipients = n_recipients,
		.declared = 2048,
		.size = 2000,
		.tls = true,
		.client_suite = mail_suite_of(0x1301),
		.server_suite = MAIL_SUITE_OTHER,
		.verdict = MAIL_REFUSED,
		.code = 550,
		.reason = "relay 外から外への中継",
	};
	for (size_t i = 0; i < n_recipients && i <= MAIL_RECIPIENTS_KEPT; i++) {
		snprintf(recipients[i].address, MAIL_ADDRESS_MAX, "user%zu@example.jp", i);
		recipients[i].code = i % 2 ? 250 : 550;
	}
	return record;
}

static void add_files(struct mail_record *record, size_t n)
{
	memset(files, 0, sizeof(files));
	for (size_t i = 0; i < n && i <= MAIL_FILES_KEPT; i++) {
		files[i] = (struct mail_file){
			.part = (uint16_t)(i + 1),
			.depth = (uint8_t)(i % 3),
			.action = (enum mail_file_action)(i % MAIL_FILE_ACTION_COUNT),
			.rule = (uint16_t)(i % 5),
			.has_sha256 = i % 2 == 0,
			.size = i * 1000,
			.type = "application/pdf",
			.found = "pdf misleading",
		};
		snprintf(files[i].name, sizeof(files[i].name), "予算%zu.pdf", i);
		if (files[i].has_sha256)
			memset(files[i].sha256, (int)i + 1, sizeof(files[i].sha256));
	}
	record->files = files;
	record->n_files = n;
}

static void both_ways(void **state)
{
	static uint8_t wire[MAIL_WIRE_MAX], again[MAIL_WIRE_MAX];
	(void)state;
	for (size_t n = 0; n <= MAIL_RECIPIENTS_KEPT + 1; n += n == 2 ? 97 : 1) {
		struct mail_record record = make(n);
		add_files(&record, n);
		size_t size = mail_wire_pack(&record, wire);
		assert_int_equal(mail_wire_unpack(wire, size, &taken), 0);
		assert_string_equal(taken.record.clause, "第8条第2項");
		assert_string_equal(taken.record.reason, "relay 外から外への中継");
		assert_true(taken.record.server.bits == record.server.bits);
		assert_int_equal(taken.record.n_recipients, n);
		assert_int_equal(taken.record.verdict, MAIL_REFUSED);
		assert_int_equal(taken.record.client_suite, 1);
		assert_int_equal(taken.record.server_suite, MAIL_SUITE_OTHER);
		assert_int_equal(taken.record.n_files, n);
		if (n)
			assert_string_equal(taken.recipients[0].address, "user0@example.jp");
		for (size_t i = 0; i < n && i < MAIL_FILES_KEPT; i++) {
			assert_string_equal(taken.files[i].name, files[i].name);
			assert_string_equal(taken.files[i].found, "pdf misleading");
			assert_int_equal(taken.files[i].size, i * 1000);
			assert_int_equal(taken.files[i].depth, i % 3);
			assert_int_equal(taken.files[i].action, i % MAIL_FILE_ACTION_COUNT);
			assert_int_equal(taken.files[i].rule, i % 5);
			assert_memory_equal(taken.files[i].sha256, files[i].sha256,
					    MAIL_SHA256_BYTES);
		}
		assert_int_equal(mail_wire_pack(&taken.record, again), size);
		assert_memory_equal(wire, again, size);
	}
}

// The greatest record there can be, its texts cut between characters.
static void greatest(void **state)
{
	static uint8_t wire[MAIL_WIRE_MAX];
	static char long_id[1000];
	struct mail_record record = make(MAIL_RECIPIENTS_KEPT + 1);
	(void)state;
	for (size_t i = 0; i + 3 < sizeof(long_id); i += 3)
		memcpy(long_id + i, "条", 3);
	record.flow = record.guard = record.clause = record.control = record.from_zone =
		record.to_zone = long_id;
	memset(record.helo, 'h', sizeof(record.helo) - 1);
	memset(record.sender, 's', sizeof(record.sender) - 1);
	memset(record.reason, 'r', sizeof(record.reason) - 1);
	for (size_t i = 0; i < MAIL_RECIPIENTS_KEPT; i++)
		memset(recipients[i].address, 'a', MAIL_ADDRESS_MAX - 1);
	add_files(&record, MAIL_FILES_KEPT + 1);
	for (size_t i = 0; i < MAIL_FILES_KEPT; i++) {
		memset(files[i].name, 'n', MAIL_FILE_NAME_MAX); // no NUL: cut
		memset(files[i].type, 't', MAIL_FILE_TYPE_MAX - 1);
		memset(files[i].found, 'f', MAIL_FILE_FOUND_MAX - 1);
	}
	size_t size = mail_wire_pack(&record, wire);
	assert_true(size < MAIL_WIRE_MAX);
	assert_int_equal(mail_wire_unpack(wire, size, &taken), 0);
	assert_int_equal(strlen(taken.record.flow), (MAIL_ID_MAX - 1) / 3 * 3);
	assert_int_equal(strlen(taken.record.sender), MAIL_ADDRESS_MAX - 1);
	assert_int_equal(strlen(taken.files[MAIL_FILES_KEPT - 1].name), MAIL_FILE_NAME_MAX - 1);
	memset(recipients, 0, sizeof(recipients));
}

static void harmless(void **state)
{
	static uint8_t wire[MAIL_WIRE_MAX];
	struct mail_record record = make(1);
	(void)state;
	strcpy(record.sender, "a\x1b[2J\xff\xfe\r\n@x");
	add_files(&record, 1);
	strcpy(files[0].name, "a\r\nb\xe2\x80\xaegpj.exe");
	record.flow = NULL;
	record.client = (struct addr){ 0 };
	size_t size = mail_wire_pack(&record, wire);
	assert_int_equal(mail_wire_unpack(wire, size, &taken), 0);
	assert_string_equal(taken.record.sender, "a?[2J????@x");
	assert_string_equal(taken.record.flow, "");
	assert_string_equal(taken.files[0].name, "a??b\xe2\x80\xaegpj.exe");
	assert_int_equal(taken.record.client.family, ADDR_V4);
}

// Every shorter message is refused, and one with a byte more; a byte changed anywhere is refused or
// read as something that packs to the same bytes.
static void hostile(void **state)
{
	static uint8_t wire[MAIL_WIRE_MAX], again[MAIL_WIRE_MAX];
	struct mail_record record = make(3);
	(void)state;
	add_files(&record, 2);
	size_t size = mail_wire_pack(&record, wire), refused = 0;
	for (size_t n = 0; n < size; n++)
		assert_int_equal(mail_wire_unpack(wire, n, &taken), -EBADMSG);
	assert_int_equal(mail_wire_unpack(wire, size + 1, &taken), -EBADMSG);
	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit++) {
			wire[i] ^= (uint8_t)(1 << bit);
			if (mail_wire_unpack(wire, size, &taken) == 0) {
				assert_int_equal(mail_wire_pack(&taken.record, again), size);
				assert_memory_equal(wire, again, size);
			} else {
				refused++;
			}
			wire[i] ^= (uint8_t)(1 << bit);
		}
	assert_true(refused > 500);
}

static void words(void **state)
{
	(void)state;
	for (int i = 0; i < MAIL_VERDICT_COUNT; i++)
		assert_int_equal(mail_verdict_find(mail_verdict_word((enum mail_verdict)i)), i);
	assert_int_equal(mail_verdict_find("allowed"), -1);
	assert_string_equal(mail_file_action_word(MAIL_FILE_REFUSED), "refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways), cmocka_unit_test(greatest), cmocka_unit_test(harmless),
		cmocka_unit_test(hostile),   cmocka_unit_test(words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
