// Mail records a second that the book makes durable, through the real process: packed, sent as its
// inspectors send them, checked, written with their indices, synced in batches.  With addresses as
// they are and as pseudonyms; beside it how long a look-up takes in a book of that size.
//	bench_mail_book FOLDER
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/mail_book.h"

enum { RECORDS = 50000, RUNS = 3, NOBODY = 65534 };

static struct mail_recipient recipients[2];

static void make(struct mail_record *record, unsigned i)
{
	*record = (struct mail_record){
		.began_us = wall_us(),
		.ended_us = wall_us(),
		.client = { ADDR_V4, 0xcb007100 + i % 250 },
		.server = { ADDR_V4, 0xc0000219 },
		.client_port = (uint16_t)(1024 + i % 60000),
		.server_port = 25,
		.flow = "mail-in",
		.guard = "mail",
		.clause = "8-2",
		.control = "MAIL-01",
		.from_zone = "internet",
		.to_zone = "dmz",
		.helo = "mx.example.net",
		.recipients = recipients,
		.n_recipients = 2,
		.size = 2000 + i,
		.code = 250,
		.reason = "ok",
	};
	snprintf(record->sender, sizeof(record->sender), "sender%u@example%u.net", i % 50000,
		 i % 500);
	snprintf(recipients[0].address, MAIL_ADDRESS_MAX, "staff%u@city.example.jp", i % 3000);
	snprintf(recipients[1].address, MAIL_ADDRESS_MAX, "staff%u@city.example.jp", i % 2999);
}

static double run(struct mail_book *book, unsigned from)
{
	static uint8_t wire[MAIL_WIRE_MAX];
	struct mail_book_numbers numbers;
	struct pollfd room = { .fd = mail_book_writer_fd(book), .events = POLLOUT };
	uint64_t start = monotonic_us();
	mail_book_numbers(book, &numbers);
	uint64_t wanted = numbers.written + RECORDS;
	for (unsigned i = 0; i < RECORDS; i++) {
		struct mail_record record;
		make(&record, from + i);
		size_t size = mail_wire_pack(&record, wire);
		// A full socket is waited for: all are to be kept.
		while (send(room.fd, wire, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			poll(&room, 1, 1000);
	}
	do {
		usleep(1000);
		mail_book_tend(book);
		mail_book_numbers(book, &numbers);
	} while (numbers.written < wanted && !numbers.lost && !mail_book_error(book));
	if (numbers.written < wanted) {
		fprintf(stderr, "bench_mail_book: records were lost\n");
		exit(1);
	}
	return (double)(monotonic_us() - start) / 1e6;
}

static int count_one(void *arg, const struct mail_stored *stored)
{
	(void)stored;
	++*(unsigned *)arg;
	return 0;
}

static void look_up(const struct mail_book *book, const char *what, const struct mail_query *query)
{
	char path[600];
	struct mail_store *store;
	unsigned n = 0;
	snprintf(path, sizeof(path), "%s/" MAIL_BOOK_FILE, mail_book_folder(book));
	if (mail_store_open_read(path, mail_book_key(book), &store) < 0)
		return;
	uint64_t start = monotonic_us();
	mail_store_find(store, query, count_one, &n);
	printf("look-up %-28s %6.1f ms  (%u records)\n", what,
	       (double)(monotonic_us() - start) / 1e3, n);
	mail_store_close(store);
}

int main(int argc, char **argv)
{
	struct mail_book_options options = { .uid = NOBODY, .gid = NOBODY };
	struct mail_limits limits = { .keep_days = 365 };
	struct mail_book_numbers numbers;
	struct failure failure;
	struct mail_book *book;
	if (argc == 2 && strcmp(argv[1], MAIL_BOOK_ARGUMENT) == 0)
		return mail_book_main();
	if (argc != 2) {
		fprintf(stderr, "usage: bench_mail_book FOLDER\n");
		return 2;
	}
	mkdir(argv[1], 0755);
	options.log = argv[1];
	options.state_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (options.state_fd < 0 || mail_book_start(NULL, &options, &failure, &book) < 0) {
		fprintf(stderr, "bench_mail_book: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (unsigned i = 0; i < 2 * RUNS; i++) {
		limits.hash_addresses = i >= RUNS;
		mail_book_set_limits(book, &limits);
		double took = run(book, i * RECORDS);
		printf("%-12s %8.0f records/s  (%u in %.2f s)\n",
		       limits.hash_addresses ? "pseudonyms" : "as they are", RECORDS / took,
		       (unsigned)RECORDS, took);
	}
	mail_book_numbers(book, &numbers);
	printf("%llu records in %.1f MB, %.0f bytes each\n", (unsigned long long)numbers.records,
	       (double)numbers.bytes / 1e6, (double)numbers.bytes / (double)numbers.records);
	look_up(book, "the newest 100", &(struct mail_query){ .verdict = -1, .limit = 100 });
	look_up(book, "a sender",
		&(struct mail_query){
			.verdict = -1, .from = "sender77@example77.net", .limit = 100 });
	look_up(book, "a recipient",
		&(struct mail_query){
			.verdict = -1, .to = "staff77@city.example.jp", .limit = 100 });
	look_up(book, "all of the recipients' domain",
		&(struct mail_query){ .verdict = -1, .to = "@city.example.jp", .limit = 100 });
	look_up(book, "that domain, before all of it",
		&(struct mail_query){
			.verdict = -1, .to = "@city.example.jp", .until_us = 1, .limit = 100 });
	look_up(book, "a verdict that none has",
		&(struct mail_query){ .verdict = MAIL_ENDED, .limit = 100 });
	mail_book_stop(book);
	struct rusage used;
	getrusage(RUSAGE_CHILDREN, &used);
	double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	printf("the book used %.1f s of processor, %.0f records/s of it; %.1f MB at most\n", cpu,
	       (double)numbers.records / cpu, (double)used.ru_maxrss / 1e3);
	return 0;
}
