import { BlockList, isIPv6 } from 'node:net';
import { coversHosts } from '../core/host-match.ts';
import { coversPath } from '../core/path-match.ts';
import type { RequestCondition, ValueTest } from '../core/request-condition.ts';

/** Whether requests that meet all of `given` meet all of `wanted`. False where that would take more than a look at each of them. */
export function impliesConditions(given: readonly RequestCondition[], wanted: readonly RequestCondition[]): boolean {
  return wanted.every((one) => given.some((other) => implies(other, one)) || isMetByOne(given, one));
}

function isMetByOne(given: readonly RequestCondition[], wanted: RequestCondition): boolean {
  return wanted.kind === 'any' && wanted.of.some((conditions) => impliesConditions(given, conditions));
}

function implies(given: RequestCondition, wanted: RequestCondition): boolean {
  if (given.kind !== wanted.kind) return false;
  return JSON.stringify(given) === JSON.stringify(wanted) || impliesOfKind(given, wanted);
}

function impliesOfKind(given: RequestCondition, wanted: RequestCondition): boolean {
  if (given.kind === 'client_address' && wanted.kind === 'client_address')
    return given.networks.every((network) => wanted.networks.some((other) => liesIn(network, other)));
  if (given.kind === 'listener' && wanted.kind === 'listener')
    return given.names.every((name) => wanted.names.includes(name));
  if (given.kind === 'host' && wanted.kind === 'host') return coversHosts(wanted.hosts, given.hosts);
  if (given.kind === 'path' && wanted.kind === 'path')
    return given.paths.every((path) => wanted.paths.some((other) => coversPath(other, path)));
  if (given.kind === 'method' && wanted.kind === 'method')
    return given.methods.every((method) => wanted.methods.includes(method));
  if ('tests' in given && 'tests' in wanted && given.name === wanted.name)
    return wanted.tests.every((test) => given.tests.some((other) => impliesTest(other, test)));
  return false;
}

function impliesTest(given: ValueTest, wanted: ValueTest): boolean {
  if (given.kind === 'absent' || wanted.kind === 'absent') return given.kind === wanted.kind;
  if (wanted.kind === 'present') return true;
  if (given.kind === 'present') return false;
  if (given.kind === wanted.kind && given.value === wanted.value) return true;
  if (wanted.kind === 'prefix' && (given.kind === 'is' || given.kind === 'prefix'))
    return given.value.startsWith(wanted.value);
  return (
    wanted.kind === 'suffix' && (given.kind === 'is' || given.kind === 'suffix') && given.value.endsWith(wanted.value)
  );
}

function liesIn(network: string, other: string): boolean {
  const [[address = '', bits], [outer = '', outerBits]] = [network.split('/'), other.split('/')];
  const family = isIPv6(outer) ? 'ipv6' : 'ipv4';
  if (isIPv6(address) !== isIPv6(outer) || Number(bits) < Number(outerBits)) return false;
  const block = new BlockList();
  block.addSubnet(outer, Number(outerBits), family);
  return block.check(address, family);
}
