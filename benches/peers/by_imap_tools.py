"""All mails of INBOX by imap-tools, as JSON to a webhook: fetched, posted and marked as seen one by one, as its README shows.

Nothing survives a crash and nothing is tried twice. Prints one line of JSON when it is done.

    python by_imap_tools.py --port N --ca FILE --user U --password P --url http://127.0.0.1:N/path
"""

import argparse
import base64
import http.client
import json
import resource
import ssl
import time
from urllib.parse import urlsplit

from imap_tools import MailBox


def payload(mail):
    address = lambda who: {"name": who.name, "address": who.email}
    return {
        "id": mail.uid,
        "message_id": mail.headers.get("message-id"),
        "from": [address(mail.from_values)] if mail.from_values else [],
        "to": [address(who) for who in mail.to_values],
        "cc": [address(who) for who in mail.cc_values],
        "subject": mail.subject,
        "date": mail.date.isoformat(),
        "headers": [[name, value] for name, values in mail.headers.items() for value in values],
        "size": mail.size_rfc822,
        "text": mail.text,
        "html": mail.html,
        "attachments": [
            {
                "name": part.filename,
                "content_type": part.content_type,
                "size": part.size,
                "content": base64.b64encode(part.payload).decode(),
            }
            for part in mail.attachments
        ],
    }


def main():
    began = time.monotonic()
    parser = argparse.ArgumentParser()
    for name in ("port", "ca", "user", "password", "url"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    url = urlsplit(args.url)
    webhook = http.client.HTTPConnection(url.hostname, url.port)
    mails = 0
    context = ssl.create_default_context(cafile=args.ca)
    with MailBox("localhost", int(args.port), ssl_context=context).login(args.user, args.password) as mailbox:
        for mail in mailbox.fetch(mark_seen=True):
            headers = {"content-type": "application/json", "webhook-id": mail.uid}
            webhook.request("POST", url.path, json.dumps(payload(mail)), headers)
            answer = webhook.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"HTTP {answer.status}")
            mails += 1
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = time.monotonic() - began
    print(json.dumps({"mails": mails, "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_kib": used.ru_maxrss}))


if __name__ == "__main__":
    main()
