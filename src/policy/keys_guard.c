// Keys of guards: what is inspected, and by what rules.  Those after protocol are of smtp.
#include "policy/keys_private.h"

enum {
	KB = 1000,
	GB = 1000 * 1000 * 1000,
	LIMIT_MAX = 100000,
};

#define STRUCT struct pol_mail_size
static const struct key mail_size_keys[] = {
	{ LIST("from", from), .about = "Zones or zone/network of who sends; absent: all.",
	  .example = "[office/press]" },
	{ TEXT("direction", direction), .word = WORD_CHOICE, .choices = CHOICES("in", "out"),
	  .about = "in: to an own domain; out: to others; absent: both.", .example = "out" },
	{ LIST("recipients", recipients),
	  .about = "Addresses, or domains for every address of theirs. Absent: all. A message to "
		   "several has the least of what each may have.",
	  .example = "[plans@city.example.jp, archive.city.example.jp]" },
	{ TEXT("max", max), .word = WORD_SIZE, .required = true, .min = KB, .max = GB,
	  .about = "How large such a message may be.", .example = "50MB" },
};
const struct key_table keys_mail_size = {
	.noun = "mail-size",
	.about = "A size for certain messages.",
	.has_at = true,
	TABLE(mail_size_keys),
};
#undef STRUCT

#define STRUCT struct pol_mail_attachment
static const struct key mail_attachment_keys[] = {
	{ LIST("from", from), .about = "Zones or zone/network of who sends; absent: all.",
	  .example = "[office]" },
	{ TEXT("direction", direction), .word = WORD_CHOICE, .choices = CHOICES("in", "out"),
	  .about = "in: to an own domain; out: to others; absent: both.", .example = "in" },
	{ LIST("recipients", recipients),
	  .about = "Addresses, or domains for every address of theirs; absent: all.",
	  .example = "[plans@city.example.jp]" },
	{ WORDS("kinds", kinds), .word = WORD_CHOICE,
	  .choices =
		  CHOICES("executable", "script", "shortcut", "disk-image", "archive", "office",
			  "macro", "encrypted", "pdf", "active", "image", "text", "html",
			  "misleading", "mail", "ambiguous", "illegible", "undecodable", "unread"),
	  .about =
		  "What the file is by its content and its name, any of these. macro: a document "
		  "with macros; active: a PDF or document with scripts or files inside; misleading: "
		  "a name that hides what the file is (two endings, text from right to left); "
		  "ambiguous: two formats in one file, or an archive that shows other files to other programs; "
		  "illegible: text of a document in which words could not be looked for; "
		  "undecodable: written so that it cannot be read in one way; unread: an archive or document "
		  "that could not be read to its end.",
	  .example = "[executable, script, shortcut]" },
	{ WORDS("names", names),
	  .about = "Names of files, any of these, in any case; * stands for any letters, ? for "
		   "one.",
	  .example = "[\"*.exe\", \"*.scr\"]" },
	{ LIST("types", types),
	  .about = "Types as the message says them, any of these; * and ? as in names.",
	  .example = "[\"video/*\"]" },
	{ WORDS("words", words),
	  .about =
		  "Words in names, subject and text, any of these, however they are spaced or how "
		  "wide their letters are: 重要性Ⅰ is also found as 重 要 性 I. Letters and digits of "
		  "ASCII count as whole words only.",
	  .example = "[重要性Ⅰ, 重要性Ⅱ, 機密]" },
	{ UINT("personal-numbers", personal_numbers), .min = 1, .max = LIMIT_MAX,
	  .about =
		  "That many numbers of persons (個人番号, with a right check digit) or more in the text.",
	  .example = "1" },
	{ TEXT("over", over), .word = WORD_SIZE, .min = KB, .max = GB,
	  .about = "Files that are larger, as they are once decoded.", .example = "10MB" },
	{ TEXT("total-over", total_over), .word = WORD_SIZE, .min = KB, .max = GB,
	  .about = "Messages whose files together are larger.", .example = "20MB" },
	{ UINT("number-over", number_over), .min = 1, .max = LIMIT_MAX,
	  .about = "Messages with more files.", .example = "50" },
	{ TEXT("action", action), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("refuse", "record", "allow", "hold"),
	  .about = "refuse: the sender gets 550 and why; record: it passes, and the record says "
		   "what was found; allow: it passes; hold: the message is kept inside until it is "
		   "released (hold).",
	  .example = "refuse" },
	{ TEXT("clause", clause), .word = WORD_FREE,
	  .about = "Clause that demands it: records of messages that it decides cite it. Default: "
		   "of the flow's clauses, or else of all, the first that names in controls what "
		   "the record has as its control; else the first of the flow.",
	  .example = "\"61-1\"" },
};
const struct key_table keys_mail_attachment = {
	.noun = "mail-attachment",
	.about = "What becomes of certain files in messages, those in archives included. A file "
		 "fits when all that is named fits.",
	.has_at = true,
	TABLE(mail_attachment_keys),
};
#undef STRUCT

