import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { camelCased, snakeCased } from '#failures/json-case.ts';
import { apiRoot } from '../admin/operations.ts';
import type { SecretsChange, SecretsStatus } from '../core/schemas/secrets.ts';
import { secretLimits, secretNameProblem, secretValueProblem } from '../deploy/secret-values.ts';
import { askAdmin, type AdminTarget, targetText } from './admin-client.ts';
import { refusal, unreachable } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { inputName } from './configuration-read.ts';
import { readEnvFile } from './env-file.ts';
import { findAdmin, findAdminToChange, NoGatewayFound } from './find-admin.ts';
import type { AskFlags } from './flags.ts';
import { alignColumns, harmless, printJson, wrap } from './layout.ts';
import { commandName, type ProcessContext, type SecretInput } from './process-context.ts';
import { standardSecretInput } from './secret-input.ts';
import type { SecretsOrder } from './secrets-direct.ts';
import { styleFor } from './style.ts';

export interface SecretFlags extends AskFlags {
  readonly application?: string;
}

/** Far more than any .env file has. */
const envBytesMax = 1024 ** 2;

/** `candor secret set` */
export async function setSecret(
  flags: SecretFlags,
  name: string,
  hasValue: boolean,
  context: ProcessContext,
): Promise<void> {
  const [written = ''] = name.split('=');
  if (hasValue || name.includes('=')) {
    const shown = secretNameProblem(written) === null ? written : '<name>';
    throw new CommandFailure(
      'usage',
      `A value is never an argument: every user of this machine can list the arguments of processes, and a shell keeps them in its history. It was not set; change it where it comes from if others may have seen it, and give it by \`${commandName(context.env)} secret set ${shown}\`, which asks for it, or by a pipe.`,
    );
  }
  const wrongName = secretNameProblem(name);
  // It may be a value in the wrong place.
  if (wrongName !== null) throw new CommandFailure('usage', `This is no name of a secret: ${wrongName}.`);
  const value = await readValue(name, context.secretInput ?? standardSecretInput);
  const wrong = secretValueProblem(value);
  if (wrong !== null) throw new CommandFailure('usage', `${name} was not set: ${wrong}.`);
  const change = await ordered<SecretsChange>(setting(flags, { [name]: value }), flags, context);
  printChange(change, flags, context);
  if (change.replacing.length === 0) await noteUnused([name], flags, context);
}

