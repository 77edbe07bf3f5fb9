// The signer: its desk as a table, and the process itself, with a key that this one never sees.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/asker.h"
#include "daemon/inspection_wire.h"
#include "daemon/reap.h"
#include "daemon/reborn.h"
#include "daemon/signer.h"
#include "daemon/signer_desk.h"
#include "unit/tls_make.h"

// --- the desk

static struct signer_question question_of(uint32_t key, uint16_t scheme)
{
	struct signer_question question = { .serial = 7,
					    .request = { .key = key, .scheme = scheme, .n = 100 } };
	memset(question.request.words, 0xaa, 100);
	memcpy(question.request.words + 64, "\x03\x00\x1d\x20", 4);
	return question;
}

static int desk_set_up(void **state)
{
	static struct signer_desk desk;
	char why[TLS_FAULT_MAX];
	struct made made;
	assert_int_equal(tls_load(), 0);
	make(MADE_P256, NULL, "mail.example.jp", &made);
	assert_int_equal(tls_key_read(made.key, made.n_key, &desk.keys[1], why), 0);
	unmake(&made);
	*state = &desk;
	return 0;
}

static int desk_tear_down(void **state)
{
	struct signer_desk *desk = *state;
	tls_key_free(desk->keys[1]);
	return 0;
}

static void a_question_has_an_answer(void **state)
{
	struct signer_desk *desk = *state;
	static const struct {
		uint32_t key;
		uint16_t scheme;
		uint8_t first; // byte of the share's head
		int error;
	} rows[] = {
		{ 1, TLS_ECDSA_SHA256, 3, 0 },
		{ 1, TLS_ECDSA_SHA384, 3, 0 },
		{ 0, TLS_ECDSA_SHA256, 3, -EBADMSG },
		{ 2, TLS_ECDSA_SHA256, 3, -EBADMSG },
		{ 8, TLS_ECDSA_SHA256, 3, -EBADMSG },
		{ UINT32_MAX, TLS_ECDSA_SHA256, 3, -EBADMSG },
		{ 1, TLS_RSA_PSS_SHA256, 3, -EBADMSG },
		{ 1, 0x0203, 3, -EBADMSG },
		{ 1, TLS_ECDSA_SHA256, 1, -EBADMSG },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signer_question question = question_of(rows[i].key, rows[i].scheme);
		struct signer_answer answer;
		question.request.words[64] = rows[i].first;
		assert_true(
			signer_desk_answer(desk, 0, &question, sizeof(question), 1 + i, &answer));
		assert_int_equal(answer.serial, 7);
		assert_int_equal(answer.error, rows[i].error);
		assert_int_equal(answer.n > 0, rows[i].error == 0);
	}
	assert_int_equal(desk->numbers.signatures, 2);
	assert_int_equal(desk->numbers.refused, 7);
}

static void what_is_no_question_ends_the_asker(void **state)
{
	struct signer_desk *desk = *state;
	struct signer_answer answer;
	uint8_t bytes[sizeof(struct signer_question) + 8] = { 0 };
	for (size_t n = 0; n <= sizeof(bytes); n++)
		assert_int_equal(signer_desk_answer(desk, 0, bytes, n, 1, &answer),
				 n == sizeof(struct signer_question));
	assert_false(signer_desk_answer(desk, SIGNER_ASKERS_MAX, bytes,
					sizeof(struct signer_question), 1, &answer));
}

// Asks until it is refused; how often that went well.  Each answer takes so long.
static unsigned ask(struct signer_desk *desk, unsigned asker, uint64_t now, uint64_t took_us)
{
	const struct signer_question question = question_of(0, TLS_ECDSA_SHA256);
	struct signer_answer answer;
	unsigned had = 0;
	for (unsigned i = 0; i < 5000; i++) {
		assert_true(
			signer_desk_answer(desk, asker, &question, sizeof(question), now, &answer));
		if (answer.error == -EAGAIN)
			break;
		signer_desk_spent(desk, asker, took_us);
		had++;
	}
	return had;
}

