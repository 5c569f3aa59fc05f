// What a test makes of the answers: others in their place, changed ones, late ones, lost ones, and ones that wait for a word.

import { setTimeout as sleep } from 'node:timers/promises';

export class Script {
  #answers = [];

  // Each {grant, status, type, body, patch, lost, delay} is for one token request, of that grant if there is one.
  add(answers) {
    this.#answers.push(...answers);
  }

  // How many still wait for their request.
  get left() {
    return this.#answers.length;
  }

  #take(grant) {
    const at = this.#answers.findIndex((answer) => answer.grant === null || answer.grant === grant);
    return at < 0 ? undefined : this.#answers.splice(at, 1)[0];
  }

  play = async (ctx, next) => {
    const answer = ctx.state.form && this.#take(ctx.state.form.grant_type);
    if (!answer) return next();
    if (answer.status) {
      ctx.status = answer.status;
      ctx.set('content-type', answer.type);
      ctx.body = answer.body;
    } else {
      await next();
      ctx.body = patched(ctx.body, answer.patch);
    }
    await sleep(answer.delay);
    if (answer.lost) {
      ctx.respond = false;
      ctx.req.socket.destroy();
    }
    return undefined;
  };
}

// A null takes the field away (RFC 7396).
const patched = (body, patch) =>
  Object.fromEntries(Object.entries({ ...body, ...patch }).filter(([, value]) => value !== null));

// Paths whose answers, ready as they are, wait until the test releases them.
export class Holds {
  #holds = new Map();

  hold(path) {
    this.#holds.set(path, { seen: Promise.withResolvers(), released: Promise.withResolvers() });
  }

  // Resolves when an answer waits.
  held(path) {
    return this.#holds.get(path).seen.promise;
  }

  release(path) {
    this.#holds.get(path).released.resolve();
    this.#holds.delete(path);
  }

  wait = async (ctx, next) => {
    await next();
    const hold = this.#holds.get(ctx.path);
    hold?.seen.resolve();
    await hold?.released.promise;
  };
}
