// Databases that the test writes itself → tables: every size of record, both versions, reserved
// addresses, damaged files, and files made to do harm.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "../reference/mmdb_file.h"
#include "geo/mmdb.h"
#include "geo/record.h"
#include "geo/table.h"

const char *__lsan_default_suppressions(void);

// The library loses some bytes when it refuses a file's metadata; its reader is a process for one
// file.
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

struct made {
	void *bytes;
	size_t size;
	struct geo_table table;
	char why[MMDB_WHY_MAX];
	int result;
};

static void read_bytes(const void *bytes, size_t size, struct made *ret)
{
	int from = memfd_create("test", 0);
	int fd = -1;

	*ret = (struct made){ 0 };
	assert_int_equal(write(from, bytes, size), size);
	lseek(from, 0, SEEK_SET);
	ret->result = mmdb_copy(from, &fd, ret->why);
	if (ret->result == 0)
		ret->result = mmdb_read(fd, &ret->bytes, &ret->size, ret->why);
	close(from);
	if (fd >= 0)
		close(fd);
	if (ret->result == 0)
		assert_int_equal(geo_table_open(ret->bytes, ret->size, &ret->table), 0);
	else
		assert_true(ret->why[0]);
}

static void read_file(struct mmdb_file *file, struct made *ret)
{
	size_t size;
	uint8_t *bytes = mmdb_file_bytes(file, &size);

	read_bytes(bytes, size, ret);
	free(bytes);
	mmdb_file_free(file);
}

static const char *country_at(const struct geo_table *table, const char *text)
{
	struct geo_hit hit;
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return geo_find(table, &addr, &hit) ? country_code(hit.country) : "-";
}

static struct mmdb_file *world(unsigned version, unsigned bits, enum mmdb_file_style style)
{
	struct mmdb_file *file = mmdb_file_new(version, bits, 1700000000, style);

	mmdb_file_add(file, "0.0.0.0/1", "US"); // reserved ones among them
	mmdb_file_add(file, "133.0.0.0/8", "JP");
	mmdb_file_add(file, "133.16.0.0/12", "KR");
	mmdb_file_add(file, "192.0.0.0/8", "DE");
	mmdb_file_add(file, "200.0.0.0/8", "EU"); // no country's code
	if (version == 4)
		return file;
	mmdb_file_add(file, "2000::/3", "FR");
	mmdb_file_add(file, "2400::/12", "JP");
	mmdb_file_add(file, "2001:200::/32", "JP");
	mmdb_file_add(file, "fc00::/7", "JP"); // cannot be
	return file;
}

static void check_world(const struct geo_table *table, unsigned version)
{
	static const struct {
		const char *address, *code;
	} v4[] = {
		{ "8.8.8.8", "US" },	{ "10.1.2.3", "-" },	    { "127.0.0.1", "-" },
		{ "100.64.0.1", "-" },	{ "100.63.255.255", "US" }, { "9.255.255.255", "US" },
		{ "11.0.0.0", "US" },	{ "133.1.1.1", "JP" },	    { "133.15.255.255", "JP" },
		{ "133.16.0.0", "KR" }, { "133.31.255.255", "KR" }, { "133.32.0.0", "JP" },
		{ "134.0.0.0", "-" },	{ "192.168.1.1", "-" },	    { "192.167.255.255", "DE" },
		{ "192.88.99.1", "-" }, { "192.0.2.77", "-" },	    { "200.1.1.1", "-" },
		{ "224.0.0.1", "-" },	{ "255.255.255.255", "-" },
	};
	static const struct {
		const char *address, *code;
	} v6[] = {
		{ "2400::1", "JP" },	{ "2001:200::1", "JP" }, { "2a00::1", "FR" },
		{ "2002::1", "-" },	{ "2001:db8::1", "-" },	 { "2001::1", "-" },
		{ "fd00::1", "-" },	{ "fe80::1", "-" },	 { "::1", "-" },
		{ "2001:1ff::1", "-" }, { "3fff::1", "-" },	 { "64:ff9b::1.2.3.4", "-" },
		{ "ff02::1", "-" },
	};

	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++)
		assert_string_equal(country_at(table, v4[i].address), v4[i].code);
	for (size_t i = 0; version == 6 && i < sizeof(v6) / sizeof(v6[0]); i++)
		if (strchr(v6[i].address, '.') == NULL)
			assert_string_equal(country_at(table, v6[i].address), v6[i].code);
}

static void test_every_form(void **state)
{
	static const unsigned bits[] = { 24, 28, 32 };

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2)
		for (size_t i = 0; i < 3; i++)
			for (int style = 0; style <= MMDB_FILE_COUNTRY; style++) {
				struct made made;

				read_file(world(version, bits[i], (enum mmdb_file_style)style),
					  &made);
				assert_int_equal(made.result, 0);
				assert_int_equal(made.table.head->build_epoch, 1700000000);
				assert_string_equal(made.table.head->type, "Test-Country");
				check_world(&made.table, version);
				free(made.bytes);
			}
}

