// What is in force: one list in memory, the kernel's rules before it, the disk after it.
#include "daemon/isolation_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"

enum {
	REFUSALS_WAITING_MAX = 128, // beyond, only orders are told to the main loop
	REFUSALS_RATE = 10,
	REFUSALS_BURST = 50,
};

static const char file_name[] = "isolation";
static const char damaged_name[] = "isolation.damaged";

struct isolated *book_find(struct isolation_book *book, const struct isolation *like)
{
	for (size_t i = 0; i < book->n; i++)
		if (book->v[i].cut.kind == like->kind &&
		    strcmp(book->v[i].cut.name, like->name) == 0)
			return &book->v[i];
	return NULL;
}

// The later of both ends.  Without end is the latest.
static void last_longer(struct isolated *there, const struct isolated *order)
{
	if (!there->until.boot[0] ||
	    (order->until.boot[0] && order->until_usec <= there->until_usec))
		return;
	there->until = order->until;
	there->until_usec = order->until_usec;
}

int book_put(struct isolation_book *book, const struct isolated *isolated)
{
	struct isolated *there = book_find(book, &isolated->cut);
	int r = isolations_add(book->in_force, &isolated->cut);

	if (r < 0)
		return r;
	book->mirror_due = true;
	if (!there) {
		book->v[book->n++] = *isolated;
		return 0;
	}
	there->cut = *isolations_find(book->in_force, &isolated->cut);
	there->leaving = false;
	last_longer(there, isolated);
	return 0;
}

bool isolated_is_over(struct isolated *isolated, uint64_t now_usec)
{
	char boot[BOOT_ID_MAX + 1];

	if (!isolated->until.boot[0] || boot_id(boot) < 0)
		return false;
	if (strcmp(isolated->until.boot, boot) == 0)
		return boot_left_usec(&isolated->until) == 0;
	if (now_usec < isolated->confirmed_usec) // it began in the future: the clock is not set
		return false;
	if (now_usec >= isolated->until_usec)
		return true;
	boot_deadline(isolated->until_usec - now_usec, &isolated->until);
	return false;
}

