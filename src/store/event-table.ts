import type { EventLine } from '../core/store-messages.ts';
import type { Database, Statement } from './database.ts';

interface StoredEvent {
  readonly seq: number;
  readonly json: string;
}

/** Events of a time, the newest first. */
interface EventRange {
  /** Milliseconds since 1970, both included; null: no limit. */
  readonly since: number | null;
  readonly until: number | null;
  /** Only events of these kinds; absent: of all. */
  readonly kinds?: readonly string[] | undefined;
  /** Excluded. */
  readonly beforeSeq: number;
  readonly limit: number;
}

/** The events of a file. They are few beside the exchanges: they need no index. */
export class EventTable {
  readonly #insert: Statement;
  readonly #select: Statement;

  constructor(database: Database) {
    // During an upgrade two processes write to one file: SQLite numbers the rows.
    this.#insert = database.prepare('INSERT INTO events (at, json) VALUES (?, ?)');
    this.#select = database.prepare(
      `SELECT seq, json FROM events WHERE seq < ?1 AND at >= ?2 AND at <= ?3
        AND (?4 IS NULL OR json ->> 'kind' IN (SELECT value FROM json_each(?4))) ORDER BY seq DESC LIMIT ?5`,
    );
  }

  /** Within the transaction of the caller. */
  append(events: readonly EventLine[]): void {
    for (const { at, json } of events) this.#insert.run(at, json);
  }

  search({ since, until, kinds, beforeSeq, limit }: EventRange): readonly StoredEvent[] {
    const rows = this.#select.each(
      beforeSeq,
      since ?? -Number.MAX_SAFE_INTEGER,
      until ?? Number.MAX_SAFE_INTEGER,
      kinds === undefined ? null : JSON.stringify(kinds),
      limit,
    );
    return [...rows].map(([seq, json]) => ({ seq: Number(seq), json: String(json) }));
  }
}
