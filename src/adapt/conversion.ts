import { escapeInvisible } from '#failures/invisible-characters.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { isSecretName } from '../redact/secret-name.ts';

export type AdaptedKind = 'procfile' | 'compose' | 'pm2' | 'systemd';

/** A line of the file, and what became of it. Lines are counted from 1; 0 is the file as a whole. */
export interface ConversionNote {
  readonly line: number;
  /** `left_out`: the new configuration does not have it. `changed`: it does otherwise. */
  readonly kind: 'left_out' | 'changed';
  readonly text: string;
  /** The name of the application that it belongs to, if it belongs to one. */
  readonly application: string | null;
}

interface AdaptedSecret {
  readonly application: string;
  readonly name: string;
}

export type Command = string | readonly string[];

interface AdaptedWorker {
  command: Command;
  environment?: Record<string, string>;
  instances?: number | 'per_core';
}

interface AdaptedJob {
  command: Command;
  environment?: Record<string, string>;
  schedule?: string;
  time_zone?: string;
  catch_up?: 'last';
  timeout?: string;
}

interface AdaptedReadiness {
  path?: string;
  tcp?: boolean;
  interval?: string;
  timeout?: string;
  start_timeout?: string;
}

/** An application with the keys of the configuration. */
export interface AdaptedApplication {
  command?: Command;
  directory?: string;
  environment: Record<string, string>;
  secrets: string[];
  instances?: number | 'per_core';
  port?: number;
  readiness?: AdaptedReadiness;
  stop_timeout?: string;
  restart: { first_delay?: string; reset_after?: string };
  depends_on: string[];
  user?: string;
  limits: { memory?: string; cpu?: number; processes?: number; descriptors?: number; nice?: number };
  isolation?: 'strict';
  releases: { before?: Command };
  workers: Record<string, AdaptedWorker>;
  jobs: Record<string, AdaptedJob>;
}

interface AdaptedRoute {
  host?: string | string[];
  path?: string | string[];
  listener?: string;
  to: string;
}

/** What a file of another program says, in the terms of a configuration. */
export class Conversion {
  readonly dependencies = new Map<string, string>();
  readonly applications = new Map<string, AdaptedApplication>();
  readonly upstreams = new Map<string, string>();
  readonly listeners = new Map<string, string>();
  readonly routes: AdaptedRoute[] = [];
  readonly notes: ConversionNote[] = [];
  readonly #redactor = new TextRedactor();
  /** The addresses among the values of variables, with their secrets. */
  readonly #addresses = new Map<string, string[]>();

  application(name: string): AdaptedApplication {
    const known = this.applications.get(name);
    if (known !== undefined) return known;
    const made: AdaptedApplication = {
      environment: {},
      secrets: [],
      restart: {},
      depends_on: [],
      limits: {},
      releases: {},
      workers: {},
      jobs: {},
    };
    this.applications.set(name, made);
    return made;
  }

  leftOut(line: number, text: string, application: string | null = null): void {
    this.#note(line, 'left_out', text, application);
  }

  changed(line: number, text: string, application: string | null = null): void {
    this.#note(line, 'changed', text, application);
  }

  #note(line: number, kind: ConversionNote['kind'], text: string, application: string | null): void {
    const note = { line, kind, text: escapeInvisible(text.replace(/\s+/g, ' ')), application };
    const isSame = (one: ConversionNote): boolean =>
      one.line === line && one.text === note.text && one.application === application;
    if (!this.notes.some(isSame)) this.notes.push(note);
  }

  /**
   * The value of a variable becomes part of the configuration only if it looks like no secret. With `of` it is of this worker or job, and the
   * application and its other programs do not have it; a secret is always of the application.
   */
  setVariable(application: string, name: string, value: string, of: AdaptedWorker | AdaptedJob | null = null): void {
    const { environment, secrets } = this.application(application);
    if (/^\w+:\/\//.test(value)) this.#addresses.set(application, [...this.addressesOf(application), value]);
    if (isSecretVariable(name, value, this.#redactor)) {
      delete environment[name];
      if (!secrets.includes(name)) secrets.push(name);
    } else if (secrets.includes(name)) return;
    else if (of === null) environment[name] = value;
    else if (environment[name] !== value) of.environment = { ...of.environment, [name]: value };
  }

  addressesOf(application: string): readonly string[] {
    return this.#addresses.get(application) ?? [];
  }

  /** A part of the file, as a note may quote it. */
  withoutSecrets(text: string): string {
    return this.#redactor.redact(text);
  }

  get secrets(): readonly AdaptedSecret[] {
    return [...this.applications].flatMap(([application, { secrets }]) =>
      secrets.map((name) => ({ application, name })),
    );
  }
}

function isSecretVariable(name: string, value: string, redactor: TextRedactor): boolean {
  // `${NAME}` says where a value comes from.
  if (/^\$\{\w+\}$/.test(value)) return false;
  return isSecretName(name) || redactor.mask(value) !== value;
}

/** Why a file cannot be converted at all, and what to do. */
export class NotConvertible extends Error {
  override readonly name = 'NotConvertible';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export interface SourceFile {
  readonly name: string;
  readonly text: string;
  /** The name of its folder. */
  readonly folder: string;
  /** Its folder as the configuration names it; '' where the two are in one folder. */
  readonly directory: string;
  /** A file beside it, by its path from there; null: there is none that can be read. */
  beside(path: string): Promise<string | null>;
}

/** A name of the configuration that is most like `written`. */
export function nameLike(written: string, otherwise = 'app'): string {
  const plain = written
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 63);
  return plain === '' ? otherwise : plain;
}

/** The path of `inner`, which a file in `directory` names. */
export function pathIn(directory: string, inner: string): string {
  if (inner.startsWith('/')) return inner.replace(/(?<=.)\/+$/, '');
  const parts: string[] = [];
  for (const part of `${directory}/${inner}`.split('/'))
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  const joined = parts.join('/');
  return directory.startsWith('/') ? `/${joined}` : joined;
}