static void test_sizes(void **state)
{
	struct mmdb_file *file = mmdb_file_new(6, 28, 1, MMDB_FILE_COUNTRY_CODE);
	struct geo_sizes all[COUNTRY_COUNT_MAX], sizes;
	struct made made;

	(void)state;
	mmdb_file_add(file, "133.0.0.0/9", "JP"); // neighbours become one
	mmdb_file_add(file, "133.128.0.0/9", "JP");
	mmdb_file_add(file, "150.0.0.1/32", "JP");
	mmdb_file_add(file, "2400::/32", "JP");
	mmdb_file_add(file, "2401::/64", "KR");
	read_file(file, &made);
	geo_measure(&made.table, all);
	sizes = all[country_find("JP", 2)];
	assert_int_equal(sizes.ranges[0], 2);
	assert_int_equal(sizes.prefixes[0], 2);
	assert_int_equal(sizes.v4_addresses, (1 << 24) + 1);
	assert_int_equal(sizes.ranges[1], 1);
	assert_true(sizes.v6_networks == UINT64_C(1) << 32);
	free(made.bytes);
}

// 6to4 and Teredo lead to the IPv4 tree once more; nothing of it is taken twice.
static void test_aliases(void **state)
{
	struct mmdb_file *file = world(6, 24, MMDB_FILE_COUNTRY_CODE);
	struct made made;

	(void)state;
	mmdb_file_alias(file, "2002::/16", "::/96");
	mmdb_file_alias(file, "2001::/32", "::/96");
	mmdb_file_alias(file, "::ffff:0:0/96", "::/96");
	read_file(file, &made);
	assert_int_equal(made.result, 0);
	check_world(&made.table, 6);
	free(made.bytes);
}

// A node that leads to itself on both sides: 2^32 ways, or as many as there are steps.
static void test_endless(void **state)
{
	struct mmdb_file *file = mmdb_file_new(4, 24, 1, MMDB_FILE_COUNTRY_CODE);
	struct made made;
	size_t size;
	uint8_t *bytes;

	(void)state;
	mmdb_file_add(file, "8.0.0.0/8", "US");
	bytes = mmdb_file_bytes(file, &size);
	memset(bytes, 0, 6); // of the root: both sides are the root
	read_bytes(bytes, size, &made);
	assert_int_equal(made.result, -EBADMSG);
	free(bytes);
	mmdb_file_free(file);
}

// Metadata whose description is a list of eight pointers to a list of eight pointers, and so on:
// the library would unfold it to 8^11 values.
static void test_endless_metadata(void **state)
{
	static const char fields[] = "\x4anode_count\xc4\0\0\0\1"
				     "\x4brecord_size\xa2\0\x18"
				     "\x4aip_version\xa2\0\4"
				     "\x4d"
				     "database_type\x41T"
				     "\x49languages\0\4"
				     "\x5b"
				     "binary_format_major_version\xa2\0\2"
				     "\x5b"
				     "binary_format_minor_version\xa2\0\0"
				     "\x4b"
				     "build_epoch\x08\2\0\0\0\0\0\0\0\1"
				     "\x4b"
				     "description\xe1\x42"
				     "en";
	static const char head[] = "\0\0\x11\0\0\x11" // a node of two records
				   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				   "\xe1\x4c"
				   "country_code\x42JP\xab\xcd\xefMaxMind.com";

	(void)state;
	for (int levels = 1; levels <= 12; levels += 11) {
		uint8_t bytes[1024];
		size_t start = sizeof(head) - 1, n = start, below = 5; // the text "y"
		struct made made;

		memcpy(bytes, head, n);
		n += (size_t)sprintf((char *)bytes + n, "\xea\x41x%c\4\x41y", levels);
		for (int k = 1; k < levels; k++) {
			size_t at = n - start;

			bytes[n++] = 8;
			bytes[n++] = 4;
			for (int i = 0; i < 8; i++) {
				bytes[n++] = (uint8_t)(0x20 | below >> 8);
				bytes[n++] = (uint8_t)below;
			}
			below = at;
		}
		memcpy(bytes + n, fields, sizeof(fields) - 1);
		n += sizeof(fields) - 1;
		bytes[n++] = (uint8_t)(0x20 | below >> 8);
		bytes[n++] = (uint8_t)below;
		read_bytes(bytes, n, &made);
		assert_int_equal(made.result, levels == 1 ? 0 : -EBADMSG);
		if (levels > 1)
			assert_non_null(strstr(made.why, "metadata"));
		free(made.bytes);
	}
}

static void test_not_countries(void **state)
{
	struct mmdb_file *file = mmdb_file_new(4, 24, 1, MMDB_FILE_COUNTRY_CODE);
	struct made made;

	(void)state;
	mmdb_file_add(file, "8.0.0.0/8", "nowhere");
	read_file(file, &made);
	assert_int_equal(made.result, -EBADMSG);
	assert_non_null(strstr(made.why, "not of countries"));
}

