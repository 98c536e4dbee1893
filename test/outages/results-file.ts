import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import type { PlayResult } from './play-result.ts';

/** The results of a label, a line each. The last one of a play counts. */
export class ResultsFile {
  readonly path: string;

  constructor(label: string) {
    this.path = join(repositoryRoot, '.cache', 'outages', `${label}.jsonl`);
    mkdirSync(dirname(this.path), { recursive: true });
  }

  append(result: PlayResult): void {
    appendFileSync(this.path, `${JSON.stringify(result)}\n`);
  }

  /** By the name of the play. A line that was cut is left out. */
  read(): Map<string, PlayResult> {
    const results = new Map<string, PlayResult>();
    if (!existsSync(this.path)) return results;
    for (const line of readFileSync(this.path, 'utf8').split('\n')) {
      const result = parse(line);
      if (result !== null) results.set(result.name, result);
    }
    return results;
  }
}

function parse(line: string): PlayResult | null {
  try {
    return JSON.parse(line) as PlayResult;
  } catch {
    return null;
  }
}
