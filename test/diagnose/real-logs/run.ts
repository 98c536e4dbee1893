import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preparePeer } from '../../../scripts/peers.ts';
import { cacheFolder } from '../../../scripts/repository.ts';
import * as diagnose from '../../../src/diagnose/diagnose.ts';
import { type RealGateway, realGateways } from './gateways.ts';
import { failureText, type JudgedCase, judge } from './judge.ts';
import { openStage, type PlayedCase, playAll } from './play.ts';

// `node test/diagnose/real-logs/run.ts [<gateway>…]`: lets the origin misbehave behind real gateways, keeps their log lines in
// `.cache/real-logs/<gateway>.json`, and compares the verdicts of `candor/diagnose` with what happened.

const wanted = process.argv.slice(2);
const stage = await openStage();
for (const gateway of realGateways.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const played = await play(gateway);
  keep(gateway, played);
  tellOf(played.map((one) => judge(one, diagnose)));
}
await stage.close();

async function play(gateway: RealGateway): Promise<PlayedCase[]> {
  for (const peer of [gateway.peer, ...(gateway.readers === undefined ? [] : [gateway.readers.peer])]) {
    const found = preparePeer(peer, console.log);
    if ('missing' in found) {
      console.error(found.missing);
      process.exitCode = 1;
      return [];
    }
  }
  return await playAll(gateway, stage);
}

function keep({ name }: RealGateway, played: readonly PlayedCase[]): void {
  const folder = join(cacheFolder, 'real-logs');
  mkdirSync(folder, { recursive: true });
  const rows = played.map(({ failureCase: act, log, lines }) => ({
    log: log.name,
    logFormat: log.logFormat,
    act: act.id,
    does: act.does,
    shape: act.shape,
    type: act.type,
    lines,
  }));
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(rows, null, 1)}\n`);
  console.log(`${name}: ${rows.length} acts in ${join(folder, `${name}.json`)}`);
}

function tellOf(judged: readonly JudgedCase[]): void {
  for (const one of judged.filter(({ right }) => right === false)) console.log(failureText(one));
  for (const told of [true, false]) {
    const of = judged.filter((one) => one.told === told && one.right !== null);
    const right = of.filter((one) => one.right === true).length;
    console.log(`  ${told ? 'what the logs can tell' : 'what they cannot'}: ${right} of ${of.length} right`);
  }
}
