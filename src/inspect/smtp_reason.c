#include "inspect/smtp_reason.h"

#include <stdio.h>
#include <string.h>

#define REPLY(text) text "\r\n"
#define ATTACHMENT(word, words, reply)                                                             \
	{                                                                                          \
		"attachment-" word, words, MAIL_REFUSED, "MAIL-11", REPLY("550 5.7.1 " reply)      \
	}
#define TOO_LARGE(word, words, reply)                                                              \
	{                                                                                          \
		"attachment-" word, words, MAIL_REFUSED, "MAIL-03", REPLY("552 5.3.4 " reply)      \
	}

static const struct smtp_reason_row rows[SMTP_REASON_COUNT] = {
	[SMTP_REASON_NONE] = { "none", "", MAIL_BROKEN_OFF, "", NULL },
	[SMTP_PASSED] = { "passed", "the server took it", MAIL_PASSED, "", NULL },
	[SMTP_PASSED_OWN_SENDER] = { "own-sender-marked",
				     "the server took it; an own domain's sender, from outside",
				     MAIL_PASSED, "MAIL-01", NULL },
	[SMTP_PASSED_RECORDED] = { "attachment-recorded",
				   "the server took it; a rule has an attachment recorded",
				   MAIL_PASSED, "MAIL-11", NULL },
	[SMTP_PASSED_HABIT] = { "habit-recorded", "the server took it; a rule has a habit recorded",
				MAIL_PASSED, "MAIL-11", NULL },
	[SMTP_PASSED_MARKED] = { "habit-marked",
				 "the server took it; a header line says what was found",
				 MAIL_PASSED, "MAIL-11", NULL },
	[SMTP_PASSED_SCANNED] = { "scanned", "the server took it; the scanner let it pass",
				  MAIL_PASSED, "MAIL-09", NULL },
	[SMTP_PASSED_MALWARE] = { "malware-recorded",
				  "the server took it; the scanner found malware", MAIL_PASSED,
				  "MAIL-09", NULL },
	[SMTP_PASSED_SCAN_ENCRYPTED] = { "scan-encrypted-recorded",
					 "the server took it; encrypted, so that the scanner could "
					 "not look inside",
					 MAIL_PASSED, "MAIL-09", NULL },
	[SMTP_PASSED_SCAN_TOO_BIG] = { "scan-too-big-recorded",
				       "the server took it; too big for the scanner", MAIL_PASSED,
				       "MAIL-09", NULL },
	[SMTP_PASSED_UNSCANNED] = { "unscanned", "the server took it; the scanner gave no verdict",
				    MAIL_PASSED, "MAIL-09", NULL },
	[SMTP_REJECTED] = { "rejected", "the server refused", MAIL_REJECTED, "", NULL },
	[SMTP_BROKEN_OFF] = { "broken-off", "a side went away or began anew", MAIL_BROKEN_OFF, "",
			      NULL },
	[SMTP_NO_MAIL] = { "no-mail", "the session had no mail", MAIL_BROKEN_OFF, "", NULL },
	[SMTP_UNREAD_TLS] = { "unread-tls", "TLS to a server that keeps the rules itself",
			      MAIL_UNREAD, "", NULL },
	[SMTP_UNREAD_GREETING] = { "unread-after-greeting",
				   "the policy has nothing looked at after the greeting",
				   MAIL_UNREAD, "", NULL },
	[SMTP_RELAY] = { "relay", "recipient outside, from outside", MAIL_REFUSED, "MAIL-01",
			 REPLY("550 5.7.1 Relaying denied") },
	[SMTP_AMBIGUOUS] = { "ambiguous-recipient", "some servers read another recipient in it",
			     MAIL_REFUSED, "MAIL-01",
			     REPLY("553 5.1.3 Recipient address can be read in two ways") },
	[SMTP_RECIPIENT_SYNTAX] = { "recipient-syntax", "no recipient address", MAIL_REFUSED,
				    "MAIL-01", REPLY("501 5.1.3 Bad recipient address syntax") },
	[SMTP_SENDER_SYNTAX] = { "sender-syntax", "no sender address", MAIL_REFUSED, "",
				 REPLY("501 5.1.7 Bad sender address syntax") },
	[SMTP_NEEDS_UTF8] = { "needs-smtputf8", "an address that is not ASCII, without SMTPUTF8",
			      MAIL_REFUSED, "",
			      REPLY("553 5.6.7 Address needs the parameter SMTPUTF8") },
	[SMTP_PARAMETER] = { "parameter", "a parameter that is unknown or wrong", MAIL_REFUSED, "",
			     REPLY("555 5.5.4 Parameter not recognized") },
	[SMTP_ARGUMENT] = { "argument", "an argument that has no place there", MAIL_REFUSED, "",
			    REPLY("501 5.5.4 No argument allowed") },
	[SMTP_OWN_SENDER] = { "own-sender", "an own domain's sender, from outside", MAIL_REFUSED,
			      "MAIL-01",
			      REPLY("550 5.7.1 Sender address is of a domain of this site") },
	[SMTP_SIZE_DECLARED] = { "size-declared", "the size declared is over the cap", MAIL_REFUSED,
				 "MAIL-03", REPLY("552 5.3.4 Message size exceeds the limit") },
	[SMTP_SIZE] = { "size", "the message is over the cap", MAIL_REFUSED, "MAIL-03",
			REPLY("552 5.3.4 Message size exceeds the limit") },
	[SMTP_RECIPIENTS] = { "recipients", "more recipients than a message may have", MAIL_REFUSED,
			      "MAIL-02", REPLY("452 4.5.3 Too many recipients") },
	[SMTP_MESSAGE_RATE] = { "message-rate", "more messages than a source may send in the time",
				MAIL_REFUSED, "MAIL-02",
				REPLY("451 4.7.1 Too many messages, try again later") },
	[SMTP_STOPPED] = { "stopped", "mail is stopped", MAIL_REFUSED, "MAIL-02",
			   REPLY("451 4.7.1 Mail is stopped, try again later") },
	[SMTP_NESTED] = { "nested", "MAIL within a transaction", MAIL_REFUSED, "",
			  REPLY("503 5.5.1 Nested MAIL command") },
	[SMTP_UNKNOWN_COMMAND] = { "unknown-command", "a command that the gate does not know",
				   MAIL_REFUSED, "", REPLY("500 5.5.1 Command not recognized") },
	[SMTP_NOT_OFFERED] = { "not-offered", "a command that the gate does not let pass",
			       MAIL_REFUSED, "", REPLY("502 5.5.1 Command not implemented") },
	[SMTP_TLS_NOT_OFFERED] = { "tls-not-offered", "STARTTLS where it is taken out",
				   MAIL_REFUSED, "", REPLY("502 5.5.1 Command not implemented") },
	[SMTP_TLS_REFUSED] = { "tls-refused", "STARTTLS where the policy refuses it", MAIL_REFUSED,
			       "", REPLY("454 4.7.0 TLS not available") },
	[SMTP_TLS_REQUIRED] = { "tls-required", "mail without TLS, which the policy demands",
				MAIL_REFUSED, "",
				REPLY("530 5.7.0 Must issue a STARTTLS command first") },
	[SMTP_TLS_LACKING] = { "tls-lacking", "the policy demands TLS, which the server lacks",
			       MAIL_REFUSED, "",
			       REPLY("454 4.7.0 TLS not available, try again later") },
	[SMTP_ATTACHMENT_PROGRAM] = ATTACHMENT(
		"program", "a program, a script, a shortcut or a disk image",
		"An attached file is a program or can start one; such files are not accepted here"),
	[SMTP_ATTACHMENT_MACRO] = ATTACHMENT(
		"macro", "a document with macros",
		"An attached document has macros; save it without macros or as PDF and send it again"),
	[SMTP_ATTACHMENT_ENCRYPTED] = ATTACHMENT(
		"encrypted", "an encrypted file",
		"An attached file is encrypted or has a password, so it cannot be checked"),
	[SMTP_ATTACHMENT_MISLEADING] = ATTACHMENT(
		"misleading", "a name that hides what the file is",
		"The name of an attached file hides what it is; give it its proper name and send it again"),
	[SMTP_ATTACHMENT_ACTIVE] = ATTACHMENT(
		"active", "a document with scripts or embedded files",
		"An attached document has scripts or files embedded that can start by themselves"),
	[SMTP_ATTACHMENT_KIND] =
		ATTACHMENT("kind", "a kind of file that may not pass",
			   "An attached file is of a kind that is not accepted here"),
	[SMTP_ATTACHMENT_NAME] =
		ATTACHMENT("name", "a name of a file that may not pass",
			   "An attached file has a name that is not accepted here"),
	[SMTP_ATTACHMENT_TYPE] =
		ATTACHMENT("type", "a media type that may not pass",
			   "An attached file has a media type that is not accepted here"),
	[SMTP_ATTACHMENT_ANY] = ATTACHMENT("any", "an attachment where none may be",
					   "Attachments are not accepted here"),
	[SMTP_ATTACHMENT_SIZE] = TOO_LARGE("size", "a file over the limit",
					   "An attached file is larger than the limit"),
	[SMTP_ATTACHMENT_TOTAL] = TOO_LARGE(
		"total", "files that together are over the limit",
		"The attached files together are larger than the limit; send them in several messages"),
	[SMTP_ATTACHMENT_NUMBER] =
		TOO_LARGE("number", "more files than the limit",
			  "More files are attached than the limit; send them in several messages"),
	[SMTP_ATTACHMENT_UNREAD] = ATTACHMENT(
		"unread", "an archive or document that could not be read to its end",
		"An attached archive or document cannot be checked to its end (damaged, nested or too "
		"large)"),
	[SMTP_ATTACHMENT_UNDECODABLE] = ATTACHMENT(
		"undecodable", "what programs read in different ways",
		"The message can be read in different ways; send it again with an ordinary mail program"),
	[SMTP_ATTACHMENT_WORDS] =
		ATTACHMENT("words", "a word that marks what may not pass",
			   "The message or a file in it is marked as not to be sent"),
	[SMTP_ATTACHMENT_PERSONAL] =
		ATTACHMENT("personal", "numbers of persons",
			   "The message or a file in it contains personal numbers"),
	[SMTP_ATTACHMENT_BUSY] = { "attachment-busy",
				   "no room to look into another archive at this time",
				   MAIL_REFUSED, "MAIL-11",
				   REPLY("451 4.3.1 Too many attachments are being checked, try "
					 "again later") },
	[SMTP_HABIT_FORWARDED] = { "forwarded", "sent on by a rule of a mailbox", MAIL_REFUSED,
				   "MAIL-07",
				   REPLY("550 5.7.1 Automatic forwarding is not allowed here") },
	[SMTP_HABIT_LOOP] = { "loop", "it has come by here before", MAIL_REFUSED, "MAIL-07",
			      REPLY("554 5.4.6 Routing loop detected") },
	[SMTP_HABIT_OUTSIDE] = { "outside-recipients", "recipients outside that see one another",
				 MAIL_REFUSED, "MAIL-08",
				 REPLY("550 5.7.1 Too many recipients outside in To and Cc; put "
				       "them in Bcc and send it again") },
	[SMTP_HABIT_ALIKE] = { "look-alike", "the sender seems to be somebody else", MAIL_REFUSED,
			       "MAIL-11",
			       REPLY("550 5.7.1 The sender looks like somebody of this site but is "
				     "not") },
	[SMTP_HABIT_LINK_DIFFERS] = { "link-differs", "a link that leads elsewhere than it shows",
				      MAIL_REFUSED, "MAIL-11",
				      REPLY("550 5.7.1 A link in the message leads elsewhere than "
					    "its text shows") },
	[SMTP_HABIT_LINK_DOMAIN] = { "link-domain", "a link to a domain that may not be linked",
				     MAIL_REFUSED, "MAIL-11",
				     REPLY("550 5.7.1 A link in the message leads to a site that is "
					   "not accepted here") },
	[SMTP_HABIT_ACTIVE] = { "active-html", "HTML with scripts, forms or embedded pages",
				MAIL_REFUSED, "MAIL-11",
				REPLY("550 5.7.1 The message has scripts, forms or embedded pages in "
				      "its HTML") },
	[SMTP_HABIT_DOMAIN] = { "recipient-domain", "a recipient's domain that is not sent to",
				MAIL_REFUSED, "MAIL-05",
				REPLY("550 5.7.1 Mail to this domain is not allowed here") },
	[SMTP_MALWARE] = { "malware", "the scanner found malware", MAIL_REFUSED, "MAIL-09",
			   REPLY("550 5.7.1 The message has malware in it") },
	[SMTP_SCAN_ENCRYPTED] = { "scan-encrypted",
				  "encrypted, so that the scanner could not look inside",
				  MAIL_REFUSED, "MAIL-09",
				  REPLY("550 5.7.1 The message is encrypted in part, so it cannot be "
					"checked for malware") },
	[SMTP_SCAN_TOO_BIG] = { "scan-too-big", "too big for the scanner", MAIL_REFUSED, "MAIL-09",
				REPLY("552 5.3.4 The message is too large to be checked for malware") },
	[SMTP_SCAN_NONE_REFUSED] = { "scanner-down-refused", "the scanner gave no verdict",
				     MAIL_REFUSED, "MAIL-09",
				     REPLY("550 5.7.1 The message cannot be checked for malware") },
	[SMTP_SCAN_LATER] = { "scanner-down", "the scanner gave no verdict", MAIL_REFUSED,
			      "MAIL-09",
			      REPLY("451 4.7.1 The message cannot be checked for malware now, try "
				    "again later") },
	[SMTP_SCAN_BUSY] = { "scanner-busy", "too many messages wait for the scanner", MAIL_REFUSED,
			     "MAIL-09",
			     REPLY("451 4.7.1 Too many messages are being checked for malware, try "
				   "again later") },
	[SMTP_SCAN_OLD] = { "scanner-old", "nothing found, by definitions older than they may be",
			    MAIL_REFUSED, "MAIL-10",
			    REPLY("451 4.7.1 The definitions of the malware scanner are too old, try "
				  "again later") },
	[SMTP_HELD] = { "held", "kept inside until somebody has decided", MAIL_HELD, "MAIL-05",
			REPLY("250 2.0.0 The message is held until somebody responsible has released "
			      "it") },
	[SMTP_HELD_LATER] = { "held-later", "kept inside until somebody has decided", MAIL_HELD,
			      "MAIL-05",
			      REPLY("451 4.7.1 The message is held until somebody responsible has "
				    "decided about it, try again later") },
	[SMTP_HELD_DELIVERED] = { "held-released",
				  "sent again; the gate delivers it, as it was released", MAIL_HELD,
				  "MAIL-05",
				  REPLY("250 2.0.0 The message was held and has been released") },
	[SMTP_HELD_REJECTED] = { "held-rejected", "sent again after it was held and rejected",
				 MAIL_REFUSED, "MAIL-05",
				 REPLY("550 5.7.1 The message was held, and its release was refused") },
	[SMTP_HOLD_FULL] = { "hold-full", "to be held, but there is no room", MAIL_REFUSED,
			     "MAIL-05",
			     REPLY("451 4.3.1 Too many messages are held, try again later") },
	[SMTP_HOLD_DOWN] = { "hold-down", "to be held, but the vault does not answer", MAIL_REFUSED,
			     "MAIL-05",
			     REPLY("451 4.3.0 The message has to be held, which is not possible now, "
				   "try again later") },
	[SMTP_HOLD_BROKEN] = { "hold-broken",
			       "a side went away while the message was taken to be held",
			       MAIL_BROKEN_OFF, "",
			       REPLY("451 4.3.0 The message was not complete, try again") },
	[SMTP_SESSIONS] = { "sessions", "more sessions than a source may have at a time",
			    MAIL_REFUSED, "MAIL-02",
			    REPLY("421 4.7.0 Too many sessions from your address") },
	[SMTP_SESSION_RATE] = { "session-rate", "more sessions than a source may open in the time",
				MAIL_REFUSED, "MAIL-02",
				REPLY("421 4.7.0 Too many sessions, try again later") },
	[SMTP_TRANSACTIONS] = { "transactions", "more messages than a session may have",
				MAIL_REFUSED, "MAIL-02",
				REPLY("421 4.7.0 Too many messages in one session") },
	[SMTP_INVALID_RECIPIENTS] = { "invalid-recipients",
				      "more invalid recipients than a session may have",
				      MAIL_REFUSED, "MAIL-02",
				      REPLY("421 4.7.0 Too many invalid recipients") },
	[SMTP_REFUSED_COMMANDS] = { "refused-commands", "too many commands that were refused",
				    MAIL_ENDED, "", REPLY("421 4.7.0 Too many errors") },
	[SMTP_EARLY_TALK] = { "early-talk", "the client spoke before the greeting", MAIL_ENDED, "",
			      REPLY("554 5.5.0 Client spoke before the greeting") },
	[SMTP_EARLY_DATA] = { "early-data", "the client sent on before the go-ahead for data",
			      MAIL_ENDED, "",
			      REPLY("503 5.5.0 Client sent on before the reply to DATA") },
	[SMTP_TLS_INJECTION] = { "tls-injection", "commands sent along with STARTTLS", MAIL_ENDED,
				 "",
				 REPLY("503 5.5.0 Client sent on before the reply to STARTTLS") },
	[SMTP_NOT_SMTP] = { "not-smtp", "another protocol", MAIL_ENDED, "",
			    REPLY("554 5.5.1 This is an SMTP service") },
	[SMTP_CHUNKING] = { "chunking", "BDAT, which was not offered", MAIL_ENDED, "",
			    REPLY("502 5.5.1 Command not implemented") },
	[SMTP_BARE_LF] = { "bare-lf", "LF without CR, with which messages are smuggled", MAIL_ENDED,
			   "", REPLY("550 5.5.2 Bare LF received") },
	[SMTP_BARE_CR] = { "bare-cr", "CR without LF, with which messages are smuggled", MAIL_ENDED,
			   "", REPLY("550 5.5.2 Bare CR received") },
	[SMTP_NUL] = { "nul", "a byte of zero", MAIL_ENDED, "", REPLY("550 5.5.2 NUL received") },
	[SMTP_LINE_LONG] = { "line-long", "a command line that is too long", MAIL_ENDED, "",
			     REPLY("500 5.5.2 Line too long") },
	[SMTP_DATA_LINE_LONG] = { "data-line-long", "a line of a message that is too long",
				  MAIL_ENDED, "", REPLY("550 5.6.0 Line of the message too long") },
	[SMTP_SHORT_LINE] = { "short-line", "a line too short for a command", MAIL_ENDED, "",
			      REPLY("500 5.5.2 Command not recognized") },
	[SMTP_AUTH_LINE] = { "auth-line", "an answer in an AUTH dialogue that is not of its kind",
			     MAIL_ENDED, "", REPLY("501 5.5.2 Cannot decode the answer") },
	[SMTP_TOO_MUCH_WAITING] = { "waiting", "the client sent too much before it read replies",
				    MAIL_ENDED, "",
				    REPLY("421 4.3.2 Too much sent before replies were read") },
	[SMTP_AFTER_END] = { "after-end", "the client sent on after the session's end", MAIL_ENDED,
			     "", NULL },
	[SMTP_SERVER_SYNTAX] = { "server-syntax", "the server sent what is no reply", MAIL_ENDED,
				 "", REPLY("421 4.3.0 Server is out of step") },
	[SMTP_SERVER_LONG] = { "server-long", "the server's reply is too long", MAIL_ENDED, "",
			       REPLY("421 4.3.0 Server is out of step") },
	[SMTP_SERVER_STEP] = { "server-step", "the server's reply belongs to no command",
			       MAIL_ENDED, "", REPLY("421 4.3.0 Server is out of step") },
	[SMTP_SERVER_IN_DATA] = { "server-in-data", "the server spoke while a message was sent",
				  MAIL_ENDED, "", REPLY("451 4.3.0 Server is out of step") },
	[SMTP_UNREACHED] = { "unreached", "the server could not be reached", MAIL_BROKEN_OFF, "",
			     REPLY("421 4.4.1 Server cannot be reached, try again later") },
	[SMTP_TLS_CLIENT] = { "tls-client", "the client and the gate did not agree on TLS",
			      MAIL_BROKEN_OFF, "", NULL },
	[SMTP_TLS_SERVER] = { "tls-server", "the gate and the server did not agree on TLS",
			      MAIL_BROKEN_OFF, "",
			      REPLY("421 4.7.5 No agreement on TLS with the server, try again "
				    "later") },
	[SMTP_SERVER_LATE] = { "server-late", "the server gave no reply in time", MAIL_BROKEN_OFF,
			       "", REPLY("421 4.4.2 Server gave no reply, try again later") },
	[SMTP_CLIENT_LATE] = { "client-late", "the client was silent for too long", MAIL_BROKEN_OFF,
			       "", REPLY("421 4.4.2 Timed out waiting for you") },
	[SMTP_MEMORY] = { "memory", "the gate ran out of memory", MAIL_BROKEN_OFF, "",
			  REPLY("421 4.3.2 Try again later") },
};

