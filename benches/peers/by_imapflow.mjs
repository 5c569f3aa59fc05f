// All mails of INBOX by imapflow and mailparser, as JSON to a webhook: streamed by one FETCH, some under way at once, marked as seen by one
// STORE in the end. Nothing survives a crash and nothing is tried twice. Prints one line of JSON when it is done.
//
//     node by_imapflow.mjs --port N --ca FILE --user U --password P --url http://127.0.0.1:N/path

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

// The packages lie in a folder of their own, not beside this file.
const require = createRequire(`${process.env.NODE_PATH}/`);
const { ImapFlow } = require('imapflow');
const { simpleParser } = require('mailparser');

// Mails that are parsed and posted at once: more than these gained nothing on two cores.
const AT_ONCE = 8;

const began = performance.now();
const options = Object.fromEntries(['port', 'ca', 'user', 'password', 'url'].map((name) => [name, { type: 'string' }]));
const { port, ca, user, password, url } = parseArgs({ options }).values;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

const post = (id, body) =>
    new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'content-length': body.length, 'webhook-id': id };
        const sent = request(url, { agent, method: 'POST', headers }, (answer) => {
            answer.resume();
            answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${answer.statusCode}`))));
        });
        sent.on('error', reject);
        sent.end(body);
    });

const addresses = (list) => (list?.value ?? []).map(({ name, address }) => ({ name, address }));

const handle = async ({ uid, source }) => {
    const mail = await simpleParser(source, { skipImageLinks: true, skipHtmlToText: true, skipTextToHtml: true });
    const body = {
        id: String(uid),
        message_id: mail.messageId,
        from: addresses(mail.from),
        to: addresses(mail.to),
        cc: addresses(mail.cc),
        subject: mail.subject,
        date: mail.date,
        headers: mail.headerLines.map(({ key, line }) => [key, line]),
        size: source.length,
        text: mail.text,
        html: mail.html,
        attachments: mail.attachments.map((part) => ({
            name: part.filename,
            content_type: part.contentType,
            size: part.size,
            content: part.content.toString('base64'),
        })),
    };
    await post(String(uid), Buffer.from(JSON.stringify(body)));
};

const client = new ImapFlow({
    host: 'localhost',
    port: Number(port),
    secure: true,
    auth: { user, pass: password },
    tls: { ca: readFileSync(ca) },
    logger: false,
});
await client.connect();
const lock = await client.getMailboxLock('INBOX');
let mails = 0;
const underWay = new Set();
for await (const mail of client.fetch('1:*', { uid: true, source: true })) {
    const one = handle(mail).then(() => {
        mails += 1;
        underWay.delete(one);
    });
    underWay.add(one);
    if (underWay.size >= AT_ONCE) await Promise.race(underWay);
}
await Promise.all(underWay);
await client.messageFlagsAdd('1:*', ['\\Seen']);
lock.release();
await client.logout();
agent.destroy();

const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const seconds = (performance.now() - began) / 1e3;
console.log(JSON.stringify({ mails, seconds, cpu: (userCPUTime + systemCPUTime) / 1e6, peak_kib: maxRSS }));