#define STRUCT struct pol_mail_malware
static const struct key mail_malware_keys[] = {
	{ TEXT("direction", direction), .word = WORD_CHOICE,
	  .choices = CHOICES("in", "out", "both"),
	  .about =
		  "Which messages are scanned: in (to an own domain), out (to others) or both (the "
		  "default).",
	  .example = "both" },
	{ TEXT("infected", infected), .word = WORD_CHOICE, .choices = CHOICES("refuse", "record"),
	  .about = "What becomes of a message in which the scanner finds something: refuse (the "
		   "default: 550, with the name of what it found) or record (it passes, and the "
		   "record says so).",
	  .example = "refuse" },
	{ TEXT("encrypted", encrypted), .word = WORD_CHOICE,
	  .choices = CHOICES("refuse", "record", "allow", "hold"),
	  .about = "The same of one that the scanner cannot look into because it is encrypted, if "
		   "it is told to say so. Default: refuse.",
	  .example = "record" },
	{ TEXT("too-big", too_big), .word = WORD_CHOICE,
	  .choices = CHOICES("refuse", "record", "allow", "hold"),
	  .about = "The same of one that is too large for the scanner. Default: refuse.",
	  .example = "refuse" },
	{ TEXT("down", down), .word = WORD_CHOICE,
	  .choices = CHOICES("later", "refuse", "record", "hold"),
	  .about =
		  "The same of one that the scanner gives no verdict about: later (the default: 451, so "
		  "that it comes again), refuse, record (it passes unscanned) or hold.",
	  .example = "later" },
	{ TEXT("old", old), .word = WORD_CHOICE, .choices = CHOICES("allow", "later", "hold"),
	  .about =
		  "What becomes of one that the scanner found nothing in while its definitions are "
		  "older than sekisho.yaml allows (max-age-days): allow (the default: there is an "
		  "alarm, and it passes), later (451) or hold.",
	  .example = "allow" },
	{ UINT("seconds", seconds), .min = 5, .max = 240,
	  .about = "How long a message waits for its verdict. Default: 60.", .example = "60" },
};
const struct key_table keys_mail_malware = {
	.noun = "mail-malware",
	.about =
		"Messages are sent through the scanner that sekisho.yaml names, and end only once it "
		"has said what it found.",
	.has_at = true,
	TABLE(mail_malware_keys),
};
#undef STRUCT

#define STRUCT struct pol_mail_hold
static const struct key mail_hold_keys[] = {
	{ TEXT("answer", answer), .word = WORD_CHOICE, .choices = CHOICES("accept", "later"),
	  .about =
		  "What the sender's server hears of a message that is held: accept (the default: 250, "
		  "and a text that says so) or later (451: it keeps the message and tries again, and "
		  "hears in the end that it was released, or 550 that it was rejected).",
	  .example = "accept" },
	{ TEXT("keep", keep), .word = WORD_NAME,
	  .about = "How long a message is held for a decision; after that it is gone. Default: 7d.",
	  .example = "7d" },
	{ UINT("persons", persons), .min = 1, .max = 2,
	  .about = "How many have to agree to a release: 2 (the default) or 1. One may reject.",
	  .example = "2" },
	{ UINT("messages", messages), .min = 1, .max = 10000,
	  .about = "Messages that may be held at a time; a further one gets 451. Default: 1000.",
	  .example = "1000" },
	{ TEXT("bytes", bytes), .word = WORD_SIZE, .min = KB, .max = UINT64_C(1000) * GB,
	  .about = "How large they may be together. Default: 2GB.", .example = "2GB" },
};
const struct key_table keys_mail_hold = {
	.noun = "mail-hold",
	.about =
		"Messages that are kept inside, encrypted, until somebody has released or rejected "
		"them (sekisho mail held, release, reject).",
	.has_at = true,
	TABLE(mail_hold_keys),
};
#undef STRUCT