static const char *const japanese[SMTP_REASON_COUNT] = {
	[SMTP_PASSED_RECORDED] = "添付ファイルが記録の対象でした。",
	[SMTP_PASSED_HABIT] = "記録の対象となる特徴がありました。",
	[SMTP_PASSED_MARKED] = "注意を示すヘッダーを付けて通しました。",
	[SMTP_HABIT_FORWARDED] = "自動転送されたメールは、送れません。",
	[SMTP_HABIT_LOOP] = "同じところを回り続けているメール（転送のループ）です。",
	[SMTP_HABIT_OUTSIDE] =
		"外部の宛先が多すぎて、互いに見えてしまいます。BCCにして、もう一度送ってください。",
	[SMTP_HABIT_ALIKE] = "差出人が、当団体のものと紛らわしいため受け付けられません。",
	[SMTP_HABIT_LINK_DIFFERS] = "リンクの表示と実際の行き先が異なるため、受け付けられません。",
	[SMTP_HABIT_LINK_DOMAIN] = "受け付けられない行き先へのリンクがあります。",
	[SMTP_HABIT_ACTIVE] =
		"本文のHTMLに、スクリプトやフォームなど動くものがあるため受け付けられません。",
	[SMTP_HABIT_DOMAIN] = "このドメイン（フリーメールなど）宛てには送れません。",
	[SMTP_PASSED_MALWARE] = "不正プログラムが検出されました。",
	[SMTP_PASSED_SCAN_ENCRYPTED] = "暗号化のため、不正プログラムの検査ができていません。",
	[SMTP_PASSED_SCAN_TOO_BIG] = "大きすぎるため、不正プログラムの検査ができていません。",
	[SMTP_PASSED_UNSCANNED] = "検査装置が応答せず、不正プログラムの検査ができていません。",
	[SMTP_SCAN_OLD] =
		"不正プログラムの定義ファイルが古いため、十分な検査ができません。しばらくしてから送ってください。",
	[SMTP_HELD] = "責任者が許可するまで、庁内に保留しています。",
	[SMTP_HELD_LATER] = "責任者が判断するまで、庁内に保留しています。",
	[SMTP_HELD_DELIVERED] = "保留していたメールは、許可されて送信されます。",
	[SMTP_HELD_REJECTED] = "保留していたメールの送信は、許可されませんでした。",
	[SMTP_HOLD_FULL] = "保留中のメールが多すぎます。しばらくしてから送ってください。",
	[SMTP_HOLD_DOWN] = "メールの保留が今できません。しばらくしてから送ってください。",
	[SMTP_MALWARE] = "メールから不正プログラムが検出されたため、受け付けられません。",
	[SMTP_SCAN_ENCRYPTED] =
		"暗号化されていて、不正プログラムの検査ができないため受け付けられません。",
	[SMTP_SCAN_TOO_BIG] = "大きすぎて、不正プログラムの検査ができないため受け付けられません。",
	[SMTP_SCAN_NONE_REFUSED] = "不正プログラムの検査ができないため、受け付けられません。",
	[SMTP_SCAN_LATER] = "不正プログラムの検査が今できません。しばらくしてから送ってください。",
	[SMTP_SCAN_BUSY] = "検査が混み合っています。しばらくしてから送ってください。",
	[SMTP_ATTACHMENT_PROGRAM] =
		"添付ファイルにプログラム（実行できるもの）があるため、受け付けられません。",
	[SMTP_ATTACHMENT_MACRO] =
		"添付文書にマクロがあります。マクロのない形式かPDFで、もう一度送ってください。",
	[SMTP_ATTACHMENT_ENCRYPTED] =
		"暗号化（パスワード付き）の添付ファイルは、検査できないため受け付けられません。",
	[SMTP_ATTACHMENT_MISLEADING] =
		"添付ファイルの名前が中身と合いません（二重拡張子など）。正しい名前で送ってください。",
	[SMTP_ATTACHMENT_ACTIVE] =
		"添付文書に、自動的に動くもの（スクリプト、埋め込みファイル）があります。",
	[SMTP_ATTACHMENT_KIND] = "受け付けられない種類の添付ファイルがあります。",
	[SMTP_ATTACHMENT_NAME] = "受け付けられない名前（拡張子など）の添付ファイルがあります。",
	[SMTP_ATTACHMENT_TYPE] = "受け付けられない形式（メディアタイプ）の添付ファイルがあります。",
	[SMTP_ATTACHMENT_WORDS] =
		"送ってはならない情報であることを示す語（重要性の区分など）が含まれています。",
	[SMTP_ATTACHMENT_PERSONAL] = "個人番号（マイナンバー）が含まれています。",
	[SMTP_ATTACHMENT_ANY] = "添付ファイルは受け付けられません。",
	[SMTP_ATTACHMENT_SIZE] = "添付ファイルの大きさが上限を超えています。",
	[SMTP_ATTACHMENT_TOTAL] =
		"添付ファイルの合計が上限を超えています。何通かに分けて送ってください。",
	[SMTP_ATTACHMENT_NUMBER] =
		"添付ファイルの数が上限を超えています。何通かに分けて送ってください。",
	[SMTP_ATTACHMENT_UNREAD] =
		"添付の書庫や文書を最後まで検査できません（破損、多重の圧縮、大きすぎる）。",
	[SMTP_ATTACHMENT_UNDECODABLE] =
		"メールの形式が正しくなく、読み方が一つに決まりません。通常のメールソフトで送ってください。",
	[SMTP_TLS_SERVER] = "宛先のサーバーとの暗号化通信（TLS）が成立しません。",
	[SMTP_UNREACHED] = "宛先のサーバーに接続できません。しばらくしてから送ってください。",
	[SMTP_SERVER_LATE] = "宛先のサーバーが応答しません。しばらくしてから送ってください。",
	[SMTP_ATTACHMENT_BUSY] = "検査が混み合っています。しばらくしてから送ってください。",
};

