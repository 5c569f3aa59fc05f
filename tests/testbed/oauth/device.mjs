// What oidc-provider leaves out of RFC 8628: the interval between two polls, and `slow_down` for who polls faster.

// A client's timer may be a little early.
const TOLERANCE_MS = 100;

export class Devices {
  #settings;

  #polls = new Map();

  constructor(settings) {
    this.#settings = settings;
  }

  pace = async (ctx, next) => {
    await next();
    const started = ctx.path === '/device/auth' && ctx.body?.device_code;
    if (started) {
      ctx.body.interval = this.#settings.device_interval;
      this.#polls.set(started, { at: Date.now(), interval: this.#settings.device_interval });
    }
    if (ctx.body?.error === 'authorization_pending') this.#poll(ctx);
  };

  #poll(ctx) {
    const poll = this.#polls.get(ctx.state.form.device_code);
    const early = Date.now() - poll.at < poll.interval * 1000 - TOLERANCE_MS;
    poll.at = Date.now();
    if (!early) return;
    // "the interval MUST be increased by 5 seconds for this and all subsequent requests" (section 3.5).
    poll.interval += this.#settings.slow_down_by;
    ctx.body = { error: 'slow_down', error_description: `poll every ${poll.interval} s` };
  }
}
