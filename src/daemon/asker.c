#include "daemon/asker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { VERSIONS = 2 }; // at least 1.2, at least 1.3

struct certificate {
	char name[SIGNER_NAME_MAX];
	struct tls_context *contexts[VERSIONS];
};

struct asker {
	struct tls_signer signer;
	int fd; // -1: nobody signs
	uint64_t serial;
	struct certificate certificates[TLS_KEYS_MAX];
	size_t n;
	struct tls_context *clients[VERSIONS];
	struct tls_context *verifying[VERSIONS]; // made when the first is asked for
	const char *roots;
	size_t n_roots;
};

static enum tls_version version_of(int i)
{
	return i ? TLS_1_3 : TLS_1_2;
}

// --- asking

static void hang_up(struct asker *asker)
{
	if (asker->fd >= 0)
		close(asker->fd);
	asker->fd = -1;
}

// An answer to an older question is passed over.
static int await(struct asker *asker, struct signer_answer *ret)
{
	const uint64_t until = monotonic_ms() + SIGNER_WAIT_MS;
	for (uint64_t now = monotonic_ms(); now < until; now = monotonic_ms()) {
		struct pollfd fd = { .fd = asker->fd, .events = POLLIN };
		if (poll(&fd, 1, (int)(until - now)) < 0 && errno != EINTR)
			return -errno;
		ssize_t n = recv(asker->fd, ret, sizeof(*ret), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n != (ssize_t)sizeof(*ret))
			return -EPIPE;
		if (ret->serial == asker->serial)
			return ret->n <= TLS_SIGNATURE_MAX ? 0 : -EBADMSG;
	}
	return -ETIMEDOUT;
}

static int sign(void *arg, const struct tls_sign_request *request,
		uint8_t signature[TLS_SIGNATURE_MAX], size_t *ret_n)
{
	struct asker *asker = arg;
	const struct signer_question question = { ++asker->serial, *request };
	struct signer_answer answer;
	int r = asker->fd < 0 ? -ENOTCONN : 0;
	if (r == 0 && send(asker->fd, &question, sizeof(question), MSG_DONTWAIT | MSG_NOSIGNAL) !=
			      (ssize_t)sizeof(question))
		r = -EPIPE;
	if (r == 0)
		r = await(asker, &answer);
	if (r < 0) {
		hang_up(asker);
		return r;
	}
	if (answer.error < 0)
		return answer.error;
	memcpy(signature, answer.signature, answer.n);
	*ret_n = answer.n;
	return 0;
}

// --- certificates

int asker_new(struct asker **ret_asker)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	char why[TLS_FAULT_MAX];
	int r = asker ? tls_load() : -ENOMEM;
	if (asker) {
		asker->signer = (struct tls_signer){ sign, asker };
		asker->fd = -1;
	}
	for (int i = 0; r == 0 && i < VERSIONS; i++)
		r = tls_client_new(NULL, 0, version_of(i), &asker->clients[i], why);
	if (r < 0) {
		asker_free(asker);
		return r;
	}
	*ret_asker = asker;
	return 0;
}

static void forget(struct asker *asker)
{
	hang_up(asker);
	for (size_t i = 0; i < asker->n; i++)
		for (int k = 0; k < VERSIONS; k++)
			tls_context_free(asker->certificates[i].contexts[k]);
	asker->n = 0;
	for (int i = 0; i < VERSIONS; i++) {
		tls_context_free(asker->verifying[i]);
		asker->verifying[i] = NULL;
	}
	if (asker->roots)
		munmap((void *)(uintptr_t)asker->roots, asker->n_roots);
	asker->roots = NULL;
}

void asker_free(struct asker *asker)
{
	if (!asker)
		return;
	forget(asker);
	for (int i = 0; i < VERSIONS; i++)
		tls_context_free(asker->clients[i]);
	free(asker);
}

static void add(struct asker *asker, uint32_t key, const char *name, const char *pem, size_t n)
{
	struct certificate *certificate = &asker->certificates[asker->n];
	char why[TLS_FAULT_MAX];
	struct tls_chain *chain;
	*certificate = (struct certificate){ 0 };
	if (tls_chain_read(pem, n, &chain, why) < 0)
		return;
	memcpy(certificate->name, name, SIGNER_NAME_MAX);
	certificate->name[SIGNER_NAME_MAX - 1] = '\0';
	int r = 0;
	for (int i = 0; r == 0 && i < VERSIONS; i++)
		r = tls_server_new(chain, &asker->signer, key, version_of(i),
				   &certificate->contexts[i], why);
	tls_chain_free(chain);
	if (r == 0)
		asker->n++;
	else
		tls_context_free(certificate->contexts[0]);
}

static void add_all(struct asker *asker, const char *bytes, size_t size)
{
	struct asker_chains head;
	if (size < sizeof(head))
		return;
	memcpy(&head, bytes, sizeof(head));
	for (uint32_t i = 0; i < head.n && i < TLS_KEYS_MAX; i++)
		if (head.v[i].at <= size && head.v[i].size <= size - head.v[i].at)
			add(asker, i, head.v[i].name, bytes + head.v[i].at, head.v[i].size);
}

static const char *map(int fd, size_t *ret_size)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return NULL;
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	*ret_size = (size_t)st.st_size;
	return bytes == MAP_FAILED ? NULL : bytes;
}

void asker_give(struct asker *asker, int signer, int chains, int roots)
{
	size_t n;
	forget(asker);
	asker->fd = signer;
	const char *bytes = map(chains, &n);
	if (bytes) {
		add_all(asker, bytes, n);
		munmap((void *)(uintptr_t)bytes, n);
	}
	asker->roots = map(roots, &asker->n_roots);
	if (chains >= 0)
		close(chains);
	if (roots >= 0)
		close(roots);
}

const struct tls_context *asker_server(struct asker *asker, const char *name,
				       enum tls_version least)
{
	for (size_t i = 0; asker->fd >= 0 && i < asker->n; i++)
		if (strcmp(asker->certificates[i].name, name) == 0)
			return asker->certificates[i].contexts[least == TLS_1_3];
	return NULL;
}

const struct tls_context *asker_client(struct asker *asker, bool named, enum tls_version least)
{
	struct tls_context **verifying = &asker->verifying[least == TLS_1_3];
	char why[TLS_FAULT_MAX];
	if (!named)
		return asker->clients[least == TLS_1_3];
	if (!*verifying && asker->roots &&
	    tls_client_new(asker->roots, asker->n_roots, least, verifying, why) < 0)
		*verifying = NULL;
	return *verifying;
}