const struct smtp_reason_row *smtp_reason_row(enum smtp_reason reason)
{
	return &rows[reason];
}

const char *smtp_reason_japanese(enum smtp_reason reason)
{
	return japanese[reason];
}

bool smtp_reason_names_found(enum smtp_reason reason)
{
	return reason == SMTP_MALWARE || reason == SMTP_SCAN_ENCRYPTED ||
	       reason == SMTP_PASSED_MALWARE || reason == SMTP_PASSED_SCAN_ENCRYPTED;
}

const char *smtp_reason_control(enum smtp_reason reason, bool inward)
{
	const char *control = rows[reason].control;
	return !inward && strcmp(control, "MAIL-11") == 0 ? "MAIL-05" : control;
}

uint16_t smtp_reason_code(enum smtp_reason reason)
{
	const char *reply = rows[reason].reply;
	return reply ? (uint16_t)((reply[0] - '0') * 100 + (reply[1] - '0') * 10 + (reply[2] - '0'))
		     : 0;
}

void smtp_reason_reply(enum smtp_reason reason, bool utf8, const char *found,
		       char out[SMTP_REASON_REPLY_MAX])
{
	enum { CODES = sizeof("550 5.7.1 ") - 1 };
	const char *reply = rows[reason].reply ? rows[reason].reply : "";
	int n = (int)strcspn(reply, "\r");
	const char *open = *found ? " (" : "", *close = *found ? ")" : "";
	if (utf8 && *reply && japanese[reason])
		snprintf(out, SMTP_REASON_REPLY_MAX, "%.3s-%.*s%s%s%s\r\n%.*s%s\r\n", reply, n - 4,
			 reply + 4, open, found, close, CODES, reply, japanese[reason]);
	else
		snprintf(out, SMTP_REASON_REPLY_MAX, "%.*s%s%s%s%s", n, reply, open, found, close,
			 reply + n);
}
