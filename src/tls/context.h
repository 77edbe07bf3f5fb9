// What many ends share.  For files of this room alone.
#ifndef SEKISHO_TLS_CONTEXT_H
#define SEKISHO_TLS_CONTEXT_H

#include "tls/end.h"

struct tls_context {
	SSL_CTX *ssl;
	bool server, has_roots;
};

#endif
