import { memoryText } from '#failures/quantity-text.ts';
import { type Instant } from '../../core/time.ts';

/** Where the memory of a program is counted. */
export type MemorySource = (readText: (path: string) => string | null) => number | null;

/** Of a control group, without pages of files that the kernel may drop. */
export function groupMemory(folder: string, version: 1 | 2): MemorySource {
  const [used, inactive] =
    version === 2
      ? (['memory.current', 'inactive_file'] as const)
      : (['memory.usage_in_bytes', 'total_inactive_file'] as const);
  return (readText) => {
    const all = Number.parseInt(readText(`${folder}/${used}`) ?? '', 10);
    if (Number.isNaN(all)) return null;
    const stat = readText(`${folder}/memory.stat`) ?? '';
    const idle = Number(new RegExp(`^${inactive} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
    return Math.max(0, all - idle);
  };
}

/** How many processes of a group the kernel has killed because its memory ran out; null: it does not tell. */
export function groupKills(folder: string, version: 1 | 2, readText: (path: string) => string | null): number | null {
  const text = readText(`${folder}/${version === 2 ? 'memory.events' : 'memory.oom_control'}`);
  const count = text === null ? undefined : /^oom_kill (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}

/** A master that starts a leaking child again and again is told so often. */
const reportEveryMs = 60_000;

/** How many processes of a program that runs on were killed for memory, since that was told last. */
export class ChildKills {
  #reported: number;
  #reportedAt: Instant | null = null;

  constructor(kills: number) {
    this.#reported = kills;
  }

  /** To tell now; 0: none. `kills`: of the group, at the look before the last one: the kill of the program itself is told with its end. */
  due(kills: number, now: Instant): number {
    const count = kills - this.#reported;
    if (count <= 0 || (this.#reportedAt !== null && now - this.#reportedAt < reportEveryMs)) return 0;
    this.#reported = kills;
    this.#reportedAt = now;
    return count;
  }
}

interface Sample {
  readonly at: Instant;
  readonly bytes: number;
}

const samplesMax = 64;

/** The growth of one program. Bounded: of a long run every second sample is dropped again and again. */
export class MemoryGrowth {
  #samples: Sample[] = [];
  #stride = 1;
  #seen = 0;
  #last: Sample | null = null;

  add(at: Instant, bytes: number): void {
    this.#last = { at, bytes };
    if (this.#seen++ % this.#stride !== 0) return;
    this.#samples.push(this.#last);
    if (this.#samples.length < samplesMax) return;
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  get peakBytes(): number {
    return Math.max(0, this.#last?.bytes ?? 0, ...this.#samples.map(({ bytes }) => bytes));
  }

  /** Since it last used little: 'it had grown from 80 MiB to 500 MiB within 4 min'; null: that is not known. */
  text(): string | null {
    const last = this.#last;
    if (last === null) return null;
    const least = this.#samples.reduce((one, other) => (other.bytes < one.bytes ? other : one), last);
    if (least === last) return null;
    const seconds = Math.max(1, Math.round((last.at - least.at) / 1000));
    const within =
      seconds < 120
        ? `${seconds} s`
        : seconds < 7200
          ? `${Math.round(seconds / 60)} min`
          : `${Math.round(seconds / 3600)} h`;
    return `it had grown from ${memoryText(least.bytes)} to ${memoryText(last.bytes)} within ${within}`;
  }
}

interface ReleaseMemory {
  readonly release: string;
  peakBytes: number;
  kills: number;
}

/** Bounds of memory: an entry takes some 100 bytes. */
const releasesMax = 16;

/** What the releases of each application have used, and whether they were killed for it: in the order in which they ran first. */
export class MemoryOfReleases {
  readonly #byApplication = new Map<string, ReleaseMemory[]>();

  used(application: string, release: string | null, bytes: number): void {
    const found = this.#entry(application, release);
    if (found !== null) found.peakBytes = Math.max(found.peakBytes, bytes);
  }

  /** Since which release programs of the application are killed; null: nothing can be said. Counts this kill. */
  killed(application: string, release: string | null): string | null {
    const found = this.#entry(application, release);
    if (found === null) return null;
    found.kills += 1;
    const all = this.#byApplication.get(application) ?? [];
    let first = all.indexOf(found);
    while ((all[first - 1]?.kills ?? 0) > 0) first -= 1;
    const before = all[first - 1];
    const since = all[first];
    if (since === undefined) return null;
    const now =
      since === found
        ? `it runs release ${found.release}`
        : `it runs release ${found.release}, and this happens since release ${since.release}`;
    if (before === undefined) return now;
    return `${now}; release ${before.release} before used at most ${memoryText(before.peakBytes)}`;
  }

  export(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#byApplication]));
  }

  import(bytes: Uint8Array): void {
    for (const [application, releases] of JSON.parse(Buffer.from(bytes).toString()) as [string, ReleaseMemory[]][])
      this.#byApplication.set(application, releases);
  }

  #entry(application: string, release: string | null): ReleaseMemory | null {
    if (release === null) return null;
    const all = this.#byApplication.get(application) ?? [];
    const known = all.find((one) => one.release === release);
    if (known !== undefined) return known;
    const made = { release, peakBytes: 0, kills: 0 };
    all.push(made);
    if (all.length > releasesMax) all.shift();
    this.#byApplication.set(application, all);
    return made;
  }
}
