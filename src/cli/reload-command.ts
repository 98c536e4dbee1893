import type { ConfigurationJson } from '../core/schemas/configurations.ts';
import { statusOfJson } from './gateway-lookup.ts';
import { apiRoot } from '../admin/operations.ts';
import { after, type Instant } from '../core/time.ts';
import type { ReloadOutcome } from '../control/gateway-status.ts';
import type { ApplicationStatus } from '../core/schemas/status.ts';
import { failedText, instancesText, replacementProgress, servingText, waitingText } from '../control/replacements.ts';
import { type AdminTarget, isTrustedLater, trustingToo } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { findAdminToChange } from './find-admin.ts';
import { harmless, wrap, wrapAfter, printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { exitOf, follow, readReleases } from './rollout-watch.ts';

export interface ReloadFlags extends AskFlags {
  /** Waits until the new instances of changed applications serve, or until one of them fails. */
  readonly wait: boolean;
  /** Seconds that `--wait` may take. */
  readonly timeout: number;
}

type AppliedReload = Extract<ReloadOutcome, { ok: true }>;

type Applied = AppliedReload & { readonly admin_certificate?: string | null };

/** How often `--wait` asks for the status, by a request to a local socket. */
const askEveryMs = 200;

/** Returns the exit code. */
export async function reload(flags: ReloadFlags, context: ProcessContext): Promise<number> {
  const found = await findAdminToChange(flags, context, 'reload');
  const answer = await askGateway(found, 'POST', `${apiRoot}/reload`, context);
  if (flags.json && answer.status !== 200) printJson(answer.body, context);
  if (answer.status === 422) {
    const { errors = [] } = answer.body as { errors?: readonly string[] };
    throw new CommandFailure(
      'validation_failed',
      `The configuration has errors. The gateway continues with the active one.\n${errors.map((one) => `  ${one}`).join('\n')}`,
    );
  }
  if (answer.status === 409) throw new CommandFailure('refused', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const { revision, changed, overlay, admin_certificate = null } = answer.body as Applied;
  const target = trustingToo(found, admin_certificate);
  const warnings = await warningsOf(target, revision, context);
  if (flags.json) printJson({ ...(answer.body as Applied), warnings }, context);
  const what = changed.length === 0 ? 'Nothing has changed.' : `Changed: ${changed.map(changeText).join(', ')}.`;
  if (!flags.json) context.stdout.write(`Revision ${revision} is active. ${what}\n`);
  if (!flags.json && changed.length === 0) await writeSameProgram(target, context);
  if (!flags.json) for (const note of overlay) context.stdout.write(`${wrap(harmless(note), '  ').join('\n')}\n`);
  if (!flags.json) writeWarnings(warnings ?? [], context);
  if (found !== target) noteUntrusted(found, admin_certificate, context);
  const isNamed = isAmong(changed);
  const { exit, applications } = await followRollouts(target, isNamed, flags, context);
  if (exit !== exitCodes.ok) return exit;
  const isChanged: IsChanged = (application) => isNamed(application) && !applications.has(application.id);
  // A reload may change nothing while new instances of an earlier one still fail: that is no success either.
  const isConcerned: IsConcerned = (application) => isChanged(application) || isBeingReplaced(application);
  if (flags.wait) await untilReplaced(target, isConcerned, flags, context);
  else if (!flags.json) await writeReplacements(target, isChanged, context);
  return exitCodes.ok;
}

/** A deployed application gets its new command or environment as a release. With `--wait` the exit code is that of the first one that failed. */
async function followRollouts(
  target: AdminTarget,
  isChanged: IsChanged,
  flags: ReloadFlags,
  context: ProcessContext,
): Promise<{ readonly exit: number; readonly applications: ReadonlySet<string> }> {
  // A gateway of an earlier version has no releases.
  const all = await readReleases(target, context).catch(() => []);
  const applications = new Set<string>();
  let exit: number = exitCodes.ok;
  for (const { application, rollout } of all) {
    if (rollout === null || !isChanged({ id: application })) continue;
    applications.add(application);
    const ended = exitOf(await follow(target, application, rollout, flags, context));
    if (exit === exitCodes.ok) exit = ended;
  }
  return { exit, applications };
}

/** A reload compares the configuration: it does not see that the code of an application has changed. */
async function writeSameProgram(target: AdminTarget, context: ProcessContext): Promise<void> {
  if ((await replacements(target, () => true, context)).length === 0) return;
  const all = await readReleases(target, context).catch(() => []);
  writeSentences([all.some(({ inForce }) => inForce !== null) ? sameRelease : sameProgram], context);
}

const sameRelease = 'The release in force goes on: `candor deploy` brings changed code';

const sameProgram =
  'Instances go on with the program that they were started with: to start changed code, write another value under `environment` of the application, such as RELEASE, and run `candor reload --wait`';

/** What the gateway warns of in the revision. Null if it cannot be asked: the reload is done, and may have closed the admin API here. */
async function warningsOf(
  target: AdminTarget,
  revision: number,
  context: ProcessContext,
): Promise<readonly string[] | null> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/configuration`, context).catch((thrown: unknown) => {
    if (thrown instanceof CommandFailure) return null;
    throw thrown;
  });
  const active = answer?.status === 200 ? (answer.body as Partial<ConfigurationJson>) : {};
  return active.revision === revision ? (active.warnings ?? []) : null;
}

function writeWarnings(warnings: readonly string[], { stderr }: ProcessContext): void {
  for (const warning of warnings) stderr.write(`${wrapAfter('warning: ', harmless(warning), 9).join('\n')}\n`);
}

/** The reload may have renewed the certificate of the admin API: this command has been told, the next one has not. */
function noteUntrusted(found: AdminTarget, certificate: string | null, context: ProcessContext): void {
  // A command that is told of the configuration trusts the certificate in it.
  if (found.kind === 'socket' || certificate === null || typeof found.trust?.certificate === 'string') return;
  const authorities = found.trust?.authorities ?? null;
  if (isTrustedLater(certificate, authorities)) return;
  const what = authorities === null ? 'this machine does not trust' : 'the file of --ca-file does not have';
  context.stderr.write(
    `${wrap(`The admin API shows a certificate now that ${what}: the next command needs --ca-file with the new one.`, '').join('\n')}\n`,
  );
}

/** 'routes: /api, /' as 'routes (/api, /)', so that several changes can be told apart. */
function changeText(change: string): string {
  return change.replace(/^(\w+): (.*)$/, '$1 ($2)');
}

/** Whether the changes of a reload name an application: 'applications: web, api'. */
function isAmong(changed: readonly string[]): (application: Pick<ApplicationStatus, 'id'>) => boolean {
  const prefix = 'applications: ';
  const names = changed.filter((one) => one.startsWith(prefix)).flatMap((one) => one.slice(prefix.length).split(', '));
  return ({ id }) => names.includes(id);
}

type IsChanged = ReturnType<typeof isAmong>;
type IsConcerned = (application: ApplicationStatus) => boolean;

function isBeingReplaced({ instances }: ApplicationStatus): boolean {
  return instances.some(({ earlierCommand }) => earlierCommand !== null);
}

/**
 * Says which instances serve while new ones start: the configuration is already active, but its applications may not run
 * yet.
 */
async function writeReplacements(target: AdminTarget, isChanged: IsChanged, context: ProcessContext): Promise<void> {
  writeSentences(
    (await replacements(target, isChanged, context)).flatMap(({ text, served }) => text ?? served ?? []),
    context,
  );
}

function writeSentences(texts: readonly string[], { stdout }: ProcessContext): void {
  for (const text of texts) stdout.write(`${wrap(`${text}.`, '  ').join('\n')}\n`);
}

async function untilReplaced(
  target: AdminTarget,
  isChanged: IsConcerned,
  { timeout, json }: ReloadFlags,
  context: ProcessContext,
): Promise<void> {
  const { clock } = context;
  const late = after(clock.now(), timeout * 1000);
  let reported = '';
  for (;;) {
    const found = await replacements(target, isChanged, context);
    const texts = found.flatMap(({ text }) => text ?? []);
    if (found.some(({ state }) => state === 'failing'))
      throw new CommandFailure('health_gate_failed', `${texts.join('. ')}.`);
    if (found.every(({ state }) => state === 'done')) {
      if (json) return;
      if (reported !== '') context.stdout.write('The new instances serve.\n');
      // Nothing had to be started: instances with these settings ran already.
      else
        writeSentences(
          found.flatMap(({ served }) => served ?? []),
          context,
        );
      return;
    }
    if (clock.now() >= late)
      throw new CommandFailure(
        'timeout',
        `${texts.join('. ')}. This did not change within ${timeout} s.${waitingTexts(found)}`,
      );
    const reason = texts.join('. ');
    if (reason !== reported && !json) context.stderr.write(`${wrap(`${reason}.`, '  ').join('\n')}\n`);
    reported = reason;
    await pause(context, late);
  }
}

interface ReplacementText {
  readonly state: ReturnType<typeof replacementProgress>['state'];
  /** Null if no text is needed. */
  readonly text: string | null;
  /** Which instances serve, where they are all that the configuration wants; null: none does, or others are wanted. */
  readonly served: string | null;
  /** Why a new instance is not ready that starts; null: none does. */
  readonly waiting: string | null;
}

/** ' web: the new instance web/2 is not ready yet: …' */
function waitingTexts(found: readonly ReplacementText[]): string {
  return found.map(({ waiting }) => (waiting === null ? '' : ` ${waiting}.`)).join('');
}

async function replacements(
  target: AdminTarget,
  isChanged: IsConcerned,
  context: ProcessContext,
): Promise<readonly ReplacementText[]> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) throw refusal(answer);
  return statusOfJson(answer.body).applications.filter(isChanged).map(replacementTextOf);
}

function replacementTextOf(application: ApplicationStatus): ReplacementText {
  const replacement = replacementProgress(application);
  const { state } = replacement;
  if (state === 'done') {
    const names = application.instances.filter(({ phase }) => phase === 'ready').map(({ id }) => id);
    const served = names.length === 0 ? null : harmless(`${application.id}: ${instancesText(names)} already`);
    return { state, text: null, served, waiting: null };
  }
  const { serving } = replacement;
  const what = state === 'failing' ? failedText(replacement) : 'new instances are being started';
  const meanwhile = serving.length === 0 ? 'no instance serves meanwhile' : `${servingText(serving)} meanwhile`;
  const [waiting = null] = replacement.state === 'starting' ? replacement.waiting : [];
  return {
    state,
    text: harmless(`${application.id}: ${what}; ${meanwhile}`),
    served: null,
    waiting: waiting === null ? null : harmless(`${application.id}: ${waitingText(waiting)}`),
  };
}

function pause({ clock }: ProcessContext, late: Instant): Promise<void> {
  const at = after(clock.now(), askEveryMs);
  return new Promise((resolve) => {
    clock.schedule(late < at ? late : at, () => resolve(), null);
  });
}