// One asker has an eighth of the time; another is not touched by it.
static void one_asker_has_so_much(void **state)
{
	struct signer_desk *desk = *state;
	uint64_t now = 10 * 1000000;
	assert_int_equal(ask(desk, 2, now, 100), SIGNER_SAVED_US / 100);
	assert_int_equal(ask(desk, 3, now, 5000), SIGNER_SAVED_US / 5000);
	now += 80 * 1000; // brings 10 ms
	assert_int_equal(ask(desk, 2, now, 100), 100);
	assert_int_equal(ask(desk, 2, now, 100), 0);
	now += 3600 * (uint64_t)1000000;
	assert_int_equal(ask(desk, 2, now, 100), SIGNER_SAVED_US / 100);
	// A clock that is wrong, or an answer that took a minute, is not held against him for long.
	now += 1000000;
	assert_int_equal(ask(desk, 2, now, 60 * 1000000), 1);
	now += 1100000;
	assert_true(ask(desk, 2, now, 100) > 0);
}

// --- the process

struct bed {
	char folder[64], key[96], chain[96];
	pid_t pid;
	int socket;
	struct asker *asker;
};

static void run(const char *format, const char *a, const char *b)
{
	char command[512];
	snprintf(command, sizeof(command), format, a, b);
	assert_int_equal(system(command), 0);
}

static void tell(const struct bed *bed, uint32_t word, uint32_t index, const int *fds, size_t n)
{
	const struct signer_order order = { word, index, 65534, 65534 };
	assert_int_equal(inspection_send(bed->socket, &order, sizeof(order), NULL, 0, fds, n), 0);
}

static struct signer_word hear(const struct bed *bed)
{
	struct signer_word word = { 0 };
	struct pollfd fd = { .fd = bed->socket, .events = POLLIN };
	int fds[INSPECTION_FDS_MAX];
	size_t n;
	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_int_equal(inspection_receive(bed->socket, &word, sizeof(word), fds, &n),
			 sizeof(word));
	return word;
}

static void start(struct bed *bed, const char *algorithm)
{
	const struct reborn_command command = { .argument = SIGNER_ARGUMENT, .with_gate = true };
	strcpy(bed->folder, "/tmp/signer.XXXXXX");
	assert_non_null(mkdtemp(bed->folder));
	snprintf(bed->key, sizeof(bed->key), "%s/key", bed->folder);
	snprintf(bed->chain, sizeof(bed->chain), "%s/chain", bed->folder);
	run("openssl genpkey %s -out %s/key 2>/dev/null", algorithm, bed->folder);
	run("openssl req -x509 -key %s/key -subj /CN=mail.example.jp -days 30 -out %s/chain",
	    bed->folder, bed->folder);
	assert_int_equal(reborn_start(&command, &bed->pid, &bed->socket), 0);
	tell(bed, SIGNER_HELLO, 0, NULL, 0);
}

static struct signer_word give_key(struct bed *bed, uint32_t index, const char *key,
				   const char *chain)
{
	const int fds[] = { open(key, O_RDONLY), open(chain, O_RDONLY) };
	tell(bed, SIGNER_KEY, index, fds, 2);
	close(fds[0]);
	close(fds[1]);
	return hear(bed);
}

static void give_asker(struct bed *bed)
{
	struct asker_chains head = { .n = 1, .v = { { .name = "mail", .at = sizeof(head) } } };
	char bytes[16384];
	int pair[2], chains = memfd_create("chains", MFD_CLOEXEC), fd = open(bed->chain, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));
	close(fd);
	head.v[0].size = (uint32_t)n;
	assert_int_equal(write(chains, &head, sizeof(head)), sizeof(head));
	assert_int_equal(write(chains, bytes, (size_t)n), n);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	tell(bed, SIGNER_ASKER, 0, &pair[0], 1);
	close(pair[0]);
	if (!bed->asker)
		assert_int_equal(asker_new(&bed->asker), 0);
	asker_give(bed->asker, pair[1], chains, -1);
}

static void seal(struct bed *bed)
{
	tell(bed, SIGNER_SEAL, 0, NULL, 0);
	struct signer_word word = hear(bed);
	assert_int_equal(word.word, SIGNER_READY);
	assert_int_equal(word.error, 0);
}

static void stop(struct bed *bed)
{
	asker_free(bed->asker);
	close(bed->socket);
	reap(bed->pid);
	run("rm -r %s%s", bed->folder, "");
}

