// One end of TLS as bytes in, bytes out: it has no socket, no file, no clock.  What came by the
// wire goes in, plaintext comes out; plaintext goes in, what is for the wire comes out.
//
// What is agreed to, by the name "default": TLS 1.2 and 1.3; ephemeral exchange on X25519, P-256 or
// P-384; AES-GCM and ChaCha20-Poly1305.  That is what the guide of CRYPTREC and IPA calls
// recommended, without its suites in CBC mode (whose padding has been an oracle again and again),
// without finite fields (whose groups a server chooses freely), and without Camellia, which OpenSSL
// has in no suite that would remain.  No renegotiation, no compression, no early data, and no
// resumption: a session that nobody resumes leaves no key behind.
//
// A client that names protocols (RFC 7301) has to name SMTP.
//
// The other side is a stranger.  Bounds: TLS_SHAKE_BYTES_MAX until it is agreed; TLS_LATER_MAX
// messages of the handshake's kind afterwards; TLS_OUT_MAX waiting for the wire.
#ifndef SEKISHO_TLS_END_H
#define SEKISHO_TLS_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/chain.h"
#include "tls/sign.h"

enum {
	TLS_SHAKE_BYTES_MAX = 96 * 1024,
	TLS_LATER_MAX = 32,
	TLS_OUT_SOFT = 32 * 1024, // beyond, no more plaintext is taken
	TLS_OUT_MAX = 160 * 1024, // beyond, the end has failed
	TLS_RECORD_MAX = 16 * 1024,
	TLS_HOST_MAX = 254,
};

enum tls_version { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

// --- what many ends share

struct tls_context;

// The server's side, for clients.  signer has to live as long as any of its ends; the chain may go
// before.  -EBADMSG with why.
int tls_server_new(const struct tls_chain *chain, const struct tls_signer *signer, uint32_t key,
		   enum tls_version least, struct tls_context **ret_context,
		   char why[TLS_FAULT_MAX]);
// The client's side, for servers.  roots: certificates in PEM that named peers are held to; n 0:
// none, and then none can be named.
int tls_client_new(const char *roots, size_t n, enum tls_version least,
		   struct tls_context **ret_context, char why[TLS_FAULT_MAX]);
void tls_context_free(struct tls_context *context); // its ends may outlive it; NULL is fine

// --- an end

enum tls_state {
	TLS_SHAKING,
	TLS_OPEN,
	TLS_ENDED, // the other side said that nothing follows
	TLS_FAILED,
};

struct tls_about {
	enum tls_version version; // 0: not agreed yet
	uint16_t suite;		  // its number in the IANA's list
	const char *cipher;	  // its name in the IANA's list, or ""
	bool verified;		  // the peer is who its name says
};

struct tls_end;

// name: of the server, which it has to prove, or NULL: whoever it is.  now: seconds since 1970.
// 0, -ENOMEM, -EINVAL: no name, or no roots to hold it to.
int tls_end_new(const struct tls_context *context, const char *name, int64_t now,
		struct tls_end **ret_end);
void tls_end_free(struct tls_end *end); // NULL is fine

// Takes bytes of the wire, which move on, and gives plaintext: as much as there is room for.  What
// is not taken has to come again.  Bytes of plaintext; 0 and nothing taken: see the state.
size_t tls_end_read(struct tls_end *end, const uint8_t **wire, size_t *n, uint8_t *plain,
		    size_t room);
// Plaintext for the other side.  Bytes taken: fewer than given while the wire is behind, or before
// it is agreed.
size_t tls_end_write(struct tls_end *end, const uint8_t *plain, size_t n);
void tls_end_close(struct tls_end *end); // says that nothing follows; what came before still goes

// What waits for the wire (NULL: nothing), valid until the next call; and that n bytes of it have
// gone.
const uint8_t *tls_end_out(const struct tls_end *end, size_t *ret_n);
void tls_end_sent(struct tls_end *end, size_t n);

enum tls_state tls_end_state(const struct tls_end *end);
const char *tls_end_fault(const struct tls_end *end); // in words, or ""
void tls_end_about(const struct tls_end *end, struct tls_about *ret);
size_t tls_end_memory(const struct tls_end *end); // bytes, about

#endif
