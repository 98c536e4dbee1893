import { after, type Clock } from '../core/time.ts';
import { plainText } from './acme-documents.ts';
import type { NameQueries, TxtAnswer } from './name-queries.ts';

/** One that is asked: a server of the zone by its address, or, without one, the resolver. */
interface AskedServer {
  readonly label: string;
  readonly address: string | null;
}

const aliasesMax = 8;
/** Of a zone; large ones have six with two addresses each. */
const serversMax = 12;
const firstPauseMs = 1000;
const pauseMsMax = 10_000;

/**
 * Waits until a TXT record can be found at all name servers of its zone. Those are asked themselves, as a CA does: a resolver would keep the
 * answer that there is no such record for as long as the zone says. Where they cannot be found out, the resolver is asked.
 */
export class DnsPropagation {
  readonly #queries: NameQueries;
  readonly #clock: Clock;

  constructor(queries: NameQueries, clock: Clock) {
    this.#queries = queries;
    this.#clock = clock;
  }

  /** What was seen in the end, a clause. Never rejects, and takes some seconds more than `timeoutMs` at most. */
  async wait(recordName: string, value: string, timeoutMs: number): Promise<string> {
    const clock = this.#clock;
    const start = clock.now();
    const record = await this.#target(recordName);
    const servers = await this.#serversOf(record);
    let missing = servers;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      const answers = await Promise.all(missing.map(({ address }) => this.#queries.txt(record, address)));
      const seen = missing.map((server, index) => ({ server, answer: answers[index] ?? 'EUNKNOWN' }));
      const without = seen.filter(({ answer }) => typeof answer === 'string' || !answer.includes(value));
      const seconds = Math.round((clock.now() - start) / 1000);
      if (without.length === 0)
        return `seen from this machine after ${seconds} s, ${labelsOf(servers)} had the TXT record ${record}`;
      missing = without.map(({ server }) => server);
      if (clock.now() + pauseMs - start > timeoutMs) {
        const details = without.map(({ server, answer }) => `${server.label} (${answerText(answer)})`);
        return `seen from this machine after ${seconds} s, the TXT record ${record} was not yet at ${details.join(', ')}`;
      }
      await new Promise<void>((resolve) => clock.schedule(after(clock.now(), pauseMs), resolve, undefined));
    }
  }

  /** People put an alias at `_acme-challenge` that leads into a zone which a program may change (RFC 8555 §8.4). */
  async #target(recordName: string): Promise<string> {
    let name = recordName;
    for (let count = 0; count < aliasesMax; count++) {
      const next = await this.#queries.alias(name);
      if (next === null) break;
      name = plainText(next).replace(/\.$/, '');
    }
    return name;
  }

  async #serversOf(record: string): Promise<readonly AskedServer[]> {
    const labels = record.split('.');
    // The zone of a top-level domain is nobody's who asks for a certificate.
    for (let from = 0; from < labels.length - 1; from++) {
      const names = await this.#queries.zoneServers(labels.slice(from).join('.'));
      if (names === null) continue;
      const found = await Promise.all(
        names.map(async (name) => (await this.#queries.addresses(name)).map((address) => ({ label: name, address }))),
      );
      const servers = found.flat().slice(0, serversMax);
      if (servers.length > 0) return servers;
      break;
    }
    return [{ label: "this machine's resolver", address: null }];
  }
}

function labelsOf(servers: readonly AskedServer[]): string {
  return [...new Set(servers.map(({ label }) => plainText(label)))].join(', ');
}

function answerText(answer: TxtAnswer): string {
  if (typeof answer !== 'string') return answer.length === 0 ? 'it has none' : 'it has another value';
  if (answer === 'ENOTFOUND' || answer === 'ENODATA') return 'it has none';
  return `no answer: ${answer}`;
}
