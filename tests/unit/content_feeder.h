// A message fed to its judge, for one recipient.
#ifndef SEKISHO_TESTS_CONTENT_FEEDER_H
#define SEKISHO_TESTS_CONTENT_FEEDER_H

#include "content_files.h"
#include "inspect/content.h"

#define RULE(...)   ((struct profile_attachment){ .clause = "", __VA_ARGS__ })
#define REFUSE(...) RULE(.action = PROFILE_REFUSE, __VA_ARGS__)
#define ALLOW(...)  RULE(.action = PROFILE_ALLOW, __VA_ARGS__)

static const struct addr client = { ADDR_V4, 0xc0000201 };

struct feeder {
	struct profile profile;
	struct audience audience;
	struct content_budget budget;
	struct content *content;
};

static inline void begin(struct feeder *feeder, const struct profile_attachment *rules, size_t n)
{
	*feeder = (struct feeder){ .profile = { .attachments = rules, .n_attachments = n },
				   .budget = { .most = CONTENT_BUDGET_BYTES } };
	int set = audience_add(&feeder->audience, &feeder->profile, &client, true, "b@c.example");
	feeder->audience.taken = UINT64_C(1) << set;
	assert_int_equal(content_new(&feeder->profile, &feeder->audience, NULL, &feeder->budget,
				     &feeder->content),
			 0);
}

static inline void over(struct feeder *feeder)
{
	content_free(feeder->content);
	audience_free(&feeder->audience);
	assert_int_equal(feeder->budget.used, 0);
}

static inline enum smtp_reason feed(struct feeder *feeder, const char *text)
{
	return content_feed(feeder->content, (const uint8_t *)text, strlen(text));
}

static inline enum smtp_reason feed_blob(struct feeder *feeder, const struct blob *blob)
{
	return content_feed(feeder->content, blob->v, blob->n);
}

#endif