// Cut off anywhere, it is refused or reads as a sound table; never anything else.
static void test_cut_off(void **state)
{
	struct mmdb_file *file = world(6, 28, MMDB_FILE_ISO_CODE);
	size_t size;
	uint8_t *bytes = mmdb_file_bytes(file, &size);

	(void)state;
	for (size_t n = 0; n < size; n += n < size - 400 ? 97 : 1) {
		struct made made;

		read_bytes(bytes, n, &made);
		assert_int_not_equal(made.result, 0);
	}
	free(bytes);
	mmdb_file_free(file);
}

// Any byte changed: likewise.  A seed of its own, so that every run is the same.
static void test_bytes_changed(void **state)
{
	struct mmdb_file *file = world(6, 24, MMDB_FILE_ISO_CODE);
	size_t size;
	uint8_t *bytes = mmdb_file_bytes(file, &size);
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct made made;
		size_t at;
		uint8_t was;

		random = random * 1664525 + 1013904223;
		at = (random >> 8) % size;
		was = bytes[at];
		bytes[at] = (uint8_t)(random >> 24);
		read_bytes(bytes, size, &made);
		free(made.bytes);
		bytes[at] = was;
	}
	free(bytes);
	mmdb_file_free(file);
}

static void test_records(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int result;
	} rows[] = {
		{ "\x42JP", 3, 0 },
		{ "\x43JP", 3, -EBADMSG },	       // longer than the section
		{ "\xe1\x42JP\x42JP", 7, 0 },	       // a map
		{ "\xe2\x42JP\x42JP", 7, -EBADMSG },   // of which half is missing
		{ "\x20\x04\x00\x42JP", 6, -EBADMSG }, // a pointer to a value that runs out
		{ "\x20\x02\x42JP", 5, 0 },	       // a pointer
		{ "\x20\x00", 2, -EBADMSG },	       // to itself
		{ "\x20\x09", 2, -EBADMSG },	       // out of the section
		{ "\xe1\x42JP\x20\x00", 6, -EBADMSG }, // a map that holds itself
		{ "\x1d\x04\xff\x42JP", 6, -EBADMSG }, // an array of 284, of which one is there
		{ "\x00\x00", 2, -EBADMSG },	       // an extended type that is none
		{ "\x00\x05", 2, -EBADMSG },	       // a container
		{ "\x01\x07", 2, 0 },		       // true
		{ "\x02\x07", 2, -EBADMSG },	       // truer
		{ "\xa3\x01\x02\x03", 4, -EBADMSG },   // a number of 16 bits in three bytes
		{ "", 0, -EBADMSG },
	};
	char deep[100];
	uint64_t steps = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(record_check((const uint8_t *)rows[i].bytes, rows[i].size, 0,
					      &steps),
				 rows[i].result);
	for (size_t i = 0; i + 1 < sizeof(deep); i += 2) { // arrays of one array
		deep[i] = 1;
		deep[i + 1] = 4;
	}
	assert_int_equal(record_check((const uint8_t *)deep, sizeof(deep), 0, &steps), -EBADMSG);
}

static void test_tables_refused(void **state)
{
	struct made made;
	struct geo_table table;
	struct geo_head *head;
	struct geo_v4 *v4;

	(void)state;
	read_file(world(6, 24, MMDB_FILE_COUNTRY), &made);
	head = made.bytes;
	v4 = (struct geo_v4 *)(uintptr_t)made.table.v4;
	for (size_t n = 0; n < made.size; n += 7)
		assert_int_equal(geo_table_open(made.bytes, n, &table), -EBADMSG);
	v4[0].code[0] = 'Q';
	assert_int_equal(geo_table_open(made.bytes, made.size, &table), -EBADMSG);
	v4[0].code[0] = 'U';
	v4[1].lo = v4[0].hi; // overlap
	assert_int_equal(geo_table_open(made.bytes, made.size, &table), -EBADMSG);
	v4[1].lo = v4[0].hi + 1; // what is reserved
	assert_int_equal(geo_table_open(made.bytes, made.size, &table), -EBADMSG);
	head->n_v4 = UINT32_MAX;
	assert_int_equal(geo_table_open(made.bytes, made.size, &table), -EBADMSG);
	memset(head->type, 'x', sizeof(head->type));
	assert_int_equal(geo_table_open(made.bytes, made.size, &table), -EBADMSG);
	free(made.bytes);
}

static void test_countries(void **state)
{
	(void)state;
	for (size_t i = 0; i < country_count(); i++) {
		assert_int_equal(country_find(country_code((int)i), 2), i);
		assert_true(continent_is(country_continent((int)i)));
	}
	assert_int_equal(country_find("EU", 2), COUNTRY_NONE);
	assert_int_equal(country_find("jp", 2), COUNTRY_NONE);
	assert_int_equal(country_find("JPN", 3), COUNTRY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form),	 cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_aliases),		 cmocka_unit_test(test_endless),
		cmocka_unit_test(test_endless_metadata), cmocka_unit_test(test_not_countries),
		cmocka_unit_test(test_cut_off),		 cmocka_unit_test(test_bytes_changed),
		cmocka_unit_test(test_records),		 cmocka_unit_test(test_tables_refused),
		cmocka_unit_test(test_countries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
