import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';

/** The results of a label, a line each. The last one of a play counts. */
export class ResultsFile<Result extends { readonly name: string }> {
  readonly path: string;

  /** `corpus`: a folder below .cache. */
  constructor(corpus: string, label: string) {
    this.path = join(repositoryRoot, '.cache', corpus, `${label}.jsonl`);
    mkdirSync(dirname(this.path), { recursive: true });
  }

  append(result: Result): void {
    appendFileSync(this.path, `${JSON.stringify(result)}\n`);
  }

  /** By the name of the play. A line that was cut is left out. */
  read(): Map<string, Result> {
    const results = new Map<string, Result>();
    if (!existsSync(this.path)) return results;
    for (const line of readFileSync(this.path, 'utf8').split('\n')) {
      const result = parse(line) as Result | null;
      if (result !== null) results.set(result.name, result);
    }
    return results;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
