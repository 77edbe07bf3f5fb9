// OpenSSL as this room uses it: a context of its own, with the algorithms that are built in, and no
// configuration file.  For files of this room alone, but for tls_load().
#ifndef SEKISHO_TLS_LIBRARY_H
#define SEKISHO_TLS_LIBRARY_H

#include <stddef.h>

#include <openssl/types.h>

enum { TLS_FAULT_MAX = 128 };

// Once in a process, before files are out of reach.  0 or -ENOMEM.
int tls_load(void);

OSSL_LIB_CTX *tls_library(void); // NULL before tls_load()
// The first thing that the library complained of since it was last asked, in words.
void tls_complaint(const char *otherwise, char out[TLS_FAULT_MAX]);

#endif
