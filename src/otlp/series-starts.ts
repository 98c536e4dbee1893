import type { KeyValue } from './messages.ts';

/**
 * Since when the numbers of each series count: OTLP wants another start time where a sum begins again at 0 (OpenTelemetry, Metrics Data Model,
 * "Resets and Gaps"). A series that was in no export for a while, because its endpoint or route had gone, counts from the export before it returned.
 */
export class SeriesStarts {
  #known: ReadonlyMap<string, number> = new Map();
  #exported = new Map<string, number>();
  /** The export before this one; null: there was none. */
  #lastMs: number | null = null;

  /** Milliseconds since 1970. `startedMs`: the process. */
  startOf(name: string, attributes: readonly KeyValue[], startedMs: number): number {
    const key = JSON.stringify([name, attributes]);
    const startMs = this.#known.get(key) ?? this.#lastMs ?? startedMs;
    this.#exported.set(key, startMs);
    return startMs;
  }

  /** All series of an export have been asked for. */
  endExport(nowMs: number): void {
    this.#known = this.#exported;
    this.#exported = new Map();
    this.#lastMs = nowMs;
  }
}
