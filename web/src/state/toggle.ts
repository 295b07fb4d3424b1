// A two-state choice that shows at once and follows the server: the newest wish wins, calls never overlap, a refusal
// rolls back. Knows neither likes nor follows; engagement.ts does.

export interface TogglePorts {
  /** Shows a state on screen, now. */
  show(on: boolean): void;
  send(on: boolean): Promise<void>;
  onRefused(error: unknown): void;
}

export class Toggle {
  #wish: boolean;
  #known: boolean;
  #sending = false;

  constructor(
    initial: boolean,
    private readonly ports: TogglePorts,
  ) {
    this.#wish = initial;
    this.#known = initial;
  }

  get on(): boolean {
    return this.#wish;
  }

  /** Sets the wish; resolves when the server has settled on it or refused it. */
  async set(on: boolean): Promise<void> {
    if (on === this.#wish) return;
    this.#wish = on;
    this.ports.show(on);
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#wish !== this.#known) await this.#sendOnce();
    } finally {
      this.#sending = false;
    }
  }

  async #sendOnce(): Promise<void> {
    const target = this.#wish;
    try {
      await this.ports.send(target);
      this.#known = target;
    } catch (error) {
      this.#wish = this.#known;
      this.ports.show(this.#known);
      this.ports.onRefused(error);
    }
  }
}
