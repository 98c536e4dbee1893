import { type FSWatcher, watch } from 'node:fs';
import type { ShownChallenge } from '../core/managed-tls.ts';
import type { CertificateStore } from './certificate-store.ts';

/** What a process shows to CAs. */
interface ChallengeDisplay {
  /** Resolves when all workers show it. Never rejects. */
  show(challenge: ShownChallenge): Promise<void>;
  hide(challenge: ShownChallenge): Promise<void>;
}

/** Files that other processes wait for: certificates, challenges, and who owns the folder. */
const awaitedFile = /^(?:certificate-[\da-f]+\.json|challenge-[\da-f]+\.json|lock\.\d+)$/;

/**
 * Challenges of the process that orders, shown by all processes that share its folder: while a gateway is upgraded, or where several
 * gateways have one state folder, the CA's request may reach any of them.
 */
export class SharedChallenges {
  readonly #store: CertificateStore;
  readonly #display: ChallengeDisplay;
  readonly #onChange: () => void;
  /** Of this process. */
  readonly #own = new Set<ShownChallenge>();
  /** Of other processes, by what identifies them. */
  readonly #others = new Map<string, ShownChallenge>();
  #watcher: FSWatcher | null = null;
  #isClosed = false;

  /** `onChange`: another process may have written a certificate, or has released the folder. */
  constructor(store: CertificateStore, display: ChallengeDisplay, onChange: () => void) {
    this.#store = store;
    this.#display = display;
    this.#onChange = onChange;
  }

  /** Shows what is there, and what other processes will write. The folder must exist; otherwise nothing is followed until the next call. */
  follow(): void {
    if (this.#isClosed) return;
    this.#look();
    if (this.#watcher !== null) return;
    try {
      this.#watcher = watch(this.#store.path, { persistent: false }, (_event, file) => this.#changed(file));
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // Without a folder, or beyond the system's limit of watches. Certificates are looked for every minute all the same.
    }
  }

  async present(challenge: ShownChallenge): Promise<void> {
    // Those of an owner that has ended without taking them away.
    for (const other of this.#store.readChallenges())
      if (![...this.#own].some((own) => idOf(own) === idOf(other))) this.#store.removeChallenge(other);
    this.#own.add(challenge);
    // Where it cannot be written, this process shows it all the same.
    this.#store.writeChallenge(challenge);
    await this.#display.show(challenge);
  }

  async cleanUp(challenge: ShownChallenge): Promise<void> {
    this.#own.delete(challenge);
    this.#store.removeChallenge(challenge);
    await this.#display.hide(challenge);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    for (const challenge of this.#others.values()) void this.#display.hide(challenge);
    this.#others.clear();
  }

  #changed(file: string | null): void {
    if (this.#isClosed || (file !== null && !awaitedFile.test(file))) return;
    this.#look();
    this.#onChange();
  }

  #look(): void {
    const own = new Set([...this.#own].map(idOf));
    const there = new Map(this.#store.readChallenges().map((challenge) => [idOf(challenge), challenge]));
    for (const [id, challenge] of there) {
      if (own.has(id) || this.#others.has(id)) continue;
      this.#others.set(id, challenge);
      void this.#display.show(challenge);
    }
    for (const [id, challenge] of this.#others) {
      if (there.has(id)) continue;
      this.#others.delete(id);
      void this.#display.hide(challenge);
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}

function idOf(challenge: ShownChallenge): string {
  const { kind, domain } = challenge;
  return [kind, domain, kind === 'http-01' ? challenge.token : challenge.certificate].join(' ');
}