/** A name that is misspelled, or a secret of another application, would be noticed at the next start only. */
async function noteUnused(names: readonly string[], flags: SecretFlags, context: ProcessContext): Promise<void> {
  if (flags.json) return;
  const { application: owner = null } = flags;
  const { secrets } = await ordered<SecretsStatus>({ kind: 'list' }, flags, context);
  const unused = secrets.filter(
    ({ name, application, usedBy }) => names.includes(name) && application === owner && usedBy.length === 0,
  );
  if (unused.length === 0) return;
  const which = unused.map(({ name }) => name).join(', ');
  const whose = owner === null ? 'No application uses' : `The application ${owner} does not use`;
  const where = owner === null ? 'of the application that needs it' : `of ${owner}`;
  context.stderr.write(`${wrap(harmless(`${whose} ${which} yet: name it in \`secrets\` ${where}.`), '').join('\n')}\n`);
}

async function readValue(name: string, input: SecretInput): Promise<string> {
  if (input.isTerminal) {
    const typed = await input.askHidden(`Value of ${name} (it is not shown): `);
    if (typed === null) throw new CommandFailure('interrupted', `${name} was not set.`);
    return typed;
  }
  const read = await input.readAll(secretLimits.valueBytes + 2);
  if (read === null)
    throw new CommandFailure('usage', `${name} was not set: the value has more than ${secretLimits.valueBytes} bytes.`);
  const text = Buffer.from(read).toString('utf8');
  // `echo` ends a line; a key in several lines has its end by itself.
  const [line = ''] = text.split(/\r?\n$/);
  return line.includes('\n') ? text : line;
}

/** `candor secret list`. Returns the exit code. */
export async function listSecrets(flags: SecretFlags, context: ProcessContext): Promise<number> {
  const all = await ordered<SecretsStatus>({ kind: 'list' }, flags, context);
  const { application } = flags;
  const isWanted = (owner: string | null): boolean => application === undefined || owner === application;
  const status = {
    ...all,
    secrets: all.secrets.filter((one) => isWanted(one.application) || one.usedBy.includes(application ?? '')),
    missing: all.missing.filter((one) => isWanted(one.application)),
  };
  if (flags.json) printJson(snakeCased(status), context);
  else context.stdout.write(`${listLines(status, context).join('\n')}\n`);
  return status.missing.length > 0 ? exitCodes.failure : exitCodes.ok;
}

function listLines({ secrets, missing }: SecretsStatus, context: ProcessContext): string[] {
  const style = styleFor(context.stdout, context.env);
  const command = commandName(context.env);
  const rows = secrets.map((one) => [
    harmless(one.name),
    harmless(one.application ?? 'all'),
    `${one.changedAt.slice(0, 16).replace('T', ' ')} by ${harmless(one.changedBy)}`,
    one.usedBy.length === 0 ? 'none' : harmless(one.usedBy.join(', ')),
  ]);
  const table = rows.length === 0 ? [] : alignColumns([['NAME', 'OF', 'CHANGED (UTC)', 'USED BY'], ...rows]);
  const without = missing.flatMap(({ name, application }) => [
    `${style.bad('✖')} ${harmless(name)} of ${harmless(application)} has no value, and its programs cannot start:`,
    `  ${command} secret set ${harmless(name)} --application ${harmless(application)}`,
  ]);
  if (table.length + without.length === 0) return [`There are no secrets. ${command} secret set <name> makes one.`];
  return [...table, ...(table.length > 0 && without.length > 0 ? [''] : []), ...without];
}

/** `candor secret remove` */
export async function removeSecret(flags: SecretFlags, name: string, context: ProcessContext): Promise<void> {
  const application = flags.application ?? null;
  printChange(await ordered<SecretsChange>({ kind: 'remove', application, name }, flags, context), flags, context);
}

/** `candor secret import`. Returns the exit code. */
export async function importSecrets(flags: SecretFlags, file: string, context: ProcessContext): Promise<number> {
  const { values, refused, remarks } = readEnvFile(await readEnv(file, context));
  for (const { line, what } of remarks) context.stderr.write(`${noteLine(file, line, what)}\n`);
  const wrong = [...values].flatMap(([name, value]) => {
    const problem = secretValueProblem(value);
    return problem === null ? [] : [`${name}: ${problem}`];
  });
  if (wrong.length > 0) throw new CommandFailure('usage', `Nothing was set. ${wrong.join('; ')}.`);
  for (const { line, what } of refused) context.stderr.write(`${noteLine(file, line, `was not read: ${what}`)}\n`);
  if (values.size === 0) throw new CommandFailure('usage', `${nameOf(file)} has no line with a secret.`);
  const change = await ordered<SecretsChange>(setting(flags, Object.fromEntries(values)), flags, context);
  printChange(change, flags, context, { not_read: refused });
  if (change.replacing.length === 0) await noteUnused([...values.keys()], flags, context);
  return refused.length > 0 ? exitCodes.failure : exitCodes.ok;
}

async function readEnv(file: string, context: ProcessContext): Promise<string> {
  if (file === inputName) {
    const read = await (context.secretInput ?? standardSecretInput).readAll(envBytesMax);
    if (read === null) throw new CommandFailure('usage', 'Standard input has more than 1 MiB, or cannot be read.');
    return Buffer.from(read).toString('utf8');
  }
  const path = resolve(context.directory, file);
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > envBytesMax)
      throw new CommandFailure('usage', `${file} is no file of at most 1 MiB.`);
    if ((found.mode & 0o044) !== 0)
      context.stderr.write(`Other users may read the secrets in ${file}: \`chmod 600 ${file}\`.\n`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure('usage', `${file} cannot be read: it is not there, or not for this user.`);
  }
}

/** `candor secret rotate-key` */
export async function rotateKey(flags: AskFlags, context: ProcessContext): Promise<void> {
  printChange(await ordered<SecretsChange>({ kind: 'rotate_key' }, flags, context), flags, context);
}

