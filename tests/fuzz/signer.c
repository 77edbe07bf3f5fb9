// What an inspector asks of the signer: whatever it is, only the words of a handshake are signed.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/signer_desk.h"
#include "unit/tls_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct signer_desk desk;
	static uint64_t now;
	struct signer_question question;
	struct signer_answer answer;
	char why[TLS_FAULT_MAX];
	if (!desk.keys[0]) {
		struct made made;
		if (tls_load() < 0)
			abort();
		make(MADE_P256, NULL, "mail.example.jp", &made);
		if (tls_key_read(made.key, made.n_key, &desk.keys[0], why) < 0)
			abort();
		unmake(&made);
	}
	now += 1000000;
	if (!signer_desk_answer(&desk, 0, bytes, size, now, &answer)) {
		if (size == sizeof(question))
			abort();
		return 0;
	}
	memcpy(&question, bytes, sizeof(question));
	if (answer.serial != question.serial || answer.n > TLS_SIGNATURE_MAX ||
	    (answer.error == 0) != (answer.n > 0))
		abort();
	if (answer.error == 0 && (tls_sign_check(&question.request) < 0 || question.request.key))
		abort();
	return 0;
}
