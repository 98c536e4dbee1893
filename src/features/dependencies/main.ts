import type { ExchangeCount } from '../../core/counters.ts';
import type { EventSink } from '../../core/event.ts';
import { isFailedCount } from '../../record/exchange-figures.ts';
import { mainFeature, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { faults, findingText } from './finding.ts';
import type { Cancellable } from '../../core/connector.ts';
import type { CheckOrder, CheckResult, DependencyCheckPorts } from './main-check.ts';
import type { FoundPassword, Passwords } from './main-password.ts';
import { type DependencyChange, DependencyWatch } from './main-watch.ts';
import {
  dependenciesName,
  type DependenciesSpec,
  type DependenciesStatus,
  type DependencySpec,
  type DependsOnSpec,
} from './settings.ts';
import { dependencyOf } from './url.ts';

interface DependenciesParts extends DependencyCheckPorts {
  readonly events: EventSink;
  readonly stateFolder: string | null;
}

interface Watched {
  readonly spec: DependencySpec;
  /** Those that differ are checked anew. */
  readonly key: string;
  readonly watch: DependencyWatch;
  /** Names of applications. */
  dependents: readonly string[];
}

/** Checks what applications depend on, and tells when it changes. It keeps no request from an application. */
class Dependencies implements MainPart<DependenciesSpec | DependsOnSpec> {
  readonly #parts: DependenciesParts;
  #watched = new Map<string, Watched>();
  /** Read with the first check that needs one. */
  #passwords: Passwords | null = null;

  constructor(parts: DependenciesParts) {
    this.#parts = parts;
  }

  use(scopes: readonly ScopedSpec<DependenciesSpec | DependsOnSpec>[]): void {
    const specs = scopes.flatMap(({ spec }) => ('dependencies' in spec ? spec.dependencies : []));
    const before = this.#watched;
    this.#watched = new Map();
    for (const spec of specs) {
      const dependents = scopes.flatMap(({ scope, spec: one }) =>
        'names' in one && one.names.includes(spec.name) ? [scope.id] : [],
      );
      const key = JSON.stringify(spec);
      const known = before.get(spec.name);
      const same = known !== undefined && known.key === key;
      if (same) known.dependents = dependents;
      this.#watched.set(spec.name, same ? known : this.#begin(spec, key, dependents));
      if (same) before.delete(spec.name);
    }
    for (const gone of before.values()) this.#end(gone);
  }

  #begin(spec: DependencySpec, key: string, dependents: readonly string[]): Watched {
    const { clock, random } = this.#parts;
    const watch = new DependencyWatch({
      ...{ clock, random, intervalMs: spec.intervalMs },
      check: (onResult) => this.#check(watched, onResult),
      onChange: (change) => this.#report(watched, change),
    });
    const watched: Watched = { spec, key, watch, dependents };
    watch.start();
    return watched;
  }

  /** The protocols are loaded with the first check: most gateways need none. */
  #check(watched: Watched, onResult: (result: CheckResult) => void): Cancellable {
    let running: Cancellable | null = null;
    let isCancelled = false;
    const loaded = Promise.all([import('./main-check.ts'), this.#passwordOf(watched)]);
    void loaded.then(([{ checkDependency }, found]) => {
      if (isCancelled) return;
      const missing = found?.missing ?? null;
      const reported = (result: CheckResult): void =>
        onResult(missing === null ? result : withMissing(result, missing));
      running = checkDependency(orderOf(watched.spec, found), this.#parts, reported);
    });
    return {
      cancel() {
        isCancelled = true;
        running?.cancel();
      },
    };
  }

  /** Read for each check, so that it may change; null: what the URL says holds. */
  async #passwordOf({ spec, dependents }: Watched): Promise<FoundPassword | null> {
    if (spec.passwordFile === null && spec.passwordSecret === null) return null;
    const { Passwords } = await import('./main-password.ts');
    const { stateFolder, random, clock } = this.#parts;
    this.#passwords ??= new Passwords({ stateFolder, random, wallTime: () => clock.wallTime() });
    return this.#passwords.find(spec, dependents[0] ?? null);
  }

  #end({ spec, watch }: Watched): void {
    watch.stop();
    if (watch.state === 'unknown' || watch.state === 'up') return;
    this.#parts.events.emit({
      kind: 'dependency_state',
      subject: `dependency:${spec.name}`,
      from: watch.state,
      to: 'removed',
      reason: `${spec.name} is not checked any more: the configuration does not have it, or has it otherwise`,
      evidence: {
        ...factsOf(spec),
        fault: null,
        then: 'was removed',
        dependents: [],
        sinceMs: 0,
        otherMs: null,
        fix: null,
      },
    });
  }

  #report({ spec, dependents }: Watched, { from, to, finding, sinceMs, otherMs }: DependencyChange): void {
    // That all is as it should be is nothing new when the gateway starts.
    if (from === 'unknown' && to === 'up') return;
    const { fault } = finding;
    this.#parts.events.emit({
      kind: 'dependency_state',
      subject: `dependency:${spec.name}`,
      from,
      to,
      reason: `${spec.name} (${spec.shown}) ${to === 'up' ? `works again: it ${findingText(finding)}` : findingText(finding)}`,
      evidence: {
        ...factsOf(spec),
        ...{
          fault,
          then: fault === null ? 'worked' : faults[fault].then,
          dependents,
          sinceMs: Math.round(sinceMs),
          otherMs: otherMs === null ? null : Math.round(otherMs),
        },
        fix: fault === null ? null : faults[fault].nextStep,
      },
    });
  }

  /** A request that fails may do so because of a dependency: it is looked at now, and not at the next turn. */
  onExchanges(exchanges: readonly ExchangeCount[]): void {
    if (this.#watched.size === 0) return;
    const failing = new Set(exchanges.flatMap((one) => (isFailedCount(one) ? [one.upstream] : [])));
    if (failing.size === 0) return;
    for (const { dependents, watch } of this.#watched.values())
      if (dependents.some((one) => failing.has(one))) watch.checkSoon();
  }

  status(): DependenciesStatus {
    const dependencies = [...this.#watched.values()].map(({ spec, watch, dependents }) => {
      const { state, finding, sinceMs, checkMs } = watch;
      return {
        ...{ name: spec.name, kind: spec.kind, address: spec.shown, state },
        reason: finding === null ? 'was not checked yet' : findingText(finding),
        nextStep: finding === null || finding.fault === null ? null : faults[finding.fault].nextStep,
        sinceS: Math.floor(sinceMs / 1000),
        checkMs: checkMs === null ? null : Math.round(checkMs * 10) / 10,
        dependents,
      };
    });
    return { dependencies };
  }

  stop(): void {
    for (const { watch } of this.#watched.values()) watch.stop();
  }
}

const factsOf = ({ name, kind, shown }: DependencySpec) => ({ dependency: name, type: kind, address: shown });

function orderOf({ url, timeoutMs, readOnly }: DependencySpec, found: FoundPassword | null): CheckOrder {
  const target = dependencyOf(url);
  // The file would not have been accepted.
  if (!target.ok) throw new Error(target.failure.message);
  return { ...target.value, timeoutMs, readOnly, password: found === null ? target.value.password : found.password };
}

/** A check without the password goes as far as it comes. */
function withMissing(result: CheckResult, missing: string): CheckResult {
  if (result === null || result.fault !== null) return result;
  return { ...result, detail: `${result.detail} (${missing})` };
}

export const dependencies = mainFeature<DependenciesSpec | DependsOnSpec, Dependencies, DependenciesStatus>({
  name: dependenciesName,
  metrics: ({ dependencies: shown }) => [
    {
      name: 'candor_dependency_up',
      help: 'Whether the last check found the dependency up (1), or degraded by its own account (0.5), or down (0).',
      samples: shown.flatMap(({ name, kind, state }) =>
        state === 'unknown' ? [] : [[{ dependency: name, kind }, state === 'up' ? 1 : state === 'degraded' ? 0.5 : 0]],
      ),
    },
    {
      name: 'candor_dependency_check_seconds',
      help: 'How long the last check of the dependency took.',
      samples: shown.flatMap(({ name, kind, checkMs }) =>
        checkMs === null ? [] : [[{ dependency: name, kind }, checkMs / 1000]],
      ),
    },
  ],
  start: ({ clock, random, events, connector, checker, stateFolder }) =>
    new Dependencies({ clock, random, events, connector, checker, stateFolder }),
});
