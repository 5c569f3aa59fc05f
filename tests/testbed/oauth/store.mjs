// Where oidc-provider keeps its tokens, sessions and grants: in memory, without a limit (its own store holds 1,000 entries,
// fewer than a benchmark's mailboxes), and searchable by account, so that a test can revoke all that a person granted.

export class Store {
  #entries = new Map();
  #application;

  // `application` turns a client id into the metadata of a client that nobody registered, or into something falsy.
  constructor(application) {
    this.#application = application;
  }

  // The adapter of one of oidc-provider's models.
  of(model) {
    const entries = this.#entries;
    const key = (id) => `${model}:${id}`;
    const live = (id) => {
      const entry = entries.get(id);
      return entry && entry.until > Date.now() ? entry.payload : undefined;
    };
    const search = (name, value) => {
      for (const [id, { payload }] of entries) {
        if (id.startsWith(`${model}:`) && payload[name] === value) return live(id);
      }
      return undefined;
    };
    return {
      find: async (id) => (model === 'Client' ? this.#application(id) || undefined : live(key(id))),
      findByUid: async (uid) => search('uid', uid),
      findByUserCode: async (code) => search('userCode', code),
      upsert: async (id, payload, seconds) => {
        // An expired device code has an answer of its own, so it isn't forgotten (RFC 8628 section 3.5, `expired_token`).
        const ends = seconds && model !== 'DeviceCode';
        entries.set(key(id), { payload, until: ends ? Date.now() + seconds * 1000 : Infinity });
      },
      consume: async (id) => {
        entries.get(key(id)).payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => {
        entries.delete(key(id));
      },
      revokeByGrantId: async (grantId) => {
        this.#remove((payload) => payload.grantId === grantId);
      },
    };
  }

  // Forgets all that belongs to an account; the number of things forgotten.
  revoke(user) {
    return this.#remove((payload) => payload.accountId === user || payload.extra?.email === user);
  }

  #remove(matches) {
    const before = this.#entries.size;
    for (const [id, { payload }] of this.#entries) {
      if (matches(payload)) this.#entries.delete(id);
    }
    return before - this.#entries.size;
  }
}
