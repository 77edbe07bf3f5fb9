#!/bin/bash
# The table of t_mail_hold.sh in proxy mode: held mail, its release by two persons and its delivery.
mode=proxy
. "$(dirname "$0")/t_mail_hold.sh"