#define STRUCT struct pol_mail_limits
static const struct key mail_limits_keys[] = {
	{ UINT("recipients", recipients), .max = LIMIT_MAX,
	  .about = "Recipients of one message; further ones get 452. 0: no limit. Default: 100, "
		   "the least that RFC 5321 asks for.",
	  .example = "100" },
	{ UINT("invalid-recipients", invalid_recipients), .max = LIMIT_MAX,
	  .about = "Refused recipients of one session, by the gate or the server; then it ends "
		   "with 421. 0: no limit. Default: 20.",
	  .example = "20" },
	{ UINT("transactions", transactions), .max = LIMIT_MAX,
	  .about = "Messages of one session. 0: no limit. Default: 100.", .example = "100" },
	{ UINT("sessions", sessions), .max = LIMIT_MAX,
	  .about = "Sessions of one address at a time; further ones get 421. 0: no limit. "
		   "Default: 50.",
	  .example = "50" },
	{ TEXT("session-rate", session_rate), .word = WORD_RATE,
	  .about = "Sessions that one address may begin; further ones get 421. Default: no limit.",
	  .example = "30/min" },
	{ TEXT("message-rate", message_rate), .word = WORD_RATE,
	  .about = "Messages that one address may send; further ones get 451, so that nothing is "
		   "lost. Default: no limit.",
	  .example = "100/h" },
};
const struct key_table keys_mail_limits = {
	.noun = "mail-limits",
	.about =
		"How much one client may ask of a guard for smtp. A client is an IPv4 address, or the "
		"/64 of an IPv6 one.",
	.has_at = true,
	TABLE(mail_limits_keys),
};
#undef STRUCT

#define STRUCT struct pol_mail_verify
static const struct key mail_verify_keys[] = {
	{ LIST("servers", servers), .required = true, .about = "Servers: zones or zone/network.",
	  .example = "[lgwan/mail-relay]" },
	{ TEXT("name", name), .word = WORD_NAME, .required = true,
	  .about = "The name that their certificate has to be for; it also tells them which one is "
		   "meant.",
	  .example = "mail.pref.example.lg.jp" },
};
const struct key_table keys_mail_verify = {
	.noun = "mail-verify",
	.about = "Servers that have to prove who they are.",
	.has_at = true,
	TABLE(mail_verify_keys),
};
#undef STRUCT