static bool handshake(struct bed *bed)
{
	const struct tls_context *server = asker_server(bed->asker, "mail", TLS_1_2);
	struct tls_end *ends[2];
	uint8_t none[1];
	if (!server)
		return false;
	assert_int_equal(tls_end_new(asker_client(bed->asker, false, TLS_1_2), NULL, 0, &ends[0]),
			 0);
	assert_int_equal(tls_end_new(server, NULL, 0, &ends[1]), 0);
	for (int i = 0; i < 6; i++) {
		size_t n;
		const uint8_t *out = tls_end_out(ends[i & 1], &n);
		const size_t all = n;
		tls_end_read(ends[!(i & 1)], &out, &n, none, 1);
		tls_end_sent(ends[i & 1], all);
	}
	bool open = tls_end_state(ends[0]) == TLS_OPEN && tls_end_state(ends[1]) == TLS_OPEN;
	tls_end_free(ends[0]);
	tls_end_free(ends[1]);
	return open;
}

enum { REGION_MAX = 1 << 30 }; // what is larger is the sanitizers' own, and nearly all of it empty

// How often the bytes are found in what that process may write to.
static unsigned find(pid_t pid, const uint8_t *what, size_t n)
{
	static uint8_t bytes[1 << 20];
	char path[64], line[256];
	unsigned found = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int mem = open(path, O_RDONLY);
	unsigned long from, to;
	char rights[8];
	while (maps && mem >= 0 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[1] != 'w' ||
		    to - from > REGION_MAX)
			continue;
		for (unsigned long at = from; at < to; at += sizeof(bytes) - n) {
			size_t want = to - at < sizeof(bytes) ? to - at : sizeof(bytes);
			ssize_t got = pread(mem, bytes, want, (off_t)at);
			for (const uint8_t *hit = bytes;
			     got > 0 && (hit = memmem(hit, (size_t)(bytes + got - hit), what, n));
			     hit++)
				found++;
		}
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	return found;
}

// Another process reads the key and looks for it in both: 0 when the signer has it and this one
// does not.
static int look_for_key(const struct bed *bed, const char *number)
{
	const pid_t here = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		FILE *file = fopen(bed->key, "r");
		EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		BIGNUM *secret = NULL;
		uint8_t big[512], little[512];
		EVP_PKEY_get_bn_param(pkey, number, &secret);
		const int n = BN_num_bytes(secret);
		BN_bn2bin(secret, big);
		BN_bn2lebinpad(secret, little, n);
		const unsigned in_signer =
			find(bed->pid, little, (size_t)n) + find(bed->pid, big, (size_t)n);
		const unsigned here_found =
			find(here, little, (size_t)n) + find(here, big, (size_t)n);
		_exit(here_found ? 2 : in_signer ? 0 : 1);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_key_stays_with_the_signer(void **state)
{
	static const struct {
		const char *algorithm, *number;
	} rows[] = {
		{ "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", OSSL_PKEY_PARAM_PRIV_KEY },
		{ "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", OSSL_PKEY_PARAM_RSA_FACTOR1 },
	};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bed bed = { 0 };
		start(&bed, rows[i].algorithm);
		struct signer_word word = give_key(&bed, 0, bed.key, bed.chain);
		assert_int_equal(word.word, SIGNER_KNOWS);
		assert_string_equal(word.why, "");
		assert_int_equal(word.error, 0);
		assert_string_equal(word.name, "mail.example.jp");
		seal(&bed);
		give_asker(&bed);
		assert_true(handshake(&bed));
		assert_int_equal(look_for_key(&bed, rows[i].number), 0);
		tell(&bed, SIGNER_PING, 0, NULL, 0);
		word = hear(&bed);
		assert_int_equal(word.word, SIGNER_PONG);
		assert_int_equal(word.numbers.signatures, 1);
		// Others are not taken any more.
		tell(&bed, SIGNER_KEY, 1, NULL, 0);
		tell(&bed, SIGNER_PING, 0, NULL, 0);
		assert_int_equal(hear(&bed).word, SIGNER_PONG);
		stop(&bed);
	}
}

