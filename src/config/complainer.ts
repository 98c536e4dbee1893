import type { Complaint } from './complaints.ts';
import { complain } from './complaints.ts';
import type { Finding } from './explain-issue.ts';
import type { Objection } from './objection.ts';
import type { Path, PlaceIndex } from './place-index.ts';
import { pathText } from './place-index.ts';

/** Of errors, and of warnings. Nobody reads more at once, and mending the first mends many that follow. */
export const complaintsMax = 100;

/** Collects complaints about the paths of one document, each with its place. */
export class Complainer {
  readonly complaints: Complaint[] = [];
  readonly #counts = { error: 0, warning: 0 };
  readonly #file: string;
  readonly #places: PlaceIndex;

  constructor(file: string, places: PlaceIndex) {
    this.#file = file;
    this.#places = places;
  }

  find(finding: Finding): void {
    // What the reader of the document complained of has no value, and is not missing besides.
    if (finding.about !== 'unknown key' && this.#places.isBad(finding.path)) return;
    this.#add(finding.path, finding.about === 'value' ? 'value' : 'key', finding, 'error');
  }

  atKey(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'key', { message, suggestion }, 'error');
  }

  atValue(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'value', { message, suggestion }, 'error');
  }

  object(path: Path, objection: Objection | null, at: 'key' | 'value' = 'value'): void {
    if (objection !== null) this.#add(path, at, objection, 'error');
  }

  warnAtKey(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'key', { message, suggestion }, 'warning');
  }

  warnAtValue(path: Path, message: string, suggestion: string | null = null): void {
    this.#add(path, 'value', { message, suggestion }, 'warning');
  }

  lineOf(path: Path): number {
    return this.#places.keyPlace(path).line;
  }

  #add(path: Path, at: 'key' | 'value', { message, suggestion }: Objection, severity: Complaint['severity']): void {
    if ((this.#counts[severity] += 1) > complaintsMax) return;
    const place = at === 'key' ? this.#places.keyPlace(path) : this.#places.valuePlace(path);
    // The file shows a variable and the sentence speaks of its value.
    const filled = at === 'value' && this.#places.isExpanded(path) ? ' (with its variables filled in)' : '';
    this.complaints.push(complain(this.#file, place, pathText(path), message + filled, suggestion, severity));
  }
}
