// From a request to the kernel: meaning first, then the cut, then everything else.
#include "daemon/order.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/fault.h"
#include "daemon/isolation.h"
#include "daemon/links.h"
#include "kernel/neighbour.h"
#include "kernel/own.h"

struct order {
	struct isolation_book *book;
	struct control_server *server;
	const struct control_request *request;
	struct isolated one;
	struct neighbours neighbours; // read when a host or MAC is meant
	uint64_t kernel_ns;
	char wrong[400]; // why it cannot be carried out
	int status;	 // exit status then
};

__attribute__((format(printf, 3, 4))) static int wrong(struct order *order, int status,
						       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(order->wrong, sizeof(order->wrong), format, args);
	va_end(args);
	order->status = status;
	return -EINVAL;
}

// --- what is meant

static int mean_zone(struct order *order)
{
	struct isolation_book *book = order->book;
	int r;

	pthread_mutex_lock(&book->lock);
	r = switch_map_zone(&book->map, &order->one.cut);
	pthread_mutex_unlock(&book->lock);
	if (r == -ENOENT)
		return wrong(order, EXIT_FAILED,
			     "the policy that runs has no zone \"%s\" with interfaces; "
			     "\"sekisho zones\" lists them, and \"isolate link\" takes any "
			     "interface",
			     order->one.cut.name);
	return r < 0 ? wrong(order, EXIT_FAILED,
			     "zone %s has more interfaces than can be cut at "
			     "once; isolate all",
			     order->one.cut.name)
		     : 0;
}

static bool map_has(const struct isolation_book *book, const char *interface)
{
	for (size_t i = 0; i < book->map.n_zones; i++)
		if (strcmp(book->map.zones[i].interface, interface) == 0)
			return true;
	return false;
}

static int mean_link(struct order *order)
{
	struct isolation_book *book = order->book;
	const char *name = order->one.cut.name;
	bool known;

	if (strcmp(name, "lo") == 0)
		return wrong(order, EXIT_FAILED,
			     "lo is the box's traffic with itself, which nothing isolates");
	pthread_mutex_lock(&book->lock);
	known = map_has(book, name);
	pthread_mutex_unlock(&book->lock);
	if (known || interface_exists(name))
		return 0;
	return wrong(order, EXIT_FAILED,
		     "there is no interface \"%s\", and no zone names it; \"ip link\" lists them",
		     name);
}

// The zone that an interface belongs to, or "".
static void zone_of(struct isolation_book *book, const char *interface,
		    char out[ISOLATION_NAME_MAX])
{
	out[0] = '\0';
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->map.n_zones && !*out; i++)
		if (link_matches(book->map.zones[i].interface, interface))
			snprintf(out, ISOLATION_NAME_MAX, "%s", book->map.zones[i].zone);
	pthread_mutex_unlock(&book->lock);
}

// Packets of nobody would be cut, or those of everybody.
static int mean_host(struct order *order)
{
	const char *name = order->one.cut.name, *what;
	struct addr addr;
	enum own own;

	if (addr_parse(name, &addr) < 0)
		return wrong(order, EXIT_USAGE, "\"%s\" is no address", name);
	what = isolation_no_host(&addr);
	own = what ? OWN_NOT : own_address(&addr);
	if (own == OWN_ADDRESS)
		return wrong(
			order, EXIT_USAGE,
			"%s is the gateway's own address; isolate the zone or the link that it "
			"is on",
			name);
	if (own == OWN_BROADCAST)
		what = "a broadcast address of the gateway's networks";
	return what ? wrong(order, EXIT_USAGE, "%s is %s, not a host's address", name, what) : 0;
}

// By its hardware address a host is known on its own segment only.
static int mean_mac(struct order *order)
{
	char zone[ISOLATION_NAME_MAX], text[ADDR_TEXT_MAX];
	uint8_t mac[6];
	size_t n = 0;

	isolation_is_mac(order->one.cut.name, mac);
	if (neighbours_read(&order->neighbours) < 0)
		return wrong(order, EXIT_FAILED, "the kernel's table of neighbours cannot be read");
	for (size_t i = 0; i < order->neighbours.n; i++) {
		const struct neighbour *one = &order->neighbours.v[i];

		if (memcmp(one->mac, mac, sizeof(mac)) != 0)
			continue;
		addr_text(&one->addr, text);
		zone_of(order->book, one->interface, zone);
		if (!*zone)
			return wrong(order, EXIT_FAILED,
				     "%s is on %s, which belongs to no zone; isolate that link",
				     order->one.cut.name, one->interface);
		if (one->router)
			return wrong(order, EXIT_FAILED,
				     "%s is the router %s: by its MAC everything behind it would "
				     "be cut, and the hosts there are known by address only; "
				     "quarantine the address",
				     order->one.cut.name, text);
		isolation_add_target(&order->one.cut, text);
		n++;
	}
	return n ? 0
		 : wrong(order, EXIT_FAILED,
			 "no directly attached host has the MAC %s at this moment; a host behind "
			 "a router is quarantined by its address",
			 order->one.cut.name);
}