#define STRUCT struct pol_guard
static const struct key guard_keys[] = {
	{ TEXT("id", id), .word = WORD_ID, .required = true, .about = "Name of the guard in flows.",
	  .example = "mail" },
	{ TITLE("メール検査") },
	{ TEXT("protocol", protocol), .word = WORD_CHOICE, .required = true,
	  .choices = CHOICES("smtp", "http", "dns"),
	  .about = "What is inspected. The keys that follow are of smtp.", .example = "smtp" },
	{ TEXT("mode", mode), .word = WORD_CHOICE, .choices = CHOICES("flow", "proxy"),
	  .about = "How a connection is inspected: flow (the default: its packets are read on "
		   "their way) or proxy (the gate accepts it and connects onward, with the "
		   "client's own address).",
	  .example = "proxy" },
	{ LIST("domains", domains),
	  .about =
		  "The body's own domains: everybody may send to them. *.city.example.jp stands "
		  "for what is below city.example.jp, not for itself; a name in Japanese letters counts as its A-label. Default: none; a flow from "
		  "outside is then refused.",
	  .example = "[city.example.jp, \"*.city.example.jp\"]" },
	{ LIST("senders", senders),
	  .about = "Who may send to domains that are not own: zones or zone/network. Default: "
		   "nobody.",
	  .example = "[office, dmz/mail-hub]" },
	{ LIST("smart-hosts", smart_hosts),
	  .about = "Servers that mail for other domains may be given to: zones or zone/network. "
		   "Default: all that the flows lead to.",
	  .example = "[dmz/mail-hub]" },
	{ TEXT("own-sender", own_sender), .word = WORD_CHOICE,
	  .choices = CHOICES("refuse", "mark", "allow"),
	  .about = "Mail that claims a sender of an own domain and comes from nobody of senders: "
		   "refuse (the default), mark (let through and told in the record) or allow.",
	  .example = "mark" },
	{ LIST("own-sender-from", own_sender_from),
	  .about = "Who may all the same: zones or zone/network.", .example = "[internet/lists]" },
	{ TEXT("size", size), .word = WORD_SIZE, .min = KB, .max = GB,
	  .about = "How large a message may be, as it travels (an attachment grows by a third): "
		   "1 MB is 1,000,000 bytes, 1 MiB 1,048,576. Default: 20MB.",
	  .example = "20MB" },
	{ TEXT("size-in", size_in), .word = WORD_SIZE, .min = KB, .max = GB,
	  .about = "The same for mail to own domains. Default: as size.", .example = "10MB" },
	{ TEXT("size-out", size_out), .word = WORD_SIZE, .min = KB, .max = GB,
	  .about = "The same for mail to others. Default: as size.", .example = "20MB" },
	{ ENTRIES("sizes", sizes), .form = FORM_LIST, .table = &keys_mail_size,
	  .about = "Other sizes for some messages; the first that fits counts, before size-in, "
		   "size-out and size.",
	  .example = "[{ from: [office/press], max: 50MB }]" },
	{ ENTRIES("attachments", attachments), .form = FORM_LIST, .table = &keys_mail_attachment,
	  .about = "What becomes of files in messages: for each file the first that fits counts. "
		   "With any, what is undecodable or unread is refused unless one of them says "
		   "otherwise. Default: messages are not taken apart.",
	  .example = "[{ kinds: [executable, script], action: refuse }]" },
	{ ENTRIES("habits", habits), .form = FORM_LIST, .table = &keys_mail_habit,
	  .about = "What becomes of messages by habits of their senders: for each habit, and each "
		   "link, the first that fits counts. Default: nobody looks.",
	  .example = "[{ direction: out, forwarded: true, action: refuse }]" },
	{ MAP("malware", malware), .table = &keys_mail_malware,
	  .about = "Messages are scanned for malware. Default: they are not.",
	  .example = "{ infected: refuse, down: later }" },
	{ MAP("hold", hold), .table = &keys_mail_hold,
	  .about = "How messages are held that rules of attachments or malware say hold of.",
	  .example = "{ answer: accept, keep: 7d }" },
	{ TEXT("tls", tls), .word = WORD_CHOICE,
	  .choices = CHOICES("clear-only", "refuse", "allow-blind", "inspect"),
	  .about = "What becomes of STARTTLS: clear-only (the default: the offer is taken out), "
		   "refuse (answered with 454), allow-blind (let through unread to tls-servers; "
		   "taken out elsewhere) or inspect (ended here with the body's own certificate "
		   "and begun anew towards the server; needs mode: proxy. To port 465 TLS begins "
		   "with the first byte).",
	  .example = "allow-blind" },
	{ LIST("tls-servers", tls_servers),
	  .about = "allow-blind: servers that keep the rules themselves: zones or zone/network.",
	  .example = "[dmz/mail-hub]" },
	{ TEXT("tls-reason", tls_reason),
	  .about = "Why mail to or from an external zone may travel in clear; without it such a "
		   "flow is refused.",
	  .example = "閉域網の相手で、暗号化に対応していない" },
	{ TEXT("certificate", certificate), .word = WORD_ID,
	  .about = "inspect: which certificate of sekisho.yaml clients see.", .example = "mail" },
	{ TEXT("tls-minimum", tls_minimum), .word = WORD_CHOICE, .choices = CHOICES("1.2", "1.3"),
	  .about = "inspect: the oldest version of TLS that is agreed to, on both sides. Default: "
		   "1.2.",
	  .example = "1.3" },
	{ BOOL("tls-required", tls_required),
	  .about = "inspect: no mail without TLS (530, or 454 where the server offers none). "
		   "Default: false, who can do TLS has it.",
	  .example = "true" },
	{ ENTRIES("tls-verify", tls_verify), .form = FORM_LIST, .table = &keys_mail_verify,
	  .about =
		  "inspect: servers that get mail by TLS only, and only if their certificate is for "
		  "this name and leads to the roots of the box (tls-roots of sekisho.yaml). The first "
		  "that names a server counts. Default: whoever a server is, TLS with him is "
		  "better than none.",
	  .example = "[{ servers: [lgwan/mail-relay], name: mail.pref.example.lg.jp }]" },
	{ BOOL("after-greeting", after_greeting),
	  .about = "Look no further once the greeting was answered: it is SMTP, and nothing else "
		   "is judged. Default: false.",
	  .example = "true" },
	{ MAP("limits", limits), .table = &keys_mail_limits,
	  .about = "How much one client may ask.", .example = "{ recipients: 50 }" },
	{ ENTRIES("mass", mass), .form = FORM_LIST, .table = &keys_mail_mass,
	  .about = "Mass mail: what is counted over all inspectors, and what stops.",
	  .example = "[{ by: source, over: 200/h, for: 1h }]" },
};
const struct key_table keys_guard = {
	.noun = "guard",
	.about = "Inspection that a flow passes through. A bare word stands for protocol.",
	.id = "id",
	.short_form = "protocol",
	TABLE(guard_keys),
};
#undef STRUCT
