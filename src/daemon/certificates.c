#include "daemon/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "daemon/asker.h"
#include "daemon/inspection.h"
#include "daemon/inspection_wire.h"
#include "daemon/reap.h"
#include "daemon/reborn.h"
#include "daemon/signer.h"
#include "policy/box.h"

enum { TICK_USEC = 500 * 1000, DAY = 24 * 3600, TEXT_MAX = 400, STAMPS_MAX = 2 * TLS_KEYS_MAX + 1 };
_Static_assert((int)BOX_CERTIFICATES_MAX == (int)TLS_KEYS_MAX, "each has a key");

struct file_stamp { // a file as it was when it was read
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct signer { // a process, and what it was started with
	struct certificates *owner;
	pid_t pid; // 0: none
	int socket;
	sd_event_source *readable;
	uint64_t asked_ms; // since when it owes an answer; 0: it does not
	size_t n_known;
	char name[TLS_NAME_MAX]; // of the certificate that ends first
	int64_t until;
	int chains; // for inspectors
	struct signer_numbers numbers;
};

struct certificates {
	struct gate *gate;
	sd_event *event;
	sd_event_source *timer;
	struct signer now, next; // in use; being started
	struct file_stamp stamps[STAMPS_MAX];
	uint64_t looked_ms, started_ms;
	unsigned short_lives;
	char why[TEXT_MAX]; // they cannot be used
	uint64_t lacked_ms; // an inspector had none of this name ("": no roots); 0: never
	char lacked[SIGNER_NAME_MAX];
	uint64_t again_ms[SIGNER_ASKERS_MAX]; // when it was given what there is for that
	bool files_bad;			      // because of what is in the files
};

// --- what is told

static void tell(struct certificates *certificates, const char *text)
{
	struct event event;
	event_init(&event, EVENT_CERTIFICATES_CHANGED, journal_now_usec());
	event_text(&event, EVENT_MESSAGE, text);
	journal_write(certificates->gate->journal, &event);
}

static void day_of(int64_t when, char out[16])
{
	const time_t seconds = (time_t)when;
	struct tm tm;
	if (!localtime_r(&seconds, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		out[0] = '\0';
}

static void set_problem(struct certificates *certificates)
{
	const struct signer *now = &certificates->now;
	char text[TEXT_MAX + 100] = "", day[16];
	enum diag_code code = SK_CERTIFICATE_BAD;
	const bool lacks = certificates->lacked_ms &&
			   monotonic_ms() - certificates->lacked_ms < CERTIFICATES_LACK_MS;
	if (certificates->why[0]) {
		snprintf(text, sizeof(text), "%s%s", certificates->why,
			 now->pid ? "; those before stay in use" : "");
	} else if (lacks && !certificates->lacked[0]) {
		snprintf(
			text, sizeof(text),
			"a guard has servers prove their names (tls-verify), and %.200s, the file of "
			"tls-roots, has no certificates that can be read; they get no mail",
			certificates->gate->options->roots);
	} else if (lacks) {
		snprintf(
			text, sizeof(text),
			"a guard names the certificate \"%s\", and none of that name is in use (certificates: of sekisho.yaml); its "
			"mail has no TLS",
			certificates->lacked);
	} else if (now->pid && now->until - time(NULL) < (int64_t)CERTIFICATES_DAYS * DAY) {
		code = SK_CERTIFICATE_OLD;
		day_of(now->until, day);
		snprintf(text, sizeof(text), "the certificate of %s counts until %s", now->name,
			 day);
	}
	gate_show_problem(certificates->gate, GATE_CERTIFICATES, code, text);
}

static void set_why(struct certificates *certificates, const char *text)
{
	bool same = strncmp(certificates->why, text, sizeof(certificates->why) - 1) == 0;
	snprintf(certificates->why, sizeof(certificates->why), "%s", text);
	if (!same && *text)
		tell(certificates, certificates->why);
	set_problem(certificates);
}

// --- files

static void stamp(int fd, struct file_stamp *ret)
{
	struct stat st;
	*ret = (struct file_stamp){ 0 };
	if (fd >= 0 && fstat(fd, &st) == 0)
		*ret = (struct file_stamp){ st.st_dev, st.st_ino, st.st_size, st.st_ctim };
}

static bool same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

// How the files lie now.
static void look_at_files(const struct gate_options *options, struct file_stamp stamps[STAMPS_MAX])
{
	for (size_t i = 0; i < options->n_certificates; i++) {
		const char *const paths[] = { options->certificates[i].chain,
					      options->certificates[i].key };
		for (size_t k = 0; k < 2; k++) {
			int fd = open_file(paths[k]);
			stamp(fd, &stamps[2 * i + k]);
			if (fd >= 0)
				close(fd);
		}
	}
	int fd = options->roots ? open_file(options->roots) : -1;
	stamp(fd, &stamps[STAMPS_MAX - 1]);
	if (fd >= 0)
		close(fd);
}

static bool have_changed(struct certificates *certificates)
{
	struct file_stamp stamps[STAMPS_MAX] = { 0 };
	bool changed = false;
	look_at_files(certificates->gate->options, stamps);
	for (size_t i = 0; i < STAMPS_MAX; i++)
		changed |= !same_stamp(&stamps[i], &certificates->stamps[i]);
	if (changed)
		memcpy(certificates->stamps, stamps, sizeof(stamps));
	return changed;
}

static int open_regular(const char *path, bool secret, char why[TEXT_MAX])
{
	struct stat st;
	int fd = open_file(path);
	const char *wrong = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		wrong = "it is no file";
	else if (secret && (st.st_uid != geteuid() || (st.st_mode & 077)))
		wrong = "others may read it; make it root's, and its mode 0600";
	if (!wrong)
		return fd;
	snprintf(why, TEXT_MAX, "%.200s: %s", path, wrong);
	if (fd >= 0)
		close(fd);
	return -1;
}

// A memory file with the bytes of another from its beginning on, behind what it has.
static ssize_t copy_file(int from, int to, size_t most)
{
	static char bytes[65536];
	size_t n = 0;
	for (;;) {
		ssize_t got = pread(from, bytes, sizeof(bytes), (off_t)n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : (ssize_t)n;
		if (n + (size_t)got > most)
			return -EFBIG;
		int r = file_write_all(to, bytes, (size_t)got);
		if (r < 0)
			return r;
		n += (size_t)got;
	}
}

static int memory_file(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

// What named servers are held to; -1: there is none.
static int copy_roots(const struct gate *gate)
{
	int from = gate->options->roots ? open_file(gate->options->roots) : -1;
	int to = from >= 0 ? memory_file("roots") : -1;
	if (to >= 0 && (copy_file(from, to, CERTIFICATES_ROOTS_MAX) <= 0 || file_seal(to) < 0)) {
		close(to);
		to = -1;
	}
	if (from >= 0)
		close(from);
	return to;
}

// --- a signer

static void end_signer(struct signer *signer)
{
	signer->readable = sd_event_source_disable_unref(signer->readable);
	if (signer->pid > 0) {
		close(signer->socket);
		reap(signer->pid);
	}
	if (signer->chains >= 0)
		close(signer->chains);
	*signer = (struct signer){ .owner = signer->owner, .socket = -1, .chains = -1 };
}

static int order(const struct signer *signer, enum signer_order_word word, uint32_t index,
		 const int *fds, size_t n_fds)
{
	const struct gate_options *options = signer->owner->gate->options;
	const struct signer_order order = { word, index, options->signer_uid, options->signer_gid };
	return inspection_send(signer->socket, &order, sizeof(order), NULL, 0, fds, n_fds);
}

// One certificate's files, to the signer and into what inspectors get.
static int hand_over(struct signer *signer, uint32_t index, struct asker_chains *head,
		     uint32_t *size, char why[TEXT_MAX])
{
	const struct box_certificate *certificate =
		&signer->owner->gate->options->certificates[index];
	int chain = open_regular(certificate->chain, false, why);
	int key = chain >= 0 ? open_regular(certificate->key, true, why) : -1;
	int r = key < 0 ? -EBADMSG : 0;
	if (r == 0) {
		ssize_t n = copy_file(chain, signer->chains, TLS_CHAIN_BYTES_MAX);
		if (n < 0) {
			r = (int)n;
			snprintf(why, TEXT_MAX, "%.200s: %s", certificate->chain, strerror(-r));
		} else {
			snprintf(head->v[index].name, SIGNER_NAME_MAX, "%s", certificate->name);
			head->v[index].at = *size;
			head->v[index].size = (uint32_t)n;
			*size += (uint32_t)n;
			r = order(signer, SIGNER_KEY, index, (const int[]){ key, chain }, 2);
		}
	}
	if (chain >= 0)
		close(chain);
	if (key >= 0)
		close(key);
	return r;
}

static int hand_over_all(struct signer *signer, char why[TEXT_MAX])
{
	struct asker_chains head = { 0 };
	uint32_t size = sizeof(head);
	int r = order(signer, SIGNER_HELLO, 0, NULL, 0);
	signer->chains = memory_file("certificates");
	if (r == 0 && signer->chains < 0)
		r = -errno;
	if (r == 0)
		r = file_write_all(signer->chains, &head, sizeof(head));
	head.n = (uint32_t)signer->owner->gate->options->n_certificates;
	for (uint32_t i = 0; r == 0 && i < head.n; i++)
		r = hand_over(signer, i, &head, &size, why);
	if (r == 0 && pwrite(signer->chains, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		r = -EIO;
	if (r == 0)
		r = file_seal(signer->chains);
	return r < 0 ? r : order(signer, SIGNER_SEAL, 0, NULL, 0);
}

static int on_signer(sd_event_source *source, int fd, uint32_t events, void *arg);

static void start_signer(struct certificates *certificates)
{
	const struct reborn_command command = { .argument = SIGNER_ARGUMENT, .with_gate = true };
	struct signer *signer = &certificates->next;
	char why[TEXT_MAX] = "";
	end_signer(signer);
	certificates->files_bad = false;
	certificates->started_ms = monotonic_ms();
	int r = reborn_start(&command, &signer->pid, &signer->socket);
	if (r == 0)
		r = hand_over_all(signer, why);
	if (r == 0)
		r = sd_event_add_io(certificates->event, &signer->readable, signer->socket, EPOLLIN,
				    on_signer, signer);
	signer->asked_ms = monotonic_ms();
	if (r >= 0)
		return;
	certificates->files_bad = why[0];
	if (!why[0])
		snprintf(why, sizeof(why), "the signer cannot be started: %s", strerror(-r));
	end_signer(signer);
	set_why(certificates, why);
}

static void take_over(struct certificates *certificates)
{
	struct signer *now = &certificates->now, *next = &certificates->next;
	char text[TEXT_MAX], day[16];
	end_signer(now);
	*now = *next;
	*next = (struct signer){ .owner = certificates, .socket = -1, .chains = -1 };
	sd_event_source_set_userdata(now->readable, now);
	day_of(now->until, day);
	snprintf(text, sizeof(text), "%zu in use; the first to end is that of %s, on %s",
		 now->n_known, now->name, day);
	certificates->lacked_ms = 0;
	tell(certificates, text);
	set_why(certificates, "");
	inspection_give_certificates(certificates->gate);
}

static void take_key(struct signer *signer, const struct signer_word *word)
{
	struct certificates *certificates = signer->owner;
	const struct gate_options *options = certificates->gate->options;
	char text[TEXT_MAX];
	if (word->error == 0) {
		if (!signer->n_known++ || word->until < signer->until) {
			signer->until = word->until;
			memcpy(signer->name, word->name, sizeof(signer->name));
		}
		return;
	}
	snprintf(text, sizeof(text), "the certificate \"%.64s\": %s",
		 word->index < options->n_certificates ? options->certificates[word->index].name
						       : "?",
		 word->why);
	end_signer(signer);
	certificates->files_bad = true;
	set_why(certificates, text);
}

static void take_word(struct signer *signer, struct signer_word *word)
{
	struct certificates *certificates = signer->owner;
	signer->asked_ms = 0;
	signer->numbers = word->numbers;
	word->name[sizeof(word->name) - 1] = word->why[sizeof(word->why) - 1] = '\0';
	if (signer == &certificates->next && word->word == SIGNER_KNOWS) {
		take_key(signer, word);
	} else if (signer == &certificates->next && word->word == SIGNER_READY) {
		if (word->error == 0) {
			take_over(certificates);
			return;
		}
		end_signer(signer);
		set_why(certificates, word->why);
	}
}

static void lost(struct signer *signer, const char *why)
{
	struct certificates *certificates = signer->owner;
	const bool in_use = signer == &certificates->now;
	certificates->short_lives += certificates->short_lives < 6;
	if (monotonic_ms() - certificates->started_ms > 60 * 1000)
		certificates->short_lives = 0;
	end_signer(signer);
	tell(certificates, why);
	if (!in_use)
		set_why(certificates, why);
}

static int on_signer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct signer *signer = arg;
	int fds[INSPECTION_FDS_MAX], n;
	struct signer_word word;
	size_t n_fds;
	(void)source;
	(void)fd;
	(void)events;
	// One at a time: with it this one may be gone, or another.
	n = inspection_receive(signer->socket, &word, sizeof(word), fds, &n_fds);
	for (size_t i = 0; n > 0 && i < n_fds; i++)
		close(fds[i]);
	if (n == (int)sizeof(word))
		take_word(signer, &word);
	else if (n != -EAGAIN)
		lost(signer, "the signer ended");
	return 0;
}

// --- looking after it

// What it said while this process was busy is heard next.
static bool has_spoken(const struct signer *signer)
{
	struct pollfd fd = { .fd = signer->socket, .events = POLLIN };
	return poll(&fd, 1, 0) > 0;
}

static void look_at(struct signer *signer, uint64_t now)
{
	const bool in_use = signer == &signer->owner->now;
	const uint64_t patience = in_use ? CERTIFICATES_SILENT_MS : CERTIFICATES_START_MS;
	if (!signer->pid || has_spoken(signer))
		return;
	if (signer->asked_ms && now - signer->asked_ms > patience) {
		lost(signer, "the signer was silent");
	} else if (in_use && !signer->asked_ms) {
		order(signer, SIGNER_PING, 0, NULL, 0);
		signer->asked_ms = now;
	}
}

static int on_tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct certificates *certificates = arg;
	const uint64_t now = monotonic_ms();
	(void)usec;
	look_at(&certificates->now, now);
	look_at(&certificates->next, now);
	bool due = now - certificates->looked_ms >= CERTIFICATES_LOOK_SECONDS * 1000;
	bool changed = due && have_changed(certificates);
	if (due) {
		certificates->looked_ms = now;
		set_problem(certificates);
	}
	// One that is gone comes back at once, after a row of short lives later; files that were no
	// good are read again when they are others.
	const uint64_t pause = certificates->short_lives ? 100ULL << certificates->short_lives : 0;
	const bool gone = !certificates->now.pid && !certificates->next.pid &&
			  !certificates->files_bad && now - certificates->started_ms >= pause;
	if (certificates->gate->options->n_certificates && (changed || gone))
		start_signer(certificates);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void certificates_give(struct gate *gate, unsigned index, int socket)
{
	const struct certificates *certificates = gate->certificates;
	struct inspect_order to_inspector = { .word = INSPECT_CERTIFICATES };
	int pair[2] = { -1, -1 }, fds[INSPECTION_FDS_MAX];
	size_t n = 0;
	if (!certificates)
		return;
	const struct signer *now = &certificates->now;
	if (now->pid && index < SIGNER_ASKERS_MAX &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 &&
	    order(now, SIGNER_ASKER, index, &pair[0], 1) == 0) {
		to_inspector.n = INSPECT_HAS_SIGNER | INSPECT_HAS_CHAINS;
		fds[n++] = pair[1];
		fds[n++] = now->chains;
	}
	int roots = copy_roots(gate);
	if (roots >= 0) {
		to_inspector.n |= INSPECT_HAS_ROOTS;
		fds[n++] = roots;
	}
	inspection_send(socket, &to_inspector, sizeof(to_inspector), NULL, 0, fds, n);
	for (size_t i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	if (roots >= 0)
		close(roots);
}

static bool has_certificate(const struct certificates *certificates, const char *name)
{
	const struct gate_options *options = certificates->gate->options;
	bool has = false;
	for (size_t i = 0; certificates->now.pid && i < options->n_certificates; i++)
		has |= strcmp(options->certificates[i].name, name) == 0;
	return has;
}

void certificates_lack(struct gate *gate, unsigned index, int socket, const char *name)
{
	struct certificates *certificates = gate->certificates;
	const uint64_t now_ms = monotonic_ms();
	if (!certificates || index >= SIGNER_ASKERS_MAX ||
	    (certificates->again_ms[index] &&
	     now_ms - certificates->again_ms[index] < CERTIFICATES_AGAIN_MS))
		return;
	certificates->again_ms[index] = now_ms;
	if (certificates->now.pid)
		certificates_give(gate, index, socket);
	if (has_certificate(certificates, name))
		return;
	certificates->lacked_ms = now_ms;
	snprintf(certificates->lacked, sizeof(certificates->lacked), "%.*s", SIGNER_NAME_MAX - 1,
		 name);
	for (char *at = certificates->lacked; *at; at++) // it reads what strangers send
		if (*at <= ' ' || *at > '~' || *at == '"')
			*at = '?';
	set_problem(certificates);
}

// --- the whole

int certificates_open(struct gate *gate, sd_event *event)
{
	struct certificates *certificates = calloc(1, sizeof(*certificates));
	if (!certificates)
		return -ENOMEM;
	certificates->gate = gate;
	certificates->event = event;
	certificates->now = certificates->next =
		(struct signer){ .owner = certificates, .socket = -1, .chains = -1 };
	gate->certificates = certificates;
	int r = sd_event_add_time_relative(event, &certificates->timer, CLOCK_MONOTONIC, 0, 0,
					   on_tick, certificates);
	if (r < 0) {
		certificates_close(gate);
		return r;
	}
	have_changed(certificates);
	certificates->looked_ms = monotonic_ms();
	if (gate->options->n_certificates)
		start_signer(certificates);
	return 0;
}

void certificates_close(struct gate *gate)
{
	struct certificates *certificates = gate->certificates;
	if (!certificates)
		return;
	sd_event_source_disable_unref(certificates->timer);
	end_signer(&certificates->now);
	end_signer(&certificates->next);
	free(certificates);
	gate->certificates = NULL;
}

void certificates_put_status(const struct gate *gate, struct control_writer *reply)
{
	const struct certificates *certificates = gate->certificates;
	const struct signer *now = certificates ? &certificates->now : NULL;
	char day[16];
	if (!certificates || !gate->options->n_certificates)
		return;
	day_of(now->until, day);
	control_put_u64(reply, CTL_CERTIFICATES, now->pid ? now->n_known : 0);
	if (!now->pid)
		return;
	control_put_text(reply, CTL_CERTIFICATE_FIRST, now->name);
	control_put_text(reply, CTL_CERTIFICATE_UNTIL, day);
	control_put_u64(reply, CTL_SIGNATURES, now->numbers.signatures);
	control_put_u64(reply, CTL_SIGNATURES_REFUSED, now->numbers.refused + now->numbers.busy);
}