static int mean(struct order *order)
{
	static int (*const kinds[ISOLATION_KINDS])(struct order *) = {
		[ISOLATION_ZONE] = mean_zone,
		[ISOLATION_LINK] = mean_link,
		[ISOLATION_HOST] = mean_host,
		[ISOLATION_MAC] = mean_mac,
	};
	const struct control_row *fields = order->request->fields;
	const char *word = control_text(fields, CTL_KIND), *name = control_text(fields, CTL_NAME);
	int kind = isolation_kind_find(word);
	char host[ADDR_TEXT_MAX];
	bool quarantine;

	quarantine = order->request->method == CTL_QUARANTINE ||
		     order->request->method == CTL_QUARANTINE_PREVIEW;
	if (quarantine)
		kind = isolation_is_mac(name, NULL) ? ISOLATION_MAC : ISOLATION_HOST;
	if (kind < 0)
		return wrong(order, EXIT_USAGE,
			     "\"%s\": what can be isolated is a zone, a link, a host, or all",
			     word);
	if (kind == ISOLATION_HOST && isolation_is_mac(name, NULL))
		kind = ISOLATION_MAC;
	if (kind == ISOLATION_HOST) {
		isolation_host_name(name, host);
		name = host;
	}
	if (isolation_init(&order->one.cut, (enum isolation_kind)kind, name) < 0)
		return wrong(order, EXIT_USAGE, "\"%s\" is not a name of a %s", name,
			     kind == ISOLATION_HOST
				     ? "host: give its address or MAC"
				     : isolation_kind_word((enum isolation_kind)kind));
	order->one.cut.quarantine = quarantine;
	order->one.cut.total = control_bool(fields, CTL_TOTALLY);
	if (order->one.cut.total && kind != ISOLATION_ALL)
		return wrong(order, EXIT_USAGE, "--total is for \"isolate all\" only");
	return kinds[kind] ? kinds[kind](order) : 0;
}

// --- whether it may be ordered so

static int limit(struct order *order, uint64_t seconds)
{
	struct isolation_book *book = order->book;
	uint64_t most;

	pthread_mutex_lock(&book->lock);
	most = book->map.time_limit;
	pthread_mutex_unlock(&book->lock);
	if (!most)
		return wrong(order, EXIT_FAILED,
			     "the policy allows no limit in time (isolation: time-limit); without "
			     "--for it lasts until somebody reconnects");
	if (seconds > most)
		return wrong(order, EXIT_FAILED,
			     "the policy allows at most %llu minutes for --for (isolation: "
			     "time-limit)",
			     (unsigned long long)most / 60);
	if (boot_deadline(seconds * 1000000, &order->one.until) < 0)
		return wrong(order, EXIT_FAILED, "the clock of this boot cannot be read");
	order->one.until_usec = journal_now_usec() + seconds * 1000000;
	return 0;
}

static int judge(struct order *order)
{
	const struct control_row *fields = order->request->fields;
	const struct control_peer *peer = &order->request->peer;
	uint64_t seconds = control_u64(fields, CTL_SECONDS);
	const char *ordered_by = control_text(fields, CTL_ORDERED_BY);

	if (order->one.cut.total && !control_peer_may(peer, CTL_MAY_OPERATE)) {
		book_tell_refusal(order->book, peer, order->request->method);
		return wrong(order, EXIT_FAILED,
			     "--total also cuts the lifelines; that is for root and members of "
			     "sekisho-operate.  Without it: isolate all");
	}
	if (!*control_text(fields, CTL_REASON))
		return wrong(order, EXIT_USAGE, "an isolation needs its reason (--reason)");
	if (!*ordered_by == !control_bool(fields, CTL_OWN_JUDGMENT))
		return wrong(order, EXIT_USAGE,
			     "say on whose order (--ordered-by NAME), or that it is on your own "
			     "judgment (--own-judgment)");
	isolated_text(order->one.reason, sizeof(order->one.reason),
		      control_text(fields, CTL_REASON));
	isolated_text(order->one.ordered_by, sizeof(order->one.ordered_by), ordered_by);
	order->one.uid = peer->uid;
	order->one.login_uid = peer->login_uid;
	order->one.pid = peer->pid;
	control_person_name_now(peer->uid, peer->login_uid, order->one.actor);
	return seconds ? limit(order, seconds) : 0;
}

// --- carrying it out

