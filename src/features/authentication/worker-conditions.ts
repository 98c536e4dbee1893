import type { AuthenticationReport } from './settings.ts';
import type { SchemePart } from './worker-scheme.ts';

/** What the schemes of a route have from services, told when it changes. */
export class Conditions {
  readonly #schemes: ReadonlyMap<string, SchemePart>;
  #reported = '{}';

  constructor(schemes: ReadonlyMap<string, SchemePart>) {
    this.#schemes = schemes;
  }

  /** Null: it is as at the last call. */
  take(): NonNullable<AuthenticationReport['conditions']> | null {
    const conditions = Object.fromEntries(
      [...this.#schemes].flatMap(([name, part]) => {
        const condition = part.condition?.();
        return condition === undefined ? [] : [[name, condition] as const];
      }),
    );
    const report = JSON.stringify(conditions);
    if (report === this.#reported) return null;
    this.#reported = report;
    return conditions;
  }
}