void isolated_text(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		for (n = size - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
	out[n] = '\0';
}

void book_take(struct isolation_book *book, const struct isolation *like)
{
	struct isolated *there = book_find(book, like);

	isolations_remove(book->in_force, like);
	book->mirror_due = true;
	if (!there)
		return;
	book->n--;
	memmove(there, there + 1, (size_t)(book->v + book->n - there) * sizeof(*there));
}

struct guard_want book_want(const struct isolation_book *book)
{
	return (struct guard_want){
		.state = book->state,
		.by_hand = book->by_hand,
		.management = book->map.management.interface[0] ? &book->map.management : NULL,
		.isolations = book->in_force,
		.lifelines = book->map.lifelines,
		.n_lifelines = book->map.n_lifelines,
	};
}

// With the lock held.  -ENOBUFS: too many wait already.
static int tell(struct isolation_book *book, const struct isolation_news *news)
{
	struct isolation_news *copy = NULL, **end = &book->news;
	size_t waiting = 0;

	for (; *end; waiting++)
		end = &(*end)->next;
	if (news->method && waiting >= REFUSALS_WAITING_MAX)
		return -ENOBUFS;
	if (fault_error("isolation-news") == 0)
		copy = malloc(sizeof(*copy));
	if (copy) {
		*copy = *news;
		copy->next = NULL;
		*end = copy;
	}
	eventfd_write(book->news_fd, 1);
	return copy ? 0 : -ENOMEM;
}

void book_tell(struct isolation_book *book, const struct isolated *isolated, bool again)
{
	const struct isolation_news news = { .again = again, .isolated = *isolated };

	if (tell(book, &news) < 0)
		book->orders_untold++;
}

void book_tell_found(struct isolation_book *book, const struct isolated *isolated)
{
	const struct isolation_news news = { .found = true, .isolated = *isolated };

	if (tell(book, &news) < 0)
		book->orders_untold++;
}

void book_tell_refusal(struct isolation_book *book, const struct control_peer *peer,
		       unsigned method)
{
	struct isolation_news news = { .method = method, .peer = *peer };

	pthread_mutex_lock(&book->lock);
	if (event_limit_take(&book->refusals, boot_now_usec())) {
		news.suppressed = event_limit_suppressed(&book->refusals);
		if (tell(book, &news) < 0)
			book->refusals.suppressed += news.suppressed + 1;
	}
	pthread_mutex_unlock(&book->lock);
}

uint64_t book_untold(struct isolation_book *book)
{
	uint64_t untold;

	pthread_mutex_lock(&book->lock);
	untold = book->orders_untold;
	book->orders_untold = 0;
	pthread_mutex_unlock(&book->lock);
	return untold;
}

struct isolation_news *book_hear(struct isolation_book *book)
{
	struct isolation_news *news;
	eventfd_t ignored;

	pthread_mutex_lock(&book->lock);
	eventfd_read(book->news_fd, &ignored);
	news = book->news;
	if (news)
		book->news = news->next;
	if (book->news)
		eventfd_write(book->news_fd, 1);
	pthread_mutex_unlock(&book->lock);
	return news;
}

// --- the kernel

static bool lacks(const struct isolation *one, const struct isolations *list)
{
	const struct isolation *other = isolations_find(list, one);
	bool found;

	if (!other || other->total != one->total)
		return true;
	for (size_t i = 0; i < one->n_targets; i++) {
		found = false;
		for (size_t k = 0; k < other->n_targets && !found; k++)
			found = strcmp(one->targets[i].text, other->targets[k].text) == 0;
		if (!found)
			return true;
	}
	return false;
}

static bool any_lacks(const struct isolations *these, const struct isolations *those)
{
	for (size_t i = 0; i < these->n; i++)
		if (lacks(&these->v[i], those))
			return true;
	return false;
}

// With the lock held.
static void adopt(struct isolation_book *book, const struct isolations *found, bool opening)
{
	struct isolated *one = calloc(1, sizeof(*one));

	for (size_t i = 0; one && i < found->n; i++) {
		bool known = book_find(book, &found->v[i]);

		if (!lacks(&found->v[i], book->in_force))
			continue;
		*one = (struct isolated){ .cut = found->v[i],
					  .uid = CONTROL_NO_LOGIN,
					  .login_uid = CONTROL_NO_LOGIN,
					  .by_hand = true,
					  .confirmed_usec = found->v[i].since * 1000000 };
		if (book_put(book, one) == 0 && (known || !opening))
			book_tell(book, one, known);
	}
	free(one);
}

// With the lock held.  Whatever it says, the guard isolates by itself.
static void mirror(struct isolation_book *book, bool anew)
{
	struct guard_want want = book_want(book);
	int r = fault_error("isolation-mirror");

	want.anew = anew;
	book->mirror_due = false;
	book->mirror_error = r < 0 ? r : switch_mirror(book->guard, &want);
}

int book_mirror(struct isolation_book *book)
{
	int r;

	pthread_mutex_lock(&book->lock);
	mirror(book, false);
	r = book->mirror_error;
	pthread_mutex_unlock(&book->lock);
	return r;
}

// With the lock held.
static int make(struct isolation_book *book, const struct guard_want *want,
		const struct isolation *without)
{
	struct isolations *all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return -ENOMEM;
	r = switch_guard_make(book->guard, want, without, all);
	if (r == 0) {
		book->state = want->state;
		book->by_hand = want->by_hand && want->state == KERNEL_GUARD_CLOSED;
		adopt(book, all, false);
		mirror(book, want->anew);
	}
	free(all);
	return r;
}

int book_make(struct isolation_book *book, enum kernel_guard state)
{
	struct guard_want want;
	int r;

	pthread_mutex_lock(&book->lock);
	want = book_want(book);
	want.state = state;
	r = make(book, &want, NULL);
	pthread_mutex_unlock(&book->lock);
	return r;
}

int book_make_over(struct isolation_book *book, enum kernel_guard state, bool by_hand, bool anew)
{
	struct guard_want want;
	int r;

	pthread_mutex_lock(&book->lock);
	want = book_want(book);
	want.state = state;
	want.hand_over = book->by_hand && !by_hand;
	want.by_hand = by_hand;
	want.anew = anew;
	r = make(book, &want, NULL);
	pthread_mutex_unlock(&book->lock);
	return r;
}

int book_end(struct isolation_book *book, const struct isolation *like, struct isolated *ret_gone)
{
	struct isolated *there;
	int r = -ECANCELED;

	pthread_mutex_lock(&book->lock);
	there = book_find(book, like);
	if (there && there->leaving) {
		struct guard_want want;

		isolations_remove(book->in_force, like);
		want = book_want(book);
		r = make(book, &want, like);
		if (r == 0) // what the mirror still holds is cut off still
			r = book->mirror_error;
		if (r < 0)
			isolations_add(book->in_force, &there->cut);
		else
			*ret_gone = *there;
	}
	if (r == 0)
		book_take(book, like);
	pthread_mutex_unlock(&book->lock);
	return r;
}

// With the lock held: the guard says that all is isolated, but not every rule is there or at work.
static bool is_half(struct isolation_book *book)
{
	struct guard_want want = book_want(book);

	return switch_guard_confirm(book->guard, &want) == -EUCLEAN;
}

// With the lock held.  want: what is in force, in the state that is found.
static int look(struct isolation_book *book, struct guard_found *found, struct book_seen *seen,
		bool *more)
{
	struct guard_want want;
	int r = switch_guard_read(book->guard, found);

	if (r < 0)
		return r;
	*seen = (struct book_seen){ .state = found->state, .by_hand = found->by_hand };
	seen->undone = any_lacks(book->in_force, &found->isolations);
	if (any_lacks(&found->isolations, book->in_force)) {
		adopt(book, &found->isolations, false);
		*more = true;
	}
	if (book->mirror_due)
		mirror(book, false);
	want = book_want(book);
	if (found->state != KERNEL_GUARD_ABSENT)
		want.state = found->state;
	r = switch_match(book->guard, &want, &seen->guard, &seen->mirror);
	if (r == 0 && seen->guard && want.state == KERNEL_GUARD_OPEN)
		seen->undone |= is_half(book);
	return r;
}

int book_look(struct isolation_book *book, struct book_seen *ret_seen)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	uint32_t before, after = 0;
	bool more = false;
	int r = found ? fault_error("isolation-look") : -ENOMEM;

	pthread_mutex_lock(&book->lock);
	for (int i = 0; i < GUARD_RETRIES && r == 0; i++) {
		r = switch_turn(book->guard, &before);
		if (r == 0)
			r = look(book, found, ret_seen, &more);
		if (r == 0)
			r = switch_turn(book->guard, &after);
		if (r < 0 || before == after)
			break;
	}
	if (r == 0 && before != after)
		r = -EINTR;
	pthread_mutex_unlock(&book->lock);
	free(found);
	if (more)
		book_write(book);
	return r;
}

