import { setTimeout as sleep } from 'node:timers/promises';
import { askAdmin } from '../outages/admin-client.ts';
import type { RolloutSight } from './play-result.ts';

const lookEveryMs = 250;

interface ShownReleases {
  readonly applications: readonly {
    readonly in_force: string | null;
    readonly rollout: ShownRollout | null;
    readonly last: ShownRollout | null;
  }[];
}

interface ShownRollout {
  readonly to: string;
  readonly state: string;
  readonly share: number;
}

/** Asks the gateway what share of the requests a release gets, and notes each change. */
export class RolloutWatch {
  readonly sights: RolloutSight[] = [];
  readonly #socket: string;
  readonly #release: string;
  readonly #second: () => number;
  #isOver = false;

  constructor(socket: string, release: string, second: () => number) {
    this.#socket = socket;
    this.#release = release;
    this.#second = second;
    void this.#run();
  }

  stop(): void {
    this.#isOver = true;
  }

  /** The release has had requests, and gets none any more. */
  get isTakenBack(): boolean {
    return this.sights.some(({ share }) => share > 0) && this.sights.at(-1)?.share === 0;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#look().catch(() => {});
      await sleep(lookEveryMs);
    }
  }

  async #look(): Promise<void> {
    const { applications } = (await askAdmin(this.#socket, 'GET', '/v1/releases')) as ShownReleases;
    const [shop] = applications;
    if (shop === undefined) return;
    const { rollout } = shop;
    const usual = shop.in_force === this.#release ? 1 : 0;
    const share = rollout === null ? usual : rollout.to === this.#release ? rollout.share : 1 - rollout.share;
    const state = rollout?.state ?? (shop.last?.to === this.#release ? shop.last.state : null);
    const last = this.sights.at(-1);
    if (last?.share !== share || last.state !== state) this.sights.push({ second: this.#second(), state, share });
  }
}
