// The porter's book against a plain list.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/porter_book.h"
#include "daemon/porter_wire.h"

enum { STEPS = 20000, INSPECTORS = 3, LISTED = 400 };

static struct addr v4(unsigned last)
{
	return (struct addr){ ADDR_V4, 0x0a000000u + last };
}

static struct addr v6(unsigned net, unsigned last)
{
	return (struct addr){ ADDR_V6, (addr_bits)0xfd00 << 112 | (addr_bits)net << 64 | last };
}

static struct porter_session session_of(uint64_t serial, struct addr client, uint16_t port)
{
	return (struct porter_session){ .serial = serial,
					.client = client,
					.server = v4(25),
					.client_port = port,
					.server_port = 25 };
}

static void agrees_with_a_list(void **state)
{
	static struct porter_session list[LISTED];
	const char *given = getenv("SEKISHO_SEED");
	unsigned random = given ? (unsigned)atoi(given) : (unsigned)time(NULL);
	struct porter_book *book;
	uint64_t serial = 0;
	size_t n = 0;

	(void)state;
	print_message("SEKISHO_SEED=%u\n", random);
	assert_int_equal(porter_book_new(random, &book), 0);
	for (int i = 0; i < STEPS; i++) {
		unsigned what = (unsigned)rand_r(&random) % 20;
		if (what < 10 && n < LISTED) {
			struct addr client = what % 2 ? v4((unsigned)rand_r(&random) % 20)
						      : v6((unsigned)rand_r(&random) % 3,
							   (unsigned)rand_r(&random) % 9);
			list[n] = session_of(++serial, client, (uint16_t)(rand_r(&random) % 50));
			list[n].inspector = (uint32_t)rand_r(&random) % INSPECTORS;
			assert_int_equal(porter_book_add(book, &list[n]), 0);
			n++;
		} else if (what < 19 && n) {
			size_t at = (size_t)rand_r(&random) % n;
			assert_false(
				porter_book_remove(book, list[at].serial, list[at].inspector + 1));
			assert_true(porter_book_remove(book, list[at].serial, list[at].inspector));
			assert_false(porter_book_remove(book, list[at].serial, list[at].inspector));
			list[at] = list[--n];
		} else if (what == 19 && rand_r(&random) % 50 == 0) {
			uint32_t gone = (uint32_t)rand_r(&random) % INSPECTORS;
			size_t kept = 0;
			porter_book_forget(book, gone);
			for (size_t k = 0; k < n; k++)
				if (list[k].inspector != gone)
					list[kept++] = list[k];
			n = kept;
		}
		struct addr client = v4((unsigned)rand_r(&random) % 20);
		uint16_t port = (uint16_t)(rand_r(&random) % 50);
		const struct addr server = v4(25);
		uint32_t of_source = 0;
		bool has = false;
		for (size_t k = 0; k < n; k++) {
			bool same = list[k].client.family == ADDR_V4 &&
				    list[k].client.bits == client.bits;
			of_source += same;
			has |= same && list[k].client_port == port;
		}
		assert_int_equal(porter_book_count(book), n);
		assert_int_equal(porter_book_of_source(book, &client), of_source);
		assert_int_equal(porter_book_has(book, &client, port, &server, 25), has);
		assert_false(porter_book_has(book, &client, port, &server, 26));
	}
	porter_book_free(book);
}

static void is_bounded(void **state)
{
	struct porter_book *book;
	struct porter_session one;

	(void)state;
	assert_int_equal(porter_book_new(7, &book), 0);
	for (uint64_t i = 1; i <= PORTER_SESSIONS_MAX; i++) {
		one = session_of(i, v4((unsigned)i), 1);
		assert_int_equal(porter_book_add(book, &one), 0);
	}
	one = session_of(PORTER_SESSIONS_MAX + 1, v4(1), 2);
	assert_int_equal(porter_book_add(book, &one), -ENOSPC);
	assert_true(porter_book_remove(book, 77, 0));
	assert_int_equal(porter_book_add(book, &one), 0);
	assert_false(porter_book_remove(book, 0, 0));
	porter_book_free(book);
}

static void a_source_is_a_network_of_ipv6(void **state)
{
	struct porter_book *book;
	struct addr one = v6(1, 1), two = v6(1, 2), other = v6(2, 1);
	struct porter_session session = session_of(1, one, 1);

	(void)state;
	assert_int_equal(porter_book_new(7, &book), 0);
	assert_int_equal(porter_book_add(book, &session), 0);
	assert_int_equal(porter_book_of_source(book, &two), 1);
	assert_int_equal(porter_book_of_source(book, &other), 0);
	assert_int_equal(porter_book_choose(book, &one, 8), porter_book_choose(book, &two, 8));
	porter_book_free(book);
}

static void sources_are_spread(void **state)
{
	enum { SOURCES = 8000 };
	unsigned counts[8] = { 0 };
	struct porter_book *book;

	(void)state;
	assert_int_equal(porter_book_new(7, &book), 0);
	for (unsigned i = 0; i < SOURCES; i++) {
		struct addr source = v4(i);
		counts[porter_book_choose(book, &source, 8)]++;
	}
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(counts[i], SOURCES / 8 / 2, SOURCES / 8 * 2);
	porter_book_free(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_list),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(a_source_is_a_network_of_ipv6),
		cmocka_unit_test(sources_are_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