// --- the disk

int book_write(struct isolation_book *book)
{
	char *text;
	int r;

	pthread_mutex_lock(&book->file_lock);
	pthread_mutex_lock(&book->lock);
	text = isolation_file_text(book->v, book->n);
	pthread_mutex_unlock(&book->lock);
	r = text ? fault_error("isolation-write") : -ENOMEM;
	if (r == 0)
		r = file_replace(book->state_fd, file_name, text, strlen(text));
	book->file_error = r;
	pthread_mutex_unlock(&book->file_lock);
	free(text);
	return r;
}

static int read_file(struct isolation_book *book, bool *ret_damaged)
{
	char *text = NULL;
	size_t size, n = 0;
	struct isolated *list = calloc(ISOLATIONS_MAX, sizeof(*list));
	int r = list ? file_read(book->state_fd, file_name, ISOLATION_FILE_MAX, &text, &size)
		     : -ENOMEM;

	if (r == 0)
		r = strlen(text) == size ? isolation_file_read(text, list, &n) : -EBADMSG;
	for (size_t i = 0; i < n && r == 0; i++)
		r = book_put(book, &list[i]);
	free(text);
	free(list);
	*ret_damaged = r < 0 && r != -ENOENT && r != -ENOMEM;
	if (*ret_damaged)
		renameat(book->state_fd, file_name, book->state_fd, damaged_name);
	return r == -ENOMEM ? r : 0;
}

static int read_kernel(struct isolation_book *book)
{
	struct guard_found *found = calloc(1, sizeof(*found));
	int r = found ? fault_error("isolation-read") : -ENOMEM;

	if (r == 0)
		r = switch_guard_read(book->guard, found);
	if (r == 0) {
		book->state = found->state;
		book->by_hand = found->by_hand;
		adopt(book, &found->isolations, true);
		r = switch_mirror_read(book->guard, &found->isolations);
	}
	if (r == 0)
		adopt(book, &found->isolations, true);
	free(found);
	return r;
}

int book_open(int state_fd, struct isolation_book **ret_book, bool *ret_damaged)
{
	struct isolation_book *book = calloc(1, sizeof(*book));
	int r = 0;

	if (!book)
		return -ENOMEM;
	pthread_mutex_init(&book->lock, NULL);
	pthread_mutex_init(&book->file_lock, NULL);
	event_limit_init(&book->refusals, REFUSALS_RATE, REFUSALS_BURST, boot_now_usec());
	book->state_fd = state_fd;
	book->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	book->v = calloc(ISOLATIONS_MAX, sizeof(*book->v));
	book->in_force = calloc(1, sizeof(*book->in_force));
	if (book->news_fd < 0 || !book->v || !book->in_force)
		r = -ENOMEM;
	if (r == 0)
		r = switch_open(&book->guard);
	*ret_damaged = false;
	if (r == 0 && state_fd >= 0)
		r = read_file(book, ret_damaged);
	if (r == 0)
		r = read_kernel(book);
	if (r < 0)
		book_close(book);
	else
		*ret_book = book;
	return r;
}

void book_close(struct isolation_book *book)
{
	if (!book)
		return;
	for (struct isolation_news *next, *news = book->news; news; news = next) {
		next = news->next;
		free(news);
	}
	switch_close(book->guard);
	switch_map_done(&book->map);
	if (book->news_fd >= 0)
		close(book->news_fd);
	free(book->v);
	free(book->gone);
	free(book->in_force);
	free(book);
}
