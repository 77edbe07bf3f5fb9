#include "daemon/signer_desk.h"

#include <errno.h>
#include <string.h>

static bool may_have(struct signer_asker *asker, uint64_t now_us)
{
	const uint64_t waited_us = now_us - asker->seen_us;
	if (!asker->seen_us || waited_us / SIGNER_SHARE >= 2 * SIGNER_SAVED_US)
		asker->may_us = SIGNER_SAVED_US;
	else
		asker->may_us += (int64_t)(waited_us / SIGNER_SHARE);
	if (asker->may_us > SIGNER_SAVED_US)
		asker->may_us = SIGNER_SAVED_US;
	asker->seen_us = now_us;
	return asker->may_us > 0;
}

void signer_desk_spent(struct signer_desk *desk, unsigned asker, uint64_t spent_us)
{
	// Whatever the clock says, he is heard again within a second.
	desk->askers[asker].may_us -=
		spent_us < SIGNER_SAVED_US ? (int64_t)spent_us : SIGNER_SAVED_US;
}

bool signer_desk_answer(struct signer_desk *desk, unsigned asker, const void *bytes, size_t n,
			uint64_t now_us, struct signer_answer *ret)
{
	struct signer_question question;
	size_t size = 0;
	if (n != sizeof(question) || asker >= SIGNER_ASKERS_MAX)
		return false;
	memcpy(&question, bytes, sizeof(question));
	*ret = (struct signer_answer){ .serial = question.serial, .error = -EBADMSG };
	const uint32_t key = question.request.key;
	if (!may_have(&desk->askers[asker], now_us))
		ret->error = -EAGAIN;
	else if (key < TLS_KEYS_MAX && desk->keys[key])
		ret->error =
			tls_key_sign(desk->keys[key], &question.request, ret->signature, &size);
	ret->n = ret->error == 0 ? (uint32_t)size : 0;
	desk->numbers.signatures += ret->error == 0;
	desk->numbers.busy += ret->error == -EAGAIN;
	desk->numbers.refused += ret->error != 0 && ret->error != -EAGAIN;
	return true;
}
