// Rows in three chains each: by serial, by source, by ends.
#include "daemon/porter_book.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/porter_wire.h"

enum { PLACES = 16384, NOBODY = -1 };
_Static_assert((PLACES & (PLACES - 1)) == 0, "a mask");

enum chain { BY_SERIAL, BY_SOURCE, BY_ENDS, CHAINS };

struct row {
	struct porter_session session; // serial 0: free
	int32_t next[CHAINS];
};

struct porter_book {
	uint64_t secret;
	uint32_t n;
	int32_t free; // by next[BY_SERIAL]
	int32_t first[CHAINS][PLACES];
	struct row rows[PORTER_SESSIONS_MAX];
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static struct addr source_of(const struct addr *client)
{
	struct addr source = *client;
	if (source.family == ADDR_V6)
		source.bits &= ~(addr_bits)0 << 64;
	return source;
}

static uint64_t mix_addr(uint64_t hash, const struct addr *addr)
{
	return mix(mix(hash, (uint64_t)(addr->bits >> 64)), (uint64_t)addr->bits);
}

static uint64_t hash_source(const struct porter_book *book, const struct addr *client)
{
	struct addr source = source_of(client);
	return mix(mix_addr(book->secret, &source), 1);
}

static uint64_t hash_ends(const struct porter_book *book, const struct porter_session *session)
{
	uint64_t hash = mix_addr(mix_addr(book->secret, &session->client), &session->server);
	return mix(mix(hash, (uint64_t)session->client_port << 16 | session->server_port), 2);
}

static int32_t *place(struct porter_book *book, enum chain chain,
		      const struct porter_session *session)
{
	const uint64_t hash = chain == BY_SERIAL   ? mix(book->secret, session->serial)
			      : chain == BY_SOURCE ? hash_source(book, &session->client)
						   : hash_ends(book, session);
	return &book->first[chain][hash & (PLACES - 1)];
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->bits == b->bits;
}

int porter_book_new(uint64_t secret, struct porter_book **ret_book)
{
	struct porter_book *book = calloc(1, sizeof(*book));
	if (!book)
		return -ENOMEM;
	book->secret = secret;
	for (unsigned chain = 0; chain < CHAINS; chain++)
		for (unsigned i = 0; i < PLACES; i++)
			book->first[chain][i] = NOBODY;
	book->free = NOBODY;
	for (int32_t i = PORTER_SESSIONS_MAX; i-- > 0;) {
		book->rows[i].next[BY_SERIAL] = book->free;
		book->free = i;
	}
	*ret_book = book;
	return 0;
}

void porter_book_free(struct porter_book *book)
{
	free(book);
}

uint32_t porter_book_count(const struct porter_book *book)
{
	return book->n;
}

uint32_t porter_book_of_source(const struct porter_book *book, const struct addr *client)
{
	const struct addr source = source_of(client);
	uint32_t n = 0;
	int32_t i = book->first[BY_SOURCE][hash_source(book, client) & (PLACES - 1)];
	for (; i != NOBODY; i = book->rows[i].next[BY_SOURCE]) {
		const struct addr other = source_of(&book->rows[i].session.client);
		n += same_addr(&other, &source);
	}
	return n;
}

bool porter_book_has(const struct porter_book *book, const struct addr *client,
		     uint16_t client_port, const struct addr *server, uint16_t server_port)
{
	const struct porter_session wanted = { .client = *client,
					       .server = *server,
					       .client_port = client_port,
					       .server_port = server_port };
	int32_t i = book->first[BY_ENDS][hash_ends(book, &wanted) & (PLACES - 1)];
	for (; i != NOBODY; i = book->rows[i].next[BY_ENDS]) {
		const struct porter_session *session = &book->rows[i].session;
		if (session->client_port == client_port && session->server_port == server_port &&
		    same_addr(&session->client, client) && same_addr(&session->server, server))
			return true;
	}
	return false;
}

int porter_book_add(struct porter_book *book, const struct porter_session *session)
{
	const int32_t i = book->free;
	if (i == NOBODY)
		return -ENOSPC;
	book->free = book->rows[i].next[BY_SERIAL];
	book->rows[i].session = *session;
	for (enum chain chain = 0; chain < CHAINS; chain++) {
		int32_t *first = place(book, chain, session);
		book->rows[i].next[chain] = *first;
		*first = i;
	}
	book->n++;
	return 0;
}

static void take_out(struct porter_book *book, int32_t i)
{
	struct row *row = &book->rows[i];
	for (enum chain chain = 0; chain < CHAINS; chain++) {
		int32_t *at = place(book, chain, &row->session);
		while (*at != i)
			at = &book->rows[*at].next[chain];
		*at = row->next[chain];
	}
	row->session.serial = 0;
	row->next[BY_SERIAL] = book->free;
	book->free = i;
	book->n--;
}

bool porter_book_remove(struct porter_book *book, uint64_t serial, uint32_t inspector)
{
	const struct porter_session wanted = { .serial = serial };
	int32_t i = *place(book, BY_SERIAL, &wanted);
	while (i != NOBODY && book->rows[i].session.serial != serial)
		i = book->rows[i].next[BY_SERIAL];
	if (i == NOBODY || !serial || book->rows[i].session.inspector != inspector)
		return false;
	take_out(book, i);
	return true;
}

void porter_book_forget(struct porter_book *book, uint32_t inspector)
{
	for (int32_t i = 0; i < PORTER_SESSIONS_MAX; i++)
		if (book->rows[i].session.serial && book->rows[i].session.inspector == inspector)
			take_out(book, i);
}

uint32_t porter_book_choose(const struct porter_book *book, const struct addr *client, uint32_t n)
{
	return (uint32_t)((hash_source(book, client) >> 33) % n);
}
