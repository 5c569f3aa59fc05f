// A hoodiecrow-imap with TLS: node hoodiecrow.js PORT CERTIFICATE KEY USER PASSWORD
const fs = require("fs");
const hoodiecrow = require("hoodiecrow-imap");

const [port, cert, key, user, password] = process.argv.slice(2);
const server = hoodiecrow({
    plugins: ["ID", "SASL-IR", "AUTH-PLAIN", "NAMESPACE", "IDLE", "ENABLE", "LITERALPLUS", "UNSELECT", "MOVE", "UIDPLUS"],
    secureConnection: true,
    credentials: { cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
    users: { [user]: { password } },
    storage: { INBOX: {} },
});
server.listen(Number(port));