// A full list must not stand in the way of what cuts more: of the last places some are for zones
// and links only, and one for all.
static int find_place(struct order *order)
{
	const struct isolation_book *book = order->book;

	if (isolations_have_room(book->in_force, &order->one.cut))
		return 0;
	return wrong(order, EXIT_FAILED,
		     "%zu isolations are in force, and no more of this kind have room: isolate "
		     "the zone, the link or all; nothing was changed",
		     book->in_force->n);
}

// The cut itself, as early as it can be: nothing in here waits for a disk.
static int cut(struct order *order, bool *ret_again)
{
	struct isolation_book *book = order->book;
	struct guard_want want;
	uint64_t start;
	int r;

	order->one.cut.since = journal_now_usec() / 1000000;
	pthread_mutex_lock(&book->lock);
	r = find_place(order);
	want = book_want(book);
	start = monotonic_ns();
	if (r == 0)
		r = switch_isolate(book->guard, &want, &order->one.cut);
	order->kernel_ns = monotonic_ns() - start;
	order->one.confirmed_usec = journal_now_usec();
	if (r == 0) {
		*ret_again = book_find(book, &order->one.cut);
		r = book_put(book, &order->one);
		if (r == 0) {
			const struct isolated *there = book_find(book, &order->one.cut);

			order->one.until = there->until;
			order->one.until_usec = there->until_usec;
		}
	}
	pthread_mutex_unlock(&book->lock);
	return r;
}

// The main loop hears of it when the file has it: what it records is then found again after a
// crash.
static void tell(struct order *order, bool again)
{
	pthread_mutex_lock(&order->book->lock);
	book_tell(order->book, &order->one, again);
	pthread_mutex_unlock(&order->book->lock);
}

// The one that the management path comes in by stays up, as that path does.
static void take_down_one(struct order *order, const char *name)
{
	const char *management = order->book->map.management.interface;

	if (strcmp(name, "lo") == 0 || (*management && link_matches(management, name)))
		return;
	if (order->one.n_down < ISOLATED_DOWN_MAX && interface_is_up(name) &&
	    interface_set_up(name, false) == 0)
		snprintf(order->one.down[order->one.n_down++], 16, "%s", name);
}

// Only what was up is remembered, to be brought up again.
static void take_down(struct order *order)
{
	struct isolation_book *book = order->book;
	struct isolated *there;
	struct links links;

	if (links_read(&links) < 0)
		return;
	for (size_t i = 0; i < order->one.cut.n_targets; i++)
		for (size_t k = 0; k < links.n; k++)
			if (link_matches(order->one.cut.targets[i].text, links.v[k].name))
				take_down_one(order, links.v[k].name);
	links_done(&links);
	pthread_mutex_lock(&book->lock);
	there = book_find(book, &order->one.cut);
	for (size_t i = 0; there && i < order->one.n_down && there->n_down < ISOLATED_DOWN_MAX; i++)
		memcpy(there->down[there->n_down++], order->one.down[i], 16);
	pthread_mutex_unlock(&book->lock);
	if (there)
		return;
	while (order->one.n_down > 0) // reconnected meanwhile
		interface_set_up(order->one.down[--order->one.n_down], true);
}

static void put_management(struct control_writer *reply, struct isolation_book *book)
{
	const struct kernel_management *management = &book->map.management;
	char text[120], prefix[ADDR_TEXT_MAX] = "";
	struct addr addr;

	pthread_mutex_lock(&book->lock);
	if (management->interface[0]) {
		addr = (struct addr){ .family = management->family == 4 ? ADDR_V4 : ADDR_V6 };
		addr.bits = addr_from_bytes(addr.family, management->prefix);
		snprintf(text, sizeof(text), "TCP port %u from %s/%u on %s", management->port,
			 addr_text(&addr, prefix), management->prefix_length,
			 management->interface);
		control_put_text(reply, CTL_STAYS, text);
	}
	pthread_mutex_unlock(&book->lock);
}

static void put_what(struct control_writer *reply, const struct order *order)
{
	control_put_text(reply, CTL_KIND, isolation_kind_word(order->one.cut.kind));
	control_put_text(reply, CTL_NAME, order->one.cut.name);
	for (size_t i = 0; i < order->one.cut.n_targets; i++)
		control_put_text(reply, CTL_TARGET, order->one.cut.targets[i].text);
}

static void answer(struct order *order, int stored, int mirrored)
{
	struct control_writer reply;

	control_writer_init(&reply, CTL_REPLY_MAX);
	put_what(&reply, order);
	control_put_time(&reply, CTL_CONFIRMED, order->one.confirmed_usec);
	control_put_u64(&reply, CTL_KERNEL_NS, order->kernel_ns);
	if (order->one.until.boot[0])
		control_put_time(&reply, CTL_UNTIL, order->one.until_usec);
	for (size_t i = 0; i < order->one.n_down; i++)
		control_put_text(&reply, CTL_INTERFACE_DOWN, order->one.down[i]);
	put_management(&reply, order->book);
	if (stored < 0)
		control_put_text(&reply, CTL_WARNING,
				 "it could not be written to state/isolation: a restart of the box "
				 "would forget it");
	if (mirrored < 0)
		control_put_text(&reply, CTL_WARNING,
				 "the mirror table could not be made: a flush of all rules by hand "
				 "would open it until the daemon notices");
	control_server_answer(order->server, order->request->token, &reply);
}

