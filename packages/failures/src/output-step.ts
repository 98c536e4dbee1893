import { upperFirst } from './first-letter.ts';

/** The output that a step leads to. */
type WantedOutput =
  /** While it had a request: `id` is that of the request, or stands for it. Whether it is stored is not known. */
  | { readonly of: 'request'; readonly id: string }
  /** The same, where the reader sees it, or where nothing of it is known. */
  | { readonly of: 'request'; readonly isShown: boolean }
  /** Since a time, in milliseconds since 1970. */
  | { readonly of: 'time'; readonly since: number; readonly isStored: boolean }
  /** Lately: not a clause of its own, but what follows 'See …, and'. */
  | { readonly of: 'last'; readonly words: string };

/** What follows in a step after reading the output: clauses, without a full stop. */
export interface AfterOutput {
  readonly then?: string;
  /** What helps where the application printed nothing for the request. */
  readonly ifNothing?: string;
}

/** A step that begins with reading the output. `when`: the condition of `ifNothing`; null: it is known not to be met. */
export function stepFromOutput(
  application: string,
  wanted: WantedOutput,
  { then, ifNothing }: AfterOutput,
  when: string | null = 'if it printed nothing',
): string {
  const clauses = [
    outputStep([application], wanted),
    ...(then === undefined ? [] : [then]),
    ...(ifNothing === undefined || when === null ? [] : [`${when}, ${ifNothing}`]),
  ];
  return `${clauses.join('; ')}.`;
}

/** What is left of such a step where the application printed nothing for the request. */
export function stepWithoutOutput(application: string, { then, ifNothing }: AfterOutput): string {
  const clauses = [then, ifNothing].filter((clause) => clause !== undefined);
  if (clauses.length > 0) return `${upperFirst(clauses.join('; '))}.`;
  return `Let ${application} print its errors, with the time and the X-Request-Id of the request; \`candor explain\` then shows them.`;
}

/** Where to read what applications that Candor runs have printed: an imperative clause. All texts that lead there are made here. */
export function outputStep(applications: readonly string[], wanted: WantedOutput): string {
  const all = applications.join(', ');
  const meanwhile = `what ${all} printed while it had the request`;
  switch (wanted.of) {
    case 'request':
      if ('id' in wanted)
        return `Read ${meanwhile}: \`candor explain ${wanted.id}\` shows it if the configuration has a \`store\`, otherwise it stands in Candor's own output`;
      if (wanted.isShown) return `Read ${meanwhile}, shown here`;
      return `Read in ${commandOf(applications)} ${meanwhile}; nothing of it is known here`;
    case 'time':
      if (!wanted.isStored) return `See in the gateway's own output what ${all} printed at that time`;
      return `See what ${all} printed with \`candor logs kind:output${queryOf(applications)} since:${textOfTime(wanted.since)}\``;
    case 'last':
      return `in ${commandOf(applications)} ${wanted.words}`;
  }
}

/** The output of applications: it is stored, or passed on. */
function commandOf(applications: readonly string[]): string {
  return `\`candor logs${queryOf(applications)}\` (without a \`store\`: in Candor's own output)`;
}

/** A search has one application, or all of them. */
function queryOf([application = '', ...others]: readonly string[]): string {
  if (others.length > 0) return '';
  return ` application:${/^[\w.-]+$/.test(application) ? application : `'${JSON.stringify(application)}'`}`;
}

const textOfTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
