import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobFact } from '../../src/features/jobs/main-history.ts';

/** What became of each second at which the job `shop.tick` was due: by what its program wrote, the journal and the events. */
export class JobTicks {
  readonly #ranFile: string;
  readonly #journalFile: string;
  /** Numbers of runs, by the times that they were claimed for. */
  readonly #claimed = new Map<number, Set<number>>();
  readonly #skipped = new Set<number>();
  readonly #missed: { readonly first: number; readonly last: number }[] = [];
  /** Of the last piece of output. */
  #rest = '';

  constructor(folder: string) {
    this.#ranFile = join(folder, 'ran');
    this.#journalFile = join(folder, 'state', 'jobs', 'journal');
  }

  /** Times that the programs were told they were due at, in their order. */
  get ran(): readonly string[] {
    return textOf(this.#ranFile).split('\n').slice(0, -1);
  }

  #read(): void {
    const lines = textOf(this.#journalFile).split('\n').slice(0, -1);
    for (const line of lines) this.#note(JSON.parse(line) as JobFact);
  }

  #note(fact: JobFact): void {
    if (!('job' in fact) || fact.job !== 'shop.tick') return;
    if (fact.kind === 'started' && fact.tick !== null) this.#claim(fact.tick, fact.run);
    else if (fact.kind === 'skipped') this.#skipped.add(fact.tick);
    else if (fact.kind === 'missed') this.#missed.push(fact);
  }

  #claim(at: number, run: number): void {
    this.#claimed.set(at, (this.#claimed.get(at) ?? new Set()).add(run));
  }

  /** Of what the gateway prints: events tell what the journal could not be told yet. */
  readEvents(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.includes('"job_') || !line.includes('shop.tick')) continue;
      const { kind, evidence } = JSON.parse(line) as { kind: string; evidence: Record<string, string | number> };
      const at = (key: string): number => Date.parse(String(evidence[key]));
      if (kind === 'job_started') this.#claim(at('at'), Number(evidence['run']));
      else if (kind === 'job_skipped') this.#skipped.add(at('at'));
      else if (kind === 'job_missed') this.#missed.push({ first: at('first'), last: at('last') });
    }
  }

  /** To be asked often, before a compaction of the journal leaves lines out. Times that ran or were claimed twice, and those that nothing was said of, as sentences. */
  broken(): readonly string[] {
    // A run is claimed before it begins: what has run now stands in the journal that is read afterwards.
    const { ran } = this;
    this.#read();
    const twice = ran.filter((one, at) => ran.indexOf(one) !== at);
    const claimedTwice = [...this.#claimed].filter(([, runs]) => runs.size > 1).map(([at]) => iso(at));
    const unclaimed = ran.filter((one) => !this.#claimed.has(Date.parse(one)));
    const untold: string[] = [];
    const known = [...this.#claimed.keys()];
    for (let at = Math.min(...known); at <= Math.max(...known); at += 1000) if (!this.#isTold(at)) untold.push(iso(at));
    return [
      ...twice.map((one) => `the job ran twice for ${one}`),
      ...claimedTwice.map((one) => `the journal has two runs for ${one}`),
      ...unclaimed.map((one) => `the job ran for ${one} without a claim`),
      ...untold.map((one) => `nothing was said of ${one}`),
    ];
  }

  #isTold(at: number): boolean {
    const isMissed = this.#missed.some(({ first, last }) => first <= at && at <= last);
    return isMissed || this.#claimed.has(at) || this.#skipped.has(at);
  }
}

const iso = (at: number): string => new Date(at).toISOString();

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