void order_carry_out(struct isolation_book *book, struct control_server *server,
		     struct control_request *request)
{
	struct order *order = calloc(1, sizeof(*order));
	bool again = false;
	int r, stored, mirrored;

	if (!order) {
		control_server_refuse(server, request->token, EXIT_FAILED, "no memory");
		return;
	}
	*order = (struct order){ .book = book, .server = server, .request = request };
	r = mean(order);
	if (r == 0)
		r = judge(order);
	if (r == 0) {
		r = cut(order, &again);
		if (r < 0 && !order->wrong[0])
			wrong(order, EXIT_KERNEL, "SK%03d the kernel does not confirm it: %s",
			      SK_ISOLATION_FAILED, strerror(-r));
	}
	if (r == 0) {
		fault_point("isolate-cut");
		if (control_bool(request->fields, CTL_LINK_DOWN))
			take_down(order);
		stored = book_write(book);
		tell(order, again);
		fault_point("isolate-stored");
		mirrored = book_mirror(book);
		fault_point("isolate-mirrored");
		answer(order, stored, mirrored);
		fault_point("isolate-told");
	} else {
		control_server_refuse(server, request->token, order->status, "%s", order->wrong);
	}
	order_free(order);
}

// --- preview

static bool hits(const struct order *order, const struct neighbour *one)
{
	const struct isolation *cut = &order->one.cut;
	char text[ADDR_TEXT_MAX];

	addr_text(&one->addr, text);
	for (size_t i = 0; i < cut->n_targets; i++)
		if (link_matches(cut->targets[i].text, one->interface) ||
		    strcmp(cut->targets[i].text, text) == 0)
			return true;
	return cut->kind == ISOLATION_ALL;
}

static void put_hosts(struct control_writer *reply, struct order *order)
{
	if (!order->neighbours.v && neighbours_read(&order->neighbours) < 0)
		return;
	for (size_t i = 0; i < order->neighbours.n; i++) {
		const struct neighbour *one = &order->neighbours.v[i];
		char text[ADDR_TEXT_MAX], zone[ISOLATION_NAME_MAX];

		if (!hits(order, one))
			continue;
		zone_of(order->book, one->interface, zone);
		control_put_mark(reply, CTL_ROW);
		control_put_text(reply, CTL_ADDRESS, addr_text(&one->addr, text));
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", one->mac[0],
			 one->mac[1], one->mac[2], one->mac[3], one->mac[4], one->mac[5]);
		control_put_text(reply, CTL_MAC, text);
		control_put_text(reply, CTL_INTERFACE, one->interface);
		control_put_text(reply, CTL_ID, zone);
	}
}

static void put_lifelines(struct control_writer *reply, struct isolation_book *book)
{
	pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->map.n_lifelines; i++)
		if (i == 0 ||
		    strcmp(book->map.lifelines[i].name, book->map.lifelines[i - 1].name) != 0)
			control_put_text(reply, CTL_LIFELINE, book->map.lifelines[i].name);
	pthread_mutex_unlock(&book->lock);
}

struct order *order_new(struct isolation_book *book, struct control_server *server,
			struct control_request *request)
{
	struct order *order = calloc(1, sizeof(*order));

	if (!order) {
		control_server_refuse(server, request->token, EXIT_FAILED, "no memory");
		return NULL;
	}
	*order = (struct order){ .book = book, .server = server, .request = request };
	if (mean(order) == 0) {
		order->request = NULL; // it does not last
		return order;
	}
	control_server_refuse(server, request->token, order->status, "%s", order->wrong);
	order_free(order);
	return NULL;
}

const struct isolation *order_cut(const struct order *order)
{
	return &order->one.cut;
}

void order_put_preview(struct order *order, const struct census_result *connections,
		       struct control_writer *reply)
{
	put_what(reply, order);
	put_management(reply, order->book);
	if (order->one.cut.kind == ISOLATION_ALL && !order->one.cut.total)
		put_lifelines(reply, order->book);
	if (connections->known)
		control_put_u64(reply, CTL_TOTAL, connections->count);
	if (connections->more)
		control_put_bool(reply, CTL_MORE_THAN, true);
	put_hosts(reply, order);
}

void order_free(struct order *order)
{
	if (!order)
		return;
	neighbours_done(&order->neighbours);
	free(order);
}