static void files_that_do_not_fit_are_told(void **state)
{
	struct bed bed = { 0 }, other = { 0 };
	(void)state;
	start(&bed, "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
	start(&other, "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
	struct signer_word word = give_key(&bed, 0, other.key, bed.chain);
	assert_int_equal(word.error, -EBADMSG);
	assert_string_equal(word.why, "key: it is not the certificate's");
	word = give_key(&bed, 0, bed.chain, bed.chain);
	assert_int_equal(word.error, -EBADMSG);
	assert_memory_equal(word.why, "key: ", 5);
	word = give_key(&bed, 0, bed.key, bed.key);
	assert_int_equal(word.error, -EBADMSG);
	assert_memory_equal(word.why, "certificate: ", 13);
	assert_int_equal(give_key(&bed, 0, bed.key, bed.chain).error, 0);
	stop(&other);
	stop(&bed);
}

static void without_the_signer_nothing_is_signed(void **state)
{
	struct bed bed = { 0 };
	(void)state;
	start(&bed, "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
	give_key(&bed, 0, bed.key, bed.chain);
	seal(&bed);
	give_asker(&bed);
	assert_true(handshake(&bed));
	// One that is silent is waited for once.
	assert_int_equal(kill(bed.pid, SIGSTOP), 0);
	uint64_t before = monotonic_ms();
	assert_false(handshake(&bed));
	uint64_t waited = monotonic_ms() - before;
	assert_true(waited >= SIGNER_WAIT_MS);
	assert_null(asker_server(bed.asker, "mail", TLS_1_2));
	assert_int_equal(kill(bed.pid, SIGCONT), 0);
	give_asker(&bed);
	assert_true(handshake(&bed));
	assert_null(asker_server(bed.asker, "other", TLS_1_2));
	// Nonsense ends the asker, not the signer.
	int pair[2];
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	tell(&bed, SIGNER_ASKER, 1, &pair[0], 1);
	close(pair[0]);
	assert_int_equal(send(pair[1], "nonsense", 8, 0), 8);
	struct pollfd fd = { .fd = pair[1], .events = POLLIN };
	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_int_equal(recv(pair[1], &(char){ 0 }, 1, 0), 0);
	close(pair[1]);
	assert_true(handshake(&bed));
	assert_int_equal(kill(bed.pid, SIGKILL), 0);
	waitpid(bed.pid, NULL, 0);
	assert_false(handshake(&bed));
	asker_free(bed.asker);
	close(bed.socket);
	run("rm -r %s%s", bed.folder, "");
}

// What a signature costs by the socket beside one made here: told, not judged.
static void what_a_signature_costs(void **state)
{
	static const struct {
		const char *name, *algorithm;
		uint16_t scheme;
	} rows[] = {
		{ "P-256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", TLS_ECDSA_SHA256 },
		{ "RSA 2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", TLS_RSA_PSS_SHA256 },
	};
	enum { N = 20 };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bed bed = { 0 };
		struct signer_question question = question_of(0, rows[i].scheme);
		struct signer_answer answer;
		struct tls_key *key;
		char pem[8192], why[TLS_FAULT_MAX];
		uint64_t took[2];
		int pair[2];
		start(&bed, rows[i].algorithm);
		give_key(&bed, 0, bed.key, bed.chain);
		seal(&bed);
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
		tell(&bed, SIGNER_ASKER, 1, &pair[0], 1);
		close(pair[0]);
		int fd = open(bed.key, O_RDONLY);
		ssize_t n = read(fd, pem, sizeof(pem));
		close(fd);
		assert_int_equal(tls_key_read(pem, (size_t)n, &key, why), 0);
		for (int far = 0; far < 2; far++) {
			uint64_t before = monotonic_us();
			for (int k = 0; k < N; k++) {
				size_t size;
				if (!far) {
					assert_int_equal(tls_key_sign(key, &question.request,
								      answer.signature, &size),
							 0);
					continue;
				}
				assert_int_equal(send(pair[1], &question, sizeof(question), 0),
						 sizeof(question));
				assert_int_equal(recv(pair[1], &answer, sizeof(answer), 0),
						 sizeof(answer));
				assert_int_equal(answer.error, 0);
			}
			took[far] = (monotonic_us() - before) / N;
		}
		print_message("%s: %llu us here, %llu us by the signer\n", rows[i].name,
			      (unsigned long long)took[0], (unsigned long long)took[1]);
		tls_key_free(key);
		close(pair[1]);
		stop(&bed);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest desk[] = {
		cmocka_unit_test(a_question_has_an_answer),
		cmocka_unit_test(what_is_no_question_ends_the_asker),
		cmocka_unit_test(one_asker_has_so_much),
	};
	const struct CMUnitTest process[] = {
		cmocka_unit_test(the_key_stays_with_the_signer),
		cmocka_unit_test(files_that_do_not_fit_are_told),
		cmocka_unit_test(without_the_signer_nothing_is_signed),
		cmocka_unit_test(what_a_signature_costs),
	};
	if (argc == 2 && strcmp(argv[1], SIGNER_ARGUMENT) == 0)
		return signer_main();
	int failed = cmocka_run_group_tests(desk, desk_set_up, desk_tear_down);
	return failed + cmocka_run_group_tests(process, NULL, NULL);
}
