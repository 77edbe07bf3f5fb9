#!/bin/bash
# The table of t_mail_words.sh in proxy mode: words and numbers in attachments.
mode=proxy
. "$(dirname "$0")/t_mail_words.sh"
