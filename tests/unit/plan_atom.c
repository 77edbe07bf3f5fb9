// Atoms: their texts, both ways, and their arithmetic against a small world of points; the library.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/atom.h"
#include "plan/library.h"

static const struct {
	const char *text;
	int result;
	const char *shown; // NULL: as given
} texts[] = {
	{ "tcp/80", 0, NULL },
	{ "tcp/8000-8010", 0, NULL },
	{ "tcp/7-7", 0, "tcp/7" },
	{ "tcp", 0, NULL },
	{ "udp/65535", 0, NULL },
	{ "sctp/36412", 0, NULL },
	{ "icmp/echo-request", 0, NULL },
	{ "icmp/8", 0, "icmp/echo-request" },
	{ "icmp/42", 0, NULL },
	{ "icmp", 0, NULL },
	{ "icmpv6/packet-too-big", 0, NULL },
	{ "icmpv6", 0, NULL },
	{ "ip/esp", 0, NULL },
	{ "ip/50", 0, "ip/esp" },
	{ "ip/tcp", 0, "tcp" },
	{ "ip/200", 0, NULL },
	{ "ip/0", 0, NULL },
	{ "any", 0, NULL },
	{ "http", -EINVAL, NULL },
	{ "", -EINVAL, NULL },
	{ "TCP/80", -ENOENT, NULL },
	{ "tcp/", -ENOENT, NULL },
	{ "tcp/http", -ENOENT, NULL },
	{ "tcp/80-", -ENOENT, NULL },
	{ "tcp/-80", -ENOENT, NULL },
	{ "tcp/80/81", -ENOENT, NULL },
	{ "tcp/0", -ERANGE, NULL },
	{ "tcp/65536", -ERANGE, NULL },
	{ "tcp/90-80", -ERANGE, NULL },
	{ "tcp/99999999999999999999", -ERANGE, NULL },
	{ "icmp/echo", -ENOENT, NULL },
	{ "icmp/256", -ERANGE, NULL },
	{ "icmp/0-8", -ERANGE, NULL },
	{ "ip/256", -ERANGE, NULL },
	{ "ip/1-5", -ERANGE, NULL },
	{ "ip/nothing", -ENOENT, NULL },
	{ "any/80", -ENOENT, NULL },
	{ "tpc/80", -ENOENT, NULL },
};

static void parse_and_show(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct plan_atom atom;
		struct plan_atom again;
		char shown[64];
		int r = atom_parse(texts[i].text, &atom);

		if (r != texts[i].result)
			fail_msg("%s: %d", texts[i].text, r);
		if (r < 0)
			continue;
		assert_string_equal(plan_atom_text(&atom, shown, sizeof(shown)),
				    texts[i].shown ? texts[i].shown : texts[i].text);
		assert_int_equal(atom_parse(shown, &again), 0);
		assert_int_equal(atom_compare(&atom, &again), 0);
	}
}

// Pieces of services that a person cannot write.
static const struct {
	struct plan_atom atom;
	const char *shown;
} odd[] = {
	{ { 7, 16, 0, 65535, 0, 65535 }, "ip/7-16" },
	{ { 6, 6, 20, 20, 80, 80 }, "tcp/80 from 20" },
	{ { 17, 17, 1, 9, 0, 65535 }, "udp from 1-9" },
	{ { 1, 1, 0, 65535, 9, 255 }, "icmp/9-255" },
	{ { 58, 58, 0, 65535, 0, 255 }, "icmpv6" },
};

static void show_odd(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		char shown[64];

		plan_atom_text(&odd[i].atom, shown, sizeof(shown));
		assert_string_equal(shown, odd[i].shown);
	}
}

static bool atom_has(const struct plan_atom *atom, unsigned protocol, unsigned sport, unsigned port)
{
	return protocol >= atom->protocol_lo && protocol <= atom->protocol_hi &&
	       sport >= atom->sport_lo && sport <= atom->sport_hi && port >= atom->port_lo &&
	       port <= atom->port_hi;
}

static struct plan_atom random_atom(void)
{
	static const uint8_t protocols[] = { 6, 17, 1, 47 };
	struct plan_atom atom = { 0, 255, 0, 65535, 0, 65535 };

	if (rand() % 4 == 0)
		return atom;
	atom.protocol_lo = atom.protocol_hi = protocols[rand() % 4];
	if (atom.protocol_lo == 1)
		atom.port_hi = 255;
	if (atom.protocol_lo == 47 || rand() % 4 == 0)
		return atom;
	atom.port_lo = (uint16_t)(rand() % 6);
	atom.port_hi = (uint16_t)(atom.port_lo + rand() % 6);
	if (atom.protocol_lo != 1 && rand() % 2) {
		atom.sport_lo = (uint16_t)(rand() % 4);
		atom.sport_hi = (uint16_t)(atom.sport_lo + rand() % 4);
	}
	return atom;
}

static void subtract_and_intersect(void **state)
{
	static const unsigned protocols[] = { 0, 1, 6, 17, 47, 99, 255 };

	(void)state;
	srand(7);
	for (int i = 0; i < 3000; i++) {
		struct plan_atom a = random_atom();
		struct plan_atom b = random_atom();
		struct plan_atom pieces[ATOM_PIECES_MAX];
		struct plan_atom common = { 0 };
		size_t n = atom_subtract(&a, &b, pieces);
		bool meet = atom_intersect(&a, &b, &common);

		assert_int_equal(meet, atom_overlaps(&a, &b));
		for (unsigned p = 0; p < 7 * 8 * 12; p++) {
			unsigned protocol = protocols[p % 7];
			unsigned sport = p / 7 % 8;
			unsigned port = p / 56;
			unsigned count = 0;

			for (size_t j = 0; j < n; j++)
				count += atom_has(&pieces[j], protocol, sport, port);
			assert_int_equal(count, atom_has(&a, protocol, sport, port) &&
							!atom_has(&b, protocol, sport, port));
			assert_int_equal(meet && atom_has(&common, protocol, sport, port),
					 atom_has(&a, protocol, sport, port) &&
						 atom_has(&b, protocol, sport, port));
		}
	}
}

static void tidy(void **state)
{
	struct plan_atom atoms[] = {
		{ 17, 17, 0, 65535, 53, 53 }, { 6, 6, 0, 65535, 80, 80 },
		{ 6, 6, 0, 65535, 1, 1024 },  { 17, 17, 0, 65535, 53, 53 },
		{ 6, 6, 5, 5, 2000, 2000 },
	};

	(void)state;
	assert_int_equal(atoms_tidy(atoms, 5), 3);
	assert_int_equal(atoms[0].port_hi, 1024);
	assert_int_equal(atoms[1].port_lo, 2000);
	assert_int_equal(atoms[2].protocol_lo, 17);
}

// Members parse, or name another of the table; ids are unique.
static void library_is_sound(void **state)
{
	size_t n;
	const struct library_service *library = library_services(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char *members = strdup(library[i].members);
		char *rest = NULL;

		assert_true(strlen(library[i].title) > 3);
		for (char *m = strtok_r(members, " ", &rest); m; m = strtok_r(NULL, " ", &rest)) {
			struct plan_atom atom;
			bool named = false;

			for (size_t j = 0; j < n; j++)
				named = named || strcmp(library[j].id, m) == 0;
			if (!named && atom_parse(m, &atom) < 0)
				fail_msg("%s: %s", library[i].id, m);
		}
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(library[i].id, library[j].id);
		free(members);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_show),	  cmocka_unit_test(show_odd),
		cmocka_unit_test(subtract_and_intersect), cmocka_unit_test(tidy),
		cmocka_unit_test(library_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
