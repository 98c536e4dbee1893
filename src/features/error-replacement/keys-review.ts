import { failureTable } from '#failures/failure-table.ts';
import { requestRules } from '#failures/rules.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import type { Written } from '../feature-keys.ts';

/** What a route, or the file, says of errors. */
interface ErrorsRead {
  readonly error_pages?: Readonly<Record<string, string>> | undefined;
  readonly replace_errors?: 'none' | readonly string[] | undefined;
}

/** Finds pages for statuses that the gateway never answers and does not replace, and statuses to replace without a page. */
export function reviewErrors(
  { file: { read: file }, routes }: Written<ErrorsRead, object, ErrorsRead>,
  findings: Findings,
): void {
  const scopes = [file, ...routes.map(({ read }) => read)];
  reviewPages(file, { isSent: sentFor(scopes, true), where: '', mayReplace: true }, [], findings);
  const others = routes.filter(({ read }) => read.replace_errors === undefined);
  reviewReplaced(file, [file, ...others.map(({ read }) => read)], [], findings);
  for (const { path, read, to } of routes) {
    // Where no route is found, no page of a route is sent; where no file is, that of its route.
    const answers404 = 'php' in read || ('files' in read && to === null);
    const isSent = sentFor(
      to === null ? [] : [{ replace_errors: read.replace_errors ?? file.replace_errors }],
      answers404,
    );
    const where = answers404 ? '' : 'on a route ';
    reviewPages(read, { isSent, where, mayReplace: to !== null }, path, findings);
    reviewReplaced(read, [file, read], path, findings);
  }
}

/** Nobody writes a page for faults of the gateway alone: the page is meant for the application. */
const ofOwnFaults = '500';

/** Every status that the gateway answers with by itself, but for that of its own faults. */
const ownStatuses: ReadonlySet<string> = new Set(
  [
    ...Object.values(failureTable).flatMap(({ status }) => (typeof status === 'number' ? [String(status)] : [])),
    ...Object.values(requestRules).map(({ status }) => String(status)),
  ].filter((status) => status !== ofOwnFaults),
);

/** Whether a page for a status, or for others, is ever sent. */
function sentFor(scopes: readonly ErrorsRead[], answers404: boolean): (page: string) => boolean {
  const replaced = scopes.flatMap(({ replace_errors: statuses = 'none' }) => (statuses === 'none' ? [] : statuses));
  return (page) =>
    !/^[45]\d\d$/.test(page) ||
    (ownStatuses.has(page) && (answers404 || page !== '404')) ||
    replaced.some((one) => one === page || one === classOf(page));
}

const classOf = (status: string): string => `${status[0]}xx`;

/** Where pages stand. */
interface PagesIn {
  readonly isSent: (page: string) => boolean;
  readonly where: string;
  /** Applications answer there. */
  readonly mayReplace: boolean;
}

function reviewPages(
  { error_pages = {} }: ErrorsRead,
  { isSent, where, mayReplace }: PagesIn,
  path: Path,
  findings: Findings,
): void {
  for (const page of Object.keys(error_pages))
    if (!isSent(page))
      findings.warnAtKey(
        [...path, 'error_pages', page],
        page === ofOwnFaults
          ? `this page is sent only if the gateway itself is faulty: what an application answers with ${page} is passed on as it is`
          : `this page has no effect: ${where}the gateway does not answer ${page} by itself, and what an application answers is passed on as it is`,
        mayReplace
          ? `add "replace_errors: ${page}" to send it in place of what applications answer, or remove it`
          : 'remove it',
      );
}

function reviewReplaced(
  { replace_errors: statuses = 'none' }: ErrorsRead,
  scopes: readonly ErrorsRead[],
  path: Path,
  findings: Findings,
): void {
  if (statuses === 'none') return;
  const pages = scopes.flatMap(({ error_pages = {} }) => Object.keys(error_pages));
  for (const [at, one] of statuses.entries())
    if (!pages.some((page) => page === 'default' || page === one || page === classOf(one) || classOf(page) === one))
      findings.warnAtValue(
        [...path, 'replace_errors', at],
        `"error_pages" has no page for ${one}, so that what applications answer stays as it is`,
        `add one, such as error_pages: { ${one}: pages/${one}.html }`,
      );
}