function setting({ application }: SecretFlags, values: Readonly<Record<string, string>>): SecretsOrder {
  return { kind: 'set', application: application ?? null, values };
}

const operations = {
  list: { method: 'GET', path: 'secrets' },
  set: { method: 'POST', path: 'secrets/set' },
  remove: { method: 'POST', path: 'secrets/remove' },
  rotate_key: { method: 'POST', path: 'secrets/rotate-key' },
} as const;

/** By the gateway that runs; where none does, on its state folder. */
async function ordered<T extends SecretsStatus | SecretsChange>(
  order: SecretsOrder,
  flags: AskFlags,
  context: ProcessContext,
): Promise<T> {
  const target = await targetFor(order, flags, context);
  const { kind, ...body } = order;
  const { method, path } = operations[kind];
  const answer =
    target === null
      ? null
      : await askAdmin(target, method, `${apiRoot}/${path}`, context.clock, null, method === 'GET' ? null : body);
  if (target === null || answer === null) return (await inFolder(order, flags.config, context)) as T;
  if (!answer.ok) {
    const mayBeDown = answer.why === 'nobody_there' && target.kind === 'socket' && flags.socket === undefined;
    if (mayBeDown) return (await inFolder(order, flags.config, context)) as T;
    throw unreachable(targetText(target), answer);
  }
  if (answer.status === 200) return camelCased(answer.body) as T;
  const { message } = refusal(answer);
  const exits: Readonly<Partial<Record<number, ConstructorParameters<typeof CommandFailure>[0]>>> = {
    404: 'not_found',
    409: 'refused',
    422: 'usage',
  };
  throw new CommandFailure(exits[answer.status] ?? 'failure', message);
}

/** The reader of configurations is loaded where no gateway runs. */
async function inFolder(
  order: SecretsOrder,
  config: string | undefined,
  context: ProcessContext,
): Promise<SecretsStatus | SecretsChange> {
  return (await import('./secrets-direct.ts')).orderWithoutGateway(order, config ?? 'candor.yaml', context);
}

/** Null: no gateway runs, and there is a configuration whose state folder can be used. */
async function targetFor(order: SecretsOrder, flags: AskFlags, context: ProcessContext): Promise<AdminTarget | null> {
  try {
    return await (order.kind === 'list' ? findAdmin(flags, context) : findAdminToChange(flags, context));
  } catch (error) {
    if (!(error instanceof NoGatewayFound) || error.skippedSockets) throw error;
    if (!existsSync(resolve(context.directory, flags.config ?? 'candor.yaml'))) throw error;
    return null;
  }
}

function printChange(change: SecretsChange, flags: SecretFlags, context: ProcessContext, beside: object = {}): void {
  if (flags.json) return printJson({ ...snakeCased(change), ...beside }, context);
  const whose = flags.application === undefined ? 'all applications' : flags.application;
  const { added, changed, unchanged, removed, replacing, key } = change;
  const said = [
    sentence([...added, ...changed], `of ${whose}`, 'set'),
    unchanged.length === 0 ? null : `${unchanged.join(', ')} had this value before.`,
    sentence(removed, `of ${whose}`, 'removed'),
    key === null ? null : `All secrets are encrypted with the key ${key}.`,
    replacing.length === 0 ? null : `New instances of ${replacing.join(', ')} take the place of the old ones.`,
  ].filter((one) => one !== null);
  const lines = wrap(harmless(said.join(' ')), '');
  if (replacing.length > 0) lines.push(`  ${commandName(context.env)} status`);
  context.stdout.write(`${lines.join('\n')}\n`);
}

function sentence(names: readonly string[], whose: string, what: string): string | null {
  return names.length === 0 ? null : `${names.join(', ')} ${whose} ${names.length === 1 ? 'was' : 'were'} ${what}.`;
}

function noteLine(file: string, line: number, what: string): string {
  return wrap(harmless(`${nameOf(file)}, line ${line}: ${what}.`), '').join('\n');
}

function nameOf(file: string): string {
  return file === inputName ? 'Standard input' : file;
}
