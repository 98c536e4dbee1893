import { askAdmin } from './admin-client.ts';
import type { SeenIncident, SeenSuspect } from './play-result.ts';

/** What this file reads of `GET /v1/incidents`. */
interface ShownIncident {
  readonly key: string;
  readonly title: string;
  readonly reason: string;
  readonly whose: string;
  readonly upstream: string;
  readonly resolved_at: string | null;
  readonly joined: number | null;
  readonly routes: readonly { readonly route: string }[];
  readonly endpoints: readonly { readonly endpoint: string }[];
  readonly causes: readonly { readonly cause: string }[];
  readonly suspects: readonly ShownSuspect[];
  readonly additions: readonly { readonly until?: string; readonly suspects: readonly ShownSuspect[] }[];
}

interface ShownSuspect {
  readonly name: string;
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly next_step: string;
}

/** Looks at the incidents of the gateway once a second, and keeps what changes. */
export class IncidentWatch {
  readonly changes: SeenIncident[] = [];
  readonly #socket: string;
  readonly #second: () => number;
  readonly #last = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(socket: string, second: () => number) {
    this.#socket = socket;
    this.#second = second;
    this.#timer = setInterval(() => void this.look(), 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    const answer = await askAdmin(this.#socket, 'GET', '/v1/incidents').catch(() => null);
    if (answer === null) return;
    for (const incident of (answer as { incidents: ShownIncident[] }).incidents)
      this.#note(seen(incident, this.#second()));
  }

  #note(incident: SeenIncident): void {
    // Figures change each second, and say nothing new.
    const { title, whose, isResolved, isJoined, routes, endpoints, causes, suspects, additions } = incident;
    const first = [...suspects.slice(0, 1), ...additions].map(({ sentence }) => sentence.replaceAll(/[\d.]+/g, ''));
    const names = suspects.map(({ name }) => name);
    const state = JSON.stringify([title, whose, isResolved, isJoined, routes, endpoints, causes, names, first]);
    if (this.#last.get(incident.key) === state) return;
    this.#last.set(incident.key, state);
    this.changes.push(incident);
  }
}

function seen(incident: ShownIncident, second: number): SeenIncident {
  const { key, title, reason, whose, upstream } = incident;
  return {
    second,
    key,
    title,
    reason,
    whose,
    upstream,
    isResolved: incident.resolved_at !== null,
    isJoined: incident.joined !== null,
    routes: incident.routes.map(({ route }) => route).toSorted(),
    endpoints: incident.endpoints.map(({ endpoint }) => endpoint).toSorted(),
    causes: incident.causes.map(({ cause }) => cause).toSorted(),
    suspects: incident.suspects.slice(0, 3).map(suspect),
    additions: incident.additions
      .filter(({ until }) => until === undefined)
      .flatMap(({ suspects: [first] }) => (first === undefined ? [] : [suspect(first)])),
  };
}

function suspect({ name, sentence, evidence, next_step }: ShownSuspect): SeenSuspect {
  return { name, sentence, evidence, nextStep: next_step };
}
