// The routing of what is brought to the gate's sockets, in a namespace of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/detour.h"
#include "kernel/sysctl.h"
#include "unit/kernel_net.h"

#define RULE   "grep -q '^98:.*fwmark 0xc0000000/0xc0000000 lookup 15025'"
#define ROUTE  "grep -q '^local default dev lo.*scope host'"
#define ROUTE6 "grep -q '^local default dev lo'"

static bool is_there(void)
{
	return net_run("ip rule | " RULE) == 0 && net_run("ip -6 rule | " RULE) == 0 &&
	       net_run("ip route show table 15025 | " ROUTE) == 0 &&
	       net_run("ip -6 route show table 15025 | " ROUTE6) == 0;
}

static void is_made_once(void **state)
{
	uint32_t accepts = 0;
	bool made = false;

	(void)state;
	assert_int_equal(detour_make(&made), 0);
	assert_true(made);
	assert_true(is_there());
	assert_int_equal(sysctl_get("net/ipv4/tcp_fwmark_accept", &accepts), 0);
	assert_int_equal(accepts, 1);
	assert_int_equal(detour_make(&made), 0);
	assert_false(made);
	assert_int_equal(net_run("test $(ip rule | grep -c 15025) = 1"), 0);
}

static void is_mended(void **state)
{
	static const char *const harms[] = {
		"ip rule del pref 98",
		"ip -6 rule del pref 98",
		"ip route flush table 15025",
		"ip -6 route flush table 15025",
		"echo 0 > /proc/sys/net/ipv4/tcp_fwmark_accept",
	};
	bool made = false;

	(void)state;
	assert_int_equal(detour_make(&made), 0);
	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		uint32_t accepts = 0;

		assert_int_equal(net_run("%s", harms[i]), 0);
		made = false;
		assert_int_equal(detour_make(&made), 0);
		assert_true(made);
		assert_true(is_there());
		assert_int_equal(sysctl_get("net/ipv4/tcp_fwmark_accept", &accepts), 0);
		assert_int_equal(accepts, 1);
	}
}

static void is_removed(void **state)
{
	bool made = false;

	(void)state;
	assert_int_equal(detour_make(&made), 0);
	assert_int_equal(detour_remove(), 0);
	assert_int_equal(net_run("! { ip rule; ip -6 rule; ip route show table all; "
				 "ip -6 route show table all; } | grep -q 15025"),
			 0);
	assert_int_equal(detour_remove(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_made_once),
		cmocka_unit_test(is_mended),
		cmocka_unit_test(is_removed),
	};

	net_enter();
	if (net_run("ip link set lo up"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
