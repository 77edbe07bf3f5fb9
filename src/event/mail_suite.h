// What TLS of a side was agreed on, as records keep it: few suites are agreed to (tls/end.h), so
// that half a byte says which, and with it the version.
#ifndef SEKISHO_EVENT_MAIL_SUITE_H
#define SEKISHO_EVENT_MAIL_SUITE_H

#include <stdint.h>

enum { MAIL_SUITE_NONE, MAIL_SUITE_OTHER = 15 };

uint8_t mail_suite_of(uint16_t number);	    // by its number in the IANA's list
const char *mail_suite_text(uint8_t suite); // "TLS 1.3 TLS_AES_128_GCM_SHA256"; "" of NONE

#endif
